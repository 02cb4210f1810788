/* SPDX-License-Identifier: Apache-2.0 */
/* reliable.c - see reliable.h.
 *
 * There is no cumulative acknowledgement: each id is told by itself, and told again in later
 * packets where there is room, since an ACK_V1 is lost as easily as anything. Ids are far from
 * turning over before the key is renewed, so they are compared as numbers.
 */

#include "core/proto/openvpn/reliable.h"

#include <glib.h>

void
ovpn_reliable_init(struct ovpn_reliable *r)
{
    *r = (struct ovpn_reliable){0};
}

void
ovpn_reliable_clear(struct ovpn_reliable *r)
{
    for (unsigned i = 0; i < OVPN_RECEIVE_WINDOW; i++)
        g_free(r->in[i]);
    g_free(r->delivered);
    secret_wipe(r, sizeof(*r));
}

/* ---- acknowledgements ---- */

static void
on_ack(struct ovpn_reliable *r, uint32_t id, int64_t now_us)
{
    bool news = false;

    for (unsigned i = 0; i < OVPN_SEND_WINDOW; i++) {
        struct ovpn_outgoing *o = &r->out[i];
        if (o->used && o->id == id) {
            o->used = false;
            news = true;
        }
    }
    for (unsigned i = 0; news && i < OVPN_SEND_WINDOW; i++) {
        struct ovpn_outgoing *o = &r->out[i];
        if (!o->used || o->id > id || ++o->later_acked < OVPN_EARLY_RESEND)
            continue;
        o->later_acked = 0;
        o->resend_us = MIN(o->resend_us, now_us);
    }
}

/* What does not fit is not told: the peer will send it again. */
static void
will_ack(struct ovpn_reliable *r, uint32_t id)
{
    for (unsigned i = 0; i < r->n_acks; i++) {
        if (r->ack[i] == id)
            return;
    }
    if (r->n_acks < G_N_ELEMENTS(r->ack))
        r->ack[r->n_acks++] = id;
}

void
ovpn_reliable_skip_resets(struct ovpn_reliable *r)
{
    r->next_send = MAX(r->next_send, 1);
    r->next_receive = MAX(r->next_receive, 1);
    will_ack(r, 0);
}

/* The newest goes first; an id is there once. */
static void
remember_ack(struct ovpn_reliable *r, uint32_t id)
{
    unsigned at = 0;

    while (at < r->n_recent && r->recent[at] != id)
        at++;
    if (at == r->n_recent && r->n_recent < OVPN_RECENT_ACKS)
        r->n_recent++;
    at = MIN(at, OVPN_RECENT_ACKS - 1u);
    memmove(r->recent + 1, r->recent, at * sizeof(r->recent[0]));
    r->recent[0] = id;
}

/* Takes new acks first, then old ones again. */
static void
fill_acks(struct ovpn_reliable *r, struct ovpn_control *c, unsigned most)
{
    unsigned n = MIN(r->n_acks, most);
    unsigned fresh = n;

    memcpy(c->ack, r->ack, n * sizeof(r->ack[0]));
    r->n_acks -= n;
    memmove(r->ack, r->ack + n, r->n_acks * sizeof(r->ack[0]));
    for (unsigned i = 0; i < r->n_recent && n < most; i++) {
        bool there = false;
        for (unsigned k = 0; k < fresh; k++)
            there |= c->ack[k] == r->recent[i];
        if (!there)
            c->ack[n++] = r->recent[i];
    }
    for (unsigned i = fresh; i > 0; i--)
        remember_ack(r, c->ack[i - 1]);
    c->n_acks = (uint8_t)n;
}

/* ---- receiving ---- */

