/* SPDX-License-Identifier: Apache-2.0 */
/* rig.h - a hub on real workers with ports that only remember what they got; for the tests of this
 * folder. Time is virtual as far as the hub judges by it. */
#pragma once

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/policy.h"
#include "core/base/types.h"
#include "core/hub/hub_port.h"
#include "core/hub/hubs.h"

#include <glib.h>

#include <stdatomic.h>
#include <string.h>

enum { RIG_PORTS = 8, RIG_FRAME = 60 };

struct rig_port {
    struct hub_port *port;
    struct worker *w;
    GArray *got;  /* uint32_t: the marks of the frames that came, in order */
    bool answers; /* sends what it gets back into the hub, from inside deliver() */
    struct hub_port_stats last;
};

struct rig {
    struct worker_set *set;
    struct hubs *hubs;
    struct hub *hub;
    int64_t now_us;
    struct rig_port p[RIG_PORTS];
};

struct rig_frame {
    const char *dst, *src;
    uint16_t vlan; /* 0: no tag */
    uint16_t len;  /* 0: RIG_FRAME */
    uint32_t mark; /* stands in the last four bytes */
};

static inline struct frame *
rig_make(struct worker *w, const struct rig_frame *what)
{
    size_t len = what->len > 0 ? what->len : RIG_FRAME;
    struct frame *f = frame_new(worker_pool(w), len);
    g_assert(f);
    uint8_t *at = frame_put(f, len);
    g_assert(at);
    memset(at, 0, len);
    struct mac dst;
    struct mac src;
    g_assert_true(mac_parse(what->dst, &dst));
    g_assert_true(mac_parse(what->src, &src));
    memcpy(at, dst.b, 6);
    memcpy(at + 6, src.b, 6);
    at[12] = 0x88;
    at[13] = 0xb5; /* for experiments */
    if (what->vlan > 0) {
        at[12] = 0x81;
        at[13] = 0;
        at[14] = (uint8_t)(what->vlan >> 8);
        at[15] = (uint8_t)what->vlan;
        at[16] = 0x88;
        at[17] = 0xb5;
    }
    memcpy(at + len - 4, &what->mark, 4);
    return f;
}

static inline void
rig_deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    struct rig_port *p = hub_port_owner(port);
    g_assert_true(worker_current() == hub_port_worker(port));
    g_assert_cmpuint(b->n, >, 0);
    for (unsigned i = 0; i < b->n; i++) {
        uint32_t mark;
        memcpy(&mark, b->frame[i]->data + b->frame[i]->len - 4, 4);
        g_array_append_val(p->got, mark);
    }
    if (!p->answers) {
        batch_free_frames(b);
        return;
    }
    for (unsigned i = 0; i < b->n; i++) {
        b->frame[i] = frame_own(worker_pool(p->w), b->frame[i]);
        uint8_t *at = b->frame[i]->data;
        uint8_t dst[6];
        memcpy(dst, at, 6);
        memcpy(at, at + 6, 6);
        memcpy(at + 6, dst, 6);
    }
    hub_port_receive(port, b, now_us);
}

static const struct hub_port_ops rig_ops = {.deliver = rig_deliver};

struct rig_attach {
    struct hub *hub;
    struct rig_port *p;
    struct hub_port_config config;
    GError *error;
};

static inline void
rig_attach_there(void *data)
{
    struct rig_attach *a = data;
    a->p->port = hub_attach(a->hub, &a->config, &rig_ops, a->p, &a->error);
}

static inline struct hub_port_config
rig_config(void)
{
    return (struct hub_port_config){
        .name = "port", .kind = HUB_PORT_SESSION, .policy = policy_default()};
}

/* Attaches port i on worker i modulo their number. False: error is set (may be NULL). */
static inline bool
rig_attach(struct rig *r, unsigned i, const struct hub_port_config *config, GError **error)
{
    g_autofree char *name = g_strdup_printf("port-%u", i);
    struct rig_port *p = &r->p[i];
    p->w = worker_set_get(r->set, i % worker_set_n(r->set));
    if (!p->got)
        p->got = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    struct rig_attach a = {.hub = r->hub, .p = p, .config = config ? *config : rig_config()};
    a.config.name = name;
    worker_call_sync(p->w, rig_attach_there, &a);
    if (a.error)
        g_propagate_error(error, a.error);
    return p->port != NULL;
}

