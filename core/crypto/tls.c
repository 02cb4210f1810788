/* SPDX-License-Identifier: Apache-2.0 */
/* tls.c - OpenSSL between two pieces of memory.
 *
 * Theory of operation. OpenSSL never sees the socket. On the way in, one recv() fills the worker's
 * RX scratch, and a BIO hands its bytes to OpenSSL until they are used up; OpenSSL itself keeps a
 * record that is not whole yet. On the way out, a BIO collects records in the worker's TX scratch,
 * and one send() passes a whole batch to the socket. So there is one system call per batch each
 * way, and an idle stream holds no buffer (SSL_MODE_RELEASE_BUFFERS, and the scratch is the
 * worker's).
 *
 * What the socket does not take is copied to the backlog, and the stream is congested until that is
 * gone. It is congested too while the socket holds more than TLS_UNSENT_MAX bytes that were never
 * sent: a queue in the kernel is a queue that nobody manages.
 *
 * The end of a stream is told by a deferred call, never from inside a call of the owner.
 */

#include "core/crypto/tls.h"

#include "core/base/types.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <string.h>

enum {
    RECORD = 16384, /* most plaintext in a record, RFC 8446 5.1 */
    TX_FULL = WORKER_SCRATCH - 2 * RECORD,
    RX_SIZE = 256 * 1024,
};

struct tls_stream {
    struct worker_fd wfd;
    struct worker *worker; /* NULL while detached */
    SSL *ssl;
    const struct tls_stream_ops *ops;
    void *owner;
    struct tls_gate *gate;

    const uint8_t
        *rx; /* what OpenSSL has not taken of the last recv(); in the scratch or in kept */
    size_t rx_left;
    uint8_t *kept; /* owned: rx bytes that outlived the turn because the owner does not read */

    uint8_t *tx; /* the scratch while a write is under way */
    size_t tx_len;
    uint8_t *backlog; /* owned */
    size_t backlog_at, backlog_len, backlog_cap;

    struct worker_deferred at_end; /* tells the end, or that kept bytes can be read */
    enum tls_end why;
    bool server, open, eof, ended, told, reading, congested, wants_kept;
    bool *freed; /* set when a callback freed us */
};

/* ---- the BIO ---- */

static int
mem_write(BIO *bio, const char *bytes, size_t len, size_t *written)
{
    struct tls_stream *s = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (s->tx && s->tx_len + len <= WORKER_SCRATCH) {
        memcpy(s->tx + s->tx_len, bytes, len);
        s->tx_len += len;
        *written = len;
        return 1;
    }
    BIO_set_retry_write(
        bio); /* cannot happen: writes are flushed long before the scratch is full */
    return 0;
}

static int
mem_read(BIO *bio, char *at, size_t cap, size_t *got)
{
    struct tls_stream *s = BIO_get_data(bio);
    size_t n = MIN(cap, s->rx_left);

    BIO_clear_retry_flags(bio);
    if (n == 0) {
        if (!s->eof)
            BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(at, s->rx, n);
    s->rx += n;
    s->rx_left -= n;
    *got = n;
    return 1;
}

static long
mem_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    (void)num;
    (void)ptr;
    if (cmd == BIO_CTRL_EOF) {
        const struct tls_stream *s = BIO_get_data(bio);
        return s->eof && s->rx_left == 0;
    }
    return cmd == BIO_CTRL_FLUSH || cmd == BIO_CTRL_DUP;
}

static int
mem_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

/* One method for the process, made once and never changed. */
static BIO_METHOD *
mem_method(void)
{
    static gsize made;
    if (g_once_init_enter(&made)) {
        BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "worker memory");
        g_assert(m);
        BIO_meth_set_write_ex(m, mem_write);
        BIO_meth_set_read_ex(m, mem_read);
        BIO_meth_set_ctrl(m, mem_ctrl);
        BIO_meth_set_create(m, mem_create);
        g_once_init_leave(&made, (gsize)m);
    }
    return (BIO_METHOD *)made; // NOLINT(performance-no-int-to-ptr)
}

/* ---- sending ---- */

