/* SPDX-License-Identifier: Apache-2.0 */
/* test-headers.c - Ethernet, ARP, IPv4, IPv6, ICMP, UDP and TCP: round trips, every prefix of a
 * good header, and each way to break one. */

#include "core/net/arp.h"
#include "core/net/checksum.h"
#include "core/net/eth.h"
#include "core/net/icmp.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/tcp.h"
#include "core/net/udp.h"
#include "tests/unit/net/packet.h"

#include <glib.h>

static const struct mac mac_a = {{2, 0, 0, 0, 0, 0xa}};
static const struct mac mac_b = {{2, 0, 0, 0, 0, 0xb}};

/* Each parser behind one face. */
static enum drop
parse_eth(struct reader in)
{
    struct eth out;
    return eth_parse(in, &out);
}

static enum drop
parse_arp(struct reader in)
{
    struct arp out;
    return arp_parse(in, &out);
}

static enum drop
parse_ip4(struct reader in)
{
    struct ip4 out;
    return ip4_parse(in, &out);
}

static enum drop
parse_ip6(struct reader in)
{
    struct ip6 out;
    struct ip6_upper up;
    enum drop why = ip6_parse(in, &out);
    return why != DROP_NONE ? why : ip6_walk(&out, &up);
}

static enum drop
parse_udp(struct reader in)
{
    struct udp out;
    return udp_parse(in, &out);
}

static enum drop
parse_tcp(struct reader in)
{
    struct tcp out;
    return tcp_parse(in, &out);
}

static enum drop
parse_icmp(struct reader in)
{
    struct icmp out;
    return icmp_parse(in, &out);
}

#define BYTES(s)     s, sizeof(s) - 1
#define V6_ADDRESSES "ssssssssssssssssdddddddddddddddd"
#define MACS         "\2\0\0\0\0\1\2\0\0\0\0\2"

static const struct header_case {
    const char *name;
    enum drop (*parse)(struct reader in);
    const char *bytes;
    size_t len;
    enum drop want; /* if it is DROP_NONE, each shorter piece must be DROP_SHORT */
} cases[] = {
    {"eth/plain", parse_eth, BYTES(MACS "\x08\x00"), DROP_NONE},
    {"eth/tag", parse_eth, BYTES(MACS "\x81\x00\x00\x05\x08\x00"), DROP_NONE},
    {"eth/two-tags", parse_eth, BYTES(MACS "\x88\xa8\x00\x05\x81\x00\x00\x06\x08\x00"), DROP_NONE},
    {"arp/good", parse_arp, BYTES("\0\1\x08\0\6\4\0\1\2\0\0\0\0\1\x0a\0\0\1\0\0\0\0\0\0\x0a\0\0\2"),
     DROP_NONE},
    {"arp/token-ring", parse_arp,
     BYTES("\0\6\x08\0\6\4\0\1\2\0\0\0\0\1\x0a\0\0\1\0\0\0\0\0\0\x0a\0\0\2"), DROP_MALFORMED},
    {"arp/address-length", parse_arp,
     BYTES("\0\1\x08\0\6\5\0\1\2\0\0\0\0\1\x0a\0\0\1\0\0\0\0\0\0\x0a\0\0\2"), DROP_MALFORMED},
    {"ip4/good", parse_ip4, BYTES("\x45\0\0\x16\0\1\0\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2xy"),
     DROP_NONE},
    {"ip4/options", parse_ip4,
     BYTES("\x46\0\0\x18\0\1\0\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2\1\1\1\1"), DROP_NONE},
    {"ip4/version", parse_ip4, BYTES("\x65\0\0\x14\0\1\0\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2"),
     DROP_VERSION},
    {"ip4/header-too-short", parse_ip4,
     BYTES("\x44\0\0\x14\0\1\0\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2"), DROP_MALFORMED},
    {"ip4/ends-in-header", parse_ip4, BYTES("\x45\0\0\x13\0\1\0\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2"),
     DROP_MALFORMED},
    {"ip6/good", parse_ip6, BYTES("\x60\0\0\0\0\2\x11\x40" V6_ADDRESSES "xy"), DROP_NONE},
    {"ip6/version", parse_ip6, BYTES("\x50\0\0\0\0\0\x11\x40" V6_ADDRESSES), DROP_VERSION},
    {"ip6/extensions", parse_ip6,
     BYTES("\x60\0\0\0\0\x20\0\x40" V6_ADDRESSES
           "\x2b\0______\x2c\0______\x3c\0\0\1____\6\0______"),
     DROP_NONE},
    {"ip6/extension-past-end", parse_ip6,
     BYTES("\x60\0\0\0\0\x08\0\x40" V6_ADDRESSES "\x06\1______"), DROP_SHORT},
    {"udp/good", parse_udp, BYTES("\0\1\0\2\0\x0a\0\0xy"), DROP_NONE},
    {"udp/length", parse_udp, BYTES("\0\1\0\2\0\7\0\0"), DROP_MALFORMED},
    {"tcp/good", parse_tcp, BYTES("\0\1\0\2\0\0\0\1\0\0\0\2\x50\x10\1\0\0\0\0\0"), DROP_NONE},
    {"tcp/options", parse_tcp, BYTES("\0\1\0\2\0\0\0\1\0\0\0\2\x60\x10\1\0\0\0\0\0\1\1\1\1"),
     DROP_NONE},
    {"tcp/header-too-short", parse_tcp, BYTES("\0\1\0\2\0\0\0\1\0\0\0\2\x40\x10\1\0\0\0\0\0"),
     DROP_MALFORMED},
    {"icmp/good", parse_icmp, BYTES("\x08\0\0\0\0\1\0\2"), DROP_NONE},
};

