/* SPDX-License-Identifier: Apache-2.0 */
/* login.c - what an SE-VPN connection says before its data, at the server.
 *
 * Theory of operation. The peer may probe with GET; it then shows the signature (POST connect.cgi)
 * and is given a Hello with a fresh challenge, and posts PACKs to vpn.cgi: NOOPs to gain time, then
 * one that has a method. A login goes to auth and waits; the verdict comes back on this worker,
 * unless the connection went away first. All that is remembered of a connection is struct visit,
 * and the PACK of a login under way. Limits: conn.h's, SEVPN_NOOPS, and the sizes in wire.h.
 */

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/base/secret.h"
#include "core/base/types.h"
#include "core/proto/sevpn/message.h"
#include "core/proto/sevpn/server_priv.h"

#include <string.h>

#define PRODUCT "Polyether VPN Server"

/* What is known of a connection that has shown the signature. */
struct visit {
    struct sevpn_server *server;
    struct conn *conn;
    uint8_t random[20];
    unsigned noops;
    struct pack *pack;        /* owned; the login's, while auth is asked */
    struct sevpn_login login; /* borrows from pack */
    uint64_t ticket;
    bool asking;
};

void
sevpn_reply(struct conn *c, struct pack *p, bool close)
{
    g_autoptr(GByteArray) bytes = sevpn_response_pack(p);

    conn_reply_raw(c, bytes->data, bytes->len, close);
}

static void
reply_text(struct conn *c, unsigned status, const char *reason, const char *body, bool close)
{
    conn_reply(c, &(struct conn_answer){.status = status,
                                        .reason = reason,
                                        .content_type = "text/html; charset=UTF-8",
                                        .body = body,
                                        .len = strlen(body),
                                        .close = close});
}

/* ---- login ---- */

static void
on_verdict(void *owner, const struct auth_verdict *verdict)
{
    struct visit *v = owner;

    v->asking = false;
    if (verdict->code != PE_OK) {
        sevpn_reply(v->conn, sevpn_error_build(verdict->code), true);
        return;
    }
    conn_set_welcome(v->conn);
    sevpn_session_begin(v->server, v->conn, &v->login, verdict,
                        worker_now_us(conn_worker(v->conn)));
}

static struct auth_request *
request_of(const struct visit *v)
{
    const struct sevpn_login *l = &v->login;
    static const enum auth_kind kinds[] = {[SEVPN_AUTH_ANONYMOUS] = AUTH_ANONYMOUS,
                                           [SEVPN_AUTH_HASH] = AUTH_SEVPN_HASH,
                                           [SEVPN_AUTH_PLAIN] = AUTH_PLAIN,
                                           [SEVPN_AUTH_CERT] = AUTH_CERT_PROOF};

    if (l->auth >= ARRAY_LEN(kinds)) /* 96 to 99 are for the inside of another server */
        return NULL;
    struct auth_request *r = auth_request_new(kinds[l->auth]);
    r->hub = g_strdup(l->hub);
    r->user = g_strdup(l->user);
    r->peer = *conn_peer(v->conn);
    r->protocol = g_strdup("SE-VPN");
    memcpy(r->challenge, v->random, sizeof(r->challenge));
    memcpy(r->response, l->secure_password, sizeof(r->response));
    if (r->kind == AUTH_PLAIN)
        r->password = secret_text(l->plain_password);
    if (r->kind == AUTH_CERT_PROOF) {
        r->cert = g_bytes_new(l->cert.at, l->cert.left);
        r->proof = g_bytes_new(l->sign.at, l->sign.left);
    }
    return r;
}

static void
do_login(struct visit *v, struct pack *p)
{
    if (!sevpn_login_parse(p, &v->login)) {
        pack_free(p);
        sevpn_reply(v->conn, sevpn_error_build(PE_PROTOCOL), true);
        return;
    }
    g_clear_pointer(&v->pack, pack_free);
    v->pack = p;
    struct auth_request *r = request_of(v);
    if (!r) {
        sevpn_reply(v->conn, sevpn_error_build(PE_AUTH_NOT_SUPPORTED), true);
        return;
    }
    r->worker = conn_worker(v->conn);
    r->done = on_verdict;
    r->owner = v;
    v->asking = true;
    v->ticket = auth_submit(v->server->config.auth, r);
}

