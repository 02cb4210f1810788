/* SPDX-License-Identifier: Apache-2.0 */
/* link_dhcp.c - an address for the adapter, asked for through the session.
 *
 * The machine of core/net/dhcp4_client.h is given a timer and the frames of the link. It goes on
 * while the session is away: a lease runs out then, too, and what it sends is lost. When the
 * session is back, the address is asked for again before it is trusted. Answers to us are kept from
 * the system, where a DHCP client of the administrator's could take them for its own.
 */
#include "apps/client/link_priv.h"
#include "core/base/random.h"
#include "core/net/dhcp4_client.h"
#include "core/net/eth.h"

#include <string.h>

struct link_dhcp {
    struct link *link;
    struct dhcp4_client machine;
    struct timer timer;
    struct mac mac;
    struct mac from;   /* of the frame in hand */
    struct mac server; /* or the relay; where unicast messages go */
    bool is_running;
    int64_t now_us; /* of the call into the machine */
};

static void
rearm(struct link_dhcp *d)
{
    if (d->machine.deadline_us > 0)
        timer_arm(worker_timers(d->link->worker), &d->timer, d->machine.deadline_us);
    else
        timer_cancel(worker_timers(d->link->worker), &d->timer);
}

static void
on_timer(struct timer *t, int64_t now_us)
{
    struct link_dhcp *d = container_of(t, struct link_dhcp, timer);

    d->now_us = now_us;
    dhcp4_client_tick(&d->machine, now_us);
    rearm(d);
}

static void
on_send(void *owner, struct reader payload, uint32_t src, uint32_t dst)
{
    static const struct mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    struct link_dhcp *d = owner;

    if (!d->link->is_open)
        return;
    struct frame *f =
        dhcp4_frame_build(worker_pool(d->link->worker), &d->mac,
                          dst == UINT32_MAX ? &everybody : &d->server, src, dst, payload);
    if (f)
        link_send_one(d->link, f, d->now_us);
}

static struct net_offer
offer_of(const struct dhcp4_lease *lease)
{
    struct net_offer o = {.address = {ip_from_v4(lease->address), lease->prefix_len}};

    if (lease->n_gateways > 0)
        o.gateway = ip_from_v4(lease->gateway[0]);
    for (unsigned i = 0; i < lease->n_dns && i < NET_OFFER_DNS; i++)
        o.dns[o.n_dns++] = ip_from_v4(lease->dns[i]);
    g_strlcpy(o.domain, lease->domain, sizeof o.domain);
    for (unsigned i = 0; i < lease->n_routes && i < NET_OFFER_ROUTES; i++) {
        const struct dhcp4_route *r = &lease->route[i];
        /* RFC 3442: the default route may be here, in place of the option for gateways. */
        if (r->len == 0 && o.gateway.family == 0)
            o.gateway = ip_from_v4(r->via);
        o.route[o.n_routes].to = (struct ip_prefix){ip_from_v4(r->dst), r->len};
        o.route[o.n_routes++].via = ip_from_v4(r->via);
    }
    return o;
}

static void
on_bound(void *owner, const struct dhcp4_lease *lease, bool changed)
{
    struct link_dhcp *d = owner;

    d->server = d->from;
    if (!changed)
        return;
    struct net_offer offer = offer_of(lease);
    struct link_event e = {.kind = LINK_LEASED, .offer = &offer};
    link_ear_post(d->link->ear, d->link->session, &e);
}

static void
on_lost(void *owner)
{
    struct link_dhcp *d = owner;
    struct link_event e = {.kind = LINK_LEASE_LOST};

    link_ear_post(d->link->ear, d->link->session, &e);
}

static uint32_t
on_random(void *owner)
{
    (void)owner;
    return random_u32();
}

static const struct dhcp4_client_ops machine_ops = {
    .send = on_send, .bound = on_bound, .lost = on_lost, .random = on_random};

struct link_dhcp *
link_dhcp_new(struct link *l)
{
    struct link_dhcp *d = g_new0(struct link_dhcp, 1);

    d->link = l;
    pf_vnic_mac(l->vnic, d->mac.b);
    timer_init(&d->timer, on_timer);
    dhcp4_client_init(&d->machine, &d->mac, g_get_host_name(), &machine_ops, d);
    return d;
}

void
link_dhcp_free(struct link_dhcp *d)
{
    if (!d)
        return;
    timer_cancel(worker_timers(d->link->worker), &d->timer);
    g_free(d);
}

void
link_dhcp_start(struct link_dhcp *d, int64_t now_us)
{
    bool has_lease = d->machine.state >= DHCP4_BOUND;

    d->now_us = now_us;
    d->is_running = true;
    dhcp4_client_start(&d->machine, has_lease ? d->machine.lease.address : 0, now_us);
    rearm(d);
}

void
link_dhcp_release(struct link_dhcp *d, int64_t now_us)
{
    if (!d->is_running)
        return;
    d->now_us = now_us;
    d->is_running = false;
    dhcp4_client_stop(&d->machine, now_us);
    rearm(d);
}

bool
link_dhcp_take(struct link_dhcp *d, const struct frame *f, int64_t now_us)
{
    struct reader payload;
    struct eth eth;

    if (!d->is_running || !dhcp4_frame_match(f, &d->mac, &payload))
        return false;
    if (eth_parse(reader_of(f->data, f->len), &eth) == DROP_NONE)
        d->from = eth.src;
    d->now_us = now_us;
    dhcp4_client_received(&d->machine, payload, now_us);
    rearm(d);
    return true;
}
