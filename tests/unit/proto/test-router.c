/* SPDX-License-Identifier: Apache-2.0 */
/* The register of routers: which entry an identity finds. */

#include "core/proto/router.h"

static void
add(GPtrArray *a, const char *id, const char *user)
{
    struct router *r = router_new();

    r->id = g_strdup(id);
    r->user = g_strdup(user);
    r->psk = secret_text("key");
    g_ptr_array_add(a, r);
}

static const char *
user_of(const struct router_book *b, const char *id)
{
    const struct router *r = router_book_find(b, id);

    return r ? r->user : NULL;
}

static void
test_find(void)
{
    GPtrArray *a = g_ptr_array_new();

    add(a, "*", "any");
    add(a, "192.0.2.7", "seven");
    add(a, "branch.*", "branches");
    add(a, "branch.east.*", "east");
    add(a, "Branch.east.1", "one");
    struct router_book *b = router_book_new(a);
    g_assert_cmpstr(user_of(b, "192.0.2.7"), ==, "seven");
    g_assert_cmpstr(user_of(b, "192.0.2.70"), ==, "any");
    g_assert_cmpstr(user_of(b, "BRANCH.west"), ==, "branches");
    g_assert_cmpstr(user_of(b, "branch.east.2"), ==, "east");
    g_assert_cmpstr(user_of(b, "branch.EAST.1"), ==, "one");
    g_assert_cmpstr(user_of(b, ""), ==, "any");
    g_assert_cmpuint(router_book_n(b), ==, 5);
    g_assert_true(router_book_ref(b) == b);
    router_book_unref(b);
    g_assert_cmpstr(router_book_at(b, 1)->id, ==, "192.0.2.7");
    router_book_unref(b);
    g_assert_null(router_book_find(NULL, "x"));
    g_assert_cmpuint(router_book_n(NULL), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/router/find", test_find);
    return g_test_run();
}
