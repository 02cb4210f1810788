/* SPDX-License-Identifier: Apache-2.0 */
/* cli_connect.c - polyether up, down, status.
 *
 * up asks the daemon to connect and then listens to what happens, until the account is usable,
 * there is no hope, or the time is over. A certificate that is not trusted is a question for a
 * person: the daemon has ended the attempt, the answer is stored as the account's pin, and the
 * attempt is made once more, which succeeds only with exactly that certificate.
 */
#include "apps/client/cli.h"
#include "core/base/error.h"

#include <glib/gi18n.h>

#include <string.h>

enum { WAIT_DEFAULT_S = 30, WAIT_MOST_S = 24 * 3600 };

struct up {
    const struct cli_global *global;
    struct cli_call *call;
    const char *name;
    bool yes;
    gint64 until_us;
    json_t *status; /* the last one seen */
    unsigned questions;
};

/* ---- the certificate ---- */

static json_t *
name_only(const char *name)
{
    return json_pack("{s:s}", "name", name);
}

static bool
ask_first(const struct up *u, const char *seen)
{
    cli_complain(_("the certificate of the server is not known.\n"
                   "Its SHA-256 fingerprint is\n  %s"),
                 seen);
    if (u->yes)
        return true;
    if (cli_tty_is_there())
        return cli_tty_yes(_("Trust this certificate?"));
    cli_complain(_("to trust it: polyether account set '%s' --trust sha256:%s"), u->name, seen);
    return false;
}

static bool
ask_changed(const struct up *u, const char *pinned, const char *seen)
{
    cli_complain(_("THE CERTIFICATE OF THE SERVER HAS CHANGED. Somebody may be listening in, or "
                   "the server was set up anew.\nTrusted is\n  %s\nNow there is\n  %s"),
                 pinned, seen);
    if (cli_tty_is_there())
        return cli_tty_yes(_("Trust the new certificate?"));
    cli_complain(_("to trust it: polyether account set '%s' --trust sha256:%s"), u->name, seen);
    return false;
}

/* Whether the certificate is to be pinned; the daemon's account says what was agreed so far. */
static bool
ask(const struct up *u, const char *seen, GError **error)
{
    json_t *account = cli_call_request(u->call, "AccountGet", name_only(u->name), error);
    bool answer = false;

    if (!account)
        return false;
    const char *trust = cli_text(account, "trust");
    if (strcmp(trust, "ask") == 0)
        answer = ask_first(u, seen);
    else if (g_str_has_prefix(trust, "sha256:"))
        answer = ask_changed(u, trust + strlen("sha256:"), seen);
    else
        cli_complain(_("the certificate of the server (%s) is not signed by a trusted authority"),
                     seen);
    json_decref(account);
    return answer;
}

static json_t *
pin_and_retry(const struct up *u, const char *seen, GError **error)
{
    static const char *const steps[] = {"Down", "AccountSet", "Up"};
    json_t *result = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        json_t *params = name_only(u->name);
        if (i == 1)
            json_object_set_new(params, "trust", json_sprintf("sha256:%s", seen));
        json_decref(result);
        result = cli_call_request(u->call, steps[i], params, error);
        if (!result)
            return NULL;
    }
    return result;
}

/* ---- up ---- */

static void
print_up(const struct up *u)
{
    if (u->global->json) {
        cli_print_json(u->status);
        return;
    }
    const json_t *list = json_object_get(u->status, "addresses");
    const char *address = json_string_value(json_array_get(list, 0));

    if (address)
        /* Translators: an adapter's name and its address. */
        g_print(_("connected: adapter %s, address %s\n"), cli_text(u->status, "adapter"), address);
    else
        g_print(_("connected: adapter %s\n"), cli_text(u->status, "adapter"));
    if (*cli_text(u->status, "network_problem"))
        cli_complain("%s", cli_text(u->status, "network_problem"));
}

static bool
is_usable(const json_t *s)
{
    bool wants = json_is_true(json_object_get(s, "wants_address"));

    return strcmp(cli_text(s, "state"), "established") == 0 &&
           (!wants || json_array_size(json_object_get(s, "addresses")) > 0);
}