static unsigned
wanted_events(const struct tls_stream *s)
{
    return (s->reading && !s->eof ? WORKER_READ : 0) | (s->congested ? WORKER_WRITE : 0);
}

static void
update_want(struct tls_stream *s)
{
    if (s->worker && !s->ended && s->wfd.want != wanted_events(s))
        worker_fd_want(s->worker, &s->wfd, wanted_events(s));
}

static void
end_soon(struct tls_stream *s, enum tls_end why)
{
    if (s->ended)
        return;
    s->ended = true;
    s->why = why;
    worker_fd_want(s->worker, &s->wfd, 0);
    worker_defer(s->worker, &s->at_end);
}

static void
backlog_add(struct tls_stream *s, const uint8_t *bytes, size_t n)
{
    if (s->backlog_len + n > s->backlog_cap) {
        s->backlog_cap = MAX(s->backlog_len + n, 2 * s->backlog_cap);
        s->backlog = g_realloc(s->backlog, s->backlog_cap);
    }
    memcpy(s->backlog + s->backlog_len, bytes, n);
    s->backlog_len += n;
}

static void
backlog_clear(struct tls_stream *s)
{
    g_clear_pointer(&s->backlog, g_free);
    s->backlog_at = s->backlog_len = s->backlog_cap = 0;
}

/* Passes what OpenSSL wrote to the socket, or to the backlog behind what waits there. */
static void
flush_tx(struct tls_stream *s)
{
    size_t sent = 0;

    if (s->tx_len == 0 || s->ended)
        return;
    if (s->backlog_len == 0) {
        long n = pf_send(s->wfd.fd, s->tx, s->tx_len);
        if (n == -2) {
            end_soon(s, TLS_END_IO);
            return;
        }
        sent = n > 0 ? (size_t)n : 0;
    }
    if (sent < s->tx_len)
        backlog_add(s, s->tx + sent, s->tx_len - sent);
    s->tx_len = 0;
    if (s->backlog_len > 0 || (sent > RECORD && pf_tcp_unsent(s->wfd.fd) > TLS_UNSENT_MAX))
        s->congested = true;
    update_want(s);
}

static void
begin_tx(struct tls_stream *s)
{
    s->tx = worker_scratch(s->worker, WORKER_SCRATCH_TX);
    s->tx_len = 0;
}

static void
finish_tx(struct tls_stream *s)
{
    flush_tx(s);
    s->tx = NULL;
}

static bool
write_record(struct tls_stream *s, const uint8_t *at, size_t len)
{
    size_t written = 0;

    ERR_clear_error();
    if (!SSL_write_ex(s->ssl, at, len, &written) || written != len) {
        end_soon(s, TLS_END_PROTOCOL);
        return false;
    }
    if (s->tx_len >= TX_FULL)
        flush_tx(s);
    return !s->ended;
}

bool
tls_stream_write(struct tls_stream *s, const struct pf_slice *iov, unsigned n)
{
    uint8_t
        staged[RECORD]; /* small slices are gathered to full records; large ones are not copied */
    size_t have = 0;
    bool ok = !s->ended && s->open;

    begin_tx(s);
    for (unsigned i = 0; ok && i < n; i++) {
        const uint8_t *at = iov[i].at;
        size_t left = iov[i].len;
        while (ok && left > 0) {
            if (have == 0 && left >= RECORD) {
                ok = write_record(s, at, RECORD);
                at += RECORD;
                left -= RECORD;
                continue;
            }
            size_t take = MIN(left, RECORD - have);
            memcpy(staged + have, at, take);
            have += take;
            at += take;
            left -= take;
            if (have == RECORD) {
                ok = write_record(s, staged, have);
                have = 0;
            }
        }
    }
    if (ok && have > 0)
        ok = write_record(s, staged, have);
    finish_tx(s);
    return ok && !s->ended;
}

bool
tls_stream_is_congested(const struct tls_stream *s)
{
    return s->congested;
}

