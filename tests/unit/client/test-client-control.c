/* SPDX-License-Identifier: Apache-2.0 */
/* test-client-control.c - the control socket: requests, events, nonsense, and those who overdo. */
#include "apps/client/control.h"
#include "core/base/error.h"

#include <glib.h>
#include <glib/gstdio.h>

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct rig {
    char *folder, *path;
    struct control *control;
    unsigned calls;
};

static json_t *
on_call(void *owner, const char *method, const json_t *params, bool *watch, GError **error)
{
    struct rig *r = owner;

    r->calls++;
    if (strcmp(method, "Fail") == 0) {
        g_set_error_literal(error, PE_ERROR, PE_ACCOUNT_NOT_FOUND, "there is no such account");
        return NULL;
    }
    if (strcmp(method, "Watch") == 0)
        *watch = true;
    if (strcmp(method, "Event") == 0) /* an event from inside a request */
        control_event(r->control, "Status", json_object());
    return json_deep_copy(params);
}

static void
setup(struct rig *r, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    (void)unused;

    r->folder = g_dir_make_tmp("polyether-test-XXXXXX", NULL);
    r->path = g_build_filename(r->folder, "s", NULL);
    r->control = control_new(r->path, on_call, r, &error);
    g_assert_no_error(error);
}

static void
teardown(struct rig *r, gconstpointer unused)
{
    (void)unused;
    control_free(r->control);
    g_assert_false(g_file_test(r->path, G_FILE_TEST_EXISTS));
    (void)g_rmdir(r->folder);
    g_free(r->folder);
    g_free(r->path);
}

static void
turn(void)
{
    for (unsigned i = 0; i < 50 && g_main_context_iteration(NULL, FALSE); i++)
        continue;
}

static int
join(const struct rig *r)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    g_strlcpy(sa.sun_path, r->path, sizeof sa.sun_path);
    g_assert_cmpint(connect(fd, (const struct sockaddr *)&sa, sizeof sa), ==, 0);
    turn();
    return fd;
}

static void
say(int fd, const char *text)
{
    g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
    turn();
}

/* All that is there to be read; NULL when the other end has closed. */
static char *
hear(int fd)
{
    char text[65536];
    ssize_t n = read(fd, text, sizeof text);

    if (n == 0 || (n < 0 && errno == ECONNRESET))
        return NULL;
    return n < 0 ? g_strdup("") : g_strndup(text, (gsize)n);
}

static void
expect(int fd, const char *want)
{
    g_autofree char *got = hear(fd);
    g_assert_cmpstr(got, ==, want);
}

static void
test_requests(struct rig *r, gconstpointer unused)
{
    int fd = join(r);
    (void)unused;

    say(fd, "{\"id\":1,\"method\":\"Echo\",\"params\":{\"a\":1}}\n");
    expect(fd, "{\"id\":1,\"result\":{\"a\":1}}\n");
    say(fd, "{\"id\":\"x\",\"method\":\"Fail\"}\n");
    expect(fd, "{\"id\":\"x\",\"error\":{\"code\":36,\"message\":\"there is no such account\"}}\n");
    /* two in one piece, one in two */
    say(fd, "{\"id\":2,\"method\":\"Echo\"}\n{\"id\":3,\"method\":\"Echo\"}\n{\"id\":4,");
    expect(fd, "{\"id\":2,\"result\":{}}\n{\"id\":3,\"result\":{}}\n");
    say(fd, "\"method\":\"Echo\"}\n");
    expect(fd, "{\"id\":4,\"result\":{}}\n");
    close(fd);
    turn();
}

static void
test_nonsense(struct rig *r, gconstpointer unused)
{
    static const char *const lines[] = {"\n",
                                        "x\n",
                                        "[]\n",
                                        "{}\n",
                                        "null\n",
                                        "{\"method\":7}\n",
                                        "{\"method\":\"Echo\",\"params\":[]}\n",
                                        "{\"id\":1,\"id\":2,\"method\":\"Echo\"}\n"};
    int fd = join(r);
    (void)unused;

    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        say(fd, lines[i]);
        g_autofree char *got = hear(fd);
        g_assert_nonnull(strstr(got, "\"code\":38"));
    }
    g_assert_cmpuint(r->calls, ==, 0);
    say(fd, "{\"id\":1,\"method\":\"Echo\"}\n"); /* and it goes on */
    expect(fd, "{\"id\":1,\"result\":{}}\n");
    close(fd);
    turn();
}