static void
test_case(gconstpointer data)
{
    const struct header_case *c = data;

    g_assert_cmpint(c->parse(reader_of(c->bytes, c->len)), ==, c->want);
    for (size_t len = 0; len < c->len; len++) {
        g_autofree void *exact = g_memdup2(c->bytes, len); /* ASan guards the last byte */
        enum drop got = c->parse(reader_of(exact, len));
        if (c->want == DROP_NONE)
            g_assert_cmpint(got, ==, DROP_SHORT);
        else
            g_assert_cmpint(got, !=, DROP_NONE);
    }
}

static void
test_eth(void)
{
    uint8_t bytes[64] = {0};
    struct writer w = writer_of(bytes, sizeof bytes);
    struct eth e;

    eth_write(&w, &mac_a, &mac_b, ETH_TYPE_IP6);
    writer_bytes(&w, "body", 4);
    g_assert_cmpint(eth_parse(reader_of(bytes, w.len), &e), ==, DROP_NONE);
    g_assert_true(mac_equal(&e.dst, &mac_a) && mac_equal(&e.src, &mac_b));
    g_assert_cmphex(e.type, ==, ETH_TYPE_IP6);
    g_assert_cmpuint(e.header_len, ==, 14);
    g_assert_cmpuint(e.body.left, ==, 4);

    static const char tagged[] = MACS "\x88\xa8\x20\x05\x81\x00\x00\x06\x81\x00\x00\x07";
    g_assert_cmpint(eth_parse(reader_of(tagged, sizeof tagged - 1), &e), ==, DROP_NONE);
    g_assert_cmpuint(e.tags, ==, 2);
    g_assert_cmphex(e.tci[0], ==, 0x2005);
    g_assert_cmphex(e.tci[1], ==, 6);
    g_assert_cmphex(e.type, ==, ETH_TYPE_VLAN); /* the third is payload */
    g_assert_cmpuint(e.header_len, ==, 22);
}

static void
test_addresses(void)
{
    static const uint8_t stp[] = {0x01, 0x80, 0xc2, 0, 0, 0};
    static const uint8_t lldp[] = {0x01, 0x80, 0xc2, 0, 0, 0x0e};
    static const uint8_t behind[] = {0x01, 0x80, 0xc2, 0, 0, 0x10};
    static const uint8_t all[] = {255, 255, 255, 255, 255, 255};
    static const uint8_t none[6] = {0};

    g_assert_true(eth_is_reserved(stp) && eth_is_reserved(lldp) && !eth_is_reserved(behind));
    g_assert_true(eth_is_group(stp) && eth_is_group(all) && !eth_is_group(mac_a.b));
    g_assert_true(eth_is_broadcast(all) && !eth_is_broadcast(stp) && !eth_is_broadcast(none));
    g_assert_true(eth_is_zero(none) && !eth_is_zero(mac_a.b));
    g_assert_true(ip4_is_host(0x0a000001) && ip4_is_host(0xdfffffff) && ip4_is_host(0x01000000));
    g_assert_false(ip4_is_host(0) || ip4_is_host(0x00ffffff) || ip4_is_host(0x7f000001) ||
                   ip4_is_host(0xe0000001) || ip4_is_host(0xffffffff));
}

