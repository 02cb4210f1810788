/* SPDX-License-Identifier: Apache-2.0 */
/* methods_securenat.c - the table of methods: the virtual host of a hub (NAT and DHCP). */
#include "core/rpc/wire/table.h"

static const struct rpc_field hub_only[] = {
    F("HubName_str", "hub"),
    F_END,
};

static const struct rpc_field hub_of_option[] = {
    F("RpcHubName_str", "hub"),
    F_END,
};

const struct rpc_field rpc_securenat_options[] = {
    F("RpcHubName_str", "hub"),
    F("MacAddress_bin", "hardware address of the virtual host"),
    F("Ip_ip", "its IPv4 address"),
    F("Mask_ip", "netmask"),
    F("UseNat_bool", "address translation on"),
    F("Mtu_u32", "longest IP packet, 576 to 1500"),
    F("NatTcpTimeout_u32", "seconds that an idle TCP flow is kept"),
    F("NatUdpTimeout_u32", "seconds that an idle UDP flow is kept"),
    F("UseDhcp_bool", "DHCP server on"),
    F("DhcpLeaseIPStart_ip", "first address of the pool"),
    F("DhcpLeaseIPEnd_ip", "last address of the pool"),
    F("DhcpSubnetMask_ip", "netmask told to clients"),
    F("DhcpExpireTimeSpan_u32", "seconds that a lease is valid"),
    F("DhcpGatewayAddress_ip", "gateway told to clients; empty: none"),
    F("DhcpDnsServerAddress_ip", "DNS server told to clients; empty: none"),
    F("DhcpDnsServerAddress2_ip", "second DNS server; empty: none"),
    F("DhcpDomainName_str", "domain told to clients; empty: none"),
    F("SaveLog_bool", "flows are logged"),
    F("ApplyDhcpPushRoutes_bool", "the routes are told to clients"),
    F("DhcpPushRoutes_str", "routes as NETWORK/MASK/GATEWAY, with commas between"),
    F_OURS("NatMode_u32", "0 the best that works, 1 by sockets, 2 by the kernel"),
    F_OURS("UseIp6_bool", "router advertisements and translation for IPv6"),
    F_OURS("Prefix6_str", "IPv6 network of the hub, a /64"),
    F_OURS("UseDhcp6_bool", "DHCPv6 gives addresses, too"),
    F_OURS("Reservations_str", "fixed leases as MAC=ADDRESS, with commas between"),
    F_END,
};

static const struct rpc_field nat_rows[] = {
    F("Id_u32", "number of the flow"),
    F("Protocol_u32", "0 TCP, 1 UDP, 2 DNS, 3 ICMP"),
    F("SrcIp_ip", "address of the client"),
    F("SrcHost_str", "the same as text"),
    F("SrcPort_u32", "port of the client"),
    F("DestIp_ip", "address outside"),
    F("DestHost_str", "the same as text"),
    F("DestPort_u32", "port outside"),
    F("CreatedTime_dt", "begin"),
    F("LastCommTime_dt", "last packet"),
    F("SendSize_u64", "bytes from the client"),
    F("RecvSize_u64", "bytes to the client"),
    F("TcpStatus_u32", "0 connecting, 1 to be reset, 2 connected, 3 established, 4 closing"),
    F_END,
};

static const struct rpc_field enum_nat_out[] = {
    F("HubName_str", "hub"),
    F_LIST("NatTable", "flows", nat_rows),
    F_END,
};

static const struct rpc_field dhcp_rows[] = {
    F("Id_u32", "number in the list"),
    F("LeasedTime_dt", "given"),
    F("ExpireTime_dt", "end of the lease"),
    F("MacAddress_bin", "hardware address of the client"),
    F("IpAddress_ip", "address"),
    F("Mask_u32", "netmask as a number, as the API has it"),
    F("Hostname_str", "name that the client gave"),
    F_END,
};

static const struct rpc_field enum_dhcp_out[] = {
    F("HubName_str", "hub"),
    F_LIST("DhcpTable", "leases", dhcp_rows),
    F_END,
};

static const struct rpc_field status_out[] = {
    F("HubName_str", "hub"),
    F("NumTcpSessions_u32", "TCP flows"),
    F("NumUdpSessions_u32", "UDP flows"),
    F("NumIcmpSessions_u32", "ICMP flows"),
    F("NumDnsSessions_u32", "DNS flows"),
    F("NumDhcpClients_u32", "leases"),
    F("IsKernelMode_bool", "the kernel translates"),
    F("IsRawIpMode_bool", "always false"),
    F_OURS("Reason_str", "why it translates in this way"),
    F_END,
};

static const struct rpc_method methods[] = {
    {"EnableSecureNAT", RPC_HUB_ADMIN, "starts the virtual host of a hub", hub_only, hub_only, NULL,
     true},
    {"DisableSecureNAT", RPC_HUB_ADMIN, "stops the virtual host of a hub", hub_only, hub_only, NULL,
     true},
    {"SetSecureNATOption", RPC_HUB_ADMIN, "changes the virtual host of a hub",
     rpc_securenat_options, rpc_securenat_options, "RpcHubName_str", true},
    {"GetSecureNATOption", RPC_HUB_ADMIN, "options of the virtual host of a hub", hub_of_option,
     rpc_securenat_options, "RpcHubName_str", false},
    {"EnumNAT", RPC_HUB_ADMIN, "flows through the virtual host of a hub", hub_only, enum_nat_out,
     NULL, false},
    {"EnumDHCP", RPC_HUB_ADMIN, "leases that the virtual host of a hub gave", hub_only,
     enum_dhcp_out, NULL, false},
    {"GetSecureNATStatus", RPC_HUB_ADMIN, "how the virtual host of a hub does", hub_only,
     status_out, NULL, false},
};

const struct rpc_area rpc_area_securenat = {"Virtual NAT and DHCP", methods, ARRAY_LEN(methods)};
