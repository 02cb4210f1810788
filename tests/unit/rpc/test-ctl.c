/* SPDX-License-Identifier: Apache-2.0 */
/* test-ctl.c - polyetherctl: the table of commands agrees with that of methods; words and options.
 */
#include "apps/ctl/ctl.h"

#include <string.h>

static const struct rpc_field *
list_of(const struct rpc_method *m, const char *list)
{
    const struct rpc_field *f = rpc_field_find(m->out, list);

    g_assert_nonnull(f);
    return f->members;
}

static void
check_command(const struct ctl_command *c)
{
    g_auto(GStrv) methods = g_strsplit(c->method ? c->method : "", " ", -1);
    g_auto(GStrv) fields = g_strsplit(c->fields ? c->fields : "", " ", -1);
    g_auto(GStrv) constants = g_strsplit(c->constants ? c->constants : "", " ", -1);
    g_auto(GStrv) words = g_strsplit(c->args ? c->args : "", " ", -1);

    g_test_message("%s %s", c->noun, c->verb ? c->verb : "");
    g_assert_nonnull(c->run);
    g_assert_true(c->text[0] && !g_str_has_suffix(c->text, "."));
    for (unsigned i = 0; methods[i] && methods[i][0]; i++) {
        const struct rpc_method *m = rpc_method_find(methods[i]);
        g_assert_nonnull(m);
        for (unsigned k = 0; fields[k] && fields[k][0]; k++)
            g_assert_true(i > 0 || rpc_field_find(m->in, fields[k]));
        for (unsigned k = 0; constants[k] && constants[k][0]; k++) {
            *strchr(constants[k], '=') = 0;
            g_assert_nonnull(rpc_field_find(m->in, constants[k]));
        }
        for (const struct ctl_column *col = c->columns; col && col->title; col++)
            g_assert_nonnull(rpc_field_find(list_of(m, c->list), col->field));
    }
    if (c->method) /* each argument has its field */
        g_assert_cmpuint(g_strv_length(words), ==, g_strv_length(fields));
}

static void
test_table(void)
{
    for (const struct ctl_command *c = ctl_commands; c->noun; c++) {
        g_auto(GStrv) verb = g_strsplit(c->verb ? c->verb : "", " ", -1);
        unsigned used = 0;
        check_command(c);
        g_assert_true(ctl_command_match(c->noun, verb, &used) == c); /* no two of a name */
        for (const struct ctl_option *o = c->options; o && o->name; o++)
            g_assert_true(g_str_has_prefix(o->name, "--") && o->text[0]);
    }
}

/* ---- words ---- */

static bool
parse(const char *line, struct ctl_args *args)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    unsigned used = 0;
    const struct ctl_command *cmd = ctl_command_match(words[0], words + 1, &used);

    g_assert_nonnull(cmd);
    memset(args, 0, sizeof(*args));
    bool ok = ctl_args_parse(cmd, words + 1 + used, args);
    for (unsigned i = 0; ok && i < args->words->len; i++) /* they borrow from words */
        args->words->pdata[i] = (char *)g_intern_string(args->words->pdata[i]);
    for (unsigned i = 0; ok && i < args->values->len; i++)
        args->values->pdata[i] = (char *)g_intern_string(args->values->pdata[i]);
    return ok;
}

static void
test_args(void)
{
    struct ctl_args a;

    g_assert_true(
        parse("user create OFFICE anna --policy A=1 --note=x=y --policy B=2 --anonymous", &a));
    g_assert_cmpstr(ctl_arg(&a, 0), ==, "OFFICE");
    g_assert_cmpstr(ctl_arg(&a, 1), ==, "anna");
    g_assert_null(ctl_arg(&a, 2));
    g_assert_cmpstr(ctl_value_at(&a, "--policy", 1), ==, "B=2");
    g_assert_null(ctl_value_at(&a, "--policy", 2));
    g_assert_cmpstr(ctl_value(&a, "--note"), ==, "x=y");
    g_assert_true(ctl_has(&a, "--anonymous"));
    g_assert_false(ctl_has(&a, "--cert"));
    ctl_args_clear(&a);

    g_assert_true(parse("user create OFFICE -- --odd", &a));
    g_assert_cmpstr(ctl_arg(&a, 1), ==, "--odd");
    ctl_args_clear(&a);
    g_assert_true(parse("server password set --password-stdin", &a));
    ctl_args_clear(&a);
}

