/* SPDX-License-Identifier: Apache-2.0 */
/* cert_input.c - see cert_input.h. */
#include "core/rpc/cert_input.h"

#include "core/base/error.h"
#include "core/crypto/cert.h"

#include <openssl/asn1.h>

#include <time.h>

X509 *
cert_input_parse(GBytes *bytes, GError **error)
{
    gsize len = 0;
    const char *at = g_bytes_get_data(bytes, &len);

    if (len == 0 || len > CERT_INPUT_MAX) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    len == 0 ? "the certificate is missing" : "the certificate is too long");
        return NULL;
    }
    if (!g_strstr_len(at, (gssize)len, "-----BEGIN "))
        return cert_from_der(at, len, error);
    g_autofree char *pem = g_strndup(at, len);
    return cert_from_pem(pem, error);
}

GBytes *
cert_input_der(const struct record *in, const char *field, GError **error)
{
    size_t len = 0;
    const void *at = record_bin(in, field, &len);
    g_autoptr(GBytes) bytes = g_bytes_new(at, len);
    X509 *cert = cert_input_parse(bytes, error);

    if (!cert)
        return NULL;
    GBytes *der = cert_to_der(cert);
    X509_free(cert);
    return der;
}

char *
cert_name_text(const X509_NAME *name)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *at = NULL;

    if (!out)
        return g_strdup("");
    X509_NAME_print_ex(out, name, 0,
                       (XN_FLAG_RFC2253 | XN_FLAG_SEP_CPLUS_SPC) & ~ASN1_STRFLGS_ESC_MSB);
    long len = BIO_get_mem_data(out, &at);
    char *text = g_utf8_make_valid(len > 0 ? at : "", len > 0 ? (gssize)len : 0);
    BIO_free(out);
    return text;
}

int64_t
cert_expires_ms(const X509 *cert)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
        return 0;
    g_autoptr(GDateTime) t = g_date_time_new_utc(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                                                 tm.tm_hour, tm.tm_min, tm.tm_sec);
    return t ? g_date_time_to_unix(t) * 1000 : 0;
}
