/* SPDX-License-Identifier: Apache-2.0 */
/* log_methods.c - how logs are set, their files, and packets as they pass. */
#include "core/log/log_list.h"
#include "core/rpc/log_config.h"
#include "core/rpc/rpc_priv.h"
#include "core/rpc/wire/table.h"

#include <string.h>

/* What came over what is there; what was left out stays. */
static void
take(struct record *settings, const struct rpc_call *c, const struct rpc_field *fields)
{
    struct rpc_field_iter it = rpc_fields(fields);
    const struct rpc_field *f;

    while ((f = rpc_field_next(&it)) != NULL)
        record_copy(settings, c->in, f->name);
}

/* hub NULL: the server's. */
static bool
follow(const struct rpc_call *c, const char *hub, GError **error)
{
    return !c->host->ops->logs_changed || c->host->ops->logs_changed(c->host->owner, hub, error);
}

/* ---- settings ---- */

static struct record *
hub_log(const struct rpc_call *c, const char *hub)
{
    struct record *out = log_config_hub(c->host->store, hub);

    record_set_text(out, "HubName_str", hub);
    return out;
}

static struct record *
get_hub_log(const struct rpc_call *c, GError **error)
{
    struct store_hub *h = rpc_stored_hub(c, error);
    struct record *out = h ? hub_log(c, h->name) : NULL;

    store_hub_free(h);
    return out;
}

static struct record *
set_hub_log(const struct rpc_call *c, GError **error)
{
    struct store_hub *h = rpc_stored_hub(c, error);

    if (!h)
        return NULL;
    g_autoptr(record_t) settings = log_config_hub(c->host->store, h->name);
    take(settings, c, rpc_hub_log_options);
    bool ok =
        log_config_save_hub(c->host->store, h->name, settings, error) && follow(c, h->name, error);
    struct record *out = ok ? hub_log(c, h->name) : NULL;
    store_hub_free(h);
    return out;
}

static struct record *
get_server_log(const struct rpc_call *c, GError **error)
{
    (void)error;
    return log_config_server(c->host->store);
}

static struct record *
set_server_log(const struct rpc_call *c, GError **error)
{
    g_autoptr(record_t) settings = log_config_server(c->host->store);

    take(settings, c, rpc_server_log_options);
    return log_config_save_server(c->host->store, settings, error) && follow(c, NULL, error)
               ? get_server_log(c, error)
               : NULL;
}

static struct record *
get_syslog(const struct rpc_call *c, GError **error)
{
    struct record *out = log_config_syslog(c->host->store);

    (void)error;
    if (c->caller->rank != RPC_RANK_SERVER) { /* the server's network is not the hub's business */
        record_set_text(out, "Hostname_str", "Secret");
        record_set_text(out, "CaCert_str", "");
    }
    return out;
}

static struct record *
set_syslog(const struct rpc_call *c, GError **error)
{
    g_autoptr(record_t) settings = log_config_syslog(c->host->store);

    take(settings, c, rpc_syslog_options);
    return log_config_save_syslog(c->host->store, settings, error) && follow(c, NULL, error)
               ? get_syslog(c, error)
               : NULL;
}

static struct record *
get_status(const struct rpc_call *c, GError **error)
{
    struct record *out = record_new();

    (void)error;
    record_make_array(out, "LogList");
    if (c->host->ops->log_status)
        c->host->ops->log_status(c->host->owner, out);
    return out;
}

/* ---- files ---- */

static bool
may_read(const struct rpc_call *c, const char *path)
{
    return c->caller->rank == RPC_RANK_SERVER ||
           (c->caller->rank == RPC_RANK_HUB && log_is_of_hub(path, c->caller->hub));
}

static struct record *
enum_files(const struct rpc_call *c, GError **error)
{
    struct record *out = record_new();

    (void)error;
    record_make_array(out, "LogFiles");
    if (!c->host->log_folder)
        return out;
    g_autoptr(GArray) all = log_list(c->host->log_folder);
    for (guint i = 0; i < all->len; i++) {
        const struct log_entry *e = &g_array_index(all, struct log_entry, i);
        if (!may_read(c, e->path))
            continue;
        struct record *row = record_append(out, "LogFiles");
        record_set_text(row, "ServerName_str", g_get_host_name());
        record_set_text(row, "FilePath_str", e->path);
        record_set_u32(row, "FileSize_u32", (uint32_t)MIN(e->size, UINT32_MAX));
        record_set_dt(row, "UpdatedTime_dt", e->changed_ms);
    }
    return out;
}

/* What a hub's administrator may not see is not there. */
static struct record *
read_file(const struct rpc_call *c, GError **error)
{
    const char *path = record_text(c->in, "FilePath_str");
    uint32_t offset = record_u32(c->in, "Offset_u32");
    g_autoptr(GByteArray) piece = c->host->log_folder && may_read(c, path)
                                      ? log_list_read(c->host->log_folder, path, offset)
                                      : NULL;

    if (!piece) {
        rpc_fail(error, PE_NOT_FOUND, "there is no log file '%s'", path);
        return NULL;
    }
    struct record *out = record_new();
    record_set_text(out, "ServerName_str", g_get_host_name());
    record_set_text(out, "FilePath_str", path);
    record_set_u32(out, "Offset_u32", offset);
    record_set_bin(out, "Buffer_bin", piece->data, piece->len);
    return out;
}

/* ---- captures ---- */

static struct record *
read_capture(const struct rpc_call *c, GError **error)
{
    const char *session = record_text(c->in, "SessionName_str");
    struct store_hub *h = rpc_stored_hub(c, error);

    if (!h)
        return NULL;
    struct rpc_capture want = {.hub = h->name,
                               .session = session[0] ? session : NULL,
                               .id = record_u32(c->in, "CaptureId_u32"),
                               .stop = record_bool(c->in, "Stop_bool"),
                               .bytes = g_byte_array_new()};
    bool ok = c->host->ops->capture
                  ? c->host->ops->capture(c->host->owner, &want, error)
                  : rpc_fail(error, PE_NOT_SUPPORTED, "this server does not capture packets");
    struct record *out = NULL;
    if (ok) {
        out = record_new();
        record_set_u32(out, "CaptureId_u32", want.id);
        record_set_bin(out, "Buffer_bin", want.bytes->data, want.bytes->len);
        record_set_u64(out, "Dropped_u64", want.lost);
    }
    g_byte_array_unref(want.bytes);
    store_hub_free(h);
    return out;
}

const struct rpc_handler_row rpc_log_handlers[] = {
    {"GetHubLog", get_hub_log, NULL},
    {"SetHubLog", set_hub_log, NULL},
    {"GetServerLog", get_server_log, NULL},
    {"SetServerLog", set_server_log, NULL},
    {"GetSysLog", get_syslog, NULL},
    {"SetSysLog", set_syslog, NULL},
    {"EnumLogFile", enum_files, NULL},
    {"ReadLogFile", read_file, NULL},
    {"GetLogStatus", get_status, NULL},
    {"ReadCapture", read_capture, NULL},
    {NULL, NULL, NULL},
};
