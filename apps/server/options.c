/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - see options.h. */

#include "apps/server/options.h"

#include "core/base/types.h"
#include "core/base/worker.h"
#include "platform/platform.h"

#include <glib/gi18n.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool
parse_level(const char *text, enum log_level *out)
{
    static const char *const names[] = {[LOG_ERROR] = "error",
                                        [LOG_WARNING] = "warning",
                                        [LOG_INFO] = "info",
                                        [LOG_DEBUG] = "debug"};

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static bool
parse_ports(char *const *text, GArray **out, GError **error)
{
    if (!text)
        return true;
    *out = g_array_new(FALSE, FALSE, sizeof(uint16_t));
    for (; *text; text++) {
        char *end = NULL;
        errno = 0;
        unsigned long v = strtoul(*text, &end, 10);
        if (errno != 0 || end == *text || *end != '\0' || v < 1 || v > 65535) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        _("--listen %s: a port is a number from 1 to 65535"), *text);
            return false;
        }
        uint16_t port = (uint16_t)v;
        g_array_append_val(*out, port);
    }
    return true;
}

static bool
fill_paths(struct options *o, GError **error)
{
    bool given = o->state != NULL;

    if (!given && !(o->state = pf_folder(PF_FOLDER_STATE, "polyether", error)))
        return false;
    if (o->socket)
        return true;
    if (given) {
        o->socket = g_build_filename(o->state, "server.sock", NULL);
        return true;
    }
    g_autofree char *runtime = pf_folder(PF_FOLDER_RUNTIME, "polyether", error);
    if (runtime)
        o->socket = g_build_filename(runtime, "server.sock", NULL);
    return runtime != NULL;
}

static bool
check(struct options *o, int workers, const char *level, char *const *listen, GError **error)
{
    if (workers < 0 || workers > WORKER_MAX) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    _("--workers %d: a number from 1 to %d"), workers, WORKER_MAX);
        return false;
    }
    o->workers = workers > 0 ? (unsigned)workers : MIN(g_get_num_processors(), WORKER_MAX);
    if (level && !parse_level(level, &o->log_level)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    _("--log-level %s: one of error, warning, info, debug"), level);
        return false;
    }
    return parse_ports(listen, &o->listen, error) && fill_paths(o, error);
}

enum options_verdict
options_parse(int argc, char **argv, struct options *out)
{
    gboolean version = FALSE;
    gboolean journal = FALSE;
    int workers = 0;
    g_autofree char *level = NULL;
    g_auto(GStrv) listen = NULL;
    g_autoptr(GError) error = NULL;
    struct options o = {.log_level = LOG_INFO};
    const GOptionEntry entries[] = {
        {"state", 0, 0, G_OPTION_ARG_FILENAME, &o.state, N_("Folder of configuration and users"),
         "DIR"},
        {"socket", 0, 0, G_OPTION_ARG_FILENAME, &o.socket, N_("Socket for administration"), "PATH"},
        {"workers", 0, 0, G_OPTION_ARG_INT, &workers,
         N_("Threads for traffic (default: one a core)"), "N"},
        {"log-level", 0, 0, G_OPTION_ARG_STRING, &level, N_("error, warning, info or debug"),
         "LEVEL"},
        {"listen", 0, 0, G_OPTION_ARG_STRING_ARRAY, &listen,
         N_("Listen on this TCP port instead of the stored ones; may be repeated"), "PORT"},
        {"journal", 0, 0, G_OPTION_ARG_NONE, &journal,
         N_("Log for the journal: priorities, no times"), NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &version, N_("Print the version"), NULL},
        {0}};
    g_autoptr(GOptionContext) context = g_option_context_new(_("- all-in-one VPN server"));

    g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
    if (g_option_context_parse(context, &argc, &argv, &error) && argc > 1)
        g_set_error(&error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _("'%s' is not understood"),
                    argv[1]);
    if (error || (!version && !check(&o, workers, level, listen, &error))) {
        g_printerr(_("polyether-server: %s\nTry 'polyether-server --help'.\n"), error->message);
        options_clear(&o);
        return OPTIONS_BAD;
    }
    if (version) {
        g_print("polyether-server %s\n", POLYETHER_VERSION);
        options_clear(&o);
        return OPTIONS_DONE;
    }
    o.journal = journal;
    *out = o;
    return OPTIONS_RUN;
}

void
options_clear(struct options *o)
{
    g_free(o->state);
    g_free(o->socket);
    if (o->listen)
        g_array_unref(o->listen);
    *o = (struct options){0};
}
