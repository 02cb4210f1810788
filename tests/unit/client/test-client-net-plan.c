/* SPDX-License-Identifier: Apache-2.0 */
/* test-client-net-plan.c - what a far end may have of this machine's routes, and what it may not.
 */
#include "apps/client/net_plan.h"
#include "core/base/error.h"

#include <glib.h>

#include <string.h>

static struct account *
account_with(json_t *fields)
{
    struct account *a = account_new();

    g_assert_true(account_apply(a, fields, NULL));
    json_decref(fields);
    return a;
}

static struct ip
ip_of(const char *text)
{
    struct ip ip;
    g_assert_true(ip_parse(text, &ip));
    return ip;
}

static struct ip_prefix
prefix_of(const char *text)
{
    struct ip_prefix p;
    g_assert_true(ip_prefix_parse(text, &p));
    return p;
}

static struct net_offer
offer_of(const char *address, const char *gateway)
{
    struct net_offer o = {.address = prefix_of(address)};
    if (gateway)
        o.gateway = ip_of(gateway);
    return o;
}

static void
add_route(struct net_offer *o, const char *to, const char *via)
{
    o->route[o->n_routes].to = prefix_of(to);
    o->route[o->n_routes++].via = ip_of(via);
}

/* "to via gateway; to; ..." in order. */
static char *
routes_text(const struct net_plan *p)
{
    GString *out = g_string_new(NULL);
    static const uint8_t none[16];

    for (guint i = 0; i < p->routes->len; i++) {
        const struct pf_route *r = &g_array_index(p->routes, struct pf_route, i);
        struct ip_prefix to = {.ip.family = (uint8_t)r->family, .len = r->dst_len};
        struct ip via = {.family = (uint8_t)r->family};
        char text[PREFIX_TEXT], via_text[IP_TEXT];
        memcpy(to.ip.b, r->dst, 16);
        memcpy(via.b, r->via, 16);
        g_string_append_printf(out, "%s%s", i > 0 ? "; " : "", ip_prefix_print(&to, text));
        if (memcmp(r->via, none, 16) != 0)
            g_string_append_printf(out, " via %s", ip_print(&via, via_text));
    }
    return g_string_free(out, FALSE);
}

static void
check(json_t *fields, const struct net_offer *offer, const char *router6, const char *want)
{
    struct account *a = account_with(fields);
    struct net_plan p;
    struct ip router = {0};
    g_autoptr(GError) error = NULL;

    if (router6)
        router = ip_of(router6);
    g_assert_true(net_plan_make(&p, a, offer, router6 ? &router : NULL, &error));
    g_assert_no_error(error);
    g_autofree char *got = routes_text(&p);
    g_assert_cmpstr(got, ==, want);
    net_plan_clear(&p);
    account_free(a);
}

static void
test_plain(void)
{
    struct net_offer o = offer_of("192.168.30.10/24", "192.168.30.1");

    check(json_pack("{s:s}", "address", "none"), NULL, NULL, "");
    check(json_pack("{s:s}", "address", "dhcp"), NULL, NULL, "");
    check(json_pack("{s:s}", "address", "dhcp"), &o, NULL, "192.168.30.0/24");
    check(json_pack("{s:s}", "address", "none"), &o, NULL, "");
    check(json_pack("{s:s}", "address", "10.0.0.5/24"), &o, NULL, "10.0.0.0/24");
}

static void
test_routes(void)
{
    struct net_offer o = offer_of("192.168.30.10/24", "192.168.30.1");
    struct net_offer lost = offer_of("192.168.30.10/24", "192.168.31.1");

    check(json_pack("{s:[s,s]}", "routes", "10.1.0.0/16", "2001:db8::/32"), &o, NULL,
          "192.168.30.0/24; 10.1.0.0/16 via 192.168.30.1; 2001:db8::/32");
    /* a gateway that is not in the network is none */
    check(json_pack("{s:[s]}", "routes", "10.1.0.0/16"), &lost, NULL,
          "192.168.30.0/24; 10.1.0.0/16");
    check(json_pack("{s:s, s:s, s:[s]}", "address", "10.0.0.5/24", "gateway", "10.0.0.1", "routes",
                    "10.1.0.0/16"),
          NULL, NULL, "10.0.0.0/24; 10.1.0.0/16 via 10.0.0.1");
    /* before there is an address, there is nothing */
    check(json_pack("{s:[s]}", "routes", "10.1.0.0/16"), NULL, NULL, "");
}

