/* SPDX-License-Identifier: Apache-2.0 */
/* test-l3-neigh.c - the neighbour table in a time of its own: asking, answers, who is believed, and
 * every bound. */

#include "core/base/batch.h"
#include "core/hub/l3/l3_neigh.h"
#include "core/hub/l3/l3port.h"

#define S INT64_C(1000000)

static const struct mac mac_a = {{2, 0, 0, 0, 0, 0xa}};
static const struct mac mac_b = {{2, 0, 0, 0, 0, 0xb}};

struct lab {
    struct l3_neigh t;
    struct frame_pool *pool;
    int64_t now_us;
    unsigned asked, asked_all, ready, failed;
    struct ip last;
    struct mac at;
};

static void
on_solicit(void *owner, const struct ip *who, const struct mac *at, int64_t now_us)
{
    struct lab *lab = owner;
    g_assert_cmpint(now_us, ==, lab->now_us);
    lab->last = *who;
    lab->asked++;
    lab->asked_all += at == NULL;
}

static void
free_all(struct frame **frames, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        frame_free(frames[i]);
}

static void
on_ready(void *owner, const struct mac *at, struct frame **frames, unsigned n, int64_t now_us)
{
    (void)now_us;
    struct lab *lab = owner;
    lab->ready += n;
    lab->at = *at;
    for (unsigned i = 1; i < n; i++) /* in the order in which they came */
        g_assert_cmpuint(frames[i]->csum_start, >, frames[i - 1]->csum_start);
    free_all(frames, n);
}

static void
on_failed(void *owner, const struct ip *who, struct frame **frames, unsigned n, int64_t now_us)
{
    (void)now_us;
    struct lab *lab = owner;
    lab->failed += n;
    lab->last = *who;
    free_all(frames, n);
}

static const struct l3_neigh_ops ops = {
    .solicit = on_solicit, .ready = on_ready, .failed = on_failed};

static void
set_up(struct lab *lab, const void *data)
{
    (void)data;
    *lab = (struct lab){.pool = frame_pool_new(4), .now_us = 1000 * S};
    l3_neigh_init(&lab->t, 42, &ops, lab);
}

static void
tear_down(struct lab *lab, const void *data)
{
    (void)data;
    l3_neigh_done(&lab->t);
    g_assert_cmpuint(lab->t.n_asked, ==, 0);
    g_assert_cmpuint(lab->t.n_pending, ==, 0);
    g_assert_cmpuint(frame_pool_in_use(lab->pool), ==, 0);
    frame_pool_free(lab->pool);
}

static bool
wait_for(struct lab *lab, struct ip who)
{
    static uint16_t number;
    struct frame *f = frame_new(lab->pool, 100);
    f->csum_start = ++number; /* just a mark to tell them apart */
    if (l3_neigh_wait(&lab->t, &who, f, lab->now_us))
        return true;
    frame_free(f);
    return false;
}

static bool
finds(struct lab *lab, struct ip who, const struct mac *at)
{
    struct mac found;
    if (!l3_neigh_find(&lab->t, &who, &found, lab->now_us))
        return false;
    g_assert_true(mac_equal(&found, at));
    return true;
}

static void
learn(struct lab *lab, struct ip who, const struct mac *at, enum l3_neigh_how how)
{
    l3_neigh_learn(&lab->t, &who, at, how, lab->now_us);
}

static void
next(struct lab *lab)
{
    g_assert_cmpint(lab->t.deadline_us, >, 0);
    lab->now_us = MAX(lab->now_us, lab->t.deadline_us);
    l3_neigh_tick(&lab->t, lab->now_us);
}

static void
test_ask(struct lab *lab, const void *data)
{
    (void)data;
    struct ip who = ip_from_v4(0x0a000001);
    g_assert_false(finds(lab, who, &mac_a));
    for (unsigned i = 0; i < L3PORT_PENDING_MAX; i++)
        g_assert_true(wait_for(lab, who));
    g_assert_false(wait_for(lab, who));
    g_assert_cmpuint(lab->asked_all, ==, 1);
    next(lab);
    g_assert_cmpuint(lab->asked_all, ==, 2);
    learn(lab, who, &mac_a, L3_NEIGH_ANSWER);
    g_assert_cmpuint(lab->ready, ==, L3PORT_PENDING_MAX);
    g_assert_true(mac_equal(&lab->at, &mac_a));
    g_assert_true(finds(lab, who, &mac_a));
    next(lab); /* nothing left to do */
    g_assert_cmpint(lab->t.deadline_us, ==, 0);
    g_assert_cmpuint(lab->asked, ==, 2);
}

static void
test_nobody(struct lab *lab, const void *data)
{
    (void)data;
    struct ip who = ip_from_v4(0x0a000001);
    int64_t then_us = lab->now_us;
    g_assert_true(wait_for(lab, who));
    while (lab->failed == 0)
        next(lab);
    g_assert_cmpint(lab->now_us - then_us, ==, L3_NEIGH_TRIES * S);
    g_assert_cmpuint(lab->asked_all, ==, L3_NEIGH_TRIES);
    g_assert_true(ip_equal(&lab->last, &who));
    g_assert_true(wait_for(lab, who)); /* and may be tried anew */
}

