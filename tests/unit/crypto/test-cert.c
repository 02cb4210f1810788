/* SPDX-License-Identifier: Apache-2.0 */
/* test-cert.c - making and loading; fingerprints; chains; the SE-VPN proof, right and forged. */

#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/crypto/cert.h"
#include "tests/unit/crypto/cert_recipe.h"

#include <glib.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <string.h>

/* Made once: RSA keys take their time. */
struct made {
    X509 *cert;
    EVP_PKEY *key;
};

static void
made_new(struct made *m, const char *cn)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(cert_make_self_signed(cn, 10, &m->cert, &m->key, &error));
    g_assert_no_error(error);
}

static void
made_done(struct made *m)
{
    X509_free(m->cert);
    EVP_PKEY_free(m->key);
}

static void
test_make(gconstpointer data)
{
    const struct made *m = data;
    g_autofree char *cn = cert_common_name(m->cert);
    g_assert_cmpstr(cn, ==, "vpn.example.org");
    g_assert_true(cert_is_in_time(m->cert));
    g_assert_true(cert_matches_key(m->cert, m->key));
    g_assert_cmpint(EVP_PKEY_get_bits(m->key), ==, 2048);
    g_assert_cmpint(X509_check_host(m->cert, "vpn.example.org", 0, 0, NULL), ==, 1);
    g_assert_cmpint(X509_verify(m->cert, m->key), ==, 1);
    g_assert_cmpint(X509_check_ca(m->cert), ==, 0);

    g_autoptr(GBytes) serial = cert_serial(m->cert);
    g_assert_cmpuint(g_bytes_get_size(serial), ==, 16);

    struct made other;
    made_new(&other, "10.0.0.1");
    g_assert_false(cert_matches_key(m->cert, other.key));
    g_assert_cmpint(X509_check_ip_asc(other.cert, "10.0.0.1", 0), ==, 1);
    made_done(&other);

    made_new(&other, "Bj\xc3\xb6rn's box, DNS:evil"); /* no host name: no alternative name */
    g_assert_null(X509_get_ext_d2i(other.cert, NID_subject_alt_name, NULL, NULL));
    made_done(&other);
}

static void
test_make_refuses(void)
{
    X509 *cert = NULL;
    EVP_PKEY *key = NULL;
    g_autofree char *long_name = g_strnfill(65, 'x');
    const struct {
        const char *cn;
        unsigned years;
    } bad[] = {{"", 1}, {long_name, 1}, {"\xff", 1}, {"a", 0}, {"a", 101}};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(cert_make_self_signed(bad[i].cn, bad[i].years, &cert, &key, &error));
        g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
    }
    g_assert_null(cert);
}

static void
test_forms(gconstpointer data)
{
    const struct made *m = data;
    g_autoptr(GError) error = NULL;

    g_autofree char *pem = cert_to_pem(m->cert);
    X509 *from_pem = cert_from_pem(pem, &error);
    g_assert_no_error(error);
    g_assert_cmpint(X509_cmp(from_pem, m->cert), ==, 0);
    X509_free(from_pem);

    g_autoptr(GBytes) der = cert_to_der(m->cert);
    size_t len;
    const uint8_t *bytes = g_bytes_get_data(der, &len);
    X509 *from_der = cert_from_der(bytes, len, &error);
    g_assert_no_error(error);
    g_assert_cmpint(X509_cmp(from_der, m->cert), ==, 0);
    X509_free(from_der);

    g_autoptr(GByteArray) more = g_bytes_unref_to_array(g_bytes_ref(der));
    static const uint8_t zero = 0;
    g_byte_array_append(more, &zero, 1);
    g_assert_null(cert_from_der(more->data, len + 1, NULL)); /* a byte too many */
    g_assert_null(cert_from_der(more->data, len - 1, &error));
    g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
    g_assert_null(cert_from_der("", 0, NULL));
    g_assert_null(cert_from_pem("nothing", NULL));

    char *key_pem = cert_key_to_pem(m->key);
    g_assert_true(g_str_has_prefix(key_pem, "-----BEGIN PRIVATE KEY-----"));
    EVP_PKEY *key = cert_key_from_pem(key_pem, NULL);
    g_assert_true(cert_matches_key(m->cert, key));
    EVP_PKEY_free(key);
    secret_free_str(key_pem);
    g_assert_null(cert_key_from_pem(pem, NULL));

    /* A key with a passphrase is refused; nobody is asked. */
    BIO *bio = BIO_new(BIO_s_mem());
    g_assert_true(
        PEM_write_bio_PKCS8PrivateKey(bio, m->key, EVP_aes_256_cbc(), "pass", 4, NULL, NULL));
    char *locked = NULL;
    long locked_len = BIO_get_mem_data(bio, &locked);
    g_autofree char *locked_pem = g_strndup(locked, (size_t)locked_len);
    BIO_free(bio);
    g_assert_nonnull(strstr(locked_pem, "ENCRYPTED"));
    g_assert_null(cert_key_from_pem(locked_pem, NULL));

    uint8_t *key_der = NULL;
    int key_len = i2d_PrivateKey(m->key, &key_der);
    key = cert_key_from_der(key_der, (size_t)key_len, NULL);
    g_assert_true(cert_matches_key(m->cert, key));
    EVP_PKEY_free(key);
    OPENSSL_free(key_der);
    g_assert_null(cert_key_from_der(bytes, len, NULL));
}

