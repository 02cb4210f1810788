/* SPDX-License-Identifier: Apache-2.0 */
/* test-nat-tcp.c - the TCP machine against a client and a link that are only made up.
 *
 * The link has a delay, a rate, a queue and losses from a generator with a fixed seed; time is
 * virtual. The client is a TCP of its own, plain on purpose: it acknowledges with SACK and sends
 * again what is missing. The socket is a source and a sink of a pattern.
 */

#include "core/hub/nat/nat_tcp.h"

#include <glib.h>

#include <string.h>

enum {
    MSS = 1460,
    PIECE = 1448,
    EVENTS_MAX = 65536,
    RANGES = 256,
    ISS = 0xfffffff0u,
    CLIENT_ISN = 0xffff0000u
};

struct event {
    int64_t at_us;
    uint64_t order;
    bool to_client;
    struct nat_segment s;
    uint8_t *bytes; /* owned */
};

struct range {
    uint64_t start, end;
};

struct sim {
    struct nat_store store;
    struct nat_tcp t;
    int64_t now_us;
    /* the link */
    int64_t delay_us, free_at_us[2];
    double loss;      /* of a segment, each way */
    double rate_bps;  /* towards the client; 0: without limit */
    size_t queue_max; /* bytes */
    uint64_t order;
    GRand *rand;
    GSequence *events;
    unsigned lost;
    /* the client */
    bool sack, ts, scale;
    bool open, fin_came, reset;
    uint32_t recent;   /* time stamp */
    uint64_t rcv, got; /* offsets as the machine's */
    struct range range[RANGES];
    unsigned n_ranges;
    uint64_t una, nxt, size; /* of what it uploads; 1 is the first byte */
    uint64_t edge, window;
    struct range sacked[RANGES];
    unsigned n_sacked;
    uint64_t again; /* sent again up to here in this round */
    int64_t rto_at_us;
    bool fin_sent, fin_acked, wants_fin;
    uint8_t *memory; /* owned; what came, by offset */
    /* the socket */
    uint64_t source, source_at, sink, sink_room;
    bool source_ends, sink_ended, source_breaks;
    unsigned segments, longest;
};

static uint8_t
pattern(uint64_t at)
{
    return (uint8_t)(at * 131 + (at >> 8) * 17 + (at >> 16));
}

