/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - what a fuzz target defines. It asserts laws (g_assert), not only the absence of a crash.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
