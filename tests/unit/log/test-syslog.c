/* SPDX-License-Identifier: Apache-2.0 */
/* test-syslog.c - messages of RFC 5424 and their frames; a queue that has an end. */

#include "core/log/syslog.h"
#include "core/log/syslog_message.h"

#include <glib.h>

#include <string.h>

static const struct syslog_origin origin = {.host = "vpn.example", .app = "polyether", .pid = 77};

static char *
message(const char *log, enum log_level level, const char *text, bool framed)
{
    struct line l;

    const struct syslog_text what = {log, level, INT64_C(1795552200123), text, strlen(text)};
    syslog_message_print(&l, &origin, &what, framed);
    g_assert_false(l.failed);
    return g_strndup(l.at, l.len);
}

static void
test_message(void)
{
    static const struct {
        const char *log;
        enum log_level level;
        const char *text, *want;
    } cases[] = {
        {"server", LOG_INFO, "started version=1",
         "<30>1 2026-11-24T20:30:00.123Z vpn.example polyether 77 server - started version=1"},
        {"server", LOG_ERROR, "x",
         "<27>1 2026-11-24T20:30:00.123Z vpn.example polyether 77 server - x"},
        {"hub/A/security", LOG_WARNING, "login refused hub=A",
         "<84>1 2026-11-24T20:30:00.123Z vpn.example polyether 77 security - login refused hub=A"},
        {"hub/my hub/packet", LOG_DEBUG, "a,b",
         "<31>1 2026-11-24T20:30:00.123Z vpn.example polyether 77 packet - hub=\"my hub\" a,b"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *plain = message(cases[i].log, cases[i].level, cases[i].text, false);
        g_autofree char *framed = message(cases[i].log, cases[i].level, cases[i].text, true);
        g_autofree char *want = g_strdup_printf("%zu %s", strlen(cases[i].want), cases[i].want);
        g_assert_cmpstr(plain, ==, cases[i].want);
        g_assert_cmpstr(framed, ==, want);
    }
}

/* Too long: cut, between characters, and the frame's length is that of what is left. */
static void
test_long(void)
{
    g_autoptr(GString) text = g_string_new("a");

    while (text->len < 9000)
        g_string_append(text, "\xc3\xbc");
    g_autofree char *plain = message("server", LOG_INFO, text->str, false);
    g_assert_cmpuint(strlen(plain), <=, SYSLOG_DATAGRAM_MAX);
    g_assert_cmpuint(strlen(plain), >=, SYSLOG_DATAGRAM_MAX - 2);
    g_assert_true(g_utf8_validate(plain, -1, NULL));
    g_autofree char *framed = message("server", LOG_INFO, text->str, true);
    char *space = strchr(framed, ' ');
    g_assert_cmpuint(g_ascii_strtoull(framed, NULL, 10), ==, strlen(space + 1));
    g_assert_cmpuint(strlen(space + 1), <=, SYSLOG_STREAM_MAX);
    g_assert_true(g_utf8_validate(framed, -1, NULL));
    g_autofree char *huge = g_strnfill(20000, 'x'); /* more than a line holds */
    g_autofree char *cut = message("server", LOG_INFO, huge, true);
    g_assert_cmpuint(strlen(cut), ==, SYSLOG_STREAM_MAX + strlen("8192 "));
}

static void
test_origin(void)
{
    struct syslog_origin o;

    syslog_origin_init(&o, "poly ether\n");
    g_assert_cmpstr(o.app, ==, "polyether");
    g_assert_cmpint(o.pid, >, 0);
    g_assert_null(strpbrk(o.host, " \n"));
    g_assert_cmpuint(strlen(o.host), >, 0);
    syslog_origin_init(&o, "");
    g_assert_cmpstr(o.app, ==, "-");
}

/* Off: nothing is kept. */
static void
test_off(void)
{
    struct syslog *s = syslog_new("polyether", NULL);
    struct syslog_state state;

    g_assert_nonnull(s);
    syslog_take(s, "server", LOG_INFO, 0, "x", 1);
    syslog_get_state(s, &state);
    g_assert_false(state.on);
    g_assert_cmpuint(state.queued + state.lost + state.sent, ==, 0);
    syslog_free(s);
}

/* A server that cannot be reached (a name that cannot be one): producers do not wait for it, what
 * they have is kept up to the limit, and then counted. */
static void
test_unreachable(void)
{
    struct syslog *s = syslog_new("polyether", NULL);
    const struct syslog_config config = {.transport = SYSLOG_TCP, .host = (char *)"", .port = 1};
    struct syslog_state state;
    const unsigned n = SYSLOG_QUEUE + 1000;

    log_setup(LOG_ERROR, false);
    syslog_configure(s, &config);
    int64_t start_us = g_get_monotonic_time();
    for (unsigned i = 0; i < n; i++)
        syslog_take(s, "server", LOG_INFO, 0, "x", 1);
    g_assert_cmpint(g_get_monotonic_time() - start_us, <, 5 * G_TIME_SPAN_SECOND);
    syslog_get_state(s, &state);
    g_assert_true(state.on);
    g_assert_cmpuint(state.sent, ==, 0);
    g_assert_cmpuint(state.lost + state.queued, ==, n);
    g_assert_cmpuint(state.queued, <=, SYSLOG_QUEUE);
    syslog_configure(s, NULL);
    syslog_get_state(s, &state);
    g_assert_cmpuint(state.queued, ==, 0);
    g_assert_cmpuint(state.lost, ==, n);
    syslog_free(s); /* and its end is not one of ten seconds */
    g_assert_cmpint(g_get_monotonic_time() - start_us, <, 5 * G_TIME_SPAN_SECOND);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/syslog/message", test_message);
    g_test_add_func("/syslog/long", test_long);
    g_test_add_func("/syslog/origin", test_origin);
    g_test_add_func("/syslog/off", test_off);
    g_test_add_func("/syslog/unreachable", test_unreachable);
    return g_test_run();
}
