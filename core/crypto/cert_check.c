/* SPDX-License-Identifier: Apache-2.0 */
/* cert_check.c - what is believed of a certificate: dates, chain, and the SE-VPN proof of its key.
 *
 * The proof is a SHA-1 signature, which a system's crypto policy may refuse to make and to check;
 * SHA-1 does no harm here, since the signed value is our own fresh challenge. So the encoding of
 * RFC 8017 9.2 is built here, and OpenSSL does the bare RSA operation. */

#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/crypto/cert.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <string.h>

enum {
    CHALLENGE = 20,
    SHA1_SIZE = 20,
    KEY_BITS_MIN = 2048,
    KEY_BITS_OLD = 1024,
    KEY_BITS_MAX = CERT_PROOF_MAX * 8,
    EXPONENT_BITS_MAX = 64, /* a larger one only costs time */
    SECURITY_LEVEL = 2,     /* OpenSSL's: 112 bits */
};

static const uint8_t digest_info_prefix[] = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
                                             0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14};
enum { DIGEST_INFO = sizeof(digest_info_prefix) + SHA1_SIZE };

bool
cert_is_in_time(X509 *cert)
{
    return X509_cmp_current_time(X509_get0_notBefore(cert)) < 0 &&
           X509_cmp_current_time(X509_get0_notAfter(cert)) > 0;
}

static X509_STORE *
store_of(X509 *ca, bool old_keys)
{
    X509_STORE *store = X509_STORE_new();
    if (!store)
        return NULL;
    X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);
    X509_VERIFY_PARAM_set_auth_level(param, old_keys ? 0 : SECURITY_LEVEL);
    if (!X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) ||
        !X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT) ||
        !X509_STORE_add_cert(store, ca))
        g_clear_pointer(&store, X509_STORE_free);
    return store;
}

static bool
is_signed_by_one(X509 *cert, X509 *ca, bool old_keys)
{
    X509_STORE *store = store_of(ca, old_keys);
    X509_STORE_CTX *ctx = store ? X509_STORE_CTX_new() : NULL;
    bool ok = ctx && X509_STORE_CTX_init(ctx, store, cert, NULL) && X509_verify_cert(ctx) == 1;
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return ok;
}

/* Each authority by itself: with several of one name (a renewed key) OpenSSL would try only the
 * first of them. */
bool
cert_is_signed_by(X509 *cert, X509 *const *cas, unsigned n_cas, bool old_keys)
{
    bool ok = false;
    for (unsigned i = 0; i < n_cas && !ok; i++)
        ok = X509_check_issued(cas[i], cert) == X509_V_OK &&
             is_signed_by_one(cert, cas[i], old_keys);
    ERR_clear_error();
    return ok;
}

static bool
digest_info(const uint8_t challenge[CHALLENGE], uint8_t out[DIGEST_INFO])
{
    memcpy(out, digest_info_prefix, sizeof(digest_info_prefix));
    return EVP_Digest(challenge, CHALLENGE, out + sizeof(digest_info_prefix), NULL, EVP_sha1(),
                      NULL) == 1;
}

/* RFC 8017 9.2: 00 01 FF... 00 DigestInfo, as long as the modulus. */
static void
encode(const uint8_t info[DIGEST_INFO], uint8_t *out, size_t len)
{
    g_assert(len >= DIGEST_INFO + 11);
    memset(out, 0xff, len);
    out[0] = 0x00;
    out[1] = 0x01;
    out[len - DIGEST_INFO - 1] = 0x00;
    memcpy(out + len - DIGEST_INFO, info, DIGEST_INFO);
}

/* A small exponent makes forgeries easy where a verifier is sloppy; ours is not, but such keys come
 * from tools that are not to be trusted otherwise either. */
static bool
exponent_is_good(EVP_PKEY *key)
{
    BIGNUM *e = NULL;
    if (!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e))
        return false;
    bool good =
        BN_is_odd(e) && BN_num_bits(e) <= EXPONENT_BITS_MAX && !BN_is_one(e) && !BN_is_word(e, 3);
    BN_free(e);
    return good;
}

static bool
key_is_good(EVP_PKEY *key, bool old_keys)
{
    if (!key || !EVP_PKEY_is_a(key, "RSA"))
        return false;
    int bits = EVP_PKEY_get_bits(key);
    return bits >= (old_keys ? KEY_BITS_OLD : KEY_BITS_MIN) && bits <= KEY_BITS_MAX &&
           exponent_is_good(key);
}

/* sign to the power of the exponent, as many bytes as the modulus has. */
static bool
raw_public(EVP_PKEY *key, const void *sign, size_t sign_len, uint8_t *out, size_t *out_len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool ok = ctx && EVP_PKEY_verify_recover_init(ctx) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
              EVP_PKEY_verify_recover(ctx, out, out_len, sign, sign_len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

bool
cert_sevpn_verify(X509 *cert, const uint8_t challenge[20], const void *sign, size_t sign_len,
                  bool old_keys)
{
    uint8_t info[DIGEST_INFO], want[CERT_PROOF_MAX], got[CERT_PROOF_MAX];
    EVP_PKEY *key = X509_get0_pubkey(cert);
    bool ok = false;

    if (key_is_good(key, old_keys) && sign_len == (size_t)EVP_PKEY_get_size(key) &&
        digest_info(challenge, info)) {
        size_t len = sizeof(got);
        encode(info, want, sign_len);
        ok = raw_public(key, sign, sign_len, got, &len) && len == sign_len &&
             secret_equal(got, want, len);
    }
    ERR_clear_error();
    return ok;
}

GBytes *
cert_sevpn_sign(EVP_PKEY *key, const uint8_t challenge[20], GError **error)
{
    uint8_t info[DIGEST_INFO], sign[CERT_PROOF_MAX];
    size_t len = sizeof(sign);

    if (!key_is_good(key, true)) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "a certificate login needs an RSA key of %d to %d bits", KEY_BITS_OLD,
                    KEY_BITS_MAX);
        return NULL;
    }
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool ok = ctx && digest_info(challenge, info) && EVP_PKEY_sign_init(ctx) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
              EVP_PKEY_sign(ctx, sign, &len, info, sizeof(info)) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    if (!ok) {
        g_set_error_literal(error, PE_ERROR, PE_INTERNAL,
                            "the key of the certificate refused to sign the login");
        return NULL;
    }
    return g_bytes_new(sign, len);
}
