/* SPDX-License-Identifier: Apache-2.0 */
/* nat_tcp_out.c - from the socket to the client: what is read, what is sent, and when. */

#include "core/base/writer.h"
#include "core/hub/nat/nat_tcp_priv.h"

#include <glib.h>

enum {
    READ_MOST = 256 * 1024, /* by one call */
    READ_SLICES = READ_MOST / NAT_CHUNK + 1,
    READS_A_TURN = 4,
    RETRY_US = 10 * 1000,
    SHARE = 8, /* one stream takes at most this part of what is left */
    FLIGHT_MIN = 64 * 1024,
};

/* ---- segments ---- */

static uint8_t *
put_option(struct nat_tcp_out *o, uint8_t kind, uint8_t len)
{
    uint8_t *at = o->options + o->options_len;
    at[0] = kind;
    at[1] = len;
    o->options_len += len;
    return at + 2;
}

static void
put_u32(uint8_t *at, uint32_t v)
{
    struct writer w = writer_of(at, 4);
    writer_u32(&w, v);
}

static void
put_nops(struct nat_tcp_out *o, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        o->options[o->options_len++] = 1;
}

static void
put_timestamps(struct nat_tcp *t, struct nat_tcp_out *o, int64_t now_us)
{
    if (!t->has_ts)
        return;
    put_nops(o, 2);
    uint8_t *at = put_option(o, 8, 10);
    put_u32(at, (uint32_t)(now_us / 1000) + t->ts_offset);
    put_u32(at + 4, t->ts_recent);
}

static void
put_sacks(const struct nat_tcp *t, struct nat_tcp_out *o)
{
    if (!t->has_sack || t->n_ranges == 0)
        return;
    unsigned max = (NAT_TCP_OPTIONS_MAX - o->options_len - 4) / 8;
    unsigned n = MIN(t->n_ranges, max);
    put_nops(o, 2);
    uint8_t *at = put_option(o, 5, (uint8_t)(2 + 8 * n));
    unsigned first = 0;
    for (unsigned i = 0; i < t->n_ranges; i++) /* the one that grew last comes first */
        if (t->range[i].start == t->last_range)
            first = i;
    for (unsigned k = 0; k < n; k++) {
        const struct nat_range *r = &t->range[(first + k) % t->n_ranges];
        put_u32(at + (size_t)8 * k, t->irs + (uint32_t)r->start);
        put_u32(at + (size_t)8 * k + 4, t->irs + (uint32_t)r->end);
    }
}

static void
put_syn_options(struct nat_tcp *t, struct nat_tcp_out *o)
{
    uint8_t *at = put_option(o, 2, 4);
    at[0] = (uint8_t)(t->our_mss >> 8);
    at[1] = (uint8_t)t->our_mss;
    if (t->has_sack) {
        put_nops(o, 2);
        (void)put_option(o, 4, 2);
    }
    if (t->has_scale) {
        put_nops(o, 1);
        *put_option(o, 3, 3) = NAT_TCP_SCALE;
    }
}

static void
send_segment(struct nat_tcp *t, struct nat_tcp_out *o, uint64_t at)
{
    o->seq = t->iss + (uint32_t)at;
    o->ack = t->irs + (uint32_t)t->rcv;
    o->window = nat_tcp_window(t, o->flags & TCP_SYN);
    o->mss = t->mss;
    if (o->flags & TCP_ACK)
        t->ack_now = false;
    t->ops->segment(t->owner, o);
}

void
nat_tcp_send_control(struct nat_tcp *t, uint8_t flags, uint64_t at, int64_t now_us)
{
    struct nat_tcp_out o = {.flags = flags};
    if (flags & TCP_SYN)
        put_syn_options(t, &o);
    if (!(flags & TCP_RST)) {
        put_timestamps(t, &o, now_us);
        put_sacks(t, &o);
    }
    send_segment(t, &o, at);
}

/* The range may hold the FIN, behind the last byte. */
static void
send_range(struct nat_tcp *t, const struct nat_range *r, int64_t now_us)
{
    uint64_t end = MIN(r->end, t->end);
    if (r->start == 0)
        return; /* the SYN has its own way */
    struct nat_tcp_out o = {
        .flags = TCP_ACK,
        .from = &t->out,
        .at = r->start,
        .len = r->start < end ? (uint32_t)(end - r->start) : 0,
    };
    if (r->end > t->end)
        o.flags |= TCP_FIN;
    if (end == t->end)
        o.flags |= TCP_PSH;
    if (t->n_ranges > 0 && t->ack_now)
        nat_tcp_send_ack(t, now_us); /* with SACK blocks, for which there is no room here */
    put_timestamps(t, &o, now_us);
    send_segment(t, &o, r->start);
}

/* ---- reading ---- */

/* Room for some of what is wanted; 0: there is no memory, and nothing is read for a while. */
static uint64_t
make_room(struct nat_tcp *t, uint64_t want, int64_t now_us)
{
    want = MIN(want, (uint64_t)READ_MOST);
    if (nat_buffer_reserve(&t->out, t->end, t->end + want))
        return want;
    nat_buffer_keep(&t->out, t->una, t->end);
    want = MIN(want, (uint64_t)NAT_CHUNK);
    if (nat_buffer_reserve(&t->out, t->end, t->end + want))
        return want;
    nat_buffer_keep(&t->out, t->una, t->end);
    t->retry_at_us = now_us + RETRY_US;
    return 0;
}

