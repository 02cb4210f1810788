/* SPDX-License-Identifier: Apache-2.0 */
/* test-vhost.c - a virtual host with a real client and a real outside.
 *
 *     the child's namespace                    this namespace
 *     client -- petap0 == bridge -- hub -- virtual host -- sockets -- servers at OUTSIDE
 *
 * The adapter is moved to the child, whose kernel is the client: its TCP judges ours.
 */

#include "core/hub/bridge.h"
#include "core/hub/nat/vhost.h"
#include "core/net/wire.h"
#include "platform/platform.h"
#include "tests/unit/hub/rig.h"
#include "tests/unit/platform/netns.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define OUTSIDE  "198.51.100.1"
#define OUTSIDE6 "2001:db8:5::1"
#define GATEWAY  "192.168.30.1"
#define CLIENT   "192.168.30.10"
#define PREFIX6  "fd30:1:2:3::"
#define GATEWAY6 PREFIX6 "1"
#define CLIENT6  PREFIX6 "10"

enum { PORT = 5001, CLOSED_PORT = 5002, UDP_PORT = 5003, CHUNK = 65536 };
enum { STREAM = 256 * 1024 * 1024, MANY = 400 };

enum op {
    OP_DOWN,
    OP_UP,
    OP_BOTH,
    OP_REFUSED,
    OP_BLOCKED,
    OP_UDP,
    OP_UDP_CLOSED,
    OP_PING,
    OP_DNS,
    OP_DNS_TCP,
    OP_MANY
};

struct order {
    enum op op;
    uint64_t size;
    char host[64];
    uint16_t port;
};

struct report {
    bool ok;
    double seconds;
    char why[80];
};

static const char *unavailable;
static pid_t child;
static int agent; /* to the child */

static uint8_t
pattern(uint64_t at)
{
    return (uint8_t)(at * 7 + (at >> 9));
}

/* The period of the pattern, so that it need not be computed for each byte. */
static const uint8_t *
pattern_at(uint64_t at)
{
    static uint8_t *table;
    enum { PERIOD = 256 * 512 };
    if (!table) {
        table = g_malloc(PERIOD + CHUNK);
        for (size_t i = 0; i < PERIOD + CHUNK; i++)
            table[i] = pattern(i);
    }
    return table + at % PERIOD;
}

/* ---- both ends of a stream ---- */

static bool
send_stream(int fd, uint64_t size)
{
    for (uint64_t at = 0; at < size;) {
        ssize_t put = send(fd, pattern_at(at), MIN((uint64_t)CHUNK, size - at), MSG_NOSIGNAL);
        if (put <= 0)
            return false;
        at += (uint64_t)put;
    }
    return true;
}

static bool
receive_stream(int fd, uint64_t size)
{
    static _Thread_local uint8_t buf[CHUNK];
    for (uint64_t at = 0; at < size;) {
        ssize_t got = recv(fd, buf, MIN((uint64_t)CHUNK, size - at), 0);
        if (got <= 0 || memcmp(buf, pattern_at(at), (size_t)got) != 0)
            return false;
        at += (uint64_t)got;
    }
    return true;
}

static bool
ends(int fd)
{
    uint8_t byte;
    return recv(fd, &byte, 1, 0) == 0;
}

static unsigned
address(const char *host, uint16_t port, struct sockaddr_storage *out)
{
    struct endpoint e = {.port = port};
    if (!ip_parse(host, &e.ip))
        abort();
    return endpoint_to_sockaddr(&e, out);
}

/* ---- servers of the outside ---- */

struct request {
    uint64_t down, up; /* bytes towards the client, and from it */
};

static gpointer
serve_one(gpointer data)
{
    int fd = GPOINTER_TO_INT(data);
    struct request rq = {0};
    if (recv(fd, &rq, sizeof(rq), MSG_WAITALL) == (ssize_t)sizeof(rq) &&
        (rq.up == 0 || receive_stream(fd, rq.up)) && send_stream(fd, rq.down)) {
        (void)shutdown(fd, SHUT_WR);
        (void)ends(fd);
    }
    (void)close(fd);
    return NULL;
}

static gpointer
serve_tcp(gpointer data)
{
    int fd = GPOINTER_TO_INT(data);
    for (;;) {
        int peer = accept(fd, NULL, NULL);
        if (peer < 0)
            return NULL;
        g_thread_unref(g_thread_new("peer", serve_one, GINT_TO_POINTER(peer)));
    }
}

