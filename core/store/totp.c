/* SPDX-License-Identifier: Apache-2.0 */
/* totp.c - users' secrets for one-time codes, sealed, and which codes are used. */

#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/store/store_priv.h"

#include <string.h>

/* A name may have any character, and comes last. */
static char *
context_of(int64_t hub, const char *user)
{
    g_autofree char *folded = store_fold(user);

    return g_strdup_printf("users/%" G_GINT64_FORMAT "/totp/%s", hub, folded);
}

char *
store_user_totp(struct store *s, const char *hub, const char *user)
{
    int64_t id = store_hub_id(s, hub);
    struct query q = query_of(s->db, "SELECT totp FROM users WHERE hub = ? AND name = ?");

    query_int(&q, id);
    query_text(&q, user);
    g_autoptr(GBytes) sealed = query_row(&q) ? query_get_bytes(&q, 0) : NULL;
    if (!query_ok(&q))
        store_log_read(s, "a user's one-time codes");
    query_done(&q);
    if (!sealed)
        return NULL;
    g_autofree char *context = context_of(id, user);
    struct secret *plain =
        sealed_open(s->key, context, g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed));
    if (!plain) {
        store_log_changed("a user's one-time codes");
        return g_strdup(""); /* there is one: the user is not let in without */
    }
    char *text = g_strdup(secret_str(plain));
    secret_free(plain);
    return text;
}

static bool
set(struct store *s, const char *hub, const char *user, const char *totp, GError **error)
{
    int64_t id = store_hub_need(s, hub, error);

    if (id == 0)
        return false;
    g_autofree char *context = context_of(id, user);
    g_autoptr(GBytes) sealed = totp ? sealed_seal(s->key, context, totp, strlen(totp)) : NULL;
    struct query q =
        query_of(s->db, "UPDATE users SET totp = ?, totp_used = 0 WHERE hub = ? AND name = ?");
    query_bytes(&q, sealed);
    query_int(&q, id);
    query_text(&q, user);
    if (!store_run(s, &q, "the user could not be written", error))
        return false;
    if (sqlite3_changes(s->db) > 0)
        return true;
    g_autofree char *shown = store_quoted(user);
    g_set_error(error, PE_ERROR, PE_NOT_FOUND, "hub '%s' has no user %s", hub, shown);
    return false;
}

bool
store_user_set_totp(struct store *s, const char *hub, const char *user, const char *totp,
                    GError **error)
{
    if (!store_begin(s, error))
        return false;
    return store_end(s, set(s, hub, user, totp, error), error);
}

bool
store_user_use_totp(struct store *s, const char *hub, const char *user, int64_t step)
{
    g_autoptr(GError) error = NULL;

    if (!store_begin(s, &error))
        return false;
    struct query q = query_of(s->db, "UPDATE users SET totp_used = ?1 "
                                     "WHERE hub = ?2 AND name = ?3 AND totp_used < ?1");
    query_int(&q, step);
    query_int(&q, store_hub_id(s, hub));
    query_text(&q, user);
    bool ok = store_run(s, &q, "the one-time code could not be marked as used", &error);
    bool fresh = ok && sqlite3_changes(s->db) > 0;
    return store_end(s, ok, &error) && fresh;
}
