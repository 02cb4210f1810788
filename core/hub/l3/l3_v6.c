/* SPDX-License-Identifier: Apache-2.0 */
/* l3_v6.c - how an IP session comes to its IPv6 address: fixed, made from a router's prefix (RFC
 * 4862), or by DHCPv6 (RFC 8415).
 *
 * The link-local address is used at once (as in RFC 4429, since the hub gives each of its Ethernet
 * addresses to one session only) and tested meanwhile; an address for the client is tested for
 * TEST_US before it is told. Where a router wants DHCPv6 (flag M), that has FALLBACK_US until a
 * prefix for autoconfiguration, if there is one, is taken instead. One timer serves all times.
 */

#include "core/base/log.h"
#include "core/base/random.h"
#include "core/hub/l3/l3_priv.h"
#include "core/net/checksum.h"
#include "core/net/eth.h"
#include "core/net/udp.h"

#include <string.h>

enum {
    SOLICITATIONS = 4, /* RFC 4861, 6.3.7, and one more in the beginning */
    SOLICIT_FIRST_US = 1000000,
    SOLICIT_US = 4000000,
    TEST_US = 1000000, /* RFC 4862, 5.1: RetransTimer */
    RETEST_US = 30000000,
    FALLBACK_US = 300000,
    CONFLICTS_MAX = 3,
    VALID_LEAST_S = 7200, /* RFC 4862, 5.5.3, e: no advertisement shortens it below that */
};
#define FOR_EVER UINT32_MAX
#define US       INT64_C(1000000)

static int64_t
until(int64_t now_us, uint32_t s)
{
    return s == FOR_EVER ? INT64_MAX : now_us + s * US;
}

/* ---- the one timer ---- */

static void
sooner(int64_t *due_us, int64_t us)
{
    if (us != 0 && us != INT64_MAX && (*due_us == 0 || us < *due_us))
        *due_us = us;
}

static void
arm(struct l3port *p)
{
    struct l3_v6 *v = &p->ip6;
    int64_t due_us = 0;

    if (v->solicitations > 0)
        sooner(&due_us, v->solicit_us);
    if (v->tested_from != L3_V6_NOWHERE)
        sooner(&due_us, v->tested_until_us);
    if (p->a.has6)
        sooner(&due_us, v->valid_us);
    sooner(&due_us, v->fallback_us);
    sooner(&due_us, v->report_us);
    sooner(&due_us, v->router_until_us);
    for (unsigned i = 0; i < v->n_prefix; i++)
        sooner(&due_us, v->prefix[i].until_us);
    if (due_us > 0)
        timer_arm(worker_timers(p->worker), &v->timer, due_us);
    else
        timer_cancel(worker_timers(p->worker), &v->timer);
}

/* ---- the address ---- */

/* The length that the client is told: of the prefix that the address is in. */
static uint8_t
length_of(const struct l3port *p, const uint8_t ip[16])
{
    if (p->ip6.from == L3_V6_FIXED)
        return p->fixed.ip6.len;
    for (unsigned i = 0; i < p->ip6.n_prefix; i++) {
        const struct l3_prefix *x = &p->ip6.prefix[i];
        if (l3_in_prefix(ip, x->prefix, x->len))
            return x->len;
    }
    return p->ip6.from == L3_V6_SLAAC ? 64 : 128;
}

static void
begin_test(struct l3port *p, const uint8_t ip[16], enum l3_source6 from, int64_t valid_us,
           int64_t now_us)
{
    struct l3_v6 *v = &p->ip6;

    memcpy(v->tested, ip, sizeof(v->tested));
    v->tested_from = from;
    v->tested_valid_us = valid_us;
    v->tested_until_us = now_us + TEST_US;
    l3_mld_report(p, now_us); /* RFC 4862, 5.4.2: listen first */
    l3_ndp_test(p, ip, now_us);
}

