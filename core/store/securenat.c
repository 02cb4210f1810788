/* SPDX-License-Identifier: Apache-2.0 */
/* securenat.c - the virtual host of a hub: its options, and the leases that it gave. */

#include "core/base/error.h"
#include "core/store/store_priv.h"

#include <string.h>

char *
store_securenat_get(struct store *s, const char *hub, bool *enabled)
{
    struct query q = query_of(s->db, "SELECT enabled, options FROM securenat WHERE hub = ?");
    query_int(&q, store_hub_id(s, hub));
    bool found = query_row(&q);
    *enabled = found && query_get_int(&q, 0) != 0;
    char *options = found ? query_get_text(&q, 1) : NULL;
    if (!query_ok(&q))
        store_log_read(s, "virtual host");
    query_done(&q);
    return options;
}

static bool
put_securenat(struct store *s, const char *hub, bool enabled, const char *options, GError **error)
{
    int64_t id = store_hub_need(s, hub, error);
    if (id == 0)
        return false;
    struct query q = query_of(s->db, "INSERT INTO securenat (hub, enabled, options) "
                                     "VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET "
                                     "enabled = excluded.enabled, options = excluded.options");
    query_int(&q, id);
    query_int(&q, enabled);
    query_text(&q, options);
    return store_run(s, &q, "the virtual host could not be written", error);
}

bool
store_securenat_set(struct store *s, const char *hub, bool enabled, const char *options,
                    GError **error)
{
    if (!g_utf8_validate(options, -1, NULL)) {
        g_set_error_literal(error, PE_ERROR, PE_INVALID_PARAMETER,
                            "the options of the virtual host are not valid UTF-8");
        return false;
    }
    if (!store_begin(s, error))
        return false;
    return store_end(s, put_securenat(s, hub, enabled, options, error), error);
}

GPtrArray *
store_securenat_hubs(struct store *s)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
    struct query q = query_of(s->db, "SELECT h.name FROM securenat n JOIN hubs h ON h.id = n.hub "
                                     "WHERE n.enabled ORDER BY h.name");
    while (query_row(&q))
        g_ptr_array_add(all, query_get_text(&q, 0));
    if (!query_ok(&q))
        store_log_read(s, "virtual hosts");
    query_done(&q);
    return all;
}

/* ---- leases ---- */

void
store_lease_free(struct store_lease *l)
{
    if (!l)
        return;
    g_bytes_unref(l->client_id);
    g_free(l->hostname);
    g_free(l);
}

static struct store_lease *
read_lease(const struct query *q)
{
    struct store_lease *l = g_new0(struct store_lease, 1);
    g_autofree char *ip = query_get_text(q, 0);
    g_autoptr(GBytes) mac = query_get_bytes(q, 1);
    bool ok = ip_parse(ip, &l->ip) && g_bytes_get_size(mac) == sizeof(l->mac.b);

    l->client_id = query_get_bytes(q, 2);
    l->hostname = query_get_text(q, 3);
    l->leased_ms = query_get_int(q, 4);
    l->expires_ms = query_get_int(q, 5);
    if (ok) {
        memcpy(l->mac.b, g_bytes_get_data(mac, NULL), sizeof(l->mac.b));
        return l;
    }
    store_lease_free(l);
    return NULL;
}

static void
free_lease(gpointer data)
{
    store_lease_free(data);
}

GPtrArray *
store_leases(struct store *s, const char *hub)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(free_lease);
    struct query q = query_of(s->db, "SELECT ip, mac, client_id, hostname, leased_ms, expires_ms "
                                     "FROM dhcp_leases WHERE hub = ?");
    query_int(&q, store_hub_id(s, hub));
    while (query_row(&q)) {
        struct store_lease *l = read_lease(&q);
        if (l)
            g_ptr_array_add(all, l);
    }
    if (!query_ok(&q))
        store_log_read(s, "leases");
    query_done(&q);
    return all;
}

static bool
put_lease(struct store *s, int64_t hub, const struct store_lease *l, GError **error)
{
    char ip[IP_TEXT];
    g_autoptr(GBytes) mac = g_bytes_new(l->mac.b, sizeof(l->mac.b));
    bool gone = l->expires_ms == 0;
    struct query q =
        query_of(s->db, gone ? "DELETE FROM dhcp_leases WHERE hub = ? AND ip = ?"
                             : "INSERT OR REPLACE INTO dhcp_leases (hub, ip, mac, client_id, "
                               "hostname, leased_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?)");
    query_int(&q, hub);
    query_text(&q, ip_print(&l->ip, ip));
    if (!gone) {
        query_bytes(&q, mac);
        query_bytes(&q, l->client_id);
        query_text(&q, l->hostname ? l->hostname : "");
        query_int(&q, l->leased_ms);
        query_int(&q, l->expires_ms);
    }
    return store_run(s, &q, "a lease could not be written", error);
}

static bool
put_leases(struct store *s, const char *hub, const struct store_lease *l, unsigned n,
           GError **error)
{
    int64_t id = store_hub_need(s, hub, error);

    for (unsigned i = 0; id != 0 && i < n; i++) {
        if (!put_lease(s, id, &l[i], error))
            return false;
    }
    return id != 0;
}

bool
store_leases_put(struct store *s, const char *hub, const struct store_lease *l, unsigned n,
                 GError **error)
{
    if (!store_begin(s, error))
        return false;
    return store_end(s, put_leases(s, hub, l, n, error), error);
}
