/* SPDX-License-Identifier: Apache-2.0 */
/* coalesce.c - see coalesce.h.
 *
 * One pass. Each frame either extends the open group of its flow, or closes it and starts one.
 * What is no TCP packet that could ever be joined is a group of its own; if it may belong to a
 * flow that is being gathered, it closes that flow's group, so nothing overtakes it.
 */

#include "core/net/coalesce.h"

#include "core/net/checksum.h"
#include "core/net/flow.h"
#include "core/net/ip4.h"
#include "core/net/wire.h"

#include <string.h>

/* What the pass remembers of the flows that are being gathered. */
struct gather {
    unsigned n;
    unsigned oldest; /* gives way when there is no room */
    uint32_t hash[COALESCE_FLOWS];
    uint8_t group[COALESCE_FLOWS];
};

/* A packet of the batch, looked through. */
struct look {
    const struct frame *f;
    struct flow flow;
    uint16_t header_len;
    uint16_t payload;
    uint8_t flags;
    bool may_join; /* may start or extend a group */
};

/* Flags of a packet that is passed on alone: each has a meaning of its own. */
enum { FLAGS_ALONE = TCP_SYN | TCP_RST | TCP_URG };
/* Flags after which a group takes no more. */
enum { FLAGS_LAST = TCP_FIN | TCP_PSH };

static bool
is_plain_ip4(const uint8_t *ip)
{
    uint16_t fragment = wire_get16(ip + 6);
    return ip[0] == 0x45 && (fragment & ~IP4_DF) == 0 && ip4_checksum_is_good(ip, IP4_HEADER);
}

static bool
checksum_is_good(const struct look *l)
{
    const struct frame *f = l->f;
    const struct flow *fl = &l->flow;
    size_t len = fl->end - fl->l4;

    if (f->flags & FRAME_NEEDS_CSUM)
        return f->csum_start == fl->l4 && f->csum_offset == TCP_AT_CHECKSUM;
    if (f->flags & FRAME_CSUM_OK)
        return true;
    uint64_t sum = fl->version == 4 ? csum_pseudo4(fl->src, fl->dst, IP_PROTO_TCP, (uint16_t)len)
                                    : csum_pseudo6(fl->src, fl->dst, IP_PROTO_TCP, (uint32_t)len);
    return csum_is_good(csum_add(sum, f->data + fl->l4, len));
}

static bool
may_join(struct look *l)
{
    const struct frame *f = l->f;
    const struct flow *fl = &l->flow;

    if (frame_is_super(f) || fl->flags != 0 || fl->end != f->len)
        return false;
    const uint8_t *tcp = f->data + fl->l4;
    size_t tcp_len = (size_t)(tcp[12] >> 4) * 4;
    if (fl->l4 + tcp_len >= fl->end || fl->end - fl->l3 > COALESCE_IP_MAX)
        return false; /* no payload: an acknowledgement, which must arrive as often as it was sent
                       */
    l->header_len = (uint16_t)(fl->l4 + tcp_len);
    l->payload = (uint16_t)(fl->end - l->header_len);
    l->flags = tcp[TCP_AT_FLAGS];
    if (l->flags & FLAGS_ALONE)
        return false;
    if (fl->version == 4 && !is_plain_ip4(f->data + fl->l3))
        return false;
    return checksum_is_good(l);
}

/* The hash tells flows apart before their bytes do. The same addresses in another VLAN are another
 * flow; another priority in the same VLAN is not. */
static uint32_t
hash_of(const struct look *l)
{
    uint32_t vlan = l->flow.tags > 0 ? wire_get16(l->f->data + ETH_HEADER) & 0x0fffu : 0;
    return flow_hash(&l->flow) + vlan * 0x9e3779b1u;
}

static bool
same(const uint8_t *a, const uint8_t *b, size_t from, size_t to)
{
    return memcmp(a + from, b + from, to - from) == 0;
}

/* Whether the IP headers differ only where n packets of one train differ. */
static bool
ip_follows(const struct look *l, const uint8_t *first, unsigned n)
{
    const uint8_t *a = first + l->flow.l3;
    const uint8_t *b = l->f->data + l->flow.l3;

    if (l->flow.version == 6)
        return same(a, b, 0, IP6_AT_LENGTH) && same(a, b, IP6_AT_LENGTH + 2, IP6_HEADER);
    if (!same(a, b, 0, IP4_AT_LENGTH) || !same(a, b, 6, IP4_AT_CHECKSUM) ||
        !same(a, b, IP4_AT_SRC, IP4_HEADER))
        return false;
    uint16_t id = wire_get16(a + IP4_AT_ID);
    bool keeps_id = id == 0 && (a[6] & IP4_DF >> 8);
    return wire_get16(b + IP4_AT_ID) == (keeps_id ? 0 : (uint16_t)(id + n));
}

