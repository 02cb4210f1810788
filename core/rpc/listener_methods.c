/* SPDX-License-Identifier: Apache-2.0 */
/* listener_methods.c - TCP ports of the server. */
#include "core/rpc/rpc_priv.h"

static bool
find_listener(struct store *s, uint32_t port, struct store_listener *out)
{
    GArray *all = store_listeners(s);
    bool found = false;

    for (unsigned i = 0; i < all->len; i++) {
        const struct store_listener *l = &g_array_index(all, struct store_listener, i);
        if (l->port == port) {
            *out = *l;
            found = true;
        }
    }
    g_array_unref(all);
    return found;
}

static bool
listener_of(const struct rpc_call *c, struct store_listener *out, GError **error)
{
    uint32_t port = record_u32(c->in, "Port_u32");

    if (find_listener(c->host->store, port, out))
        return true;
    return rpc_fail(error, PE_LISTENER_NOT_FOUND, "there is no listener on port %u", port);
}

static struct record *
answer(uint32_t port, bool enabled)
{
    struct record *out = record_new();

    record_set_u32(out, "Port_u32", port);
    record_set_bool(out, "Enable_bool", enabled);
    return out;
}

static struct record *
enum_listeners(const struct rpc_call *c, GError **error)
{
    struct record *out = record_new();
    GArray *all = store_listeners(c->host->store);

    (void)error;
    record_make_array(out, "ListenerList");
    for (unsigned i = 0; i < all->len; i++) {
        const struct store_listener *l = &g_array_index(all, struct store_listener, i);
        enum rpc_listener_state state = c->host->ops->listener_state(c->host->owner, l->port);
        struct record *row = record_append(out, "ListenerList");
        record_set_u32(row, "Ports_u32", l->port);
        record_set_bool(row, "Enables_bool", l->enabled);
        record_set_bool(row, "Errors_bool", l->enabled && state == RPC_LISTENER_ERROR);
    }
    g_array_unref(all);
    return out;
}

static struct record *
create_listener(const struct rpc_call *c, GError **error)
{
    uint32_t port = record_u32(c->in, "Port_u32");
    bool enabled = record_bool(c->in, "Enable_bool");
    struct store_listener old;

    if (port < 1 || port > 65535) {
        rpc_fail(error, PE_INVALID_PARAMETER, "a port is a number from 1 to 65535");
        return NULL;
    }
    if (find_listener(c->host->store, port, &old)) {
        rpc_fail(error, PE_LISTENER_EXISTS, "there is a listener on port %u already", port);
        return NULL;
    }
    struct store_listener made = {.port = (uint16_t)port, .enabled = enabled};
    if (!store_listener_put(c->host->store, &made, error))
        return NULL;
    if (enabled && !c->host->ops->listener_open(c->host->owner, made.port, error)) {
        c->host->ops->listener_close(c->host->owner, made.port);
        if (!store_listener_delete(c->host->store, made.port, NULL))
            g_prefix_error(error, "the listener stays in the list, but: ");
        return NULL;
    }
    return answer(port, enabled);
}

static struct record *
delete_listener(const struct rpc_call *c, GError **error)
{
    struct store_listener l;

    if (!listener_of(c, &l, error) || !store_listener_delete(c->host->store, l.port, error))
        return NULL;
    c->host->ops->listener_close(c->host->owner, l.port);
    return answer(l.port, false);
}

static struct record *
enable_listener(const struct rpc_call *c, GError **error)
{
    bool want = record_bool(c->in, "Enable_bool");
    struct store_listener old;

    if (!listener_of(c, &old, error))
        return NULL;
    struct store_listener changed = {.port = old.port, .enabled = want};
    if (!store_listener_put(c->host->store, &changed, error))
        return NULL;
    if (!want) {
        c->host->ops->listener_close(c->host->owner, old.port);
    } else if (!c->host->ops->listener_open(c->host->owner, old.port, error)) {
        if (!old.enabled) {
            c->host->ops->listener_close(c->host->owner, old.port);
            if (!store_listener_put(c->host->store, &old, NULL))
                g_prefix_error(error, "the listener stays enabled, but: ");
        }
        return NULL;
    }
    return answer(old.port, want);
}

const struct rpc_handler_row rpc_listener_handlers[] = {
    {"EnumListener", enum_listeners, NULL},
    {"CreateListener", create_listener, NULL},
    {"DeleteListener", delete_listener, NULL},
    {"EnableListener", enable_listener, NULL},
    {NULL, NULL, NULL},
};
