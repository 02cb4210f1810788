/* SPDX-License-Identifier: Apache-2.0 */
/* access.c - the access rules of a hub, and its rules for the addresses of clients: texts with a
 * number that stays with the rule. */

#include "core/base/error.h"
#include "core/store/store_priv.h"

static const struct table {
    const char *what;
    unsigned max;
    const char *select, *count, *insert, *insert_as, *update, *delete, *clear;
} tables[] = {
#define TABLE(name, kind, most)                                               \
    {                                                                         \
        .what = (kind), .max = (most),                                        \
        .select = "SELECT id, rule FROM " name " WHERE hub = ? ORDER BY id",  \
        .count = "SELECT count(*) FROM " name " WHERE hub = ?",               \
        .insert = "INSERT INTO " name " (hub, rule) VALUES (?, ?)",           \
        .insert_as = "INSERT INTO " name " (hub, rule, id) VALUES (?, ?, ?)", \
        .update = "UPDATE " name " SET rule = ? WHERE hub = ? AND id = ?",    \
        .delete = "DELETE FROM " name " WHERE hub = ? AND id = ?",            \
        .clear = "DELETE FROM " name " WHERE hub = ?",                        \
    }
    [STORE_ACCESS_RULES] = TABLE("access_rules", "access rules", STORE_ACCESS_RULES_MAX),
    [STORE_SOURCE_RULES] =
        TABLE("source_rules", "rules for addresses of clients", STORE_SOURCE_RULES_MAX),
#undef TABLE
};

static void
clear_rule(gpointer data)
{
    struct store_rule *r = data;

    g_free(r->text);
}

GArray *
store_rules(struct store *s, enum store_rules which, const char *hub)
{
    GArray *all = g_array_new(FALSE, TRUE, sizeof(struct store_rule));
    struct query q = query_of(s->db, tables[which].select);

    g_array_set_clear_func(all, clear_rule);
    query_int(&q, store_hub_id(s, hub));
    while (query_row(&q)) {
        struct store_rule r = {.id = (uint32_t)query_get_int(&q, 0), .text = query_get_text(&q, 1)};
        g_array_append_val(all, r);
    }
    if (!query_ok(&q))
        store_log_read(s, tables[which].what);
    query_done(&q);
    return all;
}

unsigned
store_rules_count(struct store *s, enum store_rules which, const char *hub)
{
    return (unsigned)store_count(s, tables[which].count, store_hub_id(s, hub));
}

/* ---- changes ---- */

static bool
set_too_many(const struct table *t, const char *hub, GError **error)
{
    g_set_error(error, PE_ERROR, PE_TOO_MANY_ITEMS, "hub '%s' may have up to %u %s", hub, t->max,
                t->what);
    return false;
}

/* id 0: a new one. */
static bool
insert(struct store *s, const struct table *t, int64_t hub, const struct store_rule *r,
       GError **error)
{
    struct query q = query_of(s->db, r->id != 0 ? t->insert_as : t->insert);

    query_int(&q, hub);
    query_text(&q, r->text);
    if (r->id != 0)
        query_int(&q, r->id);
    return store_run(s, &q, "the rule could not be written", error);
}

static bool
add(struct store *s, const struct table *t, const char *hub, const struct store_rule *r,
    GError **error)
{
    int64_t id = store_hub_need(s, hub, error);

    if (id == 0)
        return false;
    if (store_count(s, t->count, id) >= t->max)
        return set_too_many(t, hub, error);
    return insert(s, t, id, r, error);
}

bool
store_rule_add(struct store *s, enum store_rules which, const char *hub, const char *text,
               uint32_t *id, GError **error)
{
    struct store_rule r = {.text = (char *)text};

    if (!store_begin(s, error))
        return false;
    bool ok = add(s, &tables[which], hub, &r, error);
    if (ok)
        *id = (uint32_t)sqlite3_last_insert_rowid(s->db);
    return store_end(s, ok, error);
}

static bool
changed_one(struct store *s, bool ok, const char *hub, uint32_t id, GError **error)
{
    if (ok && sqlite3_changes(s->db) == 0) {
        g_set_error(error, PE_ERROR, PE_NOT_FOUND, "hub '%s' has no rule of the number %u", hub,
                    id);
        return false;
    }
    return ok;
}

bool
store_rule_set(struct store *s, enum store_rules which, const char *hub, uint32_t id,
               const char *text, GError **error)
{
    if (!store_begin(s, error))
        return false;
    struct query q = query_of(s->db, tables[which].update);
    query_text(&q, text);
    query_int(&q, store_hub_id(s, hub));
    query_int(&q, id);
    bool ok = store_run(s, &q, "the rule could not be written", error);
    return store_end(s, changed_one(s, ok, hub, id, error), error);
}

bool
store_rule_delete(struct store *s, enum store_rules which, const char *hub, uint32_t id,
                  GError **error)
{
    if (!store_begin(s, error))
        return false;
    struct query q = query_of(s->db, tables[which].delete);
    query_int(&q, store_hub_id(s, hub));
    query_int(&q, id);
    bool ok = store_run(s, &q, "the rule could not be deleted", error);
    return store_end(s, changed_one(s, ok, hub, id, error), error);
}

/* Numbers that the hub's rules have now. */
static GHashTable *
numbers_of(struct store *s, enum store_rules which, const char *hub)
{
    g_autoptr(GArray) now = store_rules(s, which, hub);
    GHashTable *ids = g_hash_table_new(NULL, NULL);

    for (unsigned i = 0; i < now->len; i++)
        (void)g_hash_table_add(ids, GUINT_TO_POINTER(g_array_index(now, struct store_rule, i).id));
    return ids;
}

static bool
replace(struct store *s, enum store_rules which, const char *hub, const struct store_rule *rules,
        unsigned n, GError **error)
{
    const struct table *t = &tables[which];
    int64_t hub_id = store_hub_need(s, hub, error);
    g_autoptr(GHashTable) free_ids = numbers_of(s, which, hub);

    if (hub_id == 0)
        return false;
    if (n > t->max)
        return set_too_many(t, hub, error);
    struct query clear = query_of(s->db, t->clear);
    query_int(&clear, hub_id);
    bool ok = store_run(s, &clear, "the rules could not be deleted", error);
    for (unsigned i = 0; ok && i < n; i++) {
        struct store_rule r = rules[i];
        /* A number goes to the first that asks for it. */
        if (r.id != 0 && !g_hash_table_remove(free_ids, GUINT_TO_POINTER(r.id)))
            r.id = 0;
        ok = insert(s, t, hub_id, &r, error);
    }
    return ok;
}

bool
store_rules_replace(struct store *s, enum store_rules which, const char *hub,
                    const struct store_rule *rules, unsigned n, GError **error)
{
    if (!store_begin(s, error))
        return false;
    return store_end(s, replace(s, which, hub, rules, n, error), error);
}
