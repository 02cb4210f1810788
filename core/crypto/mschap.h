/* SPDX-License-Identifier: Apache-2.0 */
/* mschap.h - MS-CHAPv2 (RFC 2759) and the keys that come of it (RFC 3079). As strong as one DES
 * key: only inside of TLS or IPsec. Functions that return bool fail when OpenSSL does. */
#pragma once

#include "core/base/types.h"
#include "core/crypto/nthash.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    MSCHAP_CHALLENGE = 16, /* the authenticator's and the peer's */
    MSCHAP_HASH = 8,       /* of both challenges and the name: what is encrypted */
    MSCHAP_RESPONSE = 24,
    MSCHAP_KEY = 16,
    MSCHAP_AUTHENTICATOR_TEXT = 2 + 40 + 1, /* "S=", 40 upper-case hexadecimal digits, NUL */
};

/* 8.2. The name is hashed as it is given. */
bool mschap_challenge_hash(const uint8_t peer[MSCHAP_CHALLENGE],
                           const uint8_t authenticator[MSCHAP_CHALLENGE], const char *name,
                           uint8_t out[MSCHAP_HASH]) MUST_CHECK;
/* 8.5 */
bool mschap_response(const uint8_t hash[MSCHAP_HASH], const uint8_t nt[NT_HASH_SIZE],
                     uint8_t out[MSCHAP_RESPONSE]) MUST_CHECK;
/* 8.4: what the following ones start from. */
void mschap_hash_hash(const uint8_t nt[NT_HASH_SIZE], uint8_t out[NT_HASH_SIZE]);
/* 8.7: proves to the peer that the authenticator knows its password. */
bool mschap_authenticator(const uint8_t hash_hash[NT_HASH_SIZE],
                          const uint8_t response[MSCHAP_RESPONSE], const uint8_t hash[MSCHAP_HASH],
                          char out[MSCHAP_AUTHENTICATOR_TEXT]) MUST_CHECK;
/* 8.8: the peer's check of it, in constant time. */
bool mschap_authenticator_is_right(const char *text, const uint8_t hash_hash[NT_HASH_SIZE],
                                   const uint8_t response[MSCHAP_RESPONSE],
                                   const uint8_t hash[MSCHAP_HASH]) MUST_CHECK;

/* RFC 3079, 3.4: session start keys of 128 bits, as the server sees them. */
struct mschap_keys {
    uint8_t send[MSCHAP_KEY], receive[MSCHAP_KEY];
};
bool
mschap_server_keys(const uint8_t hash_hash[NT_HASH_SIZE], const uint8_t response[MSCHAP_RESPONSE],
                   struct mschap_keys *out) MUST_CHECK;
