/* SPDX-License-Identifier: Apache-2.0 */
/* test-hub-law.c - policies and options at the ports of a hub: addresses, leases, VLANs, what is
 * changed on the way out, what is counted and listed. On one worker, in virtual time. */

#include "core/base/types.h"
#include "core/base/worker.h"
#include "core/hub/hub_port.h"
#include "core/hub/hubs.h"
#include "core/hub/law/options.h"
#include "core/net/flow.h"
#include "core/net/wire.h"
#include "tests/unit/hub/law_frames.h"

#include <glib.h>

#include <string.h>

enum { PORTS = 4, S = 1000000 };

struct port {
    struct hub_port *port;
    GPtrArray *got; /* GBytes */
};

struct rig {
    struct worker_set *set;
    struct hubs *hubs;
    struct hub *hub;
    int64_t now_us;
    struct port p[PORTS];
    void (*test)(struct rig *r);
};

static void
deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    struct port *p = hub_port_owner(port);
    (void)now_us;
    for (unsigned i = 0; i < b->n; i++)
        g_ptr_array_add(p->got, g_bytes_new(b->frame[i]->data, b->frame[i]->len));
    batch_free_frames(b);
}

static const struct hub_port_ops ops = {.deliver = deliver};

static void
attach(struct rig *r, unsigned i, const struct policy *policy, const char *user)
{
    g_autofree char *name = g_strdup_printf("port-%u", i);
    struct hub_port_config config = {.name = name,
                                     .kind = HUB_PORT_SESSION,
                                     .policy = policy ? *policy : policy_default(),
                                     .user = user};
    GError *error = NULL;
    if (r->p[i].port)
        hub_detach(r->p[i].port);
    r->p[i].port = hub_attach(r->hub, &config, &ops, &r->p[i], &error);
    g_assert_no_error(error);
}

/* What a port sends, as text; how many came to a port since the last look. */
static void
send(struct rig *r, unsigned from, const char *text)
{
    struct law_making m;
    struct batch b = {.n = 0};
    law_bytes(text, &m);
    struct frame *f = frame_new(worker_pool(worker_current()), m.n);
    memcpy(frame_put(f, m.n), m.b, m.n);
    batch_add(&b, f);
    hub_port_receive(r->p[from].port, &b, r->now_us);
}

static unsigned
got(struct rig *r, unsigned at)
{
    unsigned n = r->p[at].got->len;
    g_ptr_array_set_size(r->p[at].got, 0);
    return n;
}

static void
got_text(struct rig *r, unsigned at, const char *text)
{
    struct law_making m;
    gsize len = 0;
    g_assert_cmpuint(r->p[at].got->len, ==, 1);
    const uint8_t *bytes = g_bytes_get_data(g_ptr_array_index(r->p[at].got, 0), &len);
    law_bytes(text, &m);
    assert_bytes(bytes, len, m.b, m.n);
    (void)got(r, at);
}

static uint64_t
dropped(struct rig *r, unsigned i, enum drop why)
{
    struct hub_port_stats s;
    hub_port_get_stats(r->p[i].port, &s);
    return s.dropped[why];
}

/* An ARP request of a machine: 02:00:00:00:00:NN says that it is 10.0.0.NN. */
static void
send_arp(struct rig *r, unsigned from, unsigned mac, unsigned ip)
{
    g_autofree char *text = g_strdup_printf("ffffffffffff0200000000%02x 0806 0001080006040001"
                                            "0200000000%02x 0a0000%02x 000000000000 0a0000fe",
                                            mac, mac, ip);
    send(r, from, text);
}

static void
send_ip6(struct rig *r, unsigned from, unsigned mac, const char *src)
{
    g_autofree char *text = g_strdup_printf("3333000000010200000000%02x 86dd 6000000000003b40%s"
                                            "ff020000000000000000000000000001",
                                            mac, src);
    send(r, from, text);
}

static void
expect(struct rig *r, unsigned from, unsigned at, bool passes)
{
    g_assert_cmpuint(got(r, at), ==, passes);
    (void)from;
}

/* ---- addresses ---- */

