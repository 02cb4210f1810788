/* SPDX-License-Identifier: Apache-2.0 */
/* nat_tcp_loss.c - what is in flight to the client: acknowledgements, round trips, losses.
 *
 * Records lie in the order of offsets and without gaps from una to nxt; a record is split where an
 * acknowledgement ends inside of it. RACK (RFC 8985): what was sent a good while before something
 * that has arrived is lost.
 */

#include "core/hub/nat/nat_tcp_priv.h"

#include <glib.h>

enum {
    FIRST_RECORDS = 8,
    DUP_THRESHOLD = 3,
    REORDER_MIN_US = 1000,
    MIN_RTT_WINDOW_US = 10 * 1000 * 1000,
    PROBE_MIN_US = 10 * 1000,
    PROBE_SLACK_US = 2 * 1000,
    DELAYED_ACK_US = 200 * 1000,
};

static struct nat_sent *
record(const struct nat_tcp *t, unsigned i)
{
    return &t->sent[t->sent_first + i];
}

/* ---- records ---- */

static void
make_room(struct nat_tcp *t)
{
    if (t->sent_first + t->n_sent < t->sent_cap)
        return;
    if (t->sent_first > 0) {
        memmove(t->sent, record(t, 0), t->n_sent * sizeof(*t->sent));
        t->sent_first = 0;
    }
    if (t->n_sent == t->sent_cap) {
        t->sent_cap = MAX(t->sent_cap * 2, (unsigned)FIRST_RECORDS);
        t->sent = g_renew(struct nat_sent, t->sent, t->sent_cap);
    }
}

void
nat_tcp_sent_add(struct nat_tcp *t, uint64_t start, uint64_t end, int64_t now_us)
{
    t->pipe += end - start;
    t->last_sent_us = now_us;
    if (t->n_sent > 0) {
        struct nat_sent *last = record(t, t->n_sent - 1);
        if (last->sent_us == now_us && !last->sacked && !last->lost && !last->again) {
            last->end = end;
            return;
        }
    }
    make_room(t);
    t->n_sent++;
    *record(t, t->n_sent - 1) = (struct nat_sent){.start = start, .end = end, .sent_us = now_us};
}

/* Makes two of record i. False when there are too many. */
static bool
split(struct nat_tcp *t, unsigned i, uint64_t at)
{
    if (t->n_sent >= NAT_TCP_SENT_MAX)
        return false;
    make_room(t);
    struct nat_sent *r = record(t, i);
    memmove(r + 1, r, (t->n_sent - i) * sizeof(*r));
    t->n_sent++;
    r[0].end = at;
    r[1].start = at;
    return true;
}

