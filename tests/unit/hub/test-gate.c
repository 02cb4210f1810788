/* SPDX-License-Identifier: Apache-2.0 */
/* test-gate.c - each policy item against each sort of frame, both ways: what a filter must refuse,
 * and that it refuses nothing else; VLAN tags and router advertisements. */

#include "core/base/types.h"
#include "core/hub/law/gate.h"
#include "core/net/wire.h"
#include "tests/unit/hub/law_frames.h"

/* ---- what each item forbids ---- */

enum covered { BY_NOBODY, BY_FILTER, BY_ADDRESS, BY_VLAN, BY_RA, BY_PORT, BY_LOGIN, BY_SHAPER };

struct verdicts {
    enum covered by;
    const char *in, *out; /* the frames that must not pass, " NAME NAME " */
};

/* What IP filters refuse because it could be anything. */
#define HIDDEN " TCP4_OVERLAP TCP6_OVERLAP TAGS3 SNAP4 RA_HALF "
#define DHCP_ALL                                                                           \
    " DISCOVER RELAYED OFFER OFFER_ALL OFFER_PORT OFFER_RELAY OFFER_OPTIONS OFFER_TAGGED " \
    "OFFER_FIRST " HIDDEN
#define DHCP_SERVER \
    " OFFER OFFER_ALL OFFER_PORT OFFER_RELAY OFFER_OPTIONS OFFER_TAGGED OFFER_FIRST " HIDDEN
#define DHCP6_SERVER " REPLY6 REPLY6_PORT REPLY6_RELAY REPLY6_BEHIND " HIDDEN
#define ALL_SYN4     " SYN4 SYN4_OPTIONS SYN4_TAGGED SYN4_TWICE_TAGGED SYN4_FIRST SYN4_ECN " HIDDEN
#define ALL_RA       " RA RA_UNI RA_TAGGED RA_BEHIND RA_DEEP " HIDDEN
#define ALL_IP4                                                                         \
    " PING4 UDP4 UDP4_ALL UDP4_LATER OSPF4 ACCEPT4 ACK4 TCP4_LATER ARP_ASK ARP_ANSWER " \
    " SYN4 SYN4_OPTIONS SYN4_TAGGED SYN4_TWICE_TAGGED SYN4_FIRST SYN4_ECN " DHCP_ALL
#define ALL_IP6                                                                                 \
    " UDP6 UDP6_GROUP PING6 NS NA RS SYN6 SYN6_BEHIND ACCEPT6 ACK6 TCP6_LATER SOLICIT6 " ALL_RA \
        DHCP6_SERVER
#define NON_IP                                                                                \
    " LLDP IPX PPPOE BPDU TAGS3 SNAP4 SNAP_OTHER SYN4_TAGGED SYN4_TWICE_TAGGED OFFER_TAGGED " \
    "RA_TAGGED "
#define CHATTER " UDP4_ALL OSPF4 UDP6_GROUP LLDP PPPOE BPDU "

