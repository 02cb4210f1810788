/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_server.c - password and certificate of the server. */
#include "apps/ctl/ctl.h"
#include "core/base/secret.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string.h>

enum ctl_exit
ctl_run_server_password(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    char *password = ctl_password(args, _("New password of the server administrator: "), true);
    g_autoptr(record_t) in = record_new();

    (void)cmd;
    if (!password)
        return CTL_USAGE;
    record_set_text(in, "PlainTextPassword_str", password);
    secret_free_str(password);
    return ctl_change(c, "SetServerPassword", in);
}

static void
print_name(const char *title, const X509_NAME *name)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *at = NULL;

    if (!out)
        return;
    X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    long len = BIO_get_mem_data(out, &at);
    g_print("%s%.*s\n", title, (int)len, at);
    BIO_free(out);
}

static void
print_time(const char *title, const ASN1_TIME *time)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(time, &tm) == 1)
        g_print("%s%04d-%02d-%02d\n", title, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

static void
print_pem(X509 *cert)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *at = NULL;

    if (out && PEM_write_bio_X509(out, cert) == 1) {
        long len = BIO_get_mem_data(out, &at);
        g_print("%.*s", (int)len, at);
    }
    BIO_free(out);
}

static bool
print_cert(const struct record *answer)
{
    uint8_t fp[RPC_CLIENT_FINGERPRINT];
    char text[RPC_FINGERPRINT_TEXT];
    unsigned fp_len = 0;
    size_t len = 0;
    const unsigned char *at = record_bin(answer, "Cert_bin", &len);
    X509 *cert = d2i_X509(NULL, &at, (long)len);

    if (!cert || X509_digest(cert, EVP_sha256(), fp, &fp_len) != 1) {
        X509_free(cert);
        ctl_complain(_("the server's certificate cannot be read"));
        return false;
    }
    print_name(_("Subject      "), X509_get_subject_name(cert));
    print_name(_("Issuer       "), X509_get_issuer_name(cert));
    print_time(_("Valid from   "), X509_get0_notBefore(cert));
    print_time(_("Valid until  "), X509_get0_notAfter(cert));
    g_print(_("Fingerprint  %s\n"), rpc_fingerprint_print(fp, text));
    print_pem(cert);
    X509_free(cert);
    return true;
}

enum ctl_exit
ctl_run_cert_show(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    enum ctl_exit result;
    json_t *raw = NULL;
    g_autoptr(record_t) out = ctl_call(c, "GetServerCert", NULL, &raw, &result);

    (void)cmd;
    (void)args;
    if (out && c->json)
        ctl_print_json(raw);
    else if (out && !print_cert(out))
        result = CTL_REFUSED;
    json_decref(raw);
    return result;
}

enum ctl_exit
ctl_run_cert_set(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    const char *cert = ctl_value(args, "--cert"), *key = ctl_value(args, "--key");
    g_autoptr(record_t) in = record_new();

    if (!cert || !key)
        return ctl_usage(cmd, _("both --cert and --key are needed"));
    if (!ctl_put_file(in, "Cert_bin", cert) || !ctl_put_file(in, "Key_bin", key))
        return CTL_USAGE;
    return ctl_change(c, "SetServerCert", in);
}

enum ctl_exit
ctl_run_cert_regenerate(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    const char *cn = ctl_value(args, "--cn");
    g_autoptr(record_t) in = record_new();

    (void)cmd;
    if (cn)
        record_set_text(in, "StrValue_str", cn);
    return ctl_change(c, "RegenerateServerCert", in);
}
