/* SPDX-License-Identifier: Apache-2.0 */
/* test-auth-crl.c - which certificates an entry means. */

#include "core/auth/crl.h"
#include "core/crypto/cert.h"

#include <glib.h>

#include <string.h>

static X509 *
make(const char *cn)
{
    X509 *cert = NULL;
    EVP_PKEY *key = NULL;
    g_autoptr(GError) error = NULL;
    g_assert_true(cert_make_self_signed(cn, 1, &cert, &key, &error));
    EVP_PKEY_free(key);
    return cert;
}

static GBytes *
digest(X509 *cert, const EVP_MD *md)
{
    uint8_t out[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    g_assert_cmpint(X509_digest(cert, md, out, &len), ==, 1);
    return g_bytes_new(out, len);
}

static void
test_parts(void)
{
    X509 *anna = make("anna"), *berta = make("berta");
    struct crl_entry *e = crl_entry_new();
    g_assert_nonnull(crl_entry_fault(e));
    g_assert_false(crl_entry_fits(e, anna)); /* nothing is not everything */

    e->text[CRL_CN] = g_strdup("ANNA");
    g_assert_null(crl_entry_fault(e));
    g_assert_true(crl_entry_fits(e, anna));
    g_assert_false(crl_entry_fits(e, berta));
    e->text[CRL_O] = g_strdup("Somebody");
    g_assert_false(crl_entry_fits(e, anna)); /* all parts must fit */
    g_clear_pointer(&e->text[CRL_O], g_free);

    e->bytes[CRL_SERIAL] = cert_serial(anna);
    e->bytes[CRL_SHA1] = digest(anna, EVP_sha1());
    e->bytes[CRL_MD5] = digest(anna, EVP_md5());
    g_assert_true(crl_entry_fits(e, anna));

    /* The text that is kept means the same. */
    g_autofree char *text = crl_entry_print(e);
    struct crl_entry *back = crl_entry_parse(text);
    g_assert_nonnull(back);
    g_assert_true(crl_entry_fits(back, anna));
    g_assert_false(crl_entry_fits(back, berta));
    g_autofree char *again = crl_entry_print(back);
    g_assert_cmpstr(text, ==, again);

    g_clear_pointer(&e->bytes[CRL_SHA1], g_bytes_unref);
    e->bytes[CRL_SHA1] = digest(berta, EVP_sha1());
    g_assert_false(crl_entry_fits(e, anna));

    g_autoptr(GPtrArray) all = g_ptr_array_new();
    g_assert_false(crl_is_revoked(all, anna));
    g_assert_false(crl_is_revoked(NULL, anna));
    g_ptr_array_add(all, e);
    g_assert_false(crl_is_revoked(all, anna));
    g_ptr_array_add(all, back);
    g_assert_true(crl_is_revoked(all, anna));
    crl_entry_free(e);
    crl_entry_free(back);
    X509_free(anna);
    X509_free(berta);
}

static void
test_text(void)
{
    static const char *const wrong[] = {"",       "cn",         "xx y",
                                        "serial", "serial 0",   "serial 0g",
                                        "md5 00", "cn a\ncn b", "serial 00\nserial 01"};
    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_null(crl_entry_parse(wrong[i]));
    struct crl_entry *e = crl_entry_new();
    e->text[CRL_CN] = g_strdup("two\nlines \"and\" M\303\274ller");
    g_autofree char *text = crl_entry_print(e);
    struct crl_entry *back = crl_entry_parse(text);
    g_assert_nonnull(back);
    g_assert_cmpstr(back->text[CRL_CN], ==, e->text[CRL_CN]);
    crl_entry_free(e);
    crl_entry_free(back);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/crl/parts", test_parts);
    g_test_add_func("/crl/text", test_text);
    return g_test_run();
}
