/* SPDX-License-Identifier: Apache-2.0 */
/* test-segment.c - super-frames against the packets a sender without offload would have made. */

#include "core/net/segment.h"
#include "tests/unit/net/packet.h"

#include <glib.h>

static uint8_t text[65536];
static const uint8_t timestamps[] = {1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9};

static void
check_segment(const struct segment *s, const struct packet *want)
{
    struct frame *f = packet_make(want);

    g_assert_cmpuint(s->header_len + s->payload_len, ==, f->len);
    assert_bytes(s->header, s->header_len, f->data, s->header_len);
    assert_bytes(s->payload, s->payload_len, f->data + s->header_len, s->payload_len);
    g_free(f);
}

/* Segments the packet, and compares with hand-made packets of size bytes each. */
static void
check_super(struct packet super, uint8_t gso_type, uint16_t size)
{
    struct frame *f = packet_make(&super);
    struct segment_iter it;
    struct segment s;
    struct packet want = super;
    unsigned n = (unsigned)(super.payload_len + size - 1) / size;
    size_t longest = 0;

    packet_mark(&super, f, gso_type, size);
    g_assert_true(segment_needs(f));
    g_assert_cmpint(segment_begin(&it, f), ==, DROP_NONE);
    g_assert_cmpuint(segment_count(&it), ==, n);
    for (unsigned i = 0; i < n; i++) {
        want.payload = super.payload + (size_t)i * size;
        want.payload_len = MIN(size, super.payload_len - (size_t)i * size);
        want.seq = super.seq + i * size;
        want.id = super.id == 0 && (super.fragment & 0x4000) ? 0 : (uint16_t)(super.id + i);
        want.flags = super.flags;
        if (i > 0)
            want.flags &= 0x7f; /* CWR */
        if (i + 1 < n)
            want.flags &= 0xf6; /* FIN, PSH */
        g_assert_true(segment_next(&it, &s));
        check_segment(&s, &want);
        longest = MAX(longest, s.header_len + s.payload_len);
    }
    g_assert_false(segment_next(&it, &s));
    g_assert_cmpuint(segment_longest(&it), ==, longest);
    g_free(f);
}

/* The IP packet alone gives the same segments, without their Ethernet headers. */
static void
check_ip(const struct packet *super, uint8_t gso_type, uint16_t size)
{
    const size_t cut = 14;
    struct frame *whole = packet_make(super);
    struct frame *ip = packet_make(super);
    struct segment_iter it;
    struct segment_iter it_ip;
    struct segment s;
    struct segment s_ip;

    packet_mark(super, whole, gso_type, size);
    packet_mark(super, ip, gso_type, size);
    g_assert_nonnull(frame_pull(ip, cut));
    ip->csum_start -= (uint16_t)cut;
    g_assert_cmpint(segment_begin(&it, whole), ==, DROP_NONE);
    g_assert_cmpint(segment_begin_ip(&it_ip, ip), ==, DROP_NONE);
    while (segment_next(&it, &s)) {
        g_assert_true(segment_next(&it_ip, &s_ip));
        assert_bytes(s_ip.header, s_ip.header_len, s.header + cut, s.header_len - cut);
        assert_bytes(s_ip.payload, s_ip.payload_len, s.payload, s.payload_len);
    }
    g_assert_false(segment_next(&it_ip, &s_ip));
    g_free(whole);
    g_free(ip);
}

static const struct packet tcp4 = {
    .id = 0xfffe,
    .sport = 4000,
    .seq = 0xffffff00,
    .ack = 5,
    .flags = 0x10,
    .window = 512,
    .payload = text,
    .payload_len = 5000,
};

static void
test_tcp4(void)
{
    check_super(tcp4, FRAME_GSO_TCP4, 1448); /* identification and sequence wrap */
    struct packet p = tcp4;
    p.payload_len = 4 * 1448; /* no shorter last one */
    check_super(p, FRAME_GSO_TCP4, 1448);
    p.payload_len = 1448;
    check_super(p, FRAME_GSO_TCP4, 1448);
    p.payload_len = 1; /* fewer than a segment */
    check_super(p, FRAME_GSO_TCP4, 1448);
    p.payload_len = 65535 - 40;
    check_super(p, FRAME_GSO_TCP4, 1448);
}

