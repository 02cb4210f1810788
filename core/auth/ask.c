/* SPDX-License-Identifier: Apache-2.0 */
/* ask.c - jobs at back-ends, and questions to users. See backend.h.
 *
 * A job that is ASKING stands in a queue sorted by the end of its time, which is the order of its
 * beginning. An answer may come on any thread, once: it goes to the inbox with its job. What comes
 * late finds no job, or one that may not be answered any more. A cancelled job waits on: whether
 * its guess was right still counts.
 */

#include "core/auth/auth_priv.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/random.h"

#include <string.h>

/* ---- answers ---- */

static gpointer
copy_text(gconstpointer text, gpointer data)
{
    (void)data;
    return g_strdup(text);
}

void
auth_answer_clear(struct auth_answer *a)
{
    g_clear_pointer(&a->routes, g_ptr_array_unref);
    g_clear_pointer(&a->class_, g_bytes_unref);
    g_clear_pointer(&a->state, g_bytes_unref);
    secret_wipe(a, sizeof(*a));
}

void
auth_answer_copy(const struct auth_answer *a, struct auth_answer *out)
{
    *out = *a;
    out->routes = a->routes ? g_ptr_array_copy(a->routes, copy_text, NULL) : NULL;
    if (out->routes)
        g_ptr_array_set_free_func(out->routes, g_free);
    out->class_ = a->class_ ? g_bytes_ref(a->class_) : NULL;
    out->state = a->state ? g_bytes_ref(a->state) : NULL;
}

/* ---- who is asked ---- */

void
auth_set_backend(struct auth *a, int type, const struct auth_backend *b)
{
    g_assert(type >= 0 && type < AUTH_TYPES);
    a->backends[type] = b;
}

void
auth_set_second_factor(struct auth *a, const struct auth_backend *b)
{
    a->second = b;
}

const struct auth_backend *
ask_first(const struct job *job)
{
    const struct auth_request *r = job->request;
    int type = job->user.auth_type;
    const struct auth_backend *b =
        job->user_found && type >= 0 && type < AUTH_TYPES ? job->auth->backends[type] : NULL;

    if (!b || job->proven || job->lost)
        return NULL;
    if (r->kind == AUTH_REPLY)
        return b;
    if (b->can)
        return b->can(b->owner, r, &job->user) ? b : NULL;
    return r->kind == AUTH_PLAIN || r->kind == AUTH_MSCHAPV2 ? b : NULL;
}

const struct auth_backend *
ask_second(const struct job *job)
{
    bool wanted = job->user_found && job->user.second_factor;

    return wanted && job->request->kind != AUTH_PROVEN ? job->auth->second : NULL;
}

void
ask_split(struct job *job)
{
    const struct auth_backend *b = ask_second(job);

    if (b && b->split && job->request->kind != AUTH_REPLY)
        b->split(b->owner, job->request, &job->user);
}

/* ---- asking ---- */

static bool
backends_are_busy(const struct auth *a, const struct ip *ip)
{
    struct ip key = ip_limit_key(ip);
    unsigned same = 0;

    if (a->asking.length >= AUTH_ASKING)
        return true;
    for (const GList *l = a->asking.head; l; l = l->next) {
        const struct job *job = l->data;
        struct ip other = ip_limit_key(&job->request->peer.ip);
        same += ip_equal(&key, &other);
    }
    return same >= AUTH_ASKING_ADDRESS;
}

static const char *
name_there(const struct job *job)
{
    if (job->by_template)
        return job->request->user;
    return job->user.external_name[0] ? job->user.external_name : job->user.name;
}

