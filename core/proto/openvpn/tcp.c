/* SPDX-License-Identifier: Apache-2.0 */
/* tcp.c - see tcp.h. */

#include "core/proto/openvpn/tcp.h"

#include "core/base/error.h"
#include "core/proto/openvpn/peer.h"

#include <string.h>

enum {
    READ_MAX = 256 * 1024,
    UNSENT_MAX = 384 * 1024, /* bytes in the system that were not sent yet: congested */
    UNSENT_LOW = 128 * 1024,
    BUSY = 6,         /* reads in a tick of the timer wheel: read by the clock */
    QUIET = 3 * 1024, /* bytes in a tick, or fewer: watched again */
};

/* ---- sending ---- */

static void
update_want(struct ovpn_stream *s)
{
    unsigned want =
        (timer_is_armed(&s->look) ? 0 : WORKER_READ) | (s->congested ? WORKER_WRITE : 0);

    if (s->wfd.want != want)
        worker_fd_want(s->home->worker, &s->wfd, want);
}

bool
ovpn_stream_write(struct ovpn_stream *s, const uint8_t *bytes, size_t len)
{
    size_t sent = 0;

    if (!s->backlog) {
        long n = pf_send(s->wfd.fd, bytes, len);
        if (n == -2)
            return false;
        sent = n > 0 ? (size_t)n : 0;
    }
    if (sent < len) {
        size_t rest = len - sent;
        if (s->backlog_len + rest > OVPN_STREAM_BACKLOG)
            return true; /* whole packets: nothing of them has left */
        s->backlog = g_realloc(s->backlog, s->backlog_len + rest);
        memcpy(s->backlog + s->backlog_len, bytes + sent, rest);
        s->backlog_len += rest;
    }
    if (s->backlog || pf_tcp_unsent(s->wfd.fd) > UNSENT_MAX)
        s->congested = true;
    update_want(s);
    return true;
}

/* False: broken. */
static bool
on_writable(struct ovpn_stream *s, int64_t now_us)
{
    if (s->backlog) {
        long n = pf_send(s->wfd.fd, s->backlog + s->backlog_at, s->backlog_len - s->backlog_at);
        if (n == -2)
            return false;
        s->backlog_at += n > 0 ? (size_t)n : 0;
        if (s->backlog_at < s->backlog_len)
            return true;
        g_clear_pointer(&s->backlog, g_free);
        s->backlog_at = s->backlog_len = 0;
    }
    s->congested = false;
    if (s->peer)
        ovpn_data_resume(s->peer, now_us);
    update_want(s);
    return true;
}

/* ---- receiving ---- */

/* One packet. False: the stream is of no use any more. */
static bool
take_packet(struct ovpn_stream *s, uint8_t *bytes, size_t len, int64_t now_us)
{
    unsigned op = ovpn_op(bytes[0]);

    if (!s->peer) {
        s->peer = ovpn_stranger_stream(s, bytes, len, now_us);
        timer_cancel(worker_timers(s->home->worker), &s->timer);
        return s->peer != NULL;
    }
    if (op == OVPN_DATA_V1 || op == OVPN_DATA_V2)
        ovpn_data_received(s->peer, NULL, bytes, len, now_us);
    else
        ovpn_peer_control(s->peer, NULL, bytes, len, now_us);
    return s->peer->state != OVPN_PEER_ENDING;
}

/* All whole packets; *used says how many bytes. False as above. */
static bool
take_packets(struct ovpn_stream *s, uint8_t *bytes, size_t len, size_t *used, int64_t now_us)
{
    *used = 0;
    for (;;) {
        struct reader r = reader_of(bytes + *used, len - *used);
        size_t n = reader_u16(&r);
        if (!reader_ok(&r))
            return true;
        if (n == 0 || n > OVPN_PACKET_MAX)
            return false;
        if (!reader_take(&r, n))
            return true;
        if (!take_packet(s, bytes + *used + 2, n, now_us))
            return false;
        *used += 2 + n;
    }
}

/* Reads once, *got bytes; what is no whole packet is kept. False: the stream is over. */
static bool
read_once(struct ovpn_stream *s, size_t *got, int64_t now_us)
{
    uint8_t *rx = worker_scratch(s->home->worker, WORKER_SCRATCH_RX);
    size_t have = s->part ? s->part->len : 0;
    size_t used = 0;

    *got = 0;
    if (have > 0)
        memcpy(rx, s->part->data, have);
    long n = pf_recv(s->wfd.fd, rx + have, READ_MAX);
    if (n == -1)
        return true;
    if (n <= 0)
        return false;
    *got = (size_t)n;
    g_clear_pointer(&s->part, g_byte_array_unref);
    have += (size_t)n;
    bool fine = take_packets(s, rx, have, &used, now_us);
    ovpn_home_flush(s->home, now_us);
    if (fine && used < have) {
        s->part = g_byte_array_sized_new((guint)(have - used));
        g_byte_array_append(s->part, rx + used, (guint)(have - used));
    }
    return fine;
}

