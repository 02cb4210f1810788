/* SPDX-License-Identifier: Apache-2.0 */
/* home.c - see home.h. */

#include "core/proto/openvpn/home.h"

#include "core/base/error.h"
#include "core/proto/openvpn/peer.h"
#include "core/proto/openvpn/tcp.h"

#include <string.h>

enum { FIRST_SLOTS = 64, GATE_WAIT_US = 1000 };

static const unsigned slot_mask = (1u << OVPN_SLOT_BITS) - 1;

G_STATIC_ASSERT((unsigned)OVPN_PEERS < 1u << OVPN_SLOT_BITS);
G_STATIC_ASSERT(sizeof(struct udp_source) <= FRAME_HEADROOM);

/* ---- tables ---- */

static unsigned
sid_hash(gconstpointer key)
{
    uint32_t h;

    memcpy(&h, key, sizeof(h)); /* random, or somebody wants to be slow within his few sessions */
    return h;
}

static gboolean
sid_same(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, OVPN_SID) == 0;
}

static unsigned
address_hash(gconstpointer key)
{
    const struct ovpn_address *a = key;
    uint32_t h = 2166136261u;

    for (unsigned i = 0; i < sizeof(a->remote.ip.b); i++)
        h = (h ^ a->remote.ip.b[i]) * 16777619u;
    return (h ^ a->remote.port ^ (uint32_t)a->port << 16) * 2654435761u;
}

static bool
address_equal(const struct ovpn_address *a, const struct ovpn_address *b)
{
    return a->port == b->port && a->remote.port == b->remote.port &&
           a->remote.scope == b->remote.scope && ip_equal(&a->remote.ip, &b->remote.ip);
}

static gboolean
address_same(gconstpointer a, gconstpointer b)
{
    return address_equal(a, b);
}

bool
ovpn_address_of(const struct udp_source *from, struct ovpn_address *out)
{
    out->port = from->port;
    return udp_source_remote(from, &out->remote);
}

static bool
find_slot(struct ovpn_home *h, unsigned *ret_slot)
{
    if (h->n_peers >= OVPN_PEERS)
        return false;
    if (h->n_peers == h->n_slots) {
        unsigned n = h->n_slots > 0 ? 2 * h->n_slots : FIRST_SLOTS;
        h->slot = g_renew(struct ovpn_peer *, h->slot, n);
        memset(h->slot + h->n_slots, 0, (n - h->n_slots) * sizeof(h->slot[0]));
        h->next_slot = h->n_slots;
        h->n_slots = n;
    }
    /* Round and round, so that late packets of a peer that left seldom meet another one. */
    while (h->slot[h->next_slot % h->n_slots])
        h->next_slot++;
    *ret_slot = h->next_slot++ % h->n_slots;
    return true;
}

bool
ovpn_home_add(struct ovpn_home *h, struct ovpn_peer *p)
{
    unsigned slot;

    if (!find_slot(h, &slot) || !ovpn_server_claim(h->server, p->client_sid, ovpn_home_index(h)))
        return false;
    p->id = ovpn_home_index(h) << OVPN_SLOT_BITS | slot;
    h->slot[slot] = p;
    h->n_peers++;
    g_hash_table_insert(h->by_sid, p->client_sid, p);
    return true;
}

void
ovpn_home_remove(struct ovpn_home *h, struct ovpn_peer *p)
{
    ovpn_home_leave_address(h, p);
    ovpn_server_unclaim(h->server, p->client_sid);
    g_hash_table_remove(h->by_sid, p->client_sid);
    h->slot[p->id & slot_mask] = NULL;
    h->n_peers--;
    if (h->rx_peer == p) {
        batch_free_frames(&h->rx);
        h->rx_peer = NULL;
    }
    for (struct ovpn_peer **at = &h->waiting; *at; at = &(*at)->next_waiting) {
        if (*at != p)
            continue;
        *at = p->next_waiting;
        if (h->waiting_end == &p->next_waiting)
            h->waiting_end = at;
        break;
    }
    for (struct ovpn_peer **at = &h->ending; *at; at = &(*at)->next_ending) {
        if (*at != p)
            continue;
        *at = p->next_ending;
        break;
    }
}

