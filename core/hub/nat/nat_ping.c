/* SPDX-License-Identifier: Apache-2.0 */
/* nat_ping.c - ICMP echo of clients, by a socket of the system for each identifier of each client.
 *
 * A "ping socket" has an identifier that the system chose, and gets only the answers to it; where
 * the system gives none (net.ipv4.ping_group_range), a raw socket is tried, whose identifier is the
 * client's and which sees all answers that come to the host.
 */

#include "core/hub/nat/vhost_priv.h"
#include "core/net/checksum.h"
#include "core/net/icmp.h"
#include "core/net/wire.h"

#include <sys/socket.h>

enum { ECHO_MAX = 65000, READS_A_TURN = 16 };

struct nat_ping_flow {
    struct nat_flow flow; /* first; the identifier stands as both ports */
    struct vhost *v;
    struct worker_fd wfd;
    bool raw;
    struct ip src, dst; /* of the answer */
};

static struct nat_ping_flow *
ping_of(struct nat_flow *f)
{
    return container_of(f, struct nat_ping_flow, flow);
}

void
nat_ping_flow_end(struct vhost *v, struct nat_flow *f)
{
    struct nat_ping_flow *g = ping_of(f);
    if (g->wfd.fd >= 0) {
        worker_fd_remove(v->worker, &g->wfd);
        pf_close(g->wfd.fd);
    }
    nat_flow_remove(v, f);
    g_free(g);
}

/* ---- answers ---- */

/* A raw socket of IPv4 gives the IP header along. */
static bool
strip_header(const struct nat_ping_flow *g, struct reader *in)
{
    struct ip4 ip;
    if (!g->raw || g->flow.node.key.version != 4)
        return true;
    if (ip4_parse(*in, &ip) != DROP_NONE)
        return false;
    *in = ip.body;
    return true;
}

static void
answer(struct nat_ping_flow *g, struct reader in, const struct pf_datagram *d)
{
    struct vhost *v = g->v;
    bool is4 = g->flow.node.key.version == 4;
    struct icmp icmp;
    struct sockaddr_storage sa = {0};
    struct endpoint peer;
    memcpy(&sa, d->peer, sizeof(d->peer));
    if (!endpoint_from_sockaddr((const struct sockaddr *)&sa, &peer) ||
        !ip_equal(&peer.ip, &g->src) || !strip_header(g, &in) ||
        icmp_parse(in, &icmp) != DROP_NONE ||
        icmp.type != (is4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY))
        return;
    uint16_t id = g->flow.node.key.sport;
    if (g->raw && icmp.rest >> 16 != id)
        return;
    struct vhost_route route;
    nat_client_route(&g->flow, &g->src, &g->dst, &route);
    icmp.rest = (uint32_t)id << 16 | (icmp.rest & 0xffff);
    g->flow.received += icmp.body.left;
    vhost_send_icmp(v, &route, &icmp);
}

static void
on_ready(struct worker_fd *wfd, unsigned events, int64_t now_us)
{
    struct nat_ping_flow *g = container_of(wfd, struct nat_ping_flow, wfd);
    uint8_t *room = worker_scratch(g->v->worker, WORKER_SCRATCH_RX);
    (void)events;
    for (unsigned i = 0; i < READS_A_TURN; i++) {
        struct pf_datagram d = {.data = {room, UINT16_MAX}};
        if (pf_dgram_recv(wfd->fd, &d, 1) != 1)
            return;
        nat_flow_used(g->v, &g->flow, now_us);
        answer(g, reader_of(room, d.data.len), &d);
    }
}

/* ---- questions ---- */

static struct nat_ping_flow *
open_flow(struct vhost *v, const struct vhost_packet *p, const struct nat_key *key)
{
    if (!nat_flow_may(v, p->client, VHOST_ICMP)) {
        vhost_count_drop(v, DROP_QUEUE_FULL);
        return NULL;
    }
    bool raw = false;
    int fd = pf_ping_open(key->version, &raw);
    if (fd < 0) {
        vhost_count_drop(v, DROP_IO);
        vhost_icmp_error(v, p, VHOST_PROHIBITED);
        return NULL;
    }
    struct nat_ping_flow *g = g_new0(struct nat_ping_flow, 1);
    g->v = v;
    g->raw = raw;
    g->src = vhost_ip(key->version, key->dst);
    g->dst = vhost_ip(key->version, key->src);
    g->wfd = (struct worker_fd){.fd = fd, .want = WORKER_READ, .ready = on_ready};
    nat_flow_add(v, &g->flow, VHOST_ICMP, key, p->client, p->now_us);
    if (worker_fd_add(v->worker, &g->wfd))
        return g;
    pf_close(fd);
    g->wfd.fd = -1;
    nat_ping_flow_end(v, &g->flow);
    return NULL;
}

void
nat_ping_received(struct vhost *v, const struct vhost_packet *p)
{
    const struct flow *fl = &p->flow;
    bool is4 = fl->version == 4;
    struct icmp icmp;
    struct reader in = reader_of(p->frame->data + fl->l4, fl->end - fl->l4);
    size_t len = in.left;
    if (icmp_parse(in, &icmp) != DROP_NONE || icmp.code != 0 || len > ECHO_MAX ||
        icmp.type != (is4 ? ICMP4_ECHO : ICMP6_ECHO))
        return;
    struct nat_key key;
    nat_key_of(fl, &key);
    key.sport = key.dport = (uint16_t)(icmp.rest >> 16);
    struct nat_flow *f = nat_flow_find(v, &key);
    struct nat_ping_flow *g = f ? ping_of(f) : open_flow(v, p, &key);
    if (!g)
        return;
    nat_flow_used(v, &g->flow, p->now_us);
    g->flow.sent += icmp.body.left;
    /* The message as it is: a ping socket puts its own identifier in, and the checksum. */
    struct endpoint to = {.ip = g->src};
    struct sockaddr_storage sa = {0};
    struct pf_datagram d = {.data = {(void *)in.at, len}};
    (void)endpoint_to_sockaddr(&to, &sa);
    memcpy(d.peer, &sa, sizeof(d.peer));
    (void)pf_dgram_send(g->wfd.fd, &d, 1); /* lost, as pings are */
}
