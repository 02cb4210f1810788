/* SPDX-License-Identifier: Apache-2.0 */
/* conn.c - see conn.h.
 *
 * Memory: a silent connection is one struct. The input buffer exists only while a request is
 * incomplete and is bounded by HTTP_HEAD_MAX and by what the claiming service takes. While a
 * service works on a request nothing is read.
 */

#include "core/proto/conn.h"

#include "core/base/types.h"
#include "platform/platform.h"

#include <string.h>

enum { TLS_HANDSHAKE_RECORD = 0x16, READ_CHUNK = 4096, FIRST_BYTES = 3 };

struct conn_pool {
    struct worker *worker;
    struct admission *admission;
    const struct http_service *const *services;
    const struct stream_service *const *streams;
    struct conn *first, *last; /* oldest first */
    unsigned strangers;
    struct tls_gate gate;
};

struct conn {
    struct conn_pool *pool;
    struct conn *prev, *next;
    struct worker_fd wfd; /* while silent */
    SSL_CTX *ctx;         /* while silent; a reference */
    struct tls_stream *stream;
    struct timer timer;
    struct endpoint peer, local;

    GByteArray *in;                    /* bytes of the next request; NULL while there are none */
    const struct http_service *keeper; /* whose data it is */
    void *data;
    unsigned requests;
    bool busy, welcome, closing;
    bool *freed; /* set by release(): somebody on the stack wants to know */
};

/* What became of the next request. */
enum progress { WAITING, ANSWERED, GONE };

/* ---- life ---- */

static void
link_last(struct conn_pool *p, struct conn *c)
{
    c->prev = p->last;
    if (p->last)
        p->last->next = c;
    else
        p->first = c;
    p->last = c;
}

static void
unlink_conn(struct conn *c)
{
    struct conn_pool *p = c->pool;

    if (c->prev)
        c->prev->next = c->next;
    else
        p->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    else
        p->last = c->prev;
}

void
conn_set_welcome(struct conn *c)
{
    if (c->welcome)
        return;
    c->welcome = true;
    c->pool->strangers--;
    admission_leave(c->pool->admission, &c->peer.ip);
}

/* Everything but the stream and the worker's load. */
static void
release(struct conn *c)
{
    if (c->freed)
        *c->freed = true;
    if (c->data)
        c->keeper->gone(c->keeper->state, c);
    conn_set_welcome(c);
    unlink_conn(c);
    timer_cancel(worker_timers(c->pool->worker), &c->timer);
    if (c->ctx)
        SSL_CTX_free(c->ctx);
    if (c->in)
        g_byte_array_unref(c->in);
    g_free(c);
}

void
conn_close(struct conn *c)
{
    struct worker *w = c->pool->worker;

    if (c->stream) {
        tls_stream_free(c->stream);
    } else {
        worker_fd_remove(w, &c->wfd);
        pf_close(c->wfd.fd);
    }
    release(c);
    worker_unload(w);
}

void
conn_take(struct conn *c, struct conn_handover *out)
{
    *out = (struct conn_handover){
        .stream = c->stream, .rest = g_steal_pointer(&c->in), .peer = c->peer, .local = c->local};
    if (!out->rest)
        out->rest = g_byte_array_new();
    release(c);
}

static void
set_deadline(struct conn *c, unsigned seconds)
{
    timer_arm(worker_timers(c->pool->worker), &c->timer,
              worker_now_us(c->pool->worker) + seconds * G_USEC_PER_SEC);
}

static void
on_timer(struct timer *t, int64_t now_us)
{
    (void)now_us;
    conn_close(container_of(t, struct conn, timer));
}

/* ---- requests ---- */

static const struct http_service *
find_service(struct conn *c, const struct http_head *head, size_t *most)
{
    for (const struct http_service *const *s = c->pool->services; *s; s++) {
        *most = (*s)->claims((*s)->state, head);
        if (*most > 0)
            return *s;
    }
    return NULL;
}

static void
refuse(struct conn *c, unsigned status, const char *reason)
{
    conn_reply(c, &(struct conn_answer){.status = status, .reason = reason, .close = true});
}

/* The service for this head, or NULL after the request was refused. *body: the length to wait for.
 */
static const struct http_service *
judge_head(struct conn *c, const struct http_head *head, uint64_t *body)
{
    size_t most = 0;
    const struct http_service *service = find_service(c, head, &most);

    *body = most == CONN_ENDLESS ? 0 : head->length;
    if (!service)
        refuse(c, 404, "Not Found");
    else if (*body > most)
        refuse(c, 413, "Content Too Large");
    else
        return service;
    return NULL;
}

