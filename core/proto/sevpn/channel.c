/* SPDX-License-Identifier: Apache-2.0 */
/* channel.c - see channel.h.
 *
 * Limits and timers, T being the session's timeout (5 to 60 s): a keepalive of 0 to 511 bytes after
 * T/5 to T/2 without other traffic on a connection; a connection is dead after T without a whole
 * block or keepalive; the channel is dead after T without any. All of them hang on one timer, whose
 * due time is computed by next_deadline() alone.
 */

#include "core/proto/sevpn/channel.h"

#include "core/base/error.h"
#include "core/base/queue.h"
#include "core/base/random.h"
#include "core/base/types.h"
#include "core/net/flow.h"

#include <glib.h>

enum { READ_CHUNK = 16384, READ_BUDGET = 1024 * 1024 };

struct connection {
    struct sevpn_channel *channel;
    struct tls_stream *stream;
    enum sevpn_direction direction;
    struct block_decoder decoder;
    struct frame_queue queue; /* while the socket is full */
    int64_t last_in_us, keepalive_us;
    bool broken; /* to be closed by whoever is above on the stack */
};

struct sevpn_channel {
    struct worker *worker;
    struct sevpn_channel_config config;
    const struct sevpn_channel_ops *ops;
    void *owner;
    struct timer timer;
    struct connection *conn[SEVPN_CONNECTIONS_MAX];
    unsigned n;
    struct sevpn_channel_stats stats;
    bool held_back; /* the sender waits for writable() */
    bool *freed;    /* set when a callback freed us */
};

/* ---- which connection ---- */

static bool
may_send(const struct connection *c)
{
    enum sevpn_direction other =
        c->channel->config.server ? SEVPN_CLIENT_TO_SERVER : SEVPN_SERVER_TO_CLIENT;
    return c->direction != other;
}

static bool
may_receive(const struct connection *c)
{
    enum sevpn_direction other =
        c->channel->config.server ? SEVPN_SERVER_TO_CLIENT : SEVPN_CLIENT_TO_SERVER;
    return c->direction != other;
}

/* A frame that QoS prefers: IPv4 with a type of service other than 0 and 8, or a short ICMP one. */
static bool
has_priority(const struct frame *f)
{
    struct reader r = reader_of(f->data, f->len);

    (void)reader_take(&r, 12);
    uint16_t type = reader_u16(&r);
    (void)reader_take(&r, 1);
    uint8_t tos = reader_u8(&r);
    (void)reader_take(&r, 7);
    uint8_t protocol = reader_u8(&r);
    if (!reader_ok(&r) || type != 0x0800)
        return false;
    return (tos != 0 && tos != 8) || (protocol == 1 && f->len >= 34 && f->len <= 128);
}

static uint32_t
spread(const struct frame *f)
{
    struct flow flow;

    return flow_of_frame(f, &flow) == DROP_NONE ? flow_hash(&flow) : 0;
}

/* Connections that may send, in order. */
static unsigned
senders(struct sevpn_channel *ch, struct connection *out[SEVPN_CONNECTIONS_MAX])
{
    unsigned n = 0;

    for (unsigned i = 0; i < ch->n; i++) {
        if (may_send(ch->conn[i]) && !ch->conn[i]->broken)
            out[n++] = ch->conn[i];
    }
    return n;
}

static unsigned
choose(const struct sevpn_channel *ch, unsigned n, const struct frame *f)
{
    if (n == 1)
        return 0;
    if (ch->config.qos) {
        if (has_priority(f))
            return n - 1;
        n--;
    }
    return n == 1 ? 0 : spread(f) % n;
}

/* ---- timers ---- */

static int64_t
timeout_us(const struct sevpn_channel *ch)
{
    return (int64_t)ch->config.timeout_ms * 1000;
}

static void
restart_keepalive(struct connection *c, int64_t now_us)
{
    unsigned t = c->channel->config.timeout_ms;

    c->keepalive_us = now_us + (int64_t)random_range(t / 5, t / 2) * 1000;
}

static int64_t
next_deadline(const struct sevpn_channel *ch)
{
    int64_t due = ch->stats.last_in_us + timeout_us(ch);

    for (unsigned i = 0; i < ch->n; i++) {
        const struct connection *c = ch->conn[i];
        if (may_send(c))
            due = MIN(due, c->keepalive_us);
        if (may_receive(c))
            due = MIN(due, c->last_in_us + timeout_us(ch));
    }
    return due;
}

