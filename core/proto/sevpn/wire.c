/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c - see wire.h. */

#include "core/proto/sevpn/wire.h"

#include "core/base/random.h"
#include "core/base/secret.h"

#include <openssl/evp.h>

#include <string.h>

enum { PADDING_MAX = 999 };

/* SHA-256 of the picture that clients send first. The picture itself is nothing but a marker, so
 * its hash is enough. */
static const uint8_t watermark_hash[32] = {
    0x96, 0xa7, 0x06, 0xbb, 0xab, 0x37, 0x8e, 0xc3, 0x7d, 0xfe, 0xf2, 0x1e, 0x02, 0xb1, 0xa3, 0xc1,
    0x77, 0xfb, 0xeb, 0xef, 0xfa, 0x03, 0x9e, 0xb0, 0xef, 0xac, 0x91, 0x86, 0x30, 0xdf, 0x12, 0xa0};

bool
sevpn_signature_ok(struct reader body)
{
    static const char word[] = "VPNCONNECT";
    uint8_t hash[32];
    unsigned len = 0;

    if (body.left == sizeof(word) - 1)
        return memcmp(body.at, word, sizeof(word) - 1) == 0;
    if (body.left < SEVPN_WATERMARK || body.left > SEVPN_SIGNATURE_MAX)
        return false;
    const uint8_t *picture = reader_take(&body, SEVPN_WATERMARK);
    return EVP_Digest(picture, SEVPN_WATERMARK, hash, &len, EVP_sha256(), NULL) &&
           memcmp(hash, watermark_hash, sizeof(hash)) == 0;
}

/* Exactly n bytes, or false. */
static bool
get_exact(const struct pack *p, const char *name, uint8_t *out, size_t n)
{
    struct reader r = pack_data(p, name);

    if (r.left != n)
        return false;
    reader_copy(&r, out, n);
    return true;
}

struct pack *
sevpn_hello_build(const struct sevpn_hello *h)
{
    struct pack *p = pack_new();

    pack_add_str(p, "hello", h->product);
    pack_add_int(p, "version", h->version);
    pack_add_int(p, "build", h->build);
    pack_add_data(p, "random", h->random, sizeof(h->random));
    return p;
}

bool
sevpn_hello_parse(const struct pack *p, struct sevpn_hello *out)
{
    struct sevpn_hello h = {.product = pack_str(p, "hello"),
                            .version = pack_int(p, "version"),
                            .build = pack_int(p, "build")};

    if (!pack_has(p, "hello") || !get_exact(p, "random", h.random, sizeof(h.random)))
        return false;
    *out = h;
    return true;
}

/* The integers of the node information are stored with their bytes turned round. */
static uint32_t
swapped(uint32_t v)
{
    return GUINT32_SWAP_LE_BE(v);
}

static bool
parse_credential(const struct pack *p, struct sevpn_login *l)
{
    switch (l->auth) {
    case SEVPN_AUTH_HASH:
        return get_exact(p, "secure_password", l->secure_password, 20);
    case SEVPN_AUTH_PLAIN:
        l->plain_password = pack_str(p, "plain_password");
        return strlen(l->plain_password) <= 255;
    case SEVPN_AUTH_CERT:
        l->cert = pack_data(p, "cert");
        l->sign = pack_data(p, "sign");
        return l->cert.left > 0 && l->cert.left <= SEVPN_CERT_MAX && l->sign.left > 0 &&
               l->sign.left <= SEVPN_SIGN_MAX;
    default:
        return true; /* anonymous; and what the caller does not know, it refuses itself */
    }
}

