/* SPDX-License-Identifier: Apache-2.0 */
/* session_limits.h - how long, how much and when a session may be used.
 *
 * Looked at once a second, so that frames pay nothing. Time and what was counted come as
 * parameters.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { WEEK_HOURS = 7 * 24 };

/* 0 means everywhere: no limit. */
struct session_limits {
    uint32_t session_s; /* the session ends after so many seconds */
    uint32_t idle_s;    /* ... or after so many without a frame for one host */
    uint64_t quota_day, quota_month, quota_total; /* bytes, both ways together */
    uint64_t slow_bits; /* bits a second each way when a quota is used up; 0: the session ends */
    bool has_hours;     /* only in these hours of the week: */
    uint8_t hours[WEEK_HOURS / 8]; /* bit h % 8 of byte h / 8; hour 0 begins with Monday */
};

/* What a user has used so far. A day or month that is over counts as nothing. */
struct session_usage {
    int32_t day, month; /* of which day (since 1970-01-01) and month (since year 0) it tells */
    uint64_t day_bytes, month_bytes, total_bytes;
};

/* Local time, as people mean it. */
struct limits_clock {
    int64_t now_us;     /* monotonic */
    int32_t day, month; /* as above */
    unsigned hour_of_week;
};

struct limits_counts {
    uint64_t bytes;          /* all that the port received and sent */
    uint64_t unicast_frames; /* of these, those for one host */
};

enum limits_say {
    LIMITS_FINE,
    LIMITS_SLOW,  /* a quota is used up: slow_bits */
    LIMITS_QUOTA, /* ... and that is the end */
    LIMITS_TIME,
    LIMITS_IDLE,
    LIMITS_HOURS,
};

struct limits_look {
    struct session_limits limits;
    struct session_usage usage;
    struct limits_counts seen;
    int64_t started_us, active_us;
};

/* Whether there is anything to look at. */
bool session_limits_any(const struct session_limits *l);
void limits_begin(struct limits_look *look, const struct session_limits *limits,
                  const struct session_usage *usage, int64_t now_us);
/* What is to be done now. Before the first frame: whether the session may begin. */
enum limits_say limits_look(struct limits_look *look, const struct limits_clock *clock,
                            const struct limits_counts *counts);
/* The clock of this place, at a time of the wall. */
struct limits_clock limits_clock_at(int64_t wall_ms, int64_t now_us);
