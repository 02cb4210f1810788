/* SPDX-License-Identifier: Apache-2.0 */
/* test-queue.c - the queue in front of a slow way out, in virtual time. */

#include "core/base/queue.h"

#include <glib.h>

enum { MS = 1000, LEN = 1000 };

struct rig {
    struct frame_pool *pool;
    struct frame_queue q;
    unsigned dropped;
};

static void
setup(struct rig *r, gconstpointer data)
{
    (void)data;
    *r = (struct rig){.pool = frame_pool_new(128)};
}

static void
teardown(struct rig *r, gconstpointer data)
{
    (void)data;
    frame_queue_clear(&r->q);
    g_assert_cmpuint(frame_pool_in_use(r->pool), ==, 0);
    frame_pool_free(r->pool);
}

static enum drop
push(struct rig *r, uint32_t len, int64_t now_us)
{
    struct frame *f = frame_new(r->pool, len);

    g_assert_nonnull(f);
    g_assert_nonnull(frame_put(f, len));
    return frame_queue_push(&r->q, f, now_us);
}

static bool
pop(struct rig *r, int64_t now_us)
{
    struct frame *f = frame_queue_pop(&r->q, now_us, &r->dropped);

    frame_free(f);
    return f != NULL;
}

static void
test_order(struct rig *r, gconstpointer data)
{
    (void)data;
    g_assert_null(frame_queue_pop_plain(&r->q));
    for (unsigned round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 500; i++) /* grows while its head is anywhere */
            g_assert_cmpint(push(r, i + 1, 0), ==, DROP_NONE);
        for (uint32_t i = 0; i < 500; i++) {
            struct frame *f = frame_queue_pop(&r->q, 0, &r->dropped);
            g_assert_cmpuint(f->len, ==, i + 1);
            frame_free(f);
            if (i < 400)
                continue;
            g_assert_cmpint(push(r, i - 400 + 501, 0), ==, DROP_NONE);
        }
        while (pop(r, 0)) {
        }
        g_assert_cmpuint(r->q.n, ==, 0);
        g_assert_cmpuint(r->q.bytes, ==, 0);
        g_assert_null(r->q.slot); /* no memory while empty */
    }
    g_assert_cmpuint(r->dropped, ==, 0);
}

static void
test_bounded(struct rig *r, gconstpointer data)
{
    unsigned n = 0;

    (void)data;
    while (push(r, 60, 0) == DROP_NONE)
        n++;
    g_assert_cmpuint(n, ==, QUEUE_MAX_FRAMES);
    g_assert_cmpint(push(r, 60, 0), ==, DROP_QUEUE_FULL);
    g_assert_cmpuint(frame_pool_in_use(r->pool), ==, n); /* the refused ones were freed */
    frame_queue_clear(&r->q);
    for (n = 0; push(r, 65536, 0) == DROP_NONE; n++) {
    }
    g_assert_cmpuint(n, ==, QUEUE_MAX_BYTES / 65536);
}

/* A short standing queue, or a burst that drains in time, loses nothing. */
static void
test_no_drop_below_target(struct rig *r, gconstpointer data)
{
    int64_t now_us = 0;

    (void)data;
    for (unsigned i = 0; i < 20000; i++, now_us += MS) { /* always 10 ms of queue */
        g_assert_cmpint(push(r, LEN, now_us), ==, DROP_NONE);
        if (i >= 10)
            g_assert_true(pop(r, now_us));
    }
    g_assert_cmpuint(r->dropped, ==, 0);
    for (unsigned i = 0; i < 150; i++) /* a burst: 150 ms to drain, less than an interval */
        g_assert_cmpint(push(r, LEN, now_us), ==, DROP_NONE);
    for (; pop(r, now_us); now_us += MS) {
    }
    g_assert_cmpuint(r->dropped, ==, 0);
}

/* Twice as much comes in as goes out: it drops ever faster, and stops when the load is gone. */
static void
test_overload(struct rig *r, gconstpointer data)
{
    int64_t now_us = 0;
    unsigned after_1_s = 0, after_2_s = 0;

    (void)data;
    for (unsigned i = 0; i < 3000; i++, now_us += MS) {
        (void)push(r, LEN, now_us);
        if (i % 2 == 0)
            (void)push(r, LEN, now_us);
        (void)pop(r, now_us);
        if (i == QUEUE_INTERVAL_US / MS / 2)
            g_assert_cmpuint(r->dropped, ==, 0); /* gives the sender an interval of time */
        if (i == 1000)
            after_1_s = r->dropped;
        if (i == 2000)
            after_2_s = r->dropped;
    }
    g_assert_cmpuint(after_1_s, >, 0);
    g_assert_cmpuint(after_2_s - after_1_s, >, after_1_s);
    while (pop(r, now_us))
        now_us += MS / 10;
    unsigned before = r->dropped;
    for (unsigned i = 0; i < 1000; i++, now_us += MS) {
        g_assert_cmpint(push(r, LEN, now_us), ==, DROP_NONE);
        g_assert_true(pop(r, now_us));
    }
    g_assert_cmpuint(r->dropped, ==, before);
}

/* The last frame is never dropped: that would leave the way out idle. */
static void
test_last_frame_stays(struct rig *r, gconstpointer data)
{
    (void)data;
    for (int64_t now_us = 0; now_us < 100 * QUEUE_INTERVAL_US; now_us += QUEUE_INTERVAL_US) {
        g_assert_cmpint(push(r, LEN, now_us), ==, DROP_NONE);
        g_assert_true(pop(r, now_us + QUEUE_INTERVAL_US));
    }
    g_assert_cmpuint(r->dropped, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/queue/order", struct rig, NULL, setup, test_order, teardown);
    g_test_add("/queue/bounded", struct rig, NULL, setup, test_bounded, teardown);
    g_test_add("/queue/no-drop-below-target", struct rig, NULL, setup, test_no_drop_below_target,
               teardown);
    g_test_add("/queue/overload", struct rig, NULL, setup, test_overload, teardown);
    g_test_add("/queue/last-frame-stays", struct rig, NULL, setup, test_last_frame_stays, teardown);
    return g_test_run();
}
