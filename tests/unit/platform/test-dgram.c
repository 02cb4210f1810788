/* SPDX-License-Identifier: Apache-2.0 */
/* test-dgram.c - the sockets of a NAT: datagrams in batches and trains, what the network says of
 * them, echo requests, scattered streams and how they end. In a namespace of the program. */

#include "platform/platform.h"
#include "tests/unit/platform/netns.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

enum { PORT = 6001, CLOSED = 6002, BIG = 65536 };

static const char *unavailable;

static bool
unplugged(void)
{
    if (!unavailable)
        return false;
    g_test_skip(unavailable);
    return true;
}

static struct sockaddr_in
loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static bool
readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 2000) == 1;
}

/* A datagram socket with a port that the test knows. */
static int
bound(uint16_t port)
{
    const struct sockaddr_in sa = loopback(port);
    int fd = pf_dgram_open(4);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), ==, 0);
    return fd;
}

static struct pf_datagram
datagram(void *bytes, size_t len, uint16_t port)
{
    struct pf_datagram d = {.data = {bytes, len}};
    const struct sockaddr_in sa = loopback(port);
    memcpy(d.peer, &sa, sizeof(sa));
    return d;
}

static void
test_batch(void)
{
    if (unplugged())
        return;
    int a = bound(PORT);
    int b = pf_dgram_open(4);
    char bytes[3][10] = {"one", "two", "three"};
    struct pf_datagram out[3];
    for (unsigned i = 0; i < 3; i++)
        out[i] = datagram(bytes[i], strlen(bytes[i]), PORT);
    g_assert_cmpint(pf_dgram_send(b, out, 3), ==, 3);
    g_autofree uint8_t *room = g_malloc((gsize)3 * BIG);
    g_assert_true(readable(a));
    for (unsigned i = 0; i < 3;) { /* alike ones might have been merged; these are not alike */
        struct pf_datagram in[3];
        for (unsigned k = 0; k < 3; k++)
            in[k].data = (struct pf_slice){room + (size_t)k * BIG, BIG};
        int got = pf_dgram_recv(a, in, 3);
        g_assert_cmpint(got, >, 0);
        for (int k = 0; k < got; k++, i++) {
            g_assert_cmpuint(in[k].data.len, ==, strlen(bytes[i]));
            g_assert_true(memcmp(in[k].data.at, bytes[i], in[k].data.len) == 0);
        }
    }
    struct pf_datagram none = {.data = {room, BIG}};
    g_assert_cmpint(pf_dgram_recv(a, &none, 1), ==, 0);
    pf_close(a);
    pf_close(b);
}

static void
test_train(void)
{
    if (unplugged())
        return;
    int a = bound(PORT);
    int b = pf_dgram_open(4);
    g_autofree uint8_t *train = g_malloc(10000);
    g_autofree uint8_t *room = g_malloc(BIG);
    for (unsigned i = 0; i < 10000; i++)
        train[i] = (uint8_t)(i * 7 + (i >> 8));
    struct pf_datagram out = datagram(train, 10000, PORT);
    out.segment = 1200;
    g_assert_cmpint(pf_dgram_send(b, &out, 1), ==, 1);
    size_t at = 0;
    while (at < 10000) {
        struct pf_datagram in = {.data = {room, BIG}};
        g_assert_true(readable(a));
        g_assert_cmpint(pf_dgram_recv(a, &in, 1), ==, 1);
        g_assert_true(in.segment == 1200 || in.data.len <= 1200);
        g_assert_true(memcmp(room, train + at, in.data.len) == 0);
        at += in.data.len;
    }
    g_assert_cmpuint(at, ==, 10000);
    pf_close(a);
    pf_close(b);
}

static void
test_error(void)
{
    if (unplugged())
        return;
    int fd = pf_dgram_open(4);
    struct pf_dgram_error e;
    struct sockaddr_in sa;
    char byte = 0;
    g_assert_false(pf_dgram_error(fd, &e));
    struct pf_datagram out = datagram(&byte, 1, CLOSED);
    g_assert_cmpint(pf_dgram_send(fd, &out, 1), ==, 1);
    g_assert_true(readable(fd));
    g_assert_true(pf_dgram_error(fd, &e));
    memcpy(&sa, e.peer, sizeof(sa));
    g_assert_cmpuint(ntohs(sa.sin_port), ==, CLOSED);
    g_assert_cmpuint(e.type, ==, 3);
    g_assert_cmpuint(e.code, ==, 3);
    g_assert_cmpint(e.error, ==, ECONNREFUSED);
    g_assert_false(pf_dgram_error(fd, &e));
    pf_close(fd);
}

