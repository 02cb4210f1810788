/* SPDX-License-Identifier: Apache-2.0 */
/* l3_ndp.c - neighbour discovery on the segment: asks, answers, learns (RFC 4861, 7.2). */

#include "core/hub/l3/l3_priv.h"
#include "core/net/checksum.h"
#include "core/net/eth.h"

static const uint8_t unspecified[16];
static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};
static const uint8_t all_routers[16] = {0xff, 2, [15] = 2};

enum { MESSAGE_MAX = 64 };

bool
l3_in_prefix(const uint8_t ip[16], const uint8_t prefix[16], unsigned len)
{
    unsigned whole = len / 8;
    unsigned bits = len % 8;

    return memcmp(ip, prefix, whole) == 0 &&
           (bits == 0 || ((ip[whole] ^ prefix[whole]) >> (8 - bits)) == 0);
}

/* ---- outwards ---- */

void
l3_up6(struct l3port *p, const struct ip6 *head, const struct mac *to, struct reader body,
       int64_t now_us)
{
    size_t total = ETH_HEADER + IP6_HEADER + body.left;
    struct frame *f = l3_frame(p, total);
    struct ip6 ip = *head;

    if (!f)
        return;
    struct writer w = writer_of(f->data, total);
    ip.payload_len = (uint16_t)body.left;
    eth_write(&w, to, &p->mac, ETH_TYPE_IP6);
    ip6_write(&w, &ip);
    writer_bytes(&w, body.at, body.left);
    l3_up(p, f, now_us);
}

static struct ip6
header(const uint8_t src[16], const uint8_t dst[16])
{
    struct ip6 ip = {.next = IP_PROTO_ICMP6, .hop_limit = 255};

    memcpy(ip.src, src, sizeof(ip.src));
    memcpy(ip.dst, dst, sizeof(ip.dst));
    return ip;
}

