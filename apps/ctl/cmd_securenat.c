/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_securenat.c - the virtual host of a hub. */
#include "apps/ctl/ctl.h"

#include <string.h>

const struct ctl_option ctl_securenat_set_options[] = {
    {"--ip", N_("ADDRESS/LENGTH"), N_("IPv4 address of the virtual host, and its network"), false},
    {"--pool", N_("FIRST-LAST"), N_("addresses that DHCP gives"), false},
    {"--lease", N_("SECONDS"), N_("how long a lease is valid"), false},
    {"--gateway", N_("ADDRESS"), N_("gateway that DHCP tells, or none"), false},
    {"--dns", N_("ADDRESSES"), N_("one or two DNS servers that DHCP tells, or none"), false},
    {"--domain", N_("NAME"), N_("domain that DHCP tells"), false},
    {"--routes", N_("ROUTES"), N_("routes that DHCP tells: NETWORK/MASK/GATEWAY,..."), false},
    {"--reserve", N_("MAC=ADDRESS"), N_("a fixed lease, beside those that are there"), true},
    {"--no-reservations", NULL, N_("forget all fixed leases"), false},
    {"--nat", NULL, N_("translate addresses to the outside"), false},
    {"--no-nat", NULL, N_("do not translate"), false},
    {"--nat-mode", N_("MODE"), N_("auto, user (by sockets) or kernel"), false},
    {"--dhcp", NULL, N_("be a DHCP server"), false},
    {"--no-dhcp", NULL, N_("be none"), false},
    {"--ip6", N_("PREFIX"), N_("IPv6 network of the hub, a /64"), false},
    {"--no-ip6", NULL, N_("no IPv6"), false},
    {"--dhcp6", NULL, N_("DHCPv6 gives addresses"), false},
    {"--no-dhcp6", NULL, N_("IPv6 addresses by SLAAC only"), false},
    {"--mtu", N_("BYTES"), N_("longest IP packet"), false},
    {"--tcp-timeout", N_("SECONDS"), N_("how long an idle TCP flow is kept"), false},
    {"--udp-timeout", N_("SECONDS"), N_("how long an idle UDP flow is kept"), false},
    {"--log", NULL, N_("log flows"), false},
    {"--no-log", NULL, N_("do not log flows"), false},
    {NULL, NULL, NULL, false},
};

static const struct ctl_field_option plain[] = {
    {"--lease", "DhcpExpireTimeSpan_u32", NULL},
    {"--gateway", "DhcpGatewayAddress_ip", NULL},
    {"--domain", "DhcpDomainName_str", NULL},
    {"--routes", "DhcpPushRoutes_str", NULL},
    {"--no-reservations", "Reservations_str", ""},
    {"--nat", "UseNat_bool", "true"},
    {"--no-nat", "UseNat_bool", "false"},
    {"--dhcp", "UseDhcp_bool", "true"},
    {"--no-dhcp", "UseDhcp_bool", "false"},
    {"--ip6", "UseIp6_bool", "true"},
    {"--ip6", "Prefix6_str", NULL},
    {"--no-ip6", "UseIp6_bool", "false"},
    {"--dhcp6", "UseDhcp6_bool", "true"},
    {"--no-dhcp6", "UseDhcp6_bool", "false"},
    {"--mtu", "Mtu_u32", NULL},
    {"--tcp-timeout", "NatTcpTimeout_u32", NULL},
    {"--udp-timeout", "NatUdpTimeout_u32", NULL},
    {"--log", "SaveLog_bool", "true"},
    {"--no-log", "SaveLog_bool", "false"},
    {NULL, NULL, NULL},
};

static void
set_v4(struct record *in, const char *field, uint32_t v4)
{
    struct ip ip = ip_from_v4(v4);

    record_set_ip(in, field, &ip);
}

/* The network of the host is that of its clients, and it is their gateway and DNS server, as long
 * as nothing else is said. */
