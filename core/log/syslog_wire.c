/* SPDX-License-Identifier: Apache-2.0 */
/* syslog_wire.c - see syslog_wire.h. TLS: 1.2 or later, the server's certificate is verified for
 * the name or address it was asked for (RFC 5425, 5.2). */

#include "core/log/syslog_wire.h"

#include "core/base/addr.h"
#include "platform/platform.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { SLICE_MS = 200 };

struct syslog_wire {
    GCancellable *cancel;
    int fd;
    bool is_stream;
    SSL_CTX *ctx;
    SSL *ssl;
};

/* ---- waiting ---- */

static bool
wait_for(const struct syslog_wire *w, short events, GError **error)
{
    int64_t until_us = g_get_monotonic_time() + SYSLOG_TIMEOUT_S * G_TIME_SPAN_SECOND;
    struct pollfd p = {.fd = w->fd, .events = events};

    while (g_get_monotonic_time() < until_us) {
        if (g_cancellable_set_error_if_cancelled(w->cancel, error))
            return false;
        if (poll(&p, 1, SLICE_MS) > 0)
            return true;
    }
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "the server does not answer");
    return false;
}

static bool
fail(GError **error, int why)
{
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(why), "%s", g_strerror(why));
    return false;
}

/* ---- TCP and UDP ---- */

static bool
connect_to(struct syslog_wire *w, GInetAddress *address, uint16_t port, GError **error)
{
    struct ip ip = {.family = g_inet_address_get_family(address) == G_SOCKET_FAMILY_IPV6 ? 6 : 4};
    struct sockaddr_storage sa;

    memcpy(ip.b, g_inet_address_to_bytes(address), ip.family == 6 ? 16 : 4);
    const struct endpoint to = {.ip = ip, .port = port};
    unsigned len = endpoint_to_sockaddr(&to, &sa);
    if (!w->is_stream) {
        w->fd = pf_dgram_connect((const struct sockaddr *)&sa, len);
        return w->fd >= 0 || fail(error, errno);
    }
    w->fd = pf_tcp_connect((const struct sockaddr *)&sa, len, 0, error);
    if (w->fd < 0)
        return false;
    int why = wait_for(w, POLLOUT, error) ? pf_socket_error(w->fd) : -1;
    if (why == 0)
        return true;
    pf_close(w->fd);
    w->fd = -1;
    return why > 0 ? fail(error, why) : false;
}

/* Each address that the name has, until one answers. */
static bool
connect_any(struct syslog_wire *w, const struct syslog_config *config, GError **error)
{
    g_autoptr(GInetAddress) literal = g_inet_address_new_from_string(config->host);

    if (literal)
        return connect_to(w, literal, config->port, error);
    g_autoptr(GResolver) resolver = g_resolver_get_default();
    GList *all = g_resolver_lookup_by_name(resolver, config->host, w->cancel, error);
    bool ok = false;
    for (GList *l = all; l && !ok; l = l->next) {
        g_clear_error(error);
        ok = connect_to(w, l->data, config->port, error);
    }
    g_resolver_free_addresses(all);
    return ok;
}

/* ---- TLS ---- */

static bool
fail_tls(const struct syslog_wire *w, GError **error)
{
    long verdict = w->ssl ? SSL_get_verify_result(w->ssl) : X509_V_OK;
    char text[160] = "the connection was closed";
    unsigned long why = ERR_get_error();

    if (why != 0)
        ERR_error_string_n(why, text, sizeof(text));
    ERR_clear_error();
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "TLS: %s",
                verdict != X509_V_OK ? X509_verify_cert_error_string(verdict) : text);
    return false;
}

