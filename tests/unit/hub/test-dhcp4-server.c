/* SPDX-License-Identifier: Apache-2.0 */
/* test-dhcp4-server.c - each message in each state of a client, and what an address goes through.
 */

#include "tests/unit/hub/dhcp_rig.h"

enum { FIRST = NET + 10, POOL = 10 };

static uint32_t
option_u32(const struct lab *lab, uint8_t code)
{
    uint32_t v = 0;
    (void)dhcp4_option_u32(&lab->last, code, &v);
    return v;
}

static bool
has_option(const struct lab *lab, uint8_t code)
{
    uint8_t bytes[DHCP4_OPTION_MAX];
    return dhcp4_option(&lab->last, code, bytes, sizeof bytes) >= 0;
}

static bool
renew(struct lab *lab, unsigned client, uint32_t address)
{
    return say(lab, &(struct say){.type = DHCP4_REQUEST, .client = client, .ciaddr = address});
}

static bool
reboot(struct lab *lab, unsigned client, uint32_t address)
{
    return say(lab, &(struct say){.type = DHCP4_REQUEST, .client = client, .address = address});
}

static void
test_lease(void)
{
    struct dhcp4_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    struct mac mac = mac_of(1);

    /* nothing is offered before the address was probed */
    g_assert_false(say(lab, &(struct say){.type = DHCP4_DISCOVER, .client = 1}));
    g_assert_cmphex(lab->probed, ==, FIRST);
    pass(lab, 499 * MS);
    g_assert_cmpuint(lab->sent, ==, 0);
    pass(lab, 1 * MS);
    g_assert_cmpuint(lab->sent, ==, 1);
    g_assert_cmpint(lab->last.type, ==, DHCP4_OFFER);
    g_assert_cmphex(lab->last.yiaddr, ==, FIRST);
    g_assert_cmphex(lab->dst, ==, FIRST);
    g_assert_true(mac_equal(&lab->mac, &mac));
    g_assert_cmpuint(lab->told + dhcp4_server_n(lab->s), ==, 0);

    g_assert_true(say(lab, &(struct say){.type = DHCP4_REQUEST,
                                         .client = 1,
                                         .address = FIRST,
                                         .server = SERVER,
                                         .hostname = "lap top<1>\x01.a_b-c"}));
    g_assert_cmpint(lab->last.type, ==, DHCP4_ACK);
    g_assert_cmphex(lab->last.yiaddr, ==, FIRST);
    g_assert_cmphex(option_u32(lab, DHCP4_OPT_SERVER), ==, SERVER);
    g_assert_cmphex(option_u32(lab, DHCP4_OPT_MASK), ==, 0xffff0000);
    g_assert_cmphex(option_u32(lab, DHCP4_OPT_ROUTER), ==, SERVER);
    g_assert_cmphex(option_u32(lab, DHCP4_OPT_DNS), ==, SERVER);
    g_assert_cmphex(option_u32(lab, 28), ==, 0x0a00ffff);
    g_assert_cmpuint(option_u32(lab, DHCP4_OPT_LEASE), ==, 1000);
    g_assert_cmpuint(option_u32(lab, DHCP4_OPT_T1), ==, 500);
    g_assert_cmpuint(option_u32(lab, DHCP4_OPT_T2), ==, 875);
    g_assert_true(has_option(lab, DHCP4_OPT_DOMAIN));
    g_assert_false(has_option(lab, DHCP4_OPT_MTU));
    g_assert_cmpstr(lab->lease.hostname, ==, "laptop1.a_b-c");
    g_assert_cmpint(lab->lease.leased_ms, ==, wall_ms(lab));
    g_assert_cmpint(lab->lease.expires_ms, ==, wall_ms(lab) + 1000 * 1000);
    g_assert_true(mac_equal(&lab->lease.mac, &mac));
    g_assert_cmpuint(dhcp4_server_n(lab->s), ==, 1);

    /* the same once more: the answer was lost */
    g_assert_true(accept_offer(lab, 1, FIRST));
    g_assert_cmpuint(dhcp4_server_n(lab->s), ==, 1);

    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(struct dhcp_lease));
    dhcp4_server_list(lab->s, list);
    g_assert_cmpuint(list->len, ==, 1);
    g_assert_cmpstr(g_array_index(list, struct dhcp_lease, 0).hostname, ==, "laptop1.a_b-c");
    rig_free(lab);
}

