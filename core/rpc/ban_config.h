/* SPDX-License-Identifier: Apache-2.0 */
/* ban_config.h - what the store knows of banned addresses, and of those that never are. Control
 * thread. */
#pragma once

#include "core/auth/auth.h"
#include "core/store/store.h"

enum { BAN_ALLOWED_MAX = 256 };

/* At start: bans go on, and the allowed prefixes hold. */
void ban_config_load(struct store *s, struct auth *auth);

GArray *ban_config_allowed(struct store *s); /* of struct ip_prefix, in the order they came */
/* Into the store, and then into auth (or NULL). */
bool
ban_config_set_allowed(struct store *s, struct auth *auth, const GArray *prefixes, GError **error);
