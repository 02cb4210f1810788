/* SPDX-License-Identifier: Apache-2.0 */
/* fence.h - what a hub's administrator may not do, by the administration options of the hub. */
#pragma once

#include "core/rpc/wire/method.h"
#include "core/store/store.h"

/* Whether the administrator of this hub may make the call. PE_NOT_ENOUGH_RIGHTS, naming the
 * option. Server administrators are not asked about. */
bool fence_passes(struct store *store, const char *hub, const struct rpc_method *method,
                  const struct record *in, GError **error);
