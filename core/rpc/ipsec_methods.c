/* SPDX-License-Identifier: Apache-2.0 */
/* ipsec_methods.c - IPsec, L2TP and the register of routers: settings in the store, the rest from
 * the host. */
#include "core/base/secret.h"
#include "core/rpc/ipsec_config.h"
#include "core/rpc/rpc_priv.h"
#include "core/rpc/wire/table.h"

#include <string.h>

enum { SECRET_MAX = 255 };

static bool
follow(const struct rpc_call *c, GError **error)
{
    return !c->host->ops->ipsec_changed || c->host->ops->ipsec_changed(c->host->owner, error);
}

/* ---- services ---- */

static bool
has_secret(const struct rpc_call *c, const char *name)
{
    g_autoptr(GBytes) secret = store_get_secret(c->host->store, name);

    return secret != NULL;
}

static struct record *
services(const struct rpc_call *c)
{
    struct record *out = ipsec_config_load(c->host->store);

    record_set_bool(out, "HasSecret_bool", has_secret(c, IPSEC_SECRET_PSK));
    record_set_bool(out, "HasTunnelSecret_bool", has_secret(c, IPSEC_SECRET_TUNNEL));
    return out;
}

static struct record *
get_services(const struct rpc_call *c, GError **error)
{
    (void)error;
    return services(c);
}

/* Empty: it stays. " " takes it away, where that makes sense. */
static bool
take_secret(const struct rpc_call *c, const char *field, const char *name, GError **error)
{
    const char *text = record_text(c->in, field);
    bool none = strcmp(text, " ") == 0;

    if (!text[0])
        return true;
    if (strlen(text) > SECRET_MAX)
        return rpc_fail(error, PE_INVALID_PARAMETER, "a secret has at most %d characters",
                        SECRET_MAX);
    return store_set_secret(c->host->store, name, none ? NULL : text, strlen(text), error);
}

static bool
store_services(const struct rpc_call *c, const struct record *options, GError **error)
{
    return take_secret(c, "IPsec_Secret_str", IPSEC_SECRET_PSK, error) &&
           take_secret(c, "TunnelSecret_str", IPSEC_SECRET_TUNNEL, error) &&
           ipsec_config_save(c->host->store, options, error);
}

static struct record *
set_services(const struct rpc_call *c, GError **error)
{
    struct store *store = c->host->store;
    g_autoptr(record_t) options = ipsec_config_load(store);
    struct rpc_field_iter it = rpc_fields(rpc_ipsec_services);
    const struct rpc_field *f;

    while ((f = rpc_field_next(&it)) != NULL) {
        if (!(f->flags & RPC_SECRET))
            record_copy(options, c->in, f->name); /* what is left out stays */
    }
    if (!store_begin(store, error))
        return NULL;
    if (!store_services(c, options, error)) {
        store_rollback(store);
        return NULL;
    }
    return store_commit(store, error) && follow(c, error) ? services(c) : NULL;
}

/* ---- how it does ---- */

static struct record *
get_status(const struct rpc_call *c, GError **error)
{
    struct record *out = record_new();

    (void)error;
    if (c->host->ops->ipsec_status)
        c->host->ops->ipsec_status(c->host->owner, out);
    return out;
}

static struct record *
enum_peers(const struct rpc_call *c, GError **error)
{
    struct record *out = record_new();

    (void)error;
    record_make_array(out, "PeerList");
    if (c->host->ops->ipsec_peers)
        c->host->ops->ipsec_peers(c->host->owner, out);
    return out;
}

/* ---- routers ---- */

static void
put_router(struct record *out, const struct store_router *r)
{
    struct ipsec_static s;

    record_set_text(out, "Id_str", r->id);
    record_set_text(out, "HubName_str", r->hub);
    record_set_text(out, "UserName_str", r->user);
    record_set_bool(out, "HasSecret_bool", r->psk != NULL);
    record_set_bool(out, "IsAggressive_bool", r->aggressive);
    if (!ipsec_static_parse(r->session, &s))
        return;
    record_set_u32(out, "LocalSession_u32", s.local_session);
    record_set_u32(out, "PeerSession_u32", s.peer_session);
    record_set_bin(out, "LocalCookie_bin", s.local_cookie, s.local_cookie_len);
    record_set_bin(out, "PeerCookie_bin", s.peer_cookie, s.peer_cookie_len);
    record_set_bool(out, "Sublayer_bool", s.sublayer);
}

