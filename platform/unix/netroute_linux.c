/* SPDX-License-Identifier: Apache-2.0 */
/* netroute_linux.c - routes in a table of the tunnel's own, and the rules that lead there.
 *
 * The tunnel's routes do not go into the main table, where they would fight with those of DHCP
 * clients and of the administrator. Rules, evaluated by rising priority, lead to the own table:
 *
 *   28000 + n   to SERVER lookup main                   only where the server's address is given
 *   29000 + n   lookup main suppress_prefixlength 0     only with a default route in the tunnel
 *   30000       not fwmark MARK lookup TABLE
 *   32766       lookup main                             the system's own
 *
 * The first lets every route of main win that is more special than a default: the local network
 * stays reachable while all else goes into the tunnel. What carries MARK is the tunnel's own
 * transport and passes TABLE by. n is the table modulo RULE_SPREAD, so that each tunnel has a rule
 * of its own to delete.
 */

#include "platform/platform.h"
#include "platform/unix/error_priv.h"
#include "platform/unix/netconf_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RULE_PEER = 28000,
    RULE_MAIN_FIRST = 29000,
    RULE_SPREAD = 1000,
    RULE_TUNNEL = 30000,
    IPV6_DEFAULT_METRIC = 1024, /* what the kernel makes of 0 */
    ADDRESS_MAX = 16,
};

static size_t
address_len(int af)
{
    return af == AF_INET6 ? 16 : 4;
}

/* Tables from 256 on do not fit the fixed part and go beside it. */
static uint8_t
short_table(uint32_t table)
{
    return table <= UINT8_MAX ? (uint8_t)table : RT_TABLE_UNSPEC;
}

/* ---- finding routes ---- */

struct route_found {
    struct rtmsg rt;
    uint8_t dst[ADDRESS_MAX];
    uint8_t via[ADDRESS_MAX];
    bool has_via;
    uint32_t metric;
};

struct route_search {
    unsigned index;
    uint32_t table;
    GArray *found; /* of struct route_found */
};

static void
find_route(const struct netlink_message *m, void *data)
{
    struct route_search *s = data;
    struct route_found f = {0};
    size_t fixed = sizeof f.rt;
    if (m->type != RTM_NEWROUTE || !netlink_fixed(m, &f.rt, fixed))
        return;
    if (netlink_attribute_u32(m, fixed, RTA_TABLE, f.rt.rtm_table) != s->table ||
        netlink_attribute_u32(m, fixed, RTA_OIF, 0) != s->index)
        return;
    if (f.rt.rtm_flags & RTM_F_CLONED) /* a cache entry */
        return;
    size_t len = 0;
    const uint8_t *at = netlink_attribute(m, fixed, RTA_DST, &len);
    if (at != NULL)
        memcpy(f.dst, at, MIN(len, sizeof f.dst));
    at = netlink_attribute(m, fixed, RTA_GATEWAY, &len);
    f.has_via = at != NULL;
    if (at != NULL)
        memcpy(f.via, at, MIN(len, sizeof f.via));
    f.metric = netlink_attribute_u32(m, fixed, RTA_PRIORITY, 0);
    g_array_append_val(s->found, f);
}

static int
search_routes(int af, struct route_search *s)
{
    struct netlink_request r;
    struct rtmsg all = {.rtm_family = (uint8_t)af};
    netlink_begin(&r, RTM_GETROUTE, 0, &all, sizeof all);
    /* New kernels sort out by these, and find_route() does for old ones. */
    netlink_put_u32(&r, RTA_TABLE, s->table);
    netlink_put_u32(&r, RTA_OIF, s->index);
    int err = netlink_dump(&r, find_route, s);
    /* ENOENT, ESRCH: a table that is not there is empty. */
    return err == ENOENT || err == ESRCH || err == ENODEV || netconf_no_family(af, err) ? 0 : err;
}

/* ---- adding ---- */

static void
build_route(struct netlink_request *r, uint16_t flags, unsigned index, const struct pf_route *p)
{
    static const uint8_t none[ADDRESS_MAX];
    int af = netconf_family(p->family);
    size_t len = address_len(af);
    uint32_t table = p->table != 0 ? p->table : RT_TABLE_MAIN;
    bool on_link = memcmp(p->via, none, len) == 0;
    struct rtmsg rt = {
        .rtm_family = (uint8_t)af,
        .rtm_dst_len = p->dst_len,
        .rtm_table = short_table(table),
        .rtm_protocol = RTPROT_STATIC,
        .rtm_scope = on_link && af == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
        .rtm_type = RTN_UNICAST,
        /* The gateway is on the link although no route of main may say so: the connected route
         * can be in the tunnel's table, where the kernel does not look for gateways. */
        .rtm_flags = on_link ? 0 : RTNH_F_ONLINK,
    };
    netlink_begin(r, RTM_NEWROUTE, flags, &rt, sizeof rt);
    netlink_put_u32(r, RTA_TABLE, table);
    netlink_put(r, RTA_DST, p->dst, len);
    netlink_put_u32(r, RTA_OIF, index);
    if (!on_link)
        netlink_put(r, RTA_GATEWAY, p->via, len);
    if (p->metric != 0)
        netlink_put_u32(r, RTA_PRIORITY, p->metric);
}

