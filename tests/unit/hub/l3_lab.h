/* SPDX-License-Identifier: Apache-2.0 */
/* l3_lab.h - a hub with a segment behind one port, where a DHCP server and hosts live, and IP
 * clients at l3ports; for the tests of core/hub/l3. Real workers, real time. */
#pragma once

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/hub/hubs.h"
#include "core/hub/l3/l3port.h"
#include "core/net/arp.h"
#include "core/net/checksum.h"
#include "core/net/eth.h"
#include "core/net/flow.h"
#include "core/net/icmp.h"
#include "core/net/ip4.h"
#include "core/net/tcp.h"
#include "core/net/udp.h"
#include "core/net/wire.h"
#include "tests/unit/net/packet.h"

#include <glib.h>

#define LAN(n)     (0x0a090000u + (n)) /* 10.9.0.n */
#define LAN_SERVER LAN(1)
#define NOBODY     LAN(200) /* answers no ARP */

enum { LAB_CLIENTS = 4, LAB_WAIT_MS = 20000 };

/* What came somewhere: bytes and marks. */
struct got {
    uint8_t *bytes;
    size_t len;
    uint8_t gso_type, flags;
    uint16_t csum_start, gso_size;
};

struct heap {
    GMutex lock;
    GPtrArray *all; /* struct got */
};

struct segment_port {
    struct hub_port *port;
    struct worker *w;
    struct heap got;
    bool serves, refuses, silent; /* DHCP: answers; answers NAK; answers no ARP */
    bool has_routes;
    uint32_t t1_s;
    uint16_t mtu;     /* 0: not told */
    uint32_t claimed; /* an address that some host has */
    atomic_uint discovers, requests, renewals, releases, probes, announcements;
    void (*on_frame)(struct segment_port *s, const struct frame *f, int64_t now_us); /* or NULL */
};

struct client {
    struct lab *lab;
    struct worker *w;
    struct l3port *port;
    struct session_config session;
    struct l3port_config config;
    GError *error;
    struct heap got;
    struct l3port_address last;
    atomic_uint n_configured;
    atomic_bool has4, has6;
    bool end_in_configured;
    int stopped;
};

struct lab {
    struct worker_set *set;
    struct hubs *hubs;
    struct hub *hub;
    struct segment_port lan;
    struct client c[LAB_CLIENTS];
};

static inline void
heap_init(struct heap *h)
{
    g_mutex_init(&h->lock);
    h->all = g_ptr_array_new();
}

static inline void
heap_clear(struct heap *h)
{
    g_mutex_lock(&h->lock);
    for (unsigned i = 0; i < h->all->len; i++) {
        struct got *g = g_ptr_array_index(h->all, i);
        g_free(g->bytes);
        g_free(g);
    }
    g_ptr_array_set_size(h->all, 0);
    g_mutex_unlock(&h->lock);
}

static inline void
heap_done(struct heap *h)
{
    if (!h->all)
        return;
    heap_clear(h);
    g_ptr_array_unref(h->all);
    g_mutex_clear(&h->lock);
}

static inline void
heap_add(struct heap *h, const struct frame *f)
{
    struct got *g = g_new(struct got, 1);
    *g = (struct got){
        g_memdup2(f->data, f->len), f->len, f->gso_type, f->flags, f->csum_start, f->gso_size};
    g_mutex_lock(&h->lock);
    g_ptr_array_add(h->all, g);
    g_mutex_unlock(&h->lock);
}

static inline unsigned
heap_n(struct heap *h)
{
    g_mutex_lock(&h->lock);
    unsigned n = h->all->len;
    g_mutex_unlock(&h->lock);
    return n;
}

/* Valid until the heap is cleared. */
static inline struct got *
heap_at(struct heap *h, unsigned i)
{
    g_mutex_lock(&h->lock);
    g_assert_cmpuint(i, <, h->all->len);
    struct got *g = g_ptr_array_index(h->all, i);
    g_mutex_unlock(&h->lock);
    return g;
}

static inline void
lab_nothing(void *data)
{
    (void)data;
}

