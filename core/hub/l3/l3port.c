/* SPDX-License-Identifier: Apache-2.0 */
/* l3port.c - the life of an IP session's port, and what it tells its owner. See l3port.h.
 *
 * configured() comes only from the deferred call and from the wait timer, never from inside a frame
 * or a machine, and last there: the owner may end the port in it.
 */

#include "core/hub/l3/l3port.h"

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/hub/l3/l3_priv.h"
#include "core/net/eth.h"
#include "core/net/ndp.h"

#include <string.h>

enum {
    FLUSH_ROUNDS = 8,        /* then it is the others' turn */
    MAX_FRAME = FRAME_LARGE, /* all may come: what is too long for the client is answered here */
};
#define US INT64_C(1000000)

/* ---- sending ---- */

void
l3_drop(struct l3port *p, struct frame *f, enum drop why)
{
    hub_port_drop(p->session->port, f, why);
}

void
l3_flush(struct l3port *p, int64_t now_us)
{
    if (p->sending)
        return;
    p->sending = true;
    for (unsigned i = 0; i < FLUSH_ROUNDS && p->up.n > 0; i++) {
        struct batch b;
        b.n = p->up.n;
        memcpy(b.frame, p->up.frame, b.n * sizeof(b.frame[0]));
        p->up.n = 0;
        hub_port_receive(p->session->port, &b, now_us);
    }
    p->sending = false;
    if (p->up.n > 0)
        l3_flush_later(p);
}

void
l3_up(struct l3port *p, struct frame *f, int64_t now_us)
{
    if (batch_is_full(&p->up))
        l3_flush(p, now_us);
    if (batch_is_full(&p->up))
        l3_drop(p, f, DROP_QUEUE_FULL);
    else
        batch_add(&p->up, f);
}

void
l3_flush_later(struct l3port *p)
{
    worker_defer(p->worker, &p->later);
}

void
l3_back(struct l3port *p, struct frame *f)
{
    if (batch_is_full(&p->back)) {
        l3_drop(p, f, DROP_QUEUE_FULL);
        return;
    }
    batch_add(&p->back, f);
}

void
l3_flush_back(struct l3port *p, int64_t now_us)
{
    struct batch b;

    if (p->back.n == 0)
        return;
    b.n = p->back.n;
    memcpy(b.frame, p->back.frame, b.n * sizeof(b.frame[0]));
    p->back.n = 0;
    p->ops->send(p->owner, &b, now_us);
}

struct frame *
l3_frame(struct l3port *p, size_t len)
{
    struct frame *f = frame_new(worker_pool(p->worker), len);

    if (f)
        (void)frame_put(f, len);
    else
        hub_port_count_drop(p->session->port, DROP_NO_BUFFER, 1);
    return f;
}

/* Offsets of marks count from the start of the frame. */
static bool
has_marks(const struct frame *f)
{
    return f->gso_type != FRAME_GSO_NONE || (f->flags & FRAME_NEEDS_CSUM);
}

bool
l3_frame_push(struct l3port *p, struct frame *f, const struct mac *dst, uint16_t type)
{
    uint8_t *at = frame_push(f, ETH_HEADER);

    if (!at)
        return false;
    if (dst)
        memcpy(at, dst->b, sizeof(dst->b));
    memcpy(at + sizeof(p->mac.b), p->mac.b, sizeof(p->mac.b));
    at[12] = (uint8_t)(type >> 8);
    at[13] = (uint8_t)type;
    if (has_marks(f))
        f->csum_start = (uint16_t)(f->csum_start + ETH_HEADER);
    return true;
}

void
l3_frame_pull(struct frame *f)
{
    (void)frame_pull(f, ETH_HEADER);
    if (has_marks(f))
        f->csum_start = (uint16_t)(f->csum_start - ETH_HEADER);
}

unsigned
l3_mtu(const struct l3port *p, uint8_t family)
{
    unsigned mtu = family == 4 ? p->v4.mtu : p->ip6.mtu;

    return mtu > 0 ? MIN(p->mtu, mtu) : p->mtu;
}

/* ---- neighbours ---- */

static void
on_solicit(void *owner, const struct ip *who, const struct mac *at, int64_t now_us)
{
    struct l3port *p = owner;

    if (who->family == 4)
        l3_arp_solicit(p, ip_to_v4(who), at, now_us);
    else
        l3_ndp_solicit(p, who->b, at, now_us);
}

