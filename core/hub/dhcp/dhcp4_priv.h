/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp4_priv.h - inside the DHCPv4 server: its state, and its addresses. */
#pragma once

#include "core/hub/dhcp/bindings.h"
#include "core/hub/dhcp/dhcp4_message.h"
#include "core/hub/dhcp/dhcp4_server.h"
#include "core/hub/dhcp/reservations.h"

#include <stdbool.h>
#include <stdint.h>

struct dhcp4_server {
    struct dhcp4_server_config config;
    struct reservations *reservations;
    const struct dhcp4_server_ops *ops;
    void *owner;
    struct bindings *t;
    uint64_t fresh; /* all of the pool before it have a binding */
    struct dhcp_counters counters;
};

static const struct mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

bool dhcp4_in_subnet(const struct dhcp4_server *s, uint32_t address);
/* The address that is reserved for it; 0: none. */
uint32_t dhcp4_reserved_ip(const struct dhcp4_server *s, const struct mac *mac);
/* Whether the client with this hardware address may have it. */
bool dhcp4_is_allowed(const struct dhcp4_server *s, uint32_t address, const struct mac *mac);
/* Whether anybody may have it, when it is free. */
bool dhcp4_is_of_pool(const struct dhcp4_server *s, uint32_t address);

uint32_t dhcp4_address_of(const struct binding *b);
struct client_key dhcp4_key_of(const struct dhcp4_server *s, const struct dhcp4_request *r);
/* The client's binding, or NULL. */
struct binding *dhcp4_find(const struct dhcp4_server *s, const struct dhcp4_request *r);
struct binding *dhcp4_find_address(const struct dhcp4_server *s, uint32_t address);
struct binding *dhcp4_add_address(struct dhcp4_server *s, uint32_t address);
/* The binding of an address if it is free, a new one if it has none; else NULL. */
struct binding *dhcp4_if_free(struct dhcp4_server *s, uint32_t address);
/* The first of the pool that was never used, or NULL. */
struct binding *dhcp4_next_fresh(struct dhcp4_server *s);

/* Takes what of it can be used. */
void dhcp4_copy_config(struct dhcp4_server *s, const struct dhcp4_server_config *config);
