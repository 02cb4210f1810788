/* SPDX-License-Identifier: Apache-2.0 */
/* stream.h - a blocking byte stream for the client: Unix socket, or TLS over TCP. One thread at a
 * time. */
#pragma once

#include "core/rpc/wire/client.h"

#include <gio/gio.h>

struct rpc_stream;

/* Connects, and for TLS proves who the server is. seen (32 bytes) gets the fingerprint of what was
 * shown, *has_seen whether there was one. */
struct rpc_stream *rpc_stream_open(const struct rpc_client_config *config, GCancellable *cancel,
                                   uint8_t *seen, bool *has_seen, GError **error);
void rpc_stream_free(struct rpc_stream *s);
/* Nothing waits to be read and the other end has not gone. */
bool rpc_stream_is_idle(struct rpc_stream *s);
bool rpc_stream_write(struct rpc_stream *s, const void *bytes, size_t len, GCancellable *cancel,
                      GError **error);
/* Bytes read, 0 at the end, -1 and error. */
gssize
rpc_stream_read(struct rpc_stream *s, void *at, size_t cap, GCancellable *cancel, GError **error);
