/* SPDX-License-Identifier: Apache-2.0 */
/* test-dhcp6-server.c - each message in each state, bounds, and router advertisements. */

#include "core/net/ndp.h"
#include "tests/unit/hub/dhcp6_rig.h"

static void
test_lease(void)
{
    struct dhcp6_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    struct dhcp6_address a;
    struct dhcp6_ia ia;
    struct reader value;
    uint8_t ip[16];

    g_assert_true(get_lease(lab, 1, ip));
    g_assert_cmpint(memcmp(ip, prefix, 8), ==, 0);
    g_assert_cmpuint(dhcp6_server_n(lab->s), ==, 1);
    g_assert_true(answered_ia(lab, DHCP6_OPT_IA_NA, &ia));
    g_assert_cmpuint(ia.t1_s, ==, 500);
    g_assert_cmpuint(ia.t2_s, ==, 800);
    g_assert_cmpint(status_in(ia.options), ==, -1);
    g_assert_true(answered_address(lab, &a));
    g_assert_cmpuint(a.valid_s, ==, 1000);
    g_assert_cmpuint(a.preferred_s, ==, 1000);
    g_assert_true(dhcp6_find_option(lab->last.options, DHCP6_OPT_SERVER_ID, &value));
    g_assert_cmpmem(value.at, (int)value.left, "\0\3\0\1\2\0\0\0\0\1", 10);
    g_assert_true(dhcp6_find_option(lab->last.options, DHCP6_OPT_CLIENT_ID, &value));
    g_assert_cmpmem(value.at, (int)value.left, "\0\3\0\1\2\0\1\0\0\1", 10);
    g_assert_true(dhcp6_find_option(lab->last.options, DHCP6_OPT_DNS, &value));
    g_assert_cmpmem(value.at, (int)value.left, config.dns, 16);
    g_assert_true(dhcp6_find_option(lab->last.options, DHCP6_OPT_DOMAINS, &value));
    g_assert_cmpmem(value.at, (int)value.left, "\7example\3org", 13);
    g_assert_cmpint(lab->lease.leased_ms, ==, wall_ms(lab));
    g_assert_cmpint(lab->lease.expires_ms, ==, wall_ms(lab) + 1000 * 1000);
    g_assert_cmpuint(lab->lease.client_id_len, ==, DUID_LEN + 4);

    /* another IAID is another address; another client too */
    uint8_t other[16];
    g_assert_true(say(lab, &(struct say){.type = DHCP6_SOLICIT, .client = 1, .iaid = 7}));
    g_assert_true(answered_address(lab, &a));
    g_assert_cmpint(memcmp(a.ip, ip, 16), !=, 0);
    g_assert_true(get_lease(lab, 2, other));
    g_assert_cmpint(memcmp(other, ip, 16), !=, 0);
    /* asked again: the same */
    g_assert_true(get_lease(lab, 1, other));
    g_assert_cmpmem(other, 16, ip, 16);
    g_assert_cmpuint(dhcp6_server_n(lab->s), ==, 2);
    rig_free(lab);
}

static void
test_rapid_commit(void)
{
    struct dhcp6_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    struct dhcp6_address a;
    struct reader value;

    g_assert_true(say(lab, &(struct say){.type = DHCP6_SOLICIT, .client = 1, .rapid = true}));
    g_assert_cmpint(lab->last.type, ==, DHCP6_REPLY);
    g_assert_true(dhcp6_find_option(lab->last.options, DHCP6_OPT_RAPID_COMMIT, &value));
    g_assert_true(answered_address(lab, &a));
    g_assert_cmpuint(dhcp6_server_n(lab->s), ==, 1);
    rig_free(lab);
}

static void
test_offer_ends(void)
{
    struct dhcp6_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    struct dhcp6_address first;
    struct dhcp6_address second;

    g_assert_true(say(lab, &(struct say){.type = DHCP6_SOLICIT, .client = 1}));
    g_assert_true(answered_address(lab, &first));
    pass(lab, 11 * S);
    g_assert_cmpint(dhcp6_server_deadline(lab->s), ==, 0);
    g_assert_true(say(lab, &(struct say){.type = DHCP6_SOLICIT, .client = 1}));
    g_assert_true(answered_address(lab, &second));
    g_assert_cmpint(memcmp(first.ip, second.ip, 16), !=, 0);
    g_assert_cmpuint(lab->told, ==, 0);
    rig_free(lab);
}

