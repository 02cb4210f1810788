/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-nat-tcp.c - the TCP machine of the NAT under arbitrary segments, socket events and time.
 *
 * Input: a byte of settings, then records: a kind, and what it needs. Laws: the books of what is in
 * flight add up, offsets keep their order, the client's data reach the socket in order and without
 * holes, nothing is sent beyond the client's window but what was sent before, memory comes back.
 */

#include "core/hub/nat/nat_tcp.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <string.h>

enum { STEPS = 2000, ISS = 0xffffff00u, CLIENT_ISN = 0x7ffffff0u };

struct fuzz {
    struct nat_store store;
    struct nat_tcp t;
    int64_t now_us;
    size_t source, room;
    bool source_ends, ended;
    uint64_t taken;
    uint8_t bytes[65536];
};

/* What the client sends at an offset. */
static uint8_t
pattern(uint64_t at)
{
    return (uint8_t)(at ^ at >> 8);
}

static void
on_segment(void *owner, const struct nat_tcp_out *o)
{
    struct fuzz *z = owner;
    g_assert_cmpuint(o->options_len, <=, NAT_TCP_OPTIONS_MAX);
    g_assert_cmpuint(o->options_len % 4, ==, 0);
    g_assert_cmpuint(o->len, <=, NAT_TCP_BURST);
    if (o->len > 0) {
        g_assert_cmpuint(o->at, >=, z->t.una);
        g_assert_cmpuint(o->at + o->len, <=, z->t.end);
        nat_buffer_get(o->from, o->at, z->bytes, o->len);
    }
}

static long
on_recv(void *owner, const struct pf_slice *iov, unsigned n)
{
    struct fuzz *z = owner;
    long got = 0;
    for (unsigned i = 0; i < n && z->source > 0; i++) {
        size_t len = MIN(iov[i].len, z->source);
        memset(iov[i].at, 0x55, len);
        z->source -= len;
        got += (long)len;
    }
    if (got > 0)
        return got;
    return z->source_ends ? 0 : -1;
}

static long
on_send(void *owner, const struct pf_slice *iov, unsigned n)
{
    struct fuzz *z = owner;
    long put = 0;
    g_assert_false(z->ended);
    for (unsigned i = 0; i < n && z->room > 0; i++) {
        size_t len = MIN(iov[i].len, z->room);
        for (size_t k = 0; k < len; k++)
            g_assert_cmpuint(((const uint8_t *)iov[i].at)[k], ==, pattern(z->taken + k));
        z->taken += len;
        z->room -= len;
        put += (long)len;
    }
    return put > 0 ? put : -1;
}

static void
on_shutdown(void *owner)
{
    struct fuzz *z = owner;
    g_assert_false(z->ended);
    z->ended = true;
}

static const struct nat_tcp_ops ops = {
    .segment = on_segment, .recv = on_recv, .send = on_send, .shutdown = on_shutdown};

static void
check(const struct fuzz *z)
{
    const struct nat_tcp *t = &z->t;
    uint64_t pipe = 0;
    uint64_t lost = 0;
    uint64_t sacked = 0;
    uint64_t at = t->una;
    if (t->phase == NAT_TCP_CLOSED)
        return;
    g_assert_cmpuint(t->una, <=, t->nxt);
    g_assert_cmpuint(t->nxt, <=, t->end + 1);
    g_assert_cmpuint(t->taken, <=, t->rcv);
    for (unsigned i = 0; i < t->n_sent; i++) {
        const struct nat_sent *r = &t->sent[t->sent_first + i];
        g_assert_cmpuint(r->start, ==, at);
        g_assert_cmpuint(r->start, <, r->end);
        g_assert_false(r->lost && r->sacked);
        *(r->lost ? &lost : r->sacked ? &sacked : &pipe) += r->end - r->start;
        at = r->end;
    }
    if (t->n_sent > 0)
        g_assert_cmpuint(at, ==, t->nxt);
    g_assert_cmpuint(pipe, ==, t->pipe);
    g_assert_cmpuint(lost, ==, t->lost);
    g_assert_cmpuint(sacked, ==, t->sacked);
    for (unsigned i = 0; i < t->n_ranges; i++) {
        g_assert_cmpuint(t->range[i].start, <, t->range[i].end);
        g_assert_cmpuint(t->range[i].start, >, i > 0 ? t->range[i - 1].end : t->rcv - t->got_fin);
    }
    g_assert_cmpuint(z->store.used, <=, z->store.limit);
}

