/* SPDX-License-Identifier: Apache-2.0 */
/* frame.h - one packet in memory, and the pool it came from.
 *
 * A frame has headroom for the deepest encapsulation, so that headers are pushed and not copied,
 * and carries the offload marks of a virtio-net header, so that a 64 KiB TCP super-frame from an
 * adapter crosses the hub whole and is segmented only at a port that needs it.
 *
 * Ownership: a frame has one owner, who passes it on or frees it. A flood shares one frame by
 * counted references (frame_ref); whoever wants to change the bytes of a frame first makes it
 * its own (frame_own). frame_new() only on the thread of the pool; frame_free() anywhere.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FRAME_HEADROOM = 128,     /* Ethernet in ESP in UDP in IPv6, and a tag or two */
    FRAME_SMALL = 2048,       /* room for data in a small frame */
    FRAME_LARGE = 65536 + 64, /* a super-frame: 64 KiB of IP and its Ethernet header */
};

/* What the segments of a super-frame are. Values of the virtio-net header. */
enum frame_gso {
    FRAME_GSO_NONE = 0,
    FRAME_GSO_TCP4 = 1,
    FRAME_GSO_TCP6 = 4,
    FRAME_GSO_UDP = 5, /* UDP_L4: many datagrams, not IP fragments */
};

enum {
    FRAME_NEEDS_CSUM =
        1,             /* the checksum at csum_start + csum_offset holds only the pseudo header */
    FRAME_CSUM_OK = 2, /* somebody trustworthy has checked the transport checksum */
    FRAME_ECN = 4,     /* the first segment alone has CWR (TSO_ECN) */
};

struct frame_pool;

struct frame {
    uint8_t *data; /* first byte of the packet, within buf */
    uint32_t len;
    uint32_t size; /* of buf */

    /* Offload marks; all zero for an ordinary frame. Offsets count from data. */
    uint8_t gso_type; /* enum frame_gso */
    uint8_t flags;    /* FRAME_... */
    uint16_t gso_size;
    uint16_t csum_start;
    uint16_t csum_offset;

    atomic_uint refs;
    struct frame_pool *pool;
    struct frame *next; /* the pool's; a frame that may be shared cannot be in a list */
    uint8_t buf[];
};

enum { FRAME_MAX_SMALL = 16384 }; /* small frames that one pool hands out at a time */

/* A pool that hands out at most max_large large frames at a time and FRAME_MAX_SMALL small ones.
 * It belongs to the thread that first takes a frame from it. Freed frames stay in the pool for
 * reuse; frame_pool_trim() gives unused ones back. */
struct frame_pool *frame_pool_new(unsigned max_large);
/* Every frame must be back: asserts it. Any thread, once the pool's own has ended. */
void frame_pool_free(struct frame_pool *pool);
/* The pool belongs to the calling thread from now on; the former one has ended. */
void frame_pool_adopt(struct frame_pool *pool);
/* Frames that are out, for statistics and tests. Pool's thread. */
unsigned frame_pool_in_use(struct frame_pool *pool);
/* Gives frames that were not used since the last call back to the system. Pool's thread. */
void frame_pool_trim(struct frame_pool *pool);

/* An empty frame with headroom and room for cap bytes (at most FRAME_LARGE), or NULL when there
 * is none: then drop with DROP_NO_BUFFER. */
struct frame *frame_new(struct frame_pool *pool, size_t cap);
/* A copy with its own buffer, offload marks included. NULL when there is none. */
struct frame *frame_copy(struct frame_pool *pool, const struct frame *f);
/* Gives up one reference; NULL is fine. Any thread. */
void frame_free(struct frame *f);

static inline struct frame *
frame_ref(struct frame *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

/* n references at once: for a flood to many. */
static inline struct frame *
frame_ref_n(struct frame *f, unsigned n)
{
    atomic_fetch_add_explicit(&f->refs, n, memory_order_relaxed);
    return f;
}

/* f itself if nobody else has it, else a copy (and the reference to f is given up). NULL and
 * still given up when there is no buffer. */
struct frame *frame_own(struct frame_pool *pool, struct frame *f);

static inline size_t
frame_headroom(const struct frame *f)
{
    return (size_t)(f->data - f->buf);
}

static inline size_t
frame_tailroom(const struct frame *f)
{
    return f->size - frame_headroom(f) - f->len;
}

/* Moves the start n bytes forward. Returns the bytes skipped, or NULL if there are fewer. */
static inline const uint8_t *
frame_pull(struct frame *f, size_t n)
{
    if (n > f->len)
        return NULL;
    const uint8_t *p = f->data;
    f->data += n;
    f->len -= (uint32_t)n;
    return p;
}

/* Moves the start n bytes back. Returns the new start, or NULL without headroom. */
static inline uint8_t *
frame_push(struct frame *f, size_t n)
{
    if (n > frame_headroom(f))
        return NULL;
    f->data -= n;
    f->len += (uint32_t)n;
    return f->data;
}

/* Makes the frame n bytes longer. Returns where they are, or NULL without room. */
static inline uint8_t *
frame_put(struct frame *f, size_t n)
{
    if (n > frame_tailroom(f))
        return NULL;
    uint8_t *p = f->data + f->len;
    f->len += (uint32_t)n;
    return p;
}

static inline bool
frame_is_super(const struct frame *f)
{
    return f->gso_type != FRAME_GSO_NONE;
}