static void
test_renew_and_expiry(void)
{
    struct dhcp6_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    struct dhcp6_address a;
    uint8_t ip[16];

    g_assert_true(get_lease(lab, 1, ip));
    for (unsigned i = 0; i < 4; i++) {
        bool renew = i % 2 == 0;
        pass(lab, 900 * S);
        g_assert_true(say(lab, &(struct say){.type = renew ? DHCP6_RENEW : DHCP6_REBIND,
                                             .client = 1,
                                             .server_id = renew,
                                             .address = ip}));
        g_assert_true(answered_address(lab, &a));
        g_assert_cmpmem(a.ip, 16, ip, 16);
        g_assert_cmpuint(a.valid_s, ==, 1000);
    }
    pass(lab, 1000 * S - 1);
    g_assert_cmpuint(lab->gone, ==, 0);
    pass(lab, 1);
    g_assert_cmpuint(lab->gone, ==, 1);
    g_assert_cmpuint(dhcp6_server_n(lab->s), ==, 0);
    /* what it had it gets again */
    uint8_t again[16];
    g_assert_true(get_lease(lab, 1, again));
    g_assert_cmpmem(again, 16, ip, 16);
    rig_free(lab);
}

static void
test_unknown(void)
{
    struct dhcp6_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    struct dhcp6_address a;
    uint8_t ours[16] = {0xfd, 0, 0, 1, 0, 2, 0, 3, 9, 9, 9, 9, 9, 9, 9, 9};
    uint8_t foreign[16] = {0x20, 1, [15] = 9};

    g_assert_true(say(
        lab, &(struct say){.type = DHCP6_RENEW, .client = 1, .server_id = true, .address = ours}));
    g_assert_cmpint(ia_status(lab, DHCP6_OPT_IA_NA), ==, DHCP6_NO_BINDING);
    /* perhaps another server's */
    g_assert_false(say(lab, &(struct say){.type = DHCP6_REBIND, .client = 1, .address = ours}));
    g_assert_false(say(lab, &(struct say){.type = DHCP6_REBIND, .client = 1}));
    /* certainly wrong here */
    g_assert_true(say(lab, &(struct say){.type = DHCP6_REBIND, .client = 1, .address = foreign}));
    g_assert_true(answered_address(lab, &a));
    g_assert_cmpmem(a.ip, 16, foreign, 16);
    g_assert_cmpuint(a.valid_s + a.preferred_s, ==, 0);
    g_assert_true(say(
        lab,
        &(struct say){.type = DHCP6_REQUEST, .client = 1, .server_id = true, .address = foreign}));
    g_assert_cmpint(ia_status(lab, DHCP6_OPT_IA_NA), ==, DHCP6_NOT_ON_LINK);
    g_assert_cmpuint(dhcp6_server_n(lab->s), ==, 0);

    /* CONFIRM asks of the link only */
    g_assert_true(say(lab, &(struct say){.type = DHCP6_CONFIRM, .client = 1, .address = ours}));
    g_assert_cmpint(status_in(lab->last.options), ==, DHCP6_SUCCESS);
    g_assert_true(say(lab, &(struct say){.type = DHCP6_CONFIRM, .client = 1, .address = foreign}));
    g_assert_cmpint(status_in(lab->last.options), ==, DHCP6_NOT_ON_LINK);
    g_assert_false(say(lab, &(struct say){.type = DHCP6_CONFIRM, .client = 1}));
    rig_free(lab);
}

