/* SPDX-License-Identifier: Apache-2.0 */
/* test-log-file.c - a log on disk in simulated time: switched by time and size, packed, kept as
 * long as it should be, whole after a crash, and none the worse for an error. */

#include "core/log/log_file.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <zlib.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { S = 1000, HOUR = 3600 * S, DAY = 24 * HOUR };

/* 2026-11-24T20:30:00Z */
static const int64_t start_ms = INT64_C(1795552200000);

struct fixture {
    char *folder;
    struct log_rules rules;
    struct log_file *file;
};

static void
set_up(struct fixture *f, const void *data)
{
    (void)data;
    f->folder = g_dir_make_tmp("polyether-log-XXXXXX", NULL);
    f->rules = (struct log_rules){.every = LOG_SWITCH_DAY};
    f->file = log_file_new(f->folder, "packet", &f->rules);
}

static int
compare(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *
list(const char *folder)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
    GDir *d = g_dir_open(folder, 0, NULL);
    const char *name;

    while (d && (name = g_dir_read_name(d)) != NULL)
        g_ptr_array_add(all, g_strdup(name));
    if (d)
        g_dir_close(d);
    g_ptr_array_sort(all, compare);
    return all;
}

static char *
listed(const char *folder)
{
    g_autoptr(GPtrArray) all = list(folder);

    g_ptr_array_add(all, NULL);
    return g_strjoinv(" ", (char **)all->pdata);
}

static void
tear_down(struct fixture *f, const void *data)
{
    (void)data;
    log_file_free(f->file);
    g_autoptr(GPtrArray) all = list(f->folder);
    for (guint i = 0; i < all->len; i++) {
        g_autofree char *path = g_build_filename(f->folder, all->pdata[i], NULL);
        g_unlink(path);
    }
    g_rmdir(f->folder);
    g_free(f->folder);
}

static char *
contents(const struct fixture *f, const char *name)
{
    g_autofree char *path = g_build_filename(f->folder, name, NULL);
    char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return g_strdup("(none)");
    return text;
}

