/* SPDX-License-Identifier: Apache-2.0 */
/* queue.h - a bounded queue of frames in front of a slow way out, managed by CoDel (RFC 8289).
 *
 * Bounded twice: in bytes, and in the time a frame may stay. A queue that has stood above
 * QUEUE_TARGET_US for QUEUE_INTERVAL_US drops from its head, ever faster, until it falls below. One
 * thread.
 */
#pragma once

#include "core/base/drop.h"
#include "core/base/frame.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    QUEUE_MAX_BYTES = 6 * 1024 * 1024,
    QUEUE_MAX_FRAMES = 2048,
    QUEUE_TARGET_US = 20 * 1000,
    QUEUE_INTERVAL_US = 200 * 1000,
};

struct frame_queue_slot {
    struct frame *frame;
    int64_t at_us; /* when it came */
};

/* Slots of its own, since a flooded frame stands in many queues at once. Zero-initialised is empty;
 * holds no memory while it is empty. */
struct frame_queue {
    struct frame_queue_slot *slot; /* owned, circular */
    unsigned cap, head, n;
    size_t bytes;
    /* CoDel's parameters; 0: QUEUE_TARGET_US, QUEUE_INTERVAL_US. May be changed at any time. */
    int64_t target_us, interval_us;
    /* CoDel's state */
    int64_t first_above_us, drop_next_us;
    unsigned count, last_count;
    bool dropping;
};

/* Takes the frame, or frees it and says why. */
enum drop frame_queue_push(struct frame_queue *q, struct frame *f, int64_t now_us);
/* The next frame to send, or NULL. *dropped is increased for each one that CoDel gave up. */
struct frame *frame_queue_pop(struct frame_queue *q, int64_t now_us, unsigned *dropped);
/* The next frame without CoDel: for a sender that is held back instead of losing frames. */
struct frame *frame_queue_pop_plain(struct frame_queue *q);
/* Frees all; the parameters stay. */
void frame_queue_clear(struct frame_queue *q);
