/* SPDX-License-Identifier: Apache-2.0 */
/* methods_access.c - the table of methods: access rules, sets of addresses, and from where clients
 * may come. */
#include "core/rpc/wire/table.h"

static const struct rpc_field hub_name[] = {
    F("HubName_str", "hub"),
    F_END,
};

#define RULE_FIELDS                                                                             \
    F("Id_u32", "number of the rule, which stays with it"), F("Note_utf", "remark"),            \
        F("Active_bool", "in force"),                                                           \
        F("Priority_u32",                                                                       \
          "1 and up, small ones are asked first; 0 when added: behind the others"),             \
        F("Discard_bool", "what matches is discarded; else it passes"),                         \
        F("IsIPv6_bool", "the addresses, protocol and ports are IPv6's"),                       \
        F("SrcIpAddress_ip", "source address, IPv4; with mask 0.0.0.0: any"),                   \
        F("SrcSubnetMask_ip", "bits of it that count"),                                         \
        F("DestIpAddress_ip", "destination address, IPv4"),                                     \
        F("DestSubnetMask_ip", "bits of it that count"),                                        \
        F("SrcIpAddress6_bin", "source address, IPv6, 16 bytes; all zero with mask zero: any"), \
        F("SrcSubnetMask6_bin", "bits of it that count"),                                       \
        F("DestIpAddress6_bin", "destination address, IPv6"),                                   \
        F("DestSubnetMask6_bin", "bits of it that count"),                                      \
        F_OURS("SrcAddressSet_str", "instead of a source address: a set, of both families"),    \
        F_OURS("DestAddressSet_str", "instead of a destination address: a set"),                \
        F("Protocol_u32", "of IP: 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6; 0: any"),                   \
        F("SrcPortStart_u32", "source port, the first of a range; 0: any"),                     \
        F("SrcPortEnd_u32", "the last; 0: the same"),                                           \
        F("DestPortStart_u32", "destination port, the first of a range; 0: any"),               \
        F("DestPortEnd_u32", "the last; 0: the same"),                                          \
        F("SrcUsername_str", "user or group of the session that sends; empty: any"),            \
        F("DestUsername_str", "user or group of the session that receives; empty: any"),        \
        F("CheckSrcMac_bool", "the source MAC address counts"),                                 \
        F("SrcMacAddress_bin", "source MAC address, 6 bytes"),                                  \
        F("SrcMacMask_bin", "bits of it that count"),                                           \
        F("CheckDstMac_bool", "the destination MAC address counts"),                            \
        F("DstMacAddress_bin", "destination MAC address, 6 bytes"),                             \
        F("DstMacMask_bin", "bits of it that count"),                                           \
        F("CheckTcpState_bool", "only TCP, and of that:"),                                      \
        F("Established_bool", "packets of connections; else those that open one"),              \
        F("Delay_u32", "milliseconds that what passes waits, up to 10000"),                     \
        F("Jitter_u32", "percent by which the delay varies"),                                   \
        F("Loss_u32", "percent of what passes that is lost"),                                   \
        F("RedirectUrl_str", "HTTP connections are sent to this URL instead")

static const struct rpc_field rule_in[] = {RULE_FIELDS, F_END};

static const struct rpc_field rule_out[] = {
    RULE_FIELDS,
    F_OURS("Rule_utf", "the rule in words"),
    F_OURS("Hits_u64", "frames that it decided"),
    F_END,
};

static const struct rpc_field list_in[] = {
    F("HubName_str", "hub"),
    F_LIST("AccessList", "rules; one with the number of a rule that is there keeps it", rule_in),
    F_END,
};

static const struct rpc_field list_out[] = {
    F("HubName_str", "hub"),
    F_LIST("AccessList", "rules", rule_out),
    F_END,
};

static const struct rpc_field single_in[] = {
    F("HubName_str", "hub"),
    F_LIST("AccessListSingle", "exactly one rule", rule_in),
    F_END,
};

static const struct rpc_field single_out[] = {
    F("HubName_str", "hub"),
    F_LIST("AccessListSingle", "the rule", rule_out),
    F_END,
};

static const struct rpc_field delete_fields[] = {
    F("HubName_str", "hub"),
    F("Id_u32", "number of the rule"),
    F_END,
};