static void
on_ready(void *owner, const struct mac *at, struct frame **frames, unsigned n, int64_t now_us)
{
    struct l3port *p = owner;

    for (unsigned i = 0; i < n; i++) {
        memcpy(frames[i]->data, at->b, sizeof(at->b));
        l3_up(p, frames[i], now_us);
    }
}

static void
on_failed(void *owner, const struct ip *who, struct frame **frames, unsigned n, int64_t now_us)
{
    struct l3port *p = owner;

    (void)who;
    for (unsigned i = 0; i < n; i++) {
        l3_unreachable(p, frames[i], ETH_HEADER, now_us);
        l3_drop(p, frames[i], DROP_NO_ROUTE);
    }
    l3_flush_later(p);
}

static const struct l3_neigh_ops neigh_ops = {
    .solicit = on_solicit, .ready = on_ready, .failed = on_failed};

void
l3_arm_neigh(struct l3port *p)
{
    if (p->neigh.deadline_us == 0 ||
        (timer_is_armed(&p->neigh_timer) && p->neigh_timer.due_us <= p->neigh.deadline_us))
        return;
    timer_arm(worker_timers(p->worker), &p->neigh_timer, p->neigh.deadline_us);
}

static void
on_neigh_timer(struct timer *t, int64_t now_us)
{
    struct l3port *p = container_of(t, struct l3port, neigh_timer);

    l3_neigh_tick(&p->neigh, now_us);
    l3_arm_neigh(p);
    l3_flush(p, now_us);
}

/* ---- telling ---- */

static bool
same_dns(const struct l3port_address *x, const struct l3port_address *y)
{
    if (x->n_dns != y->n_dns)
        return false;
    for (unsigned i = 0; i < x->n_dns; i++) {
        if (!ip_equal(&x->dns[i], &y->dns[i]))
            return false;
    }
    return true;
}

static bool
same4(const struct l3port_address *x, const struct l3port_address *y)
{
    if (x->has4 != y->has4 || x->ip4 != y->ip4 || x->len4 != y->len4 ||
        x->gateway4 != y->gateway4 || x->n_route4 != y->n_route4)
        return false;
    for (unsigned i = 0; i < x->n_route4; i++) {
        const struct dhcp4_route *a = &x->route4[i];
        const struct dhcp4_route *b = &y->route4[i];
        if (a->dst != b->dst || a->len != b->len || a->via != b->via)
            return false;
    }
    return strcmp(x->domain, y->domain) == 0;
}

static bool
same6(const struct l3port_address *x, const struct l3port_address *y)
{
    return x->has6 == y->has6 && x->len6 == y->len6 && memcmp(x->ip6, y->ip6, 16) == 0 &&
           memcmp(x->gateway6, y->gateway6, 16) == 0;
}

static void
add_dns(struct l3port_address *a, const struct ip *from, unsigned n)
{
    for (unsigned i = 0; i < n && a->n_dns < L3PORT_DNS_MAX; i++)
        a->dns[a->n_dns++] = from[i];
}

static void
collect_dns(struct l3port *p)
{
    p->a.n_dns = 0;
    if (p->fixed.n_dns > 0) {
        add_dns(&p->a, p->fixed.dns, MIN(p->fixed.n_dns, FIXED_DNS_MAX));
        return;
    }
    add_dns(&p->a, p->v4.dns, p->v4.n_dns);
    add_dns(&p->a, p->ip6.dns, p->ip6.n_dns);
}

/* Whether the first configured() may come, or has to wait. */
static bool
is_complete(const struct l3port *p, int64_t now_us)
{
    bool all4 = !p->wants4 || p->a.has4;
    bool all6 = p->v6 != L3PORT_V6_TOLD || p->a.has6;

    return (all4 && all6) || now_us >= p->give_up_us;
}

/* Last in whatever calls it: the port may be gone afterwards. */
static void
tell(struct l3port *p, int64_t now_us)
{
    p->must_look = false;
    collect_dns(p);
    if (!p->has_told && p->wants4 && p->a.has4) /* IPv6 does not hold up IPv4 for long */
        p->give_up_us = MIN(p->give_up_us, now_us + L3PORT_WAIT6_MS * INT64_C(1000));
    if (!p->has_told && !is_complete(p, now_us)) {
        timer_arm(worker_timers(p->worker), &p->wait_timer, p->give_up_us);
        return;
    }
    if (p->has_told && same4(&p->a, &p->told) && same6(&p->a, &p->told) &&
        same_dns(&p->a, &p->told))
        return;
    timer_cancel(worker_timers(p->worker), &p->wait_timer);
    p->told = p->a;
    p->has_told = true;
    p->ops->configured(p->owner, &p->told, now_us);
}

