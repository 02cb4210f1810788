/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - see client.h: one request and its answer over a stream, and the thread for callers
 * that must not wait. */
#include "core/rpc/wire/client.h"

#include "core/base/error.h"
#include "core/base/http.h"
#include "core/base/secret.h"
#include "core/rpc/wire/json.h"
#include "core/rpc/wire/stream.h"

#include <string.h>

struct rpc_client {
    GMutex lock; /* guards the stream: one call at a time */
    struct rpc_stream *stream;
    struct rpc_client_config config; /* what it points to is below */
    char *socket_path, *host, *ca_file;
    char *authorization; /* value of the field, or NULL; secret */
    uint8_t fingerprint[RPC_CLIENT_FINGERPRINT];
    uint8_t seen[RPC_CLIENT_FINGERPRINT];
    bool has_seen;
    GThreadPool *queue; /* one thread at most: keeps the order; made with the first use */
};

static char *
make_authorization(const char *hub, const char *password)
{
    char *plain = g_strdup_printf("%s:%s", hub && hub[0] ? hub : "administrator", password);
    char *coded = g_base64_encode((const guchar *)plain, strlen(plain));
    char *made = g_strdup_printf("Basic %s", coded);

    secret_free_str(plain);
    secret_free_str(coded);
    return made;
}

struct rpc_client *
rpc_client_new(const struct rpc_client_config *config)
{
    struct rpc_client *c = g_new0(struct rpc_client, 1);

    g_mutex_init(&c->lock);
    c->socket_path = g_strdup(config->socket_path);
    c->host = g_strdup(config->host);
    c->ca_file = g_strdup(config->ca_file);
    c->config.socket_path = c->socket_path;
    c->config.host = c->host;
    c->config.port = config->port;
    c->config.ca_file = c->ca_file;
    if (config->fingerprint) {
        memcpy(c->fingerprint, config->fingerprint, sizeof(c->fingerprint));
        c->config.fingerprint = c->fingerprint;
    }
    if (config->password)
        c->authorization = make_authorization(config->hub, config->password);
    return c;
}

void
rpc_client_free(struct rpc_client *c)
{
    if (!c)
        return;
    if (c->queue)
        g_thread_pool_free(c->queue, FALSE, TRUE);
    rpc_stream_free(c->stream);
    secret_free_str(c->authorization);
    g_free(c->socket_path);
    g_free(c->host);
    g_free(c->ca_file);
    g_mutex_clear(&c->lock);
    g_free(c);
}

/* ---- one request and its answer ---- */

static bool
send_request(struct rpc_client *c, const char *body, GCancellable *cancel, GError **error)
{
    GString *all = g_string_new("POST /api/ HTTP/1.1\r\n");

    g_string_append_printf(all, "Host: %s\r\n", c->host ? c->host : "localhost");
    g_string_append(all, "User-Agent: polyether/" POLYETHER_VERSION "\r\n");
    if (c->authorization)
        g_string_append_printf(all, "Authorization: %s\r\n", c->authorization);
    g_string_append_printf(all, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                           strlen(body));
    g_string_append(all, body);
    bool ok = rpc_stream_write(c->stream, all->str, all->len, cancel, error);
    secret_free_str(g_string_free(all, FALSE));
    return ok;
}

/* Reads until *head is there; what has come of the body follows at *used. */
static bool
read_head(struct rpc_client *c, GByteArray *in, struct http_head *head, size_t *used,
          GCancellable *cancel, GError **error)
{
    uint8_t piece[16384];

    for (;;) {
        enum http_verdict v =
            in->len == 0 ? HTTP_MORE
                         : http_parse_response((const char *)in->data, in->len, head, used);
        if (v == HTTP_OK)
            return true;
        if (v != HTTP_MORE) {
            g_set_error(error, PE_ERROR, PE_PROTOCOL, "the answer is not HTTP");
            return false;
        }
        gssize n = rpc_stream_read(c->stream, piece, sizeof(piece), cancel, error);
        if (n == 0)
            g_set_error(error, PE_ERROR, PE_DISCONNECTED, "the server has cut the connection");
        if (n <= 0)
            return false;
        g_byte_array_append(in, piece, (guint)n);
    }
}

static bool
read_body(struct rpc_client *c, GByteArray *in, size_t whole, GCancellable *cancel, GError **error)
{
    uint8_t piece[16384];

    while (in->len < whole) {
        gssize n =
            rpc_stream_read(c->stream, piece, MIN(sizeof(piece), whole - in->len), cancel, error);
        if (n == 0)
            g_set_error(error, PE_ERROR, PE_DISCONNECTED,
                        "the server has cut the connection in the middle of its answer");
        if (n <= 0)
            return false;
        g_byte_array_append(in, piece, (guint)n);
    }
    return true;
}

/* Anything but 200 is the HTTP server speaking, in plain text. */
static bool
check_status(const struct http_head *head, const char *body, size_t len, GError **error)
{
    if (head->status == 200)
        return true;
    g_autofree char *text = g_utf8_make_valid(body, (gssize)MIN(len, 400));
    g_strdelimit(text, "\r\n\t", ' ');
    g_strstrip(text);
    int code = head->status == 401 || head->status == 429 ? PE_AUTH_FAILED : PE_PROTOCOL;
    if (text[0] && text[0] != '<')
        g_set_error(error, PE_ERROR, code, "%s", text);
    else
        g_set_error(error, PE_ERROR, code, "the server answers with HTTP status %u", head->status);
    return false;
}

static bool
wants_close(const struct http_head *head)
{
    const struct http_span *value = http_field(head, "Connection");

    return value && http_span_is(value, "close");
}

