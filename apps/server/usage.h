/* SPDX-License-Identifier: Apache-2.0 */
/* usage.h - what users have transferred goes to their records in the store. */
#pragma once

#include "core/hub/hubs.h"
#include "core/store/store.h"

/* For hubs_set_watch(), with a struct store as owner. Reports of the workers are carried to the
 * control thread. */
struct hub_watch usage_watch(struct store *store);
