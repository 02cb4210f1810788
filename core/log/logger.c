/* SPDX-License-Identifier: Apache-2.0 */
/* logger.c - see logger.h. */

#include "core/log/logger.h"

#include "core/base/clock.h"
#include "core/base/worker.h"
#include "core/log/lane.h"
#include "platform/platform.h"

#include <poll.h>
#include <stdatomic.h>
#include <string.h>

enum {
    BUFFER_BYTES = 256 * 1024, /* lines of one log in one write() */
    TIDY_MS = 60000,
    TURN_RECORDS = 4096, /* of one queue in one turn */
};

/* Before each record. */
struct head {
    struct log *log;
    int64_t wall_ms;
    uint32_t level;
};

struct log {
    struct logger *logger;
    char *name;
    const struct log_format *format;
    atomic_bool forward;
    _Atomic uint64_t lost;

    /* The writer's. */
    struct log_file *file;
    GString *lines;
    unsigned n_lines;
    bool alarm;
    uint64_t lost_told;

    /* Under the logger's lock. */
    struct log_rules rules;
    bool rules_changed, closing;
    struct log_file_state shown;
};

struct logger {
    char *folder;
    unsigned n_workers;
    _Atomic(struct lane *) lane[WORKER_MAX]; /* made when their worker first logs */
    struct lane *shared;
    GMutex shared_lock; /* producers of the shared lane */
    atomic_bool json;
    atomic_bool asleep;
    int wake;
    GThread *thread;

    GMutex lock; /* all below */
    GCond turned;
    GPtrArray *logs;
    struct log_tee tee;
    uint64_t turns; /* of the writer: each has emptied what was queued before it began */
    atomic_bool changed;
    bool stop;

    /* The writer's. */
    struct line line;
    struct log_limit lost_limit;
    int64_t tidied_ms;
};

/* ---- producers ---- */

static void
wake_writer(struct logger *g)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&g->asleep, memory_order_relaxed) &&
        atomic_exchange_explicit(&g->asleep, false, memory_order_acq_rel))
        pf_wake_signal(g->wake);
}

/* This thread's queue, locked when it is the shared one. */
static struct lane *
own_lane(struct logger *g, bool *is_shared)
{
    const struct worker *w = worker_current();

    *is_shared = !w || worker_index(w) >= g->n_workers;
    if (*is_shared)
        return g->shared;
    unsigned i = worker_index(w);
    struct lane *l = atomic_load_explicit(&g->lane[i], memory_order_relaxed);
    if (!l) {
        l = lane_new(LOGGER_LANE_BYTES);
        atomic_store_explicit(&g->lane[i], l, memory_order_release);
    }
    return l;
}

void *
log_room(struct log *log, size_t len, enum log_level level, int64_t wall_ms)
{
    struct logger *g = log->logger;
    bool is_shared = false;
    struct lane *lane = own_lane(g, &is_shared);

    if (is_shared)
        g_mutex_lock(&g->shared_lock);
    struct head *h = len <= LOGGER_RECORD_MAX ? lane_room(lane, sizeof(*h) + len) : NULL;
    if (!h) {
        if (is_shared)
            g_mutex_unlock(&g->shared_lock);
        (void)atomic_fetch_add_explicit(&log->lost, 1, memory_order_relaxed);
        return NULL;
    }
    *h = (struct head){.log = log, .wall_ms = wall_ms, .level = level};
    return h + 1;
}

void
log_push(struct log *log)
{
    struct logger *g = log->logger;
    bool is_shared = false;
    struct lane *lane = own_lane(g, &is_shared);

    lane_push(lane);
    if (is_shared)
        g_mutex_unlock(&g->shared_lock);
    wake_writer(g);
}

/* ---- the writer: lines ---- */

