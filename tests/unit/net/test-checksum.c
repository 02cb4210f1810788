/* SPDX-License-Identifier: Apache-2.0 */
/* test-checksum.c - the examples of the RFCs, and everything against a slow sum. */

#include "core/net/checksum.h"
#include "tests/unit/net/packet.h"

#include <glib.h>

/* RFC 1071, 3: the words 0001 f203 f4f5 f6f7 add up to ddf2. */
static void
test_rfc1071(void)
{
    static const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

    g_assert_cmphex(csum_fold(csum_add(0, bytes, sizeof bytes)), ==, 0xddf2);
    g_assert_cmphex(csum_finish(csum_add(0, bytes, sizeof bytes)), ==, 0x220d);
    g_assert_cmphex(csum_fold(csum_add(0, bytes, 3)), ==, 0xf201); /* odd: padded with zero */
    g_assert_cmphex(csum_fold(csum_add(0, bytes, 0)), ==, 0);
}

/* RFC 1624, 4: the case that equation 2 gets wrong. */
static void
test_rfc1624(void)
{
    g_assert_cmphex(csum_update16(0xdd2f, 0x5555, 0x3285), ==, 0x0000);
}

static void
test_every_length_and_place(void)
{
    g_autofree uint8_t *big = g_malloc(70000);

    for (unsigned i = 0; i < 70000; i++)
        big[i] = (uint8_t)g_test_rand_int();
    for (size_t len = 0; len < 300; len++) {
        for (size_t at = 0; at < 9; at++) {
            g_autofree uint8_t *exact = g_memdup2(big + at, len);
            uint16_t want = (uint16_t)slow_sum(0, big + at, len);
            g_assert_cmphex(csum_fold(csum_add(0, big + at, len)), ==, want);
            g_assert_cmphex(csum_fold(csum_add(0, exact ? exact : big, len)), ==, want);
        }
    }
    for (size_t len = 1400; len < 70000; len += 611)
        g_assert_cmphex(csum_fold(csum_add(0, big, len)), ==, slow_sum(0, big, len));
}

/* All ones carry the most: no carry may get lost, and zero and ffff are kept apart. */
static void
test_carries(void)
{
    g_autofree uint8_t *ones = g_malloc(65536);
    static const uint8_t zeros[64];

    memset(ones, 0xff, 65536);
    for (size_t len = 2; len <= 65536; len += 2)
        g_assert_cmphex(csum_fold(csum_add(0, ones, len)), ==, 0xffff);
    g_assert_cmphex(csum_fold(csum_add(0, zeros, sizeof zeros)), ==, 0);

    uint64_t sum = 0;
    for (unsigned i = 0; i < 100000; i++)
        sum = csum_add(sum, ones, 1448);
    g_assert_cmphex(csum_fold(sum), ==, 0xffff);
    g_assert_cmphex(csum_fold(UINT64_MAX), ==, 0xffff);
}

static void
test_pieces(void)
{
    uint8_t bytes[200];

    for (unsigned round = 0; round < 1000; round++) {
        for (unsigned i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)g_test_rand_int();
        size_t cut = 2 * (size_t)g_test_rand_int_range(0, 100);
        uint64_t sum = csum_add(csum_add(0, bytes, cut), bytes + cut, sizeof bytes - cut - 1);
        g_assert_cmphex(csum_fold(sum), ==, slow_sum(0, bytes, sizeof bytes - 1));
    }
    uint64_t sum = csum_add_u32(csum_add_u16(0, 0x1234), 0x89abcdef);
    g_assert_cmphex(csum_fold(sum), ==,
                    slow_sum(0, (const uint8_t *)"\x12\x34\x89\xab\xcd\xef", 6));
}

static void
test_update(void)
{
    uint8_t bytes[64];

    for (unsigned round = 0; round < 2000; round++) {
        for (unsigned i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)g_test_rand_int();
        uint16_t before = csum_finish(csum_add(0, bytes, sizeof bytes));
        size_t at = 2 * (size_t)g_test_rand_int_range(0, 31);
        uint32_t is = (uint32_t)g_test_rand_int();
        uint32_t was = (uint32_t)bytes[at] << 24 | (uint32_t)bytes[at + 1] << 16 |
                       (uint32_t)bytes[at + 2] << 8 | bytes[at + 3];
        put32(bytes + at, is);
        uint16_t after = csum_finish(csum_add(0, bytes, sizeof bytes));
        g_assert_cmphex(csum_update32(before, was, is), ==, after);
        uint16_t half = csum_update16(after, (uint16_t)is, (uint16_t)round);
        put16(bytes + at + 2, round);
        g_assert_cmphex(half, ==, csum_finish(csum_add(0, bytes, sizeof bytes)));
    }
}

static void
test_pseudo(void)
{
    static const uint8_t v4[] = {10, 0, 0, 1, 192, 168, 255, 254, 0, 17, 0xff, 0xfe};
    uint8_t v6[40];

    g_assert_cmphex(csum_fold(csum_pseudo4(v4, v4 + 4, 17, 0xfffe)), ==, slow_sum(0, v4, 12));
    for (unsigned i = 0; i < 32; i++)
        v6[i] = (uint8_t)(0xf0 + i);
    put32(v6 + 32, 0x00012345);
    put32(v6 + 36, 58);
    g_assert_cmphex(csum_fold(csum_pseudo6(v6, v6 + 16, 58, 0x12345)), ==, slow_sum(0, v6, 40));
}

static void
test_udp_is_never_zero(void)
{
    static const uint8_t bytes[] = {0xff, 0xff};
    uint64_t sum = csum_add(0, bytes, 2);

    g_assert_cmphex(csum_finish(sum), ==, 0);
    g_assert_cmphex(csum_finish_udp(sum), ==, 0xffff);
    g_assert_true(csum_is_good(sum));
    g_assert_false(csum_is_good(csum_add_u16(sum, 1)));
}

/* Runs with -m perf: what a packet of a full segment costs. */
static void
test_speed(void)
{
    enum { TURNS = 2000000 };
    static uint8_t bytes[1448 + 8];
    uint64_t sum = 0;

    if (!g_test_perf()) {
        g_test_skip("only with -m perf");
        return;
    }
    memset(bytes, 0x5a, sizeof bytes);
    g_test_timer_start();
    for (unsigned i = 0; i < TURNS; i++)
        sum += csum_fold(csum_add(i, bytes + i % 8, 1448));
    double ns = g_test_timer_elapsed() * 1e9 / TURNS;
    g_assert_cmpuint(sum, !=, 0);
    g_test_minimized_result(ns, "csum_add of 1448 bytes: %.1f ns", ns);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/checksum/rfc1071", test_rfc1071);
    g_test_add_func("/checksum/rfc1624", test_rfc1624);
    g_test_add_func("/checksum/every-length-and-place", test_every_length_and_place);
    g_test_add_func("/checksum/carries", test_carries);
    g_test_add_func("/checksum/pieces", test_pieces);
    g_test_add_func("/checksum/update", test_update);
    g_test_add_func("/checksum/pseudo", test_pseudo);
    g_test_add_func("/checksum/udp-is-never-zero", test_udp_is_never_zero);
    g_test_add_func("/checksum/speed", test_speed);
    return g_test_run();
}
