/* SPDX-License-Identifier: Apache-2.0 */
/* test-shaper.c - the shaper in simulated time: rates, latency, bands, super-frames; and a TCP that
 * must find the rate through it. */

#include "core/base/types.h"
#include "core/hub/shape/shaper.h"
#include "core/net/checksum.h"
#include "core/net/eth.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/tcp.h"
#include "core/net/wire.h"

#include <glib.h>

#include <string.h>

enum { MS = 1000, S = 1000000, FULL = 1514, HEADERS = 14 + 20 + 20 };

struct rig {
    struct frame_pool *pool;
    struct shaper *s;
    int64_t now_us;
    unsigned dropped[DROP_N_REASONS];
    uint64_t out_bytes; /* without Ethernet headers */
    unsigned out_frames;
    unsigned last_mark;
};

static void
set_up(struct rig *r, gconstpointer data)
{
    (void)data;
    *r = (struct rig){.pool = frame_pool_new(512), .now_us = 12345678};
}

static void
tear_down(struct rig *r, gconstpointer data)
{
    (void)data;
    shaper_free(r->s);
    g_assert_cmpuint(frame_pool_in_use(r->pool), ==, 0);
    frame_pool_free(r->pool);
}

/* A TCP segment over IPv4; longer than a frame: a super-frame. The mark is its sequence number. */
static struct frame *
tcp4(struct rig *r, unsigned len, uint8_t tos, uint32_t mark)
{
    struct frame *f = frame_new(r->pool, len);
    g_assert(f);
    uint8_t *at = frame_put(f, len);
    g_assert(at);
    memset(at, 0, len);
    struct writer w = writer_of(at, len);
    const struct mac a = {{2, 0, 0, 0, 0, 1}};
    const struct mac b = {{2, 0, 0, 0, 0, 2}};
    eth_write(&w, &a, &b, ETH_TYPE_IP4);
    const struct ip4 ip = {
        .header_len = IP4_HEADER,
        .tos = tos,
        .ttl = IP4_TTL,
        .proto = IP_PROTO_TCP,
        .total_len = (uint16_t)(len - ETH_HEADER),
        .src = 0x0a000001,
        .dst = 0x0a000002,
    };
    ip4_write(&w, &ip);
    wire_put16(at + 34, 1000);
    wire_put16(at + 36, 2000);
    wire_put32(at + 38, mark);
    at[46] = 5 << 4;
    at[47] = TCP_ACK;
    if (len > FULL) {
        f->gso_type = FRAME_GSO_TCP4;
        f->gso_size = FULL - HEADERS;
        f->flags = FRAME_NEEDS_CSUM;
        f->csum_start = 34;
        f->csum_offset = 16;
    }
    return f;
}

static uint32_t
mark_of(const struct frame *f)
{
    return wire_get32(f->data + 38);
}

static void
push(struct rig *r, struct frame *f)
{
    struct batch b = {.n = 1, .frame = {f}};
    shaper_push(r->s, &b, r->pool, r->now_us, r->dropped);
    g_assert_cmpuint(b.n, ==, 0);
}

/* All that may go now. */
static void
pull(struct rig *r)
{
    struct batch b;
    do {
        b.n = 0;
        shaper_pull(r->s, &b, r->now_us, r->dropped);
        for (unsigned i = 0; i < b.n; i++) {
            r->out_bytes += b.frame[i]->len - ETH_HEADER;
            r->out_frames++;
            r->last_mark = mark_of(b.frame[i]);
            frame_free(b.frame[i]);
        }
    } while (b.n > 0);
}

/* Looks at the next tick of a timer at which something is due, as a worker does. */
static void
run_until(struct rig *r, int64_t end_us)
{
    for (;;) {
        int64_t due_us = shaper_due_us(r->s);
        if (due_us > end_us)
            break;
        r->now_us = MAX(r->now_us, (due_us + MS - 1) / MS * MS);
        pull(r);
    }
    r->now_us = end_us;
}

/* ---- rate ---- */

