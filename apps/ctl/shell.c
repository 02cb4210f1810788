/* SPDX-License-Identifier: Apache-2.0 */
/* shell.c - commands typed one after another: completion, and a history without passwords. */
#include "apps/ctl/ctl.h"
#include "core/base/error.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* readline's headers need stdio.h before them. */
#include <readline/history.h>
#include <readline/readline.h>

enum { HISTORY_LINES = 1000 };

/* Readline's callbacks carry no pointer of ours; this holds only while ctl_shell() runs. */
static struct {
    struct ctl *ctl;
    GPtrArray *candidates;
} completing;

static char *
history_file(void)
{
    const char *state = g_getenv("XDG_STATE_HOME");
    g_autofree char *folder = state && state[0] ? g_build_filename(state, "polyether", NULL)
                                                : g_build_filename(g_get_home_dir(), ".local",
                                                                   "state", "polyether", NULL);

    if (g_mkdir_with_parents(folder, 0700) != 0)
        return NULL;
    return g_build_filename(folder, "ctl_history", NULL);
}

/* ---- completion ---- */

static void
offer(const char *word, const char *begun)
{
    if (g_str_has_prefix(word, begun))
        g_ptr_array_add(completing.candidates, g_strdup(word));
}

/* Names from the server, as a list of the API has them. Silent when it fails. */
static void
offer_list(const char *method, const char *hub, const char *list, const char *field,
           const char *begun)
{
    g_autoptr(record_t) in = record_new();

    if (hub)
        record_set_text(in, "HubName_str", hub);
    g_autoptr(record_t) out =
        rpc_client_call(completing.ctl->client, rpc_method_find(method), in, NULL, NULL);
    for (unsigned i = 0; out && i < record_count(out, list); i++)
        offer(record_text(record_at(out, list, i), field), begun);
}

static void
offer_argument(const struct ctl_command *cmd, char **given, unsigned n_given, const char *begun)
{
    g_auto(GStrv) wanted = g_strsplit(cmd->args ? cmd->args : "", " ", -1);

    if (begun[0] == '-') {
        for (const struct ctl_option *o = cmd->options; o && o->name; o++)
            offer(o->name, begun);
        return;
    }
    if (n_given >= g_strv_length(wanted))
        return;
    if (strcmp(wanted[n_given], "HUB") == 0)
        offer_list("EnumHub", NULL, "HubList", "HubName_str", begun);
    else if (strcmp(wanted[n_given], "USER") == 0)
        offer_list("EnumUser", given[0], "UserList", "Name_str", begun);
    else if (strcmp(wanted[n_given], "SESSION") == 0)
        offer_list("EnumSession", given[0], "SessionList", "Name_str", begun);
    else if (strcmp(wanted[n_given], "METHOD") == 0)
        for (unsigned i = 0; rpc_method_at(i); i++)
            offer(rpc_method_at(i)->name, begun);
}

static void
offer_verbs(const char *noun, char **given, unsigned n_given, const char *begun)
{
    for (const struct ctl_command *c = ctl_commands; c->noun; c++) {
        if (strcmp(c->noun, noun) != 0 || !c->verb)
            continue;
        g_auto(GStrv) verb = g_strsplit(c->verb, " ", -1);
        bool fits = n_given < g_strv_length(verb);
        for (unsigned i = 0; fits && i < n_given; i++)
            fits = strcmp(verb[i], given[i]) == 0;
        if (fits)
            offer(verb[n_given], begun);
    }
}

static void
collect(const char *line_before, const char *begun)
{
    g_auto(GStrv) words = NULL;
    unsigned used = 0;

    if (!g_shell_parse_argv(line_before, NULL, &words, NULL) || !words[0]) {
        for (const struct ctl_command *c = ctl_commands; c->noun; c++)
            offer(c->noun, begun);
        offer("help", begun);
        offer("quit", begun);
        return;
    }
    const struct ctl_command *cmd = ctl_command_match(words[0], words + 1, &used);
    unsigned n = g_strv_length(words);
    if (cmd)
        offer_argument(cmd, words + 1 + used, n - 1 - used, begun);
    else
        offer_verbs(words[0], words + 1, n - 1, begun);
}

/* Readline asks until NULL, and frees with free(). */
static char *
next_candidate(const char *begun, int state)
{
    (void)begun;
    (void)state;
    if (completing.candidates->len == 0)
        return NULL;
    g_autofree char *word = g_ptr_array_steal_index(completing.candidates, 0);
    return strdup(word);
}

static char **
complete(const char *begun, int start, int end)
{
    g_autofree char *before = g_strndup(rl_line_buffer, (gsize)start);

    (void)end;
    g_ptr_array_set_size(completing.candidates, 0);
    collect(before, begun);
    rl_attempted_completion_over = 1; /* no names of files */
    return rl_completion_matches(begun, next_candidate);
}

/* ---- the loop ---- */

/* Passwords are never part of a command, except in the JSON of a call as it is. */
static bool
may_be_remembered(const char *line)
{
    return line[0] != ' ' && !(g_str_has_prefix(line, "rpc") && strchr(line, '{'));
}

static enum ctl_exit
run_line(struct ctl *c, const char *line)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) words = NULL;

    if (!g_shell_parse_argv(line, NULL, &words, &error)) {
        ctl_complain("%s", error->message);
        return CTL_USAGE;
    }
    if (strcmp(words[0], "help") == 0 || strcmp(words[0], "?") == 0) {
        if (words[1] && ctl_noun_exists(words[1]))
            ctl_help_noun(stdout, words[1]);
        else
            ctl_help(stdout);
        return CTL_OK;
    }
    return ctl_execute(c, words);
}

static bool
is_end(const char *line)
{
    return strcmp(line, "quit") == 0 || strcmp(line, "exit") == 0;
}

static char *
read_line(void)
{
    char *line = readline("polyether> ");

    if (line)
        g_strstrip(line);
    return line;
}

enum ctl_exit
ctl_shell(struct ctl *c)
{
    g_autofree char *file = history_file();
    enum ctl_exit result = CTL_OK;
    char *line;

    c->interactive = true;
    completing.ctl = c;
    completing.candidates = g_ptr_array_new_with_free_func(g_free);
    rl_readline_name = "polyetherctl";
    rl_attempted_completion_function = complete;
    using_history();
    stifle_history(HISTORY_LINES);
    if (file)
        (void)read_history(file); /* the first time there is none */
    while ((line = read_line()) != NULL && !is_end(line)) {
        if (line[0] && may_be_remembered(line))
            add_history(line);
        if (line[0])
            result = run_line(c, line);
        free(line);
    }
    free(line);
    if (file && write_history(file) == 0)
        (void)g_chmod(file, 0600); /* readline makes it so as well */
    g_clear_pointer(&completing.candidates, g_ptr_array_unref);
    return result;
}
