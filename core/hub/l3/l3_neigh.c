/* SPDX-License-Identifier: Apache-2.0 */
/* l3_neigh.c - see l3_neigh.h.
 *
 * An entry is believed for VALID_S after it was confirmed. Who uses it after FRESH_S has it asked
 * again, by unicast, while it goes on being used; when nobody answers it is forgotten, and the next
 * packet asks everybody. A neighbour that is asked for and not known keeps its packets for
 * L3_NEIGH_TRIES seconds.
 *
 * ops->solicit() and ops->ready() may lead to anything, even to a call of this module from inside:
 * so they come last in each function, and nothing of the table is touched after them.
 */

#include "core/hub/l3/l3_neigh.h"

#include "core/hub/l3/l3port.h"

#include <string.h>

#define US INT64_C(1000000)

enum {
    FRESH4_S = 120, /* of ARP */
    VALID4_S = 180,
    FRESH6_S = 30, /* RFC 4861, 10: REACHABLE_TIME */
    VALID6_S = 60,
    LOCK_US = 1000000,  /* so long an answer is not overruled by a claim */
    TICK_US = 100000,   /* not sooner than so long after the last look */
    ASKS_PER_TICK = 32, /* so that a tick's questions fit into one batch */
};

struct l3_neighbour {
    struct l3_neighbour *hash_next;
    GList link; /* in order */
    struct ip ip;
    struct mac mac;
    bool known; /* mac is good until valid_us */
    bool asked; /* a question is out */
    uint8_t tries, n_pending;
    int64_t fresh_us, valid_us, learned_us, ask_us;
    struct frame **pending; /* L3PORT_PENDING_MAX; NULL while nothing waits */
};

/* ---- the table ---- */

static unsigned
bucket_of(const struct l3_neigh *t, const struct ip *ip)
{
    uint64_t word[2];
    memcpy(word, ip->b, sizeof(word));
    uint64_t h = (word[0] ^ t->seed) * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 32 ^ word[1]) * 0x9e3779b97f4a7c15u;
    return (unsigned)(h >> 40) % L3_NEIGH_BUCKETS;
}

static struct l3_neighbour *
look(const struct l3_neigh *t, const struct ip *who)
{
    struct l3_neighbour *e = t->bucket[bucket_of(t, who)];
    while (e && (e->ip.family != who->family || memcmp(e->ip.b, who->b, sizeof(who->b)) != 0))
        e = e->hash_next;
    return e;
}

static void
set_asked(struct l3_neigh *t, struct l3_neighbour *e, bool asked)
{
    if (e->asked == asked)
        return;
    e->asked = asked;
    t->n_asked = asked ? t->n_asked + 1 : t->n_asked - 1;
}

/* Takes the entry out of the table. Its waiting frames are the caller's from here on. */
static unsigned
unlink_entry(struct l3_neigh *t, struct l3_neighbour *e, struct frame **frames)
{
    struct l3_neighbour **at = &t->bucket[bucket_of(t, &e->ip)];
    unsigned n = e->n_pending;

    while (*at != e)
        at = &(*at)->hash_next;
    *at = e->hash_next;
    g_queue_unlink(&t->order, &e->link);
    set_asked(t, e, false);
    t->n_pending -= n;
    if (n > 0)
        memcpy(frames, e->pending, n * sizeof(frames[0]));
    g_free(e->pending);
    g_free(e);
    return n;
}

static unsigned
remove_entry(struct l3_neigh *t, struct l3_neighbour *e)
{
    struct frame *frames[L3PORT_PENDING_MAX];
    unsigned n = unlink_entry(t, e, frames);

    for (unsigned i = 0; i < n; i++)
        frame_free(frames[i]);
    return n;
}

static struct l3_neighbour *
add(struct l3_neigh *t, const struct ip *who)
{
    if (t->order.length >= L3PORT_NEIGHBOURS_MAX)
        (void)remove_entry(t, t->order.tail->data);
    struct l3_neighbour *e = g_new0(struct l3_neighbour, 1);
    struct l3_neighbour **at = &t->bucket[bucket_of(t, who)];
    e->ip = *who;
    e->link.data = e;
    e->hash_next = *at;
    *at = e;
    g_queue_push_head_link(&t->order, &e->link);
    return e;
}

static void
touch(struct l3_neigh *t, struct l3_neighbour *e)
{
    if (t->order.head == &e->link)
        return;
    g_queue_unlink(&t->order, &e->link);
    g_queue_push_head_link(&t->order, &e->link);
}

static void
wake_by(struct l3_neigh *t, int64_t us)
{
    if (t->deadline_us == 0 || us < t->deadline_us)
        t->deadline_us = us;
}

/* Begins to ask. False when enough are asked for: an entry that is known loses nothing by it. */
static bool
begin_asking(struct l3_neigh *t, struct l3_neighbour *e, int64_t now_us)
{
    if (t->n_asked >= L3_NEIGH_ASKED_MAX)
        return false;
    set_asked(t, e, true);
    e->tries = 1;
    e->ask_us = now_us + US;
    wake_by(t, e->ask_us);
    return true;
}

/* ---- life ---- */

void
l3_neigh_init(struct l3_neigh *t, uint32_t seed, const struct l3_neigh_ops *ops, void *owner)
{
    *t = (struct l3_neigh){.ops = ops, .owner = owner, .seed = seed};
}

