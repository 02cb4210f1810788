/* SPDX-License-Identifier: Apache-2.0 */
/* lane.c - see lane.h. A record is a head of 8 bytes and its bytes, rounded up to 8; it never
 * wraps: what is left at the end of the ring is a head with SKIP. Positions only grow. */

#include "core/log/lane.h"

#include <glib.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD = 8 };
#define SKIP UINT32_MAX

struct lane {
    size_t size; /* a power of two */
    uint8_t *bytes;
    _Alignas(64) _Atomic size_t written; /* published by the producer */
    size_t next;                         /* the producer's: behind the record that it fills */
    size_t seen_read;                    /* the producer's last look */
    _Alignas(64) _Atomic size_t read;    /* the consumer's */
    size_t seen_written;                 /* the consumer's last look */
};

static uint32_t *
head_at(const struct lane *l, size_t position)
{
    return (uint32_t *)(void *)(l->bytes + (position & (l->size - 1)));
}

static size_t
whole(size_t len)
{
    return HEAD + ((len + 7) & ~(size_t)7);
}

struct lane *
lane_new(size_t bytes)
{
    void *memory = NULL;

    g_assert(bytes >= 64 && (bytes & (bytes - 1)) == 0);
    if (posix_memalign(&memory, 64, sizeof(struct lane)) != 0)
        g_error("out of memory");
    struct lane *l = memset(memory, 0, sizeof(struct lane));
    l->size = bytes;
    l->bytes = g_malloc(bytes);
    return l;
}

void
lane_free(struct lane *l)
{
    if (!l)
        return;
    g_free(l->bytes);
    free(l);
}

static bool
has_room(struct lane *l, size_t end)
{
    if (end - l->seen_read <= l->size)
        return true;
    l->seen_read = atomic_load_explicit(&l->read, memory_order_acquire);
    return end - l->seen_read <= l->size;
}

void *
lane_room(struct lane *l, size_t len)
{
    size_t at = atomic_load_explicit(&l->written, memory_order_relaxed);
    size_t need = whole(len);
    size_t to_end = l->size - (at & (l->size - 1));

    if (need > l->size / 2)
        return NULL;
    size_t start = need <= to_end ? at : at + to_end;
    if (!has_room(l, start + need))
        return NULL;
    if (start != at)
        *head_at(l, at) = SKIP;
    *head_at(l, start) = (uint32_t)len;
    l->next = start + need;
    return l->bytes + (start & (l->size - 1)) + HEAD;
}

void
lane_push(struct lane *l)
{
    atomic_store_explicit(&l->written, l->next, memory_order_release);
}

void *
lane_peek(struct lane *l, size_t *len)
{
    size_t at = atomic_load_explicit(&l->read, memory_order_relaxed);

    if (at == l->seen_written) {
        l->seen_written = atomic_load_explicit(&l->written, memory_order_acquire);
        if (at == l->seen_written)
            return NULL;
    }
    if (*head_at(l, at) == SKIP) {
        at += l->size - (at & (l->size - 1));
        atomic_store_explicit(&l->read, at, memory_order_release);
    }
    *len = *head_at(l, at);
    return (uint8_t *)head_at(l, at) + HEAD;
}

void
lane_pop(struct lane *l)
{
    size_t at = atomic_load_explicit(&l->read, memory_order_relaxed);

    atomic_store_explicit(&l->read, at + whole(*head_at(l, at)), memory_order_release);
}

bool
lane_is_empty(const struct lane *l)
{
    return atomic_load_explicit(&l->read, memory_order_relaxed) ==
           atomic_load_explicit(&l->written, memory_order_acquire);
}
