/* SPDX-License-Identifier: Apache-2.0 */
/* test-store-users.c - users: all fields there and back, names, limits, counters, many of them. */

#include "core/base/error.h"
#include "core/crypto/cert.h"
#include "tests/unit/store/store_fixture.h"

#include <string.h>

static void
with_hub(struct fixture *f)
{
    struct store_hub h = {.name = (char *)"Office"};
    g_assert_true(store_hub_create(f->s, &h, NULL));
}

static bool
create(struct store *s, const char *name, GError **error)
{
    struct store_user u = {.name = (char *)name, .auth_type = 1};
    return store_user_create(s, "Office", &u, error);
}

static GBytes *
make_der(void)
{
    X509 *cert = NULL;
    EVP_PKEY *key = NULL;
    g_assert_true(cert_make_self_signed("anna", 1, &cert, &key, NULL));
    GBytes *der = cert_to_der(cert);
    X509_free(cert);
    EVP_PKEY_free(key);
    return der;
}

static void
assert_same(const struct store_user *a, const struct store_user *b)
{
    g_assert_cmpstr(a->name, ==, b->name);
    g_assert_cmpstr(a->group, ==, b->group);
    g_assert_cmpstr(a->realname, ==, b->realname);
    g_assert_cmpstr(a->note, ==, b->note);
    g_assert_cmpint(a->expires_ms, ==, b->expires_ms);
    g_assert_cmpuint(a->auth_type, ==, b->auth_type);
    g_assert_cmpstr(a->verifier, ==, b->verifier);
    g_assert_cmpint(a->has_sevpn_hash, ==, b->has_sevpn_hash);
    g_assert_cmpmem(a->sevpn_hash, 20, b->sevpn_hash, 20);
    g_assert_cmpint(a->has_nt_hash, ==, b->has_nt_hash);
    g_assert_cmpmem(a->nt_hash, 16, b->nt_hash, 16);
    g_assert_true(a->cert == b->cert || g_bytes_equal(a->cert, b->cert));
    g_assert_cmpstr(a->cert_cn, ==, b->cert_cn);
    g_assert_true(a->cert_serial == b->cert_serial ||
                  g_bytes_equal(a->cert_serial, b->cert_serial));
    g_assert_cmpstr(a->external_name, ==, b->external_name);
    g_assert_cmpint(a->has_policy, ==, b->has_policy);
    g_assert_cmpmem(&a->policy, sizeof(a->policy), &b->policy, sizeof(b->policy));
}

static void
test_round_trip(struct fixture *f, gconstpointer data)
{
    (void)data;
    with_hub(f);
    g_autoptr(GBytes) der = make_der();
    g_autoptr(GBytes) serial = g_bytes_new_static("\x01\x00\xff", 3);
    struct store_user u = {.name = (char *)"Anna/\xc3\x84",
                           .group = (char *)"staff",
                           .realname = (char *)"Anna \xc3\x84hre",
                           .note = (char *)"two\nlines",
                           .created_ms = 1234567890123,
                           .expires_ms = 2345678901234,
                           .auth_type = 2,
                           .verifier = (char *)"scrypt$ln=14,r=8,p=1$abc$def",
                           .has_sevpn_hash = true,
                           .has_nt_hash = true,
                           .sevpn_hash = "0123456789abcdefghi",
                           .nt_hash = "0123456789abcde",
                           .cert = der,
                           .cert_cn = (char *)"anna.example",
                           .cert_serial = serial,
                           .external_name = (char *)"DOMAIN\\anna",
                           .has_policy = true,
                           .policy = policy_default()};
    u.policy.Access = 0;
    u.policy.MaxUpload = 4000000000u;
    u.policy.VLanId = 7;
    g_assert_true(store_user_create(f->s, "office", &u, NULL));
    fixture_reopen(f);

    struct store_user *got = store_user_get(f->s, "OFFICE", "aNNA/\xc3\x84");
    g_assert_nonnull(got);
    assert_same(got, &u);
    g_assert_cmpint(got->created_ms, ==, 1234567890123);
    g_assert_cmpint(got->updated_ms, >, got->created_ms);
    store_user_free(got);

    /* The plain hashes are nowhere in the file. */
    g_autofree char *path = g_build_filename(f->folder, "polyether.db", NULL);
    g_autofree char *bytes = NULL;
    size_t len = 0;
    g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    g_assert_nonnull(memmem(bytes, len, "anna.example", 12));
    g_assert_null(memmem(bytes, len, "0123456789abcde", 15));

    /* A change replaces everything but the name's spelling, the creation and the counters. */
    store_user_note_login(f->s, "Office", "anna/\xc3\x84", 99);
    struct store_user change = {.name = (char *)"ANNA/\xc3\x84", .auth_type = 1};
    g_assert_true(store_user_update(f->s, "Office", &change, NULL));
    got = store_user_get(f->s, "Office", "anna/\xc3\x84");
    struct store_user want = {.name = (char *)"Anna/\xc3\x84",
                              .group = (char *)"",
                              .realname = (char *)"",
                              .note = (char *)"",
                              .auth_type = 1,
                              .policy = policy_default()};
    assert_same(got, &want);
    g_assert_cmpint(got->created_ms, ==, 1234567890123);
    g_assert_cmpuint(got->logins, ==, 1);
    store_user_free(got);
}

