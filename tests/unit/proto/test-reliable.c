/* SPDX-License-Identifier: Apache-2.0 */
/* The reliable channel of L2TP: order, loss, windows, the end of patience; in simulated time. */

#include "core/net/wire.h"
#include "core/proto/reliable.h"

#include <glib.h>

enum { MESSAGE = RELIABLE_HEADER + 4, FLYING = 256, STEP_US = 10 * 1000 };

struct packet {
    unsigned to;
    bool is_ack;
    int64_t at_us;
    size_t len;
    uint8_t bytes[64];
};

/* Two ends, and packets on their way. */
struct world {
    struct reliable end[2];
    struct packet flying[FLYING];
    unsigned n_flying;
    uint32_t got[2];         /* messages that were delivered, in order */
    unsigned most_under_way; /* new ones of end 0 sent, less those it has delivered */
    unsigned loss_percent;
    unsigned packets;
    GRand *rand;
    int64_t now_us;
};

static void
world_init(struct world *w, unsigned loss_percent)
{
    *w = (struct world){.loss_percent = loss_percent, .rand = g_rand_new_with_seed(7), .now_us = 1};
    reliable_init(&w->end[0]);
    reliable_init(&w->end[1]);
}

static void
world_done(struct world *w)
{
    reliable_clear(&w->end[0]);
    reliable_clear(&w->end[1]);
    g_rand_free(w->rand);
}

static bool
queue(struct world *w, unsigned from, uint32_t number)
{
    uint8_t m[MESSAGE] = {0xc8, 0x02};

    wire_put32(m + RELIABLE_HEADER, number);
    return reliable_send(&w->end[from], m, sizeof(m));
}

static void
fly(struct world *w, unsigned from, struct reader r, bool is_ack)
{
    w->packets++;
    if (g_rand_int_range(w->rand, 0, 100) < (int)w->loss_percent || w->n_flying == FLYING)
        return;
    struct packet *p = &w->flying[w->n_flying++];
    *p = (struct packet){.to = 1 - from, .is_ack = is_ack, .len = r.left};
    p->at_us = w->now_us + g_rand_int_range(w->rand, 1, w->loss_percent > 0 ? 80000 : 2);
    memcpy(p->bytes, r.at, r.left);
}

static void
pull_all(struct world *w, unsigned from)
{
    struct reader r = {0};
    uint16_t ns = 0, nr = 0;

    for (;;) {
        enum reliable_pull what = reliable_pull(&w->end[from], w->now_us, &r, &ns, &nr);
        if (what == RELIABLE_NOTHING)
            return;
        uint8_t ack[RELIABLE_HEADER] = {0xc8, 0x02};
        wire_put16(ack + RELIABLE_AT_NS, ns);
        wire_put16(ack + RELIABLE_AT_NR, nr);
        fly(w, from, what == RELIABLE_ACK ? reader_of(ack, sizeof(ack)) : r, what == RELIABLE_ACK);
    }
}

static void
land(struct world *w, const struct packet *p)
{
    struct reader r;

    (void)reliable_received(&w->end[p->to], reader_of(p->bytes, p->len), p->is_ack, w->now_us);
    while (reliable_next(&w->end[p->to], &r)) {
        (void)reader_take(&r, RELIABLE_HEADER);
        g_assert_cmpuint(reader_u32(&r), ==, w->got[p->to]);
        w->got[p->to]++;
    }
}

static void
step(struct world *w)
{
    pull_all(w, 0);
    pull_all(w, 1);
    w->most_under_way = MAX(w->most_under_way, w->n_flying);
    w->now_us += STEP_US;
    for (unsigned i = 0; i < w->n_flying;) {
        if (w->flying[i].at_us > w->now_us) {
            i++;
            continue;
        }
        struct packet p = w->flying[i];
        w->flying[i] = w->flying[--w->n_flying];
        land(w, &p);
    }
}

static void
test_clean(void)
{
    struct world w;

    world_init(&w, 0);
    for (uint32_t i = 0; i < 40; i++)
        g_assert_true(queue(&w, 0, i));
    for (unsigned i = 0; i < 200; i++)
        step(&w);
    g_assert_cmpuint(w.got[1], ==, 40);
    g_assert_true(reliable_is_quiet(&w.end[0]));
    g_assert_cmpint(reliable_deadline(&w.end[0]), ==, 0);
    g_assert_cmpint(reliable_deadline(&w.end[1]), ==, 0);
    g_assert_cmpuint(w.most_under_way, <=, RELIABLE_WINDOW_DEFAULT);
    world_done(&w);
}

static void
test_window(void)
{
    struct world w;

    world_init(&w, 0);
    reliable_set_window(&w.end[0], 1);
    for (uint32_t i = 0; i < 10; i++)
        g_assert_true(queue(&w, 0, i));
    for (unsigned i = 0; i < 300; i++)
        step(&w);
    g_assert_cmpuint(w.got[1], ==, 10);
    g_assert_cmpuint(w.most_under_way, ==, 1);
    world_done(&w);
}

