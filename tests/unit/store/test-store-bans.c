/* SPDX-License-Identifier: Apache-2.0 */
/* test-store-bans.c - banned addresses, and certificates that a hub takes no more. */

#include "core/base/error.h"
#include "tests/unit/store/store_fixture.h"

static struct store_ban
ban(const char *who, unsigned times, int64_t until_ms)
{
    struct store_ban b = {.times = times, .until_ms = until_ms};

    g_assert_true(ip_prefix_parse(who, &b.who));
    return b;
}

static void
test_bans(struct fixture *f, gconstpointer data)
{
    struct store_ban first[] = {ban("192.0.2.1", 1, 1000), ban("2001:db8:1:2::/64", 3, 900)};
    struct store_ban again[] = {ban("192.0.2.1", 2, 5000)};
    char text[PREFIX_TEXT];

    (void)data;
    g_assert_true(store_bans_put(f->s, first, 2, 0, NULL));
    fixture_reopen(f);
    g_autoptr(GArray) two = store_bans(f->s);
    g_assert_cmpuint(two->len, ==, 2);
    const struct store_ban *b = &g_array_index(two, struct store_ban, 0);
    g_assert_cmpstr(ip_prefix_print(&b->who, text), ==, "2001:db8:1:2::/64");
    g_assert_cmpuint(b->times, ==, 3);

    g_assert_true(store_bans_put(f->s, again, 1, 950, NULL)); /* the other one is over */
    g_autoptr(GArray) one = store_bans(f->s);
    g_assert_cmpuint(one->len, ==, 1);
    b = &g_array_index(one, struct store_ban, 0);
    g_assert_cmpuint(b->times, ==, 2);
    g_assert_cmpint(b->until_ms, ==, 5000);
    g_assert_cmpuint(b->who.len, ==, 32);

    g_assert_true(store_ban_delete(f->s, &b->who, NULL));
    g_assert_true(store_ban_delete(f->s, &b->who, NULL));
    g_autoptr(GArray) none = store_bans(f->s);
    g_assert_cmpuint(none->len, ==, 0);
}

static void
test_many_bans(struct fixture *f, gconstpointer data)
{
    g_autofree struct store_ban *all = g_new0(struct store_ban, STORE_BANS_MAX + 10);

    (void)data;
    for (unsigned i = 0; i < STORE_BANS_MAX + 10; i++) {
        all[i].who.ip = ip_from_v4(0x0a000000 + i);
        all[i].who.len = 32;
        all[i].times = 1;
        all[i].until_ms = 1000 + i;
    }
    g_assert_true(store_bans_put(f->s, all, STORE_BANS_MAX + 10, 0, NULL));
    g_autoptr(GArray) kept = store_bans(f->s);
    g_assert_cmpuint(kept->len, ==, STORE_BANS_MAX);
    g_assert_cmpint(g_array_index(kept, struct store_ban, 0).until_ms, ==, 1010);
}

static void
test_crls(struct fixture *f, gconstpointer data)
{
    struct store_hub a = {.name = (char *)"A", .online = true}, b = {.name = (char *)"B"};
    g_autoptr(GError) error = NULL;
    uint32_t key = 0;

    (void)data;
    g_assert_true(store_hub_create(f->s, &a, NULL));
    g_assert_true(store_hub_create(f->s, &b, NULL));
    g_assert_false(store_crl_add(f->s, "C", "cn=x", NULL, &error));
    g_assert_error(error, PE_ERROR, PE_HUB_NOT_FOUND);
    g_clear_error(&error);
    g_assert_true(store_crl_add(f->s, "a", "cn=first", &key, NULL));
    g_assert_true(store_crl_add(f->s, "A", "cn=second", NULL, NULL));
    g_assert_true(store_crl_set(f->s, "A", key, "cn=other", NULL));
    g_assert_false(store_crl_set(f->s, "B", key, "cn=stolen", &error));
    g_assert_error(error, PE_ERROR, PE_NOT_FOUND);
    g_clear_error(&error);
    fixture_reopen(f);

    g_autoptr(GPtrArray) all = store_crls(f->s, "A");
    g_assert_cmpuint(all->len, ==, 2);
    const struct store_crl *c = g_ptr_array_index(all, 0);
    g_assert_cmpuint(c->key, ==, key);
    g_assert_cmpstr(c->entry, ==, "cn=other");
    g_assert_false(store_crl_delete(f->s, "B", key, NULL));
    g_assert_true(store_crl_delete(f->s, "A", key, NULL));
    g_autoptr(GPtrArray) one = store_crls(f->s, "A");
    g_assert_cmpuint(one->len, ==, 1);
    g_assert_true(store_hub_delete(f->s, "A", NULL));
    g_autoptr(GPtrArray) gone = store_crls(f->s, "A");
    g_assert_cmpuint(gone->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    FIXTURE_ADD("/store/bans", test_bans);
    FIXTURE_ADD("/store/bans/many", test_many_bans);
    FIXTURE_ADD("/store/crls", test_crls);
    return g_test_run();
}
