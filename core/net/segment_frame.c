/* SPDX-License-Identifier: Apache-2.0 */
/* segment_frame.c - segments as frames of their own, for ports that need such. See segment.h. */

#include "core/net/segment.h"

#include <string.h>

static struct frame *
make(struct frame_pool *pool, const struct segment *s)
{
    struct frame *f = frame_new(pool, s->header_len + s->payload_len);
    if (!f)
        return NULL;

    uint8_t *at = frame_put(f, s->header_len + s->payload_len);
    if (s->header_len > 0)
        memcpy(at, s->header, s->header_len);
    memcpy(at + s->header_len, s->payload, s->payload_len);
    return f;
}

bool
segment_to_batch(struct segment_iter *it, struct frame_pool *pool, struct batch *out,
                 unsigned *lost)
{
    struct segment s;

    while (!batch_is_full(out)) {
        if (!segment_next(it, &s))
            return true;
        struct frame *f = make(pool, &s);
        if (!f) {
            ++*lost;
            continue;
        }
        if (segment_is_verified(it))
            f->flags |= FRAME_CSUM_OK;
        batch_add(out, f);
    }
    return it->i == it->n;
}
