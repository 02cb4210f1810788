/* SPDX-License-Identifier: Apache-2.0 */
/* test-tube.c - frames between workers: order, counting, references, a full way, the end. */

#include "core/base/tube.h"
#include "core/base/types.h"

#include <glib.h>

#include <stdatomic.h>
#include <string.h>

enum { MAX_WORKERS = 4, PAYLOAD = 16 };

struct sink {
    struct tube tube;
    atomic_int refs;
    atomic_uint frames; /* received */
    unsigned batches;
    bool inside;
    uint32_t next[MAX_WORKERS]; /* number expected from each sender; written on the home worker */
};

/* A frame says who sent it and which one it is. */
static void
check_frame(struct sink *s, const struct frame *f)
{
    uint32_t from = 0, number = 0;

    g_assert_cmpuint(f->len, ==, PAYLOAD);
    memcpy(&from, f->data, sizeof(from));
    memcpy(&number, f->data + sizeof(from), sizeof(number));
    g_assert_cmpuint(from, <, MAX_WORKERS);
    g_assert_cmpuint(number, >=, s->next[from]); /* in order; some may be missing */
    s->next[from] = number + 1;
}

static void
sink_receive(struct tube *t, struct batch *b, int64_t now_us)
{
    struct sink *s = container_of(t, struct sink, tube);

    g_assert_true(worker_current() == t->home);
    g_assert_cmpint(now_us, >, 0);
    g_assert_cmpint(atomic_load(&s->refs), >, 0);
    s->inside = true;
    for (unsigned i = 0; i < b->n; i++)
        check_frame(s, b->frame[i]);
    atomic_fetch_add_explicit(&s->frames, b->n, memory_order_relaxed);
    s->batches++;
    batch_free_frames(b);
    s->inside = false;
}

static void
sink_ref(struct tube *t)
{
    atomic_fetch_add(&container_of(t, struct sink, tube)->refs, 1);
}

static void
sink_unref(struct tube *t)
{
    g_assert_cmpint(atomic_fetch_sub(&container_of(t, struct sink, tube)->refs, 1), >, 1);
}

static const struct tube_ops sink_ops = {sink_receive, sink_ref, sink_unref};

static void
sink_init(struct sink *s, struct worker *home)
{
    memset(s, 0, sizeof(*s));
    s->tube.ops = &sink_ops;
    s->tube.home = home;
    atomic_init(&s->refs, 1);
}

/* A batch of up to n frames numbered from *number on. */
static void
fill(struct batch *b, struct worker *w, unsigned n, uint32_t *number)
{
    uint32_t from = worker_index(w);

    b->n = 0;
    for (unsigned i = 0; i < n; i++) {
        struct frame *f = frame_new(worker_pool(w), PAYLOAD);
        if (!f)
            return;
        uint8_t *at = frame_put(f, PAYLOAD);
        g_assert(at);
        memset(at, 0, PAYLOAD);
        memcpy(at, &from, sizeof(from));
        memcpy(at + sizeof(from), number, sizeof(*number));
        (*number)++;
        batch_add(b, f);
    }
}

static struct worker_set *
make_set(unsigned n)
{
    g_autoptr(GError) error = NULL;
    struct worker_set *set = worker_set_new(n, &error);

    g_assert_no_error(error);
    return set;
}

static void
nothing(void *data)
{
    (void)data;
}

static void
send_one_batch(void *data)
{
    struct sink *s = data;
    struct worker *w = worker_current();
    struct batch b;
    uint32_t number = 0;

    fill(&b, w, BATCH_MAX, &number);
    tube_send(&s->tube, &b, worker_now_us(w));
    g_assert_cmpuint(b.n, ==, 0);
    tube_send(&s->tube, &b, worker_now_us(w)); /* an empty one is nothing */
    if (s->tube.home == w)
        g_assert_cmpuint(atomic_load(&s->frames), ==, BATCH_MAX); /* it was a call */
}

