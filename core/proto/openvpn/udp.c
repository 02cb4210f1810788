/* SPDX-License-Identifier: Apache-2.0 */
/* udp.c - see udp.h.
 *
 * One look at a socket reads up to PIECES pieces, each one datagram or a train of equal ones, and a
 * turn takes up to ROUNDS looks, so that one port does not starve the rest of the worker. Errors
 * that the network reports for packets of ours are nobody's business here: a socket ends only with
 * its port.
 *
 * Clients send their packets one by one, and to be woken for each costs more than to open it. So a
 * socket where more than BUSY arrive in a tick is read once a tick and not watched meanwhile, until
 * it is quiet again: at that rate nobody notices the delay, and batches are real ones.
 */

#include "core/proto/openvpn/udp.h"

#include <string.h>

enum {
    PIECE = 65535,
    PIECES = WORKER_SCRATCH / PIECE,
    ROUNDS = 16,
    BUSY = 6,  /* datagrams in a tick of the timer wheel */
    QUIET = 3, /* fewer than that in a tick: it is watched again */
};

static unsigned
take_piece(struct ovpn_socket *s, const struct pf_datagram *d, int64_t now_us)
{
    struct ovpn_source from = {.port = s->port};
    uint8_t *at = d->data.at;
    size_t left = d->data.len;
    size_t step = d->segment > 0 ? d->segment : left;
    unsigned n = 0;

    memcpy(from.peer, d->peer, sizeof(from.peer));
    memcpy(from.local, d->local, sizeof(from.local));
    for (; left > 0; n++) {
        size_t len = MIN(step, left);
        ovpn_home_datagram(s->home, &from, at, len, now_us);
        at += len;
        left -= len;
    }
    return n;
}

/* Reads what is there. How many datagrams. */
static unsigned
read_all(struct ovpn_socket *s, int64_t now_us)
{
    struct pf_datagram d[PIECES];
    unsigned sum = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint8_t *rx = worker_scratch(s->home->worker, WORKER_SCRATCH_RX);
        for (unsigned i = 0; i < PIECES; i++)
            d[i].data = (struct pf_slice){rx + (size_t)i * PIECE, PIECE};
        int n = pf_udp_recv(s->udp, d, PIECES);
        for (int i = 0; i < n; i++)
            sum += take_piece(s, &d[i], now_us);
        if (n < (int)PIECES)
            break;
    }
    ovpn_home_flush(s->home, now_us);
    return sum;
}

static void
watch(struct ovpn_socket *s, bool by_clock, int64_t now_us)
{
    struct worker *w = s->home->worker;

    worker_fd_want(w, &s->wfd, by_clock ? 0 : WORKER_READ);
    if (by_clock)
        timer_arm(worker_timers(w), &s->look, now_us + TIMER_TICK_US);
    s->seen = 0;
    s->counted_us = now_us;
}

static void
on_readable(struct worker_fd *wfd, unsigned events, int64_t now_us)
{
    struct ovpn_socket *s = container_of(wfd, struct ovpn_socket, wfd);

    (void)events;
    if (timer_is_armed(&s->look)) /* an error, which is told in any case */
        return;
    if (now_us - s->counted_us >= TIMER_TICK_US) {
        s->seen = 0;
        s->counted_us = now_us;
    }
    s->seen += read_all(s, now_us);
    if (s->seen > BUSY)
        watch(s, true, now_us);
}

static void
on_tick(struct timer *t, int64_t now_us)
{
    struct ovpn_socket *s = container_of(t, struct ovpn_socket, look);

    unsigned n = read_all(s, now_us);

    watch(s, n >= QUIET && n < ROUNDS * PIECES, now_us); /* more than that cannot wait */
}

struct ovpn_socket *
ovpn_socket_open(struct ovpn_home *h, uint16_t port, GError **error)
{
    uint64_t sa[16]; /* a struct sockaddr_storage */
    struct endpoint any = {.ip.family = 6, .port = port};
    unsigned len = endpoint_to_sockaddr(&any, sa);
    struct pf_udp *udp = pf_udp_open((const struct sockaddr *)sa, len, true, NULL);

    if (!udp) { /* a host without IPv6 */
        any.ip.family = 4;
        len = endpoint_to_sockaddr(&any, sa);
        udp = pf_udp_open((const struct sockaddr *)sa, len, true, error);
    }
    if (!udp)
        return NULL;
    struct ovpn_socket *s = g_new0(struct ovpn_socket, 1);
    *s = (struct ovpn_socket){.home = h, .udp = udp, .port = port};
    timer_init(&s->look, on_tick);
    s->wfd = (struct worker_fd){.fd = pf_udp_fd(udp), .want = WORKER_READ, .ready = on_readable};
    return s;
}

void
ovpn_socket_add(struct ovpn_socket *s)
{
    s->next = s->home->sockets;
    s->home->sockets = s;
    (void)worker_fd_add(s->home->worker, &s->wfd); /* refused: a port that is deaf here */
}

void
ovpn_socket_close(struct ovpn_socket *s)
{
    for (struct ovpn_socket **at = &s->home->sockets; *at; at = &(*at)->next) {
        if (*at != s)
            continue;
        *at = s->next;
        worker_fd_remove(s->home->worker, &s->wfd);
        timer_cancel(worker_timers(s->home->worker), &s->look);
        break;
    }
    pf_udp_close(s->udp);
    g_free(s);
}

struct ovpn_socket *
ovpn_socket_of_port(const struct ovpn_home *h, uint16_t port)
{
    struct ovpn_socket *s = h->sockets;

    while (s && s->port != port)
        s = s->next;
    return s;
}

void
ovpn_socket_send(struct ovpn_socket *s, const struct ovpn_source *to, const uint8_t *bytes,
                 size_t len)
{
    struct pf_datagram d = {.data = {(void *)(uintptr_t)bytes, len}};

    memcpy(d.peer, to->peer, sizeof(d.peer));
    memcpy(d.local, to->local, sizeof(d.local));
    (void)pf_udp_send(s->udp, &d, 1);
}
