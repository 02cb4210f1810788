/* SPDX-License-Identifier: Apache-2.0 */
/* path.c - carriers of a peer: which child is for what, and payloads from ESP to services. */

#include "core/base/error.h"
#include "core/proto/ipsec/inner.h"
#include "core/proto/ipsec/peer.h"

#include <string.h>

enum { LOG_BURST = 5, LOG_TEXT = 80 };

/* ---- which children are for us ---- */

static bool
is_wide(const struct esp_selector *s)
{
    return s->first.family == 0 || !ip_equal(&s->first, &s->last);
}

static bool
is_routers(uint8_t protocol)
{
    return protocol == CARRIER_ETHERIP || protocol == CARRIER_L2TPV3;
}

const char *
ipsec_path_refuses(const struct ipsec_peer *p, const struct esp_child *sa)
{
    uint8_t protocol = sa->local.protocol > 0 ? sa->local.protocol : sa->remote.protocol;

    if (sa->local.protocol > 0 && sa->remote.protocol > 0 &&
        sa->local.protocol != sa->remote.protocol)
        return "its selectors contradict each other";
    if (protocol != 0 && protocol != CARRIER_UDP && !is_routers(protocol))
        return "its selectors are for neither L2TP nor EtherIP";
    if (protocol == CARRIER_UDP && sa->local.port != 0 && sa->local.port != CARRIER_L2TP_PORT)
        return "its selectors are for another UDP port than L2TP's";
    if (is_routers(protocol) && !p->router)
        return "its identity is not in the register of routers";
    if (sa->tunnel && !p->router && is_wide(&sa->local))
        return "it wants a tunnel for IP; only L2TP and the routers' protocols are spoken here";
    return NULL;
}

/* ---- carriers ---- */

static struct ipsec_carrier *
find(const struct ipsec_peer *p, uint8_t protocol, uint16_t remote_port)
{
    struct ipsec_carrier *c = p->carriers;

    while (c && (c->closed || c->c.protocol != protocol || c->c.remote_port != remote_port))
        c = c->next;
    return c;
}

static bool
update(struct ipsec_carrier *c)
{
    const struct ipsec_peer *p = c->peer;
    const struct ipsec_child *by = ipsec_child_to_send(p);
    struct carrier was = c->c;

    c->c.remote = p->remote;
    c->c.local = p->local;
    if (by) {
        c->c.mtu = ipsec_path_mtu(c, by);
        c->c.cipher = esp_suite_name(&by->sa.suite);
    }
    return was.mtu != c->c.mtu || was.cipher != c->c.cipher ||
           !ipsec_endpoint_same(&was.remote, &c->c.remote) ||
           !ipsec_endpoint_same(&was.local, &c->c.local);
}

void
ipsec_path_changed(struct ipsec_peer *p, int64_t now_us)
{
    for (struct ipsec_carrier *c = p->carriers; c; c = c->next)
        if (!c->closed && update(c) && c->c.service->changed)
            c->c.service->changed(c->c.link, now_us);
}

static void
forget(struct ipsec_carrier *c, int64_t now_us)
{
    struct ipsec_peer *p = c->peer;
    struct ipsec_home *h = p->home;

    if (c->closed)
        return;
    c->closed = true;
    if (h->rx_carrier == c) {
        h->rx_carrier = NULL;
        batch_free_frames(&h->rx);
    }
    p->n_carriers--;
    if (p->n_carriers == 0)
        p->no_carrier_us = now_us;
    ipsec_home_chore(h, p);
}

void
ipsec_path_close(struct ipsec_carrier *c, int reason, int64_t now_us)
{
    if (c->closed)
        return;
    forget(c, now_us);
    c->c.service->closed(c->c.link, reason, now_us);
}

void
ipsec_path_free(struct ipsec_carrier *c)
{
    g_free(c);
}

void
ipsec_path_close_by_service(struct carrier *carrier, int reason, int64_t now_us)
{
    (void)reason;
    forget(container_of(carrier, struct ipsec_carrier, c), now_us);
}

int64_t
ipsec_path_last_heard(const struct ipsec_peer *p)
{
    int64_t last = 0;

    for (struct ipsec_carrier *c = p->carriers; c; c = c->next) {
        const struct carrier_service *s = c->c.service;
        if (!c->closed && s->last_heard_us)
            last = MAX(last, s->last_heard_us(c->c.link));
    }
    return last;
}

static const struct carrier_service *
who_recognises(const struct ipsec_carrier *c, struct reader first)
{
    const struct carrier_service *const *s = c->peer->home->server->config.services;

    for (; s && *s; s++)
        if ((*s)->recognises((*s)->state, &c->c, first))
            return *s;
    return NULL;
}

/* A client may send thousands of packets more to what it believes to be there. */
static void
log_nobody(struct ipsec_peer *p, uint8_t protocol, const char *why, int64_t now_us)
{
    char at[ENDPOINT_TEXT];
    char id[LOG_TEXT];
    unsigned left_out = 0;

    if (p->told_us != 0 && now_us - p->told_us < IPSEC_TOLD_S * G_USEC_PER_SEC)
        return;
    p->told_us = now_us;
    if (log_limit_pass(&p->home->log_service, LOG_BURST, now_us, &left_out))
        log_warning(
            "IPsec peer is not served", "peer=%s identity=%s protocol=%u reason=\"%s\" left_out=%u",
            endpoint_print(&p->remote, at),
            log_text(id, sizeof(id), p->identity, strlen(p->identity)), protocol, why, left_out);
}

