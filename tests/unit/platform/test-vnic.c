/* SPDX-License-Identifier: Apache-2.0 */
/* test-vnic.c - the contract of the virtual adapter, seen from its other side by raw Ethernet. */

#include "platform/platform.h"
#include "tests/unit/platform/frames.h"
#include "tests/unit/platform/netns.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const char *unavailable;
static const uint8_t our_mac[6] = {2, 1, 2, 3, 4, 5};

static bool
unplugged(void)
{
    if (unavailable == NULL)
        return false;
    g_test_skip(unavailable);
    return true;
}

static struct pf_vnic *
open_adapter(const char *name, bool persist)
{
    g_autoptr(GError) error = NULL;
    struct pf_vnic *v = pf_vnic_open(name, our_mac, persist, &error);
    g_assert_no_error(error);
    return v;
}

/* The next frame that is ours; its length, or -1 when none comes in a second. */
static long
recv_vnic(struct pf_vnic *v, void *room, struct pf_offload *off)
{
    uint8_t *buf = room;
    for (;;) {
        struct pf_slice iov[2] = {{buf, 100}, {buf + 100, FRAME_ROOM - 100}};
        long n = pf_vnic_recv(v, iov, 2, off);
        g_assert_cmpint(n, >=, -1);
        if (n > 0 && frame_is_ours(buf, (size_t)n))
            return n;
        if (n == -1 && !frame_wait(pf_vnic_fd(v)))
            return -1;
    }
}

static long
recv_link(struct pf_etherlink *l, void *buf, struct pf_offload *off)
{
    for (;;) {
        struct pf_slice slice = {buf, FRAME_ROOM - PF_ETHERLINK_VLAN_ROOM};
        int n = pf_etherlink_recv(l, &slice, off, 1);
        g_assert_cmpint(n, >=, 0);
        if (n == 1 && frame_is_ours(slice.at, slice.len))
            return (long)slice.len;
        if (n == 0 && !frame_wait(pf_etherlink_fd(l)))
            return -1;
    }
}

static bool
send_link(struct pf_etherlink *l, void *frame, size_t len, const struct pf_offload *off)
{
    struct pf_slice iov = {frame, len};
    struct pf_packet p = {.iov = &iov, .n_iov = 1, .off = *off};
    unsigned refused = 0;
    return pf_etherlink_send(l, &p, 1, &refused) == 1 && refused == 0;
}

static void
test_properties(void)
{
    if (unplugged())
        return;
    uint8_t mac[6];
    struct pf_vnic *v = open_adapter("petap0", false);
    g_assert_cmpstr(pf_vnic_name(v), ==, "petap0");
    pf_vnic_mac(v, mac);
    g_assert_cmpmem(mac, 6, our_mac, 6);
    g_assert_cmpuint(pf_vnic_mtu(v), ==, 1500);
    g_assert_true(netns_try("ip link set petap0 mtu 1400"));
    g_assert_cmpuint(pf_vnic_mtu(v), ==, 1400);
    g_assert_true(netns_try("ip link set petap0 name petap9"));
    g_assert_cmpuint(pf_vnic_mtu(v), ==, 1400); /* renamed, but still the same */
    g_assert_true(pf_vnic_has_offload(v));
    g_auto(GStrv) cards = pf_etherlink_list();
    g_assert_cmpuint(g_strv_length(cards), ==, 0); /* no card to bridge with */
    pf_vnic_close(v);
    g_assert_cmpuint(if_nametoindex("petap9"), ==, 0);

    v = open_adapter("", false);
    g_assert_cmpuint(if_nametoindex(pf_vnic_name(v)), !=, 0);
    pf_vnic_close(v);
}

