/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c - between carrier, control connection and hub.
 *
 * A call is answered when the hub has taken its session, and refused when the hub refuses it: so
 * the router's own state tells the truth. A session without a control connection has no way to say
 * so, and is asked for again and again instead.
 *
 * What ends the carrier does so at the end of the turn, since it is found out while a batch of the
 * carrier is in hand.
 */
#include "core/proto/l2tpv3/peer.h"

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/net/wire.h"

#include <string.h>

enum {
    SESSION_ID = 4,
    UDP_HEADER_LEN = 4, /* version and nothing, before the session's id */
};

struct wire {
    struct l2tpv3_peer *peer;
    struct l2tpv3_call *call; /* the control connection's, or our own */
    struct ether_link *link;
};

struct l2tpv3_peer {
    struct ether_home *home;
    struct carrier *carrier;
    struct l2tpv3_control control;
    struct l2tpv3_call *fixed; /* without a control connection; owned; or NULL */
    struct timer timer;
    int64_t heard_us;
    int refusal; /* of the last call, or PE_OK */
    unsigned refused_s;
    int64_t refused_until_us;
    struct worker_deferred end;
    bool is_ending;
    int reason;
    struct wire *rx_wire; /* whose frames rx are */
    struct batch rx;
};

static void
arm(struct l2tpv3_peer *p)
{
    int64_t at_us = l2tpv3_control_deadline(&p->control);

    if (at_us > 0 && !p->is_ending)
        timer_arm(worker_timers(p->carrier->worker), &p->timer, at_us);
    else
        timer_cancel(worker_timers(p->carrier->worker), &p->timer);
}

static void
end_later(struct l2tpv3_peer *p, int reason)
{
    if (p->is_ending)
        return;
    p->is_ending = true;
    p->reason = reason;
    worker_defer(p->carrier->worker, &p->end);
}

/* ---- pseudowires ---- */

static void
wire_free(struct wire *w, int reason, int64_t now_us)
{
    if (w->peer->rx_wire == w) {
        batch_free_frames(&w->peer->rx);
        w->peer->rx_wire = NULL;
    }
    ether_link_free(w->link, reason, now_us);
    g_free(w);
}

static void
on_up(void *owner, int64_t now_us)
{
    const struct wire *w = owner;
    struct l2tpv3_peer *p = w->peer;

    p->refusal = PE_OK;
    p->refused_s = L2TPV3_REFUSED_S;
    if (w->call == p->fixed)
        return;
    l2tpv3_control_accept(&p->control, w->call, now_us);
    arm(p);
}

/* The hub refused the session, or ends it. */
static void
on_link_ended(void *owner, int reason, int64_t now_us)
{
    struct wire *w = owner;
    struct l2tpv3_peer *p = w->peer;
    struct l2tpv3_call *call = w->call;
    bool was_up = ether_link_is_up(w->link);

    call->owner = NULL;
    wire_free(w, reason, now_us);
    if (call == p->fixed) {
        end_later(p, reason);
        return;
    }
    l2tpv3_control_hang_up(&p->control, call, L2TPV3_CDN_ADMINISTRATIVE, now_us);
    if (was_up && l2tpv3_control_n_calls(&p->control) == 0) {
        l2tpv3_control_stop(&p->control, L2TPV3_STOP_CLEAR, now_us);
        end_later(p, reason);
    } else if (!was_up) {
        p->refusal = reason;
        p->refused_until_us = now_us + (int64_t)p->refused_s * 1000000;
        p->refused_s = MIN(2 * p->refused_s, L2TPV3_REFUSED_MAX_S);
    }
    arm(p);
}

static const struct ether_link_ops link_ops = {.up = on_up, .ended = on_link_ended};

static void
set_header(const struct l2tpv3_peer *p, struct wire *w)
{
    const struct router_static *s = &w->call->session;
    uint8_t bytes[ETHER_LINK_HEADER_MAX];
    struct writer out = writer_of(bytes, sizeof(bytes));

    if (p->carrier->protocol == CARRIER_UDP)
        writer_u32(&out, (uint32_t)L2TPV3_VERSION << 16);
    writer_u32(&out, s->peer_session);
    writer_bytes(&out, s->peer_cookie, s->peer_cookie_len);
    if (s->sublayer)
        writer_u32(&out, 0); /* no sequence number */
    ether_link_set_header(w->link, bytes, out.len);
}

