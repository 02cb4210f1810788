/* SPDX-License-Identifier: Apache-2.0 */
/* sockets_slices.c - TCP sockets of many strangers: scattered reading and writing, how they end. */

#include "platform/platform.h"
#include "platform/unix/offload_priv.h" /* a slice is an iovec */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLICES_MAX = 64, KEEPALIVE_INTERVAL_S = 15, KEEPALIVE_COUNT = 5 };

static unsigned
to_iovec(struct iovec out[SLICES_MAX], const struct pf_slice *iov, unsigned n)
{
    n = MIN(n, SLICES_MAX);
    for (unsigned i = 0; i < n; i++)
        out[i] = (struct iovec){iov[i].at, iov[i].len};
    return n;
}

long
pf_recv_slices(int fd, const struct pf_slice *iov, unsigned n)
{
    struct iovec vec[SLICES_MAX];
    struct msghdr m = {.msg_iov = vec, .msg_iovlen = to_iovec(vec, iov, n)};
    ssize_t got;
    do
        got = recvmsg(fd, &m, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got >= 0)
        return got;
    return errno == EAGAIN ? -1 : -2;
}

long
pf_send_slices(int fd, const struct pf_slice *iov, unsigned n)
{
    struct iovec vec[SLICES_MAX];
    struct msghdr m = {.msg_iov = vec, .msg_iovlen = to_iovec(vec, iov, n)};
    ssize_t put;
    do
        put = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    if (put >= 0)
        return put;
    return errno == EAGAIN ? -1 : -2;
}

void
pf_shutdown_write(int fd)
{
    (void)shutdown(fd, SHUT_WR); /* a connection that is gone already needs none */
}

void
pf_close_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    pf_close(fd);
}

void
pf_tcp_keepalive(int fd, unsigned idle_s)
{
    const int values[][3] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, (int)MIN(idle_s, 32767u)},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++) /* without, a dead peer is noticed later */
        (void)setsockopt(fd, values[i][0], values[i][1], &values[i][2], sizeof(int));
}

unsigned
pf_descriptors_raise(void)
{
    struct rlimit limit = {0};
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    struct rlimit most = {limit.rlim_max, limit.rlim_max};
    if (limit.rlim_cur < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &most) == 0)
        limit = most;
    return (unsigned)MIN(limit.rlim_cur, (rlim_t)UINT32_MAX);
}
