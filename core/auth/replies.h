/* SPDX-License-Identifier: Apache-2.0 */
/* replies.h - questions that were put to users, until the reply comes: each can be taken once, by
 * whoever knows its id. Pure: the time and the id are parameters. One thread at a time. */
#pragma once

#include "core/auth/auth.h"
#include "core/auth/backend.h"

/* Owned by whoever has it. */
struct reply {
    char id[AUTH_REPLY_ID];
    char *hub, *user;
    struct ip address; /* who was asked */
    bool is_second;    /* the second factor asks; the first one was right */
    uint64_t account;  /* of the first one */
    bool has_first;
    struct auth_answer first; /* what a back-end said about the first factor */
    GBytes *state;            /* of whoever asks; never NULL */
    int64_t until_us;
};
void reply_free(struct reply *r); /* wipes; NULL is fine */

struct replies;
struct replies *replies_new(void);
void replies_free(struct replies *t);
/* Takes r, whose until_us is set here. False: too many are open (AUTH_REPLIES,
 * AUTH_REPLIES_ADDRESS); r was freed. */
bool replies_add(struct replies *t, struct reply *r, int64_t now_us) MUST_CHECK;
/* NULL: none, too old, or of another user (and then it is gone, too). Without case. */
struct reply *
replies_take(struct replies *t, const char *id, const char *hub, const char *user, int64_t now_us);
unsigned replies_count(const struct replies *t);
