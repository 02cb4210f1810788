/* SPDX-License-Identifier: Apache-2.0 */
/* test-coalesce.c - what is joined, what is not and why, and that nothing is lost or overtaken. */

#include "core/net/coalesce.h"
#include "tests/unit/net/coalesce_law.h"

#include <glib.h>

static uint8_t text[65536];
static const uint8_t timestamps[] = {1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9};
static const uint8_t later[] = {1, 1, 8, 10, 0, 0, 0, 8, 0, 0, 0, 9};

static const struct packet first = {
    .id = 7,
    .sport = 4000,
    .seq = 0xfffffff0,
    .ack = 5,
    .flags = 0x10,
    .window = 512,
    .payload = text,
    .payload_len = 100,
};

/* The packet that follows n equal ones. */
static struct packet
follower(struct packet p, unsigned n)
{
    p.id = (uint16_t)(p.id + n);
    p.seq += (uint32_t)(n * p.payload_len);
    p.payload += n;
    return p;
}

static void
add(struct batch *b, const struct packet *p)
{
    batch_add(b, packet_make(p));
}

/* Checks the laws and how many groups there are, and frees the frames. */
static void
check(struct batch *b, unsigned groups)
{
    g_assert_cmpuint(coalesce_law(b), ==, groups);
    for (unsigned i = 0; i < b->n; i++)
        g_free(b->frame[i]);
    b->n = 0;
}

static void
check_train(struct packet p, unsigned n)
{
    struct batch b = {0};

    for (unsigned i = 0; i < n; i++) {
        struct packet next = follower(p, i);
        if (i + 1 == n)
            next.flags |= 0x09; /* FIN, PSH */
        add(&b, &next);
    }
    check(&b, 1);
}

static void
test_train(void)
{
    struct packet p = first;

    for (unsigned i = 0; i < 8; i++) {
        p.is_ip6 = i & 1;
        p.tags = i % 3;
        p.options = i & 2 ? timestamps : NULL;
        p.options_len = i & 2 ? sizeof timestamps : 0;
        p.fragment = i & 4 ? 0x4000 : 0;
        check_train(p, 64);
        check_train(p, 2);
    }
    p.is_ip6 = false;
    p.id = 0; /* atomic: stays zero */
    p.fragment = 0x4000;
    struct batch b = {0};
    for (unsigned i = 0; i < 5; i++) {
        struct packet next = follower(p, i);
        next.id = 0;
        add(&b, &next);
    }
    check(&b, 1);
    p.fragment = 0; /* from zero it counts, when it is not atomic */
    check_train(p, 10);
}

/* The marks and the header that the kernel is given. */
static void
test_marks(void)
{
    struct coalesce_plan plan;
    struct batch b = {0};
    struct packet p = first;
    struct pf_slice iov[COALESCE_IOV_MAX];
    struct pf_offload off;

    p.flags |= 0x80; /* CWR on the first: a super-frame with ECN */
    add(&b, &p);
    p = follower(first, 1);
    p.payload_len = 30;
    add(&b, &p);
    coalesce_plan(&plan, &b);
    g_assert_cmpuint(plan.n, ==, 1);
    g_assert_cmpuint(coalesce_iov(&plan, &b, 0, iov, &off), ==, 3);
    g_assert_cmpuint(iov[0].len, ==, 54);
    g_assert_true(iov[1].at == b.frame[0]->data + 54 && iov[1].len == 100);
    g_assert_true(iov[2].at == b.frame[1]->data + 54 && iov[2].len == 30);
    g_assert_cmpuint(off.flags, ==, PF_NEEDS_CSUM);
    g_assert_cmphex(off.gso_type, ==, 0x81);
    g_assert_cmpuint(off.gso_size, ==, 100);
    g_assert_cmpuint(off.hdr_len, ==, 54);
    g_assert_cmpuint(off.csum_start, ==, 34);
    g_assert_cmpuint(off.csum_offset, ==, 16);
    const uint8_t *ip = (const uint8_t *)iov[0].at + 14;
    g_assert_cmpuint(ip[2] << 8 | ip[3], ==, 170);
    g_assert_cmphex(slow_sum(0, ip, 20), ==, 0xffff);
    g_assert_cmphex(ip[36] << 8 | ip[37], ==, slow_transport_sum(ip, 6, NULL, 0) + 150);
    check(&b, 1);
}

/* One change to the second of two packets that keeps them apart. */
#define APART(change)                        \
    do {                                     \
        struct packet p = follower(base, 1); \
        struct batch b = {0};                \
        add(&b, &base);                      \
        add(&b, &p);                         \
        check(&b, 1);                        \
        add(&b, &base);                      \
        change;                              \
        add(&b, &p);                         \
        check(&b, 2);                        \
    } while (0)

