/* SPDX-License-Identifier: Apache-2.0 */
/* option_config.h - extended options of a hub in the store: one setting each, only those that
 * somebody has changed. */
#pragma once

#include "core/hub/law/options.h"
#include "core/store/store.h"

/* Those of a hub, over the defaults. */
struct hub_options option_config_load(struct store *s, const char *hub);
/* Writes one down. */
bool option_config_save(struct store *s, const char *hub, const char *name, uint32_t value,
                        GError **error);
