/* SPDX-License-Identifier: Apache-2.0 */
/* Fragments: cut and put together again in any order, and all that must not be. */

#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/ip_fragment.h"
#include "core/net/wire.h"

#include <glib.h>

#include <string.h>

enum { ROOM = 4096, PIECES = 80 };
#define SECOND INT64_C(1000000)

static const char anna[] = "anna", bert[] = "bert";

struct lab {
    struct frame_pool *pool;
    struct ip_reassembly *r;
    int64_t now_us;
};

static struct lab
lab_new(void)
{
    struct frame_pool *pool = frame_pool_new(16);

    return (struct lab){pool, ip_reassembly_new(pool), 1000 * SECOND};
}

static void
lab_free(struct lab *l)
{
    ip_reassembly_free(l->r);
    g_assert_cmpuint(frame_pool_in_use(l->pool), ==, 0);
    frame_pool_free(l->pool);
}

static const struct ip_reassembly_stats *
stats(const struct lab *l)
{
    return ip_reassembly_stats(l->r);
}

static size_t
make_ip4(uint8_t *at, size_t body, uint16_t id)
{
    struct writer w = writer_of(at, ROOM);
    struct ip4 ip = {.ttl = 64,
                     .proto = IP_PROTO_UDP,
                     .total_len = (uint16_t)(IP4_HEADER + body),
                     .id = id,
                     .src = 0x0a000001,
                     .dst = 0x0a000002};

    ip4_write(&w, &ip);
    for (size_t i = 0; i < body; i++)
        writer_u8(&w, (uint8_t)(i * 7 + i / 256));
    return w.len;
}

static size_t
make_ip6(uint8_t *at, size_t body, bool extensions)
{
    static const uint8_t headers[] = {IP_PROTO_DESTINATION, 0, 1, 4, 0, 0, 0, 0,
                                      IP_PROTO_UDP,         0, 1, 4, 0, 0, 0, 0};
    size_t more = extensions ? sizeof(headers) : 0;
    struct writer w = writer_of(at, ROOM);
    struct ip6 ip = {.hop_limit = 64,
                     .next = extensions ? IP_PROTO_HOP_BY_HOP : IP_PROTO_UDP,
                     .payload_len = (uint16_t)(more + body),
                     .src = {0xfd, 1},
                     .dst = {0xfd, 2}};

    ip6_write(&w, &ip);
    writer_bytes(&w, headers, more);
    for (size_t i = 0; i < body; i++)
        writer_u8(&w, (uint8_t)(i * 5 + i / 256));
    return w.len;
}

static struct frame *
frame_of(struct lab *l, const void *bytes, size_t len)
{
    struct frame *f = frame_new(l->pool, len);

    memcpy(frame_put(f, len), bytes, len);
    return f;
}

static struct frame *
take(struct lab *l, const void *sender, struct frame *f)
{
    return ip_reassembly_take(l->r, sender, f, l->now_us);
}

/* An IPv4 fragment by hand; len is that of its body. */
static struct frame *
piece4(struct lab *l, uint16_t id, uint32_t offset, size_t len, bool more)
{
    uint8_t bytes[ROOM];
    size_t n = make_ip4(bytes, len, id);

    for (size_t i = 0; i < len; i++)
        bytes[IP4_HEADER + i] = (uint8_t)((offset + i) * 3);
    wire_put16(bytes + IP4_AT_FRAGMENT, (uint16_t)(offset / 8 | (more ? IP4_MF : 0)));
    ip4_set_checksum(bytes, IP4_HEADER);
    return frame_of(l, bytes, n);
}

static unsigned
cut(struct lab *l, const uint8_t *packet, size_t len, size_t mtu, struct frame *out[PIECES])
{
    struct ip_split s;
    struct reader payload;
    unsigned n = 0;

    g_assert_cmpint(ip_split_begin(&s, reader_of(packet, len), mtu, 77), ==, DROP_NONE);
    while (ip_split_next(&s, &payload)) {
        uint8_t bytes[ROOM];
        memcpy(bytes, s.header, s.header_len);
        memcpy(bytes + s.header_len, payload.at, payload.left);
        g_assert_cmpuint(s.header_len + payload.left, <=, mtu);
        g_assert_cmpuint(n, <, PIECES);
        out[n++] = frame_of(l, bytes, s.header_len + payload.left);
    }
    return n;
}

