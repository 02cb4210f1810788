/* SPDX-License-Identifier: Apache-2.0 */
/* parse.c - see parse.h. */
#include "apps/client/parse.h"

#include "core/base/error.h"

#include <string.h>

enum { HTTP_PROXY_PORT = 8080, SOCKS_PROXY_PORT = 1080, ADAPTER_NAME_MAX = 15 };

static bool
refuse(GError **error, const char *what, const char *text, const char *why)
{
    g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER, "%s '%s' %s", what, text, why);
    return false;
}

static bool
parse_port(const char *text, uint16_t *out)
{
    guint64 port;

    if (!g_ascii_string_to_unsigned(text, 10, 1, 65535, &port, NULL))
        return false;
    *out = (uint16_t)port;
    return true;
}

static bool
is_host(const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len > PARSE_HOST_MAX)
        return false;
    for (const char *c = text; *c; c++) {
        if (!g_ascii_isgraph(*c) || strchr("/?#@\\\"'<>[]", *c))
            return false;
    }
    return true;
}

/* Splits "HOST[:PORT]"; port stays as it is when there is none. */
static bool
split_host(const char *text, char **host, uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    g_autofree char *name = NULL;

    if (text[0] == '[') {
        const char *end = strchr(text, ']');
        struct ip literal;
        if (!end || (end[1] != 0 && end[1] != ':'))
            return false;
        name = g_strndup(text + 1, (size_t)(end - text) - 1);
        if (!ip_parse(name, &literal) || literal.family != 6)
            return false;
        colon = end[1] == ':' ? end + 1 : NULL;
    } else if (colon && strchr(text, ':') != colon) { /* an IPv6 address without brackets */
        name = g_strdup(text);
        colon = NULL;
    } else {
        name = colon ? g_strndup(text, (size_t)(colon - text)) : g_strdup(text);
    }
    if (!is_host(name) || (colon && !parse_port(colon + 1, port)))
        return false;
    *host = g_steal_pointer(&name);
    return true;
}

bool
parse_server(const char *text, char **host, uint16_t *port, GError **error)
{
    uint16_t number = PARSE_DEFAULT_PORT;

    if (!split_host(text, host, &number))
        return refuse(error, "the server", text, "is not HOST or HOST:PORT");
    *port = number;
    return true;
}

char *
parse_server_print(const char *host, uint16_t port)
{
    return g_strdup_printf(strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
}

/* ---- proxies ---- */

static const struct scheme {
    const char *text;
    enum dial_proxy kind;
    uint16_t port;
} schemes[] = {
    {"http", DIAL_HTTP, HTTP_PROXY_PORT},
    {"socks4", DIAL_SOCKS4, SOCKS_PROXY_PORT},
    {"socks5", DIAL_SOCKS5, SOCKS_PROXY_PORT},
};

void
parse_proxy_clear(struct parse_proxy *p)
{
    g_clear_pointer(&p->host, g_free);
    g_clear_pointer(&p->user, g_free);
    p->kind = DIAL_DIRECT;
    p->port = 0;
}

bool
parse_proxy(const char *text, struct parse_proxy *out, GError **error)
{
    if (*text == 0 || strcmp(text, "none") == 0) {
        *out = (struct parse_proxy){.kind = DIAL_DIRECT};
        return true;
    }
    const char *rest = strstr(text, "://");
    const struct scheme *scheme = NULL;

    for (size_t i = 0; rest && i < G_N_ELEMENTS(schemes); i++) {
        if (strncmp(text, schemes[i].text, (size_t)(rest - text)) == 0 &&
            schemes[i].text[rest - text] == 0)
            scheme = &schemes[i];
    }
    if (!scheme)
        return refuse(error, "the proxy", text, "is not http://, socks4:// or socks5://HOST:PORT");
    rest += 3;
    g_autofree char *user = NULL;
    const char *at = strrchr(rest, '@');
    if (at) {
        g_autofree char *escaped = g_strndup(rest, (size_t)(at - rest));
        if (strchr(escaped, ':'))
            return refuse(error, "the proxy", text,
                          "must not have a password in it; give it by --proxy-password-file");
        user = g_uri_unescape_string(escaped, NULL);
        if (!user || *user == 0 || strlen(user) > 255)
            return refuse(error, "the proxy", text, "has a user name that is not one");
        rest = at + 1;
    }
    g_autofree char *whole = g_strdup(rest);
    size_t len = strlen(whole);
    if (len > 0 && whole[len - 1] == '/') /* as a URL may end */
        whole[len - 1] = 0;
    uint16_t port = scheme->port;
    char *host;
    if (!split_host(whole, &host, &port))
        return refuse(error, "the proxy", text, "has no HOST:PORT");
    *out = (struct parse_proxy){
        .kind = scheme->kind, .host = host, .user = g_steal_pointer(&user), .port = port};
    return true;
}

char *
parse_proxy_print(const struct parse_proxy *p)
{
    if (p->kind == DIAL_DIRECT)
        return g_strdup("none");
    g_autofree char *to = parse_server_print(p->host, p->port);
    g_autofree char *user = p->user ? g_uri_escape_string(p->user, NULL, FALSE) : NULL;
    const char *scheme = "";
    for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++)
        scheme = schemes[i].kind == p->kind ? schemes[i].text : scheme;
    return g_strdup_printf("%s://%s%s%s", scheme, user ? user : "", user ? "@" : "", to);
}

