/* SPDX-License-Identifier: Apache-2.0 */
/* test-ban.c - limits, growth, forgetting, with invented times. */

#include "core/auth/auth.h"
#include "core/auth/ban.h"

#include <glib.h>

#define S INT64_C(1000000)

static struct ip
ip(const char *text)
{
    struct ip out;
    g_assert_true(ip_parse(text, &out));
    return out;
}

static void
fail_times(struct ban_table *t, const struct ip *who, unsigned n, int64_t at)
{
    for (unsigned i = 0; i < n; i++)
        ban_failure(t, who, at);
}

static void
test_limit(void)
{
    struct ban_table *t = ban_new();
    struct ip a = ip("192.0.2.1"), b = ip("192.0.2.2");
    fail_times(t, &a, AUTH_BAN_TRIES - 1, 0);
    g_assert_false(ban_is(t, &a, 0));
    ban_failure(t, &a, S);
    g_assert_true(ban_is(t, &a, S));
    g_assert_false(ban_is(t, &b, S));
    g_assert_true(ban_is(t, &a, S + AUTH_BAN_FIRST_S * S - 1));
    g_assert_false(ban_is(t, &a, S + AUTH_BAN_FIRST_S * S));
    ban_free(t);
    ban_free(NULL);
}

/* The window slides: slow guessing is never a ban, and no edge of it lets more through. */
static void
test_window(void)
{
    struct ban_table *t = ban_new();
    struct ip a = ip("192.0.2.1");
    int64_t step = AUTH_BAN_WINDOW_S * S / (AUTH_BAN_TRIES - 1) + 1;
    for (int i = 0; i < 1000; i++) {
        ban_failure(t, &a, i * step);
        g_assert_false(ban_is(t, &a, i * step));
    }
    ban_free(t);

    t = ban_new();
    fail_times(t, &a, AUTH_BAN_TRIES / 2, 59 * S);
    fail_times(t, &a, AUTH_BAN_TRIES / 2, 61 * S);
    g_assert_true(ban_is(t, &a, 61 * S));
    ban_free(t);
}

static void
test_growth(void)
{
    struct ban_table *t = ban_new();
    struct ip a = ip("192.0.2.1");
    int64_t now = 1000 * S, want = AUTH_BAN_FIRST_S;
    for (unsigned i = 0; i < 12; i++) {
        fail_times(t, &a, AUTH_BAN_TRIES, now);
        g_assert_true(ban_is(t, &a, now + want * S - 1));
        g_assert_false(ban_is(t, &a, now + want * S));
        now += want * S;
        want = MIN(want * 2, AUTH_BAN_MAX_S);
    }
    g_assert_cmpint(want, ==, AUTH_BAN_MAX_S);

    /* Quiet for long enough: it starts anew. */
    now += (AUTH_BAN_MAX_S + 1) * S;
    fail_times(t, &a, AUTH_BAN_TRIES, now);
    g_assert_true(ban_is(t, &a, now));
    g_assert_false(ban_is(t, &a, now + AUTH_BAN_FIRST_S * S));
    ban_free(t);
}

/* Failures that arrive during a ban (they were under way) do not make it longer. */
static void
test_during(void)
{
    struct ban_table *t = ban_new();
    struct ip a = ip("192.0.2.1");
    fail_times(t, &a, AUTH_BAN_TRIES * 5, 0);
    g_assert_false(ban_is(t, &a, AUTH_BAN_FIRST_S * S));
    ban_failure(t, &a, AUTH_BAN_FIRST_S * S); /* the count starts at nothing after it */
    g_assert_false(ban_is(t, &a, AUTH_BAN_FIRST_S * S));
    ban_free(t);
}

