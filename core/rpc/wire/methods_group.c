/* SPDX-License-Identifier: Apache-2.0 */
/* methods_group.c - the table of methods: groups, and a hub's default policy. */
#include "core/rpc/wire/table.h"

static const struct rpc_field group_list_rows[] = {
    F("Name_str", "name"),
    F("Realname_utf", "full name"),
    F("Note_utf", "remark"),
    F("NumUsers_u32", "members"),
    F("DenyAccess_bool", "the policy forbids to log in"),
    F_END,
};

static const struct rpc_field enum_group_in[] = {
    F("HubName_str", "name of the hub"),
    F_END,
};

static const struct rpc_field enum_group_out[] = {
    F("HubName_str", "name of the hub"),
    F_LIST("GroupList", "groups", group_list_rows),
    F_END,
};

static const struct rpc_field group_in[] = {
    F("HubName_str", "name of the hub"),
    F("Name_str", "name"),
    F("Realname_utf", "full name"),
    F("Note_utf", "remark"),
    F("UsePolicy_bool", "policy of its own, for members that have none: the policy:* fields apply"),
    F_GROUP(rpc_policy_fields),
    F_END,
};

static const struct rpc_field group_out[] = {
    F("HubName_str", "name of the hub"),
    F("Name_str", "name"),
    F("Realname_utf", "full name"),
    F("Note_utf", "remark"),
    F_GROUP(rpc_traffic_fields),
    F("UsePolicy_bool", "policy of its own, for members that have none: the policy:* fields apply"),
    F_GROUP(rpc_policy_fields),
    F_END,
};

static const struct rpc_field get_group_in[] = {
    F("HubName_str", "name of the hub"),
    F("Name_str", "name"),
    F_END,
};

static const struct rpc_field default_policy[] = {
    F("HubName_str", "name of the hub"),
    F("UsePolicy_bool", "there is one: the policy:* fields apply"),
    F_GROUP(rpc_policy_fields),
    F_END,
};

static const struct rpc_method methods[] = {
    {"EnumGroup", RPC_HUB_ADMIN, "groups of a hub", enum_group_in, enum_group_out, NULL, false},
    {"CreateGroup", RPC_HUB_ADMIN, "makes a group", group_in, group_out, NULL, true},
    {"SetGroup", RPC_HUB_ADMIN, "replaces the settings of a group", group_in, group_out, NULL,
     true},
    {"GetGroup", RPC_HUB_ADMIN, "settings and counters of a group", get_group_in, group_out, NULL,
     false},
    {"DeleteGroup", RPC_HUB_ADMIN, "deletes a group; its members stay", get_group_in, get_group_in,
     NULL, true},
    {"GetHubDefaultPolicy", RPC_HUB_ADMIN, "policy of users who have none by user or group",
     enum_group_in, default_policy, NULL, false},
    {"SetHubDefaultPolicy", RPC_HUB_ADMIN, "replaces the policy of users who have none",
     default_policy, default_policy, NULL, true},
};

const struct rpc_area rpc_area_group = {"Groups", methods, ARRAY_LEN(methods)};
