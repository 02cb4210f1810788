/* SPDX-License-Identifier: Apache-2.0 */
/* vhost_in.c - what comes from the hub: checked, and given to whom it is for. */

#include "core/hub/nat/vhost_priv.h"
#include "core/net/checksum.h"
#include "core/net/dhcp4.h"
#include "core/net/dhcp6.h"
#include "core/net/tcp.h"

enum { DNS_PORT = 53 };

static bool
is_own(const struct vhost *v, const struct flow *fl)
{
    if (fl->version == 4)
        return memcmp(fl->dst, v->ip4.b, 4) == 0;
    return v->config.use_ip6 &&
           (memcmp(fl->dst, v->ip6.b, 16) == 0 || memcmp(fl->dst, v->link_local.b, 16) == 0);
}

/* Frames come from peers: what nobody has checked is checked here. */
static bool
is_sound(const struct frame *f, const struct flow *fl)
{
    const uint8_t *ip = f->data + fl->l3;
    if (fl->version == 4 && !ip4_checksum_is_good(ip, (ip[0] & 0x0fu) * 4u))
        return false;
    if (f->flags & (FRAME_NEEDS_CSUM | FRAME_CSUM_OK))
        return true;
    size_t len = fl->end - fl->l4;
    const uint8_t *l4 = f->data + fl->l4;
    uint64_t sum = 0;
    switch (fl->proto) {
    case IP_PROTO_UDP:
        if (fl->version == 4 && l4[UDP_AT_CHECKSUM] == 0 && l4[UDP_AT_CHECKSUM + 1] == 0)
            return true;
        break;
    case IP_PROTO_TCP:
    case IP_PROTO_ICMP6:
        break;
    case IP_PROTO_ICMP:
        return csum_is_good(csum_add(0, l4, len));
    default:
        return true;
    }
    sum = fl->version == 4 ? csum_pseudo4(fl->src, fl->dst, fl->proto, (uint16_t)len)
                           : csum_pseudo6(fl->src, fl->dst, fl->proto, (uint32_t)len);
    return csum_is_good(csum_add(sum, l4, len));
}

/* An address that may be a client's: of one host, and not ours. */
static bool
is_client(const struct vhost *v, const struct ip *ip)
{
    if (ip->family == 4)
        return ip4_is_host(ip_to_v4(ip)) && !ip_equal(ip, &v->ip4);
    return ip->b[0] != 0xff && !ip_equal(ip, &v->ip6) && !ip_equal(ip, &v->link_local) &&
           memcmp(ip->b, (const uint8_t[16]){0}, 15) != 0;
}

/* ---- UDP and TCP to this host ---- */

static void
received_own(struct vhost *v, const struct vhost_packet *p)
{
    const struct flow *fl = &p->flow;
    struct udp udp;
    switch (fl->proto) {
    case IP_PROTO_ICMP:
    case IP_PROTO_ICMP6:
        vhost_icmp_received(v, p);
        break;
    case IP_PROTO_UDP:
        if (fl->dport == DNS_PORT && v->config.use_nat &&
            udp_parse(reader_of(p->frame->data + fl->l4, fl->end - fl->l4), &udp) == DROP_NONE)
            nat_dns_received(v, p, udp.body);
        else
            vhost_icmp_error(v, p, VHOST_NO_PORT);
        break;
    case IP_PROTO_TCP:
        nat_tcp_flow_received(v, p); /* DNS by TCP goes on, all else is refused */
        break;
    default:
        break;
    }
}

/* DHCP from clients that have no address yet. True: taken. */
static bool
takes_dhcp(struct vhost *v, const struct vhost_packet *p)
{
    const struct flow *fl = &p->flow;
    bool is4 = fl->version == 4;
    struct udp udp;
    if (fl->proto != IP_PROTO_UDP || fl->dport != (is4 ? DHCP4_SERVER_PORT : DHCP6_SERVER_PORT))
        return false;
    if (fl->sport != (is4 ? DHCP4_CLIENT_PORT : DHCP6_CLIENT_PORT) ||
        udp_parse(reader_of(p->frame->data + fl->l4, fl->end - fl->l4), &udp) != DROP_NONE)
        return true;
    if (is4)
        vhost_dhcp4_received(v, udp.body, &p->src_mac, p->now_us);
    else
        vhost_dhcp6_received(v, udp.body, fl->src, &p->src_mac, p->now_us);
    return true;
}

/* ---- to be passed on ---- */

