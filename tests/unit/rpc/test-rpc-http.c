/* SPDX-License-Identifier: Apache-2.0 */
/* test-rpc-http.c - whole HTTP requests to the API and their responses: logins, ids, forms, guards;
 * and the Unix socket with its client. */
#include "core/auth/auth.h"
#include "core/rpc/unix_server.h"
#include "core/rpc/wire/client.h"
#include "tests/unit/rpc/fixture.h"

#include <gio/gunixsocketaddress.h>

struct answer {
    bool done, close;
    unsigned status;
    char *head, *body;
};

static void
on_done(void *owner, GBytes *response, bool close)
{
    struct answer *a = owner;
    struct http_head head;
    size_t used = 0;
    gsize len = 0;
    const char *text = g_bytes_get_data(response, &len);

    g_assert_false(a->done);
    g_assert_cmpint(http_parse_response(text, len, &head, &used), ==, HTTP_OK);
    g_assert_true(head.has_length && head.length == len - used);
    a->done = true;
    a->close = close;
    a->status = head.status;
    a->head = g_strndup(text, used);
    a->body = g_strndup(text + used, len - used);
}

static void
answer_clear(struct answer *a)
{
    g_free(a->head);
    g_free(a->body);
    memset(a, 0, sizeof(*a));
}

static const struct rpc_http_peer remote = {.address = {.ip = {.family = 4, .b = {192, 0, 2, 1}}}};
static const struct rpc_http_peer local = {.local_admin = true};

static struct rpc_http_call *
start(struct fixture *f, const struct rpc_http_peer *peer, const char *text, struct answer *a)
{
    struct http_head head;
    size_t used = 0;

    g_assert_cmpint(http_parse_request(text, strlen(text), &head, &used), ==, HTTP_OK);
    g_autoptr(GBytes) body = g_bytes_new(text + used, strlen(text) - used);
    struct rpc_http_request q = {.head = &head, .body = body, .peer = *peer};
    struct rpc_http_call *c = rpc_http_handle(f->server, &q, NULL, on_done, a);
    g_assert_false(a->done); /* never from inside */
    return c;
}

static struct answer
ask(struct fixture *f, const struct rpc_http_peer *peer, const char *text)
{
    struct answer a = {0};

    start(f, peer, text, &a);
    while (!a.done)
        g_main_context_iteration(NULL, TRUE);
    return a;
}

static void
expect(struct fixture *f, const struct rpc_http_peer *peer, const char *text, unsigned status,
       const char *piece)
{
    struct answer a = ask(f, peer, text);

    g_test_message("%s -> %u %s", text, a.status, a.body);
    g_assert_cmpuint(a.status, ==, status);
    if (!strstr(a.body, piece) && !strstr(a.head, piece))
        g_error("'%s' is not in %s%s", piece, a.head, a.body);
    answer_clear(&a);
}

#define POST "POST /api/ HTTP/1.1\r\n"
#define CALL(id, method, params) \
    "\r\n{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"
#define PASSWORD "X-VPNADMIN-PASSWORD: right\r\n"

static void
test_envelope(void)
{
    struct fixture f = {0};

    fixture_open(&f, NULL);
    expect(&f, &local, POST CALL("\"a\"", "Test", "{\"IntValue_u32\":5}"), 200, "\"id\":\"a\"");
    expect(&f, &local, POST CALL("12", "Test", "{\"IntValue_u32\":\"5\"}"), 200, "\"id\":12");
    expect(&f, &local, POST CALL("null", "test", "{}"), 200, "\"id\":null");
    expect(&f, &local, POST CALL("1", "Test", "{\"IntValue_u32\":5}"), 200,
           "\"StrValue_str\":\"5\"");
    expect(&f, &local, POST CALL("1", "Test", "{}"), 200, "Content-Type: application/json");
    expect(&f, &local, POST CALL("1", "Nothing", "{}"), 200, "\"code\":33");
    expect(&f, &local, POST CALL("1", "Test", "[]"), 200, "\"code\":38");
    expect(&f, &local, POST CALL("1", "Test", "{\"IntValue_u32\":\"x\"}"), 200,
           "Error code 38: 'IntValue_u32' must be");
    expect(&f, &local, POST "\r\n{broken", 200, "\"code\":38");
    expect(&f, &local, POST "\r\n", 200, "\"code\":38");
    expect(&f, &local, POST CALL("1", "EnumHub", "{}"), 200, "\"HubList\":[]");
    expect(&f, &local, POST CALL("1", "GetHub", "{\"HubName_str\":\"X\"}"), 200,
           "Error code 8: hub 'X' does not exist");
    fixture_close(&f);
}

