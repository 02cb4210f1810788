/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - see keys.h. */

#include "core/proto/ikev1/keys.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

enum {
    COOKIES = 2 * ISAKMP_COOKIE,
    KEY_3DES = 24,
    KEYMAT_PARTS = 4,
    PROTO_ESP = 3,
};

struct hash {
    char name[8]; /* OpenSSL's */
    size_t size;
};
static const struct hash hashes[IKE1_N_HASHES] = {
    [IKE1_MD5] = {"MD5", 16},       [IKE1_SHA1] = {"SHA1", 20},     [IKE1_SHA256] = {"SHA256", 32},
    [IKE1_SHA384] = {"SHA384", 48}, [IKE1_SHA512] = {"SHA512", 64},
};

size_t
ike1_hash_size(enum ike1_hash h)
{
    return hashes[h].size;
}

size_t
ike1_block_size(enum ike1_cipher c)
{
    return c == IKE1_AES_CBC ? 16 : 8;
}

static struct pf_slice
slice(const void *at, size_t len)
{
    return (struct pf_slice){(void *)(uintptr_t)at, len};
}

bool
ike1_prf(enum ike1_hash h, const void *key, size_t key_len, const struct pf_slice *part, unsigned n,
         uint8_t out[IKE1_HASH_MAX])
{
    char digest[sizeof(hashes[h].name)];

    memcpy(digest, hashes[h].name, sizeof(digest));
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;

    bool ok = ctx && EVP_MAC_init(ctx, key_len > 0 ? key : "", key_len, params) > 0;
    for (unsigned i = 0; ok && i < n; i++)
        ok = part[i].len == 0 || EVP_MAC_update(ctx, part[i].at, part[i].len) > 0;
    size_t len = 0;
    ok = ok && EVP_MAC_final(ctx, out, &len, IKE1_HASH_MAX) > 0 && len == hashes[h].size;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return ok;
}

