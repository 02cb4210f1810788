/* SPDX-License-Identifier: Apache-2.0 */
/* packet.h - makes packets for the tests of core/net, and judges packets, by code of its own.
 *
 * Slow and plain on purpose: what is tested here must not be checked by itself.
 */
#pragma once

#include "core/base/frame.h"

#include <glib.h>

#include <string.h>

/* What a packet of a test is made of; zero is a good value for most. */
struct packet {
    bool is_ip6;
    bool is_udp;
    unsigned tags;
    uint16_t id;
    uint16_t fragment; /* the IPv4 field as it is: DF and the like */
    uint8_t tos;
    uint8_t ttl;
    uint16_t sport; /* dport is 443 */
    uint32_t seq;
    uint32_t ack;
    uint8_t flags;
    uint16_t window;
    const uint8_t *options; /* of TCP, a multiple of four */
    size_t options_len;
    const uint8_t *payload;
    size_t payload_len;
    size_t padding; /* behind the packet */
};

static inline uint32_t
slow_sum(uint32_t sum, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* The transport checksum's sum, with the pseudo header of the IP header at ip. */
static inline uint32_t
slow_transport_sum(const uint8_t *ip, uint8_t proto, const uint8_t *l4, size_t len)
{
    uint32_t sum = ip[0] >> 4 == 4 ? slow_sum(0, ip + 12, 8) : slow_sum(0, ip + 8, 32);
    return slow_sum(sum + proto + (uint32_t)(len >> 16) + (uint32_t)(len & 0xffff), l4, len);
}

static inline uint8_t *
put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
    return p + 2;
}

static inline uint8_t *
put32(uint8_t *p, uint32_t v)
{
    return put16(put16(p, v >> 16), v & 0xffff);
}

static inline uint8_t *
packet_ip(const struct packet *s, uint8_t *p, size_t l4_len)
{
    uint8_t *ip = p;
    uint8_t proto = s->is_udp ? 17 : 6;

    if (s->is_ip6) {
        p = put32(p, 0x60000000u | (uint32_t)s->tos << 20 | 0x12345);
        p = put16(p, (uint32_t)l4_len);
        *p++ = proto;
        *p++ = s->ttl ? s->ttl : 64;
        for (unsigned i = 0; i < 32; i++)
            *p++ = (uint8_t)(i < 16 ? 0xfd : 0xfe - i);
        return p;
    }
    p = put16(p, 0x4500u | s->tos);
    p = put16(p, (uint32_t)(20 + l4_len));
    p = put16(p, s->id);
    p = put16(p, s->fragment);
    *p++ = s->ttl ? s->ttl : 64;
    *p++ = proto;
    p = put16(p, 0);
    p = put32(p, 0x0a000001);
    p = put32(p, 0x0a0000fe);
    put16(ip + 10, ~slow_sum(0, ip, 20));
    return p;
}

static inline uint8_t *
packet_l4(const struct packet *s, uint8_t *p)
{
    p = put16(p, s->sport);
    p = put16(p, 443);
    if (s->is_udp) {
        p = put16(p, (uint32_t)(8 + s->payload_len));
        return put16(p, 0);
    }
    p = put32(p, s->seq);
    p = put32(p, s->ack);
    *p++ = (uint8_t)((20 + s->options_len) / 4 << 4);
    *p++ = s->flags;
    p = put16(p, s->window);
    p = put32(p, 0);
    if (s->options_len > 0)
        memcpy(p, s->options, s->options_len);
    return p + s->options_len;
}

/* A frame whose buffer ends where the packet ends: ASan guards it. Free with g_free. */
static inline struct frame *
frame_exact(const void *bytes, size_t len)
{
    struct frame *f = g_malloc0(sizeof *f + len);
    f->data = f->buf;
    f->len = (uint32_t)len;
    f->size = (uint32_t)len;
    atomic_init(&f->refs, 1);
    if (len > 0 && bytes)
        memcpy(f->data, bytes, len);
    return f;
}

