/* SPDX-License-Identifier: Apache-2.0 */
/* frames.h - Ethernet frames for the tests of adapters and cards, and what must hold of them. */
#pragma once

#include "platform/platform.h"

#include <string.h>

enum {
    FRAME_ROOM = 65536 + 64,
    FRAME_ETHER = 14,
    FRAME_HEADERS = 14 + 20 + 20, /* Ethernet, IPv4, TCP */
    FRAME_IP_CSUM = 10,
    FRAME_TCP_CSUM = 16,
    FRAME_EXPERIMENT = 0x88b5, /* the type for local experiments */
};

static const uint8_t frame_dst[6] = {2, 0, 0, 0, 0, 2};
static const uint8_t frame_src[6] = {2, 0, 0, 0, 0, 1};

static inline void
frame_put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline unsigned
frame_get16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static inline uint32_t
frame_sum(uint32_t sum, const uint8_t *at, size_t len)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += frame_get16(at + i);
    if (len % 2 != 0)
        sum += (uint32_t)at[len - 1] << 8;
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* The sum of the pseudo header of a TCP segment in IPv4. */
static inline uint32_t
frame_pseudo(const uint8_t *ip, size_t tcp_len)
{
    return frame_sum(6 + (uint32_t)(tcp_len & 0xffff), ip + 12, 8);
}

/* A frame of the experimental type; len with the Ethernet header. */
static inline void
frame_plain(uint8_t *out, size_t len, uint8_t fill)
{
    memcpy(out, frame_dst, 6);
    memcpy(out + 6, frame_src, 6);
    frame_put16(out + 12, FRAME_EXPERIMENT);
    memset(out + FRAME_ETHER, fill, len - FRAME_ETHER);
}

/* A TCP segment over IPv4 with payload bytes of a pattern; its checksum is only begun. Returns the
 * length. */
static inline size_t
frame_tcp(uint8_t *out, size_t payload)
{
    uint8_t *ip = out + FRAME_ETHER;
    uint8_t *tcp = ip + 20;
    memset(out, 0, FRAME_HEADERS);
    memcpy(out, frame_dst, 6);
    memcpy(out + 6, frame_src, 6);
    frame_put16(out + 12, 0x0800);
    ip[0] = 0x45;
    frame_put16(ip + 2, (unsigned)(40 + payload));
    frame_put16(ip + 4, 7);
    frame_put16(ip + 6, 0x4000);
    ip[8] = 64;
    ip[9] = 6;
    static const uint8_t addresses[8] = {10, 0, 0, 1, 10, 0, 0, 2};
    memcpy(ip + 12, addresses, sizeof addresses);
    frame_put16(ip + FRAME_IP_CSUM, ~frame_sum(0, ip, 20) & 0xffff);
    frame_put16(tcp, 1000);
    frame_put16(tcp + 2, 2000);
    frame_put16(tcp + 6, 1); /* sequence number */
    tcp[12] = 5 << 4;
    tcp[13] = 0x10; /* ACK */
    frame_put16(tcp + 14, 0xffff);
    frame_put16(tcp + FRAME_TCP_CSUM, frame_pseudo(ip, 20 + payload));
    for (size_t i = 0; i < payload; i++)
        tcp[20 + i] = (uint8_t)(i * 31 + (i >> 8));
    return FRAME_HEADERS + payload;
}

/* The marks of a frame by frame_tcp(). gso_size 0: of one segment. */
static inline struct pf_offload
frame_marks(uint16_t gso_size)
{
    return (struct pf_offload){
        .flags = PF_NEEDS_CSUM,
        .gso_type = gso_size > 0 ? 1 : 0,
        .hdr_len = gso_size > 0 ? FRAME_HEADERS : 0,
        .gso_size = gso_size,
        .csum_start = FRAME_ETHER + 20,
        .csum_offset = FRAME_TCP_CSUM,
    };
}

/* Asserts that a received frame (shift: bytes of tags) is a piece of what frame_tcp() made with
 * payload bytes: right bytes for its sequence number, headers and checksum sound or marked to be
 * finished. Returns the bytes of payload in it. */
static inline size_t
frame_check_tcp(const uint8_t *frame, size_t len, const struct pf_offload *off, size_t shift)
{
    const uint8_t *ip = frame + FRAME_ETHER + shift;
    const uint8_t *tcp = ip + 20;
    g_assert_cmpuint(len, >=, FRAME_HEADERS + shift);
    size_t ip_len = frame_get16(ip + 2);
    size_t payload = ip_len - 40;
    g_assert_cmpuint(ip_len + FRAME_ETHER + shift, ==, len);
    g_assert_cmpuint(frame_sum(0, ip, 20), ==, 0xffff);

    size_t first = (frame_get16(tcp + 4) << 16 | frame_get16(tcp + 6)) - 1;
    for (size_t i = 0; i < payload; i++)
        g_assert_cmpuint(tcp[20 + i], ==, (uint8_t)((first + i) * 31 + ((first + i) >> 8)));

    if (off->flags & PF_NEEDS_CSUM) {
        g_assert_cmpuint(off->csum_start, ==, FRAME_ETHER + 20 + shift);
        g_assert_cmpuint(off->csum_offset, ==, FRAME_TCP_CSUM);
        g_assert_cmpuint(frame_get16(tcp + FRAME_TCP_CSUM), ==, frame_pseudo(ip, 20 + payload));
    } else if (off->gso_type == 0) { /* a merged frame without the mark has the first one's */
        g_assert_cmpuint(frame_sum(frame_pseudo(ip, 20 + payload), tcp, 20 + payload), ==, 0xffff);
    }
    if (off->gso_type != 0)
        g_assert_cmpuint(off->gso_size, >, 0);
    return payload;
}

/* Waits up to a second for fd to be readable. */
static inline bool
frame_wait(int fd)
{
    struct pf_poller *p = pf_poller_new(NULL);
    struct pf_event ev;
    g_assert_true(pf_poller_add(p, fd, PF_READ, NULL));
    unsigned n = pf_poller_wait(p, &ev, 1, G_USEC_PER_SEC);
    pf_poller_free(p);
    return n == 1;
}

static inline bool
frame_is_ours(const uint8_t *frame, size_t len)
{
    return len >= FRAME_ETHER && memcmp(frame, frame_dst, 6) == 0 &&
           memcmp(frame + 6, frame_src, 6) == 0;
}
