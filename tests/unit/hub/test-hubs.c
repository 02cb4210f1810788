/* SPDX-License-Identifier: Apache-2.0 */
/* test-hubs.c - hubs by name. */

#include "tests/unit/hub/rig.h"

static struct hub *
create(struct rig *r, const char *name, GError **error)
{
    g_autofree char *owned = g_strdup(name);
    struct hub_config config = {.name = owned, .online = true};
    return hubs_create(r->hubs, &config, error);
}

static void
test_names(struct rig *r, const void *data)
{
    (void)data;
    g_autofree char *longest = g_strnfill(HUB_NAME_MAX, 'x');
    g_autofree char *longer = g_strnfill(HUB_NAME_MAX + 1, 'x');
    const char *const good[] = {"a", "Office 2", "x-y_z.0", longest};
    const char *const bad[] = {"", "a/b", "caf\xc3\xa9", "a\n", "a'b", longer};
    for (unsigned i = 0; i < ARRAY_LEN(good); i++)
        g_assert_nonnull(create(r, good[i], NULL));
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(create(r, bad[i], &error));
        g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
    }
    g_autoptr(GError) error = NULL;
    g_assert_null(create(r, "OFFICE 2", &error));
    g_assert_error(error, PE_ERROR, PE_HUB_EXISTS);
}

static void
test_find_list_remove(struct rig *r, const void *data)
{
    (void)data;
    const char *const names[] = {"zeta", "Beta", "alpha"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        g_assert_nonnull(create(r, names[i], NULL));
    struct hub *hub = hubs_find(r->hubs, "bETA");
    g_assert_cmpstr(hub_name(hub), ==, "Beta");
    g_assert_true(hub_is_online(hub) && hub_is_listed(hub));
    g_assert_null(hubs_find(r->hubs, "bet"));

    g_autoptr(GPtrArray) list = hubs_list(r->hubs);
    const char *const sorted[] = {"alpha", "Beta", "TEST", "zeta"};
    g_assert_cmpuint(list->len, ==, ARRAY_LEN(sorted));
    for (unsigned i = 0; i < ARRAY_LEN(sorted); i++)
        g_assert_cmpstr(hub_name(g_ptr_array_index(list, i)), ==, sorted[i]);

    g_autoptr(GError) error = NULL;
    g_assert_true(hubs_remove(r->hubs, "BETA", &error));
    g_assert_no_error(error);
    g_assert_false(hub_is_online(hub)); /* we still hold it */
    g_assert_null(hubs_find(r->hubs, "Beta"));
    g_assert_nonnull(create(r, "Beta", NULL)); /* another one */
    g_assert_false(hubs_remove(r->hubs, "gamma", &error));
    g_assert_error(error, PE_ERROR, PE_HUB_NOT_FOUND);
    hub_unref(hub);
}

static void
test_settings(struct rig *r, const void *data)
{
    (void)data;
    char name[] = "TEST";
    struct hub_config config = {.name = name, .no_enum = true};
    hub_set_config(r->hub, &config);
    g_assert_false(hub_is_online(r->hub));
    g_assert_false(hub_is_listed(r->hub));
    struct hub_stats s;
    hub_get_stats(r->hub, &s);
    g_assert_cmpint(s.last_comm_ms, ==, s.created_ms);
    g_assert_cmpint(ABS(s.created_ms - clock_wall_ms()), <, 60000);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, fn) g_test_add("/hub/hubs/" name, struct rig, NULL, rig_set_up, fn, rig_tear_down)
    ADD("names", test_names);
    ADD("find-list-remove", test_find_list_remove);
    ADD("settings", test_settings);
#undef ADD
    return g_test_run();
}
