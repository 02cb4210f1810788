/* SPDX-License-Identifier: Apache-2.0 */
/* l3_egress.c - from the client to the hub: whose source it is, which way it goes, and Ethernet.
 *
 * Packets of one batch mostly go one way, so where the last one went is remembered until the end of
 * the batch; the neighbour table is asked once for each run of equal destinations.
 */

#include "core/base/clock.h"
#include "core/hub/l3/l3_priv.h"
#include "core/net/dhcp4.h"
#include "core/net/eth.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/mss.h"
#include "core/net/tcp.h"
#include "core/net/udp.h"
#include "core/net/wire.h"

#include <string.h>

/* What is remembered within a batch. */
struct pass {
    struct l3port *p;
    int64_t now_us;
    bool has_last, has_last6;
    uint32_t last; /* destination */
    struct mac mac;
    uint8_t last6[16];
    struct mac mac6;
};

/* ---- IPv4 ---- */

static bool
is_own_source(const struct l3port *p, uint32_t src)
{
    if (!p->a.has4)
        return false;
    return src == p->a.ip4 || (p->routes4 && ip4_is_host(src) && src != p->a.gateway4);
}

static enum drop
next_hop(const struct l3port *p, uint32_t dst, uint32_t *hop)
{
    if (dst == p->a.ip4)
        return DROP_HAIRPIN;
    *hop = dst;
    if (((dst ^ p->a.ip4) & p->v4.mask) == 0)
        return DROP_NONE;
    for (unsigned i = 0; i < p->a.n_route4; i++) { /* the longest come first */
        const struct dhcp4_route *r = &p->a.route4[i];
        if (r->len > 0 && (dst ^ r->dst) >> (32 - r->len) != 0)
            continue;
        if (r->via != 0)
            *hop = r->via;
        return DROP_NONE;
    }
    *hop = p->a.gateway4;
    return p->a.gateway4 != 0 ? DROP_NONE : DROP_NO_ROUTE;
}