static void
forward(struct vhost *v, const struct vhost_packet *p)
{
    const struct flow *fl = &p->flow;
    const uint8_t *ip = p->frame->data + fl->l3;
    struct ip dst = vhost_ip(fl->version, fl->dst);
    if (eth_is_group(p->frame->data))
        return; /* broadcast and multicast stay in the hub */
    if (fl->version == 6 && fl->src[0] == 0xfe && (fl->src[1] & 0xc0) == 0x80)
        return; /* and so does what is link-local */
    if (!v->config.use_nat || !nat_may_reach(v, &dst)) {
        vhost_count_drop(v, DROP_POLICY);
        vhost_icmp_error(v, p, v->config.use_nat ? VHOST_PROHIBITED : VHOST_NO_ROUTE);
        return;
    }
    if (ip[fl->version == 4 ? 8 : 7] <= 1) {
        vhost_icmp_error(v, p, VHOST_TTL_EXCEEDED);
        return;
    }
    if (nat_kernel_takes(v, fl)) {
        nat_kernel_send(v, p);
        return;
    }
    switch (fl->proto) {
    case IP_PROTO_TCP:
        nat_tcp_flow_received(v, p);
        break;
    case IP_PROTO_UDP:
        nat_udp_received(v, p);
        break;
    case IP_PROTO_ICMP:
    case IP_PROTO_ICMP6:
        nat_ping_received(v, p);
        break;
    default:
        vhost_icmp_error(v, p, VHOST_PROHIBITED);
        break;
    }
}

static enum drop
received_ip(struct vhost *v, struct vhost_packet *p)
{
    const struct flow *fl = &p->flow;
    if (fl->version == 6 && !v->config.use_ip6)
        return DROP_NONE;
    if (fl->flags & FLOW_ROUTED)
        return DROP_POLICY;
    bool by_kernel = nat_kernel_takes(v, fl); /* which wants pieces as they are, and checks them */
    if ((fl->flags & FLOW_FRAGMENT) && !by_kernel) {
        struct frame *whole = batch_is_full(&v->whole) ? NULL : nat_fragment_received(v, p);
        if (whole)
            batch_add(&v->whole, whole); /* its turn comes after this batch */
        return DROP_NONE;
    }
    if (!by_kernel) {
        if (fl->l4 == 0 || fl->l4 > fl->end || !is_sound(p->frame, fl))
            return DROP_MALFORMED;
        if (vhost_ndp_takes(v, p) || takes_dhcp(v, p))
            return DROP_NONE;
    }
    struct ip src = vhost_ip(fl->version, fl->src);
    if (!is_client(v, &src))
        return DROP_BAD_SOURCE;
    p->client = nat_client_seen(v, &src, &p->src_mac, p->now_us);
    if (!p->client)
        return DROP_QUEUE_FULL;
    if (is_own(v, fl))
        received_own(v, p);
    else
        forward(v, p);
    return DROP_NONE;
}

static void
received(struct vhost *v, struct frame *f, int64_t now_us)
{
    struct vhost_packet p = {.frame = f, .now_us = now_us};
    enum drop why = flow_of_frame(f, &p.flow);
    if (why == DROP_NONE && !eth_is_group(f->data) && memcmp(f->data, v->config.mac.b, 6) != 0)
        return; /* flooded by the hub, and for somebody else */
    if (why == DROP_NONE && p.flow.tags == 0) {
        memcpy(p.src_mac.b, f->data + 6, 6);
        if (p.flow.type == ETH_TYPE_ARP)
            vhost_arp_received(v, f, now_us);
        else if (p.flow.version != 0)
            why = received_ip(v, &p);
    }
    if (why != DROP_NONE)
        vhost_count_drop(v, why);
}

static void
take(struct vhost *v, struct batch *b, int64_t now_us)
{
    for (unsigned i = 0; i < b->n; i++)
        received(v, b->frame[i], now_us);
    for (unsigned i = 0; i < v->whole.n; i++)
        received(v, v->whole.frame[i], now_us);
    nat_tcp_flows_settle(v, now_us); /* while the frames are still there */
    nat_udp_flush(v, now_us);
    nat_kernel_flush(v);
    batch_free_frames(&v->whole);
    batch_free_frames(b);
}

void
vhost_take_late(struct worker_deferred *d, int64_t now_us)
{
    struct vhost *v = container_of(d, struct vhost, take_late);
    struct batch b = v->late;
    v->late.n = 0;
    take(v, &b, now_us);
}

void
vhost_deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    struct vhost *v = hub_port_owner(port);
    if (!v->is_flushing) {
        take(v, b, now_us);
        return;
    }
    /* We are inside of something that sends: a flow must not change underneath. */
    for (unsigned i = 0; i < b->n; i++) {
        if (batch_is_full(&v->late))
            hub_port_drop(port, b->frame[i], DROP_QUEUE_FULL);
        else
            batch_add(&v->late, b->frame[i]);
    }
    b->n = 0;
    worker_defer(v->worker, &v->take_late);
}
