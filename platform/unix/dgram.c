/* SPDX-License-Identifier: Apache-2.0 */
/* dgram.c - datagram sockets by the thousand: UDP and ICMP echo, errors told by the network. */

#include "platform/platform.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#    define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#    define UDP_GRO 104
#endif

enum {
    DGRAM_BATCH = 64,
    DGRAM_BUFFER = 1024 * 1024,
    DGRAM_MERGED_MAX = 65535,
    DGRAM_ERRORS = 8,
};

union dgram_control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static bool
set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/* The network's errors come by the error queue, with the datagram that they are about. */
static void
want_errors(int fd, int family)
{
    if (family == AF_INET6)
        (void)set_int(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
    else
        (void)set_int(fd, IPPROTO_IP, IP_RECVERR, 1);
}

int
pf_dgram_open(int family)
{
    int af = family == 6 ? AF_INET6 : AF_INET;
    int fd = socket(af, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
    if (fd < 0)
        return -1;
    if (af == AF_INET6)
        (void)set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    want_errors(fd, af);
    (void)set_int(fd, SOL_SOCKET, SO_RCVBUF, DGRAM_BUFFER);
    (void)set_int(fd, SOL_SOCKET, SO_SNDBUF, DGRAM_BUFFER);
    (void)set_int(fd, IPPROTO_UDP, UDP_GRO, 1);
    return fd;
}

int
pf_dgram_connect(const struct sockaddr *sa, unsigned salen)
{
    int fd = pf_dgram_open(sa->sa_family == AF_INET6 ? 6 : 4);
    if (fd < 0 || connect(fd, sa, salen) == 0)
        return fd;
    int err = errno;
    pf_close(fd);
    errno = err;
    return -1;
}

int
pf_ping_open(int family, bool *raw)
{
    int af = family == 6 ? AF_INET6 : AF_INET;
    int proto = family == 6 ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP;
    *raw = false;
    int fd = socket(af, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, proto);
    if (fd < 0) {
        *raw = true;
        fd = socket(af, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, proto);
    }
    if (fd < 0)
        return -1;
    if (*raw && family == 6) {
        struct icmp6_filter filter;
        memset(&filter, 0xff, sizeof filter); /* all are blocked */
        filter.data[ICMPV6_ECHO_REPLY >> 5] &= ~(1u << (ICMPV6_ECHO_REPLY & 31));
        (void)setsockopt(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, &filter, sizeof filter);
    } else if (*raw) {
        struct icmp_filter filter = {.data = ~(1u << ICMP_ECHOREPLY)};
        (void)setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof filter);
    }
    return fd;
}

/* ---- receiving ---- */

static uint16_t
train_size(struct msghdr *m, size_t len)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        int size = 0;
        if (c->cmsg_level != IPPROTO_UDP || c->cmsg_type != UDP_GRO)
            continue;
        memcpy(&size, CMSG_DATA(c), sizeof size);
        if (size > 0 && (size_t)size < len)
            return (uint16_t)size;
    }
    return 0;
}

static int
receive_some(int fd, struct mmsghdr *msg, unsigned n)
{
    for (int tries = 0; tries < DGRAM_ERRORS; tries++) {
        int got = recvmmsg(fd, msg, n, MSG_DONTWAIT, NULL);
        if (got >= 0)
            return got;
        if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
            return 0;
        if (errno == EBADF || errno == ENOTSOCK || errno == EFAULT || errno == EINVAL)
            return -2;
        /* Else it is about an earlier datagram of ours: see pf_dgram_error(). */
    }
    return 0;
}

int
pf_dgram_recv(int fd, struct pf_datagram *d, unsigned n)
{
    struct mmsghdr msg[DGRAM_BATCH];
    struct iovec iov[DGRAM_BATCH];
    union dgram_control control[DGRAM_BATCH];
    n = MIN(n, DGRAM_BATCH);
    for (unsigned i = 0; i < n; i++) {
        memset(d[i].peer, 0, sizeof d[i].peer);
        d[i].segment = 0;
        iov[i] = (struct iovec){d[i].data.at, d[i].data.len};
        msg[i].msg_hdr = (struct msghdr){
            .msg_name = d[i].peer,
            .msg_namelen = sizeof d[i].peer,
            .msg_iov = &iov[i],
            .msg_iovlen = 1,
            .msg_control = control[i].bytes,
            .msg_controllen = sizeof control[i].bytes,
        };
    }
    int got = receive_some(fd, msg, n);
    for (int i = 0; i < got; i++) {
        bool whole = !(msg[i].msg_hdr.msg_flags & MSG_TRUNC);
        d[i].data.len = whole ? msg[i].msg_len : 0;
        d[i].segment = whole ? train_size(&msg[i].msg_hdr, msg[i].msg_len) : 0;
    }
    return got;
}

