/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - SSTP's server side: a service on the TLS listeners that makes PPP clients of its
 * requests. */
#pragma once

#include "core/auth/auth.h"
#include "core/hub/hubs.h"
#include "core/proto/conn.h"

enum {
    SSTP_MTU = 1500,          /* of IP packets, either way: TCP carries any */
    SSTP_STRANGERS_MAX = 4096 /* calls whose client is not known yet; CONN_PER_ADDRESS of one */
};

struct sstp_server;

struct sstp_server_config {
    struct hubs *hubs;
    struct auth *auth;
    const char *default_hub; /* for user names without one; or NULL: the only hub */
};

/* Control thread. hubs and auth are borrowed. It claims requests from the start. */
struct sstp_server *sstp_server_new(const struct sstp_server_config *config);
/* Ends all calls and waits for the workers. Control; no request may come any more, and auth is
 * still there. */
void sstp_server_free(struct sstp_server *s);
/* Whether new calls are taken; those that are there stay. Any thread. */
void sstp_server_enable(struct sstp_server *s, bool on);
/* Valid as long as the server. */
const struct http_service *sstp_server_service(struct sstp_server *s);
