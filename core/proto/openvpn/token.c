/* SPDX-License-Identifier: Apache-2.0 */
/* token.c - see token.h. In openvpn's own form, so that a client's log and an administrator's eye
 * know it: a fixed word, and in base64 session (12), when the password was shown (8), when this
 * token was made (8), HMAC-SHA256 of account and all that (32). */

#include "core/proto/openvpn/token.h"

#include "core/base/reader.h"
#include "core/base/secret.h"
#include "core/base/writer.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define PREFIX "SESS_ID_AT_"

enum {
    PREFIX_LEN = sizeof(PREFIX) - 1,
    SESSION = 12,
    TAG = 32,
    SAID = SESSION + 8 + 8,
    WHOLE = SAID + TAG,
    LETTERS = WHOLE / 3 * 4, /* without a rest: one text for one token */
    SKEW_S = 60,             /* that our own clock may have been set back by */
    ACCOUNT_MAX = 1024,
};
G_STATIC_ASSERT(WHOLE % 3 == 0 && PREFIX_LEN + LETTERS < OVPN_TOKEN_TEXT);

/* What is said has a fixed length, so the account's end is known. */
static bool
make_tag(const uint8_t *key, const char *account, const uint8_t said[SAID], uint8_t tag[TAG])
{
    uint8_t bytes[ACCOUNT_MAX + SAID];
    struct writer w = writer_of(bytes, sizeof(bytes));
    unsigned len = 0;

    writer_bytes(&w, account, strlen(account));
    writer_bytes(&w, said, SAID);
    return writer_ok(&w) &&
           HMAC(EVP_sha256(), key, OVPN_TOKEN_KEY, bytes, w.len, tag, &len) != NULL && len == TAG;
}

bool
ovpn_token_is(const char *password)
{
    return strncmp(password, PREFIX, PREFIX_LEN) == 0;
}

void
ovpn_token_make(const uint8_t key[OVPN_TOKEN_KEY], const char *account, const uint8_t session[12],
                int64_t initial_s, int64_t now_s, char out[OVPN_TOKEN_TEXT])
{
    uint8_t bytes[WHOLE];
    struct writer w = writer_of(bytes, sizeof(bytes));

    writer_bytes(&w, session, SESSION);
    writer_u64(&w, (uint64_t)initial_s);
    writer_u64(&w, (uint64_t)now_s);
    bool ok = make_tag(key, account, bytes, bytes + SAID);
    char *text = g_base64_encode(bytes, WHOLE);
    (void)g_snprintf(out, OVPN_TOKEN_TEXT, "%s%s", PREFIX, ok ? text : "");
    secret_free_str(text);
}

/* Letters of base64 only, and exactly as many as there are. */
static bool
decode(const char *token, uint8_t out[WHOLE])
{
    char text[LETTERS + 1];
    gsize n = 0;

    if (!ovpn_token_is(token) || strlen(token) != PREFIX_LEN + LETTERS)
        return false;
    memcpy(text, token + PREFIX_LEN, LETTERS + 1);
    for (const char *at = text; *at; at++) {
        if (!g_ascii_isalnum(*at) && *at != '+' && *at != '/')
            return false;
    }
    (void)g_base64_decode_inplace(text, &n);
    if (n == WHOLE)
        memcpy(out, text, WHOLE);
    secret_wipe(text, sizeof(text));
    return n == WHOLE;
}

bool
ovpn_token_check(const uint8_t key[OVPN_TOKEN_KEY], const char *account, const char *token,
                 int64_t now_s, int64_t *initial_s, uint8_t session[12])
{
    uint8_t bytes[WHOLE];
    uint8_t want[TAG];

    if (!decode(token, bytes) || !make_tag(key, account, bytes, want) ||
        !secret_equal(want, bytes + SAID, TAG))
        return false;
    struct reader r = reader_of(bytes + SESSION, 16);
    int64_t initial = (int64_t)reader_u64(&r);
    int64_t made = (int64_t)reader_u64(&r);
    if (made > now_s + SKEW_S || now_s - made > OVPN_TOKEN_IDLE_S ||
        now_s - initial > OVPN_TOKEN_LIFE_S)
        return false;
    *initial_s = initial;
    memcpy(session, bytes, SESSION);
    return true;
}
