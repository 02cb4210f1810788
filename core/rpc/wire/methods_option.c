/* SPDX-License-Identifier: Apache-2.0 */
/* methods_option.c - the table of methods: extended options of a hub, and its IP addresses. */
#include "core/rpc/wire/table.h"

static const struct rpc_field option_rows[] = {
    F("Name_str", "name of the option"),
    F("Value_u32", "its value"),
    F_OPT("Descrption_utf", "what it does (misspelled so on the wire)"),
    F_END,
};

static const struct rpc_field named_hub[] = {
    F("HubName_str", "name of the hub"),
    F_END,
};

static const struct rpc_field options[] = {
    F("HubName_str", "name of the hub"),
    F_LIST("AdminOptionList", "options", option_rows),
    F_END,
};

static const struct rpc_field ip_rows[] = {
    F("Key_u32", "entry key"),
    F("SessionName_str", "name of the session (of the port, for bridges)"),
    F("IpAddress_ip", "IPv4 or IPv6 address"),
    F("DhcpAllocated_bool", "a DHCP server in the hub gave it"),
    F("CreatedTime_dt", "created at"),
    F("UpdatedTime_dt", "last used at"),
    F("RemoteItem_bool", "entry lives on another member"),
    F("RemoteHostname_str", "member that holds the entry"),
    F_OURS("MacAddress_bin", "MAC address that uses it, 6 bytes"),
    F_OURS("VlanId_u32", "VLAN id, 0 = none"),
    F_END,
};

static const struct rpc_field ip_table[] = {
    F("HubName_str", "name of the hub"),
    F_LIST("IpTable", "learned addresses", ip_rows),
    F_END,
};

static const struct rpc_field delete_ip[] = {
    F("HubName_str", "name of the hub"),
    F("Key_u32", "entry key"),
    F_END,
};

static const struct rpc_method methods[] = {
    {"GetHubExtOptions", RPC_HUB_ADMIN, "extended options of a hub", named_hub, options, NULL,
     false},
    {"SetHubExtOptions", RPC_HUB_ADMIN,
     "changes extended options of a hub; those that are not named stay", options, options, NULL,
     true},
    {"EnumIpTable", RPC_HUB_ADMIN, "IP addresses that a hub has learned", named_hub, ip_table, NULL,
     false},
    {"DeleteIpTable", RPC_HUB_ADMIN, "forgets a learned IP address", delete_ip, delete_ip, NULL,
     true},
};

const struct rpc_area rpc_area_option = {"Options and addresses", methods, ARRAY_LEN(methods)};
