/* SPDX-License-Identifier: Apache-2.0 */
/* quiesce.c - see quiesce.h.
 *
 * There is one epoch for all. A reader that is online notes the epoch it last passed in; a retired
 * thing notes the epoch it was retired in and moves the epoch on. It is ripe when every reader is
 * offline or has passed in a later epoch.
 */

#include "core/base/quiesce.h"

#include <glib.h>

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { OFFLINE = 0, LINE = 64 };

struct reader_state {
    _Alignas(LINE) _Atomic uint64_t seen; /* epoch, or OFFLINE */
};

struct retired {
    struct retired *next;
    uint64_t epoch;
    void (*fn)(void *data);
    void *data;
};

struct quiesce {
    unsigned readers;
    _Atomic uint64_t epoch; /* starts at 1 */
    atomic_uint waiting;    /* length of the list, for a look without the lock */
    GMutex lock;            /* guards the list */
    struct retired *first, *last;
    struct reader_state reader[]; /* aligned, so what is above is padded to a whole line */
};

struct quiesce *
quiesce_new(unsigned readers)
{
    size_t size = sizeof(struct quiesce) + readers * sizeof(struct reader_state);
    struct quiesce *q = aligned_alloc(LINE, size); /* both parts are whole lines */

    g_assert(q);
    memset(q, 0, size);
    q->readers = readers;
    atomic_init(&q->epoch, 1);
    g_mutex_init(&q->lock);
    return q;
}

void
quiesce_free(struct quiesce *q)
{
    if (!q)
        return;
    quiesce_reap(q);
    g_assert(q->first == NULL);
    g_mutex_clear(&q->lock);
    free(q);
}

void
quiesce_online(struct quiesce *q, unsigned reader)
{
    /* Sequentially consistent: whoever unpublishes something after this must see us online. */
    atomic_store(&q->reader[reader].seen, atomic_load(&q->epoch));
}

void
quiesce_offline(struct quiesce *q, unsigned reader)
{
    atomic_store(&q->reader[reader].seen, OFFLINE);
}

void
quiesce_pass(struct quiesce *q, unsigned reader)
{
    uint64_t epoch = atomic_load_explicit(&q->epoch, memory_order_acquire);

    if (atomic_load_explicit(&q->reader[reader].seen, memory_order_relaxed) != epoch)
        atomic_store(&q->reader[reader].seen, epoch);
}

void
quiesce_retire(struct quiesce *q, void (*fn)(void *data), void *data)
{
    struct retired *r = g_new(struct retired, 1);

    *r = (struct retired){.fn = fn, .data = data};
    g_mutex_lock(&q->lock);
    r->epoch = atomic_fetch_add(&q->epoch, 1);
    if (q->last)
        q->last->next = r;
    else
        q->first = r;
    q->last = r;
    atomic_fetch_add(&q->waiting, 1);
    g_mutex_unlock(&q->lock);
}

/* The epoch up to which everything may go. */
static uint64_t
oldest_seen(const struct quiesce *q)
{
    uint64_t oldest = UINT64_MAX;

    for (unsigned i = 0; i < q->readers; i++) {
        uint64_t seen = atomic_load(&q->reader[i].seen);
        if (seen != OFFLINE)
            oldest = MIN(oldest, seen);
    }
    return oldest;
}

void
quiesce_reap(struct quiesce *q)
{
    struct retired *ripe = NULL;
    struct retired **end = &ripe;

    if (atomic_load_explicit(&q->waiting, memory_order_relaxed) == 0)
        return;
    g_mutex_lock(&q->lock);
    uint64_t oldest = oldest_seen(q);
    while (q->first && q->first->epoch < oldest) {
        *end = q->first;
        q->first = q->first->next;
        end = &(*end)->next;
        *end = NULL;
        atomic_fetch_sub(&q->waiting, 1);
    }
    if (!q->first)
        q->last = NULL;
    g_mutex_unlock(&q->lock);

    while (ripe) {
        struct retired *next = ripe->next;
        ripe->fn(ripe->data);
        g_free(ripe);
        ripe = next;
    }
}
