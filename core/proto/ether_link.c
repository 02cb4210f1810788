/* SPDX-License-Identifier: Apache-2.0 */
/* ether_link.c - a router's session, and its frames both ways. */
#include "core/proto/ether_link.h"

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/net/eth.h"
#include "core/net/mss.h"
#include "core/net/segment.h"

#include <string.h>

enum { LOG_TEXT_SIZE = 300, UNKNOWN_BURST = 5 };

struct ether_link {
    struct ether_link_config config; /* its strings are ours */
    const struct ether_link_ops *ops;
    void *owner;
    struct worker *worker;
    struct session *session; /* UP */
    uint64_t ticket;         /* ASKING */
    struct timer retry;      /* WAITING */
    unsigned retry_s;
    int told;     /* why it was refused, as the log knows it */
    bool sending; /* deliver() is on the stack */
    bool gone;    /* free it when that is over */
    int reason;
    struct worker_deferred bury;
    uint8_t header[ETHER_LINK_HEADER_MAX];
    size_t header_len;
    struct mss mss;
};

/* ---- what links share ---- */

void
ether_home_init(struct ether_home *h, struct hubs *hubs, struct auth *auth)
{
    *h = (struct ether_home){.hubs = hubs, .auth = auth};
    g_mutex_init(&h->lock);
}

void
ether_home_done(struct ether_home *h)
{
    g_mutex_clear(&h->lock);
}

bool
ether_home_knows(struct ether_home *h, const struct carrier *c, const char *protocol,
                 int64_t now_us)
{
    const char *id = c->identity ? c->identity : "";
    char text[LOG_TEXT_SIZE];
    char peer[ENDPOINT_TEXT];
    unsigned left_out = 0;

    if (c->router)
        return true;
    g_mutex_lock(&h->lock);
    bool pass = log_limit_pass(&h->unknown, UNKNOWN_BURST, now_us, &left_out);
    g_mutex_unlock(&h->lock);
    if (!pass)
        return false;
    log_text(text, sizeof(text), id, strlen(id));
    log_warning("router refused: its identity is not registered",
                "protocol=%s peer=%s identity=%s advice=\"polyetherctl router add %s HUB USER\"",
                protocol, endpoint_print(&c->remote, peer), text, text);
    return false;
}

/* ---- frames to the peer ---- */

static void
count_drop(struct ether_link *l, enum drop why, unsigned n)
{
    if (l->session && n > 0)
        hub_port_count_drop(l->session->port, why, n);
}

/* Puts the header before all and sends. */
static void
send_all(struct ether_link *l, struct batch *b, int64_t now_us)
{
    struct frame_pool *pool = worker_pool(l->worker);
    struct batch out = {.n = 0};

    for (unsigned i = 0; i < b->n; i++) {
        struct frame *f = mss_lower(pool, b->frame[i], false, &l->mss);
        f = f ? frame_own(pool, f) : NULL;
        if (f && frame_headroom(f) < l->header_len + CARRIER_HEADROOM) {
            struct frame *roomy = frame_copy(pool, f);
            frame_free(f);
            f = roomy;
        }
        enum drop why = f ? DROP_NONE : DROP_NO_BUFFER;
        if (f && (f->flags & FRAME_NEEDS_CSUM))
            why = csum_complete(f);
        if (why != DROP_NONE) {
            count_drop(l, why, 1);
            frame_free(f);
            continue;
        }
        memcpy(frame_push(f, l->header_len), l->header, l->header_len);
        f->flags = 0;
        batch_add(&out, f);
    }
    b->n = 0;
    if (out.n == 0)
        return;
    if (l->gone) /* the carrier went while an earlier batch was sent */
        batch_free_frames(&out);
    else
        l->config.carrier->ops->send(l->config.carrier, &out, now_us);
}

/* Takes a super-frame; what is made of it goes with out. */
static void
cut(struct ether_link *l, struct frame *f, struct batch *out, int64_t now_us)
{
    struct segment_iter it;
    unsigned lost = 0;
    enum drop why = segment_begin(&it, f);

    while (why == DROP_NONE && !segment_to_batch(&it, worker_pool(l->worker), out, &lost))
        send_all(l, out, now_us);
    count_drop(l, why, why != DROP_NONE);
    count_drop(l, DROP_NO_BUFFER, lost);
    frame_free(f);
}