bool
ovpn_reliable_received(struct ovpn_reliable *r, const struct ovpn_control *c, int64_t now_us)
{
    for (unsigned i = 0; i < c->n_acks; i++)
        on_ack(r, c->ack[i], now_us);
    if (!c->has_id)
        return true;
    struct ovpn_incoming **slot = &r->in[c->id % OVPN_RECEIVE_WINDOW];
    if (c->id < r->next_receive || (*slot && (*slot)->id == c->id)) {
        will_ack(r, c->id);
        return true;
    }
    if (c->id - r->next_receive >= OVPN_RECEIVE_WINDOW || c->payload.left > OVPN_PACKET_MAX)
        return false;

    struct ovpn_incoming *in = g_malloc(sizeof(*in) + c->payload.left);
    in->op = c->op;
    in->id = c->id;
    in->len = (uint16_t)c->payload.left;
    if (in->len > 0)
        memcpy(in->payload, c->payload.at, in->len);
    *slot = in;
    will_ack(r, c->id);
    return true;
}

bool
ovpn_reliable_next(struct ovpn_reliable *r, enum ovpn_op *op, struct reader *payload)
{
    struct ovpn_incoming **slot = &r->in[r->next_receive % OVPN_RECEIVE_WINDOW];

    g_free(r->delivered);
    r->delivered = *slot;
    if (!r->delivered)
        return false;
    *slot = NULL;
    r->next_receive++;
    *op = r->delivered->op;
    *payload = reader_of(r->delivered->payload, r->delivered->len);
    return true;
}

/* ---- sending ---- */

/* Never further ahead of the oldest one than the window: a peer that misses it could not take more.
 */
bool
ovpn_reliable_has_room(const struct ovpn_reliable *r)
{
    for (unsigned i = 0; i < OVPN_SEND_WINDOW; i++) {
        if (r->out[i].used && r->next_send - r->out[i].id >= OVPN_SEND_WINDOW)
            return false;
    }
    return true;
}

void
ovpn_reliable_send(struct ovpn_reliable *r, enum ovpn_op op, const void *payload, size_t len,
                   int64_t now_us)
{
    struct ovpn_outgoing *o = &r->out[r->next_send % OVPN_SEND_WINDOW];

    g_assert(!o->used && len <= OVPN_PAYLOAD_MAX && ovpn_reliable_has_room(r));
    o->used = true;
    o->op = op;
    o->id = r->next_send++;
    o->resend_us = now_us;
    o->wait_us = OVPN_RESEND_US;
    o->later_acked = 0;
    o->len = (uint16_t)len;
    if (len > 0)
        memcpy(o->payload, payload, len);
}

static struct ovpn_outgoing *
first_due(struct ovpn_reliable *r, int64_t now_us)
{
    struct ovpn_outgoing *due = NULL;

    for (unsigned i = 0; i < OVPN_SEND_WINDOW; i++) {
        struct ovpn_outgoing *o = &r->out[i];
        if (o->used && o->resend_us <= now_us && (!due || o->id < due->id))
            due = o;
    }
    return due;
}

bool
ovpn_reliable_pull(struct ovpn_reliable *r, int64_t now_us, struct ovpn_control *c)
{
    struct ovpn_outgoing *o = first_due(r, now_us);

    if (o) {
        c->op = o->op;
        c->has_id = true;
        c->id = o->id;
        c->payload = reader_of(o->payload, o->len);
        o->resend_us = now_us + o->wait_us;
        o->wait_us = MIN(2 * o->wait_us, OVPN_RESEND_MAX_US);
        fill_acks(r, c, OVPN_PIGGYBACK_ACKS);
        return true;
    }
    if (r->n_acks == 0)
        return false;
    c->op = OVPN_ACK_V1;
    c->has_id = false;
    c->id = 0;
    c->payload = reader_of(NULL, 0);
    fill_acks(r, c, OVPN_ACKS_MAX);
    return true;
}

int64_t
ovpn_reliable_deadline(const struct ovpn_reliable *r)
{
    int64_t first = 0;

    for (unsigned i = 0; i < OVPN_SEND_WINDOW; i++) {
        const struct ovpn_outgoing *o = &r->out[i];
        if (o->used && (first == 0 || o->resend_us < first))
            first = o->resend_us;
    }
    return first;
}

bool
ovpn_reliable_is_quiet(const struct ovpn_reliable *r)
{
    for (unsigned i = 0; i < OVPN_SEND_WINDOW; i++) {
        if (r->out[i].used)
            return false;
    }
    return true;
}
