/* SPDX-License-Identifier: Apache-2.0 */
/* http_api.h - the administration API over HTTP: a request's head and body in, a response out.
 *
 * The same for the Unix socket and for TLS listeners; who reads and writes bytes is another matter.
 * POST /api/ takes one JSON-RPC 2.0 object; GET /api/METHOD?a=b does the same with a query; OPTIONS
 * is answered without login. Each request logs in for itself (docs/api.md). Limits: a body of
 * RPC_BODY_MAX, RPC_BODY_TOTAL for all bodies of strangers together, RPC_LOGIN_QUEUE passwords that
 * wait for a helper.
 */
#pragma once

#include "core/base/http.h"
#include "core/base/worker.h"
#include "core/rpc/server.h"

#include <glib.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RPC_BODY_MAX = 8 * 1024 * 1024,
    RPC_BODY_TOTAL = 64 * 1024 * 1024,
    RPC_LOGIN_QUEUE = 64,
};

/* Whether a request is for the API: its target is /api, /api/... or /api?... Any thread. */
bool rpc_http_is_api(const struct http_head *head);

/* For whoever collects bodies: room for len bytes of a body, from the total of all. False: refuse
 * with 503 (or 413 when len > RPC_BODY_MAX). Released by the same length. Any thread. */
bool rpc_http_reserve(struct rpc_server *s, uint64_t len);
void rpc_http_release(struct rpc_server *s, uint64_t len);

struct rpc_http_peer {
    struct endpoint address; /* family 0 for a local one */
    bool local_admin; /* proven by the Unix socket: server administrator without a password */
    uint32_t uid;     /* of a local one, for the log */
};

/* Exactly once, on the worker given (NULL: the control thread), never from inside the call. The
 * response is whole, head and body; borrowed. close: the connection ends after it. */
typedef void rpc_http_done(void *owner, GBytes *response, bool close);

struct rpc_http_call;

struct rpc_http_request {
    const struct http_head *head; /* borrowed during the call */
    GBytes *body;                 /* NULL for none; referenced */
    struct rpc_http_peer peer;
};

/* Takes a request; what is needed of the head is copied. Any thread; w is the
 * worker that the caller is on, or NULL for the control thread. The call is valid until done. */
struct rpc_http_call *rpc_http_handle(struct rpc_server *s, const struct rpc_http_request *request,
                                      struct worker *w, rpc_http_done *done, void *owner);
/* On the thread where done would come: it does not come any more. What was asked may still happen.
 */
void rpc_http_cancel(struct rpc_http_call *c);

/* Inside done: whether the request proved who it is. An address may get better treatment only then.
 */
bool rpc_http_logged_in(const struct rpc_http_call *c);

/* A response for what goes wrong before there is a request: status 400, 404, 408, 413, 503; always
 * "Connection: close". Any thread. */
GBytes *rpc_http_error(unsigned status);