static void
test_arp(void)
{
    uint8_t bytes[ARP_LEN];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct arp in = {.op = ARP_REQUEST,
                     .sender_mac = mac_a,
                     .sender = 0x0a000001,
                     .target_mac = mac_b,
                     .target = 0x0a000002};
    struct arp out;

    arp_write(&w, &in);
    g_assert_true(writer_ok(&w));
    g_assert_cmpuint(w.len, ==, ARP_LEN);
    g_assert_cmpint(arp_parse(reader_of(bytes, sizeof bytes), &out), ==, DROP_NONE);
    g_assert_true(mac_equal(&out.sender_mac, &mac_a) && mac_equal(&out.target_mac, &mac_b));
    g_assert_cmphex(out.sender, ==, in.sender);
    g_assert_cmphex(out.target, ==, in.target);
    g_assert_false(arp_is_probe(&out) || arp_is_announcement(&out));
    out.sender = 0;
    g_assert_true(arp_is_probe(&out) && !arp_is_announcement(&out));
    out.sender = out.target;
    g_assert_true(arp_is_announcement(&out) && !arp_is_probe(&out));
}

static void
test_ip4(void)
{
    uint8_t bytes[40] = {0};
    struct writer w = writer_of(bytes, sizeof bytes);
    struct ip4 in = {.tos = 3,
                     .ttl = 9,
                     .proto = IP_PROTO_UDP,
                     .total_len = 24,
                     .id = 0x1234,
                     .fragment = IP4_DF,
                     .src = 0x0a000001,
                     .dst = 0xc0a80002};
    struct ip4 out;

    ip4_write(&w, &in);
    writer_bytes(&w, "body and padding", 16);
    g_assert_cmpint(ip4_parse(reader_of(bytes, w.len), &out), ==, DROP_NONE);
    g_assert_cmpuint(out.tos, ==, 3);
    g_assert_cmpuint(out.ttl, ==, 9);
    g_assert_cmpuint(out.proto, ==, IP_PROTO_UDP);
    g_assert_cmphex(out.id, ==, 0x1234);
    g_assert_cmphex(out.fragment, ==, IP4_DF);
    g_assert_false(ip4_is_fragment(&out));
    g_assert_cmphex(out.src, ==, in.src);
    g_assert_cmphex(out.dst, ==, in.dst);
    g_assert_cmpuint(out.body.left, ==, 4); /* padding is not body */
    g_assert_cmpuint(out.options.left, ==, 0);
    g_assert_true(ip4_checksum_is_good(bytes, IP4_HEADER));
    g_assert_cmphex(slow_sum(0, bytes, 20), ==, 0xffff);
    bytes[8]--;
    g_assert_false(ip4_checksum_is_good(bytes, IP4_HEADER));
    ip4_set_checksum(bytes, IP4_HEADER);
    g_assert_true(ip4_checksum_is_good(bytes, IP4_HEADER));

    w = writer_of(bytes, 19);
    ip4_write(&w, &in);
    g_assert_false(writer_ok(&w));
}

static void
test_ip6(void)
{
    uint8_t bytes[64] = {0};
    struct writer w = writer_of(bytes, sizeof bytes);
    struct ip6 in = {
        .traffic_class = 0xb8, .flow_label = 0xabcde, .payload_len = 4, .hop_limit = 3};
    struct ip6 out;
    struct ip6_upper up;

    in.next = IP_PROTO_ICMP6;
    in.src[0] = 0xfe;
    in.dst[15] = 1;
    ip6_write(&w, &in);
    writer_bytes(&w, "body and padding", 16);
    g_assert_cmpint(ip6_parse(reader_of(bytes, w.len), &out), ==, DROP_NONE);
    g_assert_cmphex(out.traffic_class, ==, 0xb8);
    g_assert_cmphex(out.flow_label, ==, 0xabcde);
    g_assert_cmpuint(out.hop_limit, ==, 3);
    g_assert_cmpmem(out.src, 16, in.src, 16);
    g_assert_cmpmem(out.dst, 16, in.dst, 16);
    g_assert_cmpuint(out.body.left, ==, 4);
    g_assert_cmpint(ip6_walk(&out, &up), ==, DROP_NONE);
    g_assert_cmpuint(up.proto, ==, IP_PROTO_ICMP6);
    g_assert_cmpuint(up.extensions, ==, 0);
}

