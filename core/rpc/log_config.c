/* SPDX-License-Identifier: Apache-2.0 */
/* log_config.c - see log_config.h. */
#include "core/rpc/log_config.h"

#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/log/packet_log.h"
#include "core/rpc/rpc_priv.h"
#include "core/rpc/wire/json.h"
#include "core/rpc/wire/table.h"

#include <string.h>

#define SETTING_HUB    "log"
#define SETTING_SERVER "log"
#define SETTING_SYSLOG "syslog"

enum { DAYS_MAX = 36500, MEGABYTES_MAX = 1000000, LEVELS = 16 /* of the API */ };

/* ---- defaults ---- */

/* A packet log tells who talked to whom: it is off until somebody wants it, and has then what is
 * enough to find a fault, connections and addresses, without contents. */
static struct record *
hub_default(void)
{
    struct record *r = record_new();

    record_set_bool(r, "SaveSecurityLog_bool", true);
    record_set_u32(r, "SecurityLogSwitchType_u32", LOG_SWITCH_DAY);
    record_set_bool(r, "SavePacketLog_bool", false);
    record_set_u32(r, "PacketLogSwitchType_u32", LOG_SWITCH_DAY);
    for (unsigned i = 0; i < LEVELS; i++)
        record_append_u32(r, "PacketLogConfig_u32",
                          i == PACKET_TCP_CONNECT || i == PACKET_DHCP ? PACKET_HEADERS
                                                                      : PACKET_NONE);
    record_set_u32(r, "SecurityLogKeepDays_u32", 90);
    record_set_u32(r, "SecurityLogKeepMegabytes_u32", 1024);
    record_set_u32(r, "PacketLogKeepDays_u32", 14);
    record_set_u32(r, "PacketLogKeepMegabytes_u32", 4096);
    record_set_u32(r, "LogMaxMegabytes_u32", 64);
    return r;
}

static struct record *
server_default(void)
{
    struct record *r = record_new();

    record_set_bool(r, "SaveServerLog_bool", true);
    record_set_u32(r, "ServerLogSwitchType_u32", LOG_SWITCH_DAY);
    record_set_u32(r, "ServerLogKeepDays_u32", 90);
    record_set_u32(r, "ServerLogKeepMegabytes_u32", 1024);
    record_set_u32(r, "ServerLogMaxMegabytes_u32", 64);
    record_set_text(r, "LogFormat_str", "text");
    record_set_bool(r, "LogCompress_bool", true);
    return r;
}

static struct record *
syslog_default(void)
{
    struct record *r = record_new();

    record_set_u32(r, "SaveType_u32", 0);
    record_set_text(r, "Hostname_str", "");
    record_set_u32(r, "Port_u32", 514);
    record_set_text(r, "Transport_str", "udp");
    record_set_text(r, "CaCert_str", "");
    return r;
}

/* ---- the store ---- */

/* Takes r. */
static struct record *
overlay(struct record *r, const char *text, const struct rpc_field *fields)
{
    json_t *json = text ? rpc_json_parse(text, strlen(text), NULL) : NULL;
    g_autoptr(record_t) stored = json ? record_from_json(json, fields, NULL) : NULL;

    for (unsigned i = 0; stored && record_name(stored, i); i++)
        record_copy(r, stored, record_name(stored, i));
    json_decref(json);
    return r;
}

static char *
to_text(const struct record *r, const struct rpc_field *fields)
{
    json_t *json = record_to_json(r, fields, false);
    char *text = rpc_json_print(json);

    json_decref(json);
    return text;
}

struct record *
log_config_hub(struct store *s, const char *hub)
{
    g_autofree char *text = store_hub_get_text(s, hub, SETTING_HUB);

    return overlay(hub_default(), text, rpc_hub_log_options);
}

struct record *
log_config_server(struct store *s)
{
    g_autofree char *text = store_get_text(s, SETTING_SERVER);

    return overlay(server_default(), text, rpc_server_log_options);
}

struct record *
log_config_syslog(struct store *s)
{
    g_autofree char *text = store_get_text(s, SETTING_SYSLOG);

    return overlay(syslog_default(), text, rpc_syslog_options);
}