static void
shuffle(GRand *rand, struct frame **f, unsigned n)
{
    for (unsigned i = n; i > 1; i--) {
        unsigned k = (unsigned)g_rand_int_range(rand, 0, (int)i);
        struct frame *t = f[k];
        f[k] = f[i - 1];
        f[i - 1] = t;
    }
}

static void
there_and_back(struct lab *l, GRand *rand, const uint8_t *packet, size_t len, size_t mtu)
{
    struct frame *pieces[PIECES];
    struct frame *whole = NULL;
    unsigned n = cut(l, packet, len, mtu, pieces);

    g_assert_cmpuint(n, ==, len <= mtu ? 1 : MAX(n, 2));
    shuffle(rand, pieces, n);
    for (unsigned i = 0; i < n; i++) {
        g_assert_null(whole);
        whole = take(l, anna, pieces[i]);
    }
    g_assert_nonnull(whole);
    g_assert_cmpuint(whole->len, ==, len);
    g_assert_true(memcmp(whole->data, packet, len) == 0);
    frame_free(whole);
    g_assert_cmpuint(ip_reassembly_unfinished(l->r), ==, 0);
    g_assert_cmpuint(frame_pool_in_use(l->pool), ==, 0);
}

static void
test_there_and_back(void)
{
    struct lab l = lab_new();
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    uint8_t packet[ROOM];

    for (size_t body = 8; body < 2500; body += 61) {
        size_t len = make_ip4(packet, body, (uint16_t)body);
        there_and_back(&l, rand, packet, len, 68);
        there_and_back(&l, rand, packet, len, 576);
        there_and_back(&l, rand, packet, len, 1400);
        for (unsigned extensions = 0; extensions < 2; extensions++) {
            len = make_ip6(packet, body, extensions);
            there_and_back(&l, rand, packet, len, 640);
            there_and_back(&l, rand, packet, len, 1280);
        }
    }
    g_assert_cmpuint(stats(&l)->overlap + stats(&l)->crowded + stats(&l)->malformed, ==, 0);
    lab_free(&l);
}

static void
test_untouched(void)
{
    struct lab l = lab_new();
    uint8_t packet[ROOM] = {0};
    struct frame *f = frame_of(&l, packet, make_ip4(packet, 100, 1));

    g_assert_true(take(&l, anna, f) == f);
    frame_free(f);
    f = frame_of(&l, packet, make_ip6(packet, 100, true));
    g_assert_true(take(&l, anna, f) == f);
    frame_free(f);
    f = frame_of(&l, "no packet", 9);
    g_assert_true(take(&l, anna, f) == f);
    frame_free(f);
    f = frame_of(&l, "", 0);
    g_assert_true(take(&l, anna, f) == f);
    frame_free(f);
    lab_free(&l);
}

static void
test_copies_and_clashes(void)
{
    static const struct {
        uint32_t offset;
        size_t len;
        bool more;
    } clashes[] = {
        {8, 16, true},   /* teardrop: within another */
        {0, 64, true},   /* over another */
        {16, 32, true},  /* over the end of the first */
        {64, 80, true},  /* over the last */
        {64, 40, false}, /* another end */
        {200, 8, true},  /* behind the end */
        {200, 8, false}, /* and a later end */
        {32, 8, false},  /* and one before it */
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(clashes); i++) {
        struct lab l = lab_new();
        g_assert_null(take(&l, anna, piece4(&l, 9, 0, 32, true)));
        g_assert_null(take(&l, anna, piece4(&l, 9, 0, 32, true)));
        g_assert_null(take(&l, anna, piece4(&l, 9, 104, 40, false)));
        g_assert_null(take(&l, anna, piece4(&l, 9, 104, 40, false)));
        g_assert_cmpuint(stats(&l)->overlap, ==, 0);
        g_assert_null(
            take(&l, anna, piece4(&l, 9, clashes[i].offset, clashes[i].len, clashes[i].more)));
        g_assert_cmpuint(stats(&l)->overlap, ==, 1);
        g_assert_cmpuint(frame_pool_in_use(l.pool), ==, 0);
        /* What would have completed it, and what would begin it anew, is swallowed ... */
        g_assert_null(take(&l, anna, piece4(&l, 9, 32, 72, true)));
        g_assert_null(take(&l, anna, piece4(&l, 9, 0, 32, true)));
        g_assert_cmpuint(frame_pool_in_use(l.pool), ==, 0);
        l.now_us += IP_REASSEMBLY_S * SECOND; /* ... until its time is over. */
        g_assert_null(take(&l, anna, piece4(&l, 9, 0, 32, true)));
        struct frame *whole = take(&l, anna, piece4(&l, 9, 32, 8, false));
        g_assert_nonnull(whole);
        frame_free(whole);
        g_assert_cmpuint(stats(&l)->expired, ==, 0); /* a grave is none */
        lab_free(&l);
    }
}