static void
take_address(struct l3port *p, int64_t now_us)
{
    struct l3_v6 *v = &p->ip6;

    memcpy(p->a.ip6, v->tested, sizeof(p->a.ip6));
    p->a.has6 = true;
    v->from = v->tested_from;
    v->valid_us = v->tested_valid_us;
    v->tested_from = L3_V6_NOWHERE;
    v->fallback_us = 0;
    if (v->from == L3_V6_SLAAC) { /* one address will do */
        dhcp6_client_stop(&v->dhcp, now_us);
        timer_cancel(worker_timers(p->worker), &v->dhcp_timer);
    }
    p->a.len6 = length_of(p, p->a.ip6);
    l3_ndp_announce(p, p->a.ip6, now_us);
    l3_changed(p);
}

static void
lose_address(struct l3port *p)
{
    p->a.has6 = false;
    p->a.len6 = 0;
    memset(p->a.ip6, 0, sizeof(p->a.ip6));
    p->ip6.from = L3_V6_NOWHERE;
    l3_changed(p);
}

static void
solicit_again(struct l3port *p, int64_t now_us)
{
    p->ip6.solicitations = SOLICITATIONS;
    p->ip6.solicit_us = now_us;
}

static void
test_fixed(struct l3port *p, int64_t now_us)
{
    begin_test(p, p->fixed.ip6.ip.b, L3_V6_FIXED, INT64_MAX, now_us);
}

/* Makes an address from the first prefix that is meant for it. After a conflict the half that is
 * ours is random (RFC 4862, 5.4.5 leaves it to us). */
static void
autoconfigure(struct l3port *p, int64_t now_us)
{
    const struct ndp_prefix *prefix = &p->ip6.candidate;
    uint8_t ip[16];

    if (!p->ip6.has_candidate || !p->ip6.may_autoconfigure || p->a.has6 ||
        p->ip6.tested_from != L3_V6_NOWHERE || p->ip6.conflicts >= CONFLICTS_MAX)
        return;
    memcpy(ip, prefix->prefix, 8);
    if (p->ip6.conflicts == 0) {
        ndp_interface_id(&p->mac, ip + 8);
    } else {
        random_bytes(ip + 8, 8);
        ip[8] &= (uint8_t)~2; /* not made from a hardware address */
    }
    begin_test(p, ip, L3_V6_SLAAC, until(now_us, prefix->valid_s), now_us);
}

/* ---- DHCPv6 ---- */

static void
arm_dhcp(struct l3port *p)
{
    if (p->ip6.dhcp.deadline_us > 0)
        timer_arm(worker_timers(p->worker), &p->ip6.dhcp_timer, p->ip6.dhcp.deadline_us);
    else
        timer_cancel(worker_timers(p->worker), &p->ip6.dhcp_timer);
}

