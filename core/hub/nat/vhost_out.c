/* SPDX-License-Identifier: Apache-2.0 */
/* vhost_out.c - frames that the virtual host sends: their headers, and when they go. */

#include "core/hub/nat/vhost_priv.h"
#include "core/net/checksum.h"

enum { FRAGMENT_UNIT = 8, IP6_FRAGMENT_HEADER = 8 };

void
vhost_count_drop(struct vhost *v, enum drop why)
{
    if (v->port)
        hub_port_count_drop(v->port, why, 1);
}

/* ---- headers ---- */

static size_t
ip_header_len(const struct vhost_route *r)
{
    return r->src->family == 4 ? IP4_HEADER : IP6_HEADER;
}

static void
write_ip4(struct writer *w, const struct vhost_route *r, size_t len, uint16_t id, uint16_t fragment)
{
    struct ip4 ip = {
        .ttl = r->ttl ? r->ttl : IP4_TTL,
        .proto = r->proto,
        .total_len = (uint16_t)(IP4_HEADER + len),
        .id = id,
        .fragment = fragment,
        .src = ip_to_v4(r->src),
        .dst = ip_to_v4(r->dst),
    };
    ip4_write(w, &ip);
}

static void
write_ip6(struct writer *w, const struct vhost_route *r, size_t len, uint8_t next)
{
    struct ip6 ip = {
        .next = next,
        .hop_limit = r->ttl ? r->ttl : IP4_TTL,
        .payload_len = (uint16_t)len,
    };
    memcpy(ip.src, r->src->b, sizeof(ip.src));
    memcpy(ip.dst, r->dst->b, sizeof(ip.dst));
    ip6_write(w, &ip);
}

static void
write_head(struct vhost *v, struct writer *w, const struct vhost_route *r, size_t len)
{
    bool is4 = r->src->family == 4;
    eth_write(w, r->mac, &v->config.mac, is4 ? ETH_TYPE_IP4 : ETH_TYPE_IP6);
    if (is4)
        write_ip4(w, r, len, 0, IP4_DF);
    else
        write_ip6(w, r, len, r->proto);
}

struct frame *
vhost_frame_new(struct vhost *v, const struct vhost_route *r, size_t len, uint8_t **l4)
{
    size_t head = ETH_HEADER + ip_header_len(r);
    struct frame *f = frame_new(worker_pool(v->worker), head + len);
    uint8_t *at = f ? frame_put(f, head + len) : NULL;
    if (!at) {
        frame_free(f);
        vhost_count_drop(v, DROP_NO_BUFFER);
        return NULL;
    }
    struct writer w = writer_of(at, head);
    write_head(v, &w, r, len);
    *l4 = at + head;
    return f;
}

bool
vhost_frame_head(struct vhost *v, struct frame *f, const struct vhost_route *r, size_t len)
{
    size_t head = ETH_HEADER + ip_header_len(r);
    uint8_t *at = frame_push(f, head);
    if (!at)
        return false;
    struct writer w = writer_of(at, head);
    write_head(v, &w, r, len);
    return true;
}

uint64_t
vhost_pseudo(const struct vhost_route *r, size_t len)
{
    if (r->src->family == 4)
        return csum_pseudo4(r->src->b, r->dst->b, r->proto, (uint16_t)len);
    return csum_pseudo6(r->src->b, r->dst->b, r->proto, (uint32_t)len);
}

/* ---- datagrams ---- */

