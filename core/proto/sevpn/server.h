/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the server side of SE-VPN: a service on the TLS listeners that turns logins into
 * sessions at hubs. */
#pragma once

#include "core/auth/auth.h"
#include "core/hub/hubs.h"
#include "core/proto/conn.h"

struct sevpn_server;

struct sevpn_server_config {
    struct hubs *hubs;
    struct auth *auth;
    bool list_hubs; /* tell strangers the names of hubs that allow it */
};

/* Control thread. Everything in the config is borrowed. */
struct sevpn_server *sevpn_server_new(const struct sevpn_server_config *config);
/* After all sessions ended and no connection is left. */
void sevpn_server_free(struct sevpn_server *s);
/* Claims all requests that nobody before it wanted: put it last. Valid as long as the server. */
const struct http_service *sevpn_server_service(struct sevpn_server *s);
