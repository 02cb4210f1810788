/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - see http.h. Section numbers are RFC 9112's. */

#include "core/base/http.h"

#include <glib.h>

#include <string.h>

/* What is left of the bytes; every step makes it shorter. */
struct cursor {
    const char *at;
    size_t left;
};

static bool
is_token_char(char c)
{
    return g_ascii_isalnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool
is_visible(char c)
{
    return (unsigned char)c > 0x20 && c != 0x7f;
}

static bool
is_field_char(char c)
{
    return is_visible(c) || c == ' ' || c == '\t';
}

static bool
all(const struct http_span *s, bool (*ok)(char c))
{
    for (size_t i = 0; i < s->len; i++) {
        if (!ok(s->at[i]))
            return false;
    }
    return true;
}

/* Whether what is there of a line can still become one: rubbish is refused at once and not when,
 * if ever, a line feed comes. The last byte may be the first half of the line's end. */
static enum http_verdict
judge_part(const struct cursor *c)
{
    size_t len = c->left > 0 && c->at[c->left - 1] == '\r' ? c->left - 1 : c->left;
    struct http_span part = {c->at, len};

    return all(&part, is_field_char) ? HTTP_MORE : HTTP_BAD;
}

/* The next line without its end. HTTP_MORE when the end is not there yet. */
static enum http_verdict
next_line(struct cursor *c, struct http_span *line)
{
    enum { WITH_END = HTTP_LINE_MAX + 2 };
    const char *end = memchr(c->at, '\n', MIN(c->left, WITH_END));

    if (!end)
        return c->left >= WITH_END ? HTTP_LARGE : judge_part(c);
    size_t len = (size_t)(end - c->at);
    line->at = c->at;
    line->len = len > 0 && end[-1] == '\r' ? len - 1 : len;
    c->at += len + 1;
    c->left -= len + 1;
    return line->len > HTTP_LINE_MAX ? HTTP_LARGE : HTTP_OK;
}

/* The part up to the next single space, or the rest. Takes the space too. */
static struct http_span
next_word(struct http_span *line)
{
    const char *space = memchr(line->at, ' ', line->len);
    size_t len = space ? (size_t)(space - line->at) : line->len;
    struct http_span word = {line->at, len};

    line->at += space ? len + 1 : len;
    line->len -= space ? len + 1 : len;
    return word;
}

static bool
parse_number(const struct http_span *s, uint64_t *out)
{
    uint64_t v = 0;

    if (s->len == 0)
        return false;
    for (size_t i = 0; i < s->len; i++) {
        uint64_t digit = (uint64_t)(s->at[i] - '0');
        if (!g_ascii_isdigit(s->at[i]) || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

static bool
parse_request_line(struct http_span line, struct http_head *h)
{
    h->method = next_word(&line);
    h->target = next_word(&line);
    h->version = line;
    return h->method.len > 0 && all(&h->method, is_token_char) && h->target.len > 0 &&
           all(&h->target, is_visible) && h->version.len > 5 &&
           g_ascii_strncasecmp(h->version.at, "HTTP/", 5) == 0 && all(&h->version, is_visible);
}

static bool
parse_status_line(struct http_span line, struct http_head *h)
{
    uint64_t status = 0;

    h->version = next_word(&line);
    struct http_span code = next_word(&line);
    h->reason = line;
    if (h->version.len != 8 || memcmp(h->version.at, "HTTP/1.", 7) != 0 ||
        !g_ascii_isdigit(h->version.at[7]) || code.len != 3 || !parse_number(&code, &status) ||
        status < 100 || !all(&h->reason, is_field_char))
        return false;
    h->status = (unsigned)status;
    return true;
}

static void
trim(struct http_span *s)
{
    while (s->len > 0 && (s->at[0] == ' ' || s->at[0] == '\t')) {
        s->at++;
        s->len--;
    }
    while (s->len > 0 && (s->at[s->len - 1] == ' ' || s->at[s->len - 1] == '\t'))
        s->len--;
}

/* 5: no folding, no space before the colon, no control characters. */
static bool
parse_field(const struct http_span *line, struct http_field *out)
{
    const char *colon = memchr(line->at, ':', line->len);

    if (!colon)
        return false;
    out->name = (struct http_span){line->at, (size_t)(colon - line->at)};
    out->value = (struct http_span){colon + 1, line->len - out->name.len - 1};
    trim(&out->value);
    return out->name.len > 0 && all(&out->name, is_token_char) && all(&out->value, is_field_char);
}

/* 6: the length of the body is Content-Length, and nothing else. SSTP says 2^64 - 1 for a body
 * without end, which reads as the largest length that fits the signed types of others. */
static bool
note_framing(struct http_head *h, const struct http_field *f)
{
    uint64_t length = 0;

    if (http_span_is(&f->name, "Transfer-Encoding"))
        return false;
    if (!http_span_is(&f->name, "Content-Length"))
        return true;
    if (!parse_number(&f->value, &length))
        return false;
    length = MIN(length, INT64_MAX);
    if (h->has_length && (h->length != length || length == INT64_MAX))
        return false;
    h->has_length = true;
    h->length = length;
    return true;
}

static enum http_verdict
parse_fields(struct cursor *c, struct http_head *h)
{
    for (;;) {
        struct http_span line;
        enum http_verdict v = next_line(c, &line);
        if (v != HTTP_OK || line.len == 0)
            return v;
        if (h->n_fields == HTTP_FIELDS_MAX)
            return HTTP_LARGE;
        struct http_field *f = &h->field[h->n_fields++];
        if (!parse_field(&line, f) || !note_framing(h, f))
            return HTTP_BAD;
    }
}

static enum http_verdict
parse(const char *bytes, size_t len, bool request, struct http_head *out, size_t *used)
{
    struct cursor c = {bytes, MIN(len, HTTP_HEAD_MAX)};
    struct http_head h = {0};
    struct http_span line;

    if (len == 0)
        return HTTP_MORE;
    if (!is_token_char(bytes[0])) /* no HTTP at all: need not wait for a line */
        return HTTP_BAD;
    enum http_verdict v = next_line(&c, &line);
    if (v == HTTP_OK && !(request ? parse_request_line(line, &h) : parse_status_line(line, &h)))
        return HTTP_BAD;
    if (v == HTTP_OK)
        v = parse_fields(&c, &h);
    if (v == HTTP_MORE && len >= HTTP_HEAD_MAX)
        return HTTP_LARGE;
    if (v != HTTP_OK)
        return v;
    *out = h;
    *used = (size_t)(c.at - bytes);
    return HTTP_OK;
}

enum http_verdict
http_parse_request(const char *bytes, size_t len, struct http_head *out, size_t *used)
{
    return parse(bytes, len, true, out, used);
}

enum http_verdict
http_parse_response(const char *bytes, size_t len, struct http_head *out, size_t *used)
{
    return parse(bytes, len, false, out, used);
}

const struct http_span *
http_field(const struct http_head *h, const char *name)
{
    for (unsigned i = 0; i < h->n_fields; i++) {
        if (http_span_is(&h->field[i].name, name))
            return &h->field[i].value;
    }
    return NULL;
}

bool
http_span_is(const struct http_span *s, const char *text)
{
    return strlen(text) == s->len && g_ascii_strncasecmp(s->at, text, s->len) == 0;
}
