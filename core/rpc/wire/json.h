/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - records as JSON, and the envelope of JSON-RPC 2.0, by the rules in docs/api.md.
 *
 * Taken: numbers, booleans and text for each other where that loses nothing. Given: one form a
 * type, every field of the method's table, lists also when empty, secrets never. Limits on what is
 * taken: RPC_JSON_BYTES, RPC_JSON_DEPTH, RPC_JSON_VALUES (memory is a multiple of the text).
 */
#pragma once

#include "core/rpc/wire/method.h"

#include <glib.h>
#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>

enum {
    RPC_JSON_BYTES = 8 * 1024 * 1024,
    RPC_JSON_DEPTH = 16,
    RPC_JSON_VALUES = 400000,
    RPC_JSON_ANSWER_BYTES = 64 * 1024 * 1024, /* what a client takes from its server */
    RPC_JSON_ANSWER_VALUES = 8000000,
};

/* Any JSON text within the limits. NULL and PE_INVALID_PARAMETER when it is not. */
json_t *rpc_json_parse(const char *text, size_t len, GError **error) MUST_CHECK;
json_t *rpc_json_parse_answer(const char *text, size_t len, GError **error) MUST_CHECK;
/* Text without spaces; free with secret_free_str(). */
char *rpc_json_print(const json_t *value);

/* The values of an object that are named in fields; others are ignored, null reads as missing. NULL
 * and PE_INVALID_PARAMETER when one cannot be what its name says. */
struct record *
record_from_json(const json_t *object, const struct rpc_field *fields, GError **error) MUST_CHECK;
/* The fields in their order. What r lacks is given as false, 0, "" or []; what is RPC_OPTIONAL or
 * RPC_SECRET is left out (a secret even if r has it, unless secrets is true: for requests). */
json_t *record_to_json(const struct record *r, const struct rpc_field *fields, bool secrets);

/* "1970-01-01T00:00:00.000Z" */
enum { RPC_DT_TEXT = 32 };
const char *rpc_dt_print(int64_t ms, char out[RPC_DT_TEXT]);
/* RFC 3339, or a date alone; without a zone it is UTC; "" is never (0). From 1970 to 9999. */
bool rpc_dt_parse(const char *text, int64_t *ms) MUST_CHECK;

/* ---- the envelope ---- */

/* Zero-initialise. */
struct rpc_request {
    json_t *id; /* as received; NULL when it was absent */
    char *method;
    json_t *params; /* an object */
};
void rpc_request_clear(struct rpc_request *q);
/* Also fills in id when that much could be read and the rest could not. */
bool
rpc_request_parse(const char *text, size_t len, struct rpc_request *out, GError **error) MUST_CHECK;
/* Free with secret_free_str(): a request may hold a password. */
char *rpc_request_print(const struct rpc_method *m, const struct record *in, const char *id);
/* Takes result. id is borrowed; NULL: null. */
char *rpc_response_print(json_t *result, const json_t *id);
char *rpc_error_print(const GError *e, const json_t *id);
/* NULL and the server's error, or PE_PROTOCOL when it is no answer. *raw (may be NULL): the result
 * as it came. */
struct record *rpc_response_parse(const char *text, size_t len, const struct rpc_method *m,
                                  json_t **raw, GError **error) MUST_CHECK;