struct ovpn_peer *
ovpn_home_by_sid(const struct ovpn_home *h, const uint8_t sid[OVPN_SID])
{
    return g_hash_table_lookup(h->by_sid, sid);
}

struct ovpn_peer *
ovpn_home_by_address(const struct ovpn_home *h, const struct ovpn_address *a)
{
    return g_hash_table_lookup(h->by_address, a);
}

struct ovpn_peer *
ovpn_home_enter_address(struct ovpn_home *h, struct ovpn_peer *p)
{
    struct ovpn_peer *former = ovpn_home_by_address(h, &p->address);

    if (former)
        ovpn_home_leave_address(h, former);
    g_hash_table_insert(h->by_address, &p->address, p);
    p->has_address = true;
    return former;
}

void
ovpn_home_leave_address(struct ovpn_home *h, struct ovpn_peer *p)
{
    if (p->has_address)
        g_hash_table_remove(h->by_address, &p->address);
    p->has_address = false;
}

/* ---- strangers ---- */

void
ovpn_home_known(struct ovpn_home *h, struct ovpn_stranger *s)
{
    if (!s->counted)
        return;
    if (s->prev)
        s->prev->next = s->next;
    else
        h->oldest = s->next;
    if (s->next)
        s->next->prev = s->prev;
    else
        h->newest = s->prev;
    s->counted = false;
    admission_leave(h->server->strangers, &s->ip);
}

bool
ovpn_home_admit(struct ovpn_home *h, struct ovpn_stranger *s, const struct ip *ip)
{
    bool room = admission_enter(h->server->strangers, ip);

    if (!room && h->oldest && admission_is_full(h->server->strangers)) {
        h->oldest->evict(h->oldest);
        room = admission_enter(h->server->strangers, ip);
    }
    if (!room) {
        ovpn_server_log_refused(h->server, ip);
        return false;
    }
    s->counted = true;
    s->ip = *ip;
    s->next = NULL;
    s->prev = h->newest;
    if (h->newest)
        h->newest->next = s;
    else
        h->oldest = s;
    h->newest = s;
    return true;
}

/* ---- datagrams ---- */

static void
flush_moved(struct ovpn_home *h, int64_t now_us)
{
    if (h->moved.n > 0)
        tube_send(&h->moved_to->tube, &h->moved, now_us);
}

