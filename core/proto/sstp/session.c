/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - one SSTP connection: a TLS stream below, a call for the control messages, a PPP peer
 * above.
 *
 * What the socket does not take waits in a bounded queue under CoDel; control messages and PPP's
 * own packets do not wait there. Many records go into one write, and come out of one read. A
 * session is freed at the end of the turn, never from inside of a callback.
 */

#include "core/hub/session.h"

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/queue.h"
#include "core/base/random.h"
#include "core/base/types.h"
#include "core/proto/ppp/peer.h"
#include "core/proto/sstp/call.h"
#include "core/proto/sstp/server_priv.h"

#include <string.h>

enum {
    READ_CHUNK = 16384,
    READ_BUDGET = 1024 * 1024, /* in one turn */
    BURST = 64 * 1024,         /* between two looks at the socket */
    URGENT_MAX = 32 * 1024,    /* bytes of control past a socket that is full */
    LCP_ECHO_S = 0,            /* SSTP has its own */
    REFUSED_LINES = 20,        /* in the log at once */
    LOG_TEXT = 96,
};

struct sstp_session {
    struct sstp_home *home;
    struct sstp_session *prev, *next;
    struct tls_stream *stream;
    struct endpoint peer, local;
    struct sstp_call call;
    struct ppp_peer *ppp; /* once the call is accepted */
    struct frame_queue queue;
    struct timer timer; /* of the call */
    struct worker_deferred bury;
    size_t urgent; /* written so since the socket was full */
    bool is_stranger, dead;
    size_t part_len;
    uint8_t part[SSTP_RECORD_MAX]; /* of a record */
};

static void
set_timer(struct sstp_session *s)
{
    struct timer_wheel *timers = worker_timers(s->home->worker);

    if (s->dead || s->call.deadline_us == 0)
        timer_cancel(timers, &s->timer);
    else if (!timer_is_armed(&s->timer) || s->timer.due_us != s->call.deadline_us)
        timer_arm(timers, &s->timer, s->call.deadline_us);
}

static void
on_timer(struct timer *t, int64_t now_us)
{
    struct sstp_session *s = container_of(t, struct sstp_session, timer);

    sstp_call_tick(&s->call, now_us);
    set_timer(s);
}

/* ---- the end ---- */

static void
no_stranger(struct sstp_session *s)
{
    if (s->is_stranger)
        admission_leave(s->home->server->strangers, &s->peer.ip);
    s->is_stranger = false;
}

static void
session_free(struct sstp_session *s, int64_t now_us)
{
    struct worker *w = s->home->worker;

    s->dead = true;
    ppp_peer_free(s->ppp, s->call.reason, now_us);
    worker_defer_cancel(w, &s->bury);
    timer_cancel(worker_timers(w), &s->timer);
    frame_queue_clear(&s->queue);
    tls_stream_free(s->stream);
    no_stranger(s);
    if (s->prev)
        s->prev->next = s->next;
    else
        s->home->first = s->next;
    if (s->next)
        s->next->prev = s->prev;
    sstp_call_wipe(&s->call);
    g_free(s);
    worker_unload(w);
}

static void
on_bury(struct worker_deferred *d, int64_t now_us)
{
    session_free(container_of(d, struct sstp_session, bury), now_us);
}

static void
die(struct sstp_session *s)
{
    if (s->dead)
        return;
    s->dead = true;
    set_timer(s);
    tls_stream_want_read(s->stream, false);
    worker_defer(s->home->worker, &s->bury);
}

void
sstp_home_close(struct sstp_home *home)
{
    while (home->first)
        session_free(home->first,
                     worker_now_us(home->worker)); // NOLINT(clang-analyzer-unix.Malloc)
}

/* ---- sending ---- */

static void
write_head(uint8_t at[SSTP_HEADER], size_t payload)
{
    size_t whole = SSTP_HEADER + payload;

    at[0] = SSTP_VERSION;
    at[1] = 0;
    at[2] = (uint8_t)(whole >> 8);
    at[3] = (uint8_t)whole;
}