static void
test_forms(void)
{
    struct fixture f = {0};

    fixture_open(&f, NULL);
    expect(&f, &local, "GET /api/Test?IntValue_u32=7 HTTP/1.1\r\n\r\n", 200,
           "\"StrValue_str\":\"7\"");
    expect(&f, &local, "GET /API/test HTTP/1.1\r\n\r\n", 200, "Content-Type: text/plain");
    expect(&f, &local, "GET /api/Test?IntValue_u32=%zz HTTP/1.1\r\n\r\n", 200, "\"code\":38");
    expect(&f, &local, "GET /api/Nothing HTTP/1.1\r\n\r\n", 200, "\"code\":33");
    expect(&f, &local, "GET /api/ HTTP/1.1\r\n\r\n", 200, "### EnumHub");
    expect(&f, &local, "GET /api/%zz HTTP/1.1\r\n\r\n", 400, "");
    expect(&f, &local, "POST /api/Test HTTP/1.1\r\n\r\n{}", 404, "");
    expect(&f, &local, "PUT /api/ HTTP/1.1\r\n\r\n{}", 405, "Allow: OPTIONS, GET, POST");
    expect(&f, &remote, "OPTIONS /api/ HTTP/1.1\r\n\r\n", 200, "Allow: OPTIONS, GET, POST");
    struct answer a = ask(&f, &local, "GET /api/Test HTTP/1.1\r\nConnection: close\r\n\r\n");
    g_assert_true(a.close);
    answer_clear(&a);
    a = ask(&f, &local, "GET /api/Test HTTP/1.1\r\n\r\n");
    g_assert_false(a.close);
    answer_clear(&a);
    a = ask(&f, &remote, "OPTIONS /api/ HTTP/1.1\r\nOrigin: https://x.example\r\n\r\n");
    g_assert_null(strstr(a.head, "Access-Control"));
    answer_clear(&a);
    fixture_close(&f);
}

/* ---- logins ---- */

static bool
find_no_user(void *store, const char *hub, const char *user, bool *found, struct auth_user *out)
{
    (void)store;
    (void)hub;
    (void)user;
    (void)out;
    *found = false;
    return false;
}

static GPtrArray *
no_cas(void *store, const char *hub)
{
    (void)store;
    (void)hub;
    return g_ptr_array_new();
}

static void
forget(void *store, const char *hub, const char *user, bool ok)
{
    (void)store;
    (void)hub;
    (void)user;
    (void)ok;
}

static const struct auth_store_ops auth_ops = {
    .find_user = find_no_user, .trusted_cas = no_cas, .logged_in = forget};

