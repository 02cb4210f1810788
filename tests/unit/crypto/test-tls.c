/* SPDX-License-Identifier: Apache-2.0 */
/* test-tls.c - two TLS streams over a socket pair, on real workers: bytes arrive whole and in
 * order, a full socket holds the sender back and nothing is lost, a stream moves between workers in
 * the middle, ends are told. */

#include "core/crypto/cert.h"
#include "core/crypto/tls.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

enum { TOTAL = 8 * 1024 * 1024, CHUNK = 70000 };

struct side {
    struct tls_stream *stream;
    struct worker *worker;
    size_t sent, received, to_send;
    uint32_t sum_sent, sum_received;
    bool paused;       /* reads nothing until told */
    size_t move_after; /* goes to another worker after so many bytes; 0: never */
    struct worker *other;
    atomic_bool open, done, ended;
    _Atomic int why;
};

struct fixture {
    struct worker_set *set;
    SSL_CTX *server_ctx, *client_ctx;
    X509 *cert;
    EVP_PKEY *key;
    int fd[2];
};

static void
setup(struct fixture *x, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    x->set = worker_set_new(2, &error);
    g_assert_no_error(error);
    g_assert_true(cert_make_self_signed("test", 1, &x->cert, &x->key, &error));
    x->server_ctx = tls_server_ctx(x->cert, x->key, NULL, &error);
    g_assert_no_error(error);
    x->client_ctx = tls_client_ctx(&error);
    g_assert_no_error(error);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, x->fd), ==, 0);
}

static void
teardown(struct fixture *x, gconstpointer data)
{
    (void)data;
    worker_set_free(x->set);
    SSL_CTX_free(x->server_ctx);
    SSL_CTX_free(x->client_ctx);
    X509_free(x->cert);
    EVP_PKEY_free(x->key);
}

/* The byte at a place in the stream. */
static uint8_t
pattern(size_t at)
{
    return (uint8_t)(at * 7 + (at >> 9));
}

static void
send_more(struct side *s)
{
    static const size_t sizes[] = {1, 100, 1400, 16384, 20000, CHUNK};
    g_autofree uint8_t *bytes = g_malloc(2 * (size_t)CHUNK);

    while (s->sent < s->to_send && !tls_stream_is_congested(s->stream)) {
        size_t n = MIN(sizes[s->sent % G_N_ELEMENTS(sizes)], s->to_send - s->sent);
        for (size_t i = 0; i < n; i++)
            bytes[i] = pattern(s->sent + i);
        struct pf_slice iov[2] = {{bytes, n / 3}, {bytes + n / 3, n - n / 3}};
        g_assert_true(tls_stream_write(s->stream, iov, 2));
        s->sent += n;
    }
}

static const struct tls_stream_ops ops;

static void
arrive(void *data)
{
    struct side *s = data;

    g_assert_true(tls_stream_attach(s->stream, s->worker, &ops, s));
    send_more(s);
}

static void
on_open(void *owner, int64_t now_us)
{
    struct side *s = owner;

    (void)now_us;
    atomic_store(&s->open, true);
    if (s->paused)
        tls_stream_want_read(s->stream, false);
    send_more(s);
}

static void
on_readable(void *owner, int64_t now_us)
{
    struct side *s = owner;
    uint8_t bytes[5000];
    size_t n;

    (void)now_us;
    g_assert_true(worker_current() == s->worker);
    while ((n = tls_stream_read(s->stream, bytes, sizeof(bytes))) > 0) {
        for (size_t i = 0; i < n; i++)
            g_assert_cmpuint(bytes[i], ==, pattern(s->received + i));
        s->received += n;
        if (s->move_after > 0 && s->received > s->move_after) {
            s->move_after = 0;
            tls_stream_detach(s->stream);
            s->worker = s->other;
            worker_call(s->other, arrive, s);
            return;
        }
    }
    if (s->received == TOTAL)
        atomic_store(&s->done, true);
}

static void
on_writable(void *owner, int64_t now_us)
{
    (void)now_us;
    send_more(owner);
}

static void
on_end(void *owner, enum tls_end why, int64_t now_us)
{
    struct side *s = owner;

    (void)now_us;
    tls_stream_free(s->stream);
    s->stream = NULL;
    atomic_store(&s->why, (int)why);
    atomic_store(&s->ended, true);
}