/* The same bytes' place, but other bytes. */
static void
test_altered_copy(void)
{
    struct lab l = lab_new();
    struct frame *f = piece4(&l, 9, 0, 32, true);

    f->data[IP4_HEADER + 5] ^= 1;
    g_assert_null(take(&l, anna, piece4(&l, 9, 0, 32, true)));
    g_assert_null(take(&l, anna, f));
    g_assert_cmpuint(stats(&l)->overlap, ==, 1);
    lab_free(&l);
}

static void
test_unsound(void)
{
    struct lab l = lab_new();
    struct frame *f;

    g_assert_null(take(&l, anna, piece4(&l, 1, 0, 0, true)));       /* empty */
    g_assert_null(take(&l, anna, piece4(&l, 1, 0, 33, true)));      /* odd, and more to come */
    g_assert_null(take(&l, anna, piece4(&l, 1, 65528, 40, false))); /* ping of death */
    f = piece4(&l, 1, 0, 8, true); /* TCP's ports alone, RFC 1858 */
    f->data[9] = IP_PROTO_TCP;
    ip4_set_checksum(f->data, IP4_HEADER);
    g_assert_null(take(&l, anna, f));
    f = piece4(&l, 1, 8, 64, true); /* over TCP's flags */
    f->data[9] = IP_PROTO_TCP;
    ip4_set_checksum(f->data, IP4_HEADER);
    g_assert_null(take(&l, anna, f));
    f = piece4(&l, 1, 0, 64, true);
    f->data[IP4_AT_CHECKSUM] ^= 1;
    g_assert_null(take(&l, anna, f));
    g_assert_cmpuint(stats(&l)->malformed, ==, 6);
    g_assert_cmpuint(ip_reassembly_unfinished(l.r), ==, 0);
    lab_free(&l);
}

/* ---- limits ---- */

static void
test_limit_of_sender(void)
{
    struct lab l = lab_new();

    g_assert_null(take(&l, bert, piece4(&l, 0, 0, 32, true)));
    for (unsigned id = 0; id < 3 * IP_REASSEMBLY_SENDER; id++)
        g_assert_null(take(&l, anna, piece4(&l, (uint16_t)id, 0, 32, true)));
    g_assert_cmpuint(ip_reassembly_unfinished(l.r), ==, IP_REASSEMBLY_SENDER + 1);
    g_assert_cmpuint(stats(&l)->crowded, ==, 2 * IP_REASSEMBLY_SENDER);
    /* The newest of anna's and bert's are there, and neither gets the other's. */
    struct frame *whole = take(&l, anna, piece4(&l, 3 * IP_REASSEMBLY_SENDER - 1, 32, 8, false));
    g_assert_nonnull(whole);
    frame_free(whole);
    whole = take(&l, bert, piece4(&l, 0, 32, 8, false));
    g_assert_nonnull(whole);
    frame_free(whole);
    ip_reassembly_forget(l.r, anna);
    g_assert_cmpuint(ip_reassembly_unfinished(l.r), ==, 0);
    g_assert_cmpuint(frame_pool_in_use(l.pool), ==, 0);
    g_assert_null(take(&l, anna, piece4(&l, 0, 0, 32, true)));
    lab_free(&l);
}

static void
test_limit_of_all(void)
{
    struct lab l = lab_new();
    char senders[2 * IP_REASSEMBLY_DATAGRAMS];

    for (unsigned i = 0; i < sizeof(senders); i++)
        g_assert_null(take(&l, senders + i, piece4(&l, 1, 0, 32, true)));
    g_assert_cmpuint(ip_reassembly_unfinished(l.r), ==, IP_REASSEMBLY_DATAGRAMS);
    g_assert_cmpuint(stats(&l)->crowded, ==, IP_REASSEMBLY_DATAGRAMS);
    struct frame *whole = take(&l, senders, piece4(&l, 1, 32, 8, false));
    g_assert_nonnull(whole);
    frame_free(whole);
    lab_free(&l);
}

