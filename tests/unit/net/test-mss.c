/* SPDX-License-Identifier: Apache-2.0 */
/* SYNs found in frames and packets of all kinds, and their MSS lowered. */

#include "core/net/mss.h"
#include "core/net/tcp.h"
#include "tests/unit/net/packet.h"

enum { SYN = 0x02, SYN_ACK = 0x12, ACK = 0x10 };

static const uint8_t options[] = {2, 4, 5, 0xb4};

static void
test_ethernet(void)
{
    static const struct mss want = {.v4 = 1300, .v6 = 1280};
    struct frame_pool *pool = frame_pool_new(4);

    for (unsigned i = 0; i < 24; i++) {
        uint8_t flags = i % 3 == 0 ? SYN : i % 3 == 1 ? SYN_ACK : ACK;
        struct packet p = {.is_ip6 = i & 1, .tags = i / 8, .flags = flags, .options_len = 4};
        p.options = options;
        struct frame *f = packet_make(&p);
        size_t l3 = 0;
        size_t l4 = mss_find_syn_ethernet(reader_of(f->data, f->len), &l3);
        g_assert_cmpuint(l4, ==, flags == ACK ? 0 : packet_l4_at(&p));
        for (size_t cut = 0; cut < packet_l4_at(&p) + TCP_HEADER; cut++) {
            g_autofree uint8_t *exact = g_memdup2(f->data, MAX(cut, 1));
            g_assert_cmpuint(mss_find_syn_ethernet(reader_of(exact, cut), &l3), ==, 0);
        }
        struct frame *out = mss_lower(pool, f, false, &want);
        g_assert_true(out == f);
        uint16_t mss = 0;
        g_assert_true(tcp_find_mss(reader_of(f->data + packet_l4_at(&p) + 20, 4), &mss));
        g_assert_cmpuint(mss, ==, flags == ACK ? 1460 : p.is_ip6 ? 1280 : 1300);
        g_assert_true(packet_is_sound(f->data, f->len, false));
        g_free(f);
    }
    frame_pool_free(pool);
}

/* A frame that others have, too, is copied; one that needs no change is not. */
static void
test_shared(void)
{
    static const struct mss small = {.v4 = 1000, .v6 = 1000};
    struct packet p = {.flags = SYN, .options = options, .options_len = 4};
    struct frame_pool *pool = frame_pool_new(4);
    struct frame *made = packet_make(&p);
    struct frame *f = frame_new(pool, made->len);

    memcpy(frame_put(f, made->len), made->data, made->len);
    struct frame *out = mss_lower(pool, frame_ref(f), false, &small);
    g_assert_nonnull(out);
    g_assert_true(out != f);
    g_assert_cmpmem(f->data, f->len, made->data, made->len);
    g_assert_cmpint(memcmp(out->data, made->data, made->len), !=, 0);
    frame_free(out);
    (void)frame_pull(f, 14);
    out = mss_lower(pool, f, true, &small); /* as an IP packet, and our own */
    g_assert_true(out == f);
    uint16_t mss = 0;
    g_assert_true(tcp_find_mss(reader_of(f->data + 40, 4), &mss));
    g_assert_cmpuint(mss, ==, 1000);
    frame_free(f);
    g_free(made);
    frame_pool_free(pool);
}

static void
test_extension(void)
{
    uint8_t packet[40 + 8 + 24] = {0x60, 0, 0, 0, 0, 32, 0 /* hop by hop */, 64};
    static const uint8_t fragment[8] = {6, 0, 0, 8 /* not the first */, 0, 0, 0, 1};

    packet[40] = 6;
    packet[48 + 12] = 0x60;
    packet[48 + 13] = SYN;
    g_assert_cmpuint(mss_find_syn(reader_of(packet, sizeof(packet))), ==, 48);
    packet[6] = 44;
    memcpy(packet + 40, fragment, sizeof(fragment));
    g_assert_cmpuint(mss_find_syn(reader_of(packet, sizeof(packet))), ==, 0);
    packet[6] = 17;
    g_assert_cmpuint(mss_find_syn(reader_of(packet, sizeof(packet))), ==, 0);
    packet[0] = 0x50;
    g_assert_cmpuint(mss_find_syn(reader_of(packet, sizeof(packet))), ==, 0);

    struct packet p = {.flags = SYN, .options = options, .options_len = 4, .fragment = 100};
    struct frame *f = packet_make(&p); /* a later fragment */
    g_assert_cmpuint(mss_find_syn(reader_of(f->data + 14, f->len - 14)), ==, 0);
    g_free(f);
}

static void
test_mtu(void)
{
    g_assert_cmpuint(mss_for_mtu(1500).v4, ==, 1460);
    g_assert_cmpuint(mss_for_mtu(1500).v6, ==, 1440);
    g_assert_cmpuint(mss_for_mtu(576).v4, ==, 536);
    g_assert_cmpuint(mss_for_mtu(0).v6, ==, 536);
    g_assert_cmpuint(mss_for_mtu(UINT_MAX).v4, ==, UINT16_MAX);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mss/ethernet", test_ethernet);
    g_test_add_func("/mss/shared", test_shared);
    g_test_add_func("/mss/extension", test_extension);
    g_test_add_func("/mss/mtu", test_mtu);
    return g_test_run();
}
