/* SPDX-License-Identifier: Apache-2.0 */
/* test-dhcp4-pool.c - many clients, few addresses, reservations, another configuration, another
 * run; and the options that the configuration makes. */

#include "tests/unit/hub/dhcp_rig.h"

enum { FIRST = NET + 10, POOL = 10 };

static void
test_thousands(void)
{
    enum { N = 5000 };
    struct dhcp4_server_config config = rig_config();
    config.last = FIRST + N - 1;
    struct lab *lab = rig_new(&config);
    gint64 start = g_get_monotonic_time();

    for (unsigned i = 0; i < N; i++)
        g_assert_false(say(lab, &(struct say){.type = DHCP4_DISCOVER, .client = i}));
    pass(lab, 500 * MS);
    g_assert_cmpuint(lab->sent, ==, N);
    for (unsigned i = 0; i < N; i++)
        g_assert_true(accept_offer(lab, i, FIRST + i));
    g_assert_cmpuint(g_hash_table_size(lab->leased), ==, N); /* no address twice */
    g_assert_cmpuint(discover(lab, N), ==, 0);
    for (unsigned i = 0; i < N; i++)
        g_assert_true(
            say(lab, &(struct say){.type = DHCP4_REQUEST, .client = i, .ciaddr = FIRST + i}));
    pass(lab, 2000 * S);
    g_assert_cmpuint(lab->gone, ==, N);
    g_assert_cmpint(g_get_monotonic_time() - start, <, 5 * S); /* far less, even in valgrind */
    rig_free(lab);
}

static void
test_exhausted(void)
{
    struct dhcp4_server_config config = rig_config();
    struct lab *lab = rig_new(&config);

    for (unsigned i = 0; i < POOL; i++) {
        g_assert_cmphex(get_lease(lab, i), ==, FIRST + i);
        pass(lab, 10 * S);
    }
    g_assert_cmphex(discover(lab, 50), ==, 0);
    g_assert_cmpuint(counters(lab).exhausted, ==, 1);
    /* given back in another order: the one that is free for the longest time comes first */
    for (unsigned i = 5; i < POOL + 5; i++) {
        unsigned client = i % POOL;
        (void)say(lab, &(struct say){.type = DHCP4_RELEASE,
                                     .client = client,
                                     .ciaddr = FIRST + client,
                                     .server = SERVER});
    }
    for (unsigned i = 5; i < POOL + 5; i++)
        g_assert_cmphex(get_lease(lab, 100 + i), ==, FIRST + i % POOL);
    /* who had it before is a stranger now */
    g_assert_cmphex(discover(lab, 5), ==, 0);
    g_assert_true(say(lab, &(struct say){.type = DHCP4_REQUEST, .client = 5, .ciaddr = FIRST + 5}));
    g_assert_cmpint(lab->last.type, ==, DHCP4_NAK);
    rig_free(lab);
}

/* Addresses that nobody may have, though the pool spans them. */
static void
test_edges(void)
{
    struct dhcp4_server_config config = rig_config();
    config.mask = 0xfffffff8; /* 10.0.0.0/29 */
    config.first = NET - 100;
    config.last = NET + 100;
    config.gateway = NET + 2;
    struct lab *lab = rig_new(&config);

    for (unsigned i = 0; i < 4; i++)
        g_assert_cmphex(get_lease(lab, i), ==, NET + 3 + i);
    g_assert_cmphex(discover(lab, 9), ==, 0);
    rig_free(lab);

    config.first = NET + 6;
    config.last = NET + 3; /* no pool at all */
    lab = rig_new(&config);
    g_assert_cmphex(discover(lab, 9), ==, 0);
    rig_free(lab);
}

