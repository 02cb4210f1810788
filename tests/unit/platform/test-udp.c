/* SPDX-License-Identifier: Apache-2.0 */
/* test-udp.c - the contract of batched UDP, over the loop-back of a namespace if there is one. */

#include "platform/platform.h"
#include "tests/unit/platform/netns.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, PIECE = 65536 };

static const char *unavailable; /* why the loop-back cannot be changed */

static struct sockaddr_in
address(const char *ip, in_port_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};
    g_assert_cmpint(inet_pton(AF_INET, ip, &in.sin_addr), ==, 1);
    return in;
}

static struct pf_udp *
open_at(const char *ip)
{
    g_autoptr(GError) error = NULL;
    struct sockaddr_in in = address(ip, 0);
    struct pf_udp *u = pf_udp_open((struct sockaddr *)&in, sizeof in, false, &error);
    g_assert_no_error(error);
    return u;
}

static in_port_t
port_of(struct pf_udp *u)
{
    struct sockaddr_in6 in = {0};
    socklen_t len = sizeof in;
    g_assert_cmpint(getsockname(pf_udp_fd(u), (struct sockaddr *)&in, &len), ==, 0);
    return in.sin6_port; /* at the same place in both families */
}

static void
set_peer(struct pf_datagram *d, const char *ip, struct pf_udp *to)
{
    struct sockaddr_in in = address(ip, port_of(to));
    memcpy(d->peer, &in, sizeof in);
}

static bool
wait_for(struct pf_udp *u)
{
    struct pf_poller *p = pf_poller_new(NULL);
    struct pf_event ev;
    g_assert_true(pf_poller_add(p, pf_udp_fd(u), PF_READ, NULL));
    unsigned n = pf_poller_wait(p, &ev, 1, G_USEC_PER_SEC);
    pf_poller_free(p);
    return n == 1;
}

static void
recv_one(struct pf_udp *u, struct pf_datagram *d, void *buf)
{
    d->data = (struct pf_slice){buf, PIECE};
    g_assert_true(wait_for(u));
    g_assert_cmpint(pf_udp_recv(u, d, 1), ==, 1);
}

static void
fill(uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(i * 7 + (i >> 8));
}

/* Sends a train and asserts that all of it arrives in the right cuts. Returns how many pieces were
 * received for it. */
static unsigned
pass_train(struct pf_udp *a, struct pf_udp *b, size_t len, uint16_t segment)
{
    g_autofree uint8_t *out = g_malloc(PIECE);
    g_autofree uint8_t *in = g_malloc(PIECE);
    struct pf_datagram d = {.data = {out, len}, .segment = segment};
    struct pf_datagram got = {0};
    unsigned pieces = 0;
    set_peer(&d, "127.0.0.1", b);
    fill(out, len);
    g_assert_cmpint(pf_udp_send(a, &d, 1), ==, 1);
    for (size_t at = 0; at < len; pieces++) {
        recv_one(b, &got, in);
        if (got.segment != 0)
            g_assert_cmpuint(got.segment, ==, segment);
        else
            g_assert_cmpuint(got.data.len, ==, MIN(segment, len - at));
        g_assert_cmpuint(got.data.len, <=, len - at);
        g_assert_cmpint(memcmp(in, out + at, got.data.len), ==, 0);
        at += got.data.len;
    }
    return pieces;
}

