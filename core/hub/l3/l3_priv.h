/* SPDX-License-Identifier: Apache-2.0 */
/* l3_priv.h - what the files of an IP session's port share.
 *
 * Two directions: up is from the client to the hub (l3_egress.c), down from the hub to the client
 * (l3_ingress.c). Re-entrance: hub_port_receive() may deliver to this very port before it returns,
 * and a port must not send into the hub from inside another one's way in, or the answer to it would
 * find that way closed. So all that is caused by what comes down is put into `up` and sent by a
 * deferred call at the end of the turn; what the client and timers cause is sent when they are
 * done.
 */
#pragma once

#include "core/base/batch.h"
#include "core/base/rate.h"
#include "core/base/timer.h"
#include "core/base/worker.h"
#include "core/hub/l3/l3_neigh.h"
#include "core/hub/l3/l3port.h"
#include "core/net/dhcp4_client.h"
#include "core/net/dhcp6_client.h"
#include "core/net/flow.h"
#include "core/net/icmp.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/ndp.h"
#include "core/net/tcp.h"
#include "core/net/wire.h"

#include <string.h>

enum {
    L3_ICMP_PPS = 50, /* errors that a port sends, in either direction */
    L3_ICMP_BURST = 50,
    L3_DEFEND_US = 10000000, /* RFC 5227, 2.4 */
    L3_MTU6_MIN = 1280,
    L3_CLIENT6_MAX = 16, /* addresses of a client that makes its own; the oldest gives way */
    L3_ROUTERS_MAX = 2,  /* whose advertisements are kept for such clients */
};

/* IPv4: how the port came to its address, which is in l3port.a. */
struct l3_v4 {
    uint32_t mask, broadcast; /* broadcast 0: the network has none */
    struct dhcp4_client dhcp;
    struct timer dhcp_timer;
    struct mac heard, server; /* who sent the message in hand; who gave the lease */
    uint32_t probed;          /* an address that is fixed and not ours yet; 0: none */
    unsigned probes, announcements;
    struct timer claim_timer;
    int64_t defended_us;
    struct ip dns[L3PORT_DNS_MAX];
    unsigned n_dns;
    unsigned mtu; /* the segment's, if somebody said; else 0 */
};

/* A prefix of the segment, from router advertisements. */
struct l3_prefix {
    uint8_t prefix[16];
    uint8_t len;
    bool on_link;
    int64_t until_us;
};

enum l3_source6 { L3_V6_NOWHERE, L3_V6_FIXED, L3_V6_SLAAC, L3_V6_DHCP };

/* An address of a client that makes its own, as heard. */
struct l3_heard {
    uint8_t ip[16];
    int64_t since_us, used_us;
    bool used; /* as a source; before that it may be tentative (RFC 4862, 5.4) */
};

/* The last word of a router, as it goes to such clients: an IPv6 packet. */
struct l3_router {
    uint8_t ip[16];
    int64_t until_us;
    GBytes *packet; /* NULL: none */
};

/* IPv6. What is in use is in l3port.a. */
struct l3_v6 {
    uint8_t link_local[16];
    bool is_off;            /* somebody else has the link-local address */
    int64_t local_until_us; /* so long it is tested */
    struct timer timer;     /* for the earliest of the times below; 0: none */
    unsigned solicitations;
    int64_t solicit_us;
    int64_t router_until_us; /* INT64_MAX: given by hand */
    struct l3_prefix prefix[NDP_PREFIX_MAX];
    unsigned n_prefix;

    /* The address that is being tested, and the one in use. */
    int64_t report_us; /* listeners are to be reported; 0: not */
    uint8_t tested[16];
    enum l3_source6 tested_from, from;
    int64_t tested_until_us; /* then it is ours */
    int64_t tested_valid_us, valid_us;
    unsigned conflicts;
    int64_t fallback_us; /* then SLAAC is good enough, though there should be DHCPv6; or a fixed
                            address is tested again */
    bool may_autoconfigure, has_candidate;
    struct ndp_prefix candidate; /* for SLAAC */

    struct dhcp6_client dhcp;
    struct timer dhcp_timer;
    struct ip dns[NDP_DNS_MAX];
    unsigned n_dns;
    unsigned mtu;

