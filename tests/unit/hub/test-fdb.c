/* SPDX-License-Identifier: Apache-2.0 */
/* test-fdb.c - the table alone: learning, moving, ageing, limits, growth, and readers that run
 * while it is written. */

#include "core/hub/fdb.h"

#include <stdatomic.h>

enum { AGEING = 600, NOW = 100000 };

struct rig {
    struct quiesce *q;
    struct fdb *fdb;
};

static void
set_up(struct rig *r, const void *data)
{
    (void)data;
    r->q = quiesce_new(4);
    r->fdb = fdb_new(r->q);
}

static void
tear_down(struct rig *r, const void *data)
{
    (void)data;
    fdb_free(r->fdb);
    quiesce_free(r->q);
}

static uint64_t
key_of(unsigned n)
{
    const uint8_t mac[6] = {2,         0, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
                            (uint8_t)n};
    return fdb_key(mac, 0);
}

static enum fdb_verdict
learn(struct rig *r, unsigned n, fdb_port_id id, uint32_t now_s)
{
    return fdb_learn(r->fdb, key_of(n), id, now_s, AGEING);
}

static fdb_port_id
look_up(struct rig *r, unsigned n, uint32_t now_s)
{
    return fdb_lookup(r->fdb, key_of(n), now_s, AGEING);
}

static void
test_key(void)
{
    const uint8_t mac[6] = {0x02, 0x34, 0x56, 0x78, 0x9a, 0xbc};
    g_assert_cmphex(fdb_key(mac, 0), ==, 0x023456789abc);
    g_assert_cmphex(fdb_key(mac, 0x5abc), ==, 0x0abc023456789abc); /* the id alone */
}

static void
test_learn_and_move(struct rig *r, const void *data)
{
    (void)data;
    fdb_port_id a = fdb_port_add(r->fdb, 0, 100);
    fdb_port_id b = fdb_port_add(r->fdb, 7, 100);
    g_assert_cmpuint(fdb_port_index(b), ==, 7);

    g_assert_cmphex(look_up(r, 1, NOW), ==, FDB_NONE);
    g_assert_false(fdb_refresh(r->fdb, key_of(1), a, NOW));
    g_assert_cmpint(learn(r, 1, a, NOW), ==, FDB_LEARNED);
    g_assert_cmphex(look_up(r, 1, NOW), ==, a);
    g_assert_true(fdb_refresh(r->fdb, key_of(1), a, NOW));
    g_assert_false(fdb_refresh(r->fdb, key_of(1), b, NOW));
    g_assert_cmphex(fdb_lookup(r->fdb, key_of(1) | 5ull << 48, NOW, AGEING), ==, FDB_NONE);

    g_assert_cmpint(learn(r, 1, b, NOW), ==, FDB_LEARNED);
    g_assert_cmphex(look_up(r, 1, NOW), ==, b);
    g_assert_cmpuint(fdb_port_macs(r->fdb, a), ==, 0);
    g_assert_cmpuint(fdb_port_macs(r->fdb, b), ==, 1);
    g_assert_cmpuint(fdb_count(r->fdb), ==, 1);
}

static void
test_ageing(struct rig *r, const void *data)
{
    (void)data;
    fdb_port_id a = fdb_port_add(r->fdb, 0, 100);
    g_assert_cmpint(learn(r, 1, a, NOW), ==, FDB_LEARNED);
    g_assert_cmpint(learn(r, 2, a, NOW), ==, FDB_LEARNED);
    g_assert_true(fdb_refresh(r->fdb, key_of(2), a, NOW + 300));

    g_assert_cmphex(look_up(r, 1, NOW + AGEING), ==, a);
    g_assert_cmphex(look_up(r, 1, NOW + AGEING + 1), ==, FDB_NONE);
    g_assert_cmphex(look_up(r, 2, NOW + AGEING + 1), ==, a);
    g_assert_cmphex(look_up(r, 1, NOW - 5), ==, a); /* a clock that lags behind */

    fdb_sweep_some(r->fdb, NOW + AGEING + 1, AGEING);
    g_assert_cmpuint(fdb_count(r->fdb), ==, 1);
    g_assert_cmpuint(fdb_port_macs(r->fdb, a), ==, 1);
    g_assert_cmpint(learn(r, 1, a, NOW + AGEING + 2), ==, FDB_LEARNED);
    g_assert_cmphex(look_up(r, 1, NOW + AGEING + 2), ==, a);
}

