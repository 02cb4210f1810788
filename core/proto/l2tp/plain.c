/* SPDX-License-Identifier: Apache-2.0 */
/* plain.c - see plain.h.
 *
 * Each worker has a socket of the port; the system spreads peers over them by their addresses, so
 * that a peer stays where it came. The first message of a tunnel makes a carrier. When there are
 * too many strangers, the oldest one of the worker makes room: who wants to keep others out must be
 * faster than a login.
 */

#include "core/proto/l2tp/plain.h"

#include "core/base/error.h"
#include "core/proto/admission.h"
#include "core/proto/l2tp/wire.h"
#include "core/proto/udp_port.h"

#include <string.h>

enum {
    UDP_IP4 = 20 + 8,
    UDP_IP6 = 40 + 8,
    ETHERNET_MTU = 1500,
};

struct plain_door;

struct plain_carrier {
    struct carrier c;
    struct plain_door *door;
    struct plain_carrier *prev, *next; /* strangers, oldest first */
    struct udp_source source;
    bool is_stranger;
};

/* The port on one worker; touched by it alone. */
struct plain_door {
    struct l2tp_plain *plain;
    struct worker *worker;
    struct udp_port *port;
    GHashTable *carriers; /* of themselves, by both ends; owned */
    struct plain_carrier *oldest, *newest;
    struct plain_carrier *rx_for; /* whose datagrams are in rx */
    struct batch rx;
};

struct l2tp_plain {
    struct worker_set *workers;
    const struct carrier_service *service;
    struct admission *strangers;
    bool open;
    unsigned n_doors;
    struct plain_door door[];
};

/* ---- by both ends ---- */

static unsigned
hash_ip(unsigned h, const struct ip *ip)
{
    for (unsigned i = 0; i < sizeof(ip->b); i++)
        h = (h ^ ip->b[i]) * 16777619u;
    return h;
}

static unsigned
carrier_hash(gconstpointer key)
{
    const struct plain_carrier *p = key;

    return hash_ip(hash_ip(2166136261u ^ p->c.remote.port, &p->c.remote.ip), &p->c.local.ip);
}

static gboolean
carrier_same(gconstpointer a, gconstpointer b)
{
    const struct plain_carrier *p = a;
    const struct plain_carrier *q = b;

    return p->c.remote.port == q->c.remote.port && p->c.remote.scope == q->c.remote.scope &&
           ip_equal(&p->c.remote.ip, &q->c.remote.ip) && ip_equal(&p->c.local.ip, &q->c.local.ip);
}

/* ---- strangers ---- */

static void
no_stranger(struct plain_carrier *p)
{
    struct plain_door *d = p->door;

    if (!p->is_stranger)
        return;
    p->is_stranger = false;
    admission_leave(d->plain->strangers, &p->c.remote.ip);
    if (p->prev)
        p->prev->next = p->next;
    else
        d->oldest = p->next;
    if (p->next)
        p->next->prev = p->prev;
    else
        d->newest = p->prev;
}

static void
carrier_free(struct plain_carrier *p)
{
    no_stranger(p);
    g_hash_table_remove(p->door->carriers, p);
    if (p->door->rx_for == p) {
        batch_free_frames(&p->door->rx);
        p->door->rx_for = NULL;
    }
    g_free(p);
}

/* The service hears of it. */
static void
carrier_end(struct plain_carrier *p, int reason, int64_t now_us)
{
    if (p->c.link)
        p->c.service->closed(p->c.link, reason, now_us);
    carrier_free(p);
}

/* ---- the service's calls ---- */

static void
on_send(struct carrier *c, struct batch *b, int64_t now_us)
{
    struct plain_carrier *p = container_of(c, struct plain_carrier, c);
    struct udp_tx tx;

    (void)now_us;
    udp_tx_begin(&tx, p->door->port, &p->source);
    for (unsigned i = 0; i < b->n; i++) {
        struct frame *f = b->frame[i];
        uint8_t *at = udp_tx_room(&tx, f->len);
        if (at) {
            memcpy(at, f->data, f->len);
            udp_tx_add(&tx, f->len);
        }
        frame_free(f);
    }
    b->n = 0;
    udp_tx_flush(&tx);
}

static void
on_send_control(struct carrier *c, struct reader payload, int64_t now_us)
{
    const struct plain_carrier *p = container_of(c, struct plain_carrier, c);

    (void)now_us;
    udp_port_send(p->door->port, &p->source, payload.at, payload.left);
}

static void
on_close(struct carrier *c, int reason, int64_t now_us)
{
    (void)reason;
    (void)now_us;
    carrier_free(container_of(c, struct plain_carrier, c));
}

static const struct carrier_ops carrier_ops = {
    .send = on_send, .send_control = on_send_control, .close = on_close};

void
l2tp_plain_known(struct carrier *c)
{
    if (c->ops == &carrier_ops)
        no_stranger(container_of(c, struct plain_carrier, c));
}

/* ---- datagrams ---- */

static void
on_flush(void *owner, int64_t now_us)
{
    struct plain_door *d = owner;
    struct plain_carrier *p = g_steal_pointer(&d->rx_for);

    if (p)
        p->c.service->receive(p->c.link, &d->rx, now_us);
}

