/* SPDX-License-Identifier: Apache-2.0 */
/* hub_flood.c - a batch in which something goes to all ports.
 *
 * Ports of the same worker get one batch each, in which the frames keep their order, flooded ones
 * and others alike. Other workers get what is flooded once (struct hub_relay) and share it out
 * among their ports themselves; so a flood takes one slot of the ring between two workers, however
 * many ports there are. The price is that for them flooded frames of a batch come before the
 * others of that batch. The order of frames between two stations is that of IEEE 802.1Q, 6.5.3: it
 * does not bind group and individual addresses together.
 *
 * A flooded frame is shared: one atomic addition takes the references for all who get it.
 */

#include "core/hub/hub_priv.h"
#include "core/net/eth.h"
#include "core/net/wire.h"

#include <string.h>

struct receivers {
    const struct hub_ports *list;
    const struct hub_port *in; /* does not get its own; NULL: it is not here */
    unsigned worker;
    bool from_isolated;
    uint32_t awake_s; /* sessions that were silent since then sleep; 0: none does */
    /* Slots of those: found once, since who answers from inside deliver() is awake again. */
    uint64_t asleep[HUB_MAX_PORTS / 64];
};

/* Whether a session has been silent for as long as the hub's option says. */
static uint32_t
awake_since(const struct hub_law *law, int64_t now_us)
{
    uint32_t interval = law->options.DetectDormantSessionInterval;
    uint32_t now_s = hub_second(now_us);
    return interval > 0 && now_s > interval ? now_s - interval : 0;
}

static void
find_asleep(struct receivers *r)
{
    memset(r->asleep, 0, (r->list->n_slots + 63) / 64 * sizeof(r->asleep[0]));
    for (unsigned i = 0; i < r->list->n_slots; i++) {
        const struct hub_port *port = r->list->slot[i].port;
        if (port && port->kind == HUB_PORT_SESSION &&
            atomic_load_explicit(&port->last_in_s, memory_order_relaxed) < r->awake_s)
            r->asleep[i / 64] |= 1ull << i % 64;
    }
}

static bool
receives(const struct receivers *r, unsigned i)
{
    const struct hub_slot *slot = &r->list->slot[i];
    return slot->port && slot->worker == r->worker && slot->port != r->in && !slot->monitor &&
           !(slot->isolated && r->from_isolated) &&
           !(r->awake_s > 0 && (r->asleep[i / 64] >> i % 64 & 1));
}

static unsigned
count_receivers(struct receivers *r)
{
    unsigned n = 0;
    if (r->awake_s > 0)
        find_asleep(r);
    for (unsigned i = 0; i < r->list->n_slots; i++)
        n += receives(r, i);
    return n;
}

/* Makes each frame's one reference into n. */
static void
share(const struct batch *b, unsigned n)
{
    for (unsigned i = 0; i < b->n; i++) {
        if (n == 0)
            frame_free(b->frame[i]);
        else if (n > 1)
            (void)frame_ref_n(b->frame[i], n - 1);
    }
}

/* ---- at another worker ---- */

static void
relay_receive(struct tube *t, struct batch *b, int64_t now_us)
{
    struct hub_relay *relay = container_of(t, struct hub_relay, tube);
    struct receivers r; /* not all of it is set: it is large */
    r.list = atomic_load_explicit(&relay->hub->ports, memory_order_acquire);
    r.in = NULL;
    r.worker = worker_index(t->home);
    r.from_isolated = relay->from_isolated;
    r.awake_s = awake_since(hub_law_of(relay->hub), now_us);
    unsigned left = count_receivers(&r);
    share(b, left);
    for (unsigned i = 0; left > 0; i++) {
        if (!receives(&r, i))
            continue;
        struct batch copy = *b;
        tube_send(&r.list->slot[i].port->tube, &copy, now_us);
        left--;
    }
    b->n = 0;
}

