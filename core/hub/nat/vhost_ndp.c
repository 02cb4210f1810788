/* SPDX-License-Identifier: Apache-2.0 */
/* vhost_ndp.c - the virtual host as an IPv6 neighbour and router (RFC 4861): it answers who has its
 * addresses, and says by router advertisements that it is there, what the prefix is and who
 * resolves names; at the start a few times soon, then every RA_INTERVAL_S, when it is asked, and at
 * the end that it goes.
 */

#include "core/hub/nat/vhost_priv.h"
#include "core/net/icmp.h"
#include "core/net/ndp.h"

enum { RA_SOON = 3, RA_SOON_US = 4 * 1000 * 1000, NDP_MAX = 512, NDP_HOP_LIMIT = 255 };

static const struct ip all_nodes = {6, {0xff, 0x02, [15] = 1}};

static void
send_icmp(struct vhost *v, const struct mac *mac, const struct ip *src, const struct ip *dst,
          struct reader message)
{
    const struct vhost_route route = {
        .mac = mac, .src = src, .dst = dst, .proto = IP_PROTO_ICMP6, .ttl = NDP_HOP_LIMIT};
    uint8_t *l4 = NULL;
    struct frame *f = vhost_frame_new(v, &route, message.left, &l4);
    if (!f)
        return;
    memcpy(l4, message.at, message.left);
    vhost_send(v, f);
}

/* ---- the router ---- */

static void
advertise(struct vhost *v, const struct mac *mac, const struct ip *dst, unsigned lifetime_s)
{
    struct dhcp6_server_config c = v->config.dhcp6;
    uint8_t bytes[NDP_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    c.mac = v->config.mac;
    c.mtu = v->config.mtu;
    router_advertisement_write(&w, &c, v->link_local.b, dst->b, lifetime_s);
    if (writer_ok(&w))
        send_icmp(v, mac, &v->link_local, dst, reader_of(bytes, w.len));
}

static void
advertise_to_all(struct vhost *v, unsigned lifetime_s)
{
    struct mac mac;
    ndp_multicast_mac(all_nodes.b, &mac);
    advertise(v, &mac, &all_nodes, lifetime_s);
}

static void
on_ra_timer(struct timer *t, int64_t now_us)
{
    struct vhost *v = container_of(t, struct vhost, ra_timer);
    int64_t wait_us = v->n_advertised < RA_SOON ? RA_SOON_US : (int64_t)RA_INTERVAL_S * 1000000;
    v->n_advertised++;
    advertise_to_all(v, RA_LIFETIME_S);
    timer_arm(worker_timers(v->worker), t, now_us + wait_us);
}

void
vhost_ndp_start(struct vhost *v, int64_t now_us)
{
    timer_init(&v->ra_timer, on_ra_timer);
    if (!v->config.use_ip6)
        return;
    v->n_advertised = 0;
    on_ra_timer(&v->ra_timer, now_us);
}

void
vhost_ndp_stop(struct vhost *v)
{
    if (!timer_is_armed(&v->ra_timer))
        return;
    timer_cancel(worker_timers(v->worker), &v->ra_timer);
    advertise_to_all(v, 0);
}

static void
solicited(struct vhost *v, const struct vhost_packet *p, const struct ip *from, bool unspecified,
          struct reader message)
{
    bool has_mac;
    struct mac mac;
    uint8_t hop_limit = p->frame->data[p->flow.l3 + 7];
    if (ndp_parse_router_solicitation(message, hop_limit, &has_mac, &mac) != DROP_NONE)
        return;
    if (unspecified)
        advertise_to_all(v, RA_LIFETIME_S);
    else
        advertise(v, &p->src_mac, from, RA_LIFETIME_S);
}

/* ---- the neighbour ---- */

static void
answer(struct vhost *v, const struct vhost_packet *p, const struct ip *from, bool unspecified,
       const uint8_t target[16])
{
    const struct ndp_neighbour na = {
        .advertisement = true,
        .flags = (uint8_t)(NDP_NA_ROUTER | NDP_NA_OVERRIDE | (unspecified ? 0 : NDP_NA_SOLICITED)),
        .has_mac = true,
        .mac = v->config.mac,
    };
    struct ndp_neighbour out = na;
    memcpy(out.target, target, sizeof(out.target));
    struct ip src = vhost_ip(6, target);
    struct mac mac = p->src_mac;
    const struct ip *dst = unspecified ? &all_nodes : from;
    if (unspecified) /* somebody is about to take this address: all shall hear whose it is */
        ndp_multicast_mac(dst->b, &mac);
    uint8_t bytes[NDP_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    ndp_write_neighbour(&w, &out, src.b, dst->b);
    if (writer_ok(&w))
        send_icmp(v, &mac, &src, dst, reader_of(bytes, w.len));
}

static void
neighbour(struct vhost *v, const struct vhost_packet *p, const struct ip *from, bool unspecified,
          struct reader message)
{
    struct ndp_neighbour n;
    uint8_t hop_limit = p->frame->data[p->flow.l3 + 7];
    if (ndp_parse_neighbour(message, hop_limit, &n) != DROP_NONE)
        return;
    if (!unspecified)
        (void)nat_client_seen(v, from, &p->src_mac, p->now_us);
    if (n.advertisement)
        return;
    if (memcmp(n.target, v->ip6.b, 16) == 0 || memcmp(n.target, v->link_local.b, 16) == 0)
        answer(v, p, from, unspecified, n.target);
}

bool
vhost_ndp_takes(struct vhost *v, const struct vhost_packet *p)
{
    static const uint8_t zero[16] = {0};
    const struct flow *fl = &p->flow;
    if (fl->version != 6 || fl->proto != IP_PROTO_ICMP6 || fl->l4 >= fl->end)
        return false;
    uint8_t type = p->frame->data[fl->l4];
    if (type < ICMP6_ROUTER_SOLICITATION || type > ICMP6_REDIRECT)
        return false;
    struct ip from = vhost_ip(6, fl->src);
    bool unspecified = memcmp(fl->src, zero, sizeof(zero)) == 0;
    struct reader message = reader_of(p->frame->data + fl->l4, fl->end - fl->l4);
    if (fl->src[0] == 0xff || !rate_take(&v->icmp_rate, 1, p->now_us))
        return true;
    if (type == ICMP6_ROUTER_SOLICITATION)
        solicited(v, p, &from, unspecified, message);
    else if (type == ICMP6_NEIGHBOUR_SOLICITATION || type == ICMP6_NEIGHBOUR_ADVERTISEMENT)
        neighbour(v, p, &from, unspecified, message);
    return true;
}
