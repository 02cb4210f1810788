/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - see stream.h. GIO's own TLS would need another library at run time, so TLS is OpenSSL
 * over the descriptor of a GSocket, which waits, times out and can be cancelled. */
#include "core/rpc/wire/stream.h"

#include "core/base/error.h"

#include <gio/gunixsocketaddress.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <string.h>

struct rpc_stream {
    GSocketConnection *connection;
    GSocket *socket;
    SSL_CTX *ctx;
    SSL *ssl;
};

/* Errors of GIO become ours; being cancelled stays what it is. */
static void
set_io_error(GError **error, GError *why, int code, const char *what)
{
    if (g_error_matches(why, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
        g_propagate_error(error, why);
        return;
    }
    g_set_error(error, PE_ERROR, code, "%s: %s", what, why->message);
    g_error_free(why);
}

/* ---- TLS ---- */

static bool
wait_for(struct rpc_stream *s, int ssl_error, GCancellable *cancel, GError **error)
{
    GIOCondition want = ssl_error == SSL_ERROR_WANT_WRITE ? G_IO_OUT : G_IO_IN;
    GError *why = NULL;

    if (g_socket_condition_timed_wait(s->socket, want, RPC_CLIENT_TIMEOUT_S * G_USEC_PER_SEC,
                                      cancel, &why))
        return true;
    set_io_error(error, why, PE_DISCONNECTED, "the server does not answer");
    return false;
}

/* What OpenSSL has to say, for a person. */
static void
set_tls_error(GError **error)
{
    unsigned long code = ERR_peek_last_error();
    char text[256] = "the connection was cut";

    if (code != 0)
        ERR_error_string_n(code, text, sizeof(text));
    g_set_error(error, PE_ERROR, PE_CONNECT_FAILED, "TLS failed: %s", text);
}

static bool
handshake(struct rpc_stream *s, GCancellable *cancel, GError **error)
{
    for (;;) {
        ERR_clear_error();
        int n = SSL_connect(s->ssl);
        if (n == 1)
            return true;
        int why = SSL_get_error(s->ssl, n);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
            set_tls_error(error);
            return false;
        }
        if (!wait_for(s, why, cancel, error))
            return false;
    }
}

/* The chain is judged during the handshake, the verdict read after it: so the fingerprint of a
 * certificate that is not trusted is known, and can be shown. */
static bool
setup_trust(struct rpc_stream *s, const struct rpc_client_config *c, GError **error)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(s->ssl);
    struct ip ip;

    SSL_set_verify(s->ssl, SSL_VERIFY_NONE, NULL);
    if (c->fingerprint)
        return true;
    int ok = c->ca_file ? SSL_CTX_load_verify_file(s->ctx, c->ca_file)
                        : SSL_CTX_set_default_verify_paths(s->ctx);
    if (ok == 1)
        ok = ip_parse(c->host, &ip) ? X509_VERIFY_PARAM_set1_ip_asc(param, c->host)
                                    : X509_VERIFY_PARAM_set1_host(param, c->host, 0);
    if (ok != 1)
        g_set_error(error, PE_ERROR, PE_CERT_NOT_TRUSTED, "cannot read the authorities%s%s",
                    c->ca_file ? " in " : " of the system", c->ca_file ? c->ca_file : "");
    return ok == 1;
}

static bool
check_trust(struct rpc_stream *s, const struct rpc_client_config *c, const uint8_t *seen,
            GError **error)
{
    long verdict = SSL_get_verify_result(s->ssl);

    if (c->fingerprint && memcmp(seen, c->fingerprint, RPC_CLIENT_FINGERPRINT) == 0)
        return true;
    if (!c->fingerprint && verdict == X509_V_OK)
        return true;
    char text[RPC_FINGERPRINT_TEXT];
    g_set_error(error, PE_ERROR, PE_CERT_NOT_TRUSTED,
                "the server's certificate is not trusted: %s; its fingerprint is %s",
                c->fingerprint ? "it is another than the one expected"
                               : X509_verify_cert_error_string(verdict),
                rpc_fingerprint_print(seen, text));
    return false;
}

static bool
note_fingerprint(struct rpc_stream *s, uint8_t *seen, GError **error)
{
    X509 *cert = SSL_get0_peer_certificate(s->ssl);
    unsigned len = 0;

    if (cert && X509_digest(cert, EVP_sha256(), seen, &len) == 1 && len == RPC_CLIENT_FINGERPRINT)
        return true;
    g_set_error(error, PE_ERROR, PE_CERT_NOT_TRUSTED, "the server shows no certificate");
    return false;
}

