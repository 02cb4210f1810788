/* SPDX-License-Identifier: Apache-2.0 */
/* test-rate.c - the token bucket. */

#include "core/base/rate.h"

#include <glib.h>

enum { S = G_USEC_PER_SEC };

static void
test_takes_and_fills(void)
{
    struct rate r;

    rate_init(&r, 10, 5, S);
    g_assert_true(rate_take(&r, 5, S)); /* starts full */
    g_assert_false(rate_take(&r, 1, S));
    g_assert_false(rate_take(&r, 1, S + 99999));
    g_assert_true(rate_take(&r, 1, S + 100000)); /* a tenth of a second is one token, exactly */
    g_assert_false(rate_take(&r, 1, S + 100000));
    g_assert_false(rate_take(&r, 6, 100 * (int64_t)S)); /* more than there can ever be */
    g_assert_true(rate_take(&r, 5, 100 * (int64_t)S));
    g_assert_true(rate_take(&r, 0, 100 * (int64_t)S));
}

static void
test_no_limit(void)
{
    struct rate r;

    rate_init(&r, 0, 0, 0);
    g_assert_true(rate_take(&r, UINT64_MAX, 0));
}

static void
test_clock_goes_back(void)
{
    struct rate r;

    rate_init(&r, 1, 1, 10 * (int64_t)S);
    g_assert_true(rate_take(&r, 1, 10 * (int64_t)S));
    g_assert_false(rate_take(&r, 1, 0));
    g_assert_false(rate_take(&r, 1, 11 * (int64_t)S - 1));
    g_assert_true(rate_take(&r, 1, 11 * (int64_t)S));
}

/* Nothing overflows, and small steps add up to what one large step gives. */
static void
test_extremes(void)
{
    struct rate r;

    rate_init(&r, UINT64_MAX, UINT64_MAX, 0);
    g_assert_true(rate_take(&r, UINT64_MAX / 1000000, 0));
    g_assert_true(rate_take(&r, UINT64_MAX / 1000000, 1));
    g_assert_false(rate_take(&r, UINT64_MAX, INT64_MAX));

    rate_init(&r, 1, 1, INT64_MIN);
    g_assert_true(rate_take(&r, 1, INT64_MIN));
    g_assert_true(rate_take(&r, 1, INT64_MAX));

    rate_init(&r, 3, 100, 0);
    g_assert_true(rate_take(&r, 100, 0));
    for (int64_t us = 1; us <= S; us++)
        g_assert_true(rate_take(&r, 0, us));
    g_assert_true(rate_take(&r, 3, S));
    g_assert_false(rate_take(&r, 1, S));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rate/takes-and-fills", test_takes_and_fills);
    g_test_add_func("/rate/no-limit", test_no_limit);
    g_test_add_func("/rate/clock-goes-back", test_clock_goes_back);
    g_test_add_func("/rate/extremes", test_extremes);
    return g_test_run();
}
