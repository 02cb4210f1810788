/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-segment.c - a frame with arbitrary offload marks.
 *
 * Input: gso type, flags, gso size, checksum start and offset (eight bytes), then the frame. Laws:
 * the payloads together are the payload of the frame; there are as many segments as was said and
 * none is longer; each segment of a super-frame has right lengths and checksums.
 */

#include "core/net/flow.h"
#include "core/net/segment.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/net/packet.h"

static void
check_segment(const struct frame *f, const struct segment *s)
{
    struct flow fl;
    size_t len = s->header_len + s->payload_len;
    g_autofree uint8_t *whole = g_malloc(len + 1);

    if (s->header_len > 0)
        memcpy(whole, s->header, s->header_len);
    memcpy(whole + s->header_len, s->payload, s->payload_len);
    if (!frame_is_super(f) || flow_of_frame(f, &fl) != DROP_NONE || fl.flags != 0)
        return;
    g_assert(packet_is_sound(whole, len, false));
}

static void
check_complete(const struct frame *f)
{
    struct frame *own = frame_exact(f->data, f->len);

    own->flags = f->flags;
    own->csum_start = f->csum_start;
    own->csum_offset = f->csum_offset;
    if (csum_complete(own) == DROP_NONE)
        g_assert(!segment_needs(own));
    g_free(own);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader in = reader_of(data, size);
    struct frame marks = {0};
    struct segment_iter it;
    struct segment s;

    marks.gso_type = reader_u8(&in);
    marks.flags = reader_u8(&in);
    marks.gso_size = reader_u16(&in);
    marks.csum_start = reader_u16(&in);
    marks.csum_offset = reader_u16(&in);
    if (!reader_ok(&in) || in.left > FRAME_LARGE)
        return 0;
    struct frame *f = frame_exact(in.at, in.left);
    f->gso_type = marks.gso_type;
    f->flags = marks.flags;
    f->gso_size = marks.gso_size;
    f->csum_start = marks.csum_start;
    f->csum_offset = marks.csum_offset;

    if (segment_begin(&it, f) == DROP_NONE) {
        const uint8_t *at = NULL;
        unsigned n = segment_count(&it);
        size_t longest = segment_longest(&it);
        size_t seen = 0;
        size_t most = 0;
        g_assert(n >= 1 && n <= SEGMENT_MAX);
        while (segment_next(&it, &s)) {
            g_assert(!at || s.payload == at || it.tail > 0); /* each follows the one before */
            at = s.payload + s.payload_len;
            seen++;
            most = MAX(most, s.header_len + s.payload_len);
            g_assert(s.payload >= f->data + s.header_len && at <= f->data + f->len);
            check_segment(f, &s);
        }
        g_assert(seen == n && most == longest);
        /* what a super-frame has behind its packet is in no segment */
        g_assert(at == f->data + (frame_is_super(f) ? it.end : f->len));
    } else {
        g_assert(segment_count(&it) == 0 && !segment_next(&it, &s));
    }
    if (!frame_is_super(f))
        check_complete(f);
    g_free(f);
    return 0;
}
