/* SPDX-License-Identifier: Apache-2.0 */
/* methods_user.c - the table of methods: users. */
#include "core/rpc/wire/table.h"

/* How a user logs in. */
static const struct rpc_field user_login_fields[] = {
    F("AuthType_u32",
      "kind of login: 0 anonymous, 1 password, 2 certificate of the user, 3 signed certificate"),
    F_SECRET("Auth_Password_str", "password, for AuthType 1; empty in SetUser: unchanged"),
    F("UserX_bin", "certificate of the user, for AuthType 2: PEM or DER"),
    F("Serial_bin", "serial number that the certificate must have, for AuthType 3; empty: any"),
    F("CommonName_utf", "common name that the certificate must have, for AuthType 3; empty: any"),
    F("RadiusUsername_utf", "name at the RADIUS server, for AuthType 4; empty: the same"),
    F("NtUsername_utf", "name in the domain, for AuthType 5; empty: the same"),
    F_END,
};

/* What a user gets then. */
static const struct rpc_field user_right_fields[] = {
    F_OURS("FixedAddress_str", "fixed addresses instead of a lease, like "
                               "10.0.0.5/24,gateway=10.0.0.1,dns=10.0.0.1,2001:db8::5/64"),
    F("UsePolicy_bool", "policy of its own: the policy:* fields apply"),
    F_GROUP(rpc_policy_fields),
    F_END,
};

static const struct rpc_field user_list_rows[] = {
    F("Name_str", "name"),
    F("GroupName_str", "group; empty: none"),
    F("Realname_utf", "full name"),
    F("Note_utf", "remark"),
    F("AuthType_u32",
      "kind of login: 0 anonymous, 1 password, 2 certificate of the user, 3 signed certificate"),
    F("NumLogin_u32", "logins so far"),
    F("LastLoginTime_dt", "last login at"),
    F("DenyAccess_bool", "the policy forbids to log in"),
    F("IsTrafficFilled_bool", "the Ex.* counters have a meaning"),
    F("IsExpiresFilled_bool", "Expires_dt has a meaning"),
    F("Expires_dt", "valid until"),
    F_GROUP(rpc_ex_traffic_fields),
    F_END,
};

static const struct rpc_field enum_user_in[] = {
    F("HubName_str", "name of the hub"),
    F_END,
};

static const struct rpc_field enum_user_out[] = {
    F("HubName_str", "name of the hub"),
    F_LIST("UserList", "users", user_list_rows),
    F_END,
};

static const struct rpc_field create_user_in[] = {
    F("HubName_str", "name of the hub"),
    F("Name_str", "name"),
    F_OURS("GroupName_str", "group; empty: none"),
    F("Realname_utf", "full name"),
    F("Note_utf", "remark"),
    F("ExpireTime_dt", "valid until; 1970: for ever"),
    F_GROUP(user_login_fields),
    F_GROUP(user_right_fields),
    F_END,
};

static const struct rpc_field create_user_out[] = {
    F("HubName_str", "name of the hub"),
    F("Name_str", "name"),
    F("GroupName_str", "group; empty: none"),
    F("Realname_utf", "full name"),
    F("Note_utf", "remark"),
    F("CreatedTime_dt", "created at"),
    F("UpdatedTime_dt", "changed at"),
    F("ExpireTime_dt", "valid until; 1970: for ever"),
    F_GROUP(user_login_fields),
    F("NumLogin_u32", "logins so far"),
    F_GROUP(rpc_traffic_fields),
    F_GROUP(user_right_fields),
    F_END,
};

static const struct rpc_field set_user_in[] = {
    F("HubName_str", "name of the hub"),
    F("Name_str", "name"),
    F("GroupName_str", "group; empty: none"),
    F("Realname_utf", "full name"),
    F("Note_utf", "remark"),
    F("ExpireTime_dt", "valid until; 1970: for ever"),
    F_GROUP(user_login_fields),
    F_GROUP(user_right_fields),
    F_END,
};

static const struct rpc_field get_user_in[] = {
    F("HubName_str", "name of the hub"),
    F("Name_str", "name"),
    F_END,
};

static const struct rpc_method methods[] = {
    {"EnumUser", RPC_HUB_ADMIN, "users of a hub", enum_user_in, enum_user_out, NULL, false},
    {"CreateUser", RPC_HUB_ADMIN, "makes a user", create_user_in, create_user_out, NULL, true},
    {"SetUser", RPC_HUB_ADMIN, "replaces the settings of a user", set_user_in, create_user_out,
     NULL, true},
    {"GetUser", RPC_HUB_ADMIN, "settings and counters of a user", get_user_in, create_user_out,
     NULL, false},
    {"DeleteUser", RPC_HUB_ADMIN, "deletes a user and ends the sessions of it", get_user_in,
     get_user_in, NULL, true},
};

const struct rpc_area rpc_area_user = {"Users", methods, ARRAY_LEN(methods)};
