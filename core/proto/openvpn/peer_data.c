/* SPDX-License-Identifier: Apache-2.0 */
/* peer_data.c - the data path of a peer.
 *
 * In: a packet is opened straight into the frame that goes on to the hub; frames of one client that
 * were read at once go on as one batch. Out: each packet, or each segment of a super-frame, is
 * sealed from where it lies into the worker's TX scratch; by UDP equal packets leave as trains, and
 * a batch by one call.
 */

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/hub/l3/l3port.h"
#include "core/net/eth.h"
#include "core/net/ip.h"
#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/mss.h"
#include "core/net/segment.h"
#include "core/net/wire.h"
#include "core/proto/openvpn/data.h"
#include "core/proto/openvpn/peer.h"
#include "core/proto/openvpn/tcp.h"

#include <string.h>

enum {
    LENGTH = 2,         /* of a packet in a stream */
    LZO_NONE = 0xfa,    /* first byte: not compressed */
    LZO_SWAPPED = 0xfb, /* the same, and the byte that was first is the last */
    STUB_V2 = 0x50,     /* first byte: a mark follows */
    STUB_V2_NONE = 0x00,
    STUB_V2_NONE_TOO = 0x0a,
    MARK_MAX = 2,
    UDP_HEADER_LEN = 8,
};

/* ---- TCP's MSS ---- */

void
ovpn_data_set_mss(struct ovpn_peer *p)
{
    unsigned mtu = ovpn_push_mtu(&p->says, p->rules->settings);
    unsigned outer = p->address.remote.ip.family == 6 ? IP6_HEADER : IP4_HEADER;
    unsigned ethernet = p->says.tap ? ETH_HEADER : 0;

    if (!p->primary)
        return;
    if (!p->stream)
        mtu = MIN(mtu, OVPN_OUTER_MTU - outer - UDP_HEADER_LEN - ethernet - MARK_MAX / 2 -
                           (unsigned)ovpn_data_overhead(p->primary->data));
    p->mss = mss_for_mtu(mtu);
}

/* The frame, perhaps another one in its place; NULL when there was no buffer for that. */
static struct frame *
lower_mss(const struct ovpn_peer *p, struct frame *f)
{
    return mss_lower(worker_pool(p->home->worker), f, !p->says.tap, &p->mss);
}

/* ---- in ---- */

static void
count_drop(const struct ovpn_peer *p, enum drop why, unsigned n)
{
    if (p->session && n > 0)
        hub_port_count_drop(p->session->port, why, n);
}

void
ovpn_data_flush(struct ovpn_home *h, int64_t now_us)
{
    struct ovpn_peer *p = g_steal_pointer(&h->rx_peer);

    if (!p || h->rx.n == 0)
        return;
    if (p->state != OVPN_PEER_UP || !p->session) {
        batch_free_frames(&h->rx);
        return;
    }
    atomic_store_explicit(&p->session->last_comm_ms, clock_wall_ms(), memory_order_relaxed);
    if (p->l3)
        l3port_receive(p->l3, &h->rx, now_us);
    else
        hub_port_receive(p->session->port, &h->rx, now_us);
}

/* Takes the mark off. False: compressed, or no mark where one must be. */
static bool
take_mark(enum ovpn_framing framing, struct frame *f)
{
    const uint8_t *at = f->data;

    if (framing == OVPN_FRAMING_NONE || f->len == 0)
        return true;
    if (framing == OVPN_FRAMING_STUB_V2) {
        if (at[0] != STUB_V2)
            return true;
        if (f->len < 2 || (at[1] != STUB_V2_NONE && at[1] != STUB_V2_NONE_TOO))
            return false;
        return frame_pull(f, 2) != NULL;
    }
    if (at[0] == LZO_SWAPPED && f->len > 1) {
        f->data[0] = f->data[f->len - 1];
        f->len--;
        return true;
    }
    return at[0] == LZO_NONE && frame_pull(f, 1) != NULL;
}

/* Whether it is a packet for the hub; what is not has been dealt with. */
static bool
is_packet(struct ovpn_peer *p, const struct frame *f)
{
    switch (ovpn_special_kind(f->data, f->len)) {
    case OVPN_PAYLOAD:
        return f->len > (p->says.tap ? ETH_HEADER : 0);
    case OVPN_OCC_EXIT:
        ovpn_peer_end(p, PE_CANCELLED);
        return false;
    default:
        return false;
    }
}

