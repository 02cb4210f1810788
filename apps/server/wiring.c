/* SPDX-License-Identifier: Apache-2.0 */
/* wiring.c - see wiring.h. Built from the bottom up, taken down in the opposite order. */

#include "apps/server/wiring.h"

#include "apps/server/api_service.h"
#include "apps/server/first_start.h"
#include "apps/server/ipsec.h"
#include "apps/server/logs.h"
#include "apps/server/openvpn.h"
#include "apps/server/radius.h"
#include "apps/server/secrets.h"
#include "apps/server/securenat.h"
#include "apps/server/usage.h"
#include "apps/server/users.h"
#include "core/auth/totp_factor.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/crypto/tls.h"
#include "core/hub/bridge.h"
#include "core/hub/hub_access.h"
#include "core/hub/hubs.h"
#include "core/proto/listener.h"
#include "core/proto/sevpn/server.h"
#include "core/proto/sstp/server.h"
#include "core/rpc/access_config.h"
#include "core/rpc/ban_config.h"
#include "core/rpc/hub_config.h"
#include "core/rpc/identity.h"
#include "core/rpc/option_config.h"
#include "core/rpc/server.h"
#include "core/rpc/unix_server.h"
#include "core/store/store.h"

enum { FLUSH_S = 60 };

struct server {
    struct store *store;
    struct logs *logs;
    struct worker_set *workers;
    struct hub_watch usage;
    struct radius *radius;
    struct hubs *hubs;
    GPtrArray *bridges; /* of struct bridge */
    struct auth *auth;
    struct totp_factor *totp;
    struct rpc_server *rpc;
    struct api_service *api;
    struct sevpn_server *sevpn;
    struct sstp_server *sstp;
    struct openvpn *openvpn;
    struct ipsec *ipsec;
    struct securenat *securenat;
    const struct http_service *services[4];
    const struct stream_service *streams[2];
    struct listeners *listeners;
    struct rpc_unix_server *socket;
    guint flush; /* GSource */
};

/* ---- what the administration may do with the doors ---- */

static bool
host_listener_open(void *owner, uint16_t port, GError **error)
{
    struct server *s = owner;

    listeners_open(s->listeners, port);
    const char *why = listeners_error(s->listeners, port);
    if (why)
        g_set_error(error, PE_ERROR, PE_INTERNAL, "port %u cannot be opened: %s", port, why);
    return why == NULL;
}

static void
host_listener_close(void *owner, uint16_t port)
{
    struct server *s = owner;

    (void)listeners_close(s->listeners, port);
}

static enum rpc_listener_state
host_listener_state(void *owner, uint16_t port)
{
    const struct server *s = owner;

    if (!listeners_has(s->listeners, port))
        return RPC_LISTENER_CLOSED;
    return listeners_error(s->listeners, port) ? RPC_LISTENER_ERROR : RPC_LISTENER_OPEN;
}

static bool
use_certificate(void *owner, GError **error)
{
    struct server *s = owner;
    struct identity id = {0};

    if (!identity_load(s->store, &id, error))
        return false;
    SSL_CTX *ctx = tls_server_ctx(id.cert, id.key, id.chain, error);
    if (ctx) {
        listeners_set_tls(s->listeners, ctx);
        SSL_CTX_free(ctx);
        openvpn_use_identity(s->openvpn, &id);
        ipsec_use_identity(s->ipsec, &id);
    }
    identity_clear(&id);
    return ctx != NULL;
}

static bool
host_securenat_changed(void *owner, const char *hub, GError **error)
{
    struct server *s = owner;

    return securenat_apply(s->securenat, hub, error);
}

static struct vhost *
host_securenat(void *owner, const char *hub)
{
    struct server *s = owner;

    return securenat_find(s->securenat, hub);
}

static bool
host_openvpn_changed(void *owner, GError **error)
{
    struct server *s = owner;

    return openvpn_apply(s->openvpn, error);
}

static void
host_sstp_changed(void *owner)
{
    struct server *s = owner;
    g_autofree char *off = store_get_text(s->store, RPC_SETTING_SSTP_OFF);

    sstp_server_enable(s->sstp, g_strcmp0(off, "1") != 0);
}

static bool
host_ipsec_changed(void *owner, GError **error)
{
    const struct server *s = owner;

    (void)error;
    ipsec_apply(s->ipsec);
    return true;
}

static void
host_ipsec_status(void *owner, struct record *out)
{
    const struct server *s = owner;

    ipsec_put_status(s->ipsec, out);
}

static void
host_ipsec_peers(void *owner, struct record *out)
{
    const struct server *s = owner;

    ipsec_put_peers(s->ipsec, out);
}

static void
host_radius_changed(void *owner, const char *hub)
{
    const struct server *s = owner;

    radius_changed(s->radius, hub);
}

