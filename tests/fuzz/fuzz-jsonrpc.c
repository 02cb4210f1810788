/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-jsonrpc.c - bodies of requests to the API, and queries. Laws: what is taken as a record can
 * be given, taken again, and is the same; a refusal has a reason and its own code. */
#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/rpc/http_request.h"
#include "core/rpc/wire/json.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* Takes error. */
static void
check_refusal(GError *error)
{
    g_assert_nonnull(error);
    g_assert_true(error->domain == PE_ERROR && error->code == PE_INVALID_PARAMETER);
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
    char *text = rpc_error_print(error, NULL);
    json_t *whole = rpc_json_parse(text, strlen(text), NULL);
    g_assert_true(json_is_object(json_object_get(whole, "error")));
    json_decref(whole);
    secret_free_str(text);
    g_error_free(error);
}

static char *
give(const struct record *r, const struct rpc_field *fields)
{
    json_t *object = record_to_json(r, fields, true);
    char *text = rpc_json_print(object);

    json_decref(object);
    return text;
}

static void
check_params(const json_t *params, const struct rpc_field *fields)
{
    GError *error = NULL;
    struct record *r = record_from_json(params, fields, &error);

    if (!r) {
        check_refusal(error);
        return;
    }
    char *text = give(r, fields);
    json_t *again = rpc_json_parse(text, strlen(text), NULL);
    struct record *same = record_from_json(again, fields, NULL);
    g_assert_nonnull(same);
    char *text_again = give(same, fields);
    g_assert_cmpstr(text, ==, text_again);
    secret_free_str(text);
    secret_free_str(text_again);
    record_free(same);
    record_free(r);
    json_decref(again);
}

/* The fields of some method, those of its answer too: a client takes them from a server. */
static void
check_some(const json_t *params, size_t which)
{
    unsigned n = 0;

    do {
        n++;
    } while (rpc_method_at(n));
    const struct rpc_method *m = rpc_method_at((unsigned)(which % n));
    check_params(params, m->in);
    check_params(params, m->out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rpc_request q = {0};
    GError *error = NULL;

    if (rpc_request_parse((const char *)data, size, &q, &error)) {
        const struct rpc_method *m = rpc_method_find(q.method);
        if (m)
            check_params(q.params, m->in);
        else
            check_some(q.params, strlen(q.method));
    } else {
        check_refusal(error);
    }
    rpc_request_clear(&q);

    g_autofree char *text = g_strndup((const char *)data, size);
    json_t *query = api_query_parse(text);
    if (query) {
        g_assert_cmpuint(json_object_size(query), <=, API_QUERY_FIELDS);
        check_some(query, size);
        json_decref(query);
    }
    return 0;
}
