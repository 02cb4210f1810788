/* SPDX-License-Identifier: Apache-2.0 */
/* path_send.c - payloads of services into ESP.
 *
 * Headers are written once a batch into a few bytes of their own, and sealed with the payload from
 * where it lies into the worker's TX scratch. In transport mode a packet that is too long for the
 * way is left to the system, which makes fragments of the outer one; in tunnel mode the inner one
 * is cut here, as the peer's own host would do it.
 */

#include "core/net/checksum.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/udp.h"
#include "core/net/wire.h"
#include "core/proto/ipsec/peer.h"

#include <string.h>

enum {
    OUTER_MTU = 1500,
    IN_IPV4 = 4,
    IN_IPV6 = 41,
    FRAGMENT_HEADER = 8,
    HEAD_MAX = IP6_HEADER + FRAGMENT_HEADER + UDP_HEADER,
    FRAGMENT_UNIT = 8,
};

/* What one batch is sealed with. */
struct sending {
    struct ipsec_carrier *c;
    struct ipsec_child *by;
    struct ip src, dst; /* inside; of transport mode, too: IPv6 has a checksum over them */
    uint8_t next_header;
    size_t fits;          /* longest packet inside of a tunnel */
    struct udp_source to; /* of bare ESP */
    struct udp_tx tx;
};

/* ---- what fits ---- */

static size_t
ip_header(const struct ip *ip)
{
    return ip->family == 6 ? IP6_HEADER : IP4_HEADER;
}

static struct ip
inner_address(const struct ip *seen, const struct esp_selector *s, const struct ip *outer)
{
    if (seen->family != 0)
        return *seen;
    return s->first.family != 0 && ip_equal(&s->first, &s->last) ? s->first : *outer;
}

static size_t
fits(const struct ipsec_peer *p, const struct ipsec_child *by)
{
    return esp_out_fits(by->out,
                        OUTER_MTU - ip_header(&p->remote.ip) - (by->sa.udp ? UDP_HEADER : 0));
}

unsigned
ipsec_path_mtu(const struct ipsec_carrier *c, const struct ipsec_child *by)
{
    struct ip local = inner_address(&c->inner_local, &by->sa.local, &c->c.local.ip);
    size_t mtu = fits(c->peer, by);

    if (by->sa.tunnel)
        mtu -= ip_header(&local);
    if (c->c.protocol == CARRIER_UDP)
        mtu -= UDP_HEADER;
    return (unsigned)mtu;
}

/* ---- headers ---- */

static void
write_udp(const struct sending *s, struct pf_slice payload, uint8_t at[UDP_HEADER])
{
    uint16_t len = (uint16_t)(UDP_HEADER + payload.len);

    wire_put16(at, CARRIER_L2TP_PORT);
    wire_put16(at + 2, s->c->c.remote_port);
    wire_put16(at + UDP_AT_LENGTH, len);
    wire_put16(at + UDP_AT_CHECKSUM, 0); /* ESP proves more, and a NAT would make it wrong */
    if (s->src.family != 6)
        return;
    uint64_t sum = csum_pseudo6(s->src.b, s->dst.b, IP_PROTO_UDP, len);
    sum = csum_add(csum_add(sum, at, UDP_HEADER), payload.at, payload.len);
    wire_put16(at + UDP_AT_CHECKSUM, csum_finish_udp(sum));
}

/* The header of a packet inside of a tunnel; fragment: of the field of IPv4 (IP4_MF and offset), 0:
 * all of it in one. Returns its length. */
static size_t
write_ip(const struct sending *s, size_t len, uint16_t fragment, uint8_t *at)
{
    struct writer w = writer_of(at, IP6_HEADER + FRAGMENT_HEADER);
    struct ipsec_carrier *c = s->c;
    bool split = fragment != 0;

    if (s->src.family != 6) {
        struct ip4 ip = {.ttl = IP4_TTL,
                         .proto = c->c.protocol,
                         .total_len = (uint16_t)(IP4_HEADER + len),
                         .id = c->ip_id,
                         .fragment = fragment,
                         .src = ip_to_v4(&s->src),
                         .dst = ip_to_v4(&s->dst)};
        ip4_write(&w, &ip);
        return w.len;
    }
    struct ip6 ip = {.next = split ? IP_PROTO_FRAGMENT : c->c.protocol,
                     .hop_limit = IP4_TTL,
                     .payload_len = (uint16_t)(len + (split ? FRAGMENT_HEADER : 0))};
    memcpy(ip.src, s->src.b, sizeof(ip.src));
    memcpy(ip.dst, s->dst.b, sizeof(ip.dst));
    ip6_write(&w, &ip);
    if (split) {
        writer_u8(&w, c->c.protocol);
        writer_u8(&w, 0);
        writer_u16(&w, (uint16_t)((fragment & IP4_OFFSET) << 3 | (fragment & IP4_MF ? 1 : 0)));
        writer_u32(&w, c->ip_id);
    }
    return w.len;
}

/* ---- sealing ---- */

static void
seal(struct sending *s, const struct pf_slice *in, unsigned n)
{
    size_t len = 0;

    for (unsigned i = 0; i < n; i++)
        len += in[i].len;
    uint8_t *at = udp_tx_room(&s->tx, esp_out_size(s->by->out, len));
    size_t sealed = esp_out_seal(s->by->out, in, n, s->next_header, at);
    if (sealed == 0)
        return;
    udp_tx_add(&s->tx, sealed);
    s->by->bytes_out += sealed;
}

