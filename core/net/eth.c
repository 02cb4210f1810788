/* SPDX-License-Identifier: Apache-2.0 */
/* eth.c - see eth.h. */

#include "core/net/eth.h"

enum drop
eth_parse(struct reader in, struct eth *out)
{
    struct eth e = {.header_len = ETH_HEADER};

    reader_copy(&in, e.dst.b, sizeof e.dst.b);
    reader_copy(&in, e.src.b, sizeof e.src.b);
    e.type = reader_u16(&in);
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
