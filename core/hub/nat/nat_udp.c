/* SPDX-License-Identifier: Apache-2.0 */
/* nat_udp.c - UDP: one socket for each address and port of a client, whoever it talks to.
 *
 * So the outside sees the same port for all (endpoint-independent mapping, RFC 4787, REQ-1), which
 * games and calls need; and only hosts that the client has sent to may answer (address-dependent
 * filtering, REQ-8). A flow is a client's port and a peer; it ends when it was silent, and the
 * socket with its last flow.
 *
 * Datagrams of a batch that leave by one socket leave by one call. What the kernel has merged to a
 * train crosses the hub as one super-frame.
 */

#include "core/hub/nat/vhost_priv.h"
#include "core/net/checksum.h"
#include "core/net/icmp.h"
#include "core/net/wire.h"

#include <sys/socket.h>

enum { READS_A_TURN = 4, ERRORS_A_TURN = 16 };

struct nat_udp_map {
    struct nat_node node; /* key: version, src and sport */
    struct vhost *v;
    struct worker_fd wfd;
    struct nat_udp_flow *flows;
    unsigned n_pending; /* in vhost.udp_send */
};

struct nat_udp_flow {
    struct nat_flow flow; /* first */
    struct nat_udp_map *map;
    struct nat_udp_flow *prev, *next; /* of the map */
};

/* A host that a socket has sent to. */
struct nat_udp_peer {
    struct nat_node node; /* key: the map's, and dst */
    unsigned n_flows;
};

/* What a batch sends. */
struct vhost_udp_send {
    unsigned n;
    struct nat_udp_map *map[BATCH_MAX];
    struct pf_datagram datagram[BATCH_MAX];
};

static struct nat_udp_flow *
udp_of(struct nat_flow *f)
{
    return container_of(f, struct nat_udp_flow, flow);
}

/* ---- peers: who may answer ---- */

static void
peer_key(const struct nat_udp_map *m, const uint8_t dst[16], struct nat_key *out)
{
    *out = m->node.key;
    memcpy(out->dst, dst, sizeof(out->dst));
}

static struct nat_udp_peer *
find_peer(const struct nat_udp_map *m, const uint8_t dst[16])
{
    struct nat_key key;
    peer_key(m, dst, &key);
    struct nat_node *node = nat_table_find(&m->v->peers, &key);
    return node ? container_of(node, struct nat_udp_peer, node) : NULL;
}

static void
add_peer(struct nat_udp_map *m, const uint8_t dst[16])
{
    struct nat_udp_peer *p = find_peer(m, dst);
    if (!p) {
        p = g_new0(struct nat_udp_peer, 1);
        peer_key(m, dst, &p->node.key);
        nat_table_add(&m->v->peers, &p->node);
    }
    p->n_flows++;
}

static void
drop_peer(struct nat_udp_map *m, const uint8_t dst[16])
{
    struct nat_udp_peer *p = find_peer(m, dst);
    if (--p->n_flows > 0)
        return;
    nat_table_remove(&m->v->peers, &p->node);
    g_free(p);
}

/* ---- life ---- */

static void
map_free(struct nat_udp_map *m)
{
    struct vhost *v = m->v;
    if (m->n_pending > 0)
        nat_udp_flush(v, 0);
    worker_fd_remove(v->worker, &m->wfd);
    pf_close(m->wfd.fd);
    nat_table_remove(&v->maps, &m->node);
    g_free(m);
}

void
nat_udp_flow_end(struct vhost *v, struct nat_flow *f)
{
    struct nat_udp_flow *u = udp_of(f);
    struct nat_udp_map *m = u->map;
    *(u->prev ? &u->prev->next : &m->flows) = u->next;
    if (u->next)
        u->next->prev = u->prev;
    drop_peer(m, f->node.key.dst);
    nat_flow_remove(v, f);
    g_free(u);
    if (!m->flows)
        map_free(m);
}

/* ---- from outside ---- */

