/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_openvpn.c - settings of OpenVPN, profiles and keys for its clients. */
#include "apps/ctl/ctl.h"
#include "core/base/secret.h"
#include "platform/platform.h"

#include <string.h>

const struct ctl_option ctl_openvpn_set_options[] = {
    {"--enable", NULL, N_("take OpenVPN clients"), false},
    {"--disable", NULL, N_("take none"), false},
    {"--udp-ports", N_("PORTS"), N_("UDP ports, with commas between"), false},
    {"--default-hub", N_("HUB"), N_("hub of user names that name none"), false},
    {"--ciphers", N_("NAMES"), N_("data ciphers by preference, with colons between"), false},
    {"--allow-cbc", NULL, N_("old clients may use AES-CBC"), false},
    {"--no-cbc", NULL, N_("AEAD ciphers only"), false},
    {"--require-client-cert", NULL, N_("a certificate is needed beside the password"), false},
    {"--no-client-cert", NULL, N_("a password is enough"), false},
    {"--control", N_("KINDS"),
     N_("protections of the control channel: plain, tls-auth, tls-crypt, tls-crypt-v2"), false},
    {"--tls-auth-digest", N_("NAME"), N_("digest of tls-auth: SHA1, SHA256, SHA512"), false},
    {"--redirect-gateway", NULL, N_("clients send all their traffic"), false},
    {"--no-redirect-gateway", NULL, N_("clients send what is for the hub"), false},
    {"--block-outside-dns", NULL, N_("Windows clients ask no other DNS server"), false},
    {"--no-block-outside-dns", NULL, N_("clients may ask other DNS servers"), false},
    {"--ping", N_("SECONDS"), N_("time between pings"), false},
    {"--ping-restart", N_("SECONDS"), N_("silence after which a client comes anew"), false},
    {"--renegotiate", N_("SECONDS"), N_("age of a key, 0: only if the client asks"), false},
    {"--mtu", N_("BYTES"), N_("longest IP packet in the tunnel"), false},
    {NULL, NULL, NULL, false},
};

static const struct ctl_field_option set_fields[] = {
    {"--enable", "Enabled_bool", "true"},
    {"--disable", "Enabled_bool", "false"},
    {"--udp-ports", "UdpPorts_str", NULL},
    {"--default-hub", "DefaultHub_str", NULL},
    {"--ciphers", "Ciphers_str", NULL},
    {"--allow-cbc", "AllowCbc_bool", "true"},
    {"--no-cbc", "AllowCbc_bool", "false"},
    {"--require-client-cert", "RequireClientCert_bool", "true"},
    {"--no-client-cert", "RequireClientCert_bool", "false"},
    {"--control", "Control_str", NULL},
    {"--tls-auth-digest", "TlsAuthDigest_str", NULL},
    {"--redirect-gateway", "RedirectGateway_bool", "true"},
    {"--no-redirect-gateway", "RedirectGateway_bool", "false"},
    {"--block-outside-dns", "BlockOutsideDns_bool", "true"},
    {"--no-block-outside-dns", "BlockOutsideDns_bool", "false"},
    {"--ping", "PingInterval_u32", NULL},
    {"--ping-restart", "PingRestart_u32", NULL},
    {"--renegotiate", "RenegotiateSeconds_u32", NULL},
    {"--mtu", "TunMtu_u32", NULL},
    {NULL, NULL, NULL},
};

const struct ctl_option ctl_openvpn_export_options[] = {
    {"--output", N_("FILE"), N_("where to write it; the output otherwise"), false},
    {"--tap", NULL, N_("for layer 2"), false},
    {"--control", N_("KIND"), N_("protection of the control channel"), false},
    {"--host", N_("NAME"), N_("name or address of the server"), false},
    {"--user-cert", N_("FILE"), N_("certificate of the client, PEM"), false},
    {"--user-key", N_("FILE"), N_("its private key, PEM"), false},
    {NULL, NULL, NULL, false},
};

static const struct ctl_field_option export_fields[] = {
    {"--tap", "Tap_bool", "true"},   {"--control", "Control_str", NULL},
    {"--host", "Host_str", NULL},    {"--user-cert", "Cert_bin", NULL},
    {"--user-key", "Key_bin", NULL}, {NULL, NULL, NULL},
};

/* What is left out stays as it is. */
enum ctl_exit
ctl_run_openvpn_set(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) none = record_new();
    enum ctl_exit result;

    if (args->names->len == 0)
        return ctl_usage(cmd, _("there is nothing to change"));
    g_autoptr(record_t) in = ctl_call(c, "GetOpenVpnOptions", none, NULL, &result);
    if (!in)
        return result;
    return ctl_take_options(set_fields, args, in) ? ctl_change(c, "SetOpenVpnOptions", in)
                                                  : CTL_USAGE;
}

/* It has keys inside: only the owner may read the file. */
static enum ctl_exit
write_out(const char *path, const char *text)
{
    g_autoptr(GError) error = NULL;

    if (!path) {
        g_print("%s", text);
        return CTL_OK;
    }
    if (pf_file_replace(path, text, strlen(text), 0600, &error))
        return CTL_OK;
    ctl_complain("%s", error->message);
    return CTL_REFUSED;
}

enum ctl_exit
ctl_run_openvpn_export(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) in = record_new();
    enum ctl_exit result = CTL_USAGE;
    json_t *raw = NULL;

    if (ctl_has(args, "--user-cert") != ctl_has(args, "--user-key"))
        return ctl_usage(cmd, _("--user-cert and --user-key come together"));
    if (ctl_arg(args, 0))
        record_set_text(in, "HubName_str", ctl_arg(args, 0));
    if (!ctl_take_options(export_fields, args, in))
        return CTL_USAGE;
    g_autoptr(record_t) out = ctl_call(c, "MakeOpenVpnProfile", in, &raw, &result);
    if (out && c->json)
        ctl_print_json(raw);
    else if (out)
        result = write_out(ctl_value(args, "--output"), record_text(out, "Profile_utf"));
    json_decref(raw);
    return result;
}

enum ctl_exit
ctl_run_openvpn_key(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) in = record_new();
    enum ctl_exit result = CTL_USAGE;
    json_t *raw = NULL;

    (void)cmd;
    record_set_text(in, "Control_str", ctl_arg(args, 0));
    g_autoptr(record_t) out = ctl_call(c, "GetOpenVpnKey", in, &raw, &result);
    if (out && c->json)
        ctl_print_json(raw);
    else if (out)
        g_print("%s", record_text(out, "KeyFile_str"));
    json_decref(raw);
    return result;
}