static bool
take_ip(const char *text, struct record *in)
{
    struct ip_prefix p;

    if (!text)
        return true;
    if (!ip_prefix_parse(text, &p) || p.ip.family != 4 || p.len < 8 || p.len > 30) {
        ctl_complain(_("'%s' is not an address with its network, like 192.168.30.1/24"), text);
        return false;
    }
    uint32_t mask = UINT32_MAX << (32 - p.len);
    uint32_t address = ip_to_v4(&p.ip), network = address & mask;
    set_v4(in, "Ip_ip", address);
    set_v4(in, "Mask_ip", mask);
    set_v4(in, "DhcpSubnetMask_ip", mask);
    set_v4(in, "DhcpGatewayAddress_ip", address);
    set_v4(in, "DhcpDnsServerAddress_ip", address);
    uint32_t hosts = ~mask; /* network + hosts is the broadcast address */
    set_v4(in, "DhcpLeaseIPStart_ip", network + (hosts > 20 ? 10 : 2));
    set_v4(in, "DhcpLeaseIPEnd_ip", network + hosts - 1);
    return true;
}

static bool
take_range(const char *text, struct record *in)
{
    struct ip first, last;
    g_auto(GStrv) part = g_strsplit(text ? text : "", "-", 2);

    if (!text)
        return true;
    if (g_strv_length(part) != 2 || !ip_parse(part[0], &first) || !ip_parse(part[1], &last)) {
        ctl_complain(_("'%s' is not a range like 192.168.30.10-192.168.30.200"), text);
        return false;
    }
    record_set_ip(in, "DhcpLeaseIPStart_ip", &first);
    record_set_ip(in, "DhcpLeaseIPEnd_ip", &last);
    return true;
}

static bool
take_dns(const char *text, struct record *in)
{
    static const char *const fields[] = {"DhcpDnsServerAddress_ip", "DhcpDnsServerAddress2_ip"};
    g_auto(GStrv) part = g_strsplit(text ? text : "", ",", -1);

    if (!text)
        return true;
    bool none = strcmp(text, "none") == 0;
    if (g_strv_length(part) > ARRAY_LEN(fields)) {
        ctl_complain(_("there can be two DNS servers"));
        return false;
    }
    for (unsigned i = 0; i < ARRAY_LEN(fields); i++) {
        struct ip ip = {0};
        bool given = !none && i < g_strv_length(part);
        if (given && !ip_parse(part[i], &ip)) {
            ctl_complain(_("'%s' is not an address"), part[i]);
            return false;
        }
        record_set_ip(in, fields[i], &ip);
    }
    return true;
}

static bool
take_mode(const char *text, struct record *in)
{
    static const char *const modes[] = {"auto", "user", "kernel"};

    if (!text)
        return true;
    for (unsigned i = 0; i < ARRAY_LEN(modes); i++) {
        if (strcmp(text, modes[i]) == 0) {
            record_set_u32(in, "NatMode_u32", i);
            return true;
        }
    }
    ctl_complain(_("the mode is auto, user or kernel"));
    return false;
}

static void
take_reservations(const struct ctl_args *args, struct record *in)
{
    g_autoptr(GString) all = g_string_new(record_text(in, "Reservations_str"));
    const char *one;

    for (unsigned i = 0; (one = ctl_value_at(args, "--reserve", i)) != NULL; i++)
        g_string_append_printf(all, "%s%s", all->len > 0 ? "," : "", one);
    record_set_text(in, "Reservations_str", all->str);
}

enum ctl_exit
ctl_run_securenat_set(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) hub = record_new();
    enum ctl_exit result;

    if (args->names->len == 0)
        return ctl_usage(cmd, _("there is nothing to change"));
    record_set_text(hub, "RpcHubName_str", ctl_arg(args, 0));
    g_autoptr(record_t) in = ctl_call(c, "GetSecureNATOption", hub, NULL, &result);
    if (!in)
        return result;
    record_set_text(in, "RpcHubName_str", ctl_arg(args, 0));
    if (!take_ip(ctl_value(args, "--ip"), in) || !take_range(ctl_value(args, "--pool"), in) ||
        !ctl_take_options(plain, args, in) || !take_dns(ctl_value(args, "--dns"), in) ||
        !take_mode(ctl_value(args, "--nat-mode"), in))
        return CTL_USAGE;
    take_reservations(args, in);
    return ctl_change(c, "SetSecureNATOption", in);
}
