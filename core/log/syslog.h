/* SPDX-License-Identifier: Apache-2.0 */
/* syslog.h - lines to a syslog server, by UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425).
 *
 * A thread of its own, which may wait for the server as long as it takes: lines meanwhile are in a
 * queue, and what does not fit is lost and counted. A connection that is lost is made anew, after
 * one second, then two, up to half a minute.
 */
#pragma once

#include "core/log/logger.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    SYSLOG_QUEUE = 16384, /* messages */
    SYSLOG_QUEUE_BYTES = 8 * 1024 * 1024,
    SYSLOG_RETRY_MAX_S = 30,
    SYSLOG_TIMEOUT_S = 10, /* of a step: a connection, a handshake, a write */
};

enum syslog_transport { SYSLOG_UDP, SYSLOG_TCP, SYSLOG_TLS };

struct syslog_config {
    enum syslog_transport transport;
    char *host; /* name or address; of the certificate, too */
    uint16_t port;
    GBytes *ca; /* PEM: who may sign the server's certificate; NULL: the system's authorities */
};

struct syslog;

/* Nothing is sent yet. NULL and error when the system refuses a thread. Control, as all here. */
struct syslog *syslog_new(const char *app, GError **error);
/* Forgets what is queued. */
void syslog_free(struct syslog *s);
/* Copied; NULL: off. What is queued goes to the new server. */
void syslog_configure(struct syslog *s, const struct syslog_config *config);

/* For logger_set_tee(): owner is the struct syslog. Any thread; does not wait. */
void syslog_take(void *owner, const char *log, enum log_level level, int64_t wall_ms,
                 const char *text, size_t len);

struct syslog_state {
    bool on, connected;
    uint64_t sent, lost;
    unsigned queued;
    char error[200]; /* the last one; "" when it works */
};
void syslog_get_state(struct syslog *s, struct syslog_state *out); /* any thread */
