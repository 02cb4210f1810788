/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - for the files that hold the table of methods: short forms, and fields that many methods
 * share. */
#pragma once

#include "core/base/types.h"
#include "core/rpc/wire/method.h"

/* clang-format off */
#define F(name, text)               {name, text, 0, NULL}
#define F_OPT(name, text)           {name, text, RPC_OPTIONAL, NULL}
#define F_SECRET(name, text)        {name, text, RPC_SECRET | RPC_OPTIONAL, NULL}
#define F_OURS(name, text)          {name, text, RPC_OURS | RPC_OPTIONAL, NULL}
#define F_LIST(name, text, members) {name, text, 0, members}
#define F_OUR_LIST(name, text, members) {name, text, RPC_OURS, members}
#define F_GROUP(members)            {"", "", RPC_GROUP, members}
#define F_END                       {NULL, NULL, 0, NULL}
/* clang-format on */

extern const struct rpc_field rpc_no_fields[];
extern const struct rpc_field rpc_traffic_fields[];    /* Recv.* and Send.* */
extern const struct rpc_field rpc_ex_traffic_fields[]; /* Ex.Recv.* and Ex.Send.* */
extern const struct rpc_field rpc_policy_fields[];     /* policy:* */
extern const struct rpc_field rpc_drop_rows[];         /* reasons and counts */
extern const struct rpc_field rpc_test_fields[];       /* what methods without an answer give */

/* What the store keeps as text, too. */
extern const struct rpc_field rpc_securenat_options[];
extern const struct rpc_field rpc_openvpn_options[];
extern const struct rpc_field rpc_ipsec_services[];
extern const struct rpc_field rpc_hub_log_options[];
extern const struct rpc_field rpc_server_log_options[];
extern const struct rpc_field rpc_syslog_options[];
extern const struct rpc_field rpc_radius_options[];

extern const struct rpc_area rpc_area_access;
extern const struct rpc_area rpc_area_ban;
extern const struct rpc_area rpc_area_crl;
extern const struct rpc_area rpc_area_totp;
extern const struct rpc_area rpc_area_ipsec;
extern const struct rpc_area rpc_area_log;
extern const struct rpc_area rpc_area_radius;
extern const struct rpc_area rpc_area_openvpn;
extern const struct rpc_area rpc_area_securenat;
extern const struct rpc_area rpc_area_server;
extern const struct rpc_area rpc_area_hub;
extern const struct rpc_area rpc_area_user;
extern const struct rpc_area rpc_area_group;
extern const struct rpc_area rpc_area_session;
extern const struct rpc_area rpc_area_bridge;
extern const struct rpc_area rpc_area_option;
