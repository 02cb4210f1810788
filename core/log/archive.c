/* SPDX-License-Identifier: Apache-2.0 */
/* archive.c - see archive.h.
 *
 * NAME.log becomes NAME.log.gz by way of NAME.log.gz.part: what a killed process leaves is a .part,
 * which is removed, and the plain file, which is compressed anew.
 */

#include "core/log/archive.h"

#include <glib.h>
#include <zlib.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PIECE = 256 * 1024,
    STAMP = 16, /* 20261124T235959Z */
    LEVEL = 6,
    MAX_FILES = 100000, /* looked at, at most */
};

#define MS_PER_DAY (INT64_C(86400) * 1000)

/* One file that is being compressed. */
struct job {
    char *path, *part, *packed;
    int in, out;
    z_stream z;
    uint8_t *from, *to;
};

struct archive {
    char *folder;
    char *prefix;    /* "NAME-" */
    GQueue waiting;  /* of char *: names to compress, the oldest first */
    struct job *job; /* under way */
};

/* ---- compressing ---- */

static void
job_free(struct job *j)
{
    if (!j)
        return;
    if (j->in >= 0)
        (void)close(j->in);
    if (j->out >= 0)
        (void)close(j->out);
    (void)deflateEnd(&j->z);
    g_free(j->path);
    g_free(j->part);
    g_free(j->packed);
    g_free(j->from);
    g_free(j->to);
    g_free(j);
}

