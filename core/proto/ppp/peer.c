/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c - see peer.h. */

#include "core/proto/ppp/peer.h"

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/base/secret.h"
#include "core/base/types.h"
#include "core/hub/l3/l3port.h"
#include "core/proto/account_name.h"
#include "core/proto/ppp/wire.h"

#include <string.h>

struct ppp_peer {
    struct ppp_peer_config config; /* texts are NULL */
    char *default_hub, *protocol, *tag, *cipher;
    const struct ppp_peer_ops *ops;
    void *owner;
    struct ppp_link *link;
    struct l3port *l3;
    struct timer timer;
    uint64_t ticket; /* of the question to auth */
    char *hub;
    bool is_mschapv2, open, ended, told_early;
};

static void
set_timer(struct ppp_peer *p)
{
    int64_t due_us = ppp_link_deadline(p->link);
    struct timer_wheel *timers = worker_timers(p->config.worker);

    if (due_us == 0 || p->ended)
        timer_cancel(timers, &p->timer);
    else if (!timer_is_armed(&p->timer) || p->timer.due_us != due_us)
        timer_arm(timers, &p->timer, due_us);
}

static void
on_timer(struct timer *t, int64_t now_us)
{
    struct ppp_peer *p = container_of(t, struct ppp_peer, timer);

    ppp_link_tick(p->link, now_us);
    set_timer(p);
}

/* ---- between link and owner ---- */

static void
on_link_send(void *owner, struct reader frame, int64_t now_us)
{
    const struct ppp_peer *p = owner;

    p->ops->control(p->owner, frame, now_us);
}

static void
on_link_random(void *owner, void *out, size_t n)
{
    (void)owner;
    random_bytes(out, n);
}

static void
leave_hub(struct ppp_peer *p, int reason, int64_t now_us)
{
    struct l3port *l3 = g_steal_pointer(&p->l3);

    if (l3)
        l3port_end(l3, reason, now_us);
}

static void
on_link_ended(void *owner, int reason, int64_t now_us)
{
    struct ppp_peer *p = owner;

    p->ended = true;
    leave_hub(p, reason, now_us);
    p->ops->ended(p->owner, reason, now_us);
}

/* ---- the hub ---- */

static void
on_l3_send(void *owner, struct batch *b, int64_t now_us)
{
    static const uint8_t head4[PPP_FRAME_HEADER] = {0xff, 3, 0, PPP_IP4};
    static const uint8_t head6[PPP_FRAME_HEADER] = {0xff, 3, 0, PPP_IP6};
    struct ppp_peer *p = owner;
    bool up4 = p->open && ppp_link_is_up4(p->link);
    bool up6 = p->open && ppp_link_is_up6(p->link);
    unsigned n = 0;

    for (unsigned i = 0; i < b->n; i++) {
        struct frame *f = b->frame[i];
        bool is4 = f->len > 0 && f->data[0] >> 4 == 4;
        uint8_t *at = (is4 ? up4 : up6) ? frame_push(f, PPP_FRAME_HEADER) : NULL;
        if (!at) {
            ppp_peer_dropped(p, DROP_PORT_DOWN, 1);
            frame_free(f);
            continue;
        }
        memcpy(at, is4 ? head4 : head6, PPP_FRAME_HEADER);
        b->frame[n++] = f;
    }
    b->n = n;
    if (n > 0)
        p->ops->data(p->owner, b, now_us);
}

/* What we call ourselves on the link: the client's router, if it has one, else some other address
 * of its network. */
static uint32_t
our_address(const struct l3port_address *a)
{
    if (a->gateway4 != 0 && a->gateway4 != a->ip4)
        return a->gateway4;
    uint32_t mask = a->len4 == 0 ? 0 : UINT32_MAX << (32 - a->len4);
    uint32_t first = (a->ip4 & mask) + 1;
    return first != a->ip4 ? first : first + 1;
}

static void
on_l3_configured(void *owner, const struct l3port_address *a, int64_t now_us)
{
    struct ppp_peer *p = owner;
    struct ppp_link_address told = {.ip4 = a->ip4};
    unsigned n = 0;

    if (!a->has4) {
        log_warning("no address for a PPP client", "hub=%s", p->hub);
        return; /* the port goes on trying, and the client goes on asking for a while */
    }
    told.gateway4 = our_address(a);
    for (unsigned i = 0; i < a->n_dns && n < G_N_ELEMENTS(told.dns); i++) {
        if (a->dns[i].family == 4)
            told.dns[n++] = ip_to_v4(&a->dns[i]);
    }
    ppp_link_set_address(p->link, &told, now_us);
    set_timer(p);
}

static void
on_l3_stop(void *owner, int reason)
{
    struct ppp_peer *p = owner;
    int64_t now_us = worker_now_us(p->config.worker);

    leave_hub(p, reason, now_us);
    ppp_peer_close(p, reason, now_us);
}

