/* SPDX-License-Identifier: Apache-2.0 */
/* session_limits.c - see session_limits.h. */

#include "core/hub/shape/session_limits.h"

#include <glib.h>

enum { SECOND_US = 1000000, DAY_S = 24 * 60 * 60 };

bool
session_limits_any(const struct session_limits *l)
{
    return l->session_s > 0 || l->idle_s > 0 || l->quota_day > 0 || l->quota_month > 0 ||
           l->quota_total > 0 || l->has_hours;
}

void
limits_begin(struct limits_look *look, const struct session_limits *limits,
             const struct session_usage *usage, int64_t now_us)
{
    *look = (struct limits_look){
        .limits = *limits, .usage = *usage, .started_us = now_us, .active_us = now_us};
}

static void
add_usage(struct session_usage *u, const struct limits_clock *clock, uint64_t bytes)
{
    if (u->day != clock->day)
        u->day_bytes = 0;
    if (u->month != clock->month)
        u->month_bytes = 0;
    u->day = clock->day;
    u->month = clock->month;
    u->day_bytes += bytes;
    u->month_bytes += bytes;
    u->total_bytes += bytes;
}

static bool
is_used_up(const struct session_limits *l, const struct session_usage *u)
{
    return (l->quota_day > 0 && u->day_bytes >= l->quota_day) ||
           (l->quota_month > 0 && u->month_bytes >= l->quota_month) ||
           (l->quota_total > 0 && u->total_bytes >= l->quota_total);
}

enum limits_say
limits_look(struct limits_look *look, const struct limits_clock *clock,
            const struct limits_counts *counts)
{
    const struct session_limits *l = &look->limits;
    unsigned hour = clock->hour_of_week % WEEK_HOURS;
    add_usage(&look->usage, clock, counts->bytes - look->seen.bytes);
    if (counts->unicast_frames != look->seen.unicast_frames)
        look->active_us = clock->now_us;
    look->seen = *counts;

    if (l->session_s > 0 && clock->now_us - look->started_us >= (int64_t)l->session_s * SECOND_US)
        return LIMITS_TIME;
    if (l->idle_s > 0 && clock->now_us - look->active_us >= (int64_t)l->idle_s * SECOND_US)
        return LIMITS_IDLE;
    if (l->has_hours && !(l->hours[hour / 8] >> hour % 8 & 1))
        return LIMITS_HOURS;
    if (is_used_up(l, &look->usage))
        return l->slow_bits > 0 ? LIMITS_SLOW : LIMITS_QUOTA;
    return LIMITS_FINE;
}

struct limits_clock
limits_clock_at(int64_t wall_ms, int64_t now_us)
{
    struct limits_clock clock = {.now_us = now_us};
    g_autoptr(GDateTime) t = g_date_time_new_from_unix_local(wall_ms / 1000);
    if (!t)
        return clock;
    int64_t local_s = wall_ms / 1000 + g_date_time_get_utc_offset(t) / SECOND_US;
    clock.day = (int32_t)(local_s / DAY_S);
    clock.month = g_date_time_get_year(t) * 12 + g_date_time_get_month(t) - 1;
    clock.hour_of_week =
        (unsigned)((g_date_time_get_day_of_week(t) - 1) * 24 + g_date_time_get_hour(t));
    return clock;
}
