/* SPDX-License-Identifier: Apache-2.0 */
/* test-hub-access.c - access rules in a hub: what they keep from going where, at once, and what is
 * counted. */

#include "core/hub/hub_access.h"
#include "tests/unit/hub/acl_law.h"
#include "tests/unit/hub/rig.h"

/* Rules as text, with an empty line between; ids from 1. */
static void
set_rules(struct rig *r, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "\n\n", -1);
    g_autoptr(GArray) rules = acl_rules_new();

    for (unsigned i = 0; parts[i] && text[0]; i++) {
        struct acl_rule rule;
        GError *error = NULL;
        g_assert_true(acl_rule_parse(parts[i], &rule, &error));
        g_assert_no_error(error);
        rule.id = i + 1;
        rule.active = true;
        g_assert_true(acl_rule_check(&rule, &error));
        g_array_append_val(rules, rule);
    }
    struct hub_access_config config = {.rules = &g_array_index(rules, struct acl_rule, 0),
                                       .n = rules->len,
                                       .secret = {1, 2, 3, 4}};
    hub_set_access(r->hub, &config);
}

static void
attach(struct rig *r, unsigned i, const char *user, const char *group)
{
    struct hub_port_config config = rig_config();

    config.user = user;
    config.group = group;
    config.policy.NoBroadcastLimiter = 1;
    g_assert_true(rig_attach(r, i, &config, NULL));
}

struct sending {
    struct rig *r;
    struct rig_port *p;
    const struct law_packet *packet;
    unsigned n, cut;
    uint32_t mark;
};

/* The mark stands behind the packet, as padding. */
static void
send_there(void *data)
{
    struct sending *s = data;
    struct batch b = {.n = 0};

    for (unsigned i = 0; i < s->n; i++) {
        struct law_bytes bytes;
        law_build(&s->packet[i], &bytes);
        bytes.len -= s->cut;
        struct frame *f = frame_new(worker_pool(s->p->w), bytes.len + 4);
        uint8_t *at = frame_put(f, bytes.len + 4);
        memcpy(at, bytes.b, bytes.len);
        uint32_t mark = s->mark + i;
        memcpy(at + bytes.len, &mark, 4);
        batch_add(&b, f);
    }
    hub_port_receive(s->p->port, &b, s->r->now_us);
    g_assert_cmpuint(b.n, ==, 0);
}

static void
send(struct rig *r, unsigned i, const struct law_packet *packet, unsigned n, uint32_t mark)
{
    struct sending s = {.r = r, .p = &r->p[i], .packet = packet, .n = n, .mark = mark};

    worker_call_sync(r->p[i].w, send_there, &s);
    rig_settle(r);
}

static struct mac
mac_of(unsigned port)
{
    return (struct mac){{2, 0, 0, 0, 0, (uint8_t)(10 + port)}};
}

/* UDP from a port to another, or to all (8). */
static struct law_packet
packet_of(unsigned from, unsigned to, uint16_t dport)
{
    struct law_packet p = {.type = LAW_IP4,
                           .src_mac = mac_of(from),
                           .dst_mac = mac_of(to),
                           .src = {10, 0, 0, (uint8_t)from},
                           .dst = {10, 0, 0, (uint8_t)to},
                           .protocol = 17,
                           .sport = 5000,
                           .dport = dport};

    if (to == 8)
        memset(p.dst_mac.b, 0xff, 6);
    return p;
}

static void
say_hello(struct rig *r, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct law_packet p = packet_of(i, 8, 1);
        send(r, i, &p, 1, 0);
    }
    for (unsigned i = 0; i < n; i++)
        g_array_set_size(r->p[i].got, 0);
}

static void
test_discard(struct rig *r, const void *data)
{
    struct law_packet p[3] = {packet_of(0, 1, 80), packet_of(0, 1, 22), packet_of(0, 1, 80)};

    (void)data;
    attach(r, 0, "anna", NULL);
    attach(r, 1, "bob", NULL);
    say_hello(r, 2);
    set_rules(r, "priority=1\ndiscard=1\nprotocol=17\ndst-port=22");
    send(r, 0, p, 3, 1);
    rig_got(r, 1, 1, 3);
    g_assert_cmpuint(rig_dropped(r, 0, DROP_ACL), ==, 1);
    g_assert_cmpuint(hub_access_hits(r->hub, 1), ==, 1);

    set_rules(r, "priority=1\ndiscard=1\nprotocol=17\ndst-port=22\n\npriority=2\ndiscard=1");
    send(r, 0, p, 3, 4); /* a session that is there already */
    rig_got_nothing(r, 1);
    g_assert_cmpuint(hub_access_hits(r->hub, 1), ==, 2); /* kept by its id */
    g_assert_cmpuint(hub_access_hits(r->hub, 2), ==, 2);
    set_rules(r, "");
    send(r, 0, p, 3, 7);
    rig_got(r, 1, 7, 8, 9);
    g_assert_cmpuint(hub_access_hits(r->hub, 1), ==, 0);
}

