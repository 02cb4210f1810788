/* SPDX-License-Identifier: Apache-2.0 */
/* store_priv.h - what the files of core/store share. */
#pragma once

#include "core/base/types.h"
#include "core/crypto/sealed.h"
#include "core/store/query.h"
#include "core/store/store.h"

struct store {
    sqlite3 *db;
    struct sealed_key *key;
    unsigned depth;           /* of open transactions */
    GHashTable *lazy;         /* counters that are not written yet; counters.c */
    GHashTable *lazy_written; /* those that the open transaction has written; NULL without one */
};

/* Ends what store_begin() began: commits when ok, undoes it otherwise (error is set already).
 * Returns whether the change is there to stay. */
bool store_end(struct store *s, bool ok, GError **error);
/* As above for a change that is one statement; sets the error when that failed. */
bool store_run(struct store *s, struct query *q, const char *doing, GError **error);
/* A read failed: there is nobody to return it to. */
void store_log_read(struct store *s, const char *what);
/* A sealed value was read that does not open. */
void store_log_changed(const char *what);
/* As query_number(), with one parameter; 0 when the read failed. */
int64_t store_count(struct store *s, const char *sql, int64_t parameter);

/* The plain value of a sealed setting, or NULL. */
GBytes *store_open_setting(struct store *s, const char *name, GBytes *sealed);

/* 0 when there is no such hub. */
int64_t store_hub_id(struct store *s, const char *name);
/* As above; PE_HUB_NOT_FOUND. */
int64_t store_hub_need(struct store *s, const char *name, GError **error);

/* A hash of fixed size, sealed; NULL when !has. */
GBytes *
store_seal_hash(struct store *s, const char *context, bool has, const void *hash, size_t len);
/* From column of the row into out. False, and zeroes, when there is none, or not ours. */
bool store_open_hash(struct store *s, const char *context, const struct query *q, int column,
                     void *out, size_t len);

/* ---- names.c: what may be stored ---- */

bool store_check_hub_name(const char *name, GError **error);
bool store_check_user_name(const char *name, GError **error);
/* what: "the group name of user 'anna'". At most STORE_NAME_MAX bytes, no control characters; may
 * be empty or NULL. */
bool store_check_name(const char *what, const char *name, GError **error);
/* As above, STORE_TEXT_MAX bytes, line breaks and tabs allowed. */
bool store_check_text(const char *what, const char *text, GError **error);
/* The name of a setting, and the length of its value. */
bool store_check_setting(const char *name, size_t len, GError **error);
/* In quotes, as it can stand in a sentence: valid, short, without control characters. */
char *store_quoted(const char *name);
/* The name as sealed contexts and hash tables have it. */
char *store_fold(const char *name);

/* ---- policies.c ---- */

char *store_print_policy(const struct policy *p);
/* What the text does not name has its default; names that we do not know are passed over. */
struct policy store_parse_policy(const char *text);

/* ---- counters.c ---- */

GHashTable *store_lazy_new(void);
/* At the start of a transaction. */
bool store_lazy_write(struct store *s);
/* At its end: forgets what was written, or keeps it for the next one. */
void store_lazy_end(struct store *s, bool committed);
/* Adds what is not written yet. */
void store_lazy_add(struct store *s, const char *hub, struct store_user *u);
