/* SPDX-License-Identifier: Apache-2.0 */
/* test-source-list.c - from where clients may come. */

#include "core/base/error.h"
#include "core/hub/acl/source_list.h"

static unsigned
read_rules(struct source_rule *out, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    unsigned n = 0;

    for (; lines[n]; n++) {
        g_assert_true(source_rule_parse(lines[n], &out[n]));
        g_assert_true(source_rule_check(&out[n], NULL));
        out[n].id = n + 1;
    }
    source_rules_sort(out, n);
    return n;
}

static bool
admits(const char *rules, const char *address)
{
    struct source_rule r[8];
    struct ip ip;
    const struct source_rule *decided = NULL;

    g_assert_true(ip_parse(address, &ip));
    unsigned n = read_rules(r, rules);
    bool yes = source_rules_admit(r, n, &ip, &decided);
    g_assert_true(yes == !(decided && decided->deny));
    return yes;
}

static void
test_admission(void)
{
    static const char rules[] =
        "deny 100 0.0.0.0/0\nallow 10 192.0.2.0/24\ndeny 5 192.0.2.7/32\ndeny 20 2001:db8::/32\n"
        "allow 5 192.0.2.7/32";

    g_assert_true(admits(rules, "192.0.2.1"));
    g_assert_false(admits(rules, "192.0.2.7")); /* the older of two */
    g_assert_false(admits(rules, "198.51.100.1"));
    g_assert_false(admits(rules, "2001:db8::1"));
    g_assert_true(admits(rules, "2001:db9::1")); /* none speaks of it */
    g_assert_true(source_rules_admit(NULL, 0, &(struct ip){.family = 4}, NULL));
}

static void
test_text(void)
{
    struct source_rule r;
    static const char *const bad[] = {"",           "deny 1",           "deny 0 10.0.0.1",
                                      "maybe 1 ::", "allow 1 10.0.0/8", "deny 1 10.0.0.1 x"};

    g_assert_true(source_rule_parse("deny 4294967295 fd00::/8", &r));
    g_autofree char *text = source_rule_print(&r);
    g_assert_cmpstr(text, ==, "deny 4294967295 fd00::/8");
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(source_rule_parse(bad[i], &r));
}

static void
test_check(void)
{
    struct source_rule r = {.priority = 1, .ip = {.family = 4}, .length = 32};
    g_autoptr(GError) error = NULL;

    g_assert_true(source_rule_check(&r, NULL));
    r.length = 33;
    g_assert_false(source_rule_check(&r, &error));
    g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
    r = (struct source_rule){.priority = 1};
    g_assert_false(source_rule_check(&r, NULL));
    r = (struct source_rule){.ip = {.family = 6}};
    g_assert_false(source_rule_check(&r, NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/source-list/admission", test_admission);
    g_test_add_func("/source-list/text", test_text);
    g_test_add_func("/source-list/check", test_check);
    return g_test_run();
}
