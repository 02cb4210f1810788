/* SPDX-License-Identifier: Apache-2.0 */
/* listener.c - see listener.h. */

#include "core/proto/listener.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "platform/platform.h"

#include <glib-unix.h>

#include <errno.h>
#include <string.h>

struct listener {
    struct listeners *all;
    uint16_t port;
    int fd;      /* -1: does not listen */
    guint watch; /* GSource, 0: none */
    char *error; /* owned; why it does not listen */
};

struct listeners {
    struct worker_set *workers;
    struct admission *admission;
    struct conn_pool **pool; /* one per worker */
    GPtrArray *port;         /* of struct listener */
    SSL_CTX *ctx;
    guint retry; /* GSource */
    uint64_t accepted, refused;
    uint64_t accepted_crowd; /* accepted at the last tick */
    unsigned before;         /* connections before login at the last tick */
    unsigned trims;          /* how often memory is still to be given back after a crowd */
    struct log_limit refused_log, accept_log;
};

/* A connection on its way to its worker. */
struct arrival {
    struct conn_pool *pool;
    SSL_CTX *ctx;
    struct endpoint peer;
    int fd;
};

static void
arrive(void *data)
{
    struct arrival *a = data;

    conn_pool_add(a->pool, a->fd, a->ctx, &a->peer);
    g_free(a);
}

static void
admit(struct listeners *l, int fd, const struct endpoint *peer)
{
    unsigned left_out = 0;

    if (!l->ctx || !admission_enter(l->admission, &peer->ip)) {
        char text[ENDPOINT_TEXT];
        pf_close(fd);
        l->refused++;
        if (log_limit_pass(&l->refused_log, 5, clock_now_us(), &left_out))
            log_warning("connection refused", "reason=too-many peer=%s left_out=%u",
                        endpoint_print(peer, text), left_out);
        return;
    }
    struct worker *w = worker_set_pick(l->workers);
    struct arrival *a = g_new(struct arrival, 1);
    SSL_CTX_up_ref(l->ctx);
    *a = (struct arrival){.pool = l->pool[worker_index(w)], .ctx = l->ctx, .peer = *peer, .fd = fd};
    l->accepted++;
    worker_call(w, arrive, a);
}

static gboolean
on_accept(int fd, GIOCondition condition, gpointer data)
{
    struct listener *port = data;
    struct listeners *l = port->all;

    (void)condition;
    for (unsigned i = 0; i < LISTENER_ACCEPT_BATCH; i++) {
        uint64_t sa[16]; /* a struct sockaddr_storage */
        unsigned len = sizeof(sa);
        struct endpoint peer;
        int conn = pf_tcp_accept(fd, sa, &len);
        if (conn < 0) {
            unsigned left_out = 0;
            if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR &&
                log_limit_pass(&l->accept_log, 1, clock_now_us(), &left_out))
                log_warning("cannot accept connections", "port=%u error=%s", port->port,
                            g_strerror(errno));
            break;
        }
        if (endpoint_from_sockaddr((const struct sockaddr *)sa, &peer))
            admit(l, conn, &peer);
        else
            pf_close(conn);
    }
    return G_SOURCE_CONTINUE;
}

static int
listen_on_any(uint8_t family, uint16_t port, GError **error)
{
    const struct endpoint any = {.ip.family = family, .port = port};
    uint64_t sa[16]; /* a struct sockaddr_storage */
    unsigned len = endpoint_to_sockaddr(&any, sa);

    return pf_tcp_listen((const struct sockaddr *)sa, len, LISTENER_BACKLOG, error);
}

static void
try_listen(struct listener *port)
{
    g_autoptr(GError) error = NULL;

    port->fd = listen_on_any(6, port->port, NULL);
    if (port->fd < 0) /* a host without IPv6 */
        port->fd = listen_on_any(4, port->port, &error);
    if (port->fd < 0) {
        if (!port->error || strcmp(port->error, error->message) != 0)
            log_warning("cannot listen", "port=%u error=%s", port->port, error->message);
        g_free(port->error);
        port->error = g_strdup(error->message);
        return;
    }
    g_clear_pointer(&port->error, g_free);
    port->watch = g_unix_fd_add(port->fd, G_IO_IN, on_accept, port);
    log_info("listening", "port=%u", port->port);
}

