/* SPDX-License-Identifier: Apache-2.0 */
/* test-timer.c - the wheel in virtual time. */

#include "core/base/timer.h"
#include "core/base/types.h"

#include <glib.h>

enum { START_US = 1234567, REVOLUTION_US = TIMER_SLOTS * TIMER_TICK_US };

struct probe {
    struct timer t;
    struct timer_wheel *w;
    unsigned fired;
    int64_t at_us;
    /* what the callback does */
    struct timer *cancel;
    struct timer *arm;
    int64_t arm_due_us;
    bool free_self;
};

static void
on_probe(struct timer *t, int64_t now_us)
{
    struct probe *p = container_of(t, struct probe, t);

    g_assert_cmpint(t->due_us, <=, now_us); /* never early */
    g_assert_false(timer_is_armed(t));
    p->fired++;
    p->at_us = now_us;
    if (p->cancel)
        timer_cancel(p->w, p->cancel);
    if (p->arm)
        timer_arm(p->w, p->arm, p->arm_due_us);
    if (p->free_self)
        g_free(p);
}

static void
probe_init(struct probe *p, struct timer_wheel *w)
{
    *p = (struct probe){.w = w};
    timer_init(&p->t, on_probe);
}

/* Sleeps as a worker does until the probe has fired; returns how late it was. */
static int64_t
run_until_fired(struct timer_wheel *w, struct probe *p, int64_t now_us)
{
    for (unsigned turns = 0; p->fired == 0; turns++) {
        g_assert_cmpuint(turns, <, 100000);
        (void)timer_wheel_run(w, now_us);
        now_us += timer_wheel_wait_us(w, now_us, 60 * G_USEC_PER_SEC);
    }
    return p->at_us - p->t.due_us;
}

static void
test_due(void)
{
    static const int64_t after_us[] = {
        1,
        999,
        TIMER_TICK_US,
        TIMER_TICK_US + 1,
        10 * TIMER_TICK_US,
        REVOLUTION_US - 1,
        REVOLUTION_US,
        REVOLUTION_US + 1,
        3 * REVOLUTION_US + 77,
        3600 * (int64_t)G_USEC_PER_SEC,
    };

    for (size_t i = 0; i < ARRAY_LEN(after_us); i++) {
        for (int64_t start_us = START_US; start_us < START_US + 3000; start_us += 333) {
            struct timer_wheel w;
            struct probe p;
            timer_wheel_init(&w, start_us);
            probe_init(&p, &w);
            timer_arm(&w, &p.t, start_us + after_us[i]);
            g_assert_true(timer_is_armed(&p.t));
            g_assert_cmpint(run_until_fired(&w, &p, start_us), <=, TIMER_TICK_US);
            g_assert_cmpuint(p.fired, ==, 1);
            g_assert_cmpuint(w.armed, ==, 0);
        }
    }
}

static void
test_past(void)
{
    static const int64_t due_us[] = {START_US, START_US - 1, START_US - 5000, 0, -7, INT64_MIN};

    for (size_t i = 0; i < ARRAY_LEN(due_us); i++) {
        struct timer_wheel w;
        struct probe p;
        timer_wheel_init(&w, START_US);
        probe_init(&p, &w);
        timer_arm(&w, &p.t, due_us[i]);
        g_assert_cmpint(timer_wheel_wait_us(&w, START_US, 1000), ==, 0);
        g_assert_cmpuint(timer_wheel_run(&w, START_US), ==, 1);
        g_assert_cmpuint(p.fired, ==, 1);
    }
}

static void
test_never(void)
{
    struct timer_wheel w;
    struct probe p;

    timer_wheel_init(&w, START_US);
    probe_init(&p, &w);
    timer_arm(&w, &p.t, INT64_MAX);
    g_assert_cmpuint(timer_wheel_run(&w, START_US + 100 * (int64_t)G_USEC_PER_SEC), ==, 0);
    g_assert_cmpint(timer_wheel_wait_us(&w, START_US, 5000), ==, 5000);
    timer_cancel(&w, &p.t);
    g_assert_cmpuint(w.armed, ==, 0);
}

