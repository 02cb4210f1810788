/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - one control connection of L2TPv3 as a machine: packets and time in, packets, calls
 * and one deadline out. No socket, no clock, no hub.
 *
 * States: IDLE -> (SCCRQ) OPENING -> (SCCCN) OPEN -> (StopCCN) CLOSED, which acknowledges what
 * comes twice. A SCCRQ with another connection id begins anew from any state: the peer has been
 * restarted. Calls: ASKED (ICRQ came, the owner has not decided) -> ANSWERED (ICRP) -> OPEN (ICCN).
 */
#pragma once

#include "core/proto/l2tpv3/wire.h"
#include "core/proto/reliable.h"

enum {
    L2TPV3_CALLS = 16, /* of one control connection; more are refused */
    L2TPV3_HELLO_S = 60,
    L2TPV3_REPEAT_S = 10, /* a SCCRQ of an open connection that comes later is a restarted peer */
    L2TPV3_TEXT = 64,     /* of names, cut and made printable */
};

struct l2tpv3_call {
    enum { L2TPV3_CALL_ASKED, L2TPV3_CALL_ANSWERED, L2TPV3_CALL_OPEN } state;
    struct router_static session; /* ids, cookies, sublayer: "on" has no meaning here */
    char remote_end[L2TPV3_TEXT];
    void *owner; /* the owner's */
};

struct l2tpv3_control_ops {
    /* A control packet for the peer. */
    void (*send)(void *owner, struct reader packet, int64_t now_us);
    /* The peer wants a pseudowire: accept or refuse it, now or later. */
    void (*called)(void *owner, struct l2tpv3_call *call, int64_t now_us);
    /* The peer has ended it (or all): the last that is heard of the call. */
    void (*hung_up)(void *owner, struct l2tpv3_call *call, int64_t now_us);
    /* Does not answer any more: nothing is sent from now on; its calls have hung up. */
    void (*dead)(void *owner, int64_t now_us);
    void (*random)(void *owner, void *out, size_t len);
};

/* Embedded in its owner; fields are read by it alone. */
struct l2tpv3_control {
    const struct l2tpv3_control_ops *ops;
    void *owner;
    enum { L2TPV3_IDLE, L2TPV3_OPENING, L2TPV3_OPEN, L2TPV3_CLOSED } state;
    struct reliable channel;
    uint32_t local, peer;                                  /* connection ids */
    bool cisco, yamaha;                                    /* what the peer expects */
    char host_name[L2TPV3_TEXT], vendor_name[L2TPV3_TEXT]; /* the peer's, printable */
    struct l2tpv3_call *call[L2TPV3_CALLS];
    int64_t heard_us; /* the owner also sets it, when data comes */
    int64_t begun_us;
    int64_t hello_us; /* when the next one is due */
};

void
l2tpv3_control_init(struct l2tpv3_control *c, const struct l2tpv3_control_ops *ops, void *owner);
/* Frees what it holds, calls as well; tells nobody. */
void l2tpv3_control_clear(struct l2tpv3_control *c);

/* A control packet of the peer, header first. */
void l2tpv3_control_receive(struct l2tpv3_control *c, struct reader packet, int64_t now_us);
/* What is due. */
void l2tpv3_control_turn(struct l2tpv3_control *c, int64_t now_us);
int64_t l2tpv3_control_deadline(const struct l2tpv3_control *c); /* 0: none */

void l2tpv3_control_accept(struct l2tpv3_control *c, struct l2tpv3_call *call, int64_t now_us);
/* Ends a call in any state (result: L2TPV3_CDN_...) and frees it. */
void l2tpv3_control_hang_up(struct l2tpv3_control *c, struct l2tpv3_call *call, uint16_t result,
                            int64_t now_us);
/* Says good-bye once; does not wait for an answer. Its calls are freed without hung_up(). */
void l2tpv3_control_stop(struct l2tpv3_control *c, uint16_t result, int64_t now_us);
unsigned l2tpv3_control_n_calls(const struct l2tpv3_control *c);
/* By our id; NULL: none. */
struct l2tpv3_call *l2tpv3_control_find(const struct l2tpv3_control *c, uint32_t local_session);
