/* SPDX-License-Identifier: Apache-2.0 */
/* nat_tcp_flow.c - a TCP machine between a socket of the system and the hub. */

#include "core/base/random.h"
#include "core/hub/nat/vhost_priv.h"
#include "core/net/checksum.h"
#include "core/net/tcp.h"
#include "core/net/wire.h"

#include <errno.h>
#include <sys/socket.h>

enum {
    OPENING_MAX = 4096,
    KEEPALIVE_S = 600,
    DNS_PORT = 53,
};

struct nat_tcp_flow {
    struct nat_flow flow; /* first */
    struct vhost *v;
    struct nat_tcp tcp;
    struct worker_fd wfd;
    bool is_watched, is_opening, hung_up;
    struct timer timer;
    struct nat_tcp_flow *next_dirty;
    struct ip src, dst; /* of what goes to the client */
};

static struct nat_tcp_flow *
tcp_of(struct nat_flow *f)
{
    return container_of(f, struct nat_tcp_flow, flow);
}

/* ---- ops of the machine ---- */

static void
write_header(uint8_t *l4, const struct nat_tcp_out *o, uint16_t sport, uint16_t dport)
{
    struct writer w = writer_of(l4, TCP_HEADER + o->options_len);
    writer_u16(&w, sport);
    writer_u16(&w, dport);
    writer_u32(&w, o->seq);
    writer_u32(&w, o->ack);
    writer_u8(&w, (uint8_t)((TCP_HEADER + o->options_len) / 4 << 4));
    writer_u8(&w, o->flags);
    writer_u16(&w, o->window);
    writer_u32(&w, 0); /* checksum, urgent */
    writer_bytes(&w, o->options, o->options_len);
}

static void
on_segment(void *owner, const struct nat_tcp_out *o)
{
    struct nat_tcp_flow *f = owner;
    const struct nat_key *key = &f->flow.node.key;
    struct vhost_route route;
    nat_client_route(&f->flow, &f->src, &f->dst, &route);
    size_t header = TCP_HEADER + o->options_len;
    uint8_t *l4 = NULL;
    struct frame *frame = vhost_frame_new(f->v, &route, header + o->len, &l4);
    if (!frame)
        return;
    write_header(l4, o, key->dport, key->sport);
    if (o->len > 0)
        nat_buffer_get(o->from, o->at, l4 + header, o->len);
    wire_put16(l4 + TCP_AT_CHECKSUM, csum_fold(vhost_pseudo(&route, header + o->len)));
    frame->flags = FRAME_NEEDS_CSUM;
    frame->csum_start = (uint16_t)(l4 - frame->data);
    frame->csum_offset = TCP_AT_CHECKSUM;
    if (o->len > o->mss) {
        frame->gso_type = key->version == 4 ? FRAME_GSO_TCP4 : FRAME_GSO_TCP6;
        frame->gso_size = (uint16_t)o->mss;
    }
    vhost_send(f->v, frame);
}

static long
on_recv(void *owner, const struct pf_slice *iov, unsigned n)
{
    const struct nat_tcp_flow *f = owner;
    return pf_recv_slices(f->wfd.fd, iov, n);
}

static long
on_send(void *owner, const struct pf_slice *iov, unsigned n)
{
    const struct nat_tcp_flow *f = owner;
    return pf_send_slices(f->wfd.fd, iov, n);
}

static void
on_shutdown(void *owner)
{
    const struct nat_tcp_flow *f = owner;
    pf_shutdown_write(f->wfd.fd);
}

static const struct nat_tcp_ops tcp_ops = {
    .segment = on_segment, .recv = on_recv, .send = on_send, .shutdown = on_shutdown};

/* ---- life ---- */

static void
stop_opening(struct nat_tcp_flow *f)
{
    if (!f->is_opening)
        return;
    f->is_opening = false;
    f->flow.client->n_opening--;
    f->v->n_opening--;
}

