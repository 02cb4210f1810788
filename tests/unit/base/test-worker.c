/* SPDX-License-Identifier: Apache-2.0 */
/* test-worker.c - the loop: messages, descriptors, timers, deferred calls, sleeping, the end. */

#include "core/base/clock.h"
#include "core/base/types.h"
#include "core/base/worker.h"

#include <glib.h>

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static struct worker_set *
make_set(unsigned n)
{
    g_autoptr(GError) error = NULL;
    struct worker_set *set = worker_set_new(n, &error);

    g_assert_no_error(error);
    g_assert_nonnull(set);
    return set;
}

/* Something that the test's thread waits for. */
struct event {
    GMutex lock;
    GCond cond;
    unsigned n;
};

static void
event_init(struct event *e)
{
    g_mutex_init(&e->lock);
    g_cond_init(&e->cond);
    e->n = 0;
}

static void
event_done(struct event *e)
{
    g_mutex_clear(&e->lock);
    g_cond_clear(&e->cond);
}

static void
event_signal(struct event *e)
{
    g_mutex_lock(&e->lock);
    e->n++;
    g_cond_signal(&e->cond);
    g_mutex_unlock(&e->lock);
}

static void
event_wait(struct event *e, unsigned n)
{
    int64_t end_us = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;

    g_mutex_lock(&e->lock);
    while (e->n < n)
        g_assert_true(g_cond_wait_until(&e->cond, &e->lock, end_us));
    g_mutex_unlock(&e->lock);
}

/* ---- the set ---- */

static void
look_around(void *data)
{
    struct worker *w = data;

    g_assert_true(worker_current() == w);
    g_assert_nonnull(worker_pool(w));
    g_assert_nonnull(worker_timers(w));
    int64_t age_us = clock_now_us() - worker_now_us(w);
    g_assert_cmpint(age_us, >=, 0);
    g_assert_cmpint(age_us, <, 5 * G_USEC_PER_SEC);
    for (unsigned i = 0; i < WORKER_N_SCRATCH; i++)
        memset(worker_scratch(w, i), (int)i + 1, WORKER_SCRATCH);
    for (unsigned i = 0; i < WORKER_N_SCRATCH; i++) {
        g_assert_cmpuint(worker_scratch(w, i)[0], ==, i + 1);
        g_assert_cmpuint(worker_scratch(w, i)[WORKER_SCRATCH - 1], ==, i + 1);
    }
}

static void
test_set(void)
{
    struct worker_set *set = make_set(3);

    g_assert_cmpuint(worker_set_n(set), ==, 3);
    g_assert_null(worker_current());
    for (unsigned i = 0; i < 3; i++) {
        struct worker *w = worker_set_get(set, i);
        g_assert_cmpuint(worker_index(w), ==, i);
        g_assert_true(worker_set_of(w) == set);
        worker_call_sync(w, look_around, w);
    }
    worker_set_free(set);
    worker_set_free(NULL);
}

static void
test_pick(void)
{
    struct worker_set *set = make_set(3);
    unsigned n[3] = {0};

    for (unsigned i = 0; i < 9; i++)
        n[worker_index(worker_set_pick(set))]++;
    for (unsigned i = 0; i < 3; i++)
        g_assert_cmpuint(n[i], ==, 3);
    worker_unload(worker_set_get(set, 1));
    worker_unload(worker_set_get(set, 1));
    g_assert_cmpuint(worker_index(worker_set_pick(set)), ==, 1);
    g_assert_cmpuint(worker_index(worker_set_pick(set)), ==, 1);
    worker_set_free(set);
}

static void
test_max(void)
{
    worker_set_free(make_set(WORKER_MAX));
}

/* ---- messages ---- */

struct order {
    struct worker *w;
    unsigned next;
    bool inside;
};

struct numbered {
    struct order *order;
    unsigned i;
};

static void
expect_number(void *data)
{
    struct numbered *n = data;

    g_assert_cmpuint(n->i, ==, n->order->next);
    g_assert_false(n->order->inside);
    n->order->next++;
    g_free(n);
}

