/* SPDX-License-Identifier: Apache-2.0 */
/* dh.c - Diffie-Hellman by OpenSSL, for IKE's groups (RFC 2409, 3526, 5903).
 *
 * A peer's public value is checked when it comes: of a prime's group that it is as long as the
 * prime and none of 0, 1, p - 1 and what is past p; of a curve that it is a point on it. That is
 * enough, since the primes are safe ones and the curves have no cofactor: OpenSSL's own check, an
 * exponentiation more, is left out. The secret's leading zeroes are kept.
 */

#include "core/proto/ikev1/dh_priv.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

enum {
    PUBLIC_MAX = IKE1_SHARED_MAX, /* no curve's is longer */
    POINT = 4,                    /* what an uncompressed point begins with */
    GENERATOR = 2,                /* of all groups of primes */
    MODP1024_PRIVATE = 320,       /* bits: twice what the group is worth, and more */
};

struct group {
    uint16_t number;
    uint16_t public_len, shared_len;
    const char *curve; /* NULL: a prime's */
    const char *named; /* OpenSSL's; it has no name for the first one */
};
static const struct group groups[] = {
    {2, 128, 128, NULL, NULL},         {5, 192, 192, NULL, "modp_1536"},
    {14, 256, 256, NULL, "modp_2048"}, {15, 384, 384, NULL, "modp_3072"},
    {16, 512, 512, NULL, "modp_4096"}, {19, 64, 32, "prime256v1", NULL},
    {20, 96, 48, "secp384r1", NULL},   {21, 132, 66, "secp521r1", NULL},
};

struct ike1_dh {
    const struct group *group;
    EVP_PKEY *own, *peer;
    uint8_t public_value[PUBLIC_MAX];
    uint8_t shared[IKE1_SHARED_MAX];
    bool has_public, has_shared;
};

static const struct group *
find_group(uint16_t number)
{
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        if (groups[i].number == number)
            return &groups[i];
    return NULL;
}

size_t
ike1_group_size(uint16_t group)
{
    const struct group *g = find_group(group);

    return g ? g->public_len : 0;
}

uint16_t
ike1_group_of(size_t public_len)
{
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        if (groups[i].public_len == public_len)
            return groups[i].number;
    return 0;
}

/* ---- keys of OpenSSL's ---- */

static BIGNUM *
prime_of(const struct group *g)
{
    switch (g->number) {
    case 2:
        return BN_get_rfc2409_prime_1024(NULL);
    case 5:
        return BN_get_rfc3526_prime_1536(NULL);
    case 14:
        return BN_get_rfc3526_prime_2048(NULL);
    case 15:
        return BN_get_rfc3526_prime_3072(NULL);
    case 16:
        return BN_get_rfc3526_prime_4096(NULL);
    default:
        return NULL;
    }
}

static bool
push_group(OSSL_PARAM_BLD *b, const struct group *g, const BIGNUM *prime, const BIGNUM *generator)
{
    const char *name = g->curve ? g->curve : g->named;

    if (name)
        return OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, name, 0) > 0;
    return OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_FFC_P, prime) > 0 &&
           OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_FFC_G, generator) > 0 &&
           OSSL_PARAM_BLD_push_long(b, OSSL_PKEY_PARAM_DH_PRIV_LEN, MODP1024_PRIVATE) > 0;
}

/* The numbers of one key; what is not there is NULL. */
struct parts {
    const uint8_t *point; /* of a curve, with its first octet */
    const BIGNUM *public_value, *private_value;
};

static EVP_PKEY *
key_of(const struct group *g, int selection, const struct parts *parts)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, g->curve ? "EC" : "DH", NULL);
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    BIGNUM *prime = prime_of(g);
    BIGNUM *generator = BN_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    bool ok = ctx && b && generator && BN_set_word(generator, GENERATOR) > 0 &&
              push_group(b, g, prime, generator);
    if (ok && parts->point)
        ok = OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, parts->point,
                                              (size_t)g->public_len + 1) > 0;
    if (ok && parts->public_value)
        ok = OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PUB_KEY, parts->public_value) > 0;
    if (ok && parts->private_value)
        ok = OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, parts->private_value) > 0;
    params = ok ? OSSL_PARAM_BLD_to_param(b) : NULL;
    if (!params || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &key, selection, params) <= 0)
        key = NULL;
    OSSL_PARAM_free(params); /* wipes what is secret */
    OSSL_PARAM_BLD_free(b);
    BN_free(generator);
    BN_free(prime);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* A peer's value in a prime's group: 1 < y < p - 1. */
static EVP_PKEY *
modp_peer(const struct group *g, const uint8_t *value)
{
    BIGNUM *y = BN_bin2bn(value, g->public_len, NULL);
    BIGNUM *last = prime_of(g);
    EVP_PKEY *key = NULL;

    if (y && last && BN_sub_word(last, 1) > 0 && BN_cmp(y, BN_value_one()) > 0 &&
        BN_cmp(y, last) < 0)
        key = key_of(g, EVP_PKEY_PUBLIC_KEY, &(struct parts){.public_value = y});
    BN_free(last);
    BN_free(y);
    return key;
}

/* x | y, which OpenSSL takes only if it is on the curve. There is no way to write infinity. */
static EVP_PKEY *
curve_peer(const struct group *g, const uint8_t *value)
{
    uint8_t point[1 + PUBLIC_MAX] = {POINT};

    memcpy(point + 1, value, g->public_len);
    return key_of(g, EVP_PKEY_PUBLIC_KEY, &(struct parts){.point = point});
}