bool
sevpn_login_parse(const struct pack *p, struct sevpn_login *out)
{
    struct sevpn_login l = {
        .hub = pack_str(p, "hubname"),
        .user = pack_str(p, "username"),
        .auth = pack_int(p, "authtype"),
        .plain_password = "",
        .client_name = pack_str(p, "client_str"),
        .client_ver = pack_int(p, "client_ver"),
        .client_build = pack_int(p, "client_build"),
        .host_name = pack_str(p, "ClientHostname"),
        .os_name = pack_str(p, "ClientOsName"),
        .os_ver = pack_str(p, "ClientOsVer"),
        .max_connections = CLAMP(pack_int(p, "max_connection"), 1, SEVPN_CONNECTIONS_MAX),
        .encrypt = pack_int(p, "use_encrypt") != 0,
        .compress = pack_int(p, "use_compress") != 0,
        .half_duplex = pack_int(p, "half_connection") != 0,
        .qos = pack_int(p, "qos") != 0,
        .bridge_mode = pack_int(p, "require_bridge_routing_mode") != 0,
        .monitor_mode = pack_int(p, "require_monitor_mode") != 0,
        .super_frames = pack_int(p, "polyether_super_frames") == 1,
    };

    if (strlen(l.hub) > 255 || strlen(l.user) > 255 || !parse_credential(p, &l))
        return false;
    if (pack_has(p, "unique_id"))
        (void)get_exact(p, "unique_id", l.unique_id,
                        sizeof(l.unique_id)); /* another size: zeroes */
    *out = l;
    return true;
}

bool
sevpn_password_parse(const struct pack *p, struct sevpn_password *out)
{
    struct sevpn_password w = {.hub = pack_str(p, "hubname"), .user = pack_str(p, "username")};

    if (strlen(w.hub) > 255 || strlen(w.user) > 255 ||
        !get_exact(p, "secure_old_password", w.secure_old, sizeof(w.secure_old)) ||
        !get_exact(p, "new_password", w.new_hash, sizeof(w.new_hash)))
        return false;
    w.has_nt_hash = get_exact(p, "new_password_ntlm", w.nt_hash, sizeof(w.nt_hash));
    *out = w;
    return true;
}

static void
add_node_info(struct pack *p, const struct sevpn_login *l)
{
    pack_add_str(p, "ClientProductName", l->client_name);
    pack_add_str(p, "ClientOsName", l->os_name);
    pack_add_str(p, "ClientOsVer", l->os_ver);
    pack_add_str(p, "ClientHostname", l->host_name);
    pack_add_int(p, "ClientProductVer", swapped(l->client_ver));
    pack_add_int(p, "ClientProductBuild", swapped(l->client_build));
    pack_add_str(p, "HubName", l->hub);
    pack_add_data(p, "UniqueId", l->unique_id, 16);
}

struct pack *
sevpn_login_build(const struct sevpn_login *l)
{
    struct pack *p = pack_new();

    pack_add_str(p, "method", "login");
    pack_add_str(p, "hubname", l->hub);
    pack_add_str(p, "username", l->user);
    pack_add_int(p, "authtype", l->auth);
    if (l->auth == SEVPN_AUTH_HASH)
        pack_add_data(p, "secure_password", l->secure_password, 20);
    else if (l->auth == SEVPN_AUTH_PLAIN)
        pack_add_str(p, "plain_password", l->plain_password);
    else if (l->auth == SEVPN_AUTH_CERT) {
        pack_add_data(p, "cert", l->cert.at, l->cert.left);
        pack_add_data(p, "sign", l->sign.at, l->sign.left);
    }
    pack_add_str(p, "client_str", l->client_name);
    pack_add_int(p, "client_ver", l->client_ver);
    pack_add_int(p, "client_build", l->client_build);
    pack_add_str(p, "hello", l->client_name);
    pack_add_int(p, "version", l->client_ver);
    pack_add_int(p, "build", l->client_build);
    pack_add_int(p, "protocol", 0);
    pack_add_int(p, "max_connection", l->max_connections);
    pack_add_int(p, "use_encrypt", 1);
    pack_add_int(p, "use_compress", l->compress);
    pack_add_int(p, "half_connection", l->half_duplex);
    pack_add_int(p, "require_bridge_routing_mode", l->bridge_mode);
    pack_add_int(p, "require_monitor_mode", l->monitor_mode);
    pack_add_int(p, "qos", l->qos);
    pack_add_data(p, "unique_id", l->unique_id, sizeof(l->unique_id));
    if (l->super_frames)
        pack_add_int(p, "polyether_super_frames", 1);
    add_node_info(p, l);
    return p;
}

static void
add_policy(struct pack *p, const struct policy *policy)
{
#define X(name, kind, value) pack_add_int(p, "policy:" #name, policy->name);
    POLICY_ITEMS(X)
#undef X
}