static void
test_ip6_walk(void)
{
    /* hop by hop, routing, fragment at 8, then not looked behind */
    static const char later[] = "\x2b\0______\x2c\0______\x06\0\0\x09____body";
    struct ip6 ip = {.next = IP_PROTO_HOP_BY_HOP};
    struct ip6_upper up;

    ip.body = reader_of(later, sizeof later - 1);
    g_assert_cmpint(ip6_walk(&ip, &up), ==, DROP_NONE);
    g_assert_cmpuint(up.proto, ==, IP_PROTO_TCP);
    g_assert_cmpuint(up.extensions, ==, 3);
    g_assert_true(up.is_fragment && up.has_routing);
    g_assert_cmpuint(up.fragment_offset, ==, 8);
    g_assert_cmpuint(up.body.left, ==, 4);

    static const char ah[] = "\x06\4____________________3456body";
    ip = (struct ip6){.next = IP_PROTO_AH, .body = reader_of(ah, sizeof ah - 1)};
    g_assert_cmpint(ip6_walk(&ip, &up), ==, DROP_NONE);
    g_assert_cmpuint(up.proto, ==, IP_PROTO_TCP);
    g_assert_cmpuint(up.body.left, ==, sizeof ah - 1 - 24);

    uint8_t chain[8 * (IP6_EXTENSIONS_MAX + 1)];
    for (unsigned n = 1; n <= IP6_EXTENSIONS_MAX + 1; n++) {
        memset(chain, 0, sizeof chain);
        for (unsigned i = 0; i < n; i++)
            chain[i * 8] = i + 1 < n ? IP_PROTO_DESTINATION : IP_PROTO_NONE;
        ip = (struct ip6){.next = IP_PROTO_DESTINATION, .body = reader_of(chain, n * 8u)};
        g_assert_cmpint(ip6_walk(&ip, &up), ==,
                        n <= IP6_EXTENSIONS_MAX ? DROP_NONE : DROP_MALFORMED);
    }
}

static void
test_udp(void)
{
    uint8_t bytes[64];
    static const uint8_t addresses[8] = {10, 0, 0, 1, 10, 0, 0, 2};
    struct writer w = writer_of(bytes, sizeof bytes);
    struct udp in = {.sport = 67, .dport = 68, .body = reader_of("odd", 3)};
    struct udp out;

    udp_write(&w, &in, csum_pseudo4(addresses, addresses + 4, IP_PROTO_UDP, 11));
    g_assert_cmpuint(w.len, ==, 11);
    g_assert_cmpint(udp_parse(reader_of(bytes, w.len), &out), ==, DROP_NONE);
    g_assert_cmpuint(out.sport, ==, 67);
    g_assert_cmpuint(out.dport, ==, 68);
    g_assert_cmpuint(out.len, ==, 11);
    g_assert_cmpuint(out.body.left, ==, 3);
    uint32_t sum = slow_sum(17 + 11, addresses, 8);
    g_assert_cmphex(slow_sum(sum, bytes, 11), ==, 0xffff);
    w = writer_of(bytes, 10);
    udp_write(&w, &in, 0);
    g_assert_false(writer_ok(&w));
}

static void
test_icmp(void)
{
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct icmp in = {.type = ICMP4_ECHO, .rest = 0x00010002, .body = reader_of("ping", 4)};
    struct icmp out;

    icmp_write(&w, &in, 0);
    g_assert_cmpint(icmp_parse(reader_of(bytes, w.len), &out), ==, DROP_NONE);
    g_assert_cmpuint(out.type, ==, ICMP4_ECHO);
    g_assert_cmphex(out.rest, ==, 0x00010002);
    g_assert_cmpuint(out.body.left, ==, 4);
    g_assert_cmphex(slow_sum(0, bytes, w.len), ==, 0xffff);
    w = writer_of(bytes, 11);
    icmp_write(&w, &in, 0);
    g_assert_false(writer_ok(&w));
}