static void
test_errors(struct fixture *f, gconstpointer data)
{
    (void)data;
    with_hub(f);
    g_autoptr(GError) error = NULL;
    g_assert_true(create(f->s, "anna", NULL));
    g_assert_false(create(f->s, "ANNA", &error));
    g_assert_error(error, PE_ERROR, PE_USER_EXISTS);
    g_clear_error(&error);

    struct store_user u = {.name = (char *)"bert"};
    g_assert_false(store_user_update(f->s, "Office", &u, &error));
    g_assert_error(error, PE_ERROR, PE_NOT_FOUND);
    g_assert_cmpstr(error->message, ==, "hub 'Office' has no user 'bert'");
    g_clear_error(&error);
    g_assert_false(store_user_delete(f->s, "Office", "bert", &error));
    g_assert_error(error, PE_ERROR, PE_NOT_FOUND);
    g_clear_error(&error);
    g_assert_false(store_user_create(f->s, "home", &u, &error));
    g_assert_error(error, PE_ERROR, PE_HUB_NOT_FOUND);
    g_assert_cmpstr(error->message, ==, "hub 'home' does not exist");

    g_assert_true(store_user_delete(f->s, "OFFICE", "ANNA", NULL));
    g_assert_null(store_user_get(f->s, "Office", "anna"));
    g_assert_null(store_user_get(f->s, "home", "anna"));
    g_autoptr(GPtrArray) none = store_users(f->s, "home");
    g_assert_cmpuint(none->len, ==, 0);
}

static void
test_names(struct fixture *f, gconstpointer data)
{
    (void)data;
    with_hub(f);
    g_autofree char *longest = g_strnfill(STORE_NAME_MAX, 'u');
    g_autofree char *too_long = g_strnfill(STORE_NAME_MAX + 1, 'u');
    const char *bad[] = {"",         "a\tb",   "a\x01", "\xc2\x85", /* NEL */
                         "\xff\xfe", too_long, " a",    "a ",       "Administrator"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(create(f->s, bad[i], &error));
        g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
        g_assert_cmpuint(strlen(error->message), <, 400);
    }
    const char *good[] = {"a", "a b", "*", longest, "a@b.example", "\xe7\x94\xa8\xe6\x88\xb7"};
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(create(f->s, good[i], NULL));
    g_assert_cmpuint(store_users_count(f->s, "office"), ==, G_N_ELEMENTS(good));
}

