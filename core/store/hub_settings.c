/* SPDX-License-Identifier: Apache-2.0 */
/* hub_settings.c - small named values of a hub: options, log settings, back-ends. */

#include "core/base/error.h"
#include "core/store/store_priv.h"

#include <string.h>

/* Neither value nor sealed: unset. */
static bool
put(struct store *s, const char *hub, const char *name, const char *value, GBytes *sealed,
    GError **error)
{
    int64_t id = store_hub_need(s, hub, error);
    if (id == 0)
        return false;
    bool unset = !value && !sealed;
    struct query q = query_of(s->db, unset ? "DELETE FROM hub_settings WHERE hub = ? AND name = ?"
                                           : "INSERT INTO hub_settings (hub, name, value, sealed) "
                                             "VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                                             "value = excluded.value, sealed = excluded.sealed");
    query_int(&q, id);
    query_text(&q, name);
    if (!unset) {
        query_text(&q, value);
        query_bytes(&q, sealed);
    }
    return store_run(s, &q, "the setting could not be written", error);
}

char *
store_hub_get_text(struct store *s, const char *hub, const char *name)
{
    struct query q = query_of(s->db, "SELECT value FROM hub_settings WHERE hub = ? AND name = ?");
    query_int(&q, store_hub_id(s, hub));
    query_text(&q, name);
    char *value = query_row(&q) ? query_get_text(&q, 0) : NULL;
    if (!query_ok(&q))
        store_log_read(s, name);
    query_done(&q);
    return value;
}

bool
store_hub_set_text(struct store *s, const char *hub, const char *name, const char *value,
                   GError **error)
{
    if (!store_check_setting(name, value ? strlen(value) : 0, error))
        return false;
    if (value && !g_utf8_validate(value, -1, NULL)) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "the value of setting '%s' is not valid UTF-8", name);
        return false;
    }
    if (!store_begin(s, error))
        return false;
    return store_end(s, put(s, hub, name, value, NULL, error), error);
}

GHashTable *
store_hub_texts(struct store *s, const char *hub, const char *prefix)
{
    GHashTable *found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    struct query q = query_of(s->db, "SELECT name, value FROM hub_settings "
                                     "WHERE hub = ? AND value IS NOT NULL");
    query_int(&q, store_hub_id(s, hub));
    while (query_row(&q)) {
        g_autofree char *name = query_get_text(&q, 0);
        if (g_str_has_prefix(name, prefix))
            g_hash_table_insert(found, g_steal_pointer(&name), query_get_text(&q, 1));
    }
    if (!query_ok(&q))
        store_log_read(s, "settings of a hub");
    query_done(&q);
    return found;
}

/* ---- sealed ---- */

/* Bound to the hub by its number, which no other hub will have. */
static char *
context_of(int64_t hub, const char *name)
{
    return g_strdup_printf("hub_settings/%" G_GINT64_FORMAT "/%s", hub, name);
}

static void
free_secret(gpointer data)
{
    secret_free(data);
}

GBytes *
store_hub_get_secret(struct store *s, const char *hub, const char *name)
{
    int64_t id = store_hub_id(s, hub);
    struct query q = query_of(s->db, "SELECT sealed FROM hub_settings WHERE hub = ? AND name = ?");
    query_int(&q, id);
    query_text(&q, name);
    g_autoptr(GBytes) sealed = query_row(&q) ? query_get_bytes(&q, 0) : NULL;
    if (!query_ok(&q))
        store_log_read(s, name);
    query_done(&q);
    if (!sealed)
        return NULL;
    g_autofree char *context = context_of(id, name);
    struct secret *plain =
        sealed_open(s->key, context, g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed));
    if (plain)
        return g_bytes_new_with_free_func(plain->bytes, plain->len, free_secret, plain);
    store_log_changed(name);
    return NULL;
}

bool
store_hub_set_secret(struct store *s, const char *hub, const char *name, const void *bytes,
                     size_t len, GError **error)
{
    if (!store_check_setting(name, len, error) || !store_begin(s, error))
        return false;
    g_autofree char *context = context_of(store_hub_id(s, hub), name);
    g_autoptr(GBytes) sealed = bytes ? sealed_seal(s->key, context, bytes, len) : NULL;
    return store_end(s, put(s, hub, name, NULL, sealed, error), error);
}
