/* SPDX-License-Identifier: Apache-2.0 */
/* test-dial.c - dialing on a real worker, to listeners of this test on the loopback. */
#include "core/base/error.h"
#include "core/proto/dial.h"
#include "platform/platform.h"

#include <glib.h>

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_S = 20 };

struct rig {
    struct worker_set *workers;
    struct worker *w;
    struct dial_config config;
    struct dial *dial; /* worker */

    GMutex lock; /* what follows: the outcome, from the worker to the test */
    GCond changed;
    bool ended;
    int fd, code;
    char *message;
    struct endpoint peer;
};

static void
setup(struct rig *r, gconstpointer unused)
{
    (void)unused;
    r->workers = worker_set_new(1, NULL);
    r->w = worker_set_get(r->workers, 0);
    r->fd = -1;
    g_mutex_init(&r->lock);
    g_cond_init(&r->changed);
}

static void
teardown(struct rig *r, gconstpointer unused)
{
    (void)unused;
    worker_set_free(r->workers);
    if (r->fd >= 0)
        close(r->fd);
    g_free(r->message);
    dial_config_clear(&r->config);
    g_mutex_clear(&r->lock);
    g_cond_clear(&r->changed);
}

static void
on_done(void *owner, int fd, const struct endpoint *peer, int code, const char *message)
{
    struct rig *r = owner;

    g_mutex_lock(&r->lock);
    g_assert_false(r->ended); /* exactly once */
    r->ended = true;
    r->fd = fd;
    r->code = code;
    r->message = g_strdup(message);
    r->peer = *peer;
    g_cond_broadcast(&r->changed);
    g_mutex_unlock(&r->lock);
}

static void
do_start(void *data)
{
    struct rig *r = data;

    r->dial = dial_start(r->w, &r->config, on_done, r);
    g_mutex_lock(&r->lock);
    g_assert_false(r->ended); /* never from inside */
    g_mutex_unlock(&r->lock);
}

static void
do_cancel(void *data)
{
    struct rig *r = data;
    dial_cancel(r->dial);
}

static void
do_start_and_cancel(void *data)
{
    do_start(data);
    do_cancel(data);
}

static void
dial_and_wait(struct rig *r)
{
    gint64 until = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;
    bool in_time = true;

    worker_call_sync(r->w, do_start, r);
    g_mutex_lock(&r->lock);
    while (!r->ended && in_time)
        in_time = g_cond_wait_until(&r->changed, &r->lock, until);
    g_mutex_unlock(&r->lock);
    g_assert_true(r->ended);
}

/* A listener on the loopback; its port. */
static int
listen_somewhere(uint16_t *port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(bind(fd, (const struct sockaddr *)&sa, len), ==, 0);
    g_assert_cmpint(listen(fd, 4), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&sa, &len), ==, 0);
    *port = ntohs(sa.sin_port);
    return fd;
}

static uint16_t
closed_port(void)
{
    uint16_t port;

    close(listen_somewhere(&port));
    return port;
}

static void
test_direct(struct rig *r, gconstpointer unused)
{
    char peer[ENDPOINT_TEXT];
    int listener = listen_somewhere(&r->config.port);
    (void)unused;

    r->config.host = g_strdup("127.0.0.1");
    dial_and_wait(r);
    g_assert_cmpint(r->code, ==, PE_OK);
    g_assert_cmpint(r->fd, >=, 0);
    g_autofree char *want = g_strdup_printf("127.0.0.1:%u", (unsigned)r->config.port);
    g_assert_cmpstr(endpoint_print(&r->peer, peer), ==, want);
    int other = accept(listener, NULL, NULL);
    g_assert_cmpint(write(other, "x", 1), ==, 1);
    close(other);
    close(listener);
}

static void
test_refused(struct rig *r, gconstpointer unused)
{
    (void)unused;
    r->config.host = g_strdup("127.0.0.1");
    r->config.port = closed_port();
    dial_and_wait(r);
    g_assert_cmpint(r->code, ==, PE_CONNECT_FAILED);
    g_assert_cmpint(r->fd, ==, -1);
    g_assert_nonnull(strstr(r->message, "127.0.0.1"));
}

