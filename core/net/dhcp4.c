/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp4.c - see dhcp4.h. */

#include "core/net/dhcp4.h"

#include "core/net/checksum.h"
#include "core/net/eth.h"
#include "core/net/flow.h"
#include "core/net/ip4.h"
#include "core/net/udp.h"

#include <glib.h>

#include <string.h>

#define MAGIC UINT32_C(0x63825363) /* RFC 2131, 3 */

enum { BOOTREQUEST = 1, BOOTREPLY = 2, HTYPE_ETHERNET = 1, FLAG_BROADCAST = 0x8000 };
enum { PART_MAX = 255, OPT_PAD = 0, OPT_END = 255, SNAME = 64, FILE_NAME = 128 };
enum { ROUTE_MAX = 9, OVERLOAD_FILE = 1, OVERLOAD_SNAME = 2 };

/* ---- options ---- */

/* The next option of a field. False at the end, and at the first bad one: ask reader_ok(). */
static bool
next_option(struct reader *r, uint8_t *code, struct reader *value)
{
    do {
        if (r->left == 0)
            return false;
        *code = reader_u8(r);
    } while (*code == OPT_PAD);
    if (*code == OPT_END)
        return false;
    uint8_t len = reader_u8(r);
    *value = reader_sub(r, len);
    return reader_ok(r);
}

/* Appends the parts of an option in one field. False when it does not fit. */
static bool
join(struct reader field, uint8_t wanted, uint8_t *out, size_t cap, size_t *len, bool *found)
{
    uint8_t code = 0;
    struct reader value;

    while (next_option(&field, &code, &value)) {
        if (code != wanted)
            continue;
        *found = true;
        if (value.left > cap - *len)
            return false;
        if (value.left > 0)
            memcpy(out + *len, value.at, value.left);
        *len += value.left;
    }
    return true;
}

int
dhcp4_option(const struct dhcp4_message *m, uint8_t code, uint8_t *out, size_t cap)
{
    size_t len = 0;
    bool found = false;

    /* RFC 3396, 5: options field, then file, then sname */
    if (!join(m->options, code, out, cap, &len, &found) ||
        !join(m->file, code, out, cap, &len, &found) ||
        !join(m->sname, code, out, cap, &len, &found) || !found)
        return -1;
    return (int)len;
}

bool
dhcp4_option_u32(const struct dhcp4_message *m, uint8_t code, uint32_t *out)
{
    uint8_t bytes[4];

    if (dhcp4_option(m, code, bytes, sizeof(bytes)) != 4)
        return false;
    struct reader r = reader_of(bytes, sizeof(bytes));
    *out = reader_u32(&r);
    return true;
}

unsigned
dhcp4_option_addresses(const struct dhcp4_message *m, uint8_t code, uint32_t *out, unsigned max)
{
    uint8_t bytes[DHCP4_OPTION_MAX];
    int len = dhcp4_option(m, code, bytes, sizeof(bytes));
    unsigned n = 0;

    if (len <= 0 || len % 4 != 0)
        return 0;
    struct reader r = reader_of(bytes, (size_t)len);
    while (r.left > 0 && n < max)
        out[n++] = reader_u32(&r);
    return n;
}

/* One descriptor: width, as many bytes of the destination as the width needs, router. */
static bool
next_route(struct reader *r, struct dhcp4_route *out)
{
    uint8_t len = reader_u8(r);
    uint8_t dst[4] = {0};

    if (len > 32)
        return false;
    reader_copy(r, dst, (len + 7u) / 8u);
    uint32_t via = reader_u32(r);
    struct reader d = reader_of(dst, sizeof(dst));
    uint32_t mask = len == 0 ? 0 : UINT32_MAX << (32 - len);
    *out = (struct dhcp4_route){.dst = reader_u32(&d) & mask, .len = len, .via = via};
    return reader_ok(r);
}

