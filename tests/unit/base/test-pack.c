/* SPDX-License-Identifier: Apache-2.0 */
/* test-pack.c - PACK: real messages, every truncation, every rule, every limit. */

#include "core/base/addr.h"
#include "core/base/pack.h"
#include "core/base/types.h"
#include "core/base/writer.h"
#include "tests/support/vectors.h"

#include <glib.h>

#include <string.h>

/* Of exactly that length, so that the sanitizer guards the end. */
static struct pack *
parse(const void *bytes, size_t len, const struct pack_limits *limits)
{
    g_autofree uint8_t *exact = g_memdup2(bytes, len);

    return pack_parse(reader_of(exact, len), limits);
}

static void
check_same(const struct pack *p, const void *bytes, size_t len)
{
    g_autoptr(GByteArray) out = g_byte_array_new();

    pack_serialise(p, out);
    g_assert_cmpmem(out->data, out->len, bytes, (int)len);
}

static void
check_truncations(const uint8_t *bytes, size_t len)
{
    for (size_t n = 0; n < len; n++)
        g_assert_null(parse(bytes, n, &pack_limits_admin));
    g_autofree uint8_t *longer = g_malloc0(len + 1);
    memcpy(longer, bytes, len);
    g_assert_null(parse(longer, len + 1, &pack_limits_admin)); /* a byte is left over */
}

/* One of each type. */
static const char worked[] = "\0\0\0\5"
                             "\0\0\0\2n\0\0\0\0\0\0\0\1\0\0\1\2"
                             "\0\0\0\2s\0\0\0\2\0\0\0\1\0\0\0\2hi"
                             "\0\0\0\2u\0\0\0\3\0\0\0\1\0\0\0\3\xc3\xa9\0"
                             "\0\0\0\2d\0\0\0\1\0\0\0\1\0\0\0\2\1\2"
                             "\0\0\0\2q\0\0\0\4\0\0\0\1\1\2\3\4\5\6\7\x08";
enum { WORKED_LEN = sizeof(worked) - 1 };

static void
test_worked(void)
{
    struct pack *p = parse(worked, WORKED_LEN, &pack_limits_login);
    enum pack_type type = PACK_DATA;

    g_assert_nonnull(p);
    g_assert_cmpuint(pack_int(p, "N"), ==, 258);
    g_assert_cmpstr(pack_str(p, "s"), ==, "hi");
    g_assert_cmpstr(pack_str(p, "u"), ==, "\xc3\xa9");
    struct reader d = pack_data(p, "d");
    g_assert_cmpmem(d.at, (int)d.left, "\1\2", 2);
    g_assert_cmphex(pack_int64(p, "q"), ==, 0x0102030405060708);
    g_assert_true(pack_type_of(p, "Q", &type));
    g_assert_cmpint(type, ==, PACK_INT64);
    g_assert_false(pack_type_of(p, "x", &type));
    g_assert_cmpstr(pack_name(p, 0), ==, "n");
    g_assert_cmpstr(pack_name(p, 4), ==, "q");
    g_assert_null(pack_name(p, 5));
    check_same(p, worked, WORKED_LEN);
    pack_free(p);
    check_truncations((const uint8_t *)worked, WORKED_LEN);
}

static void
test_built(void)
{
    struct pack *p = pack_new();

    pack_add_int(p, "n", 258);
    pack_add_str(p, "s", "hi");
    pack_add_unistr(p, "u", "\xc3\xa9");
    pack_add_data(p, "d", "\1\2", 2);
    pack_add_int64(p, "q", 0x0102030405060708);
    check_same(p, worked, WORKED_LEN);
    pack_free(p);
    pack_free(NULL);

    p = pack_new();
    check_same(p, "\0\0\0\0", 4);
    pack_free(p);
}

