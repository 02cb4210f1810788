/* SPDX-License-Identifier: Apache-2.0 */
/* completion.c - completion scripts for shells, from the table. The committed ones in completions/
 * are what this prints. */
#include "apps/ctl/ctl.h"

#include <string.h>

#define HEAD "# SPDX-License-Identifier: Apache-2.0\n# Made by polyetherctl --completion-script.\n"

static void
add_word(GPtrArray *words, const char *word)
{
    for (unsigned i = 0; i < words->len; i++)
        if (strcmp(g_ptr_array_index(words, i), word) == 0)
            return;
    g_ptr_array_add(words, g_strdup(word));
}

static GPtrArray *
nouns(void)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

    for (const struct ctl_command *c = ctl_commands; c->noun; c++)
        add_word(words, c->noun);
    return words;
}

/* The words that may come after noun, or after noun and the first word of a verb. */
static GPtrArray *
next_words(const char *noun, const char *first)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

    for (const struct ctl_command *c = ctl_commands; c->noun; c++) {
        if (strcmp(c->noun, noun) != 0 || !c->verb)
            continue;
        g_auto(GStrv) verb = g_strsplit(c->verb, " ", 2);
        if (!first)
            add_word(words, verb[0]);
        else if (strcmp(verb[0], first) == 0 && verb[1])
            add_word(words, verb[1]);
    }
    return words;
}

static char *
join(GPtrArray *words)
{
    g_ptr_array_add(words, NULL);
    char *text = g_strjoinv(" ", (char **)words->pdata);
    g_ptr_array_unref(words);
    return text;
}

static char *
options_text(const struct ctl_option *options)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

    for (const struct ctl_option *o = options; o && o->name; o++)
        add_word(words, o->name);
    return join(words);
}

/* The global options that are followed by a value, as a pattern of case. */
static char *
options_with_value(void)
{
    GString *out = g_string_new(NULL);

    for (const struct ctl_option *o = ctl_global_options; o->name; o++)
        if (o->arg)
            g_string_append_printf(out, "%s%s", out->len > 0 ? "|" : "", o->name);
    return g_string_free(out, FALSE);
}

/* Rows "noun verb)" with what may follow, for a case of bash and zsh. */
static void
append_cases(GString *out, const char *variable)
{
    g_autoptr(GPtrArray) all = nouns();

    for (unsigned i = 0; i < all->len; i++) {
        const char *noun = g_ptr_array_index(all, i);
        g_autoptr(GPtrArray) firsts = next_words(noun, NULL);
        g_autofree char *text = join(next_words(noun, NULL));
        g_string_append_printf(out, "    '%s') %s='%s' ;;\n", noun, variable, text);
        for (unsigned k = 0; k < firsts->len; k++) {
            const char *first = g_ptr_array_index(firsts, k);
            g_autofree char *seconds = join(next_words(noun, first));
            if (seconds[0])
                g_string_append_printf(out, "    '%s %s') %s='%s' ;;\n", noun, first, variable,
                                       seconds);
        }
    }
    for (const struct ctl_command *c = ctl_commands; c->noun; c++) {
        g_autofree char *text = options_text(c->options);
        if (text[0] && c->verb)
            g_string_append_printf(out, "    '%s %s'*) %s='%s' ;;\n", c->noun, c->verb, variable,
                                   text);
    }
}

static char *
bash_script(void)
{
    GString *out = g_string_new(HEAD);
    g_autofree char *globals = options_text(ctl_global_options);
    g_autofree char *with_value = options_with_value();
    g_autofree char *first = join(nouns());

    g_string_append_printf(out,
                           "_polyetherctl()\n{\n"
                           "  local current=${COMP_WORDS[COMP_CWORD]} said='' words='' i\n"
                           "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                           "    case ${COMP_WORDS[i]} in\n"
                           "    %s) ((i++)) ;;\n"
                           "    -*) ;;\n"
                           "    *) said+=\"${said:+ }${COMP_WORDS[i]}\" ;;\n"
                           "    esac\n"
                           "  done\n"
                           "  case $said in\n"
                           "    '') words='%s %s' ;;\n",
                           with_value, first, globals);
    append_cases(out, "words");
    g_string_append(out, "  esac\n"
                         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
                         "}\n"
                         "complete -o default -F _polyetherctl polyetherctl\n");
    return g_string_free(out, FALSE);
}

static char *
zsh_script(void)
{
    GString *out = g_string_new("#compdef polyetherctl\n" HEAD);
    g_autofree char *globals = options_text(ctl_global_options);
    g_autofree char *with_value = options_with_value();
    g_autofree char *first = join(nouns());

    g_string_append_printf(out,
                           "_polyetherctl()\n{\n"
                           "  local said='' next='' i\n"
                           "  for ((i = 2; i < CURRENT; i++)); do\n"
                           "    case ${words[i]} in\n"
                           "    %s) ((i++)) ;;\n"
                           "    -*) ;;\n"
                           "    *) said+=\"${said:+ }${words[i]}\" ;;\n"
                           "    esac\n"
                           "  done\n"
                           "  case $said in\n"
                           "    '') next='%s %s' ;;\n",
                           with_value, first, globals);
    append_cases(out, "next");
    g_string_append(out, "  esac\n"
                         "  if [[ -n $next ]]; then\n"
                         "    compadd -- ${=next}\n"
                         "  else\n"
                         "    _files\n"
                         "  fi\n"
                         "}\n"
                         "_polyetherctl \"$@\"\n");
    return g_string_free(out, FALSE);
}

static void
append_fish_options(GString *out, const struct ctl_option *options, const char *condition)
{
    for (const struct ctl_option *o = options; o && o->name; o++)
        g_string_append_printf(out, "complete -c polyetherctl%s -l %s%s -d '%s'\n", condition,
                               o->name + 2, o->arg ? " -r" : "", o->text);
}

static char *
fish_script(void)
{
    GString *out = g_string_new(HEAD "complete -c polyetherctl -f\n");
    g_autoptr(GPtrArray) all = nouns();

    append_fish_options(out, ctl_global_options, " -n __fish_use_subcommand");
    for (unsigned i = 0; i < all->len; i++)
        g_string_append_printf(out, "complete -c polyetherctl -n __fish_use_subcommand -a %s\n",
                               (char *)g_ptr_array_index(all, i));
    for (const struct ctl_command *c = ctl_commands; c->noun; c++) {
        if (!c->verb)
            continue;
        g_auto(GStrv) verb = g_strsplit(c->verb, " ", 2);
        g_autofree char *seen = g_strdup_printf(
            " -n '__fish_seen_subcommand_from %s; and __fish_seen_subcommand_from %s'", c->noun,
            verb[0]);
        g_string_append_printf(out,
                               "complete -c polyetherctl -n '__fish_seen_subcommand_from %s' -a %s"
                               " -d '%s'\n",
                               c->noun, verb[0], verb[1] ? "" : c->text);
        if (verb[1])
            g_string_append_printf(out, "complete -c polyetherctl%s -a %s -d '%s'\n", seen, verb[1],
                                   c->text);
        append_fish_options(out, c->options, seen);
    }
    return g_string_free(out, FALSE);
}

char *
ctl_completion(const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        return bash_script();
    if (strcmp(shell, "zsh") == 0)
        return zsh_script();
    return strcmp(shell, "fish") == 0 ? fish_script() : NULL;
}
