/* SPDX-License-Identifier: Apache-2.0 */
/* reliable.h - the reliability layer of one key's control channel: numbered packets, each
 * acknowledged by itself, sent again until it is, delivered in order. Packets and time in, packets
 * and one deadline out; no socket, no clock, no TLS. */
#pragma once

#include "core/base/reader.h"
#include "core/proto/openvpn/wire.h"

enum {
    OVPN_SEND_WINDOW = 4,     /* unacknowledged; 2.5 and older take no more */
    OVPN_RECEIVE_WINDOW = 12, /* ahead of what was delivered */
    OVPN_RESEND_US = 1000 * 1000,
    OVPN_RESEND_MAX_US = 16 * 1000 * 1000,
    OVPN_PAYLOAD_MAX = 1200,
    OVPN_RECENT_ACKS = 8,
    OVPN_PIGGYBACK_ACKS = 4, /* in a packet that is more than an ACK_V1 */
    OVPN_EARLY_RESEND = 3,   /* after that many later packets were acknowledged */
};

struct ovpn_outgoing {
    bool used;
    enum ovpn_op op;
    uint32_t id;
    int64_t resend_us, wait_us;
    unsigned later_acked; /* higher ids that were acknowledged meanwhile */
    uint16_t len;
    uint8_t payload[OVPN_PAYLOAD_MAX];
};

struct ovpn_incoming {
    enum ovpn_op op;
    uint32_t id;
    uint16_t len;
    uint8_t payload[]; /* as long as it came */
};

/* Some 5 KiB, and what came out of order. Embedded in its owner. */
struct ovpn_reliable {
    uint32_t next_send, next_receive;
    struct ovpn_outgoing out[OVPN_SEND_WINDOW];
    struct ovpn_incoming *in[OVPN_RECEIVE_WINDOW]; /* at id modulo; NULL: none; owned */
    struct ovpn_incoming *delivered;               /* what next() gave last; owned */
    uint32_t ack[OVPN_RECEIVE_WINDOW];             /* to be told */
    unsigned n_acks;
    uint32_t recent[OVPN_RECENT_ACKS]; /* told already; told again where there is room */
    unsigned n_recent;
};

void ovpn_reliable_init(struct ovpn_reliable *r);
void ovpn_reliable_clear(struct ovpn_reliable *r); /* as after init; harmless on zeroes */
/* Both resets (id 0 each way) were exchanged by a stateless answer: goes on after them. The peer's
 * is acknowledged (again). */
void ovpn_reliable_skip_resets(struct ovpn_reliable *r);
/* Acks and packet of one that came. False: out of the window, not taken (its acks are). A duplicate
 * is acknowledged again and is no news (true). */
bool ovpn_reliable_received(struct ovpn_reliable *r, const struct ovpn_control *c, int64_t now_us);
/* The next packet in order, or false. payload is valid until the next call. */
bool ovpn_reliable_next(struct ovpn_reliable *r, enum ovpn_op *op, struct reader *payload);
/* Whether another packet may be queued. */
bool ovpn_reliable_has_room(const struct ovpn_reliable *r);
/* Queues a packet; there is room (the caller has looked), len <= OVPN_PAYLOAD_MAX. */
void ovpn_reliable_send(struct ovpn_reliable *r, enum ovpn_op op, const void *payload, size_t len,
                        int64_t now_us);
/* What is to be sent now: fills op, acks, id and payload of c (sids and key id are the caller's).
 * payload is valid until the layer is touched again. False: nothing. Call until it says so; a pure
 * ACK_V1 comes last, when acks are left. */
bool ovpn_reliable_pull(struct ovpn_reliable *r, int64_t now_us, struct ovpn_control *c);
int64_t ovpn_reliable_deadline(const struct ovpn_reliable *r); /* 0: none */
bool ovpn_reliable_is_quiet(const struct ovpn_reliable *r);    /* all sent was acknowledged */
