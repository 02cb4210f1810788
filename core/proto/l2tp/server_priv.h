/* SPDX-License-Identifier: Apache-2.0 */
/* server_priv.h - what the files of the L2TP server share: the server (server.c), what is on one
 * carrier (link.c), and calls (session.c).
 *
 * Who touches what. A link lives on its carrier's worker, and so does all that is on it. Settings
 * are replaced as a whole; who needs them takes a reference under the lock, never for data.
 */
#pragma once

#include "core/base/worker.h"
#include "core/proto/l2tp/plain.h"
#include "core/proto/l2tp/server.h"
#include "core/proto/l2tp/tunnel.h"
#include "core/proto/ppp/peer.h"
#include "core/proto/ppp/wire.h"

#include <stdatomic.h>

enum {
    L2TP_MTU_MAX = 1400,  /* of IP: what clients of IPsec ask for anyway */
    L2TP_ECHO_S = 25,     /* of LCP: a telephone may sleep for more than a minute */
    L2TP_FIRST_S = 10,    /* a carrier without a tunnel */
    L2TP_REPLACED_S = 20, /* a tunnel that was silent for so long gives way when there are many */
    L2TP_STRAY_S = 1,     /* between two answers to messages of tunnels that are no more */
};

/* Settings in use: immutable, counted. */
struct l2tp_rules {
    atomic_uint refs;
    bool ipsec, plain;
    char *default_hub;
    struct secret *secret;
};

/* The links of one worker; touched by it alone. */
struct l2tp_home {
    struct l2tp_server *server;
    struct worker *worker;
    struct l2tp_link *first;
};

struct l2tp_server {
    struct l2tp_server_config config;
    struct carrier_service service;
    atomic_bool stopped;
    GMutex lock; /* guards rules */
    struct l2tp_rules *rules;

    /* Control thread only. */
    struct l2tp_plain *plain;
    uint16_t plain_port; /* another one in tests */
    char *plain_error;   /* why it is not open although it should be; or NULL */
    guint retry;         /* GSource */

    unsigned n_homes;
    struct l2tp_home home[WORKER_MAX];
};

struct l2tp_rules *l2tp_server_rules(struct l2tp_server *s); /* a reference; any thread */
void l2tp_rules_unref(struct l2tp_rules *r);                 /* NULL is fine; wipes the last one */

/* ---- link.c ---- */

struct l2tp_session;

/* A tunnel in its slot. */
struct l2tp_slot {
    struct l2tp_tunnel *tunnel; /* owned; NULL: free */
    uint16_t id;                /* the tunnel's */
    struct l2tp_link *link;
    struct l2tp_rules *rules; /* a reference, with the tunnel */
};

struct l2tp_link {
    struct l2tp_home *home;
    struct l2tp_link *prev, *next;
    struct carrier *carrier;
    struct l2tp_slot slot[L2TP_TUNNELS_CARRIER];
    struct l2tp_session *sessions; /* owned */
    struct timer timer;
    struct worker_deferred settle; /* what ended is freed, the timer is set */
    int64_t heard_us, first_by_us;
    int64_t stray_us; /* when one of them was answered last; 0: never */
};

void l2tp_link_service(struct l2tp_server *s, struct carrier_service *out);
/* At the end of the turn: looks what has ended. */
void l2tp_link_settle(struct l2tp_link *l);
/* Takes leave of all peers of a worker that come by (un)proven carriers, on it. */
void l2tp_home_stop(struct l2tp_home *home, bool proven, bool unproven, int64_t now_us);

/* ---- stray.c ---- */

/* What a control message of a peer gets whose tunnel we do not have; w stays empty: nothing. Its
 * tunnel's number is the peer's own (see link.c). */
void l2tp_stray_answer(struct l2tp_server *s, const struct l2tp_header *h, struct writer *w);

/* ---- session.c ---- */

struct l2tp_session {
    struct l2tp_link *link;
    struct l2tp_session *next;
    struct l2tp_slot *slot;
    struct l2tp_call *call; /* NULL: it is over, and the session is to be freed */
    struct ppp_peer *ppp;
    int reason;  /* of its end, if nobody is asked any more */
    uint16_t ns; /* of data, when it is numbered */
    size_t header_len;
    uint8_t header[L2TP_DATA_HEADER_SEQUENCE];
};

/* A call is up: begins PPP on it. */
struct l2tp_session *
l2tp_session_new(struct l2tp_slot *slot, struct l2tp_call *call, int64_t now_us);
/* Not from inside of a callback of its PPP. */
void l2tp_session_free(struct l2tp_session *s, int64_t now_us);