static void
test_same_worker(void)
{
    struct worker_set *set = make_set(1);
    struct sink s;

    sink_init(&s, worker_set_get(set, 0));
    worker_call_sync(s.tube.home, send_one_batch, &s);
    g_assert_cmpuint(s.batches, ==, 1);
    g_assert_cmpint(atomic_load(&s.refs), ==, 1);
    worker_set_free(set);
}

static void
test_other_worker(void)
{
    struct worker_set *set = make_set(2);
    struct sink s;

    sink_init(&s, worker_set_get(set, 1));
    worker_call_sync(worker_set_get(set, 0), send_one_batch, &s);
    while (atomic_load(&s.frames) < BATCH_MAX)
        worker_call_sync(s.tube.home, nothing, NULL);
    worker_call_sync(s.tube.home, nothing, NULL);
    g_assert_cmpuint(s.batches, ==, 1);
    g_assert_cmpint(atomic_load(&s.refs), ==, 1);
    worker_set_free(set);
}

/* ---- a receiver that does not come ---- */

struct gate {
    GMutex lock;
    GCond cond;
    bool closed, open;
};

static void
stand_still(void *data)
{
    struct gate *g = data;

    g_mutex_lock(&g->lock);
    g->closed = true;
    g_cond_broadcast(&g->cond);
    while (!g->open)
        g_cond_wait(&g->cond, &g->lock);
    g_mutex_unlock(&g->lock);
}

static void
gate_close(struct gate *g, struct worker *w)
{
    g_mutex_init(&g->lock);
    g_cond_init(&g->cond);
    g->open = g->closed = false;
    worker_call(w, stand_still, g);
    g_mutex_lock(&g->lock);
    while (!g->closed)
        g_cond_wait(&g->cond, &g->lock);
    g_mutex_unlock(&g->lock);
}

static void
gate_open(struct gate *g)
{
    g_mutex_lock(&g->lock);
    g->open = true;
    g_cond_broadcast(&g->cond);
    g_mutex_unlock(&g->lock);
}

static void
gate_done(struct gate *g)
{
    g_mutex_clear(&g->lock);
    g_cond_clear(&g->cond);
}

enum { FLOOD_BATCHES = 200 };

static void
flood(void *data)
{
    struct sink *s = data;
    struct worker *w = worker_current();
    struct batch b;
    uint32_t number = 0;

    for (unsigned i = 0; i < FLOOD_BATCHES; i++) {
        fill(&b, w, 10, &number);
        g_assert_cmpuint(b.n, ==, 10);
        tube_send(&s->tube, &b, worker_now_us(w));
        g_assert_cmpuint(b.n, ==, 0);
    }
}

static void
test_full(void)
{
    struct worker_set *set = make_set(2);
    struct sink s;
    struct gate g;

    sink_init(&s, worker_set_get(set, 1));
    gate_close(&g, s.tube.home);
    worker_call_sync(worker_set_get(set, 0), flood, &s);
    unsigned dropped = (unsigned)atomic_load(&s.tube.dropped);
    g_assert_cmpuint(dropped, >, 0);
    g_assert_cmpuint(dropped % 10, ==, 0);
    g_assert_cmpint(atomic_load(&s.refs), ==, 1 + FLOOD_BATCHES - (int)dropped / 10);
    gate_open(&g);
    while (atomic_load(&s.frames) + dropped < FLOOD_BATCHES * 10)
        worker_call_sync(s.tube.home, nothing, NULL);
    worker_call_sync(s.tube.home, nothing, NULL);
    g_assert_cmpint(atomic_load(&s.refs), ==, 1);
    worker_set_free(set);
    gate_done(&g);
}

