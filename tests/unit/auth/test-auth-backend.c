/* SPDX-License-Identifier: Apache-2.0 */
/* test-auth-backend.c - logins that somebody else decides: who is asked and by which name, what an
 * answer changes, the template user, second factors, questions and replies, late answers, limits.
 */

#include "core/auth/auth.h"
#include "core/auth/backend.h"
#include "core/auth/password.h"
#include "core/auth/replies.h"
#include "core/base/error.h"

#include <glib.h>

#include <string.h>

enum { MANY = 64 };

struct fixture {
    struct auth *auth;
    char *verifier;
    struct auth_backend first, second;
    struct auth_answer says, second_says; /* what they answer */
    bool slow;                            /* the test answers */
    unsigned n_asked, n_second, n_forgotten;
    uint64_t tickets[MANY];
    char name[256], password[256], state[32], code[32];
    char last_user[256];
    bool no_template;
};

static bool
find_user(void *data, const char *hub, const char *user, bool *found, struct auth_user *out)
{
    struct fixture *f = data;

    if (strcmp(hub, "HUB") != 0)
        return false;
    *found = true;
    out->policy = policy_default();
    out->policy.MaxUpload = 1000;
    out->auth_type = 4;
    g_strlcpy(out->name, user, sizeof(out->name));
    g_strlcpy(out->group, "staff", sizeof(out->group));
    if (strcmp(user, "otto") == 0) {
        g_strlcpy(out->external_name, "o.tto@example", sizeof(out->external_name));
    } else if (strcmp(user, "late") == 0) {
        out->expires_ms = 1;
    } else if (strcmp(user, "anna") == 0 || strcmp(user, "both") == 0) {
        out->auth_type = strcmp(user, "anna") == 0 ? 1 : 4;
        out->verifier = out->auth_type == 1 ? g_strdup(f->verifier) : NULL;
        out->second_factor = true;
    } else if (strcmp(user, "*") != 0 || f->no_template) {
        *found = false;
    }
    return true;
}

static GPtrArray *
trusted_cas(void *data, const char *hub)
{
    (void)data;
    (void)hub;
    return NULL;
}

static void
logged_in(void *data, const char *hub, const char *user, bool ok)
{
    struct fixture *f = data;

    (void)hub;
    (void)ok;
    g_strlcpy(f->last_user, user, sizeof(f->last_user));
}

static const struct auth_store_ops store_ops = {
    .find_user = find_user, .trusted_cas = trusted_cas, .logged_in = logged_in};

static void
keep(char *out, size_t cap, const void *bytes, size_t len)
{
    g_assert_cmpuint(len, <, cap);
    memcpy(out, bytes, len);
    out[len] = '\0';
}

static void
ask(void *owner, const struct auth_question *q)
{
    struct fixture *f = owner;
    const struct secret *password = q->request->password;

    g_strlcpy(f->name, q->name, sizeof(f->name));
    keep(f->password, sizeof(f->password), password ? secret_str(password) : "",
         password ? password->len : 0);
    keep(f->state, sizeof(f->state), q->state ? g_bytes_get_data(q->state, NULL) : "-",
         q->state ? g_bytes_get_size(q->state) : 1);
    f->tickets[f->n_asked++ % MANY] = q->ticket;
    if (!f->slow)
        auth_backend_answer(f->auth, q->ticket, &f->says);
}

static void
forget(void *owner, uint64_t ticket)
{
    struct fixture *f = owner;

    g_assert_cmpuint(ticket, >, 0);
    f->n_forgotten++;
}

static void
second_split(void *owner, struct auth_request *r, const struct auth_user *u)
{
    (void)owner;
    (void)u;
    if (r->kind != AUTH_PLAIN || r->password->len < 6)
        return;
    size_t at = r->password->len - 6;
    r->code = secret_new(r->password->bytes + at, 6);
    struct secret *rest = secret_new(r->password->bytes, at);
    secret_free(r->password);
    r->password = rest;
}

static void
second_ask(void *owner, const struct auth_question *q)
{
    struct fixture *f = owner;
    const struct secret *code = q->request->code;

    keep(f->code, sizeof(f->code), code ? secret_str(code) : "-", code ? code->len : 1);
    keep(f->state, sizeof(f->state), q->state ? g_bytes_get_data(q->state, NULL) : "-",
         q->state ? g_bytes_get_size(q->state) : 1);
    f->n_second++;
    auth_backend_answer(f->auth, q->ticket, &f->second_says);
}