/* ---- sending ---- */

static struct msghdr
message_for(const struct pf_datagram *d, struct iovec *iov)
{
    struct sockaddr sa;
    memcpy(&sa, d->peer, sizeof sa);
    *iov = (struct iovec){d->data.at, d->data.len};
    return (struct msghdr){
        .msg_name = (void *)d->peer,
        .msg_namelen =
            sa.sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in),
        .msg_iov = iov,
        .msg_iovlen = 1,
    };
}

/* Tells the kernel where to cut a train. */
static void
mark_train(struct msghdr *m, const struct pf_datagram *d, union dgram_control *control)
{
    struct cmsghdr c = {.cmsg_level = IPPROTO_UDP,
                        .cmsg_type = UDP_SEGMENT,
                        .cmsg_len = CMSG_LEN(sizeof(uint16_t))};
    if (d->segment == 0 || d->data.len <= d->segment)
        return;
    memset(control, 0, sizeof *control);
    memcpy(control->bytes, &c, sizeof c);
    memcpy(control->bytes + CMSG_LEN(0), &d->segment, sizeof d->segment);
    m->msg_control = control->bytes;
    m->msg_controllen = CMSG_SPACE(sizeof(uint16_t));
}

/* The datagrams of a train that the system does not take whole. */
static void
send_singly(int fd, const struct pf_datagram *d)
{
    size_t step = d->segment;
    for (size_t at = 0; at < d->data.len; at += step) {
        struct iovec iov;
        struct pf_datagram one = *d;
        one.segment = 0;
        one.data = (struct pf_slice){(char *)d->data.at + at, MIN(step, d->data.len - at)};
        struct msghdr m = message_for(&one, &iov);
        (void)sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL); /* lost, as datagrams are */
    }
}

int
pf_dgram_send(int fd, const struct pf_datagram *d, unsigned n)
{
    struct mmsghdr msg[DGRAM_BATCH];
    struct iovec iov[DGRAM_BATCH];
    union dgram_control control[DGRAM_BATCH];
    n = MIN(n, DGRAM_BATCH);
    for (unsigned i = 0; i < n; i++) {
        msg[i].msg_hdr = message_for(&d[i], &iov[i]);
        mark_train(&msg[i].msg_hdr, &d[i], &control[i]);
    }
    unsigned taken = 0;
    while (taken < n) {
        int put = sendmmsg(fd, &msg[taken], n - taken, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put > 0) {
            taken += (unsigned)put;
            continue;
        }
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && (errno == EAGAIN || errno == ENOBUFS))
            break;
        if (d[taken].segment != 0 && d[taken].data.len > d[taken].segment)
            send_singly(fd, &d[taken]);
        taken++;
    }
    return (int)taken;
}

/* ---- errors ---- */

static void
read_error(struct msghdr *m, struct pf_dgram_error *out)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        bool is4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
        bool is6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
        struct sock_extended_err e;
        if ((!is4 && !is6) || c->cmsg_len < CMSG_LEN(sizeof e))
            continue;
        memcpy(&e, CMSG_DATA(c), sizeof e);
        out->error = (int)e.ee_errno;
        out->type = e.ee_type;
        out->code = e.ee_code;
        out->mtu = e.ee_errno == EMSGSIZE ? e.ee_info : 0;
        size_t len = is6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
        if (e.ee_origin != SO_EE_ORIGIN_LOCAL && c->cmsg_len >= CMSG_LEN(sizeof e + len))
            memcpy(out->reporter, CMSG_DATA(c) + sizeof e, len);
    }
}

bool
pf_dgram_error(int fd, struct pf_dgram_error *out)
{
    char control[512];
    char byte[1];
    struct iovec iov = {byte, sizeof byte};
    *out = (struct pf_dgram_error){0};
    struct msghdr m = {
        .msg_name = out->peer,
        .msg_namelen = sizeof out->peer,
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control,
    };
    if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
        return false;
    read_error(&m, out);
    return true;
}
