/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-pack.c - PACK. Laws: what was parsed, written and parsed again is the same, and is written
 * the same; and it holds no more than was there. */

#include "core/base/addr.h"
#include "core/base/pack.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <string.h>

static void
check_value(const struct pack *a, const struct pack *b, const char *name, unsigned i)
{
    struct reader x = pack_data_at(a, name, i);
    struct reader y = pack_data_at(b, name, i);

    g_assert_cmpuint(pack_int_at(a, name, i), ==, pack_int_at(b, name, i));
    g_assert_cmpuint(pack_int64_at(a, name, i), ==, pack_int64_at(b, name, i));
    g_assert_cmpstr(pack_str_at(a, name, i), ==, pack_str_at(b, name, i));
    g_assert_cmpmem(x.at, (int)x.left, y.at, (int)y.left);
}

static void
check_element(const struct pack *a, const struct pack *b, const char *name)
{
    enum pack_type x = PACK_INT, y = PACK_INT;
    unsigned n = pack_count(a, name);

    g_assert_true(pack_type_of(a, name, &x) && pack_type_of(b, name, &y));
    g_assert_cmpint(x, ==, y);
    g_assert_cmpuint(n, >, 0);
    g_assert_cmpuint(n, ==, pack_count(b, name));
    for (unsigned i = 0; i <= n; i++) /* one too many, as well */
        check_value(a, b, name, i);
}

/* Reads every element as an address, too; returns the bytes of text and data in all values. */
static size_t
bytes_in(const struct pack *p)
{
    const char *name;
    size_t held = 0;
    struct ip ip;

    for (unsigned i = 0; (name = pack_name(p, i)); i++) {
        (void)!pack_ip(p, name, &ip);
        for (unsigned k = 0; k < pack_count(p, name); k++)
            held += pack_data_at(p, name, k).left + strlen(pack_str_at(p, name, k));
    }
    return held;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack *a = pack_parse(reader_of(data, size), &pack_limits_login);
    const char *name;

    if (!a)
        return 0;
    g_autoptr(GByteArray) once = g_byte_array_new();
    g_autoptr(GByteArray) twice = g_byte_array_new();
    g_assert_cmpuint(bytes_in(a), <=, size);
    pack_serialise(a, once);
    /* A unistr without its NUL grows by it, so the copy may be larger than a stranger's may. */
    struct pack *b = pack_parse(reader_of(once->data, once->len), &pack_limits_admin);
    g_assert_nonnull(b);
    for (unsigned i = 0; (name = pack_name(a, i)); i++) {
        g_assert_cmpstr(name, ==, pack_name(b, i));
        check_element(a, b, name);
    }
    pack_serialise(b, twice);
    g_assert_cmpmem(once->data, once->len, twice->data, twice->len);
    pack_free(a);
    pack_free(b);
    return 0;
}
