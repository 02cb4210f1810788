/* SPDX-License-Identifier: Apache-2.0 */
/* account_name.h - one name that a client types, split into hub and user: for protocols that have
 * no field for the hub. */
#pragma once

#include "core/hub/hubs.h"

#include <stdbool.h>

#define ACCOUNT_NAME_DEFAULT_HUB "DEFAULT"

/* "HUB\user"; "user@HUB", if there is such a hub (the last '@' counts, and else belongs to the
 * name); or a user alone, in default_hub, or when that is NULL in the only hub, or in
 * ACCOUNT_NAME_DEFAULT_HUB. Both are for g_free. Any thread. */
void account_name_split(struct hubs *hubs, const char *default_hub, const char *name, char **hub,
                        char **user);