/* Where an answer goes. */
static void
test_destination(void)
{
    struct dhcp4_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    struct mac mac = mac_of(1);

    g_assert_cmphex(get_lease(lab, 1), ==, FIRST);
    g_assert_true(say(lab, &(struct say){.type = DHCP4_DISCOVER, .client = 1, .broadcast = true}));
    g_assert_true(lab->last.broadcast);
    g_assert_cmphex(lab->dst, ==, ALL);
    g_assert_true(mac_equal(&lab->mac, &everybody));
    g_assert_true(say(lab, &(struct say){.type = DHCP4_DISCOVER, .client = 1}));
    g_assert_cmphex(lab->dst, ==, FIRST);
    g_assert_true(mac_equal(&lab->mac, &mac));
    /* who renews has an address, whatever its flag says */
    g_assert_true(
        say(lab,
            &(struct say){.type = DHCP4_REQUEST, .client = 1, .ciaddr = FIRST, .broadcast = true}));
    g_assert_cmphex(lab->dst, ==, FIRST);
    g_assert_cmphex(lab->last.ciaddr, ==, FIRST);
    g_assert_true(mac_equal(&lab->mac, &mac));
    /* a refusal goes to all */
    g_assert_true(renew(lab, 1, FIRST + 1));
    g_assert_cmpint(lab->last.type, ==, DHCP4_NAK);
    g_assert_cmphex(lab->dst, ==, ALL);
    g_assert_true(mac_equal(&lab->mac, &everybody));
    g_assert_true(lab->last.broadcast);
    g_assert_cmphex(lab->last.yiaddr, ==, 0);
    g_assert_false(has_option(lab, DHCP4_OPT_LEASE) || has_option(lab, DHCP4_OPT_MASK));
    rig_free(lab);
}

static void
test_renew_and_expiry(void)
{
    struct dhcp4_server_config config = rig_config();
    struct lab *lab = rig_new(&config);

    g_assert_cmphex(get_lease(lab, 1), ==, FIRST);
    int64_t leased_ms = lab->lease.leased_ms;
    for (unsigned i = 0; i < 5; i++) {
        pass(lab, 900 * S);
        g_assert_true(renew(lab, 1, FIRST));
        g_assert_cmpint(lab->last.type, ==, DHCP4_ACK);
        g_assert_cmpint(lab->lease.expires_ms, ==, wall_ms(lab) + 1000 * 1000);
        g_assert_cmpint(lab->lease.leased_ms, ==, leased_ms);
    }
    pass(lab, 1000 * S - 1);
    g_assert_cmpuint(lab->gone, ==, 0);
    pass(lab, 1);
    g_assert_cmpuint(lab->gone, ==, 1);
    g_assert_cmpuint(dhcp4_server_n(lab->s), ==, 0);
    g_assert_cmpint(dhcp4_server_deadline(lab->s), ==, 0);

    /* it had the address: offered at once, others get others */
    unsigned probes = lab->probes;
    g_assert_cmphex(discover(lab, 2), ==, FIRST + 1);
    g_assert_cmpuint(lab->probes, ==, probes + 1);
    g_assert_true(say(lab, &(struct say){.type = DHCP4_DISCOVER, .client = 1}));
    g_assert_cmphex(lab->last.yiaddr, ==, FIRST);
    g_assert_cmpuint(lab->probes, ==, probes + 1);
    pass(lab, 60 * S);
    /* a renewal that comes late, and nobody took the address meanwhile */
    g_assert_true(renew(lab, 1, FIRST));
    g_assert_cmpint(lab->last.type, ==, DHCP4_ACK);
    rig_free(lab);
}

/* A client may ask for less time, not for more, and not for next to nothing. */
static void
test_lease_time(void)
{
    static const uint32_t rows[][2] = {
        {0, 1000}, {5000, 1000}, {UINT32_MAX, 1000}, {300, 300}, {1, 60}};
    struct dhcp4_server_config config = rig_config();
    struct lab *lab = rig_new(&config);

    g_assert_cmphex(get_lease(lab, 1), ==, FIRST);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_true(say(
            lab, &(struct say){
                     .type = DHCP4_REQUEST, .client = 1, .ciaddr = FIRST, .lease_s = rows[i][0]}));
        g_assert_cmpuint(option_u32(lab, DHCP4_OPT_LEASE), ==, rows[i][1]);
        g_assert_cmpint(lab->lease.expires_ms, ==, wall_ms(lab) + rows[i][1] * 1000);
    }
    rig_free(lab);
}

