/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - a call that is up: a PPP client at a hub, whose frames go in L2TP's data messages on
 * the carrier. */

#include "core/base/error.h"
#include "core/net/wire.h"
#include "core/proto/l2tp/server_priv.h"

#include <string.h>

enum { AT_NS = 6 /* in a data header with numbers */ };

/* ---- sending ---- */

static void
number_frame(struct l2tp_session *s, uint8_t *header)
{
    if (s->header_len == L2TP_DATA_HEADER_SEQUENCE)
        wire_put16(header + AT_NS, s->ns++);
}

static void
on_ppp_data(void *owner, struct batch *b, int64_t now_us)
{
    struct l2tp_session *s = owner;
    struct carrier *c = s->link->carrier;
    unsigned n = 0;

    for (unsigned i = 0; i < b->n; i++) {
        struct frame *f = b->frame[i];
        uint8_t *at = s->call ? frame_push(f, s->header_len) : NULL;
        if (!at) {
            ppp_peer_dropped(s->ppp, s->call ? DROP_NO_HEADROOM : DROP_PORT_DOWN, 1);
            frame_free(f);
            continue;
        }
        memcpy(at, s->header, s->header_len);
        number_frame(s, at);
        b->frame[n++] = f;
    }
    b->n = n;
    if (n > 0)
        c->ops->send(c, b, now_us);
}

static void
on_ppp_control(void *owner, struct reader frame, int64_t now_us)
{
    struct l2tp_session *s = owner;
    struct carrier *c = s->link->carrier;
    uint8_t bytes[L2TP_DATA_HEADER_SEQUENCE + FRAME_SMALL];
    struct writer w = writer_of(bytes, sizeof(bytes));

    if (!s->call)
        return;
    writer_bytes(&w, s->header, s->header_len);
    number_frame(s, bytes);
    writer_bytes(&w, frame.at, frame.left);
    if (writer_ok(&w))
        c->ops->send_control(c, reader_of(bytes, w.len), now_us);
}

/* ---- events of the peer ---- */

static void
on_ppp_known(void *owner, const struct mschap_keys *keys, int64_t now_us)
{
    const struct l2tp_session *s = owner;

    (void)keys; /* of MPPE, which is for tunnels that are not encrypted otherwise */
    (void)now_us;
    l2tp_plain_known(s->link->carrier);
}

/* RFC 2661, 4.4.2. */
static uint16_t
result_of(int reason)
{
    bool left = reason == PE_DISCONNECTED || reason == PE_CANCELLED || reason == PE_SESSION_TIMEOUT;

    return left ? L2TP_CALL_CARRIER : L2TP_CALL_ADMINISTRATIVE;
}

static void
on_ppp_ended(void *owner, int reason, int64_t now_us)
{
    struct l2tp_session *s = owner;
    struct l2tp_call *call = g_steal_pointer(&s->call);

    if (call)
        l2tp_tunnel_hang_up(s->slot->tunnel, call, result_of(reason), now_us);
    l2tp_link_settle(s->link);
}

static const struct ppp_peer_ops ppp_ops = {
    .control = on_ppp_control, .data = on_ppp_data, .known = on_ppp_known, .ended = on_ppp_ended};

/* ---- life ---- */

static void
write_header(struct l2tp_session *s)
{
    struct writer w = writer_of(s->header, sizeof(s->header));

    writer_u16(&w, L2TP_VERSION | (s->call->sequenced ? L2TP_FLAG_SEQUENCE : 0));
    writer_u16(&w, s->slot->tunnel->peer_id);
    writer_u16(&w, s->call->peer_id);
    if (s->call->sequenced)
        writer_u32(&w, 0);
    s->header_len = w.len;
}

struct l2tp_session *
l2tp_session_new(struct l2tp_slot *slot, struct l2tp_call *call, int64_t now_us)
{
    struct l2tp_session *s = g_new0(struct l2tp_session, 1);
    struct l2tp_link *l = slot->link;
    const struct carrier *c = l->carrier;
    const struct l2tp_server_config *server = &l->home->server->config;
    g_autofree char *protocol = c->below ? g_strconcat("L2TP/", c->below, NULL) : g_strdup("L2TP");

    s->link = l;
    s->reason = PE_DISCONNECTED;
    s->slot = slot;
    s->call = call;
    write_header(s);
    unsigned over = (unsigned)s->header_len + PPP_FRAME_HEADER;
    struct ppp_peer_config config = {.worker = l->home->worker,
                                     .hubs = server->hubs,
                                     .auth = server->auth,
                                     .default_hub = slot->rules->default_hub,
                                     .remote = c->remote,
                                     .local = c->local,
                                     .protocol = protocol,
                                     .tag = "L2TP",
                                     .cipher = c->cipher,
                                     .mtu = CLAMP(c->mtu, PPP_MRU_MIN + over, L2TP_MTU_MAX + over) -
                                            over,
                                     .echo_s = L2TP_ECHO_S};
    s->ppp = ppp_peer_new(&config, &ppp_ops, s);
    s->next = l->sessions;
    l->sessions = s;
    ppp_peer_start(s->ppp, now_us);
    return s;
}

void
l2tp_session_free(struct l2tp_session *s, int64_t now_us)
{
    for (struct l2tp_session **at = &s->link->sessions; *at; at = &(*at)->next) {
        if (*at == s) {
            *at = s->next;
            break;
        }
    }
    ppp_peer_free(s->ppp, s->reason, now_us);
    g_free(s);
}