void
ask_start(struct job *job, const struct auth_backend *b, bool second, GBytes *state)
{
    struct auth *a = job->auth;
    struct auth_question q = {.ticket = (uint64_t)job->ticket,
                              .request = job->request,
                              .user = &job->user,
                              .name = name_there(job),
                              .state = state};

    if (backends_are_busy(a, &job->request->peer.ip)) {
        job_turn_away(job, PE_HUB_FULL);
        return;
    }
    job->stage = STAGE_ASKING;
    job->asking = b;
    job->asks_second = second;
    job->due_us = clock_now_us() + AUTH_ASK_S * G_USEC_PER_SEC;
    job->link.data = job;
    g_queue_push_tail_link(&a->asking, &job->link);
    g_mutex_lock(&a->lock);
    job->may_answer = true;
    g_mutex_unlock(&a->lock);
    b->ask(b->owner, &q);
}

/* Under the lock. */
static void
give_answer(struct job *job, const struct auth_answer *answer)
{
    job->may_answer = false;
    job->answer = g_new(struct auth_answer, 1);
    auth_answer_copy(answer, job->answer);
}

void
auth_backend_answer(struct auth *a, uint64_t ticket, const struct auth_answer *answer)
{
    gint64 key = (gint64)ticket;

    g_mutex_lock(&a->lock);
    struct job *job = g_hash_table_lookup(a->jobs, &key);
    if (job && job->may_answer && !a->closed) {
        give_answer(job, answer);
        g_queue_push_tail(&a->answered, job);
        g_source_set_ready_time(a->source, 0);
    }
    g_mutex_unlock(&a->lock);
}

struct auth_answer *
ask_end(struct job *job)
{
    struct auth *a = job->auth;

    g_queue_unlink(&a->asking, &job->link);
    g_mutex_lock(&a->lock);
    struct auth_answer *answer = g_steal_pointer(&job->answer);
    g_mutex_unlock(&a->lock);
    return answer;
}

/* ---- time ---- */

void
ask_time_out(struct auth *a, int64_t now_us)
{
    static const struct auth_answer late = {.says = AUTH_SAYS_NOTHING,
                                            .reason = "no answer came in time"};

    for (GList *l = a->asking.head; l; l = l->next) {
        struct job *job = l->data;
        if (job->due_us > now_us)
            return;
        g_mutex_lock(&a->lock);
        bool over = job->may_answer;
        if (over) {
            give_answer(job, &late);
            g_queue_push_tail(&a->answered, job);
        }
        g_mutex_unlock(&a->lock);
        if (over && job->asking->forget)
            job->asking->forget(job->asking->owner, (uint64_t)job->ticket);
    }
}

int64_t
ask_deadline(const struct auth *a)
{
    const struct job *first = g_queue_peek_head((GQueue *)&a->asking);

    return first ? first->due_us : 0;
}

void
ask_forget_all(struct auth *a)
{
    while (a->asking.head) {
        struct job *job = a->asking.head->data;
        g_queue_unlink(&a->asking, &job->link);
        if (job->asking->forget)
            job->asking->forget(job->asking->owner, (uint64_t)job->ticket);
    }
}

/* ---- questions to users ---- */

bool
ask_keep_question(struct job *job, const struct auth_answer *answer)
{
    struct auth *a = job->auth;
    struct auth_verdict *v = &job->verdict;
    uint8_t bytes[(AUTH_REPLY_ID - 1) / 2];

    if (!job->request->can_ask)
        return false;
    struct reply *r = g_new0(struct reply, 1);
    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        g_snprintf(r->id + 2 * i, 3, "%02x", bytes[i]);
    r->hub = g_strdup(job->request->hub);
    r->user = g_strdup(job->request->user);
    r->address = job->request->peer.ip;
    r->is_second = job->asks_second;
    r->account = job->account;
    r->has_first = job->has_first && job->asks_second;
    if (r->has_first)
        auth_answer_copy(&job->first, &r->first);
    r->state = answer->state ? g_bytes_ref(answer->state) : g_bytes_new_static("", 0);
    memcpy(v->question.id, r->id, sizeof(v->question.id));
    v->question.is_asked = replies_add(a->replies, r, clock_now_us());
    v->question.echo = answer->echo;
    return v->question.is_asked;
}
