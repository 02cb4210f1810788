/* SPDX-License-Identifier: Apache-2.0 */
/* pair.h - the machine and an initiator, with simulated time and a network that loses what it is
 * told to: for the tests of ike1.h and its fuzz target. */
#pragma once

#include "core/proto/ikev1/ike1_priv.h"
#include "tests/unit/ikev1/initiator.h"

#include <glib.h>

enum { PAIR_CHILDREN = 64, PAIR_PSKS = 8 };

struct pair_child {
    struct esp_child c;
    bool up, confirmed;
};

struct pair {
    /* set before pair_start() */
    struct ike1_config config;
    struct initiator_config client;
    const char *psk[PAIR_PSKS];
    const char *aggressive_psk; /* of every identity; NULL: not allowed */
    size_t turn_bit;            /* of the first message, from 1 on; 0: none */
    bool refuse_peer, refuse_child, distrust;
    struct endpoint seen; /* the client's address as the server sees it */

    struct ike1 *k; /* NULL: the first message was not taken */
    struct initiator i;
    int64_t now_us;
    GQueue to_client; /* of GBytes */
    struct ike1_dh *job;
    bool hold_jobs; /* they are left until pair_compute() */
    unsigned computed;
    unsigned lose;  /* of the machine's next messages */
    unsigned sent;  /* by the machine */
    size_t longest; /* of what the machine sent */
    bool proven;    /* what the last message was */

    unsigned established, ended, contacts, ups, downs;
    enum ike1_end why;
    struct ike1_id id;
    void *tag;
    bool had_cert;
    struct pair_child child[PAIR_CHILDREN];
    unsigned children;
    uint32_t next_spi;
    uint64_t random;
};

/* AES-256, SHA2-256, MODP2048; key "secret"; no NAT; NAT-T and DPD known to both. */
void pair_init(struct pair *p);
void pair_done(struct pair *p);
/* The first message, and what follows until nobody says more. */
void pair_start(struct pair *p);
void pair_begin(struct pair *p);                           /* the first message alone */
void pair_begin_with(struct pair *p, struct reader first); /* or any other message */
void pair_run(struct pair *p);
/* The client's i.out goes to the machine, and all that follows. */
void pair_flush(struct pair *p);
/* One message to the machine; what it says stays in to_client. */
void pair_give(struct pair *p, struct reader message);
GBytes *pair_take(struct pair *p); /* of the machine; NULL: nothing */
void pair_compute(struct pair *p);
/* Time goes by, from deadline to deadline; the client hears all. */
void pair_wait(struct pair *p, unsigned seconds);
void pair_pass(struct pair *p, unsigned seconds); /* and nobody hears what the machine says */
/* Phase 1 is up, or the test fails. */
void pair_up(struct pair *p);
/* A quick mode of the client's for transport; g: the group of PFS, or 0. */
struct initiator_quick pair_quick(const struct pair *p, uint16_t g);
struct pair_child *pair_child(struct pair *p, uint32_t spi_in);
