/* SPDX-License-Identifier: Apache-2.0 */
/* test-etherlink.c - the contract of raw Ethernet, at both ends of a virtual cable. */

#include "platform/platform.h"
#include "tests/unit/platform/frames.h"
#include "tests/unit/platform/netns.h"

enum { BATCH = 64 };

static const char *unavailable;

struct cable {
    struct pf_etherlink *a;
    struct pf_etherlink *b;
};

/* One of our frames in hand, with room in front for a tag. */
struct received {
    uint8_t room[PF_ETHERLINK_VLAN_ROOM + FRAME_ROOM];
    const uint8_t *at;
    size_t len;
    struct pf_offload off;
};

static bool
unplugged(void)
{
    if (unavailable == NULL)
        return false;
    g_test_skip(unavailable);
    return true;
}

static struct pf_etherlink *
open_card(const char *name)
{
    g_autoptr(GError) error = NULL;
    struct pf_etherlink *l = pf_etherlink_open(name, &error);
    g_assert_no_error(error);
    return l;
}

/* Reads until nothing is left. Returns how many frames there were. */
static int
drain(struct pf_etherlink *l)
{
    static uint8_t room[PF_ETHERLINK_VLAN_ROOM + 2048];
    struct pf_offload off;
    for (int total = 0;; total++) {
        struct pf_slice buf = {room + PF_ETHERLINK_VLAN_ROOM, 2048};
        int n = pf_etherlink_recv(l, &buf, &off, 1);
        g_assert_cmpint(n, >=, 0);
        if (n == 0)
            return total;
    }
}

/* A card that was just switched on takes frames and drops them until the kernel has noticed its
 * carrier. Sends probes until one gets through. */
static void
wait_for_carrier(struct pf_etherlink *from, struct pf_etherlink *to)
{
    uint8_t frame[60];
    frame_plain(frame, sizeof frame, 0);
    frame[5] = 9; /* to nobody */
    struct pf_slice iov = {frame, sizeof frame};
    struct pf_packet p = {.iov = &iov, .n_iov = 1};
    unsigned refused = 0;
    for (int tries = 0; tries < 500; tries++) {
        (void)pf_etherlink_send(from, &p, 1, &refused);
        g_usleep(2000);
        if (drain(to) > 0)
            return;
    }
    g_assert_not_reached();
}

static struct cable
plug_in(unsigned mtu)
{
    g_assert_true(netns_try("ip link add pe0 mtu %u type veth peer name pe1 mtu %u", mtu, mtu));
    g_assert_true(netns_try("ip link set pe0 up"));
    g_assert_true(netns_try("ip link set pe1 up"));
    struct cable c = {open_card("pe0"), open_card("pe1")};
    wait_for_carrier(c.a, c.b);
    wait_for_carrier(c.b, c.a);
    (void)drain(c.b);
    return c;
}

static void
unplug(struct cable *c)
{
    pf_etherlink_close(c->a);
    pf_etherlink_close(c->b);
    g_assert_true(netns_try("ip link del pe0"));
}

static int
send_one(struct pf_etherlink *l, const uint8_t *frame, size_t len, const struct pf_offload *off)
{
    struct pf_slice iov[2] = {{(void *)frame, 20}, {(void *)(frame + 20), len - 20}};
    struct pf_packet p = {.iov = iov, .n_iov = 2};
    if (off != NULL)
        p.off = *off;
    unsigned refused = 0;
    int n = pf_etherlink_send(l, &p, 1, &refused);
    return n == 1 && refused > 0 ? -1 : n;
}

/* The next frame that is ours; false when none comes in a second. */
static bool
recv_one(struct pf_etherlink *l, struct received *r)
{
    for (;;) {
        struct pf_slice buf = {r->room + PF_ETHERLINK_VLAN_ROOM, FRAME_ROOM};
        int n = pf_etherlink_recv(l, &buf, &r->off, 1);
        g_assert_cmpint(n, >=, 0);
        r->at = buf.at;
        r->len = buf.len;
        if (n == 1 && frame_is_ours(r->at, r->len))
            return true;
        if (n == 0 && !frame_wait(pf_etherlink_fd(l)))
            return false;
    }
}

