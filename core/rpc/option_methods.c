/* SPDX-License-Identifier: Apache-2.0 */
/* option_methods.c - extended options of a hub, by the names that administration tools know; and
 * the table of IP addresses. */
#include "core/hub/hub.h"
#include "core/rpc/option_config.h"
#include "core/rpc/rpc_priv.h"

/* ---- options ---- */

static void
put_options(struct record *out, const struct hub_options *options)
{
    const struct hub_option_info *info;

    record_make_array(out, "AdminOptionList");
    for (unsigned i = 0; (info = hub_option_info(i)) != NULL; i++) {
        struct record *row = record_append(out, "AdminOptionList");
        record_set_text(row, "Name_str", info->name);
        record_set_u32(row, "Value_u32", hub_option_get(options, i));
        record_set_text(row, "Descrption_utf", info->what);
    }
}

static struct record *
answer(const char *hub, const struct hub_options *options)
{
    struct record *out = record_new();

    record_set_text(out, "HubName_str", hub);
    put_options(out, options);
    return out;
}

static struct record *
get_options(const struct rpc_call *c, GError **error)
{
    struct hub *hub = rpc_living_hub(c, error);
    struct hub_options options;

    if (!hub)
        return NULL;
    hub_get_options(hub, &options);
    struct record *out = answer(hub_name(hub), &options);
    hub_unref(hub);
    return out;
}

/* Takes one row of the call; options that are as they were are not written. */
static bool
take_option(const struct rpc_call *c, const char *hub, const struct record *row,
            struct hub_options *options, GError **error)
{
    const char *name = record_text(row, "Name_str");
    uint32_t value = record_u32(row, "Value_u32");
    unsigned i = hub_option_find(name);
    const struct hub_option_info *info = hub_option_info(i);

    if (!info)
        return rpc_fail(error, PE_INVALID_PARAMETER, "hubs have no option '%s'", name);
    if (hub_option_get(options, i) == value)
        return true;
    if (!hub_option_set(options, i, value))
        return rpc_fail(error, PE_INVALID_PARAMETER, "option '%s' is at most %u", info->name,
                        info->largest);
    return option_config_save(c->host->store, hub, info->name, value, error);
}

static bool
take_all(const struct rpc_call *c, const char *hub, struct hub_options *options, GError **error)
{
    for (unsigned i = 0; i < record_count(c->in, "AdminOptionList"); i++)
        if (!take_option(c, hub, record_at(c->in, "AdminOptionList", i), options, error))
            return false;
    return true;
}

/* What is not named stays as it is. */
static struct record *
set_options(const struct rpc_call *c, GError **error)
{
    struct store *store = c->host->store;
    struct hub *hub = rpc_living_hub(c, error);
    struct record *out = NULL;
    struct hub_options options;

    if (!hub)
        return NULL;
    hub_get_options(hub, &options);
    if (store_begin(store, error)) {
        if (!take_all(c, hub_name(hub), &options, error)) {
            store_rollback(store);
        } else if (store_commit(store, error)) {
            hub_set_options(hub, &options);
            out = answer(hub_name(hub), &options);
        }
    }
    hub_unref(hub);
    return out;
}

/* ---- the table of IP addresses ---- */

static struct record *
enum_ips(const struct rpc_call *c, GError **error)
{
    struct hub *hub = rpc_living_hub(c, error);

    if (!hub)
        return NULL;
    struct record *out = rpc_echo(c);
    g_autoptr(GArray) all = hub_ip_list(hub);
    record_make_array(out, "IpTable");
    for (unsigned i = 0; i < all->len; i++) {
        const struct hub_ip_row *e = &g_array_index(all, struct hub_ip_row, i);
        struct record *row = record_append(out, "IpTable");
        record_set_u32(row, "Key_u32", e->key);
        record_set_text(row, "SessionName_str", e->port);
        record_set_ip(row, "IpAddress_ip", &e->ip);
        record_set_bool(row, "DhcpAllocated_bool", e->given);
        record_set_dt(row, "CreatedTime_dt", e->created_ms);
        record_set_dt(row, "UpdatedTime_dt", e->updated_ms);
        record_set_bin(row, "MacAddress_bin", e->mac.b, sizeof(e->mac.b));
        record_set_u32(row, "VlanId_u32", e->vlan);
    }
    hub_unref(hub);
    return out;
}

static struct record *
delete_ip(const struct rpc_call *c, GError **error)
{
    uint32_t key = record_u32(c->in, "Key_u32");
    struct hub *hub = rpc_living_hub(c, error);

    if (!hub)
        return NULL;
    bool found = hub_ip_forget(hub, key);
    if (!found)
        rpc_fail(error, PE_NOT_FOUND, "hub '%s' has no IP address with key %u", hub_name(hub), key);
    hub_unref(hub);
    return found ? rpc_echo(c) : NULL;
}

const struct rpc_handler_row rpc_option_handlers[] = {
    {"GetHubExtOptions", get_options, NULL},
    {"SetHubExtOptions", set_options, NULL},
    {"EnumIpTable", enum_ips, NULL},
    {"DeleteIpTable", delete_ip, NULL},
    {NULL, NULL, NULL},
};
