/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - OpenVPN's server side.
 *
 * Theory of operation. Each worker has a home (home.h) with one socket of every UDP port; the
 * system spreads clients over them by their addresses. A client's first packet is answered without
 * memory (stranger.c); the packet that proves the answer makes a peer (peer.h), which stays on that
 * worker. Its id, which every data packet shows, names worker and slot, so that packets that arrive
 * elsewhere, because the client has moved, are passed on in batches. TCP streams come from the
 * listeners (tcp.c) and make peers likewise.
 *
 * Limits: OVPN_STRANGERS peers before login, OVPN_STRANGERS_ADDRESS of them from one address, for
 * OVPN_HANDSHAKE_S; OVPN_INITIAL_PPS first answers; TLS_HANDSHAKES_A_TURN steps of handshakes a
 * turn; the windows of the reliability layer; queues of streams. Wrong packets are dropped in
 * silence.
 *
 * Threads: see server_priv.h. The control thread opens ports and replaces settings and certificate.
 */

#include "core/proto/openvpn/server.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/proto/listener.h"
#include "core/proto/openvpn/home.h"
#include "core/proto/openvpn/tcp.h"

#include <string.h>

struct ovpn_port {
    uint16_t port;
    bool open;
    char *error; /* owned; why it is not open */
};

/* ---- tables that workers share ---- */

static unsigned
sid_hash(gconstpointer key)
{
    uint32_t h;

    memcpy(&h, key, sizeof(h));
    return h;
}

static gboolean
sid_same(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, OVPN_SID) == 0;
}

SSL_CTX *
ovpn_server_ctx(struct openvpn_server *s)
{
    g_mutex_lock(&s->lock);
    SSL_CTX *ctx = s->ctx;
    if (ctx)
        SSL_CTX_up_ref(ctx);
    g_mutex_unlock(&s->lock);
    return ctx;
}

void
ovpn_server_log_refused(struct openvpn_server *s, const struct ip *ip)
{
    char text[IP_TEXT];
    unsigned left_out = 0;

    g_mutex_lock(&s->lock);
    bool tell = log_limit_pass(&s->refused_log, 5, clock_now_us(), &left_out);
    g_mutex_unlock(&s->lock);
    if (tell)
        log_warning("OpenVPN client refused", "reason=too-many peer=%s left_out=%u",
                    ip_print(ip, text), left_out);
}

bool
ovpn_server_claim(struct openvpn_server *s, const uint8_t sid[OVPN_SID], unsigned home)
{
    g_mutex_lock(&s->lock);
    bool ok = !g_hash_table_contains(s->home_of, sid);
    if (ok)
        g_hash_table_insert(s->home_of, g_memdup2(sid, OVPN_SID), GUINT_TO_POINTER(home + 1));
    g_mutex_unlock(&s->lock);
    return ok;
}

void
ovpn_server_unclaim(struct openvpn_server *s, const uint8_t sid[OVPN_SID])
{
    g_mutex_lock(&s->lock);
    g_hash_table_remove(s->home_of, sid);
    g_mutex_unlock(&s->lock);
}

struct ovpn_home *
ovpn_server_home_of(struct openvpn_server *s, const uint8_t sid[OVPN_SID])
{
    g_mutex_lock(&s->lock);
    unsigned index = GPOINTER_TO_UINT(g_hash_table_lookup(s->home_of, sid));
    g_mutex_unlock(&s->lock);
    return index > 0 ? s->home[index - 1] : NULL;
}

/* ---- UDP ports ---- */

static void
add_port(void *data)
{
    struct udp_port *p = data;

    ovpn_home_add_port(p->owner, p);
}

static bool
open_port(struct openvpn_server *s, uint16_t port, GError **error)
{
    struct udp_port *p[WORKER_MAX];
    void *owner[WORKER_MAX];

    for (unsigned i = 0; i < s->n_homes; i++)
        owner[i] = s->home[i];
    if (!udp_port_open_all(s->config.workers, port, &ovpn_port_ops, owner, p, error))
        return false;
    for (unsigned i = 0; i < s->n_homes; i++)
        worker_call_sync(p[i]->worker, add_port, p[i]);
    return true;
}

static void
try_open(struct openvpn_server *s, struct ovpn_port *p)
{
    g_autoptr(GError) error = NULL;

    p->open = open_port(s, p->port, &error);
    if (p->open) {
        g_clear_pointer(&p->error, g_free);
        log_info("listening", "port=%u/udp protocol=OpenVPN", p->port);
        return;
    }
    if (!p->error || strcmp(p->error, error->message) != 0)
        log_warning("cannot listen", "port=%u/udp error=%s", p->port, error->message);
    g_free(p->error);
    p->error = g_strdup(error->message);
}

/* After a crowd of strangers the allocator keeps what they had. */
static void
trim_after_crowd(struct openvpn_server *s)
{
    unsigned n = admission_total(s->strangers);

    if (n >= LISTENER_CROWD) {
        s->crowded = true;
    } else if (s->crowded && n < LISTENER_CROWD / 10) {
        s->crowded = false;
        pf_memory_trim();
    }
}

static gboolean
on_retry(gpointer data)
{
    struct openvpn_server *s = data;

    trim_after_crowd(s);
    for (guint i = 0; i < s->ports->len; i++) {
        struct ovpn_port *p = g_ptr_array_index(s->ports, i);
        if (!p->open)
            try_open(s, p);
    }
    return G_SOURCE_CONTINUE;
}

