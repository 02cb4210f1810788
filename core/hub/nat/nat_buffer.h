/* SPDX-License-Identifier: Apache-2.0 */
/* nat_buffer.h - the bytes of a stream between two offsets, in chunks that come from one store.
 *
 * Not in frames: the frames of a worker are shared by all sessions on it, and what a slow receiver
 * leaves standing for seconds must not take them away. Chunks are dense, so a megabyte of a stream
 * takes a megabyte, and a stream with nothing in flight takes nothing. One thread.
 */
#pragma once

#include "platform/platform.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NAT_CHUNK = 16384,
    NAT_CHUNKS_KEPT = 256,           /* free ones that a store keeps for reuse */
    NAT_BUFFER_MAX = 8 * 1024 * 1024 /* of one stream */
};

/* What the streams of one virtual host may take together. Zero but for the limit at the start. */
struct nat_store {
    size_t limit; /* bytes */
    size_t used;
    void *free; /* owned list of chunks */
    unsigned n_free;
};
/* Gives half of the free chunks back to the system; call it now and then. */
void nat_store_trim(struct nat_store *s);
void nat_store_clear(struct nat_store *s);

/* Zero but for the store at the start. Offsets only grow; who uses it keeps the two ends. */
struct nat_buffer {
    struct nat_store *store;
    uint8_t **chunk; /* owned; circular, by offset / NAT_CHUNK */
    uint32_t slots;  /* a power of two */
    uint32_t n;      /* chunks that are there */
    uint64_t first;  /* no chunk has a lower number, */
    uint64_t last;   /* and none a higher one */
};

/* Makes room for the bytes [from, to). False when the store or the buffer is full: then perhaps for
 * a part of them. */
bool nat_buffer_reserve(struct nat_buffer *b, uint64_t from, uint64_t to);
/* The pieces of [from, to), for which there is room; at most max of them. Returns how many. */
unsigned nat_buffer_slices(const struct nat_buffer *b, uint64_t from, uint64_t to,
                           struct pf_slice *out, unsigned max);
void nat_buffer_put(struct nat_buffer *b, uint64_t at, const void *bytes, size_t len);
void nat_buffer_get(const struct nat_buffer *b, uint64_t at, void *out, size_t len);
/* Gives back what is wholly outside of [from, to). */
void nat_buffer_keep(struct nat_buffer *b, uint64_t from, uint64_t to);
void nat_buffer_clear(struct nat_buffer *b);