/* Whether the route that is in the way leaves by the same interface. */
static bool
is_ours_already(unsigned index, const struct pf_route *p)
{
    int af = netconf_family(p->family);
    g_autoptr(GArray) routes = g_array_new(FALSE, FALSE, sizeof(struct route_found));
    struct route_search s = {index, p->table != 0 ? p->table : RT_TABLE_MAIN, routes};
    uint32_t metric = p->metric == 0 && af == AF_INET6 ? IPV6_DEFAULT_METRIC : p->metric;
    if (search_routes(af, &s) != 0)
        return false;
    for (guint i = 0; i < routes->len; i++) {
        const struct route_found *f = &g_array_index(routes, struct route_found, i);
        if (f->rt.rtm_dst_len == p->dst_len && f->metric == metric &&
            memcmp(f->dst, p->dst, address_len(af)) == 0)
            return true;
    }
    return false;
}

/* The bits beyond the prefix must be zero: the kernel refuses what has more. */
static void
cut_to_prefix(struct pf_route *r)
{
    for (unsigned bit = r->dst_len; bit < sizeof r->dst * 8; bit++)
        r->dst[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
}

bool
pf_net_route_add(const char *ifname, const struct pf_route *r, GError **error)
{
    struct pf_route route = *r;
    struct netlink_request request;
    char why[NETLINK_WHY];
    char text[INET6_ADDRSTRLEN] = "";
    int af = netconf_family(r->family);

    (void)inet_ntop(af, r->dst, text, sizeof text); /* cannot fail: room for both families */
    if (r->dst_len > address_len(af) * 8)
        return pf_fail(error, 0, "'%s/%u' is not a network", text, r->dst_len);
    unsigned index = netconf_index(ifname, error);
    if (index == 0)
        return false;
    cut_to_prefix(&route);

    /* EXCL: never in place of, or next to, a route of another interface. */
    build_route(&request, NLM_F_CREATE | NLM_F_EXCL, index, &route);
    int err = netlink_talk(&request, why);
    if (err == EEXIST && is_ours_already(index, &route)) {
        build_route(&request, NLM_F_CREATE | NLM_F_REPLACE, index, &route);
        err = netlink_talk(&request, why);
    }
    if (err != 0)
        return netconf_fail(error, err, why, "cannot add the route to %s/%u by '%s'", text,
                            r->dst_len, ifname);
    return true;
}

/* ---- removing ---- */

static int
delete_route(const struct route_search *s, const struct route_found *f)
{
    struct netlink_request r;
    char why[NETLINK_WHY];
    struct rtmsg rt = f->rt;
    rt.rtm_flags = 0;
    rt.rtm_table = short_table(s->table);
    netlink_begin(&r, RTM_DELROUTE, 0, &rt, sizeof rt);
    netlink_put_u32(&r, RTA_TABLE, s->table);
    netlink_put(&r, RTA_DST, f->dst, address_len(rt.rtm_family));
    netlink_put_u32(&r, RTA_OIF, s->index);
    if (f->has_via)
        netlink_put(&r, RTA_GATEWAY, f->via, address_len(rt.rtm_family));
    if (f->metric != 0)
        netlink_put_u32(&r, RTA_PRIORITY, f->metric);
    return netlink_talk(&r, why);
}

static bool
flush_family(int af, unsigned index, uint32_t table, const char *ifname, GError **error)
{
    g_autoptr(GArray) routes = g_array_new(FALSE, FALSE, sizeof(struct route_found));
    struct route_search s = {index, table, routes};
    int err = search_routes(af, &s);
    if (err != 0)
        return pf_fail(error, err, "cannot read the routes of '%s'", ifname);
    for (guint i = 0; i < routes->len; i++) {
        const struct route_found *f = &g_array_index(routes, struct route_found, i);
        if (f->rt.rtm_protocol == RTPROT_KERNEL)
            continue; /* it belongs to an address and goes with it */
        err = delete_route(&s, f);
        if (err != 0 && err != ESRCH && err != ENOENT && err != ENODEV)
            return pf_fail(error, err, "cannot remove a route of '%s'", ifname);
    }
    return true;
}

bool
pf_net_route_flush(const char *ifname, uint32_t table, GError **error)
{
    unsigned index = if_nametoindex(ifname);
    if (index == 0)
        return true; /* its routes went with it */
    if (table == 0)
        table = RT_TABLE_MAIN;
    return flush_family(AF_INET, index, table, ifname, error) &&
           flush_family(AF_INET6, index, table, ifname, error);
}

/* ---- rules ---- */

static void
build_tunnel_rule(struct netlink_request *r, uint16_t type, int af, uint32_t mark, uint32_t table)
{
    struct fib_rule_hdr h = {.family = (uint8_t)af,
                             .table = short_table(table),
                             .action = FR_ACT_TO_TBL,
                             .flags = FIB_RULE_INVERT};
    netlink_begin(r, type, type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0, &h, sizeof h);
    netlink_put_u32(r, FRA_PRIORITY, RULE_TUNNEL);
    netlink_put_u32(r, FRA_FWMARK, mark);
    netlink_put_u32(r, FRA_FWMASK, UINT32_MAX);
    netlink_put_u32(r, FRA_TABLE, table);
}

static void
build_main_rule(struct netlink_request *r, uint16_t type, int af, uint32_t table)
{
    struct fib_rule_hdr h = {
        .family = (uint8_t)af, .table = RT_TABLE_MAIN, .action = FR_ACT_TO_TBL};
    netlink_begin(r, type, type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0, &h, sizeof h);
    netlink_put_u32(r, FRA_PRIORITY, RULE_MAIN_FIRST + table % RULE_SPREAD);
    netlink_put_u32(r, FRA_TABLE, RT_TABLE_MAIN);
    netlink_put_u32(r, FRA_SUPPRESS_PREFIXLEN, 0);
}

static void
build_peer_rule(struct netlink_request *r, uint16_t type, int af, const uint8_t *addr,
                uint32_t table)
{
    struct fib_rule_hdr h = {.family = (uint8_t)af,
                             .dst_len = (uint8_t)(address_len(af) * 8),
                             .table = RT_TABLE_MAIN,
                             .action = FR_ACT_TO_TBL};
    netlink_begin(r, type, type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0, &h, sizeof h);
    netlink_put_u32(r, FRA_PRIORITY, RULE_PEER + table % RULE_SPREAD);
    netlink_put(r, FRA_DST, addr, address_len(af));
    netlink_put_u32(r, FRA_TABLE, RT_TABLE_MAIN);
}

/* Strict reverse-path filters must look at marks too, or they drop the answers to the tunnel's own
 * packets. Where it cannot be written it is either set already or the administrator's affair. */
static void
let_filters_see_marks(void)
{
    int fd = open("/proc/sys/net/ipv4/conf/all/src_valid_mark", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = write(fd, "1", 1);
    (void)n; /* see above */
    pf_close(fd);
}

static bool
add_rule(struct netlink_request *r, int af, uint32_t table, GError **error)
{
    char why[NETLINK_WHY];
    int err = netlink_talk(r, why);
    if (err == 0 || err == EEXIST || netconf_no_family(af, err))
        return true;
    return netconf_fail(error, err, why, "cannot add the rule for routing table %u", table);
}

static bool
del_rule(struct netlink_request *r, int af, uint32_t table, GError **error)
{
    char why[NETLINK_WHY];
    int err = netlink_talk(r, why);
    if (err == 0 || err == ENOENT || err == ESRCH || netconf_no_family(af, err))
        return true;
    return netconf_fail(error, err, why, "cannot remove the rule for routing table %u", table);
}

bool
pf_net_rule_add(uint32_t mark, uint32_t table, bool default_route, GError **error)
{
    static const int families[] = {AF_INET, AF_INET6};
    struct netlink_request r;
    for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
        /* First main's turn, so that the local network is not lost for a moment. */
        if (default_route) {
            build_main_rule(&r, RTM_NEWRULE, families[i], table);
            if (!add_rule(&r, families[i], table, error))
                return false;
        }
        build_tunnel_rule(&r, RTM_NEWRULE, families[i], mark, table);
        if (!add_rule(&r, families[i], table, error))
            return false;
    }
    let_filters_see_marks();
    return true;
}

bool
pf_net_rule_del(uint32_t mark, uint32_t table, GError **error)
{
    static const int families[] = {AF_INET, AF_INET6};
    struct netlink_request r;
    bool ok = true;
    for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
        /* All of them are tried, whatever fails; the first failure is told. */
        build_tunnel_rule(&r, RTM_DELRULE, families[i], mark, table);
        ok = del_rule(&r, families[i], table, ok ? error : NULL) && ok;
        build_main_rule(&r, RTM_DELRULE, families[i], table);
        ok = del_rule(&r, families[i], table, ok ? error : NULL) && ok;
    }
    return ok;
}

bool
pf_net_peer_add(uint32_t table, int family, const uint8_t *addr, GError **error)
{
    struct netlink_request r;
    int af = netconf_family(family);
    build_peer_rule(&r, RTM_NEWRULE, af, addr, table);
    return add_rule(&r, af, table, error);
}

bool
pf_net_peer_del(uint32_t table, int family, const uint8_t *addr, GError **error)
{
    struct netlink_request r;
    int af = netconf_family(family);
    build_peer_rule(&r, RTM_DELRULE, af, addr, table);
    return del_rule(&r, af, table, error);
}
