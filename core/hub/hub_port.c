/* SPDX-License-Identifier: Apache-2.0 */
/* hub_port.c - how a port comes and goes, what leaves by it, and what it counts.
 *
 * References: the attacher's, the list's (hub_priv.h), one for each batch on its way through a
 * ring, and those of sessions that want to read counters after the end.
 */

#include "core/base/error.h"
#include "core/hub/hub_priv.h"
#include "core/net/eth.h"
#include "core/net/segment.h"

#include <string.h>

/* ---- counting ---- */

static inline void
read_counters(const struct hub_counters *c, struct hub_traffic *out)
{
    out->unicast_frames = atomic_load_explicit(&c->unicast_frames, memory_order_relaxed);
    out->unicast_bytes = atomic_load_explicit(&c->unicast_bytes, memory_order_relaxed);
    out->broadcast_frames = atomic_load_explicit(&c->broadcast_frames, memory_order_relaxed);
    out->broadcast_bytes = atomic_load_explicit(&c->broadcast_bytes, memory_order_relaxed);
}

void
hub_tally(struct hub_traffic *t, const struct frame *f, unsigned frames)
{
    if (f->data[0] & 1) {
        t->broadcast_frames += frames;
        t->broadcast_bytes += f->len;
    } else {
        t->unicast_frames += frames;
        t->unicast_bytes += f->len;
    }
}

void
hub_count_traffic(struct hub_counters *to, const struct hub_traffic *t)
{
    if (t->unicast_frames > 0) {
        hub_count(&to->unicast_frames, t->unicast_frames);
        hub_count(&to->unicast_bytes, t->unicast_bytes);
    }
    if (t->broadcast_frames > 0) {
        hub_count(&to->broadcast_frames, t->broadcast_frames);
        hub_count(&to->broadcast_bytes, t->broadcast_bytes);
    }
}

void
hub_port_count_drop(struct hub_port *port, enum drop why, unsigned n)
{
    if (port->attached)
        hub_count(&port->dropped[why], n);
    else
        hub_count_ended_drop(port->hub, why, n);
}

void
hub_port_drop(struct hub_port *port, struct frame *f, enum drop why)
{
    hub_port_count_drop(port, why, 1);
    frame_free(f);
}

void
hub_port_get_stats(const struct hub_port *port, struct hub_port_stats *out)
{
    *out = (struct hub_port_stats){.macs = fdb_port_macs(port->hub->fdb, port->id)};
    read_counters(&port->in, &out->in);
    read_counters(&port->out, &out->out);
    for (unsigned i = 0; i < DROP_N_REASONS; i++)
        out->dropped[i] = atomic_load_explicit(&port->dropped[i], memory_order_relaxed);
    out->dropped[DROP_RING_FULL] += atomic_load_explicit(&port->tube.dropped, memory_order_relaxed);
}

/* ---- what leaves ---- */

enum drop
hub_shape_of(const struct frame *f, struct hub_shape *out)
{
    *out = (struct hub_shape){.frames = 1, .longest = f->len};
    if (frame_is_super(f)) {
        struct segment_iter it;
        enum drop why = segment_begin(&it, f);
        if (why != DROP_NONE)
            return why;
        out->frames = segment_count(&it);
        out->longest = segment_longest(&it);
    }
    struct reader r = reader_of(f->data, f->len);
    (void)reader_take(&r, 2 * sizeof(struct mac));
    for (unsigned i = 0; i < ETH_TAGS_MAX && eth_type_is_tag(reader_u16(&r)); i++) {
        (void)reader_take(&r, 2);
        out->longest -= ETH_TAG;
    }
    return DROP_NONE;
}

/* Takes out what is too long for the port; counts the rest. */
static void
check_and_count(struct hub_port *port, struct batch *b)
{
    struct hub_traffic sum = {0};
    unsigned kept = 0;
    for (unsigned i = 0; i < b->n; i++) {
        struct frame *f = b->frame[i];
        struct hub_shape shape = {.frames = 1};
        if (frame_is_super(f) || f->len > port->max_frame) {
            enum drop why = hub_shape_of(f, &shape);
            if (why == DROP_NONE && shape.longest > port->max_frame)
                why = DROP_MTU;
            if (why != DROP_NONE) {
                hub_port_drop(port, f, why);
                continue;
            }
        }
        hub_tally(&sum, f, shape.frames);
        b->frame[kept++] = f;
    }
    b->n = kept;
    hub_count_traffic(&port->out, &sum);
}

void
hub_port_go_out(struct hub_port *port, struct batch *b, int64_t now_us)
{
    check_and_count(port, b);
    if (b->n == 0)
        return;
    atomic_store_explicit(&port->last_s, hub_second(now_us), memory_order_relaxed);
    port->ops->deliver(port, b, now_us);
}

