/* SPDX-License-Identifier: Apache-2.0 */
/* fdb.c - open addressing with a bounded probe, two 64-bit words an entry.
 *
 * Entry: key (VLAN and MAC; 0 empty, TOMB freed) and value (port id, second last seen). A key lives
 * within WINDOW slots from the slot that its hash names; a search ends at an empty slot. Rarely
 * used things (creation, serial) are in an array of their own, so four entries share a cache line.
 *
 * Readers and the writer: a slot changes its identity only by way of TOMB: key := TOMB, value, key.
 * A reader takes key, value, key again, and believes the value if both keys are the one that it
 * wants. A refresh is a compare-and-swap of the value alone; if the slot changed its identity
 * meanwhile, its value did too, and the refresh fails, which costs nothing.
 *
 * Growth: a new table is filled and published, the old one freed after a quiescent point. Refreshes
 * that still go to the old one are lost; the next second brings the next.
 *
 * The hash is keyed with a random number, so that a peer cannot choose addresses that collide.
 */

#include "core/hub/fdb.h"

#include "core/base/random.h"

#include <stdatomic.h>

enum {
    WINDOW = 16,
    FIRST_SLOTS = 1024,
    LAST_SLOTS = 2 * HUB_MAX_FDB, /* at most half full */
    SWEEP_ROUND = 64,             /* sweeps for a whole round of the largest table */
    RECLAIM_S = 10,               /* between two sweeps of everything because a limit was hit */
    GEN_MAX = 0xffffe,            /* 20 bits; all ones is FDB_NONE */
};

#define TOMB ((uint64_t)1 << 63)

struct fdb_entry {
    _Atomic uint64_t key;
    _Atomic uint64_t value; /* port id << 32 | second last seen */
};

struct fdb_cold {
    uint32_t created_s;
    uint32_t serial;
};

struct fdb_table {
    uint32_t mask; /* slots - 1 */
    struct fdb_cold *cold;
    struct fdb_entry entry[];
};

struct fdb_port {
    uint32_t gen; /* writer's lock */
    unsigned limit;
    atomic_uint macs; /* written under the writer's lock */
};

struct fdb {
    _Atomic(struct fdb_table *) table;
    struct quiesce *quiesce;
    uint64_t seed;
    GMutex lock;                      /* of the writers: guards all that follows */
    atomic_uint n;                    /* addresses of ports that are there */
    uint32_t next_serial, sweep_from; /* a slot */
    _Atomic uint32_t reclaimed_s;
    struct fdb_port port[HUB_MAX_PORTS];
};

static inline uint64_t
value_of(fdb_port_id id, uint32_t seen_s)
{
    return (uint64_t)id << 32 | seen_s;
}

static inline fdb_port_id
value_port(uint64_t value)
{
    return (fdb_port_id)(value >> 32);
}

static inline bool
value_is_aged(uint64_t value, uint32_t now_s, uint32_t ageing_s)
{
    int32_t age = (int32_t)(now_s - (uint32_t)value); /* another worker's clock may be ahead */
    return age > 0 && (uint32_t)age > ageing_s;
}

static inline uint32_t
hash(const struct fdb *fdb, uint64_t key)
{
    uint64_t h = (key ^ fdb->seed) * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 32) * (fdb->seed | 1);
    return (uint32_t)(h >> 32);
}

static struct fdb_table *
table_new(uint32_t slots)
{
    struct fdb_table *t = g_malloc0(sizeof(*t) + slots * sizeof(t->entry[0]));
    t->cold = g_new0(struct fdb_cold, slots);
    t->mask = slots - 1;
    return t;
}

static void
table_free(void *data)
{
    struct fdb_table *t = data;
    g_free(t->cold);
    g_free(t);
}

struct fdb *
fdb_new(struct quiesce *q)
{
    struct fdb *fdb = g_new0(struct fdb, 1);
    g_mutex_init(&fdb->lock);
    fdb->quiesce = q;
    random_bytes(&fdb->seed, sizeof(fdb->seed));
    atomic_init(&fdb->table, table_new(FIRST_SLOTS));
    return fdb;
}

void
fdb_free(struct fdb *fdb)
{
    if (!fdb)
        return;
    table_free(atomic_load_explicit(&fdb->table, memory_order_relaxed));
    g_mutex_clear(&fdb->lock);
    g_free(fdb);
}

/* ---- readers ---- */