/* ---- a user's new password ---- */

static void
on_changed(void *owner, const struct auth_verdict *verdict)
{
    struct visit *v = owner;
    int code = verdict->code;

    v->asking = false;
    if (code == PE_AUTH_FAILED)
        code = PE_OLD_PASSWORD_WRONG;
    else if (code == PE_ACCESS_DENIED)
        code = PE_NOT_ENOUGH_RIGHTS;
    sevpn_reply(v->conn, sevpn_error_build(code), true);
}

static void
do_password(struct visit *v, const struct pack *p)
{
    struct sevpn_password w;

    if (!sevpn_password_parse(p, &w)) {
        sevpn_reply(v->conn, sevpn_error_build(PE_PROTOCOL), true);
        return;
    }
    struct auth_request *r = auth_request_new(AUTH_SEVPN_HASH);
    r->hub = g_strdup(w.hub);
    r->user = g_strdup(w.user);
    r->peer = *conn_peer(v->conn);
    r->protocol = g_strdup("SE-VPN");
    memcpy(r->challenge, v->random, sizeof(r->challenge));
    memcpy(r->response, w.secure_old, sizeof(r->response));
    r->change.wanted = true;
    r->change.has_nt_hash = w.has_nt_hash;
    memcpy(r->change.sevpn_hash, w.new_hash, sizeof(r->change.sevpn_hash));
    memcpy(r->change.nt_hash, w.nt_hash, sizeof(r->change.nt_hash));
    secret_wipe(&w, sizeof(w));
    r->worker = conn_worker(v->conn);
    r->done = on_changed;
    r->owner = v;
    v->asking = true;
    v->ticket = auth_submit(v->server->config.auth, r);
}

/* ---- other methods ---- */

static void
do_enum_hub(struct visit *v)
{
    struct pack *p = pack_new();
    unsigned n = 0;

    if (v->server->config.list_hubs) {
        g_autoptr(GPtrArray) hubs = hubs_list(v->server->config.hubs);
        for (guint i = 0; i < hubs->len; i++) {
            if (!hub_is_listed(g_ptr_array_index(hubs, i)))
                continue;
            pack_add_str(p, "HubName", hub_name(g_ptr_array_index(hubs, i)));
            n++;
        }
    }
    pack_add_int(p, "NumHub", n);
    sevpn_reply(v->conn, p, false);
}

static void
do_additional(struct visit *v, const struct pack *p, int64_t now_us)
{
    struct reader key = pack_data(p, "session_key");
    uint8_t bytes[20];

    if (key.left != sizeof(bytes)) {
        sevpn_reply(v->conn, sevpn_error_build(PE_PROTOCOL), true);
        return;
    }
    reader_copy(&key, bytes, sizeof(bytes));
    sevpn_session_join(v->server, v->conn, bytes, now_us);
}

static void
do_noop(struct visit *v)
{
    if (++v->noops > SEVPN_NOOPS) {
        conn_close(v->conn);
        return;
    }
    struct pack *p = sevpn_error_build(PE_OK);
    pack_add_int(p, "noop", 1);
    sevpn_reply(v->conn, p, false);
}

static void
do_method(struct visit *v, struct pack *p, int64_t now_us)
{
    const char *method = pack_str(p, "method");

    if (g_ascii_strcasecmp(method, "login") == 0) {
        do_login(v, p); /* keeps the pack */
        return;
    }
    if (pack_int(p, "noop") != 0)
        do_noop(v);
    else if (g_ascii_strcasecmp(method, "additional_connect") == 0)
        do_additional(v, p, now_us);
    else if (g_ascii_strcasecmp(method, "enum_hub") == 0)
        do_enum_hub(v);
    else if (g_ascii_strcasecmp(method, "password") == 0)
        do_password(v, p);
    else if (g_ascii_strcasecmp(method, "admin") == 0)
        sevpn_reply(v->conn, sevpn_error_build(PE_NOT_SUPPORTED), true);
    else
        sevpn_reply(v->conn, sevpn_error_build(PE_PROTOCOL), true);
    pack_free(p);
}

/* ---- HTTP ---- */