static void
send_keepalive(struct connection *c, int64_t now_us)
{
    uint8_t bytes[8 + BLOCK_KEEPALIVE_MAX];
    struct pf_slice iov = {bytes, block_keepalive(bytes, random_range(0, 511))};

    restart_keepalive(c, now_us);
    if (!tls_stream_is_congested(c->stream)) /* else there is traffic enough */
        (void)tls_stream_write(c->stream, &iov, 1);
}

static void
remove_connection(struct sevpn_channel *ch, unsigned i, int64_t now_us)
{
    struct connection *c = ch->conn[i];

    for (unsigned k = i + 1; k < ch->n; k++) /* the order tells which one is for priority frames */
        ch->conn[k - 1] = ch->conn[k];
    ch->n--;
    if (c->queue.n > 0)
        ch->ops->dropped(ch->owner, DROP_PORT_DOWN, c->queue.n);
    frame_queue_clear(&c->queue);
    block_decoder_clear(&c->decoder);
    tls_stream_free(c->stream);
    g_free(c);
    ch->ops->connections(ch->owner, ch->n, now_us);
}

/* Closes connections that are broken or silent. False: the channel is gone. */
static bool
sweep(struct sevpn_channel *ch, int64_t now_us)
{
    bool freed = false;
    bool *outer = ch->freed;

    ch->freed = &freed;
    for (unsigned i = 0; i < ch->n && !freed;) {
        struct connection *c = ch->conn[i];
        bool silent = may_receive(c) && now_us - c->last_in_us >= timeout_us(ch);
        if (c->broken || silent)
            remove_connection(ch, i, now_us);
        else
            i++;
    }
    if (freed) {
        if (outer)
            *outer = true;
        return false;
    }
    ch->freed = outer;
    return true;
}

static void
on_timer(struct timer *t, int64_t now_us)
{
    struct sevpn_channel *ch = container_of(t, struct sevpn_channel, timer);

    if (now_us - ch->stats.last_in_us >= timeout_us(ch)) {
        ch->ops->ended(ch->owner, PE_SESSION_TIMEOUT, now_us);
        return;
    }
    if (!sweep(ch, now_us))
        return;
    for (unsigned i = 0; i < ch->n; i++) {
        struct connection *c = ch->conn[i];
        if (may_send(c) && now_us >= c->keepalive_us)
            send_keepalive(c, now_us);
    }
    timer_arm(worker_timers(ch->worker), &ch->timer, next_deadline(ch));
}

/* ---- sending ---- */

static void
write_slices(void *owner, const struct pf_slice *iov, unsigned n)
{
    struct connection *c = owner;

    (void)tls_stream_write(c->stream, iov, n); /* a broken stream tells so by on_end */
}

/* A long wait should not hold a large buffer with a short frame in it. */
static struct frame *
compact(struct sevpn_channel *ch, struct frame *f)
{
    if (f->len > FRAME_SMALL || f->size <= FRAME_HEADROOM + FRAME_SMALL)
        return f;
    struct frame *small = frame_copy(worker_pool(ch->worker), f);
    if (!small)
        return f;
    frame_free(f);
    return small;
}

static void
enqueue(struct connection *c, struct frame *f, int64_t now_us)
{
    enum drop why = frame_queue_push(&c->queue, compact(c->channel, f), now_us);

    if (why != DROP_NONE)
        c->channel->ops->dropped(c->channel->owner, why, 1);
}

/* Writes the frames, whatever the socket says of it, and frees them. */
static void
write_frames(struct connection *c, struct frame *const *frame, unsigned n)
{
    struct sevpn_channel *ch = c->channel;
    struct block_encoder e;

    block_encoder_begin(&e, &ch->config.format, worker_scratch(ch->worker, WORKER_SCRATCH_WORK),
                        WORKER_SCRATCH, write_slices, c);
    for (unsigned i = 0; i < n; i++) {
        enum drop why = block_encode(&e, frame[i]);
        if (why != DROP_NONE) {
            ch->ops->dropped(ch->owner, why, 1);
            continue;
        }
        ch->stats.out_frames++;
        ch->stats.out_bytes += frame[i]->len;
    }
    block_encoder_end(&e);
    for (unsigned i = 0; i < n; i++)
        frame_free(frame[i]);
}

/* Writes in bursts until the socket is full, and queues the rest. Consumes the frames. */
static void
transmit(struct connection *c, struct frame *const *frame, unsigned n, int64_t now_us)
{
    unsigned i = 0;

    while (i < n && c->queue.n == 0 && !tls_stream_is_congested(c->stream)) {
        unsigned first = i;
        size_t bytes = 0;
        for (; i < n && bytes < BLOCK_BURST; i++)
            bytes += frame[i]->len;
        write_frames(c, frame + first, i - first);
        restart_keepalive(c, now_us);
    }
    for (; i < n; i++)
        enqueue(c, frame[i], now_us);
}

