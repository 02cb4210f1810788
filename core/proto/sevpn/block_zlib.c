/* SPDX-License-Identifier: Apache-2.0 */
/* block_zlib.c - see block_zlib.h. */

#include "core/proto/sevpn/block_zlib.h"

#include <glib.h>
#include <zlib.h>

struct block_zlib {
    z_stream in, out;
    bool in_ready, out_ready;
};

struct block_zlib *
block_zlib_new(void)
{
    return g_new0(struct block_zlib, 1);
}

void
block_zlib_free(struct block_zlib *z)
{
    if (!z)
        return;
    if (z->in_ready)
        (void)inflateEnd(&z->in);
    if (z->out_ready)
        (void)deflateEnd(&z->out);
    g_free(z);
}

static bool
inflate_to(struct block_zlib *z, const struct frame *from, struct frame *to)
{
    if (!z->in_ready)
        z->in_ready = inflateInit(&z->in) == Z_OK;
    else if (inflateReset(&z->in) != Z_OK)
        return false;
    if (!z->in_ready)
        return false;
    z->in.next_in = from->data;
    z->in.avail_in = from->len;
    z->in.next_out = to->data;
    z->in.avail_out = BLOCK_FRAME_MAX; /* the bomb goes off in here */
    if (inflate(&z->in, Z_FINISH) != Z_STREAM_END)
        return false;
    return frame_put(to, BLOCK_FRAME_MAX - z->in.avail_out) != NULL;
}

enum drop
block_inflate(struct block_zlib *z, struct frame_pool *pool, struct frame **f)
{
    struct frame *to = frame_new(pool, BLOCK_FRAME_MAX);
    enum drop why = !to ? DROP_NO_BUFFER : inflate_to(z, *f, to) ? DROP_NONE : DROP_INFLATE;

    frame_free(*f);
    if (why != DROP_NONE && to)
        frame_free(g_steal_pointer(&to));
    *f = to;
    return why;
}

size_t
block_deflate(struct block_zlib *z, const struct pf_slice *iov, unsigned n, uint8_t *out,
              size_t cap)
{
    if (!z->out_ready)
        z->out_ready = deflateInit(&z->out, Z_DEFAULT_COMPRESSION) == Z_OK;
    else if (deflateReset(&z->out) != Z_OK)
        return 0;
    if (!z->out_ready)
        return 0;
    z->out.next_out = out;
    z->out.avail_out = (uInt)cap;
    for (unsigned i = 0; i < n; i++) {
        bool last = i + 1 == n;
        z->out.next_in = iov[i].at;
        z->out.avail_in = (uInt)iov[i].len;
        int r = deflate(&z->out, last ? Z_FINISH : Z_NO_FLUSH);
        if (last ? r != Z_STREAM_END : (r != Z_OK || z->out.avail_in > 0))
            return 0;
    }
    return cap - z->out.avail_out;
}