static void
send_numbered(struct order *o, unsigned i)
{
    struct numbered *n = g_new(struct numbered, 1);

    *n = (struct numbered){o, i};
    worker_call(o->w, expect_number, n);
}

static void
send_to_self(void *data)
{
    struct order *o = data;

    o->inside = true; /* were they run inline, they would see it */
    for (unsigned i = 1000; i < 2000; i++)
        send_numbered(o, i);
    o->inside = false;
}

static void
nothing(void *data)
{
    (void)data;
}

static void
test_call_order(void)
{
    struct worker_set *set = make_set(1);
    struct order o = {.w = worker_set_get(set, 0)};

    for (unsigned i = 0; i < 1000; i++)
        send_numbered(&o, i);
    worker_call(o.w, send_to_self, &o);
    worker_call_sync(o.w, nothing, NULL); /* the turn that sends */
    worker_call_sync(o.w, nothing, NULL); /* the turn that receives */
    g_assert_cmpuint(o.next, ==, 2000);
    worker_set_free(set);
}

/* Two workers throw a ball: each throw wakes a sleeper. One lost wake-up costs a second. */
struct ball {
    struct worker *player[2];
    unsigned left;
    struct event caught;
};

static void throw(void *data)
{
    struct ball *b = data;

    if (b->left-- == 0)
        event_signal(&b->caught);
    else
        worker_call(b->player[b->left % 2], throw, b);
}

static void
test_wake(void)
{
    enum { THROWS = 5000 };
    struct worker_set *set = make_set(2);
    struct ball b = {.player = {worker_set_get(set, 0), worker_set_get(set, 1)}, .left = THROWS};
    int64_t start_us = g_get_monotonic_time();

    event_init(&b.caught);
    worker_call(b.player[0], throw, &b);
    event_wait(&b.caught, 1);
    int64_t took_us = g_get_monotonic_time() - start_us;
    g_test_message("%.1f us a throw", (double)took_us / THROWS);
    worker_set_free(set);
    event_done(&b.caught);
}

/* ---- descriptors ---- */

struct watch {
    struct worker_fd wfd;
    struct worker *w;
    int write_end;
    unsigned events; /* all that were told */
    unsigned calls;
    struct watch *remove; /* in the callback */
    bool gone;
    struct event told;
};

static void
on_ready(struct worker_fd *wfd, unsigned events, int64_t now_us)
{
    struct watch *x = container_of(wfd, struct watch, wfd);

    g_assert_true(worker_current() == x->w);
    g_assert_cmpint(now_us, ==, worker_now_us(x->w));
    g_assert_false(x->gone);
    x->events |= events;
    x->calls++;
    if (x->remove) {
        worker_fd_remove(x->w, &x->remove->wfd);
        x->remove->gone = true;
    }
    worker_fd_want(x->w, wfd, 0); /* level-triggered: once is enough */
    event_signal(&x->told);
}

static void
watch_init(struct watch *x, struct worker *w, unsigned want)
{
    int ends[2];

    g_assert_cmpint(pipe(ends), ==, 0);
    *x = (struct watch){
        .wfd = {.fd = ends[0], .want = want, .ready = on_ready}, .w = w, .write_end = ends[1]};
    event_init(&x->told);
}

static void
watch_done(struct watch *x)
{
    close(x->wfd.fd);
    if (x->write_end >= 0)
        close(x->write_end);
    event_done(&x->told);
}

static void
watch_add(void *data)
{
    struct watch *x = data;

    g_assert_true(worker_fd_add(x->w, &x->wfd));
}

static void
watch_remove(void *data)
{
    struct watch *x = data;

    worker_fd_remove(x->w, &x->wfd);
}

static void
watch_want_read(void *data)
{
    struct watch *x = data;

    worker_fd_want(x->w, &x->wfd, WORKER_READ);
}

