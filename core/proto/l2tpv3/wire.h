/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - L2TPv3's control messages and what they say of Ethernet (RFC 3931, 3.2.1 and 5; 4719).
 *
 * Cisco's attributes of the time before the RFC (vendor 9) mean the same under other numbers, and
 * are read into the same fields.
 */
#pragma once

#include "core/base/reader.h"
#include "core/base/types.h"
#include "core/base/writer.h"
#include "core/proto/reliable.h"
#include "core/proto/router.h"

#include <stdbool.h>
#include <stdint.h>

enum l2tpv3_type {
    L2TPV3_ZLB = 0, /* no message at all */
    L2TPV3_SCCRQ = 1,
    L2TPV3_SCCRP = 2,
    L2TPV3_SCCCN = 3,
    L2TPV3_STOPCCN = 4,
    L2TPV3_HELLO = 6,
    L2TPV3_OCRQ = 7,
    L2TPV3_ICRQ = 10,
    L2TPV3_ICRP = 11,
    L2TPV3_ICCN = 12,
    L2TPV3_CDN = 14,
    L2TPV3_WEN = 15,
    L2TPV3_SLI = 16,
    L2TPV3_ACK = 20,
};

enum l2tpv3_avp {
    L2TPV3_AVP_TYPE = 0,
    L2TPV3_AVP_RESULT = 1,
    L2TPV3_AVP_HOST_NAME = 7,
    L2TPV3_AVP_VENDOR_NAME = 8,
    L2TPV3_AVP_WINDOW = 10,
    L2TPV3_AVP_ROUTER_ID = 60,
    L2TPV3_AVP_CONNECTION = 61,
    L2TPV3_AVP_PW_CAPABILITIES = 62,
    L2TPV3_AVP_LOCAL_SESSION = 63,
    L2TPV3_AVP_REMOTE_SESSION = 64,
    L2TPV3_AVP_COOKIE = 65,
    L2TPV3_AVP_REMOTE_END = 66,
    L2TPV3_AVP_PW_TYPE = 68,
    L2TPV3_AVP_SUBLAYER = 69,
    L2TPV3_AVP_CIRCUIT_STATUS = 71,
};

enum l2tpv3_cisco_avp {
    L2TPV3_CISCO_CONNECTION = 1,
    L2TPV3_CISCO_PW_CAPABILITIES = 2,
    L2TPV3_CISCO_LOCAL_SESSION = 3,
    L2TPV3_CISCO_REMOTE_SESSION = 4,
    L2TPV3_CISCO_COOKIE = 5,
    L2TPV3_CISCO_REMOTE_END = 6,
    L2TPV3_CISCO_PW_TYPE = 7,
    L2TPV3_CISCO_CIRCUIT_STATUS = 8,
    L2TPV3_CISCO_DRAFT_VERSION = 10,
};

enum {
    L2TPV3_VENDOR_CISCO = 9,
    L2TPV3_HEADER = RELIABLE_HEADER,
    L2TPV3_CONTROL_BITS = 0xc803, /* T, L, S, version 3 */
    L2TPV3_BIT_CONTROL = 0x8000,
    L2TPV3_VERSION = 3,
    L2TPV3_PW_VLAN = 4,
    L2TPV3_PW_ETHERNET = 5,
    L2TPV3_CIRCUIT_ACTIVE = 1,
    L2TPV3_CIRCUIT_NEW = 2,
    L2TPV3_SUBLAYER_LEN = 4, /* the default one */
    /* Result codes: StopCCN's, then CDN's. */
    L2TPV3_STOP_CLEAR = 1,
    L2TPV3_STOP_SHUTDOWN = 6,
    L2TPV3_CDN_ADMINISTRATIVE = 3,
    L2TPV3_CDN_NO_FACILITIES = 4,
    L2TPV3_CDN_PW_TYPE = 14,
};

/* Borrows from the packet. What was not there is zero. */
struct l2tpv3_message {
    uint32_t connection; /* the receiver's */
    uint16_t ns, nr;
    enum l2tpv3_type type;
    bool is_ack; /* tells Nr and nothing else */
    bool cisco;  /* attributes of before the RFC */
    bool has_pw_type, has_remote_session;
    uint32_t assigned_connection, local_session, remote_session;
    uint16_t window, pw_type, sublayer, circuit_status, result;
    uint8_t cookie_len; /* 0, 4, 8 */
    uint8_t cookie[ROUTER_COOKIE_MAX];
    struct reader host_name, vendor_name, remote_end;
};

/* A control packet, header first. False: malformed; *out is as it was. */
bool l2tpv3_parse(struct reader packet, struct l2tpv3_message *out) MUST_CHECK;

/* Builds a message. Ns and Nr are the reliable channel's to fill in. */
struct l2tpv3_builder {
    struct writer w;
    uint8_t bytes[RELIABLE_MESSAGE_MAX];
};
/* ZLB: the header alone. */
void l2tpv3_begin(struct l2tpv3_builder *b, uint32_t connection, enum l2tpv3_type type);
void
l2tpv3_put(struct l2tpv3_builder *b, uint16_t vendor, uint16_t avp, const void *value, size_t len);
void l2tpv3_put16(struct l2tpv3_builder *b, uint16_t avp, uint16_t value);
/* With cisco of nonzero: a second time under that number. */
void l2tpv3_put32(struct l2tpv3_builder *b, uint16_t avp, uint16_t cisco, uint32_t value);
/* The finished message; failed if it did not fit. */
struct reader l2tpv3_end(struct l2tpv3_builder *b);