static void
test_offer_ends(void)
{
    struct dhcp4_server_config config = rig_config();
    struct lab *lab = rig_new(&config);

    g_assert_cmphex(discover(lab, 1), ==, FIRST);
    g_assert_cmphex(discover(lab, 2), ==, FIRST + 1);
    /* the first one takes another server's */
    g_assert_false(say(
        lab, &(struct say){
                 .type = DHCP4_REQUEST, .client = 1, .address = 0x0a000099, .server = SERVER + 1}));
    g_assert_cmphex(discover(lab, 3), ==, FIRST + 2); /* never used ones first */
    pass(lab, 11 * S);
    g_assert_cmpint(dhcp4_server_deadline(lab->s), ==, 0);
    /* the offers are over: to request one is an error */
    g_assert_false(accept_offer(lab, 2, FIRST + 1));
    g_assert_cmpint(lab->last.type, ==, DHCP4_NAK);
    g_assert_cmpuint(lab->told, ==, 0);
    g_assert_cmpuint(counters(lab).refused, ==, 1);
    rig_free(lab);
}

/* Repeated while the probe is running: one offer, for the last message. */
static void
test_discover_again(void)
{
    struct dhcp4_server_config config = rig_config();
    struct lab *lab = rig_new(&config);

    for (unsigned i = 0; i < 5; i++) {
        g_assert_false(say(lab, &(struct say){.type = DHCP4_DISCOVER, .client = 1}));
        g_assert_false(accept_offer(lab, 1, FIRST)); /* not offered yet: silence */
        pass(lab, 90 * MS);
    }
    g_assert_cmpuint(lab->probes, ==, 1);
    pass(lab, 50 * MS);
    g_assert_cmpuint(lab->sent, ==, 1);
    rig_free(lab);
}

static void
test_reboot(void)
{
    struct dhcp4_server_config config = rig_config();
    struct lab *lab = rig_new(&config);

    g_assert_cmphex(get_lease(lab, 1), ==, FIRST);
    g_assert_true(reboot(lab, 1, FIRST));
    g_assert_cmpint(lab->last.type, ==, DHCP4_ACK);
    g_assert_true(reboot(lab, 1, FIRST + 1)); /* not its own */
    g_assert_cmpint(lab->last.type, ==, DHCP4_NAK);
    g_assert_true(reboot(lab, 1, 0xc0a80105)); /* another network */
    g_assert_cmpint(lab->last.type, ==, DHCP4_NAK);
    g_assert_true(reboot(lab, 2, 0xc0a80105));
    g_assert_cmpint(lab->last.type, ==, DHCP4_NAK);
    g_assert_false(reboot(lab, 2, FIRST + 5)); /* perhaps another server's client */
    g_assert_true(reboot(lab, 2, FIRST));      /* leased to somebody else */
    g_assert_cmpint(lab->last.type, ==, DHCP4_NAK);
    g_assert_false(reboot(lab, 2, 0));
    g_assert_false(renew(lab, 2, FIRST + 5));
    g_assert_false(renew(lab, 2, 0xc0a80105));
    g_assert_true(renew(lab, 2, FIRST));
    g_assert_cmpint(lab->last.type, ==, DHCP4_NAK);
    rig_free(lab);
}

static void
test_decline(void)
{
    struct dhcp4_server_config config = rig_config();
    struct lab *lab = rig_new(&config);

    g_assert_cmphex(get_lease(lab, 1), ==, FIRST);
    struct say decline = {.type = DHCP4_DECLINE, .client = 2, .address = FIRST, .server = SERVER};
    g_assert_false(say(lab, &decline)); /* not its own */
    decline.client = 1;
    decline.server = SERVER + 1; /* another server's */
    g_assert_false(say(lab, &decline));
    g_assert_cmpuint(dhcp4_server_n(lab->s), ==, 1);
    decline.server = SERVER;
    g_assert_false(say(lab, &decline));
    g_assert_cmpuint(dhcp4_server_n(lab->s), ==, 0);
    g_assert_cmpuint(lab->gone, ==, 1);
    g_assert_cmpuint(counters(lab).conflicts, ==, 1);
    /* for ten minutes nobody gets it, not even who asks for it by name */
    struct say wish = {.type = DHCP4_DISCOVER, .client = 3, .address = FIRST};
    pass(lab, 599 * S);
    g_assert_false(say(lab, &wish));
    g_assert_cmphex(lab->probed, ==, FIRST + 1);
    pass(lab, 600 * MS);
    g_assert_true(say(lab, &wish)); /* what it is offered stays the same */
    g_assert_cmphex(lab->last.yiaddr, ==, FIRST + 1);
    pass(lab, 1 * S);
    wish.client = 4;
    g_assert_false(say(lab, &wish));
    g_assert_cmphex(lab->probed, ==, FIRST);
    rig_free(lab);
}

