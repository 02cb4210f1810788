/* SPDX-License-Identifier: Apache-2.0 */
/* acl_text.c - rules as text: for the store, one name=value a line, and in words for people.
 *
 * One table of names serves both directions, so that nothing can be written that is not read.
 */

#include "core/base/error.h"
#include "core/hub/acl/acl_rule.h"
#include "core/net/ip.h"

#include <stddef.h>
#include <string.h>

enum kind { IS_BOOL, IS_U32, IS_U16, IS_U8, IS_TEXT, IS_IP, IS_MAC };

struct field {
    const char *name;
    enum kind kind;
    size_t at;
};

static const struct field head[] = {
    {"priority", IS_U32, offsetof(struct acl_rule, priority)},
    {"active", IS_BOOL, offsetof(struct acl_rule, active)},
    {"discard", IS_BOOL, offsetof(struct acl_rule, discard)},
    {"ip6", IS_BOOL, offsetof(struct acl_rule, is_ip6)},
};

static const struct field side[] = {
    {"ip", IS_IP, offsetof(struct acl_side, ip)},
    {"mask", IS_IP, offsetof(struct acl_side, mask)},
    {"set", IS_TEXT, offsetof(struct acl_side, set)},
    {"user", IS_TEXT, offsetof(struct acl_side, user)},
    {"check-mac", IS_BOOL, offsetof(struct acl_side, check_mac)},
    {"mac", IS_MAC, offsetof(struct acl_side, mac)},
    {"mac-mask", IS_MAC, offsetof(struct acl_side, mac_mask)},
    {"port", IS_U16, offsetof(struct acl_side, first_port)},
    {"port-end", IS_U16, offsetof(struct acl_side, last_port)},
};

static const struct field tail[] = {
    {"protocol", IS_U8, offsetof(struct acl_rule, protocol)},
    {"check-tcp-state", IS_BOOL, offsetof(struct acl_rule, check_tcp_state)},
    {"established", IS_BOOL, offsetof(struct acl_rule, established)},
    {"delay-ms", IS_U32, offsetof(struct acl_rule, delay_ms)},
    {"jitter-percent", IS_U32, offsetof(struct acl_rule, jitter_percent)},
    {"loss-percent", IS_U32, offsetof(struct acl_rule, loss_percent)},
    {"redirect-url", IS_TEXT, offsetof(struct acl_rule, redirect_url)},
    {"note", IS_TEXT, offsetof(struct acl_rule, note)},
};

/* Both ends have the same fields under a prefix of their own. */
static const struct group {
    const char *prefix;
    size_t at; /* in the rule */
    const struct field *fields;
    unsigned n;
} groups[] = {
    {"", 0, head, ARRAY_LEN(head)},
    {"src-", offsetof(struct acl_rule, src), side, ARRAY_LEN(side)},
    {"dst-", offsetof(struct acl_rule, dst), side, ARRAY_LEN(side)},
    {"", 0, tail, ARRAY_LEN(tail)},
};

/* ---- one value ---- */

/* Addresses are printed by what they are, not by the rule's family: it may be read later. */
static void
print_ip(GString *out, const char *name, const uint8_t ip[16])
{
    struct ip v = {.family = 4};
    char text[IP_TEXT];

    for (unsigned i = 4; i < 16; i++)
        if (ip[i] != 0)
            v.family = 6;
    memcpy(v.b, ip, 16);
    g_string_append_printf(out, "%s=%s\n", name, ip_print(&v, text));
}

/* Leaves out zero. */
static void
print_number(GString *out, const char *name, uint64_t v)
{
    if (v != 0)
        g_string_append_printf(out, "%s=%" G_GUINT64_FORMAT "\n", name, v);
}

static bool
is_zero(const uint8_t *bytes, size_t n)
{
    unsigned any = 0;

    for (size_t i = 0; i < n; i++)
        any |= bytes[i];
    return any == 0;
}

