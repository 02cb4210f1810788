/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-ip-fragment.c - fragments put together, and packets cut.
 *
 * Input: records of a length byte and so many bytes. Length 0: the time goes on; 255: what follows,
 * a byte and two of length, is a longer one. A record is a packet, taken as it is, and then cut to
 * the MTU that its last byte tells and put together again. Laws: limits hold, no frame is lost, a
 * packet cut comes back as it was.
 */

#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/ip_fragment.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <string.h>

enum { LARGE_POOL = 8, MOST = 65535 };

static struct frame *
frame_of(struct frame_pool *pool, struct reader a, struct reader b)
{
    struct frame *f = frame_new(pool, a.left + b.left);

    g_assert(f);
    if (a.left > 0)
        memcpy(frame_put(f, a.left), a.at, a.left);
    if (b.left > 0)
        memcpy(frame_put(f, b.left), b.at, b.left);
    return f;
}

/* Whether a packet comes back from being cut byte for byte: fragments do not, nor do lengths that
 * leave bytes over, nor checksums that were wrong. */
static bool
comes_back(struct reader packet)
{
    struct ip4 ip;

    return ip4_parse(packet, &ip) == DROP_NONE && !ip4_is_fragment(&ip) && ip.body.left >= 16 &&
           ip.total_len == packet.left && ip4_checksum_is_good(packet.at, ip.header_len) &&
           !(ip.fragment & IP4_DF);
}

static void
cut(struct frame_pool *pool, struct reader packet, size_t mtu)
{
    struct ip_reassembly *r = ip_reassembly_new(pool);
    struct ip_split s;
    struct reader payload;
    struct frame *whole = NULL;
    unsigned n = 0;

    if (ip_split_begin(&s, packet, mtu, 5) == DROP_NONE) {
        while (ip_split_next(&s, &payload)) {
            g_assert(s.header_len <= sizeof(s.header));
            g_assert(s.header_len + payload.left <= MAX(mtu, packet.left));
            struct frame *f = ip_reassembly_take(
                r, r, frame_of(pool, reader_of(s.header, s.header_len), payload), 1);
            g_assert(!whole || !f);
            whole = whole ? whole : f;
            n++;
        }
        if (comes_back(packet) && n <= IP_REASSEMBLY_FRAGMENTS && s.most >= 16) {
            g_assert(whole && whole->len == packet.left);
            g_assert(memcmp(whole->data, packet.at, packet.left) == 0);
        }
    }
    frame_free(whole);
    ip_reassembly_free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader in = reader_of(data, size);
    struct frame_pool *pool = frame_pool_new(LARGE_POOL);
    struct ip_reassembly *r = ip_reassembly_new(pool);
    int64_t now_us = 0;
    static const char senders[2];

    while (in.left > 0) {
        size_t len = reader_u8(&in);
        if (len == 0) {
            now_us += 1000000;
            continue;
        }
        if (len == 255)
            len = reader_u16(&in);
        struct reader packet = reader_sub(&in, MIN(len, in.left));
        if (packet.left == 0)
            continue;
        uint8_t last = packet.at[packet.left - 1];
        struct frame *f = ip_reassembly_take(r, &senders[last & 1],
                                             frame_of(pool, packet, reader_of(NULL, 0)), now_us);
        g_assert(!f || f->len <= IP6_HEADER + MOST);
        frame_free(f);
        g_assert(ip_reassembly_unfinished(r) <= 2 * IP_REASSEMBLY_SENDER);
        g_assert(ip_reassembly_deadline(r) > now_us);
        cut(pool, packet, last * 8u);
    }
    ip_reassembly_forget(r, &senders[0]);
    ip_reassembly_forget(r, &senders[1]);
    g_assert(ip_reassembly_unfinished(r) == 0);
    g_assert(frame_pool_in_use(pool) == 0);
    ip_reassembly_free(r);
    frame_pool_free(pool);
    return 0;
}