static void
deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    const struct session *s = hub_port_owner(port);
    struct ether_link *l = s->owner;
    struct batch out = {.n = 0};

    if (l->gone) {
        hub_port_count_drop(port, DROP_PORT_DOWN, b->n);
        batch_free_frames(b);
        return;
    }
    l->sending = true;
    for (unsigned i = 0; i < b->n; i++) {
        if (batch_is_full(&out))
            send_all(l, &out, now_us);
        if (frame_is_super(b->frame[i]))
            cut(l, b->frame[i], &out, now_us);
        else
            batch_add(&out, b->frame[i]);
    }
    b->n = 0;
    send_all(l, &out, now_us);
    l->sending = false;
}

/* ---- frames of the peer ---- */

void
ether_link_count_drop(struct ether_link *l, enum drop why)
{
    count_drop(l, why, 1);
}

void
ether_link_receive(struct ether_link *l, struct batch *b, int64_t now_us)
{
    unsigned kept = 0;

    if (!l->session) {
        batch_free_frames(b);
        return;
    }
    for (unsigned i = 0; i < b->n; i++) {
        struct frame *f = b->frame[i];
        enum drop why = f->len < ETH_HEADER             ? DROP_SHORT
                        : f->len > ETHER_LINK_FRAME_MAX ? DROP_TOO_LONG
                                                        : DROP_NONE;
        if (why != DROP_NONE) {
            hub_port_drop(l->session->port, f, why);
            continue;
        }
        f = mss_lower(worker_pool(l->worker), f, false, &l->mss);
        if (f)
            b->frame[kept++] = f;
        else
            count_drop(l, DROP_NO_BUFFER, 1);
    }
    b->n = kept;
    if (kept == 0)
        return;
    atomic_store_explicit(&l->session->last_comm_ms, clock_wall_ms(), memory_order_relaxed);
    hub_port_receive(l->session->port, b, now_us);
}

/* ---- life ---- */

static void
on_stop(struct session *s, int reason)
{
    struct ether_link *l = s->owner;

    if (l && !l->gone)
        l->ops->ended(l->owner, reason, worker_now_us(l->worker));
}

static const struct session_ops session_ops = {.port = {.deliver = deliver}, .stop = on_stop};

/* PE_OK or why not. */
static int
begin(struct ether_link *l, const struct auth_verdict *verdict)
{
    const struct carrier *c = l->config.carrier;
    g_autoptr(GError) error = NULL;
    struct session_config config = {
        .user = verdict->user,
        .group = verdict->group[0] ? verdict->group : NULL,
        .record = verdict->record[0] ? verdict->record : NULL,
        .account = verdict->account,
        .protocol = l->config.protocol,
        .tag = l->config.tag,
        .peer = c->remote,
        .local = c->local,
        .client_name = l->config.client_name,
        .client_host = l->config.client_host,
        .client_os = "",
        .cipher = c->cipher,
        .policy = verdict->policy,
        .max_frame = ETHER_LINK_FRAME,
        .max_connections = 1,
        .bridge_mode = !(verdict->policy.NoBridge && verdict->policy.NoRouting),
    };
    struct hub *hub = hubs_find(l->config.home->hubs, c->router->hub);

    if (!hub) /* deleted since the verdict */
        return PE_AUTH_FAILED;
    config.policy.MonitorPort = 0;
    l->session = session_start(hub, &config, &session_ops, l, &error);
    hub_unref(hub);
    if (!l->session)
        return error ? error->code : PE_INTERNAL;
    atomic_store_explicit(&l->session->connections, 1, memory_order_relaxed);
    return PE_OK;
}

static void
tell_refusal(struct ether_link *l, int code, const char *reason)
{
    const struct carrier *c = l->config.carrier;
    const char *id = c->identity ? c->identity : "";
    char text[LOG_TEXT_SIZE];
    char peer[ENDPOINT_TEXT];

    if (code == l->told)
        return;
    l->told = code;
    log_text(text, sizeof(text), id, strlen(id));
    log_warning("router refused", "protocol=%s peer=%s identity=%s hub=%s user=%s reason=\"%s\"%s",
                l->config.protocol, endpoint_print(&c->remote, peer), text, c->router->hub,
                c->router->user, reason ? reason : pe_error_text(code),
                l->config.persistent ? " retry=yes" : "");
}