static const uint64_t rates[] = {64000, 1000000, 10000000, 100000000, 1000000000, 4294967295};

/* Twice as much comes as may go: what goes is the rate, and nothing waits too long. */
static void
test_rate(struct rig *r, gconstpointer data)
{
    (void)data;
    for (unsigned i = 0; i < ARRAY_LEN(rates); i++) {
        uint64_t rate = rates[i];
        r->s = shaper_new(rate, true, r->now_us);
        int64_t start_us = r->now_us;
        int64_t length_us = rate > 100000000 ? S / 4 : rate > 1000000 ? 2 * S : 60 * S;
        int64_t step_us = 500;
        uint64_t in_bits = 0;
        unsigned longest = 0;
        r->out_bytes = 0;
        while (r->now_us < start_us + length_us) {
            while (in_bits < 2 * rate / 1000 * (uint64_t)(r->now_us - start_us) / 1000) {
                push(r, tcp4(r, FULL, 0, 0));
                in_bits += (FULL - ETH_HEADER) * 8;
            }
            longest = MAX(longest, (unsigned)shaper_held_bytes(r->s));
            run_until(r, r->now_us + step_us);
        }
        double got = (double)r->out_bytes * 8 * S / (double)length_us / (double)rate;
        g_test_message("%" G_GUINT64_FORMAT " bit/s: %.3f of it, at most %u ms held", rate, got,
                       (unsigned)((uint64_t)longest * 8000 / rate));
        g_assert_cmpfloat(got, >, rate > 64000 ? 0.98 : 0.95);
        g_assert_cmpfloat(got, <, 1.05);
        uint64_t most = MAX(rate / 8 * SHAPER_QUEUE_US / S, (uint64_t)SHAPER_QUEUE_MIN);
        uint64_t burst = MAX(rate / 8 * SHAPER_BURST_US / S, 2ull * FULL);
        g_assert_cmpuint(longest, <=, most + burst);
        g_assert_cmpuint(r->dropped[DROP_QUEUE_FULL] + r->dropped[DROP_AQM], >, 0);
        shaper_free(r->s);
        r->s = NULL;
    }
}

/* Below the limit whole batches pass at once, and what passed counts. */
static void
test_pass(struct rig *r, gconstpointer data)
{
    (void)data;
    r->s = shaper_new(100000000, true, r->now_us);
    struct batch b = {.n = 0};
    for (unsigned i = 0; i < 32; i++)
        batch_add(&b, tcp4(r, FULL, 0, i));
    g_assert_true(shaper_pass(r->s, &b, r->now_us)); /* 48 of the 125 KB of 10 ms */
    g_assert_true(shaper_pass(r->s, &b, r->now_us));
    g_assert_false(shaper_pass(r->s, &b, r->now_us));
    g_assert_true(shaper_pass(r->s, &b, r->now_us + 4 * MS));
    g_assert_cmpint(shaper_due_us(r->s), ==, INT64_MAX);
    batch_free_frames(&b);
    push(r, tcp4(r, FULL, 0, 0));
    g_assert_false(shaper_pass(r->s, &b, r->now_us + S)); /* nothing overtakes what waits */
    pull(r);
    g_assert_cmpuint(r->out_frames, ==, 1);
}

static void
test_change(struct rig *r, gconstpointer data)
{
    (void)data;
    r->s = shaper_new(1000000, true, r->now_us);
    for (unsigned i = 0; i < 6; i++)
        push(r, tcp4(r, FULL, 0, i));
    run_until(r, r->now_us + MS);
    g_assert_cmpuint(r->out_frames, ==, 3); /* the burst, and the one in debt */
    g_assert_cmpint(shaper_due_us(r->s) - r->now_us, >, 10 * MS);
    shaper_set(r->s, 100000000, true, r->now_us);
    run_until(r, r->now_us + MS);
    g_assert_cmpuint(r->out_frames, ==, 6);
    shaper_set(r->s, 64000, true, r->now_us);
    for (unsigned i = 0; i < 7; i++)
        push(r, tcp4(r, FULL, 0, i));
    struct batch b = {.n = 0};
    g_assert_false(shaper_drain(r->s, &b)); /* the limit is lifted */
    g_assert_cmpuint(b.n, ==, 7);
    batch_free_frames(&b);
    g_assert_cmpuint(shaper_held(r->s), ==, 0);
}