static void
test_login(void)
{
    struct auth *auth = auth_new(&auth_ops, NULL);
    struct fixture f = {0};

    fixture_open(&f, auth);
    expect(&f, &remote, POST CALL("1", "Test", "{}"), 401, "WWW-Authenticate: Basic");
    /* Nobody comes in before there is a password. */
    expect(&f, &remote, POST "X-VPNADMIN-PASSWORD: \r\n" CALL("1", "Test", "{}"), 401,
           "no administrator password yet");
    fixture_do(&f, "SetServerPassword", fixture_record("PlainTextPassword_str=right", NULL), PE_OK);
    fixture_do(&f, "CreateHub",
               fixture_record("HubName_str=ONE", "AdminPasswordPlainText_str=hub", NULL), PE_OK);
    fixture_do(&f, "CreateHub", fixture_record("HubName_str=TWO", NULL), PE_OK);

    expect(&f, &remote, POST PASSWORD CALL("1", "Test", "{}"), 200, "result");
    expect(&f, &remote, POST "X-VPNADMIN-PASSWORD: wrong\r\n" CALL("1", "Test", "{}"), 401, "");
    expect(&f, &remote, POST "X-VPNADMIN-PASSWORD: \r\n" CALL("1", "Test", "{}"), 401, "");
    expect(&f, &remote,
           POST "Authorization: Basic YWRtaW5pc3RyYXRvcjpyaWdodA==\r\n" CALL("1", "Test", "{}"),
           200, "result");

    /* The hub's administrator: the own hub, no other, not the server. */
#define HUB "X-VPNADMIN-HUBNAME: ONE\r\nX-VPNADMIN-PASSWORD: hub\r\n"
    expect(&f, &remote, POST HUB CALL("1", "GetHub", "{\"HubName_str\":\"ONE\"}"), 200, "result");
    expect(&f, &remote, POST HUB CALL("1", "GetHub", "{\"HubName_str\":\"TWO\"}"), 200,
           "\"code\":52");
    expect(&f, &remote, POST HUB CALL("1", "CreateListener", "{\"Port_u32\":1}"), 200,
           "\"code\":52");
    /* No password is no login, and an unknown hub looks the same as a wrong password. */
    expect(&f, &remote,
           POST "X-VPNADMIN-HUBNAME: TWO\r\nX-VPNADMIN-PASSWORD: \r\n" CALL("1", "Test", "{}"), 401,
           "The login was refused.");
    expect(&f, &remote,
           POST "X-VPNADMIN-HUBNAME: NONE\r\nX-VPNADMIN-PASSWORD: x\r\n" CALL("1", "Test", "{}"),
           401, "The login was refused.");

    /* A changed password ends the old one at once, although it was remembered. */
    fixture_do(&f, "SetServerPassword", fixture_record("PlainTextPassword_str=new", NULL), PE_OK);
    expect(&f, &remote, POST PASSWORD CALL("1", "Test", "{}"), 401, "");
    fixture_close(&f);
    auth_free(auth);
}

static void
test_ban(void)
{
    struct auth *auth = auth_new(&auth_ops, NULL);
    struct fixture f = {0};
    struct answer a = {0};

    fixture_open(&f, auth);
    fixture_do(&f, "SetServerPassword", fixture_record("PlainTextPassword_str=right", NULL), PE_OK);
    for (unsigned i = 0; i <= AUTH_BAN_TRIES && a.status != 429; i++) {
        answer_clear(&a);
        a = ask(&f, &remote, POST "X-VPNADMIN-PASSWORD: wrong\r\n" CALL("1", "Test", "{}"));
    }
    g_assert_cmpuint(a.status, ==, 429);
    answer_clear(&a);
    expect(&f, &remote, POST PASSWORD CALL("1", "Test", "{}"), 429, ""); /* the right one too */
    struct rpc_http_peer other = remote;
    other.address.ip.b[3] = 2;
    expect(&f, &other, POST PASSWORD CALL("1", "Test", "{}"), 200, "result");
    fixture_close(&f);
    auth_free(auth);
}

