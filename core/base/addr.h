/* SPDX-License-Identifier: Apache-2.0 */
/* addr.h - MAC addresses, IP addresses, prefixes, endpoints: parse, print, compare. */
#pragma once

#include "core/base/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mac {
    uint8_t b[6];
};

/* family: 0 none, 4 or 6. IPv4 in the first four bytes. */
struct ip {
    uint8_t family;
    uint8_t b[16];
};

struct ip_prefix {
    struct ip ip;
    uint8_t len;
};

struct endpoint {
    struct ip ip;
    uint16_t port;
    uint32_t scope; /* IPv6 link-local: interface index */
};

enum { MAC_TEXT = 18, IP_TEXT = 48, PREFIX_TEXT = 52, ENDPOINT_TEXT = 64 };

bool mac_parse(const char *text, struct mac *out) MUST_CHECK; /* aa:bb:.. or aa-bb-.. */
const char *mac_print(const struct mac *m, char out[MAC_TEXT]);
bool mac_equal(const struct mac *a, const struct mac *b);

bool ip_parse(const char *text, struct ip *out) MUST_CHECK;
const char *ip_print(const struct ip *ip, char out[IP_TEXT]);
bool ip_equal(const struct ip *a, const struct ip *b);
struct ip ip_from_v4(uint32_t host_order);
uint32_t ip_to_v4(const struct ip *ip); /* host order; 0 if not IPv4 */
/* The address as limits count it: IPv4 whole, IPv6 cut to its /64. */
struct ip ip_limit_key(const struct ip *ip);

/* "10.0.0.0/8", "::/0", bare address. Bits beyond the length are kept: "10.0.0.1/8" is an address
 * in its network. */
bool ip_prefix_parse(const char *text, struct ip_prefix *out) MUST_CHECK;
const char *ip_prefix_print(const struct ip_prefix *p, char out[PREFIX_TEXT]);
bool ip_prefix_has(const struct ip_prefix *p, const struct ip *ip);

const char *endpoint_print(const struct endpoint *e, char out[ENDPOINT_TEXT]); /* [v6]:port */
/* From and to struct sockaddr, of any family known; the mapped form ::ffff:a.b.c.d becomes IPv4. */
struct sockaddr;
bool endpoint_from_sockaddr(const struct sockaddr *sa, struct endpoint *out) MUST_CHECK;
/* Fills a struct sockaddr_storage; returns its length. */
unsigned endpoint_to_sockaddr(const struct endpoint *e, void *storage);
