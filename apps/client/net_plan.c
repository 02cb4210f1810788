/* SPDX-License-Identifier: Apache-2.0 */
/* net_plan.c - see net_plan.h.
 *
 * All traffic: the default route goes through the tunnel for both families, and where there is no
 * gateway yet (or never, for IPv6 without a router) it ends on the adapter: what cannot be carried
 * is lost there and does not go around the tunnel.
 */
#include "apps/client/net_plan.h"

#include "core/base/error.h"

#include <string.h>

enum { METRIC = 50, METRIC_FENCE = 1000 };

static void
add_route(struct net_plan *p, const struct ip_prefix *to, const struct ip *via, unsigned metric)
{
    struct pf_route r = {.family = to->ip.family, .dst_len = to->len, .metric = metric};

    memcpy(r.dst, to->ip.b, sizeof r.dst);
    if (via && via->family == to->ip.family)
        memcpy(r.via, via->b, sizeof r.via);
    g_array_append_val(p->routes, r);
}

/* The network that an address lies in. */
static struct ip_prefix
network_of(const struct ip_prefix *address)
{
    struct ip_prefix n = *address;
    unsigned bits = n.ip.family == 4 ? 32 : 128;

    for (unsigned bit = n.len; bit < bits; bit++)
        n.ip.b[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
    return n;
}

static bool
is_host(const struct ip *ip)
{
    uint32_t v4 = ip_to_v4(ip);
    return ip->family == 4 && v4 >> 24 != 0 && v4 >> 24 != 127 && v4 < 0xe0000000;
}

static bool
take_offer(struct net_plan *p, const struct net_offer *offer, GError **error)
{
    char text[PREFIX_TEXT];

    if (!is_host(&offer->address.ip) || offer->address.len < NET_SHORTEST_PREFIX) {
        g_set_error(error, PE_ERROR, PE_ADDRESS_DENIED,
                    "the DHCP server offers %s, which is not an address for this machine",
                    ip_prefix_print(&offer->address, text));
        return false;
    }
    p->has_address = true;
    p->address = offer->address;
    p->gateway = offer->gateway;
    return true;
}

/* Routes that the DHCP server offers, for an account that wants them. The default route is not
 * among them: that is all_traffic's business. */
static void
add_offered_routes(struct net_plan *p, const struct net_offer *offer)
{
    for (unsigned i = 0; i < offer->n_routes; i++) {
        struct ip_prefix to = network_of(&offer->route[i].to);
        const struct ip *via = &offer->route[i].via;
        if (to.ip.family != 4 || to.len < NET_SHORTEST_PREFIX || to.ip.b[0] == 127 ||
            to.ip.b[0] >= 224)
            continue;
        if (ip_to_v4(via) != 0 && !ip_prefix_has(&p->address, via))
            continue;
        add_route(p, &to, ip_to_v4(via) != 0 ? via : NULL, METRIC);
    }
}

static void
add_default_routes(struct net_plan *p, const struct ip *router6)
{
    static const struct ip_prefix all4 = {.ip = {.family = 4}}, all6 = {.ip = {.family = 6}};

    p->default_route = true;
    if (p->has_address)
        add_route(p, &all4, p->gateway.family ? &p->gateway : NULL, METRIC);
    if (router6)
        add_route(p, &all6, router6, METRIC);
    add_route(p, &all4, NULL, METRIC_FENCE);
    add_route(p, &all6, NULL, METRIC_FENCE);
}

bool
net_plan_make(struct net_plan *out, const struct account *a, const struct net_offer *offer,
              const struct ip *router6, GError **error)
{
    struct net_plan p = {.routes = g_array_new(FALSE, TRUE, sizeof(struct pf_route))};

    if (a->address_mode == ADDRESS_STATIC) {
        p.has_address = true;
        p.address = a->address;
        p.gateway = a->gateway;
    } else if (a->address_mode == ADDRESS_DHCP && offer && !take_offer(&p, offer, error)) {
        net_plan_clear(&p);
        return false;
    }
    if (p.gateway.family && !ip_prefix_has(&p.address, &p.gateway))
        p.gateway.family = 0; /* not reachable: as if there were none */
    if (p.has_address) {
        struct ip_prefix network = network_of(&p.address);
        add_route(&p, &network, NULL, METRIC);
        for (guint i = 0; i < a->routes->len; i++)
            add_route(&p, &g_array_index(a->routes, struct ip_prefix, i),
                      p.gateway.family ? &p.gateway : NULL, METRIC);
        if (offer && a->accept_routes)
            add_offered_routes(&p, offer);
    }
    if (a->all_traffic)
        add_default_routes(&p, router6);
    *out = p;
    return true;
}

void
net_plan_clear(struct net_plan *p)
{
    g_clear_pointer(&p->routes, g_array_unref);
}