static void
test_frames(void)
{
    if (unplugged())
        return;
    g_autofree uint8_t *room = g_malloc(FRAME_ROOM);
    uint8_t *buf = room + PF_ETHERLINK_VLAN_ROOM;
    struct pf_offload off = {0};
    struct pf_slice pieces[66];
    uint8_t frame[1514];
    struct pf_vnic *v = open_adapter("petap0", false);

    frame_plain(frame, sizeof frame, 0x42);
    struct pf_slice whole = {frame, sizeof frame};
    g_assert_false(pf_vnic_send(v, &whole, 1, NULL)); /* switched off */
    g_assert_cmpint(errno, ==, EIO);

    g_assert_true(netns_try("ip link set petap0 up"));
    struct pf_etherlink *l = pf_etherlink_open("petap0", NULL);
    g_assert_nonnull(l);

    /* As many pieces as can be: the headers, 64 of a super-frame, one to spare. */
    size_t at = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++, at += pieces[i - 1].len)
        pieces[i] = (struct pf_slice){frame + at, i < 65 ? 20 : sizeof frame - at};
    g_assert_true(pf_vnic_send(v, pieces, 66, &off));
    g_assert_cmpint(recv_link(l, buf, &off), ==, sizeof frame);
    g_assert_cmpmem(buf, (int)sizeof frame, frame, (int)sizeof frame);

    frame_plain(frame, 900, 0x24);
    off = (struct pf_offload){0};
    g_assert_true(send_link(l, frame, 900, &off));
    g_assert_cmpint(recv_vnic(v, room, &off), ==, 900);
    g_assert_cmpmem(room, 900, frame, 900);
    g_assert_cmpuint(off.gso_type, ==, 0);

    struct pf_slice in = {room, FRAME_ROOM - 64};
    long n;
    do
        n = pf_vnic_recv(v, &in, 1, &off);
    while (n >= 0);
    g_assert_cmpint(n, ==, -1);

    /* A tag that the sender put in comes out where it was. */
    frame_put16(frame + 12, 0x8100);
    frame_put16(frame + 14, 42);
    off = (struct pf_offload){0};
    g_assert_true(send_link(l, frame, 200, &off));
    g_assert_cmpint(recv_vnic(v, room, &off), ==, 200);
    g_assert_cmpmem(room, 200, frame, 200);

    g_assert_true(netns_try("ip link del petap0"));
    g_assert_cmpint(pf_vnic_recv(v, &in, 1, &off), ==, -2);
    g_assert_false(pf_vnic_send(v, &whole, 1, NULL));
    pf_etherlink_close(l);
    pf_vnic_close(v);
}

static void
test_offload(void)
{
    if (unplugged())
        return;
    enum { PAYLOAD = 40 * 1460 };
    g_autofree uint8_t *out = g_malloc(FRAME_ROOM);
    g_autofree uint8_t *room = g_malloc(FRAME_ROOM);
    uint8_t *buf = room + PF_ETHERLINK_VLAN_ROOM;
    struct pf_vnic *v = open_adapter("petap0", false);
    g_assert_true(netns_try("ip link set petap0 up"));
    struct pf_etherlink *l = pf_etherlink_open("petap0", NULL);
    g_assert_nonnull(l);

    struct pf_offload marks = frame_marks(1460);
    struct pf_offload off = {0};
    size_t len = frame_tcp(out, PAYLOAD);
    struct pf_slice iov[2] = {{out, FRAME_HEADERS}, {out + FRAME_HEADERS, PAYLOAD}};
    g_assert_true(pf_vnic_send(v, iov, 2, &marks));
    g_assert_cmpint(recv_link(l, buf, &off), ==, (long)len); /* whole */
    g_assert_cmpuint(frame_check_tcp(buf, len, &off, 0), ==, PAYLOAD);
    g_assert_cmpuint(off.gso_type, ==, 1);
    g_assert_cmpuint(off.gso_size, ==, 1460);

    g_assert_true(send_link(l, out, len, &marks));
    g_assert_cmpint(recv_vnic(v, room, &off), ==, (long)len);
    g_assert_cmpuint(frame_check_tcp(room, len, &off, 0), ==, PAYLOAD);
    g_assert_cmpuint(off.gso_type, ==, 1);
    g_assert_cmpuint(off.gso_size, ==, 1460);
    g_assert_cmpuint(off.flags & PF_NEEDS_CSUM, ==, PF_NEEDS_CSUM);

    /* One segment with a begun checksum, both ways. */
    marks = frame_marks(0);
    len = frame_tcp(out, 100);
    struct pf_slice one = {out, len};
    g_assert_true(pf_vnic_send(v, &one, 1, &marks));
    g_assert_cmpint(recv_link(l, buf, &off), ==, (long)len);
    g_assert_cmpuint(frame_check_tcp(buf, len, &off, 0), ==, 100);
    g_assert_true(send_link(l, out, len, &marks));
    g_assert_cmpint(recv_vnic(v, room, &off), ==, (long)len);
    g_assert_cmpuint(frame_check_tcp(room, len, &off, 0), ==, 100);

    marks.csum_start = 60000;
    g_assert_false(pf_vnic_send(v, &one, 1, &marks)); /* nonsense */
    g_assert_cmpint(errno, ==, EINVAL);
    pf_etherlink_close(l);
    pf_vnic_close(v);
}

