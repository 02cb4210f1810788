/* SPDX-License-Identifier: Apache-2.0 */
/* first_start.h - what an empty store is filled with. */
#pragma once

#include "core/store/store.h"

#include <stdbool.h>

/* A key and a certificate, the hub DEFAULT, listeners on 443, 992 and 5555. Does nothing when the
 * store has been through this. No password, no user: nobody can come in until an administrator on
 * this machine says so. */
bool first_start(struct store *store, GError **error);
