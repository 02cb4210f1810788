/* SPDX-License-Identifier: Apache-2.0 */
/* test-auth.c - the way of a request, with real workers and a store that is a few lines: verdicts
 * on the right thread, refusals that take their time, bans, full queues, cancels at any moment,
 * ends in the middle. */

#include "core/auth/auth.h"
#include "core/auth/password.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/random.h"
#include "core/crypto/sha0.h"

#include <glib.h>

#include <string.h>

/* ---- a store of one hub ---- */

struct fake_store {
    char *verifier; /* anna's */
    unsigned n_ok, n_failed;
    char last_user[256];
};

static bool
find_user(void *data, const char *hub, const char *user, bool *found, struct auth_user *out)
{
    struct fake_store *s = data;
    if (g_ascii_strcasecmp(hub, "hub") != 0)
        return false;
    *found = true;
    out->policy = policy_default();
    out->auth_type = 1;
    if (g_ascii_strcasecmp(user, "anna") == 0) {
        g_strlcpy(out->name, "Anna", sizeof(out->name));
        out->verifier = g_strdup(s->verifier);
        out->has_sevpn_hash = true;
        sevpn_user_hash("anna", "secret", out->sevpn_hash);
    } else if (g_ascii_strcasecmp(user, "guest") == 0) {
        g_strlcpy(out->name, "guest", sizeof(out->name));
        out->auth_type = 0;
    } else {
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
    struct fake_store *s = data;
    g_assert_cmpstr(hub, ==, "HUB");
    g_strlcpy(s->last_user, user, sizeof(s->last_user));
    s->n_ok += ok;
    s->n_failed += !ok;
}

static const struct auth_store_ops fake_ops = {
    .find_user = find_user, .trusted_cas = trusted_cas, .logged_in = logged_in};

/* ---- the fixture ---- */

struct fixture {
    struct fake_store store;
    struct auth *auth;
    struct worker_set *workers;
};

static void
setup(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    f->store.verifier = password_make_verifier("secret");
    f->auth = auth_new(&fake_ops, &f->store);
    f->workers = worker_set_new(2, &error);
    g_assert_no_error(error);
}

static void
teardown(struct fixture *f, gconstpointer data)
{
    (void)data;
    worker_set_free(f->workers);
    auth_free(f->auth);
    g_free(f->store.verifier);
}

/* ---- askers ---- */

struct asker {
    struct worker *worker;
    int n_done; /* atomic */
    int code;
    struct auth_verdict verdict;
    int64_t asked_us, done_us;
};

static void
done(void *owner, const struct auth_verdict *verdict)
{
    struct asker *a = owner;
    g_assert_true(worker_current() == a->worker);
    a->verdict = *verdict;
    a->code = verdict->code;
    a->done_us = clock_now_us();
    g_atomic_int_inc(&a->n_done);
}

static struct auth_request *
request(struct asker *a, enum auth_kind kind, const char *user, uint32_t address)
{
    struct auth_request *r = auth_request_new(kind);
    r->hub = g_strdup("HUB");
    r->user = g_strdup(user);
    r->protocol = g_strdup("test");
    r->peer.ip = ip_from_v4(address);
    r->worker = a->worker;
    r->done = done;
    r->owner = a;
    a->asked_us = clock_now_us();
    return r;
}

static struct auth_request *
hash_request(struct asker *a, const char *user, const char *password, uint32_t address)
{
    struct auth_request *r = request(a, AUTH_SEVPN_HASH, user, address);
    uint8_t hash[20];
    random_bytes(r->challenge, sizeof(r->challenge));
    sevpn_user_hash(user, password, hash);
    sevpn_secure_password(hash, r->challenge, r->response);
    return r;
}

static struct auth_request *
plain_request(struct asker *a, const char *user, const char *password, uint32_t address)
{
    struct auth_request *r = request(a, AUTH_PLAIN, user, address);
    r->password = secret_text(password);
    return r;
}

static void
turn(void)
{
    if (!g_main_context_iteration(NULL, FALSE))
        g_usleep(200);
}

static int
wait_for(struct asker *a)
{
    while (g_atomic_int_get(&a->n_done) == 0)
        turn();
    g_assert_cmpint(g_atomic_int_get(&a->n_done), ==, 1);
    return a->code;
}

static void
turn_for(int64_t us)
{
    int64_t end = clock_now_us() + us;
    while (clock_now_us() < end)
        turn();
}

/* ---- verdicts ---- */

static void
test_verdicts(struct fixture *f, gconstpointer data)
{
    (void)data;
    enum kind { HASH, PLAIN, NONE };
    const struct {
        enum kind kind;
        const char *user, *password, *hub;
        int want;
    } cases[] = {
        {HASH, "anna", "secret", NULL, PE_OK},
        {HASH, "ANNA", "secret", NULL, PE_OK},
        {HASH, "anna", "wrong", NULL, PE_AUTH_FAILED},
        {HASH, "nobody", "secret", NULL, PE_AUTH_FAILED},
        {HASH, "anna", "secret", "nowhere", PE_AUTH_FAILED}, /* not: no such hub */
        {PLAIN, "anna", "secret", NULL, PE_OK},
        {PLAIN, "anna", "wrong", NULL, PE_AUTH_FAILED},
        {PLAIN, "anna", "", NULL, PE_AUTH_FAILED},
        {PLAIN, "nobody", "secret", NULL, PE_AUTH_FAILED},
        {PLAIN, "anna", "secret", "nowhere", PE_AUTH_FAILED},
        {NONE, "guest", "", NULL, PE_OK},
        {PLAIN, "guest", "anything", NULL, PE_OK},
        {NONE, "anna", "", NULL, PE_AUTH_FAILED},
    };
    /* Once on control, once on each worker; an address each, so that nobody is banned. */
    for (unsigned where = 0; where < 3; where++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
            struct asker a = {.worker = where ? worker_set_get(f->workers, where - 1) : NULL};
            uint32_t address = 0x0a000000 + where * 256 + i;
            struct auth_request *r =
                cases[i].kind == HASH ? hash_request(&a, cases[i].user, cases[i].password, address)
                : cases[i].kind == PLAIN
                    ? plain_request(&a, cases[i].user, cases[i].password, address)
                    : request(&a, AUTH_ANONYMOUS, cases[i].user, address);
            if (cases[i].hub) {
                g_free(r->hub);
                r->hub = g_strdup(cases[i].hub);
            }
            g_assert_cmpuint(auth_submit(f->auth, r), >, 0);
            g_assert_cmpint(g_atomic_int_get(&a.n_done), ==, 0); /* never from inside */
            g_assert_cmpint(wait_for(&a), ==, cases[i].want);
            if (a.code == PE_OK) {
                g_assert_cmpstr(a.verdict.user, ==,
                                g_ascii_strcasecmp(cases[i].user, "anna") ? "guest" : "Anna");
                g_assert_cmpuint(a.verdict.policy.Access, ==, 1);
            } else {
                g_assert_cmpstr(a.verdict.user, ==, "");
                g_assert_cmpint(a.done_us - a.asked_us, >=, AUTH_REFUSE_STEP_MS * 1000);
            }
        }
    }
    g_assert_cmpuint(f->store.n_ok, ==, 3 * 5);
    g_assert_cmpuint(f->store.n_failed, ==, 3 * 6); /* the hub that is not there is not counted */
}

