/* SPDX-License-Identifier: Apache-2.0 */
/* segment.c - see segment.h. */

#include "core/net/segment.h"

#include "core/net/checksum.h"
#include "core/net/flow.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/tcp.h"
#include "core/net/udp.h"
#include "core/net/wire.h"

#include <string.h>

enum kind {
    KIND_WHOLE,   /* nothing to do: the frame itself */
    KIND_GENERIC, /* a checksum at the place that the marks say, over a protocol not known here */
    KIND_TCP,
    KIND_UDP,
};

/* Keeps the first len bytes of the frame, to be changed for each segment. */
static bool
take_header(struct segment_iter *it, size_t len)
{
    if (len > SEGMENT_HEADER_MAX || len > it->frame->len)
        return false;
    memcpy(it->header, it->frame->data, len);
    it->header_len = (uint16_t)len;
    it->at = it->header_len;
    return true;
}

/* What both kinds of work on TCP and UDP need: a whole packet whose ends are known. */
static bool
take_transport(struct segment_iter *it, const struct flow *fl)
{
    const struct frame *f = it->frame;
    bool is_tcp = fl->proto == IP_PROTO_TCP;

    if (fl->version == 0 || fl->l4 == 0 || (fl->flags & (FLOW_FRAGMENT | FLOW_ROUTED)) ||
        (!is_tcp && fl->proto != IP_PROTO_UDP))
        return false;
    size_t l4_len = is_tcp ? (size_t)(f->data[fl->l4 + 12] >> 4) * 4 : UDP_HEADER;
    if (!take_header(it, fl->l4 + l4_len))
        return false;

    it->kind = is_tcp ? KIND_TCP : KIND_UDP;
    it->version = fl->version;
    it->l3 = fl->l3;
    it->l4 = fl->l4;
    it->csum_at = (uint16_t)(fl->l4 + (is_tcp ? TCP_AT_CHECKSUM : UDP_AT_CHECKSUM));
    it->end = fl->end;
    it->pseudo = fl->version == 4 ? csum_pseudo4(fl->src, fl->dst, fl->proto, 0)
                                  : csum_pseudo6(fl->src, fl->dst, fl->proto, 0);
    return true;
}

static bool
marks_agree(const struct segment_iter *it)
{
    const struct frame *f = it->frame;
    return f->csum_start == it->l4 && f->csum_start + f->csum_offset == it->csum_at;
}

/* A datagram may be shorter than its packet; its checksum ends where it ends. */
static bool
udp_is_whole(const struct segment_iter *it)
{
    return it->kind != KIND_UDP ||
           wire_get16(it->header + it->l4 + UDP_AT_LENGTH) == it->end - it->l4;
}

/* One packet. Its pseudo header is computed anew where that is possible: what a peer left in the
 * field is not believed. */
static enum drop
begin_checksum(struct segment_iter *it, const struct flow *fl)
{
    const struct frame *f = it->frame;
    size_t csum_at = (size_t)f->csum_start + f->csum_offset;

    it->n = 1;
    if (fl && take_transport(it, fl) && marks_agree(it) && udp_is_whole(it)) {
        it->size = it->end - it->header_len;
        it->tail = f->len - it->end;
        return DROP_NONE;
    }
    /* For example of a packet inside VXLAN: completed as the marks say, which lie in bounds. */
    if (!take_header(it, csum_at + 2))
        return DROP_MALFORMED;
    it->kind = KIND_GENERIC;
    it->csum_at = (uint16_t)csum_at;
    it->end = f->len;
    it->size = it->end - it->header_len;
    return DROP_NONE;
}

static bool
type_agrees(uint8_t gso_type, const struct flow *fl)
{
    switch (gso_type) {
    case FRAME_GSO_TCP4:
        return fl->version == 4 && fl->proto == IP_PROTO_TCP;
    case FRAME_GSO_TCP6:
        return fl->version == 6 && fl->proto == IP_PROTO_TCP;
    case FRAME_GSO_UDP:
        return fl->proto == IP_PROTO_UDP;
    default:
        return false;
    }
}

static enum drop
begin_super(struct segment_iter *it, const struct flow *fl)
{
    const struct frame *f = it->frame;

    if (!fl || !type_agrees(f->gso_type, fl) || !take_transport(it, fl))
        return DROP_MALFORMED;
    if ((f->flags & FRAME_NEEDS_CSUM) && !marks_agree(it))
        return DROP_MALFORMED;
    if (f->gso_size == 0)
        return DROP_MALFORMED;
    size_t payload = it->end - it->header_len;
    size_t n = payload > f->gso_size ? (payload + f->gso_size - 1) / f->gso_size : 1;
    if (n > SEGMENT_MAX)
        return DROP_MALFORMED;

    it->recount = true;
    it->size = f->gso_size;
    it->n = (uint32_t)n;
    if (it->version == 4) {
        const uint8_t *ip = it->header + it->l3;
        it->id = wire_get16(ip + IP4_AT_ID);
        it->keep_id = it->id == 0 && (ip[6] & IP4_DF >> 8);
    }
    if (it->kind == KIND_TCP) {
        it->seq = wire_get32(it->header + it->l4 + TCP_AT_SEQ);
        it->flags = it->header[it->l4 + TCP_AT_FLAGS];
        if (n > 1 && (it->flags & (TCP_SYN | TCP_RST)))
            return DROP_MALFORMED; /* no sender makes these, and each would be a reset */
    }
    return DROP_NONE;
}

