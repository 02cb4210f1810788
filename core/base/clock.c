/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - see clock.h. */

#include "core/base/clock.h"

#include <glib.h>

int64_t
clock_now_us(void)
{
    return g_get_monotonic_time();
}

int64_t
clock_wall_ms(void)
{
    return g_get_real_time() / 1000;
}
