/* SPDX-License-Identifier: Apache-2.0 */
/* test-dhcp6.c - DHCPv6 messages there and back, cut everywhere, and options that run over. */

#include "core/net/dhcp6.h"

#include <glib.h>

static const uint8_t duid[] = {0, 3, 0, 1, 2, 0, 0, 0, 0, 5};
static const uint8_t ip[16] = {0xfd, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};

/* A REPLY with a DUID, an IA with an address with a status, and a DNS server. */
static size_t
build(struct writer *w, size_t at[4])
{
    dhcp6_write_header(w, DHCP6_REPLY, 0xffabcdef);
    at[0] = w->len;
    dhcp6_write_option(w, DHCP6_OPT_CLIENT_ID, duid, sizeof duid);
    at[1] = w->len;
    size_t ia = dhcp6_begin_option(w, DHCP6_OPT_IA_NA);
    writer_u32(w, 7);
    writer_u32(w, 100);
    writer_u32(w, 200);
    size_t address = dhcp6_begin_option(w, DHCP6_OPT_IA_ADDR);
    writer_bytes(w, ip, sizeof ip);
    writer_u32(w, 300);
    writer_u32(w, 400);
    dhcp6_write_option(w, DHCP6_OPT_STATUS, "\0\0ok", 4);
    dhcp6_end_option(w, address);
    dhcp6_end_option(w, ia);
    at[2] = w->len;
    dhcp6_write_option(w, DHCP6_OPT_RAPID_COMMIT, NULL, 0);
    at[3] = w->len;
    g_assert_true(writer_ok(w));
    return w->len;
}

static void
test_round_trip(void)
{
    uint8_t bytes[200];
    size_t at[4];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct dhcp6_message m;
    struct dhcp6_ia ia;
    struct dhcp6_address a;
    struct reader value;

    size_t len = build(&w, at);
    g_assert_cmpint(dhcp6_parse(reader_of(bytes, len), &m), ==, DROP_NONE);
    g_assert_cmpuint(m.type, ==, DHCP6_REPLY);
    g_assert_cmphex(m.transaction, ==, 0xabcdef); /* cut to its 24 bits */
    g_assert_true(dhcp6_find_option(m.options, DHCP6_OPT_CLIENT_ID, &value));
    g_assert_cmpmem(value.at, (int)value.left, duid, sizeof duid);
    g_assert_true(dhcp6_find_option(m.options, DHCP6_OPT_RAPID_COMMIT, &value));
    g_assert_cmpuint(value.left, ==, 0);
    g_assert_false(dhcp6_find_option(m.options, DHCP6_OPT_IA_ADDR, &value)); /* not on this level */
    g_assert_true(dhcp6_find_option(m.options, DHCP6_OPT_IA_NA, &value));
    g_assert_cmpint(dhcp6_parse_ia(value, &ia), ==, DROP_NONE);
    g_assert_cmpuint(ia.iaid, ==, 7);
    g_assert_cmpuint(ia.t1_s, ==, 100);
    g_assert_cmpuint(ia.t2_s, ==, 200);
    g_assert_true(dhcp6_find_option(ia.options, DHCP6_OPT_IA_ADDR, &value));
    g_assert_cmpint(dhcp6_parse_address(value, &a), ==, DROP_NONE);
    g_assert_cmpmem(a.ip, 16, ip, 16);
    g_assert_cmpuint(a.preferred_s, ==, 300);
    g_assert_cmpuint(a.valid_s, ==, 400);
    g_assert_true(dhcp6_find_option(a.options, DHCP6_OPT_STATUS, &value));
    g_assert_cmpmem(value.at, (int)value.left, "\0\0ok", 4);
}

static void
test_bytes(void)
{
    static const uint8_t want[] = {1, 0, 0, 9, 0, 6, 0, 4, 0, 23, 0, 24, 0, 8, 0, 2, 0, 0};
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);

    dhcp6_write_header(&w, DHCP6_SOLICIT, 9);
    size_t oro = dhcp6_begin_option(&w, DHCP6_OPT_ORO);
    writer_u16(&w, DHCP6_OPT_DNS);
    writer_u16(&w, DHCP6_OPT_DOMAINS);
    dhcp6_end_option(&w, oro);
    dhcp6_write_option(&w, DHCP6_OPT_ELAPSED, "\0\0", 2);
    g_assert_cmpmem(bytes, (int)w.len, want, sizeof want);
}

