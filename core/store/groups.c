/* SPDX-License-Identifier: Apache-2.0 */
/* groups.c - groups of users, which lend their policy to members that have none. */

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/store/store_priv.h"

void
store_group_free(struct store_group *g)
{
    if (!g)
        return;
    g_free(g->name);
    g_free(g->realname);
    g_free(g->note);
    g_free(g->limits);
    g_free(g);
}

static void
free_group(gpointer data)
{
    store_group_free(data);
}

#define SELECT                                                                         \
    "SELECT name, realname, note, policy, limits, created_ms, updated_ms FROM groups " \
    "WHERE hub = ? "

static struct store_group *
read_group(const struct query *q)
{
    struct store_group *g = g_new0(struct store_group, 1);
    g_autofree char *policy = query_get_text(q, 3);

    g->name = query_get_text(q, 0);
    g->realname = query_get_text(q, 1);
    g->note = query_get_text(q, 2);
    g->has_policy = policy != NULL;
    g->policy = policy ? store_parse_policy(policy) : policy_default();
    g->limits = query_get_text(q, 4);
    g->created_ms = query_get_int(q, 5);
    g->updated_ms = query_get_int(q, 6);
    return g;
}

GPtrArray *
store_groups(struct store *s, const char *hub)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(free_group);
    struct query q = query_of(s->db, SELECT "ORDER BY name");

    query_int(&q, store_hub_id(s, hub));
    while (query_row(&q))
        g_ptr_array_add(all, read_group(&q));
    if (!query_ok(&q))
        store_log_read(s, "groups");
    query_done(&q);
    return all;
}

struct store_group *
store_group_get(struct store *s, const char *hub, const char *name)
{
    struct query q = query_of(s->db, SELECT "AND name = ?");

    query_int(&q, store_hub_id(s, hub));
    query_text(&q, name);
    struct store_group *g = query_row(&q) ? read_group(&q) : NULL;
    if (!query_ok(&q))
        store_log_read(s, "group");
    query_done(&q);
    return g;
}

/* ---- changes ---- */

static bool
check(const struct store_group *g, GError **error)
{
    g_autofree char *shown = store_quoted(g->name ? g->name : "");
    g_autofree char *realname = g_strdup_printf("the full name of group %s", shown);
    g_autofree char *note = g_strdup_printf("the note of group %s", shown);

    if (!g->name || g->name[0] == '\0') {
        g_set_error_literal(error, PE_ERROR, PE_INVALID_PARAMETER, "a group needs a name");
        return false;
    }
    return store_check_user_name(g->name, error) &&
           store_check_text(realname, g->realname, error) && store_check_text(note, g->note, error);
}

static bool
set_not_found(const char *hub, const char *name, GError **error)
{
    g_autofree char *shown = store_quoted(name);

    g_set_error(error, PE_ERROR, PE_GROUP_NOT_FOUND, "hub '%s' has no group %s", hub, shown);
    return false;
}

static const char *
or_empty(const char *text)
{
    return text ? text : "";
}

static int64_t
find(struct store *s, int64_t hub, const char *name)
{
    struct query q = query_of(s->db, "SELECT id FROM groups WHERE hub = ? AND name = ?");

    query_int(&q, hub);
    query_text(&q, name);
    int64_t id = query_row(&q) ? query_get_int(&q, 0) : 0;
    query_done(&q);
    return id;
}

static bool
write_group(struct store *s, int64_t id, const struct store_group *g, GError **error)
{
    g_autofree char *policy = g->has_policy ? store_print_policy(&g->policy) : NULL;
    struct query q = query_of(s->db, "UPDATE groups SET realname = ?, note = ?, policy = ?, "
                                     "limits = ?, updated_ms = ? WHERE id = ?");

    query_text(&q, or_empty(g->realname));
    query_text(&q, or_empty(g->note));
    query_text(&q, policy);
    query_text(&q, g->limits);
    query_int(&q, clock_wall_ms());
    query_int(&q, id);
    return store_run(s, &q, "the group could not be written", error);
}

static bool
create_group(struct store *s, const char *hub, const struct store_group *g, GError **error)
{
    int64_t hub_id = store_hub_need(s, hub, error);

    if (hub_id == 0)
        return false;
    if (find(s, hub_id, g->name) != 0) {
        g_set_error(error, PE_ERROR, PE_GROUP_EXISTS, "hub '%s' has a group '%s' already", hub,
                    g->name);
        return false;
    }
    int64_t fewer = store_admin_option(s, hub, "max_groups");
    int64_t most = fewer > 0 ? MIN(fewer, STORE_GROUPS_MAX) : STORE_GROUPS_MAX;
    if (store_count(s, "SELECT count(*) FROM groups WHERE hub = ?", hub_id) >= most) {
        g_set_error(error, PE_ERROR, PE_TOO_MANY_ITEMS,
                    "hub '%s' has %d groups already, and may not have more", hub, (int)most);
        return false;
    }
    struct query q = query_of(s->db, "INSERT INTO groups (hub, name, realname, note, created_ms, "
                                     "updated_ms) VALUES (?, ?, '', '', ?, 0)");
    query_int(&q, hub_id);
    query_text(&q, g->name);
    query_int(&q, g->created_ms != 0 ? g->created_ms : clock_wall_ms());
    return store_run(s, &q, "the group could not be written", error) &&
           write_group(s, sqlite3_last_insert_rowid(s->db), g, error);
}

bool
store_group_create(struct store *s, const char *hub, const struct store_group *g, GError **error)
{
    if (!check(g, error) || !store_begin(s, error))
        return false;
    return store_end(s, create_group(s, hub, g, error), error);
}

static bool
update_group(struct store *s, const char *hub, const struct store_group *g, GError **error)
{
    int64_t hub_id = store_hub_need(s, hub, error);
    int64_t id = hub_id != 0 ? find(s, hub_id, g->name) : 0;

    if (hub_id == 0)
        return false;
    return id != 0 ? write_group(s, id, g, error) : set_not_found(hub, g->name, error);
}

bool
store_group_update(struct store *s, const char *hub, const struct store_group *g, GError **error)
{
    if (!check(g, error) || !store_begin(s, error))
        return false;
    return store_end(s, update_group(s, hub, g, error), error);
}

static bool
delete_group(struct store *s, const char *hub, const char *name, GError **error)
{
    int64_t hub_id = store_hub_need(s, hub, error);
    int64_t id = hub_id != 0 ? find(s, hub_id, name) : 0;

    if (hub_id == 0)
        return false;
    if (id == 0)
        return set_not_found(hub, name, error);
    struct query members =
        query_of(s->db, "UPDATE users SET group_name = '' WHERE hub = ? AND group_name = ?");
    query_int(&members, hub_id);
    query_text(&members, name);
    struct query q = query_of(s->db, "DELETE FROM groups WHERE id = ?");
    query_int(&q, id);
    bool ok = store_run(s, &members, "the members could not be taken out of the group", error);
    if (ok)
        return store_run(s, &q, "the group could not be deleted", error);
    query_done(&q);
    return false;
}

bool
store_group_delete(struct store *s, const char *hub, const char *name, GError **error)
{
    if (!store_begin(s, error))
        return false;
    return store_end(s, delete_group(s, hub, name, error), error);
}
