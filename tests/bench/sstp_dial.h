/* SPDX-License-Identifier: Apache-2.0 */
/* sstp_dial.h - the client's side of one SSTP session, for measuring: TLS, the call, PPP by
 * MS-CHAPv2 or PAP with an IPv4 address, and packets in batches. It is built to cost little, not to
 * find its way round trouble: TCP loses nothing, so nothing is ever sent twice, and a server that
 * does something else than expected ends it. One worker. */
#pragma once

#include "core/base/batch.h"
#include "core/base/worker.h"
#include "platform/platform.h"

#include <openssl/ssl.h>

#include <stdbool.h>
#include <stdint.h>

struct sstp_dial;

struct sstp_dial_config {
    struct worker *worker;
    SSL_CTX *ctx;
    const struct sockaddr *server;
    unsigned server_len;
    const char *user, *password;
    bool pap;
};

struct sstp_dial_ops {
    /* The session has its address: host order. */
    void (*up)(void *owner, struct sstp_dial *d, uint32_t ip4);
    /* IPv4 packets, with room for an Ethernet header before each; consumes the batch. */
    void (*receive)(void *owner, struct batch *b);
    /* Packets may be sent again. */
    void (*writable)(void *owner);
    /* It is over and is freed behind this call; why is NULL when it was asked for. */
    void (*ended)(void *owner, struct sstp_dial *d, const char *why);
};

/* Everything is borrowed. NULL: no connection can even be begun. */
struct sstp_dial *
sstp_dial_new(const struct sstp_dial_config *config, const struct sstp_dial_ops *ops, void *owner);
/* Says goodbye; ended() comes. Twice is once. */
void sstp_dial_leave(struct sstp_dial *d);

/* Sends packets, each of two pieces (a header and what follows), the first of which has
 * SSTP_DIAL_ROOM bytes before it that are written here. At most BATCH_MAX. */
enum { SSTP_DIAL_ROOM = 8 };
struct sstp_dial_packet {
    uint8_t *head;
    size_t head_len;
    struct pf_slice rest;
};
void sstp_dial_send(struct sstp_dial *d, const struct sstp_dial_packet *p, unsigned n);
/* Then nothing should be sent until writable(). */
bool sstp_dial_is_congested(const struct sstp_dial *d);