static void
test_without_ethernet(void)
{
    struct packet p = tcp4;

    check_ip(&p, FRAME_GSO_TCP4, 1448);
    check_ip(&p, FRAME_GSO_NONE, 0);
    p.is_ip6 = true;
    check_ip(&p, FRAME_GSO_TCP6, 1428);
    p = (struct packet){.is_udp = true, .sport = 5, .payload = text, .payload_len = 4001};
    check_ip(&p, FRAME_GSO_UDP, 1200);
}

static void
test_ip_id(void)
{
    struct packet p = tcp4;
    p.fragment = 0x4000;
    check_super(p, FRAME_GSO_TCP4, 1448);
    p.id = 0; /* atomic and zero: stays */
    check_super(p, FRAME_GSO_TCP4, 1448);
    p.fragment = 0;
    check_super(p, FRAME_GSO_TCP4, 1448);
}

static void
test_flags(void)
{
    for (unsigned flags = 0; flags < 256; flags++) {
        struct packet p = tcp4;
        p.flags = (uint8_t)(flags & 0xf9); /* all but SYN and RST */
        check_super(p, FRAME_GSO_TCP4, 1000);
    }
}

static void
test_tcp6_tags_options(void)
{
    struct packet p = tcp4;
    p.is_ip6 = true;
    check_super(p, FRAME_GSO_TCP6, 1428);
    p.options = timestamps;
    p.options_len = sizeof timestamps;
    p.tags = 1;
    check_super(p, FRAME_GSO_TCP6, 1416);
    p.is_ip6 = false;
    p.tags = 2;
    p.tos = 3;
    check_super(p, FRAME_GSO_TCP4, 1436);
}

static void
test_udp(void)
{
    struct packet p = {
        .is_udp = true, .sport = 5000, .id = 1, .payload = text, .payload_len = 4001};
    check_super(p, FRAME_GSO_UDP, 1200);
    p.is_ip6 = true;
    p.payload_len = 64 * 100;
    check_super(p, FRAME_GSO_UDP, 100);
}

/* A datagram whose checksum comes out as zero carries ffff (RFC 768). */
static void
test_udp_zero(void)
{
    uint8_t body[2] = {0};
    struct packet p = {.is_udp = true, .payload = body, .payload_len = 2};
    struct frame *f = packet_make(&p);

    put16(body, (uint32_t)(f->data[40] << 8 | f->data[41])); /* now the sum is ffff */
    g_free(f);
    f = packet_make(&p);
    packet_mark(&p, f, FRAME_GSO_NONE, 0);
    g_assert_cmpint(csum_complete(f), ==, DROP_NONE);
    g_assert_cmphex(f->data[40] << 8 | f->data[41], ==, 0xffff);
    g_assert_true(packet_is_sound(f->data, f->len, false));
    g_free(f);
}

/* An ordinary frame comes as it is, even if it is rubbish. */
static void
test_whole(void)
{
    struct frame *f = frame_exact("rubbish", 7);
    struct segment_iter it;
    struct segment s;

    g_assert_false(segment_needs(f));
    g_assert_cmpint(segment_begin(&it, f), ==, DROP_NONE);
    g_assert_cmpuint(segment_count(&it), ==, 1);
    g_assert_cmpuint(segment_longest(&it), ==, 7);
    g_assert_true(segment_next(&it, &s));
    g_assert_cmpuint(s.header_len, ==, 0);
    g_assert_true(s.payload == f->data && s.payload_len == 7);
    g_assert_false(segment_next(&it, &s));
    g_free(f);
}

static void
check_complete(struct packet p)
{
    struct frame *want = packet_make(&p);
    struct frame *f = packet_make(&p);
    struct segment_iter it;
    struct segment s;

    packet_mark(&p, f, FRAME_GSO_NONE, 0);
    f->data[f->csum_start + f->csum_offset] ^= 0xff; /* the field is not believed */
    g_assert_cmpint(segment_begin(&it, f), ==, DROP_NONE);
    g_assert_cmpuint(segment_count(&it), ==, 1);
    g_assert_cmpuint(segment_longest(&it), ==, f->len);
    g_assert_true(segment_next(&it, &s));
    check_segment(&s, &p);
    g_assert_false(segment_next(&it, &s));

    g_assert_cmpint(csum_complete(f), ==, DROP_NONE);
    assert_bytes(f->data, f->len, want->data, want->len);
    g_assert_cmpuint(f->flags, ==, FRAME_CSUM_OK);
    g_assert_false(segment_needs(f));
    g_assert_cmpint(csum_complete(f), ==, DROP_NONE); /* twice is once */
    g_free(f);
    g_free(want);
}

