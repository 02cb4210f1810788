/* SPDX-License-Identifier: Apache-2.0 */
/* test-rpc-json.c - what the API takes for each type, what it gives, and its limits. */
#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/rpc/wire/json.h"

#include <glib.h>

#include <string.h>

static const struct rpc_field row_fields[] = {
    {"Key_u32", "key", 0, NULL},
    {NULL, NULL, 0, NULL},
};

static const struct rpc_field all_fields[] = {
    {"A_bool", "a", 0, NULL},
    {"A_u32", "a", 0, NULL},
    {"A_u64", "a", 0, NULL},
    {"A_str", "a", 0, NULL},
    {"A_utf", "a", 0, NULL},
    {"A_bin", "a", 0, NULL},
    {"A_dt", "a", 0, NULL},
    {"A_ip", "a", 0, NULL},
    {"Ports_u32", "a", RPC_ARRAY, NULL},
    {"List", "a", 0, row_fields},
    {"S_str", "a", RPC_SECRET, NULL},
    {"O_str", "a", RPC_OPTIONAL, NULL},
    {NULL, NULL, 0, NULL},
};

/* "want" is how the value comes back; NULL: refused. */
static const struct value_case {
    const char *in, *want;
} value_cases[] = {
    {"{\"A_bool\":true}", "\"A_bool\":true"},
    {"{\"A_bool\":1}", "\"A_bool\":true"},
    {"{\"A_bool\":0}", "\"A_bool\":false"},
    {"{\"A_bool\":\"True\"}", "\"A_bool\":true"},
    {"{\"A_bool\":\"no\"}", "\"A_bool\":false"},
    {"{\"A_bool\":\"maybe\"}", NULL},
    {"{\"A_bool\":[]}", NULL},
    {"{\"A_bool\":null}", "\"A_bool\":false"},
    {"{\"A_u32\":4294967295}", "\"A_u32\":4294967295"},
    {"{\"A_u32\":4294967296}", NULL},
    {"{\"A_u32\":-1}", NULL},
    {"{\"A_u32\":1.5}", NULL},
    {"{\"A_u32\":3.0}", "\"A_u32\":3"},
    {"{\"A_u32\":1e300}", NULL},
    {"{\"A_u32\":\"17\"}", "\"A_u32\":17"},
    {"{\"A_u32\":\"\"}", "\"A_u32\":0"},
    {"{\"A_u32\":\"17 \"}", NULL},
    {"{\"A_u32\":\"0x11\"}", NULL},
    {"{\"A_u32\":true}", "\"A_u32\":1"},
    {"{\"A_u32\":{}}", NULL},
    {"{\"A_u64\":9223372036854775807}", "\"A_u64\":9223372036854775807"},
    {"{\"A_u64\":\"18446744073709551615\"}", "\"A_u64\":\"18446744073709551615\""},
    {"{\"A_u64\":\"18446744073709551616\"}", NULL},
    {"{\"A_str\":\"x\"}", "\"A_str\":\"x\""},
    {"{\"A_str\":12}", "\"A_str\":\"12\""},
    {"{\"A_str\":false}", "\"A_str\":\"false\""},
    {"{\"A_str\":[\"x\"]}", NULL},
    {"{\"A_utf\":\"\\u00e4\"}", "\"A_utf\":\"\xc3\xa4\""},
    {"{\"A_bin\":\"AAEC\"}", "\"A_bin\":\"AAEC\""},
    {"{\"A_bin\":\"AA==\"}", "\"A_bin\":\"AA==\""},
    {"{\"A_bin\":\"AA=\"}", NULL},
    {"{\"A_bin\":\"A===\"}", NULL},
    {"{\"A_bin\":\"AA?C\"}", NULL},
    {"{\"A_bin\":5}", NULL},
    {"{\"A_dt\":\"2030-12-31T23:59:59.123Z\"}", "\"A_dt\":\"2030-12-31T23:59:59.123Z\""},
    {"{\"A_dt\":\"2030-12-31T23:59:59\"}", "\"A_dt\":\"2030-12-31T23:59:59.000Z\""},
    {"{\"A_dt\":\"2030-12-31 23:59:59\"}", "\"A_dt\":\"2030-12-31T23:59:59.000Z\""},
    {"{\"A_dt\":\"2030-12-31T23:59:59+02:00\"}", "\"A_dt\":\"2030-12-31T21:59:59.000Z\""},
    {"{\"A_dt\":\"2030-12-31\"}", "\"A_dt\":\"2030-12-31T00:00:00.000Z\""},
    {"{\"A_dt\":\"1970-01-01T00:00:00.000\"}", "\"A_dt\":\"1970-01-01T00:00:00.000Z\""},
    {"{\"A_dt\":1000}", "\"A_dt\":\"1970-01-01T00:00:01.000Z\""},
    {"{\"A_dt\":\"\"}", "\"A_dt\":\"1970-01-01T00:00:00.000Z\""},
    {"{\"A_dt\":\"1969-12-31T00:00:00Z\"}", NULL},
    {"{\"A_dt\":\"2030-13-01T00:00:00Z\"}", NULL},
    {"{\"A_dt\":\"soon\"}", NULL},
    {"{\"A_dt\":-1}", NULL},
    {"{\"A_dt\":9223372036854775807}", NULL},
    {"{\"A_ip\":\"10.0.0.1\"}", "\"A_ip\":\"10.0.0.1\""},
    {"{\"A_ip\":\"fd00::1\"}", "\"A_ip\":\"fd00::1\""},
    {"{\"A_ip\":\"\"}", "\"A_ip\":\"0.0.0.0\""},
    {"{\"A_ip\":\"10.0.0\"}", NULL},
    {"{\"A_ip\":1}", NULL},
    {"{\"Ports_u32\":[1,\"2\"]}", "\"Ports_u32\":[1,2]"},
    {"{\"Ports_u32\":3}", NULL},
    {"{\"Ports_u32\":[[1]]}", NULL},
    {"{\"List\":[{\"Key_u32\":\"5\"}]}", "\"List\":[{\"Key_u32\":5}]"},
    {"{\"List\":[]}", "\"List\":[]"},
    {"{}", "\"List\":[]"},
    {"{\"List\":{}}", NULL},
    {"{\"List\":[1]}", NULL},
    {"{\"Unknown_u32\":{}, \"A_u32\":1}", "\"A_u32\":1"},
    {"{\"O_str\":\"there\"}", "\"O_str\":\"there\""},
    {"[]", NULL},
    {"5", NULL},
    {"{\"A_u32\":1,\"A_u32\":2}", NULL},
    {"{\"A_str\":\"a\\u0000b\"}", NULL},
};