unsigned
dhcp4_option_routes(const struct dhcp4_message *m, struct dhcp4_route out[DHCP4_ROUTES_MAX])
{
    uint8_t bytes[DHCP4_OPTION_MAX];
    int len = dhcp4_option(m, DHCP4_OPT_ROUTES, bytes, sizeof(bytes));
    unsigned n = 0;

    if (len <= 0)
        return 0;
    struct reader r = reader_of(bytes, (size_t)len);
    while (r.left > 0 && n < DHCP4_ROUTES_MAX) {
        if (!next_route(&r, &out[n++]))
            return 0;
    }
    return n;
}

/* ---- messages ---- */

static bool
field_is_sound(struct reader field)
{
    uint8_t code = 0;
    struct reader value;

    while (next_option(&field, &code, &value))
        continue;
    return reader_ok(&field);
}

enum drop
dhcp4_parse(struct reader in, struct dhcp4_message *out)
{
    struct dhcp4_message m = {0};

    uint8_t op = reader_u8(&in);
    uint8_t htype = reader_u8(&in);
    uint8_t hlen = reader_u8(&in);
    (void)reader_u8(&in); /* hops */
    m.xid = reader_u32(&in);
    m.secs = reader_u16(&in);
    m.broadcast = reader_u16(&in) & FLAG_BROADCAST;
    m.ciaddr = reader_u32(&in);
    m.yiaddr = reader_u32(&in);
    m.siaddr = reader_u32(&in);
    m.giaddr = reader_u32(&in);
    reader_copy(&in, m.chaddr.b, sizeof(m.chaddr.b));
    (void)reader_take(&in, 10); /* the rest of chaddr */
    struct reader sname = reader_sub(&in, SNAME);
    struct reader file = reader_sub(&in, FILE_NAME);
    uint32_t magic = reader_u32(&in);
    if (!reader_ok(&in))
        return DROP_SHORT;
    if ((op != BOOTREQUEST && op != BOOTREPLY) || htype != HTYPE_ETHERNET || hlen != 6 ||
        magic != MAGIC)
        return DROP_MALFORMED;
    m.reply = op == BOOTREPLY;
    m.options = in;
    m.file = m.sname = reader_of(NULL, 0);
    if (!field_is_sound(m.options))
        return DROP_MALFORMED;

    uint8_t overload = 0;
    uint8_t type = 0;
    if (dhcp4_option(&m, DHCP4_OPT_OVERLOAD, &overload, 1) == 1) {
        if (overload & OVERLOAD_FILE)
            m.file = file;
        if (overload & OVERLOAD_SNAME)
            m.sname = sname;
        if (!field_is_sound(m.file) || !field_is_sound(m.sname))
            return DROP_MALFORMED;
    }
    if (dhcp4_option(&m, DHCP4_OPT_TYPE, &type, 1) != 1 || type < DHCP4_DISCOVER ||
        type > DHCP4_INFORM)
        return DROP_MALFORMED;
    m.type = (enum dhcp4_type)type;
    *out = m;
    return DROP_NONE;
}

void
dhcp4_write_header(struct writer *w, const struct dhcp4_message *m)
{
    uint8_t type = (uint8_t)m->type;

    writer_u8(w, m->reply ? BOOTREPLY : BOOTREQUEST);
    writer_u8(w, HTYPE_ETHERNET);
    writer_u8(w, sizeof(m->chaddr.b));
    writer_u8(w, 0);
    writer_u32(w, m->xid);
    writer_u16(w, m->secs);
    writer_u16(w, m->broadcast ? FLAG_BROADCAST : 0);
    writer_u32(w, m->ciaddr);
    writer_u32(w, m->yiaddr);
    writer_u32(w, m->siaddr);
    writer_u32(w, m->giaddr);
    writer_bytes(w, m->chaddr.b, sizeof(m->chaddr.b));
    writer_zero(w, 10 + SNAME + FILE_NAME);
    writer_u32(w, MAGIC);
    dhcp4_write_option(w, DHCP4_OPT_TYPE, &type, 1);
}

void
dhcp4_write_option(struct writer *w, uint8_t code, const void *bytes, size_t len)
{
    struct reader left = reader_of(bytes, len);

    do { /* RFC 3396, 6: a long one in parts, which are joined again */
        size_t part = left.left < PART_MAX ? left.left : PART_MAX;
        writer_u8(w, code);
        writer_u8(w, (uint8_t)part);
        writer_bytes(w, reader_take(&left, part), part);
    } while (left.left > 0);
}

