/* SPDX-License-Identifier: Apache-2.0 */
/* hub_methods.c - making, changing, ending hubs, and what can be seen of them. */
#include "core/base/secret.h"
#include "core/crypto/sha0.h"
#include "core/hub/session.h"
#include "core/rpc/hub_config.h"
#include "core/rpc/rpc_priv.h"

#include <string.h>

#define ADMIN "ADMINISTRATOR" /* the name under which a hub's administrator logs in */

/* A password that was given becomes the hub's; none leaves what is there. */
static void
take_password(const struct rpc_call *c, struct store_hub *h)
{
    const char *password = record_text(c->in, "AdminPasswordPlainText_str");

    if (!c->verifier)
        return;
    secret_free_str(h->admin_verifier);
    h->admin_verifier = g_strdup(c->verifier);
    h->has_admin_hash = true;
    sha0(password, strlen(password), h->admin_hash);
    sevpn_user_hash(ADMIN, password, h->admin_user_hash);
}

static void
put_settings(struct record *out, const struct store_hub *h)
{
    record_set_text(out, "HubName_str", h->name);
    record_set_bool(out, "Online_bool", h->online);
    record_set_u32(out, "MaxSession_u32", h->max_sessions);
    record_set_bool(out, "NoEnum_bool", h->no_enum);
    record_set_u32(out, "HubType_u32", 0);
}

/* ---- changes ---- */

/* The hub is new, or gone. */
static void
logs_follow(const struct rpc_call *c, const char *hub)
{
    g_autoptr(GError) error = NULL;

    if (c->host->ops->logs_changed && !c->host->ops->logs_changed(c->host->owner, hub, &error))
        log_warning("the logs of a hub did not follow", "hub=%s error=\"%s\"", hub, error->message);
}

static struct record *
create_hub(const struct rpc_call *c, GError **error)
{
    struct store_hub *h = g_new0(struct store_hub, 1);
    struct record *out = NULL;

    h->name = g_strdup(record_text(c->in, "HubName_str"));
    h->online = record_bool(c->in, "Online_bool");
    h->no_enum = record_bool(c->in, "NoEnum_bool");
    h->max_sessions = record_u32(c->in, "MaxSession_u32");
    take_password(c, h);
    if (store_hub_create(c->host->store, h, error)) {
        struct hub_config config = hub_config_of(c->host->store, h);
        if (hubs_create(c->host->hubs, &config, error)) {
            out = record_new();
            put_settings(out, h);
            logs_follow(c, h->name);
        } else if (!store_hub_delete(c->host->store, h->name, NULL)) {
            g_prefix_error(error, "the hub is in the store, but cannot be started: ");
        }
    }
    store_hub_free(h);
    return out;
}

bool
rpc_follow_hub(const struct rpc_call *c, const struct store_hub *h, GError **error)
{
    struct hub *hub = rpc_living_hub(c, error);

    if (!hub)
        return false;
    struct hub_config config = hub_config_of(c->host->store, h);
    hub_set_config(hub, &config);
    hub_unref(hub);
    return true;
}

/* Writes h, and lets the living hub follow. */
static bool
update(const struct rpc_call *c, const struct store_hub *h, GError **error)
{
    return store_hub_update(c->host->store, h, error) && rpc_follow_hub(c, h, error);
}

static struct record *
set_hub(const struct rpc_call *c, GError **error)
{
    struct store_hub *h = rpc_stored_hub(c, error);
    struct record *out = NULL;

    if (!h)
        return NULL;
    h->online = record_bool(c->in, "Online_bool");
    h->no_enum = record_bool(c->in, "NoEnum_bool");
    h->max_sessions = record_u32(c->in, "MaxSession_u32");
    take_password(c, h);
    if (update(c, h, error)) {
        out = record_new();
        put_settings(out, h);
    }
    store_hub_free(h);
    return out;
}

static struct record *
set_hub_online(const struct rpc_call *c, GError **error)
{
    struct store_hub *h = rpc_stored_hub(c, error);

    if (!h)
        return NULL;
    h->online = record_bool(c->in, "Online_bool");
    bool ok = update(c, h, error);
    store_hub_free(h);
    return ok ? rpc_echo(c) : NULL;
}

static struct record *
delete_hub(const struct rpc_call *c, GError **error)
{
    const char *name = record_text(c->in, "HubName_str");

    if (!store_hub_delete(c->host->store, name, error))
        return NULL;
    rpc_drop_bridges(c->host, name); /* the store has forgotten them with the hub */
    if (c->host->ops->securenat_changed &&
        !c->host->ops->securenat_changed(c->host->owner, name, NULL))
        log_debug("virtual host of a deleted hub did not stop", NULL);
    if (c->host->ops->ipsec_changed && !c->host->ops->ipsec_changed(c->host->owner, NULL))
        log_debug("IPsec did not take the authorities that are left", NULL);
    if (!hubs_remove(c->host->hubs, name, NULL))
        log_debug("hub was deleted that did not live", NULL);
    logs_follow(c, name);
    return rpc_echo(c);
}

/* ---- views ---- */

static struct record *
get_hub(const struct rpc_call *c, GError **error)
{
    struct store_hub *h = rpc_stored_hub(c, error);

    if (!h)
        return NULL;
    struct record *out = record_new();
    put_settings(out, h);
    store_hub_free(h);
    return out;
}

