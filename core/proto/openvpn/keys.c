/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - keys from key method 2, and payloads that are no packets: see data.h. */

#include "core/base/random.h"
#include "core/proto/openvpn/data.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

enum { MASTER = 48, OCC_MAGIC = 16, OCC_REQUEST = 0, OCC_REPLY = 1, OCC_EXIT = 6 };

struct secret_bytes {
    const uint8_t *at;
    size_t len;
};

/* Label and seed are one text to this function. The secret's two halves go to MD5 and SHA-1. */
static bool
prf(struct secret_bytes secret, const struct writer *seed, uint8_t *out, size_t out_len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_PRF, NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    char digest[] = "MD5-SHA1";
    uint8_t key[MASTER];
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, key, secret.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed->start, seed->len),
        OSSL_PARAM_construct_end(),
    };

    memcpy(key, secret.at, secret.len);
    bool ok = writer_ok(seed) && ctx && EVP_KDF_derive(ctx, out, out_len, params) > 0;
    secret_wipe(key, sizeof(key));
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return ok;
}

static struct writer
begin_seed(uint8_t *buffer, size_t cap, const char *label)
{
    struct writer w = writer_of(buffer, cap);

    writer_bytes(&w, label, strlen(label));
    return w;
}

bool
ovpn_keys_by_prf(const struct ovpn_km2 *client, const struct ovpn_km2 *server,
                 const uint8_t client_sid[OVPN_SID], const uint8_t server_sid[OVPN_SID],
                 uint8_t out[OVPN_KEY_BLOCK])
{
    uint8_t buffer[128];
    uint8_t master[MASTER];

    struct writer seed = begin_seed(buffer, sizeof(buffer), "OpenVPN master secret");
    writer_bytes(&seed, client->random1, sizeof(client->random1));
    writer_bytes(&seed, server->random1, sizeof(server->random1));
    bool ok = prf((struct secret_bytes){client->pre_master, sizeof(client->pre_master)}, &seed,
                  master, sizeof(master));

    seed = begin_seed(buffer, sizeof(buffer), "OpenVPN key expansion");
    writer_bytes(&seed, client->random2, sizeof(client->random2));
    writer_bytes(&seed, server->random2, sizeof(server->random2));
    writer_bytes(&seed, client_sid, OVPN_SID);
    writer_bytes(&seed, server_sid, OVPN_SID);
    ok = ok && prf((struct secret_bytes){master, sizeof(master)}, &seed, out, OVPN_KEY_BLOCK);
    if (!ok)
        random_bytes(out, OVPN_KEY_BLOCK);
    secret_wipe(master, sizeof(master));
    return ok;
}

/* ---- payloads ---- */

const uint8_t ovpn_ping_payload[16] = {0x2a, 0x18, 0x7b, 0xf3, 0x64, 0x1e, 0xb4, 0xcb,
                                       0x07, 0xed, 0x2d, 0x0a, 0x98, 0x1f, 0xc7, 0x48};

static const uint8_t occ_magic[OCC_MAGIC] = {0x28, 0x7f, 0x34, 0x6b, 0xd4, 0xef, 0x7a, 0x81,
                                             0x2d, 0x56, 0xb8, 0xd3, 0xaf, 0xc5, 0x45, 0x9c};

enum ovpn_special
ovpn_special_kind(const uint8_t *payload, size_t len)
{
    if (len == sizeof(ovpn_ping_payload) &&
        memcmp(payload, ovpn_ping_payload, sizeof(ovpn_ping_payload)) == 0)
        return OVPN_PING;
    if (len < OCC_MAGIC || memcmp(payload, occ_magic, OCC_MAGIC) != 0)
        return OVPN_PAYLOAD;
    if (len == OCC_MAGIC)
        return OVPN_OCC_OTHER;
    switch (payload[OCC_MAGIC]) {
    case OCC_REQUEST:
        return OVPN_OCC_REQUEST;
    case OCC_REPLY:
        return OVPN_OCC_REPLY;
    case OCC_EXIT:
        return OVPN_OCC_EXIT;
    default:
        return OVPN_OCC_OTHER;
    }
}
