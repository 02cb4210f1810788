/* SPDX-License-Identifier: Apache-2.0 */
/* ctl.h - polyetherctl: what its files share. A command is a row of one table (commands.c), from
 * which also the help, the manual page and the shells' completions are made. */
#pragma once

#include "core/base/types.h"
#include "core/rpc/wire/client.h"

#include <glib.h>
#include <glib/gi18n.h>
#include <jansson.h>

#include <stdbool.h>
#include <stdio.h>

enum ctl_exit { CTL_OK = 0, CTL_REFUSED = 1, CTL_USAGE = 2, CTL_NO_CONNECTION = 3 };

struct ctl_option {
    const char *name; /* with its dashes; NULL ends the list */
    const char *arg;  /* what follows, NULL for nothing */
    const char *text;
    bool many; /* may be given several times */
};

struct ctl_column {
    const char *field;
    const char *title; /* NULL ends the list */
};

struct ctl;
struct ctl_args;
struct ctl_command;
typedef enum ctl_exit
ctl_run(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args);

struct ctl_command {
    const char *noun, *verb;
    const char *args; /* "HUB [NAME]"; NULL for none */
    const char *text;
    const struct ctl_option *options;
    ctl_run *run;
    /* For the runs that are the same for many commands: */
    const char *method;               /* or several, their answers joined */
    const char *fields;               /* which the arguments fill, in order */
    const char *constants;            /* "Online_bool=true" */
    const char *list;                 /* of the answer, to show */
    const struct ctl_column *columns; /* of the list */
};

/* Ends with a noun of NULL. */
extern const struct ctl_command ctl_commands[];
extern const struct ctl_option ctl_global_options[];
bool ctl_noun_exists(const char *noun);
/* The command whose verb is at the start of v; *used is how many words that takes ("password set"
 * has two). NULL when there is none. */
const struct ctl_command *ctl_command_match(const char *noun, char **v, unsigned *used);

/* ---- arguments ---- */

struct ctl_args {
    GPtrArray *words; /* what is not an option; borrowed from argv */
    GPtrArray *names; /* of options, as in the table */
    GPtrArray *values;
};
/* False after a message on stderr. */
bool ctl_args_parse(const struct ctl_command *cmd, char **argv, struct ctl_args *out);
void ctl_args_clear(struct ctl_args *a);
const char *ctl_arg(const struct ctl_args *a, unsigned i); /* NULL past the end */
bool ctl_has(const struct ctl_args *a, const char *option);
const char *ctl_value(const struct ctl_args *a, const char *option); /* the last; NULL */
/* The i-th value of an option that may be given several times; NULL past the end. */
const char *ctl_value_at(const struct ctl_args *a, const char *option, unsigned i);
bool ctl_parse_number(const char *text, const char *what, uint32_t *out); /* says what is wrong */

/* ---- the session ---- */

struct ctl {
    struct rpc_client *client;
    bool json;
    bool interactive;
};
/* Calls and says what went wrong. *raw may be NULL. */
struct record *ctl_call(struct ctl *c, const char *method, const struct record *in, json_t **raw,
                        enum ctl_exit *result);
/* Calls, and shows the answer only as JSON, where that is wanted. */
enum ctl_exit ctl_change(struct ctl *c, const char *method, const struct record *in);
void ctl_complain(const char *format, ...) PRINTF_LIKE(1, 2);
enum ctl_exit ctl_usage(const struct ctl_command *cmd, const char *format, ...) PRINTF_LIKE(2, 3);
/* One command line without the program's name and global options. */
enum ctl_exit ctl_execute(struct ctl *c, char **argv);
enum ctl_exit ctl_shell(struct ctl *c);

