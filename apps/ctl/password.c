/* SPDX-License-Identifier: Apache-2.0 */
/* password.c - passwords come from the terminal without echo, from a file, or from the input; never
 * from the command line, where other users of the machine could see them. */
#include "apps/ctl/ctl.h"
#include "core/base/secret.h"

#include <errno.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { PASSWORD_MAX = 1024 };

/* One line, without its end. NULL at the end of the input. */
static char *
read_line(FILE *in)
{
    char line[PASSWORD_MAX + 2];
    char *copy = NULL;

    if (fgets(line, sizeof(line), in)) {
        line[strcspn(line, "\r\n")] = 0;
        copy = g_strdup(line);
    }
    secret_wipe(line, sizeof(line));
    return copy;
}

static char *
checked(char *password)
{
    if (password && password[0])
        return password;
    secret_free_str(password);
    ctl_complain(_("the password is empty"));
    return NULL;
}

char *
ctl_password_from_file(const char *path)
{
    FILE *in = fopen(path, "re");

    if (!in) {
        ctl_complain(_("cannot read %s: %s"), path, g_strerror(errno));
        return NULL;
    }
    char *password = read_line(in);
    (void)fclose(in); /* it was only read */
    return checked(password);
}

char *
ctl_password_from_stdin(void)
{
    return checked(read_line(stdin));
}

static char *
ask(FILE *terminal, const char *prompt)
{
    struct termios old, quiet;
    int fd = fileno(terminal);

    if (tcgetattr(fd, &old) != 0)
        return NULL;
    quiet = old;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    (void)fprintf(terminal, "%s", prompt);
    (void)fflush(terminal);
    if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0)
        return NULL;
    char *password = read_line(terminal);
    (void)tcsetattr(fd, TCSAFLUSH, &old); /* nothing better is known than to go on */
    (void)fputs("\n", terminal);
    return password;
}

char *
ctl_password_prompt(const char *prompt, bool is_new)
{
    FILE *terminal = fopen("/dev/tty", "r+e");

    if (!terminal) {
        ctl_complain(_("there is no terminal to ask for the password; use --password-file"));
        return NULL;
    }
    setbuf(terminal, NULL); /* reading and writing alternate */
    char *password = checked(ask(terminal, prompt));
    char *again = password && is_new ? ask(terminal, _("The same again: ")) : NULL;
    (void)fclose(terminal);
    if (password && is_new && (!again || strcmp(password, again) != 0)) {
        secret_free_str(g_steal_pointer(&password));
        ctl_complain(_("the two are not the same"));
    }
    secret_free_str(again);
    return password;
}

bool
ctl_wants_password(const struct ctl_args *args)
{
    return ctl_has(args, "--password") || ctl_has(args, "--password-stdin") ||
           ctl_has(args, "--password-file");
}

char *
ctl_password(const struct ctl_args *args, const char *prompt, bool is_new)
{
    if (ctl_has(args, "--password-file"))
        return ctl_password_from_file(ctl_value(args, "--password-file"));
    if (ctl_has(args, "--password-stdin"))
        return ctl_password_from_stdin();
    return ctl_password_prompt(prompt, is_new);
}
