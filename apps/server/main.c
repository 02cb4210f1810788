/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - polyether-server: options in, a server until it is told to stop. */

#include "apps/server/options.h"
#include "apps/server/wiring.h"
#include "core/base/log.h"
#include "platform/platform.h"

#include <glib-unix.h>

#include <libintl.h>
#include <locale.h>
#include <signal.h>
#include <sys/resource.h>

static gboolean
on_signal(gpointer loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_CONTINUE;
}

/* A connection is a descriptor: take as many as we may have. */
static void
raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* with the old limit it works too */
    }
}

static int
run(const struct options *o)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);

    /* Before there is a second thread: rights are a thread's own. */
    if (!pf_harden(true, true, true, &error))
        log_warning("cannot give up rights", "error=%s", error->message);
    g_clear_error(&error);
    struct server *server = server_new(o, &error);
    if (!server) {
        log_error("cannot start", "error=%s", error->message);
        return 1;
    }

    g_unix_signal_add(SIGINT, on_signal, loop);
    g_unix_signal_add(SIGTERM, on_signal, loop);
    log_info("started", "version=%s workers=%u socket=%s", POLYETHER_VERSION, o->workers,
             o->socket);
    pf_service_notify("READY=1");
    g_main_loop_run(loop);

    pf_service_notify("STOPPING=1");
    log_info("stopping", NULL);
    server_free(server);
    log_info("stopped", NULL);
    return 0;
}

int
main(int argc, char **argv)
{
    struct options o;

    pf_memory_setup();
    (void)setlocale(LC_ALL, ""); // NOLINT(concurrency-mt-unsafe): there is one thread yet
    (void)bindtextdomain(GETTEXT_PACKAGE, POLYETHER_LOCALEDIR);
    (void)textdomain(GETTEXT_PACKAGE);
    switch (options_parse(argc, argv, &o)) {
    case OPTIONS_BAD:
        return 2;
    case OPTIONS_DONE:
        return 0;
    case OPTIONS_RUN:
        break;
    }
    log_setup(o.log_level, o.journal);
    raise_descriptor_limit();
    (void)signal(SIGPIPE, SIG_IGN);
    int status = run(&o);
    options_clear(&o);
    return status;
}
