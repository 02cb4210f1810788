/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel.c - see tunnel.h. */

#include "core/proto/l2tp/tunnel.h"

#include "core/base/error.h"

#include <glib.h>

#define US INT64_C(1000000)

#define HOST_NAME "polyether"

enum {
    PROTOCOL_VERSION = 0x0100, /* version 1, revision 0 */
    FRAMING_BOTH = 3,
    FIRMWARE = 0x0100,
    CALL_PERMANENTLY = 5, /* CDN: no such facilities, ever */
    CALL_TOO_LATE = 10,   /* CDN: not established in time */
    AVP_U16 = L2TP_AVP_HEADER + 2,
    AVP_U32 = L2TP_AVP_HEADER + 4,
    AVP_DIGEST = L2TP_AVP_HEADER + L2TP_DIGEST,
};

/* ---- sending ---- */

/* Sends all that is due. */
static void
flush(struct l2tp_tunnel *t, int64_t now_us)
{
    struct reader packet;
    uint8_t ack[L2TP_CONTROL_HEADER];
    uint16_t ns = 0;
    uint16_t nr = 0;

    while (t->shown && t->state != L2TP_OVER) {
        switch (reliable_pull(&t->channel, now_us, &packet, &ns, &nr)) {
        case RELIABLE_MESSAGE:
            t->ops->send(t->owner, packet, now_us);
            break;
        case RELIABLE_ACK:
            l2tp_write_ack(ack, t->peer_id, ns, nr);
            t->ops->send(t->owner, reader_of(ack, sizeof(ack)), now_us);
            break;
        default:
            return;
        }
    }
}

/* A message that does not fit any more is one to a peer that has not listened for a long time. */
static void
put(struct l2tp_tunnel *t, const struct writer *w)
{
    if (l2tp_end(w))
        (void)reliable_send(&t->channel, w->start, w->len);
}

