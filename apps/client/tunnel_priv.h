/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel_priv.h - the inside of a tunnel, for tunnel*.c only. */
#pragma once

#include "apps/client/link.h"
#include "apps/client/net_setup.h"
#include "apps/client/reconnect.h"
#include "apps/client/tunnel.h"

struct tunnel {
    struct account *account;
    struct tunnel_config config;
    struct reconnect reconnect;
    guint timer; /* GSource id of the next try, or 0 */

    /* While not down. */
    struct link *link;
    struct sevpn_client_config client;
    struct net_setup *setup;
    struct net_plan plan; /* what is applied; routes NULL: nothing */
    bool has_offer;
    struct net_offer offer;
    struct ip router6;
    struct ip peer; /* whom the tunnel talks to, or talked to last */
    char *network_problem;

    /* While established. */
    struct link_session session;
    int64_t since_ms;

    /* Why it is not. */
    int code;
    char *message;
    bool has_fingerprint;
    uint8_t fingerprint[32];
};