static const struct l3port_ops l3_ops = {
    .send = on_l3_send, .configured = on_l3_configured, .stop = on_l3_stop};

/* PE_OK, or why it does not get in. */
static int
enter_hub(struct ppp_peer *p, const struct auth_verdict *verdict, int64_t now_us)
{
    g_autoptr(GError) error = NULL;
    char text[ENDPOINT_TEXT];
    unsigned mtu = MIN(p->config.mtu, ppp_link_mru(p->link));
    struct session_config session = {.user = verdict->user,
                                     .group = verdict->group[0] ? verdict->group : NULL,
                                     .record = verdict->record[0] ? verdict->record : NULL,
                                     .account = verdict->account,
                                     .protocol = p->protocol,
                                     .tag = p->tag,
                                     .peer = p->config.remote,
                                     .local = p->config.local,
                                     .client_name = p->protocol,
                                     .client_host = "",
                                     .client_os = "",
                                     .cipher = p->cipher,
                                     .policy = verdict->policy,
                                     .max_connections = 1};
    struct l3port_config config = {.session = &session,
                                   .device = p->tag,
                                   .fixed = verdict->address,
                                   .v4 = true,
                                   .v6 = L3PORT_V6_CLIENT,
                                   .mtu = mtu};
    struct hub *hub = hubs_find(p->config.hubs, p->hub);

    if (!hub) /* deleted since the verdict */
        return PE_AUTH_FAILED;
    session.policy.MonitorPort = 0;
    p->l3 = l3port_new(hub, &config, &l3_ops, p, now_us, &error);
    hub_unref(hub);
    if (p->l3)
        return PE_OK;
    log_warning("PPP client refused", "protocol=%s peer=%s user=%s reason=%s", p->protocol,
                endpoint_print(&p->config.remote, text), verdict->user, error->message);
    return error->code;
}

/* ---- who it is ---- */

static void
tell_keys(struct ppp_peer *p, const struct auth_verdict *verdict, int64_t now_us)
{
    const struct mschap_keys *keys = &verdict->mschap.keys;

    p->ops->known(p->owner, p->is_mschapv2 && verdict->mschap.has_keys ? keys : NULL, now_us);
}

static void
on_verdict(void *owner, const struct auth_verdict *verdict)
{
    struct ppp_peer *p = owner;
    int64_t now_us = worker_now_us(p->config.worker);
    uint8_t id6[8];
    int code = verdict->code;

    p->ticket = 0;
    if (p->ended || !ppp_link_is_asking(p->link)) /* it did not wait */
        return;
    if (code == PE_OK)
        code = enter_hub(p, verdict, now_us);
    if (code == PE_OK)
        tell_keys(p, verdict, now_us);
    if (p->l3)
        l3port_interface_id(p->l3, id6);
    bool has6 = p->l3 && MIN(p->config.mtu, ppp_link_mru(p->link)) >= 1280; /* RFC 8200, 5 */
    ppp_link_verdict(p->link, code, p->is_mschapv2 ? verdict->mschap.answer : NULL,
                     has6 ? id6 : NULL, now_us);
    set_timer(p);
}

static void
on_link_login(void *owner, const struct ppp_credential *c, int64_t now_us)
{
    struct ppp_peer *p = owner;
    struct auth_request *r = auth_request_new(c->is_mschapv2 ? AUTH_MSCHAPV2 : AUTH_PLAIN);

    (void)now_us;
    account_name_split(p->config.hubs, p->default_hub, c->name, &r->hub, &r->user);
    g_free(p->hub);
    p->hub = g_strdup(r->hub);
    r->peer = p->config.remote;
    r->protocol = g_strdup(p->protocol);
    p->is_mschapv2 = c->is_mschapv2;
    if (c->is_mschapv2) {
        memcpy(r->mschap.authenticator, c->authenticator, sizeof(r->mschap.authenticator));
        memcpy(r->mschap.peer, c->peer, sizeof(r->mschap.peer));
        memcpy(r->mschap.response, c->response, sizeof(r->mschap.response));
        r->mschap.name = g_strdup(c->name);
    } else {
        r->password = secret_text(c->password);
    }
    r->worker = p->config.worker;
    r->done = on_verdict;
    r->owner = p;
    p->ticket = auth_submit(p->config.auth, r);
}

static const struct ppp_link_ops link_ops = {
    .send = on_link_send, .login = on_link_login, .ended = on_link_ended, .random = on_link_random};

/* ---- frames of the client ---- */

/* Takes off what stands before the payload. False: too short. */
static bool
pull_protocol(struct frame *f, uint16_t *protocol)
{
    if (f->len >= 2 && f->data[0] == 0xff && f->data[1] == 3)
        (void)frame_pull(f, 2);
    struct reader r = reader_of(f->data, f->len);
    uint16_t first = reader_u8(&r);
    bool is_short = first & 1; /* RFC 1661, 6.5: compressed, although we never agree to it */
    *protocol = is_short ? first : (uint16_t)(first << 8 | reader_u8(&r));
    return reader_ok(&r) && frame_pull(f, is_short ? 1 : 2);
}

