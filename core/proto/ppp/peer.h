/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h - a PPP client at a hub: a link (link.h), who it is by core/auth, and an l3port that has
 * its addresses. What carries the frames (SSTP, L2TP) is the owner.
 *
 * IP goes by without touching the link: l3port sees to MTU and MSS, so that no packet is longer
 * than what the client takes. One worker.
 */
#pragma once

#include "core/auth/auth.h"
#include "core/base/batch.h"
#include "core/hub/hubs.h"
#include "core/proto/ppp/link.h"

struct ppp_peer;

struct ppp_peer_config {
    struct worker *worker;
    struct hubs *hubs;
    struct auth *auth;
    const char *default_hub; /* for names without one; or NULL */
    struct endpoint remote, local;
    const char *protocol, *tag, *cipher; /* of the session; tag also tells its devices apart */
    unsigned mtu;                        /* of IP packets that the carrier takes, both ways */
    unsigned echo_s;                     /* of LCP, see struct ppp_link_config */
    bool gated;                          /* no IP before ppp_peer_open() */
};

struct ppp_peer_ops {
    /* A control frame, from FF 03 on. */
    void (*control)(void *owner, struct reader frame, int64_t now_us);
    /* Frames with IP, from FF 03 on; consumes the batch. They are the owner's own, and have
     * headroom. May not end the peer. */
    void (*data)(void *owner, struct batch *b, int64_t now_us);
    /* The client is known; keys is NULL when the login makes none (PAP). Comes before the client
     * hears of it. */
    void (*known)(void *owner, const struct mschap_keys *keys, int64_t now_us);
    /* The link is over, for the reason (enum pe_error). Once, and last; free the peer later than
     * from inside it. */
    void (*ended)(void *owner, int reason, int64_t now_us);
};

/* ops is borrowed; so is everything in the config, the texts for the call alone. */
struct ppp_peer *
ppp_peer_new(const struct ppp_peer_config *config, const struct ppp_peer_ops *ops, void *owner);
void ppp_peer_start(struct ppp_peer *p, int64_t now_us);
/* Ends what is left without a word, for that reason; ended() does not come. Not from inside of a
 * callback. */
void ppp_peer_free(struct ppp_peer *p, int reason, int64_t now_us);

/* Frames of the client, with or without FF 03; consumes the batch. */
void ppp_peer_receive(struct ppp_peer *p, struct batch *b, int64_t now_us);
void ppp_peer_open(struct ppp_peer *p);
/* Says goodbye by LCP; ended() comes. */
void ppp_peer_close(struct ppp_peer *p, int reason, int64_t now_us);
/* Of a client that is known and at its hub, else NULL. Borrowed. */
const struct session *ppp_peer_session(const struct ppp_peer *p);
/* Frames that the carrier could not send. */
void ppp_peer_dropped(struct ppp_peer *p, enum drop why, unsigned n);
