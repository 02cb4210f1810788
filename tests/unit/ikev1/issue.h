/* SPDX-License-Identifier: Apache-2.0 */
/* issue.h - certificates for tests: authorities, and what they sign. */
#pragma once

#include <glib.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <stdbool.h>

enum { ISSUE_DAY_S = 86400 };

/* A certificate and a new key of it. by: the authority that signs it with its key, or NULL: it does
 * so itself. days: until it expires, maybe less than 0. */
static inline X509 *
issue(const char *name, bool ca, int days, X509 *by, EVP_PKEY *by_key, EVP_PKEY **key)
{
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);
    EVP_PKEY *own = EVP_RSA_gen(2048);

    g_assert_true(cert && own);
    g_assert_cmpint(X509_set_version(cert, 2), ==, 1);
    g_assert_cmpint(ASN1_INTEGER_set(X509_get_serialNumber(cert), g_random_int_range(1, 1 << 30)),
                    ==, 1);
    g_assert_nonnull(X509_gmtime_adj(X509_getm_notBefore(cert), -100L * ISSUE_DAY_S));
    g_assert_nonnull(X509_gmtime_adj(X509_getm_notAfter(cert), (long)days * ISSUE_DAY_S));
    g_assert_cmpint(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                               (const unsigned char *)name, -1, -1, 0),
                    ==, 1);
    g_assert_cmpint(X509_set_issuer_name(cert, by ? X509_get_subject_name(by) : subject), ==, 1);
    g_assert_cmpint(X509_set_pubkey(cert, own), ==, 1);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
                                            ca ? "critical,CA:TRUE" : "CA:FALSE");
    g_assert_cmpint(X509_add_ext(cert, e, -1), ==, 1);
    X509_EXTENSION_free(e);
    g_assert_cmpint(X509_sign(cert, by ? by_key : own, EVP_sha256()), >, 0);
    *key = own;
    return cert;
}