static void
test_bad_address_returns(void)
{
    struct dhcp4_server_config config = rig_config();
    config.last = config.first;
    struct lab *lab = rig_new(&config);

    lab->in_use = FIRST;
    g_assert_cmphex(discover(lab, 1), ==, 0);
    g_assert_cmpuint(lab->probes, ==, 1); /* once a DISCOVER */
    g_assert_cmphex(discover(lab, 1), ==, 0);
    g_assert_cmpuint(lab->probes, ==, 1); /* and not at all within the first minute */
    pass(lab, 60 * S);
    lab->in_use = 0;
    g_assert_cmphex(discover(lab, 1), ==, FIRST); /* the last resort, and it is free now */
    rig_free(lab);
}

static void
test_conflict(void)
{
    struct dhcp4_server_config config = rig_config();
    struct lab *lab = rig_new(&config);

    /* answered at once */
    lab->in_use = FIRST;
    g_assert_cmphex(discover(lab, 1), ==, FIRST + 1);
    g_assert_cmpuint(lab->probes, ==, 2);
    /* answered in time */
    lab->in_use = 0;
    g_assert_false(say(lab, &(struct say){.type = DHCP4_DISCOVER, .client = 2}));
    g_assert_cmphex(lab->probed, ==, FIRST + 2);
    pass(lab, 300 * MS);
    dhcp4_server_conflict(lab->s, FIRST + 2, lab->now_us);
    g_assert_cmphex(lab->probed, ==, FIRST + 3);
    unsigned sent = lab->sent;
    pass(lab, 499 * MS);
    g_assert_cmpuint(lab->sent, ==, sent);
    pass(lab, 1 * MS);
    g_assert_cmphex(lab->last.yiaddr, ==, FIRST + 3);
    /* too late: offered, but it is taken back */
    dhcp4_server_conflict(lab->s, FIRST + 3, lab->now_us);
    g_assert_false(accept_offer(lab, 2, FIRST + 3));
    g_assert_cmpint(lab->last.type, ==, DHCP4_NAK);
    /* a client answers for its own address */
    g_assert_true(accept_offer(lab, 1, FIRST + 1));
    dhcp4_server_conflict(lab->s, FIRST + 1, lab->now_us);
    dhcp4_server_conflict(lab->s, FIRST + 9, lab->now_us);
    dhcp4_server_conflict(lab->s, 1, lab->now_us);
    g_assert_cmpuint(dhcp4_server_n(lab->s), ==, 1);
    g_assert_cmpuint(counters(lab).conflicts, ==, 3);
    /* somebody answers for everything */
    lab->in_use = ALL;
    unsigned probes = lab->probes;
    g_assert_cmphex(discover(lab, 7), ==, 0);
    g_assert_cmpuint(lab->probes - probes, <=, 8);
    rig_free(lab);
}

static void
test_release(void)
{
    struct dhcp4_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    struct say release = {.type = DHCP4_RELEASE, .client = 2, .ciaddr = FIRST, .server = SERVER};

    g_assert_cmphex(get_lease(lab, 1), ==, FIRST);
    g_assert_false(say(lab, &release)); /* not its own */
    release.client = 1;
    release.ciaddr = FIRST + 1;
    g_assert_false(say(lab, &release));
    release.ciaddr = FIRST;
    release.server = SERVER + 7;
    g_assert_false(say(lab, &release));
    g_assert_cmpuint(lab->gone, ==, 0);
    release.server = SERVER;
    g_assert_false(say(lab, &release));
    g_assert_cmpuint(lab->gone, ==, 1);
    g_assert_cmpint(lab->lease.expires_ms, ==, 0);
    g_assert_false(say(lab, &release));
    g_assert_cmpuint(lab->gone, ==, 1);
    g_assert_cmphex(get_lease(lab, 1), ==, FIRST);
    rig_free(lab);
}

