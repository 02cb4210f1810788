/* SPDX-License-Identifier: Apache-2.0 */
/* syslog_wire.h - a connection to a syslog server, used by the thread that waits for it. */
#pragma once

#include "core/log/syslog.h"

#include <gio/gio.h>

struct syslog_wire;

/* All wait, up to SYSLOG_TIMEOUT_S a step or until cancelled. cancel is borrowed for the life of
 * the wire. */
struct syslog_wire *
syslog_wire_open(const struct syslog_config *config, GCancellable *cancel, GError **error);
void syslog_wire_close(struct syslog_wire *w);
/* The whole message, or an error: then it must be closed. */
bool syslog_wire_send(struct syslog_wire *w, const char *bytes, size_t len, GError **error);
