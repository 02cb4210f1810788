/* SPDX-License-Identifier: Apache-2.0 */
/* block_encode.c - frames to bytes; see block.h.
 *
 * Headers and short frames are copied into the arena, one after the other, so that TLS gets full
 * records; long frames are passed as slices of their own. The count of a unit is patched when the
 * unit ends.
 */

#include "core/base/random.h"
#include "core/base/writer.h"
#include "core/net/segment.h"
#include "core/proto/sevpn/block.h"
#include "core/proto/sevpn/block_zlib.h"

#include <glib.h>

enum {
    LONG_FRAME = 4096,                             /* from here a slice is cheaper than a copy */
    BLOCK_ROOM = 4 + 4 + BLOCK_MARKS + LONG_FRAME, /* most that one block takes of the arena */
};

static void
put_u32(struct block_encoder *e, uint32_t v)
{
    struct writer w = writer_of(e->arena + e->len, 4);

    writer_u32(&w, v);
    e->len += 4;
}

static void
put_bytes(struct block_encoder *e, const void *bytes, size_t n)
{
    memcpy(e->arena + e->len, bytes, n);
    e->len += n;
}

static void
close_unit(struct block_encoder *e)
{
    struct writer w = writer_of(e->arena + e->count_at, 4);

    if (e->count_at == SIZE_MAX)
        return;
    writer_u32(&w, e->count);
    e->count_at = SIZE_MAX;
    e->count = 0;
}

/* What was put since the last slice becomes a slice. */
static void
close_run(struct block_encoder *e)
{
    if (e->len > e->run)
        e->iov[e->n++] = (struct pf_slice){e->arena + e->run, e->len - e->run};
    e->run = e->len;
}

static void
flush(struct block_encoder *e)
{
    close_unit(e);
    close_run(e);
    if (e->n > 0)
        e->write(e->owner, e->iov, e->n);
    e->n = 0;
    e->len = e->run = 0;
}

/* Room for one more block, and a unit to count it in. */
static void
open_block(struct block_encoder *e)
{
    if (e->cap - e->len < BLOCK_ROOM || e->n + 3 > BLOCK_IOV || e->count == BLOCK_COUNT_MAX)
        flush(e);
    if (e->count_at == SIZE_MAX) {
        e->count_at = e->len;
        put_u32(e, 0);
    }
    e->count++;
}

static enum drop
put_compressed(struct block_encoder *e, const struct pf_slice *iov, unsigned n)
{
    open_block(e);
    size_t size_at = e->len;
    put_u32(e, 0);
    size_t len = block_deflate(e->format->zlib, iov, n, e->arena + e->len, LONG_FRAME);
    if (len == 0) {
        e->len = size_at;
        e->count--;
        return DROP_TOO_LONG;
    }
    struct writer w = writer_of(e->arena + size_at, 4);
    writer_u32(&w, (uint32_t)len);
    e->len += len;
    return DROP_NONE;
}

static enum drop
put_plain(struct block_encoder *e, const struct pf_slice *iov, unsigned n, size_t total)
{
    if (total > BLOCK_FRAME_MAX)
        return DROP_TOO_LONG;
    if (e->format->zlib)
        return put_compressed(e, iov, n);
    open_block(e);
    put_u32(e, (uint32_t)total);
    for (unsigned i = 0; i < n; i++)
        put_bytes(e, iov[i].at, iov[i].len);
    return DROP_NONE;
}

/* For peers that know ordinary frames only. */
static enum drop
put_segments(struct block_encoder *e, const struct frame *f)
{
    struct segment_iter it;
    struct segment s;
    enum drop why = segment_begin(&it, f);

    while (why == DROP_NONE && segment_next(&it, &s)) {
        struct pf_slice iov[2] = {{(void *)(uintptr_t)s.header, s.header_len},
                                  {(void *)(uintptr_t)s.payload, s.payload_len}};
        why = put_plain(e, iov, s.payload_len > 0 ? 2 : 1, s.header_len + s.payload_len);
    }
    return why;
}

static void
put_marks(struct block_encoder *e, const struct frame *f)
{
    struct writer w = writer_of(e->arena + e->len, BLOCK_MARKS);

    writer_u8(&w, f->flags & (FRAME_NEEDS_CSUM | FRAME_ECN));
    writer_u8(&w, f->gso_type);
    writer_u16(&w, f->gso_size);
    writer_u16(&w, f->csum_start);
    writer_u16(&w, f->csum_offset);
    e->len += BLOCK_MARKS;
}

/* For our own kind: the frame as it is. */
static enum drop
put_whole(struct block_encoder *e, const struct frame *f)
{
    bool marked = f->gso_type != FRAME_GSO_NONE || (f->flags & FRAME_NEEDS_CSUM);
    uint32_t size = f->len + (marked ? BLOCK_MARKS : 0);

    if (size > FRAME_LARGE)
        return DROP_TOO_LONG;
    open_block(e);
    put_u32(e, size | (marked ? BLOCK_MARKED : 0));
    if (marked)
        put_marks(e, f);
    if (f->len < LONG_FRAME) {
        put_bytes(e, f->data, f->len);
    } else {
        close_run(e);
        e->iov[e->n++] = (struct pf_slice){f->data, f->len};
    }
    return DROP_NONE;
}

void
block_encoder_begin(struct block_encoder *e, const struct block_format *format, uint8_t *arena,
                    size_t cap, block_write_fn *write, void *owner)
{
    g_assert(cap >= 65536);
    e->format = format;
    e->write = write;
    e->owner = owner;
    e->arena = arena;
    e->cap = cap;
    e->len = e->run = 0;
    e->count_at = SIZE_MAX;
    e->count = 0;
    e->n = 0;
}

enum drop
block_encode(struct block_encoder *e, const struct frame *f)
{
    if (e->format->super_frames)
        return put_whole(e, f);
    if (segment_needs(f))
        return put_segments(e, f);
    struct pf_slice whole = {f->data, f->len};
    return put_plain(e, &whole, 1, f->len);
}

void
block_encoder_end(struct block_encoder *e)
{
    flush(e);
}

size_t
block_keepalive(uint8_t *out, size_t n)
{
    struct writer w = writer_of(out, 8 + n);

    writer_u32(&w, BLOCK_KEEPALIVE);
    writer_u32(&w, (uint32_t)n);
    random_bytes(writer_room(&w, n), n);
    return w.len;
}
