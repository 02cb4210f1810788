/* SPDX-License-Identifier: Apache-2.0 */
/* stranger.c - packets of clients that are not known yet.
 *
 * The first packet is answered from a keyed hash (cookie.h) and forgotten. Only a client that shows
 * the answer, and so has the address it says, becomes a peer. With tls-crypt-v2 it must show its
 * wrapped key a second time, which clients since 2.6 do when they are asked; older ones are not
 * answered by UDP. Whatever is wrong, nothing is said.
 */

#include "core/base/random.h"
#include "core/proto/openvpn/peer.h"
#include "core/proto/openvpn/tcp.h"

#include <string.h>

enum {
    FIRST_MAX = 2048,        /* bytes of a packet of a stranger */
    EARLY_NEGOTIATION = 0xf, /* top byte of its packet id: the client can send its key again */
};

/* Type 1 (flags), two bytes, bit 0: resend the wrapped key. */
static const uint8_t resend_wkc[] = {0, 1, 0, 2, 0, 1};

/* A packet that was opened: by which key, and what is in it. */
struct opened {
    struct ovpn_wrap wrap; /* ended by opened_end() */
    struct ovpn_control c; /* borrows from bytes */
    uint32_t packet_id;
    uint8_t bytes[FIRST_MAX];
};

static bool
open_with(struct opened *o, struct ovpn_wrap_key *key, const uint8_t *bytes, size_t len)
{
    o->wrap = (struct ovpn_wrap){0};
    ovpn_wrap_begin(&o->wrap, key);
    memcpy(o->bytes, bytes, len);
    o->packet_id = ovpn_wrap_packet_id(&o->wrap, bytes, len);
    if (ovpn_wrap_open(&o->wrap, o->bytes, len, false, &o->c) == DROP_NONE)
        return true;
    ovpn_wrap_end(&o->wrap);
    return false;
}

static bool
open_with_wkc(struct opened *o, const struct ovpn_rules *rules, const uint8_t *bytes, size_t len)
{
    struct ovpn_wrap_key *server = ovpn_rules_wrap(rules, OVPN_WRAP_CRYPT_V2);
    struct ovpn_wrap_key *key = server ? ovpn_wrap_open_wkc(server, bytes, &len) : NULL;
    bool ok = key && open_with(o, key, bytes, len);

    ovpn_wrap_key_unref(key);
    return ok;
}

/* Tries all that is accepted. True: opened_end() it. */
static bool
open_any(struct opened *o, const struct ovpn_rules *rules, const uint8_t *bytes, size_t len)
{
    unsigned op = ovpn_op(bytes[0]);

    if (!rules->settings->enabled || len > FIRST_MAX)
        return false;
    if (op == OVPN_HARD_RESET_CLIENT_V3 || op == OVPN_CONTROL_WKC_V1)
        return open_with_wkc(o, rules, bytes, len);
    for (enum ovpn_wrap_kind kind = OVPN_WRAP_AUTH; kind <= OVPN_WRAP_CRYPT; kind++) {
        struct ovpn_wrap_key *key = ovpn_rules_wrap(rules, kind);
        if (key && open_with(o, key, bytes, len))
            return true;
    }
    return rules->settings->plain_control && open_with(o, NULL, bytes, len);
}

static void
opened_end(struct opened *o)
{
    ovpn_wrap_end(&o->wrap);
}

static bool
is_first(const struct ovpn_control *c)
{
    return (c->op == OVPN_HARD_RESET_CLIENT_V2 || c->op == OVPN_HARD_RESET_CLIENT_V3) &&
           c->key_id == 0 && c->n_acks == 0 && c->has_id && c->id == 0 && c->payload.left == 0;
}

static int64_t
seconds(int64_t now_us)
{
    return now_us / G_USEC_PER_SEC;
}

/* Never longer than the packet that it answers, since nobody knows yet who sent that. Where there
 * is no room for the acknowledgement it follows once the client has shown the cookie, one round
 * trip later. */