static const struct verdicts table[POLICY_N_ITEMS] = {
    [POLICY_Access] = {BY_LOGIN, NULL, NULL},
    [POLICY_DHCPFilter] = {BY_FILTER, DHCP_ALL, DHCP_ALL},
    [POLICY_DHCPNoServer] = {BY_FILTER, DHCP_SERVER, ""},
    [POLICY_DHCPForce] = {BY_ADDRESS, NULL, NULL},
    [POLICY_NoBridge] = {BY_ADDRESS, NULL, NULL},
    [POLICY_NoRouting] = {BY_ADDRESS, NULL, NULL},
    [POLICY_PrivacyFilter] = {BY_PORT, NULL, NULL},
    [POLICY_NoServer] = {BY_FILTER, " ACCEPT4 " HIDDEN, ALL_SYN4},
    [POLICY_CheckMac] = {BY_ADDRESS, NULL, NULL},
    [POLICY_CheckIP] = {BY_ADDRESS, NULL, NULL},
    [POLICY_ArpDhcpOnly] = {BY_FILTER, CHATTER, CHATTER},
    [POLICY_MonitorPort] = {BY_LOGIN, NULL, NULL},
    [POLICY_NoBroadcastLimiter] = {BY_PORT, NULL, NULL},
    [POLICY_FixPassword] = {BY_LOGIN, NULL, NULL},
    [POLICY_NoQoS] = {BY_LOGIN, NULL, NULL},
    [POLICY_MaxConnection] = {BY_LOGIN, NULL, NULL},
    [POLICY_TimeOut] = {BY_LOGIN, NULL, NULL},
    [POLICY_MaxMac] = {BY_ADDRESS, NULL, NULL},
    [POLICY_MaxIP] = {BY_ADDRESS, NULL, NULL},
    [POLICY_MaxUpload] = {BY_SHAPER, NULL, NULL},
    [POLICY_MaxDownload] = {BY_SHAPER, NULL, NULL},
    [POLICY_MultiLogins] = {BY_LOGIN, NULL, NULL},
    [POLICY_RSandRAFilter] = {BY_FILTER, " RS " ALL_RA, " RS " ALL_RA},
    [POLICY_RAFilter] = {BY_FILTER, ALL_RA, ""},
    [POLICY_DHCPv6Filter] = {BY_FILTER, " SOLICIT6 " DHCP6_SERVER, " SOLICIT6 " DHCP6_SERVER},
    [POLICY_DHCPv6NoServer] = {BY_FILTER, DHCP6_SERVER, ""},
    [POLICY_NoRoutingV6] = {BY_ADDRESS, NULL, NULL},
    [POLICY_CheckIPv6] = {BY_ADDRESS, NULL, NULL},
    [POLICY_NoServerV6] = {BY_FILTER, " ACCEPT6 " HIDDEN, " SYN6 SYN6_BEHIND " HIDDEN},
    [POLICY_MaxIPv6] = {BY_ADDRESS, NULL, NULL},
    [POLICY_NoSavePassword] = {BY_LOGIN, NULL, NULL},
    [POLICY_AutoDisconnect] = {BY_SHAPER, NULL, NULL},
    [POLICY_FilterIPv4] = {BY_FILTER, ALL_IP4, ALL_IP4},
    [POLICY_FilterIPv6] = {BY_FILTER, ALL_IP6, ALL_IP6},
    [POLICY_FilterNonIP] = {BY_FILTER, NON_IP, NON_IP},
    [POLICY_NoIPv6DefaultRouterInRA] = {BY_RA, NULL, NULL},
    [POLICY_NoIPv6DefaultRouterInRAWhenIPv6] = {BY_RA, NULL, NULL},
    [POLICY_VLanId] = {BY_VLAN, NULL, NULL},
    [POLICY_Ver3] = {BY_LOGIN, NULL, NULL},
};

/* Frames that a filter refuses because their headers are not whole: flow_parse() says so. */
static bool
kinds_or_broken(enum law_frame which, uint32_t *kinds)
{
    struct frame *f = law_frame(which);
    struct flow fl;
    enum drop why = flow_of_frame(f, &fl);
    *kinds = why == DROP_NONE ? kinds_of(f, &fl) : 0;
    g_free(f);
    return why == DROP_NONE;
}

static struct policy
policy_with(unsigned item, uint32_t value)
{
    struct policy policy = policy_default();
    switch ((enum policy_item)item) {
#define X(name, kind, def)   \
    case POLICY_##name:      \
        policy.name = value; \
        break;
        POLICY_ITEMS(X)
#undef X
    case POLICY_N_ITEMS:
        g_assert_not_reached();
    }
    return policy;
}

static bool
is_listed(const char *list, const char *name)
{
    g_autofree char *word = g_strdup_printf(" %s ", name);
    return strstr(list, word) != NULL;
}

