/* SPDX-License-Identifier: Apache-2.0 */
/* siv_priv.h - the one construction inside tls-crypt and inside wrapped client keys: HMAC-SHA256 of
 * what is said beside the text and the text, and the text under AES-256-CTR that starts at the
 * first half of that tag. */
#pragma once

#include "core/base/types.h"

#include <openssl/evp.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIV_KEY = 32, SIV_TAG = 32 };

/* Immutable once made; any thread. */
struct siv {
    EVP_MAC_CTX *mac; /* keyed; copied for each use */
    EVP_CIPHER *ctr;
    uint8_t key[SIV_KEY];
};

/* Takes the first SIV_KEY bytes of each. */
void siv_init(struct siv *s, const uint8_t *cipher_key, const uint8_t *mac_key);
void siv_done(struct siv *s); /* wipes; harmless on zeroes */
/* Both change text in place. */
void siv_seal(const struct siv *s, const uint8_t *beside, size_t beside_len, uint8_t *text,
              size_t len, uint8_t tag[SIV_TAG]);
bool siv_open(const struct siv *s, const uint8_t *beside, size_t beside_len, uint8_t *text,
              size_t len, const uint8_t tag[SIV_TAG]) MUST_CHECK;

/* An HMAC with this key and OpenSSL's name of a digest; NULL: not known. */
EVP_MAC_CTX *ovpn_hmac_new(const char *digest, const uint8_t *key, size_t key_len);
