/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - the control connection: who the peer is, and its calls. */
#include "core/proto/l2tpv3/control.h"

#include <glib.h>

#include <string.h>

enum { OUR_WINDOW = RELIABLE_WINDOW };

static const char our_name[] = "polyether";

/* ---- small things ---- */

/* Text of the peer: what could be mistaken is left out. */
static void
copy_text(char out[L2TPV3_TEXT], struct reader text)
{
    size_t n = 0;

    while (text.left > 0 && n + 1 < L2TPV3_TEXT) {
        uint8_t byte = reader_u8(&text);
        if (byte == 0)
            break;
        out[n++] = (char)(g_ascii_isgraph((char)byte) || byte == ' ' ? byte : '?');
    }
    out[n] = '\0';
}

/* Cisco's VC ids are digits or four bytes. */
static void
copy_remote_end(char out[L2TPV3_TEXT], struct reader text)
{
    struct reader number = text;
    uint32_t n = reader_u32(&number);

    copy_text(out, text);
    if (text.left == sizeof(n) && (strchr(out, '?') || strlen(out) < sizeof(n)))
        (void)g_snprintf(out, L2TPV3_TEXT, "%u", n);
}

static bool
is_yamaha(const char *vendor)
{
    g_autofree char *upper = g_ascii_strup(vendor, -1);

    return strstr(upper, "YAMAHA") != NULL;
}

static uint32_t
new_id(struct l2tpv3_control *c)
{
    for (;;) {
        uint32_t id = 0;
        c->ops->random(c->owner, &id, sizeof(id));
        if (id != 0 && id != c->local && !l2tpv3_control_find(c, id))
            return id;
    }
}

static void
queue(struct l2tpv3_control *c, struct l2tpv3_builder *b)
{
    struct reader m = l2tpv3_end(b);

    /* A full queue is that of a peer that does not answer: it will be dead soon. */
    if (reader_ok(&m))
        (void)reliable_send(&c->channel, m.at, m.left);
}

static void
send_ack(struct l2tpv3_control *c, uint16_t ns, uint16_t nr, int64_t now_us)
{
    struct l2tpv3_builder b;

    /* The peer of before the RFC knows only the empty one. */
    l2tpv3_begin(&b, c->peer, c->cisco ? L2TPV3_ZLB : L2TPV3_ACK);
    struct reader m = l2tpv3_end(&b);
    struct writer numbers = writer_of(b.bytes + RELIABLE_AT_NS, 2 * sizeof(ns));
    writer_u16(&numbers, ns);
    writer_u16(&numbers, nr);
    c->ops->send(c->owner, m, now_us);
}

static void
flush(struct l2tpv3_control *c, int64_t now_us)
{
    struct reader m = {0};
    uint16_t ns = 0;
    uint16_t nr = 0;

    if (c->state == L2TPV3_IDLE)
        return;
    for (;;) {
        switch (reliable_pull(&c->channel, now_us, &m, &ns, &nr)) {
        case RELIABLE_MESSAGE:
            c->ops->send(c->owner, m, now_us);
            break;
        case RELIABLE_ACK:
            send_ack(c, ns, nr, now_us);
            break;
        case RELIABLE_NOTHING:
            return;
        }
    }
}

/* ---- calls ---- */

static void
forget(struct l2tpv3_control *c, const struct l2tpv3_call *call)
{
    for (unsigned i = 0; i < L2TPV3_CALLS; i++)
        if (c->call[i] == call)
            c->call[i] = NULL;
}

static struct l2tpv3_call **
free_slot(struct l2tpv3_control *c)
{
    for (unsigned i = 0; i < L2TPV3_CALLS; i++)
        if (!c->call[i])
            return &c->call[i];
    return NULL;
}

struct l2tpv3_call *
l2tpv3_control_find(const struct l2tpv3_control *c, uint32_t local_session)
{
    for (unsigned i = 0; i < L2TPV3_CALLS; i++)
        if (c->call[i] && c->call[i]->session.local_session == local_session)
            return c->call[i];
    return NULL;
}

static struct l2tpv3_call *
find_peers(const struct l2tpv3_control *c, uint32_t peer_session)
{
    for (unsigned i = 0; i < L2TPV3_CALLS; i++)
        if (c->call[i] && c->call[i]->session.peer_session == peer_session)
            return c->call[i];
    return NULL;
}

