/* SPDX-License-Identifier: Apache-2.0 */
/* flow.c - see flow.h. */

#include "core/net/flow.h"

#include "core/net/eth.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/tcp.h"
#include "core/net/udp.h"
#include "core/net/wire.h"

#include <string.h>

/* Every frame that is routed, joined or segmented comes through here, so headers are not parsed
 * into structs of their own, and what was found is stored once, field by field: a copy of a
 * struct just written in small pieces waits for them (measured: 75 ns a frame, and 26 like this).
 */
struct look {
    struct flow fl; /* all but the addresses */
    const uint8_t *src;
    const uint8_t *dst;
};

/* TCP and UDP have their ports at the same place. */
static inline enum drop
take_ports(struct reader body, struct flow *fl)
{
    bool is_tcp = fl->proto == IP_PROTO_TCP;
    const uint8_t *at = reader_take(&body, is_tcp ? TCP_HEADER : UDP_HEADER);

    if (!at)
        return DROP_SHORT;
    if (is_tcp) {
        size_t header_len = (size_t)(at[TCP_AT_FLAGS - 1] >> 4) * 4;
        if (header_len < TCP_HEADER)
            return DROP_MALFORMED;
        if (header_len - TCP_HEADER > body.left)
            return DROP_SHORT;
    }
    fl->sport = wire_get16(at);
    fl->dport = wire_get16(at + 2);
    return DROP_NONE;
}

/* body: from the transport header to the end of the packet. */
static inline enum drop
look_behind_ip(struct reader body, struct flow *fl)
{
    size_t l4 = fl->end - body.left;

    if (l4 > UINT16_MAX) /* a super-frame made of nothing but extension headers */
        return DROP_MALFORMED;
    fl->l4 = (uint16_t)l4;
    if (fl->proto == IP_PROTO_TCP || fl->proto == IP_PROTO_UDP)
        return take_ports(body, fl);
    return DROP_NONE;
}

static inline enum drop
look_at_ip4(struct reader in, struct look *look)
{
    struct flow *fl = &look->fl;
    const uint8_t *ip = reader_take(&in, IP4_HEADER);

    if (!ip)
        return DROP_SHORT;
    if (ip[0] >> 4 != 4)
        return DROP_VERSION;
    size_t header_len = (size_t)(ip[0] & 0x0f) * 4;
    size_t total_len = wire_get16(ip + IP4_AT_LENGTH);
    if (header_len < IP4_HEADER || total_len < header_len)
        return DROP_MALFORMED;
    in = reader_sub(&in, total_len - IP4_HEADER);
    (void)reader_take(&in, header_len - IP4_HEADER);
    if (!reader_ok(&in))
        return DROP_SHORT;

    uint16_t fragment = wire_get16(ip + IP4_AT_FRAGMENT);
    fl->version = 4;
    fl->proto = ip[9];
    fl->end = (uint32_t)(fl->l3 + total_len);
    fl->flags = (uint8_t)((header_len > IP4_HEADER ? FLOW_EXTENSIONS : 0) |
                          (fragment & (IP4_MF | IP4_OFFSET) ? FLOW_FRAGMENT : 0));
    look->src = ip + IP4_AT_SRC;
    look->dst = ip + IP4_AT_DST;
    return fragment & IP4_OFFSET ? DROP_NONE : look_behind_ip(in, fl);
}

static enum drop
look_behind_extensions(const struct ip6 *ip, struct flow *fl)
{
    struct ip6_upper up;
    enum drop why = ip6_walk(ip, &up);

    if (why != DROP_NONE)
        return why;
    fl->proto = up.proto;
    fl->flags = (uint8_t)(FLOW_EXTENSIONS | (up.is_fragment ? FLOW_FRAGMENT : 0) |
                          (up.has_routing ? FLOW_ROUTED : 0));
    return up.fragment_offset > 0 ? DROP_NONE : look_behind_ip(up.body, fl);
}

