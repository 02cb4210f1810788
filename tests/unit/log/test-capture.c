/* SPDX-License-Identifier: Apache-2.0 */
/* test-capture.c - packets into blocks of pcapng: whole ones, in order, and losses that are told.
 */

#include "core/log/capture.h"

#include <string.h>

struct block {
    uint32_t type, len;
    const uint8_t *body;
};

/* The next block; false at the end. Lengths stand at both ends. */
static bool
next(const GByteArray *from, size_t *at, struct block *out)
{
    uint32_t again = 0;

    if (*at == from->len)
        return false;
    g_assert_cmpuint(from->len - *at, >=, 12);
    memcpy(&out->type, from->data + *at, 4);
    memcpy(&out->len, from->data + *at + 4, 4);
    g_assert_cmpuint(out->len % 4, ==, 0);
    g_assert_cmpuint(out->len, <=, from->len - *at);
    memcpy(&again, from->data + *at + out->len - 4, 4);
    g_assert_cmpuint(again, ==, out->len);
    out->body = from->data + *at + 8;
    *at += out->len;
    return true;
}

static uint32_t
u32(const uint8_t *at)
{
    uint32_t v = 0;

    memcpy(&v, at, sizeof(v));
    return v;
}

static void
test_blocks(void)
{
    struct capture *c = capture_new(NULL);
    g_autoptr(GByteArray) out = g_byte_array_new();
    struct block b;
    size_t at = 0;
    const int64_t when_us = INT64_C(1795552200123456);

    for (unsigned len = 14; len < 24; len++) {
        uint8_t bytes[24];
        memset(bytes, (int)len, sizeof(bytes));
        const struct reader packet = reader_of(bytes, len);
        capture_add(c, &packet, 1, when_us);
    }
    capture_read(c, 65536, 0, out);
    g_assert_true(next(out, &at, &b));
    g_assert_cmpuint(b.type, ==, 0x0a0d0d0a);
    g_assert_cmpuint(u32(b.body), ==, 0x1a2b3c4d);
    g_assert_true(next(out, &at, &b));
    g_assert_cmpuint(b.type, ==, 1);
    for (unsigned len = 14; len < 24; len++) {
        g_assert_true(next(out, &at, &b));
        g_assert_cmpuint(b.type, ==, 6);
        int64_t us = (int64_t)((uint64_t)u32(b.body + 4) << 32 | u32(b.body + 8));
        g_assert_cmpint(us, ==, when_us);
        g_assert_cmpuint(u32(b.body + 12), ==, len);
        g_assert_cmpuint(u32(b.body + 16), ==, len);
        g_assert_cmpuint(b.body[20], ==, len);
        g_assert_cmpuint(b.body[20 + len - 1], ==, len);
    }
    g_assert_false(next(out, &at, &b));
    g_byte_array_set_size(out, 0);
    capture_read(c, 65536, 0, out); /* nothing is told twice */
    g_assert_cmpuint(out->len, ==, 0);
    capture_unref(c);
}

/* More than fits: the rest is counted, and the count is in the file. Pieces are of whole blocks. */
static void
test_losses(void)
{
    enum { PACKETS = 10000, LEN = 1500, PIECE = 100000 };
    struct capture *c = capture_new(NULL);
    g_autofree uint8_t *bytes = g_malloc0(LEN);
    const struct reader packet = reader_of(bytes, LEN);
    unsigned got = 0, losses = 0;
    uint64_t lost = 0;
    bool more = true;

    for (unsigned i = 0; i < PACKETS; i++)
        capture_add(c, &packet, 1, i);
    while (more) {
        g_autoptr(GByteArray) out = g_byte_array_new();
        struct block b;
        size_t at = 0;
        capture_read(c, PIECE, 0, out);
        g_assert_cmpuint(out->len, <=, PIECE + 100);
        more = out->len > 0;
        while (next(out, &at, &b)) {
            got += b.type == 6;
            if (b.type == 5) {
                memcpy(&lost, b.body + 16, sizeof(lost));
                losses++;
            }
        }
    }
    g_assert_cmpuint(got, >, PACKETS / 2);
    g_assert_cmpuint(got, <, PACKETS);
    g_assert_cmpuint(losses, ==, 1);
    g_assert_cmpuint(lost, ==, PACKETS - got);
    g_assert_cmpuint(capture_lost(c), ==, lost);
    capture_add(c, &packet, 1, 0); /* and goes on */
    g_autoptr(GByteArray) out = g_byte_array_new();
    capture_read(c, PIECE, 0, out);
    g_assert_cmpuint(out->len, ==, 32 + LEN);
    capture_unref(c);
}

static void
test_session(void)
{
    struct capture *all = capture_new(NULL);
    struct capture *one = capture_new("SID-ANNA-1");

    g_assert_true(capture_wants(all, "a", "b"));
    g_assert_true(capture_wants(one, "SID-ANNA-1", "b"));
    g_assert_true(capture_wants(one, "a", "SID-ANNA-1"));
    g_assert_true(capture_wants(one, "a", NULL)); /* to all is to it, too */
    g_assert_false(capture_wants(one, "a", "b"));
    g_assert_false(capture_wants(one, "SID-ANNA-10", "b"));
    capture_unref(all);
    capture_unref(one);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/capture/blocks", test_blocks);
    g_test_add_func("/capture/losses", test_losses);
    g_test_add_func("/capture/session", test_session);
    return g_test_run();
}
