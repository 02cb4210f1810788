/* SPDX-License-Identifier: Apache-2.0 */
/* test-ovpn-options.c - what clients of several ages say, which cipher they get, and what they are
 * told to set up. */

#include "core/proto/openvpn/push.h"

#include <string.h>

static const char options_26[] =
    "V4,dev-type tun,link-mtu 1549,tun-mtu 1500,proto UDPv4,auth [null-digest],keysize 256,"
    "key-method 2,tls-client";
static const char info_26[] = "IV_VER=2.6.14\nIV_PLAT=linux\nIV_TCPNL=1\nIV_MTU=1600\nIV_NCP=2\n"
                              "IV_CIPHERS=AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305\n"
                              "IV_PROTO=990\nIV_COMP_STUB=1\nIV_COMP_STUBv2=1\n";
static const char options_24[] =
    "V4,dev-type tap,link-mtu 1590,tun-mtu 1532,proto TCPv4_CLIENT,comp-lzo,keydir 1,"
    "cipher AES-256-CBC,auth SHA256,keysize 256,tls-auth,key-method 2,tls-client";
static const char info_24[] = "IV_VER=2.4.12\nIV_PLAT=win\nIV_PROTO=2\nIV_NCP=2\n";
static const char options_23[] =
    "V4,dev-type tun,link-mtu 1557,tun-mtu 1500,proto UDPv4,cipher AES-128-CBC,auth SHA1,"
    "keysize 128,key-method 2,tls-client";

static void
test_parse(void)
{
    struct ovpn_client_says s;

    ovpn_client_says_parse(options_26, info_26, &s);
    g_assert_false(s.tap || s.comp || s.fragment);
    g_assert_true(s.ncp && s.stub_v2);
    g_assert_cmpuint(s.mtu, ==, 1600);
    g_assert_cmpuint(s.proto, ==, 990);
    g_assert_cmpstr(s.digest, ==, "");
    g_assert_cmpstr(s.version, ==, "2.6.14");
    g_assert_cmpstr(s.platform, ==, "linux");

    ovpn_client_says_parse(options_24, info_24, &s);
    g_assert_true(s.tap && s.comp && s.ncp);
    g_assert_false(s.stub_v2);
    g_assert_cmpstr(s.digest, ==, "SHA256");
    g_assert_cmpint(s.cipher, ==, OVPN_AES_256_CBC);

    ovpn_client_says_parse("V4,mtu-dynamic,tun-mtu 99999999999", "IV_PROTO=\nIV_MTU=x\n=\n\n", &s);
    g_assert_true(s.fragment);
    g_assert_cmpuint(s.tun_mtu, ==, 65535);
    g_assert_cmpuint(s.proto, ==, 0);
    ovpn_client_says_parse("", "", &s);
    g_assert_cmpuint(s.tun_mtu, ==, 1500);
}

static void
test_mirror(void)
{
    char out[OVPN_OPTIONS_MAX];

    ovpn_options_mirror(options_24, out, sizeof(out));
    g_assert_cmpstr(out, ==,
                    "V4,dev-type tap,link-mtu 1590,tun-mtu 1532,proto TCPv4_SERVER,comp-lzo,"
                    "keydir 0,cipher AES-256-CBC,auth SHA256,keysize 256,tls-auth,key-method 2,"
                    "tls-server");
    ovpn_options_mirror("V4,tls-client", out, 8); /* what does not fit is left out */
    g_assert_cmpstr(out, ==, "V4");
}

static enum ovpn_cipher
choice(const char *options, const char *info, const struct openvpn_settings *settings, bool *tell)
{
    struct ovpn_client_says s;

    ovpn_client_says_parse(options, info, &s);
    return ovpn_choose_cipher(&s, settings, tell);
}

static void
test_cipher(void)
{
    struct openvpn_settings *settings = openvpn_settings_new();
    bool tell = false;

    g_assert_cmpint(choice(options_26, info_26, settings, &tell), ==, OVPN_AES_256_GCM);
    g_assert_true(tell);
    g_assert_cmpint(choice(options_24, info_24, settings, &tell), ==, OVPN_AES_256_GCM);
    g_assert_cmpint(choice(options_23, "", settings, &tell), ==, OVPN_CIPHER_NONE_AGREED);
    g_assert_cmpint(choice(options_26, "IV_CIPHERS=AES-256-CBC\n", settings, &tell), ==,
                    OVPN_CIPHER_NONE_AGREED);
    settings->cipher[0] = OVPN_CHACHA20_POLY1305;
    g_assert_cmpint(choice(options_26, info_26, settings, &tell), ==, OVPN_CHACHA20_POLY1305);
    g_assert_cmpint(choice(options_24, info_24, settings, &tell), ==, OVPN_AES_128_GCM);

    settings->allow_cbc = true;
    g_assert_cmpint(choice(options_23, "", settings, &tell), ==, OVPN_AES_128_CBC);
    g_assert_false(tell);
    g_assert_cmpint(choice(options_26, "IV_CIPHERS=BF-CBC:AES-192-CBC\n", settings, &tell), ==,
                    OVPN_AES_192_CBC);
    g_assert_cmpint(choice("V4,cipher BF-CBC", "", settings, &tell), ==, OVPN_CIPHER_NONE_AGREED);
    openvpn_settings_free(settings);
}

