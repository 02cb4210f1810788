/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - IPsec in user mode.
 *
 * Theory of operation. Each worker has a home (home.h) with its own socket of each port. A first
 * message of IKE is answered and remembered (first.h); the message that follows makes a machine
 * (ike.h), and once that has proven who the peer is, a peer (peer.h), which takes children and
 * makes carriers for what comes in them (path.c). All of it lives on the worker where it began;
 * cookies and SPIs name that worker, so that the system, or who reads a datagram elsewhere, knows
 * where it belongs. An IKE SA that comes later from an endpoint where a peer is begins where that
 * peer lives.
 *
 * Limits: IPSEC_FIRST_SLOTS first messages of a home; IPSEC_HALF_OPEN negotiations and
 * IPSEC_HALF_OPEN_ADDRESS of one address; IPSEC_PEERS; IPSEC_CARRIERS; IPSEC_JOBS. What belongs to
 * nobody is dropped in silence.
 *
 * Threads: see server_priv.h. The control thread opens ports and replaces rules; two helpers
 * compute.
 */

#include "core/base/error.h"
#include "core/proto/ipsec/home.h"
#include "core/proto/ipsec/peer.h"
#include "core/proto/listener.h"

#include <string.h>

/* ---- which home has a peer at an endpoint ---- */

unsigned
ipsec_endpoint_hash(gconstpointer endpoint)
{
    const struct endpoint *e = endpoint;
    uint32_t h = 2166136261u;

    for (unsigned i = 0; i < sizeof(e->ip.b); i++)
        h = (h ^ e->ip.b[i]) * 16777619u;
    return (h ^ e->port) * 2654435761u;
}

gboolean
ipsec_endpoint_same(gconstpointer a, gconstpointer b)
{
    const struct endpoint *x = a;
    const struct endpoint *y = b;

    return x->port == y->port && x->scope == y->scope && ip_equal(&x->ip, &y->ip);
}

bool
ipsec_server_claim(struct ipsec_server *s, const struct endpoint *at, unsigned home)
{
    g_mutex_lock(&s->lock);
    bool ok = !g_hash_table_contains(s->home_at, at);
    if (ok)
        g_hash_table_insert(s->home_at, g_memdup2(at, sizeof(*at)), GUINT_TO_POINTER(home + 1));
    g_mutex_unlock(&s->lock);
    return ok;
}

void
ipsec_server_unclaim(struct ipsec_server *s, const struct endpoint *at)
{
    g_mutex_lock(&s->lock);
    g_hash_table_remove(s->home_at, at);
    g_mutex_unlock(&s->lock);
}

struct ipsec_home *
ipsec_server_home_at(struct ipsec_server *s, const struct endpoint *at)
{
    g_mutex_lock(&s->lock);
    unsigned n = GPOINTER_TO_UINT(g_hash_table_lookup(s->home_at, at));
    g_mutex_unlock(&s->lock);
    return n > 0 ? s->home[n - 1] : NULL;
}

/* ---- settings ---- */

struct replacing {
    struct ipsec_home *home;
    struct ipsec_rules *rules; /* a reference for it */
};

static void
replace_rules(void *data)
{
    const struct replacing *r = data;

    ipsec_home_set_rules(r->home, r->rules);
}

static void
close_raw(void *data)
{
    ipsec_home_close_raw(data);
}

static void
use_rules(struct ipsec_server *s, struct ipsec_rules *rules)
{
    ipsec_rules_unref(s->rules);
    s->rules = rules;
    for (unsigned i = 0; i < s->n_homes; i++) {
        struct replacing r = {.home = s->home[i], .rules = ipsec_rules_ref(rules)};
        worker_call_sync(s->home[i]->worker, replace_rules, &r);
    }
}

void
ipsec_server_set(struct ipsec_server *s, const struct ipsec_settings *settings)
{
    use_rules(s, ipsec_rules_renew(s->rules, settings));
    if (!settings->enabled) {
        ipsec_ports_close(s);
        return;
    }
    if (!settings->raw && s->raw) {
        for (unsigned i = 0; i < s->n_homes; i++)
            worker_call_sync(s->home[i]->worker, close_raw, s->home[i]);
        s->raw = false;
    }
    ipsec_ports_open(s);
}

