/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - see log.h.
 *
 * A line is made on the stack and goes out with one write(2) of at most LOG_LINE_MAX bytes, which a
 * pipe or the journal's socket takes whole: lines of different threads do not mix, and no lock is
 * held while the system takes one. Messages of GLib and its relatives take the same way.
 */

#include "core/base/log.h"

#include "core/base/clock.h"

#include <glib.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 2048, LOG_TEXT_MAX = 64, US_PER_S = 1000000 };

/* Set before threads start, constant afterwards: what is one for the process, as stderr is. */
static struct {
    enum log_level most;
    bool to_journal;
    const struct log_sink *sink;
} setup = {.most = LOG_INFO};

static const struct {
    const char *name;
    unsigned priority; /* RFC 5424, 6.2.1 */
} levels[] = {
    [LOG_ERROR] = {"error", 3},
    [LOG_WARNING] = {"warning", 4},
    [LOG_INFO] = {"info", 6},
    [LOG_DEBUG] = {"debug", 7},
};

struct line {
    size_t len;
    size_t prefix; /* what the sink does not get */
    size_t event;  /* where the event ends */
    char text[LOG_LINE_MAX];
};

static void append(struct line *l, const char *format, ...) PRINTF_LIKE(2, 3);
static void append_va(struct line *l, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* One byte stays free for the end of the line. */
static void
append_va(struct line *l, const char *format, va_list args)
{
    size_t room = sizeof l->text - 1 - l->len;
    int n = g_vsnprintf(l->text + l->len, room, format, args);

    if (n > 0)
        l->len += (size_t)n < room ? (size_t)n : room - 1;
}

static void
append(struct line *l, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    append_va(l, format, args);
    va_end(args);
}

static void
begin(struct line *l, enum log_level level)
{
    l->len = 0;
    if (setup.to_journal) { /* which has the time and the level in fields of its own */
        append(l, "<%u>", levels[level].priority);
        l->prefix = l->len;
        return;
    }
    int64_t ms = clock_wall_ms();
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(ms / 1000);
    append(l, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s ", g_date_time_get_year(utc),
           g_date_time_get_month(utc), g_date_time_get_day_of_month(utc), g_date_time_get_hour(utc),
           g_date_time_get_minute(utc), g_date_time_get_second(utc), (int)(ms % 1000),
           levels[level].name);
    l->prefix = l->len;
}

static void
end(struct line *l, enum log_level level, const struct log_sink *sink)
{
    for (size_t i = 0; i < l->len; i++) {
        if ((unsigned char)l->text[i] < ' ' || l->text[i] == 0x7f)
            l->text[i] = '?'; /* an event is one line, whatever a field holds */
    }
    if (sink)
        sink->line(sink->owner, level, l->text + l->prefix, l->event - l->prefix,
                   l->len - l->prefix);
    l->text[l->len++] = '\n';
    ssize_t written = write(STDERR_FILENO, l->text, l->len);
    (void)written; /* there is nobody to tell */
}

bool
log_is_on(enum log_level level)
{
    return level <= setup.most;
}

static void write_line(enum log_level level, const struct log_sink *sink, const char *event,
                       const char *fields, va_list args) PRINTF_LIKE(4, 0);

static void
write_line(enum log_level level, const struct log_sink *sink, const char *event, const char *fields,
           va_list args)
{
    struct line l;

    begin(&l, level);
    append(&l, "%s", event);
    l.event = l.len;
    if (fields) {
        append(&l, " ");
        append_va(&l, fields, args);
    }
    end(&l, level, sink);
}

void
log_event(enum log_level level, const char *event, const char *fields, ...)
{
    va_list args;

    if (!log_is_on(level))
        return;
    va_start(args, fields);
    write_line(level, setup.sink, event, fields, args);
    va_end(args);
}

void
log_event_only(enum log_level level, const char *event, const char *fields, ...)
{
    va_list args;

    if (!log_is_on(level))
        return;
    va_start(args, fields);
    write_line(level, NULL, event, fields, args);
    va_end(args);
}

void
log_set_sink(const struct log_sink *sink)
{
    setup.sink = sink;
}

void
log_sink_event(const struct hub_event *e)
{
    if (setup.sink && setup.sink->event)
        setup.sink->event(setup.sink->owner, e);
}

/* A line in the format of this file for what GLib and other libraries have to say. */
static GLogWriterOutput
write_glib(GLogLevelFlags flags, const GLogField *fields, gsize n_fields, gpointer data)
{
    enum log_level level = LOG_DEBUG;
    const char *message = "";
    const char *domain = "";
    struct line l;

    (void)data;
    if (flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
        level = LOG_ERROR;
    else if (flags & (G_LOG_LEVEL_WARNING))
        level = LOG_WARNING;
    else if (flags & (G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO))
        level = LOG_INFO;
    if (!log_is_on(level))
        return G_LOG_WRITER_HANDLED;
    for (gsize i = 0; i < n_fields; i++) {
        if (fields[i].length >= 0) /* not a string */
            continue;
        if (strcmp(fields[i].key, "MESSAGE") == 0)
            message = fields[i].value;
        else if (strcmp(fields[i].key, "GLIB_DOMAIN") == 0)
            domain = fields[i].value;
    }
    begin(&l, level);
    append(&l, "%s%s%s", domain, domain[0] ? ": " : "", message);
    l.event = l.len;
    end(&l, level, setup.sink);
    return G_LOG_WRITER_HANDLED;
}

void
log_setup(enum log_level most, bool to_journal)
{
    static bool hooked; /* GLib takes a writer once in the life of a process */

    setup.most = most;
    setup.to_journal = to_journal;
    if (!hooked)
        g_log_set_writer_func(write_glib, NULL, NULL);
    hooked = true;
}

bool
log_limit_pass(struct log_limit *l, unsigned burst, long long now_us, unsigned *left_out)
{
    if (!l->started) {
        l->started = true;
        l->tokens = burst;
        l->last_us = now_us;
    }
    if (now_us > l->last_us) {
        l->tokens += (double)(now_us - l->last_us) / US_PER_S;
        l->last_us = now_us;
    }
    if (l->tokens > burst)
        l->tokens = burst;
    if (l->tokens < 1) {
        l->left_out++;
        *left_out = 0;
        return false;
    }
    l->tokens -= 1;
    *left_out = l->left_out;
    l->left_out = 0;
    return true;
}

/* How many of the first bytes can stand in a log as they are; 0: the first must be escaped. */
static size_t
printable(const char *at, size_t left)
{
    gunichar c = g_utf8_get_char_validated(at, (gssize)left);

    if (c >= (gunichar)-2 || c == '"' || c == '\\' || !g_unichar_isprint(c))
        return 0;
    switch (g_unichar_type(c)) {
    case G_UNICODE_FORMAT: /* can turn the order of what follows */
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_SPACE_SEPARATOR: /* looks like the end of the field */
        return 0;
    default:
        return (size_t)g_unichar_to_utf8(c, NULL);
    }
}

const char *
log_text(char *out, size_t cap, const void *text, size_t len)
{
    const char *at = text;
    size_t used = 0;
    size_t i = 0;

    g_assert(cap >= LOG_TEXT_MAX + 16);
    while (i < len) {
        size_t whole = printable(at + i, len - i);
        size_t need = whole > 0 ? whole : 4;
        if (used + need > LOG_TEXT_MAX)
            break;
        if (whole > 0)
            memcpy(out + used, at + i, whole);
        else
            (void)g_snprintf(out + used, cap - used, "\\x%02x", (unsigned char)at[i]);
        used += need;
        i += whole > 0 ? whole : 1;
    }
    (void)g_strlcpy(out + used, i < len ? "..." : "", cap - used);
    return out;
}
