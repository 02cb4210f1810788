/* SPDX-License-Identifier: Apache-2.0 */
/* data.h - the data channel of one key: packets encrypted and opened in batches. One thread.
 *
 * AEAD: op and peer id, packet id, tag, ciphertext (the tag comes first). CBC: HMAC, IV,
 * ciphertext, for peers that know no AEAD, where an administrator allows it.
 */
#pragma once

#include "core/base/drop.h"
#include "core/base/types.h"
#include "core/proto/openvpn/wire.h"

enum ovpn_cipher {
    OVPN_CIPHER_NONE_AGREED, /* there is no common one */
    OVPN_AES_256_GCM,
    OVPN_AES_128_GCM,
    OVPN_CHACHA20_POLY1305,
    OVPN_AES_256_CBC,
    OVPN_AES_192_CBC,
    OVPN_AES_128_CBC,
    OVPN_N_CIPHERS
};
/* "AES-256-GCM"; without case when parsing. */
const char *ovpn_cipher_name(enum ovpn_cipher c);
enum ovpn_cipher ovpn_cipher_parse(const char *name, size_t len);
bool ovpn_cipher_is_aead(enum ovpn_cipher c);

enum {
    OVPN_KEY_BLOCK = 256,
    OVPN_DATA_OVERHEAD_MAX = 4 + 64 + 16 + 4 + 16, /* CBC with SHA-512 */
    OVPN_REPLAY_WINDOW = 2048,                     /* packets */
    OVPN_RENEGOTIATE_AT = 0xf0000000, /* packet id that asks for a new key; the end is 0xff000000 */
};

struct ovpn_data;

struct ovpn_data_config {
    enum ovpn_cipher cipher;
    const char *digest; /* CBC: OpenSSL's name; else not used */
    bool server;        /* which half of the block is whose: the server sends with key 1 */
    uint8_t key_id;
    uint32_t peer_id; /* OVPN_PEER_ID_NONE: DATA_V1 is sent, too */
    bool data_v2;
};

/* block: OVPN_KEY_BLOCK bytes. NULL: the cipher or the digest is not known. */
struct ovpn_data *
ovpn_data_new(const struct ovpn_data_config *config, const uint8_t block[OVPN_KEY_BLOCK]);
void ovpn_data_free(struct ovpn_data *d); /* wipes */
/* Bytes that a packet becomes longer by (CBC: at most). */
size_t ovpn_data_overhead(const struct ovpn_data *d);
/* Length of the sealed packet of a payload of that length. */
size_t ovpn_data_sealed_len(const struct ovpn_data *d, size_t payload);

/* Seals one payload, given in two pieces (a segment's header and its body), to out, which has room
 * for ovpn_data_sealed_len(). Returns the length, 0 when the key is used up. */
size_t ovpn_data_seal(struct ovpn_data *d, const void *head, size_t head_len, const void *body,
                      size_t body_len, uint8_t *out);

/* Opens one whole packet (opcode first). out (cap bytes, may overlap nothing) gets the payload; its
 * length by *len. DROP_SHORT, DROP_MALFORMED (not genuine), DROP_POLICY (replayed), DROP_TOO_LONG.
 */
enum drop ovpn_data_open(struct ovpn_data *d, const uint8_t *packet, size_t packet_len,
                         uint8_t *out, size_t cap, size_t *len) MUST_CHECK;
/* Whether a new key should be agreed: many packets were sent or received with this one. */
bool ovpn_data_is_worn(const struct ovpn_data *d);

/* The PRF of TLS 1.0 as key method 2 uses it (docs/protocols/openvpn.md, "Keys"). False: this
 * OpenSSL may not use MD5 and SHA-1; out is random then, so that nothing is readable by it. */
bool ovpn_keys_by_prf(const struct ovpn_km2 *client, const struct ovpn_km2 *server,
                      const uint8_t client_sid[OVPN_SID], const uint8_t server_sid[OVPN_SID],
                      uint8_t out[OVPN_KEY_BLOCK]);

/* Payloads that are no packets; they are swallowed. */
enum ovpn_special {
    OVPN_PAYLOAD,
    OVPN_PING,
    OVPN_OCC_REQUEST,
    OVPN_OCC_REPLY,
    OVPN_OCC_EXIT,
    OVPN_OCC_OTHER
};
enum ovpn_special ovpn_special_kind(const uint8_t *payload, size_t len);
extern const uint8_t ovpn_ping_payload[16];
