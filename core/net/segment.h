/* SPDX-License-Identifier: Apache-2.0 */
/* segment.h - makes ordinary packets of a super-frame, and completes checksums left to others.
 *
 * A frame from an adapter may be one TCP packet of 64 KiB, or a train of UDP datagrams, and may
 * lack its checksum. It crosses the hub so, and is finished only at a port that cannot pass the
 * marks on. The iterator copies no payload: it gives a finished header and a pointer to the
 * piece of the frame that follows it, for a caller that copies or encrypts anyway.
 *
 * The marks may have come from a peer. They are believed only as far as the headers agree.
 *
 * The first segment alone keeps CWR, the last alone FIN and PSH; IPv4 identifications count up
 * from the frame's, except that an atomic packet (RFC 6864) with zero keeps zero: so
 * core/net/coalesce.h is the exact inverse.
 */
#pragma once

#include "core/base/batch.h"
#include "core/base/drop.h"
#include "core/base/frame.h"
#include "core/base/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SEGMENT_HEADER_MAX = 256, /* Ethernet, tags, IP, extensions and TCP; usually 54 to 74 */
    SEGMENT_MAX = 2048,       /* of one super-frame: 64 KiB with the smallest MSS of Linux */
};

/* On the stack; borrows the frame. */
struct segment_iter {
    const struct frame *frame;
    uint8_t kind; /* private from here on */
    uint8_t version;
    uint8_t flags;
    bool keep_id;
    bool recount; /* lengths are to be written, too */
    uint16_t l3;
    uint16_t l4;
    uint16_t id;
    uint16_t header_len;
    uint16_t csum_at;
    uint32_t seq;
    uint32_t size; /* payload of a segment, but for the last */
    uint32_t end;  /* of all payload */
    uint32_t tail; /* behind it: padding of the frame */
    uint32_t at;   /* payload done, from the start of the frame */
    uint32_t n;
    uint32_t i;
    uint64_t pseudo; /* sum of the pseudo header without the length */
    uint8_t header[SEGMENT_HEADER_MAX];
};

/* header (in the iterator, until the next step) and payload (in the frame) together are a packet
 * without marks. An ordinary frame has no header, all of it is payload. */
struct segment {
    const uint8_t *header;
    size_t header_len;
    const uint8_t *payload;
    size_t payload_len;
};

/* Whether a port that knows no marks cannot send the frame as it is. */
static inline bool
segment_needs(const struct frame *f)
{
    return f->gso_type != FRAME_GSO_NONE || (f->flags & FRAME_NEEDS_CSUM);
}

/* DROP_MALFORMED if marks and headers contradict each other; then there is nothing to iterate. */
enum drop segment_begin(struct segment_iter *it, const struct frame *f) MUST_CHECK;
/* The same for an IP packet without an Ethernet header; its marks count from there. */
enum drop segment_begin_ip(struct segment_iter *it, const struct frame *f) MUST_CHECK;
/* How many segments there are in all. */
unsigned segment_count(const struct segment_iter *it);
/* Length of the longest of them: for a look at the MTU before anything is made. */
size_t segment_longest(const struct segment_iter *it);
/* Whether the transport checksums of what comes need no check: FRAME_CSUM_OK. */
bool segment_is_verified(const struct segment_iter *it);
/* False after the last one. */
bool segment_next(struct segment_iter *it, struct segment *out);

/* The segments that are left, as frames of the pool, until the batch is full. True when none is
 * left; false: deliver the batch and call again. *lost counts up those for which there was no
 * buffer. Pool's thread. */
bool segment_to_batch(struct segment_iter *it, struct frame_pool *pool, struct batch *out,
                      unsigned *lost) MUST_CHECK;

/* Completes the checksum of a frame that is not a super-frame, in place, and takes the mark off.
 * The frame is the caller's own (frame_own). DROP_MALFORMED as above. */
enum drop csum_complete(struct frame *f) MUST_CHECK;
