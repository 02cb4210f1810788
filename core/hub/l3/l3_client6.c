/* SPDX-License-Identifier: Apache-2.0 */
/* l3_client6.c - IPv6 for clients that do router discovery and autoconfiguration themselves (PPP).
 *
 * The port stands between a link without Ethernet addresses and the segment: neighbour discovery
 * passes in both directions, with link-layer options taken out on the way to the client and the
 * port's own put in on the way to the hub. It learns which addresses the client has from what it
 * sends (its sources, and what it tests for duplicates), within fe80::/64 and the prefixes that
 * routers advertised, and answers for them. An address that a neighbour is known to have is never
 * the client's.
 *
 * What the last two routers said is kept and repeated when the client solicits: it may come up long
 * after they answered the port, and some clients do not wait for the next time.
 */

#include "core/hub/l3/l3_priv.h"
#include "core/net/checksum.h"

enum {
    TENTATIVE_US = 1500000, /* RFC 4862: a second, and what the way takes */
    KEEP_ROUTER_S = 600,
    MESSAGE_MAX = L3_MTU6_MIN - IP6_HEADER,
    OPTION_SOURCE = 1,
    OPTION_TARGET = 2,
    OPTION_MTU = 5,
    AT_ICMP_CHECKSUM = 2,
};
#define US INT64_C(1000000)

static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};
static const uint8_t all_routers[16] = {0xff, 2, [15] = 2};

/* ---- whose address ---- */

bool
l3_client6_may_use(const struct l3port *p, const uint8_t ip[16], int64_t now_us)
{
    static const uint8_t local[16] = {0xfe, 0x80};
    struct ip who = {.family = 6};
    bool is_within = l3_in_prefix(ip, local, 64);

    for (unsigned i = 0; i < p->ip6.n_prefix && !is_within; i++) {
        const struct l3_prefix *x = &p->ip6.prefix[i];
        is_within = x->len >= 32 && now_us < x->until_us && l3_in_prefix(ip, x->prefix, x->len);
    }
    memcpy(who.b, ip, sizeof(who.b));
    return is_within && !l3_neigh_knows(&p->neigh, &who, now_us);
}

struct l3_heard *
l3_client6_find(struct l3port *p, const uint8_t ip[16])
{
    for (unsigned i = 0; i < p->ip6.n_heard; i++) {
        if (memcmp(p->ip6.heard[i].ip, ip, 16) == 0)
            return &p->ip6.heard[i];
    }
    return NULL;
}

static struct l3_heard *
hear(struct l3port *p, const uint8_t ip[16], int64_t now_us)
{
    struct l3_heard *h = l3_client6_find(p, ip);

    if (h)
        return h;
    if (!l3_client6_may_use(p, ip, now_us))
        return NULL;
    if (p->ip6.n_heard < L3_CLIENT6_MAX) {
        h = &p->ip6.heard[p->ip6.n_heard++];
    } else {
        h = &p->ip6.heard[0];
        for (unsigned i = 1; i < L3_CLIENT6_MAX; i++) {
            if (p->ip6.heard[i].used_us < h->used_us)
                h = &p->ip6.heard[i];
        }
    }
    *h = (struct l3_heard){.since_us = now_us, .used_us = now_us};
    memcpy(h->ip, ip, sizeof(h->ip));
    return h;
}

bool
l3_client6_uses(struct l3port *p, const uint8_t ip[16], int64_t now_us)
{
    struct l3_heard *h = hear(p, ip, now_us);

    if (!h)
        return false;
    h->used = true;
    h->used_us = now_us;
    return true;
}

bool
l3_client6_owns(struct l3port *p, const uint8_t ip[16], int64_t now_us)
{
    const struct l3_heard *h = l3_client6_find(p, ip);

    return h && (h->used || now_us >= h->since_us + TENTATIVE_US);
}

/* Another host has it after all. */
static void
forget(struct l3port *p, const uint8_t ip[16])
{
    struct l3_heard *h = l3_client6_find(p, ip);

    if (h)
        *h = p->ip6.heard[--p->ip6.n_heard];
}

/* ---- to the client ---- */

/* The message without link-layer addresses, and with an MTU that fits the client's link. False when
 * it is too long, or broken. */
