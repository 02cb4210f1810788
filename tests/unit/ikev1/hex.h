/* SPDX-License-Identifier: Apache-2.0 */
/* hex.h - octets as text, for known answers. */
#pragma once

#include <glib.h>

#include <stddef.h>
#include <stdint.h>

/* Of text with spaces; returns how many octets. */
static inline size_t
unhex(const char *text, uint8_t *out, size_t cap)
{
    size_t n = 0;

    for (const char *p = text; *p; p += 2) {
        while (*p == ' ')
            p++;
        if (!*p)
            break;
        g_assert_cmpuint(n, <, cap);
        g_assert_true(g_ascii_isxdigit(p[0]) && g_ascii_isxdigit(p[1]));
        out[n++] = (uint8_t)(g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]));
    }
    return n;
}

static inline void
assert_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
    g_assert_cmpmem(a, (int)a_len, b, (int)b_len);
}

static inline void
assert_hex(const void *bytes, size_t len, const char *text)
{
    uint8_t want[1024];

    assert_bytes(bytes, len, want, unhex(text, want, sizeof(want)));
}
