/* SPDX-License-Identifier: Apache-2.0 */
/* test-http.c - message heads: what is one, what is none, and what is not one yet. */

#include "core/base/http.h"

#include <glib.h>

#include <string.h>

typedef enum http_verdict
parser(const char *bytes, size_t len, struct http_head *out, size_t *used);

/* Parses a copy of exactly that length, so that the sanitizer guards the end. What is refused or
 * not complete leaves no trace. */
static enum http_verdict
verdict_of(parser *parse, const char *bytes, size_t len)
{
    g_autofree char *exact = g_memdup2(bytes, len);
    struct http_head h;
    const uint8_t *raw = (const uint8_t *)&h;
    size_t used = 12345;

    memset(&h, 0x5a, sizeof(h));
    enum http_verdict v = parse(exact ? exact : "", len, &h, &used);
    if (v == HTTP_OK) {
        g_assert_cmpuint(used, <=, len);
    } else {
        g_assert_cmpuint(used, ==, 12345);
        for (size_t i = 0; i < sizeof(h); i++)
            g_assert_cmphex(raw[i], ==, 0x5a);
    }
    return v;
}

/* A verdict does not change its mind: more bytes make of "more" anything, and of the others
 * nothing else. */
static void
check_prefixes(parser *parse, const char *bytes, size_t len)
{
    enum http_verdict last = HTTP_MORE;

    for (size_t n = 0; n <= len; n++) {
        enum http_verdict v = verdict_of(parse, bytes, n);
        if (last != HTTP_MORE)
            g_assert_cmpint(v, ==, last);
        last = v;
    }
}

struct head_case {
    const char *text;
    enum http_verdict verdict;
};

static const struct head_case requests[] = {
    {"GET / HTTP/1.1\r\n\r\n", HTTP_OK},
    {"GET / HTTP/1.1\n\n", HTTP_OK},
    {"GET / HTTP/1.0\r\nA: b\n\r\n", HTTP_OK},
    {"post /VPNSVC/CONNECT.CGI http/1.1\r\n\r\n", HTTP_OK},
    {"SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\n"
     "Content-Length: 18446744073709551615\r\n\r\n",
     HTTP_OK},
    {"GET / HTTP/1.1\r\nEmpty:\r\nBlank: \t \r\nTab: a\tb\r\nHigh: \xc3\xa9\r\n\r\n", HTTP_OK},
    {"GET / HTTP/1.1\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n", HTTP_OK},
    {"", HTTP_MORE},
    {"G", HTTP_MORE},
    {"GET / HTTP/1.1", HTTP_MORE},
    {"GET / HTTP/1.1\r", HTTP_MORE},
    {"GET / HTTP/1.1\r\n", HTTP_MORE},
    {"GET / HTTP/1.1\r\nA: b\r\n\r", HTTP_MORE},
    /* no HTTP at all: refused at once */
    {"\x16\x03\x01", HTTP_BAD},
    {" GET", HTTP_BAD},
    {"\r\n", HTTP_BAD},
    {"\n", HTTP_BAD},
    {"A\x01", HTTP_BAD},
    {"A\r\r", HTTP_BAD},
    {"GET / HTTP/1.1\r\nA\x02", HTTP_BAD},
    /* the request line */
    {"GET\r\n", HTTP_BAD},
    {"GET /\r\n", HTTP_BAD},
    {"GET / \r\n", HTTP_BAD},
    {"GET  / HTTP/1.1\r\n", HTTP_BAD},
    {"GET /  HTTP/1.1\r\n", HTTP_BAD},
    {"GET / HTTP/1.1 \r\n", HTTP_BAD},
    {"GET / x HTTP/1.1\r\n", HTTP_BAD},
    {"GET\t/\tHTTP/1.1\r\n", HTTP_BAD},
    {"G(T / HTTP/1.1\r\n", HTTP_BAD},
    {"GET / SPDY/3\r\n", HTTP_BAD},
    {"GET /\r HTTP/1.1\r\n", HTTP_BAD},
    /* fields */
    {"GET / HTTP/1.1\r\nno colon\r\n", HTTP_BAD},
    {"GET / HTTP/1.1\r\n: b\r\n", HTTP_BAD},
    {"GET / HTTP/1.1\r\nA : b\r\n", HTTP_BAD},
    {"GET / HTTP/1.1\r\nA: b\r\n folded\r\n", HTTP_BAD},
    {"GET / HTTP/1.1\r\n A: b\r\n", HTTP_BAD},
    {"GET / HTTP/1.1\r\nA: b\rc\r\n", HTTP_BAD},
    {"GET / HTTP/1.1\r\nA: b\x7f\r\n", HTTP_BAD},
    /* framing */
    {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", HTTP_BAD},
    {"POST / HTTP/1.1\r\ntransfer-encoding: identity\r\n", HTTP_BAD},
    {"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n", HTTP_BAD},
    {"POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n", HTTP_BAD},
    {"POST / HTTP/1.1\r\nContent-Length:\r\n", HTTP_BAD},
    {"POST / HTTP/1.1\r\nContent-Length: +5\r\n", HTTP_BAD},
    {"POST / HTTP/1.1\r\nContent-Length: -5\r\n", HTTP_BAD},
    {"POST / HTTP/1.1\r\nContent-Length: 0x5\r\n", HTTP_BAD},
    {"POST / HTTP/1.1\r\nContent-Length: 5 5\r\n", HTTP_BAD},
    {"POST / HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n", HTTP_BAD},
};

static const struct head_case responses[] = {
    {"HTTP/1.1 200 OK\r\n\r\n", HTTP_OK}, {"HTTP/1.0 200 Connection established\n\n", HTTP_OK},
    {"HTTP/1.1 403 \r\n\r\n", HTTP_OK},   {"HTTP/1.1 200\r\n\r\n", HTTP_OK},
    {"HTTP/1.1 20", HTTP_MORE},           {"HTTP/2 200 OK\r\n", HTTP_BAD},
    {"HTTP/1.x 200 OK\r\n", HTTP_BAD},    {"HTTP/1.1 20 OK\r\n", HTTP_BAD},
    {"HTTP/1.1 2000 OK\r\n", HTTP_BAD},   {"HTTP/1.1 099 OK\r\n", HTTP_BAD},
    {"HTTP/1.1 2x0 OK\r\n", HTTP_BAD},    {"HTTP/1.1  200 OK\r\n", HTTP_BAD},
    {"SSH-2.0-x\r\n", HTTP_BAD},
};

static void
test_table(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
        const char *text = requests[i].text;
        enum http_verdict v = verdict_of(http_parse_request, text, strlen(text));
        g_assert_cmpint(v, ==, requests[i].verdict);
        check_prefixes(http_parse_request, text, strlen(text));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(responses); i++) {
        const char *text = responses[i].text;
        enum http_verdict v = verdict_of(http_parse_response, text, strlen(text));
        g_assert_cmpint(v, ==, responses[i].verdict);
        check_prefixes(http_parse_response, text, strlen(text));
    }
}

