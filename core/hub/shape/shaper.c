/* SPDX-License-Identifier: Apache-2.0 */
/* shaper.c - see shaper.h.
 *
 * A token bucket that may go into debt by one frame: so any frame passes at any rate, and the
 * average is exact. Tokens are millionths of a bit, so that a rate in bits a second is what a
 * microsecond brings, without a division.
 */

#include "core/hub/shape/shaper.h"

#include "core/base/queue.h"
#include "core/net/eth.h"
#include "core/net/flow.h"
#include "core/net/ip.h"
#include "core/net/segment.h"
#include "core/net/wire.h"

#include <glib.h>

enum band { BAND_CONTROL, BAND_URGENT, BAND_BULK, N_BANDS };

enum {
    MILLION = 1000000,
    FULL_FRAME = 1514,
    CONTROL_MAX = 16 * 1024, /* bytes of ARP and the like that may wait */
    BITS = 8,
};

#define RATE_MAX ((uint64_t)1 << 40) /* so that nothing below overflows */

struct shaper {
    uint64_t rate;    /* bits a second */
    int64_t tokens_u; /* millionths of a bit; negative: debt */
    int64_t most_u;
    int64_t last_us; /* tokens are as of then */
    size_t limit;    /* bytes of a band */
    int64_t owed;    /* bytes that earlier bands owe the last one */
    bool qos;
    struct frame_queue band[N_BANDS];
};

/* ---- the rate ---- */

/* Microseconds that so many bytes take. */
static int64_t
time_of(const struct shaper *s, size_t bytes)
{
    return (int64_t)((uint64_t)bytes * BITS * MILLION / s->rate);
}

static void
set_rate(struct shaper *s, uint64_t bits_per_s)
{
    s->rate = CLAMP(bits_per_s, 1, RATE_MAX);
    uint64_t queue = s->rate / BITS * SHAPER_QUEUE_US / MILLION;
    s->limit = CLAMP(queue, SHAPER_QUEUE_MIN, QUEUE_MAX_BYTES);
    int64_t burst_u = (int64_t)s->rate * SHAPER_BURST_US;
    s->most_u = MAX(burst_u, 2 * FULL_FRAME * (int64_t)BITS * MILLION);
    s->tokens_u = MIN(s->tokens_u, s->most_u);
    /* A frame that is being sent is no queue: RFC 8289, 4.4, for slow links. */
    int64_t target_us = MAX((int64_t)QUEUE_TARGET_US, time_of(s, FULL_FRAME) * 3 / 2);
    int64_t interval_us = MAX((int64_t)QUEUE_INTERVAL_US, 2 * target_us);
    for (unsigned i = 0; i < N_BANDS; i++) {
        s->band[i].target_us = target_us;
        s->band[i].interval_us = interval_us;
    }
}

static void
refill(struct shaper *s, int64_t now_us)
{
    if (now_us <= s->last_us)
        return;
    int64_t passed = now_us - s->last_us;
    int64_t most_u = s->most_u;
    if (shaper_held(s) > 0) /* the sender cannot help it that nobody looked */
        most_u = MAX(most_u, (int64_t)s->rate * SHAPER_LATE_US);
    int64_t missing_u = most_u - s->tokens_u;
    s->last_us = now_us;
    if (passed > missing_u / (int64_t)s->rate)
        s->tokens_u = most_u;
    else
        s->tokens_u += passed * (int64_t)s->rate;
}

struct shaper *
shaper_new(uint64_t bits_per_s, bool qos, int64_t now_us)
{
    g_assert(bits_per_s > 0);
    struct shaper *s = g_new0(struct shaper, 1);
    s->qos = qos;
    s->last_us = now_us;
    s->tokens_u = INT64_MAX;
    set_rate(s, bits_per_s);
    return s;
}

void
shaper_free(struct shaper *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < N_BANDS; i++)
        frame_queue_clear(&s->band[i]);
    g_free(s);
}

