/* SPDX-License-Identifier: Apache-2.0 */
/* test-auth-local.c - every kind of credential against every type of user. */

#include "core/auth/local.h"
#include "core/base/error.h"
#include "core/crypto/cert.h"
#include "core/crypto/mschap.h"
#include "core/crypto/sha0.h"
#include "tests/unit/crypto/cert_recipe.h"

#include <glib.h>

#include <string.h>

enum { NOW_MS = 1000000 };

/* ---- keys and certificates: made once ---- */

static const struct cert_recipe ca_recipe = {"ca", true, -60, 3600, 1, NULL};
static const struct cert_recipe anna_recipe = {"Anna", false, -60, 3600, 0x1234, NULL};
static const struct cert_recipe old_recipe = {"Anna", false, -120, -60, 0x1234, NULL};

struct keys {
    EVP_PKEY *ca_key, *key, *other_key;
    X509 *ca;
    GBytes *ca_der, *cert, *old_cert, *self_cert;
};

static GBytes *
der_of(const struct cert_recipe *r, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
    X509 *cert = make_cert(r, key, ca, ca_key);
    GBytes *der = cert_to_der(cert);
    X509_free(cert);
    return der;
}

static void
keys_init(struct keys *k)
{
    k->ca_key = EVP_RSA_gen(2048);
    k->key = EVP_RSA_gen(2048);
    k->other_key = EVP_RSA_gen(2048);
    k->ca = make_cert(&ca_recipe, k->ca_key, NULL, NULL);
    k->ca_der = cert_to_der(k->ca);
    k->cert = der_of(&anna_recipe, k->key, k->ca, k->ca_key);
    k->old_cert = der_of(&old_recipe, k->key, k->ca, k->ca_key);
    k->self_cert = der_of(&anna_recipe, k->key, NULL, NULL);
}

static void
keys_done(struct keys *k)
{
    EVP_PKEY_free(k->ca_key);
    EVP_PKEY_free(k->key);
    EVP_PKEY_free(k->other_key);
    X509_free(k->ca);
    g_bytes_unref(k->ca_der);
    g_bytes_unref(k->cert);
    g_bytes_unref(k->old_cert);
    g_bytes_unref(k->self_cert);
}

/* ---- requests and users ---- */

static struct auth_request *
request(enum auth_kind kind)
{
    struct auth_request *r = auth_request_new(kind);
    r->hub = g_strdup("hub");
    r->user = g_strdup("ANNA");
    memset(r->challenge, 7, sizeof(r->challenge));
    return r;
}

static struct auth_request *
hash_request(const char *user, const char *password)
{
    struct auth_request *r = request(AUTH_SEVPN_HASH);
    uint8_t hash[20];
    sevpn_user_hash(user, password, hash);
    sevpn_secure_password(hash, r->challenge, r->response);
    return r;
}

static struct auth_request *
plain_request(const char *password)
{
    struct auth_request *r = request(AUTH_PLAIN);
    r->password = secret_text(password);
    return r;
}

static struct auth_request *
cert_request(GBytes *cert, EVP_PKEY *key)
{
    struct auth_request *r = request(AUTH_CERT_PROOF);
    r->cert = g_bytes_ref(cert);
    r->proof = cert_sevpn_sign(key, r->challenge, NULL);
    return r;
}

static struct auth_user
user(int type)
{
    struct auth_user u = {.name = "Anna", .group = "staff", .auth_type = type};
    u.policy = policy_default();
    u.policy.MaxMac = 3;
    return u;
}

static struct auth_user
password_user(const char *password)
{
    struct auth_user u = user(AUTH_USER_PASSWORD);
    u.has_sevpn_hash = true;
    sevpn_user_hash(u.name, password, u.sevpn_hash);
    return u;
}

/* Frees the request. */
static int
decide_full(struct auth_request *r, const struct auth_user *u, bool password_ok, GPtrArray *cas)
{
    struct auth_facts f = {.user = u, .password_ok = password_ok, .cas = cas, .now_ms = NOW_MS};
    struct auth_verdict v;
    local_decide(r, &f, &v);
    if (v.code == PE_AUTH_FAILED) { /* a refusal carries nothing of the account */
        g_assert_cmpstr(v.user, ==, "");
        g_assert_cmpstr(v.group, ==, "");
        g_assert_false(v.hub_admin);
    } else {
        g_assert_cmpstr(v.user, ==, u->name);
    }
    auth_request_free(r);
    return v.code;
}

