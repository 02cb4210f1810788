/* SPDX-License-Identifier: Apache-2.0 */
/* auth.c - the way of a request: asker -> control (-> helper -> control) -> asker.
 *
 * Goals: the asker never waits; a verdict comes exactly once, or never after a cancel; who guesses
 * learns nothing from codes or times. Not here: what is right (local.c), who is kept out (guard.c),
 * how others are asked (ask.c).
 *
 * Stages: a job is NEW in the inbox until control has looked the user up; what needs no scrypt is
 * decided there and then. Otherwise it is HELPING until a helper puts it back into the inbox,
 * CHECKED; or ASKING until a back-end has answered, once for each factor. A verdict goes out at
 * once; a refusal is kept back (REFUSED) to the next multiple of AUTH_REFUSE_STEP_MS after the
 * request. Then it is POSTED to the asker's worker.
 *
 * Guesses in parallel gain nothing: whether the address is banned is asked before a job starts and
 * again before its verdict, and a job that was cancelled under way still counts. The same holds for
 * an account's pauses.
 *
 * Threads: one GSource on control's default context does all steps there. The lock guards what is
 * named below it, and is held for a few lines, never across a call out.
 *
 * Memory: AUTH_JOBS jobs, AUTH_QUEUE of them for helpers, AUTH_ASKING at back-ends; AUTH_REPLIES
 * questions; AUTH_BAN_ADDRESSES addresses.
 */

#include "core/auth/auth_priv.h"
#include "core/auth/local.h"
#include "core/auth/password.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/hub_event.h"
#include "core/base/types.h"

#include <string.h>

enum { JOBS_A_TURN = 64, REFUSED_LINES = 20 };

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
    secret_free(r->code);
    g_clear_pointer(&r->cert, g_bytes_unref);
    g_clear_pointer(&r->proof, g_bytes_unref);
    secret_wipe(r, sizeof(*r));
    g_free(r);
}

