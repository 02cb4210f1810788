/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - numbers of PPP (RFC 1661 and the protocols on it). */
#pragma once

enum ppp_protocol {
    PPP_IP4 = 0x0021,
    PPP_IP6 = 0x0057,
    PPP_IPCP = 0x8021,
    PPP_IPV6CP = 0x8057,
    PPP_LCP = 0xc021,
    PPP_PAP = 0xc023,
    PPP_CHAP = 0xc223,
};

enum ppp_code {
    PPP_CONFIGURE_REQUEST = 1,
    PPP_CONFIGURE_ACK,
    PPP_CONFIGURE_NAK,
    PPP_CONFIGURE_REJECT,
    PPP_TERMINATE_REQUEST,
    PPP_TERMINATE_ACK,
    PPP_CODE_REJECT,
    PPP_PROTOCOL_REJECT, /* from here on: LCP alone */
    PPP_ECHO_REQUEST,
    PPP_ECHO_REPLY,
    PPP_DISCARD_REQUEST,
    PPP_IDENTIFICATION, /* RFC 1570 */
    PPP_TIME_REMAINING,
};

enum {
    PPP_HEADER = 4,         /* code, id, length */
    PPP_FRAME_HEADER = 4,   /* FF 03 and the protocol */
    PPP_CONTROL_MAX = 1500, /* a control packet that is longer is not looked at */
    PPP_MRU_MIN = 576,
    PPP_MRU_DEFAULT = 1500,
};
