/* SPDX-License-Identifier: Apache-2.0 */
/* counters.c - logins and traffic of users: kept in memory, written with the next change or by
 * store_flush(), because a login must not cost an fsync. */

#include "core/base/log.h"
#include "core/store/store_priv.h"

enum { LAZY_MAX = 16384 }; /* users with unwritten counters; more of them are written at once */

struct lazy {
    char *hub, *name;
    unsigned logins;
    int64_t last_login_ms;
    uint64_t traffic[8];
};

static void
lazy_free(gpointer data)
{
    struct lazy *l = data;
    g_free(l->hub);
    g_free(l->name);
    g_free(l);
}

GHashTable *
store_lazy_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, lazy_free);
}

/* A hub's name has no '/'. */
static char *
key_of(const char *hub, const char *name)
{
    g_autofree char *both = g_strconcat(hub, "/", name, NULL);
    return store_fold(both);
}

static struct lazy *
lazy_of(struct store *s, const char *hub, const char *name)
{
    g_autofree char *key = key_of(hub, name);
    struct lazy *l = g_hash_table_lookup(s->lazy, key);
    if (l)
        return l;
    if (g_hash_table_size(s->lazy) >= LAZY_MAX)
        store_flush(s);
    if (g_hash_table_size(s->lazy) >= LAZY_MAX)
        return NULL; /* it could not be written: counters are what can be lost */
    l = g_new0(struct lazy, 1);
    l->hub = g_strdup(hub);
    l->name = g_strdup(name);
    g_hash_table_insert(s->lazy, g_steal_pointer(&key), l);
    return l;
}

void
store_user_note_login(struct store *s, const char *hub, const char *name, int64_t at_ms)
{
    struct lazy *l = lazy_of(s, hub, name);
    if (!l)
        return;
    l->logins++;
    l->last_login_ms = MAX(l->last_login_ms, at_ms);
}

void
store_user_add_traffic(struct store *s, const char *hub, const char *name, const uint64_t add[8])
{
    struct lazy *l = lazy_of(s, hub, name);
    for (size_t i = 0; l && i < ARRAY_LEN(l->traffic); i++)
        l->traffic[i] += add[i];
}

void
store_lazy_add(struct store *s, const char *hub, struct store_user *u)
{
    if (g_hash_table_size(s->lazy) == 0)
        return;
    g_autofree char *key = key_of(hub, u->name);
    const struct lazy *l = g_hash_table_lookup(s->lazy, key);
    if (!l)
        return;
    u->logins += l->logins;
    u->last_login_ms = MAX(u->last_login_ms, l->last_login_ms);
    for (size_t i = 0; i < ARRAY_LEN(u->traffic); i++)
        u->traffic[i] += l->traffic[i];
}

static bool
write_one(struct store *s, const struct lazy *l)
{
    /* A user who is gone since takes no row. */
    struct query q = query_of(
        s->db, "INSERT INTO user_counters "
               "SELECT u.id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 FROM users u "
               "JOIN hubs h ON h.id = u.hub WHERE h.name = ?1 AND u.name = ?2 "
               "ON CONFLICT (user) DO UPDATE SET logins = logins + excluded.logins, "
               "last_login_ms = max(last_login_ms, excluded.last_login_ms), "
               "recv_broadcast_bytes = recv_broadcast_bytes + excluded.recv_broadcast_bytes, "
               "recv_broadcast_count = recv_broadcast_count + excluded.recv_broadcast_count, "
               "recv_unicast_bytes = recv_unicast_bytes + excluded.recv_unicast_bytes, "
               "recv_unicast_count = recv_unicast_count + excluded.recv_unicast_count, "
               "send_broadcast_bytes = send_broadcast_bytes + excluded.send_broadcast_bytes, "
               "send_broadcast_count = send_broadcast_count + excluded.send_broadcast_count, "
               "send_unicast_bytes = send_unicast_bytes + excluded.send_unicast_bytes, "
               "send_unicast_count = send_unicast_count + excluded.send_unicast_count");
    query_text(&q, l->hub);
    query_text(&q, l->name);
    query_int(&q, l->logins);
    query_int(&q, l->last_login_ms);
    for (size_t i = 0; i < ARRAY_LEN(l->traffic); i++)
        query_int(&q, (int64_t)l->traffic[i]);
    return query_run(&q);
}

bool
store_lazy_write(struct store *s)
{
    GHashTableIter iter;
    gpointer value;
    bool ok = true;
    g_hash_table_iter_init(&iter, s->lazy);
    while (ok && g_hash_table_iter_next(&iter, NULL, &value))
        ok = write_one(s, value);
    s->lazy_written = s->lazy;
    s->lazy = store_lazy_new();
    return ok;
}

static void
add(struct lazy *to, const struct lazy *from)
{
    to->logins += from->logins;
    to->last_login_ms = MAX(to->last_login_ms, from->last_login_ms);
    for (size_t i = 0; i < ARRAY_LEN(to->traffic); i++)
        to->traffic[i] += from->traffic[i];
}

void
store_lazy_end(struct store *s, bool committed)
{
    if (!s->lazy_written)
        return;
    if (!committed) {
        /* What was noted since goes into the old table, which then is the current one again. */
        GHashTableIter iter;
        gpointer key, value;
        g_hash_table_iter_init(&iter, s->lazy);
        while (g_hash_table_iter_next(&iter, &key, &value)) {
            struct lazy *old = g_hash_table_lookup(s->lazy_written, key);
            if (old) {
                add(old, value);
            } else {
                g_hash_table_iter_steal(&iter);
                g_hash_table_insert(s->lazy_written, key, value);
            }
        }
        GHashTable *since = s->lazy;
        s->lazy = s->lazy_written;
        s->lazy_written = since;
    }
    g_hash_table_destroy(s->lazy_written);
    s->lazy_written = NULL;
}

void
store_flush(struct store *s)
{
    if (g_hash_table_size(s->lazy) == 0 || s->depth > 0)
        return;
    g_autoptr(GError) error = NULL;
    if (!store_begin(s, &error) || !store_commit(s, &error))
        log_error("counters of users could not be written", "reason=\"%s\"", error->message);
}