static void
test_fd(void)
{
    struct worker_set *set = make_set(1);
    struct worker *w = worker_set_get(set, 0);
    struct watch x;

    watch_init(&x, w, WORKER_READ);
    worker_call_sync(w, watch_add, &x);
    g_assert_cmpint(write(x.write_end, "a", 1), ==, 1);
    event_wait(&x.told, 1);
    g_assert_cmpint(write(x.write_end, "b", 1), ==, 1); /* nobody wants it */
    worker_call_sync(w, nothing, NULL);
    worker_call_sync(w, nothing, NULL);
    g_assert_cmpuint(x.calls, ==, 1);
    g_assert_cmpuint(x.events, ==, WORKER_READ);
    worker_call_sync(w, watch_want_read, &x); /* level-triggered: told again */
    event_wait(&x.told, 2);
    close(x.write_end);
    x.write_end = -1;
    event_wait(&x.told, 3); /* a hang-up is always told */
    worker_call_sync(w, watch_remove, &x);
    g_assert_cmpuint(x.events & WORKER_HANGUP, ==, WORKER_HANGUP);
    worker_set_free(set);
    watch_done(&x);
}

static void
add_both(void *data)
{
    struct watch *pair = data;

    watch_add(&pair[0]);
    watch_add(&pair[1]);
}

/* Both are ready in one turn, and the first one called removes the other. */
static void
test_fd_removed_in_hand(void)
{
    struct worker_set *set = make_set(1);
    struct worker *w = worker_set_get(set, 0);

    for (unsigned round = 0; round < 50; round++) {
        struct watch pair[2];
        for (unsigned i = 0; i < 2; i++) {
            watch_init(&pair[i], w, WORKER_READ);
            g_assert_cmpint(write(pair[i].write_end, "a", 1), ==, 1);
        }
        pair[0].remove = &pair[1];
        pair[1].remove = &pair[0];
        worker_call_sync(w, add_both, pair);
        worker_call_sync(w, nothing, NULL);
        worker_call_sync(w, nothing, NULL);
        g_assert_cmpuint(pair[0].calls + pair[1].calls, ==, 1);
        worker_call_sync(w, watch_remove, pair[0].gone ? &pair[1] : &pair[0]);
        watch_done(&pair[0]);
        watch_done(&pair[1]);
    }
    worker_set_free(set);
}

static void
add_bad(void *data)
{
    struct watch *x = data;
    struct worker_fd bad = {.fd = x->wfd.fd, .want = WORKER_READ};

    g_assert_false(worker_fd_add(x->w, &bad)); /* closed */
}

static void
test_fd_refused(void)
{
    struct worker_set *set = make_set(1);
    struct watch x = {.w = worker_set_get(set, 0), .wfd.fd = -1};

    worker_call_sync(x.w, add_bad, &x);
    worker_set_free(set);
}

/* ---- timers ---- */

struct alarm {
    struct timer t;
    struct worker *w;
    struct event rang;
};

static void
on_alarm(struct timer *t, int64_t now_us)
{
    struct alarm *a = container_of(t, struct alarm, t);

    g_assert_cmpint(now_us, >=, t->due_us);
    event_signal(&a->rang);
    if (a->rang.n < 3)
        timer_arm(worker_timers(a->w), t, now_us + 2000);
}

static void
arm_alarm(void *data)
{
    struct alarm *a = data;

    timer_arm(worker_timers(a->w), &a->t, worker_now_us(a->w) + 2000);
}

static void
test_timer(void)
{
    struct worker_set *set = make_set(1);
    struct alarm a = {.w = worker_set_get(set, 0)};

    event_init(&a.rang);
    timer_init(&a.t, on_alarm);
    worker_call(a.w, arm_alarm, &a);
    event_wait(&a.rang, 3);
    worker_set_free(set);
    event_done(&a.rang);
}

/* ---- deferred calls ---- */

struct later {
    struct worker_deferred d;
    struct worker *w;
    unsigned id;
    unsigned again;
    GString *log;
};

static void
on_later(struct worker_deferred *d, int64_t now_us)
{
    struct later *l = container_of(d, struct later, d);

    g_assert_cmpint(now_us, ==, worker_now_us(l->w));
    g_assert_false(d->queued);
    g_string_append_printf(l->log, "%u", l->id);
    if (l->again > 0) {
        l->again--;
        worker_defer(l->w, d);
    }
}

