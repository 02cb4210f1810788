/* SPDX-License-Identifier: Apache-2.0 */
/* nat_tcp.h - the TCP endpoint that a client of the NAT talks to, as a machine (RFC 9293).
 *
 * Theory of operation. A client opens a connection to somebody outside; here it ends, and its bytes
 * go on through a socket of the system, which does the same towards the outside. So each half has a
 * control loop of its own length, and a lost packet in the tunnel is repaired from here.
 *
 * The machine knows two sides. The client's: segments in (nat_tcp_receive), segments out
 * (ops->segment). The socket's: ops->recv, ops->send, ops->shutdown, and the events
 * nat_tcp_connected, _failed, _readable, _writable. And one deadline (nat_tcp_deadline, _tick).
 * nat_tcp_flush() ends each turn: it writes to the socket what came in, reads from it what may be
 * sent, and sends that with the acknowledgement.
 *
 * Passive opening only: the SYN is answered when the socket is connected, so that a client sees a
 * refused connection as such. MSS, window scale, SACK, timestamps with PAWS (RFC 7323).
 *
 * To the client: bytes are read from the socket only when they may be sent at once, so the socket's
 * own buffer is the queue, and what is kept here is what may have to be sent again. Segments are
 * up to 64 KiB long, to be cut by whoever needs it. CUBIC (nat_cc.h), losses by RACK with a
 * tail-loss probe (RFC 8985), without SACK by duplicate acknowledgements; RTO of RFC 6298.
 *
 * From the client: payload in order is written from where it lies, without a copy, by one call for
 * a whole batch. What the socket does not take, or came out of order, is kept, and the window that
 * is offered is what is left of a limit that grows with what arrives in a round trip.
 *
 * Offsets: 64 bits, never wrap; 0 is the SYN, 1 the first byte, the FIN behind the last.
 * Memory: nat_buffer.h, at most NAT_BUFFER_MAX a direction, together what the store gives.
 */
#pragma once

#include "core/base/reader.h"
#include "core/base/types.h"
#include "core/hub/nat/nat_buffer.h"
#include "core/hub/nat/nat_cc.h"
#include "core/net/tcp.h"

enum {
    NAT_TCP_RANGES = 32,     /* pieces out of order that are kept */
    NAT_TCP_PENDING = 64,    /* slices that one call writes */
    NAT_TCP_SENT_MAX = 4096, /* records of what is in flight */
    NAT_TCP_BURST = 64000,   /* payload of one segment at most */
    NAT_TCP_OPTIONS_MAX = 40,
    NAT_TCP_SACKS = 4,
    NAT_TCP_MSS_MIN = 88,
    NAT_TCP_TIME_WAIT_US = 5 * 1000 * 1000,
};

struct nat_tcp;

/* A segment from the client. */
struct nat_segment {
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window;
    bool has_ts;
    uint32_t ts_val, ts_ecr;
    unsigned n_sacks;
    struct {
        uint32_t start, end;
    } sack[NAT_TCP_SACKS];
    /* of a SYN */
    uint16_t mss; /* 0: not said */
    bool sack_ok, has_scale;
    uint8_t scale;
    struct reader payload;
};
/* Fills in all from the header; options that are malformed are passed over. */
void nat_segment_read(const struct tcp *tcp, struct nat_segment *out);

/* A segment to the client. */
struct nat_tcp_out {
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window; /* as it stands in the header */
    uint8_t options[NAT_TCP_OPTIONS_MAX];
    unsigned options_len; /* a multiple of four */
    const struct nat_buffer *from;
    uint64_t at; /* payload: in the buffer, from this offset */
    uint32_t len;
    uint32_t mss; /* payload of each piece on the wire */
};

struct nat_tcp_ops {
    /* Borrowed. Loss is no error. */
    void (*segment)(void *owner, const struct nat_tcp_out *out);
    /* As pf_recv() and pf_send(), into and from several slices. */
    long (*recv)(void *owner, const struct pf_slice *iov, unsigned n);
    long (*send)(void *owner, const struct pf_slice *iov, unsigned n);
    /* Nothing more will be sent. */
    void (*shutdown)(void *owner);
};

enum nat_tcp_phase {
    NAT_TCP_CONNECTING, /* the socket is */
    NAT_TCP_SYN_RECEIVED,
    NAT_TCP_OPEN,
    NAT_TCP_TIME_WAIT, /* both directions have ended; the socket is not needed any more */
    NAT_TCP_CLOSED,    /* forget it */
};

struct nat_tcp_config {
    const struct nat_tcp_ops *ops;
    void *owner;
    struct nat_store *store; /* outlives the machine */
    uint16_t mss;            /* the longest that fits into the client's network */
    uint32_t iss, ts_offset;
    int64_t idle_us; /* then the client is asked whether it is still there */
};

