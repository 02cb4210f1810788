/* SPDX-License-Identifier: Apache-2.0 */
/* server_methods.c - the server as a whole: who it is, how it does, its password. */
#include "core/base/clock.h"
#include "core/rpc/rpc_priv.h"
#include "platform/platform.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* What SE-VPN tools take for a recent server; they hide features of older ones. */
    SEVPN_VERSION = 444,
    SEVPN_BUILD = 9807,
    OS_TYPE_LINUX = 3100,
};

static struct record *
test(const struct rpc_call *c, GError **error)
{
    struct record *out = record_new();
    uint32_t n = record_u32(c->in, "IntValue_u32");
    char text[16];

    (void)error;
    g_snprintf(text, sizeof(text), "%u", n);
    record_set_u32(out, "IntValue_u32", n);
    record_set_u64(out, "Int64Value_u64", n);
    record_set_text(out, "StrValue_str", text);
    record_set_text(out, "UniStrValue_utf", text);
    return out;
}

static struct record *
flush(const struct rpc_call *c, GError **error)
{
    (void)error;
    store_flush(c->host->store);
    return record_new();
}

/* The kernel's release; "" on systems without this file. */
static char *
kernel_release(void)
{
    char *text = NULL;

    if (!g_file_get_contents("/proc/sys/kernel/osrelease", &text, NULL, NULL))
        return g_strdup("");
    return g_strstrip(text);
}

static struct record *
get_info(const struct rpc_call *c, GError **error)
{
    struct record *out = record_new();
    g_autofree char *os = g_get_os_info(G_OS_INFO_KEY_PRETTY_NAME);
    g_autofree char *os_version = g_get_os_info(G_OS_INFO_KEY_VERSION_ID);
    g_autofree char *os_vendor = g_get_os_info(G_OS_INFO_KEY_NAME);
    g_autofree char *release = kernel_release();

    (void)c;
    (void)error;
    record_set_text(out, "ServerProductName_str", "Polyether VPN Server");
    record_set_text(out, "ServerVersionString_str", "Version " POLYETHER_VERSION);
    record_set_text(out, "ServerBuildInfoString_str", "Polyether " POLYETHER_VERSION);
    record_set_u32(out, "ServerVerInt_u32", SEVPN_VERSION);
    record_set_u32(out, "ServerBuildInt_u32", SEVPN_BUILD);
    record_set_text(out, "ServerHostName_str", g_get_host_name());
    record_set_text(out, "ServerFamilyName_str", "Polyether");
    record_set_u32(out, "OsType_u32", OS_TYPE_LINUX);
    record_set_text(out, "OsSystemName_str", release[0] ? "Linux" : "");
    record_set_text(out, "OsProductName_str", os);
    record_set_text(out, "OsVendorName_str", os_vendor);
    record_set_text(out, "OsVersion_str", os_version);
    record_set_text(out, "KernelName_str", release[0] ? "Linux" : "");
    record_set_text(out, "KernelVersion_str", release);
    return out;
}

/* A line of /proc/meminfo in bytes; 0 where there is none. */
static uint64_t
memory_of(const char *all, const char *name)
{
    const char *line = all ? strstr(all, name) : NULL;

    return line ? g_ascii_strtoull(line + strlen(name), NULL, 10) * 1024 : 0;
}

static void
put_memory(struct record *out)
{
    g_autofree char *all = NULL;

    (void)g_file_get_contents("/proc/meminfo", &all, NULL, NULL); /* without it they are 0 */
    uint64_t total = memory_of(all, "MemTotal:");
    uint64_t available = MIN(total, memory_of(all, "MemAvailable:"));
    record_set_u64(out, "TotalMemory_u64", total);
    record_set_u64(out, "UsedMemory_u64", total - available);
    record_set_u64(out, "FreeMemory_u64", available);
    record_set_u64(out, "TotalPhys_u64", total);
    record_set_u64(out, "UsedPhys_u64", total - available);
    record_set_u64(out, "FreePhys_u64", available);
}

static void
add_traffic(struct hub_traffic *sum, const struct hub_traffic *t)
{
    sum->unicast_frames += t->unicast_frames;
    sum->unicast_bytes += t->unicast_bytes;
    sum->broadcast_frames += t->broadcast_frames;
    sum->broadcast_bytes += t->broadcast_bytes;
}

