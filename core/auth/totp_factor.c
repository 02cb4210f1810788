/* SPDX-License-Identifier: Apache-2.0 */
/* totp_factor.c - see totp_factor.h. */

#include "core/auth/totp_factor.h"

#include "core/auth/totp.h"
#include "core/base/clock.h"

#include <string.h>

struct totp_factor {
    struct auth_backend backend;
    struct auth *auth;
    const struct auth_store_ops *ops;
    void *store;
};

/* A code behind the password becomes one beside it. Any code that came already stays. */
static void
split(void *owner, struct auth_request *r, const struct auth_user *u)
{
    struct totp t;
    size_t len = 0;

    (void)owner;
    if (r->kind != AUTH_PLAIN || r->code || !r->password || !u->totp || !totp_parse(u->totp, &t))
        return;
    const char *text = secret_str(r->password);
    if (totp_split(text, r->password->len, t.digits, &len)) {
        struct secret *password = secret_new(text, len);
        r->code = secret_text(text + len);
        secret_free(r->password);
        r->password = password;
    }
    secret_wipe(&t, sizeof(t));
}

static struct auth_answer
refusal(const char *reason)
{
    return (struct auth_answer){.says = AUTH_SAYS_NO, .reason = reason};
}

static struct auth_answer
judge(struct totp_factor *f, const struct auth_question *q, const char *code)
{
    struct totp t;
    int64_t step = 0;

    if (!q->user->totp || !totp_parse(q->user->totp, &t))
        return refusal("the user's secret for one-time codes cannot be read");
    bool right = totp_check(&t, code, clock_wall_ms() / 1000, 0, &step);
    secret_wipe(&t, sizeof(t));
    if (!right)
        return refusal("wrong one-time code");
    if (!f->ops->use_totp || !f->ops->use_totp(f->store, q->request->hub, q->user->name, step))
        return refusal("the one-time code was used before");
    return (struct auth_answer){.says = AUTH_SAYS_YES};
}

static bool
has_place(enum auth_kind kind)
{
    return kind == AUTH_PLAIN || kind == AUTH_REPLY;
}

static void
ask(void *owner, const struct auth_question *q)
{
    struct totp_factor *f = owner;
    const struct auth_request *r = q->request;
    const struct secret *code = q->state ? r->password : r->code;
    struct auth_answer answer;

    if (code) {
        answer = judge(f, q, secret_str(code));
    } else if (r->can_ask) {
        answer = (struct auth_answer){.says = AUTH_SAYS_ASK, .echo = true};
        g_strlcpy(answer.message, "One-time code:", sizeof(answer.message));
    } else {
        answer = refusal(has_place(r->kind)
                             ? "the one-time code is missing"
                             : "the user needs a one-time code, and this way of login has no place "
                               "for one: it needs the plain password");
    }
    auth_backend_answer(f->auth, q->ticket, &answer);
    auth_answer_clear(&answer);
}

struct totp_factor *
totp_factor_new(struct auth *auth, const struct auth_store_ops *ops, void *store)
{
    struct totp_factor *f = g_new0(struct totp_factor, 1);

    f->auth = auth;
    f->ops = ops;
    f->store = store;
    f->backend =
        (struct auth_backend){.name = "one-time code", .owner = f, .split = split, .ask = ask};
    auth_set_second_factor(auth, &f->backend);
    return f;
}

void
totp_factor_free(struct totp_factor *f)
{
    g_free(f);
}
