/* SPDX-License-Identifier: Apache-2.0 */
/* peer_login.c - who a client is, and what it is told: the messages inside TLS.
 *
 * The first message is key method 2. It is answered at once, the data key is made from both, and
 * auth is asked meanwhile; its verdict begins the session, which finds the addresses that the
 * PUSH_REPLY needs. With a renewed key the same client must show itself again, by password or by
 * the token that it was given.
 */

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/crypto/cert.h"
#include "core/proto/account_name.h"
#include "core/proto/openvpn/challenge.h"
#include "core/proto/openvpn/data.h"
#include "core/proto/openvpn/peer.h"

#include <string.h>

#define SAY_FAILED  "AUTH_FAILED"
#define SAY_EXPIRED "AUTH_FAILED,SESSION: token expired" /* it tries again with its password */

static int64_t
wall_s(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

static void
refuse(struct ovpn_peer *p, const char *text, int reason, int64_t now_us)
{
    ovpn_peer_dismiss(p, text, reason, now_us);
}

/* What it asks for cannot be had here; an administrator may want to know why. */
static void
refuse_options(struct ovpn_peer *p, const char *why, int64_t now_us)
{
    g_autofree char *text = g_strdup_printf(SAY_FAILED ",%s", why);
    char peer[ENDPOINT_TEXT];

    log_warning("OpenVPN client refused", "peer=%s reason=%s",
                endpoint_print(&p->address.remote, peer), why);
    refuse(p, text, PE_NOT_SUPPORTED, now_us);
}

/* ---- tokens ---- */

/* The name that a token is for: as it was typed, but for case. */
static char *
token_account(const struct ovpn_peer *p)
{
    g_autofree char *name = g_strdup_printf("%s@%s", p->user, p->hub);

    return g_ascii_strdown(name, -1);
}

static bool
token_is_good(struct ovpn_peer *p, const char *password)
{
    g_autofree char *account = token_account(p);
    size_t len = strlen(p->token);

    if (p->rules->settings->require_client_cert) /* it does not prove one */
        return false;
    /* While the session lives, its own token does not age: old clients cannot take another one. */
    if (p->primary && len > 0 && strlen(password) == len && secret_equal(password, p->token, len))
        return true;
    return ovpn_token_check(p->server->token_key, account, password, wall_s(), &p->token_first_s,
                            p->token_session);
}

static void
make_token(struct ovpn_peer *p)
{
    g_autofree char *account = token_account(p);
    int64_t now_s = wall_s();

    if (p->token_first_s == 0) {
        p->token_first_s = now_s;
        random_bytes(p->token_session, sizeof(p->token_session));
    }
    ovpn_token_make(p->server->token_key, account, p->token_session, p->token_first_s, now_s,
                    p->token);
}

/* ---- asking auth ---- */

static void on_verdict(void *owner, const struct auth_verdict *verdict);

/* The name it gives, or the one in its certificate. */
static char *
name_of(const struct ovpn_km2 *m, GBytes *cert)
{
    if (m->user[0] || !cert)
        return g_strdup(m->user);
    X509 *x = cert_from_der(g_bytes_get_data(cert, NULL), g_bytes_get_size(cert), NULL);
    char *name = x ? cert_common_name(x) : NULL;
    X509_free(x);
    return name ? name : g_strdup("");
}

/* False: it is not the one who began. */
static bool
name_account(struct ovpn_peer *p, const char *name)
{
    g_autofree char *hub = NULL;
    g_autofree char *user = NULL;

    account_name_split(p->server->config.hubs, p->rules->settings->default_hub, name, &hub, &user);
    if (p->primary)
        return g_ascii_strcasecmp(hub, p->hub) == 0 && g_ascii_strcasecmp(user, p->user) == 0;
    p->hub = g_steal_pointer(&hub);
    p->user = g_steal_pointer(&user);
    return true;
}

/* What it shows, as auth takes it. cert is taken, or NULL. */
static struct auth_request *
request_of(const struct ovpn_key *k, const struct ovpn_km2 *m, GBytes *cert)
{
    struct ovpn_answer answer;

    ovpn_answer_parse(m->password, &answer);
    bool no_password = !answer.password || answer.password->len == 0;
    enum auth_kind kind = k->by_token                          ? AUTH_PROVEN
                          : answer.kind == OVPN_ANSWER_DYNAMIC ? AUTH_REPLY
                          : no_password && cert                ? AUTH_CERT_TLS
                                                               : AUTH_PLAIN;
    struct auth_request *r = auth_request_new(kind);
    r->cert = cert;
    r->can_ask = true;
    if (kind == AUTH_PLAIN)
        r->password = g_steal_pointer(&answer.password);
    if (kind == AUTH_REPLY) {
        r->password = g_steal_pointer(&answer.answer);
        g_strlcpy(r->reply_id, answer.id, sizeof(r->reply_id));
    } else if (kind != AUTH_PROVEN) {
        r->code = g_steal_pointer(&answer.answer);
    }
    ovpn_answer_clear(&answer);
    return r;
}

static void
ask_auth(struct ovpn_peer *p, struct ovpn_key *k, const struct ovpn_km2 *m, int64_t now_us)
{
    GBytes *cert = ovpn_channel_certificate(k->channel);
    g_autofree char *name = name_of(m, cert);
    bool fine = name_account(p, name);

    if (fine && ovpn_token_is(m->password)) {
        k->by_token = token_is_good(p, m->password);
        fine = k->by_token;
    }
    if (!fine) {
        if (cert)
            g_bytes_unref(cert);
        refuse(p, ovpn_token_is(m->password) ? SAY_EXPIRED : SAY_FAILED, PE_AUTH_FAILED, now_us);
        return;
    }
    struct auth_request *r = request_of(k, m, cert);
    r->hub = g_strdup(p->hub);
    r->user = g_strdup(p->user);
    r->peer = p->address.remote;
    r->protocol = g_strdup("OpenVPN");
    r->cert_required = p->rules->settings->require_client_cert;
    r->worker = p->home->worker;
    r->done = on_verdict;
    r->owner = p;
    k->asked_us = now_us;
    k->ticket = auth_submit(p->server->config.auth, r);
}

/* A renewed key's owner is still welcome. */
static void
welcome_again(struct ovpn_peer *p, struct ovpn_key *k, int64_t now_us)
{
    k->verified = true;
    if (p->token[0]) { /* or it would be too old some time */
        make_token(p);
        g_autofree char *option = g_strdup_printf("auth-token %s", p->token);
        g_autoptr(GPtrArray) messages = ovpn_push_one(option);
        (void)ovpn_channel_say(k->channel, g_ptr_array_index(messages, 0), now_us);
        secret_wipe(option, strlen(option));
    }
    ovpn_peer_try_promote(p, now_us);
    ovpn_peer_flush(p, now_us);
}

static void
welcome(struct ovpn_peer *p, struct ovpn_key *k, const struct auth_verdict *verdict, int64_t now_us)
{
    int code = ovpn_session_begin(p, verdict, now_us);

    if (code != PE_OK) {
        refuse(p, SAY_FAILED, code, now_us);
        return;
    }
    k->verified = true;
    p->state = OVPN_PEER_WAITING;
    ovpn_home_known(p->home, &p->stranger);
    if (!p->rules->settings->require_client_cert && (k->by_password || k->by_token))
        make_token(p);
    if (!p->stream) {
        struct ovpn_peer *former = ovpn_home_enter_address(p->home, p);
        if (former) /* it has begun anew, and has proven it */
            ovpn_peer_end(former, PE_DISCONNECTED);
    }
    ovpn_peer_try_push(p, now_us);
    ovpn_peer_flush(p, now_us);
}

/* It comes back, in a new connection, with the answer. */
static void
challenge(struct ovpn_peer *p, const struct auth_verdict *verdict, int64_t now_us)
{
    g_autofree char *name = g_strdup_printf("%s@%s", p->user, p->hub);
    g_autofree char *text =
        ovpn_challenge_print(verdict->question.id, name, verdict->question.echo, verdict->message);

    refuse(p, text, verdict->code, now_us);
}

static void
on_verdict(void *owner, const struct auth_verdict *verdict)
{
    struct ovpn_peer *p = owner;
    struct ovpn_key *k = p->fresh;
    int64_t now_us = worker_now_us(p->home->worker);

    k->ticket = 0;
    k->waited_us = now_us - k->asked_us;
    if (!ovpn_peer_is_alive(p))
        return;
    if (verdict->question.is_asked)
        challenge(p, verdict, now_us);
    else if (verdict->code != PE_OK)
        refuse(p, SAY_FAILED, verdict->code, now_us);
    else if (p->primary)
        welcome_again(p, k, now_us);
    else
        welcome(p, k, verdict, now_us);
}

/* ---- key method 2 ---- */

/* Our half. It goes first: nothing else is understood before it. */
static bool
answer_km2(struct ovpn_key *k, const struct ovpn_km2 *theirs, struct ovpn_km2 *ours, int64_t now_us)
{
    uint8_t bytes[4 + 1 + 2 * 32 + 2 + OVPN_OPTIONS_MAX + 3 * 3];
    struct writer w = writer_of(bytes, sizeof(bytes));

    random_bytes(ours->random1, sizeof(ours->random1));
    random_bytes(ours->random2, sizeof(ours->random2));
    ovpn_options_mirror(theirs->options, ours->options, sizeof(ours->options));
    ovpn_km2_write(&w, ours);
    bool ok = writer_ok(&w) && ovpn_channel_write(k->channel, bytes, w.len, now_us);
    secret_wipe(bytes, sizeof(bytes));
    return ok;
}

static bool
make_data_key(struct ovpn_peer *p, struct ovpn_key *k, const struct ovpn_km2 *theirs,
              const struct ovpn_km2 *ours)
{
    uint8_t block[OVPN_KEY_BLOCK];
    struct ovpn_data_config config = {.cipher = p->cipher,
                                      .digest = p->says.digest,
                                      .server = true,
                                      .key_id = k->id,
                                      .peer_id = p->data_v2 ? p->id : OVPN_PEER_ID_NONE,
                                      .data_v2 = p->data_v2};

    bool ok = p->ekm ? ovpn_channel_export(k->channel, block, sizeof(block))
                     : ovpn_keys_by_prf(theirs, ours, p->client_sid, p->sid, block);
    if (ok)
        k->data = ovpn_data_new(&config, block);
    secret_wipe(block, sizeof(block));
    return k->data != NULL;
}

/* What the first key's message says holds for all keys. Returns why it cannot be; NULL when fine.
 */
static const char *
learn(struct ovpn_peer *p, const struct ovpn_km2 *m)
{
    ovpn_client_says_parse(m->options, m->peer_info, &p->says);
    p->cipher = ovpn_choose_cipher(&p->says, p->rules->settings, &p->tell_cipher);
    p->ekm = p->says.proto & OVPN_PROTO_TLS_EKM;
    p->data_v2 = p->says.proto & OVPN_PROTO_DATA_V2;
    if (p->says.comp)
        p->framing = p->says.stub_v2 ? OVPN_FRAMING_STUB_V2 : OVPN_FRAMING_LZO;
    if (p->says.fragment)
        return "this server does not know --fragment";
    if (p->cipher == OVPN_CIPHER_NONE_AGREED)
        return "data channel cipher negotiation failed (no shared cipher)";
    return NULL;
}

static void
take_km2(struct ovpn_peer *p, struct ovpn_key *k, const struct ovpn_km2 *theirs, int64_t now_us)
{
    g_autofree struct ovpn_km2 *ours = g_new0(struct ovpn_km2, 1);
    const char *fault = p->primary ? NULL : learn(p, theirs);

    k->by_password = theirs->password[0] != '\0';
    k->km2_done = answer_km2(k, theirs, ours, now_us);
    if (!k->km2_done)
        ovpn_peer_end(p, PE_PROTOCOL);
    else if (fault)
        refuse_options(p, fault, now_us);
    else if (!make_data_key(p, k, theirs, ours))
        refuse_options(p, "the data channel cannot be set up with this --auth", now_us);
    else
        ask_auth(p, k, theirs, now_us);
    secret_wipe(ours, sizeof(*ours));
}

static void
on_km2(struct ovpn_peer *p, struct ovpn_key *k, const uint8_t *bytes, size_t len, int64_t now_us)
{
    g_autofree struct ovpn_km2 *m = g_new(struct ovpn_km2, 1);
    size_t used = 0;

    if (!k->km2_part)
        k->km2_part = g_byte_array_new();
    if (k->km2_part->len + len <= OVPN_MESSAGE_MAX)
        g_byte_array_append(k->km2_part, bytes, (guint)len);
    struct reader in = reader_of(k->km2_part->data, k->km2_part->len);
    enum drop why = ovpn_km2_parse(in, true, m, &used);
    if (why == DROP_SHORT && in.left + len <= OVPN_MESSAGE_MAX)
        return;
    secret_wipe(k->km2_part->data, k->km2_part->len);
    g_byte_array_unref(g_steal_pointer(&k->km2_part));
    if (why == DROP_NONE)
        take_km2(p, k, m, now_us);
    else
        ovpn_peer_end(p, PE_PROTOCOL);
    secret_wipe(m, sizeof(*m));
}

/* ---- text ---- */

static void
say_push(struct ovpn_peer *p, int64_t now_us)
{
    p->pushed_us = now_us;
    for (guint i = 0; i < p->push->len; i++)
        (void)ovpn_channel_say(p->primary->channel, g_ptr_array_index(p->push, i), now_us);
}

void
ovpn_peer_try_push(struct ovpn_peer *p, int64_t now_us)
{
    bool asked = p->push_asked || (p->says.proto & OVPN_PROTO_REQUEST_PUSH);
    struct ovpn_push push = {.settings = p->rules->settings,
                             .says = &p->says,
                             .address = p->told,
                             .cipher = p->tell_cipher ? p->cipher : OVPN_CIPHER_NONE_AGREED,
                             .framing = p->framing,
                             .peer_id = p->data_v2 ? p->id : OVPN_PEER_ID_NONE,
                             .ekm = p->ekm,
                             .datagrams = !p->stream,
                             .token = p->token[0] ? p->token : NULL};

    if (p->state == OVPN_PEER_UP && p->push_asked && p->push &&
        now_us - p->pushed_us >= OVPN_PUSH_AGAIN_MS * 1000)
        say_push(p, now_us);
    p->push_asked &= p->state != OVPN_PEER_UP;
    if (p->state != OVPN_PEER_WAITING || !asked || (!p->says.tap && !p->told))
        return;
    p->push = ovpn_push_compose(&push);
    ovpn_peer_promote(p, now_us);
    p->state = OVPN_PEER_UP;
    p->push_asked = false;
    p->last_in_us = p->last_out_us = now_us;
    ovpn_data_set_mss(p);
    say_push(p, now_us);
}

static void
on_text(struct ovpn_peer *p, const char *text, int64_t now_us)
{
    if (strcmp(text, "PUSH_REQUEST") == 0) {
        p->push_asked = true;
        ovpn_peer_try_push(p, now_us);
    } else if (strcmp(text, "EXIT") == 0) {
        ovpn_peer_end(p, PE_CANCELLED);
    } /* others want nothing of a server like this */
}

void
ovpn_peer_message(struct ovpn_peer *p, struct ovpn_key *k, const uint8_t *bytes, size_t len,
                  int64_t now_us)
{
    if (!k->km2_done) {
        on_km2(p, k, bytes, len, now_us);
        return;
    }
    /* One or more texts, each with its NUL; the last one may lack it. */
    g_autofree char *all = g_malloc0(len + 1);
    memcpy(all, bytes, len);
    for (size_t at = 0; at < len && ovpn_peer_is_alive(p); at += strlen(all + at) + 1)
        on_text(p, all + at, now_us);
}
