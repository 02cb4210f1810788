/* SPDX-License-Identifier: Apache-2.0 */
/* udp_port.c - see udp_port.h.
 *
 * One look at a socket reads up to PIECES pieces, each one datagram or a train of equal ones, and a
 * turn takes up to ROUNDS looks, so that one port does not starve the rest of the worker. Errors
 * that the network reports for packets of ours are nobody's business here: a socket ends only with
 * its port.
 *
 * Peers send their packets one by one, and to be woken for each costs more than to open it. So a
 * socket where more than BUSY arrive in a tick is read once a tick and not watched meanwhile, until
 * it is quiet again: at that rate nobody notices the delay, and batches are real ones.
 */

#include "core/proto/udp_port.h"

#include <string.h>

enum {
    PIECE = 65535,
    PIECES = WORKER_SCRATCH / PIECE,
    ROUNDS = 16,
    BUSY = 6,  /* datagrams in a tick of the timer wheel */
    QUIET = 3, /* fewer than that in a tick: it is watched again */
    TRAIN_DATAGRAMS = 64,
    TRAIN_BYTES = 64000,
};

bool
udp_source_remote(const struct udp_source *from, struct endpoint *out)
{
    uint64_t aligned[sizeof(from->peer) / sizeof(uint64_t)];

    memcpy(aligned, from->peer, sizeof(from->peer));
    return endpoint_from_sockaddr((const struct sockaddr *)(const void *)aligned, out);
}

void
udp_source_local(const struct udp_source *from, struct endpoint *out)
{
    *out = (struct endpoint){.ip.family = from->local[0], .port = from->port};
    memcpy(out->ip.b, from->local + 4, sizeof(out->ip.b));
}

/* ---- reading ---- */

static unsigned
take_piece(struct udp_port *p, const struct pf_datagram *d, int64_t now_us)
{
    struct udp_source from = {.port = p->port};
    uint8_t *at = d->data.at;
    size_t left = d->data.len;
    size_t step = d->segment > 0 ? d->segment : left;
    unsigned n = 0;

    memcpy(from.peer, d->peer, sizeof(from.peer));
    memcpy(from.local, d->local, sizeof(from.local));
    for (; left > 0; n++) {
        size_t len = MIN(step, left);
        p->ops->datagram(p->owner, &from, at, len, now_us);
        at += len;
        left -= len;
    }
    return n;
}

/* Reads what is there. How many datagrams. */
static unsigned
read_all(struct udp_port *p, int64_t now_us)
{
    struct pf_datagram d[PIECES];
    unsigned sum = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint8_t *rx = worker_scratch(p->worker, WORKER_SCRATCH_RX);
        for (unsigned i = 0; i < PIECES; i++)
            d[i].data = (struct pf_slice){rx + (size_t)i * PIECE, PIECE};
        int n = pf_udp_recv(p->udp, d, PIECES);
        for (int i = 0; i < n; i++)
            sum += take_piece(p, &d[i], now_us);
        if (n < (int)PIECES)
            break;
    }
    p->ops->flush(p->owner, now_us);
    return sum;
}

static void
read_by(struct udp_port *p, bool clock, int64_t now_us)
{
    worker_fd_want(p->worker, &p->wfd, clock ? 0 : WORKER_READ);
    if (clock)
        timer_arm(worker_timers(p->worker), &p->look, now_us + TIMER_TICK_US);
    p->seen = 0;
    p->counted_us = now_us;
}

static void
on_readable(struct worker_fd *wfd, unsigned events, int64_t now_us)
{
    struct udp_port *p = container_of(wfd, struct udp_port, wfd);

    (void)events;
    if (timer_is_armed(&p->look)) /* an error, which is told in any case */
        return;
    if (now_us - p->counted_us >= TIMER_TICK_US) {
        p->seen = 0;
        p->counted_us = now_us;
    }
    p->seen += read_all(p, now_us);
    if (p->seen > BUSY)
        read_by(p, true, now_us);
}

static void
on_tick(struct timer *t, int64_t now_us)
{
    struct udp_port *p = container_of(t, struct udp_port, look);

    unsigned n = read_all(p, now_us);

    read_by(p, n >= QUIET && n < ROUNDS * PIECES, now_us); /* more than that cannot wait */
}

/* ---- life ---- */

static struct pf_udp *
open_socket(uint16_t port, bool shared, GError **error)
{
    static const uint8_t families[] = {6, 4}; /* a host may have no IPv6 */
    struct pf_udp *udp = NULL;

    for (unsigned i = 0; i < G_N_ELEMENTS(families) && !udp; i++) {
        uint64_t sa[16]; /* a struct sockaddr_storage */
        const struct endpoint any = {.ip.family = families[i], .port = port};
        unsigned len = endpoint_to_sockaddr(&any, sa);
        udp = pf_udp_open((const struct sockaddr *)sa, len, shared, i > 0 ? error : NULL);
    }
    return udp;
}

