/* SPDX-License-Identifier: Apache-2.0 */
/* tcp.c - see tcp.h. Section numbers are RFC 9293's. */

#include "core/net/tcp.h"

#include "core/net/checksum.h"
#include "core/net/wire.h"

enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_MSS = 2, OPTION_MSS_LEN = 4 };

enum drop
tcp_parse(struct reader in, struct tcp *out)
{
    struct tcp t = {0};

    t.sport = reader_u16(&in);
    t.dport = reader_u16(&in);
    t.seq = reader_u32(&in);
    t.ack = reader_u32(&in);
    uint8_t offset = reader_u8(&in);
    t.header_len = (uint8_t)((offset >> 4) * 4);
    t.reserved = offset & 0x0f;
    t.flags = reader_u8(&in);
    t.window = reader_u16(&in);
    t.checksum = reader_u16(&in);
    t.urgent = reader_u16(&in);
    if (!reader_ok(&in))
        return DROP_SHORT;
    if (t.header_len < TCP_HEADER)
        return DROP_MALFORMED;
    t.options = reader_sub(&in, t.header_len - TCP_HEADER);
    if (!reader_ok(&in))
        return DROP_SHORT;

    t.body = in;
    *out = t;
    return DROP_NONE;
}

/* The two bytes of the MSS, or NULL. */
static const uint8_t *
find_mss(struct reader options)
{
    while (options.left > 0) {
        uint8_t kind = reader_u8(&options);
        if (kind == OPTION_END)
            return NULL;
        if (kind == OPTION_NOP)
            continue;
        uint8_t len = reader_u8(&options);
        if (kind == OPTION_MSS && len == OPTION_MSS_LEN)
            return reader_take(&options, 2);
        if (len < 2)
            return NULL; /* nothing behind it can be found */
        (void)reader_take(&options, len - 2u);
    }
    return NULL;
}

bool
tcp_find_mss(struct reader options, uint16_t *ret_mss)
{
    const uint8_t *at = find_mss(options);
    if (!at)
        return false;
    *ret_mss = wire_get16(at);
    return true;
}

bool
tcp_clamp_mss(struct frame *f, size_t l4, uint16_t mss)
{
    struct tcp t;
    struct reader in = reader_of(f->data, f->len);

    (void)reader_take(&in, l4);
    if (!reader_ok(&in) || tcp_parse(in, &t) != DROP_NONE || !(t.flags & TCP_SYN))
        return false;
    const uint8_t *found = find_mss(t.options);
    if (!found || wire_get16(found) <= mss)
        return false;

    uint8_t *tcp = f->data + l4;
    size_t at = (size_t)(found - tcp);
    uint16_t was = wire_get16(found);
    wire_put16(tcp + at, mss);
    if (f->flags & FRAME_NEEDS_CSUM) /* the field holds the pseudo header alone */
        return true;
    if (at % 2 == 1) {
        was = (uint16_t)(was << 8 | was >> 8);
        mss = (uint16_t)(mss << 8 | mss >> 8);
    }
    wire_put16(tcp + TCP_AT_CHECKSUM, csum_update16(t.checksum, was, mss));
    return true;
}
