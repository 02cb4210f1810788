/* SPDX-License-Identifier: Apache-2.0 */
/* syslog_message.h - one message of syslog (RFC 5424), and its frame on a stream (RFC 6587, 3.4.1;
 * RFC 5425, 4.3). */
#pragma once

#include "core/base/log.h"
#include "core/log/line.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SYSLOG_DATAGRAM_MAX = 2048, /* RFC 5426, 3.2 */
    SYSLOG_STREAM_MAX = 8192,
};

struct syslog_origin {
    char host[256]; /* printable ASCII; "-" for none */
    char app[49];
    long pid;
};
/* This process. app: printable ASCII. */
void syslog_origin_init(struct syslog_origin *o, const char *app);

/* A line of a log. Borrowed. */
struct syslog_text {
    const char *log; /* "server", "hub/OFFICE/packet" */
    enum log_level level;
    int64_t wall_ms;
    const char *text;
    size_t len;
};
/* Replaces what is in out; a message that is too long is cut. framed: with its length before it. */
void syslog_message_print(struct line *out, const struct syslog_origin *o,
                          const struct syslog_text *what, bool framed);
