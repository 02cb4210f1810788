/* SPDX-License-Identifier: Apache-2.0 */
/* listener.h - TCP ports: accept on the control thread, hand each connection to the least loaded
 * worker.
 *
 * A port that cannot be opened (no rights, in use) stays in the list with its error and is tried
 * again every LISTENER_RETRY_S. Changing the certificate concerns new connections only. All
 * functions: control thread.
 */
#pragma once

#include "core/proto/conn.h"

enum {
    LISTENER_BACKLOG = 4096,
    LISTENER_RETRY_S = 5,
    LISTENER_ACCEPT_BATCH = 64,
    LISTENER_CROWD = 100,
    LISTENER_TRIMS = 3
};

struct listeners;

/* Services are borrowed, NULL-terminated, asked in order; streams (what is not TLS) may be NULL. */
struct listeners *
listeners_new(struct worker_set *workers, const struct http_service *const *services,
              const struct stream_service *const *streams);
/* Closes the ports, then every connection that was not taken over yet (waits for the workers). */
void listeners_free(struct listeners *l);
/* References the context. */
void listeners_set_tls(struct listeners *l, SSL_CTX *ctx);

/* Opens a port on all addresses, IPv6 and IPv4; if it is there already, nothing happens. Not being
 * able to listen is not a failure of this call: see listeners_error(). */
void listeners_open(struct listeners *l, uint16_t port);
/* False when there is no such port. */
bool listeners_close(struct listeners *l, uint16_t port);
bool listeners_has(const struct listeners *l, uint16_t port);
/* Why the port does not listen; NULL when it does. Borrowed. */
const char *listeners_error(const struct listeners *l, uint16_t port);
/* Connections accepted since the start, and turned away by the limits. */
void listeners_counts(const struct listeners *l, uint64_t *accepted, uint64_t *refused);