/* One sender with many names gets its share, the others theirs; declined addresses count. */
static void
test_starvation(void)
{
    struct dhcp4_server_config config = rig_config();
    config.last = FIRST + 999;
    struct mac from = mac_of(7);
    struct lab *lab = rig_new(&config);

    for (unsigned i = 0; i < 2 * DHCP_PEER_MAX; i++)
        (void)say(lab, &(struct say){.type = DHCP4_DISCOVER, .client = 1000 + i, .from = &from});
    pass(lab, 500 * MS);
    g_assert_cmpuint(lab->sent, ==, DHCP_PEER_MAX);
    g_assert_cmpuint(counters(lab).crowded, ==, DHCP_PEER_MAX);
    g_assert_cmphex(get_lease(lab, 1), ==, FIRST + DHCP_PEER_MAX);
    for (unsigned i = 0; i < DHCP_PEER_MAX; i++) {
        (void)say(lab, &(struct say){.type = DHCP4_DECLINE,
                                     .client = 1000 + i,
                                     .from = &from,
                                     .address = FIRST + i});
        (void)say(lab, &(struct say){.type = DHCP4_DISCOVER, .client = 5000 + i, .from = &from});
    }
    pass(lab, 500 * MS);
    g_assert_cmpuint(counters(lab).conflicts, ==, DHCP_PEER_MAX);
    g_assert_cmpuint(counters(lab).crowded, ==, 2 * DHCP_PEER_MAX);
    /* when these are good again, it may have others */
    pass(lab, 601 * S);
    unsigned sent = lab->sent;
    (void)say(lab, &(struct say){.type = DHCP4_DISCOVER, .client = 6000, .from = &from});
    pass(lab, 500 * MS);
    g_assert_cmpuint(lab->sent, ==, sent + 1);
    rig_free(lab);
}

static void
test_reservation(void)
{
    struct dhcp_reservation list[] = {{mac_of(1), NET + 12},
                                      {mac_of(2), NET + 500},  /* outside of the pool */
                                      {mac_of(3), 0xc0a80005}, /* outside of the network: no */
                                      {mac_of(1), NET + 13},   /* not a second one */
                                      {mac_of(4), NET + 500}};
    struct dhcp4_server_config config = rig_config();
    config.reservation = list;
    config.n_reservations = G_N_ELEMENTS(list);
    struct lab *lab = rig_new(&config);
    list[0].ip4 = 0; /* it was copied */

    g_assert_cmphex(get_lease(lab, 10), ==, NET + 10);
    g_assert_cmphex(get_lease(lab, 11), ==, NET + 11);
    g_assert_cmphex(get_lease(lab, 12), ==, NET + 13); /* .12 is not for all */
    g_assert_false(
        say(lab, &(struct say){.type = DHCP4_DISCOVER, .client = 13, .address = NET + 12}));
    g_assert_cmphex(lab->probed, ==, NET + 14);
    g_assert_cmphex(get_lease(lab, 2), ==, NET + 500);
    g_assert_cmphex(get_lease(lab, 3), ==, NET + 15);
    g_assert_cmphex(get_lease(lab, 4), ==, NET + 16);
    for (unsigned i = 0; i < POOL; i++)
        (void)get_lease(lab, 20 + i);
    g_assert_cmphex(discover(lab, 40), ==, 0);
    /* kept through all that, and known by the hardware address whatever the identifier says */
    g_assert_cmphex(get_lease(lab, 1), ==, NET + 12);
    g_assert_true(say(lab, &(struct say){.type = DHCP4_DISCOVER, .client = 1, .id = "other"}));
    g_assert_cmphex(lab->last.yiaddr, ==, NET + 12);
    /* somebody sits on it: another one, until it is free */
    (void)say(lab, &(struct say){
                       .type = DHCP4_DECLINE, .client = 1, .address = NET + 12, .server = SERVER});
    (void)say(lab, &(struct say){.type = DHCP4_RELEASE, .client = 10, .ciaddr = NET + 10});
    g_assert_cmphex(get_lease(lab, 1), ==, NET + 10);
    pass(lab, 601 * S);
    g_assert_cmphex(get_lease(lab, 1), ==, NET + 12);
    rig_free(lab);
}

