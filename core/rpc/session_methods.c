/* SPDX-License-Identifier: Apache-2.0 */
/* session_methods.c - who is connected to a hub, and the addresses it has learned. */
#include "core/hub/session.h"
#include "core/rpc/rpc_priv.h"

static struct record *
enum_sessions(const struct rpc_call *c, GError **error)
{
    struct hub *hub = rpc_living_hub(c, error);

    if (!hub)
        return NULL;
    struct record *out = rpc_echo(c);
    GPtrArray *all = hub_session_list(hub);
    record_make_array(out, "SessionList");
    for (unsigned i = 0; i < all->len; i++) {
        struct session *s = g_ptr_array_index(all, i);
        struct record *row = record_append(out, "SessionList");
        struct hub_port_stats stats = {0};
        session_get_stats(s, &stats);
        record_set_text(row, "Name_str", s->name);
        record_set_text(row, "Username_str", s->user);
        record_set_ip(row, "ClientIP_ip", &s->peer.ip);
        record_set_text(row, "Hostname_str", s->client_host);
        record_set_u32(row, "MaxNumTcp_u32", s->max_connections);
        record_set_u32(row, "CurrentNumTcp_u32", atomic_load(&s->connections));
        record_set_u64(row, "PacketSize_u64",
                       stats.in.unicast_bytes + stats.in.broadcast_bytes + stats.out.unicast_bytes +
                           stats.out.broadcast_bytes);
        record_set_u64(row, "PacketNum_u64",
                       stats.in.unicast_frames + stats.in.broadcast_frames +
                           stats.out.unicast_frames + stats.out.broadcast_frames);
        record_set_bool(row, "Client_BridgeMode_bool", s->bridge_mode);
        record_set_bool(row, "Client_MonitorMode_bool", s->monitor_mode);
        record_set_u32(row, "VLanId_u32", s->policy.VLanId);
        record_set_bin(row, "UniqueId_bin", s->unique_id, sizeof(s->unique_id));
        record_set_dt(row, "CreatedTime_dt", s->created_ms);
        record_set_dt(row, "LastCommTime_dt", atomic_load(&s->last_comm_ms));
    }
    g_ptr_array_unref(all);
    hub_unref(hub);
    return out;
}

static struct session *
session_of(const struct rpc_call *c, GError **error)
{
    const char *name = record_text(c->in, "Name_str");
    struct hub *hub = rpc_living_hub(c, error);

    if (!hub)
        return NULL;
    struct session *s = hub_session_find(hub, name);
    if (!s)
        rpc_fail(error, PE_NOT_FOUND, "hub '%s' has no session '%s'", hub_name(hub), name);
    hub_unref(hub);
    return s;
}

static void
put_client(struct record *out, const struct session *s)
{
    record_set_text(out, "Username_str", s->user);
    record_set_text(out, "RealUsername_str", s->auth_user ? s->auth_user : s->user);
    record_set_text(out, "GroupName_str", s->group);
    record_set_ip(out, "Client_Ip_Address_ip", &s->peer.ip);
    record_set_text(out, "SessionStatus_ClientHostName_str", s->client_host);
    record_set_text(out, "ClientHostname_str", s->client_host);
    record_set_text(out, "ClientProductName_str", s->client_name);
    record_set_u32(out, "ClientProductVer_u32", s->client_ver);
    record_set_u32(out, "ClientProductBuild_u32", s->client_build);
    record_set_text(out, "ClientOsName_str", s->client_os);
    record_set_bin(out, "UniqueId_bin", s->unique_id, sizeof(s->unique_id));
}

