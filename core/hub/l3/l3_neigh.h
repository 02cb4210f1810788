/* SPDX-License-Identifier: Apache-2.0 */
/* l3_neigh.h - who has which Ethernet address on the segment: the cache behind ARP and neighbour
 * discovery, as a machine. It asks by ops and is told answers; packets for a neighbour that is
 * being asked for wait in it.
 *
 * An entry is made only for somebody to whom something is sent, or who asked us for our address.
 * What nobody asked for changes entries that exist, and only as RFC 826 and RFC 4861 (7.2.5) want.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/frame.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    L3_NEIGH_BUCKETS = 128,
    L3_NEIGH_PENDING_ALL = 256, /* packets that wait in one table */
    L3_NEIGH_ASKED_MAX = 128,   /* neighbours that are asked for at a time */
    L3_NEIGH_TRIES = 3,         /* a second each */
};

/* How an address came to be known. */
enum l3_neigh_how {
    L3_NEIGH_ANSWER, /* to our question; taken only while one is out, or if it says nothing new */
    L3_NEIGH_ASKS,   /* its own question for us: makes an entry */
    L3_NEIGH_CLAIM,  /* told to all: changes an entry that exists */
};

struct l3_neigh_ops {
    /* Ask for it: everybody, or, to refresh an entry, the one at this address. */
    void (*solicit)(void *owner, const struct ip *who, const struct mac *at, int64_t now_us);
    /* Send these, which waited. Consumes the frames (not the array). */
    void (*ready)(void *owner, const struct mac *at, struct frame **frames, unsigned n,
                  int64_t now_us);
    /* Nobody answered. Consumes the frames likewise. */
    void (*failed)(void *owner, const struct ip *who, struct frame **frames, unsigned n,
                   int64_t now_us);
};

struct l3_neighbour;

struct l3_neigh {
    const struct l3_neigh_ops *ops;
    void *owner;
    struct l3_neighbour *bucket[L3_NEIGH_BUCKETS];
    GQueue order; /* by use, the oldest last */
    unsigned n_asked, n_pending;
    int64_t deadline_us; /* 0: none */
    uint32_t seed;
};

/* seed: random, so that nobody can fill one bucket. */
void l3_neigh_init(struct l3_neigh *t, uint32_t seed, const struct l3_neigh_ops *ops, void *owner);
/* Frees the waiting packets. */
void l3_neigh_done(struct l3_neigh *t);
/* Forgets the entries of a family (0: all). How many waiting packets were lost. */
unsigned l3_neigh_forget(struct l3_neigh *t, uint8_t family);

/* Where to send to; false when that has to be found out: then l3_neigh_wait(). May solicit. */
bool l3_neigh_find(struct l3_neigh *t, const struct ip *who, struct mac *out, int64_t now_us);
/* Keeps a packet until there is an answer, and asks. False: no room, the frame is the caller's. */
bool l3_neigh_wait(struct l3_neigh *t, const struct ip *who, struct frame *f, int64_t now_us);
/* Whether there is a valid entry; does not count as use. */
bool l3_neigh_knows(const struct l3_neigh *t, const struct ip *who, int64_t now_us);
void l3_neigh_learn(struct l3_neigh *t, const struct ip *who, const struct mac *at,
                    enum l3_neigh_how how, int64_t now_us);
/* When deadline_us has come. */
void l3_neigh_tick(struct l3_neigh *t, int64_t now_us);
