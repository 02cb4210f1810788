/* SPDX-License-Identifier: Apache-2.0 */
/* nat_kernel.c - NAT by the kernel: packets of clients go to a TUN adapter and are routed and
 * translated by the host, and what comes from it goes to the client that it is for.
 *
 * Control makes the adapter, the routes and the table of nftables, and takes them away; the worker
 * moves packets in between. The batches, queues and super-frames are those of a bridge, over a link
 * that takes the Ethernet header off and puts an empty one on.
 *
 * The adapter's route lies in the host's main table, so everybody whom the host forwards for could
 * send to clients: neighbours outside, and other hubs. A NAT by sockets is closed to them. So is
 * this one: only addresses that a client has sent to lately may send to it. They are kept as hashes
 * in a table of fixed size, where a new one takes the place of the oldest of four; whoever lost its
 * place gets it back with the client's next packet.
 */

#include "core/hub/nat/nat_kernel.h"

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/hub/bridge_io.h"
#include "core/hub/nat/vhost_priv.h"

#include <errno.h>

enum {
    PAIR_SETS = 16384,
    PAIR_WAYS = 4,
    BATCHES_A_TURN = 4,
    TUN_IOV = 66,
    INNER_DST4 = 16, /* of an IPv4 header */
    INNER_DST6 = 24,
};

struct pair {
    uint64_t hash;
    int64_t last_us;
};

struct nat_kernel {
    struct vhost *v;
    char name[PF_IFNAME];

    /* The worker's. */
    bool is_on;
    struct bridge_io io;
    struct worker_fd wfd;
    struct worker_deferred lost; /* the adapter went away */
    struct batch out;            /* references, to the end of the batch from the hub */
    uint64_t secret[2];
    struct pair pair[PAIR_SETS][PAIR_WAYS];
};

/* ---- whether ---- */

static void
say_route(char why[NAT_WHY], const char *network, const char *via)
{
    if (via[0] != '\0')
        (void)g_snprintf(why, NAT_WHY, "the hub's %s network has a route by '%s' on this host",
                         network, via);
    else
        (void)g_snprintf(why, NAT_WHY, "the hub's %s network has a route on this host", network);
}

bool
nat_kernel_decide(const struct vhost_config *config, const struct nat_kernel_facts *facts,
                  char why[NAT_WHY])
{
    const char *text = NULL;
    if (!config->use_nat)
        text = "NAT is off";
    else if (config->nat_mode == VHOST_NAT_USER)
        text = "NAT by ordinary sockets needs no rights";
    else if (!facts->may_configure)
        text = "this server has no right to set up adapters and filters (CAP_NET_ADMIN)";
    else if (!facts->forwards4)
        text = "IP forwarding is off on this host (net.ipv4.ip_forward)";
    else if (config->use_ip6 && !facts->forwards6)
        text = "IPv6 forwarding is off on this host (net.ipv6.conf.all.forwarding)";
    else if (!facts->has_nft)
        text = "the program 'nft' is not installed on this host";
    if (text) {
        (void)g_strlcpy(why, text, NAT_WHY);
        return false;
    }
    if (facts->overlaps4) {
        say_route(why, "IPv4", facts->via4);
        return false;
    }
    if (config->use_ip6 && facts->overlaps6) {
        say_route(why, "IPv6", facts->via6);
        return false;
    }
    (void)g_strlcpy(why, "this host forwards, and its kernel translates", NAT_WHY);
    return true;
}

/* ---- the link: a bridge's, over a TUN adapter ---- */

static int
tun_receive(void *handle, struct pf_slice *buf, struct pf_offload *off, unsigned n)
{
    unsigned got = 0;
    while (got < n) {
        uint8_t *at = buf[got].at;
        struct pf_slice ip = {.at = at + ETH_HEADER, .len = buf[got].len - ETH_HEADER};
        long len = pf_vnic_recv(handle, &ip, 1, &off[got]);
        if (len == -1)
            break;
        if (len < 0)
            return got > 0 ? (int)got : -2; /* the next call says it again */
        if (len > 0) {
            memset(at, 0, ETH_HEADER); /* whose it is, is not known yet */
            at[12] = at[ETH_HEADER] >> 4 == 4 ? ETH_TYPE_IP4 >> 8 : ETH_TYPE_IP6 >> 8;
            at[13] = at[ETH_HEADER] >> 4 == 4 ? ETH_TYPE_IP4 & 0xff : ETH_TYPE_IP6 & 0xff;
        }
        if (off[got].flags & PF_NEEDS_CSUM)
            off[got].csum_start += ETH_HEADER;
        buf[got++].len = len > 0 ? (size_t)len + ETH_HEADER : 0;
    }
    return (int)got;
}

