/* SPDX-License-Identifier: Apache-2.0 */
/* random.c - see random.h. */

#include "core/base/random.h"

#include <glib.h>

#include <sys/random.h>

enum { ENTROPY_MAX = 256 }; /* what getentropy() gives at once */

void
random_bytes(void *out, size_t n)
{
    uint8_t *at = out;

    while (n > 0) {
        size_t part = n < ENTROPY_MAX ? n : ENTROPY_MAX;
        if (getentropy(at, part) != 0)
            g_error("the system has no randomness: %s", g_strerror(errno));
        at += part;
        n -= part;
    }
}

uint32_t
random_u32(void)
{
    uint32_t v = 0;

    random_bytes(&v, sizeof v);
    return v;
}

uint32_t
random_range(uint32_t low, uint32_t high)
{
    g_assert(low <= high);
    uint64_t n = (uint64_t)high - low + 1;
    uint64_t fair = ((uint64_t)UINT32_MAX + 1) / n * n; /* the rest would favour the low values */
    uint64_t v = 0;

    do {
        v = random_u32();
    } while (v >= fair);
    return low + (uint32_t)(v % n);
}
