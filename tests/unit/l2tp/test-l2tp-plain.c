/* SPDX-License-Identifier: Apache-2.0 */
/* test-l2tp-plain.c - strangers at UDP 1701: 100,000 tunnels that are begun from 65,536 addresses
 * and go no further. They may take what is set aside for them and no more, and get no more than
 * they send. */

#include "core/base/random.h"
#include "core/net/wire.h"
#include "core/proto/l2tp/server_priv.h"
#include "core/proto/reliable.h"
#include "tests/unit/hub/l3_lab.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FILL = 10000,
    FLOOD = 100000,
    TURN = 64, /* between two looks at what came back */
    GROWTH_KIB = 2048,
    TUNNEL = 77,
};

#if defined(__SANITIZE_ADDRESS__)
enum { COUNTS_MEMORY = false };
#else
enum { COUNTS_MEMORY = true };
#endif

struct rig {
    struct lab lab;
    struct auth *auth;
    struct l2tp_server *server;
    int fd;
    uint64_t sent, answers, answered, longer;
    size_t request;
};

/* ---- rig ---- */

static bool
find_user(void *store, const char *hub, const char *user, bool *found, struct auth_user *out)
{
    (void)store;
    (void)hub;
    (void)user;
    (void)out;
    *found = false;
    return true;
}

static const struct auth_store_ops nobody = {.find_user = find_user};

static void
set_up(struct rig *r, const void *data)
{
    static const struct l2tp_settings settings = {.plain = true};
    int room = 4 << 20;

    (void)data;
    lab_set_up(&r->lab, NULL);
    r->auth = auth_new(&nobody, NULL);
    struct l2tp_server_config config = {
        .workers = r->lab.set, .hubs = r->lab.hubs, .auth = r->auth};
    r->server = l2tp_server_new(&config);
    for (unsigned tries = 0; tries < 20; tries++) { /* others may have a port */
        r->server->plain_port = (uint16_t)random_range(20000, 30000);
        l2tp_server_set(r->server, &settings);
        if (!l2tp_server_plain_error(r->server))
            break;
    }
    g_assert_null(l2tp_server_plain_error(r->server));
    r->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)setsockopt(r->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
}

static void
tear_down(struct rig *r, const void *data)
{
    close(r->fd);
    l2tp_server_stop(r->server);
    l2tp_server_free(r->server);
    auth_free(r->auth);
    lab_tear_down(&r->lab, data);
}

/* ---- links, memory ---- */

struct count {
    struct l2tp_home *home;
    unsigned n;
};

static void
count_there(void *data)
{
    struct count *c = data;

    for (const struct l2tp_link *l = c->home->first; l; l = l->next)
        c->n++;
}

static unsigned
links(struct rig *r)
{
    unsigned n = 0;

    for (unsigned i = 0; i < r->server->n_homes; i++) {
        struct count c = {.home = &r->server->home[i]};
        worker_call_sync(c.home->worker, count_there, &c);
        n += c.n;
    }
    return n;
}

