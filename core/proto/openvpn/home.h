/* SPDX-License-Identifier: Apache-2.0 */
/* home.h - the OpenVPN server's part on one worker: its peers by id, session and address, and the
 * order in which they get their turns. All functions: own thread, unless they say otherwise. */
#pragma once

#include "core/crypto/tls.h"
#include "core/proto/openvpn/server_priv.h"
#include "core/proto/udp_port.h"

/* Where a peer is at. */
struct ovpn_address {
    struct endpoint remote;
    uint16_t port; /* ours */
};

/* One who has not logged in: a peer, or a stream before its first packet. Embedded. */
struct ovpn_stranger {
    struct ovpn_stranger *prev, *next; /* oldest first */
    bool counted;
    struct ip ip;
    void (*evict)(struct ovpn_stranger *s); /* frees whom it is embedded in */
};

struct ovpn_home {
    struct tube tube; /* datagrams that arrived at another worker, each behind its source */
    atomic_uint refs;
    struct openvpn_server *server;
    struct worker *worker;
    bool closed;
    struct ovpn_rules *rules;
    struct udp_port *ports;
    struct ovpn_stream *streams;

    struct ovpn_peer **slot; /* owned */
    unsigned n_slots, next_slot, n_peers;
    GHashTable *by_sid;     /* client's session id (8 bytes in the peer) -> peer */
    GHashTable *by_address; /* struct ovpn_address in the peer -> peer that has logged in */
    struct rate initial, foreign;
    struct ovpn_stranger *oldest, *newest;

    /* What one turn has read so far. */
    struct batch rx;
    struct ovpn_peer *rx_peer;
    struct batch moved;
    struct ovpn_home *moved_to;

    struct tls_gate gate; /* handshakes in this turn */
    struct ovpn_peer *waiting, **waiting_end;
    struct timer gate_timer;
    struct ovpn_peer *ending; /* to be ended at the end of the turn */
    struct worker_deferred bury;
};

struct ovpn_home *ovpn_home_new(struct openvpn_server *s, unsigned index); /* control */
void ovpn_home_unref(struct ovpn_home *h);                                 /* any thread */
/* Ends all peers and closes all sockets. Afterwards it takes nothing any more. */
void ovpn_home_close(struct ovpn_home *h);
/* Ends all peers, sockets stay. */
void ovpn_home_end_all(struct ovpn_home *h);
/* Closes a UDP port, and ends those that came by it. */
void ovpn_home_close_port(struct ovpn_home *h, uint16_t port);
void ovpn_home_set_rules(struct ovpn_home *h, struct ovpn_rules *rules); /* takes the reference */

/* Counts a stranger. When there are too many of them in all, the oldest of this home makes room:
 * who wants to keep others out must be faster than a handshake. False: too many from there. Not
 * from inside a callback of another stranger. */
bool ovpn_home_admit(struct ovpn_home *h, struct ovpn_stranger *s, const struct ip *ip) MUST_CHECK;
void ovpn_home_known(struct ovpn_home *h, struct ovpn_stranger *s); /* no stranger any more */

/* Gives the peer an id and enters its session. False: no room, or the session id is taken. */
bool ovpn_home_add(struct ovpn_home *h, struct ovpn_peer *p) MUST_CHECK;
void ovpn_home_remove(struct ovpn_home *h, struct ovpn_peer *p);
struct ovpn_peer *ovpn_home_by_sid(const struct ovpn_home *h, const uint8_t sid[OVPN_SID]);
struct ovpn_peer *ovpn_home_by_address(const struct ovpn_home *h, const struct ovpn_address *a);
/* The peer is the one at its address from now on; the former one is returned, or NULL. */
struct ovpn_peer *ovpn_home_enter_address(struct ovpn_home *h, struct ovpn_peer *p);
void ovpn_home_leave_address(struct ovpn_home *h, struct ovpn_peer *p);

static inline unsigned
ovpn_home_index(const struct ovpn_home *h)
{
    return worker_index(h->worker);
}

/* NULL: nobody, or of another home. */
static inline struct ovpn_peer *
ovpn_home_by_id(const struct ovpn_home *h, uint32_t id)
{
    unsigned slot = id & ((1u << OVPN_SLOT_BITS) - 1);

    return slot < h->n_slots ? h->slot[slot] : NULL;
}

/* Hands on what was read: after the last datagram that is at hand. */
void ovpn_home_flush(struct ovpn_home *h, int64_t now_us);
/* Of a UDP port, whose owner is a home. */
extern const struct udp_port_ops ovpn_port_ops;
/* Takes the port, and watches it. */
void ovpn_home_add_port(struct ovpn_home *h, struct udp_port *p);
struct udp_port *ovpn_home_port(const struct ovpn_home *h, uint16_t port); /* NULL: not here */

/* Whether the peer may do a step of a handshake in this turn; if not, it gets one later. */
bool ovpn_home_may_shake(struct ovpn_home *h, struct ovpn_peer *p, int64_t now_us) MUST_CHECK;

/* At the end of the turn: frees the peer if it is ENDING, else ends its session. */
void ovpn_home_bury(struct ovpn_home *h, struct ovpn_peer *p);

bool ovpn_address_of(const struct udp_source *from, struct ovpn_address *out) MUST_CHECK;

/* ---- stranger.c: packets of nobody that is known ---- */

/* Answers a first packet without remembering it, or makes a peer of one that shows the answer. */
void ovpn_stranger_datagram(struct ovpn_home *h, const struct udp_source *from, uint8_t *bytes,
                            size_t len, int64_t now_us);
/* The first packet of a stream: its peer, or NULL. */
struct ovpn_peer *
ovpn_stranger_stream(struct ovpn_stream *s, uint8_t *bytes, size_t len, int64_t now_us);
