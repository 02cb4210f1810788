/* SPDX-License-Identifier: Apache-2.0 */
/* identity.c - see identity.h. The sealed value is PEM: the key, the certificate, the chain. */
#include "core/rpc/identity.h"

#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/crypto/cert.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <string.h>

#define SETTING "server_identity"

enum { IDENTITY_CHAIN_MAX = 8, IDENTITY_YEARS = 10, IDENTITY_BYTES_MAX = 1 << 20 };

void
identity_clear(struct identity *id)
{
    X509_free(id->cert);
    EVP_PKEY_free(id->key);
    sk_X509_pop_free(id->chain, X509_free);
    memset(id, 0, sizeof(*id));
}

static bool
fail(GError **error, int code, const char *text)
{
    g_set_error(error, PE_ERROR, code, "%s", text);
    return false;
}

/* The certificates after the first in a PEM text. */
static bool
read_chain(BIO *in, struct identity *out, GError **error)
{
    out->chain = sk_X509_new_null();
    for (;;) {
        X509 *next = PEM_read_bio_X509(in, NULL, NULL, NULL);
        if (!next)
            break;
        if (sk_X509_num(out->chain) >= IDENTITY_CHAIN_MAX || !sk_X509_push(out->chain, next)) {
            X509_free(next);
            return fail(error, PE_INVALID_PARAMETER, "the chain of certificates is too long");
        }
    }
    ERR_clear_error(); /* the end of the text */
    return true;
}

static bool
is_pem(GBytes *bytes)
{
    gsize len = 0;
    const char *at = g_bytes_get_data(bytes, &len);

    return len > 0 && g_strstr_len(at, (gssize)len, "-----BEGIN ") != NULL;
}

static bool
read_cert(GBytes *bytes, struct identity *out, GError **error)
{
    gsize len = 0;
    const void *at = g_bytes_get_data(bytes, &len);

    if (len == 0 || len > IDENTITY_BYTES_MAX)
        return fail(error, PE_INVALID_PARAMETER,
                    len == 0 ? "the certificate is missing" : "the certificate is too long");
    if (!is_pem(bytes)) {
        out->cert = cert_from_der(at, len, error);
        return out->cert != NULL;
    }
    BIO *in = BIO_new_mem_buf(at, (int)len);
    out->cert = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    bool ok = out->cert ? read_chain(in, out, error)
                        : fail(error, PE_INVALID_PARAMETER, "this is not a certificate in PEM");
    BIO_free(in);
    ERR_clear_error();
    return ok;
}

static bool
read_key(GBytes *bytes, struct identity *out, GError **error)
{
    gsize len = 0;
    const void *at = g_bytes_get_data(bytes, &len);

    if (len == 0 || len > IDENTITY_BYTES_MAX)
        return fail(error, PE_INVALID_PARAMETER,
                    len == 0 ? "the private key is missing" : "the private key is too long");
    if (is_pem(bytes)) {
        char *pem = g_strndup(at, len);
        out->key = cert_key_from_pem(pem, error);
        secret_free_str(pem);
    } else {
        out->key = cert_key_from_der(at, len, error);
    }
    return out->key != NULL;
}

bool
identity_parse(GBytes *cert, GBytes *key, struct identity *out, GError **error)
{
    struct identity made = {0};

    if (!read_cert(cert, &made, error) || !read_key(key, &made, error) ||
        (!cert_matches_key(made.cert, made.key) &&
         !fail(error, PE_INVALID_PARAMETER,
               "the private key does not belong to the certificate"))) {
        identity_clear(&made);
        return false;
    }
    *out = made;
    return true;
}

bool
identity_make(const char *common_name, struct identity *out, GError **error)
{
    struct identity made = {0};

    if (!cert_make_self_signed(common_name, IDENTITY_YEARS, &made.cert, &made.key, error))
        return false;
    *out = made;
    return true;
}

bool
identity_load(struct store *store, struct identity *out, GError **error)
{
    GBytes *pem = store_get_secret(store, SETTING);

    if (!pem)
        return fail(error, PE_NOT_FOUND, "the server has no key and certificate yet");
    bool ok = identity_parse(pem, pem, out, error);
    g_bytes_unref(pem);
    if (!ok)
        g_prefix_error(error, "the server's key and certificate in the store are damaged: ");
    return ok;
}

bool
identity_save(struct store *store, const struct identity *id, GError **error)
{
    if (!cert_matches_key(id->cert, id->key))
        return fail(error, PE_INVALID_PARAMETER,
                    "the private key does not belong to the certificate");
    char *key = cert_key_to_pem(id->key);
    GString *all = g_string_new(key);
    secret_free_str(key);
    for (int i = -1; i < (id->chain ? sk_X509_num(id->chain) : 0); i++) {
        g_autofree char *pem = cert_to_pem(i < 0 ? id->cert : sk_X509_value(id->chain, i));
        g_string_append(all, pem);
    }
    bool ok = store_set_secret(store, SETTING, all->str, all->len, error);
    secret_free_str(g_string_free(all, FALSE));
    return ok;
}
