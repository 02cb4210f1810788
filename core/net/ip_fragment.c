/* SPDX-License-Identifier: Apache-2.0 */
/* ip_fragment.c - fragments put together; see ip_fragment.h. Cutting is in ip_split.c.
 *
 * Frames are kept as they came, in order, and copied once, when nothing is missing. A datagram that
 * was given up stays as a grave until its time is over, so that its later fragments do not begin
 * another.
 */

#include "core/net/ip_fragment.h"

#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/wire.h"

#include <glib.h>

#include <string.h>

enum { LONGEST = 65535, FRAGMENT_HEADER = 8, ECN_NOT = 0, ECN_CE = 3 };

/* One fragment, as its headers have it. */
struct piece {
    struct frame *frame;
    const uint8_t *body;
    uint32_t offset;
    uint32_t len;
    uint32_t head_len; /* what stands before the body, without IPv6's fragment header */
    uint16_t next_at;  /* IPv6: where in the head the kind of the fragment header stands */
    bool more;
};

struct key {
    const void *sender;
    uint8_t src[16], dst[16];
    uint32_t id;
    uint8_t family;
    uint8_t proto; /* IPv4: fragments of other protocols are others'. IPv6: 0 */
};

struct datagram {
    struct datagram *newer; /* in order of deadlines */
    struct key key;
    int64_t deadline_us;
    bool dead;
    uint8_t ecn;   /* a bit for each codepoint that came (RFC 3168, 5.3) */
    uint8_t proto; /* IPv6: what follows the fragment header of the first */
    uint32_t end;  /* 0: the last one is missing */
    uint32_t got;
    uint32_t bytes; /* of the frames */
    unsigned n;
    struct piece pieces[IP_REASSEMBLY_FRAGMENTS]; /* by offset */
};

struct ip_reassembly {
    struct frame_pool *pool;
    struct datagram *oldest, *newest;
    struct datagram *spare; /* one, so that the usual case allocates nothing */
    unsigned n;
    size_t bytes;
    struct ip_reassembly_stats stats;
};

struct ip_reassembly *
ip_reassembly_new(struct frame_pool *pool)
{
    struct ip_reassembly *r = g_new0(struct ip_reassembly, 1);

    r->pool = pool;
    return r;
}

/* ---- datagrams ---- */

static void
drop_pieces(struct ip_reassembly *r, struct datagram *d)
{
    for (unsigned i = 0; i < d->n; i++)
        frame_free(d->pieces[i].frame);
    r->bytes -= d->bytes;
    d->n = 0;
    d->bytes = 0;
}

static void
bury(struct ip_reassembly *r, struct datagram *d)
{
    drop_pieces(r, d);
    d->dead = true;
}

/* Takes a datagram out; at is where it hangs, before is what is older. */
static void
remove_at(struct ip_reassembly *r, struct datagram **at, struct datagram *before)
{
    struct datagram *d = *at;

    *at = d->newer;
    if (r->newest == d)
        r->newest = before;
    drop_pieces(r, d);
    r->n--;
    g_free(r->spare);
    r->spare = d;
}

static void
remove_datagram(struct ip_reassembly *r, const struct datagram *d)
{
    struct datagram *before = NULL;

    for (struct datagram **at = &r->oldest; *at; at = &(*at)->newer) {
        if (*at == d) {
            remove_at(r, at, before);
            return;
        }
        before = *at;
    }
}

void
ip_reassembly_forget(struct ip_reassembly *r, const void *sender)
{
    struct datagram *before = NULL;
    struct datagram **at = &r->oldest;

    while (*at) {
        if ((*at)->key.sender == sender) {
            remove_at(r, at, before);
        } else {
            before = *at;
            at = &before->newer;
        }
    }
}

void
ip_reassembly_free(struct ip_reassembly *r)
{
    if (!r)
        return;
    while (r->oldest)
        remove_at(r, &r->oldest, NULL);
    g_free(r->spare);
    g_free(r);
}

int64_t
ip_reassembly_deadline(const struct ip_reassembly *r)
{
    return r->oldest ? r->oldest->deadline_us : INT64_MAX;
}

