/* SPDX-License-Identifier: Apache-2.0 */
/* ban.h - who has guessed wrong too often, by address (IPv6: by /64).
 *
 * AUTH_BAN_TRIES wrong ones within AUTH_BAN_WINDOW_S are a ban; each ban of an address is twice as
 * long as the one before, until it has been quiet for AUTH_BAN_MAX_S after the end of one. A
 * success forgives what is in the window, once a window: whoever has an account of his own could
 * otherwise guess at another's without end. The table has AUTH_BAN_ADDRESSES entries; the one that
 * was not heard of for the longest time makes room. Addresses within an allowed prefix are neither
 * counted nor banned. Pure: the time is a parameter. One thread at a time.
 */
#pragma once

#include "core/base/addr.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

struct ban_table;

struct ban {
    struct ip ip;   /* IPv6: the first of its /64 */
    unsigned times; /* how often in a row, this one included */
    int64_t until_us;
};

struct ban_table *ban_new(void);
void ban_free(struct ban_table *t);

bool ban_is(struct ban_table *t, const struct ip *ip, int64_t now_us);
/* True: it was one too many, and the address is banned from now on. */
bool ban_failure(struct ban_table *t, const struct ip *ip, int64_t now_us);
void ban_success(struct ban_table *t, const struct ip *ip, int64_t now_us);
/* Addresses that are remembered. */
unsigned ban_count(const struct ban_table *t);

/* Replaces the allowed prefixes; copied. Bans of addresses within them end. */
void ban_allow(struct ban_table *t, const struct ip_prefix *prefixes, unsigned n);
bool ban_is_allowed(const struct ban_table *t, const struct ip *ip);
/* The ban of an address as it is; false when it has none. */
bool ban_get(struct ban_table *t, const struct ip *ip, int64_t now_us, struct ban *out);
GArray *ban_list(const struct ban_table *t, int64_t now_us); /* of struct ban, by address */
/* Ends it, and forgets what led to it. False: there is none. */
bool ban_lift(struct ban_table *t, const struct ip *ip, int64_t now_us);
/* One from before a restart, over or not: the next is longer all the same. */
void ban_restore(struct ban_table *t, const struct ban *b, int64_t now_us);
