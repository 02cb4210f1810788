/* SPDX-License-Identifier: Apache-2.0 */
/* coalesce_law.h - what must hold for every batch: segmenting what was joined gives the packets
 * that went in, each exactly once, those of one flow in their order. */
#pragma once

#include "core/net/coalesce.h"
#include "core/net/flow.h"
#include "core/net/segment.h"
#include "tests/unit/net/packet.h"

/* The group as the frame that a kernel would see. Free with g_free. */
static inline struct frame *
law_gather(const struct coalesce_plan *plan, const struct batch *b, unsigned group)
{
    struct pf_slice iov[COALESCE_IOV_MAX];
    struct pf_offload off;
    size_t len = 0;

    memset(&off, 0xff, sizeof off);
    unsigned n = coalesce_iov(plan, b, group, iov, &off);
    g_assert_cmpuint(n, <=, COALESCE_IOV_MAX);
    for (unsigned i = 0; i < n; i++)
        len += iov[i].len;
    struct frame *f = frame_exact(NULL, len);
    size_t at = 0;
    for (unsigned i = 0; i < n; i++) {
        if (iov[i].len > 0)
            memcpy(f->data + at, iov[i].at, iov[i].len);
        at += iov[i].len;
    }
    g_assert_cmpuint(off.hdr_len, <=, len);
    if (off.flags & PF_NEEDS_CSUM)
        f->flags |= FRAME_NEEDS_CSUM;
    if (off.flags & PF_CSUM_OK)
        f->flags |= FRAME_CSUM_OK;
    if (off.gso_type & 0x80)
        f->flags |= FRAME_ECN;
    f->gso_type = off.gso_type & 0x7f;
    f->gso_size = off.gso_size;
    f->csum_start = off.csum_start;
    f->csum_offset = off.csum_offset;
    return f;
}

/* The segments of the joined frame are the members, their checksums complete. */
static inline void
law_members(const struct coalesce_plan *plan, const struct batch *b, const struct coalesce_group *g,
            const struct frame *joined)
{
    struct segment_iter it;
    struct segment s;
    unsigned at = g->first;

    g_assert_cmpint(segment_begin(&it, joined), ==, DROP_NONE);
    g_assert_cmpuint(segment_count(&it), ==, g->n);
    for (unsigned k = 0; k < g->n; k++) {
        struct frame *want = frame_exact(b->frame[at]->data, b->frame[at]->len);
        want->flags = b->frame[at]->flags;
        want->csum_start = b->frame[at]->csum_start;
        want->csum_offset = b->frame[at]->csum_offset;
        g_assert_cmpint(csum_complete(want), ==, DROP_NONE);
        g_assert_true(segment_next(&it, &s));
        assert_bytes(s.header, s.header_len, want->data, s.header_len);
        assert_bytes(s.payload, s.payload_len, want->data + s.header_len, want->len - s.header_len);
        g_free(want);
        if (k + 1 < g->n) {
            g_assert_cmpuint(plan->next[at], >, at);
            at = plan->next[at];
        }
    }
    g_assert_cmpuint(at, ==, g->last);
}

/* A single one goes as it came. */
static inline void
law_single(const struct frame *in, const struct frame *out)
{
    assert_bytes(out->data, out->len, in->data, in->len);
    g_assert_cmpuint(out->flags & FRAME_NEEDS_CSUM, ==, in->flags & FRAME_NEEDS_CSUM);
    g_assert_cmpuint(out->gso_type, ==, in->gso_type & 0x7f);
}

/* The outer one; 0 for none. */
static inline unsigned
law_vlan(const struct frame *f, const struct flow *flow)
{
    return flow->tags > 0 ? (f->data[14] << 8 | f->data[15]) & 0x0fffu : 0;
}

static inline bool
law_same_flow(const struct frame *a, const struct frame *b)
{
    struct flow x;
    struct flow y;

    return flow_of_frame(a, &x) == DROP_NONE && flow_of_frame(b, &y) == DROP_NONE &&
           x.version != 0 && x.version == y.version && x.proto == y.proto && x.sport == y.sport &&
           x.dport == y.dport && memcmp(x.src, y.src, 16) == 0 && memcmp(x.dst, y.dst, 16) == 0 &&
           law_vlan(a, &x) == law_vlan(b, &y);
}

/* Returns the number of groups. */
static inline unsigned
coalesce_law(const struct batch *b)
{
    g_autofree struct coalesce_plan *plan = g_malloc(sizeof *plan);
    unsigned order[BATCH_MAX];
    unsigned done = 0;

    memset(plan, 0xff, sizeof *plan); /* nothing may depend on what was there */
    coalesce_plan(plan, b);
    for (unsigned k = 0; k < plan->n; k++) {
        const struct coalesce_group *g = &plan->group[k];
        struct frame *joined = law_gather(plan, b, k);
        g_assert_true(k == 0 || g->first > plan->group[k - 1].first);
        if (g->n > 1)
            law_members(plan, b, g, joined);
        else
            law_single(b->frame[g->first], joined);
        g_free(joined);
        unsigned at = g->first;
        for (unsigned i = 0; i < g->n; i++, at = plan->next[at]) {
            g_assert_cmpuint(done, <, b->n);
            order[done++] = at;
        }
    }
    g_assert_cmpuint(done, ==, b->n);
    for (unsigned i = 0; i < done; i++) {
        for (unsigned j = i + 1; j < done; j++) {
            g_assert_cmpuint(order[i], !=, order[j]);
            if (order[i] > order[j])
                g_assert_false(law_same_flow(b->frame[order[i]], b->frame[order[j]]));
        }
    }
    return plan->n;
}