static void
test_batch(void)
{
    struct pf_udp *a = open_at("127.0.0.1");
    struct pf_udp *b = open_at("127.0.0.1");
    static uint8_t out[BATCH];
    static uint8_t in[BATCH][2048];
    struct pf_datagram d[BATCH];
    memset(d, 0, sizeof d);
    for (unsigned i = 0; i < BATCH; i++) {
        out[i] = (uint8_t)i;
        d[i].data = (struct pf_slice){&out[i], 1};
        set_peer(&d[i], "127.0.0.1", b);
    }
    d[7].data.len = 0; /* an empty datagram is one too */
    g_assert_cmpint(pf_udp_send(a, d, BATCH), ==, BATCH);

    unsigned got = 0;
    while (got < BATCH) {
        for (unsigned i = 0; i < BATCH; i++)
            d[i].data = (struct pf_slice){in[i], sizeof in[i]};
        g_assert_true(wait_for(b));
        int n = pf_udp_recv(b, d, BATCH);
        g_assert_cmpint(n, >, 0);
        for (int i = 0; i < n; i++, got++) {
            g_assert_cmpuint(d[i].data.len, ==, got == 7 ? 0 : 1);
            if (got != 7)
                g_assert_cmpuint(in[i][0], ==, got);
            struct sockaddr_in peer;
            memcpy(&peer, d[i].peer, sizeof peer);
            g_assert_cmpint(peer.sin_family, ==, AF_INET);
            g_assert_cmpuint(peer.sin_port, ==, port_of(a));
            g_assert_cmpuint(d[i].local[0], ==, 4);
            g_assert_cmpmem(d[i].local + 4, 4, "\x7f\0\0\1", 4);
        }
    }
    d[0].data = (struct pf_slice){in[0], sizeof in[0]};
    g_assert_cmpint(pf_udp_recv(b, d, 1), ==, 0);
    pf_udp_close(a);
    pf_udp_close(b);
}

static void
test_trains(void)
{
    struct pf_udp *a = open_at("127.0.0.1");
    struct pf_udp *b = open_at("127.0.0.1");
    g_test_message("%u pieces for 41 datagrams", pass_train(a, b, 40500, 1000));
    (void)pass_train(a, b, 1000, 1000);
    (void)pass_train(a, b, 65000, 1300);
    (void)pass_train(a, b, 20000, 100); /* 200 of them: more than old kernels cut at once */
    (void)pass_train(a, b, 2500, 1000);
    pf_udp_close(a);
    pf_udp_close(b);
}

static void
test_mixed(void)
{
    struct pf_udp *a = open_at("127.0.0.1");
    struct pf_udp *b = open_at("127.0.0.1");
    g_autofree uint8_t *out = g_malloc0(PIECE);
    g_autofree uint8_t *in = g_malloc(PIECE);
    struct pf_datagram d[3] = {
        {.data = {out, 10}}, {.data = {out, 3000}, .segment = 10}, {.data = {out, 20}}};
    for (unsigned i = 0; i < 3; i++)
        set_peer(&d[i], "127.0.0.1", b);
    g_assert_cmpint(pf_udp_send(a, d, 3), ==, 3);
    struct pf_datagram got;
    size_t total = 0;
    while (total < 3030) {
        recv_one(b, &got, in);
        total += got.data.len;
    }
    g_assert_cmpuint(total, ==, 3030);
    g_assert_cmpuint(got.data.len, ==, 20); /* and in order */
    pf_udp_close(a);
    pf_udp_close(b);
}

/* With buffers that hold one datagram nothing arrives merged. */
static void
test_small_buffers(void)
{
    struct pf_udp *a = open_at("127.0.0.1");
    struct pf_udp *b = open_at("127.0.0.1");
    uint8_t in[2048];
    struct pf_datagram got = {.data = {in, sizeof in}};
    g_assert_cmpint(pf_udp_recv(b, &got, 1), ==, 0);

    g_autofree uint8_t *out = g_malloc0(PIECE);
    struct pf_datagram d = {.data = {out, 10000}, .segment = 1000};
    set_peer(&d, "127.0.0.1", b);
    g_assert_cmpint(pf_udp_send(a, &d, 1), ==, 1);
    for (unsigned i = 0; i < 10; i++) {
        got.data = (struct pf_slice){in, sizeof in};
        g_assert_true(wait_for(b));
        g_assert_cmpint(pf_udp_recv(b, &got, 1), ==, 1);
        g_assert_cmpuint(got.data.len, ==, 1000);
        g_assert_cmpuint(got.segment, ==, 0);
    }
    d.segment = 0;
    d.data.len = 3000;
    g_assert_cmpint(pf_udp_send(a, &d, 1), ==, 1);
    got.data = (struct pf_slice){in, sizeof in};
    g_assert_true(wait_for(b));
    g_assert_cmpint(pf_udp_recv(b, &got, 1), ==, 1);
    g_assert_cmpuint(got.data.len, ==, 0); /* cut off: to be ignored */
    pf_udp_close(a);
    pf_udp_close(b);
}

