/* SPDX-License-Identifier: Apache-2.0 */
/* auth_priv.h - jobs, between auth.c and ask.c. */
#pragma once

#include "core/auth/auth.h"
#include "core/auth/backend.h"
#include "core/auth/guard.h"
#include "core/auth/replies.h"
#include "core/base/log.h"

enum { AUTH_TYPES = 6 }; /* UserAuthType of the API */

enum stage { STAGE_NEW, STAGE_HELPING, STAGE_CHECKED, STAGE_ASKING, STAGE_REFUSED, STAGE_POSTED };

struct job {
    struct auth *auth; /* counted */
    gint64 ticket;     /* key in jobs */
    struct auth_request *request;
    int64_t submitted_us, due_us;
    GList link; /* in inbox or asking */

    enum stage stage; /* control, or the helper while HELPING */
    bool hub_found, user_found, password_ok;
    struct auth_user user; /* the template, when by_template */
    struct auth_verdict verdict;

    /* Back-ends, control. */
    bool by_template;
    bool proven;                       /* the first factor is, by a back-end or before a reply */
    const char *lost;                  /* why a reply is for nothing */
    const struct auth_backend *asking; /* who is asked now, or was last */
    bool asks_second;                  /* it is the second factor */
    bool has_first;
    struct auth_answer first; /* what a back-end said about the first factor */
    uint64_t account;
    GBytes *reply_state; /* of whoever asked what this is the reply to; or NULL */

    bool cancelled;             /* by the lock */
    bool may_answer;            /* by the lock: somebody is being asked */
    struct auth_answer *answer; /* by the lock, until ask_end() */
};

struct auth {
    gatomicrefcount refs; /* one of the owner, one of each job */
    const struct auth_store_ops *ops;
    void *store;
    auth_admits *admits; /* or NULL */
    void *admission;     /* its owner */
    GSource *source;
    GThreadPool *helpers;
    GQueue refused;               /* control; the earliest due first */
    GList *helping;               /* control; jobs that helpers have */
    unsigned n_helping;           /* control */
    GQueue asking;                /* control; jobs at back-ends, the earliest due first */
    struct log_limit refused_log; /* control */
    const struct auth_backend *backends[AUTH_TYPES], *second;
    struct replies *replies; /* control */
    struct guard *guard;     /* any thread */

    GMutex lock; /* guards all below */
    GCond delivered;
    GHashTable *jobs; /* by ticket; not owned */
    GQueue inbox;     /* for control: new ones, and those that come from helpers */
    GQueue answered;  /* for control: ASKING and answered */
    gint64 last_ticket;
    unsigned n_delivering; /* calls of done() that are running now */
    bool closed;
};

/* ---- auth.c ---- */

/* A verdict that says nothing about the user, at once. */
void job_turn_away(struct job *job, int code);

/* ---- ask.c ---- */

/* Whoever has to be asked about the first factor; NULL: nobody. */
const struct auth_backend *ask_first(const struct job *job);
/* The same for the second one, after the first. */
const struct auth_backend *ask_second(const struct job *job);
/* Takes out of the request what belongs to the second factor. */
void ask_split(struct job *job);
/* state: of a reply, or NULL. The job is ASKING, or was turned away. */
void ask_start(struct job *job, const struct auth_backend *b, bool second, GBytes *state);
/* The job's answer is there: it is not ASKING any more. The caller owns it: auth_answer_clear(),
 * g_free(). */
struct auth_answer *ask_end(struct job *job);
/* Jobs whose time is over are answered. */
void ask_time_out(struct auth *a, int64_t now_us);
/* 0: never. */
int64_t ask_deadline(const struct auth *a);
/* Keeps the question of an ASK for the reply and puts it into the verdict. False: it cannot be
 * asked. */
bool ask_keep_question(struct job *job, const struct auth_answer *answer);
/* At the end: no back-end is asked any more. */
void ask_forget_all(struct auth *a);
