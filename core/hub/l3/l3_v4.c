/* SPDX-License-Identifier: Apache-2.0 */
/* l3_v4.c - how an IP session comes to its IPv4 address: a lease, or a fixed one; and ARP.
 *
 * A fixed address is probed before it is used (RFC 5227, 2.1.1), in PROBES * PROBE_US instead of
 * the RFC's seconds: the segment is a switch in memory, and somebody waits for his tunnel. If
 * another host has it, the port goes on probing every RETRY_US. A lease is not probed: the server
 * has done that. Both are announced, so that neighbours which knew the address elsewhere learn of
 * the move. Whoever claims our address later is answered once in L3_DEFEND_US by an announcement
 * (2.4, case b).
 */

#include "core/base/log.h"
#include "core/base/random.h"
#include "core/hub/l3/l3_priv.h"
#include "core/net/arp.h"
#include "core/net/eth.h"
#include "core/net/ip4.h"

#include <string.h>

enum {
    PROBES = 3,
    PROBE_US = 150000,
    RETRY_US = 10000000,
    ANNOUNCEMENTS = 2,
    ANNOUNCE_US = 2000000,
};

static const struct mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

/* ---- ARP, outwards ---- */

static void
send_arp(struct l3port *p, const struct arp *arp, const struct mac *to, int64_t now_us)
{
    struct frame *f = l3_frame(p, ETH_HEADER + ARP_LEN);

    if (!f)
        return;
    struct writer w = writer_of(f->data, ETH_HEADER + ARP_LEN);
    eth_write(&w, to, &p->mac, ETH_TYPE_ARP);
    arp_write(&w, arp);
    l3_up(p, f, now_us);
}

static void
ask(struct l3port *p, uint32_t sender, uint32_t target, const struct mac *to, int64_t now_us)
{
    struct arp arp = {.op = ARP_REQUEST, .sender_mac = p->mac, .sender = sender, .target = target};

    send_arp(p, &arp, to, now_us);
}

void
l3_arp_solicit(struct l3port *p, uint32_t who, const struct mac *at, int64_t now_us)
{
    ask(p, p->a.ip4, who, at ? at : &broadcast, now_us);
}

static void
announce(struct l3port *p, int64_t now_us)
{
    ask(p, p->a.ip4, p->a.ip4, &broadcast, now_us);
}

/* ---- the address ---- */

static uint32_t
mask_of(uint8_t len)
{
    return len == 0 ? 0 : UINT32_MAX << (32 - MIN(len, 32));
}

static int
longest_first(const void *a, const void *b)
{
    const struct dhcp4_route *x = a;
    const struct dhcp4_route *y = b;

    return (x->len < y->len) - (x->len > y->len);
}

static void
set_address(struct l3port *p, uint32_t ip, uint8_t len, int64_t now_us)
{
    if (!p->a.has4 || p->a.ip4 != ip || p->a.len4 != len) {
        unsigned lost = l3_neigh_forget(&p->neigh, 4);
        hub_port_count_drop(p->session->port, DROP_NO_ROUTE, lost);
    }
    p->a.has4 = true;
    p->a.ip4 = ip;
    p->a.len4 = len;
    p->v4.mask = mask_of(len);
    p->v4.broadcast = len < 31 ? ip | ~p->v4.mask : 0;
    p->v4.announcements = ANNOUNCEMENTS;
    timer_arm(worker_timers(p->worker), &p->v4.claim_timer, now_us);
    l3_changed(p);
}

static void
forget_address(struct l3port *p)
{
    unsigned lost = l3_neigh_forget(&p->neigh, 4);

    hub_port_count_drop(p->session->port, DROP_NO_ROUTE, lost);
    p->a.has4 = false;
    p->a.ip4 = p->a.gateway4 = 0;
    p->a.len4 = 0;
    p->a.n_route4 = 0;
    p->a.domain[0] = '\0';
    p->v4.n_dns = 0;
    p->v4.mtu = 0;
    p->v4.announcements = 0;
    l3_changed(p);
}

/* ---- a lease ---- */

