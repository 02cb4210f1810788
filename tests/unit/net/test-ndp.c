/* SPDX-License-Identifier: Apache-2.0 */
/* test-ndp.c - neighbour discovery messages: known bytes, round trips, every way to break one. */

#include "core/net/checksum.h"
#include "core/net/icmp.h"
#include "core/net/ndp.h"
#include "tests/unit/net/packet.h"

#include <glib.h>

static const uint8_t router[16] = {0xfe, 0x80, [8] = 2, [11] = 0xff, [12] = 0xfe, [15] = 1};
static const uint8_t host[16] = {0x20, 1, 0xd, 0xb8, [13] = 0x12, [14] = 0x34, [15] = 0x56};
static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};
static const struct mac mac = {{0x5e, 1, 2, 3, 4, 5}};

static bool
sums_up(const uint8_t *bytes, size_t len, const uint8_t src[16], const uint8_t dst[16])
{
    uint32_t sum = slow_sum(0, src, 16);
    sum = slow_sum(sum, dst, 16);
    return slow_sum(sum + 58 + (uint32_t)len, bytes, len) == 0xffff;
}

static void
test_addresses(void)
{
    static const uint8_t node[16] = {0xff, 2, [11] = 1, [12] = 0xff, 0x12, 0x34, 0x56};
    static const uint8_t local[16] = {0xfe, 0x80, 0, 0,    0,    0, 0, 0,
                                      0x5c, 1,    2, 0xff, 0xfe, 3, 4, 5};
    uint8_t out[16];
    struct mac group;

    ndp_solicited_node(host, out);
    assert_bytes(out, 16, node, 16);
    ndp_multicast_mac(out, &group);
    assert_bytes(group.b, 6, (const uint8_t *)"\x33\x33\xff\x12\x34\x56", 6);
    memcpy(out, host, 16);
    ndp_solicited_node(out, out);
    assert_bytes(out, 16, node, 16);
    ndp_link_local(&mac, out);
    assert_bytes(out, 16, local, 16);
}

static void
test_neighbour(void)
{
    uint8_t bytes[64];
    struct ndp_neighbour out;
    for (unsigned k = 0; k < 4; k++) {
        struct ndp_neighbour n = {.advertisement = k & 1, .has_mac = k & 2};
        struct writer w = writer_of(bytes, sizeof(bytes));
        memcpy(n.target, host, 16);
        if (n.has_mac)
            n.mac = mac;
        if (n.advertisement)
            n.flags = NDP_NA_SOLICITED | NDP_NA_OVERRIDE;
        ndp_write_neighbour(&w, &n, router, all_nodes);
        g_assert_true(writer_ok(&w));
        g_assert_cmpuint(w.len, ==, n.has_mac ? 32 : 24);
        g_assert_true(sums_up(bytes, w.len, router, all_nodes));
        g_assert_cmpuint(bytes[0], ==, n.advertisement ? 136 : 135);
        if (n.has_mac)
            g_assert_cmpuint(bytes[24], ==, n.advertisement ? 2 : 1);
        g_assert_cmpint(ndp_parse_neighbour(reader_of(bytes, w.len), 255, &out), ==, DROP_NONE);
        g_assert_true(out.advertisement == n.advertisement && out.has_mac == n.has_mac);
        g_assert_cmpuint(out.flags, ==, n.flags);
        g_assert_cmpmem(out.target, 16, n.target, 16);
        g_assert_cmpmem(out.mac.b, 6, n.mac.b, 6);

        struct ndp_neighbour same = out;
        for (size_t len = 0; len < w.len; len++) { /* a missing option is no error */
            bool cut = len != 24;
            g_assert_true((ndp_parse_neighbour(reader_of(bytes, len), 255, &out) != DROP_NONE) ==
                          cut);
        }
        out = same;
        g_assert_cmpint(ndp_parse_neighbour(reader_of(bytes, w.len), 254, &out), ==,
                        DROP_MALFORMED);
        bytes[1] = 1; /* a code */
        g_assert_cmpint(ndp_parse_neighbour(reader_of(bytes, w.len), 255, &out), ==,
                        DROP_MALFORMED);
        bytes[1] = 0;
        bytes[8] = 0xff; /* a group as target */
        g_assert_cmpint(ndp_parse_neighbour(reader_of(bytes, w.len), 255, &out), ==,
                        DROP_MALFORMED);
        bytes[8] = host[0];
        if (n.has_mac) {
            bytes[25] = 0; /* an option of no length */
            g_assert_cmpint(ndp_parse_neighbour(reader_of(bytes, w.len), 255, &out), ==,
                            DROP_MALFORMED);
            bytes[25] = 2; /* one that runs over */
            g_assert_cmpint(ndp_parse_neighbour(reader_of(bytes, w.len), 255, &out), ==,
                            DROP_MALFORMED);
        }
        bytes[0] = 134;
        g_assert_cmpint(ndp_parse_neighbour(reader_of(bytes, w.len), 255, &out), ==,
                        DROP_MALFORMED);
        g_assert_true(memcmp(&out, &same, sizeof(out)) == 0); /* untouched by failures */
    }
}

