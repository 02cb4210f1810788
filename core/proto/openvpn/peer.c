/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c - see peer.h: life, control packets in and out, timers. */

#include "core/proto/openvpn/peer.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/proto/openvpn/data.h"
#include "core/proto/openvpn/tcp.h"

#include <string.h>

enum {
    SILENCE_S = 240,    /* when no ping-restart is set */
    PUSH_KEPT_S = 60,   /* the client may ask for it again */
    OPENED_AT_ONCE = 1, /* packets sent by a stateless answer */
    LENGTH = 2,         /* of a packet in a stream */
};

/* ---- control packets ---- */

/* A wrapped client key at the tail, which was needed once only. */
static size_t
without_wkc(const uint8_t *bytes, size_t len)
{
    unsigned op = ovpn_op(bytes[0]);

    if ((op != OVPN_CONTROL_WKC_V1 && op != OVPN_HARD_RESET_CLIENT_V3) || len < 2)
        return len;
    size_t tail = (size_t)(bytes[len - 2] << 8 | bytes[len - 1]);
    return tail <= len ? len - tail : len;
}

static void
key_failed(struct ovpn_peer *p, struct ovpn_key *k, int64_t now_us)
{
    char text[ENDPOINT_TEXT];

    log_debug("OpenVPN: TLS failed", "peer=%s key=%u", endpoint_print(&p->address.remote, text),
              k->id);
    if (k == p->fresh && p->primary) {
        ovpn_key_free(p, g_steal_pointer(&p->fresh));
        return;
    }
    ovpn_peer_flush(p, now_us); /* the alert */
    ovpn_peer_end(p, PE_PROTOCOL);
}

static void
advance(struct ovpn_peer *p, struct ovpn_key *k, int64_t now_us)
{
    uint8_t message[OVPN_MESSAGE_MAX];
    long n = 0;

    if (!k->channel->open && !ovpn_home_may_shake(p->home, p, now_us))
        return;
    if (!ovpn_channel_advance(k->channel, now_us)) {
        key_failed(p, k, now_us);
        return;
    }
    while (ovpn_peer_is_alive(p) &&
           (n = ovpn_channel_read(k->channel, message, sizeof(message))) > 0)
        ovpn_peer_message(p, k, message, (size_t)n, now_us);
    secret_wipe(message, sizeof(message));
    if (n < 0)
        key_failed(p, k, now_us);
}

void
ovpn_peer_turn(struct ovpn_peer *p, int64_t now_us)
{
    if (!ovpn_peer_is_alive(p) || !p->fresh)
        return;
    advance(p, p->fresh, now_us);
    ovpn_peer_flush(p, now_us);
}

/* A genuine packet from another address than before. */
static void
follow(struct ovpn_peer *p, const struct udp_source *source)
{
    struct ovpn_address a;

    if (source && p->wrap.key && ovpn_peer_is_alive(p) &&
        memcmp(source->peer, p->source.peer, sizeof(source->peer)) != 0 &&
        ovpn_address_of(source, &a) && !ovpn_home_by_address(p->home, &a))
        ovpn_peer_move(p, source);
}

void
ovpn_peer_control(struct ovpn_peer *p, const struct udp_source *source, uint8_t *bytes, size_t len,
                  int64_t now_us)
{
    struct ovpn_control c;

    if (p->state == OVPN_PEER_ENDING ||
        ovpn_wrap_open(&p->wrap, bytes, without_wkc(bytes, len), true, &c) != DROP_NONE ||
        memcmp(c.sid, p->client_sid, sizeof(c.sid)) != 0 ||
        (c.n_acks > 0 && memcmp(c.peer_sid, p->sid, sizeof(c.peer_sid)) != 0))
        return;
    follow(p, source);
    struct ovpn_key *k = c.op == OVPN_SOFT_RESET_V1 ? ovpn_peer_soft_reset(p, c.key_id, now_us)
                                                    : ovpn_peer_key(p, c.key_id);
    if (!k || !k->channel)
        return;
    (void)ovpn_reliable_received(&k->channel->reliable, &c, now_us);
    if (c.payload.left > 0)
        advance(p, k, now_us);
    ovpn_peer_try_promote(p, now_us);
    ovpn_peer_flush(p, now_us);
}

/* ---- sending ---- */