/* ---- addresses ---- */

bool
parse_address(const char *text, enum address_mode *mode, struct ip_prefix *address, GError **error)
{
    struct ip_prefix p;

    if (strcmp(text, "dhcp") == 0 || strcmp(text, "none") == 0) {
        *mode = text[0] == 'd' ? ADDRESS_DHCP : ADDRESS_NONE;
        return true;
    }
    if (!strchr(text, '/') || !ip_prefix_parse(text, &p) || p.ip.family != 4 || p.len == 0)
        return refuse(error, "the address", text, "is not dhcp, none or A.B.C.D/LENGTH");
    uint32_t v4 = ip_to_v4(&p.ip);
    if (v4 >> 24 == 0 || v4 >> 24 == 127 || v4 >= 0xe0000000)
        return refuse(error, "the address", text, "is not one that a host can have");
    *mode = ADDRESS_STATIC;
    *address = p;
    return true;
}

bool
parse_route(const char *text, struct ip_prefix *out, GError **error)
{
    struct ip_prefix p;

    if (!ip_prefix_parse(text, &p))
        return refuse(error, "the route", text, "is not a prefix such as 10.1.0.0/16");
    unsigned bits = p.ip.family == 4 ? 32 : 128;
    for (unsigned bit = p.len; bit < bits; bit++) {
        if (p.ip.b[bit / 8] & 0x80 >> bit % 8)
            return refuse(error, "the route", text, "has bits set behind its length");
    }
    *out = p;
    return true;
}

/* ---- names ---- */

bool
parse_account_name(const char *text, GError **error)
{
    glong n = g_utf8_validate(text, -1, NULL) ? g_utf8_strlen(text, -1) : 0;

    if (n < 1 || n > PARSE_NAME_MAX)
        return refuse(error, "the name", n < 1 ? "" : text, "has not 1 to 63 characters");
    for (const char *c = text; *c; c = g_utf8_next_char(c)) {
        gunichar u = g_utf8_get_char(c);
        if (!g_unichar_isalnum(u) && !(u < 128 && strchr("._-@ ", (int)u)))
            return refuse(error, "the name", text, "may have letters, digits, space and ._-@ only");
    }
    if (g_str_has_prefix(text, " ") || g_str_has_prefix(text, "-") || g_str_has_suffix(text, " "))
        return refuse(error, "the name", text, "must not begin or end so");
    return true;
}

bool
parse_adapter(const char *text, GError **error)
{
    if (strlen(text) > ADAPTER_NAME_MAX || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return refuse(error, "the adapter", text, "is not a name for one (15 bytes)");
    for (const char *c = text; *c; c++) {
        if (!g_ascii_isalnum(*c) && !strchr("._-", *c))
            return refuse(error, "the adapter", text, "may have letters, digits and ._- only");
    }
    return true;
}