static bool
admit(struct plain_door *d, const struct ip *ip, int64_t now_us)
{
    struct admission *strangers = d->plain->strangers;

    if (g_hash_table_size(d->carriers) >= L2TP_PLAIN_CARRIERS)
        return false;
    if (admission_is_full(strangers) && d->oldest)
        carrier_end(d->oldest, PE_TOO_MANY_CONNECTIONS, now_us);
    return admission_enter(strangers, ip);
}

static struct plain_carrier *
carrier_new(struct plain_door *d, const struct plain_carrier *key, const struct udp_source *from,
            int64_t now_us)
{
    if (!admit(d, &key->c.remote.ip, now_us))
        return NULL;
    struct plain_carrier *p = g_new0(struct plain_carrier, 1);
    unsigned over = key->c.remote.ip.family == 6 ? UDP_IP6 : UDP_IP4;
    p->door = d;
    p->source = *from;
    p->c = (struct carrier){.ops = &carrier_ops,
                            .service = d->plain->service,
                            .worker = d->worker,
                            .remote = key->c.remote,
                            .local = key->c.local,
                            .protocol = CARRIER_UDP,
                            .remote_port = key->c.remote.port,
                            .mtu = ETHERNET_MTU - over};
    p->is_stranger = true;
    p->prev = d->newest;
    if (p->prev)
        p->prev->next = p;
    else
        d->oldest = p;
    d->newest = p;
    g_hash_table_add(d->carriers, p);
    p->c.link = p->c.service->opened(p->c.service->state, &p->c, now_us);
    if (p->c.link)
        return p;
    carrier_free(p);
    return NULL;
}

static void
on_datagram(void *owner, const struct udp_source *from, uint8_t *bytes, size_t len, int64_t now_us)
{
    struct plain_door *d = owner;
    struct plain_carrier key = {.is_stranger = false};

    if (!udp_source_remote(from, &key.c.remote))
        return;
    udp_source_local(from, &key.c.local);
    struct plain_carrier *p = g_hash_table_lookup(d->carriers, &key);
    if (p != d->rx_for || batch_is_full(&d->rx))
        on_flush(d, now_us);
    if (!p && l2tp_is_first(reader_of(bytes, len)))
        p = carrier_new(d, &key, from, now_us);
    struct frame *f = p ? frame_new(worker_pool(d->worker), len) : NULL;
    uint8_t *at = f ? frame_put(f, len) : NULL;
    if (!at)
        return;
    memcpy(at, bytes, len);
    batch_add(&d->rx, f);
    d->rx_for = p;
}

static const struct udp_port_ops port_ops = {.datagram = on_datagram, .flush = on_flush};

/* ---- life ---- */

static void
watch(void *door)
{
    const struct plain_door *d = door;

    udp_port_watch(d->port);
}

bool
l2tp_plain_open(struct l2tp_plain *p, uint16_t port, GError **error)
{
    struct udp_port *ports[WORKER_MAX];
    void *owner[WORKER_MAX];

    if (p->open)
        return true;
    for (unsigned i = 0; i < p->n_doors; i++)
        owner[i] = &p->door[i];
    if (!udp_port_open_all(p->workers, port, &port_ops, owner, ports, error))
        return false;
    for (unsigned i = 0; i < p->n_doors; i++) {
        p->door[i].port = ports[i];
        worker_call_sync(p->door[i].worker, watch, &p->door[i]);
    }
    p->open = true;
    return true;
}

bool
l2tp_plain_is_open(const struct l2tp_plain *p)
{
    return p->open;
}

static void
close_door(void *door)
{
    struct plain_door *d = door;
    int64_t now_us = worker_now_us(d->worker);
    GHashTableIter all;
    gpointer p = NULL;

    for (g_hash_table_iter_init(&all, d->carriers); g_hash_table_iter_next(&all, &p, NULL);
         g_hash_table_iter_init(&all, d->carriers))
        carrier_end(p, PE_DISCONNECTED, now_us);
    udp_port_close(g_steal_pointer(&d->port));
}

void
l2tp_plain_close(struct l2tp_plain *p)
{
    for (unsigned i = 0; p->open && i < p->n_doors; i++)
        worker_call_sync(p->door[i].worker, close_door, &p->door[i]);
    p->open = false;
}

struct l2tp_plain *
l2tp_plain_new(struct worker_set *workers, const struct carrier_service *service,
               unsigned strangers)
{
    unsigned n = worker_set_n(workers);
    struct l2tp_plain *p = g_malloc0(sizeof(*p) + n * sizeof(p->door[0]));

    p->workers = workers;
    p->service = service;
    p->strangers = admission_new(strangers, L2TP_PLAIN_STRANGERS_ADDRESS);
    p->n_doors = n;
    for (unsigned i = 0; i < n; i++) {
        p->door[i].plain = p;
        p->door[i].worker = worker_set_get(workers, i);
        p->door[i].carriers = g_hash_table_new(carrier_hash, carrier_same);
    }
    return p;
}

void
l2tp_plain_free(struct l2tp_plain *p)
{
    if (!p)
        return;
    l2tp_plain_close(p);
    for (unsigned i = 0; i < p->n_doors; i++)
        g_hash_table_unref(p->door[i].carriers);
    admission_free(p->strangers);
    g_free(p);
}
