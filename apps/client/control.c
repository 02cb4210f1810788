/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - see control.h. */
#include "apps/client/control.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "platform/platform.h"

#include <glib-unix.h>
#include <glib/gstdio.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_CHUNK = 16384 };

struct peer {
    struct control *control;
    int fd;
    guint source;
    GIOCondition watched;
    GByteArray *in, *out;
    bool wants_events;
    bool is_ending; /* cut off as soon as nobody is inside */
};

struct control {
    char *path;
    int fd;
    guint source;
    control_call *call;
    void *owner;
    GPtrArray *peers; /* struct peer, owned */
    guint reaper;     /* GSource id, or 0 */
};

static void
peer_free(void *data)
{
    struct peer *p = data;

    if (p->source)
        g_source_remove(p->source);
    pf_close(p->fd);
    g_byte_array_unref(p->in);
    g_byte_array_unref(p->out);
    g_free(p);
}

/* ---- out ---- */

static gboolean on_peer_ready(gint fd, GIOCondition events, gpointer data);

static void
watch_fd(struct peer *p, GIOCondition events)
{
    if (p->source && p->watched == events)
        return;
    if (p->source)
        g_source_remove(p->source);
    p->watched = events;
    p->source = g_unix_fd_add(p->fd, events, on_peer_ready, p);
}

static void
flush(struct peer *p)
{
    while (p->out->len > 0) {
        long n = pf_send(p->fd, p->out->data, p->out->len);
        if (n == -1)
            break;
        if (n <= 0) {
            p->is_ending = true;
            return;
        }
        g_byte_array_remove_range(p->out, 0, (guint)n);
    }
    if (p->out->len > CONTROL_UNSENT_MAX)
        p->is_ending = true;
    else
        watch_fd(p, p->out->len > 0 ? G_IO_IN | G_IO_OUT : G_IO_IN);
}

static void
put_line(struct peer *p, const json_t *message)
{
    char *text = json_dumps(message, JSON_COMPACT);

    if (!text) /* text that is not UTF-8: ours is */
        return;
    g_byte_array_append(p->out, (const guint8 *)text, (guint)strlen(text));
    g_byte_array_append(p->out, (const guint8 *)"\n", 1);
    free(text);
}

/* ---- in ---- */

static json_t *
error_object(int code, const char *message)
{
    g_autofree char *valid = g_utf8_make_valid(message, -1);
    return json_pack("{s:i, s:s}", "code", code, "message", valid);
}

/* Codes of other domains (files, the network) mean one thing to a client: it did not work. */
static json_t *
error_to_json(const GError *error)
{
    return error_object(error->domain == PE_ERROR ? error->code : PE_INTERNAL, error->message);
}

static void
handle_line(struct peer *p, const char *line, size_t len)
{
    json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    const char *method = json_string_value(json_object_get(request, "method"));
    json_t *params = json_object_get(request, "params");
    json_t *id = json_object_get(request, "id");
    json_t *answer = json_object();
    json_t *empty = json_object();
    g_autoptr(GError) error = NULL;
    bool watch = false;

    json_object_set_new(answer, "id", id ? json_incref(id) : json_null());
    if (!method || (params && !json_is_object(params))) {
        json_object_set_new(answer, "error",
                            error_object(PE_INVALID_PARAMETER, "this is not a request"));
    } else {
        const struct control *c = p->control;
        json_t *result = c->call(c->owner, method, params ? params : empty, &watch, &error);
        if (result)
            json_object_set_new(answer, "result", result);
        else
            json_object_set_new(answer, "error", error_to_json(error));
        p->wants_events |= watch;
    }
    put_line(p, answer);
    json_decref(answer);
    json_decref(empty);
    json_decref(request);
}

static void
handle_lines(struct peer *p)
{
    guint done = 0;

    while (done < p->in->len) {
        const guint8 *start = p->in->data + done;
        const guint8 *end = memchr(start, '\n', p->in->len - done);
        if (!end)
            break;
        handle_line(p, (const char *)start, (size_t)(end - start));
        done += (guint)(end - start) + 1;
    }
    if (done > 0) { /* a request may have had a password in it */
        memset(p->in->data, 0, done);
        g_byte_array_remove_range(p->in, 0, done);
    }
    if (p->in->len > CONTROL_LINE_MAX)
        p->is_ending = true;
}