void
auth_user_clear(struct auth_user *u)
{
    secret_free_str(u->verifier);
    secret_free_str(u->totp);
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
    guard_free(a->guard);
    replies_free(a->replies);
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
    if (job->has_first)
        auth_answer_clear(&job->first);
    if (job->answer)
        auth_answer_clear(job->answer);
    g_free(job->answer);
    g_clear_pointer(&job->reply_state, g_bytes_unref);
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

void
job_turn_away(struct job *job, int code)
{
    job->verdict = (struct auth_verdict){.code = code, .policy = policy_default()};
    send_out(job);
}

static void
report_verdict(struct job *job)
{
    const struct auth_request *r = job->request;
    const char *reason = job->verdict.reason;
    struct hub_event e = {.kind = reason ? HUB_EVENT_LOGIN_REFUSED : HUB_EVENT_LOGIN_OK,
                          .level = reason ? LOG_INFO : LOG_DEBUG,
                          .hub = r->hub,
                          .user = r->user,
                          .protocol = r->protocol,
                          .peer = r->peer,
                          .code = job->verdict.code,
                          .reason = reason && !job->hub_found ? "no such hub" : reason};

    e.quiet = reason &&
              !log_limit_pass(&job->auth->refused_log, REFUSED_LINES, clock_now_us(), &e.left_out);
    hub_event_report(&e);
}

/* A group that a back-end named; one that the hub does not have counts for nothing. */
static void
take_named_group(struct job *job)
{
    const struct auth *a = job->auth;
    bool has_policy = false;
    struct policy policy;

    if (!job->has_first || !job->first.group[0] || !a->ops->find_group)
        return;
    if (!a->ops->find_group(a->store, job->request->hub, job->first.group, &has_policy, &policy))
        job->first.group[0] = '\0';
    else if (has_policy && !job->user.own_policy)
        job->user.policy = policy;
}

static void
decide(struct job *job)
{
    struct auth *a = job->auth;
    const struct auth_request *r = job->request;
    struct auth_facts facts = {.user = job->user_found ? &job->user : NULL,
                               .by_template = job->by_template,
                               .password_ok = job->password_ok,
                               .proven = job->proven,
                               .answer = job->has_first ? &job->first : NULL,
                               .now_ms = clock_wall_ms()};
    take_named_group(job);
    if (local_needs_cas(r, facts.user))
        facts.cas = a->ops->trusted_cas(a->store, r->hub);
    if (a->ops->revoked && local_needs_crls(r, facts.user))
        facts.crls = a->ops->revoked(a->store, r->hub);
    local_decide(r, &facts, &job->verdict);
    if (job->lost) {
        job->verdict.code = PE_AUTH_FAILED;
        job->verdict.reason = job->lost;
    }
    job->verdict.account = job->account;
    g_clear_pointer(&facts.cas, g_ptr_array_unref);
    g_clear_pointer(&facts.crls, g_ptr_array_unref);
}

/* Certificates and tokens are not found by guessing: they count for the address alone. */
static bool
is_guessable(enum auth_kind kind)
{
    return kind == AUTH_PLAIN || kind == AUTH_SEVPN_HASH || kind == AUTH_MSCHAPV2 ||
           kind == AUTH_REPLY;
}

static struct guard_try
try_of(const struct job *job)
{
    const struct auth_request *r = job->request;
    bool at_account = is_guessable(r->kind);

    return (struct guard_try){.ip = &r->peer.ip,
                              .hub = at_account ? r->hub : NULL,
                              .user = at_account ? r->user : NULL,
                              .protocol = r->protocol};
}

/* Whether the try was a guess, or the address has shown that it is somebody's. */
static void
count_try(struct job *job)
{
    struct guard_try t = try_of(job);
    int code = job->verdict.code;

    if (code == PE_AUTH_FAILED)
        (void)guard_failure(job->auth->guard, &t);
    else if (code != PE_HUB_FULL)
        guard_success(job->auth->guard, &t);
}

/* True: it was turned away. */
static bool
is_kept_out(struct job *job)
{
    struct guard_try t = try_of(job);

    if (guard_is_banned(job->auth->guard, t.ip)) {
        job_turn_away(job, PE_ADDRESS_DENIED);
        return true;
    }
    if (!guard_is_paused(job->auth->guard, &t))
        return false;
    job->verdict.code = PE_ADDRESS_DENIED;
    job->verdict.reason = "too many wrong tries at this account from this network";
    report_verdict(job);
    job_turn_away(job, PE_ADDRESS_DENIED);
    return true;
}

/* The old password was right. */
static void
change_password(struct job *job)
{
    struct auth *a = job->auth;
    struct auth_verdict *v = &job->verdict;
    const char *fault = local_change_fault(job->request, &job->user, &v->policy);

    if (!fault &&
        (!a->ops->change_password || !a->ops->change_password(a->store, job->request, v->user)))
        fault = "the new password could not be stored";
    v->code = fault ? PE_ACCESS_DENIED : PE_OK;
    v->reason = fault;
}

/* The verdict is made. */
static void
conclude(struct job *job)
{
    struct auth *a = job->auth;
    const struct auth_request *r = job->request;
    struct auth_verdict *v = &job->verdict;

    if (v->question.is_asked) {
        send_out(job);
        return;
    }
    count_try(job);
    if (r->change.wanted && v->code == PE_OK)
        change_password(job);
    else if (job->hub_found && a->ops->logged_in)
        a->ops->logged_in(a->store, r->hub, job->user_found ? job->user.name : r->user,
                          v->code == PE_OK);
    report_verdict(job);
    if (v->code == PE_OK)
        send_out(job);
    else
        send_refusal(job, clock_now_us());
}

static void
finish(struct job *job)
{
    if (is_kept_out(job))
        return;
    decide(job);
    const struct auth_backend *second = job->verdict.code == PE_OK ? ask_second(job) : NULL;
    if (second)
        ask_start(job, second, true, job->proven ? job->reply_state : NULL);
    else
        conclude(job);
}

/* What the second factor says goes over a verdict that was fine so far. */
static void
take_second(struct job *job, const struct auth_answer *answer)
{
    struct auth_verdict *v = &job->verdict;

    if (is_kept_out(job))
        return;
    if (answer->says != AUTH_SAYS_YES) {
        local_refuse(v, answer);
        if (answer->says == AUTH_SAYS_ASK && !ask_keep_question(job, answer))
            v->reason = "there is no way to ask for the second factor";
    }
    conclude(job);
}

static void
take_first(struct job *job, struct auth_answer *answer)
{
    job->has_first = true;
    auth_answer_copy(answer, &job->first);
    g_clear_pointer(&job->reply_state, g_bytes_unref); /* of this factor, not of the second */
    job->proven = answer->says == AUTH_SAYS_YES;
    if (job->proven)
        job->account = (uint64_t)job->ticket;
    if (answer->says != AUTH_SAYS_ASK) {
        finish(job);
        return;
    }
    decide(job);
    if (!ask_keep_question(job, answer))
        job->verdict.reason = "the back-end asks for more, and there is no way to ask the user";
    conclude(job);
}

static void
take_answer(struct job *job)
{
    struct auth_answer *answer = ask_end(job);

    if (job->asks_second)
        take_second(job, answer);
    else
        take_first(job, answer);
    auth_answer_clear(answer);
    g_free(answer);
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
        job_turn_away(job, PE_HUB_FULL);
        return;
    }
    job->stage = STAGE_HELPING;
    a->helping = g_list_prepend(a->helping, job);
    a->n_helping++;
    (void)g_thread_pool_push(a->helpers, job, NULL); /* queued even when no thread can be made */
}

/* A name that a back-end may be asked for although the hub does not know it. */
static bool
may_be_template(const char *user)
{
    if (user[0] == '\0' || strlen(user) >= sizeof(((struct auth_verdict *)NULL)->user) ||
        strcmp(user, AUTH_TEMPLATE) == 0 || g_ascii_strcasecmp(user, "administrator") == 0 ||
        !g_utf8_validate(user, -1, NULL))
        return false;
    for (const char *p = user; *p; p = g_utf8_next_char(p))
        if (!g_unichar_isprint(g_utf8_get_char(p)))
            return false;
    return true;
}

