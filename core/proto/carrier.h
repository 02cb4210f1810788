/* SPDX-License-Identifier: Apache-2.0 */
/* carrier.h - a way to one peer on which a tunnelling protocol's datagrams go, whatever is below
 * it: ESP, or a UDP port of its own; and the services that put tunnels on such ways.
 *
 * L2TP, L2TPv3 and EtherIP are services: they know no IPsec. Whoever makes carriers
 * (core/proto/ipsec, the plain L2TP port) owns them, and asks the services, in order, which of them
 * one is for. Rekeying, new addresses of the peer and NAT stay below; a carrier lives through them.
 *
 * Life: recognises() -> opened() -> receive()... -> closed(). A carrier and what is on it live on
 * one worker; every call here is on it.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/batch.h"
#include "core/base/drop.h"
#include "core/base/reader.h"
#include "core/base/worker.h"
#include "core/base/writer.h"
#include "core/proto/router.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CARRIER_UDP = 17,     /* payloads are those of UDP, to port CARRIER_L2TP_PORT here */
    CARRIER_ETHERIP = 97, /* payloads are those of IP protocol 97 */
    CARRIER_L2TPV3 = 115, /* and of 115 */
    CARRIER_L2TP_PORT = 1701,
    /* What every frame to send needs free before its data. Ethernet's 14 bytes and the service's
     * own header are taken off FRAME_HEADROOM by others. */
    CARRIER_HEADROOM = 64,
    CARRIER_ANSWER = 128, /* to a stray payload */
};

struct carrier;
struct carrier_service;

struct carrier_ops {
    /* Sends payloads; consumes the batch. Frames may be shared (a flood's): they are read only.
     * Longer ones than carrier.mtu go in IP fragments. */
    void (*send)(struct carrier *c, struct batch *b, int64_t now_us);
    /* One payload that does not wait: the service's control messages. */
    void (*send_control)(struct carrier *c, struct reader payload, int64_t now_us);
    /* The service has no use for it any more: closed() does not come. Below, IPsec takes leave of
     * the peer once none of its carriers is left. reason: enum pe_error. May be called from inside
     * of the service's calls. */
    void (*close)(struct carrier *c, int reason, int64_t now_us);
};

/* Embedded in what its maker keeps. Fields are the maker's; services read them. */
struct carrier {
    const struct carrier_ops *ops;
    const struct carrier_service *service; /* whose it is */
    void *link;                            /* the service's, from opened() */
    struct worker *worker;
    struct endpoint remote, local; /* outside: of the UDP or IP packets on the network */
    uint8_t protocol;              /* CARRIER_UDP, ... */
    uint16_t remote_port; /* CARRIER_UDP: the peer's, inside; with NAT, not that of remote */
    unsigned mtu;         /* of payloads that need no fragments on an Ethernet of 1500 */
    bool proven;          /* the peer holds a key of ours (IPsec); a plain port's peer does not */
    const char *below;    /* "IPsec", or NULL */
    const char *cipher;   /* "AES-256-GCM", or NULL without IPsec */
    const char *identity; /* of IKE, as text, or NULL */
    const struct router *router; /* what that identity stands for, or NULL; ours as long as the
                                    carrier */
};

struct carrier_service {
    const char *name; /* "L2TP", "L2TPv3", "EtherIP" */
    void *state;
    /* Whether a new carrier is for this service. first is the peer's first payload, or empty when
     * there is none yet and the keys and selectors alone are known: who claims it then can speak
     * first. */
    bool (*recognises)(void *state, const struct carrier *c, struct reader first);
    /* What it puts on the carrier, or NULL: refused, the maker closes it. */
    void *(*opened)(void *state, struct carrier *c, int64_t now_us);
    /* Payloads of the peer, of which it is proven that they come from it (c->proven); consumes the
     * batch. */
    void (*receive)(void *link, struct batch *b, int64_t now_us);
    /* remote, local, mtu or cipher are others now. */
    void (*changed)(void *link, int64_t now_us);
    /* The peer is gone: the last call, the carrier is no more afterwards. reason: enum pe_error. */
    void (*closed)(void *link, int reason, int64_t now_us);
    /* Somebody else than the service waits for it: how much it knows of the peer being alive, as
     * the time of its last payload that was right; 0: nothing. */
    int64_t (*last_heard_us)(void *link);
    /* Or NULL. A payload that opens nothing: maybe the peer goes on with what it had with us before
     * we were started again, and does not know. answer: what it is to be told, of at most
     * CARRIER_ANSWER bytes; empty: nothing. NULL: not this service's, else what it is, for the log.
     */
    const char *(*stray)(void *state, const struct carrier *c, struct reader payload,
                         struct writer *answer);
};