static void
test_plain(void)
{
    if (unplugged())
        return;
    struct cable c = plug_in(1500);
    g_autofree struct received *r = g_new(struct received, 1);
    uint8_t frame[1514];

    g_assert_cmpuint(pf_etherlink_mtu(c.a), ==, 1500);
    g_assert_true(pf_etherlink_has_offload(c.a));
    struct pf_slice none = {r->room + PF_ETHERLINK_VLAN_ROOM, FRAME_ROOM};
    g_assert_cmpint(pf_etherlink_recv(c.a, &none, &r->off, 1), ==, 0);

    frame_plain(frame, sizeof frame, 0x5a);
    g_assert_cmpint(send_one(c.a, frame, sizeof frame, NULL), ==, 1);
    g_assert_true(recv_one(c.b, r));
    g_assert_cmpmem(r->at, (int)r->len, frame, (int)sizeof frame);
    g_assert_cmpuint(r->off.gso_type, ==, 0);

    /* It does not see what it sends, nor what others on this host send through the card. */
    struct pf_etherlink *other = open_card("pe0");
    g_assert_cmpint(send_one(other, frame, sizeof frame, NULL), ==, 1);
    g_assert_true(recv_one(c.b, r));
    struct pf_slice buf = {r->room + PF_ETHERLINK_VLAN_ROOM, FRAME_ROOM};
    g_assert_cmpint(pf_etherlink_recv(c.a, &buf, &r->off, 1), ==, 0);
    pf_etherlink_close(other);
    unplug(&c);
}

static void
test_batch(void)
{
    if (unplugged())
        return;
    static uint8_t out[BATCH][1514];
    static uint8_t in[BATCH][PF_ETHERLINK_VLAN_ROOM + 2048];
    struct cable c = plug_in(1500);
    struct pf_slice iov[BATCH];
    struct pf_packet p[BATCH];
    for (size_t i = 0; i < BATCH; i++) {
        size_t len = 60 + i * 20;
        frame_plain(out[i], len, (uint8_t)i);
        iov[i] = (struct pf_slice){out[i], len};
        p[i] = (struct pf_packet){.iov = &iov[i], .n_iov = 1};
    }
    unsigned refused = 0;
    g_assert_cmpint(pf_etherlink_send(c.a, p, BATCH, &refused), ==, BATCH);
    g_assert_cmpuint(refused, ==, 0);

    int got = 0;
    while (got < BATCH) {
        struct pf_slice buf[BATCH];
        struct pf_offload off[BATCH];
        for (size_t i = 0; i < BATCH; i++)
            buf[i] = (struct pf_slice){in[i] + PF_ETHERLINK_VLAN_ROOM, 2048};
        int n = pf_etherlink_recv(c.b, buf, off, BATCH);
        g_assert_cmpint(n, >=, 0);
        if (n == 0)
            g_assert_true(frame_wait(pf_etherlink_fd(c.b)));
        for (int i = 0; i < n; i++) {
            if (!frame_is_ours(buf[i].at, buf[i].len))
                continue;
            g_assert_cmpmem(buf[i].at, (int)buf[i].len, out[got], (int)iov[got].len); /* in order */
            got++;
        }
    }
    unplug(&c);
}

static void
test_tags(void)
{
    if (unplugged())
        return;
    static const unsigned types[] = {0x8100, 0x88a8};
    struct cable c = plug_in(1500);
    g_autofree struct received *r = g_new(struct received, 1);
    uint8_t frame[1518];
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        frame_plain(frame, sizeof frame, 0x33);
        frame_put16(frame + 12, types[i]);
        frame_put16(frame + 14, 0x6000 | 42); /* priority 3, VLAN 42 */
        frame_put16(frame + 16, FRAME_EXPERIMENT);
        /* 802.1ad goes with a double tag, and the card's room for one tag. */
        size_t len = types[i] == 0x8100 ? sizeof frame : 1000;
        g_assert_cmpint(send_one(c.a, frame, len, NULL), ==, 1);
        g_assert_true(recv_one(c.b, r));
        g_assert_cmpmem(r->at, (int)r->len, frame, (int)len);
    }
    /* Priority alone: VLAN 0, and all bits zero. */
    frame_put16(frame + 12, 0x8100);
    frame_put16(frame + 14, 0);
    g_assert_cmpint(send_one(c.a, frame, 100, NULL), ==, 1);
    g_assert_true(recv_one(c.b, r));
    g_assert_cmpmem(r->at, (int)r->len, frame, 100);
    unplug(&c);
}

static void
test_jumbo(void)
{
    if (unplugged())
        return;
    static uint8_t frame[9014];
    struct cable c = plug_in(9000);
    g_autofree struct received *r = g_new(struct received, 1);
    g_assert_cmpuint(pf_etherlink_mtu(c.a), ==, 9000);
    frame_plain(frame, sizeof frame, 0x77);
    g_assert_cmpint(send_one(c.a, frame, sizeof frame, NULL), ==, 1);
    g_assert_true(recv_one(c.b, r));
    g_assert_cmpmem(r->at, (int)r->len, frame, (int)sizeof frame);
    unplug(&c);
}

/* Sends what frame_tcp() makes and asserts that all of it arrives, whole or in pieces. Returns how
 * many frames arrived; *ret_marked how many of them need their checksum finished. */
