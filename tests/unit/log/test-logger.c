/* SPDX-License-Identifier: Apache-2.0 */
/* test-logger.c - many producers, one writer: order, whole lines, losses that are counted; and how
 * events read. */

#include "core/base/worker.h"
#include "core/log/event_log.h"
#include "core/log/lane.h"
#include "core/log/logger.h"

#include <glib.h>
#include <glib/gstdio.h>

#include <string.h>
#include <unistd.h>

/* ---- the ring ---- */

static void
test_lane(void)
{
    struct lane *l = lane_new(1024);
    unsigned in = 0, out = 0;
    size_t len = 0;

    g_assert_null(lane_peek(l, &len));
    g_assert_null(lane_room(l, 600)); /* more than half of it */
    for (unsigned round = 0; round < 2000; round++) {
        uint8_t *p;
        while ((p = lane_room(l, 1 + in % 97)) != NULL) {
            memset(p, (int)(in & 0xff), 1 + in % 97);
            lane_push(l);
            in++;
        }
        g_assert_cmpuint(in - out, >=, 5);
        for (unsigned n = round % 7 + 1; n > 0 && out < in; n--) {
            const uint8_t *at = lane_peek(l, &len);
            g_assert_nonnull(at);
            g_assert_cmpuint(len, ==, 1 + out % 97);
            g_assert_cmpuint(at[0], ==, out & 0xff);
            g_assert_cmpuint(at[len - 1], ==, out & 0xff);
            g_assert_cmpuint((uintptr_t)at & 7, ==, 0);
            lane_pop(l);
            out++;
        }
    }
    while (lane_peek(l, &len)) {
        lane_pop(l);
        out++;
    }
    g_assert_cmpuint(in, ==, out);
    g_assert_true(lane_is_empty(l));
    lane_free(l);
}

/* ---- a log of numbers ---- */

struct number {
    uint32_t producer, n;
};

static void
print_number(const void *record, size_t len, enum log_level level, int64_t wall_ms,
             enum log_style style, struct line *out)
{
    const struct number *n = record;

    (void)level;
    (void)wall_ms;
    (void)style;
    g_assert_cmpuint(len, ==, sizeof(*n));
    line_u64(out, n->producer);
    line_char(out, ' ');
    line_u64(out, n->n);
}

static const struct log_format numbers = {.print = print_number};

static bool
write_number(struct log *log, uint32_t producer, uint32_t n)
{
    struct number *room = log_room(log, sizeof(*room), LOG_INFO, 0);

    if (!room)
        return false;
    *room = (struct number){producer, n};
    log_push(log);
    return true;
}

struct fixture {
    char *folder;
    struct logger *logger;
};

static void
set_up(struct fixture *f, const void *data)
{
    (void)data;
    f->folder = g_dir_make_tmp("polyether-logger-XXXXXX", NULL);
    f->logger = logger_new(f->folder, 2, NULL);
    g_assert_nonnull(f->logger);
}

static void
remove_all(const char *path)
{
    GDir *d = g_dir_open(path, 0, NULL);
    const char *name;

    while (d && (name = g_dir_read_name(d)) != NULL) {
        g_autofree char *inside = g_build_filename(path, name, NULL);
        remove_all(inside);
    }
    if (d)
        g_dir_close(d);
    g_assert_cmpint(g_remove(path), ==, 0);
}

static void
tear_down(struct fixture *f, const void *data)
{
    (void)data;
    logger_free(f->logger);
    remove_all(f->folder);
    g_free(f->folder);
}

static char *
contents(const struct fixture *f, const char *name)
{
    g_autofree char *path = g_build_filename(f->folder, name, NULL);
    char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? text : g_strdup("");
}

static struct log_state
state_of(const struct fixture *f, const char *name)
{
    g_autoptr(GArray) all = logger_states(f->logger);

    for (guint i = 0; i < all->len; i++) {
        struct log_state s = g_array_index(all, struct log_state, i);
        if (strcmp(s.name, name) != 0)
            continue;
        s.name = NULL;
        return s;
    }
    g_assert_not_reached();
}

/* ---- producers ---- */

enum { EACH = 20000, PRODUCERS = 4 };

struct producer {
    struct log *log;
    uint32_t id, written;
};

static void
produce(void *data)
{
    struct producer *p = data;

    for (uint32_t i = 0; i < EACH; i++) {
        p->written += write_number(p->log, p->id, i);
        if (i % 512 == 0)
            g_usleep(500);
    }
}

static gpointer
produce_thread(gpointer data)
{
    produce(data);
    return NULL;
}

