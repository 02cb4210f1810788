/* SPDX-License-Identifier: Apache-2.0 */
/* group_methods.c - groups of a hub, and the policy of users who have none of their own. */
#include "core/rpc/policy_fields.h"
#include "core/rpc/rpc_priv.h"

static struct store_group *
stored_group(const struct rpc_call *c, GError **error)
{
    const char *hub = record_text(c->in, "HubName_str");
    const char *name = record_text(c->in, "Name_str");
    struct store_hub *h = rpc_stored_hub(c, error);

    if (!h)
        return NULL;
    store_hub_free(h);
    struct store_group *g = store_group_get(c->host->store, hub, name);
    if (!g)
        rpc_fail(error, PE_GROUP_NOT_FOUND, "hub '%s' has no group '%s'", hub, name);
    return g;
}

static void
take_settings(const struct rpc_call *c, struct store_group *g)
{
    g_free(g->realname);
    g_free(g->note);
    g->realname = g_strdup(record_text(c->in, "Realname_utf"));
    g->note = g_strdup(record_text(c->in, "Note_utf"));
    g->has_policy = record_bool(c->in, "UsePolicy_bool");
    g->policy = g->has_policy ? policy_fields_in(c->in) : policy_default();
}

/* What the members have sent and received. */
static void
put_traffic(struct record *out, const GPtrArray *users, const char *group)
{
    struct hub_traffic in = {0}, sent = {0};

    for (unsigned i = 0; i < users->len; i++) {
        const struct store_user *u = g_ptr_array_index(users, i);
        if (g_ascii_strcasecmp(u->group, group) != 0)
            continue;
        in.broadcast_bytes += u->traffic[0];
        in.broadcast_frames += u->traffic[1];
        in.unicast_bytes += u->traffic[2];
        in.unicast_frames += u->traffic[3];
        sent.broadcast_bytes += u->traffic[4];
        sent.broadcast_frames += u->traffic[5];
        sent.unicast_bytes += u->traffic[6];
        sent.unicast_frames += u->traffic[7];
    }
    rpc_put_traffic(out, "", &in, &sent);
}

static struct record *
read_back(const struct rpc_call *c, GError **error)
{
    struct store_group *g = stored_group(c, error);

    if (!g)
        return NULL;
    struct record *out = record_new();
    GPtrArray *users = store_users(c->host->store, record_text(c->in, "HubName_str"));
    record_set_text(out, "HubName_str", record_text(c->in, "HubName_str"));
    record_set_text(out, "Name_str", g->name);
    record_set_text(out, "Realname_utf", g->realname);
    record_set_text(out, "Note_utf", g->note);
    put_traffic(out, users, g->name);
    record_set_bool(out, "UsePolicy_bool", g->has_policy);
    policy_fields_out(out, &g->policy);
    g_ptr_array_unref(users);
    store_group_free(g);
    return out;
}

static struct record *
create_group(const struct rpc_call *c, GError **error)
{
    struct store_group *g = g_new0(struct store_group, 1);

    g->name = g_strdup(record_text(c->in, "Name_str"));
    take_settings(c, g);
    bool ok = store_group_create(c->host->store, record_text(c->in, "HubName_str"), g, error);
    store_group_free(g);
    return ok ? read_back(c, error) : NULL;
}

static struct record *
set_group(const struct rpc_call *c, GError **error)
{
    struct store_group *g = stored_group(c, error);

    if (!g)
        return NULL;
    take_settings(c, g);
    bool ok = store_group_update(c->host->store, record_text(c->in, "HubName_str"), g, error);
    store_group_free(g);
    return ok ? read_back(c, error) : NULL;
}

static struct record *
get_group(const struct rpc_call *c, GError **error)
{
    return read_back(c, error);
}

static struct record *
delete_group(const struct rpc_call *c, GError **error)
{
    bool ok = store_group_delete(c->host->store, record_text(c->in, "HubName_str"),
                                 record_text(c->in, "Name_str"), error);

    return ok ? rpc_echo(c) : NULL;
}

static unsigned
members(const GPtrArray *users, const char *group)
{
    unsigned n = 0;

    for (unsigned i = 0; i < users->len; i++) {
        const struct store_user *u = g_ptr_array_index(users, i);
        n += g_ascii_strcasecmp(u->group, group) == 0;
    }
    return n;
}

static struct record *
enum_groups(const struct rpc_call *c, GError **error)
{
    const char *hub = record_text(c->in, "HubName_str");
    struct store_hub *h = rpc_stored_hub(c, error);

    if (!h)
        return NULL;
    store_hub_free(h);
    struct record *out = rpc_echo(c);
    GPtrArray *all = store_groups(c->host->store, hub);
    GPtrArray *users = store_users(c->host->store, hub);
    record_make_array(out, "GroupList");
    for (unsigned i = 0; i < all->len; i++) {
        const struct store_group *g = g_ptr_array_index(all, i);
        struct record *row = record_append(out, "GroupList");
        record_set_text(row, "Name_str", g->name);
        record_set_text(row, "Realname_utf", g->realname);
        record_set_text(row, "Note_utf", g->note);
        record_set_u32(row, "NumUsers_u32", members(users, g->name));
        record_set_bool(row, "DenyAccess_bool", g->has_policy && !g->policy.Access);
    }
    g_ptr_array_unref(users);
    g_ptr_array_unref(all);
    return out;
}

/* ---- whoever has no policy by user or group ---- */

static struct record *
get_default_policy(const struct rpc_call *c, GError **error)
{
    const char *hub = record_text(c->in, "HubName_str");
    struct store_hub *h = rpc_stored_hub(c, error);
    struct policy policy;

    if (!h)
        return NULL;
    store_hub_free(h);
    struct record *out = rpc_echo(c);
    bool set = store_hub_policy(c->host->store, hub, &policy);
    record_set_bool(out, "UsePolicy_bool", set);
    policy_fields_out(out, &policy);
    return out;
}

static struct record *
set_default_policy(const struct rpc_call *c, GError **error)
{
    struct policy policy = policy_fields_in(c->in);
    bool use = record_bool(c->in, "UsePolicy_bool");

    if (!store_hub_set_policy(c->host->store, record_text(c->in, "HubName_str"),
                              use ? &policy : NULL, error))
        return NULL;
    return get_default_policy(c, error);
}

const struct rpc_handler_row rpc_group_handlers[] = {
    {"EnumGroup", enum_groups, NULL},
    {"CreateGroup", create_group, NULL},
    {"SetGroup", set_group, NULL},
    {"GetGroup", get_group, NULL},
    {"DeleteGroup", delete_group, NULL},
    {"GetHubDefaultPolicy", get_default_policy, NULL},
    {"SetHubDefaultPolicy", set_default_policy, NULL},
    {NULL, NULL, NULL},
};
