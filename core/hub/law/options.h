/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - extended options of a hub: their names, defaults, and what they do here.
 *
 * The names are those that administration tools know. A hub holds them as an immutable snapshot
 * that is swapped as a whole; the data path reads them directly.
 */
#pragma once

#include "core/base/types.h"

#include <stdbool.h>
#include <stdint.h>

/* X(name, default, largest, what it does). What has no meaning in this implementation says so. */
#define HUB_OPTIONS(X)                                                                           \
    X(NoAddressPollingIPv4, 0, 1, "does not apply: learned addresses are never polled")          \
    X(NoAddressPollingIPv6, 0, 1, "does not apply: learned addresses are never polled")          \
    X(NoIpTable, 0, 1,                                                                           \
      "no IP addresses are learned; DHCPForce, CheckIP, CheckIPv6, MaxIP, MaxIPv6, NoRouting "   \
      "and NoRoutingV6 do not act")                                                              \
    X(NoMacAddressLog, 1, 1, "does not apply: new MAC addresses are never logged")               \
    X(ManageOnlyPrivateIP, 1, 1, "only private IPv4 addresses are learned")                      \
    X(ManageOnlyLocalUnicastIPv6, 1, 1, "only link-local IPv6 addresses are learned")            \
    X(DisableIPParsing, 0, 1, "does not apply: IP is looked at where something asks for it")     \
    X(YieldAfterStorePacket, 0, 1, "does not apply: frames go in batches")                       \
    X(NoSpinLockForPacketDelay, 0, 1, "does not apply: there are no such locks")                 \
    X(BroadcastStormDetectionThreshold, 0, 1000000,                                              \
      "broadcasts a second that a session may send; 0: 1000")                                    \
    X(BroadcastLimiterStrictMode, 0, 1, "does not apply: a session's broadcasts count as one")   \
    X(ClientMinimumRequiredBuild, 0, UINT32_MAX,                                                 \
      "does not apply: clients are not asked for their build")                                   \
    X(RequiredClientId, 0, UINT32_MAX, "does not apply: clients send no such number")            \
    X(FilterPPPoE, 0, 1, "PPPoE frames are dropped")                                             \
    X(FilterOSPF, 0, 1, "OSPF packets are dropped")                                              \
    X(FilterIPv4, 0, 1, "IPv4 and ARP frames are dropped")                                       \
    X(FilterIPv6, 0, 1, "IPv6 frames are dropped")                                               \
    X(FilterNonIP, 0, 1, "all frames but IPv4, ARP and IPv6 are dropped, tagged ones too")       \
    X(FilterBPDU, 0, 1, "spanning tree frames are dropped")                                      \
    X(NoIPv4PacketLog, 0, 1, "does not apply: see SetHubLog")                                    \
    X(NoIPv6PacketLog, 0, 1, "does not apply: see SetHubLog")                                    \
    X(NoDhcpPacketLogOutsideHub, 1, 1, "does not apply: see SetHubLog")                          \
    X(NoPhysicalIPOnPacketLog, 0, 1, "does not apply: the packet log has no such addresses")     \
    X(MaxLoggedPacketsPerMinute, 0, UINT32_MAX,                                                  \
      "does not apply: lines that are too many are dropped and counted")                         \
    X(DoNotSaveHeavySecurityLogs, 0, 1, "does not apply: frequent events are thinned out")       \
    X(DisableHttpParsing, 0, 1, "does not apply: see SetHubLog")                                 \
    X(NoIPv6DefaultRouterInRAWhenIPv6, 0, 1,                                                     \
      "router advertisements give no default route to sessions that come over IPv6")             \
    X(NoLookBPDUBridgeId, 0, 1, "does not apply: spanning tree frames are learned by address")   \
    X(FixForDLinkBPDU, 0, 1, "does not apply: spanning tree frames are learned by address")      \
    X(NoManageVlanId, 0, 1, "the VLAN does not count when MAC addresses are learned")            \
    X(VlanTypeId, 0x8100, 0xffff, "Ethernet type of VLAN tags that the hub puts on")             \
    X(AdjustTcpMssValue, 0, 9000, "largest TCP segment that connections agree on; 0: as it is")  \
    X(DisableAdjustTcpMss, 0, 1, "AdjustTcpMssValue does not act")                               \
    X(DisableUdpAcceleration, 0, 1, "does not apply: there is no UDP acceleration yet")          \
    X(DisableUdpFilterForLocalBridgeNic, 0, 1, "does not apply: nothing is filtered there")      \
    X(ApplyIPv4AccessListOnArpPacket, 0, 1, "IPv4 access rules act on ARP, too")                 \
    X(RemoveDefGwOnDhcpForLocalhost, 1, 1, "does not apply: answers of DHCP are not changed")    \
    X(SecureNAT_MaxTcpSessionsPerIp, 0, UINT32_MAX, "does not apply: SecureNAT has own limits")  \
    X(SecureNAT_MaxTcpSynSentPerIp, 0, UINT32_MAX, "does not apply: SecureNAT has own limits")   \
    X(SecureNAT_MaxUdpSessionsPerIp, 0, UINT32_MAX, "does not apply: SecureNAT has own limits")  \
    X(SecureNAT_MaxDnsSessionsPerIp, 0, UINT32_MAX, "does not apply: SecureNAT has own limits")  \
    X(SecureNAT_MaxIcmpSessionsPerIp, 0, UINT32_MAX, "does not apply: SecureNAT has own limits") \
    X(SecureNAT_RandomizeAssignIp, 0, 1, "does not apply: addresses follow from the machine")    \
    X(AccessListIncludeFileCacheLifetime, 30, UINT32_MAX,                                        \
      "does not apply: access rules include no files")                                           \
    X(DisableKernelModeSecureNAT, 0, 1, "does not apply: SecureNAT has its mode as a setting")   \
    X(DisableIpRawModeSecureNAT, 0, 1, "does not apply: SecureNAT has its mode as a setting")    \
    X(DisableUserModeSecureNAT, 0, 1, "does not apply: SecureNAT has its mode as a setting")     \
    X(DisableCheckMacOnLocalBridge, 0, 1, "does not apply: bridges see no frames of their own")  \
    X(DisableCorrectIpOffloadChecksum, 0, 1,                                                     \
      "does not apply: checksums left to an adapter "                                            \
      "are always completed")                                                                    \
    X(DropBroadcastsInPrivacyFilterMode, 1, 1, "PrivacyFilter is for broadcasts, too")           \
    X(DropArpInPrivacyFilterMode, 1, 1, "PrivacyFilter is for ARP, too")                         \
    X(AllowSameUserInPrivacyFilterMode, 0, 1,                                                    \
      "sessions of one user may talk in spite of "                                               \
      "PrivacyFilter")                                                                           \
    X(SuppressClientUpdateNotification, 0, 1, "does not apply: no notices are sent")             \
    X(FloodingSendQueueBufferQuota, 33554432, UINT32_MAX,                                        \
      "does not apply: each queue has a bound of its own")                                       \
    X(AssignVLanIdByRadiusAttribute, 0, 1, "does not apply: a VLAN from RADIUS always counts")   \
    X(DenyAllRadiusLoginWithNoVlanAssign, 0, 1, "does not apply: RADIUS users need no VLAN")     \
    X(DetectDormantSessionInterval, 0, 86400,                                                    \
      "seconds of silence after which a session gets no flooded frames; 0: never")               \
    X(UseHubNameAsDhcpUserClassOption, 0, 1, "does not apply: DHCP requests tell no class")      \
    X(UseHubNameAsRadiusNasId, 0, 1, "does not apply: see SetHubRadius")                         \
    X(AllowEapMatchUserByCert, 0, 1, "does not apply: EAP does not ask for certificates")        \
    X(DhcpDiscoverTimeoutMs, 8000, 60000, "does not apply: the wait is 8 s")

struct hub_options {
#define X(name, value, largest, what) uint32_t name;
    HUB_OPTIONS(X)
#undef X
};

enum hub_option {
#define X(name, value, largest, what) HUB_OPTION_##name,
    HUB_OPTIONS(X)
#undef X
        HUB_N_OPTIONS
};

struct hub_options hub_options_default(void);

struct hub_option_info {
    const char *name;
    const char *what;
    uint32_t value, largest; /* value: the default */
};
/* The options in their order; NULL beyond the last one. */
const struct hub_option_info *hub_option_info(unsigned i);
/* Which option has this name, case as it may be; HUB_N_OPTIONS: none. */
unsigned hub_option_find(const char *name);
uint32_t hub_option_get(const struct hub_options *o, unsigned i);
/* False: it is larger than it may be. */
bool hub_option_set(struct hub_options *o, unsigned i, uint32_t value) MUST_CHECK;

/* The kinds of frames (kinds.h) that no port of the hub may send. */
uint32_t hub_options_forbid(const struct hub_options *o);