static enum drop
begin(struct segment_iter *it, const struct frame *f,
      enum drop (*parse)(struct reader in, struct flow *out))
{
    struct flow flow;

    memset(it, 0, offsetof(struct segment_iter, header));
    it->frame = f;
    if (!segment_needs(f)) {
        it->kind = KIND_WHOLE;
        it->n = 1;
        it->size = f->len;
        it->end = f->len;
        return DROP_NONE;
    }

    const struct flow *fl = parse(reader_of(f->data, f->len), &flow) == DROP_NONE ? &flow : NULL;
    enum drop why = f->gso_type == FRAME_GSO_NONE ? begin_checksum(it, fl) : begin_super(it, fl);
    if (why != DROP_NONE)
        it->n = 0;
    return why;
}

enum drop
segment_begin(struct segment_iter *it, const struct frame *f)
{
    return begin(it, f, flow_parse);
}

enum drop
segment_begin_ip(struct segment_iter *it, const struct frame *f)
{
    return begin(it, f, flow_parse_ip);
}

unsigned
segment_count(const struct segment_iter *it)
{
    return it->n;
}

size_t
segment_longest(const struct segment_iter *it)
{
    if (it->n == 0)
        return 0;
    return (size_t)it->header_len + it->tail +
           (it->n > 1 ? it->size : (size_t)it->end - it->header_len);
}

/* Lengths, identification and IP checksum of a packet of the super-frame. */
static void
adjust_ip(struct segment_iter *it, size_t payload_len)
{
    uint8_t *ip = it->header + it->l3;
    size_t len = it->header_len - it->l3 + payload_len;

    if (it->version == 6) {
        wire_put16(ip + IP6_AT_LENGTH, (uint16_t)(len - IP6_HEADER));
        return;
    }
    wire_put16(ip + IP4_AT_LENGTH, (uint16_t)len);
    if (!it->keep_id)
        wire_put16(ip + IP4_AT_ID, (uint16_t)(it->id + it->i));
    ip4_set_checksum(ip, (unsigned)(ip[0] & 0x0f) * 4);
}

static void
adjust_tcp(struct segment_iter *it)
{
    uint8_t *tcp = it->header + it->l4;
    uint8_t flags = it->flags;

    if (it->i > 0)
        flags &= (uint8_t)~TCP_CWR;
    if (it->i + 1 < it->n)
        flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    wire_put32(tcp + TCP_AT_SEQ, it->seq + it->i * it->size);
    tcp[TCP_AT_FLAGS] = flags;
}

/* The header of a packet with this payload, all but its checksum. */
static void
adjust(struct segment_iter *it, size_t payload_len)
{
    adjust_ip(it, payload_len);
    if (it->kind == KIND_TCP)
        adjust_tcp(it);
    else
        wire_put16(it->header + it->l4 + UDP_AT_LENGTH, (uint16_t)(UDP_HEADER + payload_len));
}

static void
complete(struct segment_iter *it, const uint8_t *payload, size_t payload_len)
{
    size_t start = it->kind == KIND_GENERIC ? it->frame->csum_start : it->l4;
    size_t covered = it->header_len - start;
    uint64_t sum = 0;

    if (it->kind != KIND_GENERIC) {
        wire_put16(it->header + it->csum_at, 0);
        sum = csum_add_u16(it->pseudo, (uint16_t)(covered + payload_len));
    }
    if (covered % 2 == 0) {
        sum = csum_add(sum, it->header + start, covered);
        sum = csum_add(sum, payload, payload_len);
    } else { /* only a generic checksum at an odd distance: the pieces do not meet at a word */
        sum = csum_add(sum, it->frame->data + start, covered + payload_len);
    }
    wire_put16(it->header + it->csum_at,
               it->kind == KIND_TCP ? csum_finish(sum) : csum_finish_udp(sum));
}

bool
segment_is_verified(const struct segment_iter *it)
{
    return it->kind == KIND_TCP || it->kind == KIND_UDP ||
           (it->kind == KIND_WHOLE && (it->frame->flags & FRAME_CSUM_OK));
}

bool
segment_next(struct segment_iter *it, struct segment *out)
{
    if (it->i == it->n)
        return false;

    const uint8_t *payload = it->frame->data + it->at;
    size_t left = it->end - it->at;
    size_t payload_len = left < it->size ? left : it->size;
    if (it->recount)
        adjust(it, payload_len);
    if (it->kind != KIND_WHOLE)
        complete(it, payload, payload_len);

    *out = (struct segment){
        .header = it->header,
        .header_len = it->header_len,
        .payload = payload,
        .payload_len = payload_len + it->tail,
    };
    it->at += (uint32_t)payload_len;
    it->i++;
    return true;
}

enum drop
csum_complete(struct frame *f)
{
    struct segment_iter it;
    struct segment s;

    if (frame_is_super(f))
        return DROP_MALFORMED;
    enum drop why = segment_begin(&it, f);
    if (why != DROP_NONE || it.kind == KIND_WHOLE)
        return why;
    (void)segment_next(&it, &s); /* there is one */
    memcpy(f->data + it.csum_at, s.header + it.csum_at, 2);

    f->flags &= (uint8_t)~FRAME_NEEDS_CSUM;
    if (segment_is_verified(&it))
        f->flags |= FRAME_CSUM_OK;
    f->csum_start = 0;
    f->csum_offset = 0;
    return DROP_NONE;
}