/* The answer comes from the address that was asked. */
static void
answer(struct pf_udp *server, struct pf_udp *client, const char *asked, const char *want)
{
    static uint8_t in[PIECE];
    uint8_t text[4] = "ask";
    struct pf_datagram d = {.data = {text, 3}};
    struct pf_datagram got;
    set_peer(&d, asked, server);
    g_assert_cmpint(pf_udp_send(client, &d, 1), ==, 1);
    recv_one(server, &got, in);
    g_assert_cmpuint(got.local[0], ==, 4);
    g_assert_cmpint(pf_udp_send(server, &got, 1), ==, 1);
    recv_one(client, &got, in);
    struct sockaddr_in from;
    struct sockaddr_in expected = address(want, port_of(server));
    memcpy(&from, got.peer, sizeof from);
    g_assert_cmpuint(from.sin_addr.s_addr, ==, expected.sin_addr.s_addr);
    g_assert_cmpuint(from.sin_port, ==, expected.sin_port);
}

static void
test_sticky(void)
{
    struct pf_udp *server = open_at("0.0.0.0");
    struct pf_udp *client = open_at("127.0.0.1");
    answer(server, client, "127.0.0.1", "127.0.0.1");
    answer(server, client, "127.0.0.2", "127.0.0.2");

    /* An address that this host has lost: the system chooses. */
    uint8_t in[2048];
    uint8_t text[4] = "hey";
    struct pf_datagram d = {.data = {text, 3}, .local = {4, 0, 0, 0, 192, 0, 2, 1}};
    set_peer(&d, "127.0.0.1", client);
    g_assert_cmpint(pf_udp_send(server, &d, 1), ==, 1);
    recv_one(client, &d, in);
    g_assert_cmpuint(d.data.len, ==, 3);
    pf_udp_close(server);
    pf_udp_close(client);
}

static void
test_dual_stack(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    struct pf_udp *server = pf_udp_open((struct sockaddr *)&any, sizeof any, false, NULL);
    if (server == NULL) {
        g_test_skip("this system has no IPv6");
        return;
    }
    struct pf_udp *client = open_at("127.0.0.1");
    answer(server, client, "127.0.0.2", "127.0.0.2");
    pf_udp_close(client);
    pf_udp_close(server);
}

static void
test_open(void)
{
    g_autoptr(GError) error = NULL;
    struct sockaddr_in in = address("127.0.0.1", 0);
    struct pf_udp *a = pf_udp_open((struct sockaddr *)&in, sizeof in, true, &error);
    g_assert_no_error(error);
    in.sin_port = port_of(a);
    struct pf_udp *b = pf_udp_open((struct sockaddr *)&in, sizeof in, true, &error);
    g_assert_no_error(error);
    g_assert_null(pf_udp_open((struct sockaddr *)&in, sizeof in, false, &error));
    g_autofree char *port = g_strdup_printf("UDP port %u: ", ntohs(in.sin_port));
    g_assert_nonnull(strstr(error->message, port));
    pf_udp_close(a);
    pf_udp_close(b);
}

/* ---- which socket gets it ---- */

static struct pf_udp *
open_shared(struct sockaddr_in *in)
{
    g_autoptr(GError) error = NULL;
    struct pf_udp *u = pf_udp_open((struct sockaddr *)in, sizeof *in, true, &error);
    g_assert_no_error(error);
    in->sin_port = port_of(u);
    return u;
}