static void
test_inform(void)
{
    struct dhcp4_server_config config = rig_config();
    struct lab *lab = rig_new(&config);

    g_assert_true(say(lab, &(struct say){.type = DHCP4_INFORM, .client = 1, .ciaddr = NET + 200}));
    g_assert_cmpint(lab->last.type, ==, DHCP4_ACK);
    g_assert_cmphex(lab->last.yiaddr, ==, 0);
    g_assert_cmphex(lab->last.ciaddr, ==, NET + 200);
    g_assert_cmphex(lab->dst, ==, NET + 200);
    g_assert_false(has_option(lab, DHCP4_OPT_LEASE));
    g_assert_true(has_option(lab, DHCP4_OPT_DNS));
    g_assert_false(say(lab, &(struct say){.type = DHCP4_INFORM, .client = 1}));
    g_assert_false(
        say(lab, &(struct say){.type = DHCP4_INFORM, .client = 1, .ciaddr = 0xc0a80001}));
    g_assert_cmpuint(dhcp4_server_n(lab->s), ==, 0);
    rig_free(lab);
}

static void
test_ignored(void)
{
    struct dhcp4_server_config config = rig_config();
    struct lab *lab = rig_new(&config);

    (void)say(lab, &(struct say){.type = DHCP4_DISCOVER, .client = 1, .giaddr = NET + 9});
    g_assert_cmpuint(counters(lab).relayed, ==, 1);
    (void)say(lab, &(struct say){.type = DHCP4_OFFER, .client = 1});
    (void)say(lab, &(struct say){.type = DHCP4_ACK, .client = 1});
    (void)say(lab, &(struct say){.type = DHCP4_NAK, .client = 1});
    struct mac from = mac_of(1);
    dhcp4_server_received(lab->s, reader_of("junk", 4), &from, lab->now_us, wall_ms(lab));
    g_assert_cmpuint(counters(lab).malformed, ==, 4);
    pass(lab, 1 * S);
    g_assert_cmpuint(lab->sent + lab->probes, ==, 0);
    rig_free(lab);
}

/* Option 61 counts, not the hardware address; and comes back (RFC 6842). */
static void
test_client_id(void)
{
    struct dhcp4_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    uint32_t got[2] = {0};
    static const char *const ids[] = {"one", "another"};

    for (unsigned i = 0; i < 2; i++) {
        g_assert_false(say(lab, &(struct say){.type = DHCP4_DISCOVER, .client = 1, .id = ids[i]}));
        pass(lab, 500 * MS);
        got[i] = lab->last.yiaddr;
        g_assert_true(say(lab, &(struct say){.type = DHCP4_REQUEST,
                                             .client = 1,
                                             .id = ids[i],
                                             .address = got[i],
                                             .server = SERVER}));
        g_assert_true(has_option(lab, DHCP4_OPT_CLIENT_ID));
    }
    g_assert_cmphex(got[0], ==, FIRST);
    g_assert_cmphex(got[1], ==, FIRST + 1);
    /* the same client with another card */
    g_assert_true(say(lab, &(struct say){.type = DHCP4_DISCOVER, .client = 2, .id = "one"}));
    g_assert_cmphex(lab->last.yiaddr, ==, FIRST);
    g_assert_cmphex(get_lease(lab, 1), ==, FIRST + 2); /* no identifier: a third one */
    rig_free(lab);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dhcp4-server/lease", test_lease);
    g_test_add_func("/dhcp4-server/destination", test_destination);
    g_test_add_func("/dhcp4-server/renew-and-expiry", test_renew_and_expiry);
    g_test_add_func("/dhcp4-server/lease-time", test_lease_time);
    g_test_add_func("/dhcp4-server/offer-ends", test_offer_ends);
    g_test_add_func("/dhcp4-server/discover-again", test_discover_again);
    g_test_add_func("/dhcp4-server/reboot", test_reboot);
    g_test_add_func("/dhcp4-server/decline", test_decline);
    g_test_add_func("/dhcp4-server/bad-address-returns", test_bad_address_returns);
    g_test_add_func("/dhcp4-server/conflict", test_conflict);
    g_test_add_func("/dhcp4-server/release", test_release);
    g_test_add_func("/dhcp4-server/inform", test_inform);
    g_test_add_func("/dhcp4-server/ignored", test_ignored);
    g_test_add_func("/dhcp4-server/client-id", test_client_id);
    return g_test_run();
}
