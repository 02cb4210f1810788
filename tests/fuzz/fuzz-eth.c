/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-eth.c - a frame through every parser of core/net.
 *
 * Laws: what was found lies inside the frame and in order; the parsers of single headers agree
 * with the look through the whole frame; lowering an MSS keeps a right checksum right.
 */

#include "core/net/arp.h"
#include "core/net/eth.h"
#include "core/net/flow.h"
#include "core/net/icmp.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/tcp.h"
#include "core/net/udp.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/net/packet.h"

static void
check_places(const struct flow *fl, size_t size)
{
    if (fl->version == 0) {
        g_assert(fl->l3 == 0 && fl->l4 == 0 && fl->end == 0);
        return;
    }
    g_assert(fl->l3 == 14 + 4 * fl->tags);
    g_assert(fl->end <= size && fl->l3 < fl->end);
    g_assert(fl->l4 == 0 || (fl->l4 > fl->l3 && fl->l4 <= fl->end));
    g_assert(fl->l4 == 0 || fl->proto != 6 || fl->l4 + 20u <= fl->end);
    g_assert(fl->l4 == 0 || fl->proto != 17 || fl->l4 + 8u <= fl->end);
}

/* The parsers of single headers, one after the other, come to the same. */
static void
check_ip(const struct eth *eth, const struct flow *fl, enum drop why)
{
    struct ip4 ip4;
    struct ip6 ip6;
    struct ip6_upper up;

    if (eth->type == ETH_TYPE_IP4) {
        enum drop alone = ip4_parse(eth->body, &ip4);
        g_assert(why != DROP_NONE || alone == DROP_NONE);
        if (why == DROP_NONE)
            g_assert(fl->proto == ip4.proto && fl->end == fl->l3 + ip4.total_len);
    } else if (eth->type == ETH_TYPE_IP6) {
        enum drop alone = ip6_parse(eth->body, &ip6);
        if (alone == DROP_NONE)
            alone = ip6_walk(&ip6, &up);
        g_assert(why != DROP_NONE || alone == DROP_NONE);
        if (why == DROP_NONE)
            g_assert(fl->proto == up.proto && fl->end == fl->l3 + 40u + ip6.payload_len);
    } else if (eth->type == ETH_TYPE_ARP) {
        struct arp arp;
        g_assert((arp_parse(eth->body, &arp) == DROP_SHORT) == (eth->body.left < ARP_LEN));
    }
}

static void
check_transport(const uint8_t *data, size_t size, const struct flow *fl)
{
    struct reader body = reader_of(data + fl->l4, fl->end - fl->l4);
    struct udp udp;
    struct icmp icmp;

    if (fl->proto == IP_PROTO_UDP && udp_parse(body, &udp) == DROP_NONE)
        g_assert(udp.body.left + 8 <= body.left && udp.sport == fl->sport);
    if (fl->proto == IP_PROTO_ICMP && icmp_parse(body, &icmp) == DROP_NONE)
        g_assert(icmp.body.left + 8 == body.left);
    if (fl->proto != IP_PROTO_TCP)
        return;
    struct tcp tcp;
    g_assert(tcp_parse(body, &tcp) == DROP_NONE);
    g_assert(tcp.sport == fl->sport && tcp.body.left + tcp.header_len == body.left);

    struct frame *f = frame_exact(data, size);
    bool was_sound = fl->flags == 0 && packet_is_sound(f->data, f->len, true);
    bool changed = tcp_clamp_mss(f, fl->l4, 536);
    g_assert(changed || memcmp(f->data, data, size) == 0);
    if (was_sound)
        g_assert(packet_is_sound(f->data, f->len, true));
    g_free(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct flow fl = {0};
    struct eth eth;

    if (size > 4096)
        return 0;
    enum drop why = flow_parse(reader_of(data, size), &fl);
    if (eth_parse(reader_of(data, size), &eth) != DROP_NONE) {
        g_assert(why == DROP_SHORT);
        return 0;
    }
    check_ip(&eth, &fl, why);
    if (why != DROP_NONE)
        return 0;
    check_places(&fl, size);
    if (fl.l4 != 0)
        check_transport(data, size, &fl);
    return 0;
}
