/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - the strict part of HTTP/1.1 that SE-VPN, SSTP and the RPC need: message heads.
 *
 * A head is at most HTTP_HEAD_MAX bytes and HTTP_FIELDS_MAX lines (RFC 9112). No obsolete folding,
 * no whitespace before the colon, no control characters; a bare LF ends a line too, because SE-VPN
 * peers are allowed to send it. Transfer-Encoding is refused; two different Content-Lengths are
 * refused. A parsed head borrows the bytes it was parsed from.
 */
#pragma once

#include "core/base/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HEAD_MAX = 16384, HTTP_FIELDS_MAX = 64, HTTP_LINE_MAX = 4096 };

struct http_span {
    const char *at;
    size_t len;
};

struct http_field {
    struct http_span name, value; /* value without surrounding whitespace */
};

struct http_head {
    /* request: method, target, version; response: version, status, reason */
    struct http_span method, target, version, reason;
    unsigned status;
    unsigned n_fields;
    struct http_field field[HTTP_FIELDS_MAX];
    bool has_length;
    uint64_t length; /* Content-Length; INT64_MAX stands for all above it, too (SSTP) */
};

enum http_verdict {
    HTTP_MORE,  /* the head is not complete yet */
    HTTP_OK,    /* *out is filled, *used is the length of the head with its empty line */
    HTTP_BAD,   /* not HTTP, or not by the rules above */
    HTTP_LARGE, /* over a limit */
};

/* Looks at the first len bytes of a stream. Fills *out and *used only for HTTP_OK. */
enum http_verdict
http_parse_request(const char *bytes, size_t len, struct http_head *out, size_t *used) MUST_CHECK;
enum http_verdict
http_parse_response(const char *bytes, size_t len, struct http_head *out, size_t *used) MUST_CHECK;

/* The first field of that name (case-insensitive), or NULL. */
const struct http_span *http_field(const struct http_head *h, const char *name);
/* Case-insensitive, as the SE-VPN dialect wants it even for targets. */
bool http_span_is(const struct http_span *s, const char *text);