/* Offered routes count only if the account takes them, and never as a way to take everything. */
static void
test_offered(void)
{
    struct net_offer o = offer_of("192.168.30.10/24", "192.168.30.1");

    add_route(&o, "10.7.0.0/16", "192.168.30.2");
    add_route(&o, "10.8.0.0/16", "0.0.0.0");
    add_route(&o, "0.0.0.0/0", "192.168.30.1");
    add_route(&o, "0.0.0.0/1", "192.168.30.1");
    add_route(&o, "128.0.0.0/1", "192.168.30.1");
    add_route(&o, "8.0.0.0/7", "192.168.30.1");
    add_route(&o, "127.0.0.0/8", "192.168.30.1");
    add_route(&o, "224.0.0.0/8", "192.168.30.1");
    add_route(&o, "10.9.0.0/16", "10.0.0.1");
    check(json_pack("{s:b}", "accept_routes", 0), &o, NULL, "192.168.30.0/24");
    check(json_pack("{s:b}", "accept_routes", 1), &o, NULL,
          "192.168.30.0/24; 10.7.0.0/16 via 192.168.30.2; 10.8.0.0/16");
}

/* All traffic never leaves around the tunnel: the routes that end on the adapter come last. */
static void
test_all_traffic(void)
{
    struct net_offer o = offer_of("192.168.30.10/24", "192.168.30.1");
    struct net_offer alone = offer_of("192.168.30.10/24", NULL);

    check(json_pack("{s:b}", "all_traffic", 1), &o, NULL,
          "192.168.30.0/24; 0.0.0.0/0 via 192.168.30.1; 0.0.0.0/0; ::/0");
    check(json_pack("{s:b}", "all_traffic", 1), &o, "fe80::1",
          "192.168.30.0/24; 0.0.0.0/0 via 192.168.30.1; ::/0 via fe80::1; 0.0.0.0/0; ::/0");
    check(json_pack("{s:b}", "all_traffic", 1), &alone, NULL,
          "192.168.30.0/24; 0.0.0.0/0; 0.0.0.0/0; ::/0");
    check(json_pack("{s:b}", "all_traffic", 1), NULL, NULL, "0.0.0.0/0; ::/0");
    /* without all_traffic a router is nobody */
    check(json_object(), &o, "fe80::1", "192.168.30.0/24");
}

static void
test_greedy_offers(void)
{
    static const char *const greedy[] = {"10.0.0.5/7",        "1.2.3.4/1", "1.2.3.4/0",
                                         "127.0.0.1/8",       "0.1.2.3/8", "224.0.0.1/8",
                                         "255.255.255.255/32"};
    struct account *a = account_with(json_object());

    for (size_t i = 0; i < G_N_ELEMENTS(greedy); i++) {
        struct net_offer o = offer_of(greedy[i], NULL);
        struct net_plan p = {0};
        g_autoptr(GError) error = NULL;
        g_assert_false(net_plan_make(&p, a, &o, NULL, &error));
        g_assert_error(error, PE_ERROR, PE_ADDRESS_DENIED);
        g_assert_null(p.routes);
    }
    account_free(a);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/client-net-plan/plain", test_plain);
    g_test_add_func("/client-net-plan/routes", test_routes);
    g_test_add_func("/client-net-plan/offered", test_offered);
    g_test_add_func("/client-net-plan/all-traffic", test_all_traffic);
    g_test_add_func("/client-net-plan/greedy-offers", test_greedy_offers);
    return g_test_run();
}
