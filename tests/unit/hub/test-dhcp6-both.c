/* SPDX-License-Identifier: Apache-2.0 */
/* test-dhcp6-both.c - our own DHCPv6 clients against our own server, for a day of a time of their
 * own. */

#include "core/net/dhcp6_client.h"
#include "tests/unit/hub/dhcp6_rig.h"

enum { CLIENTS = 50 };

struct host {
    struct dhcp6_client c;
    struct mac mac;
    struct lab *lab;
    unsigned bound, changed, lost;
    bool mute_renewals; /* what is for the one server is lost */
    uint32_t random;
};

static struct host hosts[CLIENTS];

static void
client_send(void *owner, struct reader payload)
{
    struct host *h = owner;
    uint8_t src[16] = {0xfe, 0x80, [15] = h->mac.b[5]};

    if (h->mute_renewals && payload.at[0] == DHCP6_RENEW)
        return;
    dhcp6_server_received(h->lab->s, payload, src, &h->mac, h->lab->now_us, wall_ms(h->lab));
}

static void
client_bound(void *owner, const struct dhcp6_lease *lease, bool changed)
{
    struct host *h = owner;

    h->bound++;
    h->changed += changed;
    g_assert_cmpuint(lease->valid_s, ==, 1000);
    g_assert_cmpuint(lease->t1_s, ==, 500);
    g_assert_cmpuint(lease->t2_s, ==, 800);
    g_assert_cmpuint(lease->n_dns, ==, 1);
}

static void
client_lost(void *owner)
{
    struct host *h = owner;
    h->lost++;
}

static uint32_t
client_random(void *owner)
{
    struct host *h = owner;
    h->random = h->random * 1664525 + 1013904223;
    return h->random >> 8;
}

static const struct dhcp6_client_ops client_ops = {
    .send = client_send, .bound = client_bound, .lost = client_lost, .random = client_random};

static void
deliver(struct lab *lab, struct reader payload)
{
    g_autofree uint8_t *copy = g_memdup2(payload.at, payload.left);
    size_t len = payload.left;

    for (unsigned i = 0; i < CLIENTS; i++) {
        if (hosts[i].lab == lab && mac_equal(&lab->mac, &hosts[i].mac)) {
            dhcp6_client_received(&hosts[i].c, reader_of(copy, len), lab->now_us);
            return;
        }
    }
}

static bool
is_bound(const struct host *h)
{
    return h->c.state >= DHCP6_BOUND;
}

/* Runs server and clients for a while; no two may ever have the same address. */
static void
run(struct lab *lab, int64_t us)
{
    int64_t until_us = lab->now_us + us;

    for (;;) {
        int64_t due_us = dhcp6_server_deadline(lab->s);
        if (due_us == 0)
            due_us = INT64_MAX;
        for (unsigned i = 0; i < CLIENTS; i++) {
            if (hosts[i].c.deadline_us != 0)
                due_us = MIN(due_us, hosts[i].c.deadline_us);
        }
        if (due_us > until_us)
            break;
        g_assert_cmpint(due_us, >=, lab->now_us);
        lab->now_us = due_us;
        dhcp6_server_tick(lab->s, due_us, wall_ms(lab));
        for (unsigned i = 0; i < CLIENTS; i++)
            dhcp6_client_tick(&hosts[i].c, due_us);
        for (unsigned i = 0; i < CLIENTS; i++) {
            for (unsigned j = 0; j < i; j++)
                g_assert_true(!is_bound(&hosts[i]) || !is_bound(&hosts[j]) ||
                              memcmp(hosts[i].c.lease.ip, hosts[j].c.lease.ip, 16) != 0);
        }
    }
    lab->now_us = until_us;
}

