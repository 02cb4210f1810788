/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - an SE-VPN session at the server: a channel on one side, a hub port on the other.
 *
 * A session lives on the worker of its first connection. Further connections may arrive at any
 * worker: they are found by the session key, moved to the session's worker, and looked up once more
 * there, where a session cannot vanish underneath. A session without connections lives on until its
 * timeout, so that its client may come back with the key.
 */

#include "core/hub/session.h"

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/random.h"
#include "core/base/types.h"
#include "core/proto/sevpn/channel.h"
#include "core/proto/sevpn/message.h"
#include "core/proto/sevpn/server_priv.h"

#include <string.h>

struct sevpn_session {
    struct sevpn_server *server;
    struct worker *worker;
    struct sevpn_channel *channel;
    struct session *session;
    GBytes *key;
};

static void
forget(struct sevpn_session *me)
{
    g_mutex_lock(&me->server->lock);
    g_hash_table_remove(me->server->by_key, me->key);
    g_mutex_unlock(&me->server->lock);
}

/* Home. Not from inside deliver(). */
static void
end(struct sevpn_session *me, int reason)
{
    forget(me);
    sevpn_channel_free(me->channel);
    session_end(me->session, reason);
    worker_unload(me->worker);
    g_bytes_unref(me->key);
    g_free(me);
}

/* ---- between channel and hub ---- */

static void
on_receive(void *owner, struct batch *b, int64_t now_us)
{
    struct sevpn_session *me = owner;

    atomic_store_explicit(&me->session->last_comm_ms, clock_wall_ms(), memory_order_relaxed);
    hub_port_receive(me->session->port, b, now_us);
}

static void
on_dropped(void *owner, enum drop why, unsigned n)
{
    struct sevpn_session *me = owner;

    hub_port_count_drop(me->session->port, why, n);
}

static void
on_writable(void *owner, int64_t now_us)
{
    (void)owner; /* a server drops instead of waiting */
    (void)now_us;
}

static void
on_connections(void *owner, unsigned n, int64_t now_us)
{
    struct sevpn_session *me = owner;

    (void)now_us;
    atomic_store_explicit(&me->session->connections, n, memory_order_relaxed);
}

static void
on_ended(void *owner, int code, int64_t now_us)
{
    (void)now_us;
    end(owner, code);
}

static const struct sevpn_channel_ops channel_ops = {.receive = on_receive,
                                                     .dropped = on_dropped,
                                                     .writable = on_writable,
                                                     .connections = on_connections,
                                                     .ended = on_ended};

static void
deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    const struct session *s = hub_port_owner(port);
    struct sevpn_session *me = s->owner;

    (void)sevpn_channel_send(me->channel, b, now_us);
}

static void
stop(struct session *s, int reason)
{
    if (s->owner)
        end(s->owner, reason);
}

static const struct session_ops session_ops = {.port = {.deliver = deliver}, .stop = stop};

/* ---- the first connection ---- */

static bool
calls_itself(const struct sevpn_login *login, const char *what)
{
    g_autofree char *name = g_ascii_strdown(login->client_name, -1);

    return strstr(name, what) != NULL;
}

/* What the session will be, from what was asked for and what the policy allows. PE_OK or why not.
 */
static int
negotiate(const struct sevpn_login *login, const struct auth_verdict *verdict,
          struct session_config *c, struct sevpn_welcome *w)
{
    struct policy policy = verdict->policy;
    uint32_t most = policy.MaxConnection > 0 ? policy.MaxConnection : SEVPN_CONNECTIONS_MAX;

    /* As the protocol has it, what calls itself a server or a bridge wants to be one. */
    bool bridge =
        login->bridge_mode || calls_itself(login, "server") || calls_itself(login, "bridge");
    if (bridge && policy.NoBridge && policy.NoRouting)
        return PE_BRIDGE_DENIED;
    if (!bridge)
        policy.NoBridge = policy.NoRouting = 1;
    if (login->monitor_mode && !policy.MonitorPort)
        return PE_MONITOR_DENIED;
    policy.MonitorPort = login->monitor_mode;

