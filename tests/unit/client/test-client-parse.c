/* SPDX-License-Identifier: Apache-2.0 */
/* test-client-parse.c - servers, proxies, addresses, names: what is taken and what is not. */
#include "apps/client/parse.h"
#include "core/base/error.h"

#include <glib.h>

#include <string.h>

static const struct server_case {
    const char *text, *host; /* host NULL: refused */
    uint16_t port;
    const char *printed;
} server_cases[] = {
    {"vpn.example", "vpn.example", 443, "vpn.example:443"},
    {"vpn.example:5555", "vpn.example", 5555, "vpn.example:5555"},
    {"192.0.2.1:1", "192.0.2.1", 1, "192.0.2.1:1"},
    {"[2001:db8::1]:992", "2001:db8::1", 992, "[2001:db8::1]:992"},
    {"[2001:db8::1]", "2001:db8::1", 443, "[2001:db8::1]:443"},
    {"2001:db8::1", "2001:db8::1", 443, "[2001:db8::1]:443"},
    {"", NULL, 0, NULL},
    {":443", NULL, 0, NULL},
    {"host:", NULL, 0, NULL},
    {"host:0", NULL, 0, NULL},
    {"host:65536", NULL, 0, NULL},
    {"host:-1", NULL, 0, NULL},
    {"host: 443", NULL, 0, NULL},
    {"host:443x", NULL, 0, NULL},
    {"ho st", NULL, 0, NULL},
    {"host/path", NULL, 0, NULL},
    {"user@host", NULL, 0, NULL},
    {"a\r\nb", NULL, 0, NULL},
    {"[host]:443", NULL, 0, NULL},
    {"[192.0.2.1]:443", NULL, 0, NULL},
    {"[2001:db8::1", NULL, 0, NULL},
    {"[2001:db8::1]443", NULL, 0, NULL},
};

static void
test_server(gconstpointer data)
{
    const struct server_case *c = data;
    g_autoptr(GError) error = NULL;
    char *host = NULL;
    uint16_t port = 7;

    bool ok = parse_server(c->text, &host, &port, &error);
    g_assert_cmpint(ok, ==, c->host != NULL);
    if (!ok) {
        g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
        g_assert_null(host);
        g_assert_cmpuint(port, ==, 7);
        return;
    }
    g_assert_cmpstr(host, ==, c->host);
    g_assert_cmpuint(port, ==, c->port);
    g_autofree char *printed = parse_server_print(host, port);
    g_assert_cmpstr(printed, ==, c->printed);
    g_free(host);
}

static const struct proxy_case {
    const char *text;
    bool ok;
    enum dial_proxy kind;
    const char *host, *user;
    uint16_t port;
    const char *printed; /* if it differs from text */
} proxy_cases[] = {
    {"", true, DIAL_DIRECT, NULL, NULL, 0, "none"},
    {"none", true, DIAL_DIRECT, NULL, NULL, 0, NULL},
    {"http://proxy:3128", true, DIAL_HTTP, "proxy", NULL, 3128, NULL},
    {"http://proxy", true, DIAL_HTTP, "proxy", NULL, 8080, "http://proxy:8080"},
    {"http://proxy:3128/", true, DIAL_HTTP, "proxy", NULL, 3128, "http://proxy:3128"},
    {"socks4://anna@proxy", true, DIAL_SOCKS4, "proxy", "anna", 1080, "socks4://anna@proxy:1080"},
    {"socks5://an%40na@[2001:db8::1]:1", true, DIAL_SOCKS5, "2001:db8::1", "an@na", 1, NULL},
    {"https://proxy", false, DIAL_DIRECT, NULL, NULL, 0, NULL},
    {"http:/proxy", false, DIAL_DIRECT, NULL, NULL, 0, NULL},
    {"proxy:3128", false, DIAL_DIRECT, NULL, NULL, 0, NULL},
    {"http://", false, DIAL_DIRECT, NULL, NULL, 0, NULL},
    {"http://anna:secret@proxy", false, DIAL_DIRECT, NULL, NULL, 0, NULL},
    {"http://@proxy", false, DIAL_DIRECT, NULL, NULL, 0, NULL},
    {"http://a%00b@proxy", false, DIAL_DIRECT, NULL, NULL, 0, NULL},
    {"http://proxy/path", false, DIAL_DIRECT, NULL, NULL, 0, NULL},
    {"http://proxy:0", false, DIAL_DIRECT, NULL, NULL, 0, NULL},
};

