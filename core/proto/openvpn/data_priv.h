/* SPDX-License-Identifier: Apache-2.0 */
/* data_priv.h - one key of the data channel, as data.c and its two kinds of cipher see it. */
#pragma once

#include "core/proto/openvpn/data.h"
#include "core/proto/openvpn/replay_priv.h"

#include <openssl/evp.h>
#include <openssl/params.h>

enum {
    DATA_TAG = 16,
    DATA_BLOCK = 16,
    DATA_ID = 4,
    DATA_IV_FIXED = 8,          /* of an AEAD's IV: from the key block */
    DATA_RANDOM_AT_ONCE = 4096, /* IVs of CBC */
};

struct ovpn_data {
    enum ovpn_cipher cipher;
    uint8_t key_id;
    uint8_t head[4]; /* what each packet begins with */
    size_t head_len;
    uint32_t send_id;               /* last one used */
    uint64_t blocks;                /* ciphered with the key that we send with */
    EVP_CIPHER_CTX *send, *receive; /* keyed once; only the IV changes */
    struct replay replay;

    /* AEAD: packet id and fixed part; where the tag is, built once */
    uint8_t send_iv[DATA_ID + DATA_IV_FIXED], receive_iv[DATA_ID + DATA_IV_FIXED];
    OSSL_PARAM send_tag[2], receive_tag[2];
    uint8_t tag[DATA_TAG];

    /* CBC */
    EVP_MAC_CTX *mac_send, *mac_receive; /* keyed once */
    size_t mac_len;
    uint8_t *random; /* DATA_RANDOM_AT_ONCE bytes, the last random_left of them fresh */
    size_t random_left;
};

/* A direction's keys in the block. */
struct data_half {
    const uint8_t *cipher, *hmac;
};

struct data_payload {
    const void *head, *body;
    size_t head_len, body_len;
};

static inline void
data_write_id(uint8_t *at, uint32_t id)
{
    at[0] = (uint8_t)(id >> 24);
    at[1] = (uint8_t)(id >> 16);
    at[2] = (uint8_t)(id >> 8);
    at[3] = (uint8_t)id;
}

static inline uint32_t
data_read_id(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

bool data_aead_init(struct ovpn_data *d, struct data_half send, struct data_half receive);
bool data_cbc_init(struct ovpn_data *d, const char *digest, struct data_half send,
                   struct data_half receive);
void data_cbc_done(struct ovpn_data *d);

/* out begins at the head, which is there already; the length is ovpn_data_sealed_len(). */
bool data_aead_seal(struct ovpn_data *d, const struct data_payload *p, uint8_t *out);
bool data_cbc_seal(struct ovpn_data *d, const struct data_payload *p, uint8_t *out);

/* in stands behind the head; packet is the whole packet. */
enum drop data_aead_open(struct ovpn_data *d, const uint8_t *packet, struct reader in, uint8_t *out,
                         size_t cap, size_t *len);
enum drop
data_cbc_open(struct ovpn_data *d, struct reader in, uint8_t *out, size_t cap, size_t *len);
