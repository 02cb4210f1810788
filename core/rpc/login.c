/* SPDX-License-Identifier: Apache-2.0 */
/* login.c - see login.h. An unknown hub and a wrong password take the same way and time. */
#include "core/rpc/login.h"

#include "core/auth/password.h"
#include "core/base/clock.h"
#include "core/base/hub_event.h"
#include "core/base/random.h"
#include "core/rpc/http_api.h"
#include "core/rpc/rpc_priv.h"

#include <string.h>

enum { MAC_SIZE = 32, KEY_SIZE = 32 };

/* ---- logins that were right ---- */

struct remembered {
    char *verifier;
    uint8_t mac[MAC_SIZE];
    int64_t until_us;
};

struct login_cache {
    uint8_t key[KEY_SIZE];
    GHashTable *by_account; /* upper-case name -> struct remembered */
};

static void
remembered_free(void *data)
{
    struct remembered *r = data;

    secret_free_str(r->verifier);
    secret_wipe(r, sizeof(*r));
    g_free(r);
}

struct login_cache *
login_cache_new(void)
{
    struct login_cache *c = g_new0(struct login_cache, 1);

    random_bytes(c->key, sizeof(c->key));
    c->by_account = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, remembered_free);
    return c;
}

void
login_cache_free(struct login_cache *c)
{
    if (!c)
        return;
    g_hash_table_unref(c->by_account);
    secret_wipe(c, sizeof(*c));
    g_free(c);
}

static void
make_mac(const struct login_cache *c, const char *password, uint8_t mac[MAC_SIZE])
{
    GHmac *h = g_hmac_new(G_CHECKSUM_SHA256, c->key, sizeof(c->key));
    gsize len = MAC_SIZE;

    g_hmac_update(h, (const guchar *)password, (gssize)strlen(password));
    g_hmac_get_digest(h, mac, &len);
    g_hmac_unref(h);
}

bool
login_cache_has(struct login_cache *c, const char *account, const char *verifier,
                const char *password, int64_t now_us)
{
    g_autofree char *name = g_ascii_strup(account, -1);
    const struct remembered *r = g_hash_table_lookup(c->by_account, name);
    uint8_t mac[MAC_SIZE];

    if (!r || now_us >= r->until_us || strcmp(r->verifier, verifier) != 0)
        return false;
    make_mac(c, password, mac);
    bool same = secret_equal(mac, r->mac, sizeof(mac));
    secret_wipe(mac, sizeof(mac));
    return same;
}

void
login_cache_add(struct login_cache *c, const char *account, const char *verifier,
                const char *password, int64_t now_us)
{
    struct remembered *r = g_new0(struct remembered, 1);

    if (g_hash_table_size(c->by_account) >= LOGIN_REMEMBERED)
        g_hash_table_remove_all(c->by_account); /* costs each of them one slow login */
    r->verifier = g_strdup(verifier);
    r->until_us = now_us + (int64_t)LOGIN_REMEMBER_S * G_USEC_PER_SEC;
    make_mac(c, password, r->mac);
    g_hash_table_replace(c->by_account, g_ascii_strup(account, -1), r);
}

/* ---- a login ---- */

struct login {
    struct rpc_job job;
    char *hub;
    char *verifier; /* NULL: there is none, and the answer is no */
    struct secret *password;
    struct endpoint peer;
    enum login_result result;
    bool counted; /* among logins_waiting */
    login_done *done;
    void *owner;
};

static void
verify(struct rpc_job *j)
{
    struct login *l = container_of(j, struct login, job);

    if (password_verify(l->verifier, secret_str(l->password)))
        l->result = LOGIN_OK;
}

static void
note_result(struct rpc_server *s, const struct login *l)
{
    if (l->result == LOGIN_OK) {
        if (s->host.auth)
            auth_note_success(s->host.auth, &l->peer.ip);
        return;
    }
    if (l->result == LOGIN_WRONG && s->host.auth)
        auth_note_failure(s->host.auth, &l->peer.ip);
    struct hub_event e = {.kind = HUB_EVENT_ADMIN_REFUSED,
                          .level = LOG_INFO,
                          .hub = l->hub[0] ? l->hub : NULL,
                          .user = "administrator",
                          .protocol = "API",
                          .peer = l->peer,
                          .code = PE_AUTH_FAILED,
                          .reason = l->result == LOGIN_WRONG ? "wrong password" : "not let in"};
    e.quiet = !log_limit_pass(&s->refused_log, 10, clock_now_us(), &e.left_out);
    hub_event_report(&e);
}

static void
login_free(struct login *l)
{
    g_free(l->hub);
    secret_free_str(l->verifier);
    secret_free(l->password);
    g_free(l);
}

static void
finish(struct rpc_job *j, bool closed)
{
    struct login *l = container_of(j, struct login, job);
    struct rpc_server *s = j->server;
    struct rpc_caller caller = {0};

    if (l->counted)
        s->logins_waiting--;
    if (closed)
        l->result = LOGIN_CLOSED;
    else
        note_result(s, l);
    if (l->result == LOGIN_OK) {
        login_cache_add(s->logins, l->hub, l->verifier, secret_str(l->password), clock_now_us());
        caller.rank = l->hub[0] ? RPC_RANK_HUB : RPC_RANK_SERVER;
        g_strlcpy(caller.hub, l->hub, sizeof(caller.hub));
        endpoint_print(&l->peer, caller.peer);
    }
    l->done(l->owner, l->result, &caller);
    login_free(l);
}

static char *
verifier_of(struct rpc_server *s, const char *hub)
{
    if (!hub[0])
        return store_get_text(s->host.store, RPC_SETTING_ADMIN_VERIFIER);
    struct store_hub *h = store_hub_get(s->host.store, hub);
    if (!h)
        return NULL;
    char *verifier = g_strdup(h->admin_verifier);
    store_hub_free(h);
    return verifier;
}

void
login_start(struct rpc_server *s, const char *hub, const struct secret *password,
            const struct endpoint *peer, login_done *done, void *owner)
{
    struct login *l = g_new0(struct login, 1);

    l->job.work = verify;
    l->job.finish = finish;
    l->hub = g_strdup(hub);
    l->password = secret_new(password->bytes, password->len);
    l->peer = *peer;
    l->result = LOGIN_WRONG;
    l->done = done;
    l->owner = owner;
    if (s->host.auth && auth_is_banned(s->host.auth, &peer->ip)) {
        l->result = LOGIN_BANNED;
        rpc_job_to_control(s, &l->job);
        return;
    }
    l->verifier = verifier_of(s, hub);
    if (!l->verifier && !hub[0])
        l->result = LOGIN_NO_PASSWORD;
    else if (l->verifier &&
             login_cache_has(s->logins, hub, l->verifier, secret_str(password), clock_now_us()))
        l->result = LOGIN_OK;
    else if (s->logins_waiting >= RPC_LOGIN_QUEUE)
        l->result = LOGIN_BUSY;
    if (l->result != LOGIN_WRONG) {
        rpc_job_to_control(s, &l->job);
        return;
    }
    l->counted = true;
    s->logins_waiting++;
    rpc_job_start(s, &l->job);
}
