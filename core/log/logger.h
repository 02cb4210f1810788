/* SPDX-License-Identifier: Apache-2.0 */
/* logger.h - all logs of a process: records in from any thread, lines out to files by one thread.
 *
 * Theory of operation. Who has something to log leaves a record (a few bytes in a form of his own)
 * in a queue and goes on: a worker in its own ring, without a lock; any other thread in one that
 * they share, under a short lock. A queue that is full loses the record, and its log counts it: a
 * log never holds traffic up. The writer takes all records in turns, makes lines of them with the
 * log's format, and gives each log's lines to its file with one write() a turn. It wakes up once
 * for a burst and then looks every few milliseconds until there is nothing left. Between turns it
 * compresses archives, a piece at a time.
 *
 * What goes wrong with a file (a full disk) is one line at error level and one when it is over; the
 * lines meanwhile are lost and counted (struct log_state).
 */
#pragma once

#include "core/base/log.h"
#include "core/log/line.h"
#include "core/log/log_file.h"

#include <glib.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LOGGER_LANE_BYTES = 2 * 1024 * 1024, /* of a worker */
    LOGGER_SHARED_BYTES = 512 * 1024,    /* of all other threads */
    LOGGER_RECORD_MAX = 65536,
    LOGGER_NAP_MS = 5, /* between two turns of a burst */
};

struct logger;
struct log;

enum log_style {
    LOG_STYLE_TEXT,
    LOG_STYLE_JSON,
    LOG_STYLE_BARE, /* text without time and level: who carries it has them (syslog) */
};

/* What the records of a log are, and how they read. */
struct log_format {
    /* Appends one line without its end. On the writer's thread; record is aligned to 8 bytes. */
    void (*print)(const void *record, size_t len, enum log_level level, int64_t wall_ms,
                  enum log_style style, struct line *out);
};

/* Who wants the lines, too (syslog). On the writer's thread; must not wait. */
struct log_tee {
    void (*line)(void *owner, const char *log, enum log_level level, int64_t wall_ms,
                 const char *text, size_t len);
    void *owner;
};

/* Control. workers: how many worker threads there will be. NULL and error when the system refuses
 * a thread. */
struct logger *logger_new(const char *folder, unsigned workers, GError **error);
/* Writes what is queued. All logs are closed. */
void logger_free(struct logger *g);
const char *logger_folder(const struct logger *g);
/* Text or JSON lines, of all logs. Any thread. */
void logger_set_json(struct logger *g, bool json);
/* Copied; .line NULL: nobody. Control; waits until the writer no longer uses the former one. */
void logger_set_tee(struct logger *g, const struct log_tee *tee);
/* Waits until what was queued before is in the files. Control. */
void logger_flush(struct logger *g);

/* name: path under the folder, without ".log": "server", "hub/OFFICE/security". Control. */
struct log *logger_open(struct logger *g, const char *name, const struct log_rules *rules,
                        const struct log_format *format);
/* Nobody may write to it any more; what is queued is written. Any thread. */
void logger_close(struct log *log);
void log_set_rules(struct log *log, const struct log_rules *rules); /* control */
/* Whether its lines go to the tee. Any thread. */
void log_set_forward(struct log *log, bool forward);

/* Room for a record of this length, aligned to 8, which the caller fills in at once and then
 * pushes; or NULL, and the record is counted as lost. Any thread. */
void *log_room(struct log *log, size_t len, enum log_level level, int64_t wall_ms);
void log_push(struct log *log);

struct log_state {
    char *name; /* g_malloc */
    uint64_t lines, bytes;
    uint64_t lost_queue; /* records: a queue was full */
    uint64_t lost_file;  /* lines: the file could not be written */
    bool failing;
    char error[160];
};
/* All logs (element free function set), sorted by name. Control. */
GArray *logger_states(struct logger *g);
