/* SPDX-License-Identifier: Apache-2.0 */
/* runs.c - what is the same for most commands: arguments into fields, a call, its answer shown. */
#include "apps/ctl/ctl.h"
#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/rpc/wire/json.h"

#include <string.h>

void
ctl_complain(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_printerr("polyetherctl: %s\n", text);
}

static enum ctl_exit
exit_of(const GError *error)
{
    if (error->domain != PE_ERROR)
        return CTL_NO_CONNECTION;
    switch (error->code) {
    case PE_CONNECT_FAILED:
    case PE_DISCONNECTED:
    case PE_CERT_NOT_TRUSTED:
        return CTL_NO_CONNECTION;
    default:
        return CTL_REFUSED;
    }
}

struct record *
ctl_call(struct ctl *c, const char *method, const struct record *in, json_t **raw,
         enum ctl_exit *result)
{
    const struct rpc_method *m = rpc_method_find(method);
    g_autoptr(GError) error = NULL;

    g_assert(m);
    struct record *out = rpc_client_call(c->client, m, in, raw, &error);
    *result = out ? CTL_OK : exit_of(error);
    if (out)
        return out;
    ctl_complain("%s", error->message);
    if (error->domain == PE_ERROR && error->code == PE_CERT_NOT_TRUSTED)
        g_printerr("%s\n", _("If that is the fingerprint of your server, give it with "
                             "--fingerprint."));
    return NULL;
}

enum ctl_exit
ctl_change(struct ctl *c, const char *method, const struct record *in)
{
    enum ctl_exit result;
    json_t *raw = NULL;
    g_autoptr(record_t) out = ctl_call(c, method, in, &raw, &result);

    if (out && c->json)
        ctl_print_json(raw);
    json_decref(raw);
    return result;
}

/* ---- arguments into fields ---- */

bool
ctl_put_file(struct record *in, const char *field, const char *path)
{
    g_autoptr(GError) error = NULL;
    char *bytes = NULL;
    gsize len = 0;

    if (!g_file_get_contents(path, &bytes, &len, &error)) {
        ctl_complain("%s", error->message);
        return false;
    }
    record_set_bin(in, field, bytes, len);
    secret_wipe(bytes, len);
    g_free(bytes);
    return true;
}

static bool
put_ip(struct record *in, const char *field, const char *text)
{
    struct ip ip = {0};

    if (strcmp(text, "none") != 0 && !ip_parse(text, &ip)) {
        ctl_complain(_("'%s' is not an address"), text);
        return false;
    }
    record_set_ip(in, field, &ip);
    return true;
}

static bool
put_field(struct record *in, const char *field, const char *text)
{
    uint32_t n = 0;

    switch (rpc_type_of(field)) {
    case RPC_BOOL:
        record_set_bool(in, field, strcmp(text, "true") == 0);
        return true;
    case RPC_U32:
        if (!ctl_parse_number(text, field, &n))
            return false;
        record_set_u32(in, field, n);
        return true;
    case RPC_BIN:
        return ctl_put_file(in, field, text);
    case RPC_IP:
        return put_ip(in, field, text);
    default:
        record_set_text(in, field, text);
        return true;
    }
}

struct record *
ctl_input(const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_auto(GStrv) fields = g_strsplit(cmd->fields ? cmd->fields : "", " ", -1);
    g_auto(GStrv) constants = g_strsplit(cmd->constants ? cmd->constants : "", " ", -1);
    g_autoptr(record_t) in = record_new();

    for (unsigned i = 0; fields[i] && fields[i][0]; i++)
        if (!put_field(in, fields[i], ctl_arg(args, i)))
            return NULL;
    for (unsigned i = 0; constants[i] && constants[i][0]; i++) {
        char *equals = strchr(constants[i], '=');
        *equals = 0;
        if (!put_field(in, constants[i], equals + 1))
            return NULL;
    }
    return g_steal_pointer(&in);
}

bool
ctl_take_options(const struct ctl_field_option *map, const struct ctl_args *args, struct record *in)
{
    for (; map->option; map++) {
        if (!ctl_has(args, map->option))
            continue;
        const char *value = map->constant ? map->constant : ctl_value(args, map->option);
        if (!put_field(in, map->field, value))
            return false;
    }
    return true;
}

/* ---- runs ---- */

enum ctl_exit
ctl_run_list(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    enum ctl_exit result = CTL_USAGE;
    json_t *raw = NULL;
    g_autoptr(record_t) in = ctl_input(cmd, args);
    g_autoptr(record_t) out = in ? ctl_call(c, cmd->method, in, &raw, &result) : NULL;

    if (out && c->json)
        ctl_print_json(raw);
    else if (out)
        ctl_print_table(out, cmd->list, cmd->columns);
    json_decref(raw);
    return result;
}

enum ctl_exit
ctl_run_show(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_auto(GStrv) methods = g_strsplit(cmd->method, " ", -1);
    g_autoptr(record_t) in = ctl_input(cmd, args);
    enum ctl_exit result = in ? CTL_OK : CTL_USAGE;
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    json_t *all = json_object();

    for (unsigned i = 0; result == CTL_OK && methods[i]; i++) {
        json_t *raw = NULL;
        g_autoptr(record_t) out = ctl_call(c, methods[i], in, &raw, &result);
        if (out && c->json)
            json_object_update(all, raw);
        else if (out)
            ctl_lines_add(lines, out, rpc_method_find(methods[i])->out);
        json_decref(raw);
    }
    if (result == CTL_OK && c->json)
        ctl_print_json(all);
    else if (result == CTL_OK)
        ctl_lines_print(lines);
    json_decref(all);
    return result;
}

enum ctl_exit
ctl_run_change(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) in = ctl_input(cmd, args);

    return in ? ctl_change(c, cmd->method, in) : CTL_USAGE;
}
