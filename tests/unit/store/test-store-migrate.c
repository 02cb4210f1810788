/* SPDX-License-Identifier: Apache-2.0 */
/* test-store-migrate.c - the machinery with steps of our own; databases of old versions, opened by
 * the real one. */

#include "core/base/error.h"
#include "core/store/migrate.h"
#include "tests/unit/store/store_fixture.h"

#include <string.h>

/* ---- the machinery ---- */

static sqlite3 *
memory_db(void)
{
    sqlite3 *db = NULL;
    g_assert_cmpint(sqlite3_open(":memory:", &db), ==, SQLITE_OK);
    return db;
}

static int64_t
number(sqlite3 *db, const char *sql)
{
    int64_t n = -1;
    g_assert_true(query_number(db, sql, &n));
    return n;
}

static void
test_steps(void)
{
    static const char *const steps[] = {
        "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);",
        "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 7;",
        "UPDATE a SET y = y + x;",
    };
    sqlite3 *db = memory_db();
    g_autoptr(GError) error = NULL;
    g_assert_true(store_migrate(db, steps, 1, &error)); /* an old program */
    g_assert_cmpint(number(db, "PRAGMA user_version"), ==, 1);
    g_assert_true(query_exec(db, "UPDATE a SET x = 5"));
    g_assert_true(store_migrate(db, steps, 3, &error)); /* a newer one */
    g_assert_cmpint(number(db, "PRAGMA user_version"), ==, 3);
    g_assert_cmpint(number(db, "SELECT y FROM a"), ==, 12);
    g_assert_true(store_migrate(db, steps, 3, &error)); /* again: no step is taken twice */
    g_assert_cmpint(number(db, "SELECT y FROM a"), ==, 12);
    sqlite3_close(db);
}

/* A step that fails leaves nothing of itself, and all of those before it. */
static void
test_failing_step(void)
{
    static const char *const steps[] = {
        "CREATE TABLE a (x INTEGER);",
        "INSERT INTO a VALUES (1); INSERT INTO nowhere VALUES (1);",
    };
    sqlite3 *db = memory_db();
    g_autoptr(GError) error = NULL;
    g_assert_false(store_migrate(db, steps, 2, &error));
    g_assert_error(error, PE_ERROR, PE_INTERNAL);
    g_assert_nonnull(strstr(error->message, "nowhere"));
    g_assert_cmpint(number(db, "PRAGMA user_version"), ==, 1);
    g_assert_cmpint(number(db, "SELECT count(*) FROM a"), ==, 0);
    sqlite3_close(db);
}

static void
test_dangling_rows(void)
{
    static const char *const steps[] = {
        "CREATE TABLE a (id INTEGER PRIMARY KEY);"
        "CREATE TABLE b (a INTEGER REFERENCES a (id)); INSERT INTO b VALUES (3);",
    };
    sqlite3 *db = memory_db();
    g_autoptr(GError) error = NULL;
    g_assert_false(store_migrate(db, steps, 1, &error));
    g_assert_error(error, PE_ERROR, PE_INTERNAL);
    g_assert_cmpint(number(db, "PRAGMA user_version"), ==, 0);
    g_assert_cmpint(number(db, "SELECT count(*) FROM sqlite_schema"), ==, 0);
    sqlite3_close(db);
}

/* ---- real databases ---- */

/* Makes the store of the fixture anew, from SQL. */
static void
make_old(struct fixture *f, const char *sql)
{
    store_close(f->s);
    f->s = NULL;
    fixture_remove(f->folder, "polyether.db");
    g_autofree char *path = g_build_filename(f->folder, "polyether.db", NULL);
    sqlite3 *db = NULL;
    g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
    g_assert_true(query_exec(db, sql));
    sqlite3_close(db);
}

