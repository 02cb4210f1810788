/* SPDX-License-Identifier: Apache-2.0 */
/* test-hub.c - the switch: where frames go, what is refused and counted, on one worker and on
 * several. */

#include "core/hub/look.h"
#include "tests/unit/hub/rig.h"

#define A     "02:00:00:00:00:0a"
#define B     "02:00:00:00:00:0b"
#define C     "02:00:00:00:00:0c"
#define ALL   "ff:ff:ff:ff:ff:ff"
#define GROUP "01:00:5e:00:00:01"
#define S     1000000

static void
attach_n(struct rig *r, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        GError *error = NULL;
        rig_attach(r, i, NULL, &error);
        g_assert_no_error(error);
    }
}

/* A, B and C are at ports 0, 1 and 2, and the hub knows. */
static void
introduce(struct rig *r)
{
    attach_n(r, 3);
    rig_send_one(r, 0, ALL, A, 1);
    rig_send_one(r, 1, ALL, B, 2);
    rig_send_one(r, 2, ALL, C, 3);
    rig_got(r, 0, 2, 3);
    rig_got(r, 1, 1, 3);
    rig_got(r, 2, 1, 2);
}

static void
test_unicast(struct rig *r, const void *data)
{
    (void)data;
    attach_n(r, 3);
    rig_send_one(r, 0, B, A, 10); /* unknown: to all others */
    rig_got_nothing(r, 0);
    rig_got(r, 1, 10);
    rig_got(r, 2, 10);
    rig_send_one(r, 1, A, B, 11); /* known: to one */
    rig_got(r, 0, 11);
    rig_got_nothing(r, 2);
    rig_send_one(r, 0, B, A, 12);
    rig_got(r, 1, 12);
    rig_got_nothing(r, 2);
    rig_send_one(r, 0, GROUP, A, 13);
    rig_got(r, 1, 13);
    rig_got(r, 2, 13);
}

/* Each destination gets its own and the flooded ones, in the order in which they came. */
static void
test_order(struct rig *r, const void *data)
{
    (void)data;
    introduce(r);
    const struct rig_frame f[] = {
        {.dst = B, .src = A, .mark = 1},   {.dst = C, .src = A, .mark = 2},
        {.dst = ALL, .src = A, .mark = 3}, {.dst = B, .src = A, .mark = 4},
        {.dst = ALL, .src = A, .mark = 5}, {.dst = C, .src = A, .mark = 6},
    };
    rig_send(r, 0, f, ARRAY_LEN(f));
    if (worker_set_n(r->set) == 1)
        rig_got(r, 1, 1, 3, 4, 5);
    else /* at another worker flooded frames are in front */
        rig_got(r, 1, 3, 5, 1, 4);
    if (worker_set_n(r->set) < 4) /* on the same worker as port 0 */
        rig_got(r, 2, 2, 3, 5, 6);
    else
        rig_got(r, 2, 3, 5, 2, 6);
    rig_send(r, 0, f, 2);
    rig_got(r, 1, 1);
    rig_got(r, 2, 2);
    rig_got_nothing(r, 0);
}

static void
test_move(struct rig *r, const void *data)
{
    (void)data;
    introduce(r);
    rig_send_one(r, 2, B, A, 20); /* A roams from port 0 to port 2 */
    rig_got(r, 1, 20);
    rig_send_one(r, 1, A, B, 21);
    rig_got(r, 2, 21);
    rig_got_nothing(r, 0);
}

static void
test_hairpin(struct rig *r, const void *data)
{
    (void)data;
    introduce(r);
    rig_send_one(r, 0, A, "02:00:00:00:00:aa", 30);
    rig_got_nothing(r, 0);
    rig_got_nothing(r, 1);
    g_assert_cmpuint(rig_dropped(r, 0, DROP_HAIRPIN), ==, 1);
}