/* A reservation for a client that has another address already, by its identifier. */
static void
test_late_reservation(void)
{
    struct dhcp_reservation list[] = {{mac_of(1), NET + 10}, {mac_of(2), NET + 17}};
    struct dhcp4_server_config config = rig_config();
    struct lab *lab = rig_new(&config);

    for (unsigned i = 1; i <= 2; i++) {
        (void)say(lab,
                  &(struct say){.type = DHCP4_DISCOVER, .client = i, .id = i == 1 ? "a" : "b"});
        pass(lab, 500 * MS);
        g_assert_true(say(lab, &(struct say){.type = DHCP4_REQUEST,
                                             .client = i,
                                             .id = i == 1 ? "a" : "b",
                                             .address = NET + 9 + i,
                                             .server = SERVER}));
    }
    config.reservation = list;
    config.n_reservations = G_N_ELEMENTS(list);
    dhcp4_server_set_config(lab->s, &config);
    g_assert_true(
        say(lab, &(struct say){.type = DHCP4_REQUEST, .client = 1, .id = "a", .ciaddr = NET + 10}));
    g_assert_cmpint(lab->last.type, ==, DHCP4_ACK);
    g_assert_cmpuint(lab->lease.client_id_len, ==, 1);
    (void)say(lab, &(struct say){.type = DHCP4_DISCOVER, .client = 2, .id = "b"});
    g_assert_cmphex(lab->probed, ==, NET + 17);
    g_assert_cmpuint(lab->gone, ==, 1);
    /* and back */
    config.n_reservations = 0;
    dhcp4_server_set_config(lab->s, &config);
    g_assert_true(
        say(lab, &(struct say){.type = DHCP4_REQUEST, .client = 1, .id = "a", .ciaddr = NET + 10}));
    g_assert_cmpint(lab->last.type, ==, DHCP4_ACK);
    pass(lab, 2000 * S);
    g_assert_cmphex(get_lease(lab, 30), ==, NET + 12);
    rig_free(lab);
}

static void
test_new_pool(void)
{
    struct dhcp4_server_config config = rig_config();
    struct lab *lab = rig_new(&config);

    g_assert_cmphex(get_lease(lab, 1), ==, FIRST);
    g_assert_cmphex(get_lease(lab, 2), ==, FIRST + 1);
    g_assert_cmphex(discover(lab, 3), ==, FIRST + 2);
    config.first = NET + 100;
    config.last = NET + 109;
    dhcp4_server_set_config(lab->s, &config);
    g_assert_cmpuint(dhcp4_server_n(lab->s), ==, 2);
    /* the offer is void; a lease ends with its time, and is not renewed */
    g_assert_false(accept_offer(lab, 3, FIRST + 2));
    g_assert_cmpint(lab->last.type, ==, DHCP4_NAK);
    g_assert_false(say(lab, &(struct say){.type = DHCP4_REQUEST, .client = 1, .ciaddr = FIRST}));
    g_assert_cmphex(get_lease(lab, 1), ==, NET + 100); /* it asks anew */
    g_assert_cmpuint(lab->gone, ==, 1);
    pass(lab, 999 * S);
    g_assert_cmpuint(lab->gone, ==, 2);
    /* another network: who renews is told so at once */
    config.server = 0x0a010001;
    config.first = 0x0a010010;
    config.last = 0x0a010020;
    dhcp4_server_set_config(lab->s, &config);
    g_assert_true(say(lab, &(struct say){.type = DHCP4_REQUEST, .client = 1, .ciaddr = NET + 100}));
    g_assert_cmpint(lab->last.type, ==, DHCP4_NAK);
    g_assert_cmpuint(dhcp4_server_n(lab->s), ==, 0);
    g_assert_cmphex(discover(lab, 1), ==, 0x0a010010);
    rig_free(lab);
}

static void
test_restore(void)
{
    struct dhcp4_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    struct dhcp_lease kept[2];

    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmphex(get_lease(lab, i), ==, FIRST + i);
        kept[i] = lab->lease;
    }
    struct lab *next = rig_new(&config);
    next->now_us = lab->now_us + 600 * S; /* some 400 s are left */
    for (unsigned i = 0; i < 4; i++) {    /* the same again is ignored */
        dhcp4_server_restore(next->s, &kept[i % 2], next->now_us, wall_ms(next));
        g_hash_table_add(next->leased, GUINT_TO_POINTER(ip_to_v4(&kept[i % 2].ip)));
    }
    g_assert_cmpuint(dhcp4_server_n(next->s), ==, 2);
    g_assert_cmphex(get_lease(next, 7), ==, FIRST + 2);
    g_assert_true(
        say(next, &(struct say){.type = DHCP4_REQUEST, .client = 1, .address = FIRST + 1}));
    g_assert_cmpint(next->last.type, ==, DHCP4_ACK);
    g_assert_cmpint(next->lease.leased_ms, ==, kept[1].leased_ms);
    pass(next, 401 * S); /* the other one was not seen again */
    g_assert_cmpuint(next->gone, ==, 1);
    rig_free(next);

    struct dhcp_lease bad[5] = {kept[0], kept[0], kept[0], kept[0], kept[0]};
    bad[0].expires_ms = wall_ms(lab);
    bad[1].ip = ip_from_v4(NET + 200);
    bad[2].ip = ip_from_v4(SERVER);
    bad[3].ip.family = 6;
    bad[4].ip.family = 0;
    next = rig_new(&config);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++)
        dhcp4_server_restore(next->s, &bad[i], lab->now_us, wall_ms(lab));
    g_assert_cmpuint(dhcp4_server_n(next->s), ==, 0);
    rig_free(next);
    rig_free(lab);
}

