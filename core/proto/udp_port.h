/* SPDX-License-Identifier: Apache-2.0 */
/* udp_port.h - a UDP port of a server: one socket a worker, which the system spreads peers over;
 * datagrams in batches both ways.
 *
 * Who uses it opens one port a worker with udp_port_open_all(). Own thread of the port's worker,
 * unless a function says otherwise.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/types.h"
#include "core/base/worker.h"
#include "platform/platform.h"

#include <glib.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a datagram came from, as the system tells it: what an answer needs. May travel in front of
 * the datagram between workers. */
struct udp_source {
    unsigned char peer[32], local[20]; /* see struct pf_datagram */
    uint16_t port;                     /* ours; 0: a raw one */
};
bool udp_source_remote(const struct udp_source *from, struct endpoint *out) MUST_CHECK;
/* Ours, with the address that was asked; without one where the system did not tell. */
void udp_source_local(const struct udp_source *from, struct endpoint *out);

struct udp_port_ops {
    /* One datagram. The bytes may be changed, and are gone afterwards. */
    void (*datagram)(void *owner, const struct udp_source *from, uint8_t *bytes, size_t len,
                     int64_t now_us);
    /* After the last one that is at hand: what was gathered is to be handed on. */
    void (*flush)(void *owner, int64_t now_us);
};

/* Fields are its own but where it says so. */
struct udp_port {
    const struct udp_port_ops *ops;
    void *owner;
    struct worker *worker;
    struct pf_udp *udp;
    struct worker_fd wfd;
    uint16_t port;         /* may be read; 0: a raw one */
    struct udp_port *next; /* the owner's, for a list */
    struct timer look;     /* armed while it is read by the clock */
    unsigned seen;         /* datagrams since counted_us */
    int64_t counted_us;
};

/* Control thread: opens the port on all addresses of both families, once for each of n workers (at
 * most WORKER_MAX), none of them watched yet. owner[i] is that of the i-th. False and error; also
 * when somebody else has it who would share it. */
bool udp_port_open_all(struct worker_set *workers, uint16_t port, const struct udp_port_ops *ops,
                       void *const *owner, struct udp_port **out, GError **error);
/* The same for packets of an IP protocol without ports. Of what is received each worker sees only
 * what has its number, counted from 1, as its first byte. False: it may not. */
bool
udp_port_open_raw_all(struct worker_set *workers, int family, uint8_t protocol,
                      const struct udp_port_ops *ops, void *const *owner, struct udp_port **out);
/* Watches it from now on. */
void udp_port_watch(struct udp_port *p);
/* Closes and frees it; also on the control thread as long as it is not watched. NULL is fine. */
void udp_port_close(struct udp_port *p);
/* One datagram; what the system does not take is lost. */
void
udp_port_send(struct udp_port *p, const struct udp_source *to, const uint8_t *bytes, size_t len);

/* ---- many datagrams to one peer ---- */

enum { UDP_TX_PIECES = 64 };

/* Datagrams are written one behind the other into the worker's TX scratch; runs of equal ones leave
 * as trains, and all of it by few calls. On the stack. */
struct udp_tx {
    struct udp_port *port;
    const struct udp_source *to; /* borrowed */
    uint8_t *at;
    size_t used;
    unsigned n;           /* pieces */
    unsigned train;       /* datagrams of the last one */
    bool train_is_closed; /* it has its shorter last datagram */
    unsigned lost;        /* datagrams that the system did not take */
    struct pf_datagram d[UDP_TX_PIECES];
};
void udp_tx_begin(struct udp_tx *tx, struct udp_port *p, const struct udp_source *to);
/* Room for a datagram of at most len bytes; sends what is there if there is none. */
uint8_t *udp_tx_room(struct udp_tx *tx, size_t len);
/* There are len bytes in the room now. */
void udp_tx_add(struct udp_tx *tx, size_t len);
/* Sends all. */
void udp_tx_flush(struct udp_tx *tx);
