/* SPDX-License-Identifier: Apache-2.0 */
/* test-admission.c - how many strangers may be there. */

#include "core/proto/admission.h"

#include <glib.h>

static void
test_limits(void)
{
    struct admission *a = admission_new(3, 2);
    struct ip one = ip_from_v4(0x0a000001);
    struct ip two = ip_from_v4(0x0a000002);

    g_assert_true(admission_enter(a, &one));
    g_assert_true(admission_enter(a, &one));
    g_assert_false(admission_enter(a, &one)); /* its share */
    g_assert_false(admission_is_full(a));
    g_assert_true(admission_enter(a, &two));
    g_assert_true(admission_is_full(a));
    g_assert_false(admission_enter(a, &two)); /* all */
    g_assert_cmpuint(admission_total(a), ==, 3);
    admission_leave(a, &one);
    g_assert_true(admission_enter(a, &two));
    admission_leave(a, &one);
    admission_leave(a, &two);
    admission_leave(a, &two);
    g_assert_cmpuint(admission_total(a), ==, 0);
    admission_free(a);
}

static void
test_one_network(void)
{
    struct admission *a = admission_new(10, 1);
    struct ip host, neighbour, elsewhere;

    g_assert_true(ip_parse("2001:db8::1", &host));
    g_assert_true(ip_parse("2001:db8::ffff:2", &neighbour));
    g_assert_true(ip_parse("2001:db8:0:1::1", &elsewhere));
    g_assert_true(admission_enter(a, &host));
    g_assert_false(admission_enter(a, &neighbour));
    g_assert_true(admission_enter(a, &elsewhere));
    admission_free(a);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/admission/limits", test_limits);
    g_test_add_func("/admission/one-network", test_one_network);
    return g_test_run();
}
