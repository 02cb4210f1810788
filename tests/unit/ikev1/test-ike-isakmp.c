/* SPDX-License-Identifier: Apache-2.0 */
/* test-ike-isakmp.c - headers, chains of payloads, attributes: read, written, broken. */

#include "core/proto/ikev1/isakmp.h"
#include "tests/unit/ikev1/hex.h"

#include <glib.h>

#include <string.h>

#define HEADER "0102030405060708 1112131415161718 01 10 02 01 deadbeef"

static bool
header(const char *text, struct isakmp_header *h, struct reader *r)
{
    static uint8_t bytes[128];

    *r = reader_of(bytes, unhex(text, bytes, sizeof(bytes)));
    return isakmp_header_read(r, h);
}

static void
test_header(void)
{
    struct isakmp_header h = {0};
    struct reader r;

    g_assert_true(header(HEADER "00000020 aabbccdd eeff", &h, &r));
    assert_hex(h.initiator, 8, "0102030405060708");
    assert_hex(h.responder, 8, "1112131415161718");
    g_assert_cmpuint(h.next, ==, ISAKMP_SA);
    g_assert_cmpuint(h.version, ==, 0x10);
    g_assert_cmpuint(h.exchange, ==, ISAKMP_MAIN);
    g_assert_cmpuint(h.flags, ==, ISAKMP_ENCRYPTED);
    g_assert_cmphex(h.message_id, ==, 0xdeadbeef);
    g_assert_cmpuint(h.length, ==, 32);
    assert_hex(r.at, r.left, "aabbccdd"); /* what follows the length is not there */

    g_assert_true(header(HEADER "0000001c", &h, &r));
    g_assert_cmpuint(r.left, ==, 0);
    h.length = 77;
    g_assert_false(header(HEADER "0000001b", &h, &r)); /* shorter than itself */
    g_assert_false(header(HEADER "00000000", &h, &r));
    g_assert_false(header(HEADER "0000001d", &h, &r)); /* more than there is */
    g_assert_false(header(HEADER "ffffffff aa", &h, &r));
    g_assert_false(header(HEADER "000000", &h, &r)); /* not whole */
    g_assert_cmpuint(h.length, ==, 77);              /* nothing touched */
    g_assert_true(header("0102030405060708 0000000000000000 01 1f 02 00 00000000 0000001c", &h,
                         &r)); /* a later minor version */
    g_assert_false(header("0102030405060708 0000000000000000 21 20 22 08 00000000 0000001c", &h,
                          &r)); /* IKEv2 */
}

static bool
payloads(const char *text, uint8_t first, struct isakmp_payloads *out)
{
    static uint8_t bytes[512];

    return isakmp_payloads_read(reader_of(bytes, unhex(text, bytes, sizeof(bytes))), first, out);
}

static void
test_payloads(void)
{
    struct isakmp_payloads all;

    /* two vendors around a nonce, an unknown one, padding */
    g_assert_true(
        payloads("0a000006 aabb c8000005 11 0d000004 00000005 cc 0000 00", ISAKMP_VENDOR, &all));
    g_assert_cmpuint(all.n, ==, 4);
    g_assert_cmpuint(all.p[1].type, ==, ISAKMP_NONCE);
    g_assert_cmpuint(all.p[2].type, ==, 200);
    g_assert_cmpuint(all.p[2].body.left, ==, 0);
    assert_hex(all.p[0].body.at, all.p[0].body.left, "aabb");
    g_assert_true(all.p[0].start + 4 == all.p[0].body.at);
    g_assert_true(all.end == all.p[3].body.at + 1);
    g_assert_true(isakmp_find(&all, ISAKMP_VENDOR, 0) == &all.p[0]);
    g_assert_true(isakmp_find(&all, ISAKMP_VENDOR, 1) == &all.p[3]);
    g_assert_null(isakmp_find(&all, ISAKMP_VENDOR, 2));
    g_assert_null(isakmp_find(&all, ISAKMP_SA, 0));

    g_assert_true(payloads("aabb", ISAKMP_NONE, &all)); /* none, and padding */
    g_assert_cmpuint(all.n, ==, 0);
    assert_hex(all.end, 2, "aabb");

    g_assert_false(payloads("", ISAKMP_SA, &all));
    g_assert_false(payloads("000000", ISAKMP_SA, &all));
    g_assert_false(payloads("00000003", ISAKMP_SA, &all)); /* shorter than its header */
    g_assert_false(payloads("00000000", ISAKMP_SA, &all));
    g_assert_false(payloads("00000006 aa", ISAKMP_SA, &all)); /* longer than there is */
    g_assert_false(payloads("0a000005 aa", ISAKMP_SA, &all)); /* the next one is not there */
}

/* As many as there may be, and one more. */
static void
test_many_payloads(void)
{
    uint8_t bytes[4 * (ISAKMP_PAYLOADS_MAX + 1)];
    struct isakmp_payloads all;

    for (unsigned i = 0; i <= ISAKMP_PAYLOADS_MAX; i++)
        memcpy(bytes + 4 * i, (uint8_t[]){ISAKMP_VENDOR, 0, 0, 4}, 4);
    bytes[sizeof(bytes) - 4] = ISAKMP_NONE;
    g_assert_false(isakmp_payloads_read(reader_of(bytes, sizeof(bytes)), ISAKMP_VENDOR, &all));
    bytes[sizeof(bytes) - 8] = ISAKMP_NONE;
    g_assert_true(isakmp_payloads_read(reader_of(bytes, sizeof(bytes)), ISAKMP_VENDOR, &all));
    g_assert_cmpuint(all.n, ==, ISAKMP_PAYLOADS_MAX);
}

