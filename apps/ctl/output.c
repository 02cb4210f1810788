/* SPDX-License-Identifier: Apache-2.0 */
/* output.c - answers for people: aligned tables, lines of values; and as JSON. What servers and
 * their clients say is shown without control characters, which could steer the terminal. */
#include "apps/ctl/ctl.h"
#include "core/base/secret.h"
#include "core/rpc/wire/json.h"

#include <stdlib.h>
#include <string.h>

enum { BIN_SHOWN = 64 };

static char *
safe_text(const char *text)
{
    GString *out = g_string_new(NULL);

    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        gunichar ch = g_utf8_get_char(p);
        if (ch == '\n' || ch == '\t')
            g_string_append_c(out, ' ');
        else if (g_unichar_isprint(ch) || g_unichar_isspace(ch))
            g_string_append_unichar(out, ch);
        else
            g_string_append_c(out, '?');
    }
    return g_string_free(out, FALSE);
}

/* In the time zone of the reader. */
static char *
format_dt(int64_t ms)
{
    if (ms == 0)
        return g_strdup("-");
    g_autoptr(GDateTime) t = g_date_time_new_from_unix_local(ms / 1000);
    return t ? g_date_time_format(t, "%Y-%m-%d %H:%M:%S") : g_strdup("?");
}

static char *
format_bin(const struct record *r, const char *field)
{
    size_t len = 0;
    const uint8_t *at = record_bin(r, field, &len);
    GString *out = g_string_new(NULL);

    if (len > BIN_SHOWN) {
        g_string_append_printf(out, _("%zu bytes"), len);
        return g_string_free(out, FALSE);
    }
    for (size_t i = 0; i < len; i++)
        g_string_append_printf(out, "%s%02x", i > 0 && len == 6 ? ":" : "", at[i]);
    return g_string_free(out, FALSE);
}

static char *
format_u32(const struct record *r, const char *field)
{
    uint32_t n = record_u32(r, field);
    const char *name = NULL;

    if (strcmp(field, "AuthType_u32") == 0)
        name = rpc_auth_type_name(n);
    else if (strcmp(field, "Protocol_u32") == 0 && record_has(r, "TcpStatus_u32"))
        name = rpc_nat_protocol_name(n); /* elsewhere it is a number of IANA */

    return name ? g_strdup(name) : g_strdup_printf("%u", n);
}

static char *
format_any(const struct record *r, const char *field)
{
    char text[IP_TEXT];
    struct ip ip;

    switch (rpc_type_of(field)) {
    case RPC_BOOL:
        return g_strdup(record_bool(r, field) ? _("yes") : _("no"));
    case RPC_U32:
        return format_u32(r, field);
    case RPC_U64:
        return g_strdup_printf("%" G_GUINT64_FORMAT, record_u64(r, field));
    case RPC_STR:
    case RPC_UTF:
        return safe_text(record_text(r, field));
    case RPC_BIN:
        return format_bin(r, field);
    case RPC_DT:
        return format_dt(record_dt(r, field));
    case RPC_IP:
        ip = record_ip(r, field);
        return g_strdup(ip.family ? ip_print(&ip, text) : "");
    case RPC_NO_TYPE:
    case RPC_LIST:
        break;
    }
    return g_strdup("");
}

char *
ctl_format(const struct record *r, const char *field)
{
    char *text = format_any(r, field);

    if (text[0])
        return text;
    g_free(text);
    return g_strdup("-");
}

/* Columns on the screen, where some characters take two. */
static unsigned
width_of(const char *text)
{
    unsigned n = 0;

    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        gunichar ch = g_utf8_get_char(p);
        n += g_unichar_iszerowidth(ch) ? 0 : g_unichar_iswide(ch) ? 2 : 1;
    }
    return n;
}

static bool
is_number(const char *field)
{
    enum rpc_type type = rpc_type_of(field);

    return (type == RPC_U32 && strcmp(field, "AuthType_u32") != 0) || type == RPC_U64;
}

static void
print_cell(const char *text, unsigned width, bool right, bool last)
{
    int space = (int)(width - width_of(text));

    if (right)
        g_print("%*s%s%s", space, "", text, last ? "\n" : "  ");
    else if (last)
        g_print("%s\n", text);
    else
        g_print("%s%*s  ", text, space, "");
}

