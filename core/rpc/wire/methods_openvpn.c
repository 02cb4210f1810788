/* SPDX-License-Identifier: Apache-2.0 */
/* methods_openvpn.c - the table of methods: OpenVPN, and the switch of SSTP. */
#include "core/rpc/wire/table.h"

static const struct rpc_field sstp_config[] = {
    F("EnableOpenVPN_bool", "OpenVPN on"),
    F("OpenVPNPortList_str", "its UDP ports, with commas between"),
    F("EnableSSTP_bool", "SSTP on, at every TCP listener"),
    F_END,
};

static const struct rpc_field sstp_config_in[] = {
    F_OPT("EnableOpenVPN_bool", "OpenVPN on; left out: as it is"),
    F_OPT("OpenVPNPortList_str", "its UDP ports, with commas between; left out: as they are"),
    F_OPT("EnableSSTP_bool", "SSTP on; left out: as it is"),
    F_END,
};

static const struct rpc_field ports[] = {
    {"Ports_u32", "UDP ports", RPC_ARRAY, NULL},
    F_END,
};

const struct rpc_field rpc_openvpn_options[] = {
    F("Enabled_bool", "OpenVPN on, over UDP and on every TCP listener"),
    F("UdpPorts_str", "its UDP ports, with commas between"),
    F("DefaultHub_str", "hub of user names that name none; empty: the only hub, or DEFAULT"),
    F("Ciphers_str", "data ciphers by preference, with colons between"),
    F("AllowCbc_bool", "old clients may use AES-CBC"),
    F("RequireClientCert_bool", "a certificate is needed beside the password"),
    F("Control_str", "protections of the control channel that are accepted: plain, tls-auth, "
                     "tls-crypt, tls-crypt-v2, with commas between"),
    F("TlsAuthDigest_str", "digest of tls-auth"),
    F("RedirectGateway_bool", "clients send all their traffic"),
    F("BlockOutsideDns_bool", "Windows clients ask no other DNS server"),
    F("PingInterval_u32", "seconds between pings"),
    F("PingRestart_u32", "seconds of silence after which a client comes anew"),
    F("RenegotiateSeconds_u32",
      "age of a key at which another is agreed; 0: only if the client asks"),
    F("TunMtu_u32", "longest IP packet in the tunnel"),
    F_END,
};

static const struct rpc_field make_config_out[] = {
    F("ServerName_str", "name of the server in the profiles"),
    F("FilePath_str", "name for the file"),
    F("Offset_u32", "always 0"),
    F("Buffer_bin", "a ZIP archive with a profile for layer 3 and one for layer 2"),
    F_END,
};

static const struct rpc_field profile_in[] = {
    F_OPT("HubName_str", "hub that the user name is completed with in a comment"),
    F_OPT("Host_str", "name of the server; left out: that of its certificate or machine"),
    F_OPT("Tap_bool", "layer 2"),
    F_OPT("Control_str", "protection of the control channel; left out: the best that is accepted"),
    F_OPT("Cert_bin", "certificate of the client, to be put in, PEM"),
    {"Key_bin", "its private key, PEM", RPC_OPTIONAL | RPC_SECRET, NULL},
    F_END,
};

static const struct rpc_field profile_out[] = {
    F("Profile_utf", "the profile: it has keys inside"),
    F_END,
};

static const struct rpc_field key_in[] = {
    F("Control_str", "tls-auth, tls-crypt or tls-crypt-v2"),
    F_END,
};

static const struct rpc_field key_out[] = {
    F("Control_str", "which"),
    F("KeyFile_str", "the key file; for tls-crypt-v2 a new one for one client"),
    F_END,
};

static const struct rpc_method methods[] = {
    {"GetOpenVpnSstpConfig", RPC_ANY_ADMIN,
     "whether OpenVPN and SSTP are on, and OpenVPN's UDP ports", rpc_no_fields, sstp_config, NULL,
     false},
    {"SetOpenVpnSstpConfig", RPC_SERVER_ADMIN, "switches OpenVPN, its UDP ports, and SSTP",
     sstp_config_in, sstp_config, NULL, true},
    {"GetPortsUDP", RPC_ANY_ADMIN, "UDP ports of OpenVPN", rpc_no_fields, ports, NULL, false},
    {"SetPortsUDP", RPC_SERVER_ADMIN, "replaces the UDP ports of OpenVPN", ports, ports, NULL,
     true},
    {"GetOpenVpnOptions", RPC_SERVER_ADMIN, "how OpenVPN is set", rpc_no_fields,
     rpc_openvpn_options, NULL, false},
    {"SetOpenVpnOptions", RPC_SERVER_ADMIN, "sets OpenVPN, all of it", rpc_openvpn_options,
     rpc_openvpn_options, NULL, true},
    {"MakeOpenVpnConfigFile", RPC_SERVER_ADMIN, "profiles for OpenVPN clients in a ZIP archive",
     rpc_no_fields, make_config_out, NULL, false},
    {"MakeOpenVpnProfile", RPC_SERVER_ADMIN, "one profile for OpenVPN clients", profile_in,
     profile_out, NULL, false},
    {"GetOpenVpnKey", RPC_SERVER_ADMIN, "a key file of the control channel", key_in, key_out, NULL,
     false},
};

const struct rpc_area rpc_area_openvpn = {"OpenVPN and SSTP", methods, ARRAY_LEN(methods)};
