/* SPDX-License-Identifier: Apache-2.0 */
/* timer.c - see timer.h. A timer hangs in the slot of its due tick; one that is more than a
 * revolution away is passed over until its turn comes. */

#include "core/base/timer.h"

#include <glib.h>

static struct timer *
slot_of(struct timer_wheel *w, int64_t tick)
{
    return &w->slot[tick & (TIMER_SLOTS - 1)];
}

/* Rounded up: a timer never fires early. */
static int64_t
tick_of(int64_t us)
{
    return (us + TIMER_TICK_US - 1) / TIMER_TICK_US;
}

void
timer_wheel_init(struct timer_wheel *w, int64_t now_us)
{
    for (unsigned i = 0; i < TIMER_SLOTS; i++)
        w->slot[i].prev = w->slot[i].next = &w->slot[i];
    w->tick = now_us / TIMER_TICK_US;
    w->armed = 0;
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
    if (!t->next)
        return;
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->prev = t->next = NULL;
    w->armed--;
}

static void
hang(struct timer *head, struct timer *t)
{
    t->prev = head->prev;
    t->next = head;
    head->prev->next = t;
    head->prev = t;
}

void
timer_arm(struct timer_wheel *w, struct timer *t, int64_t due_us)
{
    timer_cancel(w, t);
    t->due_us = due_us;
    hang(slot_of(w, MAX(tick_of(due_us), w->tick)), t);
    w->armed++;
}

/* Moves what is due in the slot to the list. */
static void
collect(struct timer *head, int64_t now_us, struct timer *due)
{
    for (struct timer *t = head->next; t != head;) {
        struct timer *next = t->next;
        if (t->due_us <= now_us) {
            t->prev->next = t->next;
            t->next->prev = t->prev;
            hang(due, t);
        }
        t = next;
    }
}

unsigned
timer_wheel_run(struct timer_wheel *w, int64_t now_us)
{
    int64_t last = now_us / TIMER_TICK_US;
    struct timer due = {.prev = &due, .next = &due};
    unsigned fired = 0;

    if (w->armed == 0) {
        w->tick = MAX(w->tick, last);
        return 0;
    }
    /* After a long sleep every slot is looked at once, not once a tick. */
    int64_t from = MAX(w->tick, last - TIMER_SLOTS + 1);
    for (int64_t tick = from; tick <= last; tick++)
        collect(slot_of(w, tick), now_us, &due);
    /* The tick of now is looked at again: something may still become due in it. */
    w->tick = MAX(w->tick, last);

    while (due.next !=
           &due) { /* a callback may cancel others that are in here, or arm them again */
        struct timer *t = due.next;
        timer_cancel(w, t);
        fired++;
        t->fn(t, now_us);
    }
    return fired;
}

int64_t
timer_wheel_wait_us(const struct timer_wheel *w, int64_t now_us, int64_t max_us)
{
    int64_t soonest = max_us;

    if (w->armed == 0)
        return max_us;
    for (int64_t i = 0; i < TIMER_SLOTS; i++) {
        int64_t tick = w->tick + i;
        if (tick * TIMER_TICK_US - now_us >= soonest)
            break;
        const struct timer *head = &w->slot[tick & (TIMER_SLOTS - 1)];
        for (const struct timer *t = head->next; t != head; t = t->next) {
            if (tick_of(t->due_us) <= tick) { /* else it is for another revolution */
                soonest = MIN(soonest, MAX(tick * TIMER_TICK_US - now_us, 0));
                break;
            }
        }
    }
    return soonest;
}
