/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ipsec.c - settings of IPsec and L2TP, and the register of routers. */
#include "apps/ctl/ctl.h"
#include "core/base/secret.h"

#include <string.h>

#define PSK_OPTIONS                                                                              \
    {"--psk-stdin", NULL, N_("the pre-shared key is the first line of the input"), false},       \
    {                                                                                            \
        "--psk-file", N_("FILE"), N_("the pre-shared key is the first line of this file"), false \
    }

const struct ctl_option ctl_ipsec_set_options[] = {
    {"--l2tp", N_("on|off"), N_("take L2TP clients over IPsec"), false},
    {"--ethernet", N_("on|off"), N_("take routers by EtherIP and L2TPv3 over IPsec"), false},
    {"--plain-l2tp", N_("on|off"), N_("take L2TP clients without IPsec: nothing is encrypted"),
     false},
    PSK_OPTIONS,
    {"--weak", N_("NAMES"),
     N_("weak algorithms to accept: sha1, modp1024, 3des, md5, with commas between, or none"),
     false},
    {"--raw-esp", N_("on|off"), N_("ESP without UDP where the server may"), false},
    {"--default-hub", N_("HUB|none"), N_("hub of user names that name none"), false},
    {"--dpd", N_("SECONDS"), N_("silence after which a peer is asked, 0: never"), false},
    {"--public-address", N_("ADDRESS|none"), N_("of the server, as clients see it"), false},
    {NULL, NULL, NULL, false},
};

static const struct switch_option {
    const char *option, *field;
} switches[] = {
    {"--l2tp", "L2TP_IPsec_bool"},
    {"--ethernet", "EtherIP_IPsec_bool"},
    {"--plain-l2tp", "L2TP_Raw_bool"},
    {"--raw-esp", "RawEsp_bool"},
};

const struct ctl_option ctl_router_add_options[] = {
    PSK_OPTIONS,
    {"--aggressive", NULL, N_("may use aggressive mode; needs a key of its own"), false},
    {"--static-l2tpv3", N_("OURS:THEIRS"),
     N_("session ids of L2TPv3 without a control connection: those that the router puts in, and "
        "those that we do"),
     false},
    {"--local-cookie", N_("HEX"), N_("cookie that the router puts in, 4 or 8 bytes"), false},
    {"--peer-cookie", N_("HEX"), N_("cookie that we put in"), false},
    {"--sublayer", NULL, N_("with the default L2-specific sublayer"), false},
    {NULL, NULL, NULL, false},
};

/* False after a message. */
static bool
take_key(const struct ctl_args *args, struct record *in, const char *field)
{
    const char *file = ctl_value(args, "--psk-file");

    if (!file && !ctl_has(args, "--psk-stdin"))
        return true;
    char *key = file ? ctl_password_from_file(file) : ctl_password_from_stdin();
    if (!key)
        return false;
    record_set_text(in, field, key);
    secret_free_str(key);
    return true;
}

static bool
take_switches(const struct ctl_args *args, struct record *in)
{
    for (unsigned i = 0; i < ARRAY_LEN(switches); i++) {
        const char *value = ctl_value(args, switches[i].option);
        if (!value)
            continue;
        bool on = strcmp(value, "on") == 0;
        if (!on && strcmp(value, "off") != 0) {
            ctl_complain(_("%s is either on or off"), switches[i].option);
            return false;
        }
        record_set_bool(in, switches[i].field, on);
    }
    return true;
}

/* "none" is nothing. */
static void
take_name(const struct ctl_args *args, const char *option, struct record *in, const char *field)
{
    const char *value = ctl_value(args, option);

    if (value)
        record_set_text(in, field, strcmp(value, "none") == 0 ? "" : value);
}

/* What is left out stays as it is. */
enum ctl_exit
ctl_run_ipsec_set(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    static const struct ctl_field_option rest[] = {
        {"--weak", "Weak_str", NULL},
        {"--dpd", "DpdSeconds_u32", NULL},
        {NULL, NULL, NULL},
    };
    g_autoptr(record_t) in = record_new();

    if (args->names->len == 0)
        return ctl_usage(cmd, _("there is nothing to change"));
    take_name(args, "--default-hub", in, "L2TP_DefaultHub_str");
    take_name(args, "--public-address", in, "PublicAddress_str");
    return take_switches(args, in) && ctl_take_options(rest, args, in) &&
                   take_key(args, in, "IPsec_Secret_str")
               ? ctl_change(c, "SetIPsecServices", in)
               : CTL_USAGE;
}

static bool
take_cookie(const struct ctl_args *args, const char *option, struct record *in, const char *field)
{
    const char *hex = ctl_value(args, option);
    uint8_t bytes[8];
    size_t n = hex ? strlen(hex) / 2 : 0;
    bool ok = !hex || (strlen(hex) % 2 == 0 && (n == 4 || n == 8));

    for (size_t i = 0; ok && i < n; i++) {
        int high = g_ascii_xdigit_value(hex[2 * i]), low = g_ascii_xdigit_value(hex[2 * i + 1]);
        ok = high >= 0 && low >= 0;
        bytes[i] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
    }
    if (ok && hex)
        record_set_bin(in, field, bytes, n);
    else if (!ok)
        ctl_complain(_("%s is 4 or 8 bytes in hexadecimal"), option);
    return ok;
}

static bool
take_static(const struct ctl_args *args, struct record *in)
{
    const char *ids = ctl_value(args, "--static-l2tpv3");
    uint32_t ours = 0, theirs = 0;

    if (!ids)
        return true;
    g_auto(GStrv) part = g_strsplit(ids, ":", -1);
    if (g_strv_length(part) != 2) {
        ctl_complain(_("--static-l2tpv3 needs two session ids, like 10:20"));
        return false;
    }
    if (!ctl_parse_number(part[0], "--static-l2tpv3", &ours) ||
        !ctl_parse_number(part[1], "--static-l2tpv3", &theirs))
        return false;
    record_set_u32(in, "LocalSession_u32", ours);
    record_set_u32(in, "PeerSession_u32", theirs);
    record_set_bool(in, "Sublayer_bool", ctl_has(args, "--sublayer"));
    return take_cookie(args, "--local-cookie", in, "LocalCookie_bin") &&
           take_cookie(args, "--peer-cookie", in, "PeerCookie_bin");
}

enum ctl_exit
ctl_run_router_add(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) in = ctl_input(cmd, args);

    if (!in || !take_static(args, in) || !take_key(args, in, "Secret_str"))
        return CTL_USAGE;
    record_set_bool(in, "IsAggressive_bool", ctl_has(args, "--aggressive"));
    return ctl_change(c, "AddEtherIpId", in);
}
