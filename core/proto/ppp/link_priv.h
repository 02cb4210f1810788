/* SPDX-License-Identifier: Apache-2.0 */
/* link_priv.h - what the parts of a PPP link share: link.c (life), lcp.c, login.c (PAP, CHAP),
 * ncp.c (IPCP, IPV6CP). */
#pragma once

#include "core/proto/ppp/fsm.h"
#include "core/proto/ppp/link.h"

enum ppp_phase {
    PPP_PHASE_ESTABLISH,
    PPP_PHASE_LOGIN,
    PPP_PHASE_ASKING,
    PPP_PHASE_NETWORK,
    PPP_PHASE_CLOSING,
    PPP_PHASE_DEAD,
};

enum {
    PPP_LOGIN_ANSWER_MAX = 128, /* of Success, Failure and their like */
    PPP_EARLY_MAX = 256,        /* a first IPCP request, kept until there is an address */
};

struct ppp_link {
    struct ppp_link_config config;
    const struct ppp_link_ops *ops;
    void *owner;
    enum ppp_phase phase;
    int reason;         /* why it is CLOSING */
    bool left;          /* the peer said goodbye */
    bool close_wanted;  /* noticed inside of an automaton; done when it has returned */
    int64_t give_up_us; /* before NETWORK */

    /* LCP */
    struct ppp_fsm lcp;
    uint32_t magic;
    bool no_mru, no_magic; /* the peer rejects them */
    uint16_t auth;         /* PPP_CHAP or PPP_PAP: what we ask for */
    unsigned auth_naks;    /* of what we ask for now */
    uint16_t their_mru;    /* of the request that is being looked at, or was agreed */
    int64_t last_in_us, echo_us;
    unsigned echoes; /* without an answer */
    uint8_t echo_id, reject_id;

    /* login */
    uint8_t challenge[MSCHAP_CHALLENGE];
    uint8_t chap_id;
    unsigned challenges; /* sent without a response */
    unsigned tries;
    int64_t challenge_us;                 /* 0: none is due */
    uint8_t answer[PPP_LOGIN_ANSWER_MAX]; /* a repeated request gets it again */
    size_t answer_len;
    uint8_t answered_id;

    /* network */
    struct ppp_fsm ipcp, ipv6cp;
    struct ppp_link_address address;
    bool has_address, no_address; /* the peer rejects that we have one */
    bool their_address;           /* it asked for one in the request that is looked at */
    uint8_t early[PPP_EARLY_MAX]; /* IPCP that came before the address */
    size_t early_len;
    uint8_t id6[8], our_id6[8];
    bool has_id6, no_id6;
};

void ppp_send(struct ppp_link *l, uint16_t protocol, struct reader packet, int64_t now_us);
/* Closes when whatever runs now has returned. */
void ppp_close_later(struct ppp_link *l, int reason);

void ppp_lcp_init(struct ppp_link *l);
void ppp_lcp_reject_protocol(struct ppp_link *l, uint16_t protocol, struct reader packet,
                             int64_t now_us);
void ppp_lcp_tick(struct ppp_link *l, int64_t now_us);
int64_t ppp_lcp_deadline(const struct ppp_link *l);

/* LCP is up: asks the peer who it is. */
void ppp_login_begin(struct ppp_link *l, int64_t now_us);
void ppp_login_receive(struct ppp_link *l, uint16_t protocol, struct reader packet, int64_t now_us);
/* Tells the peer, and remembers it for another time. */
void ppp_login_tell(struct ppp_link *l, int code, const char *answer, int64_t now_us);
void ppp_login_tick(struct ppp_link *l, int64_t now_us);

/* In and past the login. */
void ppp_link_up(struct ppp_link *l, int64_t now_us);
void ppp_link_down(struct ppp_link *l, int64_t now_us);

void ppp_ncp_init(struct ppp_link *l);
void ppp_ncp_receive(struct ppp_link *l, uint16_t protocol, struct reader packet, int64_t now_us);
void ppp_ncp_start4(struct ppp_link *l, int64_t now_us);
void ppp_ncp_start6(struct ppp_link *l, int64_t now_us);
/* The link goes down. */
void ppp_ncp_stop(struct ppp_link *l, int64_t now_us);