/* An entry in use is asked for again, by unicast, and forgotten when nobody answers. */
static void
test_refresh(struct lab *lab, const void *data)
{
    (void)data;
    struct ip who = ip_from_v4(0x0a000001);
    learn(lab, who, &mac_a, L3_NEIGH_ASKS);
    lab->now_us += 119 * S;
    g_assert_true(finds(lab, who, &mac_a));
    g_assert_cmpuint(lab->asked, ==, 0);
    lab->now_us += 2 * S;
    g_assert_true(finds(lab, who, &mac_a));
    g_assert_true(finds(lab, who, &mac_a));
    g_assert_cmpuint(lab->asked, ==, 1);
    g_assert_cmpuint(lab->asked_all, ==, 0);
    learn(lab, who, &mac_b, L3_NEIGH_ANSWER); /* we asked: it has moved */
    g_assert_true(finds(lab, who, &mac_b));
    lab->now_us += 121 * S;
    g_assert_true(finds(lab, who, &mac_b));
    while (lab->t.deadline_us != 0)
        next(lab);
    g_assert_cmpuint(lab->asked, ==, 1 + L3_NEIGH_TRIES);
    g_assert_false(finds(lab, who, &mac_b));
    learn(lab, who, &mac_a, L3_NEIGH_ASKS);
    lab->now_us += 181 * S; /* not used for so long */
    g_assert_false(finds(lab, who, &mac_a));
    g_assert_false(l3_neigh_knows(&lab->t, &who, lab->now_us));
}

static void
test_belief(struct lab *lab, const void *data)
{
    (void)data;
    struct ip who = ip_from_v4(0x0a000001);
    struct mac group = {{1, 0, 0, 0, 0, 1}};
    learn(lab, who, &mac_a, L3_NEIGH_ANSWER); /* nobody asked */
    learn(lab, who, &mac_a, L3_NEIGH_CLAIM);
    learn(lab, who, &group, L3_NEIGH_ASKS);
    g_assert_cmpuint(lab->t.order.length, ==, 0);
    learn(lab, who, &mac_a, L3_NEIGH_ASKS);
    learn(lab, who, &mac_b, L3_NEIGH_ANSWER); /* while there is a good one */
    g_assert_true(finds(lab, who, &mac_a));
    learn(lab, who, &mac_b, L3_NEIGH_CLAIM); /* too soon */
    g_assert_true(finds(lab, who, &mac_a));
    lab->now_us += 2 * S;
    learn(lab, who, &mac_b, L3_NEIGH_ANSWER);
    g_assert_true(finds(lab, who, &mac_a));
    learn(lab, who, &mac_b, L3_NEIGH_CLAIM);
    g_assert_true(finds(lab, who, &mac_b));
}

static void
test_bounds(struct lab *lab, const void *data)
{
    (void)data;
    for (unsigned i = 0; i < 3 * L3PORT_NEIGHBOURS_MAX; i++)
        learn(lab, ip_from_v4(0x0a000000 + i), &mac_a, L3_NEIGH_ASKS);
    g_assert_cmpuint(lab->t.order.length, ==, L3PORT_NEIGHBOURS_MAX);
    g_assert_false(finds(lab, ip_from_v4(0x0a000000), &mac_a));
    g_assert_true(finds(lab, ip_from_v4(0x0a000000 + 3 * L3PORT_NEIGHBOURS_MAX - 1), &mac_a));
    struct ip six = {.family = 6, .b = {0xfe, 0x80, [15] = 1}};
    learn(lab, six, &mac_b, L3_NEIGH_ASKS);
    (void)l3_neigh_forget(&lab->t, 4);
    g_assert_cmpuint(lab->t.order.length, ==, 1);
    g_assert_true(finds(lab, six, &mac_b));

    unsigned waiting = 0;
    for (unsigned i = 0; i < 1000; i++)
        waiting += wait_for(lab, ip_from_v4(0x0b000000 + i));
    g_assert_cmpuint(waiting, ==, L3_NEIGH_ASKED_MAX);
    for (unsigned i = 0; i < 1000; i++)
        waiting += wait_for(lab, ip_from_v4(0x0b000000 + i % 128));
    g_assert_cmpuint(waiting, ==, L3_NEIGH_PENDING_ALL);
    unsigned before = lab->asked; /* a tick asks for as many as fit into a batch */
    next(lab);
    g_assert_cmpuint(lab->asked - before, <=, BATCH_MAX);
    while (lab->failed < waiting)
        next(lab);
    g_assert_cmpuint(lab->t.n_asked, ==, 0);
    g_assert_cmpuint(lab->t.order.length, ==, 1);
}

#define ADD(name, function) \
    g_test_add("/l3-neigh/" name, struct lab, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("ask", test_ask);
    ADD("nobody", test_nobody);
    ADD("refresh", test_refresh);
    ADD("belief", test_belief);
    ADD("bounds", test_bounds);
    return g_test_run();
}
