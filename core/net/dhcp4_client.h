/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp4_client.h - a DHCP client as a machine (RFC 2131, 4.4): messages and time in, messages and
 * one deadline out.
 *
 * It knows no socket and no clock. Its owner sends what ops->send() hands out, feeds answers, and
 * calls dhcp4_client_tick() when deadline_us has come. Embedded in its owner; no memory of its own.
 */
#pragma once

#include "core/net/dhcp4.h"

#include <stdbool.h>
#include <stdint.h>

struct dhcp4_lease {
    uint32_t address;
    uint8_t prefix_len;
    uint32_t server;
    uint32_t gateway[DHCP4_GATEWAYS_MAX]; /* none when there are routes (RFC 3442) */
    unsigned n_gateways;
    uint32_t dns[DHCP4_DNS_MAX];
    unsigned n_dns;
    struct dhcp4_route route[DHCP4_ROUTES_MAX];
    unsigned n_routes;
    char domain[DHCP4_DOMAIN_MAX + 1]; /* letters, digits, dots and hyphens only; "" for none */
    uint16_t mtu;                      /* 0: not said */
    uint32_t lease_s, t1_s, t2_s;      /* UINT32_MAX: for ever */
};

enum dhcp4_state {
    DHCP4_STOPPED,
    DHCP4_SELECTING,  /* DISCOVER sent */
    DHCP4_REQUESTING, /* REQUEST sent for an offer */
    DHCP4_REBOOTING,  /* REQUEST sent for an address of an earlier time */
    DHCP4_BOUND,
    DHCP4_RENEWING,  /* after T1, asks the server */
    DHCP4_REBINDING, /* after T2, asks everybody */
};

struct dhcp4_client;

struct dhcp4_client_ops {
    /* A UDP payload from address src (0.0.0.0 before there is one) to dst (255.255.255.255, or the
     * server). Borrowed. */
    void (*send)(void *owner, struct reader payload, uint32_t src, uint32_t dst);
    /* A lease, new or renewed; borrowed. changed: it differs from the one before in more than time.
     */
    void (*bound)(void *owner, const struct dhcp4_lease *lease, bool changed);
    /* There is no lease any more: expired, or refused by a server. It goes on trying. */
    void (*lost)(void *owner);
    uint32_t (*random)(void *owner);
};

struct dhcp4_client {
    const struct dhcp4_client_ops *ops;
    void *owner;
    struct mac mac;
    char hostname[64]; /* option 12; "" for none */

    enum dhcp4_state state;
    int64_t deadline_us;      /* 0: none */
    struct dhcp4_lease lease; /* offered, or bound */
    uint32_t xid;
    unsigned tries;
    unsigned refusals; /* since there was a lease */
    int64_t started_us, sent_us, asked_us, t1_us, t2_us, expires_us;
};

/* hostname may be NULL. Stopped at first. */
void dhcp4_client_init(struct dhcp4_client *c, const struct mac *mac, const char *hostname,
                       const struct dhcp4_client_ops *ops, void *owner);
/* remembered: an address of an earlier time, asked for first; 0 for none. Starts anew if it runs
 * already; then a lease that is held is verified and kept meanwhile. */
void dhcp4_client_start(struct dhcp4_client *c, uint32_t remembered, int64_t now_us);
/* A DHCP message from a server (UDP payload). What is not for this client is ignored. */
void dhcp4_client_received(struct dhcp4_client *c, struct reader message, int64_t now_us);
/* Harmless before the deadline. */
void dhcp4_client_tick(struct dhcp4_client *c, int64_t now_us);
/* Gives the address back, if there is one. */
void dhcp4_client_stop(struct dhcp4_client *c, int64_t now_us);
