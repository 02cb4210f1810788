/* SPDX-License-Identifier: Apache-2.0 */
/* auth.c - the way of a request: asker -> control (-> helper -> control) -> asker.
 *
 * Goals: the asker never waits; a verdict comes exactly once, or never after a cancel; who guesses
 * learns nothing from codes or times. Not here: what is right (local.c), who is banned (ban.c).
 *
 * Stages: a job is NEW in the inbox until control has looked the user up; what needs no scrypt is
 * decided there and then. Otherwise it is HELPING until a helper puts it back into the inbox,
 * CHECKED. A verdict goes out at once; a refusal is kept back (REFUSED) to the next multiple of
 * AUTH_REFUSE_STEP_MS after the request. Then it is POSTED to the asker's worker.
 *
 * Guesses in parallel gain nothing: whether the address is banned is asked before a job starts and
 * again before its verdict, and a job that was cancelled under way still counts.
 *
 * Threads: one GSource on control's default context does all steps there. The lock guards what is
 * named below it, and is held for a few lines, never across a call out.
 *
 * Memory: AUTH_JOBS jobs, AUTH_QUEUE of them for helpers, AUTH_BAN_ADDRESSES addresses.
 */

#include "core/auth/auth.h"

#include "core/auth/ban.h"
#include "core/auth/local.h"
#include "core/auth/password.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/types.h"

#include <string.h>

enum { JOBS_A_TURN = 64, NAME_TEXT = 80, REFUSED_LINES = 20 };

enum stage { STAGE_NEW, STAGE_HELPING, STAGE_CHECKED, STAGE_REFUSED, STAGE_POSTED };

struct job {
    struct auth *auth; /* counted */
    gint64 ticket;     /* key in jobs */
    struct auth_request *request;
    int64_t submitted_us, due_us;
    GList link; /* in inbox or refused */

    enum stage stage; /* control, or the helper while HELPING */
    bool hub_found, user_found, password_ok;
    struct auth_user user;
    struct auth_verdict verdict;

    bool cancelled; /* by the lock */
};

struct auth {
    gatomicrefcount refs; /* one of the owner, one of each job */
    const struct auth_store_ops *ops;
    void *store;
    GSource *source;
    GThreadPool *helpers;
    GQueue refused;               /* control; the earliest due first */
    GList *helping;               /* control; jobs that helpers have */
    unsigned n_helping;           /* control */
    struct log_limit refused_log; /* control */

    GMutex lock; /* guards all below */
    GCond delivered;
    GHashTable *jobs; /* by ticket; not owned */
    GQueue inbox;     /* for control */
    struct ban_table *bans;
    gint64 last_ticket;
    unsigned n_delivering; /* calls of done() that are running now */
    bool closed;
};

/* ---- requests and users ---- */

struct auth_request *
auth_request_new(enum auth_kind kind)
{
    struct auth_request *r = g_new0(struct auth_request, 1);
    r->kind = kind;
    return r;
}

void
auth_request_free(struct auth_request *r)
{
    if (!r)
        return;
    g_free(r->hub);
    g_free(r->user);
    g_free(r->protocol);
    g_free(r->mschap.name);
    secret_free(r->password);
    g_clear_pointer(&r->cert, g_bytes_unref);
    g_clear_pointer(&r->proof, g_bytes_unref);
    secret_wipe(r, sizeof(*r));
    g_free(r);
}

void
auth_user_clear(struct auth_user *u)
{
    secret_free_str(u->verifier);
    g_clear_pointer(&u->cert, g_bytes_unref);
    g_free(u->cert_cn);
    g_clear_pointer(&u->cert_serial, g_bytes_unref);
    secret_wipe(u, sizeof(*u));
}

/* ---- life ---- */

static void
auth_unref(struct auth *a)
{
    if (!g_atomic_ref_count_dec(&a->refs))
        return;
    g_mutex_clear(&a->lock);
    g_cond_clear(&a->delivered);
    g_hash_table_destroy(a->jobs);
    ban_free(a->bans);
    g_free(a);
}

/* The job is in no queue any more. */
static void
job_free(struct job *job)
{
    struct auth *a = job->auth;
    g_mutex_lock(&a->lock);
    g_hash_table_remove(a->jobs, &job->ticket);
    g_mutex_unlock(&a->lock);
    auth_request_free(job->request);
    auth_user_clear(&job->user);
    secret_wipe(&job->verdict, sizeof(job->verdict));
    g_free(job);
    auth_unref(a);
}

