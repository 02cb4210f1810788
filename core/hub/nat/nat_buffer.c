/* SPDX-License-Identifier: Apache-2.0 */
/* nat_buffer.c - see nat_buffer.h. */

#include "core/hub/nat/nat_buffer.h"

#include <glib.h>

#include <string.h>

enum { FIRST_SLOTS = 4, MOST_SLOTS = 2 * NAT_BUFFER_MAX / NAT_CHUNK };

struct free_chunk {
    struct free_chunk *next;
};

static uint8_t *
chunk_take(struct nat_store *s)
{
    if (s->used + NAT_CHUNK > s->limit)
        return NULL;
    s->used += NAT_CHUNK;
    struct free_chunk *c = s->free;
    if (!c)
        return g_malloc(NAT_CHUNK);
    s->free = c->next;
    s->n_free--;
    return (uint8_t *)c;
}

static void
chunk_give(struct nat_store *s, uint8_t *chunk)
{
    s->used -= NAT_CHUNK;
    if (s->n_free >= NAT_CHUNKS_KEPT) {
        g_free(chunk);
        return;
    }
    struct free_chunk *c = (void *)chunk;
    c->next = s->free;
    s->free = c;
    s->n_free++;
}

static void
free_down_to(struct nat_store *s, unsigned n)
{
    while (s->n_free > n) {
        struct free_chunk *c = s->free;
        s->free = c->next;
        s->n_free--;
        g_free(c);
    }
}

void
nat_store_trim(struct nat_store *s)
{
    free_down_to(s, s->n_free / 2);
}

void
nat_store_clear(struct nat_store *s)
{
    free_down_to(s, 0);
}

static uint8_t **
slot_of(const struct nat_buffer *b, uint64_t number)
{
    return &b->chunk[number & (b->slots - 1)];
}

/* Makes the circle wide enough for chunks first to last. */
static bool
widen(struct nat_buffer *b, uint64_t first, uint64_t last)
{
    uint64_t need = last - first + 1;
    if (need <= b->slots)
        return true;
    if (need > MOST_SLOTS)
        return false;
    uint32_t slots = MAX(b->slots, FIRST_SLOTS);
    while (slots < need)
        slots *= 2;
    uint8_t **chunk = g_new0(uint8_t *, slots);
    for (uint64_t i = b->first; b->n > 0 && i <= b->last; i++)
        chunk[i & (slots - 1)] = *slot_of(b, i);
    g_free(b->chunk);
    b->chunk = chunk;
    b->slots = slots;
    return true;
}

bool
nat_buffer_reserve(struct nat_buffer *b, uint64_t from, uint64_t to)
{
    if (from >= to)
        return true;
    uint64_t first = from / NAT_CHUNK;
    uint64_t last = (to - 1) / NAT_CHUNK;
    if (b->n == 0) {
        b->first = first;
        b->last = last;
    }
    if (!widen(b, MIN(first, b->first), MAX(last, b->last)))
        return false;
    b->first = MIN(first, b->first);
    b->last = MAX(last, b->last);
    for (uint64_t i = first; i <= last; i++) {
        uint8_t **slot = slot_of(b, i);
        if (*slot)
            continue;
        *slot = chunk_take(b->store);
        if (!*slot)
            return false;
        b->n++;
    }
    return true;
}

unsigned
nat_buffer_slices(const struct nat_buffer *b, uint64_t from, uint64_t to, struct pf_slice *out,
                  unsigned max)
{
    unsigned n = 0;
    while (from < to && n < max) {
        size_t in = from % NAT_CHUNK;
        size_t len = MIN((uint64_t)(NAT_CHUNK - in), to - from);
        out[n++] = (struct pf_slice){*slot_of(b, from / NAT_CHUNK) + in, len};
        from += len;
    }
    return n;
}

void
nat_buffer_put(struct nat_buffer *b, uint64_t at, const void *bytes, size_t len)
{
    const uint8_t *from = bytes;
    while (len > 0) {
        size_t in = at % NAT_CHUNK;
        size_t part = MIN(len, NAT_CHUNK - in);
        memcpy(*slot_of(b, at / NAT_CHUNK) + in, from, part);
        at += part;
        from += part;
        len -= part;
    }
}

void
nat_buffer_get(const struct nat_buffer *b, uint64_t at, void *out, size_t len)
{
    uint8_t *to = out;
    while (len > 0) {
        size_t in = at % NAT_CHUNK;
        size_t part = MIN(len, NAT_CHUNK - in);
        memcpy(to, *slot_of(b, at / NAT_CHUNK) + in, part);
        at += part;
        to += part;
        len -= part;
    }
}

static void
give_slot(struct nat_buffer *b, uint64_t number)
{
    uint8_t **slot = slot_of(b, number);
    if (!*slot)
        return;
    chunk_give(b->store, *slot);
    *slot = NULL;
    b->n--;
}

void
nat_buffer_keep(struct nat_buffer *b, uint64_t from, uint64_t to)
{
    if (b->n == 0)
        return;
    if (from >= to) {
        nat_buffer_clear(b);
        return;
    }
    uint64_t first = from / NAT_CHUNK;
    uint64_t last = (to - 1) / NAT_CHUNK;
    for (; b->first < first && b->first <= b->last; b->first++)
        give_slot(b, b->first);
    for (; b->last > last && b->last >= b->first; b->last--)
        give_slot(b, b->last);
}

void
nat_buffer_clear(struct nat_buffer *b)
{
    for (uint64_t i = b->first; b->n > 0 && i <= b->last; i++)
        give_slot(b, i);
    g_free(b->chunk);
    b->chunk = NULL;
    b->slots = 0;
}
