/* SPDX-License-Identifier: Apache-2.0 */
/* test-frame.c - frames and their pools: room, references, limits, trimming, other threads. */

#include "core/base/batch.h"
#include "core/base/frame.h"

#include <glib.h>

#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define SANITIZED true
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#        define SANITIZED true
#    endif
#endif
#ifndef SANITIZED
#    define SANITIZED false
#endif

enum { MAX_LARGE = 8 };

static void
test_room(void)
{
    static const struct {
        size_t cap;
        size_t tailroom; /* 0: there is no such frame */
    } cases[] = {
        {0, FRAME_SMALL},
        {1, FRAME_SMALL},
        {FRAME_SMALL, FRAME_SMALL},
        {FRAME_SMALL + 1, FRAME_LARGE},
        {FRAME_LARGE, FRAME_LARGE},
        {FRAME_LARGE + 1, 0},
        {SIZE_MAX, 0},
    };
    struct frame_pool *pool = frame_pool_new(MAX_LARGE);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct frame *f = frame_new(pool, cases[i].cap);
        if (cases[i].tailroom == 0) {
            g_assert_null(f);
            continue;
        }
        g_assert_nonnull(f);
        g_assert_cmpuint(frame_headroom(f), ==, FRAME_HEADROOM);
        g_assert_cmpuint(frame_tailroom(f), ==, cases[i].tailroom);
        g_assert_cmpuint(f->len, ==, 0);
        frame_free(f);
    }
    frame_free(NULL);
    frame_pool_free(pool);
    frame_pool_free(NULL);
}

static void
test_push_pull_put(void)
{
    struct frame_pool *pool = frame_pool_new(MAX_LARGE);
    struct frame *f = frame_new(pool, 100);

    g_assert_nonnull(frame_put(f, 10));
    g_assert_true(frame_push(f, 14) == f->data);
    g_assert_cmpuint(f->len, ==, 24);
    g_assert_null(frame_push(f, FRAME_HEADROOM)); /* 14 of them are taken */
    g_assert_null(frame_pull(f, 25));
    g_assert_cmpuint(f->len, ==, 24);
    const uint8_t *start = f->data;
    g_assert_true(frame_pull(f, 24) == start);
    g_assert_cmpuint(f->len, ==, 0);
    g_assert_null(frame_put(f, frame_tailroom(f) + 1));
    uint8_t *all = frame_put(f, frame_tailroom(f));
    memset(all, 0xff, f->len); /* the sanitizer watches the end */
    g_assert_cmpuint(frame_tailroom(f), ==, 0);
    frame_free(f);
    frame_pool_free(pool);
}

static void
test_reused_frame_is_clean(void)
{
    struct frame_pool *pool = frame_pool_new(MAX_LARGE);
    struct frame *f = frame_new(pool, 100);

    (void)frame_put(f, 60);
    f->gso_type = FRAME_GSO_TCP4;
    f->flags = FRAME_NEEDS_CSUM | FRAME_ECN;
    f->gso_size = 1400;
    f->csum_start = 34;
    f->csum_offset = 16;
    f->next = f;
    frame_free(f);

    struct frame *again = frame_new(pool, 100);
    g_assert_true(again == f); /* last freed, first used: it is in the cache */
    g_assert_cmpuint(again->len, ==, 0);
    g_assert_false(frame_is_super(again));
    g_assert_cmpuint(again->flags | again->gso_size | again->csum_start | again->csum_offset, ==,
                     0);
    g_assert_null(again->next);
    frame_free(again);
    frame_pool_free(pool);
}