static void
check_mac(struct rig *r)
{
    struct policy policy = policy_default();
    policy.CheckMac = 1;
    attach(r, 0, NULL, NULL);
    attach(r, 1, &policy, "eve");
    attach(r, 2, NULL, NULL);
    send_arp(r, 0, 0x0a, 0x0a);
    expect(r, 0, 2, true);
    send_arp(r, 1, 0x0a, 0x0b); /* that address is at port 0 */
    expect(r, 1, 2, false);
    send_arp(r, 1, 0x0b, 0x0b);
    expect(r, 1, 2, true);
    /* ARP that speaks for somebody else. */
    send(r, 1,
         "ffffffffffff02000000000b 0806 000108000604000102000000000a 0a00000b"
         "000000000000 0a0000fe");
    expect(r, 1, 2, false);
    g_assert_cmpuint(dropped(r, 1, DROP_POLICY), ==, 2);
    hub_detach(r->p[0].port); /* gone: it is free */
    r->p[0].port = NULL;
    send_arp(r, 1, 0x0a, 0x0b);
    expect(r, 1, 2, true);
}

static void
check_ip(struct rig *r)
{
    struct policy policy = policy_default();
    policy.CheckIP = policy.CheckIPv6 = 1;
    attach(r, 0, NULL, NULL);
    attach(r, 1, &policy, "eve");
    attach(r, 2, NULL, NULL);
    send_arp(r, 0, 0x0a, 0x0a);
    send_ip6(r, 0, 0x0a, "fe80000000000000000000000000000a");
    g_assert_cmpuint(got(r, 2), ==, 2);
    send_arp(r, 1, 0x0b, 0x0a);
    send_ip6(r, 1, 0x0b, "fe80000000000000000000000000000a");
    /* A neighbour advertisement for the other's address, from one's own. */
    send(r, 1,
         "33330000000102000000000b 86dd 6000000000203aff fe80000000000000000000000000000b"
         "ff020000000000000000000000000001 88000000 20000000"
         "fe80000000000000000000000000000a 020102000000000b");
    expect(r, 1, 2, false);
    g_assert_cmpuint(dropped(r, 1, DROP_POLICY), ==, 3);
    send_arp(r, 1, 0x0b, 0x0b);
    send_ip6(r, 1, 0x0b, "fe80000000000000000000000000000b");
    g_assert_cmpuint(got(r, 2), ==, 2);
    send(r, 1, "uni 0800 4500001400000000401100007f00000108080808"); /* nobody's address */
    g_assert_cmpuint(dropped(r, 1, DROP_BAD_SOURCE), ==, 1);
    g_autoptr(GArray) rows = hub_ip_list(r->hub);
    (void)rows; /* by another clock; see the table's own test */
    struct hub_options options = hub_options_default();
    options.NoIpTable = 1;
    hub_set_options(r->hub, &options);
    send_arp(r, 1, 0x0b, 0x0a);
    expect(r, 1, 2, true);
}

static unsigned
passed(struct rig *r, unsigned n4, unsigned n6)
{
    attach(r, 2, NULL, NULL);
    (void)got(r, 2);
    for (unsigned i = 0; i < n4; i++)
        send_arp(r, 1, 0x0b, 0x80 + i);
    for (unsigned i = 0; i < n6; i++) {
        g_autofree char *src = g_strdup_printf("20010db80000000000000000000000%02x", i + 1);
        send_ip6(r, 1, 0x0b, src);
    }
    return got(r, 2);
}

static void
address_limits(struct rig *r)
{
    struct policy policy = policy_default();
    attach(r, 1, &policy, "eve");
    g_assert_cmpuint(passed(r, 30, 30), ==, 60);
    policy.MaxIP = 7;
    attach(r, 1, &policy, "eve");
    g_assert_cmpuint(passed(r, 30, 30), ==, 37);
    policy.MaxIPv6 = 2;
    attach(r, 1, &policy, "eve");
    g_assert_cmpuint(passed(r, 30, 30), ==, 9);
    policy.NoRouting = 1;
    attach(r, 1, &policy, "eve");
    g_assert_cmpuint(passed(r, 30, 30), ==, 6);
    policy.MaxIPv6 = policy.MaxIP = 0;
    policy.NoRouting = 0;
    policy.NoRoutingV6 = 1;
    attach(r, 1, &policy, "eve");
    g_assert_cmpuint(passed(r, 30, 30), ==, 46);
    g_assert_cmpuint(dropped(r, 1, DROP_POLICY), ==, 14);
}

