/* SPDX-License-Identifier: Apache-2.0 */
/* test-rpc-method.c - the table keeps its own rules. */
#include "core/base/policy.h"
#include "core/rpc/wire/api_doc.h"
#include "core/rpc/wire/method.h"

#include <glib.h>

#include <string.h>

static void
check_fields(const struct rpc_method *m, const struct rpc_field *fields, bool is_input)
{
    struct rpc_field_iter it = rpc_fields(fields);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    const struct rpc_field *f;

    while ((f = rpc_field_next(&it)) != NULL) {
        g_test_message("%s %s", m->name, f->name);
        enum rpc_type type = rpc_type_of(f->name);
        g_assert_cmpint(type, !=, RPC_NO_TYPE);
        g_assert_true(g_hash_table_add(seen, (char *)f->name));
        g_assert_true(f->text && f->text[0] && !g_str_has_suffix(f->text, "."));
        g_assert_cmpint(type == RPC_LIST, ==, f->members != NULL);
        if (type == RPC_LIST)
            check_fields(m, f->members, is_input);
        if (type == RPC_U64 || type == RPC_BOOL || type == RPC_DT || type == RPC_IP)
            g_assert_false(f->flags & RPC_ARRAY); /* record has no way to append these */
    }
}

static void
test_table(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    const struct rpc_method *m;
    unsigned n = 0;

    for (; (m = rpc_method_at(n)) != NULL; n++) {
        g_assert_true(g_hash_table_add(seen, (char *)m->name));
        g_assert_true(m->text[0] && !g_str_has_suffix(m->text, "."));
        check_fields(m, m->in, true);
        check_fields(m, m->out, false);
        if (m->right == RPC_HUB_ADMIN)
            g_assert_nonnull(rpc_field_find(m->in, m->hub_field ? m->hub_field : "HubName_str"));
        g_assert_true(rpc_method_find(m->name) == m);
    }
    g_assert_cmpuint(n, >=, 70); /* none was lost */
    g_assert_null(rpc_method_find("NoSuchMethod"));
    g_assert_null(rpc_method_find(""));
    g_assert_nonnull(rpc_method_find("enumHUB"));
}

/* Whatever holds a password or a key by its name is write-only. */
static void
test_secrets(void)
{
    static const char *const marks[] = {"Password", "Key_bin", "Secret", "SessionKey"};
    const struct rpc_method *m;
    unsigned found = 0;

    for (unsigned i = 0; (m = rpc_method_at(i)) != NULL; i++)
        for (unsigned way = 0; way < 2; way++) {
            struct rpc_field_iter it = rpc_fields(way ? m->out : m->in);
            const struct rpc_field *f;
            while ((f = rpc_field_next(&it)) != NULL)
                for (size_t k = 0; k < ARRAY_LEN(marks); k++)
                    if (strstr(f->name, marks[k]) && rpc_type_of(f->name) != RPC_BOOL) {
                        g_test_message("%s %s", m->name, f->name);
                        g_assert_true(f->flags & RPC_SECRET);
                        found++;
                    }
        }
    g_assert_cmpuint(found, >=, 10);
}

/* The policy of the API is the policy of the hub, item by item and type by type. */
static void
test_policy(void)
{
    const struct rpc_method *m = rpc_method_find("CreateUser");
    unsigned items = 0, fields = 0;

#define X(name, kind, value)                                            \
    g_assert_nonnull(rpc_field_find(m->in, "policy:" #name "_" #kind)); \
    items++;
    POLICY_ITEMS(X)
#undef X
    struct rpc_field_iter it = rpc_fields(m->in);
    const struct rpc_field *f;
    while ((f = rpc_field_next(&it)) != NULL)
        fields += g_str_has_prefix(f->name, "policy:");
    g_assert_cmpuint(items, ==, fields);
}

static void
test_doc(void)
{
    g_autofree char *doc = rpc_api_doc();
    const struct rpc_method *m;

    for (unsigned i = 0; (m = rpc_method_at(i)) != NULL; i++) {
        g_autofree char *title = g_strdup_printf("### %s\n", m->name);
        g_assert_nonnull(strstr(doc, title));
    }
    g_assert_null(strstr(doc, "(null)"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rpc/method/table", test_table);
    g_test_add_func("/rpc/method/secrets", test_secrets);
    g_test_add_func("/rpc/method/policy", test_policy);
    g_test_add_func("/rpc/method/doc", test_doc);
    return g_test_run();
}