unsigned
l2tpv3_control_n_calls(const struct l2tpv3_control *c)
{
    unsigned n = 0;

    for (unsigned i = 0; i < L2TPV3_CALLS; i++)
        n += c->call[i] != NULL;
    return n;
}

static void
lose(struct l2tpv3_control *c, struct l2tpv3_call *call, int64_t now_us)
{
    forget(c, call);
    c->ops->hung_up(c->owner, call, now_us);
    g_free(call);
}

static void
lose_all(struct l2tpv3_control *c, int64_t now_us)
{
    for (unsigned i = 0; i < L2TPV3_CALLS; i++)
        if (c->call[i])
            lose(c, c->call[i], now_us);
}

static void
queue_cdn(struct l2tpv3_control *c, uint32_t local, uint32_t peer, uint16_t result)
{
    struct l2tpv3_builder b;

    l2tpv3_begin(&b, c->peer, L2TPV3_CDN);
    l2tpv3_put16(&b, L2TPV3_AVP_RESULT, result);
    l2tpv3_put32(&b, L2TPV3_AVP_LOCAL_SESSION, c->cisco ? L2TPV3_CISCO_LOCAL_SESSION : 0, local);
    l2tpv3_put32(&b, L2TPV3_AVP_REMOTE_SESSION, c->cisco ? L2TPV3_CISCO_REMOTE_SESSION : 0, peer);
    queue(c, &b);
}

void
l2tpv3_control_accept(struct l2tpv3_control *c, struct l2tpv3_call *call, int64_t now_us)
{
    const struct router_static *s = &call->session;
    struct l2tpv3_builder b;

    l2tpv3_begin(&b, c->peer, L2TPV3_ICRP);
    l2tpv3_put32(&b, L2TPV3_AVP_LOCAL_SESSION, c->cisco ? L2TPV3_CISCO_LOCAL_SESSION : 0,
                 s->local_session);
    l2tpv3_put32(&b, L2TPV3_AVP_REMOTE_SESSION, c->cisco ? L2TPV3_CISCO_REMOTE_SESSION : 0,
                 s->peer_session);
    l2tpv3_put16(&b, L2TPV3_AVP_CIRCUIT_STATUS, L2TPV3_CIRCUIT_ACTIVE | L2TPV3_CIRCUIT_NEW);
    if (s->local_cookie_len > 0) {
        l2tpv3_put(&b, 0, L2TPV3_AVP_COOKIE, s->local_cookie, s->local_cookie_len);
        if (c->cisco)
            l2tpv3_put(&b, L2TPV3_VENDOR_CISCO, L2TPV3_CISCO_COOKIE, s->local_cookie,
                       s->local_cookie_len);
    }
    if (s->sublayer)
        l2tpv3_put16(&b, L2TPV3_AVP_SUBLAYER, 1);
    queue(c, &b);
    call->state = L2TPV3_CALL_ANSWERED;
    flush(c, now_us);
}

void
l2tpv3_control_hang_up(struct l2tpv3_control *c, struct l2tpv3_call *call, uint16_t result,
                       int64_t now_us)
{
    forget(c, call);
    queue_cdn(c, call->session.local_session, call->session.peer_session, result);
    g_free(call);
    flush(c, now_us);
}

/* ---- messages ---- */

static void
answer_sccrq(struct l2tpv3_control *c)
{
    static const uint8_t capabilities[] = {0, L2TPV3_PW_VLAN, 0, L2TPV3_PW_ETHERNET};
    static const uint8_t draft[] = {0, 1};
    const char *vendor = c->yamaha ? c->vendor_name : "Polyether";
    struct l2tpv3_builder b;

    l2tpv3_begin(&b, c->peer, L2TPV3_SCCRP);
    l2tpv3_put(&b, 0, L2TPV3_AVP_HOST_NAME, our_name, strlen(our_name));
    l2tpv3_put(&b, 0, L2TPV3_AVP_VENDOR_NAME, vendor, strlen(vendor));
    l2tpv3_put32(&b, L2TPV3_AVP_ROUTER_ID, 0, 0);
    l2tpv3_put32(&b, L2TPV3_AVP_CONNECTION, c->cisco ? L2TPV3_CISCO_CONNECTION : 0, c->local);
    l2tpv3_put(&b, 0, L2TPV3_AVP_PW_CAPABILITIES, capabilities, sizeof(capabilities));
    if (!c->yamaha)
        l2tpv3_put16(&b, L2TPV3_AVP_WINDOW, OUR_WINDOW);
    if (c->cisco) {
        l2tpv3_put(&b, L2TPV3_VENDOR_CISCO, L2TPV3_CISCO_PW_CAPABILITIES, capabilities,
                   sizeof(capabilities));
        l2tpv3_put(&b, L2TPV3_VENDOR_CISCO, L2TPV3_CISCO_DRAFT_VERSION, draft, sizeof(draft));
    }
    queue(c, &b);
}

