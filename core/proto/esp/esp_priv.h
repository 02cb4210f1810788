/* SPDX-License-Identifier: Apache-2.0 */
/* esp_priv.h - what both directions of ESP have in common: the lengths of a suite, the MAC, and the
 * two kinds of security association as their own files and their tests see them.
 *
 *   SPI(4) sequence(4) IV payload padding padlen(1) next-header(1) ICV
 */
#pragma once

#include "core/base/types.h"
#include "core/proto/esp/esp.h"
#include "core/proto/esp/window.h"

#include <openssl/evp.h>
#include <openssl/params.h>

#include <string.h>

enum {
    ESP_AT_SEQUENCE = 4,
    ESP_TRAILER = 2,    /* padlen, next header */
    ESP_BLOCK_MAX = 16, /* of a cipher */
    ESP_SALT = 4,       /* of AES-GCM: what a nonce begins with */
    ESP_NONCE = 12,
    ESP_TAG = 16,
    ESP_FULL_ICV = 16,         /* of SHA-256 */
    ESP_SHORT_ICV = 12,        /* of it, where it is truncated to 96 bits */
    ESP_RANDOM_AT_ONCE = 1024, /* IVs for CBC, drawn together */
};

/* What a suite comes to in bytes. */
struct esp_shape {
    const char *cipher; /* OpenSSL's name */
    const char *digest; /* NULL: AEAD */
    size_t key_len;     /* without salt */
    size_t salt_len;
    size_t mac_key_len;
    size_t iv_len;
    size_t align; /* of the text: payload, padding and trailer */
    size_t icv_len;
};
/* False: no such suite. */
bool esp_shape_of(const struct esp_suite *s, struct esp_shape *out) MUST_CHECK;

/* Keyed once, padding off. NULL: OpenSSL cannot. */
EVP_CIPHER_CTX *esp_cipher_new(const struct esp_shape *shape, const uint8_t *keymat, bool encrypt);
EVP_MAC_CTX *esp_mac_new(const struct esp_shape *shape, const uint8_t *keymat);
/* The MAC over a packet up to its ICV; esn: and over the upper half of seq (RFC 4303, 2.2.1). */
bool esp_mac_make(EVP_MAC_CTX *mac, const uint8_t *packet, size_t len, const struct esp_suite *s,
                  uint64_t seq, uint8_t out[EVP_MAX_MD_SIZE]) MUST_CHECK;
/* AES-GCM: what is authenticated beside the text (RFC 4106, 5). Returns its length. */
size_t esp_beside(const uint8_t *packet, const struct esp_suite *s, uint64_t seq, uint8_t out[12]);

struct esp_out {
    struct esp_suite suite;
    struct esp_shape shape;
    uint32_t spi;
    uint64_t seq; /* last one used */
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
    uint8_t nonce[ESP_NONCE];
    OSSL_PARAM tag[2]; /* AEAD: where the tag goes; built once */
    size_t random_left;
    uint8_t random[ESP_RANDOM_AT_ONCE]; /* the last random_left bytes are fresh */
};

/* Seals a text of len bytes, a multiple of shape.align, as it is: padding and all. */
size_t esp_seal_text(struct esp_out *o, const uint8_t *text, size_t len, uint8_t *out);

struct esp_in {
    struct esp_suite suite;
    struct esp_shape shape;
    uint32_t spi;
    bool may_be_short; /* SHA-256, and no packet had all 128 bits of it yet */
    bool is_short;
    uint64_t packets;
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
    uint8_t nonce[ESP_NONCE];
    OSSL_PARAM tag[2];
    struct esp_window window;
};
