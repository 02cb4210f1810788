/* SPDX-License-Identifier: Apache-2.0 */
/* test-bridge.c - local bridges on real devices of a namespace of this program.
 *
 *     this namespace                                            the child's namespace
 *     TCP over petap0 -- bridge -- hub -- bridge on pe0 -- cable -- pe1 -- TCP
 *
 * Both kernels leave checksums to the devices and send super-frames, so a byte stream that arrives
 * has been through all of that.
 */

#include "core/hub/bridge.h"
#include "core/net/wire.h"
#include "platform/platform.h"
#include "tests/unit/hub/rig.h"
#include "tests/unit/platform/netns.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { STREAM = 24 * 1024 * 1024, CHUNK = 65536, PORT = 5001, WAIT_US = 8 * 1000 * 1000 };

#define HERE  "10.9.0.2"
#define THERE "10.9.0.1"
#define MAC_A "02:00:00:00:00:0a"
#define MAC_X "02:00:00:00:00:0f" /* nobody's */

static const char *unavailable;
static pid_t child;

static bool
unplugged(void)
{
    if (!unavailable)
        return false;
    g_test_skip(unavailable);
    return true;
}

/* ---- the byte stream; both ends ---- */

static uint8_t
pattern(size_t at)
{
    return (uint8_t)(at * 7 + (at >> 9));
}

static bool
send_stream(int fd)
{
    uint8_t buf[CHUNK];
    for (size_t at = 0; at < STREAM;) {
        size_t n = MIN(sizeof(buf), STREAM - at);
        for (size_t i = 0; i < n; i++)
            buf[i] = pattern(at + i);
        for (size_t done = 0; done < n;) {
            ssize_t put = send(fd, buf + done, n - done, MSG_NOSIGNAL);
            if (put <= 0)
                return false;
            done += (size_t)put;
        }
        at += n;
    }
    return true;
}

static bool
receive_stream(int fd)
{
    uint8_t buf[CHUNK];
    for (size_t at = 0; at < STREAM;) {
        ssize_t got = recv(fd, buf, MIN(sizeof(buf), STREAM - at), 0);
        if (got <= 0)
            return false;
        for (size_t i = 0; i < (size_t)got; i++, at++)
            if (buf[i] != pattern(at))
                return false;
    }
    return true;
}

static struct sockaddr_in
address(const char *ip)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    if (inet_pton(AF_INET, ip, &sa.sin_addr) != 1)
        abort();
    return sa;
}

/* Takes one stream and gives one, over and over. Ends when it is killed. */
static _Noreturn void
serve(int ready)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || unshare(CLONE_NEWNET) < 0 ||
        !netns_try("ip link set lo up"))
        _exit(1);
    const struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = {htonl(INADDR_ANY)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 1) < 0 ||
        write(ready, "", 1) != 1)
        _exit(1);
    for (;;) {
        int peer = accept(fd, NULL, NULL);
        if (peer < 0)
            _exit(1);
        if (receive_stream(peer))
            (void)send_stream(peer);
        (void)close(peer);
    }
}

static const char *
start_child(void)
{
    int ready[2];
    char byte;
    if (pipe(ready) < 0)
        return "no pipe";
    child = fork();
    if (child == 0)
        serve(ready[1]);
    (void)close(ready[1]);
    ssize_t got = child > 0 ? read(ready[0], &byte, 1) : 0;
    (void)close(ready[0]);
    return got == 1 ? NULL : "this system gives no second network namespace";
}

/* ---- cables ---- */

static void
plug_in(unsigned mtu)
{
    g_assert_true(netns_try("ip link add pe0 mtu %u type veth peer name pe1 mtu %u netns %d", mtu,
                            mtu, (int)child));
    g_assert_true(netns_try("ip link set pe0 up"));
    g_assert_true(netns_try("nsenter -t %d -n ip address add " THERE "/24 dev pe1", (int)child));
    g_assert_true(netns_try("nsenter -t %d -n ip link set pe1 up", (int)child));
}

