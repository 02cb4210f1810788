/* SPDX-License-Identifier: Apache-2.0 */
/* vhost_icmp.c - ICMP of the virtual host itself: it answers pings, and tells clients why a packet
 * went nowhere (RFC 792, 1812, 4443).
 */

#include "core/hub/nat/vhost_priv.h"
#include "core/net/checksum.h"
#include "core/net/icmp.h"

enum {
    QUOTE4_MAX = 548,  /* of the packet that it is about (RFC 1812, 4.3.2.3) */
    QUOTE6_MAX = 1232, /* (RFC 4443, 2.4) */
};

void
vhost_icmp_received(struct vhost *v, const struct vhost_packet *p)
{
    const struct flow *fl = &p->flow;
    bool is4 = fl->version == 4;
    struct icmp icmp;
    struct reader in = reader_of(p->frame->data + fl->l4, fl->end - fl->l4);
    if (icmp_parse(in, &icmp) != DROP_NONE || icmp.code != 0 ||
        icmp.type != (is4 ? ICMP4_ECHO : ICMP6_ECHO))
        return;
    struct ip src = vhost_ip(fl->version, fl->dst);
    struct ip dst = vhost_ip(fl->version, fl->src);
    const struct vhost_route route = {
        .mac = &p->src_mac, .src = &src, .dst = &dst, .proto = fl->proto};
    icmp.type = is4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY;
    vhost_send_icmp(v, &route, &icmp);
}

/* Type and code, in both families. */
static void
set_reason(struct icmp *icmp, bool is4, enum vhost_unreachable why)
{
    static const uint8_t type_and_code[][4] = {
        [VHOST_NO_ROUTE] = {ICMP4_UNREACHABLE, 0, ICMP6_UNREACHABLE, 0},
        [VHOST_NO_HOST] = {ICMP4_UNREACHABLE, 1, ICMP6_UNREACHABLE, 3},
        [VHOST_NO_PORT] = {ICMP4_UNREACHABLE, 3, ICMP6_UNREACHABLE, 4},
        [VHOST_PROHIBITED] = {ICMP4_UNREACHABLE, 13, ICMP6_UNREACHABLE, 1},
        [VHOST_TTL_EXCEEDED] = {ICMP4_TIME_EXCEEDED, 0, ICMP6_TIME_EXCEEDED, 0},
    };
    const uint8_t *row = type_and_code[why] + (is4 ? 0 : 2);
    icmp->type = row[0];
    icmp->code = row[1];
}

/* Errors about errors, and about what went to many, are not told. */
static bool
may_be_told(const struct vhost_packet *p)
{
    const struct flow *fl = &p->flow;
    const uint8_t *data = p->frame->data;
    if (eth_is_group(data) || fl->l4 == 0)
        return false;
    if (fl->proto == IP_PROTO_ICMP)
        return fl->l4 < fl->end && data[fl->l4] == ICMP4_ECHO;
    if (fl->proto == IP_PROTO_ICMP6)
        return fl->l4 < fl->end && data[fl->l4] >= ICMP6_ECHO;
    return true;
}

void
vhost_icmp_error(struct vhost *v, const struct vhost_packet *p, enum vhost_unreachable why)
{
    const struct flow *fl = &p->flow;
    bool is4 = fl->version == 4;
    if (!may_be_told(p) || !rate_take(&v->icmp_rate, 1, p->now_us))
        return;
    struct ip dst = vhost_ip(fl->version, fl->src);
    const struct vhost_route route = {
        .mac = &p->src_mac,
        .src = is4 ? &v->ip4 : &v->ip6,
        .dst = &dst,
        .proto = is4 ? IP_PROTO_ICMP : IP_PROTO_ICMP6,
    };
    size_t quote = MIN(fl->end - fl->l3, is4 ? QUOTE4_MAX : QUOTE6_MAX);
    struct icmp icmp = {.body = reader_of(p->frame->data + fl->l3, quote)};
    set_reason(&icmp, is4, why);
    vhost_send_icmp(v, &route, &icmp);
}