static void
on_wait_timer(struct timer *t, int64_t now_us)
{
    tell(container_of(t, struct l3port, wait_timer), now_us);
}

void
l3_changed(struct l3port *p)
{
    p->must_look = true;
    l3_flush_later(p);
}

static void
on_later(struct worker_deferred *d, int64_t now_us)
{
    struct l3port *p = container_of(d, struct l3port, later);

    l3_flush(p, now_us);
    l3_flush_back(p, now_us);
    if (p->must_look)
        tell(p, now_us);
}

/* ---- life ---- */

static void
deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    const struct session *s = hub_port_owner(port);
    struct l3port *p = s->owner;

    if (p->ended) {
        hub_port_count_drop(port, DROP_PORT_DOWN, b->n);
        batch_free_frames(b);
        return;
    }
    l3_deliver(p, b, now_us);
}

static void
stop(struct session *s, int reason)
{
    struct l3port *p = s->owner;

    p->ops->stop(p->owner, reason);
}

static const struct session_ops session_ops = {.port = {.deliver = deliver}, .stop = stop};

static void
port_free(struct l3port *p)
{
    hub_mac_release(p->hub, &p->mac);
    hub_unref(p->hub);
    g_free(p);
}

struct l3port *
l3port_new(struct hub *hub, const struct l3port_config *config, const struct l3port_ops *ops,
           void *owner, int64_t now_us, GError **error)
{
    struct l3port *p = g_new0(struct l3port, 1);
    struct session_config session = *config->session;

    p->worker = worker_current();
    p->hub = hub_ref(hub);
    p->ops = ops;
    p->owner = owner;
    p->mtu = CLAMP(config->mtu, L3PORT_MTU_MIN, L3PORT_MTU_MAX);
    p->max_super = config->max_super;
    p->wants4 = config->v4;
    p->v6 = p->mtu >= L3_MTU6_MIN ? config->v6 : L3PORT_V6_NONE; /* RFC 8200, 5 */
    p->fixed = config->fixed;
    p->routes4 = session.bridge_mode && !session.policy.NoRouting;
    p->routes6 = session.bridge_mode && !session.policy.NoRoutingV6;
    p->give_up_us = now_us + L3PORT_WAIT_MS * INT64_C(1000);
    p->later.fn = on_later;
    timer_init(&p->wait_timer, on_wait_timer);
    timer_init(&p->neigh_timer, on_neigh_timer);
    rate_init(&p->icmp, L3_ICMP_PPS, L3_ICMP_BURST, now_us);
    l3_neigh_init(&p->neigh, random_u32(), &neigh_ops, p);
    hub_mac_claim(hub, session.user, config->device, &p->mac);
    session.max_frame = MAX_FRAME;
    p->session = session_start(hub, &session, &session_ops, p, error);
    if (!p->session) {
        port_free(p);
        return NULL;
    }
    atomic_store_explicit(&p->session->connections, 1, memory_order_relaxed);
    l3_v4_start(p, config->hostname, now_us);
    l3_v6_start(p, now_us);
    l3_changed(p);
    return p;
}

void
l3port_end(struct l3port *p, int reason, int64_t now_us)
{
    struct timer_wheel *timers = worker_timers(p->worker);

    p->ended = true; /* nothing comes down any more */
    l3_v4_stop(p, now_us);
    l3_v6_stop(p, now_us);
    l3_flush(p, now_us);
    hub_port_count_drop(p->session->port, DROP_PORT_DOWN,
                        p->up.n + p->back.n + l3_neigh_forget(&p->neigh, 0));
    batch_free_frames(&p->up);
    batch_free_frames(&p->back);
    timer_cancel(timers, &p->wait_timer);
    timer_cancel(timers, &p->neigh_timer);
    worker_defer_cancel(p->worker, &p->later);
    l3_neigh_done(&p->neigh);
    session_end(p->session, reason);
    port_free(p);
}

struct session *
l3port_session(const struct l3port *p)
{
    return p->session;
}

const struct mac *
l3port_mac(const struct l3port *p)
{
    return &p->mac;
}

void
l3port_interface_id(const struct l3port *p, uint8_t out[8])
{
    ndp_interface_id(&p->mac, out);
}
