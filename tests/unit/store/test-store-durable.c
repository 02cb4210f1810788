/* SPDX-License-Identifier: Apache-2.0 */
/* test-store-durable.c - what the store said is done survives the death of the process, at any
 * moment. A child writes users and reports each that is done; it is killed; all that it reported
 * must be there, whole. (That a commit also reaches the disk is the business of fsync, which
 * test-store.c finds switched on.) */

#include "core/base/error.h"
#include "tests/unit/store/store_fixture.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 100, LONGEST_US = 6000 };

static void
fill(struct store_user *u, char *name, size_t cap, unsigned n)
{
    g_snprintf(name, cap, "user%u", n);
    memset(u, 0, sizeof(*u));
    u->name = name;
    u->auth_type = 1;
    u->has_sevpn_hash = true;
    memset(u->sevpn_hash, (int)(n & 0xff), sizeof(u->sevpn_hash));
    u->expires_ms = n;
}

static void
tell(int report, unsigned n)
{
    if (write(report, &n, sizeof(n)) != (ssize_t)sizeof(n))
        _exit(3);
}

/* Never returns. Tells first - 1 when it has opened the store. */
static void
child(const char *folder, unsigned first, int report)
{
    struct store *s = store_open(folder, NULL);
    if (!s)
        _exit(1);
    tell(report, first - 1);
    for (unsigned n = first;; n++) {
        struct store_user u;
        char name[32];
        fill(&u, name, sizeof(name), n);
        if (!store_user_create(s, "hub", &u, NULL))
            _exit(2);
        tell(report, n);
    }
}

static bool
hear(int from, unsigned *n)
{
    ssize_t got;
    do
        got = read(from, n, sizeof(*n));
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof(*n);
}

static void
assert_all_there(struct store *s, unsigned reported, unsigned *next)
{
    g_autoptr(GPtrArray) all = store_users(s, "hub");
    /* The one in hand when the knife fell may be there as well. */
    g_assert_cmpuint(all->len, >=, reported);
    g_assert_cmpuint(all->len, <=, reported + 1);
    for (unsigned i = 0; i < all->len; i++) {
        const struct store_user *u = all->pdata[i];
        struct store_user want;
        char name[32];
        fill(&want, name, sizeof(name), (unsigned)u->expires_ms);
        g_assert_cmpstr(u->name, ==, want.name);
        g_assert_true(u->has_sevpn_hash);
        g_assert_cmpmem(u->sevpn_hash, 20, want.sevpn_hash, 20);
    }
    *next = all->len + 1;
}

static void
test_killed(struct fixture *f, gconstpointer data)
{
    (void)data;
    struct store_hub h = {.name = (char *)"hub"};
    g_assert_true(store_hub_create(f->s, &h, NULL));
    unsigned next = 1, reported = 0, total = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        store_close(f->s);
        f->s = NULL;
        int ends[2];
        g_assert_cmpint(pipe(ends), ==, 0);
        pid_t pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
            close(ends[0]);
            child(f->folder, next, ends[1]);
        }
        close(ends[1]);
        reported = next - 1;
        /* One in four may die while it opens the store; the others after some users. By progress,
         * not by time: a busy machine is slow. */
        int n_before = round % 4 == 0 ? 0 : g_test_rand_int_range(1, 5);
        for (int i = 0; i < n_before; i++)
            g_assert_true(hear(ends[0], &reported));
        g_usleep((gulong)g_test_rand_int_range(0, LONGEST_US));
        g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
        int status = 0;
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_true(WIFSIGNALED(status)); /* it did not fail by itself */
        while (hear(ends[0], &reported)) {
        }
        close(ends[0]);
        total += reported - (next - 1);

        g_autoptr(GError) error = NULL;
        f->s = store_open(f->folder, &error);
        g_assert_no_error(error);
        assert_all_there(f->s, reported, &next);
    }
    g_test_message("%u users were written in %d lives", total, ROUNDS);
    g_assert_cmpuint(total, >, ROUNDS / 2);
}

/* With what a death in the middle of writing the key leaves behind: a file beside it, under another
 * name, that nobody reads. */
static void
remove_all(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir)))
        fixture_remove(folder, name);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

/* Killed at its very first steps, before there is a database: the next start makes it whole. */
static void
test_killed_at_birth(void)
{
    for (unsigned round = 0; round < ROUNDS / 2; round++) {
        g_autofree char *folder = g_dir_make_tmp("test-store-XXXXXX", NULL);
        pid_t pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
            (void)store_open(folder, NULL);
            pause();
        }
        g_usleep((gulong)g_test_rand_int_range(0, LONGEST_US));
        g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);

        g_autoptr(GError) error = NULL;
        struct store *s = store_open(folder, &error);
        g_assert_no_error(error);
        g_assert_true(store_set_secret(s, "x", "y", 1, &error));
        store_close(s);
        remove_all(folder);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    FIXTURE_ADD("/store/durable/killed", test_killed);
    g_test_add_func("/store/durable/killed-at-birth", test_killed_at_birth);
    return g_test_run();
}
