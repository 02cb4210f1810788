/* SPDX-License-Identifier: Apache-2.0 */
/* paths.c - where a program's state, sockets and logs live.
 *
 * What the service manager made for the service wins (systemd's StateDirectory= and its kin); then
 * the system's folders for root, the XDG ones for everybody else.
 */

#include "platform/platform.h"
#include "platform/unix/error_priv.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* An absolute path from the environment, or NULL. */
static const char *
from_environment(const char *variable)
{
    const char *value = g_getenv(variable);
    return value != NULL && g_path_is_absolute(value) ? value : NULL;
}

/* The service manager's variables are lists with colons: the first is the program's own. */
static char *
from_service_manager(const char *variable)
{
    const char *value = from_environment(variable);
    return value != NULL ? g_strndup(value, strcspn(value, ":")) : NULL;
}

static char *
user_state(const char *program)
{
    const char *xdg = from_environment("XDG_STATE_HOME");
    if (xdg != NULL)
        return g_build_filename(xdg, program, NULL);
    return g_build_filename(g_get_home_dir(), ".local", "state", program, NULL);
}

static char *
user_folder(enum pf_folder which, const char *program)
{
    g_autofree char *state = user_state(program);
    if (which == PF_FOLDER_STATE)
        return g_steal_pointer(&state);
    if (which == PF_FOLDER_LOG)
        return g_build_filename(state, "log", NULL);
    const char *xdg = from_environment("XDG_RUNTIME_DIR");
    if (xdg != NULL && g_file_test(xdg, G_FILE_TEST_IS_DIR))
        return g_build_filename(xdg, program, NULL);
    return g_build_filename(state, "run", NULL);
}

char *
pf_folder(enum pf_folder which, const char *program, GError **error)
{
    static const struct {
        const char *variable;
        const char *system;
    } place[] = {
        [PF_FOLDER_STATE] = {"STATE_DIRECTORY", "/var/lib"},
        [PF_FOLDER_RUNTIME] = {"RUNTIME_DIRECTORY", "/run"},
        [PF_FOLDER_LOG] = {"LOGS_DIRECTORY", "/var/log"},
    };
    g_return_val_if_fail((size_t)which < G_N_ELEMENTS(place), NULL);

    g_autofree char *path = from_service_manager(place[which].variable);
    if (path == NULL && geteuid() == 0)
        path = g_build_filename(place[which].system, program, NULL);
    if (path == NULL)
        path = user_folder(which, program);
    if (g_mkdir_with_parents(path, 0700) < 0) {
        (void)pf_fail(error, errno, "cannot make the folder '%s'", path);
        return NULL;
    }
    return g_steal_pointer(&path);
}
