/* SPDX-License-Identifier: Apache-2.0 */
/* test-store.c - opening, files, lock, key; settings, listeners, transactions. */

#include "core/base/error.h"
#include "core/store/store_priv.h"
#include "tests/unit/store/store_fixture.h"

#include <glib.h>
#include <glib/gstdio.h>

#include <string.h>

static unsigned
mode_of(const struct fixture *f, const char *name)
{
    g_autofree char *path = g_build_filename(f->folder, name, NULL);
    GStatBuf st;
    g_assert_cmpint(g_stat(path, &st), ==, 0);
    return st.st_mode & 07777;
}

/* ---- files ---- */

static void
test_files(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_assert_true(store_set_text(f->s, "a", "b", NULL));
    g_assert_cmpuint(mode_of(f, "polyether.db"), ==, 0600);
    g_assert_cmpuint(mode_of(f, "polyether.db-wal"), ==, 0600);
    g_assert_cmpuint(mode_of(f, "polyether.key"), ==, 0600);

    g_autofree char *below = g_build_filename(f->folder, "x", "y", NULL);
    struct store *s = store_open(below, NULL);
    g_assert_nonnull(s);
    store_close(s);
    g_assert_cmpuint(mode_of(f, "x/y"), ==, 0700);
    fixture_remove(f->folder, "x/y/polyether.db");
    fixture_remove(f->folder, "x/y/polyether.key");
    g_assert_cmpint(g_rmdir(below), ==, 0);
    g_autofree char *x = g_build_filename(f->folder, "x", NULL);
    g_assert_cmpint(g_rmdir(x), ==, 0);
}

static void
test_open_folder(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    store_close(f->s);
    g_assert_cmpint(g_chmod(f->folder, 0777), ==, 0);
    f->s = store_open(f->folder, &error);
    g_assert_null(f->s);
    g_assert_error(error, PE_ERROR, PE_INTERNAL);
    g_assert_nonnull(strstr(error->message, f->folder));
}

/* What makes "durable when it returns" true. */
static void
test_durable_settings(struct fixture *f, gconstpointer data)
{
    (void)data;
    int64_t n = 0;
    g_assert_true(query_number(f->s->db, "PRAGMA synchronous", &n));
    g_assert_cmpint(n, ==, 2); /* FULL */
    g_assert_true(query_number(f->s->db, "PRAGMA foreign_keys", &n));
    g_assert_cmpint(n, ==, 1);
    struct query q = query_of(f->s->db, "PRAGMA journal_mode");
    g_assert_true(query_row(&q));
    g_autofree char *mode = query_get_text(&q, 0);
    query_done(&q);
    g_assert_cmpstr(mode, ==, "wal");
}

/* Whether another process could open the store. */
static bool
other_can_open(const char *folder)
{
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    const char *argv[] = {program, "--try-to-open", folder, NULL};
    int status = 0;
    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
                               &status, NULL));
    return g_spawn_check_wait_status(status, NULL);
}

static void
test_one_at_a_time(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    g_assert_null(store_open(f->folder, &error));
    g_assert_error(error, PE_ERROR, PE_INTERNAL);
    g_assert_nonnull(strstr(error->message, "another polyether-server uses"));

    g_assert_false(other_can_open(f->folder)); /* the failed try did not take our lock from us */
    store_close(f->s);
    f->s = NULL;
    g_assert_true(other_can_open(f->folder));
}

/* ---- the key ---- */

static void
test_key_missing(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    store_close(f->s);
    fixture_remove(f->folder, "polyether.key");
    f->s = store_open(f->folder, &error);
    g_assert_null(f->s);
    g_assert_error(error, PE_ERROR, PE_INTERNAL);
    g_assert_nonnull(strstr(error->message, "is missing"));
}

static void
test_key_of_another(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    store_close(f->s);
    g_autofree char *path = g_build_filename(f->folder, "polyether.key", NULL);
    g_assert_true(g_file_set_contents(path, "0123456789abcdef0123456789abcdef", 32, NULL));
    f->s = store_open(f->folder, &error);
    g_assert_null(f->s);
    g_assert_error(error, PE_ERROR, PE_INTERNAL);
    g_assert_nonnull(strstr(error->message, "not the one of this database"));
}

/* ---- settings ---- */

static void
test_settings(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_assert_null(store_get_text(f->s, "server.name"));
    g_assert_true(store_set_text(f->s, "server.name", "one", NULL));
    g_assert_true(store_set_text(f->s, "server.name", "two", NULL));
    fixture_reopen(f);
    g_autofree char *two = store_get_text(f->s, "server.name");
    g_assert_cmpstr(two, ==, "two");
    g_assert_true(store_set_text(f->s, "server.name", NULL, NULL));
    g_assert_null(store_get_text(f->s, "server.name"));

    g_autofree char *long_name = g_strnfill(65, 'a');
    const char *bad[] = {"", "\xc3\xa4", "a b", "a/b", long_name};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(store_set_text(f->s, bad[i], "x", &error));
        g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
    }
    g_autoptr(GError) error = NULL;
    g_assert_false(store_set_text(f->s, "a", "\xff", &error));
    g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
}

static void
assert_not_in_file(const struct fixture *f, const char *name, const char *needle)
{
    g_autofree char *path = g_build_filename(f->folder, name, NULL);
    g_autofree char *bytes = NULL;
    size_t len = 0;
    if (g_file_get_contents(path, &bytes, &len, NULL))
        g_assert_null(memmem(bytes, len, needle, strlen(needle)));
}