/* ---- super-frames ---- */

/* The tokens of the start are gone. */
static void
spend(struct rig *r)
{
    while (shaper_held(r->s) == 0) {
        push(r, tcp4(r, FULL, 0, 0));
        pull(r);
    }
    struct batch b = {.n = 0};
    g_assert_false(shaper_drain(r->s, &b));
    batch_free_frames(&b);
    r->out_frames = 0;
}

/* At a low rate it is cut and what has room goes on; at a high one it passes whole, and costs what
 * its segments cost. */
static void
test_super(struct rig *r, gconstpointer data)
{
    (void)data;
    enum { PAYLOAD = FULL - HEADERS, N = 44, LEN = HEADERS + N * PAYLOAD };
    r->s = shaper_new(64000, true, r->now_us);
    spend(r);
    push(r, tcp4(r, LEN, 0, 0));
    g_assert_cmpuint(shaper_held(r->s), ==, SHAPER_QUEUE_MIN / FULL);
    g_assert_cmpuint(r->dropped[DROP_QUEUE_FULL], ==, N - SHAPER_QUEUE_MIN / FULL);
    run_until(r, r->now_us + 3 * S);
    g_assert_cmpuint(r->out_frames + r->dropped[DROP_AQM], ==, SHAPER_QUEUE_MIN / FULL);
    g_assert_cmpuint(r->last_mark, ==, (SHAPER_QUEUE_MIN / FULL - 1) * PAYLOAD);
    shaper_free(r->s);

    r->s = shaper_new(10000000, true, r->now_us); /* 52 ms of it in one piece */
    spend(r);
    memset(r->dropped, 0, sizeof(r->dropped));
    push(r, tcp4(r, LEN, 0, 0));
    unsigned fit = 10000000 / 8 / 20 / FULL;
    g_assert_cmpuint(shaper_held(r->s), ==, fit);
    g_assert_cmpuint(r->dropped[DROP_QUEUE_FULL], ==, N - fit);
    run_until(r, r->now_us + 100 * MS);
    g_assert_cmpuint(r->out_frames, ==, fit);
    shaper_free(r->s);

    r->s = shaper_new(1000000000, true, r->now_us);
    spend(r);
    for (unsigned i = 0; i < 30; i++)
        push(r, tcp4(r, LEN, 0, i));
    g_assert_cmpuint(shaper_held(r->s), ==, 30);
    int64_t start_us = r->now_us;
    while (shaper_held(r->s) > 0)
        run_until(r, r->now_us + 100);
    int64_t bits = 30ll * N * (FULL - ETH_HEADER) * 8;
    g_assert_cmpint(r->now_us - start_us, >, bits / 1000 - 2 * MS);
    g_assert_cmpint(r->now_us - start_us, <, bits / 1000 + 2 * MS);
    g_assert_cmpuint(r->out_frames, ==, 30);
}

static void
test_super_malformed(struct rig *r, gconstpointer data)
{
    (void)data;
    r->s = shaper_new(64000, true, r->now_us);
    struct frame *f = tcp4(r, 20000, 0, 0);
    f->gso_type = FRAME_GSO_TCP6;
    push(r, f);
    g_assert_cmpuint(r->dropped[DROP_MALFORMED], ==, 1);
    f = tcp4(r, 60, 0, 0);
    f->len = 9; /* not even an Ethernet header */
    push(r, f);
    g_assert_cmpuint(shaper_held(r->s), ==, 1);
}

/* ---- bands ---- */

static struct frame *
arp(struct rig *r)
{
    struct frame *f = tcp4(r, 60, 0, 7777);
    f->data[13] = 0x06;
    return f;
}