static void
put(const struct fixture *f, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(f->folder, name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* When the file was last written. */
static void
date(const struct fixture *f, const char *name, int64_t ms)
{
    g_autofree char *path = g_build_filename(f->folder, name, NULL);
    struct timespec times[2] = {{.tv_sec = ms / 1000}, {.tv_sec = ms / 1000}};

    g_assert_cmpint(utimensat(AT_FDCWD, path, times, 0), ==, 0);
}

static bool
append(const struct fixture *f, const char *line, int64_t now_ms)
{
    return log_file_append(f->file, line, strlen(line), 1, now_ms);
}

static void
test_one_name(struct fixture *f, const void *data)
{
    struct stat st;
    g_autofree char *path = g_build_filename(f->folder, "packet.log", NULL);

    (void)data;
    g_assert_true(append(f, "one\n", start_ms));
    g_assert_true(append(f, "two\n", start_ms + S));
    g_autofree char *text = contents(f, "packet.log");
    g_assert_cmpstr(text, ==, "one\ntwo\n");
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
    g_assert_cmpuint(log_file_state(f->file)->lines, ==, 2);
    g_assert_cmpuint(log_file_state(f->file)->bytes, ==, 8);
}

/* Each period and the last moment before and the first after it. */
static void
test_periods(struct fixture *f, const void *data)
{
    static const struct {
        enum log_switch every;
        int64_t length_ms;
        const char *archive;
    } cases[] = {
        {LOG_SWITCH_SECOND, S, "packet-20261124T203000Z.log"},
        {LOG_SWITCH_MINUTE, 60 * S, "packet-20261124T203059Z.log"},
        {LOG_SWITCH_HOUR, HOUR / 2, "packet-20261124T205959Z.log"},
        {LOG_SWITCH_DAY, 3 * HOUR + HOUR / 2, "packet-20261124T235959Z.log"},
        {LOG_SWITCH_MONTH, 6 * (int64_t)DAY + 3 * HOUR + HOUR / 2, "packet-20261130T235959Z.log"},
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        f->rules.every = cases[i].every;
        log_file_set_rules(f->file, &f->rules);
        int64_t end_ms = start_ms + cases[i].length_ms;
        g_assert_true(append(f, "early\n", start_ms));
        g_assert_true(append(f, "before\n", end_ms - 1));
        g_autofree char *one = listed(f->folder);
        g_assert_cmpstr(one, ==, "packet.log");
        g_assert_true(append(f, "after\n", end_ms));
        g_autofree char *both = listed(f->folder);
        g_autofree char *want = g_strdup_printf("%s packet.log", cases[i].archive);
        g_assert_cmpstr(both, ==, want);
        g_autofree char *old = contents(f, cases[i].archive);
        g_assert_cmpstr(old, ==, "early\nbefore\n");
        g_autofree char *now = contents(f, "packet.log");
        g_assert_cmpstr(now, ==, "after\n");
        tear_down(f, NULL);
        set_up(f, NULL);
    }
    f->rules.every = LOG_SWITCH_NONE;
    log_file_set_rules(f->file, &f->rules);
    g_assert_true(append(f, "a\n", start_ms));
    g_assert_true(append(f, "b\n", start_ms + INT64_C(4000) * DAY));
    g_autofree char *one = listed(f->folder);
    g_assert_cmpstr(one, ==, "packet.log");
}

/* Also when nothing is written: a file of yesterday is not today's. */
static void
test_quiet_switch(struct fixture *f, const void *data)
{
    (void)data;
    g_assert_true(append(f, "yesterday\n", start_ms));
    log_file_tidy(f->file, start_ms + DAY);
    g_autofree char *all = listed(f->folder);
    g_assert_cmpstr(all, ==, "packet-20261124T203000Z.log packet.log");
    log_file_tidy(f->file, start_ms + 2 * DAY); /* an empty one is not switched */
    g_autofree char *same = listed(f->folder);
    g_assert_cmpstr(same, ==, "packet-20261124T203000Z.log packet.log");
}

static void
test_size(struct fixture *f, const void *data)
{
    g_autofree char *line = g_strnfill(1024, 'x');

    (void)data;
    line[1023] = '\n';
    f->rules.max_bytes = 1; /* is raised to what makes sense */
    log_file_set_rules(f->file, &f->rules);
    for (unsigned i = 0; i < 10; i++) /* four fit */
        g_assert_true(append(f, line, start_ms));
    g_autofree char *all = listed(f->folder);
    g_assert_cmpstr(all, ==,
                    "packet-20261124T203000Z-001.log packet-20261124T203000Z.log packet.log");
    g_autofree char *full = contents(f, "packet-20261124T203000Z.log");
    g_assert_cmpuint(strlen(full), ==, 4096);
    g_autofree char *rest = contents(f, "packet.log");
    g_assert_cmpuint(strlen(rest), ==, 2048);
}

static char *
unpack(const struct fixture *f, const char *name)
{
    g_autofree char *path = g_build_filename(f->folder, name, NULL);
    GString *text = g_string_new(NULL);
    gzFile gz = gzopen(path, "rb");
    char piece[4096];
    int n;

    g_assert_nonnull(gz);
    while ((n = gzread(gz, piece, sizeof(piece))) > 0)
        g_string_append_len(text, piece, n);
    g_assert_cmpint(n, ==, 0);
    g_assert_cmpint(gzclose(gz), ==, Z_OK);
    return g_string_free(text, FALSE);
}

/* More than a piece, so that it takes several steps. */
static void
test_compress(struct fixture *f, const void *data)
{
    g_autoptr(GString) many = g_string_new(NULL);
    unsigned steps = 0;

    (void)data;
    f->rules.compress = true;
    log_file_set_rules(f->file, &f->rules);
    for (unsigned i = 0; i < 60000; i++)
        g_string_append_printf(many, "line %u\n", i);
    g_assert_true(append(f, many->str, start_ms));
    g_assert_true(append(f, "next day\n", start_ms + DAY));
    while (log_file_compress(f->file))
        steps++;
    g_assert_cmpuint(steps, >, 2);
    g_autofree char *all = listed(f->folder);
    g_assert_cmpstr(all, ==, "packet-20261124T203000Z.log.gz packet.log");
    g_autofree char *text = unpack(f, "packet-20261124T203000Z.log.gz");
    g_assert_cmpstr(text, ==, many->str);
    g_assert_false(log_file_compress(f->file));
}

/* A process that was killed while it compressed. */
static void
test_compress_again(struct fixture *f, const void *data)
{
    (void)data;
    put(f, "packet-20261101T000000Z.log", "old\n");
    put(f, "packet-20261101T000000Z.log.gz.part", "half");
    put(f, "packet-20261102T000000Z.log.gz.part", "orphan");
    put(f, "packet-notes.log", "not ours\n");
    put(f, "packets-20261101T000000Z.log", "not ours\n");
    f->rules.compress = true;
    log_file_set_rules(f->file, &f->rules);
    log_file_tidy(f->file, start_ms);
    while (log_file_compress(f->file))
        continue;
    g_autofree char *all = listed(f->folder);
    g_assert_cmpstr(all, ==,
                    "packet-20261101T000000Z.log.gz packet-notes.log packets-20261101T000000Z.log");
    g_autofree char *text = unpack(f, "packet-20261101T000000Z.log.gz");
    g_assert_cmpstr(text, ==, "old\n");
}

static void
test_keep_days(struct fixture *f, const void *data)
{
    (void)data;
    f->rules.keep_days = 7;
    log_file_set_rules(f->file, &f->rules);
    for (unsigned day = 0; day < 20; day++)
        g_assert_true(append(f, "line\n", start_ms + (int64_t)day * DAY));
    put(f, "packet-notes.log", "not ours\n");
    log_file_tidy(f->file, start_ms + 19 * (int64_t)DAY);
    g_autoptr(GPtrArray) all = list(f->folder);
    g_assert_cmpuint(all->len, ==, 9); /* the current one and the notes among them */
    g_assert_cmpstr(all->pdata[0], ==, "packet-20261206T203000Z.log");
    g_assert_cmpstr(all->pdata[6], ==, "packet-20261212T203000Z.log");
}

static void
test_keep_bytes(struct fixture *f, const void *data)
{
    g_autofree char *line = g_strnfill(1000, 'x');

    (void)data;
    line[999] = '\n';
    f->rules.keep_bytes = 3500;
    log_file_set_rules(f->file, &f->rules);
    for (unsigned day = 0; day < 10; day++)
        g_assert_true(append(f, line, start_ms + (int64_t)day * DAY));
    g_autofree char *all = listed(f->folder);
    g_assert_cmpstr(all, ==,
                    "packet-20261130T203000Z.log packet-20261201T203000Z.log "
                    "packet-20261202T203000Z.log packet.log");
}

static void
test_torn(struct fixture *f, const void *data)
{
    g_autofree char *long_tail = g_strnfill(200000, 'y');
    g_autofree char *long_text = g_strconcat("whole\n", long_tail, NULL);
    const struct {
        const char *before, *after;
    } cases[] = {
        {"whole\ntorn li", "whole\nnext\n"}, {"whole\nalso whole\n", "whole\nalso whole\nnext\n"},
        {"only a torn one", "next\n"},       {"", "next\n"},
        {long_text, "whole\nnext\n"},
    };

    (void)data;
    f->rules.every = LOG_SWITCH_NONE;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        log_file_free(f->file);
        put(f, "packet.log", cases[i].before);
        f->file = log_file_new(f->folder, "packet", &f->rules);
        g_assert_true(append(f, "next\n", start_ms));
        g_autofree char *text = contents(f, "packet.log");
        g_assert_cmpstr(text, ==, cases[i].after);
    }
}

/* A start on another day. */
static void
test_restart(struct fixture *f, const void *data)
{
    (void)data;
    put(f, "packet.log", "yesterday\n");
    date(f, "packet.log", start_ms);
    g_assert_true(append(f, "today\n", start_ms + DAY));
    g_autofree char *all = listed(f->folder);
    g_assert_cmpstr(all, ==, "packet-20261124T203000Z.log packet.log");
    g_autofree char *text = contents(f, "packet.log");
    g_assert_cmpstr(text, ==, "today\n");
}

/* The system takes a part of what is written, as a full disk does: a limit of the process. */
static void
test_full(struct fixture *f, const void *data)
{
    struct rlimit limit, was;

    (void)data;
    g_assert_true(append(f, "0123456789\n", start_ms));
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &was), ==, 0);
    limit = was;
    limit.rlim_cur = 15;
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    g_assert_false(log_file_append(f->file, "abc\ndef\nghi\n", 12, 3, start_ms + S));
    g_assert_true(log_file_state(f->file)->failing);
    g_assert_cmpuint(log_file_state(f->file)->lost, ==, 3);
    g_assert_nonnull(strstr(log_file_state(f->file)->error, "cannot write"));
    g_autofree char *text = contents(f, "packet.log");
    g_assert_cmpstr(text, ==, "0123456789\n"); /* no part of a line */
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &was), ==, 0);
    g_assert_false(append(f, "soon\n", start_ms + 2 * S)); /* not tried at each line */
    g_assert_true(append(f, "again\n", start_ms + S + LOG_FILE_RETRY_MS));
    g_assert_false(log_file_state(f->file)->failing);
    g_assert_cmpuint(log_file_state(f->file)->lost, ==, 4);
    g_autofree char *more = contents(f, "packet.log");
    g_assert_cmpstr(more, ==, "0123456789\nagain\n");
}