static struct bridge *
make_bridge(struct rig *r, const char *device, bool tap)
{
    g_autoptr(GError) error = NULL;
    const struct bridge_config config = {.hub = "test", .device = device, .tap = tap};
    struct bridge *b = bridge_new(r->hubs, &config, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(bridge_get_config(b)->device, ==, device);
    return b;
}

static bool
becomes(const struct bridge *b, enum bridge_state state)
{
    for (unsigned waited = 0; waited < WAIT_US && bridge_get_state(b) != state; waited += 5000)
        g_usleep(5000);
    return bridge_get_state(b) == state;
}

static int
connect_there(void)
{
    const struct sockaddr_in sa = address(THERE);
    const struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    g_assert_cmpint(fd, >=, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    g_assert_cmpint(connect(fd, (const struct sockaddr *)&sa, sizeof(sa)), ==, 0);
    return fd;
}

/* ---- tests ---- */

/* TCP through adapter, hub and card, both ways, checksums and segmentation left to whoever can. */
static void
test_tcp(struct rig *r, const void *data)
{
    (void)data;
    if (unplugged())
        return;
    plug_in(1500);
    struct bridge *card = make_bridge(r, "pe0", false);
    struct bridge *tap = make_bridge(r, "petap0", true);
    g_assert_true(becomes(card, BRIDGE_ACTIVE));
    g_assert_true(becomes(tap, BRIDGE_ACTIVE));
    g_assert_true(netns_try("ip address add " HERE "/24 dev petap0"));

    int fd = connect_there();
    g_assert_true(send_stream(fd));
    g_assert_true(receive_stream(fd));
    (void)close(fd);

    struct hub_stats s;
    hub_get_stats(r->hub, &s);
    g_assert_cmpuint(s.ports, ==, 2);
    g_assert_cmpuint(s.fdb_entries, ==, 2);
    g_assert_cmpuint(s.in.unicast_bytes, >, 2 * STREAM);
    g_assert_cmpuint(s.dropped[DROP_MTU] + s.dropped[DROP_MALFORMED] + s.dropped[DROP_IO], ==, 0);
    g_test_message("%.1f bytes a frame on the wire, drops: queue %u, ring %u",
                   (double)s.in.unicast_bytes / (double)s.in.unicast_frames,
                   (unsigned)s.dropped[DROP_QUEUE_FULL], (unsigned)s.dropped[DROP_RING_FULL]);
    g_assert_cmpuint(s.in.unicast_frames, >, 2 * STREAM / 1500); /* counted as on a wire */
    bridge_free(tap);
    bridge_free(card);
    g_assert_true(netns_try("ip link del pe0"));
    g_assert_false(netns_try("ip link show petap0")); /* went with its bridge */
    hub_get_stats(r->hub, &s);
    g_assert_cmpuint(s.ports, ==, 0);
}

static void
test_comes_and_goes(struct rig *r, const void *data)
{
    (void)data;
    if (unplugged())
        return;
    struct bridge *b = make_bridge(r, "pe0", false);
    g_assert_true(becomes(b, BRIDGE_ERROR)); /* no such card yet */
    plug_in(1500);
    g_assert_true(becomes(b, BRIDGE_ACTIVE));
    g_assert_true(netns_try("ip link set pe0 down"));
    g_assert_true(becomes(b, BRIDGE_ERROR));
    g_assert_true(netns_try("ip link set pe0 up"));
    g_assert_true(becomes(b, BRIDGE_ACTIVE));
    g_assert_true(netns_try("ip link del pe0"));
    g_assert_true(becomes(b, BRIDGE_ERROR));
    plug_in(1500);
    g_assert_true(becomes(b, BRIDGE_ACTIVE));

    g_assert_true(hubs_remove(r->hubs, "TEST", NULL));
    g_assert_true(becomes(b, BRIDGE_OFFLINE));
    char name[] = "Test";
    struct hub_config config = {.name = name, .online = true};
    r->hub = hubs_create(r->hubs, &config, NULL);
    g_assert_true(becomes(b, BRIDGE_ACTIVE));
    struct hub_stats s;
    hub_get_stats(r->hub, &s);
    g_assert_cmpuint(s.ports, ==, 1);
    config.online = false;
    hub_set_config(r->hub, &config);
    g_assert_true(becomes(b, BRIDGE_OFFLINE));
    bridge_free(b);
    g_assert_true(netns_try("ip link del pe0"));
}

/* What is longer than the card's MTU does not leave, and is counted; a changed MTU is followed. */
static void
test_mtu(struct rig *r, const void *data)
{
    (void)data;
    if (unplugged())
        return;
    plug_in(1400);
    struct bridge *b = make_bridge(r, "pe0", false);
    g_assert_true(becomes(b, BRIDGE_ACTIVE));
    struct hub_port_config config = rig_config();
    g_assert_true(rig_attach(r, 0, &config, NULL));
    const struct rig_frame f[] = {{.dst = MAC_X, .src = MAC_A, .len = 1414},
                                  {.dst = MAC_X, .src = MAC_A, .len = 1415},
                                  {.dst = MAC_X, .src = MAC_A, .len = 1418, .vlan = 5},
                                  {.dst = MAC_X, .src = MAC_A, .len = 1419, .vlan = 5}};
    rig_send(r, 0, f, 4);
    struct hub_stats s;
    hub_get_stats(r->hub, &s);
    g_assert_cmpuint(s.dropped[DROP_MTU], ==, 2);
    g_assert_cmpuint(s.dropped[DROP_IO], ==, 0);
    g_assert_cmpuint(s.out.unicast_frames, ==, 2);

    g_assert_true(netns_try("ip link set pe0 mtu 1500"));
    g_usleep(2500 * 1000);
    rig_send(r, 0, f, 4);
    hub_get_stats(r->hub, &s);
    g_assert_cmpuint(s.dropped[DROP_MTU], ==, 2);
    g_assert_cmpuint(s.out.unicast_frames, ==, 6);
    rig_detach(r, 0);
    bridge_free(b);
    g_assert_true(netns_try("ip link del pe0"));
}

static void
test_refused(struct rig *r, const void *data)
{
    (void)data;
    if (unplugged())
        return;
    const struct bridge_config bad[] = {
        {.hub = "TEST", .device = ""},    {.hub = "", .device = "pe0"},
        {.hub = "TEST", .device = "a/b"}, {.hub = NULL, .device = "pe0"},
        {.hub = "TEST", .device = "p e"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(bridge_new(r->hubs, &bad[i], &error));
        g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
    }
    struct bridge *b = make_bridge(r, "lo", false); /* not a card: waits for one of that name */
    g_assert_true(becomes(b, BRIDGE_ERROR));
    bridge_free(b);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    unavailable = netns_enter();
    if (!unavailable && (!pf_can(PF_CAP_RAW_ETHERNET) || !pf_can(PF_CAP_TAP)))
        unavailable = "no right to use network cards or to make virtual adapters";
    if (!unavailable && !netns_try("nsenter --version"))
        unavailable = "the program 'nsenter' is not installed";
    if (!unavailable && !netns_try("ip link add pe0 type veth peer name pe1"))
        unavailable = "this system has no virtual cables (veth)";
    if (!unavailable) {
        g_assert_true(netns_try("ip link del pe0"));
        unavailable = start_child();
    }
    for (unsigned workers = 1; workers <= 2; workers++) {
        g_autofree char *path = g_strdup_printf("/hub/bridge/tcp/%u", workers);
        g_test_add(path, struct rig, GUINT_TO_POINTER(workers), rig_set_up, test_tcp,
                   rig_tear_down);
    }
#define ADD(name, fn) \
    g_test_add("/hub/bridge/" name, struct rig, NULL, rig_set_up, fn, rig_tear_down)
    ADD("comes-and-goes", test_comes_and_goes);
    ADD("mtu", test_mtu);
    ADD("refused", test_refused);
#undef ADD
    int status = g_test_run();
    if (child > 0) {
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
    }
    return status;
}