    struct l3_heard heard[L3_CLIENT6_MAX];
    unsigned n_heard;
    struct l3_router router[L3_ROUTERS_MAX];
};

struct l3port {
    struct session *session;
    struct worker *worker;
    struct hub *hub; /* counted */
    const struct l3port_ops *ops;
    void *owner;
    struct mac mac;
    unsigned mtu, max_super;
    bool wants4;
    enum l3port_v6 v6;
    struct fixed_address fixed;
    bool routes4, routes6; /* may send from addresses that are not its own */
    bool ended;

    struct l3port_address a; /* what is true now; dns is put together when it is told */
    struct l3port_address told;
    bool has_told, must_look; /* must_look: something may have to be told */
    int64_t give_up_us;       /* then configured() comes in any case */
    struct timer wait_timer;
    struct worker_deferred later;

    struct l3_v4 v4;
    struct l3_v6 ip6;
    struct l3_neigh neigh;
    struct timer neigh_timer;
    struct rate icmp;

    struct batch up;   /* to the hub; Ethernet */
    bool sending;      /* hub_port_receive() is on the stack */
    struct batch back; /* to the client, from ourselves; IP */
};

/* ---- l3port.c ---- */

/* Takes a frame to be sent into the hub. Nothing of a table may be in hand: it may be sent now. */
void l3_up(struct l3port *p, struct frame *f, int64_t now_us);
/* Sends what is there, unless it is being sent already. */
void l3_flush(struct l3port *p, int64_t now_us);
/* For what comes down: sends and tells at the end of the turn. */
void l3_flush_later(struct l3port *p);
/* A packet of our own for the client. */
void l3_back(struct l3port *p, struct frame *f);
void l3_flush_back(struct l3port *p, int64_t now_us);
/* An address came, changed or went: configured() comes later, if there is something to tell. */
void l3_changed(struct l3port *p);
void l3_drop(struct l3port *p, struct frame *f, enum drop why);
/* Neighbours have a deadline of their own. After each use of the table. */
void l3_arm_neigh(struct l3port *p);
/* A frame of so many bytes, which the caller fills; or NULL and counted. */
struct frame *l3_frame(struct l3port *p, size_t len);
/* Puts an Ethernet header before an IP packet; NULL leaves the address to be filled in. False
 * without headroom. */
bool l3_frame_push(struct l3port *p, struct frame *f, const struct mac *dst, uint16_t type);
/* Takes it off again. The frame is our own. */
void l3_frame_pull(struct frame *f);
/* That both the client and the segment can take. */
unsigned l3_mtu(const struct l3port *p, uint8_t family);

/* ---- l3_v4.c: addresses ---- */

void l3_v4_start(struct l3port *p, const char *hostname, int64_t now_us);
void l3_v4_stop(struct l3port *p, int64_t now_us);
/* Takes an ARP packet, behind the Ethernet header. */
void l3_arp_receive(struct l3port *p, struct reader in, int64_t now_us);
void l3_arp_solicit(struct l3port *p, uint32_t who, const struct mac *at, int64_t now_us);
/* What may be a DHCP answer to the port. */
void l3_dhcp4_receive(struct l3port *p, const struct frame *f, int64_t now_us);

/* ---- l3_v6.c: addresses that the port gets for the client ---- */

void l3_v6_start(struct l3port *p, int64_t now_us);
void l3_v6_stop(struct l3port *p, int64_t now_us);
/* An advertisement of this router; its options have been read. */
void l3_v6_router(struct l3port *p, const uint8_t from[16],
                  const struct ndp_router_advertisement *ra, int64_t now_us);
/* Somebody else has, or wants, an address that we test. False: it is not that one. */
bool
l3_v6_conflict(struct l3port *p, const uint8_t ip[16], const struct mac *other, int64_t now_us);
/* Somebody wants to know which groups we listen to. */
void l3_v6_queried(struct l3port *p, int64_t now_us);
/* A datagram for port 546. */
void l3_dhcp6_receive(struct l3port *p, struct reader payload, int64_t now_us);

/* ---- l3_ndp.c: neighbour discovery ---- */

enum {
    L3_NDP_FIRST = ICMP6_ROUTER_SOLICITATION,
    L3_NDP_LAST = ICMP6_REDIRECT,
};

/* Sends a packet of our own into the hub. */
void l3_up6(struct l3port *p, const struct ip6 *head, const struct mac *to, struct reader body,
            int64_t now_us);
