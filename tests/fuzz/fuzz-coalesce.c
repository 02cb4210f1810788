/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-coalesce.c - a batch of packets made from a few bytes each, some of them damaged.
 *
 * Input: records of eight bytes that describe a TCP packet near to the one before it, what is
 * wrong with it, and how. The law is coalesce_law.h's.
 */

#include "core/net/coalesce.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/net/coalesce_law.h"

enum { FLOWS = 4, SPOIL = 0x80, MARK = 0x40, OPTIONS = 0x20, IP6 = 0x10, TAG = 0x08, GAP = 0x04 };

static const uint8_t text[256] = "the same for all of them";
static const uint8_t options[4] = {1, 1, 1, 1};

static struct frame *
make(struct reader *r, struct packet flows[FLOWS])
{
    uint8_t kind = reader_u8(r);
    uint8_t len = reader_u8(r);
    uint8_t flags = reader_u8(r);
    uint8_t other = reader_u8(r);
    uint16_t at = reader_u16(r);
    uint8_t with = reader_u8(r);
    struct packet *p = &flows[kind % FLOWS];

    (void)reader_u8(r);
    p->is_ip6 = kind & IP6;
    p->tags = kind & TAG ? 1 : 0;
    p->options = options;
    p->options_len = kind & OPTIONS ? sizeof options : 0;
    p->flags = flags;
    p->payload = text;
    p->payload_len = len;
    p->fragment = other & 1 ? 0x4000 : other & 2 ? 0x2000 : 0;
    p->tos = other >> 2 & 3;
    p->padding = other >> 6;
    if (kind & GAP)
        p->seq += with;
    struct frame *f = packet_make(p);
    p->seq += len;
    p->id++;
    if (kind & MARK)
        packet_mark(p, f, FRAME_GSO_NONE, 0);
    if (kind & SPOIL)
        f->data[at % f->len] ^= with;
    return f;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    struct packet flows[FLOWS] = {0};
    struct batch b = {0};

    for (unsigned i = 0; i < FLOWS; i++)
        flows[i].sport = (uint16_t)(1000 + i);
    while (r.left >= 8 && !batch_is_full(&b))
        batch_add(&b, make(&r, flows));
    (void)coalesce_law(&b);
    for (unsigned i = 0; i < b.n; i++)
        g_free(b.frame[i]);
    return 0;
}