static void
check_way(unsigned item, const char *list, bool in)
{
    struct policy policy = policy_with(item, 1);
    struct gate *g = gate_new(&policy, false);
    unsigned n = 0;
    g_assert_nonnull(g);
    for (unsigned i = 0; i < LAW_N_FRAMES; i++) {
        uint32_t kinds = 0;
        bool whole = kinds_or_broken((enum law_frame)i, &kinds);
        if (!whole)
            g_error("%s is broken", law_name[i]);
        enum drop why = in ? gate_judge_in(g, kinds) : gate_judge_out(g, kinds);
        bool refused = why == DROP_POLICY;
        if (refused != is_listed(list, law_name[i]))
            g_error("%s on the way %s: %s is %s", policy_item_name(item), in ? "in" : "out",
                    law_name[i], refused ? "refused" : "let through");
        n += refused;
    }
    g_assert_cmpuint(g->refused[item], ==, n);
    gate_free(g);
}

static void
test_filters(void)
{
    for (unsigned item = 0; item < POLICY_N_ITEMS; item++) {
        if (table[item].by == BY_NOBODY)
            g_error("%s has no case", policy_item_name(item));
        if (table[item].by != BY_FILTER)
            continue;
        check_way(item, table[item].in, true);
        check_way(item, table[item].out, false);
    }
}

/* What asks nothing of frames has no gate; what does, has one. */
static void
test_gate_or_none(void)
{
    struct policy none = policy_default();
    g_assert_null(gate_new(&none, true));
    for (unsigned item = 0; item < POLICY_N_ITEMS; item++) {
        struct policy policy = policy_with(item, 1);
        struct gate *g = gate_new(&policy, true);
        bool asks = table[item].by == BY_FILTER || table[item].by == BY_ADDRESS ||
                    table[item].by == BY_VLAN || table[item].by == BY_RA;
        if ((g != NULL) != asks)
            g_error("%s: %s", policy_item_name(item), g ? "a gate" : "no gate");
        gate_free(g);
    }
}

/* A first fragment without all of its headers (RFC 1858, RFC 7112) is an error of the parser. */
static void
test_tiny_fragments(void)
{
    static const char *const cut[] = {
        "uni frag:2000 ip4:06 c35001bb00000001", "uni frag:2000 ip4:11 00430044",
        "grp6 ip6:2c 3c00000100001234 3a000104", "uni ip6:2c 0600000100001234 c35001bb00000001",
        "uni options frag:2000 ip4:06",
    };
    for (unsigned i = 0; i < ARRAY_LEN(cut); i++) {
        struct law_making m;
        struct flow fl;
        law_bytes(cut[i], &m);
        struct frame *f = frame_exact(m.b, m.n);
        g_assert_cmpint(flow_of_frame(f, &fl), !=, DROP_NONE);
        g_free(f);
    }
    /* ICMPv6 without its type is left to the kinds. */
    struct law_making m;
    struct flow fl;
    law_bytes("grp6 ip6:2c 3a00000100001234", &m);
    struct frame *f = frame_exact(m.b, m.n);
    g_assert_cmpint(flow_of_frame(f, &fl), ==, DROP_NONE);
    g_assert_true(kinds_of(f, &fl) & KIND_HIDDEN);
    g_free(f);
}

static void
test_addresses(void)
{
    struct policy policy = policy_default();
    policy.NoRouting = 1;
    struct gate *g = gate_new(&policy, false);
    g_assert_true(g->asks_ip && !g->check_ip4 && !gate_looks_in(g) && !gate_looks_out(g));
    g_assert_cmpuint(g->max_ip4, ==, GATE_HOST_IP4);
    g_assert_cmpuint(g->max_ip4_item, ==, POLICY_NoRouting);
    g_assert_cmpuint(g->max_ip6, ==, 0);
    gate_free(g);

    policy.MaxIP = 2;
    policy.MaxIPv6 = 100;
    policy.NoRoutingV6 = 1;
    policy.CheckMac = policy.CheckIP = policy.CheckIPv6 = policy.DHCPForce = 1;
    g = gate_new(&policy, false);
    g_assert_cmpuint(g->max_ip4, ==, 2);
    g_assert_cmpuint(g->max_ip4_item, ==, POLICY_MaxIP);
    g_assert_cmpuint(g->max_ip6, ==, GATE_HOST_IP6);
    g_assert_cmpuint(g->max_ip6_item, ==, POLICY_NoRoutingV6);
    g_assert_true(g->check_mac && g->check_ip4 && g->check_ip6 && g->dhcp_only);
    gate_free(g);
}