static gpointer
serve_udp(gpointer data)
{
    int fd = GPOINTER_TO_INT(data);
    static uint8_t buf[65536];
    for (;;) {
        struct sockaddr_storage sa;
        socklen_t len = sizeof(sa);
        ssize_t got = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&sa, &len);
        if (got < 0)
            return NULL;
        (void)sendto(fd, buf, (size_t)got, 0, (struct sockaddr *)&sa, len);
    }
}

/* Answers each question with its own name, and 192.0.2.55. */
static gpointer
serve_dns(gpointer data)
{
    int fd = GPOINTER_TO_INT(data);
    static uint8_t buf[1024];
    for (;;) {
        struct sockaddr_storage sa;
        socklen_t len = sizeof(sa);
        static const uint8_t answer[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 55};
        ssize_t got = recvfrom(fd, buf, 512, 0, (struct sockaddr *)&sa, &len);
        if (got < 0)
            return NULL;
        buf[2] |= 0x80;
        buf[7] = 1;
        memcpy(buf + got, answer, sizeof(answer));
        buf[0] ^= 1; /* a forged one first: it has another identifier */
        (void)sendto(fd, buf, (size_t)got + sizeof(answer), 0, (struct sockaddr *)&sa, len);
        buf[0] ^= 1;
        (void)sendto(fd, buf, (size_t)got + sizeof(answer), 0, (struct sockaddr *)&sa, len);
    }
}

static void
start_server(const char *host, uint16_t port, int type, GThreadFunc serve)
{
    struct sockaddr_storage sa;
    unsigned len = address(host, port, &sa);
    int fd = socket(sa.ss_family, type, 0);
    int one = 1;
    g_assert_cmpint(fd, >=, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    g_assert_cmpint(bind(fd, (const struct sockaddr *)&sa, len), ==, 0);
    if (type == SOCK_STREAM)
        g_assert_cmpint(listen(fd, 1000), ==, 0);
    g_thread_unref(g_thread_new("server", serve, GINT_TO_POINTER(fd)));
}

/* ---- the client; in the child ---- */

static int
open_socket(const struct order *o, int type)
{
    struct sockaddr_storage sa;
    unsigned len = address(o->host, o->port, &sa);
    const struct timeval patience = {.tv_sec = 20};
    int fd = socket(sa.ss_family, type, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (const struct sockaddr *)&sa, len) == 0)
        return fd;
    int err = errno;
    (void)close(fd);
    errno = err;
    return -1;
}