static void
hang_up(struct rpc_client *c)
{
    rpc_stream_free(c->stream);
    c->stream = NULL;
}

/* The body of the answer is in->data from *at on. */
static bool
exchange(struct rpc_client *c, const char *body, GByteArray *in, size_t *at, GCancellable *cancel,
         GError **error)
{
    struct http_head head;

    if (!send_request(c, body, cancel, error) || !read_head(c, in, &head, at, cancel, error))
        return false;
    if (!head.has_length || head.length > RPC_JSON_ANSWER_BYTES) {
        g_set_error(error, PE_ERROR, PE_PROTOCOL, "the answer is without length, or too long");
        return false;
    }
    /* head borrows bytes that may move when in grows */
    unsigned status = head.status;
    bool close = wants_close(&head);
    if (!read_body(c, in, *at + head.length, cancel, error))
        return false;
    head.status = status;
    bool ok = check_status(&head, (const char *)in->data + *at, in->len - *at, error);
    if (close)
        hang_up(c);
    return ok;
}

static struct record *
call_locked(struct rpc_client *c, const struct rpc_method *m, const struct record *in, json_t **raw,
            GCancellable *cancel, GError **error)
{
    if (c->stream && !rpc_stream_is_idle(c->stream))
        hang_up(c); /* the server has ended it between two calls */
    if (!c->stream)
        c->stream = rpc_stream_open(&c->config, cancel, c->seen, &c->has_seen, error);
    if (!c->stream)
        return NULL;
    g_autoptr(record_t) none = record_new();
    char *body = rpc_request_print(m, in ? in : none, "1");
    GByteArray *answer = g_byte_array_new();
    struct record *out = NULL;
    size_t at = 0;
    GError *why = NULL;
    if (exchange(c, body, answer, &at, cancel, &why))
        out = rpc_response_parse((const char *)answer->data + at, answer->len - at, m, raw, error);
    else
        hang_up(c); /* what is left in it would be taken for the next answer */
    if (why)
        g_propagate_error(error, why);
    secret_free_str(body);
    g_byte_array_unref(answer);
    return out;
}

static struct record *
call(struct rpc_client *c, const struct rpc_method *m, const struct record *in, json_t **raw,
     GCancellable *cancel, GError **error)
{
    g_mutex_lock(&c->lock);
    struct record *out = call_locked(c, m, in, raw, cancel, error);
    g_mutex_unlock(&c->lock);
    return out;
}

struct record *
rpc_client_call(struct rpc_client *c, const struct rpc_method *m, const struct record *in,
                json_t **raw, GError **error)
{
    return call(c, m, in, raw, NULL, error);
}

/* ---- without waiting ---- */

struct pending {
    const struct rpc_method *method;
    struct record *in;
};

static void
pending_free(void *data)
{
    struct pending *p = data;

    record_free(p->in);
    g_free(p);
}

static void
free_record(void *data)
{
    record_free(data);
}

static void
run_pending(void *item, void *data)
{
    g_autoptr(GTask) task = item;
    struct pending *p = g_task_get_task_data(task);
    GError *error = NULL;

    if (g_task_return_error_if_cancelled(task))
        return;
    struct record *out = call(data, p->method, p->in, NULL, g_task_get_cancellable(task), &error);
    if (out)
        g_task_return_pointer(task, out, free_record);
    else
        g_task_return_error(task, error);
}

void
rpc_client_call_async(struct rpc_client *c, const struct rpc_method *m, const struct record *in,
                      GCancellable *cancel, GAsyncReadyCallback callback, gpointer data)
{
    GTask *task = g_task_new(NULL, cancel, callback, data);
    struct pending *p = g_new0(struct pending, 1);

    p->method = m;
    p->in = record_new();
    for (unsigned i = 0; in && record_name(in, i); i++)
        record_copy(p->in, in, record_name(in, i));
    g_task_set_task_data(task, p, pending_free);
    if (!c->queue)
        c->queue = g_thread_pool_new(run_pending, c, 1, FALSE, NULL);
    g_thread_pool_push(c->queue, task, NULL);
}

struct record *
rpc_client_call_finish(GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

/* ---- fingerprints ---- */

bool
rpc_client_fingerprint(struct rpc_client *c, uint8_t out[RPC_CLIENT_FINGERPRINT])
{
    g_mutex_lock(&c->lock);
    bool has = c->has_seen;
    memcpy(out, c->seen, RPC_CLIENT_FINGERPRINT);
    g_mutex_unlock(&c->lock);
    return has;
}

bool
rpc_fingerprint_parse(const char *text, uint8_t out[RPC_CLIENT_FINGERPRINT])
{
    uint8_t made[RPC_CLIENT_FINGERPRINT];
    unsigned n = 0;

    while (*text && n < RPC_CLIENT_FINGERPRINT) {
        int high = g_ascii_xdigit_value(text[0]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value(text[1]);
        if (low < 0)
            return false;
        made[n++] = (uint8_t)(high * 16 + low);
        text += 2;
        if (*text == ':' && n < RPC_CLIENT_FINGERPRINT)
            text++;
    }
    if (n != RPC_CLIENT_FINGERPRINT || *text)
        return false;
    memcpy(out, made, sizeof(made));
    return true;
}

const char *
rpc_fingerprint_print(const uint8_t fp[RPC_CLIENT_FINGERPRINT], char out[RPC_FINGERPRINT_TEXT])
{
    for (unsigned i = 0; i < RPC_CLIENT_FINGERPRINT; i++)
        g_snprintf(out + (size_t)i * 3, 4, "%02X%s", fp[i],
                   i + 1 < RPC_CLIENT_FINGERPRINT ? ":" : "");
    return out;
}