static void
test_apart(void)
{
    struct packet base = first;

    base.options = timestamps;
    base.options_len = sizeof timestamps;
    APART(p.seq++);
    APART(p.seq--);
    APART(p.ack++);
    APART(p.window++);
    APART(p.ttl = 63);
    APART(p.tos = 3); /* congestion experienced */
    APART(p.fragment = 0x4000);
    APART(p.fragment = 0x2000);
    APART(p.fragment = 0x8000);
    APART(p.fragment = 1);
    APART(p.id++);
    APART(p.id--);
    APART(p.sport++);
    APART(p.tags = 1);
    APART(p.options = later);
    APART(p.options_len = 0);
    APART(p.payload_len++);
    APART(p.payload_len = 0);
    APART(p.padding = 2);
    APART(p.flags |= 0x02);
    APART(p.flags |= 0x04);
    APART(p.flags |= 0x20);
    APART(p.flags |= 0x40); /* ECE */
    APART(p.flags |= 0x80); /* CWR */
    APART(p.flags &= 0xef); /* no ACK */
    base.is_ip6 = true;
    APART(p.ttl = 63);
    APART(p.tos = 3);
    APART(p.is_ip6 = false);
    APART(p.seq++);
}

/* Nothing joins what came after the end of a run. */
static void
test_ends(void)
{
    for (unsigned end = 0; end < 3; end++) {
        struct batch b = {0};
        struct packet p = first;
        p.flags |= end == 0 ? 0x08 : end == 1 ? 0x01 : 0;
        p.payload_len -= end == 2 ? 1 : 0;
        add(&b, &first);
        struct packet second = follower(first, 1);
        second.flags = p.flags;
        second.payload_len = p.payload_len;
        add(&b, &second);
        struct packet third = follower(first, 2);
        third.seq -= end == 2 ? 1 : 0;
        add(&b, &third);
        check(&b, 2);
    }
}

static void
test_bad_checksums(void)
{
    /* 24: IP checksum, 50: TCP checksum, 60: payload */
    static const size_t places[] = {24, 50, 60};

    for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
        for (unsigned which = 0; which < 3; which++) {
            struct batch b = {0};
            for (unsigned k = 0; k < 3; k++) {
                struct packet p = follower(first, k);
                add(&b, &p);
            }
            b.frame[which]->data[places[i]] ^= 1;
            check(&b, which == 1 ? 3 : 2);
        }
    }
}

/* What is marked as checked is not checked again; without a checksum, the marks must agree. */
static void
test_marked_members(void)
{
    struct batch b = {0};

    for (unsigned k = 0; k < 3; k++) {
        struct packet p = follower(first, k);
        add(&b, &p);
        packet_mark(&p, b.frame[k], FRAME_GSO_NONE, 0);
    }
    check(&b, 1);
    for (unsigned k = 0; k < 3; k++) {
        struct packet p = follower(first, k);
        add(&b, &p);
        packet_mark(&p, b.frame[k], FRAME_GSO_NONE, 0);
        b.frame[k]->csum_offset = k == 2 ? 6 : 16;
    }
    check(&b, 2);
    for (unsigned k = 0; k < 3; k++) {
        struct packet p = follower(first, k);
        add(&b, &p);
        b.frame[k]->flags = FRAME_CSUM_OK;
    }
    check(&b, 1);
}

/* Flows that alternate are gathered each; more than there is room for only lose the gain. */
static void
test_interleaved(void)
{
    for (unsigned flows = 1; flows <= 32; flows++) {
        struct batch b = {0};
        for (unsigned i = 0; i < 64; i++) {
            struct packet p = follower(first, i / flows);
            p.sport = (uint16_t)(1000 + i % flows);
            add(&b, &p);
        }
        if (flows <= COALESCE_FLOWS)
            check(&b, flows);
        else
            check(&b, 64); /* each has lost its place when its second packet comes */
    }
}

/* An acknowledgement between two packets is not overtaken by the second. */
static void
test_not_overtaken(void)
{
    struct batch b = {0};
    struct packet p = first;

    add(&b, &first);
    p.payload_len = 0;
    add(&b, &p);
    p = follower(first, 1);
    add(&b, &p);
    check(&b, 3);

    add(&b, &first);
    batch_add(&b, frame_exact("\xff\xff\xff\xff\xff\xff\2\0\0\0\0\1\x08\x06", 14)); /* ARP */
    add(&b, &p);
    check(&b, 2); /* not of the flow: may be passed */

    struct packet tagged = first; /* another priority in the VLAN: of the flow, in its order */
    tagged.tags = 1;
    add(&b, &tagged);
    tagged = follower(tagged, 1);
    add(&b, &tagged);
    b.frame[1]->data[14] = 0xe0;
    tagged = follower(tagged, 1);
    add(&b, &tagged);
    check(&b, 3);

    struct packet fragment = first;
    fragment.fragment = 0x0010;
    add(&b, &first);
    add(&b, &fragment); /* perhaps of the flow */
    add(&b, &p);
    check(&b, 3);
}