/* The slot of a key and its value, or NULL. */
static inline struct fdb_entry *
find(const struct fdb *fdb, struct fdb_table *t, uint64_t key, uint64_t *ret_value)
{
    uint32_t at = hash(fdb, key);
    for (unsigned i = 0; i < WINDOW; i++) {
        struct fdb_entry *e = &t->entry[(at + i) & t->mask];
        uint64_t k = atomic_load_explicit(&e->key, memory_order_acquire);
        if (k == 0)
            return NULL;
        if (k != key)
            continue;
        uint64_t value = atomic_load_explicit(&e->value, memory_order_acquire);
        if (atomic_load_explicit(&e->key, memory_order_relaxed) != key)
            continue; /* the slot became another's under our eyes */
        *ret_value = value;
        return e;
    }
    return NULL;
}

fdb_port_id
fdb_lookup(const struct fdb *fdb, uint64_t key, uint32_t now_s, uint32_t ageing_s)
{
    struct fdb_table *t = atomic_load_explicit(&fdb->table, memory_order_acquire);
    uint64_t value;
    if (!find(fdb, t, key, &value) || value_is_aged(value, now_s, ageing_s))
        return FDB_NONE;
    return value_port(value);
}

bool
fdb_refresh(struct fdb *fdb, uint64_t key, fdb_port_id id, uint32_t now_s)
{
    struct fdb_table *t = atomic_load_explicit(&fdb->table, memory_order_acquire);
    uint64_t value;
    struct fdb_entry *e = find(fdb, t, key, &value);
    if (!e || value_port(value) != id)
        return false;
    if ((int32_t)(now_s - (uint32_t)value) > 0)
        (void)atomic_compare_exchange_strong_explicit(&e->value, &value, value_of(id, now_s),
                                                      memory_order_release, memory_order_relaxed);
    return true; /* a lost race: somebody else knows better */
}

/* ---- the writer, under the lock ---- */

static struct fdb_table *
table_of(struct fdb *fdb)
{
    return atomic_load_explicit(&fdb->table, memory_order_relaxed);
}

/* The port of a value if it is still there, else NULL: the entry is void and counted nowhere. */
static struct fdb_port *
live_port(struct fdb *fdb, uint64_t value)
{
    fdb_port_id id = value_port(value);
    struct fdb_port *p = &fdb->port[fdb_port_index(id)];
    return p->gen == id / HUB_MAX_PORTS ? p : NULL;
}

static void
count(struct fdb *fdb, struct fdb_port *p, int by)
{
    unsigned macs = atomic_load_explicit(&p->macs, memory_order_relaxed);
    unsigned n = atomic_load_explicit(&fdb->n, memory_order_relaxed);
    atomic_store_explicit(&p->macs, macs + (unsigned)by, memory_order_relaxed);
    atomic_store_explicit(&fdb->n, n + (unsigned)by, memory_order_relaxed);
}

static bool
is_free(uint64_t key)
{
    return key == 0 || key == TOMB;
}

/* Frees a slot whose entry aged or is void. Whether it is free now. */
static bool
free_if_dead(struct fdb *fdb, struct fdb_entry *e, uint32_t now_s, uint32_t ageing_s)
{
    if (is_free(atomic_load_explicit(&e->key, memory_order_relaxed)))
        return true;
    uint64_t value = atomic_load_explicit(&e->value, memory_order_relaxed);
    struct fdb_port *p = live_port(fdb, value);
    if (p && !value_is_aged(value, now_s, ageing_s))
        return false;
    if (p)
        count(fdb, p, -1);
    atomic_store_explicit(&e->key, TOMB, memory_order_release);
    return true;
}

static void
sweep(struct fdb *fdb, uint32_t from, uint32_t slots, uint32_t now_s, uint32_t ageing_s)
{
    struct fdb_table *t = table_of(fdb);
    for (uint32_t i = from + slots; i-- > from;) {
        struct fdb_entry *e = &t->entry[i & t->mask];
        (void)free_if_dead(fdb, e, now_s, ageing_s);
        /* Searches end at the next slot anyway: this one can be empty again. */
        if (atomic_load_explicit(&e->key, memory_order_relaxed) == TOMB &&
            atomic_load_explicit(&t->entry[(i + 1) & t->mask].key, memory_order_relaxed) == 0)
            atomic_store_explicit(&e->key, 0, memory_order_release);
    }
}

/* A limit was hit: sweeps all, but not so often that a peer could keep us busy with it. */
static void
reclaim(struct fdb *fdb, uint32_t now_s, uint32_t ageing_s)
{
    uint32_t last = atomic_load_explicit(&fdb->reclaimed_s, memory_order_relaxed);
    if (now_s - last < RECLAIM_S)
        return;
    atomic_store_explicit(&fdb->reclaimed_s, now_s, memory_order_relaxed);
    sweep(fdb, 0, table_of(fdb)->mask + 1, now_s, ageing_s);
}

static struct fdb_entry *
free_slot(struct fdb *fdb, struct fdb_table *t, uint64_t key)
{
    uint32_t at = hash(fdb, key);
    for (unsigned i = 0; i < WINDOW; i++) {
        struct fdb_entry *e = &t->entry[(at + i) & t->mask];
        if (is_free(atomic_load_explicit(&e->key, memory_order_relaxed)))
            return e;
    }
    return NULL;
}