/* Frames are as large as their buffers, whatever is in them. */
static void
test_limit_of_bytes(void)
{
    struct lab l = lab_new();
    unsigned most = 0;

    for (unsigned i = 0; i < 5000; i++) {
        uint16_t id = (uint16_t)(i / 40);
        g_assert_null(take(&l, anna, piece4(&l, id, 8 * (i % 40), 8, true)));
        most = MAX(most, frame_pool_in_use(l.pool));
    }
    g_assert_cmpuint(most * FRAME_SMALL, <=, IP_REASSEMBLY_SENDER_BYTES);
    g_assert_cmpuint(most, >, 100);
    g_assert_cmpuint(stats(&l)->crowded, >, 0);
    lab_free(&l);
}

static void
test_limit_of_datagram(void)
{
    struct lab l = lab_new();

    for (unsigned i = 0; i <= IP_REASSEMBLY_FRAGMENTS; i++)
        g_assert_null(take(&l, anna, piece4(&l, 5, 8 * i, 8, true)));
    g_assert_cmpuint(stats(&l)->crowded, ==, 1);
    g_assert_cmpuint(frame_pool_in_use(l.pool), ==, 0);
    g_assert_cmpuint(ip_reassembly_unfinished(l.r), ==, 1); /* its grave */
    lab_free(&l);
}

static void
test_time(void)
{
    struct lab l = lab_new();

    g_assert_cmpint(ip_reassembly_deadline(l.r), ==, INT64_MAX);
    g_assert_null(take(&l, anna, piece4(&l, 1, 0, 32, true)));
    int64_t first = l.now_us + IP_REASSEMBLY_S * SECOND;
    l.now_us += SECOND;
    g_assert_null(take(&l, anna, piece4(&l, 2, 0, 32, true)));
    g_assert_null(take(&l, anna, piece4(&l, 1, 32, 32, true))); /* prolongs nothing */
    g_assert_cmpint(ip_reassembly_deadline(l.r), ==, first);
    ip_reassembly_expire(l.r, first - 1);
    g_assert_cmpuint(ip_reassembly_unfinished(l.r), ==, 2);
    ip_reassembly_expire(l.r, first);
    g_assert_cmpuint(ip_reassembly_unfinished(l.r), ==, 1);
    g_assert_cmpint(ip_reassembly_deadline(l.r), ==, first + SECOND);
    g_assert_cmpuint(stats(&l)->expired, ==, 1);
    lab_free(&l);
}

/* RFC 3168, 5.3 */
static void
test_congestion(void)
{
    static const struct {
        uint8_t first, second;
        int want; /* -1: lost */
    } cases[] = {{0, 0, 0}, {2, 2, 2}, {2, 3, 3}, {3, 1, 3}, {3, 3, 3}, {0, 3, -1}, {3, 0, -1}};

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct lab l = lab_new();
        struct frame *a = piece4(&l, 1, 0, 32, true);
        struct frame *b = piece4(&l, 1, 32, 32, false);
        a->data[1] = cases[i].first;
        b->data[1] = cases[i].second;
        ip4_set_checksum(a->data, IP4_HEADER);
        ip4_set_checksum(b->data, IP4_HEADER);
        g_assert_null(take(&l, anna, a));
        struct frame *whole = take(&l, anna, b);
        g_assert_cmpint(whole ? whole->data[1] : -1, ==, cases[i].want);
        g_assert_true(!whole || ip4_checksum_is_good(whole->data, IP4_HEADER));
        frame_free(whole);
        lab_free(&l);
    }
}

static void
test_atomic_ip6(void)
{
    struct lab l = lab_new();
    uint8_t packet[ROOM];
    uint8_t with[ROOM];
    size_t len = make_ip6(packet, 50, false);
    uint8_t header[8] = {IP_PROTO_UDP, 0, 0, 0, 0, 0, 0, 77};

    memcpy(with, packet, IP6_HEADER);
    memcpy(with + IP6_HEADER, header, 8);
    memcpy(with + IP6_HEADER + 8, packet + IP6_HEADER, 50);
    with[IP6_AT_NEXT] = IP_PROTO_FRAGMENT;
    wire_put16(with + IP6_AT_LENGTH, 58);
    struct frame *whole = take(&l, anna, frame_of(&l, with, len + 8));
    g_assert_nonnull(whole);
    g_assert_cmpuint(whole->len, ==, len);
    g_assert_true(memcmp(whole->data, packet, len) == 0);
    frame_free(whole);
    lab_free(&l);
}