/* Gives the next whole request to its service. */
static enum progress
next_request(struct conn *c, int64_t now_us)
{
    struct http_head head;
    size_t used = 0;
    uint64_t body = 0;
    const struct http_service *service = NULL;

    if (c->busy || c->closing || !c->in || c->in->len == 0)
        return WAITING;
    switch (http_parse_request((const char *)c->in->data, c->in->len, &head, &used)) {
    case HTTP_MORE:
        return WAITING;
    case HTTP_BAD:
        refuse(c, 400, "Bad Request");
        return WAITING;
    case HTTP_LARGE:
        refuse(c, 431, "Request Header Fields Too Large");
        return WAITING;
    case HTTP_OK:
        service = judge_head(c, &head, &body);
        break;
    }
    if (!service || c->in->len - used < body)
        return WAITING;
    if (++c->requests > CONN_REQUESTS && !c->welcome) {
        conn_close(c);
        return GONE;
    }

    /* The request leaves the buffer before the service sees it: the service may take the stream. */
    size_t total = used + (size_t)body;
    g_autoptr(GByteArray) whole = g_steal_pointer(&c->in);
    if (whole->len > total) {
        c->in = g_byte_array_sized_new(whole->len - (guint)total);
        g_byte_array_append(c->in, whole->data + total, whole->len - (guint)total);
    }
    bool freed = false;
    c->freed = &freed;
    c->busy = true;
    set_deadline(c, CONN_ANSWER_S);
    service->request(service->state, c, &head, reader_of(whole->data + used, (size_t)body), now_us);
    if (freed)
        return GONE;
    c->freed = NULL;
    if (c->busy)
        tls_stream_want_read(c->stream, false);
    return c->busy ? WAITING : ANSWERED;
}

static void
send_answer(struct conn *c, const struct pf_slice *iov, unsigned n, bool close)
{
    (void)tls_stream_write(c->stream, iov, n); /* a failure comes by on_end */
    c->busy = false;
    c->closing = close;
    set_deadline(c, close ? 1 : CONN_REQUEST_S); /* a second for the answer to leave */
    tls_stream_want_read(c->stream, !close);
}

void
conn_reply(struct conn *c, const struct conn_answer *a)
{
    g_autoptr(GString) head = g_string_new(NULL);

    g_string_append_printf(head, "HTTP/1.1 %u %s\r\nConnection: %s\r\nContent-Length: %zu\r\n",
                           a->status, a->reason, a->close ? "close" : "Keep-Alive", a->len);
    if (a->content_type)
        g_string_append_printf(head, "Content-Type: %s\r\n", a->content_type);
    if (!a->close)
        g_string_append(head, "Keep-Alive: timeout=15; max=19\r\n");
    if (a->fields)
        g_string_append(head, a->fields);
    g_string_append(head, "\r\n");

    struct pf_slice iov[2] = {{head->str, head->len}, {(void *)(uintptr_t)a->body, a->len}};
    send_answer(c, iov, a->len > 0 ? 2 : 1, a->close);
}

void
conn_reply_raw(struct conn *c, const void *bytes, size_t len, bool close)
{
    struct pf_slice whole = {(void *)(uintptr_t)bytes, len};

    send_answer(c, &whole, 1, close);
}

static void
on_open(void *owner, int64_t now_us)
{
    (void)now_us;
    set_deadline(owner, CONN_REQUEST_S);
}

static void
on_readable(void *owner, int64_t now_us)
{
    struct conn *c = owner;
    uint8_t chunk[READ_CHUNK];

    if (c->busy || c->closing)
        return;
    for (;;) {
        size_t n = tls_stream_read(c->stream, chunk, sizeof(chunk));
        if (n == 0)
            return;
        if (!c->in)
            c->in = g_byte_array_new();
        g_byte_array_append(c->in, chunk, (guint)n);
        enum progress p;
        while ((p = next_request(c, now_us)) == ANSWERED)
            continue;
        if (p == GONE || c->busy || c->closing)
            return;
    }
}

static void
on_writable(void *owner, int64_t now_us)
{
    (void)owner;
    (void)now_us;
}

static void
on_end(void *owner, enum tls_end why, int64_t now_us)
{
    (void)why;
    (void)now_us;
    conn_close(owner);
}

static const struct tls_stream_ops stream_ops = {
    .on_open = on_open, .on_readable = on_readable, .on_writable = on_writable, .on_end = on_end};

/* ---- first bytes ---- */