/* Whether it is no repetition of the SCCRQ that began this connection. */
static bool
is_news(const struct l2tpv3_control *c, const struct l2tpv3_message *m, int64_t now_us)
{
    if (c->state == L2TPV3_IDLE || c->state == L2TPV3_CLOSED)
        return true;
    return c->peer != m->assigned_connection ||
           (c->state == L2TPV3_OPEN && now_us > c->begun_us + (int64_t)L2TPV3_REPEAT_S * 1000000);
}

/* A new connection, whatever was before. */
static void
begin(struct l2tpv3_control *c, const struct l2tpv3_message *m, int64_t now_us)
{
    lose_all(c, now_us);
    reliable_clear(&c->channel);
    if (m->window > 0)
        reliable_set_window(&c->channel, m->window);
    c->local = 0;
    c->local = new_id(c);
    c->peer = m->assigned_connection;
    c->cisco = m->cisco;
    copy_text(c->host_name, m->host_name);
    copy_text(c->vendor_name, m->vendor_name);
    c->yamaha = is_yamaha(c->vendor_name);
    c->begun_us = now_us;
    c->state = L2TPV3_OPENING;
}

static void
on_icrq(struct l2tpv3_control *c, const struct l2tpv3_message *m, int64_t now_us)
{
    struct l2tpv3_call *former = find_peers(c, m->local_session);
    struct l2tpv3_call **at;

    if (m->local_session == 0)
        return;
    if (former)
        lose(c, former, now_us);
    at = free_slot(c);
    bool is_ethernet =
        !m->has_pw_type || m->pw_type == L2TPV3_PW_ETHERNET || m->pw_type == L2TPV3_PW_VLAN;
    if (!is_ethernet || !at) {
        queue_cdn(c, 0, m->local_session, at ? L2TPV3_CDN_PW_TYPE : L2TPV3_CDN_NO_FACILITIES);
        return;
    }
    struct l2tpv3_call *call = g_new0(struct l2tpv3_call, 1);
    struct router_static *s = &call->session;
    s->local_session = new_id(c);
    s->peer_session = m->local_session;
    s->peer_cookie_len = m->cookie_len;
    memcpy(s->peer_cookie, m->cookie, sizeof(s->peer_cookie));
    /* Who asks for cookies and a sublayer knows them, and gets ours. */
    s->local_cookie_len = m->cookie_len;
    c->ops->random(c->owner, s->local_cookie, s->local_cookie_len);
    s->sublayer = m->sublayer == 1;
    copy_remote_end(call->remote_end, m->remote_end);
    *at = call;
    c->ops->called(c->owner, call, now_us);
}

static void
on_cdn(struct l2tpv3_control *c, const struct l2tpv3_message *m, int64_t now_us)
{
    struct l2tpv3_call *call =
        m->remote_session != 0 ? l2tpv3_control_find(c, m->remote_session) : NULL;

    if (!call && m->local_session != 0)
        call = find_peers(c, m->local_session);
    if (call)
        lose(c, call, now_us);
}

static void
on_iccn(struct l2tpv3_control *c, const struct l2tpv3_message *m)
{
    struct l2tpv3_call *call = l2tpv3_control_find(c, m->remote_session);

    if (call && call->state == L2TPV3_CALL_ANSWERED)
        call->state = L2TPV3_CALL_OPEN;
}

static void
on_message(struct l2tpv3_control *c, const struct l2tpv3_message *m, int64_t now_us)
{
    if (c->state == L2TPV3_CLOSED)
        return;
    switch (m->type) {
    case L2TPV3_SCCRQ:
        answer_sccrq(c);
        break;
    case L2TPV3_SCCCN:
        c->state = L2TPV3_OPEN;
        break;
    case L2TPV3_STOPCCN:
        c->state = L2TPV3_CLOSED;
        reliable_ack_now(&c->channel, now_us);
        lose_all(c, now_us);
        break;
    case L2TPV3_OCRQ: /* no calls go out from here */
        if (m->local_session != 0)
            queue_cdn(c, 0, m->local_session, L2TPV3_CDN_NO_FACILITIES);
        break;
    case L2TPV3_ICRQ:
        on_icrq(c, m, now_us);
        break;
    case L2TPV3_ICCN:
        on_iccn(c, m);
        break;
    case L2TPV3_CDN:
        on_cdn(c, m, now_us);
        break;
    default: /* a hello, a circuit's state, and what we do not know: acknowledged */
        break;
    }
}

