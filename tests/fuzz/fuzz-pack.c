/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-pack.c - PACKs. Law: what was parsed is written and parsed to the same again, and holds no
 * more than was there. */

#include "core/base/addr.h"
#include "core/base/pack.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <string.h>

/* Reads every value as every type; returns the bytes of text and data in it. */
static size_t
read_all(const struct pack *p)
{
    const char *name;
    size_t held = 0;
    struct ip ip;

    for (unsigned i = 0; (name = pack_name(p, i)); i++) {
        unsigned n = pack_count(p, name);
        g_assert_cmpuint(n, >, 0);
        for (unsigned k = 0; k <= n; k++) {
            struct reader data = pack_data_at(p, name, k);
            held += data.left + strlen(pack_str_at(p, name, k));
            (void)pack_int_at(p, name, k);
            (void)pack_int64_at(p, name, k);
        }
        (void)!pack_ip(p, name, &ip);
    }
    return held;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack *p = pack_parse(reader_of(data, size), &pack_limits_login);
    g_autoptr(GByteArray) once = g_byte_array_new();
    g_autoptr(GByteArray) twice = g_byte_array_new();

    if (!p)
        return 0;
    g_assert_cmpuint(read_all(p), <=, size);
    pack_serialise(p, once);
    pack_free(p);

    p = pack_parse(reader_of(once->data, once->len), &pack_limits_admin);
    g_assert_nonnull(p);
    pack_serialise(p, twice);
    g_assert_cmpmem(once->data, once->len, twice->data, twice->len);
    pack_free(p);
    return 0;
}
