/* SPDX-License-Identifier: Apache-2.0 */
/* radius_config.c - see radius_config.h. */
#include "core/rpc/radius_config.h"

#include "core/base/addr.h"
#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/rpc/rpc_priv.h"
#include "core/rpc/wire/json.h"
#include "core/rpc/wire/table.h"

#include <string.h>

#define SETTING "radius"

enum {
    INTERVAL_MIN_MS = 500,
    INTERVAL_MAX_MS = 30000,
    TIMEOUT_MAX_MS = 120000, /* a push notice for a person */
    INTERIM_MIN_S = 60,
    INTERIM_MAX_S = 86400,
};

static struct record *
make_default(void)
{
    struct record *r = record_new();

    record_set_text(r, "RadiusServerName_str", "");
    record_set_u32(r, "RadiusPort_u32", RADIUS_PORT);
    record_set_u32(r, "RadiusRetryInterval_u32", RADIUS_INTERVAL_MS);
    record_set_u32(r, "RadiusRetryTimeout_u32", RADIUS_TIMEOUT_MS);
    record_set_bool(r, "RadiusAccounting_bool", false);
    record_set_u32(r, "RadiusAccountingPort_u32", RADIUS_ACCOUNTING_PORT);
    record_set_u32(r, "RadiusInterim_u32", 0);
    record_set_bool(r, "RadiusAuthenticator_bool", true);
    record_set_text(r, "RadiusNasIdentifier_str", "");
    return r;
}

struct record *
radius_config_load(struct store *s, const char *hub)
{
    g_autofree char *text = store_hub_get_text(s, hub, SETTING);
    struct record *r = make_default();
    json_t *json = text ? rpc_json_parse(text, strlen(text), NULL) : NULL;
    g_autoptr(record_t) stored = json ? record_from_json(json, rpc_radius_options, NULL) : NULL;

    for (unsigned i = 0; stored && record_name(stored, i); i++)
        record_copy(r, stored, record_name(stored, i));
    json_decref(json);
    return r;
}

/* ---- servers: "host", "host:port", "[v6]:port", with ';', ',' or spaces between ---- */

static bool
read_port(const char *text, uint16_t *port)
{
    guint64 n = 0;

    if (!g_ascii_string_to_unsigned(text, 10, 1, UINT16_MAX, &n, NULL))
        return false;
    *port = (uint16_t)n;
    return true;
}

/* Cuts the port off host. False: it is no port. */
static bool
split_port(char *host, uint16_t *port)
{
    struct ip ip;
    char *end = strchr(host, ']');

    if (ip_parse(host, &ip))
        return true;
    if (host[0] == '[' && end) {
        bool ok = end[1] == '\0' || (end[1] == ':' && read_port(end + 2, port));
        *end = '\0';
        memmove(host, host + 1, strlen(host));
        return ok && ip_parse(host, &ip);
    }
    char *colon = strrchr(host, ':');
    if (!colon)
        return true;
    *colon = '\0';
    return read_port(colon + 1, port);
}

/* Fills hosts and ports of out. What is wrong, g_free(); NULL: nothing. */
static char *
read_servers(const struct record *o, struct radius_settings *out)
{
    g_auto(GStrv) parts = g_strsplit_set(record_text(o, "RadiusServerName_str"), ";, ", -1);
    uint32_t port = record_u32(o, "RadiusPort_u32");
    uint32_t accounting = record_u32(o, "RadiusAccountingPort_u32");

    if (port == 0 || port > UINT16_MAX || accounting > UINT16_MAX)
        return g_strdup("a port is a number from 1 to 65535");
    for (char **p = parts; *p; p++) {
        if (!(*p)[0])
            continue;
        if (out->n == RADIUS_SERVERS)
            return g_strdup_printf("a hub has up to %d RADIUS servers", RADIUS_SERVERS);
        g_autofree char *host = g_strdup(*p);
        uint16_t own = (uint16_t)port;
        if (!split_port(host, &own) || !host[0] || strlen(host) > 253)
            return g_strdup_printf("'%s' is not a server: HOST or HOST:PORT", *p);
        out->servers[out->n].host = g_steal_pointer(&host);
        out->servers[out->n].port = own;
        out->servers[out->n++].accounting_port = (uint16_t)accounting;
    }
    return NULL;
}