/* ---- push ---- */

static const struct l3port_address address = {
    .has4 = true,
    .ip4 = 0x0a000005,
    .gateway4 = 0x0a000001,
    .len4 = 24,
    .route4 = {{.dst = 0xc0a80000, .len = 16, .via = 0x0a000002}, {.len = 0, .via = 0x0a000001}},
    .n_route4 = 2,
    .dns = {{.family = 4, .b = {10, 0, 0, 1}}},
    .n_dns = 1,
    .domain = "lan.example",
};

static void
test_push_tun(void)
{
    struct openvpn_settings *settings = openvpn_settings_new();
    struct ovpn_client_says says;
    struct ovpn_push p = {.settings = settings,
                          .says = &says,
                          .address = &address,
                          .cipher = OVPN_AES_128_GCM,
                          .peer_id = 7,
                          .ekm = true,
                          .datagrams = true,
                          .token = "TOKEN"};

    ovpn_client_says_parse(options_26, info_26, &says);
    g_autoptr(GPtrArray) m = ovpn_push_compose(&p);
    g_assert_cmpuint(m->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(m, 0), ==,
                    "PUSH_REPLY,topology subnet,ifconfig 10.0.0.5 255.255.255.0,"
                    "route-gateway 10.0.0.1,route 192.168.0.0 255.255.0.0 10.0.0.2,"
                    "dhcp-option DNS 10.0.0.1,dhcp-option DOMAIN lan.example,"
                    "redirect-gateway def1,ping 10,ping-restart 60,explicit-exit-notify 1,"
                    "rcvbuf 1048576,"
                    "peer-id 7,cipher AES-128-GCM,protocol-flags cc-exit tls-ekm,"
                    "auth-token TOKEN");
    openvpn_settings_free(settings);
}

static void
test_push_old_tap(void)
{
    struct openvpn_settings *settings = openvpn_settings_new();
    struct ovpn_client_says says;
    struct ovpn_push p = {.settings = settings,
                          .says = &says,
                          .peer_id = OVPN_PEER_ID_NONE,
                          .framing = OVPN_FRAMING_LZO};

    ovpn_client_says_parse(options_24, info_24, &says);
    g_autoptr(GPtrArray) m = ovpn_push_compose(&p);
    g_assert_cmpstr(
        g_ptr_array_index(m, 0), ==,
        "PUSH_REPLY,route-gateway dhcp,ping 10,ping-restart 60,socket-flags TCP_NODELAY,comp-lzo no");
    openvpn_settings_free(settings);
}

static void
test_push_long(void)
{
    struct openvpn_settings *settings = openvpn_settings_new();
    struct ovpn_client_says says;
    struct l3port_address many = address;
    struct ovpn_push p = {
        .settings = settings, .says = &says, .address = &many, .peer_id = OVPN_PEER_ID_NONE};
    unsigned routes = 0;

    ovpn_client_says_parse(options_26, info_26, &says);
    many.n_route4 = L3PORT_ROUTES_MAX;
    for (unsigned i = 0; i < many.n_route4; i++)
        many.route4[i] = (struct dhcp4_route){.dst = 0xac100000 + (i << 8), .len = 24};
    g_autoptr(GPtrArray) m = ovpn_push_compose(&p);
    g_assert_cmpuint(m->len, >=, 3);
    for (guint i = 0; i < m->len; i++) {
        const char *text = g_ptr_array_index(m, i);
        bool last = i + 1 == m->len;
        g_assert_cmpuint(strlen(text), <=, OVPN_PUSH_MAX);
        g_assert_true(g_str_has_prefix(text, "PUSH_REPLY,"));
        g_assert_true(
            g_str_has_suffix(text, last ? ",push-continuation 1" : ",push-continuation 2"));
        for (const char *at = text; (at = strstr(at, ",route 172.")); at++)
            routes++;
    }
    g_assert_cmpuint(routes, ==, L3PORT_ROUTES_MAX);
    openvpn_settings_free(settings);
}

static void
test_mtu(void)
{
    struct openvpn_settings *settings = openvpn_settings_new();
    struct ovpn_client_says says;

    ovpn_client_says_parse(options_26, info_26, &says);
    g_assert_cmpuint(ovpn_push_mtu(&says, settings), ==, 1500);
    settings->tun_mtu = 1400;
    g_assert_cmpuint(ovpn_push_mtu(&says, settings), ==, 1400);
    settings->tun_mtu = 9000; /* more than it can take */
    g_assert_cmpuint(ovpn_push_mtu(&says, settings), ==, 1500);
    ovpn_client_says_parse(options_23, "", &says); /* cannot be told */
    settings->tun_mtu = 1400;
    g_assert_cmpuint(ovpn_push_mtu(&says, settings), ==, 1500);
    openvpn_settings_free(settings);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/openvpn/options/parse", test_parse);
    g_test_add_func("/openvpn/options/mirror", test_mirror);
    g_test_add_func("/openvpn/options/cipher", test_cipher);
    g_test_add_func("/openvpn/push/tun", test_push_tun);
    g_test_add_func("/openvpn/push/old-tap", test_push_old_tap);
    g_test_add_func("/openvpn/push/long", test_push_long);
    g_test_add_func("/openvpn/push/mtu", test_mtu);
    return g_test_run();
}
