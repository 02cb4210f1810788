/* SPDX-License-Identifier: Apache-2.0 */
/* capture.c - see capture.h. Blocks of pcapng (draft-ietf-opsawg-pcapng) are in the byte order of
 * this machine; the section header says which one that is. */

#include "core/log/capture.h"

#include <stdatomic.h>
#include <string.h>

enum {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_STATISTICS = 5,
    BLOCK_PACKET = 6,
    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
    LINKTYPE_ETHERNET = 1,
    OPTION_IFDROP = 5,
    PACKET_FIXED = 32, /* of a packet's block, with both lengths */
};

struct capture {
    char *session;
    atomic_uint refs;
    _Atomic uint64_t lost;
    GMutex lock;
    GByteArray *fresh; /* under the lock: what came since the reader took the last */

    /* The reader's. */
    GByteArray *taken;
    size_t at; /* how far it is given out */
    bool begun;
    uint64_t lost_told;
};

struct capture *
capture_new(const char *session)
{
    struct capture *c = g_new0(struct capture, 1);

    c->session = g_strdup(session);
    atomic_init(&c->refs, 1);
    g_mutex_init(&c->lock);
    c->fresh = g_byte_array_sized_new(CAPTURE_BYTES); /* no growing under the lock */
    c->taken = g_byte_array_sized_new(CAPTURE_BYTES);
    return c;
}

struct capture *
capture_ref(struct capture *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void
capture_unref(struct capture *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    g_mutex_clear(&c->lock);
    g_byte_array_unref(c->fresh);
    g_byte_array_unref(c->taken);
    g_free(c->session);
    g_free(c);
}

bool
capture_wants(const struct capture *c, const char *from, const char *to)
{
    return !c->session || !to || strcmp(from, c->session) == 0 || strcmp(to, c->session) == 0;
}

/* ---- blocks ---- */

static void
put16(GByteArray *out, unsigned v)
{
    uint16_t w = (uint16_t)v;

    g_byte_array_append(out, (const uint8_t *)&w, sizeof(w));
}

static void
put32(GByteArray *out, uint32_t v)
{
    g_byte_array_append(out, (const uint8_t *)&v, sizeof(v));
}

static void
put64(GByteArray *out, uint64_t v)
{
    g_byte_array_append(out, (const uint8_t *)&v, sizeof(v));
}

/* High word first, whatever the byte order: section 4.3. */
static void
put_time(GByteArray *out, int64_t wall_us)
{
    put32(out, (uint32_t)((uint64_t)wall_us >> 32));
    put32(out, (uint32_t)wall_us);
}

static void
put_headers(GByteArray *out)
{
    put32(out, BLOCK_SECTION);
    put32(out, 28);
    put32(out, BYTE_ORDER_MAGIC);
    put16(out, 1); /* version 1.0 */
    put16(out, 0);
    put64(out, UINT64_MAX); /* nobody knows how long it gets */
    put32(out, 28);

    put32(out, BLOCK_INTERFACE);
    put32(out, 20);
    put16(out, LINKTYPE_ETHERNET);
    put16(out, 0);
    put32(out, 0); /* packets are whole; times are microseconds, which is the default */
    put32(out, 20);
}

static void
put_packet(GByteArray *out, struct reader packet, int64_t wall_us)
{
    static const uint8_t zero[4];
    uint32_t len = (uint32_t)packet.left;
    uint32_t pad = (4 - len % 4) % 4;

    put32(out, BLOCK_PACKET);
    put32(out, PACKET_FIXED + len + pad);
    put32(out, 0); /* the interface */
    put_time(out, wall_us);
    put32(out, len);
    put32(out, len);
    g_byte_array_append(out, packet.at, len);
    g_byte_array_append(out, zero, pad);
    put32(out, PACKET_FIXED + len + pad);
}

static void
put_losses(GByteArray *out, uint64_t lost, int64_t wall_us)
{
    put32(out, BLOCK_STATISTICS);
    put32(out, 40);
    put32(out, 0);
    put_time(out, wall_us);
    put16(out, OPTION_IFDROP);
    put16(out, 8);
    put64(out, lost);
    put32(out, 0); /* the end of the options */
    put32(out, 40);
}

/* ---- in and out ---- */

void
capture_add(struct capture *c, const struct reader *packets, unsigned n, int64_t wall_us)
{
    unsigned lost = 0;

    g_mutex_lock(&c->lock);
    for (unsigned i = 0; i < n; i++) {
        bool fits = packets[i].left <= CAPTURE_PACKET_MAX &&
                    c->fresh->len + PACKET_FIXED + packets[i].left + 4 <= CAPTURE_BYTES;
        if (fits)
            put_packet(c->fresh, packets[i], wall_us);
        else
            lost++;
    }
    g_mutex_unlock(&c->lock);
    if (lost > 0)
        (void)atomic_fetch_add_explicit(&c->lost, lost, memory_order_relaxed);
}

/* How many of the next bytes are whole blocks, at least one block if there is one. */
static size_t
whole_blocks(const GByteArray *from, size_t at, size_t max)
{
    size_t n = 0;

    while (at + n < from->len) {
        uint32_t len = 0;
        memcpy(&len, from->data + at + n + 4, sizeof(len));
        if (n > 0 && n + len > max)
            break;
        n += len;
    }
    return n;
}

void
capture_read(struct capture *c, size_t max, int64_t wall_us, GByteArray *out)
{
    uint64_t lost = capture_lost(c);

    if (!c->begun)
        put_headers(out);
    c->begun = true;
    if (c->at == c->taken->len) {
        g_byte_array_set_size(c->taken, 0);
        c->at = 0;
        g_mutex_lock(&c->lock);
        GByteArray *swap = c->fresh;
        c->fresh = c->taken;
        c->taken = swap;
        g_mutex_unlock(&c->lock);
    }
    size_t n = whole_blocks(c->taken, c->at, max);
    g_byte_array_append(out, c->taken->data + c->at, (guint)n);
    c->at += n;
    if (lost != c->lost_told)
        put_losses(out, lost, wall_us);
    c->lost_told = lost;
}

uint64_t
capture_lost(const struct capture *c)
{
    return atomic_load_explicit(&c->lost, memory_order_relaxed);
}
