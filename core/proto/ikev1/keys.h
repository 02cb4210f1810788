/* SPDX-License-Identifier: Apache-2.0 */
/* keys.h - IKEv1's keys, hashes and ciphers (RFC 2409, 5 and appendix B). Every function is false
 * when OpenSSL fails, and only then. */
#pragma once

#include "core/proto/ikev1/proposal.h"

enum {
    IKE1_HASH_MAX = 64,
    IKE1_BLOCK_MAX = 16,
    IKE1_NONCE_MIN = 8,
    IKE1_NONCE_MAX = 256,
    IKE1_NONCE = 32,       /* ours */
    IKE1_SHARED_MAX = 512, /* MODP4096 */
};

size_t ike1_hash_size(enum ike1_hash h);
size_t ike1_block_size(enum ike1_cipher c);

/* prf(key, parts...): HMAC of the negotiated hash. */
bool ike1_prf(enum ike1_hash h, const void *key, size_t key_len, const struct pf_slice *part,
              unsigned n, uint8_t out[IKE1_HASH_MAX]) MUST_CHECK;
bool ike1_digest(enum ike1_hash h, const struct pf_slice *part, unsigned n,
                 uint8_t out[IKE1_HASH_MAX]) MUST_CHECK;

struct ike1_keys {
    enum ike1_hash hash;
    enum ike1_cipher cipher;
    unsigned key_bits;
    uint8_t skeyid[IKE1_HASH_MAX], d[IKE1_HASH_MAX], a[IKE1_HASH_MAX], e[IKE1_HASH_MAX];
    uint8_t cipher_key[32];
    uint8_t iv[IKE1_BLOCK_MAX]; /* of phase 1: it moves with each message */
};

/* What phase 1's keys are made of. */
struct ike1_ingredients {
    struct pf_slice nonce_i, nonce_r, shared, public_i, public_r;
    const uint8_t *cookies;   /* initiator's, ours: 16 bytes */
    const struct secret *psk; /* NULL: by signatures */
};
bool ike1_keys_make(struct ike1_keys *k, const struct ike1_suite *s,
                    const struct ike1_ingredients *from) MUST_CHECK;
/* HASH_I or HASH_R; sa_i and id are bodies. */
bool
ike1_auth_hash(const struct ike1_keys *k, const struct ike1_ingredients *from, bool of_initiator,
               struct pf_slice sa_i, struct pf_slice id, uint8_t out[IKE1_HASH_MAX]) MUST_CHECK;
/* The IV of a phase 2 or informational exchange, after phase 1 has ended with its IV. */
bool ike1_exchange_iv(const struct ike1_keys *k, uint32_t message_id,
                      uint8_t iv[IKE1_BLOCK_MAX]) MUST_CHECK;
/* What a child's keys are made of; shared is empty without PFS. */
struct ike1_child_ingredients {
    struct pf_slice shared, nonce_i, nonce_r;
};
/* Keying material of ESP in one direction, whose SPI it is. */
bool ike1_keymat(const struct ike1_keys *k, const struct ike1_child_ingredients *from, uint32_t spi,
                 uint8_t *out, size_t len) MUST_CHECK;

/* In place, len a multiple of the block; iv moves to the last block of ciphertext. */
bool ike1_encrypt(const struct ike1_keys *k, uint8_t iv[IKE1_BLOCK_MAX], uint8_t *at,
                  size_t len) MUST_CHECK;
bool ike1_decrypt(const struct ike1_keys *k, uint8_t iv[IKE1_BLOCK_MAX], uint8_t *at,
                  size_t len) MUST_CHECK;

/* NAT-D: hash(cookies, address, port) (RFC 3947, 3.2). */
bool ike1_nat_hash(enum ike1_hash h, const uint8_t cookies[2 * ISAKMP_COOKIE],
                   const struct endpoint *e, uint8_t out[IKE1_HASH_MAX]) MUST_CHECK;

/* ---- Diffie-Hellman ---- */

/* Whether we can the group, and how long a public value of it is (0: we cannot). */
size_t ike1_group_size(uint16_t group);
/* The group whose public values are that long: no two are alike. 0: none. */
uint16_t ike1_group_of(size_t public_len);
/* A job for a peer's public value, which is checked (length, range, on the curve): NULL when it
 * cannot be right. */
struct ike1_dh *ike1_dh_new(uint16_t group, struct reader peer_public);
/* For an exchange that we begin: ike1_dh_compute() makes our own half; after ike1_dh_set_peer() it
 * is called again for the secret. */
struct ike1_dh *ike1_dh_begin(uint16_t group);
bool ike1_dh_set_peer(struct ike1_dh *d, struct reader peer_public) MUST_CHECK;
/* After ike1_dh_compute(): our public value, and the secret (leading zeroes kept; an ECP group's is
 * x alone). Empty when it failed. Valid as long as the job. */
struct pf_slice ike1_dh_public(const struct ike1_dh *d);
struct pf_slice ike1_dh_shared(const struct ike1_dh *d);
