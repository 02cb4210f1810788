/* SPDX-License-Identifier: Apache-2.0 */
/* first.c - see first.h.
 *
 * Our cookie has the slot's number in bytes 1 to 3, and what was random in the rest; a slot is
 * believed only when all of both cookies and the source are the same. The same first message again
 * is found by a table that may forget (two that hash alike share an entry): then it costs another
 * slot.
 */

#include "core/proto/ipsec/first.h"

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/proto/ikev1/isakmp.h"
#include "core/proto/ipsec/ike.h"

#include <string.h>

enum {
    AT_EXCHANGE = 18,
    BUCKETS = 4096,
    INDEX = 2 * IPSEC_FIRST_SLOTS,
    ANSWERS = 10, /* to one first message */
    SWEEP_S = 10,
};

struct slot {
    uint8_t cookies[2 * IKE1_COOKIE];
    struct udp_source from;
    uint16_t len;
    uint8_t answers;
    bool used;        /* a machine was made of it */
    uint8_t *message; /* owned; NULL: the slot is free */
    int64_t at_us;
};

struct ipsec_first {
    struct ipsec_home *home;
    struct slot *slot; /* IPSEC_FIRST_SLOTS */
    uint16_t *index;   /* hash of a first message -> its slot + 1 */
    unsigned next, oldest, n;
    uint32_t seed;
    struct rate all, aggressive;
    struct rate *bucket; /* by address */
    struct timer sweep;
};

/* ---- limits ---- */

static uint32_t
mix(uint32_t h, const void *bytes, size_t len)
{
    const uint8_t *b = bytes;

    for (size_t i = 0; i < len; i++)
        h = (h ^ b[i]) * 16777619u;
    return h ^ h >> 15;
}

static bool
may_come(struct ipsec_first *f, const struct udp_source *from, bool aggressive, int64_t now_us)
{
    struct endpoint remote;

    if (!udp_source_remote(from, &remote))
        return false;
    struct ip key = ip_limit_key(&remote.ip);
    struct rate *b = &f->bucket[mix(f->seed, key.b, sizeof(key.b)) % BUCKETS];
    if (b->per_s == 0)
        rate_init(b, IPSEC_FIRST_ADDRESS_PPS, IPSEC_FIRST_ADDRESS_BURST, now_us);
    bool ok = rate_take(b, 1, now_us) && rate_take(&f->all, 1, now_us) &&
              (!aggressive || rate_take(&f->aggressive, 1, now_us));
    if (!ok)
        atomic_fetch_add_explicit(&f->home->server->counts.refused, 1, memory_order_relaxed);
    return ok;
}

/* ---- slots ---- */

static void
release(struct ipsec_first *f, struct slot *s)
{
    if (!s->message)
        return;
    g_free(s->message);
    s->message = NULL;
    f->n--;
}

static uint16_t *
place_of(struct ipsec_first *f, const struct udp_source *from, const uint8_t *message)
{
    uint32_t h = mix(mix(f->seed, message, IKE1_COOKIE), from->peer, sizeof(from->peer));

    return &f->index[h % INDEX];
}

static bool
is_of(const struct slot *s, const struct udp_source *from, const uint8_t *message)
{
    return s->message && memcmp(s->cookies, message, IKE1_COOKIE) == 0 &&
           memcmp(s->from.peer, from->peer, sizeof(from->peer)) == 0 && s->from.port == from->port;
}

static struct slot *
find_again(struct ipsec_first *f, const struct udp_source *from, const uint8_t *message)
{
    uint16_t n = *place_of(f, from, message);
    struct slot *s = n > 0 ? &f->slot[n - 1] : NULL;

    return s && is_of(s, from, message) ? s : NULL;
}

static void
new_cookie(struct ipsec_first *f, unsigned n, uint8_t cookie[IKE1_COOKIE])
{
    ipsec_home_new_cookie(f->home, cookie);
    cookie[1] = (uint8_t)(n >> 16);
    cookie[2] = (uint8_t)(n >> 8);
    cookie[3] = (uint8_t)n;
}

static void
remember(struct ipsec_first *f, const struct udp_source *from, const uint8_t cookie[IKE1_COOKIE],
         struct reader message, int64_t now_us)
{
    unsigned n = f->next;
    struct slot *s = &f->slot[n];

    release(f, s);
    f->next = (n + 1) % IPSEC_FIRST_SLOTS;
    memcpy(s->cookies, message.at, IKE1_COOKIE);
    memcpy(s->cookies + IKE1_COOKIE, cookie, IKE1_COOKIE);
    s->from = *from;
    s->len = (uint16_t)message.left;
    s->answers = 1;
    s->used = false;
    s->message = g_memdup2(message.at, message.left);
    s->at_us = now_us;
    *place_of(f, from, message.at) = (uint16_t)(n + 1);
    f->n++;
    if (!timer_is_armed(&f->sweep))
        timer_arm(worker_timers(f->home->worker), &f->sweep, now_us + SWEEP_S * G_USEC_PER_SEC);
}