static void
test_fields(struct fixture *f, gconstpointer data)
{
    (void)data;
    with_hub(f);
    g_autofree char *long_text = g_strnfill(STORE_TEXT_MAX + 1, 't');
    g_autofree char *long_name = g_strnfill(STORE_NAME_MAX + 1, 't');
    g_autoptr(GBytes) no_cert = g_bytes_new_static("x", 1);
    g_autoptr(GBytes) long_serial = g_bytes_new_take(g_malloc0(65), 65);
    const struct store_user bad[] = {
        {.auth_type = 6},
        {.auth_type = 2}, /* and no certificate */
        {.auth_type = 2, .cert = no_cert},
        {.auth_type = 3, .cert_serial = long_serial},
        {.auth_type = 3, .cert_cn = long_name},
        {.note = long_text},
        {.realname = (char *)"\xff"},
        {.group = (char *)"a\nb"},
        {.external_name = long_name},
        {.expires_ms = -1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        struct store_user u = bad[i];
        u.name = (char *)"anna";
        g_assert_false(store_user_create(f->s, "Office", &u, &error));
        g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
        g_assert_nonnull(strstr(error->message, "'anna'"));
    }
    g_assert_cmpuint(store_users_count(f->s, "Office"), ==, 0);
}

/* A hash that was copied to another user does not open: nobody can give himself another's. */
static void
test_moved_hash(struct fixture *f, gconstpointer data)
{
    (void)data;
    with_hub(f);
    struct store_user u = {.name = (char *)"anna",
                           .has_nt_hash = true,
                           .nt_hash = "0123456789abcde",
                           .has_sevpn_hash = true,
                           .sevpn_hash = "0123456789abcdefghi"};
    g_assert_true(store_user_create(f->s, "Office", &u, NULL));
    g_assert_true(create(f->s, "bert", NULL));
    g_assert_true(query_exec(f->s->db, "UPDATE users SET nt_hash = (SELECT nt_hash FROM users "
                                       "WHERE name = 'anna') WHERE name = 'bert'"));
    g_assert_true(query_exec(f->s->db, "UPDATE users SET sevpn_hash = nt_hash "
                                       "WHERE name = 'anna'"));
    struct store_user *bert = store_user_get(f->s, "Office", "bert");
    g_assert_false(bert->has_nt_hash);
    store_user_free(bert);
    struct store_user *anna = store_user_get(f->s, "Office", "anna");
    g_assert_true(anna->has_nt_hash);
    g_assert_false(anna->has_sevpn_hash);
    store_user_free(anna);
}

/* What an older or newer server wrote. */
static void
test_policy_text(struct fixture *f, gconstpointer data)
{
    (void)data;
    with_hub(f);
    g_assert_true(create(f->s, "anna", NULL));
    g_assert_true(query_exec(f->s->db, "UPDATE users SET policy = 'MaxMac=5 NotKnown=1 =3 x "
                                       "NoServer=1'"));
    struct store_user *u = store_user_get(f->s, "Office", "anna");
    struct policy want = policy_default();
    want.MaxMac = 5;
    want.NoServer = 1;
    g_assert_true(u->has_policy);
    g_assert_cmpmem(&u->policy, sizeof(want), &want, sizeof(want));
    store_user_free(u);
}

/* ---- counters ---- */

static void
assert_counters(struct fixture *f, unsigned logins, int64_t last, uint64_t first, uint64_t eighth)
{
    struct store_user *u = store_user_get(f->s, "Office", "anna");
    g_assert_cmpuint(u->logins, ==, logins);
    g_assert_cmpint(u->last_login_ms, ==, last);
    g_assert_cmpuint(u->traffic[0], ==, first);
    g_assert_cmpuint(u->traffic[7], ==, eighth);
    store_user_free(u);
    g_autoptr(GPtrArray) all = store_users(f->s, "office");
    const struct store_user *in_list = all->pdata[0];
    g_assert_cmpuint(in_list->logins, ==, logins);
    g_assert_cmpuint(in_list->traffic[7], ==, eighth);
}

static void
test_counters(struct fixture *f, gconstpointer data)
{
    (void)data;
    static const uint64_t add[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    with_hub(f);
    g_assert_true(create(f->s, "anna", NULL));
    store_user_note_login(f->s, "OFFICE", "ANNA", 1000);
    store_user_add_traffic(f->s, "Office", "anna", add);
    assert_counters(f, 1, 1000, 1, 8); /* seen before it is written */
    store_flush(f->s);
    assert_counters(f, 1, 1000, 1, 8);
    store_user_note_login(f->s, "Office", "anna", 500); /* a clock that was set back */
    store_user_add_traffic(f->s, "Office", "anna", add);
    assert_counters(f, 2, 1000, 2, 16);
    g_assert_true(store_set_text(f->s, "x", "y", NULL)); /* any change writes them */
    g_assert_cmpuint(g_hash_table_size(f->s->lazy), ==, 0);
    assert_counters(f, 2, 1000, 2, 16);

    store_user_note_login(f->s, "Office", "nobody", 1); /* has no effect, and no error */
    store_user_note_login(f->s, "Office", "anna", 2000);
    fixture_reopen(f); /* closing writes them */
    assert_counters(f, 3, 2000, 2, 16);
}

static void
test_counters_and_transactions(struct fixture *f, gconstpointer data)
{
    (void)data;
    static const uint64_t add[8] = {1, 0, 0, 0, 0, 0, 0, 1};
    with_hub(f);
    g_assert_true(create(f->s, "anna", NULL));
    store_user_add_traffic(f->s, "Office", "anna", add);
    g_assert_false(create(f->s, "anna", NULL)); /* undone, and the counters with it */
    assert_counters(f, 0, 0, 1, 1);

    g_assert_true(store_begin(f->s, NULL));
    assert_counters(f, 0, 0, 1, 1);
    store_user_add_traffic(f->s, "Office", "anna", add); /* while one is open */
    store_user_note_login(f->s, "Office", "bert", 1);
    assert_counters(f, 0, 0, 2, 2);
    store_rollback(f->s);
    assert_counters(f, 0, 0, 2, 2);

    g_assert_true(store_begin(f->s, NULL));
    store_user_add_traffic(f->s, "Office", "anna", add);
    g_assert_true(store_commit(f->s, NULL));
    assert_counters(f, 0, 0, 3, 3);
    fixture_reopen(f);
    assert_counters(f, 0, 0, 3, 3);

    /* Deleted and made again: a new user, who starts at nothing. */
    store_user_add_traffic(f->s, "Office", "anna", add);
    g_assert_true(store_user_delete(f->s, "Office", "anna", NULL));
    g_assert_true(create(f->s, "anna", NULL));
    assert_counters(f, 0, 0, 0, 0);
}

/* ---- many ---- */

static void
test_many(struct fixture *f, gconstpointer data)
{
    (void)data;
    enum { MANY = 12000 };
    with_hub(f);
    int64_t start = g_get_monotonic_time();
    g_assert_true(store_begin(f->s, NULL));
    for (unsigned i = 0; i < MANY; i++) {
        char name[32];
        g_snprintf(name, sizeof(name), "User%05u", (i * 7919) % MANY);
        struct store_user u = {.name = name,
                               .auth_type = 1,
                               .has_sevpn_hash = true,
                               .has_nt_hash = true,
                               .has_policy = true,
                               .policy = policy_default()};
        g_assert_true(store_user_create(f->s, "Office", &u, NULL));
    }
    g_assert_true(store_commit(f->s, NULL));
    int64_t created = g_get_monotonic_time();
    g_autoptr(GPtrArray) all = store_users(f->s, "Office");
    int64_t listed = g_get_monotonic_time();
    g_assert_cmpuint(all->len, ==, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        char name[32];
        g_snprintf(name, sizeof(name), "User%05u", i);
        const struct store_user *u = all->pdata[i];
        g_assert_cmpstr(u->name, ==, name);
        g_assert_true(u->has_nt_hash);
    }
    int64_t before = g_get_monotonic_time();
    for (unsigned i = 0; i < 1000; i++) {
        char name[32];
        g_snprintf(name, sizeof(name), "USER%05u", (i * 13) % MANY);
        struct store_user *u = store_user_get(f->s, "office", name);
        g_assert_nonnull(u);
        store_user_free(u);
    }
    int64_t found = g_get_monotonic_time();
    g_test_message("create %.1f us, list %.1f us, get %.1f us a user",
                   (double)(created - start) / MANY, (double)(listed - created) / MANY,
                   (double)(found - before) / 1000);

    /* By the index, not by looking at all of them. */
    struct query q =
        query_of(f->s->db, "EXPLAIN QUERY PLAN SELECT id FROM users WHERE hub = 1 AND name = 'x'");
    g_assert_true(query_row(&q));
    g_autofree char *plan = query_get_text(&q, 3);
    query_done(&q);
    g_assert_nonnull(strstr(plan, "INDEX"));
    g_assert_nonnull(strstr(plan, "hub=? AND name=?"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    FIXTURE_ADD("/store/users/round-trip", test_round_trip);
    FIXTURE_ADD("/store/users/errors", test_errors);
    FIXTURE_ADD("/store/users/names", test_names);
    FIXTURE_ADD("/store/users/fields", test_fields);
    FIXTURE_ADD("/store/users/moved-hash", test_moved_hash);
    FIXTURE_ADD("/store/users/policy-text", test_policy_text);
    FIXTURE_ADD("/store/users/counters", test_counters);
    FIXTURE_ADD("/store/users/counters-and-transactions", test_counters_and_transactions);
    FIXTURE_ADD("/store/users/many", test_many);
    return g_test_run();
}