static unsigned
pass_tcp(struct cable *c, size_t payload, const struct pf_offload *off, unsigned *ret_marked)
{
    g_autofree uint8_t *frame = g_malloc(FRAME_ROOM);
    g_autofree struct received *r = g_new(struct received, 1);
    size_t len = frame_tcp(frame, payload);
    g_assert_cmpint(send_one(c->a, frame, len, off), ==, 1);
    unsigned frames = 0;
    *ret_marked = 0;
    for (size_t arrived = 0; arrived < payload; frames++) {
        g_assert_true(recv_one(c->b, r));
        arrived += frame_check_tcp(r->at, r->len, &r->off, 0);
        g_assert_cmpuint(arrived, <=, payload);
        *ret_marked += (r->off.flags & PF_NEEDS_CSUM) != 0;
    }
    return frames;
}

/* As receive offload merges: sizes, but no checksum to finish. */
static const struct pf_offload merged = {
    .flags = PF_CSUM_OK, .gso_type = 1, .gso_size = 1460, .hdr_len = FRAME_HEADERS};

static void
test_offload(void)
{
    if (unplugged())
        return;
    struct cable c = plug_in(1500);
    unsigned marked = 0;
    struct pf_offload one = frame_marks(0);
    struct pf_offload many = frame_marks(1460);

    g_assert_cmpuint(pass_tcp(&c, 1000, &one, &marked), ==, 1);
    unsigned n = pass_tcp(&c, (size_t)20 * 1460, &many, &marked);
    g_test_message("%u frames, %u with a begun checksum", n, marked);
    g_assert_cmpuint(n, <=, 20);
    (void)pass_tcp(&c, (size_t)40 * 1460 + 11, &many, &marked);
    (void)pass_tcp(&c, (size_t)20 * 1460, &merged, &marked);
    unplug(&c);
}

static void
test_offload_by_system(void)
{
    if (unplugged())
        return;
    struct cable c = plug_in(1500);
    struct pf_offload one = frame_marks(0);
    struct pf_offload many = frame_marks(1460);
    unsigned marked = 0;
    /* A card that can nothing: the kernel must segment and finish before it. */
    if (netns_try("ethtool -K pe0 tx off tso off gso off") && netns_try("ethtool -K pe1 gro off")) {
        g_assert_cmpuint(pass_tcp(&c, 1000, &one, &marked), ==, 1);
        g_assert_cmpuint(marked, ==, 0);
        g_assert_cmpuint(pass_tcp(&c, (size_t)20 * 1460, &many, &marked), ==, 20);
        g_assert_cmpuint(marked, ==, 0);
        g_assert_cmpuint(pass_tcp(&c, (size_t)20 * 1460, &merged, &marked), ==, 20);
        g_assert_cmpuint(marked, ==, 0);
    } else {
        g_test_skip("ethtool is not installed");
    }
    unplug(&c);
}

static void
test_offload_tagged(void)
{
    if (unplugged())
        return;
    enum { PAYLOAD = 20 * 1448 };
    struct cable c = plug_in(1500);
    g_autofree uint8_t *frame = g_malloc(FRAME_ROOM);
    g_autofree struct received *r = g_new(struct received, 1);
    struct pf_offload off = frame_marks(1448);
    size_t len = frame_tcp(frame + 4, PAYLOAD);
    memmove(frame, frame + 4, 12);
    frame_put16(frame + 12, 0x8100);
    frame_put16(frame + 14, 42);
    off.csum_start = (uint16_t)(off.csum_start + 4);
    off.hdr_len = (uint16_t)(off.hdr_len + 4);
    g_assert_cmpint(send_one(c.a, frame, len + 4, &off), ==, 1);
    for (size_t arrived = 0; arrived < PAYLOAD;) {
        g_assert_true(recv_one(c.b, r));
        g_assert_cmpuint(frame_get16(r->at + 12), ==, 0x8100);
        g_assert_cmpuint(frame_get16(r->at + 14), ==, 42);
        arrived += frame_check_tcp(r->at, r->len, &r->off, 4);
    }
    unplug(&c);
}