static void
pass_on(struct ppp_peer *p, struct batch *up, int64_t now_us)
{
    if (up->n == 0)
        return;
    if (p->l3)
        l3port_receive(p->l3, up, now_us);
    else
        batch_free_frames(up);
}

static bool
is_open_for(const struct ppp_peer *p, uint16_t protocol)
{
    return p->open && p->l3 &&
           (protocol == PPP_IP4 ? ppp_link_is_up4(p->link) : ppp_link_is_up6(p->link));
}

/* Once: an honest client may be a packet ahead of what opens the gate, too. */
static void
tell_of_early(struct ppp_peer *p)
{
    char peer[ENDPOINT_TEXT];

    if (p->open || !p->l3 || p->told_early)
        return;
    p->told_early = true;
    log_info("IP of a PPP client dropped",
             "session=%s peer=%s reason=\"%s has not proven yet "
             "that the login is its own\"",
             l3port_session(p->l3)->name, endpoint_print(&p->config.remote, peer), p->protocol);
}

static void
receive_one(struct ppp_peer *p, struct frame *f, struct batch *up, int64_t now_us)
{
    uint16_t protocol = 0;

    if (!pull_protocol(f, &protocol)) {
        ppp_peer_dropped(p, DROP_SHORT, 1);
    } else if (protocol != PPP_IP4 && protocol != PPP_IP6) {
        pass_on(p, up, now_us); /* in order */
        ppp_link_receive(p->link, protocol, reader_of(f->data, f->len), now_us);
    } else if (is_open_for(p, protocol)) {
        batch_add(up, f);
        return;
    } else {
        tell_of_early(p);
        ppp_peer_dropped(p, DROP_PORT_DOWN, 1);
    }
    frame_free(f);
}

void
ppp_peer_receive(struct ppp_peer *p, struct batch *b, int64_t now_us)
{
    struct batch up = {0};

    if (p->ended) {
        batch_free_frames(b);
        return;
    }
    if (p->l3)
        atomic_store_explicit(&l3port_session(p->l3)->last_comm_ms, clock_wall_ms(),
                              memory_order_relaxed);
    ppp_link_heard(p->link, now_us);
    for (unsigned i = 0; i < b->n; i++)
        receive_one(p, b->frame[i], &up, now_us);
    b->n = 0;
    pass_on(p, &up, now_us);
    set_timer(p);
}

void
ppp_peer_dropped(struct ppp_peer *p, enum drop why, unsigned n)
{
    if (p->l3)
        hub_port_count_drop(l3port_session(p->l3)->port, why, n);
}

const struct session *
ppp_peer_session(const struct ppp_peer *p)
{
    return p->l3 ? l3port_session(p->l3) : NULL;
}

/* ---- life ---- */

void
ppp_peer_open(struct ppp_peer *p)
{
    p->open = true;
}

void
ppp_peer_close(struct ppp_peer *p, int reason, int64_t now_us)
{
    if (p->ended)
        return;
    ppp_link_close(p->link, reason, now_us);
    set_timer(p);
}

struct ppp_peer *
ppp_peer_new(const struct ppp_peer_config *config, const struct ppp_peer_ops *ops, void *owner)
{
    struct ppp_peer *p = g_new0(struct ppp_peer, 1);
    struct ppp_link_config link = {
        .mru = config->mtu, .echo_s = config->echo_s, .pap = true, .mschapv2 = true};

    p->config = *config;
    p->config.default_hub = p->config.protocol = p->config.tag = p->config.cipher = NULL;
    p->default_hub = g_strdup(config->default_hub);
    p->protocol = g_strdup(config->protocol);
    p->tag = g_strdup(config->tag);
    p->cipher = g_strdup(config->cipher);
    p->ops = ops;
    p->owner = owner;
    p->open = !config->gated;
    timer_init(&p->timer, on_timer);
    p->link = ppp_link_new(&link, &link_ops, p);
    return p;
}

void
ppp_peer_start(struct ppp_peer *p, int64_t now_us)
{
    ppp_link_start(p->link, now_us);
    set_timer(p);
}

void
ppp_peer_free(struct ppp_peer *p, int reason, int64_t now_us)
{
    if (!p)
        return;
    if (p->ticket)
        auth_cancel(p->config.auth, p->ticket);
    timer_cancel(worker_timers(p->config.worker), &p->timer);
    leave_hub(p, reason, now_us);
    ppp_link_free(p->link);
    g_free(p->default_hub);
    g_free(p->protocol);
    g_free(p->tag);
    g_free(p->cipher);
    g_free(p->hub);
    g_free(p);
}
