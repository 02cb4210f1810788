/* SPDX-License-Identifier: Apache-2.0 */
/* tube.h - frames from any worker to one receiver that lives on one worker.
 *
 * Inside the receiver's own worker tube_send() is a call of receive(); between workers it is one
 * slot of a lock-free ring, which holds a whole batch and a reference to the receiver, and at most
 * one wake-up. What does not fit is dropped and counted at the receiver (dropped).
 */
#pragma once

#include "core/base/batch.h"
#include "core/base/drop.h"
#include "core/base/worker.h"

struct tube;

struct tube_ops {
    /* Consumes the batch. On the home worker. */
    void (*receive)(struct tube *t, struct batch *b, int64_t now_us);
    /* Keep the receiver alive while a batch is on its way. Any worker. */
    void (*ref)(struct tube *t);
    void (*unref)(struct tube *t);
};

/* Embedded in the receiver. */
struct tube {
    const struct tube_ops *ops;
    struct worker *home;
    _Atomic uint64_t dropped; /* frames, by reason DROP_RING_FULL */
};

/* Consumes the batch. Worker threads only. */
void tube_send(struct tube *t, struct batch *b, int64_t now_us);
