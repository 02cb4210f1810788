/* SPDX-License-Identifier: Apache-2.0 */
/* l3_icmp.c - what cannot be delivered: errors to its sender, and IPv4 fragments.
 *
 * Errors are rate-limited, and never answer an error, a group, or a later fragment (RFC 1122,
 * 3.2.2). Towards the hub they come from the client's own address: the port has no other, and who
 * gets one looks at the packet that it quotes. Towards the client they come from its gateway.
 */

#include "core/hub/l3/l3_priv.h"
#include "core/net/checksum.h"
#include "core/net/eth.h"
#include "core/net/icmp.h"
#include "core/net/ip6.h"

#include <string.h>

enum {
    QUOTE4_MAX = 576 - IP4_HEADER - ICMP_HEADER,         /* RFC 1812, 4.3.2.3 */
    QUOTE6_MAX = L3_MTU6_MIN - IP6_HEADER - ICMP_HEADER, /* RFC 4443, 2.4, c */
    CODE_HOST = 1,
    CODE_ADDRESS6 = 3,
};

/* ---- errors ---- */

/* Whether an error about this IPv4 packet is allowed. */
static bool
may_answer4(const struct flow *flow, const uint8_t *ip)
{
    uint32_t src = wire_get32(flow->src);
    uint32_t dst = wire_get32(flow->dst);

    if (flow->l4 == 0 || !ip4_is_host(src) || dst >= 0xe0000000)
        return false;
    if (flow->proto != IP_PROTO_ICMP)
        return true;
    uint8_t type = ip[flow->l4 - flow->l3]; /* only queries may be answered by an error */
    return flow->end > flow->l4 && (type == ICMP4_ECHO || type == ICMP4_ECHO_REPLY);
}

/* An ICMP message of the port to the sender of a packet; IP, without Ethernet. */
static struct frame *
error4(struct l3port *p, const uint8_t *ip, size_t ip_len, uint32_t from, const struct icmp *what)
{
    size_t quote = MIN(ip_len, QUOTE4_MAX);
    size_t total = IP4_HEADER + ICMP_HEADER + quote;
    struct ip4 head = {.header_len = IP4_HEADER,
                       .ttl = IP4_TTL,
                       .proto = IP_PROTO_ICMP,
                       .total_len = (uint16_t)total,
                       .src = from,
                       .dst = wire_get32(ip + IP4_AT_SRC)};
    struct icmp message = *what;
    struct frame *f = l3_frame(p, total);

    if (!f)
        return NULL;
    struct writer w = writer_of(f->data, total);
    message.body = reader_of(ip, quote);
    ip4_write(&w, &head);
    icmp_write(&w, &message, 0);
    return f;
}

/* Whether an error about this IPv6 packet is allowed (RFC 4443, 2.4, e). */
static bool
may_answer6(const struct flow *flow, const uint8_t *ip)
{
    if (flow->dst[0] == 0xff || flow->src[0] == 0xff || l3_is_unspecified(flow->src))
        return false;
    if (flow->proto != IP_PROTO_ICMP6)
        return true;
    uint8_t type = flow->l4 > 0 && flow->end > flow->l4 ? ip[flow->l4 - flow->l3] : 0;
    return type >= ICMP6_ECHO && type != ICMP6_REDIRECT;
}

/* As error4(). from: 16 bytes. */
static struct frame *
error6(struct l3port *p, const uint8_t *ip, size_t ip_len, const uint8_t *from,
       const struct icmp *what)
{
    size_t quote = MIN(ip_len, QUOTE6_MAX);
    size_t total = IP6_HEADER + ICMP_HEADER + quote;
    struct ip6 head = {.next = IP_PROTO_ICMP6,
                       .hop_limit = IP4_TTL,
                       .payload_len = (uint16_t)(ICMP_HEADER + quote)};
    struct icmp message = *what;
    struct frame *f = l3_frame(p, total);

    if (!f)
        return NULL;
    struct writer w = writer_of(f->data, total);
    memcpy(head.src, from, sizeof(head.src));
    memcpy(head.dst, ip + IP6_AT_SRC, sizeof(head.dst));
    message.body = reader_of(ip, quote);
    ip6_write(&w, &head);
    icmp_write(&w, &message, csum_pseudo6(head.src, head.dst, IP_PROTO_ICMP6, head.payload_len));
    return f;
}

static bool
may_answer(const struct l3port *p, const struct flow *flow, const uint8_t *ip)
{
    if (flow->version == 4)
        return p->a.has4 && may_answer4(flow, ip);
    return flow->version == 6 && may_answer6(flow, ip);
}

/* The same error in both families. */
struct errors {
    struct icmp v4, v6;
};

