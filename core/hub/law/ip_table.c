/* SPDX-License-Identifier: Apache-2.0 */
/* ip_table.c - see ip_table.h.
 *
 * A hash table with chains, and a chain for each port, all under one lock: ports come here once in
 * some seconds for each of their addresses. The hash is keyed with a random number, so that a peer
 * cannot choose addresses that collide.
 *
 * An entry is somebody's while it is held after its last use, or while a lease lasts that was used.
 * What is over is freed when it is come across, when a limit is hit (the port's own, all of it) and
 * in small portions by the sweep.
 */

#include "core/hub/law/ip_table.h"

#include "core/base/random.h"

#include <string.h>

enum { FIRST_BUCKETS = 256, LAST_BUCKETS = IP_TABLE_MAX, SWEEP_ROUND = 16, RECLAIM_S = 5 };

struct entry {
    struct entry *next;                 /* of the bucket */
    struct entry *port_next, **port_at; /* of the port; port_at points to what points here */
    struct ip ip;
    ip_station station;
    uint32_t port; /* NOWHERE: a lease that nobody uses now */
    uint32_t created_s, seen_s;
    uint32_t lease_until_s; /* with given */
    uint32_t key;
    bool given, used; /* used: since it was given */
};

#define NOWHERE ((uint32_t)IP_TABLE_NOWHERE)

struct port {
    uint32_t id;
    struct entry *first;
    uint32_t n4, n6;
};

struct ip_table {
    GMutex lock; /* guards all that follows */
    struct entry **bucket;
    uint32_t mask; /* buckets - 1 */
    uint64_t seed;
    unsigned n;
    uint32_t next_key, sweep_from, reclaimed_s;
    struct port idle; /* leases without a port */
    struct port port[IP_TABLE_PORTS];
};

struct ip_table *
ip_table_new(void)
{
    struct ip_table *t = g_new0(struct ip_table, 1);
    g_mutex_init(&t->lock);
    t->bucket = g_new0(struct entry *, FIRST_BUCKETS);
    t->mask = FIRST_BUCKETS - 1;
    random_bytes(&t->seed, sizeof(t->seed));
    return t;
}

void
ip_table_free(struct ip_table *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; i <= t->mask; i++) {
        struct entry *next;
        for (struct entry *e = t->bucket[i]; e; e = next) {
            next = e->next;
            g_free(e);
        }
    }
    g_free(t->bucket);
    g_mutex_clear(&t->lock);
    g_free(t);
}

/* ---- entries; under the lock ---- */

static uint64_t
mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

static uint32_t
hash(const struct ip_table *t, const struct ip *ip, ip_station station)
{
    uint64_t words[2];
    memcpy(words, ip->b, sizeof(words));
    return (uint32_t)mix(mix(mix(t->seed, words[0]), words[1]), station >> 48);
}

static bool
is_past(uint32_t now_s, uint32_t then_s)
{
    return (int32_t)(now_s - then_s) > 0; /* another worker's clock may be ahead */
}

static bool
is_over(const struct entry *e, uint32_t now_s)
{
    if (e->given && e->used && !is_past(now_s, e->lease_until_s))
        return false;
    return is_past(now_s, e->seen_s + (e->given ? IP_TABLE_GIVEN_HELD_S : IP_TABLE_HELD_S));
}

static struct port *
port_of(struct ip_table *t, uint32_t id)
{
    return id == NOWHERE ? &t->idle : &t->port[id % IP_TABLE_PORTS];
}

static uint32_t *
counter(struct port *p, const struct entry *e)
{
    return e->ip.family == 4 ? &p->n4 : &p->n6;
}

static void
leave_port(struct ip_table *t, struct entry *e)
{
    *e->port_at = e->port_next;
    if (e->port_next)
        e->port_next->port_at = e->port_at;
    (*counter(port_of(t, e->port), e))--;
}

static void
join_port(struct ip_table *t, struct entry *e, uint32_t id)
{
    struct port *p = port_of(t, id);
    e->port = id;
    e->port_next = p->first;
    e->port_at = &p->first;
    if (e->port_next)
        e->port_next->port_at = &e->port_next;
    p->first = e;
    (*counter(p, e))++;
}

static struct entry **
find(struct ip_table *t, const struct ip *ip, ip_station station)
{
    struct entry **at = &t->bucket[hash(t, ip, station) & t->mask];
    while (*at && !((*at)->station >> 48 == station >> 48 && ip_equal(&(*at)->ip, ip)))
        at = &(*at)->next;
    return at;
}

static void
remove_at(struct ip_table *t, struct entry **at)
{
    struct entry *e = *at;
    *at = e->next;
    leave_port(t, e);
    t->n--;
    g_free(e);
}