/* A table that is full: what is free in it is used again, and it never grows. */
static void
test_full(void)
{
    struct dhcp4_server_config config = rig_config();
    config.mask = 0xff000000;
    config.last = NET + 0xfffff0;
    struct lab *lab = rig_new(&config);
    struct dhcp_lease lease = {.leased_ms = 1, .expires_ms = wall_ms(lab) + 1000};

    for (unsigned i = 0; i < DHCP_LEASES_MAX + 5; i++) {
        lease.ip = ip_from_v4(FIRST + i);
        lease.mac = mac_of(i);
        dhcp4_server_restore(lab->s, &lease, lab->now_us, wall_ms(lab));
        if (i < DHCP_LEASES_MAX)
            g_hash_table_add(lab->leased, GUINT_TO_POINTER(FIRST + i));
    }
    g_assert_cmpuint(dhcp4_server_n(lab->s), ==, DHCP_LEASES_MAX);
    g_assert_cmphex(discover(lab, 0x900000), ==, 0);
    g_assert_cmpuint(counters(lab).exhausted, ==, 1);
    pass(lab, 2 * S);
    g_assert_cmpuint(dhcp4_server_n(lab->s), ==, 0);
    g_assert_cmphex(get_lease(lab, 0x900000), ==, FIRST);
    rig_free(lab);
}

/* ---- options ---- */

static int
option(const struct lab *lab, uint8_t code, uint8_t out[DHCP4_OPTION_MAX])
{
    return dhcp4_option(&lab->last, code, out, DHCP4_OPTION_MAX);
}

static void
test_parameters(void)
{
    static const uint8_t wanted[] = {DHCP4_OPT_MTU, 119, DHCP4_OPT_DNS, DHCP4_OPT_MTU, 77};
    struct dhcp4_server_config config = rig_config();
    config.mtu = 1400;
    config.dns[1] = 0x08080808;
    struct lab *lab = rig_new(&config);
    uint8_t out[DHCP4_OPTION_MAX];
    struct say what = {.type = DHCP4_INFORM,
                       .client = 1,
                       .ciaddr = NET + 99,
                       .parameters = wanted,
                       .n_parameters = sizeof wanted};

    g_assert_true(say(lab, &what));
    g_assert_cmpint(option(lab, DHCP4_OPT_MTU, out), ==, 2); /* once */
    g_assert_cmpmem(out, 2, "\x05\x78", 2);
    g_assert_cmpint(option(lab, DHCP4_OPT_DNS, out), ==, 8);
    g_assert_cmpmem(out, 8, "\x0a\0\0\1\x08\x08\x08\x08", 8);
    g_assert_cmpint(option(lab, DHCP4_OPT_DOMAIN, out), ==, -1);
    g_assert_cmpint(option(lab, DHCP4_OPT_ROUTER, out), ==, -1);
    g_assert_cmpint(option(lab, 119, out), ==, -1);
    g_assert_cmpint(option(lab, DHCP4_OPT_MASK, out), ==, 4); /* always */
    what.n_parameters = 0;
    g_assert_true(say(lab, &what));
    g_assert_cmpint(option(lab, DHCP4_OPT_MTU, out), ==, 2);
    g_assert_cmpint(option(lab, DHCP4_OPT_DOMAIN, out), ==, 11);
    g_assert_cmpint(option(lab, DHCP4_OPT_ROUTER, out), ==, 4);

    /* what is not configured is not told */
    config.dns[0] = config.dns[1] = config.gateway = 0;
    config.domain[0] = '\0';
    config.mtu = 1500;
    dhcp4_server_set_config(lab->s, &config);
    g_assert_true(say(lab, &what));
    static const uint8_t absent[] = {DHCP4_OPT_MTU, DHCP4_OPT_DNS, DHCP4_OPT_DOMAIN,
                                     DHCP4_OPT_ROUTER, DHCP4_OPT_ROUTES};
    for (unsigned i = 0; i < sizeof absent; i++)
        g_assert_cmpint(option(lab, absent[i], out), ==, -1);
    rig_free(lab);
}

