/* SPDX-License-Identifier: Apache-2.0 */
/* cert_methods.c - the server's certificate. */
#include "core/crypto/cert.h"
#include "core/rpc/identity.h"
#include "core/rpc/rpc_priv.h"

#include <string.h>

static GBytes *
bytes_of(const struct rpc_call *c, const char *field)
{
    size_t len = 0;
    const void *at = record_bin(c->in, field, &len);

    return g_bytes_new(at, len);
}

static void
put_cert(struct record *out, X509 *cert)
{
    g_autoptr(GBytes) der = cert_to_der(cert);
    gsize len = 0;
    const void *at = g_bytes_get_data(der, &len);

    record_set_bin(out, "Cert_bin", at, len);
}

static struct record *
get_cert(const struct rpc_call *c, GError **error)
{
    struct identity id = {0};

    if (!identity_load(c->host->store, &id, error))
        return NULL;
    struct record *out = record_new();
    put_cert(out, id.cert);
    identity_clear(&id);
    return out;
}

/* Store first, then the living; back to the old one when the living refuse. */
static bool
install(const struct rpc_call *c, const struct identity *id, GError **error)
{
    struct identity old = {0};
    bool had = identity_load(c->host->store, &old, NULL);
    bool ok = identity_save(c->host->store, id, error);

    if (ok && !c->host->ops->cert_changed(c->host->owner, error)) {
        ok = false;
        if (had && !identity_save(c->host->store, &old, NULL))
            g_prefix_error(error, "the old certificate could not be put back: ");
    }
    identity_clear(&old);
    return ok;
}

static struct record *
set_cert(const struct rpc_call *c, GError **error)
{
    g_autoptr(GBytes) cert = bytes_of(c, "Cert_bin");
    g_autoptr(GBytes) key = bytes_of(c, "Key_bin");
    struct identity id = {0};

    if (!identity_parse(cert, key, &id, error))
        return NULL;
    bool ok = install(c, &id, error);
    identity_clear(&id);
    return ok ? rpc_echo(c) : NULL;
}

static struct record *
regenerate(const struct rpc_call *c, GError **error)
{
    const char *name = record_text(c->in, "StrValue_str");
    struct identity id = {0};

    if (!name[0])
        name = g_get_host_name();
    if (strlen(name) > 64) {
        rpc_fail(error, PE_INVALID_PARAMETER,
                 "a common name has up to 64 characters (RFC 5280), this one has %zu",
                 strlen(name));
        return NULL;
    }
    if (!identity_make(name, &id, error))
        return NULL;
    bool ok = install(c, &id, error);
    identity_clear(&id);
    if (!ok)
        return NULL;
    struct record *out = record_new();
    record_set_text(out, "StrValue_str", name);
    return out;
}

const struct rpc_handler_row rpc_cert_handlers[] = {
    {"GetServerCert", get_cert, NULL},
    {"SetServerCert", set_cert, NULL},
    {"RegenerateServerCert", regenerate, NULL},
    {NULL, NULL, NULL},
};
