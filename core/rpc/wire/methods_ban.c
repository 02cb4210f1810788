/* SPDX-License-Identifier: Apache-2.0 */
/* methods_ban.c - methods about addresses that are kept out. None is in SoftEther's API. */
#include "core/rpc/wire/table.h"

static const struct rpc_field ban_rows[] = {
    F("Address_str", "address; of IPv6 the first 64 bits"),
    F("Times_u32", "how often in a row, each longer than the one before"),
    F("Until_dt", "end of the ban"),
    F_END,
};

static const struct rpc_field bans_out[] = {
    F_LIST("BanList", "bans", ban_rows),
    F_END,
};

static const struct rpc_field ban_in[] = {
    F("Address_str", "address that is banned"),
    F_END,
};

static const struct rpc_field prefix_in[] = {
    F("Prefix_str", "addresses like 192.0.2.0/24 that are never banned"),
    F_END,
};

static const struct rpc_field prefixes_out[] = {
    F_LIST("AllowList", "prefixes", prefix_in),
    F_END,
};

static const struct rpc_method methods[] = {
    {"EnumBan", RPC_SERVER_ADMIN, "addresses that are banned, for wrong logins", rpc_no_fields,
     bans_out, NULL, false},
    {"DeleteBan", RPC_SERVER_ADMIN, "ends a ban", ban_in, ban_in, NULL, true},
    {"EnumBanAllow", RPC_SERVER_ADMIN, "addresses that are never banned", rpc_no_fields,
     prefixes_out, NULL, false},
    {"AddBanAllow", RPC_SERVER_ADMIN, "never bans these addresses", prefix_in, prefix_in, NULL,
     true},
    {"DeleteBanAllow", RPC_SERVER_ADMIN, "takes addresses from that list", prefix_in, prefix_in,
     NULL, true},
};

const struct rpc_area rpc_area_ban = {"Bans", methods, ARRAY_LEN(methods)};
