/* SPDX-License-Identifier: Apache-2.0 */
/* hubs.c - hubs; what hangs on one (users, authorities, bridges) goes with it. */

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/store/store_priv.h"

#define HUB_COLUMNS                                                         \
    "id, name, online, no_enum, max_sessions, admin_verifier, admin_hash, " \
    "admin_user_hash, created_ms, updated_ms"

void
store_hub_free(struct store_hub *h)
{
    if (!h)
        return;
    g_free(h->name);
    secret_free_str(h->admin_verifier);
    secret_wipe(h, sizeof(*h));
    g_free(h);
}

static char *
context_of(int64_t id, const char *column)
{
    return g_strdup_printf("hubs/%" G_GINT64_FORMAT "/%s", id, column);
}

static struct store_hub *
read_hub(struct store *s, const struct query *q)
{
    int64_t id = query_get_int(q, 0);
    g_autofree char *hash_context = context_of(id, "admin_hash");
    g_autofree char *user_hash_context = context_of(id, "admin_user_hash");

    struct store_hub *h = g_new0(struct store_hub, 1);
    h->name = query_get_text(q, 1);
    h->online = query_get_int(q, 2) != 0;
    h->no_enum = query_get_int(q, 3) != 0;
    h->max_sessions = (unsigned)query_get_int(q, 4);
    h->admin_verifier = query_get_text(q, 5);
    h->has_admin_hash =
        store_open_hash(s, hash_context, q, 6, h->admin_hash, sizeof(h->admin_hash)) &&
        store_open_hash(s, user_hash_context, q, 7, h->admin_user_hash, sizeof(h->admin_user_hash));
    h->created_ms = query_get_int(q, 8);
    h->updated_ms = query_get_int(q, 9);
    return h;
}

GPtrArray *
store_hubs(struct store *s)
{
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)store_hub_free);
    struct query q = query_of(s->db, "SELECT " HUB_COLUMNS " FROM hubs ORDER BY name");
    while (query_row(&q))
        g_ptr_array_add(all, read_hub(s, &q));
    if (!query_ok(&q))
        store_log_read(s, "hubs");
    query_done(&q);
    return all;
}

struct store_hub *
store_hub_get(struct store *s, const char *name)
{
    struct query q = query_of(s->db, "SELECT " HUB_COLUMNS " FROM hubs WHERE name = ?");
    query_text(&q, name);
    struct store_hub *h = query_row(&q) ? read_hub(s, &q) : NULL;
    if (!query_ok(&q))
        store_log_read(s, "hub");
    query_done(&q);
    return h;
}

int64_t
store_hub_id(struct store *s, const char *name)
{
    struct query q = query_of(s->db, "SELECT id FROM hubs WHERE name = ?");
    query_text(&q, name);
    int64_t id = query_row(&q) ? query_get_int(&q, 0) : 0;
    if (!query_ok(&q))
        store_log_read(s, "hub");
    query_done(&q);
    return id;
}

int64_t
store_hub_need(struct store *s, const char *name, GError **error)
{
    int64_t id = store_hub_id(s, name);
    if (id == 0) {
        g_autofree char *shown = store_quoted(name);
        g_set_error(error, PE_ERROR, PE_HUB_NOT_FOUND, "hub %s does not exist", shown);
    }
    return id;
}

static bool
check_hub(const struct store_hub *h, GError **error)
{
    return store_check_hub_name(h->name, error) &&
           store_check_name("the verifier of the administrator's password", h->admin_verifier,
                            error);
}

/* Everything but the name, which stays as it was spelled first. */
static bool
write_hub(struct store *s, int64_t id, const struct store_hub *h, GError **error)
{
    g_autofree char *hash_context = context_of(id, "admin_hash");
    g_autofree char *user_hash_context = context_of(id, "admin_user_hash");
    g_autoptr(GBytes) hash =
        store_seal_hash(s, hash_context, h->has_admin_hash, h->admin_hash, sizeof(h->admin_hash));
    g_autoptr(GBytes) user_hash = store_seal_hash(s, user_hash_context, h->has_admin_hash,
                                                  h->admin_user_hash, sizeof(h->admin_user_hash));
    struct query q = query_of(
        s->db, "UPDATE hubs SET online = ?, no_enum = ?, max_sessions = ?, admin_verifier = ?, "
               "admin_hash = ?, admin_user_hash = ?, updated_ms = ? WHERE id = ?");
    query_int(&q, h->online);
    query_int(&q, h->no_enum);
    query_int(&q, h->max_sessions);
    query_text(&q, h->admin_verifier);
    query_bytes(&q, hash);
    query_bytes(&q, user_hash);
    query_int(&q, clock_wall_ms());
    query_int(&q, id);
    return store_run(s, &q, "the hub could not be written", error);
}

static bool
create_hub(struct store *s, const struct store_hub *h, GError **error)
{
    if (store_hub_id(s, h->name) != 0) {
        g_set_error(error, PE_ERROR, PE_HUB_EXISTS, "hub '%s' exists already", h->name);
        return false;
    }
    if (store_count(s, "SELECT count(*) FROM hubs WHERE id > ?", 0) >= STORE_HUBS_MAX) {
        g_set_error(error, PE_ERROR, PE_TOO_MANY_HUBS, "there are %d hubs already", STORE_HUBS_MAX);
        return false;
    }
    struct query q =
        query_of(s->db, "INSERT INTO hubs (name, online, no_enum, max_sessions, created_ms, "
                        "updated_ms) VALUES (?, 0, 0, 0, ?, 0)");
    query_text(&q, h->name);
    query_int(&q, h->created_ms != 0 ? h->created_ms : clock_wall_ms());
    return store_run(s, &q, "the hub could not be written", error) &&
           write_hub(s, sqlite3_last_insert_rowid(s->db), h, error);
}

bool
store_hub_create(struct store *s, const struct store_hub *h, GError **error)
{
    if (!check_hub(h, error) || !store_begin(s, error))
        return false;
    return store_end(s, create_hub(s, h, error), error);
}

bool
store_hub_update(struct store *s, const struct store_hub *h, GError **error)
{
    if (!check_hub(h, error) || !store_begin(s, error))
        return false;
    int64_t id = store_hub_need(s, h->name, error);
    return store_end(s, id != 0 && write_hub(s, id, h, error), error);
}

bool
store_hub_delete(struct store *s, const char *name, GError **error)
{
    if (!store_begin(s, error))
        return false;
    int64_t id = store_hub_need(s, name, error);
    bool ok = id != 0;
    if (ok) {
        struct query q = query_of(s->db, "DELETE FROM hubs WHERE id = ?");
        query_int(&q, id);
        ok = store_run(s, &q, "the hub could not be deleted", error);
    }
    return store_end(s, ok, error);
}