static inline void
lab_settle(struct lab *lab)
{
    for (unsigned round = 0; round < 8; round++)
        for (unsigned i = 0; i < worker_set_n(lab->set); i++)
            worker_call_sync(worker_set_get(lab->set, i), lab_nothing, NULL);
}

/* ---- the segment ---- */

static inline struct mac
lan_mac(uint32_t ip)
{
    return (struct mac){{2, 0, 0, 0, (uint8_t)(ip >> 8), (uint8_t)ip}};
}

static inline struct frame *
lab_frame(struct worker *w, const void *bytes, size_t len)
{
    struct frame *f = frame_new(worker_pool(w), len);
    g_assert_nonnull(f);
    uint8_t *at = frame_put(f, len);
    if (!at)
        g_error("a frame without room");
    memcpy(at, bytes, len);
    return f;
}

static inline void
lan_send(struct segment_port *s, const void *bytes, size_t len)
{
    struct batch b = {.n = 1, .frame = {lab_frame(s->w, bytes, len)}};
    hub_port_receive(s->port, &b, worker_now_us(s->w));
}

/* A UDP packet without Ethernet. */
static inline size_t
lab_udp(uint8_t *out, uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport,
        struct reader body)
{
    struct ip4 ip = {.ttl = 64,
                     .proto = IP_PROTO_UDP,
                     .total_len = (uint16_t)(28 + body.left),
                     .src = src,
                     .dst = dst};
    struct udp udp = {
        .sport = sport, .dport = dport, .len = (uint16_t)(8 + body.left), .body = body};
    struct writer w = writer_of(out, 28 + body.left);
    ip4_write(&w, &ip);
    udp_write(&w, &udp, csum_pseudo4(out + 12, out + 16, IP_PROTO_UDP, udp.len));
    g_assert_true(writer_ok(&w));
    return w.len;
}

static inline void
lan_send_ip(struct segment_port *s, const struct mac *dst, const struct mac *src, uint16_t type,
            struct reader ip)
{
    g_autofree uint8_t *bytes = g_malloc(14 + ip.left);
    struct writer w = writer_of(bytes, 14 + ip.left);
    eth_write(&w, dst, src, type);
    writer_bytes(&w, ip.at, ip.left);
    g_assert_true(writer_ok(&w));
    lan_send(s, bytes, w.len);
}

static inline void
lan_arp(struct segment_port *s, uint16_t op, uint32_t sender, uint32_t target,
        const struct mac *from, const struct mac *to)
{
    uint8_t bytes[60] = {0};
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct arp arp = {
        .op = op, .sender_mac = *from, .sender = sender, .target_mac = *to, .target = target};
    eth_write(&w, to, from, ETH_TYPE_ARP);
    arp_write(&w, &arp);
    lan_send(s, bytes, sizeof(bytes));
}

static inline void
dhcp_answer(struct segment_port *s, const struct dhcp4_message *m, enum dhcp4_type type)
{
    uint8_t bytes[600];
    uint8_t ip[700];
    struct writer w = writer_of(bytes, sizeof(bytes));
    uint32_t mine = LAN(100 + m->chaddr.b[5] % 64u);
    struct mac server = lan_mac(LAN_SERVER);
    struct dhcp4_message a = {.reply = true,
                              .xid = m->xid,
                              .type = type,
                              .yiaddr = type == DHCP4_NAK ? 0 : mine,
                              .chaddr = m->chaddr};
    struct dhcp4_route routes[] = {{.dst = 0, .len = 0, .via = LAN(2)},
                                   {.dst = 0x0a0a0000, .len = 16, .via = LAN(3)}};
    dhcp4_write_header(&w, &a);
    dhcp4_write_option_u32(&w, DHCP4_OPT_SERVER, LAN_SERVER);
    if (type != DHCP4_NAK) {
        dhcp4_write_option_u32(&w, DHCP4_OPT_MASK, 0xffffff00);
        dhcp4_write_option_u32(&w, DHCP4_OPT_ROUTER, LAN_SERVER);
        dhcp4_write_option_u32(&w, DHCP4_OPT_DNS, LAN(53));
        dhcp4_write_option_u32(&w, DHCP4_OPT_LEASE, 3600);
        dhcp4_write_option(&w, DHCP4_OPT_DOMAIN, "lab.test", 8);
        if (s->t1_s > 0)
            dhcp4_write_option_u32(&w, DHCP4_OPT_T1, s->t1_s);
        if (s->mtu > 0)
            dhcp4_write_option(&w, DHCP4_OPT_MTU,
                               (const uint8_t[]){(uint8_t)(s->mtu >> 8), (uint8_t)s->mtu}, 2);
        if (s->has_routes)
            dhcp4_write_routes(&w, routes, 2);
    }
    dhcp4_write_end(&w);
    size_t n = lab_udp(ip, LAN_SERVER, type == DHCP4_NAK ? UINT32_MAX : mine, 67, 68,
                       reader_of(bytes, w.len));
    lan_send_ip(s, &m->chaddr, &server, ETH_TYPE_IP4, reader_of(ip, n));
}

