/* SPDX-License-Identifier: Apache-2.0 */
/* test-session-limits.c - how long, how much and when, in simulated time. */

#include "core/hub/shape/session_limits.h"

#include <glib.h>

#define S 1000000ll

static enum limits_say
look(struct limits_look *l, int64_t now_us, uint64_t bytes, uint64_t frames)
{
    const struct limits_clock clock = {
        .now_us = now_us, .day = 100, .month = 50, .hour_of_week = 9};
    const struct limits_counts counts = {.bytes = bytes, .unicast_frames = frames};
    return limits_look(l, &clock, &counts);
}

static void
test_none(void)
{
    const struct session_limits none = {.slow_bits = 5};
    const struct session_usage usage = {.total_bytes = UINT64_MAX / 2};
    struct limits_look l;
    g_assert_false(session_limits_any(&none));
    limits_begin(&l, &none, &usage, 0);
    g_assert_cmpint(look(&l, INT64_MAX, 5, 0), ==, LIMITS_FINE);
}

static void
test_time(void)
{
    const struct session_limits limits = {.session_s = 4294967295};
    const struct session_usage usage = {0};
    struct limits_look l;
    g_assert_true(session_limits_any(&limits));
    limits_begin(&l, &limits, &usage, 7);
    g_assert_cmpint(look(&l, 4294967295 * S + 6, 0, 0), ==, LIMITS_FINE);
    g_assert_cmpint(look(&l, 4294967295 * S + 7, 0, 0), ==, LIMITS_TIME);
}

static void
test_idle(void)
{
    const struct session_limits limits = {.idle_s = 60};
    const struct session_usage usage = {0};
    struct limits_look l;
    limits_begin(&l, &limits, &usage, 0);
    g_assert_cmpint(look(&l, 59 * S, 1000, 0), ==, LIMITS_FINE);
    g_assert_cmpint(look(&l, 59 * S, 2000, 1), ==, LIMITS_FINE);
    g_assert_cmpint(look(&l, 118 * S, 3000, 1), ==, LIMITS_FINE);
    g_assert_cmpint(look(&l, 119 * S, 9000, 1), ==, LIMITS_IDLE); /* broadcasts are not use */
}

static void
test_quota(void)
{
    struct session_limits limits = {.quota_day = 1000, .quota_month = 2000, .quota_total = 3000};
    const struct session_usage usage = {
        .day = 99, .month = 50, .day_bytes = 900, .month_bytes = 900, .total_bytes = 900};
    struct limits_look l;
    struct limits_clock clock = {.day = 100, .month = 50};
    struct limits_counts counts = {.bytes = 0};
    limits_begin(&l, &limits, &usage, 0);
    g_assert_cmpint(limits_look(&l, &clock, &counts), ==, LIMITS_FINE); /* yesterday is over */
    counts.bytes = 999;
    g_assert_cmpint(limits_look(&l, &clock, &counts), ==, LIMITS_FINE);
    counts.bytes = 1000;
    g_assert_cmpint(limits_look(&l, &clock, &counts), ==, LIMITS_QUOTA);
    l.limits.slow_bits = 64000;
    g_assert_cmpint(limits_look(&l, &clock, &counts), ==, LIMITS_SLOW);
    clock.day = 101;
    g_assert_cmpint(limits_look(&l, &clock, &counts), ==, LIMITS_FINE); /* midnight */
    counts.bytes = 1100;
    g_assert_cmpint(limits_look(&l, &clock, &counts), ==, LIMITS_SLOW); /* the month's 2000 */
    clock.month = 51;
    g_assert_cmpint(limits_look(&l, &clock, &counts), ==, LIMITS_FINE);
    counts.bytes = 2100;
    clock.day = 102;
    clock.month = 52;
    g_assert_cmpint(limits_look(&l, &clock, &counts), ==, LIMITS_SLOW); /* 3000 in all */
    g_assert_cmpuint(l.usage.total_bytes, ==, 3000);
    clock.month = 60;
    g_assert_cmpint(limits_look(&l, &clock, &counts), ==, LIMITS_SLOW); /* for ever */
}

static void
test_hours(void)
{
    struct session_limits limits = {.has_hours = true};
    const struct session_usage usage = {0};
    struct limits_look l;
    limits.hours[1] = 1 << 2;  /* Monday, ten to eleven */
    limits.hours[20] = 1 << 7; /* the last hour of Sunday */
    limits_begin(&l, &limits, &usage, 0);
    for (unsigned hour = 0; hour < WEEK_HOURS; hour++) {
        const struct limits_clock clock = {.hour_of_week = hour};
        const struct limits_counts counts = {0};
        g_assert_cmpint(limits_look(&l, &clock, &counts), ==,
                        hour == 10 || hour == 167 ? LIMITS_FINE : LIMITS_HOURS);
    }
}

static void
test_clock(void)
{
    g_assert_true(g_setenv("TZ", "UTC", TRUE));
    struct limits_clock c = limits_clock_at(0, 5);
    g_assert_cmpint(c.now_us, ==, 5);
    g_assert_cmpint(c.day, ==, 0);
    g_assert_cmpint(c.month, ==, 1970 * 12);
    g_assert_cmpuint(c.hour_of_week, ==, 3 * 24); /* a Thursday */
    c = limits_clock_at(1700000000000, 0);        /* Tuesday 2023-11-14 22:13:20 */
    g_assert_cmpint(c.day, ==, 19675);
    g_assert_cmpint(c.month, ==, 2023 * 12 + 10);
    g_assert_cmpuint(c.hour_of_week, ==, 24 + 22);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/session-limits/none", test_none);
    g_test_add_func("/session-limits/time", test_time);
    g_test_add_func("/session-limits/idle", test_idle);
    g_test_add_func("/session-limits/quota", test_quota);
    g_test_add_func("/session-limits/hours", test_hours);
    g_test_add_func("/session-limits/clock", test_clock);
    return g_test_run();
}
