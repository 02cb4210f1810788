/* SPDX-License-Identifier: Apache-2.0 */
/* test-acl.c - access lists: each field alone, order, names, fragments, memory, and many rules. */

#include "tests/unit/hub/acl_law.h"

/* A list made of text: rules with an empty line between, ids from 1. */
struct fixture {
    GArray *rules;
    GPtrArray *sets;
    struct acl_names *names;
    struct acl *a;
    struct acl_cache *cache;
};

static const struct law_packet tcp4 = {
    .type = LAW_IP4,
    .src_mac = {{0x5e, 0, 0, 0, 0, 1}},
    .dst_mac = {{0x5e, 0, 0, 0, 0, 2}},
    .src = {10, 0, 0, 1},
    .dst = {10, 0, 0, 2},
    .protocol = 6,
    .sport = 40000,
    .dport = 443,
    .tcp_flags = 0x10,
    .user = "anna",
    .group = "staff",
};
static const struct law_packet tcp6 = {
    .type = LAW_IP6,
    .src_mac = {{0x5e, 0, 0, 0, 0, 1}},
    .dst_mac = {{0x5e, 0, 0, 0, 0, 2}},
    .src = {0xfd, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
    .dst = {0xfd, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2},
    .protocol = 6,
    .sport = 40000,
    .dport = 443,
    .tcp_flags = 0x10,
};

static void
make(struct fixture *f, const char *text)
{
    static const uint64_t secret[4] = {11, 22, 33, 44};
    g_auto(GStrv) parts = g_strsplit(text, "\n\n", -1);

    f->rules = acl_rules_new();
    f->names = acl_names_new();
    f->cache = acl_cache_new(secret);
    for (unsigned i = 0; parts[i]; i++) {
        struct acl_rule r;
        GError *error = NULL;
        g_assert_true(acl_rule_parse(parts[i], &r, &error));
        g_assert_no_error(error);
        r.id = i + 1;
        r.active = !g_str_has_prefix(parts[i], "active=0");
        if (r.priority == 0)
            r.priority = 10;
        g_assert_true(acl_rule_check(&r, &error));
        g_array_append_val(f->rules, r);
    }
    struct acl_config config = {
        .rules = &g_array_index(f->rules, struct acl_rule, 0),
        .n = f->rules->len,
        .sets = f->sets,
        .names = f->names,
        .serial = 5,
    };
    f->a = acl_compile(&config);
}

static void
done(struct fixture *f)
{
    acl_free(f->a);
    acl_cache_free(f->cache);
    g_assert_cmpuint(acl_names_count(f->names), ==, 0);
    acl_names_unref(f->names);
    g_array_unref(f->rules);
    if (f->sets)
        g_ptr_array_unref(f->sets);
    *f = (struct fixture){.a = NULL};
}

/* Which rule decides; the law, the list and its memory agree. */
static uint32_t
which(struct fixture *f, const struct law_packet *p)
{
    const struct acl_rule *rules = &g_array_index(f->rules, struct acl_rule, 0);
    struct law_verdict law = law_judge(rules, f->rules->len, f->sets, p);

    for (unsigned round = 0; round < 3; round++) {
        struct law_verdict v = law_ask(f->a, round > 0 ? f->cache : NULL, f->names, p);
        g_assert_cmpint(v.say, ==, law.say);
        g_assert_cmpuint(v.id, ==, law.id);
    }
    return law.id;
}

/* ---- each field ---- */

/* A rule and a change of the packet that it no longer matches. */
struct field_case {
    const char *rule;
    const struct law_packet *base;
    size_t at; /* of the byte that is changed */
    uint8_t to;
};

#define BYTE(field, i) (offsetof(struct law_packet, field) + (i))

static const struct field_case field_cases[] = {
    {"src-ip=10.0.0.1\nsrc-mask=255.255.255.255", &tcp4, BYTE(src, 3), 9},
    {"src-ip=10.0.9.9\nsrc-mask=255.255.0.0", &tcp4, BYTE(src, 1), 9},
    {"src-ip=0.0.0.1\nsrc-mask=0.0.0.255", &tcp4, BYTE(src, 3), 9}, /* not contiguous */
    {"dst-ip=10.0.0.2\ndst-mask=255.255.255.254", &tcp4, BYTE(dst, 3), 4},
    {"ip6=1\nsrc-ip=fd00:1::\nsrc-mask=ffff:ffff::", &tcp6, BYTE(src, 3), 9},
    {"ip6=1\ndst-ip=fd00:2::2\ndst-mask=ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &tcp6,
     BYTE(dst, 15), 9},
    {"protocol=6", &tcp4, BYTE(protocol, 0), 17},
    {"ip6=1\nprotocol=6", &tcp6, BYTE(protocol, 0), 17},
    {"src-port=39000\nsrc-port-end=40000", &tcp4, BYTE(sport, 1), 0xff},
    {"dst-port=443", &tcp4, BYTE(dport, 0), 0},
    {"ip6=1\ndst-port=443\ndst-port-end=444", &tcp6, BYTE(dport, 0), 0},
    {"src-user=ANNA", &tcp4, 0, 0},
    {"src-user=Staff", &tcp4, 0, 0},
    {"src-check-mac=1\nsrc-mac=5e:00:00:00:00:01\nsrc-mac-mask=ff:ff:ff:ff:ff:ff", &tcp4,
     BYTE(src_mac, 5), 9},
    {"dst-check-mac=1\ndst-mac=5e:99:99:99:99:99\ndst-mac-mask=ff:00:00:00:00:00", &tcp4,
     BYTE(dst_mac, 0), 9},
    {"check-tcp-state=1\nestablished=1", &tcp4, BYTE(tcp_flags, 0), 2},
    {"ip6=1\ncheck-tcp-state=1\nestablished=1", &tcp6, BYTE(tcp_flags, 0), 2},
    {"check-tcp-state=1\nestablished=1\nprotocol=6", &tcp4, BYTE(protocol, 0), 17},
};

static void
test_fields(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(field_cases); i++) {
        const struct field_case *c = &field_cases[i];
        struct fixture f = {.a = NULL};
        struct law_packet p = *c->base;
        make(&f, c->rule);
        g_assert_cmpuint(which(&f, &p), ==, 1);
        if (c->at > 0)
            ((uint8_t *)&p)[c->at] = c->to;
        else
            p.user = p.group = "somebody";
        g_assert_cmpuint(which(&f, &p), ==, 0);
        done(&f);
    }
}

