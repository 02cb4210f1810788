/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-ndp.c - neighbour discovery messages to the parsers. Law: what was understood can be
 * written, and is understood in the same way again. */

#include "core/net/ndp.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

static const uint8_t src[16] = {0xfe, 0x80, [15] = 1};
static const uint8_t dst[16] = {0xff, 2, [15] = 1};

static void
check_neighbour(struct reader in)
{
    struct ndp_neighbour a;
    struct ndp_neighbour b;
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof(bytes));

    if (ndp_parse_neighbour(in, 255, &a) != DROP_NONE)
        return;
    ndp_write_neighbour(&w, &a, src, dst);
    g_assert(writer_ok(&w));
    g_assert(ndp_parse_neighbour(reader_of(bytes, w.len), 255, &b) == DROP_NONE);
    g_assert(a.advertisement == b.advertisement && a.flags == b.flags && a.has_mac == b.has_mac);
    g_assert(mac_equal(&a.mac, &b.mac) && memcmp(a.target, b.target, 16) == 0);
}

static void
check_solicitation(struct reader in)
{
    bool has_mac;
    struct mac mac;
    uint8_t bytes[16];
    struct writer w = writer_of(bytes, sizeof(bytes));

    if (ndp_parse_router_solicitation(in, 255, &has_mac, &mac) != DROP_NONE)
        return;
    ndp_write_router_solicitation(&w, has_mac ? &mac : NULL, src, dst);
    g_assert(writer_ok(&w) && w.len == (has_mac ? 16 : 8));
}

static void
check_advertisement(struct reader in)
{
    struct ndp_router_advertisement a;
    struct ndp_router_advertisement b;
    uint8_t bytes[512];
    struct writer w = writer_of(bytes, sizeof(bytes));

    if (ndp_parse_router_advertisement(in, 255, &a) != DROP_NONE)
        return;
    g_assert(a.n_prefix <= NDP_PREFIX_MAX && a.n_dns <= NDP_DNS_MAX);
    ndp_write_router_advertisement(&w, &a, src, dst);
    g_assert(writer_ok(&w));
    g_assert(ndp_parse_router_advertisement(reader_of(bytes, w.len), 255, &b) == DROP_NONE);
    g_assert(a.n_prefix == b.n_prefix && a.n_dns == b.n_dns && a.mtu == b.mtu);
    g_assert(a.managed == b.managed && a.other == b.other && a.lifetime_s == b.lifetime_s);
    g_assert(a.dns_lifetime_s == b.dns_lifetime_s && a.hop_limit == b.hop_limit);
    g_assert(memcmp(a.dns, b.dns, sizeof(a.dns)) == 0 && mac_equal(&a.mac, &b.mac));
    for (unsigned i = 0; i < a.n_prefix; i++) {
        g_assert(a.prefix[i].len <= 128 && a.prefix[i].len == b.prefix[i].len);
        g_assert(a.prefix[i].valid_s == b.prefix[i].valid_s);
        g_assert(memcmp(a.prefix[i].prefix, b.prefix[i].prefix, 16) == 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_neighbour(reader_of(data, size));
    check_solicitation(reader_of(data, size));
    check_advertisement(reader_of(data, size));
    return 0;
}