static void
test_port_gone(struct rig *r, const void *data)
{
    (void)data;
    fdb_port_id a = fdb_port_add(r->fdb, 3, 100);
    fdb_port_id b = fdb_port_add(r->fdb, 4, 100);
    for (unsigned i = 0; i < 50; i++)
        g_assert_cmpint(learn(r, i, a, NOW), ==, FDB_LEARNED);
    fdb_port_remove(r->fdb, a);
    g_assert_cmpuint(fdb_count(r->fdb), ==, 0);
    fdb_port_remove(r->fdb, a); /* twice is once */

    fdb_port_id again = fdb_port_add(r->fdb, 3, 100);
    g_assert_cmphex(again, !=, a);
    g_assert_cmpuint(fdb_port_macs(r->fdb, again), ==, 0);
    g_assert_cmpint(learn(r, 7, a, NOW), ==, FDB_LEARNED); /* late: no effect */
    g_assert_cmpuint(fdb_count(r->fdb), ==, 0);
    g_assert_cmpint(learn(r, 7, b, NOW), ==, FDB_LEARNED); /* takes the void entry over */
    g_assert_cmphex(look_up(r, 7, NOW), ==, b);
    g_assert_cmpuint(fdb_count(r->fdb), ==, 1);
    g_autoptr(GArray) rows = fdb_list(r->fdb, NOW, AGEING);
    g_assert_cmpuint(rows->len, ==, 1);
}

static void
test_port_limit(struct rig *r, const void *data)
{
    (void)data;
    fdb_port_id a = fdb_port_add(r->fdb, 0, 3);
    fdb_port_id b = fdb_port_add(r->fdb, 1, 100);
    for (unsigned i = 0; i < 3; i++)
        g_assert_cmpint(learn(r, i, a, NOW), ==, FDB_LEARNED);
    g_assert_cmpint(fdb_may_learn(r->fdb, a, NOW), ==, FDB_LEARNED); /* not found out yet */
    g_assert_cmpint(learn(r, 3, a, NOW), ==, FDB_PORT_FULL);
    g_assert_cmpint(fdb_may_learn(r->fdb, a, NOW), ==, FDB_PORT_FULL);
    g_assert_cmpint(fdb_may_learn(r->fdb, b, NOW), ==, FDB_LEARNED);
    g_assert_cmphex(look_up(r, 3, NOW), ==, FDB_NONE);

    /* An address of another port cannot be taken over either. */
    g_assert_cmpint(learn(r, 9, b, NOW), ==, FDB_LEARNED);
    g_assert_cmpint(learn(r, 9, a, NOW), ==, FDB_PORT_FULL);
    g_assert_cmphex(look_up(r, 9, NOW), ==, b);

    /* Aged addresses make room. */
    g_assert_cmpint(learn(r, 3, a, NOW + AGEING + 20), ==, FDB_LEARNED);
    g_assert_cmpuint(fdb_port_macs(r->fdb, a), ==, 1);
    g_assert_cmpuint(fdb_count(r->fdb), ==, 1);
}