static void
send_control(struct ovpn_peer *p, const struct ovpn_key *k, struct ovpn_control *c)
{
    uint8_t packet[LENGTH + OVPN_CONTROL_MAX];
    struct writer w = writer_of(packet + LENGTH, OVPN_CONTROL_MAX);

    c->key_id = k->id;
    memcpy(c->sid, p->sid, sizeof(c->sid));
    memcpy(c->peer_sid, p->client_sid, sizeof(c->peer_sid));
    if (!ovpn_wrap_seal(&p->wrap, c, (uint32_t)(g_get_real_time() / G_USEC_PER_SEC), &w))
        return; /* what does not fit is not made */
    if (!p->stream) {
        udp_port_send(p->port, &p->source, packet + LENGTH, w.len);
        return;
    }
    packet[0] = (uint8_t)(w.len >> 8);
    packet[1] = (uint8_t)w.len;
    if (!ovpn_stream_write(p->stream, packet, LENGTH + w.len))
        ovpn_peer_end(p, PE_DISCONNECTED);
}

static void
flush_key(struct ovpn_peer *p, struct ovpn_key *k, int64_t now_us)
{
    struct ovpn_control c;

    if (!k || !k->channel)
        return;
    for (;;) {
        c = (struct ovpn_control){0};
        if (!ovpn_channel_pull(k->channel, now_us, &c))
            return;
        send_control(p, k, &c);
    }
}

/* ---- timers ---- */

static int64_t
silence_us(const struct ovpn_peer *p)
{
    unsigned restart_s = p->rules->settings->ping_restart_s;

    return (restart_s > 0 ? 2 * (int64_t)restart_s : SILENCE_S) * G_USEC_PER_SEC;
}

static int64_t
ping_us(const struct ovpn_peer *p)
{
    return (int64_t)p->rules->settings->ping_s * G_USEC_PER_SEC;
}

static int64_t
deadline(const struct ovpn_peer *p)
{
    int64_t due = ovpn_peer_keys_deadline(p);

    if (p->state == OVPN_PEER_LEAVING)
        return MIN(due, p->leave_us);
    if (p->state != OVPN_PEER_UP)
        return due;
    due = MIN(due, p->last_in_us + silence_us(p));
    if (ping_us(p) > 0)
        due = MIN(due, p->last_out_us + ping_us(p));
    if (p->push)
        due = MIN(due, p->pushed_us + PUSH_KEPT_S * G_USEC_PER_SEC);
    return due;
}

void
ovpn_peer_flush(struct ovpn_peer *p, int64_t now_us)
{
    flush_key(p, p->primary, now_us);
    flush_key(p, p->fresh, now_us);
    if (p->state == OVPN_PEER_ENDING)
        return;
    const struct ovpn_key *k = p->primary ? p->primary : p->fresh;
    if (p->state == OVPN_PEER_LEAVING && (!k || ovpn_channel_is_quiet(k->channel)) &&
        (!p->fresh || ovpn_channel_is_quiet(p->fresh->channel))) {
        ovpn_peer_end(p, p->reason);
        return;
    }
    timer_arm(worker_timers(p->home->worker), &p->timer, deadline(p));
}

static void
on_timer(struct timer *t, int64_t now_us)
{
    struct ovpn_peer *p = container_of(t, struct ovpn_peer, timer);

    if (p->state == OVPN_PEER_LEAVING && now_us >= p->leave_us) {
        ovpn_peer_end(p, p->reason);
        return;
    }
    if (!ovpn_peer_check_keys(p, now_us))
        return;
    if (p->state == OVPN_PEER_UP) {
        if (now_us - p->last_in_us >= silence_us(p)) {
            ovpn_peer_end(p, PE_SESSION_TIMEOUT);
            return;
        }
        if (ping_us(p) > 0 && now_us - p->last_out_us >= ping_us(p))
            ovpn_data_ping(p, now_us);
        if (p->push && now_us - p->pushed_us >= PUSH_KEPT_S * G_USEC_PER_SEC)
            g_clear_pointer(&p->push, g_ptr_array_unref);
    }
    ovpn_peer_flush(p, now_us);
}

/* ---- life ---- */

bool
ovpn_peer_is_alive(const struct ovpn_peer *p)
{
    return p->state < OVPN_PEER_LEAVING;
}

static void
set_source(struct ovpn_peer *p, const struct udp_source *source)
{
    p->source = *source;
    if (!ovpn_address_of(source, &p->address))
        p->address = (struct ovpn_address){.port = source->port};
    udp_source_local(source, &p->local);
}

