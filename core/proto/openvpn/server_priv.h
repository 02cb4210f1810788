/* SPDX-License-Identifier: Apache-2.0 */
/* server_priv.h - what the files of the OpenVPN server share: the server, and its part on one
 * worker.
 *
 * Who touches what. A peer lives on one worker, its home; only that one touches it, its sockets and
 * the tables of the home. The server's own tables are short look-ups under its lock, never for a
 * data packet.
 */
#pragma once

#include "core/base/log.h"
#include "core/base/rate.h"
#include "core/base/tube.h"
#include "core/base/worker.h"
#include "core/proto/admission.h"
#include "core/proto/openvpn/cookie.h"
#include "core/proto/openvpn/server.h"
#include "core/proto/openvpn/token.h"
#include "platform/platform.h"

#include <stdatomic.h>

enum {
    OVPN_STRANGERS = 1024,       /* peers before login, in all */
    OVPN_STRANGERS_ADDRESS = 64, /* of them from one address (IPv6: one /64) */
    OVPN_PEERS = 16384,          /* of one worker */
    OVPN_INITIAL_PPS = 1000,     /* first answers a second, all workers */
    OVPN_FOREIGN_PPS = 20000,    /* datagrams a second that one worker passes on to others */
    OVPN_PORTS_MAX = 16,
    OVPN_SLOT_BITS = 18, /* of a peer id, which is home and slot */
};

struct ovpn_peer;
struct ovpn_stream;
struct ovpn_home;

/* Settings in use: immutable, counted. */
struct ovpn_rules {
    atomic_uint refs;
    struct openvpn_settings *settings;
};
struct ovpn_rules *ovpn_rules_new(const struct openvpn_settings *s); /* copies */
struct ovpn_rules *ovpn_rules_ref(struct ovpn_rules *r);
void ovpn_rules_unref(struct ovpn_rules *r); /* NULL is fine */
/* Borrowed; NULL: that kind is not accepted. */
struct ovpn_wrap_key *ovpn_rules_wrap(const struct ovpn_rules *r, enum ovpn_wrap_kind kind);

struct openvpn_server {
    struct openvpn_server_config config;
    uint8_t token_key[OVPN_TOKEN_KEY], cookie_key[OVPN_COOKIE_KEY];
    struct ovpn_home *home[WORKER_MAX];
    unsigned n_homes;
    struct stream_service stream;
    struct admission *strangers;

    GMutex lock; /* guards what follows */
    SSL_CTX *ctx;
    struct ovpn_rules *rules;
    GHashTable *home_of; /* client's session id -> index of its home + 1 */
    struct log_limit refused_log;

    /* Control thread only. */
    GPtrArray *ports; /* of struct ovpn_port */
    guint retry;      /* GSource */
    bool crowded;     /* with strangers, lately */
};

/* A reference, or NULL before openvpn_server_set_tls(). Any thread. */
SSL_CTX *ovpn_server_ctx(struct openvpn_server *s);
/* A stranger was not let in. Any thread. */
void ovpn_server_log_refused(struct openvpn_server *s, const struct ip *ip);
/* Whose the client's session id is. False: somebody has it already. Any thread. */
bool
ovpn_server_claim(struct openvpn_server *s, const uint8_t sid[OVPN_SID], unsigned home) MUST_CHECK;
void ovpn_server_unclaim(struct openvpn_server *s, const uint8_t sid[OVPN_SID]);
/* NULL: nobody's. */
struct ovpn_home *ovpn_server_home_of(struct openvpn_server *s, const uint8_t sid[OVPN_SID]);
