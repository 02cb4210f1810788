/* SPDX-License-Identifier: Apache-2.0 */
/* test-rpc-request.c - heads of HTTP requests as the API reads them, and its responses. */
#include "core/rpc/http_api.h"
#include "core/rpc/http_request.h"

#include <glib.h>

#include <string.h>

static void
parse(const char *text, struct http_head *head)
{
    size_t used = 0;

    g_assert_cmpint(http_parse_request(text, strlen(text), head, &used), ==, HTTP_OK);
}

static void
read_request(const char *target, const char *fields, struct api_request *out)
{
    g_autofree char *text =
        g_strdup_printf("%s HTTP/1.1\r\nHost: vpn.example:8443\r\n%s\r\n", target, fields);
    struct http_head head;

    parse(text, &head);
    g_assert_true(api_request_read(&head, out));
}

static void
test_is_api(void)
{
    static const struct {
        const char *target;
        bool want;
    } cases[] = {
        {"/api", true},    {"/api/", true}, {"/API/Test", true}, {"/api?x=y", true},
        {"/apis", false},  {"/", false},    {"/ap", false},      {"/vpnsvc/connect.cgi", false},
        {"/admin", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        g_autofree char *text = g_strdup_printf("GET %s HTTP/1.1\r\n\r\n", cases[i].target);
        struct http_head head;
        parse(text, &head);
        g_assert_cmpint(rpc_http_is_api(&head), ==, cases[i].want);
    }
}

static const struct login_case {
    const char *fields;
    const char *hub, *password; /* NULL: no login */
} login_cases[] = {
    {"", NULL, NULL},
    {"X-VPNADMIN-PASSWORD: secret\r\n", "", "secret"},
    {"X-VPNADMIN-PASSWORD: secret\r\nX-VPNADMIN-HUBNAME: OFFICE\r\n", "OFFICE", "secret"},
    {"X-VPNADMIN-HUBNAME: OFFICE\r\n", NULL, NULL},
    {"Authorization: Basic YWRtaW5pc3RyYXRvcjpwdw==\r\n", "", "pw"},
    {"Authorization: basic OnB3\r\n", "", "pw"},
    {"Authorization: Basic T0ZGSUNFOmE6Yg==\r\n", "OFFICE", "a:b"},
    {"Authorization: Basic bm9jb2xvbg==\r\n", NULL, NULL},
    {"Authorization: Basic YTpiAGM=\r\n", NULL, NULL}, /* a NUL in it */
    {"Authorization: Bearer abc\r\n", NULL, NULL},
    {"Authorization: Basic OnB3\r\nX-VPNADMIN-PASSWORD: other\r\n", "", "other"},
};

static void
test_login(gconstpointer data)
{
    const struct login_case *c = data;
    struct api_request q;

    read_request("POST /api/", c->fields, &q);
    g_assert_cmpint(q.has_login, ==, c->password != NULL);
    if (q.has_login) {
        g_assert_cmpstr(q.hub, ==, c->hub);
        g_assert_cmpstr(secret_str(q.password), ==, c->password);
    }
    api_request_clear(&q);
}

/* Requests that a page of another origin made a browser send. */
static void
test_foreign(void)
{
    static const struct {
        const char *fields;
        bool want;
    } cases[] = {
        {"", false},
        {"Origin: https://vpn.example:8443\r\n", false},
        {"Origin: https://evil.example\r\n", true},
        {"Origin: http://vpn.example:8443\r\n", true},
        {"Origin: null\r\n", true},
        {"Origin: https://vpn.example:8443.evil.example\r\n", true},
        {"Sec-Fetch-Site: cross-site\r\n", true},
        {"Sec-Fetch-Site: same-site\r\n", true},
        {"Sec-Fetch-Site: same-origin\r\n", false},
        {"Sec-Fetch-Site: none\r\n", false},
        {"Referer: https://evil.example/page\r\n", true},
        {"Referer: https://vpn.example:8443/api/\r\n", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct api_request q;
        read_request("GET /api/DeleteHub?HubName_str=X", cases[i].fields, &q);
        g_assert_cmpint(q.foreign, ==, cases[i].want);
        api_request_clear(&q);
    }
}

static void
test_target(void)
{
    struct api_request q;

    read_request("GET /api/EnumHub?a=b&c=%41+d", "", &q);
    g_assert_cmpstr(q.method, ==, "EnumHub");
    json_t *query = api_query_parse(q.query);
    g_assert_cmpstr(json_string_value(json_object_get(query, "a")), ==, "b");
    g_assert_cmpstr(json_string_value(json_object_get(query, "c")), ==, "A d");
    json_decref(query);
    api_request_clear(&q);

    read_request("GET /api", "Connection: close\r\n", &q);
    g_assert_cmpstr(q.method, ==, "");
    g_assert_cmpstr(q.query, ==, "");
    g_assert_true(q.close);
    api_request_clear(&q);

    query = api_query_parse("x=1&x=2&&empty&p=%3d%26");
    g_assert_cmpstr(json_string_value(json_object_get(query, "x")), ==, "1"); /* the first */
    g_assert_cmpstr(json_string_value(json_object_get(query, "empty")), ==, "");
    g_assert_cmpstr(json_string_value(json_object_get(query, "p")), ==, "=&");
    json_decref(query);
    g_assert_null(api_query_parse("x=%zz"));
    g_assert_null(api_query_parse("x=%00"));
    g_assert_null(api_query_parse("x=%ff"));
    g_autofree char *many = g_strnfill(API_QUERY_FIELDS + 1, '&');
    g_assert_null(api_query_parse(many));
}

static void
test_response(void)
{
    struct api_response r = {.status = 401, .type = "text/plain", .close = true, .body = "no"};
    GBytes *made = api_response_make(&r);
    gsize len = 0;
    const char *text = g_bytes_get_data(made, &len);
    struct http_head head;
    size_t used = 0;

    g_assert_cmpint(http_parse_response(text, len, &head, &used), ==, HTTP_OK);
    g_assert_cmpuint(head.status, ==, 401);
    g_assert_cmpuint(head.length, ==, 2);
    g_assert_cmpuint(len - used, ==, 2);
    g_assert_nonnull(http_field(&head, "WWW-Authenticate"));
    g_assert_null(http_field(&head, "Access-Control-Allow-Origin"));
    g_bytes_unref(made);

    made = rpc_http_error(413);
    text = g_bytes_get_data(made, &len);
    g_assert_true(g_str_has_prefix(text, "HTTP/1.1 413 "));
    g_bytes_unref(made);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rpc/request/is-api", test_is_api);
    for (size_t i = 0; i < ARRAY_LEN(login_cases); i++) {
        g_autofree char *path = g_strdup_printf("/rpc/request/login/%02zu", i);
        g_test_add_data_func(path, &login_cases[i], test_login);
    }
    g_test_add_func("/rpc/request/foreign", test_foreign);
    g_test_add_func("/rpc/request/target", test_target);
    g_test_add_func("/rpc/request/response", test_response);
    return g_test_run();
}