static void
give_to(struct conn *c, const struct stream_service *service, int64_t now_us)
{
    struct worker *w = c->pool->worker;
    struct endpoint peer = c->peer;
    struct endpoint local = c->local;
    int fd = c->wfd.fd;

    worker_fd_remove(w, &c->wfd);
    release(c);
    pf_socket_low_water(fd, 1);
    service->take(service->state, w, fd, &peer, &local, now_us);
}

/* Another protocol than TLS, or nothing that is known here. */
static void
find_stream_service(struct conn *c, struct reader first, int64_t now_us)
{
    bool more = false;

    for (const struct stream_service *const *s = c->pool->streams; s && *s; s++) {
        int verdict = (*s)->recognises((*s)->state, first);
        if (verdict > 0) {
            give_to(c, *s, now_us);
            return;
        }
        more |= verdict < 0;
    }
    if (more && first.left < FIRST_BYTES)
        pf_socket_low_water(c->wfd.fd, FIRST_BYTES); /* or the poller would tell at once again */
    else
        conn_close(c);
}

static void
begin_tls(struct conn *c)
{
    struct tls_stream_config config = {
        .fd = c->wfd.fd, .ctx = c->ctx, .server = true, .gate = &c->pool->gate};

    worker_fd_remove(c->pool->worker, &c->wfd);
    c->stream = tls_stream_new(c->pool->worker, &config, &stream_ops, c);
    if (!c->stream) {
        struct worker *w = c->pool->worker;
        release(c);
        worker_unload(w);
        return;
    }
    SSL_CTX_free(c->ctx);
    c->ctx = NULL;
    set_deadline(c, CONN_HANDSHAKE_S);
}

static void
on_first_bytes(struct worker_fd *wfd, unsigned events, int64_t now_us)
{
    struct conn *c = container_of(wfd, struct conn, wfd);
    uint8_t first[FIRST_BYTES];
    uint64_t local[16]; /* a struct sockaddr_storage */
    unsigned len = sizeof(local);

    long n = pf_peek(wfd->fd, first, sizeof(first));
    if (n == -1)
        return;
    if (n < 1 || ((events & WORKER_HANGUP) && n < FIRST_BYTES)) {
        conn_close(c);
        return;
    }
    if (pf_socket_local(wfd->fd, local, &len))
        (void)!endpoint_from_sockaddr((const void *)local, &c->local);
    if (first[0] == TLS_HANDSHAKE_RECORD)
        begin_tls(c);
    else
        find_stream_service(c, reader_of(first, (size_t)n), now_us);
}

static void
close_oldest_silent(struct conn_pool *p)
{
    for (struct conn *c = p->first; c; c = c->next) {
        if (!c->welcome && (!c->stream || c->requests == 0)) {
            conn_close(c);
            return;
        }
    }
}

void
conn_pool_add(struct conn_pool *p, int fd, SSL_CTX *ctx, const struct endpoint *peer)
{
    if (p->strangers >= CONN_PENDING_MAX)
        close_oldest_silent(p);

    struct conn *c = g_new0(struct conn, 1);
    c->pool = p;
    c->ctx = ctx;
    c->peer = *peer;
    c->wfd = (struct worker_fd){.fd = fd, .want = WORKER_READ, .ready = on_first_bytes};
    timer_init(&c->timer, on_timer);
    link_last(p, c);
    p->strangers++;
    if (!worker_fd_add(p->worker, &c->wfd)) {
        pf_close(fd);
        release(c);
        worker_unload(p->worker);
        return;
    }
    set_deadline(c, CONN_FIRST_BYTE_S);
}

struct conn_pool *
conn_pool_new(struct worker *w, struct admission *a, const struct http_service *const *services,
              const struct stream_service *const *streams)
{
    struct conn_pool *p = g_new0(struct conn_pool, 1);

    p->worker = w;
    p->admission = a;
    p->services = services;
    p->streams = streams;
    return p;
}

void
conn_pool_close_all(struct conn_pool *p)
{
    while (p->first)
        conn_close(p->first); // NOLINT(clang-analyzer-unix.Malloc): it leaves the list first
}

void
conn_pool_free(struct conn_pool *p)
{
    g_free(p);
}

/* ---- what services may ask ---- */

struct worker *
conn_worker(const struct conn *c)
{
    return c->pool->worker;
}

const struct endpoint *
conn_peer(const struct conn *c)
{
    return &c->peer;
}

const struct endpoint *
conn_local(const struct conn *c)
{
    return &c->local;
}

const char *
conn_cipher(const struct conn *c)
{
    return SSL_get_cipher_name(tls_stream_ssl(c->stream));
}

void *
conn_data(const struct conn *c)
{
    return c->data;
}

void
conn_set_data(struct conn *c, const struct http_service *service, void *data)
{
    c->keeper = service;
    c->data = data;
}