/* Writes the frames, whatever the socket says of it, and frees them. They have their headers. */
static void
write_frames(struct sstp_session *s, struct frame *const *frame, unsigned n)
{
    struct pf_slice iov[BATCH_MAX] = {0};

    for (unsigned i = 0; i < n; i++)
        iov[i] = (struct pf_slice){frame[i]->data, frame[i]->len};
    (void)tls_stream_write(s->stream, iov, n); /* a broken stream tells so by on_end */
    for (unsigned i = 0; i < n; i++)
        frame_free(frame[i]);
}

/* Control of PPP and of the call goes past the queue. A peer that makes us answer without end, and
 * does not read the answers, gets no more of them. */
static void
write_urgent(struct sstp_session *s, const struct pf_slice *iov, unsigned n)
{
    if (s->dead || s->urgent >= URGENT_MAX)
        return;
    if (tls_stream_is_congested(s->stream)) {
        for (unsigned i = 0; i < n; i++)
            s->urgent += iov[i].len;
    }
    (void)tls_stream_write(s->stream, iov, n);
}

/* A long wait should not hold a large buffer with a short packet in it. */
static struct frame *
compact(const struct sstp_session *s, struct frame *f)
{
    if (f->len > FRAME_SMALL || f->size <= FRAME_HEADROOM + FRAME_SMALL)
        return f;
    struct frame *small = frame_copy(worker_pool(s->home->worker), f);
    if (!small)
        return f;
    frame_free(f);
    return small;
}

/* Puts the header before each frame; leaves away those that cannot have one. */
static void
frame_records(struct sstp_session *s, struct batch *b)
{
    unsigned n = 0;

    for (unsigned i = 0; i < b->n; i++) {
        struct frame *f = b->frame[i];
        size_t payload = f->len;
        uint8_t *at = payload <= SSTP_RECORD_MAX - SSTP_HEADER ? frame_push(f, SSTP_HEADER) : NULL;
        if (at) {
            write_head(at, payload);
            b->frame[n++] = f;
        } else {
            ppp_peer_dropped(s->ppp, DROP_TOO_LONG, 1);
            frame_free(f);
        }
    }
    b->n = n;
}

static void
on_ppp_data(void *owner, struct batch *b, int64_t now_us)
{
    struct sstp_session *s = owner;
    unsigned i = 0;

    if (s->dead || s->call.state != SSTP_CONNECTED) {
        ppp_peer_dropped(s->ppp, DROP_PORT_DOWN, b->n);
        batch_free_frames(b);
        return;
    }
    frame_records(s, b);
    while (i < b->n && s->queue.n == 0 && !tls_stream_is_congested(s->stream)) {
        unsigned first = i;
        for (size_t bytes = 0; i < b->n && bytes < BURST; i++)
            bytes += b->frame[i]->len;
        write_frames(s, b->frame + first, i - first);
    }
    for (; i < b->n; i++) {
        enum drop why = frame_queue_push(&s->queue, compact(s, b->frame[i]), now_us);
        if (why != DROP_NONE)
            ppp_peer_dropped(s->ppp, why, 1);
    }
    b->n = 0;
}

static void
on_writable(void *owner, int64_t now_us)
{
    struct sstp_session *s = owner;

    s->urgent = 0;
    while (!s->dead && s->queue.n > 0 && !tls_stream_is_congested(s->stream)) {
        struct frame *frame[BATCH_MAX];
        unsigned dropped = 0;
        unsigned n = 0;

        for (size_t bytes = 0; n < BATCH_MAX && bytes < BURST; n++) {
            frame[n] = frame_queue_pop(&s->queue, now_us, &dropped);
            if (!frame[n])
                break;
            bytes += frame[n]->len;
        }
        write_frames(s, frame, n);
        if (dropped > 0)
            ppp_peer_dropped(s->ppp, DROP_AQM, dropped);
    }
}

/* ---- the PPP peer ---- */

static void
on_ppp_control(void *owner, struct reader frame, int64_t now_us)
{
    struct sstp_session *s = owner;
    uint8_t head[SSTP_HEADER];
    struct pf_slice iov[2] = {{head, sizeof(head)}, {(void *)(uintptr_t)frame.at, frame.left}};

    (void)now_us;
    if (!sstp_call_carries(&s->call))
        return;
    write_head(head, frame.left);
    write_urgent(s, iov, 2);
}