static void
test_events(struct rig *r, gconstpointer unused)
{
    int watcher = join(r), other = join(r);
    (void)unused;

    say(watcher, "{\"id\":1,\"method\":\"Watch\"}\n");
    expect(watcher, "{\"id\":1,\"result\":{}}\n");
    control_event(r->control, "Status", json_pack("{s:i}", "n", 1));
    turn();
    expect(watcher, "{\"event\":\"Status\",\"params\":{\"n\":1}}\n");
    expect(other, "");
    say(watcher, "{\"id\":2,\"method\":\"Event\"}\n");
    expect(watcher, "{\"event\":\"Status\",\"params\":{}}\n{\"id\":2,\"result\":{}}\n");
    close(watcher);
    turn();
    control_event(r->control, "Status", json_object());
    turn();
    close(other);
    turn();
}

static void
test_too_many(struct rig *r, gconstpointer unused)
{
    int fd[CONTROL_CONNECTIONS + 1];
    (void)unused;

    for (unsigned i = 0; i <= CONTROL_CONNECTIONS; i++)
        fd[i] = join(r);
    g_assert_null(hear(fd[CONTROL_CONNECTIONS]));
    say(fd[0], "{\"id\":1,\"method\":\"Echo\"}\n");
    expect(fd[0], "{\"id\":1,\"result\":{}}\n");
    for (unsigned i = 0; i <= CONTROL_CONNECTIONS; i++)
        close(fd[i]);
    turn();
    int again = join(r);
    say(again, "{\"id\":1,\"method\":\"Echo\"}\n");
    expect(again, "{\"id\":1,\"result\":{}}\n");
    close(again);
    turn();
}

static void
test_long_line(struct rig *r, gconstpointer unused)
{
    g_autofree char *chunk = g_strnfill(65536, 'x');
    int fd = join(r);
    size_t sent = 0;
    (void)unused;

    while (sent < 4 * (size_t)CONTROL_LINE_MAX) {
        ssize_t n = send(fd, chunk, 65536, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            break;
        sent += n > 0 ? (size_t)n : 0;
        turn();
    }
    g_assert_cmpuint(sent, >=, CONTROL_LINE_MAX);
    g_assert_cmpuint(sent, <, 2 * (size_t)CONTROL_LINE_MAX);
    close(fd);
    turn();
}

/* Who asks for events and never reads is cut off. */
static void
test_deaf_watcher(struct rig *r, gconstpointer unused)
{
    g_autofree char *text = g_strnfill(100000, 'x');
    int fd = join(r);
    (void)unused;

    say(fd, "{\"id\":1,\"method\":\"Watch\"}\n");
    for (unsigned i = 0; i < 60; i++) {
        control_event(r->control, "Status", json_pack("{s:s}", "text", text));
        turn();
    }
    unsigned reads = 0;
    for (char *got = hear(fd); got && reads < 1000; got = hear(fd), reads++)
        g_free(got);
    g_assert_cmpuint(reads, <, 1000); /* the end came */
    close(fd);
    turn();
}

/* The answers to many requests of one who does not read are bounded, too. */
static void
test_deaf_asker(struct rig *r, gconstpointer unused)
{
    GString *line = g_string_new("{\"method\":\"Echo\",\"params\":{\"a\":\"");
    int fd = join(r);
    bool cut = false;
    (void)unused;

    while (line->len < 500000)
        g_string_append_c(line, 'y');
    g_string_append(line, "\"}}\n");
    for (unsigned i = 0; i < 30 && !cut; i++) {
        for (gsize at = 0; at < line->len && !cut;) {
            ssize_t n = send(fd, line->str + at, line->len - at, MSG_NOSIGNAL);
            cut = n < 0 && errno != EAGAIN;
            at += n > 0 ? (gsize)n : 0;
            turn();
        }
    }
    g_assert_true(cut);
    g_string_free(line, TRUE);
    close(fd);
    turn();
}

static void
test_second_daemon(struct rig *r, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    (void)unused;

    g_assert_null(control_new(r->path, on_call, r, &error));
    g_assert_nonnull(error);
    turn();
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, fn) g_test_add("/client-control/" name, struct rig, NULL, setup, fn, teardown)
    ADD("requests", test_requests);
    ADD("nonsense", test_nonsense);
    ADD("events", test_events);
    ADD("too-many", test_too_many);
    ADD("long-line", test_long_line);
    ADD("deaf-watcher", test_deaf_watcher);
    ADD("deaf-asker", test_deaf_asker);
    ADD("second-daemon", test_second_daemon);
    return g_test_run();
}
