/* SPDX-License-Identifier: Apache-2.0 */
/* ca_methods.c - authorities that a hub trusts when users log in with certificates. */
#include "core/rpc/cert_input.h"
#include "core/rpc/rpc_priv.h"

static bool
hub_exists(const struct rpc_call *c, GError **error)
{
    struct store_hub *h = rpc_stored_hub(c, error);

    if (!h)
        return false;
    store_hub_free(h);
    return true;
}

/* IKE accepts certificates of these, too; it takes what is in the store. */
static void
tell_ipsec(const struct rpc_call *c)
{
    if (c->host->ops->ipsec_changed && !c->host->ops->ipsec_changed(c->host->owner, NULL))
        log_debug("IPsec did not take the authorities", NULL);
}

static struct record *
enum_cas(const struct rpc_call *c, GError **error)
{
    if (!hub_exists(c, error))
        return NULL;
    struct record *out = rpc_echo(c);
    GPtrArray *all = store_cas(c->host->store, record_text(c->in, "HubName_str"));
    record_make_array(out, "CAList");
    for (unsigned i = 0; i < all->len; i++) {
        const struct store_ca *ca = g_ptr_array_index(all, i);
        X509 *cert = cert_input_parse(ca->der, NULL);
        if (!cert)
            continue; /* the store holds only what was parsed once; a newer library may refuse it */
        struct record *row = record_append(out, "CAList");
        g_autofree char *subject = cert_name_text(X509_get_subject_name(cert));
        g_autofree char *issuer = cert_name_text(X509_get_issuer_name(cert));
        record_set_u32(row, "Key_u32", ca->key);
        record_set_text(row, "SubjectName_utf", subject);
        record_set_text(row, "IssuerName_utf", issuer);
        record_set_dt(row, "Expires_dt", cert_expires_ms(cert));
        X509_free(cert);
    }
    g_ptr_array_unref(all);
    return out;
}

static struct record *
add_ca(const struct rpc_call *c, GError **error)
{
    if (!hub_exists(c, error))
        return NULL;
    g_autoptr(GBytes) der = cert_input_der(c->in, "Cert_bin", error);
    if (!der || !store_ca_add(c->host->store, record_text(c->in, "HubName_str"), der, NULL, error))
        return NULL;
    tell_ipsec(c);
    return rpc_echo(c);
}

static struct record *
get_ca(const struct rpc_call *c, GError **error)
{
    uint32_t key = record_u32(c->in, "Key_u32");

    if (!hub_exists(c, error))
        return NULL;
    GPtrArray *all = store_cas(c->host->store, record_text(c->in, "HubName_str"));
    struct record *out = NULL;
    for (unsigned i = 0; !out && i < all->len; i++) {
        const struct store_ca *ca = g_ptr_array_index(all, i);
        if (ca->key != key)
            continue;
        gsize len = 0;
        const void *at = g_bytes_get_data(ca->der, &len);
        out = rpc_echo(c);
        record_set_bin(out, "Cert_bin", at, len);
    }
    g_ptr_array_unref(all);
    if (!out)
        rpc_fail(error, PE_NOT_FOUND, "the hub has no authority with key %u", key);
    return out;
}

static struct record *
delete_ca(const struct rpc_call *c, GError **error)
{
    if (!hub_exists(c, error))
        return NULL;
    if (!store_ca_delete(c->host->store, record_text(c->in, "HubName_str"),
                         record_u32(c->in, "Key_u32"), error))
        return NULL;
    tell_ipsec(c);
    return rpc_echo(c);
}

const struct rpc_handler_row rpc_ca_handlers[] = {
    {"EnumCa", enum_cas, NULL},    {"AddCa", add_ca, NULL}, {"GetCa", get_ca, NULL},
    {"DeleteCa", delete_ca, NULL}, {NULL, NULL, NULL},
};