/* What is discarded does not teach the switch where somebody is. */
static void
test_not_learned(struct rig *r, const void *data)
{
    struct hub_stats stats;
    struct law_packet p = packet_of(0, 8, 22);

    (void)data;
    attach(r, 0, "anna", NULL);
    set_rules(r, "priority=1\ndiscard=1\nsrc-user=anna");
    send(r, 0, &p, 1, 1);
    hub_get_stats(r->hub, &stats);
    g_assert_cmpuint(stats.fdb_entries, ==, 0);
    g_assert_cmpuint(stats.dropped[DROP_ACL], ==, 1);
}

static void
test_sender(struct rig *r, const void *data)
{
    struct law_packet anna = packet_of(0, 2, 80), bob = packet_of(1, 2, 80);

    (void)data;
    attach(r, 0, "anna", "staff");
    attach(r, 1, "bob", "Guests");
    attach(r, 2, "carl", NULL);
    say_hello(r, 3);
    set_rules(r, "priority=1\ndiscard=1\nsrc-user=guests");
    send(r, 0, &anna, 1, 1);
    send(r, 1, &bob, 1, 2);
    rig_got(r, 2, 1);
    set_rules(r, "priority=1\ndiscard=1\nsrc-user=ANNA");
    send(r, 0, &anna, 1, 3);
    send(r, 1, &bob, 1, 4);
    rig_got(r, 2, 4);
}

static void
test_receiver(struct rig *r, const void *data)
{
    struct law_packet to_bob = packet_of(0, 1, 80), to_carl = packet_of(0, 2, 80);

    (void)data;
    attach(r, 0, "anna", NULL);
    attach(r, 1, "bob", NULL);
    attach(r, 2, "carl", "staff");
    say_hello(r, 3);
    set_rules(r, "priority=1\ndiscard=1\ndst-user=bob");
    send(r, 0, &to_bob, 1, 1);
    send(r, 0, &to_carl, 1, 2);
    rig_got_nothing(r, 1);
    rig_got(r, 2, 2);
    g_assert_cmpuint(rig_dropped(r, 0, DROP_ACL), ==, 1);
    set_rules(r, "priority=1\ndst-user=staff\n\npriority=2\ndiscard=1");
    send(r, 0, &to_bob, 1, 3);
    send(r, 0, &to_carl, 1, 4);
    rig_got_nothing(r, 1);
    rig_got(r, 2, 4);
    g_assert_cmpuint(hub_access_hits(r->hub, 1), ==, 2); /* with one from before */
    g_assert_cmpuint(hub_access_hits(r->hub, 2), ==, 1);
}

/* Each receiver of a flood is asked about. */
static void
test_flood(struct rig *r, const void *data)
{
    struct law_packet p[3] = {packet_of(0, 8, 80), packet_of(0, 1, 22), packet_of(0, 8, 80)};

    (void)data;
    attach(r, 0, "anna", NULL);
    attach(r, 1, "bob", NULL);
    attach(r, 2, "carl", NULL);
    attach(r, 3, "dora", "staff");
    say_hello(r, 4);
    set_rules(r, "priority=1\ndst-port=22\nprotocol=17\n\npriority=2\ndiscard=1\ndst-user=carl");
    send(r, 0, p, 3, 1);
    g_assert_cmpuint(r->p[1].got->len, ==, 3);
    rig_got_nothing(r, 2);
    rig_got(r, 3, 1, 3);
    g_assert_cmpuint(rig_dropped(r, 0, DROP_ACL), ==, 0);
    g_assert_cmpuint(hub_access_hits(r->hub, 2), ==, 2);

    set_rules(r, "priority=1\ndst-user=nobody-at-all\n\npriority=2\ndiscard=1");
    send(r, 0, p, 1, 10);
    rig_got_nothing(r, 3);
    g_assert_cmpuint(rig_dropped(r, 0, DROP_ACL), ==, 1); /* once, not for each */
}

