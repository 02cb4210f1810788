/* SPDX-License-Identifier: Apache-2.0 */
/* reservations.h - addresses that an administrator gave to hardware addresses, found by either. */
#pragma once

#include "core/hub/dhcp/lease.h"

#include <stdint.h>

struct reservations;

/* Copied. Of two with the same hardware address or IP address, the first one counts. */
struct reservations *reservations_new(const struct dhcp_reservation *list, unsigned n);
void reservations_free(struct reservations *r);
/* 0: none */
uint32_t reservations_ip(const struct reservations *r, const struct mac *mac);
/* NULL: none */
const struct mac *reservations_mac(const struct reservations *r, uint32_t ip4);