static const struct rpc_field test_in[] = {
    F("HubName_str", "hub"),
    F_OPT("SrcUsername_str", "user of the session that sends"),
    F_OPT("DestUsername_str", "user of the session that receives; left out: not known yet"),
    F("SrcIpAddress_ip", "source address, IPv4 or IPv6"),
    F("DestIpAddress_ip", "destination address, of the same family"),
    F_OPT("Protocol_u32", "of IP; left out: TCP"),
    F_OPT("SrcPort_u32", "source port"),
    F_OPT("DestPort_u32", "destination port"),
    F_OPT("Established_bool", "TCP: not the first packet of a connection"),
    F_OPT("SrcMacAddress_bin", "source MAC address, 6 bytes"),
    F_OPT("DestMacAddress_bin", "destination MAC address"),
    F_END,
};

static const struct rpc_field test_out[] = {
    F("HubName_str", "hub"),
    F("Verdict_str", "pass, discard, or undecided: it depends on who receives it"),
    F("Id_u32", "rule that decided; 0: none matches, so it passes"),
    F("Rule_utf", "the rule in words"),
    F_END,
};

static const struct rpc_field set_rows[] = {
    F("Name_str", "name, in small letters"),
    F("NumAddresses_u32", "addresses and networks in it"),
    F("Addresses_str", "the addresses and networks, with spaces between"),
    F_END,
};

static const struct rpc_field sets_out[] = {
    F("HubName_str", "hub"),
    F_LIST("AddressSetList", "sets", set_rows),
    F_END,
};

static const struct rpc_field set_fields[] = {
    F("HubName_str", "hub"),
    F("Name_str", "name: letters, digits, '.', '-', '_'"),
    F("Addresses_str", "IPv4 and IPv6 addresses and networks, with spaces or commas between"),
    F_END,
};

static const struct rpc_field set_name[] = {
    F("HubName_str", "hub"),
    F("Name_str", "name"),
    F_END,
};

static const struct rpc_field source_rows[] = {
    F("Id_u32", "number of the rule"),
    F("Priority_u32", "1 and up; small ones are asked first"),
    F("Deny_bool", "clients of this address may not log in; else they may"),
    F("Masked_bool", "a network; else one address"),
    F("IpAddress_ip", "address, IPv4 or IPv6"),
    F("SubnetMask_ip", "mask of the network"),
    F_END,
};

static const struct rpc_field sources[] = {
    F("HubName_str", "hub"),
    F_LIST("ACList", "rules; an address of which none speaks may come", source_rows),
    F_END,
};

static const struct rpc_method methods[] = {
    {"EnumAccess", RPC_HUB_ADMIN, "access rules of a hub", hub_name, list_out, NULL, false},
    {"AddAccess", RPC_HUB_ADMIN, "adds an access rule", single_in, single_out, NULL, true},
    {"SetAccess", RPC_HUB_ADMIN, "replaces the access rule of this number", single_in, single_out,
     NULL, true},
    {"DeleteAccess", RPC_HUB_ADMIN, "removes an access rule", delete_fields, delete_fields, NULL,
     true},
    {"SetAccessList", RPC_HUB_ADMIN, "replaces all access rules", list_in, list_out, NULL, true},
    {"TestAccess", RPC_HUB_ADMIN, "whether a packet would pass, and by which rule", test_in,
     test_out, NULL, false},
    {"EnumAddressSet", RPC_HUB_ADMIN, "sets of addresses that access rules may name", hub_name,
     sets_out, NULL, false},
    {"SetAddressSet", RPC_HUB_ADMIN, "makes a set of addresses, or replaces it", set_fields,
     set_fields, NULL, true},
    {"DeleteAddressSet", RPC_HUB_ADMIN, "removes a set that no rule names", set_name, set_name,
     NULL, true},
    {"GetAcList", RPC_HUB_ADMIN, "from where clients may log in", hub_name, sources, NULL, false},
    {"SetAcList", RPC_HUB_ADMIN, "replaces from where clients may log in", sources, sources, NULL,
     true},
};

const struct rpc_area rpc_area_access = {"Access rules", methods, ARRAY_LEN(methods)};
