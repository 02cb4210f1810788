/* SPDX-License-Identifier: Apache-2.0 */
/* proposal_priv.h - what both phases' choices and their printing share. */
#pragma once

#include "core/proto/ikev1/proposal.h"

enum { IKE1_PROTOCOL_ISAKMP = 1, IKE1_PROTOCOL_ESP = 3, IKE1_KEY_IKE = 1 };

/* Encapsulation modes; of UDP by RFC 3947, and by its drafts. */
enum {
    IKE1_TUNNEL = 1,
    IKE1_TRANSPORT = 2,
    IKE1_UDP_TUNNEL = 3,
    IKE1_UDP_TRANSPORT = 4,
    IKE1_DRAFT_TUNNEL = 61443,
    IKE1_DRAFT_TRANSPORT = 61444,
};

/* What a transform's attributes say, in the numbers of its phase; 0: nothing. */
struct ike1_attributes {
    uint16_t cipher; /* phase 1 */
    uint16_t hash;   /* phase 2: authentication algorithm */
    uint16_t auth;   /* phase 1: method */
    uint16_t group, key_bits;
    uint16_t mode, esn; /* phase 2 */
    uint32_t life_s;
    uint64_t life_kib;
    bool strange; /* one that we do not know, or that comes twice */
};

/* One transform, with what it needs of the proposal that it is in. */
struct ike1_transform {
    uint8_t proposal, protocol, number, id;
    struct reader spi, bytes; /* bytes: the attributes */
    struct ike1_attributes a;
};
struct ike1_transforms {
    unsigned n;
    struct ike1_transform t[IKE1_TRANSFORMS_MAX];
    uint16_t proposals[256]; /* how many have this number: more than one are meant together */
};
/* The body of an SA payload. False: malformed. Later ones than IKE1_TRANSFORMS_MAX are not there.
 */
bool ike1_transforms_read(struct reader sa, struct ike1_transforms *out) MUST_CHECK;

/* A transform in our terms. False: it is none that we can, whatever is allowed. weak: which of
 * enum ike1_weak it is. */
bool
ike1_suite_of(const struct ike1_transform *t, struct ike1_suite *out, unsigned *weak) MUST_CHECK;
bool ike1_child_suite_of(const struct ike1_transforms *all, const struct ike1_transform *t,
                         struct ike1_child_suite *out, unsigned *weak) MUST_CHECK;
/* AES of this many bits, which phase 1 and CBC may leave out. 0: there is no such AES. */
unsigned ike1_aes_bits(uint16_t said);
/* How good: fewer bits are better, whatever they are. */
unsigned ike1_weak_count(unsigned weak);
void ike1_choice_set(struct ike1_choice *c, const struct ike1_transform *t);