void
ovpn_peer_move(struct ovpn_peer *p, const struct udp_source *source)
{
    struct udp_port *port = ovpn_home_port(p->home, source->port);
    bool listed = p->has_address;
    char was[ENDPOINT_TEXT];
    char is[ENDPOINT_TEXT];

    if (!port)
        return;
    (void)endpoint_print(&p->address.remote, was);
    ovpn_home_leave_address(p->home, p);
    set_source(p, source);
    p->port = port;
    if (listed)
        (void)ovpn_home_enter_address(p->home, p); /* there is nobody: the caller has looked */
    ovpn_data_set_mss(p);
    log_debug("OpenVPN: a client has moved", "from=%s to=%s", was,
              endpoint_print(&p->address.remote, is));
}

static void
evict(struct ovpn_stranger *stranger)
{
    ovpn_peer_free(container_of(stranger, struct ovpn_peer, stranger));
}

struct ovpn_peer *
ovpn_peer_new(const struct ovpn_peer_config *c, int64_t now_us)
{
    struct ovpn_home *h = c->home;
    struct ovpn_peer *p = g_new0(struct ovpn_peer, 1);

    p->home = h;
    p->server = h->server;
    p->stream = c->stream;
    timer_init(&p->timer, on_timer);
    memcpy(p->client_sid, c->client_sid, sizeof(p->client_sid));
    memcpy(p->sid, c->sid, sizeof(p->sid));
    if (c->stream) {
        p->address = (struct ovpn_address){.remote = c->stream->remote};
        p->local = c->stream->local;
    } else {
        set_source(p, c->source);
        p->port = ovpn_home_port(h, c->source->port);
    }
    if ((!p->stream && !p->port) || !ovpn_home_add(h, p)) {
        g_free(p);
        return NULL;
    }
    p->stranger.evict = evict;
    if (p->stream) /* it was counted until now */
        ovpn_home_known(h, &p->stream->stranger);
    p->rules = ovpn_rules_ref(h->rules);
    ovpn_wrap_begin(&p->wrap, c->wrap);
    p->wrap.send_id = c->reset_answered ? OPENED_AT_ONCE : 0;
    if (ovpn_home_admit(h, &p->stranger, &p->address.remote.ip))
        p->fresh = ovpn_key_new(p, 0, now_us);
    if (!p->fresh) {
        p->stream = NULL; /* the caller's still */
        ovpn_peer_free(p);
        return NULL;
    }
    if (c->reset_answered)
        ovpn_reliable_skip_resets(&p->fresh->channel->reliable);
    else
        ovpn_reliable_send(&p->fresh->channel->reliable, OVPN_HARD_RESET_SERVER_V2, NULL, 0,
                           now_us);
    return p;
}

void
ovpn_peer_end(struct ovpn_peer *p, int reason)
{
    if (p->state == OVPN_PEER_ENDING)
        return;
    p->state = OVPN_PEER_ENDING;
    p->reason = reason;
    ovpn_home_bury(p->home, p);
}

void
ovpn_peer_dismiss(struct ovpn_peer *p, const char *text, int reason, int64_t now_us)
{
    bool newest = p->fresh && p->fresh->channel->open && p->fresh->km2_done;
    struct ovpn_key *k = newest ? p->fresh : p->primary;

    if (!ovpn_peer_is_alive(p))
        return;
    if (!k || !ovpn_channel_say(k->channel, text, now_us)) {
        ovpn_peer_end(p, reason);
        return;
    }
    p->state = OVPN_PEER_LEAVING;
    p->reason = reason;
    p->leave_us = now_us + OVPN_LEAVE_MS * 1000;
    ovpn_home_bury(p->home, p); /* ends the session, when nobody of it is above us */
    ovpn_peer_flush(p, now_us);
}

void
ovpn_peer_free(struct ovpn_peer *p)
{
    struct ovpn_home *h = p->home;

    ovpn_session_end(p, worker_now_us(h->worker));
    timer_cancel(worker_timers(h->worker), &p->timer);
    ovpn_home_remove(h, p);
    ovpn_home_known(h, &p->stranger);
    ovpn_key_free(p, p->fresh);
    ovpn_key_free(p, p->primary);
    ovpn_key_free(p, p->lame);
    if (p->stream)
        ovpn_stream_free(p->stream);
    ovpn_wrap_end(&p->wrap);
    ovpn_rules_unref(p->rules);
    if (p->push)
        g_ptr_array_unref(p->push);
    g_free(p->told);
    g_free(p->hub);
    g_free(p->user);
    secret_wipe(p, sizeof(*p));
    g_free(p);
}