static int
by_time(gconstpointer a, gconstpointer b, gpointer data)
{
    const struct event *x = a;
    const struct event *y = b;
    (void)data;
    if (x->at_us != y->at_us)
        return x->at_us < y->at_us ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static void
event_free(gpointer data)
{
    struct event *e = data;
    g_free(e->bytes);
    g_free(e);
}

/* Takes the bytes. */
static void
put_on_link(struct sim *m, bool to_client, const struct nat_segment *s, uint8_t *bytes)
{
    if (g_rand_double(m->rand) < m->loss) {
        m->lost++;
        g_free(bytes);
        return;
    }
    int64_t start_us = MAX(m->now_us, m->free_at_us[to_client]);
    if (to_client && m->rate_bps > 0) {
        double queued = (double)(start_us - m->now_us) * m->rate_bps / 8e6;
        if (queued > (double)m->queue_max) {
            m->lost++;
            g_free(bytes);
            return;
        }
        start_us += (int64_t)((double)(s->payload.left + 70) * 8e6 / m->rate_bps);
        m->free_at_us[to_client] = start_us;
    }
    struct event *e = g_new0(struct event, 1);
    e->at_us = start_us + m->delay_us;
    e->order = m->order++;
    e->to_client = to_client;
    e->s = *s;
    e->bytes = bytes;
    e->s.payload = reader_of(bytes, s->payload.left);
    g_sequence_insert_sorted(m->events, e, by_time, NULL);
}

/* ---- ops of the machine ---- */

static void
read_options(const struct nat_tcp_out *o, struct nat_segment *s)
{
    struct tcp tcp = {
        .seq = o->seq,
        .ack = o->ack,
        .flags = o->flags,
        .window = o->window,
        .options = reader_of(o->options, o->options_len),
    };
    g_assert_cmpuint(o->options_len % 4, ==, 0);
    nat_segment_read(&tcp, s);
}

static void
on_segment(void *owner, const struct nat_tcp_out *o)
{
    struct sim *m = owner;
    uint32_t done = 0;
    m->segments++;
    m->longest = MAX(m->longest, o->len);
    do {
        struct nat_segment s;
        read_options(o, &s);
        uint32_t len = MIN(o->len - done, o->mss);
        s.seq += done;
        uint8_t *bytes = g_malloc(len + 1);
        if (len > 0)
            nat_buffer_get(o->from, o->at + done, bytes, len);
        s.payload = reader_of(bytes, len);
        done += len;
        if (done < o->len)
            s.flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
        put_on_link(m, true, &s, bytes);
    } while (done < o->len);
}

static long
on_recv(void *owner, const struct pf_slice *iov, unsigned n)
{
    struct sim *m = owner;
    long got = 0;
    if (m->source_breaks)
        return -2;
    for (unsigned i = 0; i < n; i++) {
        size_t len = MIN((uint64_t)iov[i].len, m->source - m->source_at);
        for (size_t k = 0; k < len; k++)
            ((uint8_t *)iov[i].at)[k] = pattern(m->source_at + k);
        m->source_at += len;
        got += (long)len;
    }
    if (got > 0)
        return got;
    return m->source_ends ? 0 : -1;
}

static long
on_send(void *owner, const struct pf_slice *iov, unsigned n)
{
    struct sim *m = owner;
    long put = 0;
    g_assert_false(m->sink_ended);
    for (unsigned i = 0; i < n; i++) {
        size_t len = MIN((uint64_t)iov[i].len, m->sink_room);
        for (size_t k = 0; k < len; k++)
            g_assert_cmpuint(((const uint8_t *)iov[i].at)[k], ==, pattern(m->sink + k));
        m->sink += len;
        m->sink_room -= len;
        put += (long)len;
    }
    return put > 0 ? put : -1;
}

static void
on_shutdown(void *owner)
{
    struct sim *m = owner;
    g_assert_false(m->sink_ended);
    m->sink_ended = true;
}

static const struct nat_tcp_ops ops = {
    .segment = on_segment, .recv = on_recv, .send = on_send, .shutdown = on_shutdown};

/* ---- the client ---- */

static void
add(struct range *list, unsigned *n, uint64_t start, uint64_t end)
{
    unsigned i = 0;
    while (i < *n && list[i].end < start)
        i++;
    if (i == *n || list[i].start > end) {
        if (*n == RANGES)
            return;
        memmove(&list[i + 1], &list[i], (*n - i) * sizeof(*list));
        list[i] = (struct range){start, end};
        ++*n;
    }
    list[i].start = MIN(list[i].start, start);
    list[i].end = MAX(list[i].end, end);
    while (i + 1 < *n && list[i + 1].start <= list[i].end) {
        list[i].end = MAX(list[i].end, list[i + 1].end);
        memmove(&list[i + 1], &list[i + 2], (*n - i - 2) * sizeof(*list));
        --*n;
    }
}

static void
client_send(struct sim *m, uint8_t flags, uint64_t at, size_t len)
{
    struct nat_segment s = {
        .seq = CLIENT_ISN + (uint32_t)at,
        .ack = ISS + (uint32_t)m->rcv,
        .flags = flags,
        .window = (uint16_t)MIN(m->window >> (m->scale && !(flags & TCP_SYN) ? 8 : 0), 65535u),
        .has_ts = m->ts,
        .ts_val = (uint32_t)(m->now_us / 1000) + 7,
        .ts_ecr = m->recent,
    };
    if (flags & TCP_SYN) {
        s.mss = MSS;
        s.sack_ok = m->sack;
        s.has_scale = m->scale;
        s.scale = 8;
    }
    for (unsigned i = 0; m->sack && i < MIN(m->n_ranges, 3u); i++) {
        const struct range *r = &m->range[m->n_ranges - 1 - i];
        s.sack[s.n_sacks].start = ISS + (uint32_t)r->start;
        s.sack[s.n_sacks++].end = ISS + (uint32_t)r->end;
    }
    uint8_t *bytes = g_malloc(len + 1);
    for (size_t i = 0; i < len; i++)
        bytes[i] = pattern(at - 1 + i);
    s.payload = reader_of(bytes, len);
    put_on_link(m, false, &s, bytes);
}

static void
client_upload(struct sim *m)
{
    while (m->open && m->nxt <= m->size && m->nxt < m->edge && m->nxt - m->una < 2 * 1024 * 1024) {
        size_t len = MIN(MIN((uint64_t)PIECE, m->size + 1 - m->nxt), m->edge - m->nxt);
        client_send(m, TCP_ACK, m->nxt, len);
        m->nxt += len;
        if (m->rto_at_us == 0)
            m->rto_at_us = m->now_us + 300000;
    }
    if (m->open && m->wants_fin && !m->fin_sent && m->nxt == m->size + 1) {
        client_send(m, TCP_ACK | TCP_FIN, m->nxt, 0);
        m->nxt++;
        m->fin_sent = true;
        m->rto_at_us = m->now_us + 300000;
    }
}

/* Sends again up to max bytes that are not acknowledged, from the first hole on. */
static void
client_resend(struct sim *m, uint64_t from, uint64_t to, unsigned max)
{
    for (uint64_t at = MAX(from, m->una); at < to && max > 0; max--) {
        unsigned i = 0;
        while (i < m->n_sacked && m->sacked[i].end <= at)
            i++;
        if (i < m->n_sacked && m->sacked[i].start <= at) {
            at = m->sacked[i].end;
            continue;
        }
        uint64_t end = i < m->n_sacked ? m->sacked[i].start : to;
        size_t len = MIN((uint64_t)PIECE, MIN(end, m->size + 1) - at);
        client_send(m, at + len > m->size && m->fin_sent ? TCP_ACK | TCP_FIN : TCP_ACK, at, len);
        at += MAX(len, (size_t)1);
        m->again = at;
    }
}

static void
client_acked(struct sim *m, const struct nat_segment *s)
{
    uint64_t ack = m->una + (uint64_t)(int64_t)(int32_t)(s->ack - (CLIENT_ISN + (uint32_t)m->una));
    g_assert_cmpuint(ack, <=, m->nxt);
    unsigned scale = m->scale && !(s->flags & TCP_SYN) ? 8 : 0;
    uint64_t edge = ack + ((uint64_t)s->window << scale);
    g_assert_cmpuint(s->flags & TCP_SYN ? edge : edge + 256, >=,
                     m->edge - (ack < m->una ? m->una : 0));
    m->edge = MAX(m->edge, edge);
    for (unsigned i = 0; i < s->n_sacks; i++) {
        uint64_t start = ack + (uint32_t)(s->sack[i].start - s->ack);
        uint64_t end = ack + (uint32_t)(s->sack[i].end - s->ack);
        if (end <= m->nxt)
            add(m->sacked, &m->n_sacked, start, end);
    }
    if (ack > m->una) {
        m->una = ack;
        m->rto_at_us = m->una < m->nxt ? m->now_us + 300000 : 0;
        m->fin_acked = m->fin_sent && m->una == m->nxt;
    }
    if (m->n_sacked > 0 && m->sacked[m->n_sacked - 1].end > m->una) /* holes below are lost */
        client_resend(m, m->again, m->sacked[m->n_sacked - 1].end, 8);
    while (m->n_sacked > 0 && m->sacked[0].end <= m->una) {
        memmove(&m->sacked[0], &m->sacked[1], (m->n_sacked - 1) * sizeof(m->sacked[0]));
        m->n_sacked--;
    }
    client_upload(m);
}

static void
client_takes(struct sim *m, const struct nat_segment *s)
{
    uint64_t at = m->rcv + (uint64_t)(int64_t)(int32_t)(s->seq - (ISS + (uint32_t)m->rcv));
    size_t len = s->payload.left;
    for (size_t i = 0; i < len; i++)
        if (s->payload.at[i] != pattern(at - 1 + i))
            g_error("wrong byte at %" G_GUINT64_FORMAT, at - 1 + i);
    if (len > 0)
        add(m->range, &m->n_ranges, at, at + len);
    while (m->n_ranges > 0 && m->range[0].start <= m->rcv) {
        m->rcv = MAX(m->rcv, m->range[0].end);
        memmove(&m->range[0], &m->range[1], (m->n_ranges - 1) * sizeof(m->range[0]));
        m->n_ranges--;
    }
    m->got = m->rcv - 1 - m->fin_came;
    if ((s->flags & TCP_FIN) && at + len == m->rcv && !m->fin_came) {
        m->fin_came = true;
        m->rcv++;
    }
    if (len > 0 || (s->flags & TCP_FIN))
        client_send(m, TCP_ACK, m->nxt, 0);
}

static void
client_receive(struct sim *m, const struct nat_segment *s)
{
    if (s->flags & TCP_RST) {
        m->reset = true;
        return;
    }
    if (s->has_ts)
        m->recent = s->ts_val;
    if (s->flags & TCP_SYN) {
        g_assert_cmpuint(s->flags, ==, TCP_SYN | TCP_ACK);
        g_assert_cmpuint(s->seq, ==, ISS);
        g_assert_cmpuint(s->sack_ok, ==, m->sack);
        g_assert_cmpuint(s->has_scale, ==, m->scale);
        g_assert_cmpuint(s->has_ts, ==, m->ts);
        m->open = true;
        m->rcv = MAX(m->rcv, 1u);
        client_send(m, TCP_ACK, m->nxt, 0);
    }
    client_acked(m, s);
    client_takes(m, s);
}

/* ---- time ---- */

static void
step_machine(struct sim *m)
{
    int64_t at_us = nat_tcp_deadline(&m->t);
    if (at_us > 0 && at_us <= m->now_us) {
        nat_tcp_tick(&m->t, m->now_us);
        nat_tcp_flush(&m->t, m->now_us);
    }
}

static void
step_socket(struct sim *m)
{
    if (nat_tcp_wants_read(&m->t) &&
        (m->source_at < m->source || m->source_ends || m->source_breaks)) {
        nat_tcp_readable(&m->t);
        nat_tcp_flush(&m->t, m->now_us);
    }
    if (m->t.phase == NAT_TCP_OPEN && nat_tcp_wants_write(&m->t) && m->sink_room > 0) {
        nat_tcp_writable(&m->t);
        nat_tcp_flush(&m->t, m->now_us);
    }
}

static void
step_client(struct sim *m)
{
    if (m->rto_at_us > 0 && m->rto_at_us <= m->now_us) {
        m->rto_at_us = m->now_us + 300000;
        m->again = m->una;
        client_resend(m, m->una, m->nxt, 4);
    }
}

/* One event, and all that follows at once. False when nothing will ever happen before until. */
static bool
step(struct sim *m, int64_t until_us)
{
    GSequenceIter *first = g_sequence_get_begin_iter(m->events);
    int64_t next_us =
        g_sequence_iter_is_end(first) ? INT64_MAX : ((struct event *)g_sequence_get(first))->at_us;
    int64_t timer_us = nat_tcp_deadline(&m->t);
    if (timer_us > 0)
        next_us = MIN(next_us, MAX(timer_us, m->now_us));
    if (m->rto_at_us > 0)
        next_us = MIN(next_us, m->rto_at_us);
    if (next_us > until_us) {
        m->now_us = until_us;
        return false;
    }
    m->now_us = MAX(m->now_us, next_us);
    step_client(m);
    step_machine(m);
    first = g_sequence_get_begin_iter(m->events);
    if (!g_sequence_iter_is_end(first)) {
        struct event *e = g_sequence_get(first);
        if (e->at_us <= m->now_us) {
            if (e->to_client) {
                client_receive(m, &e->s);
            } else {
                nat_tcp_receive(&m->t, &e->s, m->now_us);
                nat_tcp_flush(&m->t, m->now_us);
            }
            g_sequence_remove(first);
        }
    }
    step_socket(m);
    return true;
}

static void
run(struct sim *m, int64_t us)
{
    int64_t until_us = m->now_us + us;
    while (step(m, until_us))
        ;
}

static void
sim_init(struct sim *m, const void *data)
{
    (void)data;
    memset(m, 0, sizeof(*m));
    m->store.limit = 256 * 1024 * 1024;
    m->now_us = 1000000;
    m->delay_us = 25000;
    m->rand = g_rand_new_with_seed(42);
    m->events = g_sequence_new(event_free);
    m->sack = m->ts = m->scale = true;
    m->window = 8 * 1024 * 1024;
    m->sink_room = UINT64_MAX;
    m->una = 0;
    m->nxt = 1;
}

static void
sim_done(struct sim *m, const void *data)
{
    (void)data;
    nat_tcp_done(&m->t);
    g_assert_cmpuint(m->store.used, ==, 0);
    nat_store_clear(&m->store);
    g_sequence_free(m->events);
    g_rand_free(m->rand);
}

static void
open_it(struct sim *m)
{
    struct nat_segment syn = {.seq = CLIENT_ISN,
                              .flags = TCP_SYN,
                              .window = 65535,
                              .mss = MSS,
                              .sack_ok = m->sack,
                              .has_scale = m->scale,
                              .scale = 8,
                              .has_ts = m->ts,
                              .ts_val = (uint32_t)(m->now_us / 1000) + 7};
    const struct nat_tcp_config config = {.ops = &ops,
                                          .owner = m,
                                          .store = &m->store,
                                          .mss = MSS,
                                          .iss = ISS,
                                          .ts_offset = 99,
                                          .idle_us = 1800ll * 1000000};
    nat_tcp_open(&m->t, &config, &syn, m->now_us);
    nat_tcp_connected(&m->t, m->now_us);
    nat_tcp_flush(&m->t, m->now_us);
    double loss = m->loss;
    m->loss = 0;
    run(m, 2 * m->delay_us + 1000);
    m->loss = loss;
    g_assert_true(m->open);
    g_assert_cmpint(m->t.phase, ==, NAT_TCP_OPEN);
}

static void
download(struct sim *m, uint64_t size)
{
    int64_t start_us = m->now_us;
    m->source = m->source_at + size;
    uint64_t goal = m->got + size;
    step_socket(m);
    while (m->got < goal && m->now_us < start_us + 600ll * 1000000)
        if (!step(m, m->now_us + 1000000) && m->got >= goal)
            break;
    g_assert_cmpuint(m->got, ==, goal);
    double s = (double)(m->now_us - start_us) / 1e6;
    g_test_message("%.1f Mbit/s, %u lost, cwnd %" G_GUINT64_FORMAT, (double)size * 8 / 1e6 / s,
                   m->lost, m->t.cc.cwnd);
}

static double
megabits(struct sim *m, uint64_t size)
{
    int64_t start_us = m->now_us;
    download(m, size);
    return (double)size * 8 / (double)(m->now_us - start_us);
}

static void
test_download(struct sim *m, const void *data)
{
    (void)data;
    open_it(m);
    g_assert_cmpfloat(megabits(m, 64 * 1024 * 1024), >, 300);
    g_assert_cmpuint(m->lost, ==, 0);
    g_assert_cmpuint(m->longest, >, 60000);
    run(m, 1000000);
    g_assert_cmpuint(m->store.used, ==, 0);
}

static void
test_loss(struct sim *m, const void *data)
{
    (void)data;
    m->loss = 0.01;
    m->rate_bps = 200e6;
    m->queue_max = 1024 * 1024;
    open_it(m);
    g_assert_cmpfloat(megabits(m, 8 * 1024 * 1024), >, 2);
}

static void
test_bottleneck(struct sim *m, const void *data)
{
    (void)data;
    m->rate_bps = 100e6;
    m->queue_max = 600 * 1024;
    open_it(m);
    g_assert_cmpfloat(megabits(m, 64 * 1024 * 1024), >, 80);
}

static void
test_no_sack(struct sim *m, const void *data)
{
    (void)data;
    m->sack = m->ts = m->scale = false;
    m->window = 65535;
    m->loss = 0.005;
    open_it(m);
    g_assert_cmpfloat(megabits(m, 2 * 1024 * 1024), >, 0.5);
}

static void
upload(struct sim *m, uint64_t size)
{
    int64_t start_us = m->now_us;
    m->size += size;
    client_upload(m);
    while (m->sink < m->size && m->now_us < start_us + 600ll * 1000000)
        if (!step(m, m->now_us + 1000000) && m->sink >= m->size)
            break;
    g_assert_cmpuint(m->sink, ==, m->size);
    double s = (double)(m->now_us - start_us) / 1e6;
    g_test_message("%.1f Mbit/s, %u lost, limit %" G_GUINT64_FORMAT, (double)size * 8 / 1e6 / s,
                   m->lost, m->t.limit);
}

static void
test_upload(struct sim *m, const void *data)
{
    (void)data;
    open_it(m);
    upload(m, 32 * 1024 * 1024);
    g_assert_cmpuint(m->t.limit, >=, 1024 * 1024);
    m->loss = 0.01;
    upload(m, 4 * 1024 * 1024);
    g_assert_cmpuint(m->lost, >, 10);
    m->loss = 0;
    run(m, 2000000);
    g_assert_cmpuint(m->store.used, ==, 0);
}

/* The socket takes nothing for a while: the window closes, nothing is lost, and it opens again. */
static void
test_slow_sink(struct sim *m, const void *data)
{
    (void)data;
    open_it(m);
    m->sink_room = 100000;
    m->size = 4 * 1024 * 1024;
    client_upload(m);
    run(m, 5000000);
    g_assert_cmpuint(m->sink, ==, 100000);
    g_assert_cmpuint(m->una, <=, 1 + 100000 + m->t.limit);
    g_assert_cmpuint(m->una, >=, 100000 + m->t.limit - 512);
    g_assert_true(nat_tcp_wants_write(&m->t));
    m->sink_room = UINT64_MAX;
    step_socket(m);
    while (m->sink < m->size && m->now_us < 100ll * 1000000)
        (void)step(m, m->now_us + 100000);
    g_assert_cmpuint(m->sink, ==, m->size);
}

/* The client's window closes and opens; the update is lost, and a probe finds out. */
static void
test_zero_window(struct sim *m, const void *data)
{
    (void)data;
    open_it(m);
    m->window = 0;
    client_send(m, TCP_ACK, m->nxt, 0);
    run(m, 100000);
    m->source = 500000;
    step_socket(m);
    run(m, 3000000);
    g_assert_cmpuint(m->got, <=, 65536);
    uint64_t before = m->got;
    m->window = 1024 * 1024;
    /* Nobody tells. The client answers a probe, as any TCP does, since its offset is old. */
    unsigned segments = m->segments;
    for (unsigned i = 0; i < 200 && m->got < 500000; i++) {
        run(m, 100000);
        if (m->segments > segments)
            client_send(m, TCP_ACK, m->nxt, 0);
        segments = m->segments;
    }
    g_assert_cmpuint(m->got, >, before);
    g_assert_cmpuint(m->got, ==, 500000);
}

static void
test_close_by_socket(struct sim *m, const void *data)
{
    (void)data;
    m->loss = GPOINTER_TO_INT(data) ? 0.2 : 0;
    open_it(m);
    m->source_ends = true;
    download(m, 100000);
    for (unsigned i = 0; i < 100 && !m->fin_came; i++)
        run(m, 1000000);
    g_assert_true(m->fin_came);
    g_assert_cmpint(m->t.phase, ==, NAT_TCP_OPEN);
    g_assert_false(m->sink_ended);
    upload(m, 50000); /* half closed: the other direction goes on */
    m->wants_fin = true;
    client_upload(m);
    for (unsigned i = 0; i < 100 && !m->fin_acked; i++)
        run(m, 1000000);
    g_assert_true(m->sink_ended);
    g_assert_true(m->t.phase == NAT_TCP_TIME_WAIT || m->t.phase == NAT_TCP_CLOSED);
    run(m, 10000000);
    g_assert_cmpint(m->t.phase, ==, NAT_TCP_CLOSED);
    g_assert_false(m->reset);
}

static void
test_close_by_client(struct sim *m, const void *data)
{
    (void)data;
    m->loss = GPOINTER_TO_INT(data) ? 0.2 : 0;
    open_it(m);
    m->wants_fin = true;
    upload(m, 100000);
    for (unsigned i = 0; i < 100 && !m->fin_acked; i++)
        run(m, 1000000);
    g_assert_true(m->sink_ended);
    g_assert_cmpint(m->t.phase, ==, NAT_TCP_OPEN);
    m->source_ends = true;
    download(m, 100000);
    for (unsigned i = 0; i < 100 && !m->fin_came; i++)
        run(m, 1000000);
    run(m, 20000000);
    g_assert_cmpint(m->t.phase, ==, NAT_TCP_CLOSED);
    g_assert_false(m->reset);
}

static void
test_resets(struct sim *m, const void *data)
{
    (void)data;
    open_it(m);
    struct nat_segment rst = {.seq = CLIENT_ISN + 1000, .flags = TCP_RST};
    nat_tcp_receive(&m->t, &rst, m->now_us);
    g_assert_cmpint(m->t.phase, ==, NAT_TCP_OPEN); /* only near: asks back */
    rst.seq = CLIENT_ISN + 1;
    nat_tcp_receive(&m->t, &rst, m->now_us);
    g_assert_cmpint(m->t.phase, ==, NAT_TCP_CLOSED);
    g_assert_true(m->t.reset_socket);
}

static void
test_broken_socket(struct sim *m, const void *data)
{
    (void)data;
    open_it(m);
    m->source_breaks = true;
    step_socket(m);
    run(m, 100000);
    g_assert_cmpint(m->t.phase, ==, NAT_TCP_CLOSED);
    g_assert_true(m->reset);
}

static void
test_refused(struct sim *m, const void *data)
{
    (void)data;
    struct nat_segment syn = {.seq = CLIENT_ISN, .flags = TCP_SYN, .window = 65535};
    const struct nat_tcp_config config = {
        .ops = &ops, .owner = m, .store = &m->store, .mss = MSS, .iss = ISS, .idle_us = 1000000};
    nat_tcp_open(&m->t, &config, &syn, m->now_us);
    nat_tcp_flush(&m->t, m->now_us);
    g_assert_cmpuint(m->segments, ==, 0); /* not before the socket is connected */
    nat_tcp_failed(&m->t);
    g_assert_cmpuint(m->segments, ==, 1);
    run(m, 100000);
    g_assert_true(m->reset);
}

/* A client that is gone is noticed: by data that nobody acknowledges, and by questions. */
static void
test_gone(struct sim *m, const void *data)
{
    (void)data;
    open_it(m);
    m->loss = 1;
    int64_t start_us = m->now_us;
    while (m->t.phase == NAT_TCP_OPEN && m->now_us < start_us + 4000ll * 1000000)
        (void)step(m, m->now_us + 1000000);
    g_assert_cmpint(m->t.phase, ==, NAT_TCP_CLOSED);
    g_assert_cmpint(m->now_us - start_us, <, 1830ll * 1000000);
    g_assert_cmpint(m->now_us - start_us, >, 1790ll * 1000000);
}

static void
test_gone_while_sending(struct sim *m, const void *data)
{
    (void)data;
    open_it(m);
    m->loss = 1;
    m->source = 100000;
    step_socket(m);
    int64_t start_us = m->now_us;
    while (m->t.phase == NAT_TCP_OPEN && m->now_us < start_us + 4000ll * 1000000)
        (void)step(m, m->now_us + 1000000);
    g_assert_cmpint(m->t.phase, ==, NAT_TCP_CLOSED);
    g_assert_cmpint(m->now_us - start_us, <, 400ll * 1000000);
}

/* Streams share the store: a full one stops reading, and goes on when there is room. */
static void
test_store_full(struct sim *m, const void *data)
{
    (void)data;
    open_it(m);
    m->store.limit = 128 * 1024;
    m->source_ends = true;
    download(m, 4 * 1024 * 1024);
    m->store.used += 128 * 1024; /* somebody else has it all */
    upload(m, 100000);           /* needs none while the sink takes it */
    m->store.used -= 128 * 1024;
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, data, fn) g_test_add(path, struct sim, data, sim_init, fn, sim_done)
    ADD("/nat-tcp/download", NULL, test_download);
    ADD("/nat-tcp/loss", NULL, test_loss);
    ADD("/nat-tcp/bottleneck", NULL, test_bottleneck);
    ADD("/nat-tcp/no-sack", NULL, test_no_sack);
    ADD("/nat-tcp/upload", NULL, test_upload);
    ADD("/nat-tcp/slow-sink", NULL, test_slow_sink);
    ADD("/nat-tcp/zero-window", NULL, test_zero_window);
    ADD("/nat-tcp/close-by-socket", NULL, test_close_by_socket);
    ADD("/nat-tcp/close-by-socket-lossy", GINT_TO_POINTER(1), test_close_by_socket);
    ADD("/nat-tcp/close-by-client", NULL, test_close_by_client);
    ADD("/nat-tcp/close-by-client-lossy", GINT_TO_POINTER(1), test_close_by_client);
    ADD("/nat-tcp/resets", NULL, test_resets);
    ADD("/nat-tcp/broken-socket", NULL, test_broken_socket);
    ADD("/nat-tcp/refused", NULL, test_refused);
    ADD("/nat-tcp/gone", NULL, test_gone);
    ADD("/nat-tcp/gone-while-sending", NULL, test_gone_while_sending);
    ADD("/nat-tcp/store-full", NULL, test_store_full);
    return g_test_run();
}