void l3_ndp_solicit(struct l3port *p, const uint8_t who[16], const struct mac *at, int64_t now_us);
/* Asks whether somebody has the address that we want to have (RFC 4862, 5.4.2). */
void l3_ndp_test(struct l3port *p, const uint8_t addr[16], int64_t now_us);
/* Tells all that it is ours. */
void l3_ndp_announce(struct l3port *p, const uint8_t addr[16], int64_t now_us);
void l3_ndp_solicit_router(struct l3port *p, int64_t now_us);
/* Takes a neighbour discovery packet of the segment, an Ethernet frame. Does not take the frame. */
void l3_ndp_receive(struct l3port *p, const struct frame *f, const struct ip6 *ip, int64_t now_us);
/* Whether a packet without extension headers is neighbour discovery. */
static inline bool
l3_is_ndp(const uint8_t *ip, size_t total)
{
    return ip[IP6_AT_NEXT] == IP_PROTO_ICMP6 && total > IP6_HEADER &&
           ip[IP6_HEADER] >= L3_NDP_FIRST && ip[IP6_HEADER] <= L3_NDP_LAST;
}

static inline bool
l3_is_link_local(const uint8_t ip[16])
{
    return ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
}

static inline bool
l3_is_unspecified(const uint8_t ip[16])
{
    static const uint8_t zero[16];

    return memcmp(ip, zero, sizeof(zero)) == 0;
}

/* ---- l3_mld.c ---- */

void l3_mld_report(struct l3port *p, int64_t now_us);
bool l3_is_mld_query(const struct ip6 *ip);
/* When to answer a query that comes now. */
int64_t l3_mld_answer_us(int64_t now_us);

bool l3_in_prefix(const uint8_t ip[16], const uint8_t prefix[16], unsigned len);

/* ---- l3_client6.c: clients that make their own addresses ---- */

/* May the client have this address? */
bool l3_client6_may_use(const struct l3port *p, const uint8_t ip[16], int64_t now_us);
/* The client sends from it. False: it may not. */
bool l3_client6_uses(struct l3port *p, const uint8_t ip[16], int64_t now_us);
struct l3_heard *l3_client6_find(struct l3port *p, const uint8_t ip[16]);
/* Whether others may be told that the client has it. */
bool l3_client6_owns(struct l3port *p, const uint8_t ip[16], int64_t now_us);
/* Neighbour discovery of the client: an IP packet. DROP_NONE: dealt with; does not take it. */
enum drop l3_client6_ndp(struct l3port *p, const struct frame *f, int64_t now_us);
/* Neighbour discovery of the segment that the client is to have, without link-layer addresses. */
void l3_client6_pass(struct l3port *p, const struct ip6 *ip, int64_t now_us);
void l3_client6_stop(struct l3port *p);

/* ---- l3_inform.c: DHCP of the client itself ---- */

/* A packet of the client to a DHCP server: answered from what is known. Does not take the frame. */
void l3_inform(struct l3port *p, const struct frame *f);

/* ---- l3_icmp.c ---- */

/* A frame from the hub is too long for the client: says so to its sender. Does not take it. */
void l3_too_big(struct l3port *p, const struct frame *f, int64_t now_us);
/* A packet of the client (behind `skip` bytes) cannot go on: says so to the client. */
void l3_unreachable(struct l3port *p, const struct frame *f, size_t skip, int64_t now_us);
/* Whether a packet of the client is longer than the segment can take, as somebody there said, and
 * must not be cut; then the client hears of it. */
bool l3_is_too_big_up(struct l3port *p, const struct frame *f, int64_t now_us);
/* Cuts a frame (Ethernet, IPv4, no marks) to the client's MTU and hands the pieces to put().
 * Consumes it. */
void l3_fragment(struct l3port *p, struct frame *f, void (*put)(void *to, struct frame *piece),
                 void *to);

static inline uint16_t
l3_mss(const struct l3port *p, uint8_t family)
{
    return (uint16_t)(l3_mtu(p, family) - (family == 4 ? IP4_HEADER : IP6_HEADER) - TCP_HEADER);
}

/* ---- l3_ingress.c ---- */

void l3_deliver(struct l3port *p, struct batch *b, int64_t now_us);
