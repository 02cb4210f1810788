/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - what is on one carrier: up to L2TP_TUNNELS_CARRIER tunnels, and the calls in them.
 *
 * Our number of a tunnel in ESP is the peer's own: nobody else can be there to guess it, and so a
 * server that was started again still knows where a message of an old tunnel is to be answered to.
 * Strangers, who have to show that they get our packets, get a random one.
 *
 * Data goes to its call in runs. Nothing is freed from inside of a callback: what has ended is
 * looked for at the end of the turn (settle), and a carrier without a tunnel is given back then.
 */

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/proto/l2tp/server_priv.h"

#define US INT64_C(1000000)

/* ---- the tunnels' way out ---- */

static void
on_tunnel_send(void *owner, struct reader packet, int64_t now_us)
{
    const struct l2tp_slot *slot = owner;
    struct carrier *c = slot->link->carrier;

    c->ops->send_control(c, packet, now_us);
}

static void *
on_call_up(void *owner, struct l2tp_call *call, int64_t now_us)
{
    return l2tp_session_new(owner, call, now_us);
}

static void
on_call_down(void *owner, struct l2tp_call *call, int reason, int64_t now_us)
{
    const struct l2tp_slot *slot = owner;
    struct l2tp_session *s = call->user;

    (void)now_us;
    s->call = NULL;
    s->reason = reason;
    l2tp_link_settle(slot->link);
}

static void
on_random(void *owner, void *out, size_t n)
{
    (void)owner;
    random_bytes(out, n);
}

static const struct l2tp_tunnel_ops tunnel_ops = {
    .send = on_tunnel_send, .call_up = on_call_up, .call_down = on_call_down, .random = on_random};

/* ---- life of tunnels ---- */

static void
empty(struct l2tp_slot *slot)
{
    l2tp_tunnel_free(g_steal_pointer(&slot->tunnel));
    l2tp_rules_unref(g_steal_pointer(&slot->rules));
}

/* Without waiting for anything. */
static void
drop_tunnel(struct l2tp_slot *slot, int64_t now_us)
{
    l2tp_tunnel_close(slot->tunnel, L2TP_STOP_CLEAR, PE_DISCONNECTED, now_us);
    empty(slot);
}

/* Those that are ending anyway are silent for ever. */
static int64_t
silent_since(const struct l2tp_tunnel *t)
{
    return t->state >= L2TP_CLOSING ? INT64_MIN : t->heard_us;
}

/* A free slot, maybe that of the tunnel that was silent for longest; or NULL. */
static struct l2tp_slot *
find_slot(struct l2tp_link *l, int64_t now_us)
{
    struct l2tp_slot *oldest = &l->slot[0];

    for (unsigned i = 0; i < L2TP_TUNNELS_CARRIER; i++) {
        struct l2tp_slot *slot = &l->slot[i];
        if (!slot->tunnel)
            return slot;
        if (silent_since(slot->tunnel) < silent_since(oldest->tunnel))
            oldest = slot;
    }
    if (silent_since(oldest->tunnel) > now_us - L2TP_REPLACED_S * US)
        return NULL;
    drop_tunnel(oldest, now_us);
    return oldest;
}

static struct l2tp_slot *
slot_of_peer(struct l2tp_link *l, uint16_t peer_id)
{
    for (unsigned i = 0; i < L2TP_TUNNELS_CARRIER; i++) {
        if (l->slot[i].tunnel && l->slot[i].tunnel->peer_id == peer_id)
            return &l->slot[i];
    }
    return NULL;
}

static struct l2tp_tunnel *
tunnel_of(const struct l2tp_link *l, uint16_t id)
{
    for (unsigned i = 0; i < L2TP_TUNNELS_CARRIER; i++) {
        if (l->slot[i].id == id && l->slot[i].tunnel)
            return l->slot[i].tunnel;
    }
    return NULL;
}

static uint16_t
new_id(const struct l2tp_link *l)
{
    uint16_t id = 0;

    while (id == 0 || tunnel_of(l, id))
        id = (uint16_t)random_u32();
    return id;
}

