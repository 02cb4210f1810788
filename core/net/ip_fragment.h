/* SPDX-License-Identifier: Apache-2.0 */
/* ip_fragment.h - IP fragments put together (RFC 791, RFC 8200, 4.5), and long packets cut.
 *
 * A machine without sockets and clock, for packets out of a tunnel. What it keeps is bounded: in
 * all, for one sender (whoever the tunnel's peer is; inner addresses are his to choose), and for
 * one datagram. At a sender's limit his oldest datagram makes room, at that of all the new one is
 * refused: nobody pushes another's out. Fragments that overlap end their datagram, and its later
 * fragments are swallowed (RFC 5722); only an exact copy of one that is there does no harm.
 */
#pragma once

#include "core/base/drop.h"
#include "core/base/frame.h"
#include "core/base/reader.h"
#include "core/base/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IP_REASSEMBLY_DATAGRAMS = 128,        /* unfinished, in all */
    IP_REASSEMBLY_SENDER = 16,            /* of one sender */
    IP_REASSEMBLY_BYTES = 4 << 20,        /* of frames that are kept, in all */
    IP_REASSEMBLY_SENDER_BYTES = 1 << 19, /* of one sender */
    IP_REASSEMBLY_FRAGMENTS = 64,         /* of one datagram */
    IP_REASSEMBLY_S = 15,                 /* from the first fragment that came */
};

struct ip_reassembly;
struct ip_reassembly_stats {
    uint64_t whole;     /* datagrams given out */
    uint64_t expired;   /* datagrams that were not finished in time */
    uint64_t overlap;   /* datagrams with fragments that contradict each other */
    uint64_t crowded;   /* fragments and datagrams given up at a limit, or without a buffer */
    uint64_t malformed; /* fragments that cannot be */
};

/* Whole datagrams are frames of the pool, which lives longer. One thread: the pool's. */
struct ip_reassembly *ip_reassembly_new(struct frame_pool *pool);
void ip_reassembly_free(struct ip_reassembly *r); /* with what is unfinished; NULL is fine */

/* Consumes a frame whose data begins at the IP header. Returns it if it is no fragment, the whole
 * packet if it was the last one missing, else NULL. A packet that is no IP comes back, too.
 * sender: whatever tells senders apart. */
struct frame *
ip_reassembly_take(struct ip_reassembly *r, const void *sender, struct frame *f, int64_t now_us);
/* Gives up what a sender has left unfinished: he is gone. */
void ip_reassembly_forget(struct ip_reassembly *r, const void *sender);
/* When ip_reassembly_expire() has something to do; INT64_MAX: never. */
int64_t ip_reassembly_deadline(const struct ip_reassembly *r);
void ip_reassembly_expire(struct ip_reassembly *r, int64_t now_us);
unsigned ip_reassembly_unfinished(const struct ip_reassembly *r);
const struct ip_reassembly_stats *ip_reassembly_stats(const struct ip_reassembly *r);

/* ---- the inverse ---- */

enum { IP_SPLIT_HEADER_MAX = 256 };

/* On the stack; borrows the packet, copies no payload. Private but for what ip_split_next() says.
 */
struct ip_split {
    struct reader left; /* payload to come */
    size_t most;        /* payload of a piece, a multiple of 8 */
    size_t header_len;
    uint32_t offset; /* in bytes, of the next piece */
    uint8_t version;
    bool more; /* the packet itself was a fragment, and not the last one */
    bool first;
    uint8_t header[IP_SPLIT_HEADER_MAX];
};

/* A packet, header and payload, for a path of that MTU. id: of the datagram, for IPv6. IPv4 keeps
 * the identification that it has. DROP_MTU: it may not be cut (DF, IPv6 that is a fragment), or
 * the MTU has no room for eight bytes; DROP_SHORT, DROP_MALFORMED, DROP_VERSION: no packet. */
enum drop
ip_split_begin(struct ip_split *s, struct reader packet, size_t mtu, uint32_t id) MUST_CHECK;
/* The next piece: header[0..header_len) in the iterator and then payload, in the packet. False
 * after the last one. A packet that fits is one piece, unchanged. */
bool ip_split_next(struct ip_split *s, struct reader *payload) MUST_CHECK;