static void
test_attributes(void)
{
    uint8_t bytes[64];
    struct reader r = reader_of(
        bytes, unhex("8001 0007 000c0004 00007080 000c0000 000c0009 010203040506070809 fffe ffff",
                     bytes, sizeof(bytes)));
    static const struct {
        uint16_t type;
        uint64_t number;
    } want[] = {{1, 7}, {12, 28800}, {12, 0}, {12, UINT64_MAX}, {0x7ffe, 0xffff}};
    struct isakmp_attribute a;

    for (size_t i = 0; i < G_N_ELEMENTS(want); i++) {
        g_assert_true(isakmp_attribute_next(&r, &a));
        g_assert_cmpuint(a.type, ==, want[i].type);
        g_assert_cmpuint(isakmp_attribute_number(&a), ==, want[i].number);
    }
    g_assert_false(isakmp_attribute_next(&r, &a));
    g_assert_true(reader_ok(&r));

    static const char *const bad[] = {"80", "8001", "800100", "000c", "000c0001", "000c000200"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        r = reader_of(bytes, unhex(bad[i], bytes, sizeof(bytes)));
        g_assert_false(isakmp_attribute_next(&r, &a));
        g_assert_false(reader_ok(&r));
        g_assert_false(isakmp_attribute_next(&r, &a));
    }
}

static const struct isakmp_header sample = {
    .initiator = {1, 2, 3, 4, 5, 6, 7, 8},
    .responder = {17, 18, 19, 20, 21, 22, 23, 24},
    .exchange = ISAKMP_QUICK,
    .flags = ISAKMP_COMMIT,
    .message_id = 0xdeadbeef,
};

static void
test_writing(void)
{
    uint8_t bytes[128] = {0};
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct isakmp_writer m;

    writer_u32(&w, 0); /* a marker: the message begins behind it */
    isakmp_begin(&m, &w, &sample);
    isakmp_payload_begin(&m, ISAKMP_SA);
    writer_u16(&w, 0xaabb);
    isakmp_payload_add(&m, ISAKMP_NONCE, "xyz", 3);
    isakmp_payload_add(&m, ISAKMP_NAT_D, NULL, 0);
    isakmp_end(&m);
    g_assert_true(writer_ok(&w));
    assert_hex(bytes, w.len,
               "00000000 0102030405060708 1112131415161718 01 10 20 02 deadbeef 0000002d"
               "0a000006 aabb 14000007 78797a 00000004");

    w = writer_of(bytes, sizeof(bytes));
    isakmp_begin(&m, &w, &sample);
    isakmp_payload_add(&m, ISAKMP_HASH, "0123456789", 10);
    isakmp_end_padded(&m, 8);
    assert_hex(bytes, w.len,
               "0102030405060708 1112131415161718 08 10 20 02 deadbeef 0000002c"
               "0000000e 30313233343536373839 0000");

    w = writer_of(bytes, sizeof(bytes));
    isakmp_begin(&m, &w, &sample);
    isakmp_payload_add(&m, ISAKMP_HASH, "012345678901", 12);
    isakmp_end_padded(&m, 16);
    g_assert_cmpuint(w.len, ==, ISAKMP_HEADER + 16);
    isakmp_begin(&m, &w, &sample); /* nothing in it */
    isakmp_end(&m);
    g_assert_cmpuint(w.len, ==, 2 * ISAKMP_HEADER + 16);
    g_assert_cmpuint(bytes[ISAKMP_HEADER + 16 + 16], ==, ISAKMP_NONE);
}

/* What does not fit fails, and nothing is written past the end. */
static void
test_no_room(void)
{
    uint8_t bytes[64];

    for (size_t cap = 0; cap < ISAKMP_HEADER + 16; cap++) {
        struct writer w = writer_of(bytes, cap);
        struct isakmp_writer m;
        memset(bytes, 0xee, sizeof(bytes));
        isakmp_begin(&m, &w, &sample);
        isakmp_payload_add(&m, ISAKMP_SA, "0123", 4);
        isakmp_payload_add(&m, ISAKMP_NONCE, "0123", 3);
        isakmp_end_padded(&m, 16);
        g_assert_false(writer_ok(&w));
        for (size_t i = cap; i < sizeof(bytes); i++)
            g_assert_cmpuint(bytes[i], ==, 0xee);
    }

    uint8_t *big = g_malloc(70000);
    struct writer w = writer_of(big, 70000);
    struct isakmp_writer m;
    isakmp_begin(&m, &w, &sample);
    isakmp_payload_begin(&m, ISAKMP_CERT);
    writer_zero(&w, 65532); /* with its header longer than its length can say */
    isakmp_end(&m);
    g_assert_false(writer_ok(&w));
    g_free(big);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ike-isakmp/header", test_header);
    g_test_add_func("/ike-isakmp/payloads", test_payloads);
    g_test_add_func("/ike-isakmp/many-payloads", test_many_payloads);
    g_test_add_func("/ike-isakmp/attributes", test_attributes);
    g_test_add_func("/ike-isakmp/writing", test_writing);
    g_test_add_func("/ike-isakmp/no-room", test_no_room);
    return g_test_run();
}