static void
test_nul(void)
{
    static const char bytes[] = "GET / HTTP/1.1\r\nA: b\0c\r\n\r\n";

    g_assert_cmpint(verdict_of(http_parse_request, bytes, sizeof(bytes) - 1), ==, HTTP_BAD);
    g_assert_cmpint(verdict_of(http_parse_request, "G\0T", 3), ==, HTTP_BAD);
}

static void
test_fields(void)
{
    static const char text[] = "POST /vpnsvc/vpn.cgi HTTP/1.1\r\n"
                               "Content-Type:application/octet-stream\r\n"
                               "X-Twice: first\r\n"
                               "x-twice: \t second \t\r\n"
                               "Content-Length: 42\r\n"
                               "\r\nBODY";
    struct http_head h;
    size_t used = 0;

    g_assert_cmpint(http_parse_request(text, sizeof(text) - 1, &h, &used), ==, HTTP_OK);
    g_assert_cmpstr(text + used, ==, "BODY");
    g_assert_true(http_span_is(&h.method, "post"));
    g_assert_true(http_span_is(&h.target, "/VPNSVC/vpn.cgi"));
    g_assert_false(http_span_is(&h.target, "/vpnsvc/vpn.cg"));
    g_assert_false(http_span_is(&h.target, "/vpnsvc/vpn.cgi2"));
    g_assert_true(http_span_is(&h.version, "HTTP/1.1"));
    g_assert_cmpuint(h.n_fields, ==, 4);
    g_assert_true(http_span_is(http_field(&h, "CONTENT-type"), "application/octet-stream"));
    g_assert_true(http_span_is(http_field(&h, "X-TWICE"), "first"));
    g_assert_true(http_span_is(&h.field[2].value, "second"));
    g_assert_null(http_field(&h, "X-Twic"));
    g_assert_null(http_field(&h, ""));
    g_assert_true(h.has_length);
    g_assert_cmpuint(h.length, ==, 42);

    static const char answer[] = "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
    g_assert_cmpint(http_parse_response(answer, sizeof(answer) - 1, &h, &used), ==, HTTP_OK);
    g_assert_cmpuint(h.status, ==, 407);
    g_assert_true(http_span_is(&h.reason, "Proxy Authentication Required"));
    g_assert_false(h.has_length);
}

