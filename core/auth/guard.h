/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - before a credential is looked at: may this address, and may it at this account? Bans
 * by address (ban.h) and pauses by account (throttle.h) behind one lock, with their lines in the
 * log. Any thread.
 */
#pragma once

#include "core/auth/ban.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

struct guard;

/* What is known of a try. hub or user NULL: no account, as at the API's door. */
struct guard_try {
    const struct ip *ip;
    const char *hub, *user; /* as asked */
    const char *protocol;
};

/* A ban in time of the calendar: to show it, and to keep it. */
struct guard_ban {
    struct ip_prefix who;
    unsigned times;
    int64_t until_ms;
};

struct guard *guard_new(void);
void guard_free(struct guard *g);

bool guard_is_banned(struct guard *g, const struct ip *ip);
/* Whether the account has a pause for this network. */
bool guard_is_paused(struct guard *g, const struct guard_try *t);
/* True: a ban began, and is to be had from guard_take_new(). */
bool guard_failure(struct guard *g, const struct guard_try *t);
void guard_success(struct guard *g, const struct guard_try *t);

/* Bans that began since the last call (struct guard_ban), to be kept; NULL for none. */
GArray *guard_take_new(struct guard *g);
/* At start, what was kept. */
void guard_restore(struct guard *g, const GArray *bans);
GArray *guard_bans(struct guard *g); /* of struct guard_ban, those in force, by address */
/* False: there is none. */
bool guard_lift(struct guard *g, const struct ip *ip);
/* Prefixes that are never banned, instead of those before; copied. */
void guard_allow(struct guard *g, const GArray *prefixes); /* of struct ip_prefix */