static void
setup(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->verifier = password_make_verifier("secret");
    f->auth = auth_new(&store_ops, f);
    f->first = (struct auth_backend){.name = "test", .owner = f, .ask = ask, .forget = forget};
    f->second = (struct auth_backend){
        .name = "second", .owner = f, .split = second_split, .ask = second_ask};
    auth_set_backend(f->auth, 4, &f->first);
    auth_set_second_factor(f->auth, &f->second);
}

static void
teardown(struct fixture *f, gconstpointer data)
{
    (void)data;
    auth_free(f->auth);
    auth_answer_clear(&f->says);
    auth_answer_clear(&f->second_says);
    g_free(f->verifier);
}

/* ---- asking ---- */

struct asker {
    unsigned n_done;
    struct auth_verdict v; /* without what is borrowed */
    char route[64];
};

static void
done(void *owner, const struct auth_verdict *v)
{
    struct asker *a = owner;

    a->n_done++;
    a->v = *v;
    a->v.routes = NULL;
    if (v->routes)
        g_strlcpy(a->route, g_ptr_array_index(v->routes, 0), sizeof(a->route));
}

static struct auth_request *
request(struct asker *a, enum auth_kind kind, const char *user, const char *password)
{
    struct auth_request *r = auth_request_new(kind);

    *a = (struct asker){0};
    r->hub = g_strdup("HUB");
    r->user = g_strdup(user);
    r->peer.ip = ip_from_v4(0x0a000001);
    r->password = secret_text(password);
    r->done = done;
    r->owner = a;
    return r;
}

static int
wait_for(struct asker *a)
{
    while (a->n_done == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(a->n_done, ==, 1);
    return a->v.code;
}

static int
log_in(struct fixture *f, struct asker *a, const char *user, const char *password)
{
    auth_submit(f->auth, request(a, AUTH_PLAIN, user, password));
    return wait_for(a);
}

static void
test_yes(struct fixture *f, gconstpointer data)
{
    (void)data;
    struct asker a;

    f->says = (struct auth_answer){.group = "guests",
                                   .vlan = 7,
                                   .session_s = 60,
                                   .idle_s = 5,
                                   .max_upload = 5000,
                                   .max_download = 6000,
                                   .message = "Welcome",
                                   .routes = g_ptr_array_new_with_free_func(g_free)};
    g_ptr_array_add(f->says.routes, g_strdup("10.0.0.0/8"));
    g_assert_null(fixed_address_parse("10.0.0.9/24", &f->says.address));
    g_assert_cmpint(log_in(f, &a, "otto", "x"), ==, PE_OK);
    g_assert_cmpstr(f->name, ==, "o.tto@example");
    g_assert_cmpstr(f->password, ==, "x");
    g_assert_cmpstr(a.v.user, ==, "otto");
    g_assert_cmpstr(a.v.record, ==, "");
    g_assert_cmpstr(a.v.group, ==, "guests");
    g_assert_cmpstr(a.v.message, ==, "Welcome");
    g_assert_cmpstr(a.route, ==, "10.0.0.0/8");
    g_assert_cmpuint(a.v.policy.VLanId, ==, 7);
    g_assert_cmpuint(a.v.policy.AutoDisconnect, ==, 60);
    g_assert_cmpuint(a.v.policy.MaxUpload, ==, 1000); /* the account's is smaller */
    g_assert_cmpuint(a.v.policy.MaxDownload, ==, 6000);
    g_assert_cmpuint(a.v.idle_s, ==, 5);
    g_assert_cmpuint(ip_to_v4(&a.v.address.ip4.ip), ==, 0x0a000009);
    g_assert_cmpuint(a.v.account, ==, f->tickets[0]);

    /* The account is looked at all the same. */
    g_assert_cmpint(log_in(f, &a, "late", "x"), ==, PE_ACCESS_DENIED);
}

static void
test_no(struct fixture *f, gconstpointer data)
{
    (void)data;
    struct asker a;
    const struct {
        enum auth_says says;
        int code;
    } cases[] = {{AUTH_SAYS_NO, PE_AUTH_FAILED},
                 {AUTH_SAYS_DENIED, PE_ACCESS_DENIED},
                 {AUTH_SAYS_NOTHING, PE_HUB_FULL},
                 {AUTH_SAYS_ASK, PE_AUTH_FAILED}};

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        f->says = (struct auth_answer){
            .says = cases[i].says, .message = "Why", .group = "x", .mschap.error = 648};
        g_assert_cmpint(log_in(f, &a, "otto", "x"), ==, cases[i].code);
        g_assert_cmpstr(a.v.user, ==, "");
        g_assert_cmpstr(a.v.group, ==, "");
        g_assert_cmpstr(a.v.message, ==, "Why");
        g_assert_cmpint(a.v.mschap.error, ==, 648);
        g_assert_nonnull(a.v.reason);
        g_assert_false(a.v.question.is_asked); /* the protocol cannot */
        g_assert_cmpuint(a.v.account, ==, 0);
    }
    /* A hash cannot be given to it. */
    unsigned before = f->n_asked;
    auth_submit(f->auth, request(&a, AUTH_SEVPN_HASH, "otto", ""));
    g_assert_cmpint(wait_for(&a), ==, PE_AUTH_FAILED);
    auth_submit(f->auth, request(&a, AUTH_ANONYMOUS, "otto", ""));
    g_assert_cmpint(wait_for(&a), ==, PE_AUTH_FAILED);
    g_assert_cmpuint(f->n_asked, ==, before);
    /* A token of our own is enough. */
    auth_submit(f->auth, request(&a, AUTH_PROVEN, "otto", ""));
    g_assert_cmpint(wait_for(&a), ==, PE_OK);
    g_assert_cmpuint(f->n_asked, ==, before);
}

