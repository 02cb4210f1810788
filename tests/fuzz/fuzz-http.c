/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-http.c - heads of requests and responses. Laws: what was used is there; every part lies
 * within it; and the verdict on a prefix is "more" or the same. */

#include "core/base/http.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <string.h>

typedef enum http_verdict
parser(const char *bytes, size_t len, struct http_head *out, size_t *used);

static void
check_span(const struct http_span *s, const char *bytes, size_t used)
{
    if (!s->at) {
        g_assert_cmpuint(s->len, ==, 0);
        return;
    }
    g_assert_true(s->at >= bytes && s->at <= bytes + used);
    g_assert_cmpuint(s->len, <=, (size_t)(bytes + used - s->at));
    g_assert_null(memchr(s->at, '\n', s->len));
    g_assert_null(memchr(s->at, '\0', s->len));
}

static void
check_head(const struct http_head *h, const char *bytes, size_t used)
{
    check_span(&h->method, bytes, used);
    check_span(&h->target, bytes, used);
    check_span(&h->version, bytes, used);
    check_span(&h->reason, bytes, used);
    g_assert_cmpuint(h->n_fields, <=, HTTP_FIELDS_MAX);
    for (unsigned i = 0; i < h->n_fields; i++) {
        check_span(&h->field[i].name, bytes, used);
        check_span(&h->field[i].value, bytes, used);
        g_assert_cmpuint(h->field[i].name.len, >, 0);
    }
    g_assert_null(http_field(h, "Transfer-Encoding"));
    g_assert_cmpint(h->has_length, ==, http_field(h, "content-length") != NULL);
    g_assert_cmpuint(h->length, <=, INT64_MAX);
}

static void
try(parser *parse, const char *bytes, size_t size)
{
    struct http_head h, part;
    size_t used = 0;
    size_t part_used = 0;
    size_t cut = size > 0 ? (unsigned char)bytes[size - 1] % size : 0;

    enum http_verdict v = parse(bytes, size, &h, &used);
    enum http_verdict before = parse(bytes, cut, &part, &part_used);
    g_assert_true(before == HTTP_MORE || before == v);
    if (v != HTTP_OK)
        return;
    g_assert_cmpuint(used, <=, MIN(size, HTTP_HEAD_MAX));
    g_assert_true(bytes[used - 1] == '\n');
    check_head(&h, bytes, used);
    g_assert_cmpint(parse(bytes, used, &part, &part_used), ==, HTTP_OK);
    g_assert_cmpuint(part_used, ==, used);
    g_assert_cmpint(parse(bytes, used - 1, &part, &part_used), ==, HTTP_MORE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try(http_parse_request, (const char *)data, size);
    try(http_parse_response, (const char *)data, size);
    return 0;
}