static void
open_tunnel(struct l2tp_link *l, struct l2tp_rules *rules, uint16_t peer_id,
            const struct l2tp_header *h, struct reader packet, int64_t now_us)
{
    struct l2tp_slot *slot = peer_id != 0 && h->ns == 0 ? find_slot(l, now_us) : NULL;

    if (!slot)
        return;
    slot->id = l->carrier->proven ? peer_id : new_id(l);
    struct l2tp_tunnel_config config = {
        .id = slot->id, .proven = l->carrier->proven, .secret = rules->secret};
    atomic_fetch_add_explicit(&rules->refs, 1, memory_order_relaxed);
    slot->rules = rules;
    slot->tunnel = l2tp_tunnel_new(&config, &tunnel_ops, slot, now_us);
    l2tp_tunnel_receive(slot->tunnel, h, packet, now_us);
}

/* A message to no tunnel: one that opens one, maybe once more; or that ends it early. */
static void
take_first(struct l2tp_link *l, const struct l2tp_header *h, struct reader packet, int64_t now_us)
{
    struct l2tp_rules *rules = l2tp_server_rules(l->home->server);
    struct l2tp_message m;
    uint16_t peer_id = 0;

    if (l2tp_message_parse(h->payload, rules->secret, &m) &&
        l2tp_message_u16(&m, L2TP_AVP_TUNNEL_ID, &peer_id)) {
        struct l2tp_slot *slot = slot_of_peer(l, peer_id);
        const struct l2tp_tunnel *t = slot ? slot->tunnel : NULL;
        bool is_repeated =
            t && t->state <= L2TP_OPEN && now_us - t->since_us < L2TP_REPEATED_S * US;
        if (t && (is_repeated || m.type != L2TP_SCCRQ)) {
            l2tp_tunnel_receive(slot->tunnel, h, packet, now_us);
        } else if (m.type == L2TP_SCCRQ && !l->home->server->stopped) {
            if (slot) /* the peer has forgotten it */
                drop_tunnel(slot, now_us);
            open_tunnel(l, rules, peer_id, h, packet, now_us);
        }
    }
    l2tp_rules_unref(rules);
}

/* A message of a tunnel that is no more. */
static void
take_stray(struct l2tp_link *l, const struct l2tp_header *h, int64_t now_us)
{
    struct carrier *c = l->carrier;
    uint8_t bytes[CARRIER_ANSWER];
    struct writer w = writer_of(bytes, sizeof(bytes));

    if (!c->proven || (l->stray_us != 0 && now_us - l->stray_us < L2TP_STRAY_S * US))
        return;
    l2tp_stray_answer(l->home->server, h, &w);
    if (w.len == 0)
        return;
    l->stray_us = now_us;
    c->ops->send_control(c, reader_of(bytes, w.len), now_us);
}

static void
take_control(struct l2tp_link *l, const struct l2tp_header *h, struct reader packet, int64_t now_us)
{
    struct l2tp_tunnel *t = tunnel_of(l, h->tunnel);

    if (t)
        l2tp_tunnel_receive(t, h, packet, now_us);
    else if (h->tunnel == 0)
        take_first(l, h, packet, now_us);
    else
        take_stray(l, h, now_us);
    l2tp_link_settle(l);
}

/* ---- the end of the turn ---- */

static void
set_timer(struct l2tp_link *l)
{
    struct timer_wheel *timers = worker_timers(l->home->worker);
    int64_t due_us = l->first_by_us;

    for (unsigned i = 0; i < L2TP_TUNNELS_CARRIER; i++) {
        const struct l2tp_tunnel *t = l->slot[i].tunnel;
        int64_t at_us = t ? l2tp_tunnel_deadline(t) : 0;
        if (at_us > 0 && (due_us == 0 || at_us < due_us))
            due_us = at_us;
    }
    if (due_us == 0)
        timer_cancel(timers, &l->timer);
    else if (!timer_is_armed(&l->timer) || l->timer.due_us != due_us)
        timer_arm(timers, &l->timer, due_us);
}