static void
remove_entry(struct ip_table *t, struct entry *e)
{
    remove_at(t, find(t, &e->ip, e->station));
}

static void
grow(struct ip_table *t)
{
    uint32_t buckets = 2 * (t->mask + 1);
    struct entry **old = t->bucket;
    uint32_t old_mask = t->mask;
    if (buckets > LAST_BUCKETS)
        return;
    t->bucket = g_new0(struct entry *, buckets);
    t->mask = buckets - 1;
    for (uint32_t i = 0; i <= old_mask; i++) {
        struct entry *next;
        for (struct entry *e = old[i]; e; e = next) {
            next = e->next;
            struct entry **at = &t->bucket[hash(t, &e->ip, e->station) & t->mask];
            e->next = *at;
            *at = e;
        }
    }
    g_free(old);
}

static void
sweep(struct ip_table *t, uint32_t from, uint32_t buckets, uint32_t now_s)
{
    for (uint32_t i = 0; i < buckets; i++) {
        struct entry **at = &t->bucket[(from + i) & t->mask];
        while (*at) {
            if (is_over(*at, now_s))
                remove_at(t, at);
            else
                at = &(*at)->next;
        }
    }
}

/* Room for one more in the table. Sweeps all if need be, but not so often that a peer could keep us
 * busy with it. */
static bool
has_room(struct ip_table *t, uint32_t now_s)
{
    if (t->n < IP_TABLE_MAX)
        return true;
    if (now_s - t->reclaimed_s < RECLAIM_S)
        return false;
    t->reclaimed_s = now_s;
    sweep(t, 0, t->mask + 1, now_s);
    return t->n < IP_TABLE_MAX;
}

static struct entry *
add(struct ip_table *t, const struct ip *ip, ip_station station, uint32_t port, uint32_t now_s)
{
    if (t->n > t->mask)
        grow(t);
    struct entry *e = g_new0(struct entry, 1);
    struct entry **at = find(t, ip, station);
    e->ip = *ip;
    e->station = station;
    e->created_s = now_s;
    e->key = ++t->next_key;
    e->next = *at;
    *at = e;
    t->n++;
    join_port(t, e, port);
    return e;
}

/* ---- claims ---- */

/* Room for one more at the port; what is over there is freed first. */
static bool
port_has_room(struct ip_table *t, const struct ip_claim *claim, uint32_t now_s)
{
    struct port *p = port_of(t, claim->port);
    uint32_t max = claim->terms.max > 0 ? claim->terms.max : IP_TABLE_PORT_MAX;
    const uint32_t *n = claim->ip.family == 4 ? &p->n4 : &p->n6;
    struct entry *next;
    if (*n < max)
        return true;
    if (claim->terms.max == 0) /* long: the sweep will come by */
        return false;
    for (struct entry *e = p->first; e; e = next) {
        next = e->port_next;
        if (is_over(e, now_s))
            remove_entry(t, e);
    }
    return *n < max;
}

/* The port's record is about this generation of the port. */
static void know_port(struct ip_table *t, uint32_t id, uint32_t now_s);

static enum ip_verdict
claim_locked(struct ip_table *t, const struct ip_claim *claim, uint32_t now_s)
{
    const struct ip_terms *terms = &claim->terms;
    know_port(t, claim->port, now_s);
    struct entry *e = *find(t, &claim->ip, claim->station);
    if (e && is_over(e, now_s)) {
        remove_entry(t, e);
        e = NULL;
    }
    bool is_theirs = e && e->port == NOWHERE && e->station == claim->station;
    if (terms->given && !(e && e->given && e->station == claim->station))
        return IP_NOT_GIVEN;
    if (terms->exclusive && e && e->port != claim->port && !is_theirs)
        return IP_IN_USE;
    if (!e || e->port != claim->port) {
        if (!port_has_room(t, claim, now_s))
            return terms->max > 0 ? IP_PORT_FULL : IP_FINE;
        e = *find(t, &claim->ip,
                  claim->station); /* may have been freed meanwhile, if it is the port's */
        if (!e && !has_room(t, now_s))
            return terms->max > 0 || terms->exclusive ? IP_PORT_FULL : IP_FINE;
        if (!e)
            e = add(t, &claim->ip, claim->station, claim->port, now_s);
        else if (e->port != claim->port) {
            leave_port(t, e);
            join_port(t, e, claim->port);
            e->created_s = now_s;
        }
    }
    if (e->station != claim->station)
        e->given = false; /* to another machine */
    e->station = claim->station;
    e->used = true;
    e->seen_s = now_s;
    return IP_FINE;
}

