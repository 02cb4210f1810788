/* SPDX-License-Identifier: Apache-2.0 */
/* test-acl-rule.c - rules and sets as values: what is refused, and their text. */

#include "core/base/error.h"
#include "core/base/types.h"
#include "core/hub/acl/acl_rule.h"

#include <string.h>

static struct acl_rule
rule_of(const char *text)
{
    struct acl_rule r;
    GError *error = NULL;

    g_assert_true(acl_rule_parse(text, &r, &error));
    g_assert_no_error(error);
    return r;
}

static void
test_refused(void)
{
    static const struct {
        const char *rule, *word;
    } cases[] = {
        {"", "priority"},
        {"priority=1\nsrc-ip=10.0.0.1\nsrc-mask=255.0.0.0\nsrc-set=a", "not both"},
        {"priority=1\ndst-set=a b", "named with"},
        {"priority=1\nsrc-ip=fd00::1\nsrc-mask=ffff::", "IPv4"},
        {"priority=1\nsrc-user=include:/etc/passwd", "do not read files"},
        {"priority=1\ndst-user=EXCLUDE:x", "do not read files"},
        {"priority=1\nsrc-port=10\nsrc-port-end=9", "smaller"},
        {"priority=1\nprotocol=1\ndst-port=10", "only TCP and UDP"},
        {"priority=1\nprotocol=17\ncheck-tcp-state=1", "only TCP"},
        {"priority=1\ndiscard=1\ndelay-ms=1", "discarded"},
        {"priority=1\ndiscard=1\nredirect-url=http://x/", "discarded"},
        {"priority=1\ndelay-ms=10001", "10000"},
        {"priority=1\ndelay-ms=1\njitter-percent=101", "100 percent"},
        {"priority=1\nloss-percent=101", "100 percent"},
        {"priority=1\njitter-percent=1", "no"},
        {"priority=1\nredirect-url=ftp://x/", "http://"},
        {"priority=1\nprotocol=17\nredirect-url=http://x/", "only TCP"},
        {"priority=1\nnote=a\tb", "control characters"},
    };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        g_autoptr(GError) error = NULL;
        struct acl_rule r = rule_of(cases[i].rule);
        g_assert_false(acl_rule_check(&r, &error));
        g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
        if (!strstr(error->message, cases[i].word))
            g_error("'%s' says '%s'", cases[i].rule, error->message);
        acl_rule_clear(&r);
    }
}

static void
test_long_texts(void)
{
    struct acl_rule r = {.priority = 1};
    g_autofree char *just = g_strnfill(ACL_NOTE_MAX, 'x');
    g_autofree char *more = g_strnfill(ACL_NOTE_MAX + 1, 'x');

    r.note = just;
    r.src.user = just;
    g_assert_true(acl_rule_check(&r, NULL));
    r.note = more;
    g_assert_false(acl_rule_check(&r, NULL));
    r.note = just;
    r.dst.user = more;
    g_assert_false(acl_rule_check(&r, NULL));
}

static void
test_port_alone(void)
{
    struct acl_rule r = rule_of("priority=1\nprotocol=6\ndst-port=22");

    g_assert_true(acl_rule_check(&r, NULL));
    g_assert_cmpuint(r.dst.last_port, ==, 22);
    acl_rule_clear(&r);
}

static const char every_field[] =
    "priority=4294967295\nactive=1\ndiscard=1\nip6=1\n"
    "src-ip=fd00::1\nsrc-mask=ffff::ff\nsrc-user=anna\nsrc-check-mac=1\n"
    "src-mac=5e:00:00:00:00:01\nsrc-mac-mask=ff:ff:ff:ff:ff:ff\nsrc-port=1\nsrc-port-end=65535\n"
    "dst-set=Office-1\ndst-user=Sales = all\ndst-check-mac=1\ndst-mac=01:00:00:00:00:00\n"
    "dst-mac-mask=01:00:00:00:00:00\ndst-port=22\ndst-port-end=23\n"
    "protocol=6\ncheck-tcp-state=1\nestablished=1\ndelay-ms=10000\njitter-percent=100\n"
    "loss-percent=1\nredirect-url=http://x/?a=b\nnote=why not = because\n";

static void
test_text(void)
{
    struct acl_rule r = rule_of(every_field);
    struct acl_rule copy;

    acl_rule_copy(&copy, &r);
    acl_rule_clear(&r);
    g_autofree char *text = acl_rule_print(&copy);
    g_assert_cmpstr(text, ==, every_field);
    acl_rule_clear(&copy);
    g_autofree char *empty = acl_rule_print(&r);
    g_assert_cmpstr(empty, ==, "");
}

static void
test_bad_text(void)
{
    static const char *const bad[] = {
        "nonsense",         "priority",       "priority=",
        "priority=-1",      "priority=1x",    "active=2",
        "protocol=256",     "src-port=65536", "src-ip=10.0.0",
        "src-mac=5e:00:00", "colour=green",   "priority=1\npriority",
        " priority=1",      "note=\xff",      "loss-percent=4294967296",
    };

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        struct acl_rule r;
        g_autoptr(GError) error = NULL;
        g_assert_false(acl_rule_parse(bad[i], &r, &error));
        g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
    }
}

