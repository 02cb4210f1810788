/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - L2TPv2's server side.
 *
 * Theory of operation. Carriers (core/proto/carrier.h) bring payloads of UDP port 1701: out of
 * ESP, or from the plain port, which makes carriers of its own. A carrier whose first message opens
 * a tunnel gets a link (link.c); each tunnel is a machine (tunnel.h) upon the reliable channel that
 * versions 2 and 3 share; each call that comes up is a PPP client at a hub (session.c). All of it
 * stays on the carrier's worker. docs/protocols/l2tp.md has states, limits and quirks.
 *
 * Limits: L2TP_TUNNELS_CARRIER, L2TP_SESSIONS_TUNNEL, L2TP_PLAIN_STRANGERS, the channel's windows
 * and queues, L2TP_AVPS_MAX.
 *
 * Threads: see server_priv.h. The control thread replaces settings and stops.
 */

#include "core/proto/l2tp/server.h"

#include "core/base/log.h"
#include "core/proto/l2tp/server_priv.h"
#include "core/proto/listener.h"

/* ---- settings ---- */

static struct l2tp_rules *
rules_new(const struct l2tp_settings *settings)
{
    struct l2tp_rules *r = g_new0(struct l2tp_rules, 1);

    atomic_init(&r->refs, 1);
    r->ipsec = settings->ipsec;
    r->plain = settings->plain;
    r->default_hub = g_strdup(settings->default_hub);
    if (settings->secret && settings->secret->len > 0)
        r->secret = secret_new(settings->secret->bytes, settings->secret->len);
    return r;
}

void
l2tp_rules_unref(struct l2tp_rules *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) > 1)
        return;
    secret_free(r->secret);
    g_free(r->default_hub);
    g_free(r);
}

struct l2tp_rules *
l2tp_server_rules(struct l2tp_server *s)
{
    g_mutex_lock(&s->lock);
    struct l2tp_rules *r = s->rules;
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    g_mutex_unlock(&s->lock);
    return r;
}

struct leaving {
    struct l2tp_home *home;
    bool proven, unproven;
};

static void
leave(void *data)
{
    const struct leaving *l = data;

    l2tp_home_stop(l->home, l->proven, l->unproven, worker_now_us(l->home->worker));
}

static void
leave_all(struct l2tp_server *s, bool proven, bool unproven)
{
    for (unsigned i = 0; i < s->n_homes; i++) {
        struct leaving l = {.home = &s->home[i], .proven = proven, .unproven = unproven};
        worker_call_sync(s->home[i].worker, leave, &l);
    }
}

/* ---- the plain port ---- */

static void
try_plain(struct l2tp_server *s)
{
    g_autoptr(GError) error = NULL;

    if (!s->rules->plain || l2tp_plain_is_open(s->plain))
        return;
    if (l2tp_plain_open(s->plain, s->plain_port, &error)) {
        g_clear_pointer(&s->plain_error, g_free);
        log_info("listening", "port=%u/udp protocol=L2TP", s->plain_port);
        return;
    }
    if (g_strcmp0(s->plain_error, error->message) != 0)
        log_warning("cannot listen", "port=%u/udp error=%s", s->plain_port, error->message);
    g_free(s->plain_error);
    s->plain_error = g_strdup(error->message);
}

static gboolean
on_retry(gpointer data)
{
    try_plain(data);
    return G_SOURCE_CONTINUE;
}

const char *
l2tp_server_plain_error(struct l2tp_server *s)
{
    return s->plain_error;
}

void
l2tp_server_set(struct l2tp_server *s, const struct l2tp_settings *settings)
{
    struct l2tp_rules *rules = rules_new(settings);

    g_mutex_lock(&s->lock);
    struct l2tp_rules *old = s->rules;
    s->rules = rules;
    g_mutex_unlock(&s->lock);
    bool ipsec_shut = old->ipsec && !rules->ipsec;
    bool plain_shut = old->plain && !rules->plain;
    if (ipsec_shut || plain_shut)
        leave_all(s, ipsec_shut, plain_shut);
    l2tp_rules_unref(old);
    if (!rules->plain) {
        l2tp_plain_close(s->plain);
        g_clear_pointer(&s->plain_error, g_free);
    }
    try_plain(s);
}

/* ---- life ---- */

struct l2tp_server *
l2tp_server_new(const struct l2tp_server_config *config)
{
    static const struct l2tp_settings nothing = {0};
    struct l2tp_server *s = g_new0(struct l2tp_server, 1);

    s->config = *config;
    g_mutex_init(&s->lock);
    s->rules = rules_new(&nothing);
    l2tp_link_service(s, &s->service);
    s->n_homes = worker_set_n(config->workers);
    for (unsigned i = 0; i < s->n_homes; i++)
        s->home[i] = (struct l2tp_home){.server = s, .worker = worker_set_get(config->workers, i)};
    atomic_init(&s->stopped, false);
    s->plain = l2tp_plain_new(config->workers, &s->service, L2TP_PLAIN_STRANGERS);
    s->plain_port = CARRIER_L2TP_PORT;
    s->retry = g_timeout_add_seconds(LISTENER_RETRY_S, on_retry, s);
    return s;
}

void
l2tp_server_stop(struct l2tp_server *s)
{
    atomic_store(&s->stopped, true);
    leave_all(s, true, true);
}

void
l2tp_server_free(struct l2tp_server *s)
{
    if (!s)
        return;
    g_source_remove(s->retry);
    l2tp_plain_free(s->plain);
    for (unsigned i = 0; i < s->n_homes; i++)
        g_assert(!s->home[i].first);
    l2tp_rules_unref(s->rules);
    g_free(s->plain_error);
    g_mutex_clear(&s->lock);
    g_free(s);
}

const struct carrier_service *
l2tp_server_service(struct l2tp_server *s)
{
    return &s->service;
}
