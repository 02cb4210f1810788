/* SPDX-License-Identifier: Apache-2.0 */
/* test-store-access.c - access rules and rules for clients' addresses, as texts with numbers. */

#include "core/base/error.h"
#include "tests/unit/store/store_fixture.h"

static void
make_hub(struct fixture *f, const char *name)
{
    struct store_hub h = {.name = (char *)name, .online = true};

    g_assert_true(store_hub_create(f->s, &h, NULL));
}

static uint32_t
add(struct fixture *f, enum store_rules which, const char *hub, const char *text)
{
    uint32_t id = 0;
    GError *error = NULL;

    g_assert_true(store_rule_add(f->s, which, hub, text, &id, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(id, >, 0);
    return id;
}

/* "1=a 2=b", in the order of numbers. */
static void
check(struct fixture *f, enum store_rules which, const char *hub, const char *want)
{
    g_autoptr(GArray) all = store_rules(f->s, which, hub);
    g_autoptr(GString) got = g_string_new(NULL);

    for (unsigned i = 0; i < all->len; i++) {
        const struct store_rule *r = &g_array_index(all, struct store_rule, i);
        g_string_append_printf(got, "%s%u=%s", i > 0 ? " " : "", r->id, r->text);
    }
    g_assert_cmpstr(got->str, ==, want);
    g_assert_cmpuint(store_rules_count(f->s, which, hub), ==, all->len);
}

static void
test_one_by_one(struct fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    uint32_t id = 0;

    (void)data;
    make_hub(f, "A");
    make_hub(f, "B");
    g_assert_cmpuint(add(f, STORE_ACCESS_RULES, "A", "one"), ==, 1);
    g_assert_cmpuint(add(f, STORE_ACCESS_RULES, "B", "two"), ==, 2);
    g_assert_cmpuint(add(f, STORE_ACCESS_RULES, "a", "three"), ==, 3);
    add(f, STORE_SOURCE_RULES, "A", "other");
    fixture_reopen(f);
    check(f, STORE_ACCESS_RULES, "A", "1=one 3=three");
    check(f, STORE_ACCESS_RULES, "B", "2=two");
    check(f, STORE_SOURCE_RULES, "A", "1=other");
    g_assert_true(store_rule_set(f->s, STORE_ACCESS_RULES, "A", 3, "drei", NULL));
    g_assert_true(store_rule_delete(f->s, STORE_ACCESS_RULES, "A", 1, NULL));
    check(f, STORE_ACCESS_RULES, "A", "3=drei");

    g_assert_false(store_rule_set(f->s, STORE_ACCESS_RULES, "A", 2, "x", &error)); /* B's */
    g_assert_error(error, PE_ERROR, PE_NOT_FOUND);
    g_clear_error(&error);
    g_assert_false(store_rule_delete(f->s, STORE_ACCESS_RULES, "A", 1, &error));
    g_assert_error(error, PE_ERROR, PE_NOT_FOUND);
    g_clear_error(&error);
    g_assert_false(store_rule_add(f->s, STORE_ACCESS_RULES, "C", "x", &id, &error));
    g_assert_error(error, PE_ERROR, PE_HUB_NOT_FOUND);
    check(f, STORE_ACCESS_RULES, "C", "");
    g_assert_true(store_hub_delete(f->s, "A", NULL));
    make_hub(f, "A");
    check(f, STORE_ACCESS_RULES, "A", "");
}

static void
test_replace(struct fixture *f, gconstpointer data)
{
    const struct store_rule rules[] = {
        {3, (char *)"kept"}, {0, (char *)"new"}, {2, (char *)"not mine"}, {3, (char *)"again"}};
    g_autoptr(GError) error = NULL;

    (void)data;
    make_hub(f, "A");
    make_hub(f, "B");
    add(f, STORE_ACCESS_RULES, "A", "one");
    add(f, STORE_ACCESS_RULES, "B", "two");
    add(f, STORE_ACCESS_RULES, "A", "three");
    g_assert_true(store_rules_replace(f->s, STORE_ACCESS_RULES, "A", rules, 4, NULL));
    check(f, STORE_ACCESS_RULES, "A", "3=kept 4=new 5=not mine 6=again");
    check(f, STORE_ACCESS_RULES, "B", "2=two");
    g_assert_false(store_rules_replace(f->s, STORE_ACCESS_RULES, "C", rules, 4, &error));
    g_assert_error(error, PE_ERROR, PE_HUB_NOT_FOUND);
    g_assert_true(store_rules_replace(f->s, STORE_ACCESS_RULES, "A", NULL, 0, NULL));
    check(f, STORE_ACCESS_RULES, "A", "");
}

static void
test_bounded(struct fixture *f, gconstpointer data)
{
    g_autofree struct store_rule *rules = g_new0(struct store_rule, STORE_SOURCE_RULES_MAX + 1);
    g_autoptr(GError) error = NULL;
    uint32_t id = 0;

    (void)data;
    make_hub(f, "A");
    for (unsigned i = 0; i <= STORE_SOURCE_RULES_MAX; i++)
        rules[i].text = (char *)"x";
    g_assert_true(
        store_rules_replace(f->s, STORE_SOURCE_RULES, "A", rules, STORE_SOURCE_RULES_MAX, NULL));
    g_assert_false(store_rule_add(f->s, STORE_SOURCE_RULES, "A", "x", &id, &error));
    g_assert_error(error, PE_ERROR, PE_TOO_MANY_ITEMS);
    g_clear_error(&error);
    g_assert_false(store_rules_replace(f->s, STORE_SOURCE_RULES, "A", rules,
                                       STORE_SOURCE_RULES_MAX + 1, &error));
    g_assert_error(error, PE_ERROR, PE_TOO_MANY_ITEMS);
    g_assert_cmpuint(store_rules_count(f->s, STORE_SOURCE_RULES, "A"), ==, STORE_SOURCE_RULES_MAX);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    FIXTURE_ADD("/store/access/one-by-one", test_one_by_one);
    FIXTURE_ADD("/store/access/replace", test_replace);
    FIXTURE_ADD("/store/access/bounded", test_bounded);
    return g_test_run();
}