/* False when nothing more can be read now. */
static bool
read_socket(struct nat_tcp *t, uint64_t want, int64_t now_us)
{
    struct pf_slice iov[READ_SLICES];
    want = make_room(t, want, now_us);
    if (want == 0)
        return false;
    unsigned n = nat_buffer_slices(&t->out, t->end, t->end + want, iov, ARRAY_LEN(iov));
    long got = t->ops->recv(t->owner, iov, n);
    if (got > 0) {
        t->end += (uint64_t)got;
        t->bytes_out += (uint64_t)got;
    }
    t->may_read = got == (long)want;
    t->eof = got == 0;
    t->broken = got == -2;
    nat_buffer_keep(&t->out, t->una, t->end);
    return t->may_read;
}

/* ---- sending ---- */

static uint64_t
in_flight(const struct nat_tcp *t)
{
    uint64_t left = t->has_sack ? 0 : (uint64_t)t->dup_acks * t->mss; /* they have left the way */
    return t->pipe > left ? t->pipe - left : 0;
}

static uint64_t
whole_segments(const struct nat_tcp *t, uint64_t bytes)
{
    return bytes > t->mss ? bytes - bytes % t->mss : bytes;
}

static uint64_t
burst_size(const struct nat_tcp *t)
{
    return MAX(whole_segments(t, NAT_TCP_BURST), (uint64_t)t->mss);
}

static void
send_lost(struct nat_tcp *t, int64_t now_us)
{
    struct nat_range r;
    while (t->lost > 0) {
        uint64_t room = t->cc.cwnd > t->pipe ? t->cc.cwnd - t->pipe : 0;
        bool must = t->probing && t->lost <= t->mss; /* a probe does not ask for room */
        if (room < t->mss && t->pipe > 0 && !must) {
            t->limited = true;
            return;
        }
        uint64_t max = MIN(MAX(whole_segments(t, room), (uint64_t)t->mss), burst_size(t));
        if (!nat_tcp_take_lost(t, max, &r, now_us))
            return;
        send_range(t, &r, now_us);
    }
}

/* How much may be sent that is new. */
static uint64_t
allowance(struct nat_tcp *t)
{
    const struct nat_store *s = t->out.store;
    uint64_t share = (s->limit - MIN(s->used, s->limit)) / SHARE;
    uint64_t most = CLAMP(share, (uint64_t)FLIGHT_MIN, (uint64_t)NAT_BUFFER_MAX);
    uint64_t held = t->end - MIN(t->una, t->end);
    uint64_t unsent = t->end > t->nxt ? t->end - t->nxt : 0;
    uint64_t memory = unsent + (most > held ? most - held : 0);
    uint64_t pipe = in_flight(t);
    uint64_t by_cwnd = t->cc.cwnd > pipe ? t->cc.cwnd - pipe : 0;
    uint64_t by_window = t->edge > t->nxt ? t->edge - t->nxt : 0;
    t->limited = by_cwnd <= by_window && by_cwnd <= memory;
    return MIN(MIN(by_cwnd, by_window), memory);
}

/* Little room while much is on its way: wait until it is worth a large segment. */
static bool
should_wait(const struct nat_tcp *t, uint64_t room)
{
    uint64_t goal = MIN(t->cc.cwnd / 4, burst_size(t));
    return t->pipe > 0 && room < MAX(goal, (uint64_t)t->mss);
}

/* n bytes, and the FIN if that is all. */
static void
send_next(struct nat_tcp *t, uint64_t n, int64_t now_us)
{
    struct nat_range r = {t->nxt, t->nxt + n};
    if (t->eof && r.end == t->end)
        r.end++;
    nat_tcp_sent_add(t, r.start, r.end, now_us);
    t->nxt = r.end;
    send_range(t, &r, now_us);
}

/* How much the next segment carries; 0: none goes now. */
static uint64_t
next_size(struct nat_tcp *t, uint64_t room, bool small)
{
    uint64_t have = t->end - t->nxt;
    uint64_t n = MIN(MIN(have, room), burst_size(t));
    if (n == 0 && room > 0 && !small)
        t->limited = false; /* the socket has no more */
    if (small && n < have)
        return 0;
    return n < have ? whole_segments(t, n) : n;
}

static void
send_new(struct nat_tcp *t, int64_t now_us)
{
    unsigned reads = 0;
    while (t->n_sent < NAT_TCP_SENT_MAX && t->nxt <= t->end) {
        uint64_t room = allowance(t);
        bool small = should_wait(t, room);
        uint64_t have = t->end - t->nxt;
        if (have < room && !small && t->may_read && reads < READS_A_TURN)
            reads = read_socket(t, room - have, now_us) ? reads + 1 : READS_A_TURN + 1u;
        if (t->broken)
            return;
        uint64_t n = next_size(t, room, small);
        if (n == 0)
            break;
        send_next(t, n, now_us);
    }
    if (reads == READS_A_TURN)
        t->may_read = false; /* the poller will say so again, after the others had their turn */
    if (t->eof && t->nxt == t->end)
        send_next(t, 0, now_us);
}

void
nat_tcp_output(struct nat_tcp *t, int64_t now_us)
{
    if (t->n_sent == 0 && t->last_sent_us > 0 && now_us - t->last_sent_us > t->rto_us)
        nat_cc_idle(&t->cc);
    send_lost(t, now_us);
    if (t->lost == 0 && !t->broken)
        send_new(t, now_us);
}
