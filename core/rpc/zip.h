/* SPDX-License-Identifier: Apache-2.0 */
/* zip.h - a ZIP archive (APPNOTE 6.3) of a few small files, stored as they are. */
#pragma once

#include <glib.h>

#include <stddef.h>

struct zip_file {
    const char *name; /* ASCII */
    const void *bytes;
    size_t len; /* under 4 GiB */
};
/* g_byte_array_unref. */
GByteArray *zip_make(const struct zip_file *files, unsigned n);