static void
tell_state(struct log *log)
{
    const struct log_file_state *s = log_file_state(log->file);

    if (s->failing && !log->alarm)
        log_error("a log cannot be written", "log=%s reason=\"%s\"", log->name, s->error);
    else if (!s->failing && log->alarm)
        log_warning("a log is written again", "log=%s lost=%" G_GUINT64_FORMAT, log->name, s->lost);
    log->alarm = s->failing;
    g_mutex_lock(&log->logger->lock);
    log->shown = *s;
    g_mutex_unlock(&log->logger->lock);
}

static void
flush_lines(struct log *log, int64_t now_ms)
{
    if (log->n_lines == 0)
        return;
    (void)log_file_append(log->file, log->lines->str, log->lines->len, log->n_lines, now_ms);
    g_string_truncate(log->lines, 0);
    log->n_lines = 0;
    tell_state(log);
}

static void
forward(struct logger *g, const struct head *h, size_t len)
{
    line_clear(&g->line);
    h->log->format->print(h + 1, len, h->level, h->wall_ms, LOG_STYLE_BARE, &g->line);
    g_mutex_lock(&g->lock);
    if (g->tee.line && !g->line.failed)
        g->tee.line(g->tee.owner, h->log->name, h->level, h->wall_ms, g->line.at, g->line.len);
    g_mutex_unlock(&g->lock);
}

static void
write_record(struct logger *g, const struct head *h, size_t len, int64_t now_ms)
{
    struct log *log = h->log;
    enum log_style style = atomic_load(&g->json) ? LOG_STYLE_JSON : LOG_STYLE_TEXT;

    line_clear(&g->line);
    log->format->print(h + 1, len, h->level, h->wall_ms, style, &g->line);
    line_char(&g->line, '\n');
    if (g->line.failed) {
        (void)atomic_fetch_add_explicit(&log->lost, 1, memory_order_relaxed);
        return;
    }
    if (log->lines->len + g->line.len > BUFFER_BYTES)
        flush_lines(log, now_ms);
    g_string_append_len(log->lines, g->line.at, (gssize)g->line.len);
    log->n_lines++;
    if (atomic_load_explicit(&log->forward, memory_order_relaxed))
        forward(g, h, len);
}

/* True when there was something. */
static bool
empty_lane(struct logger *g, struct lane *lane, int64_t now_ms)
{
    unsigned n = 0;
    size_t len = 0;
    const void *at;

    while (n < TURN_RECORDS && (at = lane_peek(lane, &len)) != NULL) {
        const struct head *h = at;
        write_record(g, h, len - sizeof(*h), now_ms);
        lane_pop(lane);
        n++;
    }
    return n > 0;
}

/* ---- the writer: turns ---- */

static void
log_destroy(struct log *log)
{
    log_file_free(log->file);
    g_string_free(log->lines, TRUE);
    g_free(log->name);
    g_free(log);
}

/* Rules that changed, logs that close. Their records were written in this turn. */
static void
take_changes(struct logger *g)
{
    g_mutex_lock(&g->lock);
    for (guint i = g->logs->len; i > 0; i--) {
        struct log *log = g_ptr_array_index(g->logs, i - 1);
        if (log->rules_changed)
            log_file_set_rules(log->file, &log->rules);
        log->rules_changed = false;
        if (log->closing) {
            (void)g_ptr_array_remove_index_fast(g->logs, i - 1);
            log_destroy(log);
        }
    }
    g_mutex_unlock(&g->lock);
}

/* The writer alone takes logs out, so that what is in the list stays while it walks. */
static GPtrArray *
copy_logs(struct logger *g)
{
    g_mutex_lock(&g->lock);
    GPtrArray *copy = g_ptr_array_copy(g->logs, NULL, NULL);
    g_mutex_unlock(&g->lock);
    return copy;
}

static void
tell_losses(struct logger *g, struct log *log)
{
    uint64_t lost = atomic_load_explicit(&log->lost, memory_order_relaxed);
    unsigned left_out = 0;

    if (lost == log->lost_told || !log_limit_pass(&g->lost_limit, 3, clock_now_us(), &left_out))
        return;
    log_warning("lines of a log are lost: more than can be written",
                "log=%s lost=%" G_GUINT64_FORMAT, log->name, lost);
    log->lost_told = lost;
}

