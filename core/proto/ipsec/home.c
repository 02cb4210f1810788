/* SPDX-License-Identifier: Apache-2.0 */
/* home.c - see home.h. */

#include "core/proto/ipsec/home.h"

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/net/wire.h"
#include "core/proto/ipsec/first.h"
#include "core/proto/ipsec/ike.h"
#include "core/proto/ipsec/peer.h"

#include <string.h>

enum {
    AT_RESPONDER = IKE1_COOKIE,
    AT_VERSION = 17,
    HEADER = 28, /* of IKE, either version */
    KEEPALIVE = 0xff,
};

G_STATIC_ASSERT(sizeof(struct udp_source) <= FRAME_HEADROOM);

/* ---- names that tell the home ---- */

uint32_t
ipsec_home_new_spi(struct ipsec_home *h)
{
    uint32_t spi = 0;

    do
        spi = (ipsec_home_index(h) + 1) << 24 | (random_u32() & 0xffffff);
    while (g_hash_table_contains(h->children, GUINT_TO_POINTER(spi)));
    return spi;
}

void
ipsec_home_new_cookie(struct ipsec_home *h, uint8_t cookie[IKE1_COOKIE])
{
    random_bytes(cookie, IKE1_COOKIE);
    cookie[0] = (uint8_t)(ipsec_home_index(h) + 1);
}

static unsigned
cookie_hash(gconstpointer key)
{
    uint32_t h;

    memcpy(&h, (const uint8_t *)key + 4, sizeof(h)); /* ours, and random */
    return h;
}

static gboolean
cookie_same(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, IKE1_COOKIE) == 0;
}

/* ---- datagrams ---- */

static void
flush_moved(struct ipsec_home *h, int64_t now_us)
{
    if (h->moved.n > 0)
        tube_send(&h->moved_to->tube, &h->moved, now_us);
}

/* To the worker where it belongs. */
static void
pass_on(struct ipsec_home *h, struct ipsec_home *to, const struct udp_source *from,
        const uint8_t *bytes, size_t len, int64_t now_us)
{
    struct frame *f = rate_take(&h->foreign, 1, now_us) && len + sizeof(*from) <= FRAME_LARGE
                          ? frame_new(worker_pool(h->worker), len + sizeof(*from))
                          : NULL;

    if (!f)
        return;
    memcpy(frame_put(f, sizeof(*from)), from, sizeof(*from));
    memcpy(frame_put(f, len), bytes, len);
    if (h->moved_to != to || batch_is_full(&h->moved))
        flush_moved(h, now_us);
    h->moved_to = to;
    batch_add(&h->moved, f);
}

/* The home of a number as cookies and SPIs begin with; NULL: there is none. */
static struct ipsec_home *
home_of(const struct ipsec_home *h, uint8_t number)
{
    return number > 0 && number <= h->server->n_homes ? h->server->home[number - 1] : NULL;
}

/* Where a message of IKE belongs; NULL: nowhere. */
static struct ipsec_home *
home_of_message(struct ipsec_home *h, const struct udp_source *from, const uint8_t *message)
{
    static const uint8_t none[IKE1_COOKIE];
    struct endpoint remote;

    if (memcmp(message + AT_RESPONDER, none, sizeof(none)) != 0)
        return home_of(h, message[AT_RESPONDER]);
    if (h->server->n_homes == 1 || !udp_source_remote(from, &remote))
        return h;
    struct ipsec_home *to = ipsec_server_home_at(h->server, &remote);
    return to ? to : h;
}

static void
on_message(struct ipsec_home *h, const struct udp_source *from, const uint8_t *bytes, size_t len,
           size_t marker, int64_t now_us)
{
    const uint8_t *message = bytes + marker;
    const uint8_t *cookie = message + AT_RESPONDER;

    if (len < marker + HEADER || len > marker + IPSEC_MESSAGE_MAX)
        return;
    struct reader r = reader_of(message, len - marker);
    if (message[AT_VERSION] >> 4 != 1) {
        atomic_fetch_add_explicit(&h->server->counts.other_version, 1, memory_order_relaxed);
        return;
    }
    struct ipsec_home *to = home_of_message(h, from, message);
    if (to && to != h)
        pass_on(h, to, from, bytes, len, now_us);
    if (to != h)
        return;
    if (cookie[0] == 0) {
        ipsec_first_message(h->first, from, r, now_us);
        return;
    }
    ipsec_home_flush_rx(h, now_us); /* what came before a message is done before it */
    struct ipsec_ike *k = ipsec_ike_find(h, cookie);
    if (k)
        ipsec_ike_receive(k, from, r, now_us);
    else
        ipsec_first_next(h->first, from, r, now_us);
}

