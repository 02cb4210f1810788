/* SPDX-License-Identifier: Apache-2.0 */
/* test-session.c - who may come in, under which name, and how all leave. */

#include "core/base/log.h"
#include "core/hub/session.h"
#include "tests/unit/hub/rig.h"

enum { MOST = 8 };

/* What a protocol would keep. */
struct guest {
    struct session *s;
    struct worker *w;
    struct session_config config;
    struct hub *hub;
    GError *error;
    int stopped; /* the reason */
    unsigned stops;
    unsigned received;
};

static void
guest_deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    (void)now_us;
    struct session *s = hub_port_owner(port);
    struct guest *g = s->owner;
    g->received += b->n;
    batch_free_frames(b);
}

static void
guest_stop(struct session *s, int reason)
{
    struct guest *g = s->owner;
    g_assert_true(worker_current() == g->w);
    g_assert_true(g->s == s);
    g->stopped = reason;
    g->stops++;
    g->s = NULL;
    session_end(s, reason);
}

static const struct session_ops guest_ops = {.port = {guest_deliver}, .stop = guest_stop};

static void
start_there(void *data)
{
    struct guest *g = data;
    g->s = session_start(g->hub, &g->config, &guest_ops, g, &g->error);
}

static void
end_there(void *data)
{
    struct guest *g = data;
    session_end(g->s, PE_DISCONNECTED);
    g->s = NULL;
}

static struct guest
guest(struct rig *r, unsigned i, const char *user)
{
    return (struct guest){
        .w = worker_set_get(r->set, i % worker_set_n(r->set)),
        .hub = r->hub,
        .config = {.user = user,
                   .protocol = "TEST",
                   .client_name = "bad \"client\"\n",
                   .policy = policy_default()},
    };
}

static bool
come(struct guest *g)
{
    g_clear_error(&g->error);
    worker_call_sync(g->w, start_there, g);
    g_assert_true((g->s != NULL) == (g->error == NULL));
    return g->s != NULL;
}

static void
leave(struct guest *g)
{
    if (g->s)
        worker_call_sync(g->w, end_there, g);
    g_clear_error(&g->error);
}

static unsigned
count(struct rig *r)
{
    struct hub_stats s;
    hub_get_stats(r->hub, &s);
    g_assert_cmpuint(s.ports, ==, s.sessions);
    return s.sessions;
}

static void
test_names(struct rig *r, const void *data)
{
    (void)data;
    static const char *const users[][2] = {
        {"alice", "SID-ALICE-1"},
        {"alice", "SID-ALICE-2"},
        {"Bob@example.org", "SID-BOB@EXAMPLE.ORG-3"},
        {"a b\n\"c\xc3\xa9", "SID-A_B__C__-4"},
        {"", "SID--5"},
    };
    struct guest g[ARRAY_LEN(users)];
    for (unsigned i = 0; i < ARRAY_LEN(users); i++) {
        g[i] = guest(r, i, users[i][0]);
        g_assert_true(come(&g[i]));
        g_assert_cmpstr(g[i].s->name, ==, users[i][1]);
        g_assert_cmpstr(g[i].s->user, ==, users[i][0]);
        g_assert_cmpstr(hub_port_name(g[i].s->port), ==, users[i][1]);
    }
    g_autofree char *longest = g_strnfill(300, 'x');
    struct guest tagged = guest(r, 0, longest);
    tagged.config.tag = "L2TP";
    g_assert_true(come(&tagged));
    g_assert_true(g_str_has_suffix(tagged.s->name, "X-[L2TP]-6"));
    g_assert_cmpuint(strlen(tagged.s->name), <, 100);

    struct session *found = hub_session_find(r->hub, "sid-alice-2");
    g_assert_true(found == g[1].s);
    session_unref(found);
    g_assert_null(hub_session_find(r->hub, "SID-ALICE-9"));
    g_autoptr(GPtrArray) list = hub_session_list(r->hub);
    g_assert_cmpuint(list->len, ==, 6);
    for (unsigned i = 0; i < list->len; i++)
        g_assert_cmpuint(((struct session *)g_ptr_array_index(list, i))->number, ==, i + 1);
    for (unsigned i = 0; i < ARRAY_LEN(users); i++)
        leave(&g[i]);
    leave(&tagged);
    g_assert_cmpuint(count(r), ==, 0);
    g_assert_cmpstr(((struct session *)g_ptr_array_index(list, 1))->user, ==, "alice");
}

static void
test_limits(struct rig *r, const void *data)
{
    (void)data;
    char name[] = "TEST";
    struct hub_config config = {.name = name, .online = true, .max_sessions = 4};
    hub_set_config(r->hub, &config);
    struct guest g[MOST];
    for (unsigned i = 0; i < MOST; i++) {
        g[i] = guest(r, i, i % 2 ? "eve" : "EVE");
        g[i].config.policy.MultiLogins = 2;
    }
    g_assert_true(come(&g[0]));
    g_assert_true(come(&g[1]));
    g_assert_false(come(&g[2])); /* without case */
    g_assert_error(g[2].error, PE_ERROR, PE_TOO_MANY_USER_SESSIONS);
    leave(&g[0]);
    g_assert_true(come(&g[2]));

    g[3] = guest(r, 3, "other");
    g[4] = guest(r, 4, "other");
    g[5] = guest(r, 5, "other");
    g_assert_true(come(&g[3]));
    g_assert_true(come(&g[4]));
    g_assert_false(come(&g[5]));
    g_assert_error(g[5].error, PE_ERROR, PE_HUB_FULL);
    g_assert_cmpuint(count(r), ==, 4); /* a refused one leaves no port behind */

    g[6] = guest(r, 6, "spy");
    g[6].config.monitor_mode = true;
    g_assert_false(come(&g[6]));
    g_assert_error(g[6].error, PE_ERROR, PE_MONITOR_DENIED);
    g[7] = guest(r, 7, "barred");
    g[7].config.policy.Access = 0;
    g_assert_false(come(&g[7]));
    g_assert_error(g[7].error, PE_ERROR, PE_ACCESS_DENIED);

    struct hub_stats s;
    hub_get_stats(r->hub, &s);
    g_assert_cmpuint(s.logins, ==, 5);
    for (unsigned i = 0; i < MOST; i++)
        leave(&g[i]);
}