static void
test_release_and_decline(void)
{
    struct dhcp6_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    uint8_t ip[16];
    uint8_t again[16];

    g_assert_true(get_lease(lab, 1, ip));
    struct say give = {.type = DHCP6_RELEASE, .client = 2, .server_id = true, .address = ip};
    g_assert_true(say(lab, &give)); /* not its own */
    g_assert_cmpint(status_in(lab->last.options), ==, DHCP6_SUCCESS);
    g_assert_cmpint(ia_status(lab, DHCP6_OPT_IA_NA), ==, DHCP6_NO_BINDING);
    g_assert_cmpuint(dhcp6_server_n(lab->s), ==, 1);
    give.client = 1;
    g_assert_true(say(lab, &give));
    struct dhcp6_ia ia;
    g_assert_false(answered_ia(lab, DHCP6_OPT_IA_NA, &ia));
    g_assert_cmpuint(dhcp6_server_n(lab->s), ==, 0);
    g_assert_cmpuint(lab->gone, ==, 1);
    g_assert_true(get_lease(lab, 1, again));
    g_assert_cmpmem(again, 16, ip, 16);

    give.type = DHCP6_DECLINE;
    g_assert_true(say(lab, &give));
    g_assert_cmpuint(lab->gone, ==, 2);
    g_assert_cmpuint(counters(lab).conflicts, ==, 1);
    memcpy(lab->drawn[0], ip + 8, 8); /* luck would have it drawn again: it is bad */
    lab->n_drawn = 1;
    g_assert_true(get_lease(lab, 1, again));
    g_assert_cmpint(memcmp(again, ip, 16), !=, 0);
    pass(lab, 601 * S);
    lab->at_drawn = 0;
    g_assert_true(get_lease(lab, 3, again));
    g_assert_cmpmem(again, 16, ip, 16);
    rig_free(lab);
}

static void
test_prefixes(void)
{
    struct dhcp6_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    struct dhcp6_address a;
    uint8_t more[16] = {0, DHCP6_OPT_IA_PD, 0, 12, 0, 0, 0, 5};

    g_assert_true(say(
        lab,
        &(struct say){.type = DHCP6_SOLICIT, .client = 1, .more = more, .more_len = sizeof more}));
    g_assert_true(answered_address(lab, &a));
    g_assert_cmpint(ia_status(lab, DHCP6_OPT_IA_PD), ==, DHCP6_NO_PREFIX);
    /* temporary addresses are not ours to give: ignored, and a message with nothing else too */
    more[1] = 4;
    g_assert_false(say(
        lab,
        &(struct say){
            .type = DHCP6_SOLICIT, .client = 1, .no_ia = true, .more = more, .more_len = 8 + 4}));
    rig_free(lab);
}

/* Section 16 of RFC 8415. */
static void
test_discarded(void)
{
    struct dhcp6_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    uint8_t ip[16];
    struct reader value;

    for (unsigned type = DHCP6_SOLICIT; type < DHCP6_INFORMATION_REQUEST; type++) {
        bool wants_server = type == DHCP6_REQUEST || type == DHCP6_RENEW || type == DHCP6_RELEASE ||
                            type == DHCP6_DECLINE;
        struct say what = {.type = (uint8_t)type, .client = 1, .address = prefix};
        what.no_client_id = true;
        what.server_id = wants_server;
        g_assert_false(say(lab, &what));
        what.no_client_id = false;
        what.server_id = !wants_server;
        g_assert_false(say(lab, &what));
        what.server_id = what.other_server = true;
        g_assert_false(say(lab, &what));
    }
    g_assert_false(say(lab, &(struct say){.type = DHCP6_INFORMATION_REQUEST, .client = 1}));
    struct say info = {.type = DHCP6_INFORMATION_REQUEST, .client = 1, .no_ia = true};
    g_assert_true(say(lab, &info));
    g_assert_true(dhcp6_find_option(lab->last.options, DHCP6_OPT_DNS, &value));
    info.no_client_id = true;
    g_assert_true(say(lab, &info));
    g_assert_false(dhcp6_find_option(lab->last.options, DHCP6_OPT_CLIENT_ID, &value));
    info.server_id = true;
    g_assert_true(say(lab, &info));
    info.other_server = true;
    g_assert_false(say(lab, &info));
    /* not from a link-local address */
    static const uint8_t oro[] = {11, 0, 0, 1, 0, 6, 0, 2, 0, 24};
    struct mac from = mac_of(1);
    unsigned sent = lab->sent;
    dhcp6_server_received(lab->s, reader_of(oro, sizeof oro), prefix, &from, lab->now_us, 1);
    g_assert_cmpuint(lab->sent, ==, sent);
    /* what is not asked for is not told */
    ip[0] = 0xfe;
    ip[1] = 0x80;
    dhcp6_server_received(lab->s, reader_of(oro, sizeof oro), ip, &from, lab->now_us, 1);
    g_assert_cmpuint(lab->sent, ==, sent + 1);
    g_assert_false(dhcp6_find_option(lab->last.options, DHCP6_OPT_DNS, &value));
    g_assert_true(dhcp6_find_option(lab->last.options, DHCP6_OPT_DOMAINS, &value));
    rig_free(lab);
}

