/* SPDX-License-Identifier: Apache-2.0 */
/* args.c - the options and arguments of one command, by its row in the table. */
#include "apps/ctl/ctl.h"

#include <string.h>

static const struct ctl_option *
find_option(const struct ctl_option *options, const char *name, size_t len)
{
    for (const struct ctl_option *o = options; o && o->name; o++)
        if (strlen(o->name) == len && strncmp(o->name, name, len) == 0)
            return o;
    return NULL;
}

/* Takes the option at *at, and its value, which may be the next word. */
static bool
take_option(const struct ctl_command *cmd, char ***at, struct ctl_args *out)
{
    char *word = **at;
    char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    const struct ctl_option *o = find_option(cmd->options, word, len);

    if (!o) {
        ctl_usage(cmd, _("there is no option %s here"), word);
        return false;
    }
    if (!o->arg && equals) {
        ctl_usage(cmd, _("%s takes no value"), o->name);
        return false;
    }
    if (!o->many && ctl_has(out, o->name)) {
        ctl_usage(cmd, _("%s is given twice"), o->name);
        return false;
    }
    char *value = equals ? equals + 1 : NULL;
    if (o->arg && !value) {
        value = (*at)[1];
        if (!value) {
            ctl_usage(cmd, _("%s needs a value"), o->name);
            return false;
        }
        (*at)++;
    }
    g_ptr_array_add(out->names, (char *)o->name);
    g_ptr_array_add(out->values, value);
    return true;
}

/* How many words the command takes. */
static void
count_wanted(const char *args, unsigned *least, unsigned *most)
{
    g_auto(GStrv) words = g_strsplit(args ? args : "", " ", -1);

    *least = *most = 0;
    for (char **w = words; *w; w++) {
        if (!**w)
            continue;
        (*most)++;
        *least += **w != '[';
    }
}

bool
ctl_args_parse(const struct ctl_command *cmd, char **argv, struct ctl_args *out)
{
    unsigned least, most;
    bool options = true;

    out->words = g_ptr_array_new();
    out->names = g_ptr_array_new();
    out->values = g_ptr_array_new();
    for (char **at = argv; *at; at++) {
        if (options && strcmp(*at, "--") == 0)
            options = false;
        else if (!options || (*at)[0] != '-' || strcmp(*at, "-") == 0)
            g_ptr_array_add(out->words, *at);
        else if (!take_option(cmd, &at, out))
            return false;
    }
    count_wanted(cmd->args, &least, &most);
    if (out->words->len >= least && out->words->len <= most)
        return true;
    if (out->words->len < least)
        ctl_usage(cmd, _("something is missing"));
    else
        ctl_usage(cmd, _("'%s' is too much"), ctl_arg(out, most));
    return false;
}

void
ctl_args_clear(struct ctl_args *a)
{
    g_clear_pointer(&a->words, g_ptr_array_unref);
    g_clear_pointer(&a->names, g_ptr_array_unref);
    g_clear_pointer(&a->values, g_ptr_array_unref);
}

const char *
ctl_arg(const struct ctl_args *a, unsigned i)
{
    return i < a->words->len ? g_ptr_array_index(a->words, i) : NULL;
}

const char *
ctl_value_at(const struct ctl_args *a, const char *option, unsigned i)
{
    for (unsigned k = 0; k < a->names->len; k++)
        if (strcmp(g_ptr_array_index(a->names, k), option) == 0 && i-- == 0)
            return g_ptr_array_index(a->values, k);
    return NULL;
}

const char *
ctl_value(const struct ctl_args *a, const char *option)
{
    return ctl_value_at(a, option, 0);
}

bool
ctl_has(const struct ctl_args *a, const char *option)
{
    for (unsigned k = 0; k < a->names->len; k++)
        if (strcmp(g_ptr_array_index(a->names, k), option) == 0)
            return true;
    return false;
}

bool
ctl_parse_number(const char *text, const char *what, uint32_t *out)
{
    guint64 n = 0;

    if (!g_ascii_string_to_unsigned(text, 10, 0, UINT32_MAX, &n, NULL)) {
        ctl_complain(_("%s: '%s' is not a number"), what, text);
        return false;
    }
    *out = (uint32_t)n;
    return true;
}
