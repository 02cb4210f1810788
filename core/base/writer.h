/* SPDX-License-Identifier: Apache-2.0 */
/* writer.h - the inverse of reader.h: a cursor over a buffer that it cannot leave.
 *
 * Failure is sticky: what does not fit is not written, and writer_ok() stays false, so a builder
 * writes everything and asks once. A writer borrows the buffer. Integers are big-endian.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct writer {
    uint8_t *start;
    size_t len; /* bytes written so far */
    size_t cap;
    bool failed;
};

static inline struct writer
writer_of(void *buffer, size_t cap)
{
    return (struct writer){.start = buffer, .cap = cap};
}

static inline bool
writer_ok(const struct writer *w)
{
    return !w->failed;
}

/* Room for n bytes, which the caller fills, or NULL. The only place where the cursor moves. */
static inline uint8_t *
writer_room(struct writer *w, size_t n)
{
    if (w->failed || n > w->cap - w->len) {
        w->failed = true;
        return NULL;
    }
    uint8_t *p = w->start + w->len;
    w->len += n;
    return p;
}

static inline void
writer_bytes(struct writer *w, const void *bytes, size_t n)
{
    uint8_t *p = writer_room(w, n);
    if (p && n > 0)
        memcpy(p, bytes, n);
}

static inline void
writer_zero(struct writer *w, size_t n)
{
    uint8_t *p = writer_room(w, n);
    if (p)
        memset(p, 0, n);
}

static inline void
writer_u8(struct writer *w, uint8_t v)
{
    uint8_t *p = writer_room(w, 1);
    if (p)
        p[0] = v;
}

static inline void
writer_u16(struct writer *w, uint16_t v)
{
    uint8_t *p = writer_room(w, 2);
    if (p) {
        p[0] = (uint8_t)(v >> 8);
        p[1] = (uint8_t)v;
    }
}

static inline void
writer_u32(struct writer *w, uint32_t v)
{
    uint8_t *p = writer_room(w, 4);
    if (p) {
        p[0] = (uint8_t)(v >> 24);
        p[1] = (uint8_t)(v >> 16);
        p[2] = (uint8_t)(v >> 8);
        p[3] = (uint8_t)v;
    }
}

static inline void
writer_u64(struct writer *w, uint64_t v)
{
    writer_u32(w, (uint32_t)(v >> 32));
    writer_u32(w, (uint32_t)v);
}

/* Overwrites four bytes written earlier, at offset: for counts known only afterwards. */
static inline void
writer_patch_u32(struct writer *w, size_t offset, uint32_t v)
{
    struct writer at = {.start = w->start + offset, .cap = 4};
    if (w->failed || offset + 4 > w->len)
        w->failed = true;
    else
        writer_u32(&at, v);
}
