/* SPDX-License-Identifier: Apache-2.0 */
/* replay_priv.h - which packet ids of one key have come: a ring of words, after RFC 6479. A word is
 * cleared when the top moves into it; nothing is ever shifted. */
#pragma once

#include "core/proto/openvpn/data.h"

#include <string.h>

/* One word more than the window would do; a power of two makes the index a mask. */
enum { REPLAY_WORDS = 2 * OVPN_REPLAY_WINDOW / 64 };

struct replay {
    uint32_t top; /* highest id that came; 0: none */
    uint64_t seen[REPLAY_WORDS];
};

static inline bool
replay_is_new(const struct replay *r, uint32_t id)
{
    if (id == 0)
        return false;
    if (id > r->top)
        return true;
    if (r->top - id >= OVPN_REPLAY_WINDOW)
        return false;
    return (r->seen[id / 64 % REPLAY_WORDS] >> (id % 64) & 1) == 0;
}

/* After replay_is_new(), and only for what is genuine. */
static inline void
replay_take(struct replay *r, uint32_t id)
{
    if (id > r->top) {
        uint32_t from = r->top / 64;
        uint32_t words = id / 64 - from;
        if (words >= REPLAY_WORDS)
            memset(r->seen, 0, sizeof(r->seen));
        else
            for (uint32_t i = 1; i <= words; i++)
                r->seen[(from + i) % REPLAY_WORDS] = 0;
        r->top = id;
    }
    r->seen[id / 64 % REPLAY_WORDS] |= UINT64_C(1) << id % 64;
}
