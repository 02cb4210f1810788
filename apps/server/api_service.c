/* SPDX-License-Identifier: Apache-2.0 */
/* api_service.c - see api_service.h. */

#include "apps/server/api_service.h"

enum { API_BODY_MAX = 256 * 1024 }; /* from strangers: each request logs in for itself */

struct api_service {
    struct http_service http;
    struct rpc_server *rpc;
};

/* A request under way. */
struct call {
    struct api_service *api;
    struct conn *conn;
    struct rpc_http_call *rpc;
};

static size_t
claims(void *state, const struct http_head *head)
{
    (void)state;
    return rpc_http_is_api(head) ? API_BODY_MAX : 0;
}

static void
on_done(void *owner, GBytes *response, bool close)
{
    struct call *call = owner;
    struct conn *c = call->conn;
    gsize len = 0;
    const char *bytes = g_bytes_get_data(response, &len);

    conn_set_data(c, NULL, NULL);
    if (rpc_http_logged_in(call->rpc)) /* OPTIONS gets 200 without */
        conn_set_welcome(c);
    g_free(call);
    conn_reply_raw(c, bytes, len, close);
}

static void
on_request(void *state, struct conn *c, const struct http_head *head, struct reader body,
           int64_t now_us)
{
    struct api_service *api = state;
    g_autoptr(GBytes) bytes = g_bytes_new(body.at, body.left);
    struct rpc_http_request request = {
        .head = head, .body = bytes, .peer = {.address = *conn_peer(c)}};

    (void)now_us;
    if (conn_data(c)) { /* a connection is for a VPN or for the API, not for both */
        conn_close(c);
        return;
    }
    struct call *call = g_new0(struct call, 1);
    call->api = api;
    call->conn = c;
    conn_set_data(c, &api->http, call);
    call->rpc = rpc_http_handle(api->rpc, &request, conn_worker(c), on_done, call);
}

static void
on_gone(void *state, struct conn *c)
{
    struct call *call = conn_data(c);

    (void)state;
    rpc_http_cancel(call->rpc);
    g_free(call);
}

struct api_service *
api_service_new(struct rpc_server *rpc)
{
    struct api_service *a = g_new0(struct api_service, 1);

    a->rpc = rpc;
    a->http = (struct http_service){
        .name = "API", .state = a, .claims = claims, .request = on_request, .gone = on_gone};
    return a;
}

void
api_service_free(struct api_service *a)
{
    g_free(a);
}

const struct http_service *
api_service_http(struct api_service *a)
{
    return &a->http;
}
