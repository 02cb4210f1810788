/* SPDX-License-Identifier: Apache-2.0 */
/* method.c - looking into the table, and the fields that many methods share. */
#include "core/rpc/wire/method.h"

#include "core/rpc/wire/table.h"

#include <glib.h>

#include <string.h>

const struct rpc_field rpc_no_fields[] = {F_END};

const struct rpc_field rpc_test_fields[] = {
    F("IntValue_u32", "number of 32 bits"),
    F("Int64Value_u64", "number of 64 bits"),
    F("StrValue_str", "text"),
    F("UniStrValue_utf", "text"),
    F_END,
};

const struct rpc_field rpc_drop_rows[] = {
    F("Reason_str", "why, in one word"),
    F("Count_u64", "frames"),
    F_END,
};

const struct rpc_field rpc_traffic_fields[] = {
    F("Recv.BroadcastBytes_u64", "received broadcast bytes"),
    F("Recv.BroadcastCount_u64", "received broadcast packets"),
    F("Recv.UnicastBytes_u64", "received unicast bytes"),
    F("Recv.UnicastCount_u64", "received unicast packets"),
    F("Send.BroadcastBytes_u64", "sent broadcast bytes"),
    F("Send.BroadcastCount_u64", "sent broadcast packets"),
    F("Send.UnicastBytes_u64", "sent unicast bytes"),
    F("Send.UnicastCount_u64", "sent unicast packets"),
    F_END,
};

const struct rpc_field rpc_ex_traffic_fields[] = {
    F("Ex.Recv.BroadcastBytes_u64", "received broadcast bytes"),
    F("Ex.Recv.BroadcastCount_u64", "received broadcast packets"),
    F("Ex.Recv.UnicastBytes_u64", "received unicast bytes"),
    F("Ex.Recv.UnicastCount_u64", "received unicast packets"),
    F("Ex.Send.BroadcastBytes_u64", "sent broadcast bytes"),
    F("Ex.Send.BroadcastCount_u64", "sent broadcast packets"),
    F("Ex.Send.UnicastBytes_u64", "sent unicast bytes"),
    F("Ex.Send.UnicastCount_u64", "sent unicast packets"),
    F_END,
};

const struct rpc_field rpc_policy_fields[] = {
    F("policy:Access_bool", "may log in"),
    F("policy:DHCPFilter_bool", "no DHCP packets (IPv4)"),
    F("policy:DHCPNoServer_bool", "may not be a DHCP server (IPv4)"),
    F("policy:DHCPForce_bool", "only addresses that DHCP gave (IPv4)"),
    F("policy:NoBridge_bool", "no bridge mode"),
    F("policy:NoRouting_bool", "no routing (IPv4)"),
    F("policy:CheckMac_bool", "no MAC address that another session has"),
    F("policy:CheckIP_bool", "no IP address that another session has (IPv4)"),
    F("policy:ArpDhcpOnly_bool", "broadcasts for ARP, DHCP and ICMPv6 only"),
    F("policy:PrivacyFilter_bool", "no traffic between two sessions that have this"),
    F("policy:NoServer_bool", "no incoming TCP connections (IPv4)"),
    F("policy:NoBroadcastLimiter_bool", "no limit of broadcasts"),
    F("policy:MonitorPort_bool", "may use monitor mode"),
    F("policy:MaxConnection_u32", "TCP connections of a session"),
    F("policy:TimeOut_u32", "seconds after which a silent session ends"),
    F("policy:MaxMac_u32", "MAC addresses of a session, 0: no limit"),
    F("policy:MaxIP_u32", "IP addresses of a session, 0: no limit (IPv4)"),
    F("policy:MaxUpload_u32", "bits a second into the hub, 0: no limit"),
    F("policy:MaxDownload_u32", "bits a second out of the hub, 0: no limit"),
    F("policy:FixPassword_bool", "may not change the password"),
    F("policy:MultiLogins_u32", "sessions at the same time, 0: no limit"),
    F("policy:NoQoS_bool", "no precedence for voice"),
    F("policy:RSandRAFilter_bool", "no router solicitations and advertisements (IPv6)"),
    F("policy:RAFilter_bool", "no router advertisements (IPv6)"),
    F("policy:DHCPv6Filter_bool", "no DHCP packets (IPv6)"),
    F("policy:DHCPv6NoServer_bool", "may not be a DHCP server (IPv6)"),
    F("policy:NoRoutingV6_bool", "no routing (IPv6)"),
    F("policy:CheckIPv6_bool", "no IP address that another session has (IPv6)"),
    F("policy:NoServerV6_bool", "no incoming TCP connections (IPv6)"),
    F("policy:MaxIPv6_u32", "IP addresses of a session, 0: no limit (IPv6)"),
    F("policy:NoSavePassword_bool", "the client may not keep the password"),
    F("policy:AutoDisconnect_u32", "seconds after which a session is ended, 0: never"),
    F("policy:FilterIPv4_bool", "no IPv4, no ARP"),
    F("policy:FilterIPv6_bool", "no IPv6"),
    F("policy:FilterNonIP_bool", "nothing but IP and ARP"),
    F("policy:NoIPv6DefaultRouterInRA_bool", "router advertisements carry no default router"),
    F("policy:NoIPv6DefaultRouterInRAWhenIPv6_bool",
      "the same, only while the tunnel itself runs over IPv6"),
    F("policy:VLanId_u32", "VLAN that is put on and taken off, 0: none"),
    F("policy:Ver3_bool", "always true"),
    F_END,
};

