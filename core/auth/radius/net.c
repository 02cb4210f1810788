/* SPDX-License-Identifier: Apache-2.0 */
/* net.c - see net.h.
 *
 * What cannot be sent (no address yet, no route) is as good as lost: the client sends it again. A
 * look-up that is under way when the net goes away is cancelled, and finds nobody.
 */

#include "core/auth/radius/net.h"

#include "core/base/addr.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/base/secret.h"

#include <gio/gio.h>

#include <sys/socket.h>

#define US INT64_C(1000000)

enum { DATAGRAMS_A_TURN = 64, LOOK_UP_AGAIN_S = 300, LOOK_UP_RETRY_S = 10 };

struct line {
    struct radius_net *net;
    unsigned index;
    char *host;
    uint16_t port;
    struct endpoint address; /* family 0: unknown */
    GSocket *socket;         /* connected; NULL: no address */
    GSource *readable;
    int64_t looked_up_us;
    GCancellable *looking_up; /* NULL: no */
};

struct radius_net {
    struct radius_client *client;
    struct line lines[RADIUS_SERVERS];
    unsigned n;
    GSource *timer;
};

static void
arm(struct radius_net *n)
{
    int64_t due_us = radius_client_deadline(n->client);

    g_source_set_ready_time(n->timer, due_us > 0 ? due_us : -1);
}

/* ---- sockets ---- */

static void
close_line(struct line *l)
{
    if (l->readable) {
        g_source_destroy(l->readable);
        g_source_unref(g_steal_pointer(&l->readable));
    }
    g_clear_object(&l->socket);
}

static gboolean
on_readable(GSocket *socket, GIOCondition condition, gpointer data)
{
    struct line *l = data;
    struct radius_net *n = l->net;
    uint8_t bytes[RADIUS_PACKET_MAX];

    (void)condition;
    g_object_ref(socket);
    g_source_ref(l->readable);
    GSource *source = l->readable;
    for (unsigned i = 0; i < DATAGRAMS_A_TURN && !g_source_is_destroyed(source); i++) {
        gssize got = g_socket_receive(socket, (char *)bytes, sizeof(bytes), NULL, NULL);
        if (got < 0)
            break; /* nothing left; or a port unreachable, which is taken off by reading it */
        radius_client_receive(n->client, l->index, reader_of(bytes, (size_t)got), clock_now_us());
    }
    if (!g_source_is_destroyed(source))
        arm(n);
    g_source_unref(source);
    g_object_unref(socket);
    return G_SOURCE_CONTINUE;
}

static void
connect_line(struct line *l, const struct endpoint *to)
{
    struct sockaddr_storage storage;
    unsigned len = endpoint_to_sockaddr(to, &storage);
    g_autoptr(GSocketAddress) address = g_socket_address_new_from_native(&storage, len);
    g_autoptr(GError) error = NULL;

    close_line(l);
    l->address = *to;
    l->socket = g_socket_new(to->ip.family == 6 ? G_SOCKET_FAMILY_IPV6 : G_SOCKET_FAMILY_IPV4,
                             G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, &error);
    if (l->socket)
        g_socket_set_blocking(l->socket, FALSE);
    if (!l->socket || !g_socket_connect(l->socket, address, NULL, &error)) {
        log_debug("RADIUS server cannot be reached", "host=%s error=\"%s\"", l->host,
                  error->message);
        g_clear_object(&l->socket);
        return;
    }
    l->readable = g_socket_create_source(l->socket, G_IO_IN, NULL);
    g_source_set_callback(l->readable, G_SOURCE_FUNC(on_readable), l, NULL);
    (void)g_source_attach(l->readable, NULL);
}

/* ---- names ---- */

static bool
first_address(GList *found, uint16_t port, struct endpoint *out)
{
    for (GList *i = found; i; i = i->next) {
        g_autofree char *text = g_inet_address_to_string(i->data);
        if (ip_parse(text, &out->ip)) {
            out->port = port;
            return true;
        }
    }
    return false;
}

static void
on_looked_up(GObject *resolver, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    GList *found = g_resolver_lookup_by_name_finish(G_RESOLVER(resolver), result, &error);
    struct endpoint to = {0};

    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return; /* the line is gone */
    struct line *l = data;
    g_clear_object(&l->looking_up);
    l->looked_up_us = clock_now_us();
    if (!first_address(found, l->port, &to))
        log_debug("RADIUS server not found", "host=%s error=\"%s\"", l->host,
                  error ? error->message : "it has no address");
    else if (!l->socket || !ip_equal(&to.ip, &l->address.ip))
        connect_line(l, &to);
    g_resolver_free_addresses(found);
}