static struct nat_flow *
new_flow(struct vhost *v, struct nat_udp_map *m, const struct nat_key *key, struct nat_client *c,
         int64_t now_us)
{
    struct nat_udp_flow *u = g_new0(struct nat_udp_flow, 1);
    u->map = m;
    u->next = m->flows;
    if (u->next)
        u->next->prev = u;
    m->flows = u;
    add_peer(m, key->dst);
    nat_flow_add(v, &u->flow, VHOST_UDP, key, c, now_us);
    return &u->flow;
}

/* The flow that a datagram from outside belongs to. From another port of a host that the client
 * talks to, a flow is made. NULL: nobody has asked for it. */
static struct nat_flow *
flow_from(struct nat_udp_map *m, const struct endpoint *peer, int64_t now_us)
{
    struct vhost *v = m->v;
    struct nat_key key = m->node.key;
    memcpy(key.dst, peer->ip.b, sizeof(key.dst));
    key.dport = peer->port;
    key.proto = IP_PROTO_UDP;
    struct nat_flow *f = nat_flow_find(v, &key);
    if (f)
        return f;
    if (!m->flows || !find_peer(m, key.dst))
        return NULL;
    struct nat_client *c = m->flows->flow.client;
    /* One of its flows must stay while room is made for another. */
    if (v->flows.n >= VHOST_FLOWS_MAX || !nat_flow_may(v, c, VHOST_UDP))
        return NULL;
    return new_flow(v, m, &key, c, now_us);
}

/* A train as one super-frame, in the frame that it was read into. */
static void
send_train(struct vhost *v, struct frame *frame, const struct vhost_route *r,
           const struct nat_key *key, uint16_t segment)
{
    size_t len = UDP_HEADER + frame->len;
    uint8_t *at = frame_push(frame, UDP_HEADER);
    if (!at) {
        frame_free(frame);
        return;
    }
    struct writer w = writer_of(at, UDP_HEADER);
    writer_u16(&w, key->dport);
    writer_u16(&w, key->sport);
    writer_u16(&w, (uint16_t)len);
    writer_u16(&w, csum_fold(vhost_pseudo(r, len)));
    if (len > UINT16_MAX - IP6_HEADER || !vhost_frame_head(v, frame, r, len)) {
        frame_free(frame);
        return;
    }
    frame->flags = FRAME_NEEDS_CSUM;
    frame->csum_start = (uint16_t)(frame->len - len);
    frame->csum_offset = UDP_AT_CHECKSUM;
    frame->gso_type = FRAME_GSO_UDP;
    frame->gso_size = segment;
    vhost_send(v, frame);
}

/* Takes rx[i] when it goes on as it is. */
static void
from_outside(struct nat_udp_map *m, unsigned i, const struct pf_datagram *d, int64_t now_us)
{
    struct vhost *v = m->v;
    struct sockaddr_storage sa = {0};
    struct endpoint peer;
    memcpy(&sa, d->peer, sizeof(d->peer));
    if (!endpoint_from_sockaddr((const struct sockaddr *)&sa, &peer))
        return;
    struct nat_flow *f = flow_from(m, &peer, now_us);
    if (!f) {
        vhost_count_drop(v, DROP_POLICY);
        return;
    }
    nat_flow_used(v, f, now_us);
    f->received += d->data.len;
    struct ip dst = vhost_ip(m->node.key.version, m->node.key.src);
    struct vhost_route route;
    nat_client_route(f, &peer.ip, &dst, &route);
    unsigned head = peer.ip.family == 4 ? IP4_HEADER : IP6_HEADER;
    if (d->segment > 0 && head + UDP_HEADER + d->segment <= v->config.mtu) {
        struct frame *frame = v->rx[i];
        v->rx[i] = NULL;
        (void)frame_put(frame, d->data.len);
        send_train(v, frame, &route, &f->node.key, d->segment);
        return;
    }
    struct reader all = reader_of(d->data.at, d->data.len);
    size_t step = d->segment > 0 ? d->segment : all.left;
    do {
        struct reader one = reader_sub(&all, MIN(step, all.left));
        vhost_send_udp(v, &route, f->node.key.dport, f->node.key.sport, one);
    } while (all.left > 0);
}

