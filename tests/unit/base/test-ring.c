/* SPDX-License-Identifier: Apache-2.0 */
/* test-ring.c - one thread fills, another empties. */

#include "core/base/ring.h"

#include <glib.h>

#include <stdint.h>
#include <string.h>

struct slot {
    uint64_t number;
    uint8_t pad[40];
};

static void
push(struct ring *r, uint64_t number)
{
    struct slot *s = ring_room(r);

    g_assert_nonnull(s);
    s->number = number;
    memset(s->pad, (int)number, sizeof(s->pad));
    ring_push(r);
}

static void
pop(struct ring *r, uint64_t number)
{
    const struct slot *s = ring_peek(r);

    g_assert_nonnull(s);
    g_assert_cmpuint(s->number, ==, number);
    for (size_t i = 0; i < sizeof(s->pad); i++)
        g_assert_cmpuint(s->pad[i], ==, (uint8_t)number);
    ring_pop(r);
}

static void
test_full_and_empty(void)
{
    for (unsigned slots = 1; slots <= 64; slots *= 2) {
        struct ring *r = ring_new(slots, sizeof(struct slot));
        uint64_t in = 0, out = 0;
        g_assert_true(ring_is_empty(r));
        g_assert_null(ring_peek(r));
        for (unsigned round = 0; round < 200; round++) {
            for (unsigned i = 0; i < slots; i++)
                push(r, in++);
            g_assert_null(ring_room(r));
            g_assert_false(ring_is_empty(r));
            unsigned some = 1 + round % slots; /* and so the start wanders */
            for (unsigned i = 0; i < some; i++)
                pop(r, out++);
            for (unsigned i = 0; i < some; i++)
                push(r, in++);
            g_assert_null(ring_room(r));
            while (out < in)
                pop(r, out++);
            g_assert_null(ring_peek(r));
        }
        ring_free(r);
    }
    ring_free(NULL);
}

/* A slot that was asked for and not pushed is not there. */
static void
test_room_without_push(void)
{
    struct ring *r = ring_new(2, sizeof(struct slot));
    void *room = ring_room(r);

    g_assert_true(ring_room(r) == room);
    g_assert_null(ring_peek(r));
    push(r, 1);
    const void *first = ring_peek(r);
    g_assert_true(ring_peek(r) == first); /* nor is one that was not popped gone */
    pop(r, 1);
    ring_free(r);
}

enum { TRANSFERS = 300000 };

static gpointer
produce(gpointer data)
{
    struct ring *r = data;

    for (uint64_t i = 0; i < TRANSFERS;) {
        struct slot *s = ring_room(r);
        if (!s) {
            g_thread_yield();
            continue;
        }
        s->number = i;
        memset(s->pad, (int)i, sizeof(s->pad));
        ring_push(r);
        i++;
    }
    return NULL;
}

static void
test_two_threads(void)
{
    struct ring *r = ring_new(64, sizeof(struct slot));
    GThread *producer = g_thread_new("producer", produce, r);

    for (uint64_t i = 0; i < TRANSFERS;) {
        if (!ring_peek(r)) {
            g_thread_yield();
            continue;
        }
        pop(r, i);
        i++;
    }
    (void)g_thread_join(producer);
    g_assert_true(ring_is_empty(r));
    ring_free(r);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ring/full-and-empty", test_full_and_empty);
    g_test_add_func("/ring/room-without-push", test_room_without_push);
    g_test_add_func("/ring/two-threads", test_two_threads);
    return g_test_run();
}
