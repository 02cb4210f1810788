/* SPDX-License-Identifier: Apache-2.0 */
/* local.h - the decision about a credential, from facts alone: no store, no thread, no clock. */
#pragma once

#include "core/auth/auth.h"
#include "core/auth/backend.h"

/* What is known when it is decided. */
struct auth_facts {
    const struct auth_user *user; /* NULL: there is no such user, or no such hub */
    bool by_template;             /* the user is "*", and the name is the request's */
    bool proven; /* a back-end has said yes, or the credential was proven before (AUTH_REPLY) */
    const struct auth_answer *answer; /* what a back-end said about the first factor; or NULL */
    bool password_ok; /* AUTH_PLAIN: what password_verify() said about the user's verifier */
    GPtrArray *crls;  /* if local_needs_crls(): what is revoked (struct crl_entry), or NULL */
    GPtrArray *cas;   /* if local_needs_cas(): trusted authorities (GBytes), or NULL */
    int64_t now_ms;   /* since 1970 */
};

/* UserAuthType of the API. */
enum auth_user_type {
    AUTH_USER_ANONYMOUS,
    AUTH_USER_PASSWORD,
    AUTH_USER_CERT,
    AUTH_USER_SIGNED_CERT,
    AUTH_USER_RADIUS,
    AUTH_USER_DOMAIN,
};

/* Whether the answer needs password_verify() first. */
bool local_needs_password(const struct auth_request *r, const struct auth_user *user);

/* Whether the trusted authorities matter. */
bool local_needs_cas(const struct auth_request *r, const struct auth_user *user);

/* Whether the list of revoked certificates matters. */
bool local_needs_crls(const struct auth_request *r, const struct auth_user *user);

/* Fills the whole verdict. The work is the same whether or not there is such a user. */
void local_decide(const struct auth_request *r, const struct auth_facts *f,
                  struct auth_verdict *verdict);

/* Why the user may not have the password of r->change; NULL: fine. */
const char *local_change_fault(const struct auth_request *r, const struct auth_user *u,
                               const struct policy *policy);

/* Makes a refusal of a verdict, from an answer that is no yes. */
void local_refuse(struct auth_verdict *verdict, const struct auth_answer *answer);
