/* SPDX-License-Identifier: Apache-2.0 */
/* net.h - a radius_client on real sockets, on the control thread: one connected UDP socket a
 * server, whose port the system chooses; names are looked up elsewhere, and again now and then. */
#pragma once

#include "core/auth/radius/client.h"

struct radius_net_server {
    char *host; /* name or address */
    uint16_t port;
    struct radius_server_config config;
};

struct radius_net;

/* Copies. servers: at most RADIUS_SERVERS. */
struct radius_net *radius_net_new(const struct radius_net_server *servers, unsigned n,
                                  int64_t interval_us, int64_t timeout_us);
void radius_net_free(struct radius_net *n); /* no done() comes any more; NULL is fine */
/* As radius_client_ask(). */
uint64_t radius_net_ask(struct radius_net *n, const struct radius_ask *ask);
void radius_net_cancel(struct radius_net *n, uint64_t number);
/* family 0: not known yet. */
struct endpoint radius_net_address(const struct radius_net *n, unsigned server);
void
radius_net_get_stats(const struct radius_net *n, unsigned server, struct radius_server_stats *out);