/* ---- cutting ---- */

static void
test_may_not_be_cut(void)
{
    struct ip_split s;
    uint8_t packet[ROOM];
    size_t len = make_ip4(packet, 1000, 1);

    g_assert_cmpint(ip_split_begin(&s, reader_of(packet, len), 27, 0), ==, DROP_MTU);
    g_assert_cmpint(ip_split_begin(&s, reader_of(packet, len), 0, 0), ==, DROP_MTU);
    g_assert_cmpint(ip_split_begin(&s, reader_of(packet, 19), 600, 0), ==, DROP_SHORT);
    g_assert_cmpint(ip_split_begin(&s, reader_of(packet, 0), 600, 0), ==, DROP_SHORT);
    packet[6] |= 0x40;
    g_assert_cmpint(ip_split_begin(&s, reader_of(packet, len), 600, 0), ==, DROP_MTU);
    g_assert_cmpint(ip_split_begin(&s, reader_of(packet, len), len, 0), ==, DROP_NONE);
    packet[0] = 0x75;
    g_assert_cmpint(ip_split_begin(&s, reader_of(packet, len), 600, 0), ==, DROP_VERSION);
}

/* A fragment cut again keeps its place. */
static void
test_cut_twice(void)
{
    struct lab l = lab_new();
    uint8_t packet[ROOM];
    struct frame *pieces[PIECES];
    size_t len = make_ip4(packet, 2000, 6);
    unsigned n = cut(&l, packet, len, 1000, pieces);
    struct frame *whole = NULL;

    for (unsigned i = 0; i < n; i++) {
        struct frame *again[PIECES];
        unsigned m = cut(&l, pieces[i]->data, pieces[i]->len, 300, again);
        frame_free(pieces[i]);
        for (unsigned k = 0; k < m; k++) {
            g_assert_null(whole);
            whole = take(&l, anna, again[k]);
        }
    }
    g_assert_nonnull(whole);
    g_assert_true(whole->len == len && memcmp(whole->data, packet, len) == 0);
    frame_free(whole);
    lab_free(&l);
}

static void
test_options(void)
{
    static const uint8_t options[12] = {0x83, 4, 4, 1, 7, 3, 4, 1, 0x88, 4, 9, 9};
    static const uint8_t later[12] = {0x83, 4, 4, 1, 1, 1, 1, 1, 0x88, 4, 9, 9};
    struct ip_split s;
    struct reader payload;
    uint8_t packet[ROOM];
    size_t len = make_ip4(packet, 300 + sizeof(options), 1);

    packet[0] = 0x48;
    memcpy(packet + IP4_HEADER, options, sizeof(options));
    ip4_set_checksum(packet, 32);
    g_assert_cmpint(ip_split_begin(&s, reader_of(packet, len), 150, 0), ==, DROP_NONE);
    for (unsigned i = 0; ip_split_next(&s, &payload); i++) {
        g_assert_cmpuint(s.header_len, ==, 32);
        g_assert_true(ip4_checksum_is_good(s.header, 32));
        g_assert_true(memcmp(s.header + IP4_HEADER, i == 0 ? options : later, 12) == 0);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ip-fragment/there-and-back", test_there_and_back);
    g_test_add_func("/ip-fragment/untouched", test_untouched);
    g_test_add_func("/ip-fragment/copies-and-clashes", test_copies_and_clashes);
    g_test_add_func("/ip-fragment/altered-copy", test_altered_copy);
    g_test_add_func("/ip-fragment/unsound", test_unsound);
    g_test_add_func("/ip-fragment/limit-of-sender", test_limit_of_sender);
    g_test_add_func("/ip-fragment/limit-of-all", test_limit_of_all);
    g_test_add_func("/ip-fragment/limit-of-bytes", test_limit_of_bytes);
    g_test_add_func("/ip-fragment/limit-of-datagram", test_limit_of_datagram);
    g_test_add_func("/ip-fragment/time", test_time);
    g_test_add_func("/ip-fragment/congestion", test_congestion);
    g_test_add_func("/ip-fragment/atomic-ip6", test_atomic_ip6);
    g_test_add_func("/ip-fragment/may-not-be-cut", test_may_not_be_cut);
    g_test_add_func("/ip-fragment/cut-twice", test_cut_twice);
    g_test_add_func("/ip-fragment/options", test_options);
    return g_test_run();
}