static void
test_growth_to_the_limit(struct rig *r, const void *data)
{
    (void)data;
    fdb_port_id a = fdb_port_add(r->fdb, 0, HUB_MAX_FDB);
    fdb_port_id b = fdb_port_add(r->fdb, 1, HUB_MAX_FDB);
    unsigned missed = 0;
    for (unsigned i = 0; i < HUB_MAX_FDB; i++)
        missed += learn(r, i, a, NOW) != FDB_LEARNED;
    g_assert_cmpuint(missed, <, HUB_MAX_FDB / 500); /* a crowded neighbourhood, at half full */
    unsigned found = 0;
    for (unsigned i = 0; i < HUB_MAX_FDB; i++)
        found += look_up(r, i, NOW) == a;
    g_assert_cmpuint(found, ==, HUB_MAX_FDB - missed);
    g_assert_cmpuint(fdb_count(r->fdb), ==, found);

    unsigned next = HUB_MAX_FDB;
    while (fdb_count(r->fdb) < HUB_MAX_FDB)
        (void)!learn(r, next++, a, NOW);
    g_assert_cmpint(learn(r, next, b, NOW), ==, FDB_TABLE_FULL);
    g_assert_cmpint(fdb_may_learn(r->fdb, b, NOW), ==, FDB_TABLE_FULL);
    g_assert_cmpint(learn(r, 1, b, NOW), ==, FDB_LEARNED); /* a move needs no room */

    fdb_port_remove(r->fdb, a);
    g_assert_cmpuint(fdb_count(r->fdb), ==, 1);
    for (unsigned i = 0; i < 2000; i++) /* void entries give way, swept or not */
        g_assert_cmpint(learn(r, 500000 + i, b, NOW), ==, FDB_LEARNED);
    for (unsigned i = 0; i < 64; i++)
        fdb_sweep_some(r->fdb, NOW, AGEING);
    g_assert_cmpuint(fdb_count(r->fdb), ==, 2001);
    for (unsigned i = 0; i < 2000; i++)
        g_assert_cmphex(look_up(r, 500000 + i, NOW), ==, b);
}

static void
test_list_and_forget(struct rig *r, const void *data)
{
    (void)data;
    fdb_port_id a = fdb_port_add(r->fdb, 0, 100);
    g_assert_cmpint(learn(r, 1, a, NOW), ==, FDB_LEARNED);
    g_assert_cmpint(learn(r, 2, a, NOW + 1), ==, FDB_LEARNED);
    g_assert_true(fdb_refresh(r->fdb, key_of(1), a, NOW + 9));

    g_autoptr(GArray) rows = fdb_list(r->fdb, NOW + 10, AGEING);
    g_assert_cmpuint(rows->len, ==, 2);
    const struct fdb_row *row = &g_array_index(rows, struct fdb_row, 0);
    if (row->key != key_of(1))
        row = &g_array_index(rows, struct fdb_row, 1);
    g_assert_cmphex(row->key, ==, key_of(1));
    g_assert_cmphex(row->port, ==, a);
    g_assert_cmpuint(row->created_s, ==, NOW);
    g_assert_cmpuint(row->seen_s, ==, NOW + 9);

    g_assert_true(fdb_forget(r->fdb, row->serial));
    g_assert_false(fdb_forget(r->fdb, row->serial));
    g_assert_cmphex(look_up(r, 1, NOW + 10), ==, FDB_NONE);
    g_assert_cmphex(look_up(r, 2, NOW + 10), ==, a);
    g_assert_cmpuint(fdb_count(r->fdb), ==, 1);
}

/* Freed slots within a chain of collisions hide nothing behind them: random operations against a
 * plain hash table. */
static void
test_against_model(struct rig *r, const void *data)
{
    (void)data;
    enum { KEYS = 4000, PORTS = 5, STEPS = 60000 };
    g_autofree fdb_port_id *model = g_new(fdb_port_id, KEYS);
    fdb_port_id port[PORTS];
    for (unsigned i = 0; i < KEYS; i++)
        model[i] = FDB_NONE;
    for (unsigned i = 0; i < PORTS; i++)
        port[i] = fdb_port_add(r->fdb, i, HUB_MAX_FDB);

    for (unsigned step = 0; step < STEPS; step++) {
        unsigned k = (unsigned)g_random_int_range(0, KEYS);
        unsigned p = (unsigned)g_random_int_range(0, PORTS);
        g_assert_cmphex(look_up(r, k, NOW), ==, model[k]);
        if (step % 5000 == 4999) {
            fdb_port_remove(r->fdb, port[p]);
            for (unsigned i = 0; i < KEYS; i++)
                if (model[i] == port[p])
                    model[i] = FDB_NONE;
            port[p] = fdb_port_add(r->fdb, p, HUB_MAX_FDB);
            for (unsigned i = 0; i < KEYS; i++) { /* the hub sees that the port is gone */
                fdb_port_id id = look_up(r, i, NOW);
                if (id != model[i])
                    g_assert_cmpint(learn(r, i, model[i] = port[0], NOW), ==, FDB_LEARNED);
            }
            fdb_sweep_some(r->fdb, NOW, AGEING);
        }
        g_assert_cmpint(learn(r, k, port[p], NOW), ==, FDB_LEARNED);
        model[k] = port[p];
    }
    unsigned n = 0;
    for (unsigned i = 0; i < KEYS; i++)
        n += model[i] != FDB_NONE;
    g_assert_cmpuint(fdb_count(r->fdb), ==, n);
}

