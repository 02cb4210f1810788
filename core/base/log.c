/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - see log.h. One line is one write(2) to stderr, which is either a terminal, a file, or the
 * journal. */

#include "core/base/log.h"

#include "core/base/clock.h"

#include <glib.h>

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 64 };

/* Set once, before threads start. */
static atomic_int most_level = LOG_INFO;
static atomic_bool is_journal;

void
log_setup(enum log_level most, bool to_journal)
{
    atomic_store(&most_level, (int)most);
    atomic_store(&is_journal, to_journal);
}

bool
log_is_on(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&most_level, memory_order_relaxed);
}

static void
append_prefix(GString *line, enum log_level level)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    static const int priorities[] = {3, 4, 6, 7}; /* RFC 5424, 6.2.1 */

    if (atomic_load_explicit(&is_journal, memory_order_relaxed)) {
        g_string_append_printf(line, "<%d>", priorities[level]);
        return;
    }
    int64_t ms = clock_wall_ms();
    g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(ms / 1000);
    g_autofree char *text = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");
    g_string_append_printf(line, "%s.%03dZ %s ", text, (int)(ms % 1000), names[level]);
}

void
log_event(enum log_level level, const char *event, const char *fields, ...)
{
    if (!log_is_on(level))
        return;
    g_autoptr(GString) line = g_string_new(NULL);
    append_prefix(line, level);
    g_string_append(line, event);
    if (fields) {
        va_list ap;
        g_string_append_c(line, ' ');
        va_start(ap, fields);
        g_string_append_vprintf(line, fields, ap);
        va_end(ap);
    }
    g_string_append_c(line, '\n');
    if (write(STDERR_FILENO, line->str, line->len) < 0)
        return; /* there is nobody left to tell */
}

bool
log_limit_pass(struct log_limit *l, unsigned burst, long long now_us, unsigned *left_out)
{
    if (!l->started) {
        l->started = true;
        l->tokens = burst;
        l->last_us = now_us;
    }
    l->tokens = MIN((double)burst, l->tokens + (double)(now_us - l->last_us) / 1e6);
    l->last_us = now_us;
    if (l->tokens < 1) {
        l->left_out++;
        return false;
    }
    l->tokens -= 1;
    *left_out = l->left_out;
    l->left_out = 0;
    return true;
}

const char *
log_text(char *out, size_t cap, const void *text, size_t len)
{
    const unsigned char *in = text;
    size_t n = 0;

    for (size_t i = 0; i < len && in[i] != '\0' && n + 5 < cap && n < TEXT_MAX; i++) {
        bool plain = in[i] > 0x20 && in[i] != 0x7f && in[i] != '"' && in[i] != '\\' && in[i] < 0x80;
        if (plain)
            out[n++] = (char)in[i];
        else
            n += (size_t)g_snprintf(out + n, 5, "\\x%02x", in[i]);
    }
    out[n] = '\0';
    return out;
}
