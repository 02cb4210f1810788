/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - opening, locking, transactions.
 *
 * Journal: WAL with synchronous=FULL. A commit is one append and one fsync, where a rollback
 * journal needs three or four; both survive a crash and a power cut at any instant. Lock: SQLite's
 * own in exclusive mode, held from the opening to the end of the process, however that comes; it
 * works on every system, and spares the shared-memory file.
 *
 * The lazy counters go into the transaction of the next change, or into one of their own by
 * store_flush().
 */

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/store/migrate.h"
#include "core/store/store_priv.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MODE = 0600, FOLDER_MODE = 0700 };

static const char database_file[] = "polyether.db", key_file[] = "polyether.key";
static const char key_check[] = "key-check"; /* a setting that only our key opens */

/* ---- the files ---- */

static bool
make_folder(const char *folder, GError **error)
{
    GStatBuf st;
    if (g_mkdir_with_parents(folder, FOLDER_MODE) != 0 || g_stat(folder, &st) != 0) {
        g_set_error(error, PE_ERROR, PE_INTERNAL, "the folder '%s' could not be made: %s", folder,
                    g_strerror(errno));
        return false;
    }
    if (st.st_mode & S_IWOTH) {
        g_set_error(error, PE_ERROR, PE_INTERNAL,
                    "anyone may write into the folder '%s': it is not safe for secrets", folder);
        return false;
    }
    return true;
}

/* Before SQLite would make it with the modes of the umask. What SQLite puts beside it takes its
 * modes from it. An existing file is not opened here: closing it would drop locks that this process
 * may hold on it. */
static bool
make_file(const char *path, GError **error)
{
    int fd = g_open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, FILE_MODE);
    if (fd >= 0)
        return g_close(fd, error);
    if (errno == EEXIST && g_chmod(path, FILE_MODE) == 0)
        return true;
    g_set_error(error, PE_ERROR, PE_INTERNAL, "the file '%s' could not be made: %s", path,
                g_strerror(errno));
    return false;
}

static bool
open_database(struct store *s, const char *path, GError **error)
{
    int rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE, NULL);
    if (rc != SQLITE_OK) {
        g_set_error(error, PE_ERROR, PE_INTERNAL, "the database '%s' could not be opened: %s", path,
                    s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc));
        return false;
    }
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);

    bool ok = query_exec(s->db, "PRAGMA locking_mode = EXCLUSIVE") &&
              query_exec(s->db, "PRAGMA journal_mode = WAL") &&
              query_exec(s->db, "PRAGMA synchronous = FULL") &&
              query_exec(s->db, "BEGIN EXCLUSIVE; COMMIT");
    if (ok)
        return true;
    int code = sqlite3_errcode(s->db);
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
        g_set_error(error, PE_ERROR, PE_INTERNAL, "another polyether-server uses '%s'", path);
    } else {
        g_set_error(error, PE_ERROR, PE_INTERNAL, "the database '%s' could not be opened: %s", path,
                    sqlite3_errmsg(s->db));
    }
    return false;
}

/* The key and the database belong together: a key that opens nothing would make every secret
 * unreadable, and a new one in its place would hide that. */
static bool
load_key(struct store *s, const char *path, GError **error)
{
    struct query q = query_of(s->db, "SELECT sealed FROM settings WHERE name = ?");
    query_text(&q, key_check);
    g_autoptr(GBytes) check = query_row(&q) ? query_get_bytes(&q, 0) : NULL;
    bool ok = query_ok(&q);
    query_done(&q);
    if (!ok) {
        query_set_error(s->db, "the database cannot be read", error);
        return false;
    }
    if (check && !g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_set_error(error, PE_ERROR, PE_INTERNAL,
                    "the key file '%s' is missing: without it the secrets of the database cannot "
                    "be read; bring it back from a backup",
                    path);
        return false;
    }
    s->key = sealed_key_load(path, true, error);
    if (!s->key)
        return false;
    if (!check)
        return store_set_secret(s, key_check, "polyether", 9, error);

    g_autoptr(GBytes) plain = store_open_setting(s, key_check, check);
    if (!plain)
        g_set_error(error, PE_ERROR, PE_INTERNAL,
                    "the key file '%s' is not the one of this database", path);
    return plain != NULL;
}