static void
dhcp_send(void *owner, struct reader payload, uint32_t src, uint32_t dst)
{
    struct l3port *p = owner;
    /* The server, or whoever stands between, is where the lease came from. */
    bool to_all = dst == UINT32_MAX || eth_is_zero(p->v4.server.b);
    struct frame *f = dhcp4_frame_build(worker_pool(p->worker), &p->mac,
                                        to_all ? &broadcast : &p->v4.server, src, dst, payload);

    if (f)
        l3_up(p, f, worker_now_us(p->worker));
    else
        hub_port_count_drop(p->session->port, DROP_NO_BUFFER, 1);
}

static void
dhcp_bound(void *owner, const struct dhcp4_lease *lease, bool changed)
{
    struct l3port *p = owner;

    p->v4.server = p->v4.heard;
    if (!changed)
        return;
    p->a.gateway4 = lease->n_gateways > 0 ? lease->gateway[0] : 0;
    if (p->fixed.gateway4.family == 4)
        p->a.gateway4 = ip_to_v4(&p->fixed.gateway4);
    p->a.n_route4 = MIN(lease->n_routes, L3PORT_ROUTES_MAX);
    memcpy(p->a.route4, lease->route, p->a.n_route4 * sizeof(lease->route[0]));
    qsort(p->a.route4, p->a.n_route4, sizeof(p->a.route4[0]), longest_first);
    p->v4.n_dns = MIN(lease->n_dns, L3PORT_DNS_MAX);
    for (unsigned i = 0; i < p->v4.n_dns; i++)
        p->v4.dns[i] = ip_from_v4(lease->dns[i]);
    (void)g_strlcpy(p->a.domain, lease->domain, sizeof(p->a.domain));
    p->v4.mtu = lease->mtu;
    set_address(p, lease->address, lease->prefix_len, worker_now_us(p->worker));
}

static void
dhcp_lost(void *owner)
{
    struct l3port *p = owner;

    p->v4.server = (struct mac){{0}};
    forget_address(p);
}

static uint32_t
dhcp_random(void *owner)
{
    (void)owner;
    return random_u32();
}

static const struct dhcp4_client_ops dhcp_ops = {
    .send = dhcp_send, .bound = dhcp_bound, .lost = dhcp_lost, .random = dhcp_random};

static void
arm_dhcp(struct l3port *p)
{
    if (p->v4.dhcp.deadline_us > 0)
        timer_arm(worker_timers(p->worker), &p->v4.dhcp_timer, p->v4.dhcp.deadline_us);
    else
        timer_cancel(worker_timers(p->worker), &p->v4.dhcp_timer);
}

static void
on_dhcp_timer(struct timer *t, int64_t now_us)
{
    struct l3port *p = container_of(t, struct l3port, v4.dhcp_timer);

    dhcp4_client_tick(&p->v4.dhcp, now_us);
    arm_dhcp(p);
    l3_flush(p, now_us);
}

void
l3_dhcp4_receive(struct l3port *p, const struct frame *f, int64_t now_us)
{
    struct reader payload;

    if (p->v4.dhcp.state == DHCP4_STOPPED || !dhcp4_frame_match(f, &p->mac, &payload))
        return;
    memcpy(p->v4.heard.b, f->data + sizeof(struct mac), sizeof(struct mac));
    dhcp4_client_received(&p->v4.dhcp, payload, now_us);
    arm_dhcp(p);
    l3_flush_later(p);
}

/* ---- a fixed address ---- */

static void
take_fixed(struct l3port *p, int64_t now_us)
{
    p->v4.probed = 0;
    p->a.gateway4 = ip_to_v4(&p->fixed.gateway4);
    set_address(p, ip_to_v4(&p->fixed.ip4.ip), p->fixed.ip4.len, now_us);
}

static void
start_probing(struct l3port *p, int64_t due_us)
{
    p->v4.probed = ip_to_v4(&p->fixed.ip4.ip);
    p->v4.probes = PROBES;
    timer_arm(worker_timers(p->worker), &p->v4.claim_timer, due_us);
}

/* Another host has the address that is probed. */
static void
on_conflict(struct l3port *p, const struct mac *other, int64_t now_us)
{
    char mac[MAC_TEXT];
    char ip[IP_TEXT];

    log_warning("fixed address is in use", "session=%s address=%s by=%s", p->session->name,
                ip_print(&p->fixed.ip4.ip, ip), mac_print(other, mac));
    start_probing(p, now_us + RETRY_US);
}