/* A genuine packet came from there. False: that is where somebody else is. */
static bool
follow(struct ovpn_peer *p, const struct udp_source *source)
{
    struct ovpn_address a;

    if (!source || (memcmp(source->peer, p->source.peer, sizeof(source->peer)) == 0 &&
                    source->port == p->source.port))
        return true;
    if (!ovpn_address_of(source, &a))
        return false;
    const struct ovpn_peer *other = ovpn_home_by_address(p->home, &a);
    if (other && other != p)
        return false;
    ovpn_peer_move(p, source);
    return true;
}

static enum drop
open_packet(struct ovpn_peer *p, struct ovpn_data *d, const uint8_t *bytes, size_t len,
            struct frame **out)
{
    struct frame *f = frame_new(worker_pool(p->home->worker), len);
    size_t n = 0;

    if (!f)
        return DROP_NO_BUFFER;
    enum drop why = ovpn_data_open(d, bytes, len, f->data, frame_tailroom(f), &n);
    f->len = (uint32_t)n;
    if (why == DROP_NONE && !take_mark(p->framing, f))
        why = DROP_INFLATE;
    if (why != DROP_NONE) {
        frame_free(f);
        return why;
    }
    *out = f;
    return DROP_NONE;
}

void
ovpn_data_received(struct ovpn_peer *p, const struct udp_source *source, const uint8_t *bytes,
                   size_t len, int64_t now_us)
{
    struct ovpn_home *h = p->home;
    struct ovpn_key *k = ovpn_peer_key(p, ovpn_key_id(bytes[0]));
    struct frame *f = NULL;

    if (p->state != OVPN_PEER_UP || !k || !k->data || (k == p->fresh && !k->verified))
        return;
    enum drop why = open_packet(p, k->data, bytes, len, &f);
    if (why != DROP_NONE) {
        count_drop(p, why, 1);
        return;
    }
    p->last_in_us = now_us;
    if (!follow(p, source) || !is_packet(p, f)) {
        frame_free(f);
        return;
    }
    f = lower_mss(p, f);
    if (h->rx_peer != p || batch_is_full(&h->rx))
        ovpn_data_flush(h, now_us);
    h->rx_peer = p;
    batch_add(&h->rx, f);
}

/* ---- out ---- */

/* What one batch has sealed so far. */
struct tx {
    struct ovpn_peer *p;
    struct ovpn_data *data;
    unsigned lost; /* sealed for nothing, or the key is used up */
    /* On a stream: */
    uint8_t *at; /* TX scratch */
    size_t used;
    struct udp_tx udp; /* else */
};

static void
begin_tx(struct tx *tx, struct ovpn_peer *p)
{
    tx->p = p;
    tx->data = p->primary->data;
    tx->lost = 0;
    tx->at = worker_scratch(p->home->worker, WORKER_SCRATCH_TX);
    tx->used = 0;
    if (!p->stream)
        udp_tx_begin(&tx->udp, p->port, &p->source);
}

static void
flush_tx(struct tx *tx)
{
    struct ovpn_peer *p = tx->p;

    if (!p->stream)
        udp_tx_flush(&tx->udp);
    else if (tx->used > 0 && !ovpn_stream_write(p->stream, tx->at, tx->used))
        ovpn_peer_end(p, PE_DISCONNECTED);
    tx->used = 0;
}

static size_t
put_datagram(struct tx *tx, const struct pf_slice in[2], size_t need)
{
    uint8_t *at = udp_tx_room(&tx->udp, need);
    size_t len = ovpn_data_seal(tx->data, in[0].at, in[0].len, in[1].at, in[1].len, at);

    if (len > 0)
        udp_tx_add(&tx->udp, len);
    return len;
}

static size_t
put_in_stream(struct tx *tx, const struct pf_slice in[2], size_t need)
{
    if (tx->used + LENGTH + need > WORKER_SCRATCH)
        flush_tx(tx);
    uint8_t *at = tx->at + tx->used;
    size_t len = ovpn_data_seal(tx->data, in[0].at, in[0].len, in[1].at, in[1].len, at + LENGTH);
    if (len > 0) {
        wire_put16(at, (uint16_t)len);
        tx->used += LENGTH + len;
    }
    return len;
}

