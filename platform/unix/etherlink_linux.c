/* SPDX-License-Identifier: Apache-2.0 */
/* etherlink_linux.c - frames of a network card by AF_PACKET.
 *
 * With PACKET_VNET_HDR the kernel hands over what its receive offload has merged as one
 * super-frame, says when a checksum is only begun (frames of local containers and guests), and
 * segments what is sent the same way. VLAN tags that the card or the kernel took out arrive
 * beside the frame (PACKET_AUXDATA) and are put back, with their own type (802.1Q or 802.1ad).
 *
 * Promiscuous mode is a membership of the socket: it ends with it, also after a crash.
 *
 * What is sent here never reaches this host's own stack on the same card, and what the host sends
 * is not seen here: that is how the system cuts it.
 */

#include "platform/platform.h"
#include "platform/unix/error_priv.h"
#include "platform/unix/offload_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#    define PACKET_IGNORE_OUTGOING 23 /* Linux 4.20 */
#endif

enum {
    LINK_BATCH = 64,
    LINK_BUFFER = 8 * 1024 * 1024,
    LINK_DEFAULT_MTU = 1500,
    LINK_BAD_FRAMES = 64, /* frames in a row that the kernel cannot describe */
    ETHER_TYPE_AT = 2 * ETH_ALEN,
};
G_STATIC_ASSERT(PF_ETHERLINK_VLAN_ROOM == 4);

/* One received frame's companions. */
struct rx_slot {
    struct iovec iov[2];
    struct virtio_net_hdr header;
    struct sockaddr_ll from;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
    } control;
};

struct pf_etherlink {
    int fd;
    bool header;   /* a virtio-net header precedes each frame */
    bool sees_own; /* the kernel cannot leave out what this host sends: we must */
    unsigned mtu;
    char name[IFNAMSIZ];
    struct mmsghdr rx[LINK_BATCH];
    struct rx_slot slot[LINK_BATCH];
    struct mmsghdr tx[LINK_BATCH];
    struct virtio_net_hdr tx_header[LINK_BATCH];
    struct iovec *tx_iov; /* tx_room of them */
    size_t tx_room;
};

static bool
set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

static bool
ask(int fd, const char *ifname, unsigned long what, struct ifreq *req)
{
    memset(req, 0, sizeof *req);
    (void)g_strlcpy(req->ifr_name, ifname, sizeof req->ifr_name);
    return ioctl(fd, what, req) == 0;
}

static bool
check_card(struct pf_etherlink *l, int *ret_ifindex, GError **error)
{
    struct ifreq req;
    if (strlen(l->name) == 0 || !ask(l->fd, l->name, SIOCGIFINDEX, &req))
        return pf_fail(error, errno, "network card '%s' not found", l->name);
    *ret_ifindex = req.ifr_ifindex;
    if (!ask(l->fd, l->name, SIOCGIFHWADDR, &req) || req.ifr_hwaddr.sa_family != ARPHRD_ETHER)
        return pf_fail(error, 0, "'%s' is not an Ethernet card", l->name);
    if (!ask(l->fd, l->name, SIOCGIFFLAGS, &req) || !(req.ifr_flags & IFF_UP))
        return pf_fail(error, ENETDOWN, "network card '%s' is switched off", l->name);
    l->mtu = ask(l->fd, l->name, SIOCGIFMTU, &req) ? (unsigned)req.ifr_mtu : LINK_DEFAULT_MTU;
    return true;
}

static void
set_buffer(int fd, int force, int plain)
{
    if (!set_int(fd, SOL_SOCKET, force, LINK_BUFFER))      /* needs CAP_NET_ADMIN */
        (void)set_int(fd, SOL_SOCKET, plain, LINK_BUFFER); /* cut to the system's limit */
}

static bool
open_socket(struct pf_etherlink *l, GError **error)
{
    int ifindex = 0;
    /* Protocol 0: nothing arrives before bind(), so nothing of another card is ever seen. */
    l->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return pf_fail(error, errno,
                       "no right to read the frames of a network card (it needs CAP_NET_RAW)");
    if (!check_card(l, &ifindex, error))
        return false;

    l->header = set_int(l->fd, SOL_PACKET, PACKET_VNET_HDR, 1);
    l->sees_own = !set_int(l->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    set_buffer(l->fd, SO_RCVBUFFORCE, SO_RCVBUF);
    set_buffer(l->fd, SO_SNDBUFFORCE, SO_SNDBUF);

    struct packet_mreq promiscuous = {.mr_ifindex = ifindex, .mr_type = PACKET_MR_PROMISC};
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = ifindex};
    if (!set_int(l->fd, SOL_PACKET, PACKET_AUXDATA, 1) ||
        setsockopt(l->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) <
            0 ||
        bind(l->fd, (const struct sockaddr *)&at, sizeof at) < 0)
        return pf_fail(error, errno, "cannot read the frames of network card '%s'", l->name);
    return true;
}

