/* SPDX-License-Identifier: Apache-2.0 */
/* tap_linux.c - virtual adapters: TAP and TUN devices with the virtio-net header.
 *
 * With the header and TUNSETOFFLOAD the kernel hands over TCP super-frames of up to 64 KiB whose
 * checksum is only begun, and takes the same back: one system call moves 40 packets. UDP
 * super-frames stay off, because the switch does not segment them.
 *
 * The adapter lives as long as the descriptor, unless it is persistent. Each call asks the kernel
 * for the current name first: an administrator may rename the adapter while it runs.
 */

#include "platform/platform.h"
#include "platform/unix/error_priv.h"
#include "platform/unix/offload_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    VNIC_IOV_MAX = 66,        /* a super-frame in 64 pieces, its headers, one to spare */
    VNIC_TX_QUEUE_LEN = 5000, /* the default of 1000 drops bursts of a fast sender */
    VNIC_DEFAULT_MTU = 1500,
};

struct pf_vnic {
    int fd;
    int control; /* a socket for questions about interfaces */
    bool header; /* a virtio-net header precedes each frame */
    bool offload;
    char name[IFNAMSIZ];
};

static int
attach(int fd, const char *name, int flags, char ret_name[IFNAMSIZ])
{
    struct ifreq req = {.ifr_flags = (short)flags};
    (void)g_strlcpy(req.ifr_name, name, sizeof req.ifr_name);
    if (ioctl(fd, TUNSETIFF, &req) < 0)
        return -1;
    memcpy(ret_name, req.ifr_name, IFNAMSIZ);
    ret_name[IFNAMSIZ - 1] = '\0';
    return 0;
}

static bool
fail_attach(GError **error, const char *name)
{
    switch (errno) {
    case EPERM:
        return pf_fail(error, errno, "no right to make a virtual adapter (it needs CAP_NET_ADMIN)");
    case EBUSY:
        return pf_fail(error, errno, "the virtual adapter '%s' is in use by another program", name);
    case EINVAL:
        return pf_fail(error, errno, "'%s' cannot be a virtual adapter (is it a network card?)",
                       name);
    default:
        return pf_fail(error, errno, "cannot make the virtual adapter '%s'", name);
    }
}

static void
enable_offload(struct pf_vnic *v)
{
    static const unsigned long sets[] = {
        TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
        TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6,
        TUN_F_CSUM,
    };
    int size = sizeof(struct virtio_net_hdr);
    if (!v->header || ioctl(v->fd, TUNSETVNETHDRSZ, &size) < 0)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(sets) && !v->offload; i++)
        v->offload = ioctl(v->fd, TUNSETOFFLOAD, sets[i]) == 0;
}

static bool
open_device(struct pf_vnic *v, const char *name, int kind, GError **error)
{
    unsigned features = 0;
    v->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (v->fd < 0)
        return pf_fail(error, errno,
                       "virtual adapters are not available: cannot open /dev/net/tun");
    (void)ioctl(v->fd, TUNGETFEATURES, &features); /* unknown: none */
    v->header = features & IFF_VNET_HDR;
    int flags = kind | IFF_NO_PI | (v->header ? IFF_VNET_HDR : 0);
    if (attach(v->fd, name, flags, v->name) == 0)
        return true;
    /* A persistent adapter that was made with many queues can only be opened that way. */
    if (errno == EINVAL && attach(v->fd, name, flags | IFF_MULTI_QUEUE, v->name) == 0)
        return true;
    return fail_attach(error, name);
}

/* A request about the adapter under the name it has now. */
static bool
current_name(const struct pf_vnic *v, struct ifreq *req)
{
    memset(req, 0, sizeof *req);
    return ioctl(v->fd, TUNGETIFF, req) == 0;
}

static bool
set_mac(const struct pf_vnic *v, const uint8_t *mac, GError **error)
{
    struct ifreq req;
    if (!current_name(v, &req))
        return pf_fail(error, errno, "cannot ask about the virtual adapter '%s'", v->name);
    memset(&req.ifr_hwaddr, 0, sizeof req.ifr_hwaddr);
    req.ifr_hwaddr.sa_family = 1; /* ARPHRD_ETHER */
    memcpy(req.ifr_hwaddr.sa_data, mac, ETH_ALEN);
    if (ioctl(v->control, SIOCSIFHWADDR, &req) < 0)
        return pf_fail(error, errno, "cannot set the MAC address of the virtual adapter '%s'",
                       v->name);
    return true;
}