void
ctl_print_table(const struct record *r, const char *list, const struct ctl_column *columns)
{
    unsigned n = 0, rows = record_count(r, list);
    g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);

    while (columns[n].title)
        n++;
    g_autofree unsigned *width = g_new0(unsigned, n);
    for (unsigned row = 0; row <= rows; row++)
        for (unsigned k = 0; k < n; k++) {
            char *text = row == 0 ? g_strdup(_(columns[k].title))
                                  : ctl_format(record_at(r, list, row - 1), columns[k].field);
            width[k] = MAX(width[k], width_of(text));
            g_ptr_array_add(cells, text);
        }
    for (unsigned i = 0; i < cells->len; i++)
        print_cell(g_ptr_array_index(cells, i), width[i % n], is_number(columns[i % n].field),
                   i % n == n - 1);
}

/* The title of a value: its description with a capital letter, up to the first comma or bracket. */
static char *
title_of(const struct rpc_field *f)
{
    g_autofree char *text = g_strndup(f->text, strcspn(f->text, ";(,:"));

    g_strchomp(text);
    g_autofree char *first = g_utf8_substring(text, 0, 1);
    g_autofree char *big = g_utf8_strup(first, -1);
    return g_strconcat(big, text + strlen(first), NULL);
}

/* What says nothing is left out: a view has up to sixty values. */
static bool
is_shown(const struct record *r, const struct rpc_field *f, bool is_more)
{
    static const char *const old[] = {"HubName_str", "Online_bool", "HubType_u32", NULL};
    static const char *const never[] = {"policy:Ver3_bool", NULL};

    if (!record_has(r, f->name) || (is_more && g_strv_contains(old, f->name)))
        return false;
    if (g_strv_contains(never, f->name))
        return false;
    if (g_str_has_prefix(f->name, "policy:") && !record_bool(r, "UsePolicy_bool"))
        return false;
    switch (rpc_type_of(f->name)) {
    case RPC_LIST:
        return record_count(r, f->name) > 0;
    case RPC_BOOL:
        return record_bool(r, f->name) || !g_str_has_prefix(f->name, "policy:");
    case RPC_DT:
        return record_dt(r, f->name) != 0;
    default: {
        g_autofree char *text = ctl_format(r, f->name);
        return strcmp(text, "-") != 0 && strcmp(text, "0") != 0;
    }
    }
}

/* A list in a view: a line for each, under the value's title. */
static char *
format_list(const struct record *r, const struct rpc_field *f)
{
    GString *out = g_string_new(NULL);

    for (unsigned i = 0; i < record_count(r, f->name); i++) {
        const struct record *row = record_at(r, f->name, i);
        g_string_append(out, i > 0 ? ", " : "");
        for (const struct rpc_field *m = f->members; m->name; m++) {
            g_autofree char *text = ctl_format(row, m->name);
            g_string_append_printf(out, "%s%s", m > f->members ? " " : "", text);
        }
    }
    return g_string_free(out, FALSE);
}

void
ctl_lines_add(GPtrArray *lines, const struct record *r, const struct rpc_field *fields)
{
    struct rpc_field_iter it = rpc_fields(fields);
    bool is_more = lines->len > 0;
    const struct rpc_field *f;

    while ((f = rpc_field_next(&it)) != NULL) {
        if (!is_shown(r, f, is_more))
            continue;
        g_ptr_array_add(lines, title_of(f));
        g_ptr_array_add(lines, rpc_type_of(f->name) == RPC_LIST ? format_list(r, f)
                                                                : ctl_format(r, f->name));
    }
}

void
ctl_lines_print(const GPtrArray *lines)
{
    unsigned width = 0;

    for (unsigned i = 0; i < lines->len; i += 2)
        width = MAX(width, width_of(g_ptr_array_index(lines, i)));
    for (unsigned i = 0; i < lines->len; i += 2) {
        print_cell(g_ptr_array_index(lines, i), width, false, false);
        g_print("%s\n", (char *)g_ptr_array_index(lines, i + 1));
    }
}

void
ctl_print_json(const json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);

    g_print("%s\n", text ? text : "null");
    free(text); /* jansson allocates with malloc() */
}
