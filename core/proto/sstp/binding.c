/* SPDX-License-Identifier: Apache-2.0 */
/* binding.c - see binding.h. */

#include "core/proto/sstp/binding.h"

#include "core/base/secret.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum {
    AT_HASH_BIT = 15,
    AT_NONCE = 16,
    AT_CERT = 48,
    AT_MAC = 80,
    SHA1_SIZE = 20,
    SHA256_SIZE = 32,
};
static const char seed[] = "SSTP inner method derived CMK";

bool
sstp_binding_init(struct sstp_binding *b, X509 *cert, const uint8_t nonce[SSTP_NONCE])
{
    unsigned len1 = 0;
    unsigned len256 = 0;

    *b = (struct sstp_binding){.hashes = SSTP_SHA1 | SSTP_SHA256};
    memcpy(b->nonce, nonce, sizeof(b->nonce));
    return X509_digest(cert, EVP_sha1(), b->sha1, &len1) && len1 == SHA1_SIZE &&
           X509_digest(cert, EVP_sha256(), b->sha256, &len256) && len256 == SHA256_SIZE;
}

/* The client's sending key, then its receiving one. */
void
sstp_binding_set_keys(struct sstp_binding *b, const struct mschap_keys *keys)
{
    if (!keys)
        return;
    memcpy(b->hlak, keys->receive, MSCHAP_KEY);
    memcpy(b->hlak + MSCHAP_KEY, keys->send, MSCHAP_KEY);
}

bool
sstp_binding_mac(const struct sstp_binding *b, unsigned hash,
                 const uint8_t record[SSTP_CONNECTED_SIZE], uint8_t out[SSTP_HASH])
{
    const EVP_MD *md = hash == SSTP_SHA256 ? EVP_sha256() : EVP_sha1();
    unsigned size = hash == SSTP_SHA256 ? SHA256_SIZE : SHA1_SIZE;
    uint8_t text[sizeof(seed) - 1 + 2 + 1];
    uint8_t key[SHA256_SIZE];
    uint8_t message[SSTP_CONNECTED_SIZE] = {0};

    memcpy(text, seed, sizeof(seed) - 1);
    text[sizeof(seed) - 1] = (uint8_t)size; /* the one little-endian number of SSTP */
    text[sizeof(seed)] = 0;
    text[sizeof(seed) + 1] = 1;
    memcpy(message, record, AT_MAC);
    memset(out, 0, SSTP_HASH);
    bool ok = HMAC(md, b->hlak, sizeof(b->hlak), text, sizeof(text), key, NULL) &&
              HMAC(md, key, (int)size, message, sizeof(message), out, NULL);
    secret_wipe(key, sizeof(key));
    return ok;
}

enum sstp_binding_fault
sstp_binding_check(const struct sstp_binding *b, struct reader record)
{
    static const uint8_t head[AT_HASH_BIT] = {
        SSTP_VERSION,        1, 0,   SSTP_CONNECTED_SIZE, 0, SSTP_CALL_CONNECTED, 0, 1, 0,
        SSTP_CRYPTO_BINDING, 0, 0x68};
    uint8_t mac[SSTP_HASH];

    if (record.left != SSTP_CONNECTED_SIZE)
        return SSTP_BINDING_MALFORMED;
    const uint8_t *at = record.at;
    unsigned hash = at[AT_HASH_BIT];
    if (memcmp(at, head, sizeof(head)) != 0)
        return SSTP_BINDING_MALFORMED;
    if ((hash != SSTP_SHA1 && hash != SSTP_SHA256) || !(hash & b->hashes))
        return SSTP_BINDING_HASH;
    const uint8_t *cert = hash == SSTP_SHA256 ? b->sha256 : b->sha1;
    if (!secret_equal(b->nonce, at + AT_NONCE, SSTP_NONCE))
        return SSTP_BINDING_NONCE;
    if (!secret_equal(cert, at + AT_CERT, SSTP_HASH))
        return SSTP_BINDING_CERT;
    if (!sstp_binding_mac(b, hash, at, mac) || !secret_equal(mac, at + AT_MAC, SSTP_HASH))
        return SSTP_BINDING_MAC;
    return SSTP_BOUND;
}

const char *
sstp_binding_text(enum sstp_binding_fault fault)
{
    static const char *const texts[] = {
        [SSTP_BOUND] = "the crypto binding is right",
        [SSTP_BINDING_MALFORMED] = "its crypto binding is malformed",
        [SSTP_BINDING_HASH] = "its crypto binding uses a hash that was not offered",
        [SSTP_BINDING_NONCE] = "its crypto binding is another call's: a replay",
        [SSTP_BINDING_CERT] = "the client sees another certificate than this server's: is somebody "
                              "in between?",
        [SSTP_BINDING_MAC] = "its crypto binding does not belong to this login: was it relayed or "
                             "tampered with?",
    };

    return texts[fault];
}