static void
on_verdict(void *owner, const struct auth_verdict *verdict)
{
    struct ether_link *l = owner;
    int64_t now_us = worker_now_us(l->worker);

    l->ticket = 0;
    int code = verdict->code == PE_OK ? begin(l, verdict) : verdict->code;
    if (code == PE_OK) {
        l->told = PE_OK;
        l->retry_s = ETHER_LINK_RETRY_S;
        if (l->ops->up)
            l->ops->up(l->owner, now_us);
        return;
    }
    tell_refusal(l, code, verdict->code != PE_OK ? verdict->reason : NULL);
    if (!l->config.persistent) {
        l->ops->ended(l->owner, code, now_us);
        return;
    }
    timer_arm(worker_timers(l->worker), &l->retry, now_us + (int64_t)l->retry_s * 1000000);
    l->retry_s = MIN(2 * l->retry_s, ETHER_LINK_RETRY_MAX_S);
}

static void
ask(struct ether_link *l)
{
    const struct carrier *c = l->config.carrier;
    struct auth_request *r = auth_request_new(AUTH_PROVEN);

    r->hub = g_strdup(c->router->hub);
    r->user = g_strdup(c->router->user);
    r->peer = c->remote;
    r->protocol = g_strdup(l->config.protocol);
    r->worker = l->worker;
    r->done = on_verdict;
    r->owner = l;
    l->ticket = auth_submit(l->config.home->auth, r);
}

static void
on_retry(struct timer *t, int64_t now_us)
{
    (void)now_us;
    ask(container_of(t, struct ether_link, retry));
}

static void
on_bury(struct worker_deferred *d, int64_t now_us)
{
    struct ether_link *l = container_of(d, struct ether_link, bury);

    l->sending = false;
    ether_link_free(l, l->reason, now_us);
}

struct ether_link *
ether_link_new(const struct ether_link_config *config, const struct ether_link_ops *ops,
               void *owner, int64_t now_us)
{
    struct ether_link *l = g_new0(struct ether_link, 1);

    (void)now_us;
    l->config = *config;
    l->config.client_name = g_strdup(config->client_name ? config->client_name : "");
    l->config.client_host = g_strdup(config->client_host ? config->client_host : "");
    l->ops = ops;
    l->owner = owner;
    l->worker = config->carrier->worker;
    l->retry_s = ETHER_LINK_RETRY_S;
    l->told = config->told;
    l->bury.fn = on_bury;
    timer_init(&l->retry, on_retry);
    ether_link_changed(l);
    ask(l);
    return l;
}

void
ether_link_free(struct ether_link *l, int reason, int64_t now_us)
{
    (void)now_us;
    if (!l)
        return;
    if (l->ticket != 0)
        auth_cancel(l->config.home->auth, l->ticket);
    l->ticket = 0;
    timer_cancel(worker_timers(l->worker), &l->retry);
    if (l->sending) { /* a port does not detach from inside its deliver() */
        l->gone = true;
        l->reason = reason;
        worker_defer(l->worker, &l->bury);
        return;
    }
    if (l->session)
        session_end(g_steal_pointer(&l->session), reason);
    worker_defer_cancel(l->worker, &l->bury);
    g_free((char *)l->config.client_name);
    g_free((char *)l->config.client_host);
    g_free(l);
}

void
ether_link_set_header(struct ether_link *l, const void *bytes, size_t len)
{
    g_assert(len <= sizeof(l->header));
    memcpy(l->header, bytes, len);
    l->header_len = len;
    ether_link_changed(l);
}

void
ether_link_changed(struct ether_link *l)
{
    unsigned taken = (unsigned)l->header_len + ETH_HEADER + ETHER_LINK_PATH_SPARE;
    unsigned mtu = l->config.carrier->mtu;

    l->mss = mss_for_mtu(mtu > taken ? mtu - taken : 0);
}

bool
ether_link_is_up(const struct ether_link *l)
{
    return l->session != NULL;
}