static void
test_origins(void)
{
    struct fixture f = {0};

    fixture_open(&f, NULL);
    fixture_do(&f, "SetServerPassword", fixture_record("PlainTextPassword_str=right", NULL), PE_OK);
#define EVIL "Origin: https://evil.example\r\n"
    expect(&f, &remote, POST PASSWORD EVIL CALL("1", "Test", "{}"), 403, "");
    expect(&f, &remote, "GET /api/Test HTTP/1.1\r\nSec-Fetch-Site: cross-site\r\n" PASSWORD "\r\n",
           403, "");
    g_assert_true(store_set_text(f.host.store, RPC_SETTING_CORS_ORIGINS,
                                 "https://a.example https://evil.example", NULL));
    expect(&f, &remote, POST PASSWORD EVIL CALL("1", "Test", "{}"), 200,
           "Access-Control-Allow-Origin: https://evil.example\r\n");
    expect(&f, &remote, POST PASSWORD "Origin: https://b.example\r\n" CALL("1", "Test", "{}"), 403,
           "");
    g_assert_true(store_set_text(f.host.store, RPC_SETTING_API_OFF, "1", NULL));
    expect(&f, &remote, POST PASSWORD CALL("1", "Test", "{}"), 404, "");
    expect(&f, &local, POST CALL("1", "Test", "{}"), 200, "result");
    fixture_close(&f);
}

static void
test_cancel(void)
{
    struct fixture f = {0};
    struct answer a = {0}, b = {0};

    fixture_open(&f, NULL);
    fixture_do(&f, "SetServerPassword", fixture_record("PlainTextPassword_str=right", NULL), PE_OK);
    rpc_http_cancel(start(&f, &remote, POST PASSWORD CALL("1", "Test", "{}"), &a));
    start(&f, &remote, POST PASSWORD CALL("1", "Test", "{}"), &b);
    while (!b.done)
        g_main_context_iteration(NULL, TRUE);
    g_assert_false(a.done);
    answer_clear(&b);
    /* The server may go while a call is on its way to a helper. */
    start(&f, &remote, POST "X-VPNADMIN-PASSWORD: slow\r\n" CALL("1", "Test", "{}"), &b);
    g_main_context_iteration(NULL, TRUE);
    start(&f, &local, POST CALL("1", "SetServerPassword", "{\"PlainTextPassword_str\":\"x\"}"), &b);
    g_main_context_iteration(NULL, TRUE);
    start(&f, &local, POST CALL("1", "Test", "{}"), &b);
    fixture_close(&f);
    g_assert_false(b.done);
}

static void
test_reserve(void)
{
    struct fixture f = {0};
    unsigned n = 0;

    fixture_open(&f, NULL);
    g_assert_false(rpc_http_reserve(f.server, RPC_BODY_MAX + 1));
    g_assert_false(rpc_http_reserve(f.server, UINT64_MAX));
    while (rpc_http_reserve(f.server, RPC_BODY_MAX))
        n++;
    g_assert_cmpuint(n, ==, RPC_BODY_TOTAL / RPC_BODY_MAX);
    rpc_http_release(f.server, RPC_BODY_MAX);
    g_assert_true(rpc_http_reserve(f.server, RPC_BODY_MAX));
    fixture_close(&f);
}

/* ---- the Unix socket ---- */

static void
on_called(GObject *source, GAsyncResult *result, gpointer data)
{
    (void)source;
    *(GAsyncResult **)data = g_object_ref(result);
}

static struct record *
call_over_socket(struct rpc_client *c, const char *method, const struct record *in, GError **error)
{
    GAsyncResult *result = NULL;

    rpc_client_call_async(c, rpc_method_find(method), in, NULL, on_called, &result);
    while (!result)
        g_main_context_iteration(NULL, TRUE);
    struct record *out = rpc_client_call_finish(result, error);
    g_object_unref(result);
    return out;
}

