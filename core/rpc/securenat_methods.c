/* SPDX-License-Identifier: Apache-2.0 */
/* securenat_methods.c - the virtual host of a hub: options in the store, and the living one that
 * the host keeps. */
#include "core/rpc/rpc_priv.h"
#include "core/rpc/securenat_config.h"

#include <string.h>

/* Stores, and lets the living one follow; when it cannot, the store is put back. */
static bool
change(const struct rpc_call *c, const char *hub, bool enabled, const struct vhost_config *config,
       GError **error)
{
    bool was_enabled = false;
    struct vhost_config *was = securenat_config_load(c->host->store, hub, &was_enabled, error);

    if (!was)
        return false;
    bool ok = securenat_config_save(c->host->store, hub, enabled, config ? config : was, error);
    if (ok && c->host->ops->securenat_changed &&
        !c->host->ops->securenat_changed(c->host->owner, hub, error)) {
        ok = false;
        if (!securenat_config_save(c->host->store, hub, was_enabled, was, NULL))
            g_prefix_error(error, "the change is in the store, but: ");
    }
    securenat_config_free(was);
    return ok;
}

static bool
hub_is_there(const struct rpc_call *c, const char *hub, GError **error)
{
    struct store_hub *h = store_hub_get(c->host->store, hub);
    bool there = h != NULL;

    store_hub_free(h);
    return there || rpc_fail(error, PE_HUB_NOT_FOUND, "hub '%s' does not exist", hub);
}

static struct record *
enable(const struct rpc_call *c, GError **error)
{
    return change(c, record_text(c->in, "HubName_str"), true, NULL, error) ? rpc_echo(c) : NULL;
}

static struct record *
disable(const struct rpc_call *c, GError **error)
{
    return change(c, record_text(c->in, "HubName_str"), false, NULL, error) ? rpc_echo(c) : NULL;
}

static struct record *
answer(const struct rpc_call *c, const struct vhost_config *config)
{
    struct record *out = record_new();

    record_set_text(out, "RpcHubName_str", record_text(c->in, "RpcHubName_str"));
    securenat_config_to_record(config, out);
    return out;
}

/* What only we know keeps its value when a caller, who knows SoftEther's fields, leaves it out. */
static void
keep_ours(const struct rpc_call *c, const struct vhost_config *was, struct record *in)
{
    static const char *const ours[] = {"NatMode_u32", "UseIp6_bool", "Prefix6_str", "UseDhcp6_bool",
                                       "Reservations_str"};
    g_autoptr(record_t) old = record_new();

    securenat_config_to_record(was, old);
    for (unsigned i = 0; i < ARRAY_LEN(ours); i++)
        record_copy(in, record_has(c->in, ours[i]) ? c->in : old, ours[i]);
}

static struct record *
set_option(const struct rpc_call *c, GError **error)
{
    const char *hub = record_text(c->in, "RpcHubName_str");
    g_autoptr(record_t) in = rpc_echo(c);
    struct record *out = NULL;
    bool enabled = false;

    if (!hub_is_there(c, hub, error))
        return NULL;
    struct vhost_config *was = securenat_config_load(c->host->store, hub, &enabled, error);
    if (!was)
        return NULL;
    keep_ours(c, was, in);
    struct vhost_config *config = securenat_config_from_record(in, error);
    if (config && change(c, hub, enabled, config, error))
        out = answer(c, config);
    securenat_config_free(config);
    securenat_config_free(was);
    return out;
}

static struct record *
get_option(const struct rpc_call *c, GError **error)
{
    const char *hub = record_text(c->in, "RpcHubName_str");
    bool enabled = false;

    if (!hub_is_there(c, hub, error))
        return NULL;
    struct vhost_config *config = securenat_config_load(c->host->store, hub, &enabled, error);
    struct record *out = config ? answer(c, config) : NULL;
    securenat_config_free(config);
    return out;
}

/* ---- views ---- */

static struct vhost *
living(const struct rpc_call *c, GError **error)
{
    const char *hub = record_text(c->in, "HubName_str");
    const struct rpc_host_ops *ops = c->host->ops;

    if (!hub_is_there(c, hub, error))
        return NULL;
    struct vhost *v = ops->securenat ? ops->securenat(c->host->owner, hub) : NULL;
    if (!v)
        rpc_fail(error, PE_NOT_FOUND, "the virtual host of hub '%s' is not running", hub);
    return v;
}