static bool
trust(SSL_CTX *ctx, GBytes *ca)
{
    gsize len = 0;
    const void *pem = g_bytes_get_data(ca, &len);
    BIO *in = BIO_new_mem_buf(pem, (int)len);
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    unsigned n = 0;
    X509 *cert;

    while ((cert = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        n += X509_STORE_add_cert(store, cert) == 1;
        X509_free(cert);
    }
    BIO_free(in);
    ERR_clear_error(); /* the end of the text is one */
    return n > 0;
}

static bool
expect_name(SSL *ssl, const char *host)
{
    struct ip ip;

    if (ip_parse(host, &ip))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

/* Waits for what OpenSSL wants. False: it is an error. */
static bool
wait_tls(const struct syslog_wire *w, int result, GError **error)
{
    switch (SSL_get_error(w->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return wait_for(w, POLLIN, error);
    case SSL_ERROR_WANT_WRITE:
        return wait_for(w, POLLOUT, error);
    default:
        return fail_tls(w, error);
    }
}

static bool
start_tls(struct syslog_wire *w, const struct syslog_config *config, GError **error)
{
    w->ctx = SSL_CTX_new(TLS_client_method());
    if (!w->ctx || SSL_CTX_set_min_proto_version(w->ctx, TLS1_2_VERSION) != 1)
        return fail_tls(w, error);
    bool trusted =
        config->ca ? trust(w->ctx, config->ca) : SSL_CTX_set_default_verify_paths(w->ctx) == 1;
    if (!trusted) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                    "the certificate of the authority cannot be read");
        return false;
    }
    SSL_CTX_set_verify(w->ctx, SSL_VERIFY_PEER, NULL);
    w->ssl = SSL_new(w->ctx);
    if (!w->ssl || !expect_name(w->ssl, config->host) || SSL_set_fd(w->ssl, w->fd) != 1)
        return fail_tls(w, error);
    int result;
    while ((result = SSL_connect(w->ssl)) != 1) {
        if (!wait_tls(w, result, error))
            return false;
    }
    return true;
}

static bool
send_tls(const struct syslog_wire *w, const char *bytes, size_t len, GError **error)
{
    size_t n = 0;
    int result;

    while ((result = SSL_write_ex(w->ssl, bytes, len, &n)) != 1) {
        if (!wait_tls(w, result, error))
            return false;
    }
    return true; /* all of it: without partial writes that is what 1 means */
}

/* ---- the wire ---- */

struct syslog_wire *
syslog_wire_open(const struct syslog_config *config, GCancellable *cancel, GError **error)
{
    struct syslog_wire *w = g_new0(struct syslog_wire, 1);

    w->cancel = cancel;
    w->fd = -1;
    w->is_stream = config->transport != SYSLOG_UDP;
    if (connect_any(w, config, error) &&
        (config->transport != SYSLOG_TLS || start_tls(w, config, error)))
        return w;
    syslog_wire_close(w);
    return NULL;
}

void
syslog_wire_close(struct syslog_wire *w)
{
    if (w->ssl)
        (void)SSL_shutdown(w->ssl); /* says good-bye, and does not wait for an answer */
    ERR_clear_error();
    SSL_free(w->ssl);
    SSL_CTX_free(w->ctx);
    if (w->fd >= 0)
        pf_close(w->fd);
    g_free(w);
}

/* A server says nothing; when it has something, that is the end. */
static bool
is_alive(const struct syslog_wire *w, GError **error)
{
    char byte;

    if (!w->is_stream || w->ssl)
        return true;
    if (pf_peek(w->fd, &byte, 1) != 0)
        return true;
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
                "the server has closed the connection");
    return false;
}

bool
syslog_wire_send(struct syslog_wire *w, const char *bytes, size_t len, GError **error)
{
    if (!is_alive(w, error))
        return false;
    if (w->ssl)
        return send_tls(w, bytes, len, error);
    while (len > 0) {
        long n = pf_send(w->fd, bytes, len);
        if (n == -1) {
            if (!wait_for(w, POLLOUT, error))
                return false;
            continue;
        }
        if (n < 0)
            return fail(error, errno ? errno : EPIPE);
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}