static void
test_refused(struct rig *r, const void *data)
{
    (void)data;
    introduce(r);
    rig_send_one(r, 0, B, "03:00:00:00:00:01", 1); /* a group cannot send */
    rig_send_one(r, 0, B, "00:00:00:00:00:00", 2);
    rig_send_one(r, 0, "01:80:c2:00:00:01", A, 3); /* pause */
    rig_send_one(r, 0, "01:80:c2:00:00:02", A, 4); /* LACP */
    rig_got_nothing(r, 1);
    rig_send_one(r, 0, "01:80:c2:00:00:00", A, 5); /* spanning tree passes */
    rig_got(r, 1, 5);
    struct rig_frame stub = {.dst = B, .src = A, .len = 17, .vlan = 7};
    rig_send(r, 0, &stub, 1); /* the tag and no type */
    rig_check(r, 1, (const uint32_t[]){0}, 0);
    g_assert_cmpuint(rig_dropped(r, 0, DROP_BAD_SOURCE), ==, 2);
    g_assert_cmpuint(rig_dropped(r, 0, DROP_RESERVED), ==, 2);
    g_assert_cmpuint(rig_dropped(r, 0, DROP_SHORT), ==, 1);
}

static void
test_vlan_keys(struct rig *r, const void *data)
{
    (void)data;
    introduce(r);
    /* The same address in VLAN 7 is at port 2, and stays at port 0 without a tag. */
    const struct rig_frame f = {.dst = ALL, .src = A, .vlan = 7, .mark = 40};
    rig_send(r, 2, &f, 1);
    rig_got(r, 0, 40);
    rig_got(r, 1, 40);
    const struct rig_frame to[] = {{.dst = A, .src = B, .vlan = 7, .mark = 41},
                                   {.dst = A, .src = B, .mark = 42}};
    const struct rig_frame unknown = {.dst = A, .src = B, .vlan = 8, .mark = 43};
    rig_send(r, 1, to, 2);
    rig_send(r, 1, &unknown, 1);
    rig_got(r, 2, 41, 43);
    rig_got(r, 0, 42, 43);
}

static void
test_isolation(struct rig *r, const void *data)
{
    (void)data;
    struct hub_port_config config = rig_config();
    config.policy.PrivacyFilter = 1;
    g_assert_true(rig_attach(r, 0, &config, NULL));
    g_assert_true(rig_attach(r, 1, &config, NULL));
    g_assert_true(rig_attach(r, 2, NULL, NULL));
    rig_send_one(r, 0, ALL, A, 1);
    rig_send_one(r, 1, ALL, B, 2);
    rig_got_nothing(r, 0);
    rig_got_nothing(r, 1);
    rig_got(r, 2, 1, 2);
    rig_send_one(r, 0, B, A, 3);
    rig_got_nothing(r, 1);
    g_assert_cmpuint(rig_dropped(r, 0, DROP_ISOLATION), ==, 1);
    rig_send_one(r, 2, B, C, 4);
    rig_got(r, 1, 4);
    rig_send_one(r, 1, C, B, 5);
    rig_got(r, 2, 5);
}

static void
test_monitor(struct rig *r, const void *data)
{
    (void)data;
    introduce(r);
    struct hub_port_config config = rig_config();
    config.monitor = true;
    g_assert_true(rig_attach(r, 3, &config, NULL));
    const struct rig_frame f[] = {{.dst = B, .src = A, .mark = 1},
                                  {.dst = ALL, .src = A, .mark = 2},
                                  {.dst = C, .src = A, .mark = 3}};
    for (unsigned i = 0; i < 3; i++)
        rig_send(r, 0, &f[i], 1);
    rig_got(r, 3, 1, 2, 3);
    rig_got(r, 1, 1, 2);
    rig_got(r, 2, 2, 3);
    rig_send_one(r, 3, ALL, "02:00:00:00:00:0d", 4);
    rig_got_nothing(r, 0);
    g_assert_cmpuint(rig_dropped(r, 3, DROP_POLICY), ==, 1);
}

struct seen {
    unsigned n, flooded, broken;
    bool gone;
};

static void
on_seen(void *owner, const struct hub_port *in, const struct hub_sight *sights, unsigned n,
        int64_t now_us)
{
    struct seen *seen = owner;
    (void)in;
    (void)now_us;
    for (unsigned i = 0; i < n; i++) {
        g_assert_cmpuint(sights[i].frame->len, ==, RIG_FRAME);
        g_assert_cmphex(sights[i].look->flow.type, ==, 0x88b5);
        seen->broken += sights[i].look->broken != DROP_NONE;
        seen->flooded += sights[i].to == NULL;
    }
    seen->n += n;
}

static void
on_gone(void *owner)
{
    ((struct seen *)owner)->gone = true;
}