static bool
tun_send_one(void *handle, const struct pf_packet *p)
{
    struct pf_slice iov[TUN_IOV];
    struct pf_offload off = p->off;
    if (p->n_iov == 0 || p->n_iov > TUN_IOV || p->iov[0].len <= ETH_HEADER) {
        errno = EINVAL;
        return false;
    }
    memcpy(iov, p->iov, p->n_iov * sizeof(iov[0]));
    iov[0].at = (uint8_t *)iov[0].at + ETH_HEADER;
    iov[0].len -= ETH_HEADER;
    if (off.flags & PF_NEEDS_CSUM)
        off.csum_start -= ETH_HEADER;
    if (off.hdr_len > ETH_HEADER)
        off.hdr_len -= ETH_HEADER;
    return pf_vnic_send(handle, iov, p->n_iov, &off);
}

static int
tun_send(void *handle, const struct pf_packet *p, unsigned n, unsigned *refused)
{
    unsigned taken = 0;
    for (; taken < n; taken++) {
        if (tun_send_one(handle, &p[taken]))
            continue;
        if (errno == EAGAIN || errno == ENOBUFS)
            break;
        if (errno == EIO || errno == EBADFD) /* switched off, or gone */
            return -2;
        ++*refused;
    }
    return (int)taken;
}

static unsigned
tun_mtu(const void *handle)
{
    return pf_vnic_mtu(handle);
}

static void
tun_close(void *handle)
{
    pf_vnic_close(handle);
}

static const struct bridge_link_ops tun_ops = {tun_receive, tun_send, tun_mtu, tun_close};

/* ---- who may send to whom ---- */

static void
make_key(uint8_t version, const uint8_t *client, const uint8_t *remote, struct nat_key *out)
{
    size_t len = version == 4 ? 4 : 16;
    *out = (struct nat_key){.version = version};
    memcpy(out->src, client, len);
    memcpy(out->dst, remote, len);
}

static void
remember(struct nat_kernel *k, const struct flow *fl, int64_t now_us)
{
    struct nat_key key;
    make_key(fl->version, fl->src, fl->dst, &key);
    uint64_t hash = nat_hash(&key, k->secret);
    struct pair *set = k->pair[hash % PAIR_SETS];
    struct pair *place = set;
    for (unsigned i = 0; i < PAIR_WAYS; i++) {
        if (set[i].hash == hash) {
            place = &set[i];
            break;
        }
        if (set[i].last_us < place->last_us)
            place = &set[i];
    }
    *place = (struct pair){.hash = hash, .last_us = now_us};
}

static bool
has_sent(const struct nat_kernel *k, uint8_t version, const uint8_t *client, const uint8_t *remote,
         int64_t now_us)
{
    const struct vhost_config *c = &k->v->config;
    int64_t most_us = (int64_t)MAX(c->tcp_timeout_s, c->udp_timeout_s) * 1000 * 1000;
    struct nat_key key;
    make_key(version, client, remote, &key);
    uint64_t hash = nat_hash(&key, k->secret);
    const struct pair *set = k->pair[hash % PAIR_SETS];
    for (unsigned i = 0; i < PAIR_WAYS; i++)
        if (set[i].hash == hash && set[i].last_us != 0)
            return now_us - set[i].last_us <= most_us;
    return false;
}

/* Who has an answer for the client, or an error about what it sent: that comes from any router. */
static bool
may_send(const struct nat_kernel *k, const struct frame *f, const struct flow *fl, int64_t now_us)
{
    if (has_sent(k, fl->version, fl->dst, fl->src, now_us))
        return true;
    bool is4 = fl->version == 4;
    size_t inner = fl->l4 + (size_t)ICMP_HEADER;
    size_t dst = inner + (is4 ? INNER_DST4 : INNER_DST6);
    if (fl->proto != (is4 ? IP_PROTO_ICMP : IP_PROTO_ICMP6) || fl->l4 == 0 ||
        dst + (is4 ? 4 : 16) > fl->end)
        return false;
    uint8_t type = f->data[fl->l4];
    bool is_error = is4 ? type == 3 || type == 11 || type == 12 : type >= 1 && type <= 4;
    return is_error && has_sent(k, fl->version, fl->dst, f->data + dst, now_us);
}

/* ---- packets; worker ---- */

