/* SPDX-License-Identifier: Apache-2.0 */
/* quiesce.c - see quiesce.h.
 *
 * An epoch counts retirements. Each reader publishes the epoch that it saw when it last held
 * nothing, or OFFLINE. What was retired in epoch e is ripe once every reader is offline or has seen
 * e. A reader that has seen e follows the pointers as they were after the unpublishing, because the
 * increment comes after it.
 */

#include "core/base/quiesce.h"

#include <glib.h>

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

enum { OFFLINE = 0, CACHE_LINE = 64 };

struct reader_state {
    _Alignas(CACHE_LINE) _Atomic uint64_t seen; /* written by the reader alone */
};

struct retired {
    uint64_t epoch;
    void (*fn)(void *data);
    void *data;
};

struct quiesce {
    _Alignas(CACHE_LINE) _Atomic uint64_t epoch; /* read by all at each turn, written seldom */
    atomic_uint n_retired;                       /* length of the queue: the cheap look */
    GMutex lock;                                 /* guards the queue, and that epochs in it grow */
    GQueue queue;                                /* of struct retired, oldest first */
    unsigned n_readers;
    struct reader_state reader[];
};

struct quiesce *
quiesce_new(unsigned readers)
{
    struct quiesce *q =
        aligned_alloc(CACHE_LINE, sizeof(struct quiesce) + readers * sizeof(struct reader_state));

    if (!q)
        g_error("out of memory for %u readers", readers);
    atomic_init(&q->epoch, 1);
    atomic_init(&q->n_retired, 0);
    g_mutex_init(&q->lock);
    g_queue_init(&q->queue);
    q->n_readers = readers;
    for (unsigned i = 0; i < readers; i++)
        atomic_init(&q->reader[i].seen, OFFLINE);
    return q;
}

static void
run(struct retired *r)
{
    r->fn(r->data);
    g_free(r);
}

void
quiesce_free(struct quiesce *q)
{
    struct retired *r;

    if (!q)
        return;
    for (unsigned i = 0; i < q->n_readers; i++)
        g_assert(atomic_load(&q->reader[i].seen) == OFFLINE);
    while ((r = g_queue_pop_head(&q->queue))) /* what runs may retire more */
        run(r);
    g_mutex_clear(&q->lock);
    free(q);
}

void
quiesce_online(struct quiesce *q, unsigned reader)
{
    g_assert(reader < q->n_readers);
    atomic_store_explicit(&q->reader[reader].seen,
                          atomic_load_explicit(&q->epoch, memory_order_acquire),
                          memory_order_relaxed);
    /* Pairs with the fence in quiesce_reap(): either that one sees us online, or we see what it
     * has unpublished. */
    atomic_thread_fence(memory_order_seq_cst);
}

void
quiesce_offline(struct quiesce *q, unsigned reader)
{
    g_assert(reader < q->n_readers);
    atomic_store_explicit(&q->reader[reader].seen, OFFLINE, memory_order_release);
}

void
quiesce_pass(struct quiesce *q, unsigned reader)
{
    g_assert(reader < q->n_readers);
    _Atomic uint64_t *seen = &q->reader[reader].seen;
    uint64_t epoch = atomic_load_explicit(&q->epoch, memory_order_acquire);

    if (atomic_load_explicit(seen, memory_order_relaxed) != epoch)
        atomic_store_explicit(seen, epoch, memory_order_release);
}

void
quiesce_retire(struct quiesce *q, void (*fn)(void *data), void *data)
{
    struct retired *r = g_new(struct retired, 1);

    *r = (struct retired){.fn = fn, .data = data};
    g_mutex_lock(&q->lock);
    r->epoch = atomic_fetch_add(&q->epoch, 1) + 1;
    g_queue_push_tail(&q->queue, r);
    atomic_store_explicit(&q->n_retired, q->queue.length, memory_order_release);
    g_mutex_unlock(&q->lock);
}

/* The newest epoch that no reader can hold anything of. */
static uint64_t
seen_by_all(struct quiesce *q)
{
    uint64_t oldest = UINT64_MAX;

    atomic_thread_fence(memory_order_seq_cst);
    for (unsigned i = 0; i < q->n_readers; i++) {
        uint64_t seen = atomic_load_explicit(&q->reader[i].seen, memory_order_acquire);
        if (seen != OFFLINE && seen < oldest)
            oldest = seen;
    }
    return oldest;
}

void
quiesce_reap(struct quiesce *q)
{
    GQueue ripe = G_QUEUE_INIT;
    struct retired *r;

    if (atomic_load_explicit(&q->n_retired, memory_order_acquire) == 0)
        return;
    if (!g_mutex_trylock(&q->lock))
        return; /* whoever holds it reaps, or the next turn will */
    uint64_t until = seen_by_all(q);
    while ((r = g_queue_peek_head(&q->queue)) && r->epoch <= until)
        g_queue_push_tail_link(&ripe, g_queue_pop_head_link(&q->queue));
    atomic_store_explicit(&q->n_retired, q->queue.length, memory_order_release);
    g_mutex_unlock(&q->lock);

    while ((r = g_queue_pop_head(&ripe)))
        run(r);
}