static void
put_carrier(struct record *out, struct session *s)
{
    unsigned connections = atomic_load(&s->connections);

    record_set_bool(out, "Active_bool", true);
    record_set_bool(out, "Connected_bool", true);
    record_set_u32(out, "SessionStatus_u32", 3);
    record_set_text(out, "ServerName_str", g_get_host_name());
    record_set_u32(out, "ServerPort_u32", s->local.port);
    record_set_text(out, "ServerProductName_str", "Polyether VPN Server");
    record_set_dt(out, "StartTime_dt", s->created_ms);
    record_set_dt(out, "FirstConnectionEstablisiedTime_dt", s->created_ms);
    record_set_dt(out, "CurrentConnectionEstablishTime_dt", s->created_ms);
    record_set_u32(out, "NumConnectionsEatablished_u32", 1);
    record_set_u32(out, "NumConnectionsEstablished_u32", 1);
    record_set_bool(out, "HalfConnection_bool", s->half_duplex);
    record_set_bool(out, "QoS_bool", s->qos);
    record_set_u32(out, "MaxTcpConnections_u32", s->max_connections);
    record_set_u32(out, "NumTcpConnections_u32", connections);
    record_set_bool(out, "UseEncrypt_bool", s->cipher && s->cipher[0]);
    record_set_text(out, "CipherName_str", s->cipher);
    record_set_bool(out, "UseCompress_bool", s->compressed);
    record_set_text(out, "UnderlayProtocol_str", s->protocol);
    record_set_bool(out, "IsBridgeMode_bool", s->bridge_mode);
    record_set_bool(out, "IsMonitorMode_bool", s->monitor_mode);
    record_set_u32(out, "VLanId_u32", s->policy.VLanId);
}

static struct record *
get_session(const struct rpc_call *c, GError **error)
{
    struct session *s = session_of(c, error);

    if (!s)
        return NULL;
    struct record *out = rpc_echo(c);
    struct hub_port_stats stats = {0};
    session_get_stats(s, &stats);
    record_set_text(out, "SessionName_str", s->name);
    put_client(out, s);
    put_carrier(out, s);
    uint64_t in = stats.in.unicast_bytes + stats.in.broadcast_bytes;
    uint64_t sent = stats.out.unicast_bytes + stats.out.broadcast_bytes;
    record_set_u64(out, "TotalRecvSize_u64", in);
    record_set_u64(out, "TotalSendSize_u64", sent);
    record_set_u64(out, "TotalRecvSizeReal_u64", in);
    record_set_u64(out, "TotalSendSizeReal_u64", sent);
    rpc_put_drops(out, stats.dropped);
    session_unref(s);
    return out;
}

static struct record *
delete_session(const struct rpc_call *c, GError **error)
{
    struct session *s = session_of(c, error);

    if (!s)
        return NULL;
    session_request_stop(s, PE_SESSION_REMOVED);
    session_unref(s);
    return rpc_echo(c);
}

static struct record *
enum_macs(const struct rpc_call *c, GError **error)
{
    struct hub *hub = rpc_living_hub(c, error);

    if (!hub)
        return NULL;
    struct record *out = rpc_echo(c);
    GArray *all = hub_fdb_list(hub);
    record_make_array(out, "MacTable");
    for (unsigned i = 0; i < all->len; i++) {
        const struct hub_fdb_row *e = &g_array_index(all, struct hub_fdb_row, i);
        struct record *row = record_append(out, "MacTable");
        record_set_u32(row, "Key_u32", e->key);
        record_set_text(row, "SessionName_str", e->port);
        record_set_bin(row, "MacAddress_bin", e->mac.b, sizeof(e->mac.b));
        record_set_dt(row, "CreatedTime_dt", e->created_ms);
        record_set_dt(row, "UpdatedTime_dt", e->updated_ms);
        record_set_u32(row, "VlanId_u32", e->vlan);
    }
    g_array_unref(all);
    hub_unref(hub);
    return out;
}

static struct record *
delete_mac(const struct rpc_call *c, GError **error)
{
    uint32_t key = record_u32(c->in, "Key_u32");
    struct hub *hub = rpc_living_hub(c, error);

    if (!hub)
        return NULL;
    bool found = hub_fdb_forget(hub, key);
    if (!found)
        rpc_fail(error, PE_NOT_FOUND, "hub '%s' has no MAC address with key %u", hub_name(hub),
                 key);
    hub_unref(hub);
    return found ? rpc_echo(c) : NULL;
}

const struct rpc_handler_row rpc_session_handlers[] = {
    {"EnumSession", enum_sessions, NULL},    {"GetSessionStatus", get_session, NULL},
    {"DeleteSession", delete_session, NULL}, {"EnumMacTable", enum_macs, NULL},
    {"DeleteMacTable", delete_mac, NULL},    {NULL, NULL, NULL},
};
