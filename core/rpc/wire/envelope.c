/* SPDX-License-Identifier: Apache-2.0 */
/* envelope.c - the envelope of JSON-RPC 2.0 as the API has it: no batches, no notifications, error
 * codes of its own (json.h). */
#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/rpc/wire/json.h"

#include <string.h>

void
rpc_request_clear(struct rpc_request *q)
{
    json_decref(q->id);
    json_decref(q->params);
    g_free(q->method);
    memset(q, 0, sizeof(*q));
}

static bool
bad(GError **error, const char *what)
{
    g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER, "%s", what);
    return false;
}

/* An id is text, a number or null; anything else is not given back. */
static json_t *
id_of(json_t *whole)
{
    json_t *id = json_object_get(whole, "id");

    if (!json_is_string(id) && !json_is_number(id) && !json_is_null(id))
        return NULL;
    return json_incref(id);
}

static bool
fill(json_t *whole, struct rpc_request *out, GError **error)
{
    if (!json_is_object(whole))
        return bad(error, "a request is one JSON object");
    out->id = id_of(whole);
    const char *version = json_string_value(json_object_get(whole, "jsonrpc"));
    if (!version || strcmp(version, "2.0") != 0)
        return bad(error, "'jsonrpc' must be \"2.0\"");
    const char *method = json_string_value(json_object_get(whole, "method"));
    if (!method || !method[0])
        return bad(error, "'method' must name a method");
    json_t *params = json_object_get(whole, "params");
    if (!json_is_object(params))
        return bad(error, "'params' must be an object");
    out->method = g_strdup(method);
    out->params = json_incref(params);
    return true;
}

bool
rpc_request_parse(const char *text, size_t len, struct rpc_request *out, GError **error)
{
    json_t *whole = rpc_json_parse(text, len, error);

    if (!whole)
        return false;
    bool ok = fill(whole, out, error);
    json_decref(whole);
    return ok;
}

char *
rpc_request_print(const struct rpc_method *m, const struct record *in, const char *id)
{
    json_t *params = json_object();

    /* Only what was set: an absent field may mean something else than an empty one. */
    json_t *all = record_to_json(in, m->in, true);
    struct rpc_field_iter it = rpc_fields(m->in);
    for (const struct rpc_field *f; (f = rpc_field_next(&it)) != NULL;)
        if (record_has(in, f->name))
            json_object_set(params, f->name, json_object_get(all, f->name));
    json_decref(all);
    json_t *whole = json_pack("{s:s, s:s, s:s, s:o}", "jsonrpc", "2.0", "id", id, "method", m->name,
                              "params", params);
    char *text = rpc_json_print(whole);
    json_decref(whole);
    return text;
}

static char *
print_answer(const char *key, json_t *value, const json_t *id)
{
    json_t *whole = json_object();

    json_object_set_new(whole, "jsonrpc", json_string("2.0"));
    json_object_set_new(whole, "id", id ? json_deep_copy(id) : json_null());
    json_object_set_new(whole, key, value);
    char *text = rpc_json_print(whole);
    json_decref(whole);
    return text;
}

char *
rpc_response_print(json_t *result, const json_t *id)
{
    return print_answer("result", result, id);
}

char *
rpc_error_print(const GError *e, const json_t *id)
{
    bool ours = e->domain == PE_ERROR;
    int code = ours && e->code != PE_OK ? e->code : PE_INTERNAL;
    g_autofree char *valid = g_utf8_make_valid(e->message, -1);
    g_autofree char *text = g_strdup_printf("Error code %d: %s", code, valid);
    json_t *value = json_object();

    json_object_set_new(value, "code", json_integer(code));
    json_object_set_new(value, "message", json_string(text));
    return print_answer("error", value, id);
}

/* "Error code 8: hub 'X' does not exist" without what stands before the sentence. */
static const char *
sentence(const char *message)
{
    static const char head[] = "Error code ";

    if (strncmp(message, head, strlen(head)) != 0)
        return message;
    const char *colon = strstr(message, ": ");
    return colon ? colon + 2 : message;
}

static struct record *
read_answer(json_t *whole, const struct rpc_method *m, json_t **raw, GError **error)
{
    const json_t *failure = json_object_get(whole, "error");
    json_t *result = json_object_get(whole, "result");

    if (json_is_object(failure)) {
        const json_t *code = json_object_get(failure, "code");
        const char *text = json_string_value(json_object_get(failure, "message"));
        json_int_t n = json_integer_value(code);
        int safe = n > 0 && n < 10000 ? (int)n : PE_PROTOCOL;
        g_set_error(error, PE_ERROR, safe, "%s", text ? sentence(text) : pe_error_text(safe));
        return NULL;
    }
    if (!json_is_object(result)) {
        g_set_error(error, PE_ERROR, PE_PROTOCOL,
                    "the server's answer has neither result nor error");
        return NULL;
    }
    struct record *r = record_from_json(result, m->out, error);
    if (r && raw)
        *raw = json_incref(result);
    return r;
}

struct record *
rpc_response_parse(const char *text, size_t len, const struct rpc_method *m, json_t **raw,
                   GError **error)
{
    json_t *whole = rpc_json_parse_answer(text, len, error);

    if (!whole) {
        g_prefix_error(error, "the server's answer cannot be read: ");
        return NULL;
    }
    struct record *r = read_answer(whole, m, raw, error);
    json_decref(whole);
    return r;
}
