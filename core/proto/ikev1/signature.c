/* SPDX-License-Identifier: Apache-2.0 */
/* signature.c - phase 1 by RSA signatures (RFC 2409, 5.1).
 *
 * What is signed is HASH_I or HASH_R itself, in PKCS #1's encoding of type 1 and without the name
 * of a hash: so OpenSSL is told of none.
 */

#include "core/proto/ikev1/ike1_priv.h"

#include <glib.h>
#include <openssl/x509v3.h>

enum {
    ENCODING_X509 = 4, /* X.509 certificate, signature */
    SIGNATURE_MAX = 1024,
    KEY_BITS_MIN = 1024, /* shorter ones are no keys; the owner may want longer ones */
    KEY_BITS_MAX = 8192,
};

/* ---- the peer's certificates ---- */

static X509 *
read_cert(struct reader r)
{
    uint8_t encoding = reader_u8(&r);
    const uint8_t *at = r.at;

    if (!reader_ok(&r) || encoding != ENCODING_X509 || r.left == 0)
        return NULL;
    X509 *cert = d2i_X509(NULL, &at, (long)r.left);
    if (cert && at != r.at + r.left) { /* something follows it */
        X509_free(cert);
        return NULL;
    }
    return cert;
}

static bool
names(X509 *cert, struct reader id)
{
    struct ike1_id who;
    uint8_t type = id.left > 4 ? id.at[0] : 0;

    if (!ike1_id_read(id, &who))
        return false;
    const uint8_t *at = id.at + 4;
    size_t len = id.left - 4;
    switch (type) {
    case IKE1_ID_IPV4:
    case IKE1_ID_IPV6:
        return X509_check_ip(cert, at, len, 0) == 1;
    case IKE1_ID_FQDN:
        return X509_check_host(cert, (const char *)at, len, X509_CHECK_FLAG_NO_WILDCARDS, NULL) ==
               1;
    case IKE1_ID_USER_FQDN:
        return X509_check_email(cert, (const char *)at, len, 0) == 1;
    case IKE1_ID_DN: {
        X509_NAME *name = d2i_X509_NAME(NULL, &at, (long)len);
        bool same = name && X509_NAME_cmp(name, X509_get_subject_name(cert)) == 0;
        X509_NAME_free(name);
        return same;
    }
    default:
        return false;
    }
}

/* The first that names the identity is the peer's; the others help to prove it. */
static X509 *
read_chain(const struct ike1_in *in, struct reader id, STACK_OF(X509) * chain)
{
    const struct isakmp_payload *p;
    X509 *own = NULL;

    for (unsigned n = 0; n < IKE1_CHAIN_MAX && (p = isakmp_find(&in->all, ISAKMP_CERT, n)); n++) {
        X509 *cert = read_cert(p->body);
        if (!cert)
            continue;
        if (!own && names(cert, id))
            own = cert;
        else if (sk_X509_push(chain, cert) == 0)
            X509_free(cert);
    }
    return own;
}

/* ---- signatures ---- */

static bool
is_signed(X509 *cert, const uint8_t *hash, size_t len, struct reader signature)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);

    if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA ||
        EVP_PKEY_get_bits(key) < KEY_BITS_MIN || EVP_PKEY_get_bits(key) > KEY_BITS_MAX)
        return false;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool ok = ctx && EVP_PKEY_verify_init(ctx) > 0 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
              EVP_PKEY_verify(ctx, signature.at, signature.left, hash, len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static bool
check(struct ike1 *k, const struct ike1_in *in, X509 *cert, STACK_OF(X509) * chain, bool *trusted)
{
    const struct isakmp_payload *id = isakmp_find(&in->all, ISAKMP_ID, 0);
    const struct isakmp_payload *signature = isakmp_find(&in->all, ISAKMP_SIGNATURE, 0);
    struct ike1_ingredients from = ike1_ingredients(k, NULL);
    uint8_t hash[IKE1_HASH_MAX];

    if (!signature ||
        !ike1_auth_hash(&k->keys, &from, true, ike1_slice_of(k->sa_i),
                        ike1_slice(id->body.at, id->body.left), hash) ||
        !is_signed(cert, hash, ike1_hash_size(k->suite.hash), signature->body)) {
        ike1_say(k, "the signature of the peer is wrong");
        return false;
    }
    *trusted = k->ops->trusts && k->ops->trusts(k->owner, cert, chain);
    if (!*trusted)
        ike1_say(k, "the certificate of the peer is of nobody who is trusted");
    return true;
}

X509 *
ike1_signature_check(struct ike1 *k, const struct ike1_in *in, bool *trusted)
{
    const struct isakmp_payload *id = isakmp_find(&in->all, ISAKMP_ID, 0);
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *cert = NULL;

    if (id && chain)
        cert = read_chain(in, id->body, chain);
    if (!cert)
        ike1_say(k, "the peer sent no certificate that names its identity");
    else if (!check(k, in, cert, chain, trusted)) {
        X509_free(cert);
        cert = NULL;
    }
    sk_X509_pop_free(chain, X509_free);
    return cert;
}

/* ---- ours ---- */

static void
write_cert(struct ike1_out *o, X509 *cert)
{
    uint8_t *der = NULL;
    int len = i2d_X509(cert, &der);

    if (len > 0) {
        isakmp_payload_begin(&o->m, ISAKMP_CERT);
        writer_u8(&o->w, ENCODING_X509);
        writer_bytes(&o->w, der, (size_t)len);
    }
    OPENSSL_free(der);
}

/* The authority at the end of the chain is what the peer has itself, or does not trust. */
static void
write_chain(const struct ike1 *k, struct ike1_out *o)
{
    write_cert(o, k->c.cert);
    for (int i = 0; i < sk_X509_num(k->c.chain) && i < IKE1_CHAIN_MAX - 1; i++) {
        X509 *cert = sk_X509_value(k->c.chain, i);
        if (!(X509_get_extension_flags(cert) & EXFLAG_SS))
            write_cert(o, cert);
    }
}

bool
ike1_signature_write(struct ike1 *k, struct ike1_out *o, const uint8_t *hash, size_t len)
{
    uint8_t signature[SIGNATURE_MAX];
    size_t signature_len = sizeof(signature);

    if (k->cert_asked)
        write_chain(k, o);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->c.key, NULL);
    bool ok = ctx && EVP_PKEY_sign_init(ctx) > 0 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
              EVP_PKEY_sign(ctx, signature, &signature_len, hash, len) > 0;
    EVP_PKEY_CTX_free(ctx);
    if (ok)
        isakmp_payload_add(&o->m, ISAKMP_SIGNATURE, signature, signature_len);
    return ok;
}

/* Of no authority in particular. */
void
ike1_write_cert_request(struct ike1_out *o)
{
    uint8_t encoding = ENCODING_X509;

    isakmp_payload_add(&o->m, ISAKMP_CERT_REQUEST, &encoding, sizeof(encoding));
}
