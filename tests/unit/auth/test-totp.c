/* SPDX-License-Identifier: Apache-2.0 */
/* test-totp.c - one-time codes: the vectors of RFC 4226 and RFC 6238, windows, replays, forms. */

#include "core/auth/totp.h"
#include "core/base/secret.h"

#include <glib.h>

#include <string.h>

static struct totp
of_text(enum totp_hash hash, unsigned digits, const char *secret)
{
    struct totp t = {.hash = hash, .digits = digits, .secret_len = strlen(secret)};
    memcpy(t.secret, secret, t.secret_len);
    return t;
}

/* RFC 4226, Appendix D. */
static void
test_rfc4226(void)
{
    static const char *const want[] = {"755224", "287082", "359152", "969429", "338314",
                                       "254676", "287922", "162583", "399871", "520489"};
    struct totp t = of_text(TOTP_SHA1, 6, "12345678901234567890");
    for (unsigned i = 0; i < G_N_ELEMENTS(want); i++) {
        char code[TOTP_DIGITS_MAX + 1];
        totp_at(&t, i, code);
        g_assert_cmpstr(code, ==, want[i]);
    }
}

/* RFC 6238, Appendix B. */
static void
test_rfc6238(void)
{
    static const char secret[] = "1234567890123456789012345678901234567890123456789012345678901234";
    static const struct {
        int64_t now;
        const char *code[3];
    } rows[] = {
        {59, {"94287082", "46119246", "90693936"}},
        {1111111109, {"07081804", "68084774", "25091201"}},
        {1111111111, {"14050471", "67062674", "99943326"}},
        {1234567890, {"89005924", "91819424", "93441116"}},
        {2000000000, {"69279037", "90698825", "38618901"}},
        {20000000000, {"65353130", "77737706", "47863826"}},
    };
    static const unsigned lengths[] = {20, 32, 64};
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (unsigned k = 0; k < 3; k++) {
            g_autofree char *part = g_strndup(secret, lengths[k]);
            struct totp t = of_text((enum totp_hash)k, 8, part);
            char code[TOTP_DIGITS_MAX + 1];
            totp_at(&t, (uint64_t)rows[i].now / TOTP_STEP_S, code);
            g_assert_cmpstr(code, ==, rows[i].code[k]);
        }
    }
}

static void
test_window(void)
{
    struct totp t = of_text(TOTP_SHA1, 6, "12345678901234567890");
    int64_t now = 1000000, step = 0;
    for (int off = -3; off <= 3; off++) {
        char code[TOTP_DIGITS_MAX + 1];
        totp_at(&t, (uint64_t)(now / TOTP_STEP_S + off), code);
        g_assert_cmpint(totp_check(&t, code, now, 0, &step), ==, off >= -1 && off <= 1);
        if (off >= -1 && off <= 1)
            g_assert_cmpint(step, ==, now / TOTP_STEP_S + off);
    }
    char code[TOTP_DIGITS_MAX + 1];
    totp_at(&t, (uint64_t)(now / TOTP_STEP_S), code);
    int64_t at = now / TOTP_STEP_S;
    g_assert_true(totp_check(&t, code, now, at - 1, &step));
    g_assert_false(totp_check(&t, code, now, at, &step)); /* used */
    g_assert_false(totp_check(&t, code, now, at + 5, &step));

    g_autofree char *spaced = g_strdup_printf(" %.3s %s ", code, code + 3);
    g_assert_true(totp_check(&t, spaced, now, 0, &step));
    g_autofree char *longer = g_strconcat(code, "0", NULL);
    g_assert_false(totp_check(&t, longer, now, 0, &step));
    code[5] = '\0';
    g_assert_false(totp_check(&t, code, now, 0, &step));
    g_assert_false(totp_check(&t, "", now, 0, &step));
    g_assert_false(totp_check(&t, "12345x", now, 0, &step));
    g_assert_false(totp_check(&t, "                                        755224", now, 0, &step));
    g_assert_false(totp_check(&t, "755224", 0, 0, &step));
}

