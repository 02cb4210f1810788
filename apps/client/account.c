/* SPDX-License-Identifier: Apache-2.0 */
/* account.c - life of an account, and what the protocol makes of it. */
#include "apps/client/account.h"

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/crypto/cert.h"

#include <string.h>

struct account *
account_new(void)
{
    struct account *a = g_new0(struct account, 1);
    uint8_t id[ACCOUNT_ID_BYTES];
    GString *hex = g_string_new(NULL);

    random_bytes(id, sizeof id);
    for (size_t i = 0; i < sizeof id; i++)
        g_string_append_printf(hex, "%02x", id[i]);
    a->id = g_string_free(hex, FALSE);
    a->name = g_strdup("");
    a->host = g_strdup("");
    a->hub = g_strdup("");
    a->user = g_strdup("");
    a->adapter = g_strdup("");
    a->port = PARSE_DEFAULT_PORT;
    a->connections = 1;
    a->super_frames = true;
    a->routes = g_array_new(FALSE, TRUE, sizeof(struct ip_prefix));
    a->mark = ACCOUNT_MARK;
    return a;
}

static struct secret *
secret_copy(const struct secret *s)
{
    return s ? secret_new(s->bytes, s->len) : NULL;
}

struct account *
account_copy(const struct account *a)
{
    struct account *c = g_new(struct account, 1);

    *c = *a;
    c->id = g_strdup(a->id);
    c->name = g_strdup(a->name);
    c->host = g_strdup(a->host);
    c->hub = g_strdup(a->hub);
    c->user = g_strdup(a->user);
    c->password = secret_copy(a->password);
    c->cert_pem = g_strdup(a->cert_pem);
    c->key_pem = secret_copy(a->key_pem);
    c->proxy.host = g_strdup(a->proxy.host);
    c->proxy.user = g_strdup(a->proxy.user);
    c->proxy_password = secret_copy(a->proxy_password);
    c->adapter = g_strdup(a->adapter);
    c->ca_file = g_strdup(a->ca_file);
    c->routes = g_array_copy(a->routes);
    return c;
}

void
account_free(struct account *a)
{
    if (!a)
        return;
    g_free(a->id);
    g_free(a->name);
    g_free(a->host);
    g_free(a->hub);
    g_free(a->user);
    secret_free(a->password);
    g_free(a->cert_pem);
    secret_free(a->key_pem);
    parse_proxy_clear(&a->proxy);
    secret_free(a->proxy_password);
    g_free(a->adapter);
    g_free(a->ca_file);
    g_array_unref(a->routes);
    secret_wipe(a, sizeof *a);
    g_free(a);
}

static bool
fail(GError **error, const struct account *a, const char *why)
{
    g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER, "the account '%s' %s", a->name, why);
    return false;
}

static bool
check_login(const struct account *a, GError **error)
{
    bool by_password = a->login == ACCOUNT_PASSWORD || a->login == ACCOUNT_PLAIN;

    if (*a->user == 0)
        return fail(error, a, "needs a user");
    if (by_password && !a->has_password)
        return fail(error, a, "needs a password");
    if (a->login == ACCOUNT_CERT && (!a->cert_pem || !a->key_pem))
        return fail(error, a, "needs a certificate and its key");
    return true;
}

bool
account_check(const struct account *a, GError **error)
{
    if (!parse_account_name(a->name, error))
        return false;
    if (*a->host == 0)
        return fail(error, a, "needs a server");
    if (*a->hub == 0)
        return fail(error, a, "needs a hub");
    if (!check_login(a, error))
        return false;
    if (a->half_duplex && a->connections < 2)
        return fail(error, a, "needs two connections or more for half-duplex");
    if (a->address_mode == ADDRESS_NONE && a->all_traffic)
        return fail(error, a, "cannot carry all traffic without an address");
    if (a->address_mode != ADDRESS_STATIC && a->gateway.family != 0)
        return fail(error, a, "can have a gateway only with an address of its own");
    if (a->gateway.family != 0 && !ip_prefix_has(&a->address, &a->gateway))
        return fail(error, a, "has a gateway outside its network");
    return true;
}

void
account_mac(const struct account *a, uint8_t mac[6])
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    uint8_t digest[32];
    gsize len = sizeof digest;

    g_checksum_update(sum, (const guchar *)"polyether adapter ", -1);
    g_checksum_update(sum, (const guchar *)a->id, -1);
    g_checksum_get_digest(sum, digest, &len);
    memcpy(mac, digest, 6);
    mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02); /* one station, locally administered */
}

static bool
load_certificate(const struct account *a, struct sevpn_client_config *out, GError **error)
{
    X509 *cert = cert_from_pem(a->cert_pem, error);

    if (!cert)
        return false;
    out->key = cert_key_from_pem(secret_str(a->key_pem), error);
    bool fits = out->key && cert_matches_key(cert, out->key);
    if (out->key && !fits)
        (void)fail(error, a, "has a key that does not belong to its certificate");
    if (fits)
        out->cert_der = cert_to_der(cert);
    X509_free(cert);
    return fits;
}

bool
account_to_config(const struct account *a, struct sevpn_client_config *out, GError **error)
{
    static const enum sevpn_credential credentials[] = {
        [ACCOUNT_PASSWORD] = SEVPN_CRED_HASH,
        [ACCOUNT_PLAIN] = SEVPN_CRED_PLAIN,
        [ACCOUNT_ANONYMOUS] = SEVPN_CRED_ANONYMOUS,
        [ACCOUNT_CERT] = SEVPN_CRED_CERT,
    };
    struct sevpn_client_config c = {
        .dial = {.host = g_strdup(a->host),
                 .port = a->port,
                 .proxy = a->proxy.kind,
                 .proxy_host = g_strdup(a->proxy.host),
                 .proxy_port = a->proxy.port,
                 .proxy_user = g_strdup(a->proxy.user),
                 .proxy_password = secret_copy(a->proxy_password),
                 .mark = a->mark},
        .hub = g_strdup(a->hub),
        .user = g_strdup(a->user),
        .credential = credentials[a->login],
        .password = a->login == ACCOUNT_PLAIN ? secret_copy(a->password) : NULL,
        .trust = a->trust == ACCOUNT_TRUST_PIN ? SEVPN_TRUST_PIN : SEVPN_TRUST_SYSTEM,
        .ca_file = g_strdup(a->ca_file),
        .max_connections = a->connections,
        .half_duplex = a->half_duplex,
        .compress = a->compress,
        .super_frames = a->super_frames,
    };

    memcpy(c.user_hash, a->user_hash, sizeof c.user_hash);
    memcpy(c.pin, a->pin, sizeof c.pin);
    if (a->login == ACCOUNT_CERT && !load_certificate(a, &c, error)) {
        sevpn_client_config_clear(&c);
        return false;
    }
    *out = c;
    return true;
}