static void
test_length_limit(void)
{
    struct batch b = {0};
    struct packet p = first;

    p.payload_len = 1448;
    for (unsigned i = 0; i < 64; i++) {
        struct packet next = follower(p, i);
        add(&b, &next);
    }
    check(&b, 2); /* 45 of them are 65160 bytes, one more would be too many */
    p.is_ip6 = true;
    p.payload_len = 9000;
    for (unsigned i = 0; i < 14; i++) {
        struct packet next = follower(p, i);
        add(&b, &next);
    }
    check(&b, 2);
}

/* A super-frame goes as it came, and so does what is too short for any header. */
static void
test_others(void)
{
    struct batch b = {0};
    struct packet p = first;
    struct pf_offload off;

    p.payload_len = 3000;
    add(&b, &p);
    packet_mark(&p, b.frame[0], FRAME_GSO_TCP4, 1000);
    b.frame[0]->flags |= FRAME_ECN;
    coalesce_marks(b.frame[0], &off);
    g_assert_cmphex(off.gso_type, ==, 0x81);
    g_assert_cmpuint(off.gso_size, ==, 1000);
    g_assert_cmpuint(off.hdr_len, ==, 54);
    p = follower(p, 1);
    add(&b, &p);
    batch_add(&b, frame_exact("", 0));
    batch_add(&b, frame_exact("short", 5));
    check(&b, 4);
    check(&b, 0);
}

/* The reverse: the segments of a super-frame are joined to the very same. */
static void
test_inverse(void)
{
    struct frame_pool *pool = frame_pool_new(4);

    for (unsigned n = 2; n <= 64; n++) {
        struct coalesce_plan plan;
        struct batch b = {0};
        struct segment_iter it;
        struct packet p = first;
        unsigned lost = 0;
        p.is_ip6 = n & 1;
        p.options = timestamps;
        p.options_len = n & 2 ? sizeof timestamps : 0;
        p.payload_len = n * 500u - n % 7;
        p.flags = n & 4 ? 0x98 : 0x11;
        struct frame *f = packet_make(&p);
        packet_mark(&p, f, p.is_ip6 ? FRAME_GSO_TCP6 : FRAME_GSO_TCP4, 500);
        g_assert_cmpint(segment_begin(&it, f), ==, DROP_NONE);
        g_assert_true(segment_to_batch(&it, pool, &b, &lost));
        coalesce_plan(&plan, &b);
        g_assert_cmpuint(plan.n, ==, 1);
        struct frame *again = law_gather(&plan, &b, 0);
        assert_bytes(again->data, again->len, f->data, f->len);
        g_assert_cmpuint(again->gso_type, ==, f->gso_type);
        g_assert_cmpuint(again->gso_size, ==, f->gso_size);
        g_assert_cmpuint(again->csum_start, ==, f->csum_start);
        g_assert_cmpuint(again->csum_offset, ==, f->csum_offset);
        g_assert_cmpuint(again->flags & FRAME_ECN, ==, n & 4 ? FRAME_ECN : 0);
        g_free(again);
        g_free(f);
        batch_free_frames(&b);
    }
    frame_pool_free(pool);
}

static void
test_speed(void)
{
    enum { TURNS = 20000 };
    struct coalesce_plan plan;
    struct batch b = {0};

    if (!g_test_perf()) {
        g_test_skip("only with -m perf");
        return;
    }
    for (unsigned i = 0; i < 44; i++) {
        struct packet p = first;
        p.payload_len = 1448;
        p = follower(p, i);
        add(&b, &p);
    }
    for (unsigned marked = 0; marked < 2; marked++) {
        g_test_timer_start();
        for (unsigned i = 0; i < TURNS; i++)
            coalesce_plan(&plan, &b);
        double ns = g_test_timer_elapsed() * 1e9 / TURNS / b.n;
        g_test_minimized_result(ns, "%s: %.1f ns a frame", marked ? "checked" : "unchecked", ns);
        for (unsigned i = 0; i < b.n; i++)
            b.frame[i]->flags = FRAME_CSUM_OK;
    }
    check(&b, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)g_test_rand_int();
    g_test_add_func("/coalesce/train", test_train);
    g_test_add_func("/coalesce/marks", test_marks);
    g_test_add_func("/coalesce/apart", test_apart);
    g_test_add_func("/coalesce/ends", test_ends);
    g_test_add_func("/coalesce/bad-checksums", test_bad_checksums);
    g_test_add_func("/coalesce/marked-members", test_marked_members);
    g_test_add_func("/coalesce/interleaved", test_interleaved);
    g_test_add_func("/coalesce/not-overtaken", test_not_overtaken);
    g_test_add_func("/coalesce/length-limit", test_length_limit);
    g_test_add_func("/coalesce/others", test_others);
    g_test_add_func("/coalesce/inverse", test_inverse);
    g_test_add_func("/coalesce/speed", test_speed);
    return g_test_run();
}
