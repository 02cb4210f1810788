/* SPDX-License-Identifier: Apache-2.0 */
/* test-poller.c - the contract of the poller and of waking. */

#include "platform/platform.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct pf_poller *
poller(void)
{
    g_autoptr(GError) error = NULL;
    struct pf_poller *p = pf_poller_new(&error);
    g_assert_no_error(error);
    return p;
}

static void
test_events(void)
{
    int a, b;
    int pair[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), ==, 0);
    struct pf_poller *p = poller();
    struct pf_event ev[4];

    g_assert_true(pf_poller_add(p, pair[0], PF_READ, &a));
    g_assert_true(pf_poller_add(p, pair[1], 0, &b));
    g_assert_false(pf_poller_add(p, pair[1], PF_READ, &b));
    g_assert_cmpuint(pf_poller_wait(p, ev, 4, 0), ==, 0);

    g_assert_cmpint(write(pair[1], "x", 1), ==, 1);
    for (int i = 0; i < 2; i++) { /* level-triggered: told until it is read */
        g_assert_cmpuint(pf_poller_wait(p, ev, 4, -1), ==, 1);
        g_assert_true(ev[0].cookie == &a);
        g_assert_cmpuint(ev[0].events, ==, PF_READ);
    }
    g_assert_true(pf_poller_mod(p, pair[0], PF_WRITE, &b));
    g_assert_cmpuint(pf_poller_wait(p, ev, 4, 0), ==, 1);
    g_assert_true(ev[0].cookie == &b);
    g_assert_cmpuint(ev[0].events, ==, PF_WRITE);

    pf_poller_del(p, pair[0]);
    g_assert_cmpuint(pf_poller_wait(p, ev, 4, 0), ==, 0);
    g_assert_true(pf_poller_add(p, pair[0], PF_WRITE, &a));

    /* A hang-up is told to one that wants nothing. */
    pf_poller_del(p, pair[0]);
    pf_close(pair[0]);
    g_assert_cmpuint(pf_poller_wait(p, ev, 4, -1), ==, 1);
    g_assert_true(ev[0].cookie == &b);
    g_assert_cmpuint(ev[0].events & PF_HANGUP, ==, PF_HANGUP);

    pf_close(pair[1]);
    pf_poller_free(p);
}

static void
test_max(void)
{
    struct pf_poller *p = poller();
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = pf_wake_new(NULL);
        pf_wake_signal(fds[i]);
        g_assert_true(pf_poller_add(p, fds[i], PF_READ, &fds[i]));
    }
    struct pf_event ev[3];
    g_assert_cmpuint(pf_poller_wait(p, ev, 2, 0), ==, 2);
    g_assert_cmpuint(pf_poller_wait(p, ev, 3, 0), ==, 3);
    pf_poller_free(p);
    for (int i = 0; i < 3; i++)
        pf_close(fds[i]);
}

static void
test_timeout(void)
{
    static const int64_t us[] = {1, 200, 999, 1500, 20000};
    struct pf_poller *p = poller();
    struct pf_event ev;
    for (size_t i = 0; i < G_N_ELEMENTS(us); i++) {
        int64_t start = g_get_monotonic_time();
        g_assert_cmpuint(pf_poller_wait(p, &ev, 1, us[i]), ==, 0);
        /* Never early: a caller that is woken before its time would spin. */
        g_assert_cmpint(g_get_monotonic_time() - start + 1, >=, us[i]);
    }
    pf_poller_free(p);
}

static void
test_wake(void)
{
    g_autoptr(GError) error = NULL;
    int fd = pf_wake_new(&error);
    g_assert_no_error(error);
    g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
    struct pf_poller *p = poller();
    struct pf_event ev;
    g_assert_true(pf_poller_add(p, fd, PF_READ, NULL));

    g_assert_cmpuint(pf_poller_wait(p, &ev, 1, 0), ==, 0);
    pf_wake_signal(fd);
    pf_wake_signal(fd);
    g_assert_cmpuint(pf_poller_wait(p, &ev, 1, 0), ==, 1);
    pf_wake_clear(fd);
    g_assert_cmpuint(pf_poller_wait(p, &ev, 1, 0), ==, 0);
    pf_wake_clear(fd); /* does not block */

    pf_poller_free(p);
    pf_close(fd);
}

static void *
signal_later(void *fd)
{
    g_usleep(5000);
    pf_wake_signal(*(int *)fd);
    return NULL;
}

static void
test_wake_thread(void)
{
    int fd = pf_wake_new(NULL);
    struct pf_poller *p = poller();
    struct pf_event ev = {0};
    g_assert_true(pf_poller_add(p, fd, PF_READ, &fd));
    GThread *t = g_thread_new("waker", signal_later, &fd);
    unsigned n = 0;
    while (n == 0) /* 0 is also an interruption */
        n = pf_poller_wait(p, &ev, 1, -1);
    g_assert_true(ev.cookie == &fd);
    (void)g_thread_join(t);
    pf_poller_free(p);
    pf_close(fd);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/platform/poller/events", test_events);
    g_test_add_func("/platform/poller/max", test_max);
    g_test_add_func("/platform/poller/timeout", test_timeout);
    g_test_add_func("/platform/poller/wake", test_wake);
    g_test_add_func("/platform/poller/wake-thread", test_wake_thread);
    return g_test_run();
}
