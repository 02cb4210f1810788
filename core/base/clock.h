/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - the only two places where time comes from. Machines get it as a parameter. */
#pragma once

#include <stdint.h>

/* Microseconds of the monotonic clock. */
int64_t clock_now_us(void);
/* Milliseconds since 1970-01-01 UTC: for people and for wire formats, never for timers. */
int64_t clock_wall_ms(void);
