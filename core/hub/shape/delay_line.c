/* SPDX-License-Identifier: Apache-2.0 */
/* delay_line.c - see delay_line.h. A binary heap by time, then by number. */

#include "core/hub/shape/delay_line.h"

#include <glib.h>

enum { FIRST_PLACES = 64 };

struct place {
    int64_t due_us;
    uint64_t number;
    struct frame *frame;
};

struct delay_line {
    struct place *heap; /* owned; NULL while nothing waits */
    unsigned n, cap;
    size_t bytes;
    uint64_t number;
};

bool
impairment_loses(const struct impairment *i, uint32_t random)
{
    return (uint64_t)random * 100 >> 32 < i->loss_percent;
}

int64_t
impairment_wait_us(const struct impairment *i, uint32_t random)
{
    int64_t delay_us = (int64_t)MIN(i->delay_ms, DELAY_MAX_MS) * 1000;
    int64_t most_us = delay_us * MIN(i->jitter_percent, 100) / 100;
    if (most_us == 0)
        return delay_us;
    return delay_us - most_us + (int64_t)((uint64_t)random * (uint64_t)(2 * most_us + 1) >> 32);
}

struct delay_line *
delay_line_new(void)
{
    return g_new0(struct delay_line, 1);
}

void
delay_line_free(struct delay_line *d)
{
    if (!d)
        return;
    for (unsigned i = 0; i < d->n; i++)
        frame_free(d->heap[i].frame);
    g_free(d->heap);
    g_free(d);
}

unsigned
delay_line_held(const struct delay_line *d)
{
    return d->n;
}

static bool
is_before(const struct place *a, const struct place *b)
{
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->number < b->number;
}

enum drop
delay_line_push(struct delay_line *d, struct frame *f, int64_t due_us)
{
    if (d->n >= DELAY_LINE_FRAMES || d->bytes + f->len > DELAY_LINE_BYTES) {
        frame_free(f);
        return DROP_QUEUE_FULL;
    }
    if (d->n == d->cap) {
        d->cap = d->cap > 0 ? 2 * d->cap : FIRST_PLACES;
        d->heap = g_renew(struct place, d->heap, d->cap);
    }
    const struct place new = {.due_us = due_us, .number = d->number++, .frame = f};
    unsigned at = d->n++;
    while (at > 0 && is_before(&new, &d->heap[(at - 1) / 2])) {
        d->heap[at] = d->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    d->heap[at] = new;
    d->bytes += f->len;
    return DROP_NONE;
}

static struct frame *
pop(struct delay_line *d)
{
    struct frame *f = d->heap[0].frame;
    const struct place last = d->heap[--d->n];
    unsigned at = 0;
    for (;;) {
        unsigned child = 2 * at + 1;
        if (child >= d->n)
            break;
        if (child + 1 < d->n && is_before(&d->heap[child + 1], &d->heap[child]))
            child++;
        if (!is_before(&d->heap[child], &last))
            break;
        d->heap[at] = d->heap[child];
        at = child;
    }
    if (d->n > 0) {
        d->heap[at] = last;
    } else {
        g_clear_pointer(&d->heap, g_free);
        d->cap = 0;
    }
    d->bytes -= f->len;
    return f;
}

void
delay_line_pull(struct delay_line *d, struct batch *out, int64_t now_us)
{
    while (!batch_is_full(out) && delay_line_due_us(d) <= now_us)
        batch_add(out, pop(d));
}

int64_t
delay_line_due_us(const struct delay_line *d)
{
    return d->n > 0 ? d->heap[0].due_us : INT64_MAX;
}