static void
close_socket(struct nat_tcp_flow *f)
{
    if (f->is_watched)
        worker_fd_remove(f->v->worker, &f->wfd);
    f->is_watched = false;
    if (f->tcp.reset_socket)
        pf_close_reset(f->wfd.fd);
    else
        pf_close(f->wfd.fd);
    f->wfd.fd = -1;
}

static void
not_dirty(struct nat_tcp_flow *f)
{
    struct nat_tcp_flow **at = &f->v->dirty;
    while (f->tcp.dirty && *at && *at != f)
        at = &(*at)->next_dirty;
    if (f->tcp.dirty && *at)
        *at = f->next_dirty;
}

static void
destroy(struct nat_tcp_flow *f)
{
    struct vhost *v = f->v;
    f->flow.sent = f->tcp.bytes_in;
    f->flow.received = f->tcp.bytes_out;
    not_dirty(f);
    stop_opening(f);
    close_socket(f);
    timer_cancel(worker_timers(v->worker), &f->timer);
    nat_tcp_done(&f->tcp);
    nat_flow_remove(v, &f->flow);
    g_free(f);
}

/* A hang-up is told for ever, wanted or not, so then the poller is not asked any more: reading and
 * writing never have to wait on such a socket. */
static void
update_watch(struct nat_tcp_flow *f)
{
    struct worker *w = f->v->worker;
    unsigned want = (nat_tcp_wants_read(&f->tcp) ? WORKER_READ : 0) |
                    (nat_tcp_wants_write(&f->tcp) ? WORKER_WRITE : 0);
    if (f->is_watched && f->hung_up && want == 0) {
        worker_fd_remove(w, &f->wfd);
        f->is_watched = false;
    } else if (f->is_watched && want != f->wfd.want) {
        worker_fd_want(w, &f->wfd, want);
    } else if (!f->is_watched && f->wfd.fd >= 0 && want != 0) {
        f->wfd.want = want;
        f->is_watched = worker_fd_add(w, &f->wfd);
    }
}

/* After each event: what the machine wants is done. The flow may be gone afterwards. */
static void
settle(struct nat_tcp_flow *f, int64_t now_us)
{
    struct vhost *v = f->v;
    nat_tcp_flush(&f->tcp, now_us);
    if (f->tcp.phase == NAT_TCP_CLOSED) {
        destroy(f);
        return;
    }
    if (f->tcp.phase >= NAT_TCP_OPEN)
        stop_opening(f);
    f->flow.last_us = f->tcp.heard_us;
    f->flow.sent = f->tcp.bytes_in;
    f->flow.received = f->tcp.bytes_out;
    if (f->tcp.phase == NAT_TCP_TIME_WAIT && f->wfd.fd >= 0)
        close_socket(f);
    update_watch(f);
    int64_t at_us = nat_tcp_deadline(&f->tcp);
    /* A timer that fires too early finds nothing to do; one that is moved at each packet costs. */
    if (at_us > 0 && (!timer_is_armed(&f->timer) || at_us < f->timer.due_us))
        timer_arm(worker_timers(v->worker), &f->timer, at_us);
}

static void
on_timer(struct timer *t, int64_t now_us)
{
    struct nat_tcp_flow *f = container_of(t, struct nat_tcp_flow, timer);
    nat_tcp_tick(&f->tcp, now_us);
    settle(f, now_us);
}

static void
connect_ended(struct nat_tcp_flow *f, int64_t now_us)
{
    if (pf_socket_error(f->wfd.fd) != 0) {
        nat_tcp_failed(&f->tcp);
        return;
    }
    pf_tcp_keepalive(f->wfd.fd, KEEPALIVE_S);
    nat_tcp_connected(&f->tcp, now_us);
}

static void
on_ready(struct worker_fd *wfd, unsigned events, int64_t now_us)
{
    struct nat_tcp_flow *f = container_of(wfd, struct nat_tcp_flow, wfd);
    if (f->tcp.phase == NAT_TCP_CONNECTING) {
        connect_ended(f, now_us);
    } else {
        f->hung_up = events & WORKER_HANGUP;
        if (events & (WORKER_READ | WORKER_HANGUP))
            nat_tcp_readable(&f->tcp);
        if (events & (WORKER_WRITE | WORKER_HANGUP))
            nat_tcp_writable(&f->tcp);
    }
    settle(f, now_us);
}

