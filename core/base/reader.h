/* SPDX-License-Identifier: Apache-2.0 */
/* reader.h - a cursor over received bytes that cannot leave them.
 *
 * Failure is sticky: after the first short read every getter returns zero or NULL and
 * reader_ok() stays false, so a parser reads a whole header and asks once at its end. A reader
 * borrows the bytes: it never copies or frees them, and is cheap to pass by value. Integers on
 * the wire are big-endian; the few little-endian protocols use the _le getters.
 *
 * Read one field per statement: C does not order two calls inside one initializer list.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reader {
    const uint8_t *at;
    size_t left;
    bool failed;
};

static inline struct reader
reader_of(const void *bytes, size_t len)
{
    return (struct reader){.at = len > 0 ? bytes : (const void *)"", .left = len};
}

static inline bool
reader_ok(const struct reader *r)
{
    return !r->failed;
}

static inline void
reader_fail(struct reader *r)
{
    r->failed = true;
    r->left = 0;
}

/* The next n bytes, or NULL. The only place where the cursor moves. */
static inline const uint8_t *
reader_take(struct reader *r, size_t n)
{
    if (r->failed || n > r->left) {
        reader_fail(r);
        return NULL;
    }
    const uint8_t *p = r->at;
    r->at += n;
    r->left -= n;
    return p;
}

/* Copies the next n bytes to out; zeroes out when they are not there. */
static inline void
reader_copy(struct reader *r, void *out, size_t n)
{
    const uint8_t *p = reader_take(r, n);
    if (p)
        memcpy(out, p, n);
    else
        memset(out, 0, n);
}

static inline uint8_t
reader_u8(struct reader *r)
{
    const uint8_t *p = reader_take(r, 1);
    return p ? p[0] : 0;
}

static inline uint16_t
reader_u16(struct reader *r)
{
    const uint8_t *p = reader_take(r, 2);
    return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t
reader_u32(struct reader *r)
{
    const uint8_t *p = reader_take(r, 4);
    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint64_t
reader_u64(struct reader *r)
{
    uint64_t high = reader_u32(r);
    uint64_t low = reader_u32(r);
    return high << 32 | low;
}

static inline uint16_t
reader_u16_le(struct reader *r)
{
    const uint8_t *p = reader_take(r, 2);
    return p ? (uint16_t)(p[1] << 8 | p[0]) : 0;
}

static inline uint32_t
reader_u32_le(struct reader *r)
{
    const uint8_t *p = reader_take(r, 4);
    return p ? (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0] : 0;
}

/* The next n bytes as a reader of their own; r moves past them. A fence for nested lengths. */
static inline struct reader
reader_sub(struct reader *r, size_t n)
{
    const uint8_t *p = reader_take(r, n);
    return p ? reader_of(p, n) : (struct reader){.at = r->at, .failed = true};
}
