/* SPDX-License-Identifier: Apache-2.0 */
/* test-ovpn-profile.c - a profile has the lines that it should, and no others. */

#include "core/proto/openvpn/profile.h"

static const struct ovpn_profile plain = {
    .host = "vpn.example.com",
    .udp_port = 1194,
    .tcp_port = 443,
    .ca_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    .ciphers = "AES-256-GCM:AES-128-GCM",
    .password = true,
};

static unsigned
count_line(const char *text, const char *line)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    unsigned n = 0;

    for (unsigned i = 0; lines[i]; i++)
        n += strcmp(lines[i], line) == 0;
    return n;
}

#define assert_line(s, line) g_assert_cmpuint(count_line((s)->str, line), ==, 1)
#define assert_none(s, line) g_assert_cmpuint(count_line((s)->str, line), ==, 0)

static void
free_text(GString *s)
{
    (void)g_string_free(s, TRUE);
}

static void
test_plain(void)
{
    GString *s = ovpn_profile_write(&plain);

    assert_line(s, "client");
    assert_line(s, "dev tun");
    assert_line(s, "remote vpn.example.com 1194 udp");
    assert_line(s, "remote vpn.example.com 443 tcp");
    g_assert_true(strstr(s->str, " udp\n") < strstr(s->str, " tcp\n"));
    assert_line(s, "nobind");
    assert_line(s, "remote-cert-tls server");
    assert_line(s, "data-ciphers AES-256-GCM:AES-128-GCM");
    assert_line(s, "auth-user-pass");
    assert_line(s, "setenv CLIENT_CERT 0");
    assert_line(s, "verb 3");
    assert_none(s, "key-direction 1");
    g_assert_nonnull(strstr(
        s->str, "<ca>\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n</ca>\n"));
    g_assert_null(strstr(s->str, "<cert>"));
    g_assert_null(strstr(s->str, "<tls-"));
    g_assert_null(strstr(s->str, "\nauth "));
    free_text(s);
}

static void
test_certificate(void)
{
    struct ovpn_profile p = plain;

    p.tap = true;
    p.udp_port = 0;
    p.password = false;
    p.cert_pem = "CERT";
    p.key_pem = "KEY";
    GString *s = ovpn_profile_write(&p);
    assert_line(s, "dev tap");
    assert_none(s, "auth-user-pass");
    assert_none(s, "setenv CLIENT_CERT 0");
    g_assert_null(strstr(s->str, " udp\n"));
    g_assert_nonnull(strstr(s->str, "<cert>\nCERT\n</cert>\n"));
    g_assert_nonnull(strstr(s->str, "<key>\nKEY\n</key>\n"));
    free_text(s);
}

static void
test_wrap(void)
{
    static const struct {
        enum ovpn_wrap_kind kind;
        const char *want;
    } cases[] = {
        {OVPN_WRAP_AUTH, "<tls-auth>\nPEM\n</tls-auth>\n"},
        {OVPN_WRAP_CRYPT, "<tls-crypt>\nPEM\n</tls-crypt>\n"},
        {OVPN_WRAP_CRYPT_V2, "<tls-crypt-v2>\nPEM\n</tls-crypt-v2>\n"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct ovpn_profile p = plain;
        p.wrap = cases[i].kind;
        p.wrap_pem = "PEM\n";
        p.digest = cases[i].kind == OVPN_WRAP_AUTH ? "SHA256" : NULL;
        GString *s = ovpn_profile_write(&p);
        g_assert_nonnull(strstr(s->str, cases[i].want));
        g_assert_cmpuint(count_line(s->str, "key-direction 1"), ==, i == 0);
        g_assert_cmpuint(count_line(s->str, "auth SHA256"), ==, i == 0);
        free_text(s);
    }
}

/* Names cannot bring lines or words of their own. */
static void
test_names(void)
{
    struct ovpn_profile p = plain;

    p.hub = "OFFICE\nscript-security 2";
    p.host = "a.example\nup /bin/sh \"#;";
    GString *s = ovpn_profile_write(&p);
    assert_line(s, "# OpenVPN profile, made by Polyether for hub OFFICE?script-security 2");
    assert_none(s, "script-security 2");
    assert_line(s, "remote a.exampleupbinsh 1194 udp");
    free_text(s);
    p.host = "2001:db8::1";
    s = ovpn_profile_write(&p);
    assert_line(s, "remote 2001:db8::1 1194 udp");
    free_text(s);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/openvpn/profile/plain", test_plain);
    g_test_add_func("/openvpn/profile/certificate", test_certificate);
    g_test_add_func("/openvpn/profile/wrap", test_wrap);
    g_test_add_func("/openvpn/profile/names", test_names);
    return g_test_run();
}
