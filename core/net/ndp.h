/* SPDX-License-Identifier: Apache-2.0 */
/* ndp.h - neighbour discovery messages (RFC 4861, 4862, 8106): what is in an ICMPv6 body. */
#pragma once

#include "core/base/addr.h"
#include "core/base/drop.h"
#include "core/base/reader.h"
#include "core/base/types.h"
#include "core/base/writer.h"

#include <stdbool.h>
#include <stdint.h>

enum { NDP_DNS_MAX = 4, NDP_PREFIX_MAX = 8, NDP_DOMAIN_MAX = 253 };

enum { NDP_NA_ROUTER = 0x80, NDP_NA_SOLICITED = 0x40, NDP_NA_OVERRIDE = 0x20 };

/* A solicitation or an advertisement of a neighbour. */
struct ndp_neighbour {
    bool advertisement;
    uint8_t flags; /* NDP_NA_..., of an advertisement */
    uint8_t target[16];
    bool has_mac; /* source or target link-layer option */
    struct mac mac;
};

struct ndp_prefix {
    uint8_t prefix[16];
    uint8_t len;
    bool on_link, autonomous;
    uint32_t valid_s, preferred_s;
};

struct ndp_router_advertisement {
    uint8_t hop_limit;
    bool managed, other; /* M and O */
    uint16_t lifetime_s;
    uint32_t reachable_ms, retrans_ms;
    bool has_mac;
    struct mac mac;
    uint32_t mtu; /* 0: not said */
    struct ndp_prefix prefix[NDP_PREFIX_MAX];
    unsigned n_prefix;
    uint8_t dns[NDP_DNS_MAX][16];
    unsigned n_dns;
    uint32_t dns_lifetime_s;
};

/* All parse the whole ICMPv6 message (type first) and check what RFC 4861 demands of it (6.1, 7.1)
 * except the checksum; hop_limit is the IPv6 header's. DROP_MALFORMED or DROP_SHORT. */
enum drop
ndp_parse_neighbour(struct reader icmp, uint8_t hop_limit, struct ndp_neighbour *out) MUST_CHECK;
enum drop ndp_parse_router_solicitation(struct reader icmp, uint8_t hop_limit, bool *has_mac,
                                        struct mac *mac) MUST_CHECK;
enum drop ndp_parse_router_advertisement(struct reader icmp, uint8_t hop_limit,
                                         struct ndp_router_advertisement *out) MUST_CHECK;

/* Whole ICMPv6 messages with their checksum, for these addresses of the IPv6 header. */
void ndp_write_neighbour(struct writer *w, const struct ndp_neighbour *n, const uint8_t src[16],
                         const uint8_t dst[16]);
void ndp_write_router_solicitation(struct writer *w, const struct mac *mac, const uint8_t src[16],
                                   const uint8_t dst[16]);
void ndp_write_router_advertisement(struct writer *w, const struct ndp_router_advertisement *ra,
                                    const uint8_t src[16], const uint8_t dst[16]);

/* ff02::1:ffXX:XXXX of an address, and the Ethernet address of a multicast one. */
void ndp_solicited_node(const uint8_t ip[16], uint8_t out[16]);
void ndp_multicast_mac(const uint8_t ip[16], struct mac *out);
/* Modified EUI-64 interface identifier of a hardware address (RFC 4291, appendix A). */
void ndp_interface_id(const struct mac *mac, uint8_t out[8]);
/* fe80:: with that identifier. */
void ndp_link_local(const struct mac *mac, uint8_t out[16]);
