/* SPDX-License-Identifier: Apache-2.0 */
/* fixed_address.h - the addresses that an administrator gave to one user, instead of a lease.
 *
 * As text: parts with commas between, "10.0.0.5/24,gateway=10.0.0.1,dns=10.0.0.1,2001:db8::5/64".
 */
#pragma once

#include "core/base/addr.h"

enum { FIXED_DNS_MAX = 4, FIXED_ADDRESS_TEXT = 512 };

/* family 0: not fixed. The prefixes keep the host's bits: 10.0.0.5/24. */
struct fixed_address {
    struct ip_prefix ip4, ip6;
    struct ip gateway4, gateway6; /* family 0: none */
    struct ip dns[FIXED_DNS_MAX]; /* either family */
    unsigned n_dns;
};

/* "" is nothing. What is wrong, as a constant sentence for a person, or NULL. A gateway lies in the
 * network of its address. */
const char *fixed_address_parse(const char *text, struct fixed_address *out) MUST_CHECK;
/* Writes to and returns out. */
const char *fixed_address_print(const struct fixed_address *a, char out[FIXED_ADDRESS_TEXT]);
