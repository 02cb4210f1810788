/* SPDX-License-Identifier: Apache-2.0 */
/* bridges.c - local bridges: which hub is joined to which device. */

#include "core/base/error.h"
#include "core/store/store_priv.h"

void
store_bridge_free(struct store_bridge *b)
{
    if (!b)
        return;
    g_free(b->hub);
    g_free(b->device);
    g_free(b);
}

GPtrArray *
store_bridges(struct store *s)
{
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)store_bridge_free);
    struct query q = query_of(s->db, "SELECT h.name, b.device, b.tap FROM bridges b "
                                     "JOIN hubs h ON h.id = b.hub ORDER BY h.name, b.device");
    while (query_row(&q)) {
        struct store_bridge *b = g_new0(struct store_bridge, 1);
        b->hub = query_get_text(&q, 0);
        b->device = query_get_text(&q, 1);
        b->tap = query_get_int(&q, 2) != 0;
        g_ptr_array_add(all, b);
    }
    if (!query_ok(&q))
        store_log_read(s, "bridges");
    query_done(&q);
    return all;
}

static bool
has_bridge(struct store *s, int64_t hub, const char *device)
{
    struct query q = query_of(s->db, "SELECT 1 FROM bridges WHERE hub = ? AND device = ?");
    query_int(&q, hub);
    query_text(&q, device);
    bool has = query_row(&q);
    query_done(&q);
    return has;
}

static bool
add_bridge(struct store *s, const struct store_bridge *b, GError **error)
{
    int64_t id = store_hub_need(s, b->hub, error);
    if (id == 0)
        return false;
    if (has_bridge(s, id, b->device)) {
        g_set_error(error, PE_ERROR, PE_EXISTS, "hub '%s' has a bridge to '%s' already", b->hub,
                    b->device);
        return false;
    }
    if (store_count(s, "SELECT count(*) FROM bridges WHERE hub > ?", 0) >= STORE_BRIDGES_MAX) {
        g_set_error(error, PE_ERROR, PE_TOO_MANY_ITEMS, "there are %d bridges already",
                    STORE_BRIDGES_MAX);
        return false;
    }
    struct query q = query_of(s->db, "INSERT INTO bridges (hub, device, tap) VALUES (?, ?, ?)");
    query_int(&q, id);
    query_text(&q, b->device);
    query_int(&q, b->tap);
    return store_run(s, &q, "the bridge could not be written", error);
}

bool
store_bridge_add(struct store *s, const struct store_bridge *b, GError **error)
{
    if (!b->device || b->device[0] == '\0') {
        g_set_error_literal(error, PE_ERROR, PE_INVALID_PARAMETER,
                            "a bridge needs the name of a device");
        return false;
    }
    if (!store_check_name("the device of a bridge", b->device, error) || !store_begin(s, error))
        return false;
    return store_end(s, add_bridge(s, b, error), error);
}

static bool
delete_bridge(struct store *s, const char *hub, const char *device, GError **error)
{
    int64_t id = store_hub_need(s, hub, error);
    if (id == 0)
        return false;
    struct query q = query_of(s->db, "DELETE FROM bridges WHERE hub = ? AND device = ?");
    query_int(&q, id);
    query_text(&q, device);
    if (!store_run(s, &q, "the bridge could not be deleted", error))
        return false;
    if (sqlite3_changes(s->db) > 0)
        return true;
    g_autofree char *shown = store_quoted(device);
    g_set_error(error, PE_ERROR, PE_NOT_FOUND, "hub '%s' has no bridge to %s", hub, shown);
    return false;
}

bool
store_bridge_delete(struct store *s, const char *hub, const char *device, GError **error)
{
    if (!store_begin(s, error))
        return false;
    return store_end(s, delete_bridge(s, hub, device, error), error);
}
