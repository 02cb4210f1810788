/* SPDX-License-Identifier: Apache-2.0 */
/* test-store-routers.c - the register of routers. */

#include "core/base/error.h"
#include "tests/unit/store/store_fixture.h"

#include <string.h>

static void
make_hub(struct fixture *f, const char *name)
{
    struct store_hub h = {.name = (char *)name, .online = true};

    g_assert_true(store_hub_create(f->s, &h, NULL));
}

static struct store_router
router_of(const char *id, const char *hub, const char *user, GBytes *psk)
{
    return (struct store_router){
        .id = (char *)id, .hub = (char *)hub, .user = (char *)user, .psk = psk};
}

static void
test_put(struct fixture *f, gconstpointer data)
{
    g_autoptr(GBytes) key = g_bytes_new_static("secret of one", 13);
    struct store_router one = router_of("Branch.example", "A", "anna", key);
    struct store_router two = router_of("192.0.2.7", "B", "bob", NULL);

    (void)data;
    make_hub(f, "A");
    make_hub(f, "B");
    one.aggressive = true;
    one.session = (char *)"1:2:::";
    g_assert_true(store_router_put(f->s, &one, NULL));
    g_assert_true(store_router_put(f->s, &two, NULL));
    fixture_reopen(f);

    g_autoptr(GPtrArray) all = store_routers(f->s);
    g_assert_cmpuint(all->len, ==, 2);
    struct store_router *got = store_router_get(f->s, "BRANCH.EXAMPLE");
    g_assert_nonnull(got);
    g_assert_cmpstr(got->id, ==, "Branch.example");
    g_assert_cmpstr(got->hub, ==, "A");
    g_assert_cmpstr(got->user, ==, "anna");
    g_assert_cmpstr(got->session, ==, "1:2:::");
    g_assert_true(got->aggressive);
    g_assert_true(g_bytes_equal(got->psk, key));
    store_router_free(got);

    /* Another spelling is the same entry, and its key can be read. */
    one.id = (char *)"BRANCH.example";
    one.aggressive = false;
    g_assert_true(store_router_put(f->s, &one, NULL));
    got = store_router_get(f->s, "branch.example");
    g_assert_cmpstr(got->id, ==, "BRANCH.example");
    g_assert_false(got->aggressive);
    g_assert_true(g_bytes_equal(got->psk, key));
    store_router_free(got);

    g_assert_true(store_router_delete(f->s, "branch.EXAMPLE", NULL));
    g_assert_null(store_router_get(f->s, "branch.example"));
    g_assert_true(store_hub_delete(f->s, "B", NULL));
    g_assert_null(store_router_get(f->s, "192.0.2.7"));
}

static void
refused(struct fixture *f, const struct store_router *r, int code)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(store_router_put(f->s, r, &error));
    g_assert_error(error, PE_ERROR, code);
}

static void
test_refused(struct fixture *f, gconstpointer data)
{
    g_autofree char *long_id = g_strnfill(STORE_NAME_MAX + 1, 'x');
    g_autoptr(GBytes) none = g_bytes_new_static("", 0);
    g_autoptr(GError) error = NULL;

    (void)data;
    make_hub(f, "A");
    struct store_router bad[] = {
        router_of("", "A", "anna", NULL),     router_of(long_id, "A", "anna", NULL),
        router_of("a\nb", "A", "anna", NULL), router_of("x", "A", "", NULL),
        router_of("x", "A", "anna", none),
    };
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        refused(f, &bad[i], PE_INVALID_PARAMETER);
    struct store_router lost = router_of("x", "B", "anna", NULL);
    refused(f, &lost, PE_HUB_NOT_FOUND);
    g_assert_false(store_router_delete(f->s, "x", &error));
    g_assert_error(error, PE_ERROR, PE_NOT_FOUND);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    FIXTURE_ADD("/store/routers/put", test_put);
    FIXTURE_ADD("/store/routers/refused", test_refused);
    return g_test_run();
}
