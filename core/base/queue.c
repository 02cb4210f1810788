/* SPDX-License-Identifier: Apache-2.0 */
/* queue.c - see queue.h. The names follow RFC 8289, 5. */

#include "core/base/queue.h"

#include <glib.h>

enum { FIRST_SLOTS = 64 };

static void
grow(struct frame_queue *q)
{
    unsigned cap = q->cap > 0 ? 2 * q->cap : FIRST_SLOTS;
    struct frame_queue_slot *slot = g_new(struct frame_queue_slot, cap);

    g_assert(q->cap > 0 || q->n == 0);
    for (unsigned i = 0; i < q->n; i++)
        slot[i] = q->slot[(q->head + i) % q->cap];
    g_free(q->slot);
    q->slot = slot;
    q->cap = cap;
    q->head = 0;
}

static int64_t
target_us(const struct frame_queue *q)
{
    return q->target_us > 0 ? q->target_us : QUEUE_TARGET_US;
}

static int64_t
interval_us(const struct frame_queue *q)
{
    return q->interval_us > 0 ? q->interval_us : QUEUE_INTERVAL_US;
}

static int64_t
isqrt_us(int64_t interval, unsigned count)
{
    /* interval / sqrt(count), by Newton on integers: count is small and this runs only while
     * dropping */
    uint64_t scaled = (uint64_t)count << 16; /* sqrt is shifted by 8 */
    uint64_t r = scaled > 0 ? scaled : 1;

    for (unsigned i = 0; i < 32; i++) {
        uint64_t next = (r + scaled / r) / 2;
        if (next >= r)
            break;
        r = next;
    }
    return (interval << 8) / (int64_t)(r > 0 ? r : 1);
}

enum drop
frame_queue_push(struct frame_queue *q, struct frame *f, int64_t now_us)
{
    if (q->n >= QUEUE_MAX_FRAMES || q->bytes + f->len > QUEUE_MAX_BYTES) {
        frame_free(f);
        return DROP_QUEUE_FULL;
    }
    if (q->n == q->cap)
        grow(q);
    q->slot[(q->head + q->n) % q->cap] = (struct frame_queue_slot){.frame = f, .at_us = now_us};
    q->n++;
    q->bytes += f->len;
    return DROP_NONE;
}

struct frame *
frame_queue_pop_plain(struct frame_queue *q)
{
    if (q->n == 0)
        return NULL;
    struct frame *f = q->slot[q->head].frame;
    q->head = (q->head + 1) % q->cap;
    q->n--;
    q->bytes -= f->len;
    if (q->n == 0) {
        g_clear_pointer(&q->slot, g_free);
        q->cap = q->head = 0;
    }
    return f;
}

/* Pops, and tells whether the frame may be dropped: it and those before it have waited too long for
 * too long. */
static struct frame *
dodequeue(struct frame_queue *q, int64_t now_us, bool *ok_to_drop)
{
    int64_t at_us = q->n > 0 ? q->slot[q->head].at_us : now_us;
    struct frame *f = frame_queue_pop_plain(q);

    *ok_to_drop = false;
    if (!f || now_us - at_us < target_us(q) || q->n == 0) {
        q->first_above_us = 0;
        return f;
    }
    if (q->first_above_us == 0)
        q->first_above_us = now_us + interval_us(q);
    else if (now_us >= q->first_above_us)
        *ok_to_drop = true;
    return f;
}

static struct frame *
drop_and_next(struct frame_queue *q, struct frame *f, int64_t now_us, bool *ok, unsigned *dropped)
{
    frame_free(f);
    (*dropped)++;
    return dodequeue(q, now_us, ok);
}

struct frame *
frame_queue_pop(struct frame_queue *q, int64_t now_us, unsigned *dropped)
{
    bool ok = false;
    struct frame *f = dodequeue(q, now_us, &ok);

    if (q->dropping) {
        if (!ok)
            q->dropping = false;
        while (f && q->dropping && now_us >= q->drop_next_us) {
            q->count++;
            f = drop_and_next(q, f, now_us, &ok, dropped);
            if (!ok)
                q->dropping = false;
            else
                q->drop_next_us += isqrt_us(interval_us(q), q->count);
        }
    } else if (f && ok) {
        f = drop_and_next(q, f, now_us, &ok, dropped);
        q->dropping = true;
        /* Start from where the last drop phase ended, if that was a moment ago. */
        unsigned delta = q->count - q->last_count;
        bool recent = now_us - q->drop_next_us < 16 * interval_us(q);
        q->count = recent && delta > 1 ? delta : 1;
        q->drop_next_us = now_us + isqrt_us(interval_us(q), q->count);
        q->last_count = q->count;
    }
    return f;
}

void
frame_queue_clear(struct frame_queue *q)
{
    struct frame *f;

    while ((f = frame_queue_pop_plain(q)))
        frame_free(f);
    *q = (struct frame_queue){.target_us = q->target_us, .interval_us = q->interval_us};
}
