/* SPDX-License-Identifier: Apache-2.0 */
/* nat_tcp.c - a connection's life: how it opens, which segments are believed, how it ends. */

#include "core/hub/nat/nat_tcp_priv.h"

#include <glib.h>

enum {
    MSS_DEFAULT = 536, /* RFC 9293, 3.7.1 */
    TS_OPTION = 12,    /* with its padding */
    SCALE_MAX = 14,
    CHALLENGE_EVERY_US = 100 * 1000,
};
#define PAWS_VALID_US (24ll * 24 * 3600 * 1000 * 1000)

/* ---- segments as they come ---- */

enum {
    OPTION_END,
    OPTION_NOP,
    OPTION_MSS,
    OPTION_SCALE,
    OPTION_SACK_OK,
    OPTION_SACK,
    OPTION_TS = 8
};

static void
read_option(uint8_t kind, struct reader value, struct nat_segment *out)
{
    switch (kind) {
    case OPTION_MSS:
        out->mss = reader_u16(&value);
        break;
    case OPTION_SCALE:
        out->scale = reader_u8(&value);
        out->has_scale = reader_ok(&value);
        break;
    case OPTION_SACK_OK:
        out->sack_ok = true;
        break;
    case OPTION_TS:
        out->ts_val = reader_u32(&value);
        out->ts_ecr = reader_u32(&value);
        out->has_ts = reader_ok(&value);
        break;
    case OPTION_SACK:
        while (value.left >= 8 && out->n_sacks < NAT_TCP_SACKS) {
            out->sack[out->n_sacks].start = reader_u32(&value);
            out->sack[out->n_sacks++].end = reader_u32(&value);
        }
        break;
    default:
        break;
    }
}

void
nat_segment_read(const struct tcp *tcp, struct nat_segment *out)
{
    *out = (struct nat_segment){
        .seq = tcp->seq,
        .ack = tcp->ack,
        .flags = tcp->flags,
        .window = tcp->window,
        .payload = tcp->body,
    };
    struct reader r = tcp->options;
    while (r.left > 0) {
        uint8_t kind = reader_u8(&r);
        if (kind == OPTION_END)
            break;
        if (kind == OPTION_NOP)
            continue;
        uint8_t len = reader_u8(&r);
        if (len < 2)
            break;
        struct reader value = reader_sub(&r, len - 2u);
        if (!reader_ok(&r))
            break;
        read_option(kind, value, out);
    }
}

/* ---- opening ---- */

void
nat_tcp_open(struct nat_tcp *t, const struct nat_tcp_config *config, const struct nat_segment *syn,
             int64_t now_us)
{
    *t = (struct nat_tcp){
        .ops = config->ops,
        .owner = config->owner,
        .phase = NAT_TCP_CONNECTING,
        .our_mss = config->mss,
        .has_ts = syn->has_ts,
        .has_sack = syn->sack_ok,
        .has_scale = syn->has_scale,
        .snd_scale = MIN(syn->scale, SCALE_MAX),
        .ts_offset = config->ts_offset,
        .ts_recent = syn->ts_val,
        .ts_recent_us = now_us,
        .idle_us = config->idle_us,
        .iss = config->iss,
        .end = 1,
        .edge = 1u + syn->window, /* never scaled in a SYN */
        .out = {.store = config->store},
        .rto_us = NAT_TCP_RTO_FIRST_US,
        .irs = syn->seq,
        .rcv = 1,
        .taken = 1,
        .pending_end = 1,
        .mark = 1,
        .mark_us = now_us,
        .limit = syn->has_scale ? NAT_TCP_RECEIVE_FIRST : UINT16_MAX,
        .in = {.store = config->store},
        .heard_us = now_us,
        .idle_at_us = now_us + NAT_TCP_CONNECT_US,
    };
    uint32_t mss = MIN(syn->mss > 0 ? syn->mss : MSS_DEFAULT, config->mss);
    mss = MAX(mss, (uint32_t)NAT_TCP_MSS_MIN);
    t->mss = t->has_ts ? mss - TS_OPTION : mss;
    nat_cc_init(&t->cc, t->mss);
}

void
nat_tcp_done(struct nat_tcp *t)
{
    nat_buffer_clear(&t->out);
    nat_buffer_clear(&t->in);
    g_free(t->sent);
    t->sent = NULL;
    t->n_sent = 0;
    t->phase = NAT_TCP_CLOSED;
}