/* To the worker where its peer lives. */
static void
pass_on(struct ovpn_home *h, struct ovpn_home *to, const struct udp_source *from,
        const uint8_t *bytes, size_t len, int64_t now_us)
{
    struct frame *f = rate_take(&h->foreign, 1, now_us)
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

static void
on_data_v2(struct ovpn_home *h, const struct udp_source *from, const uint8_t *bytes, size_t len,
           int64_t now_us)
{
    struct reader r = reader_of(bytes, len);
    uint32_t id = reader_u32(&r) & OVPN_PEER_ID_NONE;
    unsigned owner = id >> OVPN_SLOT_BITS;

    if (!reader_ok(&r) || owner >= h->server->n_homes)
        return;
    if (owner != ovpn_home_index(h)) {
        pass_on(h, h->server->home[owner], from, bytes, len, now_us);
        return;
    }
    struct ovpn_peer *p = ovpn_home_by_id(h, id);
    if (p)
        ovpn_data_received(p, from, bytes, len, now_us);
}

static void
on_data_v1(struct ovpn_home *h, const struct udp_source *from, const uint8_t *bytes, size_t len,
           int64_t now_us)
{
    struct ovpn_address a;
    struct ovpn_peer *p = ovpn_address_of(from, &a) ? ovpn_home_by_address(h, &a) : NULL;

    if (p)
        ovpn_data_received(p, from, bytes, len, now_us);
}

static void
on_control(struct ovpn_home *h, const struct udp_source *from, uint8_t *bytes, size_t len,
           int64_t now_us)
{
    unsigned op = ovpn_op(bytes[0]);
    bool first = op == OVPN_HARD_RESET_CLIENT_V2 || op == OVPN_HARD_RESET_CLIENT_V3;

    if (len < 1 + OVPN_SID)
        return;
    struct ovpn_peer *p = ovpn_home_by_sid(h, bytes + 1);
    if (p) {
        ovpn_peer_control(p, from, bytes, len, now_us);
        return;
    }
    /* A client whose address has changed may arrive at another worker. */
    struct ovpn_home *to =
        !first && h->server->n_homes > 1 ? ovpn_server_home_of(h->server, bytes + 1) : NULL;
    if (to && to != h)
        pass_on(h, to, from, bytes, len, now_us);
    else
        ovpn_stranger_datagram(h, from, bytes, len, now_us);
}

static void
on_datagram(void *owner, const struct udp_source *from, uint8_t *bytes, size_t len, int64_t now_us)
{
    struct ovpn_home *h = owner;

    if (len == 0 || len > OVPN_PACKET_MAX)
        return;
    switch (ovpn_op(bytes[0])) {
    case OVPN_DATA_V2:
        on_data_v2(h, from, bytes, len, now_us);
        break;
    case OVPN_DATA_V1:
        on_data_v1(h, from, bytes, len, now_us);
        break;
    default:
        on_control(h, from, bytes, len, now_us);
    }
}

void
ovpn_home_flush(struct ovpn_home *h, int64_t now_us)
{
    ovpn_data_flush(h, now_us);
    flush_moved(h, now_us);
}

static void
on_flush(void *owner, int64_t now_us)
{
    ovpn_home_flush(owner, now_us);
}

const struct udp_port_ops ovpn_port_ops = {.datagram = on_datagram, .flush = on_flush};

static void
tube_receive(struct tube *t, struct batch *b, int64_t now_us)
{
    struct ovpn_home *h = container_of(t, struct ovpn_home, tube);
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
        ovpn_home_flush(h, now_us);
}

static void
tube_ref(struct tube *t)
{
    struct ovpn_home *h = container_of(t, struct ovpn_home, tube);

    atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
}

static void
tube_unref(struct tube *t)
{
    ovpn_home_unref(container_of(t, struct ovpn_home, tube));
}

static const struct tube_ops home_tube_ops = {
    .receive = tube_receive, .ref = tube_ref, .unref = tube_unref};

/* ---- turns ---- */

bool
ovpn_home_may_shake(struct ovpn_home *h, struct ovpn_peer *p, int64_t now_us)
{
    if (h->gate.turn_us != now_us)
        h->gate = (struct tls_gate){.turn_us = now_us};
    if (h->gate.used < TLS_HANDSHAKES_A_TURN) {
        h->gate.used++;
        return true;
    }
    if (p->is_waiting)
        return false;
    p->is_waiting = true;
    p->next_waiting = NULL;
    *h->waiting_end = p;
    h->waiting_end = &p->next_waiting;
    if (!timer_is_armed(&h->gate_timer))
        timer_arm(worker_timers(h->worker), &h->gate_timer, now_us + GATE_WAIT_US);
    return false;
}

static void
on_gate(struct timer *t, int64_t now_us)
{
    struct ovpn_home *h = container_of(t, struct ovpn_home, gate_timer);

    for (unsigned i = 0; i < TLS_HANDSHAKES_A_TURN && h->waiting; i++) {
        struct ovpn_peer *p = h->waiting;
        h->waiting = p->next_waiting;
        if (!h->waiting)
            h->waiting_end = &h->waiting;
        p->is_waiting = false;
        ovpn_peer_turn(p, now_us);
    }
    if (h->waiting)
        timer_arm(worker_timers(h->worker), &h->gate_timer, now_us + GATE_WAIT_US);
}

static void
on_bury(struct worker_deferred *d, int64_t now_us)
{
    struct ovpn_home *h = container_of(d, struct ovpn_home, bury);

    while (h->ending) {
        struct ovpn_peer *p = h->ending;
        h->ending = p->next_ending;
        p->is_ending = false;
        if (p->state == OVPN_PEER_ENDING)
            ovpn_peer_free(p);
        else
            ovpn_session_end(p, now_us);
    }
}

void
ovpn_home_bury(struct ovpn_home *h, struct ovpn_peer *p)
{
    if (p->is_ending)
        return;
    p->is_ending = true;
    p->next_ending = h->ending;
    h->ending = p;
    worker_defer(h->worker, &h->bury);
}

/* ---- life ---- */

struct ovpn_home *
ovpn_home_new(struct openvpn_server *s, unsigned index)
{
    struct ovpn_home *h = g_new0(struct ovpn_home, 1);
    unsigned n = s->n_homes;

    h->worker = worker_set_get(s->config.workers, index);
    h->tube = (struct tube){.ops = &home_tube_ops, .home = h->worker};
    atomic_init(&h->refs, 1);
    h->server = s;
    h->rules = ovpn_rules_ref(s->rules);
    h->by_sid = g_hash_table_new(sid_hash, sid_same);
    h->by_address = g_hash_table_new(address_hash, address_same);
    rate_init(&h->initial, MAX(1, OVPN_INITIAL_PPS / n), MAX(1, OVPN_INITIAL_PPS / n), 0);
    rate_init(&h->foreign, OVPN_FOREIGN_PPS, OVPN_FOREIGN_PPS, 0);
    h->waiting_end = &h->waiting;
    timer_init(&h->gate_timer, on_gate);
    h->bury.fn = on_bury;
    return h;
}

void
ovpn_home_unref(struct ovpn_home *h)
{
    if (atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) != 1)
        return;
    ovpn_rules_unref(h->rules);
    g_hash_table_unref(h->by_sid);
    g_hash_table_unref(h->by_address);
    g_free(h->slot);
    g_free(h);
}

