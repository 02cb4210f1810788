/* SPDX-License-Identifier: Apache-2.0 */
/* batch.h - up to 64 frames: the unit in which everything on the data path works.
 *
 * Who receives a batch consumes it: afterwards b->n is 0 and every frame has a new owner or is
 * freed.
 */
#pragma once

#include "core/base/frame.h"

enum { BATCH_MAX = 64 };

struct batch {
    unsigned n;
    struct frame *frame[BATCH_MAX];
};

static inline bool
batch_is_full(const struct batch *b)
{
    return b->n == BATCH_MAX;
}

/* The caller has looked: the batch is not full. */
static inline void
batch_add(struct batch *b, struct frame *f)
{
    b->frame[b->n++] = f;
}

static inline void
batch_free_frames(struct batch *b)
{
    for (unsigned i = 0; i < b->n; i++)
        frame_free(b->frame[i]);
    b->n = 0;
}
