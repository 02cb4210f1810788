/* SPDX-License-Identifier: Apache-2.0 */
/* id.h - IKEv1's identification payloads (RFC 2407, 4.6.2): who a peer is, and what a quick mode's
 * packets are. All of them are of the payload's body, behind the generic header. */
#pragma once

#include "core/base/writer.h"
#include "core/proto/esp/child.h"
#include "core/proto/ikev1/ike1.h"

enum ike1_id_type {
    IKE1_ID_IPV4 = 1,
    IKE1_ID_FQDN = 2,
    IKE1_ID_USER_FQDN = 3,
    IKE1_ID_IPV4_SUBNET = 4,
    IKE1_ID_IPV6 = 5,
    IKE1_ID_IPV6_SUBNET = 6,
    IKE1_ID_IPV4_RANGE = 7,
    IKE1_ID_IPV6_RANGE = 8,
    IKE1_ID_DN = 9, /* DER */
    IKE1_ID_GN = 10,
    IKE1_ID_KEY = 11,
};

/* Prints it: addresses, subnets ("10.0.0.0/8"), ranges ("10.0.0.1-10.0.0.9"), a name as RFC 4514
 * has it, and text, whose bytes that are no printable UTF-8, and the backslash, become \xNN. Two
 * identities of one type never print alike. False: malformed, empty, or longer than the text. */
bool ike1_id_read(struct reader body, struct ike1_id *out) MUST_CHECK;
/* The addresses, protocol and port that it means. What is no address (FQDN and others, which
 * Windows XP sends) is any address. False: malformed, or a range or subnet that is none. */
bool ike1_id_selector(struct reader body, struct esp_selector *out) MUST_CHECK;

/* An identity of an address, and of anything else: bytes as its type has them. */
void ike1_id_write_ip(struct writer *w, const struct ip *ip, uint8_t protocol, uint16_t port);
void ike1_id_write(struct writer *w, enum ike1_id_type type, const void *bytes, size_t len);
