/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_radius.c - the RADIUS servers of a hub. */
#include "apps/ctl/ctl.h"
#include "core/base/secret.h"

#include <stdio.h>
#include <string.h>

enum { POLL_MS = 250, SLACK_MS = 2000 };

const struct ctl_option ctl_radius_set_options[] = {
    {"--servers", N_("LIST|none"),
     N_("servers, HOST or HOST:PORT, with commas between, in the order in which to ask"), false},
    {"--secret-stdin", NULL,
     N_("the shared secret is the input: one line for all servers, or one a "
        "server"),
     false},
    {"--secret-file", N_("FILE"), N_("the same from this file"), false},
    {"--port", N_("PORT"), N_("of servers that name none"), false},
    {"--interval", N_("MS"), N_("before a request is sent again"), false},
    {"--timeout", N_("MS"), N_("for one server, before the next is asked"), false},
    {"--accounting", N_("on|off"), N_("report sessions to the servers"), false},
    {"--accounting-port", N_("PORT"), N_("for that"), false},
    {"--interim", N_("SECONDS"), N_("between reports, 0: as the server says"), false},
    {"--message-authenticator", N_("on|off"),
     N_("replies must have one; without it they can be forged"), false},
    {"--nas-identifier", N_("NAME|none"), N_("what the hub calls itself; none: its name"), false},
    {NULL, NULL, NULL, false},
};

static const struct ctl_field_option numbers[] = {
    {"--port", "RadiusPort_u32", NULL},
    {"--interval", "RadiusRetryInterval_u32", NULL},
    {"--timeout", "RadiusRetryTimeout_u32", NULL},
    {"--accounting-port", "RadiusAccountingPort_u32", NULL},
    {"--interim", "RadiusInterim_u32", NULL},
    {NULL, NULL, NULL},
};

static const struct {
    const char *option, *field;
} switches[] = {
    {"--accounting", "RadiusAccounting_bool"},
    {"--message-authenticator", "RadiusAuthenticator_bool"},
};

static bool
take_switches(const struct ctl_args *args, struct record *in)
{
    for (unsigned i = 0; i < ARRAY_LEN(switches); i++) {
        const char *value = ctl_value(args, switches[i].option);
        if (!value)
            continue;
        bool on = strcmp(value, "on") == 0;
        if (!on && strcmp(value, "off") != 0) {
            ctl_complain(_("%s is either on or off"), switches[i].option);
            return false;
        }
        record_set_bool(in, switches[i].field, on);
    }
    return true;
}

/* The whole input: a line a server. */
static bool
take_secrets(const struct ctl_args *args, struct record *in)
{
    const char *file = ctl_value(args, "--secret-file");
    g_autoptr(GError) error = NULL;
    char *text = NULL;

    if (!file && !ctl_has(args, "--secret-stdin"))
        return true;
    if (!g_file_get_contents(file ? file : "/dev/stdin", &text, NULL, &error)) {
        ctl_complain("%s", error->message);
        return false;
    }
    g_strchomp(text);
    if (text[0])
        record_set_text(in, "RadiusSecret_str", text);
    else
        ctl_complain(_("the secret is empty"));
    bool ok = text[0] != '\0';
    secret_free_str(text);
    return ok;
}

static void
take_name(const struct ctl_args *args, const char *option, struct record *in, const char *field)
{
    const char *value = ctl_value(args, option);

    if (value)
        record_set_text(in, field, strcmp(value, "none") == 0 ? "" : value);
}

/* What is left out stays as it is. */
enum ctl_exit
ctl_run_radius_set(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    enum ctl_exit result = CTL_OK;
    g_autoptr(record_t) in = record_new();

    if (args->names->len == 0)
        return ctl_usage(cmd, _("there is nothing to change"));
    record_set_text(in, "HubName_str", ctl_arg(args, 0));
    g_autoptr(record_t) old = ctl_call(c, "GetHubRadius", in, NULL, &result);
    if (!old)
        return result;
    record_copy(in, old, "RadiusServerName_str");
    record_copy(in, old, "RadiusPort_u32");
    record_copy(in, old, "RadiusRetryInterval_u32");
    take_name(args, "--servers", in, "RadiusServerName_str");
    take_name(args, "--nas-identifier", in, "RadiusNasIdentifier_str");
    return take_switches(args, in) && ctl_take_options(numbers, args, in) && take_secrets(args, in)
               ? ctl_change(c, "SetHubRadius", in)
               : CTL_USAGE;
}

static bool
is_waiting(const struct record *status)
{
    for (unsigned i = 0; i < record_count(status, "ServerList"); i++)
        if (strcmp(record_text(record_at(status, "ServerList", i), "Test_str"),
                   "it is being asked") == 0)
            return true;
    return false;
}

static bool
show_results(const struct record *status)
{
    bool fine = record_count(status, "ServerList") > 0;

    if (!fine)
        ctl_complain(_("the hub has no RADIUS server"));
    for (unsigned i = 0; i < record_count(status, "ServerList"); i++) {
        const struct record *row = record_at(status, "ServerList", i);
        const char *result = record_text(row, "Test_str");
        printf("%s:%u  %s\n", record_text(row, "Host_str"), record_u32(row, "Port_u32"), result);
        fine &= g_str_has_prefix(result, "it answers");
    }
    return fine;
}

/* Waits until each has answered, or had its time. */
enum ctl_exit
ctl_run_radius_test(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    enum ctl_exit result = CTL_OK;
    g_autoptr(record_t) in = record_new();

    (void)cmd;
    record_set_text(in, "HubName_str", ctl_arg(args, 0));
    g_autoptr(record_t) begun = ctl_call(c, "TestHubRadius", in, NULL, &result);
    g_autoptr(record_t) status = begun ? ctl_call(c, "GetHubRadius", in, NULL, &result) : NULL;
    int64_t end_us = g_get_monotonic_time();
    if (status)
        end_us += (record_u32(status, "RadiusRetryTimeout_u32") + SLACK_MS) * INT64_C(1000);
    while (status && is_waiting(status) && g_get_monotonic_time() < end_us) {
        g_usleep(POLL_MS * 1000);
        record_free(status);
        status = ctl_call(c, "GetHubRadius", in, NULL, &result);
    }
    if (!status)
        return result;
    return show_results(status) ? CTL_OK : CTL_REFUSED;
}
