/* SPDX-License-Identifier: Apache-2.0 */
/* bridge_io.h - frames between a bridge's link and the hub: in batches, offload marks carried.
 *
 * One thread, the one of the pool. Knows neither hub nor loop: losses are added up in dropped, for
 * the bridge to move to its port.
 */
#pragma once

#include "core/base/batch.h"
#include "core/base/drop.h"
#include "core/base/types.h"
#include "core/hub/bridge_link.h"

#include <stdbool.h>

enum {
    BRIDGE_RX = 32,          /* frames read at once */
    BRIDGE_WAIT_FRAMES = 256 /* that wait for a link that is full; then DROP_QUEUE_FULL */
};

/* Embedded; zero-initialised is empty. */
struct bridge_io {
    struct bridge_link link;
    struct frame *rx[BRIDGE_RX]; /* large frames to read into; owned, NULL until needed */
    struct frame *wait[BRIDGE_WAIT_FRAMES];
    unsigned wait_first, n_wait;
    unsigned dropped[DROP_N_REASONS];
};

/* Frees all frames and closes the link. */
void bridge_io_done(struct bridge_io *io);

enum bridge_io_verdict {
    BRIDGE_IO_OK,
    BRIDGE_IO_EMPTY, /* nothing is there */
    BRIDGE_IO_LOST   /* the device went away */
};

/* Reads once; adds what arrived to an empty batch, which may stay empty. */
enum bridge_io_verdict
bridge_io_receive(struct bridge_io *io, struct frame_pool *pool, struct batch *out) MUST_CHECK;
/* Sends or queues. Consumes the batch. */
enum bridge_io_verdict
bridge_io_send(struct bridge_io *io, struct frame_pool *pool, struct batch *b) MUST_CHECK;
/* The link is writable again. */
enum bridge_io_verdict bridge_io_flush(struct bridge_io *io) MUST_CHECK;

/* Whether something waits for the link to become writable. */
static inline bool
bridge_io_waits(const struct bridge_io *io)
{
    return io->n_wait > 0;
}
