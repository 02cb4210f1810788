/* SPDX-License-Identifier: Apache-2.0 */
/* reservations.c - see reservations.h. */

#include "core/hub/dhcp/reservations.h"

#include <glib.h>

#include <string.h>

struct reservations {
    GTree *by_mac, *by_ip; /* of struct dhcp_reservation */
    struct dhcp_reservation *list;
};

static int
by_mac(const void *a, const void *b)
{
    const struct dhcp_reservation *x = a;
    const struct dhcp_reservation *y = b;

    return memcmp(x->mac.b, y->mac.b, sizeof(x->mac.b));
}

static int
by_ip(const void *a, const void *b)
{
    const struct dhcp_reservation *x = a;
    const struct dhcp_reservation *y = b;

    return x->ip4 < y->ip4 ? -1 : x->ip4 > y->ip4;
}

struct reservations *
reservations_new(const struct dhcp_reservation *list, unsigned n)
{
    struct reservations *r = g_new0(struct reservations, 1);

    n = MIN(n, DHCP_RESERVATIONS_MAX);
    r->by_mac = g_tree_new(by_mac);
    r->by_ip = g_tree_new(by_ip);
    r->list = g_memdup2(list, n * sizeof(list[0]));
    for (unsigned i = 0; i < n; i++) {
        struct dhcp_reservation *one = &r->list[i];
        if (g_tree_lookup(r->by_mac, one) || g_tree_lookup(r->by_ip, one))
            continue;
        g_tree_insert(r->by_mac, one, one);
        g_tree_insert(r->by_ip, one, one);
    }
    return r;
}

void
reservations_free(struct reservations *r)
{
    if (!r)
        return;
    g_tree_destroy(r->by_mac);
    g_tree_destroy(r->by_ip);
    g_free(r->list);
    g_free(r);
}

uint32_t
reservations_ip(const struct reservations *r, const struct mac *mac)
{
    struct dhcp_reservation key = {.mac = *mac};
    const struct dhcp_reservation *found = g_tree_lookup(r->by_mac, &key);

    return found ? found->ip4 : 0;
}

const struct mac *
reservations_mac(const struct reservations *r, uint32_t ip4)
{
    struct dhcp_reservation key = {.ip4 = ip4};
    const struct dhcp_reservation *found = g_tree_lookup(r->by_ip, &key);

    return found ? &found->mac : NULL;
}