struct store *
store_open(const char *folder, GError **error)
{
    g_autofree char *db_path = g_build_filename(folder, database_file, NULL);
    g_autofree char *key_path = g_build_filename(folder, key_file, NULL);
    struct store *s = g_new0(struct store, 1);
    s->lazy = store_lazy_new();

    if (make_folder(folder, error) && make_file(db_path, error) &&
        open_database(s, db_path, error) &&
        store_migrate(s->db, store_steps, store_n_steps, error) && load_key(s, key_path, error)) {
        if (query_exec(s->db, "PRAGMA foreign_keys = ON"))
            return s;
        query_set_error(s->db, "the database could not be opened", error);
    }
    store_close(s);
    return NULL;
}

void
store_close(struct store *s)
{
    if (!s)
        return;
    if (s->db && s->key)
        store_flush(s);
    sqlite3_close(s->db);
    sealed_key_free(s->key);
    g_hash_table_destroy(s->lazy);
    g_free(s);
}

/* ---- transactions ---- */

bool
store_begin(struct store *s, GError **error)
{
    if (!query_exec(s->db, s->depth == 0 ? "BEGIN IMMEDIATE" : "SAVEPOINT change")) {
        query_set_error(s->db, "the database could not be changed", error);
        return false;
    }
    s->depth++;
    /* First, so that a user who is deleted and made again does not get the old one's. */
    if (s->depth > 1 || store_lazy_write(s))
        return true;
    query_set_error(s->db, "the database could not be changed", error);
    store_rollback(s);
    return false;
}

bool
store_commit(struct store *s, GError **error)
{
    g_assert(s->depth > 0);
    if (!query_exec(s->db, s->depth == 1 ? "COMMIT" : "RELEASE change")) {
        query_set_error(s->db, "the change could not be written", error);
        store_rollback(s);
        return false;
    }
    if (--s->depth == 0)
        store_lazy_end(s, true);
    return true;
}

void
store_rollback(struct store *s)
{
    g_assert(s->depth > 0);
    /* After some failures (a full disk) SQLite has rolled back by itself; then this fails, and
     * there is nothing left to undo. */
    (void)query_exec(s->db, s->depth == 1 ? "ROLLBACK" : "ROLLBACK TO change; RELEASE change");
    if (--s->depth == 0)
        store_lazy_end(s, false);
}

bool
store_end(struct store *s, bool ok, GError **error)
{
    if (ok)
        return store_commit(s, error);
    store_rollback(s);
    return false;
}

bool
store_run(struct store *s, struct query *q, const char *doing, GError **error)
{
    bool ok = query_run(q);
    if (!ok)
        query_set_error(s->db, doing, error);
    return ok;
}

void
store_log_read(struct store *s, const char *what)
{
    log_error("the database cannot be read", "what=%s reason=\"%s\"", what, sqlite3_errmsg(s->db));
}

void
store_log_changed(const char *what)
{
    log_error("a stored secret does not open: it was changed from outside", "what=%s", what);
}

int64_t
store_count(struct store *s, const char *sql, int64_t parameter)
{
    struct query q = query_of(s->db, sql);
    query_int(&q, parameter);
    int64_t n = query_row(&q) ? query_get_int(&q, 0) : 0;
    if (!query_ok(&q))
        store_log_read(s, "count");
    query_done(&q);
    return n;
}

/* ---- sealed hashes ---- */

GBytes *
store_seal_hash(struct store *s, const char *context, bool has, const void *hash, size_t len)
{
    return has ? sealed_seal(s->key, context, hash, len) : NULL;
}

bool
store_open_hash(struct store *s, const char *context, const struct query *q, int column, void *out,
                size_t len)
{
    memset(out, 0, len);
    g_autoptr(GBytes) sealed = query_get_bytes(q, column);
    if (!sealed)
        return false;
    struct secret *plain =
        sealed_open(s->key, context, g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed));
    bool ok = plain && plain->len == len;
    if (ok)
        memcpy(out, plain->bytes, len);
    else
        store_log_changed("hash of a password");
    secret_free(plain);
    return ok;
}