static void
test_connect(void)
{
    if (unplugged())
        return;
    int a = bound(PORT);
    const struct sockaddr_in sa = loopback(PORT);
    int b = pf_dgram_connect((const struct sockaddr *)&sa, sizeof(sa));
    g_assert_cmpint(b, >=, 0);
    g_assert_cmpint((int)pf_send(b, "x", 1), ==, 1);
    g_assert_true(readable(a));
    char forged[] = "forged";
    int stranger = pf_dgram_open(4);
    struct sockaddr_storage own;
    unsigned len = 0;
    g_assert_true(pf_socket_local(b, &own, &len));
    struct pf_datagram out = {.data = {forged, sizeof(forged)}};
    memcpy(out.peer, &own, sizeof(struct sockaddr_in));
    g_assert_cmpint(pf_dgram_send(stranger, &out, 1), ==, 1);
    char room[16];
    g_assert_cmpint((int)pf_recv(b, room, sizeof(room)), ==, -1); /* not from its peer */
    pf_close(a);
    pf_close(b);
    pf_close(stranger);
}

static void
test_ping(void)
{
    if (unplugged())
        return;
    bool raw = false;
    int fd = pf_ping_open(4, &raw);
    if (fd < 0) {
        g_test_skip("neither ping sockets nor raw ones are allowed");
        return;
    }
    uint8_t echo[8] = {8, 0, 0xf7, 0xfd, 0, 1, 0, 1};
    uint8_t room[256];
    struct pf_datagram out = datagram(echo, sizeof(echo), 0);
    g_assert_cmpint(pf_dgram_send(fd, &out, 1), ==, 1);
    g_assert_true(readable(fd));
    struct pf_datagram in = {.data = {room, sizeof(room)}};
    g_assert_cmpint(pf_dgram_recv(fd, &in, 1), ==, 1);
    const uint8_t *icmp = raw ? room + 20 : room;
    g_assert_cmpuint(icmp[0], ==, 0); /* the reply */
    g_assert_cmpuint(icmp[7], ==, 1);
    pf_close(fd);
}

static void
make_pair(int pair[2])
{
    struct sockaddr_in sa = loopback(0);
    socklen_t len = sizeof(sa);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    g_assert_cmpint(bind(listener, (const struct sockaddr *)&sa, sizeof(sa)), ==, 0);
    g_assert_cmpint(listen(listener, 1), ==, 0);
    g_assert_cmpint(getsockname(listener, (struct sockaddr *)&sa, &len), ==, 0);
    pair[0] = pf_tcp_connect((const struct sockaddr *)&sa, sizeof(sa), 0, NULL);
    g_assert_true(readable(listener));
    struct sockaddr_storage peer;
    unsigned peerlen = 0;
    pair[1] = pf_tcp_accept(listener, &peer, &peerlen);
    g_assert_cmpint(pair[1], >=, 0);
    pf_close(listener);
}

static void
test_slices(void)
{
    if (unplugged())
        return;
    int pair[2];
    char in[8] = "";
    make_pair(pair);
    char ab[] = "ab";
    char cde[] = "cde";
    const struct pf_slice out[] = {{ab, 2}, {ab, 0}, {cde, 3}};
    const struct pf_slice room[] = {{in, 3}, {in + 3, 4}};
    g_assert_cmpint((int)pf_recv_slices(pair[1], room, 2), ==, -1);
    g_assert_cmpint((int)pf_send_slices(pair[0], out, 3), ==, 5);
    g_assert_true(readable(pair[1]));
    g_assert_cmpint((int)pf_recv_slices(pair[1], room, 2), ==, 5);
    g_assert_cmpstr(in, ==, "abcde");
    pf_tcp_keepalive(pair[0], 600);
    pf_shutdown_write(pair[0]);
    g_assert_true(readable(pair[1]));
    g_assert_cmpint((int)pf_recv_slices(pair[1], room, 2), ==, 0);
    g_assert_cmpint((int)pf_send_slices(pair[1], out, 1), ==, 2); /* half closed */
    g_assert_true(readable(pair[0]));
    g_assert_cmpint((int)pf_recv_slices(pair[0], room, 2), ==, 2);
    pf_close_reset(pair[1]);
    g_assert_true(readable(pair[0]));
    g_assert_cmpint((int)pf_recv_slices(pair[0], room, 2), ==, -2);
    g_assert_cmpint((int)pf_send_slices(pair[0], out, 1), ==, -2);
    pf_close(pair[0]);
}

static void
test_descriptors(void)
{
    unsigned n = pf_descriptors_raise();
    g_assert_cmpuint(n, >=, 256);
    g_assert_cmpuint(pf_descriptors_raise(), ==, n);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    unavailable = netns_enter();
    g_test_add_func("/dgram/batch", test_batch);
    g_test_add_func("/dgram/train", test_train);
    g_test_add_func("/dgram/error", test_error);
    g_test_add_func("/dgram/connect", test_connect);
    g_test_add_func("/dgram/ping", test_ping);
    g_test_add_func("/dgram/slices", test_slices);
    g_test_add_func("/dgram/descriptors", test_descriptors);
    return g_test_run();
}