/* Runs of the table. */
ctl_run ctl_run_list, ctl_run_show, ctl_run_change;
ctl_run ctl_run_server_password, ctl_run_cert_show, ctl_run_cert_set, ctl_run_cert_regenerate;
ctl_run ctl_run_hub_create, ctl_run_hub_set, ctl_run_hub_option_set, ctl_run_hub_admin_option_set;
ctl_run ctl_run_hub_message_show, ctl_run_hub_message_set;
ctl_run ctl_run_user_create, ctl_run_user_set;
ctl_run ctl_run_group_create, ctl_run_group_set, ctl_run_hub_policy_set;
ctl_run ctl_run_bridge_create, ctl_run_rpc;
ctl_run ctl_run_openvpn_set, ctl_run_openvpn_export, ctl_run_openvpn_key;
ctl_run ctl_run_ipsec_set, ctl_run_router_add;
ctl_run ctl_run_access_add, ctl_run_access_set, ctl_run_access_switch, ctl_run_access_test;
ctl_run ctl_run_source_set;
ctl_run ctl_run_log_show, ctl_run_log_set, ctl_run_log_server, ctl_run_log_read, ctl_run_syslog_set,
    ctl_run_capture;
ctl_run ctl_run_securenat_set;
ctl_run ctl_run_radius_set, ctl_run_radius_test;
ctl_run ctl_run_totp_create, ctl_run_crl_add;
extern const struct ctl_option ctl_openvpn_set_options[], ctl_openvpn_export_options[];
extern const struct ctl_option ctl_ipsec_set_options[], ctl_router_add_options[];
extern const struct ctl_option ctl_securenat_set_options[];
extern const struct ctl_option ctl_access_add_options[], ctl_access_set_options[];
extern const struct ctl_option ctl_access_test_options[], ctl_source_set_options[];
extern const struct ctl_option ctl_log_set_options[], ctl_log_server_options[];
extern const struct ctl_option ctl_log_read_options[], ctl_syslog_options[], ctl_capture_options[];
extern const struct ctl_option ctl_radius_set_options[];
extern const struct ctl_option ctl_totp_options[], ctl_crl_options[];
/* Fills fields and constants of the command into a record. NULL after a message. */
struct record *ctl_input(const struct ctl_command *cmd, const struct ctl_args *args);

/* Options that stand for fields. */
struct ctl_field_option {
    const char *option, *field;
    const char *constant; /* NULL: the option's own value */
};
/* Sets the fields of the options that were given; ends with an option of NULL. False after a
 * message. */
bool ctl_take_options(const struct ctl_field_option *map, const struct ctl_args *args,
                      struct record *in);

/* --policy and --no-policy, into the policy:* fields. False after a message. */
bool ctl_take_policy(const struct ctl_args *args, struct record *in);

/* The whole file as bytes. False after a message. */
bool ctl_put_file(struct record *in, const char *field, const char *path);

/* ---- passwords ---- */

extern const struct ctl_option ctl_password_options[]; /* --password-stdin, --password-file */
/* From the options, or asked for on the terminal, twice when it is new. NULL after a message.
 * secret_free_str(). */
char *ctl_password(const struct ctl_args *args, const char *prompt, bool is_new);
char *ctl_password_from_file(const char *path);
char *ctl_password_from_stdin(void);
char *ctl_password_prompt(const char *prompt, bool is_new);
bool ctl_wants_password(const struct ctl_args *args);

/* ---- output ---- */

/* Rows of a list under titles, aligned; "-" for nothing. */
void ctl_print_table(const struct record *r, const char *list, const struct ctl_column *columns);
/* Titles and texts, by turns, of values that say something; those of a second answer without what
 * it repeats. The array frees with g_free. */
void ctl_lines_add(GPtrArray *lines, const struct record *r, const struct rpc_field *fields);
void ctl_lines_print(const GPtrArray *lines);
void ctl_print_json(const json_t *value);
/* A value as people read it, without control characters; g_free. */
char *ctl_format(const struct record *r, const char *field);

/* ---- texts made from the table ---- */

void ctl_help(FILE *out);
void ctl_help_noun(FILE *out, const char *noun);
void ctl_help_command(FILE *out, const struct ctl_command *cmd);
char *ctl_man_page(void);                /* g_free */
char *ctl_completion(const char *shell); /* NULL: another than bash, zsh, fish */