/* Round the end of 16 bits, both ways, a third lost and all out of order. */
static void
test_lossy(void)
{
    struct world w;
    uint32_t sent[2] = {0};

    world_init(&w, 33);
    for (unsigned e = 0; e < 2; e++) {
        w.end[e].ns = w.end[e].sent_ns = w.end[e].high_ns = w.end[e].acked_ns = 0xfff0;
        w.end[e].nr = 0xfff0;
    }
    for (unsigned i = 0; i < 100000 && (w.got[0] < 200 || w.got[1] < 200); i++) {
        for (unsigned e = 0; e < 2; e++)
            if (sent[e] < 200 && queue(&w, e, sent[e]))
                sent[e]++;
        step(&w);
    }
    g_assert_cmpuint(w.got[0], ==, 200);
    g_assert_cmpuint(w.got[1], ==, 200);
    world_done(&w);
}

static void
test_dead(void)
{
    struct world w;
    int64_t begin;

    world_init(&w, 100);
    begin = w.now_us;
    g_assert_true(queue(&w, 0, 0));
    for (unsigned i = 0; i < 100000 && !reliable_is_dead(&w.end[0]); i++)
        step(&w);
    g_assert_true(reliable_is_dead(&w.end[0]));
    g_assert_cmpint(w.now_us - begin, >, 20 * 1000 * 1000);
    g_assert_cmpint(w.now_us - begin, <, 60 * 1000 * 1000);
    g_assert_cmpuint(w.packets, ==, RELIABLE_TRIES);
    g_assert_cmpint(reliable_deadline(&w.end[0]), ==, 0);

    uint8_t m[MESSAGE] = {0}; /* the peer is there after all */
    struct reader r;
    uint16_t ns;
    uint16_t nr;
    g_assert_true(reliable_received(&w.end[0], reader_of(m, sizeof(m)), false, w.now_us));
    reliable_ack_now(&w.end[0], w.now_us);
    g_assert_cmpint(reliable_pull(&w.end[0], w.now_us, &r, &ns, &nr), ==, RELIABLE_ACK);
    g_assert_true(reliable_is_dead(&w.end[0]));
    wire_put16(m + RELIABLE_AT_NR, 1);
    g_assert_true(reliable_received(&w.end[0], reader_of(m, sizeof(m)), true, w.now_us));
    g_assert_false(reliable_is_dead(&w.end[0]));
    g_assert_true(queue(&w, 0, 1));
    g_assert_cmpint(reliable_pull(&w.end[0], w.now_us, &r, &ns, &nr), ==, RELIABLE_MESSAGE);
    world_done(&w);
}

static void
test_full(void)
{
    struct world w;
    uint8_t m[RELIABLE_MESSAGE_MAX + 1] = {0};

    world_init(&w, 0);
    for (uint32_t i = 0; i < RELIABLE_QUEUE; i++)
        g_assert_true(queue(&w, 0, i));
    g_assert_false(queue(&w, 0, 0));
    g_assert_false(reliable_send(&w.end[1], m, sizeof(m)));
    g_assert_false(reliable_send(&w.end[1], m, RELIABLE_HEADER - 1));
    g_assert_false(reliable_received(&w.end[1], reader_of(m, sizeof(m)), false, 1));
    g_assert_false(reliable_received(&w.end[1], reader_of(m, RELIABLE_HEADER - 1), false, 1));
    wire_put16(m + RELIABLE_AT_NS, RELIABLE_WINDOW);
    g_assert_false(reliable_received(&w.end[1], reader_of(m, MESSAGE), false, 1));
    wire_put16(m + RELIABLE_AT_NR, 9); /* acknowledges what was never sent */
    g_assert_true(reliable_received(&w.end[0], reader_of(m, MESSAGE), true, 1));
    for (unsigned i = 0; i < 2000; i++)
        step(&w);
    g_assert_cmpuint(w.got[1], ==, RELIABLE_QUEUE);
    world_done(&w);
}

/* A message that comes twice is delivered once and acknowledged at once. */
static void
test_duplicate(void)
{
    struct world w;
    uint8_t m[MESSAGE] = {0};
    struct reader r;
    uint16_t ns, nr;

    world_init(&w, 0);
    g_assert_true(reliable_received(&w.end[1], reader_of(m, sizeof(m)), false, 1));
    g_assert_true(reliable_next(&w.end[1], &r));
    g_assert_cmpint(reliable_pull(&w.end[1], 1, &r, &ns, &nr), ==, RELIABLE_NOTHING);
    g_assert_cmpint(reliable_deadline(&w.end[1]), ==, 1 + RELIABLE_ACK_US);
    g_assert_true(reliable_received(&w.end[1], reader_of(m, sizeof(m)), false, 2));
    g_assert_false(reliable_next(&w.end[1], &r));
    g_assert_cmpint(reliable_pull(&w.end[1], 2, &r, &ns, &nr), ==, RELIABLE_ACK);
    g_assert_cmpuint(nr, ==, 1);
    g_assert_cmpuint(ns, ==, 0);
    world_done(&w);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/reliable/clean", test_clean);
    g_test_add_func("/reliable/window", test_window);
    g_test_add_func("/reliable/lossy", test_lossy);
    g_test_add_func("/reliable/dead", test_dead);
    g_test_add_func("/reliable/full", test_full);
    g_test_add_func("/reliable/duplicate", test_duplicate);
    return g_test_run();
}
