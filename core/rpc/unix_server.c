/* SPDX-License-Identifier: Apache-2.0 */
/* unix_server.c - see unix_server.h. A connection is in one of three states: it reads a request,
 * waits for its answer, or writes that. While it waits or writes nothing is read, so a peer that
 * does not take its answers fills its own socket. */
#include "core/rpc/unix_server.h"

#include "core/base/error.h"
#include "core/base/http.h"
#include "core/base/log.h"
#include "core/rpc/http_api.h"
#include "platform/platform.h"

#include <glib-unix.h>
#include <glib/gstdio.h>

#include <string.h>
#include <unistd.h>

enum { READ_PIECE = 65536, TURN_MAX = 16 /* pieces in one turn of the loop */ };

struct rpc_unix_server {
    struct rpc_server *rpc;
    char *path;
    int fd;
    GMainContext *context;
    GSource *accept;
    GQueue connections; /* of struct connection */
};

struct connection {
    struct rpc_unix_server *server;
    GList link;
    int fd;
    uint32_t uid;
    GSource *watch; /* for reading, or for writing */
    GSource *limit; /* of time */
    GByteArray *in;
    uint64_t reserved; /* bytes of the body, from all that may be collected */
    struct rpc_http_call *call;
    GBytes *out;
    size_t sent;
    bool close_after;
};

static void serve_input(struct connection *c);

static void
drop_source(GSource **source)
{
    if (!*source)
        return;
    g_source_destroy(*source);
    g_source_unref(*source);
    *source = NULL;
}

static void
connection_free(struct connection *c)
{
    g_queue_unlink(&c->server->connections, &c->link);
    if (c->call)
        rpc_http_cancel(c->call);
    drop_source(&c->watch);
    drop_source(&c->limit);
    rpc_http_release(c->server->rpc, c->reserved);
    g_byte_array_unref(c->in);
    if (c->out)
        g_bytes_unref(c->out);
    pf_close(c->fd);
    g_free(c);
}

static gboolean
on_time_over(void *data)
{
    connection_free(data);
    return G_SOURCE_REMOVE;
}

static void
set_limit(struct connection *c, unsigned seconds)
{
    drop_source(&c->limit);
    if (seconds == 0)
        return;
    c->limit = g_timeout_source_new_seconds(seconds);
    g_source_set_callback(c->limit, on_time_over, c, NULL);
    g_source_attach(c->limit, c->server->context);
}

/* GLib calls it as a GUnixFDSourceFunc. */
static void
watch(struct connection *c, GIOCondition what, gboolean (*ready)(int, GIOCondition, void *))
{
    drop_source(&c->watch);
    if (!ready)
        return;
    c->watch = g_unix_fd_source_new(c->fd, what);
    g_source_set_callback(c->watch, (GSourceFunc)(void (*)(void))ready, c, NULL);
    g_source_attach(c->watch, c->server->context);
}

/* ---- writing ---- */

static gboolean on_writable(int fd, GIOCondition what, void *data);
static gboolean on_readable(int fd, GIOCondition what, void *data);

/* False: the connection is gone. */
static bool
write_some(struct connection *c)
{
    gsize len = 0;
    const char *at = g_bytes_get_data(c->out, &len);

    while (c->sent < len) {
        long n = pf_send(c->fd, at + c->sent, len - c->sent);
        if (n == -1) {
            watch(c, G_IO_OUT, on_writable);
            return true;
        }
        if (n < 0) {
            connection_free(c);
            return false;
        }
        c->sent += (size_t)n;
    }
    g_bytes_unref(c->out);
    c->out = NULL;
    if (c->close_after) {
        connection_free(c);
        return false;
    }
    set_limit(c, RPC_UNIX_IDLE_S);
    watch(c, G_IO_IN, on_readable);
    return true;
}

static void
send_response(struct connection *c, GBytes *response, bool close)
{
    c->out = g_bytes_ref(response);
    c->sent = 0;
    c->close_after = close;
    set_limit(c, RPC_UNIX_REQUEST_S);
    if (write_some(c) && !c->out)
        serve_input(c); /* what came behind the last request */
}

static gboolean
on_writable(int fd, GIOCondition what, void *data)
{
    struct connection *c = data;

    (void)fd;
    (void)what;
    if (write_some(c) && !c->out)
        serve_input(c);
    return G_SOURCE_CONTINUE; /* the source was replaced or destroyed where it had to be */
}

static void
refuse(struct connection *c, unsigned status)
{
    GBytes *response = rpc_http_error(status);

    watch(c, 0, NULL);
    send_response(c, response, true);
    g_bytes_unref(response);
}

/* ---- reading ---- */

static void
on_answer(void *owner, GBytes *response, bool close)
{
    struct connection *c = owner;

    c->call = NULL;
    rpc_http_release(c->server->rpc, c->reserved);
    c->reserved = 0;
    send_response(c, response, close);
}

