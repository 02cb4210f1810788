/* SPDX-License-Identifier: Apache-2.0 */
/* lcp.c - the Link Control Protocol (RFC 1661, 6) as the server speaks it: what is negotiated, the
 * echo, and what is told of other protocols. */

#include "core/base/error.h"
#include "core/net/wire.h"
#include "core/proto/ppp/link_priv.h"

#include <glib.h>

enum {
    OPTION_MRU = 1,
    OPTION_ACCM = 2, /* RFC 1662: for lines, which these are not */
    OPTION_AUTH = 3,
    OPTION_MAGIC = 5,
    CHAP_MSCHAPV2 = 0x81,
    AUTH_NAKS = 3, /* until another way to log in is offered */
    MRU_WANTED = 1280,
};
#define US INT64_C(1000000)

static void
write_option(struct writer *w, uint8_t type, uint32_t value, unsigned len)
{
    writer_u8(w, type);
    writer_u8(w, (uint8_t)(len + 2));
    if (len == 2)
        writer_u16(w, (uint16_t)value);
    else
        writer_u32(w, value);
}

/* ---- ours ---- */

static void
request(void *owner, struct writer *w)
{
    struct ppp_link *l = owner;

    if (!l->no_mru)
        write_option(w, OPTION_MRU, l->config.mru, 2);
    writer_u8(w, OPTION_AUTH);
    writer_u8(w, l->auth == PPP_CHAP ? 5 : 4);
    writer_u16(w, l->auth);
    if (l->auth == PPP_CHAP)
        writer_u8(w, CHAP_MSCHAPV2);
    if (!l->no_magic)
        write_option(w, OPTION_MAGIC, l->magic, 4);
}

static void
new_magic(struct ppp_link *l)
{
    do
        l->ops->random(l->owner, &l->magic, sizeof(l->magic));
    while (l->magic == 0);
}

/* The peer wants to log in by another way, or by none. */
static void
auth_naked(struct ppp_link *l, struct reader value)
{
    uint16_t wants = reader_u16(&value);
    bool pap_now = wants == PPP_PAP && l->config.pap;
    bool chap_now = wants == PPP_CHAP && reader_u8(&value) == CHAP_MSCHAPV2 && l->config.mschapv2;

    if (pap_now || chap_now) {
        l->auth = pap_now ? PPP_PAP : PPP_CHAP;
    } else if (++l->auth_naks >= AUTH_NAKS) { /* it has had its chance to take what was offered */
        if (l->auth == PPP_PAP || !l->config.pap)
            ppp_close_later(l, PE_AUTH_NOT_SUPPORTED);
        l->auth = l->config.pap ? PPP_PAP : PPP_CHAP;
        l->auth_naks = 0;
    }
}

static void
naked(void *owner, uint8_t type, struct reader value)
{
    struct ppp_link *l = owner;

    if (type == OPTION_AUTH) {
        auth_naked(l, value);
    } else if (type == OPTION_MAGIC) {
        new_magic(l);
    } else if (type == OPTION_MRU) {
        unsigned mru = reader_u16(&value);
        if (reader_ok(&value) && mru >= PPP_MRU_MIN && mru < l->config.mru)
            l->config.mru = mru;
    }
}

static void
rejected(void *owner, uint8_t type)
{
    struct ppp_link *l = owner;

    if (type == OPTION_AUTH)
        ppp_close_later(l, PE_AUTH_NOT_SUPPORTED); /* nobody gets in without */
    l->no_mru |= type == OPTION_MRU;
    l->no_magic |= type == OPTION_MAGIC;
}

/* ---- theirs ---- */

static void
begin(void *owner)
{
    struct ppp_link *l = owner;

    l->their_mru = PPP_MRU_DEFAULT;
}

static enum ppp_verdict
judge_mru(struct ppp_link *l, struct reader value, struct writer *nak, bool last)
{
    uint16_t mru = reader_u16(&value);

    if (!reader_ok(&value) || value.left > 0)
        return PPP_REJECT;
    if (mru < PPP_MRU_MIN && !last) {
        write_option(nak, OPTION_MRU, MRU_WANTED, 2);
        return PPP_NAK;
    }
    l->their_mru = MAX(mru, PPP_MRU_MIN);
    return PPP_ACK;
}

/* 6.4: our own number comes back when the line is a loop. */
static enum ppp_verdict
judge_magic(struct ppp_link *l, struct reader value, struct writer *nak)
{
    uint32_t magic = reader_u32(&value);

    if (!reader_ok(&value) || value.left > 0)
        return PPP_REJECT;
    if (magic != 0 && magic != l->magic)
        return PPP_ACK;
    uint32_t other = 0;
    l->ops->random(l->owner, &other, sizeof(other));
    write_option(nak, OPTION_MAGIC, other | 1, 4);
    return PPP_NAK;
}

static enum ppp_verdict
option(void *owner, uint8_t type, struct reader value, struct writer *nak, bool last)
{
    switch (type) {
    case OPTION_MRU:
        return judge_mru(owner, value, nak, last);
    case OPTION_ACCM:
        return value.left == 4 ? PPP_ACK : PPP_REJECT; /* there is nothing to escape */
    case OPTION_MAGIC:
        return judge_magic(owner, value, nak);
    default: /* header compression, multilink, callback, and that we log in there */
        return PPP_REJECT;
    }
}

