/* SPDX-License-Identifier: Apache-2.0 */
/* l3port.h - a session that speaks IP and not Ethernet, as a host of its own at a hub port.
 *
 * The protocol hands in and gets IP packets; the port adds and takes off Ethernet, answers and asks
 * ARP (RFC 826, 5227) and neighbour discovery (RFC 4861), and gets addresses: by DHCPv4 from
 * whoever serves the hub, or fixed ones of the user; for IPv6 by router advertisement (SLAAC, RFC
 * 4862) or DHCPv6 (RFC 8415), or fixed. It knows no protocol. One worker, the session's.
 *
 * The life of an address: l3port_new() starts asking; configured() comes once when all that was
 * wanted is there or the wait is over, and again whenever something changed. A client's packet
 * whose source is none of the session's addresses is dropped (DROP_BAD_SOURCE), and it gets none
 * for another's, unless it is a router: its session_config has bridge_mode, and the policy neither
 * NoRouting nor, for IPv6, NoRoutingV6.
 */
#pragma once

#include "core/base/batch.h"
#include "core/base/fixed_address.h"
#include "core/hub/session.h"
#include "core/net/dhcp4.h"

enum {
    L3PORT_MTU_MIN = 576,
    L3PORT_MTU_MAX = 9000,
    L3PORT_WAIT_MS = 8000,        /* for addresses, before configured() tells what there is */
    L3PORT_WAIT6_MS = 1500,       /* of that, how long IPv6 may hold up IPv4 */
    L3PORT_NEIGHBOURS_MAX = 1024, /* remembered by one port; the oldest gives way */
    L3PORT_PENDING_MAX = 32,      /* packets that wait for one neighbour */
    L3PORT_DNS_MAX = 8,
    L3PORT_ROUTES_MAX = DHCP4_ROUTES_MAX,
};

struct l3port;

/* How the client comes to its IPv6 address. */
enum l3port_v6 {
    L3PORT_V6_NONE,   /* no IPv6 for this session */
    L3PORT_V6_TOLD,   /* the port gets it and the protocol tells the client (OpenVPN) */
    L3PORT_V6_CLIENT, /* the client does router discovery and SLAAC itself (PPP): solicitations and
                         advertisements pass, and the port learns its addresses by listening */
};

struct l3port_config {
    const struct session_config *session; /* borrowed for the call; as for session_start() */
    const char *device;                   /* tells the devices of one user apart; or NULL */
    const char *hostname;                 /* told to the DHCP server; or NULL */
    struct fixed_address fixed;           /* what is in it is not asked for */
    bool v4;
    enum l3port_v6 v6;
    unsigned mtu; /* below 1280 there is no IPv6; of IP packets that the client can take; TCP's MSS
                     is lowered to fit */
    unsigned max_super; /* longest IP super-frame that send() wants; 0: none, all is segmented to
                           the MTU before */
};

/* What the client is to use. Host order where uint32_t. */
struct l3port_address {
    bool has4;
    uint32_t ip4, gateway4; /* gateway4 0: none */
    uint8_t len4;
    struct dhcp4_route route4[L3PORT_ROUTES_MAX]; /* classless routes of the DHCP server */
    unsigned n_route4;
    bool has6;
    uint8_t ip6[16], gateway6[16]; /* gateway6 all zero: none. It may be link-local */
    uint8_t len6;
    struct ip dns[L3PORT_DNS_MAX]; /* both families */
    unsigned n_dns;
    char domain[DHCP4_DOMAIN_MAX + 1];
};

struct l3port_ops {
    /* IP packets for the client, without Ethernet header; consumes the batch. Frames are the
     * receiver's own; marks are kept (offsets count from the IP header). Must not end the port. */
    void (*send)(void *owner, struct batch *b, int64_t now_us);
    /* Borrowed. Neither has4 nor has6: nobody gave an address within L3PORT_WAIT_MS; the port goes
     * on trying. */
    void (*configured)(void *owner, const struct l3port_address *a, int64_t now_us);
    /* The hub wants the session to end (enum pe_error); may come twice. Call l3port_end() then or
     * a little later. */
    void (*stop)(void *owner, int reason);
};

/* Starts the session (session_start(), errors as there) and asks for addresses. The hub's worker
 * that calls is its home. */
struct l3port *
l3port_new(struct hub *hub, const struct l3port_config *config, const struct l3port_ops *ops,
           void *owner, int64_t now_us, GError **error);
/* Gives leases back and ends the session. No callback comes any more. Not from inside send(). */
void l3port_end(struct l3port *p, int reason, int64_t now_us);

/* IP packets from the client; consumes the batch. Frames are the caller's own and have headroom;
 * they may be super-frames with marks. */
void l3port_receive(struct l3port *p, struct batch *b, int64_t now_us);

struct session *l3port_session(const struct l3port *p); /* borrowed */
const struct mac *l3port_mac(const struct l3port *p);
/* The interface identifier of the port's link-local address (modified EUI-64 of its MAC). */
void l3port_interface_id(const struct l3port *p, uint8_t out[8]);