static void
test_template(struct fixture *f, gconstpointer data)
{
    (void)data;
    struct asker a;
    static const char *const never[] = {"*", "administrator", "", "a\nb", "\xff"};

    g_assert_cmpint(log_in(f, &a, "Stranger", "x"), ==, PE_OK);
    g_assert_cmpstr(f->name, ==, "Stranger");
    g_assert_cmpstr(a.v.user, ==, "Stranger");
    g_assert_cmpstr(a.v.record, ==, "*");
    g_assert_cmpstr(f->last_user, ==, "*");
    g_assert_false(a.v.hub_admin);
    g_assert_cmpuint(a.v.policy.MaxUpload, ==, 1000);
    g_assert_cmpuint(f->n_asked, ==, 1);
    for (unsigned i = 0; i < G_N_ELEMENTS(never); i++)
        g_assert_cmpint(log_in(f, &a, never[i], "x"), ==, PE_AUTH_FAILED);
    g_assert_cmpuint(f->n_asked, ==, 1);
    f->no_template = true;
    g_assert_cmpint(log_in(f, &a, "Stranger", "x"), ==, PE_AUTH_FAILED);
    g_assert_cmpuint(f->n_asked, ==, 1);
}

static void
test_mschap(struct fixture *f, gconstpointer data)
{
    (void)data;
    struct asker a;

    f->says.mschap.has_answer = f->says.mschap.has_keys = true;
    g_strlcpy(f->says.mschap.answer, "S=0123", sizeof(f->says.mschap.answer));
    f->says.mschap.keys.send[3] = 9;
    auth_submit(f->auth, request(&a, AUTH_MSCHAPV2, "otto", ""));
    g_assert_cmpint(wait_for(&a), ==, PE_OK);
    g_assert_cmpstr(a.v.mschap.answer, ==, "S=0123");
    g_assert_true(a.v.mschap.has_keys);
    g_assert_cmpuint(a.v.mschap.keys.send[3], ==, 9);
    f->says.mschap.has_answer = false; /* the client could not check it */
    auth_submit(f->auth, request(&a, AUTH_MSCHAPV2, "otto", ""));
    g_assert_cmpint(wait_for(&a), ==, PE_ACCESS_DENIED);
}

/* ---- the second factor ---- */

static void
test_second(struct fixture *f, gconstpointer data)
{
    (void)data;
    struct asker a;

    g_assert_cmpint(log_in(f, &a, "anna", "secret123456"), ==, PE_OK);
    g_assert_cmpstr(f->code, ==, "123456");
    g_assert_cmpuint(f->n_second, ==, 1);
    g_assert_cmpint(log_in(f, &a, "anna", "wrong!123456"), ==, PE_AUTH_FAILED);
    g_assert_cmpuint(f->n_second, ==, 1); /* not asked when the first is wrong */
    f->second_says.says = AUTH_SAYS_NO;
    g_assert_cmpint(log_in(f, &a, "anna", "secret123456"), ==, PE_AUTH_FAILED);
    g_assert_cmpstr(a.v.user, ==, "");
    g_assert_cmpuint(f->n_second, ==, 2);
    /* After a back-end, too. */
    f->says.vlan = 9;
    f->second_says.says = AUTH_SAYS_YES;
    g_assert_cmpint(log_in(f, &a, "both", "secret123456"), ==, PE_OK);
    g_assert_cmpstr(f->password, ==, "secret");
    g_assert_cmpuint(a.v.policy.VLanId, ==, 9);
}

