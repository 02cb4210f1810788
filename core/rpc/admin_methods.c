/* SPDX-License-Identifier: Apache-2.0 */
/* admin_methods.c - administration options of a hub. */
#include "core/rpc/rpc_priv.h"

static struct record *
list(const struct rpc_call *c, bool defaults, GError **error)
{
    const char *hub = record_text(c->in, "HubName_str");
    struct store_hub *h = rpc_stored_hub(c, error);
    const struct store_admin_option *o;

    if (!h)
        return NULL;
    store_hub_free(h);
    struct record *out = record_new();
    record_set_text(out, "HubName_str", hub);
    record_make_array(out, "AdminOptionList");
    for (unsigned i = 0; (o = store_admin_option_at(i)) != NULL; i++) {
        struct record *row = record_append(out, "AdminOptionList");
        uint32_t value = defaults ? 0 : store_admin_option(c->host->store, hub, o->name);
        record_set_text(row, "Name_str", o->name);
        record_set_u32(row, "Value_u32", value);
        record_set_text(row, "Descrption_utf", o->text);
    }
    return out;
}

static struct record *
get_default_options(const struct rpc_call *c, GError **error)
{
    return list(c, true, error);
}

static struct record *
get_options(const struct rpc_call *c, GError **error)
{
    return list(c, false, error);
}

static bool
take_options(const struct rpc_call *c, GError **error)
{
    const char *hub = record_text(c->in, "HubName_str");
    const struct record *row;

    for (unsigned i = 0; (row = record_at(c->in, "AdminOptionList", i)) != NULL; i++)
        if (!store_admin_option_set(c->host->store, hub, record_text(row, "Name_str"),
                                    record_u32(row, "Value_u32"), error))
            return false;
    return true;
}

/* Those that are not named stay as they are. All of them are taken, or none. */
static struct record *
set_options(const struct rpc_call *c, GError **error)
{
    struct store *store = c->host->store;
    struct store_hub *h = rpc_stored_hub(c, error);

    if (!h)
        return NULL;
    bool ok = store_begin(store, error);
    if (ok && !take_options(c, error)) {
        store_rollback(store);
        ok = false;
    } else if (ok) {
        ok = store_commit(store, error);
    }
    ok = ok && rpc_follow_hub(c, h, error);
    store_hub_free(h);
    return ok ? get_options(c, error) : NULL;
}

const struct rpc_handler_row rpc_admin_handlers[] = {
    {"GetDefaultHubAdminOptions", get_default_options, NULL},
    {"GetHubAdminOptions", get_options, NULL},
    {"SetHubAdminOptions", set_options, NULL},
    {NULL, NULL, NULL},
};
