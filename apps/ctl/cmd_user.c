/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_user.c - making and changing users. */
#include "apps/ctl/ctl.h"
#include "core/base/secret.h"
#include "core/rpc/wire/json.h"

#include <string.h>

enum { LOGIN_ANONYMOUS = 0, LOGIN_PASSWORD = 1, LOGIN_CERT = 2, LOGIN_SIGNED = 3 };
enum { LOGIN_RADIUS = 4, LOGIN_DOMAIN = 5 };

static bool
take_expiry(const char *text, struct record *in)
{
    int64_t ms = 0;

    if (!text)
        return true;
    if (strcmp(text, "never") != 0 && (!rpc_dt_parse(text, &ms) || ms == 0)) {
        ctl_complain(_("'%s' is not a date like 2030-12-31 or 2030-12-31T18:00:00Z"), text);
        return false;
    }
    record_set_dt(in, "ExpireTime_dt", ms);
    return true;
}

static bool
take_serial(const char *text, struct record *in)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    for (const char *p = text; *p;) {
        int high = g_ascii_xdigit_value(p[0]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value(p[1]);
        if (low < 0) {
            ctl_complain(_("'%s' is not a serial number in hexadecimal digits"), text);
            return false;
        }
        uint8_t byte = (uint8_t)(high * 16 + low);
        g_byte_array_append(bytes, &byte, 1);
        p += p[2] == ':' ? 3 : 2;
    }
    record_set_bin(in, "Serial_bin", bytes->data, bytes->len);
    return true;
}

static bool
ask_password(const struct ctl_args *args, struct record *in)
{
    char *password = ctl_password(args, _("New password of the user: "), true);

    if (!password)
        return false;
    record_set_text(in, "Auth_Password_str", password);
    secret_free_str(password);
    return true;
}

/* Somebody else knows the password. */
static void
take_external(const struct ctl_args *args, struct record *in)
{
    const char *name = ctl_value(args, "--external-name");

    if (ctl_has(args, "--radius"))
        record_set_u32(in, "AuthType_u32", LOGIN_RADIUS);
    if (ctl_has(args, "--domain"))
        record_set_u32(in, "AuthType_u32", LOGIN_DOMAIN);
    if (!name)
        return;
    record_set_text(in, "RadiusUsername_utf", name);
    record_set_text(in, "NtUsername_utf", name);
}

/* How the user logs in; at most one way may be named. */
static bool
take_login(const struct ctl_command *cmd, const struct ctl_args *args, struct record *in)
{
    bool password = ctl_wants_password(args);
    bool anonymous = ctl_has(args, "--anonymous"), is_signed = ctl_has(args, "--signed-cert");
    const char *cert = ctl_value(args, "--cert");
    bool external = ctl_has(args, "--radius") || ctl_has(args, "--domain");

    if (password + anonymous + is_signed + external + (cert != NULL) > 1) {
        ctl_usage(cmd, _("a user logs in in one way"));
        return false;
    }
    take_external(args, in);
    if (anonymous)
        record_set_u32(in, "AuthType_u32", LOGIN_ANONYMOUS);
    if (is_signed)
        record_set_u32(in, "AuthType_u32", LOGIN_SIGNED);
    if (ctl_has(args, "--cn"))
        record_set_text(in, "CommonName_utf", ctl_value(args, "--cn"));
    if (ctl_has(args, "--serial") && !take_serial(ctl_value(args, "--serial"), in))
        return false;
    if (cert) {
        record_set_u32(in, "AuthType_u32", LOGIN_CERT);
        return ctl_put_file(in, "UserX_bin", cert);
    }
    if (!password)
        return true;
    record_set_u32(in, "AuthType_u32", LOGIN_PASSWORD);
    return ask_password(args, in);
}

/* One family is replaced, the other stays. */
static void
take_address(const struct ctl_args *args, struct record *in)
{
    static const struct {
        const char *option;
        char sign; /* that an address of the family has */
    } families[] = {{"--address4", '.'}, {"--address6", ':'}};

    for (unsigned i = 0; i < ARRAY_LEN(families); i++) {
        const char *value = ctl_value(args, families[i].option);
        g_auto(GStrv) old = g_strsplit(record_text(in, "FixedAddress_str"), ",", -1);
        g_autoptr(GString) all = g_string_new(NULL);
        if (!value)
            continue;
        for (char **part = old; *part; part++)
            if ((*part)[0] && !strchr(*part, families[i].sign))
                g_string_append_printf(all, "%s,", *part);
        if (strcmp(value, "none") != 0)
            g_string_append(all, value);
        record_set_text(in, "FixedAddress_str", all->str);
    }
}

static bool
take_options(const struct ctl_command *cmd, const struct ctl_args *args, struct record *in)
{
    if (ctl_has(args, "--realname"))
        record_set_text(in, "Realname_utf", ctl_value(args, "--realname"));
    if (ctl_has(args, "--note"))
        record_set_text(in, "Note_utf", ctl_value(args, "--note"));
    if (ctl_has(args, "--group"))
        record_set_text(in, "GroupName_str", ctl_value(args, "--group"));
    if (ctl_has(args, "--no-group"))
        record_set_text(in, "GroupName_str", "");
    take_address(args, in);
    return ctl_take_policy(args, in) && take_expiry(ctl_value(args, "--expires"), in) &&
           take_login(cmd, args, in);
}

enum ctl_exit
ctl_run_user_create(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) in = record_new();

    record_set_text(in, "HubName_str", ctl_arg(args, 0));
    record_set_text(in, "Name_str", ctl_arg(args, 1));
    if (!take_options(cmd, args, in))
        return CTL_USAGE;
    if (!record_has(in, "AuthType_u32")) {
        record_set_u32(in, "AuthType_u32", LOGIN_PASSWORD);
        if (!ask_password(args, in))
            return CTL_USAGE;
    }
    return ctl_change(c, "CreateUser", in);
}

/* A user is changed as a whole: read, changed, written back; the password stays if none is given.
 */
enum ctl_exit
ctl_run_user_set(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    enum ctl_exit result;
    g_autoptr(record_t) name = record_new();

    if (args->names->len == 0)
        return ctl_usage(cmd, _("there is nothing to change"));
    record_set_text(name, "HubName_str", ctl_arg(args, 0));
    record_set_text(name, "Name_str", ctl_arg(args, 1));
    g_autoptr(record_t) user = ctl_call(c, "GetUser", name, NULL, &result);
    if (!user)
        return result;
    if (!take_options(cmd, args, user))
        return CTL_USAGE;
    return ctl_change(c, "SetUser", user);
}