static void
defer_some(void *data)
{
    struct later *l = data;
    struct worker *w = l->w;

    worker_defer_cancel(w, &l[0].d); /* harmless */
    for (unsigned i = 0; i < 5; i++) {
        worker_defer(w, &l[i].d);
        worker_defer(w, &l[i].d); /* twice is once */
    }
    worker_defer_cancel(w, &l[0].d); /* the first, one in the middle, the last */
    worker_defer_cancel(w, &l[2].d);
    worker_defer_cancel(w, &l[4].d);
    worker_defer(w, &l[2].d);
    g_assert_cmpuint(l->log->len, ==, 0); /* not before the end of the turn */
}

static void
test_deferred(void)
{
    struct worker_set *set = make_set(1);
    struct worker *w = worker_set_get(set, 0);
    g_autoptr(GString) log = g_string_new(NULL);
    struct later l[5];

    for (unsigned i = 0; i < 5; i++)
        l[i] = (struct later){.d.fn = on_later, .w = w, .id = i, .log = log};
    l[1].again = 2;
    worker_call_sync(w, defer_some, l);
    for (unsigned i = 0; i < 3; i++)
        worker_call_sync(w, nothing, NULL);
    g_assert_cmpstr(log->str, ==, "13211");
    worker_set_free(set);
}

/* ---- the end ---- */

struct farewell {
    struct worker_set *set;
    unsigned left;
    struct frame *frame;
};

static void
pass_on(void *data)
{
    struct farewell *f = data;
    struct worker *here = worker_current();

    g_assert_nonnull(here);
    /* As a session says goodbye: it needs a frame of whoever it is on. */
    frame_free(frame_new(worker_pool(here), 100));
    if (f->left-- == 0)
        return;
    unsigned n = worker_set_n(f->set);
    worker_call(worker_set_get(f->set, (worker_index(here) + 1) % n), pass_on, f);
}

static void
pass_on_from_outside(void *data)
{
    struct farewell *f = data;

    frame_free(f->frame);
    worker_call(worker_set_get(f->set, 1), pass_on, f);
}

static void
retire_at_the_end(void *data)
{
    struct farewell *f = data;

    f->frame = frame_new(worker_pool(worker_current()), 100);
    quiesce_retire(worker_set_quiesce(f->set), pass_on_from_outside, f);
}

/* What was asked for before the end is done, and what follows from it, on every worker. */
static void
test_end(void)
{
    for (unsigned round = 0; round < 20; round++) {
        struct worker_set *set = make_set(3);
        struct farewell mail = {.set = set, .left = 10};
        struct farewell retired = {.set = set, .left = 10};
        worker_call(worker_set_get(set, round % 3), pass_on, &mail);
        worker_call(worker_set_get(set, round % 2), retire_at_the_end, &retired);
        worker_set_free(set);
        g_assert_cmpuint(mail.left, ==, UINT_MAX);
        g_assert_cmpuint(retired.left, ==, UINT_MAX);
    }
}

/* A worker passes quiescent points by itself, asleep or awake. */
static void
signal_event(void *data)
{
    event_signal(data);
}

static void
test_quiesce(void)
{
    struct worker_set *set = make_set(2);
    struct event freed;

    event_init(&freed);
    for (unsigned i = 1; i <= 3; i++) {
        quiesce_retire(worker_set_quiesce(set), signal_event, &freed);
        worker_call(worker_set_get(set, i % 2), nothing, NULL);
        event_wait(&freed, i);
    }
    worker_set_free(set);
    event_done(&freed);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/worker/set", test_set);
    g_test_add_func("/worker/pick", test_pick);
    g_test_add_func("/worker/max", test_max);
    g_test_add_func("/worker/call-order", test_call_order);
    g_test_add_func("/worker/wake", test_wake);
    g_test_add_func("/worker/fd", test_fd);
    g_test_add_func("/worker/fd-removed-in-hand", test_fd_removed_in_hand);
    g_test_add_func("/worker/fd-refused", test_fd_refused);
    g_test_add_func("/worker/timer", test_timer);
    g_test_add_func("/worker/deferred", test_deferred);
    g_test_add_func("/worker/end", test_end);
    g_test_add_func("/worker/quiesce", test_quiesce);
    return g_test_run();
}