/* ---- the verdict, on the asker's thread ---- */

static void
deliver(void *data)
{
    struct job *job = data;
    struct auth *a = job->auth;

    g_mutex_lock(&a->lock);
    bool run = !job->cancelled && !a->closed;
    if (run)
        a->n_delivering++;
    /* From here a cancel finds nothing, also one from inside done(). */
    g_hash_table_remove(a->jobs, &job->ticket);
    g_mutex_unlock(&a->lock);
    if (run) {
        job->request->done(job->request->owner, &job->verdict);
        g_mutex_lock(&a->lock);
        a->n_delivering--;
        g_cond_broadcast(&a->delivered);
        g_mutex_unlock(&a->lock);
    }
    job_free(job);
}

static void
send_out(struct job *job)
{
    job->stage = STAGE_POSTED;
    if (job->request->worker)
        worker_call(job->request->worker, deliver, job);
    else
        deliver(job);
}

static int
compare_due(gconstpointer a, gconstpointer b, gpointer data)
{
    (void)data;
    const struct job *x = a, *y = b;
    return x->due_us < y->due_us ? -1 : x->due_us > y->due_us;
}

/* Keeps it back until its time tells nothing. */
static void
send_refusal(struct job *job, int64_t now_us)
{
    const int64_t step_us = AUTH_REFUSE_STEP_MS * INT64_C(1000);
    int64_t steps = (now_us - job->submitted_us) / step_us + 1;
    job->due_us = job->submitted_us + steps * step_us;
    job->stage = STAGE_REFUSED;
    g_queue_insert_sorted(&job->auth->refused, job, compare_due, NULL);
}

/* ---- control ---- */

static bool
was_cancelled(struct job *job)
{
    g_mutex_lock(&job->auth->lock);
    bool cancelled = job->cancelled;
    g_mutex_unlock(&job->auth->lock);
    return cancelled;
}

/* Codes that say nothing about the user: at once. */
static void
turn_away(struct job *job, int code)
{
    job->verdict = (struct auth_verdict){.code = code, .policy = policy_default()};
    send_out(job);
}

static void
log_verdict(struct job *job)
{
    const struct auth_request *r = job->request;
    const char *reason = job->verdict.reason;
    char user[NAME_TEXT], hub[NAME_TEXT], peer[ENDPOINT_TEXT];
    unsigned left_out = 0;
    bool pass =
        reason ? log_limit_pass(&job->auth->refused_log, REFUSED_LINES, clock_now_us(), &left_out)
               : log_is_on(LOG_DEBUG);
    if (!pass)
        return;
    (void)log_text(hub, sizeof(hub), r->hub, strlen(r->hub));
    (void)log_text(user, sizeof(user), r->user, strlen(r->user));
    (void)endpoint_print(&r->peer, peer);
    if (reason)
        log_info("login refused",
                 "hub=\"%s\" user=\"%s\" peer=%s protocol=%s reason=\"%s\" left_out=%u", hub, user,
                 peer, r->protocol ? r->protocol : "", job->hub_found ? reason : "no such hub",
                 left_out);
    else
        log_debug("login accepted", "hub=\"%s\" user=\"%s\" peer=%s protocol=%s", hub, user, peer,
                  r->protocol ? r->protocol : "");
}

static void
decide(struct job *job)
{
    struct auth *a = job->auth;
    const struct auth_request *r = job->request;
    struct auth_facts facts = {.user = job->user_found ? &job->user : NULL,
                               .password_ok = job->password_ok,
                               .now_ms = clock_wall_ms()};
    if (local_needs_cas(r, facts.user))
        facts.cas = a->ops->trusted_cas(a->store, r->hub);
    local_decide(r, &facts, &job->verdict);
    g_clear_pointer(&facts.cas, g_ptr_array_unref);
}

static void
finish(struct job *job)
{
    struct auth *a = job->auth;
    const struct auth_request *r = job->request;
    if (auth_is_banned(a, &r->peer.ip)) {
        turn_away(job, PE_ADDRESS_DENIED);
        return;
    }
    decide(job);
    int code = job->verdict.code;
    if (code == PE_AUTH_FAILED)
        auth_note_failure(a, &r->peer.ip);
    else
        auth_note_success(a, &r->peer.ip);
    if (job->hub_found && a->ops->logged_in)
        a->ops->logged_in(a->store, r->hub, job->user_found ? job->user.name : r->user,
                          code == PE_OK);
    log_verdict(job);
    if (code == PE_OK)
        send_out(job);
    else
        send_refusal(job, clock_now_us());
}