static void
test_unix(void)
{
    struct fixture f = {0};
    g_autoptr(GError) error = NULL;

    fixture_open(&f, NULL);
    g_autofree char *path = g_build_filename(f.folder, "server.sock", NULL);
    struct rpc_unix_server *u = rpc_unix_server_new(f.server, path, &error);
    g_assert_no_error(error);
    struct rpc_client_config config = {.socket_path = path};
    struct rpc_client *c = rpc_client_new(&config);

    for (unsigned i = 0; i < 20; i++) { /* one connection, many requests */
        g_autofree char *name = g_strdup_printf("HubName_str=HUB%u", i);
        g_autoptr(record_t) in = fixture_record(name, "Online_bool=true", NULL);
        g_autoptr(record_t) out = call_over_socket(c, "CreateHub", in, &error);
        g_assert_no_error(error);
        g_assert_true(record_bool(out, "Online_bool"));
    }
    g_autoptr(record_t) all = call_over_socket(c, "EnumHub", NULL, &error);
    g_assert_cmpuint(record_count(all, "HubList"), ==, 20);
    g_autoptr(record_t) in = fixture_record("HubName_str=NONE", NULL);
    g_assert_null(call_over_socket(c, "GetHub", in, &error));
    g_assert_error(error, PE_ERROR, PE_HUB_NOT_FOUND);
    g_assert_cmpstr(error->message, ==, "hub 'NONE' does not exist");
    g_clear_error(&error);

    /* The server goes and comes: the client connects anew. */
    rpc_unix_server_free(u);
    g_assert_null(call_over_socket(c, "EnumHub", NULL, &error));
    g_assert_error(error, PE_ERROR, PE_CONNECT_FAILED);
    g_clear_error(&error);
    u = rpc_unix_server_new(f.server, path, &error);
    g_assert_no_error(error);
    g_autoptr(record_t) again = call_over_socket(c, "EnumHub", NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(record_u32(again, "NumHub_u32"), ==, 20);
    rpc_client_free(c);
    rpc_unix_server_free(u);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    fixture_close(&f);
}

/* Sends bytes as they are, and returns all that comes back until the end. */
static char *
raw_exchange(const char *path, const char *bytes, size_t len)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    g_autoptr(GSocket) s = g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, 0, &error);
    GString *got = g_string_new(NULL);
    char piece[4096];

    g_socket_set_blocking(s, FALSE);
    g_assert_true(g_socket_connect(s, address, NULL, &error));
    for (;;) {
        if (len > 0) {
            gssize n = g_socket_send(s, bytes, len, NULL, NULL);
            if (n > 0) {
                bytes += n;
                len -= (size_t)n;
            }
        }
        gssize n = g_socket_receive(s, piece, sizeof(piece), NULL, &error);
        if (n > 0)
            g_string_append_len(got, piece, n);
        else if (n == 0 || !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
            break;
        g_clear_error(&error);
        g_main_context_iteration(NULL, FALSE);
    }
    return g_string_free(got, FALSE);
}

static void
test_unix_raw(void)
{
    static const struct {
        const char *bytes, *want;
    } cases[] = {
        {"nonsense\r\n\r\n", "HTTP/1.1 400 "},
        {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "},
        {"POST /api/ HTTP/1.1\r\nContent-Length: 8388609\r\n\r\n", "HTTP/1.1 413 "},
        {"POST /api/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 400 "},
        {"GET /api/Test?IntValue_u32=1 HTTP/1.1\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 "},
        /* three at once, the last one ends it */
        {"GET /api/Test?IntValue_u32=1 HTTP/1.1\r\n\r\n"
         "GET /api/Test?IntValue_u32=2 HTTP/1.1\r\n\r\n"
         "GET /api/Test?IntValue_u32=333 HTTP/1.1\r\nConnection: close\r\n\r\n",
         "\"StrValue_str\":\"333\""},
    };
    struct fixture f = {0};
    g_autoptr(GError) error = NULL;

    fixture_open(&f, NULL);
    g_autofree char *path = g_build_filename(f.folder, "server.sock", NULL);
    struct rpc_unix_server *u = rpc_unix_server_new(f.server, path, &error);
    g_assert_no_error(error);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        g_autofree char *got = raw_exchange(path, cases[i].bytes, strlen(cases[i].bytes));
        g_test_message("%zu: %s", i, got);
        g_assert_nonnull(strstr(got, cases[i].want));
    }
    /* A body near the limit goes through. */
    GString *large =
        g_string_new("POST /api/ HTTP/1.1\r\nConnection: close\r\nContent-Length: 8388608\r\n\r\n");
    gsize head = large->len;
    g_string_append(large,
                    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"Test\",\"params\":{\"x\":\"");
    while (large->len < head + RPC_BODY_MAX - 3)
        g_string_append_c(large, 'x');
    g_string_append(large, "\"}}");
    g_autofree char *got = raw_exchange(path, large->str, large->len);
    g_assert_nonnull(strstr(got, "\"StrValue_str\":\"0\""));
    g_string_free(large, TRUE);
    rpc_unix_server_free(u);
    fixture_close(&f);
}

