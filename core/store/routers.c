/* SPDX-License-Identifier: Apache-2.0 */
/* routers.c - the register of routers: which identity of IKE is which user of which hub. */

#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/store/store_priv.h"

#include <string.h>

enum { PSK_MAX = 255 };

static void
free_secret(gpointer data)
{
    secret_free(data);
}

void
store_router_free(struct store_router *r)
{
    if (!r)
        return;
    g_free(r->id);
    g_free(r->hub);
    g_free(r->user);
    g_clear_pointer(&r->psk, g_bytes_unref);
    g_free(r->session);
    g_free(r);
}

/* The same for each spelling of an identity. */
static char *
context_of(const char *id)
{
    g_autofree char *folded = store_fold(id);

    return g_strconcat("routers/", folded, "/psk", NULL);
}

static GBytes *
open_psk(struct store *s, const char *id, GBytes *sealed)
{
    g_autofree char *context = context_of(id);
    struct secret *plain =
        sealed_open(s->key, context, g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed));

    if (plain)
        return g_bytes_new_with_free_func(plain->bytes, plain->len, free_secret, plain);
    store_log_changed("the key of a router");
    return NULL;
}

static struct store_router *
read_router(struct store *s, const struct query *q)
{
    struct store_router *r = g_new0(struct store_router, 1);
    g_autoptr(GBytes) sealed = query_get_bytes(q, 3);

    r->id = query_get_text(q, 0);
    r->hub = query_get_text(q, 1);
    r->user = query_get_text(q, 2);
    r->psk = sealed ? open_psk(s, r->id, sealed) : NULL;
    r->aggressive = query_get_int(q, 4) != 0;
    r->session = query_get_text(q, 5);
    return r;
}

#define SELECT                                                                    \
    "SELECT r.id, h.name, r.user, r.psk, r.aggressive, r.session FROM routers r " \
    "JOIN hubs h ON h.id = r.hub "

static void
free_router(gpointer data)
{
    store_router_free(data);
}

GPtrArray *
store_routers(struct store *s)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(free_router);
    struct query q = query_of(s->db, SELECT "ORDER BY r.id");

    while (query_row(&q))
        g_ptr_array_add(all, read_router(s, &q));
    if (!query_ok(&q))
        store_log_read(s, "routers");
    query_done(&q);
    return all;
}

struct store_router *
store_router_get(struct store *s, const char *id)
{
    struct query q = query_of(s->db, SELECT "WHERE r.id = ?");

    query_text(&q, id);
    struct store_router *r = query_row(&q) ? read_router(s, &q) : NULL;
    if (!query_ok(&q))
        store_log_read(s, "router");
    query_done(&q);
    return r;
}

static bool
put_router(struct store *s, const struct store_router *r, GError **error)
{
    int64_t hub = store_hub_need(s, r->hub, error);
    g_autofree char *context = context_of(r->id);
    g_autoptr(GBytes) sealed = NULL;

    if (hub == 0)
        return false;
    struct query others = query_of(s->db, "SELECT count(*) FROM routers WHERE id <> ?");
    query_text(&others, r->id);
    bool full = query_row(&others) && query_get_int(&others, 0) >= STORE_ROUTERS_MAX;
    query_done(&others);
    if (full) {
        g_set_error(error, PE_ERROR, PE_TOO_MANY_ITEMS, "there are %d routers already",
                    STORE_ROUTERS_MAX);
        return false;
    }
    if (r->psk)
        sealed =
            sealed_seal(s->key, context, g_bytes_get_data(r->psk, NULL), g_bytes_get_size(r->psk));
    struct query q =
        query_of(s->db, "INSERT OR REPLACE INTO routers (id, hub, user, psk, aggressive, session) "
                        "VALUES (?, ?, ?, ?, ?, ?)");
    query_text(&q, r->id);
    query_int(&q, hub);
    query_text(&q, r->user);
    query_bytes(&q, sealed);
    query_int(&q, r->aggressive);
    query_text(&q, r->session ? r->session : "");
    return store_run(s, &q, "the router could not be written", error);
}

static bool
check(const struct store_router *r, GError **error)
{
    if (!r->id || r->id[0] == '\0') {
        g_set_error_literal(error, PE_ERROR, PE_INVALID_PARAMETER,
                            "a router needs the identity that it shows in IKE");
        return false;
    }
    if (r->psk && (g_bytes_get_size(r->psk) == 0 || g_bytes_get_size(r->psk) > PSK_MAX)) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "a pre-shared key has 1 to %d characters", PSK_MAX);
        return false;
    }
    return store_check_name("the identity of a router", r->id, error) &&
           store_check_user_name(r->user, error);
}

bool
store_router_put(struct store *s, const struct store_router *r, GError **error)
{
    if (!check(r, error) || !store_begin(s, error))
        return false;
    return store_end(s, put_router(s, r, error), error);
}

bool
store_router_delete(struct store *s, const char *id, GError **error)
{
    if (!store_begin(s, error))
        return false;
    struct query q = query_of(s->db, "DELETE FROM routers WHERE id = ?");
    query_text(&q, id);
    bool ok = store_run(s, &q, "the router could not be deleted", error);
    if (ok && sqlite3_changes(s->db) == 0) {
        g_autofree char *shown = store_quoted(id);
        g_set_error(error, PE_ERROR, PE_NOT_FOUND, "there is no router with the identity %s",
                    shown);
        ok = false;
    }
    return store_end(s, ok, error);
}
