/* SPDX-License-Identifier: Apache-2.0 */
/* test-rpc-fields.c - records: types by name, getters that never fail, copies, arrays. */
#include "core/rpc/wire/fields.h"

#include <glib.h>

static void
test_types(void)
{
    static const struct {
        const char *name;
        enum rpc_type type;
    } cases[] = {
        {"Enable_bool", RPC_BOOL},
        {"Port_u32", RPC_U32},
        {"Ex.Recv.UnicastBytes_u64", RPC_U64},
        {"Name_str", RPC_STR},
        {"Note_utf", RPC_UTF},
        {"Cert_bin", RPC_BIN},
        {"Expires_dt", RPC_DT},
        {"ClientIP_ip", RPC_IP},
        {"HubList", RPC_LIST},
        {"policy:Access_bool", RPC_BOOL},
        {"", RPC_NO_TYPE},
        {"_u32", RPC_NO_TYPE},
        {"Wrong_u16", RPC_NO_TYPE},
        {"policy:Access", RPC_NO_TYPE},
        {"a b", RPC_NO_TYPE},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        g_assert_cmpint(rpc_type_of(cases[i].name), ==, cases[i].type);
}

static void
test_missing(void)
{
    g_autoptr(record_t) r = record_new();
    size_t len = 7;

    g_assert_false(record_has(r, "A_bool"));
    g_assert_false(record_bool(r, "A_bool"));
    g_assert_cmpuint(record_u32(r, "A_u32"), ==, 0);
    g_assert_cmpuint(record_u64(r, "A_u64"), ==, 0);
    g_assert_cmpstr(record_text(r, "A_str"), ==, "");
    g_assert_cmpstr(record_text(r, "A_utf"), ==, "");
    g_assert_nonnull(record_bin(r, "A_bin", &len));
    g_assert_cmpuint(len, ==, 0);
    g_assert_cmpint(record_dt(r, "A_dt"), ==, 0);
    g_assert_cmpint(record_ip(r, "A_ip").family, ==, 0);
    g_assert_null(record_at(r, "List", 0));
    g_assert_null(record_name(r, 0));
    g_assert_cmpuint(record_size(r), ==, 0);
}

static void
test_set_and_get(void)
{
    g_autoptr(record_t) r = record_new();
    struct ip ip = ip_from_v4(0x0a000001);
    size_t len = 0;

    record_set_bool(r, "A_bool", true);
    record_set_u32(r, "A_u32", UINT32_MAX);
    record_set_u64(r, "A_u64", UINT64_MAX);
    record_set_text(r, "A_str", "text");
    record_set_text(r, "A_utf", "\xc3\xa4\xff"); /* the last byte is no UTF-8 */
    record_set_bin(r, "A_bin", "\0\1\2", 3);
    record_set_dt(r, "A_dt", 1234567890123);
    record_set_ip(r, "A_ip", &ip);
    g_assert_true(record_bool(r, "A_bool"));
    g_assert_cmpuint(record_u32(r, "A_u32"), ==, UINT32_MAX);
    g_assert_cmpuint(record_u64(r, "A_u64"), ==, UINT64_MAX);
    g_assert_cmpstr(record_text(r, "A_str"), ==, "text");
    g_assert_cmpstr(record_text(r, "A_utf"), ==, "\xc3\xa4\xef\xbf\xbd");
    const void *bytes = record_bin(r, "A_bin", &len);
    g_assert_cmpmem(bytes, (int)len, "\0\1\2", 3);
    g_assert_cmpint(record_dt(r, "A_dt"), ==, 1234567890123);
    struct ip got = record_ip(r, "A_ip");
    g_assert_true(ip_equal(&got, &ip));
    g_assert_cmpstr(record_name(r, 0), ==, "A_bool");
    g_assert_cmpuint(record_size(r), ==, 8);

    record_set_text(r, "A_str", record_text(r, "A_str")); /* of itself */
    g_assert_cmpstr(record_text(r, "A_str"), ==, "text");
    record_set_text(r, "A_str", NULL);
    g_assert_cmpstr(record_text(r, "A_str"), ==, "");
    record_remove(r, "A_u32");
    g_assert_false(record_has(r, "A_u32"));
}

static void
test_arrays(void)
{
    g_autoptr(record_t) r = record_new();

    record_make_array(r, "Ports_u32");
    g_assert_true(record_is_array(r, "Ports_u32"));
    g_assert_cmpuint(record_count(r, "Ports_u32"), ==, 0);
    for (uint32_t i = 0; i < 100; i++)
        record_append_u32(r, "Ports_u32", i);
    g_assert_cmpuint(record_count(r, "Ports_u32"), ==, 100);
    g_assert_cmpuint(record_u32_at(r, "Ports_u32", 99), ==, 99);
    g_assert_cmpuint(record_u32_at(r, "Ports_u32", 100), ==, 0);
    record_append_text(r, "Names_str", "a");
    record_append_text(r, "Names_str", "b");
    g_assert_cmpstr(record_text_at(r, "Names_str", 1), ==, "b");
    record_set_text(r, "Names_str", "alone");
    g_assert_false(record_is_array(r, "Names_str"));
    g_assert_cmpuint(record_count(r, "Names_str"), ==, 1);
}

static void
test_lists_and_copies(void)
{
    g_autoptr(record_t) r = record_new();
    g_autoptr(record_t) copy = record_new();

    for (uint32_t i = 0; i < 3; i++) {
        struct record *row = record_append(r, "HubList");
        record_set_u32(row, "Key_u32", i);
        record_append_text(row, "Names_str", "x");
    }
    g_assert_cmpuint(record_size(r), ==, 3 + 3 * 2);
    record_copy(copy, r, "HubList");
    record_copy(copy, r, "Missing_str");
    record_set_u32(record_at(r, "HubList", 1), "Key_u32", 77);
    g_assert_cmpuint(record_count(copy, "HubList"), ==, 3);
    g_assert_cmpuint(record_u32(record_at(copy, "HubList", 1), "Key_u32"), ==, 1);
    g_assert_true(record_is_array(record_at(copy, "HubList", 2), "Names_str"));
    g_assert_false(record_has(copy, "Missing_str"));
    record_copy(copy, r, "HubList"); /* replaces */
    g_assert_cmpuint(record_count(copy, "HubList"), ==, 3);
    g_assert_cmpuint(record_u32(record_at(copy, "HubList", 1), "Key_u32"), ==, 77);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rpc/fields/types", test_types);
    g_test_add_func("/rpc/fields/missing", test_missing);
    g_test_add_func("/rpc/fields/set-and-get", test_set_and_get);
    g_test_add_func("/rpc/fields/arrays", test_arrays);
    g_test_add_func("/rpc/fields/lists-and-copies", test_lists_and_copies);
    return g_test_run();
}