static struct ovpn_port *
find_port(const struct openvpn_server *s, uint16_t port)
{
    for (guint i = 0; i < s->ports->len; i++) {
        struct ovpn_port *p = g_ptr_array_index(s->ports, i);
        if (p->port == port)
            return p;
    }
    return NULL;
}

static void
port_free(gpointer data)
{
    struct ovpn_port *p = data;

    g_free(p->error);
    g_free(p);
}

void
openvpn_server_udp_open(struct openvpn_server *s, uint16_t port)
{
    if (find_port(s, port))
        return;
    struct ovpn_port *p = g_new0(struct ovpn_port, 1);
    p->port = port;
    g_ptr_array_add(s->ports, p);
    if (s->ports->len > OVPN_PORTS_MAX)
        p->error = g_strdup("there are too many ports");
    else
        try_open(s, p);
}

struct closing {
    struct ovpn_home *home;
    uint16_t port;
};

static void
close_port(void *data)
{
    const struct closing *c = data;

    ovpn_home_close_port(c->home, c->port);
}

bool
openvpn_server_udp_close(struct openvpn_server *s, uint16_t port)
{
    struct ovpn_port *p = find_port(s, port);

    if (!p)
        return false;
    for (unsigned i = 0; p->open && i < s->n_homes; i++) {
        struct closing c = {.home = s->home[i], .port = port};
        worker_call_sync(s->home[i]->worker, close_port, &c);
    }
    return g_ptr_array_remove(s->ports, p);
}

const char *
openvpn_server_udp_error(const struct openvpn_server *s, uint16_t port)
{
    const struct ovpn_port *p = find_port(s, port);

    return p ? p->error : "not in the list";
}

/* ---- settings ---- */

struct replacing {
    struct ovpn_home *home;
    struct ovpn_rules *rules; /* a reference for it */
};

static void
replace_rules(void *data)
{
    const struct replacing *r = data;

    ovpn_home_set_rules(r->home, r->rules);
    if (!r->rules->settings->enabled)
        ovpn_home_end_all(r->home);
}

void
openvpn_server_set(struct openvpn_server *s, const struct openvpn_settings *settings)
{
    struct ovpn_rules *rules = ovpn_rules_new(settings);

    g_mutex_lock(&s->lock);
    struct ovpn_rules *old = s->rules;
    s->rules = rules;
    g_mutex_unlock(&s->lock);
    ovpn_rules_unref(old);
    for (unsigned i = 0; i < s->n_homes; i++) {
        struct replacing r = {.home = s->home[i], .rules = ovpn_rules_ref(rules)};
        worker_call_sync(s->home[i]->worker, replace_rules, &r);
    }
}

/* Any certificate: who it belongs to is auth's business, once the key is proven. */
static int
accept_any(X509_STORE_CTX *ctx, void *data)
{
    (void)ctx;
    (void)data;
    return 1;
}

void
openvpn_server_set_tls(struct openvpn_server *s, X509 *cert, EVP_PKEY *key, STACK_OF(X509) * chain)
{
    g_autoptr(GError) error = NULL;
    SSL_CTX *ctx = tls_server_ctx(cert, key, chain, &error);

    if (!ctx) {
        log_warning("OpenVPN keeps its former certificate", "error=%s", error->message);
        return;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
    g_mutex_lock(&s->lock);
    SSL_CTX *old = s->ctx;
    s->ctx = ctx;
    g_mutex_unlock(&s->lock);
    SSL_CTX_free(old);
}

/* ---- life ---- */

struct openvpn_server *
openvpn_server_new(const struct openvpn_server_config *config,
                   const struct openvpn_settings *settings)
{
    struct openvpn_server *s = g_new0(struct openvpn_server, 1);

    s->config = *config;
    s->config.secret = NULL; /* copied */
    memcpy(s->token_key, config->secret, sizeof(s->token_key));
    random_bytes(s->cookie_key, sizeof(s->cookie_key));
    g_mutex_init(&s->lock);
    s->rules = ovpn_rules_new(settings);
    s->home_of = g_hash_table_new_full(sid_hash, sid_same, g_free, NULL);
    s->strangers = admission_new(OVPN_STRANGERS, OVPN_STRANGERS_ADDRESS);
    s->ports = g_ptr_array_new_with_free_func(port_free);
    ovpn_stream_service(s, &s->stream);
    s->n_homes = worker_set_n(config->workers);
    for (unsigned i = 0; i < s->n_homes; i++)
        s->home[i] = ovpn_home_new(s, i);
    s->retry = g_timeout_add_seconds(LISTENER_RETRY_S, on_retry, s);
    return s;
}

static void
close_home(void *data)
{
    ovpn_home_close(data);
}

void
openvpn_server_free(struct openvpn_server *s)
{
    if (!s)
        return;
    g_source_remove(s->retry);
    for (unsigned i = 0; i < s->n_homes; i++)
        worker_call_sync(s->home[i]->worker, close_home, s->home[i]);
    for (unsigned i = 0; i < s->n_homes; i++)
        ovpn_home_unref(s->home[i]);
    g_assert(admission_total(s->strangers) == 0 && g_hash_table_size(s->home_of) == 0);
    g_hash_table_unref(s->home_of);
    admission_free(s->strangers);
    g_ptr_array_unref(s->ports);
    ovpn_rules_unref(s->rules);
    SSL_CTX_free(s->ctx);
    g_mutex_clear(&s->lock);
    secret_wipe(s, sizeof(*s));
    g_free(s);
}

const struct stream_service *
openvpn_server_stream(struct openvpn_server *s)
{
    return &s->stream;
}
