/* SPDX-License-Identifier: Apache-2.0 */
/* net_plan.h - which address and routes the adapter gets, from what the account allows and what the
 * network behind the tunnel offers. No I/O: the plan is carried out by net_setup.h.
 *
 * The server and whoever answers DHCP behind it are not trusted with this machine's other traffic:
 * nothing outside the adapter's own network is routed into the tunnel unless the account says so
 * (routes, all_traffic, accept_routes), and an own network larger than a /8 is refused.
 */
#pragma once

#include "apps/client/account.h"
#include "core/base/addr.h"
#include "platform/platform.h"

#include <glib.h>

#include <stdbool.h>

enum {
    NET_SHORTEST_PREFIX = 8, /* of an offered network or route: no half of the Internet */
    NET_OFFER_ROUTES = 64,
    NET_OFFER_DNS = 4,
    NET_DOMAIN_MAX = 256,
};

/* What a DHCP server offers. All of it is untrusted. */
struct net_offer {
    struct ip_prefix address;
    struct ip gateway; /* family 0 for none */
    struct ip dns[NET_OFFER_DNS];
    unsigned n_dns;
    char domain[NET_DOMAIN_MAX];
    struct {
        struct ip_prefix to;
        struct ip via; /* 0.0.0.0: on the link */
    } route[NET_OFFER_ROUTES];
    unsigned n_routes;
};

struct net_plan {
    bool has_address;
    struct ip_prefix address;
    struct ip gateway; /* family 0 for none */
    bool default_route;
    GArray *routes; /* struct pf_route, table 0: net_setup.h fills it in */
};

/* offer: NULL for none (yet). router6: a router that announced itself over IPv6, or NULL. Fails
 * when the offer asks for too much; then there is nothing to clear. */
bool net_plan_make(struct net_plan *out, const struct account *a, const struct net_offer *offer,
                   const struct ip *router6, GError **error);
void net_plan_clear(struct net_plan *p);
