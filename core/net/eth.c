/* SPDX-License-Identifier: Apache-2.0 */
/* eth.c - see eth.h. */

#include "core/net/eth.h"

#include "core/net/wire.h"

#include <string.h>

enum drop
eth_parse(struct reader in, struct eth *out)
{
    const uint8_t *h = reader_take(&in, ETH_HEADER); /* one check for the whole fixed part */

    if (!h)
        return DROP_SHORT;
    struct eth e = {.header_len = ETH_HEADER, .type = wire_get16(h + 12)};
    memcpy(e.dst.b, h, sizeof e.dst.b);
    memcpy(e.src.b, h + 6, sizeof e.src.b);
    while (e.tags < ETH_TAGS_MAX && eth_type_is_tag(e.type)) {
        e.tci[e.tags++] = reader_u16(&in);
        e.type = reader_u16(&in);
        e.header_len += ETH_TAG;
    }
    if (!reader_ok(&in))
        return DROP_SHORT;

    e.body = in;
    *out = e;
    return DROP_NONE;
}

void
eth_write(struct writer *w, const struct mac *dst, const struct mac *src, uint16_t type)
{
    writer_bytes(w, dst->b, sizeof dst->b);
    writer_bytes(w, src->b, sizeof src->b);
    writer_u16(w, type);
}