static void
send_syn(struct nat_tcp *t, int64_t now_us)
{
    nat_tcp_send_control(t, TCP_SYN | TCP_ACK, 0, now_us);
    t->rto_at_us = now_us + (t->rto_us << t->backoff);
}

void
nat_tcp_connected(struct nat_tcp *t, int64_t now_us)
{
    if (t->phase != NAT_TCP_CONNECTING)
        return;
    t->phase = NAT_TCP_SYN_RECEIVED;
    t->nxt = 1;
    t->idle_at_us = 0;
    nat_tcp_sent_add(t, 0, 1, now_us);
    send_syn(t, now_us);
}

/* ---- ending ---- */

static void
close_now(struct nat_tcp *t, bool reset_socket)
{
    t->phase = NAT_TCP_CLOSED;
    t->reset_socket = reset_socket;
    t->n_pending = 0;
}

static void
reset_client(struct nat_tcp *t, bool reset_socket)
{
    if (t->phase == NAT_TCP_CLOSED)
        return;
    uint64_t at = t->phase == NAT_TCP_CONNECTING ? 0 : t->nxt;
    nat_tcp_send_control(t, TCP_RST | TCP_ACK, at, t->heard_us);
    close_now(t, reset_socket);
}

void
nat_tcp_failed(struct nat_tcp *t)
{
    reset_client(t, false);
}

static void
look_for_end(struct nat_tcp *t, int64_t now_us)
{
    if (t->phase != NAT_TCP_OPEN || !t->shut || !t->eof || t->una != t->end + 1)
        return;
    t->phase = NAT_TCP_TIME_WAIT;
    t->rto_at_us = t->probe_at_us = t->reorder_at_us = t->retry_at_us = 0;
    t->idle_at_us = now_us + NAT_TCP_TIME_WAIT_US;
}

/* ---- receiving ---- */

static bool
is_acceptable(const struct nat_tcp *t, uint64_t at, uint64_t len)
{
    if (len == 0)
        return at >= t->rcv && at <= MAX(t->adv, t->rcv);
    return at < t->adv && at + len > t->rcv;
}

/* PAWS (RFC 7323, 5.3). */
static bool
is_old(const struct nat_tcp *t, const struct nat_segment *s, int64_t now_us)
{
    return t->has_ts && s->has_ts && (int32_t)(s->ts_val - t->ts_recent) < 0 &&
           now_us - t->ts_recent_us < PAWS_VALID_US;
}

/* For what may be forged: says where things stand, not more often than is useful (RFC 5961). */
static void
challenge(struct nat_tcp *t, int64_t now_us)
{
    if (now_us - t->challenge_us < CHALLENGE_EVERY_US)
        return;
    t->challenge_us = now_us;
    nat_tcp_send_ack(t, now_us);
}

static void
heard(struct nat_tcp *t, int64_t now_us)
{
    t->heard_us = now_us;
    t->unheard = 0;
    t->idle_at_us = now_us + t->idle_us;
}

static void
receive_open(struct nat_tcp *t, const struct nat_segment *s, uint64_t at, int64_t now_us)
{
    if (!(s->flags & TCP_ACK))
        return;
    if (t->has_ts && s->has_ts && at <= t->rcv) {
        t->ts_recent = s->ts_val;
        t->ts_recent_us = now_us;
    }
    if (!nat_tcp_acked(t, s, now_us))
        return;
    if (t->phase == NAT_TCP_SYN_RECEIVED) {
        if (t->una < 1)
            return;
        t->phase = NAT_TCP_OPEN;
        t->may_read = true;
    }
    heard(t, now_us);
    nat_tcp_take_payload(t, s, at, now_us);
}

static void
receive_reset(struct nat_tcp *t, uint64_t at, int64_t now_us)
{
    if (at == t->rcv)
        close_now(t, true);
    else if (is_acceptable(t, at, 0))
        challenge(t, now_us);
}

