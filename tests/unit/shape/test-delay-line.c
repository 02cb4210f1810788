/* SPDX-License-Identifier: Apache-2.0 */
/* test-delay-line.c - frames that wait: order, bounds, chance. */

#include "core/hub/shape/delay_line.h"

#include <glib.h>

#include <string.h>

enum { MS = 1000 };

struct rig {
    struct frame_pool *pool;
    struct delay_line *d;
};

static void
set_up(struct rig *r, gconstpointer data)
{
    (void)data;
    *r = (struct rig){.pool = frame_pool_new(256), .d = delay_line_new()};
}

static void
tear_down(struct rig *r, gconstpointer data)
{
    (void)data;
    delay_line_free(r->d);
    g_assert_cmpuint(frame_pool_in_use(r->pool), ==, 0);
    frame_pool_free(r->pool);
}

static enum drop
push(struct rig *r, uint32_t len, uint32_t mark, int64_t due_us)
{
    struct frame *f = frame_new(r->pool, len);
    g_assert(f);
    uint8_t *at = frame_put(f, len);
    g_assert(at);
    memcpy(at, &mark, sizeof(mark));
    return delay_line_push(r->d, f, due_us);
}

/* The mark of the only frame that is due, 0 if there is none. */
static uint32_t
pull_one(struct rig *r, int64_t now_us)
{
    struct batch b = {.n = 0};
    delay_line_pull(r->d, &b, now_us);
    g_assert_cmpuint(b.n, <=, 1);
    if (b.n == 0)
        return 0;
    uint32_t mark;
    memcpy(&mark, b.frame[0]->data, sizeof(mark));
    batch_free_frames(&b);
    return mark;
}

static void
test_order(struct rig *r, gconstpointer data)
{
    (void)data;
    g_assert_cmpint(delay_line_due_us(r->d), ==, INT64_MAX);
    for (uint32_t i = 0; i < 1000; i++) /* each time ten frames, in a scattered order of times */
        g_assert_cmpint(push(r, 100, i + 1, (int64_t)(i * 37 % 100) * MS), ==, DROP_NONE);
    struct batch b;
    int64_t last_us = -1;
    uint32_t last = 0;
    unsigned n = 0;
    while (delay_line_held(r->d) > 0) {
        int64_t due_us = delay_line_due_us(r->d);
        g_assert_cmpint(due_us, >, last_us);
        last_us = due_us;
        b.n = 0;
        delay_line_pull(r->d, &b, due_us - 1);
        g_assert_cmpuint(b.n, ==, 0);
        delay_line_pull(r->d, &b, due_us);
        g_assert_cmpuint(b.n, ==, 10);
        last = 0;
        for (unsigned i = 0; i < b.n; i++) {
            uint32_t mark;
            memcpy(&mark, b.frame[i]->data, sizeof(mark));
            g_assert_cmpuint((mark - 1) * 37 % 100, ==, due_us / MS);
            g_assert_cmpuint(mark, >, last);
            last = mark;
        }
        n += b.n;
        batch_free_frames(&b);
    }
    g_assert_cmpuint(n, ==, 1000);
}

static void
test_batches(struct rig *r, gconstpointer data)
{
    (void)data;
    for (uint32_t i = 0; i < 150; i++)
        g_assert_cmpint(push(r, 60, i, 5), ==, DROP_NONE);
    unsigned sizes[] = {64, 64, 22, 0};
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        struct batch b = {.n = 0};
        delay_line_pull(r->d, &b, 5);
        g_assert_cmpuint(b.n, ==, sizes[i]);
        batch_free_frames(&b);
    }
    g_assert_cmpint(push(r, 60, 7, 1), ==, DROP_NONE);
    g_assert_cmpuint(pull_one(r, 1), ==, 7);
}

static void
test_bounded(struct rig *r, gconstpointer data)
{
    (void)data;
    unsigned n = 0;
    while (push(r, 60, n, n) == DROP_NONE)
        n++;
    g_assert_cmpuint(n, ==, DELAY_LINE_FRAMES);
    g_assert_cmpuint(frame_pool_in_use(r->pool), ==, n); /* the refused one was freed */
    g_assert_cmpuint(pull_one(r, 0), ==, 0);
    g_assert_cmpuint(pull_one(r, 1), ==, 1);
    g_assert_cmpint(push(r, 60, 0, 0), ==, DROP_NONE);
    delay_line_free(r->d);
    r->d = delay_line_new();
    for (n = 0; push(r, 65536, 0, 0) == DROP_NONE; n++) {
    }
    g_assert_cmpuint(n, ==, DELAY_LINE_BYTES / 65536);
}

static void
test_chance(struct rig *r, gconstpointer data)
{
    (void)r;
    (void)data;
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    const struct impairment none = {.delay_ms = 100};
    const struct impairment all = {.loss_percent = 100};
    const struct impairment some = {.delay_ms = 200, .jitter_percent = 50, .loss_percent = 25};
    unsigned lost = 0;
    int64_t least_us = INT64_MAX;
    int64_t most_us = 0;
    int64_t sum_us = 0;
    enum { N = 20000 };
    for (unsigned i = 0; i < N; i++) {
        uint32_t random = g_rand_int(rand);
        g_assert_false(impairment_loses(&none, random));
        g_assert_true(impairment_loses(&all, random));
        g_assert_cmpint(impairment_wait_us(&none, random), ==, 100 * MS);
        lost += impairment_loses(&some, random);
        int64_t wait_us = impairment_wait_us(&some, g_rand_int(rand));
        least_us = MIN(least_us, wait_us);
        most_us = MAX(most_us, wait_us);
        sum_us += wait_us;
    }
    g_assert_cmpuint(lost, >, N / 4 - N / 50);
    g_assert_cmpuint(lost, <, N / 4 + N / 50);
    g_assert_cmpint(least_us, >=, 100 * MS);
    g_assert_cmpint(least_us, <, 101 * MS);
    g_assert_cmpint(most_us, <=, 300 * MS);
    g_assert_cmpint(most_us, >, 299 * MS);
    g_assert_cmpint(sum_us / N, >, 197 * MS);
    g_assert_cmpint(sum_us / N, <, 203 * MS);
    const struct impairment wild = {.delay_ms = 60000, .jitter_percent = 255};
    g_assert_cmpint(impairment_wait_us(&wild, 0), ==, 0);
    g_assert_cmpint(impairment_wait_us(&wild, UINT32_MAX), ==, 2ll * DELAY_MAX_MS * MS);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(name, fn) g_test_add("/delay-line/" name, struct rig, NULL, set_up, fn, tear_down)
    TEST("order", test_order);
    TEST("batches", test_batches);
    TEST("bounded", test_bounded);
    TEST("chance", test_chance);
    return g_test_run();
}
