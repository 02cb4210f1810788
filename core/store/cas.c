/* SPDX-License-Identifier: Apache-2.0 */
/* cas.c - the certificate authorities that a hub trusts. */

#include "core/base/error.h"
#include "core/crypto/cert.h"
#include "core/store/store_priv.h"

void
store_ca_free(struct store_ca *c)
{
    if (!c)
        return;
    g_clear_pointer(&c->der, g_bytes_unref);
    g_free(c);
}

GPtrArray *
store_cas(struct store *s, const char *hub)
{
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)store_ca_free);
    struct query q = query_of(s->db, "SELECT key, der FROM cas WHERE hub = ? ORDER BY key");
    query_int(&q, store_hub_id(s, hub));
    while (query_row(&q)) {
        struct store_ca *c = g_new0(struct store_ca, 1);
        c->key = (uint32_t)query_get_int(&q, 0);
        c->der = query_get_bytes(&q, 1);
        g_ptr_array_add(all, c);
    }
    if (!query_ok(&q))
        store_log_read(s, "authorities");
    query_done(&q);
    return all;
}

static bool
has_ca(struct store *s, int64_t hub, GBytes *der)
{
    struct query q = query_of(s->db, "SELECT 1 FROM cas WHERE hub = ? AND der = ?");
    query_int(&q, hub);
    query_bytes(&q, der);
    bool has = query_row(&q);
    query_done(&q);
    return has;
}

static bool
add_ca(struct store *s, const char *hub, GBytes *der, uint32_t *key, GError **error)
{
    int64_t id = store_hub_need(s, hub, error);
    if (id == 0)
        return false;
    if (has_ca(s, id, der)) {
        g_set_error(error, PE_ERROR, PE_EXISTS, "hub '%s' trusts this certificate already", hub);
        return false;
    }
    if (store_count(s, "SELECT count(*) FROM cas WHERE hub = ?", id) >= STORE_CAS_MAX) {
        g_set_error(error, PE_ERROR, PE_TOO_MANY_ITEMS, "hub '%s' trusts %d certificates already",
                    hub, STORE_CAS_MAX);
        return false;
    }
    struct query q = query_of(s->db, "INSERT INTO cas (hub, der) VALUES (?, ?)");
    query_int(&q, id);
    query_bytes(&q, der);
    if (!store_run(s, &q, "the certificate could not be written", error))
        return false;
    if (key)
        *key = (uint32_t)sqlite3_last_insert_rowid(s->db);
    return true;
}

bool
store_ca_add(struct store *s, const char *hub, GBytes *der, uint32_t *key, GError **error)
{
    X509 *cert = cert_from_der(g_bytes_get_data(der, NULL), g_bytes_get_size(der), error);
    if (!cert)
        return false;
    X509_free(cert);
    if (!store_begin(s, error))
        return false;
    return store_end(s, add_ca(s, hub, der, key, error), error);
}

static bool
delete_ca(struct store *s, const char *hub, uint32_t key, GError **error)
{
    int64_t id = store_hub_need(s, hub, error);
    if (id == 0)
        return false;
    struct query q = query_of(s->db, "DELETE FROM cas WHERE hub = ? AND key = ?");
    query_int(&q, id);
    query_int(&q, key);
    if (!store_run(s, &q, "the certificate could not be deleted", error))
        return false;
    if (sqlite3_changes(s->db) > 0)
        return true;
    g_set_error(error, PE_ERROR, PE_NOT_FOUND, "hub '%s' has no trusted certificate number %u", hub,
                key);
    return false;
}

bool
store_ca_delete(struct store *s, const char *hub, uint32_t key, GError **error)
{
    if (!store_begin(s, error))
        return false;
    return store_end(s, delete_ca(s, hub, key, error), error);
}
