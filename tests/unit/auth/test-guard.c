/* SPDX-License-Identifier: Apache-2.0 */
/* test-guard.c - bans and pauses as auth and the administration see them. */

#include "core/auth/auth.h"
#include "core/auth/guard.h"
#include "core/auth/throttle.h"
#include "core/base/clock.h"

#include <glib.h>

static struct ip
ip(const char *text)
{
    struct ip out;
    g_assert_true(ip_parse(text, &out));
    return out;
}

static struct guard_try
try_of(const struct ip *from, const char *hub, const char *user)
{
    return (struct guard_try){.ip = from, .hub = hub, .user = user, .protocol = "test"};
}

static void
test_ban(void)
{
    struct guard *g = guard_new();
    struct ip a = ip("192.0.2.1"), b = ip("192.0.2.2");
    struct guard_try t = try_of(&a, NULL, NULL);
    for (unsigned i = 1; i < AUTH_BAN_TRIES; i++)
        g_assert_false(guard_failure(g, &t));
    g_assert_null(guard_take_new(g));
    g_assert_true(guard_failure(g, &t));
    g_assert_true(guard_is_banned(g, &a));
    g_assert_false(guard_is_banned(g, &b));

    g_autoptr(GArray) fresh = guard_take_new(g);
    g_assert_cmpuint(fresh->len, ==, 1);
    const struct guard_ban *ban = &g_array_index(fresh, struct guard_ban, 0);
    g_assert_true(ip_equal(&ban->who.ip, &a));
    g_assert_cmpuint(ban->who.len, ==, 32);
    g_assert_cmpuint(ban->times, ==, 1);
    int64_t left_ms = ban->until_ms - clock_wall_ms();
    g_assert_cmpint(left_ms, >, (AUTH_BAN_FIRST_S - 10) * 1000);
    g_assert_cmpint(left_ms, <=, AUTH_BAN_FIRST_S * 1000);
    g_assert_null(guard_take_new(g));

    /* Another server, after a restart. */
    struct guard *next = guard_new();
    guard_restore(next, fresh);
    g_assert_true(guard_is_banned(next, &a));
    g_autoptr(GArray) all = guard_bans(next);
    g_assert_cmpuint(all->len, ==, 1);
    g_assert_true(guard_lift(next, &a));
    g_assert_false(guard_lift(next, &a));
    g_assert_false(guard_is_banned(next, &a));
    guard_free(next);
    guard_free(g);
    guard_free(NULL);
}

static void
test_account(void)
{
    struct guard *g = guard_new();
    struct ip a[] = {ip("192.0.2.1"), ip("192.0.2.2"), ip("192.0.2.3"), ip("192.0.2.4")};
    for (unsigned i = 0; i < THROTTLE_TRIES; i++) {
        struct guard_try t = try_of(&a[i % 4], i % 2 ? "Hub" : "HUB", i % 2 ? "anna" : "ANNA");
        (void)guard_failure(g, &t);
    }
    g_assert_false(guard_is_banned(g, &a[0]));
    struct guard_try anna = try_of(&a[0], "hub", "Anna"), berta = try_of(&a[0], "hub", "berta");
    g_assert_true(guard_is_paused(g, &anna));
    g_assert_false(guard_is_paused(g, &berta));

    struct ip_prefix p;
    g_assert_true(ip_prefix_parse("192.0.2.0/24", &p));
    g_autoptr(GArray) allowed = g_array_new(FALSE, FALSE, sizeof(p));
    g_array_append_val(allowed, p);
    guard_allow(g, allowed);
    g_assert_false(guard_is_paused(g, &anna));
    for (unsigned i = 0; i < 50; i++)
        g_assert_false(guard_failure(g, &anna));
    g_assert_false(guard_is_banned(g, &a[0]));
    guard_free(g);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/guard/ban", test_ban);
    g_test_add_func("/guard/account", test_account);
    return g_test_run();
}