static void
test_complete(void)
{
    struct packet p = tcp4;

    for (unsigned i = 0; i < 8; i++) {
        p.is_ip6 = i & 1;
        p.is_udp = i & 2;
        p.padding = i & 4 ? 6 : 0;
        p.tags = i % 3;
        for (p.payload_len = 0; p.payload_len < 9; p.payload_len++)
            check_complete(p);
    }
}

/* Marks over something that is not known here: completed where they say, the odd place included. */
static void
test_generic(void)
{
    for (unsigned start = 14; start < 16; start++) {
        for (unsigned offset = 0; offset < 4; offset++) {
            struct frame *f = frame_exact(text + 1000, 61);
            f->flags = FRAME_NEEDS_CSUM;
            f->csum_start = (uint16_t)start;
            f->csum_offset = (uint16_t)offset;
            f->data[12] = 0x12; /* no Ethernet type known here */
            uint16_t want = (uint16_t)~slow_sum(0, f->data + start, 61 - start);
            g_assert_cmpint(csum_complete(f), ==, DROP_NONE);
            uint8_t *at = f->data + start + offset;
            g_assert_cmphex(at[0] << 8 | at[1], ==, want ? want : 0xffff);
            g_assert_cmpuint(f->flags, ==, 0);
            g_free(f);
        }
    }
}

static enum drop
begin(const struct frame *f)
{
    struct segment_iter it;
    struct segment s;
    enum drop why = segment_begin(&it, f);

    if (why != DROP_NONE) {
        g_assert_cmpuint(segment_count(&it), ==, 0);
        g_assert_cmpuint(segment_longest(&it), ==, 0);
        g_assert_false(segment_next(&it, &s));
    }
    return why;
}

#define REFUSED(change)                                \
    do {                                               \
        struct frame *f = packet_make(&p);             \
        packet_mark(&p, f, FRAME_GSO_TCP4, 1448);      \
        g_assert_cmpint(begin(f), ==, DROP_NONE);      \
        change;                                        \
        g_assert_cmpint(begin(f), ==, DROP_MALFORMED); \
        g_free(f);                                     \
    } while (0)

/* Every mark that contradicts the headers. */
static void
test_refused(void)
{
    struct packet p = tcp4;
    uint8_t *ip;

    REFUSED(f->gso_size = 0);
    REFUSED(f->gso_size = 2); /* 2500 of them */
    REFUSED(f->gso_type = FRAME_GSO_TCP6);
    REFUSED(f->gso_type = FRAME_GSO_UDP);
    REFUSED(f->gso_type = 3);
    REFUSED(f->gso_type = 0x81);
    REFUSED(f->csum_start++);
    REFUSED(f->csum_start = UINT16_MAX);
    REFUSED(f->csum_offset = 6);
    REFUSED(f->csum_offset = UINT16_MAX);
    REFUSED(f->data[12] = 9);                        /* not IP */
    REFUSED(f->data[14] = 0x65);                     /* nor version 4 */
    REFUSED(f->data[14] = 0x44);                     /* header shorter than its fields */
    REFUSED(ip = f->data + 14; ip[6] |= 0x20);       /* a fragment */
    REFUSED(ip = f->data + 14; ip[7] |= 1);          /* a later fragment */
    REFUSED(ip = f->data + 14; put16(ip + 2, 39));   /* ends within TCP */
    REFUSED(ip = f->data + 14; put16(ip + 2, 5041)); /* ends behind the frame */
    REFUSED(ip = f->data + 14; ip[9] = 17);          /* UDP */
    REFUSED(ip = f->data + 14; ip[32] = 0x40);       /* TCP header too short */
    REFUSED(ip = f->data + 14; ip[33] |= 0x02);      /* SYN */
    REFUSED(ip = f->data + 14; ip[33] |= 0x04);      /* RST */
    REFUSED(f->len = 53);
    REFUSED(f->len = 14);
    REFUSED(f->len = 0);
}