static void
test_secrets(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_assert_null(store_get_secret(f->s, "server.key"));
    g_assert_true(store_set_secret(f->s, "server.key", "very secret", 11, NULL));
    g_assert_true(store_set_secret(f->s, "empty", "", 0, NULL));
    assert_not_in_file(f, "polyether.db-wal", "very secret");
    fixture_reopen(f);
    assert_not_in_file(f, "polyether.db", "very secret");
    g_autoptr(GBytes) secret = store_get_secret(f->s, "server.key");
    g_assert_nonnull(secret);
    g_assert_cmpmem(g_bytes_get_data(secret, NULL), (int)g_bytes_get_size(secret), "very secret",
                    11);
    g_autoptr(GBytes) empty = store_get_secret(f->s, "empty");
    g_assert_nonnull(empty);
    g_assert_cmpuint(g_bytes_get_size(empty), ==, 0);

    /* Moved to another row, it does not open. */
    g_assert_true(query_exec(f->s->db, "UPDATE settings SET sealed = (SELECT sealed FROM settings "
                                       "WHERE name = 'server.key') WHERE name = 'empty'"));
    g_assert_null(store_get_secret(f->s, "empty"));

    g_assert_true(store_set_secret(f->s, "server.key", NULL, 0, NULL));
    g_assert_null(store_get_secret(f->s, "server.key"));
}

/* ---- listeners ---- */

static void
test_listeners(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    struct store_listener l = {.port = 5555, .enabled = true};
    g_assert_true(store_listener_put(f->s, &l, NULL));
    l.port = 443;
    g_assert_true(store_listener_put(f->s, &l, NULL));
    l.enabled = false;
    g_assert_true(store_listener_put(f->s, &l, NULL));
    fixture_reopen(f);

    g_autoptr(GArray) all = store_listeners(f->s);
    g_assert_cmpuint(all->len, ==, 2);
    const struct store_listener *first = &g_array_index(all, struct store_listener, 0);
    const struct store_listener *second = &g_array_index(all, struct store_listener, 1);
    g_assert_cmpuint(first->port, ==, 443);
    g_assert_false(first->enabled);
    g_assert_cmpuint(second->port, ==, 5555);
    g_assert_true(second->enabled);

    g_assert_true(store_listener_delete(f->s, 443, NULL));
    g_assert_false(store_listener_delete(f->s, 443, &error));
    g_assert_error(error, PE_ERROR, PE_LISTENER_NOT_FOUND);
    g_clear_error(&error);
    l.port = 0;
    g_assert_false(store_listener_put(f->s, &l, &error));
    g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
}

static void
test_listeners_full(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    struct store_listener l = {.port = 1};
    g_assert_true(store_begin(f->s, NULL));
    for (; l.port <= STORE_LISTENERS_MAX; l.port++)
        g_assert_true(store_listener_put(f->s, &l, NULL));
    g_assert_false(store_listener_put(f->s, &l, &error));
    g_assert_error(error, PE_ERROR, PE_TOO_MANY_ITEMS);
    l.port = 7; /* a change of one is no addition */
    g_assert_true(store_listener_put(f->s, &l, NULL));
    g_assert_true(store_commit(f->s, NULL));
}

/* ---- transactions ---- */

static void
test_transactions(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_assert_true(store_begin(f->s, NULL));
    g_assert_true(store_set_text(f->s, "a", "1", NULL));
    store_rollback(f->s);
    g_assert_null(store_get_text(f->s, "a"));

    g_assert_true(store_begin(f->s, NULL));
    g_assert_true(store_set_text(f->s, "a", "1", NULL));
    g_assert_false(store_listener_delete(f->s, 9, NULL)); /* undoes itself alone */
    g_assert_true(store_begin(f->s, NULL));
    g_assert_true(store_set_text(f->s, "b", "1", NULL));
    store_rollback(f->s);
    g_assert_true(store_set_text(f->s, "c", "1", NULL));
    g_assert_true(store_commit(f->s, NULL));
    fixture_reopen(f);
    g_autofree char *a = store_get_text(f->s, "a");
    g_autofree char *c = store_get_text(f->s, "c");
    g_assert_cmpstr(a, ==, "1");
    g_assert_null(store_get_text(f->s, "b"));
    g_assert_cmpstr(c, ==, "1");
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--try-to-open") == 0) {
        struct store *s = store_open(argv[2], NULL);
        bool opened = s != NULL;
        store_close(s);
        return opened ? 0 : 1;
    }
    g_test_init(&argc, &argv, NULL);
    FIXTURE_ADD("/store/files", test_files);
    FIXTURE_ADD("/store/open-folder", test_open_folder);
    FIXTURE_ADD("/store/durable-settings", test_durable_settings);
    FIXTURE_ADD("/store/one-at-a-time", test_one_at_a_time);
    FIXTURE_ADD("/store/key-missing", test_key_missing);
    FIXTURE_ADD("/store/key-of-another", test_key_of_another);
    FIXTURE_ADD("/store/settings", test_settings);
    FIXTURE_ADD("/store/secrets", test_secrets);
    FIXTURE_ADD("/store/listeners", test_listeners);
    FIXTURE_ADD("/store/listeners-full", test_listeners_full);
    FIXTURE_ADD("/store/transactions", test_transactions);
    return g_test_run();
}
