/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - see client.h.
 *
 * Theory of operation. The first connection: dial, TLS, judge the certificate, signature, Hello,
 * login, welcome; from then on it is the channel's. Further ones go the same way with the session
 * key instead of a login, one at a time, whenever there are fewer than the server granted: so a
 * broken connection is replaced as well, and the session lives on. Both are struct attempt.
 *
 * Timers: ATTEMPT_S for an attempt from its start to the welcome; NEXT_US between two further
 * attempts. The session's own timeout is the channel's. An end is told by a deferred call.
 */

#include "core/proto/sevpn/client.h"

#include "core/base/error.h"
#include "core/base/types.h"
#include "core/crypto/cert.h"
#include "core/crypto/sha0.h"
#include "core/crypto/tls.h"
#include "core/proto/sevpn/channel.h"
#include "core/proto/sevpn/message.h"
#include "core/proto/sevpn/wire.h"

#include <string.h>

#define PRODUCT "Polyether VPN Client"

enum {
    ATTEMPT_S = 30,
    NEXT_US = 1000 * 1000,
    READ_CHUNK = 4096,
    ANSWER_MAX = SEVPN_PACK_MAX + HTTP_HEAD_MAX
};

enum stage { DIALING, SECURING, AWAITING_HELLO, AWAITING_WELCOME };

/* One TCP connection on its way to the channel. */
struct attempt {
    struct sevpn_client *client;
    bool first;
    enum stage stage;
    struct dial *dial;         /* while DIALING */
    struct tls_stream *stream; /* owned, afterwards */
    struct endpoint server;
    GByteArray *in;
    struct timer timer;
};

struct sevpn_client {
    struct worker *worker;
    struct sevpn_client_config config;
    const struct sevpn_client_ops *ops;
    void *owner;
    SSL_CTX *ctx;
    struct attempt *attempt; /* owned; at most one at a time */
    struct sevpn_channel *channel;
    struct block_zlib *zlib;
    struct timer next; /* when to look for a further connection */
    unsigned max_connections;
    char *server_product; /* owned; from Hello */
    uint32_t server_ver, server_build;
    uint8_t session_key[20];
    uint8_t fingerprint[32];
    bool saw_fingerprint;

    struct worker_deferred end;
    int end_code;
    char *end_message; /* owned */
};

/* ---- the end ---- */

static void
attempt_free(struct attempt *a)
{
    if (!a)
        return;
    timer_cancel(worker_timers(a->client->worker), &a->timer);
    if (a->dial)
        dial_cancel(a->dial);
    tls_stream_free(a->stream);
    g_byte_array_unref(a->in);
    g_free(a);
}

static void
on_end(struct worker_deferred *d, int64_t now_us)
{
    struct sevpn_client *c = container_of(d, struct sevpn_client, end);

    c->ops->ended(c->owner, c->end_code, c->end_message, c->saw_fingerprint ? c->fingerprint : NULL,
                  now_us);
}

/* Takes the message. The first reason counts. */
static void
end_take(struct sevpn_client *c, int code, char *message)
{
    if (c->end_message) {
        g_free(message);
        return;
    }
    c->end_code = code;
    c->end_message = message;
    g_clear_pointer(&c->attempt, attempt_free);
    timer_cancel(worker_timers(c->worker), &c->next);
    worker_defer(c->worker, &c->end);
}

/* An attempt failed: that ends a client without a session, and is tried again by one that has a
 * session, unless the server does not know the session any more. Takes the message. */
static void
fail_take(struct attempt *a, int code, char *message)
{
    struct sevpn_client *c = a->client;

    if (a->first || code == PE_SESSION_TIMEOUT || code == PE_BAD_PROTOCOL ||
        code == PE_CERT_NOT_TRUSTED) {
        end_take(c, code, message);
        return;
    }
    g_free(message);
    g_clear_pointer(&c->attempt, attempt_free);
    timer_arm(worker_timers(c->worker), &c->next, worker_now_us(c->worker) + NEXT_US);
}

static void
fail(struct attempt *a, int code, const char *message)
{
    fail_take(a, code, g_strdup(message));
}

/* ---- sending the steps ---- */

