/* SPDX-License-Identifier: Apache-2.0 */
/* unix_server.h - the administration API on a Unix socket: HTTP/1.1 on the control thread's loop.
 *
 * Whoever runs as root or as the server's own user is the server administrator; others are cut off.
 * Limits: RPC_UNIX_CONNECTIONS at once, RPC_UNIX_REQUEST_S for a whole request once it has begun,
 * RPC_UNIX_IDLE_S between requests; one request at a time in a connection.
 */
#pragma once

#include "core/rpc/server.h"

#include <glib.h>

enum { RPC_UNIX_CONNECTIONS = 64, RPC_UNIX_REQUEST_S = 30, RPC_UNIX_IDLE_S = 3600 };

struct rpc_unix_server;

/* Control thread. Makes the socket (0600) at path, replacing a dead one. s is borrowed. */
struct rpc_unix_server *rpc_unix_server_new(struct rpc_server *s, const char *path, GError **error);
/* Cuts all connections and removes the socket. Before rpc_server_free(). */
void rpc_unix_server_free(struct rpc_unix_server *u);
