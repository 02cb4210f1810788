/* SPDX-License-Identifier: Apache-2.0 */
/* log_file.c - see log_file.h. */

#include "core/log/log_file.h"

#include "core/log/archive.h"
#include "core/log/line.h"

#include <glib.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAIL_PIECE = 65536, STAMP = 16, MS_PER_S = 1000 };

struct log_file {
    char *folder, *name;
    char *path; /* of the current file */
    struct log_rules rules;
    struct archive *archive;
    int fd;          /* -1: not open */
    uint64_t size;   /* of the current file */
    int64_t last_ms; /* when its last line was written */
    int64_t retry_ms;
    struct log_file_state state;
};

/* ---- stamps and periods ---- */

/* "20261124T235959Z" of a time. */
static void
compact_stamp(int64_t ms, char out[STAMP + 1])
{
    struct line l;
    size_t n = 0;

    line_clear(&l);
    line_stamp(&l, ms);
    for (size_t i = 0; i < 19; i++) {
        if (l.at[i] != '-' && l.at[i] != ':')
            out[n++] = l.at[i];
    }
    out[n++] = 'Z';
    out[n] = '\0';
}

/* Whether two times lie in one period: their stamps are the same up to what it counts. */
static bool
same_period(enum log_switch every, int64_t a_ms, int64_t b_ms)
{
    static const uint8_t significant[LOG_SWITCH_N] = {
        [LOG_SWITCH_NONE] = 0,  [LOG_SWITCH_SECOND] = 15, [LOG_SWITCH_MINUTE] = 13,
        [LOG_SWITCH_HOUR] = 11, [LOG_SWITCH_DAY] = 8,     [LOG_SWITCH_MONTH] = 6};
    char a[STAMP + 1], b[STAMP + 1];

    compact_stamp(a_ms, a);
    compact_stamp(b_ms, b);
    return strncmp(a, b, significant[every]) == 0;
}

/* ---- life ---- */

static struct log_rules
sane(const struct log_rules *rules)
{
    struct log_rules r = *rules;

    if (r.max_bytes > 0 && r.max_bytes < LOG_FILE_MIN_BYTES)
        r.max_bytes = LOG_FILE_MIN_BYTES;
    if ((unsigned)r.every >= LOG_SWITCH_N)
        r.every = LOG_SWITCH_DAY;
    return r;
}

struct log_file *
log_file_new(const char *folder, const char *name, const struct log_rules *rules)
{
    struct log_file *f = g_new0(struct log_file, 1);

    f->folder = g_strdup(folder);
    f->name = g_strdup(name);
    f->path = g_strdup_printf("%s/%s.log", folder, name);
    f->rules = sane(rules);
    f->archive = archive_new(folder, name);
    f->fd = -1;
    return f;
}

static void
close_current(struct log_file *f)
{
    if (f->fd >= 0)
        (void)close(f->fd);
    f->fd = -1;
}

void
log_file_free(struct log_file *f)
{
    if (!f)
        return;
    close_current(f);
    archive_free(f->archive);
    g_free(f->folder);
    g_free(f->name);
    g_free(f->path);
    g_free(f);
}

void
log_file_set_rules(struct log_file *f, const struct log_rules *rules)
{
    f->rules = sane(rules);
}

const struct log_file_state *
log_file_state(const struct log_file *f)
{
    return &f->state;
}

bool
log_file_is_name(const char *file)
{
    return g_str_has_suffix(file, ".log") || g_str_has_suffix(file, ".log.gz");
}

/* ---- trouble ---- */

static bool
fail(struct log_file *f, const char *what, int64_t now_ms)
{
    (void)g_snprintf(f->state.error, sizeof(f->state.error), "%s: %s", what, g_strerror(errno));
    f->state.failing = true;
    f->retry_ms = now_ms + LOG_FILE_RETRY_MS;
    close_current(f);
    return false;
}

/* ---- opening ---- */

/* Where the last whole line ends; -1 when the file cannot be read. */
static off_t
end_of_lines(int fd, off_t size)
{
    g_autofree char *piece = g_malloc(TAIL_PIECE);
    off_t end = size;

    while (end > 0) {
        off_t start = end > TAIL_PIECE ? end - TAIL_PIECE : 0;
        ssize_t n = pread(fd, piece, (size_t)(end - start), start);
        if (n != end - start)
            return -1;
        const char *at = memrchr(piece, '\n', (size_t)n);
        if (at)
            return start + (at - piece) + 1;
        end = start;
    }
    return 0;
}

