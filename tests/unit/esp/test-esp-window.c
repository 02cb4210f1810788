/* SPDX-License-Identifier: Apache-2.0 */
/* The anti-replay window: edges, jumps, the 64-bit number behind 32 bits. */

#include "core/proto/esp/window.h"

#include <glib.h>

#define TURN (UINT64_C(1) << 32)

static bool
come(struct esp_window *w, uint64_t seq)
{
    if (!esp_window_is_new(w, seq))
        return false;
    esp_window_take(w, seq);
    return true;
}

static void
test_edges(void)
{
    struct esp_window w = {0};

    g_assert_false(come(&w, 0));
    g_assert_true(come(&w, 1));
    g_assert_false(come(&w, 1));
    g_assert_false(come(&w, 0));
    g_assert_true(come(&w, ESP_WINDOW + 1));
    g_assert_false(esp_window_is_new(&w, 1)); /* there already, and just left of it */
    g_assert_true(come(&w, 2));               /* the last one within */
    g_assert_false(come(&w, 2));
    g_assert_true(come(&w, ESP_WINDOW + 2));
    g_assert_false(come(&w, 2));
    g_assert_true(come(&w, 3));
}

static void
test_jumps(void)
{
    struct esp_window w = {0};

    for (uint64_t s = 1; s <= 3 * ESP_WINDOW; s++)
        g_assert_true(come(&w, s));
    for (uint64_t s = 1; s <= 3 * ESP_WINDOW; s++)
        g_assert_false(come(&w, s));
    /* What lies between is new, whatever stood in those words a turn of the ring ago. */
    g_assert_true(come(&w, 4 * ESP_WINDOW - 1));
    for (uint64_t s = 3 * ESP_WINDOW + 1; s < 4 * ESP_WINDOW - 1; s++)
        g_assert_true(come(&w, s));
    g_assert_true(come(&w, 1000 * ESP_WINDOW));
    for (uint64_t s = 999 * ESP_WINDOW + 1; s < 1000 * ESP_WINDOW; s++)
        g_assert_true(come(&w, s));
    g_assert_false(come(&w, 999 * ESP_WINDOW));
    g_assert_true(come(&w, UINT64_MAX));
    g_assert_false(come(&w, UINT64_MAX));
    g_assert_true(come(&w, UINT64_MAX - ESP_WINDOW + 1));
    g_assert_false(come(&w, UINT64_MAX - ESP_WINDOW));
}

/* The same answers as a plain list of what came. */
static void
test_against_list(void)
{
    enum { SPAN = 6 * ESP_WINDOW };
    g_autofree bool *came = g_new0(bool, SPAN);
    struct esp_window w = {0};
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    int64_t top = 0;

    for (unsigned i = 0; i < 100000; i++) {
        int64_t seq = g_rand_int_range(rand, -ESP_WINDOW - 100, 40) + top;
        if (seq < 0 || seq >= SPAN)
            continue;
        bool want = seq > 0 && !came[seq] && seq + ESP_WINDOW > top;
        g_assert_cmpint(come(&w, (uint64_t)seq), ==, want);
        came[seq] |= want;
        top = MAX(top, want ? seq : 0);
    }
    g_assert_cmpint(top, >, SPAN / 2);
}

static void
test_infer(void)
{
    static const struct {
        uint64_t top;
        uint32_t low;
        uint64_t want;
    } cases[] = {
        {0, 1, 1},
        {0, 0, 0},
        {0, UINT32_MAX, 0}, /* before the first */
        {0, 0x70000000, 0x70000000},
        {5, 5, 5},
        {5, UINT32_MAX, 0},
        {ESP_WINDOW - 1, 0, 0},
        {ESP_WINDOW, 0, TURN}, /* left of the window: a turn further */
        {ESP_WINDOW, 1, 1},
        {0xffffffff, 0, TURN},
        {0xffffffff, 5, TURN + 5},
        {0xffffffff, 0xffffffff, 0xffffffff},
        {0xffffffff, UINT32_MAX - ESP_WINDOW + 1, UINT32_MAX - ESP_WINDOW + 1},
        {0xffffffff, UINT32_MAX - ESP_WINDOW, 2 * TURN - 1 - ESP_WINDOW},
        {TURN, 0xffffffff, 0xffffffff},
        {TURN, 0, TURN},
        {TURN, 1, TURN + 1},
        {TURN + 5, UINT32_MAX - ESP_WINDOW + 7, UINT32_MAX - ESP_WINDOW + 7},
        {TURN + 5, UINT32_MAX - ESP_WINDOW + 6, TURN + UINT32_MAX - ESP_WINDOW + 6},
        {7 * TURN + ESP_WINDOW - 2, UINT32_MAX, 7 * TURN - 1},
        {7 * TURN + ESP_WINDOW - 1, UINT32_MAX, 8 * TURN - 1},
        {UINT64_MAX, 0, 0}, /* there is none behind the last */
        {UINT64_MAX, UINT32_MAX, UINT64_MAX},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct esp_window w = {.top = cases[i].top};
        g_assert_cmphex(esp_window_infer(&w, cases[i].low), ==, cases[i].want);
    }
}

/* Over the turn of the lower half, in disorder. */
static void
test_turn(void)
{
    struct esp_window w = {.top = TURN - 3000};

    for (uint64_t s = TURN - 2999; s < TURN + 3000; s++) {
        uint64_t swapped = s ^ 0x3f;
        if (swapped <= TURN - 3000)
            continue;
        g_assert_cmphex(esp_window_infer(&w, (uint32_t)swapped), ==, swapped);
        g_assert_true(come(&w, swapped));
        g_assert_false(come(&w, swapped));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/esp/window/edges", test_edges);
    g_test_add_func("/esp/window/jumps", test_jumps);
    g_test_add_func("/esp/window/against-list", test_against_list);
    g_test_add_func("/esp/window/infer", test_infer);
    g_test_add_func("/esp/window/turn", test_turn);
    return g_test_run();
}
