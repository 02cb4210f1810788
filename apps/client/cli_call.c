/* SPDX-License-Identifier: Apache-2.0 */
/* cli_call.c - the control socket from the asking side; see control.h for what is said there. */
#include "apps/client/cli.h"
#include "core/base/error.h"
#include "core/base/secret.h"
#include "platform/platform.h"

#include <glib/gi18n.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { READ_CHUNK = 16384, ANSWER_MAX = 64 * 1024 * 1024, ANSWER_S = 60 };

struct cli_call {
    int fd;
    json_int_t id;
    GByteArray *in;
};

static char *
socket_path(const struct cli_global *g, GError **error)
{
    if (g->socket)
        return g_strdup(g->socket);
    g_autofree char *folder =
        g->state ? g_strdup(g->state) : pf_folder(PF_FOLDER_RUNTIME, "polyether", error);
    return folder ? g_build_filename(folder, "client.sock", NULL) : NULL;
}

static int
connect_to(const char *path, GError **error)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};

    if (g_strlcpy(sa.sun_path, path, sizeof sa.sun_path) >= sizeof sa.sun_path) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NAMETOOLONG,
                    _("the path %s is too long for a socket"), path);
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&sa, sizeof sa) == 0)
        return fd;
    int err = errno;
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(err),
                _("polyether-clientd cannot be reached at %s: %s"), path, g_strerror(err));
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

struct cli_call *
cli_call_open(const struct cli_global *g)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = socket_path(g, &error);
    int fd = path ? connect_to(path, &error) : -1;

    if (fd < 0) {
        cli_complain("%s", error->message);
        return NULL;
    }
    struct cli_call *c = g_new0(struct cli_call, 1);
    c->fd = fd;
    c->in = g_byte_array_new();
    return c;
}

void
cli_call_close(struct cli_call *c)
{
    (void)close(c->fd);
    g_byte_array_unref(c->in);
    g_free(c);
}

static bool
lost(GError **error)
{
    g_set_error_literal(error, PE_ERROR, PE_DISCONNECTED,
                        _("polyether-clientd closed the connection"));
    return false;
}

static bool
send_all(struct cli_call *c, const char *text, size_t len, GError **error)
{
    while (len > 0) {
        ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return lost(error);
        text += n;
        len -= (size_t)n;
    }
    return true;
}

/* The first whole line, taken out; NULL when there is none yet. */
static json_t *
take_line(struct cli_call *c)
{
    const guint8 *end = c->in->len > 0 ? memchr(c->in->data, '\n', c->in->len) : NULL;

    if (!end)
        return NULL;
    size_t len = (size_t)(end - c->in->data);
    json_t *o = json_loadb((const char *)c->in->data, len, 0, NULL);
    g_byte_array_remove_range(c->in, 0, (guint)len + 1);
    return o ? o : json_null();
}

/* The next object of the daemon, or NULL: without error when the time is over. */
static json_t *
next_line(struct cli_call *c, gint64 until_us, GError **error)
{
    for (;;) {
        json_t *o = take_line(c);
        if (o)
            return o;
        gint64 left_ms = (until_us - g_get_monotonic_time() + 999) / 1000;
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        int ready = poll(&p, 1, (int)CLAMP(left_ms, 0, 3600 * 1000));
        if (ready == 0)
            return NULL;
        if (ready < 0)
            continue;
        guint8 chunk[READ_CHUNK];
        ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
        if (n <= 0 || c->in->len > ANSWER_MAX) {
            (void)lost(error);
            return NULL;
        }
        g_byte_array_append(c->in, chunk, (guint)n);
    }
}

static json_t *
result_of(json_t *answer, GError **error)
{
    json_t *problem = json_object_get(answer, "error");
    json_t *result = json_object_get(answer, "result");

    if (result)
        return json_incref(result);
    json_int_t code = json_integer_value(json_object_get(problem, "code"));
    const char *message = json_string_value(json_object_get(problem, "message"));
    g_set_error_literal(error, PE_ERROR, code > 0 ? (gint)code : PE_INTERNAL,
                        message ? message : _("polyether-clientd gave no answer"));
    return NULL;
}

json_t *
cli_call_request(struct cli_call *c, const char *method, json_t *params, GError **error)
{
    json_t *request = json_pack("{s:I, s:s, s:o}", "id", ++c->id, "method", method, "params",
                                params ? params : json_object());
    char *text = json_dumps(request, JSON_COMPACT);
    bool sent = send_all(c, text, strlen(text), error) && send_all(c, "\n", 1, error);
    gint64 until_us = g_get_monotonic_time() + ANSWER_S * G_USEC_PER_SEC;

    secret_wipe(text, strlen(text));
    free(text);
    json_decref(request);
    while (sent) {
        json_t *answer = next_line(c, until_us, error);
        if (!answer)
            break;
        bool mine = json_integer_value(json_object_get(answer, "id")) == c->id;
        json_t *result = mine ? result_of(answer, error) : NULL;
        json_decref(answer);
        if (mine)
            return result;
    }
    if (error && !*error)
        g_set_error_literal(error, PE_ERROR, PE_DISCONNECTED,
                            _("polyether-clientd does not answer"));
    return NULL;
}

json_t *
cli_call_event(struct cli_call *c, gint64 until_us, GError **error)
{
    for (;;) {
        json_t *line = next_line(c, until_us, error);
        if (!line)
            return NULL;
        json_t *params = json_object_get(line, "event") ? json_object_get(line, "params") : NULL;
        json_incref(params);
        json_decref(line);
        if (params)
            return params;
    }
}

enum cli_exit
cli_call_once(const struct cli_global *g, const char *method, json_t *params,
              void (*print)(const json_t *result))
{
    g_autoptr(GError) error = NULL;
    struct cli_call *c = cli_call_open(g);

    if (!c) {
        json_decref(params);
        return CLI_NO_DAEMON;
    }
    json_t *result = cli_call_request(c, method, params, &error);
    cli_call_close(c);
    if (!result)
        return cli_fail(error);
    if (g->json)
        cli_print_json(result);
    else
        print(result);
    json_decref(result);
    return CLI_OK;
}
