/* SPDX-License-Identifier: Apache-2.0 */
/* hex.h - bytes of a test written in hexadecimal, with blanks where they help. */
#pragma once

#include <glib.h>

#include <stdint.h>

static inline size_t
hex_bytes(const char *text, uint8_t *out, size_t cap)
{
    size_t digits = 0;

    for (; *text; text++) {
        if (*text == ' ')
            continue;
        int value = g_ascii_xdigit_value(*text);
        g_assert_cmpint(value, >=, 0);
        g_assert_cmpuint(digits / 2, <, cap);
        uint8_t *byte = &out[digits / 2];
        *byte = (uint8_t)(digits % 2 == 0 ? value << 4 : *byte | value);
        digits++;
    }
    g_assert_cmpuint(digits % 2, ==, 0);
    return digits / 2;
}

/* Whether these bytes are what the text says. */
static inline void
hex_assert(const uint8_t *bytes, size_t n, const char *text)
{
    uint8_t want[1024];
    size_t want_n = hex_bytes(text, want, sizeof(want));

    g_assert_cmpmem(bytes, (int)n, want, (int)want_n);
}
