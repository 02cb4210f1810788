/* SPDX-License-Identifier: Apache-2.0 */
/* test-store-totp.c - secrets of one-time codes are sealed, and each code is used once. */

#include "core/base/error.h"
#include "core/base/secret.h"
#include "tests/unit/store/store_fixture.h"

#include <string.h>

static const char kept[] = "sha1 6 GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

static void
make_users(struct fixture *f)
{
    struct store_hub h = {.name = (char *)"HUB", .online = true};
    struct store_user anna = {.name = (char *)"Anna"}, berta = {.name = (char *)"berta"};

    g_assert_true(store_hub_create(f->s, &h, NULL));
    g_assert_true(store_user_create(f->s, "HUB", &anna, NULL));
    g_assert_true(store_user_create(f->s, "HUB", &berta, NULL));
}

static void
test_secret(struct fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    make_users(f);
    g_assert_null(store_user_totp(f->s, "HUB", "anna"));
    g_assert_false(store_user_set_totp(f->s, "HUB", "nobody", kept, &error));
    g_assert_error(error, PE_ERROR, PE_NOT_FOUND);
    g_assert_true(store_user_set_totp(f->s, "hub", "ANNA", kept, NULL));
    fixture_reopen(f);
    char *text = store_user_totp(f->s, "HUB", "anna");
    g_assert_cmpstr(text, ==, kept);
    secret_free_str(text);
    g_assert_null(store_user_totp(f->s, "HUB", "berta"));

    g_autofree char *path = g_build_filename(f->folder, "polyether.db-wal", NULL);
    g_autofree char *bytes = NULL;
    gsize len = 0;
    if (g_file_get_contents(path, &bytes, &len, NULL))
        g_assert_null(memmem(bytes, len, "GEZDGNBV", 8)); /* nothing of it in clear */

    /* A secret that was moved to another user is none. */
    struct query q = query_of(f->s->db, "UPDATE users SET totp = (SELECT totp FROM users WHERE "
                                        "name = 'Anna') WHERE name = 'berta'");
    g_assert_true(query_run(&q));
    char *moved = store_user_totp(f->s, "HUB", "berta");
    g_assert_cmpstr(moved, ==, ""); /* and yet the user does not get in without a code */
    g_free(moved);
    g_assert_true(store_user_set_totp(f->s, "HUB", "anna", NULL, NULL));
    g_assert_null(store_user_totp(f->s, "HUB", "anna"));
}

static void
test_once(struct fixture *f, gconstpointer data)
{
    (void)data;
    make_users(f);
    g_assert_true(store_user_set_totp(f->s, "HUB", "anna", kept, NULL));
    g_assert_true(store_user_use_totp(f->s, "HUB", "anna", 100));
    g_assert_false(store_user_use_totp(f->s, "HUB", "anna", 100));
    g_assert_false(store_user_use_totp(f->s, "HUB", "anna", 99));
    fixture_reopen(f);
    g_assert_false(store_user_use_totp(f->s, "HUB", "anna", 100));
    g_assert_true(store_user_use_totp(f->s, "HUB", "anna", 101));
    g_assert_false(store_user_use_totp(f->s, "HUB", "nobody", 200));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    FIXTURE_ADD("/store/totp/secret", test_secret);
    FIXTURE_ADD("/store/totp/once", test_once);
    return g_test_run();
}