static void
on_timer(struct timer *timer, int64_t now_us)
{
    struct l2tp_link *l = container_of(timer, struct l2tp_link, timer);

    for (unsigned i = 0; i < L2TP_TUNNELS_CARRIER; i++) {
        if (l->slot[i].tunnel)
            l2tp_tunnel_tick(l->slot[i].tunnel, now_us);
    }
    l2tp_link_settle(l);
}

void
l2tp_link_settle(struct l2tp_link *l)
{
    worker_defer(l->home->worker, &l->settle);
}

static void
link_free(struct l2tp_link *l, int reason, int64_t now_us)
{
    worker_defer_cancel(l->home->worker, &l->settle);
    timer_cancel(worker_timers(l->home->worker), &l->timer);
    for (struct l2tp_session *s = l->sessions; s; s = s->next) {
        s->reason = s->call ? reason : s->reason;
        s->call = NULL;
    }
    while (l->sessions)
        l2tp_session_free(l->sessions, now_us); // NOLINT(clang-analyzer-unix.Malloc)
    for (unsigned i = 0; i < L2TP_TUNNELS_CARRIER; i++)
        empty(&l->slot[i]);
    if (l->prev)
        l->prev->next = l->next;
    else
        l->home->first = l->next;
    if (l->next)
        l->next->prev = l->prev;
    g_free(l);
}

static void
free_sessions(struct l2tp_link *l, int64_t now_us)
{
    struct l2tp_session *next = NULL;

    for (struct l2tp_session *s = l->sessions; s; s = next) {
        next = s->next;
        if (!s->call)
            l2tp_session_free(s, now_us);
    }
}

static void
on_settle(struct worker_deferred *d, int64_t now_us)
{
    struct l2tp_link *l = container_of(d, struct l2tp_link, settle);
    struct carrier *c = l->carrier;
    unsigned n = 0;

    free_sessions(l, now_us);
    for (unsigned i = 0; i < L2TP_TUNNELS_CARRIER; i++) {
        if (l->slot[i].tunnel && l->slot[i].tunnel->state == L2TP_OVER)
            empty(&l->slot[i]);
        n += l->slot[i].tunnel != NULL;
    }
    if (n > 0)
        l->first_by_us = 0;
    if (n > 0 || now_us < l->first_by_us) {
        set_timer(l);
        return;
    }
    link_free(l, PE_DISCONNECTED, now_us);
    c->ops->close(c, PE_DISCONNECTED, now_us);
}

/* ---- the carrier's events ---- */

static bool
is_on(struct l2tp_server *s, const struct carrier *c)
{
    struct l2tp_rules *rules = l2tp_server_rules(s);
    bool ok = (c->proven ? rules->ipsec : rules->plain) && !s->stopped;

    l2tp_rules_unref(rules);
    return ok;
}

static bool
recognises(void *state, const struct carrier *c, struct reader first)
{
    struct l2tp_server *s = state;

    return c->protocol == CARRIER_UDP && c->proven && l2tp_is_first(first) && is_on(s, c);
}

/* Data cannot be answered: it does not tell what message the peer waits for. */
static const char *
stray(void *state, const struct carrier *c, struct reader payload, struct writer *answer)
{
    struct l2tp_server *s = state;
    struct l2tp_header h;

    if (c->protocol != CARRIER_UDP || !c->proven || !is_on(s, c) ||
        !l2tp_header_parse(payload, &h) || h.tunnel == 0)
        return NULL;
    if (h.is_control)
        l2tp_stray_answer(s, &h, answer);
    return "it goes on with an L2TP tunnel that is no more";
}

static void *
opened(void *state, struct carrier *c, int64_t now_us)
{
    struct l2tp_server *s = state;
    struct l2tp_home *home = &s->home[worker_index(c->worker)];

    if (!is_on(s, c))
        return NULL;
    struct l2tp_link *l = g_new0(struct l2tp_link, 1);
    l->home = home;
    l->carrier = c;
    l->heard_us = now_us;
    l->first_by_us = now_us + L2TP_FIRST_S * US;
    l->settle.fn = on_settle;
    for (unsigned i = 0; i < L2TP_TUNNELS_CARRIER; i++)
        l->slot[i].link = l;
    timer_init(&l->timer, on_timer);
    l->next = home->first;
    if (l->next)
        l->next->prev = l;
    home->first = l;
    set_timer(l);
    return l;
}