static void
test_length(void)
{
    static const struct {
        const char *value;
        enum http_verdict verdict;
        uint64_t length;
    } cases[] = {
        {"0", HTTP_OK, 0},
        {"000000000000000000000000000000017", HTTP_OK, 17},
        {"999999999999999999", HTTP_OK, UINT64_C(999999999999999999)},
        {"9223372036854775807", HTTP_OK, INT64_MAX},
        {"9223372036854775808", HTTP_OK, INT64_MAX},
        {"18446744073709551615", HTTP_OK, INT64_MAX}, /* SSTP */
        {"18446744073709551616", HTTP_BAD, 0},
        {"99999999999999999999999999", HTTP_BAD, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text =
            g_strdup_printf("GET / HTTP/1.1\r\nContent-Length: %s\r\n\r\n", cases[i].value);
        struct http_head h = {0};
        size_t used = 0;
        g_assert_cmpint(http_parse_request(text, strlen(text), &h, &used), ==, cases[i].verdict);
        g_assert_cmpuint(h.length, ==, cases[i].length);
    }
}

/* ---- limits: at the limit it passes, one more and it does not ---- */

static GString *
head_with_line(size_t line_len)
{
    GString *s = g_string_new("GET /");

    while (s->len < line_len - strlen(" HTTP/1.1"))
        g_string_append_c(s, 'x');
    return g_string_append(s, " HTTP/1.1");
}

static void
test_line_limit(void)
{
    static const char *const ends[] = {"\r\n\r\n", "\n\n"};

    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autoptr(GString) fits = head_with_line(HTTP_LINE_MAX);
        g_autoptr(GString) over = head_with_line(HTTP_LINE_MAX + 1);
        g_string_append(fits, ends[i]);
        g_string_append(over, ends[i]);
        g_assert_cmpint(verdict_of(http_parse_request, fits->str, fits->len), ==, HTTP_OK);
        g_assert_cmpint(verdict_of(http_parse_request, over->str, over->len), ==, HTTP_LARGE);
        check_prefixes(http_parse_request, fits->str, fits->len);
        check_prefixes(http_parse_request, over->str, over->len);
    }
    g_autofree char *endless = g_strnfill(HTTP_LINE_MAX + 2, 'x');
    g_assert_cmpint(verdict_of(http_parse_request, endless, HTTP_LINE_MAX + 1), ==, HTTP_MORE);
    g_assert_cmpint(verdict_of(http_parse_request, endless, HTTP_LINE_MAX + 2), ==, HTTP_LARGE);
}

static void
test_field_limit(void)
{
    for (unsigned n = HTTP_FIELDS_MAX; n <= HTTP_FIELDS_MAX + 1; n++) {
        g_autoptr(GString) s = g_string_new("GET / HTTP/1.1\r\n");
        for (unsigned i = 0; i < n; i++)
            g_string_append(s, "A: b\r\n");
        g_string_append(s, "\r\n");
        g_assert_cmpint(verdict_of(http_parse_request, s->str, s->len), ==,
                        n <= HTTP_FIELDS_MAX ? HTTP_OK : HTTP_LARGE);
        check_prefixes(http_parse_request, s->str, s->len);
    }
}

static void
test_head_limit(void)
{
    for (size_t size = HTTP_HEAD_MAX - 1; size <= HTTP_HEAD_MAX + 1; size++) {
        g_autoptr(GString) s = g_string_new("GET / HTTP/1.1\r\n");
        for (unsigned i = 0; i < 8; i++) {
            g_autofree char *value = g_strnfill(2000, 'v');
            g_string_append_printf(s, "a:%s\r\n", value);
        }
        g_autofree char *rest = g_strnfill(size - 4 - s->len - 2, 'v');
        g_string_append_printf(s, "a:%s\r\n\r\n", rest);
        g_assert_cmpuint(s->len, ==, size);
        g_assert_cmpint(verdict_of(http_parse_request, s->str, s->len), ==,
                        size <= HTTP_HEAD_MAX ? HTTP_OK : HTTP_LARGE);
        g_assert_cmpint(verdict_of(http_parse_request, s->str, s->len - 1), ==,
                        size - 1 < HTTP_HEAD_MAX ? HTTP_MORE : HTTP_LARGE);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/table", test_table);
    g_test_add_func("/http/nul", test_nul);
    g_test_add_func("/http/fields", test_fields);
    g_test_add_func("/http/length", test_length);
    g_test_add_func("/http/line-limit", test_line_limit);
    g_test_add_func("/http/field-limit", test_field_limit);
    g_test_add_func("/http/head-limit", test_head_limit);
    return g_test_run();
}