static void
on_ppp_known(void *owner, const struct mschap_keys *keys, int64_t now_us)
{
    struct sstp_session *s = owner;

    no_stranger(s);
    sstp_call_known(&s->call, keys, now_us);
    set_timer(s);
}

static void
on_ppp_ended(void *owner, int reason, int64_t now_us)
{
    struct sstp_session *s = owner;

    sstp_call_disconnect(&s->call, reason, now_us);
    set_timer(s);
}

static const struct ppp_peer_ops ppp_ops = {
    .control = on_ppp_control, .data = on_ppp_data, .known = on_ppp_known, .ended = on_ppp_ended};

/* ---- the call ---- */

static void
on_call_send(void *owner, struct reader record, int64_t now_us)
{
    struct sstp_session *s = owner;
    struct pf_slice whole = {(void *)(uintptr_t)record.at, record.left};

    (void)now_us;
    write_urgent(s, &whole, 1);
}

static void
on_call_accepted(void *owner, int64_t now_us)
{
    struct sstp_session *s = owner;
    const struct sstp_server *server = s->home->server;
    struct ppp_peer_config config = {.worker = s->home->worker,
                                     .hubs = server->hubs,
                                     .auth = server->auth,
                                     .default_hub = server->default_hub,
                                     .remote = s->peer,
                                     .local = s->local,
                                     .protocol = "SSTP",
                                     .tag = "SSTP",
                                     .cipher = SSL_get_cipher_name(tls_stream_ssl(s->stream)),
                                     .mtu = SSTP_MTU,
                                     .echo_s = LCP_ECHO_S,
                                     .gated = true};

    s->ppp = ppp_peer_new(&config, &ppp_ops, s);
    ppp_peer_start(s->ppp, now_us);
}

static void
on_call_connected(void *owner, int64_t now_us)
{
    struct sstp_session *s = owner;

    (void)now_us;
    ppp_peer_open(s->ppp);
}

static void
on_call_refused(void *owner, const char *why)
{
    const struct sstp_session *s = owner;
    const struct session *known = s->ppp ? ppp_peer_session(s->ppp) : NULL;
    char peer[ENDPOINT_TEXT], user[LOG_TEXT];
    unsigned left_out = 0;

    if (!log_limit_pass(&s->home->refused_log, REFUSED_LINES, worker_now_us(s->home->worker),
                        &left_out))
        return;
    log_info("SSTP call refused", "peer=%s user=%s session=%s reason=\"%s\" left_out=%u",
             endpoint_print(&s->peer, peer),
             known ? log_text(user, sizeof(user), known->user, strlen(known->user)) : "",
             known ? known->name : "", why, left_out);
}

static void
on_call_ended(void *owner, int reason, int64_t now_us)
{
    (void)reason;
    (void)now_us;
    die(owner);
}

static const struct sstp_call_ops call_ops = {.send = on_call_send,
                                              .accepted = on_call_accepted,
                                              .connected = on_call_connected,
                                              .refused = on_call_refused,
                                              .ended = on_call_ended};

/* ---- receiving ---- */

static void
pass_on(struct sstp_session *s, struct batch *b, int64_t now_us)
{
    if (b->n == 0)
        return;
    if (s->ppp && !s->dead && sstp_call_carries(&s->call)) {
        sstp_call_heard(&s->call, now_us);
        ppp_peer_receive(s->ppp, b, now_us);
    } else {
        batch_free_frames(b);
    }
}

static void
take_data(struct sstp_session *s, struct reader payload, struct batch *b, int64_t now_us)
{
    struct frame *f = frame_new(worker_pool(s->home->worker), payload.left);

    if (!f) {
        if (s->ppp)
            ppp_peer_dropped(s->ppp, DROP_NO_BUFFER, 1);
        return;
    }
    uint8_t *at = frame_put(f, payload.left);
    if (at)
        memcpy(at, payload.at, payload.left);
    batch_add(b, f);
    if (batch_is_full(b))
        pass_on(s, b, now_us);
}