/* A tap sees what passes, once, and nothing of what was refused. */
static void
test_tap(struct rig *r, const void *data)
{
    (void)data;
    struct seen seen = {.n = 0};
    const struct hub_tap tap = {on_seen, on_gone, &seen};
    introduce(r);
    rig_settle(r);
    hub_set_tap(r->hub, &tap);
    const struct rig_frame f[] = {{.dst = B, .src = A, .mark = 1},
                                  {.dst = B, .src = GROUP, .mark = 9},
                                  {.dst = ALL, .src = A, .mark = 2, .vlan = 5},
                                  {.dst = C, .src = A, .mark = 3}};
    for (unsigned i = 0; i < 4; i++)
        rig_send(r, 0, &f[i], 1);
    rig_got(r, 1, 1, 2);
    rig_got(r, 2, 2, 3);
    g_assert_cmpuint(seen.n, ==, 3);
    g_assert_cmpuint(seen.flooded, ==, 1);
    g_assert_cmpuint(seen.broken, ==, 0);
    hub_set_tap(r->hub, NULL);
    for (unsigned i = 0; i < 1000 && !seen.gone; i++)
        rig_settle(r); /* quiescent points */
    g_assert_true(seen.gone);
    rig_send(r, 0, f, 1);
    g_assert_cmpuint(seen.n, ==, 3);
}

static void
test_storm(struct rig *r, const void *data)
{
    (void)data;
    enum { PPS = 100, BURST = 200 };
    char name[] = "TEST";
    struct hub_config config = {.name = name, .online = true, .storm_pps = PPS};
    hub_set_config(r->hub, &config);
    introduce(r); /* one broadcast each */
    struct rig_frame f[500];
    for (unsigned i = 0; i < ARRAY_LEN(f); i++)
        f[i] = (struct rig_frame){.dst = i % 2 ? ALL : GROUP, .src = A};
    rig_send(r, 0, f, 500);
    g_assert_cmpuint(r->p[1].got->len, ==, BURST - 1);
    g_assert_cmpuint(rig_dropped(r, 0, DROP_STORM), ==, 500 - (BURST - 1));
    r->now_us += 2 * S / 4;
    rig_send(r, 0, f, 500);
    g_assert_cmpuint(r->p[1].got->len, ==, BURST - 1 + PPS / 2);
    g_array_set_size(r->p[1].got, 0);
    rig_send_one(r, 1, ALL, B, 1); /* another port has its own */
    rig_send_one(r, 0, B, A, 2);   /* and unicast is free */
    rig_got(r, 1, 2);

    struct hub_port_config free_port = rig_config();
    free_port.policy.NoBroadcastLimiter = 1;
    g_assert_true(rig_attach(r, 3, &free_port, NULL));
    rig_send(r, 3, f, 500);
    g_assert_cmpuint(r->p[1].got->len, ==, 500);
}

static void
test_mac_limit(struct rig *r, const void *data)
{
    (void)data;
    struct hub_port_config config = rig_config();
    config.policy.MaxMac = 5;
    g_assert_true(rig_attach(r, 0, &config, NULL));
    config = rig_config();
    config.policy.NoBridge = config.policy.NoRouting = 1;
    g_assert_true(rig_attach(r, 1, &config, NULL));
    g_assert_true(rig_attach(r, 2, NULL, NULL));
    for (unsigned i = 0; i < 20; i++) {
        g_autofree char *mac = g_strdup_printf("02:00:00:00:01:%02x", i);
        g_autofree char *other = g_strdup_printf("02:00:00:00:02:%02x", i);
        rig_send_one(r, 0, C, mac, i);
        rig_send_one(r, 1, C, other, 100 + i);
    }
    rig_got(r, 2, 0, 100, 1, 101, 2, 102, 3, 103, 4, 104, 105, 106, 107);
    g_assert_cmpuint(rig_dropped(r, 0, DROP_FDB_FULL), ==, 15);
    g_assert_cmpuint(rig_dropped(r, 1, DROP_FDB_FULL), ==, 12);
    struct hub_port_stats s;
    hub_port_get_stats(r->p[0].port, &s);
    g_assert_cmpuint(s.macs, ==, 5);
}