/* ---- frames that are changed ---- */

static struct frame *
pooled(struct frame_pool *pool, const char *text)
{
    struct law_making m;
    law_bytes(text, &m);
    struct frame *f = frame_new(pool, m.n);
    uint8_t *at = frame_put(f, m.n);
    memcpy(at, m.b, m.n);
    return f;
}

static void
assert_text(const struct frame *f, const char *text)
{
    struct law_making m;
    law_bytes(text, &m);
    assert_bytes(f->data, f->len, m.b, m.n);
}

static void
test_vlan(void)
{
    struct frame_pool *pool = frame_pool_new(1);
    struct policy policy = policy_with(POLICY_VLanId, 7);
    struct gate *g = gate_new(&policy, false);
    enum drop why;

    struct frame *f = pooled(pool, "uni ip4:06 tcp:02");
    struct frame *other = frame_ref(f);
    f->csum_start = 34;
    f->gso_type = FRAME_GSO_TCP4;
    f = gate_tag(g, pool, f, 0x8100, &why);
    g_assert_true(f && f != other);
    assert_text(f, "uni tag:0007 ip4:06 tcp:02");
    assert_text(other, "uni ip4:06 tcp:02");
    g_assert_cmpuint(f->csum_start, ==, 38);
    f = gate_untag(g, pool, f, 0x8100, &why);
    assert_text(f, "uni ip4:06 tcp:02");
    g_assert_cmpuint(f->csum_start, ==, 34);
    frame_free(f);
    frame_free(other);

    /* A priority keeps its bits; a VLAN of one's own choosing does not pass, whatever its type. */
    f = gate_tag(g, pool, pooled(pool, "uni tag:a000 ip4:06 tcp:02"), 0x8100, &why);
    assert_text(f, "uni tag:a007 ip4:06 tcp:02");
    frame_free(f);
    static const char *const refused[] = {"uni tag:0007 ip4:06 tcp:02",
                                          "uni tag:0008 ip4:06 tcp:02", "uni 88a80008 0800 45"};
    for (unsigned i = 0; i < ARRAY_LEN(refused); i++) {
        g_assert_null(gate_tag(g, pool, pooled(pool, refused[i]), 0x8100, &why));
        g_assert_cmpint(why, ==, DROP_POLICY);
    }
    g_assert_cmpuint(g->refused[POLICY_VLanId], ==, 3);

    /* Out: what is not of the VLAN is not for this port. */
    static const char *const others[] = {"uni ip4:06 tcp:02", "uni tag:0008 ip4:06 tcp:02",
                                         "uni tag:0000 ip4:06 tcp:02"};
    for (unsigned i = 0; i < ARRAY_LEN(others); i++)
        g_assert_null(gate_untag(g, pool, pooled(pool, others[i]), 0x8100, &why));
    g_assert_cmpuint(g->refused[POLICY_VLanId], ==, 3);
    /* Another type of tags. */
    f = gate_tag(g, pool, pooled(pool, "uni ip4:06 tcp:02"), 0x9100, &why);
    assert_text(f, "uni 91000007 ip4:06 tcp:02");
    f = gate_untag(g, pool, f, 0x9100, &why);
    assert_text(f, "uni ip4:06 tcp:02");
    frame_free(f);
    gate_free(g);
    g_assert_cmpuint(frame_pool_in_use(pool), ==, 0);
    frame_pool_free(pool);
}

