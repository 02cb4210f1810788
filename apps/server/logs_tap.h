/* SPDX-License-Identifier: Apache-2.0 */
/* logs_tap.h - what looks at the packets of one hub: its packet log, and captures. */
#pragma once

#include "core/hub/hub.h"
#include "core/log/capture.h"
#include "core/log/packet_log.h"

enum { TAP_CAPTURES = 4 };

/* A packet log that taps share: it is closed when the last of them has gone. */
struct tap_log;
struct tap_log *tap_log_new(struct log *log);
struct tap_log *tap_log_ref(struct tap_log *t);
void tap_log_unref(struct tap_log *t); /* any thread; NULL is fine */
struct log *tap_log_of(const struct tap_log *t);

struct tap_config {
    struct tap_log *log; /* NULL: no packet log */
    struct packet_levels levels;
    struct capture *capture[TAP_CAPTURES];
    unsigned n_captures;
};

/* The tap is immutable: it holds references to what is in config, and replaces the one before. With
 * neither a log nor a capture the hub gets none. Control. */
void tap_install(struct hub *hub, const struct tap_config *config);
