/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - L2TPv3's server (RFC 3931, 4719): Ethernet of routers, on carriers of protocol 115 or
 * of UDP. */
#pragma once

#include "core/auth/auth.h"
#include "core/hub/hubs.h"
#include "core/proto/carrier.h"

struct l2tpv3_server;
struct l2tpv3_server_config {
    struct hubs *hubs;
    struct auth *auth;
};
/* Control thread; borrows. */
struct l2tpv3_server *l2tpv3_server_new(const struct l2tpv3_server_config *config);
void l2tpv3_server_free(struct l2tpv3_server *s); /* all carriers are gone */
/* Whether new ones are taken. Any thread. */
void l2tpv3_server_enable(struct l2tpv3_server *s, bool on);
const struct carrier_service *l2tpv3_server_service(struct l2tpv3_server *s);
