/* SPDX-License-Identifier: Apache-2.0 */
/* tube.c - see tube.h. */

#include "core/base/tube.h"

#include "core/base/worker_priv.h"

#include <string.h>

void
tube_send(struct tube *t, struct batch *b, int64_t now_us)
{
    struct worker *here = worker_current();

    g_assert(here);
    if (b->n == 0)
        return;
    if (t->home == here) {
        t->ops->receive(t, b, now_us);
        return;
    }
    struct ring *ring = worker_ring_to(t->home);
    struct worker_slot *slot = ring_room(ring);
    if (!slot) {
        atomic_fetch_add_explicit(&t->dropped, b->n, memory_order_relaxed);
        batch_free_frames(b);
        return;
    }
    t->ops->ref(t);
    slot->target = t;
    slot->batch.n = b->n;
    memcpy(slot->batch.frame, b->frame, b->n * sizeof(b->frame[0]));
    b->n = 0;
    ring_push(ring);
    worker_wake(t->home);
}
