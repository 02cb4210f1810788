/* SPDX-License-Identifier: Apache-2.0 */
/* netconf_linux.c - links and addresses by route netlink; routes and rules: netroute_linux.c. */

#include "platform/platform.h"
#include "platform/unix/error_priv.h"
#include "platform/unix/netconf_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

enum { IPV4_BROADCAST_PREFIX = 30 }; /* longer ones have no broadcast address, RFC 3021 */

bool
netconf_fail(GError **error, int err, const char *why, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_autofree char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    if (why != NULL && why[0] != '\0')
        return pf_fail(error, err, "%s (%s)", text, why);
    return pf_fail(error, err, "%s", text);
}

unsigned
netconf_index(const char *ifname, GError **error)
{
    unsigned index = if_nametoindex(ifname);
    if (index == 0)
        (void)pf_fail(error, ENODEV, "network interface '%s' not found", ifname);
    return index;
}

int
netconf_family(int family)
{
    return family == 6 ? AF_INET6 : AF_INET;
}

bool
netconf_no_family(int family, int err)
{
    return family == AF_INET6 && (err == EAFNOSUPPORT || err == EOPNOTSUPP);
}

static bool
change_link(const char *ifname, struct netlink_request *r, GError **error, const char *what)
{
    char why[NETLINK_WHY];
    int err = netlink_talk(r, why);
    if (err != 0)
        return netconf_fail(error, err, why, "cannot %s '%s'", what, ifname);
    return true;
}

bool
pf_net_link_up(const char *ifname, bool up, GError **error)
{
    struct netlink_request r;
    struct ifinfomsg link = {.ifi_change = IFF_UP, .ifi_flags = up ? IFF_UP : 0};
    link.ifi_index = (int)netconf_index(ifname, error);
    if (link.ifi_index == 0)
        return false;
    netlink_begin(&r, RTM_SETLINK, 0, &link, sizeof link);
    return change_link(ifname, &r, error, up ? "switch on" : "switch off");
}

bool
pf_net_link_mtu(const char *ifname, unsigned mtu, GError **error)
{
    struct netlink_request r;
    struct ifinfomsg link = {.ifi_index = (int)netconf_index(ifname, error)};
    if (link.ifi_index == 0)
        return false;
    netlink_begin(&r, RTM_SETLINK, 0, &link, sizeof link);
    netlink_put_u32(&r, IFLA_MTU, mtu);
    g_autofree char *what = g_strdup_printf("set the MTU %u of", mtu);
    return change_link(ifname, &r, error, what);
}

bool
pf_net_addr_add(const char *ifname, int family, const uint8_t *addr, unsigned prefix,
                bool connected, GError **error)
{
    int af = netconf_family(family);
    size_t len = af == AF_INET6 ? 16 : 4;
    char text[INET6_ADDRSTRLEN] = "";
    char why[NETLINK_WHY];
    struct netlink_request r;

    (void)inet_ntop(af, addr, text, sizeof text); /* cannot fail: room for both families */
    if (prefix > len * 8)
        return pf_fail(error, 0, "'%s/%u' is not an address with a prefix length", text, prefix);
    struct ifaddrmsg a = {.ifa_family = (uint8_t)af,
                          .ifa_prefixlen = (uint8_t)prefix,
                          .ifa_scope = RT_SCOPE_UNIVERSE,
                          .ifa_index = netconf_index(ifname, error)};
    if (a.ifa_index == 0)
        return false;
    /* REPLACE: the same address twice is once, and with other flags it takes the new ones. */
    netlink_begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &a, sizeof a);
    netlink_put(&r, IFA_LOCAL, addr, len);
    netlink_put(&r, IFA_ADDRESS, addr, len);
    if (af == AF_INET && prefix > 0 && prefix <= IPV4_BROADCAST_PREFIX) {
        uint32_t broadcast;
        memcpy(&broadcast, addr, sizeof broadcast);
        broadcast |= htonl(UINT32_MAX >> prefix);
        netlink_put(&r, IFA_BROADCAST, &broadcast, sizeof broadcast);
    }
    if (!connected)
        netlink_put_u32(&r, IFA_FLAGS, IFA_F_NOPREFIXROUTE);
    int err = netlink_talk(&r, why);
    if (err != 0 && err != EEXIST)
        return netconf_fail(error, err, why, "cannot add the address %s/%u to '%s'", text, prefix,
                            ifname);
    return true;
}

/* Requests that delete what a dump found. */
struct found {
    unsigned index;
    GArray *requests; /* of struct netlink_request */
};

static void
find_address(const struct netlink_message *m, void *data)
{
    struct found *found = data;
    struct ifaddrmsg a;
    struct netlink_request r;
    if (m->type != RTM_NEWADDR || !netlink_fixed(m, &a, sizeof a) || a.ifa_index != found->index)
        return;
    /* The kernel's own fe80:: address: without it the interface has no IPv6 at all. */
    if (a.ifa_family == AF_INET6 && a.ifa_scope == RT_SCOPE_LINK)
        return;
    size_t len = 0;
    const uint8_t *at = netlink_attribute(m, sizeof a, IFA_LOCAL, &len);
    if (at == NULL)
        at = netlink_attribute(m, sizeof a, IFA_ADDRESS, &len);
    if (at == NULL || len > 16)
        return;
    netlink_begin(&r, RTM_DELADDR, 0, &a, sizeof a);
    netlink_put(&r, IFA_LOCAL, at, len);
    g_array_append_val(found->requests, r);
}

/* Some may go by themselves meanwhile: the secondary addresses of one that was deleted. */
static bool
flush_family(int af, unsigned index, const char *ifname, GError **error)
{
    g_autoptr(GArray) requests = g_array_new(FALSE, FALSE, sizeof(struct netlink_request));
    struct found found = {index, requests};
    struct netlink_request dump;
    struct ifaddrmsg all = {.ifa_family = (uint8_t)af, .ifa_index = index};
    netlink_begin(&dump, RTM_GETADDR, 0, &all, sizeof all);
    int err = netlink_dump(&dump, find_address, &found);
    if (err != 0 && err != ENODEV && !netconf_no_family(af, err))
        return pf_fail(error, err, "cannot read the addresses of '%s'", ifname);
    for (guint i = 0; i < requests->len; i++) {
        char why[NETLINK_WHY];
        err = netlink_talk(&g_array_index(requests, struct netlink_request, i), why);
        if (err != 0 && err != EADDRNOTAVAIL && err != ENODEV)
            return netconf_fail(error, err, why, "cannot remove an address of '%s'", ifname);
    }
    return true;
}

bool
pf_net_addr_flush(const char *ifname, GError **error)
{
    unsigned index = if_nametoindex(ifname);
    if (index == 0)
        return true; /* its addresses went with it */
    return flush_family(AF_INET, index, ifname, error) &&
           flush_family(AF_INET6, index, ifname, error);
}
