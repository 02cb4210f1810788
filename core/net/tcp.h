/* SPDX-License-Identifier: Apache-2.0 */
/* tcp.h - TCP headers and the one option that a tunnel changes (RFC 9293). */
#pragma once

#include "core/base/drop.h"
#include "core/base/frame.h"
#include "core/base/reader.h"
#include "core/base/types.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    TCP_HEADER = 20,
    TCP_HEADER_MAX = 60,
    TCP_AT_SEQ = 4,
    TCP_AT_FLAGS = 13,
    TCP_AT_CHECKSUM = 16,
};

enum {
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_RST = 0x04,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
    TCP_URG = 0x20,
    TCP_ECE = 0x40,
    TCP_CWR = 0x80,
};

struct tcp {
    uint16_t sport;
    uint16_t dport;
    uint32_t seq;
    uint32_t ack;
    uint8_t header_len;
    uint8_t reserved; /* the four bits beside the header length; AccECN uses one */
    uint8_t flags;
    uint16_t window;
    uint16_t checksum;
    uint16_t urgent;
    struct reader options;
    struct reader body;
};

/* Takes the payload of an IP packet. */
enum drop tcp_parse(struct reader in, struct tcp *out) MUST_CHECK;

/* Whether the options have an MSS (3.7.1), and which. */
bool tcp_find_mss(struct reader options, uint16_t *ret_mss) MUST_CHECK;
/* Lowers the MSS option of a SYN whose TCP header starts at f->data + l4; the checksum follows.
 * True if it changed something. The frame is the caller's own (frame_own). */
bool tcp_clamp_mss(struct frame *f, size_t l4, uint16_t mss);

/* a comes before b in sequence space. */
static inline bool
tcp_seq_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}
