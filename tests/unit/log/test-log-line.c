/* SPDX-License-Identifier: Apache-2.0 */
/* test-log-line.c - values of any origin stay in their place, in text and in JSON. */

#include "core/log/line.h"

#include <glib.h>

#include <string.h>

static char *
text_of(const struct line *l)
{
    g_assert_false(l->failed);
    return g_strndup(l->at, l->len);
}

static void
test_stamp(void)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {INT64_C(951782399999), "2000-02-28T23:59:59.999Z"},
        {INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
        {INT64_C(1709251199001), "2024-02-29T23:59:59.001Z"},
        {INT64_C(1709251200012), "2024-03-01T00:00:00.012Z"},
        {INT64_C(4107542400120), "2100-03-01T00:00:00.120Z"},
        {-5, "1970-01-01T00:00:00.000Z"},
    };
    struct line l;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        line_clear(&l);
        line_stamp(&l, cases[i].ms);
        g_autofree char *text = text_of(&l);
        g_assert_cmpstr(text, ==, cases[i].text);
    }
    for (int64_t day = 0; day < 60000; day += 13) { /* the same as GLib's calendar */
        g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(day * 86400 + 43210);
        g_autofree char *want = g_date_time_format(at, "%Y-%m-%dT%H:%M:%S.000Z");
        line_clear(&l);
        line_stamp(&l, (day * 86400 + 43210) * 1000);
        g_autofree char *text = text_of(&l);
        g_assert_cmpstr(text, ==, want);
    }
}

static void
test_values(void)
{
    static const struct {
        const char *in;
        size_t len;
        const char *text, *json;
    } cases[] = {
        {"", 0, "\"\"", "\"\""},
        {"anna", 4, "anna", "\"anna\""},
        {"10.0.0.1:443", 12, "10.0.0.1:443", "\"10.0.0.1:443\""},
        {"two words", 9, "\"two words\"", "\"two words\""},
        {"a,b", 3, "\"a,b\"", "\"a,b\""},
        {"a=b", 3, "\"a=b\"", "\"a=b\""},
        {"say \"hi\"", 8, "\"say \\x22hi\\x22\"", "\"say \\u0022hi\\u0022\""},
        {"back\\slash", 10, "\"back\\x5cslash\"", "\"back\\u005cslash\""},
        {"line\nline\r", 10, "\"line\\x0aline\\x0d\"", "\"line\\u000aline\\u000d\""},
        {"nul\0x", 5, "\"nul\\x00x\"", "\"nul\\u0000x\""},
        {"\x1b[31m", 5, "\"\\x1b[31m\"", "\"\\u001b[31m\""},
        {"J\xc3\xbcrgen", 7, "\"J\xc3\xbcrgen\"", "\"J\xc3\xbcrgen\""},
        {"\xff\xfe", 2, "\"\\xff\\xfe\"", "\"\\u00ff\\u00fe\""},
        {"\xe2\x80\xae", 3, "\"\\xe2\\x80\\xae\"", "\"\\u00e2\\u0080\\u00ae\""},
    };
    struct line l;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *exact = g_malloc(MAX(cases[i].len, 1));
        memcpy(exact, cases[i].in, cases[i].len);
        line_clear(&l);
        line_value(&l, exact, cases[i].len);
        g_autofree char *text = text_of(&l);
        g_assert_cmpstr(text, ==, cases[i].text);
        line_clear(&l);
        line_json(&l, exact, cases[i].len);
        g_autofree char *json = text_of(&l);
        g_assert_cmpstr(json, ==, cases[i].json);
    }
}

static void
test_limits(void)
{
    struct line l;
    g_autofree char *plain = g_strnfill(5000, 'a');
    g_autofree char *bad = g_strnfill(5000, '\n');
    g_autofree char *huge = g_strnfill(LINE_MAX_BYTES, 'a');

    line_clear(&l);
    line_value(&l, plain, 5000);
    g_assert_cmpuint(l.len, ==, LINE_VALUE_MAX + 2 + 3);
    line_clear(&l);
    line_json(&l, bad, 5000);
    g_assert_cmpuint(l.len, <, LINE_VALUE_MAX + 16);
    line_clear(&l);
    line_str(&l, "x");
    line_bytes(&l, huge, LINE_MAX_BYTES);
    g_assert_true(l.failed); /* whole or not at all */
    line_char(&l, 'y');
    g_assert_cmpuint(l.len, ==, 1);
}

static void
test_numbers(void)
{
    static const uint8_t six[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
    struct line l;

    line_clear(&l);
    line_u64(&l, 0);
    line_char(&l, ' ');
    line_u64(&l, UINT64_MAX);
    line_char(&l, ' ');
    line_hex_u32(&l, 0x806, 4);
    line_char(&l, ' ');
    line_mac(&l, (const uint8_t *)"\x02\x00\x00\xab\xcd\xef");
    line_char(&l, ' ');
    line_ip(&l, (const uint8_t *)"\xc0\x00\x02\xff", 4);
    line_char(&l, ' ');
    line_ip(&l, six, 6);
    g_autofree char *text = text_of(&l);
    g_assert_cmpstr(text, ==,
                    "0 18446744073709551615 0806 02:00:00:ab:cd:ef 192.0.2.255 2001:db8::1");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log-line/stamp", test_stamp);
    g_test_add_func("/log-line/values", test_values);
    g_test_add_func("/log-line/limits", test_limits);
    g_test_add_func("/log-line/numbers", test_numbers);
    return g_test_run();
}