static void
receive(struct peer *p)
{
    uint8_t chunk[READ_CHUNK];
    long n = pf_recv(p->fd, chunk, sizeof chunk);

    if (n == -1)
        return;
    if (n <= 0) {
        p->is_ending = true;
        return;
    }
    g_byte_array_append(p->in, chunk, (guint)n);
    memset(chunk, 0, (size_t)n);
    handle_lines(p);
}

static gboolean
on_peer_ready(gint fd, GIOCondition events, gpointer data)
{
    struct peer *p = data;
    (void)fd;

    if (events & (G_IO_IN | G_IO_HUP | G_IO_ERR))
        receive(p);
    if (!p->is_ending)
        flush(p);
    if (p->is_ending)
        g_ptr_array_remove_fast(p->control->peers, p); /* frees, with its source */
    return G_SOURCE_CONTINUE;
}

/* ---- the door ---- */

static bool
may_come_in(const struct control *c, int fd)
{
    uint32_t uid, gid;
    int32_t pid;

    if (c->peers->len >= CONTROL_CONNECTIONS) {
        log_warning("too many connections to the control socket", NULL);
        return false;
    }
    if (!pf_unix_peer(fd, &uid, &gid, &pid))
        return false;
    if (uid == 0 || uid == (uint32_t)geteuid())
        return true;
    log_warning("a user without the right to it came to the control socket", "uid=%u",
                (unsigned)uid);
    return false;
}

static gboolean
on_door(gint listener, GIOCondition events, gpointer data)
{
    struct control *c = data;
    struct sockaddr_storage from;
    unsigned len = sizeof from;
    (void)events;

    int fd = pf_tcp_accept(listener, &from, &len);
    if (fd < 0)
        return G_SOURCE_CONTINUE;
    if (!may_come_in(c, fd)) {
        pf_close(fd);
        return G_SOURCE_CONTINUE;
    }
    struct peer *p = g_new0(struct peer, 1);
    p->control = c;
    p->fd = fd;
    p->in = g_byte_array_new();
    p->out = g_byte_array_new();
    g_ptr_array_add(c->peers, p);
    watch_fd(p, G_IO_IN);
    return G_SOURCE_CONTINUE;
}

struct control *
control_new(const char *path, control_call *call, void *owner, GError **error)
{
    int fd = pf_unix_listen(path, 0600, error);

    if (fd < 0)
        return NULL;
    struct control *c = g_new0(struct control, 1);
    c->path = g_strdup(path);
    c->fd = fd;
    c->call = call;
    c->owner = owner;
    c->peers = g_ptr_array_new_with_free_func(peer_free);
    c->source = g_unix_fd_add(fd, G_IO_IN, on_door, c);
    return c;
}

void
control_free(struct control *c)
{
    if (!c)
        return;
    g_source_remove(c->source);
    if (c->reaper)
        g_source_remove(c->reaper);
    g_ptr_array_unref(c->peers);
    pf_close(c->fd);
    (void)g_unlink(c->path);
    g_free(c->path);
    g_free(c);
}

/* Cuts off those who ended outside of their own events. */
static gboolean
on_reap(gpointer data)
{
    struct control *c = data;

    c->reaper = 0;
    for (guint i = c->peers->len; i-- > 0;) {
        const struct peer *p = g_ptr_array_index(c->peers, i);
        if (p->is_ending)
            g_ptr_array_remove_index_fast(c->peers, i);
    }
    return G_SOURCE_REMOVE;
}

/* Only queues, and leaves sending and cutting off to the loop: an event may come from inside a
 * request of the same peer. */
void
control_event(struct control *c, const char *event, json_t *params)
{
    json_t *message = json_pack("{s:s, s:o}", "event", event, "params", params);

    for (guint i = 0; i < c->peers->len; i++) {
        struct peer *p = g_ptr_array_index(c->peers, i);
        if (!p->wants_events || p->is_ending)
            continue;
        put_line(p, message);
        p->is_ending = p->out->len > CONTROL_UNSENT_MAX;
        if (!p->is_ending)
            watch_fd(p, G_IO_IN | G_IO_OUT);
        else if (!c->reaper)
            c->reaper = g_idle_add(on_reap, c);
    }
    json_decref(message);
}
