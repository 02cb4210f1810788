/* SPDX-License-Identifier: Apache-2.0 */
/* nat_linux.c - NAT by the kernel: what this host allows, and a table of nftables.
 *
 * The rules go to the program nft as text. Its table is the adapter's own: a crash leaves it
 * behind without effect, since nothing comes in by an adapter that is gone, and the next one of
 * that name replaces it.
 */

#include "platform/platform.h"
#include "platform/unix/error_priv.h"
#include "platform/unix/netconf_priv.h"

#include <gio/gio.h>

#include <arpa/inet.h>
#include <linux/capability.h>
#include <net/if.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

G_STATIC_ASSERT(PF_IFNAME == IF_NAMESIZE);

/* ---- what is there ---- */

bool
pf_ip_forwarding(int family)
{
    g_autofree char *text = NULL;
    const char *path =
        family == 6 ? "/proc/sys/net/ipv6/conf/all/forwarding" : "/proc/sys/net/ipv4/ip_forward";
    return g_file_get_contents(path, &text, NULL, NULL) && g_ascii_strtoull(text, NULL, 10) > 0;
}

struct overlap {
    int af;
    const uint8_t *addr;
    unsigned len;
    bool found;
    unsigned index;
};

static bool
same_bits(const uint8_t *a, const uint8_t *b, unsigned n)
{
    if (memcmp(a, b, n / 8) != 0)
        return false;
    return n % 8 == 0 || (a[n / 8] ^ b[n / 8]) >> (8 - n % 8) == 0;
}

static void
look_at_route(const struct netlink_message *m, void *data)
{
    struct overlap *o = data;
    struct rtmsg rt;
    size_t len = 0;
    if (o->found || m->type != RTM_NEWROUTE || !netlink_fixed(m, &rt, sizeof rt))
        return;
    if (rt.rtm_family != o->af || rt.rtm_dst_len == 0 || (rt.rtm_flags & RTM_F_CLONED))
        return;
    const uint8_t *dst = netlink_attribute(m, sizeof rt, RTA_DST, &len);
    unsigned common = MIN(rt.rtm_dst_len, o->len);
    if (dst == NULL || len * 8 < common || !same_bits(dst, o->addr, common))
        return;
    o->found = true;
    o->index = netlink_attribute_u32(m, sizeof rt, RTA_OIF, 0);
}

bool
pf_net_route_overlaps(int family, const uint8_t *dst, unsigned len, char ifname[PF_IFNAME])
{
    struct netlink_request r;
    struct overlap o = {.af = netconf_family(family), .addr = dst, .len = len};
    struct rtmsg all = {.rtm_family = (uint8_t)o.af};
    netlink_begin(&r, RTM_GETROUTE, 0, &all, sizeof all);
    /* Routes that cannot be read may be in the way. */
    int err = netlink_dump(&r, look_at_route, &o);
    if (err != 0 && !netconf_no_family(o.af, err))
        o.found = true;
    if (o.index == 0 || if_indextoname(o.index, ifname) == NULL)
        ifname[0] = '\0';
    return o.found;
}

/* ---- nft ---- */

/* Administrators' programs are not in everybody's path. */
static char *
find_nft(void)
{
    char *path = g_find_program_in_path("nft");
    if (path == NULL && g_file_test("/usr/sbin/nft", G_FILE_TEST_IS_EXECUTABLE))
        path = g_strdup("/usr/sbin/nft");
    return path;
}

bool
pf_nat_available(void)
{
    g_autofree char *path = find_nft();
    return path != NULL;
}

/* It becomes part of a text in nft's language. */
static bool
check_name(const char *ifname, GError **error)
{
    size_t len = strlen(ifname);
    bool ok = len > 0 && len < IF_NAMESIZE;
    for (size_t i = 0; i < len; i++)
        ok = ok && (g_ascii_isalnum(ifname[i]) || ifname[i] == '_');
    return ok || pf_fail(error, 0, "an adapter named '%s' cannot have a table of nftables", ifname);
}

/* Between fork and exec: this process hands no rights to its children, unless it is root's. nft
 * gets the one that it needs, if it is there to give; else nft says so. */
static void
hand_over_right(gpointer data)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct set[_LINUX_CAPABILITY_U32S_3];
    (void)data;
    if (syscall(SYS_capget, &head, set) < 0)
        return;
    set[0].inheritable = set[0].permitted & (1U << CAP_NET_ADMIN);
    if (syscall(SYS_capset, &head, set) == 0)
        (void)prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_RAISE,
                    (unsigned long)CAP_NET_ADMIN, 0UL, 0UL);
}

static bool
run_nft(const char *rules, GError **error)
{
    g_autofree char *path = find_nft();
    g_autofree char *complaint = NULL;
    g_autoptr(GError) why = NULL;
    if (path == NULL)
        return pf_fail(error, 0, "the program 'nft' is not installed");
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
        G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE |
        G_SUBPROCESS_FLAGS_STDERR_PIPE);
    g_subprocess_launcher_set_child_setup(launcher, hand_over_right, NULL, NULL);
    g_autoptr(GSubprocess) nft = g_subprocess_launcher_spawn(launcher, &why, path, "-f", "-", NULL);
    if (nft == NULL || !g_subprocess_communicate_utf8(nft, rules, NULL, NULL, &complaint, &why))
        return pf_fail(error, 0, "cannot run '%s': %s", path, why->message);
    if (g_subprocess_get_successful(nft))
        return true;
    complaint[strcspn(complaint, "\n")] = '\0';
    return pf_fail(error, 0, "nft refuses the rules of NAT: %s", complaint);
}

bool
pf_nat_masquerade(const char *ifname, const struct pf_nat_net *net, unsigned n, GError **error)
{
    if (!check_name(ifname, error))
        return false;
    g_autoptr(GString) rules = g_string_new(NULL);
    /* Naming a table makes it, so that there is one to delete. All of it happens at once or not. */
    g_string_append_printf(rules,
                           "table inet polyether_%s\n"
                           "delete table inet polyether_%s\n"
                           "table inet polyether_%s {\n"
                           "chain postrouting {\n"
                           "type nat hook postrouting priority 100; policy accept;\n",
                           ifname, ifname, ifname);
    for (unsigned i = 0; i < n; i++) {
        char text[INET6_ADDRSTRLEN] = "";
        (void)inet_ntop(netconf_family(net[i].family), net[i].addr, text, sizeof text);
        g_string_append_printf(rules,
                               "iifname \"%s\" oifname != \"%s\" %s saddr %s/%u masquerade\n",
                               ifname, ifname, net[i].family == 6 ? "ip6" : "ip", text, net[i].len);
    }
    g_string_append(rules, "}\n}\n");
    return run_nft(rules->str, error);
}

bool
pf_nat_remove(const char *ifname, GError **error)
{
    if (!check_name(ifname, error))
        return false;
    g_autofree char *rules = g_strdup_printf("table inet polyether_%s\n"
                                             "delete table inet polyether_%s\n",
                                             ifname, ifname);
    return run_nft(rules, error);
}
