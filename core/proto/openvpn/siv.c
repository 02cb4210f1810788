/* SPDX-License-Identifier: Apache-2.0 */
/* siv.c - see siv_priv.h. */

#include "core/base/secret.h"
#include "core/proto/openvpn/siv_priv.h"

#include <glib.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include <string.h>

EVP_MAC_CTX *
ovpn_hmac_new(const char *digest, const uint8_t *key, size_t key_len)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    char *name = g_strdup(digest); /* OSSL_PARAM has no const */
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };

    EVP_MAC_free(mac);
    if (!EVP_MAC_init(ctx, key, key_len, params)) {
        EVP_MAC_CTX_free(ctx);
        ctx = NULL;
    }
    g_free(name);
    return ctx;
}

void
siv_init(struct siv *s, const uint8_t *cipher_key, const uint8_t *mac_key)
{
    s->mac = ovpn_hmac_new("SHA256", mac_key, SIV_KEY);
    s->ctr = EVP_CIPHER_fetch(NULL, "AES-256-CTR", NULL);
    g_assert(s->mac && s->ctr);
    memcpy(s->key, cipher_key, SIV_KEY);
}

void
siv_done(struct siv *s)
{
    EVP_MAC_CTX_free(s->mac);
    EVP_CIPHER_free(s->ctr);
    secret_wipe(s, sizeof(*s));
}

static void
make_tag(const struct siv *s, const uint8_t *beside, size_t beside_len, const uint8_t *text,
         size_t len, uint8_t tag[SIV_TAG])
{
    EVP_MAC_CTX *mac = EVP_MAC_CTX_dup(s->mac);
    size_t tag_len = 0;
    bool ok = mac && EVP_MAC_update(mac, beside, beside_len) && EVP_MAC_update(mac, text, len) &&
              EVP_MAC_final(mac, tag, &tag_len, SIV_TAG) && tag_len == SIV_TAG;

    g_assert(ok);
    EVP_MAC_CTX_free(mac);
}

static void
run_ctr(const struct siv *s, const uint8_t tag[SIV_TAG], uint8_t *text, size_t len)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int out = 0;
    bool ok = ctx && EVP_EncryptInit_ex2(ctx, s->ctr, s->key, tag, NULL) &&
              EVP_EncryptUpdate(ctx, text, &out, text, (int)len) && (size_t)out == len;

    g_assert(ok);
    EVP_CIPHER_CTX_free(ctx);
}

void
siv_seal(const struct siv *s, const uint8_t *beside, size_t beside_len, uint8_t *text, size_t len,
         uint8_t tag[SIV_TAG])
{
    make_tag(s, beside, beside_len, text, len, tag);
    run_ctr(s, tag, text, len);
}

bool
siv_open(const struct siv *s, const uint8_t *beside, size_t beside_len, uint8_t *text, size_t len,
         const uint8_t tag[SIV_TAG])
{
    uint8_t want[SIV_TAG];

    run_ctr(s, tag, text, len);
    make_tag(s, beside, beside_len, text, len, want);
    return secret_equal(want, tag, SIV_TAG);
}
