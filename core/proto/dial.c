/* SPDX-License-Identifier: Apache-2.0 */
/* dial.c - from a name and a port to a connected socket, perhaps through a proxy.
 *
 * Goal: the fastest address wins and a dead one costs a quarter of a second, not a time-out.
 * Limits: DIAL_ADDRESSES attempts, all of them possibly open at once; the proxy's answer by
 * proxy.h. Stages: (SOCKS 4 only) the server's IPv4 address -> addresses of the first hop ->
 * connect -> proxy. Timers: one limit a stage, one pause between attempts. Memory: one object and
 * its sockets; all ways out go through finish(), which frees it before it tells the owner. Threads:
 * its worker; look-ups by lookup.h.
 *
 * A socket is read no further than the proxy's answer can reach (proxy_want()), so the stream
 * behind it is whole when the owner gets it.
 */
#include "core/proto/dial.h"

#include "core/base/error.h"
#include "core/proto/lookup.h"
#include "core/proto/proxy.h"
#include "platform/platform.h"

#include <glib.h>

#include <sys/socket.h>

enum { BETWEEN_ATTEMPTS_US = 250 * 1000, STEP_US = DIAL_STEP_S * 1000000 };
G_STATIC_ASSERT((int)DIAL_ADDRESSES == (int)LOOKUP_MAX);

struct attempt {
    struct worker_fd wfd; /* fd -1 when not open */
    struct dial *dial;
    struct endpoint to;
};

struct dial {
    struct worker *w;
    struct dial_config config;
    dial_done *done;
    void *owner;

    struct lookup *lookup;
    struct ip target; /* the server's, for SOCKS 4; family 0 when not known */
    struct attempt attempt[DIAL_ADDRESSES];
    unsigned n, next; /* addresses known; the next one to try */
    unsigned open;    /* attempts under way */
    int last_errno;
    struct timer step, pause;

    struct worker_fd stream; /* to the proxy; fd -1 when not open */
    struct endpoint peer;
    struct proxy proxy;
    bool has_proxy;
    size_t sent; /* of proxy.out */
};

void
dial_config_copy(struct dial_config *to, const struct dial_config *from)
{
    *to = *from;
    to->host = g_strdup(from->host);
    to->proxy_host = g_strdup(from->proxy_host);
    to->proxy_user = g_strdup(from->proxy_user);
    if (from->proxy_password)
        to->proxy_password = secret_new(from->proxy_password->bytes, from->proxy_password->len);
}

void
dial_config_clear(struct dial_config *c)
{
    g_clear_pointer(&c->host, g_free);
    g_clear_pointer(&c->proxy_host, g_free);
    g_clear_pointer(&c->proxy_user, g_free);
    g_clear_pointer(&c->proxy_password, secret_free);
}

/* ---- endings ---- */

static void
close_attempt(struct attempt *a)
{
    if (a->wfd.fd < 0)
        return;
    worker_fd_remove(a->dial->w, &a->wfd);
    pf_close(a->wfd.fd);
    a->wfd.fd = -1;
    a->dial->open--;
}

void
dial_cancel(struct dial *d)
{
    lookup_cancel(d->lookup);
    for (unsigned i = 0; i < d->n; i++)
        close_attempt(&d->attempt[i]);
    if (d->stream.fd >= 0) {
        worker_fd_remove(d->w, &d->stream);
        pf_close(d->stream.fd);
    }
    timer_cancel(worker_timers(d->w), &d->step);
    timer_cancel(worker_timers(d->w), &d->pause);
    if (d->has_proxy)
        proxy_done(&d->proxy);
    dial_config_clear(&d->config);
    g_free(d);
}

static void fail(struct dial *d, int code, const char *format, ...) PRINTF_LIKE(3, 4);

static void
fail(struct dial *d, int code, const char *format, ...)
{
    dial_done *done = d->done;
    void *owner = d->owner;
    struct endpoint peer = d->peer;
    va_list args;

    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    dial_cancel(d);
    done(owner, -1, &peer, code, message);
}

static void
succeed(struct dial *d, int fd)
{
    dial_done *done = d->done;
    void *owner = d->owner;
    struct endpoint peer = d->peer;

    dial_cancel(d);
    done(owner, fd, &peer, PE_OK, "");
}

static const char *
first_hop(const struct dial *d)
{
    return d->config.proxy == DIAL_DIRECT ? d->config.host : d->config.proxy_host;
}