static struct job *
job_new(const char *folder, const char *file)
{
    struct job *j = g_new0(struct job, 1);

    j->path = g_build_filename(folder, file, NULL);
    j->packed = g_strconcat(j->path, ".gz", NULL);
    j->part = g_strconcat(j->packed, ".part", NULL);
    j->from = g_malloc(PIECE);
    j->to = g_malloc(PIECE);
    j->in = open(j->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    j->out = open(j->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    /* 16: with the header and the trailer of gzip (zlib.h). */
    bool ready =
        deflateInit2(&j->z, LEVEL, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    if (ready && j->in >= 0 && j->out >= 0)
        return j;
    job_free(j);
    return NULL;
}

static bool
write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

enum step { STEP_MORE, STEP_DONE, STEP_FAILED };

static enum step
job_step(struct job *j)
{
    ssize_t n = read(j->in, j->from, PIECE);
    int flush = n == 0 ? Z_FINISH : Z_NO_FLUSH;
    int result = Z_OK;

    if (n < 0)
        return STEP_FAILED;
    j->z.next_in = j->from;
    j->z.avail_in = (uInt)n;
    do {
        j->z.next_out = j->to;
        j->z.avail_out = PIECE;
        result = deflate(&j->z, flush);
        if (result == Z_STREAM_ERROR || !write_all(j->out, j->to, PIECE - j->z.avail_out))
            return STEP_FAILED;
    } while (j->z.avail_out == 0);
    return n == 0 ? STEP_DONE : STEP_MORE;
}

/* The packed file keeps the time of the plain one. */
static void
job_finish(struct job *j)
{
    struct stat st;

    if (fstat(j->in, &st) == 0) {
        struct timespec times[2] = {st.st_atim, st.st_mtim};
        (void)futimens(j->out, times);
    }
    if (fsync(j->out) == 0 && rename(j->part, j->packed) == 0)
        (void)unlink(j->path);
    else
        (void)unlink(j->part);
}

bool
archive_compress(struct archive *a, bool wanted)
{
    if (!wanted)
        return false;
    if (!a->job) {
        g_autofree char *next = g_queue_pop_head(&a->waiting);
        if (!next)
            return false;
        a->job = job_new(a->folder, next); /* NULL: it stays as it is, until the next look */
        return true;
    }
    enum step step = job_step(a->job);
    if (step == STEP_MORE)
        return true;
    if (step == STEP_DONE)
        job_finish(a->job);
    else
        (void)unlink(a->job->part);
    job_free(g_steal_pointer(&a->job));
    return true;
}

/* ---- keeping ---- */

struct old {
    char *file;
    uint64_t size;
    int64_t time_ms;
};

static void
old_clear(gpointer data)
{
    struct old *o = data;

    g_free(o->file);
}

static bool
is_under_way(const struct archive *a, const char *file)
{
    g_autofree char *path = g_build_filename(a->folder, file, NULL);

    return a->job && (strcmp(a->job->path, path) == 0 || strcmp(a->job->part, path) == 0);
}

/* What a process that was killed has left of a compression. */
static bool
remove_part(const struct archive *a, const char *file, const char *path)
{
    bool is_part = g_str_has_prefix(file, a->prefix) && g_str_has_suffix(file, ".log.gz.part");

    if (is_part && !is_under_way(a, file))
        (void)unlink(path);
    return is_part;
}

/* The time in the name of an archive of this log; -1: it is none. */
static int64_t
time_of(const struct archive *a, const char *file)
{
    char stamp[STAMP + 1];
    size_t prefix = strlen(a->prefix);

    if (strncmp(file, a->prefix, prefix) != 0 || strlen(file) < prefix + STAMP ||
        !log_file_is_name(file))
        return -1;
    (void)g_strlcpy(stamp, file + prefix, sizeof(stamp));
    for (unsigned i = 0; i < STAMP; i++) {
        bool ok = i == 8 ? stamp[i] == 'T' : i == 15 ? stamp[i] == 'Z' : g_ascii_isdigit(stamp[i]);
        if (!ok)
            return -1;
    }
    g_autoptr(GDateTime) at = g_date_time_new_from_iso8601(stamp, NULL);
    return at ? g_date_time_to_unix(at) * 1000 : -1;
}

static int
compare_old(gconstpointer a, gconstpointer b)
{
    return strcmp(((const struct old *)a)->file, ((const struct old *)b)->file);
}

static GArray *
list_old(const struct archive *a)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(struct old));
    GDir *d = g_dir_open(a->folder, 0, NULL);
    const char *file;

    g_array_set_clear_func(all, old_clear);
    while (d && all->len < MAX_FILES && (file = g_dir_read_name(d)) != NULL) {
        struct stat st;
        int64_t time_ms = time_of(a, file);
        g_autofree char *path = g_build_filename(a->folder, file, NULL);
        if (remove_part(a, file, path) || time_ms < 0 || lstat(path, &st) < 0 ||
            !S_ISREG(st.st_mode))
            continue;
        struct old o = {.file = g_strdup(file), .size = (uint64_t)st.st_size, .time_ms = time_ms};
        g_array_append_val(all, o);
    }
    if (d)
        g_dir_close(d);
    g_array_sort(all, compare_old);
    return all;
}

void
archive_tidy(struct archive *a, const struct log_rules *rules, int64_t now_ms)
{
    g_autoptr(GArray) all = list_old(a);
    uint64_t total = 0;

    g_queue_clear_full(&a->waiting, g_free);
    for (guint i = 0; i < all->len; i++)
        total += g_array_index(all, struct old, i).size;
    for (guint i = 0; i < all->len; i++) {
        const struct old *o = &g_array_index(all, struct old, i);
        bool aged =
            rules->keep_days > 0 && o->time_ms < now_ms - (int64_t)rules->keep_days * MS_PER_DAY;
        bool too_much = rules->keep_bytes > 0 && total > rules->keep_bytes;
        if (is_under_way(a, o->file))
            continue;
        if (aged || too_much) {
            g_autofree char *path = g_build_filename(a->folder, o->file, NULL);
            total -= o->size;
            (void)unlink(path);
        } else if (g_str_has_suffix(o->file, ".log")) {
            g_queue_push_tail(&a->waiting, g_strdup(o->file));
        }
    }
}

struct archive *
archive_new(const char *folder, const char *name)
{
    struct archive *a = g_new0(struct archive, 1);

    a->folder = g_strdup(folder);
    a->prefix = g_strconcat(name, "-", NULL);
    g_queue_init(&a->waiting);
    return a;
}

void
archive_free(struct archive *a)
{
    if (a->job)
        (void)unlink(a->job->part);
    job_free(a->job);
    g_queue_clear_full(&a->waiting, g_free);
    g_free(a->folder);
    g_free(a->prefix);
    g_free(a);
}
