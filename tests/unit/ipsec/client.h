/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - an IPsec client for tests, all of it: IKE, ESP in UDP, a UDP payload inside; by one
 * socket on the loop-back, as a client behind a NAT. Blocking, each wait bounded. */
#pragma once

#include "core/proto/carrier.h"
#include "core/proto/esp/esp.h"
#include "tests/unit/ikev1/initiator.h"

#include <stdbool.h>
#include <stdint.h>

enum { CLIENT_INNER = 1701, CLIENT_WAIT_MS = 10000 };

struct client_config {
    uint16_t ike_port, nat_port; /* the server's */
    const char *psk;             /* "secret" if NULL */
    const char *fqdn;
    const char *from; /* our address; 127.0.0.1 if NULL */
    bool initial_contact;
    bool tunnel;
    uint8_t protocol;        /* 17 if 0 */
    X509 *cert, *other_cert; /* signs instead, and what goes along; borrowed */
    EVP_PKEY *key;
    int wait_ms; /* for an answer in phase 1; CLIENT_WAIT_MS if 0 */
};

struct client {
    struct client_config c;
    int fd;
    struct initiator ike;
    struct esp_suite suite;
    struct esp_in *in, *old_in;
    struct esp_out *out, *old_out;
    uint32_t spi_in, spi_out;
    unsigned quicks;
    uint8_t got[65536]; /* the last payload */
    size_t got_len;
};

void client_init(struct client *t, const struct client_config *c);
void client_done(struct client *t);
/* The same client from another port, as after a NAT has forgotten it. */
void client_move(struct client *t);
/* The same client begins a new phase 1; what it has of phase 2 stays. */
bool client_phase1(struct client *t);
/* Another child; the one before is the old one. */
bool client_quick(struct client *t);
bool client_connect(struct client *t); /* both */

/* A payload of UDP from the inner port; by the old child or the new one. */
void client_send(struct client *t, uint16_t inner_port, const void *at, size_t len, bool old);
/* Waits for a payload, in got. False: none came. *old: by which child. */
bool client_receive(struct client *t, int wait_ms, bool *old);
/* Sends, and waits for the same to come back. */
bool client_echo(struct client *t, uint16_t inner_port, size_t len);
/* Sends what IKE has to say. */
void client_flush(struct client *t);