/* New addresses come no faster than HUB_LEARN_PPS: a loop does not keep the table's lock busy. */
static void
test_learn_rate(struct rig *r, const void *data)
{
    (void)data;
    attach_n(r, 2);
    g_autofree struct rig_frame *f = g_new0(struct rig_frame, 10000);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < 10000; i++) {
        char *mac = g_strdup_printf("02:00:00:01:%02x:%02x", i >> 8, i & 0xff);
        g_ptr_array_add(names, mac);
        f[i] = (struct rig_frame){.dst = B, .src = mac};
    }
    r->now_us = clock_now_us() + 10 * S;
    rig_send(r, 0, f, 10000);
    g_assert_cmpuint(r->p[1].got->len + rig_dropped(r, 1, DROP_RING_FULL), ==, 8000);
    g_assert_cmpuint(rig_dropped(r, 0, DROP_FDB_FULL), ==, 2000);
    rig_send(r, 0, f, 8000); /* those that are known pass */
    g_assert_cmpuint(r->p[1].got->len + rig_dropped(r, 1, DROP_RING_FULL), ==, 16000);
}

static void
test_ageing(struct rig *r, const void *data)
{
    (void)data;
    introduce(r);
    r->now_us += 599LL * S;
    rig_send_one(r, 0, B, A, 1); /* refreshes A, not B */
    rig_got(r, 1, 1);
    rig_got_nothing(r, 2);
    r->now_us += 3LL * S;
    rig_send_one(r, 0, B, A, 2); /* B is forgotten */
    rig_got(r, 1, 2);
    rig_got(r, 2, 2);
    rig_send_one(r, 2, A, C, 3);
    rig_got(r, 0, 3);
    rig_got_nothing(r, 1);
}

static void
test_max_frame(struct rig *r, const void *data)
{
    (void)data;
    struct hub_port_config config = rig_config();
    config.max_frame = 100;
    introduce(r);
    rig_detach(r, 1);
    g_assert_true(rig_attach(r, 1, &config, NULL));
    const struct rig_frame f[] = {{.dst = B, .src = A, .len = 100, .mark = 1},
                                  {.dst = B, .src = A, .len = 101, .mark = 2},
                                  {.dst = B, .src = A, .len = 104, .vlan = 9, .mark = 3},
                                  {.dst = B, .src = A, .len = 105, .vlan = 9, .mark = 4}};
    rig_send(r, 0, f, 4);
    rig_got(r, 1, 1, 3);
    g_assert_cmpuint(rig_dropped(r, 1, DROP_MTU), ==, 2);
    rig_got(r, 2, 1, 2, 3, 4); /* flooded: the other one takes them */
}

static void
send_super_there(void *data)
{
    struct rig_send *s = data;
    struct rig_frame what = *s->frame;
    struct frame *f = rig_make(s->p->w, &what);
    uint8_t *ip = f->data + 14;
    f->data[12] = 8; /* IPv4, TCP, no options */
    f->data[13] = 0;
    ip[0] = 0x45;
    ip[2] = (uint8_t)((f->len - 14) >> 8);
    ip[3] = (uint8_t)(f->len - 14);
    ip[8] = 64;
    ip[9] = 6;
    ip[32] = 0x50;
    f->gso_type = FRAME_GSO_TCP4;
    f->gso_size = 1000;
    f->flags = FRAME_NEEDS_CSUM;
    f->csum_start = 34;
    f->csum_offset = 16;
    if (s->n == 2)
        f->gso_type = FRAME_GSO_TCP6; /* a lie */
    struct batch b = {.n = 1, .frame = {f}};
    hub_port_receive(s->p->port, &b, s->r->now_us);
}

static void
test_super_frames(struct rig *r, const void *data)
{
    (void)data;
    introduce(r);
    struct hub_port_config config = rig_config();
    config.max_frame = 1000;
    rig_detach(r, 2);
    g_assert_true(rig_attach(r, 2, &config, NULL));
    rig_send_one(r, 2, ALL, C, 0);
    rig_got(r, 0, 0);
    rig_got(r, 1, 0);

    struct rig_frame f = {.dst = B, .src = A, .len = 54 + 2500, .mark = 1};
    struct rig_send s = {.r = r, .p = &r->p[0], .frame = &f, .n = 1};
    worker_call_sync(s.p->w, send_super_there, &s);
    f.dst = C;
    worker_call_sync(s.p->w, send_super_there, &s);
    s.n = 2;
    worker_call_sync(s.p->w, send_super_there, &s);
    rig_settle(r);
    rig_got(r, 1, 1); /* whole: its segments fit */
    rig_got_nothing(r, 2);
    g_assert_cmpuint(rig_dropped(r, 2, DROP_MTU), ==, 1);
    g_assert_cmpuint(rig_dropped(r, 0, DROP_MALFORMED), ==, 1);
    struct hub_port_stats stats;
    hub_port_get_stats(r->p[1].port, &stats);
    g_assert_cmpuint(stats.out.unicast_frames, ==, 3); /* as on the wire */
}

