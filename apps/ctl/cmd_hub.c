/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_hub.c - making and changing hubs, making bridges, calling methods as they are. */
#include "apps/ctl/ctl.h"
#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/rpc/wire/json.h"

#include <string.h>

/* What the options change in a hub. False after a message. */
static bool
take_hub_options(const struct ctl_args *args, struct record *in)
{
    const char *limit = ctl_value(args, "--max-sessions");
    uint32_t n = 0;

    if (limit && !ctl_parse_number(limit, "--max-sessions", &n))
        return false;
    if (limit)
        record_set_u32(in, "MaxSession_u32", n);
    if (ctl_has(args, "--no-enum"))
        record_set_bool(in, "NoEnum_bool", true);
    if (ctl_has(args, "--enum"))
        record_set_bool(in, "NoEnum_bool", false);
    if (!ctl_wants_password(args))
        return true;
    char *password = ctl_password(args, _("New password of the hub's administrator: "), true);
    if (!password)
        return false;
    record_set_text(in, "AdminPasswordPlainText_str", password);
    secret_free_str(password);
    return true;
}

enum ctl_exit
ctl_run_hub_create(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) in = record_new();

    (void)cmd;
    record_set_text(in, "HubName_str", ctl_arg(args, 0));
    record_set_bool(in, "Online_bool", !ctl_has(args, "--offline"));
    if (!take_hub_options(args, in))
        return CTL_USAGE;
    return ctl_change(c, "CreateHub", in);
}

/* A hub is changed as a whole: read, changed, written back. */
enum ctl_exit
ctl_run_hub_set(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    enum ctl_exit result;
    g_autoptr(record_t) name = record_new();

    if (args->names->len == 0)
        return ctl_usage(cmd, _("there is nothing to change"));
    record_set_text(name, "HubName_str", ctl_arg(args, 0));
    g_autoptr(record_t) hub = ctl_call(c, "GetHub", name, NULL, &result);
    if (!hub)
        return result;
    if (!take_hub_options(args, hub))
        return CTL_USAGE;
    return ctl_change(c, "SetHub", hub);
}

/* Line by line, as a value is shown: without what could steer the terminal. */
static void
print_lines(const char *text, size_t len)
{
    g_autofree char *all = g_strndup(text, len);
    g_auto(GStrv) lines = g_strsplit(all, "\n", -1);

    for (char **line = lines; *line; line++) {
        g_autoptr(record_t) r = record_new();
        record_set_text(r, "Line_utf", *line);
        g_autofree char *shown = (*line)[0] ? ctl_format(r, "Line_utf") : g_strdup("");
        g_print("%s\n", shown);
    }
}

enum ctl_exit
ctl_run_hub_message_show(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) in = record_new();
    enum ctl_exit result;
    json_t *raw = NULL;
    size_t len = 0;

    (void)cmd;
    record_set_text(in, "HubName_str", ctl_arg(args, 0));
    g_autoptr(record_t) out = ctl_call(c, "GetHubMsg", in, &raw, &result);
    if (!out)
        return result;
    const char *text = record_bin(out, "Msg_bin", &len);
    if (c->json)
        ctl_print_json(raw);
    json_decref(raw);
    if (c->json)
        return CTL_OK;
    print_lines(text, len);
    return CTL_OK;
}

enum ctl_exit
ctl_run_hub_message_set(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) in = record_new();
    const char *text = ctl_arg(args, 1), *file = ctl_value(args, "--file");

    if (!text == !file)
        return ctl_usage(cmd, _("either a text or --file is needed"));
    record_set_text(in, "HubName_str", ctl_arg(args, 0));
    if (file && !ctl_put_file(in, "Msg_bin", file))
        return CTL_USAGE;
    if (text)
        record_set_bin(in, "Msg_bin", text, strlen(text));
    return ctl_change(c, "SetHubMsg", in);
}

enum ctl_exit
ctl_run_bridge_create(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) in = record_new();

    (void)cmd;
    record_set_text(in, "HubNameLB_str", ctl_arg(args, 0));
    record_set_text(in, "DeviceName_str", ctl_arg(args, 1));
    record_set_bool(in, "TapMode_bool", ctl_has(args, "--tap"));
    return ctl_change(c, "AddLocalBridge", in);
}

/* "-" is the input. g_free. NULL after a message. */
static char *
json_argument(const char *text)
{
    GString *all = g_string_new(NULL);
    char piece[4096];
    size_t n;

    if (!text || strcmp(text, "-") != 0)
        return g_string_free(g_string_assign(all, text ? text : "{}"), FALSE);
    while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0 && all->len <= RPC_JSON_BYTES)
        g_string_append_len(all, piece, (gssize)n);
    return g_string_free(all, FALSE);
}

enum ctl_exit
ctl_run_rpc(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    const struct rpc_method *m = rpc_method_find(ctl_arg(args, 0));
    g_autoptr(GError) error = NULL;
    enum ctl_exit result = CTL_USAGE;
    json_t *raw = NULL;

    if (!m)
        return ctl_usage(cmd, _("there is no method %s"), ctl_arg(args, 0));
    char *text = json_argument(ctl_arg(args, 1));
    json_t *params = rpc_json_parse(text, strlen(text), &error);
    g_autoptr(record_t) in = params ? record_from_json(params, m->in, &error) : NULL;
    g_autoptr(record_t) out = in ? ctl_call(c, m->name, in, &raw, &result) : NULL;
    if (error)
        ctl_complain("%s", error->message);
    if (out)
        ctl_print_json(raw);
    json_decref(raw);
    json_decref(params);
    secret_free_str(text);
    return result;
}