/* A payload that opens nothing: somebody may know what the peer means. */
static void
on_stray(struct ipsec_carrier *c, struct reader payload, int64_t now_us)
{
    struct ipsec_peer *p = c->peer;
    const struct carrier_service *const *s = p->home->server->config.services;
    uint8_t bytes[CARRIER_ANSWER];
    struct writer answer = writer_of(bytes, sizeof(bytes));
    const char *what = NULL;

    for (; s && *s && !what; s++)
        what = (*s)->stray ? (*s)->stray((*s)->state, &c->c, payload, &answer) : NULL;
    if (answer.len > 0 &&
        (p->stray_us == 0 || now_us - p->stray_us >= IPSEC_STRAY_MS * G_TIME_SPAN_MILLISECOND)) {
        p->stray_us = now_us;
        ipsec_path_ops.send_control(&c->c, reader_of(bytes, answer.len), now_us);
    }
    if (!what)
        what = is_routers(c->c.protocol) && !p->router
                   ? "its identity is not in the register of routers"
                   : "no service knows what it says";
    log_nobody(p, c->c.protocol, what, now_us);
}

/* The carrier on which a service is, or NULL. first: the payload, or empty. */
static struct ipsec_carrier *
open_carrier(struct ipsec_child *by, uint8_t protocol, uint16_t remote_port, struct reader first,
             int64_t now_us)
{
    struct ipsec_peer *p = by->peer;

    if (p->n_carriers >= IPSEC_CARRIERS)
        return NULL;
    struct ipsec_carrier *c = g_new0(struct ipsec_carrier, 1);
    c->peer = p;
    c->c = (struct carrier){
        .ops = &ipsec_path_ops,
        .worker = p->home->worker,
        .protocol = protocol,
        .remote_port = remote_port,
        .proven = true,
        .below = "IPsec",
        .identity = p->identity,
        .router = p->router,
    };
    (void)update(c);
    const struct carrier_service *s = who_recognises(c, first);
    if (!s) {
        if (first.left > 0)
            on_stray(c, first, now_us);
        ipsec_path_free(c);
        return NULL;
    }
    c->c.service = s;
    c->next = p->carriers;
    p->carriers = c;
    p->n_carriers++;
    p->had_carrier = true;
    void *link = s->opened(s->state, &c->c, now_us);
    if (link && !c->closed) {
        c->c.link = link;
        return c;
    }
    forget(c, now_us);
    return NULL;
}

void
ipsec_path_announce(struct ipsec_child *c, int64_t now_us)
{
    const struct esp_selector *remote = &c->sa.remote;
    uint8_t protocol = c->sa.local.protocol > 0 ? c->sa.local.protocol : remote->protocol;
    uint16_t port = 0;

    if (protocol == CARRIER_UDP && c->peer->router && c->peer->router->session.on)
        port = remote->port > 0 ? remote->port : CARRIER_L2TP_PORT;
    else if (!is_routers(protocol))
        return;
    if (!find(c->peer, protocol, port))
        (void)open_carrier(c, protocol, port, reader_of(NULL, 0), now_us);
}

/* ---- payloads ---- */

static void
gather(struct ipsec_carrier *c, struct reader payload, int64_t now_us)
{
    struct ipsec_home *h = c->peer->home;

    if (h->rx_carrier != c || batch_is_full(&h->rx)) {
        ipsec_home_flush_rx(h, now_us);
        if (c->closed)
            return;
    }
    struct frame *f =
        payload.left <= FRAME_LARGE ? frame_new(worker_pool(h->worker), payload.left) : NULL;
    if (!f)
        return;
    memcpy(frame_put(f, payload.left), payload.at, payload.left);
    h->rx_carrier = c;
    batch_add(&h->rx, f);
}

static void
on_inner(struct ipsec_child *by, const struct ipsec_inner *in, int64_t now_us)
{
    struct ipsec_peer *p = by->peer;
    struct ipsec_carrier *c = find(p, in->protocol, in->remote_port);

    if (!c)
        c = open_carrier(by, in->protocol, in->remote_port, in->payload, now_us);
    if (!c)
        return;
    if (in->src.family != 0) {
        c->inner_local = in->dst;
        c->inner_remote = in->src;
    }
    gather(c, in->payload, now_us);
}

/* A fragment inside of a tunnel, whose packet may be whole now. */
static void
on_fragment(struct ipsec_child *by, struct reader packet, uint8_t next_header, int64_t now_us)
{
    struct ipsec_home *h = by->peer->home;
    struct frame *f = frame_new(worker_pool(h->worker), packet.left);
    struct ipsec_inner in;

    if (!f)
        return;
    if (!h->fragments)
        h->fragments = ip_reassembly_new(worker_pool(h->worker));
    memcpy(frame_put(f, packet.left), packet.at, packet.left);
    f = ip_reassembly_take(h->fragments, by->peer, f, now_us);
    if (f && ipsec_inner_read(reader_of(f->data, f->len), next_header, &in) == DROP_NONE &&
        !in.is_fragment && ipsec_inner_is_selected(&in, &by->sa.local, &by->sa.remote))
        on_inner(by, &in, now_us);
    frame_free(f);
    ipsec_home_watch_fragments(h);
}

void
ipsec_path_receive(struct ipsec_child *c, struct reader payload, uint8_t next_header,
                   int64_t now_us)
{
    struct ipsec_inner in;

    if (ipsec_inner_read(payload, next_header, &in) != DROP_NONE ||
        c->sa.tunnel != (in.src.family != 0))
        return;
    if (c->sa.tunnel ? !ipsec_inner_is_selected(&in, &c->sa.local, &c->sa.remote) : in.is_fragment)
        return;
    if (in.is_fragment)
        on_fragment(c, payload, next_header, now_us);
    else
        on_inner(c, &in, now_us);
}