void
l3_neigh_done(struct l3_neigh *t)
{
    (void)l3_neigh_forget(t, 0);
}

unsigned
l3_neigh_forget(struct l3_neigh *t, uint8_t family)
{
    unsigned lost = 0;

    for (GList *l = t->order.head; l;) {
        struct l3_neighbour *e = l->data;
        l = l->next;
        if (family == 0 || e->ip.family == family)
            lost += remove_entry(t, e);
    }
    return lost;
}

/* ---- asking ---- */

bool
l3_neigh_knows(const struct l3_neigh *t, const struct ip *who, int64_t now_us)
{
    const struct l3_neighbour *e = look(t, who);

    return e && e->known && now_us < e->valid_us;
}

bool
l3_neigh_find(struct l3_neigh *t, const struct ip *who, struct mac *out, int64_t now_us)
{
    struct l3_neighbour *e = look(t, who);

    if (!e || !e->known)
        return false;
    if (now_us >= e->valid_us) {
        e->known = false;
        set_asked(t, e, false);
        return false;
    }
    touch(t, e);
    *out = e->mac;
    if (now_us >= e->fresh_us && !e->asked && begin_asking(t, e, now_us))
        t->ops->solicit(t->owner, who, out, now_us);
    return true;
}

bool
l3_neigh_wait(struct l3_neigh *t, const struct ip *who, struct frame *f, int64_t now_us)
{
    struct l3_neighbour *e = look(t, who);

    if (t->n_pending >= L3_NEIGH_PENDING_ALL || (e && e->n_pending >= L3PORT_PENDING_MAX))
        return false;
    if ((!e || !e->asked) && t->n_asked >= L3_NEIGH_ASKED_MAX)
        return false;
    if (!e)
        e = add(t, who);
    touch(t, e);
    if (!e->pending)
        e->pending = g_new(struct frame *, L3PORT_PENDING_MAX);
    e->pending[e->n_pending++] = f;
    t->n_pending++;
    if (!e->asked && begin_asking(t, e, now_us))
        t->ops->solicit(t->owner, who, NULL, now_us);
    return true;
}

/* ---- answers ---- */

static bool
may_learn(const struct l3_neighbour *e, const struct mac *at, enum l3_neigh_how how, int64_t now_us)
{
    if (!e)
        return how == L3_NEIGH_ASKS;
    if (e->asked || !e->known || now_us >= e->valid_us || mac_equal(&e->mac, at))
        return how != L3_NEIGH_CLAIM || !e->known || now_us >= e->learned_us + LOCK_US;
    return how != L3_NEIGH_ANSWER && now_us >= e->learned_us + LOCK_US;
}

void
l3_neigh_learn(struct l3_neigh *t, const struct ip *who, const struct mac *at,
               enum l3_neigh_how how, int64_t now_us)
{
    struct l3_neighbour *e = look(t, who);
    struct frame *frames[L3PORT_PENDING_MAX];

    if ((at->b[0] & 1) || !may_learn(e, at, how, now_us))
        return;
    if (!e)
        e = add(t, who);
    bool is_ip4 = who->family == 4;
    e->mac = *at;
    e->known = true;
    e->learned_us = now_us;
    e->fresh_us = now_us + (is_ip4 ? FRESH4_S : FRESH6_S) * US;
    e->valid_us = now_us + (is_ip4 ? VALID4_S : VALID6_S) * US;
    set_asked(t, e, false);
    unsigned n = e->n_pending;
    if (n == 0)
        return;
    memcpy(frames, e->pending, n * sizeof(frames[0]));
    g_free(e->pending);
    e->pending = NULL;
    e->n_pending = 0;
    t->n_pending -= n;
    t->ops->ready(t->owner, at, frames, n, now_us);
}

/* ---- time ---- */

struct question {
    struct ip ip;
    struct mac mac;
    bool known;
};

static void
give_up(struct l3_neigh *t, struct l3_neighbour *e, int64_t now_us)
{
    struct frame *frames[L3PORT_PENDING_MAX];
    struct ip who = e->ip;
    unsigned n = unlink_entry(t, e, frames);

    if (n > 0)
        t->ops->failed(t->owner, &who, frames, n, now_us);
}

void
l3_neigh_tick(struct l3_neigh *t, int64_t now_us)
{
    struct question ask[ASKS_PER_TICK];
    unsigned n = 0;

    if (t->deadline_us == 0 || now_us < t->deadline_us)
        return;
    t->deadline_us = 0;
    for (GList *l = t->order.head; l;) {
        struct l3_neighbour *e = l->data;
        l = l->next;
        if (!e->asked)
            continue;
        if (now_us < e->ask_us || n == ASKS_PER_TICK) {
            wake_by(t, MAX(e->ask_us, now_us + TICK_US));
        } else if (e->tries >= L3_NEIGH_TRIES) {
            give_up(t, e, now_us);
        } else {
            e->tries++;
            e->ask_us = now_us + US;
            wake_by(t, e->ask_us);
            ask[n++] = (struct question){e->ip, e->mac, e->known};
        }
    }
    for (unsigned i = 0; i < n; i++)
        t->ops->solicit(t->owner, &ask[i].ip, ask[i].known ? &ask[i].mac : NULL, now_us);
}
