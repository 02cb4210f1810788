/* SPDX-License-Identifier: Apache-2.0 */
/* tls.h - a TLS stream over a non-blocking socket, driven by a worker; no call blocks.
 *
 * Limits: nothing is buffered here but what the peer's socket did not take (the backlog). The owner
 * looks at tls_stream_backlog() before it offers more, and hears on_writable when the backlog is
 * gone. Idle streams hold no I/O buffers. TLS 1.2 and 1.3, no renegotiation. One worker;
 * tls_stream_detach() and tls_stream_attach() move a stream to another.
 */
#pragma once

#include "core/base/worker.h"
#include "platform/platform.h"

#include <glib.h>
#include <openssl/ssl.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_stream;

enum tls_end {
    TLS_END_CLOSED,    /* the peer ended the stream */
    TLS_END_IO,        /* the connection broke */
    TLS_END_HANDSHAKE, /* no TLS, no common version or cipher */
    TLS_END_PROTOCOL,  /* garbage in an established stream */
};

/* Callbacks come on the worker. Inside any of them the owner may call anything, tls_stream_free()
 * included. */
struct tls_stream_ops {
    void (*on_open)(void *owner, int64_t now_us);     /* the handshake is done */
    void (*on_readable)(void *owner, int64_t now_us); /* call tls_stream_read() until it says 0 */
    void (*on_writable)(void *owner, int64_t now_us); /* there is room again */
    void (*on_end)(void *owner, enum tls_end why, int64_t now_us); /* last call; free the stream */
};

/* How many handshakes a worker does a turn: they are dear (an RSA signature each), and established
 * streams go first. One per worker, zero-initialised, shared by the streams that count against it.
 */
enum { TLS_HANDSHAKES_A_TURN = 4 };
struct tls_gate {
    int64_t turn_us;
    unsigned used;
};

struct tls_stream_config {
    int fd; /* connected, non-blocking; the stream's from now on, also when making it fails */
    SSL_CTX *ctx;
    bool server;
    const char *sni;       /* client: the name to ask for, or NULL */
    struct tls_gate *gate; /* server: NULL for no limit */
};

/* Attaches to the worker (own thread) and starts the handshake. NULL when out of memory. */
struct tls_stream *tls_stream_new(struct worker *w, const struct tls_stream_config *config,
                                  const struct tls_stream_ops *ops, void *owner);
/* Closes at once (no close_notify: nobody of our peers waits for one). Own worker. */
void tls_stream_free(struct tls_stream *s);

/* Decrypted bytes: how many (> 0), 0 when there are none for now. After the end it stays 0. Does
 * not call on_end from inside; that comes by the loop. */
size_t tls_stream_read(struct tls_stream *s, void *at, size_t cap);
/* Encrypts and sends all slices in order; what the socket does not take is kept as backlog. False
 * when the stream is broken (on_end follows). */
bool tls_stream_write(struct tls_stream *s, const struct pf_slice *iov, unsigned n);
/* Whether the owner should wait for on_writable before it offers more: something is left over here,
 * or the socket holds more than TLS_UNSENT_MAX bytes that it has not sent yet. */
enum { TLS_UNSENT_MAX = 384 * 1024, TLS_UNSENT_LOW = 128 * 1024 };
bool tls_stream_is_congested(const struct tls_stream *s);
/* Stop and go on reading, for an owner that cannot take more. Reading is on at the start. */
void tls_stream_want_read(struct tls_stream *s, bool want);

/* Between workers: detach on the old one, worker_call() to the new one, attach there. ops and owner
 * are replaced. */
void tls_stream_detach(struct tls_stream *s);
bool tls_stream_attach(struct tls_stream *s, struct worker *w, const struct tls_stream_ops *ops,
                       void *owner);
void tls_stream_set_ops(struct tls_stream *s, const struct tls_stream_ops *ops, void *owner);
struct worker *tls_stream_worker(const struct tls_stream *s);

SSL *tls_stream_ssl(struct tls_stream *s);
int tls_stream_fd(const struct tls_stream *s);

/* Contexts by our rules: TLS 1.2 and 1.3, AEAD and ECDHE only, no renegotiation, no compression,
 * tickets off, small session cache off. */
SSL_CTX *tls_server_ctx(X509 *cert, EVP_PKEY *key, STACK_OF(X509) * chain, GError **error);
/* verify: with the system's CAs and the host name; without it the owner checks the fingerprint
 * itself before it sends anything secret. */
SSL_CTX *tls_client_ctx(GError **error);
/* Verifies the peer's chain of an open client stream against the system's CAs (or ca_file) and
 * host. NULL when fine, else why not, for a person (transfer full). */
char *tls_stream_verify(struct tls_stream *s, const char *host, const char *ca_file);
/* SHA-256 over the peer's leaf certificate (DER). False when there is none. */
bool tls_stream_fingerprint(struct tls_stream *s, uint8_t out[32]);
