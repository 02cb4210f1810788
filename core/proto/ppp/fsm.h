/* SPDX-License-Identifier: Apache-2.0 */
/* fsm.h - the option negotiation automaton of RFC 1661, 4: one for LCP and each network control
 * protocol.
 *
 * Goals: what the two sides want of one protocol gets agreed, or it is known that it cannot be.
 * Limits: PPP_FSM_CONFIGURES requests without an answer, PPP_FSM_TERMINATES goodbyes, PPP_FSM_NAKS
 * Naks before they become Rejects. Memory: the struct alone. It has no clock and no I/O: packets
 * and now_us in; packets and deadline_us out.
 */
#pragma once

#include "core/base/reader.h"
#include "core/base/types.h"
#include "core/base/writer.h"
#include "core/proto/ppp/wire.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    PPP_FSM_RESTART_MS = 3000,
    PPP_FSM_CONFIGURES = 10,
    PPP_FSM_TERMINATES = 2,
    PPP_FSM_NAKS = 5,
    PPP_FSM_OPTIONS_MAX = 64, /* bytes of options in our own requests */
};

enum ppp_state {
    PPP_INITIAL,
    PPP_STARTING,
    PPP_CLOSED,
    PPP_STOPPED,
    PPP_CLOSING,
    PPP_STOPPING,
    PPP_REQ_SENT,
    PPP_ACK_RCVD,
    PPP_ACK_SENT,
    PPP_OPENED,
    PPP_N_STATES
};

enum ppp_event {
    PPP_UP,
    PPP_DOWN,
    PPP_OPEN,
    PPP_CLOSE,
    PPP_TO_PLUS,
    PPP_TO_MINUS,
    PPP_RCR_PLUS,
    PPP_RCR_MINUS,
    PPP_RCA,
    PPP_RCN,
    PPP_RTR,
    PPP_RTA,
    PPP_RUC,
    PPP_RXJ_PLUS,
    PPP_RXJ_MINUS,
    PPP_RXR,
    PPP_N_EVENTS
};

enum ppp_action {
    PPP_TLU = 1 << 0, /* this layer up */
    PPP_TLD = 1 << 1, /* down */
    PPP_TLS = 1 << 2, /* started */
    PPP_TLF = 1 << 3, /* finished */
    PPP_IRC = 1 << 4, /* initialise restart count */
    PPP_ZRC = 1 << 5, /* zero it */
    PPP_SCR = 1 << 6, /* send Configure-Request */
    PPP_SCA = 1 << 7,
    PPP_SCN = 1 << 8, /* Nak or Reject */
    PPP_STR = 1 << 9,
    PPP_STA = 1 << 10,
    PPP_SCJ = 1 << 11, /* Code-Reject */
    PPP_SER = 1 << 12, /* Echo-Reply */
};

/* The table of 4.1: what is to be done, and the next state. */
unsigned ppp_fsm_step(enum ppp_state state, enum ppp_event event, enum ppp_state *next);

enum ppp_verdict { PPP_ACK, PPP_NAK, PPP_REJECT };

struct ppp_fsm_ops {
    /* Options of our Configure-Request. */
    void (*request)(void *owner, struct writer *w);
    /* A new request of the peer is looked at: forget what the former one said. */
    void (*begin)(void *owner);
    /* One option of it. PPP_NAK: the wanted option, whole, was written to nak. last: Naks have not
     * helped so far and will be Rejects. */
    enum ppp_verdict (*option)(void *owner, uint8_t type, struct reader value, struct writer *nak,
                               bool last);
    /* Every option was fine: whatever else should have been there, whole, to nak. */
    void (*missing)(void *owner, struct writer *nak);
    /* The peer's answer to one option of our request. */
    void (*naked)(void *owner, uint8_t type, struct reader value);
    void (*rejected)(void *owner, uint8_t type);
    /* Codes above Code-Reject. False: unknown. */
    bool (*extra)(void *owner, uint8_t code, uint8_t id, struct reader data, int64_t now_us);
    void (*up)(void *owner, int64_t now_us);
    void (*down)(void *owner, int64_t now_us);
    void (*finished)(void *owner, int64_t now_us); /* nothing more will come of it */
    /* A packet of this protocol, from its code on. */
    void (*send)(void *owner, struct reader packet, int64_t now_us);
};

struct ppp_fsm {
    const struct ppp_fsm_ops *ops;
    void *owner;
    enum ppp_state state;
    int64_t deadline_us; /* 0: none */
    unsigned restarts, naks;
    uint8_t id, reject_id;
    uint8_t request[PPP_FSM_OPTIONS_MAX]; /* options of our last request */
    size_t request_len;
};

/* ops is borrowed. Callbacks may not free the automaton. */
void ppp_fsm_init(struct ppp_fsm *f, const struct ppp_fsm_ops *ops, void *owner);
/* PPP_UP, PPP_DOWN, PPP_OPEN or PPP_CLOSE; PPP_RXJ_MINUS: the peer rejects the protocol. */
void ppp_fsm_event(struct ppp_fsm *f, enum ppp_event event, int64_t now_us);
/* A packet from its code on, of any content. */
void ppp_fsm_receive(struct ppp_fsm *f, struct reader packet, int64_t now_us);
void ppp_fsm_tick(struct ppp_fsm *f, int64_t now_us);

/* Writes a packet's header and data. */
void ppp_write(struct writer *w, uint8_t code, uint8_t id, const void *data, size_t len);
/* The same to be sent by f. */
void ppp_fsm_send(struct ppp_fsm *f, uint8_t code, uint8_t id, struct reader data, int64_t now_us);
/* Code, id and data of a packet; padding behind it is left away. False: malformed. */
bool ppp_parse(struct reader packet, uint8_t *code, uint8_t *id, struct reader *data) MUST_CHECK;