static void
test_fingerprint(gconstpointer data)
{
    const struct made *m = data;
    uint8_t fp[CERT_FINGERPRINT], back[CERT_FINGERPRINT];
    char text[CERT_FINGERPRINT_TEXT];

    cert_fingerprint(m->cert, fp);
    g_autoptr(GBytes) der = cert_to_der(m->cert);
    g_autofree char *sum = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, der);
    g_assert_true(cert_fingerprint_parse(sum, back)); /* lower case, no colons */
    g_assert_cmpmem(fp, sizeof(fp), back, sizeof(back));

    cert_fingerprint_print(fp, text);
    g_assert_cmpuint(strlen(text), ==, 32 * 3 - 1);
    memset(back, 0, sizeof(back));
    g_assert_true(cert_fingerprint_parse(text, back));
    g_assert_cmpmem(fp, sizeof(fp), back, sizeof(back));

    char bad[CERT_FINGERPRINT_TEXT + 2];
    g_snprintf(bad, sizeof(bad), "%s0", text);
    g_assert_false(cert_fingerprint_parse(bad, back));
    text[94] = '\0';
    g_assert_false(cert_fingerprint_parse(text, back));
    g_assert_false(cert_fingerprint_parse("", back));
    g_assert_false(cert_fingerprint_parse("0", back));
}

/* ---- chains ---- */

static void
test_chain(void)
{
    EVP_PKEY *root_key = EVP_RSA_gen(2048), *leaf_key = EVP_RSA_gen(2048);
    const struct cert_recipe root_recipe = {"root", true, -60, 3600, 1, NULL};
    X509 *root = make_cert(&root_recipe, root_key, NULL, NULL);
    X509 *impostor = make_cert(&root_recipe, leaf_key, NULL, NULL);

    const struct {
        struct cert_recipe leaf;
        bool want;
    } cases[] = {
        {{"anna", false, -60, 3600, 2, NULL}, true},
        {{"anna", false, -60, 3600, 2, "clientAuth"}, true},
        {{"anna", false, -60, 3600, 2, "serverAuth"}, false},
        {{"anna", false, -120, -60, 2, NULL}, false}, /* over */
        {{"anna", false, 60, 120, 2, NULL}, false},   /* not yet */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        X509 *leaf = make_cert(&cases[i].leaf, leaf_key, root, root_key);
        g_assert_cmpint(cert_is_signed_by(leaf, &root, 1, false), ==, cases[i].want);
        g_assert_false(cert_is_signed_by(leaf, &impostor, 1, false)); /* the name is not enough */
        g_assert_false(cert_is_signed_by(leaf, NULL, 0, false));
        X509 *both[] = {impostor, root};
        g_assert_cmpint(cert_is_signed_by(leaf, both, 2, false), ==, cases[i].want);
        bool in_time = cases[i].leaf.from_s < 0 && cases[i].leaf.to_s > 0;
        g_assert_cmpint(cert_is_in_time(leaf), ==, in_time);
        X509_free(leaf);
    }

    /* A user's certificate is no authority: what it signs is worth nothing. */
    const struct cert_recipe user = {"anna", false, -60, 3600, 3, NULL};
    X509 *leaf = make_cert(&user, leaf_key, root, root_key);
    const struct cert_recipe below = {"root's friend", false, -60, 3600, 4, NULL};
    X509 *forged = make_cert(&below, root_key, leaf, leaf_key);
    X509 *both[] = {root, leaf};
    g_assert_false(cert_is_signed_by(forged, both, 2, false));
    X509_free(forged);
    X509_free(leaf);

    /* An intermediate authority that is trusted by itself. */
    const struct cert_recipe middle_recipe = {"middle", true, -60, 3600, 5, NULL};
    X509 *middle = make_cert(&middle_recipe, leaf_key, root, root_key);
    const struct cert_recipe end = {"bert", false, -60, 3600, 6, NULL};
    X509 *bert = make_cert(&end, root_key, middle, leaf_key);
    g_assert_true(cert_is_signed_by(bert, &middle, 1, false));
    g_assert_false(cert_is_signed_by(bert, &root, 1, false)); /* the link is missing */
    X509_free(bert);
    X509_free(middle);

    g_autoptr(GBytes) serial = cert_serial(root);
    g_assert_cmpuint(g_bytes_get_size(serial), ==, 1);
    g_assert_cmpmem(g_bytes_get_data(serial, NULL), 1, "\x01", 1);
    X509_free(root);
    X509_free(impostor);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(leaf_key);
}

