/* SPDX-License-Identifier: Apache-2.0 */
/* conn.h - a TCP connection from its first byte until a protocol takes it over, and the services
 * that may.
 *
 * Life: silent (a small struct and a descriptor; nothing was read yet) -> TLS handshake -> HTTP
 * requests, one at a time, each whole before a service sees it -> taken over, or closed. Every
 * stage has a time limit. A connection lives on one worker; all functions here are for its thread.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/http.h"
#include "core/base/reader.h"
#include "core/base/worker.h"
#include "core/crypto/tls.h"
#include "core/proto/admission.h"

#include <glib.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONN_FIRST_BYTE_S = 10,
    CONN_HANDSHAKE_S = 15,
    CONN_REQUEST_S = 15, /* from one answer to the next whole request */
    CONN_ANSWER_S = 150, /* for the service to answer: people may be asked (AUTH_ASK_S) */
    CONN_REQUESTS = 19,  /* before a service says conn_is_welcome() */
    CONN_PENDING_MAX =
        1024, /* not welcome yet, per worker; above that the oldest silent one is closed */
    CONN_PER_ADDRESS = 256, /* not welcome yet, from one address (IPv6: one /64), all workers */
};

/* Claimed by a service whose requests have no end (SSTP): it gets the head alone, and what follows
 * is the rest of conn_take(). */
#define CONN_ENDLESS SIZE_MAX

struct conn;

/* What answers HTTP requests on the TLS listeners. */
struct http_service {
    const char *name;
    void *state;
    /* The longest body it takes for this head, or CONN_ENDLESS; 0: the request is for somebody
     * else. */
    size_t (*claims)(void *state, const struct http_head *head);
    /* A whole request. head and body are valid during the call only. Answers by conn_reply(),
     * conn_take() or conn_close(), now or later. */
    void (*request)(void *state, struct conn *c, const struct http_head *head, struct reader body,
                    int64_t now_us);
    /* The connection goes away; conn_data() is the service's, if it set any. */
    void (*gone)(void *state, struct conn *c);
};

/* What takes a connection over whose first bytes are no TLS. */
struct stream_service {
    const char *name;
    void *state;
    /* 1: it is for this service, 0: it is not, -1: more bytes are needed. first borrows bytes that
     * are still in the socket. */
    int (*recognises)(void *state, struct reader first);
    /* Takes the socket (nothing was read) on its worker, whose load stays counted: worker_unload()
     * is the taker's. The limits for strangers do not hold for it any more. */
    void (*take)(void *state, struct worker *w, int fd, const struct endpoint *peer,
                 const struct endpoint *local, int64_t now_us);
};

struct worker *conn_worker(const struct conn *c);
const struct endpoint *conn_peer(const struct conn *c);
const struct endpoint *conn_local(const struct conn *c);
const char *conn_cipher(const struct conn *c);

/* For the service that answers: anything it wants to keep with the connection. Cleared by gone().
 */
void *conn_data(const struct conn *c);
void conn_set_data(struct conn *c, const struct http_service *service, void *data);

/* The peer has proven who it is: limits for strangers do not hold any more. */
void conn_set_welcome(struct conn *c);

struct conn_answer {
    unsigned status;
    const char *reason;
    const char *content_type; /* NULL: none */
    const char *fields;       /* more header lines, each with its CRLF; or NULL */
    const void *body;
    size_t len;
    bool close;
};
/* Sends the answer; then the next request may come. */
void conn_reply(struct conn *c, const struct conn_answer *a);

/* The same for an answer that is whole already, head and body. */
void conn_reply_raw(struct conn *c, const void *bytes, size_t len, bool close);

/* What a protocol gets that takes a connection over. */
struct conn_handover {
    struct tls_stream
        *stream;      /* its ops are still those of the connection: tls_stream_set_ops() at once */
    GByteArray *rest; /* bytes that came after the last request; g_byte_array_unref */
    struct endpoint peer, local;
};
/* Ends the connection's own life without closing the stream. The worker's load stays counted:
 * worker_unload() is the taker's. */
void conn_take(struct conn *c, struct conn_handover *out);

void conn_close(struct conn *c);

/* ---- for the listener ---- */

struct conn_pool; /* the connections of one worker */

/* Services are borrowed, NULL-terminated, asked in order. streams may be NULL. */
struct conn_pool *
conn_pool_new(struct worker *w, struct admission *a, const struct http_service *const *services,
              const struct stream_service *const *streams);
/* Own thread: closes all. */
void conn_pool_close_all(struct conn_pool *p);
void conn_pool_free(struct conn_pool *p);
/* Takes the socket, which admission_enter() has let in, and the reference to ctx. */
void conn_pool_add(struct conn_pool *p, int fd, SSL_CTX *ctx, const struct endpoint *peer);
