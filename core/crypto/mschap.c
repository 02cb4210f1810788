/* SPDX-License-Identifier: Apache-2.0 */
/* mschap.c - see mschap.h. Section numbers are RFC 2759's, where nothing else is said. */

#include "core/crypto/mschap.h"

#include "core/base/secret.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>

enum { DES_BLOCK = 8, DES_PART = 7, SHA1_SIZE = 20, PAD = 40 };

static const char magic_server[] = "Magic server to client signing constant";
static const char magic_pad[] = "Pad to make it do more than one iteration";
static const char magic_master[] = "This is the MPPE Master Key";
static const char magic_client_sends[] =
    "On the client side, this is the send key; on the server side, it is the receive key.";
static const char magic_client_receives[] =
    "On the client side, this is the receive key; on the server side, it is the send key.";

struct part {
    const void *at;
    size_t len;
};

static bool
sha1(const struct part *part, unsigned n, uint8_t out[SHA1_SIZE])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha1(), NULL);

    for (unsigned i = 0; ok && i < n; i++)
        ok = EVP_DigestUpdate(ctx, part[i].at, part[i].len);
    ok = ok && EVP_DigestFinal_ex(ctx, out, NULL);
    EVP_MD_CTX_free(ctx);
    return ok;
}

bool
mschap_challenge_hash(const uint8_t peer[MSCHAP_CHALLENGE],
                      const uint8_t authenticator[MSCHAP_CHALLENGE], const char *name,
                      uint8_t out[MSCHAP_HASH])
{
    const struct part parts[] = {
        {peer, MSCHAP_CHALLENGE}, {authenticator, MSCHAP_CHALLENGE}, {name, strlen(name)}};
    uint8_t digest[SHA1_SIZE];
    bool ok = sha1(parts, 3, digest);

    if (ok)
        memcpy(out, digest, MSCHAP_HASH);
    return ok;
}

/* Seven bytes of key, spread over eight; DES does not look at the lowest bits. */
static void
spread_key(const uint8_t part[DES_PART], uint8_t out[DES_BLOCK])
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < DES_PART; i++)
        bits = bits << 8 | part[i];
    for (unsigned i = 0; i < DES_BLOCK; i++)
        out[i] = (uint8_t)((bits >> (49 - 7 * i) & 0x7f) << 1);
}

/* 8.6. OpenSSL has DES alone in its legacy provider; thrice with one key it is the same. */
static bool
des_encrypt(const uint8_t clear[DES_BLOCK], const uint8_t part[DES_PART], uint8_t out[DES_BLOCK])
{
    uint8_t key[3 * DES_BLOCK];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;

    spread_key(part, key);
    memcpy(key + DES_BLOCK, key, DES_BLOCK);
    memcpy(key + (size_t)2 * DES_BLOCK, key, DES_BLOCK);
    bool ok = ctx && EVP_EncryptInit_ex(ctx, EVP_des_ede3_ecb(), NULL, key, NULL) &&
              EVP_CIPHER_CTX_set_padding(ctx, 0) &&
              EVP_EncryptUpdate(ctx, out, &len, clear, DES_BLOCK) && len == DES_BLOCK;
    EVP_CIPHER_CTX_free(ctx);
    secret_wipe(key, sizeof(key));
    return ok;
}

bool
mschap_response(const uint8_t hash[MSCHAP_HASH], const uint8_t nt[NT_HASH_SIZE],
                uint8_t out[MSCHAP_RESPONSE])
{
    uint8_t key[3 * DES_PART] = {0};
    bool ok = true;

    memcpy(key, nt, NT_HASH_SIZE);
    for (size_t i = 0; i < 3; i++)
        ok = des_encrypt(hash, key + i * DES_PART, out + i * DES_BLOCK) && ok;
    secret_wipe(key, sizeof(key));
    return ok;
}

void
mschap_hash_hash(const uint8_t nt[NT_HASH_SIZE], uint8_t out[NT_HASH_SIZE])
{
    md4(nt, NT_HASH_SIZE, out);
}

bool
mschap_authenticator(const uint8_t hash_hash[NT_HASH_SIZE], const uint8_t response[MSCHAP_RESPONSE],
                     const uint8_t hash[MSCHAP_HASH], char out[MSCHAP_AUTHENTICATOR_TEXT])
{
    uint8_t inner[SHA1_SIZE];
    uint8_t digest[SHA1_SIZE];
    const struct part first[] = {{hash_hash, NT_HASH_SIZE},
                                 {response, MSCHAP_RESPONSE},
                                 {magic_server, sizeof(magic_server) - 1}};
    const struct part second[] = {
        {inner, sizeof(inner)}, {hash, MSCHAP_HASH}, {magic_pad, sizeof(magic_pad) - 1}};
    bool ok = sha1(first, 3, inner) && sha1(second, 3, digest);

    if (!ok)
        return false;
    memcpy(out, "S=", 3);
    for (size_t i = 0; i < SHA1_SIZE; i++)
        (void)snprintf(out + 2 + 2 * i, 3, "%02X", digest[i]);
    return true;
}

bool
mschap_authenticator_is_right(const char *text, const uint8_t hash_hash[NT_HASH_SIZE],
                              const uint8_t response[MSCHAP_RESPONSE],
                              const uint8_t hash[MSCHAP_HASH])
{
    char want[MSCHAP_AUTHENTICATOR_TEXT];

    return strlen(text) >= sizeof(want) - 1 &&
           mschap_authenticator(hash_hash, response, hash, want) &&
           secret_equal(text, want, sizeof(want) - 1);
}

/* RFC 3079, 3.4: GetAsymmetricStartKey() for 128 bits. */
static bool
start_key(const uint8_t master[MSCHAP_KEY], const char *magic, uint8_t out[MSCHAP_KEY])
{
    uint8_t pad1[PAD] = {0};
    uint8_t pad2[PAD];
    uint8_t digest[SHA1_SIZE];
    const struct part parts[] = {
        {master, MSCHAP_KEY}, {pad1, PAD}, {magic, strlen(magic)}, {pad2, PAD}};

    memset(pad2, 0xf2, sizeof(pad2));
    bool ok = sha1(parts, 4, digest);
    if (ok)
        memcpy(out, digest, MSCHAP_KEY);
    secret_wipe(digest, sizeof(digest));
    return ok;
}

bool
mschap_server_keys(const uint8_t hash_hash[NT_HASH_SIZE], const uint8_t response[MSCHAP_RESPONSE],
                   struct mschap_keys *out)
{
    uint8_t master[SHA1_SIZE]; /* its first 16 bytes */
    const struct part parts[] = {{hash_hash, NT_HASH_SIZE},
                                 {response, MSCHAP_RESPONSE},
                                 {magic_master, sizeof(magic_master) - 1}};
    bool ok = sha1(parts, 3, master) && start_key(master, magic_client_receives, out->send) &&
              start_key(master, magic_client_sends, out->receive);

    secret_wipe(master, sizeof(master));
    return ok;
}