static inline void
lan_dhcp(struct segment_port *s, const struct dhcp4_message *m)
{
    s->discovers += m->type == DHCP4_DISCOVER;
    s->requests += m->type == DHCP4_REQUEST;
    s->renewals += m->type == DHCP4_REQUEST && m->ciaddr != 0;
    s->releases += m->type == DHCP4_RELEASE;
    if (!s->serves)
        return;
    if (m->type == DHCP4_DISCOVER)
        dhcp_answer(s, m, DHCP4_OFFER);
    else if (m->type == DHCP4_REQUEST)
        dhcp_answer(s, m, s->refuses ? DHCP4_NAK : DHCP4_ACK);
}

static inline void
lan_hears_arp(struct segment_port *s, const struct arp *arp)
{
    s->probes += arp_is_probe(arp);
    s->announcements += arp_is_announcement(arp);
    if (arp->op != ARP_REQUEST || s->silent || arp->target == NOBODY || arp_is_announcement(arp))
        return;
    bool probed = arp_is_probe(arp) && arp->target != s->claimed;
    struct mac mac = lan_mac(arp->target);
    if (!probed)
        lan_arp(s, ARP_REPLY, arp->target, arp->sender, &mac, &arp->sender_mac);
}

static inline void
lan_hears(struct segment_port *s, const struct frame *f, int64_t now_us)
{
    struct flow flow;
    struct arp arp;
    struct udp udp;
    struct dhcp4_message m;
    heap_add(&s->got, f);
    if (s->on_frame)
        s->on_frame(s, f, now_us);
    if (frame_is_super(f) || flow_of_frame(f, &flow) != DROP_NONE)
        return;
    if (flow.type == ETH_TYPE_ARP && arp_parse(reader_of(f->data + 14, f->len - 14), &arp) == 0)
        lan_hears_arp(s, &arp);
    if (flow.version == 4 && flow.proto == IP_PROTO_UDP && flow.dport == 67 &&
        udp_parse(reader_of(f->data + flow.l4, flow.end - flow.l4), &udp) == DROP_NONE &&
        dhcp4_parse(udp.body, &m) == DROP_NONE)
        lan_dhcp(s, &m);
}

static inline void
lan_deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    struct segment_port *s = hub_port_owner(port);
    for (unsigned i = 0; i < b->n; i++)
        lan_hears(s, b->frame[i], now_us);
    batch_free_frames(b);
}

static const struct hub_port_ops lan_ops = {.deliver = lan_deliver};

/* ---- clients ---- */

static inline void
client_send_cb(void *owner, struct batch *b, int64_t now_us)
{
    (void)now_us;
    struct client *c = owner;
    for (unsigned i = 0; i < b->n; i++) {
        g_assert_cmpuint(atomic_load(&b->frame[i]->refs), ==, 1);
        heap_add(&c->got, b->frame[i]);
    }
    batch_free_frames(b);
}

