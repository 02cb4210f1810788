/* SPDX-License-Identifier: Apache-2.0 */
/* checksum.h - the Internet checksum: RFC 1071, and RFC 1624 for changes in place.
 *
 * A running sum adds the 16-bit words as they lie in memory, in the machine's byte order (RFC
 * 1071, 2 (B)), and is opaque until csum_fold() makes a number of it that stands in a header
 * as big-endian. Pieces of one sum have an even length, all but the last. A sum takes more
 * pieces than any packet has before it could overflow.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Adds bytes to the running sum; start with 0. */
uint64_t csum_add(uint64_t sum, const void *bytes, size_t len);
/* Adds one field that would lie at an even offset; v in host order. */
uint64_t csum_add_u16(uint64_t sum, uint16_t v);
uint64_t csum_add_u32(uint64_t sum, uint32_t v);

/* The sum as 16 bits, not inverted: what a partial checksum field holds. 0 only for nothing but
 * zeros. */
uint16_t csum_fold(uint64_t sum);
/* The checksum for a header whose own field counted as zero. */
uint16_t csum_finish(uint64_t sum);
/* The same for UDP, where zero would mean "none" (RFC 768). */
uint16_t csum_finish_udp(uint64_t sum);
/* Whether bytes that contain their checksum add up. */
bool csum_is_good(uint64_t sum);

/* Pseudo headers (RFC 9293, 3.1; RFC 8200, 8.1). Addresses are as they lie in the packet. */
uint64_t csum_pseudo4(const uint8_t src[4], const uint8_t dst[4], uint8_t proto, uint16_t len);
uint64_t csum_pseudo6(const uint8_t src[16], const uint8_t dst[16], uint8_t proto, uint32_t len);

/* The checksum after a field at an even offset changed (RFC 1624, equation 3). For one at an odd
 * offset swap the bytes of both values. */
uint16_t csum_update16(uint16_t csum, uint16_t was, uint16_t is);
uint16_t csum_update32(uint16_t csum, uint32_t was, uint32_t is);
