/* SPDX-License-Identifier: Apache-2.0 */
/* source_list.h - from where clients may log in to a hub, by their address.
 *
 * Rules are asked in the order of their priority (ties: the older id); the first that has the
 * address decides, and an address of which none speaks may come. Pure values; any thread.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/types.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

enum { SOURCE_RULES_MAX = 4096 }; /* of a hub */

struct source_rule {
    uint32_t id;       /* 0: not stored yet */
    uint32_t priority; /* from 1; small ones are asked first */
    bool deny;
    struct ip ip;
    uint8_t length; /* of the network, in bits; all of them: one address */
};

/* PE_INVALID_PARAMETER and a sentence. */
bool source_rule_check(const struct source_rule *r, GError **error);
/* "deny 10 192.0.2.0/24": for the store; g_free. */
char *source_rule_print(const struct source_rule *r);
/* All but the id. */
bool source_rule_parse(const char *text, struct source_rule *out) MUST_CHECK;

/* In the order in which they are asked. */
void source_rules_sort(struct source_rule *rules, unsigned n);
/* rules: sorted ones. *decided: which it was, NULL when none spoke of it; may be NULL. */
bool source_rules_admit(const struct source_rule *rules, unsigned n, const struct ip *ip,
                        const struct source_rule **decided);
