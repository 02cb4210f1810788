/* SPDX-License-Identifier: Apache-2.0 */
/* poller_epoll.c - the poller by epoll, and waking by eventfd.
 *
 * Timeouts are in microseconds where the kernel has epoll_pwait2 (5.11), else rounded up to
 * milliseconds: a wheel that fires late is right, one that spins until it is due is not.
 */

#include "platform/platform.h"
#include "platform/unix/error_priv.h"

#include <errno.h>
#include <limits.h>
#include <linux/time_types.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WAIT_MAX = 256 };

struct pf_poller {
    int fd;
    bool coarse; /* no epoll_pwait2 here */
};

struct pf_poller *
pf_poller_new(GError **error)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) {
        (void)pf_fail(error, errno, "cannot make an event poller");
        return NULL;
    }
    struct pf_poller *p = g_new0(struct pf_poller, 1);
    p->fd = fd;
    return p;
}

void
pf_poller_free(struct pf_poller *p)
{
    if (p == NULL)
        return;
    pf_close(p->fd);
    g_free(p);
}

static bool
control(const struct pf_poller *p, int op, int fd, unsigned want, void *cookie)
{
    struct epoll_event ev = {.data.ptr = cookie};
    if (want & PF_READ)
        ev.events |= EPOLLIN;
    if (want & PF_WRITE)
        ev.events |= EPOLLOUT;
    return epoll_ctl(p->fd, op, fd, &ev) == 0;
}

bool
pf_poller_add(struct pf_poller *p, int fd, unsigned want, void *cookie)
{
    return control(p, EPOLL_CTL_ADD, fd, want, cookie);
}

bool
pf_poller_mod(struct pf_poller *p, int fd, unsigned want, void *cookie)
{
    return control(p, EPOLL_CTL_MOD, fd, want, cookie);
}

void
pf_poller_del(struct pf_poller *p, int fd)
{
    (void)control(p, EPOLL_CTL_DEL, fd, 0, NULL); /* not watched any more: that was the wish */
}

static int
wait_ms(const struct pf_poller *p, struct epoll_event *ev, int max, int64_t timeout_us)
{
    int64_t ms = timeout_us < 0 ? -1 : timeout_us / 1000 + (timeout_us % 1000 != 0);
    return epoll_wait(p->fd, ev, max, (int)MIN(ms, INT_MAX));
}

static int
wait_us(struct pf_poller *p, struct epoll_event *ev, int max, int64_t timeout_us)
{
#ifdef SYS_epoll_pwait2
    /* By number: the wrapper came with glibc 2.35 and older ones are still in use. */
    if (!p->coarse && timeout_us > 0) {
        struct __kernel_timespec ts = {
            .tv_sec = timeout_us / 1000000,
            .tv_nsec = timeout_us % 1000000 * 1000,
        };
        long n = syscall(SYS_epoll_pwait2, p->fd, ev, max, &ts, NULL, (size_t)0);
        /* EPERM: a container's filter that is older than the call. */
        if (n >= 0 || (errno != ENOSYS && errno != EPERM))
            return (int)n;
        p->coarse = true;
    }
#endif
    return wait_ms(p, ev, max, timeout_us);
}

unsigned
pf_poller_wait(struct pf_poller *p, struct pf_event *events, unsigned max, int64_t timeout_us)
{
    struct epoll_event ev[WAIT_MAX];
    int n = wait_us(p, ev, (int)MIN(max, WAIT_MAX), timeout_us);
    for (int i = 0; i < n; i++) {
        uint32_t got = ev[i].events;
        events[i].cookie = ev[i].data.ptr;
        events[i].events = (got & EPOLLIN ? PF_READ : 0U) | (got & EPOLLOUT ? PF_WRITE : 0U) |
                           (got & (EPOLLHUP | EPOLLERR) ? PF_HANGUP : 0U);
    }
    return n > 0 ? (unsigned)n : 0;
}

int
pf_wake_new(GError **error)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd >= 0 ? fd : pf_fail_fd(error, -1, "cannot make an event descriptor");
}

void
pf_wake_signal(int fd)
{
    uint64_t one = 1;
    ssize_t n;
    do
        n = write(fd, &one, sizeof one);
    while (n < 0 && errno == EINTR);
    /* EAGAIN: the counter is at its end, so it is readable anyway. */
}

void
pf_wake_clear(int fd)
{
    uint64_t count;
    ssize_t n;
    do
        n = read(fd, &count, sizeof count);
    while (n < 0 && errno == EINTR);
}