static void
relay_ref(struct tube *t)
{
    (void)hub_ref(container_of(t, struct hub_relay, tube)->hub);
}

static void
relay_unref(struct tube *t)
{
    hub_unref(container_of(t, struct hub_relay, tube)->hub);
}

static const struct tube_ops relay_ops = {relay_receive, relay_ref, relay_unref};

static struct hub_relay *
relay_to(const struct hub *hub, unsigned worker, bool from_isolated)
{
    return &hub->relay[2 * worker + from_isolated];
}

struct hub_relay *
hub_relays_new(struct hub *hub)
{
    unsigned n = 2 * worker_set_n(hub->workers);
    struct hub_relay *relay = g_new0(struct hub_relay, n);
    for (unsigned i = 0; i < n; i++) {
        relay[i].tube =
            (struct tube){.ops = &relay_ops, .home = worker_set_get(hub->workers, i / 2)};
        relay[i].hub = hub;
        relay[i].from_isolated = i % 2;
    }
    return relay;
}

uint64_t
hub_relays_dropped(const struct hub *hub)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < 2 * worker_set_n(hub->workers); i++)
        n += atomic_load_explicit(&hub->relay[i].tube.dropped, memory_order_relaxed);
    return n;
}

/* ---- at the worker where the frames came in ---- */

/* Of the batch: what goes to all, and which local slots get something else as well. */
struct sorted {
    struct batch all;
    uint64_t has_known[HUB_MAX_PORTS / 64];
};

static void
sort(const struct hub_flood *flood, const struct batch *b, struct sorted *out)
{
    unsigned words = (flood->list->n_slots + 63) / 64;
    memset(out->has_known, 0, words * sizeof(out->has_known[0]));
    out->all.n = 0;
    for (unsigned i = 0; i < b->n; i++) {
        unsigned to = flood->to[i];
        if (to == HUB_TO_ALL)
            batch_add(&out->all, b->frame[i]);
        else
            out->has_known[to / 64] |= 1ull << to % 64;
    }
}

static void
send_to_workers(const struct hub_flood *flood, uint64_t workers, const struct batch *all)
{
    for (; workers != 0; workers &= workers - 1) {
        unsigned worker = (unsigned)__builtin_ctzll(workers);
        struct batch copy = *all;
        tube_send(&relay_to(flood->in->hub, worker, flood->in->isolated)->tube, &copy,
                  flood->now_us);
    }
}

/* The batch of one slot, in order; with what goes to all, if it gets that. */
static void
send_to_slot(const struct hub_flood *flood, const struct batch *b, unsigned slot, bool with_all)
{
    struct batch out = {.n = 0};
    for (unsigned i = 0; i < b->n; i++)
        if (flood->to[i] == slot || (with_all && flood->to[i] == HUB_TO_ALL))
            batch_add(&out, b->frame[i]);
    tube_send(&flood->list->slot[slot].port->tube, &out, flood->now_us);
}

/* ---- exceptions from isolation ---- */

static bool
is_arp(const struct frame *f)
{
    return f->len >= ETH_HEADER && wire_get16(f->data + 12) == ETH_TYPE_ARP;
}

bool
hub_may_talk(const struct hub_law *law, const struct hub_port *in, const struct hub_port *out,
             const struct frame *f)
{
    const struct hub_options *o = &law->options;
    if (o->AllowSameUserInPrivacyFilterMode && in->user && out->user &&
        g_ascii_strcasecmp(in->user, out->user) == 0)
        return true;
    if (is_arp(f))
        return !o->DropArpInPrivacyFilterMode;
    return !o->DropBroadcastsInPrivacyFilterMode && eth_is_group(f->data);
}

/* Isolated ports get nothing from each other by way of a flood; what the hub's options let through
 * all the same is given to them one by one. */