/* What SoftEther's client and server sent. */
static void
test_real(void)
{
    static const struct {
        const char *file, *name, *text;
    } cases[] = {
        {"hello-server", "hello", "SoftEther VPN Server Developer Edition (64 bit) (Open Source)"},
        {"login-password-client", "ClientHostname", "vm"},
        {"welcome-server", "connection_name", "CID-51"},
        {"additional-connect-client", "method", "additional_connect"},
        {"additional-connect-reply", "method", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        g_autoptr(GByteArray) bytes = vector_read(cases[i].file);
        struct pack *p = parse(bytes->data, bytes->len, &pack_limits_login);
        g_assert_nonnull(p);
        g_assert_cmpstr(pack_str(p, cases[i].name), ==, cases[i].text);
        check_same(p, bytes->data, bytes->len);
        pack_free(p);
        check_truncations(bytes->data, bytes->len);
    }
}

static void
test_lists(void)
{
    struct pack *p = pack_new();

    for (unsigned i = 0; i < 1000; i++) {
        g_autofree char *text = g_strdup_printf("value %u", i);
        pack_add_int(p, "Int", i);
        pack_add_int64(p, "Int64", UINT64_MAX - i);
        pack_add_str(p, i % 2 ? "STR" : "str", text);
        pack_add_data(p, "Data", text, i % 7 ? strlen(text) : 0);
    }
    g_assert_cmpuint(pack_count(p, "str"), ==, 1000);
    g_assert_cmpuint(pack_count(p, "none"), ==, 0);
    for (unsigned i = 0; i < 1000; i++) {
        g_autofree char *text = g_strdup_printf("value %u", i);
        g_assert_cmpuint(pack_int_at(p, "int", i), ==, i);
        g_assert_cmpuint(pack_int64_at(p, "int64", i), ==, UINT64_MAX - i);
        g_assert_cmpstr(pack_str_at(p, "str", i), ==, text);
        struct reader d = pack_data_at(p, "data", i);
        g_assert_cmpmem(d.at, (int)d.left, text, i % 7 ? (int)strlen(text) : 0);
    }
    g_autoptr(GByteArray) out = g_byte_array_new();
    pack_serialise(p, out);
    struct pack *again = parse(out->data, out->len, &pack_limits_login);
    g_assert_nonnull(again);
    check_same(again, out->data, out->len);
    pack_free(again);
    pack_free(p);
}

/* Absent, of another type, or past the end: zero and nothing. */
static void
test_getters_are_quiet(void)
{
    static const char *const names[] = {"n", "s", "u", "d", "q", "none", "", "\xff"};
    struct pack *p = parse(worked, WORKED_LEN, &pack_limits_login);
    g_autofree char *long_name = g_strnfill(100, 'n');

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char c = names[i][0];
        if (c != 'n')
            g_assert_cmpuint(pack_int(p, names[i]), ==, 0);
        if (c != 'q')
            g_assert_cmpuint(pack_int64(p, names[i]), ==, 0);
        if (c != 's' && c != 'u')
            g_assert_cmpstr(pack_str(p, names[i]), ==, "");
        if (c != 'd')
            g_assert_cmpuint(pack_data(p, names[i]).left, ==, 0);
        g_assert_cmpuint(pack_int_at(p, names[i], 1), ==, 0);
        g_assert_cmpuint(pack_int64_at(p, names[i], UINT_MAX), ==, 0);
        g_assert_cmpstr(pack_str_at(p, names[i], 1), ==, "");
        struct reader d = pack_data_at(p, names[i], 1);
        g_assert_true(reader_ok(&d));
        g_assert_nonnull(d.at);
        g_assert_cmpint(pack_has(p, names[i]), ==, i < 5);
    }
    g_assert_false(pack_has(p, "none"));
    g_assert_false(pack_has(p, long_name));
    pack_free(p);
}

/* ---- rules, on hand-made packs of one or two elements ---- */

struct raw {
    uint8_t buf[256];
    struct writer w;
};

static void
raw_begin(struct raw *r, uint32_t elements)
{
    r->w = writer_of(r->buf, sizeof(r->buf));
    writer_u32(&r->w, elements);
}

static void
raw_element(struct raw *r, const char *name, uint32_t type, uint32_t values)
{
    writer_u32(&r->w, (uint32_t)strlen(name) + 1);
    writer_bytes(&r->w, name, strlen(name));
    writer_u32(&r->w, type);
    writer_u32(&r->w, values);
}

static struct pack *
raw_parse(struct raw *r)
{
    g_assert_true(writer_ok(&r->w));
    return parse(r->buf, r->w.len, &pack_limits_login);
}