static void
test_cancel_and_move(void)
{
    struct timer_wheel w;
    struct probe p;

    timer_wheel_init(&w, START_US);
    probe_init(&p, &w);
    timer_cancel(&w, &p.t); /* harmless */
    timer_arm(&w, &p.t, START_US + 5000);
    timer_cancel(&w, &p.t);
    timer_cancel(&w, &p.t);
    g_assert_false(timer_is_armed(&p.t));
    g_assert_cmpint(timer_wheel_wait_us(&w, START_US, 9000), ==, 9000);
    g_assert_cmpuint(timer_wheel_run(&w, START_US + 100000), ==, 0);

    timer_arm(&w, &p.t, START_US + 200000);
    timer_arm(&w, &p.t, START_US + 900000);
    timer_arm(&w, &p.t, START_US + 300000);
    g_assert_cmpuint(w.armed, ==, 1);
    g_assert_cmpuint(timer_wheel_run(&w, START_US + 299999), ==, 0);
    g_assert_cmpuint(timer_wheel_run(&w, START_US + 300000), ==, 1);
    g_assert_cmpuint(timer_wheel_run(&w, START_US + 2000000), ==, 0);
}

static void
test_callback_cancels_neighbour(void)
{
    struct timer_wheel w;
    struct probe a, b;

    timer_wheel_init(&w, START_US);
    probe_init(&a, &w);
    probe_init(&b, &w);
    a.cancel = &b.t;
    b.cancel = &a.t;
    timer_arm(&w, &a.t, START_US + 10);
    timer_arm(&w, &b.t, START_US + 10);
    g_assert_cmpuint(timer_wheel_run(&w, START_US + 5000), ==, 1);
    g_assert_cmpuint(a.fired + b.fired, ==, 1);
    g_assert_cmpuint(w.armed, ==, 0);
}

static void
test_callback_arms(void)
{
    struct timer_wheel w;
    struct probe a, b;

    timer_wheel_init(&w, START_US);
    probe_init(&a, &w);
    probe_init(&b, &w);
    a.arm = &a.t; /* itself, in the past: once a run, so a run ends */
    a.arm_due_us = START_US;
    timer_arm(&w, &a.t, START_US);
    g_assert_cmpuint(timer_wheel_run(&w, START_US + 100), ==, 1);
    g_assert_cmpuint(timer_wheel_run(&w, START_US + 100), ==, 1);
    g_assert_cmpint(timer_wheel_wait_us(&w, START_US + 100, 1000), ==, 0);

    a.arm = &b.t; /* one that is due in this very run is moved away */
    a.arm_due_us = START_US + 50000;
    timer_arm(&w, &a.t, START_US + 200);
    timer_arm(&w, &b.t, START_US + 200);
    g_assert_cmpuint(timer_wheel_run(&w, START_US + 300), ==, 1);
    g_assert_cmpuint(b.fired, ==, 0);
    g_assert_cmpuint(timer_wheel_run(&w, START_US + 50000), ==, 1);
    g_assert_cmpuint(b.fired, ==, 1);
}

static void
test_callback_frees(void)
{
    struct timer_wheel w;
    struct probe *p[10];

    timer_wheel_init(&w, START_US);
    for (unsigned i = 0; i < ARRAY_LEN(p); i++) {
        p[i] = g_new(struct probe, 1);
        probe_init(p[i], &w);
        p[i]->free_self = true;
        timer_arm(&w, &p[i]->t, START_US + i % 2);
    }
    g_assert_cmpuint(timer_wheel_run(&w, START_US + 10), ==, ARRAY_LEN(p));
    g_assert_cmpuint(w.armed, ==, 0);
}