static void
test_success(void)
{
    struct ban_table *t = ban_new();
    struct ip a = ip("192.0.2.1");
    ban_success(t, &a, 0); /* remembers nobody */
    g_assert_cmpuint(ban_count(t), ==, 0);
    fail_times(t, &a, AUTH_BAN_TRIES - 1, 0);
    ban_success(t, &a, S);
    fail_times(t, &a, AUTH_BAN_TRIES - 1, 2 * S);
    g_assert_false(ban_is(t, &a, 2 * S)); /* forgiven */
    ban_success(t, &a, 3 * S);
    ban_failure(t, &a, 4 * S);
    g_assert_true(ban_is(t, &a, 4 * S)); /* but not twice in a window */
    ban_success(t, &a, 5 * S);
    g_assert_true(ban_is(t, &a, 5 * S)); /* and a ban is a ban */
    ban_free(t);
}

static void
test_ipv6(void)
{
    struct ban_table *t = ban_new();
    struct ip a = ip("2001:db8:1:2::1"), same = ip("2001:db8:1:2:ffff::9"),
              other = ip("2001:db8:1:3::1"), none = {0};
    fail_times(t, &a, AUTH_BAN_TRIES, 0);
    g_assert_true(ban_is(t, &same, 0));
    g_assert_false(ban_is(t, &other, 0));
    fail_times(t, &none, AUTH_BAN_TRIES, 0); /* a local socket has no address */
    g_assert_false(ban_is(t, &none, 0));
    ban_free(t);
}

static void
test_full(void)
{
    struct ban_table *t = ban_new();
    struct ip first = ip_from_v4(0x0a000000), second = ip_from_v4(0x0a000001);
    for (uint32_t i = 0; i < AUTH_BAN_ADDRESSES; i++) {
        struct ip who = ip_from_v4(0x0a000000 + i);
        fail_times(t, &who, AUTH_BAN_TRIES, i);
    }
    g_assert_cmpuint(ban_count(t), ==, AUTH_BAN_ADDRESSES);
    g_assert_true(ban_is(t, &first, AUTH_BAN_ADDRESSES));
    ban_failure(t, &first, AUTH_BAN_ADDRESSES); /* heard of again: not the oldest any more */
    struct ip more = ip("198.51.100.1");
    ban_failure(t, &more, AUTH_BAN_ADDRESSES);
    g_assert_cmpuint(ban_count(t), ==, AUTH_BAN_ADDRESSES);
    g_assert_true(ban_is(t, &first, AUTH_BAN_ADDRESSES));
    g_assert_false(ban_is(t, &second, AUTH_BAN_ADDRESSES));

    /* Long after, a new one makes all the stale ones go. */
    int64_t later = (AUTH_BAN_FIRST_S + AUTH_BAN_MAX_S + 10) * S;
    struct ip last = ip("198.51.100.2");
    ban_failure(t, &last, later);
    g_assert_cmpuint(ban_count(t), ==, 1);
    ban_free(t);
}

static struct ip_prefix
prefix(const char *text)
{
    struct ip_prefix out;
    g_assert_true(ip_prefix_parse(text, &out));
    return out;
}

static void
test_allowed(void)
{
    struct ban_table *t = ban_new();
    struct ip a = ip("10.1.2.3"), b = ip("10.2.0.1"), six = ip("2001:db8::1");
    struct ip_prefix allowed[] = {prefix("10.1.0.0/16"), prefix("2001:db8::/32")};
    fail_times(t, &a, AUTH_BAN_TRIES, 0);
    g_assert_true(ban_is(t, &a, 0));
    ban_allow(t, allowed, G_N_ELEMENTS(allowed));
    g_assert_false(ban_is(t, &a, 0)); /* ends a ban, too */
    g_assert_cmpuint(ban_count(t), ==, 0);
    fail_times(t, &a, 100, S);
    fail_times(t, &six, 100, S);
    fail_times(t, &b, AUTH_BAN_TRIES, S);
    g_assert_false(ban_is(t, &a, S));
    g_assert_false(ban_is(t, &six, S));
    g_assert_true(ban_is(t, &b, S));
    g_assert_true(ban_is_allowed(t, &six));
    ban_allow(t, NULL, 0);
    fail_times(t, &a, AUTH_BAN_TRIES, 2 * S);
    g_assert_true(ban_is(t, &a, 2 * S));
    ban_free(t);
}

