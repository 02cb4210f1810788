/* SPDX-License-Identifier: Apache-2.0 */
/* test-reader.c - the cursors over wire bytes: order of bytes, the ends, failure that sticks. */

#include "core/base/reader.h"
#include "core/base/writer.h"

#include <glib.h>

static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static void
test_values(void)
{
    struct reader r = reader_of(bytes, sizeof(bytes));

    g_assert_cmphex(reader_u8(&r), ==, 0x01);
    g_assert_cmphex(reader_u16(&r), ==, 0x0203);
    g_assert_cmphex(reader_u32(&r), ==, 0x04050607);
    g_assert_cmphex(reader_u64(&r), ==, 0x08090a0b0c0d0e0f);
    g_assert_true(reader_ok(&r));
    g_assert_cmpuint(r.left, ==, 1);
    r = reader_of(bytes, sizeof(bytes));
    g_assert_cmphex(reader_u16_le(&r), ==, 0x0201);
    g_assert_cmphex(reader_u32_le(&r), ==, 0x06050403);
    static const uint8_t high[] = {0xff, 0xfe, 0xfd, 0xfc};
    r = reader_of(high, sizeof(high));
    g_assert_cmphex(reader_u32(&r), ==, 0xfffefdfc);
    r = reader_of(high, sizeof(high));
    g_assert_cmphex(reader_u32_le(&r), ==, 0xfcfdfeff);
}

static void
test_failure_sticks(void)
{
    struct reader r = reader_of(bytes, 3);
    uint8_t out[4] = {9, 9, 9, 9};

    g_assert_cmpuint(reader_u32(&r), ==, 0);
    g_assert_false(reader_ok(&r));
    g_assert_cmpuint(r.left, ==, 0);
    g_assert_cmpuint(reader_u8(&r), ==, 0); /* the three bytes are gone, too */
    g_assert_null(reader_take(&r, 0));
    reader_copy(&r, out, sizeof(out));
    g_assert_cmpmem(out, 4, "\0\0\0\0", 4);
    struct reader sub = reader_sub(&r, 0);
    g_assert_false(reader_ok(&sub));
    g_assert_cmpuint(reader_u64(&r), ==, 0);
}

static void
test_empty(void)
{
    struct reader r = reader_of(NULL, 0);

    g_assert_nonnull(r.at);
    g_assert_nonnull(reader_take(&r, 0));
    g_assert_true(reader_ok(&r));
    g_assert_null(reader_take(&r, SIZE_MAX));
    g_assert_false(reader_ok(&r));
}

static void
test_sub(void)
{
    struct reader r = reader_of(bytes, sizeof(bytes));
    struct reader sub = reader_sub(&r, 3);

    g_assert_cmpuint(r.left, ==, sizeof(bytes) - 3);
    g_assert_cmphex(reader_u16(&sub), ==, 0x0102);
    g_assert_cmpuint(reader_u16(&sub), ==, 0); /* cannot read its neighbour */
    g_assert_false(reader_ok(&sub));
    g_assert_true(reader_ok(&r));
    g_assert_cmphex(reader_u8(&r), ==, 0x04);
    sub = reader_sub(&r, 100);
    g_assert_false(reader_ok(&sub));
    g_assert_false(reader_ok(&r));
}

static void
test_writer(void)
{
    uint8_t buf[64];
    struct writer w = writer_of(buf, sizeof(buf));

    writer_u8(&w, 1);
    writer_u16(&w, 0x0203);
    writer_u32(&w, 0x04050607);
    writer_u64(&w, 0x08090a0b0c0d0e0f);
    writer_u8(&w, 16);
    g_assert_true(writer_ok(&w));
    g_assert_cmpmem(buf, (int)w.len, bytes, sizeof(bytes));
    writer_zero(&w, 2);
    writer_bytes(&w, "xy", 2);
    writer_bytes(&w, NULL, 0);
    g_assert_cmpmem(buf + 16, (int)w.len - 16, "\0\0xy", 4);
    writer_patch_u32(&w, 16, 0xdeadbeef);
    g_assert_cmpmem(buf + 16, 4, "\xde\xad\xbe\xef", 4);
    g_assert_true(writer_ok(&w));
    writer_patch_u32(&w, w.len - 3, 0); /* not written yet */
    g_assert_false(writer_ok(&w));
}

/* Not inlined: the compiler would warn of the very writes that are refused. */
static void __attribute__((noinline)) overfill(struct writer *w)
{
    writer_u64(w, UINT64_MAX);
    g_assert_false(writer_ok(w));
    g_assert_null(writer_room(w, 0));
    writer_u8(w, 1);
    g_assert_false(writer_ok(w));
}

static void
test_writer_full(void)
{
    uint8_t buf[8];

    for (size_t cap = 0; cap < sizeof(buf); cap++) {
        struct writer w = writer_of(buf, cap);
        memset(buf, 0, sizeof(buf));
        overfill(&w);
        g_assert_cmpuint(buf[cap], ==, 0); /* not a byte beyond */
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/reader/values", test_values);
    g_test_add_func("/reader/failure-sticks", test_failure_sticks);
    g_test_add_func("/reader/empty", test_empty);
    g_test_add_func("/reader/sub", test_sub);
    g_test_add_func("/writer/writer", test_writer);
    g_test_add_func("/writer/full", test_writer_full);
    return g_test_run();
}
