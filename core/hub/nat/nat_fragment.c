/* SPDX-License-Identifier: Apache-2.0 */
/* nat_fragment.c - packets of clients that come in pieces are put together again (RFC 791, 8200),
 * because a socket takes a datagram only whole.
 *
 * Bounded: NAT_FRAGMENTS packets at a time, a few for each client, for some seconds. Pieces that
 * overlap end the packet (RFC 5722), because two readers could see two different ones.
 */

#include "core/hub/nat/vhost_priv.h"
#include "core/net/wire.h"

enum {
    UNIT = 8,
    UNITS = 65536 / UNIT,
    WAIT_US = 5 * 1000 * 1000,
    CLIENT_MAX = 8,
};

struct nat_fragment {
    struct nat_key key; /* without ports */
    uint32_t id;
    int64_t started_us;
    struct frame *frame; /* owned: headers, then room for the whole */
    uint32_t head;       /* Ethernet and IP header */
    uint32_t total;      /* payload; 0: the last piece has not come yet */
    uint32_t have;
    uint8_t seen[UNITS / 8]; /* a bit for each eight bytes */
};

/* One piece. */
struct piece {
    struct nat_key key;
    uint32_t id, offset;
    bool more;
    struct reader body;
};

static bool
read4(struct reader in, struct piece *out)
{
    struct ip4 ip;
    if (ip4_parse(in, &ip) != DROP_NONE || !ip4_checksum_is_good(in.at, ip.header_len))
        return false;
    out->id = ip.id;
    out->offset = (uint32_t)(ip.fragment & IP4_OFFSET) * UNIT;
    out->more = ip.fragment & IP4_MF;
    out->body = ip.body;
    out->key.proto = ip.proto;
    return true;
}

/* Only where the fragment header comes first. */
static bool
read6(struct reader in, struct piece *out)
{
    struct ip6 ip;
    if (ip6_parse(in, &ip) != DROP_NONE || ip.next != IP_PROTO_FRAGMENT)
        return false;
    struct reader r = ip.body;
    out->key.proto = reader_u8(&r);
    (void)reader_u8(&r);
    uint16_t offset = reader_u16(&r);
    out->id = reader_u32(&r);
    out->offset = offset & 0xfff8u;
    out->more = offset & 1;
    out->body = r;
    return reader_ok(&r);
}

static bool
read_piece(const struct vhost_packet *p, struct piece *out)
{
    const struct flow *fl = &p->flow;
    struct reader in = reader_of(p->frame->data + fl->l3, fl->end - fl->l3);
    *out = (struct piece){.key = {.version = fl->version}};
    memcpy(out->key.src, fl->src, sizeof(out->key.src));
    memcpy(out->key.dst, fl->dst, sizeof(out->key.dst));
    if (!(fl->version == 4 ? read4(in, out) : read6(in, out)))
        return false;
    size_t end = out->offset + out->body.left;
    size_t head = fl->version == 4 ? IP4_HEADER : 0;
    return out->body.left > 0 && end + head <= UINT16_MAX &&
           (!out->more || out->body.left % UNIT == 0);
}

static void
give_up(struct vhost *v, unsigned i)
{
    frame_free(v->fragment[i]->frame);
    g_free(v->fragment[i]);
    v->fragment[i] = v->fragment[--v->n_fragments];
}

void
nat_fragments_forget(struct vhost *v)
{
    while (v->n_fragments > 0)
        give_up(v, 0);
}

static void
age(struct vhost *v, int64_t now_us)
{
    for (unsigned i = v->n_fragments; i > 0; i--)
        if (now_us - v->fragment[i - 1]->started_us > WAIT_US)
            give_up(v, i - 1);
}

static unsigned
find(const struct vhost *v, const struct piece *piece)
{
    unsigned i = 0;
    while (i < v->n_fragments &&
           (v->fragment[i]->id != piece->id ||
            memcmp(&v->fragment[i]->key, &piece->key, sizeof(piece->key)) != 0))
        i++;
    return i;
}

static bool
may_begin(const struct vhost *v, const struct piece *piece)
{
    unsigned mine = 0;
    for (unsigned i = 0; i < v->n_fragments; i++)
        mine += memcmp(v->fragment[i]->key.src, piece->key.src, sizeof(piece->key.src)) == 0;
    return v->n_fragments < NAT_FRAGMENTS && mine < CLIENT_MAX;
}

static bool
begin(struct vhost *v, const struct vhost_packet *p, const struct piece *piece)
{
    struct frame *f = may_begin(v, piece) ? frame_new(worker_pool(v->worker), FRAME_LARGE) : NULL;
    if (!f)
        return false;
    struct nat_fragment *g = g_new0(struct nat_fragment, 1);
    g->key = piece->key;
    g->id = piece->id;
    g->started_us = p->now_us;
    g->frame = f;
    g->head = ETH_HEADER + (piece->key.version == 4 ? IP4_HEADER : IP6_HEADER);
    uint8_t *at = frame_put(f, g->head);
    memcpy(at, p->frame->data, g->head); /* lengths follow at the end */
    v->fragment[v->n_fragments++] = g;
    return true;
}

/* False: it overlaps, or contradicts what came before. */
static bool
add(struct nat_fragment *g, const struct piece *piece)
{
    uint32_t end = piece->offset + (uint32_t)piece->body.left;
    if (!piece->more) {
        if (g->total != 0)
            return false;
        g->total = end;
    }
    if (g->total != 0 && end > g->total)
        return false;
    for (uint32_t u = piece->offset / UNIT; u < (end + UNIT - 1) / UNIT; u++) {
        if (g->seen[u / 8] & 1u << u % 8)
            return false;
        g->seen[u / 8] |= (uint8_t)(1u << u % 8);
    }
    memcpy(g->frame->data + g->head + piece->offset, piece->body.at, piece->body.left);
    g->have += (uint32_t)piece->body.left;
    return true;
}

/* The packet as if it had come whole. */
static struct frame *
finish(struct vhost *v, unsigned i)
{
    struct nat_fragment *g = v->fragment[i];
    struct frame *f = g->frame;
    uint8_t *ip = f->data + ETH_HEADER;
    (void)frame_put(f, g->total);
    if (g->key.version == 4) {
        ip[0] = 0x45;
        wire_put16(ip + IP4_AT_LENGTH, (uint16_t)(IP4_HEADER + g->total));
        wire_put16(ip + IP4_AT_FRAGMENT, 0);
        ip4_set_checksum(ip, IP4_HEADER);
    } else {
        wire_put16(ip + IP6_AT_LENGTH, (uint16_t)g->total);
        ip[IP6_AT_NEXT] = g->key.proto;
    }
    g->frame = NULL;
    give_up(v, i);
    return f;
}

struct frame *
nat_fragment_received(struct vhost *v, const struct vhost_packet *p)
{
    struct piece piece;
    age(v, p->now_us);
    if (!read_piece(p, &piece)) {
        vhost_count_drop(v, DROP_MALFORMED);
        return NULL;
    }
    unsigned i = find(v, &piece);
    if (i == v->n_fragments && !begin(v, p, &piece)) {
        vhost_count_drop(v, DROP_NO_BUFFER);
        return NULL;
    }
    struct nat_fragment *g = v->fragment[i];
    if (!add(g, &piece)) {
        vhost_count_drop(v, DROP_MALFORMED);
        give_up(v, i);
        return NULL;
    }
    return g->total != 0 && g->have == g->total ? finish(v, i) : NULL;
}