static void
send_bytes(struct attempt *a, GByteArray *bytes)
{
    struct pf_slice whole = {bytes->data, bytes->len};

    (void)tls_stream_write(a->stream, &whole, 1); /* a failure comes by on_stream_end */
    g_byte_array_unref(bytes);
}

static void
send_signature(struct attempt *a)
{
    static const char word[] = "VPNCONNECT";

    a->stage = AWAITING_HELLO;
    send_bytes(a, sevpn_request(SEVPN_TARGET_SIGNATURE, a->client->config.dial.host,
                                SEVPN_CONTENT_SIGNATURE, word, sizeof(word) - 1));
}

/* The login with the credential that the account has. NULL and error when the key cannot sign. */
static struct pack *
build_login(const struct sevpn_client_config *config, const struct sevpn_hello *hello,
            GError **error)
{
    g_autoptr(GBytes) sign = NULL;
    struct sevpn_login l = {
        .hub = config->hub,
        .user = config->user,
        .plain_password = "",
        .client_name = PRODUCT,
        .client_ver = SEVPN_VERSION,
        .client_build = SEVPN_BUILD,
        .host_name = config->host_name ? config->host_name : "",
        .os_name = "",
        .os_ver = "",
        .max_connections = config->max_connections,
        .encrypt = true,
        .compress = config->compress,
        .half_duplex = config->half_duplex,
        .qos = config->qos,
        .bridge_mode = config->bridge_mode,
        .super_frames = config->super_frames && !config->compress,
    };

    memcpy(l.unique_id, config->unique_id, sizeof(l.unique_id));
    switch (config->credential) {
    case SEVPN_CRED_ANONYMOUS:
        l.auth = SEVPN_AUTH_ANONYMOUS;
        break;
    case SEVPN_CRED_HASH:
        l.auth = SEVPN_AUTH_HASH;
        sevpn_secure_password(config->user_hash, hello->random, l.secure_password);
        break;
    case SEVPN_CRED_PLAIN:
        l.auth = SEVPN_AUTH_PLAIN;
        l.plain_password = secret_str(config->password);
        break;
    case SEVPN_CRED_CERT:
        l.auth = SEVPN_AUTH_CERT;
        sign = cert_sevpn_sign(config->key, hello->random, error);
        if (!sign)
            return NULL;
        l.cert =
            reader_of(g_bytes_get_data(config->cert_der, NULL), g_bytes_get_size(config->cert_der));
        l.sign = reader_of(g_bytes_get_data(sign, NULL), g_bytes_get_size(sign));
        break;
    }
    return sevpn_login_build(&l);
}

/* ---- the channel's side ---- */

static void start_attempt(struct sevpn_client *c, bool first);

static bool
wants_more(const struct sevpn_client *c)
{
    return !c->attempt && !c->end_message &&
           sevpn_channel_connections(c->channel) < c->max_connections;
}

static void
on_next(struct timer *t, int64_t now_us)
{
    struct sevpn_client *c = container_of(t, struct sevpn_client, next);

    (void)now_us;
    if (wants_more(c))
        start_attempt(c, false);
}

static void
on_receive(void *owner, struct batch *b, int64_t now_us)
{
    struct sevpn_client *c = owner;

    c->ops->receive(c->owner, b, now_us);
}

static void
on_dropped(void *owner, enum drop why, unsigned n)
{
    (void)owner;
    (void)why;
    (void)n;
}

static void
on_channel_writable(void *owner, int64_t now_us)
{
    struct sevpn_client *c = owner;

    c->ops->writable(c->owner, now_us);
}

static void
on_connections(void *owner, unsigned n, int64_t now_us)
{
    struct sevpn_client *c = owner;

    /* A lost connection may be the end of an outage: wait a moment. The next of several is wanted
     * at once. */
    if (n < c->max_connections && !timer_is_armed(&c->next) && !c->end_message)
        timer_arm(worker_timers(c->worker), &c->next, now_us + NEXT_US / 10);
}

static void
on_channel_ended(void *owner, int code, int64_t now_us)
{
    (void)now_us;
    end_take(owner, code, g_strdup("nothing came from the server any more"));
}

