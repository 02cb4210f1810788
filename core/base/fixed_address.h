/* SPDX-License-Identifier: Apache-2.0 */
/* fixed_address.h - the addresses that an administrator gave to one user, instead of a lease. */
#pragma once

#include "core/base/addr.h"

enum { FIXED_DNS_MAX = 4 };

/* family 0: not fixed. The prefixes keep the host's bits: 10.0.0.5/24. */
struct fixed_address {
    struct ip_prefix ip4, ip6;
    struct ip gateway4, gateway6; /* family 0: none */
    struct ip dns[FIXED_DNS_MAX]; /* either family */
    unsigned n_dns;
};