static bool
open_current(struct log_file *f, int64_t now_ms)
{
    struct stat st;

    if (f->fd >= 0)
        return true;
    if (g_mkdir_with_parents(f->folder, 0700) < 0)
        return fail(f, "cannot make the folder", now_ms);
    f->fd = open(f->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (f->fd < 0 || fstat(f->fd, &st) < 0)
        return fail(f, "cannot open the file", now_ms);
    off_t whole = S_ISREG(st.st_mode) ? end_of_lines(f->fd, st.st_size) : -1;
    if (whole < 0)
        return fail(f, "cannot read the file", now_ms);
    if (whole < st.st_size && ftruncate(f->fd, whole) < 0)
        return fail(f, "cannot cut a torn line off", now_ms);
    f->size = (uint64_t)whole;
    f->last_ms = (int64_t)st.st_mtim.tv_sec * MS_PER_S + st.st_mtim.tv_nsec / 1000000;
    return true;
}

/* ---- switching ---- */

/* A name that nobody has yet. */
static char *
archive_name(const struct log_file *f)
{
    char stamp[STAMP + 1];

    compact_stamp(f->last_ms, stamp);
    for (unsigned i = 0;; i++) {
        char number[16] = "";
        if (i > 0)
            (void)g_snprintf(number, sizeof(number), "-%03u", i);
        g_autofree char *path =
            g_strdup_printf("%s/%s-%s%s.log", f->folder, f->name, stamp, number);
        g_autofree char *packed = g_strconcat(path, ".gz", NULL);
        if (access(path, F_OK) != 0 && access(packed, F_OK) != 0)
            return g_steal_pointer(&path);
    }
}

static bool
switch_file(struct log_file *f, int64_t now_ms)
{
    g_autofree char *to = archive_name(f);

    close_current(f);
    if (rename(f->path, to) < 0)
        return fail(f, "cannot rename the file", now_ms);
    archive_tidy(f->archive, &f->rules, now_ms);
    return open_current(f, now_ms);
}

static bool
is_over(const struct log_file *f, size_t more, int64_t now_ms)
{
    if (f->size == 0)
        return false;
    if (f->rules.max_bytes > 0 && f->size + more > f->rules.max_bytes)
        return true;
    return now_ms > f->last_ms && !same_period(f->rules.every, f->last_ms, now_ms);
}

/* ---- writing ---- */

/* All or nothing. */
static bool
write_whole(struct log_file *f, const char *bytes, size_t len, int64_t now_ms)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = write(f->fd, bytes + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int why = n == 0 ? ENOSPC : errno;
            (void)!ftruncate(f->fd, (off_t)f->size); /* else at the next opening */
            errno = why;
            return fail(f, "cannot write", now_ms);
        }
        done += (size_t)n;
    }
    f->size += len;
    return true;
}

bool
log_file_append(struct log_file *f, const char *lines, size_t len, unsigned n, int64_t now_ms)
{
    bool waits = f->state.failing && now_ms < f->retry_ms &&
                 now_ms > f->retry_ms - 2 * LOG_FILE_RETRY_MS; /* the clock may go back */

    if (waits || !open_current(f, now_ms) || (is_over(f, len, now_ms) && !switch_file(f, now_ms)) ||
        !write_whole(f, lines, len, now_ms)) {
        f->state.lost += n;
        return false;
    }
    f->last_ms = now_ms;
    f->state.failing = false;
    f->state.lines += n;
    f->state.bytes += len;
    return true;
}

void
log_file_tidy(struct log_file *f, int64_t now_ms)
{
    if (f->state.failing)
        return;
    if (f->fd < 0 && access(f->path, F_OK) == 0)
        (void)open_current(f, now_ms);
    if (f->fd >= 0 && is_over(f, 0, now_ms))
        (void)switch_file(f, now_ms);
    archive_tidy(f->archive, &f->rules, now_ms);
}

bool
log_file_compress(struct log_file *f)
{
    return archive_compress(f->archive, f->rules.compress);
}