/* Offsets near what matters, so that most of them mean something. */
static void
read_segment(struct fuzz *z, struct reader *r, struct nat_segment *s)
{
    const struct nat_tcp *t = &z->t;
    uint64_t at = t->rcv + (uint64_t)(int64_t)(int16_t)reader_u16(r);
    *s = (struct nat_segment){.flags = reader_u8(r), .window = reader_u16(r)};
    s->seq = CLIENT_ISN + (uint32_t)at;
    s->ack = ISS + (uint32_t)t->una + (uint32_t)(int32_t)(int16_t)reader_u16(r);
    uint8_t what = reader_u8(r);
    s->has_ts = what & 1;
    s->ts_val = (uint32_t)(z->now_us / 1000);
    if (what & 2)
        s->ts_val = reader_u32(r);
    for (unsigned i = 0; i < (what >> 2 & 3u); i++) {
        s->sack[i].start = ISS + (uint32_t)t->una + reader_u16(r);
        s->sack[i].end = s->sack[i].start + reader_u16(r);
        s->n_sacks++;
    }
    size_t len = what & 0x10 ? reader_u16(r) : 0;
    for (size_t i = 0; i < len; i++)
        z->bytes[i] = pattern(at - 1 + i);
    s->payload = reader_of(z->bytes, len);
}

static void
step(struct fuzz *z, struct reader *r)
{
    struct nat_segment s;
    uint8_t kind = reader_u8(r);
    switch (kind % 6) {
    case 0:
    case 1:
        read_segment(z, r, &s);
        nat_tcp_receive(&z->t, &s, z->now_us);
        break;
    case 2:
        z->now_us += (int64_t)reader_u16(r) * 1000;
        nat_tcp_tick(&z->t, z->now_us);
        break;
    case 3:
        z->source += (size_t)reader_u16(r) * 16;
        z->source_ends |= kind & 0x80;
        nat_tcp_readable(&z->t);
        break;
    case 4:
        z->room += (size_t)reader_u16(r) * 16;
        nat_tcp_writable(&z->t);
        break;
    default:
        nat_tcp_connected(&z->t, z->now_us);
        break;
    }
    nat_tcp_flush(&z->t, z->now_us);
    check(z);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    uint8_t set = reader_u8(&r);
    struct fuzz *z = g_new0(struct fuzz, 1);
    z->now_us = 1000000;
    z->store.limit = set & 1 ? 4 * NAT_CHUNK : 64 * 1024 * 1024;
    const struct nat_segment syn = {
        .seq = CLIENT_ISN,
        .flags = TCP_SYN,
        .window = reader_u16(&r),
        .mss = reader_u16(&r),
        .sack_ok = set & 2,
        .has_scale = set & 4,
        .scale = set >> 4,
        .has_ts = set & 8,
        .ts_val = (uint32_t)(z->now_us / 1000),
    };
    const struct nat_tcp_config config = {
        .ops = &ops, .owner = z, .store = &z->store, .mss = 1460, .iss = ISS, .idle_us = 60000000};
    nat_tcp_open(&z->t, &config, &syn, z->now_us);
    if (set & 0x80)
        nat_tcp_connected(&z->t, z->now_us);
    for (unsigned i = 0; i < STEPS && r.left > 0 && z->t.phase != NAT_TCP_CLOSED; i++)
        step(z, &r);
    nat_tcp_done(&z->t);
    g_assert_cmpuint(z->store.used, ==, 0);
    nat_store_clear(&z->store);
    g_free(z);
    return 0;
}