static void
print_field(GString *out, const struct field *f, const void *at)
{
    char mac[MAC_TEXT];
    const char *text = NULL;

    switch (f->kind) {
    case IS_BOOL:
        print_number(out, f->name, *(const bool *)at);
        break;
    case IS_U32:
        print_number(out, f->name, *(const uint32_t *)at);
        break;
    case IS_U16:
        print_number(out, f->name, *(const uint16_t *)at);
        break;
    case IS_U8:
        print_number(out, f->name, *(const uint8_t *)at);
        break;
    case IS_TEXT:
        text = *(char *const *)at;
        if (text && text[0] != '\0')
            g_string_append_printf(out, "%s=%s\n", f->name, text);
        break;
    case IS_IP:
        if (!is_zero(at, 16))
            print_ip(out, f->name, at);
        break;
    case IS_MAC:
        if (!is_zero(at, sizeof(struct mac)))
            g_string_append_printf(out, "%s=%s\n", f->name, mac_print(at, mac));
        break;
    }
}

static bool
parse_number(const char *text, uint64_t max, uint64_t *out)
{
    guint64 v = 0;
    bool ok = g_ascii_string_to_unsigned(text, 10, 0, max, &v, NULL);

    *out = v;
    return ok;
}

static bool
parse_ip(const char *text, uint8_t out[16])
{
    struct ip v;

    if (!ip_parse(text, &v))
        return false;
    memcpy(out, v.b, 16);
    return true;
}

static bool
parse_field(const struct field *f, const char *text, void *at)
{
    uint64_t v = 0;
    bool ok = false;

    switch (f->kind) {
    case IS_BOOL:
        ok = parse_number(text, 1, &v);
        *(bool *)at = v != 0;
        break;
    case IS_U32:
        ok = parse_number(text, UINT32_MAX, &v);
        *(uint32_t *)at = (uint32_t)v;
        break;
    case IS_U16:
        ok = parse_number(text, UINT16_MAX, &v);
        *(uint16_t *)at = (uint16_t)v;
        break;
    case IS_U8:
        ok = parse_number(text, UINT8_MAX, &v);
        *(uint8_t *)at = (uint8_t)v;
        break;
    case IS_TEXT:
        ok = g_utf8_validate(text, -1, NULL);
        g_free(*(char **)at);
        *(char **)at = ok ? g_strdup(text) : NULL;
        break;
    case IS_IP:
        ok = parse_ip(text, at);
        break;
    case IS_MAC:
        ok = mac_parse(text, at);
        break;
    }
    return ok;
}

/* ---- all of them ---- */

char *
acl_rule_print(const struct acl_rule *r)
{
    GString *out = g_string_new(NULL);

    for (unsigned g = 0; g < ARRAY_LEN(groups); g++) {
        for (unsigned i = 0; i < groups[g].n; i++) {
            const struct field *f = &groups[g].fields[i];
            size_t before = out->len;
            print_field(out, f, (const uint8_t *)r + groups[g].at + f->at);
            if (out->len > before)
                g_string_insert(out, (gssize)before, groups[g].prefix);
        }
    }
    return g_string_free(out, FALSE);
}

static const struct field *
find_field(const struct group *g, const char *name, size_t len)
{
    for (unsigned i = 0; i < g->n; i++)
        if (strlen(g->fields[i].name) == len && memcmp(g->fields[i].name, name, len) == 0)
            return &g->fields[i];
    return NULL;
}

static bool
parse_line(const char *line, struct acl_rule *out)
{
    const char *equals = strchr(line, '=');

    for (unsigned g = 0; equals && g < ARRAY_LEN(groups); g++) {
        if (!g_str_has_prefix(line, groups[g].prefix))
            continue;
        const char *name = line + strlen(groups[g].prefix);
        const struct field *f = find_field(&groups[g], name, (size_t)(equals - name));
        if (f)
            return parse_field(f, equals + 1, (uint8_t *)out + groups[g].at + f->at);
    }
    return false;
}

