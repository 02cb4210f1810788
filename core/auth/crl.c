/* SPDX-License-Identifier: Apache-2.0 */
/* crl.c - see crl.h. */

#include "core/auth/crl.h"

#include "core/base/types.h"
#include "core/crypto/cert.h"

#include <openssl/evp.h>

#include <string.h>

static const struct {
    const char *name;
    int nid;
} texts[CRL_TEXTS] = {
    [CRL_CN] = {"cn", NID_commonName},
    [CRL_O] = {"o", NID_organizationName},
    [CRL_OU] = {"ou", NID_organizationalUnitName},
    [CRL_C] = {"c", NID_countryName},
    [CRL_ST] = {"st", NID_stateOrProvinceName},
    [CRL_L] = {"l", NID_localityName},
};

static const struct {
    const char *name;
    size_t min, max;
} bytes[CRL_BYTES] = {
    [CRL_SERIAL] = {"serial", 1, CRL_SERIAL_MAX},
    [CRL_MD5] = {"md5", 16, 16},
    [CRL_SHA1] = {"sha1", 20, 20},
};

struct crl_entry *
crl_entry_new(void)
{
    return g_new0(struct crl_entry, 1);
}

void
crl_entry_free(struct crl_entry *e)
{
    if (!e)
        return;
    for (unsigned i = 0; i < CRL_TEXTS; i++)
        g_free(e->text[i]);
    for (unsigned i = 0; i < CRL_BYTES; i++)
        g_clear_pointer(&e->bytes[i], g_bytes_unref);
    g_free(e);
}

static bool
has_text(const struct crl_entry *e, unsigned i)
{
    return e->text[i] && e->text[i][0];
}

const char *
crl_entry_fault(const struct crl_entry *e)
{
    bool any = false;

    for (unsigned i = 0; i < CRL_TEXTS; i++) {
        any |= has_text(e, i);
        if (has_text(e, i) && strlen(e->text[i]) > CRL_TEXT_MAX)
            return "a part of the subject is too long";
    }
    for (unsigned i = 0; i < CRL_BYTES; i++) {
        size_t len = e->bytes[i] ? g_bytes_get_size(e->bytes[i]) : 0;
        any |= e->bytes[i] != NULL;
        if (e->bytes[i] && (len < bytes[i].min || len > bytes[i].max))
            return i == CRL_SERIAL ? "a serial number has 1 to 64 bytes"
                                   : "a digest has 16 bytes (MD5) or 20 (SHA-1)";
    }
    return any ? NULL : "an entry needs at least one part that a certificate has";
}

/* ---- as text ---- */

char *
crl_entry_print(const struct crl_entry *e)
{
    GString *out = g_string_new(NULL);

    for (unsigned i = 0; i < CRL_TEXTS; i++) {
        g_autofree char *escaped = has_text(e, i) ? g_strescape(e->text[i], NULL) : NULL;
        if (escaped)
            g_string_append_printf(out, "%s %s\n", texts[i].name, escaped);
    }
    for (unsigned i = 0; i < CRL_BYTES; i++) {
        gsize len = 0;
        const uint8_t *at = e->bytes[i] ? g_bytes_get_data(e->bytes[i], &len) : NULL;
        if (!at)
            continue;
        g_string_append_printf(out, "%s ", bytes[i].name);
        for (gsize k = 0; k < len; k++)
            g_string_append_printf(out, "%02x", at[k]);
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}

static GBytes *
from_hex(const char *hex)
{
    size_t len = strlen(hex) / 2;
    g_autofree uint8_t *out = g_malloc(len + 1);

    for (size_t i = 0; i < len; i++) {
        int high = g_ascii_xdigit_value(hex[2 * i]), low = g_ascii_xdigit_value(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return NULL;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return strlen(hex) % 2 == 0 ? g_bytes_new(out, len) : NULL;
}

static bool
take_line(struct crl_entry *e, const char *name, const char *value)
{
    for (unsigned i = 0; i < CRL_TEXTS; i++) {
        if (strcmp(name, texts[i].name) != 0 || e->text[i])
            continue;
        e->text[i] = g_strcompress(value);
        return g_utf8_validate(e->text[i], -1, NULL);
    }
    for (unsigned i = 0; i < CRL_BYTES; i++) {
        if (strcmp(name, bytes[i].name) != 0 || e->bytes[i])
            continue;
        e->bytes[i] = from_hex(value);
        return e->bytes[i] != NULL;
    }
    return false;
}

struct crl_entry *
crl_entry_parse(const char *text)
{
    struct crl_entry *e = crl_entry_new();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    bool ok = true;

    for (char **line = lines; ok && *line; line++) {
        if (!(*line)[0])
            continue;
        char *space = strchr(*line, ' ');
        ok = space != NULL;
        if (!ok)
            break;
        *space = '\0';
        ok = take_line(e, *line, space + 1);
    }
    if (ok && !crl_entry_fault(e))
        return e;
    crl_entry_free(e);
    return NULL;
}

/* ---- certificates ---- */

static bool
same_text(const ASN1_STRING *string, const char *want)
{
    unsigned char *text = NULL;
    int len = ASN1_STRING_to_UTF8(&text, string);
    bool same = len >= 0 && strlen((const char *)text) == (size_t)len &&
                g_ascii_strcasecmp((const char *)text, want) == 0;

    OPENSSL_free(text);
    return same;
}

/* One of several units, or the like, is enough. */
static bool
subject_has(X509 *cert, int nid, const char *want)
{
    X509_NAME *name = X509_get_subject_name(cert);

    for (int at = -1; (at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0;)
        if (same_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)), want))
            return true;
    return false;
}

static bool
digest_is(X509 *cert, const EVP_MD *md, GBytes *want)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    return X509_digest(cert, md, digest, &len) == 1 && len == g_bytes_get_size(want) &&
           memcmp(digest, g_bytes_get_data(want, NULL), len) == 0;
}

/* Leading zeroes mean nothing. */
static bool
serial_is(X509 *cert, GBytes *want)
{
    g_autoptr(GBytes) has = cert_serial(cert);
    gsize n, m;
    const uint8_t *a = g_bytes_get_data(want, &n), *b = g_bytes_get_data(has, &m);

    while (n > 1 && a[0] == 0) {
        a++;
        n--;
    }
    return n == m && memcmp(a, b, n) == 0;
}

bool
crl_entry_fits(const struct crl_entry *e, X509 *cert)
{
    if (crl_entry_fault(e))
        return false;
    for (unsigned i = 0; i < CRL_TEXTS; i++)
        if (has_text(e, i) && !subject_has(cert, texts[i].nid, e->text[i]))
            return false;
    return (!e->bytes[CRL_SERIAL] || serial_is(cert, e->bytes[CRL_SERIAL])) &&
           (!e->bytes[CRL_MD5] || digest_is(cert, EVP_md5(), e->bytes[CRL_MD5])) &&
           (!e->bytes[CRL_SHA1] || digest_is(cert, EVP_sha1(), e->bytes[CRL_SHA1]));
}

bool
crl_is_revoked(const GPtrArray *entries, X509 *cert)
{
    for (guint i = 0; entries && i < entries->len; i++)
        if (crl_entry_fits(g_ptr_array_index(entries, i), cert))
            return true;
    return false;
}
