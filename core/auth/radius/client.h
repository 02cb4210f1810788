/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - who asks RADIUS servers, as a machine: datagrams, time and randomness in; datagrams
 * and one deadline out.
 *
 * Servers are asked in their order. One that does not answer a request within the time for it is
 * dead for a while: the request goes to the next, and new ones begin there. When all are dead, all
 * are tried. A request is sent again with the same bytes (RFC 5080, 2.2.1), so that a server
 * recognises it; a reply counts only from the server and for the id that it was sent with, and when
 * its authenticators are right. What is forged is counted and otherwise as if it had not come.
 */
#pragma once

#include "core/auth/radius/packet.h"

#include <glib.h>

enum {
    RADIUS_SERVERS = 8,
    RADIUS_IDS = 256, /* requests under way at one server; more go to the next */
    RADIUS_DEAD_S = 60,
};

struct radius_client;

struct radius_server_config {
    struct radius_secret secret;
    bool require_authenticator; /* in replies */
};

struct radius_client_config {
    struct radius_server_config servers[RADIUS_SERVERS];
    unsigned n;
    int64_t interval_us, timeout_us; /* between sendings, and for one server */
};

struct radius_client_ops {
    /* May fail silently: it is sent again. */
    void (*send)(void *owner, unsigned server, const void *bytes, size_t len);
    void (*random)(void *owner, void *out, size_t n);
};

struct radius_reply {
    const struct radius_packet *packet;
    unsigned server;
    const struct radius_secret *secret;
    const uint8_t *authenticator; /* of the request */
};

struct radius_ask {
    enum radius_code code;
    /* Attributes of the request, for one server. After radius_begin(). */
    void (*build)(void *owner, struct writer *w, const struct radius_secret *secret,
                  const uint8_t authenticator[RADIUS_AUTHENTICATOR]);
    /* Once, unless cancelled. NULL: nobody answered. May ask again. */
    void (*done)(void *owner, const struct radius_reply *reply, int64_t now_us);
    void *owner;
};

/* ops is borrowed. */
struct radius_client *radius_client_new(const struct radius_client_config *config,
                                        const struct radius_client_ops *ops, void *owner);
/* No done() comes any more. NULL is fine. */
void radius_client_free(struct radius_client *c);
/* A number for cancelling; 0: it cannot be asked (no server, or too many requests under way), and
 * done() does not come. */
uint64_t radius_client_ask(struct radius_client *c, const struct radius_ask *ask, int64_t now_us);
void radius_client_cancel(struct radius_client *c, uint64_t number);
/* A datagram from a server. */
void radius_client_receive(struct radius_client *c, unsigned server, struct reader datagram,
                           int64_t now_us);
void radius_client_tick(struct radius_client *c, int64_t now_us);
/* 0: nothing to wait for. */
int64_t radius_client_deadline(const struct radius_client *c);
unsigned radius_client_pending(const struct radius_client *c);

struct radius_server_stats {
    uint64_t sent, again, answered; /* again: retransmissions, counted in sent, too */
    uint64_t forged, bare, strange; /* strange: no packet, or for no request */
    uint64_t timeouts;              /* requests that it did not answer */
    bool dead;
};
void radius_client_get_stats(const struct radius_client *c, unsigned server, int64_t now_us,
                             struct radius_server_stats *out);
