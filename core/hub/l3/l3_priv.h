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
#include "core/net/flow.h"
#include "core/net/ip4.h"
#include "core/net/tcp.h"
#include "core/net/wire.h"

enum {
    L3_ICMP_PPS = 50, /* errors that a port sends, in either direction */
    L3_ICMP_BURST = 50,
    L3_DEFEND_US = 10000000, /* RFC 5227, 2.4 */
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
unsigned l3_mtu(const struct l3port *p); /* that both the client and the segment can take */

/* ---- l3_v4.c: addresses ---- */

void l3_v4_start(struct l3port *p, const char *hostname, int64_t now_us);
void l3_v4_stop(struct l3port *p, int64_t now_us);
/* Takes an ARP packet, behind the Ethernet header. */
void l3_arp_receive(struct l3port *p, struct reader in, int64_t now_us);
void l3_arp_solicit(struct l3port *p, uint32_t who, const struct mac *at, int64_t now_us);
/* What may be a DHCP answer to the port. */
void l3_dhcp4_receive(struct l3port *p, const struct frame *f, int64_t now_us);

/* ---- l3_inform.c: DHCP of the client itself ---- */

/* A packet of the client to a DHCP server: answered from what is known. Does not take the frame. */
void l3_inform(struct l3port *p, const struct frame *f, const struct flow *flow);

/* ---- l3_icmp.c ---- */

/* A frame from the hub is too long for the client: says so to its sender. Does not take it. */
void l3_too_big(struct l3port *p, const struct frame *f, int64_t now_us);
/* A packet of the client (behind `skip` bytes) cannot go on: says so to the client. */
void l3_unreachable(struct l3port *p, const struct frame *f, size_t skip, int64_t now_us);
/* Cuts a frame (Ethernet, IPv4, no marks) to the client's MTU and hands the pieces to put().
 * Consumes it. */
void l3_fragment(struct l3port *p, struct frame *f, void (*put)(void *to, struct frame *piece),
                 void *to);

/* Whether the TCP header of an IP packet of this length is there, with SYN: the rare case in which
 * the MSS is looked at. */
static inline bool
l3_is_syn(const uint8_t *ip, size_t l4, size_t total)
{
    return total >= l4 + TCP_HEADER && (ip[l4 + TCP_AT_FLAGS] & TCP_SYN);
}

static inline bool
l3_is_syn4(const uint8_t *ip, size_t header_len, size_t total)
{
    return (wire_get16(ip + IP4_AT_FRAGMENT) & IP4_OFFSET) == 0 && l3_is_syn(ip, header_len, total);
}

/* ---- l3_ingress.c ---- */

void l3_deliver(struct l3port *p, struct batch *b, int64_t now_us);