/* A worker that slept long: everything fires at once, each once. */
static void
test_long_sleep(void)
{
    enum { N = 2000 };
    struct timer_wheel w;
    g_autofree struct probe *p = g_new(struct probe, N);

    timer_wheel_init(&w, START_US);
    for (unsigned i = 0; i < N; i++) {
        probe_init(&p[i], &w);
        timer_arm(&w, &p[i].t, START_US + (int64_t)i * 1777);
    }
    int64_t half_us = START_US + (int64_t)(N / 2) * 1777;
    g_assert_cmpuint(timer_wheel_run(&w, half_us), ==, N / 2 + 1);
    for (unsigned i = 0; i < N; i++)
        g_assert_cmpuint(p[i].fired, ==, i <= N / 2);
    g_assert_cmpuint(timer_wheel_run(&w, half_us + 100 * (int64_t)REVOLUTION_US), ==, N / 2 - 1);
    g_assert_cmpuint(w.armed, ==, 0);
}

/* The clock stands or goes back: nothing is lost. */
static void
test_clock_goes_back(void)
{
    struct timer_wheel w;
    struct probe p;

    timer_wheel_init(&w, START_US);
    probe_init(&p, &w);
    (void)timer_wheel_run(&w, START_US + 500000);
    timer_arm(&w, &p.t, START_US + 1000);
    g_assert_cmpuint(timer_wheel_run(&w, START_US), ==, 0);
    g_assert_cmpuint(timer_wheel_run(&w, START_US + 1000), ==, 1);
}

/* Against a plain model: random arming, cancelling and running. */
static void
test_model(void)
{
    enum { N = 64, STEPS = 20000 };
    struct timer_wheel w;
    struct probe p[N];
    int64_t now_us = START_US;

    timer_wheel_init(&w, now_us);
    for (unsigned i = 0; i < N; i++)
        probe_init(&p[i], &w);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned due = 0;
        unsigned armed = 0;
        struct probe *one = &p[g_test_rand_int_range(0, N)];
        int64_t soonest_us = INT64_MAX;

        if (g_test_rand_bit())
            timer_arm(&w, &one->t, now_us + g_test_rand_int_range(-2000, 3 * REVOLUTION_US));
        else if (g_test_rand_int_range(0, 4) == 0)
            timer_cancel(&w, &one->t);
        for (unsigned i = 0; i < N; i++) {
            if (timer_is_armed(&p[i].t))
                soonest_us = MIN(soonest_us, p[i].t.due_us);
        }
        int64_t wait_us = timer_wheel_wait_us(&w, now_us, 10 * REVOLUTION_US);
        if (soonest_us != INT64_MAX) /* never wakes late by more than a tick */
            g_assert_cmpint(now_us + wait_us, <=, MAX(soonest_us, now_us) + TIMER_TICK_US);
        now_us += g_test_rand_int_range(0, 4000);
        for (unsigned i = 0; i < N; i++)
            due += timer_is_armed(&p[i].t) && p[i].t.due_us <= now_us;
        g_assert_cmpuint(timer_wheel_run(&w, now_us), ==, due);
        for (unsigned i = 0; i < N; i++)
            armed += timer_is_armed(&p[i].t);
        g_assert_cmpuint(w.armed, ==, armed);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/timer/due", test_due);
    g_test_add_func("/timer/past", test_past);
    g_test_add_func("/timer/never", test_never);
    g_test_add_func("/timer/cancel-and-move", test_cancel_and_move);
    g_test_add_func("/timer/callback-cancels-neighbour", test_callback_cancels_neighbour);
    g_test_add_func("/timer/callback-arms", test_callback_arms);
    g_test_add_func("/timer/callback-frees", test_callback_frees);
    g_test_add_func("/timer/long-sleep", test_long_sleep);
    g_test_add_func("/timer/clock-goes-back", test_clock_goes_back);
    g_test_add_func("/timer/model", test_model);
    return g_test_run();
}