static bool
strip(const struct l3port *p, struct reader in, size_t fixed, struct writer *w)
{
    const uint8_t *head = reader_take(&in, fixed);

    if (!head)
        return false;
    writer_bytes(w, head, fixed);
    while (in.left > 0) {
        struct reader ahead = in;
        uint8_t type = reader_u8(&ahead);
        size_t len = (size_t)reader_u8(&ahead) * 8;
        const uint8_t *option = reader_take(&in, len);
        if (!option || len == 0)
            return false;
        if (type == OPTION_SOURCE || type == OPTION_TARGET)
            continue;
        size_t at = w->len;
        writer_bytes(w, option, len);
        if (type == OPTION_MTU && len == 8 && writer_ok(w) &&
            wire_get32(w->start + at + 4) > p->mtu)
            wire_put32(w->start + at + 4, p->mtu);
    }
    return writer_ok(w);
}

static size_t
fixed_part(uint8_t type)
{
    switch (type) {
    case ICMP6_ROUTER_ADVERTISEMENT:
        return 16;
    case ICMP6_NEIGHBOUR_SOLICITATION:
    case ICMP6_NEIGHBOUR_ADVERTISEMENT:
        return 24;
    default:
        return 8;
    }
}

/* The whole packet in bytes; its length, or 0. */
static size_t
stripped(const struct l3port *p, const struct ip6 *from, uint8_t bytes[L3_MTU6_MIN])
{
    struct writer body = writer_of(bytes + IP6_HEADER, MESSAGE_MAX);
    struct writer head = writer_of(bytes, IP6_HEADER);
    struct ip6 ip = *from;

    if (!strip(p, from->body, fixed_part(from->body.at[0]), &body))
        return 0;
    ip.payload_len = (uint16_t)body.len;
    ip6_write(&head, &ip);
    wire_put16(body.start + AT_ICMP_CHECKSUM, 0);
    uint64_t sum = csum_pseudo6(ip.src, ip.dst, IP_PROTO_ICMP6, (uint32_t)body.len);
    wire_put16(body.start + AT_ICMP_CHECKSUM, csum_finish(csum_add(sum, body.start, body.len)));
    return IP6_HEADER + body.len;
}

static void
keep_router(struct l3port *p, const struct ip6 *from, const uint8_t *packet, size_t len,
            int64_t now_us)
{
    struct l3_router *r = &p->ip6.router[0];

    for (unsigned i = 0; i < L3_ROUTERS_MAX; i++) {
        struct l3_router *x = &p->ip6.router[i];
        bool is_same = x->packet && memcmp(x->ip, from->src, 16) == 0;
        if (is_same || x->until_us < r->until_us)
            r = x;
        if (is_same)
            break;
    }
    g_clear_pointer(&r->packet, g_bytes_unref);
    r->until_us = 0;
    uint16_t lifetime_s = wire_get16(from->body.at + 6);
    if (lifetime_s == 0)
        return;
    memcpy(r->ip, from->src, sizeof(r->ip));
    r->packet = g_bytes_new(packet, len);
    r->until_us = now_us + MIN(lifetime_s, KEEP_ROUTER_S) * US;
}

static void
give(struct l3port *p, const void *packet, size_t len)
{
    struct frame *f = l3_frame(p, len);

    if (!f)
        return;
    memcpy(f->data, packet, len);
    l3_back(p, f);
    l3_flush_later(p);
}

void
l3_client6_pass(struct l3port *p, const struct ip6 *ip, int64_t now_us)
{
    uint8_t bytes[L3_MTU6_MIN];
    struct ip6 to_all = *ip;
    bool is_router = ip->body.at[0] == ICMP6_ROUTER_ADVERTISEMENT;

    if (is_router) /* also one that answered the port alone */
        memcpy(to_all.dst, all_nodes, sizeof(to_all.dst));
    size_t len = stripped(p, &to_all, bytes);
    if (len == 0)
        return;
    if (is_router)
        keep_router(p, ip, bytes, len, now_us);
    if (ip->body.at[0] == ICMP6_NEIGHBOUR_ADVERTISEMENT) {
        const struct l3_heard *h = l3_client6_find(p, ip->body.at + 8);
        if (h && !h->used) /* what the client tests belongs to another */
            forget(p, ip->body.at + 8);
    }
    give(p, bytes, len);
}