/* The call that a data frame is for, which becomes its payload alone; or NULL. */
static struct l2tp_session *
take_data(struct l2tp_link *l, const struct l2tp_header *h, struct frame *f, int64_t now_us)
{
    struct l2tp_tunnel *t = tunnel_of(l, h->tunnel);
    const struct l2tp_call *call = t ? l2tp_tunnel_call(t, h->session) : NULL;

    if (!call || !call->up)
        return NULL;
    t->heard_us = now_us;
    (void)frame_pull(f, (size_t)(h->payload.at - f->data));
    f->len = (uint32_t)h->payload.left;
    return call->user;
}

static void
pass_on(struct l2tp_session *s, struct batch *run, int64_t now_us)
{
    if (run->n > 0)
        ppp_peer_receive(s->ppp, run, now_us);
}

static void
receive(void *link, struct batch *b, int64_t now_us)
{
    struct l2tp_link *l = link;
    struct l2tp_session *to = NULL;
    struct batch run = {.n = 0};

    l->heard_us = now_us;
    for (unsigned i = 0; i < b->n; i++) {
        struct frame *f = b->frame[i];
        struct reader packet = reader_of(f->data, f->len);
        struct l2tp_header h;
        bool ok = l2tp_header_parse(packet, &h);
        struct l2tp_session *s = ok && !h.is_control ? take_data(l, &h, f, now_us) : NULL;
        if (s && s == to) {
            batch_add(&run, f);
            continue;
        }
        pass_on(to, &run, now_us); /* in order */
        to = s;
        if (s) {
            batch_add(&run, f);
            continue;
        }
        if (ok && h.is_control)
            take_control(l, &h, packet, now_us);
        frame_free(f);
    }
    b->n = 0;
    pass_on(to, &run, now_us);
}

/* A session tells its address and cipher as they were when it began, and PPP cannot be told of
 * another MTU: longer packets go in fragments then. */
static void
changed(void *link, int64_t now_us)
{
    (void)link;
    (void)now_us;
}

static void
closed(void *link, int reason, int64_t now_us)
{
    link_free(link, reason, now_us);
}

static int64_t
last_heard_us(void *link)
{
    const struct l2tp_link *l = link;

    return l->heard_us;
}

void
l2tp_link_service(struct l2tp_server *s, struct carrier_service *out)
{
    *out = (struct carrier_service){.name = "L2TP",
                                    .state = s,
                                    .recognises = recognises,
                                    .opened = opened,
                                    .receive = receive,
                                    .changed = changed,
                                    .closed = closed,
                                    .last_heard_us = last_heard_us,
                                    .stray = stray};
}

/* ---- leaving ---- */

/* PPP's goodbye goes first, but is not waited for: StopCCN says the same. */
static void
leave(struct l2tp_link *l, int64_t now_us)
{
    for (struct l2tp_session *s = l->sessions; s; s = s->next) {
        if (s->call)
            ppp_peer_close(s->ppp, PE_DISCONNECTED, now_us);
    }
    for (unsigned i = 0; i < L2TP_TUNNELS_CARRIER; i++) {
        if (l->slot[i].tunnel)
            l2tp_tunnel_close(l->slot[i].tunnel, L2TP_STOP_SHUTDOWN, PE_DISCONNECTED, now_us);
    }
    l->first_by_us = 0;
    l2tp_link_settle(l);
}

void
l2tp_home_stop(struct l2tp_home *home, bool proven, bool unproven, int64_t now_us)
{
    for (struct l2tp_link *l = home->first; l; l = l->next) {
        if (l->carrier->proven ? proven : unproven)
            leave(l, now_us);
    }
}