/* ---- in and out ---- */

void
l2tpv3_control_receive(struct l2tpv3_control *c, struct reader packet, int64_t now_us)
{
    struct l2tpv3_message m;
    struct reader in;

    if (!l2tpv3_parse(packet, &m))
        return;
    if (m.connection == 0) {
        if (m.type != L2TPV3_SCCRQ || m.assigned_connection == 0 || m.ns != 0)
            return;
        if (is_news(c, &m, now_us))
            begin(c, &m, now_us);
    } else if (c->state == L2TPV3_IDLE || m.connection != c->local) {
        return;
    }
    c->heard_us = now_us;
    c->hello_us = now_us + (int64_t)L2TPV3_HELLO_S * 1000000;
    (void)reliable_received(&c->channel, packet, m.is_ack, now_us);
    while (reliable_next(&c->channel, &in))
        if (l2tpv3_parse(in, &m))
            on_message(c, &m, now_us);
    flush(c, now_us);
}

static void
greet(struct l2tpv3_control *c, int64_t now_us)
{
    int64_t interval_us = (int64_t)L2TPV3_HELLO_S * 1000000;
    struct l2tpv3_builder b;

    if (c->state != L2TPV3_OPEN || now_us < c->hello_us)
        return;
    int64_t next_us = c->heard_us + interval_us;
    if (next_us > now_us) { /* data came */
        c->hello_us = next_us;
        return;
    }
    c->hello_us = now_us + interval_us;
    if (!reliable_is_quiet(&c->channel))
        return;
    l2tpv3_begin(&b, c->peer, L2TPV3_HELLO);
    queue(c, &b);
}

void
l2tpv3_control_turn(struct l2tpv3_control *c, int64_t now_us)
{
    if (c->state == L2TPV3_IDLE)
        return;
    greet(c, now_us);
    flush(c, now_us);
    if (!reliable_is_dead(&c->channel))
        return;
    bool was_closed = c->state == L2TPV3_CLOSED;
    c->state = L2TPV3_IDLE;
    lose_all(c, now_us);
    reliable_clear(&c->channel);
    if (!was_closed)
        c->ops->dead(c->owner, now_us);
}

int64_t
l2tpv3_control_deadline(const struct l2tpv3_control *c)
{
    int64_t at = c->state == L2TPV3_IDLE ? 0 : reliable_deadline(&c->channel);

    if (c->state == L2TPV3_OPEN && (at == 0 || c->hello_us < at))
        at = c->hello_us;
    return at;
}

void
l2tpv3_control_stop(struct l2tpv3_control *c, uint16_t result, int64_t now_us)
{
    struct l2tpv3_builder b;

    if (c->state == L2TPV3_OPENING || c->state == L2TPV3_OPEN) {
        l2tpv3_begin(&b, c->peer, L2TPV3_STOPCCN);
        l2tpv3_put16(&b, L2TPV3_AVP_RESULT, result);
        l2tpv3_put32(&b, L2TPV3_AVP_CONNECTION, c->cisco ? L2TPV3_CISCO_CONNECTION : 0, c->local);
        queue(c, &b);
        flush(c, now_us);
    }
    for (unsigned i = 0; i < L2TPV3_CALLS; i++)
        g_free(g_steal_pointer(&c->call[i]));
    if (c->state != L2TPV3_IDLE)
        c->state = L2TPV3_CLOSED;
}

void
l2tpv3_control_init(struct l2tpv3_control *c, const struct l2tpv3_control_ops *ops, void *owner)
{
    *c = (struct l2tpv3_control){.ops = ops, .owner = owner};
    reliable_init(&c->channel);
}

void
l2tpv3_control_clear(struct l2tpv3_control *c)
{
    for (unsigned i = 0; i < L2TPV3_CALLS; i++)
        g_free(g_steal_pointer(&c->call[i]));
    reliable_clear(&c->channel);
    c->state = L2TPV3_IDLE;
}