/* A line a server, the last one for all that have none. What is wrong; NULL: nothing. */
static char *
read_secrets(const char *text, struct radius_settings *out)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", RADIUS_SERVERS);
    const char *line = NULL;
    char *fault = NULL;

    for (unsigned i = 0; i < out->n && !fault; i++) {
        if (i < g_strv_length(lines) && lines[i][0])
            line = lines[i];
        size_t len = line ? strlen(line) : 0;
        if (len == 0)
            fault = g_strdup("a RADIUS server needs a secret");
        else if (len > RADIUS_SECRET_MAX)
            fault = g_strdup_printf("a secret has at most %d bytes", RADIUS_SECRET_MAX);
        else
            memcpy(out->servers[i].secret.bytes, line, len);
        out->servers[i].secret.len = (uint8_t)(fault ? 0 : len);
    }
    for (char **l = lines; *l; l++)
        secret_wipe(*l, strlen(*l));
    return fault;
}

static char *
stored_secrets(struct store *s, const char *hub)
{
    g_autoptr(GBytes) bytes = store_hub_get_secret(s, hub, RADIUS_SECRETS);
    gsize len = 0;
    const char *text = bytes ? g_bytes_get_data(bytes, &len) : NULL;

    return g_strndup(text ? text : "", len);
}

static char *
check(const struct record *o, const char *secrets, struct radius_settings *out)
{
    uint32_t interval = record_u32(o, "RadiusRetryInterval_u32");
    uint32_t timeout = record_u32(o, "RadiusRetryTimeout_u32");
    uint32_t interim = record_u32(o, "RadiusInterim_u32");
    const char *nas = record_text(o, "RadiusNasIdentifier_str");

    if (interval < INTERVAL_MIN_MS || interval > INTERVAL_MAX_MS)
        return g_strdup_printf("the time before a request is sent again is %d to %d ms",
                               INTERVAL_MIN_MS, INTERVAL_MAX_MS);
    if (timeout < interval || timeout > TIMEOUT_MAX_MS)
        return g_strdup_printf("the time for one server is %u (one sending) to %d ms", interval,
                               TIMEOUT_MAX_MS);
    if (interim != 0 && (interim < INTERIM_MIN_S || interim > INTERIM_MAX_S))
        return g_strdup_printf("reports in between come every %d to %d seconds, or 0: when the "
                               "server asks for them",
                               INTERIM_MIN_S, INTERIM_MAX_S);
    if (strlen(nas) > RADIUS_VALUE_MAX)
        return g_strdup("the NAS identifier is too long");
    char *fault = read_servers(o, out);
    return fault ? fault : read_secrets(secrets, out);
}

static struct radius_settings *
settings_of(const struct record *o, const char *secrets, char **ret_fault)
{
    struct radius_settings *out = g_new0(struct radius_settings, 1);
    const char *nas = record_text(o, "RadiusNasIdentifier_str");

    *ret_fault = check(o, secrets, out);
    out->interval_ms = record_u32(o, "RadiusRetryInterval_u32");
    out->timeout_ms = record_u32(o, "RadiusRetryTimeout_u32");
    out->require_authenticator = record_bool(o, "RadiusAuthenticator_bool");
    out->accounting = record_bool(o, "RadiusAccounting_bool");
    out->interim_s = record_u32(o, "RadiusInterim_u32");
    out->nas_identifier = nas[0] ? g_strdup(nas) : NULL;
    return out;
}

bool
radius_config_save(struct store *s, const char *hub, const struct record *options,
                   const char *secrets, GError **error)
{
    char *text = secrets ? g_strdup(secrets) : stored_secrets(s, hub);
    g_autofree char *fault = NULL;

    radius_settings_free(settings_of(options, text, &fault));
    secret_free_str(text);
    if (fault)
        return rpc_fail(error, PE_INVALID_PARAMETER, "%s", fault);
    json_t *json = record_to_json(options, rpc_radius_options, false);
    char *value = rpc_json_print(json);
    bool ok = store_hub_set_text(s, hub, SETTING, value, error) &&
              (!secrets || store_hub_set_secret(s, hub, RADIUS_SECRETS, secrets[0] ? secrets : NULL,
                                                strlen(secrets), error));
    json_decref(json);
    g_free(value);
    return ok;
}

struct radius_settings *
radius_config_settings(struct store *s, const char *hub)
{
    g_autoptr(record_t) options = radius_config_load(s, hub);
    char *secrets = stored_secrets(s, hub);
    g_autofree char *fault = NULL;
    struct radius_settings *out = settings_of(options, secrets, &fault);

    secret_free_str(secrets);
    if (!fault && out->n > 0)
        return out;
    radius_settings_free(out);
    return NULL;
}
