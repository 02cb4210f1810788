/* SPDX-License-Identifier: Apache-2.0 */
/* line.h - a line of a log under construction: appends that cannot leave their buffer, and values
 * that cannot leave their place.
 *
 * A line is whole or not at all: what does not fit marks it as failed, and it is not written.
 * Values of any origin go in through line_value() (text) or line_json() (JSON): control characters,
 * what is not UTF-8, and what turns the direction of writing are escaped, so that no value can
 * begin a line or a field of its own.
 */
#pragma once

#include "core/base/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LINE_MAX_BYTES = 16384,
    LINE_VALUE_MAX = 1024, /* bytes of one value before it is cut */
};

struct line {
    size_t len;
    bool failed;
    char at[LINE_MAX_BYTES];
};

static inline void
line_clear(struct line *l)
{
    l->len = 0;
    l->failed = false;
}

/* Room for n bytes, which the caller fills, or NULL. */
static inline char *
line_room(struct line *l, size_t n)
{
    if (l->failed || n > sizeof(l->at) - l->len) {
        l->failed = true;
        return NULL;
    }
    char *p = l->at + l->len;
    l->len += n;
    return p;
}

static inline void
line_char(struct line *l, char c)
{
    char *p = line_room(l, 1);
    if (p)
        *p = c;
}

void line_bytes(struct line *l, const void *bytes, size_t n); /* as they are */
void line_str(struct line *l, const char *text);              /* as it is */
void line_u64(struct line *l, uint64_t v);
void line_hex(struct line *l, const void *bytes, size_t n);
void line_hex_u32(struct line *l, uint32_t v, unsigned digits);
void line_mac(struct line *l, const uint8_t mac[6]);
void line_ip(struct line *l, const uint8_t *ip, unsigned family); /* 4 or 6 */
/* 2026-11-24T20:30:00.123Z */
void line_stamp(struct line *l, int64_t wall_ms);
/* Bare when it has nothing but letters, digits and harmless signs, else in quotes. */
void line_value(struct line *l, const void *text, size_t len);
/* A JSON string with its quotes. */
void line_json(struct line *l, const void *text, size_t len);