static const struct sevpn_channel_ops channel_ops = {.receive = on_receive,
                                                     .dropped = on_dropped,
                                                     .writable = on_channel_writable,
                                                     .connections = on_connections,
                                                     .ended = on_channel_ended};

/* ---- receiving the steps ---- */

static void
on_hello(struct attempt *a, const struct pack *p)
{
    struct sevpn_client *c = a->client;
    g_autoptr(GError) error = NULL;
    struct sevpn_hello hello;

    if (!sevpn_hello_parse(p, &hello)) {
        fail(a, PE_NOT_SEVPN_SERVER, "the server does not speak SE-VPN");
        return;
    }
    struct pack *next = a->first ? build_login(&c->config, &hello, &error)
                                 : sevpn_additional_build(c->session_key, PRODUCT);
    if (!next) {
        fail(a, PE_AUTH_FAILED, error ? error->message : "the key cannot sign");
        return;
    }
    if (a->first) {
        c->server_product = g_strdup(hello.product);
        c->server_ver = hello.version;
        c->server_build = hello.build;
    }
    a->stage = AWAITING_WELCOME;
    send_bytes(a, sevpn_request_pack(c->config.dial.host, next));
}

/* The attempt did its work: its stream goes to the channel. */
static void
to_channel(struct attempt *a, enum sevpn_direction direction, int64_t now_us)
{
    struct sevpn_client *c = a->client;
    struct tls_stream *stream = g_steal_pointer(&a->stream);
    g_autoptr(GByteArray) rest = g_byte_array_ref(a->in);

    c->attempt = NULL;
    attempt_free(a);
    (void)sevpn_channel_add(c->channel, stream, direction, reader_of(rest->data, rest->len),
                            now_us);
}

static void
open_channel(struct sevpn_client *c, const struct sevpn_welcome *w)
{
    if (w->compress)
        c->zlib = block_zlib_new();
    struct sevpn_channel_config config = {
        .format = {.super_frames = w->super_frames && c->config.super_frames && !w->compress,
                   .zlib = c->zlib},
        .timeout_ms = w->timeout_ms,
        .max_connections = c->max_connections,
        .lossless = true,
        .qos = w->qos,
    };
    c->channel = sevpn_channel_new(c->worker, &config, &channel_ops, c);
}

static void
on_welcome(struct attempt *a, const struct pack *p, int64_t now_us)
{
    struct sevpn_client *c = a->client;
    struct sevpn_welcome w;

    if (pack_int(p, "Redirect") != 0) {
        fail(a, PE_NOT_SUPPORTED, "the server belongs to a cluster, which is not supported");
        return;
    }
    if (!sevpn_welcome_parse(p, &w)) {
        fail(a, PE_PROTOCOL, "the server's welcome cannot be understood");
        return;
    }
    g_autofree char *message = (char *)(uintptr_t)w.message;
    if (!w.encrypt) {
        fail(a, PE_PROTOCOL, "the server wants to send frames unencrypted");
        return;
    }
    memcpy(c->session_key, w.session_key, sizeof(c->session_key));
    c->max_connections = w.qos || w.half_duplex
                             ? w.max_connections
                             : MIN(w.max_connections, MAX(c->config.max_connections, 1));
    g_autofree char *cipher = g_strdup(SSL_get_cipher_name(tls_stream_ssl(a->stream)));
    struct sevpn_client_info info = {
        .session_name = w.session_name,
        .connection_name = w.connection_name,
        .server_product = c->server_product,
        .server_ver = c->server_ver,
        .server_build = c->server_build,
        .cipher = cipher,
        .message = message,
        .max_connections = c->max_connections,
        .half_duplex = w.half_duplex,
        .compress = w.compress,
        .super_frames = w.super_frames,
        .timeout_ms = w.timeout_ms,
        .server = a->server,
        .auto_disconnect_s = w.policy.AutoDisconnect,
    };
    open_channel(c, &w);
    to_channel(a, w.half_duplex ? SEVPN_CLIENT_TO_SERVER : SEVPN_BOTH, now_us);
    c->ops->established(c->owner, &info, now_us);
}