static void
test_logged_in(struct fixture *f, gconstpointer data)
{
    (void)data;
    struct asker a = {0};
    auth_submit(f->auth, hash_request(&a, "ANNA", "secret", 1));
    g_assert_cmpint(wait_for(&a), ==, PE_OK);
    g_assert_cmpstr(f->store.last_user, ==, "Anna"); /* as stored */
    struct asker b = {0};
    auth_submit(f->auth, hash_request(&b, "Nobody", "secret", 1));
    g_assert_cmpint(wait_for(&b), ==, PE_AUTH_FAILED);
    g_assert_cmpstr(f->store.last_user, ==, "Nobody"); /* as asked */
}

/* ---- limits ---- */

static void
test_ban(struct fixture *f, gconstpointer data)
{
    (void)data;
    const struct ip bad = ip_from_v4(0x0a000001);
    struct asker guess[3 * AUTH_BAN_TRIES] = {0};
    /* All at once, so that none waits for the verdict of another. The right one is the last. */
    unsigned last = G_N_ELEMENTS(guess) - 1;
    for (unsigned i = 0; i <= last; i++)
        auth_submit(f->auth,
                    hash_request(&guess[i], "anna", i == last ? "secret" : "wrong", 0x0a000001));
    for (unsigned i = 0; i <= last; i++)
        g_assert_cmpint(wait_for(&guess[i]), ==,
                        i < AUTH_BAN_TRIES ? PE_AUTH_FAILED : PE_ADDRESS_DENIED);
    g_assert_true(auth_is_banned(f->auth, &bad));

    struct asker other = {0};
    auth_submit(f->auth, hash_request(&other, "anna", "secret", 0x0a000002));
    g_assert_cmpint(wait_for(&other), ==, PE_OK);

    /* The other doors use the same guard. */
    const struct ip door = ip_from_v4(0x0a000003);
    for (unsigned i = 0; i < AUTH_BAN_TRIES; i++) {
        g_assert_false(auth_is_banned(f->auth, &door));
        auth_note_failure(f->auth, &door);
    }
    g_assert_true(auth_is_banned(f->auth, &door));
    auth_note_success(f->auth, &door);
    g_assert_true(auth_is_banned(f->auth, &door));
}

