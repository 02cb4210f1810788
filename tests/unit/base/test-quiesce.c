/* SPDX-License-Identifier: Apache-2.0 */
/* test-quiesce.c - what is retired is freed when nobody can hold it, and not a moment earlier. */

#include "core/base/quiesce.h"

#include <glib.h>

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

static void
count(void *data)
{
    unsigned *n = data;

    (*n)++;
}

static void
test_nobody_online(void)
{
    struct quiesce *q = quiesce_new(2);
    unsigned freed = 0;

    quiesce_reap(q);
    quiesce_retire(q, count, &freed);
    g_assert_cmpuint(freed, ==, 0); /* never inside retire */
    quiesce_reap(q);
    g_assert_cmpuint(freed, ==, 1);
    quiesce_reap(q);
    g_assert_cmpuint(freed, ==, 1);
    quiesce_free(q);
}

static void
test_waits_for_each_reader(void)
{
    struct quiesce *q = quiesce_new(3);
    unsigned freed = 0;

    quiesce_online(q, 0);
    quiesce_online(q, 1);
    quiesce_retire(q, count, &freed);
    quiesce_reap(q);
    g_assert_cmpuint(freed, ==, 0);
    quiesce_pass(q, 0);
    quiesce_reap(q);
    g_assert_cmpuint(freed, ==, 0);
    quiesce_pass(q, 0); /* again: it is the other one that counts */
    quiesce_reap(q);
    g_assert_cmpuint(freed, ==, 0);
    quiesce_pass(q, 1);
    quiesce_reap(q);
    g_assert_cmpuint(freed, ==, 1);
    quiesce_offline(q, 0);
    quiesce_offline(q, 1);
    quiesce_free(q);
}

static void
test_offline_counts_as_passed(void)
{
    struct quiesce *q = quiesce_new(2);
    unsigned freed = 0;

    quiesce_online(q, 0);
    quiesce_online(q, 1);
    quiesce_pass(q, 0);
    quiesce_retire(q, count, &freed);
    quiesce_offline(q, 1);
    quiesce_reap(q);
    g_assert_cmpuint(freed, ==, 0);
    quiesce_offline(q, 0);
    quiesce_online(q, 0); /* came back afterwards: holds nothing of before */
    quiesce_reap(q);
    g_assert_cmpuint(freed, ==, 1);
    quiesce_offline(q, 0);
    quiesce_free(q);
}

static void
test_in_order(void)
{
    struct quiesce *q = quiesce_new(1);
    unsigned first = 0, second = 0;

    quiesce_online(q, 0);
    quiesce_retire(q, count, &first);
    quiesce_pass(q, 0);
    quiesce_retire(q, count, &second);
    quiesce_reap(q);
    g_assert_cmpuint(first, ==, 1);
    g_assert_cmpuint(second, ==, 0);
    quiesce_offline(q, 0);
    quiesce_free(q); /* frees what is left */
    g_assert_cmpuint(second, ==, 1);
}

struct chain {
    struct quiesce *q;
    unsigned left;
};

static void
retire_next(void *data)
{
    struct chain *c = data;

    if (c->left-- > 1)
        quiesce_retire(c->q, retire_next, c);
}

/* A thing that goes may retire another, also while everything goes. */
static void
test_retire_in_callback(void)
{
    struct chain c = {.q = quiesce_new(1), .left = 3};

    quiesce_retire(c.q, retire_next, &c);
    quiesce_reap(c.q);
    g_assert_cmpuint(c.left, ==, 2);
    quiesce_free(c.q);
    g_assert_cmpuint(c.left, ==, 0);
}

/* ---- with threads ---- */

enum { READERS = 2, LIVE = 0x600d, DEAD = 0xdead, SWAPS = 20000 };

struct thing {
    unsigned state;
    unsigned copy[16];
};

struct stage {
    struct quiesce *q;
    _Atomic(struct thing *) now;
    atomic_bool stop;
    atomic_uint next_reader;
    atomic_uint looks;
};

static struct thing *
thing_new(void)
{
    struct thing *t = g_new(struct thing, 1);

    t->state = LIVE;
    for (unsigned i = 0; i < G_N_ELEMENTS(t->copy); i++)
        t->copy[i] = LIVE;
    return t;
}

static void
thing_free(void *data)
{
    struct thing *t = data;

    t->state = DEAD;
    memset(t->copy, 0, sizeof(t->copy));
    g_free(t);
}

static gpointer
read_all_the_time(gpointer data)
{
    struct stage *s = data;
    unsigned me = atomic_fetch_add(&s->next_reader, 1);
    unsigned turn = 0;

    quiesce_online(s->q, me);
    while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
        const struct thing *t = atomic_load_explicit(&s->now, memory_order_acquire);
        for (unsigned i = 0; i < G_N_ELEMENTS(t->copy); i++)
            g_assert_cmpuint(t->copy[i], ==, LIVE);
        g_assert_cmpuint(t->state, ==, LIVE);
        atomic_fetch_add_explicit(&s->looks, 1, memory_order_relaxed);
        if (++turn % 64 == 0) {
            quiesce_offline(s->q, me);
            g_thread_yield();
            quiesce_online(s->q, me);
        } else {
            quiesce_pass(s->q, me);
        }
        quiesce_reap(s->q);
    }
    quiesce_offline(s->q, me);
    return NULL;
}

static void
test_threads(void)
{
    struct stage s = {.q = quiesce_new(READERS)};
    GThread *thread[READERS];
    int64_t end_us = g_get_monotonic_time() + G_USEC_PER_SEC;

    atomic_store(&s.now, thing_new());
    for (unsigned i = 0; i < READERS; i++)
        thread[i] = g_thread_new("reader", read_all_the_time, &s);
    for (unsigned i = 0; i < SWAPS && g_get_monotonic_time() < end_us; i++) {
        struct thing *old = atomic_exchange(&s.now, thing_new());
        quiesce_retire(s.q, thing_free, old);
        if (i % 128 == 0)
            g_thread_yield();
    }
    atomic_store(&s.stop, true);
    for (unsigned i = 0; i < READERS; i++)
        (void)g_thread_join(thread[i]);
    quiesce_free(s.q);
    g_free(atomic_load(&s.now));
    g_test_message("%u looks", atomic_load(&s.looks));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/quiesce/nobody-online", test_nobody_online);
    g_test_add_func("/quiesce/waits-for-each-reader", test_waits_for_each_reader);
    g_test_add_func("/quiesce/offline-counts-as-passed", test_offline_counts_as_passed);
    g_test_add_func("/quiesce/in-order", test_in_order);
    g_test_add_func("/quiesce/retire-in-callback", test_retire_in_callback);
    g_test_add_func("/quiesce/threads", test_threads);
    return g_test_run();
}