/* Frames whose headers are broken pass only where nobody looks. */
static void
test_broken(struct rig *r, const void *data)
{
    struct law_packet p = packet_of(0, 1, 80);
    struct sending s = {.r = r, .p = &r->p[0], .packet = &p, .n = 1, .cut = 6, .mark = 1};

    (void)data;
    attach(r, 0, "anna", NULL);
    attach(r, 1, "bob", NULL);
    say_hello(r, 2);
    worker_call_sync(r->p[0].w, send_there, &s);
    rig_settle(r);
    rig_got(r, 1, 1);
    set_rules(r, "priority=1");
    worker_call_sync(r->p[0].w, send_there, &s);
    rig_settle(r);
    rig_got_nothing(r, 1);
    g_assert_cmpuint(rig_dropped(r, 0, DROP_SHORT), ==, 1);
}

static void
test_bridge(struct rig *r, const void *data)
{
    struct hub_port_config config = rig_config();
    struct law_packet p = packet_of(0, 1, 80);

    (void)data;
    config.kind = HUB_PORT_BRIDGE;
    g_assert_true(rig_attach(r, 0, &config, NULL));
    attach(r, 1, "bob", NULL);
    say_hello(r, 2);
    set_rules(r, "priority=1\ndiscard=1\nsrc-user=local bridge");
    send(r, 0, &p, 1, 1);
    rig_got_nothing(r, 1);
}

/* ---- what passes, but not as it is ---- */

static bool
comes_within(struct rig *r, unsigned port, unsigned n, unsigned ms)
{
    for (unsigned i = 0; i < ms && r->p[port].got->len < n; i++) {
        g_usleep(1000);
        rig_settle(r);
    }
    return r->p[port].got->len == n;
}

static void
test_delay(struct rig *r, const void *data)
{
    struct law_packet p[2] = {packet_of(0, 1, 80), packet_of(0, 1, 22)};

    (void)data;
    attach(r, 0, "anna", NULL);
    attach(r, 1, "bob", NULL);
    say_hello(r, 2);
    set_rules(r, "priority=1\ndst-port=80\ndelay-ms=80");
    r->now_us = clock_now_us();
    int64_t start_us = r->now_us;
    send(r, 0, p, 2, 1);
    rig_got(r, 1, 2); /* the other does not wait for it */
    g_assert_true(comes_within(r, 1, 1, 5000));
    g_assert_cmpint(clock_now_us() - start_us, >=, 80000);
    rig_got(r, 1, 1);
    g_assert_cmpuint(hub_access_hits(r->hub, 1), ==, 1); /* judged once */

    /* A port that goes takes along what waits, and it is counted. */
    struct hub_stats stats;
    set_rules(r, "priority=1\ndelay-ms=10000");
    send(r, 0, p, 2, 3);
    rig_detach(r, 0);
    hub_get_stats(r->hub, &stats);
    g_assert_cmpuint(stats.dropped[DROP_PORT_DOWN], ==, 2);
    rig_got_nothing(r, 1);
}

static void
test_loss(struct rig *r, const void *data)
{
    struct law_packet p[50];
    enum { ROUNDS = 40, ALL = ROUNDS * 50 };

    (void)data;
    attach(r, 0, "anna", NULL);
    attach(r, 1, "bob", NULL);
    say_hello(r, 2);
    for (unsigned i = 0; i < ARRAY_LEN(p); i++)
        p[i] = packet_of(0, 1, 80);
    set_rules(r, "priority=1\nloss-percent=30");
    r->now_us = clock_now_us();
    for (unsigned i = 0; i < ROUNDS; i++)
        send(r, 0, p, ARRAY_LEN(p), 1);
    uint64_t lost = rig_dropped(r, 0, DROP_ACL);
    g_assert_cmpuint(lost, >, ALL * 20 / 100);
    g_assert_cmpuint(lost, <, ALL * 40 / 100);
    g_assert_true(comes_within(r, 1, (unsigned)(ALL - lost), 2000));
    g_array_set_size(r->p[1].got, 0);
    set_rules(r, "priority=1\nloss-percent=100");
    send(r, 0, p, ARRAY_LEN(p), 1);
    rig_got_nothing(r, 1);
}

