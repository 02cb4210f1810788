/* SPDX-License-Identifier: Apache-2.0 */
/* test-secret.c - secrets, random numbers, the clocks, the texts of errors. */

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/random.h"
#include "core/base/secret.h"

#include <glib.h>

#include <string.h>

static void
test_secret(void)
{
    struct secret *text = secret_text("hunter2");
    struct secret *bytes = secret_new("a\0b", 3);
    struct secret *zeroes = secret_new(NULL, 16);
    struct secret *empty = secret_text("");

    g_assert_cmpuint(text->len, ==, 7);
    g_assert_cmpstr(secret_str(text), ==, "hunter2");
    g_assert_cmpmem(bytes->bytes, (int)bytes->len, "a\0b", 3);
    for (size_t i = 0; i <= zeroes->len; i++)
        g_assert_cmpuint(zeroes->bytes[i], ==, 0);
    g_assert_cmpuint(empty->len, ==, 0);
    g_assert_cmpstr(secret_str(empty), ==, "");
    secret_free(text);
    secret_free(bytes);
    secret_free(zeroes);
    secret_free(empty);
    secret_free(NULL);
    secret_free_str(g_strdup("hunter2"));
    secret_free_str(NULL);
}

static void
test_wipe(void)
{
    char buf[] = "hunter2, hunter2";

    secret_wipe(buf + 2, 4);
    g_assert_cmpmem(buf, 7,
                    "hu\0\0\0\0"
                    "2",
                    7);
    secret_wipe(buf, 0);
    g_assert_true(buf[0] == 'h');
    secret_wipe(NULL, 0);
}

static void
test_equal(void)
{
    uint8_t a[32], b[32];

    memset(a, 0x5a, sizeof(a));
    memset(b, 0x5a, sizeof(b));
    g_assert_true(secret_equal(a, b, sizeof(a)));
    g_assert_true(secret_equal(a, b, 0));
    for (size_t i = 0; i < sizeof(a) * 8; i++) {
        b[i / 8] ^= (uint8_t)(1 << i % 8);
        g_assert_false(secret_equal(a, b, sizeof(a)));
        g_assert_true(secret_equal(a, b, i / 8));
        b[i / 8] ^= (uint8_t)(1 << i % 8);
    }
}

static void
test_random(void)
{
    uint8_t a[600] = {0}, b[600] = {0};
    unsigned seen[6] = {0};

    random_bytes(a, sizeof(a)); /* more than the system gives at once */
    random_bytes(b, sizeof(b));
    g_assert_true(memcmp(a, b, sizeof(a)) != 0);
    for (size_t i = 0; i + 16 <= sizeof(a); i += 16) /* no part was left out */
        g_assert_true(memcmp(a + i, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16) != 0);
    random_bytes(NULL, 0);

    for (unsigned i = 0; i < 600; i++) {
        uint32_t v = random_range(10, 15);
        g_assert_cmpuint(v, >=, 10);
        g_assert_cmpuint(v, <=, 15);
        seen[v - 10]++;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(seen); i++)
        g_assert_cmpuint(seen[i], >, 20); /* 100 expected; 20 is nine deviations away */
    g_assert_cmpuint(random_range(7, 7), ==, 7);
    (void)random_range(0, UINT32_MAX);
}

static void
test_clock(void)
{
    int64_t before_us = clock_now_us();
    int64_t wall_ms = clock_wall_ms();

    g_assert_cmpint(clock_now_us(), >=, before_us);
    g_assert_cmpint(wall_ms, >, INT64_C(1600000000000)); /* milliseconds, and after 2020 */
    g_assert_cmpint(wall_ms, <, INT64_C(16000000000000));
}

static void
test_error(void)
{
    static const int known[] = {PE_OK,     PE_HUB_NOT_FOUND,   PE_AUTH_FAILED, PE_NOT_ENOUGH_RIGHTS,
                                PE_EXISTS, PE_AUTO_DISCONNECT, PE_TLS_HOSTNAME};
    static const int unknown[] = {-1, INT_MIN, 21, 24, 148, 150, INT_MAX};
    g_autoptr(GError) error =
        g_error_new(PE_ERROR, PE_HUB_NOT_FOUND, "hub '%s' does not exist", "OFFICE");

    g_assert_error(error, PE_ERROR, PE_HUB_NOT_FOUND);
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        g_assert_cmpstr(pe_error_text(known[i]), !=, "unknown error");
        g_assert_cmpuint(strlen(pe_error_text(known[i])), >, 5);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(unknown); i++)
        g_assert_cmpstr(pe_error_text(unknown[i]), ==, "unknown error");
    g_assert_cmpstr(pe_error_text(PE_AUTH_FAILED), ==, "authentication failed");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/secret/secret", test_secret);
    g_test_add_func("/secret/wipe", test_wipe);
    g_test_add_func("/secret/equal", test_equal);
    g_test_add_func("/random/random", test_random);
    g_test_add_func("/clock/clock", test_clock);
    g_test_add_func("/error/error", test_error);
    return g_test_run();
}
