/* SPDX-License-Identifier: Apache-2.0 */
/* test-nat.c - NAT by the kernel: what it finds, and that its table comes and goes alone. */

#include "platform/platform.h"
#include "tests/unit/platform/netns.h"

static const char *unavailable;

static bool
is_skipped(void)
{
    if (!unavailable)
        return false;
    g_test_skip(unavailable);
    return true;
}

static void
test_overlap(void)
{
    static const uint8_t net[16] = {10, 30};
    static const uint8_t other[16] = {10, 31};
    static const uint8_t one[16] = {10, 30, 5, 9};
    char ifname[PF_IFNAME];
    if (is_skipped())
        return;
    g_assert_false(pf_net_route_overlaps(4, net, 16, ifname));
    g_assert_true(netns_try("ip link add d0 type veth peer name d1"));
    g_assert_true(netns_try("ip link set d1 up"));
    g_assert_true(netns_try("ip link set d0 up"));
    g_assert_true(netns_try("ip route add default dev d0")); /* the way to everything is none */
    g_assert_false(pf_net_route_overlaps(4, net, 16, ifname));
    g_assert_true(netns_try("ip route add 10.30.5.0/24 dev d0"));
    g_assert_true(pf_net_route_overlaps(4, net, 16, ifname)); /* inside */
    g_assert_cmpstr(ifname, ==, "d0");
    g_assert_true(pf_net_route_overlaps(4, one, 32, ifname)); /* around */
    g_assert_false(pf_net_route_overlaps(4, other, 16, ifname));
    g_assert_true(netns_try("ip route del 10.30.5.0/24 dev d0"));
    g_assert_true(netns_try("ip route add 10.30.0.0/17 dev d0 table 77"));
    g_assert_true(pf_net_route_overlaps(4, net, 16, ifname)); /* in any table */
    g_assert_true(netns_try("ip link del d0"));
}

static void
test_forwarding(void)
{
    if (is_skipped())
        return;
    g_assert_true(netns_write("/proc/sys/net/ipv4/ip_forward", "0"));
    g_assert_false(pf_ip_forwarding(4));
    g_assert_true(netns_write("/proc/sys/net/ipv4/ip_forward", "1"));
    g_assert_true(pf_ip_forwarding(4));
    g_assert_true(netns_write("/proc/sys/net/ipv4/ip_forward", "0"));
}

static void
test_table(void)
{
    static const struct pf_nat_net net[] = {{4, {10, 30}, 16}, {6, {0xfd, 0x30}, 64}};
    g_autoptr(GError) error = NULL;
    if (is_skipped())
        return;
    if (!pf_nat_available() || !netns_try("nft add table inet other")) {
        g_test_skip("nft cannot be used here");
        return;
    }
    for (unsigned i = 0; i < 2; i++) { /* the second replaces the first */
        (void)pf_nat_masquerade("penat0", net, 2, &error);
        g_assert_no_error(error);
        g_autofree char *rules = netns_output("nft list table inet polyether_penat0");
        g_assert_nonnull(strstr(rules, "ip saddr 10.30.0.0/16 masquerade"));
        g_assert_nonnull(strstr(rules, "ip6 saddr fd30::/64 masquerade"));
        g_assert_null(strstr(strstr(rules, "fd30::") + 1, "fd30::"));
    }
    g_assert_true(pf_nat_remove("penat0", &error));
    g_assert_true(pf_nat_remove("penat0", &error)); /* twice is once */
    g_assert_no_error(error);
    g_autofree char *tables = netns_output("nft list tables");
    g_assert_cmpstr(tables, ==, "table inet other\n");
}

static void
test_names(void)
{
    static const char *const bad[] = {"", "a b", "x{", "x\ny", "a;b", "0123456789abcdef", "a-b"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(pf_nat_remove(bad[i], &error));
        g_assert_nonnull(strstr(error->message, "cannot have a table"));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    unavailable = netns_enter();
    g_test_add_func("/nat/overlap", test_overlap);
    g_test_add_func("/nat/forwarding", test_forwarding);
    g_test_add_func("/nat/table", test_table);
    g_test_add_func("/nat/names", test_names);
    return g_test_run();
}
