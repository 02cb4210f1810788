/* SPDX-License-Identifier: Apache-2.0 */
/* sockets.c - TCP sockets and stream I/O. */

#include "platform/platform.h"
#include "platform/unix/error_priv.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    USER_TIMEOUT_MS = 30000, /* how long sent bytes may stay unacknowledged */
    KEEPALIVE_IDLE_S = 30,
    KEEPALIVE_INTERVAL_S = 10,
    KEEPALIVE_COUNT = 3,
    ACCEPT_TRIES = 16, /* connections that died while they waited */
};

static bool
set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

static bool
is_ipv6_wildcard(const struct sockaddr *sa)
{
    struct sockaddr_in6 in6;
    if (sa->sa_family != AF_INET6)
        return false;
    memcpy(&in6, sa, sizeof in6);
    return IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr);
}

static unsigned
port_of(const struct sockaddr *sa)
{
    in_port_t port = 0;
    if (sa->sa_family == AF_INET)
        memcpy(&port, (const char *)sa + offsetof(struct sockaddr_in, sin_port), sizeof port);
    if (sa->sa_family == AF_INET6)
        memcpy(&port, (const char *)sa + offsetof(struct sockaddr_in6, sin6_port), sizeof port);
    return ntohs(port);
}

int
pf_tcp_listen(const struct sockaddr *sa, unsigned salen, int backlog, GError **error)
{
    unsigned port = port_of(sa);
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0)
        return pf_fail_fd(error, -1, "cannot make a TCP socket");
    if (!set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1))
        return pf_fail_fd(error, fd, "cannot prepare TCP port %u", port);
    if (sa->sa_family == AF_INET6 &&
        !set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, is_ipv6_wildcard(sa) ? 0 : 1))
        return pf_fail_fd(error, fd, "cannot prepare TCP port %u", port);
    if (bind(fd, sa, salen) < 0 || listen(fd, backlog) < 0)
        return pf_fail_fd(error, fd, "cannot listen on TCP port %u", port);
    return fd;
}

/* accept(2) hands over errors of the new connection, and those are no reason to stop. */
static bool
accept_again(int err)
{
    switch (err) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

int
pf_tcp_accept(int listener, void *peer, unsigned *peerlen)
{
    for (int i = 0; i < ACCEPT_TRIES; i++) {
        socklen_t len = sizeof(struct sockaddr_storage);
        int fd = accept4(listener, peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            (void)set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* a Unix socket has none */
            *peerlen = len;
            return fd;
        }
        if (!accept_again(errno))
            return -1;
    }
    errno = EAGAIN;
    return -1;
}

int
pf_tcp_connect(const struct sockaddr *sa, unsigned salen, uint32_t mark, GError **error)
{
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0)
        return pf_fail_fd(error, -1, "cannot make a TCP socket");
    (void)set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (mark != 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0)
        return pf_fail_fd(error, fd, "cannot keep the connection out of the tunnel's routes");
    if (connect(fd, sa, salen) < 0 && errno != EINPROGRESS && errno != EINTR)
        return pf_fail_fd(error, fd, "cannot connect to port %u", port_of(sa));
    return fd;
}

int
pf_socket_error(int fd)
{
    int err = 0;
    socklen_t len = sizeof err;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
        return errno;
    return err;
}

long
pf_recv(int fd, void *at, size_t len)
{
    if (len == 0)
        return -1; /* the system would answer 0, which says that the stream has ended */
    ssize_t n;
    do
        n = recv(fd, at, len, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    return errno == EAGAIN ? -1 : -2;
}

long
pf_send(int fd, const void *at, size_t len)
{
    ssize_t n;
    do
        n = send(fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    return errno == EAGAIN ? -1 : -2;
}

void
pf_tcp_tune_tunnel(int fd, unsigned notsent_low)
{
    /* SO_SNDBUF and SO_RCVBUF stay untouched: setting them ends the kernel's own tuning, which
     * follows the bandwidth-delay product and goes higher than any fixed number should. What
     * queues up unsent is bounded by the low-water mark. An old kernel without one of these works,
     * only less well. */
    (void)set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (notsent_low > 0)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &notsent_low, sizeof notsent_low);
    (void)set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
    /* A stream that only receives never learns by the above that its peer is gone. */
    (void)set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    (void)set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    (void)set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
    (void)set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
}

void
pf_close(int fd)
{
    if (fd >= 0)
        (void)close(fd); /* on Linux the descriptor is gone whatever close() says */
}

long
pf_peek(int fd, void *at, size_t len)
{
    ssize_t n;

    do
        n = recv(fd, at, len, MSG_PEEK | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    return errno == EAGAIN ? -1 : -2;
}

void
pf_socket_low_water(int fd, int bytes)
{
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
}

size_t
pf_tcp_unsent(int fd)
{
    int n = 0;

    return ioctl(fd, SIOCOUTQNSD, &n) == 0 && n > 0 ? (size_t)n : 0;
}

bool
pf_socket_local(int fd, void *addr, unsigned *len)
{
    socklen_t n = sizeof(struct sockaddr_storage);

    if (getsockname(fd, addr, &n) != 0)
        return false;
    *len = n;
    return true;
}
