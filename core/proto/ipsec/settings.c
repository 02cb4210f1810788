/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c - what the IPsec server is told to do, and rules: the copy that is in use. */

#include "core/proto/ipsec/server_priv.h"

enum { DPD_S = 30 };

struct ipsec_settings *
ipsec_settings_new(void)
{
    struct ipsec_settings *s = g_new0(struct ipsec_settings, 1);

    s->weak = IKE1_WEAK_SHA1 | IKE1_WEAK_MODP1024;
    s->raw = true;
    s->dpd_s = DPD_S;
    return s;
}

struct ipsec_settings *
ipsec_settings_copy(const struct ipsec_settings *s)
{
    struct ipsec_settings *copy = g_memdup2(s, sizeof(*s));

    if (s->psk)
        copy->psk = secret_new(s->psk->bytes, s->psk->len);
    copy->routers = router_book_ref(s->routers);
    return copy;
}

void
ipsec_settings_free(struct ipsec_settings *s)
{
    if (!s)
        return;
    secret_free(s->psk);
    router_book_unref(s->routers);
    g_free(s);
}

/* ---- rules ---- */

static bool
has_aggressive(const struct router_book *b)
{
    for (unsigned i = 0; i < router_book_n(b); i++)
        if (router_book_at(b, i)->aggressive)
            return true;
    return false;
}

/* Who is in there is trusted, whether somebody else signed him or not. */
static X509_STORE *
store_of(const GPtrArray *cas)
{
    if (!cas || cas->len == 0)
        return NULL;
    X509_STORE *store = X509_STORE_new();
    if (!store)
        return NULL;
    (void)X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    for (guint i = 0; i < cas->len; i++)
        (void)X509_STORE_add_cert(store, g_ptr_array_index(cas, i)); /* false: it is there twice */
    return store;
}

static struct ipsec_rules *
without_identity(const struct ipsec_settings *s)
{
    struct ipsec_rules *r = g_new0(struct ipsec_rules, 1);

    atomic_init(&r->refs, 1);
    r->settings = ipsec_settings_copy(s);
    r->aggressive = s->routers && has_aggressive(s->routers);
    return r;
}

static void
take_identity(struct ipsec_rules *r, X509 *cert, EVP_PKEY *key, STACK_OF(X509) * chain)
{
    X509_up_ref(cert);
    EVP_PKEY_up_ref(key);
    r->cert = cert;
    r->key = key;
    r->chain = chain ? X509_chain_up_ref(chain) : NULL;
}

struct ipsec_rules *
ipsec_rules_new(const struct ipsec_settings *s, const struct ipsec_identity *id)
{
    struct ipsec_rules *r = without_identity(s);

    if (!id || !id->cert || !id->key || EVP_PKEY_get_base_id(id->key) != EVP_PKEY_RSA)
        return r;
    r->cas = store_of(id->cas);
    if (r->cas)
        take_identity(r, id->cert, id->key, id->chain);
    return r;
}

struct ipsec_rules *
ipsec_rules_renew(const struct ipsec_rules *r, const struct ipsec_settings *settings)
{
    struct ipsec_rules *next = without_identity(settings);

    if (r->cas) {
        X509_STORE_up_ref(r->cas);
        next->cas = r->cas;
        take_identity(next, r->cert, r->key, r->chain);
    }
    return next;
}

struct ipsec_rules *
ipsec_rules_ref(struct ipsec_rules *r)
{
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

void
ipsec_rules_unref(struct ipsec_rules *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    ipsec_settings_free(r->settings);
    X509_free(r->cert);
    EVP_PKEY_free(r->key);
    sk_X509_pop_free(r->chain, X509_free);
    X509_STORE_free(r->cas);
    g_free(r);
}