static bool
tcp_follows(const struct look *l, const uint8_t *first, const struct coalesce_group *g)
{
    const uint8_t *a = first + l->flow.l4;
    const uint8_t *b = l->f->data + l->flow.l4;
    uint8_t must_equal = (uint8_t) ~(FLAGS_LAST | TCP_CWR);

    return same(a, b, 0, TCP_AT_SEQ) &&
           wire_get32(b + TCP_AT_SEQ) == wire_get32(a + TCP_AT_SEQ) + g->payload &&
           same(a, b, TCP_AT_SEQ + 4, TCP_AT_FLAGS) && /* acknowledgement, header length */
           ((a[TCP_AT_FLAGS] ^ l->flags) & must_equal) == 0 &&
           same(a, b, TCP_AT_FLAGS + 1, TCP_AT_CHECKSUM) && /* window */
           same(a, b, TCP_AT_CHECKSUM + 2, (size_t)l->header_len - l->flow.l4);
}

/* Whether the packet is the next of the group, so that segmentation would make it again. */
static bool
follows(const struct look *l, const struct coalesce_group *g, const struct batch *b)
{
    const uint8_t *first = b->frame[g->first]->data;

    if (!g->is_open || l->header_len != g->header_len || l->flow.l3 != g->l3 || l->flow.l4 != g->l4)
        return false;
    if (l->payload > g->size || (l->flags & TCP_CWR) ||
        l->header_len - g->l3 + g->payload + l->payload > COALESCE_IP_MAX)
        return false;
    return same(first, l->f->data, 0, g->l3) && ip_follows(l, first, g->n) &&
           tcp_follows(l, first, g);
}

static void
extend(struct coalesce_plan *plan, struct coalesce_group *g, const struct look *l, unsigned i)
{
    plan->next[g->last] = (uint8_t)i;
    g->last = (uint8_t)i;
    g->n++;
    g->flags |= l->flags;
    g->payload += l->payload;
    g->is_open = l->payload == g->size && !(l->flags & FLAGS_LAST);
}

static struct coalesce_group *
start(struct coalesce_plan *plan, const struct look *l, unsigned i)
{
    struct coalesce_group *g = &plan->group[plan->n++];

    g->first = (uint8_t)i;
    g->last = (uint8_t)i;
    g->n = 1;
    g->is_open = l->may_join && !(l->flags & FLAGS_LAST);
    if (!l->may_join)
        return g;
    g->flags = l->flags;
    g->l3 = l->flow.l3;
    g->l4 = l->flow.l4;
    g->header_len = l->header_len;
    g->size = l->payload;
    g->payload = l->payload;
    return g;
}

/* The place of a flow that is being gathered, or n. Two flows with one hash only end each
 * other's groups: all bytes are compared before a packet joins. */
static unsigned
find(const struct gather *gather, uint32_t hash)
{
    unsigned k = 0;
    while (k < gather->n && gather->hash[k] != hash)
        k++;
    return k;
}

static void
remember(struct gather *gather, unsigned at, uint32_t hash, unsigned group)
{
    if (at == COALESCE_FLOWS) {
        at = gather->oldest;
        gather->oldest = (gather->oldest + 1) % COALESCE_FLOWS;
    } else if (at == gather->n) {
        gather->n++;
    }
    gather->hash[at] = hash;
    gather->group[at] = (uint8_t)group;
}

static void
plan_frame(struct coalesce_plan *plan, struct gather *gather, const struct batch *b, unsigned i)
{
    struct look l = {.f = b->frame[i]};

    enum drop why = flow_of_frame(l.f, &l.flow);
    if (why != DROP_NONE || (l.flow.flags & FLOW_FRAGMENT))
        gather->n = 0; /* whose it is cannot be told */
    if (why != DROP_NONE || l.flow.proto != IP_PROTO_TCP || l.flow.l4 == 0) {
        (void)start(plan, &l, i);
        return;
    }
    l.may_join = may_join(&l);

    uint32_t hash = hash_of(&l);
    unsigned at = find(gather, hash);
    struct coalesce_group *g = at < gather->n ? &plan->group[gather->group[at]] : NULL;
    if (g && l.may_join && follows(&l, g, b)) {
        extend(plan, g, &l, i);
        return;
    }
    if (g)
        g->is_open = false;
    g = start(plan, &l, i);
    if (g->is_open)
        remember(gather, at, hash, plan->n - 1);
}