static struct record *
enum_routers(const struct rpc_call *c, GError **error)
{
    g_autoptr(GPtrArray) all = store_routers(c->host->store);
    struct record *out = record_new();

    (void)error;
    record_make_array(out, "Settings");
    for (guint i = 0; i < all->len; i++)
        put_router(record_append(out, "Settings"), g_ptr_array_index(all, i));
    return out;
}

static struct record *
get_router(const struct rpc_call *c, GError **error)
{
    const char *id = record_text(c->in, "Id_str");
    struct store_router *r = store_router_get(c->host->store, id);

    if (!r) {
        rpc_fail(error, PE_NOT_FOUND, "there is no router with the identity '%s'", id);
        return NULL;
    }
    struct record *out = record_new();
    put_router(out, r);
    store_router_free(r);
    return out;
}

static bool
take_cookie(const struct record *in, const char *field, uint8_t out[IPSEC_COOKIE_MAX],
            size_t *ret_len, GError **error)
{
    size_t len = 0;
    const void *bytes = record_bin(in, field, &len);

    if (len != 0 && len != 4 && len != 8)
        return rpc_fail(error, PE_INVALID_PARAMETER, "a cookie has 0, 4 or 8 bytes");
    memcpy(out, bytes, len);
    *ret_len = len;
    return true;
}

/* The static session as text, "" for none. NULL: refused. */
static char *
take_static(const struct record *in, GError **error)
{
    struct ipsec_static s = {.local_session = record_u32(in, "LocalSession_u32"),
                             .peer_session = record_u32(in, "PeerSession_u32"),
                             .sublayer = record_bool(in, "Sublayer_bool")};

    if (s.local_session == 0 && s.peer_session == 0)
        return g_strdup("");
    if (s.local_session == 0 || s.peer_session == 0) {
        rpc_fail(error, PE_INVALID_PARAMETER,
                 "a static L2TPv3 session needs the session ids of both ends");
        return NULL;
    }
    if (!take_cookie(in, "LocalCookie_bin", s.local_cookie, &s.local_cookie_len, error) ||
        !take_cookie(in, "PeerCookie_bin", s.peer_cookie, &s.peer_cookie_len, error))
        return NULL;
    return ipsec_static_print(&s);
}

/* Its own key: given, taken away by an empty one, or what the entry had. */
static GBytes *
take_key(const struct rpc_call *c)
{
    const char *text = record_text(c->in, "Secret_str");

    if (record_has(c->in, "Secret_str"))
        return text[0] ? g_bytes_new(text, strlen(text)) : NULL;
    struct store_router *was = store_router_get(c->host->store, record_text(c->in, "Id_str"));
    GBytes *key = was ? g_steal_pointer(&was->psk) : NULL;
    store_router_free(was);
    return key;
}

static struct record *
add_router(const struct rpc_call *c, GError **error)
{
    g_autofree char *session = take_static(c->in, error);

    if (!session)
        return NULL;
    g_autoptr(GBytes) key = take_key(c);
    struct store_router r = {.id = (char *)record_text(c->in, "Id_str"),
                             .hub = (char *)record_text(c->in, "HubName_str"),
                             .user = (char *)record_text(c->in, "UserName_str"),
                             .psk = key,
                             .aggressive = record_bool(c->in, "IsAggressive_bool"),
                             .session = session};
    if (r.aggressive && !key) {
        rpc_fail(error, PE_INVALID_PARAMETER,
                 "aggressive mode lets a stranger guess the key at home: the router needs one of "
                 "its own, long and random");
        return NULL;
    }
    return store_router_put(c->host->store, &r, error) && follow(c, error) ? get_router(c, error)
                                                                           : NULL;
}

static struct record *
delete_router(const struct rpc_call *c, GError **error)
{
    return store_router_delete(c->host->store, record_text(c->in, "Id_str"), error) &&
                   follow(c, error)
               ? rpc_echo(c)
               : NULL;
}

const struct rpc_handler_row rpc_ipsec_handlers[] = {
    {"GetIPsecServices", get_services, NULL},
    {"SetIPsecServices", set_services, NULL},
    {"GetIPsecStatus", get_status, NULL},
    {"EnumIPsecPeer", enum_peers, NULL},
    {"AddEtherIpId", add_router, NULL},
    {"GetEtherIpId", get_router, NULL},
    {"DeleteEtherIpId", delete_router, NULL},
    {"EnumEtherIpId", enum_routers, NULL},
    {NULL, NULL, NULL},
};
