/* SPDX-License-Identifier: Apache-2.0 */
/* caps.c - what this process may do here.
 *
 * The set of capabilities says little inside a namespace: root of a user namespace has all bits and
 * still no right over a network that belongs to its parent. So the kernel is asked by a request
 * that can do no harm.
 */

#include "platform/platform.h"
#include "platform/unix/netlink_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HTTPS_PORT = 443, FORBIDDEN_PORT = 1, DEFAULT_FIRST_FREE_PORT = 1024 };

/* A change of no interface: refused as nonsense to those who may, as forbidden to others. */
static bool
can_configure_network(void)
{
    struct netlink_request r;
    struct ifinfomsg nothing = {.ifi_family = AF_UNSPEC};
    char why[NETLINK_WHY];
    netlink_begin(&r, RTM_SETLINK, 0, &nothing, sizeof nothing);
    int err = netlink_talk(&r, why);
    return err == EINVAL || err == ENODEV || err == 0;
}

static bool
can_open(int fd)
{
    pf_close(fd);
    return fd >= 0;
}

static bool
can_bind_low(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(FORBIDDEN_PORT),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    /* Taken, or an address that is not there: but not forbidden. */
    bool may = fd >= 0 && (bind(fd, (const struct sockaddr *)&at, sizeof at) == 0 ||
                           errno == EADDRINUSE || errno == EADDRNOTAVAIL);
    pf_close(fd);
    return may;
}

/* Some systems give all ports, or those from 80 on, to everybody. */
static bool
can_listen_low(void)
{
    g_autofree char *text = NULL;
    guint64 first = DEFAULT_FIRST_FREE_PORT;
    if (g_file_get_contents("/proc/sys/net/ipv4/ip_unprivileged_port_start", &text, NULL, NULL))
        first = g_ascii_strtoull(text, NULL, 10);
    return first <= HTTPS_PORT || can_bind_low();
}

bool
pf_can(enum pf_capability what)
{
    switch (what) {
    case PF_CAP_TAP:
        return can_open(open("/dev/net/tun", O_RDWR | O_CLOEXEC)) && can_configure_network();
    case PF_CAP_RAW_ETHERNET:
        return can_open(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    case PF_CAP_LOW_PORTS:
        return can_listen_low();
    case PF_CAP_REUSEPORT_SPREAD:
        return true;
    case PF_CAP_NET_ADMIN:
        return can_configure_network();
    }
    return false;
}
