/* SPDX-License-Identifier: Apache-2.0 */
/* backend.h - somebody else who knows whether a credential is right: a RADIUS server, a domain, a
 * second factor.
 *
 * auth.c asks on the control thread and goes on; the answer comes later, from any thread, by
 * auth_backend_answer(). An answer proves the credential and may say more about the user; what the
 * store says of the account (expired, no access) is checked by auth.c afterwards, as for all
 * others.
 *
 * Two places for a back-end:
 * - of a user type (4 RADIUS, 5 domain): asked instead of looking at a password of our own, for
 *   AUTH_PLAIN and AUTH_MSCHAPV2. A name that the hub does not know is asked for, too, when the hub
 *   has the user "*" with such a type: then auth_user is that template, and request->user the name.
 * - the second factor: asked after the first one was right, for users with second_factor, whatever
 *   proved the first (but AUTH_PROVEN: a token stands for both).
 *
 * A back-end may want to ask the user something (AUTH_SAYS_ASK). auth.c remembers the question
 * under an id that nobody can guess, and the asker's verdict carries the prompt. A protocol that
 * can show it comes back with an AUTH_REPLY request (id and reply), in a connection of its own if
 * need be; one that cannot sees a refusal. The back-end is asked again, with what it gave as state.
 */
#pragma once

#include "core/auth/auth.h"

enum {
    AUTH_ASKING = 1024,       /* questions at back-ends under way; more are refused (PE_HUB_FULL) */
    AUTH_ASKING_ADDRESS = 16, /* of them for one address */
    AUTH_ASK_S = 125,         /* then nobody waits for the answer any more. Protocols wait longer:
                                 push notices are for people, who may take two minutes */
};

enum auth_says {
    AUTH_SAYS_YES,
    AUTH_SAYS_NO,      /* wrong: counts against the address */
    AUTH_SAYS_DENIED,  /* the credential was right (or nobody knows), and the user may not: does not
                          count against the address */
    AUTH_SAYS_ASK,     /* the user has to be asked for more */
    AUTH_SAYS_NOTHING, /* nobody could be asked: no verdict about the user */
};

/* All but says may be zero. */
struct auth_answer {
    enum auth_says says;
    const char *reason; /* for our log when it is not a yes; a constant string, or NULL */
    char message[AUTH_MESSAGE_MAX]; /* for the user, from the back-end: the question of an ASK, why
                                       a NO; or "" */

    /* Of a YES; what is 0 or "" leaves what the account has. */
    char group[256];
    uint32_t vlan;
    uint32_t session_s;                /* then the session ends */
    uint32_t idle_s;                   /* the session ends when nothing was sent for so long */
    uint32_t max_upload, max_download; /* bit/s, as the user sees it */
    struct fixed_address address;      /* each family replaces that of the account */
    GPtrArray *routes;  /* of char *, "10.0.0.0/8 10.1.0.1 1": Framed-Route; or NULL */
    GBytes *class_;     /* to be given back with the accounting, or NULL */
    uint32_t interim_s; /* how often to report, 0: as the back-end is set */
    struct {
        bool has_answer;
        char answer[MSCHAP_AUTHENTICATOR_TEXT]; /* "S=..." */
        bool has_hash_hash;                     /* the keys come of it... */
        uint8_t hash_hash[NT_HASH_SIZE];
        bool has_keys; /* ...or are known */
        struct mschap_keys keys;
        int error; /* of a NO: RFC 2759, 6; 0: 691 */
    } mschap;

    /* Of an ASK. */
    GBytes *state; /* what ask() gets with the reply; NULL: nothing */
    bool echo;     /* what the user types may be seen */
};
void auth_answer_clear(struct auth_answer *a); /* wipes, frees members */
/* Members are shared or copied; out is uninitialised before. */
void auth_answer_copy(const struct auth_answer *a, struct auth_answer *out);

struct auth_question {
    uint64_t ticket;                    /* for auth_backend_answer() */
    const struct auth_request *request; /* all below valid only during ask() */
    const struct auth_user *user;
    /* The name at the back-end: the account's external_name, else what was typed (template) or the
     * account's name. */
    const char *name;
    /* Of a reply to an ASK: state is what was given (not NULL then), and request->password the
     * reply. */
    GBytes *state;
};

struct auth_backend {
    const char *name; /* for the log: "RADIUS" */
    void *owner;
    /* Whether this kind of credential can be given to it at all. NULL: AUTH_PLAIN and
     * AUTH_MSCHAPV2. */
    bool (*can)(void *owner, const struct auth_request *r, const struct auth_user *u);
    /* Before the first factor is looked at (a second factor only, may be NULL): takes its part out
     * of the request, as a code that was typed behind the password, into request->code. */
    void (*split)(void *owner, struct auth_request *r, const struct auth_user *u);
    /* Control thread. Answers exactly once, now or later, unless forget() comes before. */
    void (*ask)(void *owner, const struct auth_question *q);
    /* Control thread: nobody waits for this answer any more. May be NULL. */
    void (*forget)(void *owner, uint64_t ticket);
};

/* Control thread, before the first request; b is borrowed and outlives auth. type: 4 or 5. */
void auth_set_backend(struct auth *a, int type, const struct auth_backend *b);
void auth_set_second_factor(struct auth *a, const struct auth_backend *b);

/* Any thread. Copies what it needs of the answer. A ticket that nobody waits for is fine. */
void auth_backend_answer(struct auth *a, uint64_t ticket, const struct auth_answer *answer);
