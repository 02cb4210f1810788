/* SPDX-License-Identifier: Apache-2.0 */
/* ip4.c - see ip4.h. */

#include "core/net/ip4.h"

#include "core/net/checksum.h"
#include "core/net/wire.h"

enum drop
ip4_parse(struct reader in, struct ip4 *out)
{
    size_t there = in.left;
    const uint8_t *h = reader_take(&in, IP4_HEADER); /* one check for the whole fixed part */

    if (!h)
        return DROP_SHORT;
    if (h[0] >> 4 != 4)
        return DROP_VERSION;
    struct ip4 ip = {
        .header_len = (uint8_t)((h[0] & 0x0f) * 4),
        .tos = h[1],
        .total_len = wire_get16(h + IP4_AT_LENGTH),
        .id = wire_get16(h + IP4_AT_ID),
        .fragment = wire_get16(h + IP4_AT_FRAGMENT),
        .ttl = h[8],
        .proto = h[9],
        .checksum = wire_get16(h + IP4_AT_CHECKSUM),
        .src = wire_get32(h + IP4_AT_SRC),
        .dst = wire_get32(h + IP4_AT_DST),
    };
    if (ip.total_len > there)
        return DROP_SHORT;
    if (ip.header_len < IP4_HEADER || ip.total_len < ip.header_len)
        return DROP_MALFORMED;

    ip.options = reader_sub(&in, ip.header_len - IP4_HEADER);
    ip.body = reader_sub(&in, ip.total_len - ip.header_len);
    *out = ip;
    return DROP_NONE;
}

bool
ip4_checksum_is_good(const uint8_t *header, unsigned header_len)
{
    return csum_is_good(csum_add(0, header, header_len));
}

void
ip4_set_checksum(uint8_t *header, unsigned header_len)
{
    wire_put16(header + IP4_AT_CHECKSUM, 0);
    wire_put16(header + IP4_AT_CHECKSUM, csum_finish(csum_add(0, header, header_len)));
}

void
ip4_write(struct writer *w, const struct ip4 *ip)
{
    uint8_t *header = writer_room(w, IP4_HEADER);
    if (!header)
        return;

    struct writer h = writer_of(header, IP4_HEADER);
    writer_u8(&h, 0x45);
    writer_u8(&h, ip->tos);
    writer_u16(&h, ip->total_len);
    writer_u16(&h, ip->id);
    writer_u16(&h, ip->fragment);
    writer_u8(&h, ip->ttl);
    writer_u8(&h, ip->proto);
    writer_u16(&h, 0);
    writer_u32(&h, ip->src);
    writer_u32(&h, ip->dst);
    ip4_set_checksum(header, IP4_HEADER);
}