static uint32_t
icmp6_sum(const struct frame *f, const struct flow *fl)
{
    return slow_transport_sum(f->data + fl->l3, 58, f->data + fl->l4, fl->end - fl->l4);
}

static void
test_routers(void)
{
    struct frame_pool *pool = frame_pool_new(1);
    static const enum law_frame all[] = {LAW_RA, LAW_RA_UNI, LAW_RA_TAGGED, LAW_RA_BEHIND};
    for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
        struct frame *f = pooled(pool, law_text[all[i]]);
        struct flow fl;
        g_assert_cmpint(flow_of_frame(f, &fl), ==, DROP_NONE);
        put16(f->data + fl.l4 + 2, ~icmp6_sum(f, &fl) & 0xffff);
        g_assert_cmpuint(icmp6_sum(f, &fl), ==, 0xffff);
        struct frame *other = frame_ref(f);
        f = gate_mute_router(pool, f, &fl);
        g_assert_true(f != other && f->len == other->len);
        g_assert_cmpuint(wire_get16(f->data + fl.l4 + 6), ==, 0);
        g_assert_cmpuint(wire_get16(other->data + fl.l4 + 6), ==, 0x0708);
        g_assert_cmpuint(icmp6_sum(f, &fl), ==, 0xffff);
        g_assert_true(gate_mute_router(pool, frame_ref(f), &fl) == f); /* nothing left to do */
        frame_free(f);
        frame_free(f);
        frame_free(other);
    }
    g_assert_cmpuint(frame_pool_in_use(pool), ==, 0);
    frame_pool_free(pool);

    struct policy policy = policy_with(POLICY_NoIPv6DefaultRouterInRAWhenIPv6, 1);
    g_assert_null(gate_new(&policy, false)); /* the tunnel runs over IPv4 */
    struct gate *g = gate_new(&policy, true);
    g_assert_true(g->mute_routers && g->mute_item == POLICY_NoIPv6DefaultRouterInRAWhenIPv6);
    gate_free(g);
}

static void
test_telling(void)
{
    struct policy policy = policy_with(POLICY_FilterIPv4, 1);
    policy.NoServerV6 = 1;
    struct gate *g = gate_new(&policy, false);
    char names[128];
    unsigned left_out = 0;
    g_assert_false(gate_tell(g, 0, names, sizeof(names), &left_out));
    g_assert_cmpint(gate_judge_in(g, KIND_IP4), ==, DROP_POLICY);
    g_assert_cmpint(gate_judge_in(g, KIND_IP6 | KIND_ACCEPT6), ==, DROP_POLICY);
    g_assert_cmpint(gate_judge_in(g, KIND_IP6), ==, DROP_NONE);
    g_assert_true(gate_tell(g, 0, names, sizeof(names), &left_out));
    g_assert_cmpstr(names, ==, "items=NoServerV6,FilterIPv4");
    for (unsigned i = 0; i < 100; i++) {
        g_assert_cmpint(gate_judge_in(g, KIND_IP4), ==, DROP_POLICY);
        (void)gate_tell(g, 0, names, sizeof(names), &left_out);
    }
    g_assert_false(gate_tell(g, 0, names, sizeof(names), &left_out));
    g_assert_true(gate_tell(g, 2000000, names, sizeof(names), &left_out));
    g_assert_cmpstr(names, ==, "items=FilterIPv4");
    g_assert_cmpuint(left_out, >, 90);
    gate_free(g);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gate/filters", test_filters);
    g_test_add_func("/gate/or-none", test_gate_or_none);
    g_test_add_func("/gate/tiny-fragments", test_tiny_fragments);
    g_test_add_func("/gate/addresses", test_addresses);
    g_test_add_func("/gate/vlan", test_vlan);
    g_test_add_func("/gate/routers", test_routers);
    g_test_add_func("/gate/telling", test_telling);
    return g_test_run();
}
