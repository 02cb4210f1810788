/* SPDX-License-Identifier: Apache-2.0 */
/* rate.h - a token bucket in integers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rate {
    uint64_t per_s; /* tokens a second; 0: no limit */
    uint64_t burst;
    uint64_t tokens_u; /* millionths of a token */
    int64_t last_us;
};

/* Starts full. */
void rate_init(struct rate *r, uint64_t per_s, uint64_t burst, int64_t now_us);
/* Takes n tokens, or none and false. */
bool rate_take(struct rate *r, uint64_t n, int64_t now_us);