static int
decide(struct auth_request *r, const struct auth_user *u)
{
    return decide_full(r, u, false, NULL);
}

/* ---- tests ---- */

static void
test_hash(void)
{
    struct auth_user u = password_user("secret");
    g_assert_cmpint(decide(hash_request("anna", "secret"), &u), ==, PE_OK);
    g_assert_cmpint(decide(hash_request("anna", "Secret"), &u), ==, PE_AUTH_FAILED);
    g_assert_cmpint(decide(hash_request("anna", "secret"), NULL), ==, PE_AUTH_FAILED);

    struct auth_request *r = hash_request("anna", "secret");
    r->challenge[0] ^= 1; /* an answer to another challenge */
    g_assert_cmpint(decide(r, &u), ==, PE_AUTH_FAILED);

    u.has_sevpn_hash = false;
    g_assert_cmpint(decide(hash_request("anna", "secret"), &u), ==, PE_AUTH_FAILED);

    /* The all-zero hash of a user without one is no password. */
    static const uint8_t zero[20] = {0};
    r = request(AUTH_SEVPN_HASH);
    memset(u.sevpn_hash, 0, sizeof(u.sevpn_hash));
    sevpn_secure_password(zero, r->challenge, r->response);
    g_assert_cmpint(decide(r, &u), ==, PE_AUTH_FAILED);
}

static void
test_empty_password(void)
{
    struct auth_user u = password_user("");
    g_assert_cmpint(decide(hash_request("anna", ""), &u), ==, PE_AUTH_FAILED);
    g_assert_cmpint(decide(plain_request(""), &u), ==, PE_AUTH_FAILED);
    u.verifier = (char *)"v";
    g_assert_cmpint(decide_full(plain_request(""), &u, true, NULL), ==, PE_AUTH_FAILED);
    struct auth_request *r = plain_request("x");
    r->password->bytes[0] = 0; /* empty for whoever reads to the NUL */
    g_assert_cmpint(decide_full(r, &u, true, NULL), ==, PE_AUTH_FAILED);
}

static void
test_plain(void)
{
    struct auth_user u = password_user("secret"); /* only the hash is kept */
    g_assert_cmpint(decide(plain_request("secret"), &u), ==, PE_OK);
    g_assert_cmpint(decide(plain_request("wrong"), &u), ==, PE_AUTH_FAILED);
    g_assert_cmpint(decide_full(plain_request("wrong"), &u, true, NULL), ==, PE_AUTH_FAILED);
    g_assert_cmpint(decide_full(plain_request("secret"), NULL, true, NULL), ==, PE_AUTH_FAILED);

    u.verifier = (char *)"v"; /* with a verifier the hash does not count */
    g_assert_cmpint(decide_full(plain_request("other"), &u, true, NULL), ==, PE_OK);
    g_assert_cmpint(decide_full(plain_request("secret"), &u, false, NULL), ==, PE_AUTH_FAILED);

    struct auth_request *r = plain_request("secret");
    g_assert_true(local_needs_password(r, &u));
    g_assert_true(local_needs_password(r, NULL));
    struct auth_user anonymous = user(AUTH_USER_ANONYMOUS);
    g_assert_false(local_needs_password(r, &anonymous));
    auth_request_free(r);
    r = hash_request("anna", "secret");
    g_assert_false(local_needs_password(r, &u));
    auth_request_free(r);
}

/* hashed: the name that goes into the hash; sent: the one beside the response. */
static struct auth_request *
mschap_request(const char *hashed, const char *sent, const char *password)
{
    struct auth_request *r = request(AUTH_MSCHAPV2);
    uint8_t hash[MSCHAP_HASH];
    uint8_t nt[NT_HASH_SIZE];

    memset(r->mschap.authenticator, 1, MSCHAP_CHALLENGE);
    memset(r->mschap.peer, 2, MSCHAP_CHALLENGE);
    r->mschap.name = g_strdup(sent);
    nt_hash(password, nt);
    g_assert_true(mschap_challenge_hash(r->mschap.peer, r->mschap.authenticator, hashed, hash));
    g_assert_true(mschap_response(hash, nt, r->mschap.response));
    return r;
}

static struct auth_user
mschap_user(const char *password)
{
    struct auth_user u = password_user(password);
    u.has_nt_hash = true;
    nt_hash(password, u.nt_hash);
    return u;
}