bool
ike1_digest(enum ike1_hash h, const struct pf_slice *part, unsigned n, uint8_t out[IKE1_HASH_MAX])
{
    EVP_MD *md = EVP_MD_fetch(NULL, hashes[h].name, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    bool ok = md && ctx && EVP_DigestInit_ex2(ctx, md, NULL) > 0;
    for (unsigned i = 0; ok && i < n; i++)
        ok = part[i].len == 0 || EVP_DigestUpdate(ctx, part[i].at, part[i].len) > 0;
    unsigned len = 0;
    ok = ok && EVP_DigestFinal_ex(ctx, out, &len) > 0 && len == hashes[h].size;
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
    return ok;
}

/* What a key expands to, K1 | K2 | ...: K1 is of seed, each other one of the one before and of
 * repeated. */
struct expansion {
    const uint8_t *key;
    const struct pf_slice *seed, *repeated;
    unsigned n_seed, n_repeated;
};

static bool
expand(enum ike1_hash h, const struct expansion *e, uint8_t *out, size_t len)
{
    size_t size = ike1_hash_size(h);
    uint8_t block[IKE1_HASH_MAX];
    struct pf_slice part[1 + KEYMAT_PARTS] = {slice(block, size)};
    size_t done = 0;
    bool ok = e->n_repeated <= KEYMAT_PARTS && ike1_prf(h, e->key, size, e->seed, e->n_seed, block);

    for (unsigned i = 0; ok && i < e->n_repeated; i++)
        part[i + 1] = e->repeated[i];
    while (ok) {
        size_t take = len - done < size ? len - done : size;
        memcpy(out + done, block, take);
        done += take;
        if (done == len)
            break;
        ok = ike1_prf(h, e->key, size, part, 1 + e->n_repeated, block);
    }
    secret_wipe(block, sizeof(block));
    return ok;
}

/* ---- phase 1 ---- */

/* SKEYID_d, _a or _e (RFC 2409, 5): of the one before, which d has not. */
static bool
derive(const struct ike1_keys *k, const struct ike1_ingredients *from, const uint8_t *before,
       uint8_t number, uint8_t out[IKE1_HASH_MAX])
{
    size_t size = ike1_hash_size(k->hash);
    const struct pf_slice part[] = {slice(before, before ? size : 0), from->shared,
                                    slice(from->cookies, COOKIES), slice(&number, 1)};

    return ike1_prf(k->hash, k->skeyid, size, part, ARRAY_LEN(part), out);
}

static bool
make_skeyid(struct ike1_keys *k, const struct ike1_ingredients *from)
{
    const struct pf_slice nonces[] = {from->nonce_i, from->nonce_r};

    if (from->psk)
        return ike1_prf(k->hash, from->psk->bytes, from->psk->len, nonces, 2, k->skeyid);

    uint8_t key[2 * IKE1_NONCE_MAX]; /* with signatures the nonces are the key */
    struct writer w = writer_of(key, sizeof(key));
    writer_bytes(&w, from->nonce_i.at, from->nonce_i.len);
    writer_bytes(&w, from->nonce_r.at, from->nonce_r.len);
    return writer_ok(&w) && ike1_prf(k->hash, key, w.len, &from->shared, 1, k->skeyid);
}

/* RFC 2409, appendix B: SKEYID_e itself when it is long enough, or else what it expands to, where
 * each block is of the one before alone. */
static bool
make_cipher_key(struct ike1_keys *k)
{
    size_t want = k->cipher == IKE1_3DES_CBC ? KEY_3DES : k->key_bits / 8;
    uint8_t zero = 0;
    const struct pf_slice seed = slice(&zero, 1);

    if (want > sizeof(k->cipher_key))
        return false;
    if (want > ike1_hash_size(k->hash))
        return expand(k->hash, &(struct expansion){.key = k->e, .seed = &seed, .n_seed = 1},
                      k->cipher_key, want);
    memcpy(k->cipher_key, k->e, want);
    return true;
}

bool
ike1_keys_make(struct ike1_keys *k, const struct ike1_suite *s, const struct ike1_ingredients *from)
{
    const struct pf_slice publics[] = {from->public_i, from->public_r};
    uint8_t iv[IKE1_HASH_MAX];

    *k = (struct ike1_keys){.hash = s->hash, .cipher = s->cipher, .key_bits = s->key_bits};
    bool ok = make_skeyid(k, from) && derive(k, from, NULL, 0, k->d) &&
              derive(k, from, k->d, 1, k->a) && derive(k, from, k->a, 2, k->e) &&
              make_cipher_key(k) && ike1_digest(k->hash, publics, 2, iv);
    if (ok)
        memcpy(k->iv, iv, ike1_block_size(k->cipher));
    else
        secret_wipe(k, sizeof(*k));
    return ok;
}

bool
ike1_auth_hash(const struct ike1_keys *k, const struct ike1_ingredients *from, bool of_initiator,
               struct pf_slice sa_i, struct pf_slice id, uint8_t out[IKE1_HASH_MAX])
{
    const struct pf_slice cookie_i = slice(from->cookies, ISAKMP_COOKIE);
    const struct pf_slice cookie_r = slice(from->cookies + ISAKMP_COOKIE, ISAKMP_COOKIE);
    const struct pf_slice part[] = {
        of_initiator ? from->public_i : from->public_r,
        of_initiator ? from->public_r : from->public_i,
        of_initiator ? cookie_i : cookie_r,
        of_initiator ? cookie_r : cookie_i,
        sa_i,
        id,
    };

    return ike1_prf(k->hash, k->skeyid, ike1_hash_size(k->hash), part, ARRAY_LEN(part), out);
}

/* ---- phase 2 ---- */

bool
ike1_exchange_iv(const struct ike1_keys *k, uint32_t message_id, uint8_t iv[IKE1_BLOCK_MAX])
{
    size_t block = ike1_block_size(k->cipher);
    uint8_t id[4];
    uint8_t hash[IKE1_HASH_MAX];
    struct writer w = writer_of(id, sizeof(id));
    const struct pf_slice part[] = {slice(k->iv, block), slice(id, sizeof(id))};

    writer_u32(&w, message_id);
    if (!ike1_digest(k->hash, part, ARRAY_LEN(part), hash))
        return false;
    memset(iv, 0, IKE1_BLOCK_MAX);
    memcpy(iv, hash, block);
    return true;
}

bool
ike1_keymat(const struct ike1_keys *k, const struct ike1_child_ingredients *from, uint32_t spi,
            uint8_t *out, size_t len)
{
    uint8_t whose[5];
    struct writer w = writer_of(whose, sizeof(whose));
    const struct pf_slice seed[KEYMAT_PARTS] = {from->shared, slice(whose, sizeof(whose)),
                                                from->nonce_i, from->nonce_r};

    writer_u8(&w, PROTO_ESP);
    writer_u32(&w, spi);
    return expand(k->hash, &(struct expansion){k->d, seed, seed, KEYMAT_PARTS, KEYMAT_PARTS}, out,
                  len);
}

/* ---- ciphers ---- */

static const char *
cipher_name(const struct ike1_keys *k)
{
    if (k->cipher == IKE1_3DES_CBC)
        return "DES-EDE3-CBC";
    return k->key_bits == 256 ? "AES-256-CBC" : k->key_bits == 192 ? "AES-192-CBC" : "AES-128-CBC";
}

static bool
cbc(const struct ike1_keys *k, const uint8_t *iv, uint8_t *at, size_t len, int encrypt)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, cipher_name(k), NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;

    bool ok = cipher && ctx && len <= INT32_MAX &&
              EVP_CipherInit_ex2(ctx, cipher, k->cipher_key, iv, encrypt, NULL) > 0 &&
              EVP_CIPHER_CTX_set_padding(ctx, 0) > 0 &&
              EVP_CipherUpdate(ctx, at, &n, at, (int)len) > 0 && (size_t)n == len;
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
    return ok;
}

bool
ike1_encrypt(const struct ike1_keys *k, uint8_t iv[IKE1_BLOCK_MAX], uint8_t *at, size_t len)
{
    size_t block = ike1_block_size(k->cipher);

    if (len < block || len % block != 0 || !cbc(k, iv, at, len, 1))
        return false;
    memcpy(iv, at + len - block, block);
    return true;
}

bool
ike1_decrypt(const struct ike1_keys *k, uint8_t iv[IKE1_BLOCK_MAX], uint8_t *at, size_t len)
{
    size_t block = ike1_block_size(k->cipher);
    uint8_t next[IKE1_BLOCK_MAX];

    if (len < block || len % block != 0)
        return false;
    memcpy(next, at + len - block, block);
    if (!cbc(k, iv, at, len, 0))
        return false;
    memcpy(iv, next, block);
    return true;
}

bool
ike1_nat_hash(enum ike1_hash h, const uint8_t cookies[2 * ISAKMP_COOKIE], const struct endpoint *e,
              uint8_t out[IKE1_HASH_MAX])
{
    const uint8_t port[] = {(uint8_t)(e->port >> 8), (uint8_t)e->port};
    const struct pf_slice part[] = {
        slice(cookies, COOKIES),
        slice(e->ip.b, e->ip.family == 4 ? 4 : 16),
        slice(port, sizeof(port)),
    };

    return ike1_digest(h, part, ARRAY_LEN(part), out);
}