static void
note(struct nat_kernel *k, enum bridge_io_verdict verdict)
{
    struct vhost *v = k->v;
    for (unsigned i = 0; i < DROP_N_REASONS; i++) {
        if (k->io.dropped[i] > 0 && v->port)
            hub_port_count_drop(v->port, (enum drop)i, k->io.dropped[i]);
        k->io.dropped[i] = 0;
    }
    if (verdict == BRIDGE_IO_LOST) {
        k->is_on = false; /* by sockets from now on */
        worker_defer(v->worker, &k->lost);
        return;
    }
    unsigned want = WORKER_READ | (bridge_io_waits(&k->io) ? WORKER_WRITE : 0);
    if (want != k->wfd.want)
        worker_fd_want(v->worker, &k->wfd, want);
}

bool
nat_kernel_takes(const struct vhost *v, const struct flow *fl)
{
    if (!v->kernel || !v->kernel->is_on)
        return false;
    if (fl->version == 4 && (fl->flags & FLOW_EXTENSIONS))
        return false; /* a source route would lead past the guard */
    struct ip src = vhost_ip(fl->version, fl->src);
    struct ip dst = vhost_ip(fl->version, fl->dst);
    /* The host has no way back to other addresses. */
    return ip_prefix_has(fl->version == 4 ? &v->net4 : &v->net6, &src) && nat_may_reach(v, &dst);
}

void
nat_kernel_send(struct vhost *v, const struct vhost_packet *p)
{
    struct nat_kernel *k = v->kernel;
    if (batch_is_full(&k->out))
        nat_kernel_flush(v);
    if (!k->is_on)
        return;
    remember(k, &p->flow, p->now_us);
    batch_add(&k->out, frame_ref(p->frame));
}

void
nat_kernel_flush(struct vhost *v)
{
    struct nat_kernel *k = v->kernel;
    if (!k || k->out.n == 0)
        return;
    if (k->is_on)
        note(k, bridge_io_send(&k->io, worker_pool(v->worker), &k->out));
    else
        batch_free_frames(&k->out);
}

/* A packet from the kernel. Takes the frame. */
static void
received(struct nat_kernel *k, struct frame *f, int64_t now_us)
{
    struct vhost *v = k->v;
    struct flow fl;
    if (flow_of_frame(f, &fl) != DROP_NONE || fl.version == 0 ||
        (fl.version == 6 && fl.dst[0] == 0xff)) {
        frame_free(f); /* the kernel's own talk to routers and groups */
        return;
    }
    struct nat_key key = {.version = fl.version};
    memcpy(key.src, fl.dst, sizeof(key.src));
    struct nat_node *node = nat_table_find(&v->clients, &key);
    if (!node || !may_send(k, f, &fl, now_us)) {
        vhost_count_drop(v, DROP_POLICY);
        frame_free(f);
        return;
    }
    memcpy(f->data, container_of(node, struct nat_client, node)->mac.b, 6);
    memcpy(f->data + 6, v->config.mac.b, 6);
    vhost_send(v, f);
}

static void
ready(struct worker_fd *wfd, unsigned events, int64_t now_us)
{
    struct nat_kernel *k = container_of(wfd, struct nat_kernel, wfd);
    enum bridge_io_verdict verdict = BRIDGE_IO_OK;
    if (!k->is_on)
        return;
    if (events & WORKER_WRITE)
        verdict = bridge_io_flush(&k->io);
    for (unsigned i = 0; i < BATCHES_A_TURN && verdict == BRIDGE_IO_OK; i++) {
        struct batch in = {.n = 0};
        verdict = bridge_io_receive(&k->io, worker_pool(k->v->worker), &in);
        for (unsigned n = 0; n < in.n; n++)
            received(k, in.frame[n], now_us);
    }
    if (verdict == BRIDGE_IO_EMPTY && (events & WORKER_HANGUP))
        verdict = BRIDGE_IO_LOST; /* else it would be told again and again */
    note(k, verdict);
}

static void
on_lost(struct worker_deferred *d, int64_t now_us)
{
    struct nat_kernel *k = container_of(d, struct nat_kernel, lost);
    (void)now_us;
    batch_free_frames(&k->out);
    worker_fd_remove(k->v->worker, &k->wfd);
    bridge_io_done(&k->io); /* and with the adapter its routes */
    (void)g_snprintf(k->v->why, sizeof(k->v->why), "the adapter '%s' went away or was switched off",
                     k->name);
    log_info("virtual host goes on by ordinary sockets", "hub=%s why=%s", hub_name(k->v->hub),
             k->v->why);
}

void
nat_kernel_start(struct vhost *v)
{
    struct nat_kernel *k = v->kernel;
    if (!k)
        return;
    k->lost.fn = on_lost;
    k->wfd = (struct worker_fd){.fd = k->io.link.fd, .want = WORKER_READ, .ready = ready};
    k->is_on = worker_fd_add(v->worker, &k->wfd);
    if (!k->is_on) {
        bridge_io_done(&k->io);
        (void)g_strlcpy(v->why, "the system does not let the adapter be watched", sizeof(v->why));
    }
}