static void
reply(struct fixture *f, struct asker *a, const char *user, const char *id)
{
    struct auth_request *r = request(a, AUTH_REPLY, user, "typed");

    g_strlcpy(r->reply_id, id, sizeof(r->reply_id));
    auth_submit(f->auth, r);
}

static void
ask_question(struct fixture *f, struct asker *a, const char *user, char id[AUTH_REPLY_ID])
{
    struct auth_request *r = request(a, AUTH_PLAIN, user, "secret123456");

    r->can_ask = true;
    auth_submit(f->auth, r);
    g_assert_cmpint(wait_for(a), ==, PE_AUTH_FAILED);
    g_assert_true(a->v.question.is_asked);
    g_assert_cmpuint(strlen(a->v.question.id), ==, 32);
    g_assert_cmpstr(a->v.message, ==, "Code?");
    g_strlcpy(id, a->v.question.id, AUTH_REPLY_ID);
}

static void
test_question(struct fixture *f, gconstpointer data)
{
    (void)data;
    struct asker a;
    char id[AUTH_REPLY_ID];

    f->says = (struct auth_answer){
        .says = AUTH_SAYS_ASK, .message = "Code?", .state = g_bytes_new_static("st1", 3)};
    ask_question(f, &a, "otto", id);
    g_assert_cmpstr(f->state, ==, "-");
    auth_answer_clear(&f->says);
    f->says.vlan = 3;
    reply(f, &a, "Stranger", id);
    g_assert_cmpint(wait_for(&a), ==, PE_AUTH_FAILED); /* it was not put to him */
    reply(f, &a, "otto", id);
    g_assert_cmpint(wait_for(&a), ==, PE_AUTH_FAILED); /* once only */

    f->says = (struct auth_answer){
        .says = AUTH_SAYS_ASK, .message = "Code?", .state = g_bytes_new_static("st2", 3)};
    ask_question(f, &a, "otto", id);
    auth_answer_clear(&f->says);
    f->says.vlan = 3;
    reply(f, &a, "otto", id);
    g_assert_cmpint(wait_for(&a), ==, PE_OK);
    g_assert_cmpstr(f->state, ==, "st2");
    g_assert_cmpstr(f->password, ==, "typed");
    g_assert_cmpuint(a.v.policy.VLanId, ==, 3);
}

/* The second factor asks: what the first one said is kept. */
static void
test_second_question(struct fixture *f, gconstpointer data)
{
    (void)data;
    struct asker a;
    char id[AUTH_REPLY_ID];
    static const char *const users[] = {"anna", "both"};

    for (unsigned i = 0; i < G_N_ELEMENTS(users); i++) {
        f->says.vlan = 5;
        f->second_says = (struct auth_answer){.says = AUTH_SAYS_ASK, .message = "Code?"};
        ask_question(f, &a, users[i], id);
        f->says = (struct auth_answer){.says = AUTH_SAYS_NO}; /* is not asked again */
        f->second_says = (struct auth_answer){.says = AUTH_SAYS_NO};
        reply(f, &a, users[i], id);
        g_assert_cmpint(wait_for(&a), ==, PE_AUTH_FAILED);
        f->says = (struct auth_answer){.vlan = 5};
        f->second_says = (struct auth_answer){.says = AUTH_SAYS_ASK, .message = "Code?"};
        ask_question(f, &a, users[i], id);
        f->says = (struct auth_answer){.says = AUTH_SAYS_NO};
        f->second_says = (struct auth_answer){0};
        reply(f, &a, users[i], id);
        g_assert_cmpint(wait_for(&a), ==, PE_OK);
        g_assert_cmpuint(a.v.policy.VLanId, ==, i == 0 ? 0 : 5);
        g_assert_cmpstr(a.v.user, ==, users[i]);
        g_assert_cmpuint(a.v.account != 0, ==, i == 1);
        f->says = (struct auth_answer){0};
    }
}

/* ---- limits ---- */