/* ---- opening ---- */

static void
refuse(struct vhost *v, const struct vhost_packet *p, const struct tcp *tcp)
{
    struct ip src = vhost_ip(p->flow.version, p->flow.dst);
    struct ip dst = vhost_ip(p->flow.version, p->flow.src);
    const struct vhost_route route = {
        .mac = &p->src_mac, .src = &src, .dst = &dst, .proto = IP_PROTO_TCP};
    struct nat_tcp_out o = {.flags = TCP_RST};
    if (tcp->flags & TCP_RST)
        return;
    if (tcp->flags & TCP_ACK) {
        o.seq = tcp->ack;
    } else {
        o.flags |= TCP_ACK;
        o.ack = tcp->seq + (uint32_t)tcp->body.left + ((tcp->flags & TCP_SYN) ? 1 : 0) +
                ((tcp->flags & TCP_FIN) ? 1 : 0);
    }
    uint8_t *l4 = NULL;
    struct frame *f = vhost_frame_new(v, &route, TCP_HEADER, &l4);
    if (!f)
        return;
    write_header(l4, &o, tcp->dport, tcp->sport);
    uint64_t sum = csum_add(vhost_pseudo(&route, TCP_HEADER), l4, TCP_HEADER);
    wire_put16(l4 + TCP_AT_CHECKSUM, csum_finish(sum));
    vhost_send(v, f);
}

/* Where the socket goes: not always where the client believes. */
static bool
choose_peer(struct vhost *v, const struct nat_key *key, struct endpoint *out)
{
    struct ip dst = vhost_ip(key->version, key->dst);
    *out = (struct endpoint){.ip = dst, .port = key->dport};
    if (nat_may_reach(v, &dst))
        return v->config.use_nat;
    return key->dport == DNS_PORT && v->config.use_nat && nat_dns_resolver(v, out);
}

static void
could_not_connect(struct vhost *v, const struct vhost_packet *p, const struct tcp *tcp, int error)
{
    switch (error) {
    case ENETUNREACH:
        vhost_icmp_error(v, p, VHOST_NO_ROUTE);
        break;
    case EHOSTUNREACH:
        vhost_icmp_error(v, p, VHOST_NO_HOST);
        break;
    case ECONNREFUSED:
    case EACCES:
    case EPERM:
        refuse(v, p, tcp);
        break;
    default: /* no descriptors, no ports: the client tries again */
        vhost_count_drop(v, DROP_IO);
        break;
    }
}

static uint16_t
mss_of(const struct vhost *v, uint8_t version)
{
    return (uint16_t)(v->config.mtu - (version == 4 ? IP4_HEADER : IP6_HEADER) - TCP_HEADER);
}

static bool
watch(struct nat_tcp_flow *f, int fd)
{
    f->wfd = (struct worker_fd){.fd = fd, .want = WORKER_WRITE, .ready = on_ready};
    f->is_watched = worker_fd_add(f->v->worker, &f->wfd);
    return f->is_watched;
}

