/* SPDX-License-Identifier: Apache-2.0 */
/* methods_radius.c - the table of methods: RADIUS servers of hubs. */
#include "core/rpc/wire/table.h"

#define OPTIONS                                                                                  \
    F("RadiusServerName_str", "servers, HOST or HOST:PORT, with ';' between, in the order in "   \
                              "which to ask; empty: none"),                                      \
        F("RadiusPort_u32", "UDP port of those that name none"),                                 \
        F("RadiusRetryInterval_u32", "ms before a request is sent again"),                       \
        F_OPT("RadiusRetryTimeout_u32", "ms for one server, before the next is asked"),          \
        F_OURS("RadiusAccounting_bool", "report sessions to the servers"),                       \
        F_OURS("RadiusAccountingPort_u32", "UDP port for that"),                                 \
        F_OURS("RadiusInterim_u32", "seconds between reports while a session lasts; 0: as the "  \
                                    "server says with the login"),                               \
        F_OURS("RadiusAuthenticator_bool", "replies must have a Message-Authenticator; without " \
                                           "it a man in the middle can forge them"),             \
        F_OURS("RadiusNasIdentifier_str", "what the hub calls itself; empty: its name")

const struct rpc_field rpc_radius_options[] = {OPTIONS, F_END};

static const struct rpc_field set_in[] = {
    F("HubName_str", "hub name"),
    OPTIONS,
    F_SECRET("RadiusSecret_str", "shared secret; for several servers one a line, the last one for "
                                 "the rest; empty: as it is"),
    F_END,
};

static const struct rpc_field hub_name[] = {F("HubName_str", "hub name"), F_END};

static const struct rpc_field server_rows[] = {
    F("Host_str", "server"),
    F("Port_u32", "UDP port"),
    F("IsDead_bool", "has not answered, and is passed over for a while"),
    F("NumSent_u64", "requests sent, repeated ones included"),
    F("NumAnswered_u64", "replies"),
    F("NumTimeouts_u64", "requests without a reply"),
    F("NumForged_u64", "replies with a wrong authenticator: another secret, or an attack"),
    F("NumBare_u64", "replies without Message-Authenticator, which were refused"),
    F("NumReported_u64", "accounting requests that were answered"),
    F("Test_str", "how the last test went"),
    F_END,
};

static const struct rpc_field get_out[] = {
    F("HubName_str", "hub name"),
    OPTIONS,
    F_SECRET("RadiusSecret_str", "shared secret: never told"),
    F_OURS("HasSecret_bool", "a secret is set"),
    F_OURS("NumReportsWaiting_u32", "accounting requests that no server has answered yet"),
    F_OURS("NumReportsLost_u64", "those that were given up"),
    F_OUR_LIST("ServerList", "servers", server_rows),
    F_END,
};

static const struct rpc_method methods[] = {
    {"SetHubRadius", RPC_HUB_ADMIN, "sets the RADIUS servers of a hub", set_in, get_out, NULL,
     true},
    {"GetHubRadius", RPC_HUB_ADMIN, "RADIUS servers of a hub, and how they do", hub_name, get_out,
     NULL, false},
    {"TestHubRadius", RPC_HUB_ADMIN,
     "asks each server of a hub for a sign of life (Status-Server); GetHubRadius tells how it went",
     hub_name, hub_name, NULL, true},
};

const struct rpc_area rpc_area_radius = {"RADIUS", methods, ARRAY_LEN(methods)};