static struct frame *
neighbour_solicitation(struct rig *r)
{
    struct frame *f = tcp4(r, 86, 0, 0);
    memset(f->data + ETH_HEADER, 0, 72);
    f->data[12] = 0x86;
    f->data[13] = 0xdd;
    f->data[14] = 0x60;
    f->data[19] = 32;
    f->data[20] = IP_PROTO_ICMP6;
    f->data[54] = 135;
    wire_put32(f->data + 38, 6666);
    return f;
}

static struct frame *
dhcp(struct rig *r)
{
    struct frame *f = tcp4(r, 342, 0, 0);
    f->data[23] = IP_PROTO_UDP;
    wire_put16(f->data + 36, 67);
    wire_put16(f->data + 38, 328 - 20);
    return f;
}

static unsigned
position(struct rig *r, struct frame *f)
{
    uint8_t head[42];
    memcpy(head, f->data, sizeof(head));
    push(r, f);
    unsigned at = 0;
    while (shaper_held(r->s) > 0) {
        struct batch b = {.n = 0};
        r->now_us += MS;
        shaper_pull(r->s, &b, r->now_us, r->dropped);
        for (unsigned i = 0; i < b.n; i++)
            if (memcmp(b.frame[i]->data, head, sizeof(head)) == 0)
                at = shaper_held(r->s) + b.n - 1 - i;
        batch_free_frames(&b);
    }
    return at;
}

static void
fill(struct rig *r, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        push(r, tcp4(r, FULL, 0, i));
}

static void
test_bands(struct rig *r, gconstpointer data)
{
    (void)data;
    r->s = shaper_new(1000000, true, r->now_us);
    fill(r, 3); /* spends the burst */
    r->now_us += MS;
    pull(r);
    enum { N = 5 };
    fill(r, N);
    g_assert_cmpuint(position(r, arp(r)), ==, N); /* all others are still held */
    fill(r, N);
    g_assert_cmpuint(position(r, dhcp(r)), ==, N);
    fill(r, N);
    g_assert_cmpuint(position(r, neighbour_solicitation(r)), ==, N);
    fill(r, N);
    g_assert_cmpuint(position(r, tcp4(r, 200, 0xb8, 99)), ==, N); /* expedited forwarding */
    fill(r, N);
    g_assert_cmpuint(position(r, tcp4(r, 200, 0x02, 99)), ==, 0); /* ECN is not urgent */
    fill(r, N);
    g_assert_cmpuint(position(r, tcp4(r, 200, 0x20, 99)), ==, 0); /* nor is CS1 */
    shaper_set(r->s, 1000000, false, r->now_us);
    fill(r, N);
    g_assert_cmpuint(position(r, tcp4(r, 200, 0xb8, 99)), ==, 0); /* NoQoS */
    fill(r, N);
    g_assert_cmpuint(position(r, arp(r)), ==, N); /* not even then starves */
}

/* Urgent frames alone would fill the rate: the rest still gets a fifth. */
static void
test_share(struct rig *r, gconstpointer data)
{
    (void)data;
    r->s = shaper_new(10000000, true, r->now_us);
    unsigned bulk = 0;
    unsigned urgent = 0;
    for (unsigned i = 0; i < 4000; i++) {
        push(r, tcp4(r, FULL, 0xb8, 1));
        push(r, tcp4(r, FULL, 0, 2));
        r->now_us += MS;
        struct batch b = {.n = 0};
        shaper_pull(r->s, &b, r->now_us, r->dropped);
        for (unsigned k = 0; k < b.n; k++) {
            bulk += mark_of(b.frame[k]) == 2;
            urgent += mark_of(b.frame[k]) == 1;
        }
        batch_free_frames(&b);
    }
    double share = (double)bulk / (bulk + urgent);
    g_assert_cmpfloat(share, >, 0.18);
    g_assert_cmpfloat(share, <, 0.22);
}

/* ---- a TCP through it ---- */