/* Cut between options a message is whole, inside one it is malformed. */
static void
test_truncated(void)
{
    uint8_t bytes[200];
    size_t at[4];
    struct writer w = writer_of(bytes, sizeof bytes);

    size_t len = build(&w, at);
    for (size_t n = 0; n <= len; n++) {
        g_autofree void *exact = g_memdup2(bytes, n);
        struct dhcp6_message m = {.type = 99};
        bool whole = n == at[0] || n == at[1] || n == at[2] || n == at[3];
        enum drop want = n < 4 ? DROP_SHORT : whole ? DROP_NONE : DROP_MALFORMED;
        g_assert_cmpint(dhcp6_parse(reader_of(exact, n), &m), ==, want);
        g_assert_true((m.type == 99) == (want != DROP_NONE)); /* nothing written */
    }
}

static void
test_truncated_ia(void)
{
    uint8_t bytes[200];
    size_t at[4];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct reader all;

    size_t len = build(&w, at);
    all = reader_of(bytes + at[0], len - at[0]);
    struct reader value;
    g_assert_true(dhcp6_find_option(all, DHCP6_OPT_IA_NA, &value));
    for (size_t n = 0; n <= value.left; n++) {
        g_autofree void *exact = g_memdup2(value.at, n);
        struct dhcp6_ia ia;
        enum drop want = n < 12                       ? DROP_SHORT
                         : n == 12 || n == value.left ? DROP_NONE
                                                      : DROP_MALFORMED;
        g_assert_cmpint(dhcp6_parse_ia(reader_of(exact, n), &ia), ==, want);
    }
    struct reader address = reader_of(value.at + 16, value.left - 16);
    for (size_t n = 0; n <= address.left; n++) {
        g_autofree void *exact = g_memdup2(address.at, n);
        struct dhcp6_address a;
        enum drop want = n < 24                         ? DROP_SHORT
                         : n == 24 || n == address.left ? DROP_NONE
                                                        : DROP_MALFORMED;
        g_assert_cmpint(dhcp6_parse_address(reader_of(exact, n), &a), ==, want);
    }
}

/* Relays' messages have another header; type 0 and what is not known has none that we know. */
static void
test_types(void)
{
    for (unsigned type = 0; type < 256; type++) {
        uint8_t bytes[4] = {(uint8_t)type, 0, 0, 1};
        struct dhcp6_message m;
        enum drop want = type >= 1 && type <= 11 ? DROP_NONE : DROP_MALFORMED;
        g_assert_cmpint(dhcp6_parse(reader_of(bytes, sizeof bytes), &m), ==, want);
    }
}

static void
test_no_room(void)
{
    for (size_t cap = 0; cap < 80; cap++) {
        g_autofree uint8_t *bytes = g_malloc(cap);
        struct writer w = writer_of(bytes, cap);
        dhcp6_write_header(&w, DHCP6_REPLY, 1);
        size_t ia = dhcp6_begin_option(&w, DHCP6_OPT_IA_NA);
        writer_zero(&w, 12);
        dhcp6_write_option(&w, DHCP6_OPT_STATUS, "\0\0no", 4);
        dhcp6_end_option(&w, ia);
        g_assert_true(writer_ok(&w) == (cap >= 4 + 4 + 12 + 4 + 4));
    }
    static uint8_t big[UINT16_MAX + 100];
    struct writer w = writer_of(big, sizeof big);
    dhcp6_write_option(&w, 1, big, UINT16_MAX + 1);
    g_assert_false(writer_ok(&w));
    w = writer_of(big, sizeof big);
    size_t mark = dhcp6_begin_option(&w, 1);
    writer_zero(&w, UINT16_MAX + 1);
    dhcp6_end_option(&w, mark);
    g_assert_false(writer_ok(&w));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dhcp6/round-trip", test_round_trip);
    g_test_add_func("/dhcp6/bytes", test_bytes);
    g_test_add_func("/dhcp6/truncated", test_truncated);
    g_test_add_func("/dhcp6/truncated-ia", test_truncated_ia);
    g_test_add_func("/dhcp6/types", test_types);
    g_test_add_func("/dhcp6/no-room", test_no_room);
    return g_test_run();
}
