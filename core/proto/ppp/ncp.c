/* SPDX-License-Identifier: Apache-2.0 */
/* ncp.c - the network control protocols: IPCP (RFC 1332, 1877) and IPV6CP (RFC 5072).
 *
 * IPCP stands still until there is an address to tell. A request that comes earlier is kept, since
 * the peer would wait for seconds before it asks again.
 */

#include "core/proto/ppp/link_priv.h"

#include <glib.h>

enum {
    IPCP_ADDRESS = 3,
    IPCP_DNS1 = 129,
    IPCP_DNS2 = 131,
    IPV6CP_ID = 1,
    ADDRESS_LEN = 4,
    ID_LEN = 8,
};

static void
nothing(void *owner, int64_t now_us)
{
    (void)owner;
    (void)now_us;
}

static void
ignore_nak(void *owner, uint8_t type, struct reader value)
{
    (void)owner; /* our own address is not the peer's to choose */
    (void)type;
    (void)value;
}

/* ---- IPCP ---- */

static void
write_address(struct writer *w, uint8_t type, uint32_t ip)
{
    writer_u8(w, type);
    writer_u8(w, ADDRESS_LEN + 2);
    writer_u32(w, ip);
}

static void
request4(void *owner, struct writer *w)
{
    const struct ppp_link *l = owner;

    if (!l->no_address)
        write_address(w, IPCP_ADDRESS, l->address.gateway4);
}

static void
begin4(void *owner)
{
    struct ppp_link *l = owner;

    l->their_address = false;
}

/* An address that the peer is to have, if there is one to have. */
static enum ppp_verdict
judge_address(uint8_t type, uint32_t want, struct reader value, struct writer *nak)
{
    uint32_t ip = reader_u32(&value);

    if (!reader_ok(&value) || value.left > 0 || want == 0)
        return PPP_REJECT;
    if (ip == want)
        return PPP_ACK;
    write_address(nak, type, want);
    return PPP_NAK;
}

static enum ppp_verdict
option4(void *owner, uint8_t type, struct reader value, struct writer *nak, bool last)
{
    struct ppp_link *l = owner;

    (void)last;
    switch (type) {
    case IPCP_ADDRESS:
        l->their_address = true;
        return judge_address(type, l->address.ip4, value, nak);
    case IPCP_DNS1:
        return judge_address(type, l->address.dns[0], value, nak);
    case IPCP_DNS2:
        return judge_address(type, l->address.dns[1], value, nak);
    default: /* header compression, NetBIOS name servers, what was before */
        return PPP_REJECT;
    }
}

static void
missing4(void *owner, struct writer *nak)
{
    const struct ppp_link *l = owner;

    if (!l->their_address)
        write_address(nak, IPCP_ADDRESS, l->address.ip4);
}

static void
rejected4(void *owner, uint8_t type)
{
    struct ppp_link *l = owner;

    l->no_address |= type == IPCP_ADDRESS;
}

static void
send4(void *owner, struct reader packet, int64_t now_us)
{
    ppp_send(owner, PPP_IPCP, packet, now_us);
}

static const struct ppp_fsm_ops ops4 = {.request = request4,
                                        .begin = begin4,
                                        .option = option4,
                                        .missing = missing4,
                                        .naked = ignore_nak,
                                        .rejected = rejected4,
                                        .up = nothing,
                                        .down = nothing,
                                        .finished = nothing,
                                        .send = send4};

/* ---- IPV6CP ---- */

static void
write_id(struct writer *w, const uint8_t id[ID_LEN])
{
    writer_u8(w, IPV6CP_ID);
    writer_u8(w, ID_LEN + 2);
    writer_bytes(w, id, ID_LEN);
}

static void
request6(void *owner, struct writer *w)
{
    const struct ppp_link *l = owner;

    if (!l->no_id6)
        write_id(w, l->our_id6);
}

static void
begin6(void *owner)
{
    (void)owner;
}

/* The peer may insist on another one, as long as it is none of ours. */
static enum ppp_verdict
option6(void *owner, uint8_t type, struct reader value, struct writer *nak, bool last)
{
    static const uint8_t zero[ID_LEN] = {0};
    const struct ppp_link *l = owner;
    uint8_t id[ID_LEN];

    reader_copy(&value, id, sizeof(id));
    if (type != IPV6CP_ID || !reader_ok(&value) || value.left > 0)
        return PPP_REJECT;
    bool is_usable = memcmp(id, zero, ID_LEN) != 0 && memcmp(id, l->our_id6, ID_LEN) != 0;
    if (memcmp(id, l->id6, ID_LEN) == 0 || (last && is_usable))
        return PPP_ACK;
    write_id(nak, l->id6);
    return PPP_NAK;
}

static void
rejected6(void *owner, uint8_t type)
{
    struct ppp_link *l = owner;

    l->no_id6 |= type == IPV6CP_ID;
}

static void
send6(void *owner, struct reader packet, int64_t now_us)
{
    ppp_send(owner, PPP_IPV6CP, packet, now_us);
}

static const struct ppp_fsm_ops ops6 = {.request = request6,
                                        .begin = begin6,
                                        .option = option6,
                                        .naked = ignore_nak,
                                        .rejected = rejected6,
                                        .up = nothing,
                                        .down = nothing,
                                        .finished = nothing,
                                        .send = send6};

/* ---- life ---- */

void
ppp_ncp_init(struct ppp_link *l)
{
    ppp_fsm_init(&l->ipcp, &ops4, l);
    ppp_fsm_init(&l->ipv6cp, &ops6, l);
}

static void
start(struct ppp_fsm *f, int64_t now_us)
{
    ppp_fsm_event(f, PPP_OPEN, now_us);
    ppp_fsm_event(f, PPP_UP, now_us);
}

void
ppp_ncp_start4(struct ppp_link *l, int64_t now_us)
{
    if (!l->has_address || l->ipcp.state != PPP_INITIAL)
        return;
    start(&l->ipcp, now_us);
    if (l->early_len > 0)
        ppp_fsm_receive(&l->ipcp, reader_of(l->early, l->early_len), now_us);
    l->early_len = 0;
}

void
ppp_ncp_start6(struct ppp_link *l, int64_t now_us)
{
    if (l->has_id6)
        start(&l->ipv6cp, now_us);
}

void
ppp_ncp_stop(struct ppp_link *l, int64_t now_us)
{
    ppp_fsm_event(&l->ipcp, PPP_DOWN, now_us);
    ppp_fsm_event(&l->ipv6cp, PPP_DOWN, now_us);
}

void
ppp_ncp_receive(struct ppp_link *l, uint16_t protocol, struct reader packet, int64_t now_us)
{
    if (protocol == PPP_IPV6CP) {
        ppp_fsm_receive(&l->ipv6cp, packet, now_us);
    } else if (l->ipcp.state != PPP_INITIAL) {
        ppp_fsm_receive(&l->ipcp, packet, now_us);
    } else if (packet.left <= sizeof(l->early) && packet.left > 0 &&
               packet.at[0] == PPP_CONFIGURE_REQUEST) {
        memcpy(l->early, packet.at, packet.left);
        l->early_len = packet.left;
    }
}
