/* SPDX-License-Identifier: Apache-2.0 */
/* openvpn.c - see openvpn.h. */

#include "apps/server/openvpn.h"

#include "apps/server/secrets.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/random.h"
#include "core/base/secret.h"
#include "core/base/types.h"
#include "core/crypto/cert.h"
#include "core/proto/openvpn/profile.h"
#include "core/proto/openvpn/server.h"
#include "core/rpc/openvpn_config.h"

#include <string.h>

#define SECRET_TOKENS "openvpn.tokens"

enum { TOKEN_SECRET = 32 };

/* In the order of preference for a profile. */
static const struct control_kind {
    const char *name, *secret;
    enum ovpn_wrap_kind wrap;
    size_t len;
} control_kinds[] = {
    {"tls-crypt-v2", "openvpn.tls-crypt-v2", OVPN_WRAP_CRYPT_V2, OVPN_V2_SERVER_KEY},
    {"tls-crypt", "openvpn.tls-crypt", OVPN_WRAP_CRYPT, OVPN_STATIC_KEY},
    {"tls-auth", "openvpn.tls-auth", OVPN_WRAP_AUTH, OVPN_STATIC_KEY},
};

struct openvpn {
    struct store *store;
    GBytes *tokens;
    struct openvpn_server *server;
    GArray *ports; /* of uint16_t: opened */
};

/* ---- settings ---- */

static bool
is_in_list(const char *list, const char *name)
{
    g_auto(GStrv) parts = g_strsplit_set(list, ", ", -1);

    for (char **p = parts; *p; p++) {
        if (g_ascii_strcasecmp(*p, name) == 0)
            return true;
    }
    return false;
}

static bool
take_controls(struct openvpn *o, const struct record *options, struct openvpn_settings *s,
              GError **error)
{
    const char *list = record_text(options, "Control_str");
    unsigned n = 0;

    s->plain_control = is_in_list(list, "plain");
    for (unsigned i = 0; i < ARRAY_LEN(control_kinds); i++) {
        const struct control_kind *k = &control_kinds[i];
        if (!is_in_list(list, k->name))
            continue;
        g_autoptr(GBytes) key = kept_secret(o->store, k->secret, k->len, error);
        if (!key)
            return false;
        /* The server's direction is 0, so that a profile's is 1, as everybody has it. */
        s->wrap[n++] = ovpn_wrap_key_new(k->wrap, g_bytes_get_data(key, NULL), k->len,
                                         record_text(options, "TlsAuthDigest_str"), 0);
    }
    return true;
}

static void
take_ciphers(const struct record *options, struct openvpn_settings *s)
{
    g_auto(GStrv) names = g_strsplit(record_text(options, "Ciphers_str"), ":", -1);

    s->n_ciphers = 0;
    for (char **n = names; *n && s->n_ciphers < ARRAY_LEN(s->cipher); n++) {
        enum ovpn_cipher cipher = ovpn_cipher_parse(*n, strlen(*n));
        if (cipher != OVPN_CIPHER_NONE_AGREED)
            s->cipher[s->n_ciphers++] = cipher;
    }
}

static struct openvpn_settings *
settings_of(struct openvpn *o, const struct record *options, GError **error)
{
    struct openvpn_settings *s = openvpn_settings_new();
    const char *hub = record_text(options, "DefaultHub_str");

    s->enabled = record_bool(options, "Enabled_bool");
    g_free(s->default_hub);
    s->default_hub = hub[0] ? g_strdup(hub) : NULL;
    take_ciphers(options, s);
    s->allow_cbc = record_bool(options, "AllowCbc_bool");
    s->require_client_cert = record_bool(options, "RequireClientCert_bool");
    s->redirect_gateway = record_bool(options, "RedirectGateway_bool");
    s->block_outside_dns = record_bool(options, "BlockOutsideDns_bool");
    s->ping_s = record_u32(options, "PingInterval_u32");
    s->ping_restart_s = record_u32(options, "PingRestart_u32");
    s->reneg_s = record_u32(options, "RenegotiateSeconds_u32");
    s->tun_mtu = record_u32(options, "TunMtu_u32");
    if (take_controls(o, options, s, error))
        return s;
    openvpn_settings_free(s);
    return NULL;
}

