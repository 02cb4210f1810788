/* SPDX-License-Identifier: Apache-2.0 */
/* crls.c - certificates that a hub takes no more. */

#include "core/base/error.h"
#include "core/store/store_priv.h"

void
store_crl_free(struct store_crl *c)
{
    if (!c)
        return;
    g_free(c->entry);
    g_free(c);
}

static void
free_crl(gpointer data)
{
    store_crl_free(data);
}

GPtrArray *
store_crls(struct store *s, const char *hub)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(free_crl);
    struct query q = query_of(s->db, "SELECT key, entry FROM crls WHERE hub = ? ORDER BY key");

    query_int(&q, store_hub_id(s, hub));
    while (query_row(&q)) {
        struct store_crl *c = g_new0(struct store_crl, 1);
        c->key = (uint32_t)query_get_int(&q, 0);
        c->entry = query_get_text(&q, 1);
        g_ptr_array_add(all, c);
    }
    if (!query_ok(&q))
        store_log_read(s, "revoked certificates");
    query_done(&q);
    return all;
}

static bool
check(const char *entry, GError **error)
{
    return store_check_text("an entry of revoked certificates", entry, error);
}

static bool
add(struct store *s, const char *hub, const char *entry, uint32_t *key, GError **error)
{
    int64_t id = store_hub_need(s, hub, error);

    if (id == 0)
        return false;
    if (store_count(s, "SELECT count(*) FROM crls WHERE hub = ?", id) >= STORE_CRLS_MAX) {
        g_set_error(error, PE_ERROR, PE_TOO_MANY_ITEMS,
                    "hub '%s' has %d entries of revoked certificates already", hub, STORE_CRLS_MAX);
        return false;
    }
    struct query q = query_of(s->db, "INSERT INTO crls (hub, entry) VALUES (?, ?)");
    query_int(&q, id);
    query_text(&q, entry);
    if (!store_run(s, &q, "the entry could not be written", error))
        return false;
    if (key)
        *key = (uint32_t)sqlite3_last_insert_rowid(s->db);
    return true;
}

bool
store_crl_add(struct store *s, const char *hub, const char *entry, uint32_t *key, GError **error)
{
    if (!check(entry, error) || !store_begin(s, error))
        return false;
    return store_end(s, add(s, hub, entry, key, error), error);
}

/* One entry of the hub; entry NULL: delete it. */
static bool
change(struct store *s, const char *hub, uint32_t key, const char *entry, GError **error)
{
    int64_t id = store_hub_need(s, hub, error);

    if (id == 0)
        return false;
    struct query q = query_of(s->db, entry ? "UPDATE crls SET entry = ? WHERE hub = ? AND key = ?"
                                           : "DELETE FROM crls WHERE hub = ? AND key = ?");
    if (entry)
        query_text(&q, entry);
    query_int(&q, id);
    query_int(&q, key);
    if (!store_run(s, &q, "the entry could not be written", error))
        return false;
    if (sqlite3_changes(s->db) > 0)
        return true;
    g_set_error(error, PE_ERROR, PE_NOT_FOUND,
                "hub '%s' has no entry of revoked certificates with key %u", hub, key);
    return false;
}

bool
store_crl_set(struct store *s, const char *hub, uint32_t key, const char *entry, GError **error)
{
    if (!check(entry, error) || !store_begin(s, error))
        return false;
    return store_end(s, change(s, hub, key, entry, error), error);
}

bool
store_crl_delete(struct store *s, const char *hub, uint32_t key, GError **error)
{
    if (!store_begin(s, error))
        return false;
    return store_end(s, change(s, hub, key, NULL, error), error);
}