bool
acl_rule_parse(const char *text, struct acl_rule *out, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    acl_rule_init(out);
    for (unsigned i = 0; lines[i]; i++) {
        if (lines[i][0] == '\0' || parse_line(lines[i], out))
            continue;
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "'%.80s' is nothing that a rule could say", lines[i]);
        acl_rule_clear(out);
        return false;
    }
    return true;
}

/* ---- in words ---- */

static void
say_protocol(GString *out, const struct acl_rule *r)
{
    static const struct {
        uint8_t protocol;
        const char *name;
    } known[] = {{IP_PROTO_TCP, "tcp"},     {IP_PROTO_UDP, "udp"}, {IP_PROTO_ICMP, "icmp"},
                 {IP_PROTO_ICMP6, "icmp6"}, {IP_PROTO_GRE, "gre"}, {IP_PROTO_ESP, "esp"}};

    for (unsigned i = 0; i < ARRAY_LEN(known); i++) {
        if (known[i].protocol != r->protocol)
            continue;
        g_string_append_printf(out, " %s", known[i].name);
        return;
    }
    if (r->protocol != 0)
        g_string_append_printf(out, " protocol %u", r->protocol);
    else if (acl_rule_is_for_all(r))
        g_string_append(out, " everything");
    else if (r->is_ip6)
        g_string_append(out, " ip6");
    else
        g_string_append(out, " ip");
}

static void
say_address(GString *out, const struct acl_side *s, bool is_ip6)
{
    unsigned bytes = is_ip6 ? 16 : 4;
    int len = acl_mask_length(s->mask, bytes);
    struct ip ip = {.family = is_ip6 ? 6 : 4};
    struct ip mask = ip;
    char text[IP_TEXT];

    memcpy(ip.b, s->ip, 16);
    memcpy(mask.b, s->mask, 16);
    g_string_append_printf(out, " %s", ip_print(&ip, text));
    if (len < 0)
        g_string_append_printf(out, "/%s", ip_print(&mask, text));
    else if ((unsigned)len < bytes * 8)
        g_string_append_printf(out, "/%d", len);
}

static void
say_mac(GString *out, const struct acl_side *s)
{
    static const struct mac whole = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    char text[MAC_TEXT];

    g_string_append_printf(out, " mac %s", mac_print(&s->mac, text));
    if (!mac_equal(&s->mac_mask, &whole))
        g_string_append_printf(out, "/%s", mac_print(&s->mac_mask, text));
}

static void
say_side(GString *out, const char *preposition, const struct acl_side *s, bool is_ip6)
{
    size_t before = out->len;

    if (acl_side_has_address(s))
        say_address(out, s, is_ip6);
    if (s->set && s->set[0] != '\0')
        g_string_append_printf(out, " @%s", s->set);
    if (s->user && s->user[0] != '\0')
        g_string_append_printf(out, " user %s", s->user);
    if (s->check_mac)
        say_mac(out, s);
    if (acl_side_has_ports(s))
        g_string_append_printf(out, " port %u", s->first_port);
    if (acl_side_has_ports(s) && s->last_port != s->first_port)
        g_string_append_printf(out, "-%u", s->last_port);
    if (out->len > before)
        g_string_insert(out, (gssize)before, preposition);
}

char *
acl_rule_say(const struct acl_rule *r)
{
    GString *out = g_string_new(r->discard ? "discard" : "pass");

    say_protocol(out, r);
    say_side(out, " from", &r->src, r->is_ip6);
    say_side(out, " to", &r->dst, r->is_ip6);
    if (r->check_tcp_state)
        g_string_append(out, r->established ? ", established" : ", opening");
    if (r->delay_ms > 0)
        g_string_append_printf(out, ", delay %u ms", r->delay_ms);
    if (r->jitter_percent > 0)
        g_string_append_printf(out, ", jitter %u %%", r->jitter_percent);
    if (r->loss_percent > 0)
        g_string_append_printf(out, ", loss %u %%", r->loss_percent);
    if (r->redirect_url && r->redirect_url[0] != '\0')
        g_string_append_printf(out, ", redirect to %s", r->redirect_url);
    return g_string_free(out, FALSE);
}