static void
test_small_key_chain(void)
{
    EVP_PKEY *root_key = EVP_RSA_gen(2048), *leaf_key = EVP_RSA_gen(1024);
    const struct cert_recipe root_recipe = {"root", true, -60, 3600, 1, NULL};
    const struct cert_recipe leaf_recipe = {"anna", false, -60, 3600, 2, NULL};
    X509 *root = make_cert(&root_recipe, root_key, NULL, NULL);
    X509 *leaf = make_cert(&leaf_recipe, leaf_key, root, root_key);
    g_assert_false(cert_is_signed_by(leaf, &root, 1, false));
    g_assert_true(cert_is_signed_by(leaf, &root, 1, true));
    X509_free(root);
    X509_free(leaf);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(leaf_key);
}

/* ---- the SE-VPN proof ---- */

static void
fill_challenge(uint8_t challenge[20])
{
    for (unsigned i = 0; i < 20; i++)
        challenge[i] = (uint8_t)i;
}

/* The private operation over a whole encoded message: what a forger with the key could make. */
static size_t
raw_private(EVP_PKEY *key, const uint8_t *message, size_t len, uint8_t *out)
{
    size_t out_len = len;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    g_assert_cmpint(EVP_PKEY_sign_init(ctx), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), ==, 1);
    g_assert_cmpint(EVP_PKEY_sign(ctx, out, &out_len, message, len), ==, 1);
    EVP_PKEY_CTX_free(ctx);
    return out_len;
}

static size_t
raw_public(EVP_PKEY *key, const uint8_t *sign, size_t len, uint8_t *out)
{
    size_t out_len = 512;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    g_assert_cmpint(EVP_PKEY_verify_recover_init(ctx), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), ==, 1);
    g_assert_cmpint(EVP_PKEY_verify_recover(ctx, out, &out_len, sign, len), ==, 1);
    EVP_PKEY_CTX_free(ctx);
    return out_len;
}

static void
test_proof(gconstpointer data)
{
    const struct made *m = data;
    uint8_t challenge[20], em[512];
    fill_challenge(challenge);

    g_autoptr(GBytes) proof = cert_sevpn_sign(m->key, challenge, NULL);
    size_t len;
    const uint8_t *sign = g_bytes_get_data(proof, &len);
    g_assert_cmpuint(len, ==, 256);
    g_assert_true(cert_sevpn_verify(m->cert, challenge, sign, len, false));

    /* What is inside is the DigestInfo of the specification. */
    static const uint8_t info[] =
        "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14\x60\x2c\x63\xd2\xf3\xd1\x3c"
        "\xa3\x20\x6c\xdf\x20\x4c\xde\x24\xe7\xd8\xf4\x26\x6c";
    g_assert_cmpuint(raw_public(m->key, sign, len, em), ==, 256);
    g_assert_cmpmem(em + 256 - 35, 35, info, 35);
    g_assert_cmphex(em[0], ==, 0x00);
    g_assert_cmphex(em[1], ==, 0x01);
    g_assert_cmphex(em[256 - 36], ==, 0x00);

    g_assert_false(cert_sevpn_verify(m->cert, challenge, sign, len - 1, false));
    g_assert_false(cert_sevpn_verify(m->cert, challenge, sign, 0, false));
    uint8_t wrong[257] = {0};
    memcpy(wrong, sign, 256);
    g_assert_false(cert_sevpn_verify(m->cert, challenge, wrong, 257, false));
    for (size_t i = 0; i < 256; i += 51) {
        wrong[i] ^= 1;
        g_assert_false(cert_sevpn_verify(m->cert, challenge, wrong, 256, false));
        wrong[i] ^= 1;
    }
    challenge[0] ^= 1;
    g_assert_false(cert_sevpn_verify(m->cert, challenge, sign, len, false));
}