static void
repeat_routers(struct l3port *p, int64_t now_us)
{
    for (unsigned i = 0; i < L3_ROUTERS_MAX; i++) {
        const struct l3_router *r = &p->ip6.router[i];
        gsize len = 0;
        if (!r->packet || now_us >= r->until_us)
            continue;
        const void *bytes = g_bytes_get_data(r->packet, &len);
        give(p, bytes, len);
    }
}

/* ---- from the client ---- */

/* Sends a message of the client's with our link-layer address. */
static void
send_up(struct l3port *p, const struct ip6 *head, struct reader body, int64_t now_us)
{
    struct ip6 ip = {.next = IP_PROTO_ICMP6, .hop_limit = 255};
    struct ip who = {.family = 6};
    struct mac to;

    memcpy(ip.src, head->src, sizeof(ip.src));
    memcpy(ip.dst, head->dst, sizeof(ip.dst));
    memcpy(who.b, head->dst, sizeof(who.b));
    if (head->dst[0] == 0xff)
        ndp_multicast_mac(head->dst, &to);
    else if (!l3_neigh_find(&p->neigh, &who, &to, now_us))
        return; /* to a neighbour that is not known: nothing that would have to arrive */
    l3_up6(p, &ip, &to, body, now_us);
}

static enum drop
solicit_router(struct l3port *p, const struct ip6 *ip, int64_t now_us)
{
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct ip6 head = *ip;
    bool has_mac;
    struct mac mac;
    bool is_unspecified = l3_is_unspecified(ip->src);
    enum drop why = ndp_parse_router_solicitation(ip->body, ip->hop_limit, &has_mac, &mac);

    if (why != DROP_NONE)
        return why;
    if (!is_unspecified && !l3_client6_uses(p, ip->src, now_us))
        return DROP_BAD_SOURCE;
    memcpy(head.dst, all_routers, sizeof(head.dst));
    ndp_write_router_solicitation(&w, is_unspecified ? NULL : &p->mac, head.src, head.dst);
    send_up(p, &head, reader_of(bytes, w.len), now_us);
    repeat_routers(p, now_us);
    return DROP_NONE;
}

static enum drop
neighbour(struct l3port *p, const struct ip6 *ip, int64_t now_us)
{
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct ndp_neighbour n;
    bool is_test = l3_is_unspecified(ip->src);
    enum drop why = ndp_parse_neighbour(ip->body, ip->hop_limit, &n);

    if (why != DROP_NONE)
        return why;
    if (is_test && (n.advertisement || !hear(p, n.target, now_us)))
        return DROP_BAD_SOURCE;
    if (!is_test && !l3_client6_uses(p, ip->src, now_us))
        return DROP_BAD_SOURCE;
    if (n.advertisement && !l3_client6_find(p, n.target))
        return DROP_BAD_SOURCE;
    n.has_mac = !is_test;
    n.mac = p->mac;
    n.flags &= (uint8_t)~NDP_NA_ROUTER;
    ndp_write_neighbour(&w, &n, ip->src, ip->dst);
    send_up(p, ip, reader_of(bytes, w.len), now_us);
    return DROP_NONE;
}

enum drop
l3_client6_ndp(struct l3port *p, const struct frame *f, int64_t now_us)
{
    struct ip6 ip;
    enum drop why = ip6_parse(reader_of(f->data, f->len), &ip);

    if (why != DROP_NONE)
        return why;
    switch (ip.body.at[0]) {
    case ICMP6_ROUTER_SOLICITATION:
        return solicit_router(p, &ip, now_us);
    case ICMP6_NEIGHBOUR_SOLICITATION:
    case ICMP6_NEIGHBOUR_ADVERTISEMENT:
        return neighbour(p, &ip, now_us);
    default: /* a client is no router */
        return DROP_POLICY;
    }
}

void
l3_client6_stop(struct l3port *p)
{
    for (unsigned i = 0; i < L3_ROUTERS_MAX; i++)
        g_clear_pointer(&p->ip6.router[i].packet, g_bytes_unref);
}
