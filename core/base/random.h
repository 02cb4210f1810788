/* SPDX-License-Identifier: Apache-2.0 */
/* random.h - random bytes from the system; machines get what they need as parameters. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Never fails: aborts when the system has no randomness. Any thread. */
void random_bytes(void *out, size_t n);
uint32_t random_u32(void);
/* Even in [low, high]. */
uint32_t random_range(uint32_t low, uint32_t high);
