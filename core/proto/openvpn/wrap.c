/* SPDX-License-Identifier: Apache-2.0 */
/* wrap.c - see wrap.h. Key files are in wrap_keys.c.
 *
 *   nothing     op sid                                rest
 *   tls-auth    op sid  HMAC       id time            rest     HMAC over id time op sid rest
 *   tls-crypt   op sid             id time  tag  enc( rest )   siv_priv.h; beside: op sid id time
 */

#include "core/proto/openvpn/wrap.h"

#include "core/proto/openvpn/siv_priv.h"

enum {
    HEAD = 1 + OVPN_SID,
    REPLAY = 8, /* id and time */
    HALF = 128, /* of a static key: 64 bytes for a cipher, 64 for an HMAC */
    HMAC_AT = 64,
    LEN_AT_END = 2,
    WKC_LEAST = SIV_TAG + OVPN_STATIC_KEY + LEN_AT_END,
    METADATA_USER = 0,
    METADATA_TIME = 1,
};

struct ovpn_wrap_key {
    gatomicrefcount refs;
    enum ovpn_wrap_kind kind;
    EVP_MAC_CTX *auth_send, *auth_receive; /* AUTH; copied for each use */
    size_t auth_len;
    struct siv send, receive; /* CRYPT; CRYPT_V2: send is what clients' keys are wrapped by */
};

/* ---- keys ---- */

static bool
make_auth(struct ovpn_wrap_key *k, const uint8_t *key, const char *digest, int direction)
{
    EVP_MD *md = EVP_MD_fetch(NULL, digest, NULL);
    size_t len = md ? (size_t)EVP_MD_get_size(md) : 0;

    EVP_MD_free(md);
    if (len == 0 || len > HALF - HMAC_AT)
        return false;
    k->auth_len = len;
    k->auth_send = ovpn_hmac_new(digest, key + HMAC_AT + (direction == 1 ? HALF : 0), len);
    k->auth_receive = ovpn_hmac_new(digest, key + HMAC_AT + (direction == 0 ? HALF : 0), len);
    return k->auth_send && k->auth_receive;
}

/* For CRYPT, server's side: it sends with the first half. */
static void
make_crypt(struct ovpn_wrap_key *k, const uint8_t *key)
{
    siv_init(&k->send, key, key + HMAC_AT);
    if (k->kind == OVPN_WRAP_CRYPT)
        siv_init(&k->receive, key + HALF, key + HALF + HMAC_AT);
}

static size_t
key_len(enum ovpn_wrap_kind kind)
{
    return kind == OVPN_WRAP_CRYPT_V2 ? (size_t)OVPN_V2_SERVER_KEY : OVPN_STATIC_KEY;
}

struct ovpn_wrap_key *
ovpn_wrap_key_new(enum ovpn_wrap_kind kind, const uint8_t *key, size_t len, const char *digest,
                  int direction)
{
    struct ovpn_wrap_key *k = g_new0(struct ovpn_wrap_key, 1);

    g_assert(len == key_len(kind));
    g_atomic_ref_count_init(&k->refs);
    k->kind = kind;
    if (kind != OVPN_WRAP_AUTH) {
        make_crypt(k, key);
    } else if (!make_auth(k, key, digest ? digest : "SHA1", direction)) {
        ovpn_wrap_key_unref(k);
        return NULL;
    }
    return k;
}

struct ovpn_wrap_key *
ovpn_wrap_key_ref(struct ovpn_wrap_key *k)
{
    g_atomic_ref_count_inc(&k->refs);
    return k;
}

void
ovpn_wrap_key_unref(struct ovpn_wrap_key *k)
{
    if (!k || !g_atomic_ref_count_dec(&k->refs))
        return;
    EVP_MAC_CTX_free(k->auth_send);
    EVP_MAC_CTX_free(k->auth_receive);
    siv_done(&k->send);
    siv_done(&k->receive);
    g_free(k);
}

enum ovpn_wrap_kind
ovpn_wrap_key_kind(const struct ovpn_wrap_key *k)
{
    return k->kind;
}

void
ovpn_wrap_begin(struct ovpn_wrap *w, struct ovpn_wrap_key *key)
{
    *w = (struct ovpn_wrap){.key = key ? ovpn_wrap_key_ref(key) : NULL};
}

void
ovpn_wrap_end(struct ovpn_wrap *w)
{
    ovpn_wrap_key_unref(w->key);
    *w = (struct ovpn_wrap){0};
}

static enum ovpn_wrap_kind
kind_of(const struct ovpn_wrap *w)
{
    return w->key ? w->key->kind : OVPN_WRAP_NONE;
}

