/* SPDX-License-Identifier: Apache-2.0 */
/* test-hub-event.c - one event, told to the server's log as a line and to the sink as it is; what
 * peers may have put into it stays in its field. */

#include "core/base/hub_event.h"

#include <glib.h>

#include <string.h>
#include <unistd.h>

struct seen {
    GPtrArray *lines;  /* of text */
    GPtrArray *events; /* of text: the event's name */
    size_t event_len;
};

static void
on_line(void *owner, enum log_level level, const char *text, size_t event_len, size_t len)
{
    struct seen *seen = owner;

    (void)level;
    seen->event_len = event_len;
    g_ptr_array_add(seen->lines, g_strndup(text, len));
}

static void
on_event(void *owner, const struct hub_event *e)
{
    struct seen *seen = owner;

    g_ptr_array_add(seen->events, g_strdup(hub_event_name(e->kind)));
}

/* What is written to stderr meanwhile. */
static char *
report(const struct hub_event *e)
{
    char buf[4096];
    int ends[2];
    int saved = dup(STDERR_FILENO);

    g_assert_cmpint(pipe(ends), ==, 0);
    g_assert_cmpint(dup2(ends[1], STDERR_FILENO), ==, STDERR_FILENO);
    hub_event_report(e);
    (void)!write(ends[1], "", 1); /* so that there is something to read */
    g_assert_cmpint(dup2(saved, STDERR_FILENO), ==, STDERR_FILENO);
    ssize_t n = read(ends[0], buf, sizeof(buf) - 1);
    g_assert_cmpint(n, >, 0);
    buf[n] = '\0';
    close(saved);
    close(ends[0]);
    close(ends[1]);
    return g_strdup(buf);
}

static struct hub_event
refusal(const char *user)
{
    return (struct hub_event){.kind = HUB_EVENT_LOGIN_REFUSED,
                              .level = LOG_INFO,
                              .hub = "DEFAULT",
                              .user = user,
                              .protocol = "SE-VPN",
                              .peer = {.ip = ip_from_v4(0xc0000207), .port = 4711},
                              .code = 9,
                              .reason = "wrong password"};
}

static void
test_line(void)
{
    struct hub_event e = refusal("anna");

    log_setup(LOG_INFO, true);
    g_autofree char *line = report(&e);
    g_assert_cmpstr(line, ==,
                    "<6>login refused address=192.0.2.7 port=4711 hub=DEFAULT user=anna "
                    "protocol=SE-VPN code=9 reason=\"wrong password\"\n");
    e.quiet = true;
    g_autofree char *none = report(&e);
    g_assert_cmpstr(none, ==, "");
    e.quiet = false;
    e.level = LOG_DEBUG;
    g_autofree char *below = report(&e);
    g_assert_cmpstr(below, ==, "");
}

static void
test_hostile(void)
{
    struct hub_event e = refusal("x address=198.51.100.1\n<6>login refused");

    log_setup(LOG_INFO, true);
    e.reason = "he said \"no\" \\";
    g_autofree char *line = report(&e);
    g_assert_cmpstr(line, ==,
                    "<6>login refused address=192.0.2.7 port=4711 hub=DEFAULT "
                    "user=x\\x20address=198.51.100.1\\x0a<6>login\\x20refused protocol=SE-VPN "
                    "code=9 reason=\"he said 'no' '\"\n");
}

static void
test_sink(void)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func(g_free);
    struct seen seen = {.lines = lines, .events = events};
    const struct log_sink sink = {.line = on_line, .event = on_event, .owner = &seen};
    struct hub_event e = refusal("anna");

    log_setup(LOG_INFO, true);
    log_set_sink(&sink);
    g_free(report(&e));
    e.quiet = true;
    g_free(report(&e));
    log_info("started", "version=%d", 1);
    log_debug("not seen", NULL);
    log_set_sink(NULL);
    log_info("not seen", NULL);
    g_assert_cmpuint(events->len, ==, 2); /* the quiet one, too */
    g_assert_cmpstr(events->pdata[0], ==, "login refused");
    g_assert_cmpuint(lines->len, ==, 1); /* the event is not told twice */
    g_assert_cmpstr(lines->pdata[0], ==, "started version=1");
    g_assert_cmpuint(seen.event_len, ==, strlen("started"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hub-event/line", test_line);
    g_test_add_func("/hub-event/hostile", test_hostile);
    g_test_add_func("/hub-event/sink", test_sink);
    return g_test_run();
}