static bool
helpers_are_busy(const struct auth *a, const struct ip *ip)
{
    if (a->n_helping >= AUTH_QUEUE)
        return true;
    struct ip key = ip_limit_key(ip);
    unsigned same = 0;
    for (const GList *l = a->helping; l; l = l->next) {
        const struct job *job = l->data;
        struct ip other = ip_limit_key(&job->request->peer.ip);
        same += ip_equal(&key, &other);
    }
    return same >= AUTH_QUEUE_ADDRESS;
}

static void
start_helping(struct job *job)
{
    struct auth *a = job->auth;
    if (helpers_are_busy(a, &job->request->peer.ip)) {
        turn_away(job, PE_HUB_FULL);
        return;
    }
    job->stage = STAGE_HELPING;
    a->helping = g_list_prepend(a->helping, job);
    a->n_helping++;
    (void)g_thread_pool_push(a->helpers, job, NULL); /* queued even when no thread can be made */
}

static void
begin(struct job *job)
{
    struct auth *a = job->auth;
    const struct auth_request *r = job->request;
    if (was_cancelled(job)) {
        job_free(job);
        return;
    }
    if (auth_is_banned(a, &r->peer.ip)) {
        turn_away(job, PE_ADDRESS_DENIED);
        return;
    }
    bool found = false;
    job->hub_found = a->ops->find_user(a->store, r->hub, r->user, &found, &job->user);
    job->user_found = job->hub_found && found;
    if (local_needs_password(r, job->user_found ? &job->user : NULL))
        start_helping(job);
    else
        finish(job);
}

static void
step(struct job *job)
{
    struct auth *a = job->auth;
    if (job->stage == STAGE_NEW) {
        begin(job);
        return;
    }
    a->helping = g_list_remove(a->helping, job);
    a->n_helping--;
    finish(job);
}

struct wake_up {
    GSource source;
    struct auth *auth; /* destroys the source before it dies */
};

static struct job *
take_from_inbox(struct auth *a)
{
    g_mutex_lock(&a->lock);
    GList *l = g_queue_pop_head_link(&a->inbox);
    g_mutex_unlock(&a->lock);
    return l ? l->data : NULL;
}

static void
set_wake_up(struct auth *a)
{
    const struct job *first = g_queue_peek_head(&a->refused);
    g_mutex_lock(&a->lock);
    /* Under the lock, so that a job that is put in now does not lose its wake-up. */
    if (a->inbox.length > 0)
        g_source_set_ready_time(a->source, 0);
    else
        g_source_set_ready_time(a->source, first ? first->due_us : -1);
    g_mutex_unlock(&a->lock);
}

static gboolean
on_wake_up(GSource *source, GSourceFunc callback, gpointer data)
{
    (void)callback;
    (void)data;
    struct auth *a = container_of(source, struct wake_up, source)->auth;
    for (unsigned i = 0; i < JOBS_A_TURN; i++) {
        struct job *job = take_from_inbox(a);
        if (!job)
            break;
        step(job);
    }
    int64_t now_us = clock_now_us();
    for (;;) {
        struct job *first = g_queue_peek_head(&a->refused);
        if (!first || first->due_us > now_us)
            break;
        (void)g_queue_pop_head(&a->refused);
        send_out(first);
    }
    set_wake_up(a);
    return G_SOURCE_CONTINUE;
}

/* ---- any thread ---- */

/* Under the lock. */
static void
put_into_inbox(struct job *job)
{
    struct auth *a = job->auth;
    job->link.data = job;
    g_queue_push_tail_link(&a->inbox, &job->link);
    if (!a->closed)
        g_source_set_ready_time(a->source, 0);
}

/* A helper's whole work. */
static void
help(gpointer data, gpointer user_data)
{
    (void)user_data;
    struct job *job = data;
    const struct secret *password = job->request->password;
    const char *verifier = job->user_found ? job->user.verifier : NULL;
    job->password_ok = password_verify(verifier, password ? secret_str(password) : "");
    g_mutex_lock(&job->auth->lock);
    job->stage = STAGE_CHECKED;
    put_into_inbox(job);
    g_mutex_unlock(&job->auth->lock);
}

