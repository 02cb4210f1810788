/* SPDX-License-Identifier: Apache-2.0 */
/* icmp.c - see icmp.h. */

#include "core/net/icmp.h"

#include "core/net/checksum.h"
#include "core/net/wire.h"

enum { AT_CHECKSUM = 2 };

enum drop
icmp_parse(struct reader in, struct icmp *out)
{
    struct icmp m = {0};

    m.type = reader_u8(&in);
    m.code = reader_u8(&in);
    m.checksum = reader_u16(&in);
    m.rest = reader_u32(&in);
    if (!reader_ok(&in))
        return DROP_SHORT;

    m.body = in;
    *out = m;
    return DROP_NONE;
}

void
icmp_write(struct writer *w, const struct icmp *icmp, uint64_t sum)
{
    size_t len = ICMP_HEADER + icmp->body.left;
    uint8_t *at = writer_room(w, len);
    if (!at)
        return;

    struct writer m = writer_of(at, len);
    writer_u8(&m, icmp->type);
    writer_u8(&m, icmp->code);
    writer_u16(&m, 0);
    writer_u32(&m, icmp->rest);
    writer_bytes(&m, icmp->body.at, icmp->body.left);
    wire_put16(at + AT_CHECKSUM, csum_finish(csum_add(sum, at, len)));
}
