/* SPDX-License-Identifier: Apache-2.0 */
/* clientd.c - polyether-clientd: the service that owns the virtual adapters. Options, signals, the
 * loop. */
#include "apps/client/daemon.h"
#include "core/base/log.h"
#include "platform/platform.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include <errno.h>
#include <libintl.h>
#include <locale.h>
#include <signal.h>
#include <string.h>

struct options {
    char *state, *socket, *log_level;
    gboolean version;
};

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

static bool
parse_log_level(const char *text, enum log_level *out)
{
    static const char *const names[] = {[LOG_ERROR] = "error",
                                        [LOG_WARNING] = "warning",
                                        [LOG_INFO] = "info",
                                        [LOG_DEBUG] = "debug"};

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* The state folder and the socket's path, made as far as folders go. */
static bool
resolve_folders(struct options *o, GError **error)
{
    if (!o->socket) {
        g_autofree char *folder =
            o->state ? g_strdup(o->state) : pf_folder(PF_FOLDER_RUNTIME, "polyether", error);
        if (!folder)
            return false;
        o->socket = g_build_filename(folder, "client.sock", NULL);
    }
    if (!o->state)
        o->state = pf_folder(PF_FOLDER_STATE, "polyether", error);
    if (!o->state)
        return false;
    if (g_mkdir_with_parents(o->state, 0700) != 0) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    _("the folder %s cannot be made: %s"), o->state, g_strerror(errno));
        return false;
    }
    return true;
}

static gboolean
on_signal(gpointer data)
{
    g_main_loop_quit(data);
    return G_SOURCE_CONTINUE;
}

static void
warn_without_rights(void)
{
    if (!pf_can(PF_CAP_NET_ADMIN) || !pf_can(PF_CAP_TAP))
        log_warning("no right to make virtual adapters and to set addresses and routes: start this "
                    "service as root or with CAP_NET_ADMIN, where /dev/net/tun can be opened",
                    NULL);
}

static int
run(const struct options *o, GError **error)
{
    if (!pf_harden(true, false, false, error))
        return EXIT_FAILED;
    warn_without_rights();
    struct daemon *d = daemon_new(o->state, o->socket, error);
    if (!d)
        return EXIT_FAILED;
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    guint term = g_unix_signal_add(SIGTERM, on_signal, loop);
    guint intr = g_unix_signal_add(SIGINT, on_signal, loop);

    daemon_start_accounts(d);
    log_info("started", "version=%s state=%s socket=%s", POLYETHER_VERSION, o->state, o->socket);
    pf_service_notify("READY=1");
    g_main_loop_run(loop);
    pf_service_notify("STOPPING=1");
    daemon_free(d);
    log_info("stopped", NULL);
    g_source_remove(term);
    g_source_remove(intr);
    return 0;
}

static int
usage_error(const char *message)
{
    g_printerr("polyether-clientd: %s\n", message);
    return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
    struct options o = {0};
    const GOptionEntry entries[] = {
        {"state", 0, 0, G_OPTION_ARG_FILENAME, &o.state,
         N_("Folder of accounts and keys (default: the system's)"), N_("DIR")},
        {"socket", 0, 0, G_OPTION_ARG_FILENAME, &o.socket,
         N_("Control socket (default: client.sock in the runtime folder, or in DIR)"), N_("PATH")},
        {"log-level", 0, 0, G_OPTION_ARG_STRING, &o.log_level,
         N_("error, warning, info or debug (default: info)"), N_("LEVEL")},
        {"version", 0, 0, G_OPTION_ARG_NONE, &o.version, N_("Print the version and exit"), NULL},
        {0},
    };
    g_autoptr(GError) error = NULL;
    enum log_level level = LOG_INFO;

    (void)setlocale(LC_ALL, ""); // NOLINT(concurrency-mt-unsafe): there is one thread yet /*
                                 // NOLINT(concurrency-mt-unsafe): there are no threads yet */
    (void)bindtextdomain("polyether", POLYETHER_LOCALEDIR);
    (void)bind_textdomain_codeset("polyether", "UTF-8");
    (void)textdomain("polyether");
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_set_summary(context, _("The client's service of Polyether: it owns virtual "
                                            "network adapters and keeps them connected."));
    g_option_context_add_main_entries(context, entries, "polyether");
    if (!g_option_context_parse(context, &argc, &argv, &error))
        return usage_error(error->message);
    if (argc > 1)
        return usage_error(_("there are no arguments, only options (see --help)"));
    if (o.version) {
        g_print("polyether-clientd %s\n", POLYETHER_VERSION);
        return 0;
    }
    if (o.log_level && !parse_log_level(o.log_level, &level))
        return usage_error(_("the log level is not error, warning, info or debug"));
    log_setup(level, g_getenv("JOURNAL_STREAM") != NULL);

    int status = resolve_folders(&o, &error) ? run(&o, &error) : EXIT_FAILED;
    if (error)
        log_error("cannot run", "reason=\"%s\"", error->message);
    g_free(o.state);
    g_free(o.socket);
    g_free(o.log_level);
    return status;
}