void
nat_kernel_stop(struct vhost *v)
{
    struct nat_kernel *k = v->kernel;
    if (!k)
        return;
    worker_defer_cancel(v->worker, &k->lost);
    batch_free_frames(&k->out);
    if (k->io.link.handle)
        worker_fd_remove(v->worker, &k->wfd);
    k->is_on = false;
}

bool
nat_kernel_is_on(const struct vhost *v)
{
    return v->kernel && v->kernel->is_on;
}

/* ---- making it; control ---- */

static unsigned
networks(const struct vhost_config *c, struct pf_nat_net net[2])
{
    struct ip ip4 = ip_from_v4(c->ip4 & c->mask4);
    net[0] = (struct pf_nat_net){.family = 4};
    memcpy(net[0].addr, ip4.b, 4);
    for (uint32_t mask = c->mask4; mask & 0x80000000u; mask <<= 1)
        net[0].len++;
    net[1] = (struct pf_nat_net){.family = 6, .len = 64};
    memcpy(net[1].addr, c->dhcp6.prefix, 8);
    return c->use_ip6 ? 2 : 1;
}

static void
look_at_host(const struct vhost_config *c, struct nat_kernel_facts *out)
{
    struct pf_nat_net net[2];
    unsigned n = networks(c, net);
    *out = (struct nat_kernel_facts){
        .may_configure = pf_can(PF_CAP_TAP),
        .has_nft = pf_nat_available(),
        .forwards4 = pf_ip_forwarding(4),
        .forwards6 = pf_ip_forwarding(6),
    };
    out->overlaps4 = pf_net_route_overlaps(4, net[0].addr, net[0].len, out->via4);
    out->overlaps6 = n > 1 && pf_net_route_overlaps(6, net[1].addr, net[1].len, out->via6);
}

static bool
set_up(struct nat_kernel *k, const struct vhost_config *c, GError **error)
{
    struct pf_nat_net net[2];
    unsigned n = networks(c, net);
    struct pf_vnic *tun = pf_tun_open("penat%d", error);
    if (!tun)
        return false;
    k->io.link = (struct bridge_link){
        .ops = &tun_ops, .handle = tun, .fd = pf_vnic_fd(tun), .offload = pf_vnic_has_offload(tun)};
    (void)g_strlcpy(k->name, pf_vnic_name(tun), sizeof(k->name));
    /* The rules first: without them packets would leave with addresses of the hub. */
    if (!pf_nat_masquerade(k->name, net, n, error) || !pf_net_link_mtu(k->name, c->mtu, error) ||
        !pf_net_link_up(k->name, true, error))
        return false;
    for (unsigned i = 0; i < n; i++) {
        struct pf_route r = {.family = net[i].family, .dst_len = net[i].len};
        memcpy(r.dst, net[i].addr, sizeof(r.dst));
        if (!pf_net_route_add(k->name, &r, error))
            return false;
    }
    return true;
}

void
nat_kernel_free(struct nat_kernel *k)
{
    g_autoptr(GError) error = NULL;
    if (!k)
        return;
    bridge_io_done(&k->io);
    if (k->name[0] != '\0' && !pf_nat_remove(k->name, &error))
        log_warning("table of a virtual host is left behind", "adapter=%s why=%s", k->name,
                    error->message);
    g_free(k);
}

bool
nat_kernel_new(struct vhost *v, const struct vhost_config *config, struct nat_kernel **out,
               char why[NAT_WHY], GError **error)
{
    struct nat_kernel_facts facts = {0};
    g_autoptr(GError) problem = NULL;
    bool must = config->use_nat && config->nat_mode == VHOST_NAT_KERNEL;
    *out = NULL;
    if (config->use_nat && config->nat_mode != VHOST_NAT_USER)
        look_at_host(config, &facts);
    if (nat_kernel_decide(config, &facts, why)) {
        struct nat_kernel *k = g_new0(struct nat_kernel, 1);
        k->v = v;
        k->io.link.fd = -1;
        random_bytes(k->secret, sizeof(k->secret));
        if (set_up(k, config, &problem)) {
            *out = k;
            return true;
        }
        nat_kernel_free(k);
        (void)g_strlcpy(why, problem->message, NAT_WHY);
    }
    if (!must)
        return true;
    g_set_error(error, PE_ERROR, PE_NOT_SUPPORTED, "NAT by the kernel is not possible: %s", why);
    return false;
}
