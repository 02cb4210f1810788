/* SPDX-License-Identifier: Apache-2.0 */
/* test-store-hubs.c - hubs, and what hangs on one: authorities, bridges. */

#include "core/base/error.h"
#include "core/crypto/cert.h"
#include "tests/unit/store/store_fixture.h"

#include <string.h>

static bool
create(struct store *s, const char *name, GError **error)
{
    struct store_hub h = {.name = (char *)name, .online = true, .max_sessions = 7};
    return store_hub_create(s, &h, error);
}

static void
test_round_trip(struct fixture *f, gconstpointer data)
{
    (void)data;
    struct store_hub h = {.name = (char *)"Office",
                          .online = true,
                          .no_enum = true,
                          .max_sessions = 12,
                          .admin_verifier = (char *)"scrypt$x",
                          .has_admin_hash = true,
                          .admin_hash = "0123456789abcdefghi",
                          .admin_user_hash = "ABCDEFGHIJKLMNOPQRS"};
    g_assert_true(store_hub_create(f->s, &h, NULL));
    fixture_reopen(f);

    struct store_hub *got = store_hub_get(f->s, "OFFICE");
    g_assert_nonnull(got);
    g_assert_cmpstr(got->name, ==, "Office");
    g_assert_true(got->online);
    g_assert_true(got->no_enum);
    g_assert_cmpuint(got->max_sessions, ==, 12);
    g_assert_cmpstr(got->admin_verifier, ==, "scrypt$x");
    g_assert_true(got->has_admin_hash);
    g_assert_cmpmem(got->admin_hash, 20, h.admin_hash, 20);
    g_assert_cmpmem(got->admin_user_hash, 20, h.admin_user_hash, 20);
    g_assert_cmpint(got->created_ms, >, 0);
    g_assert_cmpint(got->updated_ms, >=, got->created_ms);
    int64_t created = got->created_ms;
    store_hub_free(got);

    struct store_hub change = {.name = (char *)"oFFICE"};
    g_assert_true(store_hub_update(f->s, &change, NULL));
    got = store_hub_get(f->s, "office");
    g_assert_cmpstr(got->name, ==, "Office"); /* the first spelling */
    g_assert_false(got->online);
    g_assert_false(got->has_admin_hash);
    g_assert_null(got->admin_verifier);
    g_assert_cmpint(got->created_ms, ==, created);
    store_hub_free(got);
    g_assert_null(store_hub_get(f->s, "home"));
}

static void
test_errors(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    g_assert_true(create(f->s, "Office", NULL));
    g_assert_false(create(f->s, "OFFICE", &error));
    g_assert_error(error, PE_ERROR, PE_HUB_EXISTS);
    g_assert_nonnull(strstr(error->message, "'OFFICE'"));
    g_clear_error(&error);

    struct store_hub h = {.name = (char *)"home"};
    g_assert_false(store_hub_update(f->s, &h, &error));
    g_assert_error(error, PE_ERROR, PE_HUB_NOT_FOUND);
    g_assert_nonnull(strstr(error->message, "'home'"));
    g_clear_error(&error);
    g_assert_false(store_hub_delete(f->s, "home\n", &error));
    g_assert_error(error, PE_ERROR, PE_HUB_NOT_FOUND);
    g_assert_null(strchr(error->message, '\n'));
}

static void
test_names(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autofree char *longest = g_strnfill(STORE_NAME_MAX, 'a');
    g_autofree char *too_long = g_strnfill(STORE_NAME_MAX + 1, 'a');
    const char *bad[] = {"",     ".",    "..",    ".a",    "a/b",  "a\\b", "a:b",
                         " a",   "a ",   "a\nb",  "a\x7f", "\xff", "*",    "h\xc3\xb6hle",
                         "a\"b", "a<b>", too_long};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(create(f->s, bad[i], &error));
        g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
        g_assert_cmpuint(strlen(error->message), <, 400);
    }
    const char *good[] = {"a", "A-1_b.c", "two words", longest, "it's (1)"};
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(create(f->s, good[i], NULL));
    g_autoptr(GPtrArray) all = store_hubs(f->s);
    g_assert_cmpuint(all->len, ==, G_N_ELEMENTS(good));
}

static void
test_full(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    g_assert_true(store_begin(f->s, NULL));
    for (unsigned i = 0; i < STORE_HUBS_MAX; i++) {
        char name[16];
        g_snprintf(name, sizeof(name), "hub%u", i);
        g_assert_true(create(f->s, name, NULL));
    }
    g_assert_false(create(f->s, "one more", &error));
    g_assert_error(error, PE_ERROR, PE_TOO_MANY_HUBS);
    store_rollback(f->s);
    g_autoptr(GPtrArray) all = store_hubs(f->s);
    g_assert_cmpuint(all->len, ==, 0);
}

/* ---- authorities ---- */

static GBytes *
make_der(const char *cn)
{
    X509 *cert = NULL;
    EVP_PKEY *key = NULL;
    g_assert_true(cert_make_self_signed(cn, 1, &cert, &key, NULL));
    GBytes *der = cert_to_der(cert);
    X509_free(cert);
    EVP_PKEY_free(key);
    return der;
}

