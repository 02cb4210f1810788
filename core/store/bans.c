/* SPDX-License-Identifier: Apache-2.0 */
/* bans.c - addresses that are banned, so that a restart forgives nobody. */

#include "core/base/error.h"
#include "core/store/store_priv.h"

/* An IPv4 address stands for itself, an IPv6 prefix has its length. */
static char *
name_of(const struct ip_prefix *who)
{
    char text[PREFIX_TEXT];

    return g_strdup(who->ip.family == 4 ? ip_print(&who->ip, text) : ip_prefix_print(who, text));
}

GArray *
store_bans(struct store *s)
{
    GArray *all = g_array_new(FALSE, TRUE, sizeof(struct store_ban));
    struct query q = query_of(s->db, "SELECT address, times, until_ms FROM bans ORDER BY until_ms");

    while (query_row(&q)) {
        struct store_ban b = {.times = (unsigned)query_get_int(&q, 1),
                              .until_ms = query_get_int(&q, 2)};
        g_autofree char *address = query_get_text(&q, 0);
        if (ip_prefix_parse(address, &b.who))
            g_array_append_val(all, b);
    }
    if (!query_ok(&q))
        store_log_read(s, "bans");
    query_done(&q);
    return all;
}

static bool
put(struct store *s, const struct store_ban *b, GError **error)
{
    g_autofree char *name = name_of(&b->who);
    struct query q = query_of(s->db, "INSERT OR REPLACE INTO bans (address, times, until_ms) "
                                     "VALUES (?, ?, ?)");

    query_text(&q, name);
    query_int(&q, b->times);
    query_int(&q, b->until_ms);
    return store_run(s, &q, "the ban could not be written", error);
}

static bool
forget(struct store *s, int64_t before_ms, GError **error)
{
    struct query q = query_of(s->db, "DELETE FROM bans WHERE until_ms < ? OR address NOT IN "
                                     "(SELECT address FROM bans ORDER BY until_ms DESC LIMIT ?)");

    query_int(&q, before_ms);
    query_int(&q, STORE_BANS_MAX);
    return store_run(s, &q, "old bans could not be deleted", error);
}

bool
store_bans_put(struct store *s, const struct store_ban *b, unsigned n, int64_t before_ms,
               GError **error)
{
    bool ok = true;

    if (!store_begin(s, error))
        return false;
    for (unsigned i = 0; ok && i < n; i++)
        ok = put(s, &b[i], error);
    ok = ok && forget(s, before_ms, error);
    return store_end(s, ok, error);
}

bool
store_ban_delete(struct store *s, const struct ip_prefix *who, GError **error)
{
    g_autofree char *name = name_of(who);

    if (!store_begin(s, error))
        return false;
    struct query q = query_of(s->db, "DELETE FROM bans WHERE address = ?");
    query_text(&q, name);
    return store_end(s, store_run(s, &q, "the ban could not be deleted", error), error);
}
