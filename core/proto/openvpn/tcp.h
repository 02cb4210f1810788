/* SPDX-License-Identifier: Apache-2.0 */
/* tcp.h - OpenVPN over TCP: packets behind their lengths.
 *
 * What the socket does not take waits: sealed packets in the backlog, and while there is one,
 * frames in a queue that CoDel keeps short. One worker.
 */
#pragma once

#include "core/base/queue.h"
#include "core/proto/openvpn/home.h"

enum {
    OVPN_STREAM_BACKLOG = 1024 * 1024, /* bytes that wait; more control packets are lost */
    OVPN_STREAM_FIRST_S = 15,          /* for a first packet that makes a peer */
};

struct ovpn_stream {
    struct ovpn_home *home;
    struct ovpn_stream *prev, *next;
    struct worker_fd wfd;
    struct endpoint remote, local;
    struct ovpn_peer *peer;        /* NULL before its first packet */
    struct ovpn_stranger stranger; /* until it has a peer that is */
    struct timer timer;            /* until then */
    struct timer look;             /* armed while it is read by the clock, as in udp.c */
    unsigned reads;                /* since counted_us */
    int64_t counted_us;
    GByteArray *part; /* of a packet; NULL for none */
    uint8_t *backlog; /* owned; NULL for none */
    size_t backlog_at, backlog_len;
    bool congested; /* the system holds enough, or there is a backlog */
    struct frame_queue queue;
};

/* What is behind openvpn_server_stream(). */
void ovpn_stream_service(struct openvpn_server *s, struct stream_service *out);
void ovpn_stream_free(struct ovpn_stream *s); /* closes */
/* Whole packets behind their lengths. False when the stream is broken: end the peer. */
bool ovpn_stream_write(struct ovpn_stream *s, const uint8_t *bytes, size_t len) MUST_CHECK;