/* Takes all whole records; packets of the last ones may still be in the batch. Returns the bytes
 * that are left of the last record. */
static size_t
take_records(struct sstp_session *s, struct reader in, struct batch *b, int64_t now_us)
{
    while (!s->dead && in.left > 0) {
        int len = sstp_record_length(in);
        if (len < 0) {
            pass_on(s, b, now_us);
            sstp_call_broken(&s->call, now_us);
            in.left = 0; /* there is no finding back */
        }
        if (len <= 0 || (size_t)len > in.left)
            break;
        struct reader record = reader_sub(&in, (size_t)len);
        if (sstp_is_control(record.at)) {
            pass_on(s, b, now_us); /* in order */
            sstp_call_receive(&s->call, record, now_us);
        } else {
            (void)reader_take(&record, SSTP_HEADER);
            take_data(s, record, b, now_us);
        }
    }
    return in.left;
}

static void
on_readable(void *owner, int64_t now_us)
{
    struct sstp_session *s = owner;
    uint8_t chunk[SSTP_RECORD_MAX + READ_CHUNK];
    struct batch b = {.n = 0}; /* over all chunks: the fuller, the cheaper each packet */

    for (size_t done = 0; !s->dead && done < READ_BUDGET;) {
        size_t n = tls_stream_read(s->stream, chunk + s->part_len, READ_CHUNK);
        if (n == 0)
            break;
        done += n;
        memcpy(chunk, s->part, s->part_len);
        size_t have = s->part_len + n;
        s->part_len = take_records(s, reader_of(chunk, have), &b, now_us);
        g_assert(s->dead || s->part_len < sizeof(s->part));
        if (!s->dead)
            memcpy(s->part, chunk + have - s->part_len, s->part_len);
    }
    pass_on(s, &b, now_us);
    set_timer(s);
}

static void
on_open(void *owner, int64_t now_us)
{
    (void)owner; /* it was open when it came */
    (void)now_us;
}

static void
on_end(void *owner, enum tls_end why, int64_t now_us)
{
    (void)why;
    (void)now_us;
    die(owner);
}

static const struct tls_stream_ops stream_ops = {
    .on_open = on_open, .on_readable = on_readable, .on_writable = on_writable, .on_end = on_end};

/* ---- life ---- */

/* What came with the request. */
static void
take_rest(struct sstp_session *s, const GByteArray *rest, int64_t now_us)
{
    struct batch b = {.n = 0};
    size_t left = take_records(s, reader_of(rest->data, rest->len), &b, now_us);

    pass_on(s, &b, now_us);
    if (s->dead || left == 0 || left >= sizeof(s->part))
        return;
    memcpy(s->part, rest->data + rest->len - left, left);
    s->part_len = left;
}

void
sstp_session_new(struct sstp_home *home, struct conn_handover *h, int64_t now_us)
{
    g_autoptr(GByteArray) rest = h->rest;
    struct sstp_session *s = g_new0(struct sstp_session, 1);
    struct sstp_binding binding;
    uint8_t nonce[SSTP_NONCE];
    X509 *cert = SSL_get_certificate(tls_stream_ssl(h->stream));

    random_bytes(nonce, sizeof(nonce));
    s->home = home;
    s->stream = h->stream;
    s->peer = h->peer;
    s->local = h->local;
    s->is_stranger = true;
    s->bury.fn = on_bury;
    timer_init(&s->timer, on_timer);
    s->next = home->first;
    if (s->next)
        s->next->prev = s;
    home->first = s;
    tls_stream_set_ops(s->stream, &stream_ops, s);
    if (!cert || !sstp_binding_init(&binding, cert, nonce)) {
        die(s);
        return;
    }
    sstp_call_init(&s->call, &binding, &call_ops, s, now_us);
    pf_tcp_tune_tunnel(tls_stream_fd(s->stream), TLS_UNSENT_LOW);
    tls_stream_want_read(s->stream, true);
    take_rest(s, rest, now_us);
    set_timer(s);
}