static bool
has_port(const GArray *ports, uint16_t port)
{
    for (guint i = 0; i < ports->len; i++) {
        if (g_array_index(ports, uint16_t, i) == port)
            return true;
    }
    return false;
}

/* Ports that stay are not touched: their clients go on. */
static void
use_ports(struct openvpn *o, GArray *wanted)
{
    for (guint i = 0; i < o->ports->len; i++) {
        uint16_t port = g_array_index(o->ports, uint16_t, i);
        if (!has_port(wanted, port))
            (void)openvpn_server_udp_close(o->server, port);
    }
    for (guint i = 0; i < wanted->len; i++) {
        uint16_t port = g_array_index(wanted, uint16_t, i);
        if (!has_port(o->ports, port))
            openvpn_server_udp_open(o->server, port);
    }
    g_array_unref(o->ports);
    o->ports = g_array_ref(wanted);
}

bool
openvpn_apply(struct openvpn *o, GError **error)
{
    g_autoptr(record_t) options = openvpn_config_load(o->store);
    g_autoptr(GArray) ports = openvpn_config_ports(options, error);

    if (!ports)
        return false;
    struct openvpn_settings *s = settings_of(o, options, error);
    if (!s)
        return false;
    if (!s->enabled)
        g_array_set_size(ports, 0);
    openvpn_server_set(o->server, s);
    openvpn_settings_free(s);
    use_ports(o, ports);
    return true;
}

/* ---- life ---- */

struct openvpn *
openvpn_new(struct store *store, struct worker_set *workers, struct hubs *hubs, struct auth *auth,
            GError **error)
{
    struct openvpn *o = g_new0(struct openvpn, 1);

    o->store = store;
    o->ports = g_array_new(FALSE, FALSE, sizeof(uint16_t));
    o->tokens = kept_secret(store, SECRET_TOKENS, TOKEN_SECRET, error);
    if (!o->tokens) {
        openvpn_free(o);
        return NULL;
    }
    struct openvpn_server_config config = {.workers = workers,
                                           .hubs = hubs,
                                           .auth = auth,
                                           .secret = g_bytes_get_data(o->tokens, NULL)};
    struct openvpn_settings *defaults = openvpn_settings_new();
    o->server = openvpn_server_new(&config, defaults);
    openvpn_settings_free(defaults);
    return o;
}

void
openvpn_free(struct openvpn *o)
{
    if (!o)
        return;
    if (o->server)
        openvpn_server_free(o->server);
    g_array_unref(o->ports);
    g_clear_pointer(&o->tokens, g_bytes_unref);
    g_free(o);
}

void
openvpn_use_identity(struct openvpn *o, const struct identity *id)
{
    openvpn_server_set_tls(o->server, id->cert, id->key, id->chain);
}

const struct stream_service *
openvpn_stream(struct openvpn *o)
{
    return openvpn_server_stream(o->server);
}

/* ---- keys and profiles ---- */

static const struct control_kind *
find_kind(const char *name, GError **error)
{
    for (unsigned i = 0; i < ARRAY_LEN(control_kinds); i++) {
        if (g_ascii_strcasecmp(control_kinds[i].name, name) == 0)
            return &control_kinds[i];
    }
    g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                "'%s' is not tls-auth, tls-crypt or tls-crypt-v2", name);
    return NULL;
}

static char *
key_file(struct openvpn *o, const struct control_kind *k, GError **error)
{
    g_autoptr(GBytes) key = kept_secret(o->store, k->secret, k->len, error);
    uint8_t fresh[OVPN_STATIC_KEY];

    if (!key)
        return NULL;
    if (k->wrap != OVPN_WRAP_CRYPT_V2)
        return ovpn_static_key_print(g_bytes_get_data(key, NULL));
    random_bytes(fresh, sizeof(fresh));
    char *pem = ovpn_v2_client_key_make(g_bytes_get_data(key, NULL), fresh, clock_wall_ms() / 1000);
    secret_wipe(fresh, sizeof(fresh));
    return pem;
}

char *
openvpn_key(struct openvpn *o, const char *control, GError **error)
{
    const struct control_kind *k = find_kind(control, error);

    return k ? key_file(o, k, error) : NULL;
}

/* Which protection a profile gets: *out NULL for none. False and an error when the one that was
 * asked for is not accepted. */