static void
on_answer(struct attempt *a, const struct pack *p, int64_t now_us)
{
    uint32_t error = sevpn_error_of(p);

    if (error != 0) {
        g_autofree char *message =
            g_strdup_printf("the server refused: %s (error %u)", pe_error_text((int)error), error);
        fail(a, (int)error, message);
        return;
    }
    if (a->stage == AWAITING_HELLO) {
        on_hello(a, p);
    } else if (pack_int(p, "noop") != 0) {
        return; /* the real answer is still to come */
    } else if (a->first) {
        on_welcome(a, p, now_us);
    } else {
        uint32_t direction = pack_int(p, "direction");
        to_channel(
            a, direction <= SEVPN_CLIENT_TO_SERVER ? (enum sevpn_direction)direction : SEVPN_BOTH,
            now_us);
    }
}

static void
on_readable(void *owner, int64_t now_us)
{
    struct attempt *a = owner;
    uint8_t chunk[READ_CHUNK];
    struct pack *p = NULL;
    size_t n;

    if (a->client->end_message)
        return;
    while (a->in->len < ANSWER_MAX && (n = tls_stream_read(a->stream, chunk, sizeof(chunk))) > 0)
        g_byte_array_append(a->in, chunk, (guint)n);
    if (a->in->len == 0)
        return;
    switch (sevpn_response_take(a->in, &p)) {
    case HTTP_MORE:
        break;
    case HTTP_OK:
        on_answer(a, p, now_us);
        pack_free(p);
        break;
    case HTTP_BAD:
    case HTTP_LARGE:
        fail(a, PE_NOT_SEVPN_SERVER, "the server does not speak SE-VPN");
        break;
    }
}

/* ---- TLS ---- */

/* NULL when the certificate is accepted, else why not (transfer full). */
static char *
judge_certificate(struct attempt *a)
{
    struct sevpn_client *c = a->client;
    uint8_t seen[32];

    if (!tls_stream_fingerprint(a->stream, seen))
        return g_strdup("the server showed no certificate");
    if (!a->first) /* the protocol's rule, and a good one */
        return memcmp(seen, c->fingerprint, sizeof(seen)) == 0
                   ? NULL
                   : g_strdup("a further connection met another certificate");
    memcpy(c->fingerprint, seen, sizeof(seen));
    c->saw_fingerprint = true;
    if (c->config.trust == SEVPN_TRUST_PIN)
        return memcmp(seen, c->config.pin, sizeof(seen)) == 0
                   ? NULL
                   : g_strdup("the server's certificate is not the one that is trusted");
    return tls_stream_verify(a->stream, c->config.dial.host, c->config.ca_file);
}

static void
on_open(void *owner, int64_t now_us)
{
    struct attempt *a = owner;
    char *why = judge_certificate(a);

    (void)now_us;
    if (why)
        fail_take(a, PE_CERT_NOT_TRUSTED, why);
    else
        send_signature(a);
}

static void
on_writable(void *owner, int64_t now_us)
{
    (void)owner;
    (void)now_us;
}

static void
on_stream_end(void *owner, enum tls_end why, int64_t now_us)
{
    struct attempt *a = owner;

    (void)now_us;
    if (a->client->end_message)
        return;
    if (a->stage == SECURING)
        fail(a, PE_NOT_SEVPN_SERVER,
             why == TLS_END_HANDSHAKE ? "the server does not speak TLS 1.2 or 1.3"
                                      : "the connection ended during the TLS handshake");
    else
        fail(a, PE_DISCONNECTED, "the server closed the connection during login");
}

static const struct tls_stream_ops stream_ops = {.on_open = on_open,
                                                 .on_readable = on_readable,
                                                 .on_writable = on_writable,
                                                 .on_end = on_stream_end};

/* ---- dialing ---- */

static void
on_dialed(void *owner, int fd, const struct endpoint *peer, int code, const char *message)
{
    struct attempt *a = owner;
    struct sevpn_client *c = a->client;
    struct ip literal;

    a->dial = NULL;
    if (fd < 0) {
        fail(a, code, message);
        return;
    }
    a->server = *peer;
    a->stage = SECURING;
    struct tls_stream_config config = {
        .fd = fd,
        .ctx = c->ctx,
        .sni = ip_parse(c->config.dial.host, &literal) ? NULL : c->config.dial.host};
    a->stream = tls_stream_new(c->worker, &config, &stream_ops, a);
    if (!a->stream)
        fail(a, PE_INTERNAL, "no memory for a TLS connection");
}