/* Each of these is refused, with exit status 2. */
static void
test_wrong_words(void)
{
    static const char *const lines[] = {
        "user create OFFICE",
        "user create OFFICE anna more",
        "user create OFFICE anna --nothing",
        "user create OFFICE anna --note",
        "user create OFFICE anna --anonymous=yes",
        "user create OFFICE anna --note a --note b",
        "hub list X",
        "listener add",
    };

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct ctl_args a;
        g_test_message("%s", lines[i]);
        g_assert_false(parse(lines[i], &a));
        ctl_args_clear(&a);
    }
}

static enum ctl_exit
run_offline(const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    struct rpc_client_config nowhere = {.socket_path = "/nonexistent/server.sock"};
    struct ctl ctl = {.client = rpc_client_new(&nowhere)};
    struct ctl_args args = {0};
    unsigned used = 0;
    const struct ctl_command *cmd = ctl_command_match(words[0], words + 1, &used);

    g_assert_true(ctl_args_parse(cmd, words + 1 + used, &args));
    enum ctl_exit result = cmd->run(&ctl, cmd, &args);
    ctl_args_clear(&args);
    rpc_client_free(ctl.client);
    return result;
}

static void
test_exit_status(void)
{
    g_assert_cmpint(run_offline("hub list"), ==, CTL_NO_CONNECTION);
    g_assert_cmpint(run_offline("user create OFFICE anna --anonymous"), ==, CTL_NO_CONNECTION);
    g_assert_cmpint(run_offline("listener add x"), ==, CTL_USAGE);
    g_assert_cmpint(run_offline("listener add 4294967296"), ==, CTL_USAGE);
    g_assert_cmpint(run_offline("user create A b --anonymous --expires soon"), ==, CTL_USAGE);
    g_assert_cmpint(run_offline("user create A b --anonymous --policy Nothing=1"), ==, CTL_USAGE);
    g_assert_cmpint(run_offline("user create A b --anonymous --policy NoBridge=7"), ==, CTL_USAGE);
    g_assert_cmpint(run_offline("user create A b --anonymous --policy MaxUpload=x"), ==, CTL_USAGE);
    g_assert_cmpint(run_offline("user create A b --anonymous --signed-cert"), ==, CTL_USAGE);
    g_assert_cmpint(run_offline("user create A b --cert /nonexistent"), ==, CTL_USAGE);
    g_assert_cmpint(run_offline("user create A b --password-file /nonexistent"), ==, CTL_USAGE);
    g_assert_cmpint(run_offline("user create A b --signed-cert --serial 0g"), ==, CTL_USAGE);
    g_assert_cmpint(run_offline("hub set A"), ==, CTL_USAGE);
    g_assert_cmpint(run_offline("rpc Nothing"), ==, CTL_USAGE);
    g_assert_cmpint(run_offline("rpc Test {"), ==, CTL_USAGE);
    g_assert_cmpint(run_offline("rpc Test {\"IntValue_u32\":\"x\"}"), ==, CTL_USAGE);
    g_assert_cmpint(run_offline("server cert set --cert x"), ==, CTL_USAGE);
}

/* What a server or its clients say cannot steer the terminal. */
static void
test_format(void)
{
    g_autoptr(record_t) r = record_new();

    record_set_text(r, "Name_str", "a\x1b[31mb\nc\x07");
    record_set_bin(r, "MacAddress_bin", "\x02\0\0\0\0\x09", 6);
    record_set_u32(r, "AuthType_u32", 1);
    record_set_dt(r, "Expires_dt", 0);
    g_autofree char *name = ctl_format(r, "Name_str");
    g_autofree char *mac = ctl_format(r, "MacAddress_bin");
    g_autofree char *kind = ctl_format(r, "AuthType_u32");
    g_autofree char *never = ctl_format(r, "Expires_dt");
    g_autofree char *missing = ctl_format(r, "Other_str");
    g_assert_cmpstr(name, ==, "a?[31mb c?");
    g_assert_cmpstr(mac, ==, "02:00:00:00:00:09");
    g_assert_cmpstr(kind, ==, "password");
    g_assert_cmpstr(never, ==, "-");
    g_assert_cmpstr(missing, ==, "-");
}

static void
test_made_texts(void)
{
    g_autofree char *man = ctl_man_page();

    g_assert_nonnull(strstr(man, "\\fBuser create\\fR \\fIHUB NAME\\fR"));
    g_assert_null(ctl_completion("tcsh"));
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        g_autofree char *script = ctl_completion(shells[i]);
        g_assert_nonnull(strstr(script, "regenerate"));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ctl/table", test_table);
    g_test_add_func("/ctl/args", test_args);
    g_test_add_func("/ctl/wrong-words", test_wrong_words);
    g_test_add_func("/ctl/exit-status", test_exit_status);
    g_test_add_func("/ctl/format", test_format);
    g_test_add_func("/ctl/made-texts", test_made_texts);
    return g_test_run();
}
