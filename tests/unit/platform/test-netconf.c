/* SPDX-License-Identifier: Apache-2.0 */
/* test-netconf.c - links, addresses, routes and rules, checked with the program ip. */

#include "platform/platform.h"
#include "tests/unit/platform/netns.h"

#include <arpa/inet.h>
#include <string.h>

enum { TABLE = 20550, OTHER_TABLE = 20551, MARK = 0x5045 };

static const char *unavailable;

static bool
plug_in(void)
{
    if (unavailable != NULL) {
        g_test_skip(unavailable);
        return false;
    }
    g_assert_true(netns_try("ip link add pe0 type veth peer name pe1"));
    g_assert_true(netns_try("ip link set pe1 up"));
    return true;
}

static void
unplug(void)
{
    g_assert_true(netns_try("ip link del pe0"));
}

static void
assert_ok(bool ok, const GError *error)
{
    g_assert_no_error(error);
    g_assert_true(ok);
}

static unsigned
count(const char *text, const char *word)
{
    unsigned n = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        n++;
    return n;
}

static void
assert_count(char *text, const char *word, unsigned want)
{
    if (count(text, word) != want)
        g_test_message("'%s' in: %s", word, text);
    g_assert_cmpuint(count(text, word), ==, want);
    g_free(text);
}

static void
add_address(const char *ifname, const char *text, unsigned prefix, bool connected)
{
    g_autoptr(GError) error = NULL;
    uint8_t addr[16];
    int family = strchr(text, ':') != NULL ? 6 : 4;
    g_assert_cmpint(inet_pton(family == 6 ? AF_INET6 : AF_INET, text, addr), ==, 1);
    assert_ok(pf_net_addr_add(ifname, family, addr, prefix, connected, &error), error);
}

static struct pf_route
route(const char *dst, uint8_t len, const char *via, uint32_t table)
{
    struct pf_route r = {.dst_len = len, .table = table};
    r.family = strchr(dst, ':') != NULL ? 6 : 4;
    int af = r.family == 6 ? AF_INET6 : AF_INET;
    g_assert_cmpint(inet_pton(af, dst, r.dst), ==, 1);
    if (via != NULL)
        g_assert_cmpint(inet_pton(af, via, r.via), ==, 1);
    return r;
}

