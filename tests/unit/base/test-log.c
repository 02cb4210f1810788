/* SPDX-License-Identifier: Apache-2.0 */
/* test-log.c - the lines, what peers cannot do to them, and how many there may be. */

#include "core/base/log.h"

#include <glib.h>

#include <string.h>
#include <unistd.h>

enum { TEXT = 80 };

/* ---- text of peers ---- */

static void
test_text(void)
{
    static const struct {
        const char *text;
        size_t len;
        const char *safe;
    } cases[] = {
        {"", 0, ""},
        {"anna", 4, "anna"},
        {"anna smith", 10, "anna\\x20smith"},
        {"\"quoted\"", 8, "\\x22quoted\\x22"},
        {"back\\slash", 10, "back\\x5cslash"},
        {"two\nlines\r\n", 11, "two\\x0alines\\x0d\\x0a"},
        {"nul\0inside", 10, "nul\\x00inside"},
        {"\x1b[31mred", 8, "\\x1b[31mred"},
        {"\x7f", 1, "\\x7f"},
        {"J\xc3\xbcrgen", 7, "J\xc3\xbcrgen"},
        {"\xe6\x97\xa5\xe6\x9c\xac", 6, "\xe6\x97\xa5\xe6\x9c\xac"},
        {"\xc3", 1, "\\xc3"},                         /* cut in the middle */
        {"\xff\xfe", 2, "\\xff\\xfe"},                /* no UTF-8 at all */
        {"\xc0\xaf", 2, "\\xc0\\xaf"},                /* too long a form */
        {"\xc2\x85", 2, "\\xc2\\x85"},                /* NEL, a control character */
        {"\xe2\x80\xaetxt", 6, "\\xe2\\x80\\xaetxt"}, /* turns the order of what follows */
        {"\xe2\x80\xa8", 3, "\\xe2\\x80\\xa8"},       /* LINE SEPARATOR */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char out[TEXT];
        g_autofree char *exact = g_memdup2(cases[i].text, cases[i].len);
        g_assert_cmpstr(log_text(out, sizeof(out), exact ? exact : "", cases[i].len), ==,
                        cases[i].safe);
    }
}

static void
test_text_is_cut(void)
{
    char out[TEXT];
    g_autofree char *plain = g_strnfill(1000, 'a');
    g_autofree char *bad = g_strnfill(1000, '\n');

    g_assert_cmpuint(strlen(log_text(out, sizeof(out), plain, 64)), ==, 64);
    g_assert_cmpuint(strlen(log_text(out, sizeof(out), plain, 65)), ==, 64 + 3);
    g_assert_true(g_str_has_suffix(out, "aaa..."));
    g_assert_cmpuint(strlen(log_text(out, sizeof(out), bad, 1000)), ==, 64 + 3);
    g_assert_true(g_str_has_suffix(out, "\\x0a..."));
}

/* ---- lines ---- */

/* What was written to stderr between the two calls. */
static int
capture_begin(int ends[2])
{
    int saved = dup(STDERR_FILENO);

    g_assert_cmpint(pipe(ends), ==, 0);
    g_assert_cmpint(dup2(ends[1], STDERR_FILENO), ==, STDERR_FILENO);
    return saved;
}

static char *
capture_end(int ends[2], int saved)
{
    char buf[8192];

    g_assert_cmpint(dup2(saved, STDERR_FILENO), ==, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    ssize_t n = read(ends[0], buf, sizeof(buf));
    g_assert_cmpint(n, >=, 0);
    close(ends[0]);
    return g_strndup(buf, (gsize)n);
}

static void
test_lines(void)
{
    int ends[2];

    log_setup(LOG_INFO, false);
    int saved = capture_begin(ends);
    log_info("session started", "session=%s number=%d", "SID-1", 7);
    log_debug("never seen", NULL);
    log_error("it broke", NULL);
    g_autofree char *text = capture_end(ends, saved);
    g_assert_true(g_regex_match_simple(
        "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z info session started session=SID-1 "
        "number=7\n\\d{4}-\\S+Z error it broke\n$",
        text, 0, 0));
    g_assert_true(log_is_on(LOG_INFO));
    g_assert_false(log_is_on(LOG_DEBUG));
}

static void
test_journal(void)
{
    int ends[2];

    log_setup(LOG_DEBUG, true);
    int saved = capture_begin(ends);
    log_error("a", NULL);
    log_warning("b", NULL);
    log_info("c", NULL);
    log_debug("d", "e=%d", 1);
    g_autofree char *text = capture_end(ends, saved);
    g_assert_cmpstr(text, ==, "<3>a\n<4>b\n<6>c\n<7>d e=1\n");
    log_setup(LOG_INFO, false);
}

/* Whatever a field holds: one line an event, of a bounded length. */
static void
test_one_line(void)
{
    int ends[2];
    g_autofree char *huge = g_strnfill(10000, 'x');

    log_setup(LOG_INFO, true);
    int saved = capture_begin(ends);
    log_info("odd", "field=%s", "a\nb\tc\x1b");
    log_info("huge", "field=%s", huge);
    g_autofree char *text = capture_end(ends, saved);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 3);
    g_assert_cmpstr(lines[0], ==, "<6>odd field=a?b?c?");
    g_assert_cmpuint(strlen(lines[1]), >, 1000);
    g_assert_cmpuint(strlen(lines[1]), <, 2048);
    g_assert_cmpstr(lines[2], ==, "");
    log_setup(LOG_INFO, false);
}

/* ---- how many ---- */

static void
test_limit(void)
{
    struct log_limit l = {0};
    unsigned left_out = 0;
    unsigned passed = 0;
    long long now_us = 5000000;

    for (unsigned i = 0; i < 100; i++) {
        if (log_limit_pass(&l, 10, now_us, &left_out)) {
            passed++;
            g_assert_cmpuint(left_out, ==, 0);
        }
    }
    g_assert_cmpuint(passed, ==, 10);
    g_assert_true(log_limit_pass(&l, 10, now_us + G_USEC_PER_SEC, &left_out));
    g_assert_cmpuint(left_out, ==, 90);
    g_assert_false(log_limit_pass(&l, 10, now_us + G_USEC_PER_SEC, &left_out));
    g_assert_false(log_limit_pass(&l, 10, now_us, &left_out)); /* the clock went back */
    for (passed = 0; log_limit_pass(&l, 10, now_us + 1000 * G_USEC_PER_SEC, &left_out); passed++) {
        g_assert_cmpuint(left_out, ==, passed == 0 ? 2 : 0);
    }
    g_assert_cmpuint(passed, ==, 10);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/text", test_text);
    g_test_add_func("/log/text-is-cut", test_text_is_cut);
    g_test_add_func("/log/lines", test_lines);
    g_test_add_func("/log/journal", test_journal);
    g_test_add_func("/log/one-line", test_one_line);
    g_test_add_func("/log/limit", test_limit);
    return g_test_run();
}