/* The header of the joined packet: the first one's, with the length and the flags of all. */
static void
join_header(struct coalesce_group *g, const struct frame *first)
{
    uint8_t *ip = g->header + g->l3;
    uint8_t *tcp = g->header + g->l4;
    size_t tcp_len = g->header_len - g->l4 + g->payload;
    uint64_t sum;

    memcpy(g->header, first->data, g->header_len);
    tcp[TCP_AT_FLAGS] = g->flags;
    if (ip[0] >> 4 == 4) {
        wire_put16(ip + IP4_AT_LENGTH, (uint16_t)(IP4_HEADER + tcp_len));
        ip4_set_checksum(ip, IP4_HEADER);
        sum = csum_pseudo4(ip + IP4_AT_SRC, ip + IP4_AT_DST, IP_PROTO_TCP, (uint16_t)tcp_len);
    } else {
        wire_put16(ip + IP6_AT_LENGTH, (uint16_t)tcp_len);
        sum = csum_pseudo6(ip + IP6_AT_SRC, ip + IP6_AT_DST, IP_PROTO_TCP, (uint32_t)tcp_len);
    }
    wire_put16(tcp + TCP_AT_CHECKSUM, csum_fold(sum));
}

void
coalesce_plan(struct coalesce_plan *plan, const struct batch *b)
{
    struct gather gather;

    gather.n = 0;
    gather.oldest = 0;
    plan->n = 0;
    for (unsigned i = 0; i < b->n; i++)
        plan_frame(plan, &gather, b, i);
    for (unsigned k = 0; k < plan->n; k++) {
        if (plan->group[k].n > 1)
            join_header(&plan->group[k], b->frame[plan->group[k].first]);
    }
}

/* Where the kernel should cut between headers and payload; it takes any guess in bounds. */
static uint16_t
header_hint(const struct frame *f)
{
    size_t hint = (size_t)f->csum_start + (f->gso_type == FRAME_GSO_UDP ? 8u : TCP_HEADER);
    return (uint16_t)(hint < f->len ? hint : f->len);
}

void
coalesce_marks(const struct frame *f, struct pf_offload *off)
{
    *off = (struct pf_offload){0};
    if (f->flags & FRAME_NEEDS_CSUM) {
        off->flags = PF_NEEDS_CSUM;
        off->csum_start = f->csum_start;
        off->csum_offset = f->csum_offset;
    } else if (f->flags & FRAME_CSUM_OK) {
        off->flags = PF_CSUM_OK;
    }
    if (!frame_is_super(f))
        return;
    off->gso_type = f->gso_type;
    if (f->flags & FRAME_ECN)
        off->gso_type |= 0x80;
    off->gso_size = f->gso_size;
    off->hdr_len = header_hint(f);
}

unsigned
coalesce_iov(const struct coalesce_plan *plan, const struct batch *b, unsigned group,
             struct pf_slice iov[COALESCE_IOV_MAX], struct pf_offload *off)
{
    const struct coalesce_group *g = &plan->group[group];
    struct frame *first = b->frame[g->first];

    if (g->n == 1) {
        coalesce_marks(first, off);
        iov[0] = (struct pf_slice){.at = first->data, .len = first->len};
        return 1;
    }

    bool is_ip4 = g->header[g->l3] >> 4 == 4;
    *off = (struct pf_offload){
        .flags = PF_NEEDS_CSUM,
        .gso_type = is_ip4 ? FRAME_GSO_TCP4 : FRAME_GSO_TCP6,
        .hdr_len = g->header_len,
        .gso_size = g->size,
        .csum_start = g->l4,
        .csum_offset = TCP_AT_CHECKSUM,
    };
    if (g->flags & TCP_CWR)
        off->gso_type |= 0x80;
    iov[0] = (struct pf_slice){.at = (void *)g->header, .len = g->header_len};
    unsigned at = g->first;
    for (unsigned k = 1; k <= g->n; k++, at = plan->next[at]) {
        struct frame *f = b->frame[at];
        iov[k] = (struct pf_slice){.at = f->data + g->header_len, .len = f->len - g->header_len};
    }
    return g->n + 1u;
}
