/* SPDX-License-Identifier: Apache-2.0 */
/* ip_table.h - which IP address is at which port of a hub, and which of them a DHCP server gave.
 *
 * Learned from the source addresses of IP and ARP that a port sends, kept for some time after the
 * last use, and written down for a DHCP lease that passed through the hub, for the machine it was
 * given to. The table serves two ends: what people see, and policies that say which addresses a
 * port may use.
 *
 * Cheap in the common case: each port has a small cache of its own (ip_watch) of what it was
 * allowed a moment ago, so that a frame costs one comparison and an address one visit to the table,
 * under its lock, every few seconds.
 *
 * Bounds: IP_TABLE_MAX addresses a hub; as many of a port as its claim says; IP_TABLE_IDLE_MAX
 * leases that nobody uses yet.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/frame.h"
#include "core/base/rate.h"
#include "core/base/types.h"

#include <glib.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IP_TABLE_MAX = 65536,
    IP_TABLE_IDLE_MAX = 16384,
    IP_TABLE_PORT_MAX = 16384,   /* of a port without a limit */
    IP_TABLE_HELD_S = 60,        /* after the last use */
    IP_TABLE_GIVEN_HELD_S = 300, /* of one that a DHCP server gave */
    IP_TABLE_LEASE_MAX_S = 86400,
    IP_TABLE_PORTS = 4096, /* a port's number is below this modulo */
    IP_WATCH_SLOTS = 64,
    IP_WATCH_SURE_S = 4, /* how long a port's cache is believed */
    IP_WATCH_PPS = 2000, /* addresses a second that a port may bring before the table */
    IP_WATCH_BURST = 8000,
    IP_TABLE_NOWHERE = -1, /* no port */
};

struct ip_table;

/* A machine: VLAN and Ethernet address, as fdb_key() makes it. Addresses of different VLANs have
 * nothing to do with each other. */
typedef uint64_t ip_station;

enum ip_verdict {
    IP_FINE,      /* it is the port's now, or need not be known */
    IP_IN_USE,    /* another port's, and the claim is an exclusive one */
    IP_PORT_FULL, /* the port has as many as it may have */
    IP_NOT_GIVEN, /* no DHCP server gave it to this machine */
};

/* What a port may do with addresses of one family. */
struct ip_terms {
    uint32_t max;   /* 0: IP_TABLE_PORT_MAX, and beyond them addresses just are not learned */
    bool exclusive; /* an address that is another's is refused */
    bool given;     /* only what a DHCP server gave */
};

struct ip_claim {
    struct ip ip;
    ip_station station;
    uint32_t port; /* fdb_port_id */
    struct ip_terms terms;
};

struct ip_table *ip_table_new(void);
void ip_table_free(struct ip_table *t);

/* A port has sent from an address. Any thread. */
enum ip_verdict
ip_table_claim(struct ip_table *t, const struct ip_claim *claim, uint32_t now_s) MUST_CHECK;
/* A DHCP server gave an IPv4 address to a machine. Any thread. */
void ip_table_given(struct ip_table *t, uint32_t ip4, ip_station station, uint32_t lease_s,
                    uint32_t now_s);
/* All addresses of a port are void; leases stay with their machines. Any thread. */
void ip_table_port_gone(struct ip_table *t, uint32_t port, uint32_t now_s);
/* Frees some of what is over. Does nothing if somebody else is inside. For once a second. */
void ip_table_sweep_some(struct ip_table *t, uint32_t now_s);

struct ip_table_row {
    struct ip ip;
    ip_station station;
    uint32_t port;
    bool given;
    uint32_t created_s, seen_s;
    uint32_t key; /* names the row for ip_table_forget() */
};
/* All that is in use. Any thread. */
GArray *ip_table_list(struct ip_table *t, uint32_t now_s);
bool ip_table_forget(struct ip_table *t, uint32_t key);
unsigned ip_table_count(struct ip_table *t);

/* ---- what a port knows; its home ---- */

/* Where a frame says that it comes from. */
struct ip_source {
    uint8_t version;        /* 4, 6, or 0: neither IP nor ARP */
    struct ip ip;           /* family 0: from none that a host may have */
    bool is_bad;            /* IP or ARP, from an address that no host has */
    bool is_probe;          /* 0.0.0.0 or ::, as of one that is still looking for its address */
    bool is_offer;          /* UDP from a DHCP server's port: ip_snoop() may find a lease */
    const uint8_t *arp_mac; /* whom ARP says it to be, within the frame; or NULL */
};
/* The source address of an Ethernet frame with IP or ARP, behind up to two tags. */
struct ip_source ip_source_of(const uint8_t *frame, size_t len);
/* Writes a lease down if the frame is a DHCP server's ACK. */
void ip_snoop(struct ip_table *t, const struct frame *f, uint16_t vlan, uint32_t now_s);

struct ip_watch_slot {
    struct ip ip;
    ip_station station;
    uint32_t until_s;
};
struct ip_watch {
    struct ip_table *table; /* borrowed */
    uint32_t port;
    bool only_private4; /* others are not written down, unless the terms ask for something */
    bool only_local6;
    struct ip_terms v4, v6;
    struct rate rate;
    struct ip_watch_slot slot[IP_WATCH_SLOTS];
};
void ip_watch_init(struct ip_watch *w, struct ip_table *t, uint32_t port, int64_t now_us);
/* Whether the port may use this address from this machine. */
enum ip_verdict ip_watch_see(struct ip_watch *w, const struct ip *ip, ip_station station,
                             int64_t now_us) MUST_CHECK;
