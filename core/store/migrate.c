/* SPDX-License-Identifier: Apache-2.0 */
/* migrate.c - see migrate.h. The schema, as the history of its steps.
 *
 * Policies are text of name=value pairs, so that a new policy needs no step. Times are milliseconds
 * since 1970. Counters have a table of their own: they change often, and are small. */

#include "core/store/migrate.h"

#include "core/base/error.h"
#include "core/base/types.h"
#include "core/store/query.h"

#include <inttypes.h>

static const char step_1[] =
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
    " id INTEGER PRIMARY KEY AUTOINCREMENT," /* never used again: sealed values name it */
    " name TEXT NOT NULL COLLATE NOCASE UNIQUE,"
    " online INTEGER NOT NULL,"
    " no_enum INTEGER NOT NULL,"
    " max_sessions INTEGER NOT NULL,"
    " admin_verifier TEXT,"
    " admin_hash BLOB,"      /* sealed */
    " admin_user_hash BLOB," /* sealed */
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
    " sevpn_hash BLOB," /* sealed */
    " nt_hash BLOB,"    /* sealed */
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

static const char step_2[] =
    "ALTER TABLE users ADD COLUMN fixed_address TEXT;"

    "CREATE TABLE securenat ("
    " hub INTEGER NOT NULL PRIMARY KEY REFERENCES hubs (id) ON DELETE CASCADE,"
    " enabled INTEGER NOT NULL,"
    " options TEXT NOT NULL"
    ") STRICT;"

    "CREATE TABLE dhcp_leases ("
    " hub INTEGER NOT NULL REFERENCES hubs (id) ON DELETE CASCADE,"
    " ip TEXT NOT NULL,"
    " mac BLOB NOT NULL,"
    " client_id BLOB NOT NULL,"
    " hostname TEXT NOT NULL,"
    " leased_ms INTEGER NOT NULL,"
    " expires_ms INTEGER NOT NULL,"
    " PRIMARY KEY (hub, ip)"
    ") STRICT, WITHOUT ROWID;";

static const char step_3[] = "CREATE TABLE routers ("
                             " id TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,"
                             " hub INTEGER NOT NULL REFERENCES hubs (id) ON DELETE CASCADE,"
                             " user TEXT NOT NULL,"
                             " psk BLOB," /* sealed */
                             " aggressive INTEGER NOT NULL,"
                             " session TEXT NOT NULL"
                             ") STRICT, WITHOUT ROWID;";

static const char step_4[] =
    "CREATE TABLE groups ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " hub INTEGER NOT NULL REFERENCES hubs (id) ON DELETE CASCADE,"
    " name TEXT NOT NULL COLLATE NOCASE,"
    " realname TEXT NOT NULL,"
    " note TEXT NOT NULL,"
    " policy TEXT,"
    " created_ms INTEGER NOT NULL,"
    " updated_ms INTEGER NOT NULL,"
    " UNIQUE (hub, name)"
    ") STRICT;"

    "CREATE TABLE hub_settings ("
    " hub INTEGER NOT NULL REFERENCES hubs (id) ON DELETE CASCADE,"
    " name TEXT NOT NULL,"
    " value TEXT,"
    " sealed BLOB,"
    " PRIMARY KEY (hub, name)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE access_rules ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " hub INTEGER NOT NULL REFERENCES hubs (id) ON DELETE CASCADE,"
    " rule TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX access_rules_of_hub ON access_rules (hub);"

    "CREATE TABLE source_rules ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " hub INTEGER NOT NULL REFERENCES hubs (id) ON DELETE CASCADE,"
    " rule TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX source_rules_of_hub ON source_rules (hub);"

    "CREATE TABLE crls ("
    " key INTEGER PRIMARY KEY AUTOINCREMENT,"
    " hub INTEGER NOT NULL REFERENCES hubs (id) ON DELETE CASCADE,"
    " entry TEXT NOT NULL"
    ") STRICT;"

    "CREATE TABLE bans ("
    " address TEXT NOT NULL PRIMARY KEY," /* a prefix, as printed */
    " times INTEGER NOT NULL,"
    " until_ms INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"

    /* Limits, as name=value pairs; a quota's counters beside the other counters. */
    "ALTER TABLE users ADD COLUMN totp BLOB;" /* sealed */
    "ALTER TABLE users ADD COLUMN totp_used INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE users ADD COLUMN limits TEXT;"
    "ALTER TABLE groups ADD COLUMN limits TEXT;"
    "CREATE TABLE user_quota ("
    " user INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,"
    " day INTEGER NOT NULL, day_bytes INTEGER NOT NULL,"     /* YYYYMMDD */
    " month INTEGER NOT NULL, month_bytes INTEGER NOT NULL," /* YYYYMM */
    " total_bytes INTEGER NOT NULL"
    ") STRICT;";

const char *const store_steps[] = {step_1, step_2, step_3, step_4};
const unsigned store_n_steps = ARRAY_LEN(store_steps);

static bool
foreign_keys_hold(sqlite3 *db)
{
    struct query q = query_of(db, "PRAGMA foreign_key_check");
    bool dangling = query_row(&q);
    bool ok = query_ok(&q) && !dangling;
    query_done(&q);
    return ok;
}

static bool
take_step(sqlite3 *db, const char *sql, unsigned to, GError **error)
{
    char version[48];
    g_snprintf(version, sizeof(version), "PRAGMA user_version = %u", to);

    bool ok = query_exec(db, "BEGIN IMMEDIATE") && query_exec(db, sql) && query_exec(db, version);
    if (ok && !foreign_keys_hold(db)) {
        g_set_error(error, PE_ERROR, PE_INTERNAL,
                    "the database could not be brought to schema version %u: some of its rows "
                    "refer to rows that are not there",
                    to);
        (void)query_exec(db, "ROLLBACK"); /* nothing is left to undo should it fail */
        return false;
    }
    if (ok && query_exec(db, "COMMIT"))
        return true;
    query_set_error(db, "the database could not be brought to the schema of this version", error);
    (void)query_exec(db, "ROLLBACK");
    return false;
}

bool
store_migrate(sqlite3 *db, const char *const *steps, unsigned n_steps, GError **error)
{
    int64_t version = 0;
    if (!query_number(db, "PRAGMA user_version", &version)) {
        query_set_error(db, "the database cannot be read", error);
        return false;
    }
    if (version < 0 || version > n_steps) {
        g_set_error(error, PE_ERROR, PE_INTERNAL,
                    "the database has schema version %" PRId64 ", and this program knows versions "
                    "up to %u: it was written by a newer polyether-server",
                    version, n_steps);
        return false;
    }
    for (unsigned i = (unsigned)version; i < n_steps; i++) {
        if (!take_step(db, steps[i], i + 1, error))
            return false;
    }
    return true;
}