static bool
write_answer(struct opened *o, struct ovpn_control *c, size_t most, struct writer *w)
{
    struct ovpn_wrap before = o->wrap;
    uint32_t now_s = (uint32_t)(g_get_real_time() / G_USEC_PER_SEC);

    if (ovpn_wrap_seal(&o->wrap, c, now_s, w) && w->len <= most)
        return true;
    o->wrap = before;
    c->n_acks = 0;
    *w = writer_of(w->start, w->cap);
    return ovpn_wrap_seal(&o->wrap, c, now_s, w) && w->len <= most;
}

static void
answer(struct ovpn_home *h, const struct udp_source *from, struct opened *o, size_t len,
       int64_t now_us)
{
    struct ovpn_address a;
    struct udp_port *port = ovpn_home_port(h, from->port);
    bool v2 = o->c.op == OVPN_HARD_RESET_CLIENT_V3;
    uint8_t packet[OVPN_CONTROL_MAX];
    struct writer w = writer_of(packet, sizeof(packet));

    if (!port || !ovpn_address_of(from, &a) || (v2 && o->packet_id >> 24 != EARLY_NEGOTIATION) ||
        !rate_take(&h->initial, 1, now_us))
        return;
    struct ovpn_control c = {.op = OVPN_HARD_RESET_SERVER_V2, .n_acks = 1, .has_id = true};
    c.payload = reader_of(resend_wkc, v2 ? sizeof(resend_wkc) : 0);
    memcpy(c.peer_sid, o->c.sid, sizeof(c.peer_sid));
    ovpn_cookie_make(h->server->cookie_key, &a.remote, o->c.sid, seconds(now_us), c.sid);
    if (write_answer(o, &c, len, &w))
        udp_port_send(port, from, packet, w.len);
}

/* It has shown what we answered to its first packet. */
static bool
shows_answer(const struct ovpn_home *h, const struct udp_source *from, const struct ovpn_control *c,
             int64_t now_us)
{
    struct ovpn_address a;

    if (c->n_acks == 0 || c->key_id != 0 || (c->has_id && c->id > 1) || !ovpn_address_of(from, &a))
        return false;
    for (unsigned i = 0; i < c->n_acks; i++)
        if (c->ack[i] > 1)
            return false;
    return ovpn_cookie_check(h->server->cookie_key, &a.remote, c->sid, seconds(now_us),
                             c->peer_sid);
}

void
ovpn_stranger_datagram(struct ovpn_home *h, const struct udp_source *from, uint8_t *bytes,
                       size_t len, int64_t now_us)
{
    struct opened o;

    if (!open_any(&o, h->rules, bytes, len))
        return;
    if (is_first(&o.c)) {
        answer(h, from, &o, len, now_us);
    } else if (shows_answer(h, from, &o.c, now_us)) {
        struct ovpn_peer_config config = {.home = h,
                                          .wrap = o.wrap.key,
                                          .client_sid = o.c.sid,
                                          .sid = o.c.peer_sid,
                                          .source = from,
                                          .reset_answered = true};
        struct ovpn_peer *p = ovpn_peer_new(&config, now_us);
        if (p)
            ovpn_peer_control(p, from, bytes, len, now_us);
    }
    opened_end(&o);
}

struct ovpn_peer *
ovpn_stranger_stream(struct ovpn_stream *s, uint8_t *bytes, size_t len, int64_t now_us)
{
    struct opened o;
    struct ovpn_peer *p = NULL;
    uint8_t sid[OVPN_SID];

    if (!open_any(&o, s->home->rules, bytes, len))
        return NULL;
    if (is_first(&o.c)) {
        random_bytes(sid, sizeof(sid));
        struct ovpn_peer_config config = {
            .home = s->home, .wrap = o.wrap.key, .client_sid = o.c.sid, .sid = sid, .stream = s};
        p = ovpn_peer_new(&config, now_us);
        if (p)
            ovpn_peer_control(p, NULL, bytes, len, now_us);
    }
    opened_end(&o);
    return p;
}
