/* SPDX-License-Identifier: Apache-2.0 */
/* api_doc.c - see api_doc.h. Groups of fields are described once, at the end. */
#include "core/rpc/wire/api_doc.h"

#include "core/rpc/wire/method.h"
#include "core/rpc/wire/table.h"

#include <glib.h>

static const struct {
    const struct rpc_field *fields;
    const char *title;
} groups[] = {
    {rpc_policy_fields, "Policy fields"},
    {rpc_traffic_fields, "Traffic fields"},
    {rpc_ex_traffic_fields, "Traffic fields in lists"},
};

static const char *
group_title(const struct rpc_field *members)
{
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        if (groups[i].fields == members)
            return groups[i].title;
    return NULL;
}

/* Groups with a title stand once, at the end; the fields of others stand where they belong. */
static void
append_fields(GString *out, const struct rpc_field *fields, const char *indent, bool is_input)
{
    for (const struct rpc_field *f = fields; f->name; f++) {
        if (f->flags & RPC_GROUP) {
            const char *title = group_title(f->members);
            if (title)
                g_string_append_printf(out, "%s- the %s\n", indent, title);
            else
                append_fields(out, f->members, indent, is_input);
            continue;
        }
        if (!is_input && (f->flags & RPC_SECRET))
            continue;
        g_string_append_printf(out, "%s- `%s`%s: %s", indent, f->name,
                               f->flags & RPC_ARRAY ? " (array)" : "", f->text);
        if (is_input && (f->flags & RPC_SECRET))
            g_string_append(out, " (write-only)");
        else if (is_input && (f->flags & RPC_OPTIONAL))
            g_string_append(out, " (may be left out)");
        if (f->flags & RPC_OURS)
            g_string_append(out, " (only here)");
        g_string_append(out, f->members ? "; each with\n" : "\n");
        if (f->members)
            append_fields(out, f->members, "    ", is_input);
    }
}

static void
append_method(GString *out, const struct rpc_method *m)
{
    g_string_append_printf(out, "### %s\n\nRight: %s. %c%s.\n\n", m->name, rpc_right_name(m->right),
                           g_ascii_toupper(m->text[0]), m->text + 1);
    if (m->in->name) {
        g_string_append(out, "Takes\n\n");
        append_fields(out, m->in, "", true);
        g_string_append_c(out, '\n');
    }
    gsize before = out->len;
    g_string_append(out, "Gives\n\n");
    gsize body = out->len;
    append_fields(out, m->out, "", false);
    if (out->len == body) {
        g_string_truncate(out, before);
        g_string_append(out, "Gives an empty object.\n");
    }
    g_string_append_c(out, '\n');
}

char *
rpc_api_doc(void)
{
    GString *out = g_string_new(NULL);
    const struct rpc_area *area;

    for (unsigned i = 0; (area = rpc_area_at(i)) != NULL; i++) {
        g_string_append_printf(out, "## %s\n\n", area->title);
        for (size_t k = 0; k < area->n; k++)
            append_method(out, &area->methods[k]);
    }
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        g_string_append_printf(out, "## %s\n\n", groups[i].title);
        append_fields(out, groups[i].fields, "", false);
        if (i + 1 < ARRAY_LEN(groups))
            g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}