static void
test_no_folder(struct fixture *f, const void *data)
{
    g_autofree char *blocked = g_build_filename(f->folder, "file", "inside", NULL);

    (void)data;
    put(f, "file", "in the way\n");
    struct log_file *file = log_file_new(blocked, "packet", &f->rules);
    g_assert_false(log_file_append(file, "x\n", 2, 1, start_ms));
    g_assert_true(log_file_state(file)->failing);
    log_file_tidy(file, start_ms);
    g_assert_false(log_file_append(file, "x\n", 2, 1, start_ms + DAY));
    g_assert_cmpuint(log_file_state(file)->lost, ==, 2);
    /* A clock that was put back must not keep it waiting for years. */
    g_assert_false(log_file_append(file, "x\n", 2, 1, start_ms));
    log_file_free(file);
}

/* A link where the log should be is not followed. */
static void
test_link(struct fixture *f, const void *data)
{
    g_autofree char *path = g_build_filename(f->folder, "packet.log", NULL);
    g_autofree char *target = g_build_filename(f->folder, "target", NULL);

    (void)data;
    put(f, "target", "precious");
    g_assert_cmpint(symlink(target, path), ==, 0);
    g_assert_false(append(f, "x\n", start_ms));
    g_autofree char *text = contents(f, "target");
    g_assert_cmpstr(text, ==, "precious");
}

#define ADD(name, test) g_test_add("/log-file/" name, struct fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    (void)signal(SIGXFSZ, SIG_IGN);
    ADD("one-name", test_one_name);
    ADD("periods", test_periods);
    ADD("quiet-switch", test_quiet_switch);
    ADD("size", test_size);
    ADD("compress", test_compress);
    ADD("compress-again", test_compress_again);
    ADD("keep-days", test_keep_days);
    ADD("keep-bytes", test_keep_bytes);
    ADD("torn", test_torn);
    ADD("restart", test_restart);
    ADD("full", test_full);
    ADD("no-folder", test_no_folder);
    ADD("link", test_link);
    return g_test_run();
}
