/* SPDX-License-Identifier: Apache-2.0 */
/* test-store-groups.c - groups, and the small settings of a hub. */

#include "core/base/error.h"
#include "tests/unit/store/store_fixture.h"

#include <string.h>

static void
make_hub(struct fixture *f, const char *name)
{
    struct store_hub h = {.name = (char *)name, .online = true};

    g_assert_true(store_hub_create(f->s, &h, NULL));
}

static void
test_groups(struct fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    struct store_group staff = {.name = (char *)"Staff",
                                .realname = (char *)"All who work here",
                                .has_policy = true,
                                .policy = policy_default()};

    (void)data;
    make_hub(f, "A");
    make_hub(f, "B");
    staff.policy.MaxMac = 7;
    g_assert_true(store_group_create(f->s, "A", &staff, NULL));
    g_assert_false(store_group_create(f->s, "a", &staff, &error));
    g_assert_error(error, PE_ERROR, PE_GROUP_EXISTS);
    g_clear_error(&error);
    g_assert_true(store_group_create(f->s, "B", &staff, NULL));
    fixture_reopen(f);

    struct store_group *got = store_group_get(f->s, "A", "STAFF");
    g_assert_nonnull(got);
    g_assert_cmpstr(got->name, ==, "Staff");
    g_assert_cmpstr(got->realname, ==, "All who work here");
    g_assert_cmpstr(got->note, ==, "");
    g_assert_true(got->has_policy);
    g_assert_cmpuint(got->policy.MaxMac, ==, 7);
    g_assert_cmpuint(got->policy.TimeOut, ==, 20);
    g_assert_cmpint(got->created_ms, >, 0);
    store_group_free(got);

    staff.has_policy = false;
    staff.note = (char *)"two\nlines";
    g_assert_true(store_group_update(f->s, "A", &staff, NULL));
    got = store_group_get(f->s, "A", "staff");
    g_assert_false(got->has_policy);
    g_assert_cmpstr(got->note, ==, "two\nlines");
    store_group_free(got);

    staff.name = (char *)"nobody";
    g_assert_false(store_group_update(f->s, "A", &staff, &error));
    g_assert_error(error, PE_ERROR, PE_GROUP_NOT_FOUND);
    g_clear_error(&error);
    staff.name = (char *)"";
    g_assert_false(store_group_create(f->s, "A", &staff, &error));
    g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
}

static void
test_delete(struct fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    struct store_group g = {.name = (char *)"Staff"};
    struct store_user u = {.name = (char *)"anna", .group = (char *)"staff"};

    (void)data;
    make_hub(f, "A");
    g_assert_true(store_group_create(f->s, "A", &g, NULL));
    g_assert_true(store_user_create(f->s, "A", &u, NULL));
    g_assert_true(store_group_delete(f->s, "A", "STAFF", NULL));
    g_autoptr(GPtrArray) left = store_groups(f->s, "A");
    g_assert_cmpuint(left->len, ==, 0);
    struct store_user *member = store_user_get(f->s, "A", "anna");
    g_assert_cmpstr(member->group, ==, "");
    store_user_free(member);
    g_assert_false(store_group_delete(f->s, "A", "staff", &error));
    g_assert_error(error, PE_ERROR, PE_GROUP_NOT_FOUND);
}

static void
test_settings(struct fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    make_hub(f, "A");
    make_hub(f, "B");
    g_assert_true(store_hub_set_text(f->s, "A", "option.NoIpTable", "1", NULL));
    g_assert_true(store_hub_set_text(f->s, "A", "option.MaxLoggedPacketsPerMinute", "5", NULL));
    g_assert_true(store_hub_set_text(f->s, "A", "message", "Willkommen", NULL));
    g_assert_true(store_hub_set_secret(f->s, "A", "radius.secret", "s3cret", 6, NULL));
    g_assert_false(store_hub_set_text(f->s, "none", "message", "x", &error));
    g_assert_error(error, PE_ERROR, PE_HUB_NOT_FOUND);
    fixture_reopen(f);

    g_autofree char *message = store_hub_get_text(f->s, "a", "message");
    g_assert_cmpstr(message, ==, "Willkommen");
    g_assert_null(store_hub_get_text(f->s, "B", "message"));
    g_assert_null(store_hub_get_text(f->s, "A", "radius.secret"));
    g_autoptr(GBytes) secret = store_hub_get_secret(f->s, "A", "radius.secret");
    g_autoptr(GBytes) want = g_bytes_new_static("s3cret", 6);
    g_assert_true(g_bytes_equal(secret, want));
    g_autoptr(GHashTable) options = store_hub_texts(f->s, "A", "option.");
    g_assert_cmpuint(g_hash_table_size(options), ==, 2);
    g_assert_cmpstr(g_hash_table_lookup(options, "option.NoIpTable"), ==, "1");

    g_assert_true(store_hub_set_text(f->s, "A", "option.NoIpTable", NULL, NULL));
    g_assert_null(store_hub_get_text(f->s, "A", "option.NoIpTable"));
    /* What was sealed for one hub does not open for another. */
    g_assert_true(query_exec(f->s->db, "INSERT INTO hub_settings SELECT (SELECT id FROM hubs WHERE "
                                       "name = 'B'), name, value, sealed FROM hub_settings "
                                       "WHERE name = 'radius.secret'"));
    g_assert_null(store_hub_get_secret(f->s, "B", "radius.secret"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    FIXTURE_ADD("/store/groups", test_groups);
    FIXTURE_ADD("/store/groups/delete", test_delete);
    FIXTURE_ADD("/store/hub-settings", test_settings);
    return g_test_run();
}