static void
test_steer(void)
{
    struct sockaddr_in in = address("127.0.0.1", 0);
    struct pf_udp *one = open_shared(&in);
    struct pf_udp *two = open_shared(&in);
    struct pf_udp *from = open_at("127.0.0.1");
    g_autofree uint8_t *buf = g_malloc(PIECE);
    uint8_t bytes[16] = {0};
    struct pf_datagram got;

    if (!pf_udp_steer(two, 0, 12)) {
        g_test_skip("this system steers no sockets");
    } else {
        for (unsigned i = 0; i < 8; i++) {
            struct pf_datagram d = {.data = {bytes, sizeof bytes}};
            memset(bytes, 0, sizeof bytes);
            bytes[i < 4 ? 0 : 12] = i % 2 ? 2 : 1;
            set_peer(&d, "127.0.0.1", one);
            g_assert_cmpint(pf_udp_send(from, &d, 1), ==, 1);
            recv_one(i % 2 ? two : one, &got, buf);
            g_assert_cmpmem(got.data.at, (int)got.data.len, bytes, (int)sizeof bytes);
        }
    }
    pf_udp_close(one);
    pf_udp_close(two);
    pf_udp_close(from);
}

static void
test_raw(void)
{
    enum { PROTOCOL = 50 };
    struct sockaddr_in in = address("127.0.0.1", 0);
    struct pf_udp *one = pf_raw_open(4, PROTOCOL, 1, NULL);
    struct pf_udp *two = pf_raw_open(4, PROTOCOL, 2, NULL);
    struct pf_udp *from = pf_raw_open(4, PROTOCOL, 0, NULL);
    g_autofree uint8_t *buf = g_malloc(PIECE);
    uint8_t bytes[2][20] = {{1, 7}, {2, 8}};
    struct pf_datagram got;

    if (!one || !two || !from) {
        g_test_skip("raw sockets are not allowed");
    } else {
        struct pf_datagram d[2] = {{.data = {bytes[1], sizeof bytes[1]}},
                                   {.data = {bytes[0], sizeof bytes[0]}}};
        for (unsigned i = 0; i < 2; i++)
            memcpy(d[i].peer, &in, sizeof in);
        g_assert_cmpint(pf_udp_send(from, d, 2), ==, 2);
        recv_one(one, &got, buf); /* each has its own alone, and without the IP header */
        g_assert_cmpmem(got.data.at, (int)got.data.len, bytes[0], (int)sizeof bytes[0]);
        g_assert_cmpuint(got.local[0], ==, 4);
        recv_one(two, &got, buf);
        g_assert_cmpmem(got.data.at, (int)got.data.len, bytes[1], (int)sizeof bytes[1]);
        got.data = (struct pf_slice){buf, PIECE};
        g_assert_cmpint(pf_udp_recv(one, &got, 1), ==, 0);
        got.data = (struct pf_slice){buf, PIECE};
        g_assert_cmpint(pf_udp_recv(from, &got, 1), ==, 0);
    }
    pf_udp_close(one);
    pf_udp_close(two);
    pf_udp_close(from);
}

/* A train whose datagrams do not fit the path is refused by the system, and goes singly. Last: it
 * changes the loop-back. */
static void
test_long_segments(void)
{
    if (unavailable != NULL || !netns_try("ip link set lo mtu 1500")) {
        g_test_skip(unavailable != NULL ? unavailable : "the loop-back cannot be changed");
        return;
    }
    struct pf_udp *a = open_at("127.0.0.1");
    struct pf_udp *b = open_at("127.0.0.1");
    (void)pass_train(a, b, 9500, 3000);
    (void)pass_train(a, b, 9500, 1000);
    pf_udp_close(a);
    pf_udp_close(b);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    unavailable = netns_enter();
    g_test_add_func("/platform/udp/batch", test_batch);
    g_test_add_func("/platform/udp/trains", test_trains);
    g_test_add_func("/platform/udp/mixed", test_mixed);
    g_test_add_func("/platform/udp/small-buffers", test_small_buffers);
    g_test_add_func("/platform/udp/sticky", test_sticky);
    g_test_add_func("/platform/udp/dual-stack", test_dual_stack);
    g_test_add_func("/platform/udp/open", test_open);
    g_test_add_func("/platform/udp/steer", test_steer);
    g_test_add_func("/platform/udp/raw", test_raw);
    g_test_add_func("/platform/udp/long-segments", test_long_segments);
    return g_test_run();
}
