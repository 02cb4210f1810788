/* SPDX-License-Identifier: Apache-2.0 */
/* policy.h - what a user may do, as values. The names are those of the SE-VPN protocol and of the
 * API (policy:Access_bool, ...); one list makes the struct, the store's columns, the API's fields
 * and the welcome's elements. 0 is "no limit" for the numbers. Enforcement is the hub's.
 */
#pragma once

#include <stdint.h>

/* X(name, kind, default): kind is bool or u32. */
#define POLICY_ITEMS(X)                         \
    X(Access, bool, 1)                          \
    X(DHCPFilter, bool, 0)                      \
    X(DHCPNoServer, bool, 0)                    \
    X(DHCPForce, bool, 0)                       \
    X(NoBridge, bool, 0)                        \
    X(NoRouting, bool, 0)                       \
    X(PrivacyFilter, bool, 0)                   \
    X(NoServer, bool, 0)                        \
    X(CheckMac, bool, 0)                        \
    X(CheckIP, bool, 0)                         \
    X(ArpDhcpOnly, bool, 0)                     \
    X(MonitorPort, bool, 0)                     \
    X(NoBroadcastLimiter, bool, 0)              \
    X(FixPassword, bool, 0)                     \
    X(NoQoS, bool, 0)                           \
    X(MaxConnection, u32, 32)                   \
    X(TimeOut, u32, 20)                         \
    X(MaxMac, u32, 0)                           \
    X(MaxIP, u32, 0)                            \
    X(MaxUpload, u32, 0)                        \
    X(MaxDownload, u32, 0)                      \
    X(MultiLogins, u32, 0)                      \
    X(RSandRAFilter, bool, 0)                   \
    X(RAFilter, bool, 0)                        \
    X(DHCPv6Filter, bool, 0)                    \
    X(DHCPv6NoServer, bool, 0)                  \
    X(NoRoutingV6, bool, 0)                     \
    X(CheckIPv6, bool, 0)                       \
    X(NoServerV6, bool, 0)                      \
    X(MaxIPv6, u32, 0)                          \
    X(NoSavePassword, bool, 0)                  \
    X(AutoDisconnect, u32, 0)                   \
    X(FilterIPv4, bool, 0)                      \
    X(FilterIPv6, bool, 0)                      \
    X(FilterNonIP, bool, 0)                     \
    X(NoIPv6DefaultRouterInRA, bool, 0)         \
    X(NoIPv6DefaultRouterInRAWhenIPv6, bool, 0) \
    X(VLanId, u32, 0)                           \
    X(Ver3, bool, 1)

enum policy_item {
#define X(name, kind, value) POLICY_##name,
    POLICY_ITEMS(X)
#undef X
        POLICY_N_ITEMS
};

/* The name as it stands in the API and in logs: "NoServer"; NULL beyond the last one. */
static inline const char *
policy_item_name(unsigned item)
{
    static const char *const names[POLICY_N_ITEMS] = {
#define X(name, kind, value) [POLICY_##name] = #name,
        POLICY_ITEMS(X)
#undef X
    };
    return item < POLICY_N_ITEMS ? names[item] : 0;
}

struct policy {
#define X(name, kind, value) uint32_t name;
    POLICY_ITEMS(X)
#undef X
};

static inline struct policy
policy_default(void)
{
    return (struct policy){
#define X(name, kind, value) .name = (value),
        POLICY_ITEMS(X)
#undef X
    };
}