/* Guesses that are with the helpers together when the ban comes: the right one does not count. */
static void
test_ban_while_helping(struct fixture *f, gconstpointer data)
{
    (void)data;
    struct asker guess[AUTH_QUEUE_ADDRESS] = {0};
    unsigned denied = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(guess); i++)
        auth_submit(f->auth,
                    plain_request(&guess[i], "anna", i + 1 == G_N_ELEMENTS(guess) ? "secret" : "no",
                                  0x0a000001));
    for (unsigned i = 0; i < G_N_ELEMENTS(guess); i++)
        denied += wait_for(&guess[i]) == PE_ADDRESS_DENIED;
    g_assert_cmpuint(denied, ==, AUTH_QUEUE_ADDRESS - AUTH_BAN_TRIES);
    g_assert_cmpint(guess[AUTH_QUEUE_ADDRESS - 1].code, ==, PE_ADDRESS_DENIED);
    g_assert_cmpuint(f->store.n_ok, ==, 0);
}

static void
test_busy(struct fixture *f, gconstpointer data)
{
    (void)data;
    struct worker *w = worker_set_get(f->workers, 0);
    struct asker same[AUTH_QUEUE_ADDRESS + 4] = {0};
    for (unsigned i = 0; i < G_N_ELEMENTS(same); i++) {
        same[i].worker = w;
        auth_submit(f->auth, plain_request(&same[i], "anna", "secret", 0x0a000001));
    }
    unsigned busy = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(same); i++)
        busy += wait_for(&same[i]) == PE_HUB_FULL;
    g_assert_cmpuint(busy, ==, 4);
    g_assert_cmpuint(f->store.n_ok, ==, G_N_ELEMENTS(same) - busy);
}

/* More than all queues together; then the end, with most of them still waiting. */
static void
test_full_queue_and_end(struct fixture *f, gconstpointer data)
{
    (void)data;
    enum { MANY = AUTH_QUEUE + 40 };
    g_autofree struct asker *many = g_new0(struct asker, MANY);
    for (unsigned i = 0; i < MANY; i++)
        auth_submit(f->auth, plain_request(&many[i], "anna", "secret", 0x0a000000 + i));
    while (many[MANY - 1].n_done == 0) /* the last one finds no place */
        turn();
    unsigned busy = 0;
    for (unsigned i = 0; i < MANY; i++)
        busy += many[i].n_done && many[i].code == PE_HUB_FULL;
    g_assert_cmpuint(busy, ==, MANY - AUTH_QUEUE);

    auth_free(f->auth);
    unsigned n_done = 0, n_after = 0;
    for (unsigned i = 0; i < MANY; i++)
        n_done += (unsigned)many[i].n_done;
    g_assert_cmpuint(n_done, <, MANY);
    turn_for(50000);
    for (unsigned i = 0; i < MANY; i++)
        n_after += (unsigned)many[i].n_done;
    g_assert_cmpuint(n_after, ==, n_done); /* nothing comes after the end */
    f->auth = NULL;
}

static void
test_too_many_jobs(struct fixture *f, gconstpointer data)
{
    (void)data;
    enum { MORE = 10 };
    struct worker *w = worker_set_get(f->workers, 1);
    g_autofree struct asker *many = g_new0(struct asker, AUTH_JOBS + MORE);
    for (unsigned i = 0; i < AUTH_JOBS + MORE; i++) {
        many[i].worker = w;
        auth_submit(f->auth, request(&many[i], AUTH_ANONYMOUS, "guest", 0x0a000001));
    }
    unsigned busy = 0;
    for (unsigned i = 0; i < AUTH_JOBS + MORE; i++)
        busy += wait_for(&many[i]) == PE_HUB_FULL;
    g_assert_cmpuint(busy, ==, MORE);
}

/* ---- cancelling ---- */

