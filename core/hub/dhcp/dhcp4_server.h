/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp4_server.h - a DHCPv4 server as a machine (RFC 2131, 4.3): messages and time in, messages and
 * one deadline out. It knows no socket, no hub and no clock.
 *
 * Leases are kept by client identifier (option 61), else by hardware address; an address that is
 * free and was this client's before is offered again. A fresh address is probed by ARP before it is
 * offered. Bounded: DHCP_LEASES_MAX leases, and offers that nobody took end after some seconds.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/reader.h"
#include "core/hub/dhcp/lease.h"

#include <stdbool.h>
#include <stdint.h>

struct dhcp4_server;

struct dhcp4_server_ops {
    /* A UDP payload from port 67 to port 68. dst 255.255.255.255 with mac: to that hardware address
     * or to all, as the client asked. Borrowed. */
    void (*send)(void *owner, struct reader payload, uint32_t dst, const struct mac *mac);
    /* Ask by ARP who has the address; tell the answer by dhcp4_server_conflict(). */
    void (*probe)(void *owner, uint32_t address);
    /* New, renewed, or gone (expires_ms 0). Borrowed. */
    void (*lease)(void *owner, const struct dhcp_lease *lease);
};

/* config is copied. */
struct dhcp4_server *dhcp4_server_new(const struct dhcp4_server_config *config,
                                      const struct dhcp4_server_ops *ops, void *owner);
void dhcp4_server_free(struct dhcp4_server *s);
/* What is outside of the new pool ends with its time and is not renewed. */
void dhcp4_server_set_config(struct dhcp4_server *s, const struct dhcp4_server_config *config);
/* A lease of an earlier run. Ignored when it is over, or does not fit. */
void dhcp4_server_restore(struct dhcp4_server *s, const struct dhcp_lease *lease, int64_t now_us,
                          int64_t wall_ms);
/* The UDP payload of a message from a client, and who sent the frame. wall_ms: for what is kept. */
void dhcp4_server_received(struct dhcp4_server *s, struct reader message, const struct mac *from,
                           int64_t now_us, int64_t wall_ms);
/* Somebody answered for the address. */
void dhcp4_server_conflict(struct dhcp4_server *s, uint32_t address, int64_t now_us);
int64_t dhcp4_server_deadline(const struct dhcp4_server *s); /* 0: none */
void dhcp4_server_tick(struct dhcp4_server *s, int64_t now_us, int64_t wall_ms);
void dhcp4_server_counters(const struct dhcp4_server *s, struct dhcp_counters *out);
/* Leases in force. */
unsigned dhcp4_server_n(const struct dhcp4_server *s);
/* Appends struct dhcp_lease. */
void dhcp4_server_list(const struct dhcp4_server *s, GArray *out);