/* ---- what rules are for ---- */

static void
test_kinds_of_frames(void)
{
    struct law_packet other = {.type = LAW_OTHER};
    struct law_packet arp = {.type = LAW_ARP, .src = {10, 0, 0, 1}, .dst = {10, 0, 0, 2}};
    struct fixture f = {.a = NULL};

    make(&f, "discard=1"); /* for all, whatever its family; but not for ARP */
    g_assert_cmpuint(which(&f, &tcp4), ==, 1);
    g_assert_cmpuint(which(&f, &tcp6), ==, 1);
    g_assert_cmpuint(which(&f, &other), ==, 1);
    g_assert_cmpuint(which(&f, &arp), ==, 0);
    done(&f);

    arp.on_arp = true;
    make(&f, "priority=1\nsrc-ip=10.0.0.1\nsrc-mask=255.255.255.255\nprotocol=6\n\n"
             "priority=2\ndst-ip=10.0.0.2\ndst-mask=255.255.255.255\n\npriority=3");
    g_assert_cmpuint(which(&f, &arp), ==, 2);
    arp.dst[3] = 3;
    g_assert_cmpuint(which(&f, &arp), ==, 3);
    done(&f);

    make(&f, "protocol=6"); /* a word of TCP: the family counts */
    g_assert_cmpuint(which(&f, &tcp6), ==, 0);
    g_assert_cmpuint(which(&f, &other), ==, 0);
    done(&f);
}