static struct record *
hub_record(const struct rpc_call *c)
{
    struct record *out = record_new();

    record_set_text(out, "HubName_str", record_text(c->in, "HubName_str"));
    return out;
}

static void
put_end(struct record *row, const char *ip, const char *text, const char *port,
        const struct endpoint *e)
{
    char printed[IP_TEXT];

    record_set_ip(row, ip, &e->ip);
    record_set_text(row, text, ip_print(&e->ip, printed));
    record_set_u32(row, port, e->port);
}

static struct record *
enum_nat(const struct rpc_call *c, GError **error)
{
    struct vhost *v = living(c, error);

    if (!v)
        return NULL;
    struct record *out = hub_record(c);
    g_autoptr(GArray) flows = vhost_flows(v);
    record_make_array(out, "NatTable");
    for (guint i = 0; i < flows->len; i++) {
        const struct vhost_flow *f = &g_array_index(flows, struct vhost_flow, i);
        struct record *row = record_append(out, "NatTable");
        record_set_u32(row, "Id_u32", f->id);
        record_set_u32(row, "Protocol_u32", f->proto);
        put_end(row, "SrcIp_ip", "SrcHost_str", "SrcPort_u32", &f->src);
        put_end(row, "DestIp_ip", "DestHost_str", "DestPort_u32", &f->dst);
        record_set_dt(row, "CreatedTime_dt", f->created_ms);
        record_set_dt(row, "LastCommTime_dt", f->last_ms);
        record_set_u64(row, "SendSize_u64", f->sent);
        record_set_u64(row, "RecvSize_u64", f->received);
        record_set_u32(row, "TcpStatus_u32", f->tcp);
    }
    return out;
}

static struct record *
enum_dhcp(const struct rpc_call *c, GError **error)
{
    struct vhost *v = living(c, error);
    bool enabled = false;

    if (!v)
        return NULL;
    struct record *out = hub_record(c);
    g_autoptr(GArray) leases = vhost_leases(v);
    struct vhost_config *config =
        securenat_config_load(c->host->store, record_text(c->in, "HubName_str"), &enabled, NULL);
    record_make_array(out, "DhcpTable");
    for (guint i = 0; i < leases->len; i++) {
        const struct dhcp_lease *l = &g_array_index(leases, struct dhcp_lease, i);
        struct record *row = record_append(out, "DhcpTable");
        record_set_u32(row, "Id_u32", i + 1);
        record_set_dt(row, "LeasedTime_dt", l->leased_ms);
        record_set_dt(row, "ExpireTime_dt", l->expires_ms);
        record_set_bin(row, "MacAddress_bin", l->mac.b, sizeof(l->mac.b));
        record_set_ip(row, "IpAddress_ip", &l->ip);
        /* The API has the mask as a number whose bytes lie as in memory of a small machine. */
        record_set_u32(row, "Mask_u32", config ? GUINT32_SWAP_LE_BE(config->dhcp4.mask) : 0);
        record_set_text(row, "Hostname_str", l->hostname);
    }
    securenat_config_free(config);
    return out;
}

static struct record *
get_status(const struct rpc_call *c, GError **error)
{
    struct vhost *v = living(c, error);
    struct vhost_status s;

    if (!v)
        return NULL;
    struct record *out = hub_record(c);
    vhost_get_status(v, &s);
    record_set_u32(out, "NumTcpSessions_u32", s.tcp);
    record_set_u32(out, "NumUdpSessions_u32", s.udp);
    record_set_u32(out, "NumIcmpSessions_u32", s.icmp);
    record_set_u32(out, "NumDnsSessions_u32", s.dns);
    record_set_u32(out, "NumDhcpClients_u32", s.leases);
    record_set_bool(out, "IsKernelMode_bool", s.kernel_mode);
    record_set_bool(out, "IsRawIpMode_bool", false);
    record_set_text(out, "Reason_str", s.why);
    return out;
}

const struct rpc_handler_row rpc_securenat_handlers[] = {
    {"EnableSecureNAT", enable, NULL},
    {"DisableSecureNAT", disable, NULL},
    {"SetSecureNATOption", set_option, NULL},
    {"GetSecureNATOption", get_option, NULL},
    {"EnumNAT", enum_nat, NULL},
    {"EnumDHCP", enum_dhcp, NULL},
    {"GetSecureNATStatus", get_status, NULL},
    {NULL, NULL, NULL},
};
