/* SPDX-License-Identifier: Apache-2.0 */
/* test-ovpn-token.c - a token is good for its account, for its time, and unchanged. */

#include "core/proto/openvpn/token.h"

#include <glib.h>

#include <string.h>

enum { BEGAN = 1700000000 };
static const uint8_t key[OVPN_TOKEN_KEY] = {1, 2, 3};
static const uint8_t session[12] = "abcdefghijk";

static bool
is_good(const char *account, const char *token, int64_t now_s)
{
    int64_t initial = 0;
    uint8_t got[12] = {0};
    bool good = ovpn_token_check(key, account, token, now_s, &initial, got);

    if (good)
        g_assert_cmpmem(got, 12, session, 12);
    g_assert_cmpint(initial, ==, good ? BEGAN : 0);
    return good;
}

static void
test_form(void)
{
    char token[OVPN_TOKEN_TEXT];

    ovpn_token_make(key, "anna@OFFICE", session, BEGAN, BEGAN, token);
    g_assert_true(ovpn_token_is(token));
    g_assert_true(g_str_has_prefix(token, "SESS_ID_AT_"));
    g_assert_cmpuint(strlen(token), ==, 11 + 80);
    g_assert_false(ovpn_token_is("secret"));
    g_assert_false(ovpn_token_is(""));
}

static void
test_time(void)
{
    char token[OVPN_TOKEN_TEXT];
    const int64_t last = BEGAN + OVPN_TOKEN_LIFE_S;

    ovpn_token_make(key, "anna@OFFICE", session, BEGAN, BEGAN, token);
    g_assert_true(is_good("anna@OFFICE", token, BEGAN));
    g_assert_true(is_good("anna@OFFICE", token, BEGAN - 60)); /* the clock was set back */
    g_assert_false(is_good("anna@OFFICE", token, BEGAN - 61));
    g_assert_true(is_good("anna@OFFICE", token, BEGAN + OVPN_TOKEN_IDLE_S));
    g_assert_false(is_good("anna@OFFICE", token, BEGAN + OVPN_TOKEN_IDLE_S + 1));
    ovpn_token_make(key, "anna@OFFICE", session, BEGAN, last - 10, token);
    g_assert_true(is_good("anna@OFFICE", token, last));
    g_assert_false(is_good("anna@OFFICE", token, last + 1));
}

static void
test_who(void)
{
    static const uint8_t other_key[OVPN_TOKEN_KEY] = {1, 2, 4};
    char token[OVPN_TOKEN_TEXT];
    int64_t initial = 0;
    uint8_t got[12];
    g_autofree char *long_name = g_strnfill(2000, 'a');

    ovpn_token_make(key, "anna@OFFICE", session, BEGAN, BEGAN, token);
    g_assert_false(is_good("anna@HOME", token, BEGAN));
    g_assert_false(is_good("anna@OFFIC", token, BEGAN));
    g_assert_false(is_good("", token, BEGAN));
    g_assert_false(is_good(long_name, token, BEGAN));
    g_assert_false(ovpn_token_check(other_key, "anna@OFFICE", token, BEGAN, &initial, got));
    ovpn_token_make(key, long_name, session, BEGAN, BEGAN, token); /* too long for a token */
    g_assert_false(is_good(long_name, token, BEGAN));
}

static void
test_changed(void)
{
    char token[OVPN_TOKEN_TEXT];
    char changed[OVPN_TOKEN_TEXT + 8];

    ovpn_token_make(key, "anna@OFFICE", session, BEGAN, BEGAN, token);
    for (size_t i = 0; i < strlen(token); i++) {
        (void)g_strlcpy(changed, token, sizeof(changed));
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        g_assert_false(is_good("anna@OFFICE", changed, BEGAN));
        changed[i] = '=';
        g_assert_false(is_good("anna@OFFICE", changed, BEGAN));
        changed[i] = '\0';
        g_assert_false(is_good("anna@OFFICE", changed, BEGAN));
    }
    (void)g_snprintf(changed, sizeof(changed), "%s=", token);
    g_assert_false(is_good("anna@OFFICE", changed, BEGAN));
    (void)g_snprintf(changed, sizeof(changed), "%s\n", token);
    g_assert_false(is_good("anna@OFFICE", changed, BEGAN));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/openvpn/token/form", test_form);
    g_test_add_func("/openvpn/token/time", test_time);
    g_test_add_func("/openvpn/token/who", test_who);
    g_test_add_func("/openvpn/token/changed", test_changed);
    return g_test_run();
}
