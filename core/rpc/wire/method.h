/* SPDX-License-Identifier: Apache-2.0 */
/* method.h - the one typed table of the administration API.
 *
 * The dispatcher's rights, the encodings, the help texts of the command line and docs/api.md are
 * all read from this table; a method is added by one row in a methods_*.c and one handler in
 * core/rpc. The tables are constant: any thread.
 */
#pragma once

#include "core/rpc/wire/fields.h"

#include <stdbool.h>
#include <stddef.h>

enum rpc_right {
    RPC_ANY_ADMIN,    /* A: any administrator; lists are cut down for those of a hub */
    RPC_HUB_ADMIN,    /* H: server administrator, or the one of the hub that is named */
    RPC_SERVER_ADMIN, /* S: server administrator */
};

enum rpc_field_flags {
    RPC_SECRET = 1,   /* write-only: taken, never given out, never logged */
    RPC_OPTIONAL = 2, /* input: may be left out, then it means what its text says */
    RPC_ARRAY = 4,    /* several values of the type */
    RPC_GROUP = 8,    /* not a field: the members stand here themselves */
    RPC_OURS = 16,    /* not in the API of SoftEther */
};

/* An array of these ends with a name of NULL. */
struct rpc_field {
    const char *name;
    const char *text; /* what it is, in a few words */
    unsigned flags;
    const struct rpc_field *members; /* of a list or a group */
};

struct rpc_method {
    const char *name;
    enum rpc_right right;
    const char *text; /* what it does, one line without a full stop */
    const struct rpc_field *in, *out;
    const char *hub_field; /* of RPC_HUB_ADMIN: names the hub; NULL: HubName_str */
    bool changes;          /* changes something: is logged */
};

struct rpc_area {
    const char *title; /* heading in documentation */
    const struct rpc_method *methods;
    size_t n;
};

/* NULL past the end. */
const struct rpc_area *rpc_area_at(unsigned i);
const struct rpc_method *rpc_method_at(unsigned i);
/* Without regard to case; NULL when there is none. */
const struct rpc_method *rpc_method_find(const char *name);
/* "any", "hub" or "server". */
const char *rpc_right_name(enum rpc_right right);

/* All fields of a set, groups opened: start with {set}, call until NULL. */
enum { RPC_GROUP_DEPTH = 3 };
struct rpc_field_iter {
    const struct rpc_field *at[RPC_GROUP_DEPTH];
    unsigned depth;
};
struct rpc_field_iter rpc_fields(const struct rpc_field *set);
const struct rpc_field *rpc_field_next(struct rpc_field_iter *it);
const struct rpc_field *rpc_field_find(const struct rpc_field *set, const char *name);

/* Values with names, for people: enum UserAuthType 1 is "password". NULL when there is none. */
const char *rpc_auth_type_name(uint32_t auth_type);
const char *rpc_nat_protocol_name(uint32_t protocol); /* of EnumNAT */
