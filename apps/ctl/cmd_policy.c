/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_policy.c - security policies on the command line: of users, groups and hubs. */
#include "apps/ctl/ctl.h"
#include "core/rpc/wire/json.h"

#include <string.h>

static const struct rpc_field *
find_policy(const char *name)
{
    struct rpc_field_iter it = rpc_fields(rpc_method_find("SetUser")->in);
    const struct rpc_field *f;

    while ((f = rpc_field_next(&it)) != NULL) {
        if (!g_str_has_prefix(f->name, "policy:"))
            continue;
        const char *item = f->name + strlen("policy:");
        const char *end = strrchr(item, '_');
        if (strlen(name) == (size_t)(end - item) &&
            g_ascii_strncasecmp(item, name, strlen(name)) == 0)
            return f;
    }
    return NULL;
}

/* "MaxUpload=1000000" or "NoBridge=yes". */
static bool
take_policy(const char *text, struct record *in)
{
    const char *equals = strchr(text, '=');
    g_autofree char *name = g_strndup(text, equals ? (size_t)(equals - text) : strlen(text));
    const struct rpc_field *f = find_policy(name);
    const char *value = equals ? equals + 1 : "yes";
    uint32_t n = 0;

    if (!f) {
        ctl_complain(_("the security policy has no item '%s'; see user show or group show"), name);
        return false;
    }
    record_set_bool(in, "UsePolicy_bool", true);
    if (rpc_type_of(f->name) == RPC_U32) {
        if (!ctl_parse_number(value, name, &n))
            return false;
        record_set_u32(in, f->name, n);
        return true;
    }
    static const char *const yes[] = {"yes", "true", "on", "1", NULL};
    static const char *const no[] = {"no", "false", "off", "0", NULL};
    if (!g_strv_contains(yes, value) && !g_strv_contains(no, value)) {
        ctl_complain(_("%s is either yes or no"), name);
        return false;
    }
    record_set_bool(in, f->name, g_strv_contains(yes, value));
    return true;
}

bool
ctl_take_policy(const struct ctl_args *args, struct record *in)
{
    const char *policy;

    if (ctl_has(args, "--no-policy"))
        record_set_bool(in, "UsePolicy_bool", false);
    for (unsigned i = 0; (policy = ctl_value_at(args, "--policy", i)) != NULL; i++)
        if (!take_policy(policy, in))
            return false;
    return true;
}

/* ---- groups ---- */

static bool
take_group(const struct ctl_args *args, struct record *in)
{
    if (ctl_has(args, "--realname"))
        record_set_text(in, "Realname_utf", ctl_value(args, "--realname"));
    if (ctl_has(args, "--note"))
        record_set_text(in, "Note_utf", ctl_value(args, "--note"));
    return ctl_take_policy(args, in);
}

enum ctl_exit
ctl_run_group_create(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) in = record_new();

    (void)cmd;
    record_set_text(in, "HubName_str", ctl_arg(args, 0));
    record_set_text(in, "Name_str", ctl_arg(args, 1));
    return take_group(args, in) ? ctl_change(c, "CreateGroup", in) : CTL_USAGE;
}

/* Read as a whole, changed, written back. */
static enum ctl_exit
change(struct ctl *c, const char *get, const char *set, const struct record *which,
       const struct ctl_args *args)
{
    enum ctl_exit result;
    g_autoptr(record_t) it = ctl_call(c, get, which, NULL, &result);

    if (!it)
        return result;
    return take_group(args, it) ? ctl_change(c, set, it) : CTL_USAGE;
}

enum ctl_exit
ctl_run_group_set(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) name = record_new();

    if (args->names->len == 0)
        return ctl_usage(cmd, _("there is nothing to change"));
    record_set_text(name, "HubName_str", ctl_arg(args, 0));
    record_set_text(name, "Name_str", ctl_arg(args, 1));
    return change(c, "GetGroup", "SetGroup", name, args);
}

enum ctl_exit
ctl_run_hub_policy_set(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) name = record_new();

    if (args->names->len == 0)
        return ctl_usage(cmd, _("there is nothing to change"));
    record_set_text(name, "HubName_str", ctl_arg(args, 0));
    return change(c, "GetHubDefaultPolicy", "SetHubDefaultPolicy", name, args);
}
