/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c - small named values, and listeners. */

#include "core/base/error.h"
#include "core/store/store_priv.h"

#include <string.h>

/* Both NULL: unset. */
static bool
put(struct store *s, const char *name, const char *value, GBytes *sealed, GError **error)
{
    if (!store_begin(s, error))
        return false;
    bool unset = !value && !sealed;
    struct query q =
        query_of(s->db, unset ? "DELETE FROM settings WHERE name = ?"
                              : "INSERT INTO settings (name, value, sealed) VALUES (?, ?, ?) "
                                "ON CONFLICT DO UPDATE SET value = excluded.value, "
                                "sealed = excluded.sealed");
    query_text(&q, name);
    if (!unset) {
        query_text(&q, value);
        query_bytes(&q, sealed);
    }
    return store_end(s, store_run(s, &q, "the setting could not be written", error), error);
}

char *
store_get_text(struct store *s, const char *name)
{
    struct query q = query_of(s->db, "SELECT value FROM settings WHERE name = ?");
    query_text(&q, name);
    char *value = query_row(&q) ? query_get_text(&q, 0) : NULL;
    if (!query_ok(&q))
        store_log_read(s, name);
    query_done(&q);
    return value;
}

bool
store_set_text(struct store *s, const char *name, const char *value, GError **error)
{
    if (!store_check_setting(name, value ? strlen(value) : 0, error))
        return false;
    if (value && !g_utf8_validate(value, -1, NULL)) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "the value of setting '%s' is not valid UTF-8", name);
        return false;
    }
    return put(s, name, value, NULL, error);
}

/* Names have no '/', so no two contexts are alike. */
static char *
context_of(const char *name)
{
    return g_strconcat("settings/", name, NULL);
}

static void
free_secret(gpointer data)
{
    secret_free(data);
}

GBytes *
store_open_setting(struct store *s, const char *name, GBytes *sealed)
{
    g_autofree char *context = context_of(name);
    struct secret *plain =
        sealed_open(s->key, context, g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed));
    return plain ? g_bytes_new_with_free_func(plain->bytes, plain->len, free_secret, plain) : NULL;
}

GBytes *
store_get_secret(struct store *s, const char *name)
{
    struct query q = query_of(s->db, "SELECT sealed FROM settings WHERE name = ?");
    query_text(&q, name);
    g_autoptr(GBytes) sealed = query_row(&q) ? query_get_bytes(&q, 0) : NULL;
    if (!query_ok(&q))
        store_log_read(s, name);
    query_done(&q);
    if (!sealed)
        return NULL;
    GBytes *plain = store_open_setting(s, name, sealed);
    if (!plain)
        store_log_changed(name);
    return plain;
}

bool
store_set_secret(struct store *s, const char *name, const void *bytes, size_t len, GError **error)
{
    if (!store_check_setting(name, len, error))
        return false;
    g_autofree char *context = context_of(name);
    g_autoptr(GBytes) sealed = bytes ? sealed_seal(s->key, context, bytes, len) : NULL;
    return put(s, name, NULL, sealed, error);
}

/* ---- listeners ---- */

GArray *
store_listeners(struct store *s)
{
    GArray *all = g_array_new(FALSE, TRUE, sizeof(struct store_listener));
    struct query q = query_of(s->db, "SELECT port, enabled FROM listeners ORDER BY port");
    while (query_row(&q)) {
        struct store_listener l = {.port = (uint16_t)query_get_int(&q, 0),
                                   .enabled = query_get_int(&q, 1) != 0};
        g_array_append_val(all, l);
    }
    if (!query_ok(&q))
        store_log_read(s, "listeners");
    query_done(&q);
    return all;
}

static bool
put_listener(struct store *s, const struct store_listener *l, GError **error)
{
    /* Counted without the one that would be changed. */
    if (store_count(s, "SELECT count(*) FROM listeners WHERE port <> ?", l->port) >=
        STORE_LISTENERS_MAX) {
        g_set_error(error, PE_ERROR, PE_TOO_MANY_ITEMS, "there are %d listeners already",
                    STORE_LISTENERS_MAX);
        return false;
    }
    struct query q = query_of(s->db, "INSERT INTO listeners (port, enabled) VALUES (?, ?) "
                                     "ON CONFLICT DO UPDATE SET enabled = excluded.enabled");
    query_int(&q, l->port);
    query_int(&q, l->enabled);
    return store_run(s, &q, "the listener could not be written", error);
}

bool
store_listener_put(struct store *s, const struct store_listener *l, GError **error)
{
    if (l->port == 0) {
        g_set_error_literal(error, PE_ERROR, PE_INVALID_PARAMETER,
                            "a listener needs a port from 1 to 65535");
        return false;
    }
    if (!store_begin(s, error))
        return false;
    return store_end(s, put_listener(s, l, error), error);
}

bool
store_listener_delete(struct store *s, uint16_t port, GError **error)
{
    if (!store_begin(s, error))
        return false;
    struct query q = query_of(s->db, "DELETE FROM listeners WHERE port = ?");
    query_int(&q, port);
    bool ok = store_run(s, &q, "the listener could not be deleted", error);
    if (ok && sqlite3_changes(s->db) == 0) {
        g_set_error(error, PE_ERROR, PE_LISTENER_NOT_FOUND, "there is no listener on port %u",
                    port);
        ok = false;
    }
    return store_end(s, ok, error);
}