/* Two workers and two other threads: each one's lines come whole and in its order. */
static void
test_many(struct fixture *f, const void *data)
{
    struct worker_set *set = worker_set_new(2, NULL);
    struct log *log =
        logger_open(f->logger, "hub/A/packet", &(struct log_rules){.every = 0}, &numbers);
    struct producer p[PRODUCERS];
    GThread *thread[2];
    int64_t next[PRODUCERS] = {0};
    uint64_t lines = 0, written = 0;

    (void)data;
    for (uint32_t i = 0; i < PRODUCERS; i++)
        p[i] = (struct producer){.log = log, .id = i};
    for (unsigned i = 0; i < 2; i++) {
        worker_call(worker_set_get(set, i), produce, &p[i]);
        thread[i] = g_thread_new("producer", produce_thread, &p[2 + i]);
    }
    for (unsigned i = 0; i < 2; i++)
        g_thread_join(thread[i]);
    worker_set_free(set); /* their calls have been made */
    logger_flush(f->logger);
    g_autofree char *text = contents(f, "hub/A/packet.log");
    g_auto(GStrv) line = g_strsplit(text, "\n", -1);
    for (; line[lines] && line[lines][0]; lines++) {
        char *behind;
        unsigned id = (unsigned)g_ascii_strtoull(line[lines], &behind, 10);
        g_assert_true(*behind == ' ');
        unsigned n = (unsigned)g_ascii_strtoull(behind + 1, &behind, 10);
        g_assert_true(*behind == '\0');
        g_assert_cmpuint(id, <, PRODUCERS);
        g_assert_cmpint(n, >=, next[id]);
        next[id] = (int64_t)n + 1;
    }
    struct log_state s = state_of(f, "hub/A/packet");
    for (unsigned i = 0; i < PRODUCERS; i++)
        written += p[i].written;
    g_assert_cmpuint(lines, ==, written);
    g_assert_cmpuint(s.lines, ==, lines);
    g_assert_cmpuint(s.lines + s.lost_queue, ==, PRODUCERS * EACH);
    g_assert_false(s.failing);
}

/* More than the queue holds, at once: what is lost is counted, what is there is right. */
static void
test_overflow(struct fixture *f, const void *data)
{
    struct log *log = logger_open(f->logger, "packet", &(struct log_rules){.every = 0}, &numbers);
    enum { BURST = 200000 };
    unsigned taken = 0;

    (void)data;
    for (uint32_t i = 0; i < BURST; i++)
        taken += write_number(log, 0, i);
    g_assert_null(log_room(log, LOGGER_RECORD_MAX + 1, LOG_INFO, 0));
    logger_flush(f->logger);
    struct log_state s = state_of(f, "packet");
    g_assert_cmpuint(s.lines, ==, taken);
    g_assert_cmpuint(s.lost_queue, ==, BURST - taken + 1);
}

/* ---- events ---- */

static void
write_events(struct log *log)
{
    const char *line = "started version=1 socket=/run/x";
    const struct hub_event refused = {.kind = HUB_EVENT_LOGIN_REFUSED,
                                      .level = LOG_INFO,
                                      .hub = "DEFAULT",
                                      .user = "anna\nx address=1.2.3.4 \"",
                                      .protocol = "SE-VPN",
                                      .peer = {.ip = ip_from_v4(0xc0000207), .port = 4711},
                                      .code = 9,
                                      .reason = "wrong password"};

    event_log_line(log, LOG_WARNING, line, 7, strlen(line), 1000);
    event_log_line(log, LOG_INFO, "stopped", 7, 7, 2000);
    event_log_event(log, &refused, 3000);
}

static void
test_text(struct fixture *f, const void *data)
{
    struct log *log =
        logger_open(f->logger, "server", &(struct log_rules){.every = 0}, &event_log_format);

    (void)data;
    write_events(log);
    logger_flush(f->logger);
    g_autofree char *text = contents(f, "server.log");
    g_assert_cmpstr(
        text, ==,
        "1970-01-01T00:00:01.000Z warning started version=1 socket=/run/x\n"
        "1970-01-01T00:00:02.000Z info stopped\n"
        "1970-01-01T00:00:03.000Z info login refused address=192.0.2.7 port=4711 hub=DEFAULT "
        "user=\"anna\\x0ax address=1.2.3.4 \\x22\" protocol=SE-VPN code=9 "
        "reason=\"wrong password\"\n");
}

static void
test_json(struct fixture *f, const void *data)
{
    struct log *log =
        logger_open(f->logger, "server", &(struct log_rules){.every = 0}, &event_log_format);

    (void)data;
    logger_set_json(f->logger, true);
    write_events(log);
    logger_flush(f->logger);
    g_autofree char *text = contents(f, "server.log");
    g_assert_cmpstr(
        text, ==,
        "{\"time\":\"1970-01-01T00:00:01.000Z\",\"level\":\"warning\",\"event\":\"started\","
        "\"fields\":\"version=1 socket=/run/x\"}\n"
        "{\"time\":\"1970-01-01T00:00:02.000Z\",\"level\":\"info\",\"event\":\"stopped\"}\n"
        "{\"time\":\"1970-01-01T00:00:03.000Z\",\"level\":\"info\",\"event\":\"login refused\","
        "\"address\":\"192.0.2.7\",\"port\":4711,\"hub\":\"DEFAULT\","
        "\"user\":\"anna\\u000ax address=1.2.3.4 \\u0022\",\"protocol\":\"SE-VPN\",\"code\":9,"
        "\"reason\":\"wrong password\"}\n");
}