size_t
ovpn_wrap_overhead(const struct ovpn_wrap *w)
{
    switch (kind_of(w)) {
    case OVPN_WRAP_NONE:
        return 0;
    case OVPN_WRAP_AUTH:
        return w->key->auth_len + REPLAY;
    case OVPN_WRAP_CRYPT:
    case OVPN_WRAP_CRYPT_V2:
        return SIV_TAG + REPLAY;
    }
    return 0;
}

/* ---- a client's wrapped key ---- */

struct ovpn_wrap_key *
ovpn_wrap_open_wkc(const struct ovpn_wrap_key *server, const uint8_t *packet, size_t *packet_len)
{
    uint8_t text[OVPN_WKC_MAX];
    struct ovpn_wrap_key *key = NULL;

    if (server->kind != OVPN_WRAP_CRYPT_V2 || *packet_len < HEAD + WKC_LEAST)
        return NULL;
    const uint8_t *end = packet + *packet_len;
    size_t wkc_len = (size_t)end[-2] << 8 | end[-1];
    if (wkc_len < WKC_LEAST || wkc_len > OVPN_WKC_MAX || wkc_len > *packet_len - HEAD)
        return NULL;

    const uint8_t *wkc = end - wkc_len;
    size_t len = wkc_len - SIV_TAG - LEN_AT_END;
    size_t metadata_len = len - OVPN_STATIC_KEY;
    const uint8_t *metadata = text + OVPN_STATIC_KEY;
    memcpy(text, wkc + SIV_TAG, len);
    if (siv_open(&server->send, end - LEN_AT_END, LEN_AT_END, text, len, wkc) &&
        (metadata_len == 0 || metadata[0] == METADATA_USER ||
         (metadata[0] == METADATA_TIME && metadata_len == 1 + 8))) {
        key = ovpn_wrap_key_new(OVPN_WRAP_CRYPT, text, OVPN_STATIC_KEY, NULL, 0);
        *packet_len -= wkc_len;
    }
    secret_wipe(text, sizeof(text));
    return key;
}

/* ---- opening ---- */

/* Time goes first, so that whoever starts again with id 1 is not taken for a replay. Moves the
 * window when the packet is new. */
static bool
is_new(struct ovpn_wrap *w, const uint8_t *replay)
{
    struct reader r = reader_of(replay, REPLAY);
    uint64_t id = reader_u32(&r);
    uint64_t at = (uint64_t)reader_u32(&r) << 32 | id;

    if (id == 0)
        return false;
    if (at > w->replay_top) {
        uint64_t ahead = at - w->replay_top;
        w->replay_bits = ahead < OVPN_REPLAY_CONTROL ? w->replay_bits << ahead : 0;
        w->replay_bits |= 1;
        w->replay_top = at;
        return true;
    }
    uint64_t behind = w->replay_top - at;
    uint64_t bit = behind < OVPN_REPLAY_CONTROL ? UINT64_C(1) << behind : 0;
    if (bit == 0 || (w->replay_bits & bit) != 0)
        return false;
    w->replay_bits |= bit;
    return true;
}

static bool
make_auth_tag(const EVP_MAC_CTX *key, const uint8_t *replay, const uint8_t *head,
              struct reader rest, uint8_t out[EVP_MAX_MD_SIZE])
{
    EVP_MAC_CTX *mac = EVP_MAC_CTX_dup(key);
    size_t len = 0;
    bool ok = mac && EVP_MAC_update(mac, replay, REPLAY) && EVP_MAC_update(mac, head, HEAD) &&
              EVP_MAC_update(mac, rest.at, rest.left) &&
              EVP_MAC_final(mac, out, &len, EVP_MAX_MD_SIZE);

    EVP_MAC_CTX_free(mac);
    return ok;
}

/* The two functions for opening move in past what wraps, and leave what was wrapped. */
static enum drop
open_auth(const struct ovpn_wrap_key *k, const uint8_t *head, struct reader *in,
          const uint8_t **replay)
{
    uint8_t want[EVP_MAX_MD_SIZE];
    const uint8_t *tag = reader_take(in, k->auth_len);

    *replay = reader_take(in, REPLAY);
    if (!*replay)
        return DROP_SHORT;
    if (!make_auth_tag(k->auth_receive, *replay, head, *in, want) ||
        !secret_equal(want, tag, k->auth_len))
        return DROP_MALFORMED;
    return DROP_NONE;
}

