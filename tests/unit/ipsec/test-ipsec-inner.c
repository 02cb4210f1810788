/* SPDX-License-Identifier: Apache-2.0 */
/* test-ipsec-inner.c - what is inside of ESP. */

#include "core/net/ip4.h"
#include "core/proto/ipsec/inner.h"

#include <glib.h>

#include <string.h>

enum { IN_IPV4 = 4, IN_IPV6 = 41, UDP = 17 };

static const uint8_t datagram[] = {0xc0, 0x00, 0x06, 0xa5, 0x00, 0x0b, 0xde, 0xad, 'a', 'b', 'c'};

static void
test_transport(void)
{
    struct ipsec_inner in;
    uint8_t bytes[sizeof(datagram)];

    g_assert_cmpint(ipsec_inner_read(reader_of(datagram, sizeof(datagram)), UDP, &in), ==,
                    DROP_NONE);
    g_assert_cmpuint(in.protocol, ==, CARRIER_UDP);
    g_assert_cmpuint(in.remote_port, ==, 0xc000);
    g_assert_cmpuint(in.payload.left, ==, 3);
    g_assert_cmpint(memcmp(in.payload.at, "abc", 3), ==, 0);
    g_assert_cmpuint(in.src.family, ==, 0);

    memcpy(bytes, datagram, sizeof(bytes));
    bytes[3]++; /* another port */
    g_assert_cmpint(ipsec_inner_read(reader_of(bytes, sizeof(bytes)), UDP, &in), ==, DROP_POLICY);
    bytes[3]--;
    bytes[5]++; /* longer than it is */
    g_assert_cmpint(ipsec_inner_read(reader_of(bytes, sizeof(bytes)), UDP, &in), !=, DROP_NONE);
    for (size_t len = 0; len < 8; len++)
        g_assert_cmpint(ipsec_inner_read(reader_of(datagram, len), UDP, &in), !=, DROP_NONE);
    g_assert_cmpint(ipsec_inner_read(reader_of("x", 1), CARRIER_ETHERIP, &in), ==, DROP_NONE);
    g_assert_cmpuint(in.payload.left, ==, 1);
    g_assert_cmpint(ipsec_inner_read(reader_of("x", 1), 6, &in), ==, DROP_POLICY); /* TCP */
}

static size_t
packet4(uint8_t *at, uint16_t fragment)
{
    struct writer w = writer_of(at, 64);
    struct ip4 ip = {.ttl = 1,
                     .proto = UDP,
                     .total_len = IP4_HEADER + sizeof(datagram),
                     .fragment = fragment,
                     .src = 0x0a000001,
                     .dst = 0x0a000002};

    ip4_write(&w, &ip);
    writer_bytes(&w, datagram, sizeof(datagram));
    return w.len;
}

static void
test_tunnel(void)
{
    struct ipsec_inner in;
    uint8_t bytes[64];
    char text[IP_TEXT];

    size_t len = packet4(bytes, 0);
    g_assert_cmpint(ipsec_inner_read(reader_of(bytes, len), IN_IPV4, &in), ==, DROP_NONE);
    g_assert_cmpstr(ip_print(&in.src, text), ==, "10.0.0.1");
    g_assert_cmpstr(ip_print(&in.dst, text), ==, "10.0.0.2");
    g_assert_false(in.is_fragment);
    g_assert_cmpuint(in.payload.left, ==, 3);
    g_assert_cmpint(ipsec_inner_read(reader_of(bytes, len), IN_IPV6, &in), !=, DROP_NONE);

    len = packet4(bytes, IP4_MF);
    g_assert_cmpint(ipsec_inner_read(reader_of(bytes, len), IN_IPV4, &in), ==, DROP_NONE);
    g_assert_true(in.is_fragment);
    g_assert_cmpuint(in.payload.left, ==, 0);
}

static void
test_selectors(void)
{
    struct esp_selector local = {
        .first = ip_from_v4(0x0a000002), .last = ip_from_v4(0x0a000002), .protocol = UDP};
    struct esp_selector remote = {.first = ip_from_v4(0x0a000000), .last = ip_from_v4(0x0a0000ff)};
    struct esp_selector any = {0};
    struct ipsec_inner in = {.protocol = UDP,
                             .remote_port = 5,
                             .local_port = CARRIER_L2TP_PORT,
                             .src = ip_from_v4(0x0a000001),
                             .dst = ip_from_v4(0x0a000002)};

    g_assert_true(ipsec_inner_is_selected(&in, &local, &remote));
    g_assert_true(ipsec_inner_is_selected(&in, &any, &any));
    remote.port = 6;
    g_assert_false(ipsec_inner_is_selected(&in, &local, &remote));
    remote.port = 0;
    in.src = ip_from_v4(0x0a000100);
    g_assert_false(ipsec_inner_is_selected(&in, &local, &remote));
    in.src = ip_from_v4(0x0a0000ff);
    g_assert_true(ipsec_inner_is_selected(&in, &local, &remote));
    in.protocol = CARRIER_ETHERIP;
    g_assert_false(ipsec_inner_is_selected(&in, &local, &remote));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ipsec-inner/transport", test_transport);
    g_test_add_func("/ipsec-inner/tunnel", test_tunnel);
    g_test_add_func("/ipsec-inner/selectors", test_selectors);
    return g_test_run();
}