/* The workers stop while batches are under way: the frames go home, the references are given up. */
static void
test_end_under_way(void)
{
    for (unsigned round = 0; round < 20; round++) {
        struct worker_set *set = make_set(3);
        struct sink s[3];
        for (unsigned i = 0; i < 3; i++)
            sink_init(&s[i], worker_set_get(set, i));
        for (unsigned i = 0; i < 3; i++)
            worker_call(worker_set_get(set, i), flood, &s[(i + 1) % 3]);
        worker_set_free(set); /* asserts that each pool has all its frames */
        for (unsigned i = 0; i < 3; i++)
            g_assert_cmpint(atomic_load(&s[i].refs), ==, 1);
    }
}

/* ---- everybody to everybody, as fast as they can ---- */

struct storm {
    struct sink sink[MAX_WORKERS];
    unsigned n;
    int64_t end_us;
    atomic_uint sent;
    atomic_uint running;
    unsigned most; /* frames of one sender */
};

struct sender {
    struct storm *storm;
    uint32_t number[MAX_WORKERS];
    unsigned sent;
};

static void
send_more(void *data)
{
    struct sender *me = data;
    struct storm *st = me->storm;
    struct worker *w = worker_current();
    struct batch b;

    for (unsigned i = 0; i < st->n; i++) {
        unsigned to = (worker_index(w) + i) % st->n;
        fill(&b, w, BATCH_MAX, &me->number[to]);
        me->sent += b.n;
        atomic_fetch_add_explicit(&st->sent, b.n, memory_order_relaxed);
        tube_send(&st->sink[to].tube, &b, worker_now_us(w));
    }
    if (me->sent < st->most && worker_now_us(w) < st->end_us)
        worker_call(w, send_more, me); /* a turn later, so that it receives too */
    else
        atomic_fetch_sub(&st->running, 1);
}

static void
test_storm(gconstpointer data)
{
    g_autofree struct storm *st = g_new0(struct storm, 1);
    struct sender sender[MAX_WORKERS] = {0};
    int64_t start_us = g_get_monotonic_time();

    st->n = GPOINTER_TO_UINT(data);
    st->end_us = start_us + 400 * 1000;
    st->most = 1000000;
    st->running = st->n;
    struct worker_set *set = make_set(st->n);
    for (unsigned i = 0; i < st->n; i++) {
        sink_init(&st->sink[i], worker_set_get(set, i));
        sender[i].storm = st;
    }
    for (unsigned i = 0; i < st->n; i++)
        worker_call(worker_set_get(set, i), send_more, &sender[i]);

    unsigned got = 0, dropped = 0;
    while (atomic_load(&st->running) > 0 || got + dropped < atomic_load(&st->sent)) {
        got = dropped = 0;
        for (unsigned i = 0; i < st->n; i++) {
            worker_call_sync(worker_set_get(set, i), nothing, NULL);
            got += atomic_load(&st->sink[i].frames);
            dropped += (unsigned)atomic_load(&st->sink[i].tube.dropped);
        }
        g_assert_cmpint(g_get_monotonic_time() - start_us, <, 20 * G_USEC_PER_SEC);
    }
    g_assert_cmpuint(got + dropped, ==, atomic_load(&st->sent));
    g_assert_cmpuint(got, >, 0);
    int64_t took_us = g_get_monotonic_time() - start_us;
    g_test_message("%u workers: %u frames arrived, %u dropped, %.2f million a second", st->n, got,
                   dropped, (double)got / (double)took_us);
    worker_set_free(set);
    for (unsigned i = 0; i < st->n; i++)
        g_assert_cmpint(atomic_load(&st->sink[i].refs), ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tube/same-worker", test_same_worker);
    g_test_add_func("/tube/other-worker", test_other_worker);
    g_test_add_func("/tube/full", test_full);
    g_test_add_func("/tube/end-under-way", test_end_under_way);
    g_test_add_data_func("/tube/storm/2", GUINT_TO_POINTER(2), test_storm);
    g_test_add_data_func("/tube/storm/4", GUINT_TO_POINTER(4), test_storm);
    return g_test_run();
}