enum { MSS = FULL - HEADERS, MOST = 1 << 16 };

/* Enough of a TCP: slow start, congestion avoidance, halving once a round trip, selective
 * acknowledgements, a retransmission timer. Frames are counted, not bytes. */
struct tcp_model {
    struct rig *r;
    int64_t rtt_us; /* of the path, half of it each way */
    bool super;
    double cwnd, ssthresh;
    unsigned next, una, flight;
    unsigned recover; /* no second reduction before this is acknowledged */
    bool lost[MOST], got[MOST];
    int64_t acked_us; /* when the last acknowledgement came */
    unsigned delivered;
    int64_t longest_us; /* in the queue */
    int64_t sent_us[MOST];
    GQueue acks; /* of struct ack */
};

struct ack {
    int64_t at_us;
    unsigned seq;
};

static void
tcp_send(struct tcp_model *t)
{
    while (t->flight < (unsigned)t->cwnd) {
        unsigned seq = t->next;
        for (unsigned i = t->una; i < t->next; i++) {
            if (t->lost[i % MOST] && !t->got[i % MOST]) {
                seq = i;
                break;
            }
        }
        unsigned n = 1;
        if (seq == t->next && t->super)
            n = CLAMP((unsigned)t->cwnd - t->flight, 1, 44);
        for (unsigned i = seq; i < seq + n; i++) {
            t->lost[i % MOST] = false;
            if (seq == t->next)
                t->got[i % MOST] = false;
            t->sent_us[i % MOST] = t->r->now_us;
        }
        push(t->r, tcp4(t->r, HEADERS + n * MSS, 0, seq * MSS));
        t->flight += n;
        if (seq == t->next)
            t->next += n;
    }
}

static void
tcp_acked(struct tcp_model *t, unsigned seq)
{
    t->acked_us = t->r->now_us;
    if (t->got[seq % MOST])
        return;
    t->got[seq % MOST] = true;
    t->delivered++;
    if (t->flight > 0)
        t->flight--;
    if (t->cwnd < t->ssthresh)
        t->cwnd += 1;
    else
        t->cwnd += 1 / t->cwnd;
    /* What was sent before this one and is not there is lost: the path keeps order. */
    for (unsigned i = t->una; i < seq; i++) {
        if (t->got[i % MOST] || t->lost[i % MOST] || t->sent_us[i % MOST] > t->sent_us[seq % MOST])
            continue;
        t->lost[i % MOST] = true;
        if (t->flight > 0)
            t->flight--;
        if (i >= t->recover) {
            t->ssthresh = MAX(2, t->cwnd * 0.7);
            t->cwnd = t->ssthresh;
            t->recover = t->next;
        }
    }
    while (t->una < t->next && t->got[t->una % MOST])
        t->una++;
}

static void
tcp_timeout(struct tcp_model *t)
{
    int64_t rto_us = MAX(S, 4 * t->rtt_us);
    if (t->flight == 0 || t->r->now_us - t->acked_us < rto_us)
        return;
    t->ssthresh = MAX(2, t->cwnd / 2);
    t->cwnd = 2;
    t->flight = 0;
    for (unsigned i = t->una; i < t->next; i++)
        t->lost[i % MOST] = !t->got[i % MOST];
    t->recover = t->next;
    t->acked_us = t->r->now_us;
}

/* What the shaper lets go arrives half a round trip later, and its acknowledgement another half.
 */
static void
tcp_pull(struct tcp_model *t)
{
    struct rig *r = t->r;
    struct batch b;
    do {
        b.n = 0;
        shaper_pull(r->s, &b, r->now_us, r->dropped);
        for (unsigned i = 0; i < b.n; i++) {
            unsigned first = mark_of(b.frame[i]) / MSS;
            unsigned n = (b.frame[i]->len - HEADERS) / MSS;
            for (unsigned k = first; k < first + n; k++) {
                struct ack *a = g_new(struct ack, 1);
                *a = (struct ack){r->now_us + t->rtt_us, k};
                g_queue_push_tail(&t->acks, a);
                t->longest_us = MAX(t->longest_us, r->now_us - t->sent_us[k % MOST]);
            }
            r->out_bytes += b.frame[i]->len - ETH_HEADER;
            frame_free(b.frame[i]);
        }
    } while (b.n > 0);
}

