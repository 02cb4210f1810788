/* SPDX-License-Identifier: Apache-2.0 */
/* cert.c - see cert.h: making, loading, printing. What is checked is in cert_check.c. */

#include "core/crypto/cert.h"

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/base/secret.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <string.h>

enum { KEY_BITS = 2048, SERIAL_BYTES = 16, DAY_S = 24 * 3600 };

/* The first thing that OpenSSL has to say, for a person; empties its queue. */
static void
set_openssl_error(GError **error, int code, const char *what)
{
    unsigned long e = ERR_peek_error();
    const char *reason = e ? ERR_reason_error_string(e) : NULL;
    if (reason)
        g_set_error(error, PE_ERROR, code, "%s: %s", what, reason);
    else
        g_set_error_literal(error, PE_ERROR, code, what);
    ERR_clear_error();
}

/* ---- making ---- */

static bool
set_serial(X509 *cert)
{
    uint8_t bytes[SERIAL_BYTES];
    random_bytes(bytes, sizeof(bytes));
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, and of full length */
    BIGNUM *n = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
    BN_free(n);
    return ok;
}

static bool
set_names_and_dates(X509 *cert, const char *common_name, unsigned years)
{
    X509_NAME *name = X509_get_subject_name(cert);
    int days = (int)(years * 365 + years / 4);

    /* From yesterday: the clocks of two machines differ. */
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)common_name, -1,
                                      -1, 0) &&
           X509_set_issuer_name(cert, name) && X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_S) &&
           X509_time_adj_ex(X509_getm_notAfter(cert), days, 0, NULL);
}

static bool
add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = ext && X509_add_ext(cert, ext, -1);
    X509_EXTENSION_free(ext);
    return ok;
}

/* The common name once more as subjectAltName, where it is an address or could be a host's name:
 * that is where today's clients look. */
static bool
add_alt_name(X509 *cert, const char *common_name)
{
    static const char host_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789-.";
    g_autofree char *value = NULL;
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(common_name);
    if (address)
        value = g_strconcat("IP:", common_name, NULL);
    else if (strspn(common_name, host_chars) == strlen(common_name))
        value = g_strconcat("DNS:", common_name, NULL);
    ASN1_OCTET_STRING_free(address);
    ERR_clear_error();
    return !value || add_extension(cert, NID_subject_alt_name, value);
}

static X509 *
self_signed(const char *common_name, unsigned years, EVP_PKEY *key)
{
    X509 *cert = X509_new();
    if (cert && X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
        set_names_and_dates(cert, common_name, years) && X509_set_pubkey(cert, key) &&
        add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(cert, NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
        add_extension(cert, NID_ext_key_usage, "serverAuth,clientAuth") &&
        add_extension(cert, NID_subject_key_identifier, "hash") &&
        add_alt_name(cert, common_name) && X509_sign(cert, key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

bool
cert_make_self_signed(const char *common_name, unsigned years, X509 **cert, EVP_PKEY **key,
                      GError **error)
{
    if (!g_utf8_validate(common_name, -1, NULL) || common_name[0] == '\0' ||
        g_utf8_strlen(common_name, -1) > CERT_COMMON_NAME_MAX) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "the common name of a certificate must have 1 to %d characters",
                    CERT_COMMON_NAME_MAX);
        return false;
    }
    if (years < 1 || years > CERT_YEARS_MAX) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "a certificate can be made for 1 to %d years, not for %u", CERT_YEARS_MAX,
                    years);
        return false;
    }
    ERR_clear_error();
    EVP_PKEY *k = EVP_RSA_gen(KEY_BITS);
    X509 *c = k ? self_signed(common_name, years, k) : NULL;
    if (!c) {
        set_openssl_error(error, PE_INTERNAL, "the certificate could not be made");
        EVP_PKEY_free(k);
        return false;
    }
    *cert = c;
    *key = k;
    return true;
}

/* ---- loading and printing ---- */

static BIO *
bio_of(const char *text)
{
    size_t len = strlen(text);
    return len <= G_MAXINT ? BIO_new_mem_buf(text, (int)len) : NULL;
}

X509 *
cert_from_pem(const char *pem, GError **error)
{
    ERR_clear_error();
    BIO *bio = bio_of(pem);
    char passphrase[] = ""; /* in place of asking somebody at a terminal */
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, passphrase) : NULL;
    BIO_free(bio);
    if (!cert)
        set_openssl_error(error, PE_INVALID_PARAMETER, "this is no certificate in PEM form");
    return cert;
}