static void
test_stateless(void)
{
    struct dhcp6_server_config config = rig_config();
    config.stateful = false;
    struct lab *lab = rig_new(&config);

    g_assert_false(say(lab, &(struct say){.type = DHCP6_SOLICIT, .client = 1}));
    g_assert_true(
        say(lab, &(struct say){.type = DHCP6_INFORMATION_REQUEST, .client = 1, .no_ia = true}));
    rig_free(lab);
}

/* Identifiers that others use are drawn again, and so is what is taken; luck has an end. */
static void
test_draw(void)
{
    static const uint8_t bad[6][8] = {
        {0},
        {0, 0, 0, 0, 0, 0, 0, 1},
        {0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80},
        {0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
        {2, 0, 0x5e, 0xff, 0xfe, 0, 0x52, 0x13},
        {0, 1, 2, 0xff, 0xfe, 3, 4, 5},
    };
    static const uint8_t good[8] = {0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
    struct dhcp6_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    uint8_t ip[16];

    memcpy(lab->drawn, bad, sizeof bad);
    memcpy(lab->drawn[6], good, 8);
    lab->n_drawn = 7;
    g_assert_true(get_lease(lab, 1, ip));
    g_assert_cmpmem(ip + 8, 8, good, 8);
    lab->at_drawn = 6;
    g_assert_true(get_lease(lab, 2, ip));
    g_assert_cmpint(memcmp(ip + 8, good, 8), !=, 0);
    rig_free(lab);
}

static void
test_crowd(void)
{
    struct dhcp6_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    struct mac from = mac_of(0);
    struct dhcp6_address a;

    for (unsigned i = 1; i <= DHCP_PEER_MAX + 3; i++) {
        g_assert_true(say(
            lab, &(struct say){.type = DHCP6_SOLICIT, .client = i, .from = &from, .rapid = true}));
        g_assert_true(answered_address(lab, &a) == (i <= DHCP_PEER_MAX));
        if (i > DHCP_PEER_MAX)
            g_assert_cmpint(ia_status(lab, DHCP6_OPT_IA_NA), ==, DHCP6_NO_ADDRS);
    }
    g_assert_cmpuint(counters(lab).crowded, ==, 3);
    g_assert_cmpuint(dhcp6_server_n(lab->s), ==, DHCP_PEER_MAX);
    uint8_t ip[16];
    g_assert_true(get_lease(lab, 5000, ip)); /* others are not harmed */
    /* and one that was of the crowd may be again, when its time is over */
    pass(lab, 1001 * S);
    g_assert_cmpuint(dhcp6_server_n(lab->s), ==, 0);
    g_assert_true(get_lease(lab, 1, ip));
    rig_free(lab);
}

static void
test_thousands(void)
{
    enum { N = 5000 };
    struct dhcp6_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    uint8_t ip[16];
    gint64 start = g_get_monotonic_time();

    for (unsigned i = 0; i < N; i++)
        g_assert_true(get_lease(lab, i, ip));
    g_assert_cmpuint(dhcp6_server_n(lab->s), ==, N);
    g_assert_cmpuint(g_hash_table_size(lab->leased), ==, N);
    pass(lab, 2000 * S);
    g_assert_cmpuint(lab->gone, ==, N);
    g_assert_cmpint(g_get_monotonic_time() - start, <, 5 * S); /* far less, even in valgrind */

    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(struct dhcp_lease));
    dhcp6_server_list(lab->s, list);
    g_assert_cmpuint(list->len, ==, 0);
    rig_free(lab);
}

static void
test_full(void)
{
    struct dhcp6_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    struct dhcp_lease lease = {.leased_ms = 1, .expires_ms = INT64_MAX, .client_id_len = 14};
    uint8_t ip[16];

    lease.ip.family = 6;
    memcpy(lease.ip.b, prefix, 16);
    lease.ip.b[8] = 1;
    for (unsigned i = 0; i < DHCP_LEASES_MAX; i++) {
        lease.ip.b[14] = lease.client_id[1] = (uint8_t)(i >> 8);
        lease.ip.b[15] = lease.client_id[2] = (uint8_t)i;
        lease.client_id[3] = lease.ip.b[13] = (uint8_t)(i >> 16);
        lease.mac = mac_of(i);
        dhcp6_server_restore(lab->s, &lease, lab->now_us, wall_ms(lab));
        int64_t key = 0;
        memcpy(&key, lease.ip.b + 8, 8);
        g_hash_table_add(lab->leased, g_memdup2(&key, sizeof key));
    }
    g_assert_cmpuint(dhcp6_server_n(lab->s), ==, DHCP_LEASES_MAX);
    g_assert_false(get_lease(lab, 0x800000, ip));
    g_assert_cmpint(ia_status(lab, DHCP6_OPT_IA_NA), ==, DHCP6_NO_ADDRS);
    g_assert_cmpuint(counters(lab).exhausted, ==, 1);
    rig_free(lab);
}

static void
test_restore(void)
{
    struct dhcp6_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    uint8_t ip[16];
    uint8_t again[16];

    g_assert_true(get_lease(lab, 1, ip));
    struct dhcp_lease lease = lab->lease;
    struct lab *next = rig_new(&config);
    next->now_us = lab->now_us + 600 * S; /* 400 s are left */
    next->random = 77;
    dhcp6_server_restore(next->s, &lease, next->now_us, wall_ms(next));
    dhcp6_server_restore(next->s, &lease, next->now_us, wall_ms(next)); /* once */
    g_assert_cmpuint(dhcp6_server_n(next->s), ==, 1);
    int64_t key = 0;
    memcpy(&key, ip + 8, 8);
    g_hash_table_add(next->leased, g_memdup2(&key, sizeof key));
    g_assert_cmpint(dhcp6_server_deadline(next->s), ==, next->now_us + 400 * S);
    g_assert_true(get_lease(next, 1, again));
    g_assert_cmpmem(again, 16, ip, 16);
    rig_free(next);

    /* what does not fit */
    struct dhcp_lease bad[5] = {lease, lease, lease, lease, lease};
    bad[0].expires_ms = wall_ms(lab);
    bad[1].ip.b[0] = 0x20;
    bad[2].ip.family = 4;
    bad[3].client_id_len = 4;
    memset(bad[4].ip.b + 8, 0, 7);
    next = rig_new(&config);
    for (unsigned i = 0; i < 5; i++)
        dhcp6_server_restore(next->s, &bad[i], lab->now_us, wall_ms(lab));
    g_assert_cmpuint(dhcp6_server_n(next->s), ==, 0);
    rig_free(next);
    rig_free(lab);
}

/* Another prefix: who renews loses the old address and gets a new one. */
static void
test_new_prefix(void)
{
    struct dhcp6_server_config config = rig_config();
    struct lab *lab = rig_new(&config);
    struct dhcp6_address a;
    struct dhcp6_ia ia;
    struct reader value;
    uint16_t code = 0;
    uint8_t ip[16];

    g_assert_true(get_lease(lab, 1, ip));
    config.prefix[7] = 9;
    dhcp6_server_set_config(lab->s, &config);
    g_assert_cmpuint(dhcp6_server_n(lab->s), ==, 1);
    g_assert_true(say(
        lab, &(struct say){.type = DHCP6_RENEW, .client = 1, .server_id = true, .address = ip}));
    g_assert_true(answered_ia(lab, DHCP6_OPT_IA_NA, &ia));
    g_assert_true(dhcp6_next_option(&ia.options, &code, &value));
    g_assert_cmpint(dhcp6_parse_address(value, &a), ==, DROP_NONE);
    g_assert_cmpmem(a.ip, 8, config.prefix, 8);
    g_assert_cmpuint(a.valid_s, ==, 1000);
    g_assert_true(dhcp6_next_option(&ia.options, &code, &value));
    g_assert_cmpint(dhcp6_parse_address(value, &a), ==, DROP_NONE);
    g_assert_cmpmem(a.ip, 16, ip, 16);
    g_assert_cmpuint(a.valid_s, ==, 0);
    g_assert_cmpuint(lab->gone, ==, 1);
    g_assert_cmpuint(dhcp6_server_n(lab->s), ==, 1);
    rig_free(lab);
}

static void
test_router_advertisement(void)
{
    struct dhcp6_server_config config = rig_config();
    static const uint8_t src[16] = {0xfe, 0x80, [15] = 1};
    static const uint8_t dst[16] = {0xff, 2, [15] = 1};
    struct ndp_router_advertisement ra;
    uint8_t bytes[256];
    struct writer w = writer_of(bytes, sizeof bytes);

    router_advertisement_write(&w, &config, src, dst, RA_LIFETIME_S);
    g_assert_true(writer_ok(&w));
    g_assert_cmpint(ndp_parse_router_advertisement(reader_of(bytes, w.len), 255, &ra), ==,
                    DROP_NONE);
    g_assert_true(ra.managed && ra.other && ra.has_mac);
    g_assert_true(mac_equal(&ra.mac, &server_mac));
    g_assert_cmpuint(ra.lifetime_s, ==, 1800);
    g_assert_cmpuint(ra.mtu, ==, 1400);
    g_assert_cmpuint(ra.n_prefix, ==, 1);
    g_assert_cmpmem(ra.prefix[0].prefix, 16, prefix, 16);
    g_assert_cmpuint(ra.prefix[0].len, ==, 64);
    g_assert_true(ra.prefix[0].on_link && ra.prefix[0].autonomous);
    g_assert_cmpuint(ra.prefix[0].preferred_s, ==, 1800);
    g_assert_cmpuint(ra.prefix[0].valid_s, ==, 7200);
    g_assert_cmpuint(ra.n_dns, ==, 1);
    g_assert_cmpmem(ra.dns[0], 16, config.dns, 16);
    g_assert_cmpuint(ra.dns_lifetime_s, ==, 1800);

    config.stateful = false;
    memset(config.dns, 0, 16);
    config.domain[0] = '\0';
    config.mtu = 0;
    config.prefix[15] = 1; /* the host's bits do not get out */
    w = writer_of(bytes, sizeof bytes);
    router_advertisement_write(&w, &config, src, dst, 0);
    g_assert_cmpint(ndp_parse_router_advertisement(reader_of(bytes, w.len), 255, &ra), ==,
                    DROP_NONE);
    g_assert_false(ra.managed || ra.other);
    g_assert_cmpuint(ra.lifetime_s + ra.n_dns + ra.mtu + ra.prefix[0].preferred_s, ==, 0);
    g_assert_cmpmem(ra.prefix[0].prefix, 16, prefix, 16);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dhcp6-server/lease", test_lease);
    g_test_add_func("/dhcp6-server/rapid-commit", test_rapid_commit);
    g_test_add_func("/dhcp6-server/offer-ends", test_offer_ends);
    g_test_add_func("/dhcp6-server/renew-and-expiry", test_renew_and_expiry);
    g_test_add_func("/dhcp6-server/unknown", test_unknown);
    g_test_add_func("/dhcp6-server/release-and-decline", test_release_and_decline);
    g_test_add_func("/dhcp6-server/prefixes", test_prefixes);
    g_test_add_func("/dhcp6-server/discarded", test_discarded);
    g_test_add_func("/dhcp6-server/stateless", test_stateless);
    g_test_add_func("/dhcp6-server/draw", test_draw);
    g_test_add_func("/dhcp6-server/crowd", test_crowd);
    g_test_add_func("/dhcp6-server/thousands", test_thousands);
    g_test_add_func("/dhcp6-server/full", test_full);
    g_test_add_func("/dhcp6-server/restore", test_restore);
    g_test_add_func("/dhcp6-server/new-prefix", test_new_prefix);
    g_test_add_func("/dhcp6-server/router-advertisement", test_router_advertisement);
    return g_test_run();
}
