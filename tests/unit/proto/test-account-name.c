/* SPDX-License-Identifier: Apache-2.0 */
/* test-account-name.c - which hub a typed name means. */

#include "core/proto/account_name.h"

struct rig {
    struct worker_set *workers;
    struct hubs *hubs;
};

static void
add_hub(struct rig *r, const char *name)
{
    g_autofree char *own = g_strdup(name);
    struct hub_config config = {.name = own, .online = true};

    g_assert_nonnull(hubs_create(r->hubs, &config, NULL));
}

static void
set_up(struct rig *r, gconstpointer data)
{
    (void)data;
    r->workers = worker_set_new(1, NULL);
    r->hubs = hubs_new(r->workers);
    add_hub(r, "OFFICE");
}

static void
tear_down(struct rig *r, gconstpointer data)
{
    (void)data;
    hubs_free(r->hubs);
    worker_set_free(r->workers);
}

static void
check(struct rig *r, const char *default_hub, const char *name, const char *hub, const char *user)
{
    g_autofree char *is_hub = NULL;
    g_autofree char *is_user = NULL;

    account_name_split(r->hubs, default_hub, name, &is_hub, &is_user);
    g_assert_cmpstr(is_hub, ==, hub);
    g_assert_cmpstr(is_user, ==, user);
}

static void
test_split(struct rig *r, gconstpointer data)
{
    (void)data;
    check(r, NULL, "anna", "OFFICE", "anna"); /* the only hub */
    check(r, "", "anna", "OFFICE", "anna");
    check(r, "LAB", "anna", "LAB", "anna");
    check(r, "LAB", "anna@office", "office", "anna");
    check(r, "LAB", "anna@example.org", "LAB", "anna@example.org"); /* no such hub */
    check(r, "LAB", "anna@example.org@OFFICE", "OFFICE", "anna@example.org");
    check(r, "LAB", "OFFICE\\anna", "OFFICE", "anna");
    check(r, "LAB", "NOWHERE\\anna@office", "NOWHERE", "anna@office");
    check(r, "LAB", "@OFFICE", "OFFICE", "");
    check(r, "LAB", "\\", "", "");
    check(r, "LAB", "", "LAB", "");
    add_hub(r, "HOME");
    check(r, NULL, "anna", ACCOUNT_NAME_DEFAULT_HUB, "anna");
    check(r, NULL, "anna@home", "home", "anna");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/proto/account-name/split", struct rig, NULL, set_up, test_split, tear_down);
    return g_test_run();
}