/* Every text as long as a text can be: the record is of whole pairs, the line is one. */
static void
test_huge(struct fixture *f, const void *data)
{
    struct log *log =
        logger_open(f->logger, "server", &(struct log_rules){.every = 0}, &event_log_format);
    g_autofree char *text = g_strnfill(9000, '\n');
    const struct hub_event e = {.kind = HUB_EVENT_POLICY,
                                .hub = text,
                                .session = text,
                                .user = text,
                                .protocol = text,
                                .reason = text,
                                .detail = text};

    (void)data;
    event_log_event(log, &e, 0);
    event_log_line(log, LOG_INFO, text, 9000, 9000, 0);
    logger_flush(f->logger);
    g_autofree char *all = contents(f, "server.log");
    g_auto(GStrv) lines = g_strsplit(all, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 3);
    g_assert_nonnull(strstr(lines[0], "refused by policy hub=\"\\x0a"));
}

/* ---- settings, the tee, trouble ---- */

static void
on_tee(void *owner, const char *log, enum log_level level, int64_t wall_ms, const char *text,
       size_t len)
{
    g_string_append_printf(owner, "%s %d %" G_GINT64_FORMAT " %.*s|", log, (int)level, wall_ms,
                           (int)len, text);
}

static void
test_tee(struct fixture *f, const void *data)
{
    g_autoptr(GString) seen = g_string_new(NULL);
    struct log *log =
        logger_open(f->logger, "server", &(struct log_rules){.every = 0}, &event_log_format);

    (void)data;
    logger_set_tee(f->logger, &(struct log_tee){.line = on_tee, .owner = seen});
    event_log_line(log, LOG_INFO, "before", 6, 6, 1);
    logger_flush(f->logger);
    log_set_forward(log, true);
    event_log_line(log, LOG_ERROR, "after x=1", 5, 9, 2);
    logger_flush(f->logger);
    logger_set_tee(f->logger, &(struct log_tee){0});
    event_log_line(log, LOG_ERROR, "later", 5, 5, 3);
    logger_flush(f->logger);
    g_assert_cmpstr(seen->str, ==, "server 0 2 after x=1|");
}

/* What was queued before a log is closed is written, and its name may be opened again. */
static void
test_close(struct fixture *f, const void *data)
{
    struct log *log = logger_open(f->logger, "a", &(struct log_rules){.every = 0}, &numbers);

    (void)data;
    for (uint32_t i = 0; i < 5000; i++)
        (void)write_number(log, 1, i);
    logger_close(log);
    logger_flush(f->logger);
    g_autoptr(GArray) none = logger_states(f->logger);
    g_assert_cmpuint(none->len, ==, 0);
    log = logger_open(f->logger, "a", &(struct log_rules){.every = 0}, &numbers);
    (void)write_number(log, 2, 7);
    logger_flush(f->logger);
    g_autofree char *text = contents(f, "a.log");
    g_assert_true(g_str_has_prefix(text, "1 0\n"));
    g_assert_true(g_str_has_suffix(text, "1 4999\n2 7\n"));
}

struct told {
    unsigned errors;
    char last[256];
};

static void
on_log(void *owner, enum log_level level, const char *text, size_t event_len, size_t len)
{
    struct told *t = owner;

    (void)event_len;
    if (level == LOG_ERROR) {
        t->errors++;
        (void)g_strlcpy(t->last, text, MIN(sizeof(t->last), len + 1));
    }
}

/* A file that cannot be written is one line, not one for each that is lost. */
static void
test_alarm(struct fixture *f, const void *data)
{
    struct told told = {0};
    const struct log_sink sink = {.line = on_log, .owner = &told};
    g_autofree char *blocked = g_build_filename(f->folder, "hub", NULL);

    (void)data;
    log_setup(LOG_ERROR, false);
    g_assert_true(g_file_set_contents(blocked, "in the way", -1, NULL));
    log_set_sink(&sink);
    struct log *log =
        logger_open(f->logger, "hub/A/packet", &(struct log_rules){.every = 0}, &numbers);
    for (uint32_t i = 0; i < 20; i++) {
        (void)write_number(log, 1, i);
        logger_flush(f->logger);
    }
    log_set_sink(NULL);
    g_assert_cmpuint(told.errors, ==, 1);
    g_assert_nonnull(strstr(told.last, "a log cannot be written log=hub/A/packet"));
    struct log_state s = state_of(f, "hub/A/packet");
    g_assert_true(s.failing);
    g_assert_cmpuint(s.lost_file, ==, 20);
    g_assert_cmpuint(s.lines, ==, 0);
    g_assert_true(s.error[0]);
}

#define ADD(name, test) g_test_add("/logger/" name, struct fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/logger/lane", test_lane);
    ADD("many", test_many);
    ADD("overflow", test_overflow);
    ADD("text", test_text);
    ADD("json", test_json);
    ADD("huge", test_huge);
    ADD("tee", test_tee);
    ADD("close", test_close);
    ADD("alarm", test_alarm);
    return g_test_run();
}
