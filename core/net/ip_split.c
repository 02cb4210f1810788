/* SPDX-License-Identifier: Apache-2.0 */
/* ip_split.c - long packets cut into fragments; see ip_fragment.h. */

#include "core/net/ip4.h"
#include "core/net/ip6.h"
#include "core/net/ip_fragment.h"
#include "core/net/wire.h"

#include <string.h>

enum { FRAGMENT_HEADER = 8, OPTION_END = 0, OPTION_NOP = 1, OPTION_COPIED = 0x80 };

/* Room for payload behind the header; 0: not even eight bytes. */
static size_t
room(size_t mtu, size_t header_len)
{
    return mtu < header_len + 8 ? 0 : (mtu - header_len) / 8 * 8;
}

static enum drop
begin_ip4(struct ip_split *s, struct reader packet, size_t mtu)
{
    struct ip4 ip;
    enum drop why = ip4_parse(packet, &ip);

    if (why != DROP_NONE)
        return why;
    memcpy(s->header, packet.at, ip.header_len);
    s->version = 4;
    s->header_len = ip.header_len;
    s->left = ip.body;
    s->offset = (ip.fragment & IP4_OFFSET) * 8u;
    s->more = ip.fragment & IP4_MF;
    if (ip.total_len <= mtu) {
        s->most = ip.body.left;
        return DROP_NONE;
    }
    s->most = room(mtu, ip.header_len);
    return s->most == 0 || (ip.fragment & IP4_DF) ? DROP_MTU : DROP_NONE;
}

/* The end of what each fragment repeats: hop-by-hop options, and all up to a routing header; with a
 * fragment header behind it, it is still walked over.
 * *next_at: where the kind of what follows stands. */
static size_t
unfragmentable(struct reader body, uint8_t kind, const uint8_t *packet, size_t *next_at)
{
    size_t end = IP6_HEADER;

    *next_at = IP6_AT_NEXT;
    for (unsigned i = 0; i < IP6_EXTENSIONS_MAX - 1; i++) {
        size_t here = (size_t)(body.at - packet);
        bool ends = kind == IP_PROTO_HOP_BY_HOP || kind == IP_PROTO_ROUTING;
        if (!ends && kind != IP_PROTO_DESTINATION)
            break;
        kind = reader_u8(&body);
        uint8_t len = reader_u8(&body);
        if (!reader_take(&body, (size_t)len * 8 + 6))
            break;
        if (ends) {
            end = (size_t)(body.at - packet);
            *next_at = here;
        }
    }
    return end;
}

static enum drop
begin_ip6(struct ip_split *s, struct reader packet, size_t mtu, uint32_t id)
{
    struct ip6 ip;
    size_t next_at;
    enum drop why = ip6_parse(packet, &ip);

    if (why != DROP_NONE)
        return why;
    size_t total = IP6_HEADER + ip.payload_len;
    s->version = 6;
    s->header_len = IP6_HEADER;
    s->left = ip.body;
    if (total <= mtu) {
        memcpy(s->header, packet.at, IP6_HEADER);
        s->most = ip.body.left;
        return DROP_NONE;
    }
    struct ip6_upper upper;
    size_t head = unfragmentable(ip.body, ip.next, packet.at, &next_at);
    if (head + FRAGMENT_HEADER > sizeof(s->header))
        return DROP_MALFORMED;
    s->most = room(mtu, head + FRAGMENT_HEADER);
    why = ip6_walk(&ip, &upper);
    if (why != DROP_NONE)
        return why;
    if (s->most == 0 || upper.is_fragment)
        return DROP_MTU;
    uint8_t *fragment = s->header + head;
    memcpy(s->header, packet.at, head);
    fragment[0] = s->header[next_at];
    fragment[1] = 0;
    wire_put32(fragment + 4, id);
    s->header[next_at] = IP_PROTO_FRAGMENT;
    s->header_len = head + FRAGMENT_HEADER;
    (void)reader_take(&s->left, head - IP6_HEADER);
    return DROP_NONE;
}

enum drop
ip_split_begin(struct ip_split *s, struct reader packet, size_t mtu, uint32_t id)
{
    *s = (struct ip_split){.first = true};
    if (packet.left == 0)
        return DROP_SHORT;
    return packet.at[0] >> 4 == 6 ? begin_ip6(s, packet, mtu, id) : begin_ip4(s, packet, mtu);
}

/* RFC 791, 3.1: of the options only those marked so are in the later fragments. Others become
 * "no operation"; the header stays as long as it is. */
static void
blank_options(struct ip_split *s)
{
    size_t at = IP4_HEADER;

    while (at < s->header_len && s->header[at] != OPTION_END) {
        uint8_t kind = s->header[at];
        size_t len = 1;
        if (kind != OPTION_NOP)
            len = at + 1 < s->header_len ? s->header[at + 1] : 0;
        if (len == 0 || len > s->header_len - at || (kind != OPTION_NOP && len < 2)) {
            memset(s->header + at, OPTION_END, s->header_len - at);
            return;
        }
        if (!(kind & OPTION_COPIED))
            memset(s->header + at, OPTION_NOP, len);
        at += len;
    }
}

static void
write_ip4(struct ip_split *s, size_t len, bool more)
{
    uint16_t keep = wire_get16(s->header + IP4_AT_FRAGMENT) & (IP4_RESERVED | IP4_DF);

    wire_put16(s->header + IP4_AT_LENGTH, (uint16_t)(s->header_len + len));
    wire_put16(s->header + IP4_AT_FRAGMENT, (uint16_t)(keep | (more ? IP4_MF : 0) | s->offset / 8));
    ip4_set_checksum(s->header, (unsigned)s->header_len);
}

static void
write_ip6(struct ip_split *s, size_t len, bool more)
{
    uint8_t *fragment = s->header + s->header_len - FRAGMENT_HEADER;

    wire_put16(s->header + IP6_AT_LENGTH, (uint16_t)(s->header_len - IP6_HEADER + len));
    wire_put16(fragment + 2, (uint16_t)(s->offset | more));
}

bool
ip_split_next(struct ip_split *s, struct reader *payload)
{
    if (!s->first && s->left.left == 0)
        return false;
    bool whole = s->first && s->left.left <= s->most;
    size_t len = s->left.left < s->most ? s->left.left : s->most;
    *payload = reader_sub(&s->left, len);
    bool more = s->left.left > 0 || s->more;

    if (!s->first && s->version == 4)
        blank_options(s);
    if (!whole && s->version == 4)
        write_ip4(s, len, more);
    else if (!whole)
        write_ip6(s, len, more);
    s->first = false;
    s->offset += (uint32_t)len;
    return true;
}