void
dhcp4_write_option_u32(struct writer *w, uint8_t code, uint32_t v)
{
    writer_u8(w, code);
    writer_u8(w, 4);
    writer_u32(w, v);
}

void
dhcp4_encode_routes(struct writer *w, const struct dhcp4_route *routes, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        writer_u8(w, routes[i].len);
        for (unsigned bit = 0; bit < routes[i].len; bit += 8)
            writer_u8(w, (uint8_t)(routes[i].dst >> (24 - bit)));
        writer_u32(w, routes[i].via);
    }
}

void
dhcp4_write_routes(struct writer *w, const struct dhcp4_route *routes, unsigned n)
{
    uint8_t bytes[DHCP4_ROUTES_MAX * ROUTE_MAX];
    struct writer list = writer_of(bytes, sizeof(bytes));

    dhcp4_encode_routes(&list, routes, MIN(n, DHCP4_ROUTES_MAX));
    dhcp4_write_option(w, DHCP4_OPT_ROUTES, bytes, list.len);
}

void
dhcp4_write_end(struct writer *w)
{
    writer_u8(w, OPT_END);
    if (w->len < DHCP4_MESSAGE_MIN)
        writer_zero(w, DHCP4_MESSAGE_MIN - w->len);
}

/* ---- frames ---- */

struct frame *
dhcp4_frame_build(struct frame_pool *pool, const struct mac *src, const struct mac *dst,
                  uint32_t src_ip, uint32_t dst_ip, struct reader payload)
{
    size_t udp_len = UDP_HEADER + payload.left;
    size_t total = ETH_HEADER + IP4_HEADER + udp_len;
    struct ip4 ip = {.header_len = IP4_HEADER,
                     .ttl = IP4_TTL,
                     .proto = IP_PROTO_UDP,
                     .total_len = (uint16_t)(IP4_HEADER + udp_len),
                     .src = src_ip,
                     .dst = dst_ip};
    struct udp udp = {.sport = DHCP4_CLIENT_PORT,
                      .dport = DHCP4_SERVER_PORT,
                      .len = (uint16_t)udp_len,
                      .body = payload};
    struct frame *f = payload.left <= DHCP4_MESSAGE_MAX ? frame_new(pool, total) : NULL;

    if (!f)
        return NULL;
    struct writer w = writer_of(f->data, total);
    writer_bytes(&w, dst->b, sizeof(dst->b));
    writer_bytes(&w, src->b, sizeof(src->b));
    writer_u16(&w, ETH_TYPE_IP4);
    ip4_write(&w, &ip);
    const uint8_t *ip_header = f->data + ETH_HEADER;
    udp_write(&w, &udp,
              csum_pseudo4(ip_header + IP4_AT_SRC, ip_header + IP4_AT_DST, IP_PROTO_UDP, udp.len));
    if (!writer_ok(&w) || !frame_put(f, w.len)) {
        frame_free(f);
        return NULL;
    }
    return f;
}

bool
dhcp4_frame_match(const struct frame *f, const struct mac *client, struct reader *payload)
{
    static const struct mac all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    struct reader r = reader_of(f->data, f->len);
    struct mac to;
    struct flow flow;
    struct udp udp;

    reader_copy(&r, to.b, sizeof(to.b));
    if (!reader_ok(&r) || (!mac_equal(&to, client) && !mac_equal(&to, &all)) || frame_is_super(f) ||
        flow_of_frame(f, &flow) != DROP_NONE || flow.version != 4 || flow.proto != IP_PROTO_UDP ||
        flow.l4 == 0 || (flow.flags & FLOW_FRAGMENT) || flow.sport != DHCP4_SERVER_PORT ||
        flow.dport != DHCP4_CLIENT_PORT)
        return false;
    r = reader_of(f->data + flow.l4, flow.end - flow.l4);
    if (udp_parse(r, &udp) != DROP_NONE)
        return false;
    *payload = udp.body;
    return true;
}