static void
test_two_hubs(struct rig *r, const void *data)
{
    (void)data;
    GError *error = NULL;
    char name[] = "OTHER";
    struct hub_config config = {.name = name, .online = true};
    struct hub *first = r->hub;
    attach_n(r, 2);
    r->hub = hubs_create(r->hubs, &config, &error);
    g_assert_no_error(error);
    g_assert_true(rig_attach(r, 2, NULL, NULL));
    g_assert_true(rig_attach(r, 3, NULL, NULL));
    rig_send_one(r, 0, ALL, A, 1);
    rig_send_one(r, 2, ALL, A, 2); /* the same address in both */
    rig_got(r, 1, 1);
    rig_got(r, 3, 2);
    rig_send_one(r, 1, A, B, 3);
    rig_send_one(r, 3, A, B, 4);
    rig_got(r, 0, 3);
    rig_got(r, 2, 4);
    r->hub = first;
}

static void
test_offline(struct rig *r, const void *data)
{
    (void)data;
    GError *error = NULL;
    char name[] = "TEST";
    struct hub_config config = {.name = name, .online = false};
    introduce(r);
    hub_set_config(r->hub, &config);
    g_assert_false(hub_is_online(r->hub));
    rig_send_one(r, 0, B, A, 1);
    rig_got_nothing(r, 1);
    g_assert_cmpuint(rig_dropped(r, 0, DROP_PORT_DOWN), ==, 1);
    g_assert_false(rig_attach(r, 3, NULL, &error));
    g_assert_error(error, PE_ERROR, PE_HUB_STOPPING);
    g_clear_error(&error);
    config.online = true;
    hub_set_config(r->hub, &config);
    rig_send_one(r, 0, B, A, 2);
    rig_got(r, 1, 2);

    struct hub_port_config denied = rig_config();
    denied.policy.Access = 0;
    g_assert_false(rig_attach(r, 3, &denied, &error));
    g_assert_error(error, PE_ERROR, PE_ACCESS_DENIED);
    g_clear_error(&error);
}

static void
test_detach(struct rig *r, const void *data)
{
    (void)data;
    introduce(r);
    rig_detach(r, 1);
    rig_send_one(r, 0, B, A, 1); /* B's address went with its port */
    rig_got(r, 2, 1);
    rig_got_nothing(r, 1);
    g_assert_true(rig_attach(r, 1, NULL, NULL)); /* the same slot, another generation */
    rig_send_one(r, 2, B, C, 2);
    rig_got(r, 0, 2);
    rig_got(r, 1, 2);
    struct hub_stats s;
    hub_get_stats(r->hub, &s);
    g_assert_cmpuint(s.ports, ==, 3);
    g_assert_cmpuint(s.fdb_entries, ==, 2);
}

/* Two ports that answer each other from inside deliver() end by a counted drop, not by a stack
 * overflow. */
static void
test_answering(struct rig *r, const void *data)
{
    (void)data;
    introduce(r);
    r->p[1].answers = true;
    rig_send_one(r, 0, B, A, 1);
    rig_got(r, 1, 1);
    rig_got(r, 0, 1);
    if (worker_set_n(r->set) > 1)
        return; /* they would go on for ever, one turn after the other */
    r->p[0].answers = true;
    rig_send_one(r, 0, B, A, 2);
    rig_got(r, 1, 2);
    rig_got(r, 0, 2);
    g_assert_cmpuint(rig_dropped(r, 0, DROP_QUEUE_FULL), ==, 1);
}

static void
test_list(struct rig *r, const void *data)
{
    (void)data;
    introduce(r);
    g_autoptr(GArray) rows = hub_fdb_list(r->hub);
    g_assert_cmpuint(rows->len, ==, 3);
    unsigned seen = 0;
    for (unsigned i = 0; i < rows->len; i++) {
        struct hub_fdb_row *row = &g_array_index(rows, struct hub_fdb_row, i);
        char mac[MAC_TEXT];
        g_assert_cmpint(ABS(row->updated_ms - clock_wall_ms()), <, 30000);
        if (strcmp(mac_print(&row->mac, mac), B) != 0)
            continue;
        seen++;
        g_assert_cmpstr(row->port, ==, "port-1");
        g_assert_true(hub_fdb_forget(r->hub, row->key));
    }
    g_assert_cmpuint(seen, ==, 1);
    rig_send_one(r, 0, B, A, 1); /* to all, again */
    rig_got(r, 1, 1);
    rig_got(r, 2, 1);
}