static bool
configure(struct pf_vnic *v, const uint8_t *mac, bool persist, GError **error)
{
    struct ifreq req;
    v->control = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (v->control < 0)
        return pf_fail(error, errno, "cannot make a control socket");
    enable_offload(v);
    if (mac != NULL && !set_mac(v, mac, error))
        return false;
    if (persist && ioctl(v->fd, TUNSETPERSIST, 1UL) < 0)
        return pf_fail(error, errno, "cannot make the virtual adapter '%s' persistent", v->name);
    if (current_name(v, &req)) {
        req.ifr_qlen = VNIC_TX_QUEUE_LEN;
        (void)ioctl(v->control, SIOCSIFTXQLEN, &req); /* only slower without */
    }
    return true;
}

static struct pf_vnic *
open_adapter(const char *name, int kind, const uint8_t *mac, bool persist, GError **error)
{
    if (strlen(name) >= IFNAMSIZ) {
        (void)pf_fail(error, 0, "the name '%s' is too long for an adapter: at most %d bytes", name,
                      IFNAMSIZ - 1);
        return NULL;
    }
    struct pf_vnic *v = g_new0(struct pf_vnic, 1);
    v->fd = v->control = -1;
    if (open_device(v, name, kind, error) && configure(v, mac, persist, error))
        return v;
    pf_vnic_close(v);
    return NULL;
}

struct pf_vnic *
pf_vnic_open(const char *name, const uint8_t *mac, bool persist, GError **error)
{
    return open_adapter(name, IFF_TAP, mac, persist, error);
}

struct pf_vnic *
pf_tun_open(const char *name, GError **error)
{
    return open_adapter(name, IFF_TUN, NULL, false, error);
}

void
pf_vnic_close(struct pf_vnic *v)
{
    if (v == NULL)
        return;
    pf_close(v->control);
    pf_close(v->fd);
    g_free(v);
}

int
pf_vnic_fd(const struct pf_vnic *v)
{
    return v->fd;
}

const char *
pf_vnic_name(const struct pf_vnic *v)
{
    return v->name;
}

void
pf_vnic_mac(const struct pf_vnic *v, uint8_t mac[6])
{
    struct ifreq req;
    memset(mac, 0, ETH_ALEN);
    if (current_name(v, &req) && ioctl(v->control, SIOCGIFHWADDR, &req) == 0)
        memcpy(mac, req.ifr_hwaddr.sa_data, ETH_ALEN);
}

unsigned
pf_vnic_mtu(const struct pf_vnic *v)
{
    struct ifreq req;
    if (current_name(v, &req) && ioctl(v->control, SIOCGIFMTU, &req) == 0)
        return (unsigned)req.ifr_mtu;
    return VNIC_DEFAULT_MTU;
}

bool
pf_vnic_has_offload(const struct pf_vnic *v)
{
    return v->offload;
}

/* The header, if there is one, and the slices as one list. Returns how many. */
static int
gather(const struct pf_vnic *v, struct virtio_net_hdr *h, const struct pf_slice *iov, unsigned n,
       struct iovec out[VNIC_IOV_MAX + 1])
{
    int at = 0;
    if (v->header)
        out[at++] = (struct iovec){.iov_base = h, .iov_len = sizeof *h};
    for (unsigned i = 0; i < n; i++)
        out[at++] = (struct iovec){.iov_base = iov[i].at, .iov_len = iov[i].len};
    return at;
}

long
pf_vnic_recv(struct pf_vnic *v, const struct pf_slice *iov, unsigned n, struct pf_offload *off)
{
    struct virtio_net_hdr h = {0};
    struct iovec vec[VNIC_IOV_MAX + 1];
    long header = v->header ? (long)sizeof h : 0;

    *off = (struct pf_offload){0};
    if (n == 0 || n > VNIC_IOV_MAX) {
        errno = EINVAL;
        return -2;
    }
    int count = gather(v, &h, iov, n, vec);
    ssize_t got;
    do
        got = readv(v->fd, vec, count);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN ? -1 : -2;
    if (got <= header)
        return 0;
    *off = offload_of_header(&h);
    return got - header;
}

bool
pf_vnic_send(struct pf_vnic *v, const struct pf_slice *iov, unsigned n,
             const struct pf_offload *off)
{
    struct virtio_net_hdr h = offload_to_header(off);
    struct iovec vec[VNIC_IOV_MAX + 1];

    if (n == 0 || n > VNIC_IOV_MAX) {
        errno = EMSGSIZE;
        return false;
    }
    if (!v->header && offload_is_any(off)) {
        errno = EOPNOTSUPP;
        return false;
    }
    int count = gather(v, &h, iov, n, vec);
    ssize_t put;
    do
        put = writev(v->fd, vec, count);
    while (put < 0 && errno == EINTR);
    return put >= 0;
}