static void
test_value(gconstpointer data)
{
    const struct value_case *c = data;
    g_autoptr(GError) error = NULL;
    json_t *in = rpc_json_parse(c->in, strlen(c->in), &error);
    g_autoptr(record_t) r = in ? record_from_json(in, all_fields, &error) : NULL;

    json_decref(in);
    g_assert_cmpint(r != NULL, ==, c->want != NULL);
    g_assert_cmpint(r == NULL, ==, error != NULL);
    if (!r) {
        g_assert_error(error, PE_ERROR, PE_INVALID_PARAMETER);
        return;
    }
    json_t *out = record_to_json(r, all_fields, false);
    char *text = rpc_json_print(out);
    g_test_message("%s", text);
    g_assert_nonnull(strstr(text, c->want));
    g_assert_null(strstr(text, "S_str"));
    secret_free_str(text);
    json_decref(out);
}

static void
test_secrets(void)
{
    g_autoptr(record_t) r = record_new();
    const char *absent;

    record_set_text(r, "S_str", "hidden");
    json_t *out = record_to_json(r, all_fields, false);
    g_assert_null(json_object_get(out, "S_str"));
    g_assert_null(json_object_get(out, "O_str")); /* optional and not there */
    json_decref(out);
    out = record_to_json(r, all_fields, true);
    absent = json_string_value(json_object_get(out, "S_str"));
    g_assert_cmpstr(absent, ==, "hidden");
    json_decref(out);
}

static char *
repeat(const char *head, const char *piece, unsigned n, const char *tail)
{
    GString *s = g_string_new(head);

    for (unsigned i = 0; i < n; i++)
        g_string_append(s, piece);
    g_string_append(s, tail);
    return g_string_free(s, FALSE);
}

static bool
parses(char *text)
{
    g_autofree char *owned = text;
    json_t *v = rpc_json_parse(owned, strlen(owned), NULL);
    bool ok = v != NULL;

    json_decref(v);
    return ok;
}

static void
test_limits(void)
{
    g_autofree char *open = g_strnfill(RPC_JSON_DEPTH, '[');
    g_autofree char *shut = g_strnfill(RPC_JSON_DEPTH, ']');
    g_autofree char *large = g_strnfill(RPC_JSON_BYTES, ' ');

    g_assert_true(parses(g_strconcat(open, shut, NULL)));
    g_assert_false(parses(g_strconcat("[", open, shut, "]", NULL)));
    g_assert_true(parses(repeat("[0", ",0", RPC_JSON_VALUES - 1, "]")));
    g_assert_false(parses(repeat("[0", ",0", RPC_JSON_VALUES, "]")));
    g_assert_false(parses(repeat("[[]", ",[]", RPC_JSON_VALUES / 2, "]")));
    g_assert_true(parses(g_strconcat("[", large + 2, "]", NULL)));
    g_assert_false(parses(g_strconcat("[", large, "]", NULL)));
    /* brackets and commas in text are text */
    g_assert_true(parses(repeat("[\"", "[,\\\"", RPC_JSON_VALUES, "\"]")));
}

