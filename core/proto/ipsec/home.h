/* SPDX-License-Identifier: Apache-2.0 */
/* home.h - the IPsec server's part on one worker: its ports, and its tables of IKE SAs, children
 * and peers. All functions: own thread, unless they say otherwise.
 *
 * The first byte of our cookies and SPIs is the number of the home, counted from 1, so that one
 * look at a datagram says where it belongs.
 */
#pragma once

#include "core/base/rate.h"
#include "core/base/tube.h"
#include "core/net/ip_fragment.h"
#include "core/proto/ipsec/server_priv.h"

struct ipsec_ike;
struct ipsec_peer;
struct ipsec_child;
struct ipsec_carrier;
struct ipsec_first;

/* The ports of one worker; any may be NULL. */
struct ipsec_ports {
    struct udp_port *ike, *nat, *raw4, *raw6;
};

struct ipsec_home {
    struct tube tube; /* datagrams that arrived at another worker, each behind its source */
    atomic_uint refs;
    struct ipsec_server *server;
    struct worker *worker;
    bool closed;
    struct ipsec_rules *rules;
    struct ipsec_ports ports;

    GHashTable *ikes;                  /* our cookie -> struct ipsec_ike */
    struct ipsec_ike *oldest, *newest; /* those that are not established */
    GHashTable *children;              /* our SPI -> struct ipsec_child */
    struct ipsec_child *last_child;    /* looked up last; or NULL */
    GHashTable *peers_at;              /* struct endpoint -> the first peer there */
    struct ipsec_peer *peers;
    unsigned n_peers;
    struct ipsec_first *first;
    struct ip_reassembly *fragments; /* of tunnel mode; NULL before the first one */
    struct timer fragments_timer;
    struct rate foreign;

    /* What one turn has read so far. */
    struct batch rx;
    struct ipsec_carrier *rx_carrier;
    struct batch moved;
    struct ipsec_home *moved_to;

    struct ipsec_peer *chores; /* have something to be done at the end of the turn */
    struct worker_deferred deferred;
    struct log_limit log_proposal, log_key, log_refused, log_service, log_child;
};

struct ipsec_home *ipsec_home_new(struct ipsec_server *s, unsigned index); /* control */
struct ipsec_home *ipsec_home_ref(struct ipsec_home *h);                   /* any thread */
void ipsec_home_unref(struct ipsec_home *h);                               /* any thread */
/* Ends all peers, and closes all ports. Afterwards it takes nothing any more. */
void ipsec_home_close(struct ipsec_home *h);
/* Takes leave of all peers, and forgets negotiations. */
void ipsec_home_end_all(struct ipsec_home *h);
/* Takes the ports, and watches them; NULLs are those that it has already. */
void ipsec_home_add_ports(struct ipsec_home *h, const struct ipsec_ports *ports);
void ipsec_home_close_ports(struct ipsec_home *h);
void ipsec_home_close_raw(struct ipsec_home *h);
void
ipsec_home_set_rules(struct ipsec_home *h, struct ipsec_rules *rules); /* takes the reference */

static inline unsigned
ipsec_home_index(const struct ipsec_home *h)
{
    return worker_index(h->worker);
}

static inline bool
ipsec_home_has_raw(const struct ipsec_home *h)
{
    return h->ports.raw4 != NULL && h->rules->settings->raw;
}

/* Of all ports, whose owner is a home. */
extern const struct udp_port_ops ipsec_port_ops;

/* What was gathered for a carrier goes to its service. */
void ipsec_home_flush_rx(struct ipsec_home *h, int64_t now_us);
/* A message of IKE to where the source says, with what its port wants before it. */
void ipsec_home_send(struct ipsec_home *h, const struct udp_source *to, struct reader message);
/* The peer has something to do at the end of the turn. */
void ipsec_home_chore(struct ipsec_home *h, struct ipsec_peer *p);

/* Fragments are there: they expire when they are old. */
void ipsec_home_watch_fragments(struct ipsec_home *h);

uint32_t ipsec_home_new_spi(struct ipsec_home *h);
void ipsec_home_new_cookie(struct ipsec_home *h, uint8_t cookie[IKE1_COOKIE]);