static void
on_esp(struct ipsec_home *h, const struct udp_source *from, uint8_t *bytes, size_t len,
       int64_t now_us)
{
    struct ipsec_home *to = len >= ESP_HEADER ? home_of(h, bytes[0]) : NULL;

    if (to == h)
        ipsec_child_datagram(h, from, bytes, len, now_us);
    else if (to)
        pass_on(h, to, from, bytes, len, now_us);
}

static void
on_datagram(void *owner, const struct udp_source *from, uint8_t *bytes, size_t len, int64_t now_us)
{
    struct ipsec_home *h = owner;

    if (from->port == h->server->config.ike_port)
        on_message(h, from, bytes, len, 0, now_us);
    else if (from->port == 0 || (len >= IPSEC_MARKER && wire_get32(bytes) != 0))
        on_esp(h, from, bytes, len, now_us);
    else if (len >= IPSEC_MARKER)
        on_message(h, from, bytes, len, IPSEC_MARKER, now_us);
    /* Else it is a NAT keepalive (one byte KEEPALIVE), or nothing. */
}

static void
on_fragments_timer(struct timer *t, int64_t now_us)
{
    struct ipsec_home *h = container_of(t, struct ipsec_home, fragments_timer);

    ip_reassembly_expire(h->fragments, now_us);
    ipsec_home_watch_fragments(h);
}

void
ipsec_home_watch_fragments(struct ipsec_home *h)
{
    int64_t due_us = ip_reassembly_deadline(h->fragments);

    if (due_us != INT64_MAX)
        timer_arm(worker_timers(h->worker), &h->fragments_timer, due_us);
}

void
ipsec_home_flush_rx(struct ipsec_home *h, int64_t now_us)
{
    struct ipsec_carrier *c = g_steal_pointer(&h->rx_carrier);

    if (h->rx.n == 0)
        return;
    if (!c || c->closed)
        batch_free_frames(&h->rx);
    else
        c->c.service->receive(c->c.link, &h->rx, now_us);
}

static void
on_flush(void *owner, int64_t now_us)
{
    struct ipsec_home *h = owner;

    ipsec_home_flush_rx(h, now_us);
    flush_moved(h, now_us);
}

const struct udp_port_ops ipsec_port_ops = {.datagram = on_datagram, .flush = on_flush};

static void
tube_receive(struct tube *t, struct batch *b, int64_t now_us)
{
    struct ipsec_home *h = container_of(t, struct ipsec_home, tube);
    struct udp_source from;

    for (unsigned i = 0; i < b->n && !h->closed; i++) {
        struct frame *f = b->frame[i];
        const uint8_t *source = frame_pull(f, sizeof(from));
        if (!source)
            continue;
        memcpy(&from, source, sizeof(from));
        on_datagram(h, &from, f->data, f->len, now_us);
    }
    batch_free_frames(b);
    if (!h->closed)
        on_flush(h, now_us);
}

static void
tube_ref(struct tube *t)
{
    (void)ipsec_home_ref(container_of(t, struct ipsec_home, tube));
}

static void
tube_unref(struct tube *t)
{
    ipsec_home_unref(container_of(t, struct ipsec_home, tube));
}

static const struct tube_ops home_tube_ops = {
    .receive = tube_receive, .ref = tube_ref, .unref = tube_unref};

void
ipsec_home_send(struct ipsec_home *h, const struct udp_source *to, struct reader message)
{
    bool nat = to->port == h->server->config.nat_port;
    struct udp_port *port = nat ? h->ports.nat : h->ports.ike;

    if (!port || message.left > IPSEC_MESSAGE_MAX)
        return;
    if (!nat) {
        udp_port_send(port, to, message.at, message.left);
        return;
    }
    uint8_t bytes[IPSEC_MARKER + IPSEC_MESSAGE_MAX] = {0};
    memcpy(bytes + IPSEC_MARKER, message.at, message.left);
    udp_port_send(port, to, bytes, IPSEC_MARKER + message.left);
}