/* Encodings that a lax verifier takes. The law of each: one change to the right encoding. */
static void
test_lax_encodings(gconstpointer data)
{
    const struct made *m = data;
    uint8_t challenge[20], em[512], bad[256], sign[256];
    fill_challenge(challenge);
    g_autoptr(GBytes) proof = cert_sevpn_sign(m->key, challenge, NULL);
    g_assert_cmpuint(raw_public(m->key, g_bytes_get_data(proof, NULL), 256, em), ==, 256);

    g_assert_cmpuint(raw_private(m->key, em, 256, sign), ==, 256);
    g_assert_true(cert_sevpn_verify(m->cert, challenge, sign, 256, false)); /* the tool works */

    memcpy(bad, em, 256);
    bad[1] = 2; /* block type of encryption */
    raw_private(m->key, bad, 256, sign);
    g_assert_false(cert_sevpn_verify(m->cert, challenge, sign, 256, false));

    memcpy(bad, em, 256);
    bad[2] = 0xfe; /* padding that is not all FF */
    raw_private(m->key, bad, 256, sign);
    g_assert_false(cert_sevpn_verify(m->cert, challenge, sign, 256, false));

    memset(bad, 0x41, sizeof(bad)); /* short padding, the digest early, garbage behind it */
    memcpy(bad, em, 11);
    bad[10] = 0;
    memcpy(bad + 11, em + 256 - 35, 35);
    raw_private(m->key, bad, 256, sign);
    g_assert_false(cert_sevpn_verify(m->cert, challenge, sign, 256, false));

    memcpy(bad, em, 256); /* DigestInfo without the NULL parameters */
    memset(bad + 2, 0xff, 254);
    static const uint8_t no_null[] = "\x00\x30\x1f\x30\x07\x06\x05\x2b\x0e\x03\x02\x1a\x04\x14";
    memcpy(bad + 256 - 34, no_null, 14);
    memcpy(bad + 256 - 20, em + 256 - 20, 20);
    raw_private(m->key, bad, 256, sign);
    g_assert_false(cert_sevpn_verify(m->cert, challenge, sign, 256, false));
}

static void
check_key(EVP_PKEY *key, bool want_old, bool want_new)
{
    const struct cert_recipe r = {"anna", false, -60, 3600, 2, NULL};
    X509 *cert = make_cert(&r, key, NULL, NULL);
    uint8_t challenge[20], info[256], sign[512];
    fill_challenge(challenge);
    size_t n = (size_t)EVP_PKEY_get_size(key);
    memset(sign, 1, sizeof(sign));
    if (EVP_PKEY_is_a(key, "RSA")) {
        memset(info, 0xff, sizeof(info));
        memcpy(info, "\0\1", 2);
        info[n - 36] = 0;
        memcpy(info + n - 35,
               "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14\x60\x2c\x63\xd2\xf3"
               "\xd1\x3c\xa3\x20\x6c\xdf\x20\x4c\xde\x24\xe7\xd8\xf4\x26\x6c",
               35);
        raw_private(key, info, n, sign);
    }
    g_assert_cmpint(cert_sevpn_verify(cert, challenge, sign, n, true), ==, want_old);
    g_assert_cmpint(cert_sevpn_verify(cert, challenge, sign, n, false), ==, want_new);
    g_autoptr(GBytes) made = cert_sevpn_sign(key, challenge, NULL);
    g_assert_cmpint(made != NULL, ==, want_old);
    X509_free(cert);
}

static EVP_PKEY *
rsa_key(unsigned bits, unsigned exponent)
{
    EVP_PKEY *key = NULL;
    BIGNUM *e = BN_new();
    BN_set_word(e, exponent);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    g_assert_cmpint(EVP_PKEY_keygen_init(ctx), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits), ==, 1);
    g_assert_cmpint(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e), ==, 1);
    g_assert_cmpint(EVP_PKEY_generate(ctx, &key), ==, 1);
    EVP_PKEY_CTX_free(ctx);
    BN_free(e);
    return key;
}

static void
test_proof_keys(void)
{
    const struct {
        unsigned bits, exponent;
        bool want_old, want_new;
    } cases[] = {
        {2048, 65537, true, true}, {1024, 65537, true, false}, {1024, 17, true, false},
        {2048, 3, false, false},   {768, 65537, false, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        EVP_PKEY *key = rsa_key(cases[i].bits, cases[i].exponent);
        check_key(key, cases[i].want_old, cases[i].want_new);
        EVP_PKEY_free(key);
    }
    EVP_PKEY *ec = EVP_EC_gen("P-256");
    check_key(ec, false, false);
    EVP_PKEY_free(ec);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    struct made m;
    made_new(&m, "vpn.example.org");
    g_test_add_data_func("/cert/make", &m, test_make);
    g_test_add_func("/cert/make-refuses", test_make_refuses);
    g_test_add_data_func("/cert/forms", &m, test_forms);
    g_test_add_data_func("/cert/fingerprint", &m, test_fingerprint);
    g_test_add_func("/cert/chain", test_chain);
    g_test_add_func("/cert/small-key-chain", test_small_key_chain);
    g_test_add_data_func("/cert/proof", &m, test_proof);
    g_test_add_data_func("/cert/lax-encodings", &m, test_lax_encodings);
    g_test_add_func("/cert/proof-keys", test_proof_keys);
    int result = g_test_run();
    made_done(&m);
    return result;
}