    w->qos = login->qos && !policy.NoQoS && !login->monitor_mode && most >= 2;
    w->half_duplex = login->half_duplex && most >= (w->qos ? 4 : 2);
    w->max_connections = MIN(sevpn_connections_for(login->max_connections, w->half_duplex, w->qos),
                             MIN(most, SEVPN_CONNECTIONS_MAX));
    w->timeout_ms = CLAMP(policy.TimeOut * 1000, SEVPN_TIMEOUT_MIN_MS, SEVPN_TIMEOUT_MAX_MS);
    w->encrypt = true; /* there is no other way here */
    w->compress = login->compress;
    w->super_frames = login->super_frames && !login->compress;
    w->policy = policy;
    w->vlan_id = policy.VLanId;
    w->message = "";

    c->policy = policy;
    c->max_connections = w->max_connections;
    c->compressed = w->compress;
    c->half_duplex = w->half_duplex;
    c->qos = w->qos;
    c->bridge_mode = bridge;
    c->monitor_mode = login->monitor_mode;
    c->super_frames = w->super_frames;
    c->max_frame = w->super_frames ? FRAME_LARGE - BLOCK_MARKS - 8 : BLOCK_FRAME_MAX;
    return PE_OK;
}

static struct session *
start_session(struct sevpn_session *me, struct conn *c, const struct sevpn_login *login,
              const struct auth_verdict *verdict, struct session_config *config, int *code)
{
    g_autoptr(GError) error = NULL;
    struct hub *hub = hubs_find(me->server->config.hubs, login->hub);

    if (!hub) { /* deleted since the verdict */
        *code = PE_AUTH_FAILED;
        return NULL;
    }
    config->user = verdict->user;
    config->group = verdict->group[0] ? verdict->group : NULL;
    config->record = verdict->record[0] ? verdict->record : NULL;
    config->account = verdict->account;
    config->protocol = "SE-VPN";
    config->peer = *conn_peer(c);
    config->local = *conn_local(c);
    config->client_name = login->client_name;
    config->client_host = login->host_name;
    config->client_os = login->os_name;
    config->client_ver = login->client_ver;
    config->client_build = login->client_build;
    config->cipher = conn_cipher(c);
    memcpy(config->unique_id, login->unique_id, sizeof(config->unique_id));
    struct session *s = session_start(hub, config, &session_ops, me, &error);
    *code = s ? PE_OK : error->code;
    hub_unref(hub);
    return s;
}

static void
open_channel(struct sevpn_session *me, const struct sevpn_welcome *w)
{
    struct sevpn_channel_config config = {
        .format = {.super_frames = w->super_frames,
                   .zlib = w->compress ? me->server->zlib[worker_index(me->worker)] : NULL},
        .timeout_ms = w->timeout_ms,
        .max_connections = w->max_connections,
        .server = true,
        .qos = w->qos,
    };

    me->channel = sevpn_channel_new(me->worker, &config, &channel_ops, me);
}

void
sevpn_session_begin(struct sevpn_server *s, struct conn *c, const struct sevpn_login *login,
                    const struct auth_verdict *verdict, int64_t now_us)
{
    struct session_config config = {0};
    struct sevpn_welcome w = {0};
    int code = negotiate(login, verdict, &config, &w);
    struct sevpn_session *me = g_new0(struct sevpn_session, 1);

    me->server = s;
    me->worker = conn_worker(c);
    if (code == PE_OK) {
        open_channel(me, &w); /* before the session: deliver() needs it */
        me->session = start_session(me, c, login, verdict, &config, &code);
    }
    if (code != PE_OK) {
        sevpn_channel_free(me->channel);
        g_free(me);
        sevpn_reply(c, sevpn_error_build(code), true);
        return;
    }
    random_bytes(w.session_key, sizeof(w.session_key));
    me->key = g_bytes_new(w.session_key, sizeof(w.session_key));
    g_mutex_lock(&s->lock);
    g_hash_table_insert(s->by_key, g_bytes_ref(me->key), me);
    g_mutex_unlock(&s->lock);

    g_autofree char *name = g_strdup_printf("CID-%u", ++s->connection_number);
    g_autofree char *message = hub_message(me->session->hub);
    w.message = message;
    w.session_name = me->session->name;
    w.connection_name = name;
    sevpn_reply(c, sevpn_welcome_build(&w), false);

    struct conn_handover h;
    conn_take(c, &h);
    g_autoptr(GByteArray) rest = h.rest;
    enum sevpn_direction direction = w.half_duplex ? SEVPN_CLIENT_TO_SERVER : SEVPN_BOTH;
    (void)sevpn_channel_add(me->channel, h.stream, direction, reader_of(rest->data, rest->len),
                            now_us); /* the first is never too many */
}

