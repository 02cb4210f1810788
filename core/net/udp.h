/* SPDX-License-Identifier: Apache-2.0 */
/* udp.h - UDP headers (RFC 768). */
#pragma once

#include "core/base/drop.h"
#include "core/base/reader.h"
#include "core/base/types.h"
#include "core/base/writer.h"

#include <stdint.h>

enum { UDP_HEADER = 8, UDP_AT_LENGTH = 4, UDP_AT_CHECKSUM = 6 };

struct udp {
    uint16_t sport;
    uint16_t dport;
    uint16_t len;      /* with the header */
    uint16_t checksum; /* 0: none */
    struct reader body;
};

/* Takes the payload of an IP packet; what is behind the datagram's length is not body. */
enum drop udp_parse(struct reader in, struct udp *out) MUST_CHECK;

/* A header and a copy of the body. sum: the pseudo header's, see checksum.h. */
void udp_write(struct writer *w, const struct udp *udp, uint64_t sum);
