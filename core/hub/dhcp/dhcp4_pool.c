/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp4_pool.c - see dhcp4_priv.h: which addresses there are, for whom, and a new configuration. */

#include "core/hub/dhcp/dhcp4_priv.h"
#include "core/net/ip4.h"

#include <string.h>

/* ---- which addresses ---- */

bool
dhcp4_in_subnet(const struct dhcp4_server *s, uint32_t address)
{
    return ((address ^ s->config.server) & s->config.mask) == 0;
}

/* An address of the network that a client may have at all. */
static bool
is_usable(const struct dhcp4_server *s, uint32_t address)
{
    const struct dhcp4_server_config *c = &s->config;
    uint32_t host = ~c->mask;
    bool is_edge = host > 1 && ((address & host) == 0 || (address & host) == host);

    return dhcp4_in_subnet(s, address) && ip4_is_host(address) && !is_edge &&
           address != c->server && address != c->gateway;
}

uint32_t
dhcp4_reserved_ip(const struct dhcp4_server *s, const struct mac *mac)
{
    uint32_t address = reservations_ip(s->reservations, mac);

    return address != 0 && is_usable(s, address) ? address : 0;
}

bool
dhcp4_is_allowed(const struct dhcp4_server *s, uint32_t address, const struct mac *mac)
{
    const struct mac *only = reservations_mac(s->reservations, address);

    if (!is_usable(s, address))
        return false;
    if (only)
        return mac_equal(only, mac);
    return address >= s->config.first && address <= s->config.last;
}

uint32_t
dhcp4_address_of(const struct binding *b)
{
    return ip_to_v4(&b->lease.ip);
}

bool
dhcp4_is_of_pool(const struct dhcp4_server *s, uint32_t address)
{
    const struct mac *only = reservations_mac(s->reservations, address);

    return dhcp4_is_allowed(s, address, only ? only : &everybody);
}

struct client_key
dhcp4_key_of(const struct dhcp4_server *s, const struct dhcp4_request *r)
{
    return (struct client_key){.mac = &r->chaddr,
                               .id = r->client_id,
                               .id_len = r->client_id_len,
                               .by_mac = dhcp4_reserved_ip(s, &r->chaddr) != 0};
}

struct binding *
dhcp4_find(const struct dhcp4_server *s, const struct dhcp4_request *r)
{
    struct client_key key = dhcp4_key_of(s, r);

    return bindings_by_client(s->t, &key);
}

struct binding *
dhcp4_find_address(const struct dhcp4_server *s, uint32_t address)
{
    struct ip ip = ip_from_v4(address);

    return bindings_by_ip(s->t, &ip);
}

struct binding *
dhcp4_add_address(struct dhcp4_server *s, uint32_t address)
{
    struct ip ip = ip_from_v4(address);
    struct binding *b = bindings_add(s->t, &ip);

    b->reserved = reservations_mac(s->reservations, address) != NULL;
    return b;
}

/* ---- free ones ---- */

struct binding *
dhcp4_if_free(struct dhcp4_server *s, uint32_t address)
{
    struct binding *b = dhcp4_find_address(s, address);

    if (!b && bindings_total(s->t) < DHCP_LEASES_MAX)
        return dhcp4_add_address(s, address);
    return b && b->state == BINDING_FREE ? b : NULL;
}

struct binding *
dhcp4_next_fresh(struct dhcp4_server *s)
{
    for (; s->fresh <= s->config.last; s->fresh++) {
        uint32_t address = (uint32_t)s->fresh;
        if (!is_usable(s, address) || reservations_mac(s->reservations, address) ||
            dhcp4_find_address(s, address))
            continue;
        return dhcp4_if_free(s, address);
    }
    return NULL;
}

/* ---- configuration ---- */

void
dhcp4_copy_config(struct dhcp4_server *s, const struct dhcp4_server_config *config)
{
    s->config = *config;
    s->config.reservation = NULL; /* the caller's; ours are in s->reservations */
    s->config.n_reservations = 0;
    s->config.first = MAX(config->first, config->server & config->mask);
    s->config.last = MIN(config->last, config->server | ~config->mask);
    s->config.lease_s = MAX(config->lease_s, DHCP_LEASE_MIN_S);
    s->config.n_routes = 0;
    for (unsigned i = 0; i < config->n_routes && i < DHCP_PUSH_ROUTES_MAX; i++) {
        if (config->route[i].len <= 32)
            s->config.route[s->config.n_routes++] = config->route[i];
    }
    reservations_free(s->reservations);
    s->reservations = reservations_new(config->reservation, config->n_reservations);
    s->fresh = s->config.first;
}

/* A client that has a reservation is known by its hardware address alone from now on, or it had one
 * and is known by its identifier again. */
static void
rename_client(struct dhcp4_server *s, struct binding *b)
{
    struct dhcp_lease before = b->lease;
    bool had = b->had;
    struct client_key key = {.mac = &before.mac,
                             .id = before.client_id,
                             .id_len = before.client_id_len,
                             .by_mac = !b->by_mac};
    const struct binding *other = bindings_by_client(s->t, &key);

    if (other && other != b && other->state == BINDING_LEASED) { /* it has a better one */
        bindings_forget_client(s->t, b);
        return;
    }
    bindings_set_client(s->t, b, &key);
    b->lease = before;
    b->had = had;
}

/* One binding under a new configuration. */
static void
reconsider(struct dhcp4_server *s, struct binding *b)
{
    uint32_t address = dhcp4_address_of(b);
    bool was_reserved = b->reserved;

    b->reserved = reservations_mac(s->reservations, address) != NULL;
    if (!dhcp4_is_of_pool(s, address) && b->state != BINDING_LEASED) {
        bindings_remove(s->t, b);
        return;
    }
    if (b->has_client && b->by_mac != (dhcp4_reserved_ip(s, &b->lease.mac) != 0))
        rename_client(s, b);
    if (was_reserved != b->reserved && (b->state == BINDING_FREE || b->state == BINDING_BAD))
        bindings_set(s->t, b, b->state, b->due_us, NULL); /* for all, or no more */
}

void
dhcp4_server_set_config(struct dhcp4_server *s, const struct dhcp4_server_config *config)
{
    dhcp4_copy_config(s, config);
    g_autoptr(GPtrArray) all = bindings_all(s->t);
    for (unsigned i = 0; i < all->len; i++)
        reconsider(s, all->pdata[i]);
}