/* The pool has few large frames, and there may be many hubs. */
static void
release_rx(struct vhost *v)
{
    for (unsigned i = 0; i < NAT_UDP_RX; i++) {
        frame_free(v->rx[i]);
        v->rx[i] = NULL;
    }
}

static unsigned
fill_rx(struct vhost *v, struct pf_datagram d[NAT_UDP_RX])
{
    unsigned n = 0;
    for (; n < NAT_UDP_RX; n++) {
        if (!v->rx[n])
            v->rx[n] = frame_new(worker_pool(v->worker), FRAME_LARGE);
        if (!v->rx[n])
            break;
        d[n].data = (struct pf_slice){v->rx[n]->data, frame_tailroom(v->rx[n])};
    }
    return n;
}

/* What the network says of a datagram: told to the client as if by its own network. */
static void
tell_error(struct nat_udp_map *m, const struct pf_dgram_error *e, int64_t now_us)
{
    struct vhost *v = m->v;
    struct sockaddr_storage sa = {0};
    struct endpoint peer;
    memcpy(&sa, e->peer, sizeof(e->peer));
    if (!m->flows || !endpoint_from_sockaddr((const struct sockaddr *)&sa, &peer))
        return;
    const struct nat_client *c = m->flows->flow.client;
    const struct nat_key *key = &m->node.key;
    bool is4 = key->version == 4;
    uint8_t bytes[ETH_HEADER + IP6_HEADER + UDP_HEADER] = {0};
    struct writer w = writer_of(bytes, sizeof(bytes));
    eth_write(&w, &v->config.mac, &c->mac, is4 ? ETH_TYPE_IP4 : ETH_TYPE_IP6);
    if (is4) {
        struct ip4 ip = {.ttl = 64, .proto = IP_PROTO_UDP, .total_len = IP4_HEADER + UDP_HEADER};
        struct ip src = vhost_ip(4, key->src);
        ip.src = ip_to_v4(&src);
        ip.dst = ip_to_v4(&peer.ip);
        ip4_write(&w, &ip);
    } else {
        struct ip6 ip = {.hop_limit = 64, .next = IP_PROTO_UDP, .payload_len = UDP_HEADER};
        memcpy(ip.src, key->src, 16);
        memcpy(ip.dst, peer.ip.b, 16);
        ip6_write(&w, &ip);
    }
    writer_u16(&w, key->sport);
    writer_u16(&w, peer.port);
    writer_u16(&w, UDP_HEADER);
    writer_u16(&w, 0);
    struct frame *f = frame_new(worker_pool(v->worker), w.len);
    uint8_t *at = f ? frame_put(f, w.len) : NULL;
    if (!at)
        return;
    memcpy(at, bytes, w.len);
    struct vhost_packet p = {.frame = f, .src_mac = c->mac, .now_us = now_us};
    if (flow_of_frame(f, &p.flow) == DROP_NONE) {
        bool port = is4 ? e->type == ICMP4_UNREACHABLE && e->code == 3
                        : e->type == ICMP6_UNREACHABLE && e->code == 4;
        vhost_icmp_error(v, &p, port ? VHOST_NO_PORT : VHOST_NO_HOST);
    }
    frame_free(f);
}

static void
on_ready(struct worker_fd *wfd, unsigned events, int64_t now_us)
{
    struct nat_udp_map *m = container_of(wfd, struct nat_udp_map, wfd);
    struct vhost *v = m->v;
    struct pf_datagram d[NAT_UDP_RX];
    struct pf_dgram_error e;
    for (unsigned i = 0; (events & WORKER_HANGUP) && i < ERRORS_A_TURN; i++) {
        if (!pf_dgram_error(wfd->fd, &e))
            break;
        tell_error(m, &e, now_us);
    }
    for (unsigned turn = 0; turn < READS_A_TURN; turn++) {
        unsigned n = fill_rx(v, d);
        int got = n > 0 ? pf_dgram_recv(wfd->fd, d, n) : 0;
        for (int i = 0; i < got; i++)
            from_outside(m, (unsigned)i, &d[i], now_us);
        if (got < (int)n)
            break;
    }
    release_rx(v);
}

/* ---- from the hub ---- */