static void
host_radius_status(void *owner, const char *hub, struct record *out)
{
    const struct server *s = owner;

    radius_put_status(s->radius, hub, out);
}

static void
host_radius_test(void *owner, const char *hub)
{
    const struct server *s = owner;

    radius_test(s->radius, hub);
}

static GString *
host_openvpn_profile(void *owner, const struct record *in, GError **error)
{
    struct server *s = owner;

    return openvpn_profile(s->openvpn, in, error);
}

static char *
host_openvpn_key(void *owner, const char *control, GError **error)
{
    struct server *s = owner;

    return openvpn_key(s->openvpn, control, error);
}

static bool
host_logs_changed(void *owner, const char *hub, GError **error)
{
    const struct server *s = owner;

    (void)error;
    logs_apply(s->logs, hub);
    return true;
}

static void
host_log_status(void *owner, struct record *out)
{
    const struct server *s = owner;

    logs_put_status(s->logs, out);
}

static bool
host_capture(void *owner, struct rpc_capture *want, GError **error)
{
    const struct server *s = owner;

    return logs_capture(s->logs, want, error);
}

static const struct rpc_host_ops host_ops = {.logs_changed = host_logs_changed,
                                             .log_status = host_log_status,
                                             .capture = host_capture,
                                             .listener_open = host_listener_open,
                                             .listener_close = host_listener_close,
                                             .listener_state = host_listener_state,
                                             .cert_changed = use_certificate,
                                             .securenat_changed = host_securenat_changed,
                                             .securenat = host_securenat,
                                             .openvpn_changed = host_openvpn_changed,
                                             .sstp_changed = host_sstp_changed,
                                             .ipsec_changed = host_ipsec_changed,
                                             .ipsec_status = host_ipsec_status,
                                             .ipsec_peers = host_ipsec_peers,
                                             .radius_changed = host_radius_changed,
                                             .radius_status = host_radius_status,
                                             .radius_test = host_radius_test,
                                             .openvpn_profile = host_openvpn_profile,
                                             .openvpn_key = host_openvpn_key};

/* ---- from the store to living objects ---- */

/* Addresses of layer 3 sessions are made from it, and stay the same over restarts. */
static bool
use_hub_secret(struct server *s, GError **error)
{
    g_autoptr(GBytes) secret = kept_secret(s->store, "hubs.secret", HUB_SECRET_LEN, error);

    if (secret)
        hubs_set_secret(s->hubs, g_bytes_get_data(secret, NULL));
    return secret != NULL;
}

/* What a hub's rules for clients' addresses say. */
static bool
admits(void *owner, const char *name, const struct ip *address)
{
    struct hub *hub = hubs_find(owner, name);
    bool yes = !hub || hub_admits(hub, address, NULL);

    if (hub)
        hub_unref(hub);
    return yes;
}

static bool
start_hubs(struct server *s, GError **error)
{
    g_autoptr(GPtrArray) stored = store_hubs(s->store);

    for (guint i = 0; i < stored->len; i++) {
        const struct store_hub *h = g_ptr_array_index(stored, i);
        struct hub_config config = hub_config_of(s->store, h);
        struct hub *hub = hubs_create(s->hubs, &config, error);
        if (!hub)
            return false;
        g_autofree char *message = store_hub_get_text(s->store, h->name, "message");
        hub_set_message(hub, message);
        access_apply(s->store, hub);
        struct hub_options options = option_config_load(s->store, h->name);
        hub_set_options(hub, &options);
    }
    return true;
}

static void
start_bridges(struct server *s)
{
    g_autoptr(GPtrArray) stored = store_bridges(s->store);

    for (guint i = 0; i < stored->len; i++) {
        const struct store_bridge *b = g_ptr_array_index(stored, i);
        struct bridge_config config = {.hub = b->hub, .device = b->device, .tap = b->tap};
        g_autoptr(GError) error = NULL;
        struct bridge *bridge = bridge_new(s->hubs, &config, &error);
        if (bridge)
            g_ptr_array_add(s->bridges, bridge);
        else
            log_warning("cannot start local bridge", "hub=%s device=%s error=%s", b->hub, b->device,
                        error->message);
    }
}

static void
start_listeners(struct server *s, const GArray *instead)
{
    if (instead) {
        for (guint i = 0; i < instead->len; i++)
            listeners_open(s->listeners, g_array_index(instead, uint16_t, i));
        return;
    }
    g_autoptr(GArray) stored = store_listeners(s->store);
    for (guint i = 0; i < stored->len; i++) {
        const struct store_listener *l = &g_array_index(stored, struct store_listener, i);
        if (l->enabled)
            listeners_open(s->listeners, l->port);
    }
}

static gboolean
on_flush(gpointer data)
{
    const struct server *s = data;

    store_flush(s->store);
    return G_SOURCE_CONTINUE;
}

