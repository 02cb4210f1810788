/* SPDX-License-Identifier: Apache-2.0 */
/* icmp.h - ICMP (RFC 792) and ICMPv6 (RFC 4443, 4861): the header that all messages share. */
#pragma once

#include "core/base/drop.h"
#include "core/base/reader.h"
#include "core/base/types.h"
#include "core/base/writer.h"

#include <stdint.h>

enum { ICMP_HEADER = 8 };

enum {
    ICMP4_ECHO_REPLY = 0,
    ICMP4_UNREACHABLE = 3,
    ICMP4_ECHO = 8,
    ICMP4_TIME_EXCEEDED = 11,
    ICMP4_CODE_TOO_BIG = 4, /* of unreachable: the MTU is in the low half of rest (RFC 1191, 4) */
};

enum {
    ICMP6_UNREACHABLE = 1,
    ICMP6_TOO_BIG = 2, /* rest is the MTU */
    ICMP6_TIME_EXCEEDED = 3,
    ICMP6_ECHO = 128,
    ICMP6_ECHO_REPLY = 129,
    ICMP6_ROUTER_SOLICITATION = 133,
    ICMP6_ROUTER_ADVERTISEMENT = 134,
    ICMP6_NEIGHBOUR_SOLICITATION = 135,
    ICMP6_NEIGHBOUR_ADVERTISEMENT = 136,
    ICMP6_REDIRECT = 137,
};

struct icmp {
    uint8_t type;
    uint8_t code;
    uint16_t checksum;
    uint32_t rest; /* identifier and sequence number of an echo, an MTU, flags */
    struct reader body;
};

/* Takes the payload of an IP packet. Does not judge the checksum. */
enum drop icmp_parse(struct reader in, struct icmp *out) MUST_CHECK;
/* Header and a copy of the body. sum: 0 for ICMP, the pseudo header's for ICMPv6 (RFC 4443, 2.3),
 * see checksum.h. */
void icmp_write(struct writer *w, const struct icmp *icmp, uint64_t sum);