static long
rss_kib(void)
{
    char text[128];
    FILE *f = fopen("/proc/self/statm", "re");

    g_assert_nonnull(f);
    g_assert_nonnull(fgets(text, sizeof(text), f));
    (void)fclose(f);
    const char *second = strchr(text, ' ');
    g_assert_nonnull(second);
    long pages = strtol(second, NULL, 10);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* ---- packets ---- */

static size_t
write_sccrq(uint8_t *bytes, size_t room)
{
    struct writer w = writer_of(bytes, room);

    l2tp_begin(&w, L2TP_SCCRQ, 0, 0);
    l2tp_put_u16(&w, L2TP_AVP_PROTOCOL_VERSION, 0x0100);
    l2tp_put_u32(&w, L2TP_AVP_FRAMING_CAPABILITIES, 3);
    l2tp_put(&w, L2TP_AVP_HOST_NAME, "x", 1);
    l2tp_put_u16(&w, L2TP_AVP_TUNNEL_ID, TUNNEL);
    g_assert_true(l2tp_end(&w));
    return w.len;
}

/* From 127.1.0.0 and the addresses behind it. */
static void
say_from(struct rig *r, unsigned i, const uint8_t *bytes, size_t len)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control = {.head = {.cmsg_level = IPPROTO_IP,
                          .cmsg_type = IP_PKTINFO,
                          .cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo))}};
    struct in_pktinfo from = {.ipi_spec_dst.s_addr = htonl(0x7f010000 + i % 65536)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(r->server->plain_port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct iovec iov = {(void *)(uintptr_t)bytes, len};

    memcpy(CMSG_DATA(&control.head), &from, sizeof(from));
    struct msghdr m = {.msg_name = &to,
                       .msg_namelen = sizeof(to),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof(control.bytes)};
    if (sendmsg(r->fd, &m, 0) > 0)
        r->sent += len;
}

static bool
hear(struct rig *r, uint8_t *bytes, size_t room, size_t *len)
{
    ssize_t n = recv(r->fd, bytes, room, 0);

    if (n < 0)
        return false;
    *len = (size_t)n;
    r->answers++;
    r->answered += (uint64_t)n;
    r->longer += (size_t)n > r->request;
    return true;
}

static void
hear_all(struct rig *r)
{
    uint8_t bytes[2048];
    size_t len = 0;

    while (hear(r, bytes, sizeof(bytes), &len))
        ;
}

static void
flood(struct rig *r, unsigned first, unsigned n)
{
    uint8_t bytes[L2TP_MESSAGE_MAX];

    r->request = write_sccrq(bytes, sizeof(bytes));
    for (unsigned i = 0; i < n; i++) {
        say_from(r, first + i, bytes, r->request);
        if (i % TURN != 0)
            continue;
        hear_all(r);
        g_usleep(1000);
    }
    /* Until it is quiet: on a slow machine the last ones are late. */
    uint64_t answers;
    do {
        answers = r->answers;
        g_usleep(500000);
        hear_all(r);
    } while (r->answers > answers);
}

/* ---- tests ---- */

static void
test_flood(struct rig *r, const void *data)
{
    (void)data;
    flood(r, 0, FILL);
    g_assert_cmpuint(links(r), <=, L2TP_PLAIN_STRANGERS);
    g_assert_cmpuint(links(r), >=,
                     L2TP_PLAIN_STRANGERS / 2); /* each worker makes room for its own */
    long before = rss_kib();
    flood(r, FILL, FLOOD);
    long after = rss_kib();
    g_assert_cmpuint(links(r), <=, L2TP_PLAIN_STRANGERS);
    g_assert_cmpuint(r->answers, >=, (FILL + FLOOD) / 5); /* else it proves nothing */
    g_assert_cmpuint(r->longer, ==, 0);
    g_assert_cmpuint(r->answered, <=, r->sent);
    g_test_message("%" G_GUINT64_FORMAT " answers to %d; %ld KiB, then %ld", r->answers,
                   FILL + FLOOD, before, after);
    if (COUNTS_MEMORY)
        g_assert_cmpint(after, <=, before + GROWTH_KIB);

    /* None of them gets anything more, and all of them are forgotten. */
    uint64_t answers = r->answers;
    for (unsigned i = 0; i < 300 && links(r) > 0; i++)
        g_usleep(100000);
    g_assert_cmpuint(links(r), ==, 0);
    hear_all(r);
    g_assert_cmpuint(r->answers, ==, answers);
}

/* One who answers gets a tunnel, right after it. */
static void
test_newcomer(struct rig *r, const void *data)
{
    uint8_t bytes[L2TP_MESSAGE_MAX];
    struct l2tp_message m;
    struct l2tp_header h;
    uint16_t id = 0;
    size_t len = 0;

    (void)data;
    flood(r, 0, FILL);
    say_from(r, 60000, bytes, write_sccrq(bytes, sizeof(bytes)));
    for (unsigned i = 0; i < 100 && !hear(r, bytes, sizeof(bytes), &len); i++)
        g_usleep(50000);
    g_assert_true(l2tp_header_parse(reader_of(bytes, len), &h));
    g_assert_true(l2tp_message_parse(h.payload, NULL, &m));
    g_assert_cmpuint(m.type, ==, L2TP_SCCRP);
    g_assert_true(l2tp_message_u16(&m, L2TP_AVP_TUNNEL_ID, &id));
    struct writer w = writer_of(bytes, sizeof(bytes));
    l2tp_begin(&w, L2TP_SCCCN, id, 0);
    g_assert_true(l2tp_end(&w));
    wire_put16(bytes + RELIABLE_AT_NS, 1);
    wire_put16(bytes + RELIABLE_AT_NR, 1);
    say_from(r, 60000, bytes, w.len);
    for (unsigned i = 0; i < 100 && !hear(r, bytes, sizeof(bytes), &len); i++)
        g_usleep(50000);
    g_assert_true(l2tp_header_parse(reader_of(bytes, len), &h));
    g_assert_cmpuint(h.nr, ==, 2); /* an acknowledgement */
    g_assert_cmpuint(h.payload.left, ==, 0);
}

/* Messages of tunnels that are not there get nothing, whatever they are. */
static void
test_no_tunnel(struct rig *r, const void *data)
{
    static const enum l2tp_message_type types[] = {L2TP_HELLO, L2TP_CDN, L2TP_STOPCCN, L2TP_ICRQ};
    uint8_t bytes[L2TP_MESSAGE_MAX];

    (void)data;
    for (unsigned i = 0; i < 1000; i++) {
        struct writer w = writer_of(bytes, sizeof(bytes));
        l2tp_begin(&w, types[i % ARRAY_LEN(types)], (uint16_t)(i + 1), 0);
        l2tp_put_u16(&w, L2TP_AVP_TUNNEL_ID, TUNNEL);
        g_assert_true(l2tp_end(&w));
        say_from(r, i, bytes, w.len);
    }
    g_usleep(300000);
    hear_all(r);
    g_assert_cmpuint(r->answers, ==, 0);
    g_assert_cmpuint(links(r), ==, 0);
}

#define ADD(name, function) \
    g_test_add("/l2tp/plain/" name, struct rig, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("flood", test_flood);
    ADD("newcomer", test_newcomer);
    ADD("no-tunnel", test_no_tunnel);
    return g_test_run();
}
