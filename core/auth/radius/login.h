/* SPDX-License-Identifier: Apache-2.0 */
/* login.h - what a login is in RADIUS: a question of auth.c as attributes, and a reply as its
 * answer. EAP has no place to come from: of our protocols none carries it past PPP's login, which
 * speaks PAP and MS-CHAPv2; an EAP-Message would be a third kind beside is_mschap here. */
#pragma once

#include "core/auth/backend.h"
#include "core/auth/radius/client.h"

enum { RADIUS_SESSION_ID = 33 };

/* A copy of a question, for as long as servers are asked. */
struct radius_login {
    char *user, *hub, *nas_identifier;
    struct endpoint peer;
    char session[RADIUS_SESSION_ID]; /* Acct-Session-Id */
    struct secret *password;
    bool is_mschap;
    uint8_t challenge[MSCHAP_CHALLENGE], peer_challenge[MSCHAP_CHALLENGE];
    uint8_t response[MSCHAP_RESPONSE];
    GBytes *state; /* of an Access-Challenge before, or NULL */
};

/* nas_identifier NULL: the hub's name. boot tells the sessions of one run of the server from those
 * of another. */
struct radius_login *
radius_login_new(const struct auth_question *q, const char *nas_identifier, uint64_t boot);
void radius_login_free(struct radius_login *l); /* wipes */
/* Of the session that comes of a login: account is its ticket. */
void radius_session_id(uint64_t boot, uint64_t account, char out[RADIUS_SESSION_ID]);

/* The attributes of its request. */
void radius_login_build(const struct radius_login *l, struct writer *w,
                        const struct radius_secret *secret,
                        const uint8_t authenticator[RADIUS_AUTHENTICATOR]);
/* Reply NULL: nobody answered. auth_answer_clear() is the caller's. */
void radius_login_answer(const struct radius_login *l, const struct radius_reply *reply,
                         struct auth_answer *out);
