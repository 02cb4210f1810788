/* SPDX-License-Identifier: Apache-2.0 */
/* nat_tcp_priv.h - what the files of the TCP machine share. */
#pragma once

#include "core/hub/nat/nat_tcp.h"

enum {
    NAT_TCP_SCALE = 8, /* of our window: 16 MiB could be said */
    NAT_TCP_RTO_FIRST_US = 1000 * 1000,
    NAT_TCP_RTO_MIN_US = 200 * 1000,
    NAT_TCP_RTO_MAX_US = 60 * 1000 * 1000,
    NAT_TCP_TRIES = 10,                 /* timeouts in a row, then the client is gone */
    NAT_TCP_SYN_TRIES = 5,              /* of the SYN-ACK */
    NAT_TCP_PROBE_US = 5 * 1000 * 1000, /* between questions to a silent client */
    NAT_TCP_PROBES = 3,
    NAT_TCP_RECEIVE_FIRST = 256 * 1024,
    NAT_TCP_CONNECT_US = 60 * 1000 * 1000,
};

/* ---- nat_tcp_out.c: what is sent ---- */

/* A segment without payload. */
void nat_tcp_send_control(struct nat_tcp *t, uint8_t flags, uint64_t at, int64_t now_us);
static inline void
nat_tcp_send_ack(struct nat_tcp *t, int64_t now_us)
{
    nat_tcp_send_control(t, TCP_ACK, t->nxt, now_us);
}
/* Reads from the socket and sends what may be sent, losses first. */
void nat_tcp_output(struct nat_tcp *t, int64_t now_us);
/* What lies at the end, once more, or something new (RFC 8985, 7.3). */
void nat_tcp_probe_tail(struct nat_tcp *t, int64_t now_us);

/* ---- nat_tcp_loss.c: what is in flight, and what became of it ---- */

void nat_tcp_sent_add(struct nat_tcp *t, uint64_t start, uint64_t end, int64_t now_us);
/* The acknowledgement of a segment; false if it says nothing valid. */
bool nat_tcp_acked(struct nat_tcp *t, const struct nat_segment *s, int64_t now_us);
/* The first lost piece, at most max bytes of it, is on its way again. False when there is none. */
bool nat_tcp_take_lost(struct nat_tcp *t, uint64_t max, struct nat_range *out, int64_t now_us);
void nat_tcp_arm(struct nat_tcp *t, int64_t now_us);
void nat_tcp_detect_losses(struct nat_tcp *t, int64_t now_us);
void nat_tcp_timed_out(struct nat_tcp *t, int64_t now_us);

/* ---- nat_tcp_in.c: what is received ---- */

/* Payload and FIN of an acceptable segment. */
void
nat_tcp_take_payload(struct nat_tcp *t, const struct nat_segment *s, uint64_t at, int64_t now_us);
/* Writes to the socket what is in order. False when it broke. */
bool nat_tcp_write(struct nat_tcp *t, int64_t now_us);
/* The window to offer, as it stands in a header; remembers it. */
uint16_t nat_tcp_window(struct nat_tcp *t, bool syn);
bool nat_tcp_should_update_window(const struct nat_tcp *t);

/* The offset that a sequence number means, near another one. */
static inline uint64_t
nat_tcp_offset(uint32_t seq, uint32_t base, uint64_t near)
{
    return near + (uint64_t)(int64_t)(int32_t)(seq - (base + (uint32_t)near));
}
