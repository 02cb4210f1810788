/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-http.c - message heads. Laws: nothing of a parsed head lies outside of it, and what is
 * complete needs no more bytes. */

#include "core/base/http.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

static void
is_inside(const struct http_span *s, const char *bytes, size_t used)
{
    if (s->len > 0) {
        g_assert_true(s->at >= bytes);
        g_assert_true(s->at + s->len <= bytes + used);
    }
}

static void
try(enum http_verdict (*parse)(const char *, size_t, struct http_head *, size_t *),
    const char *bytes, size_t size)
{
    struct http_head h;
    struct http_head again;
    size_t used = 0;
    size_t used_again = 0;

    if (parse(bytes, size, &h, &used) != HTTP_OK)
        return;
    g_assert_cmpuint(used, <=, MIN(size, HTTP_HEAD_MAX));
    g_assert_cmpuint(h.n_fields, <=, HTTP_FIELDS_MAX);
    is_inside(&h.method, bytes, used);
    is_inside(&h.target, bytes, used);
    is_inside(&h.version, bytes, used);
    is_inside(&h.reason, bytes, used);
    for (unsigned i = 0; i < h.n_fields; i++) {
        is_inside(&h.field[i].name, bytes, used);
        is_inside(&h.field[i].value, bytes, used);
    }
    g_assert_null(http_field(&h, "Transfer-Encoding"));
    g_assert_cmpint(h.has_length, ==, http_field(&h, "Content-Length") != NULL);
    g_assert_cmpint(parse(bytes, used, &again, &used_again), ==, HTTP_OK);
    g_assert_cmpuint(used_again, ==, used);
    g_assert_cmpint(parse(bytes, used - 1, &again, &used_again), ==, HTTP_MORE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try(http_parse_request, (const char *)data, size);
    try(http_parse_response, (const char *)data, size);
    return 0;
}
