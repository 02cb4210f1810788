/* SPDX-License-Identifier: Apache-2.0 */
/* hub_config.c - see hub_config.h. */
#include "core/rpc/hub_config.h"

/* The lower of two limits; 0 is none. */
static unsigned
lower(unsigned a, unsigned b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

struct hub_config
hub_config_of(struct store *store, const struct store_hub *h)
{
    bool kinds = store_admin_option(store, h->name, "max_sessions_client_bridge_apply") > 0;

    return (struct hub_config){
        .name = h->name,
        .online = h->online,
        .no_enum = h->no_enum,
        .max_sessions = lower(h->max_sessions, store_admin_option(store, h->name, "max_sessions")),
        .max_clients = kinds ? store_admin_option(store, h->name, "max_sessions_client") : 0,
        .max_bridges = kinds ? store_admin_option(store, h->name, "max_sessions_bridge") : 0,
    };
}