#define ACK(to)                                                                      \
    to "020000000001 0800 4500012c00000000401100000a000001ffffffff 0043004401180000" \
       "0201060000000001000000000000000 00a00000b 0000000000000000 02000000000b"     \
       "00000000000000000000"                                                        \
       "0000000000000000000000000000000000000000000000000000000000000000"            \
       "0000000000000000000000000000000000000000000000000000000000000000"            \
       "0000000000000000000000000000000000000000000000000000000000000000"            \
       "0000000000000000000000000000000000000000000000000000000000000000"            \
       "0000000000000000000000000000000000000000000000000000000000000000"            \
       "0000000000000000000000000000000000000000000000000000000000000000"            \
       "63825363 350105 330400000e10 ff00000000000000000000000000000000000000000000"

static void
dhcp_force(struct rig *r)
{
    struct policy policy = policy_default();
    policy.DHCPForce = 1;
    attach(r, 0, NULL, NULL);
    attach(r, 1, &policy, "eve");
    attach(r, 2, NULL, NULL);
    send(r, 1,
         "ffffffffffff02000000000b 0800 45000020 00000000401100 0000000000ffffffff"
         "00440043000c0000 01010600"); /* asks */
    send(r, 1,                         /* looks whether an address is free */
         "ffffffffffff02000000000b 0806 000108000604000102000000000b 00000000 000000000000 "
         "0a00000b");
    g_assert_cmpuint(got(r, 2), ==, 2);
    send_arp(r, 1, 0x0b, 0x0b);
    expect(r, 1, 2, false);
    g_auto(GStrv) parts = g_strsplit(ACK("ffffffffffff"), "000000000 00a0", -1);
    g_assert_cmpuint(g_strv_length(parts), ==, 2);
    g_autofree char *ack = g_strjoinv("00000000000a0", parts);
    send(r, 0, ack);
    g_assert_cmpuint(got(r, 2), ==, 1);
    send_arp(r, 1, 0x0b, 0x0b);
    expect(r, 1, 2, true);
    send_arp(r, 1, 0x0b, 0x0c); /* another address */
    send_arp(r, 1, 0x0c, 0x0b); /* another machine */
    expect(r, 1, 2, false);
    send_ip6(r, 1, 0x0b, "fe80000000000000000000000000000b"); /* not IPv4's business */
    expect(r, 1, 2, true);
}

/* ---- VLANs ---- */

static void
vlan(struct rig *r)
{
    struct policy policy = policy_default();
    policy.VLanId = 7;
    attach(r, 0, &policy, "a");
    attach(r, 1, &policy, "b");
    attach(r, 2, NULL, NULL); /* a trunk */
    policy.VLanId = 8;
    policy.FilterNonIP = 1; /* judged without the tag */
    attach(r, 3, &policy, "c");
    send(r, 0, "all ip4:11 udp:1000,1001 ffff");
    got_text(r, 1, "all ip4:11 udp:1000,1001 ffff");
    got_text(r, 2, "all tag:0007 ip4:11 udp:1000,1001 ffff");
    g_assert_cmpuint(got(r, 3), ==, 0);
    send(r, 2, "ffffffffffff02000000000c tag:0008 0800 45000014000000004063000001020304 05060708");
    g_assert_cmpuint(got(r, 0) + got(r, 1), ==, 0);
    got_text(r, 3, "ffffffffffff02000000000c 0800 45000014000000004063000001020304 05060708");
    send(r, 3, "02000000000c02000000000d 0800 45000014000000004063000001020304 05060708");
    got_text(r, 2,
             "02000000000c02000000000d tag:0008 0800 45000014000000004063000001020304 05060708");
    send(r, 2, "all ip4:11 udp:1000,1001 ffff"); /* no tag: for no access port */
    g_assert_cmpuint(got(r, 0) + got(r, 1) + got(r, 3), ==, 0);
    send(r, 0, "all tag:0008 ip4:11 udp:1000,1001 ffff"); /* would hop into another VLAN */
    g_assert_cmpuint(got(r, 1) + got(r, 2) + got(r, 3), ==, 0);
    g_assert_cmpuint(dropped(r, 0, DROP_POLICY), ==, 1);
}

