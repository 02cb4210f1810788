/* SPDX-License-Identifier: Apache-2.0 */
/* block_decode.c - bytes to frames; see block.h. */

#include "core/proto/sevpn/block.h"
#include "core/proto/sevpn/block_zlib.h"

#include <glib.h>

void
block_decoder_clear(struct block_decoder *d)
{
    if (d->frame)
        frame_free(d->frame);
    *d = (struct block_decoder){0};
}

/* Collects a u32 that may come in pieces. False: more bytes are needed. */
static bool
take_u32(struct block_decoder *d, struct reader *in, uint32_t *out)
{
    size_t n = MIN(sizeof(d->head) - d->have, in->left);

    reader_copy(in, d->head + d->have, n);
    d->have += (unsigned)n;
    if (d->have < sizeof(d->head))
        return false;
    struct reader whole = reader_of(d->head, sizeof(d->head));
    *out = reader_u32(&whole);
    d->have = 0;
    return true;
}

static void
next_block(struct block_decoder *d)
{
    d->state = d->blocks > 0 ? BLOCK_SIZE : BLOCK_COUNT;
}

static bool
begin_unit(struct block_decoder *d, uint32_t count)
{
    if (count == BLOCK_KEEPALIVE) {
        d->state = BLOCK_KEEPALIVE_SIZE;
        return true;
    }
    d->blocks = count;
    next_block(d);
    return count <= BLOCK_COUNT_MAX;
}

/* Judges the size of a block and finds a buffer for it. */
static bool
begin_block(struct block_decoder *d, const struct block_format *format, uint32_t size,
            struct frame_pool *pool)
{
    uint32_t most = format->super_frames ? FRAME_LARGE : BLOCK_MAX;
    uint32_t frame_most = format->super_frames ? FRAME_LARGE : BLOCK_FRAME_MAX;

    d->marked = format->super_frames && (size & BLOCK_MARKED);
    if (d->marked)
        size &= ~BLOCK_MARKED;
    if (size > most || (d->marked && size < BLOCK_MARKS))
        return false;

    d->blocks--;
    if (size == 0) { /* legal, and nothing */
        next_block(d);
        return true;
    }
    d->left = size;
    d->state = BLOCK_DATA;
    d->why = DROP_NONE;
    if (size > frame_most && !format->zlib) /* compressed, it may still be a frame */
        d->why = DROP_TOO_LONG;
    else if (!(d->frame = frame_new(pool, size)))
        d->why = DROP_NO_BUFFER;
    return true;
}

static bool
take_marks(struct frame *f)
{
    const uint8_t *p = frame_pull(f, BLOCK_MARKS);
    if (!p)
        return false;
    struct reader r = reader_of(p, BLOCK_MARKS);

    f->flags = reader_u8(&r) & (FRAME_NEEDS_CSUM | FRAME_ECN);
    f->gso_type = reader_u8(&r);
    f->gso_size = reader_u16(&r);
    f->csum_start = reader_u16(&r);
    f->csum_offset = reader_u16(&r);
    return f->gso_type == FRAME_GSO_NONE || f->gso_type == FRAME_GSO_TCP4 ||
           f->gso_type == FRAME_GSO_TCP6 || f->gso_type == FRAME_GSO_UDP;
}

/* The block is whole: makes the frame of it. */
static enum drop
finish_block(struct block_decoder *d, const struct block_format *format, struct frame_pool *pool,
             struct frame **out)
{
    struct frame *f = g_steal_pointer(&d->frame);
    enum drop why = d->why;

    if (!f)
        return why;
    if (format->zlib)
        why = block_inflate(format->zlib, pool, &f);
    else if (d->marked && !take_marks(f))
        why = DROP_MALFORMED;
    if (why == DROP_NONE && f->len < 14)
        why = DROP_SHORT;
    if (why == DROP_NONE)
        *out = f;
    else if (f)
        frame_free(f);
    return why;
}

static void
take_data(struct block_decoder *d, struct reader *in)
{
    size_t n = MIN(d->left, in->left);
    const uint8_t *p = reader_take(in, n);
    uint8_t *to = d->frame && n > 0 ? frame_put(d->frame, n) : NULL;

    if (to)
        memcpy(to, p, n);
    d->left -= (uint32_t)n;
}

/* One step in the state BLOCK_DATA. */
static enum block_event
step_data(struct block_decoder *d, const struct block_format *format, struct reader *in,
          struct frame_pool *pool, struct frame **out, enum drop *why)
{
    take_data(d, in);
    if (d->left > 0)
        return BLOCK_MORE;
    *why = finish_block(d, format, pool, out);
    next_block(d);
    return *why == DROP_NONE ? BLOCK_FRAME : BLOCK_LOST;
}

/* One step in the states of a keepalive. */
static enum block_event
step_keepalive(struct block_decoder *d, struct reader *in)
{
    uint32_t size = 0;

    if (d->state == BLOCK_KEEPALIVE_SIZE) {
        if (!take_u32(d, in, &size))
            return BLOCK_MORE;
        if (size > BLOCK_KEEPALIVE_MAX)
            return BLOCK_BROKEN;
        d->left = size;
        d->state = BLOCK_KEEPALIVE_DATA;
    }
    take_data(d, in);
    if (d->left > 0)
        return BLOCK_MORE;
    d->state = BLOCK_COUNT;
    return BLOCK_ALIVE;
}

enum block_event
block_decode(struct block_decoder *d, const struct block_format *format, struct reader *in,
             struct frame_pool *pool, struct frame **out, enum drop *why)
{
    uint32_t number = 0;

    for (;;) {
        switch (d->state) {
        case BLOCK_COUNT:
            if (!take_u32(d, in, &number))
                return BLOCK_MORE;
            if (!begin_unit(d, number))
                return BLOCK_BROKEN;
            break;
        case BLOCK_SIZE:
            if (!take_u32(d, in, &number))
                return BLOCK_MORE;
            if (!begin_block(d, format, number, pool))
                return BLOCK_BROKEN;
            break;
        case BLOCK_DATA:
            return step_data(d, format, in, pool, out, why);
        case BLOCK_KEEPALIVE_SIZE:
        case BLOCK_KEEPALIVE_DATA:
            return step_keepalive(d, in);
        }
    }
}

struct pf_slice
block_decoder_room(const struct block_decoder *d)
{
    if (d->state != BLOCK_DATA || !d->frame || d->left < BLOCK_DIRECT)
        return (struct pf_slice){0};
    return (struct pf_slice){d->frame->data + d->frame->len, d->left};
}

void
block_decoder_filled(struct block_decoder *d, size_t n)
{
    const uint8_t *filled =
        frame_put(d->frame, n); /* the room was there: see block_decoder_room() */

    g_assert(n <= d->left && filled);
    d->left -= (uint32_t)n;
}
