/* SPDX-License-Identifier: Apache-2.0 */
/* ip6.h - IPv6 headers and the walk over the extension headers (RFC 8200). */
#pragma once

#include "core/base/drop.h"
#include "core/base/reader.h"
#include "core/base/types.h"
#include "core/base/writer.h"
#include "core/net/ip.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    IP6_HEADER = 40,
    IP6_EXTENSIONS_MAX = 8, /* more before the transport header: not looked behind */
    /* Where fields lie in the header. */
    IP6_AT_LENGTH = 4,
    IP6_AT_NEXT = 6,
    IP6_AT_SRC = 8,
    IP6_AT_DST = 24,
};

struct ip6 {
    uint8_t traffic_class;
    uint8_t next;
    uint8_t hop_limit;
    uint32_t flow_label;
    uint16_t payload_len;
    uint8_t src[16];
    uint8_t dst[16];
    struct reader body; /* without what the frame has behind the packet */
};

/* What stands behind the extension headers. */
struct ip6_upper {
    uint8_t proto;
    uint8_t extensions;       /* how many were walked over */
    bool is_fragment;         /* there is a fragment header, even an atomic one */
    bool has_routing;         /* then dst is perhaps not where the packet ends */
    uint16_t fragment_offset; /* in bytes; not 0: the body is not the start of a header */
    struct reader body;
};

/* DROP_VERSION for another version. A jumbogram has an empty body. */
enum drop ip6_parse(struct reader in, struct ip6 *out) MUST_CHECK;
/* Stops at the first header that is none of the extensions. DROP_MALFORMED beyond the limit. */
enum drop ip6_walk(const struct ip6 *ip, struct ip6_upper *out) MUST_CHECK;

/* Whether a next-header value names one of the extensions that the walk steps over. */
bool ip6_is_extension(uint8_t proto);

/* A header from all fields but body. */
void ip6_write(struct writer *w, const struct ip6 *ip);