static void
on_claim_timer(struct timer *t, int64_t now_us)
{
    struct l3port *p = container_of(t, struct l3port, v4.claim_timer);
    struct timer_wheel *timers = worker_timers(p->worker);

    if (p->v4.probed != 0 && p->v4.probes > 0) {
        p->v4.probes--;
        ask(p, 0, p->v4.probed, &broadcast, now_us);
        timer_arm(timers, t, now_us + PROBE_US);
    } else if (p->v4.probed != 0) {
        take_fixed(p, now_us); /* arms the timer for what follows */
    } else if (p->a.has4 && p->v4.announcements > 0) {
        p->v4.announcements--;
        announce(p, now_us);
        if (p->v4.announcements > 0)
            timer_arm(timers, t, now_us + ANNOUNCE_US);
    }
    l3_flush(p, now_us);
}

/* ---- ARP, inwards ---- */

/* Somebody says that he has the address that is ours. */
static void
defend(struct l3port *p, int64_t now_us)
{
    if (p->v4.defended_us != 0 && now_us < p->v4.defended_us + L3_DEFEND_US)
        return;
    p->v4.defended_us = now_us;
    announce(p, now_us);
}

static bool
is_near(const struct l3port *p, uint32_t ip)
{
    return ip4_is_host(ip) && (((ip ^ p->a.ip4) & p->v4.mask) == 0 || ip == p->a.gateway4);
}

static void
answer(struct l3port *p, const struct arp *asked, int64_t now_us)
{
    struct arp arp = {.op = ARP_REPLY,
                      .sender_mac = p->mac,
                      .sender = p->a.ip4,
                      .target_mac = asked->sender_mac,
                      .target = asked->sender};

    send_arp(p, &arp, &asked->sender_mac, now_us);
}

static void
receive_with_address(struct l3port *p, const struct arp *arp, int64_t now_us)
{
    struct ip sender = ip_from_v4(arp->sender);

    if (arp->sender == p->a.ip4) {
        defend(p, now_us);
    } else if (arp_is_announcement(arp)) {
        l3_neigh_learn(&p->neigh, &sender, &arp->sender_mac, L3_NEIGH_CLAIM, now_us);
    } else if (arp->target != p->a.ip4) {
        return; /* between others */
    } else if (arp->op == ARP_REQUEST) {
        answer(p, arp, now_us);
        if (is_near(p, arp->sender))
            l3_neigh_learn(&p->neigh, &sender, &arp->sender_mac, L3_NEIGH_ASKS, now_us);
    } else if (arp->op == ARP_REPLY) {
        l3_neigh_learn(&p->neigh, &sender, &arp->sender_mac, L3_NEIGH_ANSWER, now_us);
    }
    l3_flush_later(p);
}

void
l3_arp_receive(struct l3port *p, struct reader in, int64_t now_us)
{
    struct arp arp;

    if (arp_parse(in, &arp) != DROP_NONE || eth_is_group(arp.sender_mac.b) ||
        eth_is_zero(arp.sender_mac.b) || mac_equal(&arp.sender_mac, &p->mac))
        return;
    uint32_t probed = p->v4.probed;
    if (p->a.has4)
        receive_with_address(p, &arp, now_us);
    else if (probed != 0 && p->v4.probes < PROBES &&
             (arp.sender == probed || (arp_is_probe(&arp) && arp.target == probed)))
        on_conflict(p, &arp.sender_mac, now_us);
}

/* ---- life ---- */

void
l3_v4_start(struct l3port *p, const char *hostname, int64_t now_us)
{
    timer_init(&p->v4.dhcp_timer, on_dhcp_timer);
    timer_init(&p->v4.claim_timer, on_claim_timer);
    dhcp4_client_init(&p->v4.dhcp, &p->mac, hostname, &dhcp_ops, p);
    if (!p->wants4)
        return;
    if (p->fixed.ip4.ip.family == 4) {
        start_probing(p, now_us);
        return;
    }
    dhcp4_client_start(&p->v4.dhcp, 0, now_us);
    arm_dhcp(p);
}

void
l3_v4_stop(struct l3port *p, int64_t now_us)
{
    dhcp4_client_stop(&p->v4.dhcp, now_us);
    timer_cancel(worker_timers(p->worker), &p->v4.dhcp_timer);
    timer_cancel(worker_timers(p->worker), &p->v4.claim_timer);
}