static void
start_call(struct connection *c, const struct http_head *head, size_t head_len)
{
    struct rpc_http_request q = {
        .head = head,
        .body = g_bytes_new(c->in->data + head_len, head->length),
        .peer = {.local_admin = true, .uid = c->uid},
    };

    watch(c, 0, NULL);
    set_limit(c, 0); /* now it is us who take time */
    c->call = rpc_http_handle(c->server->rpc, &q, NULL, on_answer, c);
    g_bytes_unref(q.body);
    g_byte_array_remove_range(c->in, 0, (guint)(head_len + head->length));
}

/* Looks whether a whole request is there, and starts it. */
static void
serve_input(struct connection *c)
{
    struct http_head head;
    size_t used = 0;

    if (c->in->len == 0)
        return;
    enum http_verdict v = http_parse_request((const char *)c->in->data, c->in->len, &head, &used);
    if (v == HTTP_MORE)
        return;
    if (v != HTTP_OK) {
        refuse(c, v == HTTP_LARGE ? 413 : 400);
        return;
    }
    if (!rpc_http_is_api(&head)) {
        refuse(c, 404);
        return;
    }
    uint64_t body = head.has_length ? head.length : 0;
    if (body > RPC_BODY_MAX) {
        refuse(c, 413);
        return;
    }
    if (c->reserved == 0 && body > 0) {
        if (!rpc_http_reserve(c->server->rpc, body)) {
            refuse(c, 503);
            return;
        }
        c->reserved = body;
    }
    head.length = body;
    if (c->in->len - used >= body)
        start_call(c, &head, used);
}

/* Reads what is there. False: the connection is gone. */
static bool
read_some(struct connection *c)
{
    uint8_t piece[READ_PIECE];

    for (unsigned i = 0; i < TURN_MAX; i++) {
        long n = pf_recv(c->fd, piece, sizeof(piece));
        if (n == -1)
            return true;
        if (n <= 0 || c->in->len + (size_t)n > HTTP_HEAD_MAX + RPC_BODY_MAX + READ_PIECE) {
            connection_free(c);
            return false;
        }
        if (c->in->len == 0)
            set_limit(c, RPC_UNIX_REQUEST_S);
        g_byte_array_append(c->in, piece, (guint)n);
    }
    return true;
}

static gboolean
on_readable(int fd, GIOCondition what, void *data)
{
    struct connection *c = data;

    (void)fd;
    (void)what;
    if (read_some(c))
        serve_input(c);
    return G_SOURCE_CONTINUE;
}

/* ---- the socket ---- */

static void
take(struct rpc_unix_server *u, int fd)
{
    uint32_t uid = 0, gid = 0;
    int32_t pid = 0;

    if (!pf_unix_peer(fd, &uid, &gid, &pid) || (uid != 0 && uid != (uint32_t)geteuid())) {
        log_info("administration refused on the local socket", "uid=%u pid=%d", uid, pid);
        pf_close(fd);
        return;
    }
    if (u->connections.length >= RPC_UNIX_CONNECTIONS) {
        log_debug("too many connections on the local socket", "pid=%d", pid);
        pf_close(fd);
        return;
    }
    struct connection *c = g_new0(struct connection, 1);
    c->server = u;
    c->fd = fd;
    c->uid = uid;
    c->in = g_byte_array_new();
    c->link.data = c;
    g_queue_push_tail_link(&u->connections, &c->link);
    set_limit(c, RPC_UNIX_IDLE_S);
    watch(c, G_IO_IN, on_readable);
}

static gboolean
on_connection(int fd, GIOCondition what, void *data)
{
    unsigned char peer[128];
    unsigned len = sizeof(peer);
    int got;

    (void)what;
    for (unsigned i = 0; i < TURN_MAX && (got = pf_tcp_accept(fd, peer, &len)) >= 0; i++) {
        take(data, got);
        len = sizeof(peer);
    }
    return G_SOURCE_CONTINUE;
}

struct rpc_unix_server *
rpc_unix_server_new(struct rpc_server *s, const char *path, GError **error)
{
    int fd = pf_unix_listen(path, 0600, error);

    if (fd < 0)
        return NULL;
    struct rpc_unix_server *u = g_new0(struct rpc_unix_server, 1);
    u->rpc = s;
    u->path = g_strdup(path);
    u->fd = fd;
    u->context = g_main_context_ref_thread_default();
    g_queue_init(&u->connections);
    u->accept = g_unix_fd_source_new(fd, G_IO_IN);
    g_source_set_callback(u->accept, (GSourceFunc)(void (*)(void))on_connection, u, NULL);
    g_source_attach(u->accept, u->context);
    return u;
}

void
rpc_unix_server_free(struct rpc_unix_server *u)
{
    GList *link;

    if (!u)
        return;
    drop_source(&u->accept);
    while ((link = u->connections.head) != NULL)
        connection_free(link->data);
    pf_close(u->fd);
    (void)g_unlink(u->path); /* it may be gone already */
    g_main_context_unref(u->context);
    g_free(u->path);
    g_free(u);
}