static void
test_cancel_on_control(struct fixture *f, gconstpointer data)
{
    (void)data;
    struct asker a[4] = {0};
    uint64_t t0 = auth_submit(f->auth, hash_request(&a[0], "anna", "secret", 1));
    uint64_t t1 = auth_submit(f->auth, hash_request(&a[1], "anna", "wrong", 1));
    uint64_t t2 = auth_submit(f->auth, plain_request(&a[2], "anna", "secret", 1));
    auth_submit(f->auth, hash_request(&a[3], "anna", "secret", 1));
    auth_cancel(f->auth, t0); /* before anything has happened */
    g_main_context_iteration(NULL, FALSE);
    auth_cancel(f->auth, t1); /* while the refusal is kept back */
    auth_cancel(f->auth, t2); /* while a helper has it, or soon will */
    g_assert_cmpint(wait_for(&a[3]), ==, PE_OK);
    turn_for((AUTH_REFUSE_STEP_MS + 300) * 1000);
    for (unsigned i = 0; i < 3; i++)
        g_assert_cmpint(a[i].n_done, ==, 0);
    auth_cancel(f->auth, t0); /* twice, or never given: no matter */
    auth_cancel(f->auth, 0);
    auth_cancel(f->auth, 999999);
}

/* An asker on a worker that lets go of its request at some moment; what it owns is gone then. */
struct fickle {
    struct fixture *f;
    struct worker *worker;
    struct asker *asker; /* freed at the cancel: a late done() is a use after free */
    uint64_t ticket;
    unsigned turns_left;
    int *n_over; /* atomic */
    bool plain;
};

static void
fickle_over(struct fickle *k)
{
    g_clear_pointer(&k->asker, g_free);
    g_atomic_int_inc(k->n_over);
}

static void
fickle_turn(void *data)
{
    struct fickle *k = data;
    if (k->asker->n_done > 0) {
        fickle_over(k);
    } else if (k->turns_left-- == 0) {
        auth_cancel(k->f->auth, k->ticket);
        fickle_over(k);
    } else {
        worker_call(k->worker, fickle_turn, k);
    }
}

static void
fickle_start(void *data)
{
    struct fickle *k = data;
    k->asker = g_new0(struct asker, 1);
    k->asker->worker = k->worker;
    struct auth_request *r = k->plain ? plain_request(k->asker, "guest", "x", 1)
                                      : hash_request(k->asker, "anna", "secret", 1);
    k->ticket = auth_submit(k->f->auth, r);
    fickle_turn(k);
}

static void
test_cancel_race(struct fixture *f, gconstpointer data)
{
    (void)data;
    enum { ROUNDS = 20, AT_ONCE = 100 };
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct fickle k[AT_ONCE] = {0};
        int n_over = 0;
        for (unsigned i = 0; i < AT_ONCE; i++) {
            k[i].f = f;
            k[i].worker = worker_set_get(f->workers, i % 2);
            k[i].turns_left = (unsigned)g_test_rand_int_range(0, 200);
            k[i].n_over = &n_over;
            k[i].plain = i % 3 == 0;
            worker_call(k[i].worker, fickle_start, &k[i]);
        }
        while (g_atomic_int_get(&n_over) < AT_ONCE)
            turn();
    }
    g_test_message("%u of %u were decided", f->store.n_ok, ROUNDS * AT_ONCE);
}

/* The end comes while workers ask and verdicts are on their way. */
static void
test_end_race(struct fixture *f, gconstpointer data)
{
    (void)data;
    enum { AT_ONCE = 200 };
    g_autofree struct asker *a = g_new0(struct asker, AT_ONCE);
    for (unsigned i = 0; i < AT_ONCE; i++) {
        a[i].worker = worker_set_get(f->workers, i % 2);
        auth_submit(f->auth, hash_request(&a[i], "anna", i % 4 ? "secret" : "wrong", i));
    }
    for (unsigned i = 0; i < 2; i++)
        g_main_context_iteration(NULL, FALSE);
    auth_free(f->auth);
    f->auth = NULL;
    int before = 0, after = 0;
    for (unsigned i = 0; i < AT_ONCE; i++)
        before += g_atomic_int_get(&a[i].n_done);
    turn_for(50000);
    for (unsigned i = 0; i < AT_ONCE; i++)
        after += g_atomic_int_get(&a[i].n_done);
    g_assert_cmpint(before, ==, after);
}

#define ADD(path, test) g_test_add(path, struct fixture, NULL, setup, test, teardown)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/auth/verdicts", test_verdicts);
    ADD("/auth/logged-in", test_logged_in);
    ADD("/auth/ban", test_ban);
    ADD("/auth/ban-while-helping", test_ban_while_helping);
    ADD("/auth/busy", test_busy);
    ADD("/auth/full-queue-and-end", test_full_queue_and_end);
    ADD("/auth/too-many-jobs", test_too_many_jobs);
    ADD("/auth/cancel-on-control", test_cancel_on_control);
    ADD("/auth/cancel-race", test_cancel_race);
    ADD("/auth/end-race", test_end_race);
    return g_test_run();
}
