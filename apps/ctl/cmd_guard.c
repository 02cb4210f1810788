/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_guard.c - one-time codes of users, and revoked certificates. */
#include "apps/ctl/ctl.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string.h>

enum { SHA1_SIZE = 20 };

const struct ctl_option ctl_totp_options[] = {
    {"--algorithm", "sha1|sha256|sha512", N_("hash; apps know sha1, and often nothing else"),
     false},
    {"--digits", "6|8", N_("length of a code"), false},
    {NULL, NULL, NULL, false},
};

const struct ctl_option ctl_crl_options[] = {
    {"--cert", N_("FILE"), N_("exactly this certificate"), false},
    {"--cn", N_("CN"), N_("common name that the certificate has"), false},
    {"--organization", N_("TEXT"), N_("organization that it has"), false},
    {"--unit", N_("TEXT"), N_("organizational unit that it has"), false},
    {"--country", N_("TEXT"), N_("country that it has"), false},
    {"--state", N_("TEXT"), N_("state or province that it has"), false},
    {"--locality", N_("TEXT"), N_("locality that it has"), false},
    {"--serial", N_("HEX"), N_("serial number that it has"), false},
    {"--md5", N_("HEX"), N_("MD5 digest that it has"), false},
    {"--sha1", N_("HEX"), N_("SHA-1 digest that it has"), false},
    {NULL, NULL, NULL, false},
};

/* The answer is for an app, or for a program that draws a QR code: it stands alone on its line. */
enum ctl_exit
ctl_run_totp_create(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    static const struct ctl_field_option options[] = {
        {"--algorithm", "Algorithm_str", NULL},
        {"--digits", "Digits_u32", NULL},
        {NULL, NULL, NULL},
    };
    enum ctl_exit result = CTL_USAGE;
    json_t *raw = NULL;
    g_autoptr(record_t) in = ctl_input(cmd, args);

    if (!in || !ctl_take_options(options, args, in))
        return CTL_USAGE;
    g_autoptr(record_t) out = ctl_call(c, "MakeUserTotp", in, &raw, &result);
    if (out && c->json)
        ctl_print_json(raw);
    else if (out)
        g_print("%s\n", record_text(out, "Uri_str"));
    json_decref(raw);
    return result;
}

/* ---- revoked certificates ---- */

static bool
put_hex(const struct ctl_args *args, const char *option, struct record *in, const char *field)
{
    const char *text = ctl_value(args, option);
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    if (!text)
        return true;
    for (const char *p = text; *p;) {
        int high = g_ascii_xdigit_value(p[0]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value(p[1]);
        if (low < 0) {
            ctl_complain(_("'%s' is not in hexadecimal digits"), text);
            return false;
        }
        uint8_t byte = (uint8_t)(high * 16 + low);
        g_byte_array_append(bytes, &byte, 1);
        p += p[2] == ':' ? 3 : 2;
    }
    record_set_bin(in, field, bytes->data, bytes->len);
    return true;
}

static X509 *
read_cert(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    gsize len = 0;

    if (!g_file_get_contents(path, &text, &len, &error)) {
        ctl_complain("%s", error->message);
        return NULL;
    }
    const unsigned char *at = (const unsigned char *)text;
    X509 *cert = NULL;
    BIO *bio = BIO_new_mem_buf(text, (int)MIN(len, G_MAXINT32));
    cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (!cert)
        cert = d2i_X509(NULL, &at, (long)MIN(len, G_MAXINT32));
    if (!cert)
        ctl_complain(_("%s has no certificate"), path);
    return cert;
}

static bool
put_cert(const struct ctl_args *args, struct record *in)
{
    const char *path = ctl_value(args, "--cert");
    uint8_t digest[SHA1_SIZE];
    unsigned len = 0;

    if (!path)
        return true;
    X509 *cert = read_cert(path);
    bool ok = cert && X509_digest(cert, EVP_sha1(), digest, &len) == 1;
    if (ok)
        record_set_bin(in, "DigestSHA1_bin", digest, sizeof(digest));
    X509_free(cert);
    return ok;
}

enum ctl_exit
ctl_run_crl_add(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    static const struct ctl_field_option texts[] = {
        {"--cn", "CommonName_utf", NULL},
        {"--organization", "Organization_utf", NULL},
        {"--unit", "Unit_utf", NULL},
        {"--country", "Country_utf", NULL},
        {"--state", "State_utf", NULL},
        {"--locality", "Local_utf", NULL},
        {NULL, NULL, NULL},
    };
    g_autoptr(record_t) in = ctl_input(cmd, args);

    if (args->names->len == 0)
        return ctl_usage(cmd, _("say which certificates"));
    return in && ctl_take_options(texts, args, in) && put_cert(args, in) &&
                   put_hex(args, "--serial", in, "Serial_bin") &&
                   put_hex(args, "--md5", in, "DigestMD5_bin") &&
                   put_hex(args, "--sha1", in, "DigestSHA1_bin")
               ? ctl_change(c, "AddCrl", in)
               : CTL_USAGE;
}
