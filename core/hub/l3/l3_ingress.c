/* SPDX-License-Identifier: Apache-2.0 */
/* l3_ingress.c - from the hub to the client: what is for it, without Ethernet, in its size.
 *
 * A hub floods what it does not know, so much comes that is for others: it is put aside without
 * being counted as lost. Frames that a flood shares are copied only when they are really for the
 * client, for then their start moves.
 */

#include "core/hub/l3/l3_priv.h"
#include "core/net/dhcp4.h"
#include "core/net/eth.h"
#include "core/net/mss.h"
#include "core/net/segment.h"
#include "core/net/udp.h"

#include <string.h>

struct pass {
    struct l3port *p;
    int64_t now_us;
    struct batch out; /* IP, for the client */
};

/* What is to become of a frame. */
enum verdict {
    IGNORED, /* not for us, or dealt with */
    REFUSED, /* for the client, but it may not have it */
    WANTED,
};

/* ---- out ---- */

static void
send_out(struct pass *pass)
{
    if (pass->out.n > 0)
        pass->p->ops->send(pass->p->owner, &pass->out, pass->now_us);
    pass->out.n = 0;
}

/* Our own frame, whole: the Ethernet header goes. */
static void
put(struct pass *pass, struct frame *f)
{
    l3_frame_pull(f);
    if (batch_is_full(&pass->out))
        send_out(pass);
    batch_add(&pass->out, f);
}

static void
put_piece(void *to, struct frame *piece)
{
    put(to, piece);
}

/* ---- size ---- */

static void
refuse_length(struct pass *pass, struct frame *f)
{
    l3_too_big(pass->p, f, pass->now_us);
    l3_flush_later(pass->p);
    l3_drop(pass->p, f, DROP_MTU);
}

/* IPv4 without "do not fragment". */
static bool
may_fragment(const struct frame *f)
{
    const uint8_t *ip = f->data + ETH_HEADER;

    return ip[0] == 0x45 && (wire_get16(ip + IP4_AT_FRAGMENT) & IP4_DF) == 0;
}

static void
put_plain(struct pass *pass, struct frame *f)
{
    enum drop why = DROP_NONE;
    bool too_long = f->len - ETH_HEADER > pass->p->mtu;

    if (too_long && !may_fragment(f)) {
        refuse_length(pass, f);
        return;
    }
    if ((f->flags & FRAME_NEEDS_CSUM) && (too_long || pass->p->max_super == 0))
        why = csum_complete(f);
    if (why != DROP_NONE)
        l3_drop(pass->p, f, why);
    else if (too_long)
        l3_fragment(pass->p, f, put_piece, pass);
    else
        put(pass, f);
}

static void
put_segments(struct pass *pass, struct frame *f, struct segment_iter *it)
{
    struct frame_pool *pool = worker_pool(pass->p->worker);
    unsigned lost = 0;
    bool done = false;

    while (!done) {
        struct batch b = {.n = 0};
        done = segment_to_batch(it, pool, &b, &lost);
        for (unsigned i = 0; i < b.n; i++)
            put_plain(pass, b.frame[i]);
    }
    hub_port_count_drop(pass->p->session->port, DROP_NO_BUFFER, lost);
    frame_free(f);
}

static struct frame *
own(struct pass *pass, struct frame *f)
{
    f = frame_own(worker_pool(pass->p->worker), f);
    if (!f)
        hub_port_count_drop(pass->p->session->port, DROP_NO_BUFFER, 1);
    return f;
}

static void
put_super(struct pass *pass, struct frame *f)
{
    struct l3port *p = pass->p;
    struct segment_iter it;
    enum drop why = segment_begin(&it, f);

    if (why != DROP_NONE) {
        l3_drop(p, f, why);
        return;
    }
    bool too_long = segment_longest(&it) - ETH_HEADER > p->mtu;
    if (too_long && !may_fragment(f)) {
        refuse_length(pass, f);
    } else if (too_long || f->len - ETH_HEADER > p->max_super) {
        put_segments(pass, f, &it);
    } else {
        f = own(pass, f);
        if (f)
            put(pass, f);
    }
}

