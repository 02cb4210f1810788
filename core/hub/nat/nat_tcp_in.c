/* SPDX-License-Identifier: Apache-2.0 */
/* nat_tcp_in.c - from the client to the socket: payload in order, out of order, and the window. */

#include "core/hub/nat/nat_tcp_priv.h"

#include <glib.h>

enum {
    LIMIT_MIN = 64 * 1024,
    GROWTH_RTT_US = 20 * 1000, /* taken for a round trip before one is measured */
    SHARE = 8,                 /* one stream takes at most this part of what is left */
};

/* ---- ranges out of order ---- */

static void
drop_range(struct nat_tcp *t, unsigned i)
{
    t->n_ranges--;
    memmove(&t->range[i], &t->range[i + 1], (t->n_ranges - i) * sizeof(t->range[0]));
}

/* False when there are too many already. */
static bool
add_range(struct nat_tcp *t, uint64_t start, uint64_t end)
{
    unsigned i = 0;
    while (i < t->n_ranges && t->range[i].end < start)
        i++;
    if (i == t->n_ranges || t->range[i].start > end) {
        if (t->n_ranges == NAT_TCP_RANGES)
            return false;
        memmove(&t->range[i + 1], &t->range[i], (t->n_ranges - i) * sizeof(t->range[0]));
        t->range[i] = (struct nat_range){start, end};
        t->n_ranges++;
    } else {
        t->range[i].start = MIN(t->range[i].start, start);
        t->range[i].end = MAX(t->range[i].end, end);
    }
    while (i + 1 < t->n_ranges && t->range[i + 1].start <= t->range[i].end) {
        t->range[i].end = MAX(t->range[i].end, t->range[i + 1].end);
        drop_range(t, i + 1);
    }
    t->last_range = t->range[i].start;
    return true;
}

static void
join_ranges(struct nat_tcp *t)
{
    while (t->n_ranges > 0 && t->range[0].start <= t->rcv) {
        t->rcv = MAX(t->rcv, t->range[0].end);
        drop_range(t, 0);
    }
}

/* ---- payload ---- */

static bool
keep(struct nat_tcp *t, uint64_t at, struct reader payload)
{
    if (!nat_buffer_reserve(&t->in, at, at + payload.left))
        return false;
    nat_buffer_put(&t->in, at, payload.at, payload.left);
    return true;
}

static void
take_in_order(struct nat_tcp *t, struct reader payload)
{
    if (t->pending_end == t->rcv && t->n_pending < NAT_TCP_PENDING) {
        t->pending[t->n_pending++] = (struct pf_slice){(void *)payload.at, payload.left};
        t->pending_end += payload.left;
    } else if (!keep(t, t->rcv, payload)) {
        return; /* it will come again */
    }
    t->rcv += payload.left;
    t->bytes_in += payload.left;
    join_ranges(t);
}

void
nat_tcp_take_payload(struct nat_tcp *t, const struct nat_segment *s, uint64_t at, int64_t now_us)
{
    (void)now_us;
    struct reader payload = s->payload;
    bool fin = s->flags & TCP_FIN;
    if (payload.left == 0 && !fin)
        return;
    t->ack_now = true;
    if (t->got_fin)
        return;
    uint64_t end = at + payload.left;
    if (end > t->adv) { /* more than was asked for */
        payload.left = t->adv > at ? (size_t)(t->adv - at) : 0;
        fin = false;
    }
    if (fin && t->fin == 0 && end >= t->rcv)
        t->fin = end;
    if (at < t->rcv)
        (void)reader_take(&payload, MIN((uint64_t)payload.left, t->rcv - at));
    if (payload.left > 0 && at <= t->rcv)
        take_in_order(t, payload);
    else if (payload.left > 0 && keep(t, at, payload))
        (void)add_range(t, at, at + payload.left);
    if (t->fin != 0 && t->rcv == t->fin) {
        t->got_fin = true;
        t->rcv++;
    }
}

/* ---- to the socket ---- */

/* What the socket did not take of the batch, or could not: it is kept. Where there is no memory it
 * never came, since it was not acknowledged yet. */
