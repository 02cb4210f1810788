/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - EtherIP's server (RFC 3378): Ethernet of routers, on carriers of protocol 97. */
#pragma once

#include "core/auth/auth.h"
#include "core/hub/hubs.h"
#include "core/proto/carrier.h"

struct etherip_server;
struct etherip_server_config {
    struct hubs *hubs;
    struct auth *auth;
};
/* Control thread; borrows. */
struct etherip_server *etherip_server_new(const struct etherip_server_config *config);
void etherip_server_free(struct etherip_server *s); /* all carriers are gone */
/* Whether new ones are taken. Any thread. */
void etherip_server_enable(struct etherip_server *s, bool on);
const struct carrier_service *etherip_server_service(struct etherip_server *s);