/* After a crowd of connections the allocator keeps what they had. It goes back while they go, and a
 * few ticks longer. */
static void
trim_after_crowd(struct listeners *l)
{
    unsigned now = admission_total(l->admission);

    if (l->accepted - l->accepted_crowd >= LISTENER_CROWD)
        l->trims = LISTENER_TRIMS;
    l->accepted_crowd = l->accepted;
    if (l->trims > 0 && now <= l->before) {
        pf_memory_trim();
        if (now < LISTENER_CROWD / 10)
            l->trims--;
    }
    l->before = now;
}

static gboolean
on_tick(gpointer data)
{
    struct listeners *l = data;

    trim_after_crowd(l);
    for (guint i = 0; i < l->port->len; i++) {
        struct listener *port = g_ptr_array_index(l->port, i);
        if (port->fd < 0)
            try_listen(port);
    }
    return G_SOURCE_CONTINUE;
}

static void
listener_free(gpointer data)
{
    struct listener *port = data;

    if (port->watch)
        g_source_remove(port->watch);
    if (port->fd >= 0)
        pf_close(port->fd);
    g_free(port->error);
    g_free(port);
}

static struct listener *
find(const struct listeners *l, uint16_t number)
{
    for (guint i = 0; i < l->port->len; i++) {
        struct listener *port = g_ptr_array_index(l->port, i);
        if (port->port == number)
            return port;
    }
    return NULL;
}

struct listeners *
listeners_new(struct worker_set *workers, const struct http_service *const *services,
              const struct stream_service *const *streams)
{
    struct listeners *l = g_new0(struct listeners, 1);
    unsigned n = worker_set_n(workers);

    l->workers = workers;
    l->admission = admission_new(UINT_MAX, CONN_PER_ADDRESS);
    l->port = g_ptr_array_new_with_free_func(listener_free);
    l->pool = g_new0(struct conn_pool *, n);
    for (unsigned i = 0; i < n; i++)
        l->pool[i] = conn_pool_new(worker_set_get(workers, i), l->admission, services, streams);
    l->retry = g_timeout_add_seconds(LISTENER_RETRY_S, on_tick, l);
    return l;
}

static void
close_pool(void *data)
{
    conn_pool_close_all(data);
}

void
listeners_free(struct listeners *l)
{
    if (!l)
        return;
    g_source_remove(l->retry);
    g_ptr_array_unref(l->port);
    for (unsigned i = 0; i < worker_set_n(l->workers); i++) {
        worker_call_sync(worker_set_get(l->workers, i), close_pool, l->pool[i]);
        conn_pool_free(l->pool[i]);
    }
    g_free(l->pool);
    admission_free(l->admission);
    if (l->ctx)
        SSL_CTX_free(l->ctx);
    g_free(l);
}

void
listeners_set_tls(struct listeners *l, SSL_CTX *ctx)
{
    SSL_CTX_up_ref(ctx);
    if (l->ctx)
        SSL_CTX_free(l->ctx);
    l->ctx = ctx;
}

void
listeners_open(struct listeners *l, uint16_t port)
{
    if (find(l, port))
        return;
    struct listener *new = g_new0(struct listener, 1);
    *new = (struct listener){.all = l, .port = port, .fd = -1};
    g_ptr_array_add(l->port, new);
    try_listen(new);
}

bool
listeners_close(struct listeners *l, uint16_t port)
{
    struct listener *old = find(l, port);

    return old && g_ptr_array_remove(l->port, old);
}

bool
listeners_has(const struct listeners *l, uint16_t port)
{
    return find(l, port) != NULL;
}

const char *
listeners_error(const struct listeners *l, uint16_t port)
{
    const struct listener *found = find(l, port);

    return found ? found->error : "not in the list";
}

void
listeners_counts(const struct listeners *l, uint64_t *accepted, uint64_t *refused)
{
    *accepted = l->accepted;
    *refused = l->refused;
}