static void
test_link(void)
{
    g_autoptr(GError) error = NULL;
    if (!plug_in())
        return;
    assert_ok(pf_net_link_up("pe0", true, &error), error);
    assert_count(netns_output("ip -j link show pe0"), "\"MULTICAST\",\"UP\"", 1);
    assert_ok(pf_net_link_up("pe0", true, &error), error);
    assert_ok(pf_net_link_up("pe0", false, &error), error);
    assert_count(netns_output("ip -j link show pe0"), "\"MULTICAST\",\"UP\"", 0);
    assert_ok(pf_net_link_mtu("pe0", 1390, &error), error);
    assert_count(netns_output("ip -j link show pe0"), "\"mtu\":1390", 1);

    g_assert_false(pf_net_link_mtu("pe0", 10, &error));
    g_assert_nonnull(strstr(error->message, "cannot set the MTU 10 of 'pe0'"));
    g_test_message("%s", error->message);
    g_clear_error(&error);
    g_assert_false(pf_net_link_up("nosuch0", true, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NODEV);
    g_assert_nonnull(strstr(error->message, "'nosuch0' not found"));
    unplug();
}

static void
test_addresses(void)
{
    g_autoptr(GError) error = NULL;
    if (!plug_in())
        return;
    assert_ok(pf_net_link_up("pe0", true, &error), error);
    add_address("pe0", "10.9.0.2", 24, true);
    add_address("pe0", "10.9.0.2", 24, true); /* twice is once */
    add_address("pe0", "10.8.0.2", 24, false);
    add_address("pe0", "10.9.0.3", 24, true);
    add_address("pe0", "2001:db8::2", 64, true);
    add_address("pe0", "2001:db8:1::2", 64, false);
    assert_count(netns_output("ip -j -4 addr show pe0"), "\"local\"", 3);
    assert_count(netns_output("ip -j -4 addr show pe0"), "\"broadcast\":\"10.9.0.255\"", 2);
    assert_count(netns_output("ip -j -6 addr show pe0"), "\"local\":\"2001:db8:", 2);
    assert_count(netns_output("ip -4 route show table main dev pe0"), "10.9.0.0/24", 1);
    assert_count(netns_output("ip -4 route show table main dev pe0"), "10.8.0.0/24", 0);
    assert_count(netns_output("ip -6 route show table main dev pe0"), "2001:db8::/64", 1);
    assert_count(netns_output("ip -6 route show table main dev pe0"), "2001:db8:1::/64", 0);

    g_assert_false(pf_net_addr_add("pe0", 4, (const uint8_t *)"\x0a\0\0\1", 33, true, &error));
    g_assert_nonnull(strstr(error->message, "10.0.0.1/33"));
    g_clear_error(&error);
    g_assert_false(pf_net_addr_add("nosuch0", 4, (const uint8_t *)"\x0a\0\0\1", 8, true, &error));
    g_clear_error(&error);
    g_assert_false(pf_net_addr_add("pe0", 6, (const uint8_t[16]){0xff}, 64, true, &error));
    g_assert_nonnull(strstr(error->message, "cannot add the address ff00::/64 to 'pe0'"));
    g_clear_error(&error);

    add_address("pe1", "10.7.0.1", 24, true);
    assert_ok(pf_net_addr_flush("pe0", &error), error);
    assert_count(netns_output("ip -j addr show pe0"), "\"scope\":\"global\"", 0);
    assert_count(netns_output("ip -j -6 addr show pe0"), "\"local\":\"fe80:", 1);
    assert_count(netns_output("ip -j addr show pe1"), "\"local\":\"10.7.0.1\"", 1);
    assert_ok(pf_net_addr_flush("pe0", &error), error);
    assert_ok(pf_net_addr_flush("nosuch0", &error), error);
    unplug();
}

static void
add_route(const char *ifname, struct pf_route r)
{
    g_autoptr(GError) error = NULL;
    assert_ok(pf_net_route_add(ifname, &r, &error), error);
}

static void
test_routes(void)
{
    g_autoptr(GError) error = NULL;
    if (!plug_in())
        return;
    assert_ok(pf_net_link_up("pe0", true, &error), error);
    add_address("pe0", "10.9.0.2", 24, false);
    add_address("pe0", "2001:db8::2", 64, false);
    add_route("pe0", route("10.9.0.0", 24, NULL, TABLE));
    add_route("pe0", route("0.0.0.0", 0, "10.9.0.1", TABLE));
    add_route("pe0", route("0.0.0.0", 0, "10.9.0.1", TABLE));
    add_route("pe0", route("172.16.5.1", 16, "10.9.0.1", 100)); /* host bits are cut off */
    add_route("pe0", route("192.0.2.7", 32, "10.9.0.1", 0));
    add_route("pe0", route("::", 0, "fe80::1", TABLE));
    add_route("pe0", route("::", 0, "fe80::1", TABLE));
    add_route("pe0", route("2001:db8::", 64, NULL, TABLE));
    assert_count(netns_output("ip -4 route show table %d", TABLE),
                 "default via 10.9.0.1 dev pe0 proto static onlink", 1);
    assert_count(netns_output("ip -4 route show table %d", TABLE), "10.9.0.0/24 dev pe0", 1);
    assert_count(netns_output("ip -4 route show table 100"), "172.16.0.0/16 via 10.9.0.1", 1);
    assert_count(netns_output("ip -4 route show table main"), "192.0.2.7 via 10.9.0.1", 1);
    assert_count(netns_output("ip -6 route show table %d", TABLE), "default via fe80::1", 1);
    assert_count(netns_output("ip -6 route show table %d", TABLE), "2001:db8::/64 dev pe0", 1);

    /* A new gateway takes the old one's place. */
    add_route("pe0", route("0.0.0.0", 0, "10.9.0.9", TABLE));
    add_route("pe0", route("::", 0, "fe80::9", TABLE));
    assert_count(netns_output("ip -4 route show table %d", TABLE), "default", 1);
    assert_count(netns_output("ip -4 route show table %d", TABLE), "via 10.9.0.9", 1);
    assert_count(netns_output("ip -6 route show table %d", TABLE), "default", 1);
    assert_count(netns_output("ip -6 route show table %d", TABLE), "via fe80::9", 1);

    /* Another interface's route is neither replaced nor joined, and that is told. */
    struct pf_route other = route("0.0.0.0", 0, "10.9.0.1", TABLE);
    g_assert_false(pf_net_route_add("pe1", &other, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_EXIST);
    g_clear_error(&error);
    other.metric = 50;
    add_route("pe1", other);
    assert_count(netns_output("ip -4 route show table %d", TABLE), "dev pe1", 1);

    assert_ok(pf_net_route_flush("pe0", TABLE, &error), error);
    assert_count(netns_output("ip -4 route show table %d dev pe0", TABLE), "pe0", 0);
    assert_count(netns_output("ip -4 route show table %d", TABLE), "default", 1); /* pe1's */
    assert_count(netns_output("ip -6 route show table %d", TABLE), "default", 0);
    assert_count(netns_output("ip -4 route show table 100"), "172.16.0.0/16", 1);
    assert_ok(pf_net_route_flush("pe0", TABLE, &error), error);
    assert_ok(pf_net_route_flush("pe0", 31337, &error), error); /* no such table */
    assert_ok(pf_net_route_flush("nosuch0", TABLE, &error), error);
    assert_ok(pf_net_route_flush("pe0", 0, &error), error);
    assert_count(netns_output("ip -4 route show table main"), "192.0.2.7", 0);
    assert_count(netns_output("ip -6 route show table main dev pe0"), "fe80::/64", 1);
    unplug();
}

static void
assert_way(const char *query, const char *want)
{
    assert_count(netns_output("ip route get %s", query), want, 1);
}

static void
test_rules(void)
{
    g_autoptr(GError) error = NULL;
    static const char *const families[] = {"-4", "-6"};
    if (!plug_in())
        return;
    for (int i = 0; i < 2; i++) /* twice is once */
        assert_ok(pf_net_rule_add(MARK, TABLE, true, &error), error);
    assert_ok(pf_net_rule_add(MARK, OTHER_TABLE, false, &error), error);
    for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
        assert_count(netns_output("ip %s rule", families[i]),
                     "30000:\tnot from all fwmark 0x5045 lookup 20550", 1);
        assert_count(netns_output("ip %s rule", families[i]),
                     "30000:\tnot from all fwmark 0x5045 lookup 20551", 1);
        assert_count(netns_output("ip %s rule", families[i]),
                     "29550:\tfrom all lookup main suppress_prefixlength 0", 1);
        assert_count(netns_output("ip %s rule", families[i]), "suppress", 1);
    }
    g_autofree char *marks = netns_output("cat /proc/sys/net/ipv4/conf/all/src_valid_mark");
    if (geteuid() == 0)
        g_assert_cmpstr(marks, ==, "1\n");

    /* One tunnel's end is not the other's. */
    for (int i = 0; i < 2; i++)
        assert_ok(pf_net_rule_del(MARK, OTHER_TABLE, &error), error);
    for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
        assert_count(netns_output("ip %s rule", families[i]), "20551", 0);
        assert_count(netns_output("ip %s rule", families[i]), "20550", 1);
        assert_count(netns_output("ip %s rule", families[i]), "suppress", 1);
    }
    assert_ok(pf_net_rule_del(MARK, TABLE, &error), error);
    for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
        assert_count(netns_output("ip %s rule", families[i]), "fwmark", 0);
        assert_count(netns_output("ip %s rule", families[i]), "suppress", 0);
    }
    unplug();
}