static void
test_refused_generic(void)
{
    for (unsigned end = 0; end < 600; end++) {
        struct frame *f = frame_exact(text, 400);
        f->flags = FRAME_NEEDS_CSUM;
        f->csum_start = (uint16_t)(end / 2);
        f->csum_offset = (uint16_t)(end - end / 2);
        /* the two bytes lie in the part that the iterator copies */
        g_assert_cmpint(begin(f), ==, end + 2 <= SEGMENT_HEADER_MAX ? DROP_NONE : DROP_MALFORMED);
        g_free(f);
    }
    struct frame *f = frame_exact(text, 20);
    f->flags = FRAME_NEEDS_CSUM;
    f->csum_start = 19;
    g_assert_cmpint(csum_complete(f), ==, DROP_MALFORMED);
    f->csum_start = 18;
    g_assert_cmpint(csum_complete(f), ==, DROP_NONE);
    g_free(f);
}

/* Cut anywhere, a super-frame is refused, or whole. */
static void
test_truncated(void)
{
    struct packet p = tcp4;
    p.payload_len = 300;
    p.tags = 1;
    struct frame *whole = packet_make(&p);

    packet_mark(&p, whole, FRAME_GSO_TCP4, 100);
    for (uint32_t len = 0; len < whole->len; len++) {
        struct frame *f = frame_exact(whole->data, len);
        f->flags = whole->flags;
        f->gso_type = whole->gso_type;
        f->gso_size = whole->gso_size;
        f->csum_start = whole->csum_start;
        f->csum_offset = whole->csum_offset;
        g_assert_cmpint(begin(f), ==, DROP_MALFORMED);
        f->gso_type = FRAME_GSO_NONE; /* a checksum alone: in bounds or refused */
        g_assert_cmpint(begin(f), ==, len >= whole->csum_start + 18u ? DROP_NONE : DROP_MALFORMED);
        g_free(f);
    }
    g_free(whole);
}

static unsigned
drain(struct segment_iter *it, struct frame_pool *pool, unsigned *batches)
{
    struct batch b = {0};
    unsigned n = 0;
    unsigned lost = 0;
    bool all;

    do {
        all = segment_to_batch(it, pool, &b, &lost);
        g_assert_true(all || batch_is_full(&b));
        for (unsigned i = 0; i < b.n; i++) {
            g_assert_true(packet_is_sound(b.frame[i]->data, b.frame[i]->len, false));
            g_assert_cmpuint(b.frame[i]->flags, ==, FRAME_CSUM_OK);
        }
        n += b.n;
        ++*batches;
        batch_free_frames(&b);
    } while (!all);
    g_assert_cmpuint(lost, ==, 0);
    return n;
}

static void
test_to_batch(void)
{
    struct frame_pool *pool = frame_pool_new(4);
    struct packet p = tcp4;

    for (unsigned n = 60; n < 140; n++) {
        p.payload_len = n * 100;
        struct frame *f = packet_make(&p);
        struct segment_iter it;
        unsigned batches = 0;
        packet_mark(&p, f, FRAME_GSO_TCP4, 100);
        g_assert_cmpint(segment_begin(&it, f), ==, DROP_NONE);
        g_assert_cmpuint(drain(&it, pool, &batches), ==, n);
        g_assert_cmpuint(batches, ==, (n + BATCH_MAX - 1) / BATCH_MAX);
        g_free(f);
    }
    frame_pool_free(pool);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)g_test_rand_int();
    g_test_add_func("/segment/tcp4", test_tcp4);
    g_test_add_func("/segment/without-ethernet", test_without_ethernet);
    g_test_add_func("/segment/ip-id", test_ip_id);
    g_test_add_func("/segment/flags", test_flags);
    g_test_add_func("/segment/tcp6-tags-options", test_tcp6_tags_options);
    g_test_add_func("/segment/udp", test_udp);
    g_test_add_func("/segment/udp-zero", test_udp_zero);
    g_test_add_func("/segment/whole", test_whole);
    g_test_add_func("/segment/complete", test_complete);
    g_test_add_func("/segment/generic", test_generic);
    g_test_add_func("/segment/refused", test_refused);
    g_test_add_func("/segment/refused-generic", test_refused_generic);
    g_test_add_func("/segment/truncated", test_truncated);
    g_test_add_func("/segment/to-batch", test_to_batch);
    return g_test_run();
}
