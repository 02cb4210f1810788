/* SPDX-License-Identifier: Apache-2.0 */
/* channel.h - the data channel of one SE-VPN session: frames over 1 to 32 TCP connections. Both
 * sides use it.
 *
 * Frames of one flow stay on one connection, so that parallel connections do not reorder them. Each
 * connection has a queue that is used only while its socket is full. A server's queue is managed by
 * CoDel; a client's holds its sender back instead (lossless). Keepalives go out on every connection
 * that may send; a connection from which nothing comes for the session's timeout is closed, and a
 * session for which that is true of all its connections ends (PE_SESSION_TIMEOUT). One worker.
 */
#pragma once

#include "core/base/batch.h"
#include "core/base/worker.h"
#include "core/crypto/tls.h"
#include "core/proto/sevpn/block.h"
#include "core/proto/sevpn/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct sevpn_channel;

struct sevpn_channel_config {
    struct block_format format;
    unsigned timeout_ms;
    unsigned max_connections;
    bool server;   /* which side we are */
    bool lossless; /* hold the sender back instead of dropping */
    bool qos;      /* the last of several connections is for priority frames */
};

/* On the worker. Inside any of them the channel may be freed. */
struct sevpn_channel_ops {
    void (*receive)(void *owner, struct batch *b, int64_t now_us); /* consumes */
    void (*dropped)(void *owner, enum drop why, unsigned n);
    void (*writable)(void *owner, int64_t now_us); /* lossless: there is room again */
    void (*connections)(void *owner, unsigned n, int64_t now_us); /* one came or went */
    void (*ended)(void *owner, int code, int64_t now_us);         /* PE_SESSION_TIMEOUT; free it */
};

struct sevpn_channel *sevpn_channel_new(struct worker *w, const struct sevpn_channel_config *config,
                                        const struct sevpn_channel_ops *ops, void *owner);
/* Closes all connections. */
void sevpn_channel_free(struct sevpn_channel *ch);

/* The direction that the next additional connection gets from a server. */
enum sevpn_direction sevpn_channel_next_direction(const struct sevpn_channel *ch);
/* Takes an open stream of this worker; its first bytes may have been read already (rest, borrowed).
 * May call receive(), and so end the channel. False: too many, the stream is closed. */
bool sevpn_channel_add(struct sevpn_channel *ch, struct tls_stream *stream,
                       enum sevpn_direction direction, struct reader rest, int64_t now_us);
unsigned sevpn_channel_connections(const struct sevpn_channel *ch);

/* Consumes the batch. False: congested; a lossless sender waits for writable(). */
bool sevpn_channel_send(struct sevpn_channel *ch, struct batch *b, int64_t now_us);

struct sevpn_channel_stats {
    uint64_t in_frames, in_bytes, out_frames, out_bytes;
    int64_t last_in_us;
};
const struct sevpn_channel_stats *sevpn_channel_stats(const struct sevpn_channel *ch);