/* One fragment of what lies in whole; IPv6 has a header of its own for it (RFC 8200, 4.5). */
static void
send_fragment(struct vhost *v, const struct vhost_route *r, struct reader part, size_t offset,
              bool more, uint32_t id)
{
    bool is4 = r->src->family == 4;
    size_t extra = is4 ? 0 : IP6_FRAGMENT_HEADER;
    size_t len = ETH_HEADER + ip_header_len(r) + extra + part.left;
    struct frame *f = frame_new(worker_pool(v->worker), len);
    uint8_t *at = f ? frame_put(f, len) : NULL;
    if (!at) {
        frame_free(f);
        vhost_count_drop(v, DROP_NO_BUFFER);
        return;
    }
    struct writer w = writer_of(at, len);
    eth_write(&w, r->mac, &v->config.mac, is4 ? ETH_TYPE_IP4 : ETH_TYPE_IP6);
    if (is4) {
        write_ip4(&w, r, part.left, (uint16_t)id,
                  (uint16_t)(offset / FRAGMENT_UNIT | (more ? IP4_MF : 0)));
    } else {
        write_ip6(&w, r, extra + part.left, IP_PROTO_FRAGMENT);
        writer_u8(&w, r->proto);
        writer_u8(&w, 0);
        writer_u16(&w, (uint16_t)(offset | (more ? 1 : 0)));
        writer_u32(&w, id);
    }
    writer_bytes(&w, part.at, part.left);
    vhost_send(v, f);
}

static void
send_in_fragments(struct vhost *v, const struct vhost_route *r, struct reader whole)
{
    size_t room = v->config.mtu - ip_header_len(r);
    if (r->src->family == 6)
        room -= IP6_FRAGMENT_HEADER;
    room -= room % FRAGMENT_UNIT;
    uint32_t id = ++v->next_id;
    size_t offset = 0;
    while (whole.left > 0) {
        size_t len = MIN(room, whole.left);
        struct reader part = reader_sub(&whole, len);
        send_fragment(v, r, part, offset, whole.left > 0, id);
        offset += len;
    }
}

void
vhost_send_ip(struct vhost *v, const struct vhost_route *r, struct reader whole)
{
    uint8_t *l4 = NULL;
    if (ip_header_len(r) + whole.left > v->config.mtu) {
        send_in_fragments(v, r, whole);
        return;
    }
    struct frame *f = vhost_frame_new(v, r, whole.left, &l4);
    if (!f)
        return;
    memcpy(l4, whole.at, whole.left);
    vhost_send(v, f);
}

void
vhost_send_udp(struct vhost *v, const struct vhost_route *r, uint16_t sport, uint16_t dport,
               struct reader payload)
{
    size_t len = UDP_HEADER + payload.left;
    struct udp udp = {.sport = sport, .dport = dport, .body = payload};
    uint8_t *room = worker_scratch(v->worker, WORKER_SCRATCH_WORK);
    struct writer w = writer_of(room, WORKER_SCRATCH);
    if (len > UINT16_MAX)
        return;
    udp_write(&w, &udp, vhost_pseudo(r, len));
    vhost_send_ip(v, r, reader_of(room, w.len));
}

void
vhost_send_icmp(struct vhost *v, const struct vhost_route *r, const struct icmp *icmp)
{
    size_t len = ICMP_HEADER + icmp->body.left;
    uint8_t *room = worker_scratch(v->worker, WORKER_SCRATCH_WORK);
    struct writer w = writer_of(room, WORKER_SCRATCH);
    icmp_write(&w, icmp, r->src->family == 4 ? 0 : vhost_pseudo(r, len));
    vhost_send_ip(v, r, reader_of(room, w.len));
}

/* ---- when they go ---- */

void
vhost_send(struct vhost *v, struct frame *f)
{
    if (v->n_out == VHOST_OUT_MAX || !v->port) { /* all of it is on the stack above */
        vhost_count_drop(v, DROP_QUEUE_FULL);
        frame_free(f);
        return;
    }
    v->out[v->n_out++] = f;
    if (v->n_out >= VHOST_OUT_SOON && !v->is_flushing)
        vhost_flush(v, worker_now_us(v->worker));
    else
        worker_defer(v->worker, &v->flush);
}

void
vhost_flush(struct vhost *v, int64_t now_us)
{
    if (v->is_flushing)
        return;
    v->is_flushing = true;
    unsigned at = 0;
    while (at < v->n_out) {
        struct batch b = {.n = 0};
        while (at < v->n_out && !batch_is_full(&b))
            batch_add(&b, v->out[at++]);
        if (v->port)
            hub_port_receive(v->port, &b, now_us);
        else
            batch_free_frames(&b);
    }
    v->n_out = 0;
    v->is_flushing = false;
}
