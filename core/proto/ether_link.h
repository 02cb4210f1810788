/* SPDX-License-Identifier: Apache-2.0 */
/* ether_link.h - the Ethernet of a router at a hub: what EtherIP and L2TPv3 have in common.
 *
 * A link belongs to a carrier of a known router and lives on its worker. It asks auth whether the
 * user is allowed, starts a session at the hub, and passes frames: those from the peer are judged
 * for their length, those to the peer are cut where they are super-frames, and get the protocol's
 * header before them. TCP's MSS is lowered both ways to what needs no fragments on the carrier.
 *
 * States: ASKING (auth) -> UP -> ended; or, when it was refused, WAITING and ASKING again, where
 * the peer has no way to hear of it (persistent), else ended.
 */
#pragma once

#include "core/auth/auth.h"
#include "core/base/log.h"
#include "core/hub/hubs.h"
#include "core/hub/session.h"
#include "core/proto/carrier.h"

enum {
    ETHER_LINK_FRAME = 1514,     /* longest to the peer, without tags */
    ETHER_LINK_FRAME_MAX = 9036, /* from the peer, with tags */
    ETHER_LINK_HEADER_MAX = 20,
    ETHER_LINK_PATH_SPARE = 46, /* paths are shorter than Ethernet's 1500 where there is PPPoE and
                                   the like: TCP leaves room for that */
    ETHER_LINK_RETRY_S = 2,     /* doubles up to: */
    ETHER_LINK_RETRY_MAX_S = 60,
};

/* What all links of a service share. Embedded. */
struct ether_home {
    struct hubs *hubs;
    struct auth *auth;
    GMutex lock;
    struct log_limit unknown; /* under the lock */
};
void ether_home_init(struct ether_home *h, struct hubs *hubs, struct auth *auth);
void ether_home_done(struct ether_home *h);

/* Whether the carrier's peer is a router of the register. If not, says so in the log. */
bool ether_home_knows(struct ether_home *h, const struct carrier *c, const char *protocol,
                      int64_t now_us);

struct ether_link;

struct ether_link_config {
    struct ether_home *home; /* borrowed */
    struct carrier *carrier; /* with a router; borrowed until ether_link_free() */
    const char *protocol;    /* "EtherIP"; a constant */
    const char *tag;         /* "ETHERIP"; a constant */
    const char *client_name; /* what the peer says it is, or NULL; copied */
    const char *client_host; /* likewise */
    bool persistent;         /* asks again and again when it was refused */
    int told;                /* a refusal (enum pe_error) that the log need not have again */
};

struct ether_link_ops {
    /* The session is there: frames go from now on. */
    void (*up)(void *owner, int64_t now_us);
    /* It was refused or is to end (enum pe_error): nothing goes any more. May free the link. */
    void (*ended)(void *owner, int reason, int64_t now_us);
};

struct ether_link *ether_link_new(const struct ether_link_config *config,
                                  const struct ether_link_ops *ops, void *owner, int64_t now_us);
/* Ends the session. No call comes any more. NULL is fine. */
void ether_link_free(struct ether_link *l, int reason, int64_t now_us);
/* What stands before each frame to the peer; at most ETHER_LINK_HEADER_MAX bytes. */
void ether_link_set_header(struct ether_link *l, const void *bytes, size_t len);
/* The carrier's mtu is another one. */
void ether_link_changed(struct ether_link *l);

/* Ethernet frames of the peer; consumes the batch. */
void ether_link_receive(struct ether_link *l, struct batch *b, int64_t now_us);
/* A packet of the peer was no frame, and why. */
void ether_link_count_drop(struct ether_link *l, enum drop why);
bool ether_link_is_up(const struct ether_link *l);
