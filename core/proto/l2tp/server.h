/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - L2TPv2's server (an LNS, RFC 2661): tunnels on carriers, each with its PPP sessions,
 * which are clients of hubs. */
#pragma once

#include "core/auth/auth.h"
#include "core/hub/hubs.h"
#include "core/proto/carrier.h"

enum {
    L2TP_TUNNELS_CARRIER = 4,    /* on one carrier */
    L2TP_SESSIONS_TUNNEL = 64,   /* calls in one tunnel; a dial-up device has one */
    L2TP_PLAIN_STRANGERS = 1024, /* tunnels without IPsec before login, in all */
};

struct l2tp_server;
struct l2tp_server_config {
    struct worker_set *workers;
    struct hubs *hubs;
    struct auth *auth;
};
/* Control thread; so are all calls. Borrows everything. */
struct l2tp_server *l2tp_server_new(const struct l2tp_server_config *config);
/* All carriers are gone (their makers are freed before), the plain port is closed. */
void l2tp_server_free(struct l2tp_server *s);

struct l2tp_settings {
    bool ipsec;              /* on carriers that are proven */
    bool plain;              /* on UDP 1701 without IPsec: passwords and data in clear */
    const char *default_hub; /* for names without one; or NULL. Copied */
    struct secret *secret;   /* of tunnel authentication and hidden AVPs; or NULL. Copied */
};
void l2tp_server_set(struct l2tp_server *s, const struct l2tp_settings *settings);
/* NULL: the plain port is open, or closed as told; else why it is not. */
const char *l2tp_server_plain_error(struct l2tp_server *s);
/* Valid as long as the server. */
const struct carrier_service *l2tp_server_service(struct l2tp_server *s);
/* Says goodbye on all tunnels. The carriers' makers are freed afterwards. */
void l2tp_server_stop(struct l2tp_server *s);