/* Puts a packet, which lies in two pieces. */
static void
put(struct tx *tx, const uint8_t *head, size_t head_len, const uint8_t *body, size_t body_len)
{
    const struct pf_slice in[2] = {{(void *)(uintptr_t)head, head_len},
                                   {(void *)(uintptr_t)body, body_len}};
    size_t need = ovpn_data_sealed_len(tx->data, head_len + body_len);

    if ((tx->p->stream ? put_in_stream(tx, in, need) : put_datagram(tx, in, need)) == 0)
        tx->lost++;
}

/* The same, with the mark that the client wants to see. */
static void
put_marked(struct tx *tx, const uint8_t *head, size_t head_len, const uint8_t *body,
           size_t body_len)
{
    enum ovpn_framing framing = tx->p->framing;
    uint8_t marked[MARK_MAX + SEGMENT_HEADER_MAX];
    size_t mark = 0;

    if (framing == OVPN_FRAMING_LZO) {
        marked[mark++] = LZO_NONE;
    } else if (framing == OVPN_FRAMING_STUB_V2 && (head_len > 0 ? head : body)[0] == STUB_V2) {
        marked[mark++] = STUB_V2;
        marked[mark++] = STUB_V2_NONE;
    }
    if (mark > 0) {
        memcpy(marked + mark, head, head_len);
        head = marked;
        head_len += mark;
    }
    put(tx, head, head_len, body, body_len);
}

static enum drop
put_frame(struct tx *tx, const struct frame *f)
{
    struct segment_iter it;
    struct segment s;

    if (!segment_needs(f)) {
        put_marked(tx, f->data, 0, f->data, f->len);
        return DROP_NONE;
    }
    enum drop why = tx->p->l3 ? segment_begin_ip(&it, f) : segment_begin(&it, f);
    while (why == DROP_NONE && segment_next(&it, &s))
        put_marked(tx, s.header, s.header_len, s.payload, s.payload_len);
    return why;
}

/* Consumes the frame. */
static void
send_frame(struct tx *tx, struct frame *f)
{
    struct frame *own = f->len > 0 ? lower_mss(tx->p, f) : f;
    enum drop why = own ? put_frame(tx, own) : DROP_NO_BUFFER;

    if (why != DROP_NONE)
        count_drop(tx->p, why, 1);
    frame_free(own);
}

static void
end_tx(struct tx *tx, int64_t now_us)
{
    struct ovpn_peer *p = tx->p;

    flush_tx(tx);
    count_drop(p, DROP_IO, tx->lost + (p->stream ? 0 : tx->udp.lost));
    p->last_out_us = now_us;
    if (ovpn_data_is_worn(p->primary->data) && !p->fresh) {
        ovpn_peer_renew(p, now_us);
        ovpn_peer_flush(p, now_us);
    }
}

/* Without the streams that cannot take it: those frames wait. */
static void
queue_all(struct ovpn_peer *p, struct batch *b, int64_t now_us)
{
    for (unsigned i = 0; i < b->n; i++) {
        enum drop why = frame_queue_push(&p->stream->queue, b->frame[i], now_us);
        if (why != DROP_NONE)
            count_drop(p, why, 1);
    }
    b->n = 0;
}

void
ovpn_data_send(struct ovpn_peer *p, struct batch *b, int64_t now_us)
{
    struct tx tx;

    if (p->state != OVPN_PEER_UP) {
        batch_free_frames(b);
        return;
    }
    if (p->stream && p->stream->congested) {
        queue_all(p, b, now_us);
        return;
    }
    begin_tx(&tx, p);
    for (unsigned i = 0; i < b->n; i++)
        send_frame(&tx, b->frame[i]);
    b->n = 0;
    end_tx(&tx, now_us);
}

void
ovpn_data_resume(struct ovpn_peer *p, int64_t now_us)
{
    struct ovpn_stream *s = p->stream;
    unsigned dropped = 0;

    while (p->state == OVPN_PEER_UP && !s->congested && s->queue.n > 0) {
        struct batch b = {0};
        struct frame *f;
        while (!batch_is_full(&b) && (f = frame_queue_pop(&s->queue, now_us, &dropped)))
            batch_add(&b, f);
        if (b.n == 0)
            break;
        ovpn_data_send(p, &b, now_us);
    }
    count_drop(p, DROP_AQM, dropped);
}

void
ovpn_data_ping(struct ovpn_peer *p, int64_t now_us)
{
    struct tx tx;

    begin_tx(&tx, p);
    put_marked(&tx, ovpn_ping_payload, 0, ovpn_ping_payload, sizeof(ovpn_ping_payload));
    end_tx(&tx, now_us);
}
