/* SPDX-License-Identifier: Apache-2.0 */
/* flow.c - see flow.h. */

#include "core/net/flow.h"

#include "core/net/eth.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/tcp.h"
#include "core/net/udp.h"
#include "core/net/wire.h"

/* TCP and UDP have their ports at the same place. */
static enum drop
take_ports(struct reader body, struct flow *fl)
{
    size_t header = fl->proto == IP_PROTO_TCP ? TCP_HEADER : UDP_HEADER;
    const uint8_t *at = reader_take(&body, header);

    if (!at)
        return DROP_SHORT;
    if (fl->proto == IP_PROTO_TCP) {
        size_t header_len = (size_t)(at[12] >> 4) * 4;
        if (header_len < TCP_HEADER)
            return DROP_MALFORMED;
        if (header_len - TCP_HEADER > body.left)
            return DROP_SHORT;
    }
    fl->sport = wire_get16(at);
    fl->dport = wire_get16(at + 2);
    return DROP_NONE;
}

static enum drop
look_into(struct reader body, struct flow *fl, size_t l4)
{
    if (l4 > UINT16_MAX) /* a super-frame made of nothing but extension headers */
        return DROP_MALFORMED;
    fl->l4 = (uint16_t)l4;
    if (fl->proto == IP_PROTO_TCP || fl->proto == IP_PROTO_UDP)
        return take_ports(body, fl);
    return DROP_NONE;
}

static enum drop
look_at_ip4(struct reader in, struct flow *fl)
{
    struct ip4 ip;
    enum drop why = ip4_parse(in, &ip);

    if (why != DROP_NONE)
        return why;
    fl->version = 4;
    fl->proto = ip.proto;
    fl->end = (uint32_t)fl->l3 + ip.total_len;
    wire_put32(fl->src, ip.src);
    wire_put32(fl->dst, ip.dst);
    if (ip.header_len > IP4_HEADER)
        fl->flags |= FLOW_EXTENSIONS;
    if (ip4_is_fragment(&ip))
        fl->flags |= FLOW_FRAGMENT;
    if (ip.fragment & IP4_OFFSET)
        return DROP_NONE;
    return look_into(ip.body, fl, (size_t)fl->l3 + ip.header_len);
}

static enum drop
look_at_ip6(struct reader in, struct flow *fl)
{
    struct ip6 ip;
    struct ip6_upper up;

    enum drop why = ip6_parse(in, &ip);
    if (why == DROP_NONE)
        why = ip6_walk(&ip, &up);
    if (why != DROP_NONE)
        return why;
    fl->version = 6;
    fl->proto = up.proto;
    fl->end = (uint32_t)fl->l3 + IP6_HEADER + ip.payload_len;
    memcpy(fl->src, ip.src, sizeof fl->src);
    memcpy(fl->dst, ip.dst, sizeof fl->dst);
    if (up.extensions > 0)
        fl->flags |= FLOW_EXTENSIONS;
    if (up.is_fragment)
        fl->flags |= FLOW_FRAGMENT;
    if (up.has_routing)
        fl->flags |= FLOW_ROUTED;
    if (up.fragment_offset > 0)
        return DROP_NONE;
    return look_into(up.body, fl, fl->end - up.body.left);
}

enum drop
flow_parse(struct reader in, struct flow *out)
{
    struct eth eth;
    enum drop why = eth_parse(in, &eth);

    if (why != DROP_NONE)
        return why;
    struct flow fl = {.type = eth.type, .tags = eth.tags, .l3 = eth.header_len};
    if (eth.type == ETH_TYPE_IP4)
        why = look_at_ip4(eth.body, &fl);
    else if (eth.type == ETH_TYPE_IP6)
        why = look_at_ip6(eth.body, &fl);
    if (why != DROP_NONE)
        return why;

    if (fl.version == 0)
        fl.l3 = 0;
    *out = fl;
    return DROP_NONE;
}

enum drop
flow_parse_ip(struct reader in, struct flow *out)
{
    struct reader ahead = in;
    bool is_ip6 = reader_u8(&ahead) >> 4 == 6;
    struct flow fl = {.type = is_ip6 ? ETH_TYPE_IP6 : ETH_TYPE_IP4};
    enum drop why = is_ip6 ? look_at_ip6(in, &fl) : look_at_ip4(in, &fl);

    if (why == DROP_NONE)
        *out = fl;
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
