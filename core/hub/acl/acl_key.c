/* SPDX-License-Identifier: Apache-2.0 */
/* acl_key.c - from a frame to what rules see of it. */

#include "core/hub/acl/acl_priv.h"
#include "core/net/arp.h"
#include "core/net/eth.h"
#include "core/net/ip.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/tcp.h"

static void
put_number(struct acl_key *k, unsigned at, uint32_t v)
{
    k->b[at] = (uint8_t)(v >> 16);
    k->b[at + 1] = (uint8_t)(v >> 8);
    k->b[at + 2] = (uint8_t)v;
}

static void
put_port(struct acl_key *k, unsigned at, uint16_t v)
{
    k->b[at] = (uint8_t)(v >> 8);
    k->b[at + 1] = (uint8_t)v;
}

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

static void
put_ip4(struct acl_key *k, unsigned at, uint32_t ip)
{
    for (unsigned i = 0; i < 4; i++)
        k->b[at + i] = (uint8_t)(ip >> (24 - 8 * i));
}

/* An ARP for something else than IPv4 has no addresses. */
static void
see_arp(const struct acl_packet *p, struct acl_key *k)
{
    struct reader r = reader_of(p->frame, p->len);
    struct arp arp;

    (void)reader_take(&r, ETH_HEADER + ETH_TAG * (size_t)p->flow->tags);
    if (arp_parse(r, &arp) != DROP_NONE)
        return;
    put_ip4(k, KEY_SRC_IP, arp.sender);
    put_ip4(k, KEY_DST_IP, arp.target);
}

void
acl_key_make(const struct acl *a, const struct acl_packet *p, struct acl_key *out)
{
    const struct flow *fl = p->flow;
    struct acl_key k = {.w = {0}};
    enum key_kind kind = KIND_OTHER;

    if (fl->version != 0) {
        memcpy(k.b + KEY_SRC_IP, fl->src, 16);
        memcpy(k.b + KEY_DST_IP, fl->dst, 16);
        kind = kind_of_ip(a, p);
        k.b[KEY_PROTOCOL] = fl->proto;
        if (1u << kind & KINDS_PORTS) {
            put_port(&k, KEY_SRC_PORT, fl->sport);
            put_port(&k, KEY_DST_PORT, fl->dport);
        }
    } else if (fl->type == ETH_TYPE_ARP) {
        kind = KIND_ARP;
        if (a->on_arp)
            see_arp(p, &k);
    }
    if (a->sees_macs) {
        memcpy(k.b + KEY_DST_MAC, p->frame, 6);
        memcpy(k.b + KEY_SRC_MAC, p->frame + 6, 6);
    }
    k.b[KEY_KIND] = (uint8_t)kind;
    if (a->sees_from) {
        put_number(&k, KEY_FROM_USER, p->from.user);
        put_number(&k, KEY_FROM_GROUP, p->from.group);
    }
    if (a->sees_to && p->to_known) {
        put_number(&k, KEY_TO_USER, p->to.user);
        put_number(&k, KEY_TO_GROUP, p->to.group);
        k.b[KEY_TO_KNOWN] = 1;
    }
    for (unsigned i = 0; i < KEY_WORDS; i++)
        out->w[i] = k.w[i] & a->seen.w[i];
}
