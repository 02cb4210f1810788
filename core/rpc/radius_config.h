/* SPDX-License-Identifier: Apache-2.0 */
/* radius_config.h - the RADIUS servers of a hub, as the record of the API (GetHubRadius), in the
 * store. */
#pragma once

#include "core/auth/radius/service.h"
#include "core/rpc/wire/fields.h"
#include "core/store/store.h"

/* Of hub_settings: one secret a line. */
#define RADIUS_SECRETS "radius.secrets"

/* What is stored, over the defaults, without secrets; never NULL. */
struct record *radius_config_load(struct store *s, const char *hub);
/* Checks it. secrets NULL: as they are. */
bool radius_config_save(struct store *s, const char *hub, const struct record *options,
                        const char *secrets, GError **error);
/* As radius/service.h has it. NULL: there is no server. */
struct radius_settings *radius_config_settings(struct store *s, const char *hub);
