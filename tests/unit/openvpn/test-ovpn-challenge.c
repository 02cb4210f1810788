/* SPDX-License-Identifier: Apache-2.0 */
/* test-ovpn-challenge.c - static and dynamic challenges, and passwords that only look like one. */

#include "core/proto/openvpn/challenge.h"

#include <string.h>

static void
check(const char *field, enum ovpn_answer_kind kind, const char *password, const char *answer)
{
    struct ovpn_answer a;
    ovpn_answer_parse(field, &a);
    g_assert_cmpint(a.kind, ==, kind);
    g_assert_cmpstr(a.password ? secret_str(a.password) : NULL, ==, password);
    g_assert_cmpstr(a.answer ? secret_str(a.answer) : NULL, ==, answer);
    ovpn_answer_clear(&a);
}

static void
test_static(void)
{
    check("SCRV1:cGFzcw==:MTIzNDU2", OVPN_ANSWER_STATIC, "pass", "123456");
    check("SCRV1::MTIzNDU2", OVPN_ANSWER_STATIC, "", "123456");
    check("SCRV1:cGFzcw==:", OVPN_ANSWER_STATIC, "pass", "");
    static const char *const plain[] = {"",
                                        "pass",
                                        "SCRV1",
                                        "SCRV1:",
                                        "SCRV1:x",
                                        "SCRV1:cGFzcw==",
                                        "SCRV1:cGFzcw=:MTIzNDU2",
                                        "SCRV1:cG!zcw==:MTIzNDU2",
                                        "SCRV1:AAAA:MTIzNDU2"};
    for (unsigned i = 0; i < G_N_ELEMENTS(plain); i++)
        check(plain[i], OVPN_ANSWER_PLAIN, plain[i], NULL);
}

static void
test_dynamic(void)
{
    struct ovpn_answer a;
    ovpn_answer_parse("CRV1::0123abcd::12:34", &a);
    g_assert_cmpint(a.kind, ==, OVPN_ANSWER_DYNAMIC);
    g_assert_cmpstr(a.id, ==, "0123abcd");
    g_assert_cmpstr(secret_str(a.answer), ==, "12:34");
    g_assert_null(a.password);
    ovpn_answer_clear(&a);
    g_autofree char *huge = g_strnfill(100, 'a');
    g_autofree char *too_long = g_strconcat("CRV1::", huge, "::1", NULL);
    check(too_long, OVPN_ANSWER_PLAIN, too_long, NULL);
    check("CRV1::::1", OVPN_ANSWER_PLAIN, "CRV1::::1", NULL);
    check("CRV1::abc", OVPN_ANSWER_PLAIN, "CRV1::abc", NULL);
}

static void
test_print(void)
{
    g_autofree char *a = ovpn_challenge_print("0a", "anna@HUB", true, "One-time code:");
    g_assert_cmpstr(a, ==, "AUTH_FAILED,CRV1:R,E:0a:YW5uYUBIVUI=:One-time code:");
    g_autofree char *b = ovpn_challenge_print("0a", "x", false, "two\nlines");
    g_assert_cmpstr(b, ==, "AUTH_FAILED,CRV1:R:0a:eA==:two");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ovpn-challenge/static", test_static);
    g_test_add_func("/ovpn-challenge/dynamic", test_dynamic);
    g_test_add_func("/ovpn-challenge/print", test_print);
    return g_test_run();
}
