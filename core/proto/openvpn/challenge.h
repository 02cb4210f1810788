/* SPDX-License-Identifier: Apache-2.0 */
/* challenge.h - how OpenVPN's clients bring more than a password, in the field for it:
 *
 *   SCRV1:BASE64(password):BASE64(answer)   static challenge: the client has asked by itself
 *   CRV1::ID::ANSWER                        reply to AUTH_FAILED,CRV1:FLAGS:ID:BASE64(user):TEXT
 */
#pragma once

#include "core/base/secret.h"

#include <glib.h>

#include <stdbool.h>

enum ovpn_answer_kind { OVPN_ANSWER_PLAIN, OVPN_ANSWER_STATIC, OVPN_ANSWER_DYNAMIC };

struct ovpn_answer {
    enum ovpn_answer_kind kind;
    struct secret *password; /* of PLAIN and STATIC */
    struct secret *answer;   /* of the others */
    char id[64];             /* of DYNAMIC */
};

/* What is not well-formed is a plain password: whoever has one that begins so may keep it. */
void ovpn_answer_parse(const char *field, struct ovpn_answer *out);
void ovpn_answer_clear(struct ovpn_answer *a); /* wipes */

/* "AUTH_FAILED,CRV1:..."; what is in text after a line break is left out. g_free. */
char *ovpn_challenge_print(const char *id, const char *user, bool echo, const char *text);
