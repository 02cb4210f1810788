/* SPDX-License-Identifier: Apache-2.0 */
/* timer.c - see timer.h.
 *
 * A timer hangs in the slot of the tick in which it is due, modulo the size of the wheel; one that
 * is due in a later revolution hangs among the others and is passed over. next_us is a lower bound
 * of the earliest due time, so that neither a run with nothing to do nor the question how long to
 * sleep looks at any list. It is looked up again only when it has come.
 */

#include "core/base/timer.h"

#include <stddef.h>

static const int64_t never_us = INT64_C(1) << 62;

static void
list_init(struct timer *head)
{
    head->prev = head->next = head;
}

static void
list_append(struct timer *head, struct timer *t)
{
    t->prev = head->prev;
    t->next = head;
    head->prev->next = t;
    head->prev = t;
}

static void
list_remove(struct timer *t)
{
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->prev = t->next = NULL;
}

/* The tick in which it hangs: its own, or for one in the past the first that will be looked at. */
static int64_t
tick_of(const struct timer_wheel *w, int64_t due_us)
{
    int64_t tick = due_us > 0 ? due_us / TIMER_TICK_US : 0;

    return tick > w->tick ? tick : w->tick;
}

static struct timer *
slot_of(struct timer_wheel *w, int64_t tick)
{
    return &w->slot[tick % TIMER_SLOTS];
}

void
timer_wheel_init(struct timer_wheel *w, int64_t now_us)
{
    *w = (struct timer_wheel){.tick = now_us / TIMER_TICK_US, .next_us = never_us};
    for (unsigned i = 0; i < TIMER_SLOTS; i++)
        list_init(&w->slot[i]);
}

void
timer_init(struct timer *t, timer_fn *fn)
{
    *t = (struct timer){.fn = fn};
}

bool
timer_is_armed(const struct timer *t)
{
    return t->next != NULL;
}

void
timer_cancel(struct timer_wheel *w, struct timer *t)
{
    if (!timer_is_armed(t))
        return;
    list_remove(t);
    w->armed--;
    if (w->armed == 0)
        w->next_us = never_us;
}

void
timer_arm(struct timer_wheel *w, struct timer *t, int64_t due_us)
{
    timer_cancel(w, t);
    t->due_us = due_us < never_us ? due_us : never_us - 1;
    list_append(slot_of(w, tick_of(w, t->due_us)), t);
    w->armed++;
    if (t->due_us < w->next_us)
        w->next_us = t->due_us;
}

/* Moves what is due in one slot to the list. */
static void
collect(struct timer *slot, int64_t now_us, struct timer *due)
{
    struct timer *next;

    for (struct timer *t = slot->next; t != slot; t = next) {
        next = t->next;
        if (t->due_us > now_us)
            continue;
        list_remove(t);
        list_append(due, t);
    }
}

/* The earliest due time, by looking through the slots in their order until one has a timer of this
 * revolution. */
static int64_t
earliest(const struct timer_wheel *w)
{
    int64_t best_us = never_us;

    for (int64_t tick = w->tick; tick < w->tick + TIMER_SLOTS; tick++) {
        const struct timer *slot = &w->slot[tick % TIMER_SLOTS];
        for (const struct timer *t = slot->next; t != slot; t = t->next) {
            if (t->due_us < best_us)
                best_us = t->due_us;
        }
        if (best_us < (tick + 1) * TIMER_TICK_US)
            break;
    }
    return best_us;
}

unsigned
timer_wheel_run(struct timer_wheel *w, int64_t now_us)
{
    struct timer due = {0};
    unsigned fired = 0;

    if (now_us < w->next_us)
        return 0;
    int64_t last = tick_of(w, now_us);
    int64_t first = w->tick;
    if (last - first >= TIMER_SLOTS)
        first = last - TIMER_SLOTS + 1; /* each slot once */

    list_init(&due);
    for (int64_t tick = first; tick <= last; tick++)
        collect(slot_of(w, tick), now_us, &due);
    w->tick = last; /* it is not over: more of it may be due later */
    w->next_us = earliest(w);

    /* What a callback arms waits for the next run, so this ends; what it cancels or frees leaves
     * the list. */
    while (due.next != &due) {
        struct timer *t = due.next;
        list_remove(t);
        w->armed--;
        t->fn(t, now_us);
        fired++;
    }
    return fired;
}

int64_t
timer_wheel_wait_us(const struct timer_wheel *w, int64_t now_us, int64_t max_us)
{
    if (w->armed == 0)
        return max_us;
    if (w->next_us <= now_us)
        return 0;
    /* To the end of the tick: what is due in one tick is done in one turn. */
    int64_t wake_us = (w->next_us + TIMER_TICK_US - 1) / TIMER_TICK_US * TIMER_TICK_US;
    return wake_us - now_us < max_us ? wake_us - now_us : max_us;
}