/* An IP packet for the client, of this length without padding. */
static void
give(struct pass *pass, struct frame *f, size_t total)
{
    if (frame_is_super(f)) {
        put_super(pass, f);
        return;
    }
    f = own(pass, f);
    if (!f)
        return;
    f->len = (uint32_t)(ETH_HEADER + total);
    size_t l4 = mss_find_syn(reader_of(f->data + ETH_HEADER, total));
    if (l4 > 0)
        (void)tcp_clamp_mss(f, ETH_HEADER + l4,
                            l3_mss(pass->p, f->data[ETH_HEADER] >> 4 == 4 ? 4 : 6));
    put_plain(pass, f);
}

/* ---- IPv4 ---- */

/* A broadcast of somebody who asks for an address. The client cannot be a server of that, since its
 * own DHCP does not get past its port; and where many log in, each of them would hear of all. */
static bool
is_dhcp_question(const struct frame *f, const uint8_t *ip, size_t header_len)
{
    return ip[9] == IP_PROTO_UDP && eth_is_group(f->data) &&
           f->len >= ETH_HEADER + header_len + 4 &&
           wire_get16(ip + header_len + 2) == DHCP4_SERVER_PORT &&
           (wire_get16(ip + IP4_AT_FRAGMENT) & IP4_OFFSET) == 0;
}

static enum verdict
judge4(struct pass *pass, const struct frame *f, const uint8_t *ip, size_t header_len)
{
    struct l3port *p = pass->p;
    uint32_t dst = wire_get32(ip + IP4_AT_DST);

    if (ip[9] == IP_PROTO_UDP && f->len >= ETH_HEADER + header_len + 4 &&
        wire_get16(ip + header_len + 2) == DHCP4_CLIENT_PORT &&
        wire_get16(ip + header_len) == DHCP4_SERVER_PORT) {
        l3_dhcp4_receive(p, f, pass->now_us);
        return IGNORED;
    }
    if (!p->a.has4 || is_dhcp_question(f, ip, header_len))
        return IGNORED;
    if (dst == p->a.ip4 || dst == UINT32_MAX || dst == p->v4.broadcast || dst >> 28 == 0xe)
        return WANTED;
    if (eth_is_group(f->data))
        return IGNORED;
    return p->routes4 ? WANTED : REFUSED;
}

static void
receive4(struct pass *pass, struct frame *f)
{
    const uint8_t *ip = f->data + ETH_HEADER;
    enum drop why = DROP_NONE;

    if (f->len < ETH_HEADER + IP4_HEADER) {
        l3_drop(pass->p, f, DROP_SHORT);
        return;
    }
    size_t header_len = (size_t)(ip[0] & 0x0f) * 4;
    size_t total = wire_get16(ip + IP4_AT_LENGTH);
    if (ip[0] >> 4 != 4)
        why = DROP_VERSION;
    else if (header_len < IP4_HEADER || total < header_len)
        why = DROP_MALFORMED;
    else if (total > f->len - ETH_HEADER)
        why = DROP_SHORT;
    enum verdict verdict = why == DROP_NONE ? judge4(pass, f, ip, header_len) : REFUSED;
    if (verdict == WANTED)
        give(pass, f, total);
    else if (verdict == REFUSED)
        l3_drop(pass->p, f, why != DROP_NONE ? why : DROP_POLICY);
    else
        frame_free(f);
}

/* ---- IPv6 ---- */

static bool
is_client6(struct l3port *p, const uint8_t *dst)
{
    if (p->v6 == L3PORT_V6_CLIENT)
        return l3_client6_find(p, dst) != NULL;
    return p->a.has6 && memcmp(dst, p->a.ip6, 16) == 0;
}

/* A datagram for the port's own DHCPv6. */
static bool
take_dhcp6(struct pass *pass, const struct frame *f, const struct flow *flow)
{
    struct udp udp;

    if (flow->proto != IP_PROTO_UDP || flow->l4 == 0 || (flow->flags & FLOW_FRAGMENT) ||
        flow->dport != DHCP6_CLIENT_PORT || pass->p->v6 != L3PORT_V6_TOLD)
        return false;
    if (memcmp(flow->dst, pass->p->ip6.link_local, 16) == 0 &&
        udp_parse(reader_of(f->data + flow->l4, flow->end - flow->l4), &udp) == DROP_NONE)
        l3_dhcp6_receive(pass->p, udp.body, pass->now_us);
    return true;
}