static void
transmit_queue(struct connection *c, int64_t now_us)
{
    struct sevpn_channel *ch = c->channel;

    while (c->queue.n > 0 && !tls_stream_is_congested(c->stream)) {
        struct frame *frame[BATCH_MAX];
        unsigned dropped = 0;
        unsigned n = 0;

        for (size_t bytes = 0; n < BATCH_MAX && bytes < BLOCK_BURST; n++) {
            frame[n] = ch->config.lossless ? frame_queue_pop_plain(&c->queue)
                                           : frame_queue_pop(&c->queue, now_us, &dropped);
            if (!frame[n])
                break;
            bytes += frame[n]->len;
        }
        write_frames(c, frame, n);
        if (dropped > 0)
            ch->ops->dropped(ch->owner, DROP_AQM, dropped);
    }
}

bool
sevpn_channel_send(struct sevpn_channel *ch, struct batch *b, int64_t now_us)
{
    struct connection *c[SEVPN_CONNECTIONS_MAX];
    unsigned n = senders(ch, c);
    bool congested = false;

    if (n == 0) {
        ch->ops->dropped(ch->owner, DROP_PORT_DOWN, b->n);
        batch_free_frames(b);
        return true;
    }
    if (n == 1) {
        transmit(c[0], b->frame, b->n, now_us);
    } else {
        uint8_t to[BATCH_MAX];
        for (unsigned i = 0; i < b->n; i++)
            to[i] = (uint8_t)choose(ch, n, b->frame[i]);
        for (unsigned k = 0; k < n; k++) {
            struct frame *mine[BATCH_MAX];
            unsigned count = 0;
            for (unsigned i = 0; i < b->n; i++) {
                if (to[i] == k)
                    mine[count++] = b->frame[i];
            }
            if (count > 0)
                transmit(c[k], mine, count, now_us);
        }
    }
    b->n = 0;
    for (unsigned k = 0; k < n; k++)
        congested = congested || c[k]->queue.n > 0 || tls_stream_is_congested(c[k]->stream);
    ch->held_back = congested;
    return !congested;
}

/* ---- receiving ---- */

/* Hands on what has come. False: the channel is gone. */
static bool
pass_on(struct sevpn_channel *ch, struct batch *b, int64_t now_us)
{
    bool freed = false;
    bool *outer = ch->freed;

    if (b->n == 0)
        return true;
    ch->freed = &freed;
    ch->ops->receive(ch->owner, b, now_us);
    if (freed) {
        if (outer)
            *outer = true;
        return false;
    }
    ch->freed = outer;
    return true;
}

enum decoded { DECODED, BROKEN, GONE /* the channel, with this connection */ };

static enum decoded
decode(struct connection *c, struct reader in, struct batch *b, int64_t now_us)
{
    struct sevpn_channel *ch = c->channel;
    struct frame_pool *pool = worker_pool(ch->worker);

    for (;;) {
        struct frame *f = NULL;
        enum drop why = DROP_NONE;
        switch (block_decode(&c->decoder, &ch->config.format, &in, pool, &f, &why)) {
        case BLOCK_MORE:
            return DECODED;
        case BLOCK_FRAME:
            ch->stats.in_frames++;
            ch->stats.in_bytes += f->len;
            batch_add(b, f);
            if (batch_is_full(b) && !pass_on(ch, b, now_us))
                return GONE;
            break;
        case BLOCK_LOST:
            if (why != DROP_SHORT) /* the protocol allows blocks that are no frames */
                ch->ops->dropped(ch->owner, why, 1);
            break;
        case BLOCK_ALIVE:
            break;
        case BLOCK_BROKEN:
            c->broken = true;
            return BROKEN;
        }
        c->last_in_us = now_us;
        ch->stats.last_in_us = now_us;
    }
}

static unsigned
index_of(const struct sevpn_channel *ch, const struct connection *c)
{
    unsigned i = 0;

    while (ch->conn[i] != c)
        i++;
    return i;
}

/* Passes the last frames on, and closes the connection if it broke. */
static void
finish_reading(struct connection *c, struct batch *b, int64_t now_us)
{
    struct sevpn_channel *ch = c->channel;

    if (pass_on(ch, b, now_us) && c->broken)
        remove_connection(ch, index_of(ch, c), now_us);
}

