/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - see link.h: the phases of a link, and its one deadline. */

#include "core/proto/ppp/link.h"

#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/proto/ppp/link_priv.h"

#include <glib.h>

#define US INT64_C(1000000)

void
ppp_send(struct ppp_link *l, uint16_t protocol, struct reader packet, int64_t now_us)
{
    uint8_t bytes[PPP_FRAME_HEADER + PPP_CONTROL_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    writer_u16(&w, 0xff03);
    writer_u16(&w, protocol);
    writer_bytes(&w, packet.at, packet.left);
    if (writer_ok(&w) && l->phase != PPP_PHASE_DEAD)
        l->ops->send(l->owner, reader_of(bytes, w.len), now_us);
}

/* ---- the end ---- */

void
ppp_close_later(struct ppp_link *l, int reason)
{
    l->close_wanted = true;
    if (l->reason == PE_OK)
        l->reason = reason;
}

static void
end(struct ppp_link *l, int64_t now_us)
{
    if (l->phase == PPP_PHASE_DEAD)
        return;
    l->phase = PPP_PHASE_DEAD;
    l->ops->ended(l->owner, l->reason, now_us);
}

/* Last in whatever the owner calls. */
static void
settle(struct ppp_link *l, int64_t now_us)
{
    while (l->close_wanted && l->phase != PPP_PHASE_DEAD) {
        l->close_wanted = false;
        if (l->lcp.state <= PPP_STOPPED) {
            end(l, now_us);
        } else if (l->phase != PPP_PHASE_CLOSING) {
            l->phase = PPP_PHASE_CLOSING;
            ppp_fsm_event(&l->lcp, PPP_CLOSE, now_us);
        }
    }
}

void
ppp_link_close(struct ppp_link *l, int reason, int64_t now_us)
{
    ppp_close_later(l, reason);
    settle(l, now_us);
}

/* ---- phases ---- */

void
ppp_link_up(struct ppp_link *l, int64_t now_us)
{
    if (l->phase != PPP_PHASE_ESTABLISH)
        return;
    l->phase = PPP_PHASE_LOGIN;
    ppp_login_begin(l, now_us);
}

void
ppp_link_down(struct ppp_link *l, int64_t now_us)
{
    if (l->phase == PPP_PHASE_LOGIN)
        l->phase = PPP_PHASE_ESTABLISH;
    else if (l->phase < PPP_PHASE_CLOSING) /* it cannot go on with somebody else */
        ppp_close_later(l, l->left ? PE_CANCELLED : PE_DISCONNECTED);
    ppp_ncp_stop(l, now_us);
}

bool
ppp_link_is_asking(const struct ppp_link *l)
{
    return l->phase == PPP_PHASE_ASKING;
}

void
ppp_link_verdict(struct ppp_link *l, int code, const char *answer, const uint8_t *id6,
                 int64_t now_us)
{
    if (!ppp_link_is_asking(l))
        return;
    ppp_login_tell(l, code, answer, now_us);
    if (code == PE_OK) {
        l->phase = PPP_PHASE_NETWORK;
        l->has_id6 = id6 != NULL;
        if (id6) {
            memcpy(l->id6, id6, sizeof(l->id6));
            memcpy(l->our_id6, id6, sizeof(l->our_id6));
            l->our_id6[7] ^= 1; /* any other one will do */
        }
        ppp_ncp_start6(l, now_us);
        ppp_ncp_start4(l, now_us);
    }
    settle(l, now_us);
}

void
ppp_link_set_address(struct ppp_link *l, const struct ppp_link_address *a, int64_t now_us)
{
    if (l->has_address) {
        if (a->ip4 != l->address.ip4)
            ppp_link_close(l, PE_DISCONNECTED, now_us);
        return;
    }
    l->address = *a;
    l->has_address = true;
    if (l->phase == PPP_PHASE_NETWORK)
        ppp_ncp_start4(l, now_us);
    settle(l, now_us);
}

/* ---- packets ---- */

void
ppp_link_heard(struct ppp_link *l, int64_t now_us)
{
    l->last_in_us = now_us;
    l->echoes = 0;
}

static bool
is_ncp(uint16_t protocol)
{
    return protocol >= 0x8000 && protocol < 0xc000;
}

void
ppp_link_receive(struct ppp_link *l, uint16_t protocol, struct reader packet, int64_t now_us)
{
    if (l->phase == PPP_PHASE_DEAD || packet.left > PPP_CONTROL_MAX)
        return;
    l->last_in_us = now_us;
    switch (protocol) {
    case PPP_LCP:
        l->left |= packet.left > 0 && packet.at[0] == PPP_TERMINATE_REQUEST;
        ppp_fsm_receive(&l->lcp, packet, now_us);
        break;
    case PPP_CHAP:
    case PPP_PAP:
        ppp_login_receive(l, protocol, packet, now_us);
        break;
    case PPP_IPCP:
    case PPP_IPV6CP:
        if (l->phase != PPP_PHASE_NETWORK) /* RFC 1661, 3.5: silently */
            break;
        if (protocol == PPP_IPV6CP && !l->has_id6)
            ppp_lcp_reject_protocol(l, protocol, packet, now_us);
        else
            ppp_ncp_receive(l, protocol, packet, now_us);
        break;
    default:
        if (l->phase == PPP_PHASE_NETWORK || !is_ncp(protocol))
            ppp_lcp_reject_protocol(l, protocol, packet, now_us);
        break;
    }
    settle(l, now_us);
}

/* ---- time ---- */

static int64_t
sooner(int64_t a, int64_t b)
{
    return a == 0 ? b : (b == 0 ? a : MIN(a, b));
}

int64_t
ppp_link_deadline(const struct ppp_link *l)
{
    if (l->phase == PPP_PHASE_DEAD)
        return 0;
    int64_t due_us = sooner(l->lcp.deadline_us, ppp_lcp_deadline(l));
    due_us = sooner(due_us, sooner(l->ipcp.deadline_us, l->ipv6cp.deadline_us));
    if (l->phase == PPP_PHASE_LOGIN)
        due_us = sooner(due_us, l->challenge_us);
    return l->phase < PPP_PHASE_NETWORK ? sooner(due_us, l->give_up_us) : due_us;
}

void
ppp_link_tick(struct ppp_link *l, int64_t now_us)
{
    if (l->phase == PPP_PHASE_DEAD)
        return;
    if (l->phase < PPP_PHASE_NETWORK && now_us >= l->give_up_us)
        ppp_close_later(l, PE_SESSION_TIMEOUT);
    ppp_fsm_tick(&l->lcp, now_us);
    ppp_login_tick(l, now_us);
    ppp_fsm_tick(&l->ipcp, now_us);
    ppp_fsm_tick(&l->ipv6cp, now_us);
    ppp_lcp_tick(l, now_us);
    settle(l, now_us);
}

/* ---- life ---- */

struct ppp_link *
ppp_link_new(const struct ppp_link_config *config, const struct ppp_link_ops *ops, void *owner)
{
    struct ppp_link *l = g_new0(struct ppp_link, 1);

    l->config = *config;
    l->ops = ops;
    l->owner = owner;
    ppp_lcp_init(l);
    ppp_ncp_init(l);
    return l;
}

void
ppp_link_free(struct ppp_link *l)
{
    if (!l)
        return;
    secret_wipe(l, sizeof(*l));
    g_free(l);
}

void
ppp_link_start(struct ppp_link *l, int64_t now_us)
{
    l->give_up_us = now_us + PPP_LINK_LOGIN_S * US;
    ppp_fsm_event(&l->lcp, PPP_OPEN, now_us);
    ppp_fsm_event(&l->lcp, PPP_UP, now_us);
}

bool
ppp_link_is_up4(const struct ppp_link *l)
{
    return l->ipcp.state == PPP_OPENED && l->phase == PPP_PHASE_NETWORK;
}

bool
ppp_link_is_up6(const struct ppp_link *l)
{
    return l->ipv6cp.state == PPP_OPENED && l->phase == PPP_PHASE_NETWORK;
}

unsigned
ppp_link_mru(const struct ppp_link *l)
{
    return l->their_mru;
}