static bool
do_stream(const struct order *o, uint64_t down, uint64_t up)
{
    const struct request rq = {.down = down, .up = up};
    int fd = open_socket(o, SOCK_STREAM);
    bool ok = fd >= 0 && send(fd, &rq, sizeof(rq), MSG_NOSIGNAL) == (ssize_t)sizeof(rq) &&
              send_stream(fd, up) && receive_stream(fd, down) && ends(fd);
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

static bool
do_udp(const struct order *o)
{
    int fd = open_socket(o, SOCK_DGRAM);
    static uint8_t out[65536], in[65536];
    bool ok = fd >= 0;
    for (unsigned i = 0; ok && i < 100; i++) {
        size_t len = 1 + i * (size_t)o->size / 100;
        memset(out, (int)i, len);
        ok = send(fd, out, len, 0) == (ssize_t)len && recv(fd, in, sizeof(in), 0) == (ssize_t)len &&
             memcmp(in, out, len) == 0;
    }
    (void)close(fd);
    return ok;
}

static bool
do_udp_closed(const struct order *o)
{
    int fd = open_socket(o, SOCK_DGRAM);
    uint8_t byte = 0;
    bool ok = send(fd, &byte, 1, 0) == 1 && recv(fd, &byte, 1, 0) < 0 && errno == ECONNREFUSED;
    (void)close(fd);
    return ok;
}

static bool
do_ping(const struct order *o)
{
    return netns_try("ping -c 2 -W 2 -i 0.2 -s %u %s", (unsigned)o->size, o->host);
}

static bool
do_dns(const struct order *o, int type)
{
    static const uint8_t query[] = {0x12, 0x34, 1,   0,   0,   1,   0, 0,   0,   0,
                                    0,    0,    3,   'w', 'W', 'w', 7, 'e', 'x', 'a',
                                    'm',  'p',  'l', 'e', 0,   0,   1, 0,   1};
    uint8_t buf[1024];
    int fd = open_socket(o, type);
    if (fd < 0 || send(fd, query, sizeof(query), 0) != (ssize_t)sizeof(query))
        return false;
    ssize_t got = recv(fd, buf, sizeof(buf), 0);
    (void)close(fd);
    return got == (ssize_t)sizeof(query) + 16 && buf[0] == 0x12 && buf[1] == 0x34 &&
           buf[got - 1] == 55;
}

static bool
do_many(const struct order *o)
{
    int fd[MANY];
    const struct request rq = {.down = o->size};
    bool ok = true;
    for (unsigned i = 0; i < MANY; i++) {
        fd[i] = open_socket(o, SOCK_STREAM);
        ok = ok && fd[i] >= 0 && send(fd[i], &rq, sizeof(rq), MSG_NOSIGNAL) == (ssize_t)sizeof(rq);
    }
    for (unsigned i = 0; i < MANY; i++) {
        ok = ok && receive_stream(fd[i], o->size) && ends(fd[i]);
        (void)close(fd[i]);
    }
    return ok;
}

static bool
obey(const struct order *o)
{
    switch (o->op) {
    case OP_DOWN:
        return do_stream(o, o->size, 0);
    case OP_UP:
        return do_stream(o, 0, o->size);
    case OP_BOTH:
        return do_stream(o, o->size, o->size);
    case OP_REFUSED:
        return open_socket(o, SOCK_STREAM) < 0 && errno == ECONNREFUSED;
    case OP_BLOCKED:
        return open_socket(o, SOCK_STREAM) < 0 && errno == EHOSTUNREACH;
    case OP_UDP:
        return do_udp(o);
    case OP_UDP_CLOSED:
        return do_udp_closed(o);
    case OP_PING:
        return do_ping(o);
    case OP_DNS:
        return do_dns(o, SOCK_DGRAM);
    case OP_DNS_TCP:
        return do_dns(o, SOCK_STREAM);
    case OP_MANY:
        return do_many(o);
    }
    return false;
}

static _Noreturn void
be_client(int fd)
{
    struct order o;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || unshare(CLONE_NEWNET) < 0 ||
        !netns_try("ip link set lo up") || write(fd, "", 1) != 1)
        _exit(1);
    while (read(fd, &o, sizeof(o)) == (ssize_t)sizeof(o)) {
        int64_t start_us = clock_now_us();
        struct report r = {.ok = obey(&o)};
        (void)g_snprintf(r.why, sizeof(r.why), "%s", r.ok ? "" : g_strerror(errno));
        r.seconds = (double)(clock_now_us() - start_us) / 1e6;
        if (write(fd, &r, sizeof(r)) != (ssize_t)sizeof(r))
            break;
    }
    _exit(0);
}

static const char *
start_child(void)
{
    int pair[2];
    char byte;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return "no pair of sockets";
    child = fork();
    if (child == 0)
        be_client(pair[1]);
    (void)close(pair[1]);
    agent = pair[0];
    return child > 0 && read(agent, &byte, 1) == 1 ? NULL : "no second network namespace";
}

static double
order(enum op op, const char *host, uint16_t port, uint64_t size)
{
    struct order o = {.op = op, .size = size, .port = port};
    struct report r;
    (void)g_strlcpy(o.host, host, sizeof(o.host));
    g_assert_cmpint(write(agent, &o, sizeof(o)), ==, sizeof(o));
    g_assert_cmpint(read(agent, &r, sizeof(r)), ==, sizeof(r));
    if (!r.ok)
        g_error("order %d to %s port %u failed after %.3f s: %s", (int)op, host, port, r.seconds,
                r.why);
    return r.seconds;
}

/* ---- what is tested ---- */

struct scene {
    struct rig rig;
    struct bridge *bridge;
    struct vhost *vhost;
    unsigned leases;
};

static void
on_leases(void *owner, const struct dhcp_lease *lease, unsigned n)
{
    struct scene *s = owner;
    for (unsigned i = 0; i < n; i++)
        s->leases += lease[i].expires_ms > 0;
}

static const struct vhost_ops ops = {.leases_changed = on_leases};