void
ip_reassembly_expire(struct ip_reassembly *r, int64_t now_us)
{
    while (r->oldest && r->oldest->deadline_us <= now_us) {
        r->stats.expired += !r->oldest->dead;
        remove_at(r, &r->oldest, NULL);
    }
}

unsigned
ip_reassembly_unfinished(const struct ip_reassembly *r)
{
    return r->n;
}

const struct ip_reassembly_stats *
ip_reassembly_stats(const struct ip_reassembly *r)
{
    return &r->stats;
}

/* ---- limits ---- */

struct usage {
    unsigned n;
    size_t bytes;
    struct datagram *oldest;
};

/* What a sender has, apart from one datagram. */
static struct usage
usage_of(const struct ip_reassembly *r, const void *sender, const struct datagram *but)
{
    struct usage u = {0};

    for (struct datagram *d = r->oldest; d; d = d->newer) {
        if (d->key.sender != sender || d == but)
            continue;
        u.oldest = u.oldest ? u.oldest : d;
        u.n++;
        u.bytes += d->bytes;
    }
    return u;
}

/* Room for one more frame of the sender, with d to be kept (NULL: and for one more datagram). */
static bool
make_room(struct ip_reassembly *r, const void *sender, const struct datagram *d, size_t size)
{
    size_t own = d ? d->bytes : 0;
    struct usage u = usage_of(r, sender, d);

    while (u.oldest &&
           (u.n + 1 > IP_REASSEMBLY_SENDER || u.bytes + own + size > IP_REASSEMBLY_SENDER_BYTES)) {
        r->stats.crowded++;
        remove_datagram(r, u.oldest);
        u = usage_of(r, sender, d);
    }
    return own + size <= IP_REASSEMBLY_SENDER_BYTES && r->bytes + size <= IP_REASSEMBLY_BYTES &&
           (d || r->n < IP_REASSEMBLY_DATAGRAMS);
}

static struct datagram *
find(const struct ip_reassembly *r, const struct key *key)
{
    for (struct datagram *d = r->oldest; d; d = d->newer) {
        if (d->key.id == key->id && d->key.sender == key->sender && d->key.family == key->family &&
            d->key.proto == key->proto && memcmp(d->key.src, key->src, 16) == 0 &&
            memcmp(d->key.dst, key->dst, 16) == 0)
            return d;
    }
    return NULL;
}

static struct datagram *
add_datagram(struct ip_reassembly *r, const struct key *key, int64_t now_us)
{
    struct datagram *d = r->spare ? r->spare : g_new(struct datagram, 1);

    r->spare = NULL;
    memset(d, 0, offsetof(struct datagram, pieces));
    d->key = *key;
    d->deadline_us = now_us + INT64_C(1000000) * IP_REASSEMBLY_S;
    *(r->newest ? &r->newest->newer : &r->oldest) = d;
    r->newest = d;
    r->n++;
    return d;
}

/* ---- putting in ---- */

enum fit { FIT_NEW, FIT_COPY, FIT_CLASH, FIT_CROWDED };

/* Where a piece belongs by its offset, *at; and whether it may be there. */
static enum fit
fit_in(const struct datagram *d, const struct piece *p, unsigned *at)
{
    uint32_t end = p->offset + p->len;
    unsigned i = d->n;

    while (i > 0 && d->pieces[i - 1].offset > p->offset)
        i--;
    *at = i;
    const struct piece *before = i > 0 ? &d->pieces[i - 1] : NULL;
    if (before && before->offset == p->offset && before->len == p->len && before->more == p->more &&
        memcmp(before->body, p->body, p->len) == 0)
        return FIT_COPY;
    if (before && before->offset + before->len > p->offset)
        return FIT_CLASH;
    if (i < d->n && end > d->pieces[i].offset)
        return FIT_CLASH;
    if (d->end != 0 && (end > d->end || !p->more))
        return FIT_CLASH;
    if (!p->more && d->n > 0 && d->pieces[d->n - 1].offset + d->pieces[d->n - 1].len > end)
        return FIT_CLASH;
    return d->n == IP_REASSEMBLY_FRAGMENTS ? FIT_CROWDED : FIT_NEW;
}

