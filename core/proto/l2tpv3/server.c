/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - L2TPv3 (RFC 3931) with Ethernet (RFC 4719): which carriers are for it.
 *
 * What comes as protocol 115 is L2TPv3; in UDP the version in the first bytes tells it from L2TPv2.
 * A router that is registered with a session of its own needs no first packet: its carrier is taken
 * as soon as the keys and selectors are known. Strangers without IPsec are not served.
 */
#include "core/proto/l2tpv3/server.h"

#include "core/proto/l2tpv3/peer.h"

#include <stdatomic.h>

enum { VERSION_BITS = 0x0f };

struct l2tpv3_server {
    struct ether_home home;
    struct carrier_service service;
    atomic_bool enabled;
};

static bool
recognises(void *state, const struct carrier *c, struct reader first)
{
    struct l2tpv3_server *s = state;

    if (!c->proven || !atomic_load_explicit(&s->enabled, memory_order_relaxed))
        return false;
    if (c->protocol == CARRIER_L2TPV3)
        return true;
    if (c->protocol != CARRIER_UDP)
        return false;
    if (first.left == 0)
        return c->router && c->router->session.on;
    uint16_t bits = reader_u16(&first);
    return reader_ok(&first) && (bits & VERSION_BITS) == L2TPV3_VERSION;
}

static void *
opened(void *state, struct carrier *c, int64_t now_us)
{
    struct l2tpv3_server *s = state;

    if (!ether_home_knows(&s->home, c, "L2TPv3", now_us))
        return NULL;
    return l2tpv3_peer_new(&s->home, c, now_us);
}

static void
receive(void *link, struct batch *b, int64_t now_us)
{
    l2tpv3_peer_receive(link, b, now_us);
}

static void
changed(void *link, int64_t now_us)
{
    (void)now_us;
    l2tpv3_peer_changed(link);
}

static void
closed(void *link, int reason, int64_t now_us)
{
    l2tpv3_peer_free(link, reason, now_us);
}

static int64_t
last_heard_us(void *link)
{
    return l2tpv3_peer_heard_us(link);
}

struct l2tpv3_server *
l2tpv3_server_new(const struct l2tpv3_server_config *config)
{
    struct l2tpv3_server *s = g_new0(struct l2tpv3_server, 1);

    ether_home_init(&s->home, config->hubs, config->auth);
    atomic_init(&s->enabled, true);
    s->service = (struct carrier_service){
        .name = "L2TPv3",
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
l2tpv3_server_free(struct l2tpv3_server *s)
{
    ether_home_done(&s->home);
    g_free(s);
}

void
l2tpv3_server_enable(struct l2tpv3_server *s, bool on)
{
    atomic_store_explicit(&s->enabled, on, memory_order_relaxed);
}

const struct carrier_service *
l2tpv3_server_service(struct l2tpv3_server *s)
{
    return &s->service;
}
