/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.c - see daemon.h. */
#include "apps/client/daemon.h"

#include "apps/client/account_store.h"
#include "apps/client/control.h"
#include "apps/client/net_setup.h"
#include "apps/client/tunnel.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/worker.h"

#include <string.h>

struct daemon {
    char *runtime_folder;
    struct account_store *accounts;
    struct worker_set *workers;
    struct control *control;
    struct tunnel *tunnel[TUNNEL_MAX]; /* by index; NULL: free */
};

/* ---- tunnels ---- */

static struct tunnel *
find_tunnel(const struct daemon *d, const char *name)
{
    for (unsigned i = 0; i < TUNNEL_MAX; i++) {
        if (d->tunnel[i] && strcmp(tunnel_name(d->tunnel[i]), name) == 0)
            return d->tunnel[i];
    }
    return NULL;
}

static bool
is_active(const struct daemon *d, const char *name)
{
    const struct tunnel *t = find_tunnel(d, name);
    return t && tunnel_is_active(t);
}

static void
forget_tunnel(struct daemon *d, const char *name)
{
    for (unsigned i = 0; i < TUNNEL_MAX; i++) {
        if (d->tunnel[i] && strcmp(tunnel_name(d->tunnel[i]), name) == 0)
            g_clear_pointer(&d->tunnel[i], tunnel_free);
    }
}

static void
on_changed(void *owner, struct tunnel *t)
{
    const struct daemon *d = owner;

    if (d->control)
        control_event(d->control, "Status", tunnel_status(t));
}

static void
on_worked(void *owner, struct tunnel *t)
{
    struct daemon *d = owner;
    const struct account *a = account_store_get(d->accounts, tunnel_name(t));
    g_autoptr(GError) error = NULL;

    if (!a || a->has_worked)
        return;
    struct account *changed = account_copy(a);
    changed->has_worked = true;
    if (!account_store_put(d->accounts, changed, &error)) {
        log_warning("an account was not written", "account=%s reason=\"%s\"", a->name,
                    error->message);
        account_free(changed);
    }
}

/* A tunnel for the account as it is now; in place of one that is down. */
static struct tunnel *
make_tunnel(struct daemon *d, const struct account *a, GError **error)
{
    unsigned i = 0;

    forget_tunnel(d, a->name);
    while (i < TUNNEL_MAX && d->tunnel[i])
        i++;
    if (i == TUNNEL_MAX) {
        g_set_error(error, PE_ERROR, PE_TOO_MANY_ITEMS, "%d accounts are connected already",
                    TUNNEL_MAX);
        return NULL;
    }
    struct tunnel_config config = {
        .worker = worker_set_get(d->workers, 0),
        .runtime_folder = d->runtime_folder,
        .machine = account_store_machine(d->accounts),
        .index = i,
        .owner = d,
        .changed = on_changed,
        .worked = on_worked,
    };
    d->tunnel[i] = tunnel_new(a, &config);
    return d->tunnel[i];
}

/* ---- methods ---- */

static const struct account *
named_account(const struct daemon *d, const json_t *params, GError **error)
{
    const char *name = json_string_value(json_object_get(params, "name"));
    const struct account *a = name ? account_store_get(d->accounts, name) : NULL;

    if (!name)
        g_set_error_literal(error, PE_ERROR, PE_INVALID_PARAMETER, "the name is missing");
    else if (!a)
        g_set_error(error, PE_ERROR, PE_ACCOUNT_NOT_FOUND, "there is no account '%s'", name);
    return a;
}

static const struct account *
idle_account(const struct daemon *d, const json_t *params, GError **error)
{
    const struct account *a = named_account(d, params, error);

    if (a && is_active(d, a->name)) {
        g_set_error(error, PE_ERROR, PE_ACCOUNT_ACTIVE,
                    "the account '%s' is in use: take it down first", a->name);
        return NULL;
    }
    return a;
}

static json_t *
status_of(const struct daemon *d, const struct account *a)
{
    struct tunnel *t = find_tunnel(d, a->name);
    return t ? tunnel_status(t) : tunnel_status_down(a);
}

/* Stores a changed account; the new object is the store's. Takes a. */
static json_t *
store(struct daemon *d, struct account *a, const json_t *fields, GError **error)
{
    if (!account_apply(a, fields, error) || !account_store_put(d->accounts, a, error)) {
        account_free(a);
        return NULL;
    }
    return account_to_json(a);
}

static json_t *
account_add(struct daemon *d, const json_t *params, GError **error)
{
    return store(d, account_new(), params, error);
}

/* "rename" is the new name; "name" says which. */
static json_t *
account_set(struct daemon *d, const json_t *params, GError **error)
{
    const struct account *a = idle_account(d, params, error);

    if (!a)
        return NULL;
    g_autofree char *old = g_strdup(a->name);
    json_t *fields = json_copy((json_t *)(uintptr_t)params);
    json_t *rename = json_object_get(fields, "rename");
    if (rename)
        json_object_set(fields, "name", rename);
    (void)json_object_del(fields, "rename");
    json_t *result = store(d, account_copy(a), fields, error);
    json_decref(fields);
    if (result)
        forget_tunnel(d, old);
    return result;
}