static void
test_tags(void)
{
    struct fixture f = {.a = NULL};
    struct law_packet p = tcp4;

    make(&f, "dst-port=443\nsrc-ip=10.0.0.1\nsrc-mask=255.255.255.255");
    p.tags = 1;
    g_assert_cmpuint(which(&f, &p), ==, 1);
    p.tags = 2;
    g_assert_cmpuint(which(&f, &p), ==, 1);
    done(&f);
}

static void
test_order(void)
{
    struct fixture f = {.a = NULL};
    struct law_packet p = tcp4;

    make(&f, "priority=30\n\npriority=20\ndiscard=1\ndst-port=443\n\n"
             "active=0\npriority=1\ndiscard=1\n\npriority=20\ndst-port=443");
    g_assert_cmpuint(acl_count(f.a), ==, 3);
    g_assert_cmpuint(which(&f, &p), ==, 2); /* the older of two of one priority */
    p.dport = 80;
    g_assert_cmpuint(which(&f, &p), ==, 1);
    done(&f);

    make(&f, "active=0");
    g_assert_null(f.a);
    done(&f);
}

static void
test_sets(void)
{
    struct fixture f = {.sets = acl_sets_new()};
    struct acl_set *set = acl_set_new("office");
    struct law_packet p = tcp4;

    g_assert_true(acl_set_parse(set, "10.0.0.0/8 10.1.0.0/16 192.0.2.0/25 fd00:1::/32", NULL));
    g_ptr_array_add(f.sets, set);
    make(&f, "priority=1\nsrc-set=OFFICE\ndst-port=443\n\npriority=2\nsrc-set=gone");
    g_assert_cmpuint(which(&f, &p), ==, 1);
    g_assert_cmpuint(which(&f, &tcp6), ==, 1); /* both families */
    p.src[0] = 192;
    g_assert_cmpuint(which(&f, &p), ==, 0);
    p.src[2] = 2;
    g_assert_cmpuint(which(&f, &p), ==, 1);
    p.src[3] = 128;
    g_assert_cmpuint(which(&f, &p), ==, 0);
    done(&f);

    f.sets = acl_sets_new();
    set = acl_set_new("two");
    g_assert_true(acl_set_parse(set, "192.0.2.0/24, fd00::/8", NULL));
    g_ptr_array_add(f.sets, set);
    make(&f, "src-set=two\ndiscard=1");
    p = tcp4;
    p.src[3] = 9;
    g_assert_cmpuint(which(&f, &p), ==, 0);
    g_assert_cmpuint(which(&f, &tcp6), ==, 1);
    done(&f);
}

/* ---- names ---- */

static void
test_receivers(void)
{
    struct fixture f = {.a = NULL};
    struct law_packet p = tcp4;

    make(&f, "priority=1\ndst-port=80\n\npriority=2\ndiscard=1\ndst-user=bob\ndst-port=443\n\n"
             "priority=3\nsrc-user=anna");
    g_assert_true(acl_names_receivers(f.a));
    struct law_verdict v = law_ask(f.a, f.cache, f.names, &p);
    g_assert_cmpint(v.say, ==, ACL_UNDECIDED);
    g_assert_cmpuint(which(&f, &p), ==, 2);
    p.to_known = true;
    p.to_user = "Bob";
    g_assert_cmpuint(which(&f, &p), ==, 2);
    p.to_user = "carl";
    g_assert_cmpuint(which(&f, &p), ==, 3);
    p.to_group = "BOB"; /* a group of that name is as good */
    g_assert_cmpuint(which(&f, &p), ==, 2);
    p.to_known = false;
    p.dport = 80; /* decided before */
    v = law_ask(f.a, f.cache, f.names, &p);
    g_assert_cmpint(v.say, ==, ACL_PASS);
    g_assert_cmpuint(which(&f, &p), ==, 1);
    p.dport = 22; /* the rule with a receiver cannot match */
    g_assert_cmpuint(which(&f, &p), ==, 3);
    done(&f);
}