static void
keep_pending(struct nat_tcp *t, size_t done)
{
    uint64_t at = t->taken;
    for (unsigned i = 0; i < t->n_pending; i++) {
        struct reader rest = reader_of(t->pending[i].at, t->pending[i].len);
        size_t skip = MIN(done, rest.left);
        (void)reader_take(&rest, skip);
        done -= skip;
        if (rest.left > 0 && !keep(t, at, rest)) {
            t->rcv = at;
            t->n_ranges = 0;
            t->got_fin = false;
            t->fin = 0;
            break;
        }
        at += rest.left;
    }
    t->n_pending = 0;
}

static bool
write_pending(struct nat_tcp *t)
{
    size_t all = 0;
    for (unsigned i = 0; i < t->n_pending; i++)
        all += t->pending[i].len;
    long put = t->blocked ? -1 : t->ops->send(t->owner, t->pending, t->n_pending);
    if (put == -2)
        return false;
    size_t done = put > 0 ? (size_t)put : 0;
    t->taken += done;
    if (done < all) {
        t->blocked = true;
        keep_pending(t, done);
    }
    t->n_pending = 0;
    return true;
}

static uint64_t
data_end(const struct nat_tcp *t)
{
    return t->got_fin ? t->rcv - 1 : t->rcv;
}

static bool
write_kept(struct nat_tcp *t)
{
    while (!t->blocked && t->taken < data_end(t)) {
        struct pf_slice iov[NAT_TCP_PENDING];
        unsigned n = nat_buffer_slices(&t->in, t->taken, data_end(t), iov, ARRAY_LEN(iov));
        size_t all = 0;
        for (unsigned i = 0; i < n; i++)
            all += iov[i].len;
        long put = t->ops->send(t->owner, iov, n);
        if (put == -2)
            return false;
        t->taken += put > 0 ? (uint64_t)put : 0;
        t->blocked = put < 0 || (size_t)put < all;
    }
    return true;
}

/* The limit follows what arrives: when half of it came within a round trip and went on, the client
 * could send more if it were let. */
static void
grow_limit(struct nat_tcp *t, int64_t now_us)
{
    if (!t->has_scale)
        return;
    int64_t rtt_us = t->srtt_us > 0 ? t->srtt_us : GROWTH_RTT_US;
    const struct nat_store *s = t->in.store;
    uint64_t share = (s->limit - MIN(s->used, s->limit)) / SHARE;
    if (t->rcv - t->mark >= t->limit / 2) {
        if (!t->blocked && t->limit * 2 <= MIN(share, (uint64_t)NAT_BUFFER_MAX))
            t->limit *= 2;
        t->mark = t->rcv;
        t->mark_us = now_us;
    } else if (now_us - t->mark_us > rtt_us) {
        t->mark = t->rcv;
        t->mark_us = now_us;
    }
    if (share < t->limit)
        t->limit = MAX(t->limit / 2, (uint64_t)LIMIT_MIN);
}

bool
nat_tcp_write(struct nat_tcp *t, int64_t now_us)
{
    if (t->n_pending > 0 && !write_pending(t))
        return false;
    if (!write_kept(t))
        return false;
    uint64_t kept_end = t->n_ranges > 0 ? t->range[t->n_ranges - 1].end : t->rcv;
    nat_buffer_keep(&t->in, t->taken, kept_end);
    t->pending_end = t->taken;
    grow_limit(t, now_us);
    if (t->got_fin && !t->shut && t->taken == data_end(t)) {
        t->shut = true;
        t->ops->shutdown(t->owner);
    }
    return true;
}

/* ---- the window ---- */

uint16_t
nat_tcp_window(struct nat_tcp *t, bool syn)
{
    unsigned scale = t->has_scale && !syn ? NAT_TCP_SCALE : 0;
    uint64_t edge = MAX(t->adv, t->taken + t->limit);
    uint64_t window = edge > t->rcv ? (edge - t->rcv) >> scale : 0;
    window = MIN(window, (uint64_t)UINT16_MAX);
    t->adv = MAX(t->adv, t->rcv + (window << scale));
    return (uint16_t)window;
}

bool
nat_tcp_should_update_window(const struct nat_tcp *t)
{
    uint64_t edge = t->taken + t->limit;
    uint64_t offered = t->adv > t->rcv ? t->adv - t->rcv : 0;
    return !t->got_fin && offered < t->limit / 4 && edge > t->adv &&
           edge - t->adv >= MIN(t->limit / 4, 2ull * t->mss);
}
