/* SPDX-License-Identifier: Apache-2.0 */
/* ip4.h - IPv4 headers (RFC 791). */
#pragma once

#include "core/base/drop.h"
#include "core/base/reader.h"
#include "core/base/types.h"
#include "core/base/writer.h"
#include "core/net/ip.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    IP4_HEADER = 20,
    IP4_HEADER_MAX = 60,
    IP4_TTL = 64,
    /* Where fields lie in the header. */
    IP4_AT_LENGTH = 2,
    IP4_AT_ID = 4,
    IP4_AT_FRAGMENT = 6,
    IP4_AT_CHECKSUM = 10,
    IP4_AT_SRC = 12,
    IP4_AT_DST = 16,
};

/* Bits of the fragment field; what is left is the offset in units of eight bytes. */
enum { IP4_RESERVED = 0x8000, IP4_DF = 0x4000, IP4_MF = 0x2000, IP4_OFFSET = 0x1fff };

struct ip4 {
    uint8_t header_len;
    uint8_t tos;
    uint8_t ttl;
    uint8_t proto;
    uint16_t total_len;
    uint16_t id;
    uint16_t fragment; /* IP4_DF ... */
    uint16_t checksum;
    uint32_t src;
    uint32_t dst;
    struct reader options;
    struct reader body; /* without what the frame has behind the packet */
};

/* Checks the lengths, not the checksum. DROP_VERSION for another version. */
enum drop ip4_parse(struct reader in, struct ip4 *out) MUST_CHECK;
/* Whether the checksum of a header of that length is right. */
bool ip4_checksum_is_good(const uint8_t *header, unsigned header_len);
/* Computes it anew, after other fields of the header changed. */
void ip4_set_checksum(uint8_t *header, unsigned header_len);

/* A header without options, from tos, ttl, proto, total_len, id, fragment, src and dst. */
void ip4_write(struct writer *w, const struct ip4 *ip);

static inline bool
ip4_is_fragment(const struct ip4 *ip)
{
    return ip->fragment & (IP4_MF | IP4_OFFSET);
}

/* An address that one host may have: not 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/3. */
static inline bool
ip4_is_host(uint32_t addr)
{
    return addr >> 24 != 0 && addr >> 24 != 127 && addr < 0xe0000000;
}
