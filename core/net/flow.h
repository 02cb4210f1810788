/* SPDX-License-Identifier: Apache-2.0 */
/* flow.h - a look through a frame: where its headers are, and between whom it goes. */
#pragma once

#include "core/base/drop.h"
#include "core/base/frame.h"
#include "core/base/reader.h"
#include "core/base/types.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    FLOW_FRAGMENT = 1,   /* of a larger packet; only its first one has ports */
    FLOW_ROUTED = 2,     /* an IPv6 routing header: dst is perhaps not where it ends */
    FLOW_EXTENSIONS = 4, /* IPv4 options or IPv6 extension headers */
};

/* Offsets count from the first byte of the frame; 0 means that there is no such header. */
struct flow {
    uint16_t type; /* Ethernet type behind the tags */
    uint16_t l3;   /* IP header */
    uint16_t l4;   /* header behind IP's; not set in later fragments */
    uint8_t tags;
    uint8_t version; /* 4, 6, or 0: not IP */
    uint8_t proto;
    uint8_t flags;         /* FLOW_... */
    uint16_t sport, dport; /* of TCP and UDP */
    uint32_t end;          /* of the IP packet: behind it the frame has padding */
    uint8_t src[16];       /* an IPv4 address in the first four, the rest zero */
    uint8_t dst[16];
};

/* What is not IP is no error. DROP_SHORT, DROP_MALFORMED or DROP_VERSION if a header that a
 * former one announces is not there; a TCP or UDP header is there whole when l4 is set. */
enum drop flow_parse(struct reader in, struct flow *out) MUST_CHECK;
/* The same for an IP packet without an Ethernet header. */
enum drop flow_parse_ip(struct reader in, struct flow *out) MUST_CHECK;

static inline enum drop
flow_of_frame(const struct frame *f, struct flow *out)
{
    return flow_parse(reader_of(f->data, f->len), out);
}

/* The same for all packets of one direction of a flow; not for tables that an enemy could fill. */
uint32_t flow_hash(const struct flow *flow);