/* A whole tunnel: pe0 is the card with a local network and a default route, pt0 the adapter. */
static void
test_tunnel(void)
{
    g_autoptr(GError) error = NULL;
    if (!plug_in())
        return;
    assert_ok(pf_net_link_up("pe0", true, &error), error);
    add_address("pe0", "10.9.0.2", 24, true);
    add_route("pe0", route("0.0.0.0", 0, "10.9.0.1", 0));
    assert_way("198.51.100.1", "dev pe0");

    g_assert_true(netns_try("ip link add pt0 type veth peer name pt1"));
    assert_ok(pf_net_link_up("pt0", true, &error), error);
    add_address("pt0", "10.66.0.2", 24, true);
    add_route("pt0", route("0.0.0.0", 0, "10.66.0.1", TABLE));
    assert_ok(pf_net_rule_add(MARK, TABLE, true, &error), error);
    assert_way("198.51.100.1", "via 10.66.0.1 dev pt0");
    assert_way("198.51.100.1 mark 0x5045", "via 10.9.0.1 dev pe0");
    assert_way("10.9.0.77", "dev pe0");

    /* A strict filter checks the way back of what comes from the server. It carries no mark. */
    uint8_t server[4] = {198, 51, 100, 1};
    if (netns_write("/proc/sys/net/ipv4/conf/pe0/rp_filter", "1")) {
        const char *way_back = "ip route get 10.9.0.2 from 198.51.100.1 iif pe0";
        g_assert_false(netns_try("%s", way_back));
        for (int i = 0; i < 2; i++)
            assert_ok(pf_net_peer_add(TABLE, 4, server, &error), error);
        g_assert_true(netns_try("%s", way_back));
        for (int i = 0; i < 2; i++)
            assert_ok(pf_net_peer_del(TABLE, 4, server, &error), error);
        g_assert_false(netns_try("%s", way_back));
    }

    /* The mark of a socket is what counts, whatever an address says. */
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(443), .sin_addr.s_addr = htonl(0xc6336401)};
    int fd = pf_tcp_connect((struct sockaddr *)&to, sizeof to, MARK, &error);
    g_assert_no_error(error);
    struct sockaddr_in from = {0};
    socklen_t len = sizeof from;
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&from, &len), ==, 0);
    g_assert_cmpuint(ntohl(from.sin_addr.s_addr), ==, 0x0a090002);
    pf_close(fd);

    assert_ok(pf_net_rule_del(MARK, TABLE, &error), error);
    assert_way("198.51.100.1", "via 10.9.0.1 dev pe0");
    g_assert_true(netns_try("ip link del pt0"));
    unplug();
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    unavailable = netns_enter();
    (void)netns_write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "0");
    if (unavailable == NULL && !pf_can(PF_CAP_NET_ADMIN))
        unavailable = "no right to configure the network";
    if (unavailable == NULL && !netns_try("ip link add pe0 type veth peer name pe1"))
        unavailable = "this system has no virtual cables (veth)";
    if (unavailable == NULL)
        unplug();
    g_test_add_func("/platform/netconf/link", test_link);
    g_test_add_func("/platform/netconf/addresses", test_addresses);
    g_test_add_func("/platform/netconf/routes", test_routes);
    g_test_add_func("/platform/netconf/rules", test_rules);
    g_test_add_func("/platform/netconf/tunnel", test_tunnel);
    return g_test_run();
}
