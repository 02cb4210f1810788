/* SPDX-License-Identifier: Apache-2.0 */
/* methods_hub.c - the table of methods: virtual hubs. */
#include "core/rpc/wire/table.h"

static const struct rpc_field hub_list_rows[] = {
    F("HubName_str", "name of the hub"),
    F("Online_bool", "in service"),
    F("HubType_u32", "0: stand-alone; others are taken for 0"),
    F("NumUsers_u32", "users"),
    F("NumGroups_u32", "groups"),
    F("NumSessions_u32", "sessions"),
    F("NumMacTables_u32", "learned MACs"),
    F("NumIpTables_u32", "learned IP addresses"),
    F("LastCommTime_dt", "last traffic at"),
    F("LastLoginTime_dt", "last login at"),
    F("CreatedTime_dt", "created at"),
    F("NumLogin_u32", "logins so far"),
    F("IsTrafficFilled_bool", "the Ex.* counters have a meaning"),
    F_GROUP(rpc_ex_traffic_fields),
    F_END,
};

static const struct rpc_field enum_hub_out[] = {
    F("NumHub_u32", "entries"),
    F_LIST("HubList", "hubs", hub_list_rows),
    F_END,
};

static const struct rpc_field create_hub_in[] = {
    F("HubName_str", "name of the hub"),
    F_SECRET("AdminPasswordPlainText_str",
             "password of the hub administrator; empty: none (CreateHub), unchanged (SetHub)"),
    F("Online_bool", "in service"),
    F("MaxSession_u32", "limit of sessions; 0: none"),
    F("NoEnum_bool", "hidden from strangers"),
    F_OPT("HubType_u32", "0: stand-alone; others are taken for 0"),
    F_END,
};

static const struct rpc_field create_hub_out[] = {
    F("HubName_str", "name of the hub"),
    F_SECRET("AdminPasswordPlainText_str",
             "password of the hub administrator; empty: none (CreateHub), unchanged (SetHub)"),
    F("Online_bool", "in service"),
    F("MaxSession_u32", "limit of sessions; 0: none"),
    F("NoEnum_bool", "hidden from strangers"),
    F("HubType_u32", "0: stand-alone; others are taken for 0"),
    F_END,
};

static const struct rpc_field get_hub_in[] = {
    F("HubName_str", "name of the hub"),
    F_END,
};

static const struct rpc_field hub_message[] = {
    F("HubName_str", "name of the hub"),
    F("Msg_bin", "text in UTF-8, up to 20,000 characters; empty: none"),
    F_END,
};

static const struct rpc_field option_rows[] = {
    F("Name_str", "option"),
    F("Value_u32", "value; 0: no restriction"),
    F_OPT("Descrption_utf", "what it does"),
    F_END,
};

static const struct rpc_field option_list[] = {
    F("HubName_str", "name of the hub"),
    F_LIST("AdminOptionList", "options", option_rows),
    F_END,
};

static const struct rpc_field set_hub_online_in[] = {
    F("HubName_str", "name of the hub"),
    F("Online_bool", "in service"),
    F_END,
};

static const struct rpc_field get_hub_status_out[] = {
    F("HubName_str", "name of the hub"),
    F("Online_bool", "in service"),
    F("HubType_u32", "0: stand-alone; others are taken for 0"),
    F("NumSessions_u32", "sessions"),
    F("NumSessionsClient_u32", "client-mode sessions"),
    F("NumSessionsBridge_u32", "bridge-mode sessions"),
    F("NumAccessLists_u32", "filter rules"),
    F("NumUsers_u32", "users"),
    F("NumGroups_u32", "groups"),
    F("NumMacTables_u32", "learned MACs"),
    F("NumIpTables_u32", "learned IP addresses"),
    F_GROUP(rpc_traffic_fields),
    F("SecureNATEnabled_bool", "virtual NAT/DHCP on"),
    F("LastCommTime_dt", "last traffic at"),
    F("LastLoginTime_dt", "last login at"),
    F("CreatedTime_dt", "created at"),
    F("NumLogin_u32", "logins so far"),
    F_OUR_LIST("DropList", "frames that were given up in the hub, by reason", rpc_drop_rows),
    F_END,
};

static const struct rpc_field calist_rows[] = {
    F("Key_u32", "entry key"),
    F("SubjectName_utf", "subject"),
    F("IssuerName_utf", "issuer"),
    F("Expires_dt", "valid until"),
    F_END,
};

static const struct rpc_field enum_ca_out[] = {
    F("HubName_str", "name of the hub"),
    F_LIST("CAList", "trusted CA entries", calist_rows),
    F_END,
};

static const struct rpc_field add_ca_in[] = {
    F("HubName_str", "name of the hub"),
    F("Cert_bin", "certificate, PEM or DER"),
    F_END,
};

static const struct rpc_field get_ca_in[] = {
    F("HubName_str", "name of the hub"),
    F("Key_u32", "entry key"),
    F_END,
};

static const struct rpc_field get_ca_out[] = {
    F("HubName_str", "name of the hub"),
    F("Key_u32", "entry key"),
    F("Cert_bin", "certificate, PEM or DER"),
    F_END,
};

static const struct rpc_method methods[] = {
    {"EnumHub", RPC_ANY_ADMIN, "hubs with their state, counts and traffic", rpc_no_fields,
     enum_hub_out, NULL, false},
    {"CreateHub", RPC_SERVER_ADMIN, "makes a hub", create_hub_in, create_hub_out, NULL, true},
    {"GetHub", RPC_HUB_ADMIN, "settings of a hub", get_hub_in, create_hub_out, NULL, false},
    {"SetHub", RPC_HUB_ADMIN, "changes a hub's password, limit of sessions, visibility and state",
     create_hub_in, create_hub_out, NULL, true},
    {"DeleteHub", RPC_SERVER_ADMIN, "deletes a hub with its users and sessions", get_hub_in,
     get_hub_in, NULL, true},
    {"SetHubOnline", RPC_HUB_ADMIN, "takes a hub online or offline", set_hub_online_in,
     set_hub_online_in, NULL, true},
    {"GetDefaultHubAdminOptions", RPC_HUB_ADMIN, "administration options and their defaults",
     get_hub_in, option_list, NULL, false},
    {"GetHubAdminOptions", RPC_HUB_ADMIN, "administration options of a hub", get_hub_in,
     option_list, NULL, false},
    {"SetHubAdminOptions", RPC_HUB_ADMIN, "changes administration options", option_list,
     option_list, NULL, true},
    {"GetHubMsg", RPC_HUB_ADMIN, "message that clients show after the login", get_hub_in,
     hub_message, NULL, false},
    {"SetHubMsg", RPC_HUB_ADMIN, "replaces the message that clients show after the login",
     hub_message, hub_message, NULL, true},
    {"GetHubStatus", RPC_HUB_ADMIN, "counters of a hub", get_hub_in, get_hub_status_out, NULL,
     false},
    {"EnumCa", RPC_HUB_ADMIN, "authorities whose certificates a hub trusts", get_hub_in,
     enum_ca_out, NULL, false},
    {"AddCa", RPC_HUB_ADMIN, "lets a hub trust an authority", add_ca_in, add_ca_in, NULL, true},
    {"GetCa", RPC_HUB_ADMIN, "certificate of a trusted authority", get_ca_in, get_ca_out, NULL,
     false},
    {"DeleteCa", RPC_HUB_ADMIN, "ends the trust in an authority", get_ca_in, get_ca_in, NULL, true},
};

const struct rpc_area rpc_area_hub = {"Virtual hubs", methods, ARRAY_LEN(methods)};
