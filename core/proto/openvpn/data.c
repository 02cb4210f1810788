/* SPDX-License-Identifier: Apache-2.0 */
/* data.c - see data.h: what both kinds of cipher have in common. Ciphers are in data_aead.c and
 * data_cbc.c, where keys come from in keys.c. */

#include "core/proto/openvpn/data_priv.h"

#include <glib.h>

enum {
    HEAD_V1 = 1,
    HEAD_V2 = 4,
    HALF = 128,
    HMAC_AT = 64,
};
#define LAST_ID     0xff000000u
#define MANY_BLOCKS (UINT64_C(1) << 35) /* half of what AES-GCM may do with one key */

static const char *const names[OVPN_N_CIPHERS] = {
    [OVPN_CIPHER_NONE_AGREED] = "none", [OVPN_AES_256_GCM] = "AES-256-GCM",
    [OVPN_AES_128_GCM] = "AES-128-GCM", [OVPN_CHACHA20_POLY1305] = "CHACHA20-POLY1305",
    [OVPN_AES_256_CBC] = "AES-256-CBC", [OVPN_AES_192_CBC] = "AES-192-CBC",
    [OVPN_AES_128_CBC] = "AES-128-CBC",
};

const char *
ovpn_cipher_name(enum ovpn_cipher c)
{
    return (unsigned)c < OVPN_N_CIPHERS ? names[c] : names[OVPN_CIPHER_NONE_AGREED];
}

enum ovpn_cipher
ovpn_cipher_parse(const char *name, size_t len)
{
    for (unsigned c = OVPN_CIPHER_NONE_AGREED + 1; c < OVPN_N_CIPHERS; c++) {
        if (strlen(names[c]) == len && g_ascii_strncasecmp(names[c], name, len) == 0)
            return (enum ovpn_cipher)c;
    }
    return OVPN_CIPHER_NONE_AGREED;
}

bool
ovpn_cipher_is_aead(enum ovpn_cipher c)
{
    return c == OVPN_AES_256_GCM || c == OVPN_AES_128_GCM || c == OVPN_CHACHA20_POLY1305;
}

/* ---- life ---- */

static EVP_CIPHER_CTX *
make_cipher(EVP_CIPHER *cipher, const uint8_t *key, bool encrypt)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    if (!EVP_CipherInit_ex2(ctx, cipher, key, NULL, encrypt, NULL)) {
        EVP_CIPHER_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

static bool
make_keys(struct ovpn_data *d, const struct ovpn_data_config *config, const uint8_t *block)
{
    struct data_half half[2] = {{block, block + HMAC_AT}, {block + HALF, block + HALF + HMAC_AT}};
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, names[d->cipher], NULL);

    if (!cipher)
        return false;
    d->send = make_cipher(cipher, half[config->server].cipher, true);
    d->receive = make_cipher(cipher, half[!config->server].cipher, false);
    EVP_CIPHER_free(cipher);
    if (!d->send || !d->receive)
        return false;
    if (ovpn_cipher_is_aead(d->cipher))
        return data_aead_init(d, half[config->server], half[!config->server]);
    return data_cbc_init(d, config->digest, half[config->server], half[!config->server]);
}

struct ovpn_data *
ovpn_data_new(const struct ovpn_data_config *config, const uint8_t block[OVPN_KEY_BLOCK])
{
    if (config->cipher == OVPN_CIPHER_NONE_AGREED || config->cipher >= OVPN_N_CIPHERS)
        return NULL;
    struct ovpn_data *d = g_new0(struct ovpn_data, 1);
    bool v2 = config->data_v2 && config->peer_id < OVPN_PEER_ID_NONE;

    d->cipher = config->cipher;
    d->key_id = config->key_id;
    data_write_id(d->head, config->peer_id);
    d->head[0] = ovpn_first(v2 ? OVPN_DATA_V2 : OVPN_DATA_V1, config->key_id);
    d->head_len = v2 ? HEAD_V2 : HEAD_V1;
    if (!make_keys(d, config, block)) {
        ovpn_data_free(d);
        return NULL;
    }
    return d;
}

void
ovpn_data_free(struct ovpn_data *d)
{
    if (!d)
        return;
    EVP_CIPHER_CTX_free(d->send);
    EVP_CIPHER_CTX_free(d->receive);
    data_cbc_done(d);
    secret_wipe(d, sizeof(*d));
    g_free(d);
}

/* ---- lengths ---- */

size_t
ovpn_data_sealed_len(const struct ovpn_data *d, size_t payload)
{
    if (ovpn_cipher_is_aead(d->cipher))
        return d->head_len + DATA_ID + DATA_TAG + payload;
    size_t padded = ((DATA_ID + payload) / DATA_BLOCK + 1) * DATA_BLOCK;
    return d->head_len + d->mac_len + DATA_BLOCK + padded;
}

size_t
ovpn_data_overhead(const struct ovpn_data *d)
{
    if (ovpn_cipher_is_aead(d->cipher))
        return d->head_len + DATA_ID + DATA_TAG;
    return d->head_len + d->mac_len + DATA_BLOCK + DATA_ID + DATA_BLOCK;
}

bool
ovpn_data_is_worn(const struct ovpn_data *d)
{
    return d->send_id >= OVPN_RENEGOTIATE_AT || d->replay.top >= OVPN_RENEGOTIATE_AT ||
           d->blocks >= MANY_BLOCKS;
}

/* ---- packets ---- */

size_t
ovpn_data_seal(struct ovpn_data *d, const void *head, size_t head_len, const void *body,
               size_t body_len, uint8_t *out)
{
    struct data_payload p = {head, body, head_len, body_len};

    g_assert(head_len + body_len <= UINT16_MAX);
    if (d->send_id >= LAST_ID)
        return 0;
    d->send_id++;
    d->blocks += 1 + (head_len + body_len) / DATA_BLOCK + 1;
    memcpy(out, d->head, sizeof(d->head)); /* of a fixed length: what is too much is overwritten */
    bool ok =
        ovpn_cipher_is_aead(d->cipher) ? data_aead_seal(d, &p, out) : data_cbc_seal(d, &p, out);
    return ok ? ovpn_data_sealed_len(d, head_len + body_len) : 0;
}

enum drop
ovpn_data_open(struct ovpn_data *d, const uint8_t *packet, size_t packet_len, uint8_t *out,
               size_t cap, size_t *len)
{
    struct reader in = reader_of(packet, packet_len);
    uint8_t first = reader_u8(&in);

    if (packet_len > OVPN_PACKET_MAX)
        return DROP_TOO_LONG;
    if (ovpn_op(first) == OVPN_DATA_V2)
        (void)reader_take(&in, HEAD_V2 - 1);
    else if (reader_ok(&in) && ovpn_op(first) != OVPN_DATA_V1)
        return DROP_MALFORMED;
    if (!reader_ok(&in))
        return DROP_SHORT;
    if (ovpn_key_id(first) != d->key_id)
        return DROP_MALFORMED;
    if (ovpn_cipher_is_aead(d->cipher))
        return data_aead_open(d, packet, in, out, cap, len);
    return data_cbc_open(d, in, out, cap, len);
}