static void
test_proxy(gconstpointer data)
{
    const struct proxy_case *c = data;
    g_autoptr(GError) error = NULL;
    struct parse_proxy p = {0};

    g_assert_cmpint(parse_proxy(c->text, &p, &error), ==, c->ok);
    if (!c->ok) {
        g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
        g_assert_null(strstr(c->text, "secret") ? strstr(p.host ? p.host : "", "secret") : NULL);
        return;
    }
    g_assert_cmpint(p.kind, ==, c->kind);
    g_assert_cmpstr(p.host, ==, c->host);
    g_assert_cmpstr(p.user, ==, c->user);
    g_assert_cmpuint(p.port, ==, c->port);
    g_autofree char *printed = parse_proxy_print(&p);
    g_assert_cmpstr(printed, ==, c->printed ? c->printed : c->text);
    parse_proxy_clear(&p);
}

static void
test_address(void)
{
    static const char *const bad[] = {"",           "10.0.0.5",    "10.0.0.5/33", "10.0.0.5/0",
                                      "0.0.0.1/8",  "127.0.0.1/8", "224.0.0.1/4", "2001:db8::1/64",
                                      "10.0.0.5/x", "DHCP",        "10.0.0/8"};
    enum address_mode mode = ADDRESS_STATIC;
    struct ip_prefix p = {0};
    char text[PREFIX_TEXT];

    g_assert_true(parse_address("dhcp", &mode, &p, NULL));
    g_assert_cmpint(mode, ==, ADDRESS_DHCP);
    g_assert_true(parse_address("none", &mode, &p, NULL));
    g_assert_cmpint(mode, ==, ADDRESS_NONE);
    g_assert_true(parse_address("10.0.0.5/24", &mode, &p, NULL));
    g_assert_cmpint(mode, ==, ADDRESS_STATIC);
    g_assert_cmpstr(ip_prefix_print(&p, text), ==, "10.0.0.5/24");
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(parse_address(bad[i], &mode, &p, &error));
        g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
    }
}

static void
test_route(void)
{
    static const char *const good[] = {"10.0.0.0/8", "10.1.2.3/32", "0.0.0.0/0", "2001:db8::/32",
                                       "::/0"};
    static const char *const bad[] = {"", "10.0.0.1/8", "10.0.0.0/33", "2001:db8::1/32", "x"};
    struct ip_prefix p;
    char text[PREFIX_TEXT];

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_assert_true(parse_route(good[i], &p, NULL));
        g_assert_cmpstr(ip_prefix_print(&p, text), ==, good[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(parse_route(bad[i], &p, NULL));
}

static void
test_names(void)
{
    g_autofree char *longest = g_strnfill(PARSE_NAME_MAX, 'a');
    g_autofree char *too_long = g_strnfill(PARSE_NAME_MAX + 1, 'a');

    g_assert_true(parse_account_name("office", NULL));
    g_assert_false(parse_account_name("B\xc3\xbcro (2)", NULL));
    g_assert_true(parse_account_name("B\xc3\xbcro 2", NULL));
    g_assert_true(parse_account_name("a@b.c-d_e", NULL));
    g_assert_true(parse_account_name(longest, NULL));
    g_assert_false(parse_account_name(too_long, NULL));
    g_assert_false(parse_account_name("", NULL));
    g_assert_false(parse_account_name("a/b", NULL));
    g_assert_false(parse_account_name("a\nb", NULL));
    g_assert_false(parse_account_name("-a", NULL));
    g_assert_false(parse_account_name(" a", NULL));
    g_assert_false(parse_account_name("a ", NULL));
    g_assert_false(parse_account_name("\xff", NULL));

    g_assert_true(parse_adapter("", NULL));
    g_assert_true(parse_adapter("pe0", NULL));
    g_assert_true(parse_adapter("123456789012345", NULL));
    g_assert_false(parse_adapter("1234567890123456", NULL));
    g_assert_false(parse_adapter("a/b", NULL));
    g_assert_false(parse_adapter("..", NULL));
    g_assert_false(parse_adapter("pe%d", NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(server_cases); i++) {
        g_autofree char *path = g_strdup_printf("/client-parse/server/%zu", i);
        g_test_add_data_func(path, &server_cases[i], test_server);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(proxy_cases); i++) {
        g_autofree char *path = g_strdup_printf("/client-parse/proxy/%zu", i);
        g_test_add_data_func(path, &proxy_cases[i], test_proxy);
    }
    g_test_add_func("/client-parse/address", test_address);
    g_test_add_func("/client-parse/route", test_route);
    g_test_add_func("/client-parse/names", test_names);
    return g_test_run();
}