static void
test_list(void)
{
    struct ban_table *t = ban_new();
    struct ip a = ip("192.0.2.9"), b = ip("192.0.2.1"), six = ip("2001:db8:1:2::7");
    struct ban got;
    fail_times(t, &a, AUTH_BAN_TRIES, 0);
    fail_times(t, &six, AUTH_BAN_TRIES, S);
    g_assert_false(ban_failure(t, &b, S));
    g_assert_true(ban_get(t, &a, S, &got));
    g_assert_cmpuint(got.times, ==, 1);
    g_assert_cmpint(got.until_us, ==, AUTH_BAN_FIRST_S * S);
    g_assert_false(ban_get(t, &b, S, &got));

    fail_times(t, &b, AUTH_BAN_TRIES - 1, 2 * S);
    g_autoptr(GArray) all = ban_list(t, 2 * S);
    g_assert_cmpuint(all->len, ==, 3);
    struct ip cut = ip("2001:db8:1:2::");
    g_assert_true(ip_equal(&g_array_index(all, struct ban, 0).ip, &b));
    g_assert_true(ip_equal(&g_array_index(all, struct ban, 1).ip, &a));
    g_assert_true(ip_equal(&g_array_index(all, struct ban, 2).ip, &cut));
    g_autoptr(GArray) later = ban_list(t, AUTH_BAN_FIRST_S * S);
    g_assert_cmpuint(later->len, ==, 2); /* the first is over */

    g_assert_true(ban_lift(t, &six, 2 * S));
    g_assert_false(ban_is(t, &six, 2 * S));
    g_assert_false(ban_lift(t, &six, 2 * S));
    g_assert_false(ban_lift(t, &a, AUTH_BAN_FIRST_S * S));
    fail_times(t, &six, AUTH_BAN_TRIES - 1, 3 * S); /* it began anew */
    g_assert_false(ban_is(t, &six, 3 * S));
    ban_free(t);
}

/* What was kept goes on, and what comes after it is longer. */
static void
test_restore(void)
{
    struct ban_table *t = ban_new();
    struct ip a = ip("192.0.2.1"), b = ip("192.0.2.2"), c = ip("192.0.2.3");
    int64_t now = 100000 * S;
    struct ban running = {.ip = a, .times = 3, .until_us = now + 60 * S};
    struct ban over = {.ip = b, .times = 2, .until_us = now - 60 * S};
    struct ban stale = {.ip = c, .times = 9, .until_us = now - (AUTH_BAN_MAX_S + 1) * S};
    ban_restore(t, &running, now);
    ban_restore(t, &over, now);
    ban_restore(t, &stale, now);
    g_assert_cmpuint(ban_count(t), ==, 2);
    g_assert_true(ban_is(t, &a, now + 60 * S - 1));
    g_assert_false(ban_is(t, &a, now + 60 * S));
    g_assert_false(ban_is(t, &b, now));
    fail_times(t, &b, AUTH_BAN_TRIES, now);
    g_assert_true(ban_is(t, &b, now + 4 * AUTH_BAN_FIRST_S * S - 1)); /* the third */
    g_assert_false(ban_is(t, &b, now + 4 * AUTH_BAN_FIRST_S * S));
    /* A clock that was wrong makes no ban for years. */
    struct ban far = {.ip = c, .times = 1, .until_us = INT64_MAX / 2};
    ban_restore(t, &far, now);
    g_assert_false(ban_is(t, &c, now + AUTH_BAN_MAX_S * S));
    ban_free(t);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ban/limit", test_limit);
    g_test_add_func("/ban/window", test_window);
    g_test_add_func("/ban/growth", test_growth);
    g_test_add_func("/ban/during", test_during);
    g_test_add_func("/ban/success", test_success);
    g_test_add_func("/ban/ipv6", test_ipv6);
    g_test_add_func("/ban/full", test_full);
    g_test_add_func("/ban/allowed", test_allowed);
    g_test_add_func("/ban/list", test_list);
    g_test_add_func("/ban/restore", test_restore);
    return g_test_run();
}