uint64_t
auth_submit(struct auth *a, struct auth_request *r)
{
    struct job *job = g_new0(struct job, 1);
    g_atomic_ref_count_inc(&a->refs);
    job->auth = a;
    job->request = r;
    job->submitted_us = clock_now_us();

    g_mutex_lock(&a->lock);
    gint64 ticket = ++a->last_ticket;
    bool closed = a->closed;
    bool full = r->worker && g_hash_table_size(a->jobs) >= AUTH_JOBS;
    job->ticket = ticket;
    if (!closed)
        g_hash_table_insert(a->jobs, &job->ticket, job);
    if (!closed && !full)
        put_into_inbox(job);
    else
        job->stage = STAGE_POSTED; /* not for auth_free() to free */
    g_mutex_unlock(&a->lock);

    /* If it went into the inbox it may be gone by now. */
    if (closed)
        job_free(job);
    else if (full)
        turn_away(job, PE_HUB_FULL);
    return (uint64_t)ticket;
}

void
auth_cancel(struct auth *a, uint64_t ticket)
{
    gint64 key = (gint64)ticket;
    g_mutex_lock(&a->lock);
    struct job *job = g_hash_table_lookup(a->jobs, &key);
    if (job)
        job->cancelled = true;
    g_mutex_unlock(&a->lock);
}

bool
auth_is_banned(struct auth *a, const struct ip *address)
{
    g_mutex_lock(&a->lock);
    bool banned = ban_is(a->bans, address, clock_now_us());
    g_mutex_unlock(&a->lock);
    return banned;
}

void
auth_note_failure(struct auth *a, const struct ip *address)
{
    g_mutex_lock(&a->lock);
    ban_failure(a->bans, address, clock_now_us());
    g_mutex_unlock(&a->lock);
}

void
auth_note_success(struct auth *a, const struct ip *address)
{
    g_mutex_lock(&a->lock);
    ban_success(a->bans, address, clock_now_us());
    g_mutex_unlock(&a->lock);
}

/* ---- start and end ---- */

static GSourceFuncs source_funcs = {.dispatch = on_wake_up};

struct auth *
auth_new(const struct auth_store_ops *ops, void *store)
{
    struct auth *a = g_new0(struct auth, 1);
    g_atomic_ref_count_init(&a->refs);
    a->ops = ops;
    a->store = store;
    g_mutex_init(&a->lock);
    g_cond_init(&a->delivered);
    g_queue_init(&a->inbox);
    g_queue_init(&a->refused);
    a->jobs = g_hash_table_new(g_int64_hash, g_int64_equal);
    a->bans = ban_new();
    a->helpers = g_thread_pool_new(help, NULL, AUTH_HELPERS, FALSE, NULL);

    a->source = g_source_new(&source_funcs, sizeof(struct wake_up));
    container_of(a->source, struct wake_up, source)->auth = a;
    g_source_set_static_name(a->source, "auth");
    g_source_set_ready_time(a->source, -1);
    (void)g_source_attach(a->source, NULL);
    return a;
}

void
auth_free(struct auth *a)
{
    if (!a)
        return;
    g_mutex_lock(&a->lock);
    a->closed = true;
    while (a->n_delivering > 0)
        g_cond_wait(&a->delivered, &a->lock);
    g_mutex_unlock(&a->lock);
    g_thread_pool_free(a->helpers, TRUE, TRUE);
    g_source_destroy(a->source);
    g_source_unref(a->source);

    /* What is posted to a worker frees itself there, at any moment from now: it is looked at only
     * while it cannot leave the table. */
    g_autoptr(GPtrArray) left = g_ptr_array_new();
    GHashTableIter it;
    gpointer value;
    g_mutex_lock(&a->lock);
    g_hash_table_iter_init(&it, a->jobs);
    while (g_hash_table_iter_next(&it, NULL, &value)) {
        const struct job *job = value;
        if (job->stage != STAGE_POSTED)
            g_ptr_array_add(left, value);
    }
    g_mutex_unlock(&a->lock);
    for (guint i = 0; i < left->len; i++)
        job_free(g_ptr_array_index(left, i));
    g_list_free(a->helping);
    g_queue_clear(&a->refused);
    auth_unref(a);
}
