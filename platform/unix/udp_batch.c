/* SPDX-License-Identifier: Apache-2.0 */
/* udp_batch.c - UDP by the batch: recvmmsg with UDP_GRO, sendmmsg with UDP_SEGMENT.
 *
 * A piece of memory holds one datagram or a train of equal ones, which crosses the kernel's stack
 * as one packet. The address a datagram was sent to is kept, and is the source of the answer: a
 * host with many addresses must answer from the one that was asked.
 *
 * When the system refuses a train, it goes datagram by datagram: for good after EIO (the card
 * cannot checksum), this once after other errors (a segment longer than the path's MTU). When it
 * refuses the source, because the address is gone from the host, the system chooses.
 */

#include "platform/platform.h"
#include "platform/unix/error_priv.h"
#include "platform/unix/udp_priv.h"

#include <errno.h>
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
    UDP_MERGED_MAX = 65535, /* a train may be as long as an IP packet */
    UDP_ERRORS = 8,         /* errors of earlier datagrams that are passed over in one call */
};

G_STATIC_ASSERT(sizeof(struct sockaddr_in6) <= sizeof(((struct pf_datagram *)0)->peer));

static bool
set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

static bool
set_family(int fd, const struct sockaddr *sa)
{
    struct sockaddr_in6 in6;
    /* On a dual-stack socket this one tells the addresses of IPv4 as well, in the mapped form. */
    if (sa->sa_family != AF_INET6)
        return set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
    memcpy(&in6, sa, sizeof in6);
    return set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
           set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, !IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr));
}

static void
set_buffer(int fd, int force, int plain)
{
    if (!set_int(fd, SOL_SOCKET, force, UDP_BUFFER))      /* needs CAP_NET_ADMIN */
        (void)set_int(fd, SOL_SOCKET, plain, UDP_BUFFER); /* cut to the system's limit */
}

void
pf_udp_set_buffers(int fd)
{
    set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
    set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
}

struct pf_udp *
pf_udp_open(const struct sockaddr *sa, unsigned salen, bool reuseport, GError **error)
{
    in_port_t port = 0; /* at the same place in both families */
    memcpy(&port, (const char *)sa + offsetof(struct sockaddr_in, sin_port), sizeof port);
    int fd = socket(sa->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
    if (fd < 0) {
        (void)pf_fail_fd(error, -1, "cannot make a UDP socket");
        return NULL;
    }
    if (!set_family(fd, sa) || (reuseport && !set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1)) ||
        bind(fd, sa, salen) < 0) {
        (void)pf_fail_fd(error, fd, "cannot open UDP port %u", ntohs(port));
        return NULL;
    }
    pf_udp_set_buffers(fd);
    struct pf_udp *u = g_new0(struct pf_udp, 1);
    u->fd = fd;
    u->merge = set_int(fd, IPPROTO_UDP, UDP_GRO, 1);
    u->train = set_int(fd, IPPROTO_UDP, UDP_SEGMENT, 0); /* only whether the kernel knows it */
    return u;
}

void
pf_udp_close(struct pf_udp *u)
{
    if (u == NULL)
        return;
    pf_close(u->fd);
    g_free(u);
}

int
pf_udp_fd(const struct pf_udp *u)
{
    return u->fd;
}

/* ---- receiving ---- */

static void
set_local(struct pf_datagram *d, const void *address, int family)
{
    d->local[0] = (unsigned char)family;
    memcpy(d->local + 4, address, family == 6 ? 16 : 4);
}

static void
read_control(struct msghdr *m, struct pf_datagram *d)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            int size = 0;
            memcpy(&size, CMSG_DATA(c), sizeof size);
            if (size > 0 && (size_t)size < d->data.len)
                d->segment = (uint16_t)size;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            set_local(d, &info.ipi_spec_dst, 4);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            if (IN6_IS_ADDR_V4MAPPED(&info.ipi6_addr))
                set_local(d, info.ipi6_addr.s6_addr + 12, 4);
            else
                set_local(d, &info.ipi6_addr, 6);
        }
    }
}

static void
prepare_recv(struct pf_udp *u, struct pf_datagram *d, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        d[i].segment = 0;
        memset(d[i].peer, 0, sizeof d[i].peer);
        memset(d[i].local, 0, sizeof d[i].local);
        u->iov[i] = (struct iovec){d[i].data.at, d[i].data.len};
        u->msg[i].msg_hdr = (struct msghdr){
            .msg_name = d[i].peer,
            .msg_namelen = sizeof d[i].peer,
            .msg_iov = &u->iov[i],
            .msg_iovlen = 1,
            .msg_control = u->control[i].bytes,
            .msg_controllen = sizeof u->control[i].bytes,
        };
        /* A merged train does not fit: better not merged than cut off. */
        if (u->merge && d[i].data.len < UDP_MERGED_MAX)
            u->merge = !set_int(u->fd, IPPROTO_UDP, UDP_GRO, 0);
    }
}

/* A raw socket of IPv4 shows the header, too. */
static void
skip_ip_header(struct pf_datagram *d)
{
    size_t header = d->data.len > 0 ? (size_t)(*(unsigned char *)d->data.at & 15) * 4 : 0;
    header = MIN(header, d->data.len);
    d->data.at = (char *)d->data.at + header;
    d->data.len -= header;
}

