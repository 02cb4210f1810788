/* SPDX-License-Identifier: Apache-2.0 */
/* test-dhcp4-both.c - our own clients against our own server, for days of a time of their own. */

#include "core/net/dhcp4_client.h"
#include "tests/unit/hub/dhcp_rig.h"

enum { CLIENTS = 50 };

struct host {
    struct dhcp4_client c;
    struct lab *lab;
    unsigned bound, changed, lost;
    bool deaf;           /* what the server says does not arrive */
    bool broadcast_only; /* what is for the server alone is lost */
};

static void
client_send(void *owner, struct reader payload, uint32_t src, uint32_t dst)
{
    struct host *h = owner;

    (void)src;
    if (h->broadcast_only && dst != ALL)
        return;
    g_assert_true(dst == ALL || dst == SERVER);
    dhcp4_server_received(h->lab->s, payload, &h->c.mac, h->lab->now_us, wall_ms(h->lab));
}

static void
client_bound(void *owner, const struct dhcp4_lease *lease, bool changed)
{
    struct host *h = owner;

    h->bound++;
    h->changed += changed;
    g_assert_cmpuint(lease->lease_s, ==, 1000);
    g_assert_cmpuint(lease->prefix_len, ==, 16);
    g_assert_cmphex(lease->server, ==, SERVER);
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
    static const uint32_t step = 0x9e3779b9;
    return h->c.xid * 1664525 + step + h->c.mac.b[5];
}

static const struct dhcp4_client_ops client_ops = {
    .send = client_send, .bound = client_bound, .lost = client_lost, .random = client_random};

static struct host hosts[CLIENTS];

static void
deliver(struct lab *lab, struct reader payload, const struct mac *mac)
{
    /* a client sends from within: the buffer of the lab is used again */
    g_autofree uint8_t *copy = g_memdup2(payload.at, payload.left);
    size_t len = payload.left;

    for (unsigned i = 0; i < CLIENTS; i++) {
        struct host *h = &hosts[i];
        if (h->lab == lab && !h->deaf && (mac_equal(mac, &h->c.mac) || mac_equal(mac, &everybody)))
            dhcp4_client_received(&h->c, reader_of(copy, len), lab->now_us);
    }
}

/* Runs server and clients for a while; no two may ever have the same address. */
static void
run(struct lab *lab, int64_t us)
{
    int64_t until_us = lab->now_us + us;

    for (;;) {
        int64_t due_us = dhcp4_server_deadline(lab->s);
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
        dhcp4_server_tick(lab->s, due_us, wall_ms(lab));
        for (unsigned i = 0; i < CLIENTS; i++)
            dhcp4_client_tick(&hosts[i].c, due_us);
        for (unsigned i = 0; i < CLIENTS; i++) {
            for (unsigned j = 0; j < i; j++)
                g_assert_true(hosts[i].c.state < DHCP4_BOUND || hosts[j].c.state < DHCP4_BOUND ||
                              hosts[i].c.lease.address != hosts[j].c.lease.address);
        }
    }
    lab->now_us = until_us;
}

static struct lab *
start(unsigned n)
{
    struct dhcp4_server_config config = rig_config();
    config.last = NET + 1000;
    struct lab *lab = rig_new(&config);

    memset(hosts, 0, sizeof hosts);
    lab->deliver = deliver;
    for (unsigned i = 0; i < n; i++) {
        struct mac mac = mac_of(i);
        dhcp4_client_init(&hosts[i].c, &mac, "host", &client_ops, &hosts[i]);
        hosts[i].lab = lab;
        dhcp4_client_start(&hosts[i].c, 0, lab->now_us);
    }
    return lab;
}

static void
stop(struct lab *lab)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (hosts[i].lab)
            dhcp4_client_stop(&hosts[i].c, lab->now_us);
    }
    g_assert_cmpuint(dhcp4_server_n(lab->s), ==, 0); /* all gave back what they had */
    rig_free(lab);
}