static void
test_refused(void)
{
    if (unplugged())
        return;
    static uint8_t too_long[4000];
    struct cable c = plug_in(1500);
    g_autofree struct received *r = g_new(struct received, 1);
    uint8_t first[60];
    uint8_t last[60];
    frame_plain(first, sizeof first, 1);
    frame_plain(too_long, sizeof too_long, 2);
    frame_plain(last, sizeof last, 3);
    struct pf_slice iov[3] = {{first, 60}, {too_long, sizeof too_long}, {last, 60}};
    struct pf_packet p[3] = {
        {.iov = &iov[0], .n_iov = 1}, {.iov = &iov[1], .n_iov = 1}, {.iov = &iov[2], .n_iov = 1}};
    unsigned refused = 0;
    g_assert_cmpint(pf_etherlink_send(c.a, p, 3, &refused), ==, 3);
    g_assert_cmpuint(refused, ==, 1);
    g_assert_true(recv_one(c.b, r));
    g_assert_cmpmem(r->at, (int)r->len, first, 60);
    g_assert_true(recv_one(c.b, r));
    g_assert_cmpmem(r->at, (int)r->len, last, 60);

    /* Nonsense in the marks harms nobody. */
    struct pf_offload bad = {.flags = PF_NEEDS_CSUM, .csum_start = 5000};
    g_assert_cmpint(send_one(c.a, first, sizeof first, &bad), ==, -1);

    /* A buffer that is too small: told as a frame to be ignored. */
    frame_plain(too_long, 1000, 4);
    g_assert_cmpint(send_one(c.a, too_long, 1000, NULL), ==, 1);
    g_assert_true(frame_wait(pf_etherlink_fd(c.b)));
    struct pf_slice buf = {r->room + PF_ETHERLINK_VLAN_ROOM, 100};
    g_assert_cmpint(pf_etherlink_recv(c.b, &buf, &r->off, 1), ==, 1);
    g_assert_cmpuint(buf.len, ==, 0);
    unplug(&c);
}

static void
test_gone(void)
{
    if (unplugged())
        return;
    struct cable c = plug_in(1500);
    g_autofree struct received *r = g_new(struct received, 1);
    struct pf_slice buf = {r->room + PF_ETHERLINK_VLAN_ROOM, FRAME_ROOM};
    uint8_t frame[60];
    frame_plain(frame, sizeof frame, 1);

    g_assert_true(netns_try("ip link set pe0 down"));
    g_assert_cmpint(pf_etherlink_recv(c.a, &buf, &r->off, 1), ==, -2);
    g_assert_cmpint(send_one(c.a, frame, sizeof frame, NULL), ==, -2);
    g_assert_true(netns_try("ip link del pe0"));
    while (pf_etherlink_recv(c.b, &buf, &r->off, 1) != -2)
        g_assert_true(frame_wait(pf_etherlink_fd(c.b)));
    g_assert_cmpint(send_one(c.b, frame, sizeof frame, NULL), ==, -2);
    pf_etherlink_close(c.a);
    pf_etherlink_close(c.b);
}

static void
test_open_errors(void)
{
    if (unplugged())
        return;
    static const struct {
        const char *name;
        const char *message;
    } bad[] = {
        {"nosuchcard", "'nosuchcard' not found"}, {"", "'' not found"},
        {"averyveryverylongname", "not found"},   {"lo", "'lo' is not an Ethernet card"},
        {"pe2", "'pe2' is switched off"},
    };
    g_assert_true(netns_try("ip link add pe2 type veth peer name pe3"));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(pf_etherlink_open(bad[i].name, &error));
        g_assert_nonnull(error);
        g_assert_nonnull(strstr(error->message, bad[i].message));
    }
    g_assert_true(netns_try("ip link del pe2"));
}

static void
test_list(void)
{
    if (unplugged())
        return;
    struct cable c = plug_in(1500);
    g_auto(GStrv) names = pf_etherlink_list();
    g_assert_cmpuint(g_strv_length(names), ==, 2);
    g_assert_cmpstr(names[0], ==, "pe0");
    g_assert_cmpstr(names[1], ==, "pe1");
    unplug(&c);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    unavailable = netns_enter();
    if (unavailable == NULL && !pf_can(PF_CAP_RAW_ETHERNET))
        unavailable = "no right to read the frames of a network card";
    if (unavailable == NULL && !netns_try("ip link add pe0 type veth peer name pe1"))
        unavailable = "this system has no virtual cables (veth)";
    if (unavailable == NULL)
        g_assert_true(netns_try("ip link del pe0"));
    g_test_add_func("/platform/etherlink/plain", test_plain);
    g_test_add_func("/platform/etherlink/batch", test_batch);
    g_test_add_func("/platform/etherlink/tags", test_tags);
    g_test_add_func("/platform/etherlink/jumbo", test_jumbo);
    g_test_add_func("/platform/etherlink/offload", test_offload);
    g_test_add_func("/platform/etherlink/offload-by-system", test_offload_by_system);
    g_test_add_func("/platform/etherlink/offload-tagged", test_offload_tagged);
    g_test_add_func("/platform/etherlink/refused", test_refused);
    g_test_add_func("/platform/etherlink/gone", test_gone);
    g_test_add_func("/platform/etherlink/open-errors", test_open_errors);
    g_test_add_func("/platform/etherlink/list", test_list);
    return g_test_run();
}
