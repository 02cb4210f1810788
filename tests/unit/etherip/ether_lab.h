/* SPDX-License-Identifier: Apache-2.0 */
/* ether_lab.h - carriers that only remember what was sent on them, a real hub with a port that
 * listens, and real auth; for the tests of EtherIP and L2TPv3. All is called on the one worker. */
#pragma once

#include "core/base/error.h"
#include "core/hub/session.h"
#include "core/proto/carrier.h"
#include "core/proto/ether_link.h"

#include <glib.h>

#include <string.h>

enum { LAB_CARRIERS = 6, LAB_PATIENCE_US = 8 * 1000 * 1000 };

struct lab_carrier {
    struct carrier c;
    struct lab *lab;
    void *on; /* what the service has put there */
    GPtrArray *sent, *control;
    bool closed; /* by the service */
    int reason;
};

struct lab {
    struct worker_set *workers;
    struct worker *w;
    struct hubs *hubs;
    struct auth *auth;
    const struct carrier_service *service;
    struct router router;
    char text[3][32]; /* its */
    struct lab_carrier carrier[LAB_CARRIERS];
    struct hub_port *port; /* somebody else at the hub */
    GPtrArray *got;        /* by it */
    bool no_user;          /* as the store says */
    atomic_uint asked;
    struct policy policy;
};

/* ---- users: "router" ---- */

static inline bool
lab_find_user(void *store, const char *hub, const char *user, bool *found, struct auth_user *out)
{
    struct lab *lab = store;

    if (!g_str_equal(user, "*")) /* which is looked for when there is no such user */
        atomic_fetch_add(&lab->asked, 1);
    *found = g_str_equal(user, "router") && !lab->no_user;
    if (*found) {
        *out = (struct auth_user){.auth_type = 1, .policy = lab->policy};
        g_strlcpy(out->name, "router", sizeof(out->name));
    }
    return g_ascii_strcasecmp(hub, "LAB") == 0;
}

static inline GPtrArray *
lab_cas(void *store, const char *hub)
{
    (void)store;
    (void)hub;
    return NULL;
}

static inline void
lab_logged_in(void *store, const char *hub, const char *user, bool ok)
{
    (void)store;
    (void)hub;
    (void)user;
    (void)ok;
}

/* ---- carriers ---- */

static inline void
lab_send(struct carrier *c, struct batch *b, int64_t now_us)
{
    struct lab_carrier *lc = container_of(c, struct lab_carrier, c);

    (void)now_us;
    g_assert_true(worker_current() == c->worker);
    g_assert_false(lc->closed);
    for (unsigned i = 0; i < b->n; i++) {
        const struct frame *f = b->frame[i];
        g_assert_cmpuint(frame_headroom(f), >=, CARRIER_HEADROOM);
        g_assert_cmpuint(f->gso_type | f->flags, ==, 0);
        g_ptr_array_add(lc->sent, g_bytes_new(f->data, f->len));
    }
    batch_free_frames(b);
}

static inline void
lab_send_control(struct carrier *c, struct reader payload, int64_t now_us)
{
    struct lab_carrier *lc = container_of(c, struct lab_carrier, c);

    (void)now_us;
    g_assert_false(lc->closed);
    g_ptr_array_add(lc->control, g_bytes_new(payload.at, payload.left));
}

static inline void
lab_closed(struct carrier *c, int reason, int64_t now_us)
{
    struct lab_carrier *lc = container_of(c, struct lab_carrier, c);

    (void)now_us;
    g_assert_false(lc->closed);
    lc->closed = true;
    lc->on = NULL;
    lc->reason = reason;
}

static const struct carrier_ops lab_carrier_ops = {
    .send = lab_send, .send_control = lab_send_control, .close = lab_closed};

/* ---- work on the worker ---- */

struct lab_job {
    struct lab *lab;
    struct lab_carrier *lc;
    const uint8_t *bytes;
    size_t len;
    struct frame **frame;
    unsigned n;
    struct batch *b;
    bool yes;
    int reason;
};

static inline void
lab_on_open(void *data)
{
    struct lab_job *j = data;
    const struct carrier_service *s = j->lab->service;
    struct carrier *c = &j->lc->c;

    if (!s->recognises(s->state, c, reader_of(j->bytes, j->len)))
        return;
    c->service = s;
    c->link = j->lc->on = s->opened(s->state, c, worker_now_us(j->lab->w));
    j->yes = c->link != NULL;
}