static json_t *
account_delete(struct daemon *d, const json_t *params, GError **error)
{
    const struct account *a = idle_account(d, params, error);

    if (!a)
        return NULL;
    forget_tunnel(d, a->name);
    g_autofree char *name = g_strdup(a->name);
    return account_store_delete(d->accounts, name, error) ? json_object() : NULL;
}

static json_t *
account_get(struct daemon *d, const json_t *params, GError **error)
{
    const struct account *a = named_account(d, params, error);
    return a ? account_to_json(a) : NULL;
}

static json_t *
account_list(struct daemon *d, const json_t *params, GError **error)
{
    g_autoptr(GPtrArray) all = account_store_all(d->accounts);
    json_t *list = json_array();
    (void)params;
    (void)error;

    for (guint i = 0; i < all->len; i++)
        json_array_append_new(list, account_to_json(g_ptr_array_index(all, i)));
    return json_pack("{s:o}", "accounts", list);
}

static json_t *
up(struct daemon *d, const json_t *params, GError **error)
{
    const struct account *a = named_account(d, params, error);

    if (!a)
        return NULL;
    struct tunnel *t = is_active(d, a->name) ? find_tunnel(d, a->name) : make_tunnel(d, a, error);
    if (!t)
        return NULL;
    if (!tunnel_up(t, false, error)) {
        forget_tunnel(d, a->name);
        return NULL;
    }
    return tunnel_status(t);
}

static json_t *
down(struct daemon *d, const json_t *params, GError **error)
{
    const struct account *a = named_account(d, params, error);

    if (!a)
        return NULL;
    struct tunnel *t = find_tunnel(d, a->name);
    if (t)
        tunnel_down(t);
    forget_tunnel(d, a->name);
    return tunnel_status_down(a);
}

static json_t *
status_all(const struct daemon *d)
{
    g_autoptr(GPtrArray) all = account_store_all(d->accounts);
    json_t *list = json_array();

    for (guint i = 0; i < all->len; i++)
        json_array_append_new(list, status_of(d, g_ptr_array_index(all, i)));
    return json_pack("{s:o}", "accounts", list);
}

static json_t *
status(struct daemon *d, const json_t *params, GError **error)
{
    if (!json_object_get(params, "name"))
        return status_all(d);
    const struct account *a = named_account(d, params, error);
    return a ? status_of(d, a) : NULL;
}

static json_t *
watch(struct daemon *d, const json_t *params, GError **error)
{
    (void)params;
    (void)error;
    return status_all(d);
}

static const struct method {
    const char *name;
    json_t *(*run)(struct daemon *d, const json_t *params, GError **error);
} methods[] = {
    {"AccountAdd", account_add},
    {"AccountDelete", account_delete},
    {"AccountGet", account_get},
    {"AccountList", account_list},
    {"AccountSet", account_set},
    {"Down", down},
    {"Status", status},
    {"Up", up},
    {"Watch", watch},
};

static json_t *
on_call(void *owner, const char *method, const json_t *params, bool *ret_watch, GError **error)
{
    struct daemon *d = owner;

    for (size_t i = 0; i < G_N_ELEMENTS(methods); i++) {
        if (strcmp(methods[i].name, method) != 0)
            continue;
        *ret_watch = methods[i].run == watch;
        return methods[i].run(d, params, error);
    }
    g_set_error(error, PE_ERROR, PE_NOT_SUPPORTED, "there is no method '%s'", method);
    return NULL;
}

/* ---- life ---- */

struct daemon *
daemon_new(const char *state_folder, const char *socket_path, GError **error)
{
    struct daemon *d = g_new0(struct daemon, 1);

    /* The socket first: it says whether another daemon is at work here. */
    d->runtime_folder = g_path_get_dirname(socket_path);
    d->control = control_new(socket_path, on_call, d, error);
    if (d->control) {
        net_setup_clean(d->runtime_folder);
        d->accounts = account_store_open(state_folder, error);
    }
    if (d->accounts)
        d->workers = worker_set_new(1, error);
    if (d->workers)
        return d;
    daemon_free(d);
    return NULL;
}

void
daemon_start_accounts(struct daemon *d)
{
    g_autoptr(GPtrArray) all = account_store_all(d->accounts);

    for (guint i = 0; i < all->len; i++) {
        const struct account *a = g_ptr_array_index(all, i);
        g_autoptr(GError) error = NULL;
        if (!a->startup)
            continue;
        struct tunnel *t = make_tunnel(d, a, &error);
        if (!t || !tunnel_up(t, true, &error))
            log_error("an account could not be connected at start", "account=%s reason=\"%s\"",
                      a->name, error->message);
    }
}

void
daemon_free(struct daemon *d)
{
    if (!d)
        return;
    control_free(g_steal_pointer(&d->control));
    for (unsigned i = 0; i < TUNNEL_MAX; i++)
        g_clear_pointer(&d->tunnel[i], tunnel_free);
    if (d->workers)
        worker_set_free(d->workers);
    account_store_free(d->accounts);
    g_free(d->runtime_folder);
    g_free(d);
}
