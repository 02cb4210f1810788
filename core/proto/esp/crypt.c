/* SPDX-License-Identifier: Apache-2.0 */
/* crypt.c - what ESP asks of OpenSSL in both directions: contexts that are keyed once. A packet
 * then costs one new IV; the MAC starts again from the state that its key left. */

#include "core/net/wire.h"
#include "core/proto/esp/esp_priv.h"

#include <openssl/core_names.h>

EVP_CIPHER_CTX *
esp_cipher_new(const struct esp_shape *shape, const uint8_t *keymat, bool encrypt)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, shape->cipher, NULL);
    EVP_CIPHER_CTX *ctx = cipher ? EVP_CIPHER_CTX_new() : NULL;

    if (ctx && (!EVP_CipherInit_ex2(ctx, cipher, keymat, NULL, encrypt, NULL) ||
                !EVP_CIPHER_CTX_set_padding(ctx, 0))) {
        EVP_CIPHER_CTX_free(ctx);
        ctx = NULL;
    }
    EVP_CIPHER_free(cipher);
    return ctx;
}

EVP_MAC_CTX *
esp_mac_new(const struct esp_shape *shape, const uint8_t *keymat)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    char name[16];

    (void)OPENSSL_strlcpy(name, shape->digest, sizeof(name));
    OSSL_PARAM param[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                          OSSL_PARAM_construct_end()};
    const uint8_t *key = keymat + shape->key_len + shape->salt_len;
    if (ctx && !EVP_MAC_init(ctx, key, shape->mac_key_len, param)) {
        EVP_MAC_CTX_free(ctx);
        ctx = NULL;
    }
    EVP_MAC_free(mac);
    return ctx;
}

bool
esp_mac_make(EVP_MAC_CTX *mac, const uint8_t *packet, size_t len, const struct esp_suite *s,
             uint64_t seq, uint8_t out[EVP_MAX_MD_SIZE])
{
    uint8_t high[4];
    size_t n = 0;

    if (!EVP_MAC_init(mac, NULL, 0, NULL) || !EVP_MAC_update(mac, packet, len))
        return false;
    if (s->esn) {
        wire_put32(high, (uint32_t)(seq >> 32));
        if (!EVP_MAC_update(mac, high, sizeof(high)))
            return false;
    }
    return EVP_MAC_final(mac, out, &n, EVP_MAX_MD_SIZE);
}

size_t
esp_beside(const uint8_t *packet, const struct esp_suite *s, uint64_t seq, uint8_t out[12])
{
    memcpy(out, packet, 4);
    if (!s->esn) {
        memcpy(out + 4, packet + ESP_AT_SEQUENCE, 4);
        return 8;
    }
    wire_put32(out + 4, (uint32_t)(seq >> 32));
    wire_put32(out + 8, (uint32_t)seq);
    return 12;
}
