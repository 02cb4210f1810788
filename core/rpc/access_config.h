/* SPDX-License-Identifier: Apache-2.0 */
/* access_config.h - access rules, sets of addresses and rules for clients' addresses: as records of
 * the API, as the store's texts, and as core/hub has them. Control thread.
 */
#pragma once

#include "core/hub/hub_access.h"
#include "core/rpc/wire/fields.h"
#include "core/store/store.h"

/* The rule is initialised and filled, and checked. PE_INVALID_PARAMETER. */
bool access_rule_from_record(const struct record *r, struct acl_rule *out, GError **error);
void access_rule_to_record(const struct acl_rule *rule, struct record *out);
bool source_rule_from_record(const struct record *r, struct source_rule *out, GError **error);
void source_rule_to_record(const struct source_rule *rule, struct record *out);

/* What the store has; a text that cannot be read is logged and left out. Of struct acl_rule, with
 * their texts; of struct acl_set *; of struct source_rule. */
GArray *access_rules_load(struct store *s, const char *hub);
GPtrArray *access_sets_load(struct store *s, const char *hub);
GArray *source_rules_load(struct store *s, const char *hub);

/* The set in the store by this name; prefixes NULL: none. PE_HUB_NOT_FOUND, PE_TOO_MANY_ITEMS. */
bool access_set_save(struct store *s, const char *hub, const char *name, const char *text,
                     GError **error);

/* Puts what is in the store in force in the living hub. */
void access_apply(struct store *s, struct hub *hub);