static void
test_duplicate_names(void)
{
    static const struct {
        const char *first, *second;
        bool ok;
    } cases[] = {{"a", "b", true}, {"a", "a", false}, {"Name", "nAME", false}, {"a", "aa", true}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct raw r;
        raw_begin(&r, 2);
        raw_element(&r, cases[i].first, PACK_INT, 1);
        writer_u32(&r.w, 1);
        raw_element(&r, cases[i].second, PACK_INT64, 1);
        writer_u64(&r.w, 2);
        struct pack *p = raw_parse(&r);
        g_assert_cmpint(p != NULL, ==, cases[i].ok);
        pack_free(p);
    }
}

static void
test_types_and_counts(void)
{
    static const struct {
        uint32_t type, values;
        bool ok;
    } cases[] = {{0, 1, true},  {5, 1, false},          {UINT32_MAX, 1, false},
                 {0, 0, false}, {0, UINT32_MAX, false}, {0, 2, false}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct raw r;
        raw_begin(&r, 1);
        raw_element(&r, "a", cases[i].type, cases[i].values);
        writer_u32(&r.w, 7);
        struct pack *p = raw_parse(&r);
        g_assert_cmpint(p != NULL, ==, cases[i].ok);
        pack_free(p);
    }
}

static void
test_names(void)
{
    struct raw r;
    g_autofree char *longest = g_strnfill(63, 'x');
    g_autofree char *longer = g_strnfill(64, 'x');

    raw_begin(&r, 1);
    raw_element(&r, "", PACK_INT, 1);
    writer_u32(&r.w, 7);
    g_assert_null(raw_parse(&r)); /* empty */

    raw_begin(&r, 1);
    writer_u32(&r.w, 0); /* not even the room for the NUL that is not sent */
    writer_u32(&r.w, PACK_INT);
    writer_u32(&r.w, 1);
    writer_u32(&r.w, 7);
    g_assert_null(raw_parse(&r));

    raw_begin(&r, 1);
    writer_u32(&r.w, 4);
    writer_bytes(&r.w, "a\0b", 3);
    writer_u32(&r.w, PACK_INT);
    writer_u32(&r.w, 1);
    writer_u32(&r.w, 7);
    g_assert_null(raw_parse(&r));

    raw_begin(&r, 1);
    raw_element(&r, longer, PACK_INT, 1);
    writer_u32(&r.w, 7);
    struct pack *p = raw_parse(&r);
    g_assert_nonnull(p);
    g_assert_cmpuint(pack_int(p, longest), ==, 7); /* a reader keeps 63 */
    g_assert_cmpstr(pack_name(p, 0), ==, longest);
    pack_free(p);
}

