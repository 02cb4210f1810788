/* SPDX-License-Identifier: Apache-2.0 */
/* methods_server.c - the table of methods: server. */
#include "core/rpc/wire/table.h"

static const struct rpc_field test_in[] = {
    F("IntValue_u32", "number"),
    F_END,
};

static const struct rpc_field get_server_info_out[] = {
    F("ServerProductName_str", "product name"),
    F("ServerVersionString_str", "version text"),
    F("ServerBuildInfoString_str", "build text"),
    F("ServerVerInt_u32", "version number"),
    F("ServerBuildInt_u32", "build number"),
    F("ServerHostName_str", "host name"),
    F("ServerType_u32", "kind of server: 0, stand-alone"),
    F("ServerBuildDate_dt", "build date"),
    F("ServerFamilyName_str", "product family"),
    F("OsType_u32", "kind of system: 3100, Linux"),
    F("OsServicePack_u32", "service pack"),
    F("OsSystemName_str", "system family"),
    F("OsProductName_str", "system product"),
    F("OsVendorName_str", "system vendor"),
    F("OsVersion_str", "system version"),
    F("KernelName_str", "kernel name"),
    F("KernelVersion_str", "kernel version"),
    F_END,
};

static const struct rpc_field get_server_status_out[] = {
    F("ServerType_u32", "kind of server: 0, stand-alone"),
    F("NumTcpConnections_u32", "TCP connections"),
    F("NumTcpConnectionsLocal_u32", "TCP connections on this server"),
    F("NumTcpConnectionsRemote_u32", "TCP connections on other members"),
    F("NumHubTotal_u32", "hubs"),
    F("NumHubStandalone_u32", "stand-alone hubs"),
    F("NumHubStatic_u32", "static hubs"),
    F("NumHubDynamic_u32", "dynamic hubs"),
    F("NumSessionsTotal_u32", "sessions"),
    F("NumSessionsLocal_u32", "sessions on this server"),
    F("NumSessionsRemote_u32", "sessions on other members"),
    F("NumMacTables_u32", "learned MACs"),
    F("NumIpTables_u32", "learned IP addresses"),
    F("NumUsers_u32", "users"),
    F("NumGroups_u32", "groups"),
    F("AssignedBridgeLicenses_u32", "bridge licences (0 here)"),
    F("AssignedClientLicenses_u32", "client licences (0 here)"),
    F("AssignedBridgeLicensesTotal_u32", "bridge licences, cluster-wide (0 here)"),
    F("AssignedClientLicensesTotal_u32", "client licences, cluster-wide (0 here)"),
    F_GROUP(rpc_traffic_fields),
    F("CurrentTime_dt", "wall clock"),
    F("CurrentTick_u64", "monotonic clock, ms"),
    F("StartTime_dt", "started at"),
    F("TotalMemory_u64", "total memory"),
    F("UsedMemory_u64", "used memory"),
    F("FreeMemory_u64", "free memory"),
    F("TotalPhys_u64", "total physical memory"),
    F("UsedPhys_u64", "used physical memory"),
    F("FreePhys_u64", "free physical memory"),
    F_END,
};

static const struct rpc_field caps_list_rows[] = {
    F("CapsName_str", "name: b_ for flags, i_ for numbers"),
    F("CapsValue_u32", "value"),
    F("CapsDescrption_utf", "what it means (misspelled so on the wire)"),
    F_END,
};

static const struct rpc_field get_caps_out[] = {
    F_LIST("CapsList", "capabilities", caps_list_rows),
    F_END,
};

static const struct rpc_field set_server_password_in[] = {
    F_SECRET("PlainTextPassword_str", "new password"),
    F_END,
};

static const struct rpc_field get_server_cert_out[] = {
    F("Cert_bin", "certificate, PEM or DER"),
    F_SECRET("Key_bin", "private key, PEM or DER"),
    F_END,
};

static const struct rpc_field regenerate_server_cert_in[] = {
    F_OPT("StrValue_str", "common name of the new certificate; empty: the name of the machine"),
    F_END,
};

static const struct rpc_field listener_list_rows[] = {
    F("Ports_u32", "port"),
    F("Enables_bool", "the port is wanted"),
    F("Errors_bool", "the port could not be opened"),
    F_END,
};

static const struct rpc_field enum_listener_out[] = {
    F_LIST("ListenerList", "TCP ports", listener_list_rows),
    F_END,
};

static const struct rpc_field create_listener_in[] = {
    F("Port_u32", "port"),
    F("Enable_bool", "open it now"),
    F_END,
};

static const struct rpc_field delete_listener_in[] = {
    F("Port_u32", "port"),
    F_END,
};

static const struct rpc_method methods[] = {
    {"Test", RPC_ANY_ADMIN, "turns a number into its decimal text: a test of the way", test_in,
     rpc_test_fields, NULL, false},
    {"GetServerInfo", RPC_ANY_ADMIN, "name, version and system of the server", rpc_no_fields,
     get_server_info_out, NULL, false},
    {"GetServerStatus", RPC_ANY_ADMIN,
     "counters of the whole server: connections, hubs, sessions, tables, traffic, memory, clock",
     rpc_no_fields, get_server_status_out, NULL, false},
    {"GetCaps", RPC_ANY_ADMIN, "what this server can do, as names and values", rpc_no_fields,
     get_caps_out, NULL, false},
    {"SetServerPassword", RPC_SERVER_ADMIN, "replaces the server administrator's password",
     set_server_password_in, set_server_password_in, NULL, true},
    {"Flush", RPC_SERVER_ADMIN, "writes counters that are still in memory to the disk",
     rpc_no_fields, rpc_test_fields, NULL, false},
    {"GetServerCert", RPC_ANY_ADMIN, "the certificate that the server shows", rpc_no_fields,
     get_server_cert_out, NULL, false},
    {"SetServerCert", RPC_SERVER_ADMIN, "installs a certificate and its private key",
     get_server_cert_out, get_server_cert_out, NULL, true},
    {"RegenerateServerCert", RPC_SERVER_ADMIN,
     "makes and installs a new key and a self-signed certificate", regenerate_server_cert_in,
     rpc_test_fields, NULL, true},
    {"EnumListener", RPC_ANY_ADMIN, "TCP ports with their state", rpc_no_fields, enum_listener_out,
     NULL, false},
    {"CreateListener", RPC_SERVER_ADMIN, "opens a TCP port for VPN and administration",
     create_listener_in, create_listener_in, NULL, true},
    {"DeleteListener", RPC_SERVER_ADMIN, "closes a TCP port and forgets it", delete_listener_in,
     create_listener_in, NULL, true},
    {"EnableListener", RPC_SERVER_ADMIN, "opens or closes a TCP port without forgetting it",
     create_listener_in, create_listener_in, NULL, true},
};

const struct rpc_area rpc_area_server = {"Server", methods, ARRAY_LEN(methods)};
