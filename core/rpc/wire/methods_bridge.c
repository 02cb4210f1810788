/* SPDX-License-Identifier: Apache-2.0 */
/* methods_bridge.c - the table of methods: local bridges. */
#include "core/rpc/wire/table.h"

static const struct rpc_field eth_list_rows[] = {
    F("DeviceName_str", "name of the adapter"),
    F("NetworkConnectionName_utf", "readable adapter name"),
    F_END,
};

static const struct rpc_field enum_ethernet_out[] = {
    F_LIST("EthList", "adapters", eth_list_rows),
    F_END,
};

static const struct rpc_field get_bridge_support_out[] = {
    F("IsBridgeSupportedOs_bool", "system can bridge"),
    F("IsWinPcapNeeded_bool", "a capture driver must be installed first"),
    F_END,
};

static const struct rpc_field local_bridge_list_rows[] = {
    F("DeviceName_str", "name of the adapter"),
    F("HubNameLB_str", "hub that is bridged"),
    F("Online_bool", "in service"),
    F("Active_bool", "in operation"),
    F("TapMode_bool", "a TAP adapter of that name is made"),
    F_END,
};

static const struct rpc_field enum_local_bridge_out[] = {
    F_LIST("LocalBridgeList", "local bridges", local_bridge_list_rows),
    F_END,
};

static const struct rpc_field add_local_bridge_in[] = {
    F("DeviceName_str", "name of the adapter"),
    F("HubNameLB_str", "hub that is bridged"),
    F_OPT("TapMode_bool", "a TAP adapter of that name is made"),
    F_END,
};

static const struct rpc_field delete_local_bridge_in[] = {
    F("DeviceName_str", "name of the adapter"),
    F("HubNameLB_str", "hub that is bridged"),
    F_END,
};

static const struct rpc_field add_local_bridge_out[] = {
    F("DeviceName_str", "name of the adapter"),
    F("HubNameLB_str", "hub that is bridged"),
    F("Online_bool", "in service"),
    F("Active_bool", "in operation"),
    F("TapMode_bool", "a TAP adapter of that name is made"),
    F_END,
};

static const struct rpc_method methods[] = {
    {"EnumEthernet", RPC_SERVER_ADMIN, "network adapters that can be bridged", rpc_no_fields,
     enum_ethernet_out, NULL, false},
    {"GetBridgeSupport", RPC_ANY_ADMIN, "whether this system can bridge", rpc_no_fields,
     get_bridge_support_out, NULL, false},
    {"EnumLocalBridge", RPC_ANY_ADMIN, "local bridges with their state", rpc_no_fields,
     enum_local_bridge_out, NULL, false},
    {"AddLocalBridge", RPC_SERVER_ADMIN,
     "joins a hub to a network adapter, or to a new TAP adapter", add_local_bridge_in,
     add_local_bridge_out, NULL, true},
    {"DeleteLocalBridge", RPC_SERVER_ADMIN, "removes a local bridge", delete_local_bridge_in,
     add_local_bridge_out, NULL, true},
};

const struct rpc_area rpc_area_bridge = {"Local bridges", methods, ARRAY_LEN(methods)};