static void
send_cdn(struct l2tp_tunnel *t, uint16_t id, uint16_t peer_id, uint16_t result, uint16_t error)
{
    uint8_t bytes[L2TP_MESSAGE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    l2tp_begin(&w, L2TP_CDN, t->peer_id, peer_id);
    l2tp_put_result(&w, result, error, NULL);
    l2tp_put_u16(&w, L2TP_AVP_SESSION_ID, id);
    put(t, &w);
}

/* ---- calls ---- */

static int64_t
after(int64_t now_us, int64_t s)
{
    return now_us + s * US;
}

static struct l2tp_call *
call_new(struct l2tp_tunnel *t, uint16_t peer_id, int64_t now_us)
{
    unsigned slot = 0;
    uint16_t id = 0;

    while (slot < L2TP_SESSIONS_TUNNEL && t->call[slot])
        slot++;
    if (slot == L2TP_SESSIONS_TUNNEL)
        return NULL;
    t->ops->random(t->owner, &id, sizeof(id));
    id = (uint16_t)((id & ~(L2TP_SESSIONS_TUNNEL - 1)) | slot);
    struct l2tp_call *c = g_new0(struct l2tp_call, 1);
    c->id = id != 0 ? id : L2TP_SESSIONS_TUNNEL;
    c->peer_id = peer_id;
    c->give_up_us = after(now_us, L2TP_SETUP_S);
    t->call[slot] = c;
    t->n_calls++;
    t->give_up_us = 0;
    return c;
}

static void
call_free(struct l2tp_tunnel *t, struct l2tp_call *c, int64_t now_us)
{
    t->call[c->id % L2TP_SESSIONS_TUNNEL] = NULL;
    t->n_calls--;
    if (t->n_calls == 0 && t->state == L2TP_OPEN)
        t->give_up_us = after(now_us, L2TP_LAST_CALL_S);
    g_free(c);
}

static void
call_end(struct l2tp_tunnel *t, struct l2tp_call *c, int reason, int64_t now_us)
{
    if (c->up)
        t->ops->call_down(t->owner, c, reason, now_us);
    call_free(t, c, now_us);
}

static struct l2tp_call *
call_of_peer(const struct l2tp_tunnel *t, uint16_t peer_id)
{
    for (unsigned i = 0; i < L2TP_SESSIONS_TUNNEL; i++) {
        if (t->call[i] && t->call[i]->peer_id == peer_id)
            return t->call[i];
    }
    return NULL;
}

static void
end_calls(struct l2tp_tunnel *t, int reason, int64_t now_us)
{
    for (unsigned i = 0; i < L2TP_SESSIONS_TUNNEL; i++) {
        if (t->call[i])
            call_end(t, t->call[i], reason, now_us);
    }
}

/* ---- the end ---- */

static void
over(struct l2tp_tunnel *t, int reason, int64_t now_us)
{
    t->state = L2TP_OVER;
    end_calls(t, reason, now_us);
}

static void
stop(struct l2tp_tunnel *t, uint16_t result, uint16_t error, int reason, int64_t now_us)
{
    uint8_t bytes[L2TP_MESSAGE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    l2tp_begin(&w, L2TP_STOPCCN, t->peer_id, 0);
    l2tp_put_u16(&w, L2TP_AVP_TUNNEL_ID, t->config.id);
    l2tp_put_result(&w, result, error, NULL);
    put(t, &w);
    t->state = L2TP_CLOSING;
    t->give_up_us = after(now_us, L2TP_LINGER_S);
    end_calls(t, reason, now_us);
}

/* A peer that is not known to be there is told once, without memory. */
static void
refuse(struct l2tp_tunnel *t, uint16_t result, uint16_t error, int64_t now_us)
{
    t->shown = true;
    stop(t, result, error, PE_PROTOCOL, now_us);
    flush(t, now_us);
    if (!t->config.proven)
        over(t, PE_PROTOCOL, now_us);
}

/* ---- opening ---- */

static void
keep_name(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
    struct reader name = m->value[L2TP_AVP_HOST_NAME];
    size_t n = MIN(name.left, L2TP_NAME_MAX);

    if (name.at)
        memcpy(t->peer_name, name.at, n);
    t->peer_name[n] = '\0';
}

/* What is in it when there is room. */
static void
put_extras(struct writer *w, size_t room)
{
    if (w->len + AVP_U16 <= room)
        l2tp_put_u16(w, L2TP_AVP_WINDOW, RELIABLE_WINDOW);
    if (w->len + AVP_U32 <= room)
        l2tp_put_u32(w, L2TP_AVP_BEARER_CAPABILITIES, 0);
    if (w->len + AVP_U16 <= room)
        l2tp_put_u16(w, L2TP_AVP_FIRMWARE, FIRMWARE);
    if (w->len + L2TP_AVP_HEADER + strlen(HOST_NAME) <= room)
        l2tp_put(w, L2TP_AVP_VENDOR_NAME, HOST_NAME, strlen(HOST_NAME));
}

/* SCCRP. False: the answer would be longer than room. */
static bool
write_answer(struct l2tp_tunnel *t, const struct l2tp_message *m, size_t room)
{
    struct writer w = writer_of(t->answer, sizeof(t->answer));
    struct reader challenge = m->value[L2TP_AVP_CHALLENGE];
    uint8_t response[L2TP_DIGEST];
    bool answers = challenge.left > 0 && t->config.secret;

    l2tp_begin(&w, L2TP_SCCRP, t->peer_id, 0);
    l2tp_put_u16(&w, L2TP_AVP_PROTOCOL_VERSION, PROTOCOL_VERSION);
    l2tp_put_u32(&w, L2TP_AVP_FRAMING_CAPABILITIES, FRAMING_BOTH);
    l2tp_put_u16(&w, L2TP_AVP_TUNNEL_ID, t->config.id);
    if (answers) {
        if (!l2tp_challenge_response(L2TP_SCCRP, t->config.secret, challenge, response))
            return false;
        l2tp_put(&w, L2TP_AVP_CHALLENGE_RESPONSE, response, sizeof(response));
    }
    if (t->config.secret) {
        t->ops->random(t->owner, t->challenge, sizeof(t->challenge));
        l2tp_put(&w, L2TP_AVP_CHALLENGE, t->challenge, sizeof(t->challenge));
    }
    if (w.len + L2TP_AVP_HEADER > room)
        return false;
    l2tp_put(&w, L2TP_AVP_HOST_NAME, HOST_NAME,
             MIN(strlen(HOST_NAME), room - w.len - L2TP_AVP_HEADER));
    put_extras(&w, room);
    t->answer_len = w.len;
    return l2tp_end(&w);
}

/* What the channel has just sent, or would have, is kept to be sent again as it was. */
static void
send_answer(struct l2tp_tunnel *t, int64_t now_us)
{
    struct reader packet;
    uint16_t ns = 0;
    uint16_t nr = 0;

    (void)reliable_send(&t->channel, t->answer, t->answer_len);
    if (reliable_pull(&t->channel, now_us, &packet, &ns, &nr) != RELIABLE_MESSAGE)
        return;
    memcpy(t->answer, packet.at, packet.left);
    t->ops->send(t->owner, packet, now_us);
}

static void
on_sccrq(struct l2tp_tunnel *t, const struct l2tp_message *m, size_t len, int64_t now_us)
{
    uint16_t version = PROTOCOL_VERSION;
    uint16_t window = 0;

    if (l2tp_message_has(m, L2TP_AVP_PROTOCOL_VERSION) &&
        !l2tp_message_u16(m, L2TP_AVP_PROTOCOL_VERSION, &version))
        version = 0;
    if (!l2tp_message_u16(m, L2TP_AVP_TUNNEL_ID, &t->peer_id) || t->peer_id == 0) {
        over(t, PE_PROTOCOL, now_us); /* nowhere to answer to */
        return;
    }
    if (version >> 8 != PROTOCOL_VERSION >> 8) {
        refuse(t, L2TP_STOP_VERSION, PROTOCOL_VERSION, now_us);
        return;
    }
    keep_name(t, m);
    if (l2tp_message_u16(m, L2TP_AVP_WINDOW, &window))
        reliable_set_window(&t->channel, window);
    if (!write_answer(t, m, t->config.proven ? L2TP_MESSAGE_MAX : len)) {
        over(t, PE_PROTOCOL, now_us);
        return;
    }
    t->state = L2TP_OPENING;
    t->give_up_us = after(now_us, t->config.proven ? L2TP_SETUP_S : L2TP_SETUP_STRANGER_S);
    send_answer(t, now_us);
}

static bool
is_authentic(const struct l2tp_tunnel *t, const struct l2tp_message *m)
{
    struct reader response = m->value[L2TP_AVP_CHALLENGE_RESPONSE];
    uint8_t right[L2TP_DIGEST];

    return !t->config.secret ||
           (response.at && response.left == sizeof(right) &&
            l2tp_challenge_response(L2TP_SCCCN, t->config.secret,
                                    reader_of(t->challenge, sizeof(t->challenge)), right) &&
            secret_equal(response.at, right, sizeof(right)));
}

static void
on_scccn(struct l2tp_tunnel *t, const struct l2tp_message *m, int64_t now_us)
{
    if (t->state != L2TP_OPENING)
        return;
    if (!is_authentic(t, m)) {
        stop(t, L2TP_STOP_NOT_AUTHORIZED, 0, PE_AUTH_FAILED, now_us);
        return;
    }
    t->state = L2TP_OPEN;
    t->give_up_us = after(now_us, L2TP_NO_CALL_S);
}

/* ---- messages about calls ---- */

static void
on_icrq(struct l2tp_tunnel *t, const struct l2tp_message *m, int64_t now_us)
{
    uint8_t bytes[L2TP_MESSAGE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    uint16_t peer_id = 0;

    if (!l2tp_message_u16(m, L2TP_AVP_SESSION_ID, &peer_id) || peer_id == 0) {
        send_cdn(t, 0, 0, L2TP_CALL_ERROR, L2TP_ERROR_VALUE);
        return;
    }
    struct l2tp_call *c = call_of_peer(t, peer_id);
    if (c) /* it has forgotten that one */
        call_end(t, c, PE_DISCONNECTED, now_us);
    c = call_new(t, peer_id, now_us);
    if (!c) {
        send_cdn(t, 0, peer_id, L2TP_CALL_NO_FACILITIES, 0);
        return;
    }
    l2tp_begin(&w, L2TP_ICRP, t->peer_id, peer_id);
    l2tp_put_u16(&w, L2TP_AVP_SESSION_ID, c->id);
    put(t, &w);
}

static void
on_iccn(struct l2tp_tunnel *t, const struct l2tp_message *m, uint16_t session, int64_t now_us)
{
    struct l2tp_call *c = l2tp_tunnel_call(t, session);

    if (!c) {
        send_cdn(t, session, 0, L2TP_CALL_ERROR, L2TP_ERROR_SESSION);
        return;
    }
    if (c->up)
        return;
    c->sequenced = l2tp_message_has(m, L2TP_AVP_SEQUENCING_REQUIRED);
    c->user = t->ops->call_up(t->owner, c, now_us);
    c->up = c->user != NULL;
    if (!c->up)
        l2tp_tunnel_hang_up(t, c, L2TP_CALL_NO_FACILITIES, now_us);
}

/* Some put the session nowhere but in the AVP, which has their own number of it. */
static void
on_cdn(struct l2tp_tunnel *t, const struct l2tp_message *m, uint16_t session, int64_t now_us)
{
    struct l2tp_call *c = l2tp_tunnel_call(t, session);
    uint16_t peer_id = 0;

    if (!c && session == 0 && l2tp_message_u16(m, L2TP_AVP_SESSION_ID, &peer_id))
        c = call_of_peer(t, peer_id);
    if (c)
        call_end(t, c, PE_CANCELLED, now_us);
}

/* We call nobody (5.3: outgoing calls). */
static void
on_ocrq(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
    uint16_t peer_id = 0;

    if (l2tp_message_u16(m, L2TP_AVP_SESSION_ID, &peer_id) && peer_id != 0)
        send_cdn(t, 0, peer_id, CALL_PERMANENTLY, 0);
}

/* ---- receiving ---- */

static void
on_stop(struct l2tp_tunnel *t, int64_t now_us)
{
    t->state = L2TP_LINGERING;
    t->give_up_us = after(now_us, L2TP_LINGER_S);
    end_calls(t, PE_CANCELLED, now_us);
    reliable_ack_now(&t->channel, now_us);
}

static void
on_message(struct l2tp_tunnel *t, const struct l2tp_message *m, uint16_t session, int64_t now_us)
{
    if (m->type == L2TP_STOPCCN && t->state != L2TP_CLOSING) {
        on_stop(t, now_us);
        return;
    }
    if (m->type == L2TP_SCCCN) {
        on_scccn(t, m, now_us);
        return;
    }
    if (t->state != L2TP_OPEN)
        return;
    switch (m->type) {
    case L2TP_ICRQ:
        on_icrq(t, m, now_us);
        break;
    case L2TP_ICCN:
        on_iccn(t, m, session, now_us);
        break;
    case L2TP_CDN:
        on_cdn(t, m, session, now_us);
        break;
    case L2TP_OCRQ:
        on_ocrq(t, m);
        break;
    default: /* HELLO, WEN, SLI, and what nobody knows: acknowledged, and that is all */
        break;
    }
}

/* One message in order. What cannot be read is passed over: it was acknowledged. */
static void
take_message(struct l2tp_tunnel *t, struct reader packet, int64_t now_us)
{
    struct l2tp_message m;
    struct l2tp_header h;

    if (t->state >= L2TP_LINGERING || !l2tp_header_parse(packet, &h) ||
        !l2tp_message_parse(h.payload, t->config.secret, &m)) {
        if (t->state == L2TP_IDLE)
            over(t, PE_PROTOCOL, now_us);
        return;
    }
    if (t->state != L2TP_IDLE)
        on_message(t, &m, h.session, now_us);
    else if (m.type == L2TP_SCCRQ)
        on_sccrq(t, &m, packet.left, now_us);
    else
        over(t, PE_PROTOCOL, now_us);
}

/* What the channel says of the peer. */
static void
look_at_channel(struct l2tp_tunnel *t, int64_t now_us)
{
    if (t->state == L2TP_CLOSING && t->shown && reliable_is_quiet(&t->channel))
        over(t, PE_DISCONNECTED, now_us);
    if (!reliable_is_dead(&t->channel))
        return;
    /* Some telephones do not acknowledge HELLO, but their data is as good a sign of life. */
    if (t->state != L2TP_OPEN || now_us - t->heard_us >= L2TP_HELLO_S * US)
        over(t, PE_SESSION_TIMEOUT, now_us);
}

void
l2tp_tunnel_receive(struct l2tp_tunnel *t, const struct l2tp_header *h, struct reader packet,
                    int64_t now_us)
{
    struct reader message;

    packet.left = (size_t)(h->payload.at - packet.at) + h->payload.left;
    if (t->state == L2TP_OVER || packet.left > RELIABLE_MESSAGE_MAX)
        return;
    t->heard_us = now_us;
    if (t->state == L2TP_OPENING && h->tunnel == 0) { /* our answer was lost */
        if (t->shown || packet.left >= t->answer_len)
            t->ops->send(t->owner, reader_of(t->answer, t->answer_len), now_us);
        return;
    }
    t->shown |= t->state != L2TP_IDLE && h->tunnel == t->config.id;
    (void)reliable_received(&t->channel, packet, h->payload.left == 0, now_us);
    while (t->state != L2TP_OVER && reliable_next(&t->channel, &message))
        take_message(t, message, now_us);
    if (t->state == L2TP_IDLE) /* nothing that opens it: there is nobody to answer to */
        over(t, PE_PROTOCOL, now_us);
    if (t->state == L2TP_OVER)
        return;
    flush(t, now_us);
    look_at_channel(t, now_us);
}

/* ---- the owner's wishes ---- */

void
l2tp_tunnel_hang_up(struct l2tp_tunnel *t, struct l2tp_call *call, uint16_t result, int64_t now_us)
{
    if (t->state == L2TP_OPEN)
        send_cdn(t, call->id, call->peer_id, result, 0);
    call_free(t, call, now_us);
    flush(t, now_us);
}

void
l2tp_tunnel_close(struct l2tp_tunnel *t, uint16_t result, int reason, int64_t now_us)
{
    if (t->state >= L2TP_CLOSING)
        return;
    if (t->state == L2TP_IDLE || !t->shown || reliable_is_dead(&t->channel)) {
        over(t, reason, now_us);
        return;
    }
    stop(t, result, 0, reason, now_us);
    flush(t, now_us);
}

/* ---- time ---- */

static int64_t
sooner(int64_t a, int64_t b)
{
    return a == 0 ? b : (b == 0 ? a : MIN(a, b));
}

static int64_t
hello_due(const struct l2tp_tunnel *t)
{
    return t->state == L2TP_OPEN ? after(MAX(t->heard_us, t->hello_us), L2TP_HELLO_S) : 0;
}

int64_t
l2tp_tunnel_deadline(const struct l2tp_tunnel *t)
{
    if (t->state == L2TP_OVER)
        return 0;
    int64_t due_us = sooner(t->give_up_us, hello_due(t));
    if (t->shown)
        due_us = sooner(due_us, reliable_deadline(&t->channel));
    for (unsigned i = 0, left = t->n_calls; left > 0; i++) {
        if (!t->call[i])
            continue;
        left--;
        if (!t->call[i]->up)
            due_us = sooner(due_us, t->call[i]->give_up_us);
    }
    return due_us;
}

static void
give_up_calls(struct l2tp_tunnel *t, int64_t now_us)
{
    for (unsigned i = 0; t->n_calls > 0 && i < L2TP_SESSIONS_TUNNEL; i++) {
        struct l2tp_call *c = t->call[i];
        if (c && !c->up && now_us >= c->give_up_us)
            l2tp_tunnel_hang_up(t, c, CALL_TOO_LATE, now_us);
    }
}

/* The state has lasted for too long. */
static void
give_up(struct l2tp_tunnel *t, int64_t now_us)
{
    if (t->state == L2TP_OPENING || t->state == L2TP_OPEN)
        l2tp_tunnel_close(t, L2TP_STOP_CLEAR, PE_SESSION_TIMEOUT, now_us);
    else
        over(t, PE_DISCONNECTED, now_us);
}

void
l2tp_tunnel_tick(struct l2tp_tunnel *t, int64_t now_us)
{
    uint8_t bytes[L2TP_MESSAGE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    if (t->state == L2TP_OVER)
        return;
    if (t->give_up_us > 0 && now_us >= t->give_up_us)
        give_up(t, now_us);
    give_up_calls(t, now_us);
    if (t->state == L2TP_OPEN && now_us >= hello_due(t)) {
        t->hello_us = now_us;
        l2tp_begin(&w, L2TP_HELLO, t->peer_id, 0);
        if (reliable_is_quiet(&t->channel)) /* else something asks for an answer already */
            put(t, &w);
    }
    flush(t, now_us);
    look_at_channel(t, now_us);
}

/* ---- life ---- */

struct l2tp_tunnel *
l2tp_tunnel_new(const struct l2tp_tunnel_config *config, const struct l2tp_tunnel_ops *ops,
                void *owner, int64_t now_us)
{
    struct l2tp_tunnel *t = g_new0(struct l2tp_tunnel, 1);

    t->config = *config;
    t->ops = ops;
    t->owner = owner;
    t->shown = config->proven;
    t->since_us = t->heard_us = now_us;
    t->give_up_us = after(now_us, L2TP_SETUP_STRANGER_S);
    reliable_init(&t->channel);
    return t;
}

void
l2tp_tunnel_free(struct l2tp_tunnel *t)
{
    if (!t)
        return;
    for (unsigned i = 0; i < L2TP_SESSIONS_TUNNEL; i++)
        g_free(t->call[i]);
    reliable_clear(&t->channel);
    g_free(t);
}
