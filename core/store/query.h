/* SPDX-License-Identifier: Apache-2.0 */
/* query.h - one SQL statement from text to result, without a way to forget a check.
 *
 * Failure is sticky, as in reader.h: parameters are bound one after another, and the caller asks
 * once, by query_row() or query_run(). A failure is a fault of the disk or of our SQL, never of
 * the input.
 */
#pragma once

#include <glib.h>
#include <sqlite3.h>

#include <stdbool.h>
#include <stdint.h>

struct query {
    sqlite3 *db;
    sqlite3_stmt *stmt; /* owned */
    int bound;          /* parameters so far */
    int rc;             /* SQLITE_OK, _ROW, _DONE, or what failed */
};

struct query query_of(sqlite3 *db, const char *sql);
void query_done(struct query *q);

void query_int(struct query *q, int64_t v);
void query_text(struct query *q, const char *text); /* NULL: SQL's NULL; text lives until the end */
void query_bytes(struct query *q, GBytes *bytes);   /* likewise */

/* The next row. False at the end, and on failure: ask query_ok(). */
bool query_row(struct query *q);
/* To the end, and done. True when nothing failed. */
bool query_run(struct query *q);
static inline bool
query_ok(const struct query *q)
{
    return q->rc == SQLITE_OK || q->rc == SQLITE_ROW || q->rc == SQLITE_DONE;
}

/* Columns of the row, from 0. */
int64_t query_get_int(const struct query *q, int column);
char *query_get_text(const struct query *q, int column);    /* g_free; NULL for SQL's NULL */
GBytes *query_get_bytes(const struct query *q, int column); /* NULL for SQL's NULL */

/* Text without parameters and rows; several statements are fine. */
bool query_exec(sqlite3 *db, const char *sql);
/* One number from a query without parameters. */
bool query_number(sqlite3 *db, const char *sql, int64_t *out);

/* "doing: what SQLite says", PE_INTERNAL. */
void query_set_error(sqlite3 *db, const char *doing, GError **error);
