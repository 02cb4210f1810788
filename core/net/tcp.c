/* SPDX-License-Identifier: Apache-2.0 */
/* tcp.c - see tcp.h. Section numbers are RFC 9293's. */

#include "core/net/tcp.h"

#include "core/net/checksum.h"
#include "core/net/wire.h"

enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_MSS = 2, OPTION_MSS_LEN = 4 };

enum drop
tcp_parse(struct reader in, struct tcp *out)
{
    const uint8_t *h = reader_take(&in, TCP_HEADER); /* one check for the whole fixed part */

    if (!h)
        return DROP_SHORT;
    struct tcp t = {
        .sport = wire_get16(h),
        .dport = wire_get16(h + 2),
        .seq = wire_get32(h + TCP_AT_SEQ),
        .ack = wire_get32(h + TCP_AT_SEQ + 4),
        .header_len = (uint8_t)((h[TCP_AT_FLAGS - 1] >> 4) * 4),
        .reserved = h[TCP_AT_FLAGS - 1] & 0x0f,
        .flags = h[TCP_AT_FLAGS],
        .window = wire_get16(h + 14),
        .checksum = wire_get16(h + TCP_AT_CHECKSUM),
        .urgent = wire_get16(h + 18),
    };
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