/* Looks at the last status. True when the outcome is clear: *end. */
static bool
judge(struct up *u, enum cli_exit *end, GError **error)
{
    json_t *problem = json_object_get(u->status, "error");
    json_int_t code = json_integer_value(json_object_get(problem, "code"));
    const char *seen = cli_text(u->status, "fingerprint");

    *end = CLI_FAILED;
    if (is_usable(u->status)) {
        print_up(u);
        *end = *cli_text(u->status, "network_problem") ? CLI_FAILED : CLI_OK;
        return true;
    }
    if (code == PE_CERT_NOT_TRUSTED && *seen && u->questions++ == 0) {
        g_autofree char *fingerprint = g_strdup(seen);
        json_t *status = ask(u, fingerprint, error) ? pin_and_retry(u, fingerprint, error) : NULL;
        if (!status) {
            if (error && !*error)
                cli_complain("%s", cli_text(problem, "message"));
            return true;
        }
        json_decref(u->status);
        u->status = status;
        return false;
    }
    if (strcmp(cli_text(u->status, "state"), "down") != 0)
        return false;
    cli_complain("%s", *cli_text(problem, "message") ? cli_text(problem, "message")
                                                     : _("the account was taken down"));
    return true;
}

static void
complain_late(const struct up *u)
{
    const char *why = cli_text(json_object_get(u->status, "error"), "message");
    const char *problem = cli_text(u->status, "network_problem");

    if (strcmp(cli_text(u->status, "state"), "established") == 0)
        cli_complain(*problem ? "%s" : _("connected, but without an address so far%s"), problem);
    else
        cli_complain(_("not connected in time%s%s; polyether-clientd goes on trying"),
                     *why ? ": " : "", why);
}

static enum cli_exit
wait_until_up(struct up *u, GError **error)
{
    enum cli_exit end;

    while (!judge(u, &end, error)) {
        json_t *event = cli_call_event(u->call, u->until_us, error);
        if (!event) {
            if (!error || !*error)
                complain_late(u);
            return CLI_FAILED;
        }
        if (strcmp(cli_text(event, "name"), u->name) == 0) {
            json_decref(u->status);
            u->status = event;
        } else {
            json_decref(event);
        }
    }
    return end;
}

static enum cli_exit
start(struct up *u, int wait_s, GError **error)
{
    json_t *all = cli_call_request(u->call, "Watch", NULL, error);

    if (!all)
        return CLI_FAILED;
    json_decref(all);
    u->status = cli_call_request(u->call, "Up", name_only(u->name), error);
    if (!u->status)
        return CLI_FAILED;
    if (wait_s > 0)
        return wait_until_up(u, error);
    if (u->global->json)
        cli_print_json(u->status);
    return CLI_OK;
}

enum cli_exit
cli_up(struct cli_global *g, int argc, char **argv)
{
    gboolean yes = FALSE;
    gint wait_s = WAIT_DEFAULT_S;
    const GOptionEntry entries[] = {
        {"yes", 0, 0, G_OPTION_ARG_NONE, &yes, N_("Trust the server's certificate at first sight"),
         NULL},
        {"wait", 0, 0, G_OPTION_ARG_INT, &wait_s,
         N_("Wait until the account is usable (default: 30; 0: do not wait)"), N_("SECONDS")},
        {0},
    };
    g_autoptr(GError) error = NULL;

    if (!cli_parse(g, entries, _("NAME - connect an account"), &argc, &argv) ||
        !cli_want_args(argc, 1, 1))
        return CLI_USAGE;
    if (wait_s < 0 || wait_s > WAIT_MOST_S) {
        cli_complain(_("the time to wait is not one"));
        return CLI_USAGE;
    }
    struct up u = {.global = g, .call = cli_call_open(g), .name = argv[1], .yes = yes};
    if (!u.call)
        return CLI_NO_DAEMON;
    u.until_us = g_get_monotonic_time() + wait_s * G_USEC_PER_SEC;
    enum cli_exit end = start(&u, wait_s, &error);
    if (error)
        end = cli_fail(error);
    json_decref(u.status);
    cli_call_close(u.call);
    return end;
}

/* ---- down, status ---- */

enum cli_exit
cli_down(struct cli_global *g, int argc, char **argv)
{
    if (!cli_parse(g, NULL, _("NAME - disconnect an account"), &argc, &argv) ||
        !cli_want_args(argc, 1, 1))
        return CLI_USAGE;
    return cli_call_once(g, "Down", name_only(argv[1]), cli_print_nothing);
}

enum cli_exit
cli_status(struct cli_global *g, int argc, char **argv)
{
    if (!cli_parse(g, NULL, _("[NAME] - how one account is, or all are"), &argc, &argv) ||
        !cli_want_args(argc, 0, 1))
        return CLI_USAGE;
    if (argc == 1)
        return cli_call_once(g, "Status", NULL, cli_print_status_list);
    return cli_call_once(g, "Status", name_only(argv[1]), cli_print_status);
}
