/* SPDX-License-Identifier: Apache-2.0 */
/* users.h - the store as auth sees it. */
#pragma once

#include "core/auth/auth.h"

/* For auth_new(), with a struct store as its store. */
extern const struct auth_store_ops users_of_store;