static void
test_seq(void)
{
    g_assert_true(tcp_seq_before(1, 2) && tcp_seq_before(0xffffffff, 0));
    g_assert_false(tcp_seq_before(2, 1) || tcp_seq_before(0, 0xffffffff) || tcp_seq_before(5, 5));
}

static void
test_find_mss(void)
{
    static const struct {
        const char *options;
        size_t len;
        int want; /* -1: none */
    } rows[] = {
        {BYTES("\2\4\5\xb4"), 1460},
        {BYTES("\1\2\4\5\xb4"), 1460},
        {BYTES("\4\2\x08\x0a________\2\4\5\xb4"), 1460},
        {BYTES(""), -1},
        {BYTES("\0\2\4\5\xb4"), -1},       /* behind the end */
        {BYTES("\2\4\5"), -1},             /* cut off */
        {BYTES("\2\3\5\2\4\5\xb4"), 1460}, /* of a wrong length, then a good one */
        {BYTES("\3\0\2\4\5\xb4"), -1},     /* a length that leads nowhere */
        {BYTES("\3\1\2\4\5\xb4"), -1},
        {BYTES("\3\xff\2\4\5\xb4"), -1},
        {BYTES("\2"), -1},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint16_t mss = 0;
        g_autofree void *exact = g_memdup2(rows[i].options, rows[i].len);
        bool found = tcp_find_mss(reader_of(exact, rows[i].len), &mss);
        g_assert_cmpint(found ? mss : -1, ==, rows[i].want);
    }
}

static void
test_clamp_mss(void)
{
    /* the option at an even and at an odd place */
    static const uint8_t even[] = {2, 4, 5, 0xb4, 4, 2, 1, 1};
    static const uint8_t odd[] = {1, 2, 4, 5, 0xb4, 4, 2, 1};

    for (unsigned i = 0; i < 8; i++) {
        struct packet p = {.is_ip6 = i & 1, .flags = 0x02, .options_len = 8, .window = 9};
        p.options = i & 2 ? odd : even;
        p.seq = 0x12345678u * i;
        struct frame *f = packet_make(&p);
        size_t l4 = packet_l4_at(&p);
        if (i & 4)
            packet_mark(&p, f, FRAME_GSO_NONE, 0);
        uint16_t before = (uint16_t)(f->data[l4 + 16] << 8 | f->data[l4 + 17]);
        g_assert_false(tcp_clamp_mss(f, l4, 1460)); /* fits */
        g_assert_true(tcp_clamp_mss(f, l4, 1300));
        g_assert_false(tcp_clamp_mss(f, l4, 1300)); /* once is enough */
        uint16_t mss = 0;
        g_assert_true(tcp_find_mss(reader_of(f->data + l4 + 20, 8), &mss));
        g_assert_cmpuint(mss, ==, 1300);
        if (i & 4)
            g_assert_cmphex(before, ==, f->data[l4 + 16] << 8 | f->data[l4 + 17]);
        else
            g_assert_true(packet_is_sound(f->data, f->len, false));
        f->data[l4 + 13] = 0x10; /* no SYN: not touched */
        g_assert_false(tcp_clamp_mss(f, l4, 500));
        g_assert_false(tcp_clamp_mss(f, f->len, 500));
        g_assert_false(tcp_clamp_mss(f, f->len + 1u, 500));
        g_free(f);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/headers/case/", cases[i].name, NULL);
        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/headers/eth", test_eth);
    g_test_add_func("/headers/addresses", test_addresses);
    g_test_add_func("/headers/arp", test_arp);
    g_test_add_func("/headers/ip4", test_ip4);
    g_test_add_func("/headers/ip6", test_ip6);
    g_test_add_func("/headers/ip6-walk", test_ip6_walk);
    g_test_add_func("/headers/udp", test_udp);
    g_test_add_func("/headers/icmp", test_icmp);
    g_test_add_func("/headers/seq", test_seq);
    g_test_add_func("/headers/find-mss", test_find_mss);
    g_test_add_func("/headers/clamp-mss", test_clamp_mss);
    return g_test_run();
}