static void
test_proxy_refused(struct rig *r, gconstpointer unused)
{
    (void)unused;
    r->config.host = g_strdup("vpn.example");
    r->config.port = 443;
    r->config.proxy = DIAL_SOCKS5;
    r->config.proxy_host = g_strdup("127.0.0.1");
    r->config.proxy_port = closed_port();
    dial_and_wait(r);
    g_assert_cmpint(r->code, ==, PE_PROXY_CONNECT_FAILED);
    g_assert_nonnull(strstr(r->message, "proxy"));
}

/* What a proxy says; after its last word the stream behind it, in the same piece. */
struct script {
    int listener;
    const char *hear[2], *say[2];
    size_t hear_len[2], say_len[2];
};

static gpointer
play(gpointer data)
{
    const struct script *s = data;
    int fd = accept(s->listener, NULL, NULL);

    for (unsigned i = 0; i < 2 && s->hear[i]; i++) {
        char got[256];
        g_assert_cmpuint(s->hear_len[i], <=, sizeof got);
        g_assert_cmpint(recv(fd, got, s->hear_len[i], MSG_WAITALL), ==, (gssize)s->hear_len[i]);
        g_assert_cmpmem(got, (int)s->hear_len[i], s->hear[i], (int)s->hear_len[i]);
        if (s->say[i])
            g_assert_cmpint(write(fd, s->say[i], s->say_len[i]), ==, (gssize)s->say_len[i]);
    }
    close(fd);
    return NULL;
}

static void
dial_by_proxy(struct rig *r, enum dial_proxy kind, struct script *s)
{
    s->listener = listen_somewhere(&r->config.proxy_port);
    GThread *proxy = g_thread_new("proxy", play, s);
    r->config.host = g_strdup("vpn.example");
    r->config.port = 443;
    r->config.proxy = kind;
    r->config.proxy_host = g_strdup("127.0.0.1");
    dial_and_wait(r);
    g_thread_join(proxy);
    close(s->listener);
}

/* The stream is whole: the bytes that came with the proxy's answer are still in the socket. */
static void
need_rest(struct rig *r, const char *want)
{
    char rest[16];
    long n = 0;

    for (unsigned i = 0; i < 100 && n < (long)strlen(want); i++) {
        n = recv(r->fd, rest, sizeof rest, MSG_PEEK);
        if (n < (long)strlen(want))
            g_usleep(10000);
    }
    g_assert_cmpmem(rest, (int)n, want, (int)strlen(want));
}

static void
test_http_proxy(struct rig *r, gconstpointer unused)
{
    static const char head[] = "CONNECT vpn.example:443 HTTP/1.1\r\nHost: vpn.example:443\r\n"
                               "User-Agent: Polyether\r\nProxy-Connection: keep-alive\r\n\r\n";
    static const char answer[] = "HTTP/1.1 200 OK\r\nX: y\r\n\r\nrest";
    struct script s = {.hear = {head},
                       .hear_len = {sizeof head - 1},
                       .say = {answer},
                       .say_len = {sizeof answer - 1}};
    (void)unused;

    dial_by_proxy(r, DIAL_HTTP, &s);
    g_assert_cmpint(r->code, ==, PE_OK);
    need_rest(r, "rest");
}

static void
test_socks5_proxy(struct rig *r, gconstpointer unused)
{
    struct script s = {.hear = {"\x05\x01\x00", "\x05\x01\x00\x03\x0bvpn.example\x01\xbb"},
                       .hear_len = {3, 18},
                       .say = {"\x05\x00", "\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50rest"},
                       .say_len = {2, 14}};
    (void)unused;

    dial_by_proxy(r, DIAL_SOCKS5, &s);
    g_assert_cmpint(r->code, ==, PE_OK);
    need_rest(r, "rest");
}

static void
test_proxy_hangs_up(struct rig *r, gconstpointer unused)
{
    struct script s = {.hear = {"\x05\x01\x00"}, .hear_len = {3}};
    (void)unused;

    dial_by_proxy(r, DIAL_SOCKS5, &s);
    g_assert_cmpint(r->code, ==, PE_PROXY_ERROR);
    g_assert_cmpint(r->fd, ==, -1);
}