static struct vhost_config
config(void)
{
    struct vhost_config c = {
        .mac = {{0x5e, 1, 2, 3, 4, 5}},
        .ip4 = 0xc0a81e01,
        .mask4 = 0xffffff00,
        .mtu = 1500,
        .use_nat = true,
        .nat_mode = VHOST_NAT_USER,
        .tcp_timeout_s = 1800,
        .udp_timeout_s = 60,
        .use_dhcp = true,
        .dhcp4 = {.first = 0xc0a81e0a,
                  .last = 0xc0a81ec8,
                  .mask = 0xffffff00,
                  .lease_s = 7200,
                  .gateway = 0xc0a81e01,
                  .dns = {0xc0a81e01}},
        .use_ip6 = true,
        .dhcp6 = {.prefix = {0xfd, 0x30, 0, 1, 0, 2, 0, 3}, .lease_s = 7200, .mtu = 1500},
    };
    return c;
}

static void
plug_in(struct scene *s)
{
    const struct bridge_config bc = {.hub = "TEST", .device = "petap0", .tap = true};
    g_autoptr(GError) error = NULL;
    s->bridge = bridge_new(s->rig.hubs, &bc, &error);
    g_assert_no_error(error);
    for (unsigned i = 0; i < 400 && bridge_get_state(s->bridge) != BRIDGE_ACTIVE; i++)
        g_usleep(5000);
    int pid = (int)child;
    g_assert_true(netns_try("ip link set petap0 netns %d", pid));
    g_assert_true(netns_try("nsenter -t %d -n ip address add " CLIENT "/24 dev petap0", pid));
    g_assert_true(
        netns_try("nsenter -t %d -n sysctl -qw net.ipv6.conf.petap0.disable_ipv6=0", pid));
    g_assert_true(netns_try("nsenter -t %d -n ip link set petap0 up", pid));
    g_assert_true(
        netns_try("nsenter -t %d -n ip address add " CLIENT6 "/64 dev petap0 nodad", pid));
    g_assert_true(netns_try("nsenter -t %d -n ip route add default via " GATEWAY, pid));
    g_assert_true(netns_try("nsenter -t %d -n ip -6 route add default via " GATEWAY6, pid));
}

static void
set_up(struct scene *s, const void *data)
{
    if (unavailable)
        return;
    g_autoptr(GError) error = NULL;
    *s = (struct scene){.leases = 0};
    rig_set_up(&s->rig, data);
    struct vhost_config c = config();
    s->vhost = vhost_new(s->rig.hub, &c, NULL, 0, &ops, s, &error);
    g_assert_no_error(error);
    plug_in(s);
}

static void
tear_down(struct scene *s, const void *data)
{
    if (unavailable)
        return;
    vhost_free(s->vhost);
    bridge_free(s->bridge);
    rig_tear_down(&s->rig, data);
}

static bool
unplugged(void)
{
    if (!unavailable)
        return false;
    g_test_skip(unavailable);
    return true;
}

static void
streams(const char *host)
{
    double s = order(OP_DOWN, host, PORT, STREAM);
    g_test_message("down: %.2f Gbit/s", STREAM * 8.0 / 1e9 / s);
    s = order(OP_UP, host, PORT, STREAM);
    g_test_message("up: %.2f Gbit/s", STREAM * 8.0 / 1e9 / s);
    (void)order(OP_BOTH, host, PORT, 1024 * 1024);
    for (unsigned i = 0; i < 100; i++)
        (void)order(OP_BOTH, host, PORT, i);
    (void)order(OP_REFUSED, host, CLOSED_PORT, 0);
    s = order(OP_MANY, host, PORT, 100000);
    g_test_message("%d connections at once: %.2f s", MANY, s);
}

static void
test_tcp4(struct scene *s, const void *data)
{
    (void)data;
    if (unplugged())
        return;
    streams(OUTSIDE);
    (void)order(OP_REFUSED, GATEWAY, 80, 0);
    struct vhost_status st;
    vhost_get_status(s->vhost, &st);
    g_assert_cmpuint(st.tcp, >, 0); /* in TIME-WAIT */
    g_autoptr(GArray) flows = vhost_flows(s->vhost);
    g_assert_cmpuint(flows->len, ==, st.tcp);
    const struct vhost_flow *f = &g_array_index(flows, struct vhost_flow, 0);
    g_assert_cmpuint(f->src.ip.b[0], ==, 192);
    g_assert_cmpuint(f->dst.ip.b[0], ==, 198);
    g_assert_cmpuint(f->dst.port, ==, PORT);
    g_assert_cmpuint(f->sent, >=, sizeof(struct request));
}

