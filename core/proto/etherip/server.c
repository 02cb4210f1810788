/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - EtherIP (RFC 3378): two bytes, then a frame.
 *
 * There is no control connection: what the peer's router is called by IKE says whose Ethernet it
 * is, and the session lives as long as the carrier. So a carrier is taken as soon as its keys and
 * selectors are known, and when the hub refuses the session it is asked for again and again.
 */
#include "core/proto/etherip/server.h"

#include "core/base/error.h"
#include "core/proto/ether_link.h"
#include "core/proto/etherip/wire.h"

#include <stdatomic.h>

struct etherip_server {
    struct ether_home home;
    struct carrier_service service;
    atomic_bool enabled;
};

/* What is on a carrier. */
struct etherip {
    struct carrier *carrier;
    struct ether_link *link;
    int64_t heard_us;
};

/* ---- frames ---- */

static void
receive(void *link, struct batch *b, int64_t now_us)
{
    struct etherip *e = link;
    unsigned kept = 0;

    for (unsigned i = 0; i < b->n; i++) {
        struct frame *f = b->frame[i];
        enum drop why = etherip_take_header(f);
        if (why == DROP_NONE) {
            b->frame[kept++] = f;
            continue;
        }
        ether_link_count_drop(e->link, why);
        frame_free(f);
    }
    b->n = kept;
    if (kept == 0)
        return;
    e->heard_us = now_us;
    ether_link_receive(e->link, b, now_us);
}

/* ---- life ---- */

static void
etherip_free(struct etherip *e, int reason, int64_t now_us)
{
    ether_link_free(e->link, reason, now_us);
    g_free(e);
}

static void
on_ended(void *owner, int reason, int64_t now_us)
{
    struct etherip *e = owner;
    struct carrier *c = e->carrier;

    etherip_free(e, reason, now_us);
    c->ops->close(c, reason, now_us);
}

static const struct ether_link_ops link_ops = {.ended = on_ended};

static bool
recognises(void *state, const struct carrier *c, struct reader first)
{
    struct etherip_server *s = state;

    (void)first; /* the protocol's number tells enough */
    return c->protocol == CARRIER_ETHERIP && c->proven &&
           atomic_load_explicit(&s->enabled, memory_order_relaxed);
}

static void *
opened(void *state, struct carrier *c, int64_t now_us)
{
    struct etherip_server *s = state;
    struct ether_link_config config = {
        .home = &s->home,
        .carrier = c,
        .protocol = "EtherIP",
        .tag = "ETHERIP",
        .client_name = "EtherIP router",
        .client_host = c->identity,
        .persistent = true,
    };

    if (!ether_home_knows(&s->home, c, config.protocol, now_us))
        return NULL;
    struct etherip *e = g_new0(struct etherip, 1);
    e->carrier = c;
    e->link = ether_link_new(&config, &link_ops, e, now_us);
    ether_link_set_header(e->link, etherip_header, sizeof(etherip_header));
    return e;
}

static void
changed(void *link, int64_t now_us)
{
    struct etherip *e = link;

    (void)now_us;
    ether_link_changed(e->link);
}

static void
closed(void *link, int reason, int64_t now_us)
{
    etherip_free(link, reason, now_us);
}

static int64_t
last_heard_us(void *link)
{
    const struct etherip *e = link;

    return e->heard_us;
}

struct etherip_server *
etherip_server_new(const struct etherip_server_config *config)
{
    struct etherip_server *s = g_new0(struct etherip_server, 1);

    ether_home_init(&s->home, config->hubs, config->auth);
    atomic_init(&s->enabled, true);
    s->service = (struct carrier_service){
        .name = "EtherIP",
        .state = s,
        .recognises = recognises,
        .opened = opened,
        .receive = receive,
        .changed = changed,
        .closed = closed,
        .last_heard_us = last_heard_us,
    };
    return s;
}

void
etherip_server_free(struct etherip_server *s)
{
    ether_home_done(&s->home);
    g_free(s);
}

void
etherip_server_enable(struct etherip_server *s, bool on)
{
    atomic_store_explicit(&s->enabled, on, memory_order_relaxed);
}

const struct carrier_service *
etherip_server_service(struct etherip_server *s)
{
    return &s->service;
}
