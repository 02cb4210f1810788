/* SPDX-License-Identifier: Apache-2.0 */
/* cli_tty.c - passwords and questions. */
#include "apps/client/cli.h"
#include "core/base/secret.h"

#include <glib/gi18n.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024 };

bool
cli_tty_is_there(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* A line without its end; NULL at the end of the input. */
static char *
read_line(FILE *f)
{
    char line[LINE_MAX_BYTES];
    char *text = NULL;

    if (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\r\n")] = 0;
        text = g_strdup(line);
    }
    secret_wipe(line, sizeof line);
    return text;
}

char *
cli_tty_password(const char *prompt)
{
    struct termios before, silent;

    if (!cli_tty_is_there() || tcgetattr(STDIN_FILENO, &before) != 0)
        return NULL;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    g_printerr("%s", prompt);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    char *text = read_line(stdin);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    g_printerr("\n");
    return text;
}

bool
cli_tty_yes(const char *question)
{
    if (!cli_tty_is_there())
        return false;
    g_printerr("%s [y/N] ", question);
    g_autofree char *answer = read_line(stdin);
    return answer &&
           (g_ascii_strcasecmp(answer, "y") == 0 || g_ascii_strcasecmp(answer, "yes") == 0);
}

char *
cli_read_line(const char *path_or_null, GError **error)
{
    FILE *f = path_or_null ? fopen(path_or_null, "re") : stdin;

    if (!f) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    _("%s cannot be read: %s"), path_or_null, g_strerror(errno));
        return NULL;
    }
    char *text = read_line(f);
    if (path_or_null)
        (void)fclose(f);
    if (!text)
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, _("there is no password in %s"),
                    path_or_null ? path_or_null : _("the standard input"));
    return text;
}
