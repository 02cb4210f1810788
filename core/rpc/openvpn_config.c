/* SPDX-License-Identifier: Apache-2.0 */
/* openvpn_config.c - see openvpn_config.h. */
#include "core/rpc/openvpn_config.h"

#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/rpc/rpc_priv.h"
#include "core/rpc/wire/json.h"
#include "core/rpc/wire/table.h"

#include <string.h>

#define SETTING "openvpn"

enum {
    PORTS_MAX = 16,
    PING_MAX_S = 3600,
    MTU_MIN = 576,
    MTU_MAX = 9000,
};

static struct record *
make_default(void)
{
    struct record *r = record_new();

    record_set_bool(r, "Enabled_bool", true);
    record_set_text(r, "UdpPorts_str", "1194");
    record_set_text(r, "DefaultHub_str", "");
    record_set_text(r, "Ciphers_str", "AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305");
    record_set_bool(r, "AllowCbc_bool", false);
    record_set_bool(r, "RequireClientCert_bool", false);
    record_set_text(r, "Control_str", "plain,tls-crypt");
    record_set_text(r, "TlsAuthDigest_str", "SHA256");
    record_set_bool(r, "RedirectGateway_bool", false);
    record_set_bool(r, "BlockOutsideDns_bool", false);
    record_set_u32(r, "PingInterval_u32", 10);
    record_set_u32(r, "PingRestart_u32", 60);
    record_set_u32(r, "RenegotiateSeconds_u32", 3600);
    record_set_u32(r, "TunMtu_u32", 1500);
    return r;
}

struct record *
openvpn_config_load(struct store *s)
{
    g_autofree char *text = store_get_text(s, SETTING);
    struct record *r = make_default();
    json_t *json = text ? rpc_json_parse(text, strlen(text), NULL) : NULL;
    g_autoptr(record_t) stored = json ? record_from_json(json, rpc_openvpn_options, NULL) : NULL;

    for (unsigned i = 0; stored && record_name(stored, i); i++)
        record_copy(r, stored, record_name(stored, i));
    json_decref(json);
    return r;
}

GArray *
openvpn_config_ports(const struct record *options, GError **error)
{
    g_auto(GStrv) parts = g_strsplit_set(record_text(options, "UdpPorts_str"), ", ", -1);
    GArray *ports = g_array_new(FALSE, FALSE, sizeof(uint16_t));

    for (char **p = parts; *p; p++) {
        guint64 n = 0;
        if (!(*p)[0])
            continue;
        if (!g_ascii_string_to_unsigned(*p, 10, 1, UINT16_MAX, &n, NULL) ||
            ports->len == PORTS_MAX) {
            rpc_fail(error, PE_INVALID_PARAMETER,
                     "the UDP ports are up to %d numbers from 1 to 65535, not '%s'", PORTS_MAX, *p);
            g_array_unref(ports);
            return NULL;
        }
        uint16_t port = (uint16_t)n;
        g_array_append_val(ports, port);
    }
    return ports;
}

static bool
check_list(const char *text, const char *between, const char *const *known, const char *what,
           GError **error)
{
    g_auto(GStrv) parts = g_strsplit_set(text, between, -1);
    unsigned n = 0;

    for (char **p = parts; *p; p++) {
        bool found = false;
        if (!(*p)[0])
            continue;
        for (unsigned i = 0; known[i]; i++)
            found |= g_ascii_strcasecmp(known[i], *p) == 0;
        if (!found)
            return rpc_fail(error, PE_INVALID_PARAMETER, "%s is not known: %s", what, *p);
        n++;
    }
    return n > 0 || rpc_fail(error, PE_INVALID_PARAMETER, "%s is missing: at least one", what);
}

static bool
check_numbers(const struct record *o, GError **error)
{
    uint32_t ping = record_u32(o, "PingInterval_u32"), restart = record_u32(o, "PingRestart_u32");
    uint32_t mtu = record_u32(o, "TunMtu_u32");

    if (ping < 1 || ping > PING_MAX_S || restart <= ping || restart > PING_MAX_S)
        return rpc_fail(error, PE_INVALID_PARAMETER,
                        "the ping interval is 1 to %d seconds, and the restart comes later",
                        PING_MAX_S);
    if (mtu < MTU_MIN || mtu > MTU_MAX)
        return rpc_fail(error, PE_INVALID_PARAMETER, "the MTU is %d to %d", MTU_MIN, MTU_MAX);
    return true;
}

static bool
check(const struct record *o, GError **error)
{
    static const char *const ciphers[] = {"AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305",
                                          "AES-256-CBC", "AES-192-CBC", "AES-128-CBC",
                                          NULL};
    static const char *const controls[] = {OPENVPN_CONTROLS, NULL};
    static const char *const digests[] = {"SHA1", "SHA256", "SHA384", "SHA512", NULL};
    g_autoptr(GArray) ports = openvpn_config_ports(o, error);

    return ports &&
           check_list(record_text(o, "Ciphers_str"), ":", ciphers, "a data cipher", error) &&
           check_list(record_text(o, "Control_str"), ", ", controls, "a protection", error) &&
           check_list(record_text(o, "TlsAuthDigest_str"), "", digests, "a digest", error) &&
           check_numbers(o, error);
}

bool
openvpn_config_save(struct store *s, const struct record *options, GError **error)
{
    if (!check(options, error))
        return false;
    json_t *json = record_to_json(options, rpc_openvpn_options, false);
    char *text = rpc_json_print(json);
    bool ok = store_set_text(s, SETTING, text, error);
    json_decref(json);
    secret_free_str(text);
    return ok;
}