/* ---- what leaves ---- */

static void
way_out(struct rig *r)
{
    struct policy policy = policy_default();
    policy.NoServer = policy.NoIPv6DefaultRouterInRA = 1;
    attach(r, 0, NULL, NULL);
    attach(r, 1, &policy, "eve");
    attach(r, 2, NULL, NULL);
    send(r, 0, "all ip4:06 tcp:02");
    g_assert_cmpuint(got(r, 1), ==, 0);
    g_assert_cmpuint(got(r, 2), ==, 1);
    g_assert_cmpuint(dropped(r, 1, DROP_POLICY), ==, 1);
    send(r, 0, "all ip4:06 tcp:12"); /* an answer */
    g_assert_cmpuint(got(r, 1), ==, 1);
    (void)got(r, 2);
    send(r, 0, law_text[LAW_RA]);
    got_text(r, 2, law_text[LAW_RA]);
    gsize len = 0;
    g_assert_cmpuint(r->p[1].got->len, ==, 1);
    const uint8_t *ra = g_bytes_get_data(g_ptr_array_index(r->p[1].got, 0), &len);
    g_assert_cmpuint(wire_get16(ra + 14 + 40 + 6), ==, 0);
    (void)got(r, 1);
}

/* ---- options ---- */

static void
options(struct rig *r)
{
    struct hub_options o = hub_options_default();
    struct policy policy = policy_default();
    attach(r, 0, NULL, NULL);
    attach(r, 1, NULL, NULL);
    o.FilterOSPF = o.FilterPPPoE = o.FilterBPDU = 1;
    hub_set_options(r->hub, &o);
    for (unsigned i = 0; i < LAW_N_FRAMES; i++) {
        send(r, 0, law_text[i]);
        bool hidden = i == LAW_TCP4_OVERLAP || i == LAW_TCP6_OVERLAP || i == LAW_TAGS3 ||
                      i == LAW_SNAP4 || i == LAW_RA_HALF;
        bool refused = i == LAW_OSPF4 || i == LAW_PPPOE || i == LAW_BPDU;
        g_assert_cmpuint(got(r, 1), ==, !(hidden || refused));
    }
    o = hub_options_default();
    o.AdjustTcpMssValue = 1200;
    hub_set_options(r->hub, &o);
    static const char syn[] = "all 0800 4500002c00000000400600000a0000010a000002"
                              "c35001bb0000000100000000 6002ffff00000000 0204%s";
    g_autofree char *large = g_strdup_printf(syn, "05b4");
    send(r, 0, large);
    gsize len = 0;
    g_assert_cmpuint(r->p[1].got->len, ==, 1);
    const uint8_t *bytes = g_bytes_get_data(g_ptr_array_index(r->p[1].got, 0), &len);
    g_assert_cmpuint(wire_get16(bytes + len - 2), ==, 1200);
    (void)got(r, 1);

    /* PrivacyFilter and its exceptions. */
    policy.PrivacyFilter = 1;
    attach(r, 0, &policy, "alice");
    attach(r, 1, &policy, "alice");
    attach(r, 2, &policy, "bob");
    static const struct {
        bool same_user, broadcasts, arp;
    } cases[] = {{false, true, true},
                 {true, true, true},
                 {false, false, true},
                 {false, true, false},
                 {true, false, false}};
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        o = hub_options_default();
        o.AllowSameUserInPrivacyFilterMode = cases[i].same_user;
        o.DropBroadcastsInPrivacyFilterMode = cases[i].broadcasts;
        o.DropArpInPrivacyFilterMode = cases[i].arp;
        hub_set_options(r->hub, &o);
        send(r, 0, law_text[LAW_UDP4_ALL]);
        g_assert_cmpuint(got(r, 1), ==, cases[i].same_user || !cases[i].broadcasts);
        g_assert_cmpuint(got(r, 2), ==, !cases[i].broadcasts);
        send(r, 0, law_text[LAW_ARP_ASK]);
        g_assert_cmpuint(got(r, 1), ==, cases[i].same_user || !cases[i].arp);
        g_assert_cmpuint(got(r, 2), ==, !cases[i].arp);
        /* Known addresses: 02::bb is at port 2, 02::cc at port 1. */
        send(r, 2, "02000000000202000000 00bb 88b5 00");
        send(r, 1, "02000000000202000000 00cc 88b5 00");
        (void)got(r, 0);
        (void)got(r, 1);
        (void)got(r, 2);
        send(r, 0, "0200000000bb02000000000a 88b5 00");
        g_assert_cmpuint(got(r, 2), ==, 0);
        send(r, 0, "0200000000cc02000000000a 88b5 00");
        g_assert_cmpuint(got(r, 1), ==, cases[i].same_user);
        send(r, 0, "0200000000bb02000000000a 0806 0001");
        g_assert_cmpuint(got(r, 2), ==, !cases[i].arp);
    }
}

