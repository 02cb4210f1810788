/* SPDX-License-Identifier: Apache-2.0 */
/* bridge_methods.c - local bridges: rows in the store, and the living ones in the host's list. */
#include "core/hub/bridge.h"
#include "core/rpc/rpc_priv.h"
#include "platform/platform.h"

#include <string.h>

static struct bridge *
find_living(const struct rpc_call *c, const char *hub, const char *device)
{
    for (unsigned i = 0; i < c->host->bridges->len; i++) {
        struct bridge *b = g_ptr_array_index(c->host->bridges, i);
        const struct bridge_config *config = bridge_get_config(b);
        if (g_ascii_strcasecmp(config->hub, hub) == 0 && strcmp(config->device, device) == 0)
            return b;
    }
    return NULL;
}

void
rpc_drop_bridges(const struct rpc_host *host, const char *hub)
{
    for (unsigned i = host->bridges->len; i > 0; i--) {
        struct bridge *b = g_ptr_array_index(host->bridges, i - 1);
        if (g_ascii_strcasecmp(bridge_get_config(b)->hub, hub) == 0)
            g_ptr_array_remove_index(host->bridges, i - 1);
    }
}

static void
put_bridge(struct record *out, const struct store_bridge *row, const struct bridge *living)
{
    enum bridge_state state = living ? bridge_get_state(living) : BRIDGE_ERROR;

    record_set_text(out, "DeviceName_str", row->device);
    record_set_text(out, "HubNameLB_str", row->hub);
    record_set_bool(out, "Online_bool", state != BRIDGE_OFFLINE);
    record_set_bool(out, "Active_bool", state == BRIDGE_ACTIVE);
    record_set_bool(out, "TapMode_bool", row->tap);
}

static struct record *
enum_bridges(const struct rpc_call *c, GError **error)
{
    struct record *out = record_new();
    GPtrArray *all = store_bridges(c->host->store);

    (void)error;
    record_make_array(out, "LocalBridgeList");
    for (unsigned i = 0; i < all->len; i++) {
        const struct store_bridge *row = g_ptr_array_index(all, i);
        if (rpc_may_see_hub(c->caller, row->hub))
            put_bridge(record_append(out, "LocalBridgeList"), row,
                       find_living(c, row->hub, row->device));
    }
    g_ptr_array_unref(all);
    return out;
}

static struct record *
add_bridge(const struct rpc_call *c, GError **error)
{
    const char *hub = record_text(c->in, "HubNameLB_str");
    const char *device = record_text(c->in, "DeviceName_str");
    bool tap = record_bool(c->in, "TapMode_bool");

    if (!hub[0] || !device[0]) {
        rpc_fail(error, PE_INVALID_PARAMETER, "a bridge needs a hub and a network adapter");
        return NULL;
    }
    struct store_bridge row = {.hub = (char *)hub, .device = (char *)device, .tap = tap};
    struct bridge_config config = {.hub = hub, .device = device, .tap = tap};
    if (!store_bridge_add(c->host->store, &row, error))
        return NULL;
    struct bridge *b = bridge_new(c->host->hubs, &config, error);
    if (!b) {
        if (!store_bridge_delete(c->host->store, hub, device, NULL))
            g_prefix_error(error, "the bridge is in the store, but cannot be started: ");
        return NULL;
    }
    g_ptr_array_add(c->host->bridges, b);
    struct record *out = record_new();
    put_bridge(out, &row, b);
    return out;
}

static struct record *
delete_bridge(const struct rpc_call *c, GError **error)
{
    const char *hub = record_text(c->in, "HubNameLB_str");
    const char *device = record_text(c->in, "DeviceName_str");

    if (!store_bridge_delete(c->host->store, hub, device, error))
        return NULL;
    struct bridge *b = find_living(c, hub, device);
    if (b)
        g_ptr_array_remove(c->host->bridges, b);
    return rpc_echo(c);
}

static struct record *
enum_devices(const struct rpc_call *c, GError **error)
{
    struct record *out = record_new();
    g_auto(GStrv) names = pf_etherlink_list();

    (void)c;
    (void)error;
    record_make_array(out, "EthList");
    for (char **name = names; name && *name; name++) {
        struct record *row = record_append(out, "EthList");
        record_set_text(row, "DeviceName_str", *name);
        record_set_text(row, "NetworkConnectionName_utf", *name);
    }
    return out;
}

static struct record *
get_support(const struct rpc_call *c, GError **error)
{
    struct record *out = record_new();

    (void)c;
    (void)error;
    record_set_bool(out, "IsBridgeSupportedOs_bool",
                    pf_can(PF_CAP_RAW_ETHERNET) || pf_can(PF_CAP_TAP));
    record_set_bool(out, "IsWinPcapNeeded_bool", false);
    return out;
}

const struct rpc_handler_row rpc_bridge_handlers[] = {
    {"EnumEthernet", enum_devices, NULL},       {"GetBridgeSupport", get_support, NULL},
    {"EnumLocalBridge", enum_bridges, NULL},    {"AddLocalBridge", add_bridge, NULL},
    {"DeleteLocalBridge", delete_bridge, NULL}, {NULL, NULL, NULL},
};