/* ---- many frames at once ---- */

enum { FLOW_FRAMES = 20000 };

struct stream {
    struct rig_port *p;
    struct rig *r;
    const char *src, *dst;
    unsigned left;
    atomic_bool *busy;
};

/* One batch, then back to the loop, so that other workers' frames get through. */
static void
pump(void *data)
{
    struct stream *f = data;
    struct batch b = {.n = 0};
    for (; f->left > 0 && !batch_is_full(&b); f->left--) {
        const struct rig_frame what = {.dst = f->dst, .src = f->src, .mark = f->left};
        batch_add(&b, rig_make(f->p->w, &what));
    }
    if (f->p->port)
        hub_port_receive(f->p->port, &b, worker_now_us(f->p->w));
    else
        batch_free_frames(&b);
    if (f->left > 0)
        worker_call(f->p->w, pump, f);
    else
        atomic_store(f->busy, false);
}

static uint64_t
all_drops(const uint64_t dropped[DROP_N_REASONS])
{
    uint64_t n = 0;
    for (unsigned i = 0; i < DROP_N_REASONS; i++)
        n += dropped[i];
    return n;
}

static void
run_flows(struct rig *r, struct stream *f, unsigned n, void (*meanwhile)(struct rig *r))
{
    atomic_bool busy[RIG_PORTS];
    for (unsigned i = 0; i < n; i++) {
        atomic_init(&busy[i], true);
        f[i].busy = &busy[i];
        f[i].r = r;
        worker_call(f[i].p->w, pump, &f[i]);
    }
    for (unsigned i = 0; i < n; i++)
        while (atomic_load(&busy[i])) {
            if (meanwhile)
                meanwhile(r);
            g_usleep(200);
        }
    rig_settle(r);
    rig_settle(r);
}

/* Every frame that came in went out or is in exactly one counter; none overtook another. */
static void
test_conservation(struct rig *r, const void *data)
{
    (void)data;
    introduce(r);
    struct stream f[] = {{.p = &r->p[0], .src = A, .dst = B, .left = FLOW_FRAMES},
                         {.p = &r->p[1], .src = B, .dst = C, .left = FLOW_FRAMES},
                         {.p = &r->p[2], .src = C, .dst = A, .left = FLOW_FRAMES}};
    run_flows(r, f, 3, NULL);
    for (unsigned i = 0; i < 3; i++) {
        GArray *got = r->p[i].got;
        for (unsigned k = 1; k < got->len; k++)
            g_assert_cmpuint(g_array_index(got, uint32_t, k), <,
                             g_array_index(got, uint32_t, k - 1));
    }
    struct hub_stats s;
    hub_get_stats(r->hub, &s);
    g_assert_cmpuint(s.in.unicast_frames, ==, 3 * FLOW_FRAMES);
    g_assert_cmpuint(s.in.unicast_bytes, ==, 3ull * FLOW_FRAMES * RIG_FRAME);
    g_assert_cmpuint(s.in.unicast_frames, ==, s.out.unicast_frames + all_drops(s.dropped));
    g_assert_cmpuint(all_drops(s.dropped), ==, s.dropped[DROP_RING_FULL]);
    g_assert_cmpuint(s.out.unicast_frames, ==,
                     r->p[0].got->len + r->p[1].got->len + r->p[2].got->len);
    g_assert_cmpuint(s.in.broadcast_frames, ==, 3);
    g_assert_cmpuint(s.out.broadcast_frames, ==, 6);
    if (worker_set_n(r->set) == 1)
        g_assert_cmpuint(all_drops(s.dropped), ==, 0);

    for (unsigned i = 0; i < 3; i++)
        rig_detach(r, i);
    rig_settle(r);
    struct hub_stats after; /* the ports' sums stay with the hub */
    hub_get_stats(r->hub, &after);
    g_assert_cmpuint(after.ports, ==, 0);
    g_assert_cmpuint(after.in.unicast_frames, ==, s.in.unicast_frames);
    g_assert_cmpuint(after.out.unicast_frames, ==, s.out.unicast_frames);
    g_assert_cmpuint(all_drops(after.dropped), ==, all_drops(s.dropped));
}