/* ---- turns ---- */

static void
on_chores(struct worker_deferred *d, int64_t now_us)
{
    struct ipsec_home *h = container_of(d, struct ipsec_home, deferred);

    while (h->chores) {
        struct ipsec_peer *p = h->chores;
        h->chores = p->next_chore;
        p->has_chore = false;
        ipsec_peer_chores(p, now_us);
    }
}

void
ipsec_home_chore(struct ipsec_home *h, struct ipsec_peer *p)
{
    if (p->has_chore)
        return;
    p->has_chore = true;
    p->next_chore = h->chores;
    h->chores = p;
    worker_defer(h->worker, &h->deferred);
}

/* ---- ports ---- */

static void
add_port(struct udp_port **place, struct udp_port *p)
{
    if (!p)
        return;
    *place = p;
    udp_port_watch(p);
}

void
ipsec_home_add_ports(struct ipsec_home *h, const struct ipsec_ports *ports)
{
    add_port(&h->ports.ike, ports->ike);
    add_port(&h->ports.nat, ports->nat);
    add_port(&h->ports.raw4, ports->raw4);
    add_port(&h->ports.raw6, ports->raw6);
}

void
ipsec_home_close_raw(struct ipsec_home *h)
{
    udp_port_close(h->ports.raw4);
    udp_port_close(h->ports.raw6);
    h->ports.raw4 = h->ports.raw6 = NULL;
}

void
ipsec_home_close_ports(struct ipsec_home *h)
{
    ipsec_home_close_raw(h);
    udp_port_close(h->ports.ike);
    udp_port_close(h->ports.nat);
    h->ports.ike = h->ports.nat = NULL;
}

/* ---- life ---- */

struct ipsec_home *
ipsec_home_new(struct ipsec_server *s, unsigned index)
{
    struct ipsec_home *h = g_new0(struct ipsec_home, 1);

    h->worker = worker_set_get(s->config.workers, index);
    h->tube = (struct tube){.ops = &home_tube_ops, .home = h->worker};
    atomic_init(&h->refs, 1);
    h->server = s;
    h->rules = ipsec_rules_ref(s->rules);
    h->ikes = g_hash_table_new(cookie_hash, cookie_same);
    h->children = g_hash_table_new(g_direct_hash, g_direct_equal);
    h->peers_at = g_hash_table_new(ipsec_endpoint_hash, ipsec_endpoint_same);
    h->first = ipsec_first_new(h);
    rate_init(&h->foreign, IPSEC_FOREIGN_PPS, IPSEC_FOREIGN_PPS, 0);
    timer_init(&h->fragments_timer, on_fragments_timer);
    h->deferred.fn = on_chores;
    return h;
}

struct ipsec_home *
ipsec_home_ref(struct ipsec_home *h)
{
    atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
    return h;
}

void
ipsec_home_unref(struct ipsec_home *h)
{
    if (atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) != 1)
        return;
    ipsec_rules_unref(h->rules);
    ipsec_first_free(h->first);
    g_hash_table_unref(h->ikes);
    g_hash_table_unref(h->children);
    g_hash_table_unref(h->peers_at);
    g_free(h);
}

void
ipsec_home_set_rules(struct ipsec_home *h, struct ipsec_rules *rules)
{
    ipsec_rules_unref(h->rules);
    h->rules = rules;
}

void
ipsec_home_end_all(struct ipsec_home *h)
{
    int64_t now_us = worker_now_us(h->worker);

    for (struct ipsec_peer *p = h->peers; p; p = p->next)
        if (!p->ended)
            ipsec_peer_end(p, PE_DISCONNECTED, now_us);
    while (h->oldest)
        ipsec_ike_free(h->oldest); // NOLINT(clang-analyzer-unix.Malloc): it leaves the list
    on_chores(&h->deferred, now_us);
}

void
ipsec_home_close(struct ipsec_home *h)
{
    ipsec_home_end_all(h);
    ipsec_home_close_ports(h);
    ipsec_first_stop(h->first);
    timer_cancel(worker_timers(h->worker), &h->fragments_timer);
    ip_reassembly_free(h->fragments);
    h->fragments = NULL;
    batch_free_frames(&h->rx);
    batch_free_frames(&h->moved);
    worker_defer_cancel(h->worker, &h->deferred);
    h->closed = true;
}
