/* SPDX-License-Identifier: Apache-2.0 */
/* secret.h - bytes that are wiped when freed, and comparison in constant time. */
#pragma once

#include <glib.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Owned buffer: wiped by secret_free(). A NUL follows the bytes, so text can be used as a string.
 */
struct secret {
    size_t len;
    uint8_t bytes[];
};

struct secret *secret_new(const void *bytes, size_t len); /* copies; bytes may be NULL: zeroes */
struct secret *secret_text(const char *text);             /* without its NUL */
void secret_free(struct secret *s);                       /* NULL is fine */
static inline const char *
secret_str(const struct secret *s)
{
    return (const char *)s->bytes;
}
/* Overwrites memory in a way the compiler keeps. */
void secret_wipe(void *at, size_t len);
/* Wipes and frees a g_malloc'ed string; NULL is fine. */
void secret_free_str(char *text);
/* In time that depends on len alone. */
bool secret_equal(const void *a, const void *b, size_t len);
