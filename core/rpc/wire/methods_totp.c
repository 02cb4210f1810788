/* SPDX-License-Identifier: Apache-2.0 */
/* methods_totp.c - methods about one-time codes. None is in SoftEther's API. */
#include "core/rpc/wire/table.h"

static const struct rpc_field user_in[] = {
    F("HubName_str", "name of the hub"),
    F("Name_str", "name of the user"),
    F_END,
};

static const struct rpc_field make_in[] = {
    F("HubName_str", "name of the hub"),
    F("Name_str", "name of the user"),
    F_OPT("Algorithm_str", "sha1, sha256 or sha512; left out: sha1, which all apps know"),
    F_OPT("Digits_u32", "6 or 8; left out: 6"),
    F_END,
};

static const struct rpc_field make_out[] = {
    F("HubName_str", "name of the hub"),
    F("Name_str", "name of the user"),
    F("Uri_str", "what an app takes, otpauth://...: it is told this once only"),
    F_END,
};

static const struct rpc_field get_out[] = {
    F("HubName_str", "name of the hub"),
    F("Name_str", "name of the user"),
    F("IsSet_bool", "the user needs a one-time code"),
    F("Algorithm_str", "sha1, sha256 or sha512"),
    F("Digits_u32", "6 or 8"),
    F_END,
};

static const struct rpc_method methods[] = {
    {"MakeUserTotp", RPC_HUB_ADMIN,
     "makes a new secret for one-time codes, which the user needs "
     "from now on",
     make_in, make_out, NULL, true},
    {"GetUserTotp", RPC_HUB_ADMIN, "whether a user needs one-time codes", user_in, get_out, NULL,
     false},
    {"DeleteUserTotp", RPC_HUB_ADMIN, "a user needs no one-time codes any more", user_in, user_in,
     NULL, true},
};

const struct rpc_area rpc_area_totp = {"One-time codes", methods, ARRAY_LEN(methods)};
