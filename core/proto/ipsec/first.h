/* SPDX-License-Identifier: Apache-2.0 */
/* first.h - first messages of IKE, remembered until the peer's next one proves its address.
 *
 * A first message of main mode is answered at once and costs a slot of a ring, which keeps the
 * message itself; a machine exists only from the third message on, made anew from the first, which
 * has the same answer. So a flood of spoofed messages turns the ring round, and nothing else: as
 * long as a turn takes longer than a round trip, those who are real get in.
 */
#pragma once

#include "core/proto/ipsec/home.h"

enum {
    IPSEC_FIRST_SLOTS = 8192, /* of one home */
    IPSEC_FIRST_MAX = 2048,   /* bytes of a message that is remembered */
    IPSEC_FIRST_S = 30,
    IPSEC_FIRST_PPS = 25000,      /* first messages, all workers */
    IPSEC_FIRST_ADDRESS_PPS = 16, /* of one address */
    IPSEC_FIRST_ADDRESS_BURST = 64,
    IPSEC_FIRST_AGGRESSIVE_PPS = 50, /* those cost a computation at once */
};

struct ipsec_first *ipsec_first_new(struct ipsec_home *h);
/* Forgets all. */
void ipsec_first_free(struct ipsec_first *f);
void ipsec_first_stop(struct ipsec_first *f); /* its timer; own thread */
/* A message without our cookie. */
void ipsec_first_message(struct ipsec_first *f, const struct udp_source *from,
                         struct reader message, int64_t now_us);
/* A message with a cookie of ours that no machine has. */
void ipsec_first_next(struct ipsec_first *f, const struct udp_source *from, struct reader message,
                      int64_t now_us);

unsigned ipsec_first_n(const struct ipsec_first *f); /* slots in use */