static void
test_busy_late_twice(struct fixture *f, gconstpointer data)
{
    (void)data;
    struct asker a[AUTH_ASKING_ADDRESS + 2];
    const unsigned n = AUTH_ASKING_ADDRESS;
    const struct auth_answer yes = {0}, no = {.says = AUTH_SAYS_NO};
    uint64_t first = 0;

    f->slow = true;
    for (unsigned i = 0; i < G_N_ELEMENTS(a); i++) {
        uint64_t ticket = auth_submit(f->auth, request(&a[i], AUTH_PLAIN, "otto", "x"));
        first = first ? first : ticket;
        if (i == 0)
            auth_backend_answer(f->auth, ticket, &yes); /* before it was asked: nothing */
    }
    while (a[n + 1].n_done == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpint(a[n].v.code, ==, PE_HUB_FULL);
    g_assert_cmpint(a[n + 1].v.code, ==, PE_HUB_FULL);
    g_assert_cmpuint(f->n_asked, ==, n);
    g_assert_cmpuint(a[0].n_done, ==, 0);

    auth_backend_answer(f->auth, f->tickets[0], &yes);
    auth_backend_answer(f->auth, f->tickets[0], &no); /* the first one counts */
    auth_cancel(f->auth, f->tickets[1]);
    auth_backend_answer(f->auth, f->tickets[1], &yes);
    auth_backend_answer(f->auth, 999999, &yes);
    g_assert_cmpint(wait_for(&a[0]), ==, PE_OK);
    auth_backend_answer(f->auth, f->tickets[0], &no); /* it is gone */
    auth_backend_answer(f->auth, f->tickets[2], &no);
    g_assert_cmpint(wait_for(&a[2]), ==, PE_AUTH_FAILED);
    g_assert_cmpuint(a[1].n_done, ==, 0);
    /* The rest still waits when the end comes: the back-end is told. */
    auth_backend_answer(f->auth, f->tickets[3], &yes); /* too late to be looked at */
    auth_free(g_steal_pointer(&f->auth));
    g_assert_cmpuint(f->n_forgotten, ==, n - 3);
}

static struct reply *
reply_of(const char *id, uint32_t address)
{
    struct reply *r = g_new0(struct reply, 1);

    g_strlcpy(r->id, id, sizeof(r->id));
    r->hub = g_strdup("HUB");
    r->user = g_strdup("anna");
    r->address = ip_from_v4(address);
    r->state = g_bytes_new_static("", 0);
    return r;
}

static void
test_replies(void)
{
    struct replies *t = replies_new();
    const int64_t s = G_USEC_PER_SEC;
    const char *id = "0123456789abcdef0123456789abcdef";

    g_assert_true(replies_add(t, reply_of(id, 1), 0));
    g_assert_null(replies_take(t, "", "HUB", "anna", 0));
    g_assert_null(replies_take(t, "0123456789abcdef0123456789abcdee", "HUB", "anna", 0));
    struct reply *r = replies_take(t, id, "hub", "Anna", AUTH_REPLY_S * s - 1);
    g_assert_nonnull(r);
    reply_free(r);
    g_assert_true(replies_add(t, reply_of(id, 1), 0));
    g_assert_null(replies_take(t, id, "HUB", "anna", AUTH_REPLY_S * s)); /* too old */
    g_assert_true(replies_add(t, reply_of(id, 1), 0));
    g_assert_null(replies_take(t, id, "HUB", "otto", 1)); /* somebody else's */
    g_assert_cmpuint(replies_count(t), ==, 0);

    for (unsigned i = 0; i < AUTH_REPLIES_ADDRESS; i++)
        g_assert_true(replies_add(t, reply_of(id, 1), 0));
    g_assert_false(replies_add(t, reply_of(id, 1), 0));
    for (unsigned i = AUTH_REPLIES_ADDRESS; i < AUTH_REPLIES; i++)
        g_assert_true(replies_add(t, reply_of(id, 100 + i), 0));
    g_assert_false(replies_add(t, reply_of(id, 9), 0));
    g_assert_true(replies_add(t, reply_of(id, 9), AUTH_REPLY_S * s)); /* old ones make room */
    g_assert_cmpuint(replies_count(t), ==, 1);
    replies_free(t);
}

#define ADD(path, function) g_test_add(path, struct fixture, NULL, setup, function, teardown)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/auth-backend/yes", test_yes);
    ADD("/auth-backend/no", test_no);
    ADD("/auth-backend/template", test_template);
    ADD("/auth-backend/mschap", test_mschap);
    ADD("/auth-backend/second", test_second);
    ADD("/auth-backend/question", test_question);
    ADD("/auth-backend/second-question", test_second_question);
    ADD("/auth-backend/busy-late-twice", test_busy_late_twice);
    g_test_add_func("/auth-backend/replies", test_replies);
    return g_test_run();
}
