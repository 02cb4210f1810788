/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp6_client.h - a DHCPv6 client for one address (RFC 8415, 18.2) as a machine, like
 * dhcp4_client.h: messages and time in, messages and one deadline out. Embedded in its owner. */
#pragma once

#include "core/base/addr.h"
#include "core/base/reader.h"
#include "core/net/dhcp6.h"

#include <stdbool.h>
#include <stdint.h>

enum { DHCP6_DNS_MAX = 4 };

struct dhcp6_lease {
    uint8_t ip[16];
    uint32_t preferred_s, valid_s, t1_s, t2_s;
    uint8_t dns[DHCP6_DNS_MAX][16];
    unsigned n_dns;
};

enum dhcp6_state {
    DHCP6_STOPPED,
    DHCP6_SOLICITING,
    DHCP6_REQUESTING,
    DHCP6_BOUND,
    DHCP6_RENEWING,
    DHCP6_REBINDING
};

struct dhcp6_client_ops {
    /* A UDP payload from port 546 to port 547 of ff02::1:2. Borrowed. */
    void (*send)(void *owner, struct reader payload);
    void (*bound)(void *owner, const struct dhcp6_lease *lease, bool changed);
    void (*lost)(void *owner);
    uint32_t (*random)(void *owner);
};

struct dhcp6_client {
    const struct dhcp6_client_ops *ops;
    void *owner;
    uint8_t duid[10]; /* DUID-LL of the hardware address */
    enum dhcp6_state state;
    int64_t deadline_us; /* 0: none */
    struct dhcp6_lease lease;
    uint8_t server_id[DHCP6_DUID_MAX];
    uint8_t server_id_len; /* 0: no server chosen */
    uint32_t iaid, transaction;
    unsigned tries;
    int64_t wait_us, started_us;
    int64_t bound_us; /* since when the lease counts; 0: none is held */
};

void dhcp6_client_init(struct dhcp6_client *c, const struct mac *mac,
                       const struct dhcp6_client_ops *ops, void *owner);
void dhcp6_client_start(struct dhcp6_client *c, int64_t now_us);
void dhcp6_client_received(struct dhcp6_client *c, struct reader message, int64_t now_us);
void dhcp6_client_tick(struct dhcp6_client *c, int64_t now_us);
/* Another host has the address that was leased (18.2.8): gives it up without lost(), tells the
 * server, and asks anew. */
void dhcp6_client_decline(struct dhcp6_client *c, int64_t now_us);
/* Gives the address back, if there is one. */
void dhcp6_client_stop(struct dhcp6_client *c, int64_t now_us);