static void
test_days(void)
{
    struct lab *lab = start(CLIENTS);

    run(lab, 2 * S);
    for (unsigned i = 0; i < CLIENTS; i++) {
        g_assert_cmpint(hosts[i].c.state, ==, DHCP4_BOUND);
        g_assert_cmpstr(hosts[i].c.lease.domain, ==, "example.org");
        g_assert_cmphex(hosts[i].c.lease.gateway[0], ==, SERVER);
    }
    g_assert_cmpuint(dhcp4_server_n(lab->s), ==, CLIENTS);
    run(lab, 24 * 3600 * S);
    for (unsigned i = 0; i < CLIENTS; i++) {
        g_assert_cmpuint(hosts[i].bound, >, 80);   /* renewed all the time, */
        g_assert_cmpuint(hosts[i].changed, ==, 1); /* and always the same */
        g_assert_cmpuint(hosts[i].lost, ==, 0);
    }
    g_assert_cmpuint(lab->gone, ==, 0);
    stop(lab);
}

/* The renewals do not get through; to ask everybody does. */
static void
test_rebind(void)
{
    struct lab *lab = start(1);

    run(lab, 2 * S);
    hosts[0].broadcast_only = true;
    run(lab, 880 * S);
    g_assert_cmpint(hosts[0].c.state, ==, DHCP4_BOUND);
    g_assert_cmpuint(hosts[0].bound, ==, 2);
    g_assert_cmpuint(hosts[0].lost, ==, 0);
    hosts[0].broadcast_only = false;
    stop(lab);
}

/* It is away for longer than its lease, and gets the same address when it is back. */
static void
test_away(void)
{
    struct lab *lab = start(2);

    run(lab, 2 * S);
    uint32_t address = hosts[0].c.lease.address;
    hosts[0].deaf = true;
    hosts[0].lab = NULL;
    dhcp4_client_init(&hosts[0].c, &hosts[0].c.mac, NULL, &client_ops, &hosts[0]);
    run(lab, 1500 * S);
    g_assert_cmpuint(lab->gone, ==, 1);
    hosts[0].lab = lab;
    hosts[0].deaf = false;
    struct mac mac = mac_of(0);
    dhcp4_client_init(&hosts[0].c, &mac, NULL, &client_ops, &hosts[0]);
    dhcp4_client_start(&hosts[0].c, 0, lab->now_us);
    unsigned probes = lab->probes;
    run(lab, 1 * MS); /* at once */
    g_assert_cmpint(hosts[0].c.state, ==, DHCP4_BOUND);
    g_assert_cmphex(hosts[0].c.lease.address, ==, address);
    g_assert_cmpuint(lab->probes, ==, probes);
    /* INIT-REBOOT with an address of another network: refused, and served */
    dhcp4_client_init(&hosts[0].c, &mac, NULL, &client_ops, &hosts[0]);
    dhcp4_client_start(&hosts[0].c, 0xc0a80005, lab->now_us);
    run(lab, 1 * S);
    g_assert_cmpint(hosts[0].c.state, ==, DHCP4_BOUND);
    g_assert_cmphex(hosts[0].c.lease.address, ==, address);
    stop(lab);
}

/* The network of the server changes under its clients. */
static void
test_new_pool(void)
{
    struct lab *lab = start(CLIENTS);
    struct dhcp4_server_config config = rig_config();

    run(lab, 2 * S);
    config.first = NET + 2000;
    config.last = NET + 2999;
    dhcp4_server_set_config(lab->s, &config);
    run(lab, 1100 * S);
    for (unsigned i = 0; i < CLIENTS; i++) {
        g_assert_cmpint(hosts[i].c.state, ==, DHCP4_BOUND);
        g_assert_cmphex(hosts[i].c.lease.address, >=, NET + 2000);
    }
    g_assert_cmpuint(dhcp4_server_n(lab->s), ==, CLIENTS);
    stop(lab);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dhcp4-both/days", test_days);
    g_test_add_func("/dhcp4-both/rebind", test_rebind);
    g_test_add_func("/dhcp4-both/away", test_away);
    g_test_add_func("/dhcp4-both/new-pool", test_new_pool);
    return g_test_run();
}