static void
flood_exceptions(const struct hub_flood *flood, const struct batch *b)
{
    for (unsigned i = 0; i < flood->list->n_slots; i++) {
        const struct hub_slot *slot = &flood->list->slot[i];
        struct batch out = {.n = 0};
        if (!slot->port || !slot->isolated || slot->monitor || slot->port == flood->in)
            continue;
        for (unsigned k = 0; k < b->n; k++)
            if (flood->to[k] == HUB_TO_ALL &&
                hub_may_talk(flood->law, flood->in, slot->port, b->frame[k]))
                batch_add(&out, frame_ref(b->frame[k]));
        if (out.n > 0)
            tube_send(&slot->port->tube, &out, flood->now_us);
    }
}

void
hub_flood(const struct hub_flood *flood, struct batch *b)
{
    if (flood->in->isolated && hub_law_has_exceptions(flood->law))
        flood_exceptions(flood, b);

    const struct hub_ports *list = flood->list;
    struct receivers r; /* not all of it is set: it is large */
    r.list = list;
    r.in = flood->in;
    r.worker = worker_index(flood->in->tube.home);
    r.from_isolated = flood->in->isolated;
    r.awake_s = awake_since(flood->law, flood->now_us);
    uint64_t others = list->workers & ~(1ull << r.worker);
    struct sorted sorted;

    sort(flood, b, &sorted);
    share(&sorted.all, count_receivers(&r) + (unsigned)__builtin_popcountll(others));
    send_to_workers(flood, others, &sorted.all);
    for (unsigned slot = 0; slot < list->n_slots; slot++) {
        bool known = sorted.has_known[slot / 64] >> slot % 64 & 1;
        bool all = receives(&r, slot);
        if (known) {
            send_to_slot(flood, b, slot, all);
        } else if (all) {
            struct batch copy = sorted.all;
            tube_send(&list->slot[slot].port->tube, &copy, flood->now_us);
        }
    }
    b->n = 0;
}

/* ---- one by one ---- */

static bool
may_have(const struct hub_flood *flood, const struct hub_slot *slot, const struct frame *f)
{
    return !slot->isolated || !flood->in->isolated ||
           (hub_law_has_exceptions(flood->law) &&
            hub_may_talk(flood->law, flood->in, slot->port, f));
}

/* What one receiver gets of a batch; *sent has a bit for each frame that somebody gets. */
static void
send_apart_to(const struct hub_flood *flood, const struct hub_slot *slot, struct hub_judged *judged,
              const struct look *const looks[], const struct batch *b, uint64_t *sent)
{
    struct batch out = {.n = 0};
    for (unsigned k = 0; k < b->n; k++) {
        struct hub_mark mark;
        if (!may_have(flood, slot, b->frame[k]) ||
            hub_access_judge_for(judged, b->frame[k], looks[k], slot->port, &mark) != DROP_NONE)
            continue;
        batch_add(&out, frame_ref(b->frame[k]));
        *sent |= 1ull << k;
    }
    if (out.n > 0)
        tube_send(&slot->port->tube, &out, flood->now_us);
}

void
hub_flood_apart(const struct hub_flood *flood, struct hub_judged *judged,
                const struct look *const looks[], struct batch *b)
{
    struct receivers r; /* not all of it is set: it is large */
    r.list = flood->list;
    r.awake_s = awake_since(flood->law, flood->now_us);
    if (r.awake_s > 0)
        find_asleep(&r);
    uint64_t sent = 0;
    for (unsigned i = 0; i < flood->list->n_slots; i++) {
        const struct hub_slot *slot = &flood->list->slot[i];
        bool asleep = r.awake_s > 0 && (r.asleep[i / 64] >> i % 64 & 1);
        if (slot->port && slot->port != flood->in && !slot->monitor && !asleep)
            send_apart_to(flood, slot, judged, looks, b, &sent);
    }
    for (unsigned k = 0; k < b->n; k++)
        if (!(sent >> k & 1))
            hub_count(&judged->in->dropped[DROP_ACL], 1);
    batch_free_frames(b);
}