/* More connections than there may be: the rest is cut off, those that are there go on. */
static void
test_unix_crowd(void)
{
    struct fixture f = {0};
    g_autoptr(GError) error = NULL;
    GSocket *crowd[RPC_UNIX_CONNECTIONS + 8];
    unsigned alive = 0;

    fixture_open(&f, NULL);
    g_autofree char *path = g_build_filename(f.folder, "server.sock", NULL);
    struct rpc_unix_server *u = rpc_unix_server_new(f.server, path, &error);
    g_assert_no_error(error);
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    for (size_t i = 0; i < ARRAY_LEN(crowd); i++) {
        crowd[i] = g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, 0, &error);
        g_assert_true(g_socket_connect(crowd[i], address, NULL, &error));
        g_socket_set_blocking(crowd[i], FALSE);
        while (g_main_context_iteration(NULL, FALSE))
            ;
    }
    for (size_t i = 0; i < ARRAY_LEN(crowd); i++) {
        char byte;
        alive += g_socket_receive(crowd[i], &byte, 1, NULL, NULL) < 0; /* would block */
        g_object_unref(crowd[i]);
    }
    g_assert_cmpuint(alive, ==, RPC_UNIX_CONNECTIONS);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_autofree char *got = raw_exchange(path, "nonsense\r\n\r\n", 12);
    g_assert_true(g_str_has_prefix(got, "HTTP/1.1 400 "));
    rpc_unix_server_free(u);
    fixture_close(&f);
}

static void
test_fingerprints(void)
{
    uint8_t a[RPC_CLIENT_FINGERPRINT], b[RPC_CLIENT_FINGERPRINT];
    char text[RPC_FINGERPRINT_TEXT];

    for (unsigned i = 0; i < sizeof(a); i++)
        a[i] = (uint8_t)(i * 9);
    rpc_fingerprint_print(a, text);
    g_assert_cmpuint(strlen(text), ==, RPC_FINGERPRINT_TEXT - 1);
    g_assert_true(rpc_fingerprint_parse(text, b));
    g_assert_cmpmem(a, sizeof(a), b, sizeof(b));
    g_auto(GStrv) pieces = g_strsplit(text, ":", -1);
    g_autofree char *bare = g_strjoinv("", pieces);
    g_assert_true(rpc_fingerprint_parse(bare, b));
    g_assert_false(rpc_fingerprint_parse("", b));
    g_assert_false(rpc_fingerprint_parse(bare + 1, b));
    g_assert_false(rpc_fingerprint_parse(text + 3, b));
    g_autofree char *longer = g_strconcat(text, ":00", NULL);
    g_assert_false(rpc_fingerprint_parse(longer, b));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rpc/http/envelope", test_envelope);
    g_test_add_func("/rpc/http/forms", test_forms);
    g_test_add_func("/rpc/http/login", test_login);
    g_test_add_func("/rpc/http/ban", test_ban);
    g_test_add_func("/rpc/http/origins", test_origins);
    g_test_add_func("/rpc/http/cancel", test_cancel);
    g_test_add_func("/rpc/http/reserve", test_reserve);
    g_test_add_func("/rpc/http/unix", test_unix);
    g_test_add_func("/rpc/http/unix-raw", test_unix_raw);
    g_test_add_func("/rpc/http/unix-crowd", test_unix_crowd);
    g_test_add_func("/rpc/http/fingerprints", test_fingerprints);
    return g_test_run();
}