static uint16_t
first_port(const struct dial *d)
{
    return d->config.proxy == DIAL_DIRECT ? d->config.port : d->config.proxy_port;
}

static void
fail_to_connect(struct dial *d, const char *why)
{
    bool direct = d->config.proxy == DIAL_DIRECT;
    fail(d, direct ? PE_CONNECT_FAILED : PE_PROXY_CONNECT_FAILED,
         "could not connect to %s%s port %u: %s", direct ? "" : "the proxy ", first_hop(d),
         (unsigned)first_port(d), why);
}

static void
on_step_timeout(struct timer *t, int64_t now_us)
{
    struct dial *d = container_of(t, struct dial, step);
    (void)now_us;

    if (d->has_proxy)
        fail(d, PE_PROXY_ERROR, "the proxy %s did not answer within %d seconds", first_hop(d),
             DIAL_STEP_S);
    else if (d->lookup)
        fail_to_connect(d, "its name could not be looked up in time");
    else
        fail_to_connect(d, "no answer");
}

static void
start_step(struct dial *d)
{
    timer_arm(worker_timers(d->w), &d->step, worker_now_us(d->w) + STEP_US);
}

/* ---- the proxy ---- */

/* False when d is gone. */
static bool
proxy_write(struct dial *d)
{
    while (d->sent < d->proxy.out_len) {
        long n = pf_send(d->stream.fd, d->proxy.out + d->sent, d->proxy.out_len - d->sent);
        if (n == -1) {
            worker_fd_want(d->w, &d->stream, WORKER_WRITE);
            return true;
        }
        if (n < 0) {
            fail(d, PE_PROXY_ERROR, "the proxy %s closed the connection", first_hop(d));
            return false;
        }
        d->sent += (size_t)n;
    }
    d->sent = d->proxy.out_len = 0;
    worker_fd_want(d->w, &d->stream, WORKER_READ);
    return true;
}

static void
proxy_finish(struct dial *d, enum proxy_verdict verdict)
{
    if (verdict == PROXY_FAILED) {
        fail(d, d->proxy.code, "proxy %s: %s", first_hop(d), d->proxy.message);
        return;
    }
    int fd = d->stream.fd;
    worker_fd_remove(d->w, &d->stream);
    d->stream.fd = -1;
    succeed(d, fd);
}

static void
proxy_read(struct dial *d)
{
    uint8_t bytes[64];

    for (;;) {
        size_t want = MIN(proxy_want(&d->proxy), sizeof bytes), used;
        long n = pf_recv(d->stream.fd, bytes, want);
        if (n == -1)
            return;
        if (n <= 0) {
            fail(d, PE_PROXY_ERROR, "the proxy %s closed the connection", first_hop(d));
            return;
        }
        enum proxy_verdict verdict = proxy_feed(&d->proxy, bytes, (size_t)n, &used);
        if (verdict != PROXY_MORE) {
            proxy_finish(d, verdict);
            return;
        }
        if (d->proxy.out_len > 0) {
            (void)proxy_write(d); /* d may be gone */
            return;
        }
    }
}

static void
on_proxy_ready(struct worker_fd *wfd, unsigned events, int64_t now_us)
{
    struct dial *d = container_of(wfd, struct dial, stream);
    (void)events;
    (void)now_us;

    if (d->proxy.out_len > 0 && !proxy_write(d))
        return;
    if (d->proxy.out_len == 0)
        proxy_read(d);
}

static void
talk_to_proxy(struct dial *d, int fd)
{
    static const enum proxy_kind kinds[] = {
        [DIAL_HTTP] = PROXY_HTTP, [DIAL_SOCKS4] = PROXY_SOCKS4, [DIAL_SOCKS5] = PROXY_SOCKS5};
    const struct secret *password = d->config.proxy_password;
    struct proxy_target target = {
        .host = d->config.host,
        .port = d->config.port,
        .ip = d->target,
        .user = d->config.proxy_user,
        .password = password ? secret_str(password) : NULL,
    };

    d->stream = (struct worker_fd){.fd = fd, .want = WORKER_WRITE, .ready = on_proxy_ready};
    if (!worker_fd_add(d->w, &d->stream)) {
        pf_close(fd);
        d->stream.fd = -1;
        fail_to_connect(d, "the system does not watch any more sockets");
        return;
    }
    start_step(d);
    d->has_proxy = true;
    if (proxy_init(&d->proxy, kinds[d->config.proxy], &target) == PROXY_FAILED)
        proxy_finish(d, PROXY_FAILED);
}

