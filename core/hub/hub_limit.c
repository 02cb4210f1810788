/* SPDX-License-Identifier: Apache-2.0 */
/* hub_limit.c - the speed of a port: a shaper each way, and the timer that lets its frames go.
 *
 * A port without a limit has none of this. Below the limit a batch passes as it is; what waits is
 * let go by one timer, a batch at a time.
 */

#include "core/hub/hub_priv.h"
#include "core/hub/shape/shaper.h"

struct hub_limiter {
    struct shaper *shaper;
    struct timer timer;
    struct hub_port *port;
    hub_port_go *go; /* where frames go on */
    bool releasing;  /* go() is on the stack */
};

static void
count_drops(struct hub_port *port, const unsigned dropped[DROP_N_REASONS])
{
    unsigned over = 0;
    for (unsigned i = 0; i < DROP_N_REASONS; i++) {
        if (i == DROP_QUEUE_FULL || i == DROP_AQM)
            over += dropped[i];
        else if (dropped[i] > 0)
            hub_port_count_drop(port, i, dropped[i]);
    }
    if (over > 0)
        hub_port_count_drop(port, DROP_LIMIT, over);
}

/* All that may go now, and the timer for the rest. */
static void
release(struct hub_limiter *l, int64_t now_us)
{
    unsigned dropped[DROP_N_REASONS] = {0};
    struct batch out;
    l->releasing = true;
    do {
        out.n = 0;
        shaper_pull(l->shaper, &out, now_us, dropped);
        if (out.n > 0)
            l->go(l->port, &out, now_us);
    } while (shaper_due_us(l->shaper) <= now_us);
    l->releasing = false;
    count_drops(l->port, dropped);
    if (shaper_held(l->shaper) > 0)
        timer_arm(worker_timers(l->port->tube.home), &l->timer, shaper_due_us(l->shaper));
}

static void
on_timer(struct timer *t, int64_t now_us)
{
    release(container_of(t, struct hub_limiter, timer), now_us);
}

bool
hub_limiter_takes(struct hub_limiter *l, struct batch *b, int64_t now_us)
{
    if (!l->releasing && shaper_pass(l->shaper, b, now_us))
        return false;
    unsigned dropped[DROP_N_REASONS] = {0};
    shaper_push(l->shaper, b, worker_pool(l->port->tube.home), now_us, dropped);
    count_drops(l->port, dropped);
    if (!l->releasing && !timer_is_armed(&l->timer))
        release(l, now_us);
    return true;
}

static struct hub_limiter *
limiter_new(struct hub_port *port, hub_port_go *go, uint64_t bits_per_s, bool qos, int64_t now_us)
{
    struct hub_limiter *l = g_new0(struct hub_limiter, 1);
    l->port = port;
    l->go = go;
    l->shaper = shaper_new(bits_per_s, qos, now_us);
    timer_init(&l->timer, on_timer);
    return l;
}

/* What waits goes on. */
static void
lift(struct hub_limiter *l, int64_t now_us)
{
    bool more = true;
    while (more) {
        struct batch out = {.n = 0};
        more = shaper_drain(l->shaper, &out);
        if (out.n > 0)
            l->go(l->port, &out, now_us);
    }
}

void
hub_limiter_free(struct hub_limiter *l)
{
    if (!l)
        return;
    unsigned held = shaper_held(l->shaper);
    if (held > 0)
        hub_port_count_drop(l->port, DROP_PORT_DOWN, held);
    timer_cancel(worker_timers(l->port->tube.home), &l->timer);
    shaper_free(l->shaper);
    g_free(l);
}

void
hub_limiter_set(struct hub_limiter **at, struct hub_port *port, hub_port_go *go,
                uint64_t bits_per_s, bool qos)
{
    struct hub_limiter *l = *at;
    int64_t now_us = worker_now_us(port->tube.home);
    g_assert(!l || !l->releasing);
    if (!l && bits_per_s > 0) {
        *at = limiter_new(port, go, bits_per_s, qos, now_us);
    } else if (l && bits_per_s > 0) {
        shaper_set(l->shaper, bits_per_s, qos, now_us);
        release(l, now_us);
    } else if (l) {
        *at = NULL; /* what comes meanwhile passes */
        lift(l, now_us);
        hub_limiter_free(l);
    }
}