static void
test_copy_and_own(void)
{
    struct frame_pool *pool = frame_pool_new(MAX_LARGE);
    struct frame *f = frame_new(pool, FRAME_LARGE);

    memset(frame_put(f, 60000), 0x5a, 60000);
    f->gso_type = FRAME_GSO_TCP6;
    f->flags = FRAME_NEEDS_CSUM;
    f->gso_size = 1440;
    f->csum_start = 54;
    f->csum_offset = 16;

    g_assert_true(frame_own(pool, f) == f); /* alone: no copy */
    g_assert_true(frame_ref(f) == f);
    struct frame *mine = frame_own(pool, f);
    g_assert_true(mine != f);
    g_assert_cmpuint(atomic_load(&f->refs), ==, 1);
    g_assert_cmpmem(mine->data, mine->len, f->data, f->len);
    g_assert_cmpuint(mine->gso_type, ==, FRAME_GSO_TCP6);
    g_assert_cmpuint(mine->flags, ==, FRAME_NEEDS_CSUM);
    g_assert_cmpuint(mine->gso_size, ==, 1440);
    g_assert_cmpuint(mine->csum_start, ==, 54);
    g_assert_cmpuint(mine->csum_offset, ==, 16);
    g_assert_cmpuint(frame_headroom(mine), ==, FRAME_HEADROOM);
    frame_free(mine);
    frame_free(f);
    g_assert_cmpuint(frame_pool_in_use(pool), ==, 0);
    frame_pool_free(pool);
}

static void
test_limits(void)
{
    struct frame_pool *pool = frame_pool_new(MAX_LARGE);
    struct frame *large[MAX_LARGE];
    g_autofree struct frame **few = g_new(struct frame *, FRAME_MAX_SMALL);

    for (unsigned i = 0; i < MAX_LARGE; i++)
        g_assert_nonnull(large[i] = frame_new(pool, FRAME_LARGE));
    g_assert_null(frame_new(pool, FRAME_LARGE));
    (void)frame_put(large[0], FRAME_SMALL + 1);
    (void)frame_ref(large[0]);
    g_assert_null(frame_own(pool, large[0])); /* no room for the copy, and its reference is gone */
    g_assert_cmpuint(atomic_load(&large[0]->refs), ==, 1);
    frame_free(large[0]);
    g_assert_nonnull(large[0] = frame_new(pool, FRAME_LARGE));

    for (unsigned i = 0; i < FRAME_MAX_SMALL; i++)
        g_assert_nonnull(few[i] = frame_new(pool, 1));
    g_assert_null(frame_new(pool, 1));
    g_assert_cmpuint(frame_pool_in_use(pool), ==, FRAME_MAX_SMALL + MAX_LARGE);
    for (unsigned i = 0; i < FRAME_MAX_SMALL; i++)
        frame_free(few[i]);
    for (unsigned i = 0; i < MAX_LARGE; i++)
        frame_free(large[i]);
    g_assert_cmpuint(frame_pool_in_use(pool), ==, 0);
    frame_pool_free(pool);
}

/* Resident memory in bytes. */
static size_t
resident(void)
{
    g_autofree char *text = NULL;
    unsigned long total = 0, pages = 0;

    if (!g_file_get_contents("/proc/self/statm", &text, NULL, NULL))
        return 0;
    char *end = NULL;
    total = strtoul(text, &end, 10);
    pages = strtoul(end, NULL, 10);
    g_assert_cmpuint(pages, <=, total);
    return pages * 4096;
}

/* A peak of load goes back to the system once it is over. */
static void
test_trim(void)
{
    enum { N = 1024 };
    struct frame_pool *pool = frame_pool_new(N);
    struct frame *large[N];
    size_t before = resident();

    for (unsigned i = 0; i < N; i++) {
        large[i] = frame_new(pool, FRAME_LARGE);
        (void)memset(frame_put(large[i], FRAME_LARGE), 1, FRAME_LARGE);
    }
    size_t peak = resident();
    frame_pool_trim(pool); /* all in use: nothing to give */
    for (unsigned i = 0; i < N; i++)
        frame_free(large[i]);
    for (unsigned i = 0; i < 16; i++)
        frame_pool_trim(pool);
    size_t after = resident();

    g_test_message("resident: %zu KiB before, %zu at the peak, %zu after", before / 1024,
                   peak / 1024, after / 1024);
    if (before > 0 && !SANITIZED) { /* whose allocator keeps what it was given */
        g_assert_cmpuint(peak - before, >, 32 * 1024 * 1024);
        g_assert_cmpuint(after, <, before + 8 * 1024 * 1024);
    }
    frame_pool_free(pool);
}