void
shaper_set(struct shaper *s, uint64_t bits_per_s, bool qos, int64_t now_us)
{
    refill(s, now_us);
    set_rate(s, bits_per_s);
    s->qos = qos;
}

uint64_t
shaper_rate(const struct shaper *s)
{
    return s->rate;
}

unsigned
shaper_held(const struct shaper *s)
{
    unsigned n = 0;
    for (unsigned i = 0; i < N_BANDS; i++)
        n += s->band[i].n;
    return n;
}

size_t
shaper_held_bytes(const struct shaper *s)
{
    size_t n = 0;
    for (unsigned i = 0; i < N_BANDS; i++)
        n += s->band[i].bytes;
    return n;
}

/* ---- what a frame costs, and where it belongs ---- */

/* Bytes that count. Marks that contradict the headers cost what is there. */
static size_t
cost_of(const struct frame *f)
{
    size_t bytes = f->len > ETH_HEADER ? f->len - ETH_HEADER : 1;
    struct segment_iter it;
    if (frame_is_super(f) && segment_begin(&it, f) == DROP_NONE)
        bytes += (segment_count(&it) - 1) * (size_t)(it.header_len - ETH_HEADER);
    return bytes;
}

/* Without these nothing else gets through: address resolution, addresses, 802.1X, spanning tree. */
static bool
is_control(const struct frame *f, const struct flow *flow)
{
    enum { DHCP4_SERVER = 67, DHCP4_CLIENT = 68, DHCP6_CLIENT = 546, DHCP6_SERVER = 547 };
    enum { MLD_QUERY = 130, ND_REDIRECT = 137, MLD2_REPORT = 143 };

    if (flow->version == 0)
        return flow->type == ETH_TYPE_ARP || flow->type == ETH_TYPE_EAPOL ||
               eth_is_reserved(f->data);
    if (flow->l4 == 0)
        return false;
    if (flow->proto == IP_PROTO_UDP)
        return flow->dport == DHCP4_SERVER || flow->dport == DHCP4_CLIENT ||
               flow->dport == DHCP6_CLIENT || flow->dport == DHCP6_SERVER;
    if (flow->proto != IP_PROTO_ICMP6 || flow->l4 >= f->len)
        return false;
    uint8_t type = f->data[flow->l4];
    return (type >= MLD_QUERY && type <= ND_REDIRECT) || type == MLD2_REPORT;
}

/* The six bits of the ToS byte that name a class; the two of ECN do not make a frame urgent. CS1
 * and LE (RFC 8622) ask for less than the usual. */
static bool
is_urgent(const struct frame *f, const struct flow *flow)
{
    enum { DSCP_LE = 1, DSCP_CS1 = 8 };

    if (flow->version == 0)
        return false;
    unsigned head = wire_get16(f->data + flow->l3);
    unsigned dscp = (flow->version == 4 ? head & 0xff : head >> 4 & 0xff) >> 2;
    return dscp != 0 && dscp != DSCP_LE && dscp != DSCP_CS1;
}

static enum band
band_of(const struct shaper *s, const struct frame *f)
{
    struct flow flow;
    if (flow_of_frame(f, &flow) != DROP_NONE)
        return BAND_BULK;
    if (is_control(f, &flow))
        return BAND_CONTROL;
    return s->qos && is_urgent(f, &flow) ? BAND_URGENT : BAND_BULK;
}

/* ---- in ---- */

bool
shaper_pass(struct shaper *s, const struct batch *b, int64_t now_us)
{
    if (shaper_held(s) > 0)
        return false;
    refill(s, now_us);
    size_t bytes = 0;
    for (unsigned i = 0; i < b->n; i++)
        bytes += cost_of(b->frame[i]);
    int64_t cost_u = (int64_t)bytes * BITS * MILLION;
    if (cost_u > s->tokens_u)
        return false;
    s->tokens_u -= cost_u;
    return true;
}

/* What the next pull takes out need not find room. */
static size_t
room_in(const struct shaper *s, enum band band)
{
    size_t most = band == BAND_CONTROL ? MIN(s->limit, (size_t)CONTROL_MAX) : s->limit;
    if (s->tokens_u > 0)
        most += (size_t)(s->tokens_u / BITS / MILLION);
    return most > s->band[band].bytes ? most - s->band[band].bytes : 0;
}