/* ---- further connections ---- */

/* A connection on its way to the worker of its session. */
struct joining {
    struct sevpn_server *server;
    struct worker *worker;
    GBytes *key;
    struct tls_stream *stream;
    GByteArray *rest;
};

static void
joining_free(struct joining *j)
{
    tls_stream_free(j->stream);
    g_bytes_unref(j->key);
    g_byte_array_unref(j->rest);
    g_free(j);
}

static struct sevpn_session *
find_session(struct sevpn_server *s, GBytes *key, struct worker **home)
{
    g_mutex_lock(&s->lock);
    struct sevpn_session *found = g_hash_table_lookup(s->by_key, key);
    *home = found ? found->worker : NULL;
    g_mutex_unlock(&s->lock);
    return found;
}

static void
answer(struct tls_stream *stream, struct pack *p)
{
    g_autoptr(GByteArray) bytes = sevpn_response_pack(p);
    struct pf_slice whole = {bytes->data, bytes->len};

    (void)tls_stream_write(stream, &whole, 1); /* a failure comes by on_end */
}

/* On the session's worker, where it cannot end meanwhile. */
static void
join(struct joining *j, int64_t now_us)
{
    struct worker *home = NULL;
    struct sevpn_session *me = find_session(j->server, j->key, &home);

    if (!me || home != j->worker) {
        answer(j->stream, sevpn_error_build(PE_SESSION_TIMEOUT));
    } else if (sevpn_channel_connections(me->channel) >= me->session->max_connections) {
        answer(j->stream, sevpn_error_build(PE_TOO_MANY_CONNECTIONS));
    } else {
        enum sevpn_direction direction =
            sevpn_channel_connections(me->channel) == 0
                ? (me->session->half_duplex ? SEVPN_CLIENT_TO_SERVER : SEVPN_BOTH)
                : sevpn_channel_next_direction(me->channel);
        answer(j->stream, sevpn_additional_reply(direction));
        (void)sevpn_channel_add(me->channel, g_steal_pointer(&j->stream), direction,
                                reader_of(j->rest->data, j->rest->len), now_us);
    }
    joining_free(j);
}

static void
ignore(void *owner, int64_t now_us)
{
    (void)owner;
    (void)now_us;
}

static void
ignore_end(void *owner, enum tls_end why, int64_t now_us)
{
    (void)owner; /* cannot come: the stream has another owner before the turn ends */
    (void)why;
    (void)now_us;
}

static const struct tls_stream_ops moving_ops = {
    .on_open = ignore, .on_readable = ignore, .on_writable = ignore, .on_end = ignore_end};

static void
arrive(void *data)
{
    struct joining *j = data;

    if (tls_stream_attach(j->stream, j->worker, &moving_ops, NULL))
        join(j, worker_now_us(j->worker));
    else
        joining_free(j);
}

void
sevpn_session_join(struct sevpn_server *s, struct conn *c, const uint8_t key[20], int64_t now_us)
{
    struct worker *home = NULL;
    struct worker *here = conn_worker(c);
    GBytes *wanted = g_bytes_new(key, 20);

    if (!find_session(s, wanted, &home)) {
        g_bytes_unref(wanted);
        sevpn_reply(c, sevpn_error_build(PE_SESSION_TIMEOUT), true);
        return;
    }
    struct conn_handover h;
    conn_set_welcome(c);
    conn_take(c, &h);
    worker_unload(here); /* the session's load was counted with its first connection */
    struct joining *j = g_new(struct joining, 1);
    *j = (struct joining){
        .server = s, .worker = home, .key = wanted, .stream = h.stream, .rest = h.rest};
    if (home == here) {
        join(j, now_us);
        return;
    }
    tls_stream_detach(h.stream);
    worker_call(home, arrive, j);
}