static inline void
client_configured_cb(void *owner, const struct l3port_address *a, int64_t now_us)
{
    struct client *c = owner;
    c->last = *a;
    atomic_store(&c->has4, a->has4);
    atomic_store(&c->has6, a->has6);
    atomic_fetch_add(&c->n_configured, 1);
    if (c->end_in_configured) {
        l3port_end(c->port, PE_DISCONNECTED, now_us);
        c->port = NULL;
    }
}

static inline void
client_stop_cb(void *owner, int reason)
{
    struct client *c = owner;
    c->stopped = reason;
    l3port_end(c->port, reason, worker_now_us(c->w));
    c->port = NULL;
}

static const struct l3port_ops client_ops = {
    .send = client_send_cb, .configured = client_configured_cb, .stop = client_stop_cb};

static inline void
client_come_there(void *data)
{
    struct client *c = data;
    c->config.session = &c->session;
    c->port = l3port_new(c->lab->hub, &c->config, &client_ops, c, worker_now_us(c->w), &c->error);
}

static inline void
client_leave_there(void *data)
{
    struct client *c = data;
    if (c->port)
        l3port_end(c->port, PE_DISCONNECTED, worker_now_us(c->w));
    c->port = NULL;
}

/* Sets client i up as a user may be; change c->config before client_come(). */
static inline struct client *
client_of(struct lab *lab, unsigned i)
{
    struct client *c = &lab->c[i];
    c->lab = lab;
    c->w = worker_set_get(lab->set, (i + 1) % worker_set_n(lab->set));
    c->session =
        (struct session_config){.user = "alice", .protocol = "TEST", .policy = policy_default()};
    c->session.policy.NoRouting = c->session.policy.NoRoutingV6 = 1;
    c->config = (struct l3port_config){
        .device = "lab", .hostname = "laptop", .v4 = true, .mtu = 1400, .max_super = 65535};
    if (!c->got.all)
        heap_init(&c->got);
    return c;
}

static inline void
client_come(struct client *c)
{
    worker_call_sync(c->w, client_come_there, c);
    g_assert_no_error(c->error);
    g_assert_nonnull(c->port);
}

static inline void
client_leave(struct client *c)
{
    worker_call_sync(c->w, client_leave_there, c);
    lab_settle(c->lab);
}

#define lab_until(condition)                                               \
    do {                                                                   \
        int64_t lab_end_us = clock_now_us() + LAB_WAIT_MS * (int64_t)1000; \
        while (!(condition)) {                                             \
            g_assert_cmpint(clock_now_us(), <, lab_end_us);                \
            g_usleep(1000);                                                \
        }                                                                  \
    } while (0)

/* With an address of the lab's DHCP server. */
static inline struct client *
client_ready(struct lab *lab, unsigned i)
{
    struct client *c = client_of(lab, i);
    client_come(c);
    lab_until(atomic_load(&c->n_configured) > 0);
    g_assert_true(c->last.has4);
    return c;
}

struct lab_packet {
    struct client *c;
    struct segment_port *s;
    struct frame *(*make)(struct worker *w, void *arg);
    void *arg;
    unsigned n;
};

static inline void
lab_send_there(void *data)
{
    struct lab_packet *l = data;
    struct worker *w = l->c ? l->c->w : l->s->w;
    struct batch b = {.n = 0};
    for (unsigned i = 0; i < l->n; i++)
        batch_add(&b, l->make(w, l->arg));
    if (l->c)
        l3port_receive(l->c->port, &b, worker_now_us(w));
    else
        hub_port_receive(l->s->port, &b, worker_now_us(w));
    g_assert_cmpuint(b.n, ==, 0);
}

static inline struct frame *
make_from_bytes(struct worker *w, void *arg)
{
    const struct reader *r = arg;
    return lab_frame(w, r->at, r->left);
}

/* n equal packets from a client, given as IP. */
static inline void
client_send(struct client *c, const void *bytes, size_t len, unsigned n)
{
    struct reader r = reader_of(bytes, len);
    struct lab_packet l = {.c = c, .make = make_from_bytes, .arg = &r, .n = n};
    worker_call_sync(c->w, lab_send_there, &l);
    lab_settle(c->lab);
}