static void
test_words(void)
{
    static const struct {
        const char *rule, *words;
    } cases[] = {
        {"priority=1", "pass everything"},
        {"discard=1\nprotocol=6\nsrc-set=office\ndst-ip=10.0.0.0\ndst-mask=255.0.0.0\ndst-port=22\n"
         "dst-port-end=22",
         "discard tcp from @office to 10.0.0.0/8 port 22"},
        {"ip6=1\nsrc-ip=fd00::1\nsrc-mask=ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\nsrc-user=anna",
         "pass ip6 from fd00::1 user anna"},
        {"src-ip=10.0.0.1\nsrc-mask=255.0.0.255", "pass ip from 10.0.0.1/255.0.0.255"},
        {"protocol=6\ncheck-tcp-state=1\ndst-port=1\ndst-port-end=2",
         "pass tcp to port 1-2, opening"},
        {"protocol=132\ncheck-tcp-state=1\nestablished=1", "pass protocol 132, established"},
        {"delay-ms=5\njitter-percent=10\nloss-percent=1",
         "pass everything, delay 5 ms, jitter 10 %, loss 1 %"},
        {"protocol=6\nredirect-url=http://x/", "pass tcp, redirect to http://x/"},
        {"dst-check-mac=1\ndst-mac=01:00:00:00:00:00\ndst-mac-mask=01:00:00:00:00:00",
         "pass everything to mac 01:00:00:00:00:00/01:00:00:00:00:00"},
    };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct acl_rule r = rule_of(cases[i].rule);
        g_autofree char *words = acl_rule_say(&r);
        g_assert_cmpstr(words, ==, cases[i].words);
        acl_rule_clear(&r);
    }
}

static void
test_masks(void)
{
    uint8_t mask[16];

    for (unsigned n = 0; n <= 128; n++) {
        acl_mask_of_length(n, mask, 16);
        g_assert_cmpint(acl_mask_length(mask, 16), ==, (int)n);
    }
    acl_mask_of_length(24, mask, 4);
    g_assert_cmpmem(mask, 4, "\xff\xff\xff\0", 4);
    mask[0] = 0xf7;
    g_assert_cmpint(acl_mask_length(mask, 4), ==, -1);
}

/* ---- sets ---- */

static void
test_sets(void)
{
    g_autoptr(GPtrArray) sets = acl_sets_new();
    g_autoptr(GError) error = NULL;
    struct acl_set *s = acl_set_new("office");

    g_ptr_array_add(sets, s);
    g_assert_true(acl_set_parse(s, "10.0.0.0/8, 192.0.2.7\n fd00::/8", NULL));
    g_autofree char *text = acl_set_print(s);
    g_assert_cmpstr(text, ==, "10.0.0.0/8 192.0.2.7/32 fd00::/8");
    g_assert_false(acl_set_parse(s, "10.0.0.0/33", &error));
    g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
    g_assert_true(acl_sets_find(sets, "OFFICE") == s);
    g_assert_null(acl_sets_find(sets, "lab"));
    g_assert_null(acl_sets_find(NULL, "lab"));

    struct acl_rule r = rule_of("priority=1\nsrc-set=Office");
    g_assert_true(acl_rule_check_sets(&r, sets, NULL));
    acl_rule_clear(&r);
    r = rule_of("priority=1\ndst-set=lab");
    g_clear_error(&error);
    g_assert_false(acl_rule_check_sets(&r, sets, &error));
    g_assert_error(error, PE_ERROR, PE_NOT_FOUND);
    acl_rule_clear(&r);
}

static void
test_set_is_bounded(void)
{
    struct acl_set *s = acl_set_new("big");
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < ACL_SET_SIZE; i++)
        g_string_append_printf(text, "10.%u.%u.0/24 ", i / 256, i % 256);
    g_assert_true(acl_set_parse(s, text->str, NULL));
    g_assert_false(acl_set_parse(s, "192.0.2.0/24", &error));
    g_assert_error(error, PE_ERROR, PE_TOO_MANY_ITEMS);
    acl_set_free(s);
}

static void
test_set_names(void)
{
    g_autofree char *longest = g_strnfill(ACL_SET_NAME_MAX, 'x');
    g_autofree char *more = g_strnfill(ACL_SET_NAME_MAX + 1, 'x');

    g_assert_true(acl_set_name_check("a.b-c_9", NULL));
    g_assert_true(acl_set_name_check(longest, NULL));
    g_assert_false(acl_set_name_check(more, NULL));
    g_assert_false(acl_set_name_check("", NULL));
    g_assert_false(acl_set_name_check("@a", NULL));
    g_assert_false(acl_set_name_check("a/b", NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/acl-rule/refused", test_refused);
    g_test_add_func("/acl-rule/long-texts", test_long_texts);
    g_test_add_func("/acl-rule/port-alone", test_port_alone);
    g_test_add_func("/acl-rule/text", test_text);
    g_test_add_func("/acl-rule/bad-text", test_bad_text);
    g_test_add_func("/acl-rule/words", test_words);
    g_test_add_func("/acl-rule/masks", test_masks);
    g_test_add_func("/acl-rule/sets", test_sets);
    g_test_add_func("/acl-rule/set-is-bounded", test_set_is_bounded);
    g_test_add_func("/acl-rule/set-names", test_set_names);
    return g_test_run();
}