X509 *
cert_from_der(const void *der, size_t len, GError **error)
{
    ERR_clear_error();
    const uint8_t *at = der;
    X509 *cert = len > 0 && len <= CERT_DER_MAX ? d2i_X509(NULL, &at, (long)len) : NULL;
    if (cert && at != (const uint8_t *)der + len) {
        X509_free(cert); /* something follows it: not the bytes of one certificate */
        cert = NULL;
    }
    if (!cert)
        set_openssl_error(error, PE_INVALID_PARAMETER, "this is no certificate in DER form");
    return cert;
}

static char *
bio_to_text(BIO *bio)
{
    char *at = NULL;
    long len = BIO_get_mem_data(bio, &at);
    return g_strndup(at, (size_t)len);
}

char *
cert_to_pem(X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    g_assert(bio && PEM_write_bio_X509(bio, cert)); /* fails only without memory, as g_malloc() */
    char *pem = bio_to_text(bio);
    BIO_free(bio);
    return pem;
}

GBytes *
cert_to_der(X509 *cert)
{
    uint8_t *der = NULL;
    int len = i2d_X509(cert, &der);
    g_assert(len > 0);
    GBytes *bytes = g_bytes_new(der, (size_t)len);
    OPENSSL_free(der);
    return bytes;
}

EVP_PKEY *
cert_key_from_pem(const char *pem, GError **error)
{
    ERR_clear_error();
    BIO *bio = bio_of(pem);
    char passphrase[] = "";
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, passphrase) : NULL;
    BIO_free(bio);
    if (!key)
        set_openssl_error(error, PE_INVALID_PARAMETER,
                          "this is no private key in PEM form without a passphrase");
    return key;
}

EVP_PKEY *
cert_key_from_der(const void *der, size_t len, GError **error)
{
    ERR_clear_error();
    const uint8_t *at = der;
    EVP_PKEY *key =
        len > 0 && len <= CERT_DER_MAX ? d2i_AutoPrivateKey(NULL, &at, (long)len) : NULL;
    if (!key)
        set_openssl_error(error, PE_INVALID_PARAMETER,
                          "this is no private key in DER form without a passphrase");
    return key;
}

char *
cert_key_to_pem(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when freed, locked only where a heap was set up */
    g_assert(bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
    char *pem = bio_to_text(bio);
    BIO_free(bio);
    return pem;
}

bool
cert_matches_key(X509 *cert, EVP_PKEY *key)
{
    bool same = X509_check_private_key(cert, key) == 1;
    ERR_clear_error();
    return same;
}

/* ---- fingerprints and fields ---- */

void
cert_fingerprint(X509 *cert, uint8_t out[CERT_FINGERPRINT])
{
    unsigned len = 0;
    int ok = X509_digest(cert, EVP_sha256(), out, &len);
    g_assert(ok == 1 && len == CERT_FINGERPRINT);
}

const char *
cert_fingerprint_print(const uint8_t fp[CERT_FINGERPRINT], char out[CERT_FINGERPRINT_TEXT])
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < CERT_FINGERPRINT; i++) {
        out[3 * i] = digits[fp[i] >> 4];
        out[3 * i + 1] = digits[fp[i] & 15];
        out[3 * i + 2] = i + 1 < CERT_FINGERPRINT ? ':' : '\0';
    }
    return out;
}

bool
cert_fingerprint_parse(const char *text, uint8_t out[CERT_FINGERPRINT])
{
    uint8_t fp[CERT_FINGERPRINT];
    const char *p = text;
    for (size_t i = 0; i < CERT_FINGERPRINT; i++) {
        if (i > 0 && *p == ':')
            p++;
        int high = g_ascii_xdigit_value(p[0]);
        int low = high >= 0 ? g_ascii_xdigit_value(p[1]) : -1;
        if (low < 0)
            return false;
        fp[i] = (uint8_t)(high << 4 | low);
        p += 2;
    }
    if (*p != '\0')
        return false;
    memcpy(out, fp, sizeof(fp));
    return true;
}

char *
cert_common_name(X509 *cert)
{
    const X509_NAME *name = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (at < 0)
        return NULL;
    uint8_t *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    char *text = NULL;
    if (len >= 0 && strlen((const char *)utf8) == (size_t)len)
        text = g_strndup((const char *)utf8, (size_t)len);
    OPENSSL_free(utf8);
    ERR_clear_error();
    return text;
}

GBytes *
cert_serial(X509 *cert)
{
    BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    g_assert(n);
    size_t len = BN_is_zero(n) ? 1 : (size_t)BN_num_bytes(n);
    uint8_t *bytes = g_malloc0(len);
    BN_bn2bin(n, bytes);
    BN_free(n);
    return g_bytes_new_take(bytes, len);
}
