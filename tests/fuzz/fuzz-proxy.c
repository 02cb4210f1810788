/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-proxy.c - a proxy that says anything. Law: fed whole or byte by byte, the machine takes the
 * same bytes, says the same words and comes to the same end; it never takes more than it wanted. */
#include "core/proto/proxy.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <string.h>

struct outcome {
    enum proxy_verdict verdict;
    size_t taken, said;
    int code;
};

static struct outcome
run(enum proxy_kind kind, bool login, const uint8_t *data, size_t size, bool greedy)
{
    struct proxy p;
    struct proxy_target target = {.host = "vpn.example",
                                  .port = 443,
                                  .user = login ? "user" : NULL,
                                  .password = login ? "password" : NULL};
    struct outcome o = {.verdict = proxy_init(&p, kind, &target)};

    o.said = p.out_len;
    p.out_len = 0;
    while (o.verdict == PROXY_MORE && o.taken < size) {
        size_t want = proxy_want(&p), used = 0;
        g_assert(want >= 1);
        size_t n = MIN(greedy ? want : 1, size - o.taken);
        o.verdict = proxy_feed(&p, data + o.taken, n, &used);
        g_assert(used <= n && (used == n || o.verdict == PROXY_FAILED));
        o.taken += used;
        o.said += p.out_len;
        p.out_len = 0;
    }
    o.code = p.code;
    g_assert((o.verdict == PROXY_FAILED) == (p.message != NULL));
    proxy_done(&p);
    return o;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    enum proxy_kind kind = data[0] % 3;
    bool login = data[0] & 0x80;

    struct outcome a = run(kind, login, data + 1, size - 1, true);
    struct outcome b = run(kind, login, data + 1, size - 1, false);
    g_assert(a.verdict == b.verdict && a.taken == b.taken && a.said == b.said && a.code == b.code);
    return 0;
}