/* ---- checks ---- */

static bool
check_most(const struct record *r, const char *field, uint32_t most, GError **error)
{
    return record_u32(r, field) <= most ||
           rpc_fail(error, PE_INVALID_PARAMETER, "%s is at most %u", field, most);
}

static bool
check_levels(const struct record *r, GError **error)
{
    unsigned n = record_count(r, "PacketLogConfig_u32");

    if (n < PACKET_N_KINDS || n > LEVELS)
        return rpc_fail(error, PE_INVALID_PARAMETER,
                        "PacketLogConfig_u32 has a level for each of the %d kinds of packets",
                        PACKET_N_KINDS);
    for (unsigned i = 0; i < n; i++) {
        if (record_u32_at(r, "PacketLogConfig_u32", i) >= PACKET_N_LEVELS)
            return rpc_fail(error, PE_INVALID_PARAMETER, "a level of the packet log is 0, 1 or 2");
    }
    return true;
}

bool
log_config_save_hub(struct store *s, const char *hub, const struct record *r, GError **error)
{
    if (!check_most(r, "SecurityLogSwitchType_u32", LOG_SWITCH_N - 1, error) ||
        !check_most(r, "PacketLogSwitchType_u32", LOG_SWITCH_N - 1, error) ||
        !check_most(r, "SecurityLogKeepDays_u32", DAYS_MAX, error) ||
        !check_most(r, "PacketLogKeepDays_u32", DAYS_MAX, error) ||
        !check_most(r, "SecurityLogKeepMegabytes_u32", MEGABYTES_MAX, error) ||
        !check_most(r, "PacketLogKeepMegabytes_u32", MEGABYTES_MAX, error) ||
        !check_most(r, "LogMaxMegabytes_u32", MEGABYTES_MAX, error) || !check_levels(r, error))
        return false;
    char *text = to_text(r, rpc_hub_log_options);
    bool ok = store_hub_set_text(s, hub, SETTING_HUB, text, error);
    secret_free_str(text);
    return ok;
}

bool
log_config_save_server(struct store *s, const struct record *r, GError **error)
{
    const char *format = record_text(r, "LogFormat_str");

    if (strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
        return rpc_fail(error, PE_INVALID_PARAMETER, "the format of logs is text or json, not '%s'",
                        format);
    if (!check_most(r, "ServerLogSwitchType_u32", LOG_SWITCH_N - 1, error) ||
        !check_most(r, "ServerLogKeepDays_u32", DAYS_MAX, error) ||
        !check_most(r, "ServerLogKeepMegabytes_u32", MEGABYTES_MAX, error) ||
        !check_most(r, "ServerLogMaxMegabytes_u32", MEGABYTES_MAX, error))
        return false;
    char *text = to_text(r, rpc_server_log_options);
    bool ok = store_set_text(s, SETTING_SERVER, text, error);
    secret_free_str(text);
    return ok;
}

bool
log_config_save_syslog(struct store *s, const struct record *r, GError **error)
{
    const char *transport = record_text(r, "Transport_str");
    const char *ca = record_text(r, "CaCert_str");

    if (strcmp(transport, "udp") != 0 && strcmp(transport, "tcp") != 0 &&
        strcmp(transport, "tls") != 0)
        return rpc_fail(error, PE_INVALID_PARAMETER, "the transport of syslog is udp, tcp or tls");
    if (record_u32(r, "SaveType_u32") > 0 && !record_text(r, "Hostname_str")[0])
        return rpc_fail(error, PE_INVALID_PARAMETER, "syslog needs the name of a server");
    if (ca[0] && !strstr(ca, "-----BEGIN CERTIFICATE-----"))
        return rpc_fail(error, PE_INVALID_PARAMETER,
                        "the certificate of the authority must be in the format PEM");
    if (!check_most(r, "SaveType_u32", 3, error) || !check_most(r, "Port_u32", UINT16_MAX, error))
        return false;
    char *text = to_text(r, rpc_syslog_options);
    bool ok = store_set_text(s, SETTING_SYSLOG, text, error);
    secret_free_str(text);
    return ok;
}