static void
test_mschap(void)
{
    struct auth_user u = mschap_user("secret");
    g_assert_cmpint(decide(mschap_request("anna", "anna", "secret"), &u), ==, PE_OK);
    g_assert_cmpint(decide(mschap_request("anna", "HUB\\anna", "secret"), &u), ==, PE_OK);
    g_assert_cmpint(decide(mschap_request("HUB\\anna", "HUB\\anna", "secret"), &u), ==, PE_OK);
    g_assert_cmpint(decide(mschap_request("anna", "Anna", "secret"), &u), ==, PE_AUTH_FAILED);
    g_assert_cmpint(decide(mschap_request("anna", "anna", "Secret"), &u), ==, PE_AUTH_FAILED);
    g_assert_cmpint(decide(mschap_request("anna", "anna", "secret"), NULL), ==, PE_AUTH_FAILED);

    struct auth_request *r = mschap_request("anna", "anna", "secret");
    r->mschap.authenticator[3] ^= 1;
    g_assert_cmpint(decide(r, &u), ==, PE_AUTH_FAILED);
    r = mschap_request("anna", "anna", "secret");
    r->mschap.response[23] ^= 1;
    g_assert_cmpint(decide(r, &u), ==, PE_AUTH_FAILED);

    u.has_nt_hash = false; /* what is in nt_hash does not count */
    g_assert_cmpint(decide(mschap_request("anna", "anna", "secret"), &u), ==, PE_AUTH_FAILED);
    u = mschap_user("");
    g_assert_cmpint(decide(mschap_request("anna", "anna", ""), &u), ==, PE_AUTH_FAILED);
    u.auth_type = AUTH_USER_CERT;
    g_assert_cmpint(decide(mschap_request("anna", "anna", ""), &u), ==, PE_AUTH_FAILED);
    u.auth_type = AUTH_USER_ANONYMOUS; /* the peer must be able to check our answer */
    g_assert_cmpint(decide(mschap_request("anna", "anna", ""), &u), ==, PE_OK);
    g_assert_cmpint(decide(mschap_request("anna", "anna", "x"), &u), ==, PE_AUTH_FAILED);
}

/* The verdict proves to the peer that we know the password, and carries what keys are made of; a
 * refusal carries nothing of it. */
static void
test_mschap_answer(void)
{
    struct auth_user u = mschap_user("secret");
    struct auth_facts f = {.user = &u, .now_ms = NOW_MS};
    static const uint8_t zero[sizeof(struct mschap_keys)] = {0};
    struct auth_verdict v;
    uint8_t hash[MSCHAP_HASH];
    uint8_t hash_hash[NT_HASH_SIZE];

    struct auth_request *r = mschap_request("anna", "HUB\\anna", "secret");
    local_decide(r, &f, &v);
    g_assert_cmpint(v.code, ==, PE_OK);
    mschap_hash_hash(u.nt_hash, hash_hash);
    struct mschap_keys keys;
    g_assert_true(mschap_server_keys(hash_hash, r->mschap.response, &keys));
    g_assert_true(v.mschap.has_keys);
    g_assert_cmpmem(&v.mschap.keys, sizeof(v.mschap.keys), &keys, sizeof(keys));
    g_assert_true(mschap_challenge_hash(r->mschap.peer, r->mschap.authenticator, "anna", hash));
    g_assert_true(
        mschap_authenticator_is_right(v.mschap.answer, hash_hash, r->mschap.response, hash));

    u.expires_ms = 1;
    local_decide(r, &f, &v);
    g_assert_cmpint(v.code, ==, PE_ACCESS_DENIED);
    g_assert_false(v.mschap.has_keys);
    g_assert_cmpmem(&v.mschap.keys, sizeof(v.mschap.keys), zero, sizeof(zero));
    g_assert_cmpstr(v.mschap.answer, ==, "");
    auth_request_free(r);
}

static void
test_anonymous(gconstpointer data)
{
    const struct keys *k = data;
    struct auth_user u = user(AUTH_USER_ANONYMOUS);
    g_assert_cmpint(decide(request(AUTH_ANONYMOUS), &u), ==, PE_OK);
    g_assert_cmpint(decide(hash_request("x", "y"), &u), ==, PE_OK);
    g_assert_cmpint(decide(plain_request(""), &u), ==, PE_OK);
    g_assert_cmpint(decide(cert_request(k->cert, k->other_key), &u), ==, PE_OK);

    g_assert_cmpint(decide(request(AUTH_ANONYMOUS), NULL), ==, PE_AUTH_FAILED);
    for (int type = 1; type <= 6; type++) { /* 4 and 5 would ask others */
        u = user(type);
        g_assert_cmpint(decide(request(AUTH_ANONYMOUS), &u), ==, PE_AUTH_FAILED);
    }
}