/* ---- threads ---- */

struct reader_of {
    struct rig *rig;
    unsigned index;
    fdb_port_id own, other;
    atomic_bool *stop;
    unsigned long looked;
};

/* Each looks up what nobody changes while all learn, move and age other addresses. */
static void *
read_and_write(void *data)
{
    struct reader_of *t = data;
    struct rig *r = t->rig;
    unsigned base = 100000 * (t->index + 1);
    unsigned i = 0;
    while (!atomic_load(t->stop)) {
        quiesce_online(r->q, t->index);
        for (unsigned k = 0; k < 200; k++, i++) {
            g_assert_cmphex(look_up(r, i % 64, NOW), ==, t->own);
            (void)!fdb_learn(r->fdb, key_of(base + i % 9000), t->own, NOW, AGEING);
            (void)!fdb_learn(r->fdb, key_of(777), t->own, NOW + i % 7, AGEING); /* fought over */
            fdb_port_id id = look_up(r, 777, NOW + i % 7);
            g_assert_cmphex(id, !=, FDB_NONE);
            (void)fdb_refresh(r->fdb, key_of(i % 64), t->own, NOW + i % 5);
        }
        fdb_sweep_some(r->fdb, NOW, AGEING);
        t->looked += 200;
        quiesce_pass(r->q, t->index);
        quiesce_reap(r->q);
        quiesce_offline(r->q, t->index);
    }
    return NULL;
}

static void
test_threads(struct rig *r, const void *data)
{
    (void)data;
    enum { THREADS = 3 };
    struct reader_of t[THREADS];
    GThread *thread[THREADS];
    atomic_bool stop = false;
    fdb_port_id shared = fdb_port_add(r->fdb, 0, HUB_MAX_FDB);
    for (unsigned i = 0; i < 64; i++)
        g_assert_cmpint(learn(r, i, shared, NOW), ==, FDB_LEARNED);
    for (unsigned i = 0; i < THREADS; i++) {
        t[i] = (struct reader_of){.rig = r, .index = i, .own = shared, .stop = &stop};
        thread[i] = g_thread_new("fdb", read_and_write, &t[i]);
    }
    for (unsigned i = 0; i < 200; i++) { /* a port that comes and goes meanwhile */
        fdb_port_id p = fdb_port_add(r->fdb, 1, 10);
        quiesce_online(r->q, 3);
        for (unsigned k = 0; k < 20; k++)
            (void)!fdb_learn(r->fdb, key_of(9000000 + k), p, NOW, AGEING);
        quiesce_pass(r->q, 3);
        quiesce_offline(r->q, 3);
        g_assert_cmpuint(fdb_port_macs(r->fdb, p), <=, 10);
        fdb_port_remove(r->fdb, p);
        g_usleep(1000);
    }
    atomic_store(&stop, true);
    for (unsigned i = 0; i < THREADS; i++) {
        g_thread_join(thread[i]);
        g_assert_cmpuint(t[i].looked, >, 0);
    }
    g_autoptr(GArray) rows = fdb_list(r->fdb, NOW, AGEING);
    g_assert_cmpuint(rows->len, ==, fdb_count(r->fdb));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hub/fdb/key", test_key);
#define ADD(name, fn) g_test_add("/hub/fdb/" name, struct rig, NULL, set_up, fn, tear_down)
    ADD("learn-and-move", test_learn_and_move);
    ADD("ageing", test_ageing);
    ADD("port-gone", test_port_gone);
    ADD("port-limit", test_port_limit);
    ADD("growth-to-the-limit", test_growth_to_the_limit);
    ADD("list-and-forget", test_list_and_forget);
    ADD("against-model", test_against_model);
    ADD("threads", test_threads);
#undef ADD
    return g_test_run();
}
