/* SPDX-License-Identifier: Apache-2.0 */
/* totp_factor.h - one-time codes as the second factor of an account (backend.h): behind the
 * password, beside it, or asked for. Control thread.
 *
 * A user with auth_user.totp needs a code of it after the first factor. Each code is good once: the
 * step that was used goes into the store before the answer. A way of login that has no place for a
 * code, and cannot ask for one, is refused.
 */
#pragma once

#include "core/auth/auth.h"
#include "core/auth/backend.h"

struct totp_factor;

/* All are borrowed. The result is in use until auth is freed. */
struct totp_factor *
totp_factor_new(struct auth *auth, const struct auth_store_ops *ops, void *store);
/* After auth_free(). */
void totp_factor_free(struct totp_factor *f);