/* True: the service took it. */
static inline bool
lab_open(struct lab *lab, unsigned i, uint8_t protocol, const void *first, size_t len)
{
    struct lab_carrier *lc = &lab->carrier[i];
    struct lab_job j = {.lab = lab, .lc = lc, .bytes = first, .len = len};

    lc->c.protocol = protocol;
    lc->closed = false;
    g_ptr_array_set_size(lc->sent, 0);
    g_ptr_array_set_size(lc->control, 0);
    worker_call_sync(lab->w, lab_on_open, &j);
    return j.yes;
}

static inline void
lab_on_close(void *data)
{
    struct lab_job *j = data;
    void *on = g_steal_pointer(&j->lc->on);

    if (on)
        j->lab->service->closed(on, PE_DISCONNECTED, worker_now_us(j->lab->w));
}

/* The peer goes. */
static inline void
lab_close(struct lab *lab, unsigned i)
{
    struct lab_job j = {.lab = lab, .lc = &lab->carrier[i]};

    worker_call_sync(lab->w, lab_on_close, &j);
}

static inline struct frame *
lab_frame(struct lab *lab, const void *bytes, size_t len)
{
    struct frame *f = frame_new(worker_pool(lab->w), len);

    g_assert_nonnull(f);
    if (len > 0)
        memcpy(frame_put(f, len), bytes, len);
    return f;
}

static inline void
lab_on_payload(void *data)
{
    struct lab_job *j = data;
    struct batch b = {.n = 0};

    if (!j->lc->on)
        return;
    batch_add(&b, lab_frame(j->lab, j->bytes, j->len));
    j->lab->service->receive(j->lc->on, &b, worker_now_us(j->lab->w));
    g_assert_cmpuint(b.n, ==, 0);
}

/* A payload of the peer. */
static inline void
lab_payload(struct lab *lab, unsigned i, const void *bytes, size_t len)
{
    struct lab_job j = {.lab = lab, .lc = &lab->carrier[i], .bytes = bytes, .len = len};

    worker_call_sync(lab->w, lab_on_payload, &j);
}

/* ---- the hub ---- */

static inline void
lab_deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    struct lab *lab = hub_port_owner(port);

    (void)now_us;
    for (unsigned i = 0; i < b->n; i++)
        g_ptr_array_add(lab->got, g_bytes_new(b->frame[i]->data, b->frame[i]->len));
    batch_free_frames(b);
}

static const struct hub_port_ops lab_port_ops = {.deliver = lab_deliver};

static inline void
lab_on_attach(void *data)
{
    struct lab *lab = data;
    struct hub *hub = hubs_find(lab->hubs, "LAB");
    struct hub_port_config config = {
        .name = "other", .kind = HUB_PORT_BRIDGE, .policy = policy_default(), .max_frame = 9100};

    lab->port = hub_attach(hub, &config, &lab_port_ops, lab, NULL);
    g_assert_nonnull(lab->port);
    hub_unref(hub);
}

static inline void
lab_on_detach(void *data)
{
    struct lab *lab = data;

    if (lab->port)
        hub_detach(g_steal_pointer(&lab->port));
}

static inline void
lab_on_say(void *data)
{
    struct lab_job *j = data;
    struct batch b = {.n = 0};

    batch_add(&b, lab_frame(j->lab, j->bytes, j->len));
    hub_port_receive(j->lab->port, &b, worker_now_us(j->lab->w));
}

/* A frame of the other port into the hub. */
static inline void
lab_say(struct lab *lab, const void *bytes, size_t len)
{
    struct lab_job j = {.lab = lab, .bytes = bytes, .len = len};

    worker_call_sync(lab->w, lab_on_say, &j);
}

static inline unsigned
lab_sessions(struct lab *lab)
{
    struct hub *hub = hubs_find(lab->hubs, "LAB");
    g_autoptr(GPtrArray) all = hub_session_list(hub);

    hub_unref(hub);
    return all->len;
}

/* A reference to the only session. */
static inline struct session *
lab_session(struct lab *lab)
{
    struct hub *hub = hubs_find(lab->hubs, "LAB");
    g_autoptr(GPtrArray) all = hub_session_list(hub);

    hub_unref(hub);
    g_assert_cmpuint(all->len, ==, 1);
    return session_ref(g_ptr_array_index(all, 0));
}

static inline uint64_t
lab_dropped(struct lab *lab, enum drop why)
{
    struct session *s = lab_session(lab);
    struct hub_port_stats stats;

    session_get_stats(s, &stats);
    session_unref(s);
    return stats.dropped[why];
}

