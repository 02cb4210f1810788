/* SPDX-License-Identifier: Apache-2.0 */
/* cert.h - X.509 certificates and keys: make, load, print, check. Any thread. */
#pragma once

#include "core/base/types.h"

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    CERT_FINGERPRINT = 32,
    CERT_FINGERPRINT_TEXT = 32 * 3,
    CERT_COMMON_NAME_MAX = 64, /* characters; RFC 5280, ub-common-name */
    CERT_YEARS_MAX = 100,
    CERT_DER_MAX = 100000, /* what SE-VPN sends at most */
    CERT_PROOF_MAX = 512,  /* bytes of a signature: RSA of 4096 bits */
};

/* A new RSA-2048 key (old clients know nothing else for a server) and a self-signed certificate for
 * common_name, valid for years. */
bool cert_make_self_signed(const char *common_name, unsigned years, X509 **cert, EVP_PKEY **key,
                           GError **error) MUST_CHECK;

X509 *cert_from_pem(const char *pem, GError **error);
X509 *cert_from_der(const void *der, size_t len, GError **error);
char *cert_to_pem(X509 *cert);
GBytes *cert_to_der(X509 *cert);
EVP_PKEY *cert_key_from_pem(const char *pem, GError **error);
EVP_PKEY *cert_key_from_der(const void *der, size_t len, GError **error);
char *cert_key_to_pem(EVP_PKEY *key); /* PKCS #8, unencrypted; free with secret_free_str() */
bool cert_matches_key(X509 *cert, EVP_PKEY *key);

void cert_fingerprint(X509 *cert, uint8_t out[CERT_FINGERPRINT]); /* SHA-256 of the DER */
/* "AB:CD:..." */
const char *
cert_fingerprint_print(const uint8_t fp[CERT_FINGERPRINT], char out[CERT_FINGERPRINT_TEXT]);
/* Upper or lower case, with colons or without. */
bool cert_fingerprint_parse(const char *text, uint8_t out[CERT_FINGERPRINT]) MUST_CHECK;

/* Now is between its dates. */
bool cert_is_in_time(X509 *cert);

/* The subject's common name as UTF-8 (g_free), or NULL when there is none, or one with a NUL. */
char *cert_common_name(X509 *cert);
/* The serial number: big-endian, without leading zeroes; zero is one byte of 0. */
GBytes *cert_serial(X509 *cert);

/* One of cas, which need not be self-signed, has issued cert: signature, dates, usage as a client,
 * keys and hashes of today (RSA of 2048 bits or more, SHA-2), or any that OpenSSL still knows when
 * old_keys. */
bool cert_is_signed_by(X509 *cert, X509 *const *cas, unsigned n_cas, bool old_keys);

/* The SE-VPN certificate login: RSASSA-PKCS1-v1_5 with SHA-1 over the 20-byte challenge, strict
 * encoding, RSA of 2048 bits or more (or 1024 when old_keys), exponent not 3. */
bool cert_sevpn_verify(X509 *cert, const uint8_t challenge[20], const void *sign, size_t sign_len,
                       bool old_keys);
GBytes *cert_sevpn_sign(EVP_PKEY *key, const uint8_t challenge[20], GError **error);