/* With all checksums complete. */
static inline struct frame *
packet_make(const struct packet *s)
{
    static const uint8_t addresses[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
    size_t l4_len = (s->is_udp ? 8 : 20 + s->options_len) + s->payload_len;
    size_t ip_len = (s->is_ip6 ? 40 : 20) + l4_len;
    struct frame *f = frame_exact(NULL, 14 + 4 * s->tags + ip_len + s->padding);
    uint8_t *p = f->data;

    memcpy(p, addresses, sizeof addresses);
    p += sizeof addresses;
    for (unsigned i = 0; i < s->tags; i++)
        p = put16(put16(p, i + 1 < s->tags ? 0x88a8 : 0x8100), 100 + i);
    p = put16(p, s->is_ip6 ? 0x86dd : 0x0800);
    uint8_t *ip = p;
    uint8_t *l4 = packet_ip(s, p, l4_len);
    p = packet_l4(s, l4);
    if (s->payload_len > 0)
        memcpy(p, s->payload, s->payload_len);
    uint32_t csum = ~slow_transport_sum(ip, s->is_udp ? 17 : 6, l4, l4_len) & 0xffff;
    put16(l4 + (s->is_udp ? 6 : 16), s->is_udp && csum == 0 ? 0xffff : csum);
    return f;
}

/* Where the transport header starts. */
static inline size_t
packet_l4_at(const struct packet *s)
{
    return 14 + 4 * s->tags + (s->is_ip6 ? 40 : 20);
}

static inline void
assert_bytes(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    g_assert_cmpuint(a_len, ==, b_len);
    for (size_t i = 0; i < a_len; i++) {
        if (a[i] != b[i])
            g_error("byte %zu of %zu is %02x instead of %02x", i, a_len, a[i], b[i]);
    }
}

/* Takes the checksum away again, as an adapter with offload leaves it. */
static inline void
packet_mark(const struct packet *s, struct frame *f, uint8_t gso_type, uint16_t gso_size)
{
    size_t l4 = packet_l4_at(s);
    const uint8_t *ip = f->data + 14 + 4 * s->tags;
    size_t len = f->len - s->padding - l4;

    f->flags = FRAME_NEEDS_CSUM;
    f->gso_type = gso_type;
    f->gso_size = gso_size;
    f->csum_start = (uint16_t)l4;
    f->csum_offset = s->is_udp ? 6 : 16;
    uint32_t sum = slow_transport_sum(ip, s->is_udp ? 17 : 6, NULL, 0) + (uint32_t)len;
    put16(f->data + l4 + f->csum_offset, (sum & 0xffff) + (sum >> 16));
}

/* Whether this is a TCP or UDP packet without extension headers, with right lengths and checksums.
 * skip_ip: do not judge the IPv4 header checksum. */
static inline bool
packet_is_sound(const uint8_t *p, size_t len, bool skip_ip)
{
    size_t at = 12;
    for (unsigned i = 0; i < 2 && len >= at + 4; i++) {
        if ((p[at] == 0x81 && p[at + 1] == 0) || (p[at] == 0x88 && p[at + 1] == 0xa8))
            at += 4;
    }
    at += 2;
    if (len < at + 40)
        return len >= at + 28 && p[at] >> 4 == 4 && p[at + 9] == 17
                   ? slow_transport_sum(p + at, 17, p + at + 20, len - at - 20) == 0xffff
                   : false;
    const uint8_t *ip = p + at;
    bool is_ip6 = ip[0] >> 4 == 6;
    size_t header = is_ip6 ? 40 : (size_t)(ip[0] & 15) * 4;
    size_t ip_len = is_ip6 ? 40 + ((size_t)ip[4] << 8 | ip[5]) : ((size_t)ip[2] << 8 | ip[3]);
    uint8_t proto = is_ip6 ? ip[6] : ip[9];

    if (ip_len > len - at || ip_len < header || (proto != 6 && proto != 17))
        return false;
    if (!is_ip6 && !skip_ip && slow_sum(0, ip, header) != 0xffff)
        return false;
    if (proto == 17 && ((size_t)ip[header + 4] << 8 | ip[header + 5]) != ip_len - header)
        return false;
    return slow_transport_sum(ip, proto, ip + header, ip_len - header) == 0xffff;
}