static void
put_in(struct ip_reassembly *r, struct datagram *d, const struct piece *p, unsigned at)
{
    memmove(d->pieces + at + 1, d->pieces + at, (d->n - at) * sizeof(d->pieces[0]));
    d->pieces[at] = *p;
    d->n++;
    d->got += p->len;
    d->bytes += p->frame->size;
    r->bytes += p->frame->size;
    if (!p->more)
        d->end = p->offset + p->len;
}

/* ---- the whole ---- */

static void
finish_ip4(uint8_t *head, uint32_t head_len, size_t len)
{
    wire_put16(head + IP4_AT_LENGTH, (uint16_t)len);
    wire_put16(head + IP4_AT_FRAGMENT,
               wire_get16(head + IP4_AT_FRAGMENT) & (uint16_t) ~(IP4_MF | IP4_OFFSET));
    ip4_set_checksum(head, head_len);
}

static void
finish_ip6(uint8_t *head, const struct datagram *d, size_t len)
{
    wire_put16(head + IP6_AT_LENGTH, (uint16_t)(len - IP6_HEADER));
    head[d->pieces[0].next_at] = d->proto;
}

static void
mark_ce(uint8_t *head, uint8_t family)
{
    if (family == 4)
        head[1] |= ECN_CE;
    else
        head[1] |= ECN_CE << 4;
}

/* Nothing is missing: one frame, or NULL. */
static struct frame *
join(struct ip_reassembly *r, const struct datagram *d)
{
    uint32_t head_len = d->pieces[0].head_len;
    size_t len = head_len + d->end;
    bool congested = d->ecn & 1 << ECN_CE;

    if (len - (d->key.family == 6 ? IP6_HEADER : 0) > LONGEST ||
        (congested && (d->ecn & 1 << ECN_NOT))) {
        r->stats.malformed++;
        return NULL;
    }
    struct frame *whole = frame_new(r->pool, len);
    if (!whole) {
        r->stats.crowded++;
        return NULL;
    }
    uint8_t *head = frame_put(whole, len);
    memcpy(head, d->pieces[0].frame->data, head_len);
    for (unsigned i = 0; i < d->n; i++)
        memcpy(head + head_len + d->pieces[i].offset, d->pieces[i].body, d->pieces[i].len);
    if (congested)
        mark_ce(head, d->key.family);
    if (d->key.family == 4)
        finish_ip4(head, head_len, len);
    else
        finish_ip6(head, d, len);
    r->stats.whole++;
    return whole;
}

static struct frame *
take_piece(struct ip_reassembly *r, const struct key *key, const struct piece *p, uint8_t proto,
           int64_t now_us)
{
    struct datagram *d = find(r, key);
    uint8_t tos = key->family == 4 ? p->frame->data[1] : p->frame->data[1] >> 4;
    unsigned at = 0;

    if (d && d->dead)
        goto lost;
    if (!make_room(r, key->sender, d, p->frame->size)) {
        r->stats.crowded++;
        goto lost;
    }
    if (!d)
        d = add_datagram(r, key, now_us);
    switch (fit_in(d, p, &at)) {
    case FIT_COPY:
        goto lost;
    case FIT_CLASH:
        r->stats.overlap++;
        bury(r, d);
        goto lost;
    case FIT_CROWDED:
        r->stats.crowded++;
        bury(r, d);
        goto lost;
    case FIT_NEW:
        break;
    }
    put_in(r, d, p, at);
    d->ecn |= (uint8_t)(1 << (tos & ECN_CE));
    if (p->offset == 0)
        d->proto = proto;
    if (d->end == 0 || d->got != d->end)
        return NULL;
    struct frame *whole = join(r, d);
    remove_datagram(r, d);
    return whole;
lost:
    frame_free(p->frame);
    return NULL;
}

/* ---- headers ---- */

/* RFC 1858: a first fragment has what a filter looks at, and a second one does not replace it.
 * Also what no fragment may be: without a body, past the end of the longest packet, or of an odd
 * length with more to come. */
static bool
is_sound(const struct piece *p, uint8_t proto)
{
    uint32_t least = proto == IP_PROTO_TCP ? 16 : 8;

    if (p->len == 0 || p->offset + p->len > LONGEST || (p->more && p->len % 8 != 0))
        return false;
    if (p->offset == 0)
        return p->len >= least || !p->more;
    return proto != IP_PROTO_TCP || p->offset >= least;
}

