/* SPDX-License-Identifier: Apache-2.0 */
/* radius.c - see radius.h.
 *
 * Sessions of RADIUS logins are announced by their workers; the control thread keeps a reference of
 * each under its account until its end has been reported. */

#include "apps/server/radius.h"

#include "core/auth/radius/service.h"
#include "core/base/error.h"
#include "core/base/random.h"
#include "core/hub/session.h"
#include "core/rpc/radius_config.h"

#include <string.h>

struct radius {
    struct store *store;
    struct radius_service *service;
    struct hub_watch watch;
    GHashTable *sessions; /* by account; counted */
};

/* ---- what the service asks for ---- */

static struct radius_settings *
settings(void *owner, const char *hub)
{
    const struct radius *r = owner;

    return radius_config_settings(r->store, hub);
}

static struct radius_counters
counters_of(const struct hub_port_stats *stats)
{
    return (struct radius_counters){
        .in_bytes = stats->in.unicast_bytes + stats->in.broadcast_bytes,
        .in_frames = stats->in.unicast_frames + stats->in.broadcast_frames,
        .out_bytes = stats->out.unicast_bytes + stats->out.broadcast_bytes,
        .out_frames = stats->out.unicast_frames + stats->out.broadcast_frames};
}

static bool
counters(void *owner, uint64_t account, struct radius_counters *out)
{
    const struct radius *r = owner;
    const struct session *s = g_hash_table_lookup(r->sessions, &account);
    struct hub_port_stats stats;

    if (!s)
        return false;
    session_get_stats(s, &stats);
    *out = counters_of(&stats);
    return true;
}

static void
stop(void *owner, uint64_t account)
{
    const struct radius *r = owner;
    struct session *s = g_hash_table_lookup(r->sessions, &account);

    if (s)
        session_request_stop(s, PE_SESSION_REMOVED);
}

static const struct radius_service_ops service_ops = {
    .settings = settings, .counters = counters, .stop = stop};

/* ---- what the hubs tell ---- */

struct news {
    struct radius *radius;
    struct session *session; /* counted */
    bool over;
    struct radius_counters counters;
    enum radius_cause cause;
};

static enum radius_cause
cause_of(int reason)
{
    switch (reason) {
    case PE_SESSION_TIMEOUT:
        return RADIUS_LOST_CARRIER;
    case PE_AUTO_DISCONNECT:
        return RADIUS_SESSION_TIMEOUT_OVER;
    case PE_SESSION_REMOVED:
    case PE_HUB_STOPPING:
        return RADIUS_ADMIN_RESET;
    case PE_PROTOCOL:
    case PE_INTERNAL:
        return RADIUS_NAS_ERROR;
    default:
        return RADIUS_USER_REQUEST;
    }
}

static gboolean
hear(gpointer data)
{
    const struct news *n = data;
    struct radius *r = n->radius;
    uint64_t account = n->session->account;
    const struct ip unknown = {0};

    if (n->over) {
        radius_service_ended(r->service, account, &n->counters, n->cause);
        g_hash_table_remove(r->sessions, &account);
    } else {
        g_hash_table_replace(r->sessions, &n->session->account, session_ref(n->session));
        radius_service_started(r->service, account, &unknown);
    }
    return G_SOURCE_REMOVE;
}

static void
news_free(gpointer data)
{
    struct news *n = data;

    session_unref(n->session);
    g_free(n);
}

static void
tell(struct radius *r, const struct news *news)
{
    struct news *n = g_memdup2(news, sizeof(*news));

    n->radius = r;
    n->session = session_ref(news->session);
    g_main_context_invoke_full(NULL, G_PRIORITY_DEFAULT, hear, n, news_free);
}

static void
session_started(void *owner, struct session *s)
{
    if (s->account != 0)
        tell(owner, &(struct news){.session = s});
}

static void
session_over(void *owner, struct session *s, const struct hub_port_stats *stats, int reason)
{
    if (s->account != 0)
        tell(owner, &(struct news){.session = s,
                                   .over = true,
                                   .counters = counters_of(stats),
                                   .cause = cause_of(reason)});
}

const struct hub_watch *
radius_watch(struct radius *r, const struct hub_watch *next)
{
    r->watch = (struct hub_watch){
        .next = next, .session_started = session_started, .session_over = session_over, .owner = r};
    return &r->watch;
}

/* ---- the administration ---- */

void
radius_put_status(struct radius *r, const char *hub, struct record *out)
{
    struct radius_settings *s = radius_config_settings(r->store, hub);
    unsigned waiting = 0;
    uint64_t lost = 0;

    for (unsigned i = 0; s && i < s->n; i++) {
        struct radius_server_stats stats = {0}, reports = {0};
        struct record *row = record_append(out, "ServerList");
        (void)radius_service_stats(r->service, hub, i, false, &stats);
        (void)radius_service_stats(r->service, hub, i, true, &reports);
        record_set_text(row, "Host_str", s->servers[i].host);
        record_set_u32(row, "Port_u32", s->servers[i].port);
        record_set_bool(row, "IsDead_bool", stats.dead);
        record_set_u64(row, "NumSent_u64", stats.sent);
        record_set_u64(row, "NumAnswered_u64", stats.answered);
        record_set_u64(row, "NumTimeouts_u64", stats.timeouts);
        record_set_u64(row, "NumForged_u64", stats.forged);
        record_set_u64(row, "NumBare_u64", stats.bare);
        record_set_u64(row, "NumReported_u64", reports.answered);
        record_set_text(row, "Test_str", radius_service_test_result(r->service, hub, i));
    }
    radius_settings_free(s);
    radius_service_reports(r->service, hub, &waiting, &lost);
    record_set_u32(out, "NumReportsWaiting_u32", waiting);
    record_set_u64(out, "NumReportsLost_u64", lost);
}

void
radius_test(struct radius *r, const char *hub)
{
    radius_service_test(r->service, hub);
}

void
radius_changed(struct radius *r, const char *hub)
{
    radius_service_changed(r->service, hub);
}

/* ---- life ---- */

static void
unref_session(gpointer s)
{
    session_unref(s);
}

struct radius *
radius_new(struct store *store)
{
    struct radius *r = g_new0(struct radius, 1);
    uint64_t boot = 0;

    random_bytes(&boot, sizeof(boot));
    r->store = store;
    r->sessions = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, unref_session);
    r->service = radius_service_new(&service_ops, r, boot);
    return r;
}

void
radius_start(struct radius *r, struct auth *auth)
{
    g_autoptr(GPtrArray) hubs = store_hubs(r->store);

    auth_set_backend(auth, 4, radius_service_backend(r->service, auth));
    for (guint i = 0; i < hubs->len; i++) {
        const struct store_hub *h = g_ptr_array_index(hubs, i);
        radius_service_changed(r->service, h->name);
    }
}

void
radius_free(struct radius *r)
{
    if (!r)
        return;
    radius_service_free(r->service);
    g_hash_table_destroy(r->sessions);
    g_free(r);
}