static void
fill(struct fdb_table *t, struct fdb_entry *e, uint64_t key, uint64_t value, struct fdb_cold cold)
{
    t->cold[e - t->entry] = cold;
    atomic_store_explicit(&e->value, value, memory_order_release);
    atomic_store_explicit(&e->key, key, memory_order_release);
}

/* Publishes a table twice as large. Returns the old one, to be retired without the lock, or NULL if
 * it is as large as it may be. */
static struct fdb_table *
grow(struct fdb *fdb, uint32_t now_s, uint32_t ageing_s)
{
    struct fdb_table *old = table_of(fdb);
    uint32_t slots = 2 * (old->mask + 1);
    if (slots > LAST_SLOTS)
        return NULL;
    struct fdb_table *t = table_new(slots);
    for (uint32_t i = 0; i <= old->mask; i++) {
        struct fdb_entry *from = &old->entry[i];
        if (free_if_dead(fdb, from, now_s, ageing_s))
            continue;
        uint64_t key = atomic_load_explicit(&from->key, memory_order_relaxed);
        uint64_t value = atomic_load_explicit(&from->value, memory_order_relaxed);
        struct fdb_entry *to = free_slot(fdb, t, key);
        if (to)
            fill(t, to, key, value, old->cold[i]);
        else /* twice the room and no room: forgetting one address is harmless */
            count(fdb, live_port(fdb, value), -1);
    }
    fdb->sweep_from = 0;
    atomic_store_explicit(&fdb->table, t, memory_order_release);
    return old;
}

/* A slot for a new key, or NULL if there is none. *ret_old: a table to retire, or NULL. */
static struct fdb_entry *
make_room(struct fdb *fdb, uint64_t key, uint32_t now_s, uint32_t ageing_s,
          struct fdb_table **ret_old)
{
    struct fdb_table *t = table_of(fdb);
    if (atomic_load_explicit(&fdb->n, memory_order_relaxed) >= HUB_MAX_FDB)
        reclaim(fdb, now_s, ageing_s);
    if (atomic_load_explicit(&fdb->n, memory_order_relaxed) >= HUB_MAX_FDB)
        return NULL;

    uint32_t at = hash(fdb, key);
    struct fdb_entry *e = free_slot(fdb, t, key);
    for (unsigned i = 0; i < WINDOW && !e; i++) {
        struct fdb_entry *old = &t->entry[(at + i) & t->mask];
        if (free_if_dead(fdb, old, now_s, ageing_s))
            e = old;
    }
    bool crowded = atomic_load_explicit(&fdb->n, memory_order_relaxed) > t->mask / 2;
    if (e && !crowded)
        return e;
    *ret_old = grow(fdb, now_s, ageing_s);
    return *ret_old ? free_slot(fdb, table_of(fdb), key) : e;
}

static enum fdb_verdict
learn_locked(struct fdb *fdb, uint64_t key, uint64_t new_value, uint32_t ageing_s,
             struct fdb_table **ret_old)
{
    uint32_t now_s = (uint32_t)new_value;
    struct fdb_port *p = live_port(fdb, new_value);
    if (!p)
        return FDB_LEARNED; /* the port has just been removed */
    uint64_t value = 0;
    struct fdb_entry *e = find(fdb, table_of(fdb), key, &value);
    if (e && value_port(value) == value_port(new_value)) {
        atomic_store_explicit(&e->value, new_value, memory_order_release);
        return FDB_LEARNED;
    }
    if (atomic_load_explicit(&p->macs, memory_order_relaxed) >= p->limit) {
        reclaim(fdb, now_s, ageing_s);
        if (atomic_load_explicit(&p->macs, memory_order_relaxed) >= p->limit)
            return FDB_PORT_FULL;
        e = find(fdb, table_of(fdb), key, &value); /* may have been swept */
    }
    struct fdb_cold cold = {.created_s = now_s, .serial = ++fdb->next_serial};
    if (e) {
        struct fdb_port *from = live_port(fdb, value);
        if (from)
            count(fdb, from, -1);
        struct fdb_table *t = table_of(fdb);
        t->cold[e - t->entry] = cold;
        atomic_store_explicit(&e->value, new_value, memory_order_release);
    } else {
        e = make_room(fdb, key, now_s, ageing_s, ret_old);
        if (!e)
            return FDB_TABLE_FULL;
        fill(table_of(fdb), e, key, new_value, cold);
    }
    count(fdb, p, 1);
    return FDB_LEARNED;
}