static const struct rpc_area *const areas[] = {
    &rpc_area_server,  &rpc_area_hub,    &rpc_area_user,      &rpc_area_group,
    &rpc_area_session, &rpc_area_access, &rpc_area_securenat, &rpc_area_bridge,
    &rpc_area_openvpn, &rpc_area_ipsec,  &rpc_area_ban,       &rpc_area_option,
    &rpc_area_log,     &rpc_area_radius, &rpc_area_crl,       &rpc_area_totp,
};

const struct rpc_area *
rpc_area_at(unsigned i)
{
    return i < ARRAY_LEN(areas) ? areas[i] : NULL;
}

const struct rpc_method *
rpc_method_at(unsigned i)
{
    size_t left = i;

    for (size_t a = 0; a < ARRAY_LEN(areas); a++) {
        if (left < areas[a]->n)
            return &areas[a]->methods[left];
        left -= areas[a]->n;
    }
    return NULL;
}

const struct rpc_method *
rpc_method_find(const char *name)
{
    const struct rpc_method *m;

    for (unsigned i = 0; (m = rpc_method_at(i)) != NULL; i++)
        if (g_ascii_strcasecmp(m->name, name) == 0)
            return m;
    return NULL;
}

const char *
rpc_right_name(enum rpc_right right)
{
    switch (right) {
    case RPC_ANY_ADMIN:
        return "any";
    case RPC_HUB_ADMIN:
        return "hub";
    case RPC_SERVER_ADMIN:
        return "server";
    }
    return "?";
}

struct rpc_field_iter
rpc_fields(const struct rpc_field *set)
{
    return (struct rpc_field_iter){.at = {set}};
}

const struct rpc_field *
rpc_field_next(struct rpc_field_iter *it)
{
    for (;;) {
        const struct rpc_field *f = it->at[it->depth];
        if (!f->name) {
            if (it->depth == 0)
                return NULL;
            it->depth--;
            continue;
        }
        it->at[it->depth]++;
        if (!(f->flags & RPC_GROUP))
            return f;
        g_assert(it->depth + 1 < RPC_GROUP_DEPTH);
        it->at[++it->depth] = f->members;
    }
}

const struct rpc_field *
rpc_field_find(const struct rpc_field *set, const char *name)
{
    struct rpc_field_iter it = rpc_fields(set);
    const struct rpc_field *f;

    while ((f = rpc_field_next(&it)) != NULL)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

const char *
rpc_auth_type_name(uint32_t auth_type)
{
    static const char *const names[] = {
        "anonymous", "password", "certificate", "signed certificate", "RADIUS", "NT domain",
    };

    return auth_type < ARRAY_LEN(names) ? names[auth_type] : NULL;
}

const char *
rpc_nat_protocol_name(uint32_t protocol)
{
    static const char *const names[] = {"TCP", "UDP", "DNS", "ICMP"};

    return protocol < ARRAY_LEN(names) ? names[protocol] : NULL;
}
