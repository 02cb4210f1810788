/* SPDX-License-Identifier: Apache-2.0 */
/* reliable.h - the reliable channel of an L2TP control connection, version 2 or 3 (RFC 2661, 5.8;
 * RFC 3931, 4.2): Ns, Nr, the peer's window, sending again. Packets and time in, packets and one
 * deadline out; no socket, no clock.
 *
 * It knows of a message only that its header has RELIABLE_HEADER bytes with Ns and Nr at their
 * ends, which is so in both versions. Acknowledgements without a message are the owner's to build.
 */
#pragma once

#include "core/base/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RELIABLE_HEADER = 12,
    RELIABLE_AT_NS = 8,
    RELIABLE_AT_NR = 10,
    RELIABLE_MESSAGE_MAX = 1024,      /* of ours, and of theirs that wait for an earlier one */
    RELIABLE_QUEUE = 64,              /* of ours that are not acknowledged yet; then it is full */
    RELIABLE_WINDOW_DEFAULT = 4,      /* that the peer takes before it says how many */
    RELIABLE_WINDOW_MAX = 16,         /* more than that are never under way */
    RELIABLE_WINDOW = 8,              /* ours: to be told to the peer */
    RELIABLE_TRIES = 6,               /* then the peer is dead: after some 30 s */
    RELIABLE_RESEND_US = 1000 * 1000, /* doubles each time up to: */
    RELIABLE_RESEND_MAX_US = 8 * 1000 * 1000,
    RELIABLE_ACK_US =
        100 * 1000, /* how long an acknowledgement may wait for a message to ride on */
};

struct reliable_message;

/* Embedded in its owner; fields are private. */
struct reliable {
    uint16_t ns;       /* of the next message that is queued */
    uint16_t sent_ns;  /* of the next one to send; goes back when nothing was heard */
    uint16_t high_ns;  /* all before it were sent at least once */
    uint16_t acked_ns; /* all before it have been acknowledged */
    uint16_t nr;       /* of the next message that is delivered */
    unsigned window;   /* the peer's */
    unsigned opening;  /* how much of it is used: one at first, one more with each that arrived */
    int64_t resend_us; /* 0: nothing is under way */
    int64_t wait_us;
    unsigned tries;
    int64_t ack_us; /* when Nr is told at the latest; 0: it has been */
    bool dead;
    struct reliable_message *out[RELIABLE_QUEUE]; /* at Ns modulo; owned */
    struct reliable_message *in[RELIABLE_WINDOW]; /* at Ns modulo; owned; NULL: none */
    struct reliable_message *delivered;           /* what next() gave last; owned */
};

void reliable_init(struct reliable *r);
void reliable_clear(struct reliable *r); /* as after init; harmless on zeroes */
/* How many messages the peer takes at once, as it says (0 counts as 1). */
void reliable_set_window(struct reliable *r, unsigned window);

/* A control packet of the peer, whole, header first; the caller has looked at all but Ns and Nr.
 * is_ack: it is only an acknowledgement (no message, or the explicit one of version 3), which
 * takes no number. What may be delivered now comes by next(). False: out of the window, dropped
 * (its Nr has counted). A duplicate is acknowledged again and is no news. */
bool reliable_received(struct reliable *r, struct reader packet, bool is_ack, int64_t now_us);
/* The next message in order, with its header, or false. Valid until the next call of next(). */
bool reliable_next(struct reliable *r, struct reader *out);
/* Does not wait for a message to tell Nr with. */
void reliable_ack_now(struct reliable *r, int64_t now_us);

/* Queues a message (copied), with its header, whose Ns and Nr are filled in here. False: it is too
 * long or the queue is full. May be called between two calls of next(). */
bool reliable_send(struct reliable *r, const void *message, size_t len);

enum reliable_pull {
    RELIABLE_NOTHING,
    RELIABLE_MESSAGE, /* *out is to be sent as it is */
    RELIABLE_ACK,     /* an acknowledgement with *ns and *nr is to be sent */
};
/* What is to be sent now; call until it says nothing. *out is valid until the channel is touched
 * again. */
enum reliable_pull
reliable_pull(struct reliable *r, int64_t now_us, struct reader *out, uint16_t *ns, uint16_t *nr);
int64_t reliable_deadline(const struct reliable *r); /* 0: none */
/* RELIABLE_TRIES were in vain: no message is sent any more, but acknowledgements are; and one of
 * the peer brings it back to life. */
bool reliable_is_dead(const struct reliable *r);
/* All that was queued has been acknowledged. */
bool reliable_is_quiet(const struct reliable *r);