/* The part of two slices from offset on. */
static unsigned
cut(const struct pf_slice in[2], size_t offset, size_t len, struct pf_slice *out)
{
    unsigned n = 0;

    for (unsigned i = 0; i < 2; i++) {
        size_t skip = MIN(offset, in[i].len);
        size_t take = MIN(len, in[i].len - skip);
        if (take > 0)
            out[n++] = (struct pf_slice){(uint8_t *)in[i].at + skip, take};
        offset -= skip;
        len -= take;
    }
    return n;
}

static void
send_fragments(struct sending *s, const struct pf_slice in[2], size_t len)
{
    size_t header = ip_header(&s->src) + (s->src.family == 6 ? FRAGMENT_HEADER : 0);
    size_t step = (s->fits - header) / FRAGMENT_UNIT * FRAGMENT_UNIT;
    uint8_t head[HEAD_MAX] = {0};
    struct pf_slice part[3];

    for (size_t at = 0; at < len; at += step) {
        size_t n = MIN(step, len - at);
        uint16_t fragment = (uint16_t)(at / FRAGMENT_UNIT | (at + n < len ? IP4_MF : 0));
        part[0] = (struct pf_slice){head, write_ip(s, n, fragment, head)};
        seal(s, part, 1 + cut(in, at, n, part + 1));
    }
}

static void
send_payload(struct sending *s, struct pf_slice payload)
{
    uint8_t udp[UDP_HEADER];
    uint8_t head[HEAD_MAX];
    struct pf_slice in[3] = {{head, 0}, {udp, 0}, payload};

    if (payload.len + HEAD_MAX > UINT16_MAX)
        return;
    if (s->c->c.protocol == CARRIER_UDP) {
        write_udp(s, payload, udp);
        in[1].len = UDP_HEADER;
    }
    size_t len = in[1].len + payload.len;
    if (!s->by->sa.tunnel) {
        seal(s, in + 1, 2);
        return;
    }
    s->c->ip_id++;
    if (ip_header(&s->src) + len > s->fits) {
        send_fragments(s, in + 1, len);
        return;
    }
    in[0].len = write_ip(s, len, 0, head);
    seal(s, in, 3);
}

/* ---- the service's calls ---- */

static void
set_raw_target(const struct ipsec_peer *p, struct udp_source *to)
{
    uint64_t sa[16]; /* a struct sockaddr_storage */
    const struct endpoint at = {.ip = p->remote.ip, .scope = p->remote.scope};

    *to = (struct udp_source){.port = 0};
    (void)endpoint_to_sockaddr(&at, sa);
    memcpy(to->peer, sa, sizeof(to->peer));
    to->local[0] = p->local.ip.family;
    memcpy(to->local + 4, p->local.ip.b, sizeof(p->local.ip.b));
}

/* False: there is no way now. */
static bool
begin(struct sending *s, struct ipsec_carrier *c)
{
    struct ipsec_peer *p = c->peer;
    const struct ipsec_ports *ports = &p->home->ports;

    s->c = c;
    s->by = ipsec_child_to_send(p);
    if (!s->by || c->closed)
        return false;
    const struct esp_child *sa = &s->by->sa;
    struct udp_port *port = sa->udp                    ? ports->nat
                            : p->remote.ip.family == 6 ? ports->raw6
                                                       : ports->raw4;
    if (!port)
        return false;
    s->src = sa->tunnel ? inner_address(&c->inner_local, &sa->local, &p->local.ip) : p->local.ip;
    s->dst =
        sa->tunnel ? inner_address(&c->inner_remote, &sa->remote, &p->remote.ip) : p->remote.ip;
    s->next_header = !sa->tunnel ? c->c.protocol : s->src.family == 6 ? IN_IPV6 : IN_IPV4;
    s->fits = fits(p, s->by);
    if (!sa->udp)
        set_raw_target(p, &s->to);
    udp_tx_begin(&s->tx, port, sa->udp ? &p->at : &s->to);
    return true;
}

static void
end(struct sending *s)
{
    udp_tx_flush(&s->tx);
    ipsec_child_check_wear(s->by);
}

static void
path_send(struct carrier *carrier, struct batch *b, int64_t now_us)
{
    struct sending s;

    (void)now_us;
    if (begin(&s, container_of(carrier, struct ipsec_carrier, c))) {
        for (unsigned i = 0; i < b->n; i++)
            send_payload(&s, (struct pf_slice){b->frame[i]->data, b->frame[i]->len});
        end(&s);
    }
    batch_free_frames(b);
}

static void
path_send_control(struct carrier *carrier, struct reader payload, int64_t now_us)
{
    struct sending s;

    (void)now_us;
    if (!begin(&s, container_of(carrier, struct ipsec_carrier, c)))
        return;
    send_payload(&s, (struct pf_slice){(void *)(uintptr_t)payload.at, payload.left});
    end(&s);
}

const struct carrier_ops ipsec_path_ops = {
    .send = path_send,
    .send_control = path_send_control,
    .close = ipsec_path_close_by_service,
};