static void
test_newer(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    make_old(f, "CREATE TABLE future (x); PRAGMA user_version = 9999;");
    f->s = store_open(f->folder, &error);
    g_assert_null(f->s);
    g_assert_error(error, PE_ERROR, PE_INTERNAL);
    g_assert_nonnull(strstr(error->message, "9999"));
    g_assert_nonnull(strstr(error->message, "newer polyether-server"));

    g_autofree char *path = g_build_filename(f->folder, "polyether.db", NULL);
    sqlite3 *db = NULL;
    g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
    g_assert_cmpint(number(db, "SELECT count(*) FROM sqlite_schema"), ==, 1); /* left alone */
    sqlite3_close(db);
}

static void
test_no_database(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    store_close(f->s);
    g_autofree char *path = g_build_filename(f->folder, "polyether.db", NULL);
    g_assert_true(g_file_set_contents(path, "this is a letter, and no database at all", -1, NULL));
    f->s = store_open(f->folder, &error);
    g_assert_null(f->s);
    g_assert_error(error, PE_ERROR, PE_INTERNAL);
    g_assert_nonnull(strstr(error->message, path));
}

/* Version 1 as it was released. Never to be changed. */
static const char schema_1[] =
    "CREATE TABLE settings ("
    " name TEXT NOT NULL PRIMARY KEY,"
    " value TEXT,"
    " sealed BLOB"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE listeners ("
    " port INTEGER NOT NULL PRIMARY KEY CHECK (port BETWEEN 1 AND 65535),"
    " enabled INTEGER NOT NULL"
    ") STRICT;"

    "CREATE TABLE hubs ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL COLLATE NOCASE UNIQUE,"
    " online INTEGER NOT NULL,"
    " no_enum INTEGER NOT NULL,"
    " max_sessions INTEGER NOT NULL,"
    " admin_verifier TEXT,"
    " admin_hash BLOB,"
    " admin_user_hash BLOB,"
    " created_ms INTEGER NOT NULL,"
    " updated_ms INTEGER NOT NULL"
    ") STRICT;"

    "CREATE TABLE users ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " hub INTEGER NOT NULL REFERENCES hubs (id) ON DELETE CASCADE,"
    " name TEXT NOT NULL COLLATE NOCASE,"
    " group_name TEXT NOT NULL COLLATE NOCASE,"
    " realname TEXT NOT NULL,"
    " note TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL,"
    " updated_ms INTEGER NOT NULL,"
    " expires_ms INTEGER NOT NULL,"
    " auth_type INTEGER NOT NULL,"
    " verifier TEXT,"
    " sevpn_hash BLOB,"
    " nt_hash BLOB,"
    " cert BLOB,"
    " cert_cn TEXT,"
    " cert_serial BLOB,"
    " external_name TEXT,"
    " policy TEXT,"
    " UNIQUE (hub, name)"
    ") STRICT;"

    "CREATE TABLE user_counters ("
    " user INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,"
    " logins INTEGER NOT NULL,"
    " last_login_ms INTEGER NOT NULL,"
    " recv_broadcast_bytes INTEGER NOT NULL, recv_broadcast_count INTEGER NOT NULL,"
    " recv_unicast_bytes INTEGER NOT NULL, recv_unicast_count INTEGER NOT NULL,"
    " send_broadcast_bytes INTEGER NOT NULL, send_broadcast_count INTEGER NOT NULL,"
    " send_unicast_bytes INTEGER NOT NULL, send_unicast_count INTEGER NOT NULL"
    ") STRICT;"

    "CREATE TABLE cas ("
    " key INTEGER PRIMARY KEY AUTOINCREMENT,"
    " hub INTEGER NOT NULL REFERENCES hubs (id) ON DELETE CASCADE,"
    " der BLOB NOT NULL,"
    " UNIQUE (hub, der)"
    ") STRICT;"

    "CREATE TABLE bridges ("
    " hub INTEGER NOT NULL REFERENCES hubs (id) ON DELETE CASCADE,"
    " device TEXT NOT NULL,"
    " tap INTEGER NOT NULL,"
    " PRIMARY KEY (hub, device)"
    ") STRICT, WITHOUT ROWID;";

static const char data_1[] =
    "INSERT INTO settings (name, value) VALUES ('server.name', 'old');"
    "INSERT INTO listeners VALUES (443, 1), (992, 0);"
    "INSERT INTO hubs (id, name, online, no_enum, max_sessions, admin_verifier, created_ms,"
    " updated_ms) VALUES (4, 'Office', 1, 0, 9, 'scrypt$v', 100, 200);"
    "INSERT INTO users (id, hub, name, group_name, realname, note, created_ms, updated_ms,"
    " expires_ms, auth_type, verifier, policy) VALUES"
    " (8, 4, 'Anna', 'staff', 'A', 'N', 1, 2, 3, 1, 'scrypt$w', 'MaxMac=4 ');"
    "INSERT INTO user_counters VALUES (8, 5, 6, 11, 12, 13, 14, 15, 16, 17, 18);"
    "INSERT INTO cas (key, hub, der) VALUES (3, 4, x'3000');"
    "INSERT INTO bridges VALUES (4, 'eth0', 0);";

static void
assert_data_1(struct store *s)
{
    g_autofree char *value = store_get_text(s, "server.name");
    g_assert_cmpstr(value, ==, "old");
    g_autoptr(GArray) listeners = store_listeners(s);
    g_assert_cmpuint(listeners->len, ==, 2);
    struct store_hub *h = store_hub_get(s, "office");
    g_assert_cmpuint(h->max_sessions, ==, 9);
    g_assert_cmpstr(h->admin_verifier, ==, "scrypt$v");
    g_assert_cmpint(h->created_ms, ==, 100);
    store_hub_free(h);
    struct store_user *u = store_user_get(s, "office", "anna");
    g_assert_cmpstr(u->name, ==, "Anna");
    g_assert_cmpstr(u->group, ==, "staff");
    g_assert_cmpint(u->expires_ms, ==, 3);
    g_assert_cmpstr(u->verifier, ==, "scrypt$w");
    g_assert_cmpuint(u->policy.MaxMac, ==, 4);
    g_assert_cmpuint(u->logins, ==, 5);
    g_assert_cmpuint(u->traffic[7], ==, 18);
    store_user_free(u);
    g_autoptr(GPtrArray) cas = store_cas(s, "office");
    g_assert_cmpuint(cas->len, ==, 1);
    g_autoptr(GPtrArray) bridges = store_bridges(s);
    g_assert_cmpuint(bridges->len, ==, 1);
}

static void
test_from_1(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    g_autofree char *sql = g_strconcat(schema_1, "PRAGMA user_version = 1;", data_1, NULL);
    make_old(f, sql);
    f->s = store_open(f->folder, &error);
    g_assert_no_error(error);
    assert_data_1(f->s);
    g_assert_cmpint(number(f->s->db, "PRAGMA user_version"), ==, store_n_steps);

    /* The upgraded one has the schema of a new one. */
    sqlite3 *fresh = memory_db();
    g_assert_true(store_migrate(fresh, store_steps, store_n_steps, NULL));
    static const char all[] = "SELECT group_concat(sql, char(10)) FROM"
                              " (SELECT sql FROM sqlite_schema ORDER BY name)";
    struct query old = query_of(f->s->db, all), new = query_of(fresh, all);
    g_assert_true(query_row(&old));
    g_assert_true(query_row(&new));
    g_autofree char *old_sql = query_get_text(&old, 0);
    g_autofree char *new_sql = query_get_text(&new, 0);
    g_assert_cmpstr(old_sql, ==, new_sql);
    query_done(&old);
    query_done(&new);
    sqlite3_close(fresh);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store/migrate/steps", test_steps);
    g_test_add_func("/store/migrate/failing-step", test_failing_step);
    g_test_add_func("/store/migrate/dangling-rows", test_dangling_rows);
    FIXTURE_ADD("/store/migrate/newer", test_newer);
    FIXTURE_ADD("/store/migrate/no-database", test_no_database);
    FIXTURE_ADD("/store/migrate/from-1", test_from_1);
    return g_test_run();
}