static void
read_by_clock(struct ovpn_stream *s, bool on, int64_t now_us)
{
    if (on)
        timer_arm(worker_timers(s->home->worker), &s->look, now_us + TIMER_TICK_US);
    s->reads = 0;
    s->counted_us = now_us;
    update_want(s);
}

static bool
on_readable(struct ovpn_stream *s, int64_t now_us)
{
    size_t got = 0;

    if (!read_once(s, &got, now_us))
        return false;
    if (now_us - s->counted_us >= TIMER_TICK_US) {
        s->reads = 0;
        s->counted_us = now_us;
    }
    if (++s->reads > BUSY && !timer_is_armed(&s->look))
        read_by_clock(s, true, now_us);
    return true;
}

static void
give_up(struct ovpn_stream *s, int reason)
{
    timer_cancel(worker_timers(s->home->worker), &s->look);
    worker_fd_want(s->home->worker, &s->wfd, 0);
    if (s->peer)
        ovpn_peer_end(s->peer, reason);
    else
        ovpn_stream_free(s);
}

static void
on_ready(struct worker_fd *wfd, unsigned events, int64_t now_us)
{
    struct ovpn_stream *s = container_of(wfd, struct ovpn_stream, wfd);

    if (s->peer && s->peer->state == OVPN_PEER_ENDING)
        return;
    if (((events & WORKER_WRITE) && !on_writable(s, now_us)) ||
        ((events & (WORKER_READ | WORKER_HANGUP)) && !on_readable(s, now_us)))
        give_up(s, PE_DISCONNECTED);
}

static void
on_look(struct timer *t, int64_t now_us)
{
    struct ovpn_stream *s = container_of(t, struct ovpn_stream, look);
    size_t got = 0;

    if (s->peer && s->peer->state == OVPN_PEER_ENDING)
        return;
    if (read_once(s, &got, now_us))
        read_by_clock(s, got > QUIET && got < READ_MAX, now_us);
    else
        give_up(s, PE_DISCONNECTED);
}

static void
on_silence(struct timer *t, int64_t now_us)
{
    (void)now_us;
    give_up(container_of(t, struct ovpn_stream, timer), PE_DISCONNECTED);
}

/* ---- life ---- */

void
ovpn_stream_free(struct ovpn_stream *s)
{
    struct worker *w = s->home->worker;

    if (s->prev)
        s->prev->next = s->next;
    else
        s->home->streams = s->next;
    if (s->next)
        s->next->prev = s->prev;
    timer_cancel(worker_timers(w), &s->timer);
    timer_cancel(worker_timers(w), &s->look);
    worker_fd_remove(w, &s->wfd);
    pf_close(s->wfd.fd);
    frame_queue_clear(&s->queue);
    ovpn_home_known(s->home, &s->stranger);
    if (s->part)
        g_byte_array_unref(s->part);
    g_free(s->backlog);
    g_free(s);
    worker_unload(w);
}

static void
evict(struct ovpn_stranger *stranger)
{
    ovpn_stream_free(container_of(stranger, struct ovpn_stream, stranger));
}

static int
recognises(void *state, struct reader first)
{
    struct openvpn_server *server = state;

    g_mutex_lock(&server->lock);
    bool enabled = server->rules->settings->enabled;
    g_mutex_unlock(&server->lock);
    return enabled ? ovpn_recognise_stream(first) : 0;
}

static void
take(void *state, struct worker *w, int fd, const struct endpoint *peer,
     const struct endpoint *local, int64_t now_us)
{
    struct openvpn_server *server = state;
    struct ovpn_home *h = server->home[worker_index(w)];
    struct ovpn_stream *s = g_new0(struct ovpn_stream, 1);

    *s = (struct ovpn_stream){.home = h, .remote = *peer, .local = *local, .next = h->streams};
    s->wfd = (struct worker_fd){.fd = fd, .want = WORKER_READ, .ready = on_ready};
    if (s->next)
        s->next->prev = s;
    h->streams = s;
    timer_init(&s->timer, on_silence);
    timer_init(&s->look, on_look);
    timer_arm(worker_timers(w), &s->timer, now_us + OVPN_STREAM_FIRST_S * G_USEC_PER_SEC);
    pf_tcp_tune_tunnel(fd, UNSENT_LOW);
    s->stranger.evict = evict;
    if (h->closed || !ovpn_home_admit(h, &s->stranger, &peer->ip) || !worker_fd_add(w, &s->wfd))
        ovpn_stream_free(s);
}

void
ovpn_stream_service(struct openvpn_server *s, struct stream_service *out)
{
    *out = (struct stream_service){
        .name = "OpenVPN", .state = s, .recognises = recognises, .take = take};
}
