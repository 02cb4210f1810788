/* SPDX-License-Identifier: Apache-2.0 */
/* ike.h - the owner of one IKEv1 machine (core/proto/ikev1/ike1.h): its cookie, its addresses, its
 * timer, what it asks for. Before the peer is proven it is one of the half-open, which are counted;
 * afterwards it belongs to a peer.
 *
 * What the machine says in a call is done after the call (settle), so that nothing is freed under
 * it.
 */
#pragma once

#include "core/proto/ipsec/home.h"

struct ipsec_ike {
    struct ipsec_home *home;
    struct ipsec_rules *rules; /* a reference */
    struct ike1 *machine;
    uint8_t cookies[2 * IKE1_COOKIE]; /* the initiator's, then ours */
    struct ipsec_ike *prev, *next;    /* half-open, oldest first */
    bool counted;                     /* as half-open */
    struct ip counted_ip;
    struct ipsec_peer *peer; /* or NULL */
    struct ipsec_ike *next_of_peer;
    struct timer timer;

    struct udp_source to;              /* where the peer is at */
    const struct udp_source *arriving; /* of the message at hand, or NULL */
    GByteArray *out;                   /* messages of this call, each behind its length; or NULL */
    bool mute;                         /* what it says is not sent */
    bool fresh;                        /* established in this call */
    bool initial_contact;
    bool ended;
    bool doomed; /* could not compute */
    enum ike1_end why;
    struct ike1_id id;           /* established */
    const struct router *router; /* of the rules' book, for the identity; or NULL */
    int64_t heard_us;            /* of the peer's traffic, as far as the machine was told */
};

/* Answers a first message for once and forgets it. True: it was answered by a main mode that may go
 * on, so it is worth remembering. */
bool ipsec_ike_probe(struct ipsec_home *h, const struct udp_source *from,
                     const uint8_t cookie[IKE1_COOKIE], struct reader message, int64_t now_us);
/* A half-open one for a first message; what it says to it is sent or not (mute). NULL: too many, or
 * nothing to talk about. */
struct ipsec_ike *
ipsec_ike_new(struct ipsec_home *h, const struct udp_source *from,
              const uint8_t cookie[IKE1_COOKIE], struct reader message, bool mute, int64_t now_us);
struct ipsec_ike *ipsec_ike_find(const struct ipsec_home *h, const uint8_t cookie[IKE1_COOKIE]);
void ipsec_ike_receive(struct ipsec_ike *k, const struct udp_source *from, struct reader message,
                       int64_t now_us);
/* The job comes back. */
void ipsec_ike_computed(struct ipsec_ike *k, struct ike1_dh *job, int64_t now_us);
/* Says goodbye, and frees it. */
void ipsec_ike_close(struct ipsec_ike *k, bool children, int64_t now_us);
/* New keys for a child of its peer; the peer is told that a child is no more. */
void ipsec_ike_rekey(struct ipsec_ike *k, uint32_t spi_in, int64_t now_us);
void ipsec_ike_delete_child(struct ipsec_ike *k, uint32_t spi_in, int64_t now_us);
/* Without a word. */
void ipsec_ike_free(struct ipsec_ike *k);
