/* SPDX-License-Identifier: Apache-2.0 */
/* ring.c - see ring.h. Each side keeps a copy of the other's index and looks at the real one only
 * when the copy says full or empty, so the two threads seldom touch the same cache line. */

#include "core/base/ring.h"

#include <glib.h>

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 64 };

struct ring {
    unsigned mask;
    size_t slot_size;
    uint8_t *slots;
    _Alignas(LINE) atomic_uint head; /* next to be filled; the producer's */
    unsigned seen_tail;
    _Alignas(LINE) atomic_uint tail; /* oldest; the consumer's */
    unsigned seen_head;
};

struct ring *
ring_new(unsigned slots, size_t slot_size)
{
    g_assert(slots > 0 && (slots & (slots - 1)) == 0);
    struct ring *r = aligned_alloc(LINE, sizeof(*r));

    g_assert(r);
    memset(r, 0, sizeof(*r));
    r->mask = slots - 1;
    r->slot_size = slot_size;
    r->slots = g_malloc(slots * slot_size); /* pages are there once they are used */
    return r;
}

void
ring_free(struct ring *r)
{
    if (!r)
        return;
    g_free(r->slots);
    free(r);
}

void *
ring_room(struct ring *r)
{
    unsigned head = atomic_load_explicit(&r->head, memory_order_relaxed);

    if (head - r->seen_tail > r->mask) {
        r->seen_tail = atomic_load_explicit(&r->tail, memory_order_acquire);
        if (head - r->seen_tail > r->mask)
            return NULL;
    }
    return r->slots + (head & r->mask) * r->slot_size;
}

void
ring_push(struct ring *r)
{
    unsigned head = atomic_load_explicit(&r->head, memory_order_relaxed);

    atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

void *
ring_peek(struct ring *r)
{
    unsigned tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    if (r->seen_head == tail) {
        r->seen_head = atomic_load_explicit(&r->head, memory_order_acquire);
        if (r->seen_head == tail)
            return NULL;
    }
    return r->slots + (tail & r->mask) * r->slot_size;
}

void
ring_pop(struct ring *r)
{
    unsigned tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
}

bool
ring_is_empty(const struct ring *r)
{
    return atomic_load_explicit(&r->head, memory_order_acquire) ==
           atomic_load_explicit(&r->tail, memory_order_acquire);
}
