/* SPDX-License-Identifier: Apache-2.0 */
/* cert_recipe.h - certificates for tests, as wrong as one likes. */
#pragma once

#include <glib.h>
#include <openssl/x509v3.h>

#include <stdbool.h>

struct cert_recipe {
    const char *cn;
    bool is_ca;
    long from_s, to_s; /* from now */
    long serial;
    const char *usage; /* extended key usage, or NULL */
};

/* issuer NULL: signed by itself. */
static inline X509 *
make_cert(const struct cert_recipe *r, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *c = X509_new();
    X509_set_version(c, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c), r->serial);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_UTF8,
                               (const uint8_t *)r->cn, -1, -1, 0);
    X509_set_issuer_name(c, X509_get_subject_name(issuer ? issuer : c));
    X509_gmtime_adj(X509_getm_notBefore(c), r->from_s);
    X509_gmtime_adj(X509_getm_notAfter(c), r->to_s);
    X509_set_pubkey(c, key);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
                                            r->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    X509_add_ext(c, e, -1);
    X509_EXTENSION_free(e);
    if (r->usage) {
        e = X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, r->usage);
        X509_add_ext(c, e, -1);
        X509_EXTENSION_free(e);
    }
    g_assert_cmpint(X509_sign(c, issuer ? issuer_key : key, EVP_sha256()), >, 0);
    return c;
}