static void
test_proxy_says_no(struct rig *r, gconstpointer unused)
{
    struct script s = {
        .hear = {"\x05\x01\x00"}, .hear_len = {3}, .say = {"\x05\xff"}, .say_len = {2}};
    (void)unused;

    dial_by_proxy(r, DIAL_SOCKS5, &s);
    g_assert_cmpint(r->code, ==, PE_PROXY_AUTH_FAILED);
}

/* A name that cannot be said to the proxy is refused after the connection, and only then. */
static void
test_bad_target(struct rig *r, gconstpointer unused)
{
    int listener = listen_somewhere(&r->config.proxy_port);
    (void)unused;

    r->config.host = g_strdup("vpn.example\r\nX: y");
    r->config.port = 443;
    r->config.proxy = DIAL_HTTP;
    r->config.proxy_host = g_strdup("127.0.0.1");
    dial_and_wait(r);
    g_assert_cmpint(r->code, ==, PE_PROXY_ERROR);
    g_assert_cmpint(r->fd, ==, -1);
    close(listener);
}

/* A socket that never answers: nothing comes after a cancel, however early. */
static void
test_cancel(struct rig *r, gconstpointer unused)
{
    int listener = listen_somewhere(&r->config.proxy_port);
    (void)unused;

    r->config.host = g_strdup("vpn.example");
    r->config.port = 443;
    r->config.proxy = DIAL_SOCKS5;
    r->config.proxy_host = g_strdup("127.0.0.1");
    for (unsigned i = 0; i < 20; i++) {
        worker_call_sync(r->w, do_start, r);
        if (i % 2)
            g_usleep(2000 * i);
        worker_call_sync(r->w, do_cancel, r);
    }
    g_usleep(50000);
    g_assert_false(r->ended);
    close(listener);
}

/* "localhost" is asked for on a helper, which may outlive the question and even the worker. */
static void
test_cancel_lookup(struct rig *r, gconstpointer unused)
{
    (void)unused;
    r->config.host = g_strdup("localhost");
    r->config.port = closed_port();
    for (unsigned i = 0; i < 20; i++)
        worker_call_sync(r->w, do_start_and_cancel, r);
    g_assert_false(r->ended);
}

static void
test_localhost(struct rig *r, gconstpointer unused)
{
    int listener = listen_somewhere(&r->config.port);
    (void)unused;

    /* where the name has ::1 first, its refusal must not be the end */
    r->config.host = g_strdup("localhost");
    dial_and_wait(r);
    g_assert_cmpint(r->code, ==, PE_OK);
    close(listener);
}

static void
test_config_copy(void)
{
    struct dial_config a = {.host = (char *)"h",
                            .port = 7,
                            .proxy = DIAL_HTTP,
                            .proxy_host = (char *)"p",
                            .proxy_user = (char *)"u",
                            .proxy_password = secret_text("w"),
                            .mark = 9};
    struct dial_config b;

    dial_config_copy(&b, &a);
    g_assert_true(b.host != a.host && b.proxy_password != a.proxy_password);
    g_assert_cmpstr(b.host, ==, "h");
    g_assert_cmpstr(secret_str(b.proxy_password), ==, "w");
    g_assert_cmpuint(b.mark, ==, 9);
    dial_config_clear(&b);
    dial_config_clear(&b);
    secret_free(a.proxy_password);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, fn) g_test_add("/dial/" name, struct rig, NULL, setup, fn, teardown)
    ADD("direct", test_direct);
    ADD("refused", test_refused);
    ADD("localhost", test_localhost);
    ADD("http-proxy", test_http_proxy);
    ADD("socks5-proxy", test_socks5_proxy);
    ADD("proxy-refused", test_proxy_refused);
    ADD("proxy-hangs-up", test_proxy_hangs_up);
    ADD("proxy-says-no", test_proxy_says_no);
    ADD("bad-target", test_bad_target);
    ADD("cancel", test_cancel);
    ADD("cancel-lookup", test_cancel_lookup);
    g_test_add_func("/dial/config-copy", test_config_copy);
    return g_test_run();
}
