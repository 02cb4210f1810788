/* SPDX-License-Identifier: Apache-2.0 */
/* ip.h - protocol numbers that IPv4 and IPv6 share (IANA). */
#pragma once

enum {
    IP_PROTO_HOP_BY_HOP = 0,
    IP_PROTO_ICMP = 1,
    IP_PROTO_IGMP = 2,
    IP_PROTO_TCP = 6,
    IP_PROTO_UDP = 17,
    IP_PROTO_ROUTING = 43,
    IP_PROTO_FRAGMENT = 44,
    IP_PROTO_GRE = 47,
    IP_PROTO_ESP = 50,
    IP_PROTO_AH = 51,
    IP_PROTO_ICMP6 = 58,
    IP_PROTO_NONE = 59,
    IP_PROTO_DESTINATION = 60,
    IP_PROTO_ETHERIP = 97,
    IP_PROTO_L2TP = 115,
};
