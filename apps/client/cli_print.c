/* SPDX-License-Identifier: Apache-2.0 */
/* cli_print.c - results for people. */
#include "apps/client/cli.h"

#include <glib/gi18n.h>

#include <stdint.h>
#include <string.h>

enum { LABEL_WIDTH = 14 };

const char *
cli_text(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text ? text : "";
}

void
cli_print_json(const json_t *v)
{
    char *text = json_dumps(v, JSON_INDENT(2) | JSON_ENCODE_ANY);
    g_print("%s\n", text);
    free(text);
}

void
cli_print_nothing(const json_t *result)
{
    (void)result;
}

/* Text that came from a server must not steer the terminal. */
static char *
printable(const char *text)
{
    GString *out = g_string_new(NULL);

    for (const char *c = text; *c; c = g_utf8_next_char(c)) {
        gunichar u = g_utf8_get_char(c);
        g_string_append_unichar(out, g_unichar_isprint(u) ? u : '?');
    }
    return g_string_free(out, FALSE);
}

/* "Label:   value" */
static void
row(const char *label, const char *value)
{
    if (*value == 0)
        return;
    g_autofree char *with_colon = g_strconcat(label, ":", NULL);
    g_autofree char *safe = printable(value);
    glong width = g_utf8_strlen(with_colon, -1);
    g_print("%s%*s%s\n", with_colon, (int)MAX(LABEL_WIDTH + 2 - width, 1), "", safe);
}

static void
row_number(const char *label, const json_t *o, const char *name)
{
    g_autofree char *text =
        g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(o, name)));
    row(label, text);
}

/* The texts of a list, or a member of its objects. */
static char *
join(const json_t *list, const char *member)
{
    GString *out = g_string_new(NULL);
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        const char *text = member ? cli_text(item, member) : json_string_value(item);
        g_string_append_printf(out, "%s%s", i > 0 ? ", " : "", text ? text : "");
        const char *via = member ? cli_text(item, "via") : "";
        if (*via)
            g_string_append_printf(out, " (%s)", via);
    }
    return g_string_free(out, FALSE);
}

static void
row_list(const char *label, const json_t *o, const char *name, const char *member)
{
    g_autofree char *text = join(json_object_get(o, name), member);
    row(label, text);
}

static void
row_traffic(const char *label, const json_t *o, const char *bytes, const char *frames)
{
    guint64 n = (guint64)json_integer_value(json_object_get(o, bytes));
    g_autofree char *size = g_format_size_full(n, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *count =
        g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(o, frames)));
    /* Translators: an amount of data, and a number */
    g_autofree char *text = g_strdup_printf(_("%s in %s frames"), size, count);
    row(label, text);
}

static void
row_since(const json_t *o)
{
    json_int_t ms = json_integer_value(json_object_get(o, "since_ms"));
    g_autoptr(GDateTime) at = g_date_time_new_from_unix_local(ms / 1000);
    g_autofree char *text = at ? g_date_time_format(at, "%F %T") : g_strdup("");
    row(_("Since"), text);
}

static const char *
state_name(const char *state)
{
    static const struct {
        const char *state, *shown;
    } names[] = {
        {"down", N_("down")},
        {"connecting", N_("connecting")},
        {"established", N_("established")},
        {"waiting", N_("waiting for the next try")},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(names[i].state, state) == 0)
            return _(names[i].shown);
    }
    return state;
}

static void
print_session(const json_t *s)
{
    row(_("Session"), cli_text(s, "session"));
    row_since(s);
    row(_("Server is"), cli_text(s, "server_product"));
    row(_("Reached at"), cli_text(s, "server_address"));
    row(_("Cipher"), cli_text(s, "cipher"));
    row_number(_("Connections"), s, "connections");
    row(_("Message"), cli_text(s, "server_message"));
}

static void
print_adapter(const json_t *s)
{
    row(_("Adapter"), cli_text(s, "adapter"));
    row(_("MAC address"), cli_text(s, "mac"));
    row_list(_("Addresses"), s, "addresses", NULL);
    row(_("Gateway"), cli_text(s, "gateway"));
    row_list(_("Routes"), s, "routes", "to");
    row_list(_("Name servers"), s, "dns", NULL);
    row(_("Domain"), cli_text(s, "domain"));
    row(_("Problem"), cli_text(s, "network_problem"));
    row_traffic(_("Received"), s, "in_bytes", "in_frames");
    row_traffic(_("Sent"), s, "out_bytes", "out_frames");
}

void
cli_print_status(const json_t *s)
{
    row(_("Account"), cli_text(s, "name"));
    row(_("State"), state_name(cli_text(s, "state")));
    row(_("Server"), cli_text(s, "server"));
    row(_("Hub"), cli_text(s, "hub"));
    row(_("User"), cli_text(s, "user"));
    row(_("Last error"), cli_text(json_object_get(s, "error"), "message"));
    row(_("Fingerprint"), cli_text(s, "fingerprint"));
    if (json_object_get(s, "session"))
        print_session(s);
    if (json_object_get(s, "adapter"))
        print_adapter(s);
}

static void
pad(const char *text, int width)
{
    g_print("%s%*s", text, (int)MAX(width - (int)g_utf8_strlen(text, -1), 1), "");
}

void
cli_print_status_list(const json_t *result)
{
    const json_t *s, *list = json_object_get(result, "accounts");
    size_t i;

    json_array_foreach(list, i, s)
    {
        g_autofree char *addresses = join(json_object_get(s, "addresses"), NULL);
        pad(cli_text(s, "name"), 20);
        pad(cli_text(s, "state"), 13);
        pad(*cli_text(s, "adapter") ? cli_text(s, "adapter") : "-", 8);
        pad(*addresses ? addresses : "-", 20);
        g_print("%s\n", cli_text(s, "server"));
    }
}

void
cli_print_account_list(const json_t *result)
{
    const json_t *a, *list = json_object_get(result, "accounts");
    size_t i;

    json_array_foreach(list, i, a)
    {
        pad(cli_text(a, "name"), 20);
        pad(cli_text(a, "server"), 26);
        pad(cli_text(a, "hub"), 16);
        g_print("%s\n", cli_text(a, "user"));
    }
}

/* Each field as it is called in JSON; certificates are too long for people. */
void
cli_print_account(const json_t *account)
{
    const char *name;
    const json_t *v;

    json_object_foreach((json_t *)(uintptr_t)account, name, v)
    {
        if (json_is_string(v) && strcmp(name, "cert") != 0) {
            row(name, json_string_value(v));
        } else if (json_is_integer(v)) {
            row_number(name, account, name);
        } else if (json_is_boolean(v)) {
            row(name, json_is_true(v) ? _("yes") : _("no"));
        } else if (json_is_array(v)) {
            g_autofree char *text = join(v, NULL);
            row(name, text);
        }
    }
}
