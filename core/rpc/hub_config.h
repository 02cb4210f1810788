/* SPDX-License-Identifier: Apache-2.0 */
/* hub_config.h - what a living hub is told, from what the store knows of it. */
#pragma once

#include "core/hub/hub.h"
#include "core/store/store.h"

/* The name is borrowed from h. */
struct hub_config hub_config_of(struct store *store, const struct store_hub *h);