static void
port_receive(struct tube *t, struct batch *b, int64_t now_us)
{
    struct hub_port *port = container_of(t, struct hub_port, tube);
    if (!port->attached) {
        hub_count_ended_drop(port->hub, DROP_PORT_DOWN, b->n);
        batch_free_frames(b);
        return;
    }
    if (port->judges_out)
        hub_law_out(port, b);
    if (!port->limit_out || !hub_limiter_takes(port->limit_out, b, now_us))
        hub_port_go_out(port, b, now_us);
    if (port->gate)
        hub_law_tell(port, now_us);
}

static void
port_tube_ref(struct tube *t)
{
    (void)hub_port_ref(container_of(t, struct hub_port, tube));
}

static void
port_tube_unref(struct tube *t)
{
    hub_port_unref(container_of(t, struct hub_port, tube));
}

static const struct tube_ops port_tube_ops = {
    .receive = port_receive,
    .ref = port_tube_ref,
    .unref = port_tube_unref,
};

/* ---- life ---- */

struct hub_port *
hub_port_ref(struct hub_port *port)
{
    atomic_fetch_add_explicit(&port->refs, 1, memory_order_relaxed);
    return port;
}

static void
port_free(struct hub_port *port)
{
    hub_access_leave(port->hub, port->who);
    hub_law_done(port);
    hub_unref(port->hub);
    g_free(port->name);
    g_free(port);
}

void
hub_port_unref(struct hub_port *port)
{
    if (atomic_fetch_sub_explicit(&port->refs, 1, memory_order_acq_rel) != 1)
        return;
    uint64_t late = atomic_load_explicit(&port->tube.dropped, memory_order_relaxed);
    if (late > 0) /* since hub_detach() */
        hub_count_ended_drop(port->hub, DROP_RING_FULL, late);
    port_free(port);
}

static unsigned
mac_limit(const struct hub_port_config *config)
{
    bool is_session = config->kind == HUB_PORT_SESSION;
    unsigned limit = is_session ? HUB_SESSION_MACS : HUB_MAX_FDB;
    if (config->policy.NoBridge)
        limit = HUB_HOST_MACS;
    if (config->policy.MaxMac > 0)
        limit = MIN(limit, config->policy.MaxMac);
    return MAX(limit, HUB_MIN_MACS);
}

/* The lowest free slot; list->n_slots if all are taken. */
static unsigned
free_slot(const struct hub_ports *list)
{
    unsigned i = 0;
    while (i < list->n_slots && list->slot[i].port)
        i++;
    return i;
}

static struct hub_slot
slot_of(struct hub_port *port)
{
    if (!port)
        return (struct hub_slot){.port = NULL};
    return (struct hub_slot){
        .port = port,
        .worker = (uint8_t)worker_index(port->tube.home),
        .monitor = port->monitor,
        .isolated = port->isolated,
    };
}

/* A copy of the list in which a slot holds something else; NULL makes it free. */
static struct hub_ports *
list_with(const struct hub_ports *old, unsigned slot, struct hub_port *port)
{
    unsigned n_slots = MAX(old->n_slots, slot + 1);
    if (!port && slot + 1 == n_slots) /* free slots at the end are cut off */
        for (n_slots = slot; n_slots > 0 && !old->slot[n_slots - 1].port;)
            n_slots--;
    struct hub_ports *list = g_malloc0(sizeof(*list) + n_slots * sizeof(list->slot[0]));
    list->n_slots = n_slots;
    for (unsigned i = 0; i < n_slots; i++) {
        struct hub_slot *to = &list->slot[i];
        *to = i == slot ? slot_of(port) : old->slot[i];
        if (!to->port)
            continue;
        list->n++;
        if (to->monitor)
            list->n_monitors++;
        else
            list->workers |= 1ull << to->worker;
    }
    return list;
}

/* Returns the list that it replaced, to be retired without the lock; NULL and error. */
static struct hub_ports *
enter_list(struct hub *hub, struct hub_port *port, unsigned max_macs, GError **error)
{
    struct hub_ports *old = NULL;
    g_mutex_lock(&hub->ports_lock);
    struct hub_ports *list = atomic_load_explicit(&hub->ports, memory_order_relaxed);
    unsigned slot = free_slot(list);
    if (!hub_is_online(hub)) {
        g_set_error(error, PE_ERROR, PE_HUB_STOPPING, "hub '%s' is offline", hub->name);
    } else if (slot >= HUB_MAX_PORTS) {
        g_set_error(error, PE_ERROR, PE_HUB_FULL, "hub '%s' has %d ports, and cannot have more",
                    hub->name, HUB_MAX_PORTS);
    } else {
        port->id = fdb_port_add(hub->fdb, slot, max_macs);
        old = list;
        atomic_store_explicit(&hub->ports, list_with(list, slot, port), memory_order_release);
    }
    g_mutex_unlock(&hub->ports_lock);
    return old;
}