static void
on_socket_writable(struct tls_stream *s, int64_t now_us)
{
    if (s->backlog_len > 0) {
        size_t left = s->backlog_len - s->backlog_at;
        long n = pf_send(s->wfd.fd, s->backlog + s->backlog_at, left);
        if (n == -2) {
            end_soon(s, TLS_END_IO);
            return;
        }
        if (n > 0)
            s->backlog_at += (size_t)n;
        if (s->backlog_at < s->backlog_len)
            return;
        backlog_clear(s);
    }
    s->congested = false;
    update_want(s);
    if (s->open)
        s->ops->on_writable(s->owner, now_us);
}

/* ---- receiving ---- */

/* What the owner did not read must leave the scratch. */
static void
keep_rx(struct tls_stream *s)
{
    if (s->rx_left == 0) {
        g_clear_pointer(&s->kept, g_free);
        s->rx = NULL;
    } else if (!s->kept) {
        s->kept = g_memdup2(s->rx, s->rx_left);
        s->rx = s->kept;
    }
}

static bool
handshake(struct tls_stream *s, int64_t now_us)
{
    if (s->gate) {
        if (s->gate->turn_us != now_us)
            *s->gate = (struct tls_gate){.turn_us = now_us};
        s->gate->used++;
    }
    begin_tx(s);
    ERR_clear_error();
    int r = SSL_do_handshake(s->ssl);
    int error = SSL_get_error(s->ssl, r);
    finish_tx(s); /* an alert too */
    if (r == 1) {
        s->open = true;
        s->gate = NULL;
        return true;
    }
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        end_soon(s, TLS_END_HANDSHAKE);
    else if (s->eof)
        end_soon(s, TLS_END_CLOSED);
    return false;
}

static bool
gate_is_shut(const struct tls_stream *s, int64_t now_us)
{
    return !s->open && s->gate && s->gate->turn_us == now_us &&
           s->gate->used >= TLS_HANDSHAKES_A_TURN;
}

/* Gives the owner what can be read; the stream may be gone when this returns false. */
static bool
pass_on(struct tls_stream *s, int64_t now_us)
{
    bool freed = false;

    s->freed = &freed;
    if (!s->open && handshake(s, now_us))
        s->ops->on_open(s->owner, now_us);
    if (!freed && s->open && !s->ended && s->reading)
        s->ops->on_readable(s->owner, now_us);
    if (freed)
        return false;
    s->freed = NULL;
    keep_rx(s);
    return true;
}

static void
on_socket_readable(struct tls_stream *s, int64_t now_us)
{
    if (s->rx_left > 0) { /* the owner has just begun to read again */
        (void)pass_on(s, now_us);
        return;
    }
    uint8_t *rx = worker_scratch(s->worker, WORKER_SCRATCH_RX);
    long n = pf_recv(s->wfd.fd, rx, RX_SIZE);
    if (n == -1)
        return;
    if (n == -2) {
        end_soon(s, TLS_END_IO);
        return;
    }
    s->eof = n == 0;
    s->rx = rx;
    s->rx_left = (size_t)n;
    if (!pass_on(s, now_us) || !s->eof)
        return;
    if (s->rx_left == 0)
        end_soon(s, TLS_END_CLOSED);
    update_want(s);
}

static void
on_socket(struct worker_fd *wfd, unsigned events, int64_t now_us)
{
    struct tls_stream *s = container_of(wfd, struct tls_stream, wfd);
    bool freed = false;

    if (s->ended)
        return;
    if ((events & (WORKER_READ | WORKER_HANGUP)) && gate_is_shut(s, now_us))
        return; /* level-triggered: it comes again next turn */
    if (events & WORKER_WRITE) {
        s->freed = &freed;
        on_socket_writable(s, now_us);
        if (freed)
            return;
        s->freed = NULL;
    }
    if (s->ended)
        return;
    if ((events & WORKER_READ) && s->reading)
        on_socket_readable(s, now_us);
    else if ((events & WORKER_HANGUP) && !(events & WORKER_READ))
        end_soon(s, TLS_END_IO);
}

