/* SPDX-License-Identifier: Apache-2.0 */
/* fixed_address.c - see fixed_address.h. */

#include "core/base/fixed_address.h"

#include <glib.h>

#include <string.h>

static const char *
take_gateway(const char *text, struct fixed_address *a)
{
    struct ip ip;

    if (!ip_parse(text, &ip))
        return "a gateway is an address like 10.0.0.1";
    *(ip.family == 4 ? &a->gateway4 : &a->gateway6) = ip;
    return NULL;
}

static const char *
take_dns(const char *text, struct fixed_address *a)
{
    if (a->n_dns == FIXED_DNS_MAX)
        return "there can be four DNS servers";
    if (!ip_parse(text, &a->dns[a->n_dns]))
        return "a DNS server is an address like 10.0.0.1";
    a->n_dns++;
    return NULL;
}

static const char *
take_address(const char *text, struct fixed_address *a)
{
    struct ip_prefix p;

    if (!strchr(text, '/') || !ip_prefix_parse(text, &p) || p.len == 0)
        return "a fixed address has its network with it, like 10.0.0.5/24";
    *(p.ip.family == 4 ? &a->ip4 : &a->ip6) = p;
    return NULL;
}

static const char *
check(const struct fixed_address *a)
{
    static const uint8_t link_local[2] = {0xfe, 0x80};

    if (a->gateway4.family && !(a->ip4.ip.family && ip_prefix_has(&a->ip4, &a->gateway4)))
        return "the gateway is not in the network of the fixed IPv4 address";
    bool near = a->ip6.ip.family && (ip_prefix_has(&a->ip6, &a->gateway6) ||
                                     memcmp(a->gateway6.b, link_local, sizeof(link_local)) == 0);
    if (a->gateway6.family && !near)
        return "the gateway is not in the network of the fixed IPv6 address";
    return NULL;
}

const char *
fixed_address_parse(const char *text, struct fixed_address *out)
{
    struct fixed_address a = {0};
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);

    for (char **p = parts; *p; p++) {
        const char *part = g_strstrip(*p);
        const char *fault = NULL;
        if (g_str_has_prefix(part, "gateway="))
            fault = take_gateway(part + strlen("gateway="), &a);
        else if (g_str_has_prefix(part, "dns="))
            fault = take_dns(part + strlen("dns="), &a);
        else if (part[0])
            fault = take_address(part, &a);
        if (fault)
            return fault;
    }
    const char *fault = check(&a);
    if (!fault)
        *out = a;
    return fault;
}

static void
add(char out[FIXED_ADDRESS_TEXT], const char *key, const char *value)
{
    if (out[0])
        g_strlcat(out, ",", FIXED_ADDRESS_TEXT);
    g_strlcat(out, key, FIXED_ADDRESS_TEXT);
    g_strlcat(out, value, FIXED_ADDRESS_TEXT);
}

const char *
fixed_address_print(const struct fixed_address *a, char out[FIXED_ADDRESS_TEXT])
{
    char text[PREFIX_TEXT];

    out[0] = '\0';
    if (a->ip4.ip.family)
        add(out, "", ip_prefix_print(&a->ip4, text));
    if (a->gateway4.family)
        add(out, "gateway=", ip_print(&a->gateway4, text));
    if (a->ip6.ip.family)
        add(out, "", ip_prefix_print(&a->ip6, text));
    if (a->gateway6.family)
        add(out, "gateway=", ip_print(&a->gateway6, text));
    for (unsigned i = 0; i < a->n_dns; i++)
        add(out, "dns=", ip_print(&a->dns[i], text));
    return out;
}
