/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-sevpn-block.c - the data channel. The first byte of the input chooses the format, the rest
 * is the stream, fed in pieces. What comes out is encoded again for an ordinary peer, as a hub
 * would do with it. */

#include "core/proto/sevpn/block.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

struct world {
    struct frame_pool *pool;
    struct block_zlib *zlib;
    uint8_t *arena;
    size_t written;
};

static void
count(void *owner, const struct pf_slice *iov, unsigned n)
{
    struct world *w = owner;

    for (unsigned i = 0; i < n; i++)
        w->written += iov[i].len;
}

static void
send_on(struct world *w, const struct frame *f)
{
    const struct block_format ordinary = {0};
    struct block_encoder e;

    w->written = 0;
    block_encoder_begin(&e, &ordinary, w->arena, 65536, count, w);
    if (block_encode(&e, f) == DROP_NONE) {
        block_encoder_end(&e);
        g_assert_cmpuint(w->written, >=, 8 + 14);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {
        .pool = frame_pool_new(64), .zlib = block_zlib_new(), .arena = g_malloc(65536)};
    struct reader all = reader_of(data, size);
    uint8_t kind = reader_u8(&all);
    struct block_format format = {.super_frames = kind & 1, .zlib = (kind & 2) ? w.zlib : NULL};
    struct block_decoder d = {0};
    bool broken = false;
    size_t got = 0;

    if (format.zlib)
        format.super_frames = false;
    while (all.left > 0 && !broken) {
        struct reader in = reader_sub(&all, MIN(all.left, 1 + (size_t)(kind >> 2) * 16));
        enum block_event event;
        struct frame *f = NULL;
        enum drop why = DROP_NONE;
        while ((event = block_decode(&d, &format, &in, w.pool, &f, &why)) != BLOCK_MORE) {
            if (event == BLOCK_FRAME) {
                got += f->len;
                send_on(&w, f);
                frame_free(f);
            }
            broken = event == BLOCK_BROKEN;
            if (broken)
                break;
        }
    }
    g_assert_true(format.zlib || got <= size); /* nothing is made of nothing */
    block_decoder_clear(&d);
    block_zlib_free(w.zlib);
    frame_pool_free(w.pool);
    g_free(w.arena);
    return 0;
}
