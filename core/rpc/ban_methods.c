/* SPDX-License-Identifier: Apache-2.0 */
/* ban_methods.c - addresses that guessed too often, and those that may. */
#include "core/auth/guard.h"
#include "core/rpc/ban_config.h"
#include "core/rpc/rpc_priv.h"

/* An address as administrators write it: a bare one, or an IPv6 prefix. */
static const char *
print(const struct ip_prefix *p, char out[PREFIX_TEXT])
{
    return p->len == (p->ip.family == 4 ? 32 : 128) ? ip_print(&p->ip, out)
                                                    : ip_prefix_print(p, out);
}

static bool
read_prefix(const struct rpc_call *c, const char *field, struct ip_prefix *out, GError **error)
{
    const char *text = record_text(c->in, field);

    return ip_prefix_parse(text, out) ||
           rpc_fail(error, PE_INVALID_PARAMETER,
                    "'%s' is not an address or a prefix like 192.0.2.0/24", text);
}

static struct record *
enum_bans(const struct rpc_call *c, GError **error)
{
    struct record *out = rpc_echo(c);
    char text[PREFIX_TEXT];

    (void)error;
    record_make_array(out, "BanList");
    if (!c->host->auth)
        return out;
    g_autoptr(GArray) all = guard_bans(auth_guard(c->host->auth));
    for (guint i = 0; i < all->len; i++) {
        const struct guard_ban *b = &g_array_index(all, struct guard_ban, i);
        struct record *row = record_append(out, "BanList");
        record_set_text(row, "Address_str", print(&b->who, text));
        record_set_u32(row, "Times_u32", b->times);
        record_set_dt(row, "Until_dt", b->until_ms);
    }
    return out;
}

static struct record *
delete_ban(const struct rpc_call *c, GError **error)
{
    struct ip_prefix p;

    if (!read_prefix(c, "Address_str", &p, error))
        return NULL;
    p.ip = ip_limit_key(&p.ip);
    p.len = p.ip.family == 4 ? 32 : 64;
    if (!store_ban_delete(c->host->store, &p, error))
        return NULL;
    if (c->host->auth && guard_lift(auth_guard(c->host->auth), &p.ip))
        return rpc_echo(c);
    rpc_fail(error, PE_NOT_FOUND, "%s is not banned", record_text(c->in, "Address_str"));
    return NULL;
}

static struct record *
enum_allowed(const struct rpc_call *c, GError **error)
{
    struct record *out = rpc_echo(c);
    g_autoptr(GArray) all = ban_config_allowed(c->host->store);
    char text[PREFIX_TEXT];

    (void)error;
    record_make_array(out, "AllowList");
    for (guint i = 0; i < all->len; i++) {
        struct record *row = record_append(out, "AllowList");
        record_set_text(row, "Prefix_str", print(&g_array_index(all, struct ip_prefix, i), text));
    }
    return out;
}

/* Where it is in the list; its length when it is not. */
static guint
find(const GArray *all, const struct ip_prefix *p)
{
    guint i = 0;

    while (i < all->len) {
        const struct ip_prefix *other = &g_array_index(all, struct ip_prefix, i);
        if (other->len == p->len && ip_prefix_has(other, &p->ip))
            break;
        i++;
    }
    return i;
}

static struct record *
add_allowed(const struct rpc_call *c, GError **error)
{
    g_autoptr(GArray) all = ban_config_allowed(c->host->store);
    struct ip_prefix p;

    if (!read_prefix(c, "Prefix_str", &p, error))
        return NULL;
    if (find(all, &p) < all->len) {
        rpc_fail(error, PE_EXISTS, "%s is allowed already", record_text(c->in, "Prefix_str"));
        return NULL;
    }
    if (all->len >= BAN_ALLOWED_MAX) {
        rpc_fail(error, PE_TOO_MANY_ITEMS, "there are %d allowed prefixes already",
                 BAN_ALLOWED_MAX);
        return NULL;
    }
    g_array_append_val(all, p);
    return ban_config_set_allowed(c->host->store, c->host->auth, all, error) ? rpc_echo(c) : NULL;
}

static struct record *
delete_allowed(const struct rpc_call *c, GError **error)
{
    g_autoptr(GArray) all = ban_config_allowed(c->host->store);
    struct ip_prefix p;

    if (!read_prefix(c, "Prefix_str", &p, error))
        return NULL;
    guint at = find(all, &p);
    if (at == all->len) {
        rpc_fail(error, PE_NOT_FOUND, "%s is not in the list", record_text(c->in, "Prefix_str"));
        return NULL;
    }
    g_array_remove_index(all, at);
    return ban_config_set_allowed(c->host->store, c->host->auth, all, error) ? rpc_echo(c) : NULL;
}

const struct rpc_handler_row rpc_ban_handlers[] = {
    {"EnumBan", enum_bans, NULL},
    {"DeleteBan", delete_ban, NULL},
    {"EnumBanAllow", enum_allowed, NULL},
    {"AddBanAllow", add_allowed, NULL},
    {"DeleteBanAllow", delete_allowed, NULL},
    {NULL, NULL, NULL},
};