static void
open_wire(struct l2tpv3_peer *p, struct l2tpv3_call *call, bool persistent, int64_t now_us)
{
    const struct l2tpv3_control *c = &p->control;
    struct ether_link_config config = {
        .home = p->home,
        .carrier = p->carrier,
        .protocol = "L2TPv3",
        .tag = "L2TPV3",
        .client_name = c->vendor_name[0] ? c->vendor_name : "L2TPv3 router",
        .client_host = c->host_name[0] ? c->host_name : p->carrier->identity,
        .persistent = persistent,
        .told = p->refusal,
    };
    struct wire *w = g_new0(struct wire, 1);

    w->peer = p;
    w->call = call;
    call->owner = w;
    w->link = ether_link_new(&config, &link_ops, w, now_us);
    set_header(p, w);
}

/* ---- the control connection ---- */

static void
on_send(void *owner, struct reader packet, int64_t now_us)
{
    struct l2tpv3_peer *p = owner;
    uint8_t bytes[SESSION_ID + RELIABLE_MESSAGE_MAX] = {0};
    struct writer out = writer_of(bytes, sizeof(bytes));

    if (p->carrier->protocol != CARRIER_UDP)
        writer_u32(&out, 0); /* the session that is none */
    writer_bytes(&out, packet.at, packet.left);
    p->carrier->ops->send_control(p->carrier, reader_of(bytes, out.len), now_us);
}

static void
on_called(void *owner, struct l2tpv3_call *call, int64_t now_us)
{
    struct l2tpv3_peer *p = owner;

    if (p->refusal != PE_OK && now_us < p->refused_until_us)
        l2tpv3_control_hang_up(&p->control, call, L2TPV3_CDN_ADMINISTRATIVE, now_us);
    else
        open_wire(p, call, false, now_us);
}

static void
on_hung_up(void *owner, struct l2tpv3_call *call, int64_t now_us)
{
    (void)owner;
    if (call->owner)
        wire_free(call->owner, PE_DISCONNECTED, now_us);
}

static void
on_dead(void *owner, int64_t now_us)
{
    struct l2tpv3_peer *p = owner;
    char peer[ENDPOINT_TEXT];

    (void)now_us;
    log_info("L2TPv3 router does not answer any more", "peer=%s",
             endpoint_print(&p->carrier->remote, peer));
    end_later(p, PE_DISCONNECTED);
}

static void
on_random(void *owner, void *out, size_t len)
{
    (void)owner;
    random_bytes(out, len);
}

static const struct l2tpv3_control_ops control_ops = {.send = on_send,
                                                      .called = on_called,
                                                      .hung_up = on_hung_up,
                                                      .dead = on_dead,
                                                      .random = on_random};

static void
on_timer(struct timer *t, int64_t now_us)
{
    struct l2tpv3_peer *p = container_of(t, struct l2tpv3_peer, timer);

    p->control.heard_us = MAX(p->control.heard_us, p->heard_us);
    l2tpv3_control_turn(&p->control, now_us);
    arm(p);
}

/* ---- what comes ---- */

static void
flush_rx(struct l2tpv3_peer *p, int64_t now_us)
{
    struct wire *w = p->rx_wire;

    p->rx_wire = NULL;
    if (!w || p->rx.n == 0)
        return;
    p->heard_us = now_us;
    ether_link_receive(w->link, &p->rx, now_us);
}

static struct wire *
find_wire(const struct l2tpv3_peer *p, uint32_t session)
{
    const struct l2tpv3_call *call = p->fixed && p->fixed->session.local_session == session
                                         ? p->fixed
                                         : l2tpv3_control_find(&p->control, session);

    return call ? call->owner : NULL;
}

/* Takes cookie and sublayer off. */
static enum drop
take_header(const struct router_static *s, struct frame *f)
{
    if (s->local_cookie_len > 0) {
        const uint8_t *cookie = frame_pull(f, s->local_cookie_len);
        if (!cookie)
            return DROP_SHORT;
        if (!secret_equal(cookie, s->local_cookie, s->local_cookie_len))
            return DROP_CRYPTO;
    }
    if (s->sublayer && !frame_pull(f, L2TPV3_SUBLAYER_LEN))
        return DROP_SHORT;
    return DROP_NONE;
}

/* A data packet, from its session's id on. Takes the frame. */
static void
on_data(struct l2tpv3_peer *p, struct frame *f, int64_t now_us)
{
    const uint8_t *id = frame_pull(f, SESSION_ID);
    struct wire *w = id ? p->rx_wire : NULL;

    if (id && (!w || w->call->session.local_session != wire_get32(id)))
        w = find_wire(p, wire_get32(id));
    if (!w) { /* of a session that ended, perhaps */
        frame_free(f);
        return;
    }
    enum drop why = take_header(&w->call->session, f);
    if (why != DROP_NONE) {
        ether_link_count_drop(w->link, why);
        frame_free(f);
        return;
    }
    if (p->rx_wire != w || batch_is_full(&p->rx))
        flush_rx(p, now_us);
    p->rx_wire = w;
    batch_add(&p->rx, f);
}