static void
churn(struct rig *r)
{
    static const struct rig_frame hello = {.dst = ALL, .src = C, .mark = 0};
    rig_detach(r, 3);
    GError *error = NULL;
    rig_attach(r, 3, NULL, &error);
    g_assert_no_error(error);
    struct rig_send s = {.r = r, .p = &r->p[3], .frame = &hello, .n = 1};
    worker_call_sync(r->p[3].w, rig_send_there, &s);
    struct hub_stats stats;
    hub_get_stats(r->hub, &stats);
    g_assert_cmpuint(stats.ports, ==, 4);
    g_autoptr(GArray) rows = hub_fdb_list(r->hub);
    g_assert_cmpuint(rows->len, <=, 3);
}

/* A port comes and goes, at the address that others send to, while they send. */
static void
test_churn(struct rig *r, const void *data)
{
    (void)data;
    introduce(r);
    struct stream f[] = {{.p = &r->p[0], .src = A, .dst = C, .left = FLOW_FRAMES},
                         {.p = &r->p[1], .src = B, .dst = ALL, .left = FLOW_FRAMES}};
    run_flows(r, f, 2, churn);
    rig_detach(r, 3);
    rig_settle(r);
    struct hub_stats s;
    hub_get_stats(r->hub, &s);
    g_assert_cmpuint(s.in.unicast_frames, ==, FLOW_FRAMES);
    g_assert_cmpuint(s.in.broadcast_frames, >=, FLOW_FRAMES);
    g_assert_cmpuint(r->p[3].got->len, >, 0);
}

static void
test_many_ports(struct rig *r, const void *data)
{
    (void)data;
    enum { N = 1000 }; /* more than a ring has slots */
    struct rig_port many[N];
    struct rig_attach a = {.hub = r->hub, .config = rig_config()};
    introduce(r);
    for (unsigned i = 0; i < N; i++) {
        many[i] = (struct rig_port){.w = worker_set_get(r->set, i % worker_set_n(r->set)),
                                    .got = g_array_new(FALSE, FALSE, sizeof(uint32_t))};
        a.p = &many[i];
        worker_call_sync(many[i].w, rig_attach_there, &a);
        g_assert_no_error(a.error);
    }
    const struct rig_frame f[] = {{.dst = C, .src = A, .mark = 1},
                                  {.dst = ALL, .src = A, .mark = 2}};
    rig_send(r, 0, f, 1);
    rig_send(r, 0, f + 1, 1);
    rig_got(r, 1, 2);
    rig_got(r, 2, 1, 2);
    for (unsigned i = 0; i < N; i++) {
        g_assert_cmpuint(many[i].got->len, ==, 1);
        g_array_unref(many[i].got);
        worker_call_sync(many[i].w, rig_detach_there, &many[i]);
    }
    struct hub_stats s;
    hub_get_stats(r->hub, &s);
    g_assert_cmpuint(s.ports, ==, 3);
    g_assert_cmpuint(s.out.broadcast_frames, ==, 6 + 2 + N);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    static const struct {
        const char *name;
        void (*fn)(struct rig *, const void *);
    } tests[] = {
        {"unicast", test_unicast},
        {"order", test_order},
        {"move", test_move},
        {"hairpin", test_hairpin},
        {"refused", test_refused},
        {"vlan-keys", test_vlan_keys},
        {"isolation", test_isolation},
        {"monitor", test_monitor},
        {"tap", test_tap},
        {"storm", test_storm},
        {"mac-limit", test_mac_limit},
        {"learn-rate", test_learn_rate},
        {"ageing", test_ageing},
        {"max-frame", test_max_frame},
        {"super-frames", test_super_frames},
        {"two-hubs", test_two_hubs},
        {"offline", test_offline},
        {"detach", test_detach},
        {"answering", test_answering},
        {"list", test_list},
        {"conservation", test_conservation},
        {"churn", test_churn},
        {"many-ports", test_many_ports},
    };
    static const unsigned workers[] = {1, 2, 4};
    for (unsigned k = 0; k < ARRAY_LEN(workers); k++) {
        for (unsigned i = 0; i < ARRAY_LEN(tests); i++) {
            g_autofree char *path = g_strdup_printf("/hub/%u/%s", workers[k], tests[i].name);
            g_test_add(path, struct rig, GUINT_TO_POINTER(workers[k]), rig_set_up, tests[i].fn,
                       rig_tear_down);
        }
    }
    return g_test_run();
}
