/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c - see secret.h. */

#include "core/base/secret.h"

#include <string.h>

void
secret_wipe(void *at, size_t len)
{
    if (len == 0)
        return;
    memset(at, 0, len);
    /* The compiler must believe that somebody reads the zeroes. */
    __asm__ volatile("" : : "r"(at) : "memory");
}

struct secret *
secret_new(const void *bytes, size_t len)
{
    struct secret *s = g_malloc0(sizeof *s + len + 1);

    s->len = len;
    if (bytes && len > 0)
        memcpy(s->bytes, bytes, len);
    return s;
}

struct secret *
secret_text(const char *text)
{
    return secret_new(text, strlen(text));
}

void
secret_free(struct secret *s)
{
    if (!s)
        return;
    secret_wipe(s, sizeof *s + s->len);
    g_free(s);
}

void
secret_free_str(char *text)
{
    if (!text)
        return;
    secret_wipe(text, strlen(text));
    g_free(text);
}

bool
secret_equal(const void *a, const void *b, size_t len)
{
    /* volatile: no early end, no look-up by the compiler's own memcmp */
    const volatile uint8_t *x = a;
    const volatile uint8_t *y = b;
    uint8_t different = 0;

    for (size_t i = 0; i < len; i++)
        different |= (uint8_t)(x[i] ^ y[i]);
    return different == 0;
}