static bool
start_tls(struct rpc_stream *s, const struct rpc_client_config *c, GCancellable *cancel,
          uint8_t *seen, bool *has_seen, GError **error)
{
    struct ip ip;

    s->ctx = SSL_CTX_new(TLS_client_method());
    s->ssl = s->ctx ? SSL_new(s->ctx) : NULL;
    if (!s->ssl || SSL_set_min_proto_version(s->ssl, TLS1_2_VERSION) != 1 ||
        SSL_set_fd(s->ssl, g_socket_get_fd(s->socket)) != 1) {
        g_set_error(error, PE_ERROR, PE_INTERNAL, "TLS cannot be started");
        return false;
    }
    if (!ip_parse(c->host, &ip) && SSL_set_tlsext_host_name(s->ssl, c->host) != 1) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER, "'%s' is no host name", c->host);
        return false;
    }
    if (!setup_trust(s, c, error))
        return false;
    if (!handshake(s, cancel, error) || !note_fingerprint(s, seen, error))
        return false;
    *has_seen = true;
    return check_trust(s, c, seen, error);
}

/* ---- the stream ---- */

struct rpc_stream *
rpc_stream_open(const struct rpc_client_config *c, GCancellable *cancel, uint8_t *seen,
                bool *has_seen, GError **error)
{
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GSocketConnectable) where = NULL;
    g_autofree char *what = NULL;
    GError *why = NULL;

    *has_seen = false;
    g_socket_client_set_timeout(client, RPC_CLIENT_TIMEOUT_S);
    g_socket_client_set_enable_proxy(client, FALSE);
    if (c->socket_path) {
        where = G_SOCKET_CONNECTABLE(g_unix_socket_address_new(c->socket_path));
        what = g_strdup_printf("cannot reach the server's socket %s", c->socket_path);
    } else {
        where = g_network_address_new(c->host, c->port);
        what = g_strdup_printf("cannot reach %s, port %u", c->host, c->port);
    }
    struct rpc_stream *s = g_new0(struct rpc_stream, 1);
    s->connection = g_socket_client_connect(client, where, cancel, &why);
    if (!s->connection) {
        set_io_error(error, why, PE_CONNECT_FAILED, what);
        rpc_stream_free(s);
        return NULL;
    }
    s->socket = g_socket_connection_get_socket(s->connection);
    if (!c->socket_path && !start_tls(s, c, cancel, seen, has_seen, error)) {
        rpc_stream_free(s);
        return NULL;
    }
    return s;
}

void
rpc_stream_free(struct rpc_stream *s)
{
    if (!s)
        return;
    SSL_free(s->ssl);
    SSL_CTX_free(s->ctx);
    g_clear_object(&s->connection);
    g_free(s);
}

bool
rpc_stream_is_idle(struct rpc_stream *s)
{
    char byte;
    size_t n = 0;

    if (g_socket_condition_check(s->socket, G_IO_IN | G_IO_HUP | G_IO_ERR) == 0)
        return true;
    if (!s->ssl)
        return false;
    /* What is there may be TLS talking to itself, a new session ticket for example. */
    ERR_clear_error();
    int got = SSL_peek_ex(s->ssl, &byte, 1, &n);
    return got != 1 && SSL_get_error(s->ssl, got) == SSL_ERROR_WANT_READ;
}

static bool
write_tls(struct rpc_stream *s, const void *bytes, size_t len, GCancellable *cancel, GError **error)
{
    const char *at = bytes;

    while (len > 0) {
        size_t done = 0;
        ERR_clear_error();
        int n = SSL_write_ex(s->ssl, at, len, &done);
        at += done;
        len -= done;
        if (n == 1)
            continue;
        int why = SSL_get_error(s->ssl, n);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
            g_set_error(error, PE_ERROR, PE_DISCONNECTED, "the server has cut the connection");
            return false;
        }
        if (!wait_for(s, why, cancel, error))
            return false;
    }
    return true;
}

bool
rpc_stream_write(struct rpc_stream *s, const void *bytes, size_t len, GCancellable *cancel,
                 GError **error)
{
    const char *at = bytes;
    GError *why = NULL;

    if (s->ssl)
        return write_tls(s, bytes, len, cancel, error);
    while (len > 0) {
        gssize n = g_socket_send(s->socket, at, len, cancel, &why);
        if (n < 0) {
            set_io_error(error, why, PE_DISCONNECTED, "the server has cut the connection");
            return false;
        }
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static gssize
read_tls(struct rpc_stream *s, void *at, size_t cap, GCancellable *cancel, GError **error)
{
    for (;;) {
        size_t done = 0;
        ERR_clear_error();
        int n = SSL_read_ex(s->ssl, at, cap, &done);
        if (n == 1)
            return (gssize)done;
        int why = SSL_get_error(s->ssl, n);
        if (why == SSL_ERROR_ZERO_RETURN || why == SSL_ERROR_SYSCALL || why == SSL_ERROR_SSL)
            return 0; /* an end without good-bye is an end; lengths are checked above */
        if (!wait_for(s, why, cancel, error))
            return -1;
    }
}

gssize
rpc_stream_read(struct rpc_stream *s, void *at, size_t cap, GCancellable *cancel, GError **error)
{
    GError *why = NULL;

    if (s->ssl)
        return read_tls(s, at, cap, cancel, error);
    gssize n = g_socket_receive(s->socket, at, cap, cancel, &why);
    if (n < 0)
        set_io_error(error, why, PE_DISCONNECTED, "the server does not answer");
    return n;
}