/* The latest login of a hub's users is not kept by the hub; a login is traffic as well. */
static void
put_times(struct record *out, const struct store_hub *h, const struct hub_stats *stats)
{
    record_set_dt(out, "CreatedTime_dt", h->created_ms ? h->created_ms : stats->created_ms);
    record_set_dt(out, "LastCommTime_dt", stats->last_comm_ms);
    record_set_dt(out, "LastLoginTime_dt", stats->logins > 0 ? stats->last_comm_ms : 0);
    record_set_u32(out, "NumLogin_u32", stats->logins);
}

static void
put_counts(struct record *out, const struct rpc_call *c, const char *hub,
           const struct hub_stats *stats)
{
    g_autoptr(GPtrArray) groups = store_groups(c->host->store, hub);

    record_set_u32(out, "NumGroups_u32", groups->len);
    record_set_u32(out, "NumUsers_u32", store_users_count(c->host->store, hub));
    record_set_u32(out, "NumAccessLists_u32",
                   store_rules_count(c->host->store, STORE_ACCESS_RULES, hub));
    record_set_u32(out, "NumSessions_u32", stats->sessions);
    record_set_u32(out, "NumMacTables_u32", stats->fdb_entries);
}

static struct record *
enum_hubs(const struct rpc_call *c, GError **error)
{
    struct record *out = record_new();
    GPtrArray *all = store_hubs(c->host->store);
    unsigned n = 0;

    (void)error;
    record_set_u32(out, "NumHub_u32", 0);
    record_make_array(out, "HubList");
    for (unsigned i = 0; i < all->len; i++) {
        const struct store_hub *h = g_ptr_array_index(all, i);
        struct hub *hub = hubs_find(c->host->hubs, h->name);
        if (hub && rpc_may_see_hub(c->caller, h->name)) {
            struct record *row = record_append(out, "HubList");
            struct hub_stats stats;
            hub_get_stats(hub, &stats);
            record_set_text(row, "HubName_str", h->name);
            record_set_bool(row, "Online_bool", h->online);
            put_counts(row, c, h->name, &stats);
            put_times(row, h, &stats);
            record_set_bool(row, "IsTrafficFilled_bool", true);
            rpc_put_traffic(row, "Ex.", &stats.in, &stats.out);
            n++;
        }
        g_clear_pointer(&hub, hub_unref);
    }
    record_set_u32(out, "NumHub_u32", n);
    g_ptr_array_unref(all);
    return out;
}

static void
put_session_kinds(struct record *out, struct hub *hub)
{
    GPtrArray *all = hub_session_list(hub);
    unsigned bridges = 0;

    for (unsigned i = 0; i < all->len; i++) {
        const struct session *s = g_ptr_array_index(all, i);
        bridges += s->bridge_mode;
    }
    record_set_u32(out, "NumSessionsClient_u32", all->len - bridges);
    record_set_u32(out, "NumSessionsBridge_u32", bridges);
    g_ptr_array_unref(all);
}

static struct record *
get_hub_status(const struct rpc_call *c, GError **error)
{
    struct store_hub *h = rpc_stored_hub(c, error);
    struct hub *hub = h ? rpc_living_hub(c, error) : NULL;
    struct record *out = NULL;
    struct hub_stats stats;

    if (hub) {
        out = record_new();
        hub_get_stats(hub, &stats);
        record_set_text(out, "HubName_str", h->name);
        record_set_bool(out, "Online_bool", h->online);
        put_counts(out, c, h->name, &stats);
        put_session_kinds(out, hub);
        put_times(out, h, &stats);
        rpc_put_traffic(out, "", &stats.in, &stats.out);
        rpc_put_drops(out, stats.dropped);
        hub_unref(hub);
    }
    if (h)
        store_hub_free(h);
    return out;
}

/* ---- the message of the day ---- */

static struct record *
get_message(const struct rpc_call *c, GError **error)
{
    struct hub *hub = rpc_living_hub(c, error);

    if (!hub)
        return NULL;
    g_autofree char *text = hub_message(hub);
    struct record *out = record_new();
    record_set_text(out, "HubName_str", hub_name(hub));
    record_set_bin(out, "Msg_bin", text, strlen(text));
    hub_unref(hub);
    return out;
}

static struct record *
set_message(const struct rpc_call *c, GError **error)
{
    size_t len = 0;
    const char *given = record_bin(c->in, "Msg_bin", &len);
    g_autofree char *text = g_strndup(given, len);

    if (!g_utf8_validate_len(given, len, NULL) || g_utf8_strlen(text, -1) > HUB_MESSAGE_MAX) {
        rpc_fail(error, PE_INVALID_PARAMETER, "the message is text in UTF-8 of up to %d characters",
                 HUB_MESSAGE_MAX);
        return NULL;
    }
    struct hub *hub = rpc_living_hub(c, error);
    if (!hub)
        return NULL;
    bool ok =
        store_hub_set_text(c->host->store, hub_name(hub), "message", text[0] ? text : NULL, error);
    if (ok)
        hub_set_message(hub, text);
    hub_unref(hub);
    return ok ? get_message(c, error) : NULL;
}

const struct rpc_handler_row rpc_hub_handlers[] = {
    {"EnumHub", enum_hubs, NULL},
    {"CreateHub", create_hub, "AdminPasswordPlainText_str"},
    {"GetHub", get_hub, NULL},
    {"SetHub", set_hub, "AdminPasswordPlainText_str"},
    {"DeleteHub", delete_hub, NULL},
    {"SetHubOnline", set_hub_online, NULL},
    {"GetHubStatus", get_hub_status, NULL},
    {"GetHubMsg", get_message, NULL},
    {"SetHubMsg", set_message, NULL},
    {NULL, NULL, NULL},
};