static enum verdict
judge6(struct pass *pass, const struct frame *f, const uint8_t *ip, size_t total)
{
    struct l3port *p = pass->p;
    const uint8_t *dst = ip + IP6_AT_DST;
    struct ip6 head;
    struct flow flow;

    if (p->v6 == L3PORT_V6_NONE || p->ip6.is_off)
        return IGNORED;
    if (l3_is_ndp(ip, total)) {
        if (ip6_parse(reader_of(ip, total), &head) == DROP_NONE)
            l3_ndp_receive(p, f, &head, pass->now_us);
        return IGNORED;
    }
    if (ip[IP6_AT_NEXT] == IP_PROTO_UDP && total >= IP6_HEADER + UDP_HEADER &&
        wire_get16(ip + IP6_HEADER + 2) == DHCP6_CLIENT_PORT &&
        flow_of_frame(f, &flow) == DROP_NONE && take_dhcp6(pass, f, &flow))
        return IGNORED;
    /* Listener discovery has such a header; its hosts are those of the segment. */
    if (p->v6 == L3PORT_V6_TOLD && ip[IP6_AT_NEXT] == IP_PROTO_HOP_BY_HOP && dst[0] == 0xff) {
        if (ip6_parse(reader_of(ip, total), &head) == DROP_NONE && l3_is_mld_query(&head))
            l3_v6_queried(p, pass->now_us);
        return IGNORED;
    }
    if (is_client6(p, dst))
        return WANTED;
    if (dst[0] == 0xff)
        return p->v6 == L3PORT_V6_CLIENT || p->a.has6 ? WANTED : IGNORED;
    if (eth_is_group(f->data) || memcmp(dst, p->ip6.link_local, 16) == 0)
        return IGNORED;
    return p->routes6 ? WANTED : REFUSED;
}

static void
receive6(struct pass *pass, struct frame *f)
{
    const uint8_t *ip = f->data + ETH_HEADER;
    enum drop why = DROP_NONE;

    if (f->len < ETH_HEADER + IP6_HEADER) {
        l3_drop(pass->p, f, DROP_SHORT);
        return;
    }
    size_t total = IP6_HEADER + (size_t)wire_get16(ip + IP6_AT_LENGTH);
    if (ip[0] >> 4 != 6)
        why = DROP_VERSION;
    else if (total > f->len - ETH_HEADER)
        why = DROP_SHORT;
    enum verdict verdict = why == DROP_NONE ? judge6(pass, f, ip, total) : REFUSED;
    if (verdict == WANTED)
        give(pass, f, total);
    else if (verdict == REFUSED)
        l3_drop(pass->p, f, why != DROP_NONE ? why : DROP_POLICY);
    else
        frame_free(f);
}

/* ---- all ---- */

static void
receive_arp(struct pass *pass, struct frame *f)
{
    struct reader in = reader_of(f->data, f->len);

    (void)reader_take(&in, ETH_HEADER);
    l3_arp_receive(pass->p, in, pass->now_us);
    frame_free(f);
}

static void
receive_one(struct pass *pass, struct frame *f)
{
    if (f->len < ETH_HEADER) {
        l3_drop(pass->p, f, DROP_SHORT);
        return;
    }
    bool is_ours = memcmp(f->data, pass->p->mac.b, sizeof(pass->p->mac.b)) == 0;
    uint16_t type = wire_get16(f->data + 12);
    if (!is_ours && !eth_is_group(f->data))
        type = 0; /* flooded, and for another */
    switch (type) {
    case ETH_TYPE_IP4:
        receive4(pass, f);
        return;
    case ETH_TYPE_IP6:
        receive6(pass, f);
        return;
    case ETH_TYPE_ARP:
        receive_arp(pass, f);
        return;
    default:
        frame_free(f);
        return;
    }
}

void
l3_deliver(struct l3port *p, struct batch *b, int64_t now_us)
{
    struct pass pass;

    pass.p = p;
    pass.now_us = now_us;
    pass.out.n = 0;
    for (unsigned i = 0; i < b->n; i++) {
        if (i + 4 < b->n)
            __builtin_prefetch(b->frame[i + 4]->data);
        receive_one(&pass, b->frame[i]);
    }
    b->n = 0;
    l3_arm_neigh(p);
    send_out(&pass);
}