static void
put_hub_sums(const struct rpc_call *c, struct record *out)
{
    GPtrArray *hubs = hubs_list(c->host->hubs);
    struct hub_traffic in = {0}, sent = {0};
    unsigned sessions = 0, macs = 0, users = 0;

    for (unsigned i = 0; i < hubs->len; i++) {
        struct hub *hub = g_ptr_array_index(hubs, i);
        struct hub_stats stats;
        hub_get_stats(hub, &stats);
        add_traffic(&in, &stats.in);
        add_traffic(&sent, &stats.out);
        sessions += stats.sessions;
        macs += stats.fdb_entries;
        users += store_users_count(c->host->store, hub_name(hub));
    }
    record_set_u32(out, "NumHubTotal_u32", hubs->len);
    record_set_u32(out, "NumHubStandalone_u32", hubs->len);
    record_set_u32(out, "NumSessionsTotal_u32", sessions);
    record_set_u32(out, "NumSessionsLocal_u32", sessions);
    record_set_u32(out, "NumMacTables_u32", macs);
    record_set_u32(out, "NumUsers_u32", users);
    rpc_put_traffic(out, "", &in, &sent);
    g_ptr_array_unref(hubs);
}

static struct record *
get_status(const struct rpc_call *c, GError **error)
{
    struct record *out = record_new();
    const struct rpc_host_ops *ops = c->host->ops;
    unsigned tcp = ops->tcp_connections ? ops->tcp_connections(c->host->owner) : 0;

    (void)error;
    record_set_u32(out, "NumTcpConnections_u32", tcp);
    record_set_u32(out, "NumTcpConnectionsLocal_u32", tcp);
    put_hub_sums(c, out);
    record_set_dt(out, "CurrentTime_dt", clock_wall_ms());
    record_set_u64(out, "CurrentTick_u64", (uint64_t)(clock_now_us() / 1000));
    record_set_dt(out, "StartTime_dt", c->server->started_ms);
    put_memory(out);
    return out;
}

static struct record *
get_caps(const struct rpc_call *c, GError **error)
{
    const struct {
        const char *name;
        uint32_t value;
        const char *text;
    } caps[] = {
        {"i_max_packet_size", 1514, "Longest Ethernet frame"},
        {"i_max_hubs", STORE_HUBS_MAX, "Hubs"},
        {"i_max_users_per_hub", STORE_USERS_MAX, "Users of a hub"},
        {"i_max_sessions", HUB_MAX_PORTS, "Sessions of a hub"},
        {"i_max_mac_tables", HUB_MAX_FDB, "MAC addresses of a hub"},
        {"b_standalone", 1, "Stand-alone server"},
        {"b_support_config_hub", 1, "Hubs can be configured"},
        {"b_vpn_client_connect", 1, "VPN clients can connect"},
        {"b_support_check_mac", 1, "MAC addresses are checked"},
        {"b_local_bridge", pf_can(PF_CAP_RAW_ETHERNET), "Local bridges on network adapters"},
        {"b_tap_supported", pf_can(PF_CAP_TAP), "Local bridges on new TAP adapters"},
        {"b_must_install_pcap", 0, "A capture driver is missing"},
        {"b_bridge", 0, "Bridge-only server"},
        {"b_cluster_controller", 0, "Cluster controller"},
        {"b_cluster_member", 0, "Cluster member"},
        {"b_support_cluster", 0, "Clusters"},
        {"b_support_radius", 0, "Users by RADIUS"},
        {"b_support_cascade", 0, "Cascades"},
        {"b_support_securenat", 1, "Virtual NAT and DHCP"},
        {"b_support_layer3", 0, "Layer-3 switches"},
        {"b_support_ipsec", 1, "L2TP and IPsec"},
        {"b_support_openvpn", 1, "OpenVPN"},
        {"b_support_sstp", 1, "SSTP"},
    };
    struct record *out = record_new();

    (void)c;
    (void)error;
    for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
        struct record *row = record_append(out, "CapsList");
        record_set_text(row, "CapsName_str", caps[i].name);
        record_set_u32(row, "CapsValue_u32", caps[i].value);
        record_set_text(row, "CapsDescrption_utf", caps[i].text);
    }
    return out;
}

static struct record *
set_password(const struct rpc_call *c, GError **error)
{
    if (!c->verifier) {
        rpc_fail(error, PE_INVALID_PARAMETER, "the new password is empty");
        return NULL;
    }
    if (!store_set_text(c->host->store, RPC_SETTING_ADMIN_VERIFIER, c->verifier, error))
        return NULL;
    return record_new();
}

const struct rpc_handler_row rpc_server_handlers[] = {
    {"Test", test, NULL},
    {"GetServerInfo", get_info, NULL},
    {"GetServerStatus", get_status, NULL},
    {"GetCaps", get_caps, NULL},
    {"SetServerPassword", set_password, "PlainTextPassword_str"},
    {"Flush", flush, NULL},
    {NULL, NULL, NULL},
};
