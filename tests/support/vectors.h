/* SPDX-License-Identifier: Apache-2.0 */
/* vectors.h - reads tests/support/vectors/NAME.hex: bytes that real programs sent. */
#pragma once

#include <glib.h>

static inline GByteArray *
vector_read(const char *name)
{
    g_autofree char *file = g_strconcat(name, ".hex", NULL);
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "support", "vectors", file, NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    GByteArray *out = g_byte_array_new();

    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    for (const char *p = text; *p;) {
        if (!g_ascii_isxdigit(*p)) {
            p++;
            continue;
        }
        guint8 byte = (guint8)(g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]));
        g_byte_array_append(out, &byte, 1);
        p += 2;
    }
    return out;
}