/* A client that opens a connection gets an answer, and its server hears nothing. */
static void
test_redirect(struct rig *r, const void *data)
{
    struct law_packet p = packet_of(0, 1, 80);

    (void)data;
    attach(r, 0, "anna", NULL);
    attach(r, 1, "bob", NULL);
    say_hello(r, 2);
    p.protocol = 6;
    p.tcp_flags = 2;
    set_rules(r, "priority=1\ndst-port=80\nredirect-url=http://example.org/");
    send(r, 0, &p, 1, 1);
    rig_got_nothing(r, 1);
    g_assert_cmpuint(r->p[0].got->len, ==, 1); /* SYN and ACK */
    g_array_set_size(r->p[0].got, 0);
    p.protocol = 17; /* a rule without a protocol is also for what cannot be redirected */
    send(r, 0, &p, 1, 2);
    rig_got(r, 1, 2);
}

static void
test_try(struct rig *r, const void *data)
{
    struct hub_access_answer answer;
    struct hub_access_try what = {.src = {4, {10, 0, 0, 1}},
                                  .dst = {4, {10, 0, 0, 2}},
                                  .protocol = 17,
                                  .dport = 22,
                                  .user = "anna"};
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_true(hub_try_access(r->hub, &what, &answer, NULL));
    g_assert_cmpint(answer.say, ==, ACL_PASS);
    g_assert_cmpuint(answer.rule_id, ==, 0);
    set_rules(r, "priority=9\n\npriority=1\ndiscard=1\ndst-port=22\nsrc-user=anna\ndst-user=bob");
    g_assert_true(hub_try_access(r->hub, &what, &answer, NULL));
    g_assert_cmpint(answer.say, ==, ACL_UNDECIDED);
    g_assert_cmpuint(answer.rule_id, ==, 2);
    what.to_known = true;
    what.to_user = "bob";
    what.protocol = 6;
    g_assert_true(hub_try_access(r->hub, &what, &answer, NULL));
    g_assert_cmpint(answer.say, ==, ACL_DISCARD);
    what.to_user = NULL;
    g_assert_true(hub_try_access(r->hub, &what, &answer, NULL));
    g_assert_cmpint(answer.say, ==, ACL_PASS);
    g_assert_cmpuint(answer.rule_id, ==, 1);
    g_assert_cmpuint(hub_access_hits(r->hub, 1), ==, 0); /* nothing was counted */
    what.dst.family = 6;
    g_assert_false(hub_try_access(r->hub, &what, &answer, &error));
    g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
}

static void
test_sources(struct rig *r, const void *data)
{
    struct source_rule rules[2];
    struct ip in = {4, {192, 0, 2, 1}}, out = {4, {198, 51, 100, 1}};
    uint32_t id = 0;

    (void)data;
    g_assert_true(hub_admits(r->hub, &out, &id));
    g_assert_cmpuint(id, ==, 0);
    g_assert_true(source_rule_parse("deny 20 0.0.0.0/0", &rules[0]));
    g_assert_true(source_rule_parse("allow 10 192.0.2.0/24", &rules[1]));
    rules[0].id = 1;
    rules[1].id = 2;
    hub_set_sources(r->hub, rules, 2);
    g_assert_true(hub_admits(r->hub, &in, &id));
    g_assert_cmpuint(id, ==, 2);
    g_assert_false(hub_admits(r->hub, &out, &id));
    g_assert_cmpuint(id, ==, 1);
    hub_set_sources(r->hub, NULL, 0);
    g_assert_true(hub_admits(r->hub, &out, NULL));
}

#define ADD(path, workers, test)                                                             \
    g_test_add("/hub-access/" path, struct rig, GUINT_TO_POINTER(workers), rig_set_up, test, \
               rig_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("discard", 1, test_discard);
    ADD("discard-across", 2, test_discard);
    ADD("not-learned", 1, test_not_learned);
    ADD("sender", 1, test_sender);
    ADD("receiver", 1, test_receiver);
    ADD("receiver-across", 3, test_receiver);
    ADD("flood", 1, test_flood);
    ADD("flood-across", 3, test_flood);
    ADD("broken", 1, test_broken);
    ADD("bridge", 1, test_bridge);
    ADD("delay", 1, test_delay);
    ADD("delay-across", 2, test_delay);
    ADD("loss", 1, test_loss);
    ADD("redirect", 1, test_redirect);
    ADD("redirect-across", 2, test_redirect);
    ADD("try", 1, test_try);
    ADD("sources", 1, test_sources);
    return g_test_run();
}