size_t
tls_stream_read(struct tls_stream *s, void *at, size_t cap)
{
    size_t got = 0;

    if (s->ended || !s->open)
        return 0;
    begin_tx(s); /* a post-handshake message may be answered */
    ERR_clear_error();
    if (SSL_read_ex(s->ssl, at, cap, &got)) {
        finish_tx(s);
        return got;
    }
    int error = SSL_get_error(s->ssl, 0);
    finish_tx(s);
    if (error == SSL_ERROR_ZERO_RETURN || (s->eof && s->rx_left == 0))
        end_soon(s, TLS_END_CLOSED);
    else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        end_soon(s, TLS_END_PROTOCOL);
    return 0;
}

void
tls_stream_want_read(struct tls_stream *s, bool want)
{
    s->reading = want;
    update_want(s);
    if (want && (s->rx_left > 0 || SSL_has_pending(s->ssl))) {
        s->wants_kept = true;
        worker_defer(s->worker, &s->at_end);
    }
}

static void
on_deferred(struct worker_deferred *d, int64_t now_us)
{
    struct tls_stream *s = container_of(d, struct tls_stream, at_end);

    if (s->wants_kept && !s->ended) {
        s->wants_kept = false;
        if (s->reading && !pass_on(s, now_us))
            return;
        if (!s->ended)
            return;
    }
    if (s->ended && !s->told) {
        s->told = true;
        s->ops->on_end(s->owner, s->why, now_us);
    }
}

/* ---- life ---- */

struct tls_stream *
tls_stream_new(struct worker *w, const struct tls_stream_config *config,
               const struct tls_stream_ops *ops, void *owner)
{
    SSL *ssl = SSL_new(config->ctx);
    BIO *bio = BIO_new(mem_method());

    if (!ssl || !bio) {
        SSL_free(ssl);
        BIO_free(bio);
        pf_close(config->fd);
        return NULL;
    }
    struct tls_stream *s = g_new0(struct tls_stream, 1);
    s->ssl = ssl;
    s->server = config->server;
    s->gate = config->gate;
    s->reading = true;
    s->wfd.fd = config->fd;
    BIO_set_data(bio, s);
    SSL_set_bio(ssl, bio, bio);
    if (config->server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    if (config->sni)
        (void)SSL_set_tlsext_host_name(ssl, config->sni); /* fails for a name that is too long */
    if (!tls_stream_attach(s, w, ops, owner)) {
        tls_stream_free(s);
        return NULL;
    }
    if (!config->server && !handshake(s, 0) && s->ended)
        return s; /* on_end follows */
    return s;
}

void
tls_stream_free(struct tls_stream *s)
{
    if (!s)
        return;
    if (s->freed)
        *s->freed = true;
    if (s->worker)
        tls_stream_detach(s);
    SSL_free(s->ssl);
    pf_close(s->wfd.fd);
    g_free(s->kept);
    g_free(s->backlog);
    g_free(s);
}

void
tls_stream_detach(struct tls_stream *s)
{
    worker_fd_remove(s->worker, &s->wfd);
    worker_defer_cancel(s->worker, &s->at_end);
    keep_rx(s);
    s->worker = NULL;
    if (s->freed) /* whoever is above us on the stack must not touch us any more */
        *s->freed = true;
    s->freed = NULL;
}

bool
tls_stream_attach(struct tls_stream *s, struct worker *w, const struct tls_stream_ops *ops,
                  void *owner)
{
    s->ops = ops;
    s->owner = owner;
    s->wfd.ready = on_socket;
    s->wfd.want = wanted_events(s);
    s->at_end.fn = on_deferred;
    if (!worker_fd_add(w, &s->wfd))
        return false;
    s->worker = w;
    if (s->ended || s->rx_left > 0 || SSL_has_pending(s->ssl)) {
        s->wants_kept = true;
        worker_defer(w, &s->at_end);
    }
    return true;
}

void
tls_stream_set_ops(struct tls_stream *s, const struct tls_stream_ops *ops, void *owner)
{
    s->ops = ops;
    s->owner = owner;
}

struct worker *
tls_stream_worker(const struct tls_stream *s)
{
    return s->worker;
}

SSL *
tls_stream_ssl(struct tls_stream *s)
{
    return s->ssl;
}

int
tls_stream_fd(const struct tls_stream *s)
{
    return s->wfd.fd;
}