static void
test_text_ends_at_nul(void)
{
    static const struct {
        uint32_t type, len;
        const char *bytes, *text;
    } cases[] = {
        {PACK_STR, 5, "ab\0cd", "ab"},
        {PACK_STR, 3, "abc", "abc"}, /* without NUL */
        {PACK_STR, 0, "", ""},
        {PACK_UNISTR, 0, "", ""}, /* against the rules, and tolerated */
        {PACK_UNISTR, 1, "\0", ""},
        {PACK_UNISTR, 3, "abc", "abc"}, /* its NUL is missing */
        {PACK_UNISTR, 6, "ab\0cd\0", "ab"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct raw r;
        raw_begin(&r, 1);
        raw_element(&r, "t", cases[i].type, 2);
        for (unsigned k = 0; k < 2; k++) {
            writer_u32(&r.w, cases[i].len);
            writer_bytes(&r.w, cases[i].bytes, cases[i].len);
        }
        struct pack *p = raw_parse(&r);
        g_assert_nonnull(p);
        g_assert_cmpstr(pack_str_at(p, "t", 0), ==, cases[i].text);
        g_assert_cmpstr(pack_str_at(p, "t", 1), ==, cases[i].text);
        pack_free(p);
    }
}

/* ---- limits: at the limit it passes, one more and it does not ---- */

static GByteArray *
pack_of(unsigned elements, unsigned values)
{
    GByteArray *out = g_byte_array_new();
    struct pack *p = pack_new();

    for (unsigned i = 0; i < elements; i++) {
        g_autofree char *name = g_strdup_printf("e%u", i);
        for (unsigned k = 0; k < values; k++)
            pack_add_int(p, name, k);
    }
    pack_serialise(p, out);
    pack_free(p);
    return out;
}

static void
test_limits(void)
{
    static const struct pack_limits tight = {.elements = 10, .values = 20, .total = 100000};
    static const struct {
        unsigned elements, values;
        bool ok;
    } cases[] = {{10, 20, true}, {11, 1, false}, {1, 21, false}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        g_autoptr(GByteArray) bytes = pack_of(cases[i].elements, cases[i].values);
        struct pack *p = parse(bytes->data, bytes->len, &tight);
        g_assert_cmpint(p != NULL, ==, cases[i].ok);
        pack_free(p);
    }
    g_autoptr(GByteArray) bytes = pack_of(10, 20);
    struct pack_limits exact = {.elements = 10, .values = 20, .total = bytes->len};
    struct pack *p = parse(bytes->data, bytes->len, &exact);
    g_assert_nonnull(p);
    pack_free(p);
    exact.total--;
    g_assert_null(parse(bytes->data, bytes->len, &exact));
}

/* Counts that promise much and bring nothing cost nothing; and many names cost no squares. */
static void
test_hostile_counts(void)
{
    static const uint8_t promise[] = {0, 0, 4, 0, 0, 0, 0, 2, 'a', 0, 0, 0, 1, 0, 0, 4, 0};
    static const uint8_t large[] = {0, 0, 0, 1, 0, 0, 0,   2,   'a', 0,   0,
                                    0, 1, 0, 0, 0, 1, 255, 255, 255, 255, 1};
    int64_t start_us = g_get_monotonic_time();

    g_assert_null(parse(promise, sizeof(promise), &pack_limits_admin));
    g_assert_null(parse(large, sizeof(large), &pack_limits_admin));
    g_autoptr(GByteArray) bytes = pack_of(65536, 1);
    struct pack *p = parse(bytes->data, bytes->len, &pack_limits_admin);
    g_assert_nonnull(p);
    g_assert_cmpuint(pack_int(p, "E65535"), ==, 0);
    pack_free(p);
    g_assert_cmpint(g_get_monotonic_time() - start_us, <, 10 * G_USEC_PER_SEC);
}

/* ---- addresses ---- */

static void
test_ip(void)
{
    static const char *const texts[] = {"10.99.0.2", "0.0.0.0", "2001:db8::1", "::"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct pack *p = pack_new();
        struct ip ip = {0}, back = {0};
        g_assert_true(ip_parse(texts[i], &ip));
        pack_add_ip(p, "Ip", &ip);
        g_assert_true(pack_ip(p, "ip", &back));
        g_assert_true(ip_equal(&ip, &back));
        g_assert_cmpint(pack_int(p, "Ip@ipv6_bool") != 0, ==, ip.family == 6);
        g_assert_cmpuint(pack_data(p, "Ip@ipv6_array").left, ==, 16);
        g_assert_true(pack_has(p, "Ip@ipv6_scope_id"));
        pack_free(p);
    }
    struct pack *p = pack_new();
    struct ip ip = {.family = 99};
    g_assert_false(pack_ip(p, "Ip", &ip));
    pack_add_int(p, "Old", 0x0200630a); /* only the integer, as old peers send it */
    g_assert_true(pack_ip(p, "Old", &ip));
    g_assert_cmphex(ip_to_v4(&ip), ==, 0x0a630002);
    pack_add_int(p, "Bad@ipv6_bool", 1);
    pack_add_data(p, "Bad@ipv6_array", "short", 5);
    pack_add_int(p, "Bad", 7);
    g_assert_false(pack_ip(p, "Bad", &ip));
    pack_free(p);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pack/worked", test_worked);
    g_test_add_func("/pack/built", test_built);
    g_test_add_func("/pack/real", test_real);
    g_test_add_func("/pack/lists", test_lists);
    g_test_add_func("/pack/getters-are-quiet", test_getters_are_quiet);
    g_test_add_func("/pack/duplicate-names", test_duplicate_names);
    g_test_add_func("/pack/types-and-counts", test_types_and_counts);
    g_test_add_func("/pack/names", test_names);
    g_test_add_func("/pack/text-ends-at-nul", test_text_ends_at_nul);
    g_test_add_func("/pack/limits", test_limits);
    g_test_add_func("/pack/hostile-counts", test_hostile_counts);
    g_test_add_func("/pack/ip", test_ip);
    return g_test_run();
}
