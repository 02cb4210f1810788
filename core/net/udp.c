/* SPDX-License-Identifier: Apache-2.0 */
/* udp.c - see udp.h. */

#include "core/net/udp.h"

#include "core/net/checksum.h"
#include "core/net/wire.h"

enum drop
udp_parse(struct reader in, struct udp *out)
{
    struct udp u = {0};
    size_t there = in.left;

    u.sport = reader_u16(&in);
    u.dport = reader_u16(&in);
    u.len = reader_u16(&in);
    u.checksum = reader_u16(&in);
    if (!reader_ok(&in) || u.len > there)
        return DROP_SHORT;
    if (u.len < UDP_HEADER)
        return DROP_MALFORMED;

    u.body = reader_sub(&in, u.len - UDP_HEADER);
    *out = u;
    return DROP_NONE;
}

void
udp_write(struct writer *w, const struct udp *udp, uint64_t sum)
{
    size_t len = UDP_HEADER + udp->body.left;
    uint8_t *at = writer_room(w, len);
    if (!at)
        return;

    struct writer u = writer_of(at, len);
    writer_u16(&u, udp->sport);
    writer_u16(&u, udp->dport);
    writer_u16(&u, (uint16_t)len);
    writer_u16(&u, 0);
    writer_bytes(&u, udp->body.at, udp->body.left);
    wire_put16(at + UDP_AT_CHECKSUM, csum_finish_udp(csum_add(sum, at, len)));
}
