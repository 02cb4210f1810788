/* SPDX-License-Identifier: Apache-2.0 */
/* shaper.h - holds frames back so that a port sends, or receives, no more than so many bits a
 * second.
 *
 * It delays and does not merely discard: TCP finds the rate and keeps it. The queue is bounded by
 * the time it takes to send (SHAPER_QUEUE_US) and CoDel keeps it short before that. What counts
 * is what Ethernet carries, without its header: 1500 bytes of a full frame. A super-frame counts as
 * the frames it stands for, and is cut into them where it would block the way for too long.
 *
 * Three bands: what a network needs to work at all (ARP, neighbour discovery, DHCP), what is marked
 * as urgent (a DSCP in the ToS byte, unless qos is off), and the rest. An earlier band goes first,
 * but the rest always gets its share (SHAPER_BULK_SHARE).
 *
 * Time comes as a parameter. One thread. The owner asks for shaper_due_us() and pulls then.
 */
#pragma once

#include "core/base/batch.h"
#include "core/base/drop.h"
#include "core/base/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SHAPER_QUEUE_US = 50 * 1000, /* how long a full queue takes to send */
    SHAPER_QUEUE_MIN = 8 * 1514, /* bytes, however low the rate */
    SHAPER_BURST_US = 10 * 1000, /* what may go at once after a pause */
    SHAPER_LATE_US = 200 * 1000, /* what may be caught up while frames wait for a late look */
    SHAPER_WHOLE_US = 2 * 1000,  /* a super-frame that takes longer is cut */
    SHAPER_BULK_SHARE = 5,       /* one fifth at least */
};

struct shaper;

/* bits_per_s is not 0. */
struct shaper *shaper_new(uint64_t bits_per_s, bool qos, int64_t now_us);
/* Frees what it holds. NULL is fine. */
void shaper_free(struct shaper *s);
/* Another rate from now on; what is held stays, unless the queue is now shorter and full. */
void shaper_set(struct shaper *s, uint64_t bits_per_s, bool qos, int64_t now_us);
uint64_t shaper_rate(const struct shaper *s);

/* True: the whole batch may go at once, and has been counted. The usual case below the limit, and
 * cheap. False: push and pull. */
bool shaper_pass(struct shaper *s, const struct batch *b, int64_t now_us) MUST_CHECK;
/* Takes all frames; the batch is empty afterwards. What has no room is freed and counted up in
 * dropped. pool is the thread's own. */
void shaper_push(struct shaper *s, struct batch *b, struct frame_pool *pool, int64_t now_us,
                 unsigned dropped[DROP_N_REASONS]);
/* Adds to the batch what may go now, until it is full: then call again. */
void
shaper_pull(struct shaper *s, struct batch *out, int64_t now_us, unsigned dropped[DROP_N_REASONS]);
/* When the next frame may go; INT64_MAX when none is held. */
int64_t shaper_due_us(const struct shaper *s);
/* Takes out everything regardless of the rate, for a limit that is lifted. True: there is more. */
bool shaper_drain(struct shaper *s, struct batch *out) MUST_CHECK;

unsigned shaper_held(const struct shaper *s);
size_t shaper_held_bytes(const struct shaper *s);