struct pf_etherlink *
pf_etherlink_open(const char *ifname, GError **error)
{
    if (strlen(ifname) >= IFNAMSIZ) {
        (void)pf_fail(error, ENODEV, "network card '%s' not found", ifname);
        return NULL;
    }
    struct pf_etherlink *l = g_new0(struct pf_etherlink, 1);
    (void)g_strlcpy(l->name, ifname, sizeof l->name);
    if (open_socket(l, error))
        return l;
    pf_etherlink_close(l);
    return NULL;
}

void
pf_etherlink_close(struct pf_etherlink *l)
{
    if (l == NULL)
        return;
    pf_close(l->fd);
    g_free(l->tx_iov);
    g_free(l);
}

int
pf_etherlink_fd(const struct pf_etherlink *l)
{
    return l->fd;
}

unsigned
pf_etherlink_mtu(const struct pf_etherlink *l)
{
    struct ifreq req;
    return ask(l->fd, l->name, SIOCGIFMTU, &req) ? (unsigned)req.ifr_mtu : l->mtu;
}

bool
pf_etherlink_has_offload(const struct pf_etherlink *l)
{
    return l->header;
}

static bool
is_gone(int err)
{
    return err == ENETDOWN || err == ENXIO || err == ENODEV;
}

/* ---- receiving ---- */

static void
prepare_slot(struct pf_etherlink *l, unsigned i, const struct pf_slice *buf)
{
    struct rx_slot *s = &l->slot[i];
    struct msghdr *m = &l->rx[i].msg_hdr;
    size_t at = 0;
    if (l->header)
        s->iov[at++] = (struct iovec){.iov_base = &s->header, .iov_len = sizeof s->header};
    s->iov[at++] = (struct iovec){.iov_base = buf->at, .iov_len = buf->len};
    *m = (struct msghdr){
        .msg_iov = s->iov,
        .msg_iovlen = at,
        .msg_control = s->control.bytes,
        .msg_controllen = sizeof s->control.bytes,
    };
    if (l->sees_own) {
        m->msg_name = &s->from;
        m->msg_namelen = sizeof s->from;
    }
}

/* Puts the tag back that the system keeps beside the frame, if it does. */
static void
restore_tag(struct msghdr *m, struct pf_slice *buf, struct pf_offload *off)
{
    struct tpacket_auxdata aux = {0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA &&
            c->cmsg_len >= CMSG_LEN(sizeof aux))
            memcpy(&aux, CMSG_DATA(c), sizeof aux);
    if (!(aux.tp_status & TP_STATUS_VLAN_VALID) && aux.tp_vlan_tci == 0)
        return;

    uint16_t tpid = aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : ETH_P_8021Q;
    uint8_t *start = (uint8_t *)buf->at - PF_ETHERLINK_VLAN_ROOM;
    memmove(start, buf->at, ETHER_TYPE_AT);
    start[ETHER_TYPE_AT] = (uint8_t)(tpid >> 8);
    start[ETHER_TYPE_AT + 1] = (uint8_t)tpid;
    start[ETHER_TYPE_AT + 2] = (uint8_t)(aux.tp_vlan_tci >> 8);
    start[ETHER_TYPE_AT + 3] = (uint8_t)aux.tp_vlan_tci;
    buf->at = start;
    buf->len += PF_ETHERLINK_VLAN_ROOM;
    if (off->flags & PF_NEEDS_CSUM)
        off->csum_start = (uint16_t)(off->csum_start + PF_ETHERLINK_VLAN_ROOM);
    if (off->hdr_len != 0)
        off->hdr_len = (uint16_t)(off->hdr_len + PF_ETHERLINK_VLAN_ROOM);
}