static bool
choose_control(const char *wanted, const struct record *options, const struct control_kind **out,
               GError **error)
{
    const char *accepted = record_text(options, "Control_str");

    *out = NULL;
    if (wanted[0] && !is_in_list(accepted, wanted)) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "the server does not accept '%s'; it accepts %s", wanted, accepted);
        return false;
    }
    if (wanted[0]) {
        *out = g_ascii_strcasecmp(wanted, "plain") == 0 ? NULL : find_kind(wanted, error);
        return true;
    }
    for (unsigned i = 0; i < ARRAY_LEN(control_kinds) && !*out; i++) {
        if (is_in_list(accepted, control_kinds[i].name))
            *out = &control_kinds[i];
    }
    return true;
}

/* What a client trusts: the last certificate that the server shows. g_free. */
static char *
authority(const struct identity *id)
{
    int n = id->chain ? sk_X509_num(id->chain) : 0;

    return cert_to_pem(n > 0 ? sk_X509_value(id->chain, n - 1) : id->cert);
}

static char *
text_of(const struct record *in, const char *field)
{
    size_t len = 0;
    const char *bytes = record_bin(in, field, &len);

    return len > 0 ? g_strndup(bytes, len) : NULL;
}

/* The name in the certificate when it is a full one, so that it can be looked up. g_free. */
static char *
host_name(const struct record *in, const struct identity *id)
{
    const char *given = record_text(in, "Host_str");
    char *cn = NULL;

    if (given[0])
        return g_strdup(given);
    cn = cert_common_name(id->cert);
    if (cn && strchr(cn, '.') && !strchr(cn, ' ') && !strchr(cn, '*'))
        return cn;
    g_free(cn);
    return g_strdup(g_get_host_name());
}

static uint16_t
first_listener(struct store *s)
{
    g_autoptr(GArray) all = store_listeners(s);

    for (guint i = 0; i < all->len; i++) {
        const struct store_listener *l = &g_array_index(all, struct store_listener, i);
        if (l->enabled)
            return l->port;
    }
    return 0;
}

static GString *
write_profile(struct openvpn *o, const struct record *in, const struct record *options,
              const struct identity *id, GError **error)
{
    g_autoptr(GArray) ports = openvpn_config_ports(options, error);
    const struct control_kind *k = NULL;

    if (!ports || !choose_control(record_text(in, "Control_str"), options, &k, error))
        return NULL;
    char *wrap = k ? key_file(o, k, error) : NULL;
    if (k && !wrap)
        return NULL;
    char *key = text_of(in, "Key_bin");
    g_autofree char *cert = text_of(in, "Cert_bin");
    g_autofree char *host = host_name(in, id);
    g_autofree char *ca = authority(id);
    const char *hub = record_text(in, "HubName_str");
    struct ovpn_profile p = {
        .host = host,
        .udp_port = ports->len > 0 ? g_array_index(ports, uint16_t, 0) : 0,
        .tcp_port = first_listener(o->store),
        .tap = record_bool(in, "Tap_bool"),
        .ca_pem = ca,
        .wrap = k ? k->wrap : OVPN_WRAP_NONE,
        .wrap_pem = wrap,
        .digest = k && k->wrap == OVPN_WRAP_AUTH ? record_text(options, "TlsAuthDigest_str") : NULL,
        .ciphers = record_text(options, "Ciphers_str"),
        .password = !cert || record_bool(options, "RequireClientCert_bool"),
        .cert_pem = cert,
        .key_pem = key,
        .hub = hub[0] ? hub : NULL,
    };
    GString *text = ovpn_profile_write(&p);
    secret_free_str(wrap);
    secret_free_str(key);
    return text;
}

GString *
openvpn_profile(struct openvpn *o, const struct record *in, GError **error)
{
    g_autoptr(record_t) options = openvpn_config_load(o->store);
    struct identity id = {0};

    if (!record_bool(options, "Enabled_bool")) {
        g_set_error_literal(error, PE_ERROR, PE_OPENVPN_OFF,
                            "OpenVPN is off: turn it on with 'polyetherctl openvpn set --enable'");
        return NULL;
    }
    if (!identity_load(o->store, &id, error))
        return NULL;
    GString *text = write_profile(o, in, options, &id, error);
    identity_clear(&id);
    return text;
}