static inline void
rig_detach_there(void *data)
{
    struct rig_port *p = data;
    hub_port_get_stats(p->port, &p->last);
    hub_detach(p->port);
    p->port = NULL;
}

static inline void
rig_detach(struct rig *r, unsigned i)
{
    if (r->p[i].port)
        worker_call_sync(r->p[i].w, rig_detach_there, &r->p[i]);
}

static inline void
rig_nothing(void *data)
{
    (void)data;
}

/* Until all workers have emptied their rings. A turn reads its mailbox before its rings, and takes
 * no more than 32 batches from one: several turns. */
static inline void
rig_settle(struct rig *r)
{
    for (unsigned round = 0; round < 8; round++)
        for (unsigned i = 0; i < worker_set_n(r->set); i++)
            worker_call_sync(worker_set_get(r->set, i), rig_nothing, NULL);
}

struct rig_send {
    struct rig *r;
    struct rig_port *p;
    const struct rig_frame *frame;
    unsigned n;
};

static inline void
rig_send_there(void *data)
{
    struct rig_send *s = data;
    struct batch b = {.n = 0};
    for (unsigned i = 0; i < s->n; i++) {
        batch_add(&b, rig_make(s->p->w, &s->frame[i]));
        if (batch_is_full(&b) || i + 1 == s->n) {
            hub_port_receive(s->p->port, &b, s->r->now_us);
            g_assert_cmpuint(b.n, ==, 0);
        }
    }
}

static inline void
rig_send(struct rig *r, unsigned i, const struct rig_frame *frame, unsigned n)
{
    struct rig_send s = {.r = r, .p = &r->p[i], .frame = frame, .n = n};
    worker_call_sync(r->p[i].w, rig_send_there, &s);
    rig_settle(r);
}

/* One frame. */
static inline void
rig_send_one(struct rig *r, unsigned i, const char *dst, const char *src, uint32_t mark)
{
    struct rig_frame f = {.dst = dst, .src = src, .mark = mark};
    rig_send(r, i, &f, 1);
}

/* What came to port i since the last look: exactly these marks, in this order. */
#define rig_got(r, i, ...)                               \
    rig_check((r), (i), (const uint32_t[]){__VA_ARGS__}, \
              (unsigned)(sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)))

static inline void
rig_check(struct rig *r, unsigned i, const uint32_t *mark, unsigned n)
{
    GArray *got = r->p[i].got;
    g_assert_cmpuint(got->len, ==, n);
    for (unsigned k = 0; k < n; k++)
        g_assert_cmpuint(g_array_index(got, uint32_t, k), ==, mark[k]);
    g_array_set_size(got, 0);
}

static inline void
rig_got_nothing(struct rig *r, unsigned i)
{
    g_assert_cmpuint(r->p[i].got->len, ==, 0);
}

static inline uint64_t
rig_dropped(struct rig *r, unsigned i, enum drop why)
{
    struct hub_port_stats s;
    hub_port_get_stats(r->p[i].port, &s);
    return s.dropped[why];
}

static inline void
rig_set_up(struct rig *r, const void *data)
{
    GError *error = NULL;
    *r = (struct rig){.now_us = clock_now_us()};
    r->set = worker_set_new(data ? GPOINTER_TO_UINT(data) : 1, &error);
    g_assert_no_error(error);
    r->hubs = hubs_new(r->set);
    char name[] = "TEST";
    struct hub_config config = {.name = name, .online = true};
    r->hub = hubs_create(r->hubs, &config, &error);
    g_assert_no_error(error);
}

static inline void
rig_tear_down(struct rig *r, const void *data)
{
    (void)data;
    for (unsigned i = 0; i < RIG_PORTS; i++) {
        rig_detach(r, i);
        if (r->p[i].got)
            g_array_unref(r->p[i].got);
    }
    rig_settle(r);
    hubs_free(r->hubs);
    worker_set_free(r->set);
}
