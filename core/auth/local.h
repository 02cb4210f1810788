/* SPDX-License-Identifier: Apache-2.0 */
/* local.h - the decision about a credential, from facts alone: no store, no thread, no clock. */
#pragma once

#include "core/auth/auth.h"

/* What is known when it is decided. */
struct auth_facts {
    const struct auth_user *user; /* NULL: there is no such user, or no such hub */
    bool password_ok; /* AUTH_PLAIN: what password_verify() said about the user's verifier */
    GPtrArray *cas;   /* if local_needs_cas(): trusted authorities (GBytes), or NULL */
    int64_t now_ms;   /* since 1970 */
};

/* UserAuthType of the API. */
enum auth_user_type {
    AUTH_USER_ANONYMOUS,
    AUTH_USER_PASSWORD,
    AUTH_USER_CERT,
    AUTH_USER_SIGNED_CERT,
};

/* Whether the answer needs password_verify() first. */
bool local_needs_password(const struct auth_request *r, const struct auth_user *user);

/* Whether the trusted authorities matter. */
bool local_needs_cas(const struct auth_request *r, const struct auth_user *user);

/* Fills the whole verdict. The work is the same whether or not there is such a user. */
void local_decide(const struct auth_request *r, const struct auth_facts *f,
                  struct auth_verdict *verdict);