static double
tcp_run(struct rig *r, uint64_t rate, int64_t rtt_us, bool super, int64_t *ret_longest_us)
{
    g_autofree struct tcp_model *t = g_new0(struct tcp_model, 1);
    *t = (struct tcp_model){.r = r,
                            .rtt_us = rtt_us,
                            .super = super,
                            .cwnd = 10,
                            .ssthresh = 1e9,
                            .acked_us = r->now_us};
    int64_t tick_us = rate > 100000000 ? 200 : MS;
    int64_t length_us = rate > 100000000 ? 2 * S : rate > 1000000 ? 10 * S : 120 * S;
    int64_t warm_us = length_us / 5;
    int64_t start_us = r->now_us;
    unsigned warm = 0;
    int64_t looked_us = 0;
    r->s = shaper_new(rate, true, r->now_us);
    g_queue_init(&t->acks);
    while (r->now_us < start_us + length_us) {
        if (r->now_us < start_us + warm_us) {
            warm = t->delivered;
            t->longest_us = 0;
        }
        struct ack *a;
        while ((a = g_queue_peek_head(&t->acks)) && a->at_us <= r->now_us) {
            tcp_acked(t, a->seq);
            g_free(g_queue_pop_head(&t->acks));
        }
        tcp_timeout(t);
        tcp_send(t);
        if (shaper_due_us(r->s) <= r->now_us && r->now_us - looked_us >= MS) {
            tcp_pull(t);
            looked_us = r->now_us;
        }
        r->now_us += tick_us;
    }
    g_queue_clear_full(&t->acks, g_free);
    *ret_longest_us = t->longest_us;
    shaper_free(r->s);
    r->s = NULL;
    return (double)(t->delivered - warm) * (FULL - ETH_HEADER) * 8 * S /
           (double)(length_us - warm_us) / (double)rate;
}

struct tcp_case {
    uint64_t rate;
    int64_t rtt_us;
    double least;
    int64_t longest_us;
};

static void
test_tcp(struct rig *r, gconstpointer data)
{
    static const struct tcp_case cases[] = {
        {64000, 1 * MS, 0.95, 1600 * MS},    {64000, 200 * MS, 0.90, 1600 * MS},
        {1000000, 20 * MS, 0.95, 110 * MS},  {10000000, 1 * MS, 0.95, 55 * MS},
        {10000000, 50 * MS, 0.95, 55 * MS},  {100000000, 10 * MS, 0.95, 55 * MS},
        {1000000000, 1 * MS, 0.95, 55 * MS},
    };
    (void)data;
    for (unsigned i = 0; i < 2 * ARRAY_LEN(cases); i++) {
        const struct tcp_case *c = &cases[i / 2];
        int64_t longest_us;
        double got = tcp_run(r, c->rate, c->rtt_us, i % 2, &longest_us);
        g_test_message("%" G_GUINT64_FORMAT " bit/s, rtt %d ms, %s: %.3f, held %.1f ms", c->rate,
                       (int)(c->rtt_us / MS), i % 2 ? "super-frames" : "frames", got,
                       (double)longest_us / MS);
        g_assert_cmpfloat(got, >=, c->least);
        g_assert_cmpfloat(got, <=, 1.05);
        g_assert_cmpint(longest_us, <=, c->longest_us);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(name, fn) g_test_add("/shaper/" name, struct rig, NULL, set_up, fn, tear_down)
    TEST("rate", test_rate);
    TEST("pass", test_pass);
    TEST("change", test_change);
    TEST("super", test_super);
    TEST("super-malformed", test_super_malformed);
    TEST("bands", test_bands);
    TEST("share", test_share);
    TEST("tcp", test_tcp);
    return g_test_run();
}