static struct frame *
refuse(struct ip_reassembly *r, struct frame *f)
{
    r->stats.malformed++;
    frame_free(f);
    return NULL;
}

static struct frame *
take_ip4(struct ip_reassembly *r, const void *sender, struct frame *f, int64_t now_us)
{
    struct ip4 ip;

    if (ip4_parse(reader_of(f->data, f->len), &ip) != DROP_NONE || !ip4_is_fragment(&ip))
        return f;
    struct piece p = {.frame = f,
                      .body = ip.body.at,
                      .offset = (ip.fragment & IP4_OFFSET) * 8u,
                      .len = (uint32_t)ip.body.left,
                      .head_len = ip.header_len,
                      .more = ip.fragment & IP4_MF};
    struct key key = {.sender = sender, .id = ip.id, .family = 4, .proto = ip.proto};
    memcpy(key.src, f->data + IP4_AT_SRC, 4);
    memcpy(key.dst, f->data + IP4_AT_DST, 4);
    if (!is_sound(&p, ip.proto) || !ip4_checksum_is_good(f->data, ip.header_len))
        return refuse(r, f);
    return take_piece(r, &key, &p, ip.proto, now_us);
}

/* The fragment header: where it is, and what says that it is one. False: there is none, or one only
 * behind headers that are not walked over. */
static bool
find_fragment_header(const uint8_t *packet, struct reader body, size_t *at, uint16_t *next_at)
{
    const uint8_t *start = body.at;
    uint8_t kind = packet[IP6_AT_NEXT];

    *next_at = IP6_AT_NEXT;
    for (unsigned i = 0; i < IP6_EXTENSIONS_MAX; i++) {
        size_t here = IP6_HEADER + (size_t)(body.at - start);
        if (kind == IP_PROTO_FRAGMENT) {
            *at = here;
            return reader_take(&body, FRAGMENT_HEADER) != NULL;
        }
        if (kind != IP_PROTO_HOP_BY_HOP && kind != IP_PROTO_ROUTING && kind != IP_PROTO_DESTINATION)
            return false;
        kind = reader_u8(&body);
        uint8_t len = reader_u8(&body);
        *next_at = (uint16_t)here;
        if (!reader_take(&body, (size_t)len * 8 + 6))
            return false;
    }
    return false;
}

static struct frame *
take_ip6(struct ip_reassembly *r, const void *sender, struct frame *f, int64_t now_us)
{
    struct ip6 ip;
    size_t at = 0;
    uint16_t next_at = 0;

    if (ip6_parse(reader_of(f->data, f->len), &ip) != DROP_NONE ||
        !find_fragment_header(f->data, ip.body, &at, &next_at))
        return f;
    uint16_t field = wire_get16(f->data + at + 2);
    struct piece p = {.frame = f,
                      .body = f->data + at + FRAGMENT_HEADER,
                      .offset = field & 0xfff8u,
                      .len = (uint32_t)(IP6_HEADER + ip.payload_len - at - FRAGMENT_HEADER),
                      .head_len = (uint32_t)at,
                      .next_at = next_at,
                      .more = field & 1};
    struct key key = {.sender = sender, .id = wire_get32(f->data + at + 4), .family = 6};
    memcpy(key.src, ip.src, sizeof(key.src));
    memcpy(key.dst, ip.dst, sizeof(key.dst));
    if (p.offset == 0 && !p.more) { /* RFC 6946: atomic, no matter what else has its id */
        struct datagram alone = {
            .key = key, .proto = f->data[at], .end = p.len, .n = 1, .pieces[0] = p};
        struct frame *whole = join(r, &alone);
        frame_free(f);
        return whole;
    }
    if (!is_sound(&p, f->data[at]))
        return refuse(r, f);
    return take_piece(r, &key, &p, f->data[at], now_us);
}

struct frame *
ip_reassembly_take(struct ip_reassembly *r, const void *sender, struct frame *f, int64_t now_us)
{
    ip_reassembly_expire(r, now_us);
    if (f->len > 0 && f->data[0] >> 4 == 4)
        return take_ip4(r, sender, f, now_us);
    if (f->len > 0 && f->data[0] >> 4 == 6)
        return take_ip6(r, sender, f, now_us);
    return f;
}