static void
test_names(void)
{
    struct acl_names *n = acl_names_new();
    uint32_t anna = acl_names_hold(n, "anna");

    g_assert_cmpuint(acl_names_hold(n, ""), ==, ACL_NOBODY);
    g_assert_cmpuint(acl_names_hold(n, NULL), ==, ACL_NOBODY);
    g_assert_cmpuint(acl_names_hold(n, "ANNA"), ==, anna);
    g_assert_cmpuint(acl_names_hold(n, "bob"), !=, anna);
    acl_names_release(n, anna);
    g_assert_cmpuint(acl_names_hold(n, "Anna"), ==, anna);
    acl_names_release(n, anna);
    acl_names_release(n, anna);
    g_assert_cmpuint(acl_names_count(n), ==, 1);
    g_assert_cmpuint(acl_names_hold(n, "carl"), ==, anna); /* used again */
    acl_names_unref(n);
}

/* A number that comes to mean somebody else: verdicts that are remembered stay right. */
static void
test_numbers_used_again(void)
{
    struct fixture f = {.a = NULL};
    struct law_packet p = tcp4;

    make(&f, "priority=1\nsrc-user=anna\ndiscard=1");
    p.group = NULL;
    for (unsigned i = 0; i < 100; i++) {
        g_autofree char *name = g_strdup_printf("user-%u", i);
        p.user = i % 3 == 0 ? "anna" : name;
        g_assert_cmpuint(which(&f, &p), ==, i % 3 == 0);
    }
    done(&f);
}

/* ---- fragments ---- */

static void
fragments_of(const struct law_packet *base, const char *family)
{
    g_autofree char *rules = g_strdup_printf("%s\npriority=1\ndiscard=1\ndst-port=443\n\n"
                                             "%s\npriority=2\nprotocol=6",
                                             family, family);
    struct fixture f = {.a = NULL};
    struct law_packet p = *base;

    make(&f, rules);
    p.fragment = LAW_FIRST;
    g_assert_cmpuint(which(&f, &p), ==, 1);
    p.fragment = LAW_LATER; /* has no ports, but a protocol */
    g_assert_cmpuint(which(&f, &p), ==, 2);
    p.fragment = LAW_TINY; /* could rewrite the flags */
    struct law_verdict v = law_ask(f.a, f.cache, f.names, &p);
    g_assert_cmpint(v.say, ==, ACL_DISCARD);
    g_assert_cmpuint(which(&f, &p), ==, 0);
    done(&f);

    make(&f, "priority=1");
    v = law_ask(f.a, f.cache, f.names, &p); /* nobody looks at ports: no harm */
    g_assert_cmpint(v.say, ==, ACL_PASS);
    done(&f);
}

static void
test_fragments(void)
{
    fragments_of(&tcp4, "ip6=0");
    fragments_of(&tcp6, "ip6=1");
}

/* ---- actions and counters ---- */

static struct acl_verdict
verdict_of(struct fixture *f, const struct law_packet *p)
{
    struct law_bytes bytes;
    struct flow flow;

    law_build(p, &bytes);
    g_assert_cmpint(flow_parse(reader_of(bytes.b, bytes.len), &flow), ==, DROP_NONE);
    struct acl_packet packet = {.frame = bytes.b, .len = bytes.len, .flow = &flow};
    return acl_judge(f->a, f->cache, &packet);
}

