/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h - what the parts of the command line polyether share. */
#pragma once

#include <glib.h>
#include <jansson.h>

#include <stdbool.h>

/* What the program says by its end. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,    /* refused, or did not work */
    CLI_USAGE = 2,     /* not understood */
    CLI_NO_DAEMON = 3, /* nobody at the control socket */
};

/* Options that every command takes. */
struct cli_global {
    char *state, *socket;
    gboolean json;
};

/* Each prints its complaints on stderr. */
enum cli_exit cli_account_add(struct cli_global *g, int argc, char **argv);
enum cli_exit cli_account_delete(struct cli_global *g, int argc, char **argv);
enum cli_exit cli_account_list(struct cli_global *g, int argc, char **argv);
enum cli_exit cli_account_set(struct cli_global *g, int argc, char **argv);
enum cli_exit cli_account_show(struct cli_global *g, int argc, char **argv);
enum cli_exit cli_down(struct cli_global *g, int argc, char **argv);
enum cli_exit cli_status(struct cli_global *g, int argc, char **argv);
enum cli_exit cli_up(struct cli_global *g, int argc, char **argv);

/* ---- options (cli_main.c) ---- */

/* Takes options out of argv (entries may be NULL) and leaves the arguments, of which there must be
 * from least to most. usage: the arguments, for --help. False: told on stderr. */
bool cli_parse(struct cli_global *g, const GOptionEntry *entries, const char *usage, int *argc,
               char ***argv);
bool cli_want_args(int argc, int least, int most);
enum cli_exit cli_fail(const GError *error);
G_GNUC_PRINTF(1, 2) void cli_complain(const char *format, ...);

/* ---- the daemon (cli_call.c) ---- */

struct cli_call;
/* NULL and told on stderr when nobody is there: CLI_NO_DAEMON. */
struct cli_call *cli_call_open(const struct cli_global *g);
void cli_call_close(struct cli_call *c);
/* Takes params (NULL for none). The result (transfer full), or NULL and error. */
json_t *cli_call_request(struct cli_call *c, const char *method, json_t *params, GError **error);
/* The next event's params (transfer full); NULL without error when none came until the time (of
 * g_get_monotonic_time()). */
json_t *cli_call_event(struct cli_call *c, gint64 until_us, GError **error);
/* One request and its answer printed by print, or as JSON. Takes params. */
enum cli_exit cli_call_once(const struct cli_global *g, const char *method, json_t *params,
                            void (*print)(const json_t *result));

/* ---- people and files (cli_tty.c) ---- */

bool cli_tty_is_there(void);
/* Without echo. NULL when there is no terminal. Free with secret_free_str(). */
char *cli_tty_password(const char *prompt);
/* Whether the answer is yes; without a terminal it is no. */
bool cli_tty_yes(const char *question);
/* The first line of standard input, or of a file. Free with secret_free_str(). */
char *cli_read_line(const char *path_or_null, GError **error);

/* ---- output (cli_print.c) ---- */

void cli_print_json(const json_t *v);
void cli_print_status(const json_t *status);
void cli_print_status_list(const json_t *result);
void cli_print_account(const json_t *account);
void cli_print_account_list(const json_t *result);
void cli_print_nothing(const json_t *result);
/* "" when it is not there or not text. */
const char *cli_text(const json_t *o, const char *name);