struct hub_port *
hub_attach(struct hub *hub, const struct hub_port_config *config, const struct hub_port_ops *ops,
           void *owner, GError **error)
{
    struct worker *home = worker_current();
    g_assert(home);
    if (config->kind == HUB_PORT_SESSION && !config->policy.Access) {
        g_set_error(error, PE_ERROR, PE_ACCESS_DENIED,
                    "the security policy does not let '%s' into hub '%s'", config->name, hub->name);
        return NULL;
    }
    int64_t now_us = worker_now_us(home);
    struct hub_port *port = g_new0(struct hub_port, 1);
    port->tube = (struct tube){.ops = &port_tube_ops, .home = home};
    port->ops = ops;
    port->owner = owner;
    port->max_frame = config->max_frame > 0 ? config->max_frame : HUB_DEFAULT_FRAME;
    port->isolated = config->policy.PrivacyFilter;
    port->monitor = config->monitor;
    port->storm_limit = !config->policy.NoBroadcastLimiter;
    port->attached = true;
    port->kind = config->kind;
    rate_init(&port->learn, HUB_LEARN_PPS, HUB_LEARN_BURST, now_us);
    atomic_init(&port->refs, 2); /* the caller's and the list's */
    port->name = g_strdup(config->name);
    port->hub = hub_ref(hub);
    port->who = hub_access_enter(hub, config);
    port->client = config->client;

    struct hub_ports *old = enter_list(hub, port, mac_limit(config), error);
    if (!old) {
        port_free(port);
        return NULL;
    }
    quiesce_retire(worker_set_quiesce(hub->workers), g_free, old);
    hub_law_attach(port, config);
    hub_port_set_speed(port, config->policy.MaxUpload, config->policy.MaxDownload,
                       !config->policy.NoQoS);
    return port;
}

void
hub_port_set_speed(struct hub_port *port, uint64_t in_bits, uint64_t out_bits, bool qos)
{
    g_assert(port->tube.home == worker_current() && port->attached);
    hub_limiter_set(&port->limit_in, port, hub_port_go_in, in_bits, qos);
    hub_limiter_set(&port->limit_out, port, hub_port_go_out, out_bits, qos);
}

static void
port_unlisted(void *data)
{
    hub_port_unref(data);
}

static void
fold(struct hub_traffic *into, const struct hub_traffic *t)
{
    into->unicast_frames += t->unicast_frames;
    into->unicast_bytes += t->unicast_bytes;
    into->broadcast_frames += t->broadcast_frames;
    into->broadcast_bytes += t->broadcast_bytes;
}

void
hub_port_fold(const struct hub_port *port, struct hub_stats *into, uint32_t *last_s)
{
    struct hub_port_stats s;
    hub_port_get_stats(port, &s);
    fold(&into->in, &s.in);
    fold(&into->out, &s.out);
    for (unsigned i = 0; i < DROP_N_REASONS; i++)
        into->dropped[i] += s.dropped[i];
    uint32_t port_last_s = atomic_load_explicit(&port->last_s, memory_order_relaxed);
    *last_s = MAX(*last_s, port_last_s);
}

void
hub_detach(struct hub_port *port)
{
    struct hub *hub = port->hub;
    g_assert(port->tube.home == worker_current() && port->attached);
    hub_impair_free(port);
    hub_limiter_free(port->limit_in);
    hub_limiter_free(port->limit_out);
    port->limit_in = port->limit_out = NULL;

    g_mutex_lock(&hub->ports_lock);
    struct hub_ports *old = atomic_load_explicit(&hub->ports, memory_order_relaxed);
    struct hub_ports *list = list_with(old, fdb_port_index(port->id), NULL);
    atomic_store_explicit(&hub->ports, list, memory_order_release);
    fdb_port_remove(hub->fdb, port->id);
    hub_count(&port->dropped[DROP_RING_FULL], atomic_exchange(&port->tube.dropped, 0));
    hub_port_fold(port, &hub->ended, &hub->ended_last_s);
    port->attached = false;
    g_mutex_unlock(&hub->ports_lock);
    hub_law_detach(port);

    struct quiesce *q = worker_set_quiesce(hub->workers);
    quiesce_retire(q, g_free, old);
    quiesce_retire(q, port_unlisted, port);
    hub_port_unref(port);
}

void *
hub_port_owner(const struct hub_port *port)
{
    return port->owner;
}

struct hub *
hub_port_hub(const struct hub_port *port)
{
    return port->hub;
}

const char *
hub_port_name(const struct hub_port *port)
{
    return port->name;
}

struct worker *
hub_port_worker(const struct hub_port *port)
{
    return port->tube.home;
}