static void
dormant(struct rig *r)
{
    struct hub_options o = hub_options_default();
    o.DetectDormantSessionInterval = 30;
    hub_set_options(r->hub, &o);
    for (unsigned i = 0; i < 3; i++)
        attach(r, i, NULL, NULL);
    send_arp(r, 0, 0x0a, 0x0a);
    send_arp(r, 1, 0x0b, 0x0b);
    send_arp(r, 2, 0x0c, 0x0c);
    for (unsigned i = 0; i < 3; i++)
        (void)got(r, i);
    r->now_us += 29 * S;
    send_arp(r, 1, 0x0b, 0x0b);
    g_assert_cmpuint(got(r, 0) + got(r, 2), ==, 2);
    r->now_us += 10 * S;
    send_arp(r, 0, 0x0a, 0x0a);
    g_assert_cmpuint(got(r, 1), ==, 1);
    g_assert_cmpuint(got(r, 2), ==, 0); /* asleep */
    send(r, 0, "02000000000c02000000000a 88b5 00");
    g_assert_cmpuint(got(r, 2), ==, 1); /* but reached */
    send_arp(r, 2, 0x0c, 0x0c);
    send_arp(r, 0, 0x0a, 0x0a);
    g_assert_cmpuint(got(r, 2), ==, 1);
}

/* ---- the rig ---- */

static void
run_there(void *data)
{
    struct rig *r = data;
    r->now_us = worker_now_us(worker_current());
    r->test(r);
    for (unsigned i = 0; i < PORTS; i++)
        if (r->p[i].port)
            hub_detach(r->p[i].port);
}

static void
run(const void *data)
{
    GError *error = NULL;
    struct rig r = {.set = worker_set_new(1, &error)};
    g_assert_no_error(error);
    memcpy(&r.test, data, sizeof(r.test));
    r.hubs = hubs_new(r.set);
    char name[] = "TEST";
    struct hub_config config = {.name = name, .online = true};
    r.hub = hubs_create(r.hubs, &config, &error);
    g_assert_no_error(error);
    for (unsigned i = 0; i < PORTS; i++)
        r.p[i].got = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    worker_call_sync(worker_set_get(r.set, 0), run_there, &r);
    struct hub_stats stats;
    hub_get_stats(r.hub, &stats);
    g_assert_cmpuint(stats.ip_entries, <=, 1); /* a lease may stay */
    hubs_free(r.hubs);
    worker_set_free(r.set);
    for (unsigned i = 0; i < PORTS; i++)
        g_ptr_array_unref(r.p[i].got);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*test)(struct rig *r);
    } tests[] = {
        {"/hub-law/check-mac", check_mac},
        {"/hub-law/check-ip", check_ip},
        {"/hub-law/limits", address_limits},
        {"/hub-law/dhcp-force", dhcp_force},
        {"/hub-law/vlan", vlan},
        {"/hub-law/way-out", way_out},
        {"/hub-law/options", options},
        {"/hub-law/dormant", dormant},
    };
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < ARRAY_LEN(tests); i++)
        g_test_add_data_func(tests[i].name, &tests[i].test, run);
    return g_test_run();
}