void
ovpn_home_set_rules(struct ovpn_home *h, struct ovpn_rules *rules)
{
    ovpn_rules_unref(h->rules);
    h->rules = rules;
}

/* Ends the peers that came by the port, or all. */
static void
end_peers(struct ovpn_home *h, const struct udp_port *port)
{
    for (unsigned i = 0; i < h->n_slots; i++) {
        struct ovpn_peer *p = h->slot[i];
        if (!p || (port && p->port != port))
            continue;
        ovpn_peer_dismiss(p, "RESTART", PE_DISCONNECTED, worker_now_us(h->worker));
        ovpn_peer_free(p);
    }
}

void
ovpn_home_end_all(struct ovpn_home *h)
{
    end_peers(h, NULL);
}

void
ovpn_home_add_port(struct ovpn_home *h, struct udp_port *p)
{
    p->next = h->ports;
    h->ports = p;
    udp_port_watch(p);
}

struct udp_port *
ovpn_home_port(const struct ovpn_home *h, uint16_t port)
{
    struct udp_port *p = h->ports;

    while (p && p->port != port)
        p = p->next;
    return p;
}

static void
close_port(struct ovpn_home *h, struct udp_port *p)
{
    for (struct udp_port **at = &h->ports; *at; at = &(*at)->next) {
        if (*at != p)
            continue;
        *at = p->next;
        break;
    }
    udp_port_close(p);
}

void
ovpn_home_close_port(struct ovpn_home *h, uint16_t port)
{
    struct udp_port *p = ovpn_home_port(h, port);

    if (!p)
        return;
    end_peers(h, p);
    close_port(h, p);
}

void
ovpn_home_close(struct ovpn_home *h)
{
    end_peers(h, NULL);
    while (h->ports)
        close_port(h, h->ports);
    while (h->streams)
        ovpn_stream_free(h->streams); // NOLINT(clang-analyzer-unix.Malloc): it leaves the list
    batch_free_frames(&h->moved);
    timer_cancel(worker_timers(h->worker), &h->gate_timer);
    worker_defer_cancel(h->worker, &h->bury);
    h->closed = true;
}