/* ---- codes of LCP alone ---- */

static void
on_protocol_reject(struct ppp_link *l, struct reader data, int64_t now_us)
{
    uint16_t protocol = reader_u16(&data);

    if (!reader_ok(&data) || l->lcp.state != PPP_OPENED)
        return;
    if (protocol == PPP_IPCP)
        ppp_fsm_event(&l->ipcp, PPP_RXJ_MINUS, now_us);
    else if (protocol == PPP_IPV6CP)
        ppp_fsm_event(&l->ipv6cp, PPP_RXJ_MINUS, now_us);
    else if (protocol == PPP_LCP || protocol == l->auth)
        ppp_close_later(l, PE_PROTOCOL);
}

static void
on_echo_request(struct ppp_link *l, uint8_t id, struct reader data, int64_t now_us)
{
    uint8_t bytes[PPP_CONTROL_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    (void)reader_u32(&data); /* its magic number */
    if (l->lcp.state != PPP_OPENED || !reader_ok(&data))
        return;
    writer_u32(&w, l->no_magic ? 0 : l->magic);
    writer_bytes(&w, data.at, data.left);
    if (writer_ok(&w))
        ppp_fsm_send(&l->lcp, PPP_ECHO_REPLY, id, reader_of(bytes, w.len), now_us);
}

static void
on_echo_reply(struct ppp_link *l, uint8_t id, struct reader data)
{
    uint32_t magic = reader_u32(&data);

    if (!reader_ok(&data) || id != l->echo_id)
        return;
    if (magic != 0 && magic == l->magic && !l->no_magic)
        ppp_close_later(l, PE_PROTOCOL); /* a loop */
    l->echoes = 0;
}

static bool
extra(void *owner, uint8_t code, uint8_t id, struct reader data, int64_t now_us)
{
    struct ppp_link *l = owner;

    switch (code) {
    case PPP_PROTOCOL_REJECT:
        on_protocol_reject(l, data, now_us);
        return true;
    case PPP_ECHO_REQUEST:
        on_echo_request(l, id, data, now_us);
        return true;
    case PPP_ECHO_REPLY:
        on_echo_reply(l, id, data);
        return true;
    case PPP_DISCARD_REQUEST:
    case PPP_IDENTIFICATION:
    case PPP_TIME_REMAINING:
        return true;
    default:
        return false;
    }
}

void
ppp_lcp_reject_protocol(struct ppp_link *l, uint16_t protocol, struct reader packet, int64_t now_us)
{
    uint8_t bytes[PPP_CONTROL_MAX];
    struct writer w = writer_of(bytes, MIN(sizeof(bytes), l->their_mru) - PPP_HEADER);

    if (l->lcp.state != PPP_OPENED)
        return;
    writer_u16(&w, protocol);
    writer_bytes(&w, packet.at, MIN(packet.left, w.cap - w.len));
    ppp_fsm_send(&l->lcp, PPP_PROTOCOL_REJECT, ++l->reject_id, reader_of(bytes, w.len), now_us);
}

/* ---- echo ---- */

int64_t
ppp_lcp_deadline(const struct ppp_link *l)
{
    if (l->config.echo_s == 0 || l->lcp.state != PPP_OPENED)
        return 0;
    return MAX(l->last_in_us, l->echo_us) + l->config.echo_s * US;
}

void
ppp_lcp_tick(struct ppp_link *l, int64_t now_us)
{
    uint8_t magic[4];
    int64_t due_us = ppp_lcp_deadline(l);

    if (due_us == 0 || now_us < due_us)
        return;
    if (l->echoes >= PPP_LINK_ECHOES) {
        ppp_close_later(l, PE_SESSION_TIMEOUT);
        return;
    }
    l->echoes++;
    l->echo_us = now_us;
    wire_put32(magic, l->no_magic ? 0 : l->magic);
    ppp_fsm_send(&l->lcp, PPP_ECHO_REQUEST, ++l->echo_id, reader_of(magic, sizeof(magic)), now_us);
}

/* ---- life ---- */

static void
up(void *owner, int64_t now_us)
{
    struct ppp_link *l = owner;

    l->last_in_us = now_us;
    ppp_link_up(l, now_us);
}

static void
down(void *owner, int64_t now_us)
{
    ppp_link_down(owner, now_us);
}

static void
finished(void *owner, int64_t now_us)
{
    struct ppp_link *l = owner;

    (void)now_us;
    ppp_close_later(l, l->left ? PE_CANCELLED : PE_DISCONNECTED);
}

static void
send(void *owner, struct reader packet, int64_t now_us)
{
    ppp_send(owner, PPP_LCP, packet, now_us);
}

static const struct ppp_fsm_ops ops = {.request = request,
                                       .begin = begin,
                                       .option = option,
                                       .naked = naked,
                                       .rejected = rejected,
                                       .extra = extra,
                                       .up = up,
                                       .down = down,
                                       .finished = finished,
                                       .send = send};

void
ppp_lcp_init(struct ppp_link *l)
{
    ppp_fsm_init(&l->lcp, &ops, l);
    l->their_mru = PPP_MRU_DEFAULT;
    l->auth = l->config.mschapv2 ? PPP_CHAP : PPP_PAP;
    new_magic(l);
}