static struct udp_port *
port_new(struct worker *w, uint16_t port, struct pf_udp *udp)
{
    struct udp_port *p = g_new0(struct udp_port, 1);

    p->worker = w;
    p->udp = udp;
    p->port = port;
    timer_init(&p->look, on_tick);
    p->wfd = (struct worker_fd){.fd = pf_udp_fd(udp), .want = WORKER_READ, .ready = on_readable};
    return p;
}

/* Somebody else may have it and would share it with us: then it is not ours. */
static bool
is_free(uint16_t port, GError **error)
{
    struct pf_udp *udp = open_socket(port, false, error);

    pf_udp_close(udp);
    return udp != NULL;
}

bool
udp_port_open_all(struct worker_set *workers, uint16_t port, const struct udp_port_ops *ops,
                  void *const *owner, struct udp_port **out, GError **error)
{
    unsigned n = worker_set_n(workers);

    if (!is_free(port, error))
        return false;
    for (unsigned i = 0; i < n; i++) {
        struct pf_udp *udp = open_socket(port, true, error);
        if (!udp) {
            while (i > 0)
                udp_port_close(out[--i]);
            return false;
        }
        out[i] = port_new(worker_set_get(workers, i), port, udp);
        out[i]->ops = ops;
        out[i]->owner = owner[i];
    }
    return true;
}

bool
udp_port_open_raw_all(struct worker_set *workers, int family, uint8_t protocol,
                      const struct udp_port_ops *ops, void *const *owner, struct udp_port **out)
{
    unsigned n = worker_set_n(workers);

    for (unsigned i = 0; i < n; i++) {
        struct pf_udp *raw = pf_raw_open(family, protocol, (uint8_t)(i + 1), NULL);
        if (!raw) {
            while (i > 0)
                udp_port_close(out[--i]);
            return false;
        }
        out[i] = port_new(worker_set_get(workers, i), 0, raw);
        out[i]->ops = ops;
        out[i]->owner = owner[i];
    }
    return true;
}

void
udp_port_watch(struct udp_port *p)
{
    (void)worker_fd_add(p->worker, &p->wfd); /* refused: a port that is deaf here */
}

void
udp_port_close(struct udp_port *p)
{
    if (!p)
        return;
    if (worker_current() == p->worker) {
        worker_fd_remove(p->worker, &p->wfd);
        timer_cancel(worker_timers(p->worker), &p->look);
    }
    pf_udp_close(p->udp);
    g_free(p);
}

/* ---- sending ---- */

void
udp_port_send(struct udp_port *p, const struct udp_source *to, const uint8_t *bytes, size_t len)
{
    struct pf_datagram d = {.data = {(void *)(uintptr_t)bytes, len}};

    memcpy(d.peer, to->peer, sizeof(d.peer));
    memcpy(d.local, to->local, sizeof(d.local));
    (void)pf_udp_send(p->udp, &d, 1);
}

void
udp_tx_begin(struct udp_tx *tx, struct udp_port *p, const struct udp_source *to)
{
    tx->port = p;
    tx->to = to;
    tx->at = worker_scratch(p->worker, WORKER_SCRATCH_TX);
    tx->used = 0;
    tx->n = tx->train = tx->lost = 0;
    tx->train_is_closed = false;
}

void
udp_tx_flush(struct udp_tx *tx)
{
    if (tx->n > 0) {
        int taken = pf_udp_send(tx->port->udp, tx->d, tx->n);
        for (unsigned i = taken > 0 ? (unsigned)taken : 0; i < tx->n; i++)
            tx->lost += (unsigned)((tx->d[i].data.len + tx->d[i].segment - 1) / tx->d[i].segment);
    }
    tx->used = 0;
    tx->n = 0;
}

static bool
joins_train(const struct udp_tx *tx, size_t len)
{
    if (tx->n == 0 || tx->train_is_closed || tx->train >= TRAIN_DATAGRAMS || tx->port->port == 0)
        return false;
    const struct pf_datagram *last = &tx->d[tx->n - 1];
    return len <= last->segment && last->data.len + len <= TRAIN_BYTES;
}

uint8_t *
udp_tx_room(struct udp_tx *tx, size_t len)
{
    if (tx->used + len > WORKER_SCRATCH || (tx->n == UDP_TX_PIECES && !joins_train(tx, len)))
        udp_tx_flush(tx);
    return tx->at + tx->used;
}

void
udp_tx_add(struct udp_tx *tx, size_t len)
{
    if (joins_train(tx, len)) {
        struct pf_datagram *last = &tx->d[tx->n - 1];
        last->data.len += len;
        tx->train++;
        tx->train_is_closed = len < last->segment;
    } else {
        struct pf_datagram *d = &tx->d[tx->n++];
        d->data = (struct pf_slice){tx->at + tx->used, len};
        d->segment = (uint16_t)len;
        memcpy(d->peer, tx->to->peer, sizeof(d->peer));
        memcpy(d->local, tx->to->local, sizeof(d->local));
        tx->train = 1;
        tx->train_is_closed = false;
    }
    tx->used += len;
}