enum ip_verdict
ip_table_claim(struct ip_table *t, const struct ip_claim *claim, uint32_t now_s)
{
    g_mutex_lock(&t->lock);
    enum ip_verdict verdict = claim_locked(t, claim, now_s);
    g_mutex_unlock(&t->lock);
    return verdict;
}

/* ---- leases ---- */

static void
given_locked(struct ip_table *t, const struct ip *ip, ip_station station, uint32_t lease_s,
             uint32_t now_s)
{
    struct entry *e = *find(t, ip, station);
    if (!e) {
        if (t->idle.n4 >= IP_TABLE_IDLE_MAX || !has_room(t, now_s))
            return;
        e = add(t, ip, station, NOWHERE, now_s);
    } else if (e->station != station && e->port != NOWHERE) {
        /* It changed hands: whoever uses it without a lease is no longer its owner. */
        leave_port(t, e);
        join_port(t, e, NOWHERE);
        e->created_s = now_s;
    }
    e->used = e->used && e->station == station;
    e->station = station;
    e->given = true;
    e->seen_s = now_s;
    e->lease_until_s = now_s + MIN(lease_s, IP_TABLE_LEASE_MAX_S);
}

void
ip_table_given(struct ip_table *t, uint32_t ip4, ip_station station, uint32_t lease_s,
               uint32_t now_s)
{
    struct ip ip = ip_from_v4(ip4);
    g_mutex_lock(&t->lock);
    given_locked(t, &ip, station, lease_s, now_s);
    g_mutex_unlock(&t->lock);
}

/* ---- ports ---- */

/* Empties a port's record. */
static void
clear_port(struct ip_table *t, struct port *p, uint32_t now_s)
{
    while (p->first) {
        struct entry *e = p->first;
        if (!e->given || is_past(now_s, e->lease_until_s) || t->idle.n4 >= IP_TABLE_IDLE_MAX) {
            remove_entry(t, e);
            continue;
        }
        leave_port(t, e);
        join_port(t, e, NOWHERE);
        e->seen_s = now_s;
    }
}

static void
know_port(struct ip_table *t, uint32_t id, uint32_t now_s)
{
    struct port *p = port_of(t, id);
    if (p->id == id)
        return;
    clear_port(t, p, now_s); /* what a frame on its way brought after the former one had gone */
    p->id = id;
}

void
ip_table_port_gone(struct ip_table *t, uint32_t port, uint32_t now_s)
{
    g_mutex_lock(&t->lock);
    struct port *p = port_of(t, port);
    if (p->id == port)
        clear_port(t, p, now_s);
    g_mutex_unlock(&t->lock);
}

/* ---- the rest ---- */

void
ip_table_sweep_some(struct ip_table *t, uint32_t now_s)
{
    if (!g_mutex_trylock(&t->lock))
        return;
    uint32_t part = MAX((t->mask + 1) / SWEEP_ROUND, 1);
    sweep(t, t->sweep_from, part, now_s);
    t->sweep_from = (t->sweep_from + part) & t->mask;
    g_mutex_unlock(&t->lock);
}

static bool
is_listed(const struct entry *e, uint32_t now_s)
{
    return e->port != NOWHERE && !is_over(e, now_s);
}

GArray *
ip_table_list(struct ip_table *t, uint32_t now_s)
{
    GArray *rows = g_array_new(FALSE, TRUE, sizeof(struct ip_table_row));
    g_mutex_lock(&t->lock);
    for (uint32_t i = 0; i <= t->mask; i++)
        for (const struct entry *e = t->bucket[i]; e; e = e->next) {
            if (!is_listed(e, now_s))
                continue;
            struct ip_table_row row = {.ip = e->ip,
                                       .station = e->station,
                                       .port = e->port,
                                       .given = e->given,
                                       .created_s = e->created_s,
                                       .seen_s = e->seen_s,
                                       .key = e->key};
            g_array_append_val(rows, row);
        }
    g_mutex_unlock(&t->lock);
    return rows;
}

bool
ip_table_forget(struct ip_table *t, uint32_t key)
{
    bool found = false;
    g_mutex_lock(&t->lock);
    for (uint32_t i = 0; i <= t->mask && !found; i++)
        for (struct entry **at = &t->bucket[i]; *at && !found; at = &(*at)->next)
            if ((*at)->key == key && (*at)->port != NOWHERE) {
                found = true;
                remove_at(t, at);
                break;
            }
    g_mutex_unlock(&t->lock);
    return found;
}

unsigned
ip_table_count(struct ip_table *t)
{
    g_mutex_lock(&t->lock);
    unsigned n = t->n;
    g_mutex_unlock(&t->lock);
    return n;
}