static void
test_router_solicitation(void)
{
    uint8_t bytes[32];
    bool has_mac = false;
    struct mac from;
    struct writer w = writer_of(bytes, sizeof(bytes));

    ndp_write_router_solicitation(&w, &mac, router, all_nodes);
    g_assert_cmpuint(w.len, ==, 16);
    g_assert_true(sums_up(bytes, w.len, router, all_nodes));
    g_assert_cmpint(ndp_parse_router_solicitation(reader_of(bytes, 16), 255, &has_mac, &from), ==,
                    DROP_NONE);
    g_assert_true(has_mac && mac_equal(&from, &mac));
    g_assert_cmpint(ndp_parse_router_solicitation(reader_of(bytes, 8), 255, &has_mac, &from), ==,
                    DROP_NONE);
    g_assert_false(has_mac);
    g_assert_cmpint(ndp_parse_router_solicitation(reader_of(bytes, 7), 255, &has_mac, &from), ==,
                    DROP_SHORT);
    g_assert_cmpint(ndp_parse_router_solicitation(reader_of(bytes, 16), 64, &has_mac, &from), ==,
                    DROP_MALFORMED);
    w = writer_of(bytes, sizeof(bytes));
    ndp_write_router_solicitation(&w, NULL, router, all_nodes);
    g_assert_cmpuint(w.len, ==, 8);
    w = writer_of(bytes, 4);
    ndp_write_router_solicitation(&w, NULL, router, all_nodes);
    g_assert_false(writer_ok(&w));
}

static struct ndp_router_advertisement
full(void)
{
    struct ndp_router_advertisement ra = {.hop_limit = 64,
                                          .managed = true,
                                          .lifetime_s = 1800,
                                          .reachable_ms = 30000,
                                          .retrans_ms = 1000,
                                          .has_mac = true,
                                          .mac = mac,
                                          .mtu = 1400,
                                          .n_prefix = 2,
                                          .n_dns = 2,
                                          .dns_lifetime_s = 600};
    ra.prefix[0] = (struct ndp_prefix){
        .len = 64, .on_link = true, .autonomous = true, .valid_s = 86400, .preferred_s = 14400};
    memcpy(ra.prefix[0].prefix, host, 8);
    ra.prefix[1] = (struct ndp_prefix){.len = 48, .on_link = true, .valid_s = UINT32_MAX};
    ra.prefix[1].prefix[0] = 0xfd;
    memcpy(ra.dns[0], host, 16);
    memcpy(ra.dns[1], router, 16);
    return ra;
}

static void
test_router_advertisement(void)
{
    uint8_t bytes[512];
    struct ndp_router_advertisement out = {0};
    struct ndp_router_advertisement ra = full();
    struct writer w = writer_of(bytes, sizeof(bytes));

    ndp_write_router_advertisement(&w, &ra, router, all_nodes);
    g_assert_true(writer_ok(&w));
    g_assert_cmpuint(w.len, ==, 16 + 8 + 8 + 32 + 32 + 40);
    g_assert_true(sums_up(bytes, w.len, router, all_nodes));
    g_assert_cmpint(ndp_parse_router_advertisement(reader_of(bytes, w.len), 255, &out), ==,
                    DROP_NONE);
    g_assert_true(out.managed && !out.other && out.has_mac && mac_equal(&out.mac, &mac));
    g_assert_cmpuint(out.hop_limit, ==, 64);
    g_assert_cmpuint(out.lifetime_s, ==, 1800);
    g_assert_cmpuint(out.reachable_ms, ==, 30000);
    g_assert_cmpuint(out.retrans_ms, ==, 1000);
    g_assert_cmpuint(out.mtu, ==, 1400);
    g_assert_cmpuint(out.n_prefix, ==, 2);
    g_assert_true(out.prefix[0].autonomous && out.prefix[0].on_link);
    g_assert_cmpuint(out.prefix[0].preferred_s, ==, 14400);
    g_assert_true(!out.prefix[1].autonomous && out.prefix[1].on_link);
    g_assert_cmpuint(out.prefix[1].len, ==, 48);
    g_assert_cmpuint(out.n_dns, ==, 2);
    g_assert_cmpuint(out.dns_lifetime_s, ==, 600);
    g_assert_cmpmem(out.dns, sizeof(out.dns), ra.dns, sizeof(ra.dns));

    for (size_t len = 0; len < w.len; len++) { /* only whole options may be missing */
        bool good = len == 16 || len == 24 || len == 32 || len == 64 || len == 96;
        g_assert_true((ndp_parse_router_advertisement(reader_of(bytes, len), 255, &out) ==
                       DROP_NONE) == good);
    }
    bytes[34] = 129; /* a prefix longer than an address is left out */
    g_assert_cmpint(ndp_parse_router_advertisement(reader_of(bytes, w.len), 255, &out), ==,
                    DROP_NONE);
    g_assert_cmpuint(out.n_prefix, ==, 1);
}

/* A hundred of each are cut to the bounds. */
static void
test_bounds(void)
{
    uint8_t bytes[8192];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct ndp_router_advertisement ra = {0};
    struct ndp_router_advertisement out;

    ndp_write_router_advertisement(&w, &ra, router, all_nodes);
    for (unsigned i = 0; i < 100; i++) {
        writer_bytes(&w, "\3\4\x40\xc0\0\0\1\0\0\0\1\0\0\0\0\0\xfd", 17);
        writer_zero(&w, 15);
        writer_bytes(&w, "\x19\3\0\0\0\0\0\7", 8);
        writer_bytes(&w, host, 16);
    }
    g_assert_true(writer_ok(&w));
    g_assert_cmpint(ndp_parse_router_advertisement(reader_of(bytes, w.len), 255, &out), ==,
                    DROP_NONE);
    g_assert_cmpuint(out.n_prefix, ==, NDP_PREFIX_MAX);
    g_assert_cmpuint(out.n_dns, ==, NDP_DNS_MAX);
    g_assert_cmpuint(out.dns_lifetime_s, ==, 7);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ndp/addresses", test_addresses);
    g_test_add_func("/ndp/neighbour", test_neighbour);
    g_test_add_func("/ndp/router-solicitation", test_router_solicitation);
    g_test_add_func("/ndp/router-advertisement", test_router_advertisement);
    g_test_add_func("/ndp/bounds", test_bounds);
    return g_test_run();
}
