/* SPDX-License-Identifier: Apache-2.0 */
/* event_log.h - logs of events: the server's lines, and what happens in a hub. */
#pragma once

#include "core/base/hub_event.h"
#include "core/log/logger.h"

extern const struct log_format event_log_format;

/* Any thread. A line as log.h's sink gets it, and an event. */
void event_log_line(struct log *log, enum log_level level, const char *text, size_t event_len,
                    size_t len, int64_t wall_ms);
void event_log_event(struct log *log, const struct hub_event *e, int64_t wall_ms);