static void
test_actions(void)
{
    struct fixture f = {.a = NULL};
    struct law_packet p = tcp4;

    make(&f, "priority=1\ndst-port=443\ndelay-ms=250\njitter-percent=20\nloss-percent=5\n\n"
             "priority=2\ndst-port=80\nredirect-url=http://example.org/<INFO>\n\npriority=3");
    struct acl_verdict v = verdict_of(&f, &p);
    g_assert_cmpint(v.say, ==, ACL_PASS);
    g_assert_cmpuint(v.action->delay_ms, ==, 250);
    g_assert_cmpuint(v.action->jitter_percent, ==, 20);
    g_assert_cmpuint(v.action->loss_percent, ==, 5);
    g_assert_cmpuint(v.action->rule_id, ==, 1);
    g_assert_null(v.action->redirect_url);
    p.dport = 80;
    v = verdict_of(&f, &p);
    g_assert_cmpstr(v.action->redirect_url, ==, "http://example.org/<INFO>");
    p.dport = 22;
    v = verdict_of(&f, &p);
    g_assert_null(v.action);

    acl_free(f.a);
    struct acl_config config = {.rules = &g_array_index(f.rules, struct acl_rule, 0),
                                .n = f.rules->len,
                                .names = f.names,
                                .serial = 6,
                                .no_shaping = true};
    f.a = acl_compile(&config);
    p.dport = 443;
    g_assert_null(verdict_of(&f, &p).action);
    p.dport = 80;
    g_assert_nonnull(verdict_of(&f, &p).action);
    done(&f);
}

static void
test_hits(void)
{
    struct fixture f = {.a = NULL};
    struct fixture g = {.a = NULL};

    make(&f, "priority=1\n\npriority=2");
    make(&g, "priority=3\n\npriority=1");
    acl_hit(f.a, 0, 5);
    acl_hit(f.a, 1, 1);
    acl_hit(f.a, ACL_NO_RULE, 7);
    g_assert_cmpuint(acl_hits(f.a, 0), ==, 5);
    acl_inherit_hits(g.a, f.a);
    g_assert_cmpuint(acl_hits_of_id(g.a, 1), ==, 5);
    g_assert_cmpuint(acl_hits_of_id(g.a, 2), ==, 1);
    g_assert_cmpuint(acl_hits_of_id(g.a, 3), ==, 0);
    done(&f);
    done(&g);
}

/* ---- the memory ---- */

/* Another list with the same memory: what the former one said is not believed. */
static void
test_serial(void)
{
    struct fixture f = {.a = NULL};

    make(&f, "discard=1");
    g_assert_cmpint(verdict_of(&f, &tcp4).say, ==, ACL_DISCARD);
    struct acl_config config = {.rules = &g_array_index(f.rules, struct acl_rule, 0),
                                .n = 1,
                                .names = f.names,
                                .serial = 6};
    g_array_index(f.rules, struct acl_rule, 0).discard = false;
    acl_free(f.a);
    f.a = acl_compile(&config);
    g_assert_cmpint(verdict_of(&f, &tcp4).say, ==, ACL_PASS);
    done(&f);
}

/* Many more flows than it holds: right all the same, and it does not grow. */
static void
test_flood_of_flows(void)
{
    struct fixture f = {.a = NULL};
    struct law_packet p = tcp4;
    enum { FLOWS = 4 * ACL_CACHE_WAYS * ACL_CACHE_SETS };

    make(&f, "priority=1\ndiscard=1\ndst-port=7\n\npriority=2\nsrc-ip=10.0.0.1\n"
             "src-mask=255.255.255.255");
    for (unsigned i = 0; i < FLOWS; i++) {
        p.sport = (uint16_t)i;
        p.dport = (uint16_t)(i % 11);
        enum acl_say want = p.dport == 7 ? ACL_DISCARD : ACL_PASS;
        g_assert_cmpint(verdict_of(&f, &p).say, ==, want);
    }
    struct acl_cache_stats stats = acl_cache_get_stats(f.cache);
    g_assert_cmpuint(stats.hits + stats.misses, ==, FLOWS);
    g_assert_cmpuint(stats.misses, ==, FLOWS);
    for (unsigned i = 0; i < 100; i++)
        (void)verdict_of(&f, &p);
    g_assert_cmpuint(acl_cache_get_stats(f.cache).hits, ==, stats.hits + 100);
    done(&f);
}

