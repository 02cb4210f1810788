/* SPDX-License-Identifier: Apache-2.0 */
/* acl_key.c - from a frame to what rules see of it. */

#include "core/hub/acl/acl_priv.h"
#include "core/net/arp.h"
#include "core/net/eth.h"
#include "core/net/ip.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/tcp.h"

/* In bytes, of a later fragment. */
static unsigned
fragment_offset(const struct acl_packet *p)
{
    struct reader r = reader_of(p->frame, p->len);
    (void)reader_take(&r, p->flow->l3);

    if (p->flow->version == 4) {
        (void)reader_take(&r, IP4_AT_FRAGMENT);
        return 8u * (reader_u16(&r) & IP4_OFFSET);
    }
    struct ip6 ip;
    struct ip6_upper up;
    if (ip6_parse(r, &ip) != DROP_NONE || ip6_walk(&ip, &up) != DROP_NONE)
        return 0;
    return up.fragment_offset;
}

/* Later fragments have no ports to be seen; those that begin within the transport header are
 * nothing that an honest sender makes (RFC 1858, RFC 3128). */
static enum key_kind
kind_without_header(const struct acl *a, const struct acl_packet *p)
{
    const struct flow *fl = p->flow;
    bool is_tcp = fl->proto == IP_PROTO_TCP;

    if (a->sees_ports && (is_tcp || fl->proto == IP_PROTO_UDP) &&
        fragment_offset(p) < (is_tcp ? TCP_HEADER : 8u))
        return KIND_HEADLESS;
    return fl->version == 4 ? KIND_IP4 : KIND_IP6;
}

static enum key_kind
kind_of_ip(const struct acl *a, const struct acl_packet *p)
{
    const struct flow *fl = p->flow;
    bool is_ip4 = fl->version == 4;

    if (fl->l4 == 0)
        return kind_without_header(a, p);
    if (fl->proto == IP_PROTO_UDP)
        return is_ip4 ? KIND_UDP4 : KIND_UDP6;
    if (fl->proto != IP_PROTO_TCP)
        return is_ip4 ? KIND_IP4 : KIND_IP6;
    uint8_t flags = p->frame[fl->l4 + TCP_AT_FLAGS]; /* flow_parse() saw the whole header */
    if ((flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
        return is_ip4 ? KIND_TCP4_OPENING : KIND_TCP6_OPENING;
    return is_ip4 ? KIND_TCP4 : KIND_TCP6;
}

/* An ARP for something else than IPv4 has no addresses. */
static void
see_arp(const struct acl_packet *p, uint64_t w[KEY_WORDS])
{
    struct reader r = reader_of(p->frame, p->len);
    struct arp arp;

    (void)reader_take(&r, ETH_HEADER + ETH_TAG * (size_t)p->flow->tags);
    if (arp_parse(r, &arp) != DROP_NONE)
        return;
    w[KEY_SRC_IP / 8] = GUINT32_SWAP_LE_BE(arp.sender);
    w[KEY_DST_IP / 8] = GUINT32_SWAP_LE_BE(arp.target);
}

/* Bytes from a frame, as the lowest of a word. */
static uint64_t
bytes_at(const uint8_t *at, unsigned n)
{
    uint64_t v = 0;

    memcpy(&v, at, n);
    return GUINT64_FROM_LE(v);
}

static uint64_t
number_of(uint32_t id)
{
    return (uint64_t)(id >> 16 & 0xff) | (id & 0xff00) | (uint64_t)(id & 0xff) << 16;
}

/* The key is put together in whole words, since bytes that were just written cannot be read as a
 * word without waiting for them. Here a word has the key's bytes from its lowest to its highest. */
void
acl_key_make(const struct acl *a, const struct acl_packet *p, struct acl_key *out)
{
    const struct flow *fl = p->flow;
    enum key_kind kind = KIND_OTHER;
    uint64_t protocol = 0;
    uint64_t w[KEY_WORDS] = {0};

    if (fl->version != 0) {
        for (unsigned i = 0; i < 2; i++) {
            w[i] = bytes_at(fl->src + 8 * (size_t)i, 8);
            w[2 + i] = bytes_at(fl->dst + 8 * (size_t)i, 8);
        }
        kind = kind_of_ip(a, p);
        protocol = fl->proto;
        if (1u << kind & KINDS_PORTS)
            w[5] = (uint64_t)GUINT16_SWAP_LE_BE(fl->sport) << 32 |
                   (uint64_t)GUINT16_SWAP_LE_BE(fl->dport) << 48;
    } else if (fl->type == ETH_TYPE_ARP) {
        kind = KIND_ARP;
        see_arp(p, w);
    }
    if (a->sees_macs) {
        w[4] = bytes_at(p->frame + 6, 6) | bytes_at(p->frame, 2) << 48;
        w[5] |= bytes_at(p->frame + 2, 4);
    }
    w[6] = protocol | (uint64_t)kind << 8;
    if (a->sees_from)
        w[6] |= number_of(p->from.user) << 16 | number_of(p->from.group) << 40;
    if (a->sees_to && p->to_known)
        w[7] = number_of(p->to.user) | number_of(p->to.group) << 24 | 1ull << 48;
    for (unsigned i = 0; i < KEY_WORDS; i++)
        out->w[i] = GUINT64_TO_LE(w[i]) & a->seen.w[i];
}