enum fdb_verdict
fdb_may_learn(const struct fdb *fdb, fdb_port_id id, uint32_t now_s)
{
    const struct fdb_port *p = &fdb->port[fdb_port_index(id)];
    uint32_t reclaimed_s = atomic_load_explicit(&fdb->reclaimed_s, memory_order_relaxed);
    if (now_s - reclaimed_s >= RECLAIM_S)
        return FDB_LEARNED;
    if (atomic_load_explicit(&p->macs, memory_order_relaxed) >= p->limit)
        return FDB_PORT_FULL;
    return fdb_count(fdb) >= HUB_MAX_FDB ? FDB_TABLE_FULL : FDB_LEARNED;
}

enum fdb_verdict
fdb_learn(struct fdb *fdb, uint64_t key, fdb_port_id id, uint32_t now_s, uint32_t ageing_s)
{
    struct fdb_table *old = NULL;
    g_mutex_lock(&fdb->lock);
    enum fdb_verdict verdict = learn_locked(fdb, key, value_of(id, now_s), ageing_s, &old);
    g_mutex_unlock(&fdb->lock);
    if (old)
        quiesce_retire(fdb->quiesce, table_free, old);
    return verdict;
}

void
fdb_sweep_some(struct fdb *fdb, uint32_t now_s, uint32_t ageing_s)
{
    if (!g_mutex_trylock(&fdb->lock))
        return;
    uint32_t slots = table_of(fdb)->mask + 1;
    uint32_t part = MAX(slots / SWEEP_ROUND, FIRST_SLOTS);
    sweep(fdb, fdb->sweep_from, part, now_s, ageing_s);
    fdb->sweep_from = (fdb->sweep_from + part) & (slots - 1);
    g_mutex_unlock(&fdb->lock);
}

/* ---- ports ---- */

fdb_port_id
fdb_port_add(struct fdb *fdb, unsigned index, unsigned limit)
{
    g_assert(index < HUB_MAX_PORTS);
    struct fdb_port *p = &fdb->port[index];
    g_mutex_lock(&fdb->lock);
    p->gen = p->gen < GEN_MAX ? p->gen + 1 : 1;
    p->limit = limit;
    fdb_port_id id = p->gen * HUB_MAX_PORTS + index;
    g_mutex_unlock(&fdb->lock);
    return id;
}

void
fdb_port_remove(struct fdb *fdb, fdb_port_id id)
{
    g_mutex_lock(&fdb->lock);
    struct fdb_port *p = live_port(fdb, value_of(id, 0));
    if (p) {
        count(fdb, p, -(int)atomic_load_explicit(&p->macs, memory_order_relaxed));
        p->gen = p->gen < GEN_MAX ? p->gen + 1 : 1;
    }
    g_mutex_unlock(&fdb->lock);
}

unsigned
fdb_port_macs(const struct fdb *fdb, fdb_port_id id)
{
    return atomic_load_explicit(&fdb->port[fdb_port_index(id)].macs, memory_order_relaxed);
}

/* ---- for people ---- */

unsigned
fdb_count(const struct fdb *fdb)
{
    return atomic_load_explicit(&fdb->n, memory_order_relaxed);
}

GArray *
fdb_list(struct fdb *fdb, uint32_t now_s, uint32_t ageing_s)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct fdb_row));
    g_mutex_lock(&fdb->lock);
    struct fdb_table *t = table_of(fdb);
    for (uint32_t i = 0; i <= t->mask; i++) {
        uint64_t key = atomic_load_explicit(&t->entry[i].key, memory_order_relaxed);
        uint64_t value = atomic_load_explicit(&t->entry[i].value, memory_order_relaxed);
        if (is_free(key) || !live_port(fdb, value) || value_is_aged(value, now_s, ageing_s))
            continue;
        struct fdb_row row = {.key = key,
                              .port = value_port(value),
                              .created_s = t->cold[i].created_s,
                              .seen_s = (uint32_t)value,
                              .serial = t->cold[i].serial};
        g_array_append_val(rows, row);
    }
    g_mutex_unlock(&fdb->lock);
    return rows;
}

bool
fdb_forget(struct fdb *fdb, uint32_t serial)
{
    bool found = false;
    g_mutex_lock(&fdb->lock);
    struct fdb_table *t = table_of(fdb);
    for (uint32_t i = 0; i <= t->mask && !found; i++) {
        struct fdb_entry *e = &t->entry[i];
        if (is_free(atomic_load_explicit(&e->key, memory_order_relaxed)) ||
            t->cold[i].serial != serial)
            continue;
        struct fdb_port *p = live_port(fdb, atomic_load_explicit(&e->value, memory_order_relaxed));
        if (p)
            count(fdb, p, -1);
        atomic_store_explicit(&e->key, TOMB, memory_order_release);
        found = p != NULL;
    }
    g_mutex_unlock(&fdb->lock);
    return found;
}