static size_t
claims(void *state, const struct http_head *head)
{
    (void)state;
    if (http_span_is(&head->target, SEVPN_TARGET_SIGNATURE))
        return SEVPN_SIGNATURE_MAX;
    if (http_span_is(&head->target, SEVPN_TARGET_PACK))
        return SEVPN_PACK_MAX;
    return 1; /* whatever else: an answer, but no body */
}

static void
on_signature(struct sevpn_server *s, struct conn *c, struct reader body)
{
    struct visit *v = conn_data(c);

    if (!sevpn_signature_ok(body)) {
        reply_text(c, 403, "Forbidden", "", true);
        return;
    }
    if (!v) {
        v = g_new0(struct visit, 1);
        v->server = s;
        v->conn = c;
        conn_set_data(c, &s->service, v);
    }
    random_bytes(v->random, sizeof(v->random));
    struct sevpn_hello hello = {.product = PRODUCT, .version = SEVPN_VERSION, .build = SEVPN_BUILD};
    memcpy(hello.random, v->random, sizeof(hello.random));
    sevpn_reply(c, sevpn_hello_build(&hello), false);
}

static void
on_pack(struct conn *c, const struct http_head *head, struct reader body, int64_t now_us)
{
    struct visit *v = conn_data(c);
    const struct http_span *type = http_field(head, "Content-Type");

    if (!v) {
        reply_text(c, 404, "Not Found", "", false);
        return;
    }
    struct pack *p = type && http_span_is(type, SEVPN_CONTENT_PACK)
                         ? pack_parse(body, &pack_limits_login)
                         : NULL;
    if (!p) {
        conn_close(c);
        return;
    }
    do_method(v, p, now_us);
}

/* Browsers, scanners, and the probe of SE-VPN clients, which looks for the tag. */
static void
on_other(struct conn *c, const struct http_head *head)
{
    bool get = http_span_is(&head->method, "GET");

    if (!get && !http_span_is(&head->method, "HEAD") && !http_span_is(&head->method, "POST"))
        reply_text(c, 501, "Not Implemented", "", false);
    else if (get && http_span_is(&head->target, "/"))
        reply_text(c, 200, "OK",
                   "<!DOCTYPE html>\n<title>It works</title>\n<!-- " SEVPN_PROBE_TAG " -->\n",
                   false);
    else
        reply_text(c, 404, "Not Found", "", false);
}

static void
on_request(void *state, struct conn *c, const struct http_head *head, struct reader body,
           int64_t now_us)
{
    bool post = http_span_is(&head->method, "POST");

    if (post && http_span_is(&head->target, SEVPN_TARGET_SIGNATURE))
        on_signature(state, c, body);
    else if (post && http_span_is(&head->target, SEVPN_TARGET_PACK))
        on_pack(c, head, body, now_us);
    else
        on_other(c, head);
}

static void
on_gone(void *state, struct conn *c)
{
    struct sevpn_server *s = state;
    struct visit *v = conn_data(c);

    if (v->asking)
        auth_cancel(s->config.auth, v->ticket);
    pack_free(v->pack);
    secret_wipe(v, sizeof(*v));
    g_free(v);
}

/* ---- life ---- */

static unsigned
key_hash(gconstpointer key)
{
    return g_bytes_hash(key);
}

struct sevpn_server *
sevpn_server_new(const struct sevpn_server_config *config)
{
    struct sevpn_server *s = g_new0(struct sevpn_server, 1);
    unsigned n = worker_set_n(hubs_workers(config->hubs));

    s->config = *config;
    s->service = (struct http_service){
        .name = "SE-VPN", .state = s, .claims = claims, .request = on_request, .gone = on_gone};
    g_mutex_init(&s->lock);
    s->by_key = g_hash_table_new_full(key_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    for (unsigned i = 0; i < n; i++)
        s->zlib[i] = block_zlib_new();
    return s;
}

void
sevpn_server_free(struct sevpn_server *s)
{
    if (!s)
        return;
    g_assert(g_hash_table_size(s->by_key) == 0);
    g_hash_table_unref(s->by_key);
    for (unsigned i = 0; i < WORKER_MAX; i++)
        block_zlib_free(s->zlib[i]);
    g_mutex_clear(&s->lock);
    g_free(s);
}

const struct http_service *
sevpn_server_service(struct sevpn_server *s)
{
    return &s->service;
}
