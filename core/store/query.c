/* SPDX-License-Identifier: Apache-2.0 */
/* query.c - see query.h. */

#include "core/store/query.h"

#include "core/base/error.h"

struct query
query_of(sqlite3 *db, const char *sql)
{
    struct query q = {.db = db};
    q.rc = sqlite3_prepare_v2(db, sql, -1, &q.stmt, NULL);
    return q;
}

void
query_done(struct query *q)
{
    sqlite3_finalize(q->stmt);
    q->stmt = NULL;
}

void
query_int(struct query *q, int64_t v)
{
    if (q->rc == SQLITE_OK)
        q->rc = sqlite3_bind_int64(q->stmt, ++q->bound, v);
}

void
query_text(struct query *q, const char *text)
{
    if (q->rc == SQLITE_OK)
        q->rc = sqlite3_bind_text(q->stmt, ++q->bound, text, -1, SQLITE_STATIC);
}

void
query_bytes(struct query *q, GBytes *bytes)
{
    if (q->rc != SQLITE_OK)
        return;
    size_t len = 0;
    const void *at = bytes ? g_bytes_get_data(bytes, &len) : NULL;
    if (bytes && len == 0)
        q->rc = sqlite3_bind_zeroblob(q->stmt, ++q->bound, 0);
    else
        q->rc = sqlite3_bind_blob64(q->stmt, ++q->bound, at, len, SQLITE_STATIC);
}

bool
query_row(struct query *q)
{
    if (q->rc == SQLITE_OK || q->rc == SQLITE_ROW)
        q->rc = sqlite3_step(q->stmt);
    return q->rc == SQLITE_ROW;
}

bool
query_run(struct query *q)
{
    while (query_row(q)) {
    }
    bool ok = query_ok(q);
    query_done(q);
    return ok;
}

int64_t
query_get_int(const struct query *q, int column)
{
    return sqlite3_column_int64(q->stmt, column);
}

char *
query_get_text(const struct query *q, int column)
{
    return g_strdup((const char *)sqlite3_column_text(q->stmt, column));
}

GBytes *
query_get_bytes(const struct query *q, int column)
{
    if (sqlite3_column_type(q->stmt, column) == SQLITE_NULL)
        return NULL;
    const void *at = sqlite3_column_blob(q->stmt, column);
    return g_bytes_new(at, (size_t)sqlite3_column_bytes(q->stmt, column));
}

bool
query_exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

bool
query_number(sqlite3 *db, const char *sql, int64_t *out)
{
    struct query q = query_of(db, sql);
    bool ok = query_row(&q);
    if (ok)
        *out = query_get_int(&q, 0);
    query_done(&q);
    return ok;
}

void
query_set_error(sqlite3 *db, const char *doing, GError **error)
{
    g_set_error(error, PE_ERROR, PE_INTERNAL, "%s: %s", doing, sqlite3_errmsg(db));
}