/* True when there may be more at once. */
static bool
turn(struct logger *g)
{
    int64_t now_ms = clock_wall_ms();
    bool changed = atomic_exchange(&g->changed, false);
    bool more = empty_lane(g, g->shared, now_ms);

    for (unsigned i = 0; i < g->n_workers; i++) {
        struct lane *lane = atomic_load_explicit(&g->lane[i], memory_order_acquire);
        if (lane)
            more |= empty_lane(g, lane, now_ms);
    }
    bool tidy = now_ms - g->tidied_ms > TIDY_MS || now_ms < g->tidied_ms;
    if (tidy)
        g->tidied_ms = now_ms;
    g_autoptr(GPtrArray) logs = copy_logs(g);
    for (guint i = 0; i < logs->len; i++) {
        struct log *log = g_ptr_array_index(logs, i);
        flush_lines(log, now_ms);
        tell_losses(g, log);
        if (tidy)
            log_file_tidy(log->file, now_ms);
    }
    /* What was queued before a change is written, unless a turn was too short for it. */
    if (changed && more)
        atomic_store(&g->changed, true);
    else if (changed)
        take_changes(g);
    return more;
}

static bool
compress(struct logger *g)
{
    g_autoptr(GPtrArray) logs = copy_logs(g);
    bool more = false;

    for (guint i = 0; i < logs->len && !more; i++)
        more = log_file_compress(((struct log *)g_ptr_array_index(logs, i))->file);
    return more;
}

static bool
is_idle(struct logger *g)
{
    bool idle = lane_is_empty(g->shared) && !atomic_load(&g->changed);

    for (unsigned i = 0; idle && i < g->n_workers; i++) {
        struct lane *lane = atomic_load_explicit(&g->lane[i], memory_order_acquire);
        idle = !lane || lane_is_empty(lane);
    }
    return idle;
}

/* Until somebody has something, or it is time to tidy. */
static void
sleep_long(struct logger *g)
{
    struct pollfd p = {.fd = g->wake, .events = POLLIN};

    atomic_store(&g->asleep, true);
    atomic_thread_fence(memory_order_seq_cst);
    if (is_idle(g))
        (void)poll(&p, 1, TIDY_MS);
    atomic_store(&g->asleep, false);
    pf_wake_clear(g->wake);
}

static gpointer
writer_main(gpointer data)
{
    struct logger *g = data;
    bool stop = false;

    while (!stop) {
        bool more = turn(g);
        g_mutex_lock(&g->lock);
        g->turns += !more; /* a turn that found nothing: all that was there is written */
        stop = g->stop && !more;
        g_cond_broadcast(&g->turned);
        g_mutex_unlock(&g->lock);
        if (stop || compress(g))
            continue;
        if (more)
            g_usleep(LOGGER_NAP_MS * 1000);
        else
            sleep_long(g);
    }
    return NULL;
}

/* ---- control ---- */

static void
poke(struct logger *g)
{
    atomic_store(&g->changed, true);
    wake_writer(g);
}

struct logger *
logger_new(const char *folder, unsigned workers, GError **error)
{
    int wake = pf_wake_new(error);

    if (wake < 0)
        return NULL;
    struct logger *g = g_new0(struct logger, 1);
    g->folder = g_strdup(folder);
    g->n_workers = MIN(workers, WORKER_MAX);
    g->shared = lane_new(LOGGER_SHARED_BYTES);
    g->wake = wake;
    g->logs = g_ptr_array_new();
    g_mutex_init(&g->lock);
    g_mutex_init(&g->shared_lock);
    g_cond_init(&g->turned);
    g->thread = g_thread_try_new("logs", writer_main, g, error);
    if (!g->thread) {
        logger_free(g);
        return NULL;
    }
    return g;
}