static void
on_readable(void *owner, int64_t now_us)
{
    struct connection *c = owner;
    uint8_t chunk[READ_CHUNK];
    struct batch b = {0};
    size_t done = 0;

    while (done < READ_BUDGET) {
        struct pf_slice room = block_decoder_room(&c->decoder);
        size_t n = room.len > 0 ? tls_stream_read(c->stream, room.at, room.len)
                                : tls_stream_read(c->stream, chunk, sizeof(chunk));
        if (n == 0)
            break;
        done += n;
        if (room.len > 0)
            block_decoder_filled(&c->decoder, n);
        enum decoded d = decode(c, reader_of(chunk, room.len > 0 ? 0 : n), &b, now_us);
        if (d == GONE)
            return;
        if (d == BROKEN)
            break;
    }
    finish_reading(c, &b, now_us);
}

static void
on_writable(void *owner, int64_t now_us)
{
    struct connection *c = owner;
    struct sevpn_channel *ch = c->channel;

    transmit_queue(c, now_us);
    if (!ch->held_back)
        return;
    for (unsigned i = 0; i < ch->n; i++) {
        if (may_send(ch->conn[i]) &&
            (ch->conn[i]->queue.n > 0 || tls_stream_is_congested(ch->conn[i]->stream)))
            return;
    }
    ch->held_back = false;
    ch->ops->writable(ch->owner, now_us);
}

static void
on_end(void *owner, enum tls_end why, int64_t now_us)
{
    struct connection *c = owner;

    (void)why;
    remove_connection(c->channel, index_of(c->channel, c), now_us);
}

static void
on_open(void *owner, int64_t now_us)
{
    (void)owner; /* it was open when it came */
    (void)now_us;
}

static const struct tls_stream_ops stream_ops = {
    .on_open = on_open, .on_readable = on_readable, .on_writable = on_writable, .on_end = on_end};

/* ---- life ---- */

struct sevpn_channel *
sevpn_channel_new(struct worker *w, const struct sevpn_channel_config *config,
                  const struct sevpn_channel_ops *ops, void *owner)
{
    struct sevpn_channel *ch = g_new0(struct sevpn_channel, 1);

    ch->worker = w;
    ch->config = *config;
    ch->ops = ops;
    ch->owner = owner;
    ch->stats.last_in_us = worker_now_us(w);
    timer_init(&ch->timer, on_timer);
    timer_arm(worker_timers(w), &ch->timer, next_deadline(ch));
    return ch;
}

void
sevpn_channel_free(struct sevpn_channel *ch)
{
    if (!ch)
        return;
    if (ch->freed)
        *ch->freed = true;
    timer_cancel(worker_timers(ch->worker), &ch->timer);
    for (unsigned i = 0; i < ch->n; i++) {
        struct connection *c = ch->conn[i];
        frame_queue_clear(&c->queue);
        block_decoder_clear(&c->decoder);
        tls_stream_free(c->stream);
        g_free(c);
    }
    g_free(ch);
}

enum sevpn_direction
sevpn_channel_next_direction(const struct sevpn_channel *ch)
{
    unsigned to_client = 0;

    if (ch->n > 0 && ch->conn[0]->direction == SEVPN_BOTH)
        return SEVPN_BOTH;
    for (unsigned i = 0; i < ch->n; i++)
        to_client += ch->conn[i]->direction == SEVPN_SERVER_TO_CLIENT;
    return to_client > ch->n - to_client ? SEVPN_CLIENT_TO_SERVER : SEVPN_SERVER_TO_CLIENT;
}

bool
sevpn_channel_add(struct sevpn_channel *ch, struct tls_stream *stream,
                  enum sevpn_direction direction, struct reader rest, int64_t now_us)
{
    struct batch b = {0};

    if (ch->n >= ch->config.max_connections) {
        tls_stream_free(stream);
        return false;
    }
    struct connection *c = g_new0(struct connection, 1);
    *c = (struct connection){.channel = ch,
                             .stream = stream,
                             .direction = direction,
                             .last_in_us = now_us,
                             .keepalive_us = now_us};
    ch->conn[ch->n++] = c;
    tls_stream_set_ops(stream, &stream_ops, c);
    pf_tcp_tune_tunnel(tls_stream_fd(stream), TLS_UNSENT_LOW);
    tls_stream_want_read(stream, true);
    timer_arm(worker_timers(ch->worker), &ch->timer, next_deadline(ch));
    ch->ops->connections(ch->owner, ch->n, now_us);
    if (rest.left > 0 && decode(c, rest, &b, now_us) != GONE)
        finish_reading(c, &b, now_us);
    return true;
}

unsigned
sevpn_channel_connections(const struct sevpn_channel *ch)
{
    return ch->n;
}

const struct sevpn_channel_stats *
sevpn_channel_stats(const struct sevpn_channel *ch)
{
    return &ch->stats;
}