static void
enqueue(struct shaper *s, enum band band, struct frame *f, int64_t now_us, unsigned *dropped)
{
    enum drop why = DROP_QUEUE_FULL;
    if (room_in(s, band) >= f->len)
        why = frame_queue_push(&s->band[band], f, now_us);
    else
        frame_free(f);
    if (why != DROP_NONE)
        dropped[why]++;
}

/* A super-frame as the frames it stands for, as many of them as there is room for. */
static void
enqueue_cut(struct shaper *s, enum band band, struct frame *f, struct frame_pool *pool,
            int64_t now_us, unsigned *dropped)
{
    struct segment_iter it;
    enum drop why = segment_begin(&it, f);
    if (why != DROP_NONE) {
        dropped[why]++;
        frame_free(f);
        return;
    }
    bool done = false;
    while (!done && room_in(s, band) >= segment_longest(&it)) {
        struct batch cut = {.n = 0};
        done = segment_to_batch(&it, pool, &cut, &dropped[DROP_NO_BUFFER]);
        for (unsigned i = 0; i < cut.n; i++)
            enqueue(s, band, cut.frame[i], now_us, dropped);
    }
    if (!done)
        dropped[DROP_QUEUE_FULL] += it.n - it.i;
    frame_free(f);
}

void
shaper_push(struct shaper *s, struct batch *b, struct frame_pool *pool, int64_t now_us,
            unsigned dropped[DROP_N_REASONS])
{
    refill(s, now_us);
    for (unsigned i = 0; i < b->n; i++) {
        struct frame *f = b->frame[i];
        enum band band = band_of(s, f);
        if (frame_is_super(f) && time_of(s, f->len) > SHAPER_WHOLE_US)
            enqueue_cut(s, band, f, pool, now_us, dropped);
        else
            enqueue(s, band, f, now_us, dropped);
    }
    b->n = 0;
}

/* ---- out ---- */

static struct frame_queue *
choose(struct shaper *s)
{
    struct frame_queue *bulk = &s->band[BAND_BULK];
    if (bulk->n == 0)
        s->owed = 0;
    else if (s->owed >= FULL_FRAME)
        return bulk;
    for (unsigned i = 0; i < N_BANDS; i++)
        if (s->band[i].n > 0)
            return &s->band[i];
    return NULL;
}

static void
settle(struct shaper *s, const struct frame_queue *from, size_t cost)
{
    s->tokens_u -= (int64_t)cost * BITS * MILLION;
    if (from != &s->band[BAND_BULK])
        s->owed += (int64_t)cost / (SHAPER_BULK_SHARE - 1);
    else
        s->owed = MAX(0, s->owed - (int64_t)cost);
}

void
shaper_pull(struct shaper *s, struct batch *out, int64_t now_us, unsigned dropped[DROP_N_REASONS])
{
    refill(s, now_us);
    while (!batch_is_full(out) && s->tokens_u > 0) {
        struct frame_queue *from = choose(s);
        if (!from) {
            s->tokens_u = MIN(s->tokens_u, s->most_u);
            return;
        }
        struct frame *f = frame_queue_pop(from, now_us, &dropped[DROP_AQM]);
        if (!f)
            continue;
        settle(s, from, cost_of(f));
        batch_add(out, f);
    }
}

int64_t
shaper_due_us(const struct shaper *s)
{
    if (shaper_held(s) == 0)
        return INT64_MAX;
    if (s->tokens_u > 0)
        return s->last_us;
    return s->last_us + -s->tokens_u / (int64_t)s->rate + 1;
}

bool
shaper_drain(struct shaper *s, struct batch *out)
{
    struct frame_queue *from;
    while ((from = choose(s))) {
        if (batch_is_full(out))
            return true;
        batch_add(out, frame_queue_pop_plain(from));
    }
    return false;
}