static inline enum drop
look_at_ip6(struct reader in, struct look *look)
{
    struct flow *fl = &look->fl;
    const uint8_t *ip = reader_take(&in, IP6_HEADER);

    if (!ip)
        return DROP_SHORT;
    if (ip[0] >> 4 != 6)
        return DROP_VERSION;
    size_t payload_len = wire_get16(ip + IP6_AT_LENGTH);
    in = reader_sub(&in, payload_len);
    if (!reader_ok(&in))
        return DROP_SHORT;

    fl->version = 6;
    fl->proto = ip[IP6_AT_NEXT];
    fl->end = (uint32_t)(fl->l3 + IP6_HEADER + payload_len);
    look->src = ip + IP6_AT_SRC;
    look->dst = ip + IP6_AT_DST;
    if (!ip6_is_extension(fl->proto))
        return look_behind_ip(in, fl);
    struct ip6 behind = {.next = fl->proto, .body = in};
    return look_behind_extensions(&behind, fl);
}

static inline void
store(const struct look *look, struct flow *out)
{
    const struct flow *fl = &look->fl;

    out->type = fl->type;
    out->l3 = fl->l3;
    out->l4 = fl->l4;
    out->tags = fl->tags;
    out->version = fl->version;
    out->proto = fl->proto;
    out->flags = fl->flags;
    out->sport = fl->sport;
    out->dport = fl->dport;
    out->end = fl->end;
    if (fl->version == 6) {
        memcpy(out->src, look->src, 16);
        memcpy(out->dst, look->dst, 16);
        return;
    }
    memset(out->src, 0, 16);
    memset(out->dst, 0, 16);
    if (fl->version == 4) {
        memcpy(out->src, look->src, 4);
        memcpy(out->dst, look->dst, 4);
    }
}

enum drop
flow_parse(struct reader in, struct flow *out)
{
    struct look look = {0};
    struct flow *fl = &look.fl;
    const uint8_t *eth = reader_take(&in, ETH_HEADER);
    enum drop why = DROP_NONE;

    if (!eth)
        return DROP_SHORT;
    uint16_t type = wire_get16(eth + 12);
    while (fl->tags < ETH_TAGS_MAX && eth_type_is_tag(type)) {
        const uint8_t *tag = reader_take(&in, ETH_TAG);
        if (!tag)
            return DROP_SHORT;
        type = wire_get16(tag + 2);
        fl->tags++;
    }
    fl->type = type;
    uint16_t l3 = (uint16_t)(ETH_HEADER + ETH_TAG * fl->tags);
    if (type == ETH_TYPE_IP4) {
        fl->l3 = l3;
        why = look_at_ip4(in, &look);
    } else if (type == ETH_TYPE_IP6) {
        fl->l3 = l3;
        why = look_at_ip6(in, &look);
    }
    if (why == DROP_NONE)
        store(&look, out);
    return why;
}

enum drop
flow_parse_ip(struct reader in, struct flow *out)
{
    struct look look = {0};
    struct reader ahead = in;
    bool is_ip6 = reader_u8(&ahead) >> 4 == 6;

    look.fl.type = is_ip6 ? ETH_TYPE_IP6 : ETH_TYPE_IP4;
    enum drop why = is_ip6 ? look_at_ip6(in, &look) : look_at_ip4(in, &look);
    if (why == DROP_NONE)
        store(&look, out);
    return why;
}

/* A step of xorshift-multiply; the constant is the 64-bit golden ratio. */
static uint64_t
mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

uint32_t
flow_hash(const struct flow *flow)
{
    uint64_t words[4];
    memcpy(words, flow->src, sizeof flow->src);
    memcpy(words + 2, flow->dst, sizeof flow->dst);

    uint64_t h = (uint64_t)flow->proto << 32 | (uint32_t)flow->sport << 16 | flow->dport;
    for (unsigned i = 0; i < 4; i++)
        h = mix(h, words[i]);
    return (uint32_t)h;
}
