/* SPDX-License-Identifier: Apache-2.0 */
/* log_file.h - one log on disk: a current file under one name, and archives of what was before.
 *
 * FOLDER/NAME.log is always the current file. It is switched when a period is over or when it is
 * full: it becomes NAME-20261124T235959Z.log, named after its last line in UTC, and is then
 * compressed to .log.gz, a piece at a time. Archives that are too old, or more than may be kept,
 * are deleted, the oldest first.
 *
 * Integrity: only whole lines are appended. When the system took less (a full disk), the file is
 * cut back to its last whole line; when the process was killed in between, that is done at the next
 * start. What could not be written is counted, and tried again every few seconds, not at each line.
 *
 * Not thread-safe: all by one thread. Time comes in as a parameter.
 */
#pragma once

#include "core/base/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_switch { /* values of the API */
                  LOG_SWITCH_NONE = 0,
                  LOG_SWITCH_SECOND,
                  LOG_SWITCH_MINUTE,
                  LOG_SWITCH_HOUR,
                  LOG_SWITCH_DAY,
                  LOG_SWITCH_MONTH,
                  LOG_SWITCH_N
};

enum {
    LOG_FILE_RETRY_MS = 5000, /* after an error */
    LOG_FILE_MIN_BYTES = 4096,
};

struct log_rules {
    enum log_switch every;
    uint64_t max_bytes;  /* of the current file; 0: no limit */
    uint64_t keep_bytes; /* of the archives together; 0: no limit */
    unsigned keep_days;  /* 0: for ever */
    bool compress;
};

struct log_file;

/* folder is made on demand. Nothing is opened yet. */
struct log_file *log_file_new(const char *folder, const char *name, const struct log_rules *rules);
/* Closes it; archives that wait for compression do so until the next start. */
void log_file_free(struct log_file *f);
void log_file_set_rules(struct log_file *f, const struct log_rules *rules);

/* Appends n whole lines, the last one with its end. False: they are lost, and counted. */
bool log_file_append(struct log_file *f, const char *lines, size_t len, unsigned n, int64_t now_ms);
/* Switches a file whose period is over, and deletes what need not be kept. Now and then. */
void log_file_tidy(struct log_file *f, int64_t now_ms);
/* Compresses a piece. False: there is nothing left to do. */
bool log_file_compress(struct log_file *f);

struct log_file_state {
    uint64_t lines, bytes; /* written since the start */
    uint64_t lost;         /* lines that could not be written */
    bool failing;
    char error[160]; /* why it fails, or did last */
};
/* Borrowed; changes with the calls above. */
const struct log_file_state *log_file_state(const struct log_file *f);

/* Whether this is the name of a current file or an archive of a log. */
bool log_file_is_name(const char *file);
