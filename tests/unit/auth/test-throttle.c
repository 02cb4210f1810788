/* SPDX-License-Identifier: Apache-2.0 */
/* test-throttle.c - guessing from many networks is slow, and locks nobody out. */

#include "core/auth/throttle.h"

#include <glib.h>

#define S INT64_C(1000000)

static const char anna[] = "default/anna", berta[] = "default/berta";

static struct ip
ip(const char *text)
{
    struct ip out;
    g_assert_true(ip_parse(text, &out));
    return out;
}

static void
fail_times(struct throttle *t, const char *who, const struct ip *from, unsigned n, int64_t at)
{
    for (unsigned i = 0; i < n; i++)
        (void)throttle_failure(t, who, from, at);
}

static void
test_network(void)
{
    struct throttle *t = throttle_new();
    struct ip a = ip("192.0.2.1"), same = ip("192.0.2.200"), other = ip("192.0.3.1");
    fail_times(t, anna, &a, THROTTLE_TRIES - 1, 0);
    g_assert_true(throttle_may_try(t, anna, &a, 0));
    fail_times(t, anna, &same, 1, S);
    g_assert_false(throttle_may_try(t, anna, &a, S));
    g_assert_false(throttle_may_try(t, anna, &same, S));
    g_assert_true(throttle_may_try(t, anna, &other, S));
    g_assert_true(throttle_may_try(t, berta, &a, S));
    g_assert_false(throttle_may_try(t, anna, &a, (1 + THROTTLE_FIRST_S) * S - 1));
    g_assert_true(throttle_may_try(t, anna, &a, (1 + THROTTLE_FIRST_S) * S));

    struct ip six = ip("2001:db8:1:2::1"), near = ip("2001:db8:1:ffff::9"),
              far = ip("2001:db8:2::1"), none = {0};
    fail_times(t, anna, &six, THROTTLE_TRIES, 0);
    g_assert_false(throttle_may_try(t, anna, &near, 0));
    g_assert_true(throttle_may_try(t, anna, &far, 0));
    fail_times(t, anna, &none, 100, 0);
    g_assert_true(throttle_may_try(t, anna, &none, 0));
    throttle_free(t);
    throttle_free(NULL);
}

/* Doubles, stays at its longest, and begins anew after an hour of silence or a success. */
static void
test_growth(void)
{
    struct throttle *t = throttle_new();
    struct ip a = ip("192.0.2.1");
    int64_t now = 1000 * S, want = THROTTLE_FIRST_S;
    for (unsigned i = 0; i < 10; i++) {
        fail_times(t, anna, &a, THROTTLE_TRIES, now);
        g_assert_false(throttle_may_try(t, anna, &a, now + want * S - 1));
        g_assert_true(throttle_may_try(t, anna, &a, now + want * S));
        now += want * S;
        want = MIN(want * 2, THROTTLE_MAX_S);
    }
    g_assert_cmpint(want, ==, THROTTLE_MAX_S);
    now += (THROTTLE_MAX_S + 1) * S;
    fail_times(t, anna, &a, THROTTLE_TRIES, now);
    g_assert_true(throttle_may_try(t, anna, &a, now + THROTTLE_FIRST_S * S));
    fail_times(t, anna, &a, THROTTLE_TRIES, now + THROTTLE_FIRST_S * S);
    throttle_success(t, anna, &a, now + 200 * S); /* the owner is there, too */
    now += THROTTLE_MAX_S * S;
    struct ip near = ip("192.0.2.2");
    fail_times(t, anna, &near, THROTTLE_TRIES, now);
    g_assert_false(throttle_may_try(t, anna, &near, now));
    g_assert_true(throttle_may_try(t, anna, &near, now + THROTTLE_FIRST_S * S));
    g_assert_true(throttle_may_try(t, anna, &a, now)); /* whatever a neighbour does */
    throttle_free(t);
}

/* A wrong one now and then is nobody's attack. */
static void
test_window(void)
{
    struct throttle *t = throttle_new();
    struct ip a = ip("192.0.2.1");
    for (int i = 0; i < 200; i++) {
        int64_t now = i * (THROTTLE_WINDOW_S + 1) * S;
        g_assert_true(throttle_may_try(t, anna, &a, now));
        g_assert_false(throttle_failure(t, anna, &a, now));
    }
    g_assert_true(throttle_may_try(t, anna, &a, 200 * (THROTTLE_WINDOW_S + 1) * S));
    throttle_free(t);
}

/* Thousands of networks guess: each has one try, and the owner still gets in, from home and from a
 * network that is new. */
static void
test_siege(void)
{
    struct throttle *t = throttle_new();
    struct ip home = ip("198.51.100.7"), near = ip("198.51.100.8"), hotel = ip("203.0.113.5");
    unsigned n_sieges = 0, n_guesses = 0;
    throttle_success(t, anna, &home, 0);
    for (uint32_t i = 0; i < 2000; i++) {
        struct ip bot = ip_from_v4(0x0a000000 + i * 256);
        for (unsigned k = 0; k < 5; k++) {
            int64_t now = S + i * 1000;
            if (!throttle_may_try(t, anna, &bot, now))
                break;
            n_guesses++;
            n_sieges += throttle_failure(t, anna, &bot, now);
        }
    }
    g_assert_cmpuint(n_sieges, ==, 1);
    g_assert_cmpuint(n_guesses, <=, 2000 + THROTTLE_ACCOUNT);
    g_assert_true(throttle_may_try(t, anna, &home, 10 * S));
    fail_times(t, anna, &near, 2, 10 * S);
    fail_times(t, anna, &home, 5, 10 * S); /* mistypes, as on any other day */
    g_assert_false(throttle_may_try(t, anna, &near, 10 * S));
    g_assert_true(throttle_may_try(t, anna, &home, 10 * S));
    g_assert_true(throttle_may_try(t, anna, &hotel, 10 * S));
    (void)throttle_failure(t, anna, &hotel, 10 * S);
    g_assert_false(throttle_may_try(t, anna, &hotel, 10 * S));
    g_assert_true(throttle_may_try(t, anna, &hotel, (10 + THROTTLE_FIRST_S) * S));
    throttle_success(t, anna, &hotel, 100 * S);
    fail_times(t, anna, &hotel, 2, 100 * S);
    g_assert_true(throttle_may_try(t, anna, &hotel, 100 * S));

    /* And it ends. */
    struct ip late = ip("203.0.114.1");
    int64_t after = (200 + THROTTLE_ACCOUNT_S) * S;
    fail_times(t, anna, &late, 2, after);
    g_assert_true(throttle_may_try(t, anna, &late, after));
    throttle_free(t);
}

static void
test_full(void)
{
    struct throttle *t = throttle_new();
    struct ip first = ip_from_v4(0x0a000000);
    for (uint32_t i = 0; i < THROTTLE_PAIRS + 10; i++) {
        g_autofree char *who = g_strdup_printf("hub/user%u", i);
        fail_times(t, who, &first, i == 0 ? THROTTLE_TRIES : 1, i);
    }
    g_assert_cmpuint(throttle_count(t), ==, THROTTLE_PAIRS);
    g_assert_true(throttle_may_try(t, "hub/user0", &first, 0)); /* forgotten */
    throttle_free(t);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/throttle/network", test_network);
    g_test_add_func("/throttle/growth", test_growth);
    g_test_add_func("/throttle/window", test_window);
    g_test_add_func("/throttle/siege", test_siege);
    g_test_add_func("/throttle/full", test_full);
    return g_test_run();
}
