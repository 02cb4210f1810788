/* SPDX-License-Identifier: Apache-2.0 */
/* ip6.c - see ip6.h. Section numbers are RFC 8200's. */

#include "core/net/ip6.h"

#include "core/net/wire.h"

#include <string.h>

enum drop
ip6_parse(struct reader in, struct ip6 *out)
{
    const uint8_t *h = reader_take(&in, IP6_HEADER); /* one check for the whole header */

    if (!h)
        return DROP_SHORT;
    uint32_t first = wire_get32(h);
    if (first >> 28 != 6)
        return DROP_VERSION;
    struct ip6 ip = {
        .traffic_class = (uint8_t)(first >> 20),
        .flow_label = first & 0xfffff,
        .payload_len = wire_get16(h + IP6_AT_LENGTH),
        .next = h[IP6_AT_NEXT],
        .hop_limit = h[7],
    };
    memcpy(ip.src, h + IP6_AT_SRC, sizeof ip.src);
    memcpy(ip.dst, h + IP6_AT_DST, sizeof ip.dst);
    ip.body = reader_sub(&in, ip.payload_len);
    if (!reader_ok(&in))
        return DROP_SHORT;

    *out = ip;
    return DROP_NONE;
}

/* One extension header; up->body moves behind it. */
static void
step_over(struct ip6_upper *up)
{
    uint8_t kind = up->proto;

    up->proto = reader_u8(&up->body);
    uint8_t len = reader_u8(&up->body);
    if (kind == IP_PROTO_FRAGMENT) { /* 4.5: eight bytes, the second is reserved */
        uint16_t offset = reader_u16(&up->body);
        (void)reader_take(&up->body, 4);
        up->is_fragment = true;
        up->fragment_offset = offset & 0xfff8;
    } else if (kind == IP_PROTO_AH) { /* RFC 4302, 2.2: in units of four bytes, minus two */
        (void)reader_take(&up->body, (size_t)len * 4 + 6);
    } else {
        (void)reader_take(&up->body, (size_t)len * 8 + 6);
        up->has_routing |= kind == IP_PROTO_ROUTING;
    }
    up->extensions++;
}

bool
ip6_is_extension(uint8_t proto)
{
    return proto == IP_PROTO_HOP_BY_HOP || proto == IP_PROTO_ROUTING ||
           proto == IP_PROTO_FRAGMENT || proto == IP_PROTO_AH || proto == IP_PROTO_DESTINATION;
}

enum drop
ip6_walk(const struct ip6 *ip, struct ip6_upper *out)
{
    struct ip6_upper up = {.proto = ip->next, .body = ip->body};

    while (ip6_is_extension(up.proto) && up.fragment_offset == 0) {
        if (up.extensions == IP6_EXTENSIONS_MAX)
            return DROP_MALFORMED;
        step_over(&up);
    }
    if (!reader_ok(&up.body))
        return DROP_SHORT;

    *out = up;
    return DROP_NONE;
}

void
ip6_write(struct writer *w, const struct ip6 *ip)
{
    writer_u32(w, 6u << 28 | (uint32_t)ip->traffic_class << 20 | (ip->flow_label & 0xfffff));
    writer_u16(w, ip->payload_len);
    writer_u8(w, ip->next);
    writer_u8(w, ip->hop_limit);
    writer_bytes(w, ip->src, sizeof ip->src);
    writer_bytes(w, ip->dst, sizeof ip->dst);
}