/* The first record that ends behind the offset. */
static unsigned
find(const struct nat_tcp *t, uint64_t at)
{
    unsigned low = 0;
    unsigned high = t->n_sent;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (record(t, middle)->end <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void
set_lost(struct nat_tcp *t, struct nat_sent *r)
{
    r->lost = true;
    t->lost += r->end - r->start;
    t->pipe -= r->end - r->start;
}

bool
nat_tcp_take_lost(struct nat_tcp *t, uint64_t max, struct nat_range *out, int64_t now_us)
{
    unsigned i = 0;
    while (i < t->n_sent && !record(t, i)->lost)
        i++;
    if (i == t->n_sent)
        return false;
    if (record(t, i)->end - record(t, i)->start > max)
        (void)split(t, i, record(t, i)->start + max);
    struct nat_sent *r = record(t, i);
    uint64_t len = r->end - r->start;
    r->lost = false;
    r->again = true;
    r->sent_us = now_us;
    t->lost -= len;
    t->pipe += len;
    t->last_sent_us = now_us;
    *out = (struct nat_range){r->start, r->end};
    return true;
}

/* ---- round trips ---- */

static void
set_rto(struct nat_tcp *t)
{
    int64_t rto_us = t->srtt_us + MAX(4 * t->rttvar_us, (int64_t)1000);
    t->rto_us = CLAMP(rto_us, (int64_t)NAT_TCP_RTO_MIN_US, (int64_t)NAT_TCP_RTO_MAX_US);
}

static void
measured(struct nat_tcp *t, int64_t rtt_us, int64_t now_us)
{
    if (t->min_rtt_us == 0 || rtt_us <= t->min_rtt_us ||
        now_us - t->min_rtt_at_us > MIN_RTT_WINDOW_US) {
        t->min_rtt_us = MAX(rtt_us, (int64_t)1);
        t->min_rtt_at_us = now_us;
    }
    if (t->srtt_us == 0) {
        t->srtt_us = MAX(rtt_us, (int64_t)1);
        t->rttvar_us = rtt_us / 2;
    } else {
        int64_t off = rtt_us > t->srtt_us ? rtt_us - t->srtt_us : t->srtt_us - rtt_us;
        t->rttvar_us += (off - t->rttvar_us) / 4;
        t->srtt_us = MAX(t->srtt_us + (rtt_us - t->srtt_us) / 8, (int64_t)1);
    }
    set_rto(t);
}

/* ---- acknowledgements ---- */

struct delivery {
    uint64_t bytes;
    int64_t rtt_us; /* of the youngest; 0: none */
};

/* A record, up to an offset, has arrived. */
static void
delivered(struct nat_tcp *t, const struct nat_sent *r, uint64_t end, struct delivery *d,
          int64_t now_us)
{
    int64_t rtt_us = MAX(now_us - r->sent_us, (int64_t)1);
    d->bytes += end - r->start;
    if (!r->again)
        d->rtt_us = rtt_us;
    else if (rtt_us < t->min_rtt_us)
        return; /* the first one arrived, not this */
    if (r->sent_us > t->rack_sent_us || (r->sent_us == t->rack_sent_us && end > t->rack_end)) {
        t->rack_sent_us = r->sent_us;
        t->rack_end = end;
        t->rack_rtt_us = rtt_us;
    }
}

static void
take_cumulative(struct nat_tcp *t, uint64_t ack, struct delivery *d, int64_t now_us)
{
    while (t->n_sent > 0 && record(t, 0)->start < ack) {
        struct nat_sent *r = record(t, 0);
        uint64_t end = MIN(r->end, ack);
        uint64_t len = end - r->start;
        if (r->sacked)
            t->sacked -= len;
        else
            delivered(t, r, end, d, now_us);
        if (r->lost)
            t->lost -= len;
        else if (!r->sacked)
            t->pipe -= len;
        r->start = end;
        if (r->start < r->end)
            break;
        t->sent_first++;
        t->n_sent--;
    }
    t->una = ack;
    nat_buffer_keep(&t->out, MIN(t->una, t->end), t->end);
}

static void
take_block(struct nat_tcp *t, uint64_t start, uint64_t end, struct delivery *d, int64_t now_us)
{
    unsigned i = find(t, start);
    if (i < t->n_sent && record(t, i)->start < start && !record(t, i)->sacked) {
        if (!split(t, i, start))
            return;
        i++;
    }
    for (; i < t->n_sent && record(t, i)->start < end; i++) {
        if (record(t, i)->sacked)
            continue;
        if (record(t, i)->end > end && !split(t, i, end))
            return;
        struct nat_sent *r = record(t, i);
        uint64_t len = r->end - r->start;
        delivered(t, r, r->end, d, now_us);
        if (r->lost)
            t->lost -= len;
        else
            t->pipe -= len;
        r->lost = false;
        r->sacked = true;
        t->sacked += len;
    }
}

static void
take_blocks(struct nat_tcp *t, const struct nat_segment *s, struct delivery *d, int64_t now_us)
{
    for (unsigned i = 0; t->has_sack && i < s->n_sacks; i++) {
        uint64_t start = nat_tcp_offset(s->sack[i].start, t->iss, t->una);
        uint64_t end = nat_tcp_offset(s->sack[i].end, t->iss, t->una);
        if (start >= t->una && start < end && end <= t->nxt) /* else a duplicate's, or nonsense */
            take_block(t, start, end, d, now_us);
    }
}

/* ---- losses ---- */

static void
begin_recovery(struct nat_tcp *t, uint64_t first_lost)
{
    if (t->recovering || first_lost < t->recover)
        return;
    t->recovering = true;
    t->recover = t->nxt;
    t->probing = false;
    nat_cc_lost(&t->cc);
}

void
nat_tcp_detect_losses(struct nat_tcp *t, int64_t now_us)
{
    t->reorder_at_us = 0;
    if (t->sacked == 0)
        return;
    int64_t window_us = MAX(MIN(t->min_rtt_us / 4, t->srtt_us), (int64_t)REORDER_MIN_US);
    uint64_t first_lost = UINT64_MAX;
    for (unsigned i = 0; i < t->n_sent; i++) {
        struct nat_sent *r = record(t, i);
        if (r->sacked || r->lost || r->sent_us > t->rack_sent_us ||
            (r->sent_us == t->rack_sent_us && r->end > t->rack_end))
            continue;
        int64_t lost_at_us = r->sent_us + t->rack_rtt_us + window_us;
        if (lost_at_us <= now_us) {
            first_lost = MIN(first_lost, r->start);
            set_lost(t, r);
        } else if (t->reorder_at_us == 0 || lost_at_us < t->reorder_at_us) {
            t->reorder_at_us = lost_at_us;
        }
    }
    if (first_lost != UINT64_MAX)
        begin_recovery(t, first_lost);
}

/* Without SACK: the first segment that is not acknowledged is lost (RFC 6582). */
static void
lose_first(struct nat_tcp *t)
{
    if (t->n_sent == 0 || record(t, 0)->lost)
        return;
    if (record(t, 0)->end - record(t, 0)->start > t->mss && !split(t, 0, t->una + t->mss))
        return;
    set_lost(t, record(t, 0));
    begin_recovery(t, t->una);
}

static void
count_duplicates(struct nat_tcp *t, bool duplicate, bool advanced)
{
    if (t->has_sack)
        return;
    if (advanced) {
        t->dup_acks = 0;
        if (t->recovering && t->una < t->recover)
            lose_first(t);
    } else if (duplicate && ++t->dup_acks == DUP_THRESHOLD) {
        lose_first(t);
    }
}

void
nat_tcp_timed_out(struct nat_tcp *t, int64_t now_us)
{
    if (++t->backoff > NAT_TCP_TRIES) {
        t->broken = true; /* the client is gone */
        return;
    }
    if (t->n_sent == 0) { /* its window is closed: has it forgotten to say that it opened? */
        nat_tcp_send_control(t, TCP_ACK, t->nxt - 1, now_us);
        return;
    }
    for (unsigned i = 0; i < t->n_sent; i++) {
        struct nat_sent *r = record(t, i);
        if (!r->sacked && !r->lost)
            set_lost(t, r);
    }
    nat_cc_timed_out(&t->cc, t->backoff == 1);
    t->recovering = false;
    t->recover = t->nxt;
    t->dup_acks = 0;
    t->probing = false;
    t->reorder_at_us = 0;
}

/* ---- one acknowledgement ---- */

/* True when the window moved. */
static bool
take_window(struct nat_tcp *t, const struct nat_segment *s, uint64_t ack)
{
    uint64_t seq = nat_tcp_offset(s->seq, t->irs, t->rcv);
    if (seq < t->wnd_seq || (seq == t->wnd_seq && ack < t->wnd_ack))
        return false;
    uint64_t edge = ack + ((uint64_t)s->window << t->snd_scale);
    bool moved = edge != t->edge;
    t->wnd_seq = seq;
    t->wnd_ack = ack;
    t->edge = edge;
    return moved;
}

static void
tell_cc(struct nat_tcp *t, const struct delivery *d, int64_t now_us)
{
    if (t->recovering)
        return;
    struct nat_cc_ack a = {
        .acked = d->bytes,
        .una = t->una,
        .nxt = t->nxt,
        .now_us = now_us,
        .rtt_us = d->rtt_us,
        .srtt_us = t->srtt_us,
        .limited = t->limited,
    };
    nat_cc_acked(&t->cc, &a);
}

bool
nat_tcp_acked(struct nat_tcp *t, const struct nat_segment *s, int64_t now_us)
{
    struct delivery d = {0};
    int64_t ahead = (int32_t)(s->ack - (t->iss + (uint32_t)t->una));
    if (ahead < 0)
        return true; /* an old one; what else it carries may be new */
    uint64_t ack = t->una + (uint64_t)ahead;
    if (ack > t->nxt) {
        t->ack_now = true;
        return false;
    }
    bool moved = take_window(t, s, ack);
    bool advanced = ack > t->una;
    if (advanced)
        take_cumulative(t, ack, &d, now_us);
    take_blocks(t, s, &d, now_us);
    if (d.rtt_us > 0)
        measured(t, d.rtt_us, now_us);
    if (advanced || moved || t->n_sent == 0)
        t->backoff = 0;
    if (advanced || d.bytes > 0)
        t->probing = false;
    if (advanced)
        t->rto_at_us = 0;
    if (d.bytes > 0)
        t->probe_at_us = 0;
    bool is_bare = s->payload.left == 0 && !(s->flags & TCP_FIN);
    count_duplicates(t, is_bare && !moved && !advanced && t->n_sent > 0, advanced);
    if (t->has_sack)
        nat_tcp_detect_losses(t, now_us);
    if (t->recovering && t->una >= t->recover)
        t->recovering = false;
    if (d.bytes > 0)
        tell_cc(t, &d, now_us);
    return true;
}

/* ---- deadlines ---- */

static bool
has_more(const struct nat_tcp *t)
{
    return t->end > t->nxt || t->may_read;
}

void
nat_tcp_arm(struct nat_tcp *t, int64_t now_us)
{
    if (t->n_sent == 0) {
        bool stuck = t->edge <= t->nxt && has_more(t);
        if (!stuck)
            t->rto_at_us = 0;
        else if (t->rto_at_us == 0)
            t->rto_at_us = now_us + MIN(t->rto_us << t->backoff, (int64_t)NAT_TCP_RTO_MAX_US);
        t->probe_at_us = 0;
        return;
    }
    if (t->rto_at_us == 0)
        t->rto_at_us = now_us + MIN(t->rto_us << t->backoff, (int64_t)NAT_TCP_RTO_MAX_US);
    if (t->probe_at_us != 0 || t->probing || t->recovering || t->lost > 0 || !t->has_sack ||
        t->backoff > 0 || t->srtt_us == 0)
        return;
    int64_t wait_us =
        2 * t->srtt_us + (t->nxt - t->una <= t->mss ? DELAYED_ACK_US : PROBE_SLACK_US);
    int64_t at_us = now_us + MAX(wait_us, (int64_t)PROBE_MIN_US);
    if (at_us < t->rto_at_us)
        t->probe_at_us = at_us;
}

void
nat_tcp_probe_tail(struct nat_tcp *t, int64_t now_us)
{
    if (t->n_sent == 0)
        return;
    t->probing = true;
    t->rto_at_us = 0; /* from now on */
    struct nat_sent *last = record(t, t->n_sent - 1);
    if (last->sacked || last->lost)
        return;
    if (last->end - last->start > t->mss && !split(t, t->n_sent - 1, last->end - t->mss))
        return;
    set_lost(t, record(t, t->n_sent - 1)); /* so that it goes out now */
    (void)now_us;
}
