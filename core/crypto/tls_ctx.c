/* SPDX-License-Identifier: Apache-2.0 */
/* tls_ctx.c - TLS contexts by our rules (docs/security.md, rule 4), and how a server's certificate
 * is judged. */

#include "core/base/addr.h"
#include "core/base/error.h"
#include "core/crypto/tls.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* TLS 1.3 first; for TLS 1.2 only forward secrecy and AEAD. AES-128 leads: it is the cheapest on
 * the data path, and no weaker in practice. */
static const char suites13[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char suites12[] = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!PSK";

static SSL_CTX *
new_ctx(const SSL_METHOD *method, GError **error)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) ||
        !SSL_CTX_set_ciphersuites(ctx, suites13) || !SSL_CTX_set_cipher_list(ctx, suites12)) {
        g_set_error(error, PE_ERROR, PE_INTERNAL, "TLS cannot be set up: %s",
                    ERR_reason_error_string(ERR_peek_last_error()));
        SSL_CTX_free(ctx);
        return NULL;
    }
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(ctx, 0);
    return ctx;
}

SSL_CTX *
tls_server_ctx(X509 *cert, EVP_PKEY *key, STACK_OF(X509) * chain, GError **error)
{
    SSL_CTX *ctx = new_ctx(TLS_server_method(), error);

    if (!ctx)
        return NULL;
    if (!SSL_CTX_use_cert_and_key(ctx, cert, key, chain, 1)) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "the server certificate cannot be used: %s",
                    ERR_reason_error_string(ERR_peek_last_error()));
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

SSL_CTX *
tls_client_ctx(GError **error)
{
    SSL_CTX *ctx = new_ctx(TLS_client_method(), error);

    if (ctx) /* judged by tls_stream_verify() or by a pinned fingerprint, before anything is sent */
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    return ctx;
}

static bool
host_matches(X509 *leaf, const char *host)
{
    struct ip ip;

    if (ip_parse(host, &ip))
        return X509_check_ip_asc(leaf, host, 0) == 1;
    return X509_check_host(leaf, host, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

char *
tls_stream_verify(struct tls_stream *s, const char *host, const char *ca_file)
{
    SSL *ssl = tls_stream_ssl(s);
    X509 *leaf = SSL_get0_peer_certificate(ssl);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *vc = X509_STORE_CTX_new();
    char *why = NULL;

    if (!leaf) {
        why = g_strdup("the server showed no certificate");
    } else if (!store || !vc ||
               !(ca_file ? X509_STORE_load_file(store, ca_file)
                         : X509_STORE_set_default_paths(store)) ||
               !X509_STORE_CTX_init(vc, store, leaf, SSL_get_peer_cert_chain(ssl)) ||
               !X509_STORE_CTX_set_default(vc, "ssl_server")) {
        why = g_strdup_printf("the list of trusted authorities%s%s cannot be read",
                              ca_file ? " " : "", ca_file ? ca_file : "");
    } else if (X509_verify_cert(vc) != 1) {
        why = g_strdup_printf("the server's certificate is not trusted: %s",
                              X509_verify_cert_error_string(X509_STORE_CTX_get_error(vc)));
    } else if (!host_matches(leaf, host)) {
        why = g_strdup_printf("the server's certificate is not for '%s'", host);
    }
    X509_STORE_CTX_free(vc);
    X509_STORE_free(store);
    ERR_clear_error();
    return why;
}

bool
tls_stream_fingerprint(struct tls_stream *s, uint8_t out[32])
{
    X509 *leaf = SSL_get0_peer_certificate(tls_stream_ssl(s));
    unsigned len = 0;

    return leaf && X509_digest(leaf, EVP_sha256(), out, &len) && len == 32;
}
