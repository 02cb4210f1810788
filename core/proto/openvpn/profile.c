/* SPDX-License-Identifier: Apache-2.0 */
/* profile.c - see profile.h. Nothing that an administrator typed can begin a line of its own. */

#include "core/proto/openvpn/profile.h"

/* A host name or address: letters that neither end a word nor begin a comment. */
static void
add_word(GString *s, const char *word)
{
    for (; *word; word++) {
        if (g_ascii_isalnum(*word) || strchr(".-_:%", *word))
            g_string_append_c(s, *word);
    }
}

static void
add_remote(GString *s, const char *host, uint16_t port, const char *proto)
{
    if (port == 0)
        return;
    g_string_append(s, "remote ");
    add_word(s, host);
    g_string_append_printf(s, " %u %s\n", port, proto);
}

static void
add_comment(GString *s, const char *hub)
{
    g_string_append(s, "# OpenVPN profile, made by Polyether");
    if (hub) {
        g_string_append(s, " for hub ");
        for (; *hub; hub++)
            g_string_append_c(s, g_ascii_iscntrl(*hub) ? '?' : *hub);
    }
    g_string_append_c(s, '\n');
}

static void
add_inline(GString *s, const char *tag, const char *pem)
{
    if (!pem)
        return;
    g_string_append_printf(s, "<%s>\n%s", tag, pem);
    if (s->str[s->len - 1] != '\n')
        g_string_append_c(s, '\n');
    g_string_append_printf(s, "</%s>\n", tag);
}

static void
add_wrap(GString *s, const struct ovpn_profile *p)
{
    switch (p->wrap) {
    case OVPN_WRAP_NONE:
        return;
    case OVPN_WRAP_AUTH:
        g_string_append(s, "key-direction 1\n"); /* the server's is 0 */
        add_inline(s, "tls-auth", p->wrap_pem);
        return;
    case OVPN_WRAP_CRYPT:
        add_inline(s, "tls-crypt", p->wrap_pem);
        return;
    case OVPN_WRAP_CRYPT_V2:
        add_inline(s, "tls-crypt-v2", p->wrap_pem);
        return;
    }
}

/* All of it at once: growing would leave copies of a key behind. */
static size_t
room(const struct ovpn_profile *p)
{
    const char *texts[] = {p->host,    p->ca_pem,   p->wrap_pem, p->digest,
                           p->ciphers, p->cert_pem, p->key_pem,  p->hub};
    size_t n = 4096;

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
        n += texts[i] ? 2 * strlen(texts[i]) : 0; /* the host stands there twice */
    return n;
}

GString *
ovpn_profile_write(const struct ovpn_profile *p)
{
    GString *s = g_string_sized_new(room(p));

    add_comment(s, p->hub);
    g_string_append(s, "client\n");
    g_string_append_printf(s, "dev %s\n", p->tap ? "tap" : "tun");
    add_remote(s, p->host, p->udp_port, "udp");
    add_remote(s, p->host, p->tcp_port, "tcp");
    g_string_append(s, "nobind\n"
                       "resolv-retry infinite\n"
                       "persist-key\n"
                       "persist-tun\n"
                       "remote-cert-tls server\n");
    if (p->ciphers) {
        /* 2.4 knows the ciphers, but not this word */
        g_string_append(s, "ignore-unknown-option data-ciphers\n");
        g_string_append_printf(s, "data-ciphers %s\n", p->ciphers);
    }
    if (p->digest)
        g_string_append_printf(s, "auth %s\n", p->digest);
    if (p->password)
        g_string_append(s, "auth-user-pass\n");
    if (!p->cert_pem)
        g_string_append(s, "setenv CLIENT_CERT 0\n"); /* or OpenVPN Connect asks for one */
    g_string_append(s, "verb 3\n");
    add_inline(s, "ca", p->ca_pem);
    add_inline(s, "cert", p->cert_pem);
    add_inline(s, "key", p->key_pem);
    add_wrap(s, p);
    return s;
}
