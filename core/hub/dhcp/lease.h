/* SPDX-License-Identifier: Apache-2.0 */
/* lease.h - what the DHCP servers of a hub are told, and the leases they give. */
#pragma once

#include "core/base/addr.h"
#include "core/net/dhcp4.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    DHCP_LEASES_MAX = 65536,
    DHCP_RESERVATIONS_MAX = 4096,
    DHCP_PUSH_ROUTES_MAX = 64,
    DHCP_PEER_MAX = 128, /* addresses that one sender may hold, whatever names it gives to itself */
    DHCP_LEASE_MIN_S = 15,
};

/* What a server did not do, and why. */
struct dhcp_counters {
    uint64_t malformed; /* not a message from a client to a server */
    uint64_t relayed;   /* through a relay, which is not served */
    uint64_t exhausted; /* no address was free */
    uint64_t crowded;   /* the sender had DHCP_PEER_MAX */
    uint64_t refused;   /* NAK, or the status that stands for it */
    uint64_t conflicts; /* addresses that somebody had already */
};

struct dhcp_reservation {
    struct mac mac;
    uint32_t ip4;
};

/* Addresses in host order. */
struct dhcp4_server_config {
    uint32_t server;            /* the address that answers */
    uint32_t first, last, mask; /* pool, and the clients' netmask */
    unsigned lease_s;
    uint32_t gateway, dns[2]; /* 0: not told */
    unsigned mtu;             /* option 26; 0 or 1500: not told */
    char domain[DHCP4_DOMAIN_MAX + 1];
    struct dhcp4_route route[DHCP_PUSH_ROUTES_MAX]; /* options 121 and 249 */
    unsigned n_routes;
    struct dhcp_reservation *reservation; /* owned by whoever owns the config */
    unsigned n_reservations;
};

struct dhcp6_server_config {
    uint8_t prefix[16]; /* a /64; the host is prefix::1 */
    struct mac mac;     /* of the host */
    bool stateful;      /* gives addresses; else only answers information requests */
    unsigned lease_s;
    uint8_t dns[16]; /* all zero: not told */
    char domain[DHCP4_DOMAIN_MAX + 1];
    unsigned mtu; /* for router advertisements */
};

/* A lease, as it is kept over a restart and listed. */
struct dhcp_lease {
    struct ip ip;
    struct mac mac;
    uint8_t client_id[134]; /* option 61; or DUID and IAID of DHCPv6 */
    uint8_t client_id_len;
    char hostname[64];             /* printable, untrusted; "" for none */
    int64_t leased_ms, expires_ms; /* wall clock; expires_ms 0: gone */
};
