/* SPDX-License-Identifier: Apache-2.0 */
/* zip.c - see zip.h. */
#include "core/rpc/zip.h"

#include <zlib.h>

#include <stdint.h>
#include <string.h>

enum {
    LOCAL_HEADER = 0x04034b50,
    CENTRAL_HEADER = 0x02014b50,
    END_RECORD = 0x06054b50,
    VERSION = 20,
    DOS_DATE = 0x0021, /* 1 January 1980: the archive says nothing about when it was made */
};

static void
put16(GByteArray *out, unsigned v)
{
    uint8_t b[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
    g_byte_array_append(out, b, sizeof(b));
}

static void
put32(GByteArray *out, uint32_t v)
{
    put16(out, v & 0xffff);
    put16(out, v >> 16);
}

/* What both headers of a file have in common, from the version on. */
static void
put_file(GByteArray *out, const struct zip_file *f)
{
    put16(out, VERSION);
    put16(out, 0); /* flags */
    put16(out, 0); /* stored */
    put16(out, 0); /* time */
    put16(out, DOS_DATE);
    put32(out, (uint32_t)crc32(0, f->bytes, (uInt)f->len));
    put32(out, (uint32_t)f->len);
    put32(out, (uint32_t)f->len);
    put16(out, (unsigned)strlen(f->name));
    put16(out, 0); /* extra field */
}

static void
put_text(GByteArray *out, const char *text)
{
    g_byte_array_append(out, (const uint8_t *)text, (guint)strlen(text));
}

GByteArray *
zip_make(const struct zip_file *files, unsigned n)
{
    GByteArray *out = g_byte_array_new();
    g_autoptr(GByteArray) central = g_byte_array_new();

    for (unsigned i = 0; i < n; i++) {
        uint32_t offset = out->len;
        put32(out, LOCAL_HEADER);
        put_file(out, &files[i]);
        put_text(out, files[i].name);
        g_byte_array_append(out, files[i].bytes, (guint)files[i].len);

        put32(central, CENTRAL_HEADER);
        put16(central, VERSION);
        put_file(central, &files[i]);
        put16(central, 0); /* comment */
        put16(central, 0); /* disk */
        put16(central, 0); /* internal attributes */
        put32(central, 0); /* external attributes */
        put32(central, offset);
        put_text(central, files[i].name);
    }
    uint32_t at = out->len;
    g_byte_array_append(out, central->data, central->len);
    put32(out, END_RECORD);
    put16(out, 0);
    put16(out, 0);
    put16(out, n);
    put16(out, n);
    put32(out, central->len);
    put32(out, at);
    put16(out, 0);
    return out;
}