/* Whether a payload is a control packet; what stands before that, or before a session's id, is
 * taken off. False and *bad: it is nothing. */
static bool
is_control(const struct l2tpv3_peer *p, struct frame *f, bool *bad)
{
    struct reader r = reader_of(f->data, f->len);

    *bad = false;
    if (p->carrier->protocol == CARRIER_UDP) {
        uint16_t bits = reader_u16(&r);
        if (bits & L2TPV3_BIT_CONTROL)
            return true;
        *bad = (bits & 0x0f) != L2TPV3_VERSION || !frame_pull(f, UDP_HEADER_LEN);
        return false;
    }
    uint32_t id = reader_u32(&r);
    *bad = !reader_ok(&r);
    return !*bad && id == 0 && frame_pull(f, SESSION_ID);
}

static void
on_control(struct l2tpv3_peer *p, const struct frame *f, int64_t now_us)
{
    /* Who is configured by hand at both ends has no control connection. */
    if (p->fixed)
        return;
    flush_rx(p, now_us);
    l2tpv3_control_receive(&p->control, reader_of(f->data, f->len), now_us);
    p->heard_us = MAX(p->heard_us, p->control.heard_us);
}

void
l2tpv3_peer_receive(struct l2tpv3_peer *p, struct batch *b, int64_t now_us)
{
    bool controlled = false;

    for (unsigned i = 0; i < b->n; i++) {
        struct frame *f = b->frame[i];
        bool bad = false;
        bool control = !p->is_ending && is_control(p, f, &bad);
        if (control)
            on_control(p, f, now_us);
        controlled |= control;
        if (control || bad || p->is_ending)
            frame_free(f);
        else
            on_data(p, f, now_us);
    }
    b->n = 0;
    flush_rx(p, now_us);
    if (controlled)
        arm(p);
}

/* ---- life ---- */

static void
on_end(struct worker_deferred *d, int64_t now_us)
{
    struct l2tpv3_peer *p = container_of(d, struct l2tpv3_peer, end);
    struct carrier *c = p->carrier;
    int reason = p->reason;

    l2tpv3_peer_free(p, reason, now_us);
    c->ops->close(c, reason, now_us);
}

struct l2tpv3_peer *
l2tpv3_peer_new(struct ether_home *home, struct carrier *c, int64_t now_us)
{
    struct l2tpv3_peer *p = g_new0(struct l2tpv3_peer, 1);

    p->home = home;
    p->carrier = c;
    p->refused_s = L2TPV3_REFUSED_S;
    p->end.fn = on_end;
    timer_init(&p->timer, on_timer);
    l2tpv3_control_init(&p->control, &control_ops, p);
    if (c->router->session.on) {
        p->fixed = g_new0(struct l2tpv3_call, 1);
        p->fixed->session = c->router->session;
        open_wire(p, p->fixed, true, now_us);
    }
    return p;
}

static void
free_wire_of(const struct l2tpv3_call *call, int reason, int64_t now_us)
{
    if (call && call->owner)
        wire_free(call->owner, reason, now_us);
}

void
l2tpv3_peer_free(struct l2tpv3_peer *p, int reason, int64_t now_us)
{
    timer_cancel(worker_timers(p->carrier->worker), &p->timer);
    worker_defer_cancel(p->carrier->worker, &p->end);
    for (unsigned i = 0; i < L2TPV3_CALLS; i++)
        free_wire_of(p->control.call[i], reason, now_us);
    free_wire_of(p->fixed, reason, now_us);
    l2tpv3_control_clear(&p->control);
    if (p->fixed)
        secret_wipe(p->fixed, sizeof(*p->fixed));
    g_free(p->fixed);
    g_free(p);
}

static void
change_wire(const struct l2tpv3_call *call)
{
    const struct wire *w = call ? call->owner : NULL;

    if (w)
        ether_link_changed(w->link);
}

void
l2tpv3_peer_changed(struct l2tpv3_peer *p)
{
    for (unsigned i = 0; i < L2TPV3_CALLS; i++)
        change_wire(p->control.call[i]);
    change_wire(p->fixed);
}

int64_t
l2tpv3_peer_heard_us(const struct l2tpv3_peer *p)
{
    return p->heard_us;
}