static void
test_persist(void)
{
    if (unplugged())
        return;
    uint8_t mac[6];
    struct pf_vnic *v = open_adapter("petap1", true);
    unsigned index = if_nametoindex("petap1");
    pf_vnic_close(v);
    g_assert_cmpuint(if_nametoindex("petap1"), ==, index);
    v = pf_vnic_open("petap1", NULL, true, NULL);
    g_assert_nonnull(v);
    g_assert_cmpuint(if_nametoindex("petap1"), ==, index);
    pf_vnic_mac(v, mac);
    g_assert_cmpmem(mac, 6, our_mac, 6);
    pf_vnic_close(v);
    g_assert_true(netns_try("ip link del petap1"));

    /* One that an administrator made with many queues. */
    g_assert_true(netns_try("ip tuntap add petap2 mode tap multi_queue"));
    v = open_adapter("petap2", false);
    g_assert_true(pf_vnic_has_offload(v));
    pf_vnic_close(v);
    g_assert_cmpuint(if_nametoindex("petap2"), !=, 0);
    g_assert_true(netns_try("ip link del petap2"));
}

/* Without an Ethernet header: what the system sends to a network behind it is an IP packet. */
static void
test_tun(void)
{
    const struct pf_route route = {.family = 4, .dst = {10, 9}, .dst_len = 16};
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = g_htons(9), .sin_addr.s_addr = g_htonl(0x0a090001)};
    g_autoptr(GError) error = NULL;
    uint8_t packet[100];
    struct pf_slice iov = {packet, sizeof packet};
    struct pf_offload off;
    if (unplugged())
        return;
    struct pf_vnic *v = pf_tun_open("petun%d", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(pf_vnic_name(v), ==, "petun0");
    g_assert_true(pf_vnic_has_offload(v));
    g_assert_true(pf_net_link_mtu("petun0", 1400, &error));
    g_assert_cmpuint(pf_vnic_mtu(v), ==, 1400);
    g_assert_true(pf_net_link_up("petun0", true, &error));
    g_assert_true(pf_net_addr_add("petun0", 4, (const uint8_t[4]){10, 8, 0, 1}, 32, false, &error));
    g_assert_true(pf_net_route_add("petun0", &route, &error));
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(sendto(fd, "hello", 5, 0, (const void *)&to, sizeof to), ==, 5);
    pf_close(fd);
    g_assert_true(frame_wait(pf_vnic_fd(v)));
    g_assert_cmpint(pf_vnic_recv(v, &iov, 1, &off), ==, 20 + 8 + 5);
    g_assert_cmphex(packet[0], ==, 0x45);
    g_assert_cmpmem(packet + 28, 5, "hello", 5);
    g_assert_cmpint(pf_vnic_recv(v, &iov, 1, &off), ==, -1);
    pf_vnic_close(v);
    g_assert_cmpuint(if_nametoindex("petun0"), ==, 0);
}

static void
assert_refused(const char *name, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(pf_vnic_open(name, our_mac, false, &error));
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, message));
}

static void
test_open_errors(void)
{
    if (unplugged())
        return;
    struct pf_vnic *v = open_adapter("petap0", false);
    assert_refused("petap0", "'petap0' is in use");
    assert_refused("lo", "'lo' cannot be a virtual adapter");
    assert_refused("a-name-too-long-for-linux", "too long");
    assert_refused("a/b", "'a/b'");
    pf_vnic_close(v);

    g_autoptr(GError) error = NULL;
    static const uint8_t multicast[6] = {1, 0, 0, 0, 0, 1};
    g_assert_null(pf_vnic_open("petap3", multicast, false, &error));
    g_assert_nonnull(strstr(error->message, "MAC address"));
    g_assert_cmpuint(if_nametoindex("petap3"), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    unavailable = netns_enter();
    if (unavailable == NULL && !(pf_can(PF_CAP_TAP) && pf_can(PF_CAP_RAW_ETHERNET)))
        unavailable = "no right to make a virtual adapter";
    g_test_add_func("/platform/vnic/properties", test_properties);
    g_test_add_func("/platform/vnic/frames", test_frames);
    g_test_add_func("/platform/vnic/offload", test_offload);
    g_test_add_func("/platform/vnic/persist", test_persist);
    g_test_add_func("/platform/vnic/tun", test_tun);
    g_test_add_func("/platform/vnic/open-errors", test_open_errors);
    return g_test_run();
}
