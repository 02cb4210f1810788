/* SPDX-License-Identifier: Apache-2.0 */
/* acl_set.c - named sets of addresses. */

#include "core/base/error.h"
#include "core/hub/acl/acl_rule.h"

#include <string.h>

struct acl_set *
acl_set_new(const char *name)
{
    struct acl_set *s = g_new0(struct acl_set, 1);

    s->name = g_strdup(name);
    s->prefixes = g_array_new(FALSE, FALSE, sizeof(struct ip_prefix));
    return s;
}

void
acl_set_free(struct acl_set *s)
{
    if (!s)
        return;
    g_free(s->name);
    g_array_unref(s->prefixes);
    g_free(s);
}

static void
free_set(gpointer set)
{
    acl_set_free(set);
}

GPtrArray *
acl_sets_new(void)
{
    return g_ptr_array_new_with_free_func(free_set);
}

bool
acl_set_name_check(const char *name, GError **error)
{
    bool ok = name[0] != '\0' && strlen(name) <= ACL_SET_NAME_MAX;

    for (const char *p = name; ok && *p != '\0'; p++)
        ok = g_ascii_isalnum(*p) || strchr(".-_", *p);
    if (!ok)
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "a set of addresses is named with 1 to %d letters, digits, '.', '-' and '_'",
                    ACL_SET_NAME_MAX);
    return ok;
}

static bool
add_prefix(struct acl_set *s, const char *word, GError **error)
{
    struct ip_prefix prefix;

    if (!ip_prefix_parse(word, &prefix)) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "'%.60s' is no address and no network (like 10.0.0.0/8 or 2001:db8::/32)",
                    word);
        return false;
    }
    if (s->prefixes->len >= ACL_SET_SIZE) {
        g_set_error(error, PE_ERROR, PE_TOO_MANY_ITEMS, "a set has up to %d addresses and networks",
                    ACL_SET_SIZE);
        return false;
    }
    g_array_append_val(s->prefixes, prefix);
    return true;
}

bool
acl_set_parse(struct acl_set *s, const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit_set(text, " ,\t\r\n", -1);

    for (unsigned i = 0; words[i]; i++)
        if (words[i][0] != '\0' && !add_prefix(s, words[i], error))
            return false;
    return true;
}

char *
acl_set_print(const struct acl_set *s)
{
    GString *out = g_string_new(NULL);

    for (unsigned i = 0; i < s->prefixes->len; i++) {
        char text[PREFIX_TEXT];
        if (i > 0)
            g_string_append_c(out, ' ');
        g_string_append(out,
                        ip_prefix_print(&g_array_index(s->prefixes, struct ip_prefix, i), text));
    }
    return g_string_free(out, FALSE);
}

const struct acl_set *
acl_sets_find(const GPtrArray *sets, const char *name)
{
    for (unsigned i = 0; sets && i < sets->len; i++) {
        const struct acl_set *s = g_ptr_array_index(sets, i);
        if (g_ascii_strcasecmp(s->name, name) == 0)
            return s;
    }
    return NULL;
}

static bool
has_set(const struct acl_side *side, const GPtrArray *sets, GError **error)
{
    if (!side->set || side->set[0] == '\0' || acl_sets_find(sets, side->set))
        return true;
    g_set_error(error, PE_ERROR, PE_NOT_FOUND, "the hub has no set of addresses '@%s'", side->set);
    return false;
}

bool
acl_rule_check_sets(const struct acl_rule *r, const GPtrArray *sets, GError **error)
{
    return has_set(&r->src, sets, error) && has_set(&r->dst, sets, error);
}
