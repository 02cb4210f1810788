/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - what may be stored: lengths and characters of names and texts. */

#include "core/base/error.h"
#include "core/store/store_priv.h"

#include <string.h>

enum { SETTING_NAME_MAX = 64, SETTING_VALUE_MAX = 1024 * 1024 };

enum { QUOTED_MAX = 40 };

char *
store_quoted(const char *name)
{
    g_autofree char *valid = g_utf8_make_valid(name, -1);
    g_autofree char *some = g_utf8_strlen(valid, -1) > QUOTED_MAX
                                ? g_utf8_substring(valid, 0, QUOTED_MAX)
                                : g_steal_pointer(&valid);
    GString *out = g_string_new("'");
    for (const char *p = some; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        g_string_append_unichar(out, g_unichar_iscntrl(c) ? '?' : c);
    }
    g_string_append_c(out, '\'');
    return g_string_free(out, FALSE);
}

/* The first reason to refuse the text, or NULL. */
static const char *
fault_of(const char *text, size_t max, bool may_have_lines)
{
    if (strlen(text) > max)
        return "is too long";
    if (!g_utf8_validate(text, -1, NULL))
        return "is not valid UTF-8";
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        bool line = c == '\n' || c == '\r' || c == '\t';
        if (g_unichar_iscntrl(c) && !(line && may_have_lines))
            return "has control characters";
    }
    return NULL;
}

bool
store_check_hub_name(const char *name, GError **error)
{
    /* A hub's name also names folders of logs, so it has no character that a path gives a sense to.
     */
    static const char refused[] = "/\\:*?\"<>|";
    bool ok = name && name[0] != '\0' && strlen(name) <= STORE_NAME_MAX && name[0] != '.' &&
              name[0] != ' ' && name[strlen(name) - 1] != ' ';
    for (const char *p = name; ok && *p != '\0'; p++)
        ok = g_ascii_isprint(*p) && !strchr(refused, *p);
    if (ok)
        return true;
    g_autofree char *shown = store_quoted(name ? name : "");
    g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                "a hub cannot be named %s: a name has 1 to %d letters, digits and signs of ASCII "
                "except %s, begins with no dot, and neither begins nor ends with a space",
                shown, STORE_NAME_MAX, refused);
    return false;
}

bool
store_check_user_name(const char *name, GError **error)
{
    const char *fault = NULL;
    if (!name || name[0] == '\0')
        fault = "is empty";
    else if (name[0] == ' ' || name[strlen(name) - 1] == ' ')
        fault = "begins or ends with a space";
    else if (g_ascii_strcasecmp(name, "administrator") == 0)
        fault = "is that of the hub's administrator";
    else
        fault = fault_of(name, STORE_NAME_MAX, false);
    if (!fault)
        return true;
    g_autofree char *shown = store_quoted(name ? name : "");
    g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER, "a user cannot be named %s: the name %s",
                shown, fault);
    return false;
}

bool
store_check_name(const char *what, const char *name, GError **error)
{
    const char *fault = name ? fault_of(name, STORE_NAME_MAX, false) : NULL;
    if (fault)
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER, "%s %s", what, fault);
    return !fault;
}

bool
store_check_text(const char *what, const char *text, GError **error)
{
    const char *fault = text ? fault_of(text, STORE_TEXT_MAX, true) : NULL;
    if (fault)
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER, "%s %s", what, fault);
    return !fault;
}

char *
store_fold(const char *name)
{
    return g_ascii_strdown(name, -1);
}

bool
store_check_setting(const char *name, size_t len, GError **error)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    size_t n = strlen(name);
    if (n == 0 || n > SETTING_NAME_MAX || strspn(name, allowed) != n) {
        g_set_error_literal(
            error, PE_ERROR, PE_INVALID_PARAMETER,
            "the name of a setting has 1 to 64 characters of letters, digits, '.', '-' "
            "and '_'");
        return false;
    }
    if (len > SETTING_VALUE_MAX) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "the value of setting '%s' is longer than %d bytes", name, SETTING_VALUE_MAX);
        return false;
    }
    return true;
}
