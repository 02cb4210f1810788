/* SPDX-License-Identifier: Apache-2.0 */
/* block_zlib.h - compression of single blocks; for the framing only. */
#pragma once

#include "core/proto/sevpn/block.h"

/* Replaces the compressed frame by what is in it (at most BLOCK_FRAME_MAX bytes). On failure *f is
 * freed and NULL. */
enum drop block_inflate(struct block_zlib *z, struct frame_pool *pool, struct frame **f);
/* Compresses n slices as one stream to out. Returns its length, 0 when it does not fit. */
size_t block_deflate(struct block_zlib *z, const struct pf_slice *iov, unsigned n, uint8_t *out,
                     size_t cap);