static EVP_PKEY *
peer_of(const struct group *g, struct reader value)
{
    if (!reader_ok(&value) || value.left != g->public_len)
        return NULL;
    return g->curve ? curve_peer(g, value.at) : modp_peer(g, value.at);
}

/* ---- ours ---- */

static EVP_PKEY *
generate(const struct group *g)
{
    EVP_PKEY *params = key_of(g, EVP_PKEY_KEY_PARAMETERS, &(struct parts){0});
    EVP_PKEY_CTX *ctx = params ? EVP_PKEY_CTX_new_from_pkey(NULL, params, NULL) : NULL;
    EVP_PKEY *key = NULL;

    if (!ctx || EVP_PKEY_keygen_init(ctx) <= 0 || EVP_PKEY_generate(ctx, &key) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(params);
    return key;
}

static bool
export_public(struct ike1_dh *d)
{
    const struct group *g = d->group;
    uint8_t value[1 + PUBLIC_MAX];
    size_t len = 0;
    size_t prefix = g->curve ? 1 : 0;

    if (EVP_PKEY_get_octet_string_param(d->own, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, value,
                                        sizeof(value), &len) <= 0 ||
        len != g->public_len + prefix || (prefix > 0 && value[0] != POINT))
        return false;
    memcpy(d->public_value, value + prefix, g->public_len);
    return true;
}

static bool
derive(struct ike1_dh *d)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, d->own, NULL);
    size_t len = sizeof(d->shared);

    bool ok = ctx && EVP_PKEY_derive_init(ctx) > 0 &&
              (d->group->curve || EVP_PKEY_CTX_set_dh_pad(ctx, 1) > 0) &&
              EVP_PKEY_derive_set_peer_ex(ctx, d->peer, 0) > 0 &&
              EVP_PKEY_derive(ctx, d->shared, &len) > 0 && len == d->group->shared_len;
    EVP_PKEY_CTX_free(ctx);
    if (!ok)
        secret_wipe(d->shared, sizeof(d->shared));
    return ok;
}

/* ---- the job ---- */

struct ike1_dh *
ike1_dh_begin(uint16_t group)
{
    const struct group *g = find_group(group);

    if (!g)
        return NULL;
    struct ike1_dh *d = g_new0(struct ike1_dh, 1);
    d->group = g;
    return d;
}

struct ike1_dh *
ike1_dh_new(uint16_t group, struct reader peer_public)
{
    struct ike1_dh *d = ike1_dh_begin(group);

    if (d && !ike1_dh_set_peer(d, peer_public)) {
        ike1_dh_free(d);
        return NULL;
    }
    return d;
}

/* g^x of a prime's group. */
static BIGNUM *
power(const struct group *g, const BIGNUM *x)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *prime = prime_of(g);
    BIGNUM *y = BN_new();

    if (!ctx || !y || BN_set_word(y, GENERATOR) <= 0 ||
        BN_mod_exp_mont_consttime(y, y, x, prime, ctx, NULL) <= 0) {
        BN_free(y);
        y = NULL;
    }
    BN_free(prime);
    BN_CTX_free(ctx);
    return y;
}

struct ike1_dh *
ike1_dh_begin_with(uint16_t group, struct reader private_key, struct reader point)
{
    struct ike1_dh *d = ike1_dh_begin(group);
    uint8_t bytes[1 + PUBLIC_MAX] = {POINT};

    if (!d || private_key.left > PUBLIC_MAX || point.left > PUBLIC_MAX)
        return d;
    BIGNUM *own = BN_bin2bn(private_key.at, (int)private_key.left, NULL);
    BIGNUM *value = d->group->curve ? NULL : power(d->group, own);
    memcpy(bytes + 1, point.at, point.left);
    const struct parts parts = {
        .private_value = own, .public_value = value, .point = d->group->curve ? bytes : NULL};
    d->own = key_of(d->group, EVP_PKEY_KEYPAIR, &parts);
    d->has_public = d->own && export_public(d);
    BN_free(value);
    BN_clear_free(own);
    return d;
}

bool
ike1_dh_set_peer(struct ike1_dh *d, struct reader peer_public)
{
    EVP_PKEY *peer = peer_of(d->group, peer_public);

    if (!peer)
        return false;
    EVP_PKEY_free(d->peer);
    d->peer = peer;
    return true;
}

void
ike1_dh_compute(struct ike1_dh *d)
{
    if (!d->own) {
        d->own = generate(d->group);
        d->has_public = d->own && export_public(d);
    }
    if (d->has_public && d->peer && !d->has_shared)
        d->has_shared = derive(d);
}

void
ike1_dh_free(struct ike1_dh *d)
{
    if (!d)
        return;
    EVP_PKEY_free(d->own);
    EVP_PKEY_free(d->peer);
    secret_wipe(d, sizeof(*d));
    g_free(d);
}

struct pf_slice
ike1_dh_public(const struct ike1_dh *d)
{
    return (struct pf_slice){(void *)(uintptr_t)d->public_value,
                             d->has_public ? d->group->public_len : 0};
}

struct pf_slice
ike1_dh_shared(const struct ike1_dh *d)
{
    return (struct pf_slice){(void *)(uintptr_t)d->shared,
                             d->has_shared ? d->group->shared_len : 0};
}