static void
take_slot(struct pf_etherlink *l, unsigned i, struct pf_slice *buf, struct pf_offload *off)
{
    struct rx_slot *s = &l->slot[i];
    struct msghdr *m = &l->rx[i].msg_hdr;
    size_t header = l->header ? sizeof s->header : 0;
    size_t len = l->rx[i].msg_len;

    *off = l->header ? offload_of_header(&s->header) : (struct pf_offload){0};
    if ((m->msg_flags & MSG_TRUNC) || len < header + ETH_HLEN || !offload_is_known(off) ||
        (l->sees_own && s->from.sll_pkttype == PACKET_OUTGOING)) {
        buf->len = 0;
        return;
    }
    buf->len = len - header;
    restore_tag(m, buf, off);
}

int
pf_etherlink_recv(struct pf_etherlink *l, struct pf_slice *buf, struct pf_offload *off, unsigned n)
{
    n = MIN(n, LINK_BATCH);
    for (unsigned i = 0; i < n; i++)
        prepare_slot(l, i, &buf[i]);
    int got = -1;
    for (int tries = 0; tries < LINK_BAD_FRAMES && got < 0; tries++) {
        got = recvmmsg(l->fd, l->rx, n, MSG_DONTWAIT, NULL);
        /* EINVAL: a super-frame of a kind that the header has no word for. It is lost; the next
         * one may be there. */
        if (got < 0 && errno != EINTR && errno != EINVAL)
            return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ? 0 : -2;
    }
    for (int i = 0; i < got; i++)
        take_slot(l, (unsigned)i, &buf[i], &off[i]);
    return MAX(got, 0);
}

/* ---- sending ---- */

/* Lays out n packets as messages. */
static void
prepare_send(struct pf_etherlink *l, const struct pf_packet *p, unsigned n)
{
    size_t need = 0;
    for (unsigned i = 0; i < n; i++)
        need += p[i].n_iov + 1;
    if (need > l->tx_room) { /* grows to the largest batch ever seen, then no more */
        l->tx_iov = g_renew(struct iovec, l->tx_iov, need);
        l->tx_room = need;
    }
    struct iovec *at = l->tx_iov;
    for (unsigned i = 0; i < n; i++) {
        struct iovec *first = at;
        if (l->header) {
            l->tx_header[i] = offload_to_header(&p[i].off);
            *at++ = (struct iovec){&l->tx_header[i], sizeof l->tx_header[i]};
        }
        for (unsigned k = 0; k < p[i].n_iov; k++)
            *at++ = (struct iovec){p[i].iov[k].at, p[i].iov[k].len};
        l->tx[i].msg_hdr = (struct msghdr){.msg_iov = first, .msg_iovlen = (size_t)(at - first)};
    }
}

int
pf_etherlink_send(struct pf_etherlink *l, const struct pf_packet *p, unsigned n, unsigned *refused)
{
    n = MIN(n, LINK_BATCH);
    prepare_send(l, p, n);
    unsigned taken = 0;
    while (taken < n) {
        if (!l->header && offload_is_any(&p[taken].off)) {
            taken++;
            ++*refused;
            continue;
        }
        unsigned count = l->header ? n - taken : 1;
        int put = sendmmsg(l->fd, &l->tx[taken], count, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put > 0) {
            taken += (unsigned)put;
        } else if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
            break;
        } else if (is_gone(errno)) {
            return taken > 0 ? (int)taken : -2;
        } else if (errno != EINTR) {
            taken++; /* this frame alone is not to the system's taste */
            ++*refused;
        }
    }
    return (int)taken;
}

/* ---- the list ---- */

/* An adapter of a program, perhaps our own: nothing to bridge with. The driver is asked, because
 * /sys shows the network namespace of whoever mounted it. */
static bool
is_adapter(int fd, const char *ifname)
{
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
    struct ifreq req = {.ifr_data = (char *)&info};
    (void)g_strlcpy(req.ifr_name, ifname, sizeof req.ifr_name);
    return ioctl(fd, SIOCETHTOOL, &req) == 0 && strcmp(info.driver, "tun") == 0;
}

static bool
is_usable(int fd, const char *ifname)
{
    struct ifreq req;
    return ask(fd, ifname, SIOCGIFHWADDR, &req) && req.ifr_hwaddr.sa_family == ARPHRD_ETHER &&
           !is_adapter(fd, ifname);
}

static int
by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **
pf_etherlink_list(void)
{
    GPtrArray *names = g_ptr_array_new();
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct if_nameindex *all = if_nameindex();
    for (struct if_nameindex *i = all; i != NULL && i->if_index != 0; i++)
        if (is_usable(fd, i->if_name))
            g_ptr_array_add(names, g_strdup(i->if_name));
    if (all != NULL)
        if_freenameindex(all);
    pf_close(fd);
    g_ptr_array_sort(names, by_name);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}