static void
send_neighbour(struct l3port *p, const struct ndp_neighbour *n, const struct ip6 *ip,
               const struct mac *to, int64_t now_us)
{
    uint8_t bytes[MESSAGE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    ndp_write_neighbour(&w, n, ip->src, ip->dst);
    l3_up6(p, ip, to, reader_of(bytes, w.len), now_us);
}

/* The address from which the port itself speaks. */
static const uint8_t *
own_address(const struct l3port *p)
{
    if (p->v6 == L3PORT_V6_CLIENT) { /* one that the client answers to, if there is one */
        for (unsigned i = 0; i < p->ip6.n_heard; i++) {
            if (p->ip6.heard[i].used && l3_is_link_local(p->ip6.heard[i].ip))
                return p->ip6.heard[i].ip;
        }
    }
    return p->a.has6 ? p->a.ip6 : p->ip6.link_local;
}

void
l3_ndp_solicit(struct l3port *p, const uint8_t who[16], const struct mac *at, int64_t now_us)
{
    struct ndp_neighbour n = {.has_mac = true, .mac = p->mac};
    struct ip6 ip = header(own_address(p), who);
    struct mac to;

    memcpy(n.target, who, sizeof(n.target));
    if (at) {
        to = *at;
    } else {
        ndp_solicited_node(who, ip.dst);
        ndp_multicast_mac(ip.dst, &to);
    }
    send_neighbour(p, &n, &ip, &to, now_us);
}

void
l3_ndp_test(struct l3port *p, const uint8_t addr[16], int64_t now_us)
{
    struct ndp_neighbour n = {0};
    struct ip6 ip = header(unspecified, addr);
    struct mac to;

    memcpy(n.target, addr, sizeof(n.target));
    ndp_solicited_node(addr, ip.dst);
    ndp_multicast_mac(ip.dst, &to);
    send_neighbour(p, &n, &ip, &to, now_us);
}

void
l3_ndp_announce(struct l3port *p, const uint8_t addr[16], int64_t now_us)
{
    struct ndp_neighbour n = {
        .advertisement = true, .flags = NDP_NA_OVERRIDE, .has_mac = true, .mac = p->mac};
    struct ip6 ip = header(addr, all_nodes);
    struct mac to;

    memcpy(n.target, addr, sizeof(n.target));
    ndp_multicast_mac(ip.dst, &to);
    send_neighbour(p, &n, &ip, &to, now_us);
}

void
l3_ndp_solicit_router(struct l3port *p, int64_t now_us)
{
    uint8_t bytes[MESSAGE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct ip6 ip = header(p->ip6.link_local, all_routers);
    struct mac to;

    ndp_write_router_solicitation(&w, &p->mac, ip.src, ip.dst);
    ndp_multicast_mac(ip.dst, &to);
    l3_up6(p, &ip, &to, reader_of(bytes, w.len), now_us);
}

/* ---- inwards ---- */

static bool
is_ours(struct l3port *p, const uint8_t ip[16], int64_t now_us)
{
    if (p->v6 == L3PORT_V6_CLIENT)
        return l3_client6_owns(p, ip, now_us) ||
               (p->ip6.n_heard == 0 && memcmp(ip, p->ip6.link_local, 16) == 0);
    return memcmp(ip, p->ip6.link_local, 16) == 0 || (p->a.has6 && memcmp(ip, p->a.ip6, 16) == 0);
}

/* Only what an Ethernet neighbour can be: no group, and not ourselves. */
static void
learn(struct l3port *p, const uint8_t ip[16], const struct mac *mac, enum l3_neigh_how how,
      int64_t now_us)
{
    struct ip who = {.family = 6};

    memcpy(who.b, ip, sizeof(who.b));
    if (ip[0] == 0xff || l3_is_unspecified(ip) || eth_is_zero(mac->b) || mac_equal(mac, &p->mac) ||
        is_ours(p, ip, now_us))
        return;
    l3_neigh_learn(&p->neigh, &who, mac, how, now_us);
}

static void
on_solicitation(struct l3port *p, const struct ndp_neighbour *asked, const struct ip6 *from,
                const struct mac *eth_src, int64_t now_us)
{
    bool is_test = l3_is_unspecified(from->src); /* RFC 4862, 5.4: wants to have it */
    struct ndp_neighbour n = {
        .advertisement = true, .flags = NDP_NA_OVERRIDE, .has_mac = true, .mac = p->mac};
    struct ip6 ip = header(asked->target, is_test ? all_nodes : from->src);
    struct mac to = asked->has_mac ? asked->mac : *eth_src;

    if (is_test && l3_v6_conflict(p, asked->target, eth_src, now_us))
        return;
    if (!is_ours(p, asked->target, now_us)) {
        if (is_test && p->v6 == L3PORT_V6_CLIENT && l3_client6_find(p, asked->target))
            l3_client6_pass(p, from, now_us); /* both test it: the client has to know */
        return;
    }
    memcpy(n.target, asked->target, sizeof(n.target));
    if (is_test) {
        ndp_multicast_mac(all_nodes, &to);
    } else {
        n.flags |= NDP_NA_SOLICITED;
        learn(p, from->src, &to, L3_NEIGH_ASKS, now_us);
    }
    send_neighbour(p, &n, &ip, &to, now_us);
}

static void
on_advertisement(struct l3port *p, const struct ndp_neighbour *n, const struct ip6 *from,
                 const struct mac *eth_src, int64_t now_us)
{
    bool solicited = n->flags & NDP_NA_SOLICITED;

    if (l3_v6_conflict(p, n->target, eth_src, now_us))
        return;
    if (solicited && from->dst[0] != 0xff) /* 7.1.2 */
        learn(p, n->target, n->has_mac ? &n->mac : eth_src, L3_NEIGH_ANSWER, now_us);
    else if (n->has_mac && (n->flags & NDP_NA_OVERRIDE))
        learn(p, n->target, &n->mac, L3_NEIGH_CLAIM, now_us);
    if (p->v6 == L3PORT_V6_CLIENT &&
        (l3_client6_find(p, n->target) || l3_client6_find(p, from->dst)))
        l3_client6_pass(p, from, now_us);
}

static void
on_router(struct l3port *p, const struct ip6 *from, int64_t now_us)
{
    struct ndp_router_advertisement ra;

    if (!l3_is_link_local(from->src) || /* 6.1.2 */
        ndp_parse_router_advertisement(from->body, from->hop_limit, &ra) != DROP_NONE)
        return;
    if (ra.has_mac)
        learn(p, from->src, &ra.mac, L3_NEIGH_ASKS, now_us);
    l3_v6_router(p, from->src, &ra, now_us);
    if (p->v6 == L3PORT_V6_CLIENT)
        l3_client6_pass(p, from, now_us);
}

/* Whoever marked the frame says that it is right, or leaves it to be completed. */
static bool
has_good_checksum(const struct frame *f, const struct ip6 *ip)
{
    if (f->flags & (FRAME_NEEDS_CSUM | FRAME_CSUM_OK))
        return true;
    uint64_t sum = csum_pseudo6(ip->src, ip->dst, IP_PROTO_ICMP6, ip->payload_len);

    return csum_is_good(csum_add(sum, ip->body.at, ip->body.left));
}

void
l3_ndp_receive(struct l3port *p, const struct frame *f, const struct ip6 *ip, int64_t now_us)
{
    struct ndp_neighbour n;
    struct mac src;

    if (p->v6 == L3PORT_V6_NONE || p->ip6.is_off || !has_good_checksum(f, ip))
        return;
    memcpy(src.b, f->data + sizeof(src.b), sizeof(src.b));
    uint8_t type = ip->body.at[0];
    if (type == ICMP6_ROUTER_ADVERTISEMENT) {
        on_router(p, ip, now_us);
    } else if ((type == ICMP6_NEIGHBOUR_SOLICITATION || type == ICMP6_NEIGHBOUR_ADVERTISEMENT) &&
               ndp_parse_neighbour(ip->body, ip->hop_limit, &n) == DROP_NONE) {
        if (n.advertisement)
            on_advertisement(p, &n, ip, &src, now_us);
        else
            on_solicitation(p, &n, ip, &src, now_us);
    }
    l3_flush_later(p);
}
