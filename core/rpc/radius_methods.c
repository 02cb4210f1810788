/* SPDX-License-Identifier: Apache-2.0 */
/* radius_methods.c - RADIUS servers of hubs. */
#include "core/rpc/radius_config.h"
#include "core/rpc/rpc_priv.h"
#include "core/rpc/wire/table.h"

/* What has secrets is in the store already. */
static struct record *
read_back(const struct rpc_call *c)
{
    const char *hub = record_text(c->in, "HubName_str");
    struct record *out = radius_config_load(c->host->store, hub);
    g_autoptr(GBytes) secrets = store_hub_get_secret(c->host->store, hub, RADIUS_SECRETS);

    record_set_text(out, "HubName_str", hub);
    record_set_bool(out, "HasSecret_bool", secrets != NULL);
    record_make_array(out, "ServerList");
    if (c->host->ops->radius_status)
        c->host->ops->radius_status(c->host->owner, hub, out);
    return out;
}

static bool
hub_is_there(const struct rpc_call *c, GError **error)
{
    struct store_hub *h = rpc_stored_hub(c, error);

    store_hub_free(h);
    return h != NULL;
}

static struct record *
get_radius(const struct rpc_call *c, GError **error)
{
    return hub_is_there(c, error) ? read_back(c) : NULL;
}

static struct record *
set_radius(const struct rpc_call *c, GError **error)
{
    const char *hub = record_text(c->in, "HubName_str");
    const char *secrets = record_text(c->in, "RadiusSecret_str");
    struct store *store = c->host->store;

    if (!hub_is_there(c, error))
        return NULL;
    g_autoptr(record_t) options = radius_config_load(store, hub);
    struct rpc_field_iter it = rpc_fields(rpc_radius_options);
    const struct rpc_field *f;
    while ((f = rpc_field_next(&it)) != NULL)
        record_copy(options, c->in, f->name); /* what is left out stays */
    if (!store_begin(store, error))
        return NULL;
    if (!radius_config_save(store, hub, options, secrets[0] ? secrets : NULL, error)) {
        store_rollback(store);
        return NULL;
    }
    if (!store_commit(store, error))
        return NULL;
    if (c->host->ops->radius_changed)
        c->host->ops->radius_changed(c->host->owner, hub);
    return read_back(c);
}

static struct record *
test_radius(const struct rpc_call *c, GError **error)
{
    if (!hub_is_there(c, error))
        return NULL;
    if (c->host->ops->radius_test)
        c->host->ops->radius_test(c->host->owner, record_text(c->in, "HubName_str"));
    return rpc_echo(c);
}

const struct rpc_handler_row rpc_radius_handlers[] = {
    {"SetHubRadius", set_radius, NULL},
    {"GetHubRadius", get_radius, NULL},
    {"TestHubRadius", test_radius, NULL},
    {NULL, NULL, NULL},
};