static void
dhcp_send(void *owner, struct reader payload)
{
    static const uint8_t servers[16] = {0xff, 2, [13] = 1, [15] = 2};
    struct l3port *p = owner;
    uint8_t bytes[DHCP6_MESSAGE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct ip6 ip = {.next = IP_PROTO_UDP, .hop_limit = 1};
    struct udp udp = {.sport = DHCP6_CLIENT_PORT,
                      .dport = DHCP6_SERVER_PORT,
                      .len = (uint16_t)(UDP_HEADER + payload.left),
                      .body = payload};
    struct mac to;

    memcpy(ip.src, p->ip6.link_local, sizeof(ip.src));
    memcpy(ip.dst, servers, sizeof(ip.dst));
    udp_write(&w, &udp, csum_pseudo6(ip.src, ip.dst, IP_PROTO_UDP, udp.len));
    ndp_multicast_mac(ip.dst, &to);
    if (writer_ok(&w))
        l3_up6(p, &ip, &to, reader_of(bytes, w.len), worker_now_us(p->worker));
}

static void
dhcp_bound(void *owner, const struct dhcp6_lease *lease, bool changed)
{
    struct l3port *p = owner;
    struct l3_v6 *v = &p->ip6;
    bool is_same = p->a.has6 && memcmp(p->a.ip6, lease->ip, 16) == 0;

    if (!changed)
        return;
    if (lease->n_dns > 0) {
        v->n_dns = MIN(lease->n_dns, NDP_DNS_MAX);
        for (unsigned i = 0; i < v->n_dns; i++) {
            v->dns[i] = (struct ip){.family = 6};
            memcpy(v->dns[i].b, lease->dns[i], 16);
        }
    }
    if (is_same) {
        l3_changed(p);
        return;
    }
    v->fallback_us = 0;
    begin_test(p, lease->ip, L3_V6_DHCP, INT64_MAX, worker_now_us(p->worker)); /* lost() tells */
    arm(p);
}

static void
dhcp_lost(void *owner)
{
    struct l3port *p = owner;

    if (p->ip6.tested_from == L3_V6_DHCP)
        p->ip6.tested_from = L3_V6_NOWHERE;
    if (p->ip6.from == L3_V6_DHCP)
        lose_address(p);
}

static uint32_t
dhcp_random(void *owner)
{
    (void)owner;
    return random_u32();
}

static const struct dhcp6_client_ops dhcp_ops = {
    .send = dhcp_send, .bound = dhcp_bound, .lost = dhcp_lost, .random = dhcp_random};

static void
on_dhcp_timer(struct timer *t, int64_t now_us)
{
    struct l3port *p = container_of(t, struct l3port, ip6.dhcp_timer);

    dhcp6_client_tick(&p->ip6.dhcp, now_us);
    arm_dhcp(p);
    l3_flush(p, now_us);
}

void
l3_dhcp6_receive(struct l3port *p, struct reader payload, int64_t now_us)
{
    dhcp6_client_received(&p->ip6.dhcp, payload, now_us);
    arm_dhcp(p);
    l3_flush_later(p);
}

/* ---- conflicts ---- */

static void
decline(struct l3port *p, int64_t now_us)
{
    dhcp6_client_decline(&p->ip6.dhcp, now_us);
    arm_dhcp(p);
}

bool
l3_v6_conflict(struct l3port *p, const uint8_t ip[16], const struct mac *other, int64_t now_us)
{
    struct l3_v6 *v = &p->ip6;
    char text[IP_TEXT];
    char mac[MAC_TEXT];
    struct ip shown = {.family = 6};
    bool is_local = now_us < v->local_until_us && memcmp(ip, v->link_local, 16) == 0;
    bool is_tested = v->tested_from != L3_V6_NOWHERE && memcmp(ip, v->tested, 16) == 0;

    if (mac_equal(other, &p->mac) || (!is_local && !is_tested))
        return false;
    memcpy(shown.b, ip, sizeof(shown.b));
    log_warning("IPv6 address is in use", "session=%s address=%s by=%s", p->session->name,
                ip_print(&shown, text), mac_print(other, mac));
    if (is_local) {
        v->is_off = true;
        l3_v6_stop(p, now_us);
        return true;
    }
    enum l3_source6 from = v->tested_from;
    v->tested_from = L3_V6_NOWHERE;
    v->conflicts++;
    if (from == L3_V6_DHCP)
        decline(p, now_us);
    else if (from == L3_V6_SLAAC)
        autoconfigure(p, now_us);
    else if (from == L3_V6_FIXED)
        v->fallback_us = now_us + RETEST_US;
    arm(p);
    return true;
}

/* ---- routers ---- */

static void
note_prefix(struct l3port *p, const struct ndp_prefix *x, int64_t now_us)
{
    struct l3_v6 *v = &p->ip6;
    unsigned i = 0;

    if (l3_is_link_local(x->prefix))
        return;
    while (i < v->n_prefix &&
           (v->prefix[i].len != x->len || memcmp(v->prefix[i].prefix, x->prefix, 16) != 0))
        i++;
    if (x->valid_s == 0) {
        if (i < v->n_prefix)
            v->prefix[i] = v->prefix[--v->n_prefix];
        return;
    }
    if (i == NDP_PREFIX_MAX)
        return;
    if (i == v->n_prefix)
        v->n_prefix++;
    v->prefix[i] = (struct l3_prefix){
        .len = x->len, .on_link = x->on_link, .until_us = until(now_us, x->valid_s)};
    memcpy(v->prefix[i].prefix, x->prefix, 16);
}

static void
note_router(struct l3port *p, const uint8_t from[16], uint16_t lifetime_s, int64_t now_us)
{
    struct l3_v6 *v = &p->ip6;
    bool is_known = v->router_until_us != 0;
    bool is_this = is_known && memcmp(p->a.gateway6, from, 16) == 0;

    if (v->router_until_us == INT64_MAX || (is_known && !is_this))
        return; /* given by hand, or another one does it as long as it lives */
    if (lifetime_s > 0) {
        memcpy(p->a.gateway6, from, 16);
        v->router_until_us = now_us + lifetime_s * US;
    } else if (is_this) {
        memset(p->a.gateway6, 0, 16);
        v->router_until_us = 0;
    }
    l3_changed(p);
}

/* RFC 4862, 5.5.3. */
static bool
is_for_autoconfiguration(const struct ndp_prefix *x)
{
    return x->autonomous && x->len == 64 && x->valid_s > 0 && x->preferred_s <= x->valid_s &&
           !l3_is_link_local(x->prefix);
}

/* The same prefix again: the address lives longer, or, within limits, shorter. */
static void
refresh(struct l3port *p, const struct ndp_prefix *x, int64_t now_us)
{
    struct l3_v6 *v = &p->ip6;
    int64_t new_us = until(now_us, x->valid_s);
    int64_t least_us = now_us + VALID_LEAST_S * US;

    if (new_us > least_us || new_us > v->valid_us)
        v->valid_us = new_us;
    else if (v->valid_us > least_us)
        v->valid_us = least_us;
}

static void
consider_prefix(struct l3port *p, const struct ndp_router_advertisement *ra, int64_t now_us)
{
    struct l3_v6 *v = &p->ip6;
    const struct ndp_prefix *first = NULL;

    for (unsigned i = 0; i < ra->n_prefix; i++) {
        const struct ndp_prefix *x = &ra->prefix[i];
        if (!is_for_autoconfiguration(x))
            continue;
        if (v->from == L3_V6_SLAAC && l3_in_prefix(p->a.ip6, x->prefix, 64)) {
            refresh(p, x, now_us);
            return;
        }
        if (!first)
            first = x;
    }
    v->has_candidate = first != NULL;
    if (first)
        v->candidate = *first;
    autoconfigure(p, now_us);
}

/* Whether there is an address, or who is to give one. */
static void
consider(struct l3port *p, const struct ndp_router_advertisement *ra, int64_t now_us)
{
    struct l3_v6 *v = &p->ip6;

    if (p->fixed.ip6.ip.family == 6)
        return;
    if (!ra->managed) {
        v->may_autoconfigure = true;
    } else if (v->dhcp.state == DHCP6_STOPPED && v->from != L3_V6_SLAAC) {
        v->may_autoconfigure = false;
        v->fallback_us = now_us + FALLBACK_US;
        dhcp6_client_start(&v->dhcp, now_us);
        arm_dhcp(p);
    }
    consider_prefix(p, ra, now_us);
}

void
l3_v6_router(struct l3port *p, const uint8_t from[16], const struct ndp_router_advertisement *ra,
             int64_t now_us)
{
    struct l3_v6 *v = &p->ip6;

    v->solicitations = 0;
    note_router(p, from, ra->lifetime_s, now_us);
    for (unsigned i = 0; i < ra->n_prefix; i++)
        note_prefix(p, &ra->prefix[i], now_us);
    if (ra->mtu >= L3_MTU6_MIN)
        v->mtu = ra->mtu;
    if (ra->n_dns > 0 && v->dhcp.lease.n_dns == 0) {
        v->n_dns = ra->n_dns;
        for (unsigned i = 0; i < ra->n_dns; i++) {
            v->dns[i] = (struct ip){.family = 6};
            memcpy(v->dns[i].b, ra->dns[i], 16);
        }
        l3_changed(p);
    }
    if (p->v6 == L3PORT_V6_TOLD)
        consider(p, ra, now_us);
    arm(p);
}

/* ---- time ---- */

static void
expire(struct l3port *p, int64_t now_us)
{
    struct l3_v6 *v = &p->ip6;

    for (unsigned i = 0; i < v->n_prefix;) {
        if (now_us < v->prefix[i].until_us)
            i++;
        else
            v->prefix[i] = v->prefix[--v->n_prefix];
    }
    if (v->router_until_us != 0 && now_us >= v->router_until_us) {
        v->router_until_us = 0;
        memset(p->a.gateway6, 0, 16);
        solicit_again(p, now_us);
        l3_changed(p);
    }
    if (p->a.has6 && now_us >= v->valid_us) {
        lose_address(p);
        solicit_again(p, now_us);
    }
}

static void
on_timer(struct timer *t, int64_t now_us)
{
    struct l3port *p = container_of(t, struct l3port, ip6.timer);
    struct l3_v6 *v = &p->ip6;

    expire(p, now_us);
    if (v->tested_from != L3_V6_NOWHERE && now_us >= v->tested_until_us)
        take_address(p, now_us);
    if (v->fallback_us != 0 && now_us >= v->fallback_us) {
        v->fallback_us = 0;
        v->may_autoconfigure = true;
        if (p->fixed.ip6.ip.family == 6)
            test_fixed(p, now_us);
        else
            autoconfigure(p, now_us);
    }
    if (v->solicitations > 0 && now_us >= v->solicit_us) {
        bool first = v->solicitations == SOLICITATIONS;
        v->solicitations--;
        v->solicit_us = now_us + (first ? SOLICIT_FIRST_US : SOLICIT_US);
        l3_ndp_solicit_router(p, now_us);
    }
    if (v->report_us != 0 && now_us >= v->report_us) {
        v->report_us = 0;
        l3_mld_report(p, now_us);
    }
    arm(p);
    l3_flush(p, now_us);
}

void
l3_v6_queried(struct l3port *p, int64_t now_us)
{
    if (p->ip6.report_us != 0)
        return; /* one answer is enough for both */
    p->ip6.report_us = l3_mld_answer_us(now_us);
    arm(p);
}

/* ---- life ---- */

void
l3_v6_start(struct l3port *p, int64_t now_us)
{
    struct l3_v6 *v = &p->ip6;

    timer_init(&v->timer, on_timer);
    timer_init(&v->dhcp_timer, on_dhcp_timer);
    dhcp6_client_init(&v->dhcp, &p->mac, &dhcp_ops, p);
    ndp_link_local(&p->mac, v->link_local);
    if (p->v6 == L3PORT_V6_NONE)
        return;
    if (p->v6 == L3PORT_V6_TOLD) {
        l3_mld_report(p, now_us);
        l3_ndp_test(p, v->link_local, now_us);
        v->local_until_us = now_us + TEST_US;
        if (p->fixed.gateway6.family == 6) {
            memcpy(p->a.gateway6, p->fixed.gateway6.b, 16);
            v->router_until_us = INT64_MAX;
        }
        if (p->fixed.ip6.ip.family == 6)
            test_fixed(p, now_us);
    }
    solicit_again(p, now_us);
    arm(p);
}

void
l3_v6_stop(struct l3port *p, int64_t now_us)
{
    dhcp6_client_stop(&p->ip6.dhcp, now_us);
    timer_cancel(worker_timers(p->worker), &p->ip6.timer);
    timer_cancel(worker_timers(p->worker), &p->ip6.dhcp_timer);
    l3_client6_stop(p);
}