void
logger_free(struct logger *g)
{
    if (!g)
        return;
    if (g->thread) {
        g_mutex_lock(&g->lock);
        g->stop = true;
        for (guint i = 0; i < g->logs->len; i++)
            ((struct log *)g_ptr_array_index(g->logs, i))->closing = true;
        g_mutex_unlock(&g->lock);
        poke(g);
        g_thread_join(g->thread);
    }
    g_assert(g->logs->len == 0);
    g_ptr_array_unref(g->logs);
    for (unsigned i = 0; i < g->n_workers; i++)
        lane_free(atomic_load(&g->lane[i]));
    lane_free(g->shared);
    pf_close(g->wake);
    g_mutex_clear(&g->lock);
    g_mutex_clear(&g->shared_lock);
    g_cond_clear(&g->turned);
    g_free(g->folder);
    g_free(g);
}

const char *
logger_folder(const struct logger *g)
{
    return g->folder;
}

void
logger_set_json(struct logger *g, bool json)
{
    atomic_store(&g->json, json);
}

void
logger_set_tee(struct logger *g, const struct log_tee *tee)
{
    g_mutex_lock(&g->lock);
    g->tee = *tee;
    g_mutex_unlock(&g->lock);
}

/* A turn that begins now and finds nothing has come after all that is queued now. */
void
logger_flush(struct logger *g)
{
    g_mutex_lock(&g->lock);
    uint64_t until = g->turns + 2; /* the turn under way may have begun before */
    while (g->turns < until) {
        g_mutex_unlock(&g->lock);
        poke(g);
        g_mutex_lock(&g->lock);
        if (g->turns < until)
            (void)g_cond_wait_until(&g->turned, &g->lock,
                                    g_get_monotonic_time() + G_TIME_SPAN_SECOND / 10);
    }
    g_mutex_unlock(&g->lock);
}

struct log *
logger_open(struct logger *g, const char *name, const struct log_rules *rules,
            const struct log_format *format)
{
    struct log *log = g_new0(struct log, 1);
    g_autofree char *folder = g_path_get_dirname(name);
    g_autofree char *base = g_path_get_basename(name);
    g_autofree char *path = g_build_filename(g->folder, folder, NULL);

    log->logger = g;
    log->name = g_strdup(name);
    log->format = format;
    log->rules = *rules;
    log->file = log_file_new(path, base, rules);
    log->lines = g_string_sized_new(4096);
    g_mutex_lock(&g->lock);
    g_ptr_array_add(g->logs, log);
    g_mutex_unlock(&g->lock);
    return log;
}

void
logger_close(struct log *log)
{
    struct logger *g = log->logger;

    g_mutex_lock(&g->lock);
    log->closing = true;
    g_mutex_unlock(&g->lock);
    poke(g);
}

void
log_set_rules(struct log *log, const struct log_rules *rules)
{
    g_mutex_lock(&log->logger->lock);
    log->rules = *rules;
    log->rules_changed = true;
    g_mutex_unlock(&log->logger->lock);
    poke(log->logger);
}

void
log_set_forward(struct log *log, bool forward)
{
    atomic_store(&log->forward, forward);
}

static void
state_clear(gpointer data)
{
    struct log_state *s = data;

    g_free(s->name);
}

static int
compare_states(gconstpointer a, gconstpointer b)
{
    return strcmp(((const struct log_state *)a)->name, ((const struct log_state *)b)->name);
}

GArray *
logger_states(struct logger *g)
{
    GArray *all = g_array_new(FALSE, TRUE, sizeof(struct log_state));

    g_array_set_clear_func(all, state_clear);
    g_mutex_lock(&g->lock);
    for (guint i = 0; i < g->logs->len; i++) {
        struct log *log = g_ptr_array_index(g->logs, i);
        struct log_state s = {.name = g_strdup(log->name),
                              .lines = log->shown.lines,
                              .bytes = log->shown.bytes,
                              .lost_queue = atomic_load(&log->lost),
                              .lost_file = log->shown.lost,
                              .failing = log->shown.failing};
        memcpy(s.error, log->shown.error, sizeof(s.error));
        g_array_append_val(all, s);
    }
    g_mutex_unlock(&g->lock);
    g_array_sort(all, compare_states);
    return all;
}