static void
look_up(struct line *l)
{
    g_autoptr(GResolver) resolver = g_resolver_get_default();
    int64_t again_s = l->socket ? LOOK_UP_AGAIN_S : LOOK_UP_RETRY_S;
    struct endpoint to = {.port = l->port};

    if (l->looking_up || (l->looked_up_us != 0 && clock_now_us() - l->looked_up_us < again_s * US))
        return;
    if (ip_parse(l->host, &to.ip)) {
        if (!l->socket)
            connect_line(l, &to);
        return;
    }
    l->looking_up = g_cancellable_new();
    g_resolver_lookup_by_name_async(resolver, l->host, l->looking_up, on_looked_up, l);
}

/* ---- the client's ---- */

static void
on_send(void *owner, unsigned server, const void *bytes, size_t len)
{
    struct radius_net *n = owner;
    struct line *l = &n->lines[server];

    look_up(l);
    if (l->socket)
        (void)g_socket_send(l->socket, bytes, len, NULL, NULL); /* else it is lost */
}

static void
on_random(void *owner, void *out, size_t n)
{
    (void)owner;
    random_bytes(out, n);
}

static const struct radius_client_ops client_ops = {.send = on_send, .random = on_random};

struct timer_source {
    GSource source;
    struct radius_net *net;
};

static gboolean
on_timer(GSource *source, GSourceFunc callback, gpointer data)
{
    struct radius_net *n = ((struct timer_source *)(void *)source)->net;

    (void)callback;
    (void)data;
    g_source_set_ready_time(source, -1);
    radius_client_tick(n->client, clock_now_us());
    if (!g_source_is_destroyed(source))
        arm(n);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs timer_funcs = {.dispatch = on_timer};

/* ---- life ---- */

struct radius_net *
radius_net_new(const struct radius_net_server *servers, unsigned n_servers, int64_t interval_us,
               int64_t timeout_us)
{
    struct radius_net *n = g_new0(struct radius_net, 1);
    struct radius_client_config config = {
        .n = n_servers, .interval_us = interval_us, .timeout_us = timeout_us};

    g_assert(n_servers <= RADIUS_SERVERS);
    n->n = n_servers;
    n->timer = g_source_new(&timer_funcs, sizeof(struct timer_source));
    ((struct timer_source *)(void *)n->timer)->net = n;
    g_source_set_ready_time(n->timer, -1);
    (void)g_source_attach(n->timer, NULL);
    for (unsigned i = 0; i < n_servers; i++) {
        config.servers[i] = servers[i].config;
        n->lines[i] = (struct line){
            .net = n, .index = i, .host = g_strdup(servers[i].host), .port = servers[i].port};
        look_up(&n->lines[i]);
    }
    n->client = radius_client_new(&config, &client_ops, n);
    secret_wipe(&config, sizeof(config));
    return n;
}

void
radius_net_free(struct radius_net *n)
{
    if (!n)
        return;
    radius_client_free(n->client);
    for (unsigned i = 0; i < n->n; i++) {
        struct line *l = &n->lines[i];
        if (l->looking_up)
            g_cancellable_cancel(l->looking_up);
        g_clear_object(&l->looking_up);
        close_line(l);
        g_free(l->host);
    }
    g_source_destroy(n->timer);
    g_source_unref(n->timer);
    g_free(n);
}

uint64_t
radius_net_ask(struct radius_net *n, const struct radius_ask *ask)
{
    uint64_t number = radius_client_ask(n->client, ask, clock_now_us());

    arm(n);
    return number;
}

void
radius_net_cancel(struct radius_net *n, uint64_t number)
{
    radius_client_cancel(n->client, number);
    arm(n);
}

struct endpoint
radius_net_address(const struct radius_net *n, unsigned server)
{
    return server < n->n ? n->lines[server].address : (struct endpoint){0};
}

void
radius_net_get_stats(const struct radius_net *n, unsigned server, struct radius_server_stats *out)
{
    radius_client_get_stats(n->client, server, clock_now_us(), out);
}
