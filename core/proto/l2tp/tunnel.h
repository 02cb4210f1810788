/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel.h - the LNS's end of one L2TP tunnel and of the calls in it, as a machine (RFC 2661, 5 to
 * 7). Control messages and time in, control messages and one deadline out; no data, no clock.
 *
 * States: IDLE (only the first message counts) -> OPENING (SCCRQ answered) -> OPEN (SCCCN came) ->
 * CLOSING (our StopCCN is under way) or LINGERING (theirs came; repeated ones are acknowledged) ->
 * OVER. Calls: asked for (ICRP sent) -> up (ICCN came) -> gone. What comes out of order is the
 * channel's business (core/proto/reliable.h).
 *
 * Until a peer whose address nobody vouches for has shown that it gets our packets, it gets one
 * answer for each SCCRQ, never a longer one than that, and nothing by itself.
 */
#pragma once

#include "core/base/reader.h"
#include "core/base/secret.h"
#include "core/proto/l2tp/server.h"
#include "core/proto/l2tp/wire.h"
#include "core/proto/reliable.h"

enum {
    L2TP_SETUP_S = 30, /* for SCCCN, and for ICCN */
    L2TP_SETUP_STRANGER_S = 10,
    L2TP_NO_CALL_S = 45,   /* an open tunnel before its first call */
    L2TP_LAST_CALL_S = 10, /* and after its last one */
    L2TP_HELLO_S = 60,     /* of silence */
    L2TP_LINGER_S = 31,    /* RFC 2661, 5.7: a whole cycle of retransmissions */
    L2TP_REPEATED_S = 60,  /* so long an SCCRQ is taken as one that came late, not as a peer that
                              has forgotten the tunnel */
    L2TP_NAME_MAX = 63,
    L2TP_CALL_BITS = 6, /* of a session id, which say where the call is */
};
_Static_assert(1 << L2TP_CALL_BITS == L2TP_SESSIONS_TUNNEL, "a slot for each call");

enum l2tp_state {
    L2TP_IDLE,
    L2TP_OPENING,
    L2TP_OPEN,
    L2TP_CLOSING,
    L2TP_LINGERING,
    L2TP_OVER,
};

struct l2tp_call {
    uint16_t id, peer_id; /* ours, theirs */
    bool up;
    bool sequenced;     /* data needs sequence numbers (4.4.6) */
    int64_t give_up_us; /* before it is up */
    void *user;         /* the owner's, from call_up() */
};

struct l2tp_tunnel_config {
    uint16_t id;                 /* ours, not 0 */
    bool proven;                 /* somebody vouches for the peer's address */
    const struct secret *secret; /* borrowed; NULL: no authentication of tunnels */
};

struct l2tp_tunnel_ops {
    /* A whole control packet. */
    void (*send)(void *owner, struct reader packet, int64_t now_us);
    /* A call is up: what is to be its user, or NULL: refused. */
    void *(*call_up)(void *owner, struct l2tp_call *call, int64_t now_us);
    /* A call that was up is over, by the peer or with the tunnel; reason: enum pe_error. */
    void (*call_down)(void *owner, struct l2tp_call *call, int reason, int64_t now_us);
    void (*random)(void *owner, void *out, size_t n);
};

/* Fields are for reading, but for heard_us. Callbacks may not free the tunnel: whoever calls looks
 * afterwards whether it is OVER. */
struct l2tp_tunnel {
    struct l2tp_tunnel_config config;
    const struct l2tp_tunnel_ops *ops;
    void *owner;
    enum l2tp_state state;
    uint16_t peer_id;
    char peer_name[L2TP_NAME_MAX + 1]; /* as it came: untrusted, maybe not UTF-8 */
    struct reliable channel;
    bool shown; /* the peer gets what we send */
    uint8_t challenge[L2TP_DIGEST];
    uint8_t answer[L2TP_MESSAGE_MAX]; /* to SCCRQ: a repeated one gets it again */
    size_t answer_len;
    int64_t since_us;
    int64_t heard_us;   /* anything of the peer; the owner sets it when data comes */
    int64_t hello_us;   /* when we asked for a sign of life */
    int64_t give_up_us; /* of the state; 0: never */
    unsigned n_calls;
    struct l2tp_call *call[L2TP_SESSIONS_TUNNEL]; /* owned */
};

struct l2tp_tunnel *l2tp_tunnel_new(const struct l2tp_tunnel_config *config,
                                    const struct l2tp_tunnel_ops *ops, void *owner, int64_t now_us);
/* Says nothing, and call_down() does not come. NULL is fine. */
void l2tp_tunnel_free(struct l2tp_tunnel *t);

/* A control packet for this tunnel, whole, with its header h: its id is in there, or it is an SCCRQ
 * with the peer's id of it. */
void l2tp_tunnel_receive(struct l2tp_tunnel *t, const struct l2tp_header *h, struct reader packet,
                         int64_t now_us);
/* NULL: there is none of that id. */
static inline struct l2tp_call *
l2tp_tunnel_call(const struct l2tp_tunnel *t, uint16_t id)
{
    struct l2tp_call *c = t->call[id % L2TP_SESSIONS_TUNNEL];

    return c && c->id == id ? c : NULL;
}
/* Ends a call (CDN with this result) and frees it; call_down() does not come. */
void
l2tp_tunnel_hang_up(struct l2tp_tunnel *t, struct l2tp_call *call, uint16_t result, int64_t now_us);
/* Ends the tunnel (StopCCN with this result) and all calls. */
void l2tp_tunnel_close(struct l2tp_tunnel *t, uint16_t result, int reason, int64_t now_us);

int64_t l2tp_tunnel_deadline(const struct l2tp_tunnel *t); /* 0: none */
void l2tp_tunnel_tick(struct l2tp_tunnel *t, int64_t now_us);