static void
test_tcp6(struct scene *s, const void *data)
{
    (void)s;
    (void)data;
    if (unplugged())
        return;
    streams(OUTSIDE6);
}

static void
test_udp(struct scene *s, const void *data)
{
    (void)data;
    if (unplugged())
        return;
    (void)order(OP_UDP, OUTSIDE, UDP_PORT, 60000); /* longer ones in fragments, both ways */
    (void)order(OP_UDP_CLOSED, OUTSIDE, CLOSED_PORT, 0);
    (void)order(OP_UDP, OUTSIDE6, UDP_PORT, 60000);
    (void)order(OP_UDP_CLOSED, OUTSIDE6, CLOSED_PORT, 0);
    struct vhost_status st;
    vhost_get_status(s->vhost, &st);
    g_assert_cmpuint(st.udp, ==, 4);
}

static void
test_ping(struct scene *s, const void *data)
{
    (void)data;
    if (unplugged())
        return;
    static const char *const hosts[] = {GATEWAY, OUTSIDE, GATEWAY6, OUTSIDE6};
    for (unsigned i = 0; i < ARRAY_LEN(hosts); i++) {
        (void)order(OP_PING, hosts[i], 0, 56);
        (void)order(OP_PING, hosts[i], 0, 5000); /* in fragments */
    }
    struct vhost_status st;
    vhost_get_status(s->vhost, &st);
    g_assert_cmpuint(st.icmp, ==, 4);
}

static void
test_dns(struct scene *s, const void *data)
{
    (void)s;
    (void)data;
    if (unplugged())
        return;
    (void)order(OP_DNS, GATEWAY, 53, 0);
    (void)order(OP_DNS, GATEWAY6, 53, 0);
}

/* The loopback of this host, by whatever name. */
static void
test_guard(struct scene *s, const void *data)
{
    (void)s;
    (void)data;
    if (unplugged())
        return;
    int pid = (int)child;
    g_assert_true(netns_try("nsenter -t %d -n ip route add 127.9.9.9/32 via " GATEWAY, pid) ||
                  true);
    (void)order(OP_BLOCKED, "169.254.169.254", 80, 0);
}

static const char *
prepare(void)
{
    const char *why = netns_enter();
    if (why)
        return why;
    if (!pf_can(PF_CAP_TAP))
        return "no right to make virtual adapters";
    if (!netns_try("nsenter --version"))
        return "the program 'nsenter' is not installed";
    /* Who resolves names for this host is decided by a file, which is ours here. */
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return "this system gives no mount namespace";
    g_autofree char *file = g_build_filename(g_get_tmp_dir(), "polyether-resolv-XXXXXX", NULL);
    int fd = g_mkstemp(file);
    static const char text[] = "# ours\nnameserver " OUTSIDE "\n";
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
              mount(file, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0;
    (void)close(fd);
    (void)unlink(file);
    if (!ok)
        return "/etc/resolv.conf cannot be replaced";
    why = start_child();
    if (why)
        return why;
    if (!netns_try("sysctl -qw net.ipv6.conf.lo.disable_ipv6=0") ||
        !netns_try("ip address add " OUTSIDE "/32 dev lo") ||
        !netns_try("ip address add " OUTSIDE6 "/128 dev lo nodad"))
        return "the namespace cannot be configured";
    start_server(OUTSIDE, PORT, SOCK_STREAM, serve_tcp);
    start_server(OUTSIDE6, PORT, SOCK_STREAM, serve_tcp);
    start_server(OUTSIDE, UDP_PORT, SOCK_DGRAM, serve_udp);
    start_server(OUTSIDE6, UDP_PORT, SOCK_DGRAM, serve_udp);
    start_server(OUTSIDE, 53, SOCK_DGRAM, serve_dns);
    return NULL;
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    unavailable = prepare();
#define ADD(name, fn) \
    g_test_add("/vhost/" name, struct scene, GUINT_TO_POINTER(2), set_up, fn, tear_down)
    ADD("tcp4", test_tcp4);
    ADD("udp", test_udp);
    ADD("ping", test_ping);
    ADD("dns", test_dns);
    ADD("guard", test_guard);
    ADD("tcp6", test_tcp6);
    int failed = g_test_run();
    if (child > 0) {
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
    }
    return failed;
}