static void
test_stop(struct rig *r, const void *data)
{
    (void)data;
    struct guest a = guest(r, 0, "alice");
    struct guest b = guest(r, 1, "bob");
    g_assert_true(come(&a));
    g_assert_true(come(&b));
    struct session *s = session_ref(a.s);
    session_request_stop(s, PE_SESSION_REMOVED);
    session_request_stop(s, PE_SESSION_REMOVED); /* comes too late and harms nobody */
    rig_settle(r);
    g_assert_cmpint(a.stopped, ==, PE_SESSION_REMOVED);
    g_assert_cmpuint(a.stops, ==, 1);
    g_assert_cmpuint(b.stops, ==, 0);
    struct hub_port_stats stats; /* after its end */
    session_get_stats(s, &stats);
    g_assert_cmpuint(stats.macs, ==, 0);
    session_unref(s);
    leave(&b);
}

static void
test_hub_goes(struct rig *r, const void *data)
{
    (void)data;
    struct guest g[MOST];
    for (unsigned i = 0; i < MOST; i++) {
        g[i] = guest(r, i, "all");
        g_assert_true(come(&g[i]));
    }
    char name[] = "TEST";
    struct hub_config config = {.name = name, .online = false};
    hub_set_config(r->hub, &config);
    rig_settle(r);
    g_assert_cmpuint(count(r), ==, 0);
    config.online = true;
    hub_set_config(r->hub, &config);
    g_assert_true(come(&g[0]));
    g_assert_true(hubs_remove(r->hubs, "TEST", NULL));
    rig_settle(r);
    for (unsigned i = 0; i < MOST; i++) {
        g_assert_null(g[i].s);
        g_assert_cmpint(g[i].stopped, ==, PE_HUB_STOPPING);
    }
}

static void
send_there(void *data)
{
    struct guest *g = data;
    const struct rig_frame hello = {.dst = "ff:ff:ff:ff:ff:ff", .src = "02:00:00:00:00:01"};
    struct batch b = {.n = 1, .frame = {rig_make(g->w, &hello)}};
    hub_port_receive(g->s->port, &b, worker_now_us(g->w));
}

static void
test_frames(struct rig *r, const void *data)
{
    (void)data;
    struct guest a = guest(r, 0, "alice");
    struct guest b = guest(r, 1, "bob");
    g_assert_true(come(&a));
    g_assert_true(come(&b));
    worker_call_sync(a.w, send_there, &a);
    rig_settle(r);
    g_assert_cmpuint(a.received, ==, 0);
    g_assert_cmpuint(b.received, ==, 1);
    struct hub_port_stats stats;
    session_get_stats(a.s, &stats);
    g_assert_cmpuint(stats.in.broadcast_frames, ==, 1);
    g_assert_cmpuint(stats.macs, ==, 1);
    struct hub_stats hub;
    hub_get_stats(r->hub, &hub);
    g_assert_cmpint(ABS(hub.last_comm_ms - clock_wall_ms()), <, 30000);
    leave(&a);
    leave(&b);
}

struct knocker {
    struct guest guest;
    atomic_bool *done;
    unsigned ins;
};

static void
knock(void *data)
{
    struct knocker *k = data;
    if (!k->guest.s) {
        start_there(&k->guest);
        k->ins += k->guest.s != NULL;
        g_clear_error(&k->guest.error);
    }
    if (!atomic_load(k->done))
        worker_call(k->guest.w, knock, k);
}

/* Logins while the hub goes offline and comes back: in the end nobody is left in it. */
static void
test_race(struct rig *r, const void *data)
{
    (void)data;
    atomic_bool done = false;
    char name[] = "TEST";
    struct hub_config config = {.name = name};
    struct knocker k[MOST];
    for (unsigned i = 0; i < MOST; i++) {
        k[i] = (struct knocker){.guest = guest(r, i, "all"), .done = &done};
        worker_call(k[i].guest.w, knock, &k[i]);
    }
    for (unsigned i = 0; i < 60; i++) {
        config.online = i % 2 == 0;
        hub_set_config(r->hub, &config);
        g_usleep(500);
    }
    atomic_store(&done, true);
    rig_settle(r);
    g_assert_cmpuint(count(r), ==, 0);
    for (unsigned i = 0; i < MOST; i++) {
        g_assert_null(k[i].guest.s);
        g_assert_cmpuint(k[i].ins, ==, k[i].guest.stops);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    log_setup(LOG_WARNING, false);
    static const struct {
        const char *name;
        void (*fn)(struct rig *, const void *);
    } tests[] = {
        {"names", test_names},       {"limits", test_limits}, {"stop", test_stop},
        {"hub-goes", test_hub_goes}, {"frames", test_frames}, {"race", test_race},
    };
    for (unsigned workers = 1; workers <= 2; workers++) {
        for (unsigned i = 0; i < ARRAY_LEN(tests); i++) {
            g_autofree char *path = g_strdup_printf("/hub/session/%u/%s", workers, tests[i].name);
            g_test_add(path, struct rig, GUINT_TO_POINTER(workers), rig_set_up, tests[i].fn,
                       rig_tear_down);
        }
    }
    return g_test_run();
}