/* Bits that no rule looks at do not make a flow of their own. */
static void
test_unseen_bits(void)
{
    struct fixture f = {.a = NULL};
    struct law_packet p = tcp4;

    make(&f, "src-ip=10.0.0.0\nsrc-mask=255.255.0.0");
    for (unsigned i = 0; i < 1000; i++) {
        p.sport = (uint16_t)i;
        p.src[3] = (uint8_t)i;
        g_assert_cmpuint(verdict_of(&f, &p).rule, ==, 0);
    }
    g_assert_cmpuint(acl_cache_get_stats(f.cache).misses, ==, 1);
    done(&f);
}

/* ---- many ---- */

static void
add_many(GArray *rules, unsigned n, GRand *rand)
{
    for (unsigned i = 0; i < n; i++) {
        struct acl_rule r = {.id = i + 1, .priority = 1 + i, .active = true, .discard = i % 2};
        r.src.ip[0] = 10;
        r.src.ip[1] = (uint8_t)g_rand_int_range(rand, 0, 16);
        r.src.ip[2] = (uint8_t)g_rand_int_range(rand, 0, 24);
        acl_mask_of_length(24, r.src.mask, 4);
        r.dst.first_port = r.dst.last_port = (uint16_t)g_rand_int_range(rand, 1, 1024);
        if (i % 7 == 0)
            r.dst.last_port = (uint16_t)(r.dst.first_port + 300);
        r.protocol = i % 3 ? 6 : 17;
        g_array_append_val(rules, r);
    }
}

static void
test_many(gconstpointer data)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    struct fixture f = {.a = NULL};
    unsigned n = GPOINTER_TO_UINT(data);
    struct law_packet p = tcp4;

    make(&f, "priority=1");
    acl_free(f.a);
    g_array_set_size(f.rules, 0);
    add_many(f.rules, n, rand);
    struct acl_config config = {.rules = &g_array_index(f.rules, struct acl_rule, 0),
                                .n = n,
                                .names = f.names,
                                .serial = 9};
    f.a = acl_compile(&config);
    g_assert_cmpuint(acl_count(f.a), ==, MIN(n, ACL_RULES_MAX));
    g_test_message("%u rules take %zu KiB", n, acl_size(f.a) / 1024);
    unsigned met = 0;
    for (unsigned i = 0; i < 300; i++) {
        p.src[1] = (uint8_t)g_rand_int_range(rand, 0, 16);
        p.src[2] = (uint8_t)g_rand_int_range(rand, 0, 24);
        p.dport = (uint16_t)g_rand_int_range(rand, 1, 1400);
        p.protocol = g_rand_boolean(rand) ? 6 : 17;
        met += which(&f, &p) > 0;
    }
    g_assert_cmpuint(met, >, 10);
    done(&f);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/acl/fields", test_fields);
    g_test_add_func("/acl/kinds-of-frames", test_kinds_of_frames);
    g_test_add_func("/acl/tags", test_tags);
    g_test_add_func("/acl/order", test_order);
    g_test_add_func("/acl/sets", test_sets);
    g_test_add_func("/acl/receivers", test_receivers);
    g_test_add_func("/acl/names", test_names);
    g_test_add_func("/acl/numbers-used-again", test_numbers_used_again);
    g_test_add_func("/acl/fragments", test_fragments);
    g_test_add_func("/acl/actions", test_actions);
    g_test_add_func("/acl/hits", test_hits);
    g_test_add_func("/acl/serial", test_serial);
    g_test_add_func("/acl/flood-of-flows", test_flood_of_flows);
    g_test_add_func("/acl/unseen-bits", test_unseen_bits);
    g_test_add_data_func("/acl/many", GUINT_TO_POINTER(4096), test_many);
    g_test_add_data_func("/acl/most", GUINT_TO_POINTER(ACL_RULES_MAX), test_many);
    return g_test_run();
}