/* A credential of one kind does not open an account of another. */
static void
test_kinds_apart(gconstpointer data)
{
    const struct keys *k = data;
    g_autoptr(GPtrArray) cas = g_ptr_array_new();
    g_ptr_array_add(cas, k->ca_der);
    for (int type = AUTH_USER_CERT; type <= 6; type++) {
        struct auth_user u = password_user("secret");
        u.auth_type = type;
        u.verifier = (char *)"v";
        g_assert_cmpint(decide(hash_request("anna", "secret"), &u), ==, PE_AUTH_FAILED);
        g_assert_cmpint(decide_full(plain_request("secret"), &u, true, NULL), ==, PE_AUTH_FAILED);
    }
    struct auth_user u = password_user("secret");
    u.cert = k->cert;
    g_assert_cmpint(decide_full(cert_request(k->cert, k->key), &u, true, cas), ==, PE_AUTH_FAILED);
    u.auth_type = 4;
    g_assert_cmpint(decide_full(cert_request(k->cert, k->key), &u, true, cas), ==, PE_AUTH_FAILED);
}

static void
test_cert(gconstpointer data)
{
    const struct keys *k = data;
    struct auth_user u = user(AUTH_USER_CERT);
    u.cert = k->cert;
    g_assert_cmpint(decide(cert_request(k->cert, k->key), &u), ==, PE_OK);
    g_assert_cmpint(decide(cert_request(k->cert, k->other_key), &u), ==, PE_AUTH_FAILED);
    g_assert_cmpint(decide(cert_request(k->self_cert, k->key), &u), ==, PE_AUTH_FAILED);
    g_assert_cmpint(decide(cert_request(k->cert, k->key), NULL), ==, PE_AUTH_FAILED);

    struct auth_request *r = cert_request(k->cert, k->key);
    r->challenge[19] ^= 1;
    g_assert_cmpint(decide(r, &u), ==, PE_AUTH_FAILED);
    r = cert_request(k->cert, k->key);
    g_clear_pointer(&r->proof, g_bytes_unref);
    g_assert_cmpint(decide(r, &u), ==, PE_AUTH_FAILED);
    r = cert_request(k->cert, k->key);
    g_bytes_unref(r->cert);
    r->cert = g_bytes_new_static("no certificate", 14);
    g_assert_cmpint(decide(r, &u), ==, PE_AUTH_FAILED);

    u.cert = k->old_cert;
    g_assert_cmpint(decide(cert_request(k->old_cert, k->key), &u), ==, PE_AUTH_FAILED);
    u.cert = NULL;
    g_assert_cmpint(decide(cert_request(k->cert, k->key), &u), ==, PE_AUTH_FAILED);
}

static void
test_signed_cert(gconstpointer data)
{
    const struct keys *k = data;
    g_autoptr(GPtrArray) cas = g_ptr_array_new();
    struct auth_user u = user(AUTH_USER_SIGNED_CERT);
    g_assert_cmpint(decide(cert_request(k->cert, k->key), &u), ==, PE_AUTH_FAILED); /* no CA */
    g_ptr_array_add(cas, k->self_cert);
    g_ptr_array_add(cas, k->ca_der);

    const struct {
        const char *cn, *serial;
        size_t serial_len;
        int want;
    } cases[] = {
        {NULL, NULL, 0, PE_OK},
        {"", "", 0, PE_OK},
        {"anna", NULL, 0, PE_OK},
        {"ann", NULL, 0, PE_AUTH_FAILED},
        {"bert", NULL, 0, PE_AUTH_FAILED},
        {NULL, "\x12\x34", 2, PE_OK},
        {NULL, "\x00\x00\x12\x34", 4, PE_OK},
        {NULL, "\x12\x35", 2, PE_AUTH_FAILED},
        {NULL, "\x34", 1, PE_AUTH_FAILED},
        {"Anna", "\x12\x34", 2, PE_OK},
        {"Anna", "\x12", 1, PE_AUTH_FAILED},
        {"bert", "\x12\x34", 2, PE_AUTH_FAILED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) serial =
            cases[i].serial ? g_bytes_new_static(cases[i].serial, cases[i].serial_len) : NULL;
        u.cert_cn = (char *)cases[i].cn;
        u.cert_serial = serial;
        g_assert_cmpint(decide_full(cert_request(k->cert, k->key), &u, false, cas), ==,
                        cases[i].want);
    }
    u.cert_cn = NULL;
    u.cert_serial = NULL;
    g_assert_cmpint(decide_full(cert_request(k->cert, k->other_key), &u, false, cas), ==,
                    PE_AUTH_FAILED);
    g_assert_cmpint(decide_full(cert_request(k->old_cert, k->key), &u, false, cas), ==,
                    PE_AUTH_FAILED);
    g_ptr_array_set_size(cas, 0);
    g_assert_cmpint(decide_full(cert_request(k->cert, k->key), &u, false, cas), ==, PE_AUTH_FAILED);
}

