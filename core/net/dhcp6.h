/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp6.h - DHCPv6 messages (RFC 8415) as far as hosts with one IA_NA need them. */
#pragma once

#include "core/base/drop.h"
#include "core/base/reader.h"
#include "core/base/types.h"
#include "core/base/writer.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    DHCP6_CLIENT_PORT = 546,
    DHCP6_SERVER_PORT = 547,
    DHCP6_DUID_MAX = 130,
    DHCP6_MESSAGE_MAX = 1232, /* the smallest MTU of IPv6 without its headers */
};

enum dhcp6_type {
    DHCP6_SOLICIT = 1,
    DHCP6_ADVERTISE,
    DHCP6_REQUEST,
    DHCP6_CONFIRM,
    DHCP6_RENEW,
    DHCP6_REBIND,
    DHCP6_REPLY,
    DHCP6_RELEASE,
    DHCP6_DECLINE,
    DHCP6_RECONFIGURE,
    DHCP6_INFORMATION_REQUEST,
};

enum dhcp6_option {
    DHCP6_OPT_CLIENT_ID = 1,
    DHCP6_OPT_SERVER_ID = 2,
    DHCP6_OPT_IA_NA = 3,
    DHCP6_OPT_IA_ADDR = 5,
    DHCP6_OPT_ORO = 6,
    DHCP6_OPT_PREFERENCE = 7,
    DHCP6_OPT_ELAPSED = 8,
    DHCP6_OPT_STATUS = 13,
    DHCP6_OPT_RAPID_COMMIT = 14,
    DHCP6_OPT_DNS = 23,
    DHCP6_OPT_DOMAINS = 24,
    DHCP6_OPT_IA_PD = 25,
};

enum dhcp6_status {
    DHCP6_SUCCESS = 0,
    DHCP6_UNSPEC_FAIL,
    DHCP6_NO_ADDRS,
    DHCP6_NO_BINDING,
    DHCP6_NOT_ON_LINK,
    DHCP6_USE_MULTICAST,
    DHCP6_NO_PREFIX,
};

struct dhcp6_message {
    uint8_t type;
    uint32_t transaction; /* 24 bits */
    struct reader options;
};

struct dhcp6_ia {
    uint32_t iaid, t1_s, t2_s;
    struct reader options;
};

struct dhcp6_address {
    uint8_t ip[16];
    uint32_t preferred_s, valid_s;
    struct reader options;
};

/* Also checks that the options lie whole in the message. Relay messages are DROP_MALFORMED. */
enum drop dhcp6_parse(struct reader in, struct dhcp6_message *out) MUST_CHECK;
/* The next option of a list that was checked; false at its end. */
bool dhcp6_next_option(struct reader *options, uint16_t *code, struct reader *value);
/* The first of that code. */
bool dhcp6_find_option(struct reader options, uint16_t code, struct reader *value);
enum drop dhcp6_parse_ia(struct reader value, struct dhcp6_ia *out) MUST_CHECK;
enum drop dhcp6_parse_address(struct reader value, struct dhcp6_address *out) MUST_CHECK;

void dhcp6_write_header(struct writer *w, uint8_t type, uint32_t transaction);
void dhcp6_write_option(struct writer *w, uint16_t code, const void *bytes, size_t len);
/* Options that hold options: begin, write inside, end with what begin returned. */
size_t dhcp6_begin_option(struct writer *w, uint16_t code);
void dhcp6_end_option(struct writer *w, size_t mark);