/* ---- attempts ---- */

static void try_next(struct dial *d);

static void
on_attempt_ready(struct worker_fd *wfd, unsigned events, int64_t now_us)
{
    struct attempt *a = container_of(wfd, struct attempt, wfd);
    struct dial *d = a->dial;
    (void)events;
    (void)now_us;

    int error = pf_socket_error(wfd->fd);
    if (error) {
        d->last_errno = error;
        close_attempt(a);
        try_next(d);
        return;
    }
    int fd = wfd->fd;
    worker_fd_remove(d->w, wfd);
    wfd->fd = -1;
    d->open--;
    d->peer = a->to;
    for (unsigned i = 0; i < d->n; i++)
        close_attempt(&d->attempt[i]);
    timer_cancel(worker_timers(d->w), &d->pause);
    if (d->config.proxy == DIAL_DIRECT)
        succeed(d, fd);
    else
        talk_to_proxy(d, fd);
}

/* False when it failed at once. */
static bool
open_attempt(struct dial *d, struct attempt *a)
{
    struct sockaddr_storage sa;
    unsigned len = endpoint_to_sockaddr(&a->to, &sa);
    g_autoptr(GError) error = NULL;

    int fd = pf_tcp_connect((const struct sockaddr *)&sa, len, d->config.mark, &error);
    if (fd < 0) {
        d->last_errno = 0;
        return false;
    }
    a->wfd = (struct worker_fd){.fd = fd, .want = WORKER_WRITE, .ready = on_attempt_ready};
    if (!worker_fd_add(d->w, &a->wfd)) {
        pf_close(fd);
        a->wfd.fd = -1;
        return false;
    }
    d->open++;
    return true;
}

/* Starts the next attempt, if there is one; fails when nothing is left. d may be gone then. */
static void
try_next(struct dial *d)
{
    while (d->next < d->n) {
        if (!open_attempt(d, &d->attempt[d->next++]))
            continue;
        if (d->next < d->n)
            timer_arm(worker_timers(d->w), &d->pause, worker_now_us(d->w) + BETWEEN_ATTEMPTS_US);
        return;
    }
    if (d->open == 0)
        fail_to_connect(d, d->last_errno ? g_strerror(d->last_errno)
                                         : "the system does not allow or has no way to it");
}

static void
on_pause(struct timer *t, int64_t now_us)
{
    (void)now_us;
    try_next(container_of(t, struct dial, pause));
}

/* ---- look-ups ---- */

static void
on_addresses(void *owner, const struct endpoint *found, unsigned n, const char *why)
{
    struct dial *d = owner;

    d->lookup = NULL;
    if (n == 0) {
        fail_to_connect(d, why);
        return;
    }
    d->n = MIN(n, (unsigned)DIAL_ADDRESSES);
    for (unsigned i = 0; i < d->n; i++)
        d->attempt[i] = (struct attempt){.wfd.fd = -1, .dial = d, .to = found[i]};
    start_step(d);
    try_next(d);
}

static void
look_up_first_hop(struct dial *d)
{
    start_step(d);
    d->lookup = lookup_start(d->w, first_hop(d), first_port(d), 0, on_addresses, d);
}

/* Without an IPv4 address the proxy gets the name (SOCKS 4a). */
static void
on_target(void *owner, const struct endpoint *found, unsigned n, const char *why)
{
    struct dial *d = owner;
    (void)why;

    d->lookup = NULL;
    if (n > 0)
        d->target = found[0].ip;
    look_up_first_hop(d);
}

struct dial *
dial_start(struct worker *w, const struct dial_config *config, dial_done *done, void *owner)
{
    struct dial *d = g_new0(struct dial, 1);

    d->w = w;
    d->done = done;
    d->owner = owner;
    d->stream.fd = -1;
    dial_config_copy(&d->config, config);
    timer_init(&d->step, on_step_timeout);
    timer_init(&d->pause, on_pause);
    if (config->proxy == DIAL_SOCKS4 && !ip_parse(config->host, &d->target)) {
        start_step(d);
        d->lookup = lookup_start(w, config->host, config->port, 4, on_target, d);
    } else {
        look_up_first_hop(d);
    }
    return d;
}