/* A frame from the segment. */
static inline void
lan_inject(struct lab *lab, const void *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    struct lab_packet l = {.s = &lab->lan, .make = make_from_bytes, .arg = &r, .n = 1};
    worker_call_sync(lab->lan.w, lab_send_there, &l);
    lab_settle(lab);
}

/* An IP packet from the host src to a client (to: an Ethernet address, NULL for the client's). */
static inline void
lan_to_client(struct client *c, uint32_t src, const char *to, const void *ip, size_t len)
{
    g_autofree uint8_t *bytes = g_malloc(14 + len);
    struct mac dst = *l3port_mac(c->port);
    struct mac from = lan_mac(src);
    struct writer w = writer_of(bytes, 14 + len);
    if (to)
        g_assert_true(mac_parse(to, &dst));
    eth_write(&w, &dst, &from, ETH_TYPE_IP4);
    writer_bytes(&w, ip, len);
    lan_inject(c->lab, bytes, w.len);
}

static inline uint64_t
client_dropped(struct client *c, enum drop why)
{
    struct hub_port_stats s;
    session_get_stats(l3port_session(c->port), &s);
    return s.dropped[why];
}

static inline void
client_forget(struct client *c)
{
    lab_settle(c->lab);
    heap_clear(&c->got);
}

static inline void
lan_forget(struct lab *lab)
{
    lab_settle(lab);
    heap_clear(&lab->lan.got);
}

/* The last frame of this type that came to the segment, which is there. */
static inline struct got *
lan_last(struct lab *lab, uint16_t type)
{
    for (unsigned i = heap_n(&lab->lan.got); i > 0; i--) {
        struct got *g = heap_at(&lab->lan.got, i - 1);
        if (wire_get16(g->bytes + 12) == type)
            return g;
    }
    g_assert_not_reached();
}

static inline unsigned
lan_count(struct lab *lab, uint16_t type)
{
    unsigned n = 0;
    for (unsigned i = 0; i < heap_n(&lab->lan.got); i++)
        n += wire_get16(heap_at(&lab->lan.got, i)->bytes + 12) == type;
    return n;
}

/* ---- life ---- */

static inline void
lan_attach_there(void *data)
{
    struct lab *lab = data;
    struct hub_port_config config = {.name = "lan",
                                     .kind = HUB_PORT_BRIDGE,
                                     .policy = policy_default(),
                                     .max_frame = FRAME_LARGE};
    lab->lan.port = hub_attach(lab->hub, &config, &lan_ops, &lab->lan, NULL);
    g_assert_nonnull(lab->lan.port);
}

static inline void
lan_detach_there(void *data)
{
    struct lab *lab = data;
    hub_detach(lab->lan.port);
}

static inline void
lab_set_up(struct lab *lab, const void *data)
{
    GError *error = NULL;
    *lab = (struct lab){.lan = {.serves = true}};
    log_setup(LOG_ERROR, false);
    lab->set = worker_set_new(data ? GPOINTER_TO_UINT(data) : 1, &error);
    g_assert_no_error(error);
    lab->hubs = hubs_new(lab->set);
    static const uint8_t secret[HUB_SECRET_LEN] = {1}; /* the same addresses in each run */
    hubs_set_secret(lab->hubs, secret);
    char name[] = "LAB";
    struct hub_config config = {.name = name, .online = true};
    lab->hub = hubs_create(lab->hubs, &config, &error);
    g_assert_no_error(error);
    lab->lan.w = worker_set_get(lab->set, 0);
    heap_init(&lab->lan.got);
    worker_call_sync(lab->lan.w, lan_attach_there, lab);
}

static inline void
lab_tear_down(struct lab *lab, const void *data)
{
    (void)data;
    for (unsigned i = 0; i < LAB_CLIENTS; i++) {
        if (lab->c[i].port)
            client_leave(&lab->c[i]);
        heap_done(&lab->c[i].got);
        g_clear_error(&lab->c[i].error);
    }
    worker_call_sync(lab->lan.w, lan_detach_there, lab);
    lab_settle(lab);
    hubs_free(lab->hubs);
    worker_set_free(lab->set);
    heap_done(&lab->lan.got);
}