void
ipsec_server_set_identity(struct ipsec_server *s, const struct ipsec_identity *id)
{
    use_rules(s, ipsec_rules_new(s->rules->settings, id));
}

/* ---- what the administration sees ---- */

void
ipsec_server_get_status(struct ipsec_server *s, struct ipsec_status *out)
{
    *out = (struct ipsec_status){
        .open = s->open,
        .raw = s->raw,
        .peers = atomic_load_explicit(&s->counts.peers, memory_order_relaxed),
        .half_open = admission_total(s->half_open),
        .children = atomic_load_explicit(&s->counts.children, memory_order_relaxed),
        .refused = atomic_load_explicit(&s->counts.refused, memory_order_relaxed),
        .wrong_key = atomic_load_explicit(&s->counts.wrong_key, memory_order_relaxed),
        .no_proposal = atomic_load_explicit(&s->counts.no_proposal, memory_order_relaxed),
    };
    g_strlcpy(out->problem, s->problem, sizeof(out->problem));
}

struct asking {
    struct ipsec_home *home;
    GArray *out;
};

static void
ask_peers(void *data)
{
    const struct asking *a = data;

    for (struct ipsec_peer *p = a->home->peers; p; p = p->next) {
        struct ipsec_peer_info info;
        ipsec_peer_info(p, &info);
        g_array_append_val(a->out, info);
    }
}

GArray *
ipsec_server_peers(struct ipsec_server *s)
{
    GArray *out = g_array_new(FALSE, TRUE, sizeof(struct ipsec_peer_info));

    for (unsigned i = 0; i < s->n_homes; i++) {
        struct asking a = {.home = s->home[i], .out = out};
        worker_call_sync(s->home[i]->worker, ask_peers, &a);
    }
    return out;
}

/* ---- life ---- */

static gboolean
on_retry(gpointer data)
{
    struct ipsec_server *s = data;

    if (s->rules->settings->enabled)
        ipsec_ports_open(s);
    return G_SOURCE_CONTINUE;
}

struct ipsec_server *
ipsec_server_new(const struct ipsec_server_config *config, const struct ipsec_settings *settings)
{
    struct ipsec_server *s = g_new0(struct ipsec_server, 1);

    s->config = *config;
    g_mutex_init(&s->lock);
    s->home_at = g_hash_table_new_full(ipsec_endpoint_hash, ipsec_endpoint_same, g_free, NULL);
    s->half_open = admission_new(IPSEC_HALF_OPEN, IPSEC_HALF_OPEN_ADDRESS);
    s->helpers = ipsec_compute_new();
    s->rules = ipsec_rules_new(settings, NULL);
    s->n_homes = worker_set_n(config->workers);
    for (unsigned i = 0; i < s->n_homes; i++)
        s->home[i] = ipsec_home_new(s, i);
    if (settings->enabled)
        ipsec_ports_open(s);
    s->retry = g_timeout_add_seconds(LISTENER_RETRY_S, on_retry, s);
    return s;
}

static void
close_home(void *data)
{
    ipsec_home_close(data);
}

static void
nothing(void *data)
{
    (void)data;
}

void
ipsec_server_free(struct ipsec_server *s)
{
    if (!s)
        return;
    g_source_remove(s->retry);
    for (unsigned i = 0; i < s->n_homes; i++)
        worker_call_sync(s->home[i]->worker, close_home, s->home[i]);
    ipsec_compute_free(s->helpers);
    for (unsigned i = 0; i < s->n_homes; i++) /* what the helpers sent back has arrived then */
        worker_call_sync(s->home[i]->worker, nothing, NULL);
    for (unsigned i = 0; i < s->n_homes; i++)
        ipsec_home_unref(s->home[i]);
    g_assert(admission_total(s->half_open) == 0 && g_hash_table_size(s->home_at) == 0);
    g_hash_table_unref(s->home_at);
    admission_free(s->half_open);
    ipsec_rules_unref(s->rules);
    g_mutex_clear(&s->lock);
    g_free(s);
}
