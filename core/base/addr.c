/* SPDX-License-Identifier: Apache-2.0 */
/* addr.c - see addr.h. */

#include "core/base/addr.h"

#include <glib.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

bool
mac_parse(const char *text, struct mac *out)
{
    struct mac m = {0};
    char separator = 0;

    for (unsigned i = 0; i < sizeof m.b; i++) {
        int high = g_ascii_xdigit_value(text[0]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value(text[1]);
        if (low < 0)
            return false;
        m.b[i] = (uint8_t)(high << 4 | low);
        text += 2;
        if (i == sizeof m.b - 1)
            break;
        if (i == 0)
            separator = *text;
        if (*text != separator || (separator != ':' && separator != '-'))
            return false;
        text++;
    }
    if (*text != '\0')
        return false;
    *out = m;
    return true;
}

const char *
mac_print(const struct mac *m, char out[MAC_TEXT])
{
    (void)g_snprintf(out, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", m->b[0], m->b[1], m->b[2],
                     m->b[3], m->b[4], m->b[5]);
    return out;
}

bool
mac_equal(const struct mac *a, const struct mac *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static unsigned
ip_bytes(const struct ip *ip)
{
    switch (ip->family) {
    case 4:
        return 4;
    case 6:
        return 16;
    default:
        return 0;
    }
}

bool
ip_parse(const char *text, struct ip *out)
{
    struct ip ip = {.family = strchr(text, ':') ? 6 : 4};

    if (inet_pton(ip.family == 6 ? AF_INET6 : AF_INET, text, ip.b) != 1)
        return false;
    *out = ip;
    return true;
}

const char *
ip_print(const struct ip *ip, char out[IP_TEXT])
{
    if (ip_bytes(ip) == 0 || !inet_ntop(ip->family == 6 ? AF_INET6 : AF_INET, ip->b, out, IP_TEXT))
        (void)g_strlcpy(out, "none", IP_TEXT);
    return out;
}

bool
ip_equal(const struct ip *a, const struct ip *b)
{
    return a->family == b->family && memcmp(a->b, b->b, ip_bytes(a)) == 0;
}

struct ip
ip_from_v4(uint32_t host_order)
{
    return (struct ip){.family = 4,
                       .b = {(uint8_t)(host_order >> 24), (uint8_t)(host_order >> 16),
                             (uint8_t)(host_order >> 8), (uint8_t)host_order}};
}

uint32_t
ip_to_v4(const struct ip *ip)
{
    if (ip->family != 4)
        return 0;
    return (uint32_t)ip->b[0] << 24 | (uint32_t)ip->b[1] << 16 | (uint32_t)ip->b[2] << 8 | ip->b[3];
}

struct ip
ip_limit_key(const struct ip *ip)
{
    struct ip key = {.family = ip->family};

    memcpy(key.b, ip->b, ip->family == 6 ? 8 : ip_bytes(ip));
    return key;
}

bool
ip_prefix_parse(const char *text, struct ip_prefix *out)
{
    char address[IP_TEXT];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    struct ip_prefix p = {0};
    guint64 bits = 0;

    if (len >= sizeof address)
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    if (!ip_parse(address, &p.ip))
        return false;

    unsigned most = 8 * ip_bytes(&p.ip);
    p.len = (uint8_t)most;
    if (slash) {
        if (!g_ascii_string_to_unsigned(slash + 1, 10, 0, most, &bits, NULL))
            return false;
        p.len = (uint8_t)bits;
    }
    *out = p;
    return true;
}

const char *
ip_prefix_print(const struct ip_prefix *p, char out[PREFIX_TEXT])
{
    char ip[IP_TEXT];

    (void)g_snprintf(out, PREFIX_TEXT, "%s/%u", ip_print(&p->ip, ip), p->len);
    return out;
}

bool
ip_prefix_has(const struct ip_prefix *p, const struct ip *ip)
{
    unsigned whole = p->len / 8;
    unsigned rest = p->len % 8;

    if (p->ip.family != ip->family || p->len > 8 * ip_bytes(ip))
        return false;
    if (memcmp(p->ip.b, ip->b, whole) != 0)
        return false;
    return rest == 0 || (p->ip.b[whole] ^ ip->b[whole]) >> (8 - rest) == 0;
}

const char *
endpoint_print(const struct endpoint *e, char out[ENDPOINT_TEXT])
{
    char ip[IP_TEXT];

    (void)ip_print(&e->ip, ip);
    if (e->ip.family == 6 && e->scope != 0)
        (void)g_snprintf(out, ENDPOINT_TEXT, "[%s%%%u]:%u", ip, e->scope, e->port);
    else
        (void)g_snprintf(out, ENDPOINT_TEXT, e->ip.family == 6 ? "[%s]:%u" : "%s:%u", ip, e->port);
    return out;
}

bool
endpoint_from_sockaddr(const struct sockaddr *sa, struct endpoint *out)
{
    struct endpoint e = {0};

    /* Copied, because the caller's bytes may be aligned as bytes. */
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof in);
        e.ip = ip_from_v4(ntohl(in.sin_addr.s_addr));
        e.port = ntohs(in.sin_port);
    } else if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof in6);
        e.port = ntohs(in6.sin6_port);
        if (memcmp(&in6.sin6_addr, mapped_prefix, sizeof mapped_prefix) == 0) {
            e.ip.family = 4;
            memcpy(e.ip.b, in6.sin6_addr.s6_addr + sizeof mapped_prefix, 4);
        } else {
            e.ip.family = 6;
            memcpy(e.ip.b, in6.sin6_addr.s6_addr, 16);
            e.scope = in6.sin6_scope_id;
        }
    } else {
        return false;
    }
    *out = e;
    return true;
}

unsigned
endpoint_to_sockaddr(const struct endpoint *e, void *storage)
{
    memset(storage, 0, sizeof(struct sockaddr_storage));
    if (e->ip.family == 4) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(e->port)};
        memcpy(&in.sin_addr, e->ip.b, 4);
        memcpy(storage, &in, sizeof in);
        return sizeof in;
    }
    if (e->ip.family == 6) {
        struct sockaddr_in6 in6 = {
            .sin6_family = AF_INET6, .sin6_port = htons(e->port), .sin6_scope_id = e->scope};
        memcpy(&in6.sin6_addr, e->ip.b, 16);
        memcpy(storage, &in6, sizeof in6);
        return sizeof in6;
    }
    return 0;
}
