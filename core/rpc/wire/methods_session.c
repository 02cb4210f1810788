/* SPDX-License-Identifier: Apache-2.0 */
/* methods_session.c - the table of methods: sessions and tables. */
#include "core/rpc/wire/table.h"

static const struct rpc_field session_list_rows[] = {
    F("Name_str", "session name (SID-...)"),
    F("RemoteSession_bool", "session lives on another member"),
    F("RemoteHostname_str", "member that holds the entry"),
    F("Username_str", "user name"),
    F("ClientIP_ip", "client address"),
    F("Hostname_str", "host name"),
    F("MaxNumTcp_u32", "TCP connections allowed"),
    F("CurrentNumTcp_u32", "TCP connections in use"),
    F("PacketSize_u64", "bytes moved"),
    F("PacketNum_u64", "packets moved"),
    F("LinkMode_bool", "session of a cascade"),
    F("SecureNATMode_bool", "session of virtual NAT/DHCP"),
    F("BridgeMode_bool", "is a local-bridge session"),
    F("Layer3Mode_bool", "session of a virtual layer-3 switch"),
    F("Client_BridgeMode_bool", "client asked for bridge/router mode"),
    F("Client_MonitorMode_bool", "client asked for monitor mode"),
    F("VLanId_u32", "VLAN id, 0 = none"),
    F("UniqueId_bin", "machine identity of the client, 16 bytes"),
    F("CreatedTime_dt", "created at"),
    F("LastCommTime_dt", "last traffic at"),
    F_END,
};

static const struct rpc_field enum_session_in[] = {
    F("HubName_str", "name of the hub"),
    F_END,
};

static const struct rpc_field enum_session_out[] = {
    F("HubName_str", "name of the hub"),
    F_LIST("SessionList", "sessions", session_list_rows),
    F_END,
};

static const struct rpc_field get_session_status_in[] = {
    F("HubName_str", "name of the hub"),
    F("Name_str", "session name (SID-...)"),
    F_END,
};

static const struct rpc_field get_session_status_out[] = {
    F("HubName_str", "name of the hub"),
    F("Name_str", "session name (SID-...)"),
    F("Username_str", "user name"),
    F("RealUsername_str", "name used for authentication"),
    F("GroupName_str", "group; empty: none"),
    F("LinkMode_bool", "session of a cascade"),
    F("Client_Ip_Address_ip", "client address"),
    F("SessionStatus_ClientHostName_str", "client host name"),
    F("Active_bool", "in operation"),
    F("Connected_bool", "connection stands"),
    F("SessionStatus_u32", "state: 3, established"),
    F("ServerName_str", "server"),
    F("ServerPort_u32", "peer port"),
    F("ServerProductName_str", "product name"),
    F("ServerProductVer_u32", "peer version number"),
    F("ServerProductBuild_u32", "peer build number"),
    F("StartTime_dt", "started at"),
    F("FirstConnectionEstablisiedTime_dt", "first established at (misspelled so on the wire)"),
    F("CurrentConnectionEstablishTime_dt", "present connection set up at"),
    F("NumConnectionsEatablished_u32", "how often it was established (misspelled so on the wire)"),
    F("NumConnectionsEstablished_u32", "the same; newer clients read this name"),
    F("HalfConnection_bool", "one-way TCP connections"),
    F("QoS_bool", "VoIP/QoS priority on"),
    F("MaxTcpConnections_u32", "TCP connections allowed"),
    F("NumTcpConnections_u32", "TCP connections"),
    F("NumTcpConnectionsUpload_u32", "TCP connections upwards"),
    F("NumTcpConnectionsDownload_u32", "TCP connections downwards"),
    F("UseEncrypt_bool", "encryption"),
    F("CipherName_str", "cipher of the data channel"),
    F("UseCompress_bool", "compression"),
    F("IsRUDPSession_bool", "runs over reliable UDP"),
    F("UnderlayProtocol_str", "carrier, in words"),
    F("IsUdpAccelerationEnabled_bool", "UDP acceleration negotiated"),
    F("IsUsingUdpAcceleration_bool", "UDP acceleration carrying data"),
    F("SessionName_str", "name of the session"),
    F("ConnectionName_str", "underlying connection name (CID-...)"),
    F_SECRET("SessionKey_bin", "key of the session: whoever has it can join in"),
    F("TotalSendSize_u64", "bytes sent"),
    F("TotalRecvSize_u64", "bytes received"),
    F("TotalSendSizeReal_u64", "bytes sent before compression"),
    F("TotalRecvSizeReal_u64", "bytes received before compression"),
    F("IsBridgeMode_bool", "bridge/router mode"),
    F("IsMonitorMode_bool", "monitor mode"),
    F("VLanId_u32", "VLAN id, 0 = none"),
    F("ClientProductName_str", "client product"),
    F("ClientProductVer_u32", "client version number"),
    F("ClientProductBuild_u32", "client build number"),
    F("ClientOsName_str", "client system name"),
    F("ClientOsVer_str", "client system version"),
    F("ClientOsProductId_str", "client system product id"),
    F("ClientHostname_str", "client host name"),
    F("UniqueId_bin", "machine identity of the client, 16 bytes"),
    F_OUR_LIST("DropList", "frames of the session that were given up, by reason", rpc_drop_rows),
    F_END,
};

static const struct rpc_field mac_table_rows[] = {
    F("Key_u32", "entry key"),
    F("SessionName_str", "name of the session (of the port, for bridges)"),
    F("MacAddress_bin", "MAC address, 6 bytes"),
    F("CreatedTime_dt", "created at"),
    F("UpdatedTime_dt", "changed at"),
    F("RemoteItem_bool", "entry lives on another member"),
    F("RemoteHostname_str", "member that holds the entry"),
    F("VlanId_u32", "VLAN id, 0 = none"),
    F_END,
};

static const struct rpc_field enum_mac_table_out[] = {
    F("HubName_str", "name of the hub"),
    F_LIST("MacTable", "learned MACs", mac_table_rows),
    F_END,
};

static const struct rpc_field delete_mac_table_in[] = {
    F("HubName_str", "name of the hub"),
    F("Key_u32", "entry key"),
    F_END,
};

static const struct rpc_method methods[] = {
    {"EnumSession", RPC_HUB_ADMIN, "sessions of a hub", enum_session_in, enum_session_out, NULL,
     false},
    {"GetSessionStatus", RPC_HUB_ADMIN, "one session in detail", get_session_status_in,
     get_session_status_out, NULL, false},
    {"DeleteSession", RPC_HUB_ADMIN, "ends a session", get_session_status_in, get_session_status_in,
     NULL, true},
    {"EnumMacTable", RPC_HUB_ADMIN, "MAC addresses that a hub has learned", enum_session_in,
     enum_mac_table_out, NULL, false},
    {"DeleteMacTable", RPC_HUB_ADMIN, "forgets a learned MAC address", delete_mac_table_in,
     delete_mac_table_in, NULL, true},
};

const struct rpc_area rpc_area_session = {"Sessions and tables", methods, ARRAY_LEN(methods)};