static void
test_routes(void)
{
    static const uint8_t wanted[] = {121, 249};
    static const char want[] = "\0\x0a\0\0\1"               /* the gateway's, since option 3 is not
                                                               looked at any more */
                               "\x18\xc0\xa8\x07\x0a\0\0\2" /* 192.168.7.0/24 */
                               "\x0c\xac\x10\0\0\0\0" /* 172.16.0.0/12, on the link */;
    struct dhcp4_server_config config = rig_config();
    config.route[0] = (struct dhcp4_route){.dst = 0xc0a80700, .len = 24, .via = NET + 2};
    config.route[1] = (struct dhcp4_route){.dst = 1, .len = 33, .via = NET + 2}; /* no route */
    config.route[2] = (struct dhcp4_route){.dst = 0xac100000, .len = 12};
    config.n_routes = 3;
    struct lab *lab = rig_new(&config);
    uint8_t out[DHCP4_OPTION_MAX];
    struct say what = {.type = DHCP4_INFORM,
                       .client = 1,
                       .ciaddr = NET + 99,
                       .parameters = wanted,
                       .n_parameters = sizeof wanted};

    g_assert_true(say(lab, &what));
    for (unsigned i = 0; i < 2; i++) {
        int len = option(lab, wanted[i], out);
        g_assert_cmpmem(out, len, want, sizeof want - 1);
    }
    /* no gateway: these ways and no others */
    config.gateway = 0;
    dhcp4_server_set_config(lab->s, &config);
    g_assert_true(say(lab, &what));
    int len = option(lab, 121, out);
    g_assert_cmpmem(out, len, want + 5, sizeof want - 1 - 5);
    rig_free(lab);
}

/* An answer is as long as the client can take; what does not fit is left out whole. */
static void
test_max_size(void)
{
    static const struct {
        uint16_t max_size;
        bool fits;
        size_t room;
    } rows[] = {{0, false, 548},
                {100, false, 548},
                {576, false, 548},
                {1000, true, 972},
                {65535, true, 1472}};
    struct dhcp4_server_config config = rig_config();
    config.n_routes = DHCP_PUSH_ROUTES_MAX;
    for (unsigned i = 0; i < config.n_routes; i++)
        config.route[i] = (struct dhcp4_route){.dst = 0xc0a80000 + i, .len = 32, .via = NET + 2};
    struct lab *lab = rig_new(&config);
    struct dhcp4_route routes[DHCP4_ROUTES_MAX];

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_true(say(lab, &(struct say){.type = DHCP4_INFORM,
                                             .client = 1,
                                             .ciaddr = NET + 99,
                                             .max_size = rows[i].max_size}));
        g_assert_cmpuint(lab->len, <=, rows[i].room);
        g_assert_cmpuint(dhcp4_option_routes(&lab->last, routes), ==,
                         rows[i].fits ? DHCP4_ROUTES_MAX : 0);
        uint8_t out[DHCP4_OPTION_MAX];
        g_assert_cmpint(option(lab, DHCP4_OPT_DNS, out), ==, 4);
    }
    rig_free(lab);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dhcp4-pool/thousands", test_thousands);
    g_test_add_func("/dhcp4-pool/exhausted", test_exhausted);
    g_test_add_func("/dhcp4-pool/edges", test_edges);
    g_test_add_func("/dhcp4-pool/starvation", test_starvation);
    g_test_add_func("/dhcp4-pool/reservation", test_reservation);
    g_test_add_func("/dhcp4-pool/late-reservation", test_late_reservation);
    g_test_add_func("/dhcp4-pool/new-pool", test_new_pool);
    g_test_add_func("/dhcp4-pool/restore", test_restore);
    g_test_add_func("/dhcp4-pool/full", test_full);
    g_test_add_func("/dhcp4-pool/parameters", test_parameters);
    g_test_add_func("/dhcp4-pool/routes", test_routes);
    g_test_add_func("/dhcp4-pool/max-size", test_max_size);
    return g_test_run();
}
