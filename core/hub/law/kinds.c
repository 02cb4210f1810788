/* SPDX-License-Identifier: Apache-2.0 */
/* kinds.c - see kinds.h. */

#include "core/hub/law/kinds.h"

#include "core/net/dhcp4.h"
#include "core/net/dhcp6.h"
#include "core/net/eth.h"
#include "core/net/icmp.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/tcp.h"
#include "core/net/udp.h"
#include "core/net/wire.h"

#include <string.h>

enum {
    BOOTREPLY = 2,
    DHCP6_RELAY_REPLY = 13,
    PROTO_OSPF = 89,
    LLC_SNAP_LEN = 8,
    KINDS_OF_DHCP = KIND_DHCP4 | KIND_DHCP6,
};

/* The byte at an offset from the transport header, -1 if the packet ends before. */
static int
byte_behind(const struct frame *f, const struct flow *fl, size_t offset)
{
    size_t at = fl->l4 + offset;
    return fl->l4 > 0 && at < fl->end && at < f->len ? f->data[at] : -1;
}

static uint32_t
kinds_of_udp(const struct frame *f, const struct flow *fl)
{
    int first = byte_behind(f, fl, UDP_HEADER); /* the operation, or the type of the message */
    if (fl->version == 4) {
        /* A client never writes to a client, and a server's answer to a relay says what it is. */
        if (fl->dport == DHCP4_CLIENT_PORT)
            return KIND_DHCP4 | KIND_OFFER4;
        if (fl->dport == DHCP4_SERVER_PORT)
            return KIND_DHCP4 | (first == BOOTREPLY || first < 0 ? KIND_OFFER4 : 0);
        return 0;
    }
    if (fl->dport == DHCP6_CLIENT_PORT)
        return KIND_DHCP6 | KIND_OFFER6;
    if (fl->dport == DHCP6_SERVER_PORT)
        return KIND_DHCP6 | (first == DHCP6_RELAY_REPLY || first < 0 ? KIND_OFFER6 : 0);
    return 0;
}

static uint32_t
kinds_of_tcp(const struct frame *f, const struct flow *fl)
{
    int flags = byte_behind(f, fl, TCP_AT_FLAGS);
    if (flags < 0 || !(flags & TCP_SYN))
        return 0;
    if (flags & TCP_ACK)
        return fl->version == 4 ? KIND_ACCEPT4 : KIND_ACCEPT6;
    return fl->version == 4 ? KIND_SYN4 : KIND_SYN6;
}

static uint32_t
kinds_of_icmp6(const struct frame *f, const struct flow *fl)
{
    switch (byte_behind(f, fl, 0)) {
    case ICMP6_ROUTER_SOLICITATION:
        return KIND_RS;
    case ICMP6_ROUTER_ADVERTISEMENT:
        return KIND_RA;
    case ICMP6_NEIGHBOUR_ADVERTISEMENT:
        return KIND_NA;
    case -1:
        return KIND_HIDDEN; /* a first fragment must tell its type (RFC 6980) */
    default:
        return 0;
    }
}

static size_t
fragment_offset(const struct frame *f, const struct flow *fl)
{
    struct reader in = reader_of(f->data, f->len);
    (void)reader_take(&in, fl->l3);
    if (fl->version == 4) {
        (void)reader_take(&in, IP4_AT_FRAGMENT);
        return (size_t)(reader_u16(&in) & IP4_OFFSET) * 8;
    }
    struct ip6 ip;
    struct ip6_upper up;
    if (ip6_parse(in, &ip) != DROP_NONE || ip6_walk(&ip, &up) != DROP_NONE)
        return 0;
    return up.fragment_offset;
}

static uint32_t
kinds_of_ip(const struct frame *f, const struct flow *fl)
{
    uint32_t kinds = fl->version == 4 ? KIND_IP4 : KIND_IP6;
    if (fl->proto == PROTO_OSPF)
        return kinds | KIND_OSPF;
    if (fl->l4 == 0) {
        bool over_header = fl->proto == IP_PROTO_TCP && fragment_offset(f, fl) < TCP_HEADER;
        return kinds | (over_header ? KIND_HIDDEN : 0);
    }
    if (fl->proto == IP_PROTO_TCP)
        return kinds | kinds_of_tcp(f, fl);
    if (fl->proto == IP_PROTO_UDP)
        return kinds | kinds_of_udp(f, fl);
    if (fl->proto == IP_PROTO_ICMP6 && fl->version == 6)
        return kinds | kinds_of_icmp6(f, fl);
    return kinds;
}

/* IP or ARP behind an LLC/SNAP header. */
static bool
is_snap_ip(const struct frame *f, const struct flow *fl)
{
    struct reader in = reader_of(f->data, f->len);
    (void)reader_take(&in, ETH_HEADER + ETH_TAG * (size_t)fl->tags);
    const uint8_t *snap = reader_take(&in, LLC_SNAP_LEN);
    if (!snap || snap[0] != 0xaa || snap[1] != 0xaa || snap[2] != 0x03)
        return false;
    uint16_t type = wire_get16(snap + 6);
    return type == ETH_TYPE_IP4 || type == ETH_TYPE_IP6 || type == ETH_TYPE_ARP ||
           eth_type_is_tag(type);
}

static bool
is_bpdu(const uint8_t dst[6])
{
    static const uint8_t stp[6] = {0x01, 0x80, 0xc2, 0, 0, 0};
    static const uint8_t provider[6] = {0x01, 0x80, 0xc2, 0, 0, 8};
    static const uint8_t pvst[6] = {0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcd};
    return memcmp(dst, stp, 6) == 0 || memcmp(dst, provider, 6) == 0 || memcmp(dst, pvst, 6) == 0;
}

static uint32_t
kinds_of_other(const struct frame *f, const struct flow *fl)
{
    switch (fl->type) {
    case ETH_TYPE_ARP:
        return KIND_ARP;
    case ETH_TYPE_PPPOE_DISCOVERY:
    case ETH_TYPE_PPPOE_SESSION:
        return KIND_OTHER | KIND_PPPOE;
    default:
        break;
    }
    if (eth_type_is_tag(fl->type)) /* behind as many as are looked behind */
        return KIND_OTHER | KIND_HIDDEN;
    if (fl->type < ETH_TYPE_FIRST && is_snap_ip(f, fl))
        return KIND_OTHER | KIND_HIDDEN;
    return KIND_OTHER;
}

uint32_t
kinds_of(const struct frame *f, const struct flow *fl)
{
    uint32_t kinds = fl->version != 0 ? kinds_of_ip(f, fl) : kinds_of_other(f, fl);
    if (fl->tags > 0)
        kinds |= KIND_TAGGED;
    if (!eth_is_group(f->data))
        return kinds;
    bool is_needed =
        (kinds & (KIND_ARP | KINDS_OF_DHCP)) || ((kinds & KIND_IP6) && fl->proto == IP_PROTO_ICMP6);
    if (!is_needed)
        kinds |= KIND_CHATTER;
    if (is_bpdu(f->data))
        kinds |= KIND_BPDU;
    return kinds | KIND_GROUP;
}
