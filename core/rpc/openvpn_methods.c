/* SPDX-License-Identifier: Apache-2.0 */
/* openvpn_methods.c - OpenVPN: its settings in the store, profiles and keys from the host. */
#include "core/base/secret.h"
#include "core/rpc/openvpn_config.h"
#include "core/rpc/rpc_priv.h"
#include "core/rpc/wire/table.h"
#include "core/rpc/zip.h"

#include <string.h>

/* Stores, and lets the living one follow; when it cannot, the store is put back. */
static bool
change(const struct rpc_call *c, const struct record *options, GError **error)
{
    g_autoptr(record_t) was = openvpn_config_load(c->host->store);

    if (!openvpn_config_save(c->host->store, options, error))
        return false;
    if (!c->host->ops->openvpn_changed || c->host->ops->openvpn_changed(c->host->owner, error))
        return true;
    if (!openvpn_config_save(c->host->store, was, NULL))
        g_prefix_error(error, "the change is in the store, but: ");
    return false;
}

static struct record *
get_options(const struct rpc_call *c, GError **error)
{
    (void)error;
    return openvpn_config_load(c->host->store);
}

static struct record *
set_options(const struct rpc_call *c, GError **error)
{
    struct record *options = openvpn_config_load(c->host->store);
    struct rpc_field_iter it = rpc_fields(rpc_openvpn_options);
    const struct rpc_field *f;

    while ((f = rpc_field_next(&it)) != NULL)
        record_copy(options, c->in, f->name); /* what is left out stays */
    if (change(c, options, error))
        return options;
    record_free(options);
    return NULL;
}

/* ---- as SoftEther's tools know it ---- */

static struct record *
sstp_config(const struct rpc_call *c, const struct record *options)
{
    struct record *out = record_new();
    g_autofree char *off = store_get_text(c->host->store, RPC_SETTING_SSTP_OFF);

    record_set_bool(out, "EnableOpenVPN_bool", record_bool(options, "Enabled_bool"));
    record_set_text(out, "OpenVPNPortList_str", record_text(options, "UdpPorts_str"));
    record_set_bool(out, "EnableSSTP_bool", g_strcmp0(off, "1") != 0);
    return out;
}

static struct record *
get_config(const struct rpc_call *c, GError **error)
{
    g_autoptr(record_t) options = openvpn_config_load(c->host->store);

    (void)error;
    return sstp_config(c, options);
}

static bool
switch_sstp(const struct rpc_call *c, GError **error)
{
    if (!record_has(c->in, "EnableSSTP_bool"))
        return true;
    bool on = record_bool(c->in, "EnableSSTP_bool");
    if (!store_set_text(c->host->store, RPC_SETTING_SSTP_OFF, on ? NULL : "1", error))
        return false;
    if (c->host->ops->sstp_changed)
        c->host->ops->sstp_changed(c->host->owner);
    return true;
}

static struct record *
set_config(const struct rpc_call *c, GError **error)
{
    g_autoptr(record_t) options = openvpn_config_load(c->host->store);

    if (record_has(c->in, "EnableOpenVPN_bool"))
        record_set_bool(options, "Enabled_bool", record_bool(c->in, "EnableOpenVPN_bool"));
    if (record_text(c->in, "OpenVPNPortList_str")[0])
        record_set_text(options, "UdpPorts_str", record_text(c->in, "OpenVPNPortList_str"));
    return change(c, options, error) && switch_sstp(c, error) ? sstp_config(c, options) : NULL;
}

static struct record *
get_ports(const struct rpc_call *c, GError **error)
{
    g_autoptr(record_t) options = openvpn_config_load(c->host->store);
    g_autoptr(GArray) ports = openvpn_config_ports(options, error);
    struct record *out = record_new();

    record_make_array(out, "Ports_u32");
    for (guint i = 0; ports && i < ports->len; i++)
        record_append_u32(out, "Ports_u32", g_array_index(ports, uint16_t, i));
    return out;
}

static struct record *
set_ports(const struct rpc_call *c, GError **error)
{
    g_autoptr(record_t) options = openvpn_config_load(c->host->store);
    g_autoptr(GString) list = g_string_new(NULL);

    for (unsigned i = 0; i < record_count(c->in, "Ports_u32"); i++)
        g_string_append_printf(list, "%s%u", i > 0 ? "," : "",
                               record_u32_at(c->in, "Ports_u32", i));
    record_set_text(options, "UdpPorts_str", list->str);
    return change(c, options, error) ? rpc_echo(c) : NULL;
}

/* ---- profiles and keys ---- */

static GString *
profile(const struct rpc_call *c, const struct record *in, GError **error)
{
    if (c->host->ops->openvpn_profile)
        return c->host->ops->openvpn_profile(c->host->owner, in, error);
    rpc_fail(error, PE_NOT_SUPPORTED, "this server makes no OpenVPN profiles");
    return NULL;
}

static void
free_text(GString *text)
{
    if (text)
        secret_free_str(g_string_free(text, FALSE));
}

static struct record *
make_profile(const struct rpc_call *c, GError **error)
{
    GString *text = profile(c, c->in, error);

    if (!text)
        return NULL;
    struct record *out = record_new();
    record_set_text(out, "Profile_utf", text->str);
    free_text(text);
    return out;
}

static struct record *
make_config_file(const struct rpc_call *c, GError **error)
{
    g_autoptr(record_t) l3 = record_new();
    g_autoptr(record_t) l2 = record_new();
    struct record *out = NULL;

    record_set_bool(l2, "Tap_bool", true);
    GString *tun = profile(c, l3, error);
    GString *tap = tun ? profile(c, l2, error) : NULL;
    if (tap) {
        struct zip_file files[] = {{"openvpn_remote_access_l3.ovpn", tun->str, tun->len},
                                   {"openvpn_site_to_site_bridge_l2.ovpn", tap->str, tap->len}};
        g_autoptr(GByteArray) zip = zip_make(files, ARRAY_LEN(files));
        out = record_new();
        record_set_text(out, "ServerName_str", g_get_host_name());
        record_set_text(out, "FilePath_str", "openvpn_config.zip");
        record_set_u32(out, "Offset_u32", 0);
        record_set_bin(out, "Buffer_bin", zip->data, zip->len);
        secret_wipe(zip->data, zip->len);
    }
    free_text(tun);
    free_text(tap);
    return out;
}

static struct record *
get_key(const struct rpc_call *c, GError **error)
{
    const char *kind = record_text(c->in, "Control_str");

    if (!c->host->ops->openvpn_key) {
        rpc_fail(error, PE_NOT_SUPPORTED, "this server has no OpenVPN");
        return NULL;
    }
    char *pem = c->host->ops->openvpn_key(c->host->owner, kind, error);
    if (!pem)
        return NULL;
    struct record *out = record_new();
    record_set_text(out, "Control_str", kind);
    record_set_text(out, "KeyFile_str", pem);
    secret_free_str(pem);
    return out;
}

const struct rpc_handler_row rpc_openvpn_handlers[] = {
    {"GetOpenVpnSstpConfig", get_config, NULL},
    {"SetOpenVpnSstpConfig", set_config, NULL},
    {"GetPortsUDP", get_ports, NULL},
    {"SetPortsUDP", set_ports, NULL},
    {"GetOpenVpnOptions", get_options, NULL},
    {"SetOpenVpnOptions", set_options, NULL},
    {"MakeOpenVpnConfigFile", make_config_file, NULL},
    {"MakeOpenVpnProfile", make_profile, NULL},
    {"GetOpenVpnKey", get_key, NULL},
    {NULL, NULL, NULL},
};