static void
find_user(struct job *job)
{
    struct auth *a = job->auth;
    const struct auth_request *r = job->request;
    bool found = false;

    job->hub_found = a->ops->find_user(a->store, r->hub, r->user, &found, &job->user);
    job->user_found = job->hub_found && found && strcmp(job->user.name, AUTH_TEMPLATE) != 0;
    if (!job->hub_found || found || !may_be_template(r->user))
        return;
    (void)a->ops->find_user(a->store, r->hub, AUTH_TEMPLATE, &found, &job->user);
    job->user_found = job->by_template = found && job->user.auth_type >= AUTH_USER_RADIUS;
}

/* What was known when the question was put. */
static void
resume(struct job *job)
{
    struct auth *a = job->auth;
    const struct auth_request *r = job->request;
    struct reply *reply = replies_take(a->replies, r->reply_id, r->hub, r->user, clock_now_us());

    if (!reply) {
        job->lost = "a reply to a question that was not put, or is too old";
        return;
    }
    job->account = reply->account;
    job->proven = reply->is_second;
    job->has_first = reply->has_first;
    if (reply->has_first)
        auth_answer_copy(&reply->first, &job->first);
    job->reply_state = g_bytes_ref(reply->state);
    reply_free(reply);
}

/* False: it was turned away, for where it comes from. */
static bool
is_admitted(struct job *job)
{
    struct auth *a = job->auth;
    const struct auth_request *r = job->request;

    if (!a->admits || a->admits(a->admission, r->hub, &r->peer.ip))
        return true;
    job->hub_found = true;
    job->verdict.code = PE_ADDRESS_DENIED;
    job->verdict.reason = "the hub's list of source addresses keeps this one out";
    report_verdict(job);
    job_turn_away(job, PE_ADDRESS_DENIED);
    return false;
}

static void
begin(struct job *job)
{
    const struct auth_request *r = job->request;
    if (was_cancelled(job)) {
        job_free(job);
        return;
    }
    if (!is_admitted(job))
        return;
    find_user(job);
    if (is_kept_out(job))
        return;
    if (r->kind == AUTH_REPLY)
        resume(job);
    ask_split(job);
    const struct auth_backend *b = ask_first(job);
    if (b)
        ask_start(job, b, false, job->reply_state);
    else if (local_needs_password(r, job->user_found ? &job->user : NULL))
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

static struct job *
take_answered(struct auth *a)
{
    g_mutex_lock(&a->lock);
    struct job *job = g_queue_pop_head(&a->answered);
    g_mutex_unlock(&a->lock);
    return job;
}

static void
set_wake_up(struct auth *a)
{
    const struct job *first = g_queue_peek_head(&a->refused);
    int64_t due_us = first ? first->due_us : -1;
    int64_t ask_us = ask_deadline(a);

    if (ask_us > 0 && (due_us < 0 || ask_us < due_us))
        due_us = ask_us;
    g_mutex_lock(&a->lock);
    /* Under the lock, so that a job that is put in now does not lose its wake-up. */
    bool more = a->inbox.length > 0 || a->answered.length > 0;
    g_source_set_ready_time(a->source, more ? 0 : due_us);
    g_mutex_unlock(&a->lock);
}

/* Those that are new, in one go. */
static void
keep_bans(struct auth *a)
{
    g_autoptr(GArray) bans = guard_take_new(a->guard);

    if (bans && a->ops->keep_bans)
        a->ops->keep_bans(a->store, bans);
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
    ask_time_out(a, now_us);
    for (unsigned i = 0; i < JOBS_A_TURN; i++) {
        struct job *job = take_answered(a);
        if (!job)
            break;
        take_answer(job);
    }
    for (;;) {
        struct job *first = g_queue_peek_head(&a->refused);
        if (!first || first->due_us > now_us)
            break;
        (void)g_queue_pop_head(&a->refused);
        send_out(first);
    }
    keep_bans(a);
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
        job_turn_away(job, PE_HUB_FULL);
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
    return guard_is_banned(a->guard, address);
}

void
auth_note_failure(struct auth *a, const struct ip *address)
{
    struct guard_try t = {.ip = address};

    if (!guard_failure(a->guard, &t))
        return;
    g_mutex_lock(&a->lock);
    if (!a->closed)
        g_source_set_ready_time(a->source, 0); /* for keep_bans() */
    g_mutex_unlock(&a->lock);
}

void
auth_note_success(struct auth *a, const struct ip *address)
{
    struct guard_try t = {.ip = address};

    guard_success(a->guard, &t);
}

struct guard *
auth_guard(struct auth *a)
{
    return a->guard;
}

/* ---- start and end ---- */

static GSourceFuncs source_funcs = {.dispatch = on_wake_up};

void
auth_set_admission(struct auth *a, auth_admits *admits, void *owner)
{
    a->admits = admits;
    a->admission = owner;
}

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
    g_queue_init(&a->asking);
    g_queue_init(&a->answered);
    a->replies = replies_new();
    a->jobs = g_hash_table_new(g_int64_hash, g_int64_equal);
    a->guard = guard_new();
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
    ask_forget_all(a);

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
    g_queue_clear(&a->answered);
    auth_unref(a);
}