static void
get_policy(const struct pack *p, struct policy *policy)
{
#define X(name, kind, value) policy->name = pack_int(p, "policy:" #name);
    POLICY_ITEMS(X)
#undef X
}

struct pack *
sevpn_welcome_build(const struct sevpn_welcome *w)
{
    struct pack *p = pack_new();

    pack_add_str(p, "session_name", w->session_name);
    pack_add_str(p, "connection_name", w->connection_name);
    pack_add_data(p, "session_key", w->session_key, sizeof(w->session_key));
    pack_add_int(p, "session_key_32", 0);
    pack_add_int(p, "max_connection", w->max_connections);
    pack_add_int(p, "use_encrypt", w->encrypt);
    pack_add_int(p, "use_compress", w->compress);
    pack_add_int(p, "half_connection", w->half_duplex);
    pack_add_int(p, "timeout", w->timeout_ms);
    pack_add_int(p, "qos", w->qos);
    pack_add_int(p, "vlan_id", w->vlan_id);
    add_policy(p, &w->policy);
    pack_add_data(p, "Msg", w->message, strlen(w->message));
    if (w->super_frames)
        pack_add_int(p, "polyether_super_frames", 1);
    return p;
}

bool
sevpn_welcome_parse(const struct pack *p, struct sevpn_welcome *out)
{
    struct sevpn_welcome w = {
        .session_name = pack_str(p, "session_name"),
        .connection_name = pack_str(p, "connection_name"),
        .max_connections = CLAMP(pack_int(p, "max_connection"), 1, SEVPN_CONNECTIONS_MAX),
        .timeout_ms = pack_int(p, "timeout"),
        .encrypt = pack_int(p, "use_encrypt") != 0,
        .compress = pack_int(p, "use_compress") != 0,
        .half_duplex = pack_int(p, "half_connection") != 0,
        .qos = pack_int(p, "qos") != 0,
        .vlan_id = pack_int(p, "vlan_id"),
        .super_frames = pack_int(p, "polyether_super_frames") == 1,
    };

    if (!get_exact(p, "session_key", w.session_key, sizeof(w.session_key)) ||
        w.session_name[0] == '\0' || w.timeout_ms < SEVPN_TIMEOUT_MIN_MS ||
        w.timeout_ms > SEVPN_TIMEOUT_MAX_MS)
        return false;
    if (w.half_duplex && w.max_connections < 2)
        return false;
    get_policy(p, &w.policy);
    struct reader message = pack_data(p, "Msg");
    w.message = g_utf8_make_valid((const char *)message.at, (gssize)MIN(message.left, 20000));
    *out = w;
    return true;
}

uint32_t
sevpn_connections_for(uint32_t wished, bool half_duplex, bool qos)
{
    uint32_t least = 1;

    if (half_duplex)
        least *= 2;
    if (qos)
        least *= 2;
    return CLAMP(wished, least, SEVPN_CONNECTIONS_MAX);
}

struct pack *
sevpn_additional_build(const uint8_t session_key[20], const char *client_name)
{
    struct pack *p = pack_new();

    pack_add_str(p, "method", "additional_connect");
    pack_add_data(p, "session_key", session_key, 20);
    pack_add_str(p, "client_str", client_name);
    pack_add_int(p, "client_ver", SEVPN_VERSION);
    pack_add_int(p, "client_build", SEVPN_BUILD);
    return p;
}

struct pack *
sevpn_additional_reply(enum sevpn_direction direction)
{
    struct pack *p = pack_new();

    pack_add_int(p, "error", 0);
    pack_add_int(p, "direction", direction);
    return p;
}

struct pack *
sevpn_error_build(int code)
{
    struct pack *p = pack_new();

    pack_add_int(p, "error", (uint32_t)code);
    pack_add_int(p, "no_save_password", 0);
    return p;
}

GByteArray *
sevpn_finish(struct pack *p)
{
    uint8_t padding[PADDING_MAX];
    size_t n = random_range(0, PADDING_MAX);
    GByteArray *out = g_byte_array_new();

    random_bytes(padding, n);
    pack_add_data(p, "pencore", padding, n);
    pack_serialise(p, out);
    pack_free(p);
    return out;
}