int
pf_udp_recv(struct pf_udp *u, struct pf_datagram *d, unsigned n)
{
    n = MIN(n, UDP_BATCH);
    prepare_recv(u, d, n);
    int got = -1;
    for (int tries = 0; tries < UDP_ERRORS && got < 0; tries++) {
        got = recvmmsg(u->fd, u->msg, n, MSG_DONTWAIT, NULL);
        if (got >= 0)
            break;
        if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
            return 0;
        if (errno == EBADF || errno == ENOTSOCK || errno == EFAULT || errno == EINVAL)
            return -2;
        /* What an earlier datagram of ours met on its way is nobody's business here. */
    }
    for (int i = 0; i < got; i++) {
        d[i].data.len = u->msg[i].msg_len;
        if (u->msg[i].msg_hdr.msg_flags & MSG_TRUNC)
            d[i].data.len = 0;
        else
            read_control(&u->msg[i].msg_hdr, &d[i]);
        if (u->has_ip_header)
            skip_ip_header(&d[i]);
    }
    return MAX(got, 0);
}

/* ---- sending ---- */

static void
add_control(struct msghdr *m, int level, int type, const void *value, size_t len)
{
    struct cmsghdr c = {.cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(len)};
    char *at = (char *)m->msg_control + m->msg_controllen;
    memcpy(at, &c, sizeof c);
    memcpy(at + CMSG_LEN(0), value, len);
    m->msg_controllen += CMSG_SPACE(len);
}

static void
add_source(struct msghdr *m, const struct pf_datagram *d, sa_family_t peer_family)
{
    if (peer_family == AF_INET && d->local[0] == 4) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, d->local + 4, sizeof info.ipi_spec_dst);
        add_control(m, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    } else if (peer_family == AF_INET6 && d->local[0] != 0) {
        struct in6_pktinfo info = {0};
        if (d->local[0] == 4) {
            info.ipi6_addr.s6_addr[10] = info.ipi6_addr.s6_addr[11] = 0xff;
            memcpy(info.ipi6_addr.s6_addr + 12, d->local + 4, 4);
        } else {
            memcpy(&info.ipi6_addr, d->local + 4, sizeof info.ipi6_addr);
        }
        add_control(m, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
}

/* A message to where d goes, with its control data; the bytes are the caller's. */
static struct msghdr
message_for(const struct pf_datagram *d, struct iovec *iov, union udp_control *control, bool sticky)
{
    struct sockaddr sa;
    memcpy(&sa, d->peer, sizeof sa);
    memset(control, 0, sizeof *control);
    struct msghdr m = {
        .msg_name = (void *)d->peer,
        .msg_namelen =
            sa.sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in),
        .msg_iov = iov,
        .msg_iovlen = 1,
        .msg_control = control->bytes,
    };
    if (sticky)
        add_source(&m, d, sa.sa_family);
    return m;
}

static bool
is_train(const struct pf_datagram *d)
{
    return d->segment != 0 && d->data.len > d->segment;
}

/* What the system says of a source that is no address of this host; which of them depends on the
 * routes. */
static bool
is_bad_source(int err)
{
    return err == EINVAL || err == EADDRNOTAVAIL || err == ENETUNREACH || err == EHOSTUNREACH;
}

/* Sends the datagrams of one piece singly. False when the socket was full at once: nothing is
 * sent. What does not go later on is lost, as datagrams are. *ret_bad: the source was refused. */
static bool
send_singly(struct pf_udp *u, const struct pf_datagram *d, bool sticky, bool *ret_bad)
{
    union udp_control control;
    struct iovec iov;
    struct msghdr m = message_for(d, &iov, &control, sticky);
    size_t step = is_train(d) ? d->segment : MAX(d->data.len, 1);
    *ret_bad = false;
    size_t at = 0;
    do {
        iov = (struct iovec){(char *)d->data.at + at, MIN(step, d->data.len - at)};
        ssize_t n = sendmsg(u->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && m.msg_controllen > 0 && at == 0 && is_bad_source(errno)) {
            *ret_bad = true;
            return true;
        }
        if (n < 0 && (errno == EAGAIN || errno == ENOBUFS))
            return at > 0;
        at += step;
    } while (at < d->data.len);
    return true;
}

static bool
send_piece(struct pf_udp *u, const struct pf_datagram *d)
{
    bool bad_source;
    if (!send_singly(u, d, true, &bad_source))
        return false;
    return !bad_source || send_singly(u, d, false, &bad_source);
}

static void
prepare_send(struct pf_udp *u, const struct pf_datagram *d, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct msghdr *m = &u->msg[i].msg_hdr;
        u->iov[i] = (struct iovec){d[i].data.at, d[i].data.len};
        *m = message_for(&d[i], &u->iov[i], &u->control[i], true);
        if (is_train(&d[i]))
            add_control(m, IPPROTO_UDP, UDP_SEGMENT, &d[i].segment, sizeof d[i].segment);
    }
}

/* How many pieces from the first on can go as they are. */
static unsigned
run_of_whole(const struct pf_udp *u, const struct pf_datagram *d, unsigned n)
{
    unsigned run = 0;
    while (run < n && (u->train || !is_train(&d[run])))
        run++;
    return run;
}

int
pf_udp_send(struct pf_udp *u, const struct pf_datagram *d, unsigned n)
{
    unsigned taken = 0;
    n = MIN(n, UDP_BATCH);
    prepare_send(u, d, n);
    while (taken < n) {
        unsigned run = run_of_whole(u, &d[taken], n - taken);
        int put = run > 0 ? sendmmsg(u->fd, &u->msg[taken], run, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
        if (put > 0) {
            taken += (unsigned)put;
            continue;
        }
        if (put < 0 && (errno == EAGAIN || errno == ENOBUFS))
            break;
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && errno == EIO && is_train(&d[taken]))
            u->train = false;
        /* Else it is a train here without UDP_SEGMENT, or the system refuses this piece. */
        if (!send_piece(u, &d[taken]))
            break;
        taken++;
    }
    return (int)taken;
}