static const struct request_case {
    const char *text;
    bool ok;
    const char *id; /* as JSON; NULL: none */
} request_cases[] = {
    {"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"Test\",\"params\":{}}", true, "\"x\""},
    {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"Test\",\"params\":{}}", true, "7"},
    {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"Test\",\"params\":{}}", true, "null"},
    {"{\"jsonrpc\":\"2.0\",\"method\":\"Test\",\"params\":{}}", true, NULL},
    {"{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"Test\",\"params\":{}}", true, NULL},
    {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"Test\",\"params\":{}}", false, "1"},
    {"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"Test\",\"params\":{}}", false, "1"},
    {"{\"id\":1,\"method\":\"Test\",\"params\":{}}", false, "1"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\",\"params\":{}}", false, "1"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"params\":{}}", false, "1"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"Test\"}", false, "1"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"Test\",\"params\":[]}", false, "1"},
    {"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"Test\",\"params\":{}}]", false, NULL},
    {"", false, NULL},
    {"{", false, NULL},
    {"{} {}", false, NULL},
};

static void
test_request(gconstpointer data)
{
    const struct request_case *c = data;
    g_autoptr(GError) error = NULL;
    struct rpc_request q = {0};

    g_assert_cmpint(rpc_request_parse(c->text, strlen(c->text), &q, &error), ==, c->ok);
    g_assert_cmpint(error == NULL, ==, c->ok);
    g_assert_cmpint(q.id != NULL, ==, c->id != NULL);
    if (q.id) {
        char *id = rpc_json_print(q.id);
        g_assert_cmpstr(id, ==, c->id);
        secret_free_str(id);
    }
    rpc_request_clear(&q);
}

static void
test_envelope(void)
{
    const struct rpc_method *m = rpc_method_find("CreateListener");
    g_autoptr(record_t) in = record_new();
    g_autoptr(GError) error = NULL;
    struct rpc_request q = {0};

    record_set_u32(in, "Port_u32", 443);
    char *text = rpc_request_print(m, in, "9");
    g_assert_true(rpc_request_parse(text, strlen(text), &q, &error));
    g_assert_cmpstr(q.method, ==, "CreateListener");
    g_assert_cmpuint(json_object_size(q.params), ==, 1); /* only what was set */
    secret_free_str(text);

    text = rpc_response_print(record_to_json(in, m->out, false), q.id);
    json_t *raw = NULL;
    g_autoptr(record_t) out = rpc_response_parse(text, strlen(text), m, &raw, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(record_u32(out, "Port_u32"), ==, 443);
    g_assert_cmpuint(json_object_size(raw), ==, 2);
    json_decref(raw);
    secret_free_str(text);
    rpc_request_clear(&q);
}

static void
test_errors(void)
{
    const struct rpc_method *m = rpc_method_find("CreateListener");
    g_autoptr(GError) error = NULL;
    GError *told = g_error_new(PE_ERROR, PE_HUB_NOT_FOUND, "hub 'X' does not exist");
    char *text = rpc_error_print(told, NULL);

    g_assert_nonnull(strstr(text, "\"id\":null"));
    g_assert_nonnull(strstr(text, "\"code\":8"));
    g_assert_nonnull(strstr(text, "Error code 8: hub 'X' does not exist"));
    g_assert_null(rpc_response_parse(text, strlen(text), m, NULL, &error));
    g_assert_error(error, PE_ERROR, PE_HUB_NOT_FOUND);
    g_assert_cmpstr(error->message, ==, told->message);
    secret_free_str(text);
    g_error_free(told);

    g_clear_error(&error);
    g_assert_null(rpc_response_parse("{}", 2, m, NULL, &error));
    g_assert_error(error, PE_ERROR, PE_PROTOCOL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_LEN(value_cases); i++) {
        g_autofree char *path = g_strdup_printf("/rpc/json/value/%02zu", i);
        g_test_add_data_func(path, &value_cases[i], test_value);
    }
    for (size_t i = 0; i < ARRAY_LEN(request_cases); i++) {
        g_autofree char *path = g_strdup_printf("/rpc/json/request/%02zu", i);
        g_test_add_data_func(path, &request_cases[i], test_request);
    }
    g_test_add_func("/rpc/json/secrets", test_secrets);
    g_test_add_func("/rpc/json/limits", test_limits);
    g_test_add_func("/rpc/json/envelope", test_envelope);
    g_test_add_func("/rpc/json/errors", test_errors);
    return g_test_run();
}
