/* SPDX-License-Identifier: Apache-2.0 */
/* help.c - help on every level, and the manual page, from the table. */
#include "apps/ctl/ctl.h"

#include <string.h>

/* "user create HUB NAME"; g_free. */
static char *
synopsis(const struct ctl_command *cmd)
{
    return g_strconcat(cmd->noun, cmd->verb ? " " : "", cmd->verb ? cmd->verb : "",
                       cmd->args ? " " : "", cmd->args ? cmd->args : "",
                       cmd->options && cmd->options[0].name ? _(" [OPTIONS]") : "", NULL);
}

static void
print_options(FILE *out, const struct ctl_option *options)
{
    for (const struct ctl_option *o = options; o && o->name; o++) {
        g_autofree char *left = g_strconcat(o->name, o->arg ? " " : "", o->arg ? o->arg : "", NULL);
        (void)fprintf(out, "  %-26s %s\n", left, _(o->text));
    }
}

static void
print_command(FILE *out, const struct ctl_command *cmd)
{
    g_autofree char *left = synopsis(cmd);

    (void)fprintf(out, "  %-40s %s\n", left, _(cmd->text));
}

void
ctl_help(FILE *out)
{
    (void)fprintf(out, _("Usage: polyetherctl [OPTIONS] NOUN VERB [ARGUMENTS]\n"
                         "Administers a Polyether server. Without a noun it asks for commands.\n\n"
                         "Options:\n"));
    print_options(out, ctl_global_options);
    (void)fprintf(out, _("\nCommands:\n"));
    for (const struct ctl_command *c = ctl_commands; c->noun; c++)
        print_command(out, c);
    (void)fprintf(out, _("\nExit status: 0 done, 1 the server refused, 2 wrong usage, "
                         "3 no connection.\n"));
}

void
ctl_help_noun(FILE *out, const char *noun)
{
    (void)fprintf(out, _("Commands of '%s':\n"), noun);
    for (const struct ctl_command *c = ctl_commands; c->noun; c++)
        if (strcmp(c->noun, noun) == 0)
            print_command(out, c);
}

void
ctl_help_command(FILE *out, const struct ctl_command *cmd)
{
    g_autofree char *left = synopsis(cmd);

    (void)fprintf(out, _("Usage: polyetherctl %s\n"), left);
    (void)fprintf(out, "%s\n", _(cmd->text));
    if (cmd->options && cmd->options[0].name)
        (void)fprintf(out, _("\nOptions:\n"));
    print_options(out, cmd->options);
}

enum ctl_exit
ctl_usage(const struct ctl_command *cmd, const char *format, ...)
{
    g_autofree char *left = synopsis(cmd);
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    ctl_complain("%s", text);
    g_printerr(_("Usage: polyetherctl %s\n"), left);
    return CTL_USAGE;
}

/* ---- the manual page ---- */

/* Roff takes '-' for a hyphen, '\' for its own, and a dot at the start of a line for a request. */
static void
append_roff(GString *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '-')
            g_string_append(out, "\\-");
        else if (*p == '\\')
            g_string_append(out, "\\e");
        else
            g_string_append_c(out, *p);
    }
}

static void
append_man_options(GString *out, const struct ctl_option *options)
{
    for (const struct ctl_option *o = options; o && o->name; o++) {
        g_string_append(out, ".TP\n\\fB");
        append_roff(out, o->name);
        g_string_append(out, "\\fR");
        if (o->arg)
            g_string_append_printf(out, " \\fI%s\\fR", o->arg);
        g_string_append_c(out, '\n');
        append_roff(out, o->text);
        g_string_append(out, o->many ? "; may be given several times.\n" : ".\n");
    }
}

static void
append_man_command(GString *out, const struct ctl_command *cmd)
{
    g_string_append(out, ".TP\n\\fB");
    append_roff(out, cmd->noun);
    if (cmd->verb) {
        g_string_append_c(out, ' ');
        append_roff(out, cmd->verb);
    }
    g_string_append(out, "\\fR");
    if (cmd->args)
        g_string_append_printf(out, " \\fI%s\\fR", cmd->args);
    g_string_append_c(out, '\n');
    append_roff(out, cmd->text);
    g_string_append(out, ".\n");
    if (!cmd->options)
        return;
    g_string_append(out, ".RS\n");
    append_man_options(out, cmd->options);
    g_string_append(out, ".RE\n");
}

/* The same in every language: it is not translated. */
char *
ctl_man_page(void)
{
    GString *out = g_string_new(".TH POLYETHERCTL 1 \"\" \"Polyether " POLYETHER_VERSION "\"\n"
                                ".SH NAME\npolyetherctl \\- administer a Polyether VPN server\n"
                                ".SH SYNOPSIS\n.B polyetherctl\n"
                                "[\\fIOPTIONS\\fR] \\fINOUN VERB\\fR [\\fIARGUMENTS\\fR]\n.br\n"
                                ".B polyetherctl\n[\\fIOPTIONS\\fR]\n");

    g_string_append(out, ".SH DESCRIPTION\n"
                         "Calls the administration API of a server: on this machine through its "
                         "socket, as root or as the user\nthat the server runs as, without a "
                         "password; on another machine over HTTPS, with the password of the\n"
                         "server administrator or of a hub's. Without a noun it asks for "
                         "commands, completes them with the\ntabulator key, and remembers them "
                         "(never passwords).\n"
                         ".SH OPTIONS\n");
    append_man_options(out, ctl_global_options);
    g_string_append(out, ".SH COMMANDS\n");
    for (const struct ctl_command *c = ctl_commands; c->noun; c++)
        append_man_command(out, c);
    g_string_append(out, ".SH EXIT STATUS\n"
                         ".TP\n0\nDone.\n.TP\n1\nThe server refused; the reason is on the standard "
                         "error.\n.TP\n2\nWrong usage.\n.TP\n3\nNo connection to the server, or it "
                         "is not trusted.\n"
                         ".SH FILES\n.TP\n\\fI$XDG_STATE_HOME/polyether/ctl_history\\fR\n"
                         "Commands that were typed.\n"
                         ".SH EXAMPLES\n.nf\n"
                         "polyetherctl hub create OFFICE\n"
                         "polyetherctl user create OFFICE anna\n"
                         "polyetherctl \\-\\-json session list OFFICE\n"
                         "polyetherctl \\-\\-server vpn.example.net:443 \\-\\-password\\-file pw "
                         "server status\n.fi\n");
    return g_string_free(out, FALSE);
}
