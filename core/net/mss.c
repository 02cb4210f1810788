/* SPDX-License-Identifier: Apache-2.0 */
/* mss.c - SYNs, and the MSS in them. */
#include "core/net/mss.h"

#include "core/net/eth.h"
#include "core/net/flow.h"
#include "core/net/ip.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/tcp.h"
#include "core/net/wire.h"

enum { MSS_MIN = 536 }; /* RFC 9293, 3.7.1 */
enum { IP4_AT_PROTO = 9 };

static uint16_t
fill(unsigned mtu, unsigned headers)
{
    unsigned mss = mtu > headers + MSS_MIN ? mtu - headers : MSS_MIN;

    return mss > UINT16_MAX ? UINT16_MAX : (uint16_t)mss;
}

struct mss
mss_for_mtu(unsigned mtu)
{
    return (struct mss){.v4 = fill(mtu, IP4_HEADER + TCP_HEADER),
                        .v6 = fill(mtu, IP6_HEADER + TCP_HEADER)};
}

static size_t
tcp4(const struct reader *packet)
{
    const uint8_t *ip = packet->at;

    if (packet->left < IP4_HEADER || ip[IP4_AT_PROTO] != IP_PROTO_TCP ||
        (wire_get16(ip + IP4_AT_FRAGMENT) & IP4_OFFSET) != 0)
        return 0;
    size_t header_len = (size_t)(ip[0] & 0x0f) * 4;
    return header_len >= IP4_HEADER ? header_len : 0;
}

static size_t
tcp6(const struct reader *packet)
{
    const uint8_t *ip = packet->at;
    struct flow flow;

    if (packet->left < IP6_HEADER)
        return 0;
    if (ip[IP6_AT_NEXT] == IP_PROTO_TCP)
        return IP6_HEADER;
    if (!ip6_is_extension(ip[IP6_AT_NEXT]) || flow_parse_ip(*packet, &flow) != DROP_NONE ||
        flow.proto != IP_PROTO_TCP)
        return 0;
    return flow.l4;
}

size_t
mss_find_syn(struct reader packet)
{
    if (!reader_ok(&packet) || packet.left == 0)
        return 0;
    unsigned version = packet.at[0] >> 4;
    size_t l4 = version == 4 ? tcp4(&packet) : version == 6 ? tcp6(&packet) : 0;

    if (l4 == 0 || packet.left < l4 + TCP_HEADER || !(packet.at[l4 + TCP_AT_FLAGS] & TCP_SYN))
        return 0;
    return l4;
}

size_t
mss_find_syn_ethernet(struct reader frame, size_t *ret_l3)
{
    size_t l3 = ETH_HEADER;

    (void)reader_take(&frame, 2 * sizeof(struct mac));
    uint16_t type = reader_u16(&frame);
    for (unsigned i = 0; i < ETH_TAGS_MAX && eth_type_is_tag(type); i++) {
        (void)reader_u16(&frame);
        type = reader_u16(&frame);
        l3 += ETH_TAG;
    }
    if (type != ETH_TYPE_IP4 && type != ETH_TYPE_IP6)
        return 0;
    size_t l4 = mss_find_syn(frame);
    *ret_l3 = l3;
    return l4 > 0 ? l3 + l4 : 0;
}

struct frame *
mss_lower(struct frame_pool *pool, struct frame *f, bool is_ip, const struct mss *mss)
{
    struct reader bytes = reader_of(f->data, f->len);
    size_t l3 = 0;
    size_t l4 = is_ip ? mss_find_syn(bytes) : mss_find_syn_ethernet(bytes, &l3);

    if (l4 == 0)
        return f;
    f = frame_own(pool, f);
    if (f)
        (void)tcp_clamp_mss(f, l4, f->data[l3] >> 4 == 4 ? mss->v4 : mss->v6);
    return f;
}
