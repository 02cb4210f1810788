/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - one line an event, with fields; for administrators (info and up) and engineers (debug).
 *
 * A line goes to stderr with one system call and no lock: "2026-01-01T00:00:00.000Z info event
 * key=value ...", or for the journal "<6>event key=value ...". What GLib logs takes the same way.
 * A sink gets the same lines, for files and for syslog.
 * Text that comes from a peer must be passed through log_text(). Never a secret, never a payload.
 *
 *     log_info("listening", "port=%u protocol=%s", ...);
 */
#pragma once

#include "core/base/types.h"

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Before threads start. to_journal: stderr is the journal (prefix lines with a priority). */
void log_setup(enum log_level most, bool to_journal);
bool log_is_on(enum log_level level);

/* event: what happened, a fixed text. fields: key=value pairs, printf style; NULL for none. */
void log_event(enum log_level level, const char *event, const char *fields, ...) PRINTF_LIKE(3, 4);

/* Where lines go besides stderr. Any thread calls these; they do not wait and do not log. */
struct hub_event;
struct log_sink {
    /* text: the event, and behind a space its fields; without the time and the end of the line. */
    void (*line)(void *owner, enum log_level level, const char *text, size_t event_len, size_t len);
    void (*event)(void *owner, const struct hub_event *e);
    void *owner;
};
/* Borrowed; NULL: nowhere. Before threads start, and when they have ended. */
void log_set_sink(const struct log_sink *sink);
/* For hub_event.c: to the sink alone, and a line that its sink has had as an event. */
void log_sink_event(const struct hub_event *e);
void
log_event_only(enum log_level level, const char *event, const char *fields, ...) PRINTF_LIKE(3, 4);

#define log_error(...)   log_event(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_event(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_event(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                         \
    do {                                       \
        if (log_is_on(LOG_DEBUG))              \
            log_event(LOG_DEBUG, __VA_ARGS__); \
    } while (0)

/* At most burst lines at once and one a second afterwards; says how many were left out. One per
 * call site, zero-initialised, in the object that logs. */
struct log_limit {
    double tokens;
    long long last_us;
    unsigned left_out;
    bool started;
};
/* Whether a line may be written now. *left_out: how many were not since the last one. */
bool log_limit_pass(struct log_limit *l, unsigned burst, long long now_us, unsigned *left_out);

/* Peer-supplied text made safe for a log line: spaces, quotes, control characters and what is not
 * UTF-8 become \xNN, and it is cut after 64 bytes ("..."). With or without quotes around it, it
 * cannot pretend to be another field. Writes to and returns out (of size cap >= 80). */
const char *log_text(char *out, size_t cap, const void *text, size_t len);
