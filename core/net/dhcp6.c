/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp6.c - see dhcp6.h. */

#include "core/net/dhcp6.h"

enum { OPTION_HEADER = 4 };

bool
dhcp6_next_option(struct reader *options, uint16_t *code, struct reader *value)
{
    if (options->left == 0)
        return false;
    *code = reader_u16(options);
    uint16_t len = reader_u16(options);
    *value = reader_sub(options, len);
    return reader_ok(options);
}

static bool
options_are_sound(struct reader options)
{
    uint16_t code = 0;
    struct reader value;

    while (dhcp6_next_option(&options, &code, &value))
        continue;
    return reader_ok(&options);
}

bool
dhcp6_find_option(struct reader options, uint16_t wanted, struct reader *value)
{
    uint16_t code = 0;
    struct reader v;

    while (dhcp6_next_option(&options, &code, &v)) {
        if (code == wanted) {
            *value = v;
            return true;
        }
    }
    return false;
}

enum drop
dhcp6_parse(struct reader in, struct dhcp6_message *out)
{
    struct dhcp6_message m = {0};

    uint32_t first = reader_u32(&in);
    if (!reader_ok(&in))
        return DROP_SHORT;
    m.type = (uint8_t)(first >> 24);
    m.transaction = first & 0xffffff;
    m.options = in;
    if (m.type < DHCP6_SOLICIT || m.type > DHCP6_INFORMATION_REQUEST || !options_are_sound(in))
        return DROP_MALFORMED;
    *out = m;
    return DROP_NONE;
}

enum drop
dhcp6_parse_ia(struct reader value, struct dhcp6_ia *out)
{
    struct dhcp6_ia ia = {0};

    ia.iaid = reader_u32(&value);
    ia.t1_s = reader_u32(&value);
    ia.t2_s = reader_u32(&value);
    if (!reader_ok(&value))
        return DROP_SHORT;
    ia.options = value;
    if (!options_are_sound(value))
        return DROP_MALFORMED;
    *out = ia;
    return DROP_NONE;
}

enum drop
dhcp6_parse_address(struct reader value, struct dhcp6_address *out)
{
    struct dhcp6_address a = {0};

    reader_copy(&value, a.ip, sizeof(a.ip));
    a.preferred_s = reader_u32(&value);
    a.valid_s = reader_u32(&value);
    if (!reader_ok(&value))
        return DROP_SHORT;
    a.options = value;
    if (!options_are_sound(value))
        return DROP_MALFORMED;
    *out = a;
    return DROP_NONE;
}

void
dhcp6_write_header(struct writer *w, uint8_t type, uint32_t transaction)
{
    writer_u32(w, (uint32_t)type << 24 | (transaction & 0xffffff));
}

void
dhcp6_write_option(struct writer *w, uint16_t code, const void *bytes, size_t len)
{
    if (len > UINT16_MAX) {
        w->failed = true;
        return;
    }
    writer_u16(w, code);
    writer_u16(w, (uint16_t)len);
    writer_bytes(w, bytes, len);
}

size_t
dhcp6_begin_option(struct writer *w, uint16_t code)
{
    writer_u16(w, code);
    writer_u16(w, 0); /* its length, told by dhcp6_end_option() */
    return w->len;
}

void
dhcp6_end_option(struct writer *w, size_t mark)
{
    if (w->failed || mark < OPTION_HEADER || w->len - mark > UINT16_MAX) {
        w->failed = true;
        return;
    }
    struct writer at = writer_of(w->start + mark - 2, 2);
    writer_u16(&at, (uint16_t)(w->len - mark));
}