static void
on_attempt_timer(struct timer *t, int64_t now_us)
{
    (void)now_us;
    fail(container_of(t, struct attempt, timer), PE_CONNECT_FAILED,
         "the server took too long to answer");
}

static void
start_attempt(struct sevpn_client *c, bool first)
{
    struct attempt *a = g_new0(struct attempt, 1);

    a->client = c;
    a->first = first;
    a->in = g_byte_array_new();
    timer_init(&a->timer, on_attempt_timer);
    timer_arm(worker_timers(c->worker), &a->timer,
              worker_now_us(c->worker) + ATTEMPT_S * G_USEC_PER_SEC);
    c->attempt = a;
    a->dial = dial_start(c->worker, &c->config.dial, on_dialed, a);
}

/* ---- life ---- */

void
sevpn_client_config_copy(struct sevpn_client_config *to, const struct sevpn_client_config *from)
{
    *to = *from;
    dial_config_copy(&to->dial, &from->dial);
    to->hub = g_strdup(from->hub);
    to->user = g_strdup(from->user);
    to->password = from->password ? secret_new(from->password->bytes, from->password->len) : NULL;
    to->cert_der = from->cert_der ? g_bytes_ref(from->cert_der) : NULL;
    if (to->key)
        EVP_PKEY_up_ref(to->key);
    to->ca_file = g_strdup(from->ca_file);
    to->host_name = g_strdup(from->host_name);
}

void
sevpn_client_config_clear(struct sevpn_client_config *c)
{
    dial_config_clear(&c->dial);
    g_free(c->hub);
    g_free(c->user);
    secret_free(c->password);
    if (c->cert_der)
        g_bytes_unref(c->cert_der);
    EVP_PKEY_free(c->key);
    g_free(c->ca_file);
    g_free(c->host_name);
    secret_wipe(c, sizeof(*c));
}

struct sevpn_client *
sevpn_client_new(struct worker *w, const struct sevpn_client_config *config,
                 const struct sevpn_client_ops *ops, void *owner)
{
    struct sevpn_client *c = g_new0(struct sevpn_client, 1);
    g_autoptr(GError) error = NULL;

    c->worker = w;
    c->ops = ops;
    c->owner = owner;
    c->end.fn = on_end;
    timer_init(&c->next, on_next);
    sevpn_client_config_copy(&c->config, config);
    c->ctx = tls_client_ctx(&error);
    if (!c->ctx)
        end_take(c, PE_INTERNAL, g_strdup(error->message));
    else
        start_attempt(c, true);
    return c;
}

void
sevpn_client_free(struct sevpn_client *c)
{
    if (!c)
        return;
    worker_defer_cancel(c->worker, &c->end);
    timer_cancel(worker_timers(c->worker), &c->next);
    attempt_free(c->attempt);
    sevpn_channel_free(c->channel);
    block_zlib_free(c->zlib);
    if (c->ctx)
        SSL_CTX_free(c->ctx);
    sevpn_client_config_clear(&c->config);
    secret_wipe(c->session_key, sizeof(c->session_key));
    g_free(c->server_product);
    g_free(c->end_message);
    g_free(c);
}

bool
sevpn_client_send(struct sevpn_client *c, struct batch *b, int64_t now_us)
{
    if (!c->channel) {
        batch_free_frames(b);
        return true;
    }
    return sevpn_channel_send(c->channel, b, now_us);
}

void
sevpn_client_get_stats(const struct sevpn_client *c, struct sevpn_client_stats *out)
{
    *out = (struct sevpn_client_stats){0};
    if (!c->channel)
        return;
    const struct sevpn_channel_stats *s = sevpn_channel_stats(c->channel);
    *out = (struct sevpn_client_stats){.in_frames = s->in_frames,
                                       .in_bytes = s->in_bytes,
                                       .out_frames = s->out_frames,
                                       .out_bytes = s->out_bytes,
                                       .connections = sevpn_channel_connections(c->channel)};
}
