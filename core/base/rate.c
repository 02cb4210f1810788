/* SPDX-License-Identifier: Apache-2.0 */
/* rate.c - see rate.h. per_s tokens a second are per_s millionths a microsecond: no division. */

#include "core/base/rate.h"

enum { MILLION = 1000000 };

void
rate_init(struct rate *r, uint64_t per_s, uint64_t burst, int64_t now_us)
{
    uint64_t most = UINT64_MAX / MILLION;

    *r = (struct rate){.per_s = per_s, .burst = burst < most ? burst : most, .last_us = now_us};
    r->tokens_u = r->burst * MILLION;
}

static void
refill(struct rate *r, int64_t now_us)
{
    if (now_us <= r->last_us)
        return;
    uint64_t passed = (uint64_t)now_us - (uint64_t)r->last_us;
    uint64_t missing = r->burst * MILLION - r->tokens_u;

    r->last_us = now_us;
    if (passed > missing / r->per_s)
        r->tokens_u = r->burst * MILLION;
    else
        r->tokens_u += passed * r->per_s;
}

bool
rate_take(struct rate *r, uint64_t n, int64_t now_us)
{
    if (r->per_s == 0)
        return true;
    refill(r, now_us);
    if (n > r->burst || n * MILLION > r->tokens_u)
        return false;
    r->tokens_u -= n * MILLION;
    return true;
}