/* What was sent and not yet acknowledged, in the order of offsets, without gaps. */
struct nat_sent {
    uint64_t start, end;
    int64_t sent_us; /* last */
    bool sacked, lost;
    bool again; /* not the first time: no round-trip sample */
};

struct nat_range {
    uint64_t start, end;
};

struct nat_tcp {
    const struct nat_tcp_ops *ops;
    void *owner;
    enum nat_tcp_phase phase;
    bool reset_socket; /* CLOSED by a reset: the outside should see one, too */
    bool dirty;        /* private to whoever collects machines to flush */
    uint32_t mss;      /* payload of a segment */
    uint16_t our_mss;
    bool has_ts, has_sack, has_scale;
    uint8_t snd_scale;
    uint32_t ts_offset, ts_recent;
    int64_t ts_recent_us, idle_us;

    /* To the client. */
    uint32_t iss;
    uint64_t una, nxt; /* acknowledged before; sent before */
    uint64_t end;      /* read from the socket before */
    uint64_t edge;     /* window of the client ends */
    uint64_t wnd_seq, wnd_ack;
    bool eof;      /* the socket has no more: the FIN's offset is end */
    bool may_read; /* the socket may have something */
    bool limited;  /* the congestion window held something back */
    struct nat_buffer out;
    struct nat_sent *sent; /* owned */
    unsigned n_sent, sent_cap, sent_first;
    uint64_t pipe;   /* bytes thought to be on their way */
    uint64_t sacked; /* bytes */
    uint64_t lost;   /* bytes to be sent again */
    struct nat_cc cc;
    bool recovering;
    uint64_t recover; /* until this is acknowledged */
    unsigned dup_acks;
    int64_t srtt_us, rttvar_us, rto_us, min_rtt_us, min_rtt_at_us;
    unsigned backoff;
    int64_t rack_sent_us, rack_rtt_us;
    uint64_t rack_end;
    int64_t rto_at_us, probe_at_us, reorder_at_us; /* 0: off */
    int64_t retry_at_us;                           /* there was no memory to read into */
    int64_t last_sent_us;
    bool probing; /* a tail-loss probe is out */
    uint64_t bytes_out;

    /* From the client. */
    uint32_t irs;
    uint64_t rcv;   /* all before has come */
    uint64_t taken; /* all before is in the socket */
    uint64_t adv;   /* the window that was offered ends */
    uint64_t limit; /* of what is kept */
    uint64_t mark;  /* rcv at mark_us */
    int64_t mark_us;
    bool got_fin, blocked, shut, broken;
    uint64_t fin; /* offset of the client's FIN; 0: not seen */
    struct nat_buffer in;
    struct nat_range range[NAT_TCP_RANGES]; /* out of order, sorted */
    unsigned n_ranges;
    uint64_t last_range;                      /* start of the one that grew last */
    struct pf_slice pending[NAT_TCP_PENDING]; /* in order, in the caller's memory */
    unsigned n_pending;
    uint64_t pending_end;
    bool ack_now;
    int64_t challenge_us, heard_us, idle_at_us;
    unsigned unheard;
    uint64_t bytes_in;
};

/* A SYN has come, and the socket is connecting. */
void nat_tcp_open(struct nat_tcp *t, const struct nat_tcp_config *config,
                  const struct nat_segment *syn, int64_t now_us);
/* Frees what it holds; says nothing to anybody. */
void nat_tcp_done(struct nat_tcp *t);

void nat_tcp_connected(struct nat_tcp *t, int64_t now_us);
/* The socket could not be connected, or broke: the client is told by a reset. */
void nat_tcp_failed(struct nat_tcp *t);
/* The payload must stay where it is until nat_tcp_flush(). */
void nat_tcp_receive(struct nat_tcp *t, const struct nat_segment *s, int64_t now_us);
void nat_tcp_readable(struct nat_tcp *t);
void nat_tcp_writable(struct nat_tcp *t);
void nat_tcp_flush(struct nat_tcp *t, int64_t now_us);
int64_t nat_tcp_deadline(const struct nat_tcp *t); /* 0: none */
/* Follow it by nat_tcp_flush(). */
void nat_tcp_tick(struct nat_tcp *t, int64_t now_us);

/* What the poller should watch the socket for. */
static inline bool
nat_tcp_wants_read(const struct nat_tcp *t)
{
    return t->phase == NAT_TCP_OPEN && !t->may_read && !t->eof;
}

static inline bool
nat_tcp_wants_write(const struct nat_tcp *t)
{
    return t->phase == NAT_TCP_CONNECTING || (t->phase == NAT_TCP_OPEN && t->blocked);
}