static inline void
lab_nothing(void *data)
{
    (void)data;
}

/* Lets control and worker run for a little. */
static inline void
lab_breathe(struct lab *lab)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
    worker_call_sync(lab->w, lab_nothing, NULL);
}

/* Until the condition holds. */
#define lab_until(lab, condition)                                      \
    do {                                                               \
        int64_t give_up_us = g_get_monotonic_time() + LAB_PATIENCE_US; \
        for (;;) {                                                     \
            lab_breathe(lab);                                          \
            if (condition)                                             \
                break;                                                 \
            g_assert_cmpint(g_get_monotonic_time(), <, give_up_us);    \
            g_usleep(2000);                                            \
        }                                                              \
    } while (0)

/* ---- life ---- */

static const struct auth_store_ops lab_users = {
    .find_user = lab_find_user, .trusted_cas = lab_cas, .logged_in = lab_logged_in};

static inline void
lab_hub_online(struct lab *lab, bool on)
{
    struct hub_config config = {.name = (char[]){"LAB"}, .online = on};
    struct hub *hub = hubs_find(lab->hubs, "LAB");

    hub_set_config(hub, &config);
    hub_unref(hub);
}

static inline void
lab_init(struct lab *lab)
{
    struct hub_config config = {.name = (char[]){"LAB"}, .online = true};

    *lab = (struct lab){.workers = worker_set_new(1, NULL), .policy = policy_default()};
    lab->w = worker_set_get(lab->workers, 0);
    lab->hubs = hubs_new(lab->workers);
    g_assert_nonnull(hubs_create(lab->hubs, &config, NULL));
    lab->auth = auth_new(&lab_users, lab);
    lab->router = (struct router){.id = lab->text[0], .hub = lab->text[1], .user = lab->text[2]};
    g_strlcpy(lab->text[0], "branch.example", sizeof(lab->text[0]));
    g_strlcpy(lab->text[1], "LAB", sizeof(lab->text[1]));
    g_strlcpy(lab->text[2], "router", sizeof(lab->text[2]));
    lab->got = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    for (unsigned i = 0; i < LAB_CARRIERS; i++) {
        struct lab_carrier *lc = &lab->carrier[i];
        lc->lab = lab;
        lc->sent = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
        lc->control = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
        lc->c = (struct carrier){.ops = &lab_carrier_ops,
                                 .worker = lab->w,
                                 .remote = {.ip = ip_from_v4(0xc0000200 + i), .port = 4500},
                                 .mtu = 1420,
                                 .proven = true,
                                 .below = "IPsec",
                                 .cipher = "AES-128-CBC",
                                 .identity = "branch.example",
                                 .router = &lab->router};
    }
    worker_call_sync(lab->w, lab_on_attach, lab);
}

static inline void
lab_done(struct lab *lab)
{
    for (unsigned i = 0; i < LAB_CARRIERS; i++)
        lab_close(lab, i);
    worker_call_sync(lab->w, lab_on_detach, lab);
    lab_breathe(lab);
    auth_free(lab->auth);
    hubs_free(lab->hubs);
    worker_set_free(lab->workers);
    for (unsigned i = 0; i < LAB_CARRIERS; i++) {
        g_ptr_array_unref(lab->carrier[i].sent);
        g_ptr_array_unref(lab->carrier[i].control);
    }
    g_ptr_array_unref(lab->got);
}

/* ---- frames ---- */

/* An Ethernet frame of nothing in particular: its bytes tell their place. */
static inline void
lab_ethernet(uint8_t *out, size_t len, uint8_t dst, uint8_t src)
{
    static const uint8_t head[14] = {0x02, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0x88, 0xb5};

    for (size_t i = 0; i < len; i++)
        out[i] = i < sizeof(head) ? head[i] : (uint8_t)i;
    out[5] = dst;
    out[11] = src;
    if (dst == 0xff)
        memset(out, 0xff, 6);
}

/* Something of a list is these bytes behind a header of so many. */
static inline bool
lab_is(GPtrArray *list, unsigned i, const void *head, size_t head_len, const void *bytes,
       size_t len)
{
    size_t n = 0;

    if (i >= list->len)
        return false;
    const uint8_t *at = g_bytes_get_data(g_ptr_array_index(list, i), &n);
    return n == head_len + len && (head_len == 0 || memcmp(at, head, head_len) == 0) &&
           memcmp(at + head_len, bytes, len) == 0;
}