static void
test_cas(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) one = make_der("one");
    g_autoptr(GBytes) two = make_der("two");
    g_autoptr(GBytes) none = g_bytes_new_static("none", 4);
    uint32_t key_one = 0, key_two = 0;
    g_assert_true(create(f->s, "a", NULL));
    g_assert_true(create(f->s, "b", NULL));
    g_assert_true(store_ca_add(f->s, "a", one, &key_one, NULL));
    g_assert_true(store_ca_add(f->s, "A", two, &key_two, NULL));
    g_assert_true(store_ca_add(f->s, "b", one, NULL, NULL));
    g_assert_false(store_ca_add(f->s, "a", one, NULL, &error));
    g_assert_error(error, PE_ERROR, PE_EXISTS);
    g_clear_error(&error);
    g_assert_false(store_ca_add(f->s, "a", none, NULL, &error));
    g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
    g_clear_error(&error);
    g_assert_false(store_ca_add(f->s, "c", one, NULL, &error));
    g_assert_error(error, PE_ERROR, PE_HUB_NOT_FOUND);
    g_clear_error(&error);
    fixture_reopen(f);

    g_autoptr(GPtrArray) all = store_cas(f->s, "a");
    g_assert_cmpuint(all->len, ==, 2);
    const struct store_ca *first = all->pdata[0];
    g_assert_cmpuint(first->key, ==, key_one);
    g_assert_true(g_bytes_equal(first->der, one));

    g_assert_false(store_ca_delete(f->s, "b", key_one, &error)); /* of another hub */
    g_assert_error(error, PE_ERROR, PE_NOT_FOUND);
    g_assert_true(store_ca_delete(f->s, "a", key_one, NULL));
    g_autoptr(GPtrArray) rest = store_cas(f->s, "a");
    g_assert_cmpuint(rest->len, ==, 1);
    g_assert_cmpuint(((const struct store_ca *)rest->pdata[0])->key, ==, key_two);
    g_autoptr(GPtrArray) nobody = store_cas(f->s, "c");
    g_assert_cmpuint(nobody->len, ==, 0);
}

/* ---- bridges ---- */

static void
test_bridges(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    g_assert_true(create(f->s, "Office", NULL));
    struct store_bridge b = {.hub = (char *)"OFFICE", .device = (char *)"eth0"};
    g_assert_true(store_bridge_add(f->s, &b, NULL));
    b.device = (char *)"tap1";
    b.tap = true;
    g_assert_true(store_bridge_add(f->s, &b, NULL));
    g_assert_false(store_bridge_add(f->s, &b, &error));
    g_assert_error(error, PE_ERROR, PE_EXISTS);
    g_clear_error(&error);
    b.device = (char *)"";
    g_assert_false(store_bridge_add(f->s, &b, &error));
    g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
    g_clear_error(&error);
    struct store_bridge nowhere = {.hub = (char *)"home", .device = (char *)"eth0"};
    g_assert_false(store_bridge_add(f->s, &nowhere, &error));
    g_assert_error(error, PE_ERROR, PE_HUB_NOT_FOUND);
    g_clear_error(&error);
    fixture_reopen(f);

    g_autoptr(GPtrArray) all = store_bridges(f->s);
    g_assert_cmpuint(all->len, ==, 2);
    const struct store_bridge *second = all->pdata[1];
    g_assert_cmpstr(second->hub, ==, "Office");
    g_assert_cmpstr(second->device, ==, "tap1");
    g_assert_true(second->tap);

    g_assert_true(store_bridge_delete(f->s, "office", "tap1", NULL));
    g_assert_false(store_bridge_delete(f->s, "office", "tap1", &error));
    g_assert_error(error, PE_ERROR, PE_NOT_FOUND);
}

/* ---- all of it at once ---- */

static void
test_delete_cascades(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GBytes) der = make_der("one");
    const char *hubs[] = {"a", "b"};
    for (size_t i = 0; i < G_N_ELEMENTS(hubs); i++) {
        struct store_user u = {.name = (char *)"anna"};
        struct store_bridge b = {.hub = (char *)hubs[i], .device = (char *)"eth0"};
        g_assert_true(create(f->s, hubs[i], NULL));
        g_assert_true(store_user_create(f->s, hubs[i], &u, NULL));
        g_assert_true(store_ca_add(f->s, hubs[i], der, NULL, NULL));
        g_assert_true(store_bridge_add(f->s, &b, NULL));
        store_user_note_login(f->s, hubs[i], "anna", 1);
    }
    store_flush(f->s);
    g_assert_true(store_hub_delete(f->s, "A", NULL));
    g_assert_true(create(f->s, "a", NULL)); /* the same name is a new hub */

    const char *tables[] = {"users", "user_counters", "cas", "bridges"};
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        g_autofree char *sql = g_strdup_printf("SELECT count(*) FROM %s", tables[i]);
        int64_t n = 0;
        g_assert_true(query_number(f->s->db, sql, &n));
        g_assert_cmpint(n, ==, 1); /* that of the other hub */
    }
    g_assert_cmpuint(store_users_count(f->s, "a"), ==, 0);
    g_assert_cmpuint(store_users_count(f->s, "b"), ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    FIXTURE_ADD("/store/hubs/round-trip", test_round_trip);
    FIXTURE_ADD("/store/hubs/errors", test_errors);
    FIXTURE_ADD("/store/hubs/names", test_names);
    FIXTURE_ADD("/store/hubs/full", test_full);
    FIXTURE_ADD("/store/hubs/cas", test_cas);
    FIXTURE_ADD("/store/hubs/bridges", test_bridges);
    FIXTURE_ADD("/store/hubs/delete-cascades", test_delete_cascades);
    return g_test_run();
}