/* A destination that needs no asking. */
static bool
is_group(const struct l3port *p, uint32_t dst, struct mac *out)
{
    if (dst == UINT32_MAX || (p->v4.broadcast != 0 && dst == p->v4.broadcast)) {
        *out = (struct mac){{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
        return true;
    }
    if (dst >> 28 != 0xe)
        return false;
    *out = (struct mac){{0x01, 0x00, 0x5e, (uint8_t)(dst >> 16 & 0x7f), (uint8_t)(dst >> 8),
                         (uint8_t)dst}}; /* RFC 1112, 6.4 */
    return true;
}

/* DROP_NONE: sent, or waits. */
static enum drop
send_to(struct pass *pass, struct frame *f, uint32_t dst)
{
    struct l3port *p = pass->p;
    uint32_t hop;

    if (!pass->has_last || pass->last != dst) {
        pass->has_last = is_group(p, dst, &pass->mac);
        pass->last = dst;
    }
    if (!pass->has_last) {
        enum drop why = next_hop(p, dst, &hop);
        if (why != DROP_NONE)
            return why;
        struct ip who = ip_from_v4(hop);
        pass->has_last = l3_neigh_find(&p->neigh, &who, &pass->mac, pass->now_us);
        if (!pass->has_last) {
            if (!l3_frame_push(p, f, NULL, ETH_TYPE_IP4))
                return DROP_NO_HEADROOM;
            return l3_neigh_wait(&p->neigh, &who, f, pass->now_us) ? DROP_NONE : DROP_QUEUE_FULL;
        }
    }
    if (!l3_frame_push(p, f, &pass->mac, ETH_TYPE_IP4))
        return DROP_NO_HEADROOM;
    l3_up(p, f, pass->now_us);
    return DROP_NONE;
}

/* Packets of the client's own DHCP end here. */
static bool
is_dhcp(const uint8_t *ip, size_t header_len, size_t total)
{
    return ip[9] == IP_PROTO_UDP && total >= header_len + UDP_HEADER &&
           wire_get16(ip + header_len + 2) == DHCP4_SERVER_PORT &&
           (wire_get16(ip + IP4_AT_FRAGMENT) & IP4_OFFSET) == 0;
}

static enum drop
send4(struct pass *pass, struct frame *f)
{
    struct l3port *p = pass->p;
    const uint8_t *ip = f->data;

    if (f->len < IP4_HEADER)
        return DROP_SHORT;
    size_t header_len = (size_t)(ip[0] & 0x0f) * 4;
    size_t total = wire_get16(ip + IP4_AT_LENGTH);
    if (header_len < IP4_HEADER || total < header_len)
        return DROP_MALFORMED;
    if (total > f->len)
        return DROP_SHORT;
    f->len = (uint32_t)total;
    if (is_dhcp(ip, header_len, total)) {
        l3_inform(p, f);
        frame_free(f);
        return DROP_NONE;
    }
    if (!is_own_source(p, wire_get32(ip + IP4_AT_SRC)))
        return DROP_BAD_SOURCE;
    if (l3_is_too_big_up(p, f, pass->now_us))
        return DROP_MTU;
    size_t l4 = mss_find_syn(reader_of(ip, total));
    if (l4 > 0)
        (void)tcp_clamp_mss(f, l4, l3_mss(p, 4));
    enum drop why = send_to(pass, f, wire_get32(ip + IP4_AT_DST));
    if (why == DROP_NO_ROUTE)
        l3_unreachable(p, f, 0, pass->now_us);
    return why;
}

/* ---- IPv6 ---- */

static bool
is_own_source6(struct pass *pass, const uint8_t *src)
{
    struct l3port *p = pass->p;

    if (src[0] == 0xff || l3_is_unspecified(src))
        return false;
    if (p->v6 == L3PORT_V6_CLIENT && l3_client6_uses(p, src, pass->now_us))
        return true;
    if (p->v6 == L3PORT_V6_TOLD && p->a.has6 && memcmp(src, p->a.ip6, 16) == 0)
        return true;
    return p->routes6 && (p->a.has6 || p->ip6.n_heard > 0) && !l3_is_link_local(src) &&
           memcmp(src, p->a.gateway6, 16) != 0;
}

static bool
is_on_link(const struct l3port *p, const uint8_t *dst)
{
    if (l3_is_link_local(dst))
        return true;
    if (p->ip6.from == L3_V6_FIXED && l3_in_prefix(dst, p->a.ip6, p->a.len6))
        return true;
    for (unsigned i = 0; i < p->ip6.n_prefix; i++) {
        const struct l3_prefix *x = &p->ip6.prefix[i];
        if (x->on_link && l3_in_prefix(dst, x->prefix, x->len))
            return true;
    }
    return false;
}

static enum drop
next_hop6(struct l3port *p, const uint8_t *dst, struct ip *hop)
{
    bool is_own = p->v6 == L3PORT_V6_CLIENT ? l3_client6_find(p, dst) != NULL
                                            : memcmp(dst, p->a.ip6, 16) == 0;

    if (is_own)
        return DROP_HAIRPIN;
    hop->family = 6;
    memcpy(hop->b, is_on_link(p, dst) ? dst : p->a.gateway6, 16);
    return l3_is_unspecified(hop->b) ? DROP_NO_ROUTE : DROP_NONE;
}

/* DROP_NONE: sent, or waits. */
static enum drop
send_to6(struct pass *pass, struct frame *f)
{
    struct l3port *p = pass->p;
    const uint8_t *dst = f->data + IP6_AT_DST;
    struct ip hop = {0};

    if (!pass->has_last6 || memcmp(pass->last6, dst, 16) != 0) {
        memcpy(pass->last6, dst, 16);
        pass->has_last6 = dst[0] == 0xff;
        if (pass->has_last6)
            ndp_multicast_mac(dst, &pass->mac6);
    }
    if (!pass->has_last6) {
        enum drop why = next_hop6(p, dst, &hop);
        if (why != DROP_NONE)
            return why;
        pass->has_last6 = l3_neigh_find(&p->neigh, &hop, &pass->mac6, pass->now_us);
        if (!pass->has_last6) {
            if (!l3_frame_push(p, f, NULL, ETH_TYPE_IP6))
                return DROP_NO_HEADROOM;
            return l3_neigh_wait(&p->neigh, &hop, f, pass->now_us) ? DROP_NONE : DROP_QUEUE_FULL;
        }
    }
    if (!l3_frame_push(p, f, &pass->mac6, ETH_TYPE_IP6))
        return DROP_NO_HEADROOM;
    l3_up(p, f, pass->now_us);
    return DROP_NONE;
}

/* What a client that is told its address has no business to send: it is no host of the segment. */
static bool
is_forbidden6(const struct l3port *p, const uint8_t *ip, size_t total)
{
    return p->v6 == L3PORT_V6_TOLD &&
           (l3_is_ndp(ip, total) || (ip[IP6_AT_NEXT] == IP_PROTO_UDP && total >= IP6_HEADER + 4 &&
                                     wire_get16(ip + IP6_HEADER + 2) == DHCP6_SERVER_PORT));
}

/* Reports of multicast listeners come from "::" before there is an address (RFC 3590). */
static bool
is_early_report(const struct l3port *p, const uint8_t *ip)
{
    return p->v6 == L3PORT_V6_CLIENT && ip[IP6_AT_NEXT] == IP_PROTO_HOP_BY_HOP &&
           ip[IP6_AT_DST] == 0xff && l3_is_unspecified(ip + IP6_AT_SRC);
}

static enum drop
send6(struct pass *pass, struct frame *f)
{
    struct l3port *p = pass->p;
    const uint8_t *ip = f->data;

    if (p->v6 == L3PORT_V6_NONE || p->ip6.is_off)
        return DROP_VERSION;
    if (f->len < IP6_HEADER)
        return DROP_SHORT;
    size_t total = IP6_HEADER + (size_t)wire_get16(ip + IP6_AT_LENGTH);
    if (total > f->len)
        return DROP_SHORT;
    f->len = (uint32_t)total;
    if (is_forbidden6(p, ip, total))
        return DROP_POLICY;
    if (l3_is_ndp(ip, total)) {
        enum drop why = l3_client6_ndp(p, f, pass->now_us);
        if (why == DROP_NONE)
            frame_free(f);
        return why;
    }
    if (!is_own_source6(pass, ip + IP6_AT_SRC) && !is_early_report(p, ip))
        return DROP_BAD_SOURCE;
    if (l3_is_too_big_up(p, f, pass->now_us))
        return DROP_MTU;
    size_t l4 = mss_find_syn(reader_of(ip, total));
    if (l4 > 0)
        (void)tcp_clamp_mss(f, l4, l3_mss(p, 6));
    enum drop why = send_to6(pass, f);
    if (why == DROP_NO_ROUTE)
        l3_unreachable(p, f, 0, pass->now_us);
    return why;
}

/* ---- the way in ---- */

static enum drop
send_one(struct pass *pass, struct frame *f)
{
    if (f->len == 0)
        return DROP_SHORT;
    if (f->data[0] >> 4 == 4)
        return send4(pass, f);
    if (f->data[0] >> 4 == 6)
        return send6(pass, f);
    return DROP_VERSION;
}

void
l3port_receive(struct l3port *p, struct batch *b, int64_t now_us)
{
    struct pass pass = {.p = p, .now_us = now_us};

    atomic_store_explicit(&p->session->last_comm_ms, clock_wall_ms(), memory_order_relaxed);
    for (unsigned i = 0; i < b->n; i++) {
        if (i + 4 < b->n)
            __builtin_prefetch(b->frame[i + 4]->data);
        enum drop why = send_one(&pass, b->frame[i]);
        if (why != DROP_NONE)
            l3_drop(p, b->frame[i], why);
    }
    b->n = 0;
    l3_arm_neigh(p);
    l3_flush(p, now_us);
    l3_flush_back(p, now_us);
}
