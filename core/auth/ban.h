/* SPDX-License-Identifier: Apache-2.0 */
/* ban.h - who has guessed wrong too often, by address (IPv6: by /64).
 *
 * AUTH_BAN_TRIES wrong ones within AUTH_BAN_WINDOW_S are a ban; each ban of an address is twice as
 * long as the one before, until it has been quiet for AUTH_BAN_MAX_S after the end of one. A
 * success forgives what is in the window, once a window: whoever has an account of his own could
 * otherwise guess at another's without end. The table has AUTH_BAN_ADDRESSES entries; the one that
 * was not heard of for the longest time makes room. Pure: the time is a parameter. One thread at a
 * time.
 */
#pragma once

#include "core/base/addr.h"

#include <stdbool.h>
#include <stdint.h>

struct ban_table;

struct ban_table *ban_new(void);
void ban_free(struct ban_table *t);

bool ban_is(struct ban_table *t, const struct ip *ip, int64_t now_us);
void ban_failure(struct ban_table *t, const struct ip *ip, int64_t now_us);
void ban_success(struct ban_table *t, const struct ip *ip, int64_t now_us);
/* Addresses that are remembered. */
unsigned ban_count(const struct ban_table *t);
