/* SPDX-License-Identifier: Apache-2.0 */
/* test-addr.c - addresses: what is accepted, how it is printed, what contains what. */

#include "core/base/addr.h"

#include <glib.h>

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static void
test_mac(void)
{
    static const struct {
        const char *text, *printed; /* printed NULL: refused */
    } cases[] = {
        {"00:11:22:aa:BB:ff", "00:11:22:aa:bb:ff"},
        {"00-11-22-AA-bb-FF", "00:11:22:aa:bb:ff"},
        {"", NULL},
        {"0", NULL},
        {"00:11:22:aa:bb", NULL},
        {"00:11:22:aa:bb:", NULL},
        {"00:11:22:aa:bb:f", NULL},
        {"00:11:22:aa:bb:ff:", NULL},
        {"00:11:22:aa:bb:fff", NULL},
        {"00:11-22:aa:bb:ff", NULL},
        {"00.11.22.aa.bb.ff", NULL},
        {"001122aabbff", NULL},
        {"0g:11:22:aa:bb:ff", NULL},
        {" 00:11:22:aa:bb:ff", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct mac m = {{9, 9, 9, 9, 9, 9}};
        struct mac untouched = m;
        char text[MAC_TEXT];
        bool ok = mac_parse(cases[i].text, &m);
        g_assert_cmpint(ok, ==, cases[i].printed != NULL);
        if (ok)
            g_assert_cmpstr(mac_print(&m, text), ==, cases[i].printed);
        else
            g_assert_true(mac_equal(&m, &untouched));
    }
}

static void
test_ip(void)
{
    static const struct {
        const char *text, *printed;
    } cases[] = {
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"10.99.0.2", "10.99.0.2"},
        {"::", "::"},
        {"2001:DB8::1", "2001:db8::1"},
        {"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"", NULL},
        {"1.2.3", NULL},
        {"1.2.3.256", NULL},
        {"1.2.3.4 ", NULL},
        {"01.2.3.4", NULL},
        {"1:2", NULL},
        {"fe80::1%eth0", NULL},
        {"[::1]", NULL},
        {"host", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct ip ip = {.family = 99};
        char text[IP_TEXT];
        g_assert_cmpint(ip_parse(cases[i].text, &ip), ==, cases[i].printed != NULL);
        if (cases[i].printed)
            g_assert_cmpstr(ip_print(&ip, text), ==, cases[i].printed);
        else
            g_assert_cmpuint(ip.family, ==, 99);
    }
    struct ip none = {0};
    char text[IP_TEXT];
    g_assert_cmpstr(ip_print(&none, text), ==, "none");
}

static struct ip
ip_of(const char *text)
{
    struct ip ip = {0};

    g_assert_true(ip_parse(text, &ip));
    return ip;
}

static void
test_ip_v4_and_keys(void)
{
    struct ip a = ip_from_v4(0x0a630002);
    struct ip same = ip_of("10.99.0.2");
    struct ip other = ip_of("10.99.0.3");
    struct ip v6 = ip_of("2001:db8:1:2:3:4:5:6");
    struct ip key6 = ip_of("2001:db8:1:2::");

    g_assert_true(ip_equal(&a, &same));
    g_assert_false(ip_equal(&a, &other));
    g_assert_false(ip_equal(&a, &v6));
    g_assert_cmpuint(ip_to_v4(&a), ==, 0x0a630002);
    g_assert_cmpuint(ip_to_v4(&v6), ==, 0);
    a.b[15] = 7; /* what is behind the four bytes does not count */
    g_assert_true(ip_equal(&a, &same));
    struct ip key = ip_limit_key(&a);
    g_assert_cmpmem(&key, sizeof(key), &same, sizeof(same));
    key = ip_limit_key(&v6);
    g_assert_cmpmem(&key, sizeof(key), &key6, sizeof(key6));
}

static void
test_prefix(void)
{
    static const struct {
        const char *text, *printed, *inside, *outside;
    } cases[] = {
        {"10.0.0.0/8", "10.0.0.0/8", "10.255.1.2", "11.0.0.0"},
        {"10.0.0.1/8", "10.0.0.1/8", "10.255.1.2", "11.0.0.1"}, /* host bits are kept */
        {"0.0.0.0/0", "0.0.0.0/0", "200.1.2.3", "::1"},
        {"::/0", "::/0", "2001:db8::1", "1.2.3.4"},
        {"192.168.4.0/22", "192.168.4.0/22", "192.168.7.255", "192.168.8.0"},
        {"192.168.0.1", "192.168.0.1/32", "192.168.0.1", "192.168.0.0"},
        {"192.168.0.128/25", "192.168.0.128/25", "192.168.0.200", "192.168.0.127"},
        {"2001:db8::/33", "2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"},
        {"::1", "::1/128", "::1", "::2"},
        {"", NULL, NULL, NULL},
        {"/8", NULL, NULL, NULL},
        {"10.0.0.0/", NULL, NULL, NULL},
        {"10.0.0.0/33", NULL, NULL, NULL},
        {"10.0.0.0/-1", NULL, NULL, NULL},
        {"10.0.0.0/+8", NULL, NULL, NULL},
        {"10.0.0.0/8 ", NULL, NULL, NULL},
        {"10.0.0.0/8/8", NULL, NULL, NULL},
        {"::/129", NULL, NULL, NULL},
        {"00000000000000000000000000000000000000000000000000000000000/8", NULL, NULL, NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct ip_prefix p = {0};
        char text[PREFIX_TEXT];
        g_assert_cmpint(ip_prefix_parse(cases[i].text, &p), ==, cases[i].printed != NULL);
        if (!cases[i].printed)
            continue;
        struct ip inside = ip_of(cases[i].inside);
        struct ip outside = ip_of(cases[i].outside);
        g_assert_cmpstr(ip_prefix_print(&p, text), ==, cases[i].printed);
        g_assert_true(ip_prefix_has(&p, &inside));
        g_assert_false(ip_prefix_has(&p, &outside));
    }
    struct ip_prefix wrong = {.ip = ip_of("1.2.3.4"), .len = 64};
    struct ip ip = ip_of("1.2.3.4");
    g_assert_false(ip_prefix_has(&wrong, &ip));
}

static void
test_endpoint(void)
{
    static const struct {
        const char *ip;
        uint16_t port;
        uint32_t scope;
        const char *printed;
    } cases[] = {
        {"1.2.3.4", 443, 0, "1.2.3.4:443"},
        {"2001:db8::1", 65535, 0, "[2001:db8::1]:65535"},
        {"fe80:1111:2222:3333:4444:5555:6666:7777", 65535, UINT32_MAX,
         "[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:65535"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct endpoint e = {
            .ip = ip_of(cases[i].ip), .port = cases[i].port, .scope = cases[i].scope};
        struct endpoint back = {0};
        struct sockaddr_storage sa;
        char text[ENDPOINT_TEXT];
        g_assert_cmpstr(endpoint_print(&e, text), ==, cases[i].printed);
        unsigned len = endpoint_to_sockaddr(&e, &sa);
        g_assert_cmpuint(
            len, ==, e.ip.family == 4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        g_assert_true(endpoint_from_sockaddr((const struct sockaddr *)&sa, &back));
        g_assert_true(ip_equal(&back.ip, &e.ip));
        g_assert_cmpuint(back.port, ==, e.port);
        g_assert_cmpuint(back.scope, ==, e.scope);
    }
}

static void
test_sockaddr_odd(void)
{
    struct endpoint mapped = {.ip = ip_of("::ffff:10.1.2.3"), .port = 5555};
    struct endpoint e = {0};
    struct sockaddr_storage sa;
    char text[ENDPOINT_TEXT];

    g_assert_cmpuint(endpoint_to_sockaddr(&mapped, &sa), ==, sizeof(struct sockaddr_in6));
    g_assert_true(endpoint_from_sockaddr((const struct sockaddr *)&sa, &e));
    g_assert_cmpstr(endpoint_print(&e, text), ==, "10.1.2.3:5555");

    memset(&sa, 0, sizeof(sa));
    sa.ss_family = AF_UNIX;
    g_assert_false(endpoint_from_sockaddr((const struct sockaddr *)&sa, &e));
    g_assert_cmpuint(e.port, ==, 5555); /* untouched */
    struct endpoint none = {0};
    g_assert_cmpuint(endpoint_to_sockaddr(&none, &sa), ==, 0);
    g_assert_cmpstr(endpoint_print(&none, text), ==, "none:0");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/addr/mac", test_mac);
    g_test_add_func("/addr/ip", test_ip);
    g_test_add_func("/addr/ip-v4-and-keys", test_ip_v4_and_keys);
    g_test_add_func("/addr/prefix", test_prefix);
    g_test_add_func("/addr/endpoint", test_endpoint);
    g_test_add_func("/addr/sockaddr-odd", test_sockaddr_odd);
    return g_test_run();
}