static struct errors
too_big(unsigned mtu)
{
    return (struct errors){{.type = ICMP4_UNREACHABLE, .code = ICMP4_CODE_TOO_BIG, .rest = mtu},
                           {.type = ICMP6_TOO_BIG, .rest = mtu}};
}

/* The error about a packet. That of IPv6 comes from where the packet should have gone. */
static struct frame *
error_of(struct l3port *p, const struct flow *flow, const uint8_t *ip, uint32_t from4,
         const struct errors *what)
{
    size_t len = flow->end - flow->l3;

    return flow->version == 4 ? error4(p, ip, len, from4, &what->v4)
                              : error6(p, ip, len, flow->dst, &what->v6);
}

void
l3_too_big(struct l3port *p, const struct frame *f, int64_t now_us)
{
    const struct errors what = too_big(p->mtu);
    struct flow flow;
    struct mac to;

    if (eth_is_group(f->data) || flow_of_frame(f, &flow) != DROP_NONE ||
        !may_answer(p, &flow, f->data + flow.l3) || !rate_take(&p->icmp, 1, now_us))
        return;
    memcpy(to.b, f->data + sizeof(to.b), sizeof(to.b));
    struct frame *e = error_of(p, &flow, f->data + flow.l3, p->a.ip4, &what);
    if (!e)
        return;
    if (l3_frame_push(p, e, &to, flow.type))
        l3_up(p, e, now_us);
    else
        l3_drop(p, e, DROP_NO_HEADROOM);
}

/* To the client it must not come from its own address: that would be spoofed. */
static void
tell_client(struct l3port *p, struct reader in, const struct errors *what, int64_t now_us)
{
    struct flow flow;

    if (flow_parse_ip(in, &flow) != DROP_NONE || !may_answer(p, &flow, in.at) ||
        !rate_take(&p->icmp, 1, now_us))
        return;
    uint32_t from4 = p->a.gateway4 != 0 ? p->a.gateway4 : wire_get32(flow.dst);
    struct frame *e = error_of(p, &flow, in.at, from4, what);
    if (e)
        l3_back(p, e);
}

void
l3_unreachable(struct l3port *p, const struct frame *f, size_t skip, int64_t now_us)
{
    const struct errors what = {{.type = ICMP4_UNREACHABLE, .code = CODE_HOST},
                                {.type = ICMP6_UNREACHABLE, .code = CODE_ADDRESS6}};
    struct reader in = reader_of(f->data, f->len);

    (void)reader_take(&in, skip);
    tell_client(p, in, &what, now_us);
}

bool
l3_is_too_big_up(struct l3port *p, const struct frame *f, int64_t now_us)
{
    bool is_ip4 = f->data[0] >> 4 == 4;
    unsigned mtu = is_ip4 ? p->v4.mtu : p->ip6.mtu;

    if (mtu == 0 || f->len <= mtu || frame_is_super(f) ||
        (is_ip4 && !(wire_get16(f->data + IP4_AT_FRAGMENT) & IP4_DF)))
        return false;
    const struct errors what = too_big(mtu);
    tell_client(p, reader_of(f->data, f->len), &what, now_us);
    return true;
}

/* ---- fragments ---- */

static struct frame *
piece_of(struct l3port *p, const struct frame *f, size_t at, size_t len, bool last)
{
    struct frame *piece = l3_frame(p, ETH_HEADER + IP4_HEADER + len);

    if (!piece)
        return NULL;
    uint8_t *to = piece->data;
    memcpy(to, f->data, ETH_HEADER + IP4_HEADER);
    memcpy(to + ETH_HEADER + IP4_HEADER, f->data + ETH_HEADER + IP4_HEADER + at, len);
    uint8_t *ip = to + ETH_HEADER;
    uint16_t field = wire_get16(ip + IP4_AT_FRAGMENT); /* it may be a fragment itself */
    uint16_t more = last ? field & IP4_MF : IP4_MF;
    wire_put16(ip + IP4_AT_LENGTH, (uint16_t)(IP4_HEADER + len));
    wire_put16(ip + IP4_AT_FRAGMENT, (uint16_t)(more | ((field & IP4_OFFSET) + at / 8)));
    ip4_set_checksum(ip, IP4_HEADER);
    return piece;
}

void
l3_fragment(struct l3port *p, struct frame *f, void (*put)(void *to, struct frame *piece), void *to)
{
    size_t all = f->len - ETH_HEADER - IP4_HEADER;
    size_t step = (p->mtu - IP4_HEADER) & ~(size_t)7;

    for (size_t at = 0; at < all; at += step) {
        size_t len = MIN(step, all - at);
        struct frame *piece = piece_of(p, f, at, len, at + len == all);
        if (!piece) /* counted; the rest is worth nothing alone */
            break;
        put(to, piece);
    }
    frame_free(f);
}