static void
bridge_free_any(gpointer bridge)
{
    bridge_free(bridge);
}

static bool
start(struct server *s, const struct options *o, GError **error)
{
    s->store = store_open(o->state, error);
    if (!s->store || !first_start(s->store, error))
        return false;
    g_autofree char *folder = g_build_filename(o->state, "logs", NULL);
    s->logs = logs_new(s->store, folder, o->workers, error);
    if (!s->logs)
        return false;
    s->workers = worker_set_new(o->workers, error);
    if (!s->workers)
        return false;
    s->hubs = hubs_new(s->workers);
    if (!use_hub_secret(s, error))
        return false;
    s->usage = usage_watch(s->store);
    s->radius = radius_new(s->store);
    hubs_set_watch(s->hubs, radius_watch(s->radius, &s->usage));
    if (!start_hubs(s, error))
        return false;
    logs_use_hubs(s->logs, s->hubs);
    s->bridges = g_ptr_array_new_with_free_func(bridge_free_any);
    s->auth = auth_new(&users_of_store, s->store);
    auth_set_admission(s->auth, admits, s->hubs);
    s->totp = totp_factor_new(s->auth, &users_of_store, s->store);
    ban_config_load(s->store, s->auth);
    radius_start(s->radius, s->auth);
    struct rpc_host host = {.store = s->store,
                            .hubs = s->hubs,
                            .auth = s->auth,
                            .bridges = s->bridges,
                            .ops = &host_ops,
                            .owner = s,
                            .log_folder = logs_folder(s->logs)};
    s->rpc = rpc_server_new(&host);
    s->securenat = securenat_new(s->store, s->hubs);
    s->openvpn = openvpn_new(s->store, s->workers, s->hubs, s->auth, error);
    if (!s->openvpn)
        return false;
    s->ipsec = ipsec_new(s->store, s->workers, s->hubs, s->auth);
    s->api = api_service_new(s->rpc);
    s->sevpn = sevpn_server_new(&(struct sevpn_server_config){.hubs = s->hubs, .auth = s->auth});
    s->services[0] = api_service_http(s->api);
    s->sstp = sstp_server_new(&(struct sstp_server_config){.hubs = s->hubs, .auth = s->auth});
    host_sstp_changed(s);
    s->services[1] = sstp_server_service(s->sstp);
    s->services[2] = sevpn_server_service(s->sevpn);
    s->streams[0] = openvpn_stream(s->openvpn);
    s->listeners = listeners_new(s->workers, s->services, s->streams);
    if (!use_certificate(s, error))
        return false;
    s->socket = rpc_unix_server_new(s->rpc, o->socket, error);
    if (!s->socket)
        return false;
    start_bridges(s);
    securenat_start(s->securenat);
    if (!openvpn_apply(s->openvpn, error))
        return false;
    ipsec_apply(s->ipsec);
    start_listeners(s, o->listen);
    s->flush = g_timeout_add_seconds(FLUSH_S, on_flush, s);
    return true;
}

struct server *
server_new(const struct options *options, GError **error)
{
    struct server *s = g_new0(struct server, 1);

    if (!start(s, options, error)) {
        server_free(s);
        return NULL;
    }
    return s;
}

static void
nothing(void *data)
{
    (void)data;
}

/* Every worker has done what it was asked to do before. */
static void
wait_for_workers(struct server *s)
{
    for (unsigned i = 0; i < worker_set_n(s->workers); i++)
        worker_call_sync(worker_set_get(s->workers, i), nothing, NULL);
}

void
server_free(struct server *s)
{
    if (!s)
        return;
    if (s->flush)
        g_source_remove(s->flush);
    if (s->socket)
        rpc_unix_server_free(s->socket);
    listeners_free(s->listeners);
    sstp_server_free(s->sstp);
    ipsec_free(s->ipsec);
    if (s->bridges)
        g_ptr_array_unref(s->bridges);
    securenat_free(s->securenat);
    if (s->auth)
        auth_free(s->auth); /* no verdict may start a session any more */
    totp_factor_free(s->totp);
    openvpn_free(s->openvpn);
    if (s->logs)
        logs_leave_hubs(s->logs);
    if (s->hubs) {
        hubs_free(s->hubs); /* asks all sessions to stop, on their workers */
        wait_for_workers(s);
        while (g_main_context_iteration(NULL, FALSE)) /* the last reports of usage */
            continue;
    }
    radius_free(s->radius);
    sevpn_server_free(s->sevpn);
    api_service_free(s->api);
    if (s->rpc)
        rpc_server_free(s->rpc);
    if (s->workers)
        worker_set_free(s->workers);
    logs_free(s->logs);
    if (s->store)
        store_close(s->store);
    g_free(s);
}