void
nat_tcp_receive(struct nat_tcp *t, const struct nat_segment *s, int64_t now_us)
{
    uint64_t at = nat_tcp_offset(s->seq, t->irs, t->rcv);
    if (t->phase == NAT_TCP_CLOSED)
        return;
    if (s->flags & TCP_RST) {
        receive_reset(t, at, now_us);
        return;
    }
    if (t->phase == NAT_TCP_CONNECTING)
        return;
    if ((s->flags & TCP_SYN) && t->phase == NAT_TCP_SYN_RECEIVED && at == 0) {
        nat_tcp_send_control(t, TCP_SYN | TCP_ACK, 0, now_us);
        return;
    }
    if (t->phase == NAT_TCP_TIME_WAIT || (s->flags & TCP_SYN)) {
        challenge(t, now_us);
        return;
    }
    uint64_t len = s->payload.left + ((s->flags & TCP_FIN) ? 1 : 0);
    if (!is_acceptable(t, at, len) || is_old(t, s, now_us)) {
        t->ack_now = true;
        if (at < t->rcv)
            heard(t, now_us); /* a question whether we are still here */
        return;
    }
    receive_open(t, s, at, now_us);
}

void
nat_tcp_readable(struct nat_tcp *t)
{
    t->may_read = true;
}

void
nat_tcp_writable(struct nat_tcp *t)
{
    t->blocked = false;
}

void
nat_tcp_flush(struct nat_tcp *t, int64_t now_us)
{
    if (t->phase == NAT_TCP_OPEN) {
        t->broken = !nat_tcp_write(t, now_us);
        if (!t->broken)
            nat_tcp_output(t, now_us);
        if (t->broken) {
            reset_client(t, false);
            return;
        }
    }
    t->n_pending = 0;
    if (t->phase == NAT_TCP_CLOSED)
        return;
    if (t->ack_now || (t->phase == NAT_TCP_OPEN && nat_tcp_should_update_window(t)))
        nat_tcp_send_ack(t, now_us);
    if (t->phase != NAT_TCP_OPEN)
        return;
    nat_tcp_arm(t, now_us);
    look_for_end(t, now_us);
}

/* ---- time ---- */

static int64_t
earlier(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return a + b;
    return MIN(a, b);
}

int64_t
nat_tcp_deadline(const struct nat_tcp *t)
{
    if (t->phase == NAT_TCP_CLOSED)
        return 0;
    int64_t at = earlier(t->idle_at_us, t->rto_at_us);
    at = earlier(at, t->probe_at_us);
    at = earlier(at, t->reorder_at_us);
    return earlier(at, t->retry_at_us);
}

static bool
is_due(int64_t *at_us, int64_t now_us)
{
    if (*at_us == 0 || now_us < *at_us)
        return false;
    *at_us = 0;
    return true;
}

static void
tick_syn(struct nat_tcp *t, int64_t now_us)
{
    if (!is_due(&t->rto_at_us, now_us))
        return;
    if (++t->backoff > NAT_TCP_SYN_TRIES)
        close_now(t, true);
    else
        send_syn(t, now_us);
}

static void
tick_idle(struct nat_tcp *t, int64_t now_us)
{
    /* Half of it is over already: nobody misses the rest. */
    if (t->eof || t->got_fin || t->unheard >= NAT_TCP_PROBES) {
        reset_client(t, true);
        return;
    }
    t->unheard++;
    t->idle_at_us = now_us + NAT_TCP_PROBE_US;
    nat_tcp_send_control(t, TCP_ACK, t->nxt - 1, now_us);
}

static void
tick_open(struct nat_tcp *t, int64_t now_us)
{
    (void)is_due(&t->retry_at_us, now_us); /* the flush that follows reads */
    if (is_due(&t->reorder_at_us, now_us))
        nat_tcp_detect_losses(t, now_us);
    if (is_due(&t->probe_at_us, now_us))
        nat_tcp_probe_tail(t, now_us);
    if (is_due(&t->rto_at_us, now_us))
        nat_tcp_timed_out(t, now_us);
    if (t->phase == NAT_TCP_OPEN && t->broken)
        reset_client(t, true);
    if (t->phase == NAT_TCP_OPEN && is_due(&t->idle_at_us, now_us))
        tick_idle(t, now_us);
}

void
nat_tcp_tick(struct nat_tcp *t, int64_t now_us)
{
    switch (t->phase) {
    case NAT_TCP_CONNECTING:
    case NAT_TCP_TIME_WAIT:
        if (is_due(&t->idle_at_us, now_us))
            close_now(t, t->phase == NAT_TCP_CONNECTING);
        break;
    case NAT_TCP_SYN_RECEIVED:
        tick_syn(t, now_us);
        break;
    case NAT_TCP_OPEN:
        tick_open(t, now_us);
        break;
    case NAT_TCP_CLOSED:
        break;
    }
}