static const struct tls_stream_ops ops = {
    .on_open = on_open, .on_readable = on_readable, .on_writable = on_writable, .on_end = on_end};

struct start {
    struct side *side;
    struct tls_stream_config config;
};

static void
start(void *data)
{
    struct start *st = data;

    st->side->stream = tls_stream_new(st->side->worker, &st->config, &ops, st->side);
    g_assert_nonnull(st->side->stream);
}

static void
start_both(struct fixture *x, struct side *server, struct side *client)
{
    struct start s = {server, {.fd = x->fd[0], .ctx = x->server_ctx, .server = true}};
    struct start c = {client, {.fd = x->fd[1], .ctx = x->client_ctx, .sni = "test"}};

    server->worker = worker_set_get(x->set, 0);
    client->worker = worker_set_get(x->set, 1);
    worker_call_sync(server->worker, start, &s);
    worker_call_sync(client->worker, start, &c);
}

static void
wait_for(atomic_bool *flag)
{
    gint64 limit = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;

    while (!atomic_load(flag)) {
        g_assert_cmpint(g_get_monotonic_time(), <, limit);
        g_usleep(1000);
    }
}

static void
stop(void *data)
{
    struct side *s = data;

    tls_stream_free(s->stream);
    s->stream = NULL;
}

static void
test_both_ways(struct fixture *x, gconstpointer data)
{
    struct side server = {.to_send = TOTAL};
    struct side client = {.to_send = TOTAL};

    (void)data;
    start_both(x, &server, &client);
    wait_for(&server.done);
    wait_for(&client.done);
    worker_call_sync(client.worker, stop, &client);
    wait_for(&server.ended);
    g_assert_true(server.why == TLS_END_CLOSED ||
                  server.why == TLS_END_IO); /* a close, or a reset */
}

static void
test_move(struct fixture *x, gconstpointer data)
{
    struct side server = {.to_send = TOTAL, .move_after = TOTAL / 3};
    struct side client = {.to_send = TOTAL};

    (void)data;
    server.other = worker_set_get(x->set, 1);
    start_both(x, &server, &client);
    wait_for(&server.done);
    wait_for(&client.done);
    g_assert_true(server.worker == worker_set_get(x->set, 1));
    worker_call_sync(client.worker, stop, &client);
    wait_for(&server.ended);
}

static void
go_on(void *data)
{
    struct side *s = data;

    s->paused = false;
    tls_stream_want_read(s->stream, true);
}

static void
test_paused(struct fixture *x, gconstpointer data)
{
    struct side server = {.paused = true};
    struct side client = {.to_send = TOTAL};

    (void)data;
    start_both(x, &server, &client);
    wait_for(&server.open);
    g_usleep(50 * 1000);
    g_assert_cmpuint(client.sent, <, TOTAL); /* held back, with a bounded backlog */
    g_assert_cmpuint(server.received, ==, 0);
    worker_call_sync(server.worker, go_on, &server);
    wait_for(&server.done);
    worker_call_sync(server.worker, stop, &server);
    wait_for(&client.ended);
}

static void
test_garbage(struct fixture *x, gconstpointer data)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: nobody\r\n\r\n";
    struct side server = {0};
    struct start s = {&server, {.fd = x->fd[0], .ctx = x->server_ctx, .server = true}};

    (void)data;
    server.worker = worker_set_get(x->set, 0);
    worker_call_sync(server.worker, start, &s);
    g_assert_cmpint(send(x->fd[1], text, sizeof(text), MSG_NOSIGNAL), >, 0);
    wait_for(&server.ended);
    g_assert_cmpint(server.why, ==, TLS_END_HANDSHAKE);
    pf_close(x->fd[1]);
}

static void
test_silence(struct fixture *x, gconstpointer data)
{
    struct side server = {0};
    struct start s = {&server, {.fd = x->fd[0], .ctx = x->server_ctx, .server = true}};

    (void)data;
    server.worker = worker_set_get(x->set, 0);
    worker_call_sync(server.worker, start, &s);
    pf_close(x->fd[1]);
    wait_for(&server.ended);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, fn) g_test_add("/tls/" name, struct fixture, NULL, setup, fn, teardown)
    ADD("both-ways", test_both_ways);
    ADD("move", test_move);
    ADD("paused", test_paused);
    ADD("garbage", test_garbage);
    ADD("silence", test_silence);
#undef ADD
    return g_test_run();
}