/* What is wrong with an account is told to its owner alone. */
static void
test_account(void)
{
    struct auth_user u = password_user("secret");
    u.expires_ms = NOW_MS;
    g_assert_cmpint(decide(hash_request("anna", "secret"), &u), ==, PE_ACCESS_DENIED);
    g_assert_cmpint(decide(hash_request("anna", "wrong"), &u), ==, PE_AUTH_FAILED);
    u.expires_ms = NOW_MS + 1;
    g_assert_cmpint(decide(hash_request("anna", "secret"), &u), ==, PE_OK);
    u.policy.Access = 0;
    g_assert_cmpint(decide(hash_request("anna", "secret"), &u), ==, PE_ACCESS_DENIED);
    g_assert_cmpint(decide(hash_request("anna", "wrong"), &u), ==, PE_AUTH_FAILED);
    u = user(AUTH_USER_ANONYMOUS);
    u.policy.Access = 0;
    g_assert_cmpint(decide(request(AUTH_ANONYMOUS), &u), ==, PE_ACCESS_DENIED);
}

static void
test_verdict(void)
{
    struct auth_user u = password_user("secret");
    struct auth_facts f = {.user = &u, .now_ms = NOW_MS};
    struct auth_verdict v;
    struct auth_request *r = hash_request("anna", "secret");
    local_decide(r, &f, &v);
    auth_request_free(r);
    g_assert_cmpint(v.code, ==, PE_OK);
    g_assert_cmpstr(v.user, ==, "Anna"); /* as stored, not as asked */
    g_assert_cmpstr(v.group, ==, "staff");
    g_assert_false(v.hub_admin);
    g_assert_cmpuint(v.policy.MaxMac, ==, 3);
    g_assert_cmpuint(v.policy.MonitorPort, ==, 0);
}

static void
test_administrator(void)
{
    struct auth_user u = user(AUTH_USER_PASSWORD);
    g_strlcpy(u.name, "Administrator", sizeof(u.name));
    u.has_sevpn_hash = true;
    sevpn_user_hash("ADMINISTRATOR", "hubpw", u.sevpn_hash);
    struct auth_facts f = {.user = &u, .now_ms = NOW_MS};
    struct auth_verdict v;
    struct auth_request *r = hash_request("administrator", "hubpw");
    local_decide(r, &f, &v);
    auth_request_free(r);
    g_assert_cmpint(v.code, ==, PE_OK);
    g_assert_true(v.hub_admin);
    g_assert_cmpuint(v.policy.MonitorPort, ==, 1);

    sevpn_user_hash("ADMINISTRATOR", "", u.sevpn_hash); /* a hub without a password */
    g_assert_cmpint(decide(hash_request("administrator", ""), &u), ==, PE_AUTH_FAILED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    struct keys k;
    keys_init(&k);
    g_test_add_func("/auth/local/hash", test_hash);
    g_test_add_func("/auth/local/empty-password", test_empty_password);
    g_test_add_func("/auth/local/plain", test_plain);
    g_test_add_func("/auth/local/mschap", test_mschap);
    g_test_add_func("/auth/local/mschap-answer", test_mschap_answer);
    g_test_add_data_func("/auth/local/anonymous", &k, test_anonymous);
    g_test_add_data_func("/auth/local/kinds-apart", &k, test_kinds_apart);
    g_test_add_data_func("/auth/local/cert", &k, test_cert);
    g_test_add_data_func("/auth/local/signed-cert", &k, test_signed_cert);
    g_test_add_func("/auth/local/account", test_account);
    g_test_add_func("/auth/local/verdict", test_verdict);
    g_test_add_func("/auth/local/administrator", test_administrator);
    int result = g_test_run();
    keys_done(&k);
    return result;
}