/* What is used in each period stays. */
static void
test_trim_keeps_what_is_used(void)
{
    struct frame_pool *pool = frame_pool_new(MAX_LARGE);
    struct frame *f = frame_new(pool, FRAME_LARGE);

    frame_free(f);
    for (unsigned i = 0; i < 10; i++) {
        struct frame *again = frame_new(pool, FRAME_LARGE);
        g_assert_true(again == f);
        frame_free(again);
        frame_pool_trim(pool);
    }
    frame_pool_free(pool);
}

/* ---- other threads ---- */

static gpointer
free_all(gpointer data)
{
    GAsyncQueue *queue = data;
    gpointer f;

    while ((f = g_async_queue_pop(queue)) != queue)
        frame_free(f);
    return NULL;
}

/* Frames made here and freed on two other threads come back, and the limit holds meanwhile. */
static void
test_freed_elsewhere(void)
{
    enum { N = 200000 };
    struct frame_pool *pool = frame_pool_new(MAX_LARGE);
    GAsyncQueue *queue = g_async_queue_new();
    GThread *thread[2];
    unsigned made = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(thread); i++)
        thread[i] = g_thread_new("free", free_all, queue);
    while (made < N) {
        struct frame *f = frame_new(pool, 64);
        if (!f) { /* all under way */
            g_thread_yield();
            continue;
        }
        made++;
        if (made % 3 == 0) { /* a shared one: freed twice, anywhere */
            g_async_queue_push(queue, frame_ref(f));
            frame_free(f);
        } else {
            g_async_queue_push(queue, f);
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(thread); i++)
        g_async_queue_push(queue, queue);
    for (unsigned i = 0; i < G_N_ELEMENTS(thread); i++)
        (void)g_thread_join(thread[i]);
    g_assert_cmpuint(frame_pool_in_use(pool), ==, 0);
    g_async_queue_unref(queue);
    frame_pool_free(pool);
}

static gpointer
use_pool(gpointer data)
{
    struct frame_pool *pool = data;

    return frame_new(pool, 64);
}

/* A thread has ended, and with it its right to the pool; what it left is freed here. */
static void
test_adopt(void)
{
    struct frame_pool *pool = frame_pool_new(MAX_LARGE);
    struct frame *f = g_thread_join(g_thread_new("owner", use_pool, pool));

    frame_free(f);
    frame_pool_adopt(pool);
    g_assert_cmpuint(frame_pool_in_use(pool), ==, 0);
    struct frame *again = frame_new(pool, 64);
    g_assert_true(again == f);
    frame_free(again);
    frame_pool_free(pool);
}

static void
test_batch(void)
{
    struct frame_pool *pool = frame_pool_new(MAX_LARGE);
    struct batch b = {0};

    while (!batch_is_full(&b))
        batch_add(&b, frame_new(pool, 64));
    g_assert_cmpuint(b.n, ==, BATCH_MAX);
    batch_free_frames(&b);
    g_assert_cmpuint(b.n, ==, 0);
    g_assert_cmpuint(frame_pool_in_use(pool), ==, 0);
    frame_pool_free(pool);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/frame/room", test_room);
    g_test_add_func("/frame/push-pull-put", test_push_pull_put);
    g_test_add_func("/frame/reused-is-clean", test_reused_frame_is_clean);
    g_test_add_func("/frame/copy-and-own", test_copy_and_own);
    g_test_add_func("/frame/limits", test_limits);
    g_test_add_func("/frame/trim", test_trim);
    g_test_add_func("/frame/trim-keeps-what-is-used", test_trim_keeps_what_is_used);
    g_test_add_func("/frame/freed-elsewhere", test_freed_elsewhere);
    g_test_add_func("/frame/adopt", test_adopt);
    g_test_add_func("/frame/batch", test_batch);
    return g_test_run();
}