static void
on_sweep(struct timer *t, int64_t now_us)
{
    struct ipsec_first *f = container_of(t, struct ipsec_first, sweep);

    for (unsigned i = 0; i < IPSEC_FIRST_SLOTS && f->n > 0; i++)
        if (f->slot[i].message && now_us - f->slot[i].at_us > IPSEC_FIRST_S * G_USEC_PER_SEC)
            release(f, &f->slot[i]);
    if (f->n > 0)
        timer_arm(worker_timers(f->home->worker), t, now_us + SWEEP_S * G_USEC_PER_SEC);
}

/* ---- messages ---- */

static void
main_mode(struct ipsec_first *f, const struct udp_source *from, struct reader message,
          int64_t now_us)
{
    uint8_t cookie[IKE1_COOKIE];
    struct slot *again = find_again(f, from, message.at);

    if (again && (again->used || again->answers >= ANSWERS))
        return;
    if (again) {
        again->answers++;
        (void)ipsec_ike_probe(f->home, from, again->cookies + IKE1_COOKIE, message, now_us);
        return;
    }
    new_cookie(f, f->next, cookie);
    if (message.left <= IPSEC_FIRST_MAX && ipsec_ike_probe(f->home, from, cookie, message, now_us))
        remember(f, from, cookie, message, now_us);
}

void
ipsec_first_message(struct ipsec_first *f, const struct udp_source *from, struct reader message,
                    int64_t now_us)
{
    const struct ipsec_rules *rules = f->home->rules;
    uint8_t exchange = message.at[AT_EXCHANGE];
    bool aggressive = exchange == ISAKMP_AGGRESSIVE;

    if (!rules->settings->enabled || (exchange != ISAKMP_MAIN && !aggressive) ||
        (aggressive && !rules->aggressive) || !may_come(f, from, aggressive, now_us))
        return;
    if (!aggressive) {
        main_mode(f, from, message, now_us);
        return;
    }
    uint8_t cookie[IKE1_COOKIE];
    ipsec_home_new_cookie(f->home, cookie);
    if (!find_again(f, from, message.at) && message.left <= IPSEC_FIRST_MAX &&
        ipsec_ike_new(f->home, from, cookie, message, false, now_us)) {
        unsigned n = f->next;
        remember(f, from, cookie, message, now_us); /* so that the same one again is known */
        f->slot[n].used = true;
    }
}

void
ipsec_first_next(struct ipsec_first *f, const struct udp_source *from, struct reader message,
                 int64_t now_us)
{
    const uint8_t *cookie = message.at + IKE1_COOKIE;
    unsigned n = (unsigned)cookie[1] << 16 | (unsigned)cookie[2] << 8 | cookie[3];
    struct slot *s = n < IPSEC_FIRST_SLOTS ? &f->slot[n] : NULL;

    if (!s || !is_of(s, from, message.at) || s->used ||
        memcmp(s->cookies + IKE1_COOKIE, cookie, IKE1_COOKIE) != 0)
        return;
    s->used = true;
    struct ipsec_ike *k =
        ipsec_ike_new(f->home, from, cookie, reader_of(s->message, s->len), true, now_us);
    if (k)
        ipsec_ike_receive(k, from, message, now_us);
    else
        s->used = false;
}

/* ---- life ---- */

struct ipsec_first *
ipsec_first_new(struct ipsec_home *h)
{
    struct ipsec_first *f = g_new0(struct ipsec_first, 1);
    unsigned homes = h->server->n_homes;

    f->home = h;
    f->slot = g_new0(struct slot, IPSEC_FIRST_SLOTS);
    f->index = g_new0(uint16_t, INDEX);
    f->bucket = g_new0(struct rate, BUCKETS);
    f->seed = random_u32();
    rate_init(&f->all, IPSEC_FIRST_PPS / homes, IPSEC_FIRST_PPS / homes, clock_now_us());
    rate_init(&f->aggressive, IPSEC_FIRST_AGGRESSIVE_PPS, IPSEC_FIRST_AGGRESSIVE_PPS,
              clock_now_us());
    timer_init(&f->sweep, on_sweep);
    return f;
}

void
ipsec_first_stop(struct ipsec_first *f)
{
    timer_cancel(worker_timers(f->home->worker), &f->sweep);
}

void
ipsec_first_free(struct ipsec_first *f)
{
    for (unsigned i = 0; i < IPSEC_FIRST_SLOTS; i++)
        g_free(f->slot[i].message);
    g_free(f->slot);
    g_free(f->index);
    g_free(f->bucket);
    g_free(f);
}

unsigned
ipsec_first_n(const struct ipsec_first *f)
{
    return f->n;
}
