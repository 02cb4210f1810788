/* SPDX-License-Identifier: Apache-2.0 */
/* throttle.h - who guesses at one account, though from many addresses.
 *
 * Counted by account and network (IPv4: /24, IPv6: /48): THROTTLE_TRIES wrong ones, none of them
 * older than THROTTLE_WINDOW_S, and the network must leave the account alone for a while that
 * doubles. When all networks together were wrong THROTTLE_ACCOUNT times within about an hour, the
 * account is besieged: a network has one try before its pause, not THROTTLE_TRIES. So guesses cost
 * one network each, and yet nobody can lock the owner out: addresses (IPv6: /64) that have logged
 * in to the account have no pauses, only bans of their own, and a new one still has its try.
 *
 * Names that do not exist are counted like those that do. Pure: the time is a parameter. Bounded by
 * THROTTLE_PAIRS and THROTTLE_ACCOUNTS; the longest unheard makes room. One thread at a time.
 */
#pragma once

#include "core/base/addr.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    THROTTLE_TRIES = 30,
    THROTTLE_WINDOW_S = 600,
    THROTTLE_ACCOUNT = 50,
    THROTTLE_ACCOUNT_S = 3600, /* in which a full count drains */
    THROTTLE_FIRST_S = 60,     /* the first pause; doubles up to THROTTLE_MAX_S */
    THROTTLE_MAX_S = 3600,
    THROTTLE_KNOWN_S = 30 * 24 * 3600, /* how long an address that logged in is remembered */
    THROTTLE_PAIRS = 16384,
    THROTTLE_ACCOUNTS = 8192,
};

struct throttle;

struct throttle *throttle_new(void);
void throttle_free(struct throttle *t);

/* Whether the address may try this account now. account: any text that names it, folded. */
bool throttle_may_try(struct throttle *t, const char *account, const struct ip *ip, int64_t now_us);
/* True: the account has just come under siege. */
bool throttle_failure(struct throttle *t, const char *account, const struct ip *ip, int64_t now_us);
void throttle_success(struct throttle *t, const char *account, const struct ip *ip, int64_t now_us);
/* Pairs that are remembered. */
unsigned throttle_count(const struct throttle *t);
