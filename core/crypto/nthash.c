/* SPDX-License-Identifier: Apache-2.0 */
/* nthash.c - see nthash.h. Section numbers are RFC 1320's. */

#include "core/crypto/nthash.h"

#include "core/base/reader.h"
#include "core/base/secret.h"

#include <glib.h>

#include <stdbool.h>
#include <string.h>

enum { BLOCK = 64, LENGTH_FIELD = 8 };

static uint32_t
rotate(uint32_t v, unsigned by)
{
    return v << by | v >> (32 - by);
}

/* 3.4: three rounds of sixteen steps; each has its function, its constant, its order of the words
 * and its four rotations. */
static const struct round {
    uint32_t constant;
    uint8_t word[16];
    uint8_t by[4];
} rounds[3] = {
    {0, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {3, 7, 11, 19}},
    {0x5a827999, {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15}, {3, 5, 9, 13}},
    {0x6ed9eba1, {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15}, {3, 9, 11, 15}},
};

static uint32_t
mix(unsigned round, uint32_t x, uint32_t y, uint32_t z)
{
    if (round == 0)
        return (x & y) | (~x & z);
    if (round == 1)
        return (x & y) | (x & z) | (y & z);
    return x ^ y ^ z;
}

static void
one_block(uint32_t h[4], const uint8_t block[BLOCK])
{
    uint32_t x[16];
    struct reader in = reader_of(block, BLOCK);
    for (unsigned i = 0; i < 16; i++)
        x[i] = reader_u32_le(&in);

    uint32_t a = h[0], b = h[1], c = h[2], d = h[3];
    for (unsigned r = 0; r < 3; r++) {
        for (unsigned i = 0; i < 16; i++) {
            uint32_t sum = a + mix(r, b, c, d) + x[rounds[r].word[i]] + rounds[r].constant;
            a = d;
            d = c;
            c = b;
            b = rotate(sum, rounds[r].by[i % 4]);
        }
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    secret_wipe(x, sizeof(x));
}

static void
put_le(uint8_t *at, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

void
md4(const void *bytes, size_t len, uint8_t out[NT_HASH_SIZE])
{
    uint32_t h[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    struct reader in = reader_of(bytes, len);
    while (in.left >= BLOCK)
        one_block(h, reader_take(&in, BLOCK));

    /* 3.1 and 3.2: one bit, zeroes, the length in bits. */
    uint8_t tail[2 * BLOCK] = {0};
    size_t filled = in.left;
    reader_copy(&in, tail, filled);
    tail[filled] = 0x80;
    size_t size = filled < BLOCK - LENGTH_FIELD ? BLOCK : 2 * BLOCK;
    put_le(tail + size - LENGTH_FIELD, (uint64_t)len * 8, LENGTH_FIELD);
    for (size_t at = 0; at < size; at += BLOCK)
        one_block(h, tail + at);

    for (unsigned i = 0; i < 4; i++)
        put_le(out + (size_t)4 * i, h[i], 4);
    secret_wipe(tail, sizeof(tail));
    secret_wipe(h, sizeof(h));
}

void
nt_hash(const char *password, uint8_t out[NT_HASH_SIZE])
{
    size_t len = strlen(password);
    uint8_t *wide = g_malloc(2 * len + 1); /* UTF-16 never has more units than UTF-8 has bytes */
    size_t n = 0;
    bool is_utf8 = g_utf8_validate(password, (gssize)len, NULL);

    for (const char *p = password; *p != '\0'; p = is_utf8 ? g_utf8_next_char(p) : p + 1) {
        uint32_t c = is_utf8 ? g_utf8_get_char(p) : (uint8_t)*p;
        if (c >= 0x10000) {
            put_le(wide + n, 0xd800 + ((c - 0x10000) >> 10), 2);
            put_le(wide + n + 2, 0xdc00 + (c & 0x3ff), 2);
            n += 4;
        } else {
            put_le(wide + n, c, 2);
            n += 2;
        }
    }
    md4(wide, n, out);
    secret_wipe(wide, 2 * len + 1);
    g_free(wide);
}
