/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp6_server.h - a DHCPv6 server for one /64 (RFC 8415: IA_NA, rapid commit, information request)
 * as a machine, and the router advertisements (RFC 4861, 8106) that go with it.
 *
 * Addresses are kept by DUID and IAID; the interface identifiers are drawn at random, so that they
 * cannot be guessed. Bounded like the DHCPv4 server.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/reader.h"
#include "core/base/writer.h"
#include "core/hub/dhcp/lease.h"

struct dhcp6_server;

struct dhcp6_server_ops {
    /* A UDP payload from port 547 to port 546 of dst. Borrowed. */
    void (*send)(void *owner, struct reader payload, const uint8_t dst[16], const struct mac *mac);
    void (*lease)(void *owner, const struct dhcp_lease *lease);
    void (*random)(void *owner, void *out, size_t len);
};

struct dhcp6_server *dhcp6_server_new(const struct dhcp6_server_config *config,
                                      const struct dhcp6_server_ops *ops, void *owner);
void dhcp6_server_free(struct dhcp6_server *s);
void dhcp6_server_set_config(struct dhcp6_server *s, const struct dhcp6_server_config *config);
void dhcp6_server_restore(struct dhcp6_server *s, const struct dhcp_lease *lease, int64_t now_us,
                          int64_t wall_ms);
void dhcp6_server_received(struct dhcp6_server *s, struct reader message, const uint8_t src[16],
                           const struct mac *from, int64_t now_us, int64_t wall_ms);
int64_t dhcp6_server_deadline(const struct dhcp6_server *s);
void dhcp6_server_tick(struct dhcp6_server *s, int64_t now_us, int64_t wall_ms);
void dhcp6_server_counters(const struct dhcp6_server *s, struct dhcp_counters *out);
/* Leases in force. */
unsigned dhcp6_server_n(const struct dhcp6_server *s);
void dhcp6_server_list(const struct dhcp6_server *s, GArray *out);

enum { RA_INTERVAL_S = 200, RA_LIFETIME_S = 1800 };
/* The ICMPv6 message of a router advertisement for this configuration: prefix, MTU, the host's DNS
 * address, its hardware address; lifetime_s 0: this router goes away. */
void router_advertisement_write(struct writer *w, const struct dhcp6_server_config *config,
                                const uint8_t src[16], const uint8_t dst[16], unsigned lifetime_s);
