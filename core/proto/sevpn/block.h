/* SPDX-License-Identifier: Apache-2.0 */
/* block.h - the framing of SE-VPN's data channel: units of blocks, one Ethernet frame a block.
 *
 *   unit      := count:u32 (size:u32 bytes[size]) * count        count = 0: nothing follows
 *   keepalive := 0xffffffff size:u32 bytes[size]                 size <= 512
 *
 * Ordinary peers: a frame has at most 1600 bytes, and a block of more than 3200 breaks the
 * connection. With compression every block is a zlib stream of its own.
 *
 * Between our own client and server (super-frames agreed at login): a block may hold a frame of up
 * to 64 KiB, and if the highest bit of its size is set, 8 bytes of offload marks come before the
 * frame:
 *
 *   flags:u8  gso_type:u8  gso_size:u16  csum_start:u16  csum_offset:u16
 *
 * No I/O here: the decoder is fed bytes, the encoder hands slices to a function.
 */
#pragma once

#include "core/base/batch.h"
#include "core/base/drop.h"
#include "core/base/reader.h"
#include "platform/platform.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BLOCK_FRAME_MAX = 1600,
    BLOCK_MAX = 3200,
    BLOCK_COUNT_MAX = 4096,
    BLOCK_KEEPALIVE_MAX = 512,
    BLOCK_MARKS = 8,
    BLOCK_DIRECT =
        2048, /* a rest at least this long is worth a read of its own, straight into the frame */
};
#define BLOCK_KEEPALIVE UINT32_C(0xffffffff)
#define BLOCK_MARKED    UINT32_C(0x80000000)

/* zlib state of a worker, shared by its sessions, since each block is a stream of its own. Made on
 * first use. */
struct block_zlib;
struct block_zlib *block_zlib_new(void);
void block_zlib_free(struct block_zlib *z);

struct block_format {
    bool super_frames;
    struct block_zlib *zlib; /* NULL: not compressed; borrowed */
};

/* ---- decoder ---- */

enum block_state {
    BLOCK_COUNT,
    BLOCK_SIZE,
    BLOCK_DATA,
    BLOCK_KEEPALIVE_SIZE,
    BLOCK_KEEPALIVE_DATA
};

struct block_decoder {
    enum block_state state;
    uint8_t head[4]; /* a number that is not whole yet */
    unsigned have;
    uint32_t blocks;     /* still to come in this unit */
    uint32_t left;       /* bytes still to come of this block or keepalive */
    struct frame *frame; /* owned; being filled. NULL while a block is passed over */
    bool marked;
    enum drop why; /* for the block that is passed over */
};

enum block_event {
    BLOCK_MORE,  /* needs more bytes */
    BLOCK_FRAME, /* *out is a frame, the caller's */
    BLOCK_ALIVE, /* a keepalive ended */
    BLOCK_LOST,  /* a frame was given up: *why */
    BLOCK_BROKEN /* not the protocol: close the connection */
};

void block_decoder_clear(struct block_decoder *d);
/* Takes bytes until something happened. Call until BLOCK_MORE. */
enum block_event
block_decode(struct block_decoder *d, const struct block_format *format, struct reader *in,
             struct frame_pool *pool, struct frame **out, enum drop *why);
/* Where the rest of a long block should be read to directly; len 0: nowhere. Then say how much was
 * read, and go on with block_decode(). */
struct pf_slice block_decoder_room(const struct block_decoder *d);
void block_decoder_filled(struct block_decoder *d, size_t n);

/* ---- encoder ---- */

/* Takes all slices. They are valid during the call only. */
typedef void block_write_fn(void *owner, const struct pf_slice *iov, unsigned n);

/* BLOCK_BURST: bytes of frames after which a write happens, so that a full socket is noticed in
 * time. */
enum { BLOCK_IOV = 3 * BATCH_MAX, BLOCK_BURST = 256 * 1024 };

struct block_encoder {
    const struct block_format *format;
    block_write_fn *write;
    void *owner;
    uint8_t *arena;       /* borrowed: headers and small frames, one after the other */
    size_t cap, len, run; /* run: where the slice that is being added to starts */
    size_t count_at;      /* of the unit that is open */
    uint32_t count;
    struct pf_slice iov[BLOCK_IOV];
    unsigned n;
};

/* arena: at least 64 KiB. */
void block_encoder_begin(struct block_encoder *e, const struct block_format *format, uint8_t *arena,
                         size_t cap, block_write_fn *write, void *owner);
/* Adds one frame, segmented and with checksums complete if the format needs that. Borrows the frame
 * until block_encoder_end(): long ones are not copied. */
enum drop block_encode(struct block_encoder *e, const struct frame *f);
/* Writes what is left. */
void block_encoder_end(struct block_encoder *e);

/* A keepalive of n random bytes (n <= BLOCK_KEEPALIVE_MAX) to out (8 + n bytes); returns its
 * length. */
size_t block_keepalive(uint8_t *out, size_t n);
