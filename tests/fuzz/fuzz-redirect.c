/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-redirect.c - any frame, answered in the place of a server.
 *
 * Laws: an answer is a frame of TCP that goes back to where the question came from; a reset, a
 * group of hosts and an answer itself when it is one get none, so that two of us never talk for
 * ever; whoever is told that no URL is needed gets the same answer without one.
 */

#include "core/hub/shape/redirect.h"
#include "core/net/eth.h"
#include "core/net/ip.h"
#include "core/net/tcp.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <string.h>

static struct tcp
tcp_of(const struct frame *f, const struct flow *fl)
{
    struct tcp tcp;
    g_assert(fl->proto == IP_PROTO_TCP && fl->l4 > 0);
    g_assert(tcp_parse(reader_of(f->data + fl->l4, fl->end - fl->l4), &tcp) == DROP_NONE);
    return tcp;
}

static void
check(const struct frame *f, const struct flow *fl, const struct frame *a)
{
    struct flow back;
    g_assert(flow_of_frame(a, &back) == DROP_NONE);
    g_assert(memcmp(a->data, f->data + 6, 6) == 0 && memcmp(a->data + 6, f->data, 6) == 0);
    g_assert(back.tags == fl->tags && back.version == fl->version && back.end == a->len);
    g_assert(memcmp(back.src, fl->dst, 16) == 0 && memcmp(back.dst, fl->src, 16) == 0);
    g_assert(back.sport == fl->dport && back.dport == fl->sport);
    struct tcp asked = tcp_of(f, fl);
    struct tcp told = tcp_of(a, &back);
    g_assert(!(asked.flags & TCP_RST) && !eth_is_group(f->data));
    g_assert(told.flags & (TCP_RST | TCP_ACK));
    g_assert(told.body.left <= REDIRECT_ANSWER_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[REDIRECT_KEY_LEN] = {7};
    if (size > FRAME_LARGE)
        return 0;
    struct frame_pool *pool = frame_pool_new(4);
    struct frame *f = frame_new(pool, size);
    g_assert(f);
    uint8_t *at = frame_put(f, size);
    g_assert(at);
    if (size > 0)
        memcpy(at, data, size);
    struct flow fl;
    if (flow_of_frame(f, &fl) == DROP_NONE) {
        bool needs = redirect_needs_url(key, f, &fl);
        struct frame *without = redirect_answer(key, f, &fl, NULL, pool);
        struct frame *with = redirect_answer(key, f, &fl, "http://a.example/", pool);
        g_assert(!needs || (with && !without));
        if (!needs && with)
            g_assert(without && without->len == with->len &&
                     memcmp(without->data, with->data, with->len) == 0);
        if (with)
            check(f, &fl, with);
        frame_free(with);
        frame_free(without);
    }
    frame_free(f);
    frame_pool_free(pool);
    return 0;
}
