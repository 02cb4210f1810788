/* SPDX-License-Identifier: Apache-2.0 */
/* logs_tap.c - see logs_tap.h. */

#include "apps/server/logs_tap.h"

#include "core/base/batch.h"
#include "core/base/clock.h"
#include "core/hub/hub_port.h"
#include "core/hub/look.h"

#include <stdatomic.h>

struct tap_log {
    struct log *log;
    atomic_uint refs;
};

struct tap {
    struct tap_config config; /* holds references */
};

struct tap_log *
tap_log_new(struct log *log)
{
    struct tap_log *t = g_new0(struct tap_log, 1);

    t->log = log;
    atomic_init(&t->refs, 1);
    return t;
}

struct tap_log *
tap_log_ref(struct tap_log *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void
tap_log_unref(struct tap_log *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    logger_close(t->log);
    g_free(t);
}

struct log *
tap_log_of(const struct tap_log *t)
{
    return t->log;
}

/* ---- on the data path ---- */

static void
log_packets(const struct tap_config *c, const char *from, const struct hub_sight *sights,
            unsigned n, int64_t wall_ms)
{
    for (unsigned i = 0; i < n; i++) {
        const struct hub_sight *s = &sights[i];
        const struct packet p = {.bytes = s->frame->data,
                                 .len = s->frame->len,
                                 .flow = s->look->broken == DROP_NONE ? &s->look->flow : NULL,
                                 .from = from,
                                 .to = s->to ? hub_port_name(s->to) : NULL};
        packet_log_write(c->log->log, &c->levels, &p, wall_ms);
    }
}

static void
capture_packets(struct capture *capture, const char *from, const struct hub_sight *sights,
                unsigned n, int64_t wall_us)
{
    struct reader packet[BATCH_MAX];
    unsigned wanted = 0;

    for (unsigned i = 0; i < n; i++) {
        const struct hub_sight *s = &sights[i];
        if (capture_wants(capture, from, s->to ? hub_port_name(s->to) : NULL))
            packet[wanted++] = reader_of(s->frame->data, s->frame->len);
    }
    if (wanted > 0)
        capture_add(capture, packet, wanted, wall_us);
}

static void
on_seen(void *owner, const struct hub_port *in, const struct hub_sight *sights, unsigned n,
        int64_t now_us)
{
    const struct tap *t = owner;
    const char *from = hub_port_name(in);
    int64_t wall_ms = clock_wall_ms();

    (void)now_us;
    if (t->config.log)
        log_packets(&t->config, from, sights, n, wall_ms);
    for (unsigned i = 0; i < t->config.n_captures; i++)
        capture_packets(t->config.capture[i], from, sights, n, g_get_real_time());
}

static void
on_gone(void *owner)
{
    struct tap *t = owner;

    tap_log_unref(t->config.log);
    for (unsigned i = 0; i < t->config.n_captures; i++)
        capture_unref(t->config.capture[i]);
    g_free(t);
}

void
tap_install(struct hub *hub, const struct tap_config *config)
{
    if (!config->log && config->n_captures == 0) {
        hub_set_tap(hub, NULL);
        return;
    }
    struct tap *t = g_new0(struct tap, 1);
    t->config = *config;
    if (t->config.log)
        (void)tap_log_ref(t->config.log);
    for (unsigned i = 0; i < t->config.n_captures; i++)
        (void)capture_ref(t->config.capture[i]);
    const struct hub_tap tap = {.seen = on_seen, .gone = on_gone, .owner = t};
    hub_set_tap(hub, &tap);
}