static struct nat_udp_map *
find_map(struct vhost *v, const struct nat_key *flow_key)
{
    struct nat_key key = *flow_key;
    memset(key.dst, 0, sizeof(key.dst));
    key.dport = 0;
    key.proto = 0;
    struct nat_node *node = nat_table_find(&v->maps, &key);
    if (node)
        return container_of(node, struct nat_udp_map, node);
    int fd = pf_dgram_open(key.version);
    if (fd < 0 && v->kind[VHOST_UDP].oldest) { /* perhaps for want of descriptors */
        nat_flow_end(v, v->kind[VHOST_UDP].oldest, 0);
        fd = pf_dgram_open(key.version);
    }
    if (fd < 0)
        return NULL;
    struct nat_udp_map *m = g_new0(struct nat_udp_map, 1);
    m->v = v;
    m->node.key = key;
    m->wfd = (struct worker_fd){.fd = fd, .want = WORKER_READ, .ready = on_ready};
    if (!worker_fd_add(v->worker, &m->wfd)) {
        pf_close(fd);
        g_free(m);
        return NULL;
    }
    nat_table_add(&v->maps, &m->node);
    return m;
}

static struct nat_flow *
flow_for(struct vhost *v, const struct vhost_packet *p, const struct nat_key *key)
{
    struct nat_flow *f = nat_flow_find(v, key);
    if (f)
        return f;
    if (!nat_flow_may(v, p->client, VHOST_UDP)) {
        vhost_count_drop(v, DROP_QUEUE_FULL);
        return NULL;
    }
    struct nat_udp_map *m = find_map(v, key);
    if (!m) {
        vhost_count_drop(v, DROP_IO);
        return NULL;
    }
    return new_flow(v, m, key, p->client, p->now_us);
}

void
nat_udp_received(struct vhost *v, const struct vhost_packet *p)
{
    const struct flow *fl = &p->flow;
    struct nat_key key;
    struct udp udp;
    if (udp_parse(reader_of(p->frame->data + fl->l4, fl->end - fl->l4), &udp) != DROP_NONE) {
        vhost_count_drop(v, DROP_MALFORMED);
        return;
    }
    nat_key_of(fl, &key);
    struct nat_flow *f = flow_for(v, p, &key);
    if (!f)
        return;
    nat_flow_used(v, f, p->now_us);
    f->sent += udp.body.left;
    if (!v->udp_send)
        v->udp_send = g_new0(struct vhost_udp_send, 1);
    struct vhost_udp_send *s = v->udp_send;
    if (s->n == BATCH_MAX)
        nat_udp_flush(v, p->now_us);
    struct pf_datagram *d = &s->datagram[s->n];
    struct endpoint dst = nat_flow_dst(f);
    struct sockaddr_storage sa = {0};
    (void)endpoint_to_sockaddr(&dst, &sa);
    memcpy(d->peer, &sa, sizeof(d->peer));
    d->data = (struct pf_slice){(void *)udp.body.at, udp.body.left};
    d->segment = p->frame->gso_type == FRAME_GSO_UDP ? p->frame->gso_size : 0;
    s->map[s->n++] = udp_of(f)->map;
    udp_of(f)->map->n_pending++;
}

void
nat_udp_flush(struct vhost *v, int64_t now_us)
{
    struct vhost_udp_send *s = v->udp_send;
    (void)now_us;
    if (!s || s->n == 0)
        return;
    unsigned all = s->n;
    s->n = 0;
    for (unsigned i = 0; i < all; i++) {
        struct nat_udp_map *m = s->map[i];
        if (!m)
            continue; /* went with an earlier one */
        struct pf_datagram out[BATCH_MAX];
        unsigned n = 0;
        for (unsigned k = i; k < all; k++) {
            if (s->map[k] != m)
                continue;
            out[n++] = s->datagram[k];
            s->map[k] = NULL;
        }
        m->n_pending = 0;
        int taken = pf_dgram_send(m->wfd.fd, out, n);
        for (unsigned k = (unsigned)MAX(taken, 0); k < n; k++)
            vhost_count_drop(v, DROP_IO);
    }
}