static void
test_forms(void)
{
    struct totp t, back;
    totp_make(TOTP_SHA256, 8, &t);
    char *text = totp_print(&t);
    g_assert_true(g_str_has_prefix(text, "sha256 8 "));
    g_assert_true(totp_parse(text, &back));
    g_assert_true(t.secret_len == back.secret_len &&
                  memcmp(t.secret, back.secret, t.secret_len) == 0);
    g_assert_cmpint(back.hash, ==, TOTP_SHA256);
    g_assert_cmpuint(back.digits, ==, 8);
    secret_free_str(text);

    t = of_text(TOTP_SHA1, 6, "12345678901234567890");
    char *uri = totp_uri(&t, "Polyether", "anna@Hub 1");
    g_assert_cmpstr(uri, ==,
                    "otpauth://totp/Polyether:anna%40Hub%201?secret="
                    "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Polyether&algorithm=SHA1&digits=6"
                    "&period=30");
    secret_free_str(uri);

    static const char *const wrong[] = {"",
                                        "sha1",
                                        "sha1 6",
                                        "sha1 6 ",
                                        "sha1 6 AAAA",
                                        "md5 6 GEZDGNBVGY3TQOJQ",
                                        "sha1 7 GEZDGNBVGY3TQOJQ",
                                        "sha1 6 GEZDGNBVGY3TQOJ1",
                                        "sha1 66 GEZDGNBVGY3TQOJQ",
                                        "sha512256 6 GEZDGNBVGY3TQOJQ"};
    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_false(totp_parse(wrong[i], &back));
    g_autofree char *huge = g_strnfill(400, 'A');
    g_autofree char *too_long = g_strconcat("sha1 6 ", huge, NULL);
    g_assert_false(totp_parse(too_long, &back));
}

static void
test_base32(void)
{
    static const char *const rows[][2] = {{"f", "MY"},           {"fo", "MZXQ"},
                                          {"foo", "MZXW6"},      {"foob", "MZXW6YQ"},
                                          {"fooba", "MZXW6YTB"}, {"foobar", "MZXW6YTBOI"}};
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) { /* RFC 4648, 10, without padding */
        char text[TOTP_BASE32_MAX];
        uint8_t bytes[TOTP_SECRET_MAX];
        totp_base32_encode((const uint8_t *)rows[i][0], strlen(rows[i][0]), text);
        g_assert_cmpstr(text, ==, rows[i][1]);
        size_t n = totp_base32_decode(text, bytes);
        g_assert_true(n == strlen(rows[i][0]) && memcmp(bytes, rows[i][0], n) == 0);
    }
    uint8_t bytes[TOTP_SECRET_MAX];
    g_assert_cmpuint(totp_base32_decode("mzxw 6ytb-oi==", bytes), ==, 6);
    g_assert_cmpuint(totp_base32_decode("MZ1", bytes), ==, 0);
}

static void
test_split(void)
{
    size_t n = 99;
    g_assert_true(totp_split("pass123456", 10, 6, &n));
    g_assert_cmpuint(n, ==, 4);
    g_assert_true(totp_split("pass12345678", 12, 8, &n));
    g_assert_cmpuint(n, ==, 4);
    g_assert_false(totp_split("123456", 6, 6, &n));
    g_assert_false(totp_split("pass12345x", 10, 6, &n));
    g_assert_false(totp_split("", 0, 6, &n));
    g_assert_cmpuint(n, ==, 4);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/totp/rfc4226", test_rfc4226);
    g_test_add_func("/totp/rfc6238", test_rfc6238);
    g_test_add_func("/totp/window", test_window);
    g_test_add_func("/totp/forms", test_forms);
    g_test_add_func("/totp/base32", test_base32);
    g_test_add_func("/totp/split", test_split);
    return g_test_run();
}