static void
start(struct vhost *v, const struct vhost_packet *p, const struct tcp *tcp,
      const struct nat_key *key)
{
    struct endpoint peer;
    if (!choose_peer(v, key, &peer)) {
        refuse(v, p, tcp);
        return;
    }
    if (!nat_flow_may(v, p->client, VHOST_TCP) || p->client->n_opening >= NAT_CLIENT_OPENING ||
        v->n_opening >= OPENING_MAX) {
        vhost_count_drop(v, DROP_QUEUE_FULL);
        return;
    }
    struct sockaddr_storage sa;
    unsigned salen = endpoint_to_sockaddr(&peer, &sa);
    int fd = pf_tcp_connect((const struct sockaddr *)&sa, salen, 0, NULL);
    if (fd < 0) {
        could_not_connect(v, p, tcp, errno);
        return;
    }
    struct nat_tcp_flow *f = g_new0(struct nat_tcp_flow, 1);
    f->v = v;
    f->src = vhost_ip(key->version, key->dst);
    f->dst = vhost_ip(key->version, key->src);
    timer_init(&f->timer, on_timer);
    const struct nat_tcp_config config = {
        .ops = &tcp_ops,
        .owner = f,
        .store = &v->store,
        .mss = mss_of(v, key->version),
        .iss = random_u32(),
        .ts_offset = random_u32(),
        .idle_us = (int64_t)v->config.tcp_timeout_s * 1000000,
    };
    struct nat_segment syn;
    nat_segment_read(tcp, &syn);
    nat_tcp_open(&f->tcp, &config, &syn, p->now_us);
    nat_flow_add(v, &f->flow, VHOST_TCP, key, p->client, p->now_us);
    f->is_opening = true;
    f->flow.client->n_opening++;
    v->n_opening++;
    if (!watch(f, fd)) {
        destroy(f);
        return;
    }
    settle(f, p->now_us);
}

/* ---- from the hub ---- */

static void
mark_dirty(struct nat_tcp_flow *f)
{
    if (f->tcp.dirty)
        return;
    f->tcp.dirty = true;
    f->next_dirty = f->v->dirty;
    f->v->dirty = f;
}

void
nat_tcp_flows_settle(struct vhost *v, int64_t now_us)
{
    while (v->dirty) {
        struct nat_tcp_flow *f = v->dirty;
        v->dirty = f->next_dirty;
        f->tcp.dirty = false;
        settle(f, now_us);
    }
}

void
nat_tcp_flow_received(struct vhost *v, const struct vhost_packet *p)
{
    const struct flow *fl = &p->flow;
    struct tcp tcp;
    struct nat_key key;
    if (tcp_parse(reader_of(p->frame->data + fl->l4, fl->end - fl->l4), &tcp) != DROP_NONE) {
        vhost_count_drop(v, DROP_MALFORMED);
        return;
    }
    nat_key_of(fl, &key);
    struct nat_flow *flow = nat_flow_find(v, &key);
    bool opens = (tcp.flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
    if (flow && opens && tcp_of(flow)->tcp.phase == NAT_TCP_TIME_WAIT) {
        destroy(tcp_of(flow)); /* the same ports again */
        flow = NULL;
    }
    if (!flow && opens) {
        start(v, p, &tcp, &key);
        return;
    }
    if (!flow) {
        refuse(v, p, &tcp);
        return;
    }
    struct nat_tcp_flow *f = tcp_of(flow);
    struct nat_segment s;
    nat_segment_read(&tcp, &s);
    nat_tcp_receive(&f->tcp, &s, p->now_us);
    mark_dirty(f);
}

void
nat_tcp_flow_end(struct vhost *v, struct nat_flow *f, int64_t now_us)
{
    struct nat_tcp_flow *t = tcp_of(f);
    (void)v;
    (void)now_us;
    t->tcp.reset_socket = true;
    nat_tcp_failed(&t->tcp);
    t->tcp.reset_socket = true;
    destroy(t);
}

enum vhost_tcp_state
nat_tcp_flow_state(const struct nat_flow *f)
{
    const struct nat_tcp *t = &container_of(f, struct nat_tcp_flow, flow)->tcp;
    switch (t->phase) {
    case NAT_TCP_CONNECTING:
        return VHOST_TCP_CONNECTING;
    case NAT_TCP_SYN_RECEIVED:
        return VHOST_TCP_CONNECTED;
    case NAT_TCP_OPEN:
        return t->eof || t->got_fin ? VHOST_TCP_CLOSING : VHOST_TCP_ESTABLISHED;
    case NAT_TCP_TIME_WAIT:
    case NAT_TCP_CLOSED:
        break;
    }
    return VHOST_TCP_CLOSING;
}