static enum drop
open_crypt(const struct ovpn_wrap_key *k, uint8_t *packet, struct reader *in,
           const uint8_t **replay)
{
    *replay = reader_take(in, REPLAY);
    const uint8_t *tag = reader_take(in, SIV_TAG);
    if (!tag)
        return DROP_SHORT;
    if (!siv_open(&k->receive, packet, HEAD + REPLAY, packet + HEAD + REPLAY + SIV_TAG, in->left,
                  tag))
        return DROP_MALFORMED;
    return DROP_NONE;
}

enum drop
ovpn_wrap_open(struct ovpn_wrap *w, uint8_t *packet, size_t len, bool check_replay,
               struct ovpn_control *out)
{
    struct reader in = reader_of(packet, len);
    struct ovpn_control c = {0};
    const uint8_t *replay = NULL;
    enum drop why = DROP_NONE;

    uint8_t first = reader_u8(&in);
    reader_copy(&in, c.sid, OVPN_SID);
    if (!reader_ok(&in))
        return DROP_SHORT;
    if (len > OVPN_PACKET_MAX)
        return DROP_TOO_LONG;
    c.op = (enum ovpn_op)ovpn_op(first);
    c.key_id = ovpn_key_id(first);
    switch (kind_of(w)) {
    case OVPN_WRAP_NONE:
        break;
    case OVPN_WRAP_AUTH:
        why = open_auth(w->key, packet, &in, &replay);
        break;
    case OVPN_WRAP_CRYPT:
        why = open_crypt(w->key, packet, &in, &replay);
        break;
    case OVPN_WRAP_CRYPT_V2:
        why = DROP_MALFORMED; /* opens keys, not packets */
        break;
    }
    if (why == DROP_NONE)
        why = ovpn_control_parse(in, &c);
    if (why != DROP_NONE)
        return why;
    if (replay && check_replay && !is_new(w, replay))
        return DROP_POLICY;
    *out = c;
    return DROP_NONE;
}

uint32_t
ovpn_wrap_packet_id(const struct ovpn_wrap *w, const uint8_t *packet, size_t len)
{
    struct reader in = reader_of(packet, len);

    if (!w->key)
        return 0;
    (void)reader_take(&in, HEAD + (w->key->kind == OVPN_WRAP_AUTH ? w->key->auth_len : 0));
    return reader_u32(&in);
}

/* ---- sealing ---- */

/* The time says when the session began and stays: a receiver orders by time first, and would take
 * what was overtaken for a replay if it ran. */
static void
next_replay(struct ovpn_wrap *w, uint32_t now_s, uint8_t out[REPLAY])
{
    struct writer r = writer_of(out, REPLAY);

    if (w->send_time == 0)
        w->send_time = now_s;
    w->send_id++;
    writer_u32(&r, w->send_id);
    writer_u32(&r, w->send_time);
}

bool
ovpn_wrap_seal(struct ovpn_wrap *w, const struct ovpn_control *c, uint32_t now_s,
               struct writer *out)
{
    enum ovpn_wrap_kind kind = kind_of(w);
    size_t auth_len = kind == OVPN_WRAP_AUTH ? w->key->auth_len : 0;

    if (kind == OVPN_WRAP_CRYPT_V2 || w->send_id == UINT32_MAX)
        return false;
    size_t before = out->len;
    uint8_t first = ovpn_first(c->op, c->key_id);
    writer_u8(out, first);
    writer_bytes(out, c->sid, OVPN_SID);
    uint8_t *auth_tag = writer_room(out, auth_len);
    uint8_t *replay = writer_room(out, kind == OVPN_WRAP_NONE ? 0 : REPLAY);
    uint8_t *tag = writer_room(out, kind == OVPN_WRAP_CRYPT ? SIV_TAG : 0);
    ovpn_control_write(out, c);
    if (!writer_ok(out))
        return false;
    if (kind == OVPN_WRAP_NONE)
        return true;

    uint8_t *head = out->start + before;
    next_replay(w, now_s, replay);
    if (kind == OVPN_WRAP_CRYPT) {
        uint8_t *text = tag + SIV_TAG;
        siv_seal(&w->key->send, head, HEAD + REPLAY, text, (size_t)(out->start + out->len - text),
                 tag);
        return true;
    }
    uint8_t *rest = replay + REPLAY;
    uint8_t full[EVP_MAX_MD_SIZE];
    if (!make_auth_tag(w->key->auth_send, replay, head,
                       reader_of(rest, (size_t)(out->start + out->len - rest)), full))
        return false;
    memcpy(auth_tag, full, auth_len);
    return true;
}
