/* SPDX-License-Identifier: Apache-2.0 */
/* timer.h - a hashed timer wheel with embedded nodes: no allocation, O(1) to arm and to cancel.
 *
 * Waking up has a resolution of TIMER_TICK_US; a timer never fires early. The callback may arm or
 * cancel any timer, its own included, and may free what its timer is embedded in. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { TIMER_TICK_US = 1000, TIMER_SLOTS = 512 };

struct timer;
typedef void timer_fn(struct timer *t, int64_t now_us);

struct timer {
    struct timer *prev, *next; /* NULL when not armed */
    int64_t due_us;
    timer_fn *fn;
};

struct timer_wheel {
    struct timer slot[TIMER_SLOTS]; /* list heads */
    int64_t tick;                   /* all before it have been looked at */
    int64_t next_us;                /* nothing is due before */
    unsigned armed;
};

void timer_wheel_init(struct timer_wheel *w, int64_t now_us);
/* Call once per timer before use. */
void timer_init(struct timer *t, timer_fn *fn);
bool timer_is_armed(const struct timer *t);
/* Arms or moves. A due time in the past fires at the next run. */
void timer_arm(struct timer_wheel *w, struct timer *t, int64_t due_us);
/* Harmless when not armed. */
void timer_cancel(struct timer_wheel *w, struct timer *t);
/* Fires all that is due. Returns how many fired. */
unsigned timer_wheel_run(struct timer_wheel *w, int64_t now_us);
/* Microseconds from now to the next tick with a timer in it, at most max_us; 0 if one is due. A
 * timer that was cancelled may still shorten it, until the next run. */
int64_t timer_wheel_wait_us(const struct timer_wheel *w, int64_t now_us, int64_t max_us);
