/* SPDX-License-Identifier: Apache-2.0 */
/* cli_main.c - polyether: the client's command line. Which command, and options in general. */
#include "apps/client/cli.h"

#include <glib/gi18n.h>

#include <libintl.h>
#include <locale.h>
#include <string.h>

static const struct command {
    const char *noun, *verb; /* verb NULL: the noun is all */
    enum cli_exit (*run)(struct cli_global *g, int argc, char **argv);
    const char *usage;
} commands[] = {
    {"account", "add", cli_account_add, N_("account add NAME --server HOST --hub HUB --user USER")},
    {"account", "list", cli_account_list, N_("account list")},
    {"account", "show", cli_account_show, N_("account show NAME")},
    {"account", "set", cli_account_set, N_("account set NAME [OPTION...]")},
    {"account", "delete", cli_account_delete, N_("account delete NAME")},
    {"up", NULL, cli_up, N_("up NAME [--yes] [--wait SECONDS]")},
    {"down", NULL, cli_down, N_("down NAME")},
    {"status", NULL, cli_status, N_("status [NAME]")},
};

void
cli_complain(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_printerr("polyether: %s\n", text);
}

enum cli_exit
cli_fail(const GError *error)
{
    cli_complain("%s", error->message);
    return CLI_FAILED;
}

static GOptionContext *
new_context(struct cli_global *g, const char *usage)
{
    const GOptionEntry entries[] = {
        {"state", 0, 0, G_OPTION_ARG_FILENAME, &g->state,
         N_("State folder of the daemon, where its socket is"), N_("DIR")},
        {"socket", 0, 0, G_OPTION_ARG_FILENAME, &g->socket, N_("Control socket of the daemon"),
         N_("PATH")},
        {"json", 0, 0, G_OPTION_ARG_NONE, &g->json, N_("Print JSON"), NULL},
        {0},
    };
    GOptionContext *context = g_option_context_new(usage);

    g_option_context_add_main_entries(context, entries, "polyether");
    return context;
}

bool
cli_parse(struct cli_global *g, const GOptionEntry *entries, const char *usage, int *argc,
          char ***argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context = new_context(g, usage);

    if (entries)
        g_option_context_add_main_entries(context, entries, "polyether");
    if (g_option_context_parse(context, argc, argv, &error))
        return true;
    cli_complain("%s", error->message);
    return false;
}

bool
cli_want_args(int argc, int least, int most)
{
    if (argc - 1 >= least && argc - 1 <= most)
        return true;
    cli_complain(argc - 1 < least ? _("an argument is missing (see --help)")
                                  : _("there are too many arguments (see --help)"));
    return false;
}

static void
print_commands(void)
{
    g_printerr(_("Commands:\n"));
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        g_printerr("  polyether %s\n", _(commands[i].usage));
}

static char *
commands_text(void)
{
    GString *text = g_string_new(_("Commands:"));

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        g_string_append_printf(text, "\n  polyether %s", _(commands[i].usage));
    return g_string_free(text, FALSE);
}

static enum cli_exit
dispatch(struct cli_global *g, int argc, char **argv)
{
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        const struct command *c = &commands[i];
        int words = c->verb ? 2 : 1;
        if (argc - 1 < words || strcmp(argv[1], c->noun) != 0 ||
            (c->verb && strcmp(argv[2], c->verb) != 0))
            continue;
        /* The command's last word takes the place of the program's name. */
        return c->run(g, argc - words, argv + words);
    }
    if (argc > 1)
        cli_complain(_("there is no command '%s%s%s'"), argv[1], argc > 2 ? " " : "",
                     argc > 2 ? argv[2] : "");
    print_commands();
    return CLI_USAGE;
}

int
main(int argc, char **argv)
{
    struct cli_global g = {0};
    gboolean version = FALSE;
    const GOptionEntry entries[] = {
        {"version", 0, 0, G_OPTION_ARG_NONE, &version, N_("Print the version and exit"), NULL},
        {0},
    };
    g_autoptr(GError) error = NULL;
    enum cli_exit end = CLI_OK;

    (void)setlocale(LC_ALL, ""); // NOLINT(concurrency-mt-unsafe): there is one thread yet /*
                                 // NOLINT(concurrency-mt-unsafe): there are no threads yet */
    (void)bindtextdomain("polyether", POLYETHER_LOCALEDIR);
    (void)bind_textdomain_codeset("polyether", "UTF-8");
    (void)textdomain("polyether");
    g_autoptr(GOptionContext) context = new_context(&g, _("COMMAND ..."));
    g_autofree char *summary = commands_text();
    g_option_context_add_main_entries(context, entries, "polyether");
    g_option_context_set_summary(context, summary);
    g_option_context_set_strict_posix(context, TRUE); /* the rest is the command's */
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        cli_complain("%s", error->message);
        end = CLI_USAGE;
    } else if (version) {
        g_print("polyether %s\n", POLYETHER_VERSION);
    } else {
        end = dispatch(&g, argc, argv);
    }
    g_free(g.state);
    g_free(g.socket);
    return (int)end;
}