static struct lab *
start(unsigned n)
{
    struct dhcp6_server_config config = rig_config();
    struct lab *lab = rig_new(&config);

    memset(hosts, 0, sizeof hosts);
    lab->deliver = deliver;
    for (unsigned i = 0; i < n; i++) {
        hosts[i] = (struct host){.mac = mac_of(i), .lab = lab, .random = i * 7919};
        dhcp6_client_init(&hosts[i].c, &hosts[i].mac, &client_ops, &hosts[i]);
        dhcp6_client_start(&hosts[i].c, lab->now_us);
    }
    return lab;
}

static void
stop(struct lab *lab)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (hosts[i].lab)
            dhcp6_client_stop(&hosts[i].c, lab->now_us);
    }
    g_assert_cmpuint(dhcp6_server_n(lab->s), ==, 0); /* all gave back what they had */
    rig_free(lab);
}

static void
test_day(void)
{
    struct lab *lab = start(CLIENTS);

    run(lab, 2 * S);
    g_assert_cmpuint(dhcp6_server_n(lab->s), ==, CLIENTS);
    run(lab, 24 * 3600 * S);
    for (unsigned i = 0; i < CLIENTS; i++) {
        g_assert_cmpint(hosts[i].c.state, ==, DHCP6_BOUND);
        g_assert_cmpuint(hosts[i].bound, >, 80);
        g_assert_cmpuint(hosts[i].changed, ==, 1);
        g_assert_cmpuint(hosts[i].lost, ==, 0);
    }
    g_assert_cmpuint(lab->gone, ==, 0);
    stop(lab);
}

static void
test_rebind(void)
{
    struct lab *lab = start(1);

    run(lab, 2 * S);
    hosts[0].mute_renewals = true;
    run(lab, 3600 * S);
    g_assert_cmpint(hosts[0].c.state, ==, DHCP6_BOUND);
    g_assert_cmpuint(hosts[0].bound, ==, 5); /* each 800 s */
    g_assert_cmpuint(hosts[0].lost, ==, 0);
    stop(lab);
}

/* Declined: another one. */
static void
test_decline(void)
{
    struct lab *lab = start(1);
    uint8_t ip[16];

    run(lab, 2 * S);
    memcpy(ip, hosts[0].c.lease.ip, 16);
    dhcp6_client_decline(&hosts[0].c, lab->now_us);
    g_assert_cmpuint(counters(lab).conflicts, ==, 1);
    run(lab, 10 * S);
    g_assert_cmpint(hosts[0].c.state, ==, DHCP6_BOUND);
    g_assert_cmpint(memcmp(ip, hosts[0].c.lease.ip, 16), !=, 0);
    stop(lab);
}

/* The server lost all, or has another prefix now: its clients find their way. */
static void
test_new_server(void)
{
    struct lab *lab = start(CLIENTS);
    struct dhcp6_server_config config = rig_config();

    run(lab, 2 * S);
    dhcp6_server_free(lab->s);
    g_hash_table_remove_all(lab->leased);
    lab->s = dhcp6_server_new(&config, &rig_ops, lab);
    run(lab, 700 * S);
    g_assert_cmpuint(dhcp6_server_n(lab->s), ==, CLIENTS);
    config.prefix[6] = 0x77;
    dhcp6_server_set_config(lab->s, &config);
    run(lab, 700 * S);
    for (unsigned i = 0; i < CLIENTS; i++) {
        g_assert_cmpint(hosts[i].c.state, ==, DHCP6_BOUND);
        g_assert_cmpuint(hosts[i].c.lease.ip[6], ==, 0x77);
        g_assert_cmpuint(hosts[i].lost, ==, 0);
    }
    g_assert_cmpuint(dhcp6_server_n(lab->s), ==, CLIENTS);
    stop(lab);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dhcp6-both/day", test_day);
    g_test_add_func("/dhcp6-both/rebind", test_rebind);
    g_test_add_func("/dhcp6-both/decline", test_decline);
    g_test_add_func("/dhcp6-both/new-server", test_new_server);
    return g_test_run();
}
